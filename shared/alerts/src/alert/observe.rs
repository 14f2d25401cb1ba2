//! A report as looks at conditions.

use std::collections::BTreeMap;

use checklist::controls::{self, alert_path, root_hardware_mfa, root_use_recorded};
use checklist::finding::Finding;
use checklist::report::Report;
use checklist::source_state::SourceState;
use facts::severity::Severity;
use facts::source::{Cause, Source};
use facts::text;
use facts::verdict::Status;
use facts::watch::{Canary, Flight};
use jiff::{SignedDuration, Timestamp};

use super::{Condition, Failure, Fault, Memory, Observation, Seen};

/// Refused settings that an alert names.
const MAX_REFUSED: usize = 5;

/// What is denied for so long stays denied: an administrator decided it, by a policy of the organization.
const LASTING: SignedDuration = SignedDuration::from_hours(24);

/// Notes in `report` what is denied by now for a day, by what `memory` holds: that condition has been reported, and has its reminders.
pub fn note_denials(memory: &Memory, report: &mut Report) {
    let now = report.taken_at;
    for state in &mut report.sources {
        if !state.error.as_ref().is_some_and(|error| matches!(error.cause, Cause::Denied { .. })) {
            continue;
        }
        let fault = Fault::Unread { source: state.source, region: state.region.clone() };
        let known = memory.conditions.get(&fault.key()).filter(|condition| condition.open);
        let was_denied = known.and_then(|known| known.failure.as_ref()?.unavailable.as_ref());
        if was_denied.is_some_and(|was| matches!(was.cause, Cause::Denied { .. })) {
            let since = known.and_then(|known| known.opened_at);
            state.denied_since = since.filter(|since| now.duration_since(*since) >= LASTING);
        }
    }
}

impl Memory {
    /// Whether a check at `now` reads the targets of rules: the first one of an hour does, and each one as long as something of the path
    /// fails or a canary is missing, so that its report names why.
    pub fn wants_targets(&self, now: Timestamp) -> bool {
        let hour = |at: Timestamp| at.as_second().div_euclid(3_600);
        let is_open = self.conditions.get(alert_path::CONTROL.id).is_some_and(|condition| condition.open);
        let is_missed = self.journal.canaries.iter().any(|(region, awaited)| {
            let arrived = self.arrivals.get(region).copied();
            let canary = Canary { region: region.clone(), sent: None, awaited: Some(*awaited), arrived };
            matches!(canary.flight(now), Flight::Missed(_))
        });
        is_open || is_missed || self.journal.last_run.is_none_or(|last| hour(last) != hour(now))
    }
}

/// Every condition that `report` shows, and what `memory` holds beside them.
pub fn observe(memory: &Memory, report: &Report) -> Vec<Observation> {
    // What an earlier check found is no look of this one.
    let seen = report.findings.iter().filter(|finding| !report.is_kept_finding(finding.control));
    let mut looks: Vec<Observation> = seen.flat_map(|finding| controls(memory, report, finding)).collect();
    let read = report.sources.iter().filter(|state| !report.is_kept(state.source));
    looks.extend(read.map(|state| source(report, state)));
    if let Some(confirmed) = report.subscribed {
        let failure = Failure::new(
            Severity::Critical,
            "No confirmed subscriber gets what is published: alerts are kept until one does",
        );
        let seen = if confirmed { Seen::Passing } else { Seen::Failing { failure, passing: false } };
        looks.push(Observation { condition: Fault::NoSubscriber, seen, judged_by: live(Source::Subscribers, report) });
    }
    looks.push(odd_items(memory));
    looks.push(settings(report));
    let looked_at: Vec<String> = looks.iter().map(|look| look.condition.key()).collect();
    looks.retain(|look| !is_seen_by_another(memory, report, look));
    let others = memory.conditions.iter().filter(|(key, condition)| condition.open && !looked_at.contains(key));
    looks.extend(others.filter_map(|(_, condition)| not_looked_at(report, condition)));
    if report.is_narrow {
        looks.iter_mut().for_each(|look| keep_severity(memory, look));
        looks.retain(|look| !matches!(look.condition, Fault::Unjudged { .. }));
        for look in looks.iter_mut().filter(|look| matches!(look.seen, Seen::Passing | Seen::Dropped)) {
            look.seen = Seen::Unknown;
        }
    }
    looks
}

