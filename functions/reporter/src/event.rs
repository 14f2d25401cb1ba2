//! The reporter's events: the result of a check, by way of Lambda's destination; a new page, or an export, on demand.

use facts::text;
use jiff::Timestamp;
use messages::answer::TEST_ALERT;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::exports::Format;

/// How much of Lambda's id of a run stands in a key.
const ID: usize = 8;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Keep the answer of a run.
    Keep(Delivered),
    /// Make page and exports again, of the newest report.
    Renew,
    /// Answer with the newest report in this format.
    Export(Format),
    /// The run sent a test alert and made no report: there is nothing to keep.
    TestAlert,
}

/// The answer of a run, as Lambda passes it on.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The answer.
    pub answer: Map<String, Value>,
    /// Lambda's id of the run: letters, digits and `-`; the same for its retries.
    pub run: String,
    /// When Lambda passed it on; `None`: the record does not say.
    pub at: Option<Timestamp>,
}

/// An event that is not accepted. Nothing of an answer is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is not accepted: {fault}. Accepted are a record of Lambda's destination on success (`requestContext` with `requestId` and \
     `condition`, `responsePayload`), `{{}}` for a new page, and `{{\"export\": \"csv\"}}`, `ocsf` or `junit`"
)]
pub struct RequestError {
    fault: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDemand {
    export: Option<String>,
}

impl Request {
    /// Reads an event.
    ///
    /// # Errors
    /// Anything else, with what is accepted; also the record of a run that failed.
    pub fn parse(event: Value) -> Result<Self, RequestError> {
        let kind = match event {
            Value::Object(fields) if fields.contains_key("requestContext") => {
                let delivered = delivered(fields)?;
                let is_test = delivered.answer.get("schema").and_then(Value::as_str) == Some(TEST_ALERT);
                return Ok(if is_test { Self::TestAlert } else { Self::Keep(delivered) });
            }
            Value::Object(_) => {
                let OnDemand { export } =
                    OnDemand::deserialize(event).map_err(|error| fault(text::bounded(&error.to_string())))?;
                let format = export.map(|name| name.parse::<Format>()).transpose();
                let format = format.map_err(|error| fault(error.to_string()))?;
                return Ok(format.map_or(Self::Renew, Self::Export));
            }
            Value::Array(_) => "it is an array",
            Value::Null => "it is null",
            Value::String(_) => "it is a string",
            Value::Number(_) => "it is a number",
            Value::Bool(_) => "it is true or false",
        };
        Err(fault(kind))
    }
}

fn delivered(mut record: Map<String, Value>) -> Result<Delivered, RequestError> {
    let context = record.get("requestContext").and_then(Value::as_object).ok_or_else(|| fault("no request context"))?;
    let text = |name: &str| context.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("condition") {
        "Success" => {}
        other => return Err(fault(format!("the condition is `{}`, not `Success`", text::bounded(other)))),
    }
    let run: String = text("requestId").chars().take(64).collect();
    if run.len() < ID || !run.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(fault("`requestId` is no id of Lambda's"));
    }
    if record
        .get("responseContext")
        .and_then(|context| context.get("functionError"))
        .is_some_and(|error| !error.is_null())
    {
        return Err(fault("the run failed (`functionError`)"));
    }
    let at = record.get("timestamp").and_then(Value::as_str).and_then(|at| at.parse().ok());
    match record.shift_remove("responsePayload") {
        Some(Value::Object(answer)) if answer.contains_key("errorType") || answer.contains_key("errorMessage") => {
            Err(fault("the run answered with an error"))
        }
        Some(Value::Object(answer)) => Ok(Delivered { answer, run, at }),
        Some(_) => Err(fault("`responsePayload` is no object")),
        None => Err(fault("no `responsePayload`")),
    }
}

impl Delivered {
    /// Where its report is kept: by account, day and second of `taken_at`, and the beginning of the run's id.
    pub fn key(&self, account: &str, taken_at: Timestamp) -> String {
        let id: String = self.run.chars().take(ID).collect();
        format!("reports/{account}/{}-{id}.json", taken_at.strftime("%Y/%m/%d/T%H%M%SZ"))
    }
}

