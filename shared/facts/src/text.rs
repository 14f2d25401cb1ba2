//! Untrusted text: user agents, names, error messages and aliases are written by anyone who acts in the account.
//!
//! [`bounded`] is applied once, where text enters the types of this crate; each channel then makes it harmless in its own way
//! ([`for_email`], [`for_subject`], [`for_slack`], [`for_title`]; JSON encodes by itself).

/// Most characters of one piece of untrusted text that are kept.
pub const MAX_CHARS: usize = 200;

/// One line of at most [`MAX_CHARS`] characters: control and invisible formatting characters become spaces, the rest is cut
/// with `…`.
pub fn bounded(text: &str) -> String {
    // Nearly every name of an account: nothing to replace and nothing to cut.
    if text.len() <= MAX_CHARS && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.trim().to_owned();
    }
    bounded_by_char(text)
}

fn bounded_by_char(text: &str) -> String {
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

/// For a terminal: what would move its cursor, colour it or turn the text around becomes a space. Line breaks stay.
pub fn for_terminal(text: &str) -> String {
    text.chars().map(|char| if char != '\n' && is_unprintable(char) { ' ' } else { char }).collect()
}

/// Schemes that a mail client makes links of without `//`.
const SCHEMES: [&str; 10] =
    ["mailto", "tel", "sms", "callto", "facetime", "skype", "javascript", "data", "geo", "file"];

/// Nothing that a mail client makes a link of, and all of it still readable: `evil[.]example`, `https[:]//`, `mailto[:]`, as analysts
/// write it. Names of AWS's services stay as they are, and so does a bare address: people must be able to copy it.
fn without_links(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut safe = String::with_capacity(text.len());
    for (at, char) in chars.iter().enumerate() {
        let (before, after) = (chars.get(..at).unwrap_or_default(), chars.get(at + 1..).unwrap_or_default());
        match char {
            ':' if after.starts_with(&['/', '/']) || ends_with_scheme(before, after) => safe.push_str("[:]"),
            // A share of a Windows host, `\\host\share`.
            '\\' if after.first() == Some(&'\\') && after.get(1).is_some_and(is_of_label) => safe.push_str("[\\"),
            '\\' if before.last() == Some(&'\\') && after.first().is_some_and(is_of_label) => safe.push_str("\\]"),
            _ if is_dot(*char) && joins_host(before, after) && !is_of_service(before, after) => safe.push_str("[.]"),
            _ => safe.push(*char),
        }
    }
    safe
}

/// What browsers and mail clients take for the dot of a domain (<https://www.unicode.org/reports/tr46/>, and what NFKC makes a dot).
fn is_dot(char: char) -> bool {
    matches!(char, '.' | '\u{2024}' | '\u{3002}' | '\u{fe52}' | '\u{ff0e}' | '\u{ff61}')
}

/// What a host's name is made of, for some mail client at least: also marks, signs and emoji of other scripts.
fn is_of_label(char: &char) -> bool {
    char.is_alphanumeric() || matches!(char, '-' | '_') || is_of_another_script(*char)
}

fn is_of_another_script(char: char) -> bool {
    !char.is_ascii() && !char.is_whitespace() && !is_dot(char)
}

fn ends_with_scheme(before: &[char], after: &[char]) -> bool {
    let letters = before.iter().rev().take_while(|char| char.is_ascii_alphanumeric()).take(12);
    let word: String = letters.collect::<Vec<_>>().into_iter().rev().collect::<String>().to_ascii_lowercase();
    after.first().is_some_and(|char| !char.is_whitespace()) && SCHEMES.contains(&word.as_str())
}

/// Whether a dot stands before what could be a top-level domain, after `www`, or in an address with a port or a path. The dots of a
/// version do not, as in `aws-cli/2.15.30` and `5.10.198-187.748.amzn2.x86_64`.
fn joins_host(before: &[char], after: &[char]) -> bool {
    if !before.last().is_some_and(is_of_label) {
        return false;
    }
    let www = before.iter().rev().take(3).all(|char| char.eq_ignore_ascii_case(&'w')) && before.len() >= 3;
    let is_letter = |char: &&char| char.is_alphabetic() || is_of_another_script(**char);
    let letters = after.iter().take_while(is_letter).count();
    let ends = after.get(letters).is_none_or(|char| !char.is_alphanumeric());
    let punycode = after.get(..4).is_some_and(|label| label.iter().collect::<String>().eq_ignore_ascii_case("xn--"));
    www || punycode || (letters >= 2 && ends) || is_of_opened_address(before, after)
}

/// `203.0.113.7:8080`, `203.0.113.7/login` and `203.0.113.7/1`; a bare address is none, and neither is a network as `203.0.113.0/24`.
fn is_of_opened_address(before: &[char], after: &[char]) -> bool {
    let is_of_address = |char: &&char| char.is_ascii_digit() || **char == '.';
    let first: Vec<char> = before.iter().rev().take_while(is_of_address).copied().collect();
    let last: Vec<char> = after.iter().take_while(is_of_address).copied().collect();
    let address: String = first.into_iter().rev().chain(['.']).chain(last.iter().copied()).collect();
    let rest = after.get(last.len()..).unwrap_or_default();
    let Ok(address) = address.parse::<std::net::Ipv4Addr>() else { return false };
    let digits: String = rest.iter().skip(1).take_while(|char| char.is_ascii_digit()).collect();
    match rest.first() {
        Some(':') => !digits.is_empty(),
        Some('/') => {
            !is_network(address, &digits) || rest.get(1 + digits.len()).is_some_and(|char| !char.is_whitespace())
        }
        Some('\\') => true,
        _ => false,
    }
}

/// Whether all that `address` has behind its first `bits` is zero.
fn is_network(address: std::net::Ipv4Addr, bits: &str) -> bool {
    let bits = bits.parse::<u32>().ok().filter(|bits| (8..=32).contains(bits));
    bits.is_some_and(|bits| address.to_bits().unbounded_shl(bits) == 0)
}

/// Whether the dot belongs to a service's name as AWS writes it, `iam.amazonaws.com`: one label that no one else can have, with neither
/// a path nor a port, unless it is a part of the path of a role that AWS made, before that role's name.
fn is_of_service(before: &[char], after: &[char]) -> bool {
    let is_of_host = |char: &&char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.');
    let first: Vec<char> = before.iter().rev().take_while(is_of_host).copied().collect();
    let last: String = after.iter().take_while(is_of_host).collect();
    let (left, right) = (before.len() - first.len(), last.chars().count());
    let host: String = first.into_iter().rev().chain(['.']).chain(last.chars()).collect();
    let host = host.trim_end_matches('.');
    let name = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"));
    let of_role: String = before.iter().take(left).rev().take(17).collect::<Vec<_>>().into_iter().rev().collect();
    let is_named =
        after.get(right..).is_some_and(|rest| rest.starts_with(&"/AWSServiceRole".chars().collect::<Vec<_>>()));
    let is_in_role = is_named && of_role == "aws-service-role/";
    let is_bare = !matches!(after.get(right), Some('/' | ':' | '@' | '?' | '#'))
        && !matches!(before.get(..left).and_then(|text| text.last()), Some('@' | '/' | '_'));
    name.is_some_and(|name| !name.is_empty() && !name.contains('.')) && (is_bare || is_in_role)
}

/// For an SNS subject: printable ASCII, fewer than 100 characters
/// (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).
pub fn for_subject(text: &str) -> String {
    let ascii: String = without_links(text)
        .chars()
        .map(|char| if char == ' ' || char.is_ascii_graphic() { char } else { '?' })
        .collect();
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
pub fn counted(count: usize, one: &str, many: &str) -> String {
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
    fn a_terminal_keeps_its_colours_its_cursor_and_its_direction() {
        assert_eq!(for_terminal("a\r\nb\u{1b}[31m\u{9b}2J\u{202e}c\td"), "a \nb [31m 2J c d");
    }

    #[test]
    fn in_6_links_are_dead_in_a_mail() {
        assert_eq!(for_email("see https://evil.example/x"), "see https[:]//evil[.]example/x");
        assert_eq!(for_email("WwW.evil.example www.b"), "WwW[.]evil[.]example www[.]b");
    }

    #[test]
    fn in_6_bare_domains_addresses_and_schemes_of_others_are_broken_and_stay_readable() {
        for (hostile, dead) in [
            ("evil.example.com/login", "evil[.]example[.]com/login"),
            ("Mozilla/5.0 (evil.example.com/login)", "Mozilla/5.0 (evil[.]example[.]com/login)"),
            ("user@evil.example", "user@evil[.]example"),
            ("mailto:a@b.example tel:+15550100 TEL:1", "mailto[:]a@b[.]example tel[:]+15550100 TEL[:]1"),
            (
                "evil\u{3002}com evil\u{ff0e}com evil\u{ff61}com evil\u{2024}com",
                "evil[.]com evil[.]com evil[.]com evil[.]com",
            ),
            ("evil.xn--p1ai evil.\u{4e2d}\u{56fd}", "evil[.]xn--p1ai evil[.]\u{4e2d}\u{56fd}"),
            ("x.com. y.io, z.com_a z.com:80", "x[.]com. y[.]io, z[.]com_a z[.]com:80"),
            ("203.0.113.7:8080 203.0.113.7/login", "203[.]0[.]113[.]7:8080 203[.]0[.]113[.]7/login"),
            ("iam.amazonaws.com/x a.s3.amazonaws.com", "iam[.]amazonaws[.]com/x a.s3[.]amazonaws[.]com"),
            ("evil.com.amazonaws.com.evil.com", "evil[.]com[.]amazonaws[.]com[.]evil[.]com"),
            ("แม่.com i❤.ws 💩.la", "แม่[.]com i❤[.]ws 💩[.]la"),
            ("evil\u{fe0f}.example evil.\u{fe0f}example", "evil\u{fe0f}[.]example evil[.]\u{fe0f}example"),
            ("नेपाल्.com evil.e\u{301}xample", "नेपाल्[.]com evil[.]e\u{301}xample"),
            (r"\\203.0.113.7\share", r"[\\]203[.]0[.]113[.]7\share"),
            (r"see \\evil\share and file:\\x", r"see [\\]evil\share and file[:][\\]x"),
            ("file:x FILE:/etc", "file[:]x FILE[:]/etc"),
            ("aws-service-role/s3.amazonaws.com/evil-bucket", "aws-service-role/s3[.]amazonaws[.]com/evil-bucket"),
            (
                "aws-service-role/s3.amazonaws.com:80/AWSServiceRole",
                "aws-service-role/s3[.]amazonaws[.]com:80/AWSServiceRole",
            ),
            ("203.0.113.7/1 203.0.113.7/33", "203[.]0[.]113[.]7/1 203[.]0[.]113[.]7/33"),
        ] {
            assert_eq!(for_email(hostile), dead);
            assert!(for_slack(hostile) == dead && for_title(hostile) == dead, "{hostile}");
            assert_eq!(for_email(dead), dead, "twice is as once");
        }
    }

    #[test]
    fn what_is_no_link_stays_as_it_is_so_that_people_can_copy_it() {
        for text in [
            "iam.amazonaws.com",
            "cloudtrail.amazonaws.com, ec2.amazonaws.com.cn",
            "203.0.113.7",
            "from 203.0.113.0/24 to 2001:db8::1",
            "aws-cli/2.15.30 Python/3.11.6 Linux/5.10.198-187.748.amzn2.x86_64 exec-env/AWS_Lambda_python3.12",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "arn:aws:iam::111122223333:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport",
            "arn:aws:sts::111122223333:assumed-role/deploy/session, acme-prod (111122223333)",
            "It is so. It is not; e.g. this, metadata: none, 2026-11-20T10:00:00.123Z",
        ] {
            assert_eq!(for_email(text), text);
        }
    }

    #[test]
    fn in_1_in_2_mentions_links_and_code_spans_of_slack_are_dead() {
        let hostile = "<!channel> <@U1> <https://evil.example|AWS> `x` & @here &lt;!here&gt;";
        let safe =
            "&lt;!channel&gt; &lt;@U1&gt; &lt;https[:]//evil[.]example|AWS&gt; 'x' &amp; @here &amp;lt;!here&amp;gt;";
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
        fn plain_text_is_bounded_as_any_text_is(text in "[ -~]{0,210}|[ -~]{0,20}.{0,2}[ -~]{0,20}") {
            prop_assert_eq!(bounded(&text), bounded_by_char(&text));
        }

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
