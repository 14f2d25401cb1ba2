//! A name and a value, as each channel shows them in its own way.

/// A name and a value. What others wrote stands alone; ours may quote.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) is_quoted: bool,
}

impl Fact {
    pub(super) fn ours(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), is_quoted: false }
    }

    pub(super) fn quoted(name: &'static str, value: &str) -> Self {
        Self { name, value: value.to_owned(), is_quoted: true }
    }
}
