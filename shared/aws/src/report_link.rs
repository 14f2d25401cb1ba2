//! A signed link to the page of the newest report. Nothing is called: whoever opens the link calls S3.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::presigning::PresigningConfig;
use checklist::message::ReportLink;
use checklist::snapshot::Cause;
use jiff::Timestamp;

use crate::failure;

/// The IAM action that whoever opens a link takes, with the rights of whoever signed it.
pub const ACTIONS: &[&str] = &["s3:GetObject"];

/// Where the page lies in the bucket.
pub const KEY: &str = "latest.html";

/// The newest report, as a page in a bucket.
#[derive(Debug)]
pub struct LatestReport {
    config: SdkConfig,
    bucket: String,
}

/// A link that could not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a link to {KEY} in {bucket} could not be signed: {cause}")]
pub struct LinkError {
    bucket: String,
    cause: Cause,
}

impl LatestReport {
    /// The page in `bucket`, in the Region of `config`.
    pub fn new(config: &SdkConfig, bucket: impl Into<String>) -> Self {
        Self { config: config.clone(), bucket: bucket.into() }
    }

    /// A link that is good from `at` on, for [`ReportLink::LASTS`] at most.
    ///
    /// # Errors
    /// When there are no credentials to sign with, or the bucket's name is none.
    pub async fn link(&self, at: Timestamp) -> Result<ReportLink, LinkError> {
        let failed = |cause| LinkError { bucket: self.bucket.clone(), cause };
        let lasts = Duration::try_from(ReportLink::LASTS).unwrap_or_default();
        let signing = PresigningConfig::builder().start_time(at.into()).expires_in(lasts).build();
        let signing = signing.map_err(|error| failed(Cause::Refused { code: error.to_string() }))?;
        // Made where it is needed, once a week.
        let client = aws_sdk_s3::Client::new(&self.config);
        let signed = client.get_object().bucket(&self.bucket).key(KEY).presigned(signing).await;
        let signed = signed.map_err(|error| failed(failure::cause(&error)))?;
        // Without credentials the SDK gives an address that S3 denies.
        if !signed.uri().contains("X-Amz-Signature=") {
            return Err(failed(Cause::Refused { code: "are there AWS credentials?".into() }));
        }
        Ok(ReportLink(signed.uri().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::infallible_client_fn;

    use super::*;

    async fn link(bucket: &str, credentials: Option<Credentials>) -> Result<ReportLink, LinkError> {
        let http = infallible_client_fn(|_| -> http::Response<&str> { panic!("nothing is called") });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .http_client(http);
        let config = match credentials {
            Some(credentials) => config.credentials_provider(SharedCredentialsProvider::new(credentials)),
            None => config,
        };
        LatestReport::new(&config.build(), bucket).link("2026-11-20T10:00:00Z".parse().unwrap()).await
    }

    fn credentials() -> Option<Credentials> {
        // As long as one of Lambda's can be.
        Some(Credentials::new("AKIAEXAMPLE", "the-secret", Some("t/+=".repeat(400)), None, "test"))
    }

    #[tokio::test]
    async fn a_link_is_signed_for_twelve_hours_without_a_call_and_any_browser_can_open_it() {
        let link = link("rootwatch-reports", credentials()).await.unwrap();
        assert_eq!(format!("{link:?}"), "ReportLink(..)");
        let (address, query) = link.0.split_once('?').unwrap();
        assert_eq!(address, "https://rootwatch-reports.s3.eu-west-1.amazonaws.com/latest.html");
        let query: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        let of = |name: &str| query.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        assert_eq!(of("X-Amz-Date"), Some("20261120T100000Z"));
        assert_eq!(of("X-Amz-Expires"), Some("43200"));
        assert_eq!(of("X-Amz-SignedHeaders"), Some("host"), "a browser sends no header of ours");
        assert!(of("X-Amz-Signature").is_some() && of("X-Amz-Security-Token").is_some());
        assert!(link.0.bytes().all(|byte| byte.is_ascii_graphic()) && !link.0.contains("the-secret"));
    }

    #[tokio::test]
    async fn without_credentials_there_is_no_link_and_the_error_says_of_what() {
        let error = link("rootwatch-reports", None).await.unwrap_err().to_string();
        assert!(error.starts_with("a link to latest.html in rootwatch-reports could not be signed: "), "{error}");
    }
}
