use std::collections::BTreeSet;

use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::people::People;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "support-role",
    title: "An identity other than root can open AWS Support cases",
    violation: "only root can open support cases",
    step: None,
    severity: Severity::Low,
    rationale: "In an incident you need AWS at once. If no one else can open a case, you have to sign in as root to \
                do it.",
    semantics: "Fails when no person has the policy AWSSupportAccess: it is attached to no role that people can \
                assume, no user with a password, and no group with such a member. Who counts as a person is defined in \
                administrator-access. Unknown when AWS does not distinguish people from programs. Access to AWS \
                Support through other policies, such as AdministratorAccess, is not checked. CIS requires a role; here \
                a user or a group passes, too.",
    remediation: Remediation {
        console: &[
            "IAM > Roles > Create role: trust the people who handle incidents, or use a permission set of IAM \
             Identity Center.",
            "Attach the policy AWSSupportAccess and name the role, for example support.",
        ],
        cli: &[
            "aws iam create-role --role-name support --assume-role-policy-document file://trust.json",
            "aws iam attach-role-policy --role-name support --policy-arn arn:aws:iam::aws:policy/AWSSupportAccess",
        ],
    },
    sources: &[
        Source::SupportAccess,
        Source::Identities,
        Source::RolesAndPolicies,
        Source::Administrators,
        Source::CredentialReport,
    ],
    user_of: no_user,
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
    let mut evidence: Vec<_> =
        kinds.iter().map(|(kind, names)| snapshot.evidence(Source::SupportAccess, *kind, names.len())).collect();
    if kinds.iter().all(|(_, names)| names.is_empty()) {
        let reason = "AWSSupportAccess is not attached to any user, group or role";
        return Ok(Verdict::new(Status::Failed, reason, evidence));
    }
    let people = People::of(snapshot);
    let groups = holders.groups.iter().map(String::as_str).collect();
    let (members, mut unknown) = match people.members(&groups) {
        Ok(members) => (members, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    let roles = holders.roles.iter().map(|role| people.take_on(role));
    // One who has it also through a group is one.
    let users: BTreeSet<&str> = holders.users.iter().map(String::as_str).chain(members).collect();
    let users = users.into_iter().map(|user| people.has_password(user));
    let mut count = 0;
    for is_of_people in roles.chain(users) {
        match is_of_people {
            Ok(is_of_people) => count += usize::from(is_of_people),
            Err(reason) => drop(unknown.get_or_insert(reason)),
        }
    }
    evidence.push(snapshot.evidence(
        Source::SupportAccess,
        "roles that people can assume, and users with a password",
        count,
    ));
    Ok(match unknown {
        _ if count > 0 => Verdict::new(Status::Passed, "People have AWSSupportAccess", evidence),
        Some(reason) => Verdict::new(Status::Unknown, reason, evidence),
        None => {
            let reason = "AWSSupportAccess is attached to no role that people can assume, no user with a password and no group with such a member";
            Verdict::new(Status::Failed, reason, evidence)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::identities::Holders;
    use facts::policy_document::Trust;
    use facts::testing::unavailable;

    fn status(holders: Holders, change: impl FnOnce(&mut Snapshot)) -> Status {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.support_access = Ok(holders);
            change(snapshot);
        });
        verdict.status
    }

    fn holders() -> [Holders; 3] {
        let name = |name: &str| vec![name.to_owned()];
        [
            Holders { roles: name("support"), ..Holders::default() },
            Holders { users: name("alice"), ..Holders::default() },
            Holders { groups: name("Administrators"), ..Holders::default() },
        ]
    }

    #[test]
    fn a_person_who_holds_it_passes_by_a_role_a_user_or_a_group() {
        for holders in holders() {
            assert_eq!(status(holders.clone(), |_| {}), Status::Passed, "{holders:?}");
        }
    }

    #[test]
    fn a_user_who_holds_it_also_through_groups_counts_once() {
        let [_, user, group] = holders();
        let groups = vec![group.groups[0].clone(), "Support".into()];
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.users_mut()[0].groups.clone_from(&groups);
            snapshot.support_access = Ok(Holders { groups, ..user });
        });
        let counted = verdict.evidence.last().map(|evidence| evidence.value.as_str());
        assert_eq!((verdict.status, counted), (Status::Passed, Some("1")));
    }

    #[test]
    fn a_program_a_service_or_an_empty_group_is_not_a_person() {
        for holders in holders() {
            let nobody = status(holders.clone(), |snapshot| {
                snapshot.report_users()[0].password_enabled = Ok(false);
                let service = Trust::naming(r#"{"Service": "lambda.amazonaws.com"}"#);
                snapshot.roles_and_policies.as_mut().unwrap().roles[1].trust = service;
            });
            assert_eq!(nobody, Status::Failed, "{holders:?}");
        }
        let empty = status(Holders { groups: vec!["Support".into()], ..Holders::default() }, |_| {});
        assert_eq!(empty, Status::Failed);
    }

    #[test]
    fn a_holder_that_may_be_a_person_is_unknown() {
        let [role, user, group] = holders();
        let blinds: [(Holders, Source); 4] = [
            (role.clone(), Source::RolesAndPolicies),
            (user, Source::CredentialReport),
            (group.clone(), Source::Identities),
            (group, Source::CredentialReport),
        ];
        for (holders, source) in blinds {
            assert_eq!(status(holders, |snapshot| snapshot.blind_to(source)), Status::Unknown, "{source}");
        }
        let unlisted = Holders { roles: vec!["elsewhere".into()], ..Holders::default() };
        assert_eq!(status(unlisted, |_| {}), Status::Unknown);
        let own_account = status(role, |snapshot| snapshot.blind_to(Source::CredentialReport));
        assert_eq!(own_account, Status::Unknown, "whether anybody is in the account");
    }

    #[test]
    fn no_holder_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.support_access = Ok(Holders::default()));
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn holders_that_could_not_be_read_are_unknown() {
        let verdict =
            verdict_of(&CONTROL, |snapshot| snapshot.support_access = Err(unavailable(Source::SupportAccess)));
        assert_eq!(verdict.status, Status::Unknown);
    }
}
