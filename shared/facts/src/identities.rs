//! IAM users, groups, roles and policies with what they hold, who holds a managed policy, and virtual MFA devices.

use crate::policy_document::{Grants, Trust};

/// Everybody who was made in IAM, from `GetAccountAuthorizationDetails`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities {
    /// IAM users.
    pub users: Vec<IamUser>,
    /// Groups, also those without a member.
    pub groups: Vec<Group>,
}

/// One IAM user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IamUser {
    /// User name.
    pub name: String,
    /// Names of the groups it is in.
    pub groups: Vec<String>,
    /// Managed policies attached to the user itself.
    pub attached_policies: Vec<AttachedPolicy>,
    /// Policies written into the user itself.
    pub inline_policies: Vec<InlinePolicy>,
}

/// A group of IAM users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Managed policies attached to it.
    pub attached_policies: Vec<AttachedPolicy>,
    /// Policies written into the group itself.
    pub inline_policies: Vec<InlinePolicy>,
}

/// A managed policy, as it is attached to a user, a group or a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// Its name.
    pub name: String,
    /// AWS manages it; else it is the account's own.
    pub is_of_aws: bool,
}

/// A policy that is written into a user, a group or a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePolicy {
    /// Its name.
    pub name: String,
    /// How much it allows.
    pub grants: Grants,
}

/// Roles and customer-managed policies, from `GetAccountAuthorizationDetails`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolesAndPolicies {
    /// Roles, also those of services.
    pub roles: Vec<Role>,
    /// Customer-managed policies, attached or not.
    pub policies: Vec<ManagedPolicy>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whom it lets in.
    pub trust: Trust,
    /// Managed policies attached to it.
    pub attached_policies: Vec<AttachedPolicy>,
    /// Policies written into the role itself.
    pub inline_policies: Vec<InlinePolicy>,
}

/// A customer-managed policy, by its default version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its name.
    pub name: String,
    /// To how many users, groups and roles it is attached, 1 where AWS gives no number; use as a permissions boundary does not count.
    pub attachments: u32,
    /// How much it allows.
    pub grants: Grants,
}

/// Who a managed policy is attached to, from `ListEntitiesForPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// User names.
    pub users: Vec<String>,
    /// Group names.
    pub groups: Vec<String>,
    /// Role names.
    pub roles: Vec<String>,
}

/// A virtual MFA device from `ListVirtualMFADevices`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualMfaDevice {
    /// Serial number, an ARN. Its name proves nothing: a user's device may be called `root-account-mfa-device`.
    pub serial_number: String,
    /// ARN of the user it belongs to; `None` while unassigned. The only proof of ownership.
    pub owner_arn: Option<String>,
}
