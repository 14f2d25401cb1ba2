use checklist::declarations::Statement;
use checklist::settings::{Refused, Settings};
use facts::account_summary::AccountSummary;
use facts::snapshot::{RegionSweep, Snapshot};
use facts::source::{Cause, Source, Unavailable};
use facts::verdict::Evidence;

use super::*;

mod acknowledged;
mod baseline;
mod denied;
mod histories;
mod odd;
mod path;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Without digests: they have tests of their own.
fn policy() -> Policy {
    Policy { digest: Rhythm::Never, ..Policy::default() }
}

fn fault() -> Fault {
    Fault::Control { control: "root-access-keys".into() }
}

fn failure(severity: Severity, resources: &[&str]) -> Failure {
    let resources: Vec<String> = resources.iter().map(|name| (*name).to_owned()).collect();
    Failure { count: resources.len(), resources, ..Failure::new(severity, "Found") }
}

fn failing(severity: Severity) -> Seen {
    Seen::Failing { failure: failure(severity, &[]), passing: false }
}

fn naming(resources: &[&str]) -> Seen {
    Seen::Failing { failure: failure(Severity::Critical, resources), passing: false }
}

fn throttled() -> Seen {
    Seen::Failing { failure: failure(Severity::Medium, &[]), passing: true }
}

fn exception(resource: Option<&str>, until: Timestamp) -> Exception {
    Exception {
        control: "root-access-keys".into(),
        reason: "migration".into(),
        owner: "alice".into(),
        until,
        resource: resource.map(Into::into),
    }
}

const SOURCE: Source = Source::AccountSummary;

fn judged(condition: &Condition) -> Option<Timestamp> {
    condition.judged_by.get(&SOURCE).copied()
}

/// One condition over many runs.
#[derive(Default)]
struct Life(Option<Condition>);

impl Life {
    fn open(severity: Severity) -> Self {
        let mut life = Self::default();
        assert_eq!(life.see(noon(), failing(severity)), Some(Transition::Opened));
        life
    }

    fn look(&mut self, now: Timestamp, evidence_at: Timestamp, seen: Seen) -> Option<ConditionAlert> {
        let seen = Observation { condition: fault(), seen, judged_by: BTreeMap::from([(SOURCE, evidence_at)]) };
        let (after, told) = Condition::next(self.0.as_ref(), &seen, now, &policy());
        self.0 = Some(after).filter(|after| *after != Condition::default());
        told
    }

    fn see_old(&mut self, now: Timestamp, evidence_at: Timestamp, seen: Seen) -> Option<Transition> {
        self.look(now, evidence_at, seen).map(|told| told.transition)
    }

    /// Live evidence.
    fn see(&mut self, now: Timestamp, seen: Seen) -> Option<Transition> {
        self.see_old(now, now, seen)
    }

    fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|condition| condition.open)
    }
}

// The decision table, row by row.

