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
    /// An event of CloudTrail, and the account that it is of.
    Event(AccountId, TrailEvent),
    /// A canary of the checker, with its Region and when it was sent.
    Canary(String, Timestamp),
}

impl Delivery {
    /// The event of CloudTrail, and the account that it is of.
    pub(crate) fn event(&self) -> Option<(&AccountId, &TrailEvent)> {
        match &self.event {
            Ok(Brought::Event(account, event)) => Some((account, event)),
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

/// What an envelope is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted<'a> {
    /// The account of the function.
    pub(crate) account: &'a AccountId,
    /// The canaries of this stack.
    pub(crate) canaries: Option<&'a Canaries>,
    /// ARN of the queue that events of member accounts come by.
    pub(crate) members: Option<&'a str>,
    /// The present.
    pub(crate) now: Timestamp,
}

/// Every delivery of `event`. What comes by the queue of the members is of a member, and all else is of the function's own account.
///
/// # Errors
/// When it is neither a batch nor an envelope. A message that cannot be read is one delivery's fault.
pub(crate) fn deliveries(event: &Value, accepted: Accepted) -> Result<Vec<Delivery>, RequestError> {
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        let event = accepted.own(event)?;
        return Ok(vec![Delivery { message_id: None, event: Ok(event) }]);
    };
    let text = |record: &Value, name| record.get(name).and_then(Value::as_str).map(str::to_owned);
    let delivery = |record: &Value| {
        let Some(message_id) = text(record, "messageId") else { return Err(fault("a record has no messageId")) };
        let body = record.get("body").and_then(Value::as_str).ok_or_else(|| fault("a record has no body"));
        let parsed = body.and_then(|body| {
            serde_json::from_str::<Value>(body).map_err(|error| fault(format!("a body is not JSON: {error}")))
        });
        // Lambda says which queue it took the message from: no sender can.
        let is_by_members = accepted.members.is_some() && text(record, "eventSourceARN").as_deref() == accepted.members;
        let event =
            parsed.and_then(|parsed| if is_by_members { accepted.of_member(&parsed) } else { accepted.own(&parsed) });
        Ok(Delivery { message_id: Some(message_id), event })
    };
    records.iter().map(delivery).collect()
}

impl Accepted<'_> {
    /// An envelope of the function's own account.
    fn own(self, envelope: &Value) -> Result<Brought, RequestError> {
        let (source, account) = outer(envelope)?;
        if account != Some(self.account.as_str()) {
            let of = text::bounded(account.unwrap_or("?"));
            return Err(fault(format!("it is of account {of}, not of {}", self.account)));
        }
        if source == CANARY {
            return self.canaries.and_then(|canaries| canary(envelope, canaries, self.now)).ok_or_else(|| {
                fault(
                    "its canary is for no stack of this name, of no Region that is watched, from a Region that it does not name, or was sent at \
                     no time of the past",
                )
            });
        }
        by_aws(source)?;
        Ok(Brought::Event(self.account.clone(), record(envelope)?))
    }

    /// An envelope of a member account, by the organization's bus. EventBridge writes `account`, and CloudTrail `recipientAccountId`: a
    /// record that was put into another account's envelope has them apart.
    fn of_member(self, envelope: &Value) -> Result<Brought, RequestError> {
        let (source, account) = outer(envelope)?;
        by_aws(source)?;
        let account = account.and_then(|account| AccountId::parse(account).ok());
        let account = account.ok_or_else(|| fault("its `account` is no account"))?;
        if account == *self.account {
            return Err(fault("it is of this account, whose events come by another queue"));
        }
        let recipient = envelope.pointer("/detail/recipientAccountId").and_then(Value::as_str);
        if recipient != Some(account.as_str()) {
            let of = text::bounded(recipient.unwrap_or("?"));
            return Err(fault(format!("account {account} sent a record of account {of}: it may be forged")));
        }
        Ok(Brought::Event(account, record(envelope)?))
    }
}

/// Source and account of an envelope.
fn outer(envelope: &Value) -> Result<(&str, Option<&str>), RequestError> {
    let text = |name| envelope.get(name).and_then(Value::as_str);
    let (Some(_), Some(source)) = (text("detail-type"), text("source")) else {
        return Err(fault("an envelope has `detail-type` and `source`"));
    };
    Ok((source, text("account")))
}

fn by_aws(source: &str) -> Result<(), RequestError> {
    if source.starts_with(OF_AWS) && !source.starts_with(OF_PARTNERS) {
        return Ok(());
    }
    Err(fault(format!("its source `{}` is no service of AWS: anybody may put it", text::bounded(source))))
}

fn record(envelope: &Value) -> Result<TrailEvent, RequestError> {
    let record = envelope.get("detail").and_then(TrailEvent::from_record);
    record.ok_or_else(|| fault("its `detail` is no CloudTrail record with `eventName` and `eventID`"))
}

