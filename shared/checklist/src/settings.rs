//! What the owner of an account may choose about the evaluation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::declarations::Declarations;
use crate::password_profile::PasswordPolicyProfile;

/// The controls to evaluate. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of the account baseline only what looks after rootwatch's own alert path.
    pub five_steps_only: bool,
    /// Only what the audit of root's credentials in a member account can evaluate.
    pub root_audit_only: bool,
    /// Controls of the rest that are left out, by id, in the order of the checklist.
    pub left_out: Vec<&'static str>,
}

/// A setting, or an entry of one, that cannot be read. It is ignored: monitoring goes on as if it were not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refused {
    /// Parameter of the template, as `Exceptions`; a variable of the function where no parameter sets it.
    pub setting: String,
    /// Which entry of it, from 1; `null`: the whole value.
    pub entry: Option<usize>,
    /// What is wrong, what is accepted, and what is in force instead. The same at every check, and without secrets.
    pub fault: String,
}

/// `Exceptions, entry 2: …`
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.entry.map(|number| format!(", entry {number}")).unwrap_or_default();
        write!(f, "{}{entry}: {}", self.setting, self.fault)
    }
}

/// Choices that change verdicts; validated where they are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Settings {
    /// What a password policy is held against.
    pub password_policy_profile: PasswordPolicyProfile,
    /// Root counts as used for this many days after its last use; 1 to 365.
    pub root_unused_days: u16,
    /// An active access key is to be rotated after so many days; 1 to 365.
    pub access_key_max_age_days: u16,
    /// A password or key counts as unused after so many days without use; 1 to 365.
    pub unused_credentials_days: u16,
    /// Opt-in Regions that may be enabled, as `ap-east-1`.
    pub allowed_regions: Vec<String>,
    /// Which controls are evaluated. A report names what is disabled.
    #[serde(skip)]
    pub selection: Selection,
    /// Exceptions and attestations. A report lists them for itself.
    #[serde(skip)]
    pub declarations: Declarations,
    /// What was set and cannot be read. A report lists it for itself.
    #[serde(skip)]
    pub refused: Vec<Refused>,
}

impl Default for Settings {
    /// All controls, `cis`, 1 day, 90 days, 45 days and no opt-in Region, as in the template.
    fn default() -> Self {
        Self {
            password_policy_profile: PasswordPolicyProfile::Cis,
            root_unused_days: 1,
            access_key_max_age_days: 90,
            unused_credentials_days: 45,
            allowed_regions: Vec::new(),
            selection: Selection::default(),
            declarations: Declarations::default(),
            refused: Vec::new(),
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Settings {
    /// The default, with `statements` attested on a day.
    pub fn stating(statements: &[crate::declarations::Statement], on: jiff::Timestamp) -> Self {
        let attestation =
            |statement: &_| crate::declarations::Attestation { statement: *statement, by: "alice".into(), on };
        let attestations = statements.iter().map(attestation).collect();
        Self { declarations: Declarations { attestations, ..Declarations::default() }, ..Self::default() }
    }

    /// Of the owner of [`facts::Snapshot::compliant`], who has just attested what no API shows.
    pub fn compliant() -> Self {
        Self::stating(crate::declarations::Statement::ALL, facts::Snapshot::compliant().taken_at)
    }
}
