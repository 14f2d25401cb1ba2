//! Small words that every section uses: times, ages, counts, badges, and untrusted text.

use std::borrow::Cow;

use facts::text::bounded;
use facts::{Severity, Status};
use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};

/// Text that was chosen in the account: at most 200 characters, and unable to turn its neighbours around.
pub fn untrusted(text: &str) -> Markup {
    let text = bounded(text);
    html! { bdi { @if text.is_empty() { "(empty)" } @else { (text) } } }
}

/// Most characters of a sentence.
const SENTENCE: usize = 1_000;

/// A sentence of the report, which may quote untrusted text: a long one is cut. Its times have the page's form.
pub fn quoted(text: &str, now: Timestamp) -> Markup {
    html! { bdi { (timed(&cut(text), now)) } }
}

/// The same with a full stop, unless it has one or is cut.
pub fn sentence(text: &str, now: Timestamp) -> Markup {
    let text = cut(text);
    html! { bdi { (timed(&text, now)) } (stop(&text)) }
}

/// The full stop that `text` lacks.
pub fn stop(text: &str) -> &'static str {
    if text.ends_with(['.', '!', '?', '…']) { "" } else { "." }
}

fn cut(text: &str) -> Cow<'_, str> {
    let start = text.char_indices().nth(SENTENCE).and_then(|(at, _)| text.get(..at));
    start.map_or(Cow::Borrowed(text), |start| format!("{start}…").into())
}

/// `text` with each of its times as [`time`].
fn timed(text: &str, now: Timestamp) -> Markup {
    with_times(text, |at| time(at, now))
}

/// `text` of ours with each of its times in the page's form, and without an age.
pub fn dated(text: &str) -> Markup {
    with_times(text, |at| html! { time datetime=(at) { span { (moment(at)) } } })
}

fn with_times(text: &str, words: impl Fn(Timestamp) -> Markup) -> Markup {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, at, after)) = first_time(rest) {
        parts.push((before, at));
        rest = after;
    }
    html! { @for (before, at) in parts { (before) (words(at)) } (rest) }
}

/// The first time in `text`, with what stands before and after it. An age that follows it already is left out.
fn first_time(text: &str) -> Option<(&str, Timestamp, &str)> {
    const SHORTEST: usize = "2026-11-28T11:13:18Z".len();
    const LONGEST: usize = "2026-11-28T11:13:18.123456789Z".len();
    let mut is_inside = false;
    for (start, char) in text.char_indices() {
        let begins = char.is_ascii_digit() && !is_inside;
        is_inside = char.is_ascii_alphanumeric() || char == '-';
        let Some(rest) = text.get(start..).filter(|rest| begins && rest.len() >= SHORTEST) else { continue };
        let end = match rest.as_bytes().get(10) {
            Some(b'T') => rest.bytes().take(LONGEST).position(|byte| byte == b'Z').map(|at| at + 1),
            Some(b' ') => Some("2026-11-28 11:13:18 UTC".len()),
            _ => None,
        };
        let Some((written, after)) = end.and_then(|end| rest.split_at_checked(end)) else { continue };
        let Ok(at) = written.replacen(" UTC", "Z", 1).replacen(' ', "T", 1).parse::<Timestamp>() else { continue };
        let before = text.get(..start).unwrap_or_default();
        let age = after.strip_prefix(" (").and_then(|rest| rest.split_once(" ago)"));
        let after = age.filter(|(age, _)| age.len() <= 20).map_or(after, |(_, after)| after);
        return Some((before, at, after));
    }
    None
}

/// `2026-11-20 10:00:00 UTC (9 min ago)`; a line may break before the age alone.
pub fn time(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) { span { (moment(at)) } " " i { "(" (distance(at, now)) ")" } } }
}

/// `2026-11-20 10:00:00 UTC`, where the age says nothing.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `9 min ago`, `in 60 days`.
pub fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    if seconds < 0 { format!("in {}", age(-seconds)) } else { format!("{} ago", age(seconds)) }
}

/// The day of `at` in UTC.
pub fn date(at: Timestamp) -> Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// `4 days`, `3 h 20 min`, `5 min`.
pub fn age(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    let (hours, days) = (minutes / 60, minutes / (24 * 60));
    match (days, hours, minutes) {
        (2.., _, _) => format!("{} days", number(usize::try_from(days).unwrap_or_default())),
        (_, 1.., _) => format!("{hours} h {} min", minutes % 60),
        (_, _, 0) => "less than a minute".into(),
        _ => format!("{minutes} min"),
    }
}

