use crate::control::{Control, Reference, Remediation, Severity};
use crate::finding::{Status, Verdict};
use crate::framework::Framework;
use crate::settings::Settings;
use crate::snapshot::{Snapshot, Source, Unavailable};

pub(super) const CONTROL: Control = Control {
    id: "support-role",
    title: "Somebody other than root can open cases with AWS Support",
    violation: "nobody may open support cases",
    step: None,
    severity: Severity::Low,
    rationale: "In an incident you need AWS at once. Where nobody may open a case, somebody signs in as root to do it.",
    semantics: "Fails when the policy AWSSupportAccess is attached to no user, no group and no role. Access to AWS Support by other \
                policies, as AdministratorAccess gives it, is not seen. CIS asks for a role; here a user or a group passes too.",
    remediation: Remediation {
        console: &[
            "IAM, Roles, Create role: trust the people who handle incidents (or use a permission set of IAM Identity Center).",
            "Attach the policy AWSSupportAccess and name the role, for example support.",
        ],
        cli: &[
            "aws iam create-role --role-name support --assume-role-policy-document file://trust.json",
            "aws iam attach-role-policy --role-name support --policy-arn arn:aws:iam::aws:policy/AWSSupportAccess",
        ],
    },
    sources: &[Source::SupportAccess],
    mappings: &[
        (Framework::Cis3, "1.17"),
        (Framework::Cis5, "1.16"),
        (Framework::Cis6, "2.16"),
        (Framework::Cis7, "2.15"),
        (Framework::SecurityHub, "IAM.18"),
        (Framework::Config, "iam-policy-in-use"),
        (Framework::Prowler, "iam_support_role_created"),
    ],
    references: &[Reference {
        name: "AWS: Access permissions for AWS Support",
        url: "https://docs.aws.amazon.com/awssupport/latest/user/accessing-support.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let holders = snapshot.support_access.as_ref().map_err(Clone::clone)?;
    let kinds = [("roles", &holders.roles), ("users", &holders.users), ("groups", &holders.groups)];
    let evidence =
        kinds.iter().map(|(kind, names)| snapshot.evidence(Source::SupportAccess, *kind, names.len())).collect();
    Ok(if kinds.iter().all(|(_, names)| names.is_empty()) {
        Verdict::new(Status::Failed, "AWSSupportAccess is attached to no user, no group and no role", evidence)
    } else {
        Verdict::new(Status::Passed, "AWSSupportAccess is attached", evidence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::{judge, unavailable};
    use crate::identities::Holders;

    #[test]
    fn one_holder_of_any_kind_passes() {
        let name = || vec!["support".to_owned()];
        for holders in [
            Holders { roles: name(), ..Holders::default() },
            Holders { users: name(), ..Holders::default() },
            Holders { groups: name(), ..Holders::default() },
        ] {
            let verdict = judge(&CONTROL, |snapshot| snapshot.support_access = Ok(holders.clone()));
            assert_eq!(verdict.status, Status::Passed, "{holders:?}");
            assert_eq!(verdict.evidence.iter().filter(|evidence| evidence.value == "1").count(), 1);
        }
    }

    #[test]
    fn no_holder_fails() {
        let verdict = judge(&CONTROL, |snapshot| snapshot.support_access = Ok(Holders::default()));
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn holders_that_could_not_be_read_are_unknown() {
        let verdict = judge(&CONTROL, |snapshot| snapshot.support_access = Err(unavailable(Source::SupportAccess)));
        assert_eq!(verdict.status, Status::Unknown);
    }
}
