//! What a check writes into the log.

use std::collections::{BTreeMap, BTreeSet};

use checklist::Report;
use facts::relay::{Hearing, Listeners};
use facts::text;
use jiff::Timestamp;

use crate::sending::Outcome;

/// Most lines of root activity, and of news; the rest is one line that counts.
const MAX_LINES: usize = 100;

/// One line a finding, one of the worst root activity and a source that could not be read; evidence and rows of the report stay out of the log.
pub(crate) fn report(report: &Report) {
    for finding in &report.findings {
        let status = finding.status.words();
        tracing::info!(control = finding.control, status, severity = %finding.severity, "finding");
    }
    function::log::refused(&report.refused_settings);
    for error in report.errors().filter_map(|state| state.error.as_ref()) {
        tracing::warn!(source = %error.source, operation = error.operation, "{error}");
    }
    for act in report.root_activity.iter().take(MAX_LINES) {
        let (event_id, region, count) = (act.event_id.as_str(), act.region.as_str(), act.count());
        tracing::info!(event_id, kind = ?act.kind, severity = %act.severity, region, count, "root activity");
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for act in report.root_activity.iter().skip(MAX_LINES) {
        *kinds.entry(format!("{:?}", act.kind)).or_default() += act.count();
    }
    if !kinds.is_empty() {
        tracing::info!(?kinds, "further root activity");
    }
}

/// The functions of ours by which nothing arrives.
pub(crate) fn listeners(listeners: &Listeners, now: Timestamp) {
    for relay in &listeners.relays {
        let hearing = relay.hearing(now);
        if hearing != Hearing::Well {
            tracing::warn!(function = relay.name, "{hearing}");
        }
    }
}

/// What the run sent, and what kept it from sending.
pub(crate) fn outcome(outcome: &Outcome) {
    for alert in outcome.alerts.iter().take(MAX_LINES) {
        tracing::info!(alert = alert.id, severity = %alert.severity, "news");
    }
    let count = outcome.alerts.len().saturating_sub(MAX_LINES);
    if count > 0 {
        tracing::info!(count, "further news");
    }
    outcome.sent.log();
    tracing::info!(complete = outcome.is_complete, "check");
}

/// Items of the ledger that no check has written so: the first of them, and how many they are.
pub(crate) fn odd(items: &BTreeSet<String>) {
    const MAX_NAMED: usize = 10;
    if !items.is_empty() {
        let named: Vec<String> = items.iter().take(MAX_NAMED).map(|item| text::bounded(item)).collect();
        tracing::warn!(count = items.len(), ?named, "items of the ledger cannot be read and count for nothing");
    }
}
