//! From a report to alerts: decide, record, publish. What was seen is sent, whatever fails in between.

use std::time::Duration;

use ::aws::LedgerError;
use ::aws::storage::ledger::{Entry, Recalled, Recorded};
use alerts::Alert;
use alerts::sweep::{Coverage, sign_ins_of};
use alerts::{Acknowledge, Acknowledged, NotAcknowledged, Transition, What};
use alerts::{Decision, Memory, Policy, Rhythm};
use checklist::Report;
use facts::root_activity::Plan;
use facts::snapshot::RegionSweep;
use facts::span::LATENESS;
use function::{Sent, Voice};
use jiff::{SignedDuration, Timestamp};
use messages::answer::Answer;
use tokio::time::Instant;

use crate::Error;

/// Times that a decision is made again because another run wrote meanwhile.
const TRIES: usize = 5;

/// How one run sends.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) voice: Voice<'a>,
    pub(crate) policy: &'a Policy,
    /// Until when root activity is recorded.
    pub(crate) deadline: Instant,
}

/// What a person asked this run to record.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// Root will be used.
    pub(crate) plan: Option<&'a Plan>,
    /// No reminders of this alert.
    pub(crate) acknowledge: Option<&'a Acknowledge>,
}

/// The outcome of a run, beside its report.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What was news.
    pub(crate) alerts: Vec<Alert>,
    /// What of it was sent.
    pub(crate) sent: Sent,
    /// Everything that was seen was sent, and recorded.
    pub(crate) is_complete: bool,
    /// How long the oldest thing waits for being looked through; what CloudTrail may still show late does not count.
    pub(crate) lag: Option<SignedDuration>,
    /// The announced root use that was recorded.
    pub(crate) plan: Option<Plan>,
    /// Acknowledgements in force, as they are recorded; `None`: the state store did not say.
    pub(crate) acknowledged: Option<Vec<Acknowledged>>,
    /// Why the alert was not acknowledged that a person asked for.
    pub(crate) not_acknowledged: Option<NotAcknowledged>,
}

