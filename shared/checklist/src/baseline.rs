//! Facts that change rarely are read once an hour. A check between two readings takes over the findings that rest on them, each with
//! its age; it opens, reminds of and resolves nothing by them.

use std::collections::BTreeSet;

use facts::root_activity::RootActivity;
use facts::text;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::finding::Finding;
use crate::settings::Settings;
use crate::source_state::SourceState;

/// How often the facts are read.
const HOUR: i64 = 3_600;
/// A check in the first quarter of an hour reads them whatever is remembered: an edited item in the table does not last.
const ALWAYS: i64 = 900;

/// Findings by facts that change rarely, as the last reading left them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Version of rootwatch that evaluated.
    version: String,
    /// The settings and declarations that it evaluated by.
    chosen: String,
    /// When the facts were read.
    pub read_at: Timestamp,
    /// One a control that needs such a fact.
    findings: Vec<Finding>,
    /// The sources, with their age or why they could not be read.
    sources: Vec<SourceState>,
}

impl Baseline {
    /// Those of `findings` and `sources` that rest on facts that change rarely, evaluated by `settings`; `None` where they do not fit into an
    /// item, or would not count there: then they are read again each time.
    pub(crate) fn new(
        read_at: Timestamp,
        settings: &Settings,
        findings: &[Finding],
        sources: &[SourceState],
    ) -> Option<Self> {
        let kept = Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            chosen: chosen(settings),
            read_at,
            findings: findings.iter().filter(|finding| finding.is_hourly()).cloned().collect(),
            sources: sources.iter().filter(|state| state.source.is_hourly()).cloned().collect(),
        };
        let fits = serde_json::to_vec(&kept).is_ok_and(|body| body.len() <= Self::MAX_BYTES);
        (fits && kept.is_sound(read_at)).then_some(kept)
    }

    /// Bytes of it as JSON.
    pub const MAX_BYTES: usize = 150_000;

    /// Whether a check at `now` may take it over: of the same hour, version and choices, with a finding for each control.
    pub fn holds(&self, now: Timestamp, settings: &Settings) -> bool {
        let needed = settings.selection.controls().filter(|control| control.is_hourly());
        self.read_at <= now
            && now.as_second().div_euclid(HOUR) == self.read_at.as_second().div_euclid(HOUR)
            && now.as_second().rem_euclid(HOUR) >= ALWAYS
            && self.version == env!("CARGO_PKG_VERSION")
            && self.chosen == chosen(settings)
            && needed.into_iter().all(|control| self.finding(control).is_some())
    }

    /// Whether root did something since that may have changed a fact.
    pub fn is_outdated_by(&self, activity: &[RootActivity]) -> bool {
        activity.iter().any(|act| !act.is_calm() && act.time.is_none_or(|at| at > self.read_at))
    }

    /// The finding of `control`, if it rests on a fact that changes rarely.
    pub(crate) fn finding(&self, control: &Control) -> Option<&Finding> {
        self.findings.iter().find(|finding| control.is_hourly() && finding.control == control.id)
    }

    /// The sources, with their age at `now`.
    pub(crate) fn sources(&self, now: Timestamp) -> impl Iterator<Item = SourceState> {
        let aged = move |state: &SourceState| SourceState {
            age_seconds: state.as_of.map(|at| now.duration_since(at).as_secs().try_into().unwrap_or(0)),
            ..state.clone()
        };
        self.sources.iter().map(aged)
    }

    /// Whether a check may have written it by `latest`.
    pub fn is_sound(&self, latest: Timestamp) -> bool {
        let of_findings = self.findings.iter().flat_map(|finding| {
            finding.judged_by.values().chain(finding.evidence.iter().map(|evidence| &evidence.as_of))
        });
        let mut times = of_findings.chain(self.sources.iter().filter_map(|state| state.as_of.as_ref()));
        let texts = self.findings.iter().flat_map(|finding| {
            let evidence = finding.evidence.iter().flat_map(|evidence| [&evidence.fact, &evidence.value]);
            [&finding.reason].into_iter().chain(&finding.resources).chain(evidence)
        });
        let controls: BTreeSet<&str> = self.findings.iter().map(|finding| finding.control).collect();
        self.read_at <= latest
            && times.all(|at| at.duration_since(self.read_at) <= SignedDuration::ZERO)
            && texts.flat_map(|text| text.chars()).all(|char| !text::is_unprintable(char))
            && controls.len() == self.findings.len()
            && self.sources.iter().all(|state| state.source.is_hourly())
    }

    /// Whether another version of rootwatch wrote `body`: it counts for nothing, and is no tampering.
    pub fn is_of_another_version(body: &str) -> bool {
        #[derive(Deserialize)]
        struct Versioned {
            version: String,
        }
        let versioned: Option<Versioned> = serde_json::from_str(body).ok();
        versioned.is_some_and(|versioned| versioned.version != env!("CARGO_PKG_VERSION"))
    }
}