/// `5,000`.
pub fn number(count: usize) -> String {
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
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// `Root has no MFA` of `root has no MFA`.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What a status is called in class names.
pub fn class(status: Status) -> &'static str {
    match status {
        Status::NotApplicable => "not-applicable",
        Status::Passed => "passed",
        Status::Unknown => "unknown",
        Status::Failed => "failed",
    }
}

/// `root has no MFA` of `Root has no MFA`; `AWS` and `MFA` stay.
pub fn lowered(text: &str) -> String {
    let is_name = text.chars().nth(1).is_none_or(|second| !second.is_lowercase() && second != ' ');
    let mut chars = text.chars();
    let first = chars.next().filter(|_| !is_name);
    first.map_or_else(|| text.to_owned(), |first| first.to_lowercase().chain(chars).collect())
}

/// Sign and word, never colour alone.
pub fn state(status: Status) -> Markup {
    html! { span class={"state " (class(status))} { (icon(class(status))) (capitalised(status.words())) } }
}

/// The sign called `name` of [`symbols`].
pub fn icon(name: &str) -> Markup {
    html! { svg.icon aria-hidden="true" focusable="false" { use href={"#icon-" (name)} {} } }
}

/// The head of a table.
pub fn heads(columns: &[&str]) -> Markup {
    html! { thead { tr { @for column in columns { th scope="col" { (column) } } } } }
}

/// What a severity is called in class names.
pub fn rank(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "informational",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// A severity as a badge.
pub fn badge(severity: Severity) -> Markup {
    html! { span class={"badge " (rank(severity))} { (capitalised(rank(severity))) } }
}

/// A sign: its name, the shape of its ground, and what is drawn on it.
pub type Sign<'a> = (&'a str, &'a str, &'a str);

/// Signs, each of its own shape, drawn once and used by name: those of a status, and `more`.
pub fn symbols(more: &[Sign<'_>]) -> Markup {
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
            @for (name, ground, sign) in signs.iter().chain(more) {
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

    fn now() -> Timestamp {
        "2026-11-28T11:22:18Z".parse().unwrap()
    }

    #[test]
    fn a_time_in_a_sentence_has_the_form_of_the_page_and_its_age_once() {
        let expected = "Root was used at <time datetime=\"2026-11-28T11:13:18Z\"><span>2026-11-28 11:13:18 UTC</span> <i>(9 min ago)</i></time>, so";
        for written in ["2026-11-28T11:13:18Z", "2026-11-28 11:13:18 UTC", "2026-11-28 11:13:18 UTC (9 min ago)"] {
            let said = quoted(&format!("Root was used at {written}, so"), now()).into_string();
            assert_eq!(said, format!("<bdi>{expected}</bdi>"), "{written}");
        }
        let two = quoted("from 2026-11-28T11:00:00.5Z to 2026-11-29T11:22:18Z", now()).into_string();
        assert!(
            two.contains("2026-11-28 11:00:00 UTC</span> <i>(22 min ago)") && two.contains("(in 24 h 0 min)"),
            "{two}"
        );
    }

    #[test]
    fn what_is_no_time_stays_as_it_is() {
        for text in [
            "2026-11-28",
            "2026-13-28T11:13:18Z",
            "a2026-11-28T11:13:18Z",
            "12026-11-28T11:13:18Z",
            "2026-11-28 11:13:18 UTX",
            "1€",
            "2026-11-28T€€€€€€€€€€€Z",
        ] {
            assert_eq!(quoted(text, now()).into_string(), format!("<bdi>{text}</bdi>"));
        }
        assert!(quoted("2026-11-28T11:13:18Z<b>", now()).into_string().ends_with("</time>&lt;b&gt;</bdi>"));
    }

    #[test]
    fn counts_and_ages_read_as_people_write_them() {
        assert_eq!([number(0), number(999), number(5_000), number(1_234_567)], ["0", "999", "5,000", "1,234,567"]);
        assert_eq!(
            [age(-5), age(59), age(3_600), age(90_000), age(200_000)],
            ["less than a minute", "less than a minute", "1 h 0 min", "25 h 0 min", "2 days"]
        );
        let stopped = ["It is so", "It is so.", "Is it?", "It is…"].map(|text| sentence(text, now()).into_string());
        assert_eq!(stopped.concat(), "<bdi>It is so</bdi>.<bdi>It is so.</bdi><bdi>Is it?</bdi><bdi>It is…</bdi>");
        assert!(sentence(&"x".repeat(2_000), now()).into_string().ends_with("x…</bdi>"));
        assert_eq!(["Root has MFA", "AWS has it", "A trail"].map(lowered), ["root has MFA", "AWS has it", "a trail"]);
        assert_eq!(counted(1, "user", "users") + &counted(2, "user", "users"), "1 user2 users");
    }
}
