//! The head and the foot of the page: which account, when, by whom, and what cannot be shown.

use checklist::read_errors::by_cause;
use facts::Severity;
use maud::{Markup, html};

use super::words::{age, capitalised, counted, icon, quoted, time, told};
use super::{OLD, Page};
use crate::history;
use crate::stored::Stored;

/// Causes of read errors that are listed at the top.
const CAUSES: usize = 10;

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
            (verdict(page))
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

/// The check in one sentence, above everything else: an old report says first that it is old.
pub(super) fn headline(page: &Page<'_>) -> String {
    let mut summary = page.report.summary();
    summary.outdated_since = page.report.taken_at.filter(|at| page.made_at.duration_since(*at) > OLD);
    capitalised(&summary.headline())
}

fn verdict(page: &Page<'_>) -> Markup {
    let summary = page.report.summary();
    let class = match () {
        () if summary.worst >= Some(Severity::High) => "failed",
        () if !summary.is_complete() => "unknown",
        () if summary.failed > 0 => "failed",
        () if summary.suppressed > 0 => "not-applicable",
        () => "passed",
    };
    html! { p class={"verdict " (class)} { (icon(class)) strong { (quoted(&headline(page))) "." } } }
}

/// What could not be read, by cause, before anything that rests on it.
pub(super) fn read_errors(page: &Page<'_>) -> Markup {
    let errors = by_cause(page.report.sources.iter().filter_map(|state| state.error.as_ref()));
    html! {
        @if !errors.is_empty() {
            section #read-errors .notice aria-labelledby="read-errors-title" {
                h2 #read-errors-title { (icon("unknown")) "Read errors" }
                p { "UNKNOWN is no all-clear: what could not be read may hide something." }
                @for errors in errors.iter().take(CAUSES) {
                    div.fault {
                        p { b { (quoted(&capitalised(&errors.to_string()))) } "." }
                        p.soft { (errors.remedy()) }
                    }
                }
                @if errors.len() > CAUSES { p.note { (counted(errors.len() - CAUSES, "more cause", "more causes")) ": see Sources." } }
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
    if let Some(old) = report.taken_at.map(|at| page.made_at.duration_since(at)).filter(|age| *age > OLD) {
        said.push(format!(
            "The report was {} old when this page was made: newer ones are missing, look why.",
            age(old.as_secs())
        ));
    }
    said.extend(report.missing.iter().cloned());
    if report.taken_at.is_some() && !report.complete {
        said.push(incomplete(report));
    }
    for (field, count) in &report.cut {
        let entries = counted(*count, "entry", "entries");
        let were = if *count == 1 { "was" } else { "were" };
        said.push(format!("{entries} of `{field}` {were} left out of the report, so that Lambda could pass it on."));
    }
    if history.runs.is_empty() {
        said.push("There is no history yet: since when something is open, and the days before, are not known.".into());
    }
    if !history.schema.is_empty() && history.schema != history::SCHEMA {
        said.push(format!(
            "The history is of schema `{}`, this page of `{}`: what is newer in it is not shown.",
            facts::text::bounded(&history.schema),
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
        let are = if history.acts_left_out == 1 { "is" } else { "are" };
        said.push(format!("{acts} beyond those that the history keeps {are} only counted."));
    }
    said
}

/// Why, as far as the report tells.
fn incomplete(report: &Stored) -> String {
    let unread = report.sources.iter().any(|state| state.error.is_some());
    let unread = unread.then(|| "not all could be read (see Sources)".to_owned());
    let waiting = report.untold.filter(|count| *count > 0);
    let waiting = waiting
        .map(|count| format!("{} to be told (see the function's log)", counted(count, "alert waits", "alerts wait")));
    let why: Vec<String> = unread.into_iter().chain(waiting).collect();
    if why.is_empty() {
        return "The run was not complete: see the function's log.".into();
    }
    format!("The run was not complete: {}.", why.join(", and "))
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
