//! The scheduled checker: reads one account, judges the checklist, tells what people must know, answers with the report.

use std::time::Duration;

use ::aws::{Collector, Look, Notifier};
use checklist::report::Answer;
use checklist::{AccountId, Message, Report};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Diagnostic;
use serde_json::Value;
use tokio::time::Instant;

pub mod log;
mod request;
mod settings;

pub use request::{Request, RequestError};
pub use settings::{Settings, SettingsError};

/// Kept for judging and publishing when reading takes long; half of the run, if that is less.
const RESERVE: SignedDuration = SignedDuration::from_secs(20);

/// Answers events; made once a process.
#[derive(Debug)]
pub struct Checker {
    config: aws_config::SdkConfig,
    collector: Collector,
    settings: Result<Settings, SettingsError>,
}

/// One call of the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// ARN that was called; names the account.
    pub function_arn: String,
    /// The present.
    pub now: Timestamp,
    /// When Lambda ends the call.
    pub ends: Timestamp,
}

/// Why a call could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The function's environment is wrong; nothing was called.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The event is not one of those that are accepted; nothing was called.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Neither the event nor the function's ARN tells the account, or they contradict each other.
    #[error("cannot tell whose account this is: the event says `{event}`, the function's ARN says `{function}`")]
    Account {
        /// What the event says.
        event: String,
        /// What the ARN says.
        function: String,
    },
    /// People could not be told.
    #[error(transparent)]
    Publish(#[from] aws::PublishError),
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = match &error {
            Error::Settings(_) => "InvalidSettings",
            Error::Request(_) => "InvalidEvent",
            Error::Account { .. } => "UnknownAccount",
            Error::Publish(error) if error.permanent => "PublishRefused",
            Error::Publish(_) => "PublishFailed",
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl Checker {
    /// A checker over `config`, with what was found in the environment.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<Settings, SettingsError>) -> Self {
        Self { collector: Collector::new(config), config: config.clone(), settings }
    }

    /// The flow of one call.
    ///
    /// # Errors
    /// See [`Error`]. What could not be *read* is no error: it is in the answer, and told.
    pub async fn handle(&self, event: &Value, invocation: &Invocation) -> Result<Answer, Error> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let request = Request::parse(event, settings.partition)?;
        let account = account(&request, &invocation.function_arn)?;

        // Boxed: the compiler would otherwise lay out every source's future in this one.
        let reading = self.collector.snapshot(look(settings, request.clone(), account, invocation));
        let snapshot = Box::pin(reading).await;
        let report = Report::generate(&snapshot, &settings.checklist);
        log::report(&report);
        let told = match Message::compose(&report) {
            Some(message) if !request.dry_run => {
                let id = Notifier::new(&self.config, &settings.topic_arn).publish(&message).await?;
                tracing::info!(message_id = id, severity = %report.severity(), "told");
                Some(id)
            }
            _ => None,
        };
        Ok(Answer::new(report, told))
    }
}

/// The event's account, else the function's; they must not contradict each other.
fn account(request: &Request, function_arn: &str) -> Result<AccountId, Error> {
    let function = AccountId::from_arn(function_arn).ok();
    match (&request.account, function) {
        (Some(event), Some(function)) if *event != function => {
            Err(Error::Account { event: event.to_string(), function: function.to_string() })
        }
        (event, function) => event.clone().or(function).ok_or_else(|| Error::Account {
            event: "nothing".into(),
            function: checklist::text::bounded(function_arn),
        }),
    }
}

fn look(settings: &Settings, request: Request, account: AccountId, invocation: &Invocation) -> Look {
    let lookback_hours = request.lookback_hours.unwrap_or(settings.lookback_hours);
    let left = invocation.ends.duration_since(invocation.now).max(SignedDuration::ZERO);
    let reading = left - RESERVE.min(left / 2);
    Look {
        account,
        partition: settings.partition,
        taken_at: invocation.now,
        root_events_since: invocation.now - SignedDuration::from_hours(lookback_hours.into()),
        regions: request.regions.or_else(|| settings.regions.clone()),
        delivered: request.delivered,
        deadline: Instant::now() + Duration::try_from(reading).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:rootwatch";

    fn request(account: Option<&str>) -> Request {
        Request { account: account.map(|id| AccountId::parse(id).unwrap()), ..Request::default() }
    }

    #[test]
    fn the_account_is_the_events_else_the_functions() {
        assert_eq!(account(&request(Some("111122223333")), "").unwrap().as_str(), "111122223333");
        assert_eq!(account(&request(None), ARN).unwrap().as_str(), "111122223333");
        assert!(matches!(account(&request(None), "no arn"), Err(Error::Account { .. })));
    }

    #[test]
    fn an_event_of_another_account_is_an_error_and_not_a_mislabelled_alert() {
        let error = account(&request(Some("999900001111")), ARN).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot tell whose account this is: the event says `999900001111`, the function's ARN says `111122223333`"
        );
    }

    #[test]
    fn rt_1_reading_ends_20_seconds_before_lambda_ends_the_call_or_at_half_time() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let settings = Settings::read(settings::tests::valid()).unwrap();
        for (left, reading) in [(300, 280), (40, 20), (30, 15), (0, 0)] {
            let invocation = Invocation { function_arn: ARN.into(), now, ends: now + SignedDuration::from_secs(left) };
            let before = Instant::now();
            let account = AccountId::parse("111122223333").unwrap();
            let look = look(&settings, Request::default(), account, &invocation);
            let seconds = (look.deadline - before).as_secs_f64().round();
            assert_eq!(seconds, f64::from(reading), "{left} s left");
        }
    }

    #[test]
    fn every_error_has_a_stable_type_for_alarms() {
        let publish = |permanent| {
            let cause = checklist::snapshot::Cause::Refused { code: "KMSDisabled".into() };
            Error::Publish(::aws::PublishError { topic_arn: "arn".into(), cause, permanent })
        };
        assert_eq!(Diagnostic::from(publish(true)).error_type, "PublishRefused");
        assert_eq!(Diagnostic::from(publish(false)).error_type, "PublishFailed");
        let account = Error::Account { event: String::new(), function: String::new() };
        assert_eq!(Diagnostic::from(account).error_type, "UnknownAccount");
    }
}
