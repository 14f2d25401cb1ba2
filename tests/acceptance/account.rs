//! One account over several runs: what each of them sent, and what the table holds in between.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws::client::Limits;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use checker::{Checker, Error, Settings};
use function::Invocation;
use jiff::{SignedDuration, Timestamp};
use messages::answer::Answer;
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Published, Sandbox, Story, TABLE};
use serde_json::Value;

use crate::stories::{invocation, limits};

pub(crate) const ALARM: &str = "critical-root-signs-in-without-mfa-and-creates-a-key";
pub(crate) const FRESH: &str = "critical-fresh-account-with-nothing-set-up";
pub(crate) const QUIET: &str = "quiet-compliant";

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) struct Account {
    pub(crate) sandbox: Sandbox,
    table: aws_sdk_dynamodb::Client,
}

/// A process of the function that stays warm.
pub(crate) struct Process<'a> {
    account: &'a Account,
    checker: Checker,
}

/// One run of it.
pub(crate) struct Run {
    pub(crate) answer: Result<Answer, Error>,
    pub(crate) figures: Value,
    pub(crate) mails: Vec<Published>,
}

thread_local! {
    /// What the run of this thread emitted last: between emitting and answering no other one comes in.
    static FIGURES: RefCell<Value> = const { RefCell::new(Value::Null) };
}

/// The story called `name`, without the digest that a first run of all would add.
pub(crate) fn story(name: &str) -> Story {
    undigested(Story::load(name))
}

/// The same at the present, for the real binary.
pub(crate) fn story_now(name: &str) -> Story {
    undigested(Story::at(name, Timestamp::now()))
}

/// The account of `name` at `now`; all times in it move along.
pub(crate) fn story_at(name: &str, now: Timestamp) -> Story {
    undigested(Story::at(name, now))
}

fn undigested(mut story: Story) -> Story {
    story.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    story
}

pub(crate) fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub(crate) fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

impl Account {
    pub(crate) async fn of(story: &Story) -> Self {
        let sandbox = Sandbox::start(story.clone()).await;
        let table = aws_sdk_dynamodb::Client::new(&sandbox.sdk_config(&Limits::default()).await);
        Self { sandbox, table }
    }

    /// A new process that runs `story` once, faults and all.
    pub(crate) async fn run(&self, story: &Story) -> Run {
        self.process(story, &limits()).await.run(story).await
    }

    pub(crate) async fn process(&self, story: &Story, limits: &Limits) -> Process<'_> {
        let settings = Settings::read(story.variables(), story.now);
        let keep = |line: &str| FIGURES.set(serde_json::from_str(line).expect("figures are JSON"));
        Process { account: self, checker: Checker::new(&self.sandbox.sdk_config(limits).await, settings, keep) }
    }

    /// The real binary, over whatever the account is now.
    pub(crate) async fn invoke(&self, story: &Story) -> Outcome {
        let timeout = Duration::from_secs(300);
        runtime::invoke(Invoke::over(&self.sandbox, story, story.event.to_string(), timeout)).await
    }

    /// The items of one kind: `A`, `E`, `O` or `L`.
    pub(crate) async fn items(&self, kind: &str) -> Vec<Item> {
        self.items_of(partition(kind)).await
    }

    /// The items of a partition.
    pub(crate) async fn items_of(&self, partition: AttributeValue) -> Vec<Item> {
        let mut items = Vec::new();
        let mut pages = self
            .table
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", partition)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            items.push(item.expect("the table can be read"));
        }
        items
    }

    pub(crate) async fn item(&self, kind: &str, sort_key: &str) -> Item {
        let items = self.items(kind).await;
        items.into_iter().find(|item| text(item, "sk") == sort_key).expect("the item is there")
    }

    pub(crate) async fn put(&self, item: Item) {
        self.table.put_item().table_name(TABLE).set_item(Some(item)).send().await.expect("an item is written");
    }

    pub(crate) async fn put_all(&self, items: Vec<Item>) {
        let put = |item| {
            let put = PutRequest::builder().set_item(Some(item)).build().expect("a put");
            WriteRequest::builder().put_request(put).build()
        };
        self.write(items.into_iter().map(put).collect()).await;
    }

    /// Whatever the table remembers is gone.
    pub(crate) async fn wipe(&self) {
        let mut deletes = Vec::new();
        for kind in ["A", "E", "O", "L"] {
            for mut item in self.items(kind).await {
                item.retain(|name, _| ["pk", "sk"].contains(&name.as_str()));
                let delete = DeleteRequest::builder().set_key(Some(item)).build().expect("a delete");
                deletes.push(WriteRequest::builder().delete_request(delete).build());
            }
        }
        self.write(deletes).await;
    }

    async fn write(&self, requests: Vec<WriteRequest>) {
        for chunk in requests.chunks(25) {
            let written = self.table.batch_write_item().request_items(TABLE, chunk.to_vec()).send().await;
            let left = written.expect("a batch is written").unprocessed_items;
            assert!(left.is_none_or(|left| left.is_empty()));
        }
    }

    /// A lease that is held has run out.
    pub(crate) async fn end_lease(&self) {
        for mut lease in self.items("L").await {
            lease.insert("until".into(), AttributeValue::N("0".into()));
            self.put(lease).await;
        }
    }

    /// Nothing waits any more, and nobody holds the lease.
    pub(crate) async fn assert_settled(&self, what: &str) {
        assert!(self.items("O").await.is_empty(), "{what}: something waits");
        let has_ended = |lease: &Item| lease["until"] == AttributeValue::N("0".into());
        assert!(self.items("L").await.iter().all(has_ended), "{what}: somebody holds the lease");
    }
}

