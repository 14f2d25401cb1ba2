//! What the owner of an account states: exceptions, which silence a control for a while, and attestations of what no API
//! shows.
//!
//! Both are JSON texts. Each entry is taken or refused by itself: a fault in one silences nothing and stops nothing. What is valid
//! today stays so: an exception that has expired and an attestation that has lapsed are no faults.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub mod entries;

use entries::{Entry, parse};

/// How long an attestation holds: 90 days.
pub const ATTESTATION_HOLDS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How far ahead an exception may end: 366 days.
pub const MAX_EXCEPTION: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Most entries of one text.
pub const MAX_ENTRIES: usize = 100;

/// How far ahead of UTC's today an attestation may be dated: it is already tomorrow elsewhere.
const TIME_ZONES: SignedDuration = SignedDuration::from_hours(24);

/// The fields of an exception.
pub const EXCEPTION_FIELDS: &[&str] = &["control", "reason", "owner", "until", "resource"];
/// The fields of an attestation.
pub const ATTESTATION_FIELDS: &[&str] = &["statement", "by", "on"];

/// Of a text, what is taken and what is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<T> {
    /// Entries without a fault, in their order.
    pub taken: Vec<T>,
    /// Entries with a fault, by their number from 1, or the whole text; each with all of its faults.
    pub refused: Vec<(Option<usize>, String)>,
}

/// A control that is suppressed for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exception {
    /// Id of a control of the [`crate::CHECKLIST`].
    pub control: String,
    /// Why; bounded.
    pub reason: String,
    /// Who answers for it; bounded.
    pub owner: String,
    /// End, exclusive.
    pub until: Timestamp,
    /// What alone is suppressed; bounded. `None`: everything that the control evaluates.
    pub resource: Option<String>,
}

/// An attestation of what no API shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attestation {
    /// What is attested.
    pub statement: Statement,
    /// Who attests it; bounded.
    pub by: String,
    /// Since when it is so.
    pub on: Timestamp,
}

/// What can be attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// Of root's password.
    RootPasswordStrong,
    /// Of root's password and MFA devices.
    RootCredentialsStoredSafely,
    /// Of whom AWS writes to.
    ContactsReviewed,
    /// Of root's MFA devices.
    RootMfaReachableByTwo,
    /// Of root's password, where AWS does not show its age.
    RootPasswordChanged,
}

/// All that is declared about an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Declarations {
    /// As written, also those that have expired.
    pub exceptions: Vec<Exception>,
    /// As written, also those that have lapsed; each attestation at most once.
    pub attestations: Vec<Attestation>,
}

impl Exception {
    /// What one entry says; `None`: it has a fault. `controls` are the ids that there are.
    pub fn read(entry: &mut Entry, controls: &[&'static str], now: Timestamp) -> Option<Self> {
        let latest = now.checked_add(MAX_EXCEPTION).unwrap_or(Timestamp::MAX);
        let control = entry.control(controls);
        let reason = entry.text("reason");
        let owner = entry.text("owner");
        let until = entry.instant("until", Date::tomorrow);
        if let Some(until) = until.filter(|until| *until > latest) {
            // The same words at every check: a fault is reported once.
            entry.fault(&format!("`until` must be at most 366 days ahead, not {until}"));
        }
        let resource = if entry.has("resource") { Some(entry.text("resource")?) } else { None };
        Some(Self { control: control?, reason: reason?, owner: owner?, until: until?, resource })
    }

    /// Which one it is, for people.
    pub fn words(&self) -> String {
        match &self.resource {
            Some(resource) => format!("`{}` with the resource `{resource}`", self.control),
            None => format!("`{}` without a resource", self.control),
        }
    }

    /// Whether it no longer suppresses: from `until` on.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.until
    }
}

impl Attestation {
    /// What one entry says; `None`: it has a fault.
    pub fn read(entry: &mut Entry, now: Timestamp) -> Option<Self> {
        let statement = entry.statement();
        let by = entry.text("by");
        let on = entry.instant("on", Ok);
        if let Some(on) = on.filter(|on| on.duration_since(now) > TIME_ZONES) {
            entry.fault(&format!("`on` must be today or earlier, not {on}"));
        }
        Some(Self { statement: statement?, by: by?, on: on? })
    }

