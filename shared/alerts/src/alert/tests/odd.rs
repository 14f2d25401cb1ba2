//! Whatever stands in the state table: a new violation is sent by the run that sees it.
//!
//! A search: every value inside of every item that checks have left behind is replaced by odd ones, one at a time.

use facts::credential_report::UserRow;
use facts::span::Span;
use facts::testing::{mutations, places};
use serde_json::{Value, json};

use super::*;

fn add_user(snapshot: &mut Snapshot, name: &str) {
    let user = UserRow { name: name.into(), mfa_active: Ok(false), ..snapshot.report_users()[0].clone() };
    snapshot.report_users().push(user);
}

fn root_without_mfa_and_with_a_key(snapshot: &mut Snapshot, is: bool) {
    snapshot.summary_mut().root_mfa = Ok((!is).into());
    snapshot.summary_mut().root_access_keys = Ok(is.into());
}

/// An account with a history: root's violations were fixed, a user has no MFA, which alice works on, and a use of root is announced.
fn lived() -> Account {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| root_without_mfa_and_with_a_key(snapshot, true));
    account.after(QUARTER, |snapshot| {
        root_without_mfa_and_with_a_key(snapshot, false);
        add_user(snapshot, "bob");
    });
    account.after(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(true)));
    let now = account.snapshot.taken_at;
    account.memory.plans.push(Plan::new(now, now + hours(1), "CHG-1", "alice", now).unwrap());
    let given = Acknowledgement::new("alice", Some("CHG-7"), 24, now).unwrap();
    account.memory.conditions.get_mut("user-mfa").unwrap().acknowledge(&given, now).unwrap();
    let settled = [(70, 60), (20, 2)].map(|(from, to)| Span { since: now - hours(from), until: now - hours(to) });
    account.memory.coverage.insert("eu-west-1".into(), Coverage { from: now - hours(70), settled: settled.into() });
    account
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// The table as `memory` is written into it.
pub(super) fn table(memory: &Memory) -> Vec<(String, String)> {
    let conditions = memory.conditions.iter().map(|(key, condition)| (format!("C#{key}"), json(condition)));
    let coverage = memory.coverage.iter().map(|(region, coverage)| (format!("W#{region}"), json(coverage)));
    let plans = memory.plans.iter().map(|plan| (format!("P#{}", plan.from), json(plan)));
    conditions.chain(coverage).chain(plans).chain([(JOURNAL.to_owned(), json(&memory.journal))]).collect()
}

pub(super) fn recall(items: &[(String, String)], now: Timestamp) -> Memory {
    let mut memory = Memory::default();
    for (key, body) in items {
        memory.take(key, body, None, now);
    }
    memory
}

/// What the next run sees: root's violations again, and one more user without MFA.
fn violated() -> (Account, Vec<(String, String)>) {
    let mut account = lived();
    let items = table(&account.memory);
    account.snapshot.taken_at += QUARTER;
    root_without_mfa_and_with_a_key(&mut account.snapshot, true);
    add_user(&mut account.snapshot, "carol");
    if let Ok(report) = &mut account.snapshot.credential_report {
        report.generated_at = account.snapshot.taken_at;
    }
    (account, items)
}

