//! Findings that are evaluated once an hour, and the alerts of the checks in between.

use checklist::Baseline;
use facts::verdict::Status;
use serde_json::{Value, json};

use super::*;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn ten(minutes: i64) -> Timestamp {
    "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap() + MINUTE * i32::try_from(minutes).unwrap()
}

/// A compliant account at `at` in which one thing was changed.
fn snapshot(at: Timestamp, change: impl FnOnce(&mut Snapshot)) -> Snapshot {
    let mut snapshot = Snapshot { taken_at: at, ..Snapshot::compliant() };
    change(&mut snapshot);
    snapshot
}

fn without_contacts(snapshot: &mut Snapshot) {
    snapshot.primary_contact = Ok(None);
}

/// A check between two readings of the facts that change rarely.
fn often(at: Timestamp) -> Snapshot {
    snapshot(at, |snapshot| {
        snapshot.support_access = Err(Unavailable::not_asked(Source::SupportAccess));
        snapshot.identity_center = Err(Unavailable::not_asked(Source::IdentityCenter));
        snapshot.primary_contact = Err(Unavailable::not_asked(Source::PrimaryContact));
        snapshot.analyzers = Err(Unavailable::not_asked(Source::Analyzers));
    })
}

fn kept(change: impl FnOnce(&mut Snapshot)) -> Baseline {
    Report::generate(&snapshot(ten(5), change), &Settings::compliant()).baseline().unwrap()
}

fn status(report: &Report, control: &str) -> Status {
    report.findings.iter().find(|finding| finding.control == control).unwrap().status
}

#[test]
fn what_was_taken_over_opens_reminds_of_and_resolves_nothing() {
    let key = Fault::Control { control: "contact-information".into() }.key();
    let decide = |memory: &Memory, report: &Report| super::decide(memory, report, &Policy::default());
    let whole = |at, change: fn(&mut Snapshot)| Report::generate(&snapshot(at, change), &Settings::compliant());
    let mut memory = Memory::default();
    let opened = decide(&memory, &whole(ten(5), without_contacts));
    memory.conditions.extend(opened.conditions);
    let open = memory.conditions[&key].clone();
    assert!(open.open);
    // Whoever may write the table makes it pass.
    let forged = Report::with(Some(&kept(|_| {})), &often(ten(20)), &Settings::compliant());
    let decision = decide(&memory, &forged);
    assert_eq!((decision.conditions.get(&key), status(&forged, "contact-information")), (None, Status::Passed));
    let days_later = snapshot(ten(20) + SignedDuration::from_hours(48), |_| {});
    let late = Report { taken_at: days_later.taken_at, ..forged.clone() };
    assert!(!decide(&memory, &late).conditions.contains_key(&key), "no reminder by an old fact");
    // And what was seen to pass is not opened by it.
    let failing = Report::with(Some(&kept(without_contacts)), &often(ten(20)), &Settings::compliant());
    let closed = Memory { conditions: [(key.clone(), Condition::default())].into(), ..Memory::default() };
    assert!(!decide(&closed, &failing).conditions.contains_key(&key));
}

#[test]
fn what_no_check_writes_counts_for_nothing_and_another_version_is_no_tampering() {
    let (kept, now) = (kept(without_contacts), ten(20));
    let take = |body: &str| {
        let mut memory = Memory::default();
        let is_taken = memory.take(BASELINE, body, None, now);
        (is_taken, memory.baseline.is_some(), memory.odd.len())
    };
    let body = |kept: &Baseline| serde_json::to_string(kept).unwrap();
    assert_eq!(take(&body(&kept)), (true, true, 0));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = serde_json::to_value(&kept).unwrap();
        change(&mut changed);
        changed.to_string()
    };
    let other = with(&|kept| kept["version"] = json!("0.0.0"));
    assert_eq!(take(&other), (true, false, 0));
    assert_eq!(take(r#"{"version": "9", "findings": "of another shape"}"#), (true, false, 0));
    let newer = with(&|kept| kept["findings"][0]["judged_by"]["analyzers"] = json!(ten(6)));
    let twice = with(&|kept| {
        let first = kept["findings"][0].clone();
        kept["findings"].as_array_mut().unwrap().push(first);
    });
    let unprintable = with(&|kept| kept["findings"][0]["reason"] = json!("two\nlines"));
    let ahead = with(&|kept| kept["read_at"] = json!(now + hours(49)));
    let large = with(&|kept| kept["chosen"] = json!("x".repeat(300_000)));
    for odd in [newer, twice, unprintable, ahead, large, "?".into(), "{}".into()] {
        assert_eq!(take(&odd), (false, false, 1), "{odd:.200}");
    }
}
