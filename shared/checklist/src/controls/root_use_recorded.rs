//! The control `root-use-recorded`: whether CloudTrail shows root's last uses.

use facts::credential_report::{Cell, KeySlot, RootRow};
use facts::root_activity::RootActivity;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Cause, Source, Unavailable};
use facts::span::LATENESS;
use facts::verdict::{Evidence, Status, Verdict};
use jiff::{SignedDuration, Timestamp};

use crate::control::{Control, Reference, Remediation, no_user};
use crate::settings::Settings;

/// How exactly IAM notes a use of the password: 5 minutes
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>).
const PASSWORD: SignedDuration = SignedDuration::from_mins(5);
/// How exactly IAM notes a use of an access key: 15 minutes, by the same page.
const ACCESS_KEY: SignedDuration = SignedDuration::from_mins(15);
/// How the evidence of a use with a matching event begins.
const EXPLAINED: &str = "explained by ";

/// The control.
pub const CONTROL: Control = Control {
    id: "root-use-recorded",
    title: "CloudTrail has an event for every root use",
    violation: "root was used, but CloudTrail has no event",
    step: None,
    severity: Severity::Critical,
    rationale: "IAM records when root's password and keys were last used. CloudTrail records what was done. If only \
                IAM knows of a use, root was used and there is no record of what happened.",
    semantics: "Compares each of the three last uses in the credential report (password, both access keys) with root \
                activity in CloudTrail's event history, in every Region. Fails when there is no root event within 5 \
                minutes of a password use, or within 15 minutes of a key use: IAM's records are that precise. A use \
                cannot be compared when it is older than the look-back, or so recent that CloudTrail may not show it \
                yet (2 hours plus that precision). The control is then not applicable, but an open failure stays open \
                until the matching event is found or an exception suppresses it. Failed sign-ins, calls by AWS \
                services on behalf of root, and privileged tasks on a member account (AssumeRoot) do not count as \
                matching events. Unknown when the list of Regions, a Region's events or the Region of the key's last \
                use could not be scanned. The event history has management events only: a key that was used only for \
                data events (S3 objects, DynamoDB items, SQS messages) fails here.",
    remediation: Remediation {
        console: &[
            "Ask everyone with root access whether they used root, and for what. If no one confirms it, treat the \
             account as compromised: change root's password, delete its keys, and review every new user, role and key.",
            "Access key: the evidence names the Region and service of its last use. Data events (S3 objects, DynamoDB \
             items, SQS messages, Lambda invocations) are not in the event history. Check a trail with data events, or \
             the service's own access logs. Then delete the key.",
            "Password: signing in to AWS Marketplace or to AWS forums counts, too. Look for the sign-in in a trail's \
             log files in S3, and for StopLogging, DeleteTrail and PutEventSelectors around that time.",
            "When you know the cause, add an exception with your name to the parameter Exceptions. The control does \
             not pass by itself, even when the use is too old to compare.",
        ],
        cli: &[
            "aws iam get-credential-report --query Content --output text | base64 -d | head -2",
            "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root --region us-east-1",
        ],
    },
    sources: &[Source::CredentialReport, Source::RootEvents],
    user_of: no_user,
    mappings: &[],
    references: &[
        Reference {
            name: "AWS: Generate credential reports for your AWS account (precision of last-used times)",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html",
        },
        Reference {
            name: "AWS: Working with CloudTrail event history",
            url: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html",
        },
    ],
    evaluate,
};

/// Whether `evidence` of this control shows the event of `used`, by its name in the evidence.
pub fn is_explained(evidence: &[Evidence], used: &str) -> bool {
    let of_it = |evidence: &&Evidence| evidence.source == Source::RootEvents && evidence.fact == used;
    evidence.iter().find(of_it).is_some_and(|evidence| evidence.value.starts_with(EXPLAINED))
}

