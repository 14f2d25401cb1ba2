//! The decision table of one condition, row by row, and what counts as a change.

use super::*;

#[test]
fn a_first_failure_opens_and_the_first_episode_is_number_1() {
    let mut life = Life::default();
    let sent = life.look(noon(), noon(), failing(Severity::Critical)).unwrap();
    assert_eq!((sent.transition, sent.condition, sent.opened_at), (Transition::Opened, fault(), noon()));
    assert_eq!((sent.unverified_since, sent.flapping, sent.exception), (None, false, None));
    let condition = life.0.unwrap();
    assert_eq!((condition.open, condition.episode, condition.streak), (true, 1, 0));
    assert_eq!((condition.sent_at, judged(&condition)), (Some(noon()), Some(noon())));
    assert_eq!((condition.fault, condition.openings), (Some(fault()), vec![noon()]));
}

#[test]
fn what_never_failed_is_not_even_remembered() {
    for seen in [Seen::Passing, Seen::Dropped, Seen::Unknown] {
        let mut life = Life::default();
        assert_eq!(life.see(noon(), seen), None);
        assert_eq!(life.0, None);
    }
}

#[test]
fn a_closed_condition_that_passes_or_cannot_be_seen_is_silence() {
    for seen in [Seen::Passing, Seen::Unknown, Seen::Dropped] {
        let mut life = Life::open(Severity::Critical);
        assert_eq!(life.see(noon() + QUARTER, Seen::Passing), Some(Transition::Resolved));
        assert_eq!(life.see(noon() + hours(1), seen.clone()), None);
        assert_eq!(life.see(noon() + hours(100), seen), None);
        assert!(!life.is_open());
    }
}

#[test]
fn the_same_failure_is_silence_and_a_pass_resolves_it_once() {
    let mut life = Life::open(Severity::Critical);
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Critical)), None);
    assert_eq!(life.0.as_ref().unwrap().streak, 0, "it was sent");
    let sent = life.look(noon() + hours(1), noon() + hours(1), Seen::Passing).unwrap();
    assert_eq!((sent.transition, sent.opened_at), (Transition::Resolved, noon()));
    assert_eq!(sent.failure.found, "Found", "what was wrong is sent with the end of it");
    assert_eq!(life.see(noon() + hours(2), Seen::Passing), None);
    let condition = life.0.unwrap();
    assert_eq!((condition.open, condition.failure, condition.unverified_since), (false, None, None));
}

#[test]
fn a_reminder_comes_after_4_hours_when_critical_a_day_else_a_week_when_low_and_not_a_second_earlier() {
    for (severity, period) in [
        (Severity::Critical, hours(4)),
        (Severity::High, hours(24)),
        (Severity::Medium, hours(24)),
        (Severity::Low, hours(7 * 24)),
    ] {
        let mut life = Life::open(severity);
        assert_eq!(life.see(noon() + period - SECOND, failing(severity)), None, "{severity}");
        assert_eq!(life.see(noon() + period, failing(severity)), Some(Transition::Reminder), "{severity}");
        assert_eq!(life.see(noon() + period + period - SECOND, failing(severity)), None, "{severity}");
        assert_eq!(life.see(noon() + period + period, failing(severity)), Some(Transition::Reminder), "{severity}");
    }
}

#[test]
fn a_change_starts_the_period_of_the_reminder_again() {
    let mut life = Life::default();
    assert_eq!(life.see(noon(), naming(&["a"])), Some(Transition::Opened));
    assert_eq!(life.see(noon() + hours(3), naming(&["a", "b"])), Some(Transition::Changed));
    assert_eq!(life.see(noon() + hours(7) - SECOND, naming(&["a", "b"])), None);
    assert_eq!(life.see(noon() + hours(7), naming(&["a", "b"])), Some(Transition::Reminder));
}

