//! rootwatch's own functions that pass on what is published, and whether it arrives where they lead.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// After so long a message that was handed over and did not arrive is missing; until then Lambda may still try again.
const ON_THE_WAY: SignedDuration = SignedDuration::from_mins(5);
/// How far the clocks of SNS and of a function may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(1);
/// What arrived longer ago proves nothing any more: a digest comes at least once a week, or a test message.
const PROVES: SignedDuration = SignedDuration::from_hours(8 * 24);
/// What is written of a later time than that is no note of ours.
const FUTURE: SignedDuration = SignedDuration::from_mins(5);

/// Who gets what is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Somebody who is no function of rootwatch has confirmed a subscription.
    pub others: bool,
    /// rootwatch's own functions that pass messages on.
    pub relays: Vec<Relay>,
}

/// How to know these functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Their names, as far as they are set and can be read.
    pub names: Vec<String>,
    /// Names are set that cannot be read.
    pub is_refused: bool,
    /// The stack that they are part of.
    pub stack: Option<String>,
}

/// What the template calls them; `CloudFormation` makes `rootwatch-SlackNotifier-1A2B3C` of it
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-arm-physical-id.html>).
const LOGICAL_IDS: [&str; 2] = ["SlackNotifier", "ChatNotifier"];

impl Own {
    /// Whether the function called `name`, of our account, may be one of them. Where the names cannot be read it may, so that it counts
    /// only once something has arrived; one that another owner subscribed counts as another subscriber.
    pub fn has(&self, name: &str) -> bool {
        let of_stack = |stack: &String| {
            let id = name.strip_prefix(stack.as_str()).and_then(|rest| rest.strip_prefix('-'));
            id.and_then(|id| id.split('-').next()).is_some_and(|id| LOGICAL_IDS.contains(&id))
        };
        self.names.iter().any(|own| own == name)
            || self.is_refused
            || (self.names.is_empty() && self.stack.as_ref().is_some_and(of_stack))
    }
}

/// One of these functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relay {
    /// Its name.
    pub name: String,
    /// Whether it is subscribed to the topic.
    pub is_subscribed: bool,
    /// The newest message that was published to it.
    pub handed: Option<Note>,
    /// The newest message that the other end took.
    pub passed: Option<Note>,
    /// The newest message that the other end did not take.
    pub failed: Option<Note>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// SNS's id of it.
    pub message_id: String,
    /// When SNS had it.
    pub sent_at: Timestamp,
    /// What the other end said when it did not take it; bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether anything arrives by way of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// The newest message arrived.
    Well,
    /// No message was handed to it lately.
    Unproven,
    /// Nothing arrives, and why.
    Deaf(String),
}

impl Listeners {
    /// Whether anybody hears. A function of rootwatch counts only once something has arrived by way of it.
    pub fn hear(&self, now: Timestamp) -> bool {
        self.others || self.relays.iter().any(|relay| relay.hearing(now) == Hearing::Well)
    }

    /// Whether what is published reaches rootwatch's own functions and no other subscriber.
    pub fn are_relays_alone(&self) -> bool {
        !self.others && self.relays.iter().any(|relay| relay.is_subscribed)
    }
}

impl Relay {
    /// What is known at `now`. Notes from the future do not count.
    pub fn hearing(&self, now: Timestamp) -> Hearing {
        if !self.is_subscribed {
            return Hearing::Deaf("it is not subscribed to the topic".into());
        }
        let credible = |note: &'_ Option<Note>| note.clone().filter(|note| note.sent_at.duration_since(now) <= FUTURE);
        let (handed, passed, failed) = (credible(&self.handed), credible(&self.passed), credible(&self.failed));
        let arrived = passed.as_ref().map(|passed| passed.sent_at);
        if let Some(failed) = failed.filter(|failed| arrived < Some(failed.sent_at)) {
            return Hearing::Deaf(failed.error.unwrap_or_else(|| "without a reason".into()));
        }
        let is_missing =
            // Of times that anybody can write: a difference always exists, an earlier time may not.
            |handed: &Note| {
                now.duration_since(handed.sent_at) > ON_THE_WAY
                    && arrived.is_none_or(|arrived| handed.sent_at.duration_since(arrived) > SKEW)
            };
        match handed.filter(is_missing) {
            Some(handed) => Hearing::Deaf(format!("what was sent at {:.0} has not arrived", handed.sent_at)),
            None if arrived.is_some_and(|arrived| now.duration_since(arrived) <= PROVES) => Hearing::Well,
            None => Hearing::Unproven,
        }
    }
}

