//! From a report to the ledger: what is news by what is remembered, written down with all that it must stand or fall with. Nothing is
//! sent here.

use alerts::sweep::{Coverage, sign_ins_of};
use alerts::{Acknowledge, Acknowledged, Alert, Decision, Memory, NotAcknowledged, Policy, Transition, What};
use aws::storage::ledger::{Entry, Recalled, Recorded};
use aws::{Ledger, LedgerError};
use checklist::Report;
use facts::root_activity::Plan;
use facts::snapshot::RegionSweep;
use tokio::time::Instant;

/// Times that a decision is made again because another run wrote meanwhile.
const TRIES: usize = 5;

/// How one run records what it saw of the ledger's account.
#[derive(Debug)]
pub struct Recorder<'a> {
    /// What was sent, and what waits.
    pub ledger: &'a Ledger,
    /// When reminders and the digest are due.
    pub policy: &'a Policy,
    /// Until when root activity is recorded.
    pub deadline: Instant,
}

/// What a person asked this run to record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Root will be used.
    pub plan: Option<&'a Plan>,
    /// No reminders of this alert.
    pub acknowledge: Option<&'a Acknowledge>,
}

/// What a run decided. What is not in the ledger is as it must be sent without one.
#[derive(Debug, Default)]
pub struct News {
    /// What is news.
    pub alerts: Vec<Alert>,
    /// Acknowledgements in force, as they are recorded; `None`: the state store did not say.
    pub acknowledged: Option<Vec<Acknowledged>>,
    /// Why the alert was not acknowledged that a person asked for.
    pub not_acknowledged: Option<NotAcknowledged>,
}

/// How far it is written down.
#[derive(Debug)]
pub struct Written {
    /// Everything.
    pub is_all: bool,
    /// There was no news.
    pub is_quiet: bool,
    /// Other runs kept writing, so that what was decided is not recorded; `None`: it is.
    pub contested: Option<LedgerError>,
}

impl Recorder<'_> {
    /// Decides by `recalled` what of `report` is news, and writes it down; decides again if another run wrote meanwhile. `sweeps` are
    /// how far root's events were read. A run without news that `may_be_complete` is noted as complete.
    ///
    /// What it decided comes with an error too: the state store failed then, and not all of it is recorded.
    pub async fn record(
        &self,
        recalled: &mut Recalled,
        report: &Report,
        sweeps: &[RegionSweep],
        asked: Asked<'_>,
        may_be_complete: bool,
    ) -> (News, Result<Written, LedgerError>) {
        let mut news = News::default();
        let written = self.write(recalled, report, sweeps, asked, may_be_complete, &mut news).await;
        if written.as_ref().map_or(true, |written| written.contested.is_some()) {
            news.alerts.iter_mut().for_each(remind);
        }
        (news, written)
    }

    async fn write(
        &self,
        recalled: &mut Recalled,
        report: &Report,
        sweeps: &[RegionSweep],
        asked: Asked<'_>,
        may_be_complete: bool,
        news: &mut News,
    ) -> Result<Written, LedgerError> {
        let now = report.taken_at;
        let Decision { alerts, activity, .. } = alerts::decide(&recalled.memory, report, self.policy);
        // Should the store fail from here on, all of it is sent.
        let of_acts = alerts.len();
        news.alerts = alerts.into_iter().chain(activity).collect();
        let unseen: Vec<Alert> = match news.alerts.get(of_acts..).unwrap_or_default() {
            [] => Vec::new(),
            acts => self.ledger.unseen(acts, now).await?.into_iter().cloned().collect(),
        };
        let baseline = report.baseline();
        let mut contested = Some(self.ledger.contested());
        let mut is_quiet = false;
        for _ in 0..TRIES {
            let mut decision = alerts::decide_with(&recalled.memory, report, self.policy, asked.acknowledge);
            news.not_acknowledged = decision.acknowledged.take().and_then(Result::err);
            let announced = asked.plan.filter(|plan| !recalled.memory.plans.contains(plan));
            decision.alerts.extend(announced.map(|plan| alerts::announce(plan, &report.account, now)));
            is_quiet = decision.alerts.is_empty() && unseen.is_empty();
            if is_quiet && may_be_complete {
                decision.journal.last_complete = Some(now);
            }
            news.alerts = decision.alerts.iter().chain(&unseen).cloned().collect();
            let mut groups = groups(decision, announced);
            groups.extend(baseline.clone().map(|baseline| vec![Entry::Baseline(baseline)]));
            if unseen.is_empty() {
                groups.extend(coverage(recalled, report, sweeps));
            }
            if self.ledger.record(recalled, groups).await? == Recorded::Written {
                contested = None;
                break;
            }
            *recalled = self.ledger.recall(now).await?;
        }
        news.acknowledged = Some(acknowledged(&recalled.memory, report));
        if contested.is_some() {
            tracing::error!("other runs kept writing: what this one decided is sent without being recorded");
        }
        if unseen.is_empty() {
            return Ok(Written { is_all: contested.is_none(), is_quiet, contested });
        }
        let unseen: Vec<&Alert> = unseen.iter().collect();
        let acts = self.ledger.record_acts(&unseen, now, self.deadline).await?;
        if acts.left > 0 {
            tracing::warn!(
                left = acts.left,
                "time ran out before all root activity was recorded: the next run finds it"
            );
        }
        // Only what is recorded counts as scanned; the rest is found again.
        let is_swept = acts.left == 0 && self.settle(recalled, report, sweeps).await?;
        Ok(Written { is_all: contested.is_none() && is_swept, is_quiet, contested })
    }

    async fn settle(
        &self,
        recalled: &mut Recalled,
        report: &Report,
        sweeps: &[RegionSweep],
    ) -> Result<bool, LedgerError> {
        for _ in 0..TRIES {
            let groups = coverage(recalled, report, sweeps);
            if self.ledger.record(recalled, groups).await? == Recorded::Written {
                return Ok(true);
            }
            *recalled = self.ledger.recall(report.taken_at).await?;
        }
        Ok(false)
    }

    /// Notes that everything that the run saw was sent. Another run that notes the same at the same time is as good.
    ///
    /// # Errors
    /// The state store failed.
    pub async fn note_complete(&self, recalled: &mut Recalled, report: &Report) -> Result<(), LedgerError> {
        let mut journal = recalled.memory.journal.clone();
        journal.last_complete = Some(report.taken_at);
        self.ledger.record(recalled, vec![vec![Entry::Journal(journal)]]).await.map(drop)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alerts::{Acknowledgement, Condition, ConditionAlert, Failure, Fault, Journal};
    use facts::{Account, AccountId, Partition, Severity};
    use jiff::{SignedDuration, Timestamp};

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
}
