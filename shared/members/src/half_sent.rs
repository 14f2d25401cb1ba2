//! What is critical in an account with a route goes to two topics. Where one of them refuses, its alerts wait, and the other is not sent them again.

use serde::{Deserialize, Serialize};

/// Most alerts that are remembered of an account and a topic. The topic is sent the others again.
const MAX_ALERTS: usize = 20;

/// Critical alerts of an account that a topic has, while they wait for another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HalfSent {
    /// The topic's route; `None`: it is the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Fingerprints of their keys in the outbox.
    pub alerts: Vec<String>,
}

impl HalfSent {
    /// The topic of `route` has the alerts with `keys`; `None`: it has none.
    pub fn new<'a>(route: Option<&str>, keys: impl Iterator<Item = &'a str>) -> Option<Self> {
        let alerts: Vec<String> = keys.take(MAX_ALERTS).map(fingerprint).collect();
        (!alerts.is_empty()).then(|| Self { route: route.map(str::to_owned), alerts })
    }

    /// Whether the topic may have more than is remembered.
    pub fn is_full(&self) -> bool {
        self.alerts.len() >= MAX_ALERTS
    }

    /// Whether the topic of `route` has the alert with this key.
    pub fn has(&self, route: Option<&str>, key: &str) -> bool {
        self.route.as_deref() == route && self.alerts.contains(&fingerprint(key))
    }
}

fn fingerprint(key: &str) -> String {
    crate::fingerprint(key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_what_it_was_sent_and_nothing_that_was_recorded_late() {
        let half = HalfSent::new(Some("payments"), ["01#a", "03#c"].into_iter()).unwrap();
        let has = |key| half.has(Some("payments"), key);
        assert_eq!([has("01#a"), has("02#b"), has("03#c"), has("04#d")], [true, false, true, false]);
        assert!(!half.has(None, "01#a") && !half.has(Some("platform"), "01#a"));
        assert_eq!(HalfSent::new(None, std::iter::empty()), None);
        let keys: Vec<String> = (10..40).map(|number| format!("{number}#a")).collect();
        let half = HalfSent::new(None, keys.iter().map(String::as_str)).unwrap();
        assert!(half.has(None, "29#a") && !half.has(None, "30#a"), "of too many some are sent again");
        assert!(half.is_full() && !HalfSent::new(None, ["01#a"].into_iter()).unwrap().is_full());
    }
}
