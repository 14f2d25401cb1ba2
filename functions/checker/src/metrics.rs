//! A check in figures.

use std::iter::repeat_n;

use checklist::Report;
use checklist::control::Step;
use facts::RootActivity;
use facts::source::Source;
use facts::verdict::Status;
use function::figures::Figures;

use crate::sending::Outcome;

/// The figure of a complete run.
pub const HEARTBEAT: &str = "Heartbeat";
/// Which of the figures are metrics; the report, and the line in the log, have the others too.
pub const METRICS: &[&str] =
    &["FindingsFailed", "FindingsUnknown", HEARTBEAT, "OutboxSize", "RootActivity", "StepsFailed", "SweepLag"];

/// The figures of one run, of the function called `function`.
pub(crate) fn line(function: &str, report: &Report, outcome: &Outcome) -> String {
    let mut figures = Figures::new(METRICS);
    let with = |status| report.findings.iter().filter(|finding| finding.status == status).count();
    for (name, status) in [
        ("FindingsPassed", Status::Passed),
        ("FindingsFailed", Status::Failed),
        ("FindingsUnknown", Status::Unknown),
        ("FindingsNotApplicable", Status::NotApplicable),
    ] {
        figures.count(name, with(status));
    }
    for (name, statuses) in [
        // A step that does not apply is as good as one that passes, as in the score.
        ("StepsPassed", &[Status::Passed, Status::NotApplicable][..]),
        ("StepsFailed", &[Status::Failed]),
        ("StepsUnknown", &[Status::Unknown]),
    ] {
        let has = |step: &&Step| statuses.contains(&report.status_of(Some(**step)));
        figures.count(name, Step::ALL.iter().filter(has).count());
    }
    figures.sending(&outcome.sent);
    // Only a complete run sends it: the alarm takes its absence for the worst.
    if outcome.is_complete {
        figures.count(HEARTBEAT, 1);
    }
    let news = || outcome.alerts.iter().filter_map(|alert| alert.act());
    figures.acts(news().map(RootActivity::count).sum());
    figures.kinds(news().flat_map(|act| repeat_n(format!("RootActivity{:?}", act.kind), act.count())));
    if let Some(lag) = outcome.lag {
        figures.seconds("SweepLag", lag.as_secs());
    }
    let age = report.sources.iter().find(|state| state.source == Source::CredentialReport);
    if let Some(age) = age.and_then(|state| state.age_seconds) {
        figures.seconds("CredentialReportAge", i64::try_from(age).unwrap_or(i64::MAX));
    }
    figures.line(function, report.taken_at)
}
