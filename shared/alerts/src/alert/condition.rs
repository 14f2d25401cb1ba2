//! The life cycle of a condition: it opens, changes, has reminders, and ends.

use std::collections::BTreeMap;
use std::fmt;

use checklist::controls;
use checklist::declarations::Exception;
use facts::severity::Severity;
use facts::source::{Source, Unavailable};
use facts::verdict::Evidence;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Acknowledgement, ConditionAlert, Policy};

/// What may pass by itself alerts when it was seen in so many runs in a row.
pub const STREAK: u32 = 3;
/// The third opening within this time is marked as flapping.
pub const FLAPPING_WITHIN: SignedDuration = SignedDuration::from_hours(24);
const FLAPS: usize = 3;
/// Conditions of low severity have reminders so many times more rarely: a daily list of trifles hides what matters.
const REMIND_LOW: i32 = 7;
/// Openings that are remembered.
pub(super) const MAX_OPENINGS: usize = 16;

/// Something that can be wrong for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// A control fails.
    Control {
        /// Its id.
        #[serde(deserialize_with = "current_id")]
        control: String,
    },
    /// A control is unknown although everything could be read.
    Unjudged {
        /// Its id.
        #[serde(deserialize_with = "current_id")]
        control: String,
    },
    /// A source cannot be read, or a Region's events not to their end.
    Unread {
        /// The source.
        source: Source,
        /// The Region, for root events.
        region: Option<String>,
    },
    /// The topic has no confirmed subscription.
    NoSubscriber,
    /// The state table holds items that no check has written so.
    OddItems,
    /// Settings, or entries of them, cannot be read and are ignored.
    RefusedSettings,
    /// An organization cannot be audited at all.
    OrganizationNotAudited,
    /// Accounts of an organization could not be audited.
    AccountsNotAudited,
}

/// An earlier version may have stored another id.
fn current_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(controls::current_id(&String::deserialize(deserializer)?).to_owned())
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub found: String,
    /// What it was evaluated by; at most [`Failure::MAX_EVIDENCE`] pieces.
    pub evidence: Vec<Evidence>,
    /// The things that are wrong, by name; at most [`Failure::MAX_RESOURCES`].
    pub resources: Vec<String>,
    /// How many they are.
    pub count: usize,
    /// Why it could not be read, if that is the fault.
    pub unavailable: Option<Unavailable>,
}

/// One look at a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which.
    pub condition: Fault,
    /// What was seen.
    pub seen: Seen,
    /// What that rests on, with its age.
    pub judged_by: BTreeMap<Source, Timestamp>,
}

/// What was seen of a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// It is there.
    Failing {
        /// What was found.
        failure: Failure,
        /// It may pass by itself: it alerts when it lasts for [`STREAK`] runs.
        passing: bool,
    },
    /// It is there, and an exception suppresses it.
    Suppressed(Failure, Exception),
    /// It is not there.
    Passing,
    /// It is looked at no more.
    Dropped,
    /// It could not be verified.
    Unknown,
}

/// What happened to a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// It began.
    Opened,
    /// There is more of it than in the last alert.
    Changed,
    /// It is still there.
    Reminder,
    /// It is gone.
    Resolved,
    /// It is still there, and an exception suppresses it from now on.
    #[serde(alias = "silenced")]
    Suppressed,
    /// It is still there, and a person works on it: no reminders until the acknowledgement ends.
    Acknowledged,
    /// It is looked at no more.
    Dropped,
}

/// What is remembered of a condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Which.
    pub fault: Option<Fault>,
    /// It is there, as far as is known, and an alert was sent.
    pub open: bool,
    /// How many times it opened.
    pub episode: u32,
    /// What was found last, while it is open.
    pub failure: Option<Failure>,
    /// When the newest evidence was read by which it was evaluated, of each source.
    #[serde(default)]
    pub judged_by: BTreeMap<Source, Timestamp>,
    /// When this episode began.
    pub opened_at: Option<Timestamp>,
    /// When its last alert was decided.
    #[serde(rename = "told_at")]
    pub sent_at: Option<Timestamp>,
    /// Since when it cannot be verified.
    pub unverified_since: Option<Timestamp>,
    /// In so many runs in a row, without an alert yet.
    pub streak: u32,
    /// When it opened lately, oldest first.
    pub openings: Vec<Timestamp>,
    /// The acknowledgement in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledgement>,
}

