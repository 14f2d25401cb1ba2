//! The checklist: every control, in the order people read it. Adding one is a file below, a line here, and `make bless`.

use crate::control::Control;

mod access_analyzer;
pub(crate) mod access_key_rotation;
mod administrator_access;
mod age;
pub mod alert_path;
mod billing_alerts;
mod billing_partition;
mod billing_reports;
mod cloudtrail_bucket;
mod cloudtrail_trail;
mod cloudtrail_validation;
mod contact_information;
mod federation;
mod groups_assign_permissions;
mod holdings;
mod individual_iam_users;
mod least_privilege;
mod named;
mod organization;
mod page;
pub(crate) mod password_policy;
mod people;
mod recommendations;
mod role_trust;
mod root_access_keys;
#[cfg(test)]
mod root_audit;
mod root_credentials;
mod root_credentials_attested;
mod root_guardrail;
pub mod root_hardware_mfa;
mod root_mfa;
mod root_password_age;
mod root_signing_certificates;
mod root_slots;
mod root_unused;
pub mod root_use_recorded;
mod security_contact;
mod support_role;
mod survey;
mod unneeded_regions;
pub(crate) mod unused_credentials;
mod user_keys;
mod user_mfa;

pub use crate::renamed::current_id;
pub use page::as_markdown;

/// All controls, in the order of the five steps; then the account baseline.
pub const CHECKLIST: &[&Control] = &[
    &root_access_keys::CONTROL,
    &root_signing_certificates::CONTROL,
    &root_mfa::CONTROL,
    &individual_iam_users::CONTROL,
    &root_unused::CONTROL,
    &administrator_access::CONTROL,
    &groups_assign_permissions::CONTROL,
    &password_policy::CONTROL,
    &alert_path::CONTROL,
    &root_use_recorded::CONTROL,
    &root_hardware_mfa::CONTROL,
    &root_password_age::CONTROL,
    &user_mfa::CONTROL,
    &access_key_rotation::CONTROL,
    &unused_credentials::CONTROL,
    &least_privilege::CONTROL,
    &role_trust::CONTROL,
    &cloudtrail_trail::CONTROL,
    &cloudtrail_validation::CONTROL,
    &cloudtrail_bucket::CONTROL,
    &billing_reports::CONTROL,
    &billing_alerts::CONTROL,
    &unneeded_regions::CONTROL,
    &contact_information::CONTROL,
    &security_contact::CONTROL,
    &organization::CONTROL,
    &root_guardrail::CONTROL,
    &access_analyzer::CONTROL,
    &federation::CONTROL,
    &support_role::CONTROL,
    &root_credentials_attested::CONTROL,
];

/// The control called `id`, now or by an earlier version.
pub fn control(id: &str) -> Option<&'static Control> {
    let id = current_id(id);
    CHECKLIST.iter().copied().find(|control| control.id == id)
}

