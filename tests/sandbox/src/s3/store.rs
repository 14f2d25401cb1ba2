//! The report bucket: a little object store with the conditions and the refusals of S3.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{HeaderMap, Response};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::SPACE;
use crate::fault::{ServiceError, Trouble};
use crate::iam::escape;
use crate::server::{State, response};

const TOKEN: &str = "after-";

/// An object in the report bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// As it was written with.
    pub content_type: String,
    /// S3's mark of it, in quotes.
    pub etag: String,
    /// How often it was written.
    pub versions: usize,
    /// Until when this version is locked, in governance mode.
    pub retain_until: Option<Timestamp>,
}

/// The bucket's objects, by key.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) objects: BTreeMap<String, Object>,
    /// The bucket was made with Object Lock.
    pub(crate) has_object_lock: bool,
}

impl Store {
    pub(crate) fn place(&mut self, key: &str, bytes: Vec<u8>, content_type: &str, retain_until: Option<Timestamp>) {
        let versions = self.objects.get(key).map_or(0, |object| object.versions) + 1;
        let object =
            Object { etag: etag(&bytes), bytes, content_type: content_type.to_owned(), versions, retain_until };
        self.objects.insert(key.to_owned(), object);
    }
}

/// 32 hexadecimal digits in quotes, the same for the same bytes.
fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let first = hasher.finish();
    bytes.len().hash(&mut hasher);
    format!("\"{first:016x}{:016x}\"", hasher.finish())
}

/// Whether `operation` is one on objects.
pub(crate) fn knows(operation: &str) -> bool {
    matches!(operation, "GetObject" | "HeadObject" | "ListBucket" | "PutObject")
}

/// Answers `operation` on the bucket and the key in `path`, which has the query too.
pub(crate) fn answer(
    state: &mut State,
    operation: &str,
    region: &str,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Full<Bytes>> {
    match perform(state, operation, region, path, headers, body) {
        Ok(response) => response,
        Err(error) => {
            let mut response = response(error.status, "application/xml", super::error(&error));
            if let Some((name, Ok(value))) = error.header.map(|(name, value)| (name, value.parse())) {
                response.headers_mut().insert(name, value);
            }
            response
        }
    }
}

fn perform(
    state: &mut State,
    operation: &str,
    region: &str,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response<Full<Bytes>>, ServiceError> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let key = percent_decode_str(key).decode_utf8().map_err(|_| invalid("the key is not UTF-8"))?;
    if bucket != state.story.report_bucket() {
        return Err(ServiceError::new(404, "NoSuchBucket", "The specified bucket does not exist"));
    }
    if region != "eu-west-1" {
        let what = "The bucket you are attempting to access must be addressed using the specified endpoint.";
        let moved = ServiceError::new(301, "PermanentRedirect", what);
        return Err(ServiceError { header: Some(("x-amz-bucket-region", "eu-west-1".into())), ..moved });
    }
    if header(headers, "x-amz-expected-bucket-owner").is_some_and(|owner| owner != state.story.account) {
        return Err(ServiceError::new(403, "AccessDenied", "Access Denied"));
    }
    match operation {
        "ListBucket" => list(state, query),
        "PutObject" => put(state, &key, headers, body),
        _ => get(state, &key),
    }
}

fn get(state: &State, key: &str) -> Result<Response<Full<Bytes>>, ServiceError> {
    let Some(object) = state.reports.objects.get(key) else {
        // Without the right to list, a missing object looks denied.
        let is_denied = |fault: &crate::fault::Fault| fault.on == "s3:ListBucket" && fault.trouble == Trouble::Deny;
        return Err(if state.story.faults.iter().any(is_denied) {
            ServiceError::denied("s3", "s3:ListBucket")
        } else {
            no_such_key()
        });
    };
    let mut response = response(200, &object.content_type, object.bytes.clone());
    response.headers_mut().insert("etag", object.etag.parse().expect("a mark fits into a header"));
    Ok(response)
}

fn put(state: &mut State, key: &str, headers: &HeaderMap, body: &Bytes) -> Result<Response<Full<Bytes>>, ServiceError> {
    let header = |name| header(headers, name);
    if key.is_empty() || key.len() > 1_024 || key.split('/').any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err(invalid("the tests expect keys that are paths"));
    }
    if header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING")) {
        return Err(ServiceError::new(501, "NotImplemented", "the tests expect bodies that are signed whole"));
    }
    let present = state.reports.objects.get(key);
    let failed = || {
        ServiceError::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    };
    match (header("if-match"), header("if-none-match")) {
        (None, None) => {}
        (Some(etag), None) => {
            let present = present.ok_or_else(no_such_key)?;
            if present.etag != etag {
                return Err(failed());
            }
        }
        (None, Some("*")) if present.is_none() => {}
        (None, Some("*")) => return Err(failed()),
        _ => {
            return Err(ServiceError::new(
                501,
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
            ));
        }
    }
    let retain_until = match (header("x-amz-object-lock-mode"), header("x-amz-object-lock-retain-until-date")) {
        (None, None) => None,
        (Some("GOVERNANCE"), Some(until)) => {
            if !state.reports.has_object_lock {
                return Err(invalid("Bucket is missing Object Lock Configuration"));
            }
            let has_checksum =
                headers.keys().any(|name| name == "content-md5" || name.as_str().starts_with("x-amz-checksum-"));
            if !has_checksum {
                return Err(invalid(
                    "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
                ));
            }
            let until: Timestamp = until.parse().map_err(|_| invalid("the date is no time"))?;
            if until <= state.story.now {
                return Err(invalid("The retain until date must be in the future!"));
            }
            Some(until)
        }
        _ => {
            return Err(invalid(
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            ));
        }
    };
    let content_type = header("content-type").unwrap_or("binary/octet-stream").to_owned();
    state.reports.place(key, body.to_vec(), &content_type, retain_until);
    let mut response = response(200, "application/xml", "");
    response.headers_mut().insert("etag", etag(body).parse().expect("a mark fits into a header"));
    Ok(response)
}

