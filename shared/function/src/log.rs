//! A function's log: JSON lines on standard output.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Begins to log what `function`, a crate's name, says at `level`, Lambda's setting (`TRACE` to `ERROR`; else `INFO`).
///
/// Of libraries only warnings are kept: at lower levels the SDK would write answers of AWS, with rows of the report, into the log.
pub fn start(function: &'static str, level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    // The runtime's span gives every line the id of its request.
    let ours = [(function, level), ("function", level), ("lambda_runtime", level.min(LevelFilter::INFO))];
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false).with_target(false).without_time();
    tracing_subscriber::registry()
        .with(lines.with_filter(Targets::new().with_default(LevelFilter::WARN).with_targets(ours)))
        .init();
}

/// One line a setting that is refused.
pub fn refused(settings: &[checklist::Refused]) {
    for setting in settings {
        tracing::warn!("a setting is refused and ignored: {setting}");
    }
}
