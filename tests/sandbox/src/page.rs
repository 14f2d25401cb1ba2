//! Pages of a list, as each service cuts them.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::server::State;

/// What one operation says of its pages.
pub(crate) struct Pages {
    /// The field that holds the list.
    pub(crate) list: &'static str,
    /// The fields that hold the size and the token.
    pub(crate) fields: (&'static str, &'static str),
    /// Sizes that may be asked for.
    pub(crate) sizes: RangeInclusive<u64>,
    /// The size when none is asked for.
    pub(crate) usual: u64,
    /// Codes of the errors for a size and for a token that are not right.
    pub(crate) errors: (&'static str, &'static str),
}

/// The names of most services.
pub(crate) const FIELDS: (&str, &str) = ("MaxResults", "NextToken");

impl Pages {
    /// One page of `entries`, and the token of the next. A token is bound to the request that it came from.
    pub(crate) fn of(&self, state: &State, request: &Value, entries: Vec<Value>) -> Result<Value, ServiceError> {
        let (size, token) = self.fields;
        let size = request.get(size).map_or(Some(self.usual), Value::as_u64);
        let Some(size) = size.filter(|size| self.sizes.contains(size)) else {
            let (least, most) = (self.sizes.start(), self.sizes.end());
            return Err(ServiceError::new(400, self.errors.0, format!("the size of a page is {least} to {most}")));
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(state.story.page_size);
        let start = match request.get(token) {
            None => 0,
            Some(token) => self.start(request, token)?,
        };
        let end = entries.len().min(start.saturating_add(size));
        let mut answer = json!({self.list: entries.get(start..end).unwrap_or_default()});
        if end < entries.len() {
            answer[token] = json!(self.token(request, end));
        }
        Ok(answer)
    }

    /// A page without an entry, and a token: some services filter after they have cut.
    pub(crate) fn empty(&self, request: &Value) -> Value {
        json!({self.list: [], self.fields.1: self.token(request, 0)})
    }

    fn token(&self, request: &Value, start: usize) -> String {
        URL_SAFE.encode(format!("{start}|{}", self.bound(request)))
    }

    fn start(&self, request: &Value, token: &Value) -> Result<usize, ServiceError> {
        let token = token.as_str().and_then(|token| URL_SAFE.decode(token).ok());
        let token = token.and_then(|token| String::from_utf8(token).ok()).unwrap_or_default();
        match token.split_once('|') {
            Some((start, of)) if of == self.bound(request) => Ok(start.parse().unwrap_or(usize::MAX)),
            _ => Err(ServiceError::new(400, self.errors.1, "the token is of another request")),
        }
    }

    /// The request without what may differ from page to page.
    fn bound(&self, request: &Value) -> String {
        let mut bound = request.clone();
        if let Some(fields) = bound.as_object_mut() {
            fields.shift_remove(self.fields.0);
            fields.shift_remove(self.fields.1);
        }
        bound.to_string()
    }
}
