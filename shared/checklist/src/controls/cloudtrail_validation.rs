use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::text::counted;
use facts::trails::Trail;
use facts::verdict::{Status, Verdict};

use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "cloudtrail-validation",
    title: "Log file validation is enabled for every trail",
    violation: "log file validation is off",
    step: None,
    severity: Severity::Low,
    rationale: "An attacker has a reason to change or delete the log files that show the attack. CloudTrail signs \
                digests every hour that show whether a file is missing or was changed.",
    semantics: "Fails when a trail has log file validation off. That includes an organization's trail, which only its \
                owner can change. Not applicable without a trail, see cloudtrail-trail. Trails that record none of the \
                Regions in which root signs in are not checked.",
    remediation: Remediation {
        console: &["CloudTrail > Trails > [trail] > General details > Edit: enable Log file validation and save."],
        cli: &[
            "aws cloudtrail update-trail --name <trail ARN> --enable-log-file-validation --region <its home Region>",
            "aws cloudtrail validate-logs --trail-arn <trail ARN> --start-time <time>   # compares the files with their digests",
        ],
    },
    sources: &[Source::Trails],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "3.2"),
        (Framework::Cis5, "3.2"),
        (Framework::Cis6, "4.2"),
        (Framework::Cis7, "4.2"),
        (Framework::SecurityHub, "CloudTrail.4"),
        (Framework::Config, "cloud-trail-log-file-validation-enabled"),
        (Framework::Prowler, "cloudtrail_log_file_validation_enabled"),
    ],
    references: &[Reference {
        name: "AWS: Validating CloudTrail log file integrity",
        url: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let trails = snapshot.trails.as_ref().map_err(Clone::clone)?;
    let (validated, open): (Vec<&Trail>, Vec<&Trail>) = trails.iter().partition(|trail| trail.validates_log_files);
    let shown = open.iter().chain(&validated).map(|trail| {
        let value = if trail.validates_log_files { "log file validation on" } else { "log file validation OFF" };
        snapshot.evidence(Source::Trails, trail.fact(), value)
    });
    let evidence = named(shown.collect(), "further trails");
    if !open.is_empty() {
        let reason =
            counted(open.len(), "trail does not validate its log files", "trails do not validate their log files");
        let names = open.iter().map(|trail| trail.arn.clone()).collect();
        return Ok(Verdict::new(Status::Failed, reason, evidence).naming(names));
    }
    if let Some(unknown) = snapshot.other_trails() {
        return Ok(Verdict { evidence, ..unknown });
    }
    if trails.is_empty() {
        let evidence = vec![snapshot.evidence(Source::Trails, "trails", "none")];
        let reason = "No trail records a Region in which root signs in";
        return Ok(Verdict::new(Status::NotApplicable, reason, evidence));
    }
    let reason = "Every trail has log file validation enabled";
    Ok(Verdict::new(Status::Passed, reason, evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::testing::unavailable;

    #[test]
    fn trails_that_validate_pass() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!(verdict.status, Status::Passed);
        assert_eq!(verdict.evidence[0].value, "log file validation on");
    }

    #[test]
    fn a_trail_that_does_not_is_named_and_shown_first_although_another_one_does() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let second = Trail { validates_log_files: false, ..Trail::sound("second") };
            snapshot.trails.as_mut().unwrap().push(second);
        });
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(verdict.reason, "1 trail does not validate its log files");
        assert_eq!(verdict.resources, ["arn:aws:cloudtrail:eu-west-1:111122223333:trail/second"]);
        let shown: Vec<(&str, &str)> =
            verdict.evidence.iter().map(|evidence| (evidence.fact.as_str(), evidence.value.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("trail second of eu-west-1", "log file validation OFF"),
                ("trail management of eu-west-1", "log file validation on")
            ]
        );
    }

    #[test]
    fn no_trail_is_not_applicable_and_unread_trails_are_unknown() {
        assert_eq!(verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(Vec::new())).status, Status::NotApplicable);
        let blind = verdict_of(&CONTROL, |snapshot| snapshot.trails = Err(unavailable(Source::Trails)));
        assert_eq!(blind.status, Status::Unknown);
    }

    #[test]
    fn a_region_that_did_not_list_its_trails_leaves_it_unknown_unless_a_trail_that_was_seen_fails() {
        let partly = |change: fn(&mut Snapshot)| {
            verdict_of(&CONTROL, |snapshot| {
                snapshot.trails_unlisted.insert("us-east-2".into(), unavailable(Source::Trails));
                change(snapshot);
            })
        };
        assert_eq!(partly(|_| {}).status, Status::Unknown);
        assert_eq!(partly(|snapshot| snapshot.trails = Ok(Vec::new())).status, Status::Unknown);
        assert_eq!(partly(|snapshot| snapshot.trail().validates_log_files = false).status, Status::Failed);
    }

    #[test]
    fn a_trail_whose_state_is_withheld_is_evaluated_all_the_same() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trail().status = Err(unavailable(Source::Trails)));
        assert_eq!(verdict.status, Status::Passed);
    }
}
