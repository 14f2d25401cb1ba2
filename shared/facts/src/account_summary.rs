//! `GetAccountSummary`: live counters, of which the root user's flags and the number of ways in are read
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>).

use crate::source::{Cause, Source, Unavailable};

/// A counter, or the fact that the answer did not hold it: absent is unknown, never 0.
pub type Counter = Result<u32, Unavailable>;

/// The counters that controls read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSummary {
    /// `AccountMFAEnabled`: 1 when root has any MFA device.
    pub root_mfa: Counter,
    /// `AccountAccessKeysPresent`: above 0 when root has an access key.
    pub root_access_keys: Counter,
    /// `AccountPasswordPresent`: 1 when root has a password.
    pub root_password: Counter,
    /// `AccountSigningCertificatesPresent`: above 0 when root has an X.509 signing certificate.
    pub root_signing_certificates: Counter,
    /// `Users`: IAM users.
    pub users: Counter,
    /// `Providers`: SAML and OpenID Connect identity providers.
    pub identity_providers: Counter,
}

impl AccountSummary {
    /// Reads the counters by their keys in the `SummaryMap`; a negative or missing one is unavailable.
    pub fn from_counters(counter: impl Fn(&str) -> Option<i32>) -> Self {
        let read = |key: &str| match counter(key).map(u32::try_from) {
            Some(Ok(count)) => Ok(count),
            Some(Err(_)) => Err(malformed(format!("{key} is negative"))),
            None => Err(malformed(format!("{key} is missing"))),
        };
        Self {
            root_mfa: read("AccountMFAEnabled"),
            root_access_keys: read("AccountAccessKeysPresent"),
            root_password: read("AccountPasswordPresent"),
            root_signing_certificates: read("AccountSigningCertificatesPresent"),
            users: read("Users"),
            identity_providers: read("Providers"),
        }
    }
}

fn malformed(detail: String) -> Unavailable {
    Unavailable {
        source: Source::AccountSummary,
        operation: "iam:GetAccountSummary".into(),
        cause: Cause::Malformed { detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_negative_counter_is_unavailable_and_named() {
        let summary = AccountSummary::from_counters(|key| match key {
            "AccountMFAEnabled" => Some(1),
            "Users" => Some(-1),
            _ => None,
        });
        assert_eq!(summary.root_mfa, Ok(1));
        assert!(summary.users.unwrap_err().to_string().contains("Users is negative"));
        assert!(summary.root_password.unwrap_err().to_string().contains("AccountPasswordPresent is missing"));
    }
}
