//! The life of what is found about trails, rules, schedule, and uses of root that left no trail.

use facts::record::TrailEvent;
use facts::root_activity::RootActivity;
use facts::watch::Switch;

use super::*;

const UNRECORDED: &str = "root-use-recorded";
const PATH: &str = "alert-path";

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// Root's password was used at `at`.
fn password(snapshot: &mut Snapshot, at: Timestamp) {
    snapshot.root().password_last_used = Ok(Some(at));
}

/// CloudTrail shows an act of root at `at`.
fn act(snapshot: &mut Snapshot, at: Timestamp) {
    let record = include_str!("../../../../facts/samples/records/18-root-readonly-list-buckets.json");
    let event = TrailEvent { record: Some(record.into()), ..TrailEvent::default() };
    let act = RootActivity::classify(&event, &snapshot.account, None).unwrap();
    snapshot.root_events.activity.push(RootActivity { time: Some(at), ..act });
}

/// The look-back is so long, and root's older acts are shown no more.
fn look_back(snapshot: &mut Snapshot, hours: i64) {
    let since = snapshot.taken_at - SignedDuration::from_hours(hours);
    snapshot.root_events.since = since;
    snapshot.root_events.activity.retain(|act| act.time.is_some_and(|time| time >= since));
}

/// An account in which root was used at noon and left no trail, three hours later.
fn unrecorded() -> Account {
    let mut account = Account::new();
    assert_eq!(account.run(), []);
    let alerts = account.after(hours(3), |snapshot| password(snapshot, noon()));
    let sent: Vec<_> = words(&alerts).into_iter().filter(|(_, key)| key == UNRECORDED).collect();
    assert_eq!(sent, word(Transition::Opened, UNRECORDED));
    account.except(&[Exception { control: "root-unused".into(), ..exception(None, noon() + hours(1_000)) }]);
    account.run();
    account
}

fn transitions(alerts: &[Alert]) -> Vec<Transition> {
    let sent = alerts.iter().filter_map(Alert::condition);
    sent.filter(|sent| sent.condition.key() == UNRECORDED).map(|sent| sent.transition).collect()
}

fn answered_for(resource: Option<&str>) -> Exception {
    Exception { control: UNRECORDED.into(), ..exception(resource, noon() + hours(1_000)) }
}

#[test]
fn a_use_without_a_trail_stays_open_when_it_is_too_old_to_compare_and_is_reminded_of() {
    let mut account = unrecorded();
    let alerts = account.after(hours(40), |snapshot| look_back(snapshot, 24));
    let sent = alerts.iter().find_map(Alert::condition).unwrap();
    assert_eq!((sent.transition, sent.failure.severity), (Transition::Reminder, Severity::Critical));
    assert!(sent.unverified_since.is_some());
    assert_eq!(account.open(), [UNRECORDED]);
}

#[test]
fn a_later_use_that_left_a_trail_mends_nothing() {
    let mut account = unrecorded();
    let alerts = account.after(hours(3), |snapshot| {
        password(snapshot, noon() + hours(3));
        act(snapshot, noon() + hours(3));
    });
    assert_eq!((transitions(&alerts), account.open()), (vec![], vec![UNRECORDED]));
}

#[test]
fn credentials_that_are_deleted_mend_nothing() {
    let mut account = unrecorded();
    let alerts = account.after(minutes(15), |snapshot| snapshot.root().password_last_used = Ok(None));
    assert_eq!((transitions(&alerts), account.open()), (vec![], vec![UNRECORDED]));
}

#[test]
fn its_own_trail_mends_it_however_late_it_turns_up() {
    let mut account = unrecorded();
    let alerts = account.after(minutes(15), |snapshot| act(snapshot, noon() + minutes(5)));
    assert_eq!((transitions(&alerts), account.open()), (vec![Transition::Resolved], vec![]));
}

#[test]
fn another_use_without_a_trail_is_sent_beside_the_first_and_each_must_be_explained() {
    let mut account = unrecorded();
    let alerts = account.after(hours(3), |snapshot| password(snapshot, noon() + hours(1)));
    let sent = alerts.iter().find_map(Alert::condition).unwrap();
    assert_eq!(sent.transition, Transition::Changed);
    assert_eq!(
        sent.failure.resources,
        ["password used at 2026-11-20T13:00:00Z", "password used at 2026-11-20T12:00:00Z"]
    );
    let alerts = account.after(minutes(15), |snapshot| act(snapshot, noon() + hours(1)));
    assert_eq!((transitions(&alerts), account.open()), (vec![], vec![UNRECORDED]), "the first is not explained");
}

#[test]
fn an_exception_answers_for_it_also_when_it_is_too_old_to_compare() {
    for resource in [None, Some("password used at 2026-11-20T12:00:00Z")] {
        let mut account = unrecorded();
        account.after(hours(40), |snapshot| look_back(snapshot, 24));
        account.except(&[answered_for(resource)]);
        let alerts = account.after(minutes(15), |snapshot| look_back(snapshot, 24));
        assert_eq!((transitions(&alerts), account.open()), (vec![Transition::Suppressed], vec![]), "{resource:?}");
        assert_eq!(transitions(&account.after(minutes(15), |_| {})), []);
        account.except(&[]);
        assert_eq!(transitions(&account.after(minutes(15), |snapshot| look_back(snapshot, 24))), [], "{resource:?}");
    }
}