#[test]
fn a_first_failure_opens_and_the_first_episode_is_number_1() {
    let mut life = Life::default();
    let told = life.look(noon(), noon(), failing(Severity::Critical)).unwrap();
    assert_eq!((told.transition, told.condition, told.opened_at), (Transition::Opened, fault(), noon()));
    assert_eq!((told.unverified_since, told.flapping, told.exception), (None, false, None));
    let condition = life.0.unwrap();
    assert_eq!((condition.open, condition.episode, condition.streak), (true, 1, 0));
    assert_eq!((condition.told_at, judged(&condition)), (Some(noon()), Some(noon())));
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
    assert_eq!(life.0.as_ref().unwrap().streak, 0, "it was told");
    let told = life.look(noon() + hours(1), noon() + hours(1), Seen::Passing).unwrap();
    assert_eq!((told.transition, told.opened_at), (Transition::Resolved, noon()));
    assert_eq!(told.failure.found, "Found", "what was wrong is told with the end of it");
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
fn a_change_starts_the_period_of_the_reminder_anew() {
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
    let told = life.look(noon() + hours(4), noon() + hours(4), Seen::Unknown).unwrap();
    assert_eq!((told.transition, told.unverified_since), (Transition::Reminder, Some(noon() + hours(1))));
    assert_eq!(life.see(noon() + hours(5), failing(Severity::Critical)), None);
    let told = life.look(noon() + hours(8), noon() + hours(8), failing(Severity::Critical)).unwrap();
    assert_eq!((told.transition, told.unverified_since), (Transition::Reminder, None), "seen again");
}

#[test]
fn an_end_after_nobody_could_see_says_so_and_the_next_episode_forgets_it() {
    let mut life = Life::open(Severity::Critical);
    life.see(noon() + hours(1), Seen::Unknown);
    let told = life.look(noon() + hours(2), noon() + hours(2), Seen::Passing).unwrap();
    assert_eq!((told.transition, told.unverified_since), (Transition::Resolved, Some(noon() + hours(1))));
    let told = life.look(noon() + hours(3), noon() + hours(3), failing(Severity::Critical)).unwrap();
    assert_eq!((told.transition, told.unverified_since), (Transition::Opened, None));
}

// Evidence and clocks.

#[test]
fn cr_15_a_pass_by_evidence_older_than_judged_does_not_resolve_and_the_reminder_still_comes() {
    let mut life = Life::open(Severity::Critical);
    let old = noon() - SECOND;
    assert_eq!(life.see_old(noon() + QUARTER, old, Seen::Passing), None);
    assert_eq!(life.see_old(noon() + hours(4) - SECOND, old, Seen::Passing), None);
    let told = life.look(noon() + hours(4), old, Seen::Passing).unwrap();
    assert_eq!((told.transition, told.unverified_since), (Transition::Reminder, Some(noon() + QUARTER)));
    assert_eq!(life.see_old(noon() + hours(4), noon(), Seen::Passing), Some(Transition::Resolved), "just as old");
}

#[test]
fn cr_15_a_failure_by_evidence_older_than_judged_does_not_reopen() {
    let mut life = Life::open(Severity::Critical);
    let mended = noon() + hours(1);
    assert_eq!(life.see(mended, Seen::Passing), Some(Transition::Resolved));
    assert_eq!(life.see_old(mended + QUARTER, mended - SECOND, failing(Severity::Critical)), None);
    assert!(!life.is_open());
    let told = life.see_old(mended + QUARTER, mended, failing(Severity::Critical));
    assert_eq!(told, Some(Transition::Opened), "just as old");
}

#[test]
fn old_evidence_neither_silences_nor_drops_nor_changes() {
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
fn a_suppressed_condition_is_told_as_it_is_now_and_was_judged_then() {
    let mut life = Life::default();
    life.see(noon(), naming(&["a", "b"]));
    let suppressed = noon() + hours(1);
    let seen = Seen::Suppressed(failure(Severity::Critical, &["b"]), exception(None, noon() + hours(9)));
    let told = life.look(suppressed, suppressed, seen).unwrap();
    assert_eq!((told.failure.resources.as_slice(), told.failure.count), (["b".to_owned()].as_slice(), 1));
    assert_eq!(life.see_old(suppressed + QUARTER, suppressed - SECOND, naming(&["b"])), None, "older than that");
    assert_eq!(life.see_old(suppressed + QUARTER, suppressed, naming(&["b"])), Some(Transition::Opened));
}

#[test]
fn st_16_a_clock_that_stepped_back_by_up_to_the_period_starts_it_anew() {
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
    let mut told = Vec::new();
    for jump in [hours(-24), hours(24), hours(0)] {
        let runs = (1..=4).map(|run| noon() + jump + QUARTER * run);
        told.push(runs.filter_map(|now| life.see(now, failing(Severity::Critical))).count());
    }
    assert_eq!(told, [1, 1, 1]);
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

// Changes.

#[test]
fn a_second_key_is_told_at_once_and_one_less_is_silence() {
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

// Episodes.

#[test]
fn an_opening_is_a_new_episode_and_within_one_the_id_stays() {
    let account = Snapshot::compliant().account;
    let maker = Maker { account: &account, now: noon() };
    let mut life = Life::default();
    let mut ids = Vec::new();
    let runs = [naming(&["a"]), naming(&["a", "b"]), Seen::Passing, naming(&["a"]), Seen::Passing];
    for (run, seen) in (0..).zip(runs) {
        let now = noon() + QUARTER * run;
        let told = life.look(now, now, seen).unwrap();
        ids.push(maker.condition(life.0.as_ref().unwrap(), told).id);
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
            let told = life.look(now, now, failing(Severity::High)).unwrap();
            assert_eq!(told.transition, Transition::Opened, "every episode is told");
            assert_eq!(life.see(now + SECOND, Seen::Passing), Some(Transition::Resolved));
            told.flapping
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
fn what_may_pass_by_itself_is_told_in_the_third_run_in_a_row() {
    let mut life = Life::default();
    let told: Vec<_> = (0..4).map(|run| life.see(noon() + QUARTER * run, throttled())).collect();
    assert_eq!(told, [None, None, Some(Transition::Opened), None]);
    assert_eq!(life.see(noon() + hours(2), Seen::Passing), Some(Transition::Resolved));
    let told: Vec<_> = (9..12).map(|run| life.see(noon() + QUARTER * run, throttled())).collect();
    assert_eq!(told, [None, None, Some(Transition::Opened)], "each episode anew");
}

#[test]
fn what_passes_in_between_is_not_told() {
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
        told_at: Some(Timestamp::MAX),
        ..condition
    });
    assert_eq!(life.see(noon() + hours(1), failing(Severity::Critical)), Some(Transition::Opened));
}

#[test]
fn se_5_a_condition_whose_reminder_was_put_off_by_hand_is_told_again() {
    let mut life = Life::open(Severity::Critical);
    life.0.as_mut().unwrap().told_at = Some(Timestamp::MAX);
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Critical)), Some(Transition::Reminder));
}

#[test]
fn st_14_a_wiped_memory_tells_once_more_what_is_open() {
    let mut life = Life::open(Severity::Critical);
    life.0 = None;
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Critical)), Some(Transition::Opened));
    let mut life = Life::open(Severity::Critical);
    life.0.as_mut().unwrap().failure = None;
    assert_eq!(life.see(noon() + QUARTER, Seen::Unknown), None);
    let told = life.see(noon() + hours(1), failing(Severity::Critical));
    assert_eq!(told, Some(Transition::Opened), "open without what was found is not open");
}

// Whole runs.

/// What is remembered, and the account.
struct Account {
    memory: Memory,
    snapshot: Snapshot,
    settings: Settings,
    policy: Policy,
}

impl Account {
    fn new() -> Self {
        let snapshot = Snapshot { taken_at: noon(), ..Snapshot::compliant() };
        Self { memory: Memory::default(), snapshot, settings: Settings::compliant(), policy: policy() }
    }

    fn report(&self) -> Report {
        Report::generate(&self.snapshot, &self.settings)
    }

    fn decide(&mut self, report: &Report) -> Vec<Alert> {
        let decision = decide(&self.memory, report, &self.policy);
        self.memory.conditions.extend(decision.conditions);
        self.memory.journal = decision.journal;
        decision.alerts
    }

