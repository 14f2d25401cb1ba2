//! What is sent now, given what was sent before.
//!
//! - [`Alert`]: one thing to send, with every fact that its text needs;
//! - [`Condition`]: something that is wrong until it is fixed; [`Condition::next`] is its life cycle;
//! - [`Memory`]: what earlier runs left behind;
//! - [`decide`]: memory and report into alerts and the next memory.
//!
//! Memory is never evidence: it says what was sent, not what the account's state is.

use std::collections::{BTreeMap, BTreeSet};

use checklist::baseline::Baseline;
use checklist::declarations::{Attestation, Exception};
use checklist::report::Report;
use facts::account::{Account, AccountId, Partition};
use facts::root_activity::{Plan, RootActivity};
use facts::severity::Severity;
use facts::source::Source;
use facts::span::CLOCKS_DIFFER;
use facts::tampering::Tampering;
use facts::text;
use facts::watch::Arrival;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sweep::Coverage;

mod acknowledge;
mod acknowledgement;
mod condition;
mod digest;
mod observe;
mod stored;

pub use acknowledge::{Acknowledge, Acknowledged, NotAcknowledged, Reason, acknowledged};
pub use acknowledgement::{AcknowledgeError, Acknowledgement};
pub use condition::{Condition, FLAPPING_WITHIN, Failure, Fault, Observation, STREAK, Seen, Transition};
pub use digest::renewed;
pub use digest::{Digest, OpenCondition, Rhythm};
pub use observe::{note_denials, observe};
pub use stored::{BASELINE, JOURNAL, SCHEMA};

/// Without a check for so long, the next one says so; three times the longest schedule.
pub const OUTAGE: SignedDuration = SignedDuration::from_hours(3);

/// What was seen so long before it is sent is late.
pub const LATE: SignedDuration = SignedDuration::from_mins(15);

/// Characters of an alert's id.
const MAX_ID: usize = 255;

/// How often reminders and digests are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Critical conditions.
    pub remind_critical: SignedDuration,
    /// Those of high and medium severity; low ones after seven times as long.
    pub remind_others: SignedDuration,
    /// The digest.
    pub digest: Rhythm,
    /// After so long without a check the next one says so; [`OUTAGE`] for a stack's own account.
    pub outage: SignedDuration,
}

impl Default for Policy {
    /// 4 hours, 24 hours, weekly; as in the template.
    fn default() -> Self {
        Self {
            remind_critical: SignedDuration::from_hours(4),
            remind_others: SignedDuration::from_hours(24),
            digest: Rhythm::Weekly,
            outage: OUTAGE,
        }
    }
}

/// One alert. It holds every fact that its text needs: a later run than the one that decided it may send it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alert {
    /// Stable: the same for every alert of one episode of a condition, or of one event. At most 255 characters
    /// without a space, fit for a `dedup_key` of `PagerDuty`.
    pub id: String,
    /// When it was decided.
    pub at: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// The account.
    pub account: Account,
    /// What it is about.
    #[serde(flatten)]
    pub what: What,
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all = "snake_case")]
pub enum What {
    /// A condition that opened, changed, stays open, or ended.
    Condition(Box<ConditionAlert>),
    /// One root action.
    RootActivity(Box<RootActivity>),
    /// Another identity than root tampered with monitoring. If root does, it is root activity like any other.
    Tampering(Box<Tampering>),
    /// Root has credentials again, in an account where it had none.
    RootCredentialsBack {
        /// Which: password, access key, signing certificate.
        credentials: Vec<String>,
    },
    /// Planned root use was announced.
    PlannedRootUse(Plan),
    /// Nothing was checked for some time; it is caught up now.
    CaughtUp {
        /// The last check before.
        since: Timestamp,
        /// The first check after.
        until: Timestamp,
    },
    /// An exception is over.
    ExceptionEnded(Exception),
    /// An attestation is too old to hold.
    AttestationLapsed(Attestation),
    /// The account's status: what is unknown, what is open, or that all is well.
    Digest(Box<Digest>),
    /// Another version of rootwatch wrote it down, and this one cannot read it.
    Unreadable {
        /// How it begins.
        text: String,
    },
}

