//! Alerts in words: a subject, an email, and JSON for programs; from that JSON, messages for chats.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use alerts::{Alert, ConditionAlert, Digest, Fault, OpenCondition, Transition, What};
use checklist::report::Report;
use checklist::summary::Summary;
use facts::account::{Account, AccountId};
use facts::root_activity::{Kind, RootActivity};
use facts::severity::Severity;
use facts::source::Source;
use facts::text::{self, counted};
use jiff::Timestamp;
use serde_json::json;

mod acknowledging;
pub mod chat;
mod delivery;
mod email;
mod fact;
mod incident;
mod notification;
mod organization;
mod page;
mod playbook;
mod recipients;
mod runbook;
mod session;
pub mod slack;
pub(crate) mod test_alert;
mod test_alert_texts;
mod times;
mod words;

pub use delivery::Delivery;
pub use notification::{Notification, SCHEMA};
pub use organization::{RunBulletin, status as run_status};
pub use recipients::{Links, Recipients, ReportLink};
pub use runbook::runbook;
pub use session::Session;
pub use test_alert::{TestAlert, is_test_alert};

/// Where the runbook is in the project: for those who gave it no address of their own. No message prints it: it leads nowhere there.
pub const RUNBOOK: &str = "docs/runbook.md";

/// Most bytes that SNS takes, all bodies together (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).
pub const MAX_BYTES: usize = 262_144;

/// The subject of the test message, see [`knock`].
pub const KNOCK: &str = "[rootwatch] test: do alerts arrive here?";

/// Bodies that carry the JSON.
const BODIES: usize = 4;

/// Bytes that anything listed in the JSON takes at least: more than fit need no attempt.
const MIN_LISTED: usize = 100;

/// Most bytes of the email; longer ones are cut and say so.
const MAX_EMAIL_BYTES: usize = 48 * 1024;

/// Most characters of the account's alias in a subject.
const MAX_ALIAS: usize = 24;

/// What is put into words together: everything that waits.
#[derive(Debug, Clone, Copy)]
pub struct Bulletin<'a> {
    /// What is sent, of one account.
    pub alerts: &'a [Alert],
    /// The present.
    pub at: Timestamp,
    /// The state of the account; `None` when what an earlier run left behind is sent before anything is read.
    pub report: Option<&'a Report>,
    /// The state store failed: all of it may be sent again.
    pub repeats_possible: bool,
    /// Where people find the runbook, an address or [`RUNBOOK`].
    pub runbook: &'a str,
    /// Where the whole report is; a digest carries it, and nothing else does.
    pub report_link: Option<&'a ReportLink>,
    /// Where the report and the dashboard are in the console; every message carries it.
    pub links: Option<&'a Links>,
    /// Who gets the message; `None`: it is not known.
    pub recipients: Option<Recipients>,
    /// Where it is about a member of the organization: the account of the stack that sends it.
    pub member_of: Option<&'a AccountId>,
}

/// What SNS is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Printable ASCII, fewer than 100 characters.
    pub subject: String,
    /// Body for people: email, and every protocol that has no body of its own.
    pub text: String,
    /// Body for programs, a [`Notification`]: SQS, Lambda, HTTP and HTTPS.
    pub json: String,
}

