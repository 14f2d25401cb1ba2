//! The AWS organization that the account is in, and what it does about root.

use crate::account::{Account, AccountId};
use crate::policy_document::Denials;

/// The account's organization, from `organizations:DescribeOrganization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id, as `o-exampleorgid`.
    pub id: String,
    /// The account that manages it.
    pub management_account: AccountId,
    /// Whether `FeatureSet` is `ALL`, and not consolidated billing alone.
    pub has_all_features: bool,
}

impl Organization {
    /// Whether `account` manages it.
    pub fn is_managed_by(&self, account: &Account) -> bool {
        self.management_account == account.id
    }
}

/// Centralized root access, from `iam:ListOrganizationsFeatures`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-access-management.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CentralRootAccess {
    /// `RootCredentialsManagement`: root credentials of members can be deleted for good.
    pub manages_credentials: bool,
    /// `RootSessions`: what only root may do in a member is done by short sessions.
    pub opens_sessions: bool,
}

/// A service control policy that is in force for the account, from `organizations:ListPoliciesForTarget` of the account and of all
/// that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceControlPolicy {
    /// Its name.
    pub name: String,
    /// What it denies root.
    pub denials: Denials,
}
