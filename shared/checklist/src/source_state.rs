//! How far each source could be read.

use facts::analyzers::RegionAnalyzers;
use facts::bucket::Bucket;
use facts::snapshot::Snapshot;
use facts::source::{Cause, Source, Unavailable};
use facts::trails::Trail;
use facts::watch::Watch;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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

/// Every source that `snapshot` rests on, in their order; root events and forwarding Regions have an entry a Region.
pub(crate) fn of(snapshot: &Snapshot) -> Vec<SourceState> {
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
    // A source that is missing here does not compile.
    let live = Source::ALL.iter().filter_map(|source| {
        let error = match source {
            Source::AccountSummary => snapshot.account_summary.as_ref().err(),
            Source::PasswordPolicy => snapshot.password_policy.as_ref().err(),
            Source::Identities => snapshot.identities.as_ref().err(),
            Source::VirtualMfaDevices => snapshot.virtual_mfa_devices.as_ref().err(),
            Source::Administrators => snapshot.administrators.as_ref().err(),
            Source::AccountAlias => snapshot.account_alias.as_ref().err(),
            Source::Regions => snapshot.regions.as_ref().err(),
            Source::RolesAndPolicies => snapshot.roles_and_policies.as_ref().err(),
            Source::SupportAccess => snapshot.support_access.as_ref().err(),
            Source::IdentityProviders => snapshot.identity_providers.as_ref().err(),
            Source::IdentityCenter => snapshot.identity_center.as_ref().err(),
            Source::RootPasswordChange => snapshot.root_password_change.as_ref().err(),
            Source::TrailBuckets => snapshot.trail_buckets.as_ref().map_or_else(Some, |buckets| unread_bucket(buckets)),
            Source::CostReports => snapshot.cost_reports.as_ref().err(),
            Source::DataExports => snapshot.data_exports.as_ref().err(),
            Source::Budgets => snapshot.budgets.as_ref().err(),
            Source::BillingAlarms => snapshot.billing_alarms.as_ref().err(),
            Source::PrimaryContact => snapshot.primary_contact.as_ref().err(),
            Source::AlternateContacts => snapshot.alternate_contacts.as_ref().err(),
            Source::Organization => snapshot.organization.as_ref().err(),
            Source::CentralRootAccess => snapshot.central_root_access.as_ref().err(),
            Source::ServiceControlPolicies => snapshot.service_control_policies.as_ref().err(),
            Source::Analyzers => snapshot.analyzers.as_ref().map_or_else(Some, |regions| unread_region(regions)),
            // These have states of their own below; a statement is read nowhere.
            Source::CredentialReport
            | Source::Subscribers
            | Source::Trails
            | Source::Watch
            | Source::RootEvents
            | Source::Attestations => return None,
        };
        Some((*source, error))
    });
    let is_asked = |error: &Option<&Unavailable>| error.is_none_or(|error| error.cause != Cause::NotAsked);
    let live = live.filter(|(_, error)| is_asked(error));
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
