//! What is open: why it matters, how to mend it, since when.

use checklist::controls::control;
use checklist::read_errors::{UNJUDGED, by_cause};
use checklist::{Control, Finding};
use facts::verdict::Evidence;
use facts::{Status, Unavailable};
use maud::{Markup, html};

use super::Page;
use super::words::{badge, capitalised, class, counted, heads, number, quoted, sentence, state, time, told};
use crate::history::Since;

/// Most resources, and most pieces of evidence, that a finding lists; the rest is counted.
const LISTED: usize = 20;
/// So many findings show at once how to mend them.
const UNFOLDED: usize = 3;

pub(super) fn section(page: &Page<'_>) -> Markup {
    let findings = &page.report.findings;
    let open = of(findings, |finding| !finding.is_suppressed());
    let suppressed = of(findings, Finding::is_suppressed);
    let failed = open.iter().filter(|finding| finding.status == Status::Failed).count();
    html! {
        section #open aria-labelledby="open-title" {
            h2 #open-title { "What is open" }
            p.lead {
                @if findings.is_empty() { "The report has no finding that can be read, so nothing is known to be as it should be." }
                @else if open.is_empty() && suppressed.is_empty() { "No open findings: every evaluated control passed or does not apply." }
                @else if open.is_empty() { "No open findings; " (number(suppressed.len())) " suppressed." }
                @else {
                    (counted(failed, "control fails", "controls fail")) ", " (number(open.len() - failed)) " could not be judged."
                    " The worst stands first."
                    @if failed == 0 { " No open findings among what could be evaluated; what is unknown may hide some." }
                }
            }
            @for (place, finding) in failures(&open).enumerate() { (card(page, finding, place < UNFOLDED)) }
            @for of_cause in unknown(page, &open) { (unseen(page, &of_cause)) }
            @if !suppressed.is_empty() {
                h3 { "Suppressed: somebody answers for it until a day" }
                @for finding in failures(&suppressed) { (card(page, finding, false)) }
                @for of_cause in unknown(page, &suppressed) { (unseen(page, &of_cause)) }
            }
        }
    }
}

/// What fails or is unknown, and is as `wanted`: failures first, the worst at the top.
fn of(findings: &[Finding], wanted: impl Fn(&Finding) -> bool) -> Vec<&Finding> {
    let is_open = |finding: &&Finding| matches!(finding.status, Status::Failed | Status::Unknown);
    let mut open: Vec<&Finding> = findings.iter().filter(is_open).filter(|finding| wanted(finding)).collect();
    open.sort_by_key(|finding| std::cmp::Reverse((finding.status, finding.severity)));
    open
}

fn failures<'a>(findings: &[&'a Finding]) -> impl Iterator<Item = &'a Finding> {
    findings.iter().copied().filter(|finding| finding.status == Status::Failed)
}

/// Controls that the same causes keep from being evaluated, and the read errors of them all.
struct Unseen<'a> {
    findings: Vec<&'a Finding>,
    errors: Vec<&'a Unavailable>,
}

/// What is unknown by cause: thirty controls that one cause hides are one card.
fn unknown<'a>(page: &Page<'a>, findings: &[&'a Finding]) -> Vec<Unseen<'a>> {
    let mut all: Vec<Unseen<'a>> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.status == Status::Unknown) {
        let sources = control(finding.control).map(|control| control.sources).unwrap_or_default();
        let unread = page.report.sources.iter().filter(|state| sources.contains(&state.source));
        let errors: Vec<&Unavailable> = unread.filter_map(|state| state.error.as_ref()).collect();
        let is_same = |other: &&mut Unseen<'a>| {
            let has = |all: &[&Unavailable], one: &Unavailable| all.iter().any(|other| other.cause == one.cause);
            !errors.is_empty()
                && other.errors.iter().all(|error| has(&errors, error))
                && errors.iter().all(|error| has(&other.errors, error))
                && !other.errors.is_empty()
        };
        match all.iter_mut().find(is_same) {
            Some(other) => {
                other.findings.push(finding);
                other.errors.extend(errors);
            }
            None => all.push(Unseen { findings: vec![*finding], errors }),
        }
    }
    all
}

impl Unseen<'_> {
    /// How to make it readable: never how to mend what nobody knows to be broken.
    fn ways(&self) -> Vec<String> {
        let by_cause = by_cause(self.errors.iter().copied());
        let ways: Vec<String> = by_cause.iter().map(|errors| format!("{errors}. {}", errors.remedy())).collect();
        match self.findings.first() {
            _ if !ways.is_empty() => ways,
            Some(finding) if !finding.remedy.is_empty() => finding.remedy.clone(),
            _ => vec![UNJUDGED.to_owned()],
        }
    }
}