#[test]
fn no_value_inside_of_an_item_mutes_a_new_violation_or_hides_a_gap() {
    let (account, items) = violated();
    let (report, now) = (account.report(), account.snapshot.taken_at);
    let gap = Span { since: now - hours(60), until: now - hours(21) };
    let mut tried = 0;
    for number in 0..items.len() {
        for body in mutations(&items[number].1) {
            tried += 1;
            let mut mutated = items.clone();
            mutated[number].1 = body;
            let what = || format!("{}: {:.300}", mutated[number].0, mutated[number].1);
            let memory = recall(&mutated, now);
            let decision = decide(&memory, &report, &policy());
            let sent = words(&decision.alerts);
            for control in ["root-mfa", "root-access-keys", "user-mfa"] {
                let is_news = |(transition, key): &(Transition, String)| {
                    key == control && matches!(transition, Transition::Opened | Transition::Changed)
                };
                assert!(sent.iter().any(is_news), "{control}: {}", what());
            }
            if memory.odd.is_empty() {
                assert!(!sent.iter().any(|(_, key)| key == "odd-items"), "{}", what());
            } else {
                assert!(sent.contains(&(Transition::Opened, "odd-items".into())), "{}", what());
            }
            let spans = memory.coverage["eu-west-1"].spans(now, hours(24));
            let covers = |at: Timestamp| spans.iter().any(|span| span.since <= at && at < span.until);
            for at in [gap.since + SECOND, now - hours(40), gap.until - SECOND, now - hours(3), now - SECOND] {
                assert!(covers(at), "{at}: {}", what());
            }
            // What this run writes, the next one takes.
            let mut next = memory;
            next.conditions.extend(decision.conditions);
            next.journal = decision.journal;
            let written = table(&next);
            assert_eq!(recall(&written, now + QUARTER).odd, BTreeSet::new(), "{}", what());
        }
    }
    assert!(tried > 1_500, "{tried}");
}

#[test]
fn an_item_under_another_key_counts_for_nothing_and_is_named() {
    let (account, items) = violated();
    let (report, now) = (account.report(), account.snapshot.taken_at);
    let sound = recall(&items, now);
    let open = json(&Condition { open: true, ..sound.conditions["root-mfa"].clone() });
    let of = |key: &str| json(&sound.conditions[key]);
    let junk = [
        ("C#junk", open.clone()),
        ("C#", open.clone()),
        ("C#root-access-keys", of("root-mfa")),
        ("X#1", "{}".into()),
        ("H#other", "{}".into()),
        ("", "{}".into()),
        ("#", "?".into()),
        ("P#2026", json(&sound.plans[0])),
    ];
    for (key, body) in junk {
        let mut mutated = items.clone();
        mutated.retain(|(other, _)| other != key);
        mutated.push((key.into(), body));
        let memory = recall(&mutated, now);
        assert_eq!(memory.odd, BTreeSet::from([key.to_owned()]));
        let sent = words(&decide(&memory, &report, &policy()).alerts);
        for control in ["root-mfa", "root-access-keys", "odd-items"] {
            assert!(sent.contains(&(Transition::Opened, control.into())), "{key}: {sent:?}");
        }
        assert!(!sent.iter().any(|(transition, _)| *transition == Transition::Dropped), "{key}: {sent:?}");
    }
}

#[test]
fn odd_items_are_sent_once_named_up_to_a_hundred_and_resolved_when_they_are_gone() {
    let mut account = Account::new();
    account.memory.odd = (0..1_000).map(|number| format!("X#{number}\n")).collect();
    let alerts = account.run();
    let sent = alerts[0].condition().unwrap();
    assert_eq!(
        (sent.transition, &sent.condition, alerts[0].severity),
        (Transition::Opened, &Fault::OddItems, Severity::High)
    );
    assert_eq!((sent.failure.count, sent.failure.resources.len()), (1_000, 100));
    assert_eq!(sent.failure.resources[0], "X#0");
    assert_eq!(account.after(QUARTER, |_| {}), []);
    account.memory.odd.clear();
    assert_eq!(words(&account.after(QUARTER, |_| {})), word(Transition::Resolved, "odd-items"));
}

#[test]
fn a_plan_beyond_the_limits_of_an_announcement_lowers_nothing() {
    let now = noon();
    let is_taken = |from: Timestamp, to: Timestamp, announced: Option<Timestamp>| {
        let plan = Plan { from, to, ticket: "CHG-1".into(), by: "mallory".into() };
        let mut memory = Memory::default();
        memory.take(&format!("P#{from}"), &json(&plan), announced, now);
        assert_ne!(memory.odd.is_empty(), memory.plans.is_empty());
        !memory.plans.is_empty()
    };
    let days = |days: i64| hours(24 * days);
    assert!(is_taken(now - hours(4), now + hours(4), Some(now - hours(5))));
    assert!(is_taken(now - hours(4), now + hours(4), None), "one of a version that did not note it");
    assert!(!is_taken(now - days(700), now + days(760), Some(now - days(700))), "four years");
    assert!(!is_taken(now - hours(4), now + hours(5), Some(now - hours(5))), "nine hours");
    assert!(!is_taken(now + hours(1), now, None), "it ends before it begins");
    assert!(!is_taken(now - hours(4), now + hours(1), Some(now)), "announced when it had begun");
    assert!(!is_taken(now + days(31), now + days(31) + hours(1), Some(now)), "too far ahead");
    assert!(!is_taken(now + days(31), now + days(31) + hours(1), Some(Timestamp::MAX)), "announced in the future");
    assert!(!is_taken(Timestamp::MIN, Timestamp::MAX, None));
}