impl Failure {
    /// Pieces of evidence that are kept.
    pub const MAX_EVIDENCE: usize = 24;
    /// Names that are kept.
    pub const MAX_RESOURCES: usize = 100;

    /// There is more wrong than in `sent`. Less, or other words for the same, is no news.
    fn is_more_than(&self, sent: &Self) -> bool {
        let named = self.count <= Self::MAX_RESOURCES && sent.count <= Self::MAX_RESOURCES && sent.count > 0;
        self.severity > sent.severity
            || (sent.count > 0 && self.count > sent.count)
            || (named && self.resources.iter().any(|resource| !sent.resources.contains(resource)))
    }
}

impl Condition {
    /// What is remembered after an observation, and the alert about it.
    ///
    /// Evidence that is older than what was evaluated before decides nothing; nor does `Unknown`. A time in the future was written
    /// by a clock that has stepped back since, and holds nothing up.
    pub fn next(
        before: Option<&Self>,
        seen: &Observation,
        now: Timestamp,
        policy: &Policy,
    ) -> (Self, Option<ConditionAlert>) {
        let mut after = before.cloned().unwrap_or_default();
        // No check records an open condition without a failure; failing evidence opens it again.
        after.open &= after.failure.is_some();
        let transition = match &seen.seen {
            Seen::Unknown => after.unverified(now, policy),
            _ if after.outdates(seen, now) => after.unverified(now, policy),
            Seen::Failing { failure, passing } => {
                // A run that decides again, because another wrote meanwhile, is still one run.
                let evaluated = after.judged_by.clone();
                after.judged_by.extend(&seen.judged_by);
                after.streak = after.streak.saturating_add(u32::from(after.judged_by != evaluated));
                after.failing(failure, *passing, now, policy)
            }
            Seen::Suppressed(failure, _) => {
                after.judged_by.extend(&seen.judged_by);
                after.streak = 0;
                let was_open = after.close();
                after.failure = was_open.then(|| failure.clone());
                was_open.then_some(Transition::Suppressed)
            }
            Seen::Passing | Seen::Dropped if before.is_none() => None,
            Seen::Passing | Seen::Dropped => {
                after.judged_by.extend(&seen.judged_by);
                after.streak = 0;
                let ended = if seen.seen == Seen::Passing { Transition::Resolved } else { Transition::Dropped };
                after.close().then_some(ended)
            }
        };
        if !after.open || transition == Some(Transition::Opened) || transition == Some(Transition::Changed) {
            after.acknowledged = None;
        }
        let alert = transition.and_then(|transition| {
            let failure = after.failure.clone().or_else(|| before.and_then(|before| before.failure.clone()))?;
            let exception = match &seen.seen {
                Seen::Suppressed(_, exception) => Some(exception.clone()),
                _ => None,
            };
            Some(ConditionAlert { exception, ..after.alert(transition, seen.condition.clone(), failure, now) })
        });
        if alert.is_some() {
            after.sent_at = Some(now);
        }
        if after != Self::default() {
            after.fault = Some(seen.condition.clone());
        }
        if !after.open {
            after.failure = None;
            after.unverified_since = None;
        }
        (after, alert)
    }

    /// What is sent of it at `now`.
    fn alert(&self, transition: Transition, condition: Fault, failure: Failure, now: Timestamp) -> ConditionAlert {
        ConditionAlert {
            transition,
            condition,
            failure,
            opened_at: self.opened_at.unwrap_or(now),
            unverified_since: self.unverified_since,
            flapping: self.openings.iter().filter(|at| is_lately(**at, now)).count() >= FLAPS,
            exception: None,
            acknowledged: self.acknowledged.clone(),
        }
    }

