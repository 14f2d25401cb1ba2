//! What EventBridge delivers, by way of the queue: sent within seconds, and once with what the checker finds.

use std::cell::Cell;

use aws::client::Limits;
use facts::root_activity::Kind;
use function::Invocation;
use jiff::SignedDuration;
use root_activity::{Answer, Error, Listener, Settings};
use sandbox::runtime::{self, Invoke};
use sandbox::{Fault, Published, Story, Subscription, Trouble};
use serde_json::{Value, json};

use crate::account::{ALARM, Account, QUIET, ids, minutes, notification, story, times, words};
use crate::difference::{assert_says, end_of, error_of};
use crate::odd_items;
use crate::stories::{invocation, limits};

mod members;

thread_local! {
    static FIGURES: Cell<Option<Value>> = const { Cell::new(None) };
}

/// A process of the function that stays warm.
struct Process<'a> {
    account: &'a Account,
    listener: Listener,
}

struct Heard {
    answer: Result<Answer, Error>,
    mails: Vec<Published>,
    figures: Value,
}

impl Account {
    async fn listener(&self, story: &Story) -> Process<'_> {
        self.listener_with(story, &limits(), &[]).await
    }

    async fn listener_with(&self, story: &Story, limits: &Limits, changes: &[(&str, &str)]) -> Process<'_> {
        let shared = ["AWS_REGION", "ROOTWATCH_FORWARD_REGIONS", "ROOTWATCH_TABLE", "ROOTWATCH_TOPIC_ARN"];
        let variables = story.variables().into_iter().filter(|(name, _)| shared.contains(&name.as_str()));
        let stack = [("ROOTWATCH_STACK".to_owned(), "rootwatch".to_owned())];
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings::read(variables.chain(stack).chain(changes));
        let keep = |line: &str| FIGURES.set(serde_json::from_str(line).ok());
        Process { account: self, listener: Listener::new(&self.sandbox.sdk_config(limits).await, settings, keep) }
    }
}

impl Process<'_> {
    async fn hear(&self, story: &Story, event: &Value) -> Heard {
        self.hear_within(minutes(1), story, event).await
    }

    async fn hear_within(&self, time: SignedDuration, story: &Story, event: &Value) -> Heard {
        let sandbox = &self.account.sandbox;
        sandbox.turn_to(story.clone());
        let before = sandbox.published().len();
        let invocation = Invocation { ends: story.now + time, ..invocation(story) };
        let answer = self.listener.handle(event, &invocation).await;
        Heard { answer, mails: sandbox.published().split_off(before), figures: FIGURES.take().unwrap_or_default() }
    }
}

impl Heard {
    fn again(&self) -> Vec<&str> {
        let answer = self.answer.as_ref().expect("a batch is answered");
        answer.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
    }

    fn mail(&self) -> &str {
        assert_eq!(self.mails.len(), 1, "one message");
        &self.mails[0].bodies["default"]
    }
}

fn with(mut story: Story, fault: Fault) -> Story {
    story.faults.push(fault);
    story
}

