//! Root activity by session, so that one visit to the console is one story.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use alerts::Alert;
use facts::root_activity::{Kind, Mfa, Phase, RootActivity};
use facts::severity::Severity;
use facts::text::bounded;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Actions that share an access key or a source address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session<'a> {
    /// Stable: the alert id of its earliest act.
    pub id: Cow<'a, str>,
    /// Its worst act's.
    pub severity: Severity,
    /// The earliest act that has a time.
    pub from: Option<Timestamp>,
    /// The latest.
    pub to: Option<Timestamp>,
    /// Addresses and services it came from.
    pub source_addresses: BTreeSet<Cow<'a, str>>,
    /// Most severe first, successes before failures, then newest.
    #[serde(deserialize_with = "acts")]
    pub acts: Vec<Cow<'a, RootActivity>>,
}

/// Each act for itself: one that another version names in words of its own is still there, as far as its outer fields can be read.
fn acts<'de, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cow<'a, RootActivity>>, D::Error> {
    let read = |value: Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(bounded);
        RootActivity::deserialize(&value).unwrap_or_else(|_| RootActivity {
            event_id: text("event_id").unwrap_or_default(),
            kind: Kind::WriteCall,
            effect: None,
            severity: value
                .get("severity")
                .and_then(|severity| Severity::deserialize(severity).ok())
                .unwrap_or(Severity::High),
            time: text("time").and_then(|time| time.parse().ok()),
            region: text("region").unwrap_or_default(),
            event_name: text("event_name").unwrap_or_default(),
            event_source: text("event_source").unwrap_or_default(),
            source_address: text("source_address"),
            user_agent: text("user_agent"),
            mfa: value.get("mfa").and_then(|mfa| Mfa::deserialize(mfa).ok()).unwrap_or(Mfa::NotRecorded),
            access_key_id: text("access_key_id"),
            target: text("target"),
            error: text("error"),
            invoked_by: text("invoked_by"),
            federated_user: text("federated_user"),
            completed: text("completed"),
            details_readable: false,
            planned: None,
            folded: None,
        })
    };
    Ok(Vec::<Value>::deserialize(deserializer)?.into_iter().map(|value| Cow::Owned(read(value))).collect())
}

/// Puts acts in the order in which they are shown: the worst session first, in it the worst act; of equals the one that can be contained at
/// once, before one of which somebody has to be asked first.
pub(super) fn sort<'a>(acts: &mut Vec<(&'a Alert, &'a RootActivity)>) {
    let is_asked = |act: &RootActivity| act.words().steps.first().is_some_and(|step| step.phase == Phase::Confirm);
    acts.sort_by_key(|(alert, act)| {
        (Reverse(act.severity), act.error.is_some(), is_asked(act), Reverse(act.time), &alert.id)
    });
    let session = numbers(acts);
    let mut numbered: Vec<_> = session.into_iter().zip(acts.drain(..)).collect();
    // Numbers grow with the first, and thereby worst, act of a session.
    numbered.sort_by_key(|(number, _)| *number);
    acts.extend(numbered.into_iter().map(|(_, act)| act));
}

/// Sessions of acts that were [`sort`]ed, all of them: a third act may be what joins two.
pub(super) fn sessions<'a>(acts: impl Iterator<Item = (&'a Alert, &'a RootActivity)>) -> Vec<Session<'a>> {
    let acts: Vec<_> = acts.collect();
    let mut sessions: Vec<(usize, Session<'a>)> = Vec::new();
    for (number, (alert, act)) in numbers(&acts).into_iter().zip(&acts) {
        if sessions.last().is_none_or(|(last, _)| *last != number) {
            let session = Session {
                id: (&alert.id).into(),
                severity: act.severity,
                from: None,
                to: None,
                source_addresses: BTreeSet::new(),
                acts: Vec::new(),
            };
            sessions.push((number, session));
        }
        let Some((_, session)) = sessions.last_mut() else { continue };
        if act.since().is_some() && (session.from.is_none() || act.since() < session.from) {
            session.id = (&alert.id).into();
            session.from = act.since();
        }
        session.to = session.to.max(act.time);
        session.source_addresses.extend(act.source_address.as_deref().map(Cow::Borrowed));
        session.acts.push(Cow::Borrowed(*act));
    }
    sessions.into_iter().map(|(_, session)| session).collect()
}

/// The number of each act's session; acts that share a key or an address share the number, also by way of a third.
fn numbers(acts: &[(&Alert, &RootActivity)]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..acts.len()).collect();
    let mut seen: HashMap<(bool, &str), usize> = HashMap::new();
    for (number, (_, act)) in acts.iter().enumerate() {
        let marks = [(true, act.access_key_id.as_deref()), (false, act.source_address.as_deref())];
        for (is_key, mark) in marks {
            let Some(mark) = mark else { continue };
            let other = *seen.entry((is_key, mark)).or_insert(number);
            let (one, other) = (root(&mut parents, number), root(&mut parents, other));
            // The smaller number leads: it is the worse act.
            if let Some(parent) = parents.get_mut(one.max(other)) {
                *parent = one.min(other);
            }
        }
    }
    (0..acts.len()).map(|number| root(&mut parents, number)).collect()
}

fn root(parents: &mut [usize], mut number: usize) -> usize {
    while let Some(parent) = parents.get(number).copied().filter(|parent| *parent != number) {
        // Halves the way for the next one.
        let grandparent = parents.get(parent).copied().unwrap_or(parent);
        if let Some(entry) = parents.get_mut(number) {
            *entry = grandparent;
        }
        number = grandparent;
    }
    number
}
