//! The function's process: builds everything once, then answers one event after the other.

use std::io::Write;

use aws::client::{self, Limits};
use checker::{Checker, Invocation, Settings};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    checker::log::start(std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    // Lossy: a variable that is not Unicode becomes a fault with its name, not a panic.
    let variables = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
    let settings = Settings::read(variables, Timestamp::now());
    let checker = Checker::new(&client::config(&Limits::default()).load().await, settings, emit);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let (event, context) = event.into_parts();
        let invocation = Invocation {
            function_arn: context.invoked_function_arn.clone(),
            request_id: context.request_id.clone(),
            now: Timestamp::now(),
            ends: Timestamp::try_from(context.deadline()).unwrap_or(Timestamp::MAX),
        };
        checker.handle(&event, &invocation).await
    }))
    .await
}

/// CloudWatch makes metrics of a line only as it stands: no log record may be around it.
fn emit(metrics: &str) {
    // A closed standard output also loses the log; the missing heartbeat tells.
    let _ = writeln!(std::io::stdout(), "{metrics}");
}
