use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alerts::{JOURNAL, What};
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use facts::record::TrailEvent;
use facts::{Account, Partition, RootActivity, Severity};

use super::*;

const NOW: &str = "2026-11-20T10:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn other() -> AccountId {
    AccountId::parse("444455556666").unwrap()
}

fn ledger(rules: &[&Rule]) -> Ledger {
    Ledger::over(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), "t", &account())
}

fn act(id: &str) -> Alert {
    let record = include_str!("../../../../facts/samples/records/18-root-readonly-list-buckets.json");
    let account = Account { id: account(), alias: None, partition: Partition::Aws };
    let event = TrailEvent { record: Some(record.into()), ..TrailEvent::default() };
    let act = RootActivity { event_id: id.into(), ..RootActivity::classify(&event, &account, None).unwrap() };
    let what = What::RootActivity(Box::new(act));
    Alert { id: format!("111122223333/root/{id}"), at: now(), severity: facts::Severity::Low, account, what }
}

fn cancelled(codes: &[&str]) -> TransactWriteItemsError {
    let reason = |code: &&str| CancellationReason::builder().code(*code).build();
    let reasons = codes.iter().map(reason).collect();
    TransactWriteItemsError::TransactionCanceledException(
        TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).build(),
    )
}

fn journal() -> Vec<Vec<Entry>> {
    vec![vec![Entry::Journal(Journal::default())]]
}

#[tokio::test]
async fn st_11_a_write_over_another_runs_is_a_conflict_and_not_tried_again() {
    let rule = mock!(Client::transact_write_items).then_error(|| cancelled(&["ConditionalCheckFailed", "None"]));
    let mut recalled = Recalled::default();
    let recorded = ledger(&[&rule]).record(&mut recalled, journal()).await;
    assert_eq!((recorded, rule.num_calls()), (Ok(Recorded::Conflict), 1));
    assert!(recalled.versions.is_empty(), "nothing is remembered of it");
}

#[tokio::test(start_paused = true)]
async fn st_11_what_passes_is_tried_five_times_and_then_an_error() {
    for code in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
        let rule = mock!(Client::transact_write_items).then_error(|| cancelled(&["None", code]));
        let error = ledger(&[&rule]).record(&mut Recalled::default(), journal()).await.unwrap_err();
        assert_eq!((error.cause, rule.num_calls()), (Cause::Throttled { code: code.into() }, 5));
    }
}

#[tokio::test]
async fn a_transaction_that_can_never_be_written_is_not_tried_again() {
    let rule = mock!(Client::transact_write_items).then_error(|| cancelled(&["ValidationError"]));
    let error = ledger(&[&rule]).record(&mut Recalled::default(), journal()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "dynamodb:TransactWriteItems on table t failed (ValidationError)",
        "operation, object and cause"
    );
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn a_second_write_names_the_first_ones_version() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let conditions = Arc::clone(&seen);
    let rule = mock!(Client::transact_write_items).then_compute_output(move |request| {
        let put = request.transact_items()[0].put().unwrap();
        let version = put.expression_attribute_values().and_then(|values| values.get(":seen")).cloned();
        conditions.lock().unwrap().push((
            put.condition_expression().unwrap().to_owned(),
            version,
            put.item()["v"].clone(),
        ));
        TransactWriteItemsOutput::builder().build()
    });
    let (ledger, mut recalled) = (ledger(&[&rule]), Recalled::default());
    for _ in 0..2 {
        assert_eq!(ledger.record(&mut recalled, journal()).await, Ok(Recorded::Written));
    }
    let number = |number: &str| AttributeValue::N(number.into());
    assert_eq!(
        *seen.lock().unwrap(),
        [
            ("attribute_not_exists(v)".to_owned(), None, number("1")),
            ("v = :seen".to_owned(), Some(number("1")), number("2"))
        ]
    );
}

#[test]
fn a_version_that_is_no_count_is_overwritten_on_condition_of_itself_and_counting_begins_again() {
    let ledger = ledger(&[]);
    let number = |number: &str| AttributeValue::N(number.into());
    for (odd, next) in [
        (number("-1"), "1"),
        (number("1.5"), "1"),
        (number("18446744073709551615"), "1"),
        (number("7"), "8"),
        (AttributeValue::S("7".into()), "1"),
        (AttributeValue::Null(true), "1"),
        (AttributeValue::M(HashMap::new()), "1"),
    ] {
        let mut recalled = Recalled::default();
        recalled.versions.insert(JOURNAL.into(), odd.clone());
        let write = ledger.write(&recalled, &Entry::Journal(Journal::default())).unwrap();
        let put = write.put.unwrap();
        assert_eq!(put.condition_expression(), Some("v = :seen"));
        assert_eq!(put.expression_attribute_values().unwrap()[":seen"], odd);
        assert_eq!(put.item()["v"], number(next));
        recalled.remember(Entry::Journal(Journal::default()));
        assert_eq!(recalled.versions[JOURNAL], number(next));
    }
}

