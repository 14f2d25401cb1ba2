//! Audits a batch of member accounts, each by a read-only session of its root user.
//!
//! One member is looked at by `sts:AssumeRoot` with AWS's task policy for audits, evaluated by the controls that root's credentials show, and
//! what is new is recorded in the member's own part of the table. Nothing is published here: the function `organization` sends one message
//! for all.

use ::aws::organization::root_audit::{Refused, RootAuditor};
use ::aws::organization::runs::Runs;
use ::aws::{Clock, Ledger, LedgerError, ReportBucket, ReportBucketError};
use checklist::Report;
use facts::{Account, AccountId, Snapshot, text};
use function::figures::Figures;
use function::{Asked, Invocation, Recorder, SettingsError, Written, log};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use lambda_runtime::Diagnostic;
use members::{Audited, Batch, Before, Cause, Flags, Item, MAX_ITEMS, Outcome, Refusal, Row};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

mod settings;

pub use settings::Settings;

/// Members that one call looks at at once.
const AT_ONCE: usize = 4;
/// Kept for writing the rows when reading takes long.
const RESERVE: SignedDuration = SignedDuration::from_secs(20);

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
        let deadline = clock.started + std::time::Duration::try_from(left).unwrap_or_default();
        let auditor = RootAuditor::new(&self.config, settings.partition);
        let (run, number) = (batch.run, batch.batch);
        let audits = batch.items.into_iter().map(|item| self.audit(settings, &auditor, item, clock, deadline));
        let rows: Vec<Row> = stream::iter(audits).buffered(AT_ONCE).collect().await;
        Runs::new(ReportBucket::new(&self.config, &settings.bucket, &own)).put_rows(&run, number, &rows).await?;
        (self.emit)(&figures(&rows, invocation));
        Ok(Answer { batch: number })
    }

    /// One member, by the end of `deadline`.
    async fn audit(
        &self,
        settings: &Settings,
        auditor: &RootAuditor,
        item: Item,
        clock: Clock,
        deadline: Instant,
    ) -> Row {
        let Item { member, before } = item;
        let before = before.as_deref();
        let waited = before.map(|before| before.waiting).unwrap_or_default();
        let looked = self.look(settings, auditor, &member.account, before, clock, deadline);
        let looked = timeout_at(deadline, Box::pin(looked)).await;
        let looked = looked
            .unwrap_or_else(|_| Err(Refused { cause: Cause::Unreachable, said: "the call's time ended first".into() }));
        let (outcome, waiting) = match looked {
            Ok((audited, waiting)) => (Outcome::Audited(Box::new(audited)), waiting),
            Err(Refused { cause, said }) => {
                tracing::warn!(account = %member.account, ?cause, said, "not audited");
                let last_audited = before.and_then(|before| before.outcome.last_audited());
                let refusal = Refusal::new(
                    cause,
                    &said,
                    before.and_then(|before| before.outcome.refusal()),
                    last_audited,
                    clock.started_at,
                );
                (Outcome::Refused(refusal), waited)
            }
        };
        Row { member, outcome, waiting }
    }

    /// What an audit found, and how many alerts of the account wait; or why it was refused, and what AWS said.
    async fn look(
        &self,
        settings: &Settings,
        auditor: &RootAuditor,
        account: &AccountId,
        before: Option<&Before>,
        clock: Clock,
        deadline: Instant,
    ) -> Result<(Audited, usize), Refused> {
        let now = clock.now();
        let session = auditor.assume(account).await?;
        let summary = session.summary().await?;
        let flags = Flags::of(&summary);
        let waited = before.map(|before| before.waiting).unwrap_or_default();
        if let Some(repeated) =
            before.and_then(|before| before.outcome.audited()).and_then(|audited| audited.repeated(flags, now))
        {
            return Ok((repeated, waited));
        }
        let audit = session.whole().await;
        let account = Account { id: account.clone(), alias: None, partition: settings.partition };
        let snapshot = Snapshot::of_root_audit(account.clone(), now, Ok(summary), audit);
        let report = Report::generate(&snapshot, &settings.checklist);
        let ledger = Ledger::new(&self.config, &settings.table, &account.id);
        let recorder = Recorder { ledger: &ledger, policy: &settings.policy, deadline };
        let not_recorded = |error: LedgerError| Refused { cause: Cause::NotRecorded, said: error.to_string() };
        let mut recalled = ledger.recall(now).await.map_err(not_recorded)?;
        let (news, written) = recorder.record(&mut recalled, &report, &[], Asked::default(), false).await;
        let Written { contested, .. } = written.map_err(not_recorded)?;
        contested.map_or(Ok(()), |error| Err(not_recorded(error)))?;
        // Asked also without news: a call that died before it kept its rows may have left some. Without an answer at least one is
        // assumed, so that the last task looks.
        let waiting = ledger.waiting_alerts(now).await.map(|waiting| waiting.len());
        let waiting = waiting.unwrap_or((waited + news.alerts.len()).max(1));
        Ok((Audited::new(&report, &recalled.memory.conditions, flags), waiting))
    }
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
    use jiff::Timestamp;
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