/// How bad a read error is that many Regions have is not seen in a few of them.
fn keep_severity(memory: &Memory, look: &mut Observation) {
    let known = memory.conditions.get(&look.condition.key()).and_then(|known| known.failure.as_ref());
    if let (Fault::Unread { .. }, Seen::Failing { failure, .. }, Some(known)) = (&look.condition, &mut look.seen, known)
    {
        failure.severity = failure.severity.max(known.severity);
    }
}

/// An attacker wrote to the table, or an older version of rootwatch reads what a newer one wrote.
fn odd_items(memory: &Memory) -> Observation {
    let names: Vec<String> = memory.odd.iter().map(|key| text::bounded(key)).collect();
    let foreign = memory.journal.foreign_schema();
    let unread = names.len().saturating_sub(usize::from(foreign.is_some()));
    let seen = if names.is_empty() {
        Seen::Passing
    } else {
        let foreign = foreign.map(|schema| {
            format!(
                "Another version of rootwatch wrote the state table last, by the schema `{schema}`. Monitoring goes on with every item \
                 that this version can read"
            )
        });
        let unread = (unread > 0).then(|| {
            format!(
                "{} of the state table cannot be read, or holds what no check writes. It counts for nothing: what it hid is reported \
                 again, and a planned use of root in it lowers no severity",
                if unread == 1 { "An item".into() } else { format!("Each of {unread} items") }
            )
        });
        let found = foreign.into_iter().chain(unread).collect::<Vec<_>>().join(". ");
        let count = names.len();
        let resources = names.into_iter().take(Failure::MAX_RESOURCES).collect();
        Seen::Failing { failure: Failure { resources, count, ..Failure::new(Severity::High, &found) }, passing: false }
    };
    Observation { condition: Fault::OddItems, seen, judged_by: BTreeMap::new() }
}

/// A fault in a setting is a condition like any other: it opens, is sent once, and ends when it is gone.
fn settings(report: &Report) -> Observation {
    let refused: Vec<String> = report.refused_settings.iter().map(ToString::to_string).collect();
    let seen = if refused.is_empty() {
        Seen::Passing
    } else {
        let more = refused.len().saturating_sub(MAX_REFUSED);
        let more =
            if more > 0 { format!(". And {more} more, see refused_settings in the report") } else { String::new() };
        let found = refused.iter().take(MAX_REFUSED).cloned().collect::<Vec<_>>().join(". ") + &more;
        let failure = Failure {
            count: refused.len(),
            resources: refused.into_iter().take(Failure::MAX_RESOURCES).collect(),
            ..Failure::new(Severity::Medium, &found)
        };
        Seen::Failing { failure, passing: false }
    };
    Observation { condition: Fault::RefusedSettings, seen, judged_by: BTreeMap::new() }
}

fn controls(memory: &Memory, report: &Report, finding: &Finding) -> [Observation; 2] {
    let control = finding.control.to_owned();
    let seen = match finding.status {
        Status::Failed => failed(finding),
        Status::Passed | Status::NotApplicable => Seen::Passing,
        Status::Unknown => Seen::Unknown,
    };
    let seen = match finding.control {
        id if id == root_use_recorded::CONTROL.id => unexplained(memory, report, finding, seen),
        _ if has_another_condition(memory, finding) => Seen::Unknown,
        _ => seen,
    };
    // What keeps a source from being read is a condition of its own; a second alert would only hide it.
    let unjudged = match finding.status {
        Status::Unknown if report.errors().any(|state| is_source_of(finding.control, state.source)) => Seen::Unknown,
        Status::Unknown => {
            let severity = finding.severity.min(Severity::Medium);
            let failure = Failure { evidence: evidence(finding), ..Failure::new(severity, &finding.reason) };
            match finding.exceptions.iter().find(|exception| exception.resource.is_none()) {
                Some(exception) => Seen::Suppressed(failure, exception.clone()),
                None => Seen::Failing { failure, passing: false },
            }
        }
        _ => Seen::Passing,
    };
    [
        Observation {
            condition: Fault::Control { control: control.clone() },
            seen,
            judged_by: finding.judged_by.clone(),
        },
        Observation { condition: Fault::Unjudged { control }, seen: unjudged, judged_by: BTreeMap::new() },
    ]
}

