//! The way from something that was seen to people: through the outbox as long as the ledger works, straight to SNS when it does not.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use aws::ledger::Recalled;
use aws::report_link::LatestReport;
use aws::{Drained, Lease, Ledger, LedgerError, Notifier, PublishError, drain};
use checklist::alert::{Fault, What};
use checklist::message::{Bulletin, ReportLink};
use checklist::{Alert, Message, Report};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// One run's way to people.
#[derive(Debug)]
pub struct Voice<'a> {
    /// What was told, and what waits.
    pub ledger: &'a Ledger,
    /// SNS.
    pub notifier: &'a Notifier,
    /// The right to tell.
    pub lease: Lease,
    /// The present, and the instant at which it was.
    pub started: (Timestamp, Instant),
    /// What this process told without a ledger.
    pub untracked: &'a Untracked,
    /// How long it is not told again.
    pub period: SignedDuration,
    /// Where people find the runbook.
    pub runbook: &'a str,
    /// Where people find the whole report, if reports are kept.
    pub report: Option<&'a LatestReport>,
}

/// What came of telling.
#[derive(Debug, Default)]
pub struct Spoken {
    /// SNS's ids.
    pub messages: Vec<String>,
    /// So many alerts were told.
    pub count: usize,
    /// So many wait; `None`: nobody knows.
    pub waiting: Option<usize>,
    /// What was seen is neither told nor written down.
    pub is_lost: bool,
    /// SNS did not take a message.
    pub refused: Option<PublishError>,
    /// The state store failed.
    pub store: Option<LedgerError>,
    /// Ids of the alerts that were told out of the outbox, the last time that it was looked through.
    pub ids: HashSet<String>,
    /// More waits than one run tells.
    pub is_cut: bool,
    /// Another run has the right to tell what waits.
    pub is_left: bool,
}

/// What a process told while the state store failed, so that a warm one does not tell it every quarter of an hour.
#[derive(Debug, Default)]
pub struct Untracked(Mutex<HashMap<String, Timestamp>>);

impl Voice<'_> {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.1.elapsed()).unwrap_or_default();
        self.started.0.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// Tells what waits.
    pub async fn drain(&self, report: Option<&Report>, spoken: &mut Spoken) {
        let words = |alerts: Vec<Alert>| async move { self.words(&alerts, report, false).await };
        let Drained { told, alerts, left, refused, failed, is_left, is_cut } =
            drain(self.ledger, self.notifier, &self.lease, || self.now(), words).await;
        spoken.messages.extend(told);
        spoken.count += alerts.len();
        spoken.ids = alerts.into_iter().collect();
        (spoken.is_left, spoken.is_cut) = (is_left, is_cut);
        spoken.waiting = left;
        // An outage that ended within the run is none: all is told.
        spoken.refused = refused.or(spoken.refused.take().filter(|_| left != Some(0)));
        spoken.store = failed.or(spoken.store.take());
    }

    async fn words(&self, alerts: &[Alert], report: Option<&Report>, repeats_possible: bool) -> Option<Message> {
        let link = self.report_link(alerts).await;
        let (at, runbook) = (self.started.0, self.runbook);
        Message::compose(&Bulletin { alerts, at, report, repeats_possible, runbook, report_link: link.as_ref() })
    }

    /// Signed only where a digest carries it.
    async fn report_link(&self, alerts: &[Alert]) -> Option<ReportLink> {
        let report = self.report.filter(|_| alerts.iter().any(|alert| matches!(alert.what, What::Digest(_))))?;
        match report.link(self.started.0).await {
            Ok(link) => Some(link),
            Err(error) => {
                tracing::warn!(%error, "the digest carries no link to the report");
                None
            }
        }
    }

    /// What of `alerts` is to be told without the outbox: what the last drain did not tell, where the store failed or a flood waits.
    pub fn left_to_tell(alerts: &[Alert], spoken: &Spoken) -> Vec<Alert> {
        let is_left = |alert: &&Alert| !spoken.ids.contains(&alert.id);
        let is_blind = spoken.is_cut || spoken.store.is_some();
        alerts.iter().filter(|_| is_blind).filter(is_left).cloned().collect()
    }

    /// Tells `alerts` without a ledger, but for those that this process told lately. Nothing is published where `nobody` hears.
    pub async fn tell_untracked(&self, alerts: &[Alert], report: Option<&Report>, nobody: bool, spoken: &mut Spoken) {
        let now = self.started.0;
        let alerts = self.untracked.fresh(alerts, now, self.period);
        let Some(message) = self.words(&alerts, report, true).await else { return };
        let published = if nobody { Err(self.notifier.nobody_hears()) } else { self.notifier.publish(&message).await };
        match published {
            Ok(id) => {
                spoken.messages.push(id);
                spoken.count += alerts.len();
                self.untracked.note(&alerts, now);
            }
            Err(error) => {
                spoken.refused = Some(error);
                spoken.is_lost = true;
            }
        }
    }
}