#[test]
fn an_alert_that_waits_is_of_this_account_and_has_a_decent_id() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| root_without_mfa_and_with_a_key(snapshot, true));
    let of = account.snapshot.account.id.clone();
    let now = account.snapshot.taken_at;
    let stored = |alert: &Alert| Alert::stored(&of, &json(alert), now);
    assert_eq!(stored(&alerts[0]).as_ref(), Some(&alerts[0]));
    let other = Account::new().snapshot.account;
    let other = facts::Account { id: AccountId::parse("999900001111").unwrap(), ..other };
    assert_eq!(stored(&Alert { account: other, ..alerts[0].clone() }), None);
    for id in ["a b".to_owned(), "x".repeat(256), "\u{202e}".into()] {
        assert_eq!(stored(&Alert { id, ..alerts[0].clone() }), None);
    }
    assert_eq!(Alert::stored(&of, "{}", now), None);
}

fn root_act(event_id: &str, time: Timestamp) -> facts::RootActivity {
    let record = include_str!("../../../../facts/samples/records/05-root-create-access-key-for-root.json");
    let event = facts::record::TrailEvent { record: Some(record.into()), ..Default::default() };
    let act = facts::RootActivity::classify(&event, &Snapshot::compliant().account, None).unwrap();
    facts::RootActivity { event_id: event_id.into(), time: Some(time), ..act }
}

/// One of every kind that a run may have left waiting.
fn waiting() -> Vec<Alert> {
    let mut account = lived();
    account.policy.digest = Rhythm::Daily;
    account.except(&[exception(None, noon())]);
    let mut waiting = account.after(hours(30), |snapshot| root_without_mfa_and_with_a_key(snapshot, true));
    let (of, now) = (account.snapshot.account.clone(), account.snapshot.taken_at);
    waiting.push(announce(&account.memory.plans[0], &of, now));
    waiting.push(of_root(
        &facts::RootActivity { planned: account.memory.plans.pop(), ..root_act("waits", now) },
        &of,
        now,
    ));
    let back = What::RootCredentialsBack { credentials: vec!["password".into()] };
    waiting.push(Alert { id: "back".into(), what: back, ..waiting[0].clone() });
    waiting.push(Alert::unreadable(&of.id, "1#x", now, "?"));
    waiting
}

#[test]
fn a_waiting_alert_that_is_larger_than_any_that_a_check_writes_is_not_taken() {
    let (waiting, now) = (waiting(), noon() + hours(31));
    let of = Snapshot::compliant().account.id;
    let is_taken = |value: &Value| Alert::stored(&of, &value.to_string(), now).is_some();
    let mut lists = 0;
    for alert in &waiting {
        let value = json!(alert);
        assert!(is_taken(&value), "{value}");
        let mut found = Vec::new();
        places(&value, "", &mut found);
        for place in found.iter().filter(|place| value.pointer(place).is_some_and(Value::is_array)) {
            let mut mutated = value.clone();
            let odd = value.pointer(place).and_then(|list| list.get(0)).cloned().unwrap_or(json!(""));
            *mutated.pointer_mut(place).unwrap() = json!(vec![odd; 1_001]);
            lists += 1;
            assert!(!is_taken(&mutated), "{place}");
        }
    }
    assert!(lists >= 5, "{lists}");
    // The count says that there are more than are named, which no check writes of so few.
    let mut value = json!(waiting.iter().find(|alert| alert.condition().is_some()).unwrap());
    *value.pointer_mut("/facts/failure/count").unwrap() = json!(99);
    assert!(!is_taken(&value));
}

