//! Files that are made from the code. `make bless` writes them; a stale one fails here.

use std::path::Path;

use checklist::message::Notification;
use checklist::report::Answer;
use serde_yaml_ng::Value;

use crate::deployment::{file, strings, template};

fn assert_generated(name: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, content).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == content, "{name} is stale: run `make bless` and read the difference");
}

fn assert_schema<T: checklist::JsonSchema>(name: &str) {
    let schema = serde_json::to_string_pretty(&checklist::schema_for::<T>()).unwrap();
    assert_generated(name, &(schema + "\n"));
}

#[test]
fn controls_md_is_the_checklist() {
    assert_generated("shared/checklist/CONTROLS.md", &checklist::controls::as_markdown());
}

#[test]
fn the_runbook_is_the_words_of_the_alerts() {
    assert_generated("docs/runbook.md", &checklist::message::runbook());
}

#[test]
fn the_schema_of_the_answer_is_its_type() {
    assert_schema::<Answer>("docs/report.schema.json");
}

#[test]
fn the_schema_of_the_notification_is_its_type() {
    assert_schema::<Notification>("docs/notification.schema.json");
}

#[test]
fn the_parameters_in_the_readme_are_those_of_the_template() {
    let readme = file("README.md");
    let (before, rest) = readme.split_once("<!-- parameters:").expect("a beginning");
    let (mark, _) = rest.split_once("-->").expect("its end");
    let (_, after) = rest.split_once("<!-- /parameters -->").expect("an end");
    let table = table_of_parameters(&template());
    assert_generated("README.md", &format!("{before}<!-- parameters:{mark}-->\n{table}<!-- /parameters -->{after}"));
}

fn table_of_parameters(template: &Value) -> String {
    let parameters = template["Parameters"].as_mapping().unwrap();
    let rows = parameters.iter().map(|(name, parameter)| {
        let description = parameter["Description"].as_str().unwrap();
        // An example is for the console; the README has its own.
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