    fn run(&mut self) -> Vec<Alert> {
        self.decide(&self.report())
    }

    /// A run after `wait`, with a credential report that was renewed.
    fn after(&mut self, wait: SignedDuration, change: impl FnOnce(&mut Snapshot)) -> Vec<Alert> {
        self.snapshot.taken_at += wait;
        if let Ok(report) = &mut self.snapshot.credential_report {
            report.generated_at = self.snapshot.taken_at;
        }
        change(&mut self.snapshot);
        self.run()
    }

    fn except(&mut self, exceptions: &[Exception]) {
        self.settings.declarations.exceptions = exceptions.to_vec();
    }

    fn open(&self) -> Vec<&str> {
        let open = self.memory.conditions.iter().filter(|(_, condition)| condition.open);
        open.map(|(key, _)| key.as_str()).collect()
    }
}

fn words(alerts: &[Alert]) -> Vec<(Transition, String)> {
    let told = alerts.iter().filter_map(Alert::condition);
    told.map(|told| (told.transition, told.condition.key())).collect()
}

fn word(transition: Transition, key: &str) -> Vec<(Transition, String)> {
    vec![(transition, key.to_owned())]
}

fn unavailable(source: Source, cause: Cause) -> Unavailable {
    Unavailable { source, operation: "iam:Some".into(), cause }
}

fn denied() -> Cause {
    Cause::Denied { code: "AccessDenied".into() }
}

fn sweep(region: &str, cause: Option<Cause>) -> RegionSweep {
    let incomplete = cause.map(|cause| unavailable(Source::RootEvents, cause));
    RegionSweep { region: region.into(), incomplete, covered: Vec::new(), covered_sign_ins: Vec::new() }
}

/// One active key in the first slot.
fn one_key(snapshot: &mut Snapshot) {
    snapshot.root().access_keys[0].active = Ok(true);
}

#[test]
fn a_compliant_account_tells_nothing_and_remembers_no_condition() {
    let mut account = Account::new();
    assert_eq!(account.run(), []);
    assert_eq!(account.memory.conditions, BTreeMap::new());
    assert_eq!(account.memory.journal.last_run, Some(noon()));
    assert_eq!(account.memory.journal.root_credentials, Some(true));
}

#[test]
fn a_control_that_fails_opens_and_resolves_with_its_weight() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, one_key);
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys"));
    assert_eq!((alerts[0].severity, alerts[0].at), (Severity::Critical, noon() + QUARTER));
    assert_eq!(alerts[0].account, account.snapshot.account);
    let alerts = account.after(hours(4), |_| {});
    assert_eq!(words(&alerts), word(Transition::Reminder, "root-access-keys"));
    assert_eq!(alerts[0].severity, Severity::Critical);
    let alerts = account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    assert_eq!(words(&alerts), word(Transition::Resolved, "root-access-keys"));
    assert_eq!(alerts[0].severity, Severity::Informational);
}

#[test]
fn a_root_key_that_is_switched_on_again_is_a_change_and_switched_off_is_none() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].last_rotated = Ok(Some(noon())));
    assert_eq!(account.open(), ["root-access-keys"]);
    let alerts = account.after(QUARTER, one_key);
    assert_eq!(words(&alerts), word(Transition::Changed, "root-access-keys"));
    assert_eq!(account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false)), []);
    let alerts = account.after(QUARTER, |snapshot| snapshot.root().access_keys[1].last_rotated = Ok(Some(noon())));
    assert_eq!(words(&alerts), word(Transition::Changed, "root-access-keys"), "a second key");
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

#[test]
fn an_exception_for_the_whole_control_keeps_it_quiet_until_it_ends_and_not_a_second_longer() {
    let mut account = Account::new();
    account.except(&[exception(None, noon() + hours(2))]);
    assert_eq!(account.after(QUARTER, one_key), []);
    assert_eq!(account.after(hours(2) - QUARTER - SECOND, |_| {}), []);
    let alerts = account.after(SECOND, |_| {});
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys"));
}

#[test]
fn an_exception_that_begins_while_it_is_open_silences_it_once() {
    let mut account = Account::new();
    account.after(QUARTER, one_key);
    let whole = exception(None, noon() + hours(9));
    account.except(std::slice::from_ref(&whole));
    let alerts = account.after(QUARTER, |_| {});
    assert_eq!(words(&alerts), word(Transition::Suppressed, "root-access-keys"));
    let told = alerts[0].condition().unwrap();
    assert_eq!((told.exception.as_ref(), alerts[0].severity), (Some(&whole), Severity::Low));
    assert!(told.failure.found.starts_with("Root has 1 access key"), "{}", told.failure.found);
    assert_eq!(account.after(QUARTER, |_| {}), []);
    assert_eq!(account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false)), []);
}

#[test]
fn exceptions_by_resource_silence_what_they_name_and_nothing_else() {
    let mut account = Account::new();
    let until = noon() + hours(9);
    let names = ["access key 1", "active access key 1"];
    let by_name = names.map(|name| exception(Some(name), until));
    account.except(&by_name);
    assert_eq!(account.after(QUARTER, one_key), [], "all of it is suppressed, by name");
    account.except(&by_name[..1]);
    let alerts = account.after(QUARTER, |_| {});
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys"));
    let failure = &alerts[0].condition().unwrap().failure;
    assert_eq!((failure.resources.as_slice(), failure.count), ([names[1].to_owned()].as_slice(), 1));
    account.except(&by_name);
    let suppressed = word(Transition::Suppressed, "root-access-keys");
    assert_eq!(words(&account.after(QUARTER, |_| {})), suppressed);
    account.except(&[exception(Some("access key 2"), until)]);
    assert_eq!(words(&account.after(QUARTER, |_| {})), word(Transition::Opened, "root-access-keys"), "names another");
}