/// What changes a verdict beside the facts.
fn chosen(settings: &Settings) -> String {
    serde_json::to_string(&(settings, &settings.declarations)).unwrap_or_default()
}

impl Control {
    /// Whether it needs a fact that is read once an hour.
    pub fn is_hourly(&self) -> bool {
        self.sources.iter().any(|source| source.is_hourly())
    }
}

impl Finding {
    fn is_hourly(&self) -> bool {
        crate::controls::control(self.control).is_some_and(Control::is_hourly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::{CHECKLIST, alert_path, root_use_recorded};
    use crate::report::Report;
    use facts::Severity;
    use facts::root_activity::Kind;
    use facts::snapshot::Snapshot;
    use facts::source::{Cause, Source, Unavailable};
    use facts::testing::act;
    use facts::verdict::Status;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn ten(minutes: i64) -> Timestamp {
        "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap() + MINUTE * i32::try_from(minutes).unwrap()
    }

    /// A compliant account at `at` in which one thing was changed.
    fn snapshot(at: Timestamp, change: impl FnOnce(&mut Snapshot)) -> Snapshot {
        let mut snapshot = Snapshot { taken_at: at, ..Snapshot::compliant() };
        change(&mut snapshot);
        snapshot
    }

    fn without_contacts(snapshot: &mut Snapshot) {
        snapshot.primary_contact = Ok(None);
    }

    /// A check that reads what is read in each of them.
    fn often(at: Timestamp) -> Snapshot {
        snapshot(at, |snapshot| {
            snapshot.support_access = Err(Unavailable::not_asked(Source::SupportAccess));
            snapshot.identity_center = Err(Unavailable::not_asked(Source::IdentityCenter));
            snapshot.primary_contact = Err(Unavailable::not_asked(Source::PrimaryContact));
            snapshot.analyzers = Err(Unavailable::not_asked(Source::Analyzers));
        })
    }

    fn kept(change: impl FnOnce(&mut Snapshot)) -> Baseline {
        Report::generate(&snapshot(ten(5), change), &Settings::compliant()).baseline().unwrap()
    }

    fn status(report: &Report, control: &str) -> Status {
        report.findings.iter().find(|finding| finding.control == control).unwrap().status
    }

    #[test]
    fn no_step_and_nothing_of_the_alert_path_rests_on_a_fact_that_is_read_once_an_hour() {
        for control in CHECKLIST.iter().filter(|control| control.is_hourly()) {
            assert_eq!(control.step, None, "{}", control.id);
            assert!(![alert_path::CONTROL.id, root_use_recorded::CONTROL.id].contains(&control.id));
        }
        let hourly = Source::ALL.iter().filter(|source| source.is_hourly());
        assert!(hourly.clone().all(|source| source.is_of_baseline()) && hourly.count() > 0);
    }

    #[test]
    fn a_later_check_of_the_hour_takes_over_the_findings_with_their_age_and_evaluates_the_others() {
        let kept = kept(without_contacts);
        let mut later = often(ten(20));
        later.summary_mut().root_mfa = Ok(0);
        let report = Report::with(Some(&kept), &later, &Settings::compliant());
        assert_eq!((report.baseline_as_of, report.taken_at), (ten(5), ten(20)));
        let of = |control| status(&report, control);
        assert_eq!(
            [of("contact-information"), of("access-analyzer"), of("root-mfa")],
            [Status::Failed, Status::Passed, Status::Failed]
        );
        for finding in report.findings.iter().filter(|finding| finding.is_hourly()) {
            let mut times = finding.judged_by.values().chain(finding.evidence.iter().map(|evidence| &evidence.as_of));
            assert!(times.all(|at| *at <= ten(5)), "{} is newer than its evidence", finding.control);
        }
        let ages = report.sources.iter().filter(|state| state.source.is_hourly()).map(|state| state.age_seconds);
        assert!(ages.collect::<BTreeSet<_>>() == BTreeSet::from([Some(900)]));
        let live = report.sources.iter().find(|state| state.source == Source::AccountSummary).unwrap();
        assert_eq!(live.age_seconds, Some(0));
        assert!(report.is_whole() && report.errors().count() == 0);
        assert_eq!(report.baseline(), None, "what was taken over is not handed on");
    }

    #[test]
    fn it_holds_until_the_hour_ends_and_never_in_its_first_quarter() {
        let (kept, settings) = (kept(|_| {}), Settings::compliant());
        let holds = |minutes| kept.holds(ten(minutes), &settings);
        assert_eq!(
            [4, 5, 14, 15, 59, 60, 61, 75, 120].map(holds),
            [false, false, false, true, true, false, false, false, false]
        );
        let early = Baseline { read_at: ten(50), ..kept.clone() };
        assert!(!early.holds(ten(45), &settings), "a reading still to come");
    }

    #[test]
    fn another_version_other_choices_and_a_missing_finding_hold_nothing() {
        let (kept, settings) = (kept(|_| {}), Settings::compliant());
        assert!(!Baseline { version: "0.0.0".into(), ..kept.clone() }.holds(ten(20), &settings));
        assert!(!kept.holds(ten(20), &Settings { allowed_regions: vec!["ap-east-1".into()], ..settings.clone() }));
        assert!(!kept.holds(ten(20), &Settings { declarations: Default::default(), ..settings.clone() }));
        let mut less = kept.clone();
        less.findings.pop();
        assert!(!less.holds(ten(20), &settings));
    }

    #[test]
    fn a_change_that_root_made_since_makes_it_old_and_calls_that_read_do_not() {
        let kept = kept(|_| {});
        let is_outdated = |kind, at| kept.is_outdated_by(&[act(kind, at)]);
        assert!(is_outdated(Kind::WriteCall, Some(ten(6))) && is_outdated(Kind::WriteCall, None));
        assert!(!is_outdated(Kind::WriteCall, Some(ten(5))) && !is_outdated(Kind::ReadOnlyCall, Some(ten(6))));
        let central = |severity| RootActivity { severity, ..act(Kind::CentralizedRootTask, Some(ten(6))) };
        let is_outdated = |severity| kept.is_outdated_by(&[central(severity)]);
        assert!(is_outdated(Severity::Medium) && !is_outdated(Severity::Informational), "central root access");
    }

    #[test]
    fn an_error_that_may_pass_is_not_kept_and_one_that_lasts_is() {
        let of = |cause: Cause| {
            let failed = snapshot(ten(5), |snapshot| {
                let operation = "account:GetContactInformation".into();
                snapshot.primary_contact = Err(Unavailable { source: Source::PrimaryContact, operation, cause });
            });
            Report::generate(&failed, &Settings::compliant()).baseline()
        };
        assert_eq!(of(Cause::TimedOut), None);
        let kept = of(Cause::Denied { code: "AccessDenied".into() }).unwrap();
        let report = Report::with(Some(&kept), &often(ten(20)), &Settings::compliant());
        assert_eq!(status(&report, "contact-information"), Status::Unknown);
        assert_eq!(report.errors().map(|state| state.source).collect::<Vec<_>>(), [Source::PrimaryContact]);
        let narrow = snapshot(ten(5), |snapshot| snapshot.is_narrow = true);
        assert_eq!(Report::generate(&narrow, &Settings::compliant()).baseline(), None);
    }
}
