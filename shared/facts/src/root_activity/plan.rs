//! Announced uses of root: they explain what happens, and hide nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::root_activity::RootActivity;
use crate::severity::Severity;
use crate::text;

/// Longest window.
pub const MAX_PLAN: SignedDuration = SignedDuration::from_hours(8);
/// A window may begin so long before it is announced: clocks differ, and people are slow.
const GRACE: SignedDuration = SignedDuration::from_mins(15);
/// A window is announced at most so long before.
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What sent an alert still does: nothing falls to a severity that sends none.
const LEAST: Severity = Severity::Low;

/// A window in which root will be used. Texts are at most [`text::MAX_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Plan {
    /// Start, inclusive.
    pub from: Timestamp,
    /// End, exclusive; at most [`MAX_PLAN`] later.
    pub to: Timestamp,
    /// Why: a ticket, a change.
    pub ticket: String,
    /// Who answers for it.
    pub by: String,
}

/// A window that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It ends before it begins, or lasts too long.
    #[error("a planned root use lasts more than 0 and at most 8 hours: `to` is {to}, `from` is {from}")]
    Length {
        /// Start.
        from: Timestamp,
        /// End.
        to: Timestamp,
    },
    /// It began before it was announced, or lies too far ahead.
    #[error("a planned root use is announced before it begins, at most 30 days ahead: `from` is {from}, now is {now}")]
    Begin {
        /// Start.
        from: Timestamp,
        /// The present.
        now: Timestamp,
    },
    /// Nobody answers for it.
    #[error("a planned root use names its `ticket` and who answers for it, `by`")]
    Nameless,
}

impl Plan {
    /// Checks a window that is announced at `now`.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn new(from: Timestamp, to: Timestamp, ticket: &str, by: &str, now: Timestamp) -> Result<Self, PlanError> {
        let length = to.duration_since(from);
        if length <= SignedDuration::ZERO || length > MAX_PLAN {
            return Err(PlanError::Length { from, to });
        }
        if now.duration_since(from) > GRACE || from.duration_since(now) > MAX_AHEAD {
            return Err(PlanError::Begin { from, now });
        }
        let (ticket, by) = (text::bounded(ticket), text::bounded(by));
        if ticket.is_empty() || by.is_empty() {
            return Err(PlanError::Nameless);
        }
        Ok(Self { from, to, ticket, by })
    }

    fn covers(&self, at: Timestamp) -> bool {
        (self.from..self.to).contains(&at)
    }
}

/// Notes the plan beside each act that lies in its window, of several acts all of them, and lowers the act's severity by one.
pub fn annotate(activity: &mut [RootActivity], plans: &[Plan]) {
    for act in activity.iter_mut().filter(|act| act.is_told()) {
        let window = act.since().zip(act.time);
        let covers = |plan: &&Plan| window.is_some_and(|(since, until)| plan.covers(since) && plan.covers(until));
        let Some(plan) = plans.iter().find(covers) else { continue };
        act.severity = act.severity.lowered().max(LEAST);
        act.planned = Some(plan.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TrailEvent;
    use crate::snapshot::Snapshot;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn plan(from: &str, to: &str) -> Result<Plan, PlanError> {
        Plan::new(at(from), at(to), "CHG-1", "alice", at("2026-11-20T10:00:00Z"))
    }

    #[test]
    fn a_window_lasts_at_most_eight_hours_and_more_than_none() {
        assert!(plan("2026-11-20T11:00:00Z", "2026-11-20T19:00:00Z").is_ok());
        for to in ["2026-11-20T19:00:01Z", "2026-11-20T11:00:00Z", "2026-11-20T10:59:59Z"] {
            assert!(matches!(plan("2026-11-20T11:00:00Z", to), Err(PlanError::Length { .. })), "{to}");
        }
    }

    #[test]
    fn a_window_is_announced_before_it_begins_and_at_most_30_days_ahead() {
        assert!(plan("2026-11-20T09:45:00Z", "2026-11-20T10:30:00Z").is_ok());
        assert!(plan("2026-12-20T10:00:00Z", "2026-12-20T10:30:00Z").is_ok());
        for (from, to) in
            [("2026-11-20T09:44:59Z", "2026-11-20T10:30:00Z"), ("2026-12-20T10:00:01Z", "2026-12-20T10:30:00Z")]
        {
            assert!(matches!(plan(from, to), Err(PlanError::Begin { .. })), "{from}");
        }
    }

    #[test]
    fn a_window_names_its_reason_and_its_owner() {
        let now = at("2026-11-20T10:00:00Z");
        let to = at("2026-11-20T11:00:00Z");
        assert_eq!(Plan::new(now, to, " ", "alice", now), Err(PlanError::Nameless));
        assert_eq!(Plan::new(now, to, "CHG-1", "", now), Err(PlanError::Nameless));
    }

    #[test]
    fn acts_in_the_window_are_one_less_severe_and_still_told_and_others_stay() {
        let record = include_str!("../../samples/records/05-root-create-access-key-for-root.json");
        let event = TrailEvent { record: Some(record.into()), ..TrailEvent::default() };
        let act = RootActivity::classify(&event, &Snapshot::compliant().account, None).unwrap();
        let window = plan("2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z").unwrap();
        let judged = |time: Option<&str>, severity| {
            let mut acts = [RootActivity { time: time.map(at), severity, ..act.clone() }];
            annotate(&mut acts, std::slice::from_ref(&window));
            (acts[0].severity, acts[0].planned.is_some())
        };
        assert_eq!(judged(Some("2026-11-20T11:00:00Z"), Severity::Critical), (Severity::High, true));
        assert_eq!(judged(Some("2026-11-20T11:59:59Z"), Severity::Low), (Severity::Low, true));
        assert_eq!(judged(Some("2026-11-20T11:30:00Z"), Severity::Informational), (Severity::Informational, false));
        for time in [Some("2026-11-20T10:59:59Z"), Some("2026-11-20T12:00:00Z"), None] {
            assert_eq!(judged(time, Severity::Critical), (Severity::Critical, false), "{time:?}");
        }
    }
}
