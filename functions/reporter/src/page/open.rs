//! Open findings: why each matters, its remediation, and since when it is open.

use alerts::Acknowledgement;
use checklist::controls::control;
use checklist::framework::Framework;
use checklist::read_errors::{UNJUDGED, by_cause};
use checklist::{Control, Finding};
use facts::verdict::Evidence;
use facts::{Status, Unavailable};
use maud::{Markup, html};

use super::Page;
use super::controls::{filters, frameworks_of, status_of};
use super::words::{
    badge, capitalised, class, counted, heads, lowered, number, quoted, rank, sentence, state, time, untrusted,
};
use crate::history::Since;

/// Most resources, and most pieces of evidence, that a finding lists; the rest is counted.
const LISTED: usize = 20;
/// So many findings show their remediation at once.
const UNFOLDED: usize = 3;

pub(super) fn section(page: &Page<'_>) -> Markup {
    let findings = &page.report.findings;
    let open = of(findings, |finding| !finding.is_suppressed());
    let suppressed = of(findings, Finding::is_suppressed);
    let failed = open.iter().filter(|finding| finding.status == Status::Failed).count();
    let unknown = open.len() - failed;
    html! {
        section #open aria-labelledby="open-title" {
            h2 #open-title { "Open findings" }
            p.lead {
                @if findings.is_empty() { "The report has no finding that can be read, so nothing is known to pass." }
                @else if open.is_empty() && suppressed.is_empty() { "No open findings: every evaluated control passed or does not apply." }
                @else if open.is_empty() { "No open findings; " (number(suppressed.len())) " suppressed." }
                @else {
                    (counted(failed, "control failed", "controls failed")) ", " (number(unknown)) " could not be evaluated. The most severe first."
                    @if failed == 0 { " UNKNOWN is not PASSED: what could not be evaluated may hide a finding." }
                }
            }
            @if !findings.is_empty() { (filters()) }
            @for (place, finding) in failures(&open).enumerate() { (card(page, finding, place < UNFOLDED)) }
            @for of_cause in unknown_by_cause(page, &open) { (unseen(page, &of_cause)) }
            @if !suppressed.is_empty() {
                h3 { "Suppressed by an exception" }
                @for finding in failures(&suppressed) { (card(page, finding, false)) }
                @for of_cause in unknown_by_cause(page, &suppressed) { (unseen(page, &of_cause)) }
            }
        }
    }
}

/// What fails or is unknown, and is as `wanted`: failures first, the most severe at the top.
fn of(findings: &[Finding], wanted: impl Fn(&Finding) -> bool) -> Vec<&Finding> {
    let is_open = |finding: &&Finding| matches!(finding.status, Status::Failed | Status::Unknown);
    let mut open: Vec<&Finding> = findings.iter().filter(is_open).filter(|finding| wanted(finding)).collect();
    open.sort_by_key(|finding| std::cmp::Reverse((finding.status, finding.severity)));
    open
}

fn failures<'a>(findings: &[&'a Finding]) -> impl Iterator<Item = &'a Finding> {
    findings.iter().copied().filter(|finding| finding.status == Status::Failed)
}

/// Controls that the same causes keep from being evaluated, with the read errors of them all.
struct Unseen<'a> {
    findings: Vec<&'a Finding>,
    errors: Vec<&'a Unavailable>,
    /// Where the report lists no such error: how to make them readable, by what it says of the findings.
    ways: Vec<String>,
}

/// What is unknown by cause: thirty controls that one cause hides are one card.
fn unknown_by_cause<'a>(page: &Page<'a>, findings: &[&'a Finding]) -> Vec<Unseen<'a>> {
    let mut all: Vec<Unseen<'a>> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.status == Status::Unknown) {
        let sources = control(finding.control).map(|control| control.sources).unwrap_or_default();
        let unread = page.report.sources.iter().filter(|state| sources.contains(&state.source));
        let errors: Vec<&Unavailable> = unread.filter_map(|state| state.error.as_ref()).collect();
        let ways = if errors.is_empty() { own_ways(finding) } else { Vec::new() };
        let is_same = |other: &&mut Unseen<'a>| {
            let has = |all: &[&Unavailable], one: &Unavailable| all.iter().any(|other| other.cause == one.cause);
            ways == other.ways
                && errors.is_empty() == other.errors.is_empty()
                && other.errors.iter().all(|error| has(&errors, error))
                && errors.iter().all(|error| has(&other.errors, error))
        };
        match all.iter_mut().find(is_same) {
            Some(other) => {
                other.findings.push(finding);
                other.errors.extend(errors);
            }
            None => all.push(Unseen { findings: vec![*finding], errors, ways }),
        }
    }
    all
}

