//! The digest: the account's status, what is unknown first. That it stops coming is an alarm too.

use std::fmt;
use std::str::FromStr;

use checklist::control::Step;
use checklist::declarations::{Attestation, Exception};
use checklist::report::{Report, Score};
use checklist::summary::Summary;
use facts::severity::Severity;
use facts::verdict::Status;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Acknowledgement, Alert, Condition, Fault, Journal, Transition};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// How often a digest is sent. The very first run sends one, unless it is `never`.
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
#[error("`daily`, `weekly` or `never` is accepted, not `{found}`")]
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
            _ => Err(RhythmError { found: facts::text::bounded(text) }),
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

/// The account's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Digest {
    /// How many controls pass; `null` in one that an earlier version wrote down.
    #[serde(default)]
    pub score: Option<Score>,
    /// What must be known first: what is unknown, what fails, what is suppressed.
    #[serde(default)]
    pub summary: Summary,
    /// As far as is known when it is sent, this check was complete: root is monitored.
    #[serde(default)]
    pub is_monitoring: bool,
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
    /// Since when it cannot be verified.
    pub unverified_since: Option<Timestamp>,
    /// The acknowledgement in force.
    #[serde(default)]
    pub acknowledged: Option<Acknowledgement>,
}

impl Digest {
    pub(super) fn new<'a>(report: &Report, conditions: impl Iterator<Item = &'a Condition>, journal: &Journal) -> Self {
        let open = conditions.filter(|condition| condition.open).filter_map(|condition| {
            Some(OpenCondition {
                condition: condition.fault.clone()?,
                severity: condition.failure.as_ref()?.severity,
                opened_at: condition.opened_at?,
                unverified_since: condition.unverified_since,
                acknowledged: condition.acknowledged.clone().filter(|given| given.is_in_force(report.taken_at)),
            })
        });
        Self::of(report, open.collect(), journal.last_complete)
    }

    fn of(report: &Report, mut open: Vec<OpenCondition>, last_complete: Option<Timestamp>) -> Self {
        open.sort_by_key(|condition| (std::cmp::Reverse(condition.severity), condition.opened_at));
        let declarations = &report.declarations;
        let mut digest = Self {
            score: Some(report.score),
            summary: report.summary(),
            is_monitoring: report.is_monitoring(),
            steps: Step::ALL.iter().map(|step| report.status_of(Some(*step))).collect(),
            open,
            exceptions: declarations
                .exceptions
                .iter()
                .filter(|exception| !exception.is_expired(report.taken_at))
                .cloned()
                .collect(),
            attestations: declarations.attestations.clone(),
            last_complete,
        };
        digest.count(report);
        digest
    }

    /// What is open and fails by no finding of `report` is a finding all the same, until it is seen to pass.
    fn count(&mut self, report: &Report) {
        let is_failed = |control: &str| {
            let mut failed = report.findings_with(Status::Failed).into_iter();
            failed.any(|finding| finding.control == control && !finding.is_suppressed())
        };
        let is_complete = self.summary.is_complete();
        for open in &self.open {
            let is_counted = match &open.condition {
                Fault::Control { control } => is_failed(control),
                fault if fault.is_blindness() || *fault == Fault::NoSubscriber => !is_complete,
                _ => false,
            };
            if !is_counted {
                self.summary.failed += 1;
                self.summary.worst = self.summary.worst.max(Some(open.severity));
            }
        }
    }

    /// What is true at `now` of a digest that was decided at `decided`: what `later` says of conditions, and what `report` says of
    /// everything else. Without a report of now it is the status of then, and says so.
    fn renewed(&self, decided: Timestamp, now: Timestamp, later: &[&Alert], report: Option<&Report>) -> Self {
        let mut open = self.open.clone();
        for sent in later.iter().filter(|alert| alert.at >= decided).filter_map(|alert| alert.condition()) {
            open.retain(|open| open.condition != sent.condition);
            if matches!(
                sent.transition,
                Transition::Opened | Transition::Changed | Transition::Reminder | Transition::Acknowledged
            ) {
                open.push(OpenCondition {
                    condition: sent.condition.clone(),
                    severity: sent.failure.severity,
                    opened_at: sent.opened_at,
                    unverified_since: sent.unverified_since,
                    acknowledged: sent.acknowledged.clone(),
                });
            }
        }
        for open in &mut open {
            open.acknowledged.take_if(|given| !given.is_in_force(now));
        }
        if let Some(report) = report {
            return Self::of(report, open, self.last_complete);
        }
        let is_old = now.duration_since(decided) > super::LATE;
        let outdated_since = is_old.then_some(decided).or(self.summary.outdated_since);
        let is_finding = |open: &&OpenCondition| matches!(open.condition, Fault::Control { .. });
        let findings = |all: &[OpenCondition]| all.iter().filter(is_finding).count();
        let failed = self.summary.failed.saturating_add(findings(&open)).saturating_sub(findings(&self.open));
        let worst = open.iter().map(|open| open.severity).max().or(self.summary.worst).filter(|_| failed > 0);
        let is_unheard = open.iter().any(|open| open.condition == Fault::NoSubscriber);
        let mut summary = Summary { outdated_since, failed, worst, is_unheard, ..self.summary.clone() };
        // Since then something could not be read any more.
        let blind = open.iter().filter(|open| open.condition.is_blindness());
        for words in blind.map(|open| open.condition.headline()) {
            if !summary.others.contains(&words) {
                summary.others.push(words);
            }
        }
        let is_monitoring = self.is_monitoring && summary.is_complete();
        Self { open, summary, is_monitoring, ..self.clone() }
    }

    /// Nothing is open, suppressed or unknown, and every step passes.
    pub fn all_is_well(&self) -> bool {
        let passes = |status: &Status| matches!(status, Status::Passed | Status::NotApplicable);
        self.open.is_empty() && self.summary.all_is_well() && self.steps.iter().all(passes)
    }

    /// That of the worst that is open. What could not be verified of the five steps is as bad as a finding of medium severity.
    pub fn severity(&self) -> Severity {
        let unseen = match () {
            () if self.steps.contains(&Status::Unknown) && !self.summary.unknown.is_empty() => Severity::Medium,
            () if self.summary.is_unheard => Severity::Medium,
            () if !self.summary.is_complete() => Severity::Low,
            () => Severity::Informational,
        };
        self.open.iter().map(|condition| condition.severity).max().unwrap_or(unseen).max(unseen)
    }
}