fn unseen(page: &Page<'_>, unseen: &Unseen<'_>) -> Markup {
    let findings = &unseen.findings;
    let known = || findings.iter().filter_map(|finding| Some((*finding, control(finding.control)?)));
    html! {
        article.finding.unknown {
            p.marks { (state(Status::Unknown)) }
            h3 { "Cannot verify " (counted(findings.len(), "control", "controls")) }
            details open {
                summary { "How to make it readable" }
                ul { @for way in unseen.ways() { li { (quoted(&way)) } } }
            }
            ul.unseen aria-label="Controls that could not be evaluated" {
                @for (finding, control) in known() {
                    li id={"finding-" (control.id)} {
                        (badge(finding.severity)) " " b { (control.title) } " " code.id { (control.id) }
                        p.reason { (sentence(&finding.reason)) }
                        (since(page, finding))
                        (exceptions(finding))
                        (evidence(control.id, &finding.evidence))
                    }
                }
            }
        }
    }
}

fn exceptions(finding: &Finding) -> Markup {
    html! {
        @for exception in &finding.exceptions {
            p.exception {
                "Suppressed"
                @if let Some(resource) = &exception.resource { " for " (told(resource)) }
                " until " (time(exception.until)) " by " (told(&exception.owner)) ": " (told(&exception.reason))
            }
        }
    }
}

fn card(page: &Page<'_>, finding: &Finding, unfolded: bool) -> Markup {
    let Some(control) = control(finding.control) else { return Markup::default() };
    html! {
        article class={"finding " (class(finding.status))} aria-labelledby={"finding-" (control.id)} {
            p.marks { (state(finding.status)) (badge(finding.severity)) code.id { (control.id) } }
            h3 id={"finding-" (control.id)} {
                (capitalised(control.violation))
            }
            p.reason { (sentence(&finding.reason)) }
            (since(page, finding))
            (resources(&finding.resources))
            (exceptions(finding))
            p { b { "Why it matters. " } (control.rationale) }
            (remedy(control, unfolded))
            (evidence(control.id, &finding.evidence))
        }
    }
}

fn resources(names: &[String]) -> Markup {
    html! {
        @if !names.is_empty() {
            ul.resources aria-label="What it is about" {
                @for name in names.iter().take(LISTED) { li { (told(name)) } }
                @if names.len() > LISTED { li.rest { "and " (number(names.len() - LISTED)) " more" } }
            }
        }
    }
}

fn remedy(control: &Control, unfolded: bool) -> Markup {
    html! {
        details open[unfolded] {
            summary { "How to mend it" }
            @if !control.remediation.console.is_empty() {
                ol { @for step in control.remediation.console { li { (step) } } }
            }
            @if !control.remediation.cli.is_empty() {
                p.label { "On the command line" }
                @for command in control.remediation.cli { div.command { pre { code { (command) } } } }
            }
            p.references {
                "More: "
                @for (place, reference) in control.references.iter().enumerate() {
                    @if place > 0 { " · " }
                    a href=(reference.url) { (reference.name) }
                }
            }
        }
    }
}

fn evidence(of: &str, evidence: &[Evidence]) -> Markup {
    html! {
        @if !evidence.is_empty() {
            details {
                summary { "Evidence (" (number(evidence.len())) ")" }
                div.scroll tabindex="0" role="region" aria-label={"Evidence of " (of)} {
                    table {
                        (heads(&["Fact", "Value", "Source", "As of"]))
                        tbody {
                            @for fact in evidence.iter().take(LISTED) {
                                tr {
                                    td { (quoted(&fact.fact)) } td { (quoted(&fact.value)) }
                                    td { (fact.source) } td.nowrap { (time(fact.as_of)) }
                                }
                            }
                        }
                    }
                }
                @if evidence.len() > LISTED { p.note { (number(evidence.len() - LISTED)) " more in the report." } }
            }
        }
    }
}

fn since(page: &Page<'_>, finding: &Finding) -> Markup {
    let what = if finding.status == Status::Failed { "Open" } else { "Unknown" };
    html! {
        p.since {
            @match page.history.since(finding) {
                Since::Nobody => { (what) ", since when is not known: there is no history" }
                Since::AtLeast(at) => { (what) " since at least " (time(at)) ", when its history begins" }
                Since::Seen(at) => { (what) " since " (time(at)) }
                Since::New => { (what) " since this report" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::sample;

    #[test]
    fn what_fails_stands_before_what_is_unknown_and_the_worst_first() {
        let findings = [
            sample::finding("organization", Status::Failed),
            sample::finding("root-mfa", Status::Unknown),
            sample::finding("root-access-keys", Status::Passed),
            sample::finding("root-access-keys", Status::Failed),
        ];
        let order: Vec<_> = of(&findings, |_| true).iter().map(|finding| (finding.control, finding.status)).collect();
        let expected =
            [("root-access-keys", Status::Failed), ("organization", Status::Failed), ("root-mfa", Status::Unknown)];
        assert_eq!(order, expected);
    }
}
