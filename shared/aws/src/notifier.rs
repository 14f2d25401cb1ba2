//! Publishes to SNS, and sees whether anybody hears.

use aws_config::SdkConfig;
use aws_sdk_sns::operation::publish::PublishError as SdkPublishError;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use checklist::snapshot::Cause;
use checklist::{Message, Source, Unavailable};

use crate::failure;

/// The IAM actions that are called here.
pub(crate) const ACTIONS: &[&str] = &["sns:ListSubscriptionsByTopic", "sns:Publish"];

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

    /// Whether anybody has confirmed a subscription to the topic.
    ///
    /// # Errors
    /// When the subscriptions could not be read up to the first one that is confirmed.
    pub async fn has_subscriber(&self) -> Result<bool, Unavailable> {
        let request = self.client.list_subscriptions_by_topic().topic_arn(&self.topic_arn);
        let mut subscriptions = request.into_paginator().items().send();
        while let Some(subscription) = subscriptions.next().await {
            let subscription = subscription
                .map_err(|error| failure::unavailable(Source::Subscribers, "sns:ListSubscriptionsByTopic", &error))?;
            // `PendingConfirmation` or `Deleted` stand there before and after.
            if subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:")) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Why a message is not even published.
    pub fn nobody_hears(&self) -> PublishError {
        let cause = Cause::Refused { code: "nobody has confirmed a subscription".into() };
        PublishError { topic_arn: self.topic_arn.clone(), cause, permanent: false }
    }

    /// Publishes `message` and returns its id: from then on SNS has it.
    ///
    /// # Errors
    /// After retries. Unless the error is permanent, SNS may have taken the message all the same (an answer that got lost).
    pub async fn publish(&self, message: &Message) -> Result<String, PublishError> {
        let request = self.client.publish().subject(&message.subject);
        self.send(request.message_structure("json").message(message.by_protocol())).await
    }

    /// Publishes `text`, the same for everybody, and returns its id.
    ///
    /// # Errors
    /// As [`Notifier::publish`].
    pub async fn publish_text(&self, text: impl Into<String>) -> Result<String, PublishError> {
        self.send(self.client.publish().message(text)).await
    }

    async fn send(&self, request: PublishFluentBuilder) -> Result<String, PublishError> {
        let answer = request.topic_arn(&self.topic_arn).send().await;
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

#[cfg(test)]
mod tests {
    use aws_sdk_sns::Client;
    use aws_sdk_sns::operation::list_subscriptions_by_topic::{
        ListSubscriptionsByTopicError, ListSubscriptionsByTopicOutput,
    };
    use aws_sdk_sns::types::Subscription;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:rootwatch";

    fn page(arns: &[&str], next: Option<&str>) -> ListSubscriptionsByTopicOutput {
        let subscriptions = arns.iter().map(|arn| Subscription::builder().subscription_arn(*arn).build()).collect();
        let page = ListSubscriptionsByTopicOutput::builder().set_subscriptions(Some(subscriptions));
        page.set_next_token(next.map(str::to_owned)).build()
    }

    async fn hears(rule: &Rule) -> Result<bool, Unavailable> {
        let client = mock_client!(aws_sdk_sns, RuleMode::MatchAny, [rule]);
        Notifier { client, topic_arn: TOPIC.into() }.has_subscriber().await
    }

    #[tokio::test]
    async fn pb_6_a_subscription_that_nobody_confirmed_or_that_was_deleted_hears_nothing() {
        let rule =
            mock!(Client::list_subscriptions_by_topic).then_output(|| page(&["PendingConfirmation", "Deleted"], None));
        assert_eq!(hears(&rule).await, Ok(false));
        let rule = mock!(Client::list_subscriptions_by_topic).then_output(|| page(&[], None));
        assert_eq!(hears(&rule).await, Ok(false));
    }

    #[tokio::test]
    async fn pages_are_read_up_to_the_first_that_is_confirmed() {
        let confirmed = "arn:aws:sns:eu-west-1:111122223333:rootwatch:00000000-0000-4000-8000-000000000001";
        let rule = mock!(Client::list_subscriptions_by_topic)
            .sequence()
            .output(|| page(&["PendingConfirmation"; 100], Some("2")))
            .output(move || page(&["PendingConfirmation", confirmed], Some("3")))
            .build();
        assert_eq!((hears(&rule).await, rule.num_calls()), (Ok(true), 2));
    }

    #[tokio::test]
    async fn subscriptions_that_could_not_be_read_are_unknown_and_not_none() {
        let rule = mock!(Client::list_subscriptions_by_topic).then_error(|| {
            ListSubscriptionsByTopicError::generic(ErrorMetadata::builder().code("AuthorizationError").build())
        });
        let unavailable = hears(&rule).await.unwrap_err();
        assert_eq!(
            unavailable.to_string(),
            "subscribers: sns:ListSubscriptionsByTopic was denied (AuthorizationError)"
        );
    }
}
