//! A signed link to the page of the newest report. Nothing is called: the reader who opens the link calls S3.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_iam::config::ProvideCredentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use facts::Partition;
use facts::source::Cause;
use jiff::Timestamp;
use messages::ReportLink;

/// The IAM action that opening a link takes, with the rights of its signer.
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

    /// A link that is good from `at` on, for [`ReportLink::LASTS`] at most. Signed by hand: S3's own operation would make each function
    /// that sends alerts a megabyte larger.
    ///
    /// # Errors
    /// When there are no credentials to sign with, or the bucket's name is none.
    pub async fn link(&self, at: Timestamp) -> Result<ReportLink, LinkError> {
        let region = self.config.region().map_or("us-east-1", |region| region.as_ref());
        let domain = Partition::of_region(region).dns_suffix();
        self.signed(&format!("https://{}.s3.{region}.{domain}/{KEY}", self.bucket), region, at).await
    }

    async fn signed(&self, url: &str, region: &str, at: Timestamp) -> Result<ReportLink, LinkError> {
        let failed = |code: String| LinkError { bucket: self.bucket.clone(), cause: Cause::Refused { code } };
        let provider = self.config.credentials_provider().ok_or_else(|| failed("are there AWS credentials?".into()))?;
        let credentials = provider.provide_credentials().await.map_err(|error| failed(error.to_string()))?;
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::try_from(ReportLink::LASTS).unwrap_or_default());
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        let signing = v4::SigningParams::builder().identity(&identity).region(region).name("s3");
        let signing = signing.time(at.into()).settings(settings).build().map_err(|error| failed(error.to_string()))?;
        let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::UnsignedPayload);
        let signed = request.and_then(|request| sign(request, &signing.into()));
        let (instructions, _) = signed.map_err(|error| failed(error.to_string()))?.into_parts();
        let mut request = http::Request::builder().uri(url).body(()).map_err(|error| failed(error.to_string()))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(ReportLink(request.uri().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::infallible_client_fn;

    use super::*;

    fn config(credentials: Option<Credentials>) -> SdkConfig {
        let http = infallible_client_fn(|_| -> http::Response<&str> { panic!("nothing is called") });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .http_client(http);
        let config = match credentials {
            Some(credentials) => config.credentials_provider(SharedCredentialsProvider::new(credentials)),
            None => config,
        };
        config.build()
    }

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    async fn link(bucket: &str, credentials: Option<Credentials>) -> Result<ReportLink, LinkError> {
        LatestReport::new(&config(credentials), bucket).link(now()).await
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

    #[tokio::test]
    async fn the_signature_is_that_of_s3s_own_operation() {
        let config = config(credentials());
        let lasts = Duration::try_from(ReportLink::LASTS).unwrap();
        let signing = aws_sdk_s3::presigning::PresigningConfig::builder().start_time(now().into()).expires_in(lasts);
        let operation = aws_sdk_s3::Client::new(&config).get_object().bucket("rootwatch-reports").key(KEY);
        let theirs = operation.presigned(signing.build().unwrap()).await.unwrap();
        // It names itself in the address too.
        let url = "https://rootwatch-reports.s3.eu-west-1.amazonaws.com/latest.html?x-id=GetObject";
        let ours = LatestReport::new(&config, "rootwatch-reports").signed(url, "eu-west-1", now()).await.unwrap();
        let sorted = |url: &str| {
            let (address, query) = url.split_once('?').unwrap();
            let mut query: Vec<String> = query.split('&').map(str::to_owned).collect();
            query.sort();
            (address.to_owned(), query)
        };
        assert_eq!(sorted(&ours.0), sorted(theirs.uri()));
    }
}