impl Process<'_> {
    pub(crate) async fn run(&self, story: &Story) -> Run {
        self.run_as(story, &invocation(story)).await
    }

    pub(crate) async fn run_as(&self, story: &Story, invocation: &Invocation) -> Run {
        let sandbox = &self.account.sandbox;
        sandbox.turn_to(story.clone());
        FIGURES.take();
        let before = sandbox.published().len();
        let answer = self.checker.handle(&story.event, invocation).await;
        let answer = answer.map(|answered| answered.check().expect("a check"));
        let figures = FIGURES.take();
        Run { answer, figures, mails: sandbox.published().split_off(before) }
    }
}

impl Run {
    pub(crate) fn is_complete(&self) -> bool {
        self.answer.as_ref().is_ok_and(|answer| answer.complete)
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        ids(&self.mails)
    }

    /// The one mail of this run.
    pub(crate) fn mail(&self) -> &str {
        assert_eq!(self.mails.len(), 1, "one message");
        &self.mails[0].bodies["default"]
    }

    pub(crate) fn has_heartbeat(&self) -> bool {
        assert!(self.figures["_aws"].is_object(), "a run gives figures");
        self.figures.get("Heartbeat").is_some()
    }
}

/// A mail's words, wherever its lines break.
pub(crate) fn words(mail: &str) -> String {
    mail.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn notification(mail: &Published) -> Value {
    serde_json::from_str(&mail.bodies["sqs"]).expect("a notification is JSON")
}

/// Ids of everything that was sent, sorted: an id that was sent twice is there twice.
pub(crate) fn ids(mails: &[Published]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for notification in mails.iter().map(notification) {
        assert_eq!(notification["left_out"], 0, "nothing is left out of a notification");
        ids.extend(list(&notification["alerts"]).iter().map(|alert| owned(&alert["id"])));
        let acts = list(&notification["root_sessions"]).iter().flat_map(|session| list(&session["acts"]));
        ids.extend(acts.map(|act| owned(&act["event_id"])));
    }
    ids.sort();
    ids
}

/// How often each id was sent.
pub(crate) fn times(ids: &[String]) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    ids.iter().for_each(|id| *times.entry(id.as_str()).or_default() += 1);
    times
}

/// What was sent of conditions: id and transition, in the order of the messages.
pub(crate) fn transitions(mails: &[Published]) -> Vec<(String, String)> {
    let alerts = mails.iter().map(notification).flat_map(|notification| list(&notification["alerts"]).clone());
    let sent = alerts.filter(|alert| alert["kind"] == "condition");
    sent.map(|alert| (owned(&alert["id"]), owned(&alert["facts"]["transition"]))).collect()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn owned(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

pub(crate) fn text(item: &Item, name: &str) -> String {
    item[name].as_s().expect("a text").clone()
}

pub(crate) fn partition(kind: &str) -> AttributeValue {
    AttributeValue::S(format!("{kind}#111122223333"))
}
