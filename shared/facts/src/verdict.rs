//! The outcome of an evaluation, with the evidence that it rests on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::source::{Source, Unavailable};

/// Four outcomes; missing data is never a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is nothing to evaluate here.
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
    /// What it was evaluated by.
    pub evidence: Vec<Evidence>,
    /// The things that are wrong, by name, where the control can name them.
    pub resources: Vec<String>,
    /// The sources that the outcome rests on, with their age.
    pub judged_by: BTreeMap<Source, Timestamp>,
}

/// A source, and the verdict by it alone.
pub type Witness = (Source, Result<Verdict, Unavailable>);

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

    /// The worst of several sources' results for the same thing; a source that could not be read is `Unknown`, which only a failure
    /// outweighs. A disagreement between them is said.
    pub fn worst_of(first: Witness, others: impl IntoIterator<Item = Witness>) -> Self {
        let (source, first) = first;
        let first = first.unwrap_or_else(Self::from);
        let mut statuses = vec![(source, first.status)];
        let mut worst = others.into_iter().fold(first, |worst, (source, other)| {
            let other = other.unwrap_or_else(Self::from);
            statuses.push((source, other.status));
            worst.worse(other)
        });
        if worst.status != Status::Unknown {
            worst.reason.push_str(&disagreement(&statuses));
        }
        worst
    }

    fn worse(self, other: Self) -> Self {
        let (mut worse, better) = if other.status > self.status { (other, self) } else { (self, other) };
        if worse.status == better.status {
            worse.judged_by.extend(&better.judged_by);
            let further = better.resources.iter().filter(|resource| !worse.resources.contains(resource));
            let further: Vec<String> = further.cloned().collect();
            worse.resources.extend(further);
        }
        worse.evidence.extend(better.evidence);
        worse
    }
}

/// That sources which could be read do not say the same, as the end of a reason; empty where they do.
pub fn disagreement(statuses: &[(Source, Status)]) -> String {
    let known: Vec<&(Source, Status)> = statuses.iter().filter(|(_, status)| *status != Status::Unknown).collect();
    if known.windows(2).all(|pair| matches!(pair, [one, other] if one.1 == other.1)) {
        return String::new();
    }
    let said: Vec<String> = known.iter().map(|(source, status)| format!("{source} {}", status.words())).collect();
    format!(" (the sources disagree and the worse counts: {})", said.join(", "))
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
