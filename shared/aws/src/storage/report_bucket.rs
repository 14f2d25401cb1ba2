//! The bucket that reports are kept in. Every write of a report has a condition, so that no write replaces what another writer wrote.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ObjectLockMode;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use facts::AccountId;
use facts::source::Cause;
use jiff::Timestamp;
use tokio::time::timeout;

use crate::failure::cause;

/// The IAM actions that are called here. Without the second S3 denies what is not there, and a denial is never taken for that.
pub const ACTIONS: &[&str] = &["s3:GetObject", "s3:ListBucket", "s3:PutObject"];
/// What a retention needs beside those.
pub const OBJECT_LOCK_ACTIONS: &[&str] = &["s3:PutObjectRetention"];

/// More than any object of ours: what is larger is none, and would not fit into a function.
pub(crate) const MAX_BYTES: i64 = 32 * 1024 * 1024;
/// The code of an object that is larger than any of ours.
pub const TOO_LARGE: &str = "it is larger than 32 MB";
/// For an object's body; the client's own limits end with its head.
const BODY: Duration = Duration::from_secs(15);

/// The report bucket of an account.
#[derive(Debug, Clone)]
pub struct ReportBucket {
    client: Client,
    name: String,
    owner: AccountId,
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// S3's mark of this version.
    pub etag: String,
}

/// An object as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObject<'a> {
    /// Where.
    pub key: &'a str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// As `application/json`.
    pub content_type: &'a str,
    /// Until when only those with a permission of their own for that delete or replace this version (governance mode).
    pub retain_until: Option<Timestamp>,
}

/// What must be true for an object to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// There is none of this key.
    Absent,
    /// It is still the version with this mark.
    Unchanged(&'a str),
    /// Nothing: what is there is replaced. For objects that one writer has for itself.
    Anything,
}

impl<'a> Condition<'a> {
    /// Whether there is still what had the mark `etag`.
    pub fn still(etag: Option<&'a str>) -> Self {
        etag.map_or(Self::Absent, Self::Unchanged)
    }
}

/// The outcome of writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is written.
    Done {
        /// S3's mark of this version.
        etag: String,
    },
    /// The condition was not true, or another writer wrote at the same time.
    Conflict,
}

/// The bucket did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action} of {object} in bucket {bucket} {cause}")]
pub struct ReportBucketError {
    /// The IAM action.
    pub action: &'static str,
    /// Key of the object, or what the keys that are listed begin with.
    pub object: String,
    /// The bucket.
    pub bucket: String,
    /// Why.
    pub cause: Cause,
}

impl ReportBucketError {
    /// Whether the object has more bytes than one of ours may have.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(&self.cause, Cause::Refused { code } if code == TOO_LARGE)
    }
}

impl ReportBucket {
    /// The bucket called `name`, which must belong to `owner`: S3 refuses one of the same name in another account.
    pub fn new(config: &SdkConfig, name: &str, owner: &AccountId) -> Self {
        Self { client: Client::new(config), name: name.to_owned(), owner: owner.clone() }
    }

    #[cfg(test)]
    pub(crate) fn over(client: Client) -> Self {
        let owner = AccountId::parse("111122223333").expect("an id");
        Self { client, name: "rootwatch-reports".into(), owner }
    }

