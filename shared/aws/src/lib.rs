//! The adapters: an AWS account into a [`facts::Snapshot`], what is remembered into a table, a [`messages::Message`] into SNS.
//! SDK types end here.
//!
//! # Layout
//! - [`client`]: how every SDK client is built (time limits, retries, one shared connector);
//! - [`Clock`]: the time of one run;
//! - [`Collector`]: all [`sources`] at once;
//! - [`organization`]: the accounts of an organization and the root users of its members;
//! - [`storage`]: the ledger, the report bucket and the link to the report in it;
//! - [`delivery`]: SNS, Slack, Security Hub, and the heartbeat to a watcher outside the account;
//! - [`drain()`]: sends what waits in the ledger;
//! - [`failure`]: an SDK error in the words of the facts.
//!
//! Each module that calls AWS lists the IAM actions it needs beside the calls, as `ACTIONS`; a test holds their unions and the
//! stack's roles together.

mod calls;
pub mod client;
mod clock;
mod collector;
pub mod delivery;
mod drain;
pub mod failure;
pub mod organization;
mod room;
pub mod sources;
pub mod storage;

pub use clock::Clock;
pub use collector::{Collector, Look};
pub use delivery::{HeartbeatError, Notifier, PublishError, Relays, SecurityHub, SecurityHubError, send_heartbeat};
pub use drain::{Drained, drain};
pub use sources::{baseline_actions, core_actions, read_actions};
pub use storage::{Acquired, Lease, Ledger, LedgerError, ReportBucket, ReportBucketError};

/// Every IAM action that is needed to record alerts and to send them.
pub fn sending_actions() -> Vec<&'static str> {
    [storage::ledger::ACTIONS, delivery::notifier::ACTIONS].concat()
}

/// Every IAM action that a function needs to note the outcome of the messages that it passes on.
pub fn passing_actions() -> Vec<&'static str> {
    storage::ledger::NOTE_ACTIONS.to_vec()
}

/// Every IAM action of a check: to read, to send, and to let recipients open the report.
pub fn actions() -> Vec<&'static str> {
    [read_actions().as_slice(), sources::watch::ACTIONS, &sending_actions(), storage::report_link::ACTIONS].concat()
}

/// An SDK time in ours; `None` outside of years -9999 to 9999.
fn timestamp(time: &aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    jiff::Timestamp::new(time.secs(), nanoseconds).ok()
}