    /// Takes an acknowledgement in, and what is sent of it. `None`: there is nothing to acknowledge.
    pub(super) fn acknowledge(&mut self, given: &Acknowledgement, now: Timestamp) -> Option<ConditionAlert> {
        let (fault, failure) = (self.fault.clone()?, self.failure.clone().filter(|_| self.open)?);
        self.acknowledged = Some(given.clone());
        self.sent_at = Some(now);
        Some(self.alert(Transition::Acknowledged, fault, failure, now))
    }

    /// Whether `seen` rests on older evidence than what was evaluated before: one source is enough to unsettle a pass, a failure
    /// stands as long as one of those that found it is new.
    fn outdates(&self, seen: &Observation, now: Timestamp) -> bool {
        let is_old = |(source, at): (&Source, &Timestamp)| {
            self.judged_by.get(source).is_some_and(|newest| at < newest && *newest <= now)
        };
        let mut evidence = seen.judged_by.iter();
        match seen.seen {
            Seen::Failing { .. } | Seen::Suppressed(..) => !seen.judged_by.is_empty() && evidence.all(is_old),
            _ => evidence.any(is_old),
        }
    }

    fn failing(&mut self, failure: &Failure, passing: bool, now: Timestamp, policy: &Policy) -> Option<Transition> {
        if !self.open {
            if passing && self.streak < STREAK {
                return None;
            }
            self.streak = 0;
            self.open = true;
            self.episode = self.episode.checked_add(1).unwrap_or(1);
            self.opened_at = Some(now);
            self.failure = Some(failure.clone());
            self.openings.retain(|at| is_lately(*at, now));
            self.openings.push(now);
            let extra = self.openings.len().saturating_sub(MAX_OPENINGS);
            self.openings.drain(..extra);
            return Some(Transition::Opened);
        }
        self.streak = 0;
        self.unverified_since = None;
        let sent = self.failure.replace(failure.clone())?;
        if failure.is_more_than(&sent) {
            return Some(Transition::Changed);
        }
        // The source that names them may be gone for a while; names that are new when it is back are news.
        if let Some(now) = self.failure.as_mut().filter(|now| now.count == 0) {
            now.resources = sent.resources;
            now.count = sent.count;
        }
        self.reminder(failure.severity, now, policy)
    }

    fn unverified(&mut self, now: Timestamp, policy: &Policy) -> Option<Transition> {
        if !self.open {
            return None;
        }
        self.unverified_since.get_or_insert(now);
        let severity = self.failure.as_ref()?.severity;
        self.reminder(severity, now, policy)
    }

    /// None while an acknowledgement is in force, and one as soon as it ends. A clock that stepped back by less than the period
    /// restarts the period.
    fn reminder(&mut self, severity: Severity, now: Timestamp, policy: &Policy) -> Option<Transition> {
        if self.acknowledged.as_ref().is_some_and(|given| given.is_in_force(now)) {
            return None;
        }
        if self.acknowledged.take().is_some() {
            return Some(Transition::Reminder);
        }
        let period = match severity {
            Severity::Critical => policy.remind_critical,
            Severity::Medium | Severity::High => policy.remind_others,
            Severity::Informational | Severity::Low => policy.remind_others * REMIND_LOW,
        };
        let sent_at = self.sent_at.unwrap_or(Timestamp::MIN);
        let is_due = now.duration_since(sent_at) >= period || sent_at.duration_since(now) > period;
        if !is_due && sent_at > now {
            self.sent_at = Some(now);
        }
        is_due.then_some(Transition::Reminder)
    }

    /// Whether it was open.
    fn close(&mut self) -> bool {
        std::mem::replace(&mut self.open, false)
    }
}

