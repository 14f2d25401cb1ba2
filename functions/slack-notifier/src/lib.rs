//! Passes on what is published to the topic: to an incoming webhook of Slack, or to Amazon Q Developer in chat applications.
//!
//! It has a subscription of its own: whatever happens here, SNS and the email know nothing of it. What could not be sent is an
//! error, so that Lambda tries again and then keeps the event in a queue, out of which this function sends it late.
//!
//! Routes of an organization have topics of their own. One function passes on those of all routes: the topic says to which webhook.

use std::collections::BTreeMap;
use std::time::Duration;

use ::aws::delivery::webhook::{NoAnswer, Webhook, WebhookAnswer, WebhookUrl, WebhookUrlError};
use ::aws::storage::ledger::Fate;
use ::aws::{Ledger, Notifier, PublishError};
use checklist::Refused;
use facts::relay::Note;
use facts::{AccountId, text};
use function::{Invocation, SettingsError, log};
use lambda_runtime::Diagnostic;
use messages::{Delivery, KNOCK, is_test_alert};
use parameter::{ParameterError, Parameters};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

mod event;
mod routes;
mod settings;

pub use event::{EventError, SnsMessage, messages};
pub use routes::{Route, Routes, TopicError};
pub use settings::{Settings, Target};

/// Kept for the note of what came of it, and for the answer to Lambda.
const RESERVE: Duration = Duration::from_secs(3);
/// For the note.
const NOTING: Duration = Duration::from_secs(2);
/// For one post: longer than Slack takes on a bad day, as a second one may be a second message.
const ATTEMPT: Duration = Duration::from_secs(20);
/// Before the second post and before the third; of what may pass there is no fourth.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// Too many messages, and Slack does not say for how long.
const THROTTLED: Duration = Duration::from_secs(1);

/// Passes on messages; made once a process.
#[derive(Debug)]
pub struct SlackNotifier {
    config: aws_config::SdkConfig,
    way: Result<Way, SettingsError>,
    table: Option<String>,
}

#[derive(Debug)]
enum Way {
    /// To the webhook whose URL is in this parameter.
    Webhook(String, Box<ToWebhook>),
    Routes(Routes, Box<ToWebhook>),
    Chat(Box<Notifier>),
}

#[derive(Debug)]
struct ToWebhook {
    parameters: Parameters,
    test_host: Option<String>,
    webhook: Webhook,
    /// By parameter: each is read at the first event that needs it and kept while the process is warm.
    urls: Mutex<BTreeMap<String, WebhookUrl>>,
}

/// Why a message was not passed on. The webhook's URL is in none of them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The function's environment is wrong; nothing was called.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The event is not one of those that are accepted; nothing was called.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The topic is no route's; nothing was called.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// A message of a route was not passed on.
    #[error("topic {}: {error}{}", .route.topic, remedy(.route, .error))]
    Route {
        /// Which one.
        route: Route,
        /// Why.
        error: Box<Self>,
    },
    /// The webhook's URL could not be read.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The parameter holds something else.
    #[error(transparent)]
    Url(#[from] WebhookUrlError),
    /// Slack does not take it, and will not the next time.
    #[error("Slack's webhook refused the message: {status}{}", said(.body))]
    Refused {
        /// HTTP status.
        status: u16,
        /// What Slack says.
        body: String,
    },
    /// Too many messages.
    #[error("Slack's webhook takes no more messages for {} s, longer than this call may wait", .0.as_secs())]
    Throttled(Duration),
    /// Slack has a fault.
    #[error("Slack's webhook failed: {status}{}", said(.body))]
    Broken {
        /// HTTP status.
        status: u16,
        /// What Slack says.
        body: String,
    },
    /// No answer.
    #[error("Slack's webhook {0}")]
    Unreachable(NoAnswer),
    /// The topic for Amazon Q did not take it.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

fn said(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(" ({body})") }
}

/// What to do about a webhook of a route that is not there: the owner stores its URL, and no parameter of the template names it.
fn remedy(Route { parameter, .. }: &Route, error: &Error) -> String {
    match error {
        Error::Parameter(_) | Error::Url(_) | Error::Refused { status: 403 | 404 | 410, .. } => {
            format!("; store the URL of its webhook as the SecureString {parameter}")
        }
        _ => String::new(),
    }
}

impl Error {
    fn kind(&self) -> &'static str {
        match self {
            Self::Settings(_) => "InvalidSettings",
            Self::Event(_) => "InvalidEvent",
            Self::Topic(_) => "InvalidTopic",
            Self::Route { error, .. } => error.kind(),
            Self::Parameter(_) | Self::Url(_) => "WebhookUnknown",
            Self::Refused { .. } => "WebhookRefused",
            Self::Throttled(_) => "WebhookThrottled",
            Self::Broken { .. } | Self::Unreachable(_) => "WebhookUnreachable",
            Self::Publish(error) if error.permanent => "PublishRefused",
            Self::Publish(_) => "PublishFailed",
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.kind().into(), error_message: error.to_string() }
    }
}

