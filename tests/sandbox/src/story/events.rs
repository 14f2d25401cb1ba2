//! What CloudTrail shows: single events, floods of them, and the sign-ins of a crowd.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) region: String,
    pub(crate) time: Timestamp,
    /// From when on `LookupEvents` shows it.
    pub(crate) visible_at: Timestamp,
    /// As it stands in `Events[]`.
    pub(crate) outer: Value,
}

/// What a root access key does very often, in every enabled Region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// How often in each Region.
    pub times: usize,
    /// When the newest of it happened; unset: five minutes before the story's present.
    pub until: Option<Timestamp>,
    /// How many in a second.
    #[serde(default = "ten")]
    pub a_second: usize,
    /// Bytes of the request, which the record repeats.
    #[serde(default)]
    pub request_bytes: usize,
}

fn ten() -> usize {
    10
}

impl Flood {
    /// So many in each Region, ten a second, the newest of them at `until`.
    pub fn of(times: usize, until: Timestamp) -> Self {
        Self { times, until: Some(until), a_second: ten(), request_bytes: 0 }
    }

    /// When the event `number` happened; the newest has the number 0.
    pub(crate) fn time(&self, number: usize) -> Timestamp {
        let before = i64::try_from(number / self.a_second.max(1)).expect("few events");
        self.until.expect("set when the story is read") - SignedDuration::from_secs(before)
    }

    /// The event `number` of `region`, as `LookupEvents` gives it.
    pub(crate) fn event(&self, number: usize, region: &str, account: &str) -> Value {
        let time = self.time(number);
        let place = region.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let id = format!("{place:08x}-0000-4000-9000-{number:012}");
        let key = "AKIAEXAMPLE000000009";
        let request = (self.request_bytes > 0).then(|| json!({"filter": "x".repeat(self.request_bytes)}));
        let record = json!({
            "eventVersion": "1.11", "eventID": id, "eventTime": time.to_string(), "eventName": "GetCallerIdentity",
            "eventSource": "sts.amazonaws.com", "eventType": "AwsApiCall", "awsRegion": region, "readOnly": true,
            "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2.31.0", "requestParameters": request,
            "responseElements": null, "recipientAccountId": account, "managementEvent": true,
            "eventCategory": "Management",
            "userIdentity": {"type": "Root", "principalId": account, "arn": format!("arn:aws:iam::{account}:root"),
                "accountId": account, "accessKeyId": key},
        });
        json!({
            "EventId": id, "EventName": "GetCallerIdentity", "EventSource": "sts.amazonaws.com", "ReadOnly": "true",
            "EventTime": time.as_second(), "Username": "root", "AccessKeyId": key, "Resources": [],
            "CloudTrailEvent": record.to_string(),
        })
    }
}

/// People who sign in to the console all day long, day and night; none of them is root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// How often a day.
    pub a_day: usize,
    /// The Region that records it.
    pub region: String,
}

impl Crowd {
    const DAY: i64 = 86_400;

    /// The numbers of the sign-ins from `since` to `until`.
    pub(crate) fn between(&self, since: Timestamp, until: Timestamp) -> std::ops::Range<i64> {
        let a_day = i64::try_from(self.a_day).expect("few sign-ins");
        let before = |at: Timestamp| (at.as_second() * a_day).div_euclid(Self::DAY);
        before(since)..before(until)
    }

    /// When the sign-in `number` happened.
    pub(crate) fn time(&self, number: i64) -> Timestamp {
        let a_day = i64::try_from(self.a_day).expect("few sign-ins");
        Timestamp::from_second((number * Self::DAY).div_euclid(a_day) + 1).expect("a time")
    }

    /// The sign-in `number`, as `LookupEvents` gives it.
    pub(crate) fn event(&self, number: i64, account: &str) -> Value {
        let (time, id) = (self.time(number), format!("00000000-0000-4000-8001-{number:012}"));
        let name = format!("user-{}", number % 1_000);
        let record = json!({
            "eventVersion": "1.11", "eventID": id, "eventTime": time.to_string(), "eventName": "ConsoleLogin",
            "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "awsRegion": self.region,
            "readOnly": false, "sourceIPAddress": "198.51.100.9", "userAgent": "Mozilla/5.0",
            "requestParameters": null, "responseElements": {"ConsoleLogin": "Success"},
            "additionalEventData": {"MFAUsed": "Yes"}, "recipientAccountId": account, "managementEvent": true,
            "eventCategory": "Management",
            "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE000000001", "accountId": account,
                "arn": format!("arn:aws:iam::{account}:user/{name}"), "userName": name},
        });
        json!({
            "EventId": id, "EventName": "ConsoleLogin", "EventSource": "signin.amazonaws.com", "ReadOnly": "false",
            "EventTime": time.as_second(), "Username": name, "Resources": [], "CloudTrailEvent": record.to_string(),
        })
    }
}

pub(super) fn event(mut value: Value) -> Event {
    let late = value.as_object_mut().and_then(|fields| fields.shift_remove("visibleAt"));
    let late = late.map(|at| serde_json::from_value(at).expect("visibleAt is a time"));
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    if value.get("EventId").is_some() {
        let time: Timestamp = text("/EventTime").parse().expect("EventTime is a time");
        let region = text("/awsRegion");
        value["EventTime"] = json!(time.as_second());
        if let Some(fields) = value.as_object_mut() {
            fields.remove("awsRegion");
        }
        return Event { region, time, visible_at: late.unwrap_or(time), outer: value };
    }
    let time: Timestamp = text("/eventTime").parse().expect("eventTime is a time");
    let outer = json!({
        "EventId": text("/eventID"),
        "EventName": text("/eventName"),
        "ReadOnly": value["readOnly"].to_string(),
        "EventTime": time.as_second(),
        "EventSource": text("/eventSource"),
        "Username": username(&text),
        "AccessKeyId": text("/userIdentity/accessKeyId"),
        "Resources": [],
        "CloudTrailEvent": value.to_string(),
    });
    Event { region: text("/awsRegion"), time, visible_at: late.unwrap_or(time), outer }
}

/// `root`, a user's name, or that of a federated user, which stands in its ARN alone. No source tells the last one.
fn username(text: &impl Fn(&str) -> String) -> String {
    match text("/userIdentity/type").as_str() {
        "Root" => "root".to_owned(),
        "FederatedUser" => text("/userIdentity/arn").rsplit('/').next().unwrap_or_default().to_owned(),
        _ => text("/userIdentity/userName"),
    }
}
