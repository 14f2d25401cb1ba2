//! From a report to messages: record, publish. What was seen is sent, whatever fails in between.

use std::time::Duration;

use ::aws::storage::ledger::Recalled;
use alerts::{Acknowledge, Acknowledged, Alert, Decision, Memory, NotAcknowledged, Policy, Rhythm};
use checklist::Report;
use facts::root_activity::Plan;
use facts::snapshot::RegionSweep;
use facts::span::LATENESS;
use function::{Asked, News, Recorder, Sent, Voice, Written};
use jiff::{SignedDuration, Timestamp};
use messages::answer::Answer;
use tokio::time::Instant;

use crate::Error;

/// How one run sends.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) voice: Voice<'a>,
    pub(crate) recorder: Recorder<'a>,
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
        let hears = report.subscribed != Some(false);
        let may_be_complete = report.is_whole() && report.subscribed == Some(true) && sent.waiting == Some(0);
        let (news, written) = self.recorder.record(&mut recalled, report, sweeps, asked, may_be_complete).await;
        let News { alerts, acknowledged, not_acknowledged } = news;
        let mut outcome = Outcome { alerts, acknowledged, not_acknowledged, sent, ..Outcome::default() };
        match written {
            Ok(Written { is_all, is_quiet, contested }) => {
                let is_decided = contested.is_none();
                outcome.sent.store = contested.or(outcome.sent.store.take());
                outcome.lag = Some(lag(&recalled.memory, report.taken_at));
                outcome.plan = asked.plan.filter(|plan| recalled.memory.plans.contains(plan)).cloned();
                self.send_recorded(report, hears, &mut outcome).await;
                outcome.sent.is_lost &= !is_decided;
                let Sent { waiting, refused, store, .. } = &outcome.sent;
                let is_sent = *waiting == Some(0) && refused.is_none() && store.is_none();
                outcome.is_complete = is_all && is_sent && report.is_whole() && report.subscribed == Some(true);
                if outcome.is_complete && !is_quiet {
                    self.recorder
                        .note_complete(&mut recalled, report)
                        .await
                        .unwrap_or_else(|error| outcome.sent.store = Some(error));
                }
            }
            Err(error) => {
                outcome.sent.store = Some(error);
                outcome.sent.waiting = None;
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
        let decision = alerts::decide_with(&recalled.memory, report, self.recorder.policy, asked.acknowledge);
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
            acknowledged: Some(alerts::acknowledged(&recalled.memory.conditions, &report.account.id, report.taken_at)),
            not_acknowledged: given.and_then(Result::err),
            ..Outcome::default()
        }
    }

    /// Without a ledger: everything that is seen, as if nothing had been sent before.
    pub(crate) async fn send_without_memory(&self, report: &Report, mut sent: Sent) -> Outcome {
        let policy = Policy { digest: Rhythm::Never, ..self.recorder.policy.clone() };
        let Decision { alerts, activity, .. } = alerts::decide(&Memory::default(), report, &policy);
        let alerts: Vec<Alert> = alerts.into_iter().chain(activity).collect();
        self.send_untracked(report, &alerts, &mut sent).await;
        Outcome { alerts, sent, ..Outcome::default() }
    }

    async fn send_untracked(&self, report: &Report, alerts: &[Alert], sent: &mut Sent) {
        let is_unheard = report.subscribed == Some(false);
        self.voice.send_untracked(alerts, Some(report), is_unheard, sent).await;
    }
}

fn lag(memory: &Memory, now: Timestamp) -> SignedDuration {
    let oldest = memory.coverage.values().map(|coverage| coverage.unsettled_since(now)).min().unwrap_or(now);
    (now.duration_since(oldest) - LATENESS).max(SignedDuration::ZERO)
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
    use alerts::sweep::Coverage;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
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
