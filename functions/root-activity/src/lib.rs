//! What EventBridge delivers, sent within seconds: root activity, and monitoring tampering.
//!
//! It uses the same classifier, ledger and words as the checker, so that what both find is sent once. What is not urgent is left to
//! the checker's next scan.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
use facts::{Account, AccountId, RootActivity, Severity, Tampering};
use function::figures::Figures;
use function::{Invocation, Sent, SettingsError, Untracked, Voice, lease, log};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

mod request;
mod settings;

use request::Accepted;
pub use request::RequestError;
pub use settings::{Canaries, Settings};

/// Kept for sending when writing down takes long; a quarter of what is left, if that is less.
const FOR_SENDING: Duration = Duration::from_secs(10);
/// Anybody on the internet can cause a failed sign-in: alone, such acts are sent no more often than this.
const BETWEEN_FAILURES: SignedDuration = SignedDuration::from_mins(15);
/// What is no worse than what was sent of a member account waits so long, and is sent as one message.
const BETWEEN_MESSAGES: SignedDuration = SignedDuration::from_mins(1);
/// Accounts of a batch that are sent about at the same time. A batch has 1,000 messages at most.
const AT_ONCE: usize = 8;
/// Which of the figures are metrics; the line in the log has the others.
pub const METRICS: &[&str] = &["RootActivity", "Tampering"];

/// Answers events; made once a process.
#[derive(Debug)]
pub struct Listener {
    config: aws_config::SdkConfig,
    settings: Result<Settings, SettingsError>,
    untracked: Untracked,
    lately: Mutex<HashMap<AccountId, Lately>>,
    emit: fn(&str),
}

/// What this process sent of an account lately.
#[derive(Debug, Clone, Copy, Default)]
struct Lately {
    failures_at: Option<Timestamp>,
    message: Option<(Timestamp, Severity)>,
}

/// The events of one account.
#[derive(Debug)]
struct Batch<'a> {
    account: &'a AccountId,
    /// The account of the stack, if it is another one.
    member_of: Option<&'a AccountId>,
    events: Vec<&'a TrailEvent>,
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
    /// It is recorded and was not sent, and no other run will.
    is_unsent: bool,
    /// It is of a member account: no check of this stack sends what waits.
    is_member: bool,
}

/// How one call sends.
#[derive(Debug, Clone, Copy)]
struct Call<'a> {
    settings: &'a Settings,
    notifier: &'a Notifier,
    invocation: &'a Invocation,
    clock: Clock,
    deadline: Instant,
    /// Whether the topic has a confirmed subscriber.
    hears: bool,
}

