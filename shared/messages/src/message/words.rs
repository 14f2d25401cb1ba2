//! The words that every channel shares. What others wrote is still in them as they wrote it: each channel makes it harmless in its
//! own way.

use alerts::{Acknowledge, Acknowledgement, Alert, ConditionAlert, Digest, Fault, OpenCondition, Transition, What};
use checklist::control::Control;
use checklist::controls;
use checklist::declarations::{Attestation, Exception};
use checklist::read_errors::by_cause;
use checklist::summary::Summary;
use facts::root_activity::{Kind, Plan, RootActivity};
use facts::severity::Severity;
use facts::source::Unavailable;
use facts::tampering::Tampering;
use facts::text::counted;
use facts::verdict::Status;
use jiff::{SignedDuration, Timestamp};

use super::fact::Fact;
use super::times::{age, moment, plain, stamp};
use super::{ReportLink, Sorted};
pub(super) use alerts::LATE;

pub(super) mod notices;
mod sums;

pub(super) use sums::{Acts, address, count, is_in_sum, some_of};

/// Incidents with all their details; the next ones get a line each, the rest is counted.
pub(super) const MAX_DETAILED: usize = 5;
/// Ids of unknown controls, and names of data sources, in one line.
const MAX_IDS: usize = 40;
/// Lines of one kind.
pub(super) const MAX_LINES: usize = 20;
/// Operations that a line of read errors names.
pub(super) const MAX_OPERATIONS: usize = 12;
/// What is found so long after it happened says so.
const FOUND_LATE: SignedDuration = SignedDuration::from_hours(1);

pub(super) const REPEATS_POSSIBLE: &str = "STATE STORE UNAVAILABLE, REPEATS POSSIBLE: rootwatch cannot read or write which alerts it sent before, and sends everything it sees. \
     Check the stack's table and the role's permissions for it; the function's log names the error.";
pub(super) const NO_ALL_CLEAR: &str = "UNKNOWN is no all-clear: what could not be read may hide something.";

/// That no Region's root events could be read, and why that is so bad.
pub(super) fn blindness_to_root(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Critical => (
            "the root user is not monitored",
            "root events could not be read in any Region, and real-time alerts are not known to work",
        ),
        _ => ("only real-time alerts monitor the root user", "root events could not be read in any Region"),
    }
}

impl<'a> Sorted<'a> {
    /// Conditions to which this happened, for a reader who hears of it only now.
    pub(super) fn conditions_that(&self, is: impl Fn(Transition) -> bool) -> Vec<(&'a Alert, &'a ConditionAlert)> {
        let conditions = self.newest.iter().filter_map(|alert| alert.condition().map(|update| (*alert, update)));
        conditions.filter(|(alert, update)| is(self.transition(alert, update))).collect()
    }

