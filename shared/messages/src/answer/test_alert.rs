//! What the function answers to the request for a test alert.

use facts::account::Account;
use facts::text::bounded;
use serde::Serialize;

use crate::message::test_alert::{LINK_LASTS, not_confirmed};
use crate::{Message, TestAlert};

/// What [`TestAlertAnswer::schema`] says: it is no report. The number changes when a field changes its meaning or goes.
pub const TEST_ALERT: &str = "rootwatch.test-alert/1";

/// What the function answers to the request for a test alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestAlertAnswer {
    /// `rootwatch.test-alert/1`.
    pub schema: &'static str,
    /// Version of rootwatch.
    pub version: &'static str,
    /// The account.
    pub account: Account,
    /// SNS's id of the message; `null` in a dry run, and where no one would get it.
    pub message_id: Option<String>,
    /// The stack, its Region, and who gets alerts.
    #[serde(flatten)]
    pub test: TestAlert,
    /// The subject of the email.
    pub subject: String,
    /// The email.
    pub text: String,
    /// In a sentence: what was sent to whom.
    pub summary: String,
    /// What keeps alerts from someone, each with what to do; empty when all is well.
    pub problems: Vec<String>,
}

/// How the sending ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// It was a dry run.
    Dry,
    /// No subscription is confirmed: nothing was published.
    NoSubscriber,
    /// SNS took it, with this id.
    Sent(String),
}

/// Whether the message arrived by a function of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// The other end took it.
    Yes,
    /// It did not, and why.
    No(String),
    /// The function's note could not be read.
    Unknown,
}

impl TestAlertAnswer {
    /// The answer after `message` was sent or not; `arrived` by each channel that has a function of ours, `unread`: why the subscriptions
    /// could not be read.
    pub fn new(
        account: Account,
        test: TestAlert,
        message: Message,
        topic_arn: &str,
        sending: Sending,
        arrived: &[(&str, Arrived)],
        unread: Option<String>,
    ) -> Self {
        let whom = test.recipients.map_or_else(|| "an unknown number of subscribers".into(), |whom| whom.words());
        let mut summary = match &sending {
            Sending::Dry => format!("Dry run: nothing was sent. A test alert would go to: {whom}."),
            Sending::NoSubscriber => "No test alert was sent, because no subscription is confirmed.".into(),
            Sending::Sent(_) => format!("A test alert of account {account} was sent to: {whom}."),
        };
        let mut problems = Vec::new();
        let subscribe = format!(
            "aws sns subscribe --topic-arn {topic_arn} --protocol email --notification-endpoint you@example.com"
        );
        let has_none = test.recipients.is_some_and(|recipients| !recipients.are_any());
        let pending = test.recipients.map_or(0, |recipients| recipients.pending);
        if has_none {
            let open = if pending > 0 { "Open the link in the email from AWS. " } else { "" };
            problems.push(format!(
                "No confirmed subscriber: no one receives alerts. {open}{LINK_LASTS}. For a new link, subscribe again: {subscribe}"
            ));
        } else if pending > 0 {
            let words = not_confirmed(pending);
            problems.push(format!("Not confirmed yet: {words} For a new link: {subscribe}"));
        }
        problems.extend(unread.map(|why| format!("It is unknown who receives alerts: {why}")));
        for (channel, arrived) in arrived {
            match arrived {
                Arrived::Yes => summary.push_str(&format!(" {channel} accepted it.")),
                Arrived::No(why) => {
                    problems.push(format!("{channel} did not accept it: {}. It is not sent again.", plain(why)));
                }
                Arrived::Unknown => {
                    problems.push(format!("It is unknown whether {channel} accepted it: look into the channel."));
                }
            }
        }
        if matches!(sending, Sending::Sent(_)) && test.recipients.is_some_and(|recipients| recipients.email > 0) {
            summary.push_str(" Look for the email, in the spam folder too.");
        }
        let message_id = match sending {
            Sending::Sent(id) => Some(id),
            Sending::Dry | Sending::NoSubscriber => None,
        };
        let Message { subject, text, .. } = message;
        let version = env!("CARGO_PKG_VERSION");
        let problems = problems.iter().map(|problem| unquoted(problem)).collect();
        let summary = unquoted(&summary);
        Self { schema: TEST_ALERT, version, account, message_id, test, subject, text, summary, problems }
    }
}

/// What others said, as a part of a sentence.
fn plain(text: &str) -> String {
    bounded(text).trim_end_matches('.').to_owned()
}

/// `text` that is the same in JSON: shells print it without a parser.
fn unquoted(text: &str) -> String {
    text.chars().map(|char| if char == '"' || char == '\\' || char.is_control() { '\'' } else { char }).collect()
}