impl fmt::Display for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("passes on what it gets"),
            Self::Unproven => f.write_str("has passed nothing on lately"),
            Self::Deaf(why) => write!(f, "passes nothing on: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn note(id: &str, minutes_ago: i64) -> Option<Note> {
        let sent_at = now() - SignedDuration::from_mins(minutes_ago);
        Some(Note { message_id: id.into(), sent_at, error: None })
    }

    fn failure(id: &str, minutes_ago: i64) -> Option<Note> {
        note(id, minutes_ago).map(|note| Note { error: Some("WebhookRefused".into()), ..note })
    }

    fn relay() -> Relay {
        Relay { name: "rootwatch-SlackNotifier".into(), is_subscribed: true, ..Relay::default() }
    }

    #[test]
    fn a_function_counts_once_something_has_arrived_by_way_of_it_and_not_before() {
        let hear = |relay: Relay, others| Listeners { others, relays: vec![relay] }.hear(now());
        assert!(!hear(relay(), false) && hear(relay(), true));
        assert!(
            hear(Relay { passed: note("1", 60 * 24 * 7), ..relay() }, false),
            "a week without a message is none missed"
        );
        assert!(!hear(Relay { passed: note("1", 1), is_subscribed: false, ..relay() }, false));
        assert_eq!(relay().hearing(now()), Hearing::Unproven);
    }

    #[test]
    fn the_newest_message_decides_and_a_try_of_an_older_one_does_not() {
        let deaf = Hearing::Deaf("WebhookRefused".into());
        let of = |passed, failed| Relay { passed, failed, ..relay() }.hearing(now());
        assert_eq!(of(None, failure("1", 1)), deaf);
        assert_eq!(of(note("1", 20), failure("2", 10)), deaf);
        assert_eq!(of(note("2", 10), failure("1", 20)), Hearing::Well);
        assert_eq!(of(note("1", 10), failure("1", 10)), Hearing::Well, "the second try took it");
    }

    #[test]
    fn what_was_handed_over_and_is_not_there_after_five_minutes_is_missing() {
        let of = |handed, passed| Relay { handed, passed, ..relay() }.hearing(now());
        let missing = |at: &str| Hearing::Deaf(format!("what was sent at 2026-11-20T{at}Z has not arrived"));
        assert_eq!(of(note("2", 6), note("1", 60)), missing("09:54:00"));
        assert_eq!(of(note("1", 6), None), missing("09:54:00"));
        assert_eq!(of(note("2", 5), note("1", 60)), Hearing::Well, "it may be on its way");
        assert_eq!(of(note("1", 6), note("1", 7)), Hearing::Well, "clocks differ");
    }

    #[test]
    fn a_note_from_the_future_neither_proves_nor_mutes_anything() {
        assert_eq!(Relay { passed: note("1", -6), ..relay() }.hearing(now()), Hearing::Unproven);
        let forged = Relay { passed: note("1", -60 * 24 * 365), failed: failure("2", 1), ..relay() };
        assert!(matches!(forged.hearing(now()), Hearing::Deaf(_)));
        assert_eq!(Relay { passed: note("1", 1), failed: failure("2", -6), ..relay() }.hearing(now()), Hearing::Well);
    }

    #[test]
    fn no_time_in_a_note_breaks_the_arithmetic() {
        for sent_at in ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z", "1970-01-01T00:00:00Z"] {
            let note = || serde_json::from_value(serde_json::json!({"message_id": "x", "sent_at": sent_at})).ok();
            for (handed, passed) in [(note(), None), (note(), note()), (super::tests::note("1", 6), note())] {
                assert!(handed.is_some());
                let relay = Relay { handed, passed, ..relay() };
                assert_ne!(relay.hearing(now()), Hearing::Well, "{relay:?}");
            }
        }
    }

    #[test]
    fn what_arrived_more_than_eight_days_ago_proves_nothing() {
        let of = |passed| Relay { passed, ..relay() }.hearing(now());
        assert_eq!(of(note("1", 60 * 24 * 8)), Hearing::Well, "a weekly digest that is late");
        assert_eq!(of(note("1", 60 * 24 * 8 + 1)), Hearing::Unproven);
        let relays = vec![Relay { passed: note("1", 60 * 24 * 365 * 2), ..relay() }];
        assert!(!Listeners { others: false, relays }.hear(now()));
    }
}
