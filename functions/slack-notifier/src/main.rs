//! The function's process: builds everything once, then passes on one event after the other.

use aws::client::{self, Limits};
use function::{Environment, log};
use slack_notifier::{Settings, SlackNotifier};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::start("slack_notifier", std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    let settings = Settings::read(Environment::of_the_process());
    let notifier = SlackNotifier::new(&client::config(&Limits::default()).load().await, settings);
    function::serve(async |event, invocation| notifier.handle(&event, &invocation).await).await
}
