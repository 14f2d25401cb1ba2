//! What comes out of the topic into a chat: rootwatch's own notifications, the alarms of CloudWatch, and anything else.

use facts::text::{MAX_CHARS, for_slack, for_title};
use jiff::Timestamp;
use serde_json::Value;

use super::page::{Link, Page, Part, code, delivered_late, sentence};
use super::times::moment;
use super::{Notification, SCHEMA, chat, slack};

/// Pieces of a text that is shown as it is.
const MAX_PIECES: usize = 12;

/// A message as SNS delivers it.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The subject, if it has one.
    pub subject: Option<&'a str>,
    /// The body.
    pub body: &'a str,
    /// When SNS had it.
    pub sent_at: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

impl Delivery<'_> {
    /// As an incoming webhook of Slack takes it.
    pub fn for_slack(&self) -> Value {
        slack::post(&self.page())
    }

    /// As Amazon Q Developer in chat applications takes it.
    pub fn for_chat(&self) -> Value {
        chat::custom(&self.page())
    }

    fn page(&self) -> Page {
        let body = serde_json::from_str::<Value>(self.body).unwrap_or_default();
        let own = (text(&body, "schema") == Some(SCHEMA)).then(|| serde_json::from_value::<Notification>(body.clone()));
        let mut page = match own {
            Some(Ok(notification)) => Page::of(&notification),
            _ => alarm(&body).unwrap_or_else(|| self.as_it_is()),
        };
        if let Some(late) = self.sent_at.and_then(|sent_at| delivered_late(sent_at, self.now)) {
            page.opening.insert(0, late);
        }
        page
    }

    fn as_it_is(&self) -> Page {
        let subject = self.subject.filter(|subject| !subject.is_empty()).unwrap_or("A message without a subject");
        let lines = self.body.lines().flat_map(|line| {
            let chars: Vec<char> = line.chars().collect();
            chars.chunks(MAX_CHARS).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>()
        });
        let mut lines: Vec<String> = lines.map(|line| code(&line)).take(MAX_PIECES + 1).collect();
        if lines.len() > MAX_PIECES {
            lines.truncate(MAX_PIECES);
            lines.push("… _cut here: the email has more_".into());
        }
        Page {
            title: for_title(subject),
            summary: for_slack(subject),
            opening: vec!["Not from rootwatch's checks, but published to the same topic:".into()],
            parts: vec![Part { lines, ..Part::default() }],
            footer: vec!["passed on by rootwatch".into()],
            thread: None,
            keywords: Vec::new(),
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A change of state of a CloudWatch alarm
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html>); `None` for anything else.
fn alarm(body: &Value) -> Option<Page> {
    let (name, state) = (text(body, "AlarmName")?, text(body, "NewStateValue")?);
    let icon = match state {
        "ALARM" => "🔴",
        "OK" => "✅",
        _ => "❓",
    };
    let account = text(body, "AWSAccountId").unwrap_or("an unknown account");
    let title = format!("{icon} {state}: {name} in {account}");
    let arn = text(body, "AlarmArn").unwrap_or_default();
    let region = arn.split(':').nth(3).unwrap_or_default();
    let mut lines: Vec<String> = text(body, "AlarmDescription").map(sentence).into_iter().collect();
    lines.extend(text(body, "NewStateReason").map(|reason| format!("*Reason:* {}", sentence(reason))));
    let where_from = |name| text(body, name).map_or_else(|| "not recorded".into(), code);
    let fields = vec![
        ("What", format!("{} from {} to {}", code(name), where_from("OldStateValue"), code(state))),
        ("Where", format!("{} in {}", where_from("AWSAccountId"), where_from("Region"))),
        ("When", text(body, "StateChangeTime").and_then(changed_at).unwrap_or_else(|| where_from("StateChangeTime"))),
    ];
    let open = console_url(arn, region, name).map(|url| Link { text: "Open the alarm", url });
    Some(Page {
        title: for_title(&title),
        summary: for_slack(&title),
        opening: vec!["A CloudWatch alarm changed its state.".into()],
        parts: vec![Part { lines, fields, advice: None, links: open.into_iter().collect() }],
        footer: vec!["passed on by rootwatch".into()],
        thread: (!arn.is_empty()).then(|| for_title(arn)),
        keywords: vec![for_title(state), for_title(account)],
    })
}

/// As people read it; CloudWatch writes `2026-11-20T10:00:00.000+0000`.
fn changed_at(text: &str) -> Option<String> {
    let at: Timestamp = text.replace("+0000", "Z").parse().ok()?;
    Some(moment(at))
}

/// `None` when the name or the Region is not one that needs no encoding.
fn console_url(arn: &str, region: &str, name: &str) -> Option<String> {
    let plain = |text: &str| {
        !text.is_empty()
            && text.len() <= 255
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let domain = facts::Partition::of_region(region).console_domain();
    (plain(region) && plain(name) && arn.starts_with("arn:"))
        .then(|| format!("https://{region}.{domain}/cloudwatch/home?region={region}#alarmsV2:alarm/{name}"))
}
