//! What a check writes into the log.

use checklist::Report;

use crate::telling::Told;

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
    told.spoken.log();
    tracing::info!(complete = told.is_complete, "check");
}

/// Items of the ledger that are forgotten because they cannot be read.
pub(crate) fn unreadable(items: &[String]) {
    for item in items {
        tracing::warn!(item = checklist::text::bounded(item), "an item of the ledger cannot be read and is forgotten");
    }
}
