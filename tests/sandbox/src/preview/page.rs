//! Block Kit as a page that looks as Slack draws it (<https://docs.slack.dev/reference/block-kit/blocks>).

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::mrkdwn;

const STYLE: &str = "
body { margin: 0; background: #fff; color: #1d1c1d; font: 15px/1.46668 Lato, 'Noto Sans', 'DejaVu Sans', sans-serif; }
main { display: flex; gap: 8px; padding: 12px 20px; }
.avatar { flex: none; width: 36px; height: 36px; border-radius: 6px; background: #7c1d1d; color: #fff; font: 900 20px/36px sans-serif; text-align: center; }
.body { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.name { font-weight: 900; } .badge { background: #e8e8e8; color: #454447; border-radius: 2px; font-size: 10px; font-weight: 700; padding: 1px 3px; margin: 0 6px; }
.time, .context { color: #616061; font-size: 12px; }
.block { margin: 8px 0; } h3 { font-size: 18px; font-weight: 900; margin: 12px 0 4px; }
.section { display: flex; gap: 12px; } .section > .words { flex: 1; min-width: 0; max-width: 600px; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; max-width: 600px; margin-top: 4px; }
hr { border: 0; border-top: 1px solid #ddd; margin: 14px 0; } a { color: #1264a3; text-decoration: none; }
code, pre { font: 12px/1.5 'DejaVu Sans Mono', monospace; background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px; }
code { color: #c01343; padding: 1px 3px; } pre { padding: 8px; margin: 4px 0; white-space: pre-wrap; }
blockquote { border-left: 4px solid #ddd; margin: 0; padding-left: 12px; } .mention { background: #fff3c4; color: #1264a3; border-radius: 3px; padding: 0 2px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; } .button { border: 1px solid #bbb; border-radius: 8px; padding: 3px 12px; font-size: 13px; font-weight: 700; color: #1d1c1d; }
.primary { background: #007a5a; border-color: #007a5a; color: #fff; } .danger { background: #e01e5a; border-color: #e01e5a; color: #fff; }
.notification { background: #f4f4f4; color: #616061; font-size: 12px; padding: 6px 20px; overflow-wrap: anywhere; } .unknown { color: #f00; }
.emoji { display: inline-block; border-radius: 50%; color: #fff; font: 900 .8em/1.25em sans-serif; width: 1.25em; height: 1.25em; text-align: center; vertical-align: -.15em; }
";

/// For whoever takes the pictures.
const HEIGHTS: &str = "
for (const article of document.querySelectorAll('article')) article.dataset.height = Math.ceil(article.getBoundingClientRect().height);
";

/// A page of messages, each the JSON of an incoming webhook: what a phone shows of it, and the message itself.
pub(super) fn draw(messages: &[(String, Value)], at: Timestamp) -> Markup {
    html! {
        (DOCTYPE)
        meta charset="utf-8";
        style { (PreEscaped(STYLE)) }
        body {
            @for (name, message) in messages {
                article id=(name) {
                    div.notification { "Notification: " (mrkdwn::draw(text(&message["text"]))) }
                    main {
                        div.avatar { "r" }
                        div.body {
                            span.name { "rootwatch" } span.badge { "APP" } span.time { (at.strftime("%H:%M")) }
                            @for drawn in list(&message["blocks"]) { (block(drawn)) }
                        }
                    }
                }
            }
            script { (PreEscaped(HEIGHTS)) }
        }
    }
}

fn block(block: &Value) -> Markup {
    html! {
        @match text(&block["type"]) {
            "header" => h3 { (mrkdwn::plain(text(&block["text"]["text"]))) },
            "divider" => hr;,
            "section" => div.block.section {
                div.words {
                    (words(&block["text"]))
                    @if !list(&block["fields"]).is_empty() {
                        div.fields { @for field in list(&block["fields"]) { div { (words(field)) } } }
                    }
                }
                @if !block["accessory"].is_null() { div { (element(&block["accessory"])) } }
            },
            "context" => div.block.context { @for part in list(&block["elements"]) { span { (element(part)) " " } } },
            "actions" => div.block.actions { @for part in list(&block["elements"]) { (element(part)) } },
            other => div.block.unknown { "cannot draw a block of type " (other) },
        }
    }
}

fn element(element: &Value) -> Markup {
    html! {
        @match text(&element["type"]) {
            "button" => a.button.(text(&element["style"])) href=(text(&element["url"])) { (text(&element["text"]["text"])) },
            "mrkdwn" | "plain_text" => (words(element)),
            other => span.unknown { "cannot draw an element of type " (other) },
        }
    }
}

/// A text object.
fn words(object: &Value) -> Markup {
    match (text(&object["type"]), text(&object["text"])) {
        ("mrkdwn", text) => mrkdwn::draw(text),
        (_, text) => mrkdwn::plain(text),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_block_that_is_used_is_drawn_and_text_stays_text() {
        let message = json!({
            "text": "CRITICAL: <https://a.example|a>",
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "New <b>key</b>"}},
                {"type": "section", "text": {"type": "mrkdwn", "text": "*Who* root"}, "fields": [
                    {"type": "mrkdwn", "text": "*When*\n03:08 UTC"},
                    {"type": "plain_text", "text": "*not bold*"},
                ]},
                {"type": "divider"},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": "rootwatch 0.1.0"}]},
                {"type": "actions", "elements": [
                    {"type": "button", "text": {"type": "plain_text", "text": "Event"}, "url": "https://b.example/?c&d", "style": "danger"},
                ]},
            ],
        });
        let draw = |message| super::draw(&[("name".to_owned(), message)], Timestamp::UNIX_EPOCH).into_string();
        let page = draw(message);
        for part in [
            "<h3>New &lt;b&gt;key&lt;/b&gt;</h3>",
            "<b>Who</b> root",
            "<b>When</b><br>03:08 UTC",
            "<div>*not bold*</div>",
            "<hr>",
            "<span>rootwatch 0.1.0 </span>",
            "<a class=\"button danger\" href=\"https://b.example/?c&amp;d\">Event</a>",
            "Notification: CRITICAL: <a href=\"https://a.example\">a</a>",
            "00:00",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(!page.contains("cannot draw"), "{page}");
        let other = json!({"blocks": [{"type": "video"}]});
        assert!(draw(other).contains("cannot draw a block of type video"));
    }
}