fn failed(finding: &Finding) -> Seen {
    let whole = finding.exceptions.iter().find(|exception| exception.resource.is_none());
    let is_suppressed =
        |resource: &&String| finding.exceptions.iter().any(|exception| exception.resource.as_ref() == Some(*resource));
    let left: Vec<String> = finding.resources.iter().filter(|resource| !is_suppressed(resource)).cloned().collect();
    let failure = |resources: Vec<String>| Failure {
        evidence: evidence(finding),
        count: resources.len(),
        resources: resources.into_iter().take(Failure::MAX_RESOURCES).collect(),
        ..Failure::new(finding.severity, &finding.reason)
    };
    let by_name = finding.exceptions.first().filter(|_| left.is_empty() && !finding.resources.is_empty());
    match whole.or(by_name) {
        Some(exception) => Seen::Suppressed(failure(finding.resources.clone()), exception.clone()),
        None => Seen::Failing { failure: failure(left), passing: false },
    }
}

/// That no subscription is confirmed, and that root has no MFA at all, are conditions of their own, and open no second one.
fn has_another_condition(memory: &Memory, finding: &Finding) -> bool {
    let is_open = memory.conditions.get(finding.control).is_some_and(|condition| condition.open);
    let by_another = match finding.control {
        id if id == alert_path::CONTROL.id => finding.resources == [alert_path::SUBSCRIPTION],
        id if id == root_hardware_mfa::CONTROL.id => finding.status == Status::Failed && finding.resources.is_empty(),
        _ => false,
    };
    !is_open && by_another
}

/// A use of root without a CloudTrail event is resolved neither by growing too old to compare nor by a later use that has one: it stays
/// until its own event turns up, or until an exception answers for it. `seen` is what `finding` alone says.
fn unexplained(memory: &Memory, report: &Report, finding: &Finding, seen: Seen) -> Seen {
    let open = memory.conditions.get(finding.control).filter(|condition| condition.open);
    let Some(sent) = open.and_then(|condition| condition.failure.as_ref()) else { return seen };
    let is_left = |used: &&String| !root_use_recorded::is_explained(&finding.evidence, used);
    let left: Vec<String> = sent.resources.iter().filter(is_left).cloned().collect();
    if left.is_empty() {
        return seen;
    }
    let mut uses = finding.resources.clone();
    uses.extend(left.into_iter().filter(|used| !finding.resources.contains(used)));
    let exceptions: Vec<_> = report.declarations.exceptions_for(finding.control, report.taken_at).collect();
    let is_answered = |used: &String| {
        exceptions.iter().any(|exception| exception.resource.as_ref().is_none_or(|resource| resource == used))
    };
    let unanswered: Vec<String> = uses.iter().filter(|used| !is_answered(used)).cloned().collect();
    let failure = |uses: Vec<String>| {
        let found = match finding.status {
            Status::Failed => {
                Failure { evidence: evidence(finding), ..Failure::new(finding.severity, &finding.reason) }
            }
            _ => sent.clone(),
        };
        Failure { count: uses.len(), resources: uses.into_iter().take(Failure::MAX_RESOURCES).collect(), ..found }
    };
    match exceptions.first() {
        Some(exception) if unanswered.is_empty() => Seen::Suppressed(failure(uses), (*exception).clone()),
        _ if finding.status == Status::Failed => Seen::Failing { failure: failure(unanswered), passing: false },
        _ => Seen::Unknown,
    }
}

fn evidence(finding: &Finding) -> Vec<facts::verdict::Evidence> {
    finding.evidence.iter().take(Failure::MAX_EVIDENCE).cloned().collect()
}

fn source(report: &Report, state: &SourceState) -> Observation {
    let seen = match &state.error {
        None => Seen::Passing,
        Some(error) => {
            let severity = match blindness(report).filter(|_| state.source == Source::RootEvents) {
                Some(severity) => severity,
                None => worth(report, state.source),
            };
            let failure = Failure { unavailable: Some(error.clone()), ..Failure::new(severity, &error.to_string()) };
            Seen::Failing { failure, passing: error.cause.may_pass() }
        }
    };
    let condition = Fault::Unread { source: state.source, region: state.region.clone() };
    Observation { condition, seen, judged_by: live(state.source, report) }
}

