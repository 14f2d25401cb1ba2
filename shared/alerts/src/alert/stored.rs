//! Which items of the state table count: those that a check may have written, and no others.
//!
//! Anyone who may write the table may write anything into it. An item that is out of shape, that holds a time still to come, or more
//! than a check ever writes is left out as if it were not there: its condition opens again, its Region is looked through again.
//! [`Fault::OddItems`](super::Fault::OddItems) reports it.

use checklist::baseline::Baseline;
use checklist::control::Step;
use checklist::controls::current_id;
use checklist::declarations::{ATTESTATION_HOLDS, MAX_ENTRIES};
use facts::account::AccountId;
use facts::root_activity::Plan;
use facts::span::CLOCKS_DIFFER;
use facts::text;
use facts::watch::{Arrival, MAX_CANARIES};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::condition::MAX_OPENINGS;
use super::{Acknowledgement, Alert, Condition, Digest, Failure, Journal, MAX_ID, Memory, What};
use crate::sweep::{Coverage, HISTORY, is_of_sign_ins};

/// Where the journal is kept.
pub const JOURNAL: &str = "H#heartbeat";
/// Where the findings of the account baseline are kept.
pub const BASELINE: &str = "B#baseline";
/// The schema of the items of the state table. 0.1.0 wrote the same one without its name; a version that cannot be read by the one before
/// changes it.
pub const SCHEMA: &str = "rootwatch.state/1";
/// Bytes of a body; a check writes a fraction of it. An alert repeats what its condition holds, and must fit into an item, too.
const MAX_BODY: usize = 200_000;
/// No check records a time so far ahead; a clock may be set back by a day.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);
/// Ends of declarations that are remembered.
const MAX_ENDED: usize = 1_000;
/// Announced uses of root that are remembered: one and a half a day.
const MAX_PLANS: usize = 200;
/// Most entries of a list of a digest; there are a few hundred conditions.
const MAX_LISTED: usize = 1_000;
/// More kinds of credentials than root can have.
const MAX_CREDENTIALS: usize = 8;

