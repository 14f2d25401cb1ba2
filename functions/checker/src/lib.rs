//! The scheduled checker: reads one account, evaluates the checklist, sends what people must know, answers with the report.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::aws::sources::watch::Round;
use ::aws::storage::ledger::Recalled;
use ::aws::storage::report_link::LatestReport;
use ::aws::{Clock, Collector, Ledger, LedgerError, Look, Notifier, Relays, send_heartbeat};
use alerts::{Memory, NotAcknowledged};
use checklist::framework_view::View;
use checklist::{Baseline, Report};
use facts::relay::Listeners;
use facts::root_activity::Plan;
use facts::snapshot::RegionSweep;
use facts::{AccountId, Snapshot, Source, Unavailable};
use function::{Asked, Invocation, Recorder, Sent, SettingsError, Untracked, Voice, lease, waits_for_subscriber};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Diagnostic;
use messages::answer::{Answer, Answered};
use serde_json::Value;

mod log;
pub mod metrics;
mod request;
mod sending;
mod settings;
mod test_alert;

pub use request::{Request, RequestError};
use sending::{Outcome, Sender};
pub use settings::{HeartbeatUrl, Settings};

/// Kept for evaluating, recording and publishing when reading takes long; half of the run, if that is less.
const RESERVE: Duration = Duration::from_secs(20);

/// Answers events; made once a process.
#[derive(Debug)]
pub struct Checker {
    config: aws_config::SdkConfig,
    collector: Collector,
    settings: Result<Settings, SettingsError>,
    untracked: Untracked,
    emit: fn(&str),
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
    /// Neither the event nor the function's ARN names the account, or they contradict each other.
    #[error("cannot determine the account: the event says `{event}`, the function's ARN says `{function}`")]
    Account {
        /// What the event says.
        event: String,
        /// What the ARN says.
        function: String,
    },
    /// Nothing could be sent. What was seen is recorded, and sent as soon as it can be.
    #[error("{0}; {waiting} queued until they can be sent", waiting = kept(*.1))]
    Publish(aws::PublishError, Option<usize>),
    /// A test alert could not be sent.
    #[error("the test alert was not sent: {0}")]
    TestAlert(aws::PublishError),
    /// Planned root use was announced and could not be recorded: root activity would be sent as unannounced.
    #[error("the planned root use could not be recorded{}: announce it again", store.as_ref().map(|store| format!(": {store}")).unwrap_or_default())]
    Plan {
        /// What the state store said.
        store: Option<Box<aws::LedgerError>>,
    },
    /// The alert that was to be acknowledged is none that can be.
    #[error(transparent)]
    NotAcknowledged(Box<NotAcknowledged>),
    /// An alert was acknowledged and that could not be recorded: its reminders go on.
    #[error("the acknowledgement could not be recorded{}: acknowledge the alert again", store.as_ref().map(|store| format!(": {store}")).unwrap_or_default())]
    Acknowledgement {
        /// What the state store said.
        store: Option<Box<aws::LedgerError>>,
    },
    /// Nothing could be sent, and what was seen could not be recorded: Lambda must try again.
    #[error("{publish}, and {store}: what this check found is neither sent nor recorded")]
    Unsent {
        /// What SNS said.
        publish: Box<aws::PublishError>,
        /// What the state store said.
        store: Box<aws::LedgerError>,
    },
}