impl Sender<'_> {
    /// Decides by `recalled`, records, sends; `sent` is what was sent earlier in the run. Publishing is left out where no one would
    /// receive it: what waits is kept.
    pub(crate) async fn send(
        &self,
        mut recalled: Recalled,
        report: &Report,
        sweeps: &[RegionSweep],
        asked: Asked<'_>,
        sent: Sent,
    ) -> Outcome {
        let mut outcome = Outcome { sent, ..Outcome::default() };
        let hears = report.subscribed != Some(false);
        let may_be_complete = report.is_whole() && report.subscribed == Some(true) && outcome.sent.waiting == Some(0);
        match self.record(&mut recalled, report, sweeps, asked, may_be_complete, &mut outcome).await {
            Ok(written) => {
                outcome.lag = Some(lag(&recalled.memory, report.taken_at));
                outcome.plan = asked.plan.filter(|plan| recalled.memory.plans.contains(plan)).cloned();
                self.send_recorded(report, hears, &mut outcome).await;
                outcome.sent.is_lost &= !written.is_decided;
                let Sent { waiting, refused, store, .. } = &outcome.sent;
                let is_sent = *waiting == Some(0) && refused.is_none() && store.is_none();
                outcome.is_complete = written.is_all && is_sent && report.is_whole() && report.subscribed == Some(true);
                if outcome.is_complete && !written.is_quiet {
                    self.note_complete(&mut recalled, report)
                        .await
                        .unwrap_or_else(|error| outcome.sent.store = Some(error));
                }
            }
            Err(error) => {
                outcome.sent.store = Some(error);
                outcome.sent.waiting = None;
                outcome.alerts.iter_mut().for_each(remind);
                self.send_untracked(report, &outcome.alerts, &mut outcome.sent).await;
            }
        }
        outcome
    }

    /// Sends what waits, and straight what of it the outbox could not.
    async fn send_recorded(&self, report: &Report, hears: bool, outcome: &mut Outcome) {
        let waits = outcome.sent.waiting.is_none_or(|waiting| waiting > 0) || !outcome.alerts.is_empty();
        let hopeless = outcome.sent.refused.as_ref().is_some_and(|error| error.permanent);
        if waits && hears && !hopeless {
            self.voice.drain(Some(report), &mut outcome.sent).await;
        } else if waits {
            let waiting = self.voice.ledger.waiting_alerts(report.taken_at).await;
            outcome.sent.waiting = waiting.map(|waiting| waiting.len()).ok();
        }
        let straight = Voice::unsent(&outcome.alerts, &outcome.sent);
        self.send_untracked(report, &straight, &mut outcome.sent).await;
    }

    /// What [`Self::send`] would find to be news. Writes nothing.
    pub(crate) async fn would_send(&self, mut recalled: Recalled, report: &Report, asked: Asked<'_>) -> Outcome {
        let decision = alerts::decide_with(&recalled.memory, report, self.policy, asked.acknowledge);
        let Decision { alerts, activity, conditions, acknowledged: given, .. } = decision;
        let unseen = match activity.as_slice() {
            [] => Vec::new(),
            acts => self.voice.ledger.unseen(acts, report.taken_at).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the state store failed: root activity that was sent is listed too");
                acts.iter().collect()
            }),
        };
        recalled.memory.conditions.extend(conditions);
        Outcome {
            alerts: alerts.iter().chain(unseen).cloned().collect(),
            acknowledged: Some(acknowledged(&recalled.memory, report)),
            not_acknowledged: given.and_then(Result::err),
            ..Outcome::default()
        }
    }

    /// Without a ledger: everything that is seen, as if nothing had been sent before.
    pub(crate) async fn send_without_memory(&self, report: &Report, mut sent: Sent) -> Outcome {
        let policy = Policy { digest: Rhythm::Never, ..self.policy.clone() };
        let Decision { alerts, activity, .. } = alerts::decide(&Memory::default(), report, &policy);
        let alerts: Vec<Alert> = alerts.into_iter().chain(activity).collect();
        self.send_untracked(report, &alerts, &mut sent).await;
        Outcome { alerts, sent, ..Outcome::default() }
    }

    async fn send_untracked(&self, report: &Report, alerts: &[Alert], sent: &mut Sent) {
        let is_unheard = report.subscribed == Some(false);
        self.voice.send_untracked(alerts, Some(report), is_unheard, sent).await;
    }

    async fn record(
        &self,
        recalled: &mut Recalled,
        report: &Report,
        sweeps: &[RegionSweep],
        asked: Asked<'_>,
        may_be_complete: bool,
        outcome: &mut Outcome,
    ) -> Result<Written, LedgerError> {
        let now = report.taken_at;
        let Decision { alerts, activity, .. } = alerts::decide(&recalled.memory, report, self.policy);
        // Should the store fail from here on, all of it is sent.
        let of_acts = alerts.len();
        outcome.alerts = alerts.into_iter().chain(activity).collect();
        let unseen: Vec<Alert> = match outcome.alerts.get(of_acts..).unwrap_or_default() {
            [] => Vec::new(),
            acts => self.voice.ledger.unseen(acts, now).await?.into_iter().cloned().collect(),
        };
        let baseline = report.baseline();
        let mut is_decided = false;
        let mut is_quiet = false;
        for _ in 0..TRIES {
            let mut decision = alerts::decide_with(&recalled.memory, report, self.policy, asked.acknowledge);
            outcome.not_acknowledged = decision.acknowledged.take().and_then(Result::err);
            let announced = asked.plan.filter(|plan| !recalled.memory.plans.contains(plan));
            decision.alerts.extend(announced.map(|plan| alerts::announce(plan, &report.account, now)));
            is_quiet = decision.alerts.is_empty() && unseen.is_empty();
            if is_quiet && may_be_complete {
                decision.journal.last_complete = Some(now);
            }
            outcome.alerts = decision.alerts.iter().chain(&unseen).cloned().collect();
            let mut groups = groups(decision, announced);
            groups.extend(baseline.clone().map(|baseline| vec![Entry::Baseline(baseline)]));
            if unseen.is_empty() {
                groups.extend(coverage(recalled, report, sweeps));
            }
            is_decided = self.voice.ledger.record(recalled, groups).await? == Recorded::Written;
            if is_decided {
                break;
            }
            *recalled = self.voice.ledger.recall(now).await?;
        }
        outcome.acknowledged = Some(acknowledged(&recalled.memory, report));
        if !is_decided {
            outcome.alerts.iter_mut().for_each(remind);
            tracing::error!("other runs kept writing: what this one decided is sent without being recorded");
            outcome.sent.store = Some(self.voice.ledger.contested());
        }
        if unseen.is_empty() {
            return Ok(Written { is_all: is_decided, is_quiet, is_decided });
        }
        let unseen: Vec<&Alert> = unseen.iter().collect();
        let acts = self.voice.ledger.record_acts(&unseen, now, self.deadline).await?;
        if acts.left > 0 {
            tracing::warn!(
                left = acts.left,
                "time ran out before all root activity was recorded: the next run finds it"
            );
        }
        // Only what is recorded counts as scanned; the rest is found again.
        let is_swept = acts.left == 0 && self.settle(recalled, report, sweeps).await?;
        Ok(Written { is_all: is_decided && is_swept, is_quiet, is_decided })
    }

    async fn settle(
        &self,
        recalled: &mut Recalled,
        report: &Report,
        sweeps: &[RegionSweep],
    ) -> Result<bool, LedgerError> {
        for _ in 0..TRIES {
            let groups = coverage(recalled, report, sweeps);
            if self.voice.ledger.record(recalled, groups).await? == Recorded::Written {
                return Ok(true);
            }
            *recalled = self.voice.ledger.recall(report.taken_at).await?;
        }
        Ok(false)
    }

    /// Another run that notes the same at the same time is as good.
    async fn note_complete(&self, recalled: &mut Recalled, report: &Report) -> Result<(), LedgerError> {
        let mut journal = recalled.memory.journal.clone();
        journal.last_complete = Some(report.taken_at);
        self.voice.ledger.record(recalled, vec![vec![Entry::Journal(journal)]]).await.map(drop)
    }
}