/// An envelope of EventBridge around `detail`.
fn envelope(detail: &Value) -> Value {
    json!({"version": "0", "id": "00000000-0000-4000-8000-0000000000ee", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam", "account": "111122223333", "region": detail["awsRegion"], "detail": detail})
}

/// A batch of the queue; messages are called `m0`, `m1` and so on.
fn batch(details: &[Value]) -> Value {
    let record = |(number, detail): (usize, &Value)| json!({"messageId": format!("m{number}"), "eventSource": "aws:sqs", "body": envelope(detail).to_string()});
    json!({"Records": details.iter().enumerate().map(record).collect::<Vec<_>>()})
}

fn record(name: &str, id: &str, more: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11", "eventID": id, "eventName": name, "eventSource": "iam.amazonaws.com",
        "eventType": "AwsApiCall", "eventTime": "2026-11-20T09:59:30Z", "awsRegion": "us-east-1", "readOnly": false,
        "sourceIPAddress": "198.51.100.24", "userAgent": "Mozilla/5.0",
        "userIdentity": {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE000000001"},
        "recipientAccountId": "111122223333",
    });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

fn sign_in(id: &str, result: &str) -> Value {
    let more = json!({"eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "awsRegion": "us-east-2",
        "responseElements": {"ConsoleLogin": result}, "additionalEventData": {"MFAUsed": "Yes"}});
    record("ConsoleLogin", id, more)
}

/// The acts that the story's account has in CloudTrail.
fn acts_of_the_story() -> Vec<Value> {
    let folder = sandbox::scenarios().join(ALARM).join("root-events");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()).collect()
}

fn id_of(event: &Value) -> String {
    event["eventID"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_sign_in_is_told_by_whoever_sees_it_first_and_by_nobody_again() {
    let story = story(ALARM);
    let acts = acts_of_the_story();
    for listener_first in [true, false] {
        let account = Account::of(&story).await;
        let process = account.listener(&story).await;
        if !listener_first {
            account.run(&story).await;
        }
        let heard = process.hear(&story, &batch(&acts)).await;
        assert!(heard.again().is_empty());
        assert_eq!(heard.mails.len(), usize::from(listener_first));
        account.run(&story).await;
        let sent = ids(&account.sandbox.published());
        let times = times(&sent);
        for act in &acts {
            assert_eq!(times.get(id_of(act).as_str()), Some(&1), "listener first: {listener_first}");
        }
        assert!(process.hear(&story, &batch(&acts)).await.mails.is_empty(), "EventBridge may deliver twice");
        account.assert_settled("all is sent").await;
    }
}

/// As EventBridge hands events to the queue; messages are called `m0`, `m1` and so on.
fn batch_of(envelopes: &[Value]) -> Value {
    let record = |(number, body): (usize, &Value)| json!({"messageId": format!("m{number}"), "eventSource": "aws:sqs", "body": body.to_string()});
    json!({"Records": envelopes.iter().enumerate().map(record).collect::<Vec<_>>()})
}

#[tokio::test]
async fn the_canaries_of_a_check_are_noted_with_their_seconds_and_cost_nothing_else() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    account.run(&story.clone().with_watch("canary in us-east-1", None)).await;
    let canaries = account.sandbox.events();
    account.sandbox.forget_calls();
    let arrived = story.later(SignedDuration::from_secs(21));
    let heard = account.listener(&story).await.hear(&arrived, &batch_of(&canaries)).await;
    assert!(heard.again().is_empty() && heard.mails.is_empty());
    let calls: Vec<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
    assert_eq!(calls, vec!["dynamodb:PutItem"; 4], "nothing else is read or sent");
    let noted = account.item("A", "K#us-east-1").await;
    assert_eq!(noted["body"].as_s().unwrap(), r#"{"sent_at":"2026-11-20T10:00:00Z","seconds":21}"#);
    let next = account.run(&story.later(minutes(15))).await;
    assert_eq!(
        next.answer.unwrap().report.canaries["us-east-1"].seconds,
        21,
        "the check reads what the function noted"
    );
}

#[tokio::test]
async fn a_canary_that_cannot_be_noted_is_delivered_again_and_an_old_one_replaces_no_newer_one() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let first = account.sandbox.events();
    let later = story.later(minutes(15));
    account.run(&later).await;
    let process = account.listener(&story).await;
    let broken = with(later.clone(), Fault::on("dynamodb:PutItem", Trouble::Deny));
    let heard = process.hear(&broken, &batch_of(&first[..2])).await;
    assert_eq!(heard.again(), ["m0", "m1"]);
    let heard = process.hear(&later, &batch_of(&first[..2])).await;
    assert!(heard.again().is_empty());
    let noted = account.item("A", "K#us-east-1").await;
    assert!(noted["body"].as_s().unwrap().contains("10:15:00Z"), "{noted:?}");
}

#[tokio::test]
async fn canaries_that_the_table_does_not_take_hold_up_no_alert() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let mut batch = account.sandbox.events();
    batch.push(envelope(&sign_in("one", "Success")));
    let process = account.listener(&story).await;
    let broken = with(story.clone(), Fault::on("dynamodb:PutItem", Trouble::Hang));
    // An alert is recorded within the first 12 of them. One after the other, four calls of 5 seconds would take longer.
    let heard = process.hear_within(SignedDuration::from_secs(16), &broken, &batch_of(&batch)).await;
    assert_eq!((batch.len(), ids(&heard.mails)), (5, vec!["one".to_owned()]));
    assert_eq!(heard.again(), ["m0", "m1", "m2", "m3"], "the canaries");
}

#[tokio::test]
async fn a_canary_that_names_another_region_than_it_was_put_in_proves_nothing() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let mut forged = account.sandbox.events().remove(1);
    assert_eq!(forged["region"], forged["detail"]["region"]);
    forged["region"] = json!(if forged["region"] == "eu-west-1" { "us-east-1" } else { "eu-west-1" });
    let heard = account.listener(&story).await.hear(&story, &batch_of(&[forged])).await;
    assert_eq!(heard.again(), ["m0"]);
}

