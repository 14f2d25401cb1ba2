//! What came out of judging one control.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::control::{Control, Severity, Step};
use crate::controls;
use crate::declarations::Exception;
use crate::settings::Settings;
use crate::snapshot::{Snapshot, Source, Unavailable};
use crate::text::bounded;

/// Four outcomes; missing data is never a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is nothing to judge here.
    NotApplicable,
    /// As it should be, and seen to be so.
    Passed,
    /// It could not be seen.
    Unknown,
    /// Not as it should be.
    Failed,
}

/// A status with its reason and its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome.
    pub status: Status,
    /// Why, one sentence.
    pub reason: String,
    /// What it was judged by.
    pub evidence: Vec<Evidence>,
    /// The things that are wrong, by name, where the control can name them.
    pub resources: Vec<String>,
    /// The sources that the outcome rests on, with their age.
    pub judged_by: BTreeMap<Source, Timestamp>,
}

/// One fact that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Where it was read.
    pub source: Source,
    /// Name of the fact, where possible as the source names it.
    pub fact: String,
    /// What was read; may hold names that anybody in the account can choose.
    pub value: String,
    /// The instant it was true.
    pub as_of: Timestamp,
}

/// [`Control::id`]. Serde would take a reference that it sees for a part of its input.
pub type ControlId = &'static str;

/// A control's id with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// [`Control::id`].
    #[serde(deserialize_with = "known")]
    pub control: ControlId,
    /// [`Control::step`]; `null`: the account baseline.
    pub step: Option<Step>,
    /// [`Control::severity`].
    pub severity: Severity,
    /// The outcome.
    pub status: Status,
    /// Why, one sentence.
    pub reason: String,
    /// What it was judged by.
    pub evidence: Vec<Evidence>,
    /// The things that are wrong, by name, where the control can name them. An exception may name one of them.
    pub resources: Vec<String>,
    /// The sources that the outcome rests on, each with the instant it was true: all of them for a pass, those that found the
    /// fault for a failure.
    pub judged_by: BTreeMap<Source, Timestamp>,
    /// Exceptions in force for the whole control or for one of its resources.
    pub exceptions: Vec<Exception>,
    /// Where it is unknown: how to make it readable. What the control asks for is no remedy for what nobody saw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedy: Vec<String>,
}

/// The id of one of our controls; a finding of another is none that we can explain.
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let id = String::deserialize(deserializer)?;
    let control =
        controls::control(&id).ok_or_else(|| D::Error::custom(format!("no control is called `{}`", bounded(&id))))?;
    Ok(control.id)
}

impl Verdict {
    /// A verdict with `reason`.
    pub fn new(status: Status, reason: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        let judged_by = evidence.iter().map(|evidence| (evidence.source, evidence.as_of)).collect();
        Self { status, reason: reason.into(), evidence, resources: Vec::new(), judged_by }
    }

    /// The same with the things that are wrong.
    pub fn naming(self, resources: Vec<String>) -> Self {
        Self { resources, ..self }
    }

    /// The worse of two sources' judgements of the same thing; a source that could not be read is `Unknown`, which only a
    /// failure outweighs. A disagreement between the two is said.
    pub fn worse_of(
        (one_source, one): (Source, Result<Self, Unavailable>),
        (other_source, other): (Source, Result<Self, Unavailable>),
    ) -> Self {
        let one = one.unwrap_or_else(Self::from);
        let other = other.unwrap_or_else(Self::from);
        let differ = one.status != other.status && ![one.status, other.status].contains(&Status::Unknown);
        let disagreement = format!(
            " (the sources disagree and the worse counts: {one_source} {}, {other_source} {})",
            one.status.words(),
            other.status.words()
        );
        let (mut worse, better) = if other.status > one.status { (other, one) } else { (one, other) };
        if worse.status == better.status {
            worse.judged_by.extend(&better.judged_by);
            worse.resources.extend(better.resources.iter().cloned());
        }
        if differ {
            worse.reason.push_str(&disagreement);
        }
        worse.evidence.extend(better.evidence);
        worse
    }
}

impl From<Unavailable> for Verdict {
    fn from(unavailable: Unavailable) -> Self {
        Self::new(Status::Unknown, unavailable.to_string(), Vec::new())
    }
}

impl Status {
    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Passed => "passed",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

impl Finding {
    /// Whether somebody answers for all that is wrong, or unknown.
    pub fn is_excepted(&self) -> bool {
        let is_answered =
            |resource: &String| self.exceptions.iter().any(|exception| exception.resource.as_ref() == Some(resource));
        let by_name = !self.resources.is_empty() && self.resources.iter().all(is_answered);
        let whole = self.exceptions.iter().any(|exception| exception.resource.is_none());
        matches!(self.status, Status::Failed | Status::Unknown) && (whole || (by_name && self.status == Status::Failed))
    }