/// `alerts` as they are true at `now`: of digests only the last one, by what is known since then. `None`: there is no digest. Where what
/// was sent is not tracked, the check was not complete.
pub fn renewed(alerts: &[Alert], now: Timestamp, report: Option<&Report>, is_tracked: bool) -> Option<Vec<Alert>> {
    let digests = alerts.iter().filter_map(|alert| Some((alert, alert.digest()?)));
    let (newest, digest) = digests.max_by_key(|(alert, _)| alert.turn(now))?;
    let report = report.filter(|report| !report.is_narrow && report.taken_at >= newest.at.min(now));
    let mut later: Vec<&Alert> = alerts.iter().filter(|alert| alert.condition().is_some()).collect();
    later.sort_by_key(|alert| alert.turn(now));
    let mut digest = digest.renewed(newest.at, now, &later, report);
    digest.is_monitoring &= is_tracked;
    let at = report.map_or(newest.at, |report| report.taken_at);
    let renewed =
        Alert { at, severity: digest.severity(), what: super::What::Digest(Box::new(digest)), ..newest.clone() };
    let others = alerts.iter().filter(|alert| alert.digest().is_none()).cloned();
    Some(others.chain([renewed]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(rhythm: Rhythm, last: &str, now: &str) -> bool {
        rhythm.is_due(Some(last.parse().unwrap()), now.parse().unwrap())
    }

    #[test]
    fn the_first_run_sends_a_digest_unless_there_shall_be_none() {
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
            "`daily`, `weekly` or `never` is accepted, not `hourly`"
        );
    }
}
