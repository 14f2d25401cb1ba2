//! The organization: lists the accounts to audit, and concludes each run with one message.
//!
//! The state machine `OrganizationMachine` of the template calls it twice a run, and the function `member-auditor` for each batch in between. It
//! enters no member account.

use aws::organization::runs::Runs;
use aws::{Clock, Ledger, LedgerError, PublishError, ReportBucket, ReportBucketError};
use facts::AccountId;
use function::figures::Figures;
use function::{Invocation, SettingsError, log};
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::Value;

mod conclude;
mod declared;
mod list;
pub mod page;
mod request;
mod settings;

pub use conclude::Concluded;
pub use list::RUN;
pub use request::{Listed, Request, RequestError};
pub use settings::Settings;

/// The figure of a complete run; its absence is an alarm.
pub const HEARTBEAT: &str = "OrganizationHeartbeat";
/// Which of the figures are metrics.
pub const METRICS: &[&str] =
    &["AccountsAudited", "AccountsListed", "AccountsNotLookedAt", "AccountsRefused", HEARTBEAT];

/// Answers events; made once a process.
#[derive(Debug)]
pub struct Organization {
    config: aws_config::SdkConfig,
    settings: Result<Settings, SettingsError>,
    emit: fn(&str),
}

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To the task `list`.
    Listed(Listed),
    /// To the task `conclude`.
    Concluded(Concluded),
}

/// Why a task could not be done. The machine tries it again, and its alarm sends what lasts.
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
    /// The state store failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The list of accounts, or the rows of the run, could not be kept.
    #[error(transparent)]
    Bucket(#[from] ReportBucketError),
    /// An object of this run is not as it was written.
    #[error("{0}: someone else changed the bucket; start a run again")]
    Unreadable(String),
    /// Another run has taken over.
    #[error("another run holds the lease: what this one found is sent by that one")]
    Overtaken,
    /// The message could not be sent; what was seen is recorded, and sent by the next run.
    #[error("{0}; {1} alerts are queued until they can be sent")]
    Publish(PublishError, usize),
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = match &error {
            Error::Settings(_) => "InvalidSettings",
            Error::Request(_) => "InvalidEvent",
            Error::Account(_) => "UnknownAccount",
            Error::Ledger(_) => "StateStoreDown",
            Error::Bucket(_) => "BucketFailed",
            Error::Unreadable(_) => "ObjectUnreadable",
            Error::Overtaken => "Overtaken",
            Error::Publish(error, _) if error.permanent => "PublishRefused",
            Error::Publish(..) => "PublishFailed",
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl Organization {
    /// Over `config`, with what was found in the environment. `emit` takes each run's figures.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<Settings, SettingsError>, emit: fn(&str)) -> Self {
        if let Ok(settings) = &settings {
            log::refused(&settings.refused);
        }
        Self { config: config.clone(), settings, emit }
    }

    /// Does one task of a run.
    ///
    /// # Errors
    /// See [`Error`]. That the organization, or some of its accounts, cannot be audited is none: the run's message says it.
    pub async fn handle(&self, event: Value, invocation: &Invocation) -> Result<Answer, Error> {
        let clock = Clock::start(invocation.now);
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let request = Request::parse(event)?;
        let own = invocation.account().map_err(Error::Account)?;
        let lease = list::lease(request.task(), invocation.now);
        let answered = match request {
            Request::List(task) => self.list(settings, &own, &task, invocation.now).await.map(Answer::Listed),
            Request::Conclude(conclude) => {
                let concluded = self.conclude(settings, &own, &conclude, clock, invocation.ends).await;
                concluded.map(|concluded| {
                    (self.emit)(&figures(&concluded, invocation));
                    Answer::Concluded(concluded)
                })
            }
        };
        if answered.is_err() {
            // Where nothing goes on, the next run waits for nothing. A lease that another run holds, or that was returned, stays so.
            let ended = self.ledger(settings, &own).abandon(&lease, invocation.now).await;
            ended.unwrap_or_else(|error| tracing::warn!(%error, "the lease ends by itself"));
        }
        answered
    }

    fn runs(&self, settings: &Settings, own: &AccountId) -> Runs {
        Runs::new(ReportBucket::new(&self.config, &settings.bucket, own))
    }

    fn ledger(&self, settings: &Settings, own: &AccountId) -> Ledger {
        Ledger::of_organization(&self.config, &settings.table, &settings.organization, own)
    }
}

fn figures(concluded: &Concluded, invocation: &Invocation) -> String {
    let mut figures = Figures::new(METRICS);
    let coverage = concluded.coverage;
    for (name, count) in [
        ("AccountsListed", coverage.listed),
        ("AccountsAudited", coverage.audited),
        ("AccountsRefused", coverage.refused),
        ("AccountsSkipped", coverage.skipped),
        ("AccountsNotLookedAt", coverage.not_looked_at),
        ("OutboxSize", concluded.unsent),
    ] {
        figures.count(name, count);
    }
    if concluded.complete {
        figures.count(HEARTBEAT, 1);
    }
    figures.line(invocation.function_name(), invocation.now)
}