#[tokio::test]
async fn an_act_of_root_that_somebody_else_put_on_the_bus_is_left_to_the_dead_letter_queue_and_told_to_nobody() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let mut forged = envelope(&sign_in("forged", "Success"));
    for source in ["rootwatch.canary", "my.signin", "aws.partner/example.com/signin"] {
        forged["source"] = json!(source);
        let heard = account.listener(&story).await.hear(&story, &batch_of(&[forged.clone()])).await;
        assert!(heard.again() == ["m0"] && heard.mails.is_empty(), "{source}");
    }
    let heard = account.listener(&story).await.hear(&story, &batch_of(&[envelope(&sign_in("real", "Success"))])).await;
    assert_eq!(heard.mails.len(), 1);
}

#[tokio::test]
async fn the_mail_says_what_happened_and_what_to_do_with_the_alias_that_the_checker_read() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    let quiet = story.clone().without_events();
    account.run(&quiet).await;
    let heard = account.listener(&story).await.hear(&story, &batch(&acts_of_the_story())).await;
    assert_eq!(heard.mails[0].subject, "[rootwatch] CRITICAL: new root access key in acme-prod (111122223333)");
    insta::assert_snapshot!(heard.mail());
}

#[tokio::test]
async fn what_is_not_urgent_waits_for_the_sweep_unless_its_region_is_not_swept() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let call =
        |region: &str| record("RunInstances", "00000000-0000-4000-8000-0000000000a1", json!({"awsRegion": region}));
    let process = account.listener(&story).await;
    let heard = process.hear(&story, &batch(&[call("eu-west-1")])).await;
    assert!(heard.mails.is_empty() && heard.again().is_empty() && account.items("E").await.is_empty());

    let narrow = account.listener_with(&story, &limits(), &[("ROOTWATCH_REGIONS", "eu-west-1")]).await;
    assert!(narrow.hear(&story, &batch(&[call("eu-west-1")])).await.mails.is_empty());
    assert_eq!(narrow.hear(&story, &batch(&[call("ap-south-1")])).await.mails.len(), 1);
}

#[tokio::test]
async fn a_burst_of_failed_sign_ins_is_one_message_and_nothing_but_more_of_them_is_none_for_a_quarter_of_an_hour() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.listener(&story).await;
    let burst = |from: usize| {
        let failures = (from..from + 100).map(|number| sign_in(&format!("failure-{number}"), "Failure"));
        batch(&failures.collect::<Vec<_>>())
    };
    let first = process.hear(&story, &burst(0)).await;
    assert_says(first.mail(), "100 failed root sign-ins");
    assert_eq!(first.figures["RootActivitySignInFailed"], 100);
    assert!(process.hear(&story.later(minutes(1)), &burst(100)).await.mails.is_empty());
    assert_eq!(account.items("O").await.len(), 100, "they wait");

    let success = process.hear(&story.later(minutes(2)), &batch(&[sign_in("success", "Success")])).await;
    assert_eq!(success.mails[0].subject, "[rootwatch] HIGH: root sign-in in 111122223333");
    assert!(words(success.mail()).contains("100 failed root sign-ins"), "what waited is sent with it");
    assert!(process.hear(&story.later(minutes(14)), &burst(200)).await.mails.is_empty());
    assert_eq!(process.hear(&story.later(minutes(15)), &burst(300)).await.mails.len(), 1);
    account.assert_settled("all is sent").await;
}

