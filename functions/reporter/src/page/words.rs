//! Small words that every section uses: times, ages, counts, badges, and text that others chose.

use std::borrow::Cow;

use facts::text::bounded;
use facts::{Severity, Status};
use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};

/// Text that somebody in the account chose: at most 200 characters, apart from its neighbours in direction.
pub(super) fn told(text: &str) -> Markup {
    let text = bounded(text);
    html! { bdi { @if text.is_empty() { "(empty)" } @else { (text) } } }
}

/// Most characters of a sentence.
const SENTENCE: usize = 1_000;

/// A sentence of the report, which may quote what others chose: a long one is cut.
pub(super) fn quoted(text: &str) -> Markup {
    html! { bdi { (cut(text)) } }
}

/// The same with a full stop, unless it has one or is cut.
pub(super) fn sentence(text: &str) -> Markup {
    let text = cut(text);
    html! { bdi { (text) } (stop(&text)) }
}

/// The full stop that `text` lacks.
pub(super) fn stop(text: &str) -> &'static str {
    if text.ends_with(['.', '!', '?', '…']) { "" } else { "." }
}

fn cut(text: &str) -> Cow<'_, str> {
    let start = text.char_indices().nth(SENTENCE).and_then(|(at, _)| text.get(..at));
    start.map_or(Cow::Borrowed(text), |start| format!("{start}…").into())
}

/// `2026-11-20 10:00 UTC`.
pub(super) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (moment(at)) } }
}

/// The same as text.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The day of `at` in UTC.
pub(super) fn date(at: Timestamp) -> Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// `4 days`, `3 h 20 min`, `5 min`; `seconds` below a minute are none.
pub(super) fn age(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    let (hours, days) = (minutes / 60, minutes / (24 * 60));
    match (days, hours, minutes) {
        (2.., _, _) => format!("{} days", number(usize::try_from(days).unwrap_or_default())),
        (_, 1.., _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{minutes} min"),
    }
}

/// `5,000`.
pub(super) fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 user`, `2 users`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// `Root has no MFA` of `root has no MFA`.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What a status is called in class names.
pub(super) fn class(status: Status) -> &'static str {
    match status {
        Status::NotApplicable => "not-applicable",
        Status::Passed => "passed",
        Status::Unknown => "unknown",
        Status::Failed => "failed",
    }
}

/// Sign and word, never colour alone.
pub(super) fn state(status: Status) -> Markup {
    html! { span class={"state " (class(status))} { (icon(class(status))) (capitalised(status.words())) } }
}

/// The sign called `name` of [`symbols`].
pub(super) fn icon(name: &str) -> Markup {
    html! { svg.icon aria-hidden="true" focusable="false" { use href={"#icon-" (name)} {} } }
}

/// The head of a table.
pub(super) fn heads(columns: &[&str]) -> Markup {
    html! { thead { tr { @for column in columns { th scope="col" { (column) } } } } }
}

/// What a severity is called in class names.
pub(super) fn rank(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "informational",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// A severity as a badge.
pub(super) fn badge(severity: Severity) -> Markup {
    html! { span class={"badge " (rank(severity))} { (capitalised(rank(severity))) } }
}

/// Signs, each of its own shape, drawn once and used by name.
pub(super) fn symbols() -> Markup {
    let signs = [
        ("passed", "M12 1.5a10.5 10.5 0 1 0 0 21 10.5 10.5 0 0 0 0-21z", "M7 12.4l3.4 3.4L17 9"),
        ("failed", "M7.5 1.5h9l6 6v9l-6 6h-9l-6-6v-9z", "M8 8l8 8M16 8l-8 8"),
        // No diamond: with its question mark that is the sign of a character that could not be read.
        (
            "unknown",
            "M10.6 2.3a1.6 1.6 0 0 1 2.8 0l9.3 17a1.6 1.6 0 0 1-1.4 2.4H2.7a1.6 1.6 0 0 1-1.4-2.4z",
            "M9.8 11.3a2.2 2.2 0 1 1 3 2.1c-.6.2-.8.6-.8 1.2M12 18.1v.1",
        ),
        (
            "not-applicable",
            "M4 2.5h16a1.5 1.5 0 0 1 1.5 1.5v16a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 20V4A1.5 1.5 0 0 1 4 2.5z",
            "M7.5 12h9",
        ),
    ];
    html! {
        svg.symbols aria-hidden="true" focusable="false" {
            @for (name, ground, sign) in signs {
                symbol id={"icon-" (name)} viewBox="0 0 24 24" {
                    path.ground d=(ground) {}
                    path.sign d=(sign) fill="none" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_ages_read_as_people_write_them() {
        assert_eq!([number(0), number(999), number(5_000), number(1_234_567)], ["0", "999", "5,000", "1,234,567"]);
        assert_eq!(
            [age(-5), age(59), age(3_600), age(90_000), age(200_000)],
            ["0 min", "0 min", "1 h 0 min", "25 h 0 min", "2 days"]
        );
        let stopped = ["It is so", "It is so.", "Is it?", "It is…"].map(|text| sentence(text).into_string());
        assert_eq!(stopped.concat(), "<bdi>It is so</bdi>.<bdi>It is so.</bdi><bdi>Is it?</bdi><bdi>It is…</bdi>");
        assert!(sentence(&"x".repeat(2_000)).into_string().ends_with("x…</bdi>"));
        assert_eq!(counted(1, "user", "users") + &counted(2, "user", "users"), "1 user2 users");
    }
}
