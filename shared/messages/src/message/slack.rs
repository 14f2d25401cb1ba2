//! The body for Slack: Block Kit (<https://docs.slack.dev/reference/block-kit/blocks>).
//!
//! Slack refuses a message that goes over one of its limits as a whole, so everything here is cut to fit and says so. Where Slack
//! counts characters, UTF-16 units are counted here: they are never fewer.

use serde_json::{Value, json};

use super::Notification;
use super::page::{Advice, Link, Page, Part};
use super::times::in_the_readers_zone;

/// What Slack takes, and what this module gives at most.
pub mod limits {
    /// Blocks of a message.
    pub const BLOCKS: usize = 50;
    /// Text of a header.
    pub const HEADER: usize = 150;
    /// Text of a section.
    pub const SECTION: usize = 3_000;
    /// Fields of a section.
    pub const FIELDS: usize = 10;
    /// Text of a field.
    pub const FIELD: usize = 2_000;
    /// Elements of a context block.
    pub const CONTEXT: usize = 10;
    /// Buttons of an actions block.
    pub const BUTTONS: usize = 25;
    /// Text of a button.
    pub const BUTTON: usize = 75;
    /// Address of a button.
    pub const URL: usize = 3_000;
    /// The text for notifications beside the blocks.
    pub const FALLBACK: usize = 4_000;
    /// All texts of all blocks. It is not documented: messages of 12,000 to 13,200 characters were refused as
    /// `msg_blocks_too_long` (<https://github.com/slackapi/bolt-js/issues/2509>).
    pub const ALL: usize = 12_000;
}

/// All texts of a message with the structure around them, well below [`limits::ALL`].
const BUDGET: usize = 10_000;
/// What the structure around the text of a block is taken for.
const STRUCTURE: usize = 100;
/// Text above a part's fields, one field, and one of the sections that say why and what to do: the first part always fits.
const MAX_TEXT: usize = 1_800;
const MAX_FIELD: usize = 200;
const MAX_ADVICE: usize = 2_600;
/// Sections that say why and what to do.
const ADVICE: usize = 2;
/// One element of the context.
const MAX_CONTEXT: usize = 900;
const CUT: &str = "\n… _cut here: the email has more_";

/// `notification` as an incoming webhook takes it: `text` for the lock screen, and `blocks`.
pub fn compose(notification: &Notification) -> Value {
    post(&Page::of(notification))
}

pub(super) fn post(page: &Page) -> Value {
    let mut kit = Kit::default();
    kit.add(vec![json!({"type": "header", "text": plain(&page.title, limits::HEADER)})]);
    kit.add(vec![section(json!({"text": marked_up(&page.opening, MAX_TEXT)}))]);
    for part in &page.parts {
        kit.add(blocks(part));
    }
    if kit.left_out > 0 {
        let what = format!("⚠️ {} more in the email and in the function's log.", kit.left_out);
        kit.blocks.push(section(json!({"text": marked_up(&[what], MAX_TEXT)})));
    }
    let elements =
        page.footer.iter().take(limits::CONTEXT).map(|line| marked_up(std::slice::from_ref(line), MAX_CONTEXT));
    kit.blocks.push(json!({"type": "context", "elements": elements.collect::<Vec<_>>()}));
    json!({"text": some(cut(&page.summary, limits::FALLBACK)), "blocks": kit.blocks})
}

/// Blocks up to the limits, with room for two more: what was left out, and the context.
#[derive(Default)]
struct Kit {
    blocks: Vec<Value>,
    spent: usize,
    left_out: usize,
}

impl Kit {
    /// Adds the blocks of one part, or counts it as left out: all or nothing, and nothing after the first that does not fit.
    fn add(&mut self, blocks: Vec<Value>) {
        let cost = blocks.iter().map(|block| STRUCTURE + texts(block)).sum::<usize>();
        if self.left_out > 0 || self.blocks.len() + blocks.len() > limits::BLOCKS - 2 || self.spent + cost > BUDGET {
            self.left_out += 1;
            return;
        }
        self.spent += cost;
        self.blocks.extend(blocks);
    }
}

/// The length of every text in `value`.
fn texts(value: &Value) -> usize {
    match value {
        Value::String(text) => length(text),
        Value::Array(values) => values.iter().map(texts).sum(),
        Value::Object(fields) => fields.values().map(texts).sum(),
        _ => 0,
    }
}

