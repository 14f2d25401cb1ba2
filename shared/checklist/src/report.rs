//! All findings of a run: the function's answer. Its JSON Schema is `docs/report.schema.json`.

use jiff::Timestamp;
use serde::Serialize;

use crate::account::Account;
use crate::control::{Severity, Step};
use crate::controls::CHECKLIST;
use crate::finding::{Finding, Status};
use crate::root_activity::RootActivity;
use crate::settings::Settings;
use crate::snapshot::{Snapshot, Source, Unavailable};

/// Most root activity that the answer lists; a Lambda answer has at most 6 MB.
const MAX_ACTIVITY: usize = 1_000;

/// The judgement of one account at one instant, with its provenance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// `rootwatch.report/1`; the number changes when a field changes its meaning or goes.
    pub schema: &'static str,
    /// Version of rootwatch.
    pub version: &'static str,
    /// The account.
    pub account: Account,
    /// When the reading began.
    pub taken_at: Timestamp,
    /// Each source with its age, or why it could not be read; root events have an entry a Region.
    pub sources: Vec<SourceState>,
    /// Start of the span in which root's events were looked up; its end is `taken_at`.
    pub root_events_since: Timestamp,
    /// One a control, in the order of the checklist.
    pub findings: Vec<Finding>,
    /// What root did: most severe first, then newest.
    pub root_activity: Vec<RootActivity>,
}

/// What the function answers: the report, and whether people were told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// The judgement; of root activity at most the first 1,000.
    #[serde(flatten)]
    pub report: Report,
    /// Root activity beyond those, counted.
    pub root_activity_left_out: usize,
    /// SNS's id of the message; `null` when there was nothing to tell, or in a dry run.
    pub told: Option<String>,
}

impl Answer {
    /// `report`, cut to what an answer can hold.
    pub fn new(mut report: Report, told: Option<String>) -> Self {
        let root_activity_left_out = report.root_activity.len().saturating_sub(MAX_ACTIVITY);
        report.root_activity.truncate(MAX_ACTIVITY);
        Self { report, root_activity_left_out, told }
    }
}

/// One source, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceState {
    /// The source.
    pub source: Source,
    /// The Region, for root events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The instant its facts were true; `null` when there are none.
    pub as_of: Option<Timestamp>,
    /// Age at `taken_at`, in seconds, at least 0.
    pub age_seconds: Option<u64>,
    /// Why it could not be read, not whole, or not renewed.
    pub error: Option<Unavailable>,
}

impl Report {
    /// Judges `snapshot` by every control.
    pub fn generate(snapshot: &Snapshot, settings: &Settings) -> Self {
        Self {
            schema: "rootwatch.report/1",
            version: env!("CARGO_PKG_VERSION"),
            account: snapshot.account.clone(),
            taken_at: snapshot.taken_at,
            sources: sources(snapshot),
            root_events_since: snapshot.root_events.since,
            findings: CHECKLIST.iter().map(|control| Finding::of(control, snapshot, settings)).collect(),
            root_activity: snapshot.root_events.activity.clone(),
        }
    }

    /// Root activity that is told; services on behalf of root are only reported.
    pub fn told_activity(&self) -> impl Iterator<Item = &RootActivity> {
        self.root_activity.iter().filter(|act| act.is_told())
    }

    /// Findings with `status`, most severe first.
    pub fn findings_with(&self, status: Status) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().filter(|finding| finding.status == status).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    /// Whether people must hear of this run: root activity, a failure, or something that could not be read.
    pub fn is_worth_telling(&self) -> bool {
        self.told_activity().next().is_some()
            || self.findings.iter().any(|finding| matches!(finding.status, Status::Failed | Status::Unknown))
            || self.errors().next().is_some()
    }

    /// Everything that could not be read, not whole, or not renewed.
    pub fn errors(&self) -> impl Iterator<Item = &SourceState> {
        self.sources.iter().filter(|state| state.error.is_some())
    }

    /// The worst status among the findings of `step`; `NotApplicable` counts as passed beside others.
    pub fn status_of(&self, step: Step) -> Status {
        let of_step = self.findings.iter().filter(|finding| finding.step == step);
        of_step.map(|finding| finding.status).max().unwrap_or(Status::Unknown)
    }

    /// How many of the five steps neither fail nor are unknown.
    pub fn steps_passed(&self) -> usize {
        let passes = |step: &&Step| matches!(self.status_of(**step), Status::Passed | Status::NotApplicable);
        Step::ALL.iter().filter(passes).count()
    }

    /// The worst that is told: of root activity and failures; `Medium` when something could only not be read.
    pub fn severity(&self) -> Severity {
        let activity = self.told_activity().map(|act| act.severity);
        let failures = self.findings_with(Status::Failed).into_iter().map(|finding| finding.severity);
        activity.chain(failures).max().unwrap_or(Severity::Medium)
    }
}