/// An alert about a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionAlert {
    /// What happened to it.
    pub transition: Transition,
    /// Which.
    pub condition: Fault,
    /// What was found, at the last time that it was seen.
    pub failure: Failure,
    /// When this episode began.
    pub opened_at: Timestamp,
    /// Since when it cannot be verified.
    pub unverified_since: Option<Timestamp>,
    /// It opened for at least the third time in 24 hours.
    pub flapping: bool,
    /// The exception that suppresses it.
    pub exception: Option<Exception>,
    /// The acknowledgement in force.
    #[serde(default)]
    pub acknowledged: Option<Acknowledgement>,
}

impl ConditionAlert {
    /// How bad it is that no Region's root events can be read, where it is about that.
    pub fn blindness_to_root(&self) -> Option<Severity> {
        let is_of_root = matches!(self.condition, Fault::Unread { source: Source::RootEvents, .. });
        Some(self.failure.severity).filter(|severity| is_of_root && *severity > Severity::Medium)
    }
}

/// What earlier runs left behind, as far as a decision needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// Every condition that ever opened, by [`Fault::key`].
    pub conditions: BTreeMap<String, Condition>,
    /// What was scanned, by Region.
    pub coverage: BTreeMap<String, Coverage>,
    /// Announced uses of root.
    pub plans: Vec<Plan>,
    /// The newest canary that arrived, by the Region in which it was sent.
    pub arrivals: BTreeMap<String, Arrival>,
    /// The rest.
    pub journal: Journal,
    /// What the last reading of the account baseline left behind.
    pub baseline: Option<Baseline>,
    /// Keys of items that no check has written so: they count for nothing.
    pub odd: BTreeSet<String>,
}

/// What is remembered once an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The newest run that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// The newest run that read everything it must, and sent every alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_complete: Option<Timestamp>,
    /// The newest digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_digest: Option<Timestamp>,
    /// Whether root had any credential when that was last seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_credentials: Option<bool>,
    /// The account's alias when that was last read: only for the names in messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Alert ids of expired declarations for which an alert was sent.
    #[serde(default)]
    pub ended: BTreeSet<String>,
    /// When the oldest canary was sent that the next check waits for, by Region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub canaries: BTreeMap<String, Timestamp>,
    /// [`SCHEMA`] of the version that wrote it; 0.1.0 wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// What a run decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// To be sent, beside root activity.
    pub alerts: Vec<Alert>,
    /// Root activity to be sent unless it was before; most severe first, successes before failures.
    pub activity: Vec<Alert>,
    /// Conditions that changed and are to be recorded, by [`Fault::key`].
    pub conditions: BTreeMap<String, Condition>,
    /// The journal to be remembered.
    pub journal: Journal,
    /// Whether the requested acknowledgement was given; `None`: there was no request.
    pub acknowledged: Option<Result<(), NotAcknowledged>>,
}

/// What is sent now.
pub fn decide(memory: &Memory, report: &Report, policy: &Policy) -> Decision {
    decide_with(memory, report, policy, None)
}

/// What is sent now, and of one alert that it is acknowledged. The look comes first: an acknowledgement covers what was sent before.
pub fn decide_with(memory: &Memory, report: &Report, policy: &Policy, asked: Option<&Acknowledge>) -> Decision {
    let now = report.taken_at;
    let maker = Maker { account: &report.account, now };
    let (mut alerts, mut conditions) = maker.follow(&memory.conditions, &observe(memory, report), policy);
    let acknowledged = asked.map(|asked| maker.acknowledge(asked, &memory.conditions, &mut conditions, &mut alerts));
    let mut journal = Journal { schema: Some(SCHEMA.to_owned()), ..memory.journal.clone() };
    let selection = &report.settings.selection;
    if !selection.root_audit_only && !report.errors().any(|state| state.source == Source::AccountAlias) {
        journal.alias.clone_from(&report.account.alias);
    }
    // A narrow run catches nothing up, and cannot say how the account stands; nor does an audit of root's credentials alone.
    let is_of_all = !report.is_narrow && !selection.root_audit_only;
    if !report.is_narrow {
        journal.last_run = Some(now);
    }
    if is_of_all {
        journal.canaries.clone_from(&report.canaries_awaited);
        alerts.extend(maker.caught_up(&memory.journal, policy.outage));
    }
    alerts.extend(maker.root_credentials(&mut journal, report));
    alerts.extend(maker.ended(&mut journal, report));
    if is_of_all && policy.digest.is_due(journal.last_digest, now) {
        journal.last_digest = Some(now);
        let after = memory.conditions.iter().chain(&conditions).collect::<BTreeMap<_, _>>();
        let digest = Digest::new(report, after.into_values(), &memory.journal);
        alerts.push(maker.alert(format!("digest/{now:.0}"), digest.severity(), What::Digest(Box::new(digest))));
    }
    let activity = report.told_activity().map(|act| maker.activity(act)).collect();
    Decision { alerts, activity, conditions, journal, acknowledged }
}

