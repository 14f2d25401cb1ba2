//! The five steps, each a large state with one sentence.

use checklist::report::status_of;
use checklist::{CHECKLIST, Finding, Step};
use facts::Status;
use maud::{Markup, html};

use super::Page;
use super::words::{capitalised, class, icon, number, sentence};

/// Facts of a step that passed.
const FACTS: usize = 2;

pub(super) fn section(page: &Page<'_>) -> Markup {
    let passes =
        |step: &&Step| matches!(status_of(&page.report.findings, Some(**step)), Status::Passed | Status::NotApplicable);
    let passed = Step::ALL.iter().filter(passes).count();
    html! {
        section #steps aria-labelledby="steps-title" {
            h2 #steps-title { "Five steps: " (number(passed)) " of 5 passed" }
            ol.steps { @for step in Step::ALL { (card(page, step)) } }
        }
    }
}

fn card(page: &Page<'_>, step: Step) -> Markup {
    let findings = &page.report.findings;
    let status = status_of(findings, Some(step));
    let mut of_status: Vec<&Finding> =
        findings.iter().filter(|finding| finding.step == Some(step) && finding.status == status).collect();
    let place = |finding: &Finding| CHECKLIST.iter().position(|control| control.id == finding.control);
    of_status.sort_by_key(|finding| (finding.is_suppressed(), std::cmp::Reverse(finding.severity), place(finding)));
    let disabled: Vec<&str> = CHECKLIST
        .iter()
        .filter(|control| control.step == Some(step))
        .map(|control| control.id)
        .filter(|id| page.report.left_out.iter().any(|left_out| left_out == id))
        .collect();
    let shown = if status == Status::Passed { FACTS } else { 1 };
    html! {
        li class={"step " (class(status))} {
            p.mark { (icon(class(status))) strong { (capitalised(status.words())) } }
            h3 { span.number { (step.number()) } (step.title()) }
            @for finding in of_status.iter().take(shown) {
                p.why {
                    (sentence(&finding.reason, page.now()))
                    @if finding.is_suppressed() { " " strong { "Suppressed." } }
                }
            }
            @if of_status.is_empty() {
                p.why { @if disabled.is_empty() { "The report has no finding for this step." } @else { "Not evaluated." } }
            }
            @if !disabled.is_empty() { p.why { "Disabled: " (disabled.join(", ")) "." } }
        }
    }
}
