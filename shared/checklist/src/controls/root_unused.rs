use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::text::bounded;
use facts::verdict::{Evidence, Status, Verdict, disagreement};
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
                report, the list of Regions and every scanned Region could be read, without a gap between them. In a \
                member account that is audited by AssumeRoot alone, it passes by the last uses of the password and \
                the access keys, the dates that CIS and Prowler evaluate, and says so: a signing certificate, a \
                session that root issued and a credential that was used and then deleted leave no such date.",
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
    sources: &[Source::CredentialReport, Source::RootEvents, Source::Regions, Source::RootAudit],
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

/// Goes on after a pass that rests on [`Uses`] alone. They are the dates that CIS and Prowler evaluate; root activity in CloudTrail is no
/// part of an audit by AssumeRoot.
const BY_LAST_USES: &str =
    ", by the last uses of its password and access keys; root activity in CloudTrail is not read here";

/// The last uses of root's credentials by one source.
#[derive(Default)]
struct Uses {
    at: Vec<Timestamp>,
    evidence: Vec<Evidence>,
    /// Why they are not complete.
    unread: Option<Unavailable>,
}

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    let limit = SignedDuration::from_hours(24 * i64::from(settings.root_unused_days));
    let is_recent = |at: Timestamp| snapshot.taken_at.duration_since(at) < limit;
    let (by_report, by_audit) = (by_report(snapshot, is_recent), by_audit(snapshot, is_recent));
    let is_by_last_uses = snapshot.is_without_events() && by_audit.is_ok();
    // The dates of the audit are live, those of the report as old as that is.
    let is_live = by_report.is_err() || by_audit.as_ref().is_ok_and(|uses| uses.unread.is_none());
    // Without the list of Regions it is unknown which ones were not scanned.
    let unscanned = snapshot.regions.as_ref().err().or(snapshot.root_events.unavailable().next()).cloned();

    let (listed, differ) = match (by_report, by_audit) {
        (Ok(report), Ok(audit)) => both(report, audit, is_recent),
        (Ok(uses), Err(_)) | (Err(_), Ok(uses)) => (uses, String::new()),
        (Err(unread), Err(why)) => {
            let unread = if unread.is_not_asked() && !why.is_not_asked() { why } else { unread };
            (Uses { unread: Some(unread), ..Uses::default() }, String::new())
        }
    };
    let Uses { at: mut uses, mut evidence, unread } = listed;
    let mut unread = unread.or(unscanned.filter(|_| !is_by_last_uses));
    let generated_at = snapshot.credential_report.as_ref().map_or(snapshot.taken_at, |report| report.generated_at);
    if !is_live && generated_at < snapshot.root_events.since {
        evidence.push(snapshot.evidence(
            Source::RootEvents,
            "gap",
            format!("no source covers the time from {generated_at} to {}", snapshot.root_events.since),
        ));
        unread = unread.or(Some(gap()));
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
    let scope = if is_by_last_uses { BY_LAST_USES } else { "" };
    Ok(match (newest, unread) {
        (Some(at), _) if is_recent(at) => {
            let days = settings.root_unused_days;
            let limit = if days == 1 { "day".to_owned() } else { format!("{days} days") };
            Verdict::new(Status::Failed, format!("Root was used at {at}, within the last {limit}{differ}"), evidence)
        }
        (_, Some(unavailable)) => Verdict { evidence, ..unavailable.into() },
        (Some(at), None) => Verdict::new(Status::Passed, format!("Root was last used at {at}{scope}"), evidence),
        (None, None) => Verdict::new(Status::Passed, format!("Root has never been used{scope}"), evidence),
    })
}

/// By the credential report, as old as that is.
fn by_report(snapshot: &Snapshot, is_recent: impl Fn(Timestamp) -> bool) -> Result<Uses, Unavailable> {
    let root = snapshot.root_row()?;
    let mut uses = Uses::default();
    let cells = [
        ("password_last_used", &root.password_last_used),
        ("access_key_1_last_used_date", &root.access_keys[0].last_used),
        ("access_key_2_last_used_date", &root.access_keys[1].last_used),
    ];
    for (column, cell) in cells {
        match cell {
            Ok(used) => {
                uses.at.extend(used);
                uses.evidence.push(snapshot.report_evidence(column, shown(*used)));
            }
            Err(cell) => uses.unread = Some(cell.clone().into()),
        }
    }
    if let Ok(Some(created)) = root.created
        && is_recent(created)
    {
        uses.evidence.push(snapshot.report_evidence("account created", first_days(created)));
    }
    Ok(uses)
}

/// By the audit of a member account, live as far as IAM keeps up.
fn by_audit(snapshot: &Snapshot, is_recent: impl Fn(Timestamp) -> bool) -> Result<Uses, Unavailable> {
    let audit = snapshot.audit()?;
    let mut uses = Uses::default();
    let dates = match &audit.access_keys {
        Ok(keys) => {
            keys.iter().map(|key| (format!("last use of access key {}", bounded(&key.id)), &key.last_used)).collect()
        }
        Err(unread) => {
            uses.unread = Some(unread.clone());
            Vec::new()
        }
    };
    for (fact, date) in [("PasswordLastUsed".to_owned(), &audit.password_last_used)].into_iter().chain(dates) {
        match date {
            Ok(used) => {
                uses.at.extend(used);
                uses.evidence.push(snapshot.evidence(Source::RootAudit, fact, shown(*used)));
            }
            Err(unread) => uses.unread = Some(unread.clone()),
        }
    }
    if let Ok(created) = audit.created
        && is_recent(created)
    {
        uses.evidence.push(snapshot.evidence(Source::RootAudit, "account created", first_days(created)));
    }
    Ok(uses)
}

/// Every use that either shows; what one of them did not read, the other may have. With it, that they do not say the same.
fn both(report: Uses, audit: Uses, is_recent: impl Fn(Timestamp) -> bool) -> (Uses, String) {
    let status = |uses: &Uses| match uses.at.iter().any(|at| is_recent(*at)) {
        true => Status::Failed,
        false if uses.unread.is_some() => Status::Unknown,
        false => Status::Passed,
    };
    let differ = disagreement(&[(Source::CredentialReport, status(&report)), (Source::RootAudit, status(&audit))]);
    let mut both = report;
    both.at.extend(audit.at);
    both.evidence.extend(audit.evidence);
    both.unread = both.unread.filter(|_| audit.unread.is_some());
    (both, differ)
}

fn shown(used: Option<Timestamp>) -> String {
    used.map_or_else(|| "never".into(), |at| at.to_string())
}

fn first_days(created: Timestamp) -> String {
    format!("{created}: this may be the initial account setup")
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
