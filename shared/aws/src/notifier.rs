//! Publishes to SNS, and sees whether anybody hears.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sns::operation::publish::PublishError as SdkPublishError;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::timeout::TimeoutConfig;
use checklist::relay::{Listeners, Note, Relay};
use checklist::snapshot::Cause;
use checklist::{Message, Source, Unavailable, text};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use crate::ledger::{Fate, Ledger};
use crate::{client, failure};

/// How long a message is waited for that nobody but functions of ours gets: SNS hands it over within a second, Slack takes two.
const ARRIVAL: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// More subscriptions than a topic of alerts has.
const MAX_SUBSCRIPTIONS: usize = 2_000;

/// The IAM actions that are called here.
pub(crate) const ACTIONS: &[&str] = &["sns:ListSubscriptionsByTopic", "sns:Publish"];

/// Publishes messages to one topic.
#[derive(Debug)]
pub struct Notifier {
    client: aws_sdk_sns::Client,
    /// It waits for SNS's answer as long as an operation may last: a second attempt would be a second message.
    publisher: aws_sdk_sns::Client,
    topic_arn: String,
    relays: Option<Relays>,
}

/// The functions of ours that pass messages on, during one run.
#[derive(Debug)]
pub struct Relays {
    /// Where they note what arrived.
    ledger: Ledger,
    /// Their names.
    names: Vec<String>,
    /// The present, and the instant at which it was.
    started: (Timestamp, Instant),
    /// Those that are subscribed, once that is known.
    subscribed: OnceLock<Vec<String>>,
    /// Nobody else gets what is published.
    are_alone: OnceLock<()>,
    /// What was published in this run and did not arrive.
    unheard: OnceLock<PublishError>,
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
        let mut limits = config.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        limits.set_operation_attempt_timeout(config.timeout_config().and_then(TimeoutConfig::operation_timeout));
        let patient = aws_sdk_sns::config::Builder::from(config).timeout_config(limits.build());
        let patient = patient.retry_classifier(Once).build();
        Self {
            client: aws_sdk_sns::Client::new(config),
            publisher: aws_sdk_sns::Client::from_conf(patient),
            topic_arn: topic_arn.into(),
            relays: None,
        }
    }

    /// The same where functions of ours are subscribed, which count only once something has arrived by way of them.
    #[must_use]
    pub fn with(self, relays: Relays) -> Self {
        Self { relays: Some(relays).filter(|relays| !relays.names.is_empty()), ..self }
    }

    /// Who gets what is published. When nobody else does, a test message shows whether anything arrives by our functions.
    ///
    /// # Errors
    /// When the subscriptions could not be read up to the first one that is confirmed, or our functions' notes could not be read.
    pub async fn listeners(&self) -> Result<Listeners, Unavailable> {
        let names = self.relays.as_ref().map(|relays| relays.names.as_slice()).unwrap_or_default();
        let (others, subscribed) = self.subscriptions(names).await?;
        let Some(relays) = &self.relays else { return Ok(Listeners { others, relays: Vec::new() }) };
        let mut listeners = Listeners { others, relays: relays.known(&subscribed).await? };
        if listeners.are_relays_alone() {
            let _ = relays.are_alone.set(());
            if !listeners.hear(relays.now()) {
                let knock = checklist::message::knock();
                let request = self.publisher.publish().subject(&knock.subject);
                let sent = self.send(request.message_structure("json").message(knock.by_protocol())).await;
                match sent {
                    Ok(id) => drop(relays.arrival(&id, &subscribed).await),
                    Err(error) => tracing::warn!(%error, "no test message could be sent"),
                }
                listeners.relays = relays.known(&subscribed).await?;
            }
        }
        let _ = relays.subscribed.set(subscribed);
        Ok(listeners)
    }

    /// Whether somebody else has confirmed a subscription, and which of `names` have one. All are read only to find those.
    async fn subscriptions(&self, names: &[String]) -> Result<(bool, Vec<String>), Unavailable> {
        let endpoint = |name: &String| lambda_arn(&self.topic_arn, name);
        let missing: HashMap<String, &String> = names.iter().filter_map(|name| Some((endpoint(name)?, name))).collect();
        let (mut others, mut found) = (false, Vec::new());
        let request = self.client.list_subscriptions_by_topic().topic_arn(&self.topic_arn);
        let mut subscriptions = request.into_paginator().items().send();
        for _ in 0..MAX_SUBSCRIPTIONS {
            if others && found.len() == missing.len() {
                break;
            }
            let Some(subscription) = subscriptions.next().await else { break };
            let subscription = subscription
                .map_err(|error| failure::unavailable(Source::Subscribers, "sns:ListSubscriptionsByTopic", &error))?;
            // `PendingConfirmation` or `Deleted` stand there before and after.
            if !subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:")) {
                continue;
            }
            match subscription.endpoint().and_then(|endpoint| missing.get(endpoint)) {
                Some(name) if !found.contains(*name) => found.push((*name).clone()),
                Some(_) => {}
                None => others = true,
            }
        }
        Ok((others, found))
    }

    /// Why a message is not even published.
    pub fn nobody_hears(&self) -> PublishError {
        let cause = Cause::Refused { code: "nobody has confirmed a subscription".into() };
        PublishError { topic_arn: self.topic_arn.clone(), cause, permanent: false }
    }

    /// Publishes `message` and returns its id: from then on SNS has it. Where nobody but functions of ours gets it, also one of
    /// them has passed it on by then.
    ///
    /// # Errors
    /// After retries. Unless the error is permanent, SNS may have taken the message all the same (an answer that got lost).
    pub async fn publish(&self, message: &Message) -> Result<String, PublishError> {
        if let Some(error) = self.relays.as_ref().and_then(|relays| relays.unheard.get()) {
            return Err(error.clone());
        }
        let request = self.publisher.publish().subject(&message.subject);
        let id = self.send(request.message_structure("json").message(message.by_protocol())).await?;
        let Some((relays, subscribed)) =
            self.relays.as_ref().and_then(|relays| Some((relays, relays.subscribed.get()?)))
        else {
            return Ok(id);
        };
        relays.hand(&id, subscribed).await;
        if relays.are_alone.get().is_some()
            && let Err(why) = relays.arrival(&id, subscribed).await
        {
            let cause = Cause::Refused { code: text::bounded(&format!("SNS took it, and nobody got it: {why}")) };
            let error = PublishError { topic_arn: self.topic_arn.clone(), cause, permanent: false };
            // It is on its way to be tried again; a second one would only be a second one.
            let _ = relays.unheard.set(error.clone());
            return Err(error);
        }
        Ok(id)
    }

    /// Publishes `text`, the same for everybody, and returns its id.
    ///
    /// # Errors
    /// As [`Notifier::publish`].
    pub async fn publish_text(&self, text: impl Into<String>) -> Result<String, PublishError> {
        self.send(self.publisher.publish().message(text)).await
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

impl Relays {
    /// The functions called `names`, in a run that began at `started`.
    pub fn new(ledger: &Ledger, names: &[String], started: (Timestamp, Instant)) -> Self {
        let (ledger, names) = (ledger.clone(), names.to_vec());
        Self {
            ledger,
            names,
            started,
            subscribed: OnceLock::new(),
            are_alone: OnceLock::new(),
            unheard: OnceLock::new(),
        }
    }

    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.1.elapsed()).unwrap_or_default();
        self.started.0.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    async fn known(&self, subscribed: &[String]) -> Result<Vec<Relay>, Unavailable> {
        let noted = self.ledger.relays().await.map_err(|error| Unavailable {
            source: Source::Subscribers,
            operation: format!("dynamodb:{}", error.operation),
            cause: error.cause,
        })?;
        let relay = |name: &String| Relay {
            name: name.clone(),
            is_subscribed: subscribed.contains(name),
            ..noted.get(name).cloned().unwrap_or_default()
        };
        Ok(self.names.iter().map(relay).collect())
    }

    /// Notes that SNS has the message `id` for those that are subscribed. Without the note nobody misses it.
    async fn hand(&self, id: &str, subscribed: &[String]) {
        let note = Note { message_id: id.to_owned(), sent_at: self.now(), error: None };
        for name in subscribed {
            if let Err(error) = self.ledger.note(name, Fate::Handed, &note).await {
                tracing::warn!(%error, function = name, "that a message was handed over could not be noted");
            }
        }
    }

    /// Waits until one of them has passed the message `id` on.
    async fn arrival(&self, id: &str, subscribed: &[String]) -> Result<(), String> {
        let is_it = |note: &Option<Note>| note.as_ref().is_some_and(|note| note.message_id == id);
        let ends = Instant::now() + ARRIVAL;
        loop {
            let relays = match self.known(subscribed).await {
                Ok(relays) => relays,
                Err(error) => {
                    // Nobody knows; SNS has it.
                    tracing::warn!(%error, "whether a message arrived could not be read");
                    return Ok(());
                }
            };
            let mut relays = relays.iter().filter(|relay| relay.is_subscribed);
            if relays.clone().any(|relay| is_it(&relay.passed)) {
                return Ok(());
            }
            if relays.clone().all(|relay| is_it(&relay.failed)) {
                let failed = relays.find_map(|relay| Some((&relay.name, relay.failed.as_ref()?.error.as_ref()?)));
                return Err(failed.map_or_else(String::new, |(name, error)| format!("{name}: {error}")));
            }
            if Instant::now() >= ends {
                return Err(format!("nothing arrived within {} s", ARRIVAL.as_secs()));
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// The function `name` of the topic's account and Region.
fn lambda_arn(topic_arn: &str, name: &str) -> Option<String> {
    let mut parts = topic_arn.split(':');
    let (partition, region, account) = (parts.nth(1)?, parts.nth(1)?, parts.next()?);
    Some(format!("arn:{partition}:lambda:{region}:{account}:function:{name}"))
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

/// SNS knows no repeated publish for what it is. What it may have taken is sent again by the next run alone, out of the outbox.
#[derive(Debug)]
struct Once;

impl ClassifyRetry for Once {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let was_sent = |error: &ConnectorError| !client::never_connected(error);
        if error.is_timeout_error() || error.is_response_error() || error.as_connector_error().is_some_and(was_sent) {
            return RetryAction::RetryForbidden;
        }
        let code = error
            .as_operation_error()
            .and_then(|error| error.downcast_ref::<SdkPublishError>())
            .and_then(|error| error.meta().code());
        // The SDK takes it for final; it passes.
        if code == Some("KMSThrottling") { RetryAction::throttling_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "Once"
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
        let notifier = Notifier { publisher: client.clone(), client, topic_arn: TOPIC.into(), relays: None };
        notifier.listeners().await.map(|listeners| listeners.others)
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
