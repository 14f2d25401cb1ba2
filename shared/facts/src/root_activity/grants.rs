//! Calls after which an attacker has access that root's own session need not last for: how an intruder stays.
//!
//! By MITRE ATT&CK's techniques of persistence in the cloud, T1098 account manipulation and T1136 create account
//! (<https://attack.mitre.org/techniques/T1098/>, <https://attack.mitre.org/techniques/T1136/003/>); the calls by AWS's API
//! references. What makes a resource readable for others, as a bucket policy, gives no access to the account and is not here.

use serde::{Deserialize, Serialize};

/// What stays of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Somebody has access until it is taken back: a user, a password, a policy, a role, a trust.
    AccessGranted,
    /// Somebody has a session with root's rights until it ends.
    SessionIssued,
}

impl Effect {
    /// Every effect, in the order of the runbook.
    pub const ALL: [Self; 2] = [Self::AccessGranted, Self::SessionIssued];
}

/// By service. A call of these that only switches something off is none.
const CALLS: [(&str, Effect, &[&str]); 7] = [
    (
        "iam.amazonaws.com",
        Effect::AccessGranted,
        &[
            "AcceptDelegationRequest",
            "AddClientIDToOpenIDConnectProvider",
            "AddUserToGroup",
            "AttachGroupPolicy",
            "AttachRolePolicy",
            "AttachUserPolicy",
            "CreateAccessKey",
            "CreateCloudFrontKeyPair",
            "CreateLoginProfile",
            "CreateOpenIDConnectProvider",
            "CreatePolicyVersion",
            "CreateRole",
            "CreateSAMLProvider",
            "CreateServiceSpecificCredential",
            "CreateUser",
            "DeleteRolePermissionsBoundary",
            "DeleteUserPermissionsBoundary",
            "EnableMFADevice",
            "EnableOrganizationsRootCredentialsManagement",
            "EnableOrganizationsRootSessions",
            "PutGroupPolicy",
            // A wider boundary frees as much as none.
            "PutRolePermissionsBoundary",
            "PutRolePolicy",
            "PutUserPermissionsBoundary",
            "PutUserPolicy",
            "ResetServiceSpecificCredential",
            "SendDelegationToken",
            "SetDefaultPolicyVersion",
            "UpdateAccessKey",
            "UpdateAssumeRolePolicy",
            "UpdateLoginProfile",
            "UpdateOpenIDConnectProviderThumbprint",
            "UpdateSAMLProvider",
            "UpdateSSHPublicKey",
            "UpdateServiceSpecificCredential",
            "UpdateSigningCertificate",
            "UploadCloudFrontPublicKey",
            "UploadSSHPublicKey",
            "UploadSigningCertificate",
        ],
    ),
    // Certificates of one's own instead of keys.
    (
        "rolesanywhere.amazonaws.com",
        Effect::AccessGranted,
        &[
            "CreateProfile",
            "CreateTrustAnchor",
            "EnableProfile",
            "EnableTrustAnchor",
            "UpdateProfile",
            "UpdateTrustAnchor",
        ],
    ),
    // Identity Center, by its three services.
    (
        "sso.amazonaws.com",
        Effect::AccessGranted,
        &[
            "AttachCustomerManagedPolicyReferenceToPermissionSet",
            "AttachManagedPolicyToPermissionSet",
            "CreateAccountAssignment",
            "CreateTrustedTokenIssuer",
            "DeletePermissionsBoundaryFromPermissionSet",
            "PutInlinePolicyToPermissionSet",
            "PutPermissionsPolicy",
            "UpdateTrustedTokenIssuer",
        ],
    ),
    (
        "sso-directory.amazonaws.com",
        Effect::AccessGranted,
        &[
            "AddMemberToGroup",
            "CreateBearerToken",
            "CreateExternalIdPConfigurationForDirectory",
            "CreateUser",
            "EnableExternalIdPConfigurationForDirectory",
            "EnableUser",
            "ImportExternalIdPCertificate",
            "UpdateExternalIdPConfigurationForDirectory",
            "UpdatePassword",
        ],
    ),
    ("identitystore.amazonaws.com", Effect::AccessGranted, &["CreateGroupMembership", "CreateUser"]),
    // Another organization, another account that speaks for this one.
    (
        "organizations.amazonaws.com",
        Effect::AccessGranted,
        &["AcceptHandshake", "PutResourcePolicy", "RegisterDelegatedAdministrator"],
    ),
    ("sts.amazonaws.com", Effect::SessionIssued, &["GetFederationToken", "GetSessionToken"]),
];