impl Memory {
    /// Takes in the item that is stored under `key`, or leaves it out and notes that it did: then the answer is `false`.
    /// `announced` is when a plan was written down.
    pub fn take(&mut self, key: &str, body: &str, announced: Option<Timestamp>, now: Timestamp) -> bool {
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let is_taken = match key.split_once('#') {
            Some(("C", name)) => read(body).and_then(|condition: Condition| {
                let key = condition.sound_key(name, latest)?;
                // Under the id of an earlier version it stays in the table, and is the older of the two.
                if key == name || !self.conditions.contains_key(&key) {
                    self.conditions.insert(key, condition);
                }
                Some(())
            }),
            Some(("W", region)) => {
                // What is not known of the Region may be the whole history; of everybody's sign-ins the look-back is enough.
                let coverage = read(body).filter(|coverage: &Coverage| coverage.is_sound(latest));
                let known = coverage.is_some().then_some(());
                let unknown = (!is_of_sign_ins(region)).then(|| Coverage::begin(now, HISTORY));
                self.coverage.extend(coverage.or(unknown).map(|coverage| (region.to_owned(), coverage)));
                known
            }
            Some(("P", from)) => read(body)
                .filter(|_| self.plans.len() < MAX_PLANS)
                .filter(|plan: &Plan| plan.from.to_string() == from && is_sound(plan, announced, now))
                .map(|plan| self.plans.push(plan)),
            Some(("K", region)) => read(body)
                .filter(|arrival: &Arrival| arrival.sent_at <= latest && text::bounded(region) == region)
                .filter(|_| self.arrivals.len() < MAX_CANARIES)
                .map(|arrival| {
                    self.arrivals.insert(region.into(), arrival);
                }),
            _ if key == BASELINE && Baseline::is_of_another_version(body) => Some(()),
            _ if key == BASELINE => read(body)
                .filter(|baseline: &Baseline| baseline.is_sound(latest))
                .map(|baseline| self.baseline = Some(baseline)),
            _ if key == JOURNAL => {
                read(body).filter(|journal: &Journal| journal.is_sound(latest)).and_then(|journal| {
                    // Of another schema it is odd, and counts as far as it can be read.
                    let is_ours = journal.foreign_schema().is_none();
                    self.journal = journal.credible(now);
                    is_ours.then_some(())
                })
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
    /// Its key, if it was stored under `name` and a check may have written it.
    fn sound_key(&self, name: &str, latest: Timestamp) -> Option<String> {
        let (id, rest) = name.split_once('#').map_or((name, None), |(id, rest)| (id, Some(rest)));
        let id = current_id(id);
        let current = rest.map_or_else(|| id.to_owned(), |rest| format!("{id}#{rest}"));
        let key = self.fault.as_ref()?.key();
        (key == current && self.is_sound(latest)).then_some(key)
    }

    fn is_sound(&self, latest: Timestamp) -> bool {
        let times = [self.opened_at, self.sent_at, self.unverified_since].into_iter().flatten();
        let mut times = times.chain(self.openings.iter().copied()).chain(self.judged_by.values().copied());
        times.all(|at| at <= latest)
            && self.openings.len() <= MAX_OPENINGS
            && self.failure.as_ref().is_none_or(Failure::is_sound)
            && self.acknowledged.as_ref().is_none_or(|given| given.is_sound(latest))
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
        let times = [self.last_run, self.last_complete, self.last_digest].into_iter().flatten();
        let mut times = times.chain(self.canaries.values().copied());
        times.all(|at| at <= latest)
            && self.canaries.len() <= MAX_CANARIES
            && self.ended.len() <= MAX_ENDED
            && self.schema.as_ref().is_none_or(|schema| text::bounded(schema) == *schema)
    }

    /// The schema that it names, if that is not [`SCHEMA`]: another version wrote the table last.
    pub(super) fn foreign_schema(&self) -> Option<&str> {
        self.schema.as_deref().filter(|schema| *schema != SCHEMA)
    }

    /// Without an alias that IAM would not take, and without ends of declarations that no run can have sent.
    fn credible(mut self, now: Timestamp) -> Self {
        self.alias.take_if(|alias| !is_alias(alias));
        let last = self.last_run.unwrap_or(Timestamp::MIN).min(now);
        self.ended.retain(|id| can_have_ended(id, last));
        self.ended = self.ended.iter().map(|id| of_today(id)).collect();
        self
    }
}

/// The id of an ended declaration, with its control's id of today.
fn of_today(id: &str) -> String {
    id.split('/').map(current_id).collect::<Vec<_>>().join("/")
}

/// 3 to 63 lower-case letters, digits and single hyphens inside
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>).
fn is_alias(alias: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&alias.len())
        && alias.bytes().all(fits)
        && !alias.starts_with('-')
        && !alias.ends_with('-')
        && !alias.contains("--")
}

/// Whether the declaration whose end the alert `id` is about was over by `last`. An id that was cut does not show it.
fn can_have_ended(id: &str, last: Timestamp) -> bool {
    let ends = id.rsplit_once('/').and_then(|(_, at)| at.parse::<Timestamp>().ok());
    let ends = match ends {
        Some(on) if id.contains("/attestation-lapsed/") => on.checked_add(ATTESTATION_HOLDS).ok(),
        ends => ends,
    };
    ends.map_or(id.chars().count() == MAX_ID, |ends| ends <= last)
}

/// What was announced then would be accepted; where that is not known, at the latest possible time.
fn is_sound(plan: &Plan, announced: Option<Timestamp>, now: Timestamp) -> bool {
    let announced = announced.unwrap_or(plan.from).min(now);
    Plan::new(plan.from, plan.to, &plan.ticket, &plan.by, announced).as_ref() == Ok(plan)
}

impl Alert {
    /// The alert that waits with this body at `now`, if a check of `account` may have written it.
    pub fn stored(account: &AccountId, body: &str, now: Timestamp) -> Option<Self> {
        let alert: Self = read(body)?;
        let is_id = alert.id.chars().count() <= MAX_ID
            && !alert.id.chars().any(|char| char.is_whitespace() || text::is_unprintable(char));
        let is_past = alert.at.duration_since(now) <= CLOCKS_DIFFER;
        (is_id && is_past && alert.account.id == *account && alert.what.is_sound()).then_some(alert)
    }
}

impl What {
    /// No list is longer than a check makes it: each entry takes many times the room that it has in the table.
    fn is_sound(&self) -> bool {
        match self {
            Self::Condition(sent) => sent.failure.is_sound() && is_bounded(sent.acknowledged.as_ref()),
            Self::RootCredentialsBack { credentials } => credentials.len() <= MAX_CREDENTIALS,
            Self::Digest(digest) => digest.is_sound(),
            _ => true,
        }
    }
}

impl Digest {
    fn is_sound(&self) -> bool {
        let summary = &self.summary;
        let named = [&summary.unknown, &summary.unread, &summary.unread_regions, &summary.others];
        let listed = named.map(Vec::len).into_iter().chain([self.open.len()]);
        self.steps.len() <= Step::ALL.len()
            && self.exceptions.len().max(self.attestations.len()) <= MAX_ENTRIES
            && listed.into_iter().all(|listed| listed <= MAX_LISTED)
            && self.open.iter().all(|open| is_bounded(open.acknowledged.as_ref()))
    }
}

/// What waits may be older than any clock is wrong: only its texts and its length count.
fn is_bounded(given: Option<&Acknowledgement>) -> bool {
    given.is_none_or(|given| given.is_sound(Timestamp::MAX))
}