    /// Changes to the monitoring.
    pub(super) fn tamperings(&self) -> Vec<(&'a Alert, &'a Tampering)> {
        let tampering = |alert: &&'a Alert| match &alert.what {
            What::Tampering(tampering) => Some((*alert, &**tampering)),
            _ => None,
        };
        self.newest.iter().filter_map(tampering).collect()
    }

    /// What is neither root activity, nor tampering, nor a finding, nor the digest.
    pub(super) fn notices(&self) -> Vec<&'a Alert> {
        self.newest.iter().copied().filter(|alert| is_notice(&alert.what)).collect()
    }

    /// The last digest.
    pub(super) fn digest(&self) -> Option<&'a Digest> {
        self.newest.iter().find_map(|alert| alert.digest())
    }

    /// What of `digest` is open and has no words of its own beside it.
    pub(super) fn open_beside(&self, digest: &'a Digest) -> Vec<&'a OpenCondition> {
        let is_told = |open: &&OpenCondition| {
            self.newest.iter().any(|alert| alert.condition().is_some_and(|update| update.condition == open.condition))
        };
        digest.open.iter().filter(|open| !is_told(open)).collect()
    }

    /// How much of what: `3 root actions, 1 new finding`.
    pub(super) fn counts(&self) -> String {
        let acts = self.acts.iter().map(|(_, act)| *act);
        let all = count(acts.clone());
        let failed = count(acts.filter(|act| act.kind == Kind::SignInFailed));
        let mut parts = Vec::new();
        if all > failed {
            parts.push(counted(all - failed, "root action", "root actions"));
        }
        if failed > 0 {
            parts.push(counted(failed, "failed root sign-in", "failed root sign-ins"));
        }
        for (transition, finding, findings, unread) in [
            (Transition::Opened, "new finding", "new findings", "new UNKNOWN"),
            (Transition::Changed, "finding that got worse", "findings that got worse", "UNKNOWN that got worse"),
            (Transition::Reminder, "finding still open", "findings still open", "still UNKNOWN"),
            (Transition::Resolved, "resolved", "resolved", "readable again"),
            (Transition::Suppressed, "suppressed", "suppressed", "suppressed"),
            (Transition::Acknowledged, "acknowledged", "acknowledged", "acknowledged"),
            (Transition::Dropped, "no longer checked", "no longer checked", "no longer checked"),
        ] {
            let (unknown, known): (Vec<_>, Vec<_>) = self
                .conditions_that(|is| is == transition)
                .into_iter()
                .partition(|(_, update)| update.condition.is_blindness());
            parts.extend((!known.is_empty()).then(|| counted(known.len(), finding, findings)));
            parts.extend((!unknown.is_empty()).then(|| format!("{} {unread}", unknown.len())));
        }
        let tampering = self.tamperings().len();
        if tampering > 0 {
            parts.push(counted(tampering, "change to the monitoring", "changes to the monitoring"));
        }
        let notices = self.notices().len();
        if notices > 0 {
            parts.push(counted(notices, "notice", "notices"));
        }
        parts.join(", ")
    }

    /// Whether some of it was seen so long before it is sent that people must know.
    pub(super) fn sent_late(&self, at: Timestamp) -> Option<String> {
        let seen = self.acts.iter().map(|(alert, _)| alert.at).chain(self.others.iter().map(|alert| alert.at)).min()?;
        let late = at.duration_since(seen);
        (late > LATE).then(|| {
            format!(
                "SENT LATE: some of this was seen at {} and could not be sent until now; the function's log says why.",
                stamp(seen, at)
            )
        })
    }

    /// Since when a condition is open, and what else is to be known of its age.
    pub(super) fn since(&self, alert: &Alert, update: &ConditionAlert, now: Timestamp) -> String {
        let opened = stamp(update.opened_at, now);
        let mut since = vec![match self.transition(alert, update) {
            Transition::Opened if update.transition == Transition::Opened => format!("opened {opened}"),
            Transition::Changed => format!("open since {opened}, and worse than reported then"),
            _ => format!("open since {opened}"),
        }];
        since.extend(update.unverified_since.map(|at| format!("could not be verified since {}", stamp(at, now))));
        since.extend(update.flapping.then(|| "it came and went at least three times within 24 hours".to_owned()));
        since.join("; ")
    }

    /// What happened to the same condition and could not be sent then.
    pub(super) fn before(&self, newest: &Alert) -> Option<String> {
        let steps = self.history(newest).iter().filter_map(|alert| {
            alert.condition().map(|update| format!("{} at {}", word(update.transition), moment(alert.at)))
        });
        let steps: Vec<String> = steps.collect();
        (!steps.is_empty()).then(|| steps.join(", "))
    }
}

/// What people must know of root activity beside what, who, where and when.
pub(super) fn remarks(act: &RootActivity, now: Timestamp) -> Vec<Fact> {
    let planned = act.planned.as_ref().map(planned);
    let late = act.time.map(|at| now.duration_since(at)).filter(|late| *late > FOUND_LATE);
    let unreadable = "details unreadable: CloudTrail's record is missing or broken, open the event yourself";
    let remarks = [
        act.access_key_id.as_deref().map(|id| Fact::ours("Signed by", key(id))),
        act.invoked_by.as_deref().map(|by| Fact::quoted("Via", by)),
        planned.map(|plan| Fact::ours("Planned", plan)),
        act.completed
            .as_ref()
            .map(|added| Fact::ours("Completed", format!("CloudTrail wrote this record again: {added}"))),
        late.map(|late| Fact::ours("Note", format!("found {} after it happened", age(late)))),
        (!act.details_readable).then(|| Fact::ours("Note", unreadable)),
    ];
    remarks.into_iter().flatten().collect()
}

