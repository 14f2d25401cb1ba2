//! How alerts are sent: through the outbox as long as the ledger works, straight to SNS when it does not.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use alerts::Alert;
use alerts::{Fault, What};
use aws::storage::ledger::Recalled;
use aws::storage::report_link::LatestReport;
use aws::{Clock, Drained, Lease, Ledger, LedgerError, Notifier, PublishError, drain};
use checklist::Report;
use facts::AccountId;
use jiff::{SignedDuration, Timestamp};
use messages::Message;
use messages::{Bulletin, Links, ReportLink};

/// How one run sends.
#[derive(Debug)]
pub struct Voice<'a> {
    /// What was sent, and what waits.
    pub ledger: &'a Ledger,
    /// SNS.
    pub notifier: &'a Notifier,
    /// The right to send.
    pub lease: Lease,
    /// The time of the run.
    pub clock: Clock,
    /// What this process sent without a ledger.
    pub untracked: &'a Untracked,
    /// How long it is not sent again.
    pub period: SignedDuration,
    /// Where the runbook is.
    pub runbook: &'a str,
    /// Where the whole report is, if reports are kept.
    pub report: Option<&'a LatestReport>,
    /// Console addresses of report and dashboard; `None`: they are not about the account of the alerts.
    pub links: Option<&'a Links>,
    /// Where the alerts are about a member of the organization: the account of the stack.
    pub member_of: Option<&'a AccountId>,
}

/// The outcome of sending.
#[derive(Debug, Default)]
pub struct Sent {
    /// SNS's ids.
    pub messages: Vec<String>,
    /// So many alerts were sent.
    pub count: usize,
    /// So many wait; `None`: unknown.
    pub waiting: Option<usize>,
    /// What was seen is neither sent nor written down.
    pub is_lost: bool,
    /// SNS did not take a message.
    pub refused: Option<PublishError>,
    /// The state store failed.
    pub store: Option<LedgerError>,
    /// Ids of the alerts that were sent out of the outbox, the last time that it was looked through.
    pub ids: HashSet<String>,
    /// More waits than one run sends.
    pub is_cut: bool,
    /// Another run has the right to send what waits.
    pub is_left: bool,
}

/// What a process sent while the state store failed, so that a warm one does not send it every quarter of an hour.
#[derive(Debug, Default)]
pub struct Untracked(Mutex<HashMap<String, Timestamp>>);

