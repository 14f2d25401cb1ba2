//! Acknowledging stops reminders, and nothing else.

use proptest::prelude::*;

use super::histories::{Truth, ends, truth};
use super::odd::{json, recall, table};
use super::*;

const KEY: &str = "root-access-keys";
const ID: &str = "111122223333/root-access-keys/1";

fn given(hours: u16, from: Timestamp) -> Acknowledgement {
    Acknowledgement::new("alice", Some("CHG-7"), hours, from).unwrap()
}

fn asked(alert: &str, hours: u16, now: Timestamp) -> Acknowledge {
    Acknowledge::new(alert, given(hours, now)).unwrap()
}

impl Life {
    /// Open since noon, and acknowledged at noon for so many hours.
    fn acknowledged(severity: Severity, hours: u16) -> Self {
        let mut life = Self::open(severity);
        life.acknowledge(noon(), hours);
        life
    }

    fn acknowledge(&mut self, now: Timestamp, hours: u16) {
        let sent = self.0.as_mut().unwrap().acknowledge(&given(hours, now), now).unwrap();
        assert_eq!((sent.transition, sent.acknowledged), (Transition::Acknowledged, Some(given(hours, now))));
    }

    fn acknowledgement(&self) -> Option<&Acknowledgement> {
        self.0.as_ref().and_then(|condition| condition.acknowledged.as_ref())
    }
}

#[test]
fn no_reminder_comes_until_the_acknowledgement_ends_and_then_one_at_once() {
    for severity in [Severity::Critical, Severity::Medium, Severity::Low] {
        let mut life = Life::acknowledged(severity, 168);
        for hour in 1..168 {
            assert_eq!(life.see(noon() + hours(hour), failing(severity)), None, "{severity}, hour {hour}");
        }
        assert_eq!(life.see(noon() + hours(168) - SECOND, failing(severity)), None);
        let end = noon() + hours(168);
        let sent = life.look(end, end, failing(severity)).unwrap();
        assert_eq!((sent.transition, sent.acknowledged), (Transition::Reminder, None));
        assert_eq!(life.see(end + hours(4) - SECOND, failing(severity)), None, "the usual period from then on");
    }
}

#[test]
fn an_acknowledgement_shorter_than_the_period_still_ends_with_a_reminder() {
    let mut life = Life::acknowledged(Severity::Medium, 1);
    assert_eq!(life.see(noon() + hours(1), failing(Severity::Medium)), Some(Transition::Reminder));
}

#[test]
fn what_gets_worse_alerts_all_the_same_and_ends_the_acknowledgement() {
    let mut life = Life::acknowledged(Severity::High, 168);
    let worse = noon() + QUARTER;
    let sent = life.look(worse, worse, failing(Severity::Critical)).unwrap();
    assert_eq!((sent.transition, sent.acknowledged), (Transition::Changed, None));
    assert_eq!(life.see(worse + hours(4), failing(Severity::Critical)), Some(Transition::Reminder));
}

#[test]
fn what_ends_the_condition_ends_the_acknowledgement_and_a_new_episode_has_none() {
    let suppressed = Seen::Suppressed(failure(Severity::Critical, &[]), exception(None, noon() + hours(2)));
    for (seen, transition) in [
        (Seen::Passing, Transition::Resolved),
        (Seen::Dropped, Transition::Dropped),
        (suppressed, Transition::Suppressed),
    ] {
        let mut life = Life::acknowledged(Severity::Critical, 168);
        let sent = life.look(noon() + QUARTER, noon() + QUARTER, seen).unwrap();
        assert_eq!((sent.transition, sent.acknowledged), (transition, None));
        assert_eq!(life.acknowledgement(), None);
        assert_eq!(life.see(noon() + hours(1), failing(Severity::Critical)), Some(Transition::Opened));
        assert_eq!(life.see(noon() + hours(5), failing(Severity::Critical)), Some(Transition::Reminder));
    }
}

