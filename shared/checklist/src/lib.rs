//! The root-account checklist: everything that judges, decides and words.
//!
//! This crate knows no AWS client, no clock and no environment: a [`Snapshot`] of one account goes in, a [`Report`] and a
//! [`Message`] come out, and the same snapshot always gives the same words.
//!
//! # Layout
//! - facts, each parsed once into types: [`credential_report`], [`account_summary`], [`password_policy`], [`identities`],
//!   [`policy_document`], [`federation`], [`root_activity`], [`trails`], [`bucket`], [`watch`], [`relay`], [`billing`], [`contacts`],
//!   [`organization`], [`analyzers`], gathered in [`snapshot`] for one [`account`];
//! - judgement: [`control`] (what is judged), [`controls`] (the ordered [`CHECKLIST`]), [`selection`] (which of them are chosen), [`settings`],
//!   [`declarations`] (what the owner states), [`finding`] (what came out), [`framework`] (what others call it);
//! - memory, stored by others: [`alert`] (what is told now, given what was told before), [`sweep`] (what has been looked through of
//!   CloudTrail), [`baseline`] (what is evaluated once an hour), [`outbox`] (in which order it is told);
//! - words: [`report`] (the function's answer), [`summary`] (it in one sentence), [`read_errors`] (what could not be read, by cause), [`users`] (those that it names), [`message`] (what people and machines are told), [`text`] (what others wrote).
//!
//! # What it does not do
//! It stores nothing itself, and it never guesses: what could not be read is [`Status::Unknown`].

pub mod account;
pub mod account_summary;
pub mod alert;
pub mod analyzers;
pub mod baseline;
pub mod billing;
pub mod bucket;
pub mod contacts;
pub mod control;
pub mod controls;
pub mod credential_report;
pub mod declarations;
pub mod federation;
pub mod finding;
pub mod framework;
pub mod identities;
pub mod message;
pub mod organization;
pub mod outbox;
pub mod password_policy;
pub mod policy_document;
pub mod read_errors;
mod record;
pub mod relay;
pub mod report;
pub mod root_activity;
pub mod selection;
pub mod settings;
pub mod snapshot;
pub mod summary;
pub mod sweep;
pub mod tampering;
pub mod text;
pub mod trails;
pub mod users;
pub mod watch;

pub use account::{Account, AccountId, Partition};
pub use alert::Alert;
pub use baseline::Baseline;
pub use control::{Control, Severity, Step};
pub use controls::CHECKLIST;
pub use finding::{Evidence, Finding, Status, Verdict};
pub use framework::Framework;
pub use message::Message;
pub use report::Report;
pub use root_activity::RootActivity;
pub use selection::Selection;
pub use settings::{Refused, Settings};
pub use snapshot::{Snapshot, Source, Unavailable};
pub use summary::Summary;
pub use tampering::Tampering;

#[cfg(feature = "schema")]
pub use schemars::JsonSchema;

/// The JSON Schema of `T`.
#[cfg(feature = "schema")]
pub fn schema_for<T: JsonSchema>() -> schemars::Schema {
    schemars::schema_for!(T)
}
