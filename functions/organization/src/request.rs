//! The function's events, and what the state machine keeps between them.

use facts::AccountId;
use facts::text::bounded;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One task of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Request {
    /// List the accounts, and batch those that are audited.
    List(Task),
    /// Put the batches' results together, and send what is new.
    Conclude(Box<Conclude>),
}

/// Which run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Task {
    /// Name of the execution.
    pub run: String,
    /// When it began.
    pub started: Timestamp,
    /// What the execution was started with.
    #[serde(default)]
    pub input: Option<Input>,
}

/// What a person may ask of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Input {
    /// What is read whole; `None`: what is due.
    #[serde(default)]
    pub deep: Option<Deep>,
}

/// Which accounts are read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deep {
    /// All of them.
    All,
}

/// What the machine goes on with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Another run is under way: this one ends.
    #[serde(default)]
    pub busy: bool,
    /// Why the organization cannot be audited: no batch is.
    #[serde(default)]
    pub fault: Option<String>,
    /// Where the batches are.
    #[serde(default)]
    pub bucket: String,
    /// Key of their list.
    #[serde(default)]
    pub key: String,
    /// How many accounts are listed.
    #[serde(default)]
    pub accounts: usize,
    /// How many batches there are.
    #[serde(default)]
    pub batches: usize,
    /// How many of them are audited at once.
    #[serde(default)]
    pub concurrency: u16,
    /// The management account; `None` where that is not known.
    #[serde(default)]
    pub management: Option<AccountId>,
}

/// What the run has so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Conclude {
    /// Which run.
    #[serde(flatten)]
    pub task: Task,
    /// The machine's state.
    pub state: State,
}

/// The machine's state before the last task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct State {
    /// The answer of the first task.
    pub list: Listed,
    /// One answer a batch. One that cannot be read says nothing: the rows of its batch are there, or are not.
    #[serde(default, deserialize_with = "answers")]
    pub members: Vec<BatchAnswer>,
    /// Why the map failed as a whole.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// What the machine has of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BatchAnswer {
    /// Its number.
    pub batch: usize,
    /// Why it has no result.
    #[serde(default)]
    pub error: Option<String>,
}

fn answers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BatchAnswer>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

/// A failed state (<https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// Name of the error.
    #[serde(rename = "Error")]
    pub error: String,
    /// More about it.
    #[serde(rename = "Cause", default)]
    pub cause: Option<String>,
}

/// An event that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is not accepted: {0}. Accepted are the tasks of the state machine, `list` and `conclude`; start a run with `aws stepfunctions start-execution`, with the input {{}} or {{\"deep\": \"all\"}}"
)]
pub struct RequestError(String);

impl Request {
    /// Reads an event.
    ///
    /// # Errors
    /// Anything that the state machine does not send; also a run's name that would leave its folder.
    pub fn parse(event: Value) -> Result<Self, RequestError> {
        let request: Self = serde_json::from_value(event).map_err(|error| RequestError(bounded(&error.to_string())))?;
        let run = &request.task().run;
        if members::is_run(run) {
            Ok(request)
        } else {
            Err(RequestError(format!("`{}` is no name of an execution", bounded(run))))
        }
    }

    /// Which run it is of.
    pub fn task(&self) -> &Task {
        match self {
            Self::List(task) => task,
            Self::Conclude(conclude) => &conclude.task,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_tasks_of_the_machine_are_read_with_or_without_a_map() {
        let started = "2026-11-20T10:00:00Z";
        assert!(matches!(
            Request::parse(json!({"task": "list", "run": "r-1", "started": started})),
            Ok(Request::List(_))
        ));
        let deep = |input| match Request::parse(json!({"task": "list", "run": "r", "started": started, "input": input}))
        {
            Ok(Request::List(task)) => task.input.and_then(|input| input.deep),
            other => panic!("{other:?}"),
        };
        assert_eq!(deep(json!({"deep": "all"})), Some(Deep::All));
        assert_eq!([deep(json!({})), deep(json!(null)), deep(json!({"by": "alice"}))], [None; 3]);
        let list = json!({"accounts": 3, "batches": 1, "concurrency": 8, "management": "111122223333"});
        let state = json!({"list": list, "members": [{"batch": 0}, {"batch": 1, "error": "States.Timeout"}, {"Error": "?"}, null]});
        let event = json!({"task": "conclude", "run": "r-1", "started": started, "state": state});
        let Ok(Request::Conclude(conclude)) = Request::parse(event) else { panic!("it is read") };
        assert_eq!(conclude.state.members[1].error.as_deref(), Some("States.Timeout"));
        let state = json!({"list": list, "failure": {"Error": "States.ItemReaderFailed", "Cause": "no key"}});
        let event = json!({"task": "conclude", "run": "r-1", "started": started, "state": state});
        let Ok(Request::Conclude(conclude)) = Request::parse(event) else { panic!("it is read") };
        assert_eq!(conclude.state.failure.unwrap().error, "States.ItemReaderFailed");
    }

    #[test]
    fn anything_else_is_refused_with_what_is_accepted() {
        for event in [
            json!({}),
            json!({"task": "audit"}),
            json!({"task": "list", "run": "../x", "started": "2026-11-20T10:00:00Z"}),
            json!({"task": "list", "run": "", "started": "2026-11-20T10:00:00Z"}),
            json!({"task": "list", "run": "r", "started": "yesterday"}),
            json!({"task": "list", "run": "r", "started": "2026-11-20T10:00:00Z", "input": {"deep": "some"}}),
        ] {
            let error = Request::parse(event).unwrap_err();
            assert!(error.to_string().contains("start-execution"), "{error}");
        }
    }
}