#[test]
fn unknown_never_resolves_and_the_reminder_says_since_when_nobody_could_see() {
    let mut life = Life::open(Severity::Critical);
    assert_eq!(life.see(noon() + hours(1), Seen::Unknown), None);
    assert_eq!(life.see(noon() + hours(4) - SECOND, Seen::Unknown), None);
    let sent = life.look(noon() + hours(4), noon() + hours(4), Seen::Unknown).unwrap();
    assert_eq!((sent.transition, sent.unverified_since), (Transition::Reminder, Some(noon() + hours(1))));
    assert_eq!(life.see(noon() + hours(5), failing(Severity::Critical)), None);
    let sent = life.look(noon() + hours(8), noon() + hours(8), failing(Severity::Critical)).unwrap();
    assert_eq!((sent.transition, sent.unverified_since), (Transition::Reminder, None), "seen again");
}

#[test]
fn an_end_after_nobody_could_see_says_so_and_the_next_episode_forgets_it() {
    let mut life = Life::open(Severity::Critical);
    life.see(noon() + hours(1), Seen::Unknown);
    let sent = life.look(noon() + hours(2), noon() + hours(2), Seen::Passing).unwrap();
    assert_eq!((sent.transition, sent.unverified_since), (Transition::Resolved, Some(noon() + hours(1))));
    let sent = life.look(noon() + hours(3), noon() + hours(3), failing(Severity::Critical)).unwrap();
    assert_eq!((sent.transition, sent.unverified_since), (Transition::Opened, None));
}

#[test]
fn a_second_key_is_sent_at_once_and_one_less_is_silence() {
    let mut life = Life::default();
    assert_eq!(life.see(noon(), naming(&["access key 1"])), Some(Transition::Opened));
    assert_eq!(life.see(noon() + QUARTER, naming(&["access key 1", "access key 2"])), Some(Transition::Changed));
    assert_eq!(life.see(noon() + QUARTER * 2, naming(&["access key 2"])), None);
    assert_eq!(life.see(noon() + QUARTER * 3, naming(&["access key 1"])), Some(Transition::Changed), "another one");
}

#[test]
fn a_worse_severity_is_a_change_and_a_lesser_one_or_other_words_are_not() {
    let mut life = Life::open(Severity::High);
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Critical)), Some(Transition::Changed));
    assert_eq!(life.see(noon() + QUARTER * 2, failing(Severity::High)), None);
    let other = Failure { found: "In other words".into(), ..failure(Severity::High, &[]) };
    assert_eq!(life.see(noon() + QUARTER * 3, Seen::Failing { failure: other, passing: false }), None);
}

#[test]
fn names_that_become_known_are_no_change_and_names_that_were_known_are_not_forgotten() {
    let mut life = Life::open(Severity::Critical);
    assert_eq!(life.see(noon() + QUARTER, naming(&["a"])), None, "the other source names it");
    assert_eq!(life.see(noon() + QUARTER * 2, naming(&[])), None, "the source that names it is gone");
    assert_eq!(life.see(noon() + QUARTER * 3, naming(&["a"])), None);
    assert_eq!(life.see(noon() + QUARTER * 4, naming(&[])), None);
    assert_eq!(life.see(noon() + QUARTER * 5, naming(&["a", "b"])), Some(Transition::Changed), "made meanwhile");
}

#[test]
fn of_more_than_a_hundred_resources_the_number_counts() {
    let of = |count: usize, first: usize| {
        let names: Vec<String> = (first..first + count.min(100)).map(|number| number.to_string()).collect();
        let failure = Failure { resources: names, count, ..failure(Severity::Medium, &[]) };
        Seen::Failing { failure, passing: false }
    };
    let next = |from: Seen, to: Seen| {
        let mut life = Life::default();
        life.see(noon(), from);
        life.see(noon() + QUARTER, to)
    };
    assert_eq!(next(of(100, 0), of(100, 1)), Some(Transition::Changed), "all are named");
    assert_eq!(next(of(101, 0), of(101, 1)), None, "which hundred are named says nothing");
    assert_eq!(next(of(101, 0), of(102, 0)), Some(Transition::Changed));
    assert_eq!(next(of(101, 0), of(100, 50)), None, "fewer");
    assert_eq!(next(of(100, 0), of(101, 50)), Some(Transition::Changed));
}
