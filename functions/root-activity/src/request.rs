//! What an event brings: CloudTrail events in envelopes of EventBridge, from the queue or one by itself.

use checklist::root_activity::TrailEvent;
use checklist::{AccountId, text};
use serde_json::Value;

/// An event that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is not accepted: {fault}. Accepted are a batch of SQS whose bodies are envelopes of EventBridge, and such an envelope by itself"
)]
pub struct RequestError {
    fault: String,
}

/// One CloudTrail event that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// SQS's id of the message; `None` for an envelope by itself.
    pub(crate) message_id: Option<String>,
    /// The event, or why there is none.
    pub(crate) event: Result<TrailEvent, RequestError>,
}

/// Every delivery of `event`, which must be of `account`.
///
/// # Errors
/// When it is neither a batch nor an envelope. A message that cannot be read is one delivery's fault.
pub(crate) fn deliveries(event: &Value, account: &AccountId) -> Result<Vec<Delivery>, RequestError> {
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        let event = envelope(event, account)?;
        return Ok(vec![Delivery { message_id: None, event: Ok(event) }]);
    };
    let id = |record: &Value| record.get("messageId").and_then(Value::as_str).map(str::to_owned);
    let delivery = |record: &Value| {
        let Some(message_id) = id(record) else { return Err(fault("a record has no messageId")) };
        let body = record.get("body").and_then(Value::as_str).ok_or_else(|| fault("a record has no body"));
        let parsed = body.and_then(|body| {
            serde_json::from_str::<Value>(body).map_err(|error| fault(format!("a body is not JSON: {error}")))
        });
        let event = parsed.and_then(|parsed| envelope(&parsed, account));
        Ok(Delivery { message_id: Some(message_id), event })
    };
    records.iter().map(delivery).collect()
}

fn envelope(envelope: &Value, account: &AccountId) -> Result<TrailEvent, RequestError> {
    let text = |name| envelope.get(name).and_then(Value::as_str);
    if text("detail-type").is_none() || text("source").is_none() {
        return Err(fault("an envelope has `detail-type` and `source`"));
    }
    match text("account") {
        Some(of) if of == account.as_str() => {}
        of => return Err(fault(format!("it is of account {}, not of {account}", text::bounded(of.unwrap_or("?"))))),
    }
    envelope
        .get("detail")
        .and_then(TrailEvent::from_record)
        .ok_or_else(|| fault("its `detail` is no CloudTrail record with `eventName` and `eventID`"))
}

fn fault(fault: impl Into<String>) -> RequestError {
    RequestError { fault: text::bounded(&fault.into()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account() -> AccountId {
        AccountId::parse("111122223333").unwrap()
    }

    fn good() -> Value {
        json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "account": "111122223333",
            "detail": {"eventName": "CreateAccessKey", "eventID": "00000000-0000-4000-8000-000000000002"}})
    }

    fn record(id: &str, body: &Value) -> Value {
        json!({"messageId": id, "body": body.to_string(), "eventSource": "aws:sqs"})
    }

    #[test]
    fn a_batch_is_as_many_deliveries_as_it_has_messages_and_an_envelope_is_one() {
        let batch = json!({"Records": [record("1", &good()), record("2", &good())]});
        let ids = deliveries(&batch, &account()).unwrap().into_iter().map(|delivery| delivery.message_id.unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), ["1", "2"]);
        let one = deliveries(&good(), &account()).unwrap();
        assert!(one.len() == 1 && one[0].message_id.is_none() && one[0].event.is_ok());
        assert_eq!(deliveries(&json!({"Records": []}), &account()).unwrap(), []);
    }

    #[test]
    fn a_message_that_cannot_be_read_is_its_own_fault_and_no_others() {
        let mut foreign = good();
        foreign["account"] = json!("999900001111");
        let mut nameless = good();
        nameless["detail"] = json!({"eventID": "1"});
        let batch = json!({"Records": [
            record("good", &good()),
            record("foreign", &foreign),
            record("nameless", &nameless),
            {"messageId": "garbage", "body": "{"},
            {"messageId": "empty"},
        ]});
        let deliveries = deliveries(&batch, &account()).unwrap();
        let faults = deliveries.iter().map(|delivery| delivery.event.as_ref().err().map(|error| error.fault.as_str()));
        let faults: Vec<_> = faults.collect();
        assert_eq!(faults[0], None);
        assert_eq!(faults[1], Some("it is of account 999900001111, not of 111122223333"));
        assert_eq!(faults[2], Some("its `detail` is no CloudTrail record with `eventName` and `eventID`"));
        assert!(faults[3].unwrap().starts_with("a body is not JSON"));
        assert_eq!(faults[4], Some("a record has no body"));
    }

    #[test]
    fn ct_15_anything_else_is_an_error_that_names_what_is_accepted() {
        for event in
            [json!(null), json!([]), json!("x"), json!({}), json!({"Records": [{"body": "{}"}]}), json!({"Records": 1})]
        {
            let error = deliveries(&event, &account()).unwrap_err().to_string();
            assert!(error.contains("Accepted are a batch of SQS"), "{event}: {error}");
        }
        let large = json!({"x".repeat(256 * 1024): 1});
        assert!(deliveries(&large, &account()).unwrap_err().to_string().len() < 500);
    }
}
