//! The credential report: asked for until IAM has written it, then fetched.
//!
//! IAM answers "not yet" with the HTTP codes 404 and 410, which the SDK takes for final; hence a poll of our own.

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_credential_report::GetCredentialReportError as GetError;
use aws_sdk_iam::types::ReportStateType;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use facts::credential_report::CredentialReport;
use facts::source::Cause;
use facts::{Account, Source, Unavailable};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["iam:GenerateCredentialReport", "iam:GetCredentialReport"];

const GENERATE: &str = "iam:GenerateCredentialReport";
const GET: &str = "iam:GetCredentialReport";

/// How long IAM may take to write the report; it took 2 to 3 seconds for small accounts.
pub const BUDGET: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(2);
/// Largest answer that is read, for the function's memory: about 60,000 users, where an account may have 5,000.
const MAX_ANSWER_BYTES: u64 = 24 * 1024 * 1024;

/// Reads the report of `account`. If IAM refuses to renew it, the last one is used and says so in its `renewal`.
///
/// # Errors
/// Why there is no report: denied, not ready within [`BUDGET`], not readable.
pub async fn read(client: &Client, account: &Account) -> Result<CredentialReport, Unavailable> {
    let give_up = Instant::now() + BUDGET;
    let mut renewal = Ok(());
    let mut pause = FIRST_PAUSE;
    loop {
        let asked = if renewal.is_ok() { generate(client).await } else { Ok(true) };
        match asked {
            Ok(true) => match get(client, account).await {
                Ok(report) => return Ok(CredentialReport { renewal, ..report }),
                // Nothing is there and nothing will come: the refusal is the reason.
                Err(Missing::NotPresent) if renewal.is_err() => {
                    return renewal.and(Err(not_ready(GET)));
                }
                Err(Missing::NotPresent | Missing::NotYet) => {}
                Err(Missing::Failed(unavailable)) => return Err(unavailable),
            },
            Ok(false) => {}
            Err(refused) => {
                renewal = Err(refused);
                continue;
            }
        }
        if Instant::now() + pause > give_up {
            return Err(not_ready(GENERATE));
        }
        sleep(pause).await;
        pause = PAUSE;
    }
}

fn not_ready(operation: &str) -> Unavailable {
    Unavailable { source: Source::CredentialReport, operation: operation.into(), cause: Cause::NotReady }
}

/// Whether the report is complete.
async fn generate(client: &Client) -> Result<bool, Unavailable> {
    let answer = client.generate_credential_report().send().await;
    let answer = answer.map_err(|error| unavailable(Source::CredentialReport, GENERATE, &error))?;
    Ok(answer.state() == Some(&ReportStateType::Complete))
}

enum Missing {
    NotYet,
    NotPresent,
    Failed(Unavailable),
}

