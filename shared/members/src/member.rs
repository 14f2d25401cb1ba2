//! An account as the organization lists it.

use facts::account::AccountId;
use facts::text::bounded;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One account of the organization, by `organizations:ListAccounts`
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    /// Its id.
    pub account: AccountId,
    /// Its name, as its owner chose it: hostile text, bounded.
    pub name: String,
    /// The root and the organizational units above it, from the top: `r-…`, `ou-…`. Empty where AWS did not say.
    pub ous: Vec<String>,
    /// Its state.
    pub state: State,
    /// Its tag [`Route::TAG`](crate::Route::TAG); `None`: not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
}

/// One tag of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tag {
    /// Its value, bounded; `None`: the account does not have the tag.
    pub value: Option<String>,
    /// When that was read.
    pub read_at: Timestamp,
}

/// An account's state (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_account_state.html>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In use.
    Active,
    /// Its owner closes it; it works until AWS suspends it.
    PendingClosure,
    /// AWS has suspended it.
    Suspended,
    /// Closed; listed for 90 days.
    Closed,
    /// Not usable yet.
    PendingActivation,
    /// A state that this version does not know, as AWS spells it: such an account is audited.
    Other(String),
}

/// Why an account is listed and not audited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// No `sts:AssumeRoot` reaches it: its own stack audits it.
    Management,
    /// The account of this stack, which its own checker audits.
    Own,
    /// Suspended.
    Suspended,
    /// Closed.
    Closed,
    /// Not usable yet.
    PendingActivation,
}

impl State {
    /// By the name that AWS gives it.
    pub fn parse(text: &str) -> Self {
        match text {
            "ACTIVE" => Self::Active,
            "PENDING_CLOSURE" => Self::PendingClosure,
            "SUSPENDED" => Self::Suspended,
            "CLOSED" => Self::Closed,
            "PENDING_ACTIVATION" => Self::PendingActivation,
            other => Self::Other(bounded(other)),
        }
    }
}

impl Member {
    /// By one account of the answer. Of `path`, `o-…/r-…/[ou-…/]<account>/`, the part between organization and account is taken.
    pub fn new(account: AccountId, name: &str, path: Option<&str>, state: &str) -> Self {
        let parts = path.unwrap_or_default().split('/');
        let ous = parts.filter(|part| part.starts_with("r-") || part.starts_with("ou-")).map(bounded).collect();
        Self { account, name: bounded(name), ous, state: State::parse(state), tag: None }
    }

    /// The value of the tag that chooses its route.
    pub fn route_tag(&self) -> Option<&str> {
        self.tag.as_ref()?.value.as_deref()
    }

    /// Why it is not audited in an organization that `management` manages, by a stack in `own`; `None`: it is audited.
    pub fn skipped(&self, management: &AccountId, own: &AccountId) -> Option<Skip> {
        match self.state {
            _ if self.account == *own => Some(Skip::Own),
            _ if self.account == *management => Some(Skip::Management),
            State::Suspended => Some(Skip::Suspended),
            State::Closed => Some(Skip::Closed),
            State::PendingActivation => Some(Skip::PendingActivation),
            State::Active | State::PendingClosure | State::Other(_) => None,
        }
    }
}

impl Skip {
    /// Goes on after `2 accounts`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Management => {
                "the management account, which `sts:AssumeRoot` does not reach: deploy rootwatch there, too"
            }
            Self::Own => "the account of this stack, covered by its own checks",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
            Self::PendingActivation => "not activated yet",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: &str) -> AccountId {
        AccountId::parse(&digit.repeat(12)).unwrap()
    }

    fn of(account: &str, state: &str) -> Option<Skip> {
        Member::new(id(account), "name", None, state).skipped(&id("1"), &id("2"))
    }

    #[test]
    fn an_account_is_audited_unless_it_is_unusable_or_has_checks_of_its_own() {
        let skipped =
            [("SUSPENDED", Skip::Suspended), ("CLOSED", Skip::Closed), ("PENDING_ACTIVATION", Skip::PendingActivation)];
        for (state, why) in skipped {
            assert_eq!(of("3", state), Some(why));
        }
        for state in ["ACTIVE", "PENDING_CLOSURE", "A_STATE_OF_NEXT_YEAR", ""] {
            assert_eq!(of("3", state), None, "{state}");
        }
        assert_eq!([of("1", "ACTIVE"), of("2", "ACTIVE")], [Some(Skip::Management), Some(Skip::Own)]);
    }

    #[test]
    fn its_units_are_those_of_the_path_from_the_top() {
        let member = Member::new(id("3"), "a", Some("o-abc/r-ab12/ou-ab12-one/ou-ab12-two/333333333333/"), "ACTIVE");
        assert_eq!(member.ous, ["r-ab12", "ou-ab12-one", "ou-ab12-two"]);
        assert!(Member::new(id("3"), "a", None, "ACTIVE").ous.is_empty());
    }
}