/// Who announced it, and what follows from that.
pub(super) fn planned(plan: &Plan) -> String {
    format!("{}, announced by {}; one severity lower for that", plan.ticket, plan.by)
}

/// `AKIA…` is a key that stays until it is deleted, `ASIA…` ends with its session.
fn key(id: &str) -> String {
    match id.get(..4) {
        Some("AKIA") => format!("root access key {id}"),
        Some("ASIA") => format!("session key {id}"),
        _ => id.to_owned(),
    }
}

/// The control that fails, where the condition is of one.
pub(super) fn control_of(update: &ConditionAlert) -> Option<&'static Control> {
    match &update.condition {
        Fault::Control { control } => controls::control(control),
        _ => None,
    }
}

/// How a condition weighs: what was not seen has no severity for people.
pub(super) fn weight(update: &ConditionAlert) -> String {
    match update.blindness_to_root() {
        None if update.condition.is_blindness() => "UNKNOWN".to_owned(),
        _ => update.failure.severity.to_string(),
    }
}

/// A status as a person sees it at once: what is wrong in capitals.
pub(super) fn shown(status: Status) -> String {
    match status {
        Status::Failed | Status::Unknown => status.words().to_uppercase(),
        _ => status.words().to_owned(),
    }
}

/// The same of one of the five steps: one that does not apply counts as done.
pub(super) fn step(status: Status) -> String {
    match status {
        Status::NotApplicable => "passed (not needed here)".to_owned(),
        _ => shown(status),
    }
}

/// How a condition ended, and how long it was open.
fn ended(alert: &Alert, update: &ConditionAlert, now: Timestamp) -> (String, String) {
    let how = match (update.transition, &update.exception, &update.acknowledged) {
        (Transition::Suppressed, Some(exception), _) => {
            format!("SUPPRESSED, not fixed: {}. {}", update.condition, suppressed(exception, now))
        }
        (Transition::Acknowledged, _, Some(by)) => acknowledged_by(by, &update.condition.to_string()),
        (Transition::Acknowledged, _, None) => {
            format!("ACKNOWLEDGED: {}. Reminders stop for now; it alerts again if it gets worse.", update.condition)
        }
        (Transition::Dropped, ..) => format!(
            "NO LONGER CHECKED, so its state is not known: {}. Its Region is no longer scanned, or the control is disabled, or this \
             version has no such control.",
            update.condition.about()
        ),
        _ => format!("RESOLVED: {}", update.condition.resolved()),
    };
    let (from, length) = (moment(update.opened_at), age(alert.at.duration_since(update.opened_at)));
    let span = match update.transition {
        Transition::Suppressed | Transition::Acknowledged => format!("has been open since {from}"),
        _ => format!("was open for {length}, from {from} to {}", moment(alert.at)),
    };
    (how, span)
}

fn acknowledged_by(by: &Acknowledgement, what: &str) -> String {
    let note = by.note.as_ref().map(|note| format!(" Note: {note}.")).unwrap_or_default();
    let (name, until) = (&by.by, moment(by.until));
    format!("ACKNOWLEDGED by {name} until {until}: {what}. Reminders stop; it alerts again if it gets worse.{note}")
}

/// A condition that a digest lists.
pub(super) fn open(open: &OpenCondition, now: Timestamp) -> String {
    let unverified = open.unverified_since.map(|at| format!(", could not be verified since {}", stamp(at, now)));
    let acknowledged = open.acknowledged.as_ref().map(acknowledged).unwrap_or_default();
    let id = open.condition.control().map(|id| format!(" ({id})")).unwrap_or_default();
    let since = stamp(open.opened_at, now);
    format!("{}{id}, since {since}{}{acknowledged}", open.condition, unverified.unwrap_or_default())
}

/// `, acknowledged by alice until …`.
pub(super) fn acknowledged(by: &Acknowledgement) -> String {
    format!(", acknowledged by {} until {}", by.by, moment(by.until))
}

