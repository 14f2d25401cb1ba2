//! What goes wrong on command.

use serde::Deserialize;

/// A fault of one call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The IAM action, as `iam:GetAccountSummary`.
    pub on: String,
    /// Only in this Region.
    pub region: Option<String>,
    /// What happens.
    #[serde(rename = "do")]
    pub trouble: Trouble,
    /// So many times, then no more; unset: always.
    pub times: Option<usize>,
}

/// What happens in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// `AccessDenied`, in the service's spelling.
    Deny,
    /// `Throttling`, in the service's spelling.
    Throttle,
    /// No answer, ever.
    Hang,
    /// The connection is cut.
    Reset,
    /// 200 with HTML.
    Garbage,
    /// An empty 200.
    Empty,
    /// HTTP 500.
    Broken,
    /// The right answer, so many milliseconds late.
    Slow(u64),
    /// This error code.
    Error(String),
}

/// An error as a service words it.
pub(crate) struct ServiceError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl ServiceError {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }
}
