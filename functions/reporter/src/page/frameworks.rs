//! The findings by the numbers of benchmarks and tools.

use checklist::framework::Framework;
use checklist::framework_view::{Requirement, View};
use facts::Status;
use maud::{Markup, html};

use super::Page;
use super::words::{badge, heads, quoted, state};
use crate::stored::Stored;

pub(super) fn section(page: &Page<'_>) -> Markup {
    let (findings, settings) = (&page.report.findings, page.report.judged_by());
    html! {
        section #frameworks aria-labelledby="frameworks-title" {
            h2 #frameworks-title { "By framework" }
            p.lead {
                "What of each list a control covers, whole or in part; what else the list asks is not judged here."
            }
            @if findings.is_empty() { p { "The report has no finding that can be read." } }
            @else { @for framework in Framework::ALL { (list(page.report, &View::of(*framework, findings, settings.as_ref()))) } }
        }
    }
}

fn list(report: &Stored, view: &View) -> Markup {
    let outcomes: Vec<_> = view.requirements.iter().map(|requirement| outcome(report, requirement)).collect();
    let count = |status| outcomes.iter().filter(|outcome| **outcome == Some(status)).count();
    let tallies = [
        (Status::Failed, "fail"),
        (Status::Unknown, "unknown"),
        (Status::Passed, "pass"),
        (Status::NotApplicable, "not applicable"),
    ];
    let tallies = tallies.map(|(status, words)| (count(status), words));
    let tallies: Vec<String> =
        tallies.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    html! {
        details.framework {
            summary { b { (view.framework) } " " span.soft { (tallies.join(" · ")) } }
            div.scroll tabindex="0" role="region" aria-label={(view.framework) " requirements"} {
                table {
                    caption.hidden { (view.framework) }
                    (heads(&["Number", "Outcome", "Control", "Severity", "Why"]))
                    tbody { @for requirement in &view.requirements { (row(report, view.framework, requirement)) } }
                }
            }
        }
    }
}

/// Unknown where no finding of the control could be read, though nobody left it out.
fn outcome(report: &Stored, requirement: &Requirement) -> Option<Status> {
    requirement.status.or_else(|| is_unread(report, requirement.control).then_some(Status::Unknown))
}

fn is_unread(report: &Stored, control: &str) -> bool {
    !report.findings.iter().any(|finding| finding.control == control) && !report.left_out.iter().any(|id| id == control)
}

fn row(report: &Stored, framework: Framework, requirement: &Requirement) -> Markup {
    html! {
        tr {
            td.nowrap { a href=(framework.url(requirement.number)) { (requirement.number) } }
            td.nowrap {
                @match outcome(report, requirement) {
                    Some(status) => { (state(status)) @if requirement.is_suppressed { span.more { "suppressed" } } }
                    None => "not judged",
                }
            }
            td { (requirement.title) }
            td { (badge(requirement.severity)) }
            td {
                @if is_unread(report, requirement.control) { "The report has no finding of it that can be read" }
                @else { (quoted(&requirement.reason)) }
            }
        }
    }
}
