//! What the report rests on: each source with its age, what could not be read, every call.

use checklist::read_errors::{ReadErrors, by_cause};
use checklist::source_state::SourceState;
use facts::call::Call;
use maud::{Markup, html};

use super::Page;
use super::words::{age, capitalised, counted, heads, number, quoted, time, told};

/// Most calls that are listed.
const LISTED: usize = 500;

pub(super) fn section(page: &Page<'_>) -> Markup {
    let sources = &page.report.sources;
    let unread: Vec<_> = sources.iter().filter(|state| state.error.is_some()).collect();
    html! {
        section #sources aria-labelledby="sources-title" {
            h2 #sources-title { "What it rests on" }
            p.lead {
                @if sources.is_empty() { "The report names no source that can be read." }
                @else if unread.is_empty() { (counted(sources.len(), "source was read", "sources were read")) ", each of them whole." }
                @else { (number(unread.len())) " of " (counted(sources.len(), "source", "sources")) " could not be read whole, or not renewed. What is not read is unknown." }
            }
            @for errors in by_cause(unread.iter().filter_map(|state| state.error.as_ref())) { (fault(&errors)) }
            @if let Some(sha256) = sources.iter().find_map(|state| state.sha256.as_ref()) {
                p { "SHA-256 of the credential report as IAM wrote it: " code.hash { (told(sha256)) } }
            }
            @if !sources.is_empty() { (list(sources)) }
            (calls(&page.report.calls))
        }
    }
}

/// Errors of one cause; the table below has each source.
fn fault(errors: &ReadErrors<'_>) -> Markup {
    html! {
        div.fault {
            p { b { (quoted(&capitalised(&errors.to_string()))) } "." }
            p.soft { (errors.remedy()) }
        }
    }
}

fn list(sources: &[SourceState]) -> Markup {
    html! {
        details {
            summary { "Every source with its age" }
            div.scroll tabindex="0" role="region" aria-label="Sources" {
                table {
                    caption.hidden { "Sources" }
                    (heads(&["Source", "Region", "As of", "Age", "Read"]))
                    tbody {
                        @for state in sources {
                            tr {
                                td { (capitalised(&state.source.to_string())) }
                                td.nowrap { @if let Some(region) = &state.region { (told(region)) } @else { "–" } }
                                td.nowrap { @if let Some(at) = state.as_of { (time(at)) } @else { "–" } }
                                td.nowrap { (aged(state)) }
                                td { @if let Some(error) = &state.error { (quoted(&error.cause.to_string())) } @else { "whole" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn aged(state: &SourceState) -> String {
    match state.age_seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)) {
        None => "–".into(),
        Some(0..60) => "live".into(),
        Some(seconds) => age(seconds),
    }
}

fn calls(calls: &[Call]) -> Markup {
    html! {
        @if !calls.is_empty() {
            details {
                summary { "Every call to AWS (" (number(calls.len())) ")" }
                div.scroll tabindex="0" role="region" aria-label="Calls to AWS" {
                    table {
                        caption.hidden { "Calls to AWS in the order of their ends" }
                        (heads(&["At", "Operation", "Region", "Status", "Request id"]))
                        tbody {
                            @for call in calls.iter().take(LISTED) {
                                tr {
                                    td.nowrap { (time(call.at)) } td { (told(&call.operation)) } td.nowrap { (told(&call.region)) }
                                    td { @if let Some(status) = call.status { (status) } @else { "no answer" } }
                                    td { code.hash { @if let Some(id) = &call.request_id { (told(id)) } @else { "–" } } }
                                }
                            }
                        }
                    }
                }
                @if calls.len() > LISTED { p.note { (number(calls.len() - LISTED)) " more in the report." } }
            }
        }
    }
}
