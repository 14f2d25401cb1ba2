//! A run over an organization, as the state machine of the template does it: list, audit in batches, conclude.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::runtime::{self, Invoke, Outcome};
use crate::server::Sandbox;
use crate::signals::Crash;
use crate::story::Story;

/// As the template gives each function.
const TIMEOUT: Duration = Duration::from_secs(240);

/// What runs the functions.
#[derive(Clone)]
pub struct Machine<'a> {
    /// The account that has the stack, with the organization behind it.
    pub sandbox: &'a Sandbox,
    /// The same account, at its present.
    pub story: &'a Story,
    /// `ROOTWATCH_*` variables beside topic, table, bucket and stack.
    pub environment: BTreeMap<String, String>,
    /// How often a batch is tried whose function fails.
    pub attempts: usize,
    /// What the execution is started with.
    pub input: Value,
    /// Batches that Lambda never starts, with the error that it gives.
    pub refused: BTreeMap<usize, String>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Execution {
    /// Of the first task.
    pub list: Outcome,
    /// Of each batch that was started, by its number: the last attempt.
    pub audits: BTreeMap<usize, Outcome>,
    /// Batches without a result: number and error.
    pub lost: BTreeMap<usize, String>,
    /// Of the last task; `None`: the run ended before it.
    pub conclude: Option<Outcome>,
}

impl<'a> Machine<'a> {
    /// Over the organization called `id`, eight batches at once.
    pub fn over(sandbox: &'a Sandbox, story: &'a Story, id: &str) -> Self {
        let environment = BTreeMap::from([
            ("ROOTWATCH_ORGANIZATION_ID".to_owned(), id.to_owned()),
            ("ROOTWATCH_AUDIT_CONCURRENCY".to_owned(), "8".to_owned()),
        ]);
        Self { sandbox, story, environment, attempts: 1, input: json!({}), refused: BTreeMap::new() }
    }

    /// A whole run.
    pub async fn run(&self, run: &str, started: Timestamp) -> Execution {
        let list = self.list(run, started).await;
        let Ok(listed) = list.answer.clone() else {
            return Execution { list, audits: BTreeMap::new(), lost: BTreeMap::new(), conclude: None };
        };
        if listed["busy"] == true {
            return Execution { list, audits: BTreeMap::new(), lost: BTreeMap::new(), conclude: None };
        }
        let nothing = || (BTreeMap::new(), BTreeMap::new());
        let (audits, lost) = if listed["fault"].is_null() { self.audit(&listed).await } else { nothing() };
        let conclude = Some(self.conclude(run, started, &listed, &lost).await);
        Execution { list, audits, lost, conclude }
    }

    /// The first task.
    pub async fn list(&self, run: &str, started: Timestamp) -> Outcome {
        let event = json!({"task": "list", "run": run, "started": started, "input": self.input});
        self.invoke("organization", event.to_string()).await
    }

    /// The distributed map over the batches that `listed` names; what came of those that were started, and those without a result.
    pub async fn audit(&self, listed: &Value) -> (BTreeMap<usize, Outcome>, BTreeMap<usize, String>) {
        let key = listed["key"].as_str().unwrap_or_else(|| panic!("the list names its batches: {listed}"));
        assert_eq!(listed["bucket"], self.story.report_bucket(), "the batches are in the bucket of the stack");
        let lines = self.sandbox.object(key).unwrap_or_else(|| panic!("there is no {key}"));
        let lines = String::from_utf8(lines).expect("lines of text");
        let concurrency = listed["concurrency"].as_u64().and_then(|most| usize::try_from(most).ok());
        let free = Arc::new(Semaphore::new(concurrency.filter(|most| *most > 0).expect("a concurrency")));
        let (mut lost, mut running) = (self.refused.clone(), JoinSet::new());
        for line in lines.lines() {
            let batch: Value = serde_json::from_str(line).expect("one batch a line");
            let number = batch["batch"].as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number");
            if !self.refused.contains_key(&number) {
                let invoke = self.prepared("member-auditor", line.to_owned());
                running.spawn(attempt(number, invoke, self.attempts, Arc::clone(&free)));
            }
        }
        let mut audits = BTreeMap::new();
        while let Some(ended) = running.join_next().await {
            let (number, outcome) = ended.expect("a batch's task");
            if let Err(error) = &outcome.answer {
                lost.insert(number, error["errorType"].as_str().unwrap_or("Lambda.Unknown").to_owned());
            }
            audits.insert(number, outcome);
        }
        (audits, lost)
    }

    /// The last task.
    pub async fn conclude(
        &self,
        run: &str,
        started: Timestamp,
        listed: &Value,
        lost: &BTreeMap<usize, String>,
    ) -> Outcome {
        let batches = listed["batches"].as_u64().and_then(|batches| usize::try_from(batches).ok()).unwrap_or_default();
        let answer = |batch| match lost.get(&batch) {
            None => json!({"batch": batch}),
            Some(error) => json!({"batch": batch, "error": error}),
        };
        let state = json!({"list": listed, "members": (0..batches).map(answer).collect::<Vec<_>>()});
        let event = json!({"task": "conclude", "run": run, "started": started, "state": state});
        self.invoke("organization", event.to_string()).await
    }

    async fn invoke(&self, function: &str, event: String) -> Outcome {
        runtime::invoke(self.prepared(function, event)).await
    }

    fn prepared(&self, function: &str, event: String) -> Invoke {
        let further: Vec<(String, String)> = self.environment.clone().into_iter().collect();
        Invoke::organization(self.sandbox, self.story, function, &further, event, TIMEOUT)
    }
}

/// One batch, as often as it may be tried.
async fn attempt(number: usize, invoke: Invoke, attempts: usize, free: Arc<Semaphore>) -> (usize, Outcome) {
    let _turn = free.acquire().await.expect("the semaphore stays open");
    // Each from now on: the crash of one attempt does not end the next.
    let start = || runtime::invoke(Invoke { crash: invoke.crash.as_ref().map(Crash::continued), ..invoke.clone() });
    let mut outcome = start().await;
    for _ in 1..attempts {
        if outcome.answer.is_ok() {
            break;
        }
        outcome = start().await;
    }
    (number, outcome)
}