/// One of root's three last uses, as the credential report shows it.
struct Use<'a> {
    column: &'static str,
    credential: &'static str,
    at: &'a Cell<Option<Timestamp>>,
    /// How exactly `at` is known, in both directions.
    within: SignedDuration,
    /// Region and service, for a key.
    place: Option<&'a KeySlot>,
}

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let mut evidence = Vec::new();
    let evaluated: Vec<(Status, String)> =
        uses(snapshot.root_row()?).iter().filter_map(|used| used.evaluate(snapshot, &mut evidence)).collect();
    let Some(worst) = evaluated.iter().map(|(status, _)| *status).max_by_key(|status| rank(*status)) else {
        return Ok(Verdict::new(Status::Passed, "Root has never been used", evidence));
    };
    let named: Vec<String> =
        evaluated.into_iter().filter(|(status, _)| *status == worst).map(|(_, what)| what).collect();
    Ok(match worst {
        Status::Failed => {
            let reason = format!("CloudTrail's event history has no matching root event for: {}", named.join(", "));
            Verdict::new(worst, reason, evidence).naming(named)
        }
        _ => Verdict::new(worst, named.join("; "), evidence),
    })
}

/// The worse the greater: a use that cannot be compared is no pass beside one that can.
fn rank(status: Status) -> u8 {
    match status {
        Status::Passed => 0,
        Status::NotApplicable => 1,
        Status::Unknown => 2,
        Status::Failed => 3,
    }
}

fn uses(root: &RootRow) -> [Use<'_>; 3] {
    fn key<'a>(column: &'static str, credential: &'static str, slot: &'a KeySlot) -> Use<'a> {
        Use { column, credential, at: &slot.last_used, within: ACCESS_KEY, place: Some(slot) }
    }
    let [first, second] = &root.access_keys;
    [
        Use {
            column: "password_last_used",
            credential: "password",
            at: &root.password_last_used,
            within: PASSWORD,
            place: None,
        },
        key("access_key_1_last_used_date", "access key 1", first),
        key("access_key_2_last_used_date", "access key 2", second),
    ]
}

