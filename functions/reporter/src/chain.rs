//! Whether a report is missing or was edited: each names the one before by its key and the hash of its bytes, and the history names
//! the newest. Who may write everything anew can make another chain: against that stand the bucket's versions and Object Lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fmt::Write;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use messages::answer::Previous;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::history::{History, Link};

/// SHA-256 of `bytes`, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Into a string nothing fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Of a report that is kept, what the chain is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it lies.
    pub key: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The report before it, by what it says.
    pub previous: Option<Previous>,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// It is a JSON object, and what it says of the one before can be read.
    pub is_readable: bool,
}

#[derive(Default, Deserialize)]
struct Ends {
    #[serde(default)]
    previous: Option<Previous>,
    #[serde(default)]
    taken_at: Option<Timestamp>,
}

impl Kept {
    /// Of the report `bytes` at `key`.
    pub fn of(key: impl Into<String>, bytes: &[u8]) -> Self {
        let ends: Result<Ends, _> = serde_json::from_slice(bytes);
        let is_readable = ends.is_ok();
        let Ends { previous, taken_at } = ends.unwrap_or_default();
        Self { key: key.into(), sha256: sha256(bytes), previous, taken_at, is_readable }
    }

    /// The run's id, as much of it as the key has.
    fn run(&self) -> &str {
        self.key.rsplit(['-', '/']).next().unwrap_or_default().trim_end_matches(".json")
    }
}

/// The chain that ends in the newest of `kept` that no other names, oldest first, as far back as `kept` goes without a gap or an
/// edit.
pub fn links(kept: &[Kept]) -> Vec<Link> {
    let by_key: BTreeMap<&str, &Kept> = kept.iter().map(|kept| (kept.key.as_str(), kept)).collect();
    let mut at = last_unnamed(kept);
    let mut links = Vec::new();
    while let Some(kept) = at.filter(|_| links.len() < by_key.len()) {
        links.push(Link { key: kept.key.clone(), sha256: kept.sha256.clone(), run: kept.run().to_owned() });
        let previous = kept.previous.as_ref();
        at = previous
            .and_then(|named| by_key.get(named.key.as_str()).filter(|kept| kept.sha256 == named.sha256))
            .copied();
    }
    links.reverse();
    links
}

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
    /// tell.
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
        /// It.
        key: String,
    },
    /// With one that names an older one, which is not there; it is a fault unless the lifecycle may have removed it.
    After {
        /// It.
        key: String,
        /// The older one.
        removed: String,
    },
    /// Nowhere that is known: beyond this report is a gap, and older ones.
    Gap {
        /// It.
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
        /// It.
        key: String,
        /// Who names it.
        named_by: String,
    },
    /// The newest report is not there.
    NewestMissing {
        /// It.
        key: String,
    },
    /// The history counts a run that is newer than every report.
    NewerRun {
        /// When it began.
        at: Timestamp,
    },
    /// A report has other bytes than when it was written.
    Edited {
        /// It.
        key: String,
        /// Who knows them.
        named_by: String,
    },
    /// No other names a report that is not the newest.
    Unnamed {
        /// It.
        key: String,
    },
    /// A report that does not begin the chain says that it is the first.
    Anew {
        /// It.
        key: String,
    },
    /// The history names another predecessor than the report itself.
    Disagreement {
        /// It.
        key: String,
    },
    /// A report cannot be read.
    Unreadable {
        /// It.
        key: String,
    },
}

