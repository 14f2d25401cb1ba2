//! Where and when root's events were looked up: by Region, as what was not looked at is no proof that root did nothing.

use std::collections::BTreeMap;

use facts::Source;
use facts::span::Span;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stored::Stored;

/// Spans by Region, each oldest first and none touching another; a Region without one was to be looked at, and never was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Looked(BTreeMap<String, Vec<Span>>);

impl Looked {
    /// Adds what `report` looked at. A Region that could not be read to the end counts for nothing.
    pub fn add(&mut self, report: &Stored) {
        let (Some(since), Some(until)) = (report.root_events_since, report.taken_at) else { return };
        for state in report.sources.iter().filter(|state| state.source == Source::RootEvents) {
            let Some(region) = &state.region else { continue };
            let spans = self.0.entry(region.clone()).or_default();
            if state.error.is_none() && since < until {
                spans.push(Span { since, until });
                merge(spans);
            }
        }
    }

    /// Forgets what lies before `horizon`, and Regions of which nothing is left.
    pub fn forget(&mut self, horizon: Timestamp) {
        for spans in self.0.values_mut() {
            spans.retain(|span| span.until > horizon);
        }
        self.0.retain(|_, spans| !spans.is_empty());
    }

    /// Since when at least one Region was looked at.
    pub fn since(&self) -> Option<Timestamp> {
        self.0.values().flatten().map(|span| span.since).min()
    }

    /// How many Regions there are.
    pub fn regions(&self) -> usize {
        self.0.len()
    }

    /// What is missing between `from` and `to`, by Region; only Regions of which something is.
    pub fn gaps(&self, from: Timestamp, to: Timestamp) -> Vec<(&str, Vec<Span>)> {
        let of_region = self.0.iter().map(|(region, spans)| {
            let mut gaps = Vec::new();
            let mut reached = from;
            for span in spans.iter().filter(|span| span.until > from && span.since < to) {
                if span.since > reached {
                    gaps.push(Span { since: reached, until: span.since });
                }
                reached = reached.max(span.until);
            }
            if reached < to {
                gaps.push(Span { since: reached, until: to });
            }
            (region.as_str(), gaps)
        });
        of_region.filter(|(_, gaps)| !gaps.is_empty()).collect()
    }

    /// Whether nothing of `region` was looked at.
    pub fn is_blank(&self, region: &str) -> bool {
        self.0.get(region).is_none_or(Vec::is_empty)
    }
}

fn merge(spans: &mut Vec<Span>) {
    spans.sort_by_key(|span| span.since);
    spans.dedup_by(|later, earlier| {
        let touches = later.since <= earlier.until;
        if touches {
            earlier.until = earlier.until.max(later.until);
        }
        touches
    });
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn state(region: &str, is_read: bool) -> Value {
        let error = json!({"source": "root_events", "operation": format!("cloudtrail:LookupEvents in {region}"), "cause": "timed_out"});
        json!({"source": "root_events", "region": region, "as_of": null, "age_seconds": null, "error": (!is_read).then_some(error)})
    }

    fn report(since: &str, until: &str, states: &[Value]) -> Stored {
        Stored::read(&json!({"taken_at": until, "root_events_since": since, "sources": states}))
    }

    #[test]
    fn only_what_was_read_to_the_end_counts_and_what_lies_between_is_a_gap_of_its_region() {
        let mut looked = Looked::default();
        looked.add(&report(
            "2026-11-18T10:00:00Z",
            "2026-11-19T10:00:00Z",
            &[state("us-east-1", true), state("us-west-2", false)],
        ));
        assert_eq!((looked.since(), looked.regions()), (Some(at("2026-11-18T10:00:00Z")), 2));
        looked.add(&report(
            "2026-11-19T09:00:00Z",
            "2026-11-20T09:00:00Z",
            &[state("us-east-1", true), state("us-west-2", false)],
        ));
        looked.add(&report(
            "2026-11-21T00:00:00Z",
            "2026-11-22T00:00:00Z",
            &[state("us-east-1", true), state("us-west-2", true)],
        ));
        let (from, to) = (at("2026-11-18T10:00:00Z"), at("2026-11-22T00:00:00Z"));
        let span = |since: &str, until: &str| Span { since: at(since), until: at(until) };
        assert_eq!(
            looked.gaps(from, to),
            [
                ("us-east-1", vec![span("2026-11-20T09:00:00Z", "2026-11-21T00:00:00Z")]),
                ("us-west-2", vec![span("2026-11-18T10:00:00Z", "2026-11-21T00:00:00Z")]),
            ]
        );
        looked.forget(at("2026-11-20T12:00:00Z"));
        assert_eq!(looked.since(), Some(at("2026-11-21T00:00:00Z")));
    }

    #[test]
    fn where_no_region_could_be_read_nothing_was_looked_at() {
        let mut looked = Looked::default();
        looked.add(&report("2026-11-18T10:00:00Z", "2026-11-19T10:00:00Z", &[state("us-east-1", false)]));
        assert_eq!((looked.since(), looked.regions(), looked.is_blank("us-east-1")), (None, 1, true));
    }
}
