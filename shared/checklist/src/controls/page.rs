//! The checklist as a page for people: `CONTROLS.md`.

use std::cmp::Reverse;

use facts::source::{Cause, Source, Unavailable};

use super::CHECKLIST;
use super::recommendations::RECOMMENDERS;
use crate::control::{Control, place};
use crate::framework::Framework;
use crate::read_errors::UNJUDGED;

/// `CONTROLS.md`: the controls at a glance, the recommendations that they cover, and a section for each.
pub fn as_markdown() -> String {
    let mut page = String::from(
        "# Controls\n\n<!-- Generated from shared/checklist/src/controls by `make bless`. -->\n\n\
         A control is `passed`, `failed`, `not_applicable` or `unknown`. Anything that could not be read is unknown, never passed. The parameters `Controls` and `DisabledControls` choose which controls are evaluated.\n\n## At a glance\n\n\
         By step and severity, with the framework mapping. A framework's rule may be narrower or wider; the section of the control describes the difference.\n\n",
    );
    page.push_str("| step | control | severity |");
    for framework in Framework::ALL {
        page.push_str(&format!(" {} |", framework.to_string().replace(" AWS Foundations", "")));
    }
    page.push_str(&format!("\n|---|---|---|{}\n", "---|".repeat(Framework::ALL.len())));
    let mut controls: Vec<&Control> = CHECKLIST.to_vec();
    controls.sort_by_key(|control| (control.step.map_or(u8::MAX, |step| step.number()), Reverse(control.severity)));
    for control in controls {
        let step = control.step.map_or_else(|| "baseline".into(), |step| format!("{} {}", step.number(), step.title()));
        page.push_str(&format!("| {step} | [`{id}`](#{id}) | {} |", severity(control), id = control.id));
        for framework in Framework::ALL {
            page.push_str(&format!(" {} |", names(control, *framework, |name| name.to_owned()).join("<br>")));
        }
        page.push('\n');
    }
    unknown(&mut page);
    recommendations(&mut page);
    for control in CHECKLIST {
        section(&mut page, control);
    }
    page
}

/// What to do about a control that could not be evaluated: never its own remediation, which is for a failure.
fn unknown(page: &mut String) {
    page.push_str("\n## If a control is unknown\n\nMake it readable first. The remediation of a control is for a control that failed.\n\n");
    page.push_str("| what happened | how to make it readable |\n|---|---|\n");
    let code = |code: &str| code.to_owned();
    for (what, cause) in [
        ("the call was denied", Cause::Denied { code: code("AccessDenied") }),
        ("the Region refuses the credentials", Cause::Denied { code: code("UnrecognizedClientException") }),
        ("the call was throttled", Cause::Throttled { code: code("Throttling") }),
        ("the call failed", Cause::Refused { code: code("ServiceFailure") }),
        ("no answer in time, or no connection", Cause::TimedOut),
        ("an answer that cannot be used", Cause::Malformed { detail: String::new() }),
        ("no credential report, or one of more than 24 hours ago", Cause::NotReady),
        ("the run ran out of time", Cause::OutOfTime),
        ("a defect of rootwatch", Cause::Internal),
    ] {
        let error = Unavailable { source: Source::AccountSummary, operation: String::new(), cause };
        page.push_str(&format!("| {what} | {} |\n", error.remedy()));
    }
    page.push_str(&format!("| everything was read | {UNJUDGED} |\n"));
}

fn recommendations(page: &mut String) {
    page.push_str(
        "\n## References by source\n\nThe recommendations of each source, and the controls that cover them.\n",
    );
    for recommender in RECOMMENDERS {
        page.push_str(&format!("\n### [{}]({})\n\n", recommender.name, recommender.url));
        page.push_str("| recommendation | control | limits |\n|---|---|---|\n");
        for recommendation in recommender.recommendations {
            let controls: Vec<String> = recommendation.controls.iter().map(|id| format!("[`{id}`](#{id})")).collect();
            let controls = if controls.is_empty() { "none".to_owned() } else { controls.join(", ") };
            page.push_str(&format!("| {} | {controls} | {} |\n", recommendation.text, recommendation.note));
        }
    }
}

fn section(page: &mut String, control: &Control) {
    let sources: Vec<String> = control.sources.iter().map(Source::to_string).collect();
    page.push_str(&format!(
        "\n## {}\n\n**{}** ({}, {})\n\n{}\n\n*Evaluation:* {}\n\n*Data sources:* {}.\n\n*Fix in the console:*\n\n",
        control.id,
        control.title,
        place(control.step),
        severity(control),
        control.rationale,
        control.semantics,
        sources.join(", "),
    ));
    for (number, step) in (1..).zip(control.remediation.console) {
        page.push_str(&format!("{number}. {step}\n"));
    }
    page.push_str(&format!("\n*Fix with the AWS CLI:*\n\n```sh\n{}\n```\n\n", control.remediation.cli.join("\n")));
    for framework in Framework::ALL {
        let links = names(control, *framework, |name| format!("[{name}]({})", framework.url(name)));
        if !links.is_empty() {
            page.push_str(&format!("- {framework}: {}\n", links.join(", ")));
        }
    }
    for reference in control.references {
        page.push_str(&format!("- [{}]({})\n", reference.name, reference.url));
    }
}

fn severity(control: &Control) -> String {
    control.severity.to_string().to_lowercase()
}

fn names(control: &Control, framework: Framework, shown: impl Fn(&str) -> String) -> Vec<String> {
    control.mappings.iter().filter(|(of, _)| *of == framework).map(|(_, name)| shown(name)).collect()
}
