//! Root's credentials of a member account, as a session of `sts:AssumeRoot` lists them
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>).
//!
//! The task policy `IAMAuditRootUserCredentials` allows these calls and no other
//! (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMAuditRootUserCredentials.html>): such a session has no credential
//! report, no list of virtual MFA devices and no CloudTrail. `GetAccountSummary` is one of them, and stays a source of its own
//! ([`crate::account_summary`]).

use jiff::Timestamp;

use crate::source::{Source, Unavailable};
use crate::text::bounded;

/// What the calls of one session show. Each is a part of its own: one that fails hides no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootAudit {
    /// `GetLoginProfile`; `None`: root has no password. IAM says so by `NoSuchEntity`
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html>).
    pub password: Result<Option<Password>, Unavailable>,
    /// `ListAccessKeys`: every key, active or not (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>).
    pub access_keys: Result<Vec<AccessKey>, Unavailable>,
    /// `ListSigningCertificates`: every X.509 certificate, active or not
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSigningCertificates.html>).
    pub signing_certificates: Result<Vec<SigningCertificate>, Unavailable>,
    /// `ListMFADevices`: devices of every kind (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html>).
    pub mfa_devices: Result<Vec<MfaDevice>, Unavailable>,
    /// `PasswordLastUsed` of `GetUser`; `None`: IAM has no use of a password on record. It stays when the password is deleted
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html>).
    pub password_last_used: Result<Option<Timestamp>, Unavailable>,
    /// `CreateDate` of `GetUser`: when the account was created.
    pub created: Result<Timestamp, Unavailable>,
}

/// Root's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Password {
    /// When it was first made; a later change may not move it.
    pub created: Option<Timestamp>,
}

/// An access key of root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// `AccessKeyId`.
    pub id: String,
    /// It works. One that does not can be activated again.
    pub active: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// `GetAccessKeyLastUsed`; `None`: IAM has no use on record. It may lag by hours
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>).
    pub last_used: Result<Option<Timestamp>, Unavailable>,
}

/// An X.509 signing certificate of root. IAM keeps no last use of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningCertificate {
    /// `CertificateId`.
    pub id: String,
    /// It works. One that does not can be activated again.
    pub active: bool,
}

/// An MFA device of root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaDevice {
    /// `SerialNumber`; [`bounded`].
    pub serial: String,
    /// What its serial number says it is.
    pub kind: MfaKind,
}

/// What an MFA device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MfaKind {
    /// An authenticator app.
    Virtual,
    /// A passkey or a security key; AWS does not say which.
    SecurityKey,
    /// Neither: by AWS's documentation a hardware token, whose serial number is no ARN.
    Other,
}

impl RootAudit {
    /// Nothing but the account summary was asked for.
    pub fn not_asked() -> Self {
        fn part<T>() -> Result<T, Unavailable> {
            Err(Unavailable::not_asked(Source::RootAudit))
        }
        Self {
            password: part(),
            access_keys: part(),
            signing_certificates: part(),
            mfa_devices: part(),
            password_last_used: part(),
            created: part(),
        }
    }

    /// Why not all parts were read: the first one that failed, else one that was not asked for.
    pub fn unread(&self) -> Option<&Unavailable> {
        let keys = self.access_keys.iter().flatten().map(|key| key.last_used.as_ref().err());
        let parts = [
            self.password.as_ref().err(),
            self.access_keys.as_ref().err(),
            self.signing_certificates.as_ref().err(),
            self.mfa_devices.as_ref().err(),
            self.password_last_used.as_ref().err(),
            self.created.as_ref().err(),
        ];
        let unread: Vec<&Unavailable> = parts.into_iter().chain(keys).flatten().collect();
        unread.iter().find(|unread| !unread.is_not_asked()).or(unread.first()).copied()
    }
}

impl MfaDevice {
    /// The device with this serial number. The serial number of a virtual device is its ARN `…:mfa/name`
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_MFADevice.html>), that of a passkey or security key an ARN `…:u2f/…`
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_fido.html>).
    pub fn of_serial(serial: &str) -> Self {
        // The name at the end is free text, and may hold another one's prefix.
        let resource = serial.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)).unwrap_or_default();
        let kind = match resource.split_once('/') {
            Some(("mfa", _)) => MfaKind::Virtual,
            Some(("u2f", _)) => MfaKind::SecurityKey,
            _ => MfaKind::Other,
        };
        Self { serial: bounded(serial), kind }
    }
}

impl MfaKind {
    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Virtual => "virtual device",
            Self::SecurityKey => "passkey or security key",
            Self::Other => "neither virtual nor a passkey by its serial number: a hardware token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unavailable;

    #[test]
    fn the_serial_number_says_what_a_device_is() {
        let kind = |serial: &str| MfaDevice::of_serial(serial).kind;
        assert_eq!(kind("arn:aws:iam::111122223333:mfa/root-account-mfa-device"), MfaKind::Virtual);
        assert_eq!(kind("arn:aws-us-gov:iam::111122223333:mfa/path/phone"), MfaKind::Virtual);
        assert_eq!(kind("arn:aws:iam::111122223333:u2f/root/desk-ABCDEFGHIJKLMNOPQRSTUVWXYZ"), MfaKind::SecurityKey);
        for other in ["GAHT12345678", "", "arn:aws:iam::111122223333:root", ":mfa/phone", "arn:aws:iam::111122223333"] {
            assert_eq!(kind(other), MfaKind::Other, "{other}");
        }
    }

    #[test]
    fn a_name_that_imitates_another_kind_changes_nothing_and_is_bounded() {
        assert_eq!(MfaDevice::of_serial("arn:aws:iam::111122223333:mfa/x:u2f/root/y").kind, MfaKind::Virtual);
        assert_eq!(MfaDevice::of_serial("arn:aws:iam::111122223333:u2f/root/x:mfa/y").kind, MfaKind::SecurityKey);
        let long = MfaDevice::of_serial(&format!("arn:aws:iam::111122223333:mfa/{}\n", "x".repeat(1_000)));
        assert!(long.serial.chars().count() <= crate::text::MAX_CHARS && !long.serial.contains('\n'));
    }

    #[test]
    fn a_part_that_failed_is_named_before_one_that_was_not_asked_for() {
        let mut audit = RootAudit::without_credentials();
        assert_eq!(audit.unread(), None);
        audit.password = Err(Unavailable::not_asked(Source::RootAudit));
        assert!(audit.unread().is_some_and(Unavailable::is_not_asked));
        let failed = unavailable(Source::RootAudit);
        audit.access_keys = Ok(vec![AccessKey::of_root("AKIAIOSFODNN7EXAMPLE", true, Err(failed.clone()))]);
        assert_eq!(audit.unread(), Some(&failed));
    }
}
