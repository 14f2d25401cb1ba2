//! Slack's markup: what others wrote is dead in it.

use alerts::{Alert, Transition};
use facts::severity::Severity;
use facts::text::{escaped_for_slack, for_slack};
use jiff::Timestamp;

use crate::message::Sorted;
use crate::message::fact::Fact;
use crate::message::times::{age, moment};
use crate::message::words::{self, MAX_LINES};

/// Characters of a sentence that may quote what others wrote, before they are escaped.
const MAX_SENTENCE: usize = 500;

/// Whether `url` can be clicked, and ends no link of a chat's markup.
pub(in crate::message) fn is_link(url: &str) -> bool {
    url.starts_with("https://") && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>|".contains(&byte))
}

/// What others wrote stands in code; a sentence of ours may quote.
pub(in crate::message) fn shown(fact: &Fact) -> String {
    if fact.is_quoted { code(&fact.value) } else { sentence(&fact.value) }
}

/// `heading`, at most so many `lines`, and how many more there are.
pub(in crate::message) fn listed(heading: &str, mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    lines.insert(0, heading.to_owned());
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

pub(in crate::message) fn icon(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🔴",
        Severity::High => "🟠",
        Severity::Medium => "🟡",
        Severity::Low => "🔵",
        Severity::Informational => "⚪",
    }
}

/// Of a condition also what happened to it.
pub(in crate::message) fn icon_of(sorted: &Sorted, alert: &Alert) -> &'static str {
    // A digest in which nothing is worse than what could not be seen.
    if alert.digest().is_some_and(|digest| !digest.summary.is_complete() && digest.severity() <= Severity::Medium) {
        return "❓";
    }
    match alert.condition().map(|update| (sorted.transition(alert, update), update.condition.is_blindness())) {
        Some((Transition::Resolved, _)) => "✅",
        Some((Transition::Acknowledged, _)) => "👤",
        Some((Transition::Suppressed | Transition::Dropped, _)) => "🔇",
        Some((_, true)) if sorted.blindness_to_root().is_none() => "❓",
        _ => icon(alert.severity),
    }
}

/// What others wrote, in a code span: nothing in it is marked up.
pub(in crate::message) fn code(text: &str) -> String {
    match for_slack(text) {
        text if text.is_empty() => "not recorded".into(),
        text => format!("`{text}`"),
    }
}

/// Words of ours that may quote what others wrote: a word that Slack would mark up stands in a code span of its own.
pub(in crate::message) fn sentence(text: &str) -> String {
    let mut left = MAX_SENTENCE;
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        left = match left.checked_sub(word.chars().count().min(facts::text::MAX_CHARS)) {
            Some(left) => left,
            None => {
                words.push("…".into());
                break;
            }
        };
        let is_marked_up = word.contains(['*', '_', '~', '`']) || word.starts_with(':');
        words.push(if is_marked_up { code(word) } else { for_slack(word) });
    }
    words.join(" ")
}

/// Words of ours alone: addresses in them can be clicked.
pub(in crate::message) fn ours(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.strip_prefix("https://") {
        Some(_) => {
            let url = word.trim_end_matches(['.', ',']);
            let rest = word.strip_prefix(url).unwrap_or_default();
            format!("<{}>{rest}", escaped_for_slack(url))
        }
        None => escaped_for_slack(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// When it was delivered late, what to say of it.
pub(in crate::message) fn delivered_late(sent_at: Timestamp, now: Timestamp) -> Option<String> {
    let late = now.duration_since(sent_at);
    (late > words::LATE).then(|| {
        format!("⚠️ *SENT LATE:* SNS had it at {}, {} ago. Take the times from the lines.", moment(sent_at), age(late))
    })
}
