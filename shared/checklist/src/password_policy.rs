//! The account's password policy for IAM users and what it is held against. Root's own password is not governed by it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>).

use serde::Serialize;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
        use PasswordPolicyProfile::{Cis, Nist, Strict};
        let asked_of = |name, value: String, asked: Option<&'static str>, met: bool| Setting {
            name,
            value,
            asked,
            met: asked.is_none() || met,
        };
        let on_if_strict = if profile == Strict { Some("true") } else { None };
        let (length, length_asked) = match profile {
            Strict | Cis => (14, "at least 14"),
            Nist => (15, "at least 15"),
        };
        let (age_asked, age_met) = match profile {
            Strict => (Some("at most 90 days"), self.max_age_days.is_some_and(|days| days <= 90)),
            Cis => (None, true),
            Nist => (Some("never"), self.max_age_days.is_none()),
        };
        let reuse_asked = if profile == Nist { None } else { Some("24 passwords") };
        let age = self.max_age_days.map_or("never".into(), |days| format!("{days} days"));
        let reuse = self.reuse_prevention.map_or("off".into(), |count| format!("{count} passwords"));
        let reuse_met = self.reuse_prevention.is_some_and(|count| count >= 24);
        [
            asked_of(
                "MinimumPasswordLength",
                self.minimum_length.to_string(),
                Some(length_asked),
                self.minimum_length >= length,
            ),
            asked_of(
                "RequireUppercaseCharacters",
                self.require_uppercase.to_string(),
                on_if_strict,
                self.require_uppercase,
            ),
            asked_of(
                "RequireLowercaseCharacters",
                self.require_lowercase.to_string(),
                on_if_strict,
                self.require_lowercase,
            ),
            asked_of("RequireNumbers", self.require_numbers.to_string(), on_if_strict, self.require_numbers),
            asked_of("RequireSymbols", self.require_symbols.to_string(), on_if_strict, self.require_symbols),
            asked_of("MaxPasswordAge", age, age_asked, age_met),
            asked_of("HardExpiry", self.hard_expiry.to_string(), None, true),
            asked_of(
                "AllowUsersToChangePassword",
                self.users_may_change.to_string(),
                on_if_strict,
                self.users_may_change,
            ),
            asked_of("PasswordReusePrevention", reuse, reuse_asked, reuse_met),
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