#[test]
fn an_exception_for_one_use_does_not_answer_for_another() {
    let mut account = unrecorded();
    account.after(hours(3), |snapshot| password(snapshot, noon() + hours(1)));
    account.except(&[answered_for(Some("password used at 2026-11-20T13:00:00Z"))]);
    assert_eq!(transitions(&account.after(minutes(15), |_| {})), []);
    assert_eq!(
        account.memory.conditions[UNRECORDED].failure.as_ref().unwrap().resources,
        ["password used at 2026-11-20T12:00:00Z"]
    );
    account.except(&[
        answered_for(Some("password used at 2026-11-20T13:00:00Z")),
        answered_for(Some("password used at 2026-11-20T12:00:00Z")),
    ]);
    assert_eq!(transitions(&account.after(minutes(15), |_| {})), [Transition::Suppressed]);
}

#[test]
fn a_rule_that_is_off_opens_and_resolves_like_any_failure() {
    let mut account = Account::new();
    let turn = |snapshot: &mut Snapshot, switch| snapshot.watch.as_mut().unwrap().rules[0].state = Ok(switch);
    let alerts = account.after(QUARTER, |snapshot| turn(snapshot, Switch::Disabled));
    assert_eq!((words(&alerts), alerts[0].severity), (word(Transition::Opened, PATH), Severity::High));
    let without_trail = [PATH, "cloudtrail-trail"];
    let sent = |alerts: &[Alert], transitions: [Transition; 2]| {
        let expected: Vec<_> = transitions.into_iter().zip(without_trail.map(str::to_owned)).collect();
        assert_eq!(words(alerts), expected);
    };
    let alerts = account.after(QUARTER, |snapshot| snapshot.trails = Ok(Vec::new()));
    sent(&alerts, [Transition::Changed, Transition::Opened]);
    let alerts = account.after(QUARTER, |snapshot| {
        *snapshot = Snapshot { taken_at: snapshot.taken_at, ..Snapshot::compliant() };
    });
    sent(&alerts, [Transition::Resolved, Transition::Resolved]);
}

#[test]
fn a_missing_subscriber_is_sent_once_and_keeps_a_broken_path_open() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(false)));
    assert_eq!(words(&alerts), word(Transition::Opened, "no-subscriber"));
    let turn = |snapshot: &mut Snapshot, switch| snapshot.watch.as_mut().unwrap().schedule.state = Ok(switch);
    let alerts = account.after(QUARTER, |snapshot| turn(snapshot, Switch::Missing));
    assert_eq!(words(&alerts), word(Transition::Opened, PATH));
    assert_eq!(account.after(QUARTER, |snapshot| turn(snapshot, Switch::Enabled)), []);
    assert_eq!(account.open(), [PATH, "no-subscriber"]);
    let open = &account.memory.conditions[PATH];
    let resources = &open.failure.as_ref().unwrap().resources;
    assert_eq!(
        (resources.as_slice(), open.unverified_since),
        (["subscription".to_owned()].as_slice(), None),
        "it was seen"
    );
    let alerts = account.after(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(true)));
    assert_eq!(
        words(&alerts),
        [(Transition::Resolved, PATH.to_owned()), (Transition::Resolved, "no-subscriber".into())]
    );
}

#[test]
fn a_region_that_refuses_to_list_its_trails_is_sent_once_and_the_account_is_watched_all_the_same() {
    let mut account = Account::new();
    let refuse = |snapshot: &mut Snapshot| {
        snapshot.trails_unlisted.insert("us-east-2".into(), unavailable(Source::Trails, denied()));
    };
    let alerts = account.after(QUARTER, refuse);
    assert_eq!((words(&alerts), account.report().is_whole()), (word(Transition::Opened, "unread#trails"), true));
    assert_eq!(account.after(QUARTER, |_| {}), []);
    let alerts = account.after(QUARTER, |snapshot| snapshot.trails_unlisted.clear());
    assert_eq!(words(&alerts), word(Transition::Resolved, "unread#trails"));
}

#[test]
fn an_organizations_trail_that_is_withheld_is_sent_as_unjudged_and_one_that_times_out_as_unread() {
    let trail = |cause: Cause, is_organization| {
        let mut account = Account::new();
        let alerts = account.after(QUARTER, |snapshot| {
            snapshot.trail().is_organization = is_organization;
            snapshot.trail().status = Err(unavailable(Source::Trails, cause));
        });
        (words(&alerts), account.report().is_whole())
    };
    let unjudged = ["alert-path#unjudged", "cloudtrail-trail#unjudged"];
    let unjudged = unjudged.map(|key| (Transition::Opened, key.to_owned())).to_vec();
    assert_eq!(trail(denied(), true), (unjudged, true));
    assert_eq!(
        trail(denied(), false),
        (word(Transition::Opened, "unread#trails"), false),
        "our own role lacks a right"
    );
    assert_eq!(trail(Cause::TimedOut, true), (vec![], false), "what may pass is sent when it lasts");
}
