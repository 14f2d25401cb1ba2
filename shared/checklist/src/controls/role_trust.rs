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
    title: "No role lets in everybody",
    violation: "a role lets in everybody",
    step: None,
    severity: Severity::High,
    rationale: "A role that trusts every principal can be taken on from any AWS account in the world, by whoever knows or guesses \
                its name.",
    semantics: "Fails when a role's trust policy allows every principal (`*`, or a `NotPrincipal`) to take on the role and neither a \
                condition nor a `Deny` keeps strangers out; and when it trusts an OpenID Connect provider that serves everybody, as \
                GitHub, without a condition on whose token it is (`sub`, for some `aud`). An organization, accounts, principals or \
                an own VPC that are named keep strangers out: such a role passes and is shown. What a stranger may choose or know, \
                as MFA, addresses, tags or an external id, is not judged here: then it is unknown. Actions that let in nobody, as \
                `sts:TagSession`, do not count. Not applicable without roles.",
    remediation: Remediation {
        console: &[
            "IAM, Roles, the role, Last Accessed, and CloudTrail's AssumeRole events: find out who uses it.",
            "IAM, Roles, the role, Trust relationships, Edit trust policy: name those principals instead of `*`.",
            "If it must be every principal of your organization: add the condition aws:PrincipalOrgID.",
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
                    .push(evidence("names everybody, and keeps strangers out by a condition or a Deny".to_owned()));
            }
            Openness::Unclear => {
                let value = "names everybody, under a condition or a Deny of which nobody can tell here whether it keeps strangers out";
                survey.unclear.push(evidence(value.to_owned()));
            }
            Openness::Unreadable => survey.unclear.push(evidence("has a trust policy that cannot be read".to_owned())),
            Openness::EveryoneOf(host) => {
                let value = format!("lets in whoever has a token of {host}: no condition says whose it must be");
                survey.wrong.push(evidence(value));
            }
            Openness::Everyone => survey.wrong.push(evidence("lets in everybody".to_owned())),
        }
    }
    let mut evidence = vec![snapshot.evidence(Source::RolesAndPolicies, "roles", roles.len())];
    evidence.extend(named(conditional, "further roles with a condition"));
    let fine = if roles.is_empty() {
        Verdict::new(Status::NotApplicable, "There are no roles", evidence)
    } else {
        Verdict::new(Status::Passed, "No role lets in everybody", evidence)
    };
    Ok(survey.verdict(
        fine,
        ["role lets in everybody", "roles let in everybody"],
        ["role has a trust policy that cannot be judged", "roles have trust policies that cannot be judged"],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::judge;
    use facts::identities::Role;
    use facts::policy_document::Trust;
    use facts::testing::unavailable;

    /// A role for each of these, called as its trust.
    fn trusting(trusts: &[Openness]) -> Verdict {
        judge(&CONTROL, |snapshot| {
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
        let verdict = judge(&CONTROL, |_| {});
        assert_eq!((verdict.status, verdict.evidence[0].value.as_str()), (Status::Passed, "2"));
    }

    #[test]
    fn everybody_fails_by_name_also_beside_what_cannot_be_read() {
        let verdict = trusting(&[Openness::Named, Openness::Everyone, Openness::Unreadable]);
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, "1 role lets in everybody"));
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
    fn everybody_of_a_provider_that_serves_everybody_fails_and_the_provider_is_named() {
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
        let blind = judge(&CONTROL, |snapshot| {
            snapshot.roles_and_policies = Err(unavailable(Source::RolesAndPolicies));
        });
        assert_eq!(blind.status, Status::Unknown);
    }

    #[test]
    fn no_roles_is_not_applicable() {
        assert_eq!(trusting(&[]).status, Status::NotApplicable);
    }
}