/// Each Region is an item of the table: only those that are watched count, however many an attacker puts. EventBridge writes `region`,
/// where an event originated (<https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>): whoever puts a canary in
/// one Region proves nothing of another.
fn canary(envelope: &Value, canaries: &Canaries, now: Timestamp) -> Option<Brought> {
    let text = |name| envelope.get("detail")?.get(name)?.as_str();
    let sent_at: Timestamp = text("sent_at")?.parse().ok()?;
    let origin = envelope.get("region")?.as_str()?;
    let is_named = |region: &&String| text("region") == Some(region.as_str()) && origin == region.as_str();
    let region = canaries.regions.iter().find(is_named)?;
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
        super::deliveries(event, accepted(account, Some(&canaries())))
    }

    fn accepted<'a>(account: &'a AccountId, canaries: Option<&'a Canaries>) -> Accepted<'a> {
        Accepted { account, canaries, members: Some(MEMBERS), now: now() }
    }

    const MEMBERS: &str = "arn:aws:sqs:eu-west-1:111122223333:rootwatch-OrganizationQueue-1ABC";

    fn canaries() -> Canaries {
        let regions = ["eu-west-1", "us-east-1"].map(str::to_owned).into();
        Canaries { addressee: "eu-west-1/rootwatch".into(), regions }
    }

    fn canary() -> Value {
        json!({"detail-type": "rootwatch canary", "source": "rootwatch.canary", "account": "111122223333", "region": "us-east-1",
            "detail": {"for": "eu-west-1/rootwatch", "region": "us-east-1", "sent_at": "2026-11-20T09:59:48Z"}})
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
        assert!(super::deliveries(&canary(), accepted(&account(), None)).is_err(), "a stack without a name has none");
    }

    fn good() -> Value {
        json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "account": "111122223333",
            "detail": {"eventName": "CreateAccessKey", "eventID": "00000000-0000-4000-8000-000000000002"}})
    }

    fn record(id: &str, body: &Value) -> Value {
        json!({"messageId": id, "body": body.to_string(), "eventSource": "aws:sqs"})
    }

    /// The account of the event, or why there is none, of `envelope` by the queue `arn`.
    fn by(arn: &str, envelope: &Value) -> Result<String, String> {
        let mut record = record("1", envelope);
        record["eventSourceARN"] = json!(arn);
        let brought = deliveries(&json!({"Records": [record]}), &account()).unwrap().remove(0);
        brought.event.clone().map_err(|error| error.fault)?;
        Ok(brought.event().map(|(account, _)| account.to_string()).unwrap_or_default())
    }

    #[test]
    fn an_event_of_a_member_comes_by_the_queue_of_the_members_alone() {
        let mut of_member = good();
        of_member["account"] = json!("222233334444");
        of_member["detail"]["recipientAccountId"] = json!("222233334444");
        assert_eq!(by(MEMBERS, &of_member), Ok("222233334444".into()));
        let own = "arn:aws:sqs:eu-west-1:111122223333:rootwatch-EventsQueue-1ABC";
        assert_eq!(by(own, &of_member).unwrap_err(), "it is of account 222233334444, not of 111122223333");
        assert!(deliveries(&of_member, &account()).is_err(), "nor by itself");
        assert_eq!(by(own, &good()), Ok("111122223333".into()));
        let account = account();
        let without = Accepted { members: None, ..accepted(&account, None) };
        let batch = json!({"Records": [record("1", &of_member)]});
        assert!(super::deliveries(&batch, without).unwrap()[0].event.is_err(), "a stack without members has none");
    }

    #[test]
    fn a_member_forges_nothing() {
        let mut of_member = good();
        of_member["account"] = json!("222233334444");
        of_member["detail"]["recipientAccountId"] = json!("222233334444");
        let changes = [
            ("/account", json!("333344445555"), "account 333344445555 sent a record of account 222233334444"),
            ("/account", json!("111122223333"), "it is of this account"),
            ("/account", json!("o-exampleorgid"), "its `account` is no account"),
            ("/account", json!(null), "its `account` is no account"),
            ("/detail/recipientAccountId", json!("111122223333"), "sent a record of account 111122223333"),
            ("/detail/recipientAccountId", json!(null), "sent a record of account ?"),
            ("/source", json!("my.iam"), "anybody may put it"),
            ("/source", json!("aws.partner/example.com/iam"), "anybody may put it"),
            ("/source", json!("rootwatch.canary"), "anybody may put it"),
            ("/detail/eventID", json!(null), "its `detail` is no CloudTrail record"),
        ];
        for (pointer, value, why) in changes {
            let mut forged = of_member.clone();
            *forged.pointer_mut(pointer).unwrap() = value;
            let refused = by(MEMBERS, &forged).unwrap_err();
            assert!(refused.contains(why), "{pointer}: {refused}");
        }
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
