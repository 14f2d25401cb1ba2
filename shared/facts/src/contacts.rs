//! Whom AWS reaches when something is wrong. Only whether a contact is named is kept, never who.

/// The account's primary contact, from `account:GetContactInformation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryContact {
    /// Whether AWS has verified its phone number.
    pub phone: PhoneVerification,
}

/// `VerificationStatus` of a phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneVerification {
    /// `VERIFIED`.
    Verified,
    /// `UNVERIFIED`.
    Unverified,
    /// `PENDING`.
    Pending,
    /// `NOT_SUPPORTED`: AWS cannot verify numbers of that country.
    NotSupported,
    /// Another word, or none.
    NotTold,
}

/// Which alternate contacts are set, from `account:GetAlternateContact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlternateContacts {
    /// `SECURITY`.
    pub security: bool,
    /// `OPERATIONS`.
    pub operations: bool,
    /// `BILLING`.
    pub billing: bool,
}