fn sources(snapshot: &Snapshot) -> Vec<SourceState> {
    let state = |source, as_of: Option<Timestamp>, error: Option<&Unavailable>| SourceState {
        source,
        region: None,
        as_of,
        age_seconds: as_of.map(|at| snapshot.taken_at.duration_since(at).as_secs().try_into().unwrap_or(0)),
        error: error.cloned(),
    };
    let now = Some(snapshot.taken_at);
    let report = snapshot.credential_report.as_ref();
    let report_error =
        snapshot.root_row().err().or_else(|| report.ok().and_then(|report| report.renewal.clone().err()));
    let live = [
        (Source::AccountSummary, snapshot.account_summary.as_ref().err()),
        (Source::PasswordPolicy, snapshot.password_policy.as_ref().err()),
        (Source::Identities, snapshot.identities.as_ref().err()),
        (Source::VirtualMfaDevices, snapshot.virtual_mfa_devices.as_ref().err()),
        (Source::Administrators, snapshot.administrators.as_ref().err()),
        (Source::AccountAlias, snapshot.account_alias.as_ref().err()),
        (Source::Regions, snapshot.regions.as_ref().err()),
    ];
    let mut sources =
        vec![state(Source::CredentialReport, report.ok().map(|report| report.generated_at), report_error.as_ref())];
    sources.extend(live.map(|(source, error)| state(source, if error.is_some() { None } else { now }, error)));
    sources.extend(snapshot.root_events.regions.iter().map(|sweep| SourceState {
        region: Some(sweep.region.clone()),
        ..state(Source::RootEvents, if sweep.incomplete.is_some() { None } else { now }, sweep.incomplete.as_ref())
    }));
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(change: impl FnOnce(&mut Snapshot)) -> Report {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        Report::generate(&snapshot, &Settings::default())
    }

    #[test]
    fn a_compliant_account_is_not_worth_telling() {
        let report = report(|_| {});
        assert!(!report.is_worth_telling());
        assert_eq!(report.steps_passed(), 5);
    }

    #[test]
    fn a_failure_is_worth_telling_and_takes_its_step_down() {
        let report = report(|snapshot| snapshot.summary_mut().root_mfa = Ok(0));
        assert!(report.is_worth_telling());
        assert_eq!((report.steps_passed(), report.status_of(Step::RootMfa)), (4, Status::Failed));
        assert_eq!(report.severity(), Severity::Critical);
    }

    #[test]
    fn what_could_not_be_read_is_worth_telling_even_when_no_control_needs_it() {
        let report = report(|snapshot| snapshot.account_alias = Snapshot::blind().account_alias);
        assert!(report.is_worth_telling());
        assert_eq!((report.steps_passed(), report.severity()), (5, Severity::Medium));
    }

    #[test]
    fn the_credential_report_carries_its_age_and_a_clock_behind_it_gives_none_below_zero() {
        assert_eq!(report(|_| {}).sources[0].age_seconds, Some(7_200));
        let ahead = report(|snapshot| {
            snapshot.credential_report.as_mut().unwrap().generated_at =
                snapshot.taken_at() + jiff::SignedDuration::from_mins(1);
        });
        assert_eq!(ahead.sources[0].age_seconds, Some(0));
    }

    #[test]
    fn everything_that_could_not_be_read_is_listed_once() {
        assert_eq!(report(|_| {}).errors().count(), 0);
        let blind = Report::generate(&Snapshot::blind(), &Settings::default());
        let sources: Vec<Source> = blind.errors().map(|state| state.source).collect();
        assert!(sources.is_sorted() && sources.len() == 9, "{sources:?}");
    }

    #[test]
    fn cr_14_a_report_that_could_not_be_renewed_is_used_and_said() {
        let report = report(|snapshot| {
            let denied = Snapshot::blind().credential_report.map(drop);
            snapshot.credential_report.as_mut().unwrap().renewal = denied;
        });
        assert_eq!((report.steps_passed(), report.errors().count()), (5, 1));
        assert_eq!(report.sources[0].age_seconds, Some(7_200));
    }

    #[test]
    fn a_stale_report_or_a_missing_root_row_is_said_of_the_source() {
        let stale = report(|snapshot| {
            snapshot.credential_report.as_mut().unwrap().generated_at = Timestamp::UNIX_EPOCH;
        });
        assert!(stale.sources[0].error.is_some() && stale.sources[0].as_of.is_some());
        let no_row = report(|snapshot| {
            snapshot.credential_report.as_mut().unwrap().root = Err(crate::credential_report::ReportError::NoRootRow);
        });
        assert!(no_row.sources[0].error.is_some());
    }

    #[test]
    fn an_answer_lists_a_thousand_acts_and_counts_the_others() {
        let record = include_str!("../samples/records/18-root-readonly-list-buckets.json");
        let event = crate::root_activity::TrailEvent {
            record: Some(record.into()),
            ..crate::root_activity::TrailEvent::default()
        };
        let act = RootActivity::classify(&event, &Snapshot::compliant().account).unwrap();
        let answer =
            |count| Answer::new(report(|snapshot| snapshot.root_events.activity = vec![act.clone(); count]), None);
        assert_eq!((answer(1_000).report.root_activity.len(), answer(1_000).root_activity_left_out), (1_000, 0));
        assert_eq!((answer(1_007).report.root_activity.len(), answer(1_007).root_activity_left_out), (1_000, 7));
    }

    #[test]
    fn the_answer_as_json() {
        let report = report(|snapshot| {
            snapshot.summary_mut().root_access_keys = Ok(1);
            snapshot.identities = Snapshot::blind().identities;
        });
        insta::assert_snapshot!(serde_json::to_string_pretty(&Answer::new(report, None)).unwrap());
    }
}
