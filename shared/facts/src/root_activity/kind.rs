//! What was done, what came of it, and how bad it is.

use super::grants::{self, Effect};
use super::{Kind, Mfa};
use crate::record::Fields;
use crate::severity::Severity;

/// A call, as its record shows it; name, source and whether it only reads also by the look-up.
pub(super) struct Call<'a> {
    pub(super) fields: Fields<'a>,
    pub(super) source: &'a str,
    pub(super) name: &'a str,
    pub(super) read_only: Option<bool>,
    pub(super) is_refused: bool,
}

impl Call<'_> {
    pub(super) fn kind(&self) -> Kind {
        let fields = self.fields;
        // The call that opens such a session is none of its tasks, whatever its record says: its key is the caller's own.
        let opens = (self.source, self.name) == ("sts.amazonaws.com", "AssumeRoot");
        if fields.truth("/userIdentity/sessionContext/assumedRoot") == Some(true) && !opens {
            return Kind::CentralizedRootTask;
        }
        if fields.is_service_event() {
            return Kind::Service;
        }
        let own = fields.user().is_none();
        // These send an alert, whichever service passed them on.
        match self.name {
            "ConsoleLogin" | "CheckMfa" if self.is_refused => Kind::SignInFailed,
            "ConsoleLogin" => Kind::SignInSucceeded,
            // The step before the sign-in, which is an event of its own.
            "CheckMfa" => Kind::ReadOnlyCall,
            "AuthorizeOAuth2Access" | "CreateOAuth2Token" => Kind::CliSignIn,
            "CreateAccessKey" if own => Kind::RootAccessKeyCreated,
            "CreateAccessKey" => Kind::UserAccessKeyCreated,
            "UpdateAccessKey" if own => Kind::RootAccessKeyChanged,
            "UpdateAccessKey" => Kind::UserAccessKeyChanged,
            "DeleteAccessKey" if own => Kind::RootAccessKeyDeleted,
            "DeleteAccessKey" => Kind::UserAccessKeyDeleted,
            "UploadSigningCertificate" if own => Kind::RootSigningCertificateCreated,
            // A certificate that is switched on again is as good as a new one.
            "UpdateSigningCertificate" if own && !fields.switches_off() => Kind::RootSigningCertificateCreated,
            "EnableMFADevice" if own => Kind::MfaEnabled,
            "DeactivateMFADevice" if own => Kind::MfaDeactivated,
            "ChangePassword" | "PasswordUpdated" => Kind::PasswordChanged,
            "CreateLoginProfile" | "UpdateLoginProfile" if own => Kind::PasswordChanged,
            "PasswordRecoveryRequested" => Kind::PasswordRecoveryRequested,
            "PasswordRecoveryCompleted" => Kind::PasswordRecoveryCompleted,
            "EmailUpdated" | "UpdateAccountEmailAddress" | "StartPrimaryEmailUpdate" | "AcceptPrimaryEmailUpdate" => {
                Kind::EmailChanged
            }
            "PutAlternateContact" | "DeleteAlternateContact" | "PutContactInformation" => Kind::ContactChanged,
            _ if self.effect().is_some() => Kind::WriteCall,
            _ if fields.is_by_a_service() => Kind::Service,
            _ if opens => Kind::WriteCall,
            _ if self.read_only == Some(true) => Kind::ReadOnlyCall,
            _ => Kind::WriteCall,
        }
    }

    /// What stays of the call.
    pub(super) fn effect(&self) -> Option<Effect> {
        let effect = grants::effect(self.source, self.name)?;
        // Nobody gains by what is switched off.
        (!self.fields.switches_off()).then_some(effect)
    }

    pub(super) fn severity(&self, kind: Kind, mfa: Mfa) -> Severity {
        match kind {
            Kind::RootAccessKeyCreated | Kind::MfaDeactivated => Severity::Critical,
            // A key that is switched on again is as good as a new one.
            Kind::RootAccessKeyChanged if !self.fields.switches_off() => Severity::Critical,
            // What the event does not say is taken for the worse.
            Kind::SignInSucceeded | Kind::CliSignIn if mfa != Mfa::Used => Severity::Critical,
            Kind::SignInSucceeded
            | Kind::CliSignIn
            | Kind::RootSigningCertificateCreated
            | Kind::UserAccessKeyCreated
            | Kind::MfaEnabled
            | Kind::PasswordChanged
            | Kind::PasswordRecoveryRequested
            | Kind::PasswordRecoveryCompleted
            | Kind::EmailChanged
            | Kind::ContactChanged => Severity::High,
            Kind::UserAccessKeyChanged if !self.fields.switches_off() => Severity::High,
            Kind::WriteCall if self.effect().is_some() => Severity::High,
            Kind::SignInFailed
            | Kind::RootAccessKeyChanged
            | Kind::RootAccessKeyDeleted
            | Kind::UserAccessKeyChanged
            | Kind::UserAccessKeyDeleted
            | Kind::WatchTampered
            | Kind::WriteCall => Severity::Medium,
            Kind::CentralizedRootTask => central_severity(self.source, self.name, self.read_only),
            Kind::ReadOnlyCall => Severity::Low,
            Kind::Service => Severity::Informational,
        }
    }
}

