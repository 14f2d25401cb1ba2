//! What the owner states, what was chosen, and the chain that the report is a part of.

use checklist::controls::control;
use checklist::declarations::{Attestation, Exception, Statement};
use maud::{Markup, html};
use serde_json::Value;

use super::Page;
use super::words::{capitalised, heads, sentence, time, told};

/// In place of what is absent: that there is nothing would be a fact of its own.
const UNTOLD: &str = "The report does not tell.";

pub(super) fn section(page: &Page<'_>) -> Markup {
    let declarations = &page.report.declarations;
    html! {
        section #declarations aria-labelledby="declarations-title" {
            h2 #declarations-title { "Exceptions, statements, settings" }
            h3 { "Exceptions" }
            (exceptions(page, &declarations.exceptions))
            h3 { "Statements about what AWS does not tell" }
            (statements(page, &declarations.attestations))
            h3 { "Settings that judged" }
            (settings(page))
            h3 { "Evidence" }
            (evidence(page))
        }
    }
}

fn exceptions(page: &Page<'_>, exceptions: &[Exception]) -> Markup {
    html! {
        @if !page.report.tells("declarations") { p { (UNTOLD) } }
        @else if exceptions.is_empty() { p { "None: every control counts." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Exceptions" {
                table {
                    caption.hidden { "Exceptions" }
                    (heads(&["Control", "For", "Why", "Who answers", "Until", "State"]))
                    tbody {
                        @for exception in exceptions {
                            tr {
                                td { (told(&exception.control)) }
                                td { @if let Some(resource) = &exception.resource { (told(resource)) } @else { "all of it" } }
                                td { (told(&exception.reason)) } td { (told(&exception.owner)) }
                                td.nowrap { (time(exception.until)) }
                                td { (force(!exception.is_expired(page.now()), "in force", "expired")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn statements(page: &Page<'_>, stated: &[Attestation]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Statements" {
            table {
                caption.hidden { "Statements" }
                (heads(&["Statement", "By", "On", "Holds until", "State"]))
                tbody {
                    @for statement in Statement::ALL {
                        tr {
                            td { (capitalised(statement.words())) }
                            @match stated.iter().find(|attestation| attestation.statement == *statement) {
                                Some(attestation) => {
                                    td { (told(&attestation.by)) }
                                    td.nowrap { (time(attestation.on)) } td.nowrap { (time(attestation.lapses_at())) }
                                    td { (force(!attestation.is_lapsed(page.now()), "in force", "lapsed")) }
                                }
                                None => {
                                    td { "–" } td { "–" } td { "–" }
                                    td { (if page.report.tells("declarations") { "not stated" } else { "unknown" }) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn force(is_in_force: bool, yes: &str, no: &str) -> Markup {
    html! { span class={"force " (if is_in_force { "yes" } else { "no" })} { (if is_in_force { yes } else { no }) } }
}

fn settings(page: &Page<'_>) -> Markup {
    let report = page.report;
    html! {
        dl {
            @for (name, value) in &report.settings { dt { (told(&name.replace('_', " "))) } dd { (told(&setting(value))) } }
            dt { "refused and ignored" }
            dd {
                @if !report.tells("refused_settings") { "unknown" } @else if report.refused_settings.is_empty() { "none" }
                @for refused in &report.refused_settings { p { (sentence(&refused.to_string())) } }
            }
            dt { "controls left out" }
            dd {
                @if !report.tells("left_out") { "unknown" } @else if report.left_out.is_empty() { "none" }
                @for (place, id) in report.left_out.iter().enumerate() {
                    @if place > 0 { ", " }
                    (told(id)) @if let Some(control) = control(id) { " (" (control.title) ")" }
                }
            }
        }
    }
}

fn setting(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(entries) if entries.is_empty() => "none".into(),
        Value::Array(entries) => entries.iter().map(setting).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn evidence(page: &Page<'_>) -> Markup {
    html! {
        @match &page.report.previous {
            Some(previous) => {
                dl {
                    dt { "report before this one" } dd { code.hash { (told(&previous.key)) } }
                    dt { "its SHA-256" } dd { code.hash { (told(&previous.sha256)) } }
                }
            }
            None if !page.report.tells("previous") => p { (UNTOLD) },
            None => p { "This report names none before it: it is the first of its chain, or the chain was begun anew." },
        }
        p.soft { "A report that is missing or was edited breaks the chain: " code { "make verify-evidence" } " says where." }
    }
}