#[test]
fn the_end_of_a_partial_exception_is_a_change() {
    let mut account = Account::new();
    account.except(&[exception(Some("active access key 1"), noon() + hours(1))]);
    assert_eq!(words(&account.after(QUARTER, one_key)), word(Transition::Opened, "root-access-keys"));
    let alerts = account.after(hours(1), |_| {});
    assert_eq!(words(&alerts), word(Transition::Changed, "root-access-keys"));
}

#[test]
fn what_was_found_is_kept_within_bounds() {
    let mut finding = Account::new().report().findings.remove(0);
    let evidence =
        || Evidence { source: Source::CredentialReport, fact: "fact".into(), value: "value".into(), as_of: noon() };
    finding.status = facts::Status::Failed;
    finding.evidence = (0..25).map(|_| evidence()).collect();
    finding.resources = (0..101).map(|number| number.to_string()).collect();
    let mut account = Account::new();
    let mut report = account.report();
    report.findings = vec![finding];
    let alerts = account.decide(&report);
    let failure = &alerts[0].condition().unwrap().failure;
    assert_eq!((failure.evidence.len(), failure.resources.len(), failure.count), (24, 100, 101));
}

#[test]
fn a_source_that_is_denied_is_told_at_once_and_one_that_is_slow_in_the_third_run() {
    let causes = [
        (denied(), 1),
        (Cause::Refused { code: "Some".into() }, 1),
        (Cause::Malformed { detail: "why".into() }, 1),
        (Cause::Stale { generated_at: noon() }, 1),
        (Cause::Internal, 1),
        (Cause::Throttled { code: "Throttling".into() }, 3),
        (Cause::Refused { code: "ServiceFailure".into() }, 3),
        (Cause::TimedOut, 3),
        (Cause::Unreachable, 3),
        (Cause::NotReady, 3),
        (Cause::OutOfTime, 3),
    ];
    for (cause, run) in causes {
        let mut account = Account::new();
        account.snapshot.virtual_mfa_devices = Err(unavailable(Source::VirtualMfaDevices, cause.clone()));
        let told: Vec<usize> = (1..=4).filter(|_| !account.after(QUARTER, |_| {}).is_empty()).collect();
        assert_eq!(told, [run], "{cause:?}");
        assert_eq!(account.open(), ["unread#virtual_mfa_devices"], "{cause:?}");
    }
}

#[test]
fn a_source_that_cannot_be_read_is_medium_and_the_alias_is_low() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.account_alias = Err(unavailable(Source::AccountAlias, denied()));
        snapshot.regions = Err(unavailable(Source::Regions, denied()));
    });
    let told: Vec<_> = alerts.iter().map(|alert| (alert.id.as_str(), alert.severity)).collect();
    assert_eq!(
        told,
        [("111122223333/unread/account_alias/1", Severity::Low), ("111122223333/unread/regions/1", Severity::Medium),]
    );
    assert_eq!(alerts[1].condition().unwrap().failure.unavailable, account.snapshot.regions.clone().err());
}

/// A cell that cannot be read makes its control unknown although the source itself is there.
fn unreadable_cell(snapshot: &mut Snapshot) {
    let found = Some("maybe".into());
    let column = "access_key_1_active";
    snapshot.root().access_keys[0].active = Err(facts::credential_report::UnreadableCell { column, found });
}

#[test]
fn an_unjudged_control_is_told_only_when_every_source_that_it_is_judged_by_could_be_read() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, unreadable_cell);
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys#unjudged"));
    assert_eq!(
        (alerts[0].id.as_str(), alerts[0].severity),
        ("111122223333/root-access-keys/unjudged/1", Severity::Medium)
    );
    let alerts = account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    assert_eq!(words(&alerts), word(Transition::Resolved, "root-access-keys#unjudged"));

    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        unreadable_cell(snapshot);
        snapshot.account_summary = Err(unavailable(Source::AccountSummary, denied()));
    });
    assert!(!words(&alerts).contains(&(Transition::Opened, "root-access-keys#unjudged".to_owned())));
    assert!(words(&alerts).contains(&(Transition::Opened, "unread#account_summary".to_owned())));
    let alerts = account.after(QUARTER, |snapshot| snapshot.account_summary = Snapshot::compliant().account_summary);
    assert!(words(&alerts).contains(&(Transition::Opened, "root-access-keys#unjudged".to_owned())));

    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        unreadable_cell(snapshot);
        snapshot.account_alias = Err(unavailable(Source::AccountAlias, denied()));
        snapshot.subscribed = Some(Err(unavailable(Source::Subscribers, denied())));
    });
    assert!(
        words(&alerts).contains(&(Transition::Opened, "root-access-keys#unjudged".to_owned())),
        "neither the alias nor the subscribers judge"
    );
}

#[test]
fn a_control_is_judged_again_as_soon_as_it_is_however_old_its_evidence() {
    let mut account = Account::new();
    let mut report = account.report();
    report.findings[0].status = facts::Status::Unknown;
    report.findings[0].judged_by.clear();
    assert_eq!(words(&account.decide(&report)), word(Transition::Opened, "root-access-keys#unjudged"));
    account.snapshot.taken_at += QUARTER;
    assert_eq!(words(&account.run()), word(Transition::Resolved, "root-access-keys#unjudged"));
}

