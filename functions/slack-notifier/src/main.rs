//! The function's process: builds everything once, then passes on one event after the other.

use aws::client::{self, Limits};
use function::{Environment, Invocation, log};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use slack_notifier::{Settings, SlackNotifier};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start("slack_notifier", std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    let settings = Settings::read(Environment::of_the_process());
    let notifier = SlackNotifier::new(&client::config(&Limits::default()).load().await, settings);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let (event, context) = event.into_parts();
        notifier.handle(&event, &Invocation::now(&context)).await
    }))
    .await
}
