//! Whether the buckets that trails deliver to are, or may become, public.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_bucket_policy_status::GetBucketPolicyStatusError;
use aws_sdk_s3::operation::get_public_access_block::{GetPublicAccessBlockError, GetPublicAccessBlockOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use facts::bucket::{Bucket, Exposure};
use facts::trails::Trail;
use facts::{AccountId, Source, Unavailable};
use futures_util::future::join_all;

use crate::failure::unavailable;

/// The IAM actions that are called here. The first is called `GetPublicAccessBlock` by the API.
pub const ACTIONS: &[&str] = &["s3:GetBucketPolicyStatus", "s3:GetBucketPublicAccessBlock"];

/// By what S3 says that a bucket lives elsewhere; the header [`BUCKET_REGION`] then says where
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
const ELSEWHERE: [&str; 4] =
    ["AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect"];
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// How S3 says that there is no such bucket, in no account
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
const GONE: &str = "NoSuchBucket";

/// Each bucket of `trails` once, by name. A bucket of another account is refused by S3, as it does not belong to `account`: what
/// cannot be read of one bucket is data of that bucket.
pub async fn read(client_in: impl Fn(&str) -> Client, account: &AccountId, trails: &[Trail]) -> Vec<Bucket> {
    let named = trails.iter().filter_map(|trail| Some((trail.bucket.as_deref()?, trail.home_region.as_str())));
    // The first trail's Region is as good a guess as any.
    let buckets: BTreeMap<&str, &str> = named.rev().collect();
    let exposures = buckets.iter().map(|(name, region)| exposure(&client_in, account, name, region));
    let exposures = join_all(exposures).await;
    buckets.keys().zip(exposures).map(|(name, exposure)| Bucket { name: (*name).to_owned(), exposure }).collect()
}

/// `region` is where the bucket may be. `None`: it is gone.
async fn exposure(
    client_in: impl Fn(&str) -> Client,
    account: &AccountId,
    bucket: &str,
    region: &str,
) -> Result<Option<Exposure>, Unavailable> {
    let mut client = client_in(region);
    let mut answer = public_access_block(&client, account, bucket).await;
    if let Some(elsewhere) = answer.as_ref().err().and_then(region_of).filter(|elsewhere| elsewhere != region) {
        client = client_in(&elsewhere);
        answer = public_access_block(&client, account, bucket).await;
    }
    let is_blocked = match answer {
        Ok(answer) => answer.public_access_block_configuration().is_some_and(|block| {
            [
                block.block_public_acls(),
                block.ignore_public_acls(),
                block.block_public_policy(),
                block.restrict_public_buckets(),
            ]
            .iter()
            .all(|setting| *setting == Some(true))
        }),
        Err(error) if error.code() == Some("NoSuchPublicAccessBlockConfiguration") => false,
        Err(error) if error.code() == Some(GONE) => return Ok(None),
        Err(error) => return Err(denied_of("s3:GetBucketPublicAccessBlock", bucket, &error)),
    };
    if is_blocked {
        return Ok(Some(Exposure { is_blocked, has_public_policy: None }));
    }
    match has_public_policy(&client, account, bucket).await {
        Ok(is_public) => Ok(Some(Exposure { is_blocked, has_public_policy: Some(is_public) })),
        Err(error) if error.code() == Some(GONE) => Ok(None),
        Err(error) => Err(denied_of("s3:GetBucketPolicyStatus", bucket, &error)),
    }
}

async fn public_access_block(
    client: &Client,
    account: &AccountId,
    bucket: &str,
) -> Result<GetPublicAccessBlockOutput, SdkError<GetPublicAccessBlockError, HttpResponse>> {
    client.get_public_access_block().bucket(bucket).expected_bucket_owner(account.as_str()).send().await
}

async fn has_public_policy(
    client: &Client,
    account: &AccountId,
    bucket: &str,
) -> Result<bool, SdkError<GetBucketPolicyStatusError, HttpResponse>> {
    let request = client.get_bucket_policy_status().bucket(bucket).expected_bucket_owner(account.as_str());
    match request.send().await {
        Ok(answer) => Ok(answer.policy_status().and_then(|status| status.is_public()).unwrap_or(false)),
        Err(error) if error.code() == Some("NoSuchBucketPolicy") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where S3 says that the bucket is, when it was asked elsewhere.
fn region_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let response = error.raw_response()?;
    let is_elsewhere = response.status().as_u16() == 301 || error.code().is_some_and(|code| ELSEWHERE.contains(&code));
    response.headers().get(BUCKET_REGION).filter(|_| is_elsewhere).map(str::to_owned)
}

fn denied_of<E: ProvideErrorMetadata>(action: &str, bucket: &str, error: &SdkError<E, HttpResponse>) -> Unavailable {
    unavailable(Source::TrailBuckets, &format!("{action} of {bucket}"), error)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::get_bucket_policy_status::GetBucketPolicyStatusOutput;
    use aws_sdk_s3::types::{PolicyStatus, PublicAccessBlockConfiguration};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use facts::source::Cause;

    use super::*;

    fn trail(name: &str, region: &str, bucket: Option<&str>) -> Trail {
        let unread = Unavailable::not_asked(Source::Trails);
        Trail {
            arn: format!("arn:aws:cloudtrail:{region}:111122223333:trail/{name}"),
            name: name.into(),
            home_region: region.into(),
            is_multi_region: true,
            is_organization: false,
            has_global_services: true,
            validates_log_files: true,
            bucket: bucket.map(str::to_owned),
            status: Err(unread.clone()),
            management_events: Err(unread),
        }
    }

    fn settings(settings: [Option<bool>; 4]) -> Rule {
        let [acls, ignored, policy, restricted] = settings;
        let block = PublicAccessBlockConfiguration::builder()
            .set_block_public_acls(acls)
            .set_ignore_public_acls(ignored)
            .set_block_public_policy(policy)
            .set_restrict_public_buckets(restricted)
            .build();
        mock!(Client::get_public_access_block)
            .match_requests(|request| request.expected_bucket_owner() == Some("111122223333"))
            .then_output(move || {
                GetPublicAccessBlockOutput::builder().public_access_block_configuration(block.clone()).build()
            })
    }

    fn refused(code: &'static str) -> Rule {
        mock!(Client::get_public_access_block)
            .then_error(move || GetPublicAccessBlockError::generic(ErrorMetadata::builder().code(code).build()))
    }

    fn policy(is_public: bool) -> Rule {
        mock!(Client::get_bucket_policy_status)
            .match_requests(|request| {
                (request.bucket(), request.expected_bucket_owner()) == (Some("audit"), Some("111122223333"))
            })
            .then_output(move || {
                let status = PolicyStatus::builder().is_public(is_public).build();
                GetBucketPolicyStatusOutput::builder().policy_status(status).build()
            })
    }

    fn no_policy(code: &'static str) -> Rule {
        mock!(Client::get_bucket_policy_status)
            .then_error(move || GetBucketPolicyStatusError::generic(ErrorMetadata::builder().code(code).build()))
    }

    /// As S3 answers in another Region than the bucket's, so many times.
    fn elsewhere(status: u16, code: &'static str, region: &'static str, times: usize) -> Rule {
        let answer = move || {
            let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
            let mut response = HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body));
            response.headers_mut().insert(BUCKET_REGION, region);
            response
        };
        mock!(Client::get_public_access_block).sequence().http_response(answer).times(times).build()
    }

    /// The buckets of `trails`, and the Regions in which they were asked for.
    async fn read_all(rules: &[&Rule], trails: &[Trail]) -> (Vec<Bucket>, Vec<String>) {
        let client = mock_client!(aws_sdk_s3, RuleMode::Sequential, rules);
        let asked = Mutex::new(Vec::new());
        let client_in = |region: &str| {
            asked.lock().expect("one thread").push(region.to_owned());
            client.clone()
        };
        let account = AccountId::parse("111122223333").expect("an id");
        let buckets = read(client_in, &account, trails).await;
        (buckets, asked.into_inner().expect("one thread"))
    }

    async fn exposure_by(rules: &[&Rule]) -> Result<Option<Exposure>, Unavailable> {
        let (mut buckets, _) = read_all(rules, &[trail("audit", "eu-west-1", Some("audit"))]).await;
        assert_eq!((buckets.len(), buckets[0].name.as_str()), (1, "audit"));
        buckets.remove(0).exposure
    }

    #[tokio::test]
    async fn a_bucket_that_is_blocked_is_not_asked_for_its_policy() {
        let policy = policy(true);
        let exposure = exposure_by(&[&settings([Some(true); 4]), &policy]).await.unwrap();
        assert_eq!(exposure, Some(Exposure { is_blocked: true, has_public_policy: None }));
        assert_eq!(policy.num_calls(), 0);
    }

    #[tokio::test]
    async fn one_setting_that_is_off_or_left_out_does_not_block() {
        for off in [Some(false), None] {
            for which in 0..4 {
                let mut on = [Some(true); 4];
                on[which] = off;
                let exposure = exposure_by(&[&settings(on), &policy(which % 2 == 0)]).await.unwrap();
                assert_eq!(exposure, Some(Exposure { is_blocked: false, has_public_policy: Some(which % 2 == 0) }));
            }
        }
    }

    #[tokio::test]
    async fn no_block_and_no_policy_are_answers() {
        let exposure =
            exposure_by(&[&refused("NoSuchPublicAccessBlockConfiguration"), &no_policy("NoSuchBucketPolicy")]).await;
        assert_eq!(exposure, Ok(Some(Exposure { is_blocked: false, has_public_policy: Some(false) })));
    }

    #[tokio::test]
    async fn a_bucket_that_is_gone_is_an_answer_and_no_bucket_of_another_account() {
        assert_eq!(exposure_by(&[&refused("NoSuchBucket")]).await, Ok(None));
        assert_eq!(exposure_by(&[&settings([None; 4]), &no_policy("NoSuchBucket")]).await, Ok(None), "gone meanwhile");
    }

    #[tokio::test]
    async fn a_denial_names_the_bucket_and_hides_no_other() {
        let denied = refused("AccessDenied");
        assert_eq!(
            exposure_by(&[&denied]).await.unwrap_err().to_string(),
            "buckets of the trails: s3:GetBucketPublicAccessBlock of audit was denied (AccessDenied)"
        );
        let denied = no_policy("AccessDenied");
        assert_eq!(
            exposure_by(&[&settings([None; 4]), &denied]).await.unwrap_err().to_string(),
            "buckets of the trails: s3:GetBucketPolicyStatus of audit was denied (AccessDenied)"
        );
        let denied = mock!(Client::get_public_access_block)
            .match_requests(|request| request.bucket() == Some("audit"))
            .then_error(|| GetPublicAccessBlockError::generic(ErrorMetadata::builder().code("AccessDenied").build()));
        let other = settings([Some(true); 4]);
        let trails = [trail("audit", "eu-west-1", Some("audit")), trail("other", "eu-west-1", Some("other"))];
        let (buckets, _) = read_all(&[&denied, &other], &trails).await;
        assert!(buckets[0].exposure.is_err() && buckets[1].exposure.is_ok(), "{buckets:?}");
    }

    #[tokio::test]
    async fn a_bucket_of_two_trails_is_asked_once_in_the_first_ones_region_and_a_trail_may_have_none() {
        let rule = settings([Some(true); 4]);
        let trails = [
            trail("audit", "eu-west-1", Some("audit")),
            trail("more", "eu-north-1", Some("audit")),
            trail("none", "eu-north-1", None),
        ];
        let (buckets, asked) = read_all(&[&rule], &trails).await;
        assert_eq!((buckets.len(), rule.num_calls(), asked), (1, 1, vec!["eu-west-1".to_owned()]));
    }

    #[tokio::test]
    async fn a_bucket_elsewhere_is_asked_there() {
        let cases = [
            (301, "PermanentRedirect"),
            (400, "AuthorizationHeaderMalformed"),
            (400, "IllegalLocationConstraintException"),
        ];
        for (status, code) in cases {
            let once = elsewhere(status, code, "ap-south-1", 1);
            let rules = [&once, &settings([None; 4]), &policy(true)];
            let (buckets, asked) = read_all(&rules, &[trail("audit", "eu-west-1", Some("audit"))]).await;
            assert_eq!(
                buckets[0].exposure,
                Ok(Some(Exposure { is_blocked: false, has_public_policy: Some(true) })),
                "{code}"
            );
            assert_eq!(asked, ["eu-west-1", "ap-south-1"], "{code}: and its policy there too");
        }
    }

    #[tokio::test]
    async fn a_bucket_that_is_said_to_be_elsewhere_twice_is_not_looked_for_further() {
        let rule = elsewhere(301, "PermanentRedirect", "ap-south-1", 2);
        let (buckets, asked) = read_all(&[&rule], &[trail("audit", "eu-west-1", Some("audit"))]).await;
        let cause = &buckets[0].exposure.as_ref().unwrap_err().cause;
        assert_eq!(cause, &Cause::Refused { code: "PermanentRedirect".into() });
        assert_eq!((asked.len(), rule.num_calls()), (2, 2));
        let denied = elsewhere(403, "AccessDenied", "ap-south-1", 1);
        let (_, asked) = read_all(&[&denied], &[trail("audit", "eu-west-1", Some("audit"))]).await;
        assert_eq!(asked, ["eu-west-1"], "a denial is final, wherever the bucket is");
    }
}
