//! A run in figures, in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>): a line of
//! JSON on standard output, no call and no permission.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Spoken;

/// Where the figures are found in CloudWatch; the alarm for missing heartbeats reads there.
pub const NAMESPACE: &str = "rootwatch";
/// What every figure is of: the function's name.
pub const DIMENSION: &str = "FunctionName";

/// The figures of one run, by name.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<String, (i64, &'static str)>);

impl Figures {
    /// Adds a number of things.
    pub fn count(&mut self, name: impl Into<String>, value: usize) {
        self.0.insert(name.into(), (i64::try_from(value).unwrap_or(i64::MAX), "Count"));
    }

    /// Adds a time in seconds.
    pub fn seconds(&mut self, name: impl Into<String>, value: i64) {
        self.0.insert(name.into(), (value, "Seconds"));
    }

    /// Adds what was told, what waits, and what failed meanwhile.
    pub fn telling(&mut self, spoken: &Spoken) {
        self.count("AlertsTold", spoken.count);
        if let Some(waiting) = spoken.waiting {
            self.count("OutboxSize", waiting);
        }
        if spoken.store.is_some() {
            self.count("StateStoreDown", 1);
        }
        if spoken.refused.is_some() {
            self.count("PublishFailed", 1);
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
        let metrics: Vec<Value> = self.0.iter().map(|(name, (_, unit))| json!({"Name": name, "Unit": unit})).collect();
        let mut document = json!({
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}],
            },
            DIMENSION: function,
        });
        if let Some(fields) = document.as_object_mut() {
            fields.extend(self.0.iter().map(|(name, (value, _))| (name.clone(), json!(value))));
        }
        document.to_string()
    }
}

/// CloudWatch makes metrics of a line only as it stands: no log record may be around it.
pub fn emit(line: &str) {
    // A closed standard output also loses the log; the missing heartbeat tells.
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_each_figure_with_its_unit_and_its_value() {
        let mut figures = Figures::default();
        figures.count("Heartbeat", 1);
        figures.seconds("SweepLag", 60);
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let document: Value = serde_json::from_str(&figures.line("rootwatch", now)).unwrap();
        insta::assert_snapshot!(format!("{document:#}"));
    }

    #[test]
    fn kinds_are_counted() {
        let mut figures = Figures::default();
        figures.kinds(["A", "B", "A"].into_iter().map(str::to_owned));
        assert_eq!((figures.0["A"].0, figures.0["B"].0), (2, 1));
    }
}
