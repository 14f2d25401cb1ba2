use checklist::settings::Settings;
use facts::snapshot::{RegionSweep, Snapshot};
use facts::source::{Cause, Source, Unavailable};

use super::*;

mod acknowledged;
mod baseline;
mod denied;
mod digest;
mod episodes;
mod evidence;
mod exceptions;
mod histories;
mod odd;
mod path;
mod root_audit;
mod runs;
mod settings;
mod transitions;
mod unknown;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Without digests: they have tests of their own.
fn policy() -> Policy {
    Policy { digest: Rhythm::Never, ..Policy::default() }
}

fn fault() -> Fault {
    Fault::Control { control: "root-access-keys".into() }
}

fn failure(severity: Severity, resources: &[&str]) -> Failure {
    let resources: Vec<String> = resources.iter().map(|name| (*name).to_owned()).collect();
    Failure { count: resources.len(), resources, ..Failure::new(severity, "Found") }
}

fn failing(severity: Severity) -> Seen {
    Seen::Failing { failure: failure(severity, &[]), passing: false }
}

fn naming(resources: &[&str]) -> Seen {
    Seen::Failing { failure: failure(Severity::Critical, resources), passing: false }
}

fn throttled() -> Seen {
    Seen::Failing { failure: failure(Severity::Medium, &[]), passing: true }
}

fn exception(resource: Option<&str>, until: Timestamp) -> Exception {
    Exception {
        control: "root-access-keys".into(),
        reason: "migration".into(),
        owner: "alice".into(),
        until,
        resource: resource.map(Into::into),
    }
}

const SOURCE: Source = Source::AccountSummary;

fn judged(condition: &Condition) -> Option<Timestamp> {
    condition.judged_by.get(&SOURCE).copied()
}

/// One condition over many runs.
#[derive(Default)]
struct Life(Option<Condition>);

impl Life {
    fn open(severity: Severity) -> Self {
        let mut life = Self::default();
        assert_eq!(life.see(noon(), failing(severity)), Some(Transition::Opened));
        life
    }

    fn look(&mut self, now: Timestamp, evidence_at: Timestamp, seen: Seen) -> Option<ConditionAlert> {
        let seen = Observation { condition: fault(), seen, judged_by: BTreeMap::from([(SOURCE, evidence_at)]) };
        let (after, sent) = Condition::next(self.0.as_ref(), &seen, now, &policy());
        self.0 = Some(after).filter(|after| *after != Condition::default());
        sent
    }

    fn see_old(&mut self, now: Timestamp, evidence_at: Timestamp, seen: Seen) -> Option<Transition> {
        self.look(now, evidence_at, seen).map(|sent| sent.transition)
    }

    /// Live evidence.
    fn see(&mut self, now: Timestamp, seen: Seen) -> Option<Transition> {
        self.see_old(now, now, seen)
    }

    fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|condition| condition.open)
    }
}

/// What is remembered, and the account.
struct Account {
    memory: Memory,
    snapshot: Snapshot,
    settings: Settings,
    policy: Policy,
}

impl Account {
    fn new() -> Self {
        let snapshot = Snapshot { taken_at: noon(), ..Snapshot::compliant() };
        Self { memory: Memory::default(), snapshot, settings: Settings::compliant(), policy: policy() }
    }

    fn report(&self) -> Report {
        Report::generate(&self.snapshot, &self.settings)
    }

    fn decide(&mut self, report: &Report) -> Vec<Alert> {
        let decision = decide(&self.memory, report, &self.policy);
        self.memory.conditions.extend(decision.conditions);
        self.memory.journal = decision.journal;
        decision.alerts
    }

    fn run(&mut self) -> Vec<Alert> {
        self.decide(&self.report())
    }

    /// A run after `wait`, with a credential report that was renewed.
    fn after(&mut self, wait: SignedDuration, change: impl FnOnce(&mut Snapshot)) -> Vec<Alert> {
        self.snapshot.taken_at += wait;
        if let Ok(report) = &mut self.snapshot.credential_report {
            report.generated_at = self.snapshot.taken_at;
        }
        change(&mut self.snapshot);
        self.run()
    }

    fn except(&mut self, exceptions: &[Exception]) {
        self.settings.declarations.exceptions = exceptions.to_vec();
    }

    fn open(&self) -> Vec<&str> {
        let open = self.memory.conditions.iter().filter(|(_, condition)| condition.open);
        open.map(|(key, _)| key.as_str()).collect()
    }
}

fn words(alerts: &[Alert]) -> Vec<(Transition, String)> {
    let sent = alerts.iter().filter_map(Alert::condition);
    sent.map(|sent| (sent.transition, sent.condition.key())).collect()
}

fn word(transition: Transition, key: &str) -> Vec<(Transition, String)> {
    vec![(transition, key.to_owned())]
}

fn unavailable(source: Source, cause: Cause) -> Unavailable {
    Unavailable { source, operation: "iam:Some".into(), cause }
}

fn denied() -> Cause {
    Cause::Denied { code: "AccessDenied".into() }
}

fn sweep(region: &str, cause: Option<Cause>) -> RegionSweep {
    let incomplete = cause.map(|cause| unavailable(Source::RootEvents, cause));
    RegionSweep { region: region.into(), incomplete, covered: Vec::new(), covered_sign_ins: Vec::new() }
}

/// One active key in the first slot.
fn one_key(snapshot: &mut Snapshot) {
    snapshot.root().access_keys[0].active = Ok(true);
}
