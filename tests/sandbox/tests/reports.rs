//! The report bucket as an SDK meets it: conditions, pages, locks and refusals.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "every line here is a test")]

use std::time::Duration;

use aws_config::Region;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::ObjectLockMode;
use sandbox::{Fault, Sandbox, Story, Trouble};

const BUCKET: &str = "rootwatch-reports-111122223333";
const QUIET: &str = "quiet-compliant";

async fn config(sandbox: &Sandbox) -> aws_config::SdkConfig {
    let first_pause = Duration::from_millis(1);
    sandbox.sdk_config(&aws::client::Limits { attempts: 2, first_pause, ..Default::default() }).await
}

async fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Story::load(QUIET)).await;
    let client = Client::new(&config(&sandbox).await);
    (sandbox, client)
}

fn put(client: &Client, key: &str, body: &'static str) -> PutObjectFluentBuilder {
    client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(body.as_bytes()))
}

/// The code of a refusal.
macro_rules! code {
    ($request:expr) => {
        $request.send().await.expect_err("a refusal").code().expect("a code").to_owned()
    };
}

#[tokio::test]
async fn what_is_written_is_read_and_its_mark_changes_with_its_bytes() {
    let (sandbox, client) = started().await;
    let first = put(&client, "a/b c.json", "{}").content_type("application/json").send().await.unwrap();
    let second = put(&client, "a/b c.json", "{1}").send().await.unwrap();
    assert_ne!(first.e_tag(), second.e_tag());
    let read = client.get_object().bucket(BUCKET).key("a/b c.json").send().await.unwrap();
    assert_eq!(read.e_tag(), second.e_tag());
    assert_eq!(read.body.collect().await.unwrap().into_bytes().as_ref(), b"{1}");
    let head = client.head_object().bucket(BUCKET).key("a/b c.json").send().await.unwrap();
    assert_eq!((head.e_tag(), head.content_length()), (second.e_tag(), Some(3)));
    assert_eq!(sandbox.objects()["a/b c.json"].versions, 2);
    let actions: Vec<String> = sandbox.calls().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["s3:PutObject", "s3:PutObject", "s3:GetObject", "s3:GetObject"]);
}

#[tokio::test]
async fn a_condition_that_is_not_true_is_refused() {
    let (sandbox, client) = started().await;
    assert_eq!(code!(put(&client, "a", "1").if_match("\"0\"")), "NoSuchKey");
    let first = put(&client, "a", "1").if_none_match("*").send().await.unwrap();
    assert_eq!(code!(put(&client, "a", "2").if_none_match("*")), "PreconditionFailed");
    put(&client, "a", "2").if_match(first.e_tag().unwrap()).send().await.unwrap();
    assert_eq!(code!(put(&client, "a", "3").if_match(first.e_tag().unwrap())), "PreconditionFailed");
    assert_eq!(sandbox.object("a").unwrap(), b"2");
}

#[tokio::test]
async fn what_is_not_there_is_said_only_to_who_may_list() {
    let (sandbox, client) = started().await;
    let get = || client.get_object().bucket(BUCKET).key("a");
    assert_eq!(code!(get()), "NoSuchKey");
    let missing = client.head_object().bucket(BUCKET).key("a").send().await.unwrap_err();
    assert!(missing.as_service_error().is_some_and(|error| error.is_not_found()));
    sandbox.add_fault(Fault::on("s3:ListBucket", Trouble::Deny));
    assert_eq!(code!(get()), "AccessDenied");
}

#[tokio::test]
async fn a_bucket_answers_its_owner_in_its_region_by_its_name() {
    let (sandbox, client) = started().await;
    assert_eq!(code!(client.get_object().bucket("rootwatch-reports-444455556666").key("a")), "NoSuchBucket");
    assert_eq!(code!(put(&client, "a", "1").expected_bucket_owner("444455556666")), "AccessDenied");
    let elsewhere = config(&sandbox).await.into_builder().region(Region::new("us-west-2")).build();
    assert_eq!(code!(put(&Client::new(&elsewhere), "a", "1")), "PermanentRedirect");
    assert_eq!(code!(put(&client, "a//b", "1")), "InvalidRequest");
    assert!(sandbox.objects().is_empty());
}

#[tokio::test]
async fn a_list_has_pages_and_goes_on_where_the_last_one_ended() {
    let mut story = Story::load(QUIET);
    story.page_size = 2;
    let sandbox = Sandbox::start(story).await;
    let client = Client::new(&config(&sandbox).await);
    for key in ["reports/1", "reports/2", "reports/3", "reports/4", "reports/5", "latest.html"] {
        sandbox.place_object(key, "{}");
    }
    let request = client.list_objects_v2().bucket(BUCKET).prefix("reports/").start_after("reports/1");
    let mut pages = request.into_paginator().send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        keys.push(page.unwrap().contents().iter().filter_map(|object| object.key()).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(keys, ["reports/2 reports/3", "reports/4 reports/5"]);
}

#[tokio::test]
async fn a_lock_needs_a_bucket_made_for_it_and_a_permission_of_its_own() {
    let (sandbox, client) = started().await;
    let until = |time: i64| DateTime::from_secs(time);
    let lock = |seconds: i64| {
        let put = put(&client, "a", "1").object_lock_mode(ObjectLockMode::Governance);
        put.object_lock_retain_until_date(until(Story::load(QUIET).now.as_second() + seconds))
    };
    assert_eq!(code!(lock(60)), "InvalidRequest");
    sandbox.allow_object_lock();
    assert_eq!(code!(lock(-60)), "InvalidRequest");
    assert_eq!(code!(put(&client, "a", "1").object_lock_mode(ObjectLockMode::Governance)), "InvalidRequest");
    lock(60).send().await.unwrap();
    assert!(sandbox.objects()["a"].retain_until.is_some());
    sandbox.add_fault(Fault::on("s3:PutObjectRetention", Trouble::Deny));
    assert_eq!(code!(lock(60)), "AccessDenied");
    put(&client, "b", "1").send().await.unwrap();
}
