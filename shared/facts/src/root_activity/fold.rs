//! Very many acts as few: the worst stay as they are, what repeats becomes one act that counts. However many come, what is held is
//! bounded, and each way in which something was done is still there at least once.

use std::cmp::Reverse;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Kind, RootActivity, by_weight};
use crate::severity::Severity;

/// Most acts of one group that stay single.
const MAX_OF_A_GROUP: usize = 100;
/// Most acts that stay single; more than an administrator does in a day at the console.
const MAX_SINGLE: usize = 200;
/// Most groups, unless they are as coarse as can be.
const MAX_GROUPS: usize = 100;
/// So many are piled up before they are folded.
const PILED: usize = 600;

/// Of an act that stands for others like it, how many and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Folded {
    /// How many acts, this one with them.
    pub count: usize,
    /// When the oldest of them happened; the newest is the act itself.
    pub since: Option<Timestamp>,
    /// CloudTrail's id of the newest.
    pub example: String,
    /// What they have in common; what they have not is empty in the act.
    pub alike: Alike,
    /// How many of them issued a session, or were done in one, whose access key is not kept.
    #[serde(default, skip_serializing_if = "is_none")]
    pub sessions: usize,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What the acts of a group have in common, beside their kind and whether AWS refused them; each has what the next ones have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Alike {
    /// Source address and access key.
    Source,
    /// The call.
    Call,
    /// The day, UTC.
    Day,
    /// The Region.
    Region,
    /// Nothing more.
    Kind,
}

impl Alike {
    const COARSER: [Self; 4] = [Self::Call, Self::Day, Self::Region, Self::Kind];
}

/// Acts in bounded room.
#[derive(Debug, Default)]
pub struct Pile {
    acts: Vec<RootActivity>,
    /// Ids that are counted in a group, hashed: the same event may come again, and counts once.
    counted: HashSet<u64>,
    hasher: RandomState,
}

impl Extend<RootActivity> for Pile {
    fn extend<T: IntoIterator<Item = RootActivity>>(&mut self, acts: T) {
        for act in acts {
            self.acts.push(act);
            if self.acts.len() >= PILED {
                self.fold();
            }
        }
    }
}

impl Pile {
    /// The acts, in no order.
    pub fn into_acts(mut self) -> Vec<RootActivity> {
        self.fold();
        self.acts
    }

    /// A calm group stays single as a whole or not at all, so that it has one name from run to run. Of another the newest stay: what
    /// is new in it always sends an alert by itself.
    fn fold(&mut self) {
        let (folded, mut single): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.acts).into_iter().partition(|act| act.folded.is_some());
        let mut seen = HashSet::new();
        single.retain(|act| {
            let id = self.hasher.hash_one(&act.event_id);
            // Of another act a second record may show more than the first.
            !self.counted.contains(&id) && (seen.insert(id) || !act.is_calm())
        });
        single.sort_by(by_weight);
        single.dedup();

        let mut groups = BTreeMap::new();
        folded.into_iter().for_each(|act| self.absorb(&mut groups, (act.event_id.clone(), Alike::Source), act));
        let names: Vec<String> = single.iter().map(|act| act.group(Alike::Source)).collect();
        let mut sizes: HashMap<&str, usize> = HashMap::new();
        names.iter().for_each(|name| *sizes.entry(name).or_default() += 1);
        let mut gone: HashSet<&str> = sizes
            .into_iter()
            .filter(|(name, size)| *size > MAX_OF_A_GROUP || groups.contains_key(*name))
            .map(|(name, _)| name)
            .collect();
        // Of acts that are equally bad each group has its turn, so that none crowds out the newest of another.
        let mut of_group: HashMap<&str, usize> = HashMap::new();
        let mut turns: Vec<_> = Vec::with_capacity(single.len());
        for (number, (act, name)) in single.iter().zip(&names).enumerate() {
            let place = of_group.entry(name).or_default();
            *place += 1;
            turns.push((Reverse(act.severity), if act.is_calm() { usize::MAX } else { *place }, number));
        }
        turns.sort_unstable();
        let (mut stay, mut left) = (vec![false; single.len()], MAX_SINGLE);
        for (_, place, number) in turns {
            let (Some(name), Some(stay)) = (names.get(number), stay.get_mut(number)) else { continue };
            let is_calm = place == usize::MAX;
            *stay = left > 0 && if is_calm { !gone.contains(name.as_str()) } else { place <= MAX_OF_A_GROUP };
            left -= usize::from(*stay);
            if !*stay {
                gone.insert(name);
            }
        }
        let goes = |act: &RootActivity, name: &str, stays: bool| !stays || (act.is_calm() && gone.contains(name));
        let goes: Vec<bool> =
            single.iter().zip(&names).zip(&stay).map(|((act, name), stays)| goes(act, name, *stays)).collect();
        let mut kept = Vec::new();
        for ((act, name), goes) in single.into_iter().zip(names).zip(goes) {
            if goes {
                self.absorb(&mut groups, (name, Alike::Source), act);
            } else {
                kept.push(act);
            }
        }
        // What anybody can cause, or changes nothing, gives up its details first.
        for (calm, alike) in [true, false].into_iter().flat_map(|calm| Alike::COARSER.map(|alike| (calm, alike))) {
            if groups.len() <= MAX_GROUPS {
                break;
            }
            for (name, act) in std::mem::take(&mut groups) {
                let group = if act.is_calm() == calm { (act.group(alike), alike) } else { (name, Alike::Source) };
                self.absorb(&mut groups, group, act);
            }
        }
        kept.extend(groups.into_values());
        self.acts = kept;
    }

    /// Puts `act` into the group called `name`, whose acts have so much in common; the first one stays as it is.
    fn absorb(
        &mut self,
        groups: &mut BTreeMap<String, RootActivity>,
        (name, alike): (String, Alike),
        act: RootActivity,
    ) {
        let id = |act: &RootActivity| act.folded.is_none().then(|| self.hasher.hash_one(&act.event_id));
        let both = match groups.remove(&name) {
            None => act,
            Some(other) => {
                let (known, new) = (id(&other), id(&act));
                if new.is_some_and(|new| known == Some(new) || self.counted.contains(&new)) {
                    other
                } else {
                    self.counted.extend(known.into_iter().chain(new));
                    act.and(other, &name, alike)
                }
            }
        };
        groups.insert(name, both);
    }
}

