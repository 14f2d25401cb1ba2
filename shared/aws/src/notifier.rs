//! Publishes to SNS.

use aws_config::SdkConfig;
use aws_sdk_sns::operation::publish::PublishError as SdkPublishError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use checklist::Message;
use checklist::snapshot::Cause;

use crate::failure;

/// The IAM actions that are called here.
pub(crate) const ACTIONS: &[&str] = &["sns:Publish"];

/// Publishes messages to one topic.
#[derive(Debug)]
pub struct Notifier {
    client: aws_sdk_sns::Client,
    topic_arn: String,
}

/// A message that SNS did not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sns:Publish to {topic_arn} {cause}{}", if *permanent { " (trying again will not help: mend the topic, its key or the role)" } else { "" })]
pub struct PublishError {
    /// The topic.
    pub topic_arn: String,
    /// What happened.
    pub cause: Cause,
    /// Whether the same call will fail again until somebody mends the topic, its key or the role.
    pub permanent: bool,
}

impl Notifier {
    /// A notifier for the topic `topic_arn`.
    pub fn new(config: &SdkConfig, topic_arn: impl Into<String>) -> Self {
        let config = aws_sdk_sns::config::Builder::from(config).retry_classifier(KmsThrottling).build();
        Self { client: aws_sdk_sns::Client::from_conf(config), topic_arn: topic_arn.into() }
    }

    /// Publishes `message` and returns its id: from then on SNS has it.
    ///
    /// # Errors
    /// After retries. Unless the error is permanent, SNS may have taken the message all the same (an answer that got lost).
    pub async fn publish(&self, message: &Message) -> Result<String, PublishError> {
        let answer = self
            .client
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(&message.subject)
            .message_structure("json")
            .message(message.by_protocol())
            .send()
            .await;
        let failed = |cause, permanent| PublishError { topic_arn: self.topic_arn.clone(), cause, permanent };
        match answer {
            Ok(answer) => answer
                .message_id()
                .map(str::to_owned)
                .ok_or_else(|| failed(Cause::Malformed { detail: "MessageId is missing".into() }, false)),
            Err(error) => {
                let code = error.as_service_error().and_then(|error| error.meta().code());
                Err(failed(failure::cause(&error), code.is_some_and(is_permanent)))
            }
        }
    }
}

/// Errors that the same call meets again, until somebody mends something.
fn is_permanent(code: &str) -> bool {
    matches!(
        code,
        "AuthorizationError"
            | "AccessDenied"
            | "AccessDeniedException"
            | "InvalidParameter"
            | "InvalidParameterValue"
            | "KMSAccessDenied"
            | "KMSDisabled"
            | "KMSInvalidState"
            | "KMSNotFound"
            | "KMSOptInRequired"
            | "NotFound"
    )
}

/// The SDK takes `KMSThrottling` for final; it passes.
#[derive(Debug)]
struct KmsThrottling;

impl ClassifyRetry for KmsThrottling {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(|error| error.as_operation_error())
            .and_then(|error| error.downcast_ref::<SdkPublishError>())
            .and_then(|error| error.meta().code());
        if code == Some("KMSThrottling") { RetryAction::throttling_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "KmsThrottling"
    }
}