/// What is sent of conditions that are not those of a report, given what is remembered of them; `account` is the one that sends.
/// Beside the alerts, the conditions that changed, by [`Fault::key`].
pub fn follow(
    conditions: &BTreeMap<String, Condition>,
    seen: &[Observation],
    account: &Account,
    now: Timestamp,
    policy: &Policy,
) -> (Vec<Alert>, BTreeMap<String, Condition>) {
    Maker { account, now }.follow(conditions, seen, policy)
}

/// The alert about root activity that was seen at `now`.
pub fn of_root(act: &RootActivity, account: &Account, now: Timestamp) -> Alert {
    Maker { account, now }.activity(act)
}

/// The alert about monitoring tampering that was seen at `now`.
pub fn of_tampering(tampering: Tampering, account: &Account, now: Timestamp) -> Alert {
    let (id, severity) = (format!("tampering/{}", tampering.event_id), tampering.severity);
    Maker { account, now }.alert(id, severity, What::Tampering(Box::new(tampering)))
}

/// The alert that announces `plan`.
pub fn announce(plan: &Plan, account: &Account, now: Timestamp) -> Alert {
    let what = What::PlannedRootUse(plan.clone());
    Maker { account, now }.alert(format!("planned-root-use/{}", plan.from), Severity::Medium, what)
}

fn alert_id(account: &AccountId, id: &str) -> String {
    let id = format!("{account}/{id}");
    id.chars().map(|char| if char.is_whitespace() { '_' } else { char }).take(MAX_ID).collect()
}

struct Maker<'a> {
    account: &'a Account,
    now: Timestamp,
}

impl Maker<'_> {
    fn alert(&self, id: String, severity: Severity, what: What) -> Alert {
        Alert { id: alert_id(&self.account.id, &id), at: self.now, severity, account: self.account.clone(), what }
    }

    fn follow(
        &self,
        known: &BTreeMap<String, Condition>,
        seen: &[Observation],
        policy: &Policy,
    ) -> (Vec<Alert>, BTreeMap<String, Condition>) {
        let mut alerts = Vec::new();
        let mut conditions = BTreeMap::new();
        for seen in seen {
            let key = seen.condition.key();
            let before = known.get(&key);
            let (after, sent) = Condition::next(before, seen, self.now, policy);
            alerts.extend(sent.map(|sent| self.condition(&after, sent)));
            if before != Some(&after) && after != Condition::default() {
                conditions.insert(key, after);
            }
        }
        (alerts, conditions)
    }

    fn condition(&self, condition: &Condition, sent: ConditionAlert) -> Alert {
        let severity = match sent.transition {
            Transition::Opened | Transition::Changed | Transition::Reminder => sent.failure.severity,
            Transition::Suppressed | Transition::Acknowledged => Severity::Low,
            Transition::Resolved | Transition::Dropped => Severity::Informational,
        };
        self.alert(sent.condition.id(condition.episode), severity, What::Condition(Box::new(sent)))
    }

    fn activity(&self, act: &RootActivity) -> Alert {
        self.alert(format!("root/{}", act.event_id), act.severity, What::RootActivity(Box::new(act.clone())))
    }

    fn caught_up(&self, journal: &Journal, outage: SignedDuration) -> Option<Alert> {
        // A time of the future was recorded by a wrong clock, or by an attacker who hides that checks stopped.
        let runs = [journal.last_run, journal.last_complete].into_iter().flatten();
        let last = runs.filter(|at| at.duration_since(self.now) <= CLOCKS_DIFFER).max()?;
        let since = Some(last).filter(|last| self.now.duration_since(*last) > outage)?;
        let what = What::CaughtUp { since, until: self.now };
        Some(self.alert(format!("caught-up/{:.0}", self.now), Severity::High, what))
    }

    /// Root of a member account may have had no credentials at all; that it has one again is sent even if root has MFA.
    fn root_credentials(&self, journal: &mut Journal, report: &Report) -> Option<Alert> {
        let present = report.root_credentials.as_ref()?;
        let before = journal.root_credentials.replace(!present.is_empty());
        (before == Some(false) && !present.is_empty()).then(|| {
            let what = What::RootCredentialsBack { credentials: present.clone() };
            self.alert(format!("root-credentials-back/{:.0}", self.now), Severity::Critical, what)
        })
    }

    /// Each declaration that is over, once.
    fn ended(&self, journal: &mut Journal, report: &Report) -> Vec<Alert> {
        let declarations = &report.declarations;
        let exceptions = declarations.exceptions.iter().filter(|exception| exception.is_expired(self.now));
        let exceptions = exceptions.map(|exception| {
            let resource = exception.resource.as_deref().unwrap_or("all");
            let id = format!("exception-ended/{}/{resource}/{}", exception.control, exception.until);
            self.alert(id, Severity::Medium, What::ExceptionEnded(exception.clone()))
        });
        let is_judged = |attestation: &Attestation| {
            let Some(control) = attestation.statement.control() else { return false };
            let is_judged_here = report.findings.iter().any(|finding| finding.control == control);
            is_judged_here || report.settings.selection.leaves_alone(control)
        };
        let attestations = declarations.attestations.iter();
        let attestations =
            attestations.filter(|attestation| attestation.is_lapsed(self.now) && !is_judged(attestation));
        let attestations = attestations.map(|attestation| {
            let id = format!("attestation-lapsed/{}/{}", attestation.statement.id(), attestation.on);
            self.alert(id, Severity::Low, What::AttestationLapsed(attestation.clone()))
        });
        let ended: Vec<Alert> = exceptions.chain(attestations).collect();
        let ids: BTreeSet<String> = ended.iter().map(|alert| alert.id.clone()).collect();
        let sent = std::mem::replace(&mut journal.ended, ids);
        ended.into_iter().filter(|alert| !sent.contains(&alert.id)).collect()
    }
}

