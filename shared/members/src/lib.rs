//! The accounts of an organization: which of them are audited, the result of each, and how the alerts of many become one message.
//!
//! Members, rows and alerts go in, a [`Run`] comes out, which `messages` puts into words. This crate calls, stores and sends nothing itself,
//! and knows no AWS client, no clock and no environment.
//!
//! # Layout
//! - [`Member`]: an account as the organization lists it, and whether it is audited;
//! - [`Row`]: what one run found of it; [`Refusal`] says why it could not be audited;
//! - [`Depth`]: how much of an account a run reads;
//! - [`Declared`]: exceptions, attestations and routes of members;
//! - [`Batch`]: the members that one call audits;
//! - [`Coverage`]: every listed account is counted once, whatever failed; its conditions open and end like any other;
//! - [`Run`]: what is sent of it.

mod batch;
mod carried;
mod coverage;
mod declared;
mod depth;
mod grouping;
mod half_sent;
mod member;
mod refusal;
mod row;

pub use batch::{Batch, Before, Item, MAX_ITEMS, batches, is_run};
pub use carried::{left, listed_first, not_looked_at, note_unsent};
pub use coverage::{Coverage, accounted, observe, without_seen_again};
pub use declared::{Declared, InForce, MAX_DECLARED, Route, Scoped, mark};
pub use depth::{Access, Depth, MAX_DEEP_ITEMS, Plan, STALE, deep_selection, root_selection, settings_of};
pub use grouping::{
    Affected, Group, MAX_NAMED, Moves, Routed, Run, Unaudited, advice, group, moves, of_organization, open, unaudited,
};
pub use half_sent::HalfSent;
pub use member::{Member, Skip, State, Tag};
pub use refusal::{Asked, Cause, Refusal};
pub use row::{Audited, ByRole, Cell, Flags, Found, Outcome, Row};

use sha2::{Digest, Sha256};

/// What is none is left out of stored objects and messages.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Stands for `bytes`, in sixteen hexadecimal digits.
fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
