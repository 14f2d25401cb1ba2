//! A run in figures, in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>): a line of
//! JSON on standard output, no call and no permission.
//!
//! A metric costs 0.30 dollars a month beyond the account's first ten (<https://aws.amazon.com/cloudwatch/pricing/>), each function's
//! by itself. Hence few figures are metrics; every other one is a field of the same line, which the log keeps and CloudWatch Logs
//! Insights finds.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Sent;

/// Where the figures are found in CloudWatch; the alarm for missing heartbeats reads there.
pub const NAMESPACE: &str = "rootwatch";
/// What every figure is of: the function's name.
pub const DIMENSION: &str = "FunctionName";

/// The figures of one run, by name.
#[derive(Debug)]
pub struct Figures {
    /// Those of them that are metrics, if they are there.
    metrics: &'static [&'static str],
    values: BTreeMap<String, (i64, &'static str)>,
}

impl Figures {
    /// Of a function with these metrics.
    pub fn new(metrics: &'static [&'static str]) -> Self {
        Self { metrics, values: BTreeMap::new() }
    }

    /// Adds a number of things.
    pub fn count(&mut self, name: impl Into<String>, value: usize) {
        self.values.insert(name.into(), (i64::try_from(value).unwrap_or(i64::MAX), "Count"));
    }

    /// Adds a time in seconds.
    pub fn seconds(&mut self, name: impl Into<String>, value: i64) {
        self.values.insert(name.into(), (value, "Seconds"));
    }

    /// Adds what was sent, what waits, and what failed meanwhile.
    pub fn sending(&mut self, sent: &Sent) {
        self.count("AlertsTold", sent.count);
        if let Some(waiting) = sent.waiting {
            self.count("OutboxSize", waiting);
        }
        if sent.store.is_some() {
            self.count("StateStoreDown", 1);
        }
        if sent.refused.is_some() {
            self.count("PublishFailed", 1);
        }
    }

    /// Adds so many root actions, if there are any: an hour without the metric is not charged.
    pub fn acts(&mut self, number: usize) {
        if number > 0 {
            self.count("RootActivity", number);
        }
    }

    /// Adds so many of each kind.
    pub fn kinds(&mut self, names: impl Iterator<Item = String>) {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        names.for_each(|name| *kinds.entry(name).or_default() += 1);
        kinds.into_iter().for_each(|(name, number)| self.count(name, number));
    }

    /// The line for the function called `function`, at `now`.
    pub fn line(&self, function: &str, now: Timestamp) -> String {
        let metrics = self.values.iter().filter(|(name, _)| self.metrics.contains(&name.as_str()));
        let metrics: Vec<Value> = metrics.map(|(name, (_, unit))| json!({"Name": name, "Unit": unit})).collect();
        // No directive without a metric: CloudWatch would refuse it.
        let directive = || json!({"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics});
        let directives: Vec<Value> = (!metrics.is_empty()).then(directive).into_iter().collect();
        let mut document = json!({
            "_aws": {"Timestamp": now.as_millisecond(), "CloudWatchMetrics": directives},
            DIMENSION: function,
        });
        if let Some(fields) = document.as_object_mut() {
            fields.extend(self.values.iter().map(|(name, (value, _))| (name.clone(), json!(value))));
        }
        document.to_string()
    }
}

/// CloudWatch makes metrics of a line only as it stands: no log record may be around it.
pub fn emit(line: &str) {
    // A closed standard output also loses the log; the missing heartbeat shows it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(figures: &Figures) -> Value {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        serde_json::from_str(&figures.line("rootwatch", now)).unwrap()
    }

    #[test]
    fn a_document_names_each_metric_with_its_unit_and_has_every_figure_as_a_field() {
        let mut figures = Figures::new(&["Heartbeat", "SweepLag", "RootActivity"]);
        figures.count("Heartbeat", 1);
        figures.seconds("SweepLag", 60);
        figures.count("AlertsTold", 2);
        insta::assert_snapshot!(format!("{:#}", document(&figures)));
    }

    #[test]
    fn a_run_without_a_metric_keeps_its_fields_and_names_no_metric() {
        let mut figures = Figures::new(&["Heartbeat"]);
        figures.count("AlertsTold", 2);
        let document = document(&figures);
        assert_eq!((&document["_aws"]["CloudWatchMetrics"], &document["AlertsTold"]), (&json!([]), &json!(2)));
    }

    #[test]
    fn kinds_are_counted() {
        let mut figures = Figures::new(&[]);
        figures.kinds(["A", "B", "A"].into_iter().map(str::to_owned));
        assert_eq!((figures.values["A"].0, figures.values["B"].0), (2, 1));
    }
}