    /// The object at `key`; `None`: it is not there.
    ///
    /// # Errors
    /// When that could not be seen.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, ReportBucketError> {
        const ACTION: &str = "s3:GetObject";
        let request = self.client.get_object().bucket(&self.name).key(key).expected_bucket_owner(self.owner.as_str());
        match request.send().await {
            Ok(answer) => read(answer).await.map(Some).map_err(|cause| self.failed(ACTION, key, cause)),
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
            Err(error) => Err(self.failed(ACTION, key, cause(&error))),
        }
    }

    /// The mark of what lies at `key`, without its bytes; `None`: it is not there.
    ///
    /// # Errors
    /// When that could not be seen.
    pub async fn etag(&self, key: &str) -> Result<Option<String>, ReportBucketError> {
        const ACTION: &str = "s3:GetObject";
        let request = self.client.head_object().bucket(&self.name).key(key).expected_bucket_owner(self.owner.as_str());
        match request.send().await {
            Ok(answer) => marked(answer.e_tag()).map(Some).map_err(|cause| self.failed(ACTION, key, cause)),
            Err(error) => match bodiless(&error) {
                Some(None) => Ok(None),
                Some(Some(cause)) => Err(self.failed(ACTION, key, cause)),
                None => Err(self.failed(ACTION, key, cause(&error))),
            },
        }
    }

    /// Writes `object` if `condition` is true.
    ///
    /// # Errors
    /// When it was not written for another reason, or it is unknown whether it was.
    pub async fn put(&self, object: NewObject<'_>, condition: Condition<'_>) -> Result<Put, ReportBucketError> {
        const ACTION: &str = "s3:PutObject";
        let NewObject { key, bytes, content_type, retain_until } = object;
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .expected_bucket_owner(self.owner.as_str())
            .content_type(content_type)
            .set_object_lock_mode(retain_until.map(|_| ObjectLockMode::Governance))
            .set_object_lock_retain_until_date(retain_until.map(|until| DateTime::from_secs(until.as_second())))
            .body(ByteStream::from(bytes));
        let request = match condition {
            Condition::Absent => request.if_none_match("*"),
            Condition::Unchanged(etag) => request.if_match(etag),
            Condition::Anything => request,
        };
        match request.send().await {
            Ok(answer) => {
                let etag = marked(answer.e_tag()).map_err(|cause| self.failed(ACTION, key, cause))?;
                Ok(Put::Done { etag })
            }
            Err(error) if is_conflict(error.code()) => Ok(Put::Conflict),
            Err(error) => Err(self.failed(ACTION, key, cause(&error))),
        }
    }

    /// The keys that begin with `prefix` and come after `start_after`, in the order of their bytes.
    ///
    /// # Errors
    /// When not all of them could be seen.
    pub async fn list(&self, prefix: &str, start_after: &str) -> Result<Vec<String>, ReportBucketError> {
        let request = self.client.list_objects_v2().bucket(&self.name).expected_bucket_owner(self.owner.as_str());
        let mut pages = request.prefix(prefix).start_after(start_after).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("s3:ListBucket", prefix, cause(&error)))?;
            keys.extend(page.contents.into_iter().flatten().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    pub(crate) fn failed(&self, action: &'static str, object: &str, cause: Cause) -> ReportBucketError {
        ReportBucketError { action, object: object.to_owned(), bucket: self.name.clone(), cause }
    }
}

async fn read(answer: GetObjectOutput) -> Result<Object, Cause> {
    let etag = marked(answer.e_tag())?;
    if answer.content_length().is_some_and(|length| length > MAX_BYTES) {
        return Err(Cause::Refused { code: TOO_LARGE.into() });
    }
    match timeout(BODY, answer.body.collect()).await {
        Ok(Ok(body)) => Ok(Object { bytes: body.into_bytes().into(), etag }),
        Ok(Err(_)) => Err(Cause::Unreachable),
        Err(_) => Err(Cause::TimedOut),
    }
}

fn marked(etag: Option<&str>) -> Result<String, Cause> {
    etag.map(str::to_owned).ok_or_else(|| Cause::Malformed { detail: "an object without an ETag".into() })
}

/// What an answer to `HEAD` means, which has no body and so no code: `Some(None)`: the object is not there.
fn bodiless<E>(error: &SdkError<E, HttpResponse>) -> Option<Option<Cause>> {
    let status = error.raw_response()?.status().as_u16();
    let code = status.to_string();
    Some(match status {
        404 => None,
        401 | 403 => Some(Cause::Denied { code }),
        429 | 503 => Some(Cause::Throttled { code }),
        _ => Some(Cause::Refused { code }),
    })
}