impl Fields<'_> {
    /// A service did it for itself.
    pub(super) fn is_service_event(&self) -> bool {
        self.text("/eventType").as_deref() == Some("AwsServiceEvent")
    }

    fn switches_off(&self) -> bool {
        self.text("/requestParameters/status").is_some_and(|status| status.eq_ignore_ascii_case("inactive"))
    }

    pub(super) fn target(&self) -> Option<String> {
        let things = [
            "/responseElements/accessKey/accessKeyId",
            "/requestParameters/accessKeyId",
            "/responseElements/certificate/certificateId",
            "/requestParameters/certificateId",
            "/requestParameters/serialNumber",
            "/responseElements/credentials/accessKeyId",
            "/requestParameters/policyArn",
            "/requestParameters/policyName",
            "/requestParameters/groupName",
        ];
        let thing = things.iter().find_map(|pointer| self.text(pointer));
        let status =
            self.text("/requestParameters/status").map(|status| format!(" set to {status}")).unwrap_or_default();
        let role = || self.text("/requestParameters/roleName").map(|role| format!("role {role}"));
        let whose = self.user().map(|user| format!("user {user}")).or_else(role);
        let federated = || self.text("/requestParameters/name").map(|name| format!("federated user {name}"));
        let whose =
            whose.or_else(|| federated().filter(|_| self.text("/responseElements/federatedUser/arn").is_some()));
        match (thing, whose) {
            (Some(thing), Some(whose)) => Some(format!("{thing}{status} of {whose}")),
            (Some(thing), None) => Some(format!("{thing}{status}")),
            (None, Some(whose)) => Some(whose),
            (None, None) => self.text("/requestParameters/alternateContactType").map(|kind| format!("{kind} contact")),
        }
    }

    pub(super) fn mfa(&self) -> Mfa {
        let used = self
            .truth("/additionalEventData/MFAUsed")
            .or_else(|| self.truth("/userIdentity/sessionContext/attributes/mfaAuthenticated"));
        match used {
            Some(true) => Mfa::Used,
            Some(false) => Mfa::NotUsed,
            None => Mfa::NotRecorded,
        }
    }
}

/// What the task policy `IAMAuditRootUserCredentials` lets a session of central root access read, all of it in IAM.
pub(super) const AUDIT: [&str; 7] = [
    "GetAccessKeyLastUsed",
    "GetAccountSummary",
    "GetLoginProfile",
    "GetUser",
    "ListAccessKeys",
    "ListMFADevices",
    "ListSigningCertificates",
];

