//! What every function's process has.
//!
//! - [`Environment`]: the variables that the template sets, read once and judged as a whole;
//! - [`log`]: JSON lines on standard output;
//! - [`figures`]: CloudWatch's embedded metric format;
//! - [`Voice`]: the way from something that was seen to people.

mod environment;
pub mod figures;
pub mod log;
mod voice;

pub use environment::{Environment, SettingsError, check_regions, is_https};
pub use voice::{Spoken, Untracked, Voice, lease, waits_for_subscriber};

use jiff::Timestamp;

/// One call of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// ARN that was called; names the account.
    pub function_arn: String,
    /// Lambda's id of the call; the same for its retries.
    pub request_id: String,
    /// The present.
    pub now: Timestamp,
    /// When Lambda ends the call.
    pub ends: Timestamp,
}

impl Invocation {
    /// The last part of the function's ARN, without a version.
    pub fn function_name(&self) -> &str {
        self.function_arn.split(':').nth(6).unwrap_or("rootwatch")
    }
}
