//! What of an account lies beyond the five steps, as `baseline.json` of a story tells it. A part that a story does not tell is
//! that of its base, and in the end that of [`usual`].

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Every part of `baseline.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    pub(crate) contacts: Contacts,
    /// `null`: the account is in no organization.
    pub(crate) organization: Option<Organization>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) cost_reports: Vec<CostReport>,
    pub(crate) exports: Vec<Export>,
    /// By Region; a Region that is not named has an active one for external access.
    pub(crate) analyzers: BTreeMap<String, Vec<Analyzer>>,
    pub(crate) identity_providers: IdentityProviders,
    /// Instances of IAM Identity Center that the account can see.
    pub(crate) identity_center: Vec<Instance>,
    /// Who holds `AWSSupportAccess`.
    pub(crate) support_access: Holders,
    /// `{account}` in a document is the account's id; so it is in [`Self::policies`].
    pub(crate) roles: Vec<Role>,
    /// Customer-managed ones.
    pub(crate) policies: Vec<Policy>,
    /// By name.
    pub(crate) buckets: BTreeMap<String, Bucket>,
    /// Regions that somebody enabled, beside the `regions` of the story.
    pub(crate) opt_in_regions: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contacts {
    /// What AWS says of the primary contact's number, as `VERIFIED`; none: there is no primary contact.
    pub(crate) phone: Option<String>,
    /// As `SECURITY`.
    pub(crate) alternates: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Organization {
    pub(crate) id: String,
    /// None: the story's account manages it.
    pub(crate) management_account: Option<String>,
    pub(crate) feature_set: String,
    /// Features of centralized root access; `null`: IAM has no trusted access.
    pub(crate) central_root_access: Option<Vec<String>>,
    /// Whether this account may read its policies although it is a member: the organization delegated that.
    pub(crate) tells_policies: bool,
    /// What the account is in, from the nearest up to the root.
    pub(crate) parents: Vec<String>,
    /// Service control policies beside `FullAWSAccess`, which is everywhere.
    pub(crate) policies: Vec<ControlPolicy>,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            id: "o-exampleorgid".into(),
            management_account: None,
            feature_set: "ALL".into(),
            central_root_access: Some(vec!["RootCredentialsManagement".into(), "RootSessions".into()]),
            tells_policies: false,
            parents: vec!["r-exam".into()],
            policies: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlPolicy {
    pub(crate) name: String,
    /// The account, organizational unit or root that it is attached to.
    pub(crate) on: String,
    pub(crate) content: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    pub(crate) name: String,
    #[serde(default = "one")]
    pub(crate) notifications: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alarm {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: AlarmKind,
    #[serde(default = "estimated_charges")]
    pub(crate) metric: String,
    #[serde(default = "yes")]
    pub(crate) actions_enabled: bool,
    /// ARNs.
    pub(crate) actions: Vec<String>,
    #[serde(default = "ok")]
    pub(crate) state: String,
}

/// What an alarm looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlarmKind {
    /// A metric.
    #[default]
    Metric,
    /// An expression over that metric.
    Expression,
    /// Other alarms.
    Composite,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostReport {
    pub(crate) name: String,
    /// `lastStatus`; `null`: none was delivered yet.
    #[serde(default = "success")]
    pub(crate) status: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    pub(crate) name: String,
    #[serde(default = "healthy")]
    pub(crate) status: String,
    /// Why it is not healthy, as `INSUFFICIENT_PERMISSION`.
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Analyzer {
    pub(crate) name: String,
    #[serde(rename = "type", default = "account")]
    pub(crate) kind: String,
    #[serde(default = "active")]
    pub(crate) status: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityProviders {
    #[serde(default)]
    pub(crate) saml: Vec<SamlProvider>,
    /// Hosts.
    #[serde(default)]
    pub(crate) open_id_connect: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamlProvider {
    pub(crate) name: String,
    pub(crate) valid_until: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Instance {
    /// Sixteen hexadecimal digits.
    pub(crate) id: String,
    pub(crate) region: String,
    /// None: the story's account, and so an account instance unless it manages the organization.
    pub(crate) owner: Option<String>,
}

/// Who holds a managed policy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Holders {
    pub(crate) users: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) roles: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    pub(crate) name: String,
    #[serde(default = "slash")]
    pub(crate) path: String,
    /// A text is sent as it is.
    pub(crate) trust: Value,
    #[serde(default)]
    pub(crate) inline_policies: Vec<InlinePolicy>,
    #[serde(default)]
    pub(crate) attached_policies: Vec<String>,
}

/// A policy that is written into a user, a group or a role; its name alone stands for one that allows little.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenPolicy")]
pub(crate) struct InlinePolicy {
    pub(crate) name: String,
    /// A text is sent as it is.
    pub(crate) document: Value,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum WrittenPolicy {
    Name(String),
    Whole { name: String, document: Value },
}

impl From<WrittenPolicy> for InlinePolicy {
    fn from(policy: WrittenPolicy) -> Self {
        match policy {
            WrittenPolicy::Name(name) => Self { name, document: narrow() },
            WrittenPolicy::Whole { name, document } => Self { name, document },
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) name: String,
    /// The default version; a text is sent as it is.
    pub(crate) document: Value,
    /// What it was before: versions that are still there.
    #[serde(default)]
    pub(crate) former: Vec<Value>,
    #[serde(default = "one")]
    pub(crate) attachments: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Bucket {
    pub(crate) region: String,
    /// None: the story's account.
    pub(crate) owner: Option<String>,
    /// The settings of its public access block that are on; `null`: it has no such block.
    pub(crate) blocks: Option<Vec<String>>,
    /// Whether its policy makes it public; `null`: it has no policy.
    pub(crate) policy_is_public: Option<bool>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            region: "eu-west-1".into(),
            owner: None,
            blocks: Some(BLOCKS.map(str::to_owned).into()),
            policy_is_public: Some(false),
        }
    }
}

/// The settings of a public access block.
pub(crate) const BLOCKS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

/// An account at `now` in which every part is as it should be. It manages an organization.
pub(crate) fn usual(now: Timestamp) -> Map<String, Value> {
    // Metadata of a SAML provider lasts for years.
    let valid_until = (now + SignedDuration::from_hours(3 * 365 * 24)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let statement = |fields: Value| json!({"Version": "2012-10-17", "Statement": [fields]});
    let trust =
        |arn: &str| statement(json!({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}));
    // Only the default version of a policy is in force: what it once allowed must not matter.
    let everything = statement(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let parts = json!({
        "contacts": {"phone": "VERIFIED", "alternates": ["SECURITY", "OPERATIONS", "BILLING"]},
        "organization": {},
        "budgets": [{"name": "monthly"}],
        "alarms": [],
        "cost_reports": [],
        "exports": [{"name": "monthly"}],
        "analyzers": {},
        "identity_providers": {"saml": [{"name": "acme", "valid_until": valid_until}]},
        "identity_center": [],
        "support_access": {"roles": ["support"]},
        "roles": [
            {"name": "deploy", "trust": trust("arn:aws:iam::{account}:root"), "inline_policies": ["artifacts"]},
            {"name": "support", "trust": trust("arn:aws:iam::{account}:user/alice"), "attached_policies": ["AWSSupportAccess"]}
        ],
        "policies": [{"name": "deploy", "document": narrow(), "former": [everything]}],
        "buckets": {"acme-prod-trail": {}},
        "opt_in_regions": []
    });
    serde_json::from_value(parts).expect("an object")
}

fn narrow() -> Value {
    json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-artifacts/*"
    }})
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

fn estimated_charges() -> String {
    "EstimatedCharges".to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "the default of a field that may be `null`")]
fn success() -> Option<String> {
    Some("SUCCESS".to_owned())
}

fn ok() -> String {
    "OK".to_owned()
}

fn healthy() -> String {
    "HEALTHY".to_owned()
}

fn account() -> String {
    "ACCOUNT".to_owned()
}

fn active() -> String {
    "ACTIVE".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}