#[tokio::test]
async fn ct_6_a_burst_of_a_thousand_is_told_as_one_and_its_rest_with_it() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.listener(&story).await;
    let burst = |from: usize, count: usize| {
        let failures = (from..from + count).map(|number| sign_in(&format!("failure-{number}"), "Failure"));
        batch(&failures.chain([sign_in(&format!("success-{from}"), "Success")]).collect::<Vec<_>>())
    };
    let first = process.hear(&story, &burst(0, 999)).await;
    assert_eq!(first.mails[0].subject, "[rootwatch] HIGH: root sign-in in 111122223333");
    assert_says(first.mail(), "999 failed root sign-ins");
    for (from, count) in [(1_000, 999), (2_000, 50)] {
        let heard = process.hear(&story.later(minutes(1)), &burst(from, count)).await;
        assert_eq!(ids(&heard.mails), [format!("success-{from}")], "the sign-in that succeeded, and no more");
    }
    assert_eq!(account.items("E").await.len(), 4);
    account.assert_settled("a burst").await;
}

#[tokio::test]
async fn a_planned_use_of_root_weighs_less() {
    let mut story = story(QUIET);
    let account = Account::of(&story).await;
    let plan = json!({"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T11:00:00Z", "ticket": "CHG-7", "by": "alice"});
    story.event = json!({"planned_root_use": plan});
    account.run(&story).await;
    let act = record(
        "ConsoleLogin",
        "planned",
        json!({"eventTime": "2026-11-20T10:05:00Z", "eventSource": "signin.amazonaws.com",
        "responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "Yes"}}),
    );
    let heard = account.listener(&story).await.hear(&story.later(minutes(6)), &batch(&[act])).await;
    assert!(
        heard.mails[0].subject.starts_with("[rootwatch] MEDIUM: planned root sign-in"),
        "{}",
        heard.mails[0].subject
    );
}

#[tokio::test]
async fn ct_18_who_changes_what_watches_is_told_by_name_and_other_stacks_are_not() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let by = |name: &str, source: &str, id: &str, parameters: Value| {
        let identity = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Ops/mallory"});
        let more = json!({"eventSource": source, "userIdentity": identity, "requestParameters": parameters, "awsRegion": "eu-west-1"});
        record(name, id, more)
    };
    let events = [
        by("StopLogging", "cloudtrail.amazonaws.com", "00000000-0000-4000-8000-0000000000b1", json!({"name": "audit"})),
        by(
            "DisableRule",
            "events.amazonaws.com",
            "00000000-0000-4000-8000-0000000000b2",
            json!({"name": "rootwatch-root"}),
        ),
        by(
            "DisableRule",
            "events.amazonaws.com",
            "00000000-0000-4000-8000-0000000000b3",
            json!({"name": "billing-hourly"}),
        ),
        record(
            "DeleteTopic",
            "00000000-0000-4000-8000-0000000000b4",
            json!({"eventSource": "sns.amazonaws.com",
            "requestParameters": {"topicArn": "arn:aws:sns:eu-west-1:111122223333:rootwatch-Topic-1ABC"}}),
        ),
    ];
    let process = account.listener(&story).await;
    let heard = process.hear(&story, &batch(&events)).await;
    insta::assert_snapshot!(format!("Subject: {}\n\n{}", heard.mails[0].subject, heard.mail()));
    let notification = notification(&heard.mails[0]);
    assert_eq!(notification["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(notification["root_sessions"][0]["acts"][0]["kind"], "watch_tampered", "root's own is an act of root");
    assert_eq!(heard.figures["Tampering"], 2);
    assert!(process.hear(&story, &batch(&events)).await.mails.is_empty(), "each once");
    account.assert_settled("sent").await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_left_to_the_dead_letter_queue_and_the_others_are_told() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let mut event = batch(&[sign_in("good", "Success"), sign_in("foreign", "Success")]);
    let records = event["Records"].as_array_mut().unwrap();
    records[1]["body"] = json!(
        records[1]["body"].as_str().unwrap().replace("\"account\":\"111122223333\"", "\"account\":\"999900001111\"")
    );
    records.push(json!({"messageId": "garbage", "body": "{"}));
    let heard = account.listener(&story).await.hear(&story, &event).await;
    assert_eq!(heard.again(), ["m1", "garbage"]);
    assert_eq!(ids(&heard.mails), ["good"]);
}

#[tokio::test]
async fn a_central_session_that_only_reads_sends_nothing_within_seconds_and_one_that_writes_does() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.listener_with(&story, &limits(), &[("ROOTWATCH_REGIONS", "eu-west-1")]).await;
    let by = |name: &str, id: &str, region: &str, read_only: bool, session: Value| {
        let identity = json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE000000012", "sessionContext": session});
        record(name, id, json!({"readOnly": read_only, "awsRegion": region, "userIdentity": identity}))
    };
    let (central, unflagged) = (|| json!({"assumedRoot": "true"}), || json!({}));
    // Of a Region that no check scans, this function sends what root read too.
    let far = "ap-south-1";
    let visit = [
        by("GetAccountSummary", "visit-1", "us-east-1", true, central()),
        by("GetBucketPolicy", "visit-2", far, true, central()),
        by("ListBuckets", "visit-3", far, true, unflagged()),
    ];
    let heard = process.hear(&story, &batch(&visit)).await;
    assert!(heard.mails.is_empty() && heard.again().is_empty(), "{:?}", ids(&heard.mails));
    let later = story.later(minutes(1));
    let alone = process.hear(&later, &batch(&[by("ListBuckets", "thief", far, true, unflagged())])).await;
    assert_eq!(ids(&alone.mails), ["thief"], "without a flagged record it is root itself");
    let password = by("CreateLoginProfile", "password", "us-east-1", false, central());
    let heard = process.hear(&story.later(minutes(2)), &batch(&[visit[0].clone(), password])).await;
    assert_eq!(ids(&heard.mails), ["password"]);
}

#[tokio::test]
async fn an_event_that_an_invoker_forges_makes_nothing_that_root_did_a_central_task() {
    let (mut story, acts) = (story(ALARM), acts_of_the_story());
    let mut keys: Vec<&Value> = acts.iter().map(|act| &act["userIdentity"]["accessKeyId"]).collect();
    keys.retain(|key| key.is_string());
    assert!(!keys.is_empty());
    for key in keys {
        let identity = json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333",
            "accessKeyId": key, "sessionContext": {"assumedRoot": "true"}});
        story.event = envelope(&record("ListUsers", "forged", json!({"readOnly": true, "userIdentity": identity})));
        let account = Account::of(&story).await;
        let run = account.run(&story).await;
        assert!(acts.iter().all(|act| run.ids().contains(&id_of(act))), "{key}: {:?}", run.ids());
        let seen = &run.answer.as_ref().expect("an answer").report.root_activity;
        let central = seen.iter().filter(|act| act.kind == Kind::CentralizedRootTask);
        assert_eq!(central.map(|act| act.event_id.as_str()).collect::<Vec<_>>(), ["forged"]);
    }
}

