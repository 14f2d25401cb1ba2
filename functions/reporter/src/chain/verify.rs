//! Reports held against each other and against the history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use messages::answer::Previous;

use super::{Kept, day, last_unnamed};
use crate::history::{History, Link};

/// What was found out about a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many reports there are.
    pub reports: usize,
    /// When the oldest was taken.
    pub from: Option<Timestamp>,
    /// When the newest was taken.
    pub until: Option<Timestamp>,
    /// How long after the one before it a report usually came, by the newest of them.
    pub pace: Option<SignedDuration>,
    /// How far back it goes.
    pub beginning: Beginning,
    /// The last day whose reports the bucket's lifecycle may have removed; of those no gap is a fault. `None`: the history does not
    /// say.
    pub expired_until: Option<Date>,
    /// How many gaps are there.
    pub expired: usize,
    /// What is wrong, by key.
    pub faults: Vec<Fault>,
}

/// How a chain begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// There is no report.
    Nowhere,
    /// With the first report of all.
    First {
        /// The report's key.
        key: String,
    },
    /// With one that names an older one, which is not there; it is a fault unless the lifecycle may have removed it.
    After {
        /// The report's key.
        key: String,
        /// The older one.
        removed: String,
    },
    /// Nowhere that is known: beyond this report is a gap, and older ones.
    Gap {
        /// The report's key.
        key: String,
    },
}

/// Something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// There is no history.
    NoHistory,
    /// The history cannot be read.
    UnreadableHistory {
        /// Why.
        why: String,
    },
    /// A report is not there.
    Missing {
        /// The report's key.
        key: String,
        /// Who names it.
        named_by: String,
    },
    /// The newest report is not there.
    NewestMissing {
        /// The report's key.
        key: String,
    },
    /// The history counts a run that is newer than every report.
    NewerRun {
        /// When it began.
        at: Timestamp,
    },
    /// A report has other bytes than when it was written.
    Edited {
        /// The report's key.
        key: String,
        /// Who knows them.
        named_by: String,
    },
    /// No other names a report that is not the newest.
    Unnamed {
        /// The report's key.
        key: String,
    },
    /// A report that does not begin the chain says that it is the first.
    Restarted {
        /// The report's key.
        key: String,
    },
    /// The history names another predecessor than the report itself.
    Disagreement {
        /// The report's key.
        key: String,
    },
    /// A report cannot be read.
    Unreadable {
        /// The report's key.
        key: String,
    },
}

/// What is wrong, and what it means.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHistory => f.write_str(
                "history.json is missing: whether the newest report was edited or removed cannot be seen. The next check rebuilds it.",
            ),
            Self::UnreadableHistory { why } => write!(
                f,
                "history.json is damaged ({why}): whether the newest report was edited or removed cannot be seen. The next check rebuilds it; the bucket has its older versions."
            ),
            Self::Missing { key, named_by } => write!(
                f,
                "{key} is missing; {named_by} names it. It was removed, or never written: look for a delete marker among the bucket's versions, and for its run in the reporter's dead-letter queue."
            ),
            Self::NewestMissing { key } => write!(
                f,
                "{key}, the newest report, is missing. Its place was taken and it was not written, or it was removed: the reporter's dead-letter queue may hold its run."
            ),
            Self::NewerRun { at } => write!(
                f,
                "history.json counts a run of {at}, and no report is so new: the report was removed, and its line in the chain with it. Look for delete markers among the bucket's versions."
            ),
            Self::Edited { key, named_by } => write!(
                f,
                "{key} was edited: its SHA-256 is not the one that {named_by} has. The bucket has the version that was written."
            ),
            Self::Unnamed { key } => write!(
                f,
                "{key} is named by no other report and is not the newest: it was inserted, or the one after it was removed or edited."
            ),
            Self::Restarted { key } => {
                write!(f, "{key} names no report before it, and there are older ones: the chain was started again, or it was inserted.")
            }
            Self::Disagreement { key } => {
                write!(f, "{key} names another report before it than history.json does: one of the two was edited.")
            }
            Self::Unreadable { key } => {
                write!(f, "{key} is no report that can be read: which one came before it is not known.")
            }
        }
    }
}

