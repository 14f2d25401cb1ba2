//! What EventBridge delivers, sent within seconds: root activity, and monitoring tampering.
//!
//! It uses the same classifier, ledger and words as the checker, so that what both find is sent once. What is not urgent is left to
//! the checker's next scan.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::repeat_n;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::aws::storage::ledger::Recalled;
use ::aws::{Clock, Ledger, LedgerError, Notifier, PublishError, Relays};
use alerts::Alert;
use alerts::Policy;
use facts::record::TrailEvent;
use facts::root_activity::{self, Kind};
use facts::watch::Arrival;
use facts::{Account, RootActivity, Tampering};
use function::figures::Figures;
use function::{Invocation, Sent, SettingsError, Untracked, Voice, lease, log};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

mod request;
mod settings;

pub use request::RequestError;
pub use settings::{Canaries, Settings};

/// Kept for sending when writing down takes long; a quarter of what is left, if that is less.
const FOR_SENDING: Duration = Duration::from_secs(10);
/// Anybody on the internet can cause a failed sign-in: alone, such acts are sent no more often than this.
const BETWEEN_FAILURES: SignedDuration = SignedDuration::from_mins(15);
/// Which of the figures are metrics; the line in the log has the others.
pub const METRICS: &[&str] = &["RootActivity", "Tampering"];

/// Answers events; made once a process.
#[derive(Debug)]
pub struct Listener {
    config: aws_config::SdkConfig,
    settings: Result<Settings, SettingsError>,
    untracked: Untracked,
    failures_sent_at: Mutex<Option<Timestamp>>,
    emit: fn(&str),
}

/// What the function answers.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Messages that SQS shall deliver again.
    pub batch_item_failures: Vec<Failure>,
    /// SNS's ids of what was published.
    pub sent: Vec<String>,
    /// How many alerts wait to be sent; `None`: unknown.
    pub unsent: Option<usize>,
}

