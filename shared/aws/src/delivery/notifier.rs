//! Publishes to SNS, and sees whether anybody hears.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sns::operation::publish::PublishError as SdkPublishError;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::timeout::TimeoutConfig;
use facts::relay::{Listeners, Note, Own, Relay};
use facts::source::Cause;
use facts::{Source, Unavailable, text};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use messages::answer::Arrived;
use messages::{Message, Recipients};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::storage::ledger::{Fate, Ledger};
use crate::{Clock, client, failure};

/// How long a message is waited for that only functions of ours get: SNS hands it over within a second, Slack takes two, and
/// the function waits for it for 20 seconds. What arrives later is sent again.
const ARRIVAL: Duration = Duration::from_secs(25);
/// What is left of the run after that, so that it notes what came of it.
const FOR_THE_REST: SignedDuration = SignedDuration::from_secs(8);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// More subscriptions than a topic of alerts has.
const MAX_SUBSCRIPTIONS: usize = 2_000;
/// Subscriptions that are counted by kind: a page of `ListSubscriptionsByTopic`
/// (<https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>).
const MAX_COUNTED: usize = 100;

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
    /// Who gets its messages, once [`Notifier::listeners`] has counted them.
    recipients: OnceLock<Recipients>,
}

/// The functions of ours that pass messages on, during one run.
#[derive(Debug)]
pub struct Relays {
    /// Where they note what arrived.
    ledger: Ledger,
    /// Which they are.
    own: Own,
    /// The time of the run.
    clock: Clock,
    /// When nothing is waited for any more.
    ends: Instant,
    /// Those that are subscribed, once that is known.
    subscribed: OnceLock<Vec<String>>,
    /// No other subscriber gets what is published.
    are_alone: OnceLock<()>,
    /// What was published in this run and did not arrive.
    unheard: OnceLock<PublishError>,
    /// Each of them notes its newest message alone: the next is published when that of the one before is read.
    turn: Mutex<()>,
}

