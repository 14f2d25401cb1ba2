//! The account as an SDK meets it: its table, its topic, its event history, and what goes wrong there.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "every line here is a test")]

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem, Update};
use aws_sdk_dynamodb::{Client, error::SdkError};
use jiff::SignedDuration;
use sandbox::runtime::{self, Invoke};
use sandbox::{Fault, Sandbox, Story, Subscription, TABLE, Trouble};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ALARM: &str = "critical-root-signs-in-without-mfa-and-creates-a-key";
const QUIET: &str = "quiet-compliant";

async fn started(faults: impl Into<Vec<Fault>>) -> (Sandbox, Client) {
    let mut story = Story::load(QUIET);
    story.faults = faults.into();
    let sandbox = Sandbox::start(story).await;
    let client = client(&sandbox, 2).await;
    (sandbox, client)
}

async fn config(sandbox: &Sandbox, attempts: u32) -> aws_config::SdkConfig {
    let first_pause = Duration::from_millis(1);
    sandbox.sdk_config(&aws::client::Limits { attempts, first_pause, ..Default::default() }).await
}

async fn client(sandbox: &Sandbox, attempts: u32) -> Client {
    Client::new(&config(sandbox, attempts).await)
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

/// Puts an item that must not be there yet.
async fn put_new(client: &Client, sk: &str) -> Result<PutItemOutput, SdkError<PutItemError>> {
    let put = client.put_item().table_name(TABLE).item("pk", text("account")).item("sk", text(sk));
    put.condition_expression("attribute_not_exists(pk)").send().await
}

async fn is_there(client: &Client, sk: &str) -> bool {
    let get = client.get_item().table_name(TABLE).key("pk", text("account")).key("sk", text(sk));
    get.consistent_read(true).send().await.unwrap().item.is_some()
}

/// A request without a signature, and the whole answer.
async fn unsigned(sandbox: &Sandbox, request: &str) -> String {
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nhost: watcher\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

fn actions(sandbox: &Sandbox) -> Vec<String> {
    sandbox.calls().into_iter().map(|call| call.action).collect()
}

#[tokio::test]
async fn a_conditional_put_is_refused_the_second_time() {
    let (sandbox, client) = started([]).await;
    put_new(&client, "lease").await.unwrap();
    let error = put_new(&client, "lease").await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_conditional_check_failed_exception(), "{error:?}");
    assert_eq!(actions(&sandbox), ["dynamodb:PutItem", "dynamodb:PutItem"]);
    assert_eq!(sandbox.calls()[0].region, "eu-west-1");
}

#[tokio::test]
async fn a_cancelled_transaction_gives_its_reasons_and_writes_nothing() {
    let (_sandbox, client) = started([]).await;
    let put = Put::builder().table_name(TABLE).item("pk", text("account")).item("sk", text("new")).build().unwrap();
    let lease = ConditionCheck::builder().table_name(TABLE).key("pk", text("account")).key("sk", text("lease"));
    let lease = lease.condition_expression("attribute_exists(pk)").build().unwrap();
    let transaction = client.transact_write_items().transact_items(TransactWriteItem::builder().put(put).build());
    let transaction = transaction.transact_items(TransactWriteItem::builder().condition_check(lease).build());
    let error = transaction.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        cancelled,
    ) = error
    else {
        panic!("{error:?}")
    };
    let reasons: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(reasons, ["None", "ConditionalCheckFailed"]);
    assert!(!is_there(&client, "new").await);
}

#[tokio::test]
async fn the_tables_items_end_by_their_ttl() {
    let (_sandbox, client) = started([]).await;
    let answer = client.describe_time_to_live().table_name(TABLE).send().await.unwrap();
    assert_eq!(answer.time_to_live_description.unwrap().attribute_name.as_deref(), Some("ttl"));
}

