use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::age::is_older;
use super::survey::Survey;
use super::user_keys;
use crate::control::{Control, Reference, Remediation, name_before_parentheses};
use crate::framework::Framework;
use crate::settings::Settings;

pub(crate) const CONTROL: Control = Control {
    id: "access-key-rotation",
    title: "No active user access key is older than the limit",
    violation: "user access keys are too old",
    step: None,
    severity: Severity::Medium,
    rationale: "An access key never expires, and ends up in files, backups and build systems. The older it is, the \
                more copies there are, and the fewer people know where.",
    semantics: "Fails when an active access key of an IAM user was created longer ago than the limit \
                (`AccessKeyMaxAgeDays`, 90 days by default). The credential report shows two keys of each user; \
                unknown when it says that a user has more. Root's keys are covered by step 1. Not applicable without \
                active keys.",
    remediation: Remediation {
        console: &[
            "Better than a new key: give the workload an IAM role, and give people IAM Identity Center.",
            "Otherwise: IAM > Users > [user] > Security credentials > Create access key. Put the new key where the \
             old one is used.",
            "When the old key's last use no longer changes: Actions > Deactivate. A few days later: Actions > Delete.",
        ],
        cli: &[
            "aws iam create-access-key --user-name <user>",
            "aws iam get-access-key-last-used --access-key-id <old key id>",
            "aws iam update-access-key --user-name <user> --access-key-id <old key id> --status Inactive",
            "aws iam delete-access-key --user-name <user> --access-key-id <old key id>",
        ],
    },
    sources: &[Source::CredentialReport],
    user_of: name_before_parentheses,
    mappings: &[
        (Framework::Cis3, "1.14"),
        (Framework::Cis5, "1.13"),
        (Framework::Cis6, "2.13"),
        (Framework::Cis7, "2.12"),
        (Framework::SecurityHub, "IAM.3"),
        (Framework::Config, "access-keys-rotated"),
        (Framework::Prowler, "iam_rotate_access_key_90_days"),
    ],
    references: &[Reference {
        name: "AWS: Update access keys",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    let days = settings.access_key_max_age_days;
    let mut survey = Survey::default();
    let mut active = 0;
    let users = &snapshot.fresh_credential_report()?.users;
    for (name, key) in users.iter().flat_map(user_keys::slots) {
        if key.active == Ok(false) {
            continue;
        }
        active += 1;
        let evidence = |value: String| snapshot.report_evidence(name.to_string(), value);
        match (&key.active, &key.last_rotated) {
            // Young, active or not.
            (_, Ok(Some(at))) if !is_older(snapshot, *at, days) => {}
            (Ok(_), Ok(Some(at))) => survey.wrong.push(evidence(format!("active, created or rotated {at}"))),
            (Ok(_), Ok(None)) => survey.unclear.push(evidence("active, without a date".into())),
            (Err(cell), _) | (_, Err(cell)) => survey.unclear.push(evidence(cell.to_string())),
        }
    }
    survey.unclear.extend(user_keys::further(snapshot, users));
    let evidence = vec![snapshot.report_evidence("active access keys", active)];
    let fine = if active == 0 {
        Verdict::new(Status::NotApplicable, "No user has an active access key", evidence)
    } else {
        Verdict::new(Status::Passed, format!("No active access key is older than {days} days"), evidence)
    };
    let wrong = format!("active access key is older than {days} days");
    let wrong_ones = format!("active access keys are older than {days} days");
    Ok(survey.verdict(
        fine,
        [&wrong, &wrong_ones],
        [
            "access key cannot be evaluated from the credential report",
            "access keys cannot be evaluated from the credential report",
        ],
    ))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use facts::credential_report::{KeySlot, UnreadableCell};
    use facts::testing::unavailable;

    /// alice's key of this slot is active and was rotated so many days and seconds ago.
    fn rotate(snapshot: &mut Snapshot, slot: usize, days: i64, seconds: i64) {
        let at = snapshot.taken_at - SignedDuration::from_hours(24 * days) - SignedDuration::from_secs(seconds);
        let key = &mut snapshot.report_users()[0].access_keys[slot];
        (key.active, key.last_rotated) = (Ok(true), Ok(Some(at)));
    }

    fn cell<T>() -> Result<T, UnreadableCell> {
        Err(UnreadableCell { column: "access_key_1_active", found: Some("?".into()) })
    }

    #[test]
    fn a_young_key_passes() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!((verdict.status, verdict.evidence[0].value.as_str()), (Status::Passed, "1"));
    }

    #[test]
    fn the_limit_is_a_setting_and_holds_to_the_second() {
        for days in [30, 90] {
            let settings = Settings { access_key_max_age_days: days, ..Settings::default() };
            let at = |seconds| {
                verdict_with(&CONTROL, &settings, |snapshot| rotate(snapshot, 0, i64::from(days), seconds)).status
            };
            assert_eq!([at(0), at(1)], [Status::Passed, Status::Failed], "{days}");
        }
    }

    #[test]
    fn old_keys_fail_in_either_slot_and_are_named() {
        let verdict = verdict_of(&CONTROL, |snapshot| rotate(snapshot, 1, 91, 0));
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::Failed, "1 active access key is older than 90 days")
        );
        assert_eq!(verdict.resources, ["alice (access key 2)"]);
        assert_eq!(verdict.evidence[1].value, "active, created or rotated 2026-08-21T10:00:00Z");
        let verdict = verdict_of(&CONTROL, |snapshot| {
            rotate(snapshot, 0, 91, 0);
            rotate(snapshot, 1, 91, 0);
        });
        assert_eq!(verdict.resources, ["alice (access key 1)", "alice (access key 2)"]);
    }

    #[test]
    fn keys_that_the_report_does_not_show_are_unknown() {
        let further = |snapshot: &mut Snapshot| {
            snapshot.report_users()[0].further_credentials = Some("1 additional access key".into());
        };
        let verdict = verdict_of(&CONTROL, further);
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::Unknown, "1 access key cannot be evaluated from the credential report")
        );
        assert_eq!(verdict.evidence[1].fact, "alice (further credentials)");
        let verdict = verdict_of(&CONTROL, |snapshot| {
            further(snapshot);
            rotate(snapshot, 1, 91, 0);
        });
        assert_eq!((verdict.status, verdict.resources.len()), (Status::Failed, 1));
    }

    #[test]
    fn inactive_keys_and_roots_keys_are_not_evaluated() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            rotate(snapshot, 0, 91, 0);
            snapshot.report_users()[0].access_keys[0].active = Ok(false);
            snapshot.root().access_keys[0] =
                KeySlot { active: Ok(true), ..snapshot.report_users()[0].access_keys[0].clone() };
        });
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::NotApplicable, "No user has an active access key")
        );
    }

    #[test]
    fn a_cell_that_cannot_be_read_is_unknown_unless_another_key_fails() {
        let changes: [fn(&mut KeySlot); 3] =
            [|key| key.active = cell(), |key| key.last_rotated = cell(), |key| key.last_rotated = Ok(None)];
        for change in changes {
            let unread = |snapshot: &mut Snapshot| {
                rotate(snapshot, 0, 91, 0);
                change(&mut snapshot.report_users()[0].access_keys[0]);
            };
            let verdict = verdict_of(&CONTROL, unread);
            assert_eq!((verdict.status, verdict.evidence[1].fact.as_str()), (Status::Unknown, "alice (access key 1)"));
            let verdict = verdict_of(&CONTROL, |snapshot| {
                unread(snapshot);
                rotate(snapshot, 1, 91, 0);
            });
            assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec!["alice (access key 2)".to_owned()]));
        }
    }

    #[test]
    fn a_report_that_could_not_be_read_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(verdict.status, Status::Unknown);
    }
}
