//! Slack's mrkdwn as HTML (<https://docs.slack.dev/messaging/formatting-message-text>).
#![allow(clippy::string_slice, reason = "every index is that of an ASCII mark")]

use maud::{Markup, html};

/// The emoji of our messages: not every machine has a font for them.
const EMOJI: [(char, &str, &str); 9] = [
    ('🔴', "#dd2e44", ""),
    ('🟠', "#f4900c", ""),
    ('🟡', "#fdcb58", ""),
    ('🔵', "#3b88c3", ""),
    ('⚪', "#d5d8da", ""),
    ('✅', "#77b255", "✓"),
    ('🔇', "#66757f", "–"),
    ('❓', "#be1931", "?"),
    ('⚠', "#e8a317", "!"),
];

/// `text` as Slack shows it. What would call people or lead somewhere is drawn so that it is seen.
pub(super) fn draw(text: &str) -> Markup {
    let parts = text.split("```").enumerate();
    html! {
        @for (number, part) in parts {
            @if number % 2 == 1 { pre { (unescape(part.trim_matches('\n'))) } } @else { (lines(part)) }
        }
    }
}

fn lines(text: &str) -> Markup {
    let lines: Vec<&str> = text.trim_matches('\n').split('\n').collect();
    html! {
        @for (number, line) in lines.iter().enumerate() {
            @match line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>')) {
                Some(quote) => blockquote { (inline(quote.trim_start())) },
                None => { @if number > 0 { br; } (inline(line)) },
            }
        }
    }
}

fn inline(text: &str) -> Markup {
    let mut before = None;
    for (at, char) in text.char_indices() {
        let rest = &text[at..];
        let found = match char {
            '<' => rest.find('>').map(|end| (end + 1, angle(&rest[1..end]))),
            '*' | '_' | '~' | '`' if before.is_none_or(|before: char| !before.is_alphanumeric()) => {
                close(rest, char).map(|end| (end + 1, marked(char, &rest[1..end])))
            }
            _ => None,
        };
        if let Some((length, markup)) = found {
            return html! { (plain(&unescape(&text[..at]))) (markup) (inline(&text[at + length..])) };
        }
        before = Some(char);
    }
    plain(&unescape(text))
}

/// Where the mark that opens `text` closes: not after a space, and not inside of a word.
fn close(text: &str, mark: char) -> Option<usize> {
    text.char_indices().skip(2).find_map(|(at, char)| {
        let inside = text[..at].ends_with(' ') || text[at + 1..].starts_with(char::is_alphanumeric);
        (char == mark && !inside && !text[1..].starts_with(' ')).then_some(at)
    })
}

fn marked(mark: char, text: &str) -> Markup {
    match mark {
        '*' => html! { b { (inline(text)) } },
        '_' => html! { i { (inline(text)) } },
        '~' => html! { s { (inline(text)) } },
        _ => html! { code { (unescape(text)) } },
    }
}

/// The text between `<` and `>`: a link, a mention, or a time, which Slack shows in the reader's zone and this picture as its fallback.
fn angle(text: &str) -> Markup {
    let (target, label) = text.split_once('|').unwrap_or((text, text));
    match target.chars().next() {
        Some('!') if target.starts_with("!date^") => html! { (unescape(label)) },
        Some('!' | '@' | '#') => html! { span.mention { "@" (unescape(target.trim_start_matches(['!', '@', '#']))) } },
        _ => html! { a href=(unescape(target)) { (unescape(label)) } },
    }
}

/// Text without marks.
pub(super) fn plain(text: &str) -> Markup {
    // A selector asks for the coloured form of the sign before it.
    let text = text.replace('\u{fe0f}', "");
    let Some((at, sign)) = text.char_indices().find(|(_, char)| EMOJI.iter().any(|(emoji, ..)| emoji == char)) else {
        return html! { (text) };
    };
    let drawn = EMOJI.iter().find(|(emoji, ..)| *emoji == sign);
    html! {
        (&text[..at])
        @if let Some((_, colour, mark)) = drawn { span.emoji style={ "background:" (colour) } { (mark) } }
        (plain(&text[at + sign.len_utf8()..]))
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn what_slack_marks_is_marked() {
        for (text, html) in [
            ("*bold* _it_ ~gone~ `code`", "<b>bold</b> <i>it</i> <s>gone</s> <code>code</code>"),
            ("<https://a.example/?b&amp;c|label>", "<a href=\"https://a.example/?b&amp;c\">label</a>"),
            ("one\ntwo", "one<br>two"),
            ("&gt; said", "<blockquote>said</blockquote>"),
            ("```a\n*b*```", "<pre>a\n*b*</pre>"),
            ("at <!date^1795144080^{date_short_pretty}|2026-11-20 03:08:00 UTC>", "at 2026-11-20 03:08:00 UTC"),
            ("ping <!channel>", "ping <span class=\"mention\">@channel</span>"),
        ] {
            assert_eq!(draw(text).into_string(), html);
        }
    }

    #[test]
    fn an_emoji_is_drawn_without_a_font() {
        let drawn = draw("a ⚠\u{fe0f} b 🔴").into_string();
        assert_eq!(
            drawn,
            "a <span class=\"emoji\" style=\"background:#e8a317\">!</span> b \
             <span class=\"emoji\" style=\"background:#dd2e44\"></span>"
        );
    }

    #[test]
    fn what_slack_leaves_alone_is_left_alone() {
        for text in ["snake_case_name", "2 * 3 * 4", "a*b*c", "* item", "~5 min"] {
            assert_eq!(draw(text).into_string(), text);
        }
        assert_eq!(draw("&lt;b&gt; &amp;amp;").into_string(), "&lt;b&gt; &amp;amp;");
    }
}