/// What stays of a call of `name` to `source`.
pub(super) fn effect(source: &str, name: &str) -> Option<Effect> {
    let is_it = |(of, _, names): &&(&str, Effect, &[&str])| *of == source && names.contains(&name);
    CALLS.iter().find(is_it).map(|(_, effect, _)| *effect)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{classify, sample};
    use super::super::{Kind, RootActivity};
    use super::*;
    use crate::severity::Severity;

    fn call(source: &str, name: &str, request: Value) -> RootActivity {
        let mut record = sample(17, json!({"eventSource": source, "eventName": name}));
        record["requestParameters"] = request;
        classify(&record).unwrap()
    }

    #[test]
    fn whatever_gives_somebody_access_is_high_and_urgent_whoever_passed_it_on() {
        for (source, effect, names) in CALLS {
            for name in names {
                let act = call(source, name, json!({"userName": "alice"}));
                assert_eq!((act.effect, act.severity), (Some(effect), Severity::High), "{source} {name}");
                assert!(act.is_urgent() && act.is_root_use(), "{source} {name}");
                let refused = sample(
                    17,
                    json!({"eventSource": source, "eventName": name, "errorCode": "AccessDenied", "requestParameters": {"userName": "alice"}}),
                );
                let refused = classify(&refused).unwrap();
                assert_eq!((refused.effect, refused.severity), (None, Severity::Medium), "{source} {name}");
            }
            let record = sample(
                17,
                json!({"eventSource": source, "eventName": names[0], "userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}),
            );
            assert_eq!(classify(&record).unwrap().kind, Kind::WriteCall, "{source} {}", names[0]);
        }
    }

    #[test]
    fn what_is_switched_off_or_of_another_service_grants_nothing() {
        for name in ["UpdateAccessKey", "UpdateSSHPublicKey", "UpdateServiceSpecificCredential"] {
            let status = |status: &str| call("iam.amazonaws.com", name, json!({"userName": "alice", "status": status}));
            assert_eq!(
                (status("Active").severity, status("Inactive").severity),
                (Severity::High, Severity::Medium),
                "{name}"
            );
            assert_eq!(status("Inactive").effect, None, "{name}");
        }
        let of_cognito = call("cognito-idp.amazonaws.com", "CreateUser", json!({"userName": "alice"}));
        assert_eq!((of_cognito.effect, of_cognito.severity), (None, Severity::Medium));
    }

    #[test]
    fn who_gets_it_and_what_is_named_and_root_of_the_organization_is_another_matter() {
        let policy = json!({"userName": "support2", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
        let act = call("iam.amazonaws.com", "AttachUserPolicy", policy);
        assert_eq!(act.target.as_deref(), Some("arn:aws:iam::aws:policy/AdministratorAccess of user support2"));
        assert_eq!(act.headline(), "access granted by root: AttachUserPolicy");
        assert_eq!(act.words(), Effect::AccessGranted.words());
        let role = call("iam.amazonaws.com", "UpdateAssumeRolePolicy", json!({"roleName": "ops"}));
        assert_eq!(role.target.as_deref(), Some("role ops"));
        let own = call("iam.amazonaws.com", "UpdateAssumeRolePolicy", json!({"roleName": "rootwatch-CheckerRole-1"}));
        assert_eq!((own.kind, own.effect), (Kind::WatchTampered, Some(Effect::AccessGranted)));
        // A device of root's own is another kind.
        let device = call(
            "iam.amazonaws.com",
            "EnableMFADevice",
            json!({"serialNumber": "arn:aws:iam::111122223333:mfa/root-account-mfa-device"}),
        );
        assert_eq!((device.kind, device.effect), (Kind::MfaEnabled, None));
        let central = sample(20, json!({"eventName": "CreateUser", "requestParameters": {"userName": "alice"}}));
        assert_eq!(classify(&central).unwrap().effect, None);
    }

    #[test]
    fn the_words_of_every_effect_are_complete() {
        for effect in Effect::ALL {
            let words = effect.words();
            assert!(words.headline.len() <= 30 && words.why.ends_with('.'), "{effect:?}");
            assert!(words.steps.iter().all(|step| step.text.ends_with('.')), "{effect:?}");
        }
    }
}
