//! What root did: a CloudTrail event into a [`RootActivity`] with its kind and its severity, or into the fact that it was not root.
//!
//! The rules follow AWS's pages on the
//! [userIdentity element](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html),
//! [sign-in events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html)
//! and [privileged tasks](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-track-privileged-tasks.html).
//! Records are read leniently: unknown fields, nulls and numbers in place of strings never hide an event.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::Account;
use crate::alert::Plan;
use crate::control::Severity;
use crate::record::Fields;
use crate::tampering::Touched;
use crate::text::bounded;

mod words;

pub use words::Words;

/// An event as `LookupEvents` returns it: a few outer fields around the record, which is JSON in a string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailEvent {
    /// `EventId`.
    pub event_id: Option<String>,
    /// `EventName`.
    pub event_name: Option<String>,
    /// `EventSource`.
    pub event_source: Option<String>,
    /// `EventTime`.
    pub time: Option<Timestamp>,
    /// `Username`: `root`, or for root of an account with an alias possibly the alias.
    pub username: Option<String>,
    /// `ReadOnly`.
    pub read_only: Option<bool>,
    /// `AccessKeyId`.
    pub access_key_id: Option<String>,
    /// The Region that was asked.
    pub region: String,
    /// `CloudTrailEvent`.
    pub record: Option<String>,
}

impl TrailEvent {
    /// The event of a bare CloudTrail record, as EventBridge delivers it in `detail`; `None` when it is none.
    pub fn from_record(record: &Value) -> Option<Self> {
        let fields = Fields(record);
        fields.text("/eventName")?;
        fields.text("/eventID")?;
        Some(Self {
            region: fields.text("/awsRegion").unwrap_or_default(),
            record: Some(record.to_string()),
            ..Self::default()
        })
    }
}

/// One act of the root user, or in its name. Texts are at most [`crate::text::MAX_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RootActivity {
    /// CloudTrail's id of the event, unique in the account.
    pub event_id: String,
    /// What was done.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// When; `null` if neither the record nor the look-up told.
    pub time: Option<Timestamp>,
    /// Region that recorded it.
    pub region: String,
    /// Name of the call, as `CreateAccessKey`.
    pub event_name: String,
    /// Service, as `iam.amazonaws.com`.
    pub event_source: String,
    /// IP address or service name it came from.
    pub source_address: Option<String>,
    /// The program that made the call, by its own account.
    pub user_agent: Option<String>,
    /// Whether MFA was used to sign in.
    pub mfa: Mfa,
    /// Access key that signed the call; `ASIA…` is a session, `AKIA…` a root access key.
    pub access_key_id: Option<String>,
    /// What it was done to: an access key, an MFA device, a user.
    pub target: Option<String>,
    /// Error code or message of a call that failed; `null` when it succeeded.
    pub error: Option<String>,
    /// Service that made the call on root's behalf.
    pub invoked_by: Option<String>,
    /// `false`: the record was missing or broken, and only the look-up's outer fields are known.
    pub details_readable: bool,
    /// The announced use of root in whose window it lies; its severity is one less for that.
    pub planned: Option<Plan>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A console sign-in.
    SignInSucceeded,
    /// A console sign-in that was refused. Anyone who knows the e-mail address can cause it.
    SignInFailed,
    /// `aws login`: temporary root credentials for the command line, without an access key.
    CliSignIn,
    /// A new access key for root itself.
    RootAccessKeyCreated,
    /// A root access key was switched on or off.
    RootAccessKeyChanged,
    /// A root access key was deleted.
    RootAccessKeyDeleted,
    /// A new access key for an IAM user.
    UserAccessKeyCreated,
    /// An IAM user's access key was switched on or off.
    UserAccessKeyChanged,
    /// An IAM user's access key was deleted.
    UserAccessKeyDeleted,
    /// An MFA device was registered for root.
    MfaEnabled,
    /// An MFA device of root was removed.
    MfaDeactivated,
    /// Root's password was changed.
    PasswordChanged,
    /// "Forgot password" was asked for root. Anyone who knows the e-mail address can cause it.
    PasswordRecoveryRequested,
    /// Root's password was replaced through "forgot password".
    PasswordRecoveryCompleted,
    /// Root's e-mail address was changed, or a change was begun.
    EmailChanged,
    /// The account's contacts were changed.
    ContactChanged,
    /// A trail of CloudTrail, this stack, or a key was changed.
    WatchTampered,
    /// Any other call that changes something.
    WriteCall,
    /// A call that only reads.
    ReadOnlyCall,
    /// A task of the organization's central root access management (`sts:AssumeRoot`).
    CentralizedRootTask,
    /// An AWS service on behalf of root.
    Service,
}