impl Use<'_> {
    /// The status and why, for a failure the name of the use; `None`: never used.
    fn evaluate(&self, snapshot: &Snapshot, evidence: &mut Vec<Evidence>) -> Option<(Status, String)> {
        let at = match self.at {
            Ok(Some(at)) => *at,
            Ok(None) => {
                evidence.push(snapshot.report_evidence(self.column, "never"));
                return None;
            }
            Err(cell) => return Some((Status::Unknown, Unavailable::from(cell.clone()).to_string())),
        };
        evidence.push(snapshot.report_evidence(self.column, format!("{at}{}", self.place())));
        let name = self.name(at);
        let mut trail = |found: String| evidence.push(snapshot.evidence(Source::RootEvents, name.clone(), found));
        if let Some(act) = self.explanation(snapshot, at) {
            let time = act.time.map(|time| format!(" at {time}")).unwrap_or_default();
            let explained = format!("{EXPLAINED}{} in {}{time}", act.event_name, act.region);
            trail(explained.clone());
            return Some((Status::Passed, format!("Root's {name} is {explained}")));
        }
        if let Some(count) = self.counted(snapshot, at) {
            let found =
                format!("Root's {name}: may be one of {count} root actions that were counted, not listed one by one");
            return Some((Status::Unknown, found));
        }
        if at.duration_since(snapshot.root_events.since) < self.within {
            return Some((Status::NotApplicable, format!("Root's {name}: older than the look-back")));
        }
        if snapshot.taken_at.duration_since(at) < LATENESS + self.within {
            return Some((Status::NotApplicable, format!("Root's {name}: CloudTrail may not show the event yet")));
        }
        if let Some(unavailable) = self.unseen(snapshot) {
            return Some((Status::Unknown, unavailable.to_string()));
        }
        trail(format!("no root event within {} minutes", self.within.as_mins()));
        Some((Status::Failed, name))
    }

    /// As an exception names it: `password used at 2026-11-20T09:10:00Z`.
    fn name(&self, at: Timestamp) -> String {
        format!("{} used at {at}", self.credential)
    }

    /// Where and for what a key was used, as far as the report shows.
    fn place(&self) -> String {
        let region = self.place.and_then(|slot| slot.last_used_region.as_ref());
        let service = self.place.and_then(|slot| slot.last_used_service.as_ref());
        let region = region.map(|region| format!(" in {region}")).unwrap_or_default();
        region + &service.map(|service| format!(" by {service}")).unwrap_or_default()
    }

    /// The root event next to it. An event without a time explains nothing.
    fn explanation<'a>(&self, snapshot: &'a Snapshot, at: Timestamp) -> Option<&'a RootActivity> {
        let acts = snapshot.root_events.activity.iter().filter(|act| act.is_root_use());
        let distances = acts.filter_map(|act| Some((act.time?.duration_since(at).abs(), act)));
        let near = distances.filter(|(distance, _)| *distance <= self.within);
        near.min_by_key(|(distance, _)| *distance).map(|(_, act)| act)
    }

    /// How many acts were counted as one, of which one may lie next to it.
    fn counted(&self, snapshot: &Snapshot, at: Timestamp) -> Option<usize> {
        let may_be_it = |act: &&RootActivity| {
            let ends = act.folded.as_ref().and_then(|folded| folded.since.zip(act.time));
            ends.is_some_and(|(since, until)| since.duration_since(at) <= self.within && at <= until)
        };
        let acts = snapshot.root_events.activity.iter().filter(|act| act.is_root_use());
        acts.filter(may_be_it).map(RootActivity::count).reduce(usize::saturating_add)
    }

    /// Why its event may be where rootwatch did not look.
    fn unseen(&self, snapshot: &Snapshot) -> Option<Unavailable> {
        let unread = snapshot.regions.as_ref().err().or(snapshot.root_events.unavailable().next());
        unread.cloned().or_else(|| {
            let region = self.place?.last_used_region.as_ref()?;
            let is_swept = snapshot.root_events.regions.iter().any(|sweep| sweep.region == *region);
            (!is_swept).then(|| Unavailable {
                source: Source::RootEvents,
                operation: format!("cloudtrail:LookupEvents in {region}"),
                cause: Cause::Malformed {
                    detail: format!("{} was used there, and the Region is not scanned", self.credential),
                },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::finding::Finding;
    use proptest::prelude::*;

    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::credential_report::UnreadableCell;
    use facts::root_activity::Kind;
    use facts::snapshot::RegionSweep;
    use facts::testing::{act, unavailable};

    const SECOND: SignedDuration = SignedDuration::from_secs(1);
    type LastUse = fn(&mut RootRow) -> &mut Cell<Option<Timestamp>>;

    const USES: [(LastUse, &str, SignedDuration); 3] = [
        (|root| &mut root.password_last_used, "password", PASSWORD),
        (|root| &mut root.access_keys[0].last_used, "access key 1", ACCESS_KEY),
        (|root| &mut root.access_keys[1].last_used, "access key 2", ACCESS_KEY),
    ];

    fn hours_ago(snapshot: &Snapshot, hours: i64) -> Timestamp {
        snapshot.taken_at - SignedDuration::from_hours(hours)
    }

    /// Root was never used but for `used`, so many hours ago.
    fn only(snapshot: &mut Snapshot, used: LastUse, at: Timestamp) {
        for (cell, ..) in USES {
            *cell(snapshot.root()) = Ok(None);
        }
        *used(snapshot.root()) = Ok(Some(at));
    }

    #[test]
    fn a_use_of_each_credential_without_a_trail_fails_and_is_named() {
        for (used, credential, within) in USES {
            let verdict = verdict_of(&CONTROL, |snapshot| only(snapshot, used, hours_ago(snapshot, 6)));
            assert_eq!(verdict.status, Status::Failed, "{credential}");
            assert_eq!(verdict.resources, [format!("{credential} used at 2026-11-20T04:00:00Z")]);
            assert_eq!(
                verdict.reason,
                format!(
                    "CloudTrail's event history has no matching root event for: {credential} used at 2026-11-20T04:00:00Z"
                )
            );
            let minutes = within.as_mins();
            assert!(
                verdict
                    .evidence
                    .iter()
                    .any(|evidence| evidence.value == format!("no root event within {minutes} minutes"))
            );
        }
    }

    #[test]
    fn a_key_shows_region_and_service_of_its_last_use() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            only(snapshot, USES[1].0, hours_ago(snapshot, 6));
            snapshot.root().access_keys[0].last_used_region = Some("us-east-1".into());
            snapshot.root().access_keys[0].last_used_service = Some("s3".into());
        });
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.evidence.iter().any(|evidence| evidence.value == "2026-11-20T04:00:00Z in us-east-1 by s3"));
    }

    #[test]
    fn an_act_explains_a_use_up_to_the_reports_granularity_in_both_directions_and_not_a_second_further() {
        for (used, credential, within) in USES {
            for (distance, expected) in [
                (SignedDuration::ZERO, Status::Passed),
                (within, Status::Passed),
                (-within, Status::Passed),
                (within + SECOND, Status::Failed),
                (-within - SECOND, Status::Failed),
            ] {
                let verdict = verdict_of(&CONTROL, |snapshot| {
                    let at = hours_ago(snapshot, 6);
                    only(snapshot, used, at);
                    snapshot.root_events.activity = vec![act(Kind::SignInSucceeded, Some(at + distance))];
                });
                assert_eq!(verdict.status, expected, "{credential} {distance}");
            }
        }
    }

    #[test]
    fn a_use_is_compared_from_the_granularity_after_the_start_of_the_look_back() {
        for (used, credential, within) in USES {
            for (early, expected) in [(SignedDuration::ZERO, Status::Failed), (SECOND, Status::NotApplicable)] {
                let verdict =
                    verdict_of(&CONTROL, |snapshot| only(snapshot, used, snapshot.root_events.since + within - early));
                assert_eq!(verdict.status, expected, "{credential} {early}");
            }
        }
    }

    #[test]
    fn a_use_is_compared_when_cloudtrail_must_show_everything_within_the_granularity() {
        for (used, credential, within) in USES {
            for (late, expected) in [(SignedDuration::ZERO, Status::Failed), (SECOND, Status::NotApplicable)] {
                let verdict =
                    verdict_of(&CONTROL, |snapshot| only(snapshot, used, snapshot.taken_at - LATENESS - within + late));
                assert_eq!(verdict.status, expected, "{credential} {late}");
            }
        }
    }

    #[test]
    fn root_that_was_never_used_passes_and_one_that_left_a_trail_says_which() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root().password_last_used = Ok(None));
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, "Root has never been used"));
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().password_last_used = Ok(Some(hours_ago(snapshot, 1)));
            snapshot.root_events.activity = vec![act(Kind::SignInSucceeded, Some(hours_ago(snapshot, 1)))];
        });
        assert_eq!(
            verdict.reason,
            "Root's password used at 2026-11-20T09:00:00Z is explained by ConsoleLogin in us-east-2 at 2026-11-20T09:00:00Z"
        );
    }

    #[test]
    fn what_cannot_be_compared_says_why_and_is_no_pass_beside_one_that_can() {
        let old = verdict_of(&CONTROL, |_| {});
        assert_eq!(
            (old.status, old.reason.as_str()),
            (Status::NotApplicable, "Root's password used at 2026-03-02T10:11:12Z: older than the look-back")
        );
        let both = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().access_keys[0].last_used = Ok(Some(hours_ago(snapshot, 6)));
            snapshot.root_events.activity = vec![act(Kind::WriteCall, Some(hours_ago(snapshot, 6)))];
        });
        assert_eq!(both.status, Status::NotApplicable, "the password's is still too old");
        let young = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().password_last_used = Ok(Some(hours_ago(snapshot, 1)));
        });
        assert_eq!(young.reason, "Root's password used at 2026-11-20T09:00:00Z: CloudTrail may not show the event yet");
    }

    #[test]
    fn the_worst_of_the_three_counts_and_all_of_that_kind_are_named() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().password_last_used = Ok(Some(hours_ago(snapshot, 6)));
            snapshot.root().access_keys[0].last_used = Ok(Some(hours_ago(snapshot, 5)));
            snapshot.root().access_keys[1].last_used = Ok(Some(hours_ago(snapshot, 8)));
            snapshot.root_events.activity = vec![act(Kind::WriteCall, Some(hours_ago(snapshot, 5)))];
        });
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(
            verdict.resources,
            ["password used at 2026-11-20T04:00:00Z", "access key 2 used at 2026-11-20T02:00:00Z"]
        );
        assert_eq!(verdict.evidence.len(), 6, "each use and what its trail is");
    }

    #[test]
    fn only_a_use_of_root_with_a_time_explains() {
        let kinds = [Kind::SignInFailed, Kind::PasswordRecoveryRequested, Kind::CentralizedRootTask, Kind::Service];
        let at = |snapshot: &Snapshot| Some(hours_ago(snapshot, 6));
        for kind in kinds {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.root().password_last_used = Ok(at(snapshot));
                snapshot.root_events.activity = vec![act(kind, at(snapshot))];
            });
            assert_eq!(verdict.status, Status::Failed, "{kind:?}");
        }
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().password_last_used = Ok(at(snapshot));
            snapshot.root_events.activity = vec![act(Kind::ReadOnlyCall, None)];
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn what_could_not_be_looked_through_is_unknown_unless_it_is_explained() {
        let region = |snapshot: &mut Snapshot| {
            snapshot.root_events.regions.push(RegionSweep {
                region: "eu-west-1".into(),
                incomplete: Some(unavailable(Source::RootEvents)),
                covered: Vec::new(),
                covered_sign_ins: Vec::new(),
            });
        };
        let regions = |snapshot: &mut Snapshot| snapshot.regions = Err(unavailable(Source::Regions));
        let not_swept = |snapshot: &mut Snapshot| {
            snapshot.root().access_keys[0].last_used = snapshot.root().password_last_used.clone();
            snapshot.root().access_keys[0].last_used_region = Some("ap-south-2".into());
            snapshot.root().password_last_used = Ok(None);
        };
        let blinds: [fn(&mut Snapshot); 3] = [region, regions, not_swept];
        for blind in blinds {
            let seen = |explained: bool| {
                verdict_of(&CONTROL, |snapshot| {
                    let at = hours_ago(snapshot, 6);
                    snapshot.root().password_last_used = Ok(Some(at));
                    snapshot.root_events.activity.extend(explained.then(|| act(Kind::WriteCall, Some(at))));
                    blind(snapshot);
                })
                .status
            };
            assert_eq!((seen(false), seen(true)), (Status::Unknown, Status::Passed));
        }
        let cell = UnreadableCell { column: "password_last_used", found: Some("?".into()) };
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.root().password_last_used = Err(cell));
        assert_eq!(verdict.status, Status::Unknown);
    }

    #[test]
    fn a_region_that_is_not_swept_is_named() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            only(snapshot, USES[1].0, hours_ago(snapshot, 6));
            snapshot.root().access_keys[0].last_used_region = Some("ap-south-2".into());
        });
        assert!(
            verdict.reason.ends_with("access key 1 was used there, and the Region is not scanned"),
            "{}",
            verdict.reason
        );
    }

    #[test]
    fn a_use_is_explained_by_its_own_evidence_and_by_no_other() {
        let mut snapshot = Snapshot::compliant();
        let (mine, other) = (hours_ago(&snapshot, 6), hours_ago(&snapshot, 8));
        snapshot.root().password_last_used = Ok(Some(mine));
        snapshot.root().access_keys[0].last_used = Ok(Some(other));
        snapshot.root_events.activity = vec![act(Kind::SignInSucceeded, Some(mine))];
        let finding = Finding::of(&CONTROL, &snapshot, &Settings::default());
        assert!(is_explained(&finding.evidence, "password used at 2026-11-20T04:00:00Z"));
        for used in ["access key 1 used at 2026-11-20T02:00:00Z", "password used at 2026-11-20T03:00:00Z", "password"] {
            assert!(!is_explained(&finding.evidence, used), "{used}");
        }
    }

    proptest! {
        /// Fails if, and only if, the use lies where everything could be seen and no root event lies next to it.
        #[test]
        fn a_use_fails_only_where_all_could_be_seen_and_nothing_was(
            which in 0..3_usize,
            age in 0..30 * 3_600_i64,
            acts in prop::collection::vec(0..30 * 3_600_i64, 0..4),
        ) {
            let (used, _, within) = USES[which];
            let mut snapshot = Snapshot::compliant();
            let ago = |seconds| snapshot.taken_at - SignedDuration::from_secs(seconds);
            let (at, times): (_, Vec<Timestamp>) = (ago(age), acts.iter().map(|age| ago(*age)).collect());
            let explained = times.iter().any(|time| time.duration_since(at).abs() <= within);
            let seen = at - within >= snapshot.root_events.since && at + within <= snapshot.taken_at - LATENESS;
            only(&mut snapshot, used, at);
            snapshot.root_events.activity = times.iter().map(|time| act(Kind::ReadOnlyCall, Some(*time))).collect();
            let verdict = (CONTROL.evaluate)(&snapshot, &Settings::default()).unwrap();
            let expected = match (explained, seen) {
                (true, _) => Status::Passed,
                (false, true) => Status::Failed,
                (false, false) => Status::NotApplicable,
            };
            prop_assert_eq!(verdict.status, expected);
        }
    }
}