impl Unseen<'_> {
    /// How to make it readable: never the remediation of a failure that was not seen.
    fn ways(&self) -> Vec<String> {
        let by_cause = by_cause(self.errors.iter().copied());
        let of_errors = by_cause.iter().map(|errors| format!("{errors}. {}", errors.remedy()));
        of_errors.chain(self.ways.iter().cloned()).collect()
    }

    /// The values of `value` that occur, each once.
    fn values<'b>(&self, value: impl Fn(&Finding) -> &'b str) -> String {
        let mut values: Vec<&str> = self.findings.iter().map(|finding| value(finding)).collect();
        values.sort_unstable();
        values.dedup();
        values.join(" ")
    }
}

fn unseen(page: &Page<'_>, unseen: &Unseen<'_>) -> Markup {
    let findings = &unseen.findings;
    let known = || findings.iter().filter_map(|finding| Some((*finding, control(finding.control)?)));
    let frameworks = known().map(|(_, control)| frameworks_of(control)).collect::<Vec<_>>().join(" ");
    html! {
        article.finding.unknown data-status=(unseen.values(status_of)) data-severity=(unseen.values(|finding| rank(finding.severity))) data-in=(frameworks) {
            p.marks { (state(Status::Unknown)) }
            h3 { "Cannot verify " (counted(findings.len(), "control", "controls")) }
            (readable(page, &unseen.ways()))
            ul.unseen aria-label="Controls that could not be evaluated" {
                @for (finding, control) in known() {
                    li id={"finding-" (control.id)} data-status=(status_of(finding)) data-severity=(rank(finding.severity)) data-in=(frameworks_of(control)) {
                        p.marks { (badge(finding.severity)) b { "Cannot verify: " (lowered(control.title)) } code.id { (control.id) } (numbers(control)) }
                        p.reason { (sentence(&finding.reason, page.now())) }
                        (since(page, finding))
                        (acknowledged(page, control.id))
                        (exceptions(page, finding))
                        (evidence(page, control.id, &finding.evidence))
                    }
                }
            }
        }
    }
}

/// How to make one finding readable, by what the report says of it.
fn own_ways(finding: &Finding) -> Vec<String> {
    // The reason itself is shown with the finding.
    let reason = format!("{}. ", finding.reason);
    let ways = finding.remedy.iter().map(|way| way.strip_prefix(&reason).unwrap_or(way).to_owned());
    if finding.remedy.is_empty() { vec![UNJUDGED.to_owned()] } else { ways.collect() }
}

fn readable(page: &Page<'_>, ways: &[String]) -> Markup {
    html! {
        div.readable {
            @if let [way] = ways { p { b { "How to make it readable: " } (quoted(way, page.now())) } }
            @else {
                p { b { "How to make it readable" } }
                ul { @for way in ways { li { (quoted(way, page.now())) } } }
            }
        }
    }
}

fn exceptions(page: &Page<'_>, finding: &Finding) -> Markup {
    html! {
        @for exception in &finding.exceptions {
            p.exception {
                "Suppressed"
                @if let Some(resource) = &exception.resource { " for " (untrusted(resource)) }
                " until " (time(exception.until, page.now())) " by " (untrusted(&exception.owner)) ": " (untrusted(&exception.reason))
            }
        }
    }
}

/// Who works on it until when; reminders have stopped for so long.
fn acknowledged(page: &Page<'_>, control: &str) -> Markup {
    let acknowledged = page.report.acknowledgement(control).filter(|given| given.until > page.now());
    html! {
        @if let Some(Acknowledgement { by, note, until, .. }) = acknowledged {
            p.exception.acknowledged {
                "Acknowledged by " (untrusted(by)) " until " (time(*until, page.now()))
                @if let Some(note) = note { ": " (untrusted(note)) }
            }
        }
    }
}

/// The numbers of the frameworks; the style sheet shows those of the chosen one.
fn numbers(control: &Control) -> Markup {
    html! {
        @for framework in Framework::ALL {
            @for (_, number) in control.mappings.iter().filter(|(of, _)| of == framework) {
                span.number data-of=(framework.id()) { (framework) " " (number) }
            }
        }
    }
}

