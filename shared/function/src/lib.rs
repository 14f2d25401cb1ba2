//! What every function's process has.
//!
//! - [`Environment`]: the variables that the template sets, read once and checked as a whole;
//! - [`Environment::limits`], [`Environment::checklist`] and [`Environment::policy`]: what of them every evaluation of an account shares;
//! - [`serve()`]: one event after the other;
//! - [`log`]: JSON lines on standard output;
//! - [`figures`]: CloudWatch's embedded metric format;
//! - [`Recorder`]: what of a report is news, written down;
//! - [`Voice`]: how alerts are sent.

mod choices;
mod environment;
pub mod figures;
pub mod log;
mod recording;
mod serve;
mod voice;

pub use choices::LIMITS;
pub use environment::{Environment, SettingsError, check_regions, is_https, setting};
pub use recording::{Asked, News, Recorder, Written};
pub use serve::serve;
pub use voice::{Sent, Untracked, Voice, lease, waits_for_subscriber};

use facts::{AccountId, text};
use jiff::Timestamp;
use lambda_runtime::Context;

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
    /// The call that Lambda describes by `context`, made at this moment.
    pub fn now(context: &Context) -> Self {
        Self {
            function_arn: context.invoked_function_arn.clone(),
            request_id: context.request_id.clone(),
            now: Timestamp::now(),
            ends: Timestamp::try_from(context.deadline()).unwrap_or(Timestamp::MAX),
        }
    }

    /// The account of the function.
    ///
    /// # Errors
    /// The ARN, bounded, where it names none.
    pub fn account(&self) -> Result<AccountId, String> {
        AccountId::from_arn(&self.function_arn).map_err(|_| text::bounded(&self.function_arn))
    }

    /// The last part of the function's ARN, without a version.
    pub fn function_name(&self) -> &str {
        self.function_arn.split(':').nth(6).unwrap_or("rootwatch")
    }
}