/// Holds `kept` against each other and against the history; of that `Err(None)`: there is none, `Err(Some)`: why it cannot be read.
/// What is so old that the bucket's lifecycle removes it, a part at a time, may be missing.
pub fn verify(mut kept: Vec<Kept>, history: Result<&History, Option<String>>) -> Verified {
    kept.sort_by(|one, other| one.key.cmp(&other.key));
    let by_key: BTreeMap<&str, &Kept> = kept.iter().map(|kept| (kept.key.as_str(), kept)).collect();
    let mut faults = BTreeSet::new();
    let chain = match &history {
        Ok(history) => history.chain.as_slice(),
        Err(None) => {
            faults.insert(Fault::NoHistory);
            &[]
        }
        Err(Some(why)) => {
            faults.insert(Fault::UnreadableHistory { why: why.clone() });
            &[]
        }
    };
    let expired_until = history.as_ref().ok().and_then(|history| history.expired_until);
    let is_expired = |key: &str| expired_until.is_some_and(|until| day(key).is_some_and(|day| day <= until));
    let newest = chain.last().map(|link| link.key.as_str()).or_else(|| kept.last().map(|kept| kept.key.as_str()));
    let beginning = beginning(&kept, &by_key, chain, is_expired);

    let by_history = chain.iter().map(|link| (link.key.as_str(), link.sha256.as_str(), "history.json"));
    let by_reports = kept.iter().filter_map(|kept| {
        let Previous { key, sha256 } = kept.previous.as_ref()?;
        Some((key.as_str(), sha256.as_str(), kept.key.as_str()))
    });
    let mut named = BTreeSet::new();
    let mut missing = BTreeMap::new();
    let mut expired = BTreeSet::new();
    let mut edited = BTreeMap::new();
    for (key, sha256, by) in by_history.chain(by_reports) {
        named.insert(key);
        match by_key.get(key) {
            Some(kept) if kept.sha256 == sha256 => {}
            Some(_) => drop(edited.entry(key).or_insert(by)),
            None if is_expired(key) => drop(expired.insert(key)),
            None if expired_until.is_none()
                && matches!(&beginning, Beginning::After { key: first, .. } if first == by) => {}
            None => drop(missing.entry(key).or_insert(by)),
        }
    }
    faults.extend(missing.into_iter().map(|(key, by)| match newest {
        Some(newest) if newest == key => Fault::NewestMissing { key: key.to_owned() },
        _ => Fault::Missing { key: key.to_owned(), named_by: by.to_owned() },
    }));
    faults.extend(edited.into_iter().map(|(key, by)| Fault::Edited { key: key.to_owned(), named_by: by.to_owned() }));

    let first = match &beginning {
        Beginning::First { key } => Some(key.as_str()),
        // Beyond a gap the oldest of those that say so is the first.
        Beginning::Gap { .. } => {
            kept.iter().find(|kept| kept.is_readable && kept.previous.is_none()).map(|kept| kept.key.as_str())
        }
        Beginning::Nowhere | Beginning::After { .. } => None,
    };
    for report in &kept {
        let key = || report.key.clone();
        let is_restart = report.is_readable && report.previous.is_none() && first != Some(report.key.as_str());
        let is_unnamed = !named.contains(report.key.as_str()) && newest != Some(report.key.as_str());
        if !report.is_readable {
            faults.insert(Fault::Unreadable { key: key() });
        }
        if (is_restart || is_unnamed) && is_expired(&report.key) {
            expired.insert(&report.key);
            continue;
        }
        faults.extend(is_restart.then(|| Fault::Restarted { key: key() }));
        faults.extend(is_unnamed.then(|| Fault::Unnamed { key: key() }));
    }
    for (before, after) in chain.iter().zip(chain.iter().skip(1)) {
        let says = by_key.get(after.key.as_str()).and_then(|kept| kept.previous.as_ref());
        if says.is_some_and(|says| (&says.key, &says.sha256) != (&before.key, &before.sha256)) {
            faults.insert(Fault::Disagreement { key: after.key.clone() });
        }
    }
    let mut times: Vec<Timestamp> = kept.iter().filter_map(|kept| kept.taken_at).collect();
    times.sort_unstable();
    let until = times.last().copied();
    let is_newest_there = newest.is_none_or(|newest| by_key.contains_key(newest));
    let last_run = history.as_ref().ok().and_then(|history| history.runs.iter().map(|run| run.until).max());
    faults.extend(last_run.filter(|at| is_newest_there && Some(*at) > until).map(|at| Fault::NewerRun { at }));
    Verified {
        reports: kept.len(),
        from: times.first().copied(),
        until,
        pace: pace(&times),
        beginning,
        expired_until,
        expired: expired.len(),
        faults: faults.into_iter().collect(),
    }
}

/// The median of the last pauses between `times`, which are sorted.
fn pace(times: &[Timestamp]) -> Option<SignedDuration> {
    const PAUSES: usize = 100;
    let pauses = times.iter().rev().zip(times.iter().rev().skip(1)).take(PAUSES);
    let mut pauses: Vec<SignedDuration> = pauses.map(|(after, before)| after.duration_since(*before)).collect();
    pauses.sort_unstable();
    pauses.get(pauses.len() / 2).copied()
}

/// Goes back from the newest report that is there. Runs end out of order, so the first need not be the oldest.
fn beginning(
    kept: &[Kept],
    by_key: &BTreeMap<&str, &Kept>,
    chain: &[Link],
    is_expired: impl Fn(&str) -> bool,
) -> Beginning {
    let by_history = chain.iter().rev().find_map(|link| by_key.get(link.key.as_str()).copied());
    let Some(mut at) = by_history.or_else(|| last_unnamed(kept)).or(kept.last()) else { return Beginning::Nowhere };
    let mut seen = BTreeSet::from([at.key.as_str()]);
    while let Some(before) = at.previous.as_ref().and_then(|named| by_key.get(named.key.as_str())) {
        if !seen.insert(before.key.as_str()) {
            break;
        }
        at = before;
    }
    let key = at.key.clone();
    match &at.previous {
        None if at.is_readable => Beginning::First { key },
        Some(named)
            if !by_key.contains_key(named.key.as_str())
                && kept
                    .iter()
                    .all(|kept| kept.key >= key || seen.contains(kept.key.as_str()) || is_expired(&kept.key)) =>
        {
            Beginning::After { key, removed: named.key.clone() }
        }
        _ => Beginning::Gap { key },
    }
}
