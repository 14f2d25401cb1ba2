//! All findings of a run: the function's answer. Its JSON Schema is `docs/report.schema.json`.

use std::collections::BTreeMap;
use std::fmt;

use facts::account::Account;
use facts::call::Call;
use facts::root_activity::RootActivity;
use facts::snapshot::Snapshot;
use facts::source::{Cause, Source};
use facts::verdict::Status;
use facts::watch::{Arrival, Watch};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::control::{Control, Step};
use crate::controls;
use crate::declarations::Declarations;
use crate::finding::Finding;
use crate::settings::{Refused, Settings};
use crate::source_state::{self, SourceState};
use crate::summary::Summary;
use crate::users::{self, User};

/// The evaluation of one account at one instant, with its provenance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// `rootwatch.report/1`; the number changes when a field changes its meaning or goes.
    pub schema: &'static str,
    /// Version of rootwatch.
    pub version: &'static str,
    /// What was chosen that changes verdicts; declarations and what was left out stand below.
    pub settings: Settings,
    /// The account.
    pub account: Account,
    /// When the reading began.
    pub taken_at: Timestamp,
    /// When the facts of the account baseline were read that change rarely; before `taken_at`, where an earlier check read them.
    pub baseline_as_of: Timestamp,
    /// Each source with its age, or why it could not be read; root events have an entry a Region.
    pub sources: Vec<SourceState>,
    /// Start of the span in which root's events were looked up; its end is `taken_at`.
    pub root_events_since: Timestamp,
    /// How many controls pass.
    pub score: Score,
    /// One a chosen control, in the order of the checklist; in the function's answer what fails stands first, the worst at the top,
    /// then what is unknown, then what is suppressed.
    pub findings: Vec<Finding>,
    /// Ids of the controls that were disabled, and so not evaluated.
    pub left_out: Vec<&'static str>,
    /// What root did: most severe first, then newest.
    pub root_activity: Vec<RootActivity>,
    /// IAM users that a finding names, by name.
    pub users: Vec<User>,
    /// How many IAM users the account has; `null` when that could not be read.
    pub users_in_account: Option<usize>,
    /// Root's credentials: password, access key, signing certificate; `null` when not all could be seen.
    pub root_credentials: Option<Vec<String>>,
    /// Whether a subscription is confirmed; `null` when no alert is to be sent, or when it could not be read.
    pub subscribed: Option<bool>,
    /// Somebody asked for fewer Regions or a shorter look-back than is usual: nothing counts as resolved by this run.
    pub is_narrow: bool,
    /// What the owner of the account states: exceptions and attestations.
    pub declarations: Declarations,
    /// Settings, and entries of them, that cannot be read. They are ignored, and are no reason for a check to be incomplete.
    pub refused_settings: Vec<Refused>,
    /// The newest canary that arrived of each Region, before this check.
    pub canaries: BTreeMap<String, Arrival>,
    /// When the oldest canary was sent that the next check waits for, by Region.
    #[serde(skip)]
    pub canaries_awaited: BTreeMap<String, Timestamp>,
    /// Every call to AWS that the report rests on, in the order of their ends.
    pub calls: Vec<Call>,
}

/// How many controls pass. What is suppressed counts as not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Score {
    /// Steps that neither fail nor are unknown; always of 5.
    pub five_steps: Tally,
    /// Controls of the account baseline that pass; those that do not apply are not counted.
    pub baseline: Tally,
    /// Controls that could not be evaluated.
    pub unknown: usize,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tally {
    /// That pass.
    pub passed: usize,
    /// In all.
    pub of: usize,
}

/// `five steps: 4 of 5 · baseline: 15 of 20 · unknown: 1`
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { five_steps, baseline, unknown } = self;
        write!(f, "five steps: {five_steps} · baseline: {baseline} · unknown: {unknown}")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.passed, self.of)
    }
}

impl Report {
    /// Judges `snapshot` by every control.
    pub fn generate(snapshot: &Snapshot, settings: &Settings) -> Self {
        Self::with(None, snapshot, settings)
    }