impl Kind {
    /// Every kind, in the order of the runbook.
    pub const ALL: [Self; 21] = [
        Self::SignInSucceeded,
        Self::SignInFailed,
        Self::CliSignIn,
        Self::RootAccessKeyCreated,
        Self::RootAccessKeyChanged,
        Self::RootAccessKeyDeleted,
        Self::UserAccessKeyCreated,
        Self::UserAccessKeyChanged,
        Self::UserAccessKeyDeleted,
        Self::MfaEnabled,
        Self::MfaDeactivated,
        Self::PasswordChanged,
        Self::PasswordRecoveryRequested,
        Self::PasswordRecoveryCompleted,
        Self::EmailChanged,
        Self::ContactChanged,
        Self::WatchTampered,
        Self::WriteCall,
        Self::ReadOnlyCall,
        Self::CentralizedRootTask,
        Self::Service,
    ];
}

/// Whether MFA was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mfa {
    /// Yes.
    Used,
    /// No.
    NotUsed,
    /// The event does not say.
    NotRecorded,
}

impl RootActivity {
    /// Classifies `event`; `None` when it was not root's.
    ///
    /// An event whose record cannot be read counts as root's when the look-up's outer fields say so, or say nothing. `stack` is
    /// the name of this stack: what root changes of it is known by it.
    pub fn classify(event: &TrailEvent, account: &Account, stack: Option<&str>) -> Option<Self> {
        let record: Option<Value> =
            event.record.as_deref().and_then(|record| serde_json::from_str(record).ok()).filter(Value::is_object);
        let fields = Fields(record.as_ref().unwrap_or(&Value::Null));
        let is_root = match &record {
            Some(_) => fields.is_root(),
            None => event
                .username
                .as_deref()
                .is_none_or(|name| name.is_empty() || name == "root" || Some(name) == account.alias.as_deref()),
        };
        if !is_root {
            return None;
        }
        let event_name =
            fields.text("/eventName").or_else(|| event.event_name.as_deref().map(bounded)).unwrap_or_default();
        let read_only = fields.truth("/readOnly").or(event.read_only);
        let kind = fields.kind(&event_name, read_only);
        let touched = Touched::by(fields, stack).filter(|_| kind == Kind::WriteCall);
        let kind = touched.as_ref().map_or(kind, |_| Kind::WatchTampered);
        let mfa = fields.mfa();
        let error = fields.text("/errorCode").or_else(|| fields.text("/errorMessage"));
        Some(Self {
            // An attempt that AWS refused changed nothing, but somebody tried.
            severity: touched
                .as_ref()
                .map_or_else(
                    || fields.severity(kind, mfa, &event_name, read_only),
                    |touched| touched.severity.max(Severity::Medium),
                )
                .min(if error.is_some() { Severity::Medium } else { Severity::Critical }),
            kind,
            time: fields.text("/eventTime").and_then(|time| time.parse().ok()).or(event.time),
            region: fields.text("/awsRegion").unwrap_or_else(|| bounded(&event.region)),
            event_source: fields
                .text("/eventSource")
                .or_else(|| event.event_source.as_deref().map(bounded))
                .unwrap_or_default(),
            source_address: fields.text("/sourceIPAddress"),
            user_agent: fields.text("/userAgent"),
            mfa,
            access_key_id: fields
                .text("/userIdentity/accessKeyId")
                .or_else(|| event.access_key_id.as_deref().map(bounded).filter(|key| !key.is_empty())),
            target: touched.and_then(|touched| touched.on).or_else(|| fields.target()),
            error,
            invoked_by: fields.text("/userIdentity/invokedBy"),
            details_readable: record.is_some(),
            planned: None,
            // CloudTrail gives every event an id; should one lack it, Region, time and name keep it apart from the others.
            event_id: fields.text("/eventID").or_else(|| event.event_id.as_deref().map(bounded)).unwrap_or_else(|| {
                let time = event.time.map(|time| time.to_string()).unwrap_or_default();
                format!("no-id {} {time} {event_name}", event.region)
            }),
            event_name,
        })
    }

    /// Whether it is told by default; services on behalf of root are only reported.
    pub fn is_told(&self) -> bool {
        self.severity > Severity::Informational
    }

    /// Whether somebody held root's credentials: the act proves that root was used.
    pub fn is_root_use(&self) -> bool {
        !matches!(
            self.kind,
            Kind::SignInFailed | Kind::PasswordRecoveryRequested | Kind::CentralizedRootTask | Kind::Service
        )
    }