/// A message that SQS shall deliver again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// SQS's id of it.
    pub item_identifier: String,
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
    /// The function's ARN names no account.
    #[error("cannot determine the account: the function's ARN says `{0}`")]
    Account(String),
    /// The alert of an envelope by itself could not be sent.
    #[error("{0}; it is {state}", state = if *.1 { "queued until it can be sent" } else { "neither sent nor recorded" })]
    Publish(PublishError, bool),
    /// An envelope by itself could not be recorded in time.
    #[error("the event could not be recorded in time: invoke the function again")]
    OutOfTime,
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = match &error {
            Error::Settings(_) => "InvalidSettings",
            Error::Request(_) => "InvalidEvent",
            Error::Account(_) => "UnknownAccount",
            Error::Publish(_, false) => "NeitherToldNorKept",
            Error::Publish(error, true) if error.permanent => "PublishRefused",
            Error::Publish(..) | Error::OutOfTime => "PublishFailed",
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

/// The outcome of one batch.
#[derive(Debug, Default)]
struct Outcome {
    sent: Sent,
    /// Not everything could be written down in time.
    is_late: bool,
    /// It is recorded and was not sent, although the topic has a confirmed subscriber.
    is_unsent: bool,
}

impl Listener {
    /// A listener over `config`, with what was found in the environment. `emit` takes each run's figures.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<Settings, SettingsError>, emit: fn(&str)) -> Self {
        let (untracked, failures_sent_at) = (Untracked::default(), Mutex::new(None));
        if let Ok(settings) = &settings {
            log::refused(&settings.refused);
        }
        Self { config: config.clone(), settings, untracked, failures_sent_at, emit }
    }

    /// The flow of one call.
    ///
    /// # Errors
    /// See [`Error`]. What of a batch could not be sent is no error: SQS delivers it again.
    pub async fn handle(&self, event: &Value, invocation: &Invocation) -> Result<Answer, Error> {
        let clock = Clock::start(invocation.now);
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let account = invocation.account().map_err(Error::Account)?;
        let deliveries = request::deliveries(event, &account, settings.canaries.as_ref(), invocation.now)?;
        for fault in deliveries.iter().filter_map(|delivery| delivery.event.as_ref().err()) {
            tracing::error!(%fault, "a message is left to the dead-letter queue");
        }
        let ledger = Ledger::new(&self.config, &settings.table, &account);
        let unnoted = note_canaries(&ledger, &deliveries, invocation.now).await;
        if deliveries.iter().all(|delivery| delivery.event().is_none()) {
            return Ok(answer_canaries(deliveries, &unnoted));
        }
        let relays = Relays::new(&ledger, &settings.relays, clock, invocation.ends);
        let notifier = Notifier::new(&self.config, &settings.topic_arn).with(relays);
        let (recalled, listeners) = tokio::join!(ledger.recall(invocation.now), notifier.listeners());

        let alias = recalled.as_ref().ok().and_then(|recalled| recalled.memory.journal.alias.clone());
        let account = Account { id: account, alias, partition: settings.partition };
        let events = deliveries.iter().filter_map(request::Delivery::event);
        let alerts = alerts(events, settings, &account, recalled.as_ref().ok(), invocation.now);
        for alert in &alerts {
            tracing::info!(alert = alert.id, severity = %alert.severity, "seen");
        }

        let voice = Voice {
            ledger: &ledger,
            notifier: &notifier,
            lease: lease(format!("{} {}", invocation.request_id, invocation.now), invocation.ends),
            clock,
            untracked: &self.untracked,
            period: Policy::default().remind_critical,
            runbook: &settings.runbook,
            report: None,
            links: &settings.links,
        };
        let left = Duration::try_from(invocation.ends.duration_since(invocation.now)).unwrap_or_default();
        let deadline = clock.started + left.saturating_sub(FOR_SENDING.min(left / 4));
        let hears = listeners.map_or(true, |listeners| listeners.hear(invocation.now));
        let outcome = self.send(&voice, recalled, &alerts, hears, deadline).await;
        outcome.sent.log();
        (self.emit)(&figures(&alerts, &outcome.sent, invocation));
        answer(deliveries, &unnoted, outcome)
    }

    /// Writes down, then sends; without a ledger sends at once.
    async fn send(
        &self,
        voice: &Voice<'_>,
        recalled: Result<Recalled, LedgerError>,
        alerts: &[Alert],
        hears: bool,
        deadline: Instant,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let recorded = match recalled {
            Ok(_) => self.record(voice.ledger, alerts, voice.clock.started_at, deadline).await,
            Err(error) => Err(error),
        };
        match recorded {
            Ok(Written { is_all, may_wait }) => {
                outcome.is_late = !is_all;
                if hears && !may_wait {
                    voice.drain(None, &mut outcome.sent).await;
                }
                // The run that holds the lease may have died: SQS delivers again.
                let Sent { store, waiting, is_cut, .. } = &outcome.sent;
                outcome.is_unsent =
                    !alerts.is_empty() && store.is_none() && waiting.is_some_and(|waiting| waiting > 0) && !is_cut;
                let straight = Voice::unsent(alerts, &outcome.sent);
                voice.send_untracked(&straight, None, !hears, &mut outcome.sent).await;
                outcome.sent.is_lost = false;
            }
            Err(error) => {
                outcome.sent.store = Some(error);
                voice.send_untracked(alerts, None, !hears, &mut outcome.sent).await;
            }
        }
        outcome
    }

    async fn record(
        &self,
        ledger: &Ledger,
        alerts: &[Alert],
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Written, LedgerError> {
        if alerts.is_empty() {
            return Ok(Written { is_all: true, may_wait: false });
        }
        let unseen = ledger.unseen(alerts, now).await?;
        let acts = ledger.record_acts(&unseen, now, deadline).await?;
        let only_failures = !unseen.is_empty()
            && unseen.iter().all(|alert| alert.act().is_some_and(|act| act.kind == Kind::SignInFailed));
        Ok(Written { is_all: acts.left == 0, may_wait: only_failures && self.were_sent_lately(now) })
    }

    /// Whether failed sign-ins were sent in the last quarter of an hour; notes that they are now, if not.
    fn were_sent_lately(&self, now: Timestamp) -> bool {
        let mut sent_at = self.failures_sent_at.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = sent_at.is_some_and(|at| now.duration_since(at).abs() < BETWEEN_FAILURES);
        if !lately {
            *sent_at = Some(now);
        }
        lately
    }
}

/// Notes the newest canary of each Region as arrived; the Regions for which that failed.
async fn note_canaries(ledger: &Ledger, deliveries: &[request::Delivery], now: Timestamp) -> BTreeSet<String> {
    let mut newest: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for (region, sent_at) in deliveries.iter().filter_map(request::Delivery::canary) {
        newest.entry(region).and_modify(|newest| *newest = sent_at.max(*newest)).or_insert(sent_at);
    }
    let mut unnoted = BTreeSet::new();
    for (region, sent_at) in newest {
        let arrival = Arrival { sent_at, seconds: now.duration_since(sent_at).as_secs().max(0) };
        match ledger.note_canary(region, &arrival).await {
            Ok(()) => tracing::info!(region, seconds = arrival.seconds, "a canary arrived"),
            Err(error) => {
                tracing::error!(region, %error, "that a canary arrived could not be noted: it is delivered again");
                unnoted.insert(region.to_owned());
            }
        }
    }
    unnoted
}

/// Of a batch that brings no event of CloudTrail.
fn answer_canaries(deliveries: Vec<request::Delivery>, unnoted: &BTreeSet<String>) -> Answer {
    let again = |delivery: &request::Delivery| {
        delivery.event.is_err() || delivery.canary().is_some_and(|(region, _)| unnoted.contains(region))
    };
    let ids = deliveries.into_iter().filter(again).filter_map(|delivery| delivery.message_id);
    Answer {
        batch_item_failures: ids.map(|item_identifier| Failure { item_identifier }).collect(),
        ..Answer::default()
    }
}

struct Written {
    is_all: bool,
    /// It is nothing but failed sign-ins, and such were sent lately.
    may_wait: bool,
}

/// What of `events` is sent now: the worst first, each once.
fn alerts<'a>(
    events: impl Iterator<Item = &'a TrailEvent>,
    settings: &Settings,
    account: &Account,
    recalled: Option<&Recalled>,
    now: Timestamp,
) -> Vec<Alert> {
    let own = || settings.own.iter().map(String::as_str);
    let (mut acts, mut others) = (Vec::new(), Vec::new());
    for event in events {
        if let Some(act) = RootActivity::classify(event, account, own()) {
            acts.push(act);
        } else if let Some(tampering) = Tampering::classify(event, account, own()) {
            others.push(tampering);
        } else if let Some(other) = root_activity::other_account(event, account) {
            tracing::warn!(%other, "left out: the event is of another account, and nothing of this one was changed");
        }
    }
    let mut acts = root_activity::gather(acts);
    root_activity::annotate(&mut acts, recalled.map(|recalled| recalled.memory.plans.as_slice()).unwrap_or_default());
    let mut seen = BTreeSet::new();
    others.retain(|tampering| seen.insert(tampering.event_id.clone()));
    let acts = acts.iter().filter(|act| act.is_urgent() || (act.is_told() && !settings.is_swept(&act.region)));
    let acts = acts.map(|act| alerts::of_root(act, account, now));
    acts.chain(others.into_iter().map(|tampering| alerts::of_tampering(tampering, account, now))).collect()
}