    /// The same with the findings of `baseline`, whose facts were not read for `snapshot`.
    pub fn with(baseline: Option<&Baseline>, snapshot: &Snapshot, settings: &Settings) -> Self {
        let mut sources = source_state::of(snapshot);
        sources.retain(|state| baseline.is_none() || !state.source.is_hourly());
        sources.extend(baseline.into_iter().flat_map(|baseline| baseline.sources(snapshot.taken_at)));
        sources.sort_by_key(|state| state.source);
        let evaluated = |control: &'static Control| {
            let kept = baseline.and_then(|baseline| baseline.finding(control)).cloned();
            let evaluated = kept.unwrap_or_else(|| Finding::of(control, snapshot, settings));
            finished(evaluated, control, snapshot, settings, &sources)
        };
        let findings: Vec<Finding> = settings.selection.controls().map(evaluated).collect();
        Self {
            schema: "rootwatch.report/1",
            version: env!("CARGO_PKG_VERSION"),
            settings: settings.clone(),
            account: snapshot.account.clone(),
            taken_at: snapshot.taken_at,
            baseline_as_of: baseline.map_or(snapshot.taken_at, |baseline| baseline.read_at),
            sources,
            root_events_since: snapshot.root_events.since,
            score: score(&findings),
            left_out: settings.selection.not_chosen().collect(),
            root_activity: snapshot.root_events.activity.clone(),
            root_credentials: root_credentials(snapshot),
            subscribed: snapshot.subscribed.as_ref().and_then(|subscribed| subscribed.as_ref().ok().copied()),
            is_narrow: snapshot.is_narrow,
            declarations: settings.declarations.clone(),
            refused_settings: settings.refused.clone(),
            users: users::named(snapshot, &findings),
            users_in_account: snapshot.identities.as_ref().ok().map(|identities| identities.users.len()),
            canaries: snapshot.watch.iter().flat_map(Watch::arrived).collect(),
            canaries_awaited: snapshot.watch.as_ref().map(|watch| watch.awaits(snapshot.taken_at)).unwrap_or_default(),
            calls: snapshot.calls.clone(),
            findings,
        }
    }

    /// Whether an earlier check read `source`.
    pub fn is_kept(&self, source: Source) -> bool {
        self.baseline_as_of != self.taken_at && source.is_hourly()
    }

    /// Whether an earlier check evaluated `control`.
    pub fn is_kept_finding(&self, control: &str) -> bool {
        controls::control(control).is_some_and(|control| control.sources.iter().any(|source| self.is_kept(*source)))
    }

    /// Root activity that sends an alert; calls by AWS services on behalf of root are only reported.
    pub fn told_activity(&self) -> impl Iterator<Item = &RootActivity> {
        self.root_activity.iter().filter(|act| act.is_told())
    }

    /// Findings with `status`, most severe first.
    pub fn findings_with(&self, status: Status) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().filter(|finding| finding.status == status).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    /// Whether all was read that watching root needs. The account's alias may be missing, what only the account baseline needs, the
    /// events of a Region that records no sign-ins and refuses us, the trails of a Region that does so while another one lists its own,
    /// and the rules of a Region that denies them and so forwards nothing. So may the events of a Region that records sign-ins once it has
    /// denied them for long, as long as another one of them is read. All of these are conditions of their own.
    pub fn is_whole(&self) -> bool {
        let sign_in = self.account.partition.sign_in_regions();
        let is_read = |state: &&SourceState| {
            state.source == Source::RootEvents && state.error.is_none() && state.region.is_some()
        };
        let read = || self.sources.iter().filter(is_read).filter_map(|state| state.region.as_deref());
        let is_one_read = read().any(|region| sign_in.contains(&region));
        !self.is_narrow
            && self.errors().all(|state| match (&state.source, &state.region, &state.error) {
                (Source::AccountAlias, _, _) => true,
                (source, _, _) if source.is_of_baseline() => true,
                (Source::Trails, _, Some(error)) => {
                    state.as_of.is_some() && matches!(error.cause, Cause::Denied { .. })
                }
                (Source::RootEvents, Some(region), Some(error)) => {
                    let is_given_up = is_one_read && state.denied_since.is_some();
                    (is_given_up || !sign_in.contains(&region.as_str())) && matches!(error.cause, Cause::Denied { .. })
                }
                (Source::Watch, Some(_), Some(error)) => matches!(error.cause, Cause::Denied { .. }),
                _ => false,
            })
    }

    /// The check in one sentence.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.findings, &self.sources, self.subscribed, self.is_narrow)
    }

    /// Whether root is watched, as far as that is known before anything is sent: all was read that this needs, every control of the five
    /// steps could be evaluated, and a subscription is confirmed.
    pub fn is_monitoring(&self) -> bool {
        let is_unknown = |finding: &Finding| finding.step.is_some() && finding.status == Status::Unknown;
        self.is_whole() && self.subscribed == Some(true) && !self.findings.iter().any(is_unknown)
    }

    /// Findings and sources that the checks of this hour take over; `None` where they had better read for themselves: this one is narrow, it
    /// has read nothing itself, or it met an error that may pass.
    pub fn baseline(&self) -> Option<Baseline> {
        let has_passing = self.errors().filter_map(|state| state.error.as_ref()).any(|error| error.cause.may_pass());
        if self.is_narrow || self.baseline_as_of != self.taken_at || has_passing {
            return None;
        }
        let settings = Settings {
            declarations: self.declarations.clone(),
            refused: self.refused_settings.clone(),
            ..self.settings.clone()
        };
        Baseline::new(self.taken_at, &settings, &self.findings, &self.sources)
    }

    /// Whether the run's time ended before all was read; the next run goes on from there.
    pub fn is_partial(&self) -> bool {
        self.errors().any(|state| state.error.as_ref().is_some_and(|error| error.cause == Cause::OutOfTime))
    }

    /// Everything that could not be read, not whole, or not renewed.
    pub fn errors(&self) -> impl Iterator<Item = &SourceState> {
        self.sources.iter().filter(|state| state.error.is_some())
    }

    /// The worst status among the findings of `step`, `None` for the account baseline; `NotApplicable` counts as passed beside
    /// others. `Unknown` where all of them are left out.
    pub fn status_of(&self, step: Option<Step>) -> Status {
        status_of(&self.findings, step)
    }
}

