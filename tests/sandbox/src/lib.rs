//! A loopback AWS account for the tests, the demo and the figures, and a local Lambda Runtime API to run the real function in.
//!
//! It is stricter than public emulators: it enforces the limits that AWS documents and refuses what AWS refuses, so that what
//! passes here does not fail there. It listens on 127.0.0.1 only and ends with the process that started it.
//!
//! # Layout
//! - [`Story`]: an account as a folder of files;
//! - [`Sandbox`]: that account over HTTP, with its table and its faults; every call is recorded;
//! - [`runtime`]: hands an event to the function's binary as Lambda does.
//! - [`cost`]: what a month costs, by what was measured.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "test support: a broken story or a broken promise must stop the test loudly"
)]

use std::path::{Path, PathBuf};

mod access_analyzer;
mod account;
mod baseline;
mod billing;
mod cloudtrail;
mod cloudwatch;
pub mod cost;
mod dynamodb;
mod fault;
mod iam;
mod identity_center;
mod organizations;
mod page;
pub mod runtime;
mod s3;
mod security_hub;
mod server;
mod signals;
mod slack;
mod sns;
mod ssm;
mod story;
mod watch;

pub use dynamodb::TABLE;
pub use fault::{Fault, Trouble};
pub use s3::store::Object;
pub use server::{Call, Sandbox};
pub use signals::Crash;
pub use sns::Published;
pub use story::{Crowd, Flood, Story, Subscription, WEBHOOK_PARAMETER, scenarios};

/// The source tree, out of which stories are read: the one that this was built from, or the current folder, when that one is gone.
pub fn root() -> PathBuf {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if built_from.join("tests/scenarios").is_dir() { built_from } else { PathBuf::from(".") }
}
