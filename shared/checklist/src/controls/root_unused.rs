use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};
use jiff::{SignedDuration, Timestamp};

use crate::control::{Control, Reference, Remediation, Step, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "root-unused",
    title: "Root has not been used recently",
    violation: "root was used recently",
    step: Some(Step::IndividualUsers),
    severity: Severity::High,
    rationale: "Root can do everything, and no IAM policy limits it. Only a few tasks a year need it. Any other use \
                is a bad habit or an attacker.",
    semantics: "Fails when the newest use of root is more recent than the limit (`RootUnusedDays`, 1 day by default). \
                Uses are the last use of the password and of both access keys, and root activity in CloudTrail. A \
                session that root issued counts as root. Failed sign-ins, calls by AWS services on behalf of root, and \
                privileged tasks on a member account (AssumeRoot) do not count. Passes only when the credential \
                report, the list of Regions and every scanned Region could be read, without a gap between them.",
    remediation: Remediation {
        console: &[
            "Find out who used root and why: CloudTrail > Event history, User name root.",
            "Give that person or workload a role with the permissions it needs.",
            "The control passes again when root has not been used for the time of the limit.",
        ],
        cli: &[
            "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root --region us-east-1",
        ],
    },
    sources: &[Source::CredentialReport, Source::RootEvents, Source::Regions],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.7"),
        (Framework::Cis5, "1.6"),
        (Framework::Cis6, "2.6"),
        (Framework::Cis7, "2.7"),
        (Framework::Prowler, "iam_avoid_root_usage"),
    ],
    references: &[Reference {
        name: "AWS: Tasks that require root user credentials",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-tasks.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    let limit = SignedDuration::from_hours(24 * i64::from(settings.root_unused_days));
    let is_recent = |at: Timestamp| snapshot.taken_at.duration_since(at) < limit;
    let mut uses = Vec::new();
    let mut evidence = Vec::new();
    // Without the list of Regions it is unknown which ones were not scanned.
    let mut unread = snapshot.regions.as_ref().err().or(snapshot.root_events.unavailable().next()).cloned();

    match snapshot.root_row() {
        Ok(root) => {
            let cells = [
                ("password_last_used", &root.password_last_used),
                ("access_key_1_last_used_date", &root.access_keys[0].last_used),
                ("access_key_2_last_used_date", &root.access_keys[1].last_used),
            ];
            for (column, cell) in cells {
                match cell {
                    Ok(used) => {
                        uses.extend(used);
                        let shown = used.map_or_else(|| "never".into(), |at| at.to_string());
                        evidence.push(snapshot.report_evidence(column, shown));
                    }
                    Err(cell) => unread = Some(cell.clone().into()),
                }
            }
            if let Ok(Some(created)) = root.created
                && is_recent(created)
            {
                let value = format!("{created}: this may be the initial account setup");
                evidence.push(snapshot.report_evidence("account created", value));
            }
            let generated_at =
                snapshot.credential_report.as_ref().map_or(snapshot.taken_at, |report| report.generated_at);
            if generated_at < snapshot.root_events.since {
                evidence.push(snapshot.evidence(
                    Source::RootEvents,
                    "gap",
                    format!("no source covers the time from {generated_at} to {}", snapshot.root_events.since),
                ));
                unread = unread.or(Some(gap()));
            }
        }
        Err(unavailable) => unread = Some(unavailable),
    }
    let newest_act = snapshot.root_events.activity.iter().filter(|act| act.is_root_use()).max_by_key(|act| act.time);
    if let Some(act) = newest_act {
        // An event without a time lies in the span that was scanned; taken for the worse, at its end.
        let at = act.time.unwrap_or(snapshot.taken_at);
        uses.push(at);
        let value = format!("{} in {} at {at}", act.event_name, act.region);
        evidence.push(snapshot.evidence(Source::RootEvents, "newest root action", value));
    }

    let newest = uses.into_iter().max();
    Ok(match (newest, unread) {
        (Some(at), _) if is_recent(at) => {
            let days = settings.root_unused_days;
            let limit = if days == 1 { "day".to_owned() } else { format!("{days} days") };
            Verdict::new(Status::Failed, format!("Root was used at {at}, within the last {limit}"), evidence)
        }
        (_, Some(unavailable)) => Verdict { evidence, ..unavailable.into() },
        (Some(at), None) => Verdict::new(Status::Passed, format!("Root was last used at {at}"), evidence),
        (None, None) => Verdict::new(Status::Passed, "Root has never been used", evidence),
    })
}

fn gap() -> Unavailable {
    Unavailable {
        source: Source::RootEvents,
        operation: "cloudtrail:LookupEvents".into(),
        cause: facts::source::Cause::Malformed { detail: "the credential report is older than the look-back".into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use facts::credential_report::UnreadableCell;
    use facts::root_activity::Kind;
    use facts::snapshot::RegionSweep;
    use facts::testing::{act, unavailable};

    fn hours_ago(snapshot: &Snapshot, hours: i64) -> Timestamp {
        snapshot.taken_at - SignedDuration::from_hours(hours)
    }

    #[test]
    fn a_root_that_was_used_long_ago_or_never_passes() {
        assert_eq!(verdict_of(&CONTROL, |_| {}).status, Status::Passed);
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root().password_last_used = Ok(None));
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, "Root has never been used"));
    }

    #[test]
    fn cr_17_the_newest_of_password_and_keys_counts() {
        let verdict =
            verdict_of(&CONTROL, |snapshot| snapshot.root().password_last_used = Ok(Some(hours_ago(snapshot, 2))));
        assert_eq!(verdict.status, Status::Failed);
        for slot in [0, 1] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.root().password_last_used = Ok(Some(hours_ago(snapshot, 200 * 24)));
                snapshot.root().access_keys[slot].last_used = Ok(Some(hours_ago(snapshot, 2)));
            });
            assert_eq!(verdict.status, Status::Failed, "key {slot}");
        }
    }

    #[test]
    fn use_exactly_at_the_limit_is_not_within_it() {
        let at = |minutes: i64, days: u16| {
            let settings = Settings { root_unused_days: days, ..Settings::default() };
            verdict_with(&CONTROL, &settings, |snapshot| {
                let used = snapshot.taken_at - SignedDuration::from_mins(minutes);
                snapshot.root().password_last_used = Ok(Some(used));
            })
            .status
        };
        assert_eq!([at(24 * 60 - 1, 1), at(24 * 60, 1)], [Status::Failed, Status::Passed]);
        assert_eq!([at(7 * 24 * 60 - 1, 7), at(7 * 24 * 60, 7)], [Status::Failed, Status::Passed]);
    }

    #[test]
    fn an_act_in_cloudtrail_that_the_report_does_not_know_yet_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root_events.activity = vec![act(Kind::ReadOnlyCall, Some(hours_ago(snapshot, 1)))];
        });
        assert_eq!(verdict.status, Status::Failed);
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root_events.activity = vec![act(Kind::WriteCall, None)]);
        assert_eq!(verdict.status, Status::Failed, "an act without a time");
    }

    #[test]
    fn what_needs_no_root_credentials_is_no_use_of_root() {
        for kind in [Kind::SignInFailed, Kind::PasswordRecoveryRequested, Kind::CentralizedRootTask, Kind::Service] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.root_events.activity = vec![act(kind, Some(hours_ago(snapshot, 1)))];
            });
            assert_eq!(verdict.status, Status::Passed, "{kind:?}");
        }
    }

    #[test]
    fn a_region_or_a_date_that_could_not_be_read_is_unknown_unless_use_was_seen() {
        let region = |snapshot: &mut Snapshot| {
            snapshot.root_events.regions.push(RegionSweep {
                region: "eu-west-1".into(),
                incomplete: Some(unavailable(Source::RootEvents)),
                covered: Vec::new(),
                covered_sign_ins: Vec::new(),
            });
        };
        let date = |snapshot: &mut Snapshot| {
            snapshot.root().access_keys[1].last_used =
                Err(UnreadableCell { column: "access_key_2_last_used_date", found: Some("?".into()) });
        };
        let report = |snapshot: &mut Snapshot| snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        let regions = |snapshot: &mut Snapshot| snapshot.regions = Err(unavailable(Source::Regions));
        let blinds: [fn(&mut Snapshot); 4] = [region, date, report, regions];
        for blind in blinds {
            assert_eq!(verdict_of(&CONTROL, blind).status, Status::Unknown);
            let verdict = verdict_of(&CONTROL, |snapshot| {
                blind(snapshot);
                snapshot.root_events.activity = vec![act(Kind::SignInSucceeded, Some(hours_ago(snapshot, 1)))];
            });
            assert_eq!(verdict.status, Status::Failed);
        }
    }

    #[test]
    fn a_gap_between_report_and_sweep_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root_events.since = hours_ago(snapshot, 1));
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.evidence.iter().any(|evidence| evidence.fact == "gap"));
    }

    #[test]
    fn the_first_set_up_of_an_account_is_named() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().created = Ok(Some(hours_ago(snapshot, 3)));
            snapshot.root().password_last_used = Ok(Some(hours_ago(snapshot, 2)));
        });
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.evidence.iter().any(|evidence| evidence.value.contains("initial account setup")));
    }
}