/// What a digest says of exceptions and attestations: a word in capitals, and the rest.
pub(super) fn declared(digest: &Digest, now: Timestamp) -> Vec<(&'static str, String)> {
    let exceptions = digest.exceptions.iter();
    let exceptions =
        exceptions.map(|exception| ("SUPPRESSED", format!("{}. {}", exception.control, suppressed(exception, now))));
    let (lapsed, valid): (Vec<_>, Vec<_>) =
        digest.attestations.iter().partition(|attestation| attestation.is_lapsed(now));
    let line = |attestation: &Attestation, state: &str| {
        let (id, by, lapses) = (attestation.statement.id(), &attestation.by, stamp(attestation.lapses_at(), now));
        ("ATTESTED", format!("{id}, by {by}; {state} {lapses}"))
    };
    let lapsed = lapsed.into_iter().map(|attestation| line(attestation, "lapsed"));
    // What counts needs no line each; what does not, does.
    let first_end = valid.iter().map(|attestation| attestation.lapses_at()).min();
    let valid: Vec<_> = match (valid.as_slice(), first_end) {
        ([_, _, ..], Some(end)) => {
            vec![("ATTESTED", format!("{} attestations count, the first until {}", valid.len(), moment(end)))]
        }
        _ => valid.into_iter().map(|attestation| line(attestation, "counts until")).collect(),
    };
    let attestations = lapsed.chain(valid);
    exceptions.chain(attestations).collect()
}

/// When the check before a digest was complete.
pub(super) fn last_complete(digest: &Digest, now: Timestamp) -> String {
    match (digest.is_monitoring, digest.last_complete) {
        (true, _) if !digest.summary.is_complete() => {
            "Root is monitored: everything that this needs was read. The rest is UNKNOWN, see above.".into()
        }
        (true, Some(at)) => {
            format!("Monitoring is active. The complete check before this one was at {}.", stamp(at, now))
        }
        (true, None) => "First complete check: monitoring is active from now on.".into(),
        (false, Some(at)) => {
            format!(
                "This check is not complete: monitoring is NOT fully active. The last complete one was at {}.",
                stamp(at, now)
            )
        }
        (false, None) => "No complete check yet: monitoring is NOT fully active.".into(),
    }
}

/// What a digest says where no condition is open.
pub(super) fn nothing_open(digest: &Digest) -> String {
    match &digest.summary {
        _ if digest.all_is_well() => "No open findings.".into(),
        summary if !summary.is_complete() => {
            "No open findings among what could be evaluated; what is UNKNOWN may hide some.".into()
        }
        summary => format!("No open condition; {}.", summary.headline()),
    }
}

/// What a digest says of controls that could not be evaluated, and of data sources that could not be read.
pub(super) fn unseen(digest: &Digest) -> Vec<(&'static str, String)> {
    let Summary { unknown, unread, .. } = &digest.summary;
    let mut lines = Vec::new();
    if !unknown.is_empty() {
        lines.push(("UNKNOWN", format!("{}: {}", counted(unknown.len(), "control", "controls"), some_ids(unknown))));
    }
    if !unread.is_empty() {
        lines.push((
            "NOT READ",
            format!("{}: {}", counted(unread.len(), "data source", "data sources"), some_ids(unread)),
        ));
    }
    lines
}

pub(super) fn some_ids(ids: &[String]) -> String {
    let shown = ids.iter().take(MAX_IDS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match ids.len().saturating_sub(MAX_IDS) {
        0 => format!("{shown}."),
        more => format!("{shown} and {more} more."),
    }
}

/// Whether a condition to which this happened is open, and reminds.
pub(super) fn is_open(transition: Transition) -> bool {
    matches!(transition, Transition::Opened | Transition::Changed | Transition::Reminder)
}

/// What ended, or was acknowledged.
pub(super) struct Ending<'a> {
    pub(super) alert: &'a Alert,
    /// A sentence.
    pub(super) how: String,
    /// Goes on after `It`.
    pub(super) span: String,
    pub(super) id: String,
}

type Updates<'a> = Vec<(&'a Alert, &'a ConditionAlert)>;

