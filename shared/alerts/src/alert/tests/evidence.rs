//! What newer and older evidence may decide, and clocks that jump.

use super::*;

#[test]
fn cr_15_a_pass_by_evidence_older_than_evaluated_does_not_resolve_and_the_reminder_still_comes() {
    let mut life = Life::open(Severity::Critical);
    let old = noon() - SECOND;
    assert_eq!(life.see_old(noon() + QUARTER, old, Seen::Passing), None);
    assert_eq!(life.see_old(noon() + hours(4) - SECOND, old, Seen::Passing), None);
    let sent = life.look(noon() + hours(4), old, Seen::Passing).unwrap();
    assert_eq!((sent.transition, sent.unverified_since), (Transition::Reminder, Some(noon() + QUARTER)));
    assert_eq!(life.see_old(noon() + hours(4), noon(), Seen::Passing), Some(Transition::Resolved), "just as old");
}

#[test]
fn cr_15_a_failure_by_evidence_older_than_evaluated_does_not_reopen() {
    let mut life = Life::open(Severity::Critical);
    let fixed = noon() + hours(1);
    assert_eq!(life.see(fixed, Seen::Passing), Some(Transition::Resolved));
    assert_eq!(life.see_old(fixed + QUARTER, fixed - SECOND, failing(Severity::Critical)), None);
    assert!(!life.is_open());
    let sent = life.see_old(fixed + QUARTER, fixed, failing(Severity::Critical));
    assert_eq!(sent, Some(Transition::Opened), "just as old");
}

#[test]
fn old_evidence_neither_suppresses_nor_drops_nor_changes() {
    let exception = exception(None, noon() + hours(9));
    let suppressed = Seen::Suppressed(failure(Severity::Critical, &[]), exception);
    for seen in [suppressed, Seen::Dropped, naming(&["a", "b"])] {
        let mut life = Life::default();
        life.see(noon(), naming(&["a"]));
        assert_eq!(life.see_old(noon() + QUARTER, noon() - SECOND, seen), None);
        let condition = life.0.unwrap();
        assert_eq!((condition.open, condition.failure.as_ref().unwrap().count), (true, 1));
        assert_eq!(judged(&condition), Some(noon()));
    }
}

#[test]
fn cr_15_evidence_is_old_also_at_the_very_instant_of_the_judgement() {
    let mut life = Life::open(Severity::Critical);
    assert_eq!(life.see_old(noon(), noon() - SECOND, Seen::Passing), None);
    assert!(life.is_open());
}

#[test]
fn a_suppressed_condition_is_sent_as_it_is_now_and_was_evaluated_then() {
    let mut life = Life::default();
    life.see(noon(), naming(&["a", "b"]));
    let suppressed = noon() + hours(1);
    let seen = Seen::Suppressed(failure(Severity::Critical, &["b"]), exception(None, noon() + hours(9)));
    let sent = life.look(suppressed, suppressed, seen).unwrap();
    assert_eq!((sent.failure.resources.as_slice(), sent.failure.count), (["b".to_owned()].as_slice(), 1));
    assert_eq!(life.see_old(suppressed + QUARTER, suppressed - SECOND, naming(&["b"])), None, "older than that");
    assert_eq!(life.see_old(suppressed + QUARTER, suppressed, naming(&["b"])), Some(Transition::Opened));
}

#[test]
fn st_16_a_clock_that_stepped_back_by_up_to_the_period_starts_it_again() {
    for back in [SECOND, hours(1), hours(4)] {
        let mut life = Life::open(Severity::Critical);
        let now = noon() - back;
        assert_eq!(life.see(now, failing(Severity::Critical)), None, "{back}");
        assert_eq!(life.see(now + hours(4) - SECOND, failing(Severity::Critical)), None, "{back}");
        assert_eq!(life.see(now + hours(4), failing(Severity::Critical)), Some(Transition::Reminder), "{back}");
    }
}

#[test]
fn st_16_a_clock_that_stepped_back_by_more_than_the_period_reminds_at_once_and_once() {
    let mut life = Life::open(Severity::Critical);
    let now = noon() - hours(4) - SECOND;
    assert_eq!(life.see(now, failing(Severity::Critical)), Some(Transition::Reminder));
    assert_eq!(life.see(now + QUARTER, failing(Severity::Critical)), None);
    assert_eq!(life.see(now + hours(4), failing(Severity::Critical)), Some(Transition::Reminder));
}

#[test]
fn st_16_a_day_back_a_day_forward_and_right_again_is_at_most_one_reminder_a_jump() {
    let mut life = Life::open(Severity::Critical);
    let mut sent = Vec::new();
    for jump in [hours(-24), hours(24), hours(0)] {
        let runs = (1..=4).map(|run| noon() + jump + QUARTER * run);
        sent.push(runs.filter_map(|now| life.see(now, failing(Severity::Critical))).count());
    }
    assert_eq!(sent, [1, 1, 1]);
}

