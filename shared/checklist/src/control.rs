//! What a control is: the texts, the rank and the evaluation of one thing that is checked.

use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::Verdict;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::framework::Framework;
use crate::settings::Settings;

/// One thing that is evaluated.
pub struct Control {
    /// Public name, kebab-case; never changes its meaning.
    pub id: &'static str,
    /// The compliant state, as a sentence without a full stop.
    pub title: &'static str,
    /// What is wrong when it fails, a few words for a subject line.
    pub violation: &'static str,
    /// The step of the checklist it belongs to; `None`: the account baseline, listed after the five.
    pub step: Option<Step>,
    /// How bad a failure is.
    pub severity: Severity,
    /// Why it matters, for a reader who is new to it.
    pub rationale: &'static str,
    /// When it fails, when it does not apply, and what it cannot see.
    pub semantics: &'static str,
    /// How to make it pass.
    pub remediation: Remediation,
    /// Every source that it may read; what is not read for another control either is not read at all.
    pub sources: &'static [Source],
    /// The IAM user to whom a resource of its findings belongs, as it names resources; [`no_user`] where it names none.
    pub user_of: fn(&str) -> Option<&str>,
    /// What others call it: each name that they have for it, or for a part of it.
    pub mappings: &'static [(Framework, &'static str)],
    /// Where the rule comes from.
    pub references: &'static [Reference],
    /// Evaluates. `?` on a missing source makes the finding [`facts::Status::Unknown`].
    pub evaluate: fn(&Snapshot, &Settings) -> Result<Verdict, Unavailable>,
}

/// Resources that are no user's.
pub fn no_user(_: &str) -> Option<&str> {
    None
}

/// `alice`
pub fn whole_name(resource: &str) -> Option<&str> {
    Some(resource)
}

/// `alice (access key 2)`, `alice (password)`
pub fn name_before_parentheses(resource: &str) -> Option<&str> {
    resource.rsplit_once(" (").map(|(name, _)| name)
}

/// `user alice, inline policy wide`; what is no user's begins otherwise.
pub fn name_after_user(resource: &str) -> Option<&str> {
    resource.strip_prefix("user ")?.split_once(", ").map(|(name, _)| name)
}

/// How to make a control pass.
pub struct Remediation {
    /// In the management console, step by step.
    pub console: &'static [&'static str],
    /// On the command line; what root alone can do needs root's credentials there.
    pub cli: &'static [&'static str],
}

/// A source of the rule.
pub struct Reference {
    /// Who says so, and about what.
    pub name: &'static str,
    /// A page of it.
    pub url: &'static str,
}

/// The five steps that make a root account secure, in their order. Serialized as its number, 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// 1
    RootAccessKeys = 1,
    /// 2
    RootMfa = 2,
    /// 3
    IndividualUsers = 3,
    /// 4
    Groups = 4,
    /// 5
    PasswordPolicy = 5,
}

impl Step {
    /// All five, in order.
    pub const ALL: [Self; 5] =
        [Self::RootAccessKeys, Self::RootMfa, Self::IndividualUsers, Self::Groups, Self::PasswordPolicy];

    /// 1 to 5.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The compliant state.
    pub fn title(self) -> &'static str {
        match self {
            Self::RootAccessKeys => "Root access keys are deleted",
            Self::RootMfa => "Root has MFA",
            Self::IndividualUsers => "Individual IAM users, or federation, are used instead of root",
            Self::Groups => "Groups assign permissions",
            Self::PasswordPolicy => "A password policy is set",
        }
    }
}

/// `step 1`, or `account baseline`.
pub fn place(step: Option<Step>) -> String {
    step.map_or_else(|| "account baseline".into(), |step| format!("step {}", step.number()))
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        let step = Self::ALL.iter().find(|step| step.number() == number);
        step.copied().ok_or_else(|| D::Error::custom(format!("there is no step {number}")))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Step {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"description": "Step of the checklist.", "type": "integer", "minimum": 1, "maximum": 5})
    }
}
