//! What the steps of a run hand to each other, and what the newest run found: objects of JSON lines in the report bucket.
//!
//! | key | lines |
//! |---|---|
//! | `organization/runs/<run>/accounts.jsonl` | [`Member`]: all that are listed |
//! | `organization/runs/<run>/batches.jsonl` | [`Batch`]: what the map reads |
//! | `organization/runs/<run>/declarations.jsonl` | [`InForce`]: one |
//! | `organization/runs/<run>/rows/<batch>.jsonl` | [`Row`]: the result of one batch |
//! | `organization/rows/<run>.jsonl` | [`Row`]: all accounts, after the run |
//! | `organization/latest.jsonl` | the same, of the newest run; and accounts that a run after it was the first to list |
//!
//! Beside them are [`PAGE`] and [`TABLE`], the same rows for people; [`DECLARATIONS`], which the owner writes, and a copy of the version that was
//! accepted last.
//!
//! A step that is repeated replaces what it wrote, and the lease of the sweep keeps two runs apart. Thus no write has a condition, and
//! who audits members may only write.

use std::fmt;

use futures_util::{StreamExt, stream};
use members::{Batch, Declared, InForce, Member, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use facts::source::Cause;
use facts::text::bounded;

use crate::storage::ReportBucket;
use crate::storage::report_bucket::{self, Condition, MAX_BYTES, NewObject, ReportBucketError, TOO_LARGE};

/// The IAM actions of who lists the accounts and concludes a run.
pub const ACTIONS: &[&str] = report_bucket::ACTIONS;
/// The IAM actions of who audits members, on [`ROWS`].
pub const ROWS_ACTIONS: &[&str] = &["s3:PutObject"];
/// The keys of all batches' rows, as a policy names them.
pub const ROWS: &str = "organization/runs/*/rows/*";
/// Where all accounts of the newest run are.
pub const LATEST: &str = "organization/latest.jsonl";
/// The page of the newest run.
pub const PAGE: &str = "organization/latest.html";
/// All accounts of the newest run, for a spreadsheet.
pub const TABLE: &str = "organization/latest.csv";

/// What the owner of the organization declares about its members.
pub const DECLARATIONS: &str = "organization/declarations.json";
const ACCEPTED: &str = "organization/declarations-accepted.json";

/// Objects that are read at the same time.
const AT_ONCE: usize = 16;
/// Lines of an object that cannot be read and are named one by one.
const MAX_NAMED: usize = 10;
const CONTENT_TYPE: &str = "application/x-ndjson";

/// The runs that a bucket keeps.
#[derive(Debug, Clone)]
pub struct Runs {
    bucket: ReportBucket,
}

/// What an object holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines<T> {
    /// Every line that can be read, in their order.
    pub read: Vec<T>,
    /// The others: a sentence for each of the first ten, and one for the rest.
    pub unread: Vec<String>,
}

/// Where the list of a run's accounts is.
pub fn accounts_key(run: &str) -> String {
    format!("organization/runs/{run}/accounts.jsonl")
}

/// Where the batches of a run are.
pub fn batches_key(run: &str) -> String {
    format!("organization/runs/{run}/batches.jsonl")
}

/// Where the declarations are that a run goes by.
fn in_force_key(run: &str) -> String {
    format!("organization/runs/{run}/declarations.jsonl")
}

/// Where the rows of a batch are.
pub fn rows_key(run: &str, batch: usize) -> String {
    format!("organization/runs/{run}/rows/{batch:04}.jsonl")
}

/// Where all accounts of a run stay.
pub fn concluded_key(run: &str) -> String {
    format!("organization/rows/{run}.jsonl")
}

impl Runs {
    /// Those in `bucket`.
    pub fn new(bucket: ReportBucket) -> Self {
        Self { bucket }
    }

    /// Keeps the accounts that `run` has listed.
    ///
    /// # Errors
    /// When they were not written, or it is unknown whether they were.
    pub async fn put_accounts(&self, run: &str, members: &[Member]) -> Result<(), ReportBucketError> {
        self.put(&accounts_key(run), members).await
    }

