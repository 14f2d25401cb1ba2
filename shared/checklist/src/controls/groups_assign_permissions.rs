use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::text::counted;
use facts::verdict::{Status, Verdict};

use super::named::named;
use crate::control::{Control, Reference, Remediation, Step, whole_name};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "groups-assign-permissions",
    title: "IAM users get permissions through groups only",
    violation: "users have attached or inline policies",
    step: Some(Step::Groups),
    severity: Severity::Medium,
    rationale: "Permissions should follow from a person's groups. Policies on single users are forgotten when people \
                change roles, and are rarely reviewed.",
    semantics: "Fails when an IAM user has a directly attached or an inline policy. A permissions boundary is \
                neither. Not applicable without IAM users.",
    remediation: Remediation {
        console: &[
            "IAM > User groups: create a group for each kind of work and attach the policies to it.",
            "IAM > Users > [user] > Groups: add the user to the groups that it needs.",
            "IAM > Users > [user] > Permissions: remove every policy that says Attached directly or Inline.",
        ],
        cli: &[
            "aws iam detach-user-policy --user-name <user> --policy-arn <arn>",
            "aws iam delete-user-policy --user-name <user> --policy-name <name>",
        ],
    },
    sources: &[Source::Identities],
    user_of: whole_name,
    mappings: &[
        (Framework::Cis3, "1.15"),
        (Framework::Cis5, "1.14"),
        (Framework::Cis6, "2.14"),
        (Framework::Cis7, "2.13"),
        (Framework::SecurityHub, "IAM.2"),
        (Framework::Config, "iam-user-no-policies-check"),
        (Framework::Prowler, "iam_policy_attached_only_to_group_or_roles"),
    ],
    references: &[Reference {
        name: "AWS: IAM user groups",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let identities = snapshot.identities.as_ref().map_err(Clone::clone)?;
    let users = &identities.users;
    let mut evidence = vec![
        snapshot.evidence(Source::Identities, "IAM users", users.len()),
        snapshot.evidence(Source::Identities, "IAM groups", identities.groups.len()),
    ];
    if users.is_empty() {
        return Ok(Verdict::new(Status::NotApplicable, "There are no IAM users", evidence));
    }
    let holders: Vec<_> =
        users.iter().filter(|user| !user.attached_policies.is_empty() || !user.inline_policies.is_empty()).collect();
    if holders.is_empty() {
        return Ok(Verdict::new(Status::Passed, "No IAM user has directly attached or inline policies", evidence));
    }
    let held = holders.iter().map(|user| {
        let attached = user.attached_policies.iter().map(|policy| format!("{} (attached)", policy.name));
        let inline = user.inline_policies.iter().map(|policy| format!("{} (inline)", policy.name));
        snapshot.evidence(Source::Identities, user.name.as_str(), attached.chain(inline).collect::<Vec<_>>().join(", "))
    });
    evidence.extend(named(held.collect(), "further users"));
    let reason = counted(
        holders.len(),
        "user has directly attached or inline policies",
        "users have directly attached or inline policies",
    );
    let names = holders.iter().map(|user| user.name.clone()).collect();
    Ok(Verdict::new(Status::Failed, reason, evidence).naming(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::identities::{AttachedPolicy, IamUser, InlinePolicy};
    use facts::testing::unavailable;

    #[test]
    fn users_without_policies_of_their_own_pass() {
        assert_eq!(verdict_of(&CONTROL, |_| {}).status, Status::Passed);
    }

    #[test]
    fn an_attached_or_an_inline_policy_fails_and_is_named() {
        type Break = fn(&mut IamUser);
        let breaks: [(Break, &str); 3] = [
            (
                |user| user.attached_policies.push(AttachedPolicy::of_aws("AdministratorAccess")),
                "AdministratorAccess (attached)",
            ),
            (
                |user| user.attached_policies.push(AttachedPolicy::of_aws("PowerUserAccess")),
                "PowerUserAccess (attached)",
            ),
            (|user| user.inline_policies.push(InlinePolicy::limited("legacy")), "legacy (inline)"),
        ];
        for (break_it, shown) in breaks {
            let verdict = verdict_of(&CONTROL, |snapshot| break_it(&mut snapshot.users_mut()[0]));
            assert_eq!(
                (verdict.status, verdict.reason.as_str()),
                (Status::Failed, "1 user has directly attached or inline policies")
            );
            assert_eq!((verdict.evidence[2].fact.as_str(), verdict.evidence[2].value.as_str()), ("alice", shown));
        }
    }

    #[test]
    fn at_most_20_users_are_named_and_the_rest_counted() {
        let named = |count: usize| {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                let user = |n| IamUser {
                    name: format!("user-{n}"),
                    inline_policies: vec![InlinePolicy::limited("x")],
                    ..Default::default()
                };
                *snapshot.users_mut() = (0..count).map(user).collect();
            });
            let more = verdict.evidence.iter().find(|evidence| evidence.fact == "further users");
            (
                verdict.evidence.iter().filter(|e| e.fact.starts_with("user-")).count(),
                more.map(|more| more.value.clone()),
            )
        };
        assert_eq!(named(20), (20, None));
        assert_eq!(named(23), (20, Some("3".into())));
    }

    #[test]
    fn no_users_is_not_applicable_and_unread_users_are_unknown() {
        assert_eq!(verdict_of(&CONTROL, |snapshot| snapshot.users_mut().clear()).status, Status::NotApplicable);
        let blind = verdict_of(&CONTROL, |snapshot| snapshot.identities = Err(unavailable(Source::Identities)));
        assert_eq!(blind.status, Status::Unknown);
    }
}
