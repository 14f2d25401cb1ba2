use super::named::named;
use super::survey::Survey;
use crate::control::{Control, Reference, Remediation, Severity};
use crate::finding::{Status, Verdict};
use crate::policy_document::Trust;
use crate::settings::Settings;
use crate::snapshot::{Snapshot, Source, Unavailable};

pub(super) const CONTROL: Control = Control {
    id: "role-trust",
    title: "No role lets in everybody",
    violation: "a role lets in everybody",
    step: None,
    severity: Severity::High,
    rationale: "A role that trusts every principal can be taken on from any AWS account in the world, by whoever knows or guesses \
                its name.",
    semantics: "Fails when a role's trust policy allows every principal (`*`, or a `NotPrincipal`) under no condition. Every \
                principal under a condition is shown as evidence and does not fail: whether the condition is narrow enough is for \
                you to judge. An identity provider that is trusted without a condition on who it is, is not seen. Not applicable \
                without roles.",
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
        let evidence = |value| snapshot.evidence(Source::RolesAndPolicies, role.name.as_str(), value);
        match role.trust {
            Trust::Named => {}
            Trust::EveryoneIf => conditional.push(evidence("lets in everybody who meets its condition")),
            Trust::Unreadable => survey.unclear.push(evidence("has a trust policy that cannot be read")),
            Trust::Everyone => survey.wrong.push(evidence("lets in everybody")),
        }
    }
    let mut evidence = vec![snapshot.evidence(Source::RolesAndPolicies, "roles", roles.len())];
    evidence.extend(named(conditional, "further roles with a condition"));
    let fine = if roles.is_empty() {
        Verdict::new(Status::NotApplicable, "There are no roles", evidence)
    } else {
        Verdict::new(Status::Passed, "No role lets in everybody without a condition", evidence)
    };
    Ok(survey.verdict(
        fine,
        ["role lets in everybody", "roles let in everybody"],
        ["role has a trust policy that cannot be read", "roles have trust policies that cannot be read"],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::{judge, unavailable};
    use crate::identities::Role;

    /// A role for each of these, called as its trust.
    fn trusting(trusts: &[Trust]) -> Verdict {
        judge(&CONTROL, |snapshot| {
            let role = |trust: &Trust| Role { name: format!("{trust:?}"), trust: *trust, inline_policies: Vec::new() };
            snapshot.roles_and_policies.as_mut().unwrap().roles = trusts.iter().map(role).collect();
        })
    }

    #[test]
    fn named_principals_pass() {
        let verdict = judge(&CONTROL, |_| {});
        assert_eq!((verdict.status, verdict.evidence[0].value.as_str()), (Status::Passed, "1"));
    }

    #[test]
    fn everybody_fails_by_name_also_beside_what_cannot_be_read() {
        let verdict = trusting(&[Trust::Named, Trust::Everyone, Trust::Unreadable]);
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, "1 role lets in everybody"));
        assert_eq!(verdict.resources, ["Everyone"]);
        let facts: Vec<&str> = verdict.evidence.iter().map(|evidence| evidence.fact.as_str()).collect();
        assert_eq!(facts, ["roles", "Everyone", "Unreadable"]);
    }

    #[test]
    fn everybody_under_a_condition_is_shown_and_passes() {
        let verdict = trusting(&[Trust::Named, Trust::EveryoneIf]);
        assert_eq!((verdict.status, verdict.resources.len()), (Status::Passed, 0));
        assert_eq!(verdict.evidence[1].fact, "EveryoneIf");
    }

    #[test]
    fn what_could_not_be_read_is_unknown() {
        let verdict = trusting(&[Trust::Named, Trust::Unreadable]);
        assert_eq!((verdict.status, verdict.evidence[1].fact.as_str()), (Status::Unknown, "Unreadable"));
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