#[tokio::test]
async fn a_fault_of_the_table_is_worded_as_dynamodb_words_it() {
    for (trouble, code, status) in [
        (Trouble::Deny, "AccessDeniedException", 400),
        (Trouble::Throttle, "ThrottlingException", 400),
        (Trouble::Broken, "InternalServerError", 500),
        (Trouble::Error("RequestLimitExceeded".into()), "RequestLimitExceeded", 400),
    ] {
        let (sandbox, _) = started([Fault::on("dynamodb:PutItem", trouble)]).await;
        let error = put_new(&client(&sandbox, 1).await, "a").await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status, "{code}");
        assert_eq!(error.into_service_error().code(), Some(code));
    }
}

#[tokio::test]
async fn a_fault_waits_until_so_many_calls_have_passed() {
    let (_sandbox, client) = started([Fault::on("dynamodb:PutItem", Trouble::Deny).after(2).times(1)]).await;
    for (item, put) in [("1", true), ("2", true), ("3", false), ("4", true)] {
        assert_eq!(put_new(&client, item).await.is_ok(), put, "{item}");
    }
    assert!(!is_there(&client, "3").await);
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_has_taken_effect() {
    let (sandbox, client) = started([Fault::on("dynamodb:PutItem", Trouble::LoseAnswer).times(1)]).await;
    let error = put_new(&client, "lease").await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_conditional_check_failed_exception(), "the second attempt: {error:?}");
    assert_eq!(sandbox.calls().len(), 2);
}

