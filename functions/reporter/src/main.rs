//! The function's process: builds everything once, then answers one event after the other.

use aws::client::{self, Limits};
use function::{Environment, Invocation, figures, log};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reporter::{Reporter, Settings};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start("reporter", std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    let settings = Settings::read(Environment::of_the_process());
    let reporter = Reporter::new(&client::config(&Limits::default()).load().await, settings, figures::emit);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let (event, context) = event.into_parts();
        reporter.handle(event, &Invocation::now(&context)).await
    }))
    .await
}