fn fault(fault: impl Into<String>) -> RequestError {
    RequestError { fault: fault.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Value {
        json!({
            "version": "1.0",
            "timestamp": "2026-11-20T10:01:02.345Z",
            "requestContext": {
                "requestId": "0f9e8d7c-0000-4000-8000-000000000001", "functionArn": "arn", "condition": "Success",
                "approximateInvokeCount": 1,
            },
            "requestPayload": {"detail-type": "Scheduled Event"},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
            "responsePayload": {"schema": "rootwatch.report/1"},
        })
    }

    fn without(pointer: &str, value: Value) -> Result<Request, RequestError> {
        let mut record = record();
        *record.pointer_mut(pointer).unwrap() = value;
        Request::parse(record)
    }

    #[test]
    fn the_answer_of_a_run_comes_with_the_runs_id() {
        let Ok(Request::Keep(delivered)) = Request::parse(record()) else { panic!("a report to keep") };
        assert_eq!(Value::Object(delivered.answer.clone()), json!({"schema": "rootwatch.report/1"}));
        assert_eq!(delivered.run, "0f9e8d7c-0000-4000-8000-000000000001");
        assert_eq!(delivered.at, Some("2026-11-20T10:01:02.345Z".parse().unwrap()));
        let taken_at = "2026-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(delivered.key("111122223333", taken_at), "reports/111122223333/2026/01/02/T030405Z-0f9e8d7c.json");
    }

    #[test]
    fn a_dry_or_a_narrow_run_is_kept_all_the_same() {
        assert!(matches!(without("/requestPayload", json!({"dry_run": true})), Ok(Request::Keep(_))));
        assert!(matches!(without("/responsePayload", json!({"is_narrow": true})), Ok(Request::Keep(_))));
        assert!(
            matches!(without("/responsePayload", json!({})), Ok(Request::Keep(_))),
            "what is missing is said later"
        );
    }

    #[test]
    fn the_answer_of_a_test_alert_is_no_report() {
        let test = json!({"schema": TEST_ALERT, "message_id": "1"});
        assert_eq!(without("/responsePayload", test.clone()), Ok(Request::TestAlert));
        assert!(Request::parse(test).is_err(), "by way of the destination only");
    }

    #[test]
    fn a_page_and_every_export_are_made_on_demand() {
        assert_eq!(Request::parse(json!({})), Ok(Request::Renew));
        for format in Format::ALL {
            assert_eq!(Request::parse(json!({"export": format.to_string()})), Ok(Request::Export(format)));
        }
    }

    #[test]
    fn the_record_of_a_run_that_failed_is_an_error_and_shows_nothing_of_it() {
        for (pointer, value, expected) in [
            ("/requestContext", json!("secret"), "no request context"),
            ("/requestContext/condition", json!("RetriesExhausted"), "the condition is `RetriesExhausted`"),
            ("/requestContext/condition", json!(7), "the condition is ``"),
            ("/requestContext/requestId", json!(null), "`requestId`"),
            ("/requestContext/requestId", json!("short"), "`requestId`"),
            ("/requestContext/requestId", json!("../../secret/latest"), "`requestId`"),
            ("/responseContext", json!({"functionError": "Unhandled"}), "the run failed"),
            ("/responsePayload", json!({"errorType": "x", "errorMessage": "secret"}), "answered with an error"),
            ("/responsePayload", json!({"errorMessage": "secret"}), "answered with an error"),
            ("/responsePayload", json!("secret"), "is no object"),
            ("/responsePayload", json!(["secret"]), "is no object"),
            ("/responsePayload", json!(null), "is no object"),
        ] {
            let error = without(pointer, value.clone()).unwrap_err().to_string();
            assert!(error.contains(expected), "{pointer} {value}: {error}");
            assert!(!error.contains("secret") && error.contains("Accepted are"), "{error}");
        }
        let mut record = record();
        record.as_object_mut().unwrap().shift_remove("responsePayload");
        assert!(Request::parse(record).unwrap_err().to_string().contains("no `responsePayload`"));
    }

    #[test]
    fn anything_else_is_an_error_that_names_what_is_accepted() {
        for (event, expected) in [
            (json!(null), "it is null"),
            (json!([]), "it is an array"),
            (json!("x"), "it is a string"),
            (json!(7), "it is a number"),
            (json!(true), "it is true or false"),
            (json!({"dry_run": true}), "unknown field `dry_run`"),
            (json!({"export": "pdf"}), "an export is csv, ocsf or junit, not `pdf`"),
            (json!({"export": 1}), "invalid type"),
            (json!({"schema": "rootwatch.report/1"}), "unknown field `schema`"),
        ] {
            let error = Request::parse(event.clone()).unwrap_err().to_string();
            assert!(error.contains(expected), "{event}: {error}");
            assert!(error.contains("Accepted are") && error.contains("ocsf"), "{error}");
        }
        let large = Request::parse(json!({"x".repeat(256 * 1024): 1})).unwrap_err().to_string();
        assert!(large.len() < 1_000, "{}", large.len());
    }
}