impl Alert {
    /// Its place among others of the same thing in a message of `now`: a clock that is ahead is no last word, and of two at once the
    /// worse is.
    pub fn turn(&self, now: Timestamp) -> (Timestamp, Severity) {
        (self.at.min(now), self.severity)
    }

    /// The root action that it is about.
    pub fn act(&self) -> Option<&RootActivity> {
        match &self.what {
            What::RootActivity(act) => Some(act),
            _ => None,
        }
    }

    /// CloudTrail's id of the event that it is about: such an alert is sent once.
    pub fn event_id(&self) -> Option<&str> {
        match &self.what {
            What::RootActivity(act) => Some(&act.event_id),
            What::Tampering(tampering) => Some(&tampering.event_id),
            _ => None,
        }
    }

    /// Whether it is about an event that CloudTrail completed: it is sent again if that makes it worse.
    pub fn is_completed(&self) -> bool {
        match &self.what {
            What::RootActivity(act) => act.completed.is_some(),
            What::Tampering(tampering) => tampering.completed.is_some(),
            _ => false,
        }
    }

    /// How many actions it counts, if it stands for very many: it is sent again when they are ten times as many.
    pub fn count(&self) -> Option<usize> {
        self.act().filter(|act| act.folded.is_some()).map(RootActivity::count)
    }

    /// One that another version of rootwatch wrote down under `key`.
    pub fn unreadable(account: &AccountId, key: &str, at: Timestamp, body: &str) -> Self {
        let account = Account { id: account.clone(), alias: None, partition: Partition::Aws };
        let id = text::bounded(key.split_once('#').map_or(key, |(_, id)| id));
        let what = What::Unreadable { text: text::bounded(body) };
        Self { id, at, severity: Severity::High, account, what }
    }

    /// The digest that it is.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.what {
            What::Digest(digest) => Some(digest),
            _ => None,
        }
    }

    /// When it happened; `None`: it is about no event, or the record does not say.
    pub fn happened_at(&self) -> Option<Timestamp> {
        match &self.what {
            What::RootActivity(act) => act.since(),
            What::Tampering(tampering) => tampering.time,
            _ => None,
        }
    }

    /// The condition that it is about.
    pub fn condition(&self) -> Option<&ConditionAlert> {
        match &self.what {
            What::Condition(condition) => Some(condition),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
