//! What wakes rootwatch: its rules in EventBridge with their targets, the canary that takes their way, and its schedule in
//! EventBridge Scheduler.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::source::Unavailable;
use crate::span::CLOCKS_DIFFER;
use crate::text::bounded;

/// The source of a canary: an event of our own that takes the way of root's. For every other source the rules ask for one of AWS.
pub const CANARY: &str = "rootwatch.canary";

/// After so long a canary that did not arrive is missing. The queue holds an event back for 20 seconds at most.
pub const ON_THE_WAY: SignedDuration = SignedDuration::from_mins(5);

/// More Regions than AWS has: more are not remembered.
pub const MAX_CANARIES: usize = 60;

/// What wakes rootwatch, and whether it still does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The function's own Region, to which the others forward.
    pub home: String,
    /// The rules that hear of root within seconds: each in each Region in which it stands.
    pub rules: Vec<Rule>,
    /// The schedule of the sweep.
    pub schedule: Schedule,
    /// The canary of each Region.
    pub canaries: Vec<Canary>,
}

/// A rule in one Region, by `events:ListRules` and `events:ListTargetsByRule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name on the default bus.
    pub name: String,
    /// Region code, as `us-east-1`.
    pub region: String,
    /// Whether it is on.
    pub state: Result<Switch, Unavailable>,
    /// Where the template sends what it hears.
    pub made: Option<Target>,
    /// Where it sends that; `None`: not read in this check.
    pub targets: Option<Result<Vec<Target>, Unavailable>>,
}

/// A target of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name among those of the rule.
    pub id: String,
    /// Where it leads.
    pub arn: String,
    /// The role with which EventBridge brings events there.
    pub role: Option<String>,
    /// Events arrive as they are.
    pub keeps_input: bool,
}

/// The schedule, by `scheduler:GetSchedule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name in the group `default`.
    pub name: String,
    /// Whether it is on.
    pub state: Result<Switch, Unavailable>,
}

/// The canary of one Region: each check puts an event on the bus there, and the next one sees whether it arrived at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Region code.
    pub region: String,
    /// Whether this check could send one; `None`: it was not to send any.
    pub sent: Option<Result<(), Unavailable>>,
    /// When the oldest was sent that no earlier check saw arrive.
    pub awaited: Option<Timestamp>,
    /// The newest that arrived.
    pub arrived: Option<Arrival>,
}

/// A canary that arrived, as the function at the end of the way notes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Arrival {
    /// When it was sent.
    pub sent_at: Timestamp,
    /// How long it took.
    pub seconds: i64,
}

/// What is known of a Region's canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flight {
    /// None was sent before this check.
    First,
    /// One was sent a moment ago.
    OnItsWay,
    /// The newest arrived.
    Arrived(Arrival),
    /// One was sent then, and neither it nor a later one arrived.
    Missed(Timestamp),
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

impl Rule {
    /// `rule rootwatch-root in us-east-1`.
    pub fn label(&self) -> String {
        format!("rule {} in {}", self.name, self.region)
    }

    /// Whether it is known to be on.
    pub fn is_on(&self) -> bool {
        self.state == Ok(Switch::Enabled)
    }

    /// What is wrong with its target, a few words; `None` where nothing is, or it was not checked.
    pub fn misses(&self) -> Option<String> {
        let (made, targets) = (self.made.as_ref()?, self.targets.as_ref()?.as_ref().ok()?);
        let Some(found) = targets.iter().find(|target| target.id == made.id) else {
            return Some(format!("has lost its target `{}`", made.id));
        };
        let role = |target: &Target| target.role.as_deref().map_or("no role".to_owned(), bounded);
        if found.arn != made.arn {
            return Some(format!("sends events to {} in place of {}", bounded(&found.arn), made.arn));
        }
        if found.role != made.role {
            return Some(format!("sends events with {} in place of {}", role(found), role(made)));
        }
        (!found.keeps_input).then(|| format!("changes the events for its target `{}`", made.id))
    }
}

