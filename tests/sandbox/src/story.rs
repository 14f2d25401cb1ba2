//! An account as a folder of files. What a folder lacks comes from the folder that its `story.json` names as `from`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::baseline::{Baseline, Holders};
use crate::dynamodb::TABLE;
use crate::fault::Fault;

pub(crate) use self::events::Event;
pub use self::events::{Crowd, Flood};
pub use self::folder::scenarios;
pub use self::parts::Subscription;
pub(crate) use self::parts::{Device, Group, Identities, ReportEncoding, Trail, User};

mod events;
mod folder;
mod growth;
mod parts;
#[cfg(test)]
mod tests;

/// The parameter that holds the URL of Slack's webhook.
pub const WEBHOOK_PARAMETER: &str = "/rootwatch/slack-webhook";
/// The variable in which the owner states what AWS does not tell.
const ATTESTATIONS: &str = "ROOTWATCH_ATTESTATIONS";
const WEBHOOK: &str = "/services/T0EXAMPLE/B0EXAMPLE/secret-of-the-webhook";

/// An account, and what happens to somebody who reads it.
#[derive(Debug, Clone)]
pub struct Story {
    /// Name of the folder: what comes out.
    pub name: String,
    /// One sentence on what is in it.
    pub about: String,
    /// The present, inside the story.
    pub now: Timestamp,
    /// Account id.
    pub account: String,
    /// Account alias.
    pub alias: Option<String>,
    /// The event that the function gets.
    pub event: Value,
    /// `ROOTWATCH_*` variables beside the topic and the table.
    pub environment: BTreeMap<String, String>,
    /// Enabled Regions.
    pub regions: Vec<String>,
    /// Entries of a page at most, below what the caller asks for: AWS gives short pages too.
    pub page_size: usize,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Parameters of the Parameter Store, all of them secret; `{sandbox}` in a value is the sandbox's own URL.
    pub parameters: BTreeMap<String, String>,
    /// The paths that Slack knows as webhooks.
    pub webhooks: Vec<String>,
    /// Who gets what the function publishes.
    pub subscriptions: Vec<Subscription>,
    /// What `GenerateCredentialReport` answers, in turn; the last one again and again.
    pub(crate) report_states: Vec<String>,
    /// Errors that `GetCredentialReport` answers before the report.
    pub(crate) report_errors: Vec<String>,
    pub(crate) report_generated_at: Timestamp,
    pub(crate) credential_report: Vec<u8>,
    pub(crate) report_encoding: ReportEncoding,
    pub(crate) account_summary: BTreeMap<String, i32>,
    pub(crate) password_policy: Option<BTreeMap<String, Value>>,
    pub(crate) identities: Identities,
    pub(crate) administrators: Holders,
    pub(crate) virtual_mfa_devices: Vec<Device>,
    pub(crate) trails: Vec<Trail>,
    /// Rules and schedules that are not as they should be, as `rule NAME in REGION` and `schedule NAME`: their state, or `null`
    /// for what is not there.
    pub(crate) watch: BTreeMap<String, Option<String>>,
    /// Events as `LookupEvents` gives them, `awsRegion` beside them.
    pub(crate) events: Vec<Event>,
    /// Sign-ins of others beside them, made when they are looked up.
    pub crowd: Option<Crowd>,
    /// Very many events beside them, made when they are looked up.
    pub flood: Option<Flood>,
    /// What lies beyond the five steps.
    pub(crate) baseline: Baseline,
    /// The same as written, for the stories that are `from` this one.
    parts: Map<String, Value>,
    /// What the owner states unless a story says otherwise.
    statements: String,
}

impl Story {
    /// The same account at a later present. Events stay where they are, and the credential report gets older.
    #[must_use]
    pub fn later(&self, by: SignedDuration) -> Self {
        Self { now: self.now + by, ..self.clone() }
    }

    /// The same account at a later present, with a credential report that is as young as before.
    #[must_use]
    pub fn later_with_a_young_report(&self, by: SignedDuration) -> Self {
        Self { report_generated_at: self.report_generated_at + by, ..self.later(by) }
    }