#[test]
fn unknown_neither_ends_an_acknowledgement_nor_prolongs_it() {
    let mut life = Life::acknowledged(Severity::Critical, 24);
    assert_eq!(life.see(noon() + hours(12), Seen::Unknown), None);
    assert!(life.acknowledgement().is_some());
    let end = noon() + hours(24);
    let sent = life.look(end, end, Seen::Unknown).unwrap();
    assert_eq!((sent.transition, sent.unverified_since), (Transition::Reminder, Some(noon() + hours(12))));
}

#[test]
fn acknowledging_again_replaces_the_acknowledgement() {
    let mut life = Life::acknowledged(Severity::Critical, 168);
    life.acknowledge(noon() + QUARTER, 1);
    assert_eq!(life.see(noon() + hours(1), failing(Severity::Critical)), None);
    assert_eq!(life.see(noon() + QUARTER + hours(1), failing(Severity::Critical)), Some(Transition::Reminder));
}

#[test]
fn an_acknowledgement_of_the_future_stops_no_reminder() {
    for (ahead, reminder) in [(5, None), (6, Some(Transition::Reminder))] {
        let mut life = Life::open(Severity::Critical);
        life.acknowledge(noon() + SignedDuration::from_mins(ahead), 168);
        assert_eq!(life.see(noon(), failing(Severity::Critical)), reminder, "{ahead} minutes");
    }
    let mut life = Life::open(Severity::Critical);
    life.0.as_mut().unwrap().acknowledged = Some(Acknowledgement { until: Timestamp::MAX, ..given(1, noon()) });
    assert_eq!(life.see(noon() + QUARTER, failing(Severity::Critical)), Some(Transition::Reminder), "of no length");
}

#[test]
fn an_acknowledgement_lasts_1_to_168_hours_and_names_a_person_in_bounded_text() {
    let new = |by: &str, hours| Acknowledgement::new(by, Some(" \n"), hours, noon());
    assert_eq!(new("alice", 0), Err(AcknowledgeError::Hours(0)));
    assert_eq!(new("alice", 169), Err(AcknowledgeError::Hours(169)));
    assert_eq!(new(" \u{202e}", 1), Err(AcknowledgeError::Nameless));
    let long = new(&"x".repeat(10_000), 168).unwrap();
    assert_eq!((long.by.chars().count(), long.note, long.until), (200, None, noon() + hours(168)));
    for alert in ["", "  ", &"x".repeat(256)] {
        assert_eq!(Acknowledge::new(alert, given(1, noon())), Err(AcknowledgeError::NoAlert), "{alert}");
    }
    assert_eq!(asked(&format!(" {ID}\n"), 1, noon()).alert, ID);
}

/// An account whose root has an access key: one open condition.
fn with_a_key() -> Account {
    let mut account = Account::new();
    account.run();
    let alerts = account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(true));
    assert_eq!(words(&alerts), word(Transition::Opened, KEY));
    account
}

fn acknowledge(account: &mut Account, asked: &Acknowledge) -> (Vec<Alert>, Result<(), NotAcknowledged>) {
    let decision = decide_with(&account.memory, &account.report(), &account.policy, Some(asked));
    account.memory.conditions.extend(decision.conditions);
    account.memory.journal = decision.journal;
    (decision.alerts, decision.acknowledged.unwrap())
}

/// Moves the clock, with a credential report that is as young.
fn pass(account: &mut Account, time: SignedDuration) -> Timestamp {
    account.snapshot.taken_at += time;
    account.snapshot.credential_report.as_mut().unwrap().generated_at += time;
    account.snapshot.taken_at
}