#[test]
fn a_waiting_alert_of_the_future_is_not_taken() {
    let (waiting, now) = (waiting(), noon() + hours(31));
    let of = Snapshot::compliant().account.id;
    let minutes = |minutes| SignedDuration::from_mins(minutes);
    for alert in &waiting {
        let is_taken = |at| Alert::stored(&of, &json(&Alert { at, ..alert.clone() }), now).is_some();
        assert!(is_taken(now) && is_taken(now + minutes(5)) && is_taken(now - hours(10_000)));
        assert!(!is_taken(now + minutes(6)) && !is_taken(now + hours(9_000)));
    }
}

#[test]
fn a_digest_of_a_clock_that_is_ahead_is_renewed_by_the_check_that_sends_it() {
    let mut account = Account::new();
    account.policy.digest = Rhythm::Daily;
    let digest = account.after(hours(30), |_| {}).into_iter().find(|alert| alert.digest().is_some()).unwrap();
    account.after(QUARTER, |snapshot| root_without_mfa_and_with_a_key(snapshot, true));
    let (report, now) = (account.report(), account.snapshot.taken_at);
    let forged = Alert { at: now + SignedDuration::from_mins(4), ..digest };
    let renewed = crate::alert::renewed(&[forged], now, Some(&report), true).unwrap();
    assert!(renewed[0].digest().unwrap().summary.failed > 0);
}

#[test]
fn an_end_of_a_declaration_that_no_check_can_have_sent_is_sent_all_the_same() {
    let mut account = lived();
    let last = account.snapshot.taken_at;
    account.snapshot.taken_at = last + QUARTER;
    let exception =
        |until| Exception { control: "user-mfa".into(), reason: "r".into(), owner: "o".into(), until, resource: None };
    for (until, is_sent) in [(last, false), (last + SECOND, true)] {
        let mut account = Account { memory: account.memory.clone(), ..lived() };
        account.snapshot.taken_at = last + QUARTER;
        account.settings.declarations.exceptions = vec![exception(until)];
        account.memory.journal.last_run = Some(last);
        account.memory.journal.ended =
            BTreeSet::from([format!("111122223333/exception-ended/user-mfa/all/{until}"), "x".into()]);
        let memory = recall(&table(&account.memory), account.snapshot.taken_at);
        assert!(memory.odd.is_empty(), "{:?}", memory.odd);
        let alerts = decide(&memory, &account.report(), &policy()).alerts;
        let sent = alerts.iter().any(|alert| matches!(alert.what, What::ExceptionEnded(_)));
        assert_eq!(sent, is_sent, "{until}");
    }
}

#[test]
fn an_alias_that_iam_would_not_take_is_none() {
    let (account, items) = violated();
    let place = items.iter().position(|(key, _)| key == JOURNAL).unwrap();
    let taken = |alias: &str| {
        let mut items = items.clone();
        let mut journal: Value = serde_json::from_str(&items[place].1).unwrap();
        journal["alias"] = json!(alias);
        items[place].1 = journal.to_string();
        recall(&items, account.snapshot.taken_at).journal.alias
    };
    let long = "a".repeat(63);
    for alias in ["acme-prod", "a1b", "123", &long] {
        assert_eq!(taken(alias).as_deref(), Some(alias));
    }
    for alias in ["", "ab", "-acme", "acme-", "ac--me", "Acme", "ac me", "evil.example", "ac_me", &"a".repeat(64)] {
        assert_eq!(taken(alias), None, "{alias}");
    }
}

#[test]
fn more_plans_than_anybody_announces_are_left_out_and_named() {
    let now = noon();
    let mut memory = Memory::default();
    for number in 0..700 {
        let from = now + SignedDuration::from_secs(number);
        let plan = Plan::new(from, from + hours(1), "CHG-1", "mallory", now).unwrap();
        memory.take(&format!("P#{from}"), &json(&plan), Some(now), now);
    }
    assert_eq!((memory.plans.len(), memory.odd.len()), (200, 500));
}