#[tokio::test]
async fn an_envelope_by_itself_is_told_too_and_anything_else_is_refused_before_any_call() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.listener(&story).await;
    let heard = process.hear(&story, &envelope(&sign_in("one", "Success"))).await;
    assert_eq!((ids(&heard.mails), heard.again().len()), (vec!["one".to_owned()], 0));
    account.sandbox.forget_calls();
    for event in [json!({}), json!(null), json!({"Records": "x"})] {
        assert!(matches!(process.hear(&story, &event).await.answer, Err(Error::Request(_))), "{event}");
    }
    assert!(account.sandbox.calls().is_empty());
    let broken = account.listener_with(&story, &limits(), &[("ROOTWATCH_TOPIC_ARN", "")]).await;
    assert!(matches!(broken.hear(&story, &envelope(&sign_in("two", "Success"))).await.answer, Err(Error::Settings(_))));
}

#[tokio::test]
async fn pb_1_what_sns_does_not_take_for_now_is_kept_and_delivered_again_and_told_once() {
    for trouble in [Trouble::Throttle, Trouble::Broken, Trouble::Reset] {
        let story = story(QUIET);
        let account = Account::of(&story).await;
        let process = account.listener(&story).await;
        let event = batch(&[sign_in("one", "Success")]);
        let heard = process.hear(&with(story.clone(), Fault::on("sns:Publish", trouble.clone())), &event).await;
        assert_eq!((heard.again(), heard.mails.len()), (vec!["m0"], 0), "{trouble:?}");
        assert_eq!((account.items("O").await.len(), &heard.figures["PublishFailed"]), (1, &json!(1)), "{trouble:?}");
        let heard = process.hear(&story.later(minutes(6)), &event).await;
        assert_eq!((heard.again().len(), ids(&heard.mails)), (0, vec!["one".to_owned()]), "{trouble:?}");
        account.assert_settled("sent").await;
    }
}