fn card(page: &Page<'_>, finding: &Finding, unfolded: bool) -> Markup {
    let Some(control) = control(finding.control) else { return Markup::default() };
    html! {
        article class={"finding " (class(finding.status))} data-status=(status_of(finding)) data-severity=(rank(finding.severity))
            data-in=(frameworks_of(control)) aria-labelledby={"finding-" (control.id)} {
            p.marks { (state(finding.status)) (badge(finding.severity)) code.id { (control.id) } (numbers(control)) }
            h3 id={"finding-" (control.id)} {
                (capitalised(control.violation))
            }
            p.reason { (sentence(&finding.reason, page.now())) }
            (since(page, finding))
            (resources(&finding.resources))
            (acknowledged(page, control.id))
            (exceptions(page, finding))
            p.matters { b { "Why it matters. " } (control.rationale) }
            (remediation(control, unfolded))
            (evidence(page, control.id, &finding.evidence))
        }
    }
}

fn resources(names: &[String]) -> Markup {
    html! {
        @if !names.is_empty() {
            ul.resources aria-label="Affected resources" {
                @for name in names.iter().take(LISTED) { li { (untrusted(name)) } }
                @if names.len() > LISTED { li.rest { "and " (number(names.len() - LISTED)) " more" } }
            }
        }
    }
}

fn remediation(control: &Control, unfolded: bool) -> Markup {
    html! {
        details open[unfolded] {
            summary { "Remediation" }
            @if !control.remediation.console.is_empty() {
                ol { @for step in control.remediation.console { li { (step) } } }
            }
            @if !control.remediation.cli.is_empty() {
                p.label { "AWS CLI" }
                @for command in control.remediation.cli { div.command { pre { code { (command) } } } }
            }
            p.references {
                "References: "
                @for (place, reference) in control.references.iter().enumerate() {
                    @if place > 0 { " · " }
                    a href=(reference.url) { (reference.name) }
                }
            }
        }
    }
}

fn evidence(page: &Page<'_>, of: &str, evidence: &[Evidence]) -> Markup {
    html! {
        @if !evidence.is_empty() {
            details {
                summary { "Evidence (" (number(evidence.len())) ")" }
                div.scroll tabindex="0" role="region" aria-label={"Evidence of " (of)} {
                    table.evidence {
                        (heads(&["Fact", "Value", "Source", "As of"]))
                        tbody {
                            @for fact in evidence.iter().take(LISTED) {
                                tr {
                                    td { (quoted(&fact.fact, page.now())) } td { (quoted(&fact.value, page.now())) }
                                    td { (fact.source) } td { (time(fact.as_of, page.now())) }
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
                Since::Unknown => { (what) ", since when is not known: there is no history" }
                Since::AtLeast(at) => { (what) " since at least " (time(at, page.now())) ", when its history begins" }
                Since::Seen(at) => { (what) " since " (time(at, page.now())) }
                Since::New => { (what) " since this report" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::page::tests::sample;
    use crate::stored::Stored;

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

    #[test]
    fn an_acknowledged_finding_names_who_and_until_when_and_one_that_ended_does_not() {
        let open = |until: &str| {
            let given = serde_json::json!([{"alert": "111122223333/root-mfa/1", "condition": {"fault": "control", "control": "root-mfa"},
                "acknowledgement": {"by": "<b>alice", "note": "CHG-7", "from": sample::TAKEN_AT, "until": until}}]);
            let report = Stored {
                findings: vec![sample::finding("root-mfa", Status::Failed)],
                acknowledged: serde_json::from_value(given).unwrap(),
                taken_at: sample::TAKEN_AT.parse().ok(),
                ..Stored::default()
            };
            let made_at = sample::TAKEN_AT.parse().unwrap();
            section(&Page { report: &report, history: &History::default(), made_at }).into_string()
        };
        let page = open("2026-11-21T10:00:00Z");
        let said = "Acknowledged by <bdi>&lt;b&gt;alice</bdi> until <time datetime=\"2026-11-21T10:00:00Z\"><span>2026-11-21 10:00:00 UTC</span> <i>(in 24 h 0 min)</i></time>: <bdi>CHG-7</bdi>";
        assert!(page.contains(said), "{page}");
        assert!(!open(sample::TAKEN_AT).contains("Acknowledged"), "it always ends");
    }
}
