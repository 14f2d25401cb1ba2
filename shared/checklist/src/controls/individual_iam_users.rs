use facts::federation::SamlProvider;
use facts::policy_document::is_of_programs;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Evidence, Status, Verdict};

use super::people::IDENTITY_CENTER_ROLE;
use crate::control::{Control, Reference, Remediation, Step, no_user};
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "individual-iam-users",
    title: "People have their own identities: federation or IAM users",
    violation: "only root can sign in",
    step: Some(Step::IndividualUsers),
    severity: Severity::Medium,
    rationale: "Without other identities, root does the daily work: nothing limits it, and no log shows which person \
                it was.",
    semantics: "Passes with an IAM user that has a password, a SAML provider with valid metadata that a role trusts, \
                or a role of IAM Identity Center. Fails with none of them. A user without a password is a program, and \
                so are tokens of GitHub and other CI systems. Unknown when people may sign in through another OpenID \
                Connect provider or a role that another account can assume: AWS does not show whether they do.",
    remediation: Remediation {
        console: &[
            "Best: enable IAM Identity Center, create a user for each person and assign a permission set.",
            "Or, for a single account: IAM > Users > Create user, with console access, one for each person. Add them \
             to a group.",
            "Require MFA for each of them.",
        ],
        cli: &[
            "aws iam create-user --user-name <person>",
            "aws iam add-user-to-group --user-name <person> --group-name <group>",
        ],
    },
    sources: &[
        Source::Identities,
        Source::AccountSummary,
        Source::Administrators,
        Source::RolesAndPolicies,
        Source::IdentityProviders,
        Source::CredentialReport,
    ],
    user_of: no_user,
    mappings: &[],
    references: &[
        Reference {
            name: "AWS: Security best practices in IAM, require human users to use federation",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        },
        Reference {
            name: "AWS: Security best practices for the root user",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let mut evidence = Vec::new();
    let mut is_open = false;
    let mut unknown: Option<String> = None;
    let mut look = |way: Result<(Evidence, bool), String>| match way {
        Ok((fact, opens)) => {
            is_open |= opens;
            evidence.push(fact);
        }
        Err(reason) => drop(unknown.get_or_insert(reason)),
    };
    look(with_password(snapshot));
    let roles = snapshot.roles_and_policies.as_ref();
    match &snapshot.identity_providers {
        Ok(providers) => {
            let is_valid =
                |provider: &&SamlProvider| provider.valid_until.is_none_or(|until| until > snapshot.taken_at);
            let valid = providers.saml.iter().filter(is_valid).count();

            let fact = snapshot.evidence(Source::IdentityProviders, "SAML providers with valid metadata", valid);
            // Nobody signs in by a provider that no role trusts.
            let is_trusted = roles.map(|found| found.roles.iter().any(|role| role.trust.assumers.federated));
            look(match is_trusted {
                _ if valid == 0 => Ok((fact, false)),
                Ok(is_trusted) => Ok((fact, is_trusted)),
                Err(unavailable) => Err(unavailable.to_string()),
            });
            let others = providers.open_id_connect.iter().filter(|host| !is_of_programs(host)).count();
            let counted = snapshot.evidence(
                Source::IdentityProviders,
                "OpenID Connect providers",
                providers.open_id_connect.len(),
            );
            look(Ok((counted, false)));
            if others > 0 {
                look(Err("AWS does not show whether people or programs sign in through an OpenID Connect provider"
                    .to_owned()));
            }
        }
        // The counter knows that there are none.
        Err(unavailable) => match snapshot.summary().and_then(|summary| summary.identity_providers.clone()) {
            Ok(0) => look(Ok((snapshot.evidence(Source::AccountSummary, "Providers", 0), false))),
            _ => look(Err(unavailable.to_string())),
        },
    }
    let administrators = snapshot.administrators.as_ref().map(|found| found.roles.iter().map(String::as_str).collect());
    let listed = roles.map(|found| found.roles.iter().map(|role| role.name.as_str()).collect());
    for (source, names) in [(Source::Administrators, administrators), (Source::RolesAndPolicies, listed)] {
        let of_identity_center = |names: Vec<&str>| {
            let count = names.iter().filter(|name| name.starts_with(IDENTITY_CENTER_ROLE)).count();
            (snapshot.evidence(source, "IAM Identity Center roles", count), count > 0)
        };
        look(names.map(of_identity_center).map_err(ToString::to_string));
    }
    let mut assumers = roles.iter().flat_map(|found| &found.roles).map(|role| &role.trust.assumers);
    if assumers.any(|assumers| assumers.people || assumers.unclear) {
        let reason = "No IAM user has a password and no role trusts a valid SAML provider; AWS does not show whether people or programs assume the roles that trust another account or a provider";
        look(Err(reason.to_owned()));
    }
    Ok(match unknown {
        _ if is_open => Verdict::new(Status::Passed, "People can sign in without root", evidence),
        Some(reason) => Verdict::new(Status::Unknown, reason, evidence),
        None => {
            let reason = "No IAM user has a password, and there is no valid SAML provider that a role trusts and no IAM Identity Center role: only root and \
                          programs can sign in";
            Verdict::new(Status::Failed, reason, evidence)
        }
    })
}

/// How many IAM users have a password, and whether any has; the credential report may be older than a user.
fn with_password(snapshot: &Snapshot) -> Result<(Evidence, bool), String> {
    let listed = snapshot.identities.as_ref().map(|identities| identities.users.len());
    let counted = snapshot.summary().and_then(|summary| summary.users.clone());
    if matches!(listed, Ok(0)) && !matches!(counted, Ok(1..)) {
        return Ok((snapshot.evidence(Source::Identities, "IAM users", 0), false));
    }
    let report = match snapshot.fresh_credential_report() {
        Ok(report) => report,
        Err(_) if listed.is_err() && counted == Ok(0) => {
            return Ok((snapshot.evidence(Source::AccountSummary, "Users", 0), false));
        }
        Err(unavailable) => return Err(unavailable.to_string()),
    };
    let has = |password: bool| report.users.iter().filter(|row| row.password_enabled == Ok(password)).count();
    let (with, without) = (has(true), has(false));
    let users = listed.ok().max(counted.ok().map(|count| count as usize)).unwrap_or_default();
    if with == 0 && (without < report.users.len() || report.users.len() < users) {
        return Err("The credential report does not show for every IAM user whether it has a password".to_owned());
    }
    Ok((snapshot.report_evidence("IAM users with a password", with), with > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::credential_report::UnreadableCell;
    use facts::federation::IdentityProviders;
    use facts::identities::Role;
    use facts::policy_document::Trust;
    use facts::testing::unavailable;

    fn nobody(snapshot: &mut Snapshot) {
        snapshot.users_mut().clear();
        snapshot.report_users().clear();
        snapshot.summary_mut().users = Ok(0);
        snapshot.summary_mut().identity_providers = Ok(0);
        snapshot.identity_providers = Ok(IdentityProviders::default());
        snapshot.administrators_mut().roles = vec!["Admin".into()];
    }

    fn status(change: impl FnOnce(&mut Snapshot)) -> Status {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            nobody(snapshot);
            change(snapshot);
        });
        verdict.status
    }

    fn role(snapshot: &mut Snapshot) -> &mut Role {
        snapshot.roles_and_policies.as_mut().unwrap().roles.first_mut().unwrap()
    }

    /// A user who is in the credential report too.
    fn user(snapshot: &mut Snapshot, has_password: bool) {
        let compliant = Snapshot::compliant();
        snapshot.identities = compliant.identities;
        snapshot.summary_mut().users = Ok(1);
        snapshot.credential_report = compliant.credential_report;
        snapshot.report_users()[0].password_enabled = Ok(has_password);
    }

    /// A SAML provider that a role trusts.
    fn saml(snapshot: &mut Snapshot, valid_until: Option<jiff::Timestamp>) {
        role(snapshot).trust = Trust::naming(r#"{"Federated": "arn:aws:iam::111122223333:saml-provider/acme"}"#);
        let saml = SamlProvider { name: "acme".into(), valid_until };
        snapshot.identity_providers.as_mut().unwrap().saml.push(saml);
    }

    #[test]
    fn a_saml_provider_that_has_expired_or_that_no_role_trusts_does_not_count() {
        let expired: fn(&mut Snapshot) = |snapshot| {
            let taken_at = snapshot.taken_at;
            saml(snapshot, Some(taken_at));
            role(snapshot).trust = Trust::naming(r#"{"Service": "lambda.amazonaws.com"}"#);
        };
        let untrusted: fn(&mut Snapshot) = |snapshot| {
            saml(snapshot, None);
            role(snapshot).trust = Trust::naming(r#"{"Service": "lambda.amazonaws.com"}"#);
        };
        assert_eq!([status(expired), status(untrusted)], [Status::Failed; 2]);
        let unread: fn(&mut Snapshot) = |snapshot| {
            saml(snapshot, None);
            snapshot.roles_and_policies = Err(unavailable(Source::RolesAndPolicies));
        };
        assert_eq!(status(unread), Status::Unknown);
    }

    #[test]
    fn an_iam_user_passes() {
        assert_eq!(verdict_of(&CONTROL, |_| {}).status, Status::Passed);
    }

    #[test]
    fn root_alone_fails_and_neither_a_program_nor_a_pipeline_is_a_person() {
        let nobodies: [fn(&mut Snapshot); 4] = [
            |_| {},
            |snapshot| user(snapshot, false),
            |snapshot| {
                let github = "token.actions.githubusercontent.com".to_owned();
                role(snapshot).trust =
                    Trust::naming(&format!(r#"{{"Federated": "arn:aws:iam::1:oidc-provider/{github}"}}"#));
                snapshot.identity_providers.as_mut().unwrap().open_id_connect.push(github);
            },
            |snapshot| role(snapshot).trust = Trust::naming(r#"{"Service": "lambda.amazonaws.com"}"#),
        ];
        for nobody in nobodies {
            assert_eq!(status(nobody), Status::Failed);
        }
    }

    #[test]
    fn each_way_in_passes() {
        let ways: [fn(&mut Snapshot); 4] = [
            |snapshot| user(snapshot, true),
            |snapshot| saml(snapshot, None),
            |snapshot| snapshot.administrators_mut().roles = vec!["AWSReservedSSO_Admin_0123456789abcdef".into()],
            |snapshot| role(snapshot).name = "AWSReservedSSO_ReadOnly_0123456789abcdef".into(),
        ];
        for way in ways {
            assert_eq!(status(way), Status::Passed);
        }
    }

    #[test]
    fn a_way_in_by_which_programs_may_come_is_unknown() {
        let ways: [fn(&mut Snapshot); 2] = [
            |snapshot| {
                let other = "login.example.com".to_owned();
                snapshot.identity_providers.as_mut().unwrap().open_id_connect.push(other);
            },
            |snapshot| role(snapshot).trust = Trust::naming(r#"{"AWS": "999988887777"}"#),
        ];
        for way in ways {
            assert_eq!(status(way), Status::Unknown);
        }
    }

    #[test]
    fn a_way_in_that_could_not_be_read_is_unknown_and_not_a_failure() {
        let blinds: [fn(&mut Snapshot); 6] = [
            |snapshot| {
                user(snapshot, true);
                snapshot.credential_report = Err(unavailable(Source::CredentialReport));
            },
            |snapshot| {
                user(snapshot, true);
                snapshot.report_users().clear();
            },
            |snapshot| {
                user(snapshot, false);
                snapshot.report_users()[0].password_enabled =
                    Err(UnreadableCell { column: "password_enabled", found: None });
            },
            |snapshot| {
                snapshot.identity_providers = Err(unavailable(Source::IdentityProviders));
                snapshot.account_summary = Err(unavailable(Source::AccountSummary));
            },
            |snapshot| snapshot.administrators = Err(unavailable(Source::Administrators)),
            |snapshot| snapshot.roles_and_policies = Err(unavailable(Source::RolesAndPolicies)),
        ];
        for (number, blind) in blinds.into_iter().enumerate() {
            assert_eq!(status(blind), Status::Unknown, "{number}");
        }
    }

    #[test]
    fn counters_stand_in_for_lists_that_could_not_be_read() {
        let verdict = status(|snapshot| {
            snapshot.identities = Err(unavailable(Source::Identities));
            snapshot.identity_providers = Err(unavailable(Source::IdentityProviders));
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(verdict, Status::Failed, "there is no user and no provider");
    }
}