#[tokio::test]
async fn pb_2_what_sns_refuses_for_good_is_kept_and_not_tried_again_until_the_next_check() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let event = batch(&[sign_in("one", "Success")]);
    let refused = with(story.clone(), Fault::on("sns:Publish", Trouble::Deny));
    let process = account.listener(&story).await;
    let heard = process.hear(&refused, &event).await;
    assert!(heard.again().is_empty() && heard.mails.is_empty());
    let alone = process.hear(&refused, &envelope(&sign_in("one", "Success"))).await;
    assert!(error_of(alone.answer).to_string().ends_with("it is queued until it can be sent"));
    let run = account.run(&story.later(minutes(5))).await;
    assert!(run.ids().contains(&"one".to_owned()));
}

#[tokio::test]
async fn pb_6_without_a_confirmed_subscriber_it_is_kept_for_the_first_one() {
    let mut deaf = story(QUIET);
    deaf.subscriptions = vec![Subscription { protocol: "email".into(), confirmed: false }];
    let account = Account::of(&deaf).await;
    let process = account.listener(&deaf).await;
    let heard = process.hear(&deaf, &batch(&[sign_in("one", "Success")])).await;
    assert!(heard.mails.is_empty() && heard.again().is_empty());
    let heard = process.hear(&story(QUIET).later(minutes(1)), &batch(&[sign_in("two", "Success")])).await;
    assert_eq!(ids(&heard.mails), ["one", "two"]);
}

#[tokio::test]
async fn st_12_without_the_table_it_is_told_at_once_headed_so_and_a_warm_process_does_not_repeat_it() {
    // The last one is the lease: written down, but not to be sent in order.
    for operation in ["dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:TransactWriteItems", "dynamodb:PutItem"] {
        let broken = with(story(QUIET), Fault::on(operation, Trouble::Deny));
        let account = Account::of(&broken).await;
        let process = account.listener(&broken).await;
        let event = batch(&[sign_in("one", "Success")]);
        let heard = process.hear(&broken, &event).await;
        assert!(words(heard.mail()).contains("STATE STORE UNAVAILABLE, REPEATS POSSIBLE"), "{operation}");
        assert_eq!((heard.again().len(), &heard.figures["StateStoreDown"]), (0, &json!(1)), "{operation}");
        assert!(process.hear(&broken, &event).await.mails.is_empty(), "{operation}");
    }
}

#[tokio::test]
async fn what_was_written_down_but_not_told_is_told_when_it_is_delivered_again_also_after_failed_sign_ins() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.listener(&story).await;
    process.hear(&story, &batch(&[sign_in("failure", "Failure")])).await;
    let event = batch(&[sign_in("success", "Success")]);
    let down = with(story.later(minutes(1)), Fault::on("sns:Publish", Trouble::Throttle));
    assert_eq!(process.hear(&down, &event).await.again(), ["m0"]);
    assert_eq!(ids(&process.hear(&story.later(minutes(7)), &event).await.mails), ["success"]);
}

#[tokio::test]
async fn rt_1_what_time_does_not_suffice_for_is_delivered_again() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.listener(&story).await;
    let late = Invocation { ends: story.now, ..invocation(&story) };
    let event = batch(&[sign_in("one", "Success")]);
    let answer = process.listener.handle(&event, &late).await.unwrap();
    assert_eq!(answer.batch_item_failures.len(), 1);
    let alone = process.listener.handle(&envelope(&sign_in("one", "Success")), &late).await;
    assert!(matches!(alone, Err(Error::OutOfTime)));
    assert_eq!(ids(&process.hear(&story, &event).await.mails), ["one"]);
}