#[tokio::test]
async fn an_event_that_is_kept_longer_than_any_or_by_no_time_counts_as_unseen() {
    let ends = |days: i64| (now() + SignedDuration::from_hours(24 * days)).as_second().to_string();
    let number = AttributeValue::N;
    for (ttl, is_seen) in [
        (Some(number(ends(120))), true),
        (Some(number(ends(121))), true),
        (Some(number(ends(123))), false),
        (Some(number(format!("{}.5", ends(1)))), true),
        (Some(number("9.9E+100".into())), false),
        (Some(number("-1".into())), false),
        (Some(AttributeValue::S(ends(1))), false),
        (None, false),
    ] {
        let mut item = event("1", 0);
        item.remove("ttl");
        item.extend(ttl.clone().map(|ttl| ("ttl".to_owned(), ttl)));
        let rule = mock!(Client::batch_get_item)
            .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build());
        let unseen = ledger(&[&rule]).unseen(&[act("1")], now()).await.map(|unseen| unseen.len());
        assert_eq!(unseen, Ok(usize::from(!is_seen)), "{ttl:?}");
    }
}

#[test]
fn a_group_is_never_torn_apart_and_a_transaction_has_at_most_100_writes() {
    let group = |size| (0..size).map(|_| Entry::Journal(Journal::default())).collect::<Vec<_>>();
    let sizes = |groups: &[usize]| {
        packed(groups.iter().map(|size| group(*size)).collect()).iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&[50, 50]), [100]);
    assert_eq!(sizes(&[50, 51]), [50, 51]);
    assert_eq!(sizes(&[0, 1, 0]), [1]);
    assert_eq!(sizes(&[99, 1, 1, 2]), [100, 3]);
}

#[tokio::test]
async fn an_act_that_cloudtrail_completed_is_sent_again_only_if_that_makes_it_worse() {
    let sent = |severity: Option<AttributeValue>| {
        let severity = severity.map(|severity| ("severity".to_owned(), severity));
        let item = HashMap::from([
            ("sk".to_owned(), AttributeValue::S("1".into())),
            ("ttl".to_owned(), seconds(later(now(), KEPT))),
        ]);
        let item = item.into_iter().chain(severity);
        let item: Item = item.collect();
        mock!(Client::batch_get_item)
            .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build())
    };
    let number = |severity: Severity| AttributeValue::N((severity as u8).to_string());
    let alert = |severity, completed: bool| {
        let mut alert = Alert { severity, ..act("1") };
        if let What::RootActivity(act) = &mut alert.what {
            act.completed = completed.then(|| "responseElements".into());
        }
        alert
    };
    for (before, now_it_is, completed, is_sent) in [
        (Some(number(Severity::Medium)), Severity::Critical, true, true),
        (Some(number(Severity::Critical)), Severity::Critical, true, false),
        (Some(number(Severity::Critical)), Severity::Medium, true, false),
        (Some(number(Severity::Low)), Severity::Critical, false, false),
        (Some(AttributeValue::S("99".into())), Severity::Low, true, true),
        (None, Severity::Low, true, true),
    ] {
        let rule = sent(before.clone());
        let alerts = [alert(now_it_is, completed)];
        let unseen = ledger(&[&rule]).unseen(&alerts, now()).await.unwrap();
        assert_eq!(unseen.len() == 1, is_sent, "{before:?} {now_it_is:?} {completed}");
    }
}

#[tokio::test(start_paused = true)]
async fn acts_that_another_run_wrote_first_are_its_and_the_others_are_written() {
    let calls = AtomicUsize::new(0);
    let rule = mock!(Client::transact_write_items)
        .sequence()
        .error(|| cancelled(&["None", "None", "ConditionalCheckFailed", "None"]))
        .output(move || {
            calls.fetch_add(1, Ordering::Relaxed);
            TransactWriteItemsOutput::builder().build()
        })
        .build();
    let acts = [act("1"), act("2")];
    let later = Instant::now() + Duration::from_secs(60);
    let recorded = ledger(&[&rule]).record_acts(&acts.iter().collect::<Vec<_>>(), now(), later).await;
    assert_eq!((recorded, rule.num_calls()), (Ok(Acts { new: 1, left: 0 }), 2));
}

