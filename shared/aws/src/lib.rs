//! The adapters: an AWS account into a [`checklist::Snapshot`], what is remembered into a table, a [`checklist::Message`] into SNS.
//! SDK types end here.
//!
//! # Layout
//! - [`client`]: how every SDK client is built (time limits, retries, one shared connector);
//! - [`Collector`]: all sources at once; [`credential_report`], [`iam`], [`regions`], [`root_events`], [`trails`], [`watch`] read one
//!   each;
//! - [`ledger`]: what was told, and what waits; [`drain()`]: tells it, through [`Notifier`];
//! - [`send_heartbeat`]: a watcher outside the account; [`webhook`]: Slack, at an address that [`parameter`] reads;
//! - [`failure`]: an SDK error in the words of the checklist.
//!
//! Each module that calls AWS lists the IAM actions it needs beside the calls, as `ACTIONS`; a test holds their unions and the
//! stack's roles together.

pub mod client;
mod collector;
pub mod credential_report;
mod drain;
pub mod failure;
pub mod iam;
pub mod ledger;
mod notifier;
pub mod parameter;
pub mod regions;
pub mod root_events;
pub mod trails;
pub mod watch;
mod watcher;
pub mod webhook;

pub use collector::{Collector, Look};
pub use drain::{Drained, drain};
pub use ledger::{Lease, Ledger, LedgerError};
pub use notifier::{Notifier, PublishError};
pub use watcher::{HeartbeatError, send_heartbeat};

/// Every IAM action that is needed to read an account: the policy for a dry run.
pub fn read_actions() -> Vec<&'static str> {
    [credential_report::ACTIONS, iam::ACTIONS, regions::ACTIONS, root_events::ACTIONS, trails::ACTIONS].concat()
}

/// Every IAM action that is needed to write down what was seen, and to tell it.
pub fn telling_actions() -> Vec<&'static str> {
    [ledger::ACTIONS, notifier::ACTIONS].concat()
}

/// Every IAM action of a check: to read, and to tell.
pub fn actions() -> Vec<&'static str> {
    [read_actions().as_slice(), watch::ACTIONS, &telling_actions()].concat()
}

/// An SDK time in ours; `None` outside of years -9999 to 9999.
fn timestamp(time: &aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    jiff::Timestamp::new(time.secs(), nanoseconds).ok()
}
