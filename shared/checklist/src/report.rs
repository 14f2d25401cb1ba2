//! All findings of a run: the function's answer. Its JSON Schema is `docs/report.schema.json`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::alert::{Alert, Plan};
use crate::analyzers::RegionAnalyzers;
use crate::baseline::Baseline;
use crate::bucket::Bucket;
use crate::control::{Control, Step};
use crate::controls;
use crate::declarations::Declarations;
use crate::finding::{Finding, Status};
use crate::framework::View;
use crate::root_activity::RootActivity;
use crate::settings::{Refused, Settings};
use crate::snapshot::{Cause, Snapshot, Source, Unavailable};
use crate::summary::Summary;
use crate::text::counted;
use crate::trails::Trail;
use crate::users::{self, User};
use crate::watch::{Arrival, Watch};

/// Most root activity, and most alerts, that the answer lists.
const MAX_ACTIVITY: usize = 1_000;

/// Most bytes of the answer. Lambda hands at most 1 MB to a destination, with the request and an envelope around the answer
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const MAX_BYTES: usize = 900_000;
/// What [`Answer::cut`] takes at most.
const FOR_CUT: usize = 512;
/// So many of each list are kept as long as another has more: what is large goes first.
const KEPT: usize = 500;
/// The same of announced uses of root.
const KEPT_PLANS: usize = 50;
/// The same of the resources of a finding.
const KEPT_RESOURCES: usize = 100;

/// The judgement of one account at one instant, with its provenance.
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
    /// then what is unknown, then what is excepted.
    pub findings: Vec<Finding>,
    /// Ids of the controls that were not chosen, and so not judged.
    pub left_out: Vec<&'static str>,
    /// What root did: most severe first, then newest.
    pub root_activity: Vec<RootActivity>,
    /// IAM users that a finding names, by name.
    pub users: Vec<User>,
    /// How many IAM users the account has; `null` when that could not be read.
    pub users_in_account: Option<usize>,
    /// Root's credentials: password, access key, signing certificate; `null` when not all could be seen.
    pub root_credentials: Option<Vec<String>>,
    /// Whether somebody has confirmed a subscription; `null` when nobody is to be told, or it could not be seen.
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

/// A call to AWS, as AWS support and CloudTrail know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Call {
    /// What was called, as `IAM.GetAccountSummary`.
    pub operation: String,
    /// Region whose endpoint was called.
    pub region: String,
    /// The id that AWS gave it; `null` when it gave none, or did not answer.
    pub request_id: Option<String>,
    /// When its last attempt ended.
    pub at: Timestamp,
    /// HTTP status of the last answer; `null` without one.
    pub status: Option<u16>,
}

/// What the function answers: the report, and what people were told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// The check in one sentence: `INCOMPLETE: …` with what is unknown, root's controls first; else what fails, or what is suppressed.
    pub headline: String,
    /// The judgement; of root activity at most the first 1,000, and of every list what [`Self::cut`] leaves.
    #[serde(flatten)]
    pub report: Report,
    /// What this run found to be news; in a dry run, what would be told. At most the first 1,000.
    pub alerts: Vec<Alert>,
    /// SNS's ids of the messages that this run published, also for an earlier run; empty when there was nothing to tell.
    pub told: Vec<String>,
    /// Alerts that are kept until they can be told; `null` when the state store could not be read.
    pub untold: Option<usize>,
    /// The findings by the numbers of a framework, where the event asked for one.
    pub framework: Option<View>,
    /// The run's time ended before all was read; the next run goes on from there.
    pub partial: bool,
    /// Everything that must be read was read, and everything that had to be told was told: the run may send a heartbeat.
    pub complete: bool,
    /// Announced uses of root that are remembered.
    pub plans: Vec<Plan>,
    /// Items of the state table that no check has written so, and that count for nothing.
    #[serde(default)]
    pub odd_items: usize,
    /// How many of a field's entries were left out, by the field's name, so that the answer fits into what Lambda passes on;
    /// `resources`: those of all findings together.
    pub cut: BTreeMap<String, usize>,
    /// The report before this one; `null` in the function's answer, as only who keeps reports knows.
    pub previous: Option<Previous>,
}