    /// Where it stands among others: what fails, the worst first; what nobody knows; what is excepted; what passes.
    pub(crate) fn rank(&self) -> (u8, std::cmp::Reverse<Severity>) {
        let place = match self.status {
            Status::Failed | Status::Unknown if self.is_excepted() => 2,
            Status::Failed => 0,
            Status::Unknown => 1,
            Status::Passed => 3,
            Status::NotApplicable => 4,
        };
        (place, std::cmp::Reverse(self.severity))
    }

    /// Judges `control`. A panic in it is a defect of rootwatch and makes this one finding `Unknown`.
    pub fn of(control: &Control, snapshot: &Snapshot, settings: &Settings) -> Self {
        let evaluate = std::panic::AssertUnwindSafe(|| (control.evaluate)(snapshot, settings));
        let verdict = match std::panic::catch_unwind(evaluate) {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(unavailable)) => unavailable.into(),
            Err(_) => Verdict::new(
                Status::Unknown,
                "Judging this control met a defect of rootwatch; report it with the function's log",
                Vec::new(),
            ),
        };
        Self {
            control: control.id,
            step: control.step,
            severity: control.severity,
            status: verdict.status,
            reason: verdict.reason,
            evidence: verdict.evidence,
            resources: verdict.resources,
            judged_by: verdict.judged_by,
            exceptions: Vec::new(),
            remedy: Vec::new(),
        }
    }
}

impl Snapshot {
    /// Evidence from a source that is live.
    pub(crate) fn evidence(&self, source: Source, fact: impl Into<String>, value: impl ToString) -> Evidence {
        Evidence { source, fact: fact.into(), value: value.to_string(), as_of: self.taken_at }
    }

    /// Evidence from the credential report, as old as that is.
    pub(crate) fn report_evidence(&self, fact: impl Into<String>, value: impl ToString) -> Evidence {
        let as_of = self.credential_report.as_ref().map_or(self.taken_at, |report| report.generated_at);
        Evidence { as_of, ..self.evidence(Source::CredentialReport, fact, value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::CHECKLIST;

    #[test]
    fn the_worse_status_is_the_greater_one() {
        assert!(Status::Failed > Status::Unknown);
        assert!(Status::Unknown > Status::Passed);
        assert!(Status::Passed > Status::NotApplicable);
    }

    #[test]
    fn what_fails_stands_before_what_is_unknown_before_what_is_excepted_before_what_passes() {
        let exception = |resource: Option<&str>| Exception {
            control: "root-mfa".into(),
            reason: "it is in the post".into(),
            owner: "alice".into(),
            until: Timestamp::MAX,
            resource: resource.map(str::to_owned),
        };
        let finding = |severity, status, resources: &[&str], exceptions: Vec<Exception>| Finding {
            severity,
            status,
            resources: resources.iter().map(|name| (*name).to_owned()).collect(),
            exceptions,
            ..Finding::of(CHECKLIST[0], &Snapshot::compliant(), &Settings::default())
        };
        let (high, low) = (Severity::High, Severity::Low);
        let ordered = [
            finding(high, Status::Failed, &[], Vec::new()),
            finding(low, Status::Failed, &["a", "b"], vec![exception(Some("a"))]),
            finding(low, Status::Unknown, &["a"], vec![exception(Some("a"))]),
            finding(high, Status::Failed, &["a"], vec![exception(Some("a"))]),
            finding(low, Status::Unknown, &[], vec![exception(None)]),
            finding(high, Status::Passed, &[], vec![exception(None)]),
            finding(low, Status::Passed, &[], Vec::new()),
            finding(high, Status::NotApplicable, &[], Vec::new()),
        ];
        assert!(ordered.is_sorted_by_key(Finding::rank), "{:?}", ordered.iter().map(Finding::rank).collect::<Vec<_>>());
        let excepted: Vec<bool> = ordered.iter().map(Finding::is_excepted).collect();
        assert_eq!(excepted, [false, false, false, true, true, false, false, false]);
    }

    #[test]
    fn rt_4_a_panic_in_one_control_is_unknown_and_the_others_are_judged() {
        let broken = Control { evaluate: |_, _| panic!("broken"), ..copy(CHECKLIST[0]) };
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let finding = Finding::of(&broken, &Snapshot::compliant(), &Settings::default());
        std::panic::set_hook(hook);
        assert_eq!(finding.status, Status::Unknown);
        assert!(finding.reason.contains("defect of rootwatch"));
    }

    fn copy(control: &Control) -> Control {
        Control {
            remediation: crate::control::Remediation { console: &[], cli: &[] },
            sources: &[],
            mappings: &[],
            references: &[],
            id: control.id,
            title: control.title,
            violation: control.violation,
            step: control.step,
            severity: control.severity,
            rationale: control.rationale,
            semantics: control.semantics,
            evaluate: control.evaluate,
        }
    }
}