impl Voice<'_> {
    /// Sends what waits; of a member only what happened: a run over the organization sends what its audit found.
    pub async fn drain(&self, report: Option<&Report>, sent: &mut Sent) {
        let words = |alerts: Vec<Alert>| async move { self.words(&alerts, report, false).await };
        let own = |alert: &Alert| self.member_of.is_none() || alert.event_id().is_some();
        let Drained { messages, alerts, left, refused, failed, is_left, is_cut } =
            drain(self.ledger, self.notifier, &self.lease, || self.clock.now(), own, words).await;
        sent.messages.extend(messages);
        sent.count += alerts.len();
        sent.ids = alerts.into_iter().collect();
        (sent.is_left, sent.is_cut) = (is_left, is_cut);
        sent.waiting = left;
        // An outage that ended within the run is none: all is sent.
        sent.refused = refused.or(sent.refused.take().filter(|_| left != Some(0)));
        sent.store = failed.or(sent.store.take());
    }

    async fn words(&self, alerts: &[Alert], report: Option<&Report>, repeats_possible: bool) -> Option<Message> {
        let link = self.report_link(alerts).await;
        let (at, runbook) = (self.clock.started_at, self.runbook);
        Message::compose(&Bulletin {
            alerts,
            at,
            report,
            repeats_possible,
            runbook,
            report_link: link.as_ref(),
            links: self.links,
            recipients: self.notifier.recipients(),
            member_of: self.member_of,
        })
    }

    /// Signed only where a digest carries it.
    async fn report_link(&self, alerts: &[Alert]) -> Option<ReportLink> {
        let report = self.report.filter(|_| alerts.iter().any(|alert| matches!(alert.what, What::Digest(_))))?;
        match report.link(self.clock.started_at).await {
            Ok(link) => Some(link),
            Err(error) => {
                tracing::warn!(%error, "the digest carries no link to the report");
                None
            }
        }
    }

    /// What of `alerts` is to be sent without the outbox: what the last drain did not send, where the store failed or a flood waits.
    pub fn unsent(alerts: &[Alert], sent: &Sent) -> Vec<Alert> {
        let is_left = |alert: &&Alert| !sent.ids.contains(&alert.id);
        let is_blind = sent.is_cut || sent.store.is_some();
        alerts.iter().filter(|_| is_blind).filter(is_left).cloned().collect()
    }

    /// Sends `alerts` without a ledger, but for those that this process sent lately. Nothing is published where the topic `is_unheard`.
    pub async fn send_untracked(&self, alerts: &[Alert], report: Option<&Report>, is_unheard: bool, sent: &mut Sent) {
        let now = self.clock.started_at;
        let alerts = self.untracked.fresh(alerts, now, self.period);
        let Some(message) = self.words(&alerts, report, true).await else { return };
        let published =
            if is_unheard { Err(self.notifier.nobody_hears()) } else { self.notifier.publish(&message).await };
        match published {
            Ok(id) => {
                sent.messages.push(id);
                sent.count += alerts.len();
                self.untracked.note(&alerts, now);
            }
            Err(error) => {
                sent.refused = Some(error);
                sent.is_lost = true;
            }
        }
    }
}

impl Sent {
    /// Logs what was sent, and what kept it from being sent.
    pub fn log(&self) {
        let waiting = self.waiting.map_or_else(|| "unknown".into(), |waiting| waiting.to_string());
        tracing::info!(messages = ?self.messages, alerts = self.count, waiting, "sent");
        if self.is_left {
            tracing::warn!("another run holds the lease: it sends what waits");
        }
        if self.is_cut {
            tracing::warn!("more waits in the outbox than one run sends: the next run sends the rest");
        }
        if let Some(error) = &self.store {
            tracing::error!(%error, "the state store failed");
        }
        if let Some(error) = &self.refused {
            tracing::error!(%error, "SNS took no message");
        }
    }
}

impl Untracked {
    fn fresh(&self, alerts: &[Alert], now: Timestamp, period: SignedDuration) -> Vec<Alert> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |alert: &&Alert| sent.get(&alert.id).is_none_or(|at| now.duration_since(*at).abs() >= period);
        alerts.iter().filter(is_fresh).cloned().collect()
    }

    fn note(&self, alerts: &[Alert], now: Timestamp) {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|_, at| now.duration_since(*at).abs() < SignedDuration::from_hours(24));
        sent.extend(alerts.iter().map(|alert| (alert.id.clone(), now)));
    }
}

/// No subscription was confirmed until now: what waits is sent together with the news that one is, not before.
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
    use alerts::What;
    use facts::{Account, Partition, Severity};

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
    fn what_the_outbox_did_not_send_is_sent_straight_where_the_store_failed_or_a_flood_waits() {
        let alerts = [alert("sent"), alert("behind")];
        let table = LedgerError { operation: "Query", table: "t".into(), cause: facts::source::Cause::TimedOut };
        let left = |is_cut, store| {
            let ids = HashSet::from(["sent".to_owned()]);
            let sent = Sent { ids, is_cut, store, ..Sent::default() };
            Voice::unsent(&alerts, &sent).into_iter().map(|alert| alert.id).collect::<Vec<_>>()
        };
        assert_eq!(left(false, None), [""; 0], "another run sends it, or SNS refuses");
        assert_eq!(left(true, None), ["behind"]);
        assert_eq!(left(false, Some(table)), ["behind"]);
    }

    #[test]
    fn what_was_sent_without_a_ledger_is_forgotten_after_a_day() {
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
