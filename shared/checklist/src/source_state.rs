//! How far each source could be read.

use facts::analyzers::RegionAnalyzers;
use facts::bucket::Bucket;
use facts::root_audit::RootAudit;
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
    /// Since when it is denied, where that has lasted for so long that it will not be granted: a finding, and no reason for a check to be
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
    let live = Source::ALL.iter().filter_map(|source| {
        let unread = snapshot.unread(*source);
        let error = match source {
            // These have states of their own below; an attestation is read nowhere.
            Source::CredentialReport
            | Source::Subscribers
            | Source::Trails
            | Source::Watch
            | Source::RootEvents
            | Source::Attestations => return None,
            Source::TrailBuckets => unread.or_else(|| snapshot.trail_buckets.iter().find_map(|of| unread_bucket(of))),
            Source::RootAudit => unread.or_else(|| snapshot.root_audit.as_ref().ok().and_then(RootAudit::unread)),
            Source::Analyzers => unread.or_else(|| snapshot.analyzers.iter().find_map(|of| unread_region(of))),
            _ => unread,
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
    let listed = is_asked(&report_error.as_ref()).then(|| SourceState {
        sha256: report.ok().and_then(|report| report.sha256.clone()),
        ..state(Source::CredentialReport, generated_at, report_error.as_ref())
    });
    let mut sources: Vec<SourceState> = listed.into_iter().collect();
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

/// Why not all is known of the trails. That a member account cannot see its organization's trail is no failure to read.
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
