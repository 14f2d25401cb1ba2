//! Audits a batch of member accounts, each by a read-only session of its root user, or of a role of its own.
//!
//! One member is looked at by `sts:AssumeRoot` with AWS's task policy for audits, and evaluated by the controls that root's credentials show.
//! With a role in the member its counters are read in each run without any event of root, and everything once a day. What is new is recorded
//! in the member's own part of the table. Nothing is published here: the function `organization` sends one message for all.

use std::time::Duration;

use ::aws::organization::root_audit::{Refused, RootAuditor};
use ::aws::organization::runs::Runs;
use ::aws::organization::{MemberRoles, RoleSession};
use ::aws::sources::watch::Round;
use ::aws::storage::ledger::Recalled;
use ::aws::{Clock, Ledger, LedgerError, Look, ReportBucket, ReportBucketError};
use checklist::Report;
use facts::snapshot::RegionSweep;
use facts::source::Cause as Failed;
use facts::{Account, Snapshot, Unavailable, text};
use function::figures::Figures;
use function::{Asked, Invocation, Recorder, SettingsError, Written, log};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Diagnostic;
use members::{Audited, Batch, ByRole, Cause, Declared, Depth, Flags, Item, MAX_ITEMS, Outcome, Refusal, Row};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

mod settings;

pub use settings::{Settings, Whole};

/// Members that one call looks at at once.
const AT_ONCE: usize = 4;
/// Kept for writing the rows when reading takes long.
const RESERVE: SignedDuration = SignedDuration::from_secs(20);
/// How far back root's events are read again; what earlier looks missed is caught up.
const LOOKBACK: SignedDuration = SignedDuration::from_hours(24);

/// Answers events; made once a process.
#[derive(Debug)]
pub struct Auditor {
    config: aws_config::SdkConfig,
    settings: Result<Settings, SettingsError>,
    emit: fn(&str),
}

/// What the function answers: the rows themselves are in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Number of the batch.
    pub batch: usize,
}

/// Why a batch has no result. Its accounts are not looked at, and the run's message says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The function's environment is wrong; nothing was called.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The event is not one of those that are accepted; nothing was called.
    #[error(
        "the event is not accepted: {0}. Accepted is a batch of at most {MAX_ITEMS} members, as the state machine sends it"
    )]
    Request(String),
    /// The function's ARN names no account.
    #[error("cannot determine the account: the function's ARN says `{0}`")]
    Account(String),
    /// The rows could not be kept.
    #[error(transparent)]
    Bucket(#[from] ReportBucketError),
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = match &error {
            Error::Settings(_) => "InvalidSettings",
            Error::Request(_) => "InvalidEvent",
            Error::Account(_) => "UnknownAccount",
            Error::Bucket(_) => "BucketFailed",
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl Auditor {
    /// Over `config`, with what was found in the environment. `emit` takes each batch's figures.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<Settings, SettingsError>, emit: fn(&str)) -> Self {
        if let Ok(settings) = &settings {
            log::refused(&settings.refused);
        }
        Self { config: config.clone(), settings, emit }
    }

    /// Audits one batch. What happens to one member hides no other.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn handle(&self, event: Value, invocation: &Invocation) -> Result<Answer, Error> {
        let clock = Clock::start(invocation.now);
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let batch = batch(event)?;
        let own = invocation.account().map_err(Error::Account)?;
        let left = invocation.ends.duration_since(invocation.now) - RESERVE;
        let left = Duration::try_from(left).unwrap_or_default();
        let of = Of {
            config: &self.config,
            settings,
            root: &RootAuditor::new(&self.config, settings.partition),
            roles: settings
                .whole
                .as_ref()
                .map(|whole| (MemberRoles::new(&self.config, settings.partition, whole.role.clone()), whole)),
            clock,
            deadline: clock.started + left,
            turn: left / u32::try_from(batch.items.len().div_ceil(AT_ONCE).max(1)).unwrap_or(u32::MAX),
            declared: batch.declared,
        };
        let (run, number) = (batch.run, batch.batch);
        let audits = batch.items.into_iter().map(|item| of.audit(item));
        let rows: Vec<Row> = stream::iter(audits).buffered(AT_ONCE).collect().await;
        Runs::new(ReportBucket::new(&self.config, &settings.bucket, &own)).put_rows(&run, number, &rows).await?;
        (self.emit)(&figures(&rows, invocation));
        Ok(Answer { batch: number })
    }
}