/// The last: what should be replaced was deleted meanwhile
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).
fn is_conflict(code: Option<&str>) -> bool {
    matches!(code, Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::head_object::HeadObjectOutput;
    use aws_sdk_s3::operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output};
    use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
    use aws_sdk_s3::types::Object as Listed;
    use aws_sdk_s3::types::error::NoSuchKey;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    const KEY: &str = "history.json";

    fn bucket(rules: &[&Rule]) -> ReportBucket {
        ReportBucket::over(mock_client!(aws_sdk_s3, RuleMode::Sequential, rules))
    }

    fn coded(code: &'static str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).build()
    }

    /// An answer without a body.
    fn head(status: u16) -> Rule {
        mock!(Client::head_object)
            .sequence()
            .http_response(move || HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::empty()))
            .times(1)
            .build()
    }

    fn new(retain_until: Option<Timestamp>) -> NewObject<'static> {
        NewObject { key: KEY, bytes: b"{}".to_vec(), content_type: "application/json", retain_until }
    }

    async fn put_by(rule: Rule, condition: Condition<'_>) -> Result<Put, ReportBucketError> {
        bucket(&[&rule]).put(new(None), condition).await
    }

    #[tokio::test]
    async fn an_object_is_read_with_its_mark_from_the_accounts_own_bucket() {
        let rule = mock!(Client::get_object)
            .match_requests(|request| {
                (request.bucket(), request.key(), request.expected_bucket_owner())
                    == (Some("rootwatch-reports"), Some(KEY), Some("111122223333"))
            })
            .then_output(|| GetObjectOutput::builder().e_tag("\"a\"").body(ByteStream::from_static(b"{}")).build());
        let object = bucket(&[&rule]).get(KEY).await.unwrap();
        assert_eq!(object, Some(Object { bytes: b"{}".to_vec(), etag: "\"a\"".into() }));
    }

    #[tokio::test]
    async fn what_is_not_there_is_none_and_what_is_denied_is_an_error() {
        let missing = mock!(Client::get_object).then_error(|| GetObjectError::NoSuchKey(NoSuchKey::builder().build()));
        assert_eq!(bucket(&[&missing]).get(KEY).await, Ok(None));
        for (code, words) in [
            ("AccessDenied", "s3:GetObject of history.json in bucket rootwatch-reports was denied (AccessDenied)"),
            ("NoSuchBucket", "s3:GetObject of history.json in bucket rootwatch-reports failed (NoSuchBucket)"),
            ("SlowDown", "s3:GetObject of history.json in bucket rootwatch-reports was throttled (SlowDown)"),
        ] {
            let rule = mock!(Client::get_object).then_error(move || GetObjectError::generic(coded(code)));
            assert_eq!(bucket(&[&rule]).get(KEY).await.unwrap_err().to_string(), words);
        }
    }

    #[tokio::test]
    async fn an_object_without_a_mark_or_beyond_any_of_ours_cannot_be_used() {
        let unmarked =
            mock!(Client::get_object).then_output(|| GetObjectOutput::builder().body(ByteStream::default()).build());
        let large = mock!(Client::get_object)
            .then_output(|| GetObjectOutput::builder().e_tag("\"a\"").content_length(MAX_BYTES + 1).build());
        let error = bucket(&[&unmarked]).get(KEY).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Malformed { .. }), "{error}");
        let error = bucket(&[&large]).get(KEY).await.unwrap_err().to_string();
        assert!(error.ends_with("failed (it is larger than 32 MB)"), "{error}");
    }

    #[tokio::test]
    async fn a_mark_is_read_without_the_object_and_the_status_says_what_is_wrong() {
        let marked = mock!(Client::head_object)
            .match_requests(|request| request.expected_bucket_owner() == Some("111122223333"))
            .then_output(|| HeadObjectOutput::builder().e_tag("\"a\"").build());
        assert_eq!(bucket(&[&marked]).etag(KEY).await, Ok(Some("\"a\"".to_owned())));
        assert_eq!(bucket(&[&head(404)]).etag(KEY).await, Ok(None));
        let cause = async |status| bucket(&[&head(status)]).etag(KEY).await.unwrap_err().cause;
        assert_eq!(cause(403).await, Cause::Denied { code: "403".into() }, "a denial is never an absence");
        assert_eq!(cause(400).await, Cause::Refused { code: "400".into() });
    }

    #[tokio::test]
    async fn a_write_says_what_must_be_true_for_it() {
        let answer = || PutObjectOutput::builder().e_tag("\"b\"").build();
        let done = Ok(Put::Done { etag: "\"b\"".into() });
        let absent = mock!(Client::put_object)
            .match_requests(|request| {
                (request.if_none_match(), request.if_match()) == (Some("*"), None)
                    && request.content_type() == Some("application/json")
                    && request.expected_bucket_owner() == Some("111122223333")
                    && request.object_lock_mode().is_none()
            })
            .then_output(answer);
        assert_eq!(put_by(absent, Condition::still(None)).await, done);
        let unchanged = mock!(Client::put_object)
            .match_requests(|request| (request.if_none_match(), request.if_match()) == (None, Some("\"a\"")))
            .then_output(answer);
        assert_eq!(put_by(unchanged, Condition::still(Some("\"a\""))).await, done);
        let anything = mock!(Client::put_object)
            .match_requests(|request| (request.if_none_match(), request.if_match()) == (None, None))
            .then_output(answer);
        assert_eq!(put_by(anything, Condition::Anything).await, done);
    }

    #[tokio::test]
    async fn a_retention_is_in_governance_mode_until_that_instant() {
        let rule = mock!(Client::put_object)
            .match_requests(|request| {
                request.object_lock_mode() == Some(&ObjectLockMode::Governance)
                    && request.object_lock_retain_until_date() == Some(&DateTime::from_secs(1_795_168_800))
            })
            .then_output(|| PutObjectOutput::builder().e_tag("\"b\"").build());
        let until = "2026-11-20T10:00:00Z".parse().unwrap();
        assert!(bucket(&[&rule]).put(new(Some(until)), Condition::Absent).await.is_ok());
    }

    #[tokio::test]
    async fn a_condition_that_is_not_true_is_a_conflict_and_no_error() {
        for code in ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"] {
            let rule = mock!(Client::put_object).then_error(move || PutObjectError::generic(coded(code)));
            assert_eq!(put_by(rule, Condition::Absent).await, Ok(Put::Conflict), "{code}");
        }
        for code in ["AccessDenied", "InvalidRequest", "NoSuchBucket", "SlowDown"] {
            let rule = mock!(Client::put_object).then_error(move || PutObjectError::generic(coded(code)));
            let error = put_by(rule, Condition::Absent).await.unwrap_err().to_string();
            assert!(error.starts_with("s3:PutObject of history.json") && error.contains(code), "{error}");
        }
    }

    #[tokio::test]
    async fn all_pages_of_a_list_are_read_and_an_error_is_no_shorter_list() {
        let page = |token: Option<&'static str>, next: Option<&str>, key: &str| {
            let output = ListObjectsV2Output::builder()
                .contents(Listed::builder().key(key).build())
                .set_next_continuation_token(next.map(str::to_owned))
                .is_truncated(next.is_some())
                .build();
            mock!(Client::list_objects_v2)
                .match_requests(move |request| {
                    (request.prefix(), request.start_after()) == (Some("reports/"), Some("reports/2"))
                        && request.expected_bucket_owner() == Some("111122223333")
                        && request.continuation_token() == token
                })
                .then_output(move || output.clone())
        };
        let (first, second) = (page(None, Some("t"), "reports/3"), page(Some("t"), None, "reports/4"));
        let keys = bucket(&[&first, &second]).list("reports/", "reports/2").await.unwrap();
        assert_eq!(keys, ["reports/3", "reports/4"]);
        let denied = mock!(Client::list_objects_v2).then_error(|| ListObjectsV2Error::generic(coded("AccessDenied")));
        let first = page(None, Some("t"), "reports/3");
        let error = bucket(&[&first, &denied]).list("reports/", "reports/2").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "s3:ListBucket of reports/ in bucket rootwatch-reports was denied (AccessDenied)"
        );
    }
}
