use facts::identities::{InlinePolicy, ManagedPolicy};
use facts::policy_document::{Breadth, Grants};
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::text::{bounded, counted};
use facts::verdict::{Evidence, Status, Verdict};

use super::holdings::{self, Holding};
use super::survey::Survey;
use crate::control::{Control, Reference, Remediation, name_after_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "least-privilege",
    title: "No customer-managed or inline policy grants full admin (*:*)",
    violation: "a custom policy grants full admin (*:*)",
    step: None,
    severity: Severity::High,
    rationale: "Anyone with such a policy is an administrator, and one stolen key of theirs opens everything. Unlike \
                AdministratorAccess, the policy does not show in the list of administrators.",
    semantics: "Evaluates customer-managed policies that are attached to a user, a group or a role, and inline \
                policies. Fails when one allows every action on every resource, or everything except what a \
                `NotAction` or `NotResource` names while IAM stays open; the statements of a policy are combined, as \
                in AWS. The policies of one identity are combined, too, with those of a user's groups and with AWS's \
                PowerUserAccess and IAMFullAccess: if they together grant full admin, the identity fails. A condition \
                does not help, because it limits when and not what, unless it uses `iam:PermissionsBoundary` or \
                `iam:PolicyARN`. Nor does a `Deny` or a permissions boundary. `iam:PassRole` alone does not count as \
                open IAM. Other AWS-managed policies are not evaluated; who has AdministratorAccess is evaluated in \
                steps 3 and 4. Unknown when a policy cannot be read, or when AWS does not list who has the policies \
                that add up. Not applicable without such policies.",
    remediation: Remediation {
        console: &[
            "IAM > Roles (or Users) > [the one with the policy] > Last Accessed: see which services it really uses.",
            "IAM > Policies > [policy] > Edit (or the inline policy): name those services, actions and resources. \
             Access Analyzer can generate a policy from CloudTrail.",
            "For a real administrator: attach AdministratorAccess to the group or role instead, so that it is \
             visible.",
        ],
        cli: &[
            "aws iam list-entities-for-policy --policy-arn <arn>",
            "aws iam create-policy-version --policy-arn <arn> --policy-document file://narrower.json --set-as-default",
            "aws iam put-role-policy --role-name <role> --policy-name <name> --policy-document file://narrower.json",
            "aws iam detach-role-policy --role-name <role> --policy-arn <arn>",
        ],
    },
    sources: &[Source::Identities, Source::RolesAndPolicies],
    user_of: name_after_user,
    mappings: &[
        (Framework::Cis3, "1.16"),
        (Framework::Cis5, "1.15"),
        (Framework::Cis6, "2.15"),
        (Framework::Cis7, "2.14"),
        (Framework::SecurityHub, "IAM.1"),
        (Framework::Config, "iam-policy-no-statements-with-admin-access"),
        (Framework::Prowler, "iam_customer_attached_policy_no_administrative_privileges"),
        (Framework::Prowler, "iam_inline_policy_no_administrative_privileges"),
    ],
    references: &[Reference {
        name: "AWS: Security best practices in IAM, apply least-privilege permissions",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let mut survey = Survey::default();
    let mut policies = Vec::new();
    let mut evidence = Vec::new();
    match &snapshot.roles_and_policies {
        Ok(found) => {
            for policy in found.policies.iter().filter(|policy| policy.attachments > 0) {
                policies.push((Source::RolesAndPolicies, format!("policy {}", policy.name), policy.grants.breadth()));
            }
            for role in &found.roles {
                policies.extend(inline(Source::RolesAndPolicies, "role", &role.name, &role.inline_policies));
            }
            let evaluated = "attached customer-managed policies, inline policies of roles";
            evidence.push(snapshot.evidence(Source::RolesAndPolicies, evaluated, policies.len()));
        }
        Err(unavailable) => survey.unread = Some(unavailable.clone()),
    }
    match &snapshot.identities {
        Ok(found) => {
            let others = policies.len();
            for group in &found.groups {
                policies.extend(inline(Source::Identities, "group", &group.name, &group.inline_policies));
            }
            for user in &found.users {
                policies.extend(inline(Source::Identities, "user", &user.name, &user.inline_policies));
            }
            let evaluated = "inline policies of users and groups";
            evidence.push(snapshot.evidence(Source::Identities, evaluated, policies.len() - others));
        }
        Err(unavailable) => survey.unread = Some(unavailable.clone()),
    }

    let has_none = policies.is_empty();
    for (source, name, breadth) in policies {
        // Cut as an exception's resource is cut.
        let evidence = || snapshot.evidence(source, bounded(&name), breadth);
        match breadth {
            Breadth::Limited => {}
            Breadth::Unreadable => survey.unclear.push(evidence()),
            Breadth::AllBut | Breadth::Everything => survey.wrong.push(evidence()),
        }
    }
    let alone = survey.wrong.len();
    let holdings = holdings::all(snapshot);
    for holding in &holdings {
        survey.unclear.extend(holding.unlisted().map(|policy| {
            let value = "attached; AWS did not list what it allows";
            snapshot.evidence(holding.source, bounded(&format!("{holding}, {policy}")), value)
        }));
        let Some(parts) = holding.adding_up() else { continue };
        let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
        let fact = bounded(&format!("{holding}, {}", parts.join(" + ")));
        survey.wrong.push(snapshot.evidence(holding.source, fact, "together grant full admin, or leave IAM open"));
    }
    let added_up = survey.wrong.len() - alone;
    survey.unclear.extend(unseen(snapshot, &holdings));

    let fine = if has_none && survey.wrong.is_empty() {
        let reason = "No customer-managed policy is attached, and there are no inline policies";
        Verdict::new(Status::NotApplicable, reason, evidence)
    } else {
        Verdict::new(Status::Passed, "No attached customer-managed or inline policy grants full admin", evidence)
    };
    let mut verdict = survey.verdict(
        fine,
        [
            "policy grants full admin, or everything except what it names",
            "policies grant full admin, or everything except what they name",
        ],
        ["policy cannot be evaluated", "policies cannot be evaluated"],
    );
    if added_up > 0 {
        let add_up = counted(added_up, "identity has policies", "identities have policies");
        let add_up = format!("{add_up} that together grant full admin, or everything except what they name");
        verdict.reason = if alone > 0 {
            let one = "policy grants as much by itself";
            format!("{add_up}; {}", counted(alone, one, "policies grant as much by themselves"))
        } else {
            add_up
        };
    }
    Ok(verdict)
}

/// Policies that are attached to an identity that was not seen, if they would add up to everything where one holder has them all.
fn unseen(snapshot: &Snapshot, holdings: &[Holding<'_>]) -> Option<Evidence> {
    let found = snapshot.roles_and_policies.as_ref().ok().filter(|_| snapshot.identities.is_ok())?;
    let seen = holdings::attachments(holdings);
    let is_unseen = |policy: &&ManagedPolicy| {
        policy.attachments > seen.get(policy.name.as_str()).copied().unwrap_or_default()
            && policy.grants.breadth() == Breadth::Limited
            && policy.grants != Grants::LIMITED
    };
    let unseen: Vec<&ManagedPolicy> = found.policies.iter().filter(is_unseen).collect();
    let together = unseen.iter().map(|policy| policy.grants).fold(Grants::LIMITED, Grants::with);
    together.breadth().is_everything().then(|| {
        let value = "attached policies together grant full admin; AWS did not list which identities have them";
        snapshot.evidence(Source::RolesAndPolicies, format!("{} policies", unseen.len()), value)
    })
}

fn inline(
    source: Source,
    kind: &str,
    holder: &str,
    policies: &[InlinePolicy],
) -> impl Iterator<Item = (Source, String, Breadth)> {
    policies
        .iter()
        .map(move |policy| (source, format!("{kind} {holder}, inline policy {}", policy.name), policy.grants.breadth()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::identities::{AttachedPolicy, ManagedPolicy, RolesAndPolicies};
    use facts::testing::unavailable;

    fn roles_and_policies(snapshot: &mut Snapshot) -> &mut RolesAndPolicies {
        snapshot.roles_and_policies.as_mut().unwrap()
    }

    type Add = fn(&mut Snapshot, Breadth);

    /// A further attached policy of this breadth, at every place where one can be, with its name.
    const PLACES: [(Add, &str); 4] = [
        (
            |snapshot, breadth| {
                let wide = ManagedPolicy { name: "wide".into(), attachments: 1, grants: breadth.into() };
                roles_and_policies(snapshot).policies.push(wide);
            },
            "policy wide",
        ),
        (
            |snapshot, breadth| {
                let wide = InlinePolicy { name: "wide".into(), grants: breadth.into() };
                roles_and_policies(snapshot).roles[0].inline_policies.push(wide);
            },
            "role deploy, inline policy wide",
        ),
        (
            |snapshot, breadth| {
                let wide = InlinePolicy { name: "wide".into(), grants: breadth.into() };
                snapshot.identities.as_mut().unwrap().groups[0].inline_policies.push(wide);
            },
            "group Administrators, inline policy wide",
        ),
        (
            |snapshot, breadth| {
                snapshot.users_mut()[0]
                    .inline_policies
                    .push(InlinePolicy { name: "wide".into(), grants: breadth.into() });
            },
            "user alice, inline policy wide",
        ),
    ];

    #[test]
    fn limited_policies_pass() {
        for (add, _) in PLACES {
            let verdict = verdict_of(&CONTROL, |snapshot| add(snapshot, Breadth::Limited));
            assert_eq!((verdict.status, verdict.judged_by.len()), (Status::Passed, 2));
        }
    }

    #[test]
    fn a_policy_that_allows_everything_or_leaves_iam_open_fails_by_name_wherever_it_is() {
        for (add, name) in PLACES {
            for breadth in [Breadth::Everything, Breadth::AllBut] {
                let verdict = verdict_of(&CONTROL, |snapshot| add(snapshot, breadth));
                assert_eq!(
                    (verdict.status, verdict.reason.as_str()),
                    (Status::Failed, "1 policy grants full admin, or everything except what it names")
                );
                assert_eq!(verdict.resources, [name]);
                assert_eq!(
                    (verdict.evidence[2].fact.as_str(), &verdict.evidence[2].value),
                    (name, &breadth.to_string())
                );
            }
        }
    }

    #[test]
    fn what_is_attached_to_nothing_allows_nothing() {
        for breadth in [Breadth::Everything, Breadth::Unreadable] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                let spare = ManagedPolicy { name: "spare".into(), attachments: 0, grants: breadth.into() };
                roles_and_policies(snapshot).policies.push(spare);
            });
            assert_eq!(verdict.status, Status::Passed);
        }
    }

    #[test]
    fn a_document_that_cannot_be_read_is_unknown_unless_another_policy_fails() {
        for (add, name) in PLACES {
            let verdict = verdict_of(&CONTROL, |snapshot| add(snapshot, Breadth::Unreadable));
            assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Unknown, "1 policy cannot be evaluated"));
            assert_eq!(verdict.evidence[2].fact, name);
            let verdict = verdict_of(&CONTROL, |snapshot| {
                add(snapshot, Breadth::Unreadable);
                add(snapshot, Breadth::Everything);
            });
            assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec![name.to_owned()]));
        }
    }

    #[test]
    fn a_source_that_could_not_be_read_is_unknown_unless_the_other_shows_a_failure() {
        type Blind = fn(&mut Snapshot);
        let blinds: [(Blind, usize); 2] = [
            (|snapshot| snapshot.identities = Err(unavailable(Source::Identities)), 0),
            (|snapshot| snapshot.roles_and_policies = Err(unavailable(Source::RolesAndPolicies)), 2),
        ];
        for ((blind, seen), of) in blinds.into_iter().zip([Source::RolesAndPolicies, Source::Identities]) {
            let verdict = verdict_of(&CONTROL, blind);
            assert_eq!(verdict.status, Status::Unknown);
            let sources: Vec<Source> = verdict.evidence.iter().map(|evidence| evidence.source).collect();
            assert_eq!(sources, [of], "what was not read was not counted");
            let verdict = verdict_of(&CONTROL, |snapshot| {
                PLACES[seen].0(snapshot, Breadth::Everything);
                blind(snapshot);
            });
            assert_eq!((verdict.status, verdict.judged_by.len()), (Status::Failed, 1));
        }
    }

    #[test]
    fn without_policies_of_its_own_it_is_not_applicable() {
        let verdict = verdict_of(&CONTROL, |snapshot| roles_and_policies(snapshot).policies.clear());
        assert_eq!(verdict.status, Status::NotApplicable);
    }

    #[test]
    fn a_long_name_is_cut_as_an_exception_cuts_it() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.identities.as_mut().unwrap().groups[0].name = "g".repeat(128);
            let wide = InlinePolicy { name: "p".repeat(128), grants: Breadth::Everything.into() };
            snapshot.identities.as_mut().unwrap().groups[0].inline_policies.push(wide);
        });
        assert_eq!(verdict.resources, [bounded(&verdict.resources[0])]);
    }

    /// In each of these two, half of everything; no part of it is everything.
    const HALVES: [&str; 2] = [
        r#"{"Statement":{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*"}}"#,
    ];

    fn half(number: usize) -> Grants {
        Grants::of_encoded(HALVES[number], &facts::account::AccountId::parse("111122223333").unwrap())
    }

    fn inline_half(number: usize) -> InlinePolicy {
        InlinePolicy { name: format!("half-{number}"), grants: half(number) }
    }

    /// A customer-managed policy that is attached to so many.
    fn own_half(snapshot: &mut Snapshot, number: usize, attachments: u32) -> AttachedPolicy {
        let name = format!("half-{number}");
        roles_and_policies(snapshot).policies.push(ManagedPolicy {
            name: name.clone(),
            attachments,
            grants: half(number),
        });
        AttachedPolicy::own(&name)
    }

    #[test]
    fn policies_of_one_holder_add_up_and_the_holder_fails_with_both() {
        type Add = fn(&mut Snapshot);
        let holders: [(Add, &str); 6] = [
            (
                |snapshot| {
                    let attached = [own_half(snapshot, 0, 1), own_half(snapshot, 1, 1)];
                    roles_and_policies(snapshot).roles[0].attached_policies.extend(attached);
                },
                "role deploy, policy half-0 + policy half-1",
            ),
            (
                |snapshot| {
                    let role = &mut roles_and_policies(snapshot).roles[0];
                    role.attached_policies.push(AttachedPolicy::of_aws("PowerUserAccess"));
                    role.inline_policies.extend([InlinePolicy::limited("other"), inline_half(1)]);
                },
                "role deploy, policy PowerUserAccess + inline policy half-1",
            ),
            (
                |snapshot| {
                    let attached = own_half(snapshot, 0, 1);
                    let group = &mut snapshot.identities.as_mut().unwrap().groups[0];
                    group.attached_policies.push(attached);
                    group.inline_policies.push(inline_half(1));
                },
                "group Administrators, policy half-0 + inline policy half-1",
            ),
            (
                |snapshot| {
                    snapshot.users_mut()[0].inline_policies.push(inline_half(1));
                    snapshot.identities.as_mut().unwrap().groups[0].inline_policies.push(inline_half(0));
                },
                "user alice, inline policy half-1 + inline policy half-0 of group Administrators",
            ),
            (
                |snapshot| {
                    let policies = ["PowerUserAccess", "IAMFullAccess"].map(AttachedPolicy::of_aws);
                    snapshot.users_mut()[0].attached_policies.extend(policies);
                },
                "user alice, policy PowerUserAccess + policy IAMFullAccess",
            ),
            (
                |snapshot| {
                    let all = ["PowerUserAccess", "IAMFullAccess"].map(AttachedPolicy::of_aws);
                    roles_and_policies(snapshot).policies.clear();
                    roles_and_policies(snapshot).roles[0].attached_policies.extend(all);
                },
                "role deploy, policy PowerUserAccess + policy IAMFullAccess",
            ),
        ];
        for (add, name) in holders {
            let verdict = verdict_of(&CONTROL, add);
            assert_eq!((verdict.status, &verdict.resources), (Status::Failed, &vec![name.to_owned()]));
            let reason = "1 identity has policies that together grant full admin, or everything except what they name";
            assert_eq!(verdict.reason, reason);
        }
    }

    #[test]
    fn what_fails_by_itself_is_named_by_itself_and_beside_a_holder() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            PLACES[3].0(snapshot, Breadth::Everything);
            snapshot.users_mut()[0].inline_policies.extend([inline_half(0), inline_half(1)]);
            roles_and_policies(snapshot).roles[0].inline_policies.extend([inline_half(0), inline_half(1)]);
        });
        let role = "role deploy, inline policy half-0 + inline policy half-1";
        assert_eq!(verdict.resources, ["user alice, inline policy wide", role]);
        assert!(verdict.reason.ends_with("; 1 policy grants as much by itself"), "{}", verdict.reason);
    }

    #[test]
    fn halves_that_no_holder_has_both_pass_and_an_administrator_is_evaluated_elsewhere() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let [one, other] = [own_half(snapshot, 0, 1), own_half(snapshot, 1, 1)];
            let roles = &mut roles_and_policies(snapshot).roles;
            roles[0].attached_policies.push(one);
            roles[1].attached_policies.push(other);
        });
        assert_eq!(verdict.status, Status::Passed, "{verdict:?}");
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let attached = ["AdministratorAccess", "IAMFullAccess"].map(AttachedPolicy::of_aws);
            snapshot.users_mut()[0].attached_policies.extend(attached);
        });
        assert_eq!(verdict.status, Status::Passed, "{verdict:?}");
    }

    #[test]
    fn halves_whose_holder_was_not_seen_are_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let one = own_half(snapshot, 0, 2);
            own_half(snapshot, 1, 1);
            roles_and_policies(snapshot).roles[0].attached_policies.push(one);
        });
        assert_eq!((verdict.status, verdict.evidence[2].fact.as_str()), (Status::Unknown, "2 policies"));
        let unlisted = verdict_of(&CONTROL, |snapshot| {
            let role = &mut roles_and_policies(snapshot).roles[0];
            role.attached_policies.push(AttachedPolicy::own("not-listed"));
        });
        assert_eq!(unlisted.status, Status::Unknown);
    }
}
