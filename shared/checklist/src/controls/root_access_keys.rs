use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::Verdict;

use super::root_slots::{Listed, Slots};
use crate::control::{Control, Reference, Remediation, Step, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "root-access-keys",
    title: "Root has no access keys, active or inactive",
    violation: "root has an access key",
    step: Some(Step::RootAccessKeys),
    severity: Severity::Critical,
    rationale: "A root access key gives full control of the account from anywhere, without a password or MFA, and no \
                IAM policy limits it. An inactive key can be activated again. Only deletion removes it.",
    semantics: "Fails when the credential report shows a key in either slot, active or not (an inactive key keeps its \
                `last_rotated` date), or when `AccountAccessKeysPresent` is above 0. Passes when both sources show \
                none. In a member account without a credential report, `ListAccessKeys` of an AssumeRoot session takes \
                the report's place. In AWS GovCloud (US) root does not sign in to the console: delete the key there with the AWS \
                CLI, signed with the key itself.",
    remediation: Remediation {
        console: &[
            "Find out what uses each key (the report shows when it was last used) and move that workload to an IAM role.",
            "Sign in as root and choose Security credentials in the account menu.",
            "Access keys > Actions > Deactivate. When nothing has failed for a few days, Access keys > Actions > \
             Delete.",
        ],
        cli: &["aws iam delete-access-key --access-key-id <key id>   # signed with root's own credentials"],
    },
    sources: &[Source::CredentialReport, Source::AccountSummary, Source::RootAudit],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.4"),
        (Framework::Cis5, "1.3"),
        (Framework::Cis6, "2.3"),
        (Framework::Cis7, "2.4"),
        (Framework::SecurityHub, "IAM.4"),
        (Framework::Config, "iam-root-access-key-check"),
        (Framework::Prowler, "iam_no_root_access_key"),
    ],
    references: &[
        Reference {
            name: "AWS: Delete access keys for the root user",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user_manage_delete-key.html",
        },
        Reference {
            name: "AWS GovCloud (US): account root user",
            url: "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-account-root-user.html",
        },
    ],
    evaluate,
};

const SLOTS: Slots = Slots {
    noun: "access key",
    of_report: |root| &root.access_keys,
    of_audit: |audit| {
        let keys = audit.access_keys.as_ref().map_err(Clone::clone)?.iter();
        let used = |last_used: &Option<_>| last_used.map_or("never used".into(), |at| format!("last used {at}"));
        let listed = keys.map(|key| Listed {
            id: key.id.clone(),
            active: key.active,
            used: key.last_used.as_ref().ok().map(used),
        });
        Ok(listed.collect())
    },
    of_summary: ("AccountAccessKeysPresent", |summary| &summary.root_access_keys),
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    Ok(SLOTS.are_empty(snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::credential_report::UnreadableCell;
    use facts::source::Source;
    use facts::testing::unavailable;
    use facts::verdict::Status;

    #[test]
    fn no_key_in_both_sources_passes() {
        assert_eq!(verdict_of(&CONTROL, |_| {}).status, Status::Passed);
    }

    #[test]
    fn an_active_key_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root().access_keys[0].active = Ok(true));
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.reason.starts_with("Root has 1 access key (active)"));
    }

    #[test]
    fn a_key_of_govcloud_fails_too_and_the_way_to_delete_it_there_is_said() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.account.partition = facts::Partition::GovCloud;
            snapshot.root().access_keys[0].active = Ok(true);
        });
        assert_eq!(verdict.status, Status::Failed);
        assert!(
            verdict.reason.ends_with("delete it with the AWS CLI, signed with root's own key"),
            "{}",
            verdict.reason
        );
    }

    #[test]
    fn an_inactive_key_fails_in_either_slot() {
        for slot in [0, 1] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.root().access_keys[slot].last_rotated = Ok(Some(snapshot.taken_at()));
            });
            assert_eq!(verdict.status, Status::Failed);
            assert!(verdict.reason.contains("inactive"));
        }
    }

    #[test]
    fn a_key_that_only_the_live_summary_shows_fails_and_the_disagreement_is_said() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.summary_mut().root_access_keys = Ok(1));
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.reason.contains("credential report passed, account summary failed"), "{}", verdict.reason);
        assert_eq!(verdict.evidence.len(), 3);
    }

    #[test]
    fn one_source_is_enough_to_fail_and_not_enough_to_pass() {
        let blind = |snapshot: &mut facts::Snapshot| {
            snapshot.account_summary = Err(unavailable(Source::AccountSummary));
        };
        assert_eq!(verdict_of(&CONTROL, blind).status, Status::Unknown);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            blind(snapshot);
            snapshot.root().access_keys[0].active = Ok(true);
        });
        assert_eq!(verdict.status, Status::Failed);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
            snapshot.summary_mut().root_access_keys = Ok(2);
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn a_slot_that_cannot_be_read_is_unknown_unless_the_other_holds_a_key() {
        let unreadable = || UnreadableCell { column: "access_key_1_active", found: Some("maybe".into()) };
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root().access_keys[0].active = Err(unreadable()));
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.contains("access_key_1_active says `maybe`"));
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().access_keys[0].active = Err(unreadable());
            snapshot.root().access_keys[1].active = Ok(true);
        });
        assert_eq!(verdict.status, Status::Failed);
    }
}