    /// The event in the console; `None` when its id is not one that CloudTrail gives.
    pub fn console_url(&self, account: &Account) -> Option<String> {
        console_url(&self.event_id, &self.region, account)
    }

    /// Whether it is told within seconds where EventBridge delivers it; the next sweep finds the rest.
    pub fn is_urgent(&self) -> bool {
        self.severity >= Severity::High
            || matches!(
                self.kind,
                Kind::SignInSucceeded
                    | Kind::SignInFailed
                    | Kind::CliSignIn
                    | Kind::RootAccessKeyCreated
                    | Kind::RootAccessKeyChanged
                    | Kind::RootAccessKeyDeleted
                    | Kind::MfaEnabled
                    | Kind::MfaDeactivated
                    | Kind::PasswordChanged
                    | Kind::PasswordRecoveryRequested
                    | Kind::PasswordRecoveryCompleted
                    | Kind::EmailChanged
                    | Kind::ContactChanged
                    | Kind::WatchTampered
            )
    }
}

/// An event in CloudTrail's console; `None` when its id or its Region is not one that AWS gives.
pub(crate) fn console_url(event_id: &str, region: &str, account: &Account) -> Option<String> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain(event_id) && plain(region) && !region.is_empty()).then(|| {
        let domain = account.partition.console_domain();
        format!("https://{region}.{domain}/cloudtrailv2/home?region={region}#/events/{event_id}")
    })
}

/// Puts one run's activity in order: each event once, sessions of central root access recognised by their access key, most
/// severe first, then what succeeded, then newest.
pub fn gather(mut activity: Vec<RootActivity>) -> Vec<RootActivity> {
    let mut seen = HashSet::new();
    activity.retain(|act| seen.insert(act.event_id.clone()));
    // A member account's own records of such a session may lack the flag; one flagged record tells for its access key.
    let central: HashSet<String> = activity
        .iter()
        .filter(|act| act.kind == Kind::CentralizedRootTask)
        .filter_map(|act| act.access_key_id.clone())
        .collect();
    for act in &mut activity {
        if act.access_key_id.as_ref().is_some_and(|key| central.contains(key)) && act.kind != Kind::CentralizedRootTask
        {
            act.severity = central_severity(&act.event_name, Some(act.kind == Kind::ReadOnlyCall));
            act.kind = Kind::CentralizedRootTask;
        }
    }
    activity.sort_by(|a, b| {
        (b.severity, a.error.is_some(), b.time, &a.event_id).cmp(&(a.severity, b.error.is_some(), a.time, &b.event_id))
    });
    activity
}