#[test]
fn st_16_evidence_of_a_clock_that_was_ahead_holds_nothing_up() {
    let mut life = Life::default();
    let ahead = noon() + hours(24);
    assert_eq!(life.see(ahead, failing(Severity::Critical)), Some(Transition::Opened));
    assert_eq!(life.see(noon(), Seen::Passing), Some(Transition::Resolved));
    assert_eq!(life.0.as_ref().and_then(judged), Some(noon()));
    assert_eq!(life.see(ahead, Seen::Passing), None);
    assert_eq!(life.see(noon(), failing(Severity::Critical)), Some(Transition::Opened));
}

#[test]
fn cr_15_a_report_from_before_the_mending_reopens_nothing() {
    let mut account = Account::new();
    account.after(QUARTER, one_key);
    let report_with_key = account.snapshot.credential_report.clone();
    account.after(hours(1), |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    assert!(account.open().is_empty());
    account.snapshot.taken_at += QUARTER;
    account.snapshot.credential_report = report_with_key;
    assert_eq!(account.run(), []);
    assert!(account.open().is_empty());
}

/// A look that rests on the credential report and on the account summary.
fn by_both(report: Timestamp, summary: Timestamp, seen: Seen) -> Observation {
    let judged_by = BTreeMap::from([(Source::CredentialReport, report), (Source::AccountSummary, summary)]);
    Observation { condition: fault(), seen, judged_by }
}

#[test]
fn a_fix_counts_as_soon_as_the_source_that_found_the_fault_is_newer_and_no_other_is_older() {
    let sent = |report, seen| {
        let opened =
            Condition::next(None, &by_both(noon(), noon() + hours(2), naming(&["a"])), noon() + hours(2), &policy());
        let look = by_both(report, noon() + hours(3), seen);
        Condition::next(Some(&opened.0), &look, noon() + hours(3), &policy()).1.map(|sent| sent.transition)
    };
    // The report may be older than the failure that the live summary showed.
    assert_eq!(sent(noon(), Seen::Passing), Some(Transition::Resolved));
    assert_eq!(sent(noon() + hours(1), Seen::Passing), Some(Transition::Resolved));
    assert_eq!(sent(noon() - SECOND, Seen::Passing), None, "an older report than before");
}

#[test]
fn a_failure_counts_when_one_of_the_sources_that_found_it_is_new() {
    let sent = |report, summary| {
        let opened = Condition::next(None, &by_both(noon(), noon(), naming(&["a"])), noon(), &policy()).0;
        let closed = Condition::next(Some(&opened), &by_both(noon(), noon(), Seen::Passing), noon(), &policy()).0;
        let now = noon() + hours(1);
        Condition::next(Some(&closed), &by_both(report, summary, naming(&["a"])), now, &policy()).1.is_some()
    };
    assert!(sent(noon() - SECOND, noon()), "a live failure is not muted by an old report");
    assert!(!sent(noon() - SECOND, noon() - SECOND), "cr_15: a stale answer does not reopen");
}

#[test]
fn a_failure_rests_on_the_source_that_found_it_and_a_pass_on_both() {
    let report = |change: fn(&mut Snapshot)| {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        let report = Report::generate(&snapshot, &Settings::compliant());
        report.findings[0].judged_by.keys().copied().collect::<Vec<_>>()
    };
    assert_eq!(report(|_| {}), [Source::CredentialReport, Source::AccountSummary]);
    assert_eq!(report(|snapshot| snapshot.summary_mut().root_access_keys = Ok(1)), [Source::AccountSummary]);
    let both = report(|snapshot| {
        snapshot.summary_mut().root_access_keys = Ok(1);
        snapshot.root().access_keys[0].active = Ok(true);
    });
    assert_eq!(both, [Source::CredentialReport, Source::AccountSummary]);
}

#[test]
fn evidence_of_the_future_in_the_table_holds_no_later_evidence_up() {
    let mut account = Account::new();
    account.after(hours(1), |snapshot| snapshot.summary_mut().root_mfa = Ok(0));
    let ahead = noon() + hours(400 * 24);
    for condition in account.memory.conditions.values_mut() {
        condition.judged_by.values_mut().for_each(|at| *at = ahead);
    }
    let resolved = account.after(hours(1), |snapshot| snapshot.summary_mut().root_mfa = Ok(1));
    let is_resolved = |alert: &Alert| alert.condition().is_some_and(|sent| sent.transition == Transition::Resolved);
    assert!(resolved.iter().any(is_resolved), "{resolved:?}");
    let judged = account.memory.conditions.values().flat_map(|condition| condition.judged_by.values());
    assert!(judged.clone().count() > 0 && judged.clone().all(|at| *at < ahead), "and is forgotten");
}

#[test]
fn a_run_of_the_future_in_the_table_hides_no_time_in_which_nothing_was_checked() {
    let mut account = Account::new();
    account.run();
    let last = account.snapshot.taken_at;
    account.memory.journal.last_complete = Some(last);
    account.memory.journal.last_run = Some(last + hours(400 * 24));
    let alerts = account.after(OUTAGE + SECOND, |_| {});
    let caught_up = What::CaughtUp { since: last, until: account.snapshot.taken_at };
    assert!(alerts.iter().any(|alert| alert.what == caught_up), "{alerts:?}");
}