/// What the members of one batch have in common.
struct Of<'a> {
    config: &'a aws_config::SdkConfig,
    settings: &'a Settings,
    root: &'a RootAuditor,
    /// How members are read whole.
    roles: Option<(MemberRoles, &'a Whole)>,
    clock: Clock,
    deadline: Instant,
    /// So long one member may be read whole, so that all have their turn.
    turn: Duration,
    declared: Declared,
}

impl Of<'_> {
    /// One member, by the end of the deadline.
    async fn audit(&self, item: Item) -> Row {
        let waited = waited(&item);
        let looked = timeout_at(self.deadline, Box::pin(self.look(&item))).await;
        let looked = looked
            .unwrap_or_else(|_| Err(Refused { cause: Cause::Unreachable, said: "the call's time ended first".into() }));
        let Item { member, before, .. } = item;
        let (outcome, waiting) = match looked {
            Ok((audited, waiting)) => (Outcome::Audited(Box::new(audited)), waiting),
            Err(Refused { cause, said }) => {
                tracing::warn!(account = %member.account, ?cause, said, "not audited");
                let before = before.as_deref().map(|before| &before.outcome);
                let last_audited = before.and_then(Outcome::last_audited);
                // A role that was missing is no refusal of the account.
                let refused = before.filter(|before| before.audited().is_none()).and_then(Outcome::refusal);
                let refusal = Refusal::new(cause, &said, refused, last_audited, self.clock.started_at);
                let deep_at = before.and_then(Outcome::last_deep);
                // It may have recorded alerts before it failed.
                let may_wait = matches!(cause, Cause::NotRecorded | Cause::Unreachable);
                let waiting = if may_wait { waited.max(1) } else { waited };
                (Outcome::Refused(Refusal { deep_at, ..refusal }), waiting)
            }
        };
        Row { waiting, ..Row::new(member, outcome) }
    }

    /// What an audit found, and how many alerts of the account wait; or why it was refused, and what AWS said.
    async fn look(&self, item: &Item) -> Result<(Audited, usize), Refused> {
        let Some((roles, whole)) = &self.roles else {
            let (audited, waiting) = self.by_root(item).await?;
            return Ok((Audited { by_role: None, ..audited }, waiting));
        };
        if item.depth == Depth::Later {
            return self.without_role(item, None).await;
        }
        match self.by_role(item, roles, whole).await {
            Err(refused) if refused.cause == Cause::RoleMissing => self.without_role(item, Some(refused)).await,
            looked => looked,
        }
    }

    /// Root's credentials, where the member's role was `refused`, or is not used in this run.
    async fn without_role(&self, item: &Item, refused: Option<Refused>) -> Result<(Audited, usize), Refused> {
        let before = item.before.as_deref().map(|before| &before.outcome);
        let deep_at = before.and_then(Outcome::last_deep);
        let missing = refused.as_ref().map(|Refused { cause, said }| {
            tracing::warn!(account = %item.member.account, said, "without its role, root's credentials alone are audited");
            let before = before.and_then(Outcome::refusal).filter(|refusal| refusal.cause == *cause);
            Refusal::new(*cause, said, before, deep_at, self.clock.started_at)
        });
        match self.by_root(item).await {
            Ok((audited, waiting)) => {
                let by_role = Some(Box::new(ByRole { deep_at, missing }));
                Ok((Audited { by_role, ..audited }, waiting))
            }
            Err(root) => {
                let role = refused.map(|role| format!("; {}", role.said)).unwrap_or_default();
                Err(Refused { said: text::bounded(&format!("{}{role}", root.said)), ..root })
            }
        }
    }

    /// Root's credentials, by a session of root.
    async fn by_root(&self, item: &Item) -> Result<(Audited, usize), Refused> {
        let Self { settings, .. } = self;
        let now = self.clock.now();
        let session = self.root.assume(&item.member.account).await?;
        let summary = session.summary().await?;
        let flags = Flags::of(&summary);
        let (checklist, declared) = self.settings(item, &settings.checklist, now);
        let before = audited(item).filter(|before| item.depth != Depth::Deep && before.declared == declared);
        if let Some(repeated) = before.and_then(|before| before.repeated(flags, now)) {
            return Ok((repeated, waited(item)));
        }
        let audit = session.whole().await;
        let account = Account { id: item.member.account.clone(), alias: None, partition: settings.partition };
        let snapshot = Snapshot::of_root_audit(account.clone(), now, Ok(summary), audit);
        let report = Report::generate(&snapshot, &checklist);
        let ledger = Ledger::new(self.config, &settings.table, &account.id);
        let mut recalled = ledger.recall(now).await.map_err(not_recorded)?;
        let waiting = self.record(item, &ledger, &mut recalled, &report, &[]).await?;
        Ok((Audited { declared, ..Audited::new(&report, &recalled.memory.conditions, flags) }, waiting))
    }

    /// The counters by the member's role; everything where that is due, or where they ask for it.
    async fn by_role(&self, item: &Item, roles: &MemberRoles, whole: &Whole) -> Result<(Audited, usize), Refused> {
        let session = roles.assume(&item.member.account).await?;
        let flags = Flags::of(&session.summary().await?);
        // Where the declarations changed, the list of the run has asked for everything, unless others come first.
        let before = audited(item).filter(|_| item.depth != Depth::Deep);
        if let Some(same) = before.and_then(|before| before.with_flags(flags, self.clock.now())) {
            return Ok((same, waited(item)));
        }
        // Boxed: the compiler would otherwise lay out every source's future in this one.
        Box::pin(self.deep(item, &session, whole, flags)).await
    }

    /// Everything that the member's role shows.
    async fn deep(
        &self,
        item: &Item,
        session: &RoleSession,
        whole: &Whole,
        flags: Option<Flags>,
    ) -> Result<(Audited, usize), Refused> {
        let now = self.clock.now();
        let account = &item.member.account;
        let ledger = Ledger::new(self.config, &self.settings.table, account);
        let mut recalled = ledger.recall(now).await.map_err(not_recorded)?;
        let memory = &recalled.memory;
        let look = Look {
            account: account.clone(),
            partition: self.settings.partition,
            taken_at: now,
            lookback: LOOKBACK,
            own: Vec::new(),
            coverage: memory.coverage.clone(),
            listeners: None,
            watch: None,
            round: Round::default(),
            regions: whole.regions.clone(),
            sources: whole.checklist.selection.sources(),
            is_narrow: false,
            is_thorough: false,
            alias: memory.journal.alias.clone(),
            delivered: None,
            deadline: self.deadline.min(Instant::now() + self.turn),
        };
        let mut snapshot = session.collector().snapshot(look).await;
        facts::root_activity::annotate(&mut snapshot.root_events.activity, &memory.plans);
        let (checklist, declared) = self.settings(item, &whole.checklist, now);
        let mut report = Report::generate(&snapshot, &checklist);
        alerts::note_denials(memory, &mut report);
        let sweeps = &snapshot.root_events.regions;
        let waiting = self.record(item, &ledger, &mut recalled, &report, sweeps).await?;
        // What may pass by itself is read again by the next run.
        let is_whole = !report.errors().filter_map(|state| state.error.as_ref()).any(may_pass);
        let last = item.before.as_deref().and_then(|before| before.outcome.last_deep());
        let by_role = ByRole { deep_at: if is_whole { Some(now) } else { last }, missing: None };
        // Also where a change of the declarations is the reason for this look.
        let declared = if is_whole { declared } else { audited(item).and_then(|before| before.declared.clone()) };
        let audited = Audited::new(&report, &recalled.memory.conditions, flags);
        Ok((Audited { by_role: Some(Box::new(by_role)), declared, ..audited }, waiting))
    }

    /// What changes verdicts on one member, and the mark of what is declared about it.
    fn settings(
        &self,
        item: &Item,
        all: &checklist::Settings,
        now: Timestamp,
    ) -> (checklist::Settings, Option<String>) {
        let declarations = self.declared.of(&item.member, now);
        let declared = members::mark(&declarations, now);
        (members::settings_of(all, declarations), declared)
    }

    /// Records what is new; how many alerts of the account wait then.
    async fn record(
        &self,
        item: &Item,
        ledger: &Ledger,
        recalled: &mut Recalled,
        report: &Report,
        sweeps: &[RegionSweep],
    ) -> Result<usize, Refused> {
        let recorder = Recorder { ledger, policy: &self.settings.policy, deadline: self.deadline };
        let (news, written) = recorder.record(recalled, report, sweeps, Asked::default(), false).await;
        let Written { contested, .. } = written.map_err(not_recorded)?;
        contested.map_or(Ok(()), |error| Err(not_recorded(error)))?;
        // Asked also without news: a call that died before it kept its rows may have left some. Without an answer at least one is
        // assumed, so that the last task looks.
        let waiting = ledger.waiting_alerts(report.taken_at).await.map(|waiting| waiting.len());
        Ok(waiting.unwrap_or((waited(item) + news.alerts.len()).max(1)))
    }
}

