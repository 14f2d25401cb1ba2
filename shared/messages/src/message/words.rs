//! The words that every channel shares. What others wrote is still in them as they wrote it: each channel makes it harmless in its
//! own way.

use facts::text::counted;
use jiff::{SignedDuration, Timestamp};

use super::{ReportLink, Sorted};
pub(super) use alerts::LATE;
use alerts::{Alert, ConditionAlert, Digest, Fault, OpenCondition, Transition, What};
use checklist::control::Control;
use checklist::controls;
use checklist::declarations::Exception;
use checklist::read_errors::by_cause;
use checklist::summary::Summary;
use facts::root_activity::{Alike, Kind, RootActivity};
use facts::source::Unavailable;
use facts::tampering::Tampering;
use facts::verdict::Status;

/// Acts that are told with all their details; the next ones get a line each, the rest is counted.
pub(super) const MAX_DETAILED: usize = 5;
/// Ids of unknown controls, and names of data sources, in one line.
const MAX_IDS: usize = 40;
/// Lines of one kind.
pub(super) const MAX_LINES: usize = 20;
/// An act that is found so long after it happened says so.
const FOUND_LATE: SignedDuration = SignedDuration::from_hours(1);

pub(super) const REPEATS_POSSIBLE: &str = "STATE STORE UNAVAILABLE, REPEATS POSSIBLE: rootwatch cannot read or write what it told before, and tells everything it sees. \
     Look at the stack's table and at the role's permissions for it; the function's log names the error.";
pub(super) const NO_ALL_CLEAR: &str = "UNKNOWN is no all-clear: what could not be read may hide something.";

/// What root did, by how it is told.
pub(super) struct Acts<'a> {
    /// One by one.
    pub(super) told: Vec<&'a RootActivity>,
    /// In sum: what only read.
    pub(super) reads: Vec<&'a RootActivity>,
    /// In sum: anybody can cause them.
    pub(super) failed_sign_ins: Vec<&'a RootActivity>,
}

/// Acts of one kind in a few words, so that many of them crowd nothing out.
pub(super) struct Sum<'a> {
    /// `3 failed sign-ins`, with the worst severity.
    pub(super) severity: facts::Severity,
    pub(super) what: String,
    pub(super) when: String,
    pub(super) calls: Vec<&'a str>,
    pub(super) addresses: Vec<&'a str>,
}

impl<'a> Acts<'a> {
    pub(super) fn of(sorted: &Sorted<'a>) -> Self {
        let all = sorted.acts.iter().map(|(_, act)| *act);
        let (failed_sign_ins, acts): (Vec<_>, Vec<_>) = all.partition(|act| act.kind == Kind::SignInFailed);
        let (reads, told) = acts.into_iter().partition(|act| is_in_sum(act));
        Self { told, reads, failed_sign_ins }
    }

