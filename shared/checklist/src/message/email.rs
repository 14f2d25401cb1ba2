//! The body for people: what happened, what to do, what fails, what could not be read. Plain text; mail clients show it as it is.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use crate::control::Step;
use crate::controls;
use crate::finding::{Finding, Status};
use crate::report::Report;
use crate::root_activity::{Kind, RootActivity, Words};
use crate::snapshot::{Source, Unavailable};
use crate::text::for_email as safe;

/// Acts that are told with all their details; the next ones get a line each, the rest is counted.
const MAX_DETAILED: usize = 5;
const MAX_LINES: usize = 20;
/// Pieces of evidence that are shown of one finding.
const MAX_EVIDENCE: usize = 24;
const WIDTH: usize = 78;

pub(super) fn compose(report: &Report) -> String {
    let mut mail = Mail { report, text: String::new() };
    mail.opening();
    mail.activity();
    mail.findings();
    mail.unread();
    mail.provenance();
    mail.text
}

struct Mail<'a> {
    report: &'a Report,
    text: String,
}

impl Mail<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref().trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.line("");
        self.line(title);
        self.line("-".repeat(title.len()));
    }

    /// `first` before the first line, as many spaces before the others.
    fn wrapped(&mut self, first: &str, text: &str) {
        let indent = " ".repeat(first.chars().count());
        let mut line = first.to_owned();
        let mut fresh = true;
        for word in text.split_whitespace() {
            if !fresh && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                line.clone_from(&indent);
                fresh = true;
            }
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
            fresh = false;
        }
        self.line(&line);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.wrapped(&format!("    {name:<12}"), value);
    }

    fn opening(&mut self) {
        let report = self.report;
        let failed = report.findings_with(Status::Failed).len();
        let unknown = report.findings_with(Status::Unknown).len();
        let (sign_ins, acts): (Vec<_>, Vec<_>) = report.told_activity().partition(|act| act.kind == Kind::SignInFailed);
        self.line(format!("AWS account {}, checked {}", safe(&report.account.to_string()), moment(report.taken_at)));
        let mut parts = Vec::new();
        if !acts.is_empty() {
            parts.push(counted(acts.len(), "act of root", "acts of root"));
        }
        if !sign_ins.is_empty() {
            parts.push(counted(sign_ins.len(), "failed sign-in", "failed sign-ins"));
        }
        if failed > 0 {
            parts.push(format!("{} failed", counted(failed, "control", "controls")));
        }
        if unknown > 0 {
            parts.push(format!("{} could not be checked", counted(unknown, "control", "controls")));
        }
        if report.errors().next().is_some() {
            parts.push("not everything could be read".to_owned());
        }
        let steps = format!("{} of {} steps of the checklist pass", report.steps_passed(), Step::ALL.len());
        self.line(format!("{}; {steps}.", parts.join(", ")));
    }

    fn activity(&mut self) {
        let report = self.report;
        let (failed_sign_ins, acts): (Vec<_>, Vec<_>) =
            report.told_activity().partition(|act| act.kind == Kind::SignInFailed);
        let (reads, acts): (Vec<_>, Vec<_>) =
            acts.into_iter().partition(|act| act.kind == Kind::ReadOnlyCall && act.details_readable);
        if acts.is_empty() && reads.is_empty() && failed_sign_ins.is_empty() {
            return;
        }
        self.section("WHAT ROOT DID");
        let mut explained = Vec::new();
        for act in acts.iter().take(MAX_DETAILED) {
            self.act(act);
            let words = act.words();
            if !explained.contains(&words) {
                self.explanation(words);
                explained.push(words);
            }
        }
        let others: Vec<_> = acts.iter().skip(MAX_DETAILED).collect();
        if !others.is_empty() {
            self.line("");
            self.line("  Further acts");
        }
        for act in others.iter().take(MAX_LINES) {
            let from = act.source_address.as_deref().map(safe).unwrap_or_else(|| "an unknown address".into());
            let (what, region) = (safe(&act.headline()), safe(&act.region));
            self.wrapped("    - ", &format!("{} {}: {what}, {region}, from {from}", time_of(act), act.severity));
        }
        if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.wrapped("    - ", &format!("and {more} more: {}", how_to_list(report)));
        }
        self.summed_up(&reads, "read-only call", "read-only calls");
        self.summed_up(&failed_sign_ins, "failed sign-in", "failed sign-ins");
        let summed = [(Kind::ReadOnlyCall, &reads), (Kind::SignInFailed, &failed_sign_ins)];
        if acts.is_empty() {
            for (kind, _) in summed.iter().filter(|(_, acts)| !acts.is_empty()) {
                self.explanation(kind.words());
            }
        }
    }

    /// Acts of one kind in two lines, so that many of them crowd nothing out.
    fn summed_up(&mut self, acts: &[&RootActivity], one: &str, many: &str) {
        let (Some(newest), Some(oldest)) =
            (acts.iter().max_by_key(|act| act.time), acts.iter().min_by_key(|act| act.time))
        else {
            return;
        };
        let severity = acts.iter().map(|act| act.severity).max().unwrap_or(newest.severity);
        self.line("");
        self.line(format!("  {severity}  {}", counted(acts.len(), one, many)));
        match acts {
            [_] => self.field("when", &time_of(newest)),
            _ => self.field("when", &format!("from {} to {}", time_of(oldest), time_of(newest))),
        }
        self.field("what", &some_of(acts, |act| Some(&act.event_name)));
        self.field("from", &some_of(acts, |act| act.source_address.as_ref()));
    }

    fn act(&mut self, act: &RootActivity) {
        let account = &self.report.account;
        let optional = |value: &Option<String>| value.as_deref().map(safe);
        self.line("");
        self.line(format!("  {}  {}", act.severity, capital(&safe(&act.headline()))));
        self.field("when", &time_of(act));
        self.field("who", &format!("root user of {}, MFA {}", safe(&account.to_string()), act.mfa.words()));
        self.field("from", &optional(&act.source_address).unwrap_or_else(|| "not recorded".into()));
        self.field("with", &optional(&act.user_agent).unwrap_or_else(|| "not recorded".into()));
        self.field(
            "call",
            &format!("{} of {} in {}", safe(&act.event_name), safe(&act.event_source), safe(&act.region)),
        );
        for (name, value) in [
            ("on", optional(&act.target)),
            ("signed by", optional(&act.access_key_id)),
            ("via", optional(&act.invoked_by)),
            ("refused", optional(&act.error)),
        ] {
            if let Some(value) = value {
                self.field(name, &value);
            }
        }
        if !act.details_readable {
            self.field("note", "details unreadable: CloudTrail's record is missing or broken, open the event yourself");
        }
        if let Some(url) = act.console_url(account) {
            self.field("event", &url);
        }
    }

    fn explanation(&mut self, words: Words) {
        self.line("");
        self.wrapped("    Why it matters: ", words.why);
        self.line("    What to do now:");
        for (number, step) in (1..).zip(words.steps) {
            self.wrapped(&format!("      {number}. "), step);
        }
    }

    fn findings(&mut self) {
        let report = self.report;
        self.section("CHECKLIST");
        for step in Step::ALL {
            let status = report.status_of(step).words();
            let status = if matches!(report.status_of(step), Status::Failed | Status::Unknown) {
                status.to_uppercase()
            } else {
                status.to_owned()
            };
            self.line(format!("  {} {:<62} {status}", step.number(), step.title()));
        }
        for status in [Status::Failed, Status::Unknown] {
            for finding in report.findings_with(status) {
                self.finding(finding);
            }
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let Some(control) = controls::control(finding.control) else { return };
        let (status, what) = if finding.status == Status::Failed {
            (finding.severity.to_string(), capital(control.violation))
        } else {
            ("UNKNOWN".to_owned(), format!("Could not be checked: {}", control.title))
        };
        self.line("");
        self.wrapped(&format!("  {status}  "), &format!("{what} (step {}, {})", control.step.number(), control.id));
        self.wrapped("    found: ", &safe_reason(&finding.reason));
        for evidence in finding.evidence.iter().take(MAX_EVIDENCE) {
            let value = safe(&evidence.value);
            let source = evidence.source;
            self.wrapped(
                "      - ",
                &format!("{} = {value} ({source}, {})", safe(&evidence.fact), moment(evidence.as_of)),
            );
        }
        if finding.status == Status::Failed {
            self.wrapped("    why:   ", control.rationale);
            self.line("    mend:");
            for (number, step) in (1..).zip(control.remediation.console) {
                self.wrapped(&format!("      {number}. "), step);
            }
            for command in control.remediation.cli {
                self.line(format!("      $ {command}"));
            }
        }
    }

    fn unread(&mut self) {
        let report = self.report;
        if report.errors().next().is_none() {
            return;
        }
        self.section("WHAT COULD NOT BE READ");
        self.wrapped("  ", "This is no all-clear: what is missing here may hide something.");
        let errors: Vec<&Unavailable> = report.errors().filter_map(|state| state.error.as_ref()).collect();
        let mut remedies: Vec<&str> = Vec::new();
        for error in errors.iter().take(MAX_LINES) {
            self.wrapped("  - ", &safe_reason(&error.to_string()));
            if !remedies.contains(&error.remedy()) {
                remedies.push(error.remedy());
            }
        }
        if let Some(more) = errors.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("  - and {more} more"));
        }
        self.line("  What to do:");
        for remedy in remedies {
            self.wrapped("    - ", remedy);
        }
    }

    fn provenance(&mut self) {
        let report = self.report;
        self.section("HOW OLD THIS IS");
        let credential_report = report.sources.iter().find(|state| state.source == Source::CredentialReport);
        match credential_report.and_then(|state| state.as_of) {
            Some(at) => {
                let age = age(report.taken_at.duration_since(at));
                let text =
                    format!("credential report: {}, {age} old. IAM renews it every 4 hours at most.", moment(at));
                self.wrapped("  ", &text);
            }
            None => self.line("  credential report: none."),
        }
        let regions = report.sources.iter().filter(|state| state.source == Source::RootEvents);
        let (missed, swept): (Vec<_>, Vec<_>) = regions.partition(|state| state.error.is_some());
        self.wrapped(
            "  ",
            &format!(
                "root events: from {} to {}, {} swept{}. CloudTrail may show an event some minutes late.",
                moment(report.root_events_since),
                moment(report.taken_at),
                counted(swept.len(), "Region", "Regions"),
                if missed.is_empty() { String::new() } else { format!(", {} not", missed.len()) },
            ),
        );
        self.line("  everything else that was read: live.");
        self.line("");
        self.line(format!("rootwatch {}", report.version));
    }
}

/// Reasons are ours but may quote: cleaned, and longer than a single name.
fn safe_reason(text: &str) -> String {
    text.split(' ').map(safe).collect::<Vec<_>>().join(" ")
}

fn time_of(act: &RootActivity) -> String {
    act.time.map_or_else(|| "at an unknown time".into(), moment)
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn age(age: SignedDuration) -> String {
    let minutes = age.as_mins().max(0);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Up to five different values, and how many more.
fn some_of<'a>(acts: &[&'a RootActivity], value: impl Fn(&'a RootActivity) -> Option<&'a String>) -> String {
    let mut values: Vec<&String> = acts.iter().filter_map(|act| value(act)).collect();
    values.sort_unstable();
    values.dedup();
    let mut shown = values.iter().take(5).map(|value| safe(value)).collect::<Vec<_>>().join(", ");
    if let Some(more) = values.len().checked_sub(5).filter(|more| *more > 0) {
        let _ = write!(shown, " and {more} more");
    }
    if shown.is_empty() { "not recorded".into() } else { shown }
}

fn how_to_list(report: &Report) -> String {
    format!(
        "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root --start-time {} --region <region>",
        report.root_events_since
    )
}
