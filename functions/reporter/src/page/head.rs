//! The head and the foot of the page: which account, the verdict and its figures, and what could not be read.

use checklist::Summary;
use checklist::read_errors::by_cause;
use checklist::source_state::SourceState;
use facts::{Severity, Status};
use maud::{Markup, html};

use super::use_of_root::LastUse;
use super::words::{age, badge, capitalised, counted, icon, moment, number, quoted, time, untrusted};
use super::{OLD, Page};
use crate::history;
use crate::stored::Stored;

/// Causes of read errors that are listed at the top.
const CAUSES: usize = 10;
const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Informational];

pub(super) fn header(page: &Page<'_>) -> Markup {
    html! {
        header.top {
            p.product { "rootwatch" }
            h1 {
                @match &page.report.account {
                    Some(account) => {
                        @if let Some(alias) = &account.alias { (untrusted(alias)) " " span.id { (account.id) } }
                        @else { "AWS account " (account.id) }
                    }
                    None => "An account that the report does not name",
                }
            }
            (verdict(page))
            ul.tiles { (use_of_root(page)) (open(page)) (unknown(page)) (freshness(page)) }
        }
    }
}

/// The report's summary, as of now.
fn summary(page: &Page<'_>) -> Summary {
    let outdated_since = page.report.taken_at.filter(|at| page.made_at.duration_since(*at) > OLD);
    Summary { outdated_since, ..page.report.summary() }
}

/// The verdict in one sentence. What could not be read comes first: without it nothing below reads as well.
pub(super) fn headline(page: &Page<'_>) -> String {
    let mut unseen = summary(page);
    let (failed, suppressed, is_complete) = (unseen.failed, unseen.suppressed, unseen.is_complete());
    (unseen.failed, unseen.suppressed, unseen.worst) = (0, 0, None);
    let unseen = (!is_complete).then(|| unseen.headline());
    let findings = if failed > 0 { Some(worst(page)) } else { is_complete.then(|| "no open findings".to_owned()) };
    let suppressed = (suppressed > 0 && failed == 0).then(|| format!("{} suppressed", number(suppressed)));
    let root = LastUse::of(page).sentence(page.now());
    let parts: Vec<String> = [unseen, findings, suppressed, Some(root)].into_iter().flatten().collect();
    capitalised(&parts.join("; "))
}

/// `2 critical and 3 high findings`; of lower severities only where there is none of these.
fn worst(page: &Page<'_>) -> String {
    let counts = counts(page);
    let severe = counts.iter().filter(|(severity, _)| *severity >= Severity::High).count().max(1);
    let shown: Vec<_> = counts.into_iter().take(severe).collect();
    let noun = if shown.iter().map(|(_, count)| count).sum::<usize>() == 1 { "finding" } else { "findings" };
    let shown: Vec<String> = shown.into_iter().map(|(severity, count)| counted_of(severity, count)).collect();
    format!("{} {noun}", shown.join(" and "))
}

fn counted_of(severity: Severity, count: usize) -> String {
    format!("{} {}", number(count), severity.to_string().to_lowercase())
}