fn acknowledged(memory: &Memory, report: &Report) -> Vec<Acknowledged> {
    alerts::acknowledged(&memory.conditions, &report.account.id, report.taken_at)
}

/// An acknowledgement that is not recorded is none, and no message may say that it is; the reminder that it replaces is sent.
fn remind(alert: &mut Alert) {
    if let What::Condition(update) = &mut alert.what
        && update.transition == Transition::Acknowledged
    {
        (update.transition, update.acknowledged) = (Transition::Reminder, None);
        alert.severity = update.failure.severity;
    }
}

fn lag(memory: &Memory, now: Timestamp) -> SignedDuration {
    let oldest = memory.coverage.values().map(|coverage| coverage.unsettled_since(now)).min().unwrap_or(now);
    (now.duration_since(oldest) - LATENESS).max(SignedDuration::ZERO)
}

struct Written {
    is_all: bool,
    is_quiet: bool,
    /// What was decided is recorded.
    is_decided: bool,
}

/// What must stand or fall together: a condition and its alert; the journal and what only the journal keeps from being sent twice.
fn groups(decision: Decision, plan: Option<&Plan>) -> Vec<Vec<Entry>> {
    let (of_conditions, mut notices): (Vec<Alert>, Vec<Alert>) =
        decision.alerts.into_iter().partition(|alert| alert.condition().is_some());
    let mut conditions = decision.conditions;
    let mut groups = Vec::new();
    let journal = Entry::Journal(decision.journal);
    let plan = plan.cloned().map(Entry::Plan);
    groups.push([journal].into_iter().chain(plan).chain(notices.drain(..).map(Entry::Send)).collect());
    for alert in of_conditions {
        let key = alert.condition().map(|of| of.condition.key()).unwrap_or_default();
        let condition = conditions.remove(&key).map(|condition| Entry::Condition(key, Box::new(condition)));
        groups.push(condition.into_iter().chain([Entry::Send(alert)]).collect());
    }
    groups.extend(conditions.into_iter().map(|(key, condition)| vec![Entry::Condition(key, Box::new(condition))]));
    groups
}

/// What this run looked through, added to what is remembered.
fn coverage(recalled: &Recalled, report: &Report, sweeps: &[RegionSweep]) -> Vec<Vec<Entry>> {
    let now = report.taken_at;
    let looked_through = sweeps.iter().flat_map(|sweep| {
        [(sweep.region.clone(), &sweep.covered), (sign_ins_of(&sweep.region), &sweep.covered_sign_ins)]
    });
    looked_through
        .filter(|(_, covered)| !covered.is_empty())
        .map(|(name, covered)| {
            let begun = || Coverage::begin(now, now.duration_since(report.root_events_since));
            let mut coverage = recalled.memory.coverage.get(&name).cloned().unwrap_or_else(begun);
            coverage.settle(covered, now);
            vec![Entry::Coverage(name, coverage)]
        })
        .collect()
}

impl Outcome {
    /// Whether the acknowledgement that `asked` asks for is recorded.
    pub(crate) fn has_acknowledged(&self, asked: &Acknowledge) -> bool {
        let mut all = self.acknowledged.iter().flatten();
        all.any(|given| asked.means(&given.alert) && given.acknowledgement == asked.acknowledgement)
    }

    /// What the function answers.
    pub(crate) fn answer(self, report: Report) -> Result<Answer, Error> {
        match (self.sent.refused, self.sent.store) {
            (Some(publish), Some(store)) if self.sent.is_lost => {
                Err(Error::Unsent { publish: Box::new(publish), store: Box::new(store) })
            }
            (Some(publish), _) => Err(Error::Publish(publish, self.sent.waiting)),
            (None, store) => Ok(Answer {
                sent: self.sent.messages,
                unsent: self.sent.waiting,
                complete: self.is_complete,
                acknowledged: self.acknowledged,
                ..Answer::new(report, self.alerts).unsent(self.sent.waiting.unwrap_or_default(), store.is_some())
            }),
        }
    }
}

