//! Untrusted text: user agents, names, error messages and aliases are written by whoever acts in the account.
//!
//! [`bounded`] is applied once, where text enters the types of this crate; each channel then makes it harmless in its own way
//! ([`for_email`], [`for_subject`], [`for_slack`], [`for_title`]; JSON encodes by itself).

/// Most characters of one piece of untrusted text that are kept.
pub const MAX_CHARS: usize = 200;

/// One line of at most [`MAX_CHARS`] characters: control and invisible formatting characters become spaces, the rest is cut
/// with `…`.
pub fn bounded(text: &str) -> String {
    let mut kept: String =
        text.chars().take(MAX_CHARS).map(|char| if is_unprintable(char) { ' ' } else { char }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept.trim().to_owned()
}

/// For the body of an e-mail: [`bounded`], and nothing that a mail client turns into a link.
pub fn for_email(text: &str) -> String {
    without_links(&bounded(text))
}

/// For Slack's markup: [`bounded`], without links, and nothing that ends a code span or begins a mention, a link or an entity
/// (<https://docs.slack.dev/messaging/formatting-message-text>). Bold and italics it leaves alone: put it into a code span.
pub fn for_slack(text: &str) -> String {
    escaped_for_slack(&without_links(&bounded(text)).replace('`', "'"))
}

/// For a line of plain text in a chat, in which nothing is marked up: [`bounded`], without links, and without what would begin a
/// mention if it were marked up all the same.
pub fn for_title(text: &str) -> String {
    without_links(&bounded(text)).replace('<', "‹").replace('>', "›")
}

/// Slack's three control characters as entities.
pub fn escaped_for_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn without_links(text: &str) -> String {
    let text = text.replace("://", "[:]//");
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.to_ascii_lowercase().find("www.") {
        let (before, after) = rest.split_at(at);
        let (www, after) = after.split_at("www".len());
        safe.push_str(before);
        safe.push_str(www);
        safe.push_str("[.]");
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    safe.push_str(rest);
    safe
}

/// For an SNS subject: printable ASCII, fewer than 100 characters
/// (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).
pub fn for_subject(text: &str) -> String {
    let ascii: String =
        text.chars().map(|char| if char == ' ' || char.is_ascii_graphic() { char } else { '?' }).collect();
    if ascii.len() < 100 { ascii } else { ascii.chars().take(96).chain("...".chars()).collect() }
}

/// Control characters, and those that change the order or the visibility of what follows.
pub fn is_unprintable(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `1 user`, `2 users`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn in_7_long_text_is_cut_at_200_characters_and_says_so() {
        let cut = bounded(&"ä".repeat(100_000));
        assert_eq!(cut.chars().count(), MAX_CHARS);
        assert!(cut.ends_with('…'));
        assert_eq!(bounded(&"ä".repeat(MAX_CHARS)), "ä".repeat(MAX_CHARS));
    }

    #[test]
    fn line_breaks_and_text_direction_marks_become_spaces() {
        assert_eq!(bounded("a\r\nSubject: b\u{202e}c\u{1b}[31m"), "a  Subject: b c [31m");
    }

    #[test]
    fn in_6_links_are_dead_in_a_mail() {
        assert_eq!(for_email("see https://evil.example/x"), "see https[:]//evil.example/x");
        assert_eq!(for_email("WwW.evil.example www.b"), "WwW[.]evil.example www[.]b");
    }

    #[test]
    fn in_1_in_2_mentions_links_and_code_spans_of_slack_are_dead() {
        let hostile = "<!channel> <@U1> <https://evil.example|AWS> `x` & @here &lt;!here&gt;";
        let safe =
            "&lt;!channel&gt; &lt;@U1&gt; &lt;https[:]//evil.example|AWS&gt; 'x' &amp; @here &amp;lt;!here&amp;gt;";
        assert_eq!(for_slack(hostile), safe);
    }

    #[test]
    fn pb_3_a_subject_is_short_printable_ascii() {
        assert_eq!(for_subject("a\n😀b"), "a??b");
        assert_eq!(for_subject(&"x".repeat(99)).len(), 99);
        let cut = for_subject(&"x".repeat(100));
        assert_eq!((cut.len(), cut.ends_with("...")), (99, true));
    }

    proptest! {
        #[test]
        fn no_text_survives_as_a_link_or_a_control_character(text in "\\PC*|.*") {
            let mail = for_email(&text);
            prop_assert!(!mail.contains("://"));
            prop_assert!(!mail.to_ascii_lowercase().contains("www."));
            prop_assert!(!mail.chars().any(char::is_control));
            let slack = for_slack(&text);
            prop_assert!(!slack.contains(['<', '>', '`']) && !slack.contains("://"));
            let subject = for_subject(&text);
            prop_assert!(subject.len() < 100);
            prop_assert!(subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        }
    }
}
