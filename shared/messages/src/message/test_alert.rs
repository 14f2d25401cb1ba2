//! The test alert: a message that a person asks for, to see that alerts arrive. It reports nothing about the account, and says so in every
//! channel.

use facts::text::counted;
use serde::{Deserialize, Serialize};

use super::{Links, Recipients};

/// What its subject begins with: no severity, so that neither a person nor a filter takes it for a real alert.
pub(super) const TEST: &str = "TEST ALERT";
/// How long AWS's confirmation link is valid (<https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>).
pub(crate) const LINK_LASTS: &str = "AWS's confirmation link is valid for two days";

/// What a test alert says, beside the account, the time and the version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TestAlert {
    /// The stack that sent it; `null` where its name is not known.
    #[serde(default)]
    pub stack: Option<String>,
    /// The stack's Region; `null` where it is not known.
    #[serde(default)]
    pub region: Option<String>,
    /// Who gets it, as all alerts; `null` if the subscriptions could not be read, or are more than are counted.
    #[serde(default)]
    pub recipients: Option<Recipients>,
}

impl TestAlert {
    /// A test alert of the stack that `links` name.
    pub fn new(links: &Links, recipients: Option<Recipients>) -> Self {
        let (stack, region) = links.stack.clone().unzip();
        Self { stack, region, recipients }
    }
}

/// Whether `subject` is that of a test alert. No real alert has one that begins so.
pub fn is_test_alert(subject: &str) -> bool {
    subject.strip_prefix("[rootwatch] ").is_some_and(|rest| rest.starts_with(TEST))
}

pub(crate) fn not_confirmed(pending: usize) -> String {
    let pending = counted(pending, "subscription, which gets no alerts", "subscriptions, which get no alerts");
    format!("{pending}. {LINK_LASTS}; after that, subscribe again.")
}
