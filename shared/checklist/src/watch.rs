//! What wakes rootwatch: its rules in EventBridge and its schedule in EventBridge Scheduler.

use std::fmt;

use crate::snapshot::Unavailable;

/// What wakes rootwatch, and whether it still does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The rules that hear of root within seconds: each in each Region in which it stands.
    pub rules: Vec<Rule>,
    /// The schedule of the sweep.
    pub schedule: Schedule,
}

/// A rule in one Region, by `events:DescribeRule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name on the default bus.
    pub name: String,
    /// Region code, as `us-east-1`.
    pub region: String,
    /// Whether it is on.
    pub state: Result<Switch, Unavailable>,
}

/// The schedule, by `scheduler:GetSchedule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name in the group `default`.
    pub name: String,
    /// Whether it is on.
    pub state: Result<Switch, Unavailable>,
}

/// Whether something that wakes rootwatch is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It is not there.
    Missing,
    /// It is there and off.
    Disabled,
    /// It is on.
    Enabled,
}

impl Switch {
    /// A state as EventBridge and its Scheduler word it; `None` for words that neither has.
    pub fn parse(state: &str) -> Option<Self> {
        match state {
            "ENABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" => Some(Self::Enabled),
            "DISABLED" => Some(Self::Disabled),
            _ => None,
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
        })
    }
}

impl Watch {
    /// Everything that should be on: what it is, and whether it is.
    pub fn switches(&self) -> impl Iterator<Item = (String, &Result<Switch, Unavailable>)> {
        let rules = self.rules.iter().map(|rule| (format!("rule {} in {}", rule.name, rule.region), &rule.state));
        rules.chain([(format!("schedule {}", self.schedule.name), &self.schedule.state)])
    }

    /// Rules that are on, each with the Regions in which it is.
    pub fn enabled(&self) -> Vec<(&str, Vec<&str>)> {
        let mut enabled: Vec<(&str, Vec<&str>)> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.state == Ok(Switch::Enabled)) {
            match enabled.iter_mut().find(|(name, _)| *name == rule.name) {
                Some((_, regions)) => regions.push(&rule.region),
                None => enabled.push((&rule.name, vec![&rule.region])),
            }
        }
        enabled
    }

    /// Why not all of it is known, the first reason.
    pub fn unread(&self) -> Option<&Unavailable> {
        self.switches().find_map(|(_, state)| state.as_ref().err())
    }
}

#[cfg(test)]
impl Watch {
    /// Two rules in two Regions and the schedule, all on.
    pub(crate) fn whole() -> Self {
        let rule =
            |name: &str, region: &str| Rule { name: name.into(), region: region.into(), state: Ok(Switch::Enabled) };
        let regions = ["eu-west-1", "us-east-1"];
        let rules =
            regions.iter().flat_map(|region| [rule("rootwatch-root", region), rule("rootwatch-tampering", region)]);
        Self {
            rules: rules.collect(),
            schedule: Schedule { name: "rootwatch-schedule".into(), state: Ok(Switch::Enabled) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_that_aws_names_is_on_or_off_and_another_one_is_neither() {
        assert_eq!(Switch::parse("ENABLED"), Some(Switch::Enabled));
        assert_eq!(Switch::parse("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), Some(Switch::Enabled));
        assert_eq!(Switch::parse("DISABLED"), Some(Switch::Disabled));
        assert_eq!(Switch::parse("enabled"), None);
    }
}