impl Canary {
    /// What is known at `now`. What is written of a time to come proves nothing.
    pub fn flight(&self, now: Timestamp) -> Flight {
        let is_past = |at: Timestamp| at.duration_since(now) <= CLOCKS_DIFFER;
        let Some(awaited) = self.awaited.filter(|at| is_past(*at)) else { return Flight::First };
        match self.arrived.filter(|arrival| is_past(arrival.sent_at)) {
            Some(arrival) if arrival.sent_at >= awaited => Flight::Arrived(arrival),
            _ if now.duration_since(awaited) > ON_THE_WAY => Flight::Missed(awaited),
            _ => Flight::OnItsWay,
        }
    }

    /// When the oldest was sent that the next check waits for.
    fn awaits(&self, now: Timestamp) -> Option<Timestamp> {
        match (&self.sent, self.flight(now)) {
            (Some(Ok(())), Flight::First | Flight::Arrived(_)) => Some(now),
            _ => self.awaited,
        }
    }
}

impl Watch {
    /// Everything that should be on: what it is, and whether it is.
    pub fn switches(&self) -> impl Iterator<Item = (String, &Result<Switch, Unavailable>)> {
        let rules = self.rules.iter().map(|rule| (rule.label(), &rule.state));
        rules.chain([(format!("schedule {}", self.schedule.name), &self.schedule.state)])
    }

