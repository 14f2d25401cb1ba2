//! The reporter: keeps each run's answer as evidence, makes the HTML report from it, and sends findings to other systems.
//!
//! # Layout
//! - [`event`]: what it is asked; `error`: what can go wrong; [`settings`]: where it keeps things, and what it makes;
//! - [`stored`]: a report as it was kept, read leniently, whatever version wrote it;
//! - [`history`]: what is kept of past reports: statuses by check, root activity; [`chain`]: whether a report is missing or was edited;
//!   [`rebuild`]: a history that is rebuilt from the reports;
//! - [`looked`]: where and when root events were read; `keeping`: all of it in the bucket;
//! - [`page`]: the page; [`exports`]: CSV, OCSF, JUnit and Security Hub's findings.
//!
//! All but [`Reporter`] and `keeping` is pure.

use std::collections::BTreeSet;
use std::time::Duration;

use ::aws::delivery::security_hub::Imported;
use ::aws::storage::report_bucket::{Condition, NewObject, Put};
use ::aws::storage::report_link::KEY as PAGE;
use ::aws::{ReportBucket, SecurityHub, SecurityHubError};
use facts::{AccountId, Partition};
use function::figures::Figures;
use function::{Invocation, SettingsError, log};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

pub mod chain;
mod error;
pub mod event;
pub mod exports;
pub mod history;
mod keeping;
mod lines;
pub mod looked;
pub mod page;
pub mod rebuild;
pub mod settings;
pub mod stored;

use error::ATTEMPTS;
pub use error::{Error, Shown, Undone};
use event::{Delivered, Request};
use exports::Format;
pub use history::History;
use keeping::{Claimed, JSON, Keeper, Known};
use page::Page;
pub use settings::Settings;
pub use stored::Stored;

/// Which of the figures are metrics; the line in the log has the others.
pub const METRICS: &[&str] = &["ReportsKept"];

/// Answers events; made once a process.
#[derive(Debug)]
pub struct Reporter {
    config: aws_config::SdkConfig,
    settings: Result<Settings, SettingsError>,
    emit: fn(&str),
}

impl Reporter {
    /// A reporter over `config`, with what was found in the environment. `emit` takes each run's figures.
    pub fn new(config: &aws_config::SdkConfig, settings: Result<Settings, SettingsError>, emit: fn(&str)) -> Self {
        if let Ok(settings) = &settings {
            log::refused(&settings.refused);
        }
        Self { config: config.clone(), settings, emit }
    }

    /// The flow of one call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn handle(&self, event: Value, invocation: &Invocation) -> Result<Value, Error> {
        let started = Instant::now();
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let request = Request::parse(event)?;
        let account = account(&request, &invocation.function_arn)?;
        let left = Duration::try_from(invocation.ends.duration_since(invocation.now)).unwrap_or_default();
        let keeper = Keeper {
            bucket: ReportBucket::new(&self.config, &settings.bucket, &account),
            account,
            now: invocation.now,
            retention: settings.retention,
            security_hub: settings.security_hub,
            deadline: started + left,
        };
        let work = Work { config: &self.config, settings, keeper: &keeper, now: invocation.now };
        match request {
            Request::Keep(delivered) => {
                let (kept, figures) = work.keep(&delivered).await?;
                (self.emit)(&figures.line(invocation.function_name(), invocation.now));
                kept
            }
            Request::Renew => work.renew().await,
            Request::Export(format) => {
                let (_, report, _) = keeper.newest().await?;
                let body = format.write(&report, invocation.now)?;
                Ok(json!({"format": format.to_string(), "taken_at": report.taken_at, "body": body}))
            }
            Request::TestAlert => Ok(json!({"report": null, "reason": "the run sent a test alert and made no report"})),
        }
    }
}

/// One call.
struct Work<'a> {
    config: &'a aws_config::SdkConfig,
    settings: &'a Settings,
    keeper: &'a Keeper,
    now: Timestamp,
}

