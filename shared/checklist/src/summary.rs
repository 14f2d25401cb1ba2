//! A check in one sentence: what is unknown comes before what fails, and that before what is suppressed.

use std::cmp::Reverse;

use facts::severity::Severity;
use facts::text::counted;
use facts::verdict::Status;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::source_state::SourceState;

/// How the sentence begins where something was not seen.
const INCOMPLETE: &str = "INCOMPLETE: ";
/// Controls, and data sources, that are named.
const NAMED: usize = 2;

/// What must be known first of a check. It reads as well only if everything was seen, nothing fails, and nothing is suppressed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Summary {
    /// How many controls were evaluated.
    pub evaluated: usize,
    /// Ids of the controls that are unknown, also of those that an exception suppresses: root's first, the most severe
    /// before the others.
    pub unknown: Vec<String>,
    /// Data sources that could not be read whole, or not renewed, each once.
    pub unread: Vec<String>,
    /// Regions of which not all could be read that is read there, each once.
    pub unread_regions: Vec<String>,
    /// How many findings are open.
    pub failed: usize,
    /// The severity of the worst of them.
    pub worst: Option<Severity>,
    /// How many failed controls an exception suppresses.
    pub suppressed: usize,
    /// No subscription is confirmed: alerts reach no one.
    pub is_unheard: bool,
    /// The check looked at fewer Regions, or less time, than is configured.
    pub is_narrow: bool,
    /// What else is not complete, a few words each.
    pub others: Vec<String>,
    /// It is the status of then, and not of when it was sent.
    pub outdated_since: Option<Timestamp>,
}

impl Summary {
    /// That of `findings` by `sources`.
    pub fn of(findings: &[Finding], sources: &[SourceState], subscribed: Option<bool>, is_narrow: bool) -> Self {
        let failed = || findings.iter().filter(|finding| finding.status == Status::Failed);
        let open = || failed().filter(|finding| !finding.is_suppressed());
        let mut unknown: Vec<&Finding> = findings.iter().filter(|finding| finding.status == Status::Unknown).collect();
        let is_of_root = |finding: &Finding| finding.control.starts_with("root-");
        unknown.sort_by_key(|finding| (!is_of_root(finding), Reverse(finding.severity)));
        let (mut unread, mut unread_regions): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for state in sources.iter().filter(|state| state.error.is_some()) {
            let name = state.source.to_string();
            if !unread.contains(&name) {
                unread.push(name);
            }
            unread_regions.extend(
                state.region.iter().filter(|region| !unread_regions.contains(region)).cloned().collect::<Vec<_>>(),
            );
        }
        Self {
            evaluated: findings.len(),
            unknown: unknown.into_iter().map(|finding| finding.control.to_owned()).collect(),
            unread,
            unread_regions,
            failed: open().count(),
            worst: open().map(|finding| finding.severity).max(),
            suppressed: failed().filter(|finding| finding.is_suppressed()).count(),
            is_unheard: subscribed == Some(false),
            is_narrow,
            others: Vec::new(),
            outdated_since: None,
        }
    }

    /// Everything was read, just now, and alerts have a subscriber.
    pub fn is_complete(&self) -> bool {
        self.evaluated > 0
            && self.unknown.is_empty()
            && self.unread.is_empty()
            && self.others.is_empty()
            && !(self.is_unheard || self.is_narrow)
            && self.outdated_since.is_none()
    }

    /// Nothing is unknown, fails, or is suppressed.
    pub fn all_is_well(&self) -> bool {
        self.is_complete() && self.failed == 0 && self.suppressed == 0
    }

    /// Whether a control of root is unknown.
    pub fn names_root(&self) -> bool {
        self.unknown.first().is_some_and(|control| control.starts_with("root-"))
    }

    /// The whole sentence, without a full stop.
    pub fn headline(&self) -> String {
        self.within(usize::MAX)
    }