    /// Rules that are on, each with the Regions in which it is.
    pub fn enabled(&self) -> Vec<(&str, Vec<&str>)> {
        let mut enabled: Vec<(&str, Vec<&str>)> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.is_on()) {
            match enabled.iter_mut().find(|(name, _)| *name == rule.name) {
                Some((_, regions)) => regions.push(&rule.region),
                None => enabled.push((&rule.name, vec![&rule.region])),
            }
        }
        enabled
    }

    /// Why not all is known at home, the first reason.
    pub fn unread(&self) -> Option<&Unavailable> {
        self.unread_in(&self.home).or(self.schedule.state.as_ref().err())
    }

    /// The Regions that forward, each with the first reason why not all is known of it.
    pub fn forwarding(&self) -> BTreeMap<&str, Option<&Unavailable>> {
        let rules = self.rules.iter().map(|rule| rule.region.as_str());
        let regions = rules.chain(self.canaries.iter().map(|canary| canary.region.as_str()));
        regions.filter(|region| *region != self.home).map(|region| (region, self.unread_in(region))).collect()
    }

    /// The newest canary that arrived of each Region.
    pub fn arrived(&self) -> impl Iterator<Item = (String, Arrival)> {
        self.canaries.iter().filter_map(|canary| Some((canary.region.clone(), canary.arrived?)))
    }

    /// When the oldest canary was sent that the next check waits for, by Region.
    pub fn awaits(&self, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let awaited = |canary: &Canary| Some((canary.region.clone(), canary.awaits(now)?));
        self.canaries.iter().filter_map(awaited).take(MAX_CANARIES).collect()
    }

    fn unread_in(&self, region: &str) -> Option<&Unavailable> {
        let rules = || self.rules.iter().filter(|rule| rule.region == region);
        let states = rules().filter_map(|rule| rule.state.as_ref().err());
        let targets = rules().filter_map(|rule| rule.targets.as_ref()?.as_ref().err());
        let canaries = self.canaries.iter().filter(|canary| canary.region == region);
        let unsent = canaries.filter_map(|canary| canary.sent.as_ref()?.as_ref().err());
        states.chain(targets).chain(unsent).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn ago(minutes: i64) -> Timestamp {
        now() - SignedDuration::from_mins(minutes)
    }

    fn canary(awaited: Option<i64>, arrived: Option<i64>) -> Canary {
        let arrived = arrived.map(|minutes| Arrival { sent_at: ago(minutes), seconds: 3 });
        Canary { region: "eu-west-1".into(), sent: Some(Ok(())), awaited: awaited.map(ago), arrived }
    }

    #[test]
    fn every_state_that_aws_names_is_on_or_off_and_another_one_is_neither() {
        assert_eq!(Switch::parse("ENABLED"), Some(Switch::Enabled));
        assert_eq!(Switch::parse("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), Some(Switch::Enabled));
        assert_eq!(Switch::parse("DISABLED"), Some(Switch::Disabled));
        assert_eq!(Switch::parse("enabled"), None);
    }

    #[test]
    fn a_canary_that_did_not_arrive_in_five_minutes_is_missed_and_a_later_one_that_arrived_proves_the_way() {
        let flight = |awaited, arrived| canary(awaited, arrived).flight(now());
        let arrived = |minutes| Flight::Arrived(Arrival { sent_at: ago(minutes), seconds: 3 });
        assert_eq!(flight(None, None), Flight::First);
        assert_eq!(flight(None, Some(15)), Flight::First, "what arrived was not sent by a check that is remembered");
        assert_eq!(flight(Some(15), Some(15)), arrived(15));
        assert_eq!(flight(Some(30), Some(15)), arrived(15));
        assert_eq!(flight(Some(15), Some(30)), Flight::Missed(ago(15)));
        assert_eq!(flight(Some(15), None), Flight::Missed(ago(15)));
        assert_eq!(flight(Some(5), Some(6)), Flight::OnItsWay);
        assert_eq!(flight(Some(15), Some(-6)), Flight::Missed(ago(15)), "nothing arrives before it was sent");
        assert_eq!(flight(Some(-6), None), Flight::First, "none was sent in the future");
    }

    #[test]
    fn the_oldest_canary_that_did_not_arrive_is_waited_for_however_often_another_one_is_sent() {
        let awaits = |canary: Canary| canary.awaits(now());
        assert_eq!(awaits(canary(None, None)), Some(now()));
        assert_eq!(awaits(canary(Some(15), Some(15))), Some(now()));
        for minutes in [1, 15] {
            assert_eq!(awaits(canary(Some(minutes), None)), Some(ago(minutes)));
        }
        for sent in [None, Some(Err(crate::testing::unavailable(crate::Source::Watch)))] {
            assert_eq!(awaits(Canary { sent: sent.clone(), ..canary(None, None) }), None);
            assert_eq!(awaits(Canary { sent, ..canary(Some(15), Some(15)) }), Some(ago(15)));
        }
    }

    #[test]
    fn a_target_is_as_the_template_made_it_or_its_fault_is_named() {
        let rule = Watch::whole().rules.remove(0);
        let with = |change: fn(&mut Target)| {
            let mut rule = rule.clone();
            change(&mut rule.targets.as_mut().unwrap().as_mut().unwrap()[0]);
            rule.misses()
        };
        assert_eq!(rule.misses(), None);
        assert_eq!(with(|target| target.id = "other".into()).unwrap(), "has lost its target `queue`");
        let elsewhere = with(|target| target.arn = "arn:aws:sqs:eu-west-1:111122223333:mine".into()).unwrap();
        assert!(elsewhere.starts_with("sends events to arn:aws:sqs:eu-west-1:111122223333:mine in place of"));
        let role = with(|target| target.role = Some("arn:aws:iam::111122223333:role/mine".into())).unwrap();
        assert_eq!(role, "sends events with arn:aws:iam::111122223333:role/mine in place of no role");
        assert_eq!(with(|target| target.keeps_input = false).unwrap(), "changes the events for its target `queue`");
        assert_eq!(Rule { targets: None, ..rule.clone() }.misses(), None, "not checked");
        let more = Rule {
            targets: Some(Ok([
                rule.made.clone().unwrap(),
                Target { id: "theirs".into(), ..rule.made.clone().unwrap() },
            ]
            .into())),
            ..rule
        };
        assert_eq!(more.misses(), None, "another target takes nothing away");
    }

    #[test]
    fn what_could_not_be_read_of_a_region_that_forwards_is_its_own_and_not_that_of_home() {
        let mut watch = Watch::whole();
        let denied = crate::testing::unavailable(crate::Source::Watch);
        watch.rules[3].targets = Some(Err(denied.clone()));
        assert_eq!((watch.unread(), watch.forwarding()), (None, BTreeMap::from([("us-east-1", Some(&denied))])));
        watch.rules[3].targets = None;
        watch.canaries[0].sent = Some(Err(denied.clone()));
        assert_eq!((watch.unread(), watch.forwarding()), (Some(&denied), BTreeMap::from([("us-east-1", None)])));
    }
}