/// The ids of all controls, in the order of the checklist.
pub fn ids() -> Vec<&'static str> {
    CHECKLIST.iter().map(|control| control.id).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;

    use super::*;
    use proptest::prelude::*;

    use crate::finding::Finding;
    use crate::framework::Framework;
    use crate::settings::Settings;
    use facts::account::AccountId;
    use facts::identities::InlinePolicy;
    use facts::organization::ServiceControlPolicy;
    use facts::policy_document::{Denials, Grants, Trust};
    use facts::snapshot::Snapshot;
    use facts::source::Source;
    use facts::verdict::{Status, Verdict};

    /// Judges a compliant account in which one thing was changed.
    pub(crate) fn verdict_of(control: &Control, change: impl FnOnce(&mut Snapshot)) -> Verdict {
        verdict_with(control, &Settings::default(), change)
    }

    pub(crate) fn verdict_with(control: &Control, settings: &Settings, change: impl FnOnce(&mut Snapshot)) -> Verdict {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        (control.evaluate)(&snapshot, settings).unwrap_or_else(Verdict::from)
    }

    #[test]
    fn a_compliant_account_passes_everything() {
        for control in CHECKLIST {
            let finding = Finding::of(control, &Snapshot::compliant(), &Settings::compliant());
            // Where root has not been used for long, there is no use to compare with its trail.
            let expected =
                if control.id == root_use_recorded::CONTROL.id { Status::NotApplicable } else { Status::Passed };
            assert_eq!(finding.status, expected, "{}: {}", control.id, finding.reason);
            assert!(!finding.evidence.is_empty(), "{} proves nothing", control.id);
        }
    }

    #[test]
    fn a_blind_snapshot_passes_nothing_and_every_finding_names_what_is_missing() {
        for control in CHECKLIST {
            let finding = Finding::of(control, &Snapshot::blind(), &Settings::default());
            assert_eq!(finding.status, Status::Unknown, "{}", control.id);
            assert!(finding.reason.contains("was denied (AccessDenied)"), "{}: {}", control.id, finding.reason);
        }
    }

    #[test]
    fn a_control_reads_the_sources_that_it_names_and_no_other() {
        for control in CHECKLIST {
            let evaluate = |snapshot: &Snapshot| Finding::of(control, snapshot, &Settings::default());
            let (mut snapshot, seen) = (Snapshot::compliant(), evaluate(&Snapshot::compliant()));
            for source in Source::ALL.iter().filter(|source| !control.sources.contains(source)) {
                snapshot.blind_to(*source);
                let (status, reason) = (evaluate(&snapshot).status, evaluate(&snapshot).reason);
                assert_eq!((status, &reason), (seen.status, &seen.reason), "{} reads {source}", control.id);
            }
        }
    }

    #[test]
    fn what_others_call_a_control_is_said_once_and_looks_like_theirs() {
        let mut seen = HashSet::new();
        for (control, (framework, name)) in
            CHECKLIST.iter().flat_map(|control| control.mappings.iter().map(move |mapping| (control, mapping)))
        {
            let id = control.id;
            assert!(seen.insert((id, *framework, *name)), "{id}: {framework} {name} twice");
            let fits = match framework {
                Framework::Cis3 | Framework::Cis5 | Framework::Cis6 | Framework::Cis7 => {
                    name.split('.').count() >= 2 && name.split('.').all(|part| part.parse::<u8>().is_ok())
                }
                Framework::SecurityHub => name
                    .split_once('.')
                    .is_some_and(|(service, number)| !service.is_empty() && number.parse::<u8>().is_ok()),
                Framework::Config => {
                    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                }
                Framework::Prowler => {
                    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                }
            };
            assert!(fits, "{id}: {framework} {name}");
            assert!(!control.references.iter().any(|reference| reference.url == framework.url(name)), "{id}: twice");
        }
    }

    /// Ids that people have in settings, exceptions and reports.
    const PUBLIC: &[&str] = &[
        "root-access-keys",
        "root-signing-certificates",
        "root-mfa",
        "individual-iam-users",
        "root-unused",
        "administrator-access",
        "groups-assign-permissions",
        "password-policy",
        "alert-path",
        "root-use-recorded",
        "root-hardware-mfa",
        "root-password-age",
        "user-mfa",
        "access-key-rotation",
        "unused-credentials",
        "least-privilege",
        "role-trust",
        "cloudtrail-trail",
        "cloudtrail-validation",
        "cloudtrail-bucket",
        "billing-reports",
        "billing-alerts",
        "unneeded-regions",
        "contact-information",
        "security-contact",
        "organization",
        "root-guardrail",
        "access-analyzer",
        "federation",
        "support-role",
        "root-credentials-attested",
    ];

    #[test]
    fn ids_are_public_names_that_do_not_change() {
        let ids: Vec<&str> = CHECKLIST.iter().map(|control| control.id).collect();
        // A new control is not listed: what matters is that none of these goes, or gets another name.
        let public = ids.iter().filter(|id| PUBLIC.contains(id)).copied().collect::<Vec<_>>();
        assert_eq!(public, PUBLIC);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        for id in ids {
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
            assert!(control(id).is_some());
        }
    }

    #[test]
    fn an_id_of_an_earlier_version_still_names_its_control_and_is_no_id_of_today() {
        for (before, now) in crate::renamed::RENAMED {
            assert_eq!(control(before).map(|control| control.id), Some(now));
            assert!(CHECKLIST.iter().all(|control| control.id != before), "{before}");
        }
    }

    #[test]
    fn controls_stand_in_the_order_of_the_steps_and_the_account_baseline_after_them() {
        assert!(CHECKLIST.is_sorted_by_key(|control| (control.step.is_none(), control.step)));
    }

    #[test]
    fn every_text_is_there_and_fit_for_its_place() {
        for control in CHECKLIST {
            let id = control.id;
            assert!(!control.title.ends_with('.') && !control.title.starts_with("Ensure"), "{id}");
            assert!((5..=50).contains(&control.violation.len()), "{id}: {}", control.violation);
            assert!(control.rationale.ends_with('.') && control.semantics.ends_with('.'), "{id}");
            assert!(!control.remediation.console.is_empty() && !control.remediation.cli.is_empty(), "{id}");
            assert!(control.remediation.console.iter().all(|step| step.ends_with('.')), "{id}");
            assert!(!control.references.is_empty() && !control.sources.is_empty(), "{id}");
            assert!(control.references.iter().all(|reference| reference.url.starts_with("https://")), "{id}");
        }
    }

    /// Statements of identities' policies, of trust policies and of service control policies.
    const ALLOWS: [&str; 6] = [
        r#""NotAction": ["iam:*", "organizations:*"], "Resource": "*""#,
        r#""Action": "iam:*", "Resource": "*""#,
        r#""Action": "*", "NotResource": "arn:aws:iam::*:*""#,
        r#""Action": "*", "Resource": "arn:aws:iam::*:*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#,
        r#""Action": "s3:GetObject", "Resource": "*", "WhatIsNew": 1"#,
        r#""Action": "*", "Resource": "*""#,
    ];
    const TRUSTED: [&str; 6] = [
        r#""Principal": "*", "Action": "sts:AssumeRole""#,
        r#""Principal": "*", "Action": "sts:AssumeRole", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1234567890"}}"#,
        r#""Principal": "*", "Action": "sts:*", "Condition": {"StringEquals": {"aws:WhatIsNew": "x"}}"#,
        r#""Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "NotAction": "sts:TagSession""#,
        r#""Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/gitlab.com"}, "Action": "*""#,
        r#""Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole""#,
    ];
    const GUARDED: [&str; 5] = [
        r#""Action": "*", "Resource": "*""#,
        r#""NotAction": "s3:*", "Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
        r#""Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:ViaAWSService": "false"}}"#,
        r#""Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalType": "Root"}}"#,
        r#""Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#,
    ];

    /// Statements by their number in a list, and whether they allow.
    type Statements = Vec<(usize, bool)>;

    fn document(list: &[&str], statements: &Statements) -> String {
        let all = statements.iter().map(|(number, allows)| {
            let effect = if *allows { "Allow" } else { "Deny" };
            format!(r#"{{"Effect": "{effect}", {}}}"#, list[number % list.len()])
        });
        format!(r#"{{"Statement": [{}]}}"#, all.collect::<Vec<_>>().join(", "))
    }

    /// A member in which alice may do nothing and one role holds and trusts what these say; its root is guarded by the last.
    fn member(held: &Statements, trusted: &Statements, guarded: &Statements) -> Snapshot {
        let mut snapshot = Snapshot::compliant();
        let account = snapshot.account.id.clone();
        *snapshot.administrators_mut() = Default::default();
        let role = &mut snapshot.roles_and_policies.as_mut().unwrap().roles[0];
        let grants = Grants::of_encoded(&document(&ALLOWS, held), &account);
        role.inline_policies.push(InlinePolicy { name: "held".into(), grants });
        role.trust = Trust::of_encoded(&document(&TRUSTED, trusted), &account);
        let organization = snapshot.organization.as_mut().unwrap().as_mut().unwrap();
        organization.management_account = AccountId::parse("999988887777").unwrap();
        let denials = Denials::of(&document(&GUARDED, guarded), "arn:aws:iam::111122223333:root");
        snapshot.service_control_policies = Ok(Some(vec![ServiceControlPolicy { name: "guard".into(), denials }]));
        snapshot
    }

    proptest! {
        #[test]
        fn a_further_allow_clears_nothing_and_a_further_deny_condemns_nothing(
            lists in prop::array::uniform3(prop::collection::vec((0usize..30, any::<bool>()), 0..4)),
            further in prop::array::uniform3(0usize..30),
        ) {
            let evaluated = |allows: Option<bool>| {
                let mut lists = lists.clone();
                if let Some(allows) = allows {
                    lists.iter_mut().zip(further).for_each(|(list, number)| list.push((number, allows)));
                }
                let snapshot = member(&lists[0], &lists[1], &lists[2]);
                move |control: &Control| Finding::of(control, &snapshot, &Settings::default()).status
            };
            let (before, with_allow, with_deny) = (evaluated(None), evaluated(Some(true)), evaluated(Some(false)));
            for control in CHECKLIST {
                let clears = before(control) == Status::Failed && with_allow(control) == Status::Passed;
                // Whoever is allowed more may be the administrator who was missing.
                prop_assert!(!clears || control.id == administrator_access::CONTROL.id, "{} by an Allow", control.id);
                let condemns = before(control) == Status::Passed && with_deny(control) == Status::Failed;
                prop_assert!(!condemns, "{} by a Deny", control.id);
            }
        }
    }
}