impl SlackNotifier {
    /// A notifier over `config`, with what was found in the environment.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<(Settings, Vec<Refused>), SettingsError>) -> Self {
        let settings = settings.map(|(settings, refused)| {
            log::refused(&refused);
            settings
        });
        let table = settings.as_ref().ok().and_then(|settings| settings.table.clone());
        let way = settings.map(|settings| match settings.target {
            Target::Chat { topic_arn } => Way::Chat(Box::new(Notifier::new(config, topic_arn))),
            Target::Webhook { parameter, test_host } => {
                Way::Webhook(parameter, Box::new(ToWebhook::new(config, test_host)))
            }
            Target::Routes { routes, test_host } => Way::Routes(routes, Box::new(ToWebhook::new(config, test_host))),
        });
        Self { config: config.clone(), way, table }
    }

    /// Passes on every message in `event`, notes what came of each, and answers with their ids. A test message or a test
    /// alert that does not arrive is no error, but for a route: the next check sends another one, and a person asks for another one.
    ///
    /// # Errors
    /// At the first that was not passed on. SNS and the queue bring one at a time; of several those before it come twice.
    pub async fn handle(&self, event: &Value, invocation: &Invocation) -> Result<Value, Error> {
        let left = Duration::try_from(invocation.ends.duration_since(invocation.now)).unwrap_or_default();
        let deadline = Instant::now() + left.saturating_sub(RESERVE);
        let way = self.way.as_ref().map_err(Clone::clone)?;
        // Of routes no check asks what came of a message: there each failure is an error, so that the alarm says so.
        let is_noted = !matches!(way, Way::Routes(..));
        let is_test = |subject: &str| subject == KNOCK || is_test_alert(subject);
        let mut sent = Vec::new();
        for message in messages(event)? {
            let SnsMessage { message_id, subject, message: body, topic_arn, timestamp } = &message;
            let delivery = Delivery { subject: subject.as_deref(), body, sent_at: *timestamp, now: invocation.now };
            let passed = match way {
                Way::Webhook(parameter, slack) => slack.send(parameter, &delivery.for_slack(), deadline).await,
                Way::Routes(routes, slack) => match routes.of(topic_arn.as_deref()) {
                    Ok(route) => slack
                        .send(&route.parameter, &delivery.for_slack(), deadline)
                        .await
                        .map_err(|error| Error::Route { route, error: Box::new(error) }),
                    Err(error) => Err(error.into()),
                },
                Way::Chat(topic) => {
                    topic.publish_text(delivery.for_chat().to_string()).await.map(drop).map_err(Error::from)
                }
            };
            self.note(&message, passed.as_ref().err(), invocation).await;
            match passed {
                Ok(()) => {
                    tracing::info!(message_id, "passed on");
                    sent.push(message_id.clone());
                }
                // Sent hours later it would test nothing: who asked for it learns of the failure, by the note.
                Err(error) if is_noted && subject.as_deref().is_some_and(is_test) => {
                    tracing::error!(%error, message_id, "a test message does not arrive");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(json!({"sent": sent}))
    }

    /// Notes the outcome of `message` for the checker, which alerts when nothing arrives. Without the note the same alerts are sent.
    async fn note(&self, message: &SnsMessage, failed: Option<&Error>, invocation: &Invocation) {
        let Some((table, account)) = self.table.as_ref().zip(AccountId::from_arn(&invocation.function_arn).ok()) else {
            return;
        };
        let note = Note {
            message_id: text::bounded(&message.message_id),
            sent_at: message.timestamp.unwrap_or(invocation.now),
            error: failed.map(|error| text::bounded(&format!("{}: {error}", error.kind()))),
        };
        let fate = if failed.is_some() { Fate::Failed } else { Fate::Passed };
        let ledger = Ledger::new(&self.config, table, &account);
        match timeout(NOTING, ledger.note(invocation.function_name(), fate, &note)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what came of the message could not be noted"),
            Err(_) => tracing::warn!("what came of the message could not be noted in time"),
        }
    }
}

impl ToWebhook {
    fn new(config: &aws_config::SdkConfig, test_host: Option<String>) -> Self {
        Self { parameters: Parameters::new(config), test_host, webhook: Webhook::default(), urls: Mutex::default() }
    }

    /// Posts to the webhook whose URL is in `parameter`, until Slack has it, or time or hope run out.
    async fn send(&self, parameter: &str, message: &Value, deadline: Instant) -> Result<(), Error> {
        let mut url = self.url(parameter, false).await?;
        let mut pauses = PAUSES.iter();
        let mut may_have_changed = true;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match self.webhook.post(&url, message, ATTEMPT.min(left)).await.map_err(Error::Unreachable) {
                Ok(answer) => match outcome(answer) {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let pause = match &error {
                Error::Throttled(wait) => Some(*wait),
                // What Slack may have taken waits for Lambda's next try.
                Error::Broken { .. } | Error::Unreachable(NoAnswer { may_be_taken: false, .. }) => {
                    pauses.next().copied()
                }
                // The webhook may have been replaced since it was read.
                Error::Refused { status: 403 | 404 | 410, .. } if std::mem::take(&mut may_have_changed) => {
                    let before = url;
                    url = self.url(parameter, true).await?;
                    (url != before).then_some(Duration::ZERO)
                }
                _ => None,
            };
            match pause.filter(|pause| *pause < deadline.saturating_duration_since(Instant::now())) {
                Some(pause) => {
                    tracing::warn!(%error, "tried again");
                    sleep(pause).await;
                }
                None => return Err(error),
            }
        }
    }

    /// The URL in `parameter`, read when it is not known yet, or `again`.
    async fn url(&self, parameter: &str, again: bool) -> Result<WebhookUrl, Error> {
        let mut known = self.urls.lock().await;
        if let Some(url) = known.get(parameter).filter(|_| !again) {
            return Ok(url.clone());
        }
        // What is no good any more is forgotten, also when there is nothing better.
        known.remove(parameter);
        let url = WebhookUrl::parse(self.parameters.read(parameter).await?, self.test_host.as_deref())?;
        known.insert(parameter.to_owned(), url.clone());
        Ok(url)
    }
}

/// What an answer of Slack means.
fn outcome(answer: WebhookAnswer) -> Result<(), Error> {
    let WebhookAnswer { status, retry_after, body } = answer;
    Err(match status {
        200 => return Ok(()),
        429 => Error::Throttled(retry_after.unwrap_or(THROTTLED).max(THROTTLED)),
        500 | 502 | 503 | 504 => Error::Broken { status, body },
        300..=399 => Error::Refused { status, body: "a redirect is not followed".into() },
        _ => Error::Refused { status, body },
    })
}

#[cfg(test)]
mod tests {
    use facts::source::Cause;

    use super::*;

    fn judged(status: u16, retry_after: Option<u64>) -> String {
        let retry_after = retry_after.map(Duration::from_secs);
        match outcome(WebhookAnswer { status, retry_after, body: "no_service".into() }) {
            Ok(()) => "done".into(),
            Err(error) => {
                let message = error.to_string();
                format!("{}: {message}", Diagnostic::from(error).error_type)
            }
        }
    }

    #[test]
    fn sl_1_to_3_each_answer_of_slack_has_a_stable_type_and_names_the_code() {
        assert_eq!(judged(200, None), "done");
        for status in [500, 502, 503, 504] {
            assert_eq!(
                judged(status, None),
                format!("WebhookUnreachable: Slack's webhook failed: {status} (no_service)")
            );
        }
        for status in [201, 204, 400, 403, 404, 410, 418, 501] {
            assert_eq!(
                judged(status, None),
                format!("WebhookRefused: Slack's webhook refused the message: {status} (no_service)")
            );
        }
        for status in [301, 302, 307, 308] {
            assert_eq!(
                judged(status, None),
                format!("WebhookRefused: Slack's webhook refused the message: {status} (a redirect is not followed)")
            );
        }
    }

    #[test]
    fn sl_1_no_wait_is_shorter_than_a_second() {
        for (retry_after, wait) in [(Some(3_600), 3_600), (Some(0), 1), (None, 1)] {
            let words = format!("Slack's webhook takes no more messages for {wait} s, longer than this call may wait");
            assert_eq!(judged(429, retry_after), format!("WebhookThrottled: {words}"));
        }
    }

    #[test]
    fn every_other_error_has_a_stable_type_too() {
        let of = |error: Error| Diagnostic::from(error).error_type;
        let publish = |permanent| PublishError { topic_arn: "arn".into(), cause: Cause::TimedOut, permanent };
        assert_eq!(of(Error::Publish(publish(true))), "PublishRefused");
        assert_eq!(of(Error::Publish(publish(false))), "PublishFailed");
        assert_eq!(
            of(Error::Unreachable(NoAnswer { cause: Cause::TimedOut, may_be_taken: true })),
            "WebhookUnreachable"
        );
        let unread = || Error::Parameter(ParameterError { name: "x".into(), cause: Cause::TimedOut });
        assert_eq!(of(unread()), "WebhookUnknown");
        let routes = Routes::parse("/rootwatch/routes/").unwrap();
        assert_eq!(of(routes.of(None).unwrap_err().into()), "InvalidTopic");
        assert_eq!(of(Error::Route { route: route(), error: Box::new(unread()) }), "WebhookUnknown");
    }

    fn route() -> Route {
        Route { topic: "rootwatch-route-payments".into(), parameter: "/rootwatch/routes/payments".into() }
    }

    #[test]
    fn an_error_of_a_route_names_its_topic_and_where_its_webhook_belongs_only_if_that_may_help() {
        let of = |error| Error::Route { route: route(), error: Box::new(error) }.to_string();
        let refused = |status| Error::Refused { status, body: String::new() };
        let remedy = "; store the URL of its webhook as the SecureString /rootwatch/routes/payments";
        for status in [403, 404, 410] {
            let words =
                format!("topic rootwatch-route-payments: Slack's webhook refused the message: {status}{remedy}");
            assert_eq!(of(refused(status)), words);
        }
        assert_eq!(of(refused(400)), "topic rootwatch-route-payments: Slack's webhook refused the message: 400");
        assert!(!of(Error::Throttled(THROTTLED)).contains("SecureString"));
    }
}