#[test]
fn acknowledging_sends_one_alert_with_the_id_of_the_alert_and_deciding_again_sends_none() {
    let mut account = with_a_key();
    let now = pass(&mut account, hours(30));
    let asked = asked(ID, 24, now);
    let (alerts, result) = acknowledge(&mut account, &asked);
    assert_eq!(result, Ok(()));
    assert_eq!(words(&alerts), word(Transition::Acknowledged, KEY), "in place of the reminder that was due");
    let sent = alerts[0].condition().unwrap();
    assert_eq!((alerts[0].id.as_str(), alerts[0].severity), (ID, Severity::Low));
    assert_eq!((sent.acknowledged.as_ref(), &sent.condition), (Some(&asked.acknowledgement), &fault()));
    let in_force = || acknowledged(&account.memory.conditions, &account.snapshot.account.id, now);
    assert_eq!(in_force().len(), 1);
    assert_eq!((in_force()[0].alert.as_str(), &in_force()[0].acknowledgement), (ID, &asked.acknowledgement));
    let remembered = account.memory.clone();
    assert_eq!(acknowledge(&mut account, &asked), (vec![], Ok(())), "the same run, after another one wrote");
    assert_eq!(account.memory, remembered);
    let ended = acknowledged(&account.memory.conditions, &account.snapshot.account.id, now + hours(24));
    assert_eq!(ended, []);
}

#[test]
fn the_digest_names_who_acknowledged_until_the_end() {
    let mut account = with_a_key();
    account.policy.digest = Rhythm::Daily;
    let now = pass(&mut account, hours(24));
    let (alerts, _) = acknowledge(&mut account, &asked(ID, 48, now));
    let digest = |alerts: &[Alert]| alerts.iter().find_map(|alert| alert.digest().cloned()).unwrap();
    assert_eq!(digest(&alerts).open[0].acknowledged, Some(given(48, now)), "of the same check");
    pass(&mut account, hours(24));
    let alerts = account.run();
    assert_eq!(digest(&alerts).open[0].acknowledged, Some(given(48, now)));
    let late = |at| renewed(&alerts, at, None, true).unwrap();
    assert!(digest(&late(now + hours(48) - SECOND)).open[0].acknowledged.is_some());
    assert!(digest(&late(now + hours(48))).open[0].acknowledged.is_none(), "it ended before the digest was sent");
}

#[test]
fn what_cannot_be_acknowledged_is_refused_with_the_reason_and_the_open_alerts() {
    let mut account = with_a_key();
    let now = pass(&mut account, QUARTER);
    let expected = decide(&account.memory, &account.report(), &account.policy).conditions;
    for (alert, reason) in [
        ("999900001111/root-access-keys/1", "it belongs to another account"),
        ("111122223333/root/00000000-0000-4000-8000-000000000002", "it is about an event: it is sent once"),
        ("111122223333/tampering/00000000-0000-4000-8000-000000000002", "it is about an event"),
        ("111122223333/digest/2026-11-20T12:00:00Z", "it is about an event"),
        ("111122223333/root-access-keys/2", "no alert has this id"),
        ("111122223333/root-access-keys/0", "no alert has this id"),
        ("111122223333/root-access-keys", "no alert has this id"),
        ("111122223333/root-mfa/1", "no alert has this id"),
        ("root-access-keys/1", "no alert has this id"),
        ("root-access-keys", "no alert has this id"),
        ("\u{202e}<x>", "no alert has this id"),
    ] {
        let (alerts, result) = acknowledge(&mut account, &asked(alert, 24, now));
        let error = result.unwrap_err().to_string();
        assert!(error.contains(reason) && error.ends_with(&format!("Open alerts: {ID}")), "{alert}: {error}");
        assert!(!error.contains('\u{202e}'), "{error}");
        assert_eq!(alerts, [], "{alert}");
    }
    assert_eq!(account.memory.conditions, expected, "the check is recorded all the same");
    account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    let error = acknowledge(&mut account, &asked(ID, 24, now)).1.unwrap_err().to_string();
    assert_eq!(error, format!("`{ID}` was not acknowledged: it is not open any more. No alert is open"));
}

