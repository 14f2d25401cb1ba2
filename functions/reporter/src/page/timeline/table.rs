//! The table of root activity: the newest five at once, the others on demand.

use facts::root_activity::Mfa;
use facts::text::bounded;
use facts::{RootActivity, Severity};
use maud::{Markup, html};

use super::LISTED;
use crate::page::Page;
use crate::page::words::{badge, capitalised, counted, distance, moment, number, untrusted};

/// Rows that are shown at once; the style sheet has the same number.
const ROWS: usize = 5;
const COLUMNS: [&str; 9] =
    ["Time", "Severity", "Action", "Source IP", "User agent", "MFA", "Planned", "Region", "Event"];

pub(super) fn section(page: &Page<'_>, actions: &[&RootActivity]) -> Markup {
    let shown = actions.iter().take(LISTED).filter(|action| action.is_told()).count();
    html! {
        @if !actions.is_empty() {
            div.table #activity data-table="activity" data-size=(ROWS) data-paper="6" {
                div.tools hidden {
                    label { "Find " input.find type="search" autocomplete="off" spellcheck="false"; }
                    label { "Show "
                        select.tag {
                            option value="" { "all root actions" }
                            option value="severe" { "high and critical" }
                            option value="nomfa" { "without MFA" }
                            option value="unplanned" { "not planned" }
                        }
                    }
                    p.shown role="status" {}
                }
                @if shown > ROWS {
                    p.choice.still { label { input #all-activity type="checkbox" autocomplete="off"; " Show all " (number(shown)) " root actions" } }
                }
                div.scroll tabindex="0" role="region" aria-label="Table of root activity" {
                    table.activity {
                        caption.hidden { "Root activity, the newest first" }
                        thead { tr { @for column in COLUMNS { th scope="col" { (column) } } } }
                        tbody { @for (place, action) in actions.iter().take(LISTED).enumerate() { (row(page, place, action)) } }
                    }
                }
                div.pages hidden {
                    button.back type="button" { "Back" } span.page {} button.forth type="button" { "Next" }
                }
            }
            @if actions.len() > LISTED { p.note { (counted(actions.len() - LISTED, "older root action is", "older root actions are")) " not listed here; the reports list them." } }
        }
    }
}

fn row(page: &Page<'_>, place: usize, action: &RootActivity) -> Markup {
    let link = page.report.account.as_ref().and_then(|account| action.console_url(account));
    html! {
        tr id={"action-" (place)} class=[(!action.is_told()).then_some("service")] data-tags=(tags(action)) {
            td { @if let Some(at) = action.time { (moment(at)) br; "(" (distance(at, page.now())) ")" } @else { "unknown" } }
            td data-key=(action.severity as u8) { (badge(action.severity)) }
            td {
                (untrusted(&capitalised(&bounded(&action.headline()))))
                @if let Some(target) = &action.target { span.more { (untrusted(target)) } }
                @if let Some(name) = &action.federated_user { span.more { "in a session that root issued to the federated user " (untrusted(name)) } }
                @if let Some(error) = &action.error { span.more { "refused: " (untrusted(error)) } }
                @if let Some(added) = &action.completed { span.more { "CloudTrail wrote this record again: " (untrusted(added)) } }
                @if let Some(folded) = &action.folded { span.more { (number(folded.count)) " root actions as one" @if let Some(since) = folded.since { ", since " (moment(since)) } } }
                @if !action.details_readable { span.more { "its record could not be read" } }
            }
            td { @if let Some(address) = &action.source_address { (untrusted(address)) } @else { "–" } }
            td { @if let Some(agent) = &action.user_agent { (untrusted(agent)) } @else { "–" } }
            td { (action.mfa.words()) }
            td { @if let Some(plan) = &action.planned { (untrusted(&plan.ticket)) span.more { (untrusted(&plan.by)) } } @else { "no" } }
            td { (untrusted(&action.region)) }
            td { @if let Some(url) = &link { a href=(url) { "CloudTrail" } } @else { "–" } }
        }
    }
}

fn tags(action: &RootActivity) -> String {
    let tags = [
        ("severe", action.severity >= Severity::High),
        ("nomfa", action.mfa == Mfa::NotUsed),
        ("unplanned", action.planned.is_none()),
    ];
    tags.iter().filter(|(_, is_so)| *is_so).map(|(tag, _)| *tag).collect::<Vec<_>>().join(" ")
}
