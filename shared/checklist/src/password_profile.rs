//! The profiles that the account's password policy is held against.

use std::fmt;
use std::str::FromStr;

use facts::password_policy::PasswordPolicy;
use serde::{Deserialize, Serialize};

/// What a password policy is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PasswordPolicyProfile {
    /// The nine settings of the five-step checklist: 14 characters of all four kinds, 90 days, own change, 24 remembered;
    /// administrator reset as the owner likes.
    Strict,
    /// CIS AWS Foundations Benchmark 3.0 to 7.0: 14 characters, 24 remembered.
    Cis,
    /// NIST SP 800-63B rev. 4: 15 characters, and no expiry by the calendar.
    Nist,
}

/// `text` names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a password policy profile is strict, cis or nist, not `{found}`")]
pub struct ProfileError {
    found: String,
}

impl FromStr for PasswordPolicyProfile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "strict" => Ok(Self::Strict),
            "cis" => Ok(Self::Cis),
            "nist" => Ok(Self::Nist),
            _ => Err(ProfileError { found: facts::text::bounded(text) }),
        }
    }
}

impl fmt::Display for PasswordPolicyProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Cis => "cis",
            Self::Nist => "nist",
        })
    }
}

impl PasswordPolicyProfile {
    /// What it asks of the setting called `name` in the IAM API; `None`: anything goes.
    pub fn asks(self, name: &str) -> Option<&'static str> {
        match (name, self) {
            ("MinimumPasswordLength", Self::Strict | Self::Cis) => Some("at least 14"),
            ("MinimumPasswordLength", Self::Nist) => Some("at least 15"),
            ("MaxPasswordAge", Self::Strict) => Some("at most 90 days"),
            ("MaxPasswordAge", Self::Nist) => Some("never"),
            ("PasswordReusePrevention", Self::Strict | Self::Cis) => Some("24 passwords"),
            (
                "RequireUppercaseCharacters"
                | "RequireLowercaseCharacters"
                | "RequireNumbers"
                | "RequireSymbols"
                | "AllowUsersToChangePassword",
                Self::Strict,
            ) => Some("true"),
            _ => None,
        }
    }
}

/// One of the nine settings, beside what a profile asks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Name in the IAM API.
    pub name: &'static str,
    /// What is set.
    pub value: String,
    /// What the profile asks; `None`: anything goes.
    pub asked: Option<&'static str>,
    /// Whether the value does what is asked.
    pub met: bool,
}

impl PasswordPolicyProfile {
    /// All nine settings of `policy` beside what this profile asks, in the order of the console.
    pub fn compare(self, policy: &PasswordPolicy) -> [Setting; 9] {
        let setting = |name, value: String, met: bool| {
            let asked = self.asks(name);
            Setting { name, value, asked, met: asked.is_none() || met }
        };
        let is_long = policy.minimum_length >= if self == Self::Nist { 15 } else { 14 };
        let (age, is_renewed) = match policy.max_age_days {
            None => ("never".into(), self == Self::Nist),
            Some(days) => (format!("{days} days"), self != Self::Nist && days <= 90),
        };
        let reuse = policy.reuse_prevention.map_or("off".into(), |count| format!("{count} passwords"));
        [
            setting("MinimumPasswordLength", policy.minimum_length.to_string(), is_long),
            setting("RequireUppercaseCharacters", policy.require_uppercase.to_string(), policy.require_uppercase),
            setting("RequireLowercaseCharacters", policy.require_lowercase.to_string(), policy.require_lowercase),
            setting("RequireNumbers", policy.require_numbers.to_string(), policy.require_numbers),
            setting("RequireSymbols", policy.require_symbols.to_string(), policy.require_symbols),
            setting("MaxPasswordAge", age, is_renewed),
            setting("HardExpiry", policy.hard_expiry.to_string(), true),
            setting("AllowUsersToChangePassword", policy.users_may_change.to_string(), policy.users_may_change),
            setting("PasswordReusePrevention", reuse, policy.reuse_prevention.is_some_and(|count| count >= 24)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_named_exactly() {
        for profile in [PasswordPolicyProfile::Strict, PasswordPolicyProfile::Cis, PasswordPolicyProfile::Nist] {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert_eq!(
            "CIS".parse::<PasswordPolicyProfile>().unwrap_err().to_string(),
            "a password policy profile is strict, cis or nist, not `CIS`"
        );
    }
}
