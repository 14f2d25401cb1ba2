//! What root did: a CloudTrail event into a [`RootActivity`] with its kind and its severity, or into the fact that it was not root.
//!
//! The rules follow AWS's pages on the
//! [userIdentity element](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html),
//! [sign-in events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html)
//! and [privileged tasks](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-track-privileged-tasks.html).
//! Records are read leniently: unknown fields, nulls and numbers in place of strings never hide an event.

use std::cmp::Ordering;
use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::Account;
use crate::record::{Fields, TrailEvent, console_url};
use crate::severity::Severity;
use crate::tampering::Touched;
use crate::text::bounded;

mod fold;
mod grants;
mod identity;
mod kind;
mod plan;
mod words;

pub use fold::{Alike, Folded, Pile};
pub use grants::Effect;
pub use identity::other_account;
use kind::{Call, central_severity};
pub use plan::{MAX_PLAN, Plan, PlanError, annotate};
pub use words::{COMPROMISED, Phase, Step, TAMPERED, Words};

/// One act of the root user, or in its name. Texts are at most [`crate::text::MAX_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RootActivity {
    /// CloudTrail's id of the event, unique in the account; of a record that completes another one that one's.
    pub event_id: String,
    /// What was done.
    pub kind: Kind,
    /// What stays of a call that changed something.
    pub effect: Option<Effect>,
    /// How bad it is.
    pub severity: Severity,
    /// When; `null` if neither the record nor the look-up has it.
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
    /// The federated user in whose session root's rights were used; `null`: it was root itself.
    pub federated_user: Option<String>,
    /// What CloudTrail added when it wrote the record a second time; `null`: it is the first one.
    pub completed: Option<String>,
    /// `false`: the record was missing or broken, and only the look-up's outer fields are known.
    pub details_readable: bool,
    /// The announced use of root in whose window it lies; its severity is one less for that.
    pub planned: Option<Plan>,
    /// Only where very many actions are reported as one: how many. Its id is then none of CloudTrail's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub folded: Option<Folded>,
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
    /// A signing certificate for root was uploaded, or switched on.
    RootSigningCertificateCreated,
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
    pub const ALL: [Self; 22] = [
        Self::SignInSucceeded,
        Self::SignInFailed,
        Self::CliSignIn,
        Self::RootAccessKeyCreated,
        Self::RootAccessKeyChanged,
        Self::RootAccessKeyDeleted,
        Self::UserAccessKeyCreated,
        Self::UserAccessKeyChanged,
        Self::UserAccessKeyDeleted,
        Self::RootSigningCertificateCreated,
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

impl Kind {
    /// Whether what stays of the call is reported beside it: the other kinds say it themselves.
    fn may_have_an_effect(self) -> bool {
        matches!(self, Self::UserAccessKeyCreated | Self::UserAccessKeyChanged | Self::WatchTampered | Self::WriteCall)
    }
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
    /// Classifies `event`; `None` when it was not root's, or not of `account`: see [`other_account`].
    ///
    /// An event whose record cannot be read counts as root's when the look-up's outer fields say so, or say nothing. `stack` is
    /// the name of this stack: what root changes of it is known by it.
    pub fn classify(event: &TrailEvent, account: &Account, stack: Option<&str>) -> Option<Self> {
        let record: Option<Value> =
            event.record.as_deref().and_then(|record| serde_json::from_str(record).ok()).filter(Value::is_object);
        let fields = Fields(record.as_ref().unwrap_or(&Value::Null));
        let is_root = match &record {
            Some(_) => fields.is_root() && fields.other_account(&account.id).is_none(),
            None => event
                .username
                .as_deref()
                .is_none_or(|name| name.is_empty() || name == "root" || Some(name) == account.alias.as_deref()),
        };
        if !is_root {
            return None;
        }
        let outer = |text: &Option<String>| text.as_deref().map(bounded);
        let event_name = fields.text("/eventName").or_else(|| outer(&event.event_name)).unwrap_or_default();
        let event_source = fields.text("/eventSource").or_else(|| outer(&event.event_source)).unwrap_or_default();
        let error = fields.refusal(&event_name);
        let call = Call {
            fields,
            source: &event_source,
            name: &event_name,
            read_only: fields.truth("/readOnly").or(event.read_only),
            is_refused: error.is_some(),
        };
        let (kind, mfa) = (call.kind(), fields.mfa());
        // Who passed the call on proves nothing: by whom it is, the issuer of the session says.
        let may_touch = matches!(kind, Kind::WriteCall | Kind::Service | Kind::CentralizedRootTask);
        let touched = Touched::by(fields, stack).filter(|_| may_touch && !fields.is_service_event());
        let severity = call.severity(kind, mfa).max(touched.as_ref().map_or(Severity::Informational, |it| it.severity));
        let is_central = kind == Kind::CentralizedRootTask;
        let kind = touched.as_ref().filter(|_| !is_central).map_or(kind, |_| Kind::WatchTampered);
        Some(Self {
            // An attempt that AWS refused changed nothing, but it was attempted.
            severity: severity.min(if error.is_some() { Severity::Medium } else { Severity::Critical }),
            kind,
            effect: call.effect().filter(|_| error.is_none() && kind.may_have_an_effect()),
            time: fields.text("/eventTime").and_then(|time| time.parse().ok()).or(event.time),
            region: fields.text("/awsRegion").unwrap_or_else(|| bounded(&event.region)),
            source_address: fields.text("/sourceIPAddress"),
            user_agent: fields.text("/userAgent"),
            mfa,
            access_key_id: fields
                .text("/userIdentity/accessKeyId")
                .or_else(|| outer(&event.access_key_id).filter(|key| !key.is_empty())),
            target: touched.and_then(|touched| touched.on).or_else(|| fields.target()),
            error,
            invoked_by: fields.text("/userIdentity/invokedBy"),
            federated_user: fields.federated_user(),
            completed: fields.completed(),
            details_readable: record.is_some(),
            planned: None,
            folded: None,
            // CloudTrail gives every event an id; should one lack it, Region, time and name keep it apart from the others.
            event_id: fields.event_id().or_else(|| outer(&event.event_id)).unwrap_or_else(|| {
                let time = event.time.map(|time| time.to_string()).unwrap_or_default();
                format!("no-id {} {time} {event_name}", event.region)
            }),
            event_name,
            event_source,
        })
    }

    /// The access key of a session that root issued and whose acts CloudTrail keeps under another name: of the call that issued it, or of
    /// an act in it.
    pub fn issued_key(&self) -> Option<&str> {
        let issues = self.effect == Some(Effect::SessionIssued) && self.event_name == "GetFederationToken";
        let issued = self.target.as_deref().filter(|_| issues).and_then(|target| target.split(' ').next());
        let key = issued.or(self.access_key_id.as_deref().filter(|_| self.federated_user.is_some()))?;
        (key.len() >= 16 && key.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(key)
    }

    /// Whether it sends an alert by default; calls by AWS services on behalf of root, and sessions of central root access that only
    /// read, are only reported.
    pub fn is_told(&self) -> bool {
        self.severity > Severity::Informational
    }

    /// Whether it needed root's credentials: the event proves that root was used.
    pub fn is_root_use(&self) -> bool {
        match self.kind {
            Kind::SignInFailed | Kind::PasswordRecoveryRequested | Kind::CentralizedRootTask | Kind::Service => false,
            // Whoever has the mail's link may try.
            Kind::PasswordRecoveryCompleted => self.error.is_none(),
            _ => true,
        }
    }

    /// The event in the console, of several the newest; `None` when its id is not one that CloudTrail gives.
    pub fn console_url(&self, account: &Account) -> Option<String> {
        let id = self.folded.as_ref().map_or(&self.event_id, |folded| &folded.example);
        console_url(id, &self.region, account)
    }

    /// Whether it sends an alert within seconds where EventBridge delivers it; the next scan finds the rest.
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
                    | Kind::RootSigningCertificateCreated
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

/// Puts one run's activity in order: each event once, as completed as CloudTrail has it, sessions of central root access
/// recognised by their access key, very many acts folded, most severe first, then what succeeded, then newest.
pub fn gather(activity: Vec<RootActivity>) -> Vec<RootActivity> {
    gather_with(activity, None)
}

/// The same, with an event that a caller of the function handed over: it adds what CloudTrail does not show yet, and changes nothing
/// of what it shows. Anyone who may invoke the function can write one, so that it proves no session of central root access.
pub fn gather_with(mut activity: Vec<RootActivity>, handed_over: Option<RootActivity>) -> Vec<RootActivity> {
    activity.sort_by_key(|act| act.completed.is_none());
    let mut seen = HashSet::new();
    // Groups of the same name come from several Regions: they are added up.
    activity.retain(|act| act.folded.is_some() || seen.insert(act.event_id.clone()));
    // A member account's own records of such a session may lack the flag; one flagged record counts for its access key. Root's own key
    // is never that of a session.
    let central: HashSet<String> = activity
        .iter()
        .filter(|act| act.kind == Kind::CentralizedRootTask)
        .filter_map(|act| act.access_key_id.clone())
        .filter(|key| key.starts_with("ASIA"))
        .collect();
    activity.extend(handed_over.filter(|act| !seen.contains(&act.event_id)));
    for act in &mut activity {
        if act.access_key_id.as_ref().is_some_and(|key| central.contains(key)) && act.kind != Kind::CentralizedRootTask
        {
            let reads = act.kind == Kind::ReadOnlyCall && act.details_readable;
            let task = central_severity(&act.event_source, &act.event_name, Some(reads));
            let touched = Some(act.severity).filter(|_| act.kind == Kind::WatchTampered);
            let cap = if act.error.is_some() { Severity::Medium } else { Severity::Critical };
            act.severity = touched.map_or(task, |touched| touched.max(task)).min(cap);
            act.kind = Kind::CentralizedRootTask;
            act.effect = None;
        }
    }
    let mut pile = Pile::default();
    pile.extend(activity);
    let mut activity = pile.into_acts();
    activity.sort_by(by_weight);
    activity
}

/// The worst first.
fn by_weight(a: &RootActivity, b: &RootActivity) -> Ordering {
    (b.severity, a.error.is_some(), b.time, &a.event_id).cmp(&(a.severity, b.error.is_some(), a.time, &b.event_id))
}

#[cfg(test)]
mod tests;