/// A message that SNS did not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sns:Publish to {topic_arn} {cause}{}", if *permanent { " (trying again will not help: fix the topic, its key or the role)" } else { "" })]
pub struct PublishError {
    /// The topic.
    pub topic_arn: String,
    /// What happened.
    pub cause: Cause,
    /// Whether the same call will fail again until you fix the topic, its key or the role.
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
            recipients: OnceLock::new(),
        }
    }

    /// The same where functions of ours are subscribed, which count only once something has arrived by way of them.
    #[must_use]
    pub fn with(self, relays: Relays) -> Self {
        Self { relays: Some(relays), ..self }
    }

    /// Who gets what is published. When no one else does, a test message shows whether anything arrives by our functions.
    ///
    /// # Errors
    /// When the subscriptions could not be read up to the first one that is confirmed, or our functions' notes could not be read.
    pub async fn listeners(&self) -> Result<Listeners, Unavailable> {
        let (others, subscribed) = self.subscriptions(self.relays.as_ref().map(|relays| &relays.own)).await?;
        let Some(relays) = &self.relays else { return Ok(Listeners { others, relays: Vec::new() }) };
        let mut listeners = Listeners { others, relays: relays.known(&subscribed).await? };
        if listeners.are_relays_alone() {
            let _ = relays.are_alone.set(());
            if !listeners.hear(relays.clock.now()) {
                let knock = messages::knock();
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

    /// Who gets what is published, for a test alert: no other test message is sent. The names of our functions among them.
    ///
    /// # Errors
    /// When the subscriptions could not be read.
    pub async fn subscribers(&self) -> Result<Vec<String>, Unavailable> {
        self.subscriptions(self.relays.as_ref().map(|relays| &relays.own)).await.map(|(_, functions)| functions)
    }

    /// Publishes the test alert `message`, and waits until our `functions` have passed it on: its id, and what became of it by channel.
    ///
    /// # Errors
    /// As [`Notifier::publish`], where SNS did not take it.
    pub async fn publish_test(
        &self,
        message: &Message,
        functions: &[String],
    ) -> Result<(String, Vec<(&'static str, Arrived)>), PublishError> {
        let request = self.publisher.publish().subject(&message.subject);
        let id = self.send(request.message_structure("json").message(message.by_protocol())).await?;
        let Some(relays) = &self.relays else { return Ok((id, Vec::new())) };
        relays.hand(&id, functions).await;
        let arrivals = functions.iter().map(async |name| {
            let arrived = match relays.arrival(&id, std::slice::from_ref(name)).await {
                Ok(true) => Arrived::Yes,
                Ok(false) => Arrived::Unknown,
                Err(why) => Arrived::No(why),
            };
            (channel_of(name), arrived)
        });
        let arrivals = join_all(arrivals).await;
        Ok((id, arrivals))
    }

    /// The confirmed subscriptions by kind; `None`: not read, or more than are counted.
    pub fn recipients(&self) -> Option<Recipients> {
        self.recipients.get().copied()
    }

    /// Whether another subscriber has confirmed a subscription, and which functions of ours have one. More than are counted are read only
    /// to find those.
    async fn subscriptions(&self, own: Option<&Own>) -> Result<(bool, Vec<String>), Unavailable> {
        let all = own.map(|own| own.names.len()).unwrap_or_default();
        let (mut others, mut found) = (false, Vec::new());
        let mut recipients = Recipients::default();
        let request = self.client.list_subscriptions_by_topic().topic_arn(&self.topic_arn);
        let mut subscriptions = request.into_paginator().items().send();
        for read in 0..MAX_SUBSCRIPTIONS {
            let is_enough = others && found.len() >= all;
            if is_enough && read >= MAX_COUNTED {
                break;
            }
            let subscription = match subscriptions.next().await {
                Some(Ok(subscription)) => subscription,
                Some(Err(_)) if is_enough => break,
                Some(Err(error)) => {
                    return Err(failure::unavailable(Source::Subscribers, "sns:ListSubscriptionsByTopic", &error));
                }
                None => {
                    let _ = self.recipients.set(recipients);
                    break;
                }
            };
            // `PendingConfirmation` or `Deleted` stand there before and after.
            recipients.pending += usize::from(subscription.subscription_arn() == Some("PendingConfirmation"));
            if !subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:")) {
                continue;
            }
            let function = subscription.endpoint().and_then(|endpoint| function_beside(&self.topic_arn, endpoint));
            match function.filter(|function| own.is_some_and(|own| own.has(function))) {
                Some(name) if !found.iter().any(|known| known == name) => {
                    if channel_of(name) == CHAT {
                        recipients.chat = true
                    } else {
                        recipients.slack = true
                    }
                    found.push(name.to_owned());
                }
                Some(_) => {}
                None => {
                    others = true;
                    let is_email = subscription.protocol().is_some_and(|protocol| protocol.starts_with("email"));
                    if is_email { recipients.email += 1 } else { recipients.others += 1 }
                }
            }
        }
        Ok((others, found))
    }

    /// Why a message is not even published.
    pub fn nobody_hears(&self) -> PublishError {
        let cause = Cause::Refused { code: "the topic has no confirmed subscription".into() };
        PublishError { topic_arn: self.topic_arn.clone(), cause, permanent: false }
    }

    /// Publishes `message` and returns its id: from then on SNS has it. Where only functions of ours get it, also one of
    /// them has passed it on by then.
    ///
    /// # Errors
    /// After retries. Unless the error is permanent, SNS may have taken the message all the same (an answer that got lost).
    pub async fn publish(&self, message: &Message) -> Result<String, PublishError> {
        let alone = self.relays.as_ref().filter(|relays| relays.are_alone.get().is_some());
        let _turn = match alone {
            Some(relays) => Some(relays.turn.lock().await),
            None => None,
        };
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
            let cause =
                Cause::Refused { code: text::bounded(&format!("SNS took it, and no subscriber received it: {why}")) };
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
    /// `own` functions, in a run of `clock` that ends at `ends`.
    pub fn new(ledger: &Ledger, own: &Own, clock: Clock, ends: Timestamp) -> Self {
        let left = Duration::try_from(ends.duration_since(clock.started_at) - FOR_THE_REST).unwrap_or_default();
        Self {
            ledger: ledger.clone(),
            own: own.clone(),
            clock,
            ends: clock.started + left,
            subscribed: OnceLock::new(),
            are_alone: OnceLock::new(),
            unheard: OnceLock::new(),
            turn: Mutex::default(),
        }
    }

    async fn known(&self, subscribed: &[String]) -> Result<Vec<Relay>, Unavailable> {
        // One that is subscribed and was not named is asked for all the same.
        let unnamed = subscribed.iter().filter(|name| !self.own.names.contains(name));
        let names: Vec<String> = self.own.names.iter().chain(unnamed).cloned().collect();
        let noted = self.ledger.relays(&names).await.map_err(|error| Unavailable {
            source: Source::Subscribers,
            operation: format!("dynamodb:{}", error.operation),
            cause: error.cause,
        })?;
        let relay = |name: &String| Relay {
            name: name.clone(),
            is_subscribed: subscribed.contains(name),
            ..noted.get(name).cloned().unwrap_or_default()
        };
        Ok(names.iter().map(relay).collect())
    }

    /// Notes that SNS has the message `id` for those that are subscribed. Without the note the checker does not miss it.
    async fn hand(&self, id: &str, subscribed: &[String]) {
        let note = Note { message_id: id.to_owned(), sent_at: self.clock.now(), error: None };
        for name in subscribed {
            if let Err(error) = self.ledger.note(name, Fate::Handed, &note).await {
                tracing::warn!(%error, function = name, "that a message was handed over could not be noted");
            }
        }
    }

    /// Waits until one of them has passed the message `id` on; `false`: their notes could not be read.
    async fn arrival(&self, id: &str, subscribed: &[String]) -> Result<bool, String> {
        let is_it = |note: &Option<Note>| note.as_ref().is_some_and(|note| note.message_id == id);
        let begun = Instant::now();
        let ends = self.ends.min(begun + ARRIVAL);
        loop {
            let relays = match self.known(subscribed).await {
                Ok(relays) => relays,
                Err(error) => {
                    // It is unknown; SNS has it.
                    tracing::warn!(%error, "whether a message arrived could not be read");
                    return Ok(false);
                }
            };
            let mut relays = relays.iter().filter(|relay| relay.is_subscribed);
            if relays.clone().any(|relay| is_it(&relay.passed)) {
                return Ok(true);
            }
            if relays.clone().all(|relay| is_it(&relay.failed)) {
                let failed = relays.find_map(|relay| Some((&relay.name, relay.failed.as_ref()?.error.as_ref()?)));
                return Err(failed.map_or_else(String::new, |(name, error)| format!("{name}: {error}")));
            }
            if Instant::now() >= ends {
                return Err(format!("nothing arrived within {} s", begun.elapsed().as_secs()));
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }
}

const CHAT: &str = "Amazon Q";

/// Where the function `name` of ours leads: CloudFormation puts the resource's name of the template into the function's.
fn channel_of(name: &str) -> &'static str {
    if name.contains("ChatNotifier") { CHAT } else { "Slack" }
}

/// The name of the function that `endpoint` is, if it is one of the topic's account and Region.
fn function_beside<'a>(topic_arn: &str, endpoint: &'a str) -> Option<&'a str> {
    let (mut topic, mut function) = (topic_arn.split(':'), endpoint.split(':'));
    let (_, partition, _) = (topic.next()?, topic.next()?, topic.next()?);
    let is_beside = function.next()? == "arn" && function.next()? == partition && function.next()? == "lambda";
    let is_beside = is_beside && function.next() == topic.next() && function.next() == topic.next();
    (is_beside && function.next()? == "function").then(|| function.next()).flatten()
}

/// Errors that the same call meets again, until you fix something.
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

    fn notifier(client: Client) -> Notifier {
        Notifier {
            publisher: client.clone(),
            client,
            topic_arn: TOPIC.into(),
            relays: None,
            recipients: OnceLock::new(),
        }
    }

    async fn hears(rule: &Rule) -> Result<bool, Unavailable> {
        let client = mock_client!(aws_sdk_sns, RuleMode::MatchAny, [rule]);
        let notifier = notifier(client);
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

    /// The recipients after a look at these subscriptions, each with protocol, whether it is confirmed, and endpoint.
    async fn recipients(all: &[(&'static str, bool, &'static str)], next: Option<&'static str>) -> Option<Recipients> {
        let all = all.to_vec();
        let rule = mock!(Client::list_subscriptions_by_topic)
            .sequence()
            .output(move || {
                let subscriptions = all.iter().map(|(protocol, is_confirmed, endpoint)| {
                    let arn = if *is_confirmed { TOPIC } else { "PendingConfirmation" };
                    Subscription::builder().protocol(*protocol).subscription_arn(arn).endpoint(*endpoint).build()
                });
                let page = ListSubscriptionsByTopicOutput::builder().set_subscriptions(Some(subscriptions.collect()));
                page.set_next_token(next.map(str::to_owned)).build()
            })
            .error(|| {
                ListSubscriptionsByTopicError::generic(ErrorMetadata::builder().code("AuthorizationError").build())
            })
            .build();
        let client = mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&rule]);
        let notifier = notifier(client);
        let own = Own { names: Vec::new(), is_refused: false, stack: Some("rootwatch".into()) };
        notifier.subscriptions(Some(&own)).await.unwrap();
        notifier.recipients()
    }

    #[tokio::test]
    async fn recipients_are_the_confirmed_subscriptions_by_kind_and_unknown_where_not_all_were_read() {
        let slack = "arn:aws:lambda:eu-west-1:111122223333:function:rootwatch-SlackNotifier-1A2B3C";
        let chat = "arn:aws:lambda:eu-west-1:111122223333:function:rootwatch-ChatNotifier-1A2B3C";
        let all = [
            ("email", true, "a@b.example"),
            ("email-json", true, "c@d.example"),
            ("email", false, "e@f.example"),
            ("lambda", true, slack),
            ("sqs", true, "arn:aws:sqs:eu-west-1:111122223333:x"),
        ];
        let expected = Recipients { email: 2, others: 1, slack: true, chat: false, pending: 1 };
        assert_eq!(recipients(&all, None).await, Some(expected));
        let both = [("lambda", true, slack), ("lambda", true, chat)];
        assert_eq!(
            recipients(&both, None).await,
            Some(Recipients { slack: true, chat: true, ..Recipients::default() })
        );
        assert_eq!(recipients(&[], None).await, Some(Recipients::default()));
        assert_eq!(recipients(&all, Some("2")).await, None, "the second page is refused");
        assert_eq!(recipients(&[("email", true, "a@b.example"); 100], Some("2")).await, None, "more than are counted");
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

    /// Two subscriptions that are confirmed: a function of the topic's account, and one of another account.
    fn of_functions(name: &'static str) -> Rule {
        mock!(Client::list_subscriptions_by_topic).then_output(move || {
            let of = |account: &str, name: &str| {
                Subscription::builder()
                    .subscription_arn(format!("{TOPIC}:{name}"))
                    .endpoint(format!("arn:aws:lambda:eu-west-1:{account}:function:{name}"))
                    .build()
            };
            ListSubscriptionsByTopicOutput::builder().subscriptions(of("111122223333", name)).build()
        })
    }

    #[tokio::test]
    async fn a_function_that_may_be_ours_is_no_other_listener_and_one_of_somebody_else_is() {
        let ours = "rootwatch-SlackNotifier-1A2B3C";
        let own = |names: &[&str], is_refused, stack: Option<&str>| Own {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            is_refused,
            stack: stack.map(str::to_owned),
        };
        for (name, own, is_other) in [
            (ours, own(&[ours], false, Some("rootwatch")), false),
            (ours, own(&[], false, Some("rootwatch")), false),
            ("rootwatch-ChatNotifier", own(&[], false, Some("rootwatch")), false),
            ("mine", own(&[], true, Some("rootwatch")), false),
            ("mine", own(&[ours], true, None), false),
            ("mine", own(&[ours], false, Some("rootwatch")), true),
            ("mine", own(&[], false, Some("rootwatch")), true),
            ("rootwatch-mine", own(&[], false, Some("rootwatch")), true),
            ("other-SlackNotifier-1A2B3C", own(&[], false, Some("rootwatch")), true),
            (ours, own(&[], false, None), true),
        ] {
            let rule = of_functions(name);
            let client = mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&rule]);
            let notifier = notifier(client);
            let (others, found) = notifier.subscriptions(Some(&own)).await.unwrap();
            assert_eq!((others, found.as_slice() == [name]), (is_other, !is_other), "{name} {own:?}");
        }
        let beside = |endpoint| function_beside(TOPIC, endpoint);
        assert_eq!(beside("arn:aws:lambda:eu-west-1:111122223333:function:x:live"), Some("x"));
        for other in
            ["arn:aws:lambda:eu-west-1:999900001111:function:x", "a@b.example", "arn:aws:sqs:eu-west-1:111122223333:x"]
        {
            assert_eq!(beside(other), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_function_passes_on_after_twenty_seconds_has_arrived_and_nothing_is_waited_for_beyond_the_run() {
        use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
        use aws_sdk_dynamodb::types::AttributeValue;

        let began = Instant::now();
        let rule = mock!(aws_sdk_dynamodb::Client::batch_get_item).then_compute_output(move |_| {
            let body = AttributeValue::S(r#"{"message_id":"1","sent_at":"2026-11-20T10:00:00Z"}"#.into());
            let note = [("sk", AttributeValue::S("x#passed".into())), ("body", body)];
            let note = note.map(|(name, value)| (name.to_owned(), value)).into();
            let notes = if began.elapsed() < Duration::from_secs(22) { Vec::new() } else { vec![note] };
            BatchGetItemOutput::builder().responses("t", notes).build()
        });
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rule]);
        let account = facts::AccountId::parse("111122223333").unwrap();
        let ledger = Ledger::over(client, "t", &account);
        let own = Own { names: vec!["x".into()], ..Own::default() };
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let relays = |seconds| Relays::new(&ledger, &own, Clock::start(now), now + SignedDuration::from_secs(seconds));
        let short = relays(14).arrival("1", &["x".into()]).await;
        assert_eq!(short, Err("nothing arrived within 6 s".into()), "the rest of the run is for what came of it");
        assert_eq!(relays(60).arrival("1", &["x".into()]).await, Ok(true));
        let late = relays(60).arrival("other", &["x".into()]).await;
        assert_eq!(late, Err("nothing arrived within 25 s".into()));
    }

    /// Each function of ours notes its newest message alone, some time after it was published.
    #[tokio::test(start_paused = true)]
    async fn where_only_our_function_hears_each_message_arrives_before_the_next_is_published() {
        use std::sync::{Arc, Mutex};

        use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
        use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
        use aws_sdk_dynamodb::types::AttributeValue;
        use aws_sdk_sns::operation::publish::PublishOutput;

        let newest = Arc::new(Mutex::new((0_u32, Instant::now())));
        let noted = Arc::clone(&newest);
        let publish = mock!(Client::publish).then_compute_output(move |_| {
            let mut newest = newest.lock().unwrap();
            *newest = (newest.0 + 1, Instant::now());
            PublishOutput::builder().message_id(newest.0.to_string()).build()
        });
        let notes = mock!(aws_sdk_dynamodb::Client::batch_get_item).then_compute_output(move |_| {
            let (id, published) = *noted.lock().unwrap();
            let body = format!(r#"{{"message_id":"{id}","sent_at":"2026-11-20T10:00:00Z"}}"#);
            let note = [("sk", AttributeValue::S("x#passed".into())), ("body", AttributeValue::S(body))]
                .map(|(name, value)| (name.to_owned(), value));
            let notes = if published.elapsed() < Duration::from_secs(1) { Vec::new() } else { vec![note.into()] };
            BatchGetItemOutput::builder().responses("t", notes).build()
        });
        let put = mock!(aws_sdk_dynamodb::Client::put_item).then_output(|| PutItemOutput::builder().build());
        let account = facts::AccountId::parse("111122223333").unwrap();
        let table = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&notes, &put]);
        let own = Own { names: vec!["x".into()], ..Own::default() };
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let ends = now + SignedDuration::from_secs(300);
        let relays = Relays::new(&Ledger::over(table, "t", &account), &own, Clock::start(now), ends);
        relays.subscribed.set(vec!["x".into()]).unwrap();
        relays.are_alone.set(()).unwrap();
        let notifier = notifier(mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&publish])).with(relays);
        let message = Message { subject: "s".into(), text: "t".into(), json: "{}".into() };
        let sent = join_all((0..8).map(|_| notifier.publish(&message))).await;
        let ids: Vec<String> = sent.into_iter().map(|sent| sent.unwrap()).collect();
        assert_eq!(ids, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    }
}
