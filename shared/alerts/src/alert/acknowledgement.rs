//! An acknowledgement: it stops the reminders of an open alert until it ends, and nothing else.

use facts::span::CLOCKS_DIFFER;
use facts::text;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::MAX_ID;

/// A person's statement that they work on a condition: it stops reminders, and always ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Acknowledgement {
    /// Who; at most [`facts::text::MAX_CHARS`] characters.
    pub by: String,
    /// Why, or a ticket; at most [`facts::text::MAX_CHARS`] characters.
    pub note: Option<String>,
    /// When it was given.
    pub from: Timestamp,
    /// When reminders begin again; at most [`Acknowledgement::MAX_HOURS`] later.
    pub until: Timestamp,
}

/// A request that no state of the account could fulfil.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcknowledgeError {
    /// It lasts too long, or not at all.
    #[error("an acknowledgement lasts 1 to {max} hours: `hours` is {0}", max = Acknowledgement::MAX_HOURS)]
    Hours(u16),
    /// It names no person.
    #[error("an acknowledgement says who gives it: `by` is empty")]
    Nameless,
    /// It names no alert.
    #[error("an acknowledgement names an alert by its id: `alert` is empty, or longer than {MAX_ID} characters")]
    NoAlert,
}

impl Acknowledgement {
    /// The longest one.
    pub const MAX_HOURS: u16 = 168;
    /// How long one lasts that names no hours.
    pub const DEFAULT_HOURS: u16 = 24;

    /// Checks one that is given at `from`.
    ///
    /// # Errors
    /// See [`AcknowledgeError`].
    pub fn new(by: &str, note: Option<&str>, hours: u16, from: Timestamp) -> Result<Self, AcknowledgeError> {
        if !(1..=Self::MAX_HOURS).contains(&hours) {
            return Err(AcknowledgeError::Hours(hours));
        }
        let by = text::bounded(by);
        if by.trim_end_matches('…').is_empty() {
            return Err(AcknowledgeError::Nameless);
        }
        let note = note.map(text::bounded).filter(|note| !note.is_empty());
        let until = from.checked_add(SignedDuration::from_hours(hours.into())).unwrap_or(Timestamp::MAX);
        Ok(Self { by, note, from, until })
    }

    /// Whether it stops reminders at `now`. One of the future was recorded by a clock that was ahead, and stops none.
    pub(super) fn is_in_force(&self, now: Timestamp) -> bool {
        self.from.duration_since(now) <= CLOCKS_DIFFER && now < self.until && self.has_length()
    }

    /// Whether [`Self::new`] may have made it by `latest`.
    pub(super) fn is_sound(&self, latest: Timestamp) -> bool {
        let is_bounded = |text: &String| !text.is_empty() && text::bounded(text) == *text;
        is_bounded(&self.by) && self.note.as_ref().is_none_or(is_bounded) && self.from <= latest && self.has_length()
    }

    fn has_length(&self) -> bool {
        let length = self.until.duration_since(self.from);
        length > SignedDuration::ZERO && length <= SignedDuration::from_hours(Self::MAX_HOURS.into())
    }
}
