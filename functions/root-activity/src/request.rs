//! What an event brings: CloudTrail events and canaries in envelopes of EventBridge, from the queue or one by itself.

use facts::record::TrailEvent;
use facts::watch::CANARY;
use facts::{AccountId, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::settings::Canaries;

/// How far the clocks of the two functions may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(1);
/// AWS alone puts events whose source begins so
/// (<https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>): `PutEvents` refuses them.
const OF_AWS: &str = "aws.";
/// Software companies put events on buses of their own with sources that begin so
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas.html>).
const OF_PARTNERS: &str = "aws.partner/";

/// An event that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is not accepted: {fault}. Accepted are a batch of SQS whose bodies are envelopes of EventBridge, and such an envelope by itself"
)]
pub struct RequestError {
    fault: String,
}

/// One event that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// SQS's id of the message; `None` for an envelope by itself.
    pub(crate) message_id: Option<String>,
    /// The event, or why there is none.
    pub(crate) event: Result<Brought, RequestError>,
}

/// What an envelope brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Brought {
    /// An event of CloudTrail.
    Event(TrailEvent),
    /// A canary of the checker, with its Region and when it was sent.
    Canary(String, Timestamp),
}

impl Delivery {
    /// The event of CloudTrail.
    pub(crate) fn event(&self) -> Option<&TrailEvent> {
        match &self.event {
            Ok(Brought::Event(event)) => Some(event),
            _ => None,
        }
    }

    /// The canary: its Region and when it was sent.
    pub(crate) fn canary(&self) -> Option<(&str, Timestamp)> {
        match &self.event {
            Ok(Brought::Canary(region, sent_at)) => Some((region, *sent_at)),
            _ => None,
        }
    }
}

/// Every delivery of `event` at `now`, which must be of `account`; a canary must be one of `canaries`.
///
/// # Errors
/// When it is neither a batch nor an envelope. A message that cannot be read is one delivery's fault.
pub(crate) fn deliveries(
    event: &Value,
    account: &AccountId,
    canaries: Option<&Canaries>,
    now: Timestamp,
) -> Result<Vec<Delivery>, RequestError> {
    let envelope = |event: &Value| envelope(event, account, canaries, now);
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        let event = envelope(event)?;
        return Ok(vec![Delivery { message_id: None, event: Ok(event) }]);
    };
    let id = |record: &Value| record.get("messageId").and_then(Value::as_str).map(str::to_owned);
    let delivery = |record: &Value| {
        let Some(message_id) = id(record) else { return Err(fault("a record has no messageId")) };
        let body = record.get("body").and_then(Value::as_str).ok_or_else(|| fault("a record has no body"));
        let parsed = body.and_then(|body| {
            serde_json::from_str::<Value>(body).map_err(|error| fault(format!("a body is not JSON: {error}")))
        });
        let event = parsed.and_then(|parsed| envelope(&parsed));
        Ok(Delivery { message_id: Some(message_id), event })
    };
    records.iter().map(delivery).collect()
}

fn envelope(
    envelope: &Value,
    account: &AccountId,
    canaries: Option<&Canaries>,
    now: Timestamp,
) -> Result<Brought, RequestError> {
    let text = |name| envelope.get(name).and_then(Value::as_str);
    let (Some(_), Some(source)) = (text("detail-type"), text("source")) else {
        return Err(fault("an envelope has `detail-type` and `source`"));
    };
    match text("account") {
        Some(of) if of == account.as_str() => {}
        of => return Err(fault(format!("it is of account {}, not of {account}", text::bounded(of.unwrap_or("?"))))),
    }
    let detail = envelope.get("detail");
    if source == CANARY {
        return detail.and_then(|detail| canary(detail, canaries?, now)).ok_or_else(|| {
            fault("its canary is for no stack of this name, of no Region that is watched, or was sent at no time of the past")
        });
    }
    if !source.starts_with(OF_AWS) || source.starts_with(OF_PARTNERS) {
        return Err(fault(format!("its source `{}` is no service of AWS: anybody may put it", text::bounded(source))));
    }
    detail
        .and_then(TrailEvent::from_record)
        .map(Brought::Event)
        .ok_or_else(|| fault("its `detail` is no CloudTrail record with `eventName` and `eventID`"))
}

/// Each Region is an item of the table: only those that are watched count, however many an attacker puts.
fn canary(detail: &Value, canaries: &Canaries, now: Timestamp) -> Option<Brought> {
    let text = |name| detail.get(name).and_then(Value::as_str);
    let sent_at: Timestamp = text("sent_at")?.parse().ok()?;
    let region = canaries.regions.iter().find(|region| text("region") == Some(region.as_str()))?;
    let is_ours = text("for") == Some(canaries.addressee.as_str());
    (is_ours && sent_at.duration_since(now) <= SKEW).then(|| Brought::Canary(region.to_owned(), sent_at))
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

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn deliveries(event: &Value, account: &AccountId) -> Result<Vec<Delivery>, RequestError> {
        super::deliveries(event, account, Some(&canaries()), now())
    }

    fn canaries() -> Canaries {
        let regions = ["eu-west-1", "us-east-1"].map(str::to_owned).into();
        Canaries { addressee: "eu-west-1/rootwatch".into(), regions }
    }

    fn canary() -> Value {
        json!({"detail-type": "rootwatch canary", "source": "rootwatch.canary", "account": "111122223333", "detail":
            {"for": "eu-west-1/rootwatch", "region": "us-east-1", "sent_at": "2026-11-20T09:59:48Z"}})
    }

    #[test]
    fn an_act_of_root_comes_from_a_source_of_aws_alone_and_every_other_envelope_is_refused() {
        let with = |source: &str| {
            let mut event = good();
            event["source"] = json!(source);
            deliveries(&event, &account()).map(|_| ()).map_err(|error| error.fault)
        };
        assert_eq!((with("aws.iam"), with("aws.signin")), (Ok(()), Ok(())));
        for source in ["rootwatch.canary", "aws", "AWS.iam", "my.aws.iam", "", "aws.partner/example.com/iam"] {
            let refused = with(source).unwrap_err();
            assert!(refused.contains("anybody may put it") || source == "rootwatch.canary", "{source}: {refused}");
        }
    }

    #[test]
    fn a_canary_names_its_region_and_its_time_and_is_for_this_stack() {
        let brought = deliveries(&canary(), &account()).unwrap().remove(0);
        assert_eq!(brought.canary(), Some(("us-east-1", "2026-11-20T09:59:48Z".parse().unwrap())));
        assert_eq!(brought.event(), None);
        let changes = [
            ("for", json!("us-east-1/rootwatch")),
            ("for", json!(null)),
            ("region", json!("x".repeat(300))),
            ("region", json!("us-east-9")),
            ("sent_at", json!("2026-11-20T10:01:01Z")),
            ("sent_at", json!(7)),
        ];
        for (name, value) in changes {
            let mut changed = canary();
            changed["detail"][name] = value;
            assert!(deliveries(&changed, &account()).is_err(), "{changed}");
        }
        assert!(super::deliveries(&canary(), &account(), None, now()).is_err(), "a stack without a name has none");
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
