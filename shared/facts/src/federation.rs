//! Who else is trusted to identify people: identity providers of IAM, and IAM Identity Center.

use jiff::Timestamp;

/// Identity providers of IAM, from `ListSAMLProviders` and `ListOpenIDConnectProviders`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityProviders {
    /// SAML providers.
    pub saml: Vec<SamlProvider>,
    /// Hosts of OpenID Connect providers, as `token.actions.githubusercontent.com`.
    pub open_id_connect: Vec<String>,
}

/// A SAML provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlProvider {
    /// Its name.
    pub name: String,
    /// When its metadata expires; `None`: never, or not shown.
    pub valid_until: Option<Timestamp>,
}

/// An instance of IAM Identity Center that the account can see, from `sso:ListInstances`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityCenterInstance {
    /// Its ARN.
    pub arn: String,
    /// Twelve digits: the management account for an organization's instance, an account of its own for an *account instance*, which
    /// gives no access to AWS accounts (<https://docs.aws.amazon.com/singlesignon/latest/userguide/account-instances-identity-center.html>).
    pub owner: Option<String>,
}