/// What is wrong, and what it means.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHistory => f.write_str(
                "history.json is missing: whether the newest report was edited or removed cannot be seen. The next run makes it anew.",
            ),
            Self::UnreadableHistory { why } => write!(
                f,
                "history.json is damaged ({why}): whether the newest report was edited or removed cannot be seen. The next run makes it anew; the bucket has its older versions."
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
            Self::Anew { key } => {
                write!(f, "{key} names no report before it, and there are older ones: the chain was begun anew, or it was inserted.")
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
        let is_anew = report.is_readable && report.previous.is_none() && first != Some(report.key.as_str());
        let is_unnamed = !named.contains(report.key.as_str()) && newest != Some(report.key.as_str());
        if !report.is_readable {
            faults.insert(Fault::Unreadable { key: key() });
        }
        if (is_anew || is_unnamed) && is_expired(&report.key) {
            expired.insert(&report.key);
            continue;
        }
        faults.extend(is_anew.then(|| Fault::Anew { key: key() }));
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

/// The day of a report, by its key.
pub(crate) fn day(key: &str) -> Option<Date> {
    let (folder, _) = key.rsplit_once('/')?;
    let day = folder.get(folder.len().checked_sub("2026/11/20".len())?..)?;
    Date::strptime("%Y/%m/%d", day).ok()
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

/// The newest of `kept` that no other names.
fn last_unnamed(kept: &[Kept]) -> Option<&Kept> {
    let named: BTreeSet<&str> = kept.iter().filter_map(|kept| Some(kept.previous.as_ref()?.key.as_str())).collect();
    kept.iter().filter(|kept| !named.contains(kept.key.as_str())).max_by(|one, other| one.key.cmp(&other.key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Reports = Vec<(String, Vec<u8>)>;

    fn key(number: usize) -> String {
        format!("reports/111122223333/2026/11/{:02}/T{:02}0000Z-0000000{number}.json", 1 + number / 24, number % 24)
    }

    fn report(number: usize, previous: Option<&(String, Vec<u8>)>) -> (String, Vec<u8>) {
        let previous = previous.map(|(key, bytes)| json!({"key": key, "sha256": sha256(bytes)}));
        let taken_at = format!("2026-11-{:02}T{:02}:00:00Z", 1 + number / 24, number % 24);
        (key(number), json!({"taken_at": taken_at, "score": 5, "previous": previous}).to_string().into_bytes())
    }

    fn chain(length: usize) -> Reports {
        let mut reports: Reports = Vec::new();
        for number in 0..length {
            let next = report(number, reports.last());
            reports.push(next);
        }
        reports
    }

    fn history(reports: &Reports) -> History {
        let kept: Vec<Kept> = reports.iter().map(|(key, bytes)| Kept::of(key, bytes)).collect();
        History { chain: links(&kept), ..History::default() }
    }

    fn verified(reports: &Reports, history: &History) -> Verified {
        verify(reports.iter().map(|(key, bytes)| Kept::of(key, bytes)).collect(), Ok(history))
    }

    #[test]
    fn a_hash_is_as_other_tools_write_it() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_chain_that_is_whole_has_no_fault() {
        for length in [1, 2, 30] {
            let reports = chain(length);
            let verified = verified(&reports, &history(&reports));
            assert_eq!(verified.faults, []);
            assert_eq!((verified.reports, &verified.beginning), (length, &Beginning::First { key: key(0) }));
            assert_eq!(verified.from, Some("2026-11-01T00:00:00Z".parse().unwrap()));
        }
        let nothing = verified(&Vec::new(), &History::default());
        assert_eq!((nothing.reports, nothing.beginning, nothing.faults), (0, Beginning::Nowhere, Vec::new()));
    }

    #[test]
    fn the_history_goes_back_as_far_as_the_chain_is_whole() {
        let reports = chain(30);
        assert_eq!(history(&reports).chain.len(), 30);
        assert_eq!(history(&reports).chain[29].run, "000000029");
        let mut gap = reports.clone();
        gap.remove(10);
        assert_eq!(history(&gap).chain[0].key, key(11));
        let mut edited = reports.clone();
        edited[10].1.push(b' ');
        assert_eq!(history(&edited).chain[0].key, key(11));
    }

    #[test]
    fn runs_that_end_out_of_order_make_one_chain_all_the_same() {
        let late = report(2, None);
        let first = report(1, Some(&late));
        let last = report(3, Some(&first));
        let reports = vec![late, first, last];
        let chain = history(&reports).chain;
        assert_eq!(chain.iter().map(|link| link.key.as_str()).collect::<Vec<_>>(), [key(2), key(1), key(3)]);
        let whole = verified(&reports, &history(&reports));
        assert_eq!((whole.beginning, whole.faults), (Beginning::First { key: key(2) }, Vec::new()));
        let mut without = reports.clone();
        without.remove(1);
        let faults = verified(&without, &history(&reports)).faults;
        assert_eq!(faults, [Fault::Missing { key: key(1), named_by: "history.json".into() }]);
    }

    /// A history of 200 reports that begins in their midst, with the last of the days whose reports may be gone.
    fn old(expired_until: &str) -> (Reports, History) {
        let reports = chain(200);
        let mut history = history(&reports);
        history.chain.drain(..40);
        (reports, History { expired_until: Some(expired_until.parse().unwrap()), ..history })
    }

    #[test]
    fn what_the_lifecycle_removed_is_said_and_is_no_fault() {
        let (mut reports, history) = old("2026-11-03");
        reports.drain(..50);
        let verified = verified(&reports, &history);
        assert_eq!(verified.faults, []);
        assert_eq!(verified.beginning, Beginning::After { key: key(50), removed: key(49) });
        assert_eq!(verified.expired, 10, "those that the history or the next one names");
    }

    #[test]
    fn what_the_lifecycle_removed_of_a_day_before_the_rest_of_it_is_no_fault() {
        let (mut reports, history) = old("2026-11-03");
        let mut number = 0;
        reports.retain(|_| {
            number += 1;
            number > 72 || number % 3 == 0
        });
        let verified = verified(&reports, &history);
        assert_eq!(
            (verified.faults, verified.beginning),
            (Vec::new(), Beginning::After { key: key(71), removed: key(70) })
        );
        assert!(verified.expired > 0);
    }

    #[test]
    fn what_is_removed_at_the_old_end_before_its_time_is_a_fault() {
        let (mut reports, mut history) = old("2026-11-02");
        reports.drain(..50);
        let fault = |number, named_by: &str| Fault::Missing { key: key(number), named_by: named_by.to_owned() };
        let expected = [fault(48, "history.json"), fault(49, "history.json")];
        assert_eq!(verified(&reports, &history).faults, expected, "but for those of the two days before");
        history.chain.drain(..100);
        assert_eq!(verified(&reports, &history).faults, [fault(49, &key(50))]);
        history.expired_until = None;
        assert_eq!(verified(&reports, &history).faults, [], "nobody can tell without knowing how long they are kept");
    }

    #[test]
    fn only_a_day_of_the_calendar_is_old() {
        assert_eq!(day(&key(0)), Some("2026-11-01".parse().unwrap()));
        for none in ["history.json", "reports/x.json", "reports/111122223333/x.json", "reports/1/0000/00/00/x.json"] {
            assert_eq!(day(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_old_and_was_edited_is_a_fault() {
        let (mut reports, history) = old("2026-11-03");
        reports[45].1.push(b' ');
        let edited = Fault::Edited { key: key(45), named_by: "history.json".into() };
        assert_eq!(verified(&reports, &history).faults, [edited]);
    }

    #[test]
    fn any_one_report_that_is_removed_shows() {
        let reports = chain(12);
        let mut history = history(&reports);
        history.chain.drain(..6);
        for number in 1..12 {
            let mut reports = reports.clone();
            reports.remove(number);
            let verified = verified(&reports, &history);
            let gap = Beginning::Gap { key: key(number + 1) };
            assert_eq!(verified.beginning, if number == 11 { Beginning::First { key: key(0) } } else { gap });
            let faults = verified.faults;
            let missing = match number {
                11 => Fault::NewestMissing { key: key(11) },
                _ => {
                    let named_by = if number >= 6 { "history.json".into() } else { key(number + 1) };
                    Fault::Missing { key: key(number), named_by }
                }
            };
            // What came before it is named by no other, unless the history does.
            let before = (number <= 6).then(|| Fault::Unnamed { key: key(number - 1) });
            assert_eq!(faults, [missing].into_iter().chain(before).collect::<Vec<_>>(), "{number}");
        }
        // How long they are kept is not known: the oldest may have been removed by the lifecycle.
        let mut reports = reports;
        reports.remove(0);
        assert_eq!(verified(&reports, &history).beginning, Beginning::After { key: key(1), removed: key(0) });
    }

    #[test]
    fn any_one_report_that_is_edited_shows() {
        let reports = chain(12);
        let mut history = history(&reports);
        history.chain.drain(..6);
        for number in 0..12 {
            let mut reports = reports.clone();
            let text = String::from_utf8(reports[number].1.clone()).unwrap();
            reports[number].1 = text.replace("\"score\":5", "\"score\":4").into_bytes();
            let named_by = if number >= 6 { "history.json".into() } else { key(number + 1) };
            assert_eq!(verified(&reports, &history).faults, [Fault::Edited { key: key(number), named_by }]);
        }
    }

    #[test]
    fn any_report_that_is_inserted_shows() {
        let reports = chain(12);
        let history = history(&reports);
        for number in 0..12 {
            let forged = report(20, Some(&reports[number]));
            let mut reports = reports.clone();
            reports.push(forged);
            assert_eq!(verified(&reports, &history).faults, [Fault::Unnamed { key: key(20) }], "{number}");
        }
        let mut reports = reports;
        reports.push(report(20, None));
        let faults = verified(&reports, &history).faults;
        assert_eq!(faults, [Fault::Unnamed { key: key(20) }, Fault::Anew { key: key(20) }]);
    }

    #[test]
    fn a_chain_that_is_written_anew_from_one_report_on_is_held_against_the_history() {
        let reports = chain(12);
        let history = history(&reports);
        let mut forged: Reports = reports[..5].to_vec();
        for number in 5..12 {
            let (key, bytes) = report(number, forged.last());
            let text = String::from_utf8(bytes).unwrap();
            forged.push((key, text.replace("\"score\":5", "\"score\":4").into_bytes()));
        }
        let faults = verified(&forged, &history).faults;
        assert!(faults.contains(&Fault::Edited { key: key(11), named_by: "history.json".into() }), "{faults:?}");
        assert!(faults.contains(&Fault::Disagreement { key: key(7) }), "{faults:?}");
    }

    #[test]
    fn what_is_no_report_and_a_history_that_is_not_there_are_faults() {
        let mut reports = chain(3);
        let whole = history(&reports);
        reports[1].1 = b"<html>".to_vec();
        let faults = verified(&reports, &whole).faults;
        assert!(faults.contains(&Fault::Unreadable { key: key(1) }), "{faults:?}");
        let kept: Vec<Kept> = chain(3).iter().map(|(key, bytes)| Kept::of(key, bytes)).collect();
        assert_eq!(verify(kept.clone(), Err(None)).faults, [Fault::NoHistory]);
        let damaged = verify(kept, Err(Some("it is no JSON".into()))).faults;
        assert_eq!(damaged, [Fault::UnreadableHistory { why: "it is no JSON".into() }]);
        assert_eq!(verified(&Vec::new(), &whole).faults.len(), 3, "every report that the history names is missing");
    }

    #[test]
    fn every_fault_says_what_it_means() {
        let (key, named_by) = ("reports/x.json".to_owned(), "history.json".to_owned());
        let faults = [
            Fault::NoHistory,
            Fault::UnreadableHistory { why: "it is no JSON".into() },
            Fault::Missing { key: key.clone(), named_by: named_by.clone() },
            Fault::NewestMissing { key: key.clone() },
            Fault::Edited { key: key.clone(), named_by },
            Fault::Unnamed { key: key.clone() },
            Fault::Anew { key: key.clone() },
            Fault::Disagreement { key: key.clone() },
            Fault::Unreadable { key },
        ];
        insta::assert_snapshot!(faults.map(|fault| fault.to_string()).join("\n"));
    }
}