async fn get(client: &Client, account: &Account) -> Result<CredentialReport, Missing> {
    let malformed = |detail: String| {
        let cause = Cause::Malformed { detail };
        Missing::Failed(Unavailable { source: Source::CredentialReport, operation: GET.into(), cause })
    };
    let answer = match client.get_credential_report().customize().interceptor(SizeLimit).send().await {
        Ok(answer) => answer,
        Err(error) => {
            return Err(match error.as_service_error() {
                Some(GetError::CredentialReportNotReadyException(_)) => Missing::NotYet,
                Some(
                    GetError::CredentialReportNotPresentException(_) | GetError::CredentialReportExpiredException(_),
                ) => Missing::NotPresent,
                _ if is_too_large(&error) => malformed(format!("it is larger than {MAX_ANSWER_BYTES} bytes")),
                _ => Missing::Failed(unavailable(Source::CredentialReport, GET, &error)),
            });
        }
    };
    let (Some(content), Some(generated_at)) = (answer.content(), answer.generated_time()) else {
        return Err(malformed("Content or GeneratedTime is missing".into()));
    };
    let generated_at =
        crate::timestamp(generated_at).ok_or_else(|| malformed("GeneratedTime is out of range".into()))?;
    let report = CredentialReport::parse(content.as_ref(), generated_at, account);
    let report = report.map_err(|error| malformed(error.to_string()))?;
    Ok(CredentialReport { sha256: Some(sha256(content.as_ref())), ..report })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Refuses an answer by its announced length, before any of it is read.
#[derive(Debug)]
struct SizeLimit;

#[derive(Debug, thiserror::Error)]
#[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
struct TooLarge;

#[dyn_dispatch_hint]
impl Intercept for SizeLimit {
    fn name(&self) -> &'static str {
        "SizeLimit"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let length = context.response().headers().get("content-length").and_then(|length| length.parse::<u64>().ok());
        if length.is_some_and(|length| length > MAX_ANSWER_BYTES) { Err(TooLarge.into()) } else { Ok(()) }
    }
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<TooLarge>())
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::error::ErrorMetadata;
    use aws_sdk_iam::operation::generate_credential_report::{
        GenerateCredentialReportError as GenerateError, GenerateCredentialReportOutput as Generated,
    };
    use aws_sdk_iam::operation::get_credential_report::GetCredentialReportOutput as Got;
    use aws_sdk_iam::primitives::{Blob, DateTime};
    use aws_sdk_iam::types::error::{
        CredentialReportExpiredException, CredentialReportNotPresentException, CredentialReportNotReadyException,
        LimitExceededException, ServiceFailureException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use facts::{AccountId, Partition};

    use super::*;

    const REPORT: &str = include_str!("../../../facts/samples/credential-report-good.csv");

    fn account() -> Account {
        let id = AccountId::parse("111122223333").expect("an id");
        Account { id, alias: None, partition: Partition::Aws }
    }

    fn state(state: &str) -> Generated {
        Generated::builder().state(state.into()).build()
    }

    fn generated(states: &'static [&'static str]) -> Rule {
        let mut answers = mock!(Client::generate_credential_report).sequence().output(|| state(states[0]));
        for next in &states[1..] {
            answers = answers.output(|| state(next));
        }
        answers.repeatedly().build()
    }

    fn refused(error: fn() -> GenerateError) -> Rule {
        mock!(Client::generate_credential_report).then_error(error)
    }

    fn report() -> Got {
        let at = DateTime::from_secs(1_795_161_600);
        Got::builder().content(Blob::new(REPORT)).generated_time(at).build()
    }

    fn got() -> Rule {
        mock!(Client::get_credential_report).then_output(report)
    }

    async fn read_with(rules: &[&Rule]) -> Result<CredentialReport, Unavailable> {
        let client = mock_client!(aws_sdk_iam, RuleMode::MatchAny, rules);
        read(&client, &account()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_iam_is_still_writing_is_waited_for() {
        let started = Instant::now();
        let report = read_with(&[&generated(&["STARTED", "INPROGRESS", "COMPLETE"]), &got()]).await.unwrap();
        assert_eq!(started.elapsed(), FIRST_PAUSE + PAUSE);
        assert_eq!(report.generated_at.to_string(), "2026-11-20T08:00:00Z");
        assert!(report.root.is_ok() && report.renewal.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_carries_the_hash_of_its_bytes() {
        let report = read_with(&[&generated(&["COMPLETE"]), &got()]).await.unwrap();
        // By `sha256sum` of the file.
        assert_eq!(report.sha256.as_deref(), Some("d3b139a51170ea1a6541f30bfd1e20c8d1db9232d7175efc7051b3cdda9c0d19"));
    }

    #[tokio::test(start_paused = true)]
    async fn cr_11_a_report_that_never_comes_ends_with_the_budget_and_is_no_busy_loop() {
        let started = Instant::now();
        let generate = generated(&["STARTED"]);
        let unavailable = read_with(&[&generate, &got()]).await.unwrap_err();
        assert_eq!(unavailable.cause, Cause::NotReady);
        assert!(started.elapsed() <= BUDGET && started.elapsed() > BUDGET - PAUSE);
        assert!(generate.num_calls() <= 31, "{}", generate.num_calls());
    }

    #[tokio::test(start_paused = true)]
    async fn cr_12_not_ready_not_present_and_expired_in_turn_are_waited_out() {
        let get = mock!(Client::get_credential_report)
            .sequence()
            .error(|| {
                GetError::CredentialReportNotPresentException(CredentialReportNotPresentException::builder().build())
            })
            .error(|| GetError::CredentialReportExpiredException(CredentialReportExpiredException::builder().build()))
            .error(|| GetError::CredentialReportNotReadyException(CredentialReportNotReadyException::builder().build()))
            .output(report)
            .build();
        assert!(read_with(&[&generated(&["COMPLETE"]), &get]).await.is_ok());
        assert_eq!(get.num_calls(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn cr_13_cr_14_an_old_report_is_used_when_iam_refuses_a_new_one() {
        let limited = || GenerateError::LimitExceededException(LimitExceededException::builder().build());
        let failing = || GenerateError::ServiceFailureException(ServiceFailureException::builder().build());
        let denied = || GenerateError::generic(ErrorMetadata::builder().code("AccessDenied").build());
        let refusals: [fn() -> GenerateError; 3] = [limited, failing, denied];
        for refusal in refusals {
            let report = read_with(&[&refused(refusal), &got()]).await.unwrap();
            assert_eq!(report.renewal.unwrap_err().operation, GENERATE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_without_an_old_report_is_the_reason() {
        let denied = refused(|| GenerateError::generic(ErrorMetadata::builder().code("AccessDenied").build()));
        let nothing = mock!(Client::get_credential_report).then_error(|| {
            GetError::CredentialReportNotPresentException(CredentialReportNotPresentException::builder().build())
        });
        let unavailable = read_with(&[&denied, &nothing]).await.unwrap_err();
        assert_eq!(unavailable.operation, GENERATE);
        assert_eq!(unavailable.cause, Cause::Denied { code: "AccessDenied".into() });
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_or_failing_get_is_an_error_at_once() {
        let denied = mock!(Client::get_credential_report)
            .then_error(|| GetError::generic(ErrorMetadata::builder().code("AccessDenied").build()));
        let unavailable = read_with(&[&generated(&["COMPLETE"]), &denied]).await.unwrap_err();
        assert_eq!((unavailable.operation.as_str(), denied.num_calls()), (GET, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_without_a_time_is_no_evidence() {
        let timeless =
            mock!(Client::get_credential_report).then_output(|| Got::builder().content(Blob::new(REPORT)).build());
        let unavailable = read_with(&[&generated(&["COMPLETE"]), &timeless]).await.unwrap_err();
        assert!(unavailable.to_string().contains("GeneratedTime is missing"), "{unavailable}");
    }
}