#[test]
fn a_condition_with_a_time_more_than_two_days_ahead_counts_for_nothing() {
    type Change = dyn Fn(&mut Value, Timestamp);
    let (_, items) = violated();
    let now = noon();
    let (key, body) = items.iter().find(|(key, _)| key == "C#root-mfa").unwrap();
    let is_taken = |change: &Change, ahead: i64| {
        let mut condition: Value = serde_json::from_str(body).unwrap();
        change(&mut condition, now + hours(ahead));
        Memory::default().take(key, &condition.to_string(), None, now)
    };
    let fields: [&Change; 5] = [
        &|condition, at| condition["opened_at"] = json!(at),
        &|condition, at| condition["told_at"] = json!(at),
        &|condition, at| condition["unverified_since"] = json!(at),
        &|condition, at| condition["openings"] = json!([at]),
        &|condition, at| condition["judged_by"] = json!({"account_summary": at}),
    ];
    for change in fields {
        assert!(is_taken(change, 48) && !is_taken(change, 49));
    }
}

/// What a version stored that called the control and the transition otherwise.
fn renamed(text: &str) -> String {
    text.replace("root-credentials-attested", "root-credentials-statements").replace("suppressed", "silenced")
}

#[test]
fn a_condition_stored_under_an_earlier_id_of_its_control_stays_open_and_yields_to_the_one_of_today() {
    let mut account = Account::new();
    account.settings.declarations.attestations.clear();
    account.after(QUARTER, |_| {});
    let key = "root-credentials-attested";
    let now = account.snapshot.taken_at;
    let today = table(&account.memory).into_iter().find(|(name, _)| name.ends_with(key)).unwrap();
    let before = (renamed(&today.0), renamed(&today.1));
    assert_ne!(before, today);
    let reopened = today.1.replace("\"episode\":1", "\"episode\":7");
    assert_ne!(reopened, today.1);
    let newer = (today.0.clone(), reopened);
    let of = |items: &[(String, String)]| {
        let memory = recall(items, now);
        assert!(memory.odd.is_empty(), "{:?}", memory.odd);
        memory.conditions[key].clone()
    };
    assert_eq!(of(std::slice::from_ref(&before)), account.memory.conditions[key]);
    assert_eq!(of(&[before.clone(), newer.clone()]).episode, 7);
    assert_eq!(of(&[newer, before]).episode, 7);
    assert_eq!(serde_json::from_value::<Transition>(json!("silenced")).unwrap(), Transition::Suppressed);
}

#[test]
fn the_end_of_a_declaration_under_an_earlier_id_of_its_control_is_remembered() {
    let id = |control: &str| format!("111122223333/exception-ended/{control}/all/2026-11-19T00:00:00Z");
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let journal =
        Journal { last_run: Some(now), ended: [id("root-credentials-statements")].into(), ..Journal::default() };
    let mut memory = Memory::default();
    assert!(memory.take(JOURNAL, &json(&journal), None, now));
    assert_eq!(memory.journal.ended, [id("root-credentials-attested")].into());
}

#[test]
fn a_journal_of_another_schema_counts_and_is_odd_and_one_that_names_none_is_of_0_1_0() {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let journal =
        |schema: Option<&str>| Journal { last_run: Some(now), schema: schema.map(str::to_owned), ..Journal::default() };
    for (schema, is_ours) in
        [(None, true), (Some(super::SCHEMA), true), (Some("rootwatch.state/2"), false), (Some(""), false)]
    {
        let mut memory = Memory::default();
        assert_eq!(memory.take(JOURNAL, &json(&journal(schema)), None, now), is_ours, "{schema:?}");
        assert_eq!((memory.journal.last_run, memory.odd.len()), (Some(now), usize::from(!is_ours)), "{schema:?}");
    }
    let mut memory = Memory::default();
    let long = "x".repeat(10_000);
    assert!(!memory.take(JOURNAL, &json(&journal(Some(&long))), None, now));
    assert_eq!(memory.journal, Journal::default(), "what no version writes counts for nothing");
}