impl RootActivity {
    /// How many acts it stands for.
    pub fn count(&self) -> usize {
        self.folded.as_ref().map_or(1, |folded| folded.count)
    }

    /// Sessions that root issued and whose access keys were lost when this act became one of many.
    pub fn issued_keys_lost(&self) -> usize {
        self.folded.as_ref().map_or(0, |folded| folded.sessions)
    }

    /// Those that are lost when it becomes one of a group whose acts have so much in common.
    fn issued_keys_to_lose(&self, alike: Alike) -> usize {
        let is_lost = self.issued_key().is_some() && (self.federated_user.is_none() || alike >= Alike::Call);
        self.issued_keys_lost() + usize::from(is_lost)
    }

    /// When the oldest of the acts that it stands for happened.
    pub fn since(&self) -> Option<Timestamp> {
        self.folded.as_ref().map_or(self.time, |folded| folded.since)
    }

    /// Of an act that is not worth an alert of its own where its like were sent on the same day as a group: the name of that group.
    pub fn calm_group(&self) -> Option<String> {
        (self.folded.is_none() && self.is_calm()).then(|| self.group(Alike::Source))
    }

    /// Whether it changed nothing, or anybody can cause it. Nothing that a plan changes counts: a plan renames no group.
    pub fn is_calm(&self) -> bool {
        match self.kind {
            Kind::SignInFailed | Kind::Service => true,
            Kind::ReadOnlyCall => self.details_readable,
            // No plan lowers a severity to this one.
            Kind::CentralizedRootTask => self.severity == Severity::Informational,
            _ => false,
        }
    }

    /// The name of its group: the same in every run, and no id that CloudTrail gives. Untrusted texts are cut, so that a table takes
    /// it as a key.
    fn group(&self, alike: Alike) -> String {
        let cut = |text: &str| text.chars().take(48).collect::<String>();
        let day = self.time.map(|at| at.to_zoned(TimeZone::UTC).date().to_string()).unwrap_or_default();
        let severity = if self.is_calm() { String::new() } else { self.severity.to_string() };
        let mut name = format!("fold/{:?}/{severity}", self.kind);
        name.push_str(if self.error.is_some() { "/refused" } else { "/done" });
        for (part, of) in [
            (self.region.as_str(), Alike::Region),
            (day.as_str(), Alike::Day),
            (self.event_name.as_str(), Alike::Call),
            (self.source_address.as_deref().unwrap_or_default(), Alike::Source),
            (self.access_key_id.as_deref().unwrap_or_default(), Alike::Source),
        ] {
            if alike <= of {
                name.push('/');
                name.push_str(&cut(part));
            }
        }
        name
    }

    /// Both as one, called `name`.
    fn and(self, other: Self, name: &str, alike: Alike) -> Self {
        let count = self.count().saturating_add(other.count());
        let since = self.since().into_iter().chain(other.since()).min();
        let of = |act: &Self| act.folded.as_ref().map_or(alike, |folded| folded.alike.max(alike));
        let alike = of(&self).max(of(&other));
        let sessions = self.issued_keys_to_lose(alike).saturating_add(other.issued_keys_to_lose(alike));
        let newest = if self.time >= other.time { self } else { other };
        let example = newest.folded.map_or(newest.event_id, |folded| folded.example);
        let event_id = name.to_owned();
        let folded = Some(Folded { count, since, example, alike, sessions });
        let mut both = Self { event_id, folded, target: None, ..newest };
        if alike >= Alike::Call {
            (both.source_address, both.access_key_id, both.user_agent) = (None, None, None);
        }
        if alike >= Alike::Day {
            (both.event_name, both.event_source) = ("several calls".to_owned(), "several services".to_owned());
        }
        if alike >= Alike::Kind {
            both.region = "several Regions".to_owned();
        }
        both
    }
}