impl Listener {
    /// A listener over `config`, with what was found in the environment. `emit` takes each run's figures.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<Settings, SettingsError>, emit: fn(&str)) -> Self {
        let (untracked, lately) = (Untracked::default(), Mutex::default());
        if let Ok(settings) = &settings {
            log::refused(&settings.refused);
        }
        Self { config: config.clone(), settings, untracked, lately, emit }
    }

    /// The flow of one call.
    ///
    /// # Errors
    /// See [`Error`]. What of a batch could not be sent is no error: SQS delivers it again.
    pub async fn handle(&self, event: &Value, invocation: &Invocation) -> Result<Answer, Error> {
        let clock = Clock::start(invocation.now);
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let account = invocation.account().map_err(Error::Account)?;
        let (canaries, members, now) = (settings.canaries.as_ref(), settings.members.as_deref(), invocation.now);
        let deliveries = request::deliveries(event, Accepted { account: &account, canaries, members, now })?;
        for fault in deliveries.iter().filter_map(|delivery| delivery.event.as_ref().err()) {
            tracing::error!(%fault, "a message is left to the dead-letter queue");
        }
        let ledger = Ledger::new(&self.config, &settings.table, &account);
        let left = Duration::try_from(invocation.ends.duration_since(now)).unwrap_or_default();
        let deadline = clock.started + left.saturating_sub(FOR_SENDING.min(left / 4));
        let canaries = note_canaries(&ledger, &deliveries, now, deadline);
        let batches = batches(&deliveries, &account);
        if batches.is_empty() {
            return Ok(answer_canaries(&deliveries, &canaries.await));
        }
        let relays = Relays::new(&ledger, &settings.relays, clock, invocation.ends);
        let notifier = Notifier::new(&self.config, &settings.topic_arn).with(relays);
        // Of members only what was sent is remembered: no plan, and no alias.
        let recall = async {
            let is_own = batches.iter().any(|batch| batch.member_of.is_none());
            if is_own { ledger.recall(now).await } else { Ok(Recalled::default()) }
        };
        let alert = async {
            let (recalled, listeners) = tokio::join!(recall, notifier.listeners());
            let hears = listeners.map_or(true, |listeners| listeners.hear(now));
            let call = Call { settings, notifier: &notifier, invocation, clock, deadline, hears };
            let sent = stream::iter(&batches).map(async |batch| {
                let recalled = if batch.member_of.is_none() { recalled.clone() } else { Ok(Recalled::default()) };
                (batch.account.clone(), self.hear(call, batch, recalled).await)
            });
            sent.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await
        };
        // At once: a table that does not answer for a canary holds up no alert.
        let (unnoted, sent) = tokio::join!(canaries, alert);

        let alerts: Vec<&Alert> = sent.iter().flat_map(|(_, (alerts, _))| alerts).collect();
        let together = together(sent.iter().map(|(_, (_, outcome))| &outcome.sent));
        (self.emit)(&figures(&alerts, &together, invocation));
        let outcomes = sent.into_iter().map(|(account, (_, outcome))| (account, outcome)).collect();
        answer(deliveries, &unnoted, outcomes, together)
    }

    /// Sends what is new of one account.
    async fn hear(
        &self,
        call: Call<'_>,
        batch: &Batch<'_>,
        recalled: Result<Recalled, LedgerError>,
    ) -> (Vec<Alert>, Outcome) {
        let Call { settings, notifier, invocation, clock, deadline, hears } = call;
        let alias = recalled.as_ref().ok().and_then(|recalled| recalled.memory.journal.alias.clone());
        let account = Account { id: batch.account.clone(), alias, partition: settings.partition };
        let is_member = batch.member_of.is_some();
        let alerts = alerts(&batch.events, settings, &account, is_member, recalled.as_ref().ok(), invocation.now);
        for alert in &alerts {
            tracing::info!(alert = alert.id, severity = %alert.severity, "seen");
        }
        let ledger = Ledger::new(&self.config, &settings.table, batch.account);
        let voice = Voice {
            ledger: &ledger,
            notifier,
            lease: lease(format!("{} {}", invocation.request_id, invocation.now), invocation.ends),
            clock,
            untracked: &self.untracked,
            period: Policy::default().remind_critical,
            runbook: &settings.runbook,
            report: None,
            links: Some(&settings.links).filter(|_| !is_member),
            member_of: batch.member_of,
        };
        let outcome = self.send(&voice, recalled, &alerts, hears, deadline).await;
        outcome.sent.log();
        (alerts, outcome)
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
        let is_member = voice.member_of.is_some();
        let mut outcome = Outcome { is_member, ..Outcome::default() };
        if is_member && (alerts.is_empty() || Instant::now() >= deadline) {
            outcome.is_late = !alerts.is_empty();
            return outcome;
        }
        let recorded = match recalled {
            Ok(_) => self.record(voice, alerts, deadline).await,
            Err(error) => Err(error),
        };
        match recorded {
            Ok(Written { is_all, may_wait }) => {
                outcome.is_late = !is_all;
                if hears && !may_wait {
                    voice.drain(None, &mut outcome.sent).await;
                    self.note_sent(alerts, &outcome.sent, voice.clock.started_at);
                }
                if hears && may_wait && is_member {
                    outcome.is_unsent = waits(voice, alerts, &mut outcome.sent).await;
                    return outcome;
                }
                // The run that holds the lease may have died: SQS delivers again.
                let Sent { store, waiting, is_cut, .. } = &outcome.sent;
                let waits = waiting.is_some_and(|waiting| waiting > 0);
                let is_left = if is_member { waits || !hears } else { waits && !is_cut };
                outcome.is_unsent = is_left && !alerts.is_empty() && store.is_none();
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

    async fn record(&self, voice: &Voice<'_>, alerts: &[Alert], deadline: Instant) -> Result<Written, LedgerError> {
        let (ledger, now) = (voice.ledger, voice.clock.started_at);
        let Some(first) = alerts.first() else { return Ok(Written { is_all: true, may_wait: false }) };
        let unseen = ledger.unseen(alerts, now).await?;
        let acts = ledger.record_acts(&unseen, now, deadline).await?;
        let account = &first.account.id;
        let is_failure = |alert: &Alert| alert.act().is_some_and(|act| act.kind == Kind::SignInFailed);
        // Of a member, what was delivered again waits as well.
        let may_wait = match voice.member_of {
            None if unseen.is_empty() => false,
            None => unseen.iter().all(|alert| is_failure(alert)) && self.were_failures_sent(account, now),
            Some(_) if alerts.iter().all(is_failure) => self.were_failures_sent(account, now),
            Some(_) => self.was_as_bad_sent(alerts, now),
        };
        Ok(Written { is_all: acts.left == 0, may_wait })
    }

    /// Whether failed sign-ins were sent in the last quarter of an hour; notes that they are now, if not.
    fn were_failures_sent(&self, account: &AccountId, now: Timestamp) -> bool {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        lately.retain(|_, lately| lately.is_of(now));
        let sent_at = &mut lately.entry(account.clone()).or_default().failures_at;
        let were_sent = sent_at.is_some_and(|at| is_within(at, now, BETWEEN_FAILURES));
        if !were_sent {
            *sent_at = Some(now);
        }
        were_sent
    }

    /// Whether what is no better than `alerts` was sent of their account in the last minute.
    fn was_as_bad_sent(&self, alerts: &[Alert], now: Timestamp) -> bool {
        let lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = alerts.first().and_then(|alert| lately.get(&alert.account.id)).and_then(|lately| lately.message);
        sent.is_some_and(|(at, severity)| is_within(at, now, BETWEEN_MESSAGES) && worst(alerts) <= Some(severity))
    }

    fn note_sent(&self, alerts: &[Alert], sent: &Sent, now: Timestamp) {
        let (Some(first), Some(worst), false) = (alerts.first(), worst(alerts), sent.messages.is_empty()) else {
            return;
        };
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        lately.retain(|_, lately| lately.is_of(now));
        lately.entry(first.account.id.clone()).or_default().message = Some((now, worst));
    }
}

impl Lately {
    /// Whether any of it still counts.
    fn is_of(&self, now: Timestamp) -> bool {
        let message = self.message.map(|(at, _)| at);
        [self.failures_at, message].into_iter().flatten().any(|at| is_within(at, now, BETWEEN_FAILURES))
    }
}

/// A clock that stepped back mutes nothing for longer.
fn is_within(at: Timestamp, now: Timestamp, period: SignedDuration) -> bool {
    now.duration_since(at).abs() < period
}

fn worst(alerts: &[Alert]) -> Option<Severity> {
    alerts.iter().map(|alert| alert.severity).max()
}

/// Whether any of `alerts` of a member waits in the outbox, so that SQS has to deliver it again.
async fn waits(voice: &Voice<'_>, alerts: &[Alert], sent: &mut Sent) -> bool {
    match voice.ledger.waiting_alerts(voice.clock.started_at).await {
        Ok(waiting) => {
            sent.waiting = Some(waiting.len());
            let ids: HashSet<&str> = alerts.iter().map(|alert| alert.id.as_str()).collect();
            let waits = waiting.iter().any(|waiting| ids.contains(waiting.alert.id.as_str()));
            if waits {
                tracing::info!(waiting = waiting.len(), "they wait for the next message about this account");
            }
            waits
        }
        Err(error) => {
            sent.store = Some(error);
            true
        }
    }
}

/// The events by account, that of the function first.
fn batches<'a>(deliveries: &'a [request::Delivery], own: &'a AccountId) -> Vec<Batch<'a>> {
    let mut batches: BTreeMap<&str, Batch> = BTreeMap::new();
    for (account, event) in deliveries.iter().filter_map(request::Delivery::event) {
        let member_of = (account != own).then_some(own);
        let batch = batches.entry(account.as_str()).or_insert_with(|| Batch { account, member_of, events: Vec::new() });
        batch.events.push(event);
    }
    let mut batches: Vec<Batch> = batches.into_values().collect();
    batches.sort_by_key(|batch| batch.member_of.is_some());
    batches
}

/// What was sent of all accounts.
fn together<'a>(all: impl Iterator<Item = &'a Sent>) -> Sent {
    let mut together = Sent { waiting: Some(0), ..Sent::default() };
    for sent in all {
        together.messages.extend(sent.messages.iter().cloned());
        together.count += sent.count;
        together.waiting = together.waiting.zip(sent.waiting).map(|(one, other)| one + other);
        together.is_lost |= sent.is_lost;
        together.refused = together.refused.or_else(|| sent.refused.clone());
        together.store = together.store.or_else(|| sent.store.clone());
    }
    together
}

/// Notes the newest canary of each Region as arrived; the Regions for which that failed, or took longer than until `deadline`.
async fn note_canaries(
    ledger: &Ledger,
    deliveries: &[request::Delivery],
    now: Timestamp,
    deadline: Instant,
) -> BTreeSet<String> {
    let mut newest: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for (region, sent_at) in deliveries.iter().filter_map(request::Delivery::canary) {
        newest.entry(region).and_modify(|newest| *newest = sent_at.max(*newest)).or_insert(sent_at);
    }
    let noted = newest.into_iter().map(async |(region, sent_at)| {
        let arrival = Arrival { sent_at, seconds: now.duration_since(sent_at).as_secs().max(0) };
        let error = match timeout_at(deadline, ledger.note_canary(region, &arrival)).await {
            Ok(Ok(())) => {
                tracing::info!(region, seconds = arrival.seconds, "a canary arrived");
                return None;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::error!(region, error, "that a canary arrived could not be noted: it is delivered again");
        Some(region.to_owned())
    });
    join_all(noted).await.into_iter().flatten().collect()
}

/// Of a batch that brings no event of CloudTrail.
fn answer_canaries(deliveries: &[request::Delivery], unnoted: &BTreeSet<String>) -> Answer {
    let again = |delivery: &request::Delivery| {
        delivery.event.is_err() || delivery.canary().is_some_and(|(region, _)| unnoted.contains(region))
    };
    let ids = deliveries.iter().filter(|delivery| again(delivery)).filter_map(|delivery| delivery.message_id.clone());
    Answer {
        batch_item_failures: ids.map(|item_identifier| Failure { item_identifier }).collect(),
        ..Answer::default()
    }
}

struct Written {
    is_all: bool,
    /// As bad was sent lately: of the stack's own account failed sign-ins, of a member anything.
    may_wait: bool,
}

/// What of `events` is sent now: the worst first, each once.
fn alerts(
    events: &[&TrailEvent],
    settings: &Settings,
    account: &Account,
    is_member: bool,
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
    // No check scans a member's events.
    let is_left = |act: &RootActivity| !is_member && settings.is_swept(&act.region);
    let acts = acts.iter().filter(|act| act.is_urgent() || (act.is_told() && !is_left(act)));
    let acts = acts.map(|act| alerts::of_root(act, account, now));
    acts.chain(others.into_iter().map(|tampering| alerts::of_tampering(tampering, account, now))).collect()
}

fn figures(alerts: &[&Alert], sent: &Sent, invocation: &Invocation) -> String {
    let mut figures = Figures::new(METRICS);
    figures.sending(sent);
    figures.acts(alerts.iter().filter_map(|alert| alert.act()).map(RootActivity::count).sum());
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

/// Of a batch, what SQS shall deliver again: messages that cannot be read, and all of an account when what they brought is not safe or
/// may be sent if it is tried again.
fn answer(
    deliveries: Vec<request::Delivery>,
    unnoted: &BTreeSet<String>,
    outcomes: HashMap<AccountId, Outcome>,
    together: Sent,
) -> Result<Answer, Error> {
    let is_batch = deliveries.iter().all(|delivery| delivery.message_id.is_some());
    let is_late = outcomes.values().any(|outcome| outcome.is_late);
    match together.refused {
        Some(error) if !is_batch => return Err(Error::Publish(error, !together.is_lost)),
        None if !is_batch && is_late => return Err(Error::OutOfTime),
        _ => {}
    }
    let is_due = |delivery: &request::Delivery| {
        let is_unnoted = delivery.canary().is_some_and(|(region, _)| unnoted.contains(region));
        let outcome = delivery.event().and_then(|(account, _)| outcomes.get(account));
        delivery.event.is_err() || is_unnoted || outcome.is_some_and(Outcome::is_due)
    };
    let again = deliveries.into_iter().filter(is_due);
    let ids = again.filter_map(|delivery| delivery.message_id);
    Ok(Answer {
        batch_item_failures: ids.map(|item_identifier| Failure { item_identifier }).collect(),
        sent: together.messages,
        unsent: together.waiting,
    })
}

impl Outcome {
    /// Whether it is tried again.
    fn is_due(&self) -> bool {
        let Self { sent, is_late, is_unsent, is_member } = self;
        match &sent.refused {
            Some(error) => *is_late || sent.is_lost || !error.permanent || *is_member,
            None => *is_late || *is_unsent,
        }
    }
}