fn blocks(part: &Part) -> Vec<Value> {
    let mut content = json!({"text": marked_up(&part.lines, MAX_TEXT)});
    if let (Some(content), false) = (content.as_object_mut(), part.fields.is_empty()) {
        let fields = part.fields.iter().take(limits::FIELDS);
        let fields = fields.map(|(name, value)| marked_up(&[format!("*{name}*\n{value}")], MAX_FIELD));
        content.insert("fields".into(), fields.collect());
    }
    let mut blocks = vec![section(content)];
    blocks.extend(part.advice.as_ref().map(advice).unwrap_or_default());
    let buttons: Vec<Value> = part.links.iter().take(limits::BUTTONS).filter_map(button).collect();
    if !buttons.is_empty() {
        blocks.push(json!({"type": "actions", "elements": buttons}));
    }
    blocks
}

/// Why it matters and what to do next: in as many sections as it needs, up to [`ADVICE`].
fn advice(advice: &Advice) -> Vec<Value> {
    let mut sections: Vec<Vec<String>> = Vec::new();
    for line in advice_lines(advice) {
        let is_room = |lines: &Vec<String>| length(&lines.join("\n")) + 1 + length(&line) <= MAX_ADVICE;
        let is_last = sections.len() == ADVICE;
        match sections.last_mut().filter(|lines| is_last || is_room(lines)) {
            Some(lines) => lines.push(line),
            None => sections.push(vec![line]),
        }
    }
    sections.iter().map(|lines| section(json!({"text": marked_up(lines, MAX_ADVICE)}))).collect()
}

fn advice_lines(advice: &Advice) -> Vec<String> {
    let mut lines: Vec<String> = advice.why.iter().map(|why| format!("*Why:* {why}")).collect();
    if !advice.steps.is_empty() {
        lines.push("*Next steps, in this order:*".into());
        lines.extend(advice.steps.iter().cloned());
    }
    if !advice.commands.is_empty() {
        lines.push(format!("```{}```", advice.commands.join("\n")));
    }
    lines
}

fn section(mut content: Value) -> Value {
    if let Some(fields) = content.as_object_mut() {
        fields.insert("type".into(), "section".into());
    }
    content
}

fn button(link: &Link) -> Option<Value> {
    let fits = length(&link.url) <= limits::URL;
    fits.then(|| json!({"type": "button", "text": plain(link.text, limits::BUTTON), "url": link.url}))
}

fn plain(text: &str, max: usize) -> Value {
    json!({"type": "plain_text", "text": some(cut(text, max)), "emoji": false})
}

/// `verbatim`: Slack makes no links, channels or mentions of its own out of it. Times are shown in the reader's zone.
fn marked_up(lines: &[String], max: usize) -> Value {
    let lines: Vec<String> = lines.iter().map(|line| in_the_readers_zone(line)).collect();
    json!({"type": "mrkdwn", "text": some(joined(&lines, max)), "verbatim": true})
}

/// Slack refuses an empty text.
fn some(text: String) -> String {
    if text.trim().is_empty() { "—".into() } else { text }
}

/// Whole lines, as many as fit; of a first line that does not, what fits.
pub(super) fn joined(lines: &[String], max: usize) -> String {
    let whole = lines.join("\n");
    if length(&whole) <= max {
        return whole;
    }
    let room = max.saturating_sub(length(CUT));
    let mut text = String::new();
    for line in lines {
        if length(&text) + 1 + length(line) > room {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    if text.is_empty() {
        text = cut(&whole, room);
    }
    text + CUT
}

/// At most `max` UTF-16 units on a character border, with `…`; neither half an entity or token nor an open code span is left.
pub(super) fn cut(text: &str, max: usize) -> String {
    if length(text) <= max {
        return text.to_owned();
    }
    // For `…` and a code span's end.
    let mut room = max.saturating_sub(2);
    let mut kept: String = text
        .chars()
        .take_while(|char| {
            let fits = char.len_utf16() <= room;
            room = room.saturating_sub(char.len_utf16());
            fits
        })
        .collect();
    if let Some((before, entity)) = kept.rsplit_once('&')
        && !entity.contains(';')
    {
        kept.truncate(before.len());
    }
    if let Some((before, token)) = kept.rsplit_once('<')
        && !token.contains('>')
    {
        kept.truncate(before.len());
    }
    if kept.matches('`').count() % 2 == 1 {
        kept.push('`');
    }
    kept + "…"
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