impl Message {
    /// Words `bulletin`; `None` when it holds no alert.
    pub fn compose(bulletin: &Bulletin) -> Option<Self> {
        let Bulletin { alerts, at, report, repeats_possible, .. } = *bulletin;
        let renewed = alerts::renewed(alerts, at, report, !repeats_possible);
        let bulletin = &Bulletin { alerts: renewed.as_deref().unwrap_or(alerts), ..*bulletin };
        let sorted = Sorted::new(bulletin.alerts, at);
        let subject = sorted.subject(bulletin.report)?;
        let text = cut(email::compose(bulletin, &sorted), MAX_EMAIL_BYTES);
        let mut listed = (sorted.acts.len() + sorted.others.len()).min(MAX_BYTES / BODIES / MIN_LISTED);
        loop {
            let json = sorted.notification(bulletin, &subject, listed);
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

/// The test message: sent when only functions of ours are subscribed, and nothing has arrived by them yet.
pub fn knock() -> Message {
    let text = "This is a test: there is no other confirmed subscription to rootwatch's topic. If you read it, alerts arrive here.";
    Message { subject: KNOCK.into(), text: text.into(), json: text.into() }
}

/// Where something is resolved and nothing was checked for the message.
const NOT_CHECKED: &str = "no check was made for this message: the report of the last check says what is unknown";

/// A bulletin's alerts, the worst first.
struct Sorted<'a> {
    /// Root's activity: by session, the worst session first.
    acts: Vec<(&'a Alert, &'a RootActivity)>,
    /// All other alerts; of a condition the newest one last among its own.
    others: Vec<&'a Alert>,
    /// Of each condition, and of the digests, only the last word; what is new first.
    newest: Vec<&'a Alert>,
    /// Everything that is sent of a condition, or of the digests, oldest first.
    stories: HashMap<String, Vec<&'a Alert>>,
}

impl<'a> Sorted<'a> {
    fn new(alerts: &'a [Alert], at: Timestamp) -> Self {
        let mut acts: Vec<_> = alerts.iter().filter_map(|alert| alert.act().map(|act| (alert, act))).collect();
        session::sort(&mut acts);
        let mut others: Vec<_> = alerts.iter().filter(|alert| alert.act().is_none()).collect();
        others.sort_by(|a, b| (b.severity, &a.id, a.at).cmp(&(a.severity, &b.id, b.at)));
        let mut stories: HashMap<String, Vec<&Alert>> = HashMap::new();
        for alert in &others {
            if let Some(key) = key(alert) {
                stories.entry(key).or_default().push(alert);
            }
        }
        // An acknowledgement is never the last word over something that was not sent yet.
        let is_news =
            |alert: &&Alert| alert.condition().is_none_or(|update| update.transition != Transition::Acknowledged);
        for story in stories.values_mut() {
            story.sort_by_key(|alert| (is_news(alert), alert.turn(at)));
        }
        let single = others.iter().copied().filter(|alert| key(alert).is_none());
        let newest = single.chain(stories.values().filter_map(|story| story.last().copied())).collect();
        let mut sorted = Self { acts, others, newest, stories };
        let mut newest = std::mem::take(&mut sorted.newest);
        newest.sort_by_cached_key(|alert| (Reverse(alert.severity), sorted.rank(alert), &alert.id, alert.at));
        Self { newest, ..sorted }
    }

    fn first(&self) -> Option<&'a Alert> {
        let act = self.acts.first().map(|(alert, _)| *alert);
        // What root did just now comes before what has been wrong for long.
        match (act, self.newest.first().copied()) {
            (Some(act), Some(other)) => Some(if act.severity >= other.severity { act } else { other }),
            (act, other) => act.or(other),
        }
    }

    /// What was to be sent of the same condition earlier, and was not yet; oldest first.
    fn history(&self, newest: &Alert) -> &[&'a Alert] {
        let story = key(newest).and_then(|key| self.stories.get(&key));
        story.and_then(|story| story.split_last()).map(|(_, earlier)| earlier).unwrap_or_default()
    }

    /// What happened, for a reader who hears of it only now: still open is news when the opening could not be sent.
    fn transition(&self, newest: &Alert, update: &ConditionAlert) -> Transition {
        let goes_on = |transition| matches!(transition, Transition::Changed | Transition::Reminder);
        let episode = self.history(newest).iter().filter(|earlier| earlier.id == newest.id);
        let earlier = episode.filter_map(|earlier| earlier.condition()).map(|earlier| earlier.transition);
        earlier
            .chain([update.transition])
            .filter(|_| goes_on(update.transition))
            .min_by_key(|transition| match transition {
                Transition::Opened => 0,
                Transition::Changed => 1,
                _ => 2,
            })
            .unwrap_or(update.transition)
    }

    /// How bad it is that no Region's root events can be read, if that is among it.
    fn blindness_to_root(&self) -> Option<Severity> {
        let open = self.conditions_that(words::is_open);
        open.iter().filter_map(|(_, update)| update.blindness_to_root()).max()
    }

    fn notification(&self, bulletin: &Bulletin, subject: &str, listed: usize) -> String {
        let Some(first) = self.first() else { return String::new() };
        // Neither crowds the other out: half for root's acts, and what the others leave.
        let acts = self.acts.len().min((listed - listed / 2).max(listed.saturating_sub(self.others.len())));
        let others = self.others.len().min(listed - acts);
        let skipped = self.acts.iter().skip(acts).map(|(_, act)| *act);
        let left_out = words::count(skipped.clone()) + self.others.len() - others;
        let notification = Notification {
            schema: SCHEMA.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            id: (&first.id).into(),
            subject: subject.into(),
            headline: self.status_line(bulletin.report).map(Into::into),
            severity: first.severity,
            account: Cow::Borrowed(&first.account),
            sent_at: bulletin.at,
            repeats_possible: bulletin.repeats_possible,
            runbook: bulletin.runbook.into(),
            report_url: bulletin.report_link.filter(|_| self.digest().is_some()).map(|link| link.0.as_str().into()),
            report_page: bulletin.links.and_then(|links| links.report.as_deref()).map(Into::into),
            dashboard: bulletin.links.and_then(|links| links.dashboard.as_deref()).map(Into::into),
            test_alert: None,
            organization: None,
            root_sessions: session::sessions(self.acts.iter().take(acts).copied()),
            alerts: self.others.iter().take(others).map(|alert| Cow::Borrowed(*alert)).collect(),
            left_out,
            left_out_sign_ins: words::count(skipped.filter(|act| act.kind == Kind::SignInFailed)),
        };
        json!(notification).to_string()
    }

    /// Of equal severity: what is new before what is known, what is seen before what is not.
    fn rank(&self, alert: &Alert) -> u8 {
        match &alert.what {
            What::RootActivity(_) | What::Tampering(_) | What::RootCredentialsBack { .. } => 0,
            What::Condition(update) => match self.transition(alert, update) {
                Transition::Opened | Transition::Changed if !update.condition.is_blindness() => 1,
                Transition::Opened | Transition::Changed => 2,
                Transition::Reminder => 3,
                Transition::Suppressed | Transition::Acknowledged => 4,
                Transition::Resolved | Transition::Dropped => 5,
            },
            What::PlannedRootUse(_) | What::CaughtUp { .. } | What::Unreadable { .. } => 4,
            What::ExceptionEnded(_) | What::AttestationLapsed(_) => 6,
            What::Digest(_) => 7,
        }
    }

    /// The account's status, by the check that is sent with it; `None`: nothing was checked for this message.
    fn status(&self, report: Option<&Report>) -> Option<Summary> {
        self.digest().map(|digest| digest.summary.clone()).or_else(|| report.map(Report::summary))
    }

    /// The same in one sentence. Good news alone must not read as if the rest had been checked.
    fn status_line(&self, report: Option<&Report>) -> Option<String> {
        let summary = self.status(report).map(|summary| summary.headline());
        let is_good_news = |alert: &&Alert| matches!(&alert.what, What::Condition(update) if update.transition == Transition::Resolved);
        summary.or_else(|| self.others.iter().any(is_good_news).then(|| NOT_CHECKED.to_owned()))
    }

    /// What happened, with its weight, in about `room` characters: for the subject.
    fn headline(&self, alert: &Alert, room: usize) -> String {
        let severity = alert.severity;
        match &alert.what {
            What::RootActivity(act) if act.planned.is_some() => format!("{severity}: planned {}", act.headline()),
            What::RootActivity(act) => format!("{severity}: {}", act.headline()),
            What::Tampering(tampering) => format!("{severity}: {}", tampering.headline()),
            What::Condition(update) => {
                let weight = words::weight(update);
                let what = update.condition.headline();
                match self.transition(alert, update) {
                    Transition::Opened => format!("{weight}: {what}"),
                    Transition::Changed => format!("{weight}: worse: {what}"),
                    Transition::Reminder => format!("{weight}: still open: {what}"),
                    Transition::Resolved => format!("RESOLVED: {}", update.condition.resolved()),
                    Transition::Suppressed => format!("SUPPRESSED: {what}"),
                    Transition::Acknowledged => format!("ACKNOWLEDGED: {what}"),
                    Transition::Dropped => format!("NO LONGER CHECKED: {}", update.condition.about()),
                }
            }
            What::PlannedRootUse(_) => "PLANNED: use of root announced".into(),
            What::Digest(digest) => digest_headline(digest, room),
            what => format!("{severity}: {}", words::notices::title(what).unwrap_or_default()),
        }
    }

    /// The worst first: `[rootwatch] CRITICAL: new root access key in acme-prod (111122223333)`.
    fn subject(&self, report: Option<&Report>) -> Option<String> {
        let first = self.first()?;
        let place = place_of(&first.account, "in");
        let what = self.what(report, room_beside(&place).saturating_sub(OWN.len()))?;
        Some(subject_in(&first.account, &what, "in"))
    }

    /// What the message is about, in about `room` characters.
    fn what(&self, report: Option<&Report>, room: usize) -> Option<String> {
        let first = self.first()?;
        let unread = self.newest.iter().filter_map(|alert| alert.condition()).filter(|update| {
            update.condition.is_blindness() && matches!(update.transition, Transition::Opened | Transition::Changed)
        });
        let is_unread = first.condition().is_some_and(|update| update.condition.is_blindness());
        let summary = self.status(report).unwrap_or_default();
        if let Some(severity) = self.blindness_to_root().filter(|_| is_unread) {
            let is_known =
                first.condition().is_some_and(|update| self.transition(first, update) == Transition::Reminder);
            let weight = format!("{severity}: {}", if is_known { "still open: " } else { "" });
            let (short, why) = words::blindness_to_root(severity);
            let unknown = counted(summary.unknown.len(), "control", "controls");
            let ways = [format!("{weight}{short}: {why}"), format!("{weight}{short}; {unknown} unknown")];
            return Some(ways.into_iter().find(|way| way.len() <= room).unwrap_or_else(|| format!("{weight}{short}")));
        }
        let acknowledged = self.conditions_that(|transition| transition == Transition::Acknowledged);
        let acknowledged = acknowledged.iter().filter(|(_, update)| matches!(update.condition, Fault::Unread { .. }));
        let is_acknowledged = first.condition().is_some_and(|update| update.transition == Transition::Acknowledged);
        if let (true, true, several @ 2..) = (is_acknowledged, is_unread, acknowledged.count()) {
            return Some(format!("ACKNOWLEDGED: {several} read errors"));
        }
        Some(match unread.count() {
            several if is_unread && (several > 1 || summary.names_root()) => match summary {
                summary if !summary.unknown.is_empty() => summary.within(room),
                _ => format!("UNKNOWN: {several} data sources or controls could not be read or evaluated"),
            },
            _ => self.headline(first, room),
        })
    }
}

/// What each subject begins with.
const OWN: &str = "[rootwatch] ";

/// The account's number is the last thing to give up to the limit: the owner of a hundred accounts needs it first.
fn place_of(account: &Account, preposition: &str) -> String {
    match &account.alias {
        Some(alias) => format!(" {preposition} {} ({})", shortened(alias, MAX_ALIAS), account.id),
        None => format!(" {preposition} {}", account.id),
    }
}

fn room_beside(place: &str) -> usize {
    99usize.saturating_sub(place.len())
}

/// `[rootwatch] CRITICAL: new root access key in acme-prod (111122223333)`.
fn subject_in(account: &Account, what: &str, preposition: &str) -> String {
    let place = place_of(account, preposition);
    text::for_subject(&format!("{}{place}", shortened(&format!("{OWN}{what}"), room_beside(&place))))
}

/// What makes a later alert the last word on an earlier one.
fn key(alert: &Alert) -> Option<String> {
    match &alert.what {
        What::Condition(update) => Some(update.condition.key()),
        What::Digest(_) => Some("digest".to_owned()),
        _ => None,
    }
}

/// That it is the digest, the worst that is open, and what is unknown, in about `room` characters.
fn digest_headline(digest: &Digest, room: usize) -> String {
    let own = "DIGEST: ";
    let summary = &digest.summary;
    let Some((weight, worst)) = worst(digest) else {
        let rest = || summary.within(room.saturating_sub(own.len()));
        return own.to_owned() + &if digest.all_is_well() { "all is well".to_owned() } else { rest() };
    };
    let worst = format!("{own}{weight}: {worst}");
    if summary.is_complete() {
        let more = summary.failed.saturating_sub(1);
        let all = format!("{worst}; {}", counted(more, "more open finding", "more open findings"));
        return if more > 0 && all.len() <= room { all } else { worst };
    }
    let unseen = Summary { failed: 0, worst: None, suppressed: 0, ..summary.clone() };
    let unseen = unseen.within(room.saturating_sub(worst.len() + 2));
    let short = format!("INCOMPLETE: {} unknown", counted(summary.unknown.len(), "control", "controls"));
    let ways = [unseen, short, "INCOMPLETE".into()].map(|unseen| format!("{worst}; {unseen}"));
    ways.into_iter().find(|way| way.len() <= room).unwrap_or(worst)
}

/// The worst that `digest` lists, with its weight: what root may do unseen, or a finding.
fn worst(digest: &Digest) -> Option<(Severity, String)> {
    let blindness = |open: &&OpenCondition| {
        matches!(open.condition, Fault::Unread { source: Source::RootEvents, .. }) && open.severity > Severity::Medium
    };
    let mut open = digest.open.iter();
    let worst = open.find(|open| !open.condition.is_blindness() || blindness(open))?;
    let words = match worst.condition {
        Fault::Unread { .. } => words::blindness_to_root(worst.severity).0.to_owned(),
        _ => worst.condition.headline(),
    };
    Some((worst.severity, words))
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
        format!(
            "\n\n[{left_out} bytes were left out here; the function's answer has everything: invoke it on demand.]\n"
        )
    };
    let room = max - note(text.len()).len();
    let mut kept: String = text
        .chars()
        .scan(0, |bytes, char| {
            *bytes += char.len_utf8();
            (*bytes <= room).then_some(char)
        })
        .collect();
    // Half an address leads nowhere.
    if let Some((lines, last)) = kept.rsplit_once('\n')
        && last.contains("://")
    {
        kept.truncate(lines.len());
    }
    let left_out = text.len() - kept.len();
    kept + &note(left_out)
}

#[cfg(test)]
mod tests;