/// `ListObjectsV2`: 1,000 a page.
fn list(state: &State, query: &str) -> Result<Response<Full<Bytes>>, ServiceError> {
    let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    if text("list-type") != "2" {
        return Err(ServiceError::new(501, "NotImplemented", "the tests expect ListObjectsV2"));
    }
    let after = match query.get("continuation-token") {
        Some(token) => {
            token.strip_prefix(TOKEN).ok_or_else(|| invalid("The continuation token provided is incorrect"))?
        }
        None => text("start-after"),
    };
    let most = text("max-keys").parse().unwrap_or(1_000).min(1_000).min(state.story.page_size);
    let mut rest =
        state.reports.objects.iter().filter(|(key, _)| key.starts_with(text("prefix")) && key.as_str() > after);
    let page: Vec<_> = rest.by_ref().take(most).collect();
    let is_truncated = rest.next().is_some();
    let mut xml = String::new();
    for (key, object) in &page {
        let (key, etag) = (escape(key), escape(&object.etag));
        let _ =
            write!(xml, "<Contents><Key>{key}</Key><ETag>{etag}</ETag><Size>{}</Size></Contents>", object.bytes.len());
    }
    if let Some((last, _)) = page.last().filter(|_| is_truncated) {
        let _ = write!(xml, "<NextContinuationToken>{TOKEN}{}</NextContinuationToken>", escape(last));
    }
    let (bucket, count) = (state.story.report_bucket(), page.len());
    let xml = format!(
        "<ListBucketResult xmlns=\"{SPACE}\"><Name>{bucket}</Name><KeyCount>{count}</KeyCount><IsTruncated>{is_truncated}</IsTruncated>{xml}</ListBucketResult>"
    );
    Ok(response(200, "application/xml", xml))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn no_such_key() -> ServiceError {
    ServiceError::new(404, "NoSuchKey", "The specified key does not exist.")
}

fn invalid(what: &str) -> ServiceError {
    ServiceError::new(400, "InvalidRequest", what)
}