    /// The same account, in which root did nothing.
    #[must_use]
    pub fn without_events(self) -> Self {
        Self { events: Vec::new(), flood: None, crowd: None, ..self }
    }

    /// The same account, in which the first of root's events came so many times, a second apart, and no other one.
    #[must_use]
    pub fn with_a_flood_of(mut self, times: usize) -> Self {
        self.events.truncate(1);
        self.multiply_events(times);
        self
    }

    /// The same account, in which CloudTrail shows each event only so long after it happened.
    #[must_use]
    pub fn shown_late(mut self, by: SignedDuration) -> Self {
        self.events.iter_mut().for_each(|event| event.visible_at = event.time + by);
        self
    }

    /// The same in another account.
    pub(crate) fn in_account(mut self, account: &str) -> Self {
        let report = String::from_utf8_lossy(&self.credential_report).replace(&self.account, account);
        self.credential_report = report.into_bytes();
        for event in &mut self.events {
            let text = event.outer.to_string().replace(&self.account, account);
            event.outer = serde_json::from_str(&text).expect("an event, as before");
        }
        account.clone_into(&mut self.account);
        self
    }

    /// The present and the events of this story, all else from the story called `name`.
    #[must_use]
    pub fn with_account_of(self, name: &str) -> Self {
        let Self { now, events, flood, .. } = self;
        Self { now, events, flood, ..Self::at(name, now) }
    }

    /// Where the function publishes.
    pub fn topic_arn(&self) -> String {
        format!("arn:aws:sns:eu-west-1:{}:rootwatch", self.account)
    }

    /// Where what is meant for Amazon Q is published.
    pub fn chat_topic_arn(&self) -> String {
        format!("{}-chat", self.topic_arn())
    }

    /// Where reports are kept.
    pub fn report_bucket(&self) -> String {
        format!("rootwatch-reports-{}", self.account)
    }

    /// The same in a stack as the template deploys it: with a bucket for reports, so that messages link the report.
    #[must_use]
    pub fn with_report_bucket(mut self) -> Self {
        self.environment.insert("ROOTWATCH_REPORT_BUCKET".into(), self.report_bucket());
        self
    }

    /// The same where what wakes the function is in another state; see the folder's `watch.json`.
    #[must_use]
    pub fn with_watch(mut self, name: &str, state: Option<&str>) -> Self {
        self.watch.insert(name.to_owned(), state.map(str::to_owned));
        self
    }

    /// The queue to which the rules at home lead.
    pub fn queue_arn(&self) -> String {
        format!("arn:aws:sqs:eu-west-1:{}:rootwatch-EventsQueue", self.account)
    }

    /// The role with which the rules of other Regions lead there.
    pub fn forwarder_arn(&self) -> String {
        format!("arn:aws:iam::{}:role/rootwatch-ForwarderRole", self.account)
    }

    /// The function's own ARN.
    pub fn function_arn(&self) -> String {
        format!("arn:aws:lambda:eu-west-1:{}:function:rootwatch", self.account)
    }

    /// The function's environment.
    pub fn variables(&self) -> Vec<(String, String)> {
        let fixed = [
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("ROOTWATCH_TOPIC_ARN", self.topic_arn()),
            ("ROOTWATCH_TABLE", TABLE.to_owned()),
            ("ROOTWATCH_SCHEDULE", "rootwatch-schedule".to_owned()),
            ("ROOTWATCH_RULES", "rootwatch-root,rootwatch-tampering".to_owned()),
            ("ROOTWATCH_FORWARD_REGIONS", "us-east-1,us-east-2,us-west-2".to_owned()),
            ("ROOTWATCH_STACK", "rootwatch".to_owned()),
            ("ROOTWATCH_QUEUE_ARN", self.queue_arn()),
            ("ROOTWATCH_FORWARDER_ROLE_ARN", self.forwarder_arn()),
        ];
        fixed.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(self.environment.clone()).collect()
    }
}
