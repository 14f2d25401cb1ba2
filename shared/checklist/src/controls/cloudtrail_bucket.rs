use facts::bucket::{Bucket, Exposure};
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "cloudtrail-bucket",
    title: "Trail buckets exist and cannot be public",
    violation: "a trail's bucket is missing or may be public",
    step: None,
    severity: Severity::High,
    rationale: "The log files name every user, role, address and resource of the account: a map for an attacker. A \
                bucket with Block Public Access stays private, whatever its policy says. If a bucket was deleted, no \
                log files are kept, and anyone can create a bucket with its name.",
    semantics: "Fails when a bucket does not exist, or when one of the four Block Public Access settings of the \
                bucket is off; the reason says whether its policy is public. Only the bucket's own settings count, not \
                the account's, which can be turned off for another bucket. A bucket of another account, such as that \
                of an organization's trail in a member account, cannot be read and is unknown: it is evaluated in the \
                account that owns it. Not applicable without a trail. Trails that record none of the Regions in which \
                root signs in are not checked. Who else can read the bucket is not evaluated.",
    remediation: Remediation {
        console: &[
            "A bucket that does not exist: find out who deleted it (DeleteBucket in CloudTrail > Event history), and \
             let the trail deliver to a new bucket of this account. Do not trust a bucket that appeared under the old \
             name.",
            "S3 > Buckets > [bucket] > Permissions > Block public access > Edit: choose Block all public access and \
             save.",
            "If the policy was public: check S3 server access logs or CloudTrail data events for who read the bucket. \
             Remove every statement with the principal * that CloudTrail does not need.",
        ],
        cli: &[
            "aws s3api put-public-access-block --bucket <bucket> --public-access-block-configuration \
             BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
            "aws s3api get-bucket-policy-status --bucket <bucket>",
        ],
    },
    sources: &[Source::Trails, Source::TrailBuckets],
    user_of: no_user,
    mappings: &[
        (Framework::SecurityHub, "CloudTrail.6"),
        (Framework::Config, "cloudtrail-s3-bucket-public-access-prohibited"),
        (Framework::Prowler, "cloudtrail_logs_s3_bucket_is_not_publicly_accessible"),
    ],
    references: &[
        Reference {
            name: "AWS: Blocking public access to your Amazon S3 storage",
            url: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
        },
        Reference {
            name: "AWS: Deleting a general purpose bucket (anyone can take its name)",
            url: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
        },
        Reference {
            name: "AWS: Amazon S3 bucket policy for CloudTrail",
            url: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let buckets = snapshot.trail_buckets.as_ref().map_err(Clone::clone)?;
    let unknown = snapshot.other_trails();
    if buckets.is_empty() {
        let trails = snapshot.trails.as_ref().map_err(Clone::clone)?;
        let evidence = vec![snapshot.evidence(Source::Trails, "trails", trails.len())];
        let reason = if trails.is_empty() {
            "No trail records a Region in which root signs in"
        } else {
            "No trail that records a Region in which root signs in delivers to a bucket"
        };
        return Ok(unknown.unwrap_or_else(|| Verdict::new(Status::NotApplicable, reason, evidence)));
    }
    let mut buckets: Vec<&Bucket> = buckets.iter().collect();
    buckets.sort_by_key(|bucket| match bucket.exposure {
        Ok(None | Some(Exposure { is_blocked: false, .. })) => 0,
        Err(_) => 1,
        Ok(Some(Exposure { is_blocked: true, .. })) => 2,
    });
    let shown = buckets.iter().map(|bucket| {
        let fact = format!("bucket {}", bucket.name);
        snapshot.evidence(Source::TrailBuckets, fact, words(&bucket.exposure))
    });
    let evidence = named(shown.collect(), "further buckets");
    let faults = buckets.iter().filter_map(|bucket| Some((bucket.name.clone(), fault(bucket)?)));
    let (names, reasons): (Vec<String>, Vec<String>) = faults.unzip();
    if !names.is_empty() {
        return Ok(Verdict::new(Status::Failed, reasons.join("; "), evidence).naming(names));
    }
    let unread = buckets.iter().find_map(|bucket| Some((bucket, bucket.exposure.as_ref().err()?)));
    Ok(match (unread, unknown) {
        (Some((bucket, unavailable)), _) => {
            let reason = format!(
                "{unavailable}. Bucket {} could not be evaluated; a bucket of another account is evaluated in that account",
                bucket.name
            );
            Verdict { evidence, ..Verdict::new(Status::Unknown, reason, Vec::new()) }
        }
        (None, Some(unknown)) => Verdict { evidence, ..unknown },
        (None, None) => {
            let reason = "Every trail bucket exists and blocks public access";
            Verdict::new(Status::Passed, reason, evidence)
        }
    })
}

/// What is known to be wrong with it.
fn fault(bucket: &Bucket) -> Option<String> {
    let name = &bucket.name;
    match bucket.exposure.as_ref().ok()? {
        None => Some(format!("{name} does not exist: no log files are kept, and anyone can take the name")),
        Some(Exposure { is_blocked: true, .. }) => None,
        Some(Exposure { has_public_policy: Some(true), .. }) => {
            Some(format!("{name} has a PUBLIC policy, and Block Public Access is not fully on"))
        }
        Some(_) => Some(format!("Block Public Access of {name} is not fully on")),
    }
}

fn words(exposure: &Result<Option<Exposure>, Unavailable>) -> &'static str {
    match exposure {
        Ok(None) => "does NOT exist",
        Ok(Some(Exposure { is_blocked: true, .. })) => "public access is blocked",
        Ok(Some(Exposure { has_public_policy: Some(true), .. })) => {
            "public access is NOT blocked, and its policy is PUBLIC"
        }
        Ok(Some(Exposure { has_public_policy: Some(false), .. })) => {
            "public access is NOT blocked, its policy is not public"
        }
        Ok(Some(Exposure { has_public_policy: None, .. })) => "public access is NOT blocked",
        Err(_) => "unknown whether public access is blocked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::testing::unavailable;

    fn exposed(name: &str, has_public_policy: Option<bool>) -> Bucket {
        Bucket { name: name.into(), exposure: Ok(Some(Exposure { is_blocked: false, has_public_policy })) }
    }

    fn unread(name: &str) -> Bucket {
        Bucket { name: name.into(), exposure: Err(unavailable(Source::TrailBuckets)) }
    }

    fn beside(bucket: Bucket) -> Verdict {
        verdict_of(&CONTROL, |snapshot| snapshot.trail_buckets.as_mut().unwrap().push(bucket))
    }

    #[test]
    fn a_bucket_with_its_public_access_blocked_passes() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!(verdict.status, Status::Passed);
        assert_eq!(verdict.evidence[0].fact, "bucket acme-prod-trail");
        assert_eq!(verdict.evidence[0].value, "public access is blocked");
    }

    #[test]
    fn a_bucket_without_its_own_block_fails_whatever_its_policy_says_and_a_public_one_is_called_so() {
        for (policy, reason, shown) in [
            (None, "Block Public Access of other is not fully on", "public access is NOT blocked"),
            (
                Some(false),
                "Block Public Access of other is not fully on",
                "public access is NOT blocked, its policy is not public",
            ),
            (
                Some(true),
                "other has a PUBLIC policy, and Block Public Access is not fully on",
                "public access is NOT blocked, and its policy is PUBLIC",
            ),
        ] {
            let verdict = beside(exposed("other", policy));
            assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, reason));
            assert_eq!(verdict.resources, ["other"]);
            assert_eq!(verdict.evidence[0].value, shown, "what is wrong stands first");
        }
    }

    #[test]
    fn a_bucket_that_could_not_be_read_is_unknown_unless_another_one_fails() {
        let verdict = beside(unread("theirs"));
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.contains("was denied") && verdict.reason.contains("theirs"), "{}", verdict.reason);
        assert!(verdict.reason.contains("evaluated in that account"), "{}", verdict.reason);
        assert_eq!(verdict.evidence[0].value, "unknown whether public access is blocked");
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.trail_buckets = Ok(vec![unread("theirs"), exposed("ours", None)]);
        });
        assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec!["ours".to_owned()]));
    }

    #[test]
    fn a_bucket_that_is_gone_fails_and_is_not_taken_for_another_accounts() {
        let verdict = beside(Bucket { name: "gone".into(), exposure: Ok(None) });
        assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec!["gone".to_owned()]));
        assert_eq!(verdict.reason, "gone does not exist: no log files are kept, and anyone can take the name");
        assert_eq!(verdict.evidence[0].value, "does NOT exist");
    }

    #[test]
    fn no_trail_and_no_bucket_are_not_applicable() {
        let verdict =
            verdict_of(&CONTROL, |snapshot| (snapshot.trails, snapshot.trail_buckets) = (Ok(vec![]), Ok(vec![])));
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::NotApplicable, "No trail records a Region in which root signs in")
        );
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trail_buckets = Ok(Vec::new()));
        let reason = "No trail that records a Region in which root signs in delivers to a bucket";
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::NotApplicable, reason));
    }

    #[test]
    fn a_region_that_did_not_list_its_trails_leaves_it_unknown_unless_a_bucket_that_was_seen_fails() {
        let partly = |buckets: Vec<Bucket>| {
            verdict_of(&CONTROL, |snapshot| {
                snapshot.trail_buckets = Ok(buckets);
                snapshot.trails_unlisted.insert("us-east-2".into(), unavailable(Source::Trails));
            })
        };
        let blocked = Exposure { is_blocked: true, has_public_policy: None };
        assert_eq!(partly(Vec::new()).status, Status::Unknown);
        assert_eq!(partly(vec![Bucket { name: "ours".into(), exposure: Ok(Some(blocked)) }]).status, Status::Unknown);
        assert_eq!(partly(vec![exposed("ours", None)]).status, Status::Failed);
    }

    #[test]
    fn what_was_not_read_is_unknown_but_buckets_that_were_are_evaluated_without_the_trails() {
        let blind = verdict_of(&CONTROL, |snapshot| snapshot.trail_buckets = Err(unavailable(Source::TrailBuckets)));
        assert_eq!(blind.status, Status::Unknown);
        let blind = verdict_of(&CONTROL, |snapshot| {
            (snapshot.trails, snapshot.trail_buckets) = (Err(unavailable(Source::Trails)), Ok(Vec::new()));
        });
        assert_eq!(blind.status, Status::Unknown, "it is unknown whether there is none");
        let seen = verdict_of(&CONTROL, |snapshot| snapshot.trails = Err(unavailable(Source::Trails)));
        assert_eq!(seen.status, Status::Passed);
    }
}
