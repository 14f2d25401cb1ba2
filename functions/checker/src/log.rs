//! The function's log: JSON lines on standard output.

use checklist::Report;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::telling::Told;

/// Begins to log at `level`, Lambda's setting for the function (`TRACE` to `ERROR`; else `INFO`).
///
/// Of libraries only warnings are kept: at lower levels the SDK would write answers of AWS, with rows of the report, into the log.
pub fn start(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    // The runtime's span gives every line the id of its request.
    let ours = [("checker", level), ("lambda_runtime", level.min(LevelFilter::INFO))];
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false).with_target(false).without_time();
    tracing_subscriber::registry()
        .with(lines.with_filter(Targets::new().with_default(LevelFilter::WARN).with_targets(ours)))
        .init();
}

/// One line a finding, a root activity and a source that could not be read; evidence and rows of the report stay out of the log.
pub(crate) fn report(report: &Report) {
    for finding in &report.findings {
        let status = finding.status.words();
        tracing::info!(control = finding.control, status, severity = %finding.severity, "finding");
    }
    for error in report.errors().filter_map(|state| state.error.as_ref()) {
        tracing::warn!(source = %error.source, operation = error.operation, "{error}");
    }
    for act in &report.root_activity {
        let (event_id, region) = (act.event_id.as_str(), act.region.as_str());
        tracing::info!(event_id, kind = ?act.kind, severity = %act.severity, region, "root activity");
    }
}

/// What the run told, and what kept it from telling.
pub(crate) fn told(told: &Told) {
    for alert in &told.alerts {
        tracing::info!(alert = alert.id, severity = %alert.severity, "news");
    }
    let waiting = told.waiting.map_or_else(|| "unknown".into(), |waiting| waiting.to_string());
    tracing::info!(messages = ?told.messages, alerts = told.count, waiting, complete = told.is_complete, "told");
    if let Some(error) = &told.store {
        tracing::error!(%error, "the state store failed");
    }
    if let Some(error) = &told.refused {
        tracing::error!(%error, "nobody could be told");
    }
}

/// Items of the ledger that are forgotten because they cannot be read.
pub(crate) fn unreadable(items: &[String]) {
    for item in items {
        tracing::warn!(item = checklist::text::bounded(item), "an item of the ledger cannot be read and is forgotten");
    }
}
