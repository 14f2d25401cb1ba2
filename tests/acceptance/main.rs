//! The stories, against a loopback AWS account.
//!
//! - `stories`: each folder of `scenarios/` and what is told;
//! - `function`: the real binary in a local Lambda Runtime API;
//! - `delivery`: what SNS may answer;
//! - `deployment`: template, events, README and the actions that the code calls, held together;
//! - `generated`: files that are written by `make bless`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "every line here is a test"
)]

mod delivery;
mod deployment;
mod function;
mod generated;
mod stories;