#[tokio::test(start_paused = true)]
async fn ct_6_ten_thousand_acts_are_two_hundred_transactions_and_the_deadline_leaves_the_rest() {
    let rule = mock!(Client::transact_write_items).then_compute_output(|request| {
        assert!(request.transact_items().len() <= MAX_WRITES);
        TransactWriteItemsOutput::builder().build()
    });
    let acts: Vec<Alert> = (0..10_000).map(|number| act(&number.to_string())).collect();
    let acts: Vec<&Alert> = acts.iter().collect();
    let ledger = ledger(&[&rule]);
    let recorded = ledger.record_acts(&acts, now(), Instant::now() + Duration::from_secs(60)).await;
    assert_eq!((recorded, rule.num_calls()), (Ok(Acts { new: 10_000, left: 0 }), 200));
    let late = ledger.record_acts(&acts, now(), Instant::now()).await;
    assert_eq!(late, Ok(Acts { new: 0, left: 10_000 }));
}

fn event(id: &str, ttl: i64) -> Item {
    HashMap::from([("sk".into(), AttributeValue::S(id.into())), ("ttl".into(), AttributeValue::N(ttl.to_string()))])
}

#[tokio::test]
async fn st_15_an_act_whose_time_to_live_is_over_counts_as_unseen_also_while_it_is_there() {
    let rule = mock!(Client::batch_get_item).then_output(|| {
        let ends = now().as_second();
        let items = vec![event("lives", ends), event("expired", ends - 1)];
        BatchGetItemOutput::builder().responses("t", items).build()
    });
    let acts = [act("lives"), act("expired"), act("new")];
    let unseen = ledger(&[&rule]).unseen(&acts, now()).await.unwrap();
    assert_eq!(unseen, [&acts[1], &acts[2]]);
}

/// A group of so many acts.
fn group(count: usize) -> Alert {
    let Alert { what: What::RootActivity(one), .. } = act("1") else { panic!("an act") };
    let acts = (0..count).map(|number| RootActivity { event_id: number.to_string(), ..*one.clone() });
    let acts = facts::root_activity::gather(acts.collect());
    alerts::of_root(&acts[0], &Account { id: account(), alias: None, partition: Partition::Aws }, now())
}

#[tokio::test]
async fn a_group_is_sent_again_when_it_has_grown_tenfold_and_what_is_of_it_with_it() {
    let name = group(101).event_id().map(str::to_owned).unwrap();
    let rule = mock!(Client::batch_get_item).then_compute_output(move |_| {
        let mut sent = event(&name, now().as_second());
        sent.insert("n".into(), AttributeValue::N("500".into()));
        BatchGetItemOutput::builder().responses("t", vec![sent]).build()
    });
    let unseen = async |alert: Alert| ledger(&[&rule]).unseen(&[alert], now()).await.unwrap().len();
    assert_eq!([unseen(group(499)).await, unseen(group(4_999)).await, unseen(group(5_000)).await], [0, 0, 1]);
    assert_eq!(unseen(act("one of them")).await, 0, "one that only reads");
    let mut worse = act("worse");
    if let What::RootActivity(act) = &mut worse.what {
        act.kind = facts::root_activity::Kind::WriteCall;
    }
    assert_eq!(unseen(worse).await, 1, "what changes something is never sent with others alone");
}

