//! Acknowledging an open alert: the request, and its outcome.

use std::collections::BTreeMap;
use std::fmt;

use facts::account::AccountId;
use facts::text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AcknowledgeError, Acknowledgement, Alert, Condition, Fault, MAX_ID, Maker, Transition, alert_id};

/// After the account's number, the id by which all open read errors are acknowledged at once; theirs begin with it.
const READ_ERRORS: &str = "/unread";
/// Alert ids that a refusal lists.
const MAX_LISTED: usize = 10;
/// Alerts of something that happened, by the second part of their id: each is sent once, and has no reminders.
const EVENTS: [&str; 8] = [
    "root",
    "tampering",
    "root-credentials-back",
    "planned-root-use",
    "caught-up",
    "exception-ended",
    "attestation-lapsed",
    "digest",
];

/// A request to acknowledge an open alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledge {
    /// The alert's id, as every message shows it, or that of [`Acknowledge::all_read_errors`].
    pub alert: String,
    /// What is recorded if the alert is open.
    pub acknowledgement: Acknowledgement,
}

/// A request that was not fulfilled, and the alerts that can be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAcknowledged {
    /// The id that was asked for, bounded.
    pub alert: String,
    /// The reason.
    pub reason: Reason,
    /// Ids of open alerts, at most ten.
    pub open: Vec<String>,
    /// How many more are open.
    pub more: usize,
}

/// Why an alert was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Its id names another account.
    #[error("it belongs to another account")]
    OtherAccount,
    /// It is about an event, such as root activity.
    #[error("it is about an event: it is sent once, and has no reminders")]
    Event,
    /// Its condition has ended.
    #[error("it is not open any more")]
    NotOpen,
    /// No alert has the id.
    #[error("no alert has this id")]
    Unknown,
    /// All read errors were to be acknowledged, and none is open.
    #[error("no read error is open")]
    NoReadError,
    /// This check found that its condition is worse than in the last alert of it.
    #[error("this check found more of it: read the new alert first")]
    Worse,
}

/// An open alert with the acknowledgement in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Acknowledged {
    /// The alert's id.
    pub alert: String,
    /// Its condition.
    pub condition: Fault,
    /// Who acknowledged it, and until when.
    pub acknowledgement: Acknowledgement,
}

impl Acknowledge {
    /// Checks a request for the alert called `alert`.
    ///
    /// # Errors
    /// See [`AcknowledgeError`].
    pub fn new(alert: &str, acknowledgement: Acknowledgement) -> Result<Self, AcknowledgeError> {
        let alert = alert.trim();
        if alert.is_empty() || alert.chars().count() > MAX_ID {
            return Err(AcknowledgeError::NoAlert);
        }
        Ok(Self { alert: alert.to_owned(), acknowledgement })
    }

    /// The id that stands for all read errors of `account` that are open.
    pub fn all_read_errors(account: &AccountId) -> String {
        format!("{account}{READ_ERRORS}")
    }

    /// Whether the alert called `id` is meant.
    pub fn means(&self, id: &str) -> bool {
        let is_read_error = || id.strip_prefix(&self.alert).is_some_and(|rest| rest.starts_with('/'));
        id == self.alert || (self.alert.ends_with(READ_ERRORS) && is_read_error())
    }
}

impl fmt::Display for NotAcknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alert, reason, open, more } = self;
        write!(f, "`{alert}` was not acknowledged: {reason}. ")?;
        match (open.as_slice(), more) {
            ([], _) => f.write_str("No alert is open"),
            (open, 0) => write!(f, "Open alerts: {}", open.join(", ")),
            (open, more) => write!(f, "Open alerts: {}, and {more} more", open.join(", ")),
        }
    }
}

impl std::error::Error for NotAcknowledged {}