/// A task of central root access that only reads is the organization's audit; one that gives the account a root password back is more
/// than housekeeping. What is not known to read counts as a change.
pub(super) fn central_severity(source: &str, name: &str, read_only: Option<bool>) -> Severity {
    let audits = source == "iam.amazonaws.com" && AUDIT.contains(&name);
    // CloudTrail calls it read-only to issue a session.
    let issues = source == "sts.amazonaws.com" && name != "GetCallerIdentity";
    match name {
        "CreateLoginProfile" => Severity::High,
        _ if audits || (read_only == Some(true) && !issues) => Severity::Informational,
        _ => Severity::Medium,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{classify, sample};
    use super::*;

    fn call(name: &str, request: Value, more: Value) -> (Kind, Severity) {
        let mut record = sample(13, more);
        record["eventName"] = json!(name);
        record["requestParameters"] = request;
        let act = classify(&record).unwrap();
        (act.kind, act.severity)
    }

    #[test]
    fn a_signing_certificate_for_root_is_a_credential_of_root() {
        let created = (Kind::RootSigningCertificateCreated, Severity::High);
        let answer = json!({"responseElements": {"certificate": {"userName": "AWS ROOT USER"}}});
        assert_eq!(call("UploadSigningCertificate", json!({"certificateBody": "-"}), answer), created);
        let update =
            |status: &str| call("UpdateSigningCertificate", json!({"certificateId": "1", "status": status}), json!({}));
        assert_eq!((update("Active"), update("Inactive")), (created, (Kind::WriteCall, Severity::Medium)));
        assert_eq!(
            call("DeleteSigningCertificate", json!({"certificateId": "1"}), json!({})),
            (Kind::WriteCall, Severity::Medium)
        );
        let of_user = call("UploadSigningCertificate", json!({"userName": "alice"}), json!({}));
        assert_eq!(of_user, (Kind::WriteCall, Severity::High), "a user's is standing access like others");
        let refused = json!({"errorCode": "LimitExceeded"});
        assert_eq!(call("UploadSigningCertificate", json!(null), refused), (created.0, Severity::Medium));
    }

    #[test]
    fn a_password_without_a_name_is_roots_own() {
        for name in ["ChangePassword", "CreateLoginProfile", "UpdateLoginProfile"] {
            assert_eq!(call(name, json!(null), json!({})), (Kind::PasswordChanged, Severity::High), "{name}");
        }
        assert_eq!(call("UpdateLoginProfile", json!({"userName": "alice"}), json!({})).0, Kind::WriteCall);
    }

    #[test]
    fn whatever_failed_is_an_attempt_however_the_record_says_so() {
        let sign_in = "AwsConsoleSignIn";
        for (name, kind) in [
            ("PasswordUpdated", Kind::PasswordChanged),
            ("EmailUpdated", Kind::EmailChanged),
            ("PasswordRecoveryRequested", Kind::PasswordRecoveryRequested),
            ("PasswordRecoveryCompleted", Kind::PasswordRecoveryCompleted),
            ("SwitchRole", Kind::WriteCall),
        ] {
            for outcome in ["Failure", "failure", "FAILED"] {
                for part in ["responseElements", "serviceEventDetails"] {
                    let mut record = sample(13, json!({"eventType": sign_in, "eventName": name}));
                    record[part] = json!({name: outcome});
                    let act = classify(&record).unwrap();
                    assert_eq!(
                        (act.kind, act.severity, act.error.as_deref()),
                        (kind, Severity::Medium, Some("Failure")),
                        "{record}"
                    );
                    assert!(
                        act.headline().starts_with("failed attempt: ") && act.words().why.starts_with("AWS refused it")
                    );
                }
            }
            let mut record = sample(13, json!({"eventType": sign_in, "eventName": name}));
            record["responseElements"] = json!({name: "Success"});
            assert_eq!(classify(&record).unwrap().error, None, "{name}");
        }
        for part in ["errorCode", "errorMessage"] {
            for record in [json!({part: "Denied"}), json!({"responseElements": {part: "Denied"}})] {
                assert_eq!(
                    call("PasswordUpdated", json!(null), record),
                    (Kind::PasswordChanged, Severity::Medium),
                    "{part}"
                );
            }
        }
    }

    #[test]
    fn an_attempt_at_recovery_that_failed_is_no_use_of_root() {
        let recovery = |outcome: &str| {
            let record = sample(15, json!({"responseElements": {"PasswordRecoveryCompleted": outcome}}));
            classify(&record).unwrap().is_root_use()
        };
        assert_eq!((recovery("Failure"), recovery("Success")), (false, true));
        let change = sample(12, json!({"responseElements": {"PasswordUpdated": "Failure"}}));
        assert!(classify(&change).unwrap().is_root_use(), "who changes it is signed in");
    }
}
