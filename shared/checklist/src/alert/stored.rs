//! Which items of the state table count: those that a check may have written, and no others.
//!
//! Whoever may write the table may write anything into it. An item that is out of shape, that holds a time still to come, or more
//! than a check ever writes is left out as if it were not there: its condition opens again, its Region is looked through again.
//! [`Fault::OddItems`](super::Fault::OddItems) reports it.

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::condition::MAX_OPENINGS;
use super::{Alert, Condition, Failure, Journal, Memory, Plan};
use crate::account::AccountId;
use crate::sweep::{Coverage, HISTORY};
use crate::text;

/// Where the journal is kept.
pub const JOURNAL: &str = "H#heartbeat";
/// Bytes of a body; a check writes a fraction of it. An alert repeats what its condition holds, and must fit into an item, too.
const MAX_BODY: usize = 200_000;
/// A time so far ahead was written by nobody here; a clock may be set back by a day.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);
/// Ends of declarations that are remembered.
const MAX_ENDED: usize = 1_000;

impl Memory {
    /// Takes in the item that is stored under `key`, or leaves it out and notes that it did: then the answer is `false`.
    /// `announced` is when a plan was written down.
    pub fn take(&mut self, key: &str, body: &str, announced: Option<Timestamp>, now: Timestamp) -> bool {
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let is_taken = match key.split_once('#') {
            Some(("C", name)) => read(body)
                .filter(|condition: &Condition| condition.is_sound(name, latest))
                .map(|condition| drop(self.conditions.insert(name.into(), condition))),
            Some(("W", region)) => {
                // What nobody knows of the Region may be the whole history.
                let coverage = read(body).filter(|coverage: &Coverage| coverage.is_sound(latest));
                let known = coverage.is_some().then_some(());
                let coverage = coverage.unwrap_or_else(|| Coverage::begin(now, HISTORY));
                self.coverage.insert(region.into(), coverage);
                known
            }
            Some(("P", from)) => read(body)
                .filter(|plan: &Plan| plan.from.to_string() == from && plan.is_sound(announced, now))
                .map(|plan| self.plans.push(plan)),
            _ if key == JOURNAL => {
                read(body).filter(|journal: &Journal| journal.is_sound(latest)).map(|journal| self.journal = journal)
            }
            _ => None,
        };
        if is_taken.is_none() {
            self.odd.insert(key.into());
        }
        is_taken.is_some()
    }
}

fn read<T: DeserializeOwned>(body: &str) -> Option<T> {
    serde_json::from_str(body).ok().filter(|_| body.len() <= MAX_BODY)
}

impl Condition {
    fn is_sound(&self, key: &str, latest: Timestamp) -> bool {
        let times = [self.opened_at, self.told_at, self.unverified_since].into_iter().flatten();
        let mut times = times.chain(self.openings.iter().copied()).chain(self.judged_by.values().copied());
        self.fault.as_ref().is_some_and(|fault| fault.key() == key)
            && times.all(|at| at <= latest)
            && self.openings.len() <= MAX_OPENINGS
            && self.failure.as_ref().is_none_or(Failure::is_sound)
    }
}

impl Failure {
    /// A count that is too high would hide what is added.
    fn is_sound(&self) -> bool {
        self.evidence.len() <= Self::MAX_EVIDENCE && self.resources.len() == self.count.min(Self::MAX_RESOURCES)
    }
}

impl Journal {
    fn is_sound(&self, latest: Timestamp) -> bool {
        let mut times = [self.last_run, self.last_complete, self.last_digest].into_iter().flatten();
        let is_bounded = |alias: &String| *alias == text::bounded(alias);
        times.all(|at| at <= latest) && self.ended.len() <= MAX_ENDED && self.alias.as_ref().is_none_or(is_bounded)
    }
}

impl Plan {
    /// What was announced then would be accepted; where that is not known, at the latest possible time.
    fn is_sound(&self, announced: Option<Timestamp>, now: Timestamp) -> bool {
        let announced = announced.unwrap_or(self.from).min(now);
        Self::new(self.from, self.to, &self.ticket, &self.by, announced).as_ref() == Ok(self)
    }
}

impl Alert {
    /// The alert that waits with this body, if a check of `account` may have written it.
    pub fn stored(account: &AccountId, body: &str) -> Option<Self> {
        let alert: Self = serde_json::from_str(body).ok()?;
        let is_id = alert.id.chars().count() <= 255
            && !alert.id.chars().any(|char| char.is_whitespace() || text::is_unprintable(char));
        (is_id && alert.account.id == *account).then_some(alert)
    }
}