fn is_lately(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).abs() < FLAPPING_WITHIN
}

impl Fault {
    /// Name of the condition in the ledger, unique in an account.
    pub fn key(&self) -> String {
        match self {
            Self::Control { control } => control.clone(),
            Self::Unjudged { control } => format!("{control}#unjudged"),
            Self::Unread { source, region } => {
                let region = region.as_ref().map(|region| format!("#{region}")).unwrap_or_default();
                format!("unread#{}{region}", source.id())
            }
            Self::NoSubscriber => "no-subscriber".into(),
            Self::OddItems => "odd-items".into(),
            Self::RefusedSettings => "refused-settings".into(),
            Self::OrganizationNotAudited => "organization-not-audited".into(),
            Self::AccountsNotAudited => "accounts-not-audited".into(),
        }
    }

    /// What the ids of its alerts in one episode end with.
    pub(super) fn id(&self, episode: u32) -> String {
        format!("{}/{episode}", self.key().replace('#', "/"))
    }

    /// The control that fails, or that could not be evaluated.
    pub fn control(&self) -> Option<&str> {
        match self {
            Self::Control { control } | Self::Unjudged { control } => Some(control),
            Self::Unread { .. }
            | Self::NoSubscriber
            | Self::OddItems
            | Self::RefusedSettings
            | Self::OrganizationNotAudited
            | Self::AccountsNotAudited => None,
        }
    }

    /// What is wrong, a few words without a verb or a sentence without a full stop.
    pub fn headline(&self) -> String {
        let control = |id: &str| controls::control(id);
        match self {
            Self::Control { control: id } => {
                control(id).map_or_else(|| format!("{id} fails"), |control| control.violation.to_owned())
            }
            Self::Unjudged { control: id } => {
                format!("cannot verify: {}", control(id).map_or(id.as_str(), |control| control.title))
            }
            Self::Unread { .. } => format!("{} could not be read", self.about()),
            Self::NoSubscriber => "no confirmed subscription: alerts reach no one".into(),
            Self::OddItems => "the state table holds items that rootwatch did not write".into(),
            Self::RefusedSettings => "settings are refused and ignored".into(),
            Self::OrganizationNotAudited => "the organization cannot be audited".into(),
            Self::AccountsNotAudited => "accounts of the organization could not be audited".into(),
        }
    }

    /// What is checked, in any state.
    pub fn about(&self) -> String {
        match self {
            Self::Control { control: id } | Self::Unjudged { control: id } => {
                controls::control(id).map_or_else(|| id.clone(), |control| control.title.to_owned())
            }
            Self::Unread { source, region: Some(region) } => format!("{source} of {region}"),
            Self::Unread { source, region: None } => source.to_string(),
            Self::NoSubscriber => "subscribers".into(),
            Self::OddItems => "items of the state table".into(),
            Self::RefusedSettings => "settings".into(),
            Self::OrganizationNotAudited => "the audit of the organization".into(),
            Self::AccountsNotAudited => "the audit of the organization's accounts".into(),
        }
    }

    /// The state once it is resolved, as a sentence without a full stop.
    pub fn resolved(&self) -> String {
        match self {
            Self::Control { .. } | Self::Unjudged { .. } => self.about(),
            Self::Unread { .. } => format!("Readable again: {}", self.about()),
            Self::NoSubscriber => "A subscription is confirmed".into(),
            Self::OddItems => "Every item of the state table can be read".into(),
            Self::RefusedSettings => "Every setting can be read".into(),
            Self::OrganizationNotAudited => "The organization can be audited".into(),
            Self::AccountsNotAudited => "Every account of the organization that can be audited was".into(),
        }
    }

    /// Whether it is about what rootwatch could not see, rather than about what it saw.
    pub fn is_blindness(&self) -> bool {
        matches!(
            self,
            Self::Unjudged { .. } | Self::Unread { .. } | Self::OrganizationNotAudited | Self::AccountsNotAudited
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())
    }
}
