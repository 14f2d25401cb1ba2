use facts::federation::IdentityCenterInstance;
use facts::policy_document::is_of_programs;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Cause, Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::named::named;
use super::people::IDENTITY_CENTER_ROLE;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "federation",
    title: "People sign in through an identity provider",
    violation: "people do not use an identity provider",
    step: None,
    severity: Severity::Low,
    rationale: "With one place for all identities, a person who leaves loses all access at once, and there are no \
                passwords or keys of IAM users that never expire.",
    semantics: "Passes with a SAML provider in IAM, an organization instance of IAM Identity Center, or one of its \
                roles (`AWSReservedSSO_`). Fails with none of them, and when the metadata of a SAML provider has \
                expired. An account instance of IAM Identity Center does not give access to AWS accounts and does not \
                count. Nor does an OpenID Connect provider for programs, such as GitHub's or that of an EKS cluster. \
                With only another OpenID Connect provider the control is unknown: AWS does not show whether people or \
                programs sign in with it. Whether people use what is set up is not visible.",
    remediation: Remediation {
        console: &[
            "Best: in the management account of the organization open IAM Identity Center > Enable, and assign people \
             to accounts.",
            "For a single account: IAM > Identity providers > Add provider, with the metadata of your identity \
             provider. Then create a role that trusts it.",
            "Expired metadata: get the new document from the identity provider, then IAM > Identity providers > \
             [provider] > Replace metadata.",
        ],
        cli: &[
            "aws iam create-saml-provider --name <name> --saml-metadata-document file://metadata.xml",
            "aws iam update-saml-provider --saml-provider-arn <arn> --saml-metadata-document file://metadata.xml",
        ],
    },
    sources: &[Source::IdentityProviders, Source::IdentityCenter, Source::Organization, Source::RolesAndPolicies],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.21"),
        (Framework::Cis5, "1.20"),
        (Framework::Cis6, "2.20"),
        (Framework::Cis7, "2.19"),
        (Framework::Prowler, "iam_check_saml_providers_sts"),
    ],
    references: &[
        Reference {
            name: "AWS: Identity providers and federation",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers.html",
        },
        Reference {
            name: "AWS: Account instances of IAM Identity Center",
            url: "https://docs.aws.amazon.com/singlesignon/latest/userguide/account-instances-identity-center.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    // Without the providers it is unknown whether the metadata of one has expired: no other source can make up for them.
    let providers = snapshot.identity_providers.as_ref().map_err(Clone::clone)?;
    let (saml, open_id_connect) = (&providers.saml, &providers.open_id_connect);
    let mut evidence = vec![
        snapshot.evidence(Source::IdentityProviders, "SAML providers", saml.len()),
        snapshot.evidence(Source::IdentityProviders, "OpenID Connect providers", open_id_connect.len()),
    ];
    let expired: Vec<_> = saml
        .iter()
        .filter_map(|provider| Some((&provider.name, provider.valid_until.filter(|at| *at <= snapshot.taken_at)?)))
        .collect();
    if !expired.is_empty() {
        let names: Vec<String> = expired.iter().map(|(name, _)| (*name).clone()).collect();
        let reason = format!("SAML metadata has expired: {}", names.join(", "));
        let shown = expired.into_iter().map(|(name, at)| {
            snapshot.evidence(Source::IdentityProviders, name.as_str(), format!("metadata expired at {at}"))
        });
        evidence.extend(named(shown.collect(), "further SAML providers"));
        return Ok(Verdict::new(Status::Failed, reason, evidence).naming(names));
    }

    let hosts = open_id_connect.iter();
    let hosts =
        hosts.map(|host| snapshot.evidence(Source::IdentityProviders, host.as_str(), "OpenID Connect provider"));
    evidence.extend(named(hosts.collect(), "further OpenID Connect providers"));
    let mut is_open = !saml.is_empty();
    let mut unread = None;
    match &snapshot.roles_and_policies {
        Ok(found) => {
            let roles = found.roles.iter().filter(|role| role.name.starts_with(IDENTITY_CENTER_ROLE)).count();
            is_open |= roles > 0;
            evidence.push(snapshot.evidence(Source::RolesAndPolicies, "IAM Identity Center roles", roles));
        }
        Err(unavailable) => unread = Some(unavailable.clone()),
    }
    match &snapshot.identity_center {
        Ok(instances) => {
            evidence.push(snapshot.evidence(Source::IdentityCenter, "IAM Identity Center instances", instances.len()));
            for instance in instances {
                let value = match gives_access(snapshot, instance) {
                    Ok(true) => {
                        is_open = true;
                        "organization instance"
                    }
                    Ok(false) => "account instance, gives no access to AWS accounts",
                    Err(unavailable) => {
                        unread = Some(unavailable);
                        "organization or account instance (unknown)"
                    }
                };
                evidence.push(snapshot.evidence(Source::IdentityCenter, instance.arn.as_str(), value));
            }
        }
        Err(unavailable) => unread = Some(unavailable.clone()),
    }
    Ok(match (is_open, unread) {
        (true, _) => Verdict::new(Status::Passed, "People can sign in through an identity provider", evidence),
        (false, _) if !open_id_connect.iter().all(|host| is_of_programs(host)) => Verdict::new(
            Status::Unknown,
            "There is an OpenID Connect provider; AWS does not show whether people or programs sign in with it",
            evidence,
        ),
        (false, Some(unavailable)) => Verdict { evidence, ..unavailable.into() },
        (false, None) => Verdict::new(
            Status::Failed,
            "There is no identity provider that people can sign in with, and no IAM Identity Center with access to the account",
            evidence,
        ),
    })
}

/// Whether it is an organization's instance. This account's own is one only where the account manages the organization.
fn gives_access(snapshot: &Snapshot, instance: &IdentityCenterInstance) -> Result<bool, Unavailable> {
    match &instance.owner {
        Some(owner) if owner == snapshot.account.id.as_str() => {
            let organization = snapshot.organization.as_ref().map_err(Clone::clone)?;
            Ok(organization.as_ref().is_some_and(|organization| organization.is_managed_by(&snapshot.account)))
        }
        Some(_) => Ok(true),
        None => Err(Unavailable {
            source: Source::IdentityCenter,
            operation: "sso:ListInstances".into(),
            cause: Cause::Malformed { detail: "an instance without an owner".into() },
        }),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::account::AccountId;
    use facts::federation::SamlProvider;
    use facts::identities::Role;
    use facts::policy_document::Trust;
    use facts::testing::unavailable;

    fn nothing(snapshot: &mut Snapshot) {
        snapshot.identity_providers.as_mut().unwrap().saml.clear();
    }

    fn saml(snapshot: &mut Snapshot) -> &mut SamlProvider {
        &mut snapshot.identity_providers.as_mut().unwrap().saml[0]
    }

    fn role(snapshot: &mut Snapshot, name: &str) {
        let role = Role {
            name: name.into(),
            trust: Trust::own_account(),
            attached_policies: Vec::new(),
            inline_policies: Vec::new(),
        };
        snapshot.roles_and_policies.as_mut().unwrap().roles.push(role);
    }

    fn instance(snapshot: &mut Snapshot, owner: Option<&str>) {
        let arn = "arn:aws:sso:::instance/ssoins-0123456789abcdef".into();
        snapshot.identity_center = Ok(vec![IdentityCenterInstance { arn, owner: owner.map(str::to_owned) }]);
    }

    fn managed_by_another(snapshot: &mut Snapshot) {
        let organization = snapshot.organization.as_mut().unwrap().as_mut().unwrap();
        organization.management_account = AccountId::parse("999988887777").unwrap();
    }

    /// Judges an account that has nothing but what `add` gives it.
    fn only(add: impl FnOnce(&mut Snapshot)) -> Verdict {
        verdict_of(&CONTROL, |snapshot| {
            nothing(snapshot);
            add(snapshot);
        })
    }

    #[test]
    fn each_way_in_passes() {
        assert_eq!(verdict_of(&CONTROL, |_| {}).status, Status::Passed);
        let ways: [fn(&mut Snapshot); 4] = [
            |snapshot| role(snapshot, "AWSReservedSSO_Admin_0123456789abcdef"),
            |snapshot| instance(snapshot, Some("111122223333")),
            |snapshot| instance(snapshot, Some("999988887777")),
            |snapshot| {
                managed_by_another(snapshot);
                instance(snapshot, Some("999988887777"));
            },
        ];
        for way in ways {
            let verdict = only(way);
            assert_eq!(verdict.status, Status::Passed, "{:?}", verdict.evidence);
        }
    }

    #[test]
    fn a_provider_of_programs_does_not_count_and_another_one_is_unknown() {
        let with = |host: &'static str| {
            move |snapshot: &mut Snapshot| {
                snapshot.identity_providers.as_mut().unwrap().open_id_connect.push(host.to_owned());
            }
        };
        for programs in ["token.actions.githubusercontent.com", "oidc.eks.eu-west-1.amazonaws.com/id/0123"] {
            let verdict = only(with(programs));
            assert_eq!(verdict.status, Status::Failed, "{programs}");
            let shown = (verdict.evidence[2].fact.as_str(), verdict.evidence[2].value.as_str());
            assert_eq!(shown, (programs, "OpenID Connect provider"));
        }
        let verdict = only(with("login.example.com"));
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.ends_with("whether people or programs sign in with it"), "{}", verdict.reason);
        let verdict = verdict_of(&CONTROL, with("login.example.com"));
        assert_eq!(verdict.reason, "People can sign in through an identity provider");
    }

    #[test]
    fn nothing_fails_and_other_roles_do_not_help() {
        assert_eq!(only(|_| {}).status, Status::Failed);
        assert_eq!(only(|snapshot| role(snapshot, "MyAWSReservedSSO_Admin")).status, Status::Failed);
    }

    #[test]
    fn an_account_instance_is_shown_and_does_not_count() {
        let alone: fn(&mut Snapshot) = |snapshot| snapshot.organization = Ok(None);
        for place in [managed_by_another, alone] {
            let verdict = only(|snapshot| {
                place(snapshot);
                instance(snapshot, Some("111122223333"));
            });
            assert_eq!(verdict.status, Status::Failed);
            let shown = verdict.evidence.last().unwrap();
            assert!(shown.value.starts_with("account instance"), "{}", shown.value);
        }
    }

    #[test]
    fn expired_metadata_fails_by_name_whatever_else_there_is() {
        let at = |seconds: i64| {
            verdict_of(&CONTROL, |snapshot| {
                let until = snapshot.taken_at - SignedDuration::from_secs(seconds);
                saml(snapshot).valid_until = Some(until);
                instance(snapshot, Some("999988887777"));
                snapshot.roles_and_policies = Err(unavailable(Source::RolesAndPolicies));
            })
        };
        assert_eq!(at(-1).status, Status::Passed);
        assert_eq!((at(0).status, at(0).resources), (Status::Failed, vec!["acme".to_owned()]));
        assert_eq!(at(0).evidence[2].value, "metadata expired at 2026-11-20T10:00:00Z");
        let forever = verdict_of(&CONTROL, |snapshot| saml(snapshot).valid_until = None);
        assert_eq!(forever.status, Status::Passed);
    }

    #[test]
    fn what_could_not_be_read_is_unknown_unless_a_way_in_was_seen() {
        let blinds: [fn(&mut Snapshot); 4] = [
            |snapshot| snapshot.roles_and_policies = Err(unavailable(Source::RolesAndPolicies)),
            |snapshot| snapshot.identity_center = Err(unavailable(Source::IdentityCenter)),
            |snapshot| instance(snapshot, None),
            |snapshot| {
                instance(snapshot, Some("111122223333"));
                snapshot.organization = Err(unavailable(Source::Organization));
            },
        ];
        for blind in blinds {
            let verdict = only(blind);
            assert_eq!(verdict.status, Status::Unknown, "{:?}", verdict.evidence);
            assert_eq!(verdict_of(&CONTROL, blind).status, Status::Passed);
        }
        let providers = verdict_of(&CONTROL, |snapshot| {
            snapshot.identity_providers = Err(unavailable(Source::IdentityProviders));
            instance(snapshot, Some("999988887777"));
        });
        assert_eq!(providers.status, Status::Unknown, "metadata may have expired");
    }
}