    /// What is told in sum, with the kind that explains it when nothing else does.
    pub(super) fn sums(&self) -> Vec<(Sum<'a>, Option<Kind>)> {
        let alone = |kind| self.told.is_empty().then_some(kind);
        let reads = Sum::of(&self.reads, "read-only call", "read-only calls");
        let failed = Sum::of(&self.failed_sign_ins, "failed sign-in", "failed sign-ins");
        [reads.map(|sum| (sum, alone(Kind::ReadOnlyCall))), failed.map(|sum| (sum, alone(Kind::SignInFailed)))]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// A call that only read is counted, unless its record could not be read.
pub(super) fn is_in_sum(act: &RootActivity) -> bool {
    act.kind == Kind::ReadOnlyCall && act.details_readable
}

impl<'a> Sum<'a> {
    fn of(acts: &[&'a RootActivity], one: &str, many: &str) -> Option<Self> {
        let newest = acts.iter().max_by_key(|act| act.time)?;
        let oldest = acts.iter().map(|act| act.since()).min()?;
        let count = count(acts.iter().copied());
        Some(Self {
            severity: acts.iter().map(|act| act.severity).max().unwrap_or(newest.severity),
            what: counted(count, one, many),
            when: if count == 1 { time_of(newest) } else { format!("from {} to {}", when(oldest), time_of(newest)) },
            calls: different(acts.iter().map(|act| act.event_name.as_str())),
            addresses: different(
                acts.iter().filter_map(|act| act.source_address.as_deref().or(several_addresses(act))),
            ),
        })
    }
}

/// How many acts `acts` stand for.
pub(super) fn count<'a>(acts: impl Iterator<Item = &'a RootActivity>) -> usize {
    acts.map(RootActivity::count).fold(0, usize::saturating_add)
}

/// Where `act` came from, cleaned by `safe`; `unknown` where nothing tells.
pub(super) fn address(act: &RootActivity, safe: impl Fn(&str) -> String, unknown: &str) -> String {
    let several = || several_addresses(act).unwrap_or(unknown).to_owned();
    act.source_address.as_deref().map_or_else(several, safe)
}

/// Those of acts that are alike in other things.
fn several_addresses(act: &RootActivity) -> Option<&'static str> {
    act.folded.as_ref().filter(|folded| folded.alike > Alike::Source).map(|_| "several addresses")
}

fn different<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut values: Vec<&str> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Up to five of `values`, and how many more.
pub(super) fn some_of(values: &[&str], safe: impl Fn(&str) -> String) -> String {
    let shown = values.iter().take(5).map(|value| safe(value)).collect::<Vec<_>>().join(", ");
    match values.len().checked_sub(5) {
        _ if values.is_empty() => "not recorded".into(),
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

impl<'a> Sorted<'a> {
    /// Conditions to which this happened, for whoever hears of it only now.
    pub(super) fn conditions_that(&self, is: impl Fn(Transition) -> bool) -> Vec<(&'a Alert, &'a ConditionAlert)> {
        let conditions = self.newest.iter().filter_map(|alert| alert.condition().map(|told| (*alert, told)));
        conditions.filter(|(alert, told)| is(self.transition(alert, told))).collect()
    }

    /// Changes to what watches.
    pub(super) fn tamperings(&self) -> Vec<&'a Tampering> {
        let tampering = |alert: &&'a Alert| match &alert.what {
            What::Tampering(tampering) => Some(&**tampering),
            _ => None,
        };
        self.newest.iter().filter_map(tampering).collect()
    }

    /// What is neither an act, nor a change to what watches, nor a condition, nor the digest.
    pub(super) fn notices(&self) -> Vec<&'a Alert> {
        let is_notice = |alert: &&Alert| {
            !matches!(alert.what, What::Condition(_) | What::RootActivity(_) | What::Tampering(_) | What::Digest(_))
        };
        self.newest.iter().copied().filter(is_notice).collect()
    }

