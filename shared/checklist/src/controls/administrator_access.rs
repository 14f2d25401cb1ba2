use std::collections::HashMap;

use crate::control::{Control, Reference, Remediation, Severity, Step};
use crate::finding::{Status, Verdict};
use crate::settings::Settings;
use crate::snapshot::{Snapshot, Source, Unavailable};

pub(super) const CONTROL: Control = Control {
    id: "administrator-access",
    title: "Somebody other than root can administer the account",
    violation: "nobody but root can administer the account safely",
    step: Some(Step::IndividualUsers),
    severity: Severity::Medium,
    rationale: "Where no other administrator exists, every change is made as root. An administrator without MFA is only a little \
                better: one stolen password is enough.",
    semantics: "Fails when the policy AdministratorAccess is attached to no role, no user and no group that has a member; or when \
                only users hold it and none of them has MFA. A role is enough (federation). Administrators by other policies are \
                not seen.",
    remediation: Remediation {
        console: &[
            "IAM, User groups, Create group: name it Administrators and attach AdministratorAccess.",
            "Add the people who administer the account, and give each of them MFA.",
            "Or assign the permission set AdministratorAccess in IAM Identity Center.",
        ],
        cli: &[
            "aws iam create-group --group-name Administrators",
            "aws iam attach-group-policy --group-name Administrators --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
            "aws iam add-user-to-group --group-name Administrators --user-name <person>",
        ],
    },
    sources: &[Source::Administrators, Source::Identities, Source::CredentialReport],
    mappings: &[],
    references: &[Reference {
        name: "AWS: Create an administrative user",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/getting-started-account-iam.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let administrators = snapshot.administrators.as_ref().map_err(Clone::clone)?;
    let held_by = |kind, names: &[String]| snapshot.evidence(Source::Administrators, kind, names.len());
    let mut evidence = vec![
        held_by("roles", &administrators.roles),
        held_by("users", &administrators.users),
        held_by("groups", &administrators.groups),
    ];
    if !administrators.roles.is_empty() {
        return Ok(Verdict::new(Status::Passed, "A role can administer the account", evidence));
    }

    let mut people: Vec<&str> = administrators.users.iter().map(String::as_str).collect();
    if !administrators.groups.is_empty() {
        match &snapshot.identities {
            Ok(identities) => {
                let members = identities
                    .users
                    .iter()
                    .filter(|user| user.groups.iter().any(|group| administrators.groups.contains(group)));
                people.extend(members.map(|user| user.name.as_str()));
                people.sort_unstable();
                people.dedup();
            }
            // A direct administrator with MFA still passes; without one, the members are needed.
            Err(unavailable) if people.is_empty() => {
                return Ok(Verdict { evidence, ..unavailable.clone().into() });
            }
            Err(_) => {}
        }
    }
    evidence.push(snapshot.evidence(Source::Identities, "people who administer", people.len()));
    if people.is_empty() {
        let reason = "AdministratorAccess is attached to no role, no user and no group with a member";
        return Ok(Verdict::new(Status::Failed, reason, evidence));
    }

    let report = match snapshot.fresh_credential_report() {
        Ok(report) => report,
        Err(unavailable) => return Ok(Verdict { evidence, ..unavailable.into() }),
    };
    let mfa: HashMap<&str, _> = report.users.iter().map(|row| (row.name.as_str(), &row.mfa_active)).collect();
    let with_mfa = people.iter().filter(|name| mfa.get(*name).is_some_and(|mfa| **mfa == Ok(true))).count();
    evidence.push(snapshot.report_evidence("people who administer with MFA", with_mfa));
    if with_mfa > 0 {
        return Ok(Verdict::new(Status::Passed, "A user with MFA can administer the account", evidence));
    }
    // The report may be older than a user, and a group's members may have gone unread: then nobody knows.
    let all_known = people.iter().all(|name| mfa.get(name).is_some_and(|mfa| mfa.is_ok()));
    match &snapshot.identities {
        Err(unavailable) if !administrators.groups.is_empty() => Ok(Verdict { evidence, ..unavailable.clone().into() }),
        _ if !all_known => Ok(Verdict::new(
            Status::Unknown,
            "The credential report does not tell whether these administrators have MFA",
            evidence,
        )),
        _ => {
            Ok(Verdict::new(Status::Failed, "Only users can administer the account and none of them has MFA", evidence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::{judge, unavailable};
    use crate::credential_report::UnreadableCell;

    /// alice holds AdministratorAccess through the group Administrators, nobody else does.
    fn status(break_it: impl FnOnce(&mut Snapshot)) -> (Status, String) {
        let verdict = judge(&CONTROL, break_it);
        (verdict.status, verdict.reason)
    }

    #[test]
    fn a_member_of_a_group_with_mfa_passes() {
        assert_eq!(status(|_| {}).0, Status::Passed);
    }

    #[test]
    fn a_role_alone_is_enough() {
        let (status, _) = status(|snapshot| {
            *snapshot.administrators_mut() = crate::identities::Holders {
                roles: vec!["AWSReservedSSO_AdministratorAccess_0123456789abcdef".into()],
                ..Default::default()
            };
            snapshot.identities = Err(unavailable(Source::Identities));
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(status, Status::Passed);
    }

    #[test]
    fn nobody_or_only_an_empty_group_fails() {
        let nobody = status(|snapshot| *snapshot.administrators_mut() = Default::default());
        let empty_group = status(|snapshot| snapshot.users_mut()[0].groups.clear());
        assert_eq!([nobody.0, empty_group.0], [Status::Failed; 2]);
        assert!(empty_group.1.contains("no group with a member"));
    }

    #[test]
    fn users_without_mfa_fail_with_their_own_reason() {
        let through_group = status(|snapshot| snapshot.report_users()[0].mfa_active = Ok(false));
        let direct = status(|snapshot| {
            *snapshot.administrators_mut() =
                crate::identities::Holders { users: vec!["alice".into()], ..Default::default() };
            snapshot.report_users()[0].mfa_active = Ok(false);
        });
        for (status, reason) in [through_group, direct] {
            assert_eq!(
                (status, reason.as_str()),
                (Status::Failed, "Only users can administer the account and none of them has MFA")
            );
        }
    }

    #[test]
    fn what_could_not_be_read_is_unknown() {
        let blinds: [fn(&mut Snapshot); 5] = [
            |snapshot| snapshot.administrators = Err(unavailable(Source::Administrators)),
            |snapshot| snapshot.identities = Err(unavailable(Source::Identities)),
            |snapshot| snapshot.credential_report = Err(unavailable(Source::CredentialReport)),
            |snapshot| snapshot.report_users().clear(),
            |snapshot| {
                snapshot.report_users()[0].mfa_active = Err(UnreadableCell { column: "mfa_active", found: None });
            },
        ];
        for blind in blinds {
            assert_eq!(status(blind).0, Status::Unknown);
        }
    }

    #[test]
    fn a_direct_administrator_without_mfa_is_unknown_while_group_members_are_unread() {
        let (status, _) = status(|snapshot| {
            snapshot.administrators_mut().users = vec!["alice".into()];
            snapshot.identities = Err(unavailable(Source::Identities));
            snapshot.report_users()[0].mfa_active = Ok(false);
        });
        assert_eq!(status, Status::Unknown);
    }
}
