//! S3, as far as it tells whether a bucket is public, and the report bucket. A bucket answers in its own Region and to those that it
//! is open to.

pub(crate) mod store;

use std::fmt::Write;

use hyper::{HeaderMap, Method};

use crate::baseline::BLOCKS;
use crate::fault::ServiceError;
use crate::iam::escape;
use crate::server::State;

const SPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The IAM action's name, by the request; of `HEAD` that of the API.
pub(crate) fn operation(method: &Method, path: &str, query: &str) -> &'static str {
    let asks_for = |what: &str| query.split('&').any(|field| field == what || field == format!("{what}="));
    let has_key = path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    match *method {
        Method::GET if asks_for("publicAccessBlock") => "GetBucketPublicAccessBlock",
        Method::GET if asks_for("policyStatus") => "GetBucketPolicyStatus",
        Method::GET if has_key => "GetObject",
        Method::HEAD if has_key => "HeadObject",
        Method::PUT if has_key => "PutObject",
        Method::GET => "ListBucket",
        _ => "",
    }
}

pub(crate) fn answer(
    state: &State,
    operation: &str,
    region: &str,
    path: &str,
    headers: &HeaderMap,
) -> Result<String, ServiceError> {
    let name = path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    let bucket = state.story.baseline.buckets.get(name);
    let bucket = bucket.ok_or_else(|| ServiceError::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
    if bucket.region != region {
        let what = "The bucket you are attempting to access must be addressed using the specified endpoint.";
        let moved = ServiceError::new(301, "PermanentRedirect", what);
        return Err(ServiceError { header: Some(("x-amz-bucket-region", bucket.region.clone())), ..moved });
    }
    let owner = bucket.owner.as_ref().unwrap_or(&state.story.account);
    let is_expected = headers.get("x-amz-expected-bucket-owner").is_none_or(|expected| expected == owner.as_str());
    if !is_expected || *owner != state.story.account {
        return Err(ServiceError::new(403, "AccessDenied", "Access Denied"));
    }
    let missing = |code: &str, what: &str| ServiceError::new(404, code, what);
    let answer = match operation {
        "GetBucketPublicAccessBlock" => {
            let none = "The public access block configuration was not found";
            let on = bucket.blocks.as_ref().ok_or_else(|| missing("NoSuchPublicAccessBlockConfiguration", none))?;
            let settings = BLOCKS.iter().fold(String::new(), |mut xml, setting| {
                let _ = write!(xml, "<{setting}>{}</{setting}>", on.iter().any(|on| on == setting));
                xml
            });
            format!("<PublicAccessBlockConfiguration xmlns=\"{SPACE}\">{settings}</PublicAccessBlockConfiguration>")
        }
        "GetBucketPolicyStatus" => {
            let none = "The bucket policy does not exist";
            let is_public = bucket.policy_is_public.ok_or_else(|| missing("NoSuchBucketPolicy", none))?;
            format!("<PolicyStatus xmlns=\"{SPACE}\"><IsPublic>{is_public}</IsPublic></PolicyStatus>")
        }
        _ => return Err(ServiceError::unknown_operation("s3", operation)),
    };
    Ok(answer)
}

/// An error as S3 writes it: without the envelope of the query services.
pub(crate) fn error(error: &ServiceError) -> String {
    let (code, message) = (escape(&error.code), escape(&error.message));
    format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId></Error>")
}
