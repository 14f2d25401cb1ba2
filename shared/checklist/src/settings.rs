//! What the owner of an account may choose about judging.

use crate::declarations::Declarations;
use crate::password_policy::PasswordPolicyProfile;

/// Choices that change verdicts; validated where they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What a password policy is held against.
    pub password_policy_profile: PasswordPolicyProfile,
    /// Root counts as used for this many days after its last use; 1 to 365.
    pub root_unused_days: u16,
    /// Exceptions and attestations.
    pub declarations: Declarations,
}

impl Default for Settings {
    /// `cis` and 1 day, as in the template.
    fn default() -> Self {
        Self {
            password_policy_profile: PasswordPolicyProfile::Cis,
            root_unused_days: 1,
            declarations: Declarations::default(),
        }
    }
}
