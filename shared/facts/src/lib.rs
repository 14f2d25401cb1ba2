//! What AWS says of one account, parsed once into types, and one account's [`Snapshot`] of it.
//!
//! This crate knows no AWS client, no clock and no environment, and nothing of what is evaluated. A fact that could not be read is
//! [`Unavailable`], with its [`Source`] and its cause: it is never guessed.
//!
//! # Layout
//! - [`account`], and the facts of it: [`credential_report`], [`account_summary`], [`root_audit`], [`password_policy`], [`identities`], [`policy_document`],
//!   [`federation`], [`trails`], [`bucket`], [`watch`], [`relay`], [`billing`], [`contacts`], [`organization`], [`analyzers`], gathered in
//!   [`snapshot`];
//! - [`source`] (where facts come from, and why one is missing), [`call`] (the calls to AWS), [`span`] (what was looked up);
//! - CloudTrail: [`record`], and of it [`root_activity`] and [`tampering`], each with its [`severity`];
//! - [`verdict`] (the outcome of an evaluation, with its evidence) and [`text`] (what others wrote), which every crate uses.

pub mod account;
pub mod account_summary;
pub mod analyzers;
pub mod billing;
pub mod bucket;
pub mod call;
pub mod contacts;
pub mod credential_report;
pub mod federation;
pub mod identities;
pub mod organization;
pub mod password_policy;
pub mod policy_document;
pub mod record;
pub mod relay;
pub mod root_activity;
pub mod root_audit;
pub mod severity;
pub mod snapshot;
pub mod source;
pub mod span;
pub mod tampering;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod trails;
pub mod verdict;
pub mod watch;

pub use account::{Account, AccountId, Partition};
pub use call::Call;
pub use root_activity::RootActivity;
pub use severity::Severity;
pub use snapshot::Snapshot;
pub use source::{Source, Unavailable};
pub use tampering::Tampering;
pub use verdict::{Evidence, Status, Verdict};

#[cfg(feature = "schema")]
pub use schemars::JsonSchema;

/// The JSON Schema of `T`.
#[cfg(feature = "schema")]
pub fn schema_for<T: JsonSchema>() -> schemars::Schema {
    schemars::schema_for!(T)
}
