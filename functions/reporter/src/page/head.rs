//! The head and the foot of the page: which account, when, by whom, and what cannot be shown.

use maud::{Markup, html};

use super::Page;
use super::words::{age, capitalised, counted, icon, quoted, time, told};
use crate::history;

/// From this age on a report says that it is old: it is made every hour. Seconds.
const OLD: i64 = 3 * 3_600;

pub(super) fn header(page: &Page<'_>) -> Markup {
    let report = page.report;
    html! {
        header.top {
            p.product { "rootwatch" }
            h1 {
                @match &report.account {
                    Some(account) => {
                        @if let Some(alias) = &account.alias { (told(alias)) " " span.id { (account.id) } }
                        @else { "AWS account " (account.id) }
                    }
                    None => "An account that the report does not name",
                }
            }
            p.facts {
                @match report.taken_at {
                    Some(at) => span { "Report of " (time(at)) }
                    None => span { "The report does not tell when it was made" }
                }
                @if let Some(score) = &report.score { span.score { (capitalised(&score.to_string())) } }
                @if !report.version.is_empty() { span { "rootwatch " (told(&report.version)) } }
            }
        }
    }
}

/// What the page lacks, a sentence each; nothing when it lacks nothing.
pub(super) fn missing(page: &Page<'_>) -> Markup {
    let said = sentences(page);
    html! {
        @if !said.is_empty() {
            section.notice aria-labelledby="missing" {
                h2 #missing { (icon("unknown")) "What this page cannot show" }
                ul { @for sentence in &said { li { (quoted(sentence)) } } }
            }
        }
    }
}

fn sentences(page: &Page<'_>) -> Vec<String> {
    let (report, history) = (page.report, page.history);
    let mut said = Vec::new();
    if let Some(seconds) = report.taken_at.map(|at| page.made_at.duration_since(at).as_secs()).filter(|age| *age > OLD)
    {
        said.push(format!(
            "The report was {} old when this page was made: newer ones are missing, look why.",
            age(seconds)
        ));
    }
    said.extend(report.missing.iter().cloned());
    if report.taken_at.is_some() && !report.complete {
        said.push("The run was not complete: something could not be read, or not be told. See Sources.".into());
    }
    for (field, count) in &report.cut {
        let entries = counted(*count, "entry", "entries");
        said.push(format!("{entries} of `{field}` were left out of the report, so that Lambda could pass it on."));
    }
    if history.runs.is_empty() {
        said.push("There is no history yet: since when something is open, and the days before, are not known.".into());
    }
    if !history.schema.is_empty() && history.schema != history::SCHEMA {
        said.push(format!(
            "The history is of schema `{}`, this page of `{}`: what is newer in it is not shown.",
            checklist::text::bounded(&history.schema),
            history::SCHEMA
        ));
    }
    if let Some(at) = history.rebuilt_at {
        said.push(format!(
            "The history was missing or damaged and was made anew from the reports at {}: what no report tells is lost.",
            super::words::moment(at)
        ));
    }
    if let (Some(of_history), Some(account)) = (&history.account, &report.account)
        && *of_history != account.id
    {
        said.push(format!("The history is of another account, {of_history}: it is shown, and should not be believed."));
    }
    if history.acts_left_out > 0 {
        let acts = counted(history.acts_left_out, "act of root", "acts of root");
        said.push(format!("{acts} beyond those that the history keeps are only counted."));
    }
    said
}

pub(super) fn footer(page: &Page<'_>) -> Markup {
    let runs = page.history.runs.iter().map(|run| run.runs).sum();
    html! {
        footer {
            p {
                "Made at " (time(page.made_at)) " from one report and a history of " (counted(runs, "run", "runs")) ". "
                "This file asks nothing of anybody: no picture, script or font comes from elsewhere."
            }
            p {
                "The report itself, and those before it, lie in the report bucket. Each names the one before by its SHA-256: "
                code { "make verify-evidence" } " checks that none is missing and none was changed."
            }
        }
    }
}
