//! The root users of an organization's members: [`accounts`] lists them, [`root_audit`] reads their credentials, [`member_role`]
//! enters a member by a role of its own, [`runs`] keeps what a run found.

pub mod accounts;
pub mod member_role;
pub mod root_audit;
pub mod runs;

pub use accounts::Preflight;
pub use member_role::{MemberRole, MemberRoles, RoleSession};
pub use root_audit::{Refused, RootAuditor, Session};
pub use runs::{Lines, Runs};
