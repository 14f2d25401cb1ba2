//! The digest: all is well, or what is still open. That it stops coming is an alarm too.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Condition, Fault, Journal};
use crate::control::{Severity, Step};
use crate::declarations::{Attestation, Exception};
use crate::finding::Status;
use crate::report::{Report, Score};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// How often a digest is told. The first run of all tells one in any case but `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// From 8:00 UTC on.
    Daily,
    /// Mondays, from 8:00 UTC on.
    Weekly,
    /// Not at all.
    Never,
}

/// Not a rhythm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is `daily`, `weekly` or `never`, not `{found}`")]
pub struct RhythmError {
    found: String,
}

impl FromStr for Rhythm {
    type Err = RhythmError;

    fn from_str(text: &str) -> Result<Self, RhythmError> {
        match text {
            "daily" => Ok(Self::Daily),
            "weekly" => Ok(Self::Weekly),
            "never" => Ok(Self::Never),
            _ => Err(RhythmError { found: crate::text::bounded(text) }),
        }
    }
}

impl fmt::Display for Rhythm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Never => "never",
        })
    }
}

impl Rhythm {
    /// Whether `now` lies in another period than the digest before. A clock that stepped back gives one more, never none.
    pub fn is_due(self, last: Option<Timestamp>, now: Timestamp) -> bool {
        let (period, first) = match self {
            Self::Never => return false,
            Self::Daily => (DAY, 8 * HOUR),
            // 1 January 1970 was a Thursday.
            Self::Weekly => (7 * DAY, 4 * DAY + 8 * HOUR),
        };
        let number = |at: Timestamp| (at.as_second() - first).div_euclid(period);
        last.is_none_or(|last| number(last) != number(now))
    }
}

/// How the account stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Digest {
    /// How many controls pass; `null` in one that an earlier version wrote down.
    #[serde(default)]
    pub score: Option<Score>,
    /// The five steps, in order.
    pub steps: Vec<Status>,
    /// What is open, most severe first.
    pub open: Vec<OpenCondition>,
    /// Exceptions in force.
    pub exceptions: Vec<Exception>,
    /// Every attestation, lapsed or not.
    pub attestations: Vec<Attestation>,
    /// The newest complete check before this one.
    pub last_complete: Option<Timestamp>,
}

/// A condition that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenCondition {
    /// Which.
    pub condition: Fault,
    /// How bad.
    pub severity: Severity,
    /// Since when.
    pub opened_at: Timestamp,
    /// Since when nobody could see whether it still is so.
    pub unverified_since: Option<Timestamp>,
}

impl Digest {
    pub(super) fn new<'a>(report: &Report, conditions: impl Iterator<Item = &'a Condition>, journal: &Journal) -> Self {
        let mut open: Vec<OpenCondition> = conditions
            .filter(|condition| condition.open)
            .filter_map(|condition| {
                Some(OpenCondition {
                    condition: condition.fault.clone()?,
                    severity: condition.failure.as_ref()?.severity,
                    opened_at: condition.opened_at?,
                    unverified_since: condition.unverified_since,
                })
            })
            .collect();
        open.sort_by_key(|condition| (std::cmp::Reverse(condition.severity), condition.opened_at));
        let declarations = &report.declarations;
        Self {
            score: Some(report.score),
            steps: Step::ALL.iter().map(|step| report.status_of(Some(*step))).collect(),
            open,
            exceptions: declarations
                .exceptions
                .iter()
                .filter(|exception| !exception.is_expired(report.taken_at))
                .cloned()
                .collect(),
            attestations: declarations.attestations.clone(),
            last_complete: journal.last_complete,
        }
    }

    /// Nothing is open, silenced or unknown.
    pub fn all_is_well(&self) -> bool {
        let passes = |status: &Status| matches!(status, Status::Passed | Status::NotApplicable);
        self.open.is_empty() && self.steps.iter().all(passes)
    }

    /// That of the worst that is open.
    pub fn severity(&self) -> Severity {
        self.open.iter().map(|condition| condition.severity).max().unwrap_or(Severity::Informational)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(rhythm: Rhythm, last: &str, now: &str) -> bool {
        rhythm.is_due(Some(last.parse().unwrap()), now.parse().unwrap())
    }

    #[test]
    fn the_first_run_tells_a_digest_unless_there_shall_be_none() {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let first = [Rhythm::Daily, Rhythm::Weekly, Rhythm::Never].map(|rhythm| rhythm.is_due(None, now));
        assert_eq!(first, [true, true, false]);
    }

    #[test]
    fn a_weekly_digest_comes_on_monday_at_eight_utc() {
        assert!(!due(Rhythm::Weekly, "2026-11-20T10:00:00Z", "2026-11-23T07:59:59Z"));
        assert!(due(Rhythm::Weekly, "2026-11-20T10:00:00Z", "2026-11-23T08:00:00Z"));
        assert!(!due(Rhythm::Weekly, "2026-11-23T08:00:00Z", "2026-11-30T07:59:59Z"));
    }

    #[test]
    fn a_daily_digest_comes_at_eight_utc() {
        assert!(!due(Rhythm::Daily, "2026-11-20T08:00:00Z", "2026-11-21T07:59:59Z"));
        assert!(due(Rhythm::Daily, "2026-11-20T07:59:59Z", "2026-11-20T08:00:00Z"));
    }

    #[test]
    fn a_clock_that_stepped_back_gives_one_more_and_never_none() {
        assert!(due(Rhythm::Weekly, "2027-11-22T08:00:00Z", "2026-11-20T10:00:00Z"));
    }

    #[test]
    fn a_rhythm_is_one_of_three_words() {
        for word in ["daily", "weekly", "never"] {
            assert_eq!(word.parse::<Rhythm>().unwrap().to_string(), word);
        }
        assert_eq!(
            "hourly".parse::<Rhythm>().unwrap_err().to_string(),
            "is `daily`, `weekly` or `never`, not `hourly`"
        );
    }
}