/// The report before a report: who removes or edits one breaks this chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Previous {
    /// Where it lies in the bucket.
    pub key: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

impl Answer {
    /// `report` and `alerts`, of root's acts and of alerts at most the first 1,000.
    pub fn new(mut report: Report, mut alerts: Vec<Alert>) -> Self {
        let mut cut = BTreeMap::new();
        for (name, count) in [("root_activity", report.root_activity.len()), ("alerts", alerts.len())] {
            note(&mut cut, name, count.saturating_sub(MAX_ACTIVITY));
        }
        report.root_activity.truncate(MAX_ACTIVITY);
        alerts.truncate(MAX_ACTIVITY);
        report.findings.sort_by_key(Finding::rank);
        Self {
            headline: report.summary().headline(),
            partial: report.is_partial(),
            report,
            alerts,
            told: Vec::new(),
            untold: None,
            framework: None,
            complete: false,
            plans: Vec::new(),
            odd_items: 0,
            cut,
            previous: None,
        }
    }

    /// The same where so many alerts could not be sent yet, or the state store failed.
    pub fn unsent(mut self, alerts: usize, has_no_store: bool) -> Self {
        let mut summary = self.report.summary();
        summary.others.extend(has_no_store.then(|| "the state store failed".to_owned()));
        if alerts > 0 {
            summary.others.push(counted(alerts, "alert is not sent yet", "alerts are not sent yet"));
        }
        self.headline = summary.headline();
        self
    }

    /// The same in at most [`MAX_BYTES`] of JSON. The ends of lists are left out, the least important list first: alerts were told,
    /// and findings say in words what their resources are; of none more than is needed, and a rest of each before all of one.
    pub fn fit(mut self) -> Self {
        let mut excess = bytes(&self).saturating_sub(MAX_BYTES - FOR_CUT);
        for (kept, kept_plans, kept_resources) in [(KEPT, KEPT_PLANS, KEPT_RESOURCES), (0, 0, 0)] {
            let Self { report, alerts, plans, cut, .. } = &mut self;
            note(cut, "alerts", shorten(alerts, kept, &mut excess));
            note(cut, "plans", shorten(plans, kept_plans, &mut excess));
            note(cut, "calls", shorten(&mut report.calls, kept, &mut excess));
            note(cut, "users", shorten(&mut report.users, kept, &mut excess));
            note(cut, "root_activity", shorten(&mut report.root_activity, kept, &mut excess));
            for finding in report.findings.iter_mut().rev() {
                note(cut, "resources", shorten(&mut finding.resources, kept_resources, &mut excess));
            }
        }
        self
    }
}

fn note(cut: &mut BTreeMap<String, usize>, name: &str, count: usize) {
    if count > 0 {
        *cut.entry(name.to_owned()).or_default() += count;
    }
}

/// Takes from the end of `list` what is in `excess`, but for the first `kept`; how many it took.
fn shorten<T: Serialize>(list: &mut Vec<T>, kept: usize, excess: &mut usize) -> usize {
    let before = list.len();
    while *excess > 0 && list.len() > kept {
        let Some(last) = list.pop() else { break };
        *excess = excess.saturating_sub(bytes(&last) + ",".len());
    }
    before - list.len()
}

/// Of `value` as JSON. What cannot be written has none, and Lambda's runtime will say why.
fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

/// How many controls pass. What is excepted counts as not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Score {
    /// Steps that neither fail nor are unknown; always of 5.
    pub five_steps: Tally,
    /// Controls of the account baseline that pass; those that do not apply are not counted.
    pub baseline: Tally,
    /// Controls that could not be judged.
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

/// One source, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceState {
    /// The source.
    pub source: Source,
    /// The Region, for root events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// The instant its facts were true; `null` when there are none.
    pub as_of: Option<Timestamp>,
    /// Age at `taken_at`, in seconds, at least 0.
    pub age_seconds: Option<u64>,
    /// SHA-256 of the credential report as IAM wrote it, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Why it could not be read, not whole, or not renewed.
    pub error: Option<Unavailable>,
    /// Since when it is denied, where that has lasted for so long that nobody will give it: a finding, and no reason for a check to be
    /// incomplete.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub denied_since: Option<Timestamp>,
}