    /// The last digest.
    pub(super) fn digest(&self) -> Option<&'a Digest> {
        self.newest.iter().find_map(|alert| alert.digest())
    }

    /// What of `digest` is open and not told of beside it.
    pub(super) fn open_beside(&self, digest: &'a Digest) -> Vec<&'a OpenCondition> {
        let is_told = |open: &&OpenCondition| {
            self.newest.iter().any(|alert| alert.condition().is_some_and(|told| told.condition == open.condition))
        };
        digest.open.iter().filter(|open| !is_told(open)).collect()
    }

    /// How much of what: `3 acts of root, 1 new`.
    pub(super) fn counts(&self) -> String {
        let acts = self.acts.iter().map(|(_, act)| *act);
        let all = count(acts.clone());
        let failed = count(acts.filter(|act| act.kind == Kind::SignInFailed));
        let mut parts = Vec::new();
        if all > failed {
            parts.push(counted(all - failed, "act of root", "acts of root"));
        }
        if failed > 0 {
            parts.push(counted(failed, "failed sign-in", "failed sign-ins"));
        }
        for (transition, one, many) in [
            (Transition::Opened, "new problem", "new problems"),
            (Transition::Changed, "problem that got worse", "problems that got worse"),
            (Transition::Reminder, "problem still open", "problems still open"),
            (Transition::Resolved, "resolved", "resolved"),
            (Transition::Suppressed, "suppressed", "suppressed"),
            (Transition::Dropped, "no longer checked", "no longer checked"),
        ] {
            let count = self.conditions_that(|is| is == transition).len();
            if count > 0 {
                parts.push(counted(count, one, many));
            }
        }
        let tampering = self.tamperings().len();
        if tampering > 0 {
            parts.push(counted(tampering, "change to what watches", "changes to what watches"));
        }
        let notices = self.notices().len();
        if notices > 0 {
            parts.push(format!("{notices} to know"));
        }
        parts.join(", ")
    }

    /// Whether some of it was seen so long before it is told that people must know.
    pub(super) fn told_late(&self, at: Timestamp) -> Option<String> {
        let seen = self.acts.iter().map(|(alert, _)| alert.at).chain(self.others.iter().map(|alert| alert.at)).min()?;
        let late = at.duration_since(seen);
        (late > LATE).then(|| {
            format!(
                "TOLD LATE: some of this was seen at {}, {} ago, and could not be told until now; the function's log tells why.",
                moment(seen),
                age(late)
            )
        })
    }

    /// What people must know of a condition that did not just open.
    pub(super) fn since(&self, alert: &Alert, told: &ConditionAlert) -> Option<String> {
        let mut since = Vec::new();
        match self.transition(alert, told) {
            Transition::Opened if told.transition == Transition::Opened => {}
            Transition::Changed => {
                since.push(format!("open since {}, and worse than was told then", moment(told.opened_at)))
            }
            _ => since.push(format!("open since {}", moment(told.opened_at))),
        }
        if let Some(unverified) = told.unverified_since {
            since.push(format!("could not be checked since {}", moment(unverified)));
        }
        if told.flapping {
            since.push("it came and went at least three times within 24 hours".to_owned());
        }
        (!since.is_empty()).then(|| since.join("; "))
    }

    /// What happened to the same condition and could not be told then.
    pub(super) fn before(&self, newest: &Alert) -> Option<String> {
        let steps = self.history(newest).iter().filter_map(|alert| {
            alert.condition().map(|told| format!("{} at {}", word(told.transition), moment(alert.at)))
        });
        let steps: Vec<String> = steps.collect();
        (!steps.is_empty()).then(|| steps.join(", "))
    }
}

/// What people must know of an act beside what, who, where and when: name and value.
pub(super) fn remarks(act: &RootActivity, now: Timestamp) -> Vec<(&'static str, String)> {
    let planned =
        act.planned.as_ref().map(|plan| format!("{}, announced by {}; one less severe for that", plan.ticket, plan.by));
    let late = act.time.map(|at| now.duration_since(at)).filter(|late| *late > FOUND_LATE);
    let unreadable = "details unreadable: CloudTrail's record is missing or broken, open the event yourself";
    let folded = act
        .folded
        .as_ref()
        .map(|folded| format!("{} times since {}; this is the newest", folded.count, when(folded.since)));
    let remarks = [
        ("repeated", folded),
        ("on", act.target.clone()),
        ("signed by", act.access_key_id.as_deref().map(key)),
        ("via", act.invoked_by.clone()),
        ("session", act.federated_user.as_ref().map(|name| format!("issued by root, for federated user {name}"))),
        ("refused", act.error.clone()),
        ("planned", planned),
        ("completed", act.completed.as_ref().map(|added| format!("CloudTrail wrote this record again: {added}"))),
        ("note", late.map(|late| format!("told {} after it happened", age(late)))),
        ("note", (!act.details_readable).then(|| unreadable.to_owned())),
    ];
    remarks.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
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
pub(super) fn control_of(told: &ConditionAlert) -> Option<&'static Control> {
    match &told.condition {
        Fault::Control { control } => controls::control(control),
        _ => None,
    }
}

/// How a condition weighs: what was not seen has no severity for people.
pub(super) fn weight(told: &ConditionAlert) -> String {
    if told.condition.is_blindness() { "UNKNOWN".to_owned() } else { told.failure.severity.to_string() }
}

/// A status as a person sees it at once: what is wrong in capitals.
pub(super) fn shown(status: Status) -> String {
    match status {
        Status::Failed | Status::Unknown => status.words().to_uppercase(),
        _ => status.words().to_owned(),
    }
}

