//! The function's process: builds everything once, then answers one event after the other.

use aws::client::{self, Limits};
use checker::{Checker, Settings};
use function::{Environment, figures, log};
use jiff::Timestamp;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::start("checker", std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    let settings = Settings::read(Environment::of_the_process(), Timestamp::now());
    let checker = Checker::new(&client::config(&Limits::default()).load().await, settings, figures::emit);
    function::serve(async |event, invocation| checker.handle(&event, &invocation).await).await
}