impl Spoken {
    /// Logs what was told, and what kept it from being told.
    pub fn log(&self) {
        let waiting = self.waiting.map_or_else(|| "unknown".into(), |waiting| waiting.to_string());
        tracing::info!(messages = ?self.messages, alerts = self.count, waiting, "told");
        if self.is_left {
            tracing::warn!("another run has the right to tell: what waits is left to it");
        }
        if self.is_cut {
            tracing::warn!("more waits in the outbox than one run tells: the rest is left to the next");
        }
        if let Some(error) = &self.store {
            tracing::error!(%error, "the state store failed");
        }
        if let Some(error) = &self.refused {
            tracing::error!(%error, "nobody could be told");
        }
    }
}

impl Untracked {
    fn fresh(&self, alerts: &[Alert], now: Timestamp, period: SignedDuration) -> Vec<Alert> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |alert: &&Alert| told.get(&alert.id).is_none_or(|at| now.duration_since(*at).abs() >= period);
        alerts.iter().filter(is_fresh).cloned().collect()
    }

    fn note(&self, alerts: &[Alert], now: Timestamp) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| now.duration_since(*at).abs() < SignedDuration::from_hours(24));
        told.extend(alerts.iter().map(|alert| (alert.id.clone(), now)));
    }
}

/// Nobody heard until now: what waits is told together with the news that somebody hears, not before it.
pub fn waits_for_subscriber(recalled: &Recalled) -> bool {
    recalled.memory.conditions.get(&Fault::NoSubscriber.key()).is_some_and(|condition| condition.open)
}

/// The lease of a run that Lambda ends at `ends`.
pub fn lease(holder: String, ends: Timestamp) -> Lease {
    const GRACE: SignedDuration = SignedDuration::from_secs(5);
    Lease { holder, until: ends.checked_add(GRACE).unwrap_or(Timestamp::MAX) }
}

#[cfg(test)]
mod tests {
    use checklist::alert::What;
    use checklist::{Account, AccountId, Partition, Severity};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn alert(id: &str) -> Alert {
        let id_of_account = AccountId::parse("111122223333").unwrap();
        let account = Account { id: id_of_account, alias: None, partition: Partition::Aws };
        let what = What::CaughtUp { since: now(), until: now() };
        Alert { id: id.into(), at: now(), severity: Severity::High, account, what }
    }

    #[test]
    fn st_12_without_a_ledger_a_warm_process_repeats_after_the_period_and_not_before() {
        let (untracked, alerts) = (Untracked::default(), [alert("one")]);
        let period = SignedDuration::from_hours(4);
        let fresh = |at| untracked.fresh(&alerts, at, period).len();
        assert_eq!(fresh(now()), 1);
        untracked.note(&alerts, now());
        let second = SignedDuration::from_secs(1);
        assert_eq!([fresh(now()), fresh(now() + period - second), fresh(now() + period)], [0, 0, 1]);
        assert_eq!(fresh(now() - period), 1, "a clock that stepped back mutes nothing for longer");
    }

    #[test]
    fn what_the_outbox_did_not_tell_is_told_straight_where_the_store_failed_or_a_flood_waits() {
        let alerts = [alert("told"), alert("behind")];
        let table = LedgerError { operation: "Query", table: "t".into(), cause: checklist::snapshot::Cause::TimedOut };
        let left = |is_cut, store| {
            let ids = HashSet::from(["told".to_owned()]);
            let spoken = Spoken { ids, is_cut, store, ..Spoken::default() };
            Voice::left_to_tell(&alerts, &spoken).into_iter().map(|alert| alert.id).collect::<Vec<_>>()
        };
        assert_eq!(left(false, None), [""; 0], "another run tells it, or SNS refuses");
        assert_eq!(left(true, None), ["behind"]);
        assert_eq!(left(false, Some(table)), ["behind"]);
    }

    #[test]
    fn what_was_told_without_a_ledger_is_forgotten_after_a_day() {
        let untracked = Untracked::default();
        untracked.note(&[alert("one")], now());
        untracked.note(&[alert("other")], now() + SignedDuration::from_hours(24));
        assert_eq!(untracked.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_lease_outlives_the_run_by_five_seconds() {
        assert_eq!(lease("run".into(), now()).until, now() + SignedDuration::from_secs(5));
    }
}