#[test]
fn an_acknowledgement_does_not_cover_what_the_same_check_finds() {
    let mut account = with_a_key();
    pass(&mut account, QUARTER);
    account.snapshot.root().access_keys[1].active = Ok(true);
    let request = asked(ID, 24, account.snapshot.taken_at);
    let (alerts, result) = acknowledge(&mut account, &request);
    assert_eq!(result.unwrap_err().reason, Reason::Worse);
    assert_eq!(words(&alerts), word(Transition::Changed, KEY));
    assert_eq!(account.memory.conditions[KEY].acknowledged, None);
    account.snapshot.root().access_keys.iter_mut().for_each(|key| key.active = Ok(false));
    pass(&mut account, QUARTER);
    let (alerts, result) = acknowledge(&mut account, &request);
    assert_eq!(result.unwrap_err().reason, Reason::NotOpen);
    assert_eq!(words(&alerts), word(Transition::Resolved, KEY));
}

#[test]
fn a_refusal_lists_ten_open_alerts_and_counts_the_others() {
    let mut account = with_a_key();
    let open = account.memory.conditions[KEY].clone();
    for number in 10..35 {
        let region = format!("xx-test-{number}");
        let fault = Fault::Unread { source: Source::RootEvents, region: Some(region) };
        account.memory.conditions.insert(fault.key(), Condition { fault: Some(fault), ..open.clone() });
    }
    account.snapshot.regions = Err(unavailable(Source::Regions, denied()));
    let refused = acknowledge(&mut account, &asked("x", 1, noon())).1.unwrap_err();
    assert_eq!(refused.open.len(), 10);
    assert!(refused.to_string().ends_with(&format!(", and {} more", account.open().len() - 10)), "{refused}");
    let id = "111122223333/unread/root_events/xx-test-17/1";
    let now = account.snapshot.taken_at;
    assert_eq!(acknowledge(&mut account, &asked(id, 1, now)).1, Ok(()), "an id with more than one part");
}

const READ_ERRORS: &str = "111122223333/unread";

