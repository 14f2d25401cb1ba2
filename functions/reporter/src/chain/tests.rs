//! Tests.

use serde_json::json;

use super::*;
use crate::history::History;

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
    assert_eq!(faults, [Fault::Unnamed { key: key(20) }, Fault::Restarted { key: key(20) }]);
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
        Fault::Restarted { key: key.clone() },
        Fault::Disagreement { key: key.clone() },
        Fault::Unreadable { key },
    ];
    insta::assert_snapshot!(faults.map(|fault| fault.to_string()).join("\n"));
}
