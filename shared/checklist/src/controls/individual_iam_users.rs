use crate::control::{Control, Reference, Remediation, Severity, Step};
use crate::finding::{Status, Verdict};
use crate::settings::Settings;
use crate::snapshot::{Snapshot, Source, Unavailable};

/// Roles that IAM Identity Center makes in an account begin so
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html>).
pub(super) const IDENTITY_CENTER_ROLE: &str = "AWSReservedSSO_";

pub(super) const CONTROL: Control = Control {
    id: "individual-iam-users",
    title: "People have identities of their own: IAM users or federation",
    violation: "nobody but root can sign in",
    step: Some(Step::IndividualUsers),
    severity: Severity::Medium,
    rationale: "Where no other identity exists, root does the daily work: nothing limits it, and no log tells who it was.",
    semantics: "Fails when there is no IAM user, no identity provider and no IAM Identity Center role among the \
                administrators. Any one of the three passes.",
    remediation: Remediation {
        console: &[
            "Best: enable IAM Identity Center, create a user for each person and assign a permission set.",
            "Or, for a single account: IAM, Users, Create user with console access, one for each person, and put them into a group.",
            "Give each of them MFA.",
        ],
        cli: &[
            "aws iam create-user --user-name <person>",
            "aws iam add-user-to-group --user-name <person> --group-name <group>",
        ],
    },
    sources: &[Source::Identities, Source::AccountSummary, Source::Administrators],
    mappings: &[],
    references: &[
        Reference {
            name: "AWS: Security best practices in IAM, require human users to use federation",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        },
        Reference {
            name: "AWS: Security best practices for the root user",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let listed = snapshot.identities.as_ref().map(|identities| identities.users.len()).map_err(Clone::clone);
    let counted = snapshot.summary().and_then(|summary| summary.users.clone());
    let providers = snapshot.summary().and_then(|summary| summary.identity_providers.clone());
    let federated_roles = snapshot.administrators.as_ref().map_err(Clone::clone).map(|administrators| {
        administrators.roles.iter().filter(|role| role.starts_with(IDENTITY_CENTER_ROLE)).count()
    });
    let ways_in = [
        (Source::Identities, "IAM users", listed),
        (Source::AccountSummary, "Users", counted.map(|count| count as usize)),
        (Source::AccountSummary, "Providers", providers.map(|count| count as usize)),
        (Source::Administrators, "IAM Identity Center roles", federated_roles),
    ];
    let mut evidence = Vec::new();
    let mut unread = None;
    let mut open = false;
    for (source, fact, count) in ways_in {
        match count {
            Ok(count) => {
                open |= count > 0;
                evidence.push(snapshot.evidence(source, fact, count));
            }
            Err(unavailable) => unread = unread.or(Some(unavailable)),
        }
    }
    Ok(match (open, unread) {
        (true, _) => Verdict::new(Status::Passed, "People can sign in without root", evidence),
        (false, Some(unavailable)) => Verdict { evidence, ..unavailable.into() },
        (false, None) => Verdict::new(
            Status::Failed,
            "No IAM user, no identity provider and no IAM Identity Center role exists: only root can sign in",
            evidence,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::{judge, unavailable};

    fn nobody(snapshot: &mut Snapshot) {
        snapshot.users_mut().clear();
        snapshot.summary_mut().users = Ok(0);
        snapshot.summary_mut().identity_providers = Ok(0);
        snapshot.administrators_mut().roles = vec!["Admin".into()];
    }

    #[test]
    fn an_iam_user_passes() {
        assert_eq!(judge(&CONTROL, |_| {}).status, Status::Passed);
    }

    #[test]
    fn nobody_but_root_fails() {
        assert_eq!(judge(&CONTROL, nobody).status, Status::Failed);
    }

    #[test]
    fn each_other_way_in_passes() {
        let ways: [fn(&mut Snapshot); 3] = [
            |snapshot| snapshot.summary_mut().users = Ok(1),
            |snapshot| snapshot.summary_mut().identity_providers = Ok(1),
            |snapshot| snapshot.administrators_mut().roles = vec!["AWSReservedSSO_Admin_0123456789abcdef".into()],
        ];
        for way in ways {
            let verdict = judge(&CONTROL, |snapshot| {
                nobody(snapshot);
                way(snapshot);
            });
            assert_eq!(verdict.status, Status::Passed);
        }
    }

    #[test]
    fn a_way_in_that_could_not_be_read_is_unknown_and_not_a_failure() {
        let blinds: [fn(&mut Snapshot); 3] = [
            |snapshot| snapshot.identities = Err(unavailable(Source::Identities)),
            |snapshot| snapshot.account_summary = Err(unavailable(Source::AccountSummary)),
            |snapshot| snapshot.administrators = Err(unavailable(Source::Administrators)),
        ];
        for blind in blinds {
            let verdict = judge(&CONTROL, |snapshot| {
                nobody(snapshot);
                blind(snapshot);
            });
            assert_eq!(verdict.status, Status::Unknown);
        }
    }
}
