//! The body for Amazon Q Developer in chat applications: a custom notification
//! (<https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>), which it draws in Slack or Teams itself.

use serde_json::{Value, json};

use super::Notification;
use super::page::{Link, Page, Part};
use super::slack::{cut, joined};

/// What Amazon Q takes.
pub mod limits {
    /// `content.title`.
    pub const TITLE: usize = 250;
    /// `content.description`.
    pub const DESCRIPTION: usize = 8_000;
    /// One of `content.nextSteps`.
    pub const NEXT_STEP: usize = 350;
    /// One of `content.keywords`.
    pub const KEYWORD: usize = 75;
}

/// Steps, each once.
const MAX_STEPS: usize = 16;
const MAX_SUMMARY: usize = 500;

/// `notification` as a custom notification; what is sent of one condition again is in one thread.
pub fn compose(notification: &Notification) -> Value {
    custom(&Page::of(notification))
}

pub(super) fn custom(page: &Page) -> Value {
    let mut lines = page.opening.clone();
    let mut steps: Vec<String> = Vec::new();
    for part in &page.parts {
        lines.push(String::new());
        lines.extend(words(part));
        for step in part.advice.iter().flat_map(|advice| &advice.steps) {
            let step = cut(step, limits::NEXT_STEP);
            if !steps.contains(&step) && steps.len() < MAX_STEPS {
                steps.push(step);
            }
        }
    }
    lines.push(String::new());
    lines.extend(page.footer.iter().cloned());
    let mut notification = json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": cut(&page.title, limits::TITLE),
            "description": joined(&lines, limits::DESCRIPTION),
            "nextSteps": steps,
            "keywords": page.keywords.iter().filter(|word| !word.is_empty()).map(|word| cut(word, limits::KEYWORD)).collect::<Vec<_>>(),
        },
        "metadata": {"summary": cut(&page.summary, MAX_SUMMARY)},
    });
    if let Some(metadata) = notification.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.extend(page.thread.iter().map(|thread| ("threadId".into(), thread.as_str().into())));
    }
    notification
}

/// All of a part but its steps, which stand apart.
fn words(part: &Part) -> Vec<String> {
    let linked = |link: &Link| format!("<{}|{}>", link.url, link.text);
    let mut lines = part.lines.clone();
    lines.extend(part.fields.iter().map(|(name, value)| format!("• *{name}:* {value}")));
    if let Some(advice) = &part.advice {
        lines.extend(advice.why.iter().map(|why| format!("*Why:* {why}")));
        lines.extend((!advice.commands.is_empty()).then(|| format!("```{}```", advice.commands.join("\n"))));
    }
    lines.extend(part.links.iter().map(linked));
    lines
}
