use facts::organization::{CentralRootAccess, Organization, ServiceControlPolicy};
use facts::policy_document::{Denial, Denials};
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Evidence, Status, Verdict};

use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

/// How a member account comes to see what its organization does about root.
const HOW_TO_SEE: &str = "To make it visible, run rootwatch in the management account too, or add a delegation policy in AWS Organizations that allows this account organizations:ListPoliciesForTarget, organizations:ListParents and organizations:DescribePolicy. Or delete root's credentials centrally";

pub(super) const CONTROL: Control = Control {
    id: "root-guardrail",
    title: "The organization restricts root in its member accounts",
    violation: "the organization does not restrict root",
    step: None,
    severity: Severity::Medium,
    rationale: "No policy inside an account limits its own root user. The organization can: a service control policy \
                (SCP) can deny root everything in a member account, and root's credentials can be deleted centrally, \
                so that there is nothing to steal.",
    semantics: "A member account passes when root has no credentials, or when the SCPs in force together deny root \
                everything. Exemptions for other principals, for calls by AWS services and for centralized root \
                sessions do not matter. Nor does it matter that root may still unlock a bucket or a queue through its \
                resource policy, as in AWS's sample; the reason then says so. A member account fails when root has \
                credentials and the SCPs in force are visible and do not deny root everything, or when the \
                organization has consolidated billing only, which has no SCPs. It is unknown when the result depends \
                on a condition that cannot be evaluated here, and when AWS does not show the SCPs: it shows them only \
                to the management account and to accounts it delegates to. SCPs never bind the management account: \
                there, only `RootCredentialsManagement` (centralized root credentials management) is evaluated, and \
                the control fails when it is off. `RootSessions` is shown but not evaluated. Not applicable outside an \
                organization.",
    remediation: Remediation {
        console: &[
            "If the organization has consolidated billing only, enable all features first (see the control \
             organization).",
            "In the management account: IAM > Root access management > Enable. Choose Root credentials management and \
             Privileged root actions in member accounts.",
            "In the management account: IAM > Root access management > [member account] > Take privileged action > \
             Delete root user credentials.",
            "Or add an SCP: AWS Organizations > Policies > Service control policies. Deny * on * where \
             aws:PrincipalArn is arn:*:iam::*:root, and attach it to the organizational units. Exempt aws:AssumedRoot \
             (Null true), so that privileged root actions still work. In AWS Control Tower this is the control \
             AWS-GR_RESTRICT_ROOT_USER.",
        ],
        cli: &[
            "aws organizations enable-aws-service-access --service-principal iam.amazonaws.com   # in the management account",
            "aws iam enable-organizations-root-credentials-management",
            "aws iam enable-organizations-root-sessions",
            "aws organizations create-policy --type SERVICE_CONTROL_POLICY --name deny-root --description 'Denies root everything' \
             --content '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\
             \"Condition\":{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:*:iam::*:root\"},\"Null\":{\"aws:AssumedRoot\":\"true\"}}}]}'",
            "aws organizations attach-policy --policy-id <policy> --target-id <account or organizational unit>",
        ],
    },
    sources: &[Source::AccountSummary, Source::Organization, Source::CentralRootAccess, Source::ServiceControlPolicies],
    user_of: no_user,
    mappings: &[(Framework::Cis7, "2.1.1"), (Framework::Prowler, "iam_root_credentials_management_enabled")],
    references: &[
        Reference {
            name: "AWS: Centrally manage root access for member accounts",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-access-management.html",
        },
        Reference {
            name: "AWS: Service control policies",
            url: "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html",
        },
        Reference {
            name: "AWS: Delegated administrator for AWS Organizations (to see policies from a member account)",
            url: "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let Some(organization) = snapshot.organization.as_ref().map_err(Clone::clone)? else {
        let evidence = vec![snapshot.evidence(Source::Organization, "organization", "none")];
        return Ok(Verdict::new(Status::NotApplicable, "The account is not in an organization", evidence));
    };
    let is_managing = organization.is_managed_by(&snapshot.account);
    let part = if is_managing { "managed by this account" } else { "this account is a member" };
    let evidence = snapshot.evidence(Source::Organization, format!("organization {}", organization.id), part);
    if is_managing { managing(snapshot, evidence) } else { Ok(member(snapshot, organization, evidence)) }
}

fn managing(snapshot: &Snapshot, organization: Evidence) -> Result<Verdict, Unavailable> {
    let Some(central) = snapshot.central_root_access.as_ref().map_err(Clone::clone)? else {
        let reason = "AWS does not show whether root credentials of member accounts are managed centrally, although this is the management account";
        return Ok(Verdict::new(Status::Unknown, reason, vec![organization]));
    };
    let mut evidence = features(snapshot, *central);
    evidence.push(organization);
    Ok(if central.manages_credentials {
        Verdict::new(Status::Passed, "Root credentials of member accounts are managed centrally", evidence)
    } else {
        Verdict::new(Status::Failed, "Root credentials of member accounts are not managed centrally", evidence)
    })
}

fn member(snapshot: &Snapshot, organization: &Organization, part: Evidence) -> Verdict {
    let credentials = root_has_credentials(snapshot);
    let policies = snapshot.service_control_policies.as_ref().map(Option::as_deref);
    let mut evidence = Vec::new();
    if let Ok(has_credentials) = credentials {
        let value = if has_credentials { "present" } else { "none" };
        evidence.push(snapshot.evidence(Source::AccountSummary, "root credentials", value));
    }
    if let Ok(Some(central)) = snapshot.central_root_access {
        evidence.extend(features(snapshot, central));
    }
    evidence.push(part);
    if let Ok(Some(policies)) = policies {
        evidence.extend(in_force(snapshot, policies));
    }
    let denial = policies.map(|policies| {
        let policies = policies.iter().copied().flatten();
        Denials::together(policies.map(|policy| &policy.denials))
    });
    let unknown = |reason: String, evidence| Verdict::new(Status::Unknown, reason, evidence);
    if let Ok(denial @ (Denial::Everything | Denial::AllButUnlocking)) = denial {
        let policies: &[ServiceControlPolicy] = policies.ok().flatten().unwrap_or_default();
        let by_itself = policies.iter().find(|policy| Denials::together([&policy.denials]) >= denial);
        let by = by_itself.map_or("The service control policies together deny".to_owned(), |policy| {
            format!("The service control policy {} denies", policy.name)
        });
        let but =
            if denial == Denial::Everything { "" } else { " except unlocking a bucket or a queue through its policy" };
        return Verdict::new(Status::Passed, format!("{by} root everything{but}"), evidence);
    }
    match (credentials, policies) {
        (Ok(false), _) => Verdict::new(Status::Passed, "Root has no credentials", evidence),
        (Ok(true), _) if !organization.has_all_features => {
            let reason = "Root has credentials, and the organization has consolidated billing only: until all features are enabled, it can neither restrict root nor delete root's credentials";
            Verdict::new(Status::Failed, reason, evidence)
        }
        (Err(unavailable), _) | (_, Err(unavailable)) => unknown(unavailable.to_string(), evidence),
        (Ok(true), Ok(None)) => {
            let reason =
                "Root has credentials, and AWS does not show this account which service control policies bind it";
            unknown(format!("{reason}. {HOW_TO_SEE}"), evidence)
        }
        (Ok(true), Ok(Some(policies))) => match denial {
            Ok(Denial::Nothing) => {
                let reason = "Root has credentials, and no service control policy in force denies root everything";
                Verdict::new(Status::Failed, reason, evidence)
            }
            Ok(Denial::Unreadable) => {
                let name = named_as(policies, Denial::Unreadable);
                unknown(format!("The service control policy {name} cannot be read"), evidence)
            }
            _ => {
                let name = named_as(policies, Denial::Unclear);
                let reason = format!(
                    "Root has credentials; whether the service control policy {name} denies root everything depends on a condition that cannot be evaluated here"
                );
                unknown(reason, evidence)
            }
        },
    }
}

/// The name of the first policy that is so by itself.
fn named_as(policies: &[ServiceControlPolicy], denial: Denial) -> &str {
    let found = policies.iter().find(|policy| Denials::together([&policy.denials]) == denial);
    found.map_or("in force", |policy| policy.name.as_str())
}

/// One counter above 0 is enough to know; that there are none needs all three.
fn root_has_credentials(snapshot: &Snapshot) -> Result<bool, &Unavailable> {
    let summary = snapshot.account_summary.as_ref()?;
    let counters = [&summary.root_password, &summary.root_access_keys, &summary.root_signing_certificates];
    if counters.iter().any(|counter| counter.as_ref().is_ok_and(|count| *count > 0)) {
        return Ok(true);
    }
    for counter in counters {
        counter.as_ref()?;
    }
    Ok(false)
}

fn features(snapshot: &Snapshot, central: CentralRootAccess) -> Vec<Evidence> {
    let shown = |fact: &str, is_on: bool| {
        snapshot.evidence(Source::CentralRootAccess, fact, if is_on { "enabled" } else { "NOT enabled" })
    };
    vec![shown("RootCredentialsManagement", central.manages_credentials), shown("RootSessions", central.opens_sessions)]
}

fn in_force(snapshot: &Snapshot, policies: &[ServiceControlPolicy]) -> Vec<Evidence> {
    let denial = |policy: &ServiceControlPolicy| Denials::together([&policy.denials]);
    let mut policies: Vec<(Denial, &str)> =
        policies.iter().map(|policy| (denial(policy), policy.name.as_str())).collect();
    policies.sort_by_key(|(denial, _)| std::cmp::Reverse(*denial));
    if policies.is_empty() {
        return vec![snapshot.evidence(Source::ServiceControlPolicies, "service control policies", "none")];
    }
    let shown = policies.iter().map(|(denial, name)| {
        let value = match denial {
            Denial::Everything => "denies root everything",
            Denial::AllButUnlocking => "denies root everything except unlocking a bucket or a queue through its policy",
            Denial::Unclear => "denies root everything under a condition that cannot be evaluated here",
            Denial::Unreadable => "its document cannot be read",
            Denial::Nothing => "does not deny root everything",
        };
        let fact = format!("service control policy {name}");
        snapshot.evidence(Source::ServiceControlPolicies, fact, value)
    });
    named(shown.collect(), "further service control policies")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::account::{AccountId, Partition};
    use facts::testing::unavailable;

    /// Root of the compliant account has a password.
    fn as_member(change: impl FnOnce(&mut Snapshot)) -> Verdict {
        verdict_of(&CONTROL, |snapshot| {
            let organization = snapshot.organization.as_mut().unwrap().as_mut().unwrap();
            organization.management_account = AccountId::parse("999988887777").unwrap();
            snapshot.central_root_access = Ok(None);
            change(snapshot);
        })
    }

    fn policies(denials: &[Denial]) -> Result<Option<Vec<ServiceControlPolicy>>, Unavailable> {
        let policy = |(number, denial): (usize, &Denial)| ServiceControlPolicy {
            name: format!("p-{number}"),
            denials: Denials::sample(*denial),
        };
        Ok(Some(denials.iter().enumerate().map(policy).collect()))
    }

    fn central(manages_credentials: bool, opens_sessions: bool) -> Result<Option<CentralRootAccess>, Unavailable> {
        Ok(Some(CentralRootAccess { manages_credentials, opens_sessions }))
    }

    fn facts(verdict: &Verdict) -> Vec<String> {
        verdict.evidence.iter().map(|evidence| format!("{} = {}", evidence.fact, evidence.value)).collect()
    }

    #[test]
    fn a_standalone_account_is_not_applicable() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.organization = Ok(None));
        assert_eq!(verdict.status, Status::NotApplicable);
    }

    #[test]
    fn the_management_account_is_judged_by_central_management_of_credentials_alone() {
        for (manages, opens, status) in
            [(true, true, Status::Passed), (true, false, Status::Passed), (false, true, Status::Failed)]
        {
            let verdict = verdict_of(&CONTROL, |snapshot| snapshot.central_root_access = central(manages, opens));
            assert_eq!(verdict.status, status, "{manages} {opens}");
            let word = |is_on| if is_on { "enabled" } else { "NOT enabled" };
            assert_eq!(
                facts(&verdict),
                [
                    format!("RootCredentialsManagement = {}", word(manages)),
                    format!("RootSessions = {}", word(opens)),
                    "organization o-exampleorgid = managed by this account".into(),
                ]
            );
        }
    }

    #[test]
    fn no_policy_and_no_lack_of_credentials_helps_the_management_account() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.central_root_access = central(false, false);
            snapshot.service_control_policies = policies(&[Denial::Everything]);
            snapshot.summary_mut().root_password = Ok(0);
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn a_management_account_that_aws_shows_nothing_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.central_root_access = Ok(None));
        assert_eq!(verdict.status, Status::Unknown);
        let denied = verdict_of(&CONTROL, |snapshot| {
            snapshot.central_root_access = Err(unavailable(Source::CentralRootAccess));
        });
        assert_eq!(denied.status, Status::Unknown);
        assert!(denied.reason.contains("was denied"), "{}", denied.reason);
    }

    #[test]
    fn a_member_without_root_credentials_passes_whatever_else_can_be_seen() {
        let others: [fn(&mut Snapshot); 4] = [
            |_| {},
            |snapshot| snapshot.service_control_policies = Err(unavailable(Source::ServiceControlPolicies)),
            |snapshot| snapshot.service_control_policies = policies(&[Denial::Nothing]),
            |snapshot| snapshot.central_root_access = Err(unavailable(Source::CentralRootAccess)),
        ];
        for other in others {
            let verdict = as_member(|snapshot| {
                snapshot.summary_mut().root_password = Ok(0);
                other(snapshot);
            });
            assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, "Root has no credentials"));
            assert_eq!(facts(&verdict)[0], "root credentials = none");
        }
    }

    #[test]
    fn any_credential_counts() {
        type Break = fn(&mut facts::account_summary::AccountSummary);
        let breaks: [Break; 3] = [
            |summary| summary.root_password = Ok(1),
            |summary| summary.root_access_keys = Ok(1),
            |summary| summary.root_signing_certificates = Ok(1),
        ];
        for break_it in breaks {
            let verdict = as_member(|snapshot| {
                snapshot.summary_mut().root_password = Ok(0);
                snapshot.service_control_policies = policies(&[Denial::Nothing]);
                break_it(snapshot.summary_mut());
            });
            assert_eq!(verdict.status, Status::Failed);
        }
    }

    #[test]
    fn a_policy_that_denies_root_everything_passes_a_member_and_needs_no_other_source() {
        let verdict = as_member(|snapshot| {
            snapshot.service_control_policies = policies(&[Denial::Nothing, Denial::Unreadable, Denial::Everything]);
            snapshot.account_summary = Err(unavailable(Source::AccountSummary));
            snapshot.central_root_access = Err(unavailable(Source::CentralRootAccess));
        });
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::Passed, "The service control policy p-2 denies root everything")
        );
        assert_eq!(
            facts(&verdict),
            [
                "organization o-exampleorgid = this account is a member",
                "service control policy p-2 = denies root everything",
                "service control policy p-1 = its document cannot be read",
                "service control policy p-0 = does not deny root everything",
            ]
        );
    }

    #[test]
    fn a_member_fails_when_root_has_credentials_and_no_visible_policy_denies_it() {
        for seen in [policies(&[Denial::Nothing]), policies(&[])] {
            let verdict = as_member(|snapshot| snapshot.service_control_policies = seen);
            assert_eq!(verdict.status, Status::Failed);
            assert_eq!(facts(&verdict)[0], "root credentials = present");
        }
        let verdict = as_member(|snapshot| {
            snapshot.service_control_policies = policies(&[Denial::Nothing]);
            snapshot.central_root_access = central(true, true);
        });
        assert_eq!(verdict.status, Status::Failed, "they could be deleted centrally, and were not");
        assert!(facts(&verdict).contains(&"RootCredentialsManagement = enabled".to_owned()));
    }

    #[test]
    fn a_member_of_an_organization_for_billing_alone_fails_whatever_it_is_shown_unless_root_has_no_credentials() {
        for seen in [Ok(None), Err(unavailable(Source::ServiceControlPolicies)), policies(&[])] {
            let of = |passwords| {
                as_member(|snapshot| {
                    snapshot.organization.as_mut().unwrap().as_mut().unwrap().has_all_features = false;
                    snapshot.service_control_policies = seen.clone();
                    snapshot.summary_mut().root_password = Ok(passwords);
                })
            };
            assert_eq!([of(0).status, of(1).status], [Status::Passed, Status::Failed]);
            assert!(of(1).reason.contains("consolidated billing only"), "{}", of(1).reason);
        }
    }

    #[test]
    fn a_member_that_is_not_shown_its_policies_is_unknown_and_the_reason_says_how_to_see_them() {
        for seen in [Ok(None), central(false, false)] {
            let verdict = as_member(|snapshot| snapshot.central_root_access = seen);
            assert_eq!(verdict.status, Status::Unknown);
            for word in ["management account", "organizations:ListPoliciesForTarget", "delete root's credentials"] {
                assert!(verdict.reason.contains(word), "{}", verdict.reason);
            }
        }
    }

    #[test]
    fn what_a_member_could_not_read_is_unknown() {
        let unreadable = as_member(|snapshot| {
            snapshot.service_control_policies = policies(&[Denial::Nothing, Denial::Unreadable]);
        });
        assert_eq!(unreadable.status, Status::Unknown);
        assert!(unreadable.reason.contains("p-1"), "{}", unreadable.reason);
        type Blind = fn(&mut Snapshot);
        let blinds: [(Blind, &str); 3] = [
            (|snapshot| snapshot.organization = Err(unavailable(Source::Organization)), "organization"),
            (|snapshot| snapshot.account_summary = Err(unavailable(Source::AccountSummary)), "account summary"),
            (
                |snapshot| {
                    let summary = snapshot.summary_mut();
                    summary.root_password = Ok(0);
                    summary.root_signing_certificates = Err(unavailable(Source::AccountSummary));
                },
                "account summary",
            ),
        ];
        for (blind, source) in blinds {
            let verdict = as_member(|snapshot| {
                snapshot.service_control_policies = policies(&[Denial::Nothing]);
                blind(snapshot);
            });
            assert_eq!(verdict.status, Status::Unknown);
            assert!(verdict.reason.starts_with(source), "{}", verdict.reason);
        }
        let denied = as_member(|snapshot| {
            snapshot.service_control_policies = Err(unavailable(Source::ServiceControlPolicies));
        });
        assert_eq!(denied.status, Status::Unknown);
        assert!(denied.reason.starts_with("service control policies"), "{}", denied.reason);
    }

    #[test]
    fn one_credential_that_is_seen_outweighs_a_counter_that_is_missing() {
        let verdict = as_member(|snapshot| {
            snapshot.service_control_policies = policies(&[Denial::Nothing]);
            snapshot.summary_mut().root_access_keys = Err(unavailable(Source::AccountSummary));
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn every_partition_is_evaluated_alike() {
        for partition in [Partition::GovCloud, Partition::China] {
            let verdict = as_member(|snapshot| {
                snapshot.account.partition = partition;
                snapshot.service_control_policies = policies(&[Denial::Nothing]);
            });
            assert_eq!(verdict.status, Status::Failed, "{partition:?}");
        }
    }

    #[test]
    fn a_guardrail_that_leaves_unlocking_to_root_passes_and_says_so() {
        let verdict = as_member(|snapshot| {
            snapshot.service_control_policies = policies(&[Denial::Nothing, Denial::AllButUnlocking]);
        });
        assert_eq!(verdict.status, Status::Passed);
        assert_eq!(
            verdict.reason,
            "The service control policy p-1 denies root everything except unlocking a bucket or a queue through its policy"
        );
    }

    #[test]
    fn a_condition_that_cannot_be_evaluated_is_unknown_and_named() {
        let verdict = as_member(|snapshot| {
            snapshot.service_control_policies = policies(&[Denial::Nothing, Denial::Unclear, Denial::Unreadable]);
        });
        assert_eq!(verdict.status, Status::Unknown);
        assert!(
            verdict.reason.contains("policy p-1 denies root everything depends on a condition"),
            "{}",
            verdict.reason
        );
    }

    #[test]
    fn policies_add_up() {
        let halves = ["", "Not"].map(|not| {
            let document = format!(r#"{{"Statement": {{"Effect": "Deny", "{not}Action": "s3:*", "Resource": "*"}}}}"#);
            let denials = Denials::of(&document, "arn:aws:iam::111122223333:root");
            ServiceControlPolicy { name: format!("p{not}"), denials }
        });
        let verdict = as_member(|snapshot| snapshot.service_control_policies = Ok(Some(halves.into())));
        let reason = "The service control policies together deny root everything";
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, reason));
    }
}
