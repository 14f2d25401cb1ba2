//! What is kept of past reports: statuses by check, root activity, planned uses. Pure: other modules read and write it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use checklist::Finding;
use checklist::controls::current_id;
use facts::root_activity::Kind;
use facts::root_activity::Plan;
use facts::text::bounded;
use facts::{AccountId, RootActivity, Status};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::ser::Serializer;

use crate::lines::Lines;
use crate::looked::Looked;
use crate::stored::Stored;

/// The schema that this version writes.
pub const SCHEMA: &str = "rootwatch.history/1";
/// How many days are kept: as many as CloudTrail keeps.
pub const DAYS: i64 = 90;
/// How many links of the chain are kept, about 300 kB: more than the 14 days of a check every 15 minutes, for so long can a report that
/// was not kept be handed over again. With a shorter schedule its place is found by its neighbours.
pub const LINKS: usize = 1_500;
/// How many root actions are kept.
pub const ACTS: usize = 5_000;
const DAY: i64 = 24 * 60 * 60;

/// The last 90 days.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    /// [`SCHEMA`].
    pub schema: String,
    /// The account.
    pub account: Option<AccountId>,
    /// The newest reports, oldest first: the ends of the chain.
    pub chain: Vec<Link>,
    /// Oldest first. Neighbours of one day that are the same are one line that counts them.
    pub runs: Vec<Run>,
    /// Root activity, oldest first, each action once.
    pub acts: Vec<RootActivity>,
    /// Root actions beyond those that are kept, counted.
    pub acts_left_out: usize,
    /// Planned uses of root, oldest first.
    pub plans: Vec<Plan>,
    /// When it was rebuilt from the reports, because it was missing or damaged.
    pub rebuilt_at: Option<Timestamp>,
    /// Where and when root events were read; of an older version nothing is known.
    #[serde(default)]
    pub looked: Looked,
    /// The last day whose reports the bucket's lifecycle may have removed.
    pub expired_until: Option<Date>,
    /// Controls whose findings are not in Security Hub yet; `None`: all of them, once it is enabled.
    // Stored under the name that an earlier version reads.
    #[serde(default, rename = "untold", deserialize_with = "some_current_ids")]
    pub unsent: Option<BTreeSet<String>>,
}

/// A report in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it lies in the bucket.
    pub key: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Lambda's id of the run.
    pub run: String,
}

/// A run, or several of one day with the same outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When the first one began.
    pub from: Timestamp,
    /// When the last one began.
    pub until: Timestamp,
    /// How many.
    pub runs: usize,
    /// How many of them were complete.
    pub complete: usize,
    /// The outcome by control.
    #[serde(deserialize_with = "by_current_id")]
    pub statuses: BTreeMap<String, Status>,
    /// Controls whose failure or unknown an exception suppresses.
    // Stored under the name that an earlier version reads.
    #[serde(rename = "excepted", deserialize_with = "current_ids")]
    pub suppressed: BTreeSet<String>,
    /// Root actions that no check before had seen, by kind.
    pub root_activity: BTreeMap<Kind, usize>,
}

/// An earlier version may have stored another id of a control.
fn by_current_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Status>, D::Error> {
    let stored = BTreeMap::<String, Status>::deserialize(deserializer)?;
    Ok(stored.into_iter().map(|(id, status)| (current_id(&id).to_owned(), status)).collect())
}

fn current_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    let stored = BTreeSet::<String>::deserialize(deserializer)?;
    Ok(stored.iter().map(|id| current_id(id).to_owned()).collect())
}

fn some_current_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeSet<String>>, D::Error> {
    let stored = Option::<BTreeSet<String>>::deserialize(deserializer)?;
    Ok(stored.map(|stored| stored.iter().map(|id| current_id(id).to_owned()).collect()))
}

/// A history that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It is damaged.
    #[error("the history cannot be read: {0}")]
    Damaged(String),
    /// Another version wrote it.
    #[error("the history is of schema `{0}`, not of `{SCHEMA}`")]
    Schema(String),
    /// It is of another account, or names none.
    #[error("the history is of account `{0}`")]
    Account(String),
}

#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
    account: Option<String>,
}

impl History {
    /// That of `account`, before its first run.
    pub fn new(account: &AccountId) -> Self {
        Self { schema: SCHEMA.to_owned(), account: Some(account.clone()), ..Self::default() }
    }

