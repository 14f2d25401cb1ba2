//! The account's password policy for IAM users and what it is held against. Root's own password is not governed by it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>).

use serde::{Deserialize, Serialize};

use std::fmt;
use std::str::FromStr;

/// The nine settings of `GetAccountPasswordPolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// `MinimumPasswordLength`, 6 to 128.
    pub minimum_length: i32,
    /// `RequireUppercaseCharacters`.
    pub require_uppercase: bool,
    /// `RequireLowercaseCharacters`.
    pub require_lowercase: bool,
    /// `RequireNumbers`.
    pub require_numbers: bool,
    /// `RequireSymbols`.
    pub require_symbols: bool,
    /// `MaxPasswordAge` in days, 1 to 1095; `None`: passwords do not expire.
    pub max_age_days: Option<i32>,
    /// `HardExpiry`: only an administrator can renew an expired password.
    pub hard_expiry: bool,
    /// `AllowUsersToChangePassword`.
    pub users_may_change: bool,
    /// `PasswordReusePrevention`, 1 to 24 previous passwords; `None`: off.
    pub reuse_prevention: Option<i32>,
}

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
            _ => Err(ProfileError { found: crate::text::bounded(text) }),
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

impl PasswordPolicy {
    /// All nine settings against `profile`, in the order of the console.
    pub fn against(&self, profile: PasswordPolicyProfile) -> [Setting; 9] {
        let setting = |name, value: String, met: bool| {
            let asked = profile.asks(name);
            Setting { name, value, asked, met: asked.is_none() || met }
        };
        let is_long = self.minimum_length >= if profile == PasswordPolicyProfile::Nist { 15 } else { 14 };
        let (age, is_renewed) = match self.max_age_days {
            None => ("never".into(), profile == PasswordPolicyProfile::Nist),
            Some(days) => (format!("{days} days"), profile != PasswordPolicyProfile::Nist && days <= 90),
        };
        let reuse = self.reuse_prevention.map_or("off".into(), |count| format!("{count} passwords"));
        [
            setting("MinimumPasswordLength", self.minimum_length.to_string(), is_long),
            setting("RequireUppercaseCharacters", self.require_uppercase.to_string(), self.require_uppercase),
            setting("RequireLowercaseCharacters", self.require_lowercase.to_string(), self.require_lowercase),
            setting("RequireNumbers", self.require_numbers.to_string(), self.require_numbers),
            setting("RequireSymbols", self.require_symbols.to_string(), self.require_symbols),
            setting("MaxPasswordAge", age, is_renewed),
            setting("HardExpiry", self.hard_expiry.to_string(), true),
            setting("AllowUsersToChangePassword", self.users_may_change.to_string(), self.users_may_change),
            setting("PasswordReusePrevention", reuse, self.reuse_prevention.is_some_and(|count| count >= 24)),
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
