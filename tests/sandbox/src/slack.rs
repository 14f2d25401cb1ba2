//! Slack's incoming webhook: what it takes and what it refuses
//! (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>).
//!
//! The limits are written out here once more, so that a test fails when the function's own are wrong.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{HeaderMap, Response};
use serde_json::Value;

use crate::fault::ServiceError;
use crate::server::{State, response};

pub(crate) fn post(
    state: &mut State,
    method: &str,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<String, ServiceError> {
    let refused = |status, word: &str| Err(ServiceError::new(status, word, ""));
    if method != "POST" || !state.story.webhooks.iter().any(|webhook| webhook == path) {
        return refused(404, "no_service");
    }
    let content_type = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some(message) = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object) else {
        return refused(400, "invalid_payload");
    };
    if !content_type.starts_with("application/json") {
        return refused(400, "invalid_payload");
    }
    if !is_text(&message["text"], 40_000) {
        return refused(400, "no_text");
    }
    let Some(blocks) = message["blocks"].as_array() else { return refused(400, "invalid_blocks") };
    if !(1..=50).contains(&blocks.len()) || !blocks.iter().all(is_block) {
        return refused(400, "invalid_blocks");
    }
    // Not documented; see message/slack.rs.
    if message["blocks"].to_string().chars().count() > 20_000 || characters(&message["blocks"]) > 12_000 {
        return refused(400, "msg_blocks_too_long");
    }
    state.posts.push((path.to_owned(), message));
    Ok("ok".to_owned())
}

/// An answer that is no 200; for 429 the word is `Retry-After`, for a redirect the address.
pub(crate) fn word(error: &ServiceError) -> Response<Full<Bytes>> {
    let mut response = response(error.status, "text/plain", error.code.clone());
    let header = match error.status {
        429 => Some("retry-after"),
        300..=399 => Some("location"),
        _ => None,
    };
    if let Some((header, value)) = header.zip(error.code.parse().ok()) {
        response.headers_mut().insert(header, value);
    }
    response
}

fn is_block(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("header") => block["text"]["type"] == "plain_text" && is_text(&block["text"]["text"], 150),
        Some("section") => {
            let fields = block["fields"].as_array();
            is_text_object(&block["text"], 3_000)
                && fields.is_none_or(|fields| (1..=10).contains(&fields.len()))
                && fields.into_iter().flatten().all(|field| is_text_object(field, 2_000))
                && block.get("accessory").is_none_or(is_button)
        }
        Some("actions") => block["elements"]
            .as_array()
            .is_some_and(|elements| (1..=25).contains(&elements.len()) && elements.iter().all(is_button)),
        Some("context") => block["elements"].as_array().is_some_and(|elements| {
            (1..=10).contains(&elements.len()) && elements.iter().all(|element| is_text_object(element, 2_000))
        }),
        Some("divider") => true,
        _ => false,
    }
}

fn is_button(button: &Value) -> bool {
    button["type"] == "button"
        && button["text"]["type"] == "plain_text"
        && is_text(&button["text"]["text"], 75)
        && is_text(&button["url"], 3_000)
        && button["url"].as_str().is_some_and(|url| url.starts_with("https://"))
}

fn is_text_object(text: &Value, max: usize) -> bool {
    ["mrkdwn", "plain_text"].iter().any(|kind| text["type"] == *kind) && is_text(&text["text"], max)
}

fn is_text(text: &Value, max: usize) -> bool {
    text.as_str().is_some_and(|text| (1..=max).contains(&text.encode_utf16().count()))
}

fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.encode_utf16().count(),
        Value::Array(values) => values.iter().map(characters).sum(),
        Value::Object(fields) => fields.values().map(characters).sum(),
        _ => 0,
    }
}
