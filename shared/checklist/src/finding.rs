//! The result of evaluating one control.

use std::collections::BTreeMap;

use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::Source;
use facts::text::bounded;
use facts::verdict::{Evidence, Status, Verdict};
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::control::{Control, Step};
use crate::controls;
use crate::declarations::Exception;
use crate::settings::Settings;

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
    /// What it was evaluated by.
    pub evidence: Vec<Evidence>,
    /// The things that are wrong, by name, where the control can name them. An exception may name one of them.
    pub resources: Vec<String>,
    /// The sources that the outcome rests on, each with the instant it was true: all of them for a pass, those that found the
    /// fault for a failure.
    pub judged_by: BTreeMap<Source, Timestamp>,
    /// Exceptions in force for the whole control or for one of its resources.
    pub exceptions: Vec<Exception>,
    /// Where it is unknown: how to make it readable. The remediation of the control is no remedy for what could not be read.
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

impl Finding {
    /// Whether exceptions cover all that is wrong, or unknown.
    pub fn is_suppressed(&self) -> bool {
        let is_answered =
            |resource: &String| self.exceptions.iter().any(|exception| exception.resource.as_ref() == Some(resource));
        let by_name = !self.resources.is_empty() && self.resources.iter().all(is_answered);
        let whole = self.exceptions.iter().any(|exception| exception.resource.is_none());
        matches!(self.status, Status::Failed | Status::Unknown) && (whole || (by_name && self.status == Status::Failed))
    }

    /// Where it stands among others: what fails, the worst first; what is unknown; what is suppressed; what passes.
    pub fn rank(&self) -> (u8, std::cmp::Reverse<Severity>) {
        let place = match self.status {
            Status::Failed | Status::Unknown if self.is_suppressed() => 2,
            Status::Failed => 0,
            Status::Unknown => 1,
            Status::Passed => 3,
            Status::NotApplicable => 4,
        };
        (place, std::cmp::Reverse(self.severity))
    }

    /// Evaluates `control`. A panic in it is a defect of rootwatch and makes this one finding `Unknown`.
    pub fn of(control: &Control, snapshot: &Snapshot, settings: &Settings) -> Self {
        let evaluate = std::panic::AssertUnwindSafe(|| (control.evaluate)(snapshot, settings));
        let verdict = match std::panic::catch_unwind(evaluate) {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(unavailable)) => unavailable.into(),
            Err(_) => Verdict::new(
                Status::Unknown,
                "Evaluating this control failed because of a defect in rootwatch; report it with the function's log",
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
    fn what_fails_stands_before_what_is_unknown_before_what_is_suppressed_before_what_passes() {
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
        let suppressed: Vec<bool> = ordered.iter().map(Finding::is_suppressed).collect();
        assert_eq!(suppressed, [false, false, false, true, true, false, false, false]);
    }

    #[test]
    fn rt_4_a_panic_in_one_control_is_unknown_and_the_others_are_evaluated() {
        let broken = Control { evaluate: |_, _| panic!("broken"), ..copy(CHECKLIST[0]) };
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let finding = Finding::of(&broken, &Snapshot::compliant(), &Settings::default());
        std::panic::set_hook(hook);
        assert_eq!(finding.status, Status::Unknown);
        assert!(finding.reason.contains("defect in rootwatch"));
    }

    fn copy(control: &Control) -> Control {
        Control {
            remediation: crate::control::Remediation { console: &[], cli: &[] },
            sources: &[],
            user_of: control.user_of,
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