/// All of them; read errors that were acknowledged at once are one.
pub(super) fn endings<'a>(sorted: &Sorted<'a>, now: Timestamp) -> Vec<Ending<'a>> {
    let over = sorted.conditions_that(|transition| !is_open(transition));
    let at_once = |update: &ConditionAlert| {
        let is_read_error = matches!(update.condition, Fault::Unread { .. });
        update.acknowledged.clone().filter(|_| is_read_error && update.transition == Transition::Acknowledged)
    };
    let mut all: Vec<(Option<Acknowledgement>, Updates)> = Vec::new();
    for (alert, update) in over {
        let given = at_once(update);
        match all.iter_mut().find(|(other, _)| given.is_some() && *other == given) {
            Some((_, same)) => same.push((alert, update)),
            None => all.push((given, vec![(alert, update)])),
        }
    }
    let ending = |(given, same): (Option<Acknowledgement>, Updates<'a>)| {
        let (alert, update) = *same.first()?;
        let before = sorted.before(alert).map(|before| format!("; before: {before}")).unwrap_or_default();
        let (how, span) = ended(alert, update, now);
        Some(match (given, same.len()) {
            (Some(given), several @ 2..) => {
                let from = same.iter().map(|(_, update)| update.opened_at).min().unwrap_or(update.opened_at);
                Ending {
                    alert,
                    how: acknowledged_by(&given, &format!("{several} data sources that cannot be read")),
                    span: format!("has been so since {}", moment(from)),
                    id: Acknowledge::all_read_errors(&alert.account.id),
                }
            }
            _ => Ending { alert, how, span: span + &before, id: alert.id.clone() },
        })
    };
    all.into_iter().filter_map(ending).collect()
}

/// Read errors of one cause that are conditions, and that opened, or are reminded of, at the same times.
pub(super) struct Unread<'a> {
    errors: Vec<&'a Unavailable>,
    found: &'a str,
    /// What people must know of them, if they did not just open.
    pub(super) times: Option<String>,
}

impl<'a> Unread<'a> {
    /// Thirty denials are one line.
    pub(super) fn of(sorted: &Sorted<'a>, conditions: &[(&'a Alert, &'a ConditionAlert)], now: Timestamp) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (alert, update) in conditions {
            let before = sorted.before(alert).map(|before| format!("before: {before}"));
            let is_plain =
                update.transition == Transition::Opened && update.unverified_since.is_none() && !update.flapping;
            let since = (!is_plain).then(|| sorted.since(alert, update, now));
            let times: Vec<String> = since.into_iter().chain(before).collect();
            let times = (!times.is_empty()).then(|| times.join("; "));
            let error = update.failure.unavailable.as_ref();
            let is_same = |other: &&mut Self| {
                let first = other.errors.first().map(|first| &first.cause);
                other.times == times && first.zip(error).is_some_and(|(first, error)| first.is_like(&error.cause))
            };
            match all.iter_mut().find(is_same) {
                Some(other) => other.errors.extend(error),
                None => all.push(Self { errors: error.into_iter().collect(), found: &update.failure.found, times }),
            }
        }
        all
    }

    /// One line that names at most `max` operations.
    pub(super) fn line(&self, max: usize) -> String {
        match by_cause(self.errors.iter().copied()).first() {
            Some(errors) if self.errors.len() > 1 => errors.line(max),
            _ => plain(self.found),
        }
    }

    /// How to make it readable.
    pub(super) fn remedy(&self) -> Option<&'static str> {
        self.errors.first().map(|error| error.remedy())
    }
}

/// Of a link that is made at `at`.
pub(super) fn report_until(at: Timestamp) -> String {
    let ends = moment(ReportLink::ends(at));
    format!("The whole report, until {ends} at most (keep the link secret: anyone who has it can read the report)")
}

/// `chosen` sets Region and stack for the command.
pub(super) fn report_later(chosen: &str) -> String {
    format!("Later, `{chosen}./rootwatch report` downloads the newest one.")
}

pub(super) fn suppressed(exception: &Exception, now: Timestamp) -> String {
    let of = exception.resource.as_ref().map(|resource| format!(" for {resource}")).unwrap_or_default();
    format!(
        "Suppressed{of} until {} (owner: {}; reason: {}).",
        stamp(exception.until, now),
        exception.owner,
        exception.reason
    )
}

fn word(transition: Transition) -> &'static str {
    match transition {
        Transition::Opened => "opened",
        Transition::Changed => "changed",
        Transition::Reminder => "still open",
        Transition::Resolved => "resolved",
        Transition::Suppressed => "suppressed",
        Transition::Acknowledged => "acknowledged",
        Transition::Dropped => "no longer checked",
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Whether `what` is neither root's activity nor a finding.
fn is_notice(what: &What) -> bool {
    !matches!(what, What::Condition(_) | What::RootActivity(_) | What::Tampering(_) | What::Digest(_))
}