#[test]
fn an_unknown_control_resolves_neither_its_failure_nor_what_kept_it_from_being_judged() {
    let mut account = Account::new();
    account.after(QUARTER, one_key);
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.credential_report = Err(unavailable(Source::CredentialReport, denied()));
    });
    assert_eq!(words(&alerts), word(Transition::Opened, "unread#credential_report"));
    assert_eq!(account.open(), ["root-access-keys", "unread#credential_report"]);
    assert_eq!(account.memory.conditions["root-access-keys"].unverified_since, Some(noon() + QUARTER * 2));
}

#[test]
fn ct_9_a_region_that_is_swept_no_more_is_dropped_but_not_while_the_list_of_regions_is_unread() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| {
        snapshot.root_events.regions.push(sweep("ap-south-1", Some(denied())));
    });
    assert_eq!(account.open(), ["unread#root_events#ap-south-1"]);
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.root_events.regions.pop();
        snapshot.regions = Err(unavailable(Source::Regions, denied()));
    });
    assert_eq!(words(&alerts), word(Transition::Opened, "unread#regions"));
    let alerts = account.after(QUARTER, |snapshot| snapshot.regions = Snapshot::compliant().regions);
    assert_eq!(
        words(&alerts),
        [
            (Transition::Resolved, "unread#regions".to_owned()),
            (Transition::Dropped, "unread#root_events#ap-south-1".to_owned()),
        ]
    );
    assert_eq!(alerts[1].severity, Severity::Informational);
}

#[test]
fn what_a_newer_version_does_not_know_is_dropped_also_while_the_list_of_regions_is_unread() {
    let mut account = Account::new();
    let report = account.report();
    let gone = Condition {
        fault: Some(Fault::Control { control: "gone".into() }),
        open: true,
        failure: Some(failure(Severity::High, &[])),
        ..Condition::default()
    };
    account.memory.conditions.insert("gone".into(), gone);
    account.memory.conditions.insert("closed".into(), Condition { streak: 1, ..Condition::default() });
    account.snapshot.regions = Err(unavailable(Source::Regions, Cause::TimedOut));
    assert_ne!(report, account.report());
    assert_eq!(words(&account.run()), word(Transition::Dropped, "gone"));
}

#[test]
fn pb_6_pb_7_a_topic_without_subscriber_opens_and_stays_while_nobody_can_see() {
    let mut account = Account::new();
    assert_eq!(account.run(), []);
    let alerts = account.after(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(false)));
    assert_eq!(words(&alerts), word(Transition::Opened, "no-subscriber"));
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(account.after(QUARTER, |snapshot| snapshot.subscribed = None), []);
    assert_eq!(account.open(), ["no-subscriber"]);
    let unread = Err(unavailable(Source::Subscribers, Cause::TimedOut));
    let alerts = account.after(hours(4), |snapshot| snapshot.subscribed = Some(unread));
    assert_eq!(words(&alerts), word(Transition::Reminder, "no-subscriber"));
    assert!(alerts[0].condition().unwrap().unverified_since.is_some());
    let alerts = account.after(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(true)));
    assert_eq!(words(&alerts), word(Transition::Resolved, "no-subscriber"));
}

#[test]
fn root_credentials_that_come_back_are_told_whichever_they_are() {
    for (name, give) in [
        ("password", (|summary| summary.root_password = Ok(1)) as fn(&mut AccountSummary)),
        ("access key", |summary| summary.root_access_keys = Ok(1)),
        ("signing certificate", |summary| summary.root_signing_certificates = Ok(1)),
    ] {
        let mut account = Account::new();
        account.snapshot.summary_mut().root_password = Ok(0);
        assert_eq!(account.run(), [], "the first run says nothing");
        let unread = Err(unavailable(Source::AccountSummary, Cause::TimedOut));
        let summary = std::mem::replace(&mut account.snapshot.account_summary, unread);
        account.after(QUARTER, |_| {});
        assert_eq!(account.memory.journal.root_credentials, Some(false), "unknown in between keeps the memory");
        let alerts = account.after(QUARTER, |snapshot| {
            snapshot.account_summary = summary;
            give(snapshot.summary_mut());
        });
        let back = alerts.iter().find(|alert| matches!(alert.what, What::RootCredentialsBack { .. })).unwrap();
        assert_eq!(back.what, What::RootCredentialsBack { credentials: vec![name.into()] });
        assert_eq!(back.severity, Severity::Critical);
        let again = account.after(QUARTER, |_| {});
        assert!(!again.iter().any(|alert| matches!(alert.what, What::RootCredentialsBack { .. })));
    }
    let mut account = Account::new();
    assert_eq!(account.run(), [], "there from the first run on");
}

#[test]
fn ct_13_more_than_three_hours_without_a_check_are_told_and_three_are_not() {
    let mut account = Account::new();
    assert_eq!(account.run(), [], "nothing before the first run was missed");
    assert_eq!(account.after(OUTAGE, |_| {}), []);
    let since = account.snapshot.taken_at;
    let alerts = account.after(OUTAGE + SECOND, |_| {});
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].what, What::CaughtUp { since, until: since + OUTAGE + SECOND });
    assert_eq!((alerts[0].severity, OUTAGE), (Severity::High, hours(3)));
    assert_eq!(account.after(-hours(9), |_| {}), [], "a clock that steps back was no outage");
}

