//! The root users of an organization's members: [`accounts`] lists them, [`root_audit`] reads their credentials, [`runs`] keeps what a
//! run found.

pub mod accounts;
pub mod root_audit;
pub mod runs;

pub use accounts::Preflight;
pub use root_audit::{Refused, RootAuditor, Session};
pub use runs::{Lines, Runs};
