//! What wakes the function: SNS, or the queue that keeps what could not be sent at once.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// A message of the topic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SnsMessage {
    /// SNS's id of it, the same in every repeat.
    pub message_id: String,
    /// For the email.
    pub subject: Option<String>,
    /// The body for Lambda.
    pub message: String,
    /// The topic that it was published to.
    pub topic_arn: Option<String>,
    /// When SNS had it.
    #[serde(default, deserialize_with = "time")]
    pub timestamp: Option<Timestamp>,
}

/// An event of another shape. What is in it is not shown: it may be anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is neither a message of SNS (Records[].Sns) nor one of SQS that holds such a message as Lambda's failure \
     destination puts it there (Records[].body with requestPayload): {what}; nothing was called"
)]
pub struct EventError {
    what: &'static str,
}

/// The messages in `event`; SNS and the queue bring one at a time.
///
/// # Errors
/// When any part of it has another shape: nothing of it is sent, and the event is kept as it is.
pub fn messages(event: &Value) -> Result<Vec<SnsMessage>, EventError> {
    let records = records(event)?;
    let of_sqs = |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
    if !records.iter().any(of_sqs) {
        return records.iter().map(message).collect();
    }
    let mut messages = Vec::new();
    for record in records {
        let body = record.get("body").and_then(Value::as_str).ok_or(EventError { what: "a record without a body" })?;
        let body: Value = serde_json::from_str(body).map_err(|_| EventError { what: "a body that is not JSON" })?;
        let payload = body.get("requestPayload").ok_or(EventError { what: "a body without a requestPayload" })?;
        for record in self::records(payload)? {
            messages.push(message(record)?);
        }
    }
    Ok(messages)
}

fn records(event: &Value) -> Result<&Vec<Value>, EventError> {
    let records = event.get("Records").and_then(Value::as_array);
    records.filter(|records| !records.is_empty()).ok_or(EventError { what: "no records" })
}

fn message(record: &Value) -> Result<SnsMessage, EventError> {
    let sns = record.get("Sns").ok_or(EventError { what: "a record without Sns" })?;
    SnsMessage::deserialize(sns).map_err(|_| EventError { what: "an Sns without MessageId or Message" })
}

/// A time that cannot be read leaves no message unsent.
fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().and_then(|time| time.parse().ok()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sns() -> Value {
        json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {
            "Type": "Notification", "MessageId": "m-1", "TopicArn": "arn", "Subject": null, "Message": "text",
            "Timestamp": "2026-11-20T10:00:00.123Z"}}]})
    }

    fn queued(payload: &Value) -> Value {
        let body =
            json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": payload});
        json!({"Records": [{"messageId": "q-1", "eventSource": "aws:sqs", "body": body.to_string()}]})
    }

    #[test]
    fn a_message_is_read_from_sns_and_the_same_from_the_queue() {
        let expected = SnsMessage {
            message_id: "m-1".into(),
            subject: None,
            message: "text".into(),
            topic_arn: Some("arn".into()),
            timestamp: Some("2026-11-20T10:00:00.123Z".parse().unwrap()),
        };
        assert_eq!(messages(&sns()), Ok(vec![expected.clone()]));
        assert_eq!(messages(&queued(&sns())), Ok(vec![expected]));
    }

    #[test]
    fn a_time_that_cannot_be_read_leaves_no_message_unsent() {
        for time in [json!("yesterday"), json!(5), json!(null)] {
            let mut event = sns();
            event["Records"][0]["Sns"]["Timestamp"] = time;
            assert_eq!(messages(&event).unwrap()[0].timestamp, None);
        }
    }

    #[test]
    fn a_message_without_a_topic_is_a_message() {
        let mut event = sns();
        event["Records"][0]["Sns"].as_object_mut().unwrap().remove("TopicArn");
        assert_eq!(messages(&event).unwrap()[0].topic_arn, None);
    }

    #[test]
    fn ct_15_garbage_is_an_error_that_names_what_is_accepted_and_shows_nothing_of_it() {
        let body = |body: &str| json!({"Records": [{"eventSource": "aws:sqs", "body": body}]});
        for event in [
            json!(null),
            json!([]),
            json!({}),
            json!("secret"),
            json!({"Records": []}),
            json!({"Records": "secret"}),
            json!({"Records": [{"Sns": "secret"}]}),
            json!({"Records": [{"Sns": {"MessageId": "m-1"}}]}),
            json!({"Records": [sns()["Records"][0], {"secret": 1}]}),
            json!({"Records": [{"eventSource": "aws:sqs"}]}),
            body("secret"),
            body("{}"),
            queued(&json!({"secret": 1})),
            queued(&queued(&sns())),
        ] {
            let error = messages(&event).unwrap_err().to_string();
            assert!(error.contains("Records[].Sns") && !error.contains("secret"), "{error}");
        }
    }
}