impl Fields<'_> {
    /// Identity Center logs failed directory sign-ins as `Root` with an empty ARN: those are not root.
    fn is_root(&self) -> bool {
        self.text("/userIdentity/type").as_deref() == Some("Root")
            && self.0.pointer("/userIdentity/arn").is_none_or(|arn| arn.as_str() != Some(""))
    }

    fn kind(&self, event_name: &str, read_only: Option<bool>) -> Kind {
        if self.truth("/userIdentity/sessionContext/assumedRoot") == Some(true) {
            return Kind::CentralizedRootTask;
        }
        if self.text("/eventType").as_deref() == Some("AwsServiceEvent") {
            return Kind::Service;
        }
        let own = self.user().is_none();
        match event_name {
            "ConsoleLogin" if self.sign_in_failed() => Kind::SignInFailed,
            "ConsoleLogin" => Kind::SignInSucceeded,
            "CheckMfa" if self.sign_in_failed() => Kind::SignInFailed,
            // The step before the sign-in, which is an event of its own.
            "CheckMfa" => Kind::ReadOnlyCall,
            "AuthorizeOAuth2Access" | "CreateOAuth2Token" => Kind::CliSignIn,
            "CreateAccessKey" if own => Kind::RootAccessKeyCreated,
            "CreateAccessKey" => Kind::UserAccessKeyCreated,
            "UpdateAccessKey" if own => Kind::RootAccessKeyChanged,
            "UpdateAccessKey" => Kind::UserAccessKeyChanged,
            "DeleteAccessKey" if own => Kind::RootAccessKeyDeleted,
            "DeleteAccessKey" => Kind::UserAccessKeyDeleted,
            "EnableMFADevice" if own => Kind::MfaEnabled,
            "DeactivateMFADevice" if own => Kind::MfaDeactivated,
            "ChangePassword" | "PasswordUpdated" => Kind::PasswordChanged,
            "PasswordRecoveryRequested" => Kind::PasswordRecoveryRequested,
            "PasswordRecoveryCompleted" => Kind::PasswordRecoveryCompleted,
            "EmailUpdated" | "UpdateAccountEmailAddress" | "StartPrimaryEmailUpdate" | "AcceptPrimaryEmailUpdate" => {
                Kind::EmailChanged
            }
            "PutAlternateContact" | "DeleteAlternateContact" | "PutContactInformation" => Kind::ContactChanged,
            _ if self.is_service() => Kind::Service,
            _ if read_only == Some(true) => Kind::ReadOnlyCall,
            _ => Kind::WriteCall,
        }
    }

    fn sign_in_failed(&self) -> bool {
        let response = self.text("/responseElements/ConsoleLogin").or_else(|| self.text("/responseElements/CheckMfa"));
        response.map_or(self.text("/errorMessage").is_some(), |response| response.eq_ignore_ascii_case("failure"))
    }

    /// `signin.amazonaws.com` stands for a person at the console in older records. The acts named in [`Self::kind`] are told
    /// whoever passed them on.
    fn is_service(&self) -> bool {
        self.text("/userIdentity/invokedBy").is_some_and(|service| service != "signin.amazonaws.com")
    }

    /// The IAM user that was acted on; `None`: root itself.
    fn user(&self) -> Option<String> {
        self.text("/requestParameters/userName")
            .or_else(|| self.text("/responseElements/accessKey/userName"))
            .filter(|name| name != "AWS ROOT USER")
    }

    fn target(&self) -> Option<String> {
        let thing = self
            .text("/responseElements/accessKey/accessKeyId")
            .or_else(|| self.text("/requestParameters/accessKeyId"))
            .or_else(|| self.text("/requestParameters/serialNumber"));
        let status =
            self.text("/requestParameters/status").map(|status| format!(" set to {status}")).unwrap_or_default();
        match (thing, self.user()) {
            (Some(thing), Some(user)) => Some(format!("{thing}{status} of user {user}")),
            (Some(thing), None) => Some(format!("{thing}{status}")),
            (None, Some(user)) => Some(format!("user {user}")),
            (None, None) => self.text("/requestParameters/alternateContactType").map(|kind| format!("{kind} contact")),
        }
    }

    fn mfa(&self) -> Mfa {
        let used = self
            .truth("/additionalEventData/MFAUsed")
            .or_else(|| self.truth("/userIdentity/sessionContext/attributes/mfaAuthenticated"));
        match used {
            Some(true) => Mfa::Used,
            Some(false) => Mfa::NotUsed,
            None => Mfa::NotRecorded,
        }
    }

    fn severity(&self, kind: Kind, mfa: Mfa, event_name: &str, read_only: Option<bool>) -> Severity {
        match kind {
            Kind::RootAccessKeyCreated | Kind::MfaDeactivated => Severity::Critical,
            // A key that is switched on again is as good as a new one.
            Kind::RootAccessKeyChanged if self.text("/requestParameters/status").as_deref() != Some("Inactive") => {
                Severity::Critical
            }
            // What the event does not say is taken for the worse.
            Kind::SignInSucceeded | Kind::CliSignIn if mfa != Mfa::Used => Severity::Critical,
            Kind::SignInSucceeded
            | Kind::CliSignIn
            | Kind::MfaEnabled
            | Kind::PasswordChanged
            | Kind::PasswordRecoveryRequested
            | Kind::PasswordRecoveryCompleted
            | Kind::EmailChanged
            | Kind::ContactChanged => Severity::High,
            Kind::SignInFailed
            | Kind::RootAccessKeyChanged
            | Kind::RootAccessKeyDeleted
            | Kind::UserAccessKeyCreated
            | Kind::UserAccessKeyChanged
            | Kind::UserAccessKeyDeleted
            | Kind::WatchTampered
            | Kind::WriteCall => Severity::Medium,
            Kind::CentralizedRootTask => central_severity(event_name, read_only),
            Kind::ReadOnlyCall => Severity::Low,
            Kind::Service => Severity::Informational,
        }
    }
}

/// A task of central root access that gives the account a root password back is more than housekeeping.
fn central_severity(event_name: &str, read_only: Option<bool>) -> Severity {
    match (event_name, read_only) {
        ("CreateLoginProfile", _) => Severity::High,
        (_, Some(true)) => Severity::Low,
        _ => Severity::Medium,
    }
}

#[cfg(test)]
mod tests;
