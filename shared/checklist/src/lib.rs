//! What is evaluated: the root-account checklist, and the report of a check.
//!
//! A [`Snapshot`](facts::Snapshot) of one account goes in, a [`Report`] comes out, and the same snapshot always gives the same report. This
//! crate knows no AWS client, no clock and no environment.
//!
//! # Layout
//! - [`control`] (what a control is), [`controls`] (the ordered [`CHECKLIST`]), [`password_profile`] (what a password policy is held against);
//! - [`settings`] (what the owner chooses), [`selection`] (which controls are evaluated, and so which sources are read), [`declarations`] (what the
//!   owner states);
//! - [`finding`] (a control with its verdict), [`source_state`] (how far a source could be read), [`baseline`] (what is evaluated once an
//!   hour), [`users`] (those that findings name), all in the [`report`];
//! - [`summary`] (a report in one sentence), [`read_errors`] (what could not be read, by cause), [`framework`] and [`framework_view`] (the
//!   controls by the names of others).

pub mod baseline;
pub mod control;
pub mod controls;
pub mod declarations;
pub mod finding;
pub mod framework;
pub mod framework_view;
pub mod password_profile;
pub mod read_errors;
mod renamed;
pub mod report;
pub mod selection;
pub mod settings;
pub mod source_state;
pub mod summary;
pub mod users;

pub use baseline::Baseline;
pub use control::{Control, Step};
pub use controls::CHECKLIST;
pub use finding::Finding;
pub use framework::Framework;
pub use report::Report;
pub use settings::{Refused, Selection, Settings};
pub use source_state::SourceState;
pub use summary::Summary;