#[tokio::test]
async fn a_transaction_whose_answer_is_lost_is_tried_again_and_done_once() {
    let (sandbox, client) = started([Fault::on("dynamodb:TransactWriteItems", Trouble::LoseAnswer).times(1)]).await;
    let count = Update::builder().table_name(TABLE).key("pk", text("account")).key("sk", text("count"));
    let count = count.update_expression("ADD runs :one").expression_attribute_values(":one", number("1"));
    let count = TransactWriteItem::builder().update(count.build().unwrap()).build();
    client.transact_write_items().transact_items(count).send().await.unwrap();
    assert_eq!(sandbox.calls().len(), 2);
    let get = client.get_item().table_name(TABLE).key("pk", text("account")).key("sk", text("count"));
    assert_eq!(get.send().await.unwrap().item.unwrap()["runs"], number("1"));
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_published_again() {
    let mut story = Story::load(ALARM);
    story.faults = vec![Fault::on("sns:Publish", Trouble::LoseAnswer).times(1)];
    let sandbox = Sandbox::start(story.clone()).await;
    let sns = aws_sdk_sns::Client::new(&config(&sandbox, 2).await);
    let publish = sns.publish().topic_arn(story.topic_arn()).subject("subject").message_structure("json");
    publish.message(r#"{"default": "text"}"#).send().await.unwrap();
    assert_eq!(sandbox.published().len(), 2);
}

#[tokio::test]
async fn a_crash_is_told_after_the_effect_or_before_it() {
    for (trouble, there) in [(Trouble::Crash, true), (Trouble::CrashBefore, false)] {
        let (sandbox, client) = started([Fault::on("dynamodb:PutItem", trouble).times(1)]).await;
        let crashed = sandbox.crashed();
        tokio::select! {
            answer = put_new(&client, "lease") => panic!("{answer:?}"),
            () = crashed => {}
        }
        assert_eq!(is_there(&client, "lease").await, there);
    }
}

#[tokio::test]
async fn a_crash_kills_the_function_and_leaves_what_it_did() {
    let now = jiff::Timestamp::now();
    let sandbox = Sandbox::start(Story::at(ALARM, now)).await;
    sandbox.add_fault(Fault::on("sns:Publish", Trouble::Crash).times(1));
    let invoke = || Invoke::over(&sandbox, &Story::at(ALARM, now), "{}".into(), Duration::from_secs(60));
    let killed = runtime::invoke(invoke()).await.answer.unwrap_err();
    assert_eq!((killed["errorType"].as_str(), sandbox.published().len()), (Some("Sandbox.Killed"), 1));
    let answer = runtime::invoke(invoke()).await.answer;
    assert!(answer.is_ok(), "only once: {answer:?}");
}

#[tokio::test]
async fn a_held_call_takes_effect_when_it_is_released() {
    let (sandbox, client) = started([Fault::on("dynamodb:PutItem", Trouble::Hold).times(1)]).await;
    let put = tokio::spawn({
        let client = client.clone();
        async move { put_new(&client, "lease").await.is_ok() }
    });
    sandbox.held().await;
    assert!(!is_there(&client, "lease").await);
    sandbox.release().await;
    assert!(is_there(&client, "lease").await && put.await.unwrap());
}

#[tokio::test]
async fn a_held_call_takes_effect_also_when_its_caller_is_gone() {
    let (sandbox, client) = started([Fault::on("dynamodb:PutItem", Trouble::Hold).times(1)]).await;
    tokio::select! {
        answer = put_new(&client, "lease") => panic!("{answer:?}"),
        () = sandbox.held() => {}
    }
    sandbox.release().await;
    assert!(is_there(&client, "lease").await);
}

#[tokio::test]
async fn another_story_keeps_the_table_the_messages_and_the_calls() {
    let (sandbox, client) = started([Fault::on("dynamodb:GetItem", Trouble::Deny)]).await;
    put_new(&client, "lease").await.unwrap();
    sandbox.turn_to(Story::load(ALARM));
    assert!(is_there(&client, "lease").await, "and the faults of the first story are gone");
    assert_eq!(actions(&sandbox), ["dynamodb:PutItem", "dynamodb:GetItem"]);
    sandbox.add_fault(Fault::on("dynamodb:PutItem", Trouble::Deny));
    assert!(put_new(&client, "other").await.is_err());
    sandbox.clear_faults();
    sandbox.forget_calls();
    put_new(&client, "other").await.unwrap();
    assert_eq!(actions(&sandbox), ["dynamodb:PutItem"]);
}

#[tokio::test]
async fn two_accounts_share_no_table() {
    let (_one, first) = started([]).await;
    let (_two, second) = started([]).await;
    put_new(&first, "lease").await.unwrap();
    assert!(!is_there(&second, "lease").await);
}

#[tokio::test]
async fn subscriptions_come_in_pages_of_a_hundred() {
    let mut story = Story::load(QUIET);
    let one = Subscription { protocol: "email".into(), confirmed: true };
    assert_eq!(story.subscriptions, std::slice::from_ref(&one));
    story.subscriptions = vec![one; 230];
    story.subscriptions[7] = Subscription { protocol: "sqs".into(), confirmed: false };
    let sandbox = Sandbox::start(story.clone()).await;
    let sns = aws_sdk_sns::Client::new(&config(&sandbox, 1).await);
    let mut pages = sns.list_subscriptions_by_topic().topic_arn(story.topic_arn()).into_paginator().send();
    let mut sizes = Vec::new();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap().subscriptions.unwrap_or_default();
        sizes.push(page.len());
        listed.extend(page);
    }
    assert_eq!(sizes, [100, 100, 30]);
    let endpoints: BTreeSet<_> = listed.iter().map(|subscription| subscription.endpoint()).collect();
    assert_eq!(endpoints.len(), 230);
    assert_eq!((listed[7].protocol(), listed[7].subscription_arn()), (Some("sqs"), Some("PendingConfirmation")));
    let arn = listed[0].subscription_arn().unwrap();
    assert!(arn.starts_with(&format!("{}:", story.topic_arn())), "{arn}");

    let other = sns.list_subscriptions_by_topic().topic_arn("arn:aws:sns:eu-west-1:111122223333:other").send().await;
    assert_eq!(other.unwrap_err().raw_response().unwrap().status().as_u16(), 404);
    let token = sns.list_subscriptions_by_topic().topic_arn(story.topic_arn()).next_token("x").send().await;
    assert!(token.unwrap_err().into_service_error().is_invalid_parameter_exception());
}

#[tokio::test]
async fn a_topic_without_subscriptions_has_an_empty_list() {
    let mut story = Story::load(QUIET);
    story.subscriptions.clear();
    let sandbox = Sandbox::start(story.clone()).await;
    let sns = aws_sdk_sns::Client::new(&config(&sandbox, 1).await);
    let answer = sns.list_subscriptions_by_topic().topic_arn(story.topic_arn()).send().await.unwrap();
    assert!(answer.subscriptions().is_empty() && answer.next_token.is_none());
}

#[tokio::test]
async fn the_event_history_shows_an_event_when_its_time_has_come() {
    let story = Story::load(ALARM);
    let sandbox = Sandbox::start(story.later(SignedDuration::from_hours(-1))).await;
    let region = aws_config::Region::new("us-west-2");
    let trail = config(&sandbox, 1).await.into_builder().region(region).build();
    let trail = aws_sdk_cloudtrail::Client::new(&trail);
    let names = async || trail.lookup_events().send().await.unwrap().events.unwrap_or_default().len();
    assert_eq!(names().await, 0);
    sandbox.turn_to(story);
    assert_eq!(names().await, 1);
}

#[tokio::test]
async fn the_watcher_counts_heartbeats_without_a_signature() {
    let (sandbox, _) = started([Fault::on("watcher:GET", Trouble::Broken).after(1).times(1)]).await;
    assert!(unsigned(&sandbox, "GET /watcher/abc").await.ends_with("\r\n\r\nOK"));
    assert!(unsigned(&sandbox, "GET /watcher/abc").await.starts_with("HTTP/1.1 500 "));
    assert!(unsigned(&sandbox, "POST /watcher/abc").await.starts_with("HTTP/1.1 200 "));
    assert!(unsigned(&sandbox, "PUT /watcher/abc").await.starts_with("HTTP/1.1 405 "));
    assert!(unsigned(&sandbox, "GET /elsewhere").await.starts_with("HTTP/1.1 403 "));
    assert_eq!(sandbox.heartbeats(), 2);
    assert_eq!(actions(&sandbox), ["watcher:GET", "watcher:GET", "watcher:POST", "watcher:PUT"]);
}

#[tokio::test]
async fn the_watcher_loses_answers_too() {
    let (sandbox, _) = started([Fault::on("watcher:GET", Trouble::LoseAnswer)]).await;
    assert_eq!(unsigned(&sandbox, "GET /watcher/abc").await, "");
    assert_eq!(sandbox.heartbeats(), 1);
}

#[tokio::test]
async fn a_trail_of_one_region_is_listed_there_alone_and_every_trail_answers_in_its_home_region_by_its_arn() {
    let sandbox = Sandbox::start(Story::load("high-trails-leave-something-out")).await;
    let config = config(&sandbox, 1).await;
    let trails_in = |region: &'static str| {
        let config = config.to_builder().region(aws_config::Region::new(region)).build();
        aws_sdk_cloudtrail::Client::new(&config)
    };
    let names = async |region, copies| {
        let listed = trails_in(region).describe_trails().include_shadow_trails(copies).send().await.unwrap();
        listed.trail_list().iter().filter_map(|trail| trail.name().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names("us-east-1", true).await, ["data", "reads", "undelivered", "virginia"]);
    assert_eq!(names("us-east-2", true).await, ["data", "reads", "undelivered"]);
    assert_eq!(names("us-west-2", false).await, ["reads"]);
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/virginia";
    let status = async |region, name: &str| trails_in(region).get_trail_status().name(name).send().await;
    assert_eq!(status("us-east-1", arn).await.unwrap().is_logging(), Some(true));
    assert!(status("us-east-2", arn).await.is_err() && status("us-east-1", "virginia").await.is_err());
}
