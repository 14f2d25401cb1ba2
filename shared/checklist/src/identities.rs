//! IAM users with what they hold, who can administer, and virtual MFA devices.

/// Everybody who was made in IAM, from `GetAccountAuthorizationDetails`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities {
    /// IAM users.
    pub users: Vec<IamUser>,
    /// Names of the groups, also of those without a member.
    pub groups: Vec<String>,
}

/// One IAM user from `GetAccountAuthorizationDetails`; of its policies only the names are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IamUser {
    /// User name.
    pub name: String,
    /// Names of the groups it is in.
    pub groups: Vec<String>,
    /// Names of managed policies attached to the user itself.
    pub attached_policies: Vec<String>,
    /// Names of policies written into the user itself.
    pub inline_policies: Vec<String>,
}

/// Who `AdministratorAccess` is attached to, from `ListEntitiesForPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Administrators {
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
