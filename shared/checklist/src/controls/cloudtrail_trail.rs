use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::trails::Trail;
use facts::verdict::{Status, Verdict};

use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "cloudtrail-trail",
    title: "A trail records all management events in all Regions",
    violation: "no trail records all management events",
    step: None,
    severity: Severity::High,
    rationale: "CloudTrail's event history is limited to 90 days and is lost with the account. Only a trail keeps who \
                did what, even in Regions that you do not use. After a break-in, you can only look up what a trail \
                recorded.",
    semantics: "Passes when one trail records every Region, is logging, delivered without an error last time, and \
                records read and write management events without excluding a source, including KMS and the RDS Data \
                API. Fails when no trail does. All conditions must hold for the same trail. An organization's trail \
                counts; when a member account cannot read its state or selectors and no other trail passes, the \
                control is unknown: the management account can see it. Trails that record none of the Regions in which \
                root signs in are not checked; a multi-Region trail is never among them.",
    remediation: Remediation {
        console: &[
            "CloudTrail > Trails > Create trail. A trail that is created in the console records every Region.",
            "Management events: choose Read and Write, and clear the options that exclude AWS KMS and Amazon RDS Data \
             API events.",
            "If a trail does not qualify: open it and choose Start logging, edit its management events, or fix what \
             its delivery error names (the bucket, its policy or its key).",
        ],
        cli: &[
            "aws cloudtrail create-trail --name <name> --s3-bucket-name <bucket> --is-multi-region-trail \
             --enable-log-file-validation",
            "aws cloudtrail start-logging --name <trail ARN> --region <its home Region>",
            "aws cloudtrail update-trail --name <trail ARN> --is-multi-region-trail --region <its home Region>",
            "aws cloudtrail put-event-selectors --trail-name <trail ARN> --region <its home Region> --event-selectors \
             '[{\"ReadWriteType\":\"All\",\"IncludeManagementEvents\":true}]'   # replaces all selectors of the trail, including those for data events",
        ],
    },
    sources: &[Source::Trails],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "3.1"),
        (Framework::Cis5, "3.1"),
        (Framework::Cis6, "4.1"),
        (Framework::Cis7, "4.1"),
        (Framework::SecurityHub, "CloudTrail.1"),
        (Framework::SecurityHub, "CloudTrail.3"),
        (Framework::Config, "multi-region-cloudtrail-enabled"),
        (Framework::Config, "cloudtrail-enabled"),
        (Framework::Prowler, "cloudtrail_multi_region_enabled"),
        (Framework::Prowler, "cloudtrail_multi_region_enabled_logging_management_events"),
    ],
    references: &[
        Reference {
            name: "AWS: Creating a trail",
            url: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html",
        },
        Reference {
            name: "AWS: Logging management events",
            url: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let trails = snapshot.trails.as_ref().map_err(Clone::clone)?;
    let mut evaluated: Vec<(&Trail, Result<bool, &Unavailable>)> =
        trails.iter().map(|trail| (trail, records_everything(trail))).collect();
    // Only so many trails are shown: first the one that decides.
    evaluated.sort_by_key(|(_, records)| match records {
        Ok(true) => 0,
        Err(_) => 1,
        Ok(false) => 2,
    });
    let shown = evaluated.iter().map(|(trail, _)| snapshot.evidence(Source::Trails, trail.fact(), trail));
    let evidence = named(shown.collect(), "further trails");
    Ok(match (evaluated.first(), snapshot.other_trails()) {
        (Some((trail, Ok(true))), _) => {
            let reason = format!("Trail {} records every management event of every Region", trail.name);
            Verdict::new(Status::Passed, reason, evidence)
        }
        (_, Some(unknown)) => Verdict { evidence, ..unknown },
        (Some((_, Err(unavailable))), None) => Verdict { evidence, ..Verdict::from((*unavailable).clone()) },
        (Some((_, Ok(false))), None) => {
            let reason = "No working trail records every management event of every Region";
            Verdict::new(Status::Failed, reason, evidence)
        }
        (None, None) => {
            let evidence = vec![snapshot.evidence(Source::Trails, "trails", "none")];
            Verdict::new(Status::Failed, "No trail records a Region in which root signs in", evidence)
        }
    })
}

/// What is known to be wrong outweighs what is not known.
fn records_everything(trail: &Trail) -> Result<bool, &Unavailable> {
    let works = trail.status.as_ref().map(|status| status.is_logging && status.delivery_error.is_none());
    let hears = trail
        .management_events
        .as_ref()
        .map(|events| events.reads && events.writes && events.excluded_sources.is_empty());
    if !trail.is_multi_region || works == Ok(false) || hears == Ok(false) {
        return Ok(false);
    }
    Ok(works? && hears?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::testing::unavailable;
    use facts::trails::TrailStatus;

    fn facts(verdict: &Verdict) -> Vec<String> {
        verdict.evidence.iter().map(|evidence| format!("{} = {}", evidence.fact, evidence.value)).collect()
    }

    fn withheld() -> Trail {
        Trail {
            is_organization: true,
            status: Err(unavailable(Source::Trails)),
            management_events: Err(unavailable(Source::Trails)),
            ..Trail::sound("organization")
        }
    }

    #[test]
    fn one_trail_that_records_everything_passes_and_is_evidence() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!(verdict.status, Status::Passed);
        assert_eq!(verdict.reason, "Trail management records every management event of every Region");
        assert_eq!(facts(&verdict), ["trail management of eu-west-1 = every Region, logging, all management events"]);
    }

    #[test]
    fn no_trail_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(Vec::new()));
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::Failed, "No trail records a Region in which root signs in")
        );
        assert_eq!(facts(&verdict), ["trails = none"]);
    }

    #[test]
    fn each_thing_that_a_trail_lacks_fails_and_is_shown_unless_another_trail_has_everything() {
        type Break = fn(&mut Trail);
        let breaks: [(Break, &str); 6] = [
            (|trail| trail.is_multi_region = false, "eu-west-1 alone"),
            (|trail| trail.status.as_mut().unwrap().is_logging = false, "NOT logging"),
            (|trail| trail.status.as_mut().unwrap().delivery_error = Some("NoSuchBucket".into()), "NoSuchBucket"),
            (|trail| trail.management_events.as_mut().unwrap().reads = false, "management events that write"),
            (|trail| trail.management_events.as_mut().unwrap().writes = false, "READ"),
            (
                |trail| trail.management_events.as_mut().unwrap().excluded_sources = vec!["kms.amazonaws.com".into()],
                "but those of kms.amazonaws.com",
            ),
        ];
        for (break_it, shown) in breaks {
            let verdict = verdict_of(&CONTROL, |snapshot| break_it(snapshot.trail()));
            assert_eq!(verdict.status, Status::Failed, "{shown}");
            assert!(facts(&verdict)[0].contains(shown), "{:?}", facts(&verdict));
            let verdict = verdict_of(&CONTROL, |snapshot| {
                break_it(snapshot.trail());
                snapshot.trails.as_mut().unwrap().push(Trail::sound("second"));
            });
            assert_eq!(verdict.status, Status::Passed, "{shown}");
            assert!(verdict.reason.contains("second") && facts(&verdict).len() == 2, "{:?}", facts(&verdict));
        }
    }

    #[test]
    fn two_trails_do_not_add_up() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let second = Trail { is_multi_region: false, ..Trail::sound("second") };
            snapshot.trail().management_events.as_mut().unwrap().reads = false;
            snapshot.trails.as_mut().unwrap().push(second);
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn what_is_withheld_is_unknown_unless_another_trail_passes_or_enough_is_known() {
        let hidden: [fn(&mut Trail); 3] = [
            |trail| trail.status = Err(unavailable(Source::Trails)),
            |trail| trail.management_events = Err(unavailable(Source::Trails)),
            |trail| *trail = withheld(),
        ];
        for hide in hidden {
            let verdict = verdict_of(&CONTROL, |snapshot| hide(snapshot.trail()));
            assert_eq!(verdict.status, Status::Unknown);
            assert!(verdict.reason.contains("was denied"), "{}", verdict.reason);
            assert!(facts(&verdict)[0].contains("not known"), "{:?}", facts(&verdict));
            let verdict = verdict_of(&CONTROL, |snapshot| {
                hide(snapshot.trail());
                snapshot.trails.as_mut().unwrap().push(Trail::sound("own"));
            });
            assert_eq!(verdict.status, Status::Passed);
            let verdict = verdict_of(&CONTROL, |snapshot| {
                hide(snapshot.trail());
                snapshot.trail().is_multi_region = false;
            });
            assert_eq!(verdict.status, Status::Failed, "it cannot do, whatever is withheld");
        }
        let stopped = Trail { status: Ok(TrailStatus { is_logging: false, delivery_error: None }), ..withheld() };
        assert_eq!(verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(vec![stopped])).status, Status::Failed);
    }

    #[test]
    fn a_broken_trail_beside_one_that_is_withheld_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.trail().is_multi_region = false;
            snapshot.trails.as_mut().unwrap().push(withheld());
        });
        assert_eq!(verdict.status, Status::Unknown);
        assert!(facts(&verdict)[0].contains("trail organization"), "{:?}", facts(&verdict));
    }

    #[test]
    fn a_trail_that_passes_is_enough_and_without_one_a_region_that_did_not_list_its_trails_leaves_it_unknown() {
        let partly = |trails: Vec<Trail>| {
            verdict_of(&CONTROL, |snapshot| {
                snapshot.trails = Ok(trails);
                snapshot.trails_unlisted.insert("us-east-2".into(), unavailable(Source::Trails));
            })
        };
        assert_eq!(partly(vec![Trail::sound("management")]).status, Status::Passed);
        for trails in [Vec::new(), vec![Trail { is_multi_region: false, ..Trail::sound("audit") }]] {
            let count = trails.len();
            let verdict = partly(trails);
            assert_eq!((verdict.status, verdict.evidence.len()), (Status::Unknown, count));
            assert!(verdict.reason.contains("was denied"), "{}", verdict.reason);
        }
    }

    #[test]
    fn trails_that_were_not_read_are_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trails = Err(unavailable(Source::Trails)));
        assert_eq!(verdict.status, Status::Unknown);
    }
}