impl Report {
    /// Judges `snapshot` by every control.
    pub fn generate(snapshot: &Snapshot, settings: &Settings) -> Self {
        Self::with(None, snapshot, settings)
    }

    /// The same with the findings of `baseline`, whose facts were not read for `snapshot`.
    pub fn with(baseline: Option<&Baseline>, snapshot: &Snapshot, settings: &Settings) -> Self {
        let mut sources = sources(snapshot);
        sources.retain(|state| baseline.is_none() || !state.source.is_hourly());
        sources.extend(baseline.into_iter().flat_map(|baseline| baseline.sources(snapshot.taken_at)));
        sources.sort_by_key(|state| state.source);
        let judged = |control: &'static Control| {
            let kept = baseline.and_then(|baseline| baseline.finding(control)).cloned();
            let judged = kept.unwrap_or_else(|| Finding::of(control, snapshot, settings));
            finished(judged, control, snapshot, settings, &sources)
        };
        let findings: Vec<Finding> = settings.selection.controls().map(judged).collect();
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
    /// steps could be evaluated, and somebody is subscribed.
    pub fn is_monitoring(&self) -> bool {
        let is_unknown = |finding: &Finding| finding.step.is_some() && finding.status == Status::Unknown;
        self.is_whole() && self.subscribed == Some(true) && !self.findings.iter().any(is_unknown)
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

/// Why not all is known of the trails. That a member account is not told of its organization's trail is no failure to read.
fn hidden(trails: &[Trail]) -> Option<&Unavailable> {
    let is_withheld = |trail: &Trail, cause: &Cause| {
        trail.is_organization && matches!(cause, Cause::Denied { .. } | Cause::Refused { .. })
    };
    let unread = trails.iter().flat_map(|trail| trail.unread().map(move |unread| (trail, unread)));
    unread.into_iter().find(|(trail, unread)| !is_withheld(trail, &unread.cause)).map(|(_, unread)| unread)
}

/// That a bucket belongs to another account, which denies it, is no failure to read.
fn unread_bucket(buckets: &[Bucket]) -> Option<&Unavailable> {
    let unread = buckets.iter().filter_map(|bucket| bucket.exposure.as_ref().err());
    unread.into_iter().find(|unread| !matches!(unread.cause, Cause::Denied { .. }))
}

fn unread_region(regions: &[RegionAnalyzers]) -> Option<&Unavailable> {
    regions.iter().find_map(|region| region.active.as_ref().err())
}

fn sources(snapshot: &Snapshot) -> Vec<SourceState> {
    let state = |source, as_of: Option<Timestamp>, error: Option<&Unavailable>| SourceState {
        source,
        region: None,
        as_of,
        age_seconds: as_of.map(|at| snapshot.taken_at.duration_since(at).as_secs().try_into().unwrap_or(0)),
        sha256: None,
        error: error.cloned(),
        denied_since: None,
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
        (Source::RolesAndPolicies, snapshot.roles_and_policies.as_ref().err()),
        (Source::SupportAccess, snapshot.support_access.as_ref().err()),
        (Source::IdentityProviders, snapshot.identity_providers.as_ref().err()),
        (Source::IdentityCenter, snapshot.identity_center.as_ref().err()),
        (Source::RootPasswordChange, snapshot.root_password_change.as_ref().err()),
        (Source::TrailBuckets, snapshot.trail_buckets.as_ref().map_or_else(Some, |buckets| unread_bucket(buckets))),
        (Source::CostReports, snapshot.cost_reports.as_ref().err()),
        (Source::DataExports, snapshot.data_exports.as_ref().err()),
        (Source::Budgets, snapshot.budgets.as_ref().err()),
        (Source::BillingAlarms, snapshot.billing_alarms.as_ref().err()),
        (Source::PrimaryContact, snapshot.primary_contact.as_ref().err()),
        (Source::AlternateContacts, snapshot.alternate_contacts.as_ref().err()),
        (Source::Organization, snapshot.organization.as_ref().err()),
        (Source::CentralRootAccess, snapshot.central_root_access.as_ref().err()),
        (Source::ServiceControlPolicies, snapshot.service_control_policies.as_ref().err()),
        (Source::Analyzers, snapshot.analyzers.as_ref().map_or_else(Some, |regions| unread_region(regions))),
    ];
    let is_asked = |error: &Option<&Unavailable>| error.is_none_or(|error| error.cause != Cause::NotAsked);
    let live = live.into_iter().filter(|(_, error)| is_asked(error));
    let subscribers = snapshot.subscribed.as_ref().map(|subscribed| {
        let error = subscribed.as_ref().err();
        state(Source::Subscribers, if error.is_some() { None } else { now }, error)
    });
    let generated_at = report.ok().map(|report| report.generated_at).filter(|at| !snapshot.is_ahead(*at));
    let mut sources = vec![SourceState {
        sha256: report.ok().and_then(|report| report.sha256.clone()),
        ..state(Source::CredentialReport, generated_at, report_error.as_ref())
    }];
    sources.extend(live.map(|(source, error)| state(source, if error.is_some() { None } else { now }, error)));
    sources.extend(subscribers);
    let trails = snapshot.trails.as_ref().map_or_else(Some, |trails| hidden(trails));
    if is_asked(&trails) {
        let as_of = if trails.is_some() { None } else { now };
        sources.push(state(Source::Trails, as_of, trails.or_else(|| snapshot.trails_unlisted.values().next())));
    }
    let watch = |error: Option<&Unavailable>| state(Source::Watch, if error.is_some() { None } else { now }, error);
    sources.extend(snapshot.watch.as_ref().map(|home| watch(home.unread())));
    let forwarding = snapshot.watch.iter().flat_map(Watch::forwarding);
    sources.extend(forwarding.map(|(region, error)| SourceState { region: Some(region.to_owned()), ..watch(error) }));
    sources.extend(snapshot.root_events.regions.iter().map(|sweep| SourceState {
        region: Some(sweep.region.clone()),
        ..state(Source::RootEvents, if sweep.incomplete.is_some() { None } else { now }, sweep.incomplete.as_ref())
    }));
    sources.sort_by_key(|state| state.source);
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account_summary::AccountSummary;

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
        assert!(report.is_whole(), "nobody can forward from there: a finding, and not blindness");
        let state = report.errors().next().unwrap();
        assert_eq!((state.source, state.region.as_deref()), (Source::Watch, Some("us-east-1")));
        assert!(!unread(3, &Cause::TimedOut).is_whole() && !unread(0, &denied).is_whole());
    }

    #[test]
    fn a_report_is_whole_without_a_sign_in_region_that_is_denied_for_a_day_while_another_one_is_read() {
        let denied = |regions: &[&str]| {
            report(|snapshot| {
                let sweep = |region: &&str| crate::snapshot::RegionSweep {
                    region: (*region).into(),
                    incomplete: regions.contains(region).then(|| Unavailable {
                        source: Source::RootEvents,
                        operation: format!("cloudtrail:LookupEvents in {region}"),
                        cause: Cause::Denied { code: "AccessDeniedException".into() },
                    }),
                    covered: Vec::new(),
                    covered_sign_ins: Vec::new(),
                };
                snapshot.root_events.regions = snapshot.account.partition.sign_in_regions().iter().map(sweep).collect();
            })
        };
        let mut memory = crate::alert::Memory::default();
        let mut first = denied(&["us-east-2", "us-east-1"]);
        let decision = crate::alert::decide(&memory, &first, &crate::alert::Policy::default());
        memory.conditions = decision.conditions;
        for (hours, is_whole) in [(0, false), (23, false), (24, true)] {
            first.taken_at += jiff::SignedDuration::from_hours(if hours == 24 { 1 } else { hours });
            crate::alert::note_denials(&memory, &mut first);
            assert_eq!(first.is_whole(), is_whole, "after {hours} hours");
        }
        let headline = first.summary().headline();
        assert!(headline.starts_with("INCOMPLETE: ") && headline.contains("us-east-1 and us-east-2"), "{headline}");
        let mut all = denied(&["us-east-1", "us-east-2", "us-west-2"]);
        let decision = crate::alert::decide(&memory, &all, &crate::alert::Policy::default());
        memory.conditions.extend(decision.conditions);
        all.taken_at += jiff::SignedDuration::from_hours(100);
        crate::alert::note_denials(&memory, &mut all);
        assert!(!all.is_whole(), "nobody sees a sign-in");
        for state in &mut first.sources {
            if let Some(error) = state.error.as_mut() {
                error.cause = Cause::TimedOut;
            }
        }
        first.sources.iter_mut().for_each(|state| state.denied_since = None);
        crate::alert::note_denials(&memory, &mut first);
        assert!(!first.is_whole(), "only a denial is for good");
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
        let of = |change: fn(&mut crate::account_summary::AccountSummary)| {
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
        let expected = Source::ALL.iter().filter(|source| **source != Source::Attestations);
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
            snapshot.credential_report.as_mut().unwrap().root = Err(crate::credential_report::ReportError::NoRootRow);
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

    fn act() -> RootActivity {
        let record = include_str!("../samples/records/18-root-readonly-list-buckets.json");
        let event = crate::root_activity::TrailEvent {
            record: Some(record.into()),
            ..crate::root_activity::TrailEvent::default()
        };
        RootActivity::classify(&event, &Snapshot::compliant().account, None).unwrap()
    }

    #[test]
    fn an_answer_lists_a_thousand_acts_and_counts_the_others() {
        let answer = |count| {
            let answer =
                Answer::new(report(|snapshot| snapshot.root_events.activity = vec![act(); count]), Vec::new()).fit();
            (answer.report.root_activity.len(), answer.cut.get("root_activity").copied())
        };
        assert_eq!(answer(1_000), (1_000, None));
        assert_eq!(answer(1_007), (1_000, Some(7)));
    }

    /// An account of so many users with everything wrong, so much root activity, and so many calls.
    fn large(users: usize, acts: usize, calls: usize) -> (Report, Vec<Alert>) {
        let report = report(|snapshot| {
            let row = snapshot.report_users()[0].clone();
            let long_ago = Ok(Some(Timestamp::UNIX_EPOCH));
            let key = crate::credential_report::KeySlot {
                active: Ok(true),
                last_rotated: long_ago.clone(),
                last_used: long_ago.clone(),
                ..row.access_keys[0].clone()
            };
            let name = |number: usize| format!("user-{number:05}.{}", "x".repeat(20));
            *snapshot.report_users() = (0..users)
                .map(|number| crate::credential_report::UserRow {
                    name: name(number),
                    mfa_active: Ok(false),
                    password_last_used: long_ago.clone(),
                    access_keys: [key.clone(), key.clone()],
                    ..row.clone()
                })
                .collect();
            *snapshot.users_mut() = (0..users)
                .map(|number| crate::identities::IamUser {
                    name: name(number),
                    groups: vec!["Administrators".into(), "Developers".into()],
                    attached_policies: vec![crate::identities::AttachedPolicy::of_aws("AdministratorAccess")],
                    inline_policies: Vec::new(),
                })
                .collect();
            snapshot.root_events.activity = vec![act(); acts];
            let call = Call {
                operation: "CloudTrail.LookupEvents".into(),
                region: "us-east-1".into(),
                request_id: Some("00000000-0000-4000-8000-000000000001".into()),
                at: snapshot.taken_at,
                status: Some(200),
            };
            snapshot.calls = vec![call; calls];
        });
        let decision = crate::alert::decide(&Default::default(), &report, &crate::alert::Policy::default());
        (report, decision.alerts.into_iter().chain(decision.activity).collect())
    }

    #[test]
    fn an_answer_of_five_thousand_bad_users_fits_and_counts_what_it_leaves_out() {
        let (report, alerts) = large(5_000, 0, 120);
        let (users, resources) =
            (report.users.len(), report.findings.iter().map(|finding| finding.resources.len()).sum::<usize>());
        assert_eq!((users, resources), (5_000, 35_000));
        let whole = Answer::new(report, alerts);
        assert!(bytes(&whole) > 2 * MAX_BYTES, "{}", bytes(&whole));
        let alerts = whole.alerts.len();
        let answer = whole.fit();
        let size = bytes(&answer);
        assert!(size <= MAX_BYTES && size > MAX_BYTES - 2 * FOR_CUT, "{size}, {:?}", answer.cut);
        let count = |name: &str| answer.cut.get(name).copied().unwrap_or_default();
        assert_eq!(answer.report.users.len() + count("users"), users);
        let left: usize = answer.report.findings.iter().map(|finding| finding.resources.len()).sum();
        assert_eq!(left + count("resources"), resources);
        assert_eq!((answer.alerts.len(), answer.report.calls.len()), (alerts, 120), "what is small stays");
        assert!(answer.report.users.len() >= KEPT);
    }

    #[test]
    fn whatever_is_large_an_answer_fits_and_alerts_go_before_calls_before_users_before_acts() {
        for (users, acts, calls) in [(0, 1_000, 0), (0, 0, 10_000), (3_000, 1_001, 5_000)] {
            let (report, alerts) = large(users, acts, calls);
            let answer = Answer::new(report, alerts).fit();
            assert!(bytes(&answer) <= MAX_BYTES, "{users} {acts} {calls}: {}", bytes(&answer));
        }
        let names = |mut answer: Answer, excess: usize| {
            let spare = MAX_BYTES - FOR_CUT - bytes(&answer);
            answer.told = vec!["x".repeat(spare + excess - "\"\"".len())];
            answer.fit().cut.into_keys().collect::<Vec<_>>()
        };
        let answer = || {
            let (report, alerts) = large(200, 100, 100);
            Answer::new(report, alerts)
        };
        let of = |list: fn(&Answer) -> usize| list(&answer());
        let (alerts, calls) = (of(|answer| bytes(&answer.alerts)), of(|answer| bytes(&answer.report.calls)));
        let users = of(|answer| bytes(&answer.report.users));
        assert_eq!(names(answer(), 0), Vec::<String>::new());
        let resources = of(|answer| {
            let beyond = |finding: &Finding| bytes(&finding.resources.get(KEPT_RESOURCES..).unwrap_or_default());
            answer.report.findings.iter().map(beyond).sum()
        });
        assert_eq!(names(answer(), resources + 1), ["alerts", "resources"]);
        assert_eq!(names(answer(), resources + alerts + 1), ["alerts", "calls", "resources"]);
        assert_eq!(names(answer(), resources + alerts + calls + 1), ["alerts", "calls", "resources", "users"]);
        assert_eq!(
            names(answer(), resources + alerts + calls + users + 1),
            ["alerts", "calls", "resources", "root_activity", "users"]
        );
    }

    #[test]
    fn the_answer_as_json() {
        let report = report(|snapshot| {
            snapshot.summary_mut().root_access_keys = Ok(1);
            snapshot.identities = Snapshot::blind().identities;
        });
        insta::assert_snapshot!(serde_json::to_string_pretty(&Answer::new(report, Vec::new())).unwrap());
    }

    #[test]
    fn very_many_plans_are_cut_too_and_throw_nothing_else_away() {
        let report = Report::generate(&Snapshot::compliant(), &Settings::compliant());
        let (now, findings) = (report.taken_at, report.findings.len());
        let users = report.users.len();
        let mut answer = Answer::new(report, Vec::new());
        let long = "\u{10348}".repeat(200);
        let plan = |number| {
            let from = now + jiff::SignedDuration::from_secs(number);
            Plan::new(from, from + jiff::SignedDuration::from_hours(1), &long, &long, now).unwrap()
        };
        answer.plans = (0..700).map(plan).collect();
        let answer = answer.fit();
        assert!(bytes(&answer) <= MAX_BYTES, "{}", bytes(&answer));
        assert_eq!(answer.cut.get("plans").copied().unwrap_or_default() + answer.plans.len(), 700);
        assert_eq!((answer.report.findings.len(), answer.report.users.len()), (findings, users));
        assert!(!answer.cut.contains_key("calls") && !answer.cut.contains_key("resources"), "{:?}", answer.cut);
    }
}
