//! One run in figures, in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>): a line of
//! JSON on standard output, no call and no permission.

use std::collections::BTreeMap;

use checklist::Report;
use checklist::finding::Status;
use checklist::snapshot::Source;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::telling::Told;

/// Where the figures are found in CloudWatch; the alarm for missing heartbeats reads there.
pub const NAMESPACE: &str = "rootwatch";
/// What every figure is of: the function's name.
pub const DIMENSION: &str = "FunctionName";
/// The figure of a complete run.
pub const HEARTBEAT: &str = "Heartbeat";

/// The figures of one run, of the function called `function`.
pub(crate) fn line(function: &str, report: &Report, told: &Told) -> String {
    let mut figures: BTreeMap<String, (i64, &str)> = BTreeMap::new();
    let mut count = |name: &str, value: usize| {
        figures.insert(name.into(), (i64::try_from(value).unwrap_or(i64::MAX), "Count"));
    };
    let with = |status| report.findings.iter().filter(|finding| finding.status == status).count();
    for (name, status) in [
        ("FindingsPassed", Status::Passed),
        ("FindingsFailed", Status::Failed),
        ("FindingsUnknown", Status::Unknown),
        ("FindingsNotApplicable", Status::NotApplicable),
    ] {
        count(name, with(status));
    }
    count("AlertsTold", told.count);
    if let Some(waiting) = told.waiting {
        count("OutboxSize", waiting);
    }
    if told.store.is_some() {
        count("StateStoreDown", 1);
    }
    if told.refused.is_some() {
        count("PublishFailed", 1);
    }
    // Only a complete run sends it: the alarm takes its absence for the worst.
    if told.is_complete {
        count(HEARTBEAT, 1);
    }
    let news = told.alerts.iter().filter_map(|alert| alert.act());
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for act in news {
        *kinds.entry(format!("RootActivity{:?}", act.kind)).or_default() += 1;
    }
    kinds.iter().for_each(|(kind, number)| count(kind, *number));
    if let Some(lag) = told.lag {
        figures.insert("SweepLag".into(), (lag.as_secs(), "Seconds"));
    }
    let age = report.sources.iter().find(|state| state.source == Source::CredentialReport);
    if let Some(age) = age.and_then(|state| state.age_seconds) {
        figures.insert("CredentialReportAge".into(), (i64::try_from(age).unwrap_or(i64::MAX), "Seconds"));
    }
    document(function, report.taken_at, &figures)
}

fn document(function: &str, now: Timestamp, figures: &BTreeMap<String, (i64, &str)>) -> String {
    let metrics: Vec<Value> = figures.iter().map(|(name, (_, unit))| json!({"Name": name, "Unit": unit})).collect();
    let mut document = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}],
        },
        DIMENSION: function,
    });
    if let Some(fields) = document.as_object_mut() {
        fields.extend(figures.iter().map(|(name, (value, _))| (name.clone(), json!(value))));
    }
    document.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_each_figure_with_its_unit_and_its_value() {
        let figures =
            BTreeMap::from([("Heartbeat".to_owned(), (1, "Count")), ("SweepLag".to_owned(), (60, "Seconds"))]);
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let document: Value = serde_json::from_str(&document("rootwatch", now, &figures)).unwrap();
        insta::assert_snapshot!(format!("{document:#}"));
    }
}
