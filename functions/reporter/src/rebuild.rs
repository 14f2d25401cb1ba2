//! A history that is rebuilt from the reports that are stored.

use facts::AccountId;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::chain::{self, Kept};
use crate::history::{DAYS, History};
use crate::stored::Stored;

/// How many reports a history is rebuilt from, at most; and how many of them may be of the newest two days.
const REPORTS: usize = 300;
const NEWEST: usize = 200;
const DAY: i64 = 24 * 60 * 60;

/// A history that is rebuilt from reports, the oldest first.
#[derive(Debug)]
pub struct Rebuild {
    history: History,
    kept: Vec<Kept>,
    unreadable: Vec<String>,
}

impl Rebuild {
    /// Before the first report.
    pub fn new(account: &AccountId) -> Self {
        Self { history: History::new(account), kept: Vec::new(), unreadable: Vec::new() }
    }

    /// Where the keys of `account` begin, and after which key those of the last 90 days come.
    pub fn span(account: &AccountId, now: Timestamp) -> (String, String) {
        let from = now.checked_sub(SignedDuration::from_secs(DAYS * DAY)).unwrap_or(Timestamp::UNIX_EPOCH);
        let prefix = format!("reports/{account}/");
        let start_after = format!("{prefix}{}", from.strftime("%Y/%m/%d"));
        (prefix, start_after)
    }

    /// Those of `keys`, in their order, that a history needs: all of the newest two days, and of each day before the last one,
    /// as a report has root activity of a day. Where `LookbackHours` is less than 24, root activity of the rest of those days is missing.
    pub fn choose(mut keys: Vec<String>) -> Vec<String> {
        keys.retain(|key| key.ends_with(".json"));
        keys.sort();
        let mut days: Vec<Vec<String>> = Vec::new();
        for key in keys {
            match days.last_mut() {
                Some(day) if day.last().is_some_and(|last| folder(last) == folder(&key)) => day.push(key),
                _ => days.push(vec![key]),
            }
        }
        let newest = days.split_off(days.len().saturating_sub(2)).concat();
        let mut chosen: Vec<String> = days.into_iter().filter_map(|mut day| day.pop()).collect();
        chosen.extend(newest.iter().skip(newest.len().saturating_sub(NEWEST)).cloned());
        chosen.split_off(chosen.len().saturating_sub(REPORTS))
    }

    /// Adds the report `bytes` at `key`.
    pub fn take(&mut self, key: &str, bytes: &[u8]) {
        let report = match serde_json::from_slice::<Value>(bytes) {
            Ok(value) if value.is_object() => Stored::read(&value),
            _ => return self.skip(key),
        };
        let is_ours = report.account.as_ref().is_none_or(|account| Some(&account.id) == self.history.account.as_ref());
        if report.taken_at.is_none() || !is_ours {
            return self.skip(key);
        }
        self.history.add(&report);
        self.kept.push(Kept::of(key, bytes));
    }

    /// Counts the report at `key`, which cannot be read.
    pub fn skip(&mut self, key: &str) {
        self.unreadable.push(key.to_owned());
    }

    /// The history, and the keys of the reports that could not be read.
    pub fn finish(self, at: Timestamp) -> (History, Vec<String>) {
        let Self { mut history, kept, unreadable } = self;
        chain::links(&kept).into_iter().for_each(|link| history.link(link));
        // Before the first check there was nothing to rebuild.
        history.rebuilt_at = (!kept.is_empty() || !unreadable.is_empty()).then_some(at);
        (history, unreadable)
    }
}

fn folder(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chain::sha256;
    use crate::history::Link;
    use crate::history::tests::{account, act, at};

    fn key(day: u32, hour: u32) -> String {
        format!("reports/111122223333/2026/{:02}/{:02}/T{hour:02}0000Z-0000000a.json", 8 + day / 28, 1 + day % 28)
    }

    #[test]
    fn a_history_is_rebuilt_from_all_reports_of_two_days_and_the_last_of_each_day_before() {
        let mut keys: Vec<String> = (0..90).flat_map(|day| (0..24).map(move |hour| key(day, hour))).collect();
        keys.reverse();
        keys.push("reports/111122223333/2026/08/01/notes.txt".into());
        let chosen = Rebuild::choose(keys);
        assert_eq!(chosen.len(), 88 + 48);
        assert_eq!((&chosen[0], &chosen[87], &chosen[88]), (&key(0, 23), &key(87, 23), &key(88, 0)));
        let many: Vec<String> =
            (0..600).map(|number| format!("reports/111122223333/2026/11/20/T{number:06}Z-0000000a.json")).collect();
        assert_eq!(Rebuild::choose(many).len(), NEWEST);
        assert!(Rebuild::choose(Vec::new()).is_empty());
        let (prefix, start_after) = Rebuild::span(&account(), at("2026-11-20T10:00:00Z"));
        assert_eq!(
            (prefix.as_str(), start_after.as_str()),
            ("reports/111122223333/", "reports/111122223333/2026/08/22")
        );
        assert!("reports/111122223333/2026/08/22/T000000Z-0000000a.json" > start_after.as_str(), "that day too");
    }

    #[test]
    fn what_is_rebuilt_is_what_was_kept_run_by_run() {
        let mut history = History::new(&account());
        let mut rebuild = Rebuild::new(&account());
        let mut previous = Value::Null;
        for (hour, act_of_hour) in [(8, "a"), (9, "a"), (10, "b")] {
            let (key, time) = (key(80, hour), format!("2026-10-25T{hour:02}:00:00Z"));
            let acts = [act(act_of_hour, &time)];
            let report = json!({
                "schema": "rootwatch.report/1", "taken_at": time, "complete": true, "root_activity": acts, "previous": previous,
                "account": {"id": "111122223333", "alias": null, "partition": "aws"},
            });
            let bytes = report.to_string().into_bytes();
            history.add(&Stored::read(&report));
            history.link(Link { key: key.clone(), sha256: sha256(&bytes), run: "0000000a".into() });
            rebuild.take(&key, &bytes);
            previous = json!({"key": key, "sha256": sha256(&bytes)});
        }
        let now = at("2026-10-25T11:00:00Z");
        let (rebuilt, unreadable) = rebuild.finish(now);
        assert_eq!((&rebuilt, unreadable), (&History { rebuilt_at: Some(now), ..history }, Vec::new()));
        assert_eq!((rebuilt.runs.len(), rebuilt.acts.len(), rebuilt.chain.len()), (1, 2, 3));
    }

    #[test]
    fn a_report_that_cannot_be_read_is_counted_and_hides_no_other() {
        let mut rebuild = Rebuild::new(&account());
        let of = |id: &str| json!({"taken_at": "2026-11-20T10:00:00Z", "account": {"id": id, "alias": null, "partition": "aws"}});
        rebuild.take("1", b"<html>");
        rebuild.take("2", b"[]");
        rebuild.take("3", b"{}");
        rebuild.take("4", of("999900001111").to_string().as_bytes());
        rebuild.take("5", of("111122223333").to_string().as_bytes());
        rebuild.skip("6");
        let (history, unreadable) = rebuild.finish(at("2026-11-20T11:00:00Z"));
        assert_eq!((history.runs.len(), unreadable), (1, ["1", "2", "3", "4", "6"].map(str::to_owned).to_vec()));
        let (nothing, _) = Rebuild::new(&account()).finish(at("2026-11-20T11:00:00Z"));
        assert_eq!(nothing, History::new(&account()), "an account before its first run");
    }
}
