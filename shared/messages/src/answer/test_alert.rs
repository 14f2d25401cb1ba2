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

#[cfg(test)]
mod tests {
    use facts::{AccountId, Partition};
    use jiff::Timestamp;

    use super::*;
    use crate::{Links, Recipients};

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:rootwatch";

    fn answer(
        recipients: Option<Recipients>,
        sending: Sending,
        arrived: &[(&str, Arrived)],
        unread: Option<&str>,
    ) -> TestAlertAnswer {
        let id = AccountId::parse("111122223333").unwrap();
        let account = Account { id, alias: Some("acme-prod".into()), partition: Partition::Aws };
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let test = TestAlert::new(&Links::of("eu-west-1", None, Some(("rootwatch", "rootwatch"))), recipients);
        let message = Message::test_alert(&account, at, &test, crate::RUNBOOK, &Links::default());
        TestAlertAnswer::new(account, test, message, TOPIC, sending, arrived, unread.map(str::to_owned))
    }

    fn sent() -> Sending {
        Sending::Sent("1".into())
    }

    #[test]
    fn where_all_is_well_the_answer_says_who_got_it_and_names_no_problem() {
        let all = Recipients { email: 2, slack: true, ..Recipients::default() };
        let answer = answer(Some(all), sent(), &[("Slack", Arrived::Yes)], None);
        assert_eq!((answer.message_id.as_deref(), answer.problems.len()), (Some("1"), 0));
        assert_eq!(
            answer.summary,
            "A test alert of account acme-prod (111122223333) was sent to: 2 confirmed email subscribers, Slack. Slack accepted \
             it. Look for the email, in the spam folder too."
        );
    }

    #[test]
    fn without_a_confirmed_subscriber_the_answer_says_how_long_the_link_is_good_and_how_to_get_another_one() {
        for (pending, has_link) in [(1, true), (0, false)] {
            let answer =
                answer(Some(Recipients { pending, ..Recipients::default() }), Sending::NoSubscriber, &[], None);
            assert_eq!(answer.message_id, None);
            let [problem] = answer.problems.as_slice() else { panic!("{:?}", answer.problems) };
            assert!(problem.contains("no one receives alerts") && problem.contains("valid for two days"), "{problem}");
            assert!(problem.contains(&format!("aws sns subscribe --topic-arn {TOPIC} --protocol email")), "{problem}");
            assert_eq!(problem.contains("Open the link"), has_link, "{problem}");
        }
    }

    #[test]
    fn every_problem_says_what_keeps_alerts_from_whom() {
        let some = Recipients { email: 1, slack: true, chat: true, pending: 2, ..Recipients::default() };
        let no = Arrived::No("WebhookRefused: \"404\"\n\\".into());
        let answer = answer(Some(some), sent(), &[("Slack", no), ("Amazon Q", Arrived::Unknown)], None);
        let starts = [
            "Not confirmed yet: 2 subscriptions",
            "Slack did not accept it: WebhookRefused: '404'",
            "It is unknown whether Amazon Q",
        ];
        assert_eq!(answer.problems.len(), starts.len());
        for (problem, start) in answer.problems.iter().zip(starts) {
            assert!(problem.starts_with(start), "{problem}");
            let json = serde_json::to_string(problem).unwrap();
            assert_eq!(json, format!("\"{problem}\""), "a shell prints it without a parser");
        }
        let unread = self::answer(None, sent(), &[], Some("sns:ListSubscriptionsByTopic was denied"));
        assert_eq!(unread.problems, ["It is unknown who receives alerts: sns:ListSubscriptionsByTopic was denied"]);
        assert!(unread.summary.contains("an unknown number of subscribers"), "{}", unread.summary);
    }

    #[test]
    fn a_dry_run_shows_the_email_and_was_sent_to_no_one() {
        let answer = answer(Some(Recipients { email: 1, ..Recipients::default() }), Sending::Dry, &[], None);
        assert!(answer.summary.starts_with("Dry run: nothing was sent.") && answer.message_id.is_none());
        assert!(answer.text.starts_with("TEST ALERT") && answer.subject.contains("TEST ALERT"));
    }
}
