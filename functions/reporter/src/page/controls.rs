//! Every control with its outcome; chosen by status and severity, and by the numbers of one framework.

use checklist::controls::control;
use checklist::framework::Framework;
use checklist::framework_view::{Requirement, View};
use checklist::{CHECKLIST, Control, Finding};
use facts::{Severity, Status};
use maud::{Markup, html};

use super::Page;
use super::words::{badge, capitalised, class, counted, heads, lowered, rank, sentence, state};
use crate::stored::Stored;

const STATUSES: [(&str, &str); 5] = [
    ("failed", "Failed"),
    ("unknown", "Unknown"),
    ("suppressed", "Suppressed"),
    ("passed", "Passed"),
    ("not-applicable", "Not applicable"),
];
const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Informational];

/// What is chosen among findings and controls: three selectors that the style sheet reads, so that they work without JavaScript.
pub(super) fn filters() -> Markup {
    html! {
        div.filters role="group" aria-label="Filter findings and controls" {
            label { "Status " select #by-status autocomplete="off" {
                option value="" { "All" }
                @for (value, words) in STATUSES { option value=(value) { (words) } }
            } }
            label { "Severity " select #by-severity autocomplete="off" {
                option value="" { "All" }
                @for severity in SEVERITIES { option value=(rank(severity)) { (capitalised(rank(severity))) } }
            } }
            label { "Framework " select #by-framework autocomplete="off" {
                option value="" { "rootwatch" }
                @for framework in Framework::ALL { option value=(framework.id()) { (framework) } }
            } }
            p.chosen.soft role="status" { "Applies to open findings and all controls." }
        }
    }
}

/// What a filter knows a finding by.
pub(super) fn status_of(finding: &Finding) -> &'static str {
    if finding.is_suppressed() { "suppressed" } else { class(finding.status) }
}

/// The frameworks that have a number for `control`.
pub(super) fn frameworks_of(control: &Control) -> String {
    let ids = Framework::ALL.iter().filter(|framework| control.mappings.iter().any(|(of, _)| of == *framework));
    ids.map(|framework| framework.id()).collect::<Vec<_>>().join(" ")
}

pub(super) fn section(page: &Page<'_>) -> Markup {
    let (report, settings) = (page.report, page.report.evaluated_by());
    let findings = &report.findings;
    html! {
        section #controls aria-labelledby="controls-title" {
            h2 #controls-title { "All controls" }
            p.lead {
                @if findings.is_empty() { "The report has no finding that can be read." }
                @else { (summary(findings)) }
            }
            @if !findings.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Controls" {
                    table.controls {
                        caption.hidden { "Controls, what failed first" }
                        (heads(&["Status", "Severity", "Number", "Control", "Result"]))
                        tbody data-framework="" {
                            @for finding in sorted(findings) { (own(page, finding)) }
                            @for id in &report.left_out { @if let Some(control) = control(id) { (disabled(control)) } }
                        }
                        @for framework in Framework::ALL {
                            tbody data-framework=(framework.id()) {
                                @for requirement in &View::of(*framework, findings, settings.as_ref()).requirements {
                                    (row(page, *framework, requirement))
                                }
                            }
                        }
                    }
                }
                p.note { "A framework's view lists what a control covers, whole or in part. What else the framework asks for is not evaluated." }
            }
        }
    }
}

/// `36 controls: 8 failed, 7 unknown, 21 passed.`
fn summary(findings: &[Finding]) -> String {
    let counts = STATUSES.map(|(value, words)| {
        (findings.iter().filter(|finding| status_of(finding) == value).count(), words.to_lowercase())
    });
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    format!("{}: {}.", counted(findings.len(), "control", "controls"), counts.join(", "))
}

fn sorted(findings: &[Finding]) -> Vec<&Finding> {
    let place = |finding: &Finding| CHECKLIST.iter().position(|control| control.id == finding.control);
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.rank(), place(finding)));
    sorted
}

/// A control under rootwatch's own name.
fn own(page: &Page<'_>, finding: &Finding) -> Markup {
    let Some(control) = control(finding.control) else { return Markup::default() };
    html! {
        tr data-status=(status_of(finding)) data-severity=(rank(finding.severity)) {
            td { (state(finding.status)) @if finding.is_suppressed() { span.more { "suppressed" } } }
            td { (badge(finding.severity)) }
            td { @if let Some(step) = control.step { "Step " (step.number()) } @else { "Baseline" } }
            td { (control.title) " " code.id { (control.id) } }
            td { (result(page, control.title, finding.status, &finding.reason)) }
        }
    }
}

fn disabled(control: &Control) -> Markup {
    html! {
        tr data-status="disabled" data-severity=(rank(control.severity)) {
            td { "not evaluated" } td { (badge(control.severity)) }
            td { @if let Some(step) = control.step { "Step " (step.number()) } @else { "Baseline" } }
            td { (control.title) " " code.id { (control.id) } } td { "Disabled by DisabledControls." }
        }
    }
}

/// The fact; of what is unknown, what cannot be verified, and why.
fn result(page: &Page<'_>, title: &str, status: Status, reason: &str) -> Markup {
    html! {
        @if status == Status::Unknown { "Cannot verify: " (lowered(title)) ". " }
        (sentence(reason, page.now()))
    }
}

/// Unknown where no finding of the control could be read, though it is not disabled.
fn outcome(report: &Stored, requirement: &Requirement) -> Option<Status> {
    requirement.status.or_else(|| is_unread(report, requirement.control).then_some(Status::Unknown))
}

fn is_unread(report: &Stored, control: &str) -> bool {
    !report.findings.iter().any(|finding| finding.control == control) && !report.left_out.iter().any(|id| id == control)
}

/// A requirement under the number of `framework`.
fn row(page: &Page<'_>, framework: Framework, requirement: &Requirement) -> Markup {
    let outcome = outcome(page.report, requirement);
    let status = match outcome {
        _ if requirement.is_suppressed => "suppressed",
        Some(status) => class(status),
        None => "disabled",
    };
    html! {
        tr data-status=(status) data-severity=(rank(requirement.severity)) {
            td {
                @match outcome {
                    Some(status) => { (state(status)) @if requirement.is_suppressed { span.more { "suppressed" } } }
                    None => "not evaluated",
                }
            }
            td { (badge(requirement.severity)) }
            td { a href=(framework.url(requirement.number)) { (requirement.number) } }
            td { (requirement.title) }
            td {
                @if is_unread(page.report, requirement.control) { "The report has no finding of it that can be read." }
                @else if let Some(status) = outcome { (result(page, requirement.title, status, &requirement.reason)) }
                @else { (sentence(&requirement.reason, page.now())) }
            }
        }
    }
}
