//! What programs are sent: written by the functions that send, read again by those that pass it on.

use std::borrow::Cow;

use alerts::{Alert, What, of_root};
use facts::account::Account;
use facts::severity::Severity;
use facts::text::bounded;
use jiff::Timestamp;
use members::Run;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Session, TestAlert};

/// What [`Notification::schema`] says. The number changes when a field changes its meaning or goes.
pub const SCHEMA: &str = "rootwatch.notification/1";

/// What programs are sent. Its JSON Schema is `docs/notification.schema.json`.
///
/// Reading is lenient, as a newer version may have written it: fields that are not known are passed over, and an alert that is
/// not known becomes [`What::Unreadable`] among the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(description = "What programs are sent. Its JSON Schema is `docs/notification.schema.json`.")
)]
pub struct Notification<'a> {
    /// `rootwatch.notification/1`; the number changes when a field changes its meaning or goes.
    pub schema: Cow<'a, str>,
    /// Version of rootwatch.
    pub version: Cow<'a, str>,
    /// Id of the first alert. Each has one of its own, stable over repeats: use those to join what belongs together.
    pub id: Cow<'a, str>,
    /// The subject of the email.
    pub subject: Cow<'a, str>,
    /// The account's status in one sentence: `INCOMPLETE: …` with what is unknown, root's controls first; else what fails, or what is
    /// suppressed. Where no check was made for this message, as when root acts, it is `null`, or says so if something is resolved.
    #[serde(default)]
    pub headline: Option<Cow<'a, str>>,
    /// The worst of what follows.
    pub severity: Severity,
    /// The account.
    pub account: Cow<'a, Account>,
    /// When it was composed.
    #[serde(rename = "told_at")]
    pub sent_at: Timestamp,
    /// The state store failed: all of it may be sent again, with other ids for episodes.
    pub repeats_possible: bool,
    /// Where the runbook is: an address, or its path in the project.
    pub runbook: Cow<'a, str>,
    /// With a digest, a signed link to the page of the newest report, good for 12 hours at most: anyone who has it can read the report.
    /// `null` without a digest, or where no reports are kept.
    #[serde(default)]
    pub report_url: Option<Cow<'a, str>>,
    /// Where the newest report is in the S3 console; the address stays the same. `null` where it is not known.
    #[serde(default)]
    pub report_page: Option<Cow<'a, str>>,
    /// Where the dashboard of rootwatch is in the CloudWatch console. `null` where it is not known.
    #[serde(default)]
    pub dashboard: Option<Cow<'a, str>>,
    /// A person asked for this test alert: it reports nothing, and has no root activity and no alerts. `null` in every real message.
    #[serde(default)]
    pub test_alert: Option<TestAlert>,
    /// The result of one run over an organization: such a message has no root activity and no alerts beside it, and `account` is the one of
    /// the stack that audits. `null` in every message about a single account.
    #[serde(default, deserialize_with = "organization")]
    pub organization: Option<Run>,
    /// Root activity, by session: the most severe session first.
    pub root_sessions: Vec<Session<'a>>,
    /// Everything else, most severe first.
    #[serde(deserialize_with = "alerts")]
    pub alerts: Vec<Cow<'a, Alert>>,
    /// Root activity and alerts that were left out to keep SNS's limit of size; of an organization, findings.
    pub left_out: usize,
    /// How many of them are failed sign-ins, which anyone can cause.
    #[serde(default)]
    pub left_out_sign_ins: usize,
}

impl Notification<'_> {
    /// Everything in it, as it was before it was put in order. When root activity was seen is not in it.
    pub(super) fn all_alerts(&self) -> Vec<Alert> {
        let acts = self.root_sessions.iter().flat_map(|session| &session.acts);
        let acts = acts.map(|act| of_root(act, &self.account, self.sent_at));
        acts.chain(self.alerts.iter().map(|alert| alert.clone().into_owned())).collect()
    }
}

/// A newer version may say what this one cannot read: the subject and the headline are there all the same.
fn organization<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Run>, D::Error> {
    Ok(Option::<Value>::deserialize(deserializer)?.and_then(|value| Run::deserialize(value).ok()))
}

/// Each alert for itself: what another version says hides nothing else.
fn alerts<'de, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cow<'a, Alert>>, D::Error> {
    /// What every alert has.
    #[derive(Deserialize)]
    struct Outer {
        id: String,
        at: Timestamp,
        severity: Severity,
        account: Account,
    }
    let read = |value: Value| {
        Alert::deserialize(&value).or_else(|_| {
            let Outer { id, at, severity, account } = Outer::deserialize(&value)?;
            let text = value.as_object().and_then(|fields| fields.get("kind")).unwrap_or(&value).to_string();
            Ok(Alert { id: bounded(&id), at, severity, account, what: What::Unreadable { text: bounded(&text) } })
        })
    };
    let values = Vec::<Value>::deserialize(deserializer)?;
    values
        .into_iter()
        .map(|value| read(value).map(Cow::Owned))
        .collect::<Result<_, serde_json::Error>>()
        .map_err(D::Error::custom)
}
