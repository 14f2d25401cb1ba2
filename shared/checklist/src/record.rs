//! Lenient access to a CloudTrail record: unknown fields, nulls and numbers in place of strings never hide an event.

use serde_json::Value;

use crate::text::bounded;

/// A record, read by JSON pointer.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Value);

impl Fields<'_> {
    /// Non-empty text, number or truth value.
    pub(crate) fn text(&self, pointer: &str) -> Option<String> {
        match self.0.pointer(pointer)? {
            Value::String(text) => Some(bounded(text)).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// `true`, `"true"`, `"Yes"` in any case, or their opposites.
    pub(crate) fn truth(&self, pointer: &str) -> Option<bool> {
        match self.text(pointer)?.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }
}
