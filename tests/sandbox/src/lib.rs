//! A loopback AWS account for the tests, the demo and the figures, and a local Lambda Runtime API to run the real function in.
//!
//! It is stricter than public emulators: it enforces the limits that AWS documents and refuses what AWS refuses, so that what
//! passes here does not fail there. It listens on 127.0.0.1 only and ends with the process that started it.
//!
//! # Layout
//! - [`Story`]: an account as a folder of files;
//! - [`Sandbox`]: that account over HTTP, with its table and its faults; every call is recorded;
//! - [`runtime`]: hands an event to the function's binary as Lambda does.
//! - [`Organization`]: members behind that account, and sessions of their root users;
//! - [`machine`]: a run over them, as the state machine does it;
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
pub mod machine;
mod members;
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
pub use members::{AUDIT_ACTIONS, MEMBER_ROLE, Organization};
pub use s3::store::Object;
pub use server::{Call, Sandbox};
pub use signals::Crash;
pub use sns::Published;
pub use story::{Crowd, Flood, Story, Subscription, WEBHOOK_PARAMETER, scenarios};

/// The folder out of which stories are read: an unpacked archive that this program is in, else the source tree that it was built from,
/// else the current folder.
pub fn root() -> PathBuf {
    let unpacked = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.parent()?.to_owned()));
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = unpacked.into_iter().chain([built_from]).find(|folder| folder.join("tests/scenarios").is_dir());
    found.unwrap_or_else(|| PathBuf::from("."))
}