fn kept(waiting: Option<usize>) -> String {
    match waiting {
        Some(1) => "1 alert is".into(),
        Some(waiting) => format!("{waiting} alerts are"),
        None => "alerts are".into(),
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = match &error {
            Error::Settings(_) => "InvalidSettings",
            Error::Request(_) => "InvalidEvent",
            Error::Account { .. } => "UnknownAccount",
            Error::Publish(error, _) | Error::TestAlert(error) if error.permanent => "PublishRefused",
            Error::Publish(..) | Error::TestAlert(_) => "PublishFailed",
            Error::Plan { .. } => "PlanNotKept",
            Error::NotAcknowledged(_) => "NotAcknowledged",
            Error::Acknowledgement { .. } => "AcknowledgementNotKept",
            Error::Unsent { .. } => "NeitherToldNorKept",
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl Checker {
    /// A checker over `config`, with what was found in the environment. `emit` takes each run's figures.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<Settings, SettingsError>, emit: fn(&str)) -> Self {
        let collector = Collector::new(config);
        Self { collector, config: config.clone(), settings, untracked: Untracked::default(), emit }
    }

    /// The flow of one call.
    ///
    /// # Errors
    /// See [`Error`]. A source that could not be *read* is no error: the answer says so, and an alert does.
    pub async fn handle(&self, event: &Value, invocation: &Invocation) -> Result<Answered, Error> {
        let clock = Clock::start(invocation.now);
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let request = Request::parse(event, settings.partition, invocation.now)?;
        let account = account(&request, &invocation.function_arn)?;
        let ledger = Ledger::new(&self.config, &settings.table, &account);
        let relays = Relays::new(&ledger, &settings.relays, clock, invocation.ends);
        let notifier = Notifier::new(&self.config, &settings.topic_arn).with(relays);
        if request.test_alert {
            let asked = test_alert::Asked { settings, account, is_dry: request.dry_run, now: invocation.now };
            return asked.send(&ledger, &notifier).await.map(|answer| Answered::TestAlert(Box::new(answer)));
        }
        let report_page = settings.report_bucket.as_ref().map(|bucket| LatestReport::new(&self.config, bucket));
        let left = Duration::try_from(invocation.ends.duration_since(invocation.now)).unwrap_or_default();
        let voice = Voice {
            ledger: &ledger,
            notifier: &notifier,
            lease: lease(format!("{} {}", invocation.request_id, invocation.now), invocation.ends),
            clock,
            untracked: &self.untracked,
            period: settings.policy.remind_critical,
            runbook: &settings.runbook,
            report: report_page.as_ref(),
            links: Some(&settings.links),
            member_of: None,
        };
        let deadline = sending::recording_ends(clock.started, left);
        let sender = Sender { voice, recorder: Recorder { ledger: &ledger, policy: &settings.policy, deadline } };

        let Remembered { recalled, listeners, sent } = remember(&sender, &request, invocation.now).await;
        let memory = recalled.as_ref().map(|recalled| recalled.memory.clone()).unwrap_or_default();
        let look = Look {
            listeners,
            coverage: memory.coverage.clone(),
            alias: memory.journal.alias.clone(),
            round: round(&memory, recalled.is_ok(), &request, event, invocation.now),
            ..look(settings, &request, account, clock, left)
        };
        let Checked { report, sweeps } = self.check(settings, &request, look, &memory, recalled.is_ok()).await;
        let outcome = send(&sender, &request, recalled, &report, &sweeps, sent).await;
        self.finish(settings, &request, invocation, &report, &outcome).await;
        answer(request, memory, report, outcome).map(|answer| Answered::Check(Box::new(answer)))
    }

    /// Reads the account, and evaluates the checklist.
    async fn check(
        &self,
        settings: &Settings,
        request: &Request,
        look: Look,
        memory: &Memory,
        remembers: bool,
    ) -> Checked {
        let now = look.taken_at;
        let kept = memory.baseline.clone();
        let kept = kept.filter(|kept| request.is_scheduled && kept.holds(now, &settings.checklist));
        // Boxed: the compiler would otherwise lay out every source's future in this one.
        let (mut snapshot, kept) = Box::pin(self.read(look, kept)).await;
        // A plan that cannot be recorded explains nothing.
        let announced = request.plan.iter().filter(|_| remembers).cloned();
        let plans: Vec<Plan> = memory.plans.iter().cloned().chain(announced).collect();
        facts::root_activity::annotate(&mut snapshot.root_events.activity, &plans);
        let mut report = Report::with(kept.as_ref(), &snapshot, &settings.checklist);
        alerts::note_denials(memory, &mut report);
        log::report(&report);
        Checked { report, sweeps: snapshot.root_events.regions }
    }

    /// The account, and what of it `kept` answers: nothing once root has done something since.
    async fn read(&self, mut look: Look, kept: Option<Baseline>) -> (Snapshot, Option<Baseline>) {
        let Some(kept) = kept else { return (self.collector.snapshot(look).await, None) };
        let (rarely, often): (BTreeSet<Source>, BTreeSet<Source>) =
            look.sources.iter().partition(|source| source.is_hourly());
        look.sources = often;
        let mut snapshot = self.collector.snapshot(look.clone()).await;
        if !kept.is_outdated_by(&snapshot.root_events.activity) {
            return (snapshot, Some(kept));
        }
        look.sources = rarely;
        self.collector.complete(&look, &mut snapshot).await;
        (snapshot, None)
    }

    /// Log, figures, and a heartbeat for the watcher outside.
    async fn finish(
        &self,
        settings: &Settings,
        request: &Request,
        invocation: &Invocation,
        report: &Report,
        outcome: &Outcome,
    ) {
        log::outcome(outcome);
        if !request.dry_run {
            (self.emit)(&metrics::line(invocation.function_name(), report, outcome));
        }
        if let Some(HeartbeatUrl(url)) = settings.heartbeat_url.as_ref().filter(|_| outcome.is_complete)
            && let Err(error) = send_heartbeat(url).await
        {
            tracing::warn!(%error, "the watcher outside the account was not reached");
        }
    }
}

/// What the run begins with.
struct Remembered {
    /// What earlier runs left behind.
    recalled: Result<Recalled, LedgerError>,
    /// Who receives messages; `None` where this run sends none.
    listeners: Option<Result<Listeners, Unavailable>>,
    /// What became of alerts that earlier runs left behind.
    sent: Sent,
}

/// What a run found.
struct Checked {
    report: Report,
    /// How far root's events were read, by Region.
    sweeps: Vec<RegionSweep>,
}

/// Recalls what earlier runs left behind, and first of all sends the alerts that wait, unless the topic has no subscriber.
async fn remember(sender: &Sender<'_>, request: &Request, now: Timestamp) -> Remembered {
    let voice = &sender.voice;
    let (recalled, listeners) = tokio::join!(voice.ledger.recall(now), async {
        if request.dry_run { None } else { Some(voice.notifier.listeners().await) }
    });
    if let Some(Ok(listeners)) = &listeners {
        log::listeners(listeners, now);
    }
    let mut sent = Sent::default();
    if let Ok(recalled) = &recalled {
        log::odd(&recalled.memory.odd);
        let may_hear = listeners
            .as_ref()
            .is_some_and(|listeners| listeners.as_ref().map_or(true, |listeners| listeners.hear(now)));
        if may_hear && !waits_for_subscriber(recalled) {
            voice.drain(None, &mut sent).await;
        }
    }
    Remembered { recalled, listeners, sent }
}

/// Sends what `report` has of news; without a ledger all of it, in a dry run nothing.
async fn send(
    sender: &Sender<'_>,
    request: &Request,
    recalled: Result<Recalled, LedgerError>,
    report: &Report,
    sweeps: &[RegionSweep],
    sent: Sent,
) -> Outcome {
    let asked = Asked { plan: request.plan.as_ref(), acknowledge: request.acknowledge.as_ref() };
    match recalled {
        Ok(recalled) if request.dry_run => sender.would_send(recalled, report, asked).await,
        Err(error) if request.dry_run => {
            let outcome = sender.would_send(Recalled::default(), report, Asked::default()).await;
            Outcome { acknowledged: None, sent: Sent { store: Some(error), ..sent }, ..outcome }
        }
        Ok(recalled) => sender.send(recalled, report, sweeps, asked, sent).await,
        Err(error) => sender.send_without_memory(report, Sent { store: Some(error), ..sent }).await,
    }
}

/// What the function answers, given what was remembered before; an error if what a person asked it to record is not recorded.
fn answer(request: Request, memory: Memory, report: Report, outcome: Outcome) -> Result<Answer, Error> {
    if !request.dry_run && request.plan.is_some() && outcome.plan.is_none() {
        return Err(Error::Plan { store: outcome.sent.store.map(Box::new) });
    }
    if request.acknowledge.as_ref().is_some_and(|asked| !outcome.has_acknowledged(asked)) {
        return Err(match outcome.not_acknowledged {
            Some(refused) => Error::NotAcknowledged(Box::new(refused)),
            None => Error::Acknowledgement { store: outcome.sent.store.map(Box::new) },
        });
    }
    let written = outcome.plan.clone().filter(|plan| !memory.plans.contains(plan));
    let mut answer = outcome.answer(report)?;
    answer.plans = memory.plans.into_iter().chain(written).collect();
    answer.odd_items = memory.odd.len();
    let Report { findings, settings, .. } = &answer.report;
    answer.framework = request.framework.map(|framework| View::of(framework, findings, Some(settings)));
    Ok(answer.fit())
}

/// The event's account, else the function's; they must not contradict each other.
fn account(request: &Request, function_arn: &str) -> Result<AccountId, Error> {
    let function = AccountId::from_arn(function_arn).ok();
    match (&request.account, function) {
        (Some(event), Some(function)) if *event != function => {
            Err(Error::Account { event: event.to_string(), function: function.to_string() })
        }
        (event, function) => event
            .clone()
            .or(function)
            .ok_or_else(|| Error::Account { event: "nothing".into(), function: facts::text::bounded(function_arn) }),
    }
}

/// A canary is sent only where its arrival can be remembered, and never by a narrow run or one that is to change nothing.
fn round(memory: &Memory, remembers: bool, request: &Request, event: &Value, now: Timestamp) -> Round {
    let is_narrow = request.regions.is_some() || request.lookback_hours.is_some();
    let is_on_demand = event.get("detail-type").is_none();
    Round {
        sends_canary: remembers && !request.dry_run && !is_narrow,
        reads_targets: is_on_demand || memory.wants_targets(now),
        awaited: memory.journal.canaries.clone(),
        arrived: memory.arrivals.clone(),
    }
}

/// What a run reads that has so much time `left`.
fn look(settings: &Settings, request: &Request, account: AccountId, clock: Clock, left: Duration) -> Look {
    let lookback_hours = request.lookback_hours.unwrap_or(settings.lookback_hours);
    Look {
        account,
        partition: settings.partition,
        taken_at: clock.started_at,
        lookback: SignedDuration::from_hours(lookback_hours.into()),
        own: settings.own.clone(),
        coverage: BTreeMap::new(),
        listeners: None,
        watch: settings.watch.clone(),
        round: Round::default(),
        regions: request.regions.clone().or_else(|| settings.regions.clone()),
        sources: settings.checklist.selection.sources(),
        is_narrow: request.regions.is_some() || lookback_hours < settings.lookback_hours,
        is_thorough: request.lookback_hours.is_some(),
        alias: None,
        delivered: request.delivered.clone(),
        deadline: clock.started + left - RESERVE.min(left / 2),
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
            "cannot determine the account: the event says `999900001111`, the function's ARN says `111122223333`"
        );
    }

    #[test]
    fn rt_1_reading_ends_20_seconds_before_lambda_ends_the_call_or_at_half_time() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let settings = Settings::read(settings::tests::valid(), now).unwrap();
        let clock = Clock::start(now);
        for (left, reading) in [(300, 280), (40, 20), (30, 15), (0, 0)] {
            let account = AccountId::parse("111122223333").unwrap();
            let look = look(&settings, &Request::default(), account, clock, Duration::from_secs(left));
            assert_eq!(look.deadline - clock.started, Duration::from_secs(reading), "{left} s left");
        }
    }

    #[test]
    fn a_run_of_fewer_regions_or_a_shorter_look_back_than_usual_is_narrow() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let settings = Settings::read(settings::tests::valid(), now).unwrap();
        let is_narrow = |request: Request| {
            let account = AccountId::parse("111122223333").unwrap();
            look(&settings, &request, account, Clock::start(now), Duration::ZERO).is_narrow
        };
        let hours = |hours| Request { lookback_hours: Some(hours), ..Request::default() };
        assert!(!is_narrow(Request::default()) && !is_narrow(hours(24)) && !is_narrow(hours(25)));
        assert!(is_narrow(hours(23)));
        assert!(is_narrow(Request { regions: Some(vec!["eu-west-1".into()]), ..Request::default() }));
    }

    #[test]
    fn every_error_has_a_stable_type_for_alarms() {
        let publish = |permanent| {
            let cause = facts::source::Cause::Refused { code: "KMSDisabled".into() };
            Error::Publish(::aws::PublishError { topic_arn: "arn".into(), cause, permanent }, Some(1))
        };
        assert_eq!(Diagnostic::from(publish(true)).error_type, "PublishRefused");
        assert_eq!(Diagnostic::from(publish(false)).error_type, "PublishFailed");
        let Error::Publish(refused, _) = publish(true) else { panic!("a refusal") };
        assert_eq!(Diagnostic::from(Error::TestAlert(refused)).error_type, "PublishRefused");
        let account = Error::Account { event: String::new(), function: String::new() };
        assert_eq!(Diagnostic::from(account).error_type, "UnknownAccount");
    }
}
