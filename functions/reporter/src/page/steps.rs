//! The five steps, each a large state with one sentence.

use checklist::report::status_of;
use checklist::{Finding, Status, Step};
use maud::{Markup, html};

use super::Page;
use super::words::{capitalised, class, icon, told};

pub(super) fn section(page: &Page<'_>) -> Markup {
    let findings = &page.report.findings;
    html! {
        section #steps aria-labelledby="steps-title" {
            h2 #steps-title { "The five steps" }
            ol.steps { @for step in Step::ALL { (card(step, findings)) } }
        }
    }
}

fn card(step: Step, findings: &[Finding]) -> Markup {
    let status = status_of(findings, Some(step));
    let worst = findings.iter().filter(|finding| finding.step == Some(step) && finding.status == status);
    let worst = worst.max_by_key(|finding| (!finding.is_excepted(), finding.severity));
    html! {
        li class={"step " (class(status))} {
            p.mark { (icon(class(status))) strong { (capitalised(status.words())) } }
            h3 { span.number { (step.number()) } (step.title()) }
            p.why {
                @match (status, worst) {
                    (Status::Passed, _) => "As it should be.",
                    (_, Some(finding)) => { (told(&finding.reason)) "." }
                    (_, None) => "The report has no finding of this step.",
                }
                @if worst.is_some_and(Finding::is_excepted) { " " strong { "Excepted." } }
            }
        }
    }
}