#[tokio::test]
async fn pb_9_with_table_and_sns_down_the_queue_keeps_it() {
    let mut broken = with(story(QUIET), Fault::on("dynamodb:Query", Trouble::Deny));
    broken.faults.push(Fault::on("sns:Publish", Trouble::Deny));
    let account = Account::of(&broken).await;
    let process = account.listener(&broken).await;
    let heard = process.hear(&broken, &batch(&[sign_in("one", "Success"), sign_in("two", "Success")])).await;
    assert_eq!(heard.again(), ["m0", "m1"]);
    let alone = process.hear(&broken, &envelope(&sign_in("one", "Success"))).await;
    assert!(error_of(alone.answer).to_string().ends_with("it is neither sent nor recorded"));
    let heard = process
        .hear(&story(QUIET).later(minutes(6)), &batch(&[sign_in("one", "Success"), sign_in("two", "Success")]))
        .await;
    assert_eq!(ids(&heard.mails), ["one", "two"]);
}

#[tokio::test]
async fn nothing_in_the_table_mutes_a_sign_in() {
    let story = story(QUIET);
    let items = {
        let account = Account::of(&story).await;
        account.run(&story).await;
        account.items("A").await
    };
    let event = batch(&[sign_in("one", "Success")]);
    for odd in odd_items::odd_values() {
        let account = Account::of(&story).await;
        let nobody = aws_sdk_dynamodb::types::AttributeValue::S("nobody".into());
        let mut lease = odd_items::item("L", "publisher", &[("holder", nobody)]);
        odd_items::set(&mut lease, "until", odd.clone());
        let mut seen = odd_items::item("E", "one", &[]);
        odd_items::set(&mut seen, "ttl", odd.clone());
        let mut mutated = items.clone();
        mutated.iter_mut().for_each(|item| odd_items::set(item, "body", odd.clone()));
        mutated.extend([lease, seen]);
        account.put_all(mutated).await;
        let heard = account.listener(&story).await.hear(&story, &event).await;
        assert_eq!((ids(&heard.mails), heard.again().len()), (vec!["one".to_owned()], 0), "{odd:?}");
        account.assert_settled("sent").await;
    }
}

#[tokio::test]
async fn behind_an_outbox_that_is_flooded_a_sign_in_is_told_at_once() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let body = aws_sdk_dynamodb::types::AttributeValue::S("x".repeat(350_000));
    for number in 0..80 {
        let key = format!("000000000000001#{number:04}");
        account.put(odd_items::item("O", &key, &[("body", body.clone())])).await;
    }
    let process = account.listener_with(&story, &crate::ledger::patient(), &[]).await;
    let heard = process.hear(&story, &batch(&[sign_in("one", "Success")])).await;
    assert!(ids(&heard.mails).contains(&"one".to_owned()) && heard.again().is_empty());
    assert_eq!(heard.mails.len(), 4, "three of what waits, and the news");
    assert!(heard.answer.unwrap().unsent.is_some_and(|waiting| waiting > 0), "the rest waits for the next run");
}

#[tokio::test]
async fn what_another_run_is_to_tell_is_asked_for_again_by_sqs_until_it_is_told() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.listener(&story).await;
    let until = aws_sdk_dynamodb::types::AttributeValue::N((story.now + minutes(5)).as_millisecond().to_string());
    let dead = aws_sdk_dynamodb::types::AttributeValue::S("a run that was killed".into());
    account.put(odd_items::item("L", "publisher", &[("holder", dead), ("until", until)])).await;
    let event = batch(&[sign_in("one", "Success")]);
    let heard = process.hear(&story, &event).await;
    assert_eq!((heard.again(), heard.mails.len()), (vec!["m0"], 0));
    assert_eq!(account.items("O").await.len(), 1, "it is written down");
    let heard = process.hear(&story.later(minutes(6)), &event).await;
    assert_eq!((heard.again().len(), ids(&heard.mails)), (0, vec!["one".to_owned()]));
    account.assert_settled("sent").await;
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_known_again_and_the_sign_in_told_once() {
    for action in ["dynamodb:PutItem", "dynamodb:TransactWriteItems", "dynamodb:DeleteItem"] {
        let story = with(story(QUIET), Fault::on(action, Trouble::LoseAnswer).times(1));
        let account = Account::of(&story).await;
        let heard = account.listener(&story).await.hear(&story, &batch(&[sign_in("one", "Success")])).await;
        assert_eq!((ids(&heard.mails), heard.again().len()), (vec!["one".to_owned()], 0), "{action}");
        assert!(!heard.mail().contains("STATE STORE"), "{action}");
        account.assert_settled(action).await;
    }
}