    /// When it no longer holds: [`ATTESTATION_HOLDS`] after `on`.
    pub fn lapses_at(&self) -> Timestamp {
        self.on.checked_add(ATTESTATION_HOLDS).unwrap_or(Timestamp::MAX)
    }

    /// Whether it no longer holds: from [`Attestation::lapses_at`] on.
    pub fn is_lapsed(&self, now: Timestamp) -> bool {
        now >= self.lapses_at()
    }
}

impl Statement {
    /// Every attestation.
    pub const ALL: &[Self] = &[
        Self::RootPasswordStrong,
        Self::RootCredentialsStoredSafely,
        Self::ContactsReviewed,
        Self::RootMfaReachableByTwo,
        Self::RootPasswordChanged,
    ];

    /// Its name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::RootPasswordStrong => "root-password-strong",
            Self::RootCredentialsStoredSafely => "root-credentials-stored-safely",
            Self::ContactsReviewed => "contacts-reviewed",
            Self::RootMfaReachableByTwo => "root-mfa-reachable-by-two",
            Self::RootPasswordChanged => "root-password-changed",
        }
    }

    /// The control that evaluates it, and that alerts when it expires.
    pub fn control(self) -> Option<&'static str> {
        match self {
            Self::ContactsReviewed => None,
            Self::RootPasswordChanged => Some("root-password-age"),
            Self::RootPasswordStrong | Self::RootCredentialsStoredSafely | Self::RootMfaReachableByTwo => {
                Some("root-credentials-attested")
            }
        }
    }

    /// What it says, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::RootPasswordStrong => "root's password is long, unique and random",
            Self::RootCredentialsStoredSafely => {
                "root's password and MFA devices are stored safely, where only authorized people can reach them"
            }
            Self::ContactsReviewed => {
                "the account's contacts and root's email address are correct, and the responsible people read them"
            }
            Self::RootMfaReachableByTwo => {
                "two people can reach an MFA device of root, so that losing one person does not lock you out"
            }
            Self::RootPasswordChanged => "root's password was changed on that date",
        }
    }
}

impl Declarations {
    /// The attestation of `statement`, in force or expired.
    pub fn attestation(&self, statement: Statement) -> Option<&Attestation> {
        self.attestations.iter().find(|attestation| attestation.statement == statement)
    }

    /// The exceptions of `control` that are in force at `now`.
    pub fn exceptions_for(&self, control: &str, now: Timestamp) -> impl Iterator<Item = &Exception> {
        self.exceptions.iter().filter(move |exception| exception.control == control && !exception.is_expired(now))
    }
}

/// Exceptions from JSON: an array of objects with `control`, `reason`, `owner`, `until` and, for one resource only, `resource`.
/// `controls` are the ids that there are. A blank text is none. A date as `until` means the end of that day, UTC.
pub fn parse_exceptions(text: &str, controls: &[&'static str], now: Timestamp) -> Parsed<Exception> {
    let mut seen = Vec::new();
    parse(text, EXCEPTION_FIELDS, MAX_ENTRIES, |entry| {
        let exception = Exception::read(entry, controls, now)?;
        let key = (exception.control.clone(), exception.resource.clone());
        entry.once(&mut seen, key, |first| {
            format!("{} is also in entry {first}, which is used instead", exception.words())
        });
        Some(exception)
    })
}

/// Attestations from JSON: an array of objects with `statement`, `by` and `on`. A blank text is none. A date as `on` means the
/// start of that day, UTC.
pub fn parse_attestations(text: &str, now: Timestamp) -> Parsed<Attestation> {
    let mut seen = Vec::new();
    parse(text, ATTESTATION_FIELDS, MAX_ENTRIES, |entry| {
        let attestation = Attestation::read(entry, now)?;
        let id = attestation.statement.id();
        entry.once(&mut seen, attestation.statement, |first| {
            format!("`{id}` is also in entry {first}, which is used instead")
        });
        Some(attestation)
    })
}

#[cfg(test)]
mod tests;