/// Open findings by severity, the worst first; a severity without one is not listed.
fn counts(page: &Page<'_>) -> Vec<(Severity, usize)> {
    let open = || {
        let failed = page.report.findings.iter().filter(|finding| finding.status == Status::Failed);
        failed.filter(|finding| !finding.is_suppressed())
    };
    let counts = SEVERITIES.map(|severity| (severity, open().filter(|finding| finding.severity == severity).count()));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn verdict(page: &Page<'_>) -> Markup {
    let summary = summary(page);
    let class = match () {
        () if summary.worst >= Some(Severity::High) => "failed",
        () if !summary.is_complete() => "unknown",
        () if summary.failed > 0 => "failed",
        () if summary.suppressed > 0 => "not-applicable",
        () => "passed",
    };
    html! { p class={"verdict " (class)} { (icon(class)) strong { (quoted(&headline(page), page.now())) "." } } }
}

/// A figure with what it is of, and a line below it.
fn tile(class: &str, of: &str, figure: Markup, below: Markup) -> Markup {
    html! { li class={"tile " (class)} { p.of { (of) } p.figure { (figure) } p.below { (below) } } }
}

fn use_of_root(page: &Page<'_>) -> Markup {
    let last = LastUse::of(page);
    let class = if last == LastUse::Unknown { "unknown" } else { "" };
    let below = html! { @if let Some(at) = last.at() { time datetime=(at) { (moment(at)) } } @else { "by credential report and CloudTrail" } };
    tile(class, "Since root was last used", html! { (last.figure(page.now())) }, below)
}

fn open(page: &Page<'_>) -> Markup {
    let counts = counts(page);
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    let is_complete = summary(page).is_complete();
    let figure = html! {
        @if all > 0 { a href="#open" { (number(all)) } }
        @else if is_complete { "None" }
        @else { "None seen" }
    };
    let below = html! {
        @for (severity, count) in &counts { span.count { (badge(*severity)) " " (number(*count)) } " " }
        @if counts.is_empty() { @if is_complete { "every control was evaluated" } @else { "unknown controls may hide some" } }
    };
    tile(
        if all > 0 {
            "failed"
        } else if is_complete {
            "passed"
        } else {
            "unknown"
        },
        "Open findings",
        figure,
        below,
    )
}

fn unknown(page: &Page<'_>) -> Markup {
    let of = |status: Status| page.report.findings.iter().filter(|finding| finding.status == status).count();
    let (unknown, passed) = (of(Status::Unknown), of(Status::Passed));
    let suppressed = page.report.findings.iter().filter(|finding| finding.is_suppressed()).count();
    let below = html! { (counted(passed, "control passed", "controls passed")) @if suppressed > 0 { ", " (number(suppressed)) " suppressed" } };
    let figure = html! { @if unknown > 0 { a href="#open" { (number(unknown)) } } @else if page.report.findings.is_empty() { "All" } @else { "0" } };
    tile(if unknown > 0 || page.report.findings.is_empty() { "unknown" } else { "" }, "Unknown controls", figure, below)
}

/// How old the data is: the report, and its oldest source. The script adds the report's age when the page is opened.
fn freshness(page: &Page<'_>) -> Markup {
    let dated = page.report.sources.iter().filter_map(|state| Some((state, state.age_seconds?)));
    let oldest = dated.max_by_key(|(_, seconds)| *seconds).filter(|(_, seconds)| *seconds >= 60);
    let figure = html! {
        @match page.report.taken_at {
            Some(at) => time #taken datetime=(at) { (moment(at)) },
            None => "Unknown",
        }
    };
    let below = html! {
        span #age {}
        @match oldest {
            Some((state, seconds)) => { "oldest source: " (oldest_source(state, seconds)) }
            None if page.report.taken_at.is_none() => "the report does not say when it was made",
            None if page.report.sources.is_empty() => "the report names no source",
            None => "every source read live",
        }
    };
    tile("date", "Report of", figure, below)
}

fn oldest_source(state: &SourceState, seconds: u64) -> String {
    format!("{}, {}", state.source, age(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// What could not be read, by cause, before anything that rests on it.
pub(super) fn read_errors(page: &Page<'_>) -> Markup {
    let errors = by_cause(page.report.sources.iter().filter_map(|state| state.error.as_ref()));
    let mut by_remedy: Vec<(&str, Vec<String>)> = Vec::new();
    for of_cause in errors.iter().take(CAUSES) {
        let line = capitalised(&of_cause.to_string());
        match by_remedy.iter_mut().find(|(remedy, _)| *remedy == of_cause.remedy()) {
            Some((_, lines)) => lines.push(line),
            None => by_remedy.push((of_cause.remedy(), vec![line])),
        }
    }
    html! {
        @if !errors.is_empty() {
            section #read-errors .notice aria-labelledby="read-errors-title" {
                h2 #read-errors-title { (icon("unknown")) "Read errors" }
                p { "UNKNOWN is not PASSED: data that could not be read may hide a finding." }
                @for (remedy, lines) in &by_remedy {
                    div.fault {
                        @for line in lines { p { b { (quoted(line, page.now())) } "." } }
                        p.soft { (remedy) }
                    }
                }
                @if errors.len() > CAUSES { p.note { (counted(errors.len() - CAUSES, "more cause", "more causes")) ": see " a href="#sources" { "Data sources" } "." } }
            }
        }
    }
}

/// What the page lacks, a sentence each; nothing when it lacks nothing.
pub(super) fn missing(page: &Page<'_>) -> Markup {
    let said = sentences(page);
    html! {
        @if !said.is_empty() {
            section.notice aria-labelledby="missing" {
                h2 #missing { (icon("unknown")) "Missing from this page" }
                ul { @for sentence in &said { li { (quoted(sentence, page.now())) } } }
            }
        }
    }
}

fn sentences(page: &Page<'_>) -> Vec<String> {
    let (report, history) = (page.report, page.history);
    let mut said = Vec::new();
    if let Some(old) = report.taken_at.map(|at| page.made_at.duration_since(at)).filter(|age| *age > OLD) {
        said.push(format!(
            "The report was {} old when this page was made. Newer reports are missing: see the log of the checker and of the reporter.",
            age(old.as_secs())
        ));
    }
    said.extend(report.missing.iter().cloned());
    if report.taken_at.is_some() && !report.complete {
        said.extend(incomplete(report));
    }
    for (field, count) in &report.cut {
        let entries = counted(*count, "entry", "entries");
        let were = if *count == 1 { "was" } else { "were" };
        said.push(format!("{entries} of `{field}` {were} left out of the report, because Lambda limits its size."));
    }
    if history.runs.is_empty() {
        said.push(
            "There is no history yet: the days before this report, and when a finding opened, are not known.".into(),
        );
    }
    if !history.schema.is_empty() && history.schema != history::SCHEMA {
        said.push(format!(
            "The history has schema `{}`, this page reads `{}`: newer fields are not shown.",
            facts::text::bounded(&history.schema),
            history::SCHEMA
        ));
    }
    if let Some(at) = history.rebuilt_at {
        said.push(format!(
            "The history was missing or damaged. It was rebuilt from the reports at {}: what no report holds is lost.",
            moment(at)
        ));
    }
    if let (Some(of_history), Some(account)) = (&history.account, &report.account)
        && *of_history != account.id
    {
        said.push(format!("The history belongs to another account, {of_history}. Do not rely on it."));
    }
    if history.acts_left_out > 0 {
        let actions = counted(history.acts_left_out, "older root action", "older root actions");
        let are = if history.acts_left_out == 1 { "is" } else { "are" };
        said.push(format!("{actions} {are} counted and not listed: the history is full."));
    }
    said
}

/// Why, as far as the report says; read errors are listed above.
fn incomplete(report: &Stored) -> Option<String> {
    let unsent = report.unsent.filter(|count| *count > 0);
    if let Some(count) = unsent {
        let alerts = counted(count, "alert is", "alerts are");
        return Some(format!("The check was not complete: {alerts} not sent yet, see the log of the checker."));
    }
    let has_errors = report.sources.iter().any(|state| state.error.is_some());
    (!has_errors).then(|| "The check was not complete: see the log of the checker.".into())
}

pub(super) fn footer(page: &Page<'_>) -> Markup {
    let checks = page.history.runs.iter().map(|run| run.runs).sum();
    html! {
        footer {
            p {
                @if let Some(score) = &page.report.score { (capitalised(&score.to_string())) ". " }
                "Made " (time(page.made_at, page.now())) " from one report and a history of " (counted(checks, "check", "checks"))
                @if !page.report.version.is_empty() { ", by rootwatch " (untrusted(&page.report.version)) }
                ". Ages count from the report. This file loads nothing: no picture, script or font from elsewhere."
            }
            p {
                "The report bucket keeps this report and all earlier ones. Each report names the one before it by its SHA-256: "
                code { "make verify-evidence" } " checks that none is missing and none was edited."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use facts::Status;
    use serde_json::json;

    use super::*;
    use crate::history::History;
    use crate::page::tests::sample;

    fn said(findings: &[(&str, Status)], change: impl FnOnce(&mut Stored)) -> String {
        let mut report = Stored {
            findings: findings.iter().map(|(control, status)| sample::finding(control, *status)).collect(),
            taken_at: sample::TAKEN_AT.parse().ok(),
            complete: true,
            subscribed: Some(true),
            ..Stored::default()
        };
        change(&mut report);
        let made_at = sample::TAKEN_AT.parse().unwrap();
        headline(&Page { report: &report, history: &History::default(), made_at })
    }

    #[test]
    fn the_verdict_counts_the_severe_findings_and_says_when_root_was_used() {
        let used = |report: &mut Stored| {
            report.root_activity = vec![sample::action_at("sign_in_succeeded", "2026-11-20T09:51:00Z")];
        };
        let findings = [
            ("root-access-keys", Status::Failed),
            ("root-mfa", Status::Failed),
            ("security-contact", Status::Failed),
            ("root-unused", Status::Failed),
        ];
        assert_eq!(said(&findings, used), "2 critical and 1 high findings; root was used 9 minutes ago");
        let one = [("root-unused", Status::Failed), ("security-contact", Status::Failed)];
        assert!(said(&one, used).starts_with("1 high finding; "));
        assert!(said(&one[1..], used).starts_with("1 medium finding; "));
        let passed = [("root-mfa", Status::Passed), ("root-unused", Status::Passed)];
        assert_eq!(said(&passed, |_| {}), "No open findings; root has never been used");
    }

    #[test]
    fn what_could_not_be_read_comes_first_and_the_verdict_never_reads_as_well() {
        let findings = [("root-mfa", Status::Unknown), ("root-access-keys", Status::Failed)];
        assert_eq!(
            said(&findings, |_| {}),
            "INCOMPLETE: 1 control unknown: root MFA; 1 critical finding; when root was last used is unknown"
        );
        let unread = |report: &mut Stored| {
            let error = json!({"source": "trails", "operation": "cloudtrail:DescribeTrails", "cause": "timed_out"});
            report.sources = serde_json::from_value(
                json!([{"source": "trails", "region": "us-east-1", "as_of": null, "age_seconds": null, "error": error}]),
            )
            .unwrap();
        };
        let passed = [("root-mfa", Status::Passed), ("root-unused", Status::Passed)];
        let old = |report: &mut Stored| report.taken_at = Some("2026-11-20T05:00:00Z".parse().unwrap());
        assert!(said(&passed, old).starts_with("INCOMPLETE: status of "), "{}", said(&passed, old));
        let report = Stored {
            findings: passed.iter().map(|(control, status)| sample::finding(control, *status)).collect(),
            complete: true,
            subscribed: Some(true),
            taken_at: Some("2026-11-20T05:00:00Z".parse().unwrap()),
            ..Stored::default()
        };
        let made_at = sample::TAKEN_AT.parse().unwrap();
        let page = Page { report: &report, history: &History::default(), made_at };
        assert!(verdict(&page).into_string().contains("class=\"verdict unknown\""), "its sign is none of a pass");
        assert!(open(&page).into_string().contains("None seen"));
        for said in [said(&passed, unread), said(&passed, |report| report.complete = false), said(&[], |_| {})] {
            assert!(said.starts_with("INCOMPLETE: ") && !said.to_lowercase().contains("no open findings"), "{said}");
        }
    }
}