#[tokio::test]
async fn a_key_is_asked_for_once_also_of_acts_that_share_a_group() {
    let rule = mock!(Client::batch_get_item).then_compute_output(|request| {
        assert_eq!(request.request_items().unwrap()["t"].keys().len(), 3);
        BatchGetItemOutput::builder().build()
    });
    assert_eq!(ledger(&[&rule]).unseen(&[act("1"), act("2")], now()).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rest_of_a_batch_is_asked_for_again_and_what_never_comes_is_an_error() {
    let keys = || KeysAndAttributes::builder().keys(HashMap::new()).build().unwrap();
    let short = move || BatchGetItemOutput::builder().unprocessed_keys("t", keys()).build();
    let comes = mock!(Client::batch_get_item)
        .sequence()
        .output(short)
        .output(|| BatchGetItemOutput::builder().responses("t", vec![event("1", now().as_second())]).build())
        .build();
    assert_eq!(ledger(&[&comes]).unseen(&[act("1")], now()).await, Ok(Vec::new()));
    let never = mock!(Client::batch_get_item).then_output(short);
    assert!(ledger(&[&never]).unseen(&[act("1")], now()).await.is_err());
    assert_eq!(never.num_calls(), 5);
}

#[tokio::test]
async fn more_than_100_acts_are_looked_up_in_parts() {
    let rule = mock!(Client::batch_get_item).then_compute_output(|request| {
        let keys = request.request_items().unwrap()["t"].keys().len();
        // 101 acts, and the name of their group.
        assert!(keys == 100 || keys == 2, "{keys}");
        BatchGetItemOutput::builder().build()
    });
    let acts: Vec<Alert> = (0..101).map(|number| act(&number.to_string())).collect();
    assert_eq!(ledger(&[&rule]).unseen(&acts, now()).await.unwrap().len(), 101);
    assert_eq!(rule.num_calls(), 2);
}

/// A group that counts `count`, of acts that changed nothing or of new keys.
fn counted(count: usize, is_calm: bool) -> Alert {
    let mut alert = act("fold/x");
    let What::RootActivity(act) = &mut alert.what else { panic!("an act") };
    if !is_calm {
        act.kind = facts::root_activity::Kind::RootAccessKeyCreated;
    }
    let alike = facts::root_activity::Alike::Source;
    act.folded = Some(facts::root_activity::Folded { count, since: None, example: "1".into(), alike, sessions: 0 });
    alert
}

#[tokio::test]
async fn a_group_is_news_when_it_grew_one_that_is_calm_tenfold_and_a_count_that_nobody_wrote_mutes_nothing() {
    let number = |number: i64| AttributeValue::N(number.to_string());
    for (sent, count, is_calm, is_news) in [
        (number(2), 3, false, true),
        (number(19), 20, false, true),
        (number(20), 20, false, false),
        (number(30), 20, false, false),
        (number(200), 20, false, false),
        (number(201), 20, false, true),
        (number(1_000_000_000), 20, false, true),
        (number(150), 1_499, true, false),
        (number(150), 1_500, true, true),
        (number(1_500), 150, true, false),
        (number(1_501), 150, true, true),
        (number(1_000_000_000), 150, true, true),
        (number(-1), 150, true, true),
        (AttributeValue::S("150".into()), 150, true, true),
    ] {
        let mut item = event("fold/x", (now() + SignedDuration::from_hours(1)).as_second());
        item.insert("n".into(), sent.clone());
        let rule = mock!(Client::batch_get_item)
            .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build());
        let alert = counted(count, is_calm);
        let ledger = ledger(&[&rule]);
        let unseen = ledger.unseen(std::slice::from_ref(&alert), now()).await.unwrap();
        assert_eq!(unseen.len() == 1, is_news, "{sent:?} {count} {is_calm}");
        // The write agrees.
        let put = ledger.event(&alert, now()).unwrap().put.unwrap();
        assert!(put.condition_expression().unwrap().contains("n < :least OR n > :most"));
        let bound = |name: &str| put.expression_attribute_values().unwrap()[name].as_n().unwrap().parse::<i64>();
        let sent = sent.as_n().ok().and_then(|sent| sent.parse::<i64>().ok());
        let is_written = sent.is_none_or(|sent| sent < bound(":least").unwrap() || sent > bound(":most").unwrap());
        assert_eq!(is_written, is_news, "{sent:?} {count} {is_calm}");
    }
}

#[tokio::test]
async fn an_act_is_sent_with_its_group_only_where_the_group_is_one_that_a_check_wrote_down() {
    let number = |number: &str| Some(AttributeValue::N(number.into()));
    for (count, is_sent) in [
        (number("150"), false),
        (number("1000000000"), true),
        (number("0"), true),
        (number("1.5"), true),
        (Some(AttributeValue::S("150".into())), true),
        (None, true),
    ] {
        let alert = act("1");
        let name = alert.act().unwrap().calm_group().unwrap();
        let mut item = event(&name, (now() + SignedDuration::from_hours(1)).as_second());
        item.extend(count.clone().map(|count| ("n".to_owned(), count)));
        let rule = mock!(Client::batch_get_item)
            .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build());
        let unseen = ledger(&[&rule]).unseen(&[alert], now()).await.unwrap().len();
        assert_eq!(unseen == 1, is_sent, "{count:?}");
    }
}

