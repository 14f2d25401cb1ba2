//! A function that makes three SDK clients and uses none, built as the others are.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws::client::config(&aws::client::Limits::default()).load().await;
    let clients = (
        aws_sdk_cloudtrail::Client::new(&config),
        aws_sdk_iam::Client::new(&config),
        aws_sdk_sns::Client::new(&config),
    );
    run(service_fn(async |event: LambdaEvent<Value>| {
        std::hint::black_box(&clients);
        Ok::<_, Error>(event.payload)
    }))
    .await
}
