//! CloudTrail's events, and lenient access to their records: unknown fields, nulls and numbers in place of strings never hide an event.

use jiff::Timestamp;
use serde_json::Value;

use crate::account::{Account, AccountId};
use crate::text::bounded;

/// An event as `LookupEvents` returns it: a few outer fields around the record, which is JSON in a string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailEvent {
    /// `EventId`.
    pub event_id: Option<String>,
    /// `EventName`.
    pub event_name: Option<String>,
    /// `EventSource`.
    pub event_source: Option<String>,
    /// `EventTime`.
    pub time: Option<Timestamp>,
    /// `Username`: `root`, or for root of an account with an alias possibly the alias.
    pub username: Option<String>,
    /// `ReadOnly`.
    pub read_only: Option<bool>,
    /// `AccessKeyId`.
    pub access_key_id: Option<String>,
    /// The Region that was asked.
    pub region: String,
    /// `CloudTrailEvent`.
    pub record: Option<String>,
}

impl TrailEvent {
    /// The event of a bare CloudTrail record, as EventBridge delivers it in `detail`; `None` when it is none.
    pub fn from_record(record: &Value) -> Option<Self> {
        let fields = Fields(record);
        fields.text("/eventName")?;
        fields.text("/eventID")?;
        Some(Self {
            region: fields.text("/awsRegion").unwrap_or_default(),
            record: Some(record.to_string()),
            ..Self::default()
        })
    }
}

/// A record, read by JSON pointer.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Value);

impl Fields<'_> {
    /// Non-empty text, number or truth value.
    pub(crate) fn text(&self, pointer: &str) -> Option<String> {
        match self.0.pointer(pointer)? {
            Value::String(text) => Some(bounded(text)).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// The id of the event that the record is about. A record that CloudTrail wrote a second time, because it knew more by then, has an id of
    /// its own and names the first one
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).
    pub(crate) fn event_id(&self) -> Option<String> {
        self.text("/addendum/originalEventID").or_else(|| self.text("/eventID"))
    }

    /// The account whose record it is; `None` where it names none.
    pub(crate) fn recipient(&self) -> Option<AccountId> {
        self.text("/recipientAccountId").and_then(|id| AccountId::parse(&id).ok())
    }

    /// What such a second record added: the names of fields, or why it was written.
    pub(crate) fn completed(&self) -> Option<String> {
        self.text("/addendum/originalEventID")?;
        let added = self.text("/addendum/updatedFields").or_else(|| self.text("/addendum/reason"));
        Some(added.unwrap_or_else(|| "not recorded".into()))
    }

    /// Why it came to nothing; `None`: it succeeded, as far as the record shows. An error is an error; sign-in events tell their
    /// outcome under their own name, service events in details of their own, and some services answer with the error
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>). A success that
    /// stands there in words is believed.
    pub(crate) fn refusal(&self, event_name: &str) -> Option<String> {
        let error = ["/errorCode", "/errorMessage", "/responseElements/errorCode", "/responseElements/errorMessage"]
            .iter()
            .find_map(|pointer| self.text(pointer));
        let outcome = ["responseElements", "serviceEventDetails"]
            .iter()
            .find_map(|part| self.0.get(part)?.get(event_name)?.as_str())
            .map(str::to_ascii_lowercase);
        match outcome.as_deref() {
            Some("success") => None,
            Some("failure" | "failed") => error.or_else(|| Some("Failure".into())),
            _ => error,
        }
    }

    /// `true`, `"true"`, `"Yes"` in any case, or their opposites.
    pub(crate) fn truth(&self, pointer: &str) -> Option<bool> {
        match self.text(pointer)?.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }
}

/// An event in CloudTrail's console; `None` when its id or its Region is not one that AWS gives.
pub(crate) fn console_url(event_id: &str, region: &str, account: &Account) -> Option<String> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain(event_id) && plain(region) && !region.is_empty()).then(|| {
        let domain = account.partition.console_domain();
        format!("https://{region}.{domain}/cloudtrailv2/home?region={region}#/events/{event_id}")
    })
}
