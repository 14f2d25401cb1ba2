//! A report in words: a subject, an e-mail, and JSON for programs.

use serde::Serialize;
use serde_json::json;

use crate::control::Severity;
use crate::finding::{Finding, Status};
use crate::report::{Report, SourceState};
use crate::root_activity::RootActivity;
use crate::text;

mod email;
mod runbook;

pub use runbook::runbook;

/// Most bytes that SNS takes, all bodies together (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).
pub const MAX_BYTES: usize = 262_144;

/// Most bytes of the e-mail; longer ones are cut and say so.
const MAX_EMAIL_BYTES: usize = 48 * 1024;

/// Most characters of the account's alias in a subject.
const MAX_ALIAS: usize = 24;

/// What SNS is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Printable ASCII, fewer than 100 characters.
    pub subject: String,
    /// Body for people: e-mail, and whatever has no body of its own.
    pub text: String,
    /// Body for programs, a [`Notification`]: SQS, Lambda, HTTP and HTTPS.
    pub json: String,
}

/// What programs are told. Its JSON Schema is `docs/notification.schema.json`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notification<'a> {
    /// `rootwatch.notification/1`; the number changes when a field changes its meaning or goes.
    pub schema: &'static str,
    /// Version of rootwatch.
    pub version: &'static str,
    /// The subject of the e-mail.
    pub subject: &'a str,
    /// The worst of what follows.
    pub severity: Severity,
    /// The account.
    pub account: &'a crate::account::Account,
    /// When the account was read.
    pub taken_at: jiff::Timestamp,
    /// What root did: most severe first, then newest.
    pub root_activity: Vec<&'a RootActivity>,
    /// Root activity that was left out to keep SNS's limit of size.
    pub root_activity_left_out: usize,
    /// Controls that failed or are unknown, failed first, most severe first.
    pub findings: Vec<&'a Finding>,
    /// What could not be read, not whole, or not renewed.
    pub unread: Vec<&'a SourceState>,
}

impl Message {
    /// Words what `report` has to tell; `None` when that is nothing.
    pub fn compose(report: &Report) -> Option<Self> {
        if !report.is_worth_telling() {
            return None;
        }
        let subject = subject(report);
        let text = cut(email::compose(report), MAX_EMAIL_BYTES);
        let mut listed = report.told_activity().count();
        loop {
            let json = notification(report, &subject, listed);
            let message = Self { subject: subject.clone(), text: text.clone(), json };
            if listed == 0 || message.by_protocol().len() <= MAX_BYTES {
                return Some(message);
            }
            listed /= 2;
        }
    }

    /// The bodies by protocol, as `MessageStructure=json` wants them.
    pub fn by_protocol(&self) -> String {
        let Self { text, json, .. } = self;
        json!({"default": text, "http": json, "https": json, "lambda": json, "sqs": json}).to_string()
    }
}

fn notification(report: &Report, subject: &str, listed: usize) -> String {
    let told = report.told_activity().count();
    let failed = report.findings_with(Status::Failed);
    let notification = Notification {
        schema: "rootwatch.notification/1",
        version: report.version,
        subject,
        severity: report.severity(),
        account: &report.account,
        taken_at: report.taken_at,
        root_activity: report.told_activity().take(listed).collect(),
        root_activity_left_out: told - listed,
        findings: failed.into_iter().chain(report.findings_with(Status::Unknown)).collect(),
        unread: report.errors().collect(),
    };
    json!(notification).to_string()
}

/// The worst first: `[rootwatch] CRITICAL: new root access key in acme-prod (111122223333)`.
fn subject(report: &Report) -> String {
    let failed = report.findings_with(Status::Failed);
    let unknown = report.findings_with(Status::Unknown).len();
    let act = report.told_activity().next().map(|act| (act.severity, act.headline()));
    let failure = failed.first().map(|finding| {
        (
            finding.severity,
            crate::controls::control(finding.control).map_or(finding.control, |c| c.violation).to_owned(),
        )
    });
    // What root did just now comes before what has been wrong for long.
    let worst = match (act, failure) {
        (Some(act), Some(failure)) => Some(if act.0 >= failure.0 { act } else { failure }),
        (act, failure) => act.or(failure),
    };
    let what = match worst {
        Some((severity, what)) => format!("{severity}: {what}"),
        None if unknown == 1 => "UNKNOWN: 1 control could not be checked".to_owned(),
        None if unknown > 1 => format!("UNKNOWN: {unknown} controls could not be checked"),
        None => "INCOMPLETE: something could not be read".to_owned(),
    };
    // The account's number is the last thing to give up to the limit: it is what somebody with a hundred accounts needs first.
    let place = match &report.account.alias {
        Some(alias) => format!(" in {} ({})", shortened(alias, MAX_ALIAS), report.account.id),
        None => format!(" in {}", report.account.id),
    };
    let room = 99usize.saturating_sub(place.len());
    text::for_subject(&format!("{}{place}", shortened(&format!("[rootwatch] {what}"), room)))
}

/// At most `max` characters of printable ASCII, cut with `...`.
fn shortened(text: &str, max: usize) -> String {
    let text = text::for_subject(text);
    if text.len() <= max { text } else { text.chars().take(max.saturating_sub(3)).chain("...".chars()).collect() }
}

/// At most `max` bytes, on a character border, with a last line that says what was left out.
fn cut(text: String, max: usize) -> String {
    if text.len() <= max {
        return text;
    }
    let note = |left_out: usize| {
        format!("\n\n[{left_out} bytes were left out here; the function's answer has everything: run it on demand.]\n")
    };
    let room = max - note(text.len()).len();
    let kept: String = text
        .chars()
        .scan(0, |bytes, char| {
            *bytes += char.len_utf8();
            (*bytes <= room).then_some(char)
        })
        .collect();
    let left_out = text.len() - kept.len();
    kept + &note(left_out)
}

#[cfg(test)]
mod tests;
