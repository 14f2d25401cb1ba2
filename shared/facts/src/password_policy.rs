//! The account's password policy for IAM users. Root's own password is not governed by it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>).

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
