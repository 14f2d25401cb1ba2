//! The data sources: each with its age, or why it could not be read; every call to AWS.

use checklist::source_state::SourceState;
use facts::call::Call;
use maud::{Markup, html};

use super::Page;
use super::words::{age, capitalised, counted, heads, number, quoted, time, untrusted};

/// Most calls that are listed.
const LISTED: usize = 500;

pub(super) fn section(page: &Page<'_>) -> Markup {
    let sources = &page.report.sources;
    let unread: Vec<_> = sources.iter().filter(|state| state.error.is_some()).collect();
    html! {
        section #sources aria-labelledby="sources-title" {
            h2 #sources-title { "Data sources" }
            p.lead {
                @if sources.is_empty() { "The report names no source that can be read." }
                @else if unread.is_empty() { (counted(sources.len(), "source", "sources")) ", all read completely." }
                @else { (number(unread.len())) " of " (counted(sources.len(), "source", "sources")) " could not be read completely or not renewed: see " a href="#read-errors" { "Read errors" } "." }
            }
            @if let Some(sha256) = sources.iter().find_map(|state| state.sha256.as_ref()) {
                p { "SHA-256 of the credential report as IAM wrote it: " code.hash { (untrusted(sha256)) } }
            }
            @if !sources.is_empty() { (list(page, sources)) }
            (calls(page, &page.report.calls))
        }
    }
}

fn list(page: &Page<'_>, sources: &[SourceState]) -> Markup {
    html! {
        details {
            summary { "Data freshness: every source with its age" }
            div.scroll tabindex="0" role="region" aria-label="Table of data sources" {
                table.sources {
                    caption.hidden { "Data sources" }
                    (heads(&["Source", "Region", "As of", "Age", "Read"]))
                    tbody {
                        @for state in sources {
                            tr {
                                td { (capitalised(&state.source.to_string())) }
                                td { @if let Some(region) = &state.region { (untrusted(region)) } @else { "–" } }
                                td { @if let Some(at) = state.as_of { (time(at, page.now())) } @else { "–" } }
                                td { (aged(state)) }
                                td { @if let Some(error) = &state.error { (quoted(&error.cause.to_string(), page.now())) } @else { "yes" } }
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

fn calls(page: &Page<'_>, calls: &[Call]) -> Markup {
    html! {
        @if !calls.is_empty() {
            details {
                summary { "Every call to AWS (" (number(calls.len())) ")" }
                div.scroll tabindex="0" role="region" aria-label="Calls to AWS" {
                    table.calls {
                        caption.hidden { "Calls to AWS, in the order in which they ended" }
                        (heads(&["Time", "Operation", "Region", "Status", "Request ID"]))
                        tbody {
                            @for call in calls.iter().take(LISTED) {
                                tr {
                                    td { (time(call.at, page.now())) } td { (untrusted(&call.operation)) } td { (untrusted(&call.region)) }
                                    td { @if let Some(status) = call.status { (status) } @else { "no answer" } }
                                    td { code.hash { @if let Some(id) = &call.request_id { (untrusted(id)) } @else { "–" } } }
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