/// Alerts of the account that waited before.
fn waited(item: &Item) -> usize {
    item.before.as_ref().map(|before| before.waiting).unwrap_or_default()
}

/// What the run before found.
fn audited(item: &Item) -> Option<&Audited> {
    item.before.as_deref()?.outcome.audited()
}

/// Whether the next run may be able to read it.
fn may_pass(unread: &Unavailable) -> bool {
    match &unread.cause {
        Failed::Throttled { .. } | Failed::TimedOut | Failed::Unreachable | Failed::NotReady | Failed::OutOfTime => {
            true
        }
        Failed::Denied { code } => code.starts_with("ExpiredToken"),
        _ => false,
    }
}

fn not_recorded(error: LedgerError) -> Refused {
    Refused { cause: Cause::NotRecorded, said: error.to_string() }
}

fn batch(event: Value) -> Result<Batch, Error> {
    let batch: Batch =
        serde_json::from_value(event).map_err(|error| Error::Request(text::bounded(&error.to_string())))?;
    if !members::is_run(&batch.run) {
        return Err(Error::Request(format!("`{}` is no name of an execution", text::bounded(&batch.run))));
    }
    if batch.items.len() > MAX_ITEMS {
        return Err(Error::Request(format!("it has {} members", batch.items.len())));
    }
    Ok(batch)
}

fn figures(rows: &[Row], invocation: &Invocation) -> String {
    let mut figures = Figures::new(&[]);
    let audited = rows.iter().filter(|row| row.audited().is_some()).count();
    figures.count("Audited", audited);
    figures.count("Refused", rows.len() - audited);
    figures.count("AlertsRecorded", rows.iter().map(|row| row.waiting).sum());
    figures.line(invocation.function_name(), invocation.now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_batch_is_read_as_the_machine_sends_it_and_nothing_else_is() {
        let item = json!({"member": {"account": "444455556666", "name": "a", "ous": [], "state": "active"}});
        let event = |run: &str, items: Vec<Value>| json!({"run": run, "started": Timestamp::UNIX_EPOCH, "batch": 3, "items": items});
        let batch = super::batch(event("r-1", vec![item.clone()])).unwrap();
        assert_eq!((batch.batch, batch.items[0].member.account.as_str()), (3, "444455556666"));
        for wrong in [event("../r", vec![item.clone()]), event("r", vec![item; MAX_ITEMS + 1]), json!({}), json!([])] {
            let error = super::batch(wrong).unwrap_err();
            assert!(error.to_string().contains("a batch of at most 25 members"), "{error}");
        }
    }
}
