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
use checklist::credential_report::CredentialReport;
use checklist::snapshot::Cause;
use checklist::{Account, Source, Unavailable};
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
    CredentialReport::parse(content.as_ref(), generated_at, account).map_err(|error| malformed(error.to_string()))
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