/// The same of `findings`.
pub fn status_of(findings: &[Finding], step: Option<Step>) -> Status {
    let of_step = findings.iter().filter(|finding| finding.step == step);
    of_step.map(|finding| finding.status).max().unwrap_or(Status::Unknown)
}

fn score(findings: &[Finding]) -> Score {
    let passes = |step: &&Step| matches!(status_of(findings, Some(**step)), Status::Passed | Status::NotApplicable);
    let baseline = || findings.iter().filter(|finding| finding.step.is_none());
    Score {
        five_steps: Tally { passed: Step::ALL.iter().filter(passes).count(), of: Step::ALL.len() },
        baseline: Tally {
            passed: baseline().filter(|finding| finding.status == Status::Passed).count(),
            of: baseline().filter(|finding| finding.status != Status::NotApplicable).count(),
        },
        unknown: findings.iter().filter(|finding| finding.status == Status::Unknown).count(),
    }
}

/// `finding` with what it does not hold of itself: the remedy of what is unknown, and the exceptions in force.
fn finished(
    mut finding: Finding,
    control: &Control,
    snapshot: &Snapshot,
    settings: &Settings,
    sources: &[SourceState],
) -> Finding {
    if finding.status == Status::Unknown {
        let unread = sources.iter().filter(|state| control.sources.contains(&state.source));
        finding.remedy = control.made_readable(unread.filter_map(|state| state.error.as_ref()));
    }
    let of_it = settings.declarations.exceptions_for(control.id, snapshot.taken_at);
    let names = |resource: &Option<String>| resource.as_ref().is_none_or(|name| finding.resources.contains(name));
    finding.exceptions = of_it.filter(|exception| names(&exception.resource)).cloned().collect();
    finding
}

