//! Who else gets a message, and where the report is: what the sender knows and the alerts do not.

use facts::Partition;
use facts::text::counted;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Who gets the message, as far as the sender could read it. No one is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Recipients {
    /// Confirmed email subscriptions.
    pub email: usize,
    /// Confirmed subscriptions of other kinds: SQS, HTTPS, Lambda, text messages.
    pub others: usize,
    /// Slack, by the function of this stack.
    pub slack: bool,
    /// Amazon Q Developer in chat applications, by the function of this stack.
    pub chat: bool,
    /// Subscriptions that no one has confirmed yet. They get nothing.
    pub pending: usize,
}

impl Recipients {
    /// Whether a confirmed subscription gets the message.
    pub fn are_any(self) -> bool {
        self.email + self.others > 0 || self.slack || self.chat
    }

    /// `2 confirmed email subscribers, Slack`.
    pub(crate) fn words(self) -> String {
        let email = counted(self.email, "confirmed email subscriber", "confirmed email subscribers");
        let others = counted(self.others, "other subscriber", "other subscribers");
        let parts = [
            (self.email > 0).then_some(email),
            self.slack.then(|| "Slack".to_owned()),
            self.chat.then(|| "Amazon Q".to_owned()),
            (self.others > 0).then_some(others),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "no confirmed subscriber".into() } else { parts.join(", ") }
    }
}

/// Addresses in the console that stay the same; who opens them needs the rights to see what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The newest report, as a page in its bucket.
    pub report: Option<String>,
    /// The dashboard of rootwatch itself.
    pub dashboard: Option<String>,
    /// The stack and its Region, for commands.
    pub stack: Option<(String, String)>,
}

impl Links {
    /// The page `key` in `bucket`, the dashboard by the name that the template gives, in the console of `region`, and the stack: `names` are
    /// what that name begins with, and the stack's. What a console or a shell could misread is left out.
    pub fn of(region: &str, report: Option<(&str, &str)>, names: Option<(&str, &str)>) -> Self {
        let plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
        };
        let domain = Partition::of_region(region).console_domain();
        let (report, names) = if plain(region) { (report, names) } else { (None, None) };
        let report = report.filter(|(bucket, key)| plain(bucket) && plain(key));
        let names = names.filter(|(name, stack)| plain(name) && plain(stack));
        Self {
            report: report.map(|(bucket, key)| {
                format!("https://{region}.{domain}/s3/object/{bucket}?region={region}&prefix={key}")
            }),
            dashboard: names.map(|(name, _)| {
                format!(
                    "https://{region}.{domain}/cloudwatch/home?region={region}#dashboards/dashboard/{name}-{region}"
                )
            }),
            stack: names.map(|(_, stack)| (stack.to_owned(), region.to_owned())),
        }
    }
}

/// A signed address of the newest report as a page, made when the message was. A secret, and so it is not shown: anyone who has it
/// can read the report.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportLink(pub String);

impl ReportLink {
    /// How long it is good at most; it ends earlier with the credentials that signed it.
    pub const LASTS: SignedDuration = SignedDuration::from_hours(12);

    /// When one that is made at `at` ends.
    pub(crate) fn ends(at: Timestamp) -> Timestamp {
        at.checked_add(Self::LASTS).unwrap_or(Timestamp::MAX)
    }
}

impl std::fmt::Debug for ReportLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportLink(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_counted_and_none_is_said_aloud() {
        let recipients = Recipients { email: 2, slack: true, ..Recipients::default() };
        assert_eq!(recipients.words(), "2 confirmed email subscribers, Slack");
        let recipients = Recipients { email: 1, others: 3, chat: true, ..Recipients::default() };
        assert_eq!(recipients.words(), "1 confirmed email subscriber, Amazon Q, 3 other subscribers");
        assert_eq!(Recipients::default().words(), "no confirmed subscriber");
    }

    #[test]
    fn links_of_the_console_follow_the_partition_and_take_no_odd_names() {
        let links =
            Links::of("eu-west-1", Some(("rootwatch-reports", "latest.html")), Some(("rootwatch", "rootwatch")));
        let object =
            "https://eu-west-1.console.aws.amazon.com/s3/object/rootwatch-reports?region=eu-west-1&prefix=latest.html";
        assert_eq!(links.report.as_deref(), Some(object));
        assert!(links.dashboard.unwrap().ends_with("#dashboards/dashboard/rootwatch-eu-west-1"));
        assert!(Links::of("cn-north-1", None, Some(("d", "d"))).dashboard.unwrap().contains("console.amazonaws.cn/"));
        let of_a_stack_set = Links::of("eu-west-1", None, Some(("rootwatch", "StackSet-guard-5f0c")));
        assert!(of_a_stack_set.dashboard.is_some_and(|board| board.ends_with("/rootwatch-eu-west-1")));
        assert_eq!(of_a_stack_set.stack.unwrap().0, "StackSet-guard-5f0c", "the name that CloudFormation knows");
        assert_eq!(Links::of("eu-west-1", Some(("a b", "k")), Some(("<x>", "<x>"))), Links::default());
    }
}