#[test]
fn a_declaration_that_ended_is_told_once_and_again_when_a_new_one_ends() {
    let mut account = Account::new();
    let end = noon() + hours(1);
    account.except(&[exception(Some("bob"), end)]);
    let attestation = Attestation {
        statement: Statement::ContactsReviewed,
        by: "alice".into(),
        on: end - checklist::declarations::ATTESTATION_HOLDS,
    };
    let attestations = &mut account.settings.declarations.attestations;
    attestations.retain(|other| other.statement != attestation.statement);
    attestations.push(attestation.clone());
    assert_eq!(account.after(hours(1) - SECOND, |_| {}), []);
    let alerts = account.after(SECOND, |_| {});
    let told: Vec<_> = alerts.iter().map(|alert| (&alert.what, alert.severity)).collect();
    assert_eq!(
        told,
        [
            (&What::ExceptionEnded(exception(Some("bob"), end)), Severity::Medium),
            (&What::AttestationLapsed(attestation), Severity::Low),
        ]
    );
    assert_eq!(account.after(QUARTER, |_| {}), []);
    account.except(&[exception(Some("bob"), end + hours(2))]);
    assert_eq!(account.after(QUARTER, |_| {}), []);
    assert_eq!(account.after(hours(2), |_| {}).len(), 1, "the renewed one");
    account.except(&[]);
    account.after(QUARTER, |_| {});
    assert_eq!(account.memory.journal.ended.len(), 1, "what is declared no more is forgotten");
}

#[test]
fn the_first_run_tells_a_digest_of_what_it_found_itself() {
    let mut account = Account::new();
    account.policy.digest = Rhythm::Weekly;
    account.snapshot.root().access_keys[0].active = Ok(true);
    account.memory.journal.last_complete = Some(noon() - hours(1));
    let alerts = account.run();
    let digests: Vec<_> = alerts.iter().filter(|alert| matches!(alert.what, What::Digest(_))).collect();
    let [digest] = digests.as_slice() else { panic!("{digests:?}") };
    let What::Digest(of) = &digest.what else { panic!("{digest:?}") };
    assert_eq!((of.open.len(), digest.severity), (1, Severity::Critical));
    assert_eq!((of.open[0].condition.key().as_str(), of.open[0].opened_at), ("root-access-keys", noon()));
    assert_eq!((of.all_is_well(), of.last_complete), (false, Some(noon() - hours(1))));
    assert_eq!(account.after(QUARTER, |_| {}), [], "and the next one not before Monday");
}