impl Work<'_> {
    /// Keeps a run's answer, and shows it if it is the newest. Once the report has its place in the chain, no part that fails
    /// keeps the others from being done.
    async fn keep(&self, delivered: &Delivered) -> Result<(Result<Value, Error>, Figures), Error> {
        let taken_at = delivered.answer.get("taken_at").and_then(Value::as_str).and_then(|at| at.parse().ok());
        let taken_at: Timestamp = taken_at.or(delivered.at).ok_or(Error::Timeless)?;
        let key = delivered.key(self.keeper.account.as_str(), taken_at);
        let mut claimed = self.keeper.claim(&delivered.answer, &key, &delivered.run).await?;

        let mut undone = Vec::new();
        let is_kept = match self.put(&claimed, taken_at).await {
            Ok(()) => true,
            Err(error) => {
                undone.push(error);
                false
            }
        };
        let Claimed { link, stored, known, .. } = &mut claimed;
        let mut shown = Vec::new();
        if known.history.newest() == Some(link) {
            shown = self.show(&link.key, stored, known, &mut undone).await;
            if self.settings.security_hub {
                undone.extend(self.send_to_security_hub(stored, known).await.err());
            }
        }
        let unreadable = known.rebuilt.as_ref().map(|rebuilt| rebuilt.unreadable);
        tracing::info!(
            key = link.key,
            sha256 = link.sha256,
            is_kept,
            rebuilt = unreadable.is_some(),
            undone = undone.len(),
            "report"
        );
        let mut figures = Figures::new(METRICS);
        figures.count("ReportsKept", usize::from(is_kept));
        figures.count("HistoryRebuilt", usize::from(unreadable.is_some()));
        figures.seconds("ReportAge", self.now.duration_since(taken_at).as_secs().max(0));
        let answer = answer(link, &shown, stored, known);
        Ok((if undone.is_empty() { Ok(answer) } else { Err(Error::Unfinished(undone)) }, figures))
    }

    /// The report itself, which may lie there already.
    async fn put(&self, claimed: &Claimed, taken_at: Timestamp) -> Result<(), Undone> {
        let Claimed { link, bytes, .. } = claimed;
        // What is handed over again may be older than the lock lasts, and S3 takes no day of the past.
        let from = taken_at.max(self.now);
        let retain_until = self.settings.object_lock.map(|days| from.checked_add(days).unwrap_or(Timestamp::MAX));
        let object = NewObject { key: &link.key, bytes: bytes.clone(), content_type: JSON, retain_until };
        let bucket = &self.keeper.bucket;
        for _ in 0..ATTEMPTS {
            if let Put::Done { .. } = bucket.put(object.clone(), Condition::Absent).await.map_err(Undone::Report)? {
                return Ok(());
            }
            match bucket.get(&link.key).await.map_err(Undone::Report)? {
                Some(object) if object.bytes == *bytes => return Ok(()),
                Some(_) => return Err(Undone::Occupied { key: link.key.clone() }),
                // Another reporter was writing it, and did not end.
                None => {}
            }
        }
        Err(Undone::Contended { key: link.key.clone() })
    }

    /// Page and exports; answers with the names of those that were written.
    async fn show(&self, key: &str, report: &Stored, known: &Known, undone: &mut Vec<Undone>) -> Vec<&'static str> {
        let mut shown = Vec::new();
        // The page shows faults in the reporter's own settings.
        let mut with_ours = report.clone();
        with_ours.refused_settings.extend(self.settings.refused.iter().cloned());
        let page = Page { report: &with_ours, history: &known.history, made_at: self.now }.render();
        let file =
            |key, body: String, content_type| NewObject { key, bytes: body.into(), content_type, retain_until: None };
        match self.keeper.show(file(PAGE, page, "text/html; charset=utf-8"), key, known).await {
            Ok(true) => shown.push(PAGE),
            Ok(false) => {}
            Err(error) => undone.push(Undone::Page(error)),
        }
        for format in &self.settings.exports {
            let name = format.file_name();
            let body = match format.write(report, self.now) {
                Ok(body) => body,
                Err(error) => {
                    undone.push(error.into());
                    continue;
                }
            };
            match self.keeper.show(file(name, body, format.content_type()), key, known).await {
                Ok(true) => shown.push(name),
                Ok(false) => {}
                Err(why) => undone.push(Undone::Shown { file: name, why }),
            }
        }
        shown
    }

    /// Sends to Security Hub, in the function's own Region, the findings that it does not have yet, and notes that in the history. A narrow
    /// check may not have seen what resolves.
    async fn send_to_security_hub(&self, report: &Stored, known: &mut Known) -> Result<(), Undone> {
        let unsent = known.history.unsent.as_ref();
        let is_unsent = |control: &str| unsent.is_none_or(|unsent| unsent.contains(control));
        let evaluated = report.findings.iter().filter(|finding| is_unsent(finding.control));
        let since = |finding| known.history.since(finding).at().unwrap_or(self.now);
        let gone = report.left_out.iter().filter(|id| unsent.is_some_and(|unsent| unsent.contains(*id)));
        let gone = gone.filter_map(|id| Some((checklist::controls::control(id)?.id, self.now)));
        let send = evaluated.map(|finding| (finding.control, since(finding))).chain(gone).collect();
        let findings = exports::asff::findings(report, &send);
        if report.is_narrow || findings.is_empty() {
            return Ok(());
        }
        let region = self.config.region().map_or("us-east-1", |region| region.as_ref());
        let hub = SecurityHub::new(self.config, self.keeper.account.clone(), region, Partition::of_region(region));
        let imported = hub.import(&findings).await;
        if let Some(unsent) = unsent_after(&imported) {
            known.history.unsent = Some(unsent);
            // A finding that is imported twice is one finding.
            if !matches!(self.keeper.write(known).await, Ok(true)) {
                tracing::warn!("the import to Security Hub is not noted: the findings are sent once more");
            }
        }
        imported.map(drop).map_err(Undone::SecurityHub)
    }

    /// Page, exports and all findings in Security Hub again, of the newest report.
    async fn renew(&self) -> Result<Value, Error> {
        let (link, report, mut known) = self.keeper.newest().await?;
        let mut undone = Vec::new();
        let shown = self.show(&link.key, &report, &known, &mut undone).await;
        if self.settings.security_hub {
            known.history.unsent = None;
            undone.extend(self.send_to_security_hub(&report, &mut known).await.err());
        }
        if undone.is_empty() { Ok(answer(&link, &shown, &report, &known)) } else { Err(Error::Unfinished(undone)) }
    }
}