/// How bad it is that no Region's root events could be read; `None` where some were, or were cut short. What works in real time still
/// alerts, if it is seen to work.
fn blindness(report: &Report) -> Option<Severity> {
    let mut regions = report.sources.iter().filter(|state| state.source == Source::RootEvents).peekable();
    let is_unread = |state: &SourceState| {
        let cause = state.error.as_ref().map(|error| &error.cause);
        cause.is_some_and(|cause| !matches!(cause, Cause::OutOfTime | Cause::Throttled { .. }))
    };
    if report.is_narrow || regions.peek().is_none() || !regions.all(is_unread) {
        return None;
    }
    let mut findings = report.findings.iter();
    let works = findings.any(|finding| finding.control == alert_path::CONTROL.id && finding.status == Status::Passed);
    Some(if works { Severity::High } else { Severity::Critical })
}

/// As bad as the worst that it may hide, at most medium.
fn worth(report: &Report, source: Source) -> Severity {
    let evaluated = report.findings.iter().filter(|finding| is_source_of(finding.control, source));
    let hidden = evaluated.map(|finding| finding.severity).max();
    match source {
        Source::AccountAlias => Severity::Low,
        _ => hidden.map_or(Severity::Medium, |severity| severity.min(Severity::Medium)),
    }
}

fn is_source_of(control: &str, source: Source) -> bool {
    controls::control(control).is_some_and(|control| control.sources.contains(&source))
}

fn live(source: Source, report: &Report) -> BTreeMap<Source, Timestamp> {
    BTreeMap::from([(source, report.taken_at)])
}

/// Whether `look` is a pass of a root audit, of what another look found by a source that the audit does not see: it clears nothing.
fn is_seen_by_another(memory: &Memory, report: &Report, look: &Observation) -> bool {
    let selection = &report.settings.selection;
    let open = memory.conditions.get(&look.condition.key()).filter(|condition| condition.open);
    let (Some(open), Seen::Passing) = (open, &look.seen) else { return false };
    match &look.condition {
        Fault::Control { .. } => {
            let mut evidence = open.failure.iter().flat_map(|failure| &failure.evidence);
            evidence.any(|evidence| !selection.sees(evidence.source))
        }
        Fault::Unjudged { control } => {
            let control = controls::control(control);
            control.is_some_and(|control| control.sources.iter().any(|source| !selection.sees(*source)))
        }
        _ => false,
    }
}

/// Whether this look says nothing of `fault`, which another look opened: a root audit of what it does not choose, and a check without such an
/// audit of what the audit could not read.
fn is_left_alone(report: &Report, fault: &Fault) -> bool {
    let selection = &report.settings.selection;
    match fault {
        Fault::Control { control } | Fault::Unjudged { control } => selection.leaves_alone(control),
        Fault::Unread { source, .. } => selection.root_audit_only || source.is_of_member(),
        Fault::NoSubscriber => selection.root_audit_only,
        Fault::OddItems | Fault::RefusedSettings | Fault::OrganizationNotAudited | Fault::AccountsNotAudited => false,
    }
}

/// A Region that is scanned no more, or a control that a newer version has not.
fn not_looked_at(report: &Report, condition: &Condition) -> Option<Observation> {
    let fault = condition.fault.clone()?;
    let is_region = matches!(fault, Fault::Unread { region: Some(_), .. });
    let is_kept = match &fault {
        Fault::Control { control } | Fault::Unjudged { control } => report.is_kept_finding(control),
        Fault::Unread { source, .. } => report.is_kept(*source),
        _ => false,
    };
    if is_kept || is_left_alone(report, &fault) {
        return None;
    }
    let regions_unread = report.errors().any(|state| state.source == Source::Regions);
    let seen = match fault {
        _ if is_region && regions_unread => Seen::Unknown,
        Fault::NoSubscriber => Seen::Unknown,
        _ => Seen::Dropped,
    };
    Some(Observation { condition: fault, seen, judged_by: BTreeMap::new() })
}

impl Failure {
    /// What `found` says, without evidence and names.
    pub fn new(severity: Severity, found: &str) -> Self {
        Self {
            severity,
            found: found.to_owned(),
            evidence: Vec::new(),
            resources: Vec::new(),
            count: 0,
            unavailable: None,
        }
    }
}
