//! The parts of an account, as the files of a folder have them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::baseline::InlinePolicy;

/// A subscription to the function's topic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// As `email`.
    pub protocol: String,
    /// Whether its owner has agreed to it; before that nothing is sent.
    pub confirmed: bool,
}

/// How the credential report is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReportEncoding {
    /// UTF-8 in base64.
    #[default]
    Utf8,
    /// Another character set in base64.
    Latin1,
    /// Not in base64.
    None,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identities {
    pub(crate) users: Vec<User>,
    pub(crate) groups: Vec<Group>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) attached_policies: Vec<String>,
    #[serde(default)]
    pub(crate) inline_policies: Vec<InlinePolicy>,
}

/// A group; mostly its name alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenGroup")]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) inline_policies: Vec<InlinePolicy>,
    pub(crate) attached_policies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum WrittenGroup {
    Name(String),
    Whole {
        name: String,
        #[serde(default)]
        inline_policies: Vec<InlinePolicy>,
        #[serde(default)]
        attached_policies: Vec<String>,
    },
}

impl From<WrittenGroup> for Group {
    fn from(group: WrittenGroup) -> Self {
        match group {
            WrittenGroup::Name(name) => Self { name, inline_policies: Vec::new(), attached_policies: Vec::new() },
            WrittenGroup::Whole { name, inline_policies, attached_policies } => {
                Self { name, inline_policies, attached_policies }
            }
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    pub(crate) serial_number: String,
    pub(crate) owner_arn: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trail {
    pub(crate) name: String,
    #[serde(default = "home")]
    pub(crate) home_region: String,
    #[serde(default = "yes")]
    pub(crate) multi_region: bool,
    #[serde(default)]
    pub(crate) organization: bool,
    /// Where it delivers to.
    #[serde(default = "trail_bucket")]
    pub(crate) bucket: String,
    #[serde(default = "yes")]
    pub(crate) validates_log_files: bool,
    /// What `GetTrailStatus` answers.
    #[serde(default = "logging")]
    pub(crate) status: Value,
    /// What `GetEventSelectors` answers.
    #[serde(default = "all_management_events")]
    pub(crate) selectors: Value,
}

/// The Region of the function.
fn home() -> String {
    "eu-west-1".to_owned()
}

fn trail_bucket() -> String {
    "acme-prod-trail".to_owned()
}

fn yes() -> bool {
    true
}

fn logging() -> Value {
    json!({"IsLogging": true})
}

fn all_management_events() -> Value {
    json!({"EventSelectors": [{
        "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []
    }]})
}

impl Trail {
    pub(super) fn sound() -> Self {
        serde_json::from_value(json!({"name": "management"})).expect("a trail")
    }

    /// That of an organization belongs to the management account.
    pub(crate) fn arn(&self, account: &str) -> String {
        let owner = if self.organization { "999988887777" } else { account };
        format!("arn:aws:cloudtrail:{}:{owner}:trail/{}", self.home_region, self.name)
    }
}