    /// Reads what [`History::write`] wrote.
    ///
    /// # Errors
    /// When it is damaged, of another schema, or of another account than `account`.
    pub fn read(bytes: &[u8], account: &AccountId) -> Result<Self, HistoryError> {
        let damaged = |error: serde_json::Error| HistoryError::Damaged(bounded(&error.to_string()));
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        let (schema, of) = (head.schema.unwrap_or_default(), head.account.unwrap_or_default());
        if schema != SCHEMA {
            return Err(HistoryError::Schema(bounded(&schema)));
        }
        if of != account.as_str() {
            return Err(HistoryError::Account(bounded(&of)));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// As JSON, a line a run, an act, a plan and a link.
    ///
    /// # Errors
    /// None that is known: the types hold nothing that JSON cannot.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut bytes, Lines::default()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Adds `report`, and returns the ids of the controls that other systems should get: those whose outcome differs from the check before
    /// or that were disabled since, and all of them in the first check of a day. A narrow check adds root activity and no outcome; a report
    /// without a time adds nothing; one that is older than the newest is no news.
    pub fn add(&mut self, report: &Stored) -> BTreeSet<String> {
        let Some(at) = report.taken_at else { return BTreeSet::new() };
        let root_activity = self.add_acts(&report.root_activity);
        for plan in &report.plans {
            if !self.plans.contains(plan) {
                self.plans.push(plan.clone());
            }
        }
        self.plans.sort_by_key(|plan| (plan.from, plan.to));
        let mut news = BTreeSet::new();
        if !report.is_narrow {
            self.looked.add(report);
            let findings = || report.findings.iter();
            let run = Run {
                from: at,
                until: at,
                runs: 1,
                complete: usize::from(report.complete),
                statuses: findings().map(|finding| (finding.control.to_owned(), finding.status)).collect(),
                suppressed: findings()
                    .filter(|finding| finding.is_suppressed())
                    .map(|finding| finding.control.to_owned())
                    .collect(),
                root_activity,
            };
            news = match self.runs.last() {
                Some(last) => run.news_after(last, &report.left_out),
                None => run.statuses.keys().cloned().collect(),
            };
            self.runs.push(run);
            self.runs.sort_by_key(|run| run.from);
            self.runs.dedup_by(|later, earlier| earlier.takes(later));
        }
        self.forget();
        news
    }

    /// How many root actions are new, by kind. What was planned or completed later is noted. A group is kept as it was when it counted
    /// most, in place of those of its actions that were single.
    fn add_acts(&mut self, acts: &[RootActivity]) -> BTreeMap<Kind, usize> {
        let is_group = |act: &&RootActivity| act.folded.is_some();
        let groups = self.acts.iter().chain(acts).filter(is_group).map(|act| act.event_id.clone());
        let groups: BTreeSet<String> = groups.collect();
        let is_counted = |act: &RootActivity| act.calm_group().is_some_and(|group| groups.contains(&group));
        let mut counted: BTreeMap<String, usize> = BTreeMap::new();
        self.acts.retain(|act| {
            let group = act.calm_group().filter(|_| is_counted(act));
            group.map(|group| *counted.entry(group).or_default() += 1).is_none()
        });
        let mut places: HashMap<String, usize> =
            self.acts.iter().enumerate().map(|(place, act)| (act.event_id.clone(), place)).collect();
        // What is older than all that is kept was left out before, and counted.
        let left_out_until = self.acts.first().filter(|_| self.acts_left_out > 0).map(|act| act.time);
        let mut counts = BTreeMap::new();
        for act in acts.iter().filter(|act| !is_counted(act)) {
            match places.get(&act.event_id).and_then(|place| self.acts.get_mut(*place)) {
                Some(known) if act.count() > known.count() => {
                    *counts.entry(act.kind).or_default() += act.count() - known.count();
                    *known = act.clone();
                }
                Some(_) if act.folded.is_some() => {}
                Some(known) if act.completed.is_some() => *known = act.clone(),
                Some(known) if act.planned.is_some() && known.completed.is_none() => *known = act.clone(),
                Some(_) => {}
                None if left_out_until.is_some_and(|until| act.time < until) => {}
                None => {
                    places.insert(act.event_id.clone(), self.acts.len());
                    self.acts.push(act.clone());
                    let before = counted.get(&act.event_id).copied().unwrap_or_default();
                    *counts.entry(act.kind).or_default() += act.count().saturating_sub(before);
                }
            }
        }
        self.acts.sort_by(|one, other| (one.time, &one.event_id).cmp(&(other.time, &other.event_id)));
        let excess = self.acts.len().saturating_sub(ACTS);
        self.acts.drain(..excess);
        self.acts_left_out += excess;
        counts
    }

    /// What lies more than 90 days before the newest run goes.
    fn forget(&mut self) {
        let newest = self.runs.iter().map(|run| run.until).max();
        let Some(horizon) = newest.and_then(|newest| newest.checked_sub(SignedDuration::from_secs(DAYS * DAY)).ok())
        else {
            return;
        };
        self.looked.forget(horizon);
        self.runs.retain(|run| run.until >= horizon);
        self.plans.retain(|plan| plan.to >= horizon);
        let before = self.acts.len();
        self.acts.retain(|act| act.time.is_none_or(|time| time >= horizon));
        if self.acts.len() < before {
            // All that was left out was older still.
            self.acts_left_out = 0;
        }
    }

    /// The report that was taken last; the chain ends with the one that came last. Keys begin with the time.
    pub fn newest(&self) -> Option<&Link> {
        self.chain.iter().max_by(|one, other| one.key.cmp(&other.key))
    }

    /// Since when the control of `finding` has its outcome. A time in which it was unknown does not resolve a failure.
    pub fn since(&self, finding: &Finding) -> Since {
        let mut since = None;
        for run in self.runs.iter().rev() {
            match run.statuses.get(finding.control) {
                Some(status) if *status == finding.status => since = Some(run.from),
                Some(Status::Unknown) if finding.status == Status::Failed => {}
                Some(_) => return since.map_or(Since::New, Since::Seen),
                // It was not evaluated then.
                None => break,
            }
        }
        since.map_or(if self.runs.is_empty() { Since::Unknown } else { Since::New }, Since::AtLeast)
    }

    /// Notes that the bucket's lifecycle removes at `now` what is older than `retention`. What was removed stays so when reports are kept
    /// for longer.
    pub fn expire(&mut self, now: Timestamp, retention: SignedDuration) {
        let until = now.checked_sub(retention).map(|until| Offset::UTC.to_datetime(until).date());
        self.expired_until = self.expired_until.max(until.ok());
    }

    /// Notes that Security Hub has to get `news`, which [`History::add`] found in `report`; everything, if it got nothing before.
    pub fn leave_unsent(&mut self, report: &Stored, news: BTreeSet<String>) {
        match &mut self.unsent {
            _ if report.is_narrow => {}
            Some(unsent) => unsent.extend(news),
            None => self.unsent = Some(report.findings.iter().map(|finding| finding.control.to_owned()).collect()),
        }
    }

    /// Appends a report to the chain.
    pub fn link(&mut self, link: Link) {
        self.chain.push(link);
        let excess = self.chain.len().saturating_sub(LINKS);
        self.chain.drain(..excess);
    }
}

impl Run {
    fn news_after(&self, last: &Self, left_out: &[String]) -> BTreeSet<String> {
        if self.from < last.until {
            return BTreeSet::new();
        }
        let is_first_of_day = day(self.from) != day(last.until);
        let is_news = |control: &str| {
            is_first_of_day
                || self.statuses.get(control) != last.statuses.get(control)
                || self.suppressed.contains(control) != last.suppressed.contains(control)
        };
        let changed = self.statuses.keys().filter(|control| is_news(control));
        let gone = left_out.iter().filter(|control| last.statuses.contains_key(*control));
        changed.chain(gone).cloned().collect()
    }

    /// Whether `later` is of the same day and the same outcome, and now in this one.
    fn takes(&mut self, later: &Self) -> bool {
        let is_same =
            day(self.from) == day(later.from) && self.statuses == later.statuses && self.suppressed == later.suppressed;
        if is_same {
            self.until = self.until.max(later.until);
            self.runs += later.runs;
            self.complete += later.complete;
            later.root_activity.iter().for_each(|(kind, count)| *self.root_activity.entry(*kind).or_default() += count);
        }
        is_same
    }
}

/// Days since 1970, UTC.
fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY)
}

/// Since when a control has its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// There is no history.
    Unknown,
    /// It had that status when the history, or its evaluation, begins.
    AtLeast(Timestamp),
    /// Seen first then.
    Seen(Timestamp),
    /// By no run before.
    New,
}

impl Since {
    /// The time, as far as it is known.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::AtLeast(at) | Self::Seen(at) => Some(at),
            Self::Unknown | Self::New => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
