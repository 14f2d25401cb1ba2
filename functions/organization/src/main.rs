//! The function's process: builds everything once, then answers one event after the other.

use aws::client::{self, Limits};
use function::{Environment, figures, log};
use organization::{Organization, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::start("organization", std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    let settings = Settings::read(Environment::of_the_process());
    let organization = Organization::new(&client::config(&Limits::default()).load().await, settings, figures::emit);
    function::serve(async |event, invocation| organization.handle(event, &invocation).await).await
}
