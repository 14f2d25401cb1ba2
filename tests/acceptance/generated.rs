//! Files that are made from the code. `make bless` writes them; a stale one fails here.

use std::path::Path;

use messages::Notification;
use messages::answer::Answer;
use sandbox::{Sandbox, Story};
use serde_yaml_ng::Value;

use crate::deployment::{file, strings, template};
use crate::stories::run;

fn assert_generated(name: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    // Other tests read these files meanwhile: a file is written only where it changes.
    if found != content && std::env::var_os("BLESS").is_some() {
        return std::fs::write(&path, content).unwrap();
    }
    assert!(found == content, "{name} is stale: run `make bless` and read the difference");
}

fn assert_schema<T: facts::JsonSchema>(name: &str) {
    let schema = serde_json::to_string_pretty(&facts::schema_for::<T>()).unwrap();
    assert_generated(name, &(schema + "\n"));
}

#[test]
fn controls_md_is_the_checklist() {
    assert_generated("shared/checklist/CONTROLS.md", &checklist::controls::as_markdown());
}

#[test]
fn the_runbook_is_the_words_of_the_alerts() {
    assert_generated("docs/runbook.md", &messages::runbook());
}

#[test]
fn the_schema_of_the_answer_is_its_type() {
    assert_schema::<Answer>("docs/report.schema.json");
}

#[test]
fn the_schema_of_the_notification_is_its_type() {
    assert_schema::<Notification>("docs/notification.schema.json");
}

/// `text` with `content` between the marks called `name`.
fn filled(text: &str, name: &str, content: &str) -> String {
    let (before, rest) = text.split_once(&format!("<!-- {name}:")).expect("a beginning");
    let (mark, _) = rest.split_once("-->").expect("its end");
    let end = format!("<!-- /{name} -->");
    let (_, after) = rest.split_once(&end).expect("an end");
    format!("{before}<!-- {name}:{mark}-->\n{content}{end}{after}")
}

#[test]
fn configuration_md_has_the_parameters_of_the_template() {
    let text = file("docs/configuration.md");
    assert_generated("docs/configuration.md", &filled(&text, "parameters", &table_of_parameters(&template())));
}

#[test]
fn permissions_md_has_the_policy_of_what_a_dry_run_calls() {
    let actions: Vec<String> = aws::read_actions().iter().map(|action| format!("        \"{action}\"")).collect();
    let policy = format!(
        "```json\n{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {{\n      \"Effect\": \"Allow\",\n      \"Action\": [\n{}\n      ],\n      \
         \"Resource\": \"*\"\n    }}\n  ]\n}}\n```\n",
        actions.join(",\n")
    );
    assert_generated("docs/permissions.md", &filled(&file("docs/permissions.md"), "policy", &policy));
}

/// Lines of the email that the README shows.
const SHOWN: usize = 15;

/// Both in one test: two that write one file would overwrite each other.
#[tokio::test]
async fn the_readme_has_an_alert_of_a_story_and_the_cost_of_the_recorded_figures() {
    let mut story = Story::load("critical-root-signs-in-without-mfa-and-creates-a-key");
    story.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    let sandbox = Sandbox::start(story.clone()).await;
    run(&sandbox, &story).await.unwrap();
    let published = sandbox.published();
    let email = format!("Subject: {}\n\n{}", published[0].subject, published[0].bodies["default"]);
    let shown = email.lines().take(SHOWN).collect::<Vec<_>>().join("\n");
    assert!(email.lines().count() > SHOWN && !shown.contains("```"));
    let readme = filled(&file("README.md"), "alert", &format!("```text\n{}\n…\n```\n", shown.trim_end()));
    let cost = sandbox::cost::Measured::recorded().in_short() + " [Every item, as measured](docs/cost.md).\n";
    assert_generated("README.md", &filled(&readme, "cost", &cost));
}

#[test]
fn cost_md_is_what_the_recorded_figures_cost() {
    assert_generated("docs/cost.md", &sandbox::cost::Measured::recorded().document());
}

fn table_of_parameters(template: &Value) -> String {
    let parameters = template["Parameters"].as_mapping().unwrap();
    let rows = parameters.iter().map(|(name, parameter)| {
        let description = parameter["Description"].as_str().unwrap();
        // An example is for the console; docs/configuration.md has its own.
        let meaning = description.split(" Example:").next().unwrap().replace('|', "\\|");
        let default = match scalar(&parameter["Default"]).as_str() {
            "" => "none".to_owned(),
            default => format!("`{default}`"),
        };
        format!("| `{}` | {default} | {meaning}{} |\n", name.as_str().unwrap(), choice(parameter))
    });
    format!("| parameter | default | meaning |\n|---|---|---|\n{}", rows.collect::<String>())
}

/// What else may be chosen; more than a few values are in the template alone.
fn choice(parameter: &Value) -> String {
    let default = scalar(&parameter["Default"]);
    let others: Vec<String> =
        strings(&parameter["AllowedValues"]).into_iter().filter(|value| *value != default).collect();
    match (parameter["MinValue"].as_i64(), parameter["MaxValue"].as_i64()) {
        (Some(least), Some(most)) => format!(" {least} to {most}."),
        _ if others.is_empty() => String::new(),
        _ => format!(" Or {}.", others.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => panic!("no default"),
    }
}