    /// The same in at most `max` characters, as far as that goes: what is unknown is the last to be left out, a control of root
    /// the very last.
    pub fn within(&self, max: usize) -> String {
        let fits = |text: &String| text.chars().count() <= max;
        if self.is_complete() {
            let ways = [self.seen(true), self.seen(false)];
            return ways.iter().find(|text| fits(text)).or(ways.last()).cloned().unwrap_or_default();
        }
        let rest = self.rest();
        let ways = self.unknown_controls().into_iter().flat_map(|controls| {
            let parts: Vec<&String> = [&controls].into_iter().chain(&rest).filter(|part| !part.is_empty()).collect();
            let counts = (1..=parts.len()).rev();
            let joined = |count| parts.iter().take(count).map(|part| part.as_str()).collect::<Vec<_>>().join("; ");
            counts.map(|count| format!("{INCOMPLETE}{}", joined(count))).collect::<Vec<_>>()
        });
        let ways: Vec<String> = ways.collect();
        ways.iter().find(|text| fits(text)).or(ways.last()).cloned().unwrap_or_default()
    }

    /// Where everything was seen.
    fn seen(&self, is_long: bool) -> String {
        let suppressed = match self.suppressed {
            0 => String::new(),
            count => format!("; {count} suppressed"),
        };
        match self.findings() {
            Some(findings) if is_long => findings + &suppressed,
            Some(findings) => findings,
            None if self.suppressed > 0 => format!("no open findings{suppressed}"),
            None => format!(
                "{}: none failed, none unknown",
                counted(self.evaluated, "control evaluated", "controls evaluated")
            ),
        }
    }

    fn findings(&self) -> Option<String> {
        let findings = counted(self.failed, "open finding", "open findings");
        (self.failed > 0).then(|| match self.worst {
            Some(worst) if self.failed == 1 => format!("{findings}, {worst}"),
            Some(worst) => format!("{findings} (worst: {worst})"),
            None => findings,
        })
    }

    /// From the longest way to the shortest.
    fn unknown_controls(&self) -> Vec<String> {
        let names: Vec<String> = self.unknown.iter().map(|id| name(id)).collect();
        let count = counted(names.len(), "control", "controls");
        match names.as_slice() {
            [] => vec![String::new()],
            [one] => vec![format!("{count} unknown: {one}"), format!("{one} unknown")],
            [one, others @ ..] => {
                vec![
                    format!("{count} unknown{}", some(&names)),
                    format!("{count} unknown, including {one}"),
                    format!("{one} unknown, {} more", others.len()),
                ]
            }
        }
    }

    /// The most important first.
    fn rest(&self) -> Vec<String> {
        let unread = (self.unknown.is_empty() && !self.unread.is_empty()).then(|| {
            let sources = counted(self.unread.len(), "data source", "data sources");
            format!("{sources} could not be fully read{}", some(&self.unread))
        });
        let regions = (!self.unread_regions.is_empty()).then(|| {
            let regions = counted(self.unread_regions.len(), "Region", "Regions");
            format!("{regions} could not be fully read{}", some(&self.unread_regions))
        });
        let outdated =
            self.outdated_since.map(|at| format!("status of {}, not of now", at.strftime("%Y-%m-%d %H:%M UTC")));
        let first = [
            (self.evaluated == 0).then(|| "no control was evaluated".to_owned()),
            self.is_unheard.then(|| "no subscription is confirmed".to_owned()),
            unread,
            regions,
            outdated,
            self.is_narrow.then(|| "fewer Regions, or less time, than configured".to_owned()),
        ];
        let last = [self.findings(), (self.suppressed > 0).then(|| format!("{} suppressed", self.suppressed))];
        first.into_iter().flatten().chain(self.others.iter().cloned()).chain(last.into_iter().flatten()).collect()
    }
}

/// `root MFA` of `root-mfa`.
fn name(control: &str) -> String {
    let words = control.split('-').map(|word| match word {
        "mfa" => "MFA",
        "iam" => "IAM",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The first ones, and that there are more.
fn some(names: &[String]) -> String {
    let including = if names.len() > NAMED { ", including " } else { ": " };
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    including.to_owned() + &shown.join(" and ")
}
