//! The five steps, each a large state with one sentence.

use checklist::report::status_of;
use checklist::{CHECKLIST, Finding, Step};
use facts::Status;
use facts::text::bounded;
use maud::{Markup, html};

use super::Page;
use super::words::{capitalised, class, icon, stop, told};

pub(super) fn section(page: &Page<'_>) -> Markup {
    html! {
        section #steps aria-labelledby="steps-title" {
            h2 #steps-title { "The five steps" }
            ol.steps { @for step in Step::ALL { (card(page, step)) } }
        }
    }
}

fn card(page: &Page<'_>, step: Step) -> Markup {
    let findings = &page.report.findings;
    let status = status_of(findings, Some(step));
    let worst = findings.iter().filter(|finding| finding.step == Some(step) && finding.status == status);
    let worst = worst.max_by_key(|finding| (!finding.is_suppressed(), finding.severity));
    let of_step = CHECKLIST.iter().filter(|control| control.step == Some(step));
    let left_out: Vec<&str> = of_step
        .map(|control| control.id)
        .filter(|id| page.report.left_out.iter().any(|left_out| left_out == id))
        .collect();
    html! {
        li class={"step " (class(status))} {
            p.mark { (icon(class(status))) strong { (capitalised(status.words())) } }
            h3 { span.number { (step.number()) } (step.title()) }
            p.why {
                @match (status, worst) {
                    (Status::Passed, _) => "As it should be.",
                    (_, Some(finding)) => { (told(&finding.reason)) (stop(&bounded(&finding.reason))) }
                    (_, None) if left_out.is_empty() => "The report has no finding of this step.",
                    (_, None) => "Nobody judges it.",
                }
                @if !left_out.is_empty() { " Left out by choice: " (left_out.join(", ")) "." }
                @if worst.is_some_and(Finding::is_suppressed) { " " strong { "Suppressed." } }
            }
        }
    }
}