fn root_credentials(snapshot: &Snapshot) -> Option<Vec<String>> {
    let summary = snapshot.account_summary.as_ref().ok()?;
    let counters = [
        ("password", &summary.root_password),
        ("access key", &summary.root_access_keys),
        ("signing certificate", &summary.root_signing_certificates),
    ];
    let present = counters.iter().filter(|(_, counter)| counter.as_ref().is_ok_and(|count| *count > 0));
    let present: Vec<String> = present.map(|(name, _)| (*name).to_owned()).collect();
    let all_known = counters.iter().all(|(_, counter)| counter.is_ok());
    (all_known || !present.is_empty()).then_some(present)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Selection;
    use facts::account_summary::AccountSummary;
    use facts::bucket::Bucket;
    use facts::source::Unavailable;

    fn report(change: impl FnOnce(&mut Snapshot)) -> Report {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        Report::generate(&snapshot, &Settings::compliant())
    }

    #[test]
    fn a_compliant_account_passes_every_step() {
        let report = report(|_| {});
        assert_eq!((report.score.five_steps.passed, report.is_whole()), (5, true));
    }

    fn report_of_audit(change: impl FnOnce(&mut Snapshot)) -> Report {
        let mut snapshot = Snapshot::audited();
        change(&mut snapshot);
        let settings = Settings { selection: Selection::of_root_audit(), ..Settings::default() };
        Report::generate(&snapshot, &settings)
    }

    #[test]
    fn the_report_of_an_audit_lists_what_was_read_and_nothing_else() {
        let report = report_of_audit(|_| {});
        let sources: Vec<Source> = report.sources.iter().map(|state| state.source).collect();
        assert_eq!(sources, [Source::AccountSummary, Source::RootAudit]);
        assert_eq!((report.errors().count(), report.findings.len(), report.is_whole()), (0, 6, true));
        assert_eq!((report.left_out.len(), report.root_credentials), (controls::CHECKLIST.len() - 6, Some(Vec::new())));
    }

    #[test]
    fn a_part_of_an_audit_that_could_not_be_read_is_a_read_error_and_the_check_is_incomplete() {
        let report = report_of_audit(|snapshot| {
            snapshot.audit_mut().mfa_devices = Err(facts::testing::unavailable(Source::RootAudit));
        });
        assert_eq!(report.errors().map(|state| state.source).collect::<Vec<_>>(), [Source::RootAudit]);
        assert!(!report.is_whole());
    }

    #[test]
    fn a_failure_takes_its_step_down() {
        let report = report(|snapshot| snapshot.summary_mut().root_mfa = Ok(0));
        assert_eq!((report.score.five_steps.passed, report.status_of(Some(Step::RootMfa))), (4, Status::Failed));
    }

    #[test]
    fn a_report_is_whole_without_the_alias_and_without_a_region_that_refuses_us_and_records_no_sign_ins() {
        let denied = Cause::Denied { code: "AccessDenied".into() };
        let region = |name: &str, cause: &Cause| {
            report(|snapshot| {
                snapshot.account_alias = Snapshot::blind().account_alias;
                let sweep = &mut snapshot.root_events.regions[0];
                sweep.region = name.into();
                let operation = String::from("cloudtrail:LookupEvents");
                sweep.incomplete = Some(Unavailable { source: Source::RootEvents, operation, cause: cause.clone() });
            })
            .is_whole()
        };
        assert!(region("eu-west-1", &denied));
        assert!(!region("us-east-2", &denied), "sign-ins are recorded there");
        assert!(!region("eu-west-1", &Cause::OutOfTime), "a part of a run");
        assert!(!Report::generate(&Snapshot::blind(), &Settings::default()).is_whole());
        assert!(!report(|snapshot| snapshot.subscribed = Snapshot::blind().subscribed).is_whole());
    }

    #[test]
    fn a_report_is_whole_without_the_rules_of_a_region_that_denies_them_and_not_without_those_at_home() {
        let unread = |number: usize, cause: &Cause| {
            report(|snapshot| {
                let rule = &mut snapshot.watch.as_mut().unwrap().rules[number];
                let operation = format!("events:ListRules in {}", rule.region);
                rule.state = Err(Unavailable { source: Source::Watch, operation, cause: cause.clone() });
            })
        };
        let denied = Cause::Denied { code: "AccessDeniedException".into() };
        let report = unread(3, &denied);
        assert!(report.is_whole(), "no events can be forwarded from there: a finding, not a read error");
        let state = report.errors().next().unwrap();
        assert_eq!((state.source, state.region.as_deref()), (Source::Watch, Some("us-east-1")));
        assert!(!unread(3, &Cause::TimedOut).is_whole() && !unread(0, &denied).is_whole());
    }

    #[test]
    fn a_report_is_whole_without_the_trails_of_a_region_that_refuses_us_while_another_one_lists_its_own() {
        let unlisted = |cause: Cause| {
            let operation = String::from("cloudtrail:DescribeTrails in us-east-2");
            let why = Unavailable { source: Source::Trails, operation, cause };
            report(|snapshot| drop(snapshot.trails_unlisted.insert("us-east-2".into(), why)))
        };
        let denied = unlisted(Cause::Denied { code: "AccessDenied".into() });
        assert!(denied.is_whole() && !unlisted(Cause::TimedOut).is_whole());
        let state = denied.errors().next().unwrap();
        assert_eq!((state.source, state.as_of), (Source::Trails, Some(denied.taken_at)), "there, and not whole");
    }

    #[test]
    fn a_report_is_whole_without_what_only_the_baseline_needs_and_says_what_is_missing() {
        for source in Source::ALL.iter().filter(|source| source.is_of_baseline() && **source != Source::Attestations) {
            let report = report(|snapshot| snapshot.blind_to(*source));
            assert!(report.is_whole(), "{source}");
            assert_eq!(report.errors().map(|state| state.source).collect::<Vec<_>>(), [*source]);
        }
        assert!(Source::RolesAndPolicies.is_of_baseline() && !Source::RootEvents.is_of_baseline());
        for source in [Source::CredentialReport, Source::Trails, Source::Identities] {
            assert!(!report(|snapshot| snapshot.blind_to(source)).is_whole(), "{source}");
        }
    }

    #[test]
    fn a_source_that_was_not_asked_for_is_neither_listed_nor_missing() {
        let report = report(|snapshot| {
            snapshot.budgets = Err(Unavailable::not_asked(Source::Budgets));
            snapshot.trails = Err(Unavailable::not_asked(Source::Trails));
        });
        assert_eq!(report.errors().count(), 0);
        assert!(!report.sources.iter().any(|state| [Source::Budgets, Source::Trails].contains(&state.source)));
    }

    #[test]
    fn a_bucket_that_another_account_denies_is_no_failure_to_read_and_one_that_is_throttled_is() {
        let errors = |cause: Cause| {
            let operation = String::from("s3:GetBucketPublicAccessBlock of acme-prod-trail");
            let exposure = Err(Unavailable { source: Source::TrailBuckets, operation, cause });
            report(|snapshot| snapshot.trail_buckets = Ok(vec![Bucket { name: "acme-prod-trail".into(), exposure }]))
                .errors()
                .count()
        };
        assert_eq!(errors(Cause::Denied { code: "AccessDenied".into() }), 0);
        assert_eq!(errors(Cause::Throttled { code: "SlowDown".into() }), 1);
    }

    #[test]
    fn rt_1_a_report_is_partial_when_time_ended_and_not_when_something_else_did() {
        let cut_short = |cause: Cause| {
            report(|snapshot| {
                let operation = String::from("iam:GetAccountPasswordPolicy");
                snapshot.password_policy = Err(Unavailable { source: Source::PasswordPolicy, operation, cause });
            })
        };
        assert!(cut_short(Cause::OutOfTime).is_partial());
        assert!(!cut_short(Cause::TimedOut).is_partial());
    }

    #[test]
    fn the_credentials_of_root_are_known_when_all_are_or_one_is_there() {
        let of = |change: fn(&mut facts::account_summary::AccountSummary)| {
            report(|snapshot| change(snapshot.summary_mut())).root_credentials
        };
        let unknown = || AccountSummary::from_counters(|_| None).root_password;
        assert_eq!(of(|_| {}), Some(vec!["password".to_owned()]));
        assert_eq!(of(|summary| summary.root_password = Ok(0)), Some(Vec::new()));
        assert_eq!(report(|snapshot| snapshot.summary_mut().root_password = unknown()).root_credentials, None);
        let key = report(|snapshot| {
            snapshot.summary_mut().root_password = unknown();
            snapshot.summary_mut().root_access_keys = Ok(1);
        });
        assert_eq!(key.root_credentials, Some(vec!["access key".to_owned()]));
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
        let is_read = |source: &&Source| **source != Source::Attestations && !source.is_of_member();
        let expected = Source::ALL.iter().filter(is_read);
        assert_eq!(sources.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn cr_14_a_report_that_could_not_be_renewed_is_used_and_said() {
        let report = report(|snapshot| {
            let denied = Snapshot::blind().credential_report.map(drop);
            snapshot.credential_report.as_mut().unwrap().renewal = denied;
        });
        assert_eq!((report.score.five_steps.passed, report.errors().count()), (5, 1));
        assert_eq!(report.sources[0].age_seconds, Some(7_200));
    }

    #[test]
    fn a_stale_report_or_a_missing_root_row_is_said_of_the_source() {
        let stale = report(|snapshot| {
            snapshot.credential_report.as_mut().unwrap().generated_at = Timestamp::UNIX_EPOCH;
        });
        assert!(stale.sources[0].error.is_some() && stale.sources[0].as_of.is_some());
        let no_row = report(|snapshot| {
            snapshot.credential_report.as_mut().unwrap().root = Err(facts::credential_report::ReportError::NoRootRow);
        });
        assert!(no_row.sources[0].error.is_some());
    }

    #[test]
    fn the_hash_of_the_credential_report_stands_beside_that_source_alone() {
        let report = report(|snapshot| snapshot.credential_report.as_mut().unwrap().sha256 = Some("5ea1".into()));
        let hashes: Vec<_> =
            report.sources.iter().filter_map(|state| Some((state.source, state.sha256.as_deref()?))).collect();
        assert_eq!(hashes, [(Source::CredentialReport, "5ea1")]);
    }
}