/// What to do about a fault that no control describes.
pub(super) fn mend(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::NoSubscriber => {
            Some("Confirm the subscription in the mail that AWS sent, or subscribe somebody to the topic.")
        }
        Fault::OddItems => Some(
            "Find out who may write the table, and who did: roles and users with dynamodb:PutItem on it. What a check has overwritten \
             is kept for 120 days under a key that begins with Q#; delete what is not rootwatch's.",
        ),
        Fault::RefusedSettings => Some(
            "Correct the parameter and deploy again; `make check-config` shows each fault before that. Checks go on meanwhile, as if \
             what is refused were not set.",
        ),
        Fault::Unjudged { .. } => Some(checklist::read_errors::UNJUDGED),
        Fault::Control { .. } | Fault::Unread { .. } => None,
    }
}

/// How a condition ended, and how long it was open.
pub(super) fn ended(alert: &Alert, told: &ConditionAlert) -> (String, String) {
    let how = match (told.transition, &told.exception) {
        (Transition::Suppressed, Some(exception)) => {
            format!("SUPPRESSED, not mended: {}. {}", told.condition, suppressed(exception))
        }
        (Transition::Dropped, _) => format!(
            "NO LONGER CHECKED, so nobody knows whether it still is so: {}. Its Region is swept no more, or the control is left out, or \
             this version has none such.",
            told.condition.about()
        ),
        _ => told.condition.mended(),
    };
    let (from, to, length) = (moment(told.opened_at), moment(alert.at), age(alert.at.duration_since(told.opened_at)));
    let span = match told.transition {
        Transition::Suppressed | Transition::Acknowledged => format!("has been open since {from}, and still is"),
        _ => format!("was open from {from} to {to} ({length})"),
    };
    (how, span)
}

/// What people must know that is neither an act nor a condition.
pub(super) fn notice(what: &What) -> Option<String> {
    Some(match what {
        What::RootCredentialsBack { credentials } => format!(
            "Root has credentials again: {}. It had none when that was last seen. Whoever brought them back can be root: find out \
             who it was (CreateLoginProfile and AssumeRoot in CloudTrail of the management account, password recovery in this \
             one), and delete them if nobody answers for it.",
            credentials.join(", ")
        ),
        What::PlannedRootUse(plan) => format!(
            "{} announced that root will be used from {} to {} ({}). What root does then is told all the same, one less severe. If \
             nobody you trust announced it, somebody who may invoke the function prepares something.",
            plan.by,
            moment(plan.from),
            moment(plan.to),
            plan.ticket
        ),
        What::CaughtUp { since, until } => format!(
            "Nothing was checked from {} to {} ({}). Root's events of that time are looked through now, as far back as CloudTrail \
             keeps them (90 days). Find out who or what stopped the checks.",
            moment(*since),
            moment(*until),
            age(until.duration_since(*since))
        ),
        What::ExceptionEnded(exception) => format!(
            "The exception for {} is over. {} Renew it or take it out of the parameter Exceptions.",
            exception.control,
            suppressed(exception)
        ),
        What::AttestationLapsed(attestation) => format!(
            "The statement {} ({}) of {} by {} is more than 90 days old and holds no more. Check it again and renew it in the \
             parameter Attestations.",
            attestation.statement.id(),
            attestation.statement.words(),
            moment(attestation.on),
            attestation.by
        ),
        What::Unreadable { text } => {
            format!("Another version of rootwatch wrote this alert down, and this version cannot read it: {text}")
        }
        What::Digest(_) | What::Condition(_) | What::RootActivity(_) | What::Tampering(_) => return None,
    })
}

/// A condition that a digest lists.
pub(super) fn open(open: &OpenCondition) -> String {
    let unverified = open.unverified_since.map(|at| format!(", could not be checked since {}", moment(at)));
    format!("{}, since {}{}", open.condition, moment(open.opened_at), unverified.unwrap_or_default())
}