#[tokio::test]
async fn a_copy_that_cannot_be_made_holds_up_neither_forgetting_nor_recording() {
    let denied = mock!(Client::put_item)
        .then_error(|| PutItemError::generic(ErrorMetadata::builder().code("ValidationException").build()));
    let written = mock!(Client::transact_write_items).then_output(|| TransactWriteItemsOutput::builder().build());
    let ledger = ledger(&[&denied, &written]);
    let odd = AttributeValue::S("?".into());
    let alert = Alert::unreadable(&account(), "1#x", now(), "?");
    let waiting = Waiting { alert, key: "1#x".into(), odd: Some(odd.clone()) };
    assert_eq!(ledger.forget(&[waiting], now()).await, Ok(()));
    let mut recalled = Recalled::default();
    recalled.odd.insert(JOURNAL.into(), odd);
    assert_eq!(ledger.record(&mut recalled, journal()).await, Ok(Recorded::Written));
    assert_eq!((denied.num_calls(), written.num_calls()), (2, 2));
}

#[tokio::test]
async fn notes_are_read_by_their_keys_each_once() {
    let rule = mock!(Client::batch_get_item).then_compute_output(|request| {
        let keys = request.request_items().unwrap()["t"].keys();
        assert_eq!(keys.len(), 6);
        assert!(keys.iter().all(|key| key["pk"] == AttributeValue::S("N#111122223333".into())));
        let body = AttributeValue::S(r#"{"message_id":"1","sent_at":"2026-11-20T09:00:00Z"}"#.into());
        let item = HashMap::from([("sk".to_owned(), AttributeValue::S("a#passed".into())), ("body".to_owned(), body)]);
        BatchGetItemOutput::builder().responses("t", vec![item]).build()
    });
    let ledger = ledger(&[&rule]);
    let relays = ledger.relays(&["a".into(), "b".into(), "a".into()]).await.unwrap();
    assert!(relays["a"].passed.is_some() && relays["a"].handed.is_none());
    assert_eq!(ledger.relays(&[]).await, Ok(HashMap::new()));
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn a_lease_that_another_run_holds_is_no_error_and_a_denial_is() {
    let lease = Lease { holder: "run".into(), until: now() };
    let held = mock!(Client::put_item).then_error(|| {
        let metadata = ErrorMetadata::builder().code("ConditionalCheckFailedException").build();
        PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().meta(metadata).build())
    });
    assert_eq!(ledger(&[&held]).acquire(&lease, now()).await, Ok(Acquired::Held));
    let free = mock!(Client::put_item).then_output(|| PutItemOutput::builder().build());
    assert_eq!(ledger(&[&free]).acquire(&lease, now()).await, Ok(Acquired::Free));
    let ended = mock!(Client::put_item).match_requests(|request| request.return_values() == Some(&ReturnValue::AllOld));
    let ended = ended.then_output(|| {
        PutItemOutput::builder().attributes("holder", AttributeValue::S("one that died".into())).build()
    });
    assert_eq!(ledger(&[&ended]).acquire(&lease, now()).await, Ok(Acquired::NotReturned));
    let denied = mock!(Client::put_item)
        .then_error(|| PutItemError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
    assert!(ledger(&[&denied]).acquire(&lease, now()).await.is_err());
}

#[tokio::test]
async fn items_that_cannot_be_read_are_named_and_expired_plans_are_forgotten() {
    let item = |key: &str, body: &str, ttl: i64| {
        HashMap::from([
            ("sk".into(), AttributeValue::S(key.into())),
            ("body".into(), AttributeValue::S(body.into())),
            ("ttl".into(), AttributeValue::N(ttl.to_string())),
            ("v".into(), AttributeValue::N("7".into())),
        ])
    };
    let plan = r#"{"from":"2026-11-20T10:00:00Z","to":"2026-11-20T11:00:00Z","ticket":"CHG-1","by":"alice"}"#;
    let ends = now().as_second();
    let items = vec![
        item("C#root-mfa", "{}", 0),
        item("W#eu-west-1", "?", 0),
        item("P#2026-11-20T10:00:00Z", plan, ends),
        item("P#2026-11-20T10:00:01Z", plan, ends - 1),
        item("X#1", "{}", 0),
    ];
    let rule = mock!(Client::query).then_output(move || QueryOutput::builder().set_items(Some(items.clone())).build());
    let recalled = ledger(&[&rule]).recall(now()).await.unwrap();
    let odd: Vec<&str> = recalled.memory.odd.iter().map(String::as_str).collect();
    assert_eq!(odd, ["C#root-mfa", "W#eu-west-1", "X#1"]);
    assert_eq!(recalled.memory.plans.len(), 1);
    assert_eq!(recalled.versions["W#eu-west-1"], AttributeValue::N("7".into()), "it can be written again");
}

#[tokio::test]
async fn an_alert_of_another_version_is_sent_as_what_it_is() {
    let rule = mock!(Client::query).then_output(|| {
        let item = HashMap::from([
            ("sk".into(), AttributeValue::S(format!("{:015}#an-id", now().as_millisecond()))),
            ("body".into(), AttributeValue::S("{\"new\": true}".into())),
        ]);
        QueryOutput::builder().items(item).build()
    });
    let waiting = ledger(&[&rule]).waiting_alerts(now()).await.unwrap();
    let alert = &waiting[0].alert;
    assert_eq!((alert.id.as_str(), alert.at), ("an-id", now()));
    assert_eq!(alert.what, What::Unreadable { text: "{\"new\": true}".into() });
}

/// The table while another run holds a lease until `until`.
fn held(until: Timestamp) -> Rule {
    mock!(Client::put_item).then_compute_response(move |request| {
        let values = request.expression_attribute_values().unwrap();
        let value = |name: &str| values[name].as_n().unwrap().parse::<i64>().unwrap();
        if (value(":now")..=value(":latest")).contains(&until.as_millisecond()) {
            let metadata = ErrorMetadata::builder().code("ConditionalCheckFailedException").build();
            return MockResponse::Error(PutItemError::generic(metadata));
        }
        MockResponse::Output(PutItemOutput::builder().build())
    })
}

#[tokio::test]
async fn a_lease_of_an_hour_holds_for_the_sweep_of_an_organization_and_nowhere_else() {
    for (minutes, holds_for_account, holds_for_organization) in
        [(15, true, true), (17, false, true), (60, false, true), (62, false, false)]
    {
        let until = now() + SignedDuration::from_mins(minutes);
        let lease = Lease { holder: "run".into(), until: now() };
        let rule = held(until);
        let is_taken = async |ledger: Ledger| ledger.acquire(&lease, now()).await.unwrap() != Acquired::Held;
        assert_eq!(is_taken(ledger(&[&rule])).await, !holds_for_account, "{minutes} minutes");
        let sweep = ledger(&[&rule]).audits("o-exampleorgid");
        assert_eq!(is_taken(sweep).await, !holds_for_organization, "{minutes} minutes");
    }
}

#[tokio::test]
async fn an_organization_has_partitions_of_its_own_and_the_alerts_of_the_account_that_audits_it() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let partitions = Arc::clone(&seen);
    let alerts = [act("1"), Alert { account: Account { id: other(), ..act("2").account }, ..act("2") }];
    let items: Vec<Item> = alerts
        .iter()
        .map(|alert| {
            let body = serde_json::to_string(alert).unwrap();
            let key = format!("{:015}#{}", alert.at.as_millisecond(), alert.id);
            HashMap::from([("sk".into(), AttributeValue::S(key)), ("body".into(), AttributeValue::S(body))])
        })
        .collect();
    let query = mock!(Client::query).then_compute_output(move |request| {
        let partition = request.expression_attribute_values().unwrap()[":pk"].as_s().unwrap().clone();
        let items = if partition.starts_with("O#") { items.clone() } else { Vec::new() };
        partitions.lock().unwrap().push(partition);
        QueryOutput::builder().set_items(Some(items)).build()
    });
    let leases = Arc::clone(&seen);
    let put = mock!(Client::put_item).then_compute_output(move |request| {
        leases.lock().unwrap().push(request.item().unwrap()["pk"].as_s().unwrap().clone());
        PutItemOutput::builder().build()
    });
    let ledger = ledger(&[&query, &put]).audits("o-exampleorgid");
    ledger.recall(now()).await.unwrap();
    let waiting = ledger.waiting_alerts(now()).await.unwrap();
    ledger.acquire(&Lease { holder: "run".into(), until: now() }, now()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["A#o-exampleorgid", "O#o-exampleorgid", "L#o-exampleorgid"]);
    assert_eq!(waiting[0].alert, act("1"));
    let forged = &waiting[1].alert;
    assert!(matches!(forged.what, What::Unreadable { .. }), "an alert of another account: {forged:?}");
    assert_eq!(forged.account.id, account(), "the one that audits");
}