/// The controls whose findings Security Hub still lacks; `None`: what it took is not known.
fn unsent_after(imported: &Result<Imported, SecurityHubError>) -> Option<BTreeSet<String>> {
    match imported {
        Ok(_) => Some(BTreeSet::new()),
        Err(SecurityHubError::Refused { refused, .. }) => {
            Some(refused.iter().filter_map(|one| Some(one.id.rsplit_once('/')?.1.to_owned())).collect())
        }
        Err(_) => None,
    }
}

/// Without a row of the report.
fn answer(link: &history::Link, shown: &[&'static str], report: &Stored, known: &Known) -> Value {
    let exports: Vec<&str> =
        Format::ALL.iter().map(|format| format.file_name()).filter(|file| shown.contains(file)).collect();
    let history = &known.history;
    json!({
        "report": link.key,
        "sha256": link.sha256,
        "page": shown.contains(&PAGE).then_some(PAGE),
        "exports": exports,
        "history": {
            "runs": history.runs.iter().map(|run| run.runs).sum::<usize>(),
            "acts": history.acts.len(),
            "since": history.runs.first().map(|run| run.from),
            "rebuilt": known.rebuilt.is_some(),
            "unreadable_reports": known.rebuilt.as_ref().map_or(0, |rebuilt| rebuilt.unreadable),
        },
        "missing": report.missing,
    })
}

/// The report's account, else the function's; they must not contradict each other.
fn account(request: &Request, function_arn: &str) -> Result<AccountId, Error> {
    let says = match request {
        Request::Keep(delivered) => delivered.answer.get("account").and_then(|account| account.get("id")),
        Request::Renew | Request::Export(_) | Request::TestAlert => None,
    };
    let says = says.and_then(Value::as_str);
    let report = says.and_then(|id| AccountId::parse(id).ok());
    match (report, AccountId::from_arn(function_arn).ok()) {
        (Some(report), Some(function)) if report != function => {
            Err(Error::Account { report: report.to_string(), function: function.to_string() })
        }
        (report, function) => report.or(function).ok_or_else(|| Error::Account {
            report: facts::text::bounded(says.unwrap_or("nothing")),
            function: facts::text::bounded(function_arn),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:rootwatch-reporter";

    fn of(account: &Value) -> Request {
        let answer = json!({"account": {"id": account}}).as_object().cloned().unwrap();
        Request::Keep(Delivered { answer, run: "0f9e8d7c".into(), at: None })
    }

    #[test]
    fn a_report_of_another_account_is_an_error_and_not_evidence() {
        assert_eq!(account(&of(&json!("111122223333")), ARN).unwrap().as_str(), "111122223333");
        assert_eq!(account(&of(&json!("111122223333")), "no arn").unwrap().as_str(), "111122223333");
        assert_eq!(account(&Request::Renew, ARN).unwrap().as_str(), "111122223333");
        assert_eq!(
            account(&of(&json!("999900001111")), ARN).unwrap_err().to_string(),
            "the account of this report is not clear: it says `999900001111`, the function's ARN says `111122223333`"
        );
        assert!(account(&of(&json!("../x")), "no arn").is_err());
    }

    #[test]
    fn only_what_security_hub_refused_is_still_to_be_sent() {
        assert_eq!(unsent_after(&Ok(Imported { findings: 2 })), Some(BTreeSet::new()));
        let id = "rootwatch/111122223333/eu-west-1/root-mfa".to_owned();
        let refused =
            vec![::aws::delivery::security_hub::Refused { id, code: "InvalidInput".into(), message: "-".into() }];
        let error = SecurityHubError::Refused { region: "eu-west-1".into(), sent: 2, refused };
        assert_eq!(unsent_after(&Err(error)), Some(["root-mfa".to_owned()].into()));
        assert_eq!(unsent_after(&Err(SecurityHubError::NotEnabled { region: "eu-west-1".into() })), None);
    }
}
