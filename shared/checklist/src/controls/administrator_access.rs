use std::collections::BTreeSet;

use facts::policy_document::Breadth;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::text::bounded;
use facts::verdict::{Status, Verdict};

use super::holdings::{self, Kind};
use super::people::People;
use crate::control::{Control, Reference, Remediation, Step, no_user};
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "administrator-access",
    title: "An identity other than root can administer the account",
    violation: "only root can administer the account safely",
    step: Some(Step::IndividualUsers),
    severity: Severity::Medium,
    rationale: "Without another administrator, every change is made as root. An administrator without MFA is only \
                slightly better: one stolen password is enough.",
    semantics: "An administrator holds AdministratorAccess, or policies that allow everything as defined in \
                least-privilege. Passes when a person can be one: through a role that people can assume, or as a user \
                with a password and MFA, also through a group. People can assume a role of IAM Identity Center \
                (`AWSReservedSSO_`), a role that trusts a SAML provider or another account, and a role that trusts \
                this account if it has people. A role that names users or roles of this account counts as they do. A \
                role that only services or CI pipelines can assume, a user without a password, and a group without \
                such a member do not count. Fails when no such identity remains, or when only users remain and none of \
                them has MFA. Unknown when AWS does not distinguish people from programs, as with other OpenID Connect \
                providers, an external id, a condition on `aws:PrincipalArn` or a named role of another account, and \
                when a `Deny` leaves open what an administrator can still do.",
    remediation: Remediation {
        console: &[
            "IAM > User groups > Create group: name it Administrators and attach AdministratorAccess.",
            "Add the people who administer the account, and require MFA for each of them.",
            "Or assign the permission set AdministratorAccess in IAM Identity Center.",
        ],
        cli: &[
            "aws iam create-group --group-name Administrators",
            "aws iam attach-group-policy --group-name Administrators --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
            "aws iam add-user-to-group --group-name Administrators --user-name <person>",
        ],
    },
    sources: &[Source::Administrators, Source::Identities, Source::RolesAndPolicies, Source::CredentialReport],
    user_of: no_user,
    mappings: &[],
    references: &[Reference {
        name: "AWS: Create an administrative user",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/getting-started-account-iam.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let mut unknown: Option<String> = None;
    let mut note = |reason: String| {
        unknown.get_or_insert(reason);
    };
    let (mut roles, mut users, mut groups) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    match &snapshot.administrators {
        Ok(holders) => {
            roles.extend(holders.roles.iter().map(String::as_str));
            users.extend(holders.users.iter().map(String::as_str));
            groups.extend(holders.groups.iter().map(String::as_str));
        }
        Err(unavailable) => note(unavailable.to_string()),
    }
    let mut held_back = BTreeSet::new();
    let holdings = holdings::all(snapshot);
    for holding in &holdings {
        let grants = holding.grants();
        let of_kind = match holding.kind {
            Kind::Role => &mut roles,
            Kind::Group => &mut groups,
            Kind::User => &mut users,
        };
        if grants.breadth().is_everything() {
            of_kind.insert(holding.name);
        }
        if grants.breadth() == Breadth::Unreadable {
            note(format!("A policy of {} cannot be read", bounded(holding.name)));
        }
        if grants.denies_much() {
            held_back.insert((holding.kind, holding.name));
        }
    }
    if let Err(unavailable) = &snapshot.roles_and_policies {
        note(unavailable.to_string());
    }
    if let Err(unavailable) = &snapshot.identities {
        note(unavailable.to_string());
    }

    let counts = [("roles", roles.len()), ("users", users.len()), ("groups", groups.len())];
    let counts = counts.map(|(fact, count)| snapshot.evidence(Source::Administrators, fact, count));
    let mut evidence = Vec::from(counts);
    let people = People::of(snapshot);
    let can_be_held_back = "A Deny leaves open what an administrator can still do";
    let mut of_people = 0;
    for role in &roles {
        match people.take_on(role) {
            Ok(true) if held_back.contains(&(Kind::Role, *role)) => note(can_be_held_back.to_owned()),
            Ok(is_of_people) => of_people += usize::from(is_of_people),
            Err(reason) => note(reason),
        }
    }
    evidence.push(snapshot.evidence(Source::RolesAndPolicies, "roles that people can assume", of_people));
    if of_people > 0 {
        let reason = "A role that people can assume can administer the account";
        return Ok(Verdict::new(Status::Passed, reason, evidence));
    }

    match people.members(&groups) {
        Ok(members) => users.extend(members),
        Err(reason) => note(reason),
    }
    let (mut with_password, mut with_mfa) = (0, 0);
    for user in &users {
        let is_held_back = held_back.contains(&(Kind::User, *user));
        match (people.has_password(user), people.has_mfa(user)) {
            (Ok(false), _) => {}
            (Ok(true), Ok(true)) if is_held_back => note(can_be_held_back.to_owned()),
            (Ok(true), Ok(has_mfa)) => {
                with_password += 1;
                with_mfa += usize::from(has_mfa);
            }
            (Err(reason), _) | (_, Err(reason)) => note(reason),
        }
    }
    evidence.push(snapshot.evidence(Source::Identities, "users who administer, also through a group", users.len()));
    evidence.push(snapshot.report_evidence("of these, with a password", with_password));
    evidence.push(snapshot.report_evidence("of these, with MFA", with_mfa));
    Ok(if with_mfa > 0 {
        Verdict::new(Status::Passed, "A user with a password and MFA can administer the account", evidence)
    } else if let Some(reason) = unknown {
        Verdict::new(Status::Unknown, reason, evidence)
    } else if with_password > 0 {
        Verdict::new(Status::Failed, "Only users can administer the account and none of them has MFA", evidence)
    } else if roles.is_empty() && users.is_empty() {
        Verdict::new(Status::Failed, "No role, no user and no group with a member can administer the account", evidence)
    } else {
        let reason = "Only services and programs can administer the account: there is no role that people can assume, and no user with a password";
        Verdict::new(Status::Failed, reason, evidence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::credential_report::UnreadableCell;
    use facts::identities::{Holders, InlinePolicy, Role};
    use facts::policy_document::{Grants, Trust};
    use facts::testing::unavailable;

    /// Only alice has AdministratorAccess, through the group Administrators.
    fn status(break_it: impl FnOnce(&mut Snapshot)) -> (Status, String) {
        let verdict = verdict_of(&CONTROL, break_it);
        (verdict.status, verdict.reason)
    }

    #[test]
    fn a_member_of_a_group_with_mfa_passes() {
        assert_eq!(status(|_| {}).0, Status::Passed);
    }

    #[test]
    fn a_role_alone_is_enough() {
        let (status, _) = status(|snapshot| {
            *snapshot.administrators_mut() = Holders {
                roles: vec!["AWSReservedSSO_AdministratorAccess_0123456789abcdef".into()],
                ..Default::default()
            };
            snapshot.identities = Err(unavailable(Source::Identities));
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(status, Status::Passed);
    }

    #[test]
    fn no_holder_or_only_an_empty_group_fails() {
        let nobody = status(|snapshot| *snapshot.administrators_mut() = Default::default());
        let empty_group = status(|snapshot| snapshot.users_mut()[0].groups.clear());
        assert_eq!([nobody.0, empty_group.0], [Status::Failed; 2]);
        assert!(empty_group.1.contains("no group with a member"));
    }

    #[test]
    fn users_without_mfa_fail_with_their_own_reason() {
        let through_group = status(|snapshot| snapshot.report_users()[0].mfa_active = Ok(false));
        let direct = status(|snapshot| {
            *snapshot.administrators_mut() = Holders { users: vec!["alice".into()], ..Default::default() };
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

    fn roles(snapshot: &mut Snapshot) -> &mut Vec<Role> {
        &mut snapshot.roles_and_policies.as_mut().unwrap().roles
    }

    /// The first role alone holds a policy that allows so much, and trusts this principal.
    fn by_role(principal: &str, breadth: Breadth, change: impl FnOnce(&mut Snapshot)) -> Status {
        let (status, _) = status(|snapshot| {
            *snapshot.administrators_mut() = Holders::default();
            let all = InlinePolicy { name: "all".into(), grants: breadth.into() };
            roles(snapshot)[0].inline_policies.push(all);
            roles(snapshot)[0].trust = Trust::naming(principal);
            change(snapshot);
        });
        status
    }

    const OTHER_ACCOUNT: &str = r#"{"AWS": "arn:aws:iam::999988887777:root"}"#;
    const OWN_ACCOUNT: &str = r#"{"AWS": "arn:aws:iam::111122223333:root"}"#;
    const SERVICE: &str = r#"{"Service": "cloudformation.amazonaws.com"}"#;

    #[test]
    fn a_role_with_a_policy_that_allows_everything_administers_if_people_take_it_on() {
        for breadth in [Breadth::Everything, Breadth::AllBut] {
            assert_eq!(by_role(OTHER_ACCOUNT, breadth, |_| {}), Status::Passed);
        }
        assert_eq!(by_role(OTHER_ACCOUNT, Breadth::Limited, |_| {}), Status::Failed);
        let saml = r#"{"Federated": "arn:aws:iam::111122223333:saml-provider/acme"}"#;
        let github = r#"{"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#;
        let other = r#"{"Federated": "arn:aws:iam::111122223333:oidc-provider/login.example.com"}"#;
        let by = |principal| by_role(principal, Breadth::Everything, |_| {});
        assert_eq!([by(saml), by(OWN_ACCOUNT)], [Status::Passed; 2]);
        let stack_sets = r#"{"AWS": "arn:aws:iam::999988887777:role/aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"}"#;
        assert_eq!([by(SERVICE), by(github), by(stack_sets)], [Status::Failed; 3]);
        assert_eq!(by(other), Status::Unknown);
    }

    #[test]
    fn a_role_that_the_account_can_assume_needs_a_person_in_the_account() {
        let alone = |change: fn(&mut Snapshot)| {
            by_role(OWN_ACCOUNT, Breadth::Everything, |snapshot| {
                roles(snapshot)[1].trust = Trust::naming(SERVICE);
                snapshot.report_users()[0].password_enabled = Ok(false);
                change(snapshot);
            })
        };
        assert_eq!(alone(|_| {}), Status::Failed);
        assert_eq!(alone(|snapshot| roles(snapshot)[1].trust = Trust::naming(OTHER_ACCOUNT)), Status::Passed);
        assert_eq!(alone(|snapshot| snapshot.blind_to(Source::CredentialReport)), Status::Unknown);
    }

    #[test]
    fn a_role_that_names_users_or_roles_of_the_account_is_as_good_as_they_are() {
        let named = |principal: &str, trusted: &str| {
            let trusted = Trust::naming(trusted);
            let name = |kind: &str| format!(r#"{{"AWS": "arn:aws:iam::111122223333:{kind}"}}"#);
            by_role(&name(principal), Breadth::Everything, |snapshot| {
                roles(snapshot)[1].name = "second".into();
                roles(snapshot)[1].trust = trusted;
            })
        };
        let first =
            format!(r#"{{"AWS": "arn:aws:iam::111122223333:role/{}"}}"#, roles(&mut Snapshot::compliant())[0].name);
        assert_eq!(named("user/alice", SERVICE), Status::Passed);
        assert_eq!(named("user/nobody", SERVICE), Status::Unknown);
        assert_eq!(named("role/second", SERVICE), Status::Failed);
        assert_eq!(named("role/second", OTHER_ACCOUNT), Status::Passed);
        assert_eq!(named("role/second", &first), Status::Failed, "a circle has no person in it");
        assert_eq!(named("role/elsewhere", SERVICE), Status::Unknown);
    }

    #[test]
    fn what_only_services_may_take_on_does_not_administer_whatever_names_it() {
        let (status, reason) = status(|snapshot| {
            *snapshot.administrators_mut() = Holders { roles: vec!["deploy".into()], ..Holders::default() };
            roles(snapshot)[0].trust = Trust::naming(SERVICE);
        });
        assert_eq!(status, Status::Failed);
        assert!(reason.starts_with("Only services and programs"), "{reason}");
    }

    #[test]
    fn a_role_that_is_not_listed_or_whose_trust_cannot_be_read_is_unknown() {
        let named = |name: &str| Holders { roles: vec![name.into()], ..Holders::default() };
        let (unlisted, _) = status(|snapshot| *snapshot.administrators_mut() = named("elsewhere"));
        let (unreadable, _) = status(|snapshot| {
            *snapshot.administrators_mut() = named("deploy");
            roles(snapshot)[0].trust = Trust::UNREADABLE;
        });
        assert_eq!([unlisted, unreadable], [Status::Unknown; 2]);
    }

    #[test]
    fn users_and_groups_administer_by_policies_of_their_own_and_programs_do_not() {
        let all = || InlinePolicy { name: "all".into(), grants: Breadth::Everything.into() };
        let ways: [fn(&mut Snapshot, InlinePolicy); 2] = [
            |snapshot, all| snapshot.users_mut()[0].inline_policies.push(all),
            |snapshot, all| snapshot.identities.as_mut().unwrap().groups[0].inline_policies.push(all),
        ];
        for way in ways {
            let by = |change: fn(&mut Snapshot)| {
                status(|snapshot| {
                    *snapshot.administrators_mut() = Holders::default();
                    way(snapshot, all());
                    change(snapshot);
                })
            };
            assert_eq!(by(|_| {}).0, Status::Passed);
            let (status, reason) = by(|snapshot| snapshot.report_users()[0].password_enabled = Ok(false));
            assert_eq!(status, Status::Failed);
            assert!(reason.ends_with("no user with a password"), "{reason}");
        }
    }

    #[test]
    fn an_administrator_who_is_denied_much_is_unknown_and_never_a_failure_by_the_deny() {
        let deny = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}"#;
        let denied = Grants::of_encoded(deny, &Snapshot::compliant().account.id);
        let role = by_role(OTHER_ACCOUNT, Breadth::Everything, |snapshot| {
            roles(snapshot)[0].inline_policies.push(InlinePolicy { name: "deny".into(), grants: denied });
        });
        let (user, _) = status(|snapshot| {
            let deny = InlinePolicy { name: "deny".into(), grants: denied };
            snapshot.identities.as_mut().unwrap().groups[0].inline_policies.push(deny);
        });
        assert_eq!([role, user], [Status::Unknown; 2]);
    }
}
