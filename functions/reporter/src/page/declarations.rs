//! Exceptions, attestations, evaluation settings, and the chain that the report is a part of.

use checklist::controls::control;
use checklist::declarations::{Attestation, Exception, Statement};
use maud::{Markup, html};
use serde_json::Value;

use super::Page;
use super::words::{capitalised, heads, sentence, time, untrusted};

/// In place of what is absent: "none" would be a fact of its own.
const ABSENT: &str = "The report does not say.";

pub(super) fn section(page: &Page<'_>) -> Markup {
    let declarations = &page.report.declarations;
    html! {
        section #declarations aria-labelledby="declarations-title" {
            h2 #declarations-title { "Exceptions, attestations, settings" }
            h3 { "Exceptions" }
            (exceptions(page, &declarations.exceptions))
            h3 { "Attested" }
            (attested(page, &declarations.attestations))
            h3 { "Evaluation settings" }
            (settings(page))
            div.chain { h3 { "Evidence" } (evidence(page)) }
        }
    }
}

fn exceptions(page: &Page<'_>, exceptions: &[Exception]) -> Markup {
    html! {
        @if !page.report.has("declarations") { p { (ABSENT) } }
        @else if exceptions.is_empty() { p { "None." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Exceptions" {
                table.exceptions {
                    caption.hidden { "Exceptions" }
                    (heads(&["Control", "Resource", "Reason", "Owner", "Until", "State"]))
                    tbody {
                        @for exception in exceptions {
                            tr {
                                td { (untrusted(&exception.control)) }
                                td { @if let Some(resource) = &exception.resource { (untrusted(resource)) } @else { "all" } }
                                td { (untrusted(&exception.reason)) } td { (untrusted(&exception.owner)) }
                                td { (time(exception.until, page.now())) }
                                td { (force(!exception.is_expired(page.now()), "in force", "expired")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn attested(page: &Page<'_>, attestations: &[Attestation]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Attestations" {
            table.attested {
                caption.hidden { "Attestations" }
                (heads(&["Attestation", "By", "On", "Valid until", "State"]))
                tbody {
                    @for statement in Statement::ALL {
                        tr {
                            td { (capitalised(statement.words())) }
                            @match attestations.iter().find(|attestation| attestation.statement == *statement) {
                                Some(attestation) => {
                                    td { (untrusted(&attestation.by)) }
                                    td { (time(attestation.on, page.now())) } td { (time(attestation.lapses_at(), page.now())) }
                                    td { (force(!attestation.is_lapsed(page.now()), "valid", "expired")) }
                                }
                                None => {
                                    td { "–" } td { "–" } td { "–" }
                                    td { (if page.report.has("declarations") { "not attested" } else { "unknown" }) }
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
            @for (name, value) in &report.settings { dt { (untrusted(&name.replace('_', " "))) } dd { (untrusted(&setting(value))) } }
            dt { "refused and ignored" }
            dd {
                @if !report.has("refused_settings") { "unknown" } @else if report.refused_settings.is_empty() { "none" }
                @for refused in &report.refused_settings { p { (sentence(&refused.to_string(), page.now())) } }
            }
            dt { "disabled controls" }
            dd {
                @if !report.has("left_out") { "unknown" } @else if report.left_out.is_empty() { "none" }
                @for (place, id) in report.left_out.iter().enumerate() {
                    @if place > 0 { ", " }
                    (untrusted(id)) @if let Some(control) = control(id) { " (" (control.title) ")" }
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
                    dt { "report before this one" } dd { code.hash { (untrusted(&previous.key)) } }
                    dt { "its SHA-256" } dd { code.hash { (untrusted(&previous.sha256)) } }
                }
            }
            None if !page.report.has("previous") => p { (ABSENT) },
            None => p { "This report names no report before it: it is the first of its chain, or the chain was started again." },
        }
        p.soft { "A missing or edited report breaks the chain: " code { "make verify-evidence" } " shows where." }
    }
}