/// When writing acts down ends, so that sending them still has time.
pub(crate) fn recording_ends(started: Instant, left: Duration) -> Instant {
    const FOR_SENDING: Duration = Duration::from_secs(10);
    started + left.saturating_sub(FOR_SENDING.min(left / 4))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alerts::{Acknowledgement, Condition, ConditionAlert, Failure, Fault, Journal, Transition, What};
    use facts::{Account, AccountId, Partition, Severity};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn alert(id: &str, what: What) -> Alert {
        let id_of_account = AccountId::parse("111122223333").unwrap();
        let account = Account { id: id_of_account, alias: None, partition: Partition::Aws };
        Alert { id: id.into(), at: now(), severity: Severity::High, account, what }
    }

    fn caught_up() -> Alert {
        alert("caught-up", What::CaughtUp { since: now(), until: now() })
    }

    fn of_condition(control: &str) -> Alert {
        let failure = Failure {
            severity: Severity::High,
            found: String::new(),
            evidence: Vec::new(),
            resources: Vec::new(),
            count: 0,
            unavailable: None,
        };
        let opened = ConditionAlert {
            transition: Transition::Opened,
            condition: Fault::Control { control: control.into() },
            failure,
            opened_at: now(),
            unverified_since: None,
            flapping: false,
            exception: None,
            acknowledged: None,
        };
        alert(control, What::Condition(Box::new(opened)))
    }

    fn names(groups: &[Vec<Entry>]) -> Vec<Vec<String>> {
        let name = |entry: &Entry| match entry {
            Entry::Condition(key, _) => format!("condition {key}"),
            Entry::Coverage(region, _) => format!("coverage {region}"),
            Entry::Journal(_) => "journal".into(),
            Entry::Baseline(_) => "baseline".into(),
            Entry::Plan(_) => "plan".into(),
            Entry::Send(alert) => format!("send {}", alert.id),
        };
        groups.iter().map(|group| group.iter().map(name).collect()).collect()
    }

    #[test]
    fn an_acknowledgement_that_is_not_recorded_is_a_reminder_and_no_other_alert_changes() {
        let opened = of_condition("root-mfa");
        let mut same = opened.clone();
        remind(&mut same);
        assert_eq!(same, opened);
        let mut given = Alert { severity: Severity::Low, ..opened };
        if let What::Condition(update) = &mut given.what {
            update.transition = Transition::Acknowledged;
            update.acknowledged = Some(Acknowledgement::new("alice", None, 24, now()).unwrap());
        }
        remind(&mut given);
        let update = given.condition().unwrap();
        assert_eq!((given.severity, update.transition), (Severity::High, Transition::Reminder));
        assert_eq!(update.acknowledged, None);
    }

    #[test]
    fn a_condition_stands_or_falls_with_its_alert_and_a_notice_with_the_journal() {
        let decision = Decision {
            alerts: vec![of_condition("root-mfa"), caught_up()],
            activity: Vec::new(),
            conditions: BTreeMap::from([
                ("root-mfa".to_owned(), Condition::default()),
                ("quiet".to_owned(), Condition::default()),
            ]),
            journal: Journal::default(),
            acknowledged: None,
        };
        let plan = Plan::new(now(), now() + SignedDuration::from_hours(1), "CHG-1", "alice", now()).unwrap();
        let groups = groups(decision, Some(&plan));
        assert_eq!(
            names(&groups),
            [
                vec!["journal", "plan", "send caught-up"],
                vec!["condition root-mfa", "send root-mfa"],
                vec!["condition quiet"]
            ]
        );
    }

    #[test]
    fn recording_activity_leaves_ten_seconds_for_sending_or_a_quarter() {
        let started = Instant::now();
        let ends = |left| (recording_ends(started, Duration::from_secs(left)) - started).as_secs();
        assert_eq!([ends(300), ends(40), ends(20), ends(0)], [290, 30, 15, 0]);
    }

    #[test]
    fn lag_is_what_was_not_looked_through_beyond_what_may_still_come_late() {
        let mut memory = Memory::default();
        assert_eq!(lag(&memory, now()), SignedDuration::ZERO);
        let hours = |hours| SignedDuration::from_hours(hours);
        memory.coverage.insert("eu-west-1".into(), Coverage::begin(now() - hours(2), SignedDuration::ZERO));
        assert_eq!(lag(&memory, now()), SignedDuration::ZERO);
        memory.coverage.insert("us-east-1".into(), Coverage::begin(now() - hours(5), SignedDuration::ZERO));
        assert_eq!(lag(&memory, now()), hours(3), "that of the Region that is furthest behind");
    }
}
