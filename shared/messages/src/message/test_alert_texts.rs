//! The test alert in words, for each channel.

use std::borrow::Cow;

use facts::account::Account;
use facts::severity::Severity;
use facts::text::{for_email, for_slack, for_title};
use jiff::Timestamp;
use serde_json::json;

use super::page::{Link, Page, Part, code, is_link, ours};
use super::test_alert::{TEST, TestAlert, not_confirmed};
use super::times::moment;
use super::{Links, Message, Notification, RUNBOOK, Recipients, SCHEMA, subject_in};

const ON_REQUEST: &str = "A person or a program requested this test. It reports nothing about the account.";
const A_REAL_ONE: &str =
    "A real alert says who, when, from where, and what to do first. Its subject names what happened.";
const NEXT: &str = "Next: docs/first-deployment.md, in rootwatch's repository, has what to check after a deployment. docs/alerts.md explains alerts.";

impl TestAlert {
    /// Name and value of what it says, in plain text.
    fn facts(&self, account: &Account, at: Timestamp) -> Vec<(&'static str, String)> {
        let stack = match (&self.stack, &self.region) {
            (Some(stack), Some(region)) => format!("{stack} in {region}"),
            (stack, region) => stack.clone().or_else(|| region.clone()).unwrap_or_else(|| "not known".into()),
        };
        let recipients = self.recipients.map_or_else(|| "not known".into(), Recipients::words);
        let pending = self.recipients.map_or(0, |recipients| recipients.pending);
        let pending = (pending > 0).then(|| ("Not confirmed", not_confirmed(pending)));
        [("Account", account.to_string()), ("Stack", stack), ("Sent", moment(at)), ("Sent to", recipients)]
            .into_iter()
            .chain(pending)
            .collect()
    }

    fn email(&self, account: &Account, at: Timestamp, runbook: &str) -> String {
        let mut lines = vec![format!("{TEST}, sent on demand. {ON_REQUEST}")];
        let facts = self.facts(account, at);
        lines.extend(facts.iter().map(|(name, value)| format!("{name}: {}", safe(value))));
        lines.extend(["".into(), A_REAL_ONE.into(), NEXT.into()]);
        lines.extend((runbook != RUNBOOK).then(|| format!("Runbook for real alerts: {runbook}")));
        lines.extend(["".into(), format!("rootwatch {}", env!("CARGO_PKG_VERSION")), "".into()]);
        lines.join("\n")
    }

    /// For a chat.
    pub(super) fn page(&self, notification: &Notification) -> Page {
        let Notification { account, sent_at, runbook, version, .. } = notification;
        let title = format!("{TEST} from {account}");
        let value = |name: &str, value: &str| if name == "Sent" { ours(value) } else { for_slack(value) };
        let (stack_and_more, recipients): (Vec<_>, Vec<_>) = self
            .facts(account, *sent_at)
            .into_iter()
            .filter(|(name, _)| *name != "Account")
            .partition(|(name, _)| *name == "Stack" || *name == "Sent");
        let mut lines: Vec<String> =
            recipients.iter().map(|(name, text)| format!("*{name}:* {}", value(name, text))).collect();
        lines.extend([ours(A_REAL_ONE), ours(NEXT)]);
        let fields = stack_and_more.iter().map(|(name, text)| (*name, value(name, text))).collect();
        let links = is_link(runbook).then(|| Link { text: "Runbook", url: runbook.clone().into_owned() });
        Page {
            title: format!("🧪 {}", for_title(&title)),
            summary: format!("🧪 {}", for_slack(&title)),
            opening: vec![
                format!("*Account:* {}", code(&account.to_string())),
                format!("*{TEST}*, sent on demand. {ON_REQUEST}"),
            ],
            parts: vec![Part { lines, fields, advice: None, links: links.into_iter().collect() }],
            footer: vec![format!("rootwatch {}", for_slack(version))],
            thread: None,
            keywords: vec![TEST.into(), for_title(&account.to_string())],
        }
    }
}

impl Message {
    /// A test alert of `account`, composed at `at`.
    pub fn test_alert(account: &Account, at: Timestamp, test: &TestAlert, runbook: &str, links: &Links) -> Self {
        let subject = subject_in(account, TEST, "from");
        let notification = Notification {
            schema: SCHEMA.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            id: format!("{}/test-alert/{}", account.id, at.as_second()).into(),
            subject: subject.as_str().into(),
            headline: None,
            severity: Severity::Informational,
            account: Cow::Borrowed(account),
            sent_at: at,
            repeats_possible: false,
            runbook: runbook.into(),
            report_url: None,
            report_page: links.report.as_deref().map(Into::into),
            dashboard: links.dashboard.as_deref().map(Into::into),
            test_alert: Some(test.clone()),
            organization: None,
            root_sessions: Vec::new(),
            alerts: Vec::new(),
            left_out: 0,
            left_out_sign_ins: 0,
        };
        let json = json!(notification).to_string();
        Self { text: test.email(account, at, runbook), subject, json }
    }
}

/// A fact quotes the account's alias, and is longer than a name.
fn safe(text: &str) -> String {
    text.split(' ').map(for_email).collect::<Vec<_>>().join(" ")
}
