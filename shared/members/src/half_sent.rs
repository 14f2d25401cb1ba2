//! What is critical in an account with a route goes to two topics. Where one of them refuses, its alerts wait, and the other is not sent them again.

use serde::{Deserialize, Serialize};

/// A topic that has the critical alerts of an account up to a key, while they wait for another one. Keys begin with the time of their alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HalfSent {
    /// The topic's route; `None`: it is the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Key of the newest alert that it has.
    pub up_to: String,
    /// So many alerts with this key or an earlier one wait. Where there are more, one was recorded late, and the topic may lack it.
    pub count: usize,
}

impl HalfSent {
    /// That the topic has those in `waiting` that are marked, which are the earliest of those that are due to it; `None`: it has none.
    pub fn new<'a>(route: Option<&str>, waiting: impl Iterator<Item = (&'a str, bool)> + Clone) -> Option<Self> {
        let up_to = waiting.clone().filter(|(_, has)| *has).map(|(key, _)| key).max()?;
        let count = waiting.filter(|(key, _)| *key <= up_to).count();
        Some(Self { route: route.map(str::to_owned), up_to: up_to.to_owned(), count })
    }

    /// Whether it may be relied on, by the keys that wait.
    pub fn holds<'a>(&self, waiting: impl Iterator<Item = &'a str>) -> bool {
        waiting.filter(|key| *key <= self.up_to.as_str()).count() <= self.count
    }

    /// Whether the topic of `route` has the alert with this key.
    pub fn has(&self, route: Option<&str>, key: &str) -> bool {
        self.route.as_deref() == route && key <= self.up_to.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_not_sent_again_what_it_has_and_is_where_an_alert_was_recorded_late() {
        let waiting = [("01#a", true), ("02#b", false), ("03#c", true), ("04#d", false)];
        let half = HalfSent::new(Some("payments"), waiting.into_iter()).unwrap();
        assert_eq!((half.up_to.as_str(), half.count), ("03#c", 3));
        let has = |key| half.has(Some("payments"), key);
        assert_eq!([has("01#a"), has("03#c"), has("04#d")], [true, true, false]);
        assert!(!half.has(None, "01#a") && !half.has(Some("platform"), "01#a"));
        let keys = |keys: &'static [&'static str]| half.holds(keys.iter().copied());
        assert!(keys(&["01#a", "02#b", "03#c", "05#e"]) && keys(&["03#c"]) && keys(&[]));
        assert!(!keys(&["01#a", "01#z", "02#b", "03#c"]), "one came in between");
        assert_eq!(HalfSent::new(None, [("01#a", false)].into_iter()), None);
    }
}