#[test]
fn one_acknowledgement_covers_all_open_read_errors_and_neither_a_finding_nor_a_later_read_error() {
    let mut account = with_a_key();
    let error = acknowledge(&mut account, &asked(READ_ERRORS, 24, noon())).1.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{READ_ERRORS}` was not acknowledged: no read error is open. Open alerts: {ID}")
    );
    account.after(QUARTER, |snapshot| {
        snapshot.account_summary = Err(unavailable(Source::AccountSummary, denied()));
        snapshot.regions = Err(unavailable(Source::Regions, denied()));
    });

    let now = pass(&mut account, QUARTER);
    account.snapshot.password_policy = Err(unavailable(Source::PasswordPolicy, denied()));
    let request = asked(READ_ERRORS, 168, now);
    let (alerts, result) = acknowledge(&mut account, &request);
    assert_eq!(result, Ok(()));
    let sent = words(&alerts);
    for (transition, key) in [
        (Transition::Opened, "unread#password_policy"),
        (Transition::Acknowledged, "unread#account_summary"),
        (Transition::Acknowledged, "unread#regions"),
    ] {
        assert!(sent.contains(&(transition, key.to_owned())), "{key}: {sent:?}");
    }
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_eq!(account.memory.conditions[KEY].acknowledged, None);
    assert_eq!(account.memory.conditions["unread#password_policy"].acknowledged, None, "nobody has read of it yet");
    let ids: Vec<String> = acknowledged(&account.memory.conditions, &account.snapshot.account.id, now)
        .into_iter()
        .map(|given| given.alert)
        .collect();
    assert!(ids.iter().all(|id| request.means(id)) && ids.len() == 2, "{ids:?}");
    assert!(
        !request.means(ID) && !request.means("111122223333/unreadable/1") && !request.means("999900001111/unread/x/1")
    );
    assert!(!asked("111122223333", 1, now).means(ID), "no other id stands for several alerts");

    pass(&mut account, hours(30));
    let reminded = words(&account.run());
    assert!(reminded.contains(&(Transition::Reminder, "unread#password_policy".to_owned())), "{reminded:?}");
    assert!(
        !reminded.iter().any(|(_, key)| key == "unread#regions" || key == "unread#account_summary"),
        "{reminded:?}"
    );
}

#[test]
fn read_errors_that_are_all_new_or_worse_in_the_same_check_are_not_acknowledged() {
    let mut account = Account::new();
    account.run();
    let now = pass(&mut account, QUARTER);
    account.snapshot.regions = Err(unavailable(Source::Regions, denied()));
    let (alerts, result) = acknowledge(&mut account, &asked(READ_ERRORS, 24, now));
    assert_eq!(
        (result.unwrap_err().reason, words(&alerts)),
        (Reason::Worse, word(Transition::Opened, "unread#regions"))
    );
}

#[test]
fn an_acknowledgement_that_no_check_writes_makes_its_item_odd() {
    let account = with_a_key();
    let now = account.snapshot.taken_at;
    let is_taken = |change: &dyn Fn(&mut Acknowledgement)| {
        let mut condition = account.memory.conditions[KEY].clone();
        let mut forged = given(168, now);
        change(&mut forged);
        condition.acknowledged = Some(forged);
        let memory = recall(&[(format!("C#{KEY}"), json(&condition))], now);
        assert_eq!(memory.conditions.is_empty(), !memory.odd.is_empty());
        memory.odd.is_empty()
    };
    assert!(is_taken(&|_| {}));
    assert!(is_taken(&|given| given.note = None));
    assert!(!is_taken(&|given| given.until += SECOND), "longer than a week");
    assert!(!is_taken(&|given| given.until = given.from), "of no length");
    assert!(!is_taken(&|given| given.from = Timestamp::MIN), "longer than all time");
    assert!(!is_taken(&|given| (given.from, given.until) = (now + hours(49), now + hours(50))), "of the future");
    assert!(!is_taken(&|given| given.by = "x".repeat(201)), "unbounded");
    assert!(!is_taken(&|given| given.by.clear()), "by nobody");
    assert!(!is_taken(&|given| given.by = "al\u{202e}ice".into()));
    assert!(!is_taken(&|given| given.note = Some("x".repeat(201))));
    assert!(!is_taken(&|given| given.note = Some("\n".into())));
}

#[test]
fn a_waiting_alert_with_an_acknowledgement_that_no_check_writes_is_not_taken() {
    let mut account = with_a_key();
    account.policy.digest = Rhythm::Daily;
    let now = pass(&mut account, hours(24));
    let (alerts, _) = acknowledge(&mut account, &asked(ID, 24, now));
    let of = account.snapshot.account.id;
    let is_taken = |alert: &Alert| Alert::stored(&of, &json(alert), now).is_some();
    let named: Vec<&Alert> = alerts.iter().filter(|alert| json(alert).contains("alice")).collect();
    assert_eq!(named.len(), 2, "the acknowledgement and the digest");
    for alert in named {
        assert!(is_taken(alert));
        let forged = json(alert).replace("\"alice\"", &format!("{:?}", "x".repeat(201)));
        assert_ne!(forged, json(alert));
        assert_eq!(Alert::stored(&of, &forged, now), None);
    }
}

fn period(severity: Severity) -> SignedDuration {
    match severity {
        Severity::Critical => hours(4),
        Severity::High | Severity::Medium => hours(24),
        Severity::Low | Severity::Informational => hours(7 * 24),
    }
}

/// Without what an acknowledgement may change.
fn core(memory: &Memory) -> BTreeMap<String, Condition> {
    let core = |condition: &Condition| Condition { acknowledged: None, sent_at: None, ..condition.clone() };
    memory.conditions.iter().map(|(key, condition)| (key.clone(), core(condition))).collect()
}

/// All that is sent but reminders and acknowledgements.
fn news(alerts: &[Alert]) -> BTreeSet<(String, Option<String>)> {
    let is_news = |alert: &&Alert| {
        alert.condition().is_none_or(|sent| !matches!(sent.transition, Transition::Reminder | Transition::Acknowledged))
    };
    let transition = |alert: &Alert| alert.condition().map(|sent| format!("{:?}", sent.transition));
    alerts.iter().filter(is_news).map(|alert| (alert.id.clone(), transition(alert))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn acknowledgements_mute_reminders_until_they_end_and_nothing_else(
        runs in prop::collection::vec(
            (truth(), prop::option::weighted(0.4, (any::<prop::sample::Index>(), 1u16..=168))),
            1..30,
        ),
    ) {
        let (mut plain, mut account) = (Account::new(), Account::new());
        let mut until: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut last_word: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (truth, wanted) in runs {
            let truth: Truth = truth;
            truth.apply(&mut plain);
            truth.apply(&mut account);
            let (report, now) = (account.report(), account.snapshot.taken_at);
            let expected = plain.decide(&plain.report());
            let id_of = |key: &str, condition: &Condition| {
                format!("111122223333/{}/{}", key.replace('#', "/"), condition.episode)
            };
            let open: Vec<String> = account.open().into_iter().map(|key| id_of(key, &account.memory.conditions[key])).collect();
            let request = wanted.filter(|_| !open.is_empty()).map(|(index, hours)| asked(index.get::<String>(&open), hours, now));
            let decision = decide_with(&account.memory, &report, &account.policy, request.as_ref());
            let alerts = decision.alerts;
            account.memory.conditions.extend(decision.conditions);
            account.memory.journal = decision.journal;

            prop_assert_eq!(news(&alerts), news(&expected));
            prop_assert_eq!(core(&account.memory), core(&plain.memory));

            let mut spoken = BTreeMap::new();
            for alert in &alerts {
                let Some(sent) = alert.condition() else { continue };
                let key = sent.condition.key();
                prop_assert!(spoken.insert(key.clone(), sent.transition).is_none(), "{key} twice in one run");
                let in_force = until.get(&key).is_some_and(|until| now < *until);
                prop_assert!(sent.transition != Transition::Reminder || !in_force, "{key} reminds all the same");
            }
            for key in account.open() {
                let has_ended = until.get(key).is_some_and(|until| now >= *until);
                prop_assert!(!has_ended || spoken.contains_key(key), "{key} is silent after the end");
            }
            for (key, transition) in &spoken {
                last_word.insert(key.clone(), now);
                match transition {
                    Transition::Acknowledged => {
                        let hours = request.as_ref().unwrap().acknowledgement.until;
                        until.insert(key.clone(), hours);
                    }
                    Transition::Reminder | Transition::Changed | Transition::Opened => drop(until.remove(key)),
                    transition => { prop_assert!(ends(*transition)); until.remove(key); }
                }
            }
            for key in account.open() {
                let severity = account.memory.conditions[key].failure.as_ref().unwrap().severity;
                let is_due = now.duration_since(last_word[key]) >= period(severity);
                prop_assert!(!is_due || until.contains_key(key), "{key} is silent");
                let in_force = account.memory.conditions[key].acknowledged.as_ref().map(|given| given.until);
                prop_assert_eq!(in_force, until.get(key).copied(), "{}", key);
            }
            if let (Some(request), Some(result)) = (&request, &decision.acknowledged) {
                let sent = alerts.iter().find(|alert| alert.id == request.alert).and_then(Alert::condition);
                let transition = sent.map(|sent| sent.transition);
                match result {
                    Ok(()) => prop_assert_eq!(transition, Some(Transition::Acknowledged)),
                    Err(refused) if refused.reason == Reason::Worse => {
                        prop_assert_eq!(transition, Some(Transition::Changed));
                    }
                    Err(refused) => {
                        prop_assert_eq!(refused.reason, Reason::NotOpen);
                        prop_assert!(transition.is_some_and(ends));
                    }
                }
            }

            let written = recall(&table(&account.memory), now);
            prop_assert_eq!(&written.conditions, &account.memory.conditions, "the next check takes what this one writes");
            let again = decide_with(&account.memory, &report, &account.policy, request.as_ref().filter(|_| decision.acknowledged == Some(Ok(()))));
            prop_assert_eq!(again.alerts, vec![], "deciding again");
            prop_assert_eq!(again.conditions, BTreeMap::new());
        }
    }
}
