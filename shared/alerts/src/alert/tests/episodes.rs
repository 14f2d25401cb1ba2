//! Episodes: openings, flapping, failures that may pass by themselves, and memory that was edited or wiped.

use super::*;

#[test]
fn an_opening_is_a_new_episode_and_within_one_the_id_stays() {
    let account = Snapshot::compliant().account;
    let maker = Maker { account: &account, now: noon() };
    let mut life = Life::default();
    let mut ids = Vec::new();
    let runs = [naming(&["a"]), naming(&["a", "b"]), Seen::Passing, naming(&["a"]), Seen::Passing];
    for (run, seen) in (0..).zip(runs) {
        let now = noon() + QUARTER * run;
        let sent = life.look(now, now, seen).unwrap();
        ids.push(maker.condition(life.0.as_ref().unwrap(), sent).id);
    }
    let (first, second) = ("111122223333/root-access-keys/1", "111122223333/root-access-keys/2");
    assert_eq!(ids, [first, first, first, second, second]);
}

#[test]
fn st_17_the_third_opening_in_24_hours_is_marked() {
    let openings = |second: SignedDuration, third: SignedDuration| {
        let mut life = Life::default();
        [SignedDuration::ZERO, second, third].map(|after| {
            let now = noon() + after;
            let sent = life.look(now, now, failing(Severity::High)).unwrap();
            assert_eq!(sent.transition, Transition::Opened, "every episode is sent");
            assert_eq!(life.see(now + SECOND, Seen::Passing), Some(Transition::Resolved));
            sent.flapping
        })
    };
    assert_eq!(openings(hours(1), hours(2)), [false, false, true]);
    assert_eq!(openings(hours(1), hours(24) - SECOND), [false, false, true]);
    assert_eq!(openings(hours(1), hours(24)), [false, false, false]);
}

#[test]
fn st_17_flapping_for_days_keeps_few_openings_and_ends_when_it_calms_down() {
    let mut life = Life::default();
    for run in 0..200 {
        let seen = if run % 2 == 0 { failing(Severity::High) } else { Seen::Passing };
        assert!(life.see(noon() + QUARTER * run, seen).is_some());
    }
    let condition = life.0.clone().unwrap();
    assert_eq!((condition.openings.len(), condition.episode), (16, 100));
    assert!(condition.openings.is_sorted());
    let later = noon() + QUARTER * 200 + hours(24);
    assert!(!life.look(later, later, failing(Severity::High)).unwrap().flapping);
    assert_eq!(life.0.unwrap().openings, [later]);
}

#[test]
fn st_16_openings_of_a_clock_that_was_far_ahead_are_not_lately() {
    let mut life = Life::default();
    for ahead in [hours(24), hours(25)] {
        life.see(noon() + ahead, failing(Severity::High));
        life.see(noon() + ahead, Seen::Passing);
    }
    assert!(!life.look(noon(), noon(), failing(Severity::High)).unwrap().flapping);
    assert_eq!(life.0.unwrap().openings, [noon()]);
}

#[test]
fn what_may_pass_by_itself_is_sent_in_the_third_run_in_a_row() {
    let mut life = Life::default();
    let sent: Vec<_> = (0..4).map(|run| life.see(noon() + QUARTER * run, throttled())).collect();
    assert_eq!(sent, [None, None, Some(Transition::Opened), None]);
    assert_eq!(life.see(noon() + hours(2), Seen::Passing), Some(Transition::Resolved));
    let sent: Vec<_> = (9..12).map(|run| life.see(noon() + QUARTER * run, throttled())).collect();
    assert_eq!(sent, [None, None, Some(Transition::Opened)], "each episode again");
}

#[test]
fn what_passes_in_between_is_not_sent() {
    let mut life = Life::default();
    let exception = exception(None, noon() + hours(9));
    let suppressed = Seen::Suppressed(failure(Severity::Medium, &[]), exception);
    let runs = [
        throttled(),
        throttled(),
        Seen::Passing,
        throttled(),
        throttled(),
        Seen::Dropped,
        throttled(),
        throttled(),
        suppressed,
        throttled(),
        throttled(),
    ];
    for (run, seen) in (0..).zip(runs) {
        assert_eq!(life.see(noon() + QUARTER * run, seen), None, "run {run}");
    }
    assert_eq!(life.see(noon() + hours(9), throttled()), Some(Transition::Opened));
}

#[test]
fn a_run_that_decides_again_counts_once_and_lasting_failures_wait_for_nothing() {
    let mut life = Life::default();
    for _ in 0..5 {
        assert_eq!(life.see(noon(), throttled()), None);
    }
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Medium)), Some(Transition::Opened));
}

#[test]
fn se_5_a_condition_that_was_closed_by_hand_reopens_at_the_next_failing_evidence() {
    let mut life = Life::open(Severity::Critical);
    life.0 = life.0.map(|condition| Condition { open: false, ..condition });
    assert_eq!(life.see_old(noon() + QUARTER, noon(), failing(Severity::Critical)), Some(Transition::Opened));
    life.0 = life.0.map(|condition| Condition {
        open: false,
        judged_by: BTreeMap::from([(SOURCE, Timestamp::MAX)]),
        sent_at: Some(Timestamp::MAX),
        ..condition
    });
    assert_eq!(life.see(noon() + hours(1), failing(Severity::Critical)), Some(Transition::Opened));
}

#[test]
fn se_5_a_condition_whose_reminder_was_put_off_by_hand_is_sent_again() {
    let mut life = Life::open(Severity::Critical);
    life.0.as_mut().unwrap().sent_at = Some(Timestamp::MAX);
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Critical)), Some(Transition::Reminder));
}

#[test]
fn st_14_a_wiped_memory_sends_once_more_what_is_open() {
    let mut life = Life::open(Severity::Critical);
    life.0 = None;
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Critical)), Some(Transition::Opened));
    let mut life = Life::open(Severity::Critical);
    life.0.as_mut().unwrap().failure = None;
    assert_eq!(life.see(noon() + QUARTER, Seen::Unknown), None);
    let sent = life.see(noon() + hours(1), failing(Severity::Critical));
    assert_eq!(sent, Some(Transition::Opened), "open without what was found is not open");
}