/// The acknowledgements of `conditions` that are in force at `now`.
pub fn acknowledged(
    conditions: &BTreeMap<String, Condition>,
    account: &AccountId,
    now: Timestamp,
) -> Vec<Acknowledged> {
    let open = conditions.values().filter(|condition| condition.open);
    let in_force = open.filter_map(|condition| {
        let acknowledgement = condition.acknowledged.clone().filter(|given| given.is_in_force(now))?;
        let fault = condition.fault.clone()?;
        Some(Acknowledged { alert: alert_id(account, &fault.id(condition.episode)), condition: fault, acknowledgement })
    });
    in_force.collect()
}

impl Maker<'_> {
    /// Acknowledges what `asked` names: `before` are the conditions that were remembered, `after` those that this check changed,
    /// and `alerts` is what it sends of them. Of one condition a check sends one alert.
    pub(super) fn acknowledge(
        &self,
        asked: &Acknowledge,
        before: &BTreeMap<String, Condition>,
        after: &mut BTreeMap<String, Condition>,
        alerts: &mut Vec<Alert>,
    ) -> Result<(), NotAcknowledged> {
        let all: BTreeMap<&String, &Condition> = before.iter().chain(after.iter()).collect();
        let open = all.iter().filter(|(_, condition)| condition.open);
        let open: Vec<(String, &String, &Condition)> = open
            .filter_map(|(key, condition)| Some((self.id_of(condition, condition.episode)?, *key, *condition)))
            .collect();
        let ids: Vec<String> = open.iter().take(MAX_LISTED).map(|(id, ..)| text::bounded(id)).collect();
        let more = open.len().saturating_sub(MAX_LISTED);
        let refused = |reason| NotAcknowledged { alert: text::bounded(&asked.alert), reason, open: ids, more };
        let meant: Vec<(String, String, Condition)> = open
            .iter()
            .filter(|(id, ..)| asked.means(id))
            .map(|(id, key, condition)| (id.clone(), (*key).clone(), (*condition).clone()))
            .collect();
        if meant.is_empty() {
            return Err(refused(self.reason(asked, &all)));
        }
        let mut given = false;
        let mut reason = Reason::NotOpen;
        for (id, key, mut condition) in meant {
            if condition.acknowledged.as_ref() == Some(&asked.acknowledgement) {
                // This run decides again, because another one wrote meanwhile.
                given = true;
                continue;
            }
            let transition = alerts.iter().find(|alert| alert.id == id).and_then(Alert::condition);
            if matches!(transition.map(|sent| sent.transition), Some(Transition::Opened | Transition::Changed)) {
                // The person has not read that yet; of several read errors, the others are acknowledged.
                reason = Reason::Worse;
                continue;
            }
            let Some(sent) = condition.acknowledge(&asked.acknowledgement, self.now) else { continue };
            given = true;
            // In place of a reminder that was due.
            alerts.retain(|alert| alert.id != id);
            alerts.push(self.condition(&condition, sent));
            after.insert(key, condition);
        }
        if given { Ok(()) } else { Err(refused(reason)) }
    }

    /// Why nothing that is open is called so.
    fn reason(&self, asked: &Acknowledge, all: &BTreeMap<&String, &Condition>) -> Reason {
        let Some((account, rest)) = asked.alert.split_once('/') else { return Reason::Unknown };
        if account != self.account.id.as_str() {
            return if AccountId::parse(account).is_ok() { Reason::OtherAccount } else { Reason::Unknown };
        }
        if asked.alert == Acknowledge::all_read_errors(&self.account.id) {
            return Reason::NoReadError;
        }
        if rest.split('/').next().is_some_and(|kind| EVENTS.contains(&kind)) {
            return Reason::Event;
        }
        let episode = asked.alert.rsplit_once('/').and_then(|(_, episode)| episode.parse::<u32>().ok());
        let was_open = |condition: &&Condition| {
            episode
                .filter(|episode| (1..=condition.episode).contains(episode))
                .is_some_and(|episode| self.id_of(condition, episode).as_ref() == Some(&asked.alert))
        };
        if all.values().any(was_open) { Reason::NotOpen } else { Reason::Unknown }
    }

    fn id_of(&self, condition: &Condition, episode: u32) -> Option<String> {
        Some(alert_id(&self.account.id, &condition.fault.as_ref()?.id(episode)))
    }
}