#[tokio::test]
async fn st_2_to_st_9_a_batch_whose_run_ends_at_any_call_is_finished_when_it_is_delivered_again() {
    let event = batch(&[sign_in("one", "Success")]);
    let story = story(QUIET);
    let undisturbed = Account::of(&story).await;
    undisturbed.listener(&story).await.hear(&story, &event).await;
    let calls: Vec<String> = undisturbed.sandbox.calls().into_iter().map(|call| call.action).collect();
    assert!(calls.len() >= 10, "{calls:?}");
    for (number, action) in calls.iter().enumerate() {
        let after = calls[..number].iter().filter(|earlier| *earlier == action).count();
        let account = Account::of(&story).await;
        let patient = Limits {
            attempt: std::time::Duration::from_secs(60),
            operation: std::time::Duration::from_secs(60),
            ..limits()
        };
        let process = account.listener_with(&story, &patient, &[]).await;
        let held = with(story.clone(), Fault::on(action, Trouble::Hold).times(1).after(after));
        tokio::select! {
            // Dropped where it stands, while the call it makes takes effect.
            _ = process.hear(&held, &event) => panic!("{action} {after} was not held"),
            () = account.sandbox.held() => {}
        }
        account.sandbox.release().await;
        account.end_lease().await;
        let heard = account.listener(&story).await.hear(&story.later(minutes(6)), &event).await;
        assert!(heard.again().is_empty());
        let sent = ids(&account.sandbox.published());
        assert!((1..=2).contains(&sent.len()), "{action} {after}: {sent:?}");
        account.assert_settled(action).await;
    }
}

#[tokio::test]
async fn the_real_binary_tells_a_batch_and_answers_what_sqs_shall_deliver_again() {
    let story = crate::account::story_now(QUIET);
    let account = Account::of(&story).await;
    let mut event = batch(&[sign_in("one", "Success")]);
    event["Records"].as_array_mut().unwrap().push(json!({"messageId": "garbage", "body": "{"}));
    let timeout = std::time::Duration::from_secs(60);
    let outcome = runtime::invoke(Invoke::root_activity(&account.sandbox, &story, event.to_string(), timeout)).await;
    let answer = outcome.answer.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{"itemIdentifier": "garbage"}]));
    assert_eq!((answer["sent"].as_array().unwrap().len(), &answer["unsent"]), (1, &json!(0)));
    assert_eq!(ids(&account.sandbox.published()), ["one"]);
    assert!(outcome.log.contains("\"AlertsTold\":1"), "{}", end_of(&outcome.log));

    let alone = runtime::invoke(Invoke::root_activity(&account.sandbox, &story, "{}".into(), timeout)).await;
    assert_eq!(error_of(alone.answer)["errorType"], "InvalidEvent");
}

#[tokio::test]
async fn every_kind_that_the_issue_of_the_night_needs_is_urgent_and_daily_work_is_not() {
    let waits: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| {
            let act = facts::RootActivity::classify(
                &facts::record::TrailEvent::from_record(&record("X", "1", json!({}))).unwrap(),
                &facts::Account {
                    id: facts::AccountId::parse("111122223333").unwrap(),
                    alias: None,
                    partition: facts::Partition::Aws,
                },
                None,
            );
            let act = facts::RootActivity { kind: *kind, severity: facts::Severity::Low, ..act.unwrap() };
            !act.is_urgent()
        })
        .collect();
    insta::assert_snapshot!(format!("{waits:?}"));
}