/// What a digest says of exceptions and statements: a word in capitals, and the rest.
pub(super) fn declared(digest: &Digest, now: Timestamp) -> Vec<(&'static str, String)> {
    let exceptions = digest.exceptions.iter();
    let exceptions =
        exceptions.map(|exception| ("SUPPRESSED", format!("{}. {}", exception.control, suppressed(exception))));
    let attestations = digest.attestations.iter().map(|attestation| {
        let state = if attestation.is_lapsed(now) { "lapsed" } else { "holds until" };
        let (id, by, lapses) = (attestation.statement.id(), &attestation.by, moment(attestation.lapses_at()));
        ("STATED", format!("{id}, by {by}; {state} {lapses}"))
    });
    exceptions.chain(attestations).collect()
}

/// When the check before a digest was complete.
pub(super) fn last_complete(digest: &Digest) -> String {
    match (digest.is_monitoring, digest.last_complete) {
        (true, _) if !digest.summary.is_complete() => {
            "Root is monitored: everything that this needs was read. The rest is UNKNOWN, see above.".into()
        }
        (true, Some(at)) => format!("Monitoring is active. The complete check before this one was at {}.", moment(at)),
        (true, None) => "First complete check: monitoring is active from now on.".into(),
        (false, Some(at)) => {
            format!(
                "This check is not complete: monitoring is NOT fully active. The last complete one was at {}.",
                moment(at)
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
            "No open findings among what could be evaluated; what is unknown may hide some.".into()
        }
        summary => format!("No condition is open; {}.", summary.headline()),
    }
}

/// What a digest says of controls that nobody could evaluate, and of data sources that nobody could read.
pub(super) fn unseen(digest: &Digest) -> Vec<(&'static str, String)> {
    let Summary { unknown, unread, .. } = &digest.summary;
    let mut lines = Vec::new();
    if !unknown.is_empty() {
        lines.push(("UNKNOWN", format!("{}: {}", counted(unknown.len(), "control", "controls"), some_ids(unknown))));
    }
    if !unread.is_empty() {
        lines.push((
            "UNREAD",
            format!("{}: {}", counted(unread.len(), "data source", "data sources"), some_ids(unread)),
        ));
    }
    lines
}

fn some_ids(ids: &[String]) -> String {
    let shown = ids.iter().take(MAX_IDS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match ids.len().saturating_sub(MAX_IDS) {
        0 => format!("{shown}."),
        more => format!("{shown} and {more} more."),
    }
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
    pub(super) fn of(sorted: &Sorted<'a>, conditions: &[(&'a Alert, &'a ConditionAlert)]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (alert, told) in conditions {
            let before = sorted.before(alert).map(|before| format!("before: {before}"));
            let times: Vec<String> = sorted.since(alert, told).into_iter().chain(before).collect();
            let times = (!times.is_empty()).then(|| times.join("; "));
            let error = told.failure.unavailable.as_ref();
            let is_same = |other: &&mut Self| {
                let first = other.errors.first().map(|first| &first.cause);
                other.times == times && first.is_some() && first == error.map(|error| &error.cause)
            };
            match all.iter_mut().find(is_same) {
                Some(other) => other.errors.extend(error),
                None => all.push(Self { errors: error.into_iter().collect(), found: &told.failure.found, times }),
            }
        }
        all
    }

    /// One line that names at most `max` operations.
    pub(super) fn line(&self, max: usize) -> String {
        match by_cause(self.errors.iter().copied()).first() {
            Some(errors) if self.errors.len() > 1 => errors.line(max),
            _ => self.found.to_owned(),
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
    format!("The whole report, until {ends} at most (a link; whoever has it can read the report)")
}

pub(super) const REPORT_LATER: &str =
    "Later `make report`, in a copy of the project, fetches and opens the newest one.";

pub(super) fn suppressed(exception: &Exception) -> String {
    let of = exception.resource.as_ref().map(|resource| format!(" for {resource}")).unwrap_or_default();
    format!("Suppressed{of} until {} by {}: {}.", moment(exception.until), exception.owner, exception.reason)
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

pub(super) fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => moment(from),
        (Some(from), Some(to)) => format!("from {} to {}", moment(from), moment(to)),
        _ => "at unknown times".into(),
    }
}

pub(super) fn time_of(act: &RootActivity) -> String {
    when(act.time)
}

pub(super) fn when(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "at an unknown time".into(), moment)
}

pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

pub(super) fn age(age: SignedDuration) -> String {
    let minutes = age.as_mins().max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "less than a minute".into(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