#[test]
fn a_digest_of_what_is_no_longer_open_is_all_well_and_lists_exceptions_in_force() {
    let mut account = Account::new();
    account.after(QUARTER, one_key);
    account.policy.digest = Rhythm::Daily;
    let (ended, holds) = (exception(Some("a"), noon() + hours(1)), exception(Some("b"), noon() + hours(99)));
    account.except(&[ended, holds.clone()]);
    let alerts = account.after(hours(1), |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    let digest = alerts.iter().find_map(|alert| match &alert.what {
        What::Digest(digest) => Some(digest),
        _ => None,
    });
    let digest = digest.unwrap();
    assert!(digest.all_is_well());
    assert_eq!(
        (digest.open.len(), digest.severity(), digest.exceptions.as_slice()),
        (0, Severity::Informational, [holds].as_slice())
    );
    let blind = Report::generate(&Snapshot::blind(), &Settings::default());
    let unknown = Digest::new(&blind, std::iter::empty(), &Journal::default());
    assert!(!unknown.all_is_well(), "unknown is not well");
}

#[test]
fn a_digest_lists_the_worst_first_and_then_the_oldest() {
    let condition = |control: &str, severity, opened_at: Timestamp| Condition {
        fault: Some(Fault::Control { control: control.into() }),
        open: true,
        failure: Some(failure(severity, &[])),
        opened_at: Some(opened_at),
        ..Condition::default()
    };
    let conditions = [
        condition("a", Severity::Medium, noon()),
        condition("b", Severity::High, noon()),
        condition("c", Severity::High, noon() - SECOND),
        Condition { open: false, ..condition("d", Severity::Critical, noon()) },
    ];
    let digest = Digest::new(&Account::new().report(), conditions.iter(), &Journal::default());
    let keys: Vec<String> = digest.open.iter().map(|open| open.condition.key()).collect();
    assert_eq!((keys.join(" ").as_str(), digest.severity()), ("c b a", Severity::High));
}

#[test]
fn an_announced_use_of_root_is_told_by_its_beginning() {
    let plan = Plan::new(noon(), noon() + hours(1), "CHG-1", "alice", noon()).unwrap();
    let alert = announce(&plan, &Snapshot::compliant().account, noon());
    assert_eq!(alert.id, "111122223333/planned-root-use/2026-11-20T12:00:00Z");
    assert_eq!((alert.what, alert.severity, alert.at), (What::PlannedRootUse(plan), Severity::Medium, noon()));
}

#[test]
fn ids_are_stable_have_no_spaces_and_at_most_255_characters() {
    let account = Snapshot::compliant().account;
    let id = |id: &str| {
        Maker { account: &account, now: noon() }.alert(
            id.into(),
            Severity::Low,
            What::CaughtUp { since: noon(), until: noon() },
        )
    };
    assert_eq!(id("a b\u{a0}c\n").id, "111122223333/a_b_c_");
    assert_eq!(id(&"x".repeat(242)).id.len(), 255);
    assert_eq!(id(&"ä".repeat(300)).id.chars().count(), 255);
}

#[test]
fn root_activity_is_told_by_the_id_of_its_event_unless_a_service_did_it() {
    let act = |record: &str| {
        let event = facts::record::TrailEvent { record: Some(record.into()), ..Default::default() };
        RootActivity::classify(&event, &Snapshot::compliant().account, None).unwrap()
    };
    let key = act(include_str!("../../../facts/samples/records/05-root-create-access-key-for-root.json"));
    let service = act(include_str!("../../../facts/samples/records/23-not-human-root-invokedby-service-apicall.json"));
    let mut account = Account::new();
    account.snapshot.root_events.activity = vec![key.clone(), service];
    let decision = decide(&account.memory, &account.report(), &account.policy);
    let [told] = decision.activity.as_slice() else { panic!("{:?}", decision.activity) };
    assert_eq!(told.id, format!("111122223333/root/{}", key.event_id));
    assert_eq!((told.act(), told.severity, told.condition()), (Some(&key), Severity::Critical, None));
}

#[test]
fn an_alert_survives_the_store() {
    let mut account = Account::new();
    account.policy.digest = Rhythm::Daily;
    for alert in account.after(QUARTER, one_key) {
        let text = serde_json::to_string(&alert).unwrap();
        assert_eq!(serde_json::from_str::<Alert>(&text).unwrap(), alert, "{text}");
    }
    let condition = &account.memory.conditions["root-access-keys"];
    let text = serde_json::to_string(condition).unwrap();
    assert_eq!(&serde_json::from_str::<Condition>(&text).unwrap(), condition);
}

#[test]
fn that_root_has_no_mfa_at_all_is_told_once_and_ends_nothing_of_its_virtual_device() {
    let device = |snapshot: &mut Snapshot| {
        let (serial, owner) = ("arn:aws:iam::111122223333:mfa/phone", "arn:aws:iam::111122223333:root");
        let device =
            facts::identities::VirtualMfaDevice { serial_number: serial.into(), owner_arn: Some(owner.into()) };
        snapshot.virtual_mfa_devices = Ok(vec![device]);
    };
    let none = |snapshot: &mut Snapshot| {
        snapshot.virtual_mfa_devices = Ok(Vec::new());
        snapshot.root().mfa_active = Ok(false);
        snapshot.summary_mut().root_mfa = Ok(0);
    };
    let mut account = Account::new();
    assert_eq!(words(&account.after(QUARTER, none)), word(Transition::Opened, "root-mfa"));
    let mut account = Account::new();
    assert_eq!(words(&account.after(QUARTER, device)), word(Transition::Opened, "root-hardware-mfa"));
    assert_eq!(words(&account.after(QUARTER, none)), word(Transition::Opened, "root-mfa"));
}

#[test]
fn a_control_that_nobody_can_judge_is_at_most_as_bad_as_its_failure_and_an_exception_answers_for_it() {
    let not_told = |snapshot: &mut Snapshot| {
        let phone = facts::contacts::PhoneVerification::NotTold;
        snapshot.primary_contact = Ok(Some(facts::contacts::PrimaryContact { phone }));
    };
    let mut account = Account::new();
    let alerts = account.after(QUARTER, not_told);
    assert_eq!(words(&alerts), word(Transition::Opened, "contact-information#unjudged"));
    assert_eq!(alerts[0].severity, Severity::Low);
    let answered = Exception { control: "contact-information".into(), ..exception(None, noon() + hours(24 * 30)) };
    account.except(std::slice::from_ref(&answered));
    assert_eq!(words(&account.after(QUARTER, |_| {})), word(Transition::Suppressed, "contact-information#unjudged"));
    let by_name = Exception { resource: Some("phone".into()), ..answered };
    account.except(&[by_name]);
    assert_eq!(words(&account.after(QUARTER, |_| {})), word(Transition::Opened, "contact-information#unjudged"));
}

#[test]
fn a_narrow_run_finds_but_clears_nothing() {
    let mut memory = Memory::default();
    let mut decide_with = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        let report = Report::generate(&snapshot, &Settings::compliant());
        let decision = decide(&memory, &report, &Policy { digest: Rhythm::Never, ..policy() });
        memory.conditions.extend(decision.conditions);
        let transitions = decision.alerts.iter().filter_map(|alert| alert.condition().map(|told| told.transition));
        transitions.collect::<Vec<_>>()
    };
    let region = |incomplete: bool| {
        let unread = Snapshot::blind().root_events.regions[0].incomplete.clone().filter(|_| incomplete);
        facts::snapshot::RegionSweep {
            region: "eu-west-1".into(),
            incomplete: unread,
            covered: Vec::new(),
            covered_sign_ins: Vec::new(),
        }
    };
    let opened = decide_with(&|snapshot| {
        snapshot.summary_mut().root_mfa = Ok(0);
        snapshot.root_events.regions.push(region(true));
    });
    assert_eq!(opened, [Transition::Opened; 2], "root's MFA and the Region");
    assert_eq!(decide_with(&|snapshot| snapshot.is_narrow = true), []);
    let found = decide_with(&|snapshot| {
        snapshot.is_narrow = true;
        snapshot.password_policy = Ok(None);
    });
    assert_eq!(found, [Transition::Opened]);
    let cleared = decide_with(&|snapshot| snapshot.root_events.regions.push(region(false)));
    assert_eq!(cleared, [Transition::Resolved; 3]);
}

/// A look that rests on the credential report and on the account summary.
fn by_both(report: Timestamp, summary: Timestamp, seen: Seen) -> Observation {
    let judged_by = BTreeMap::from([(Source::CredentialReport, report), (Source::AccountSummary, summary)]);
    Observation { condition: fault(), seen, judged_by }
}