    /// The accounts that `run` has listed; `None`: there is no such list.
    ///
    /// # Errors
    /// When that could not be seen.
    pub async fn accounts(&self, run: &str) -> Result<Option<Lines<Member>>, ReportBucketError> {
        self.get(&accounts_key(run)).await
    }

    /// Keeps the batches of `run`; the map reads them. What is declared stops no run: where it makes the list too large, `batches` lose it, and
    /// the fault is returned.
    ///
    /// # Errors
    /// When they were not written, or it is unknown whether they were.
    pub async fn put_batches(&self, run: &str, batches: &mut [Batch]) -> Result<Option<String>, ReportBucketError> {
        let key = batches_key(run);
        match self.put(&key, batches).await {
            Err(error) if error.is_too_large() => {
                batches.iter_mut().for_each(|batch| batch.declared = Declared::default());
                self.put(&key, batches).await?;
                Ok(Some(format!("this run goes by no exception and no attestation: {error}")))
            }
            put => put.map(|()| None),
        }
    }

    /// The batches of `run`; `None`: there are none.
    ///
    /// # Errors
    /// When that could not be seen.
    pub async fn batches(&self, run: &str) -> Result<Option<Lines<Batch>>, ReportBucketError> {
        self.get(&batches_key(run)).await
    }

    /// What the owner declares, and the version of it that was accepted last; `None`: there is none.
    pub async fn declarations(&self) -> [Result<Option<Vec<u8>>, ReportBucketError>; 2] {
        let read = async |key| self.bucket.get(key).await.map(|object| object.map(|object| object.bytes));
        let (written, accepted) = tokio::join!(read(DECLARATIONS), read(ACCEPTED));
        [written, accepted]
    }

    /// Keeps `written`, a version that was accepted.
    ///
    /// # Errors
    /// When it was not written, or it is unknown whether it was.
    pub async fn put_accepted(&self, written: Vec<u8>) -> Result<(), ReportBucketError> {
        self.write(ACCEPTED, written, "application/json").await
    }

    /// Keeps the declarations that `run` goes by.
    ///
    /// # Errors
    /// When they were not written, or it is unknown whether they were.
    pub async fn put_in_force(&self, run: &str, in_force: &InForce) -> Result<(), ReportBucketError> {
        self.put(&in_force_key(run), std::slice::from_ref(in_force)).await
    }

    /// The declarations that `run` goes by; `None`: there are none.
    ///
    /// # Errors
    /// When that could not be seen.
    pub async fn in_force(&self, run: &str) -> Result<Option<Lines<InForce>>, ReportBucketError> {
        self.get(&in_force_key(run)).await
    }

    /// Keeps the rows of one batch.
    ///
    /// # Errors
    /// When they were not written, or it is unknown whether they were.
    pub async fn put_rows(&self, run: &str, batch: usize, rows: &[Row]) -> Result<(), ReportBucketError> {
        self.put(&rows_key(run, batch), rows).await
    }

