use facts::policy_document::Openness;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::named::named;
use super::survey::Survey;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "role-trust",
    title: "No role trusts all principals (*) without a condition",
    violation: "a role trusts all principals (*)",
    step: None,
    severity: Severity::High,
    rationale: "A role that trusts all principals can be assumed from any AWS account, by anyone who knows or guesses \
                its name.",
    semantics: "Fails when a role's trust policy allows all principals (`*`, or a `NotPrincipal`) to assume the role \
                and neither a condition nor a `Deny` excludes strangers. Fails when it trusts a public OpenID Connect \
                provider, such as GitHub, without a condition on whose token it accepts (`sub`, for some `aud`). A \
                condition on an organization, accounts, principals or your own VPC excludes strangers: such a role \
                passes and is shown. Unknown when the condition is on what a stranger can choose or know, such as MFA, \
                addresses, tags or an external id. Actions that do not let anyone assume the role, such as \
                `sts:TagSession`, do not count. Not applicable without roles.",
    remediation: Remediation {
        console: &[
            "IAM > Roles > [role] > Last Accessed, and AssumeRole events in CloudTrail: find out who uses the role.",
            "IAM > Roles > [role] > Trust relationships > Edit trust policy: name those principals instead of `*`.",
            "If every principal of your organization needs it, add the condition aws:PrincipalOrgID.",
        ],
        cli: &[
            "aws iam get-role --role-name <role> --query Role.AssumeRolePolicyDocument",
            "aws iam update-assume-role-policy --role-name <role> --policy-document file://trust.json",
        ],
    },
    sources: &[Source::RolesAndPolicies],
    user_of: no_user,
    mappings: &[],
    references: &[Reference {
        name: "AWS: Principal in a policy, all principals",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let roles = &snapshot.roles_and_policies.as_ref().map_err(Clone::clone)?.roles;
    let mut survey = Survey::default();
    let mut conditional = Vec::new();
    for role in roles {
        let evidence = |value: String| snapshot.evidence(Source::RolesAndPolicies, role.name.as_str(), value);
        match role.trust.openness {
            Openness::Named => {}
            Openness::EveryoneIf => {
                conditional
                    .push(evidence("trusts all principals; a condition or a Deny excludes strangers".to_owned()));
            }
            Openness::Unclear => {
                let value = "trusts all principals, with a condition or a Deny; whether it excludes strangers cannot be evaluated here";
                survey.unclear.push(evidence(value.to_owned()));
            }
            Openness::Unreadable => survey.unclear.push(evidence("has a trust policy that cannot be read".to_owned())),
            Openness::EveryoneOf(host) => {
                let value = format!("trusts any token of {host}: no condition limits whose");
                survey.wrong.push(evidence(value));
            }
            Openness::Everyone => survey.wrong.push(evidence("trusts all principals".to_owned())),
        }
    }
    let mut evidence = vec![snapshot.evidence(Source::RolesAndPolicies, "roles", roles.len())];
    evidence.extend(named(conditional, "further roles with a condition"));
    let fine = if roles.is_empty() {
        Verdict::new(Status::NotApplicable, "There are no roles", evidence)
    } else {
        Verdict::new(Status::Passed, "No role trusts all principals without a condition", evidence)
    };
    Ok(survey.verdict(
        fine,
        ["role trusts all principals", "roles trust all principals"],
        ["role has a trust policy that cannot be evaluated", "roles have trust policies that cannot be evaluated"],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::identities::Role;
    use facts::policy_document::Trust;
    use facts::testing::unavailable;

    /// A role for each of these, called as its trust.
    fn trusting(trusts: &[Openness]) -> Verdict {
        verdict_of(&CONTROL, |snapshot| {
            let role = |openness: &Openness| Role {
                name: format!("{openness:?}"),
                trust: Trust { openness: *openness, ..Trust::UNREADABLE },
                attached_policies: Vec::new(),
                inline_policies: Vec::new(),
            };
            snapshot.roles_and_policies.as_mut().unwrap().roles = trusts.iter().map(role).collect();
        })
    }

    #[test]
    fn named_principals_pass() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!((verdict.status, verdict.evidence[0].value.as_str()), (Status::Passed, "2"));
    }

    #[test]
    fn everybody_fails_by_name_also_beside_what_cannot_be_read() {
        let verdict = trusting(&[Openness::Named, Openness::Everyone, Openness::Unreadable]);
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, "1 role trusts all principals"));
        assert_eq!(verdict.resources, ["Everyone"]);
        let facts: Vec<&str> = verdict.evidence.iter().map(|evidence| evidence.fact.as_str()).collect();
        assert_eq!(facts, ["roles", "Everyone", "Unreadable"]);
    }

    #[test]
    fn everybody_under_a_condition_is_shown_and_passes() {
        let verdict = trusting(&[Openness::Named, Openness::EveryoneIf]);
        assert_eq!((verdict.status, verdict.resources.len()), (Status::Passed, 0));
        assert_eq!(verdict.evidence[1].fact, "EveryoneIf");
    }

    #[test]
    fn any_token_of_a_public_provider_fails_and_the_provider_is_named() {
        let verdict = trusting(&[Openness::Named, Openness::EveryoneOf("gitlab.com")]);
        assert_eq!((verdict.status, verdict.resources.len()), (Status::Failed, 1));
        assert!(verdict.evidence[1].value.contains("gitlab.com"), "{:?}", verdict.evidence);
    }

    #[test]
    fn what_could_not_be_read_or_understood_is_unknown() {
        for openness in [Openness::Unreadable, Openness::Unclear] {
            let verdict = trusting(&[Openness::Named, openness]);
            let named = format!("{openness:?}");
            assert_eq!((verdict.status, verdict.evidence[1].fact.as_str()), (Status::Unknown, named.as_str()));
        }
        let blind = verdict_of(&CONTROL, |snapshot| {
            snapshot.roles_and_policies = Err(unavailable(Source::RolesAndPolicies));
        });
        assert_eq!(blind.status, Status::Unknown);
    }

    #[test]
    fn no_roles_is_not_applicable() {
        assert_eq!(trusting(&[]).status, Status::NotApplicable);
    }
}