fn figures(alerts: &[Alert], sent: &Sent, invocation: &Invocation) -> String {
    let mut figures = Figures::new(METRICS);
    figures.sending(sent);
    figures.acts(alerts.iter().filter_map(Alert::act).map(RootActivity::count).sum());
    figures.kinds(alerts.iter().flat_map(|alert| match alert.act() {
        Some(act) => repeat_n(format!("RootActivity{:?}", act.kind), act.count()),
        None => repeat_n("Tampering".into(), 1),
    }));
    // How long after it happened the oldest of it was heard of.
    if let Some(oldest) = alerts.iter().filter_map(|alert| alert.act().and_then(RootActivity::since)).min() {
        figures.seconds("EventAge", invocation.now.duration_since(oldest).as_secs().max(0));
    }
    figures.line(invocation.function_name(), invocation.now)
}

/// Of a batch, what SQS shall deliver again: messages that cannot be read, and all of them when what they brought is not safe or
/// may be sent if it is tried again.
fn answer(deliveries: Vec<request::Delivery>, unnoted: &BTreeSet<String>, outcome: Outcome) -> Result<Answer, Error> {
    let Outcome { sent, is_late, is_unsent } = outcome;
    let try_again = match &sent.refused {
        Some(error) => is_late || sent.is_lost || !error.permanent,
        None => is_late || is_unsent,
    };
    let is_batch = deliveries.iter().all(|delivery| delivery.message_id.is_some());
    match sent.refused {
        Some(error) if !is_batch => return Err(Error::Publish(error, !sent.is_lost)),
        None if !is_batch && is_late => return Err(Error::OutOfTime),
        _ => {}
    }
    let is_due = |delivery: &request::Delivery| {
        let is_unnoted = delivery.canary().is_some_and(|(region, _)| unnoted.contains(region));
        delivery.event.is_err() || is_unnoted || (try_again && delivery.event().is_some())
    };
    let again = deliveries.into_iter().filter(is_due);
    let ids = again.filter_map(|delivery| delivery.message_id);
    Ok(Answer {
        batch_item_failures: ids.map(|item_identifier| Failure { item_identifier }).collect(),
        sent: sent.messages,
        unsent: sent.waiting,
    })
}
