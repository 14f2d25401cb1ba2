//! What is kept of each run: the real reporter over the report bucket, run after run, at once, and while S3 fails.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reporter::History;
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Fault, Sandbox, Story};
use serde_json::{Value, json};

use crate::account::{Account, story_at, story_now};

mod evidence;
mod keeping;
mod security_hub;
mod showing;

const HISTORY: &str = "history.json";
const PAGE: &str = "latest.html";
const PUT: &str = "s3:PutObject";

/// A report bucket, and what the checker answers over its account.
struct Reports {
    sandbox: Sandbox,
    story: Story,
    answer: Value,
    environment: Vec<(String, String)>,
}

impl Reports {
    /// An hour ago where the half hour from now is of two days: equal runs of one day are one line of the history.
    async fn of(name: &str) -> Self {
        let (now, half_an_hour) = (story_now(name).now, SignedDuration::from_mins(30));
        let day = |at: Timestamp| at.strftime("%F").to_string();
        let earlier = if day(now) == day(now + half_an_hour) { SignedDuration::ZERO } else { half_an_hour * 2 };
        Self::over(story_at(name, now - earlier)).await
    }

    async fn over(story: Story) -> Self {
        let run = Account::of(&story).await.run(&story).await;
        let answer = serde_json::to_value(run.answer.expect("an answer")).expect("JSON");
        Self { sandbox: Sandbox::start(story.clone()).await, story, answer, environment: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// So many minutes after the first.
    fn time(&self, number: usize) -> Timestamp {
        let minutes = i64::try_from(number).expect("few runs");
        (self.story.now + SignedDuration::from_mins(minutes)).round(jiff::Unit::Second).expect("a time")
    }

    fn key(&self, number: usize) -> String {
        format!("reports/111122223333/{}-{number:08}.json", self.time(number).strftime("%Y/%m/%d/T%H%M%SZ"))
    }

    /// The record of the run `number`.
    fn record(&self, number: usize) -> Value {
        let mut answer = self.answer.clone();
        answer["taken_at"] = json!(self.time(number));
        let id = format!("{number:08}-0000-4000-8000-000000000000");
        runtime::destination_record(&id, &self.story.event, &answer, self.time(number))
    }

    async fn keep(&self, number: usize) -> Outcome {
        self.handle(&self.record(number)).await
    }

    /// `event` into the real binary.
    async fn handle(&self, event: &Value) -> Outcome {
        let mut invoke = Invoke::reporter(&self.sandbox, &self.story, event.to_string(), Duration::from_secs(60));
        invoke.environment.extend(self.environment.clone());
        runtime::invoke(invoke).await
    }

    async fn kept(&self, number: usize) -> Value {
        let outcome = self.keep(number).await;
        outcome.answer.unwrap_or_else(|error| panic!("{error}\n{}", outcome.log))
    }

    /// Keeps it while `fault` is there, and answers with the type of the error.
    async fn fails(&self, number: usize, fault: Fault) -> String {
        self.sandbox.add_fault(fault);
        let outcome = self.keep(number).await;
        self.sandbox.clear_faults();
        let error = outcome.answer.expect_err("an error");
        error["errorType"].as_str().expect("a type").to_owned()
    }

    fn history(&self) -> History {
        let bytes = self.sandbox.object(HISTORY).expect("a history");
        serde_json::from_slice(&bytes).expect("a history can be read")
    }

    /// As if the history knew no more than the newest `links` of the chain.
    fn forget(&self, links: usize) {
        let mut history = self.history();
        history.chain.drain(..history.chain.len() - links);
        self.sandbox.place_object(HISTORY, history.write().expect("JSON"));
    }

    fn report(&self, number: usize) -> Value {
        serde_json::from_slice(&self.sandbox.object(&self.key(number)).expect("a report")).expect("JSON")
    }

    fn keys(&self) -> Vec<String> {
        self.sandbox.objects().into_keys().collect()
    }

    fn versions(&self, key: &str) -> usize {
        self.sandbox.objects()[key].versions
    }

    /// The code and the words of `make verify-evidence` over a copy of the bucket.
    fn verified(&self, name: &str) -> (i32, String) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("evidence-{name}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("an old copy goes");
        }
        self.sandbox.copy_objects(&folder).expect("a copy of the bucket");
        verify(&folder.to_string_lossy())
    }

    fn assert_clean(&self, name: &str) {
        let (code, words) = self.verified(name);
        assert!(code == 0 && words.contains("none was edited"), "{words}");
    }
}

pub(crate) fn verify(folder: &str) -> (i32, String) {
    let output =
        Command::new(runtime::binary("sandbox")).args(["verify-evidence", folder]).output().expect("a program");
    let words = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    assert!(!words.contains("  "), "no gap within a sentence: {words}");
    (output.status.code().expect("a code"), words)
}