    /// The rows of the first `batches` batches of `run`, in their order; `None`: the batch has no result.
    pub async fn rows(&self, run: &str, batches: usize) -> Vec<Result<Option<Lines<Row>>, ReportBucketError>> {
        let reads = (0..batches).map(async |batch| self.get(&rows_key(run, batch)).await);
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    /// Keeps the rows of all accounts after `run`, for good.
    ///
    /// # Errors
    /// When they were not written, or it is unknown whether they were.
    pub async fn put_concluded(&self, run: &str, rows: &[Row]) -> Result<(), ReportBucketError> {
        self.put(&concluded_key(run), rows).await
    }

    /// Keeps the rows that the next run goes on with.
    ///
    /// # Errors
    /// When they were not written, or it is unknown whether they were.
    pub async fn put_latest(&self, rows: &[Row]) -> Result<(), ReportBucketError> {
        self.put(LATEST, rows).await
    }

    /// The rows of all accounts after the newest run; `None`: none has concluded.
    ///
    /// # Errors
    /// When that could not be seen.
    pub async fn latest(&self) -> Result<Option<Lines<Row>>, ReportBucketError> {
        self.get(LATEST).await
    }

    /// Shows the newest run to people.
    ///
    /// # Errors
    /// When the page was not written, or it is unknown whether it was.
    pub async fn put_page(&self, page: String) -> Result<(), ReportBucketError> {
        self.write(PAGE, page.into_bytes(), "text/html; charset=utf-8").await
    }

    /// Keeps the newest run for spreadsheets.
    ///
    /// # Errors
    /// When the table was not written, or it is unknown whether it was.
    pub async fn put_table(&self, table: String) -> Result<(), ReportBucketError> {
        self.write(TABLE, table.into_bytes(), "text/csv; charset=utf-8; header=present").await
    }

    async fn put<T: Serialize>(&self, key: &str, values: &[T]) -> Result<(), ReportBucketError> {
        const ACTION: &str = "s3:PutObject";
        let bytes = lines(values).map_err(|error| {
            let detail = error.to_string();
            self.bucket.failed(ACTION, key, Cause::Malformed { detail })
        })?;
        // What would not be read again is not written.
        if i64::try_from(bytes.len()).map_or(true, |length| length > MAX_BYTES) {
            return Err(self.bucket.failed(ACTION, key, Cause::Refused { code: TOO_LARGE.into() }));
        }
        self.write(key, bytes, CONTENT_TYPE).await
    }

    async fn write(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> Result<(), ReportBucketError> {
        let object = NewObject { key, bytes, content_type, retain_until: None };
        self.bucket.put(object, Condition::Anything).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Lines<T>>, ReportBucketError> {
        let object = self.bucket.get(key).await?;
        Ok(object.map(|object| Lines::parse(key, &object.bytes)))
    }
}

fn lines<T: Serialize>(values: &[T]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    for value in values {
        serde_json::to_writer(&mut bytes, value)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

impl<T: DeserializeOwned> Lines<T> {
    fn parse(key: &str, bytes: &[u8]) -> Self {
        let (mut read, mut unread, mut rest) = (Vec::new(), Vec::new(), 0_usize);
        let numbered = bytes.split(|byte| *byte == b'\n').zip(1_usize..);
        for (line, number) in numbered.filter(|(line, _)| !line.trim_ascii().is_empty()) {
            match serde_json::from_slice(line) {
                Ok(value) => read.push(value),
                Err(error) if unread.len() < MAX_NAMED => unread.push(odd(key, number, &error)),
                Err(_) => rest += 1,
            }
        }
        if rest > 0 {
            unread.push(format!("{rest} more lines of {key} cannot be read"));
        }
        Self { read, unread }
    }
}

fn odd(key: &str, number: usize, error: &impl fmt::Display) -> String {
    bounded(&format!("line {number} of {key} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::Client;
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
    use aws_sdk_s3::operation::put_object::PutObjectOutput;
    use aws_sdk_s3::primitives::ByteStream;
    use aws_sdk_s3::types::error::NoSuchKey;
    use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use facts::{AccountId, Severity};
    use jiff::{SignedDuration, Timestamp};
    use members::{Audited, Before, ByRole, Cell, Flags, Found, Item, Outcome, Refusal, Skip};
    use tokio::time::{Instant, sleep};

    use super::*;

    /// What a bucket holds, by key.
    type Held = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

    /// A bucket that lets write and read; `denied` keys may not be read.
    fn bucket(held: &Held, denied: &'static str) -> [Rule; 2] {
        let (written, read) = (Arc::clone(held), Arc::clone(held));
        let put = mock!(Client::put_object).then_compute_output(move |request| {
            assert_eq!((request.if_match(), request.if_none_match()), (None, None), "a condition may need to read");
            let key = request.key().expect("a key").to_owned();
            let kind = match key.rsplit_once('.') {
                Some((_, "html")) => "text/html; charset=utf-8",
                Some((_, "csv")) => "text/csv; charset=utf-8; header=present",
                _ => "application/x-ndjson",
            };
            let kind = if key.ends_with(".json") { "application/json" } else { kind };
            assert_eq!(request.content_type(), Some(kind));
            let bytes = request.body().bytes().expect("bytes in memory").to_vec();
            written.lock().expect("one thread").insert(key, bytes);
            PutObjectOutput::builder().e_tag("\"a\"").build()
        });
        let get = mock!(Client::get_object).then_compute_response(move |request| {
            let key = request.key().expect("a key");
            if key == denied {
                let denied = ErrorMetadata::builder().code("AccessDenied").build();
                return MockResponse::Error(GetObjectError::generic(denied));
            }
            match read.lock().expect("one thread").get(key) {
                Some(bytes) => {
                    let body = ByteStream::from(bytes.clone());
                    MockResponse::Output(GetObjectOutput::builder().e_tag("\"a\"").body(body).build())
                }
                None => MockResponse::Error(GetObjectError::NoSuchKey(NoSuchKey::builder().build())),
            }
        });
        [put, get]
    }

    fn runs(rules: &[Rule; 2]) -> Runs {
        let [put, get] = rules;
        Runs::new(ReportBucket::over(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [put, get])))
    }

    fn at() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().expect("a time")
    }

    fn member(number: usize) -> Member {
        let id = format!("{number:012}");
        let path = format!("o-exampleorgid/r-ab12/ou-ab12-11111111/ou-ab12-22222222/{id}/");
        Member::new(AccountId::parse(&id).expect("an id"), "payments-production", Some(&path), "ACTIVE")
    }

    fn skipped(number: usize) -> Row {
        Row::new(member(number), Outcome::Skipped { why: Skip::Closed })
    }

    fn audited(number: usize) -> Row {
        let found = |control: &str| Found { control: control.into(), severity: Severity::Critical, since: at() };
        let audited = Audited {
            at: at(),
            whole_at: at(),
            steps: [Cell::Failed, Cell::Failed, Cell::NeedsRole, Cell::NeedsRole, Cell::NeedsRole],
            root: Some(Flags { password: true, access_keys: true, certificates: false, mfa: false }),
            open: vec![found("root-access-keys"), found("root-mfa")],
            unknown: Vec::new(),
            is_stale: false,
            by_role: None,
            declared: None,
        };
        Row::new(member(number), Outcome::Audited(Box::new(audited)))
    }

    fn refused(number: usize) -> Row {
        let refusal = Refusal::new(members::Cause::Denied, &"x".repeat(200), None, Some(at()), at());
        Row::new(member(number), Outcome::Refused(refusal))
    }

    fn keys(held: &Held) -> Vec<String> {
        held.lock().expect("one thread").keys().cloned().collect()
    }

    #[tokio::test]
    async fn what_is_declared_never_makes_the_list_of_batches_too_large() {
        let entry = |number: usize| {
            let (control, ou, reason) = ("user-mfa", "ou-ab12-11111111", "r".repeat(100));
            serde_json::json!({"control": control, "resource": number.to_string(), "ou": ou, "reason": reason, "owner": "o", "until": "2026-12-01"})
        };
        let entries: Vec<_> = (0..60).map(entry).collect();
        let text = serde_json::json!({"exceptions": entries}).to_string();
        let declared = Declared::parse(text.as_bytes(), at()).unwrap();
        let batch = |declared| Batch { run: "r1".into(), started: at(), batch: 0, items: Vec::new(), declared };
        let carried = lines(&[batch(declared.clone())]).unwrap().len();
        let count = usize::try_from(MAX_BYTES).unwrap() / carried;
        let held = Held::default();
        let rules = bucket(&held, "");
        let runs = runs(&rules);
        let mut batches = vec![batch(declared); count];
        assert_eq!(runs.put_batches("r1", &mut batches).await, Ok(None), "as much as one object has room for");
        batches.push(batches[0].clone());
        let fault = runs.put_batches("r1", &mut batches).await.unwrap().unwrap();
        assert!(fault.starts_with("this run goes by no exception and no attestation: s3:PutObject of"), "{fault}");
        assert_eq!(batches, vec![batch(Declared::default()); count + 1]);
        assert_eq!(runs.batches("r1").await.unwrap().unwrap().read, batches);
    }

    #[tokio::test]
    async fn what_a_step_writes_the_next_one_reads() {
        let held = Held::default();
        let rules = bucket(&held, "");
        let runs = runs(&rules);
        let members = [member(1), member(2)];
        let item = Item {
            member: member(2),
            before: Some(Box::new(Before { outcome: skipped(2).outcome, waiting: 0 })),
            depth: members::Depth::Flags,
        };
        let mut batch =
            Batch { run: "r1".into(), started: at(), batch: 0, items: vec![item], declared: Declared::default() };
        assert_eq!(runs.accounts("r1").await, Ok(None));
        runs.put_accounts("r1", &members).await.unwrap();
        assert_eq!(runs.put_batches("r1", std::slice::from_mut(&mut batch)).await, Ok(None));
        runs.put_rows("r1", 0, &[audited(2)]).await.unwrap();
        runs.put_concluded("r1", &[skipped(1), audited(2)]).await.unwrap();
        runs.put_latest(&[skipped(1), audited(2)]).await.unwrap();
        runs.put_page("<!DOCTYPE html>".into()).await.unwrap();
        let in_force = InForce { is_earlier: true, faults: vec!["a".into()], ..InForce::default() };
        runs.put_in_force("r1", &in_force).await.unwrap();
        assert_eq!(runs.declarations().await, [Ok(None), Ok(None)]);
        runs.put_accepted(b"{}".to_vec()).await.unwrap();
        assert_eq!(runs.declarations().await, [Ok(None), Ok(Some(b"{}".to_vec()))]);
        assert_eq!(runs.in_force("r1").await.unwrap().unwrap().read, [in_force]);
        runs.put_table("\"account\"\r\n".into()).await.unwrap();
        assert_eq!(
            keys(&held),
            [
                "organization/declarations-accepted.json",
                "organization/latest.csv",
                "organization/latest.html",
                "organization/latest.jsonl",
                "organization/rows/r1.jsonl",
                "organization/runs/r1/accounts.jsonl",
                "organization/runs/r1/batches.jsonl",
                "organization/runs/r1/declarations.jsonl",
                "organization/runs/r1/rows/0000.jsonl",
            ]
        );
        assert_eq!(runs.accounts("r1").await.unwrap().unwrap().read, members);
        assert_eq!(runs.batches("r1").await.unwrap().unwrap().read, [batch]);
        let latest = runs.latest().await.unwrap().unwrap();
        assert_eq!((latest.read, latest.unread), (vec![skipped(1), audited(2)], Vec::new()));
    }

    #[tokio::test]
    async fn a_batch_that_is_repeated_replaces_its_rows_and_reads_nothing() {
        let held = Held::default();
        let rules = bucket(&held, "");
        for row in [refused(1), audited(1)] {
            runs(&rules).put_rows("r1", 7, &[row]).await.unwrap();
        }
        assert_eq!(keys(&held), ["organization/runs/r1/rows/0007.jsonl"]);
        assert_eq!((rules[0].num_calls(), rules[1].num_calls()), (2, 0));
        let rows = runs(&rules).rows("r1", 8).await.pop().unwrap().unwrap().unwrap();
        assert_eq!(rows.read, [audited(1)]);
    }

    #[tokio::test]
    async fn a_batch_without_a_result_and_one_that_cannot_be_read_hide_no_other() {
        let held = Held::default();
        let rules = bucket(&held, "organization/runs/r1/rows/0002.jsonl");
        let runs = runs(&rules);
        for batch in [0, 2, 3] {
            runs.put_rows("r1", batch, &[skipped(batch)]).await.unwrap();
        }
        let rows = runs.rows("r1", 4).await;
        let numbers = rows.iter().map(|rows| rows.as_ref().map(|rows| rows.as_ref().map(|rows| rows.read.clone())));
        let error = rows[2].as_ref().unwrap_err();
        assert_eq!(
            numbers.collect::<Vec<_>>(),
            [Ok(Some(vec![skipped(0)])), Ok(None), Err(error), Ok(Some(vec![skipped(3)]))]
        );
        assert_eq!(
            error.to_string(),
            "s3:GetObject of organization/runs/r1/rows/0002.jsonl in bucket rootwatch-reports was denied (AccessDenied)"
        );
    }

    #[tokio::test]
    async fn lines_that_cannot_be_read_are_named_by_their_numbers_and_drop_no_other() {
        let held = Held::default();
        let good = String::from_utf8(lines(&[skipped(1)]).unwrap()).unwrap();
        let text = format!("{good}<script>\n\n\u{0}\n{good}{}", "{}\n".repeat(12));
        held.lock().unwrap().insert(LATEST.into(), text.into_bytes());
        let lines = runs(&bucket(&held, "")).latest().await.unwrap().unwrap();
        assert_eq!(lines.read, [skipped(1), skipped(1)]);
        assert!(lines.unread[0].starts_with("line 2 of organization/latest.jsonl cannot be read: "), "{lines:?}");
        assert!(lines.unread[1].starts_with("line 4 of "), "{lines:?}");
        assert_eq!(
            (lines.unread.len(), lines.unread[10].as_str()),
            (11, "4 more lines of organization/latest.jsonl cannot be read")
        );
    }

    /// An S3 without objects that takes a second for each answer.
    #[derive(Debug)]
    struct Slow;

    impl HttpConnector for Slow {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(async {
                sleep(Duration::from_secs(1)).await;
                let body = SdkBody::from("<Error><Code>NoSuchKey</Code></Error>");
                Ok(HttpResponse::new(StatusCode::try_from(404).expect("a status"), body))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn batches_are_read_sixteen_at_a_time() {
        let credentials = Credentials::new("AKIAEXAMPLE", "s", None, None, "test");
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Slow)))
            .build();
        let runs = Runs::new(ReportBucket::new(&config, "rootwatch-reports", &member(1).account));
        let started = Instant::now();
        let rows = runs.rows("r1", 80).await;
        let took = started.elapsed().as_secs_f64().round();
        assert!(rows.len() == 80 && rows.iter().all(|rows| rows == &Ok(None)), "{rows:?}");
        assert!((took - 80.0 / 16.0).abs() < 0.5, "{took} s");
    }

    #[tokio::test]
    async fn what_would_not_be_read_again_is_not_written_and_fifty_thousand_accounts_are() {
        let held = Held::default();
        let rules = bucket(&held, "");
        let runs = runs(&rules);
        // Half of them with two open findings, and not read whole for days; half refused with the longest text.
        let later = at() + SignedDuration::from_hours(72);
        let stale = |number| {
            let mut row = audited(number);
            if let Outcome::Audited(audited) = &mut row.outcome {
                let root = Some(Flags { password: true, access_keys: false, certificates: false, mfa: true });
                let by_role = Some(Box::new(ByRole { deep_at: Some(at()), missing: None }));
                **audited =
                    Audited { root, by_role, ..(**audited).clone() }.with_flags(root, later).expect("no change");
            }
            row
        };
        let rows: Vec<Row> =
            (0..1_000).map(|number| if number % 2 == 0 { stale(number) } else { refused(number) }).collect();
        runs.put_latest(&rows).await.unwrap();
        let bytes = held.lock().unwrap()[LATEST].len();
        assert!(i64::try_from(50 * bytes).unwrap() < MAX_BYTES, "{bytes} bytes of 1,000 accounts");
        let large = ["x".repeat(usize::try_from(MAX_BYTES).unwrap())];
        let error = runs.put(LATEST, &large).await.unwrap_err().to_string();
        let of = "s3:PutObject of organization/latest.jsonl in bucket rootwatch-reports";
        assert_eq!(error, format!("{of} failed (it is larger than 32 MB)"));
        assert_eq!(held.lock().unwrap()[LATEST].len(), bytes, "what was there stays");
    }
}
