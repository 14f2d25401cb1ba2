//! The loop of a function's process: one event after the other, each answered or refused in few words.

use facts::text;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::Invocation;

/// Most characters of an error: Lambda keeps it in its log and hands it to the caller.
const MAX_ERROR: usize = 4_000;

/// An event, or why it is no JSON that can be read. The runtime itself would answer with the path to the fault, which is as long as
/// the event's sender likes.
struct Event(Result<Value, String>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Value::deserialize(deserializer).map_err(|error| text::bounded(&error.to_string()))))
    }
}

/// Answers each event with what `handle` makes of it, until Lambda ends the process.
///
/// # Errors
/// When Lambda's runtime API cannot be reached. What goes wrong with an event is its answer.
pub async fn serve<R, E>(handle: impl AsyncFn(Value, Invocation) -> Result<R, E>) -> Result<(), Error>
where
    R: Serialize,
    E: Into<Diagnostic>,
{
    run(service_fn(async |event: LambdaEvent<Event>| {
        let (Event(event), context) = event.into_parts();
        let answer = match event {
            // Boxed: the compiler would otherwise lay out every call's future in that of the process.
            Ok(event) => Box::pin(handle(event, Invocation::now(&context))).await.map_err(Into::into),
            Err(why) => Err(unreadable(&why)),
        };
        answer.map_err(cut)
    }))
    .await
}

fn unreadable(why: &str) -> Diagnostic {
    Diagnostic {
        error_type: "InvalidEvent".into(),
        error_message: format!("the event is no JSON that can be read ({why}); nothing was called"),
    }
}

fn cut(mut error: Diagnostic) -> Diagnostic {
    if let Some((end, _)) = error.error_message.char_indices().nth(MAX_ERROR) {
        error.error_message.truncate(end);
        error.error_message.push('…');
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(event: &[u8]) -> String {
        // As the runtime does it: what follows the event is not looked at.
        let Event(event) = Event::deserialize(&mut serde_json::Deserializer::from_slice(event)).unwrap();
        unreadable(&event.unwrap_err()).error_message
    }

    #[test]
    fn ct_15_an_event_that_cannot_be_read_is_an_error_of_few_words_that_shows_nothing_of_it() {
        let deep = format!("{}{}", r#"{"a-secret-name":"#.repeat(10_000), "}".repeat(10_000));
        let faults: [(&[u8], &str); 6] = [
            (deep.as_bytes(), "recursion limit exceeded"),
            (&b"[".repeat(6 << 20), "recursion limit exceeded"),
            (b"\"\xff\xfe\"", "invalid unicode code point"),
            (b"{\"secret\": 1e999}", "number out of range"),
            (b"", "EOF while parsing a value"),
            (b"secret", "expected value"),
        ];
        for (event, what) in faults {
            let fault = fault(event);
            assert!(fault.contains(what) && !fault.contains("secret") && fault.len() < 200, "{fault}");
        }
    }

    #[test]
    fn an_event_that_can_be_read_is_handed_on_as_it_is() {
        let Event(event) = serde_json::from_str(r#"{"a": [1, "ä"], "a": 2}"#).unwrap();
        assert_eq!(event.unwrap(), serde_json::json!({"a": 2}));
    }

    #[test]
    fn an_error_is_cut_at_4000_characters_and_says_so() {
        let error = |message: String| cut(Diagnostic { error_type: "T".into(), error_message: message }).error_message;
        let long = error("ä".repeat(281_000));
        assert!(long.chars().count() == MAX_ERROR + 1 && long.ends_with('…'));
        assert_eq!(error("ä".repeat(MAX_ERROR)), "ä".repeat(MAX_ERROR));
    }
}