#[test]
fn a_fix_counts_as_soon_as_the_source_that_found_the_fault_is_newer_and_no_other_is_older() {
    let told = |report, seen| {
        let opened =
            Condition::next(None, &by_both(noon(), noon() + hours(2), naming(&["a"])), noon() + hours(2), &policy());
        let look = by_both(report, noon() + hours(3), seen);
        Condition::next(Some(&opened.0), &look, noon() + hours(3), &policy()).1.map(|told| told.transition)
    };
    // The report may be older than the failure that the live summary showed.
    assert_eq!(told(noon(), Seen::Passing), Some(Transition::Resolved));
    assert_eq!(told(noon() + hours(1), Seen::Passing), Some(Transition::Resolved));
    assert_eq!(told(noon() - SECOND, Seen::Passing), None, "an older report than before");
}

#[test]
fn a_failure_counts_when_one_of_the_sources_that_found_it_is_new() {
    let told = |report, summary| {
        let opened = Condition::next(None, &by_both(noon(), noon(), naming(&["a"])), noon(), &policy()).0;
        let closed = Condition::next(Some(&opened), &by_both(noon(), noon(), Seen::Passing), noon(), &policy()).0;
        let now = noon() + hours(1);
        Condition::next(Some(&closed), &by_both(report, summary, naming(&["a"])), now, &policy()).1.is_some()
    };
    assert!(told(noon() - SECOND, noon()), "a live failure is not muted by an old report");
    assert!(!told(noon() - SECOND, noon() - SECOND), "cr_15: a stale answer does not reopen");
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
fn a_narrow_run_neither_catches_up_nor_tells_a_digest_nor_counts_as_a_check() {
    let mut snapshot = Snapshot::compliant();
    snapshot.is_narrow = true;
    let journal = Journal { last_run: Some(snapshot.taken_at - OUTAGE - SECOND), ..Journal::default() };
    let memory = Memory { journal: journal.clone(), ..Memory::default() };
    let report = Report::generate(&snapshot, &Settings::compliant());
    let decision = decide(&memory, &report, &Policy::default());
    assert_eq!((decision.alerts, decision.journal.last_run), (Vec::new(), journal.last_run));
}

#[test]
fn what_could_not_be_judged_is_told_with_what_was_seen_of_it() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.credential_report.as_mut().unwrap().generated_at = snapshot.taken_at - hours(2);
        snapshot.root_events.since = snapshot.taken_at - hours(1);
    });
    let told = alerts.iter().find_map(Alert::condition).unwrap();
    assert_eq!(told.condition, Fault::Unjudged { control: "root-unused".into() });
    assert!(told.failure.evidence.iter().any(|evidence| evidence.fact == "gap"), "{:?}", told.failure);
}

// Settings that cannot be read.

fn refused(entry: usize, fault: &str) -> Refused {
    Refused { setting: "Exceptions".into(), entry: Some(entry), fault: fault.into() }
}

#[test]
fn cf_1_a_fault_in_the_settings_is_told_once_and_again_when_there_is_another_and_resolved_when_all_are_gone() {
    let mut account = Account::new();
    account.run();
    let transitions = |alerts: Vec<Alert>| -> Vec<Transition> {
        let of_settings = |alert: &Alert| {
            let told = alert.condition().filter(|told| told.condition == Fault::RefusedSettings)?;
            Some(told.transition)
        };
        alerts.iter().filter_map(of_settings).collect()
    };
    account.settings.refused = vec![refused(2, "no control of this version has this id")];
    let opened = account.after(QUARTER, |_| {});
    let told = opened.iter().find_map(|alert| alert.condition()).unwrap();
    assert_eq!(told.failure.found, "Exceptions, entry 2: no control of this version has this id");
    assert_eq!(opened[0].severity, Severity::Medium);
    assert_eq!(transitions(opened), [Transition::Opened]);
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [], "told once");
    account.settings.refused.push(refused(3, "not a date"));
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [Transition::Changed], "another fault");
    account.settings.refused.remove(0);
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [], "fewer are no news");
    assert_eq!(transitions(account.after(hours(24), |_| {})), [Transition::Reminder]);
    account.settings.refused.clear();
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [Transition::Resolved]);
}

#[test]
fn a_fault_in_the_settings_stands_in_the_digest_and_leaves_the_report_whole() {
    let mut account = Account { policy: Policy::default(), ..Account::new() };
    account.settings.refused = (1..=200).map(|entry| refused(entry, &"x".repeat(1_000))).collect();
    let report = account.report();
    assert!(report.is_whole(), "root was watched");
    let alerts = account.decide(&report);
    let digest = alerts.iter().find_map(|alert| match &alert.what {
        What::Digest(digest) => Some(digest),
        _ => None,
    });
    assert!(digest.unwrap().open.iter().any(|open| open.condition == Fault::RefusedSettings));
    let told = alerts.iter().find_map(|alert| alert.condition()).unwrap();
    assert!(told.failure.found.ends_with(". And 195 more, see refused_settings in the report"));
    assert_eq!((told.failure.count, told.failure.resources.len()), (200, Failure::MAX_RESOURCES));
}

// Times of the table that have not come.

#[test]
fn evidence_of_the_future_in_the_table_holds_no_later_evidence_up() {
    let mut account = Account::new();
    account.after(hours(1), |snapshot| snapshot.summary_mut().root_mfa = Ok(0));
    let ahead = noon() + hours(400 * 24);
    for condition in account.memory.conditions.values_mut() {
        condition.judged_by.values_mut().for_each(|at| *at = ahead);
    }
    let resolved = account.after(hours(1), |snapshot| snapshot.summary_mut().root_mfa = Ok(1));
    let is_resolved = |alert: &Alert| alert.condition().is_some_and(|told| told.transition == Transition::Resolved);
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
