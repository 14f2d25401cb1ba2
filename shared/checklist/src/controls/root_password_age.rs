use facts::root_activity::{Kind, RootActivity};
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};
use jiff::Timestamp;

use super::age::is_older;
use super::root_credentials;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::declarations::Statement;
use crate::settings::Settings;

/// How old root's password may be.
const MAX_AGE_DAYS: u16 = 90;

pub(super) const CONTROL: Control = Control {
    id: "root-password-age",
    title: "Root's password was changed within the last 90 days",
    violation: "root's password is older than 90 days",
    step: None,
    severity: Severity::Low,
    rationale: "If a rarely used password was copied, you will not notice. Changing it locks out anyone who has the \
                copy, and proves that you can still sign in. The account's password policy does not apply to root.",
    semantics: "The newest known change counts: `password_last_changed` in the credential report, or \
                `PasswordUpdated`, `ChangePassword` or a completed recovery in CloudTrail. If none of these gives a \
                date, the attestation `root-password-changed` in the parameter `Attestations` does. Fails when the \
                change is more than 90 days old. Unknown when no source gives a date, for example for some hours after \
                root got a new password. Not applicable when root has no password, as in AWS GovCloud (US) and in \
                China.",
    remediation: Remediation {
        console: &[
            "Sign in as root and choose Account in the account menu.",
            "Next to Password choose Edit. Set a long, random password and store it where the old one was.",
            "If the finding is unknown, record the date of the change in the parameter Attestations, as \
             `root-password-changed`.",
        ],
        cli: &[
            "aws iam generate-credential-report   # root's password can only be changed in the console; this shows the date",
            "aws iam get-credential-report --query Content --output text | base64 --decode | cut -d, -f1,6 | head -2",
        ],
    },
    sources: &[
        Source::CredentialReport,
        Source::AccountSummary,
        Source::RootPasswordChange,
        Source::RootEvents,
        Source::Attestations,
    ],
    user_of: no_user,
    mappings: &[],
    references: &[
        Reference {
            name: "AWS: Change the password for the root user",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-password.html",
        },
        Reference {
            name: "AWS: Security best practices for the root user",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    if let Some(verdict) = root_credentials::does_not_sign_in(snapshot).or_else(|| without_password(snapshot)) {
        return Ok(verdict);
    }
    let is_old = |at: Timestamp| is_older(snapshot, at, MAX_AGE_DAYS);
    let old = |at: Timestamp| format!("Root's password was last changed at {at}, more than {MAX_AGE_DAYS} days ago");

    let in_report = snapshot.root_row().map(|root| &root.password_last_changed);
    let mut changes = Vec::new();
    let mut evidence = Vec::new();
    if let Ok(Ok(Some(at))) = in_report {
        changes.push(*at);
        evidence.push(snapshot.report_evidence("password_last_changed", at));
    }
    // A change in the future says nothing.
    if let Ok(Some(at)) = snapshot.root_password_change
        && !snapshot.is_ahead(at)
    {
        changes.push(at);
        evidence.push(snapshot.evidence(Source::RootPasswordChange, "newest change in CloudTrail", at));
    }
    // An event without a time lies in the span that was scanned; taken for the worse, at its start.
    let acts = snapshot.root_events.activity.iter().filter(|act| changes_password(act));
    let times = acts.map(|act| act.time.unwrap_or(snapshot.root_events.since));
    if let Some(at) = times.filter(|at| !snapshot.is_ahead(*at)).max() {
        changes.push(at);
        evidence.push(snapshot.evidence(Source::RootEvents, "newest root event that changed the password", at));
    }

    let newest = changes.into_iter().max();
    if let Some(at) = newest.filter(|at| !is_old(*at)) {
        return Ok(Verdict::new(Status::Passed, format!("Root's password was last changed at {at}"), evidence));
    }
    let without_date = match in_report {
        // A change that only the unread report knows would be newer, and so would one that is not attested.
        Err(unavailable) => return Ok(Verdict { evidence, ..unavailable.into() }),
        Ok(Ok(None)) => "none".into(),
        Ok(Err(cell)) => cell.to_string(),
        Ok(Ok(Some(at))) => return Ok(Verdict::new(Status::Failed, old(newest.unwrap_or(*at)), evidence)),
    };
    evidence.push(snapshot.report_evidence("password_last_changed", without_date));

    let stated = settings.declarations.attestation(Statement::RootPasswordChanged).filter(|_| newest.is_none());
    if let Some(stated) = stated {
        let value = format!("{}, attested by {}", stated.on, stated.by);
        evidence.push(snapshot.evidence(Source::Attestations, stated.statement.id(), value));
        if !is_old(stated.on) {
            let reason = format!("Attested: root's password was last changed at {}", stated.on);
            return Ok(Verdict::new(Status::Passed, reason, evidence));
        }
    }
    // The counter shows a password that is younger than the report; the history was not asked for one that the report denies.
    let is_new = snapshot.root_row().is_ok_and(|root| root.password_enabled == Ok(false));
    if let Err(unavailable) = snapshot.root_password_change.as_ref().map_err(Clone::clone)
        && !is_new
    {
        return Ok(Verdict { evidence, ..unavailable.into() });
    }
    Ok(match newest.or(stated.map(|stated| stated.on)) {
        Some(at) => Verdict::new(Status::Failed, old(at), evidence),
        None if is_new => Verdict::new(
            Status::Unknown,
            "Root has a password that is not in the credential report yet; the next report, within 4 hours, shows its age. If you did not set it, reset it now",
            evidence,
        ),
        None => Verdict::new(
            Status::Unknown,
            "AWS does not show when root's password was last changed: change it, or attest `root-password-changed` in the parameter Attestations",
            evidence,
        ),
    })
}

/// The live counter decides; the report only where there is none.
fn without_password(snapshot: &Snapshot) -> Option<Verdict> {
    let evidence = match snapshot.summary().and_then(|summary| summary.root_password.clone()) {
        Ok(0) => snapshot.evidence(Source::AccountSummary, "AccountPasswordPresent", 0),
        Ok(_) => return None,
        Err(_) if snapshot.root_row().is_ok_and(|root| root.password_enabled == Ok(false)) => {
            snapshot.report_evidence("password_enabled", false)
        }
        Err(_) => return None,
    };
    Some(Verdict::new(Status::NotApplicable, "Root has no password", vec![evidence]))
}

fn changes_password(act: &RootActivity) -> bool {
    // An act whose record cannot be read may have failed.
    act.error.is_none()
        && act.details_readable
        && matches!(act.kind, Kind::PasswordChanged | Kind::PasswordRecoveryCompleted)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use facts::credential_report::UnreadableCell;
    use facts::testing::{act, unavailable};

    fn days_ago(snapshot: &Snapshot, days: i64) -> Timestamp {
        snapshot.taken_at - SignedDuration::from_hours(24 * days)
    }

    /// As in reports up to 2021.
    fn dateless(snapshot: &mut Snapshot) {
        snapshot.root().password_last_changed =
            Err(UnreadableCell { column: "password_last_changed", found: Some("not_supported".into()) });
    }

    fn old(snapshot: &mut Snapshot) {
        snapshot.root().password_last_changed = Ok(Some(days_ago(snapshot, 91)));
    }

    fn unread_history(snapshot: &mut Snapshot) {
        snapshot.root_password_change = Err(unavailable(Source::RootPasswordChange));
    }

    fn unread_report(snapshot: &mut Snapshot) {
        snapshot.credential_report = Err(unavailable(Source::CredentialReport));
    }

    /// The owner stated a change so many days ago.
    fn stated(days: i64) -> Settings {
        Settings::stating(&[Statement::RootPasswordChanged], days_ago(&Snapshot::compliant(), days))
    }

    #[test]
    fn root_of_govcloud_has_no_password_also_where_the_counter_is_missing() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.account.partition = facts::Partition::GovCloud;
            snapshot.summary_mut().root_password = Err(unavailable(Source::AccountSummary));
            dateless(snapshot);
        });
        assert_eq!(verdict.status, Status::NotApplicable);
    }

    #[test]
    fn a_change_that_has_not_come_yet_makes_no_password_young() {
        for ahead in [1, 400 * 24 * 60] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                old(snapshot);
                snapshot.root_password_change = Ok(Some(snapshot.taken_at + SignedDuration::from_mins(5 + ahead)));
            });
            assert_eq!(verdict.status, Status::Failed, "{ahead} min");
        }
    }

    #[test]
    fn a_date_in_the_report_decides_to_the_second() {
        let at = |seconds: i64| {
            verdict_of(&CONTROL, |snapshot| {
                let changed = days_ago(snapshot, 90) - SignedDuration::from_secs(seconds);
                snapshot.root().password_last_changed = Ok(Some(changed));
            })
        };
        assert_eq!([at(0).status, at(1).status], [Status::Passed, Status::Failed]);
        assert_eq!(at(1).reason, "Root's password was last changed at 2026-08-22T09:59:59Z, more than 90 days ago");
    }

    #[test]
    fn a_date_in_the_report_needs_no_history() {
        let not_asked = |snapshot: &mut Snapshot| {
            snapshot.root_password_change = Err(Unavailable::not_asked(Source::RootPasswordChange));
        };
        assert_eq!(verdict_of(&CONTROL, not_asked).status, Status::Passed);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            old(snapshot);
            not_asked(snapshot);
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn the_newest_known_change_counts() {
        type Change = fn(&mut Snapshot);
        let history: Change = |snapshot| snapshot.root_password_change = Ok(Some(days_ago(snapshot, 3)));
        let act_at: Change = |snapshot| {
            snapshot.root_events.activity = vec![
                act(Kind::PasswordChanged, Some(days_ago(snapshot, 1))),
                act(Kind::PasswordChanged, Some(days_ago(snapshot, 300))),
            ];
        };
        let recovery: Change = |snapshot| {
            snapshot.root_events.activity = vec![act(Kind::PasswordRecoveryCompleted, Some(days_ago(snapshot, 1)))];
        };
        for change in [history, act_at, recovery] {
            for report in [old, dateless, unread_report] {
                let verdict = verdict_of(&CONTROL, |snapshot| {
                    report(snapshot);
                    change(snapshot);
                });
                assert_eq!(verdict.status, Status::Passed, "{}", verdict.reason);
            }
        }
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root_password_change = Ok(Some(days_ago(snapshot, 91))));
        assert_eq!(verdict.status, Status::Passed, "the report's date is newer");
    }

    #[test]
    fn attempts_and_other_acts_are_no_change() {
        let mut refused = act(Kind::PasswordChanged, None);
        refused.error = Some("Failed".into());
        let unreadable = RootActivity { details_readable: false, ..act(Kind::PasswordChanged, None) };
        for act in [refused, unreadable, act(Kind::PasswordRecoveryRequested, None), act(Kind::SignInSucceeded, None)] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                old(snapshot);
                snapshot.root_events.activity = vec![RootActivity { time: Some(days_ago(snapshot, 1)), ..act }];
            });
            assert_eq!(verdict.status, Status::Failed);
        }
    }

    #[test]
    fn an_act_without_a_time_is_as_old_as_the_span_allows() {
        let at = |days: i64| {
            verdict_of(&CONTROL, |snapshot| {
                old(snapshot);
                snapshot.root_events.since = days_ago(snapshot, days);
                snapshot.root_events.activity = vec![act(Kind::PasswordChanged, None)];
            })
            .status
        };
        assert_eq!([at(90), at(91)], [Status::Passed, Status::Failed]);
    }

    #[test]
    fn without_any_date_it_is_unknown_and_says_what_to_do() {
        let verdict = verdict_of(&CONTROL, dateless);
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.contains("change it, or attest `root-password-changed`"), "{}", verdict.reason);
        assert!(verdict.evidence[0].value.contains("not_supported"));
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root().password_last_changed = Ok(None));
        assert_eq!(verdict.status, Status::Unknown);
    }

    #[test]
    fn a_password_that_the_report_does_not_know_yet_is_unknown_for_that_reason_unless_an_attestation_has_the_date() {
        let recovered = |snapshot: &mut Snapshot| {
            (snapshot.root().password_enabled, snapshot.root().password_last_changed) = (Ok(false), Ok(None));
            snapshot.root_password_change = Err(Unavailable::not_asked(Source::RootPasswordChange));
        };
        let verdict = verdict_of(&CONTROL, recovered);
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.contains("is not in the credential report yet; the next report"), "{}", verdict.reason);
        let stated = [90, 91].map(|days| verdict_with(&CONTROL, &stated(days), recovered).status);
        assert_eq!(stated, [Status::Passed, Status::Failed]);
        let seen = verdict_of(&CONTROL, |snapshot| {
            recovered(snapshot);
            snapshot.root_events.activity = vec![act(Kind::PasswordRecoveryCompleted, Some(snapshot.taken_at))];
        });
        assert_eq!(seen.status, Status::Passed);
    }

    #[test]
    fn a_history_that_could_not_be_read_is_unknown_without_another_date() {
        let blind = |snapshot: &mut Snapshot| {
            dateless(snapshot);
            unread_history(snapshot);
        };
        for settings in [Settings::default(), stated(91)] {
            let verdict = verdict_with(&CONTROL, &settings, blind);
            assert_eq!(verdict.status, Status::Unknown);
            assert!(verdict.reason.starts_with("history of root's password"), "{}", verdict.reason);
        }
        assert_eq!(verdict_with(&CONTROL, &stated(90), blind).status, Status::Passed);
    }

    #[test]
    fn an_attestation_counts_where_aws_shows_no_date_and_only_there() {
        let at = |days: i64, change: fn(&mut Snapshot)| {
            let verdict = verdict_with(&CONTROL, &stated(days), change);
            (verdict.status, verdict.judged_by.contains_key(&Source::Attestations))
        };
        assert_eq!(at(90, dateless), (Status::Passed, true));
        assert_eq!(at(91, dateless), (Status::Failed, true));
        assert_eq!(at(1, old), (Status::Failed, false), "the report knows better");
        assert_eq!(at(1, unread_report), (Status::Unknown, false), "the report might know better");
        let history = |snapshot: &mut Snapshot| {
            dateless(snapshot);
            snapshot.root_password_change = Ok(Some(days_ago(snapshot, 91)));
        };
        assert_eq!(at(1, history), (Status::Failed, false), "the history knows better");
        let other = Settings::stating(&[Statement::RootPasswordStrong], Snapshot::compliant().taken_at);
        assert_eq!(verdict_with(&CONTROL, &other, dateless).status, Status::Unknown);
    }

    #[test]
    fn an_unread_report_is_unknown_unless_a_young_change_was_seen() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            unread_report(snapshot);
            snapshot.root_password_change = Ok(Some(days_ago(snapshot, 91)));
        });
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.starts_with("credential report"), "{}", verdict.reason);
    }

    #[test]
    fn root_without_a_password_is_not_applicable_by_the_live_counter_first() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            old(snapshot);
            snapshot.summary_mut().root_password = Ok(0);
        });
        assert_eq!((verdict.status, verdict.evidence[0].source), (Status::NotApplicable, Source::AccountSummary));
        let verdict = verdict_of(&CONTROL, |snapshot| {
            old(snapshot);
            snapshot.root().password_enabled = Ok(false);
        });
        assert_eq!(verdict.status, Status::Failed, "the counter says that there is one");
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.account_summary = Err(unavailable(Source::AccountSummary));
            snapshot.root().password_enabled = Ok(false);
            snapshot.root().password_last_changed = Ok(None);
        });
        assert_eq!((verdict.status, verdict.evidence[0].source), (Status::NotApplicable, Source::CredentialReport));
        let verdict = verdict_of(&CONTROL, |snapshot| {
            old(snapshot);
            snapshot.account_summary = Err(unavailable(Source::AccountSummary));
        });
        assert_eq!(verdict.status, Status::Failed, "a seen failure outweighs a missing counter");
    }
}
