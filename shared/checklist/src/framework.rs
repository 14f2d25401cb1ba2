//! What others call our controls: benchmarks and tools, and a report in their order and by their numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::control::Severity;
use crate::controls::CHECKLIST;
use crate::finding::{Finding, Status};

/// Somebody else's list of controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Framework {
    /// CIS Amazon Web Services Foundations Benchmark 3.0.
    #[serde(rename = "cis-3.0")]
    Cis3,
    /// The same, 5.0.
    #[serde(rename = "cis-5.0")]
    Cis5,
    /// The same, 6.0.
    #[serde(rename = "cis-6.0")]
    Cis6,
    /// The same, 7.0.
    #[serde(rename = "cis-7.0")]
    Cis7,
    /// AWS Security Hub CSPM, all its standards.
    #[serde(rename = "security-hub")]
    SecurityHub,
    /// Managed rules of AWS Config.
    #[serde(rename = "aws-config")]
    Config,
    /// Checks of Prowler.
    #[serde(rename = "prowler")]
    Prowler,
}

impl Framework {
    /// All of them, in the order of the columns of `CONTROLS.md`.
    pub const ALL: &[Self] =
        &[Self::Cis3, Self::Cis5, Self::Cis6, Self::Cis7, Self::SecurityHub, Self::Config, Self::Prowler];

    /// Its name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Cis3 => "cis-3.0",
            Self::Cis5 => "cis-5.0",
            Self::Cis6 => "cis-6.0",
            Self::Cis7 => "cis-7.0",
            Self::SecurityHub => "security-hub",
            Self::Config => "aws-config",
            Self::Prowler => "prowler",
        }
    }

    /// Where to read about its control called `name`.
    pub fn url(self, name: &str) -> String {
        match self {
            Self::Cis3 | Self::Cis5 | Self::Cis6 | Self::Cis7 => {
                "https://www.cisecurity.org/benchmark/amazon_web_services".into()
            }
            Self::SecurityHub => {
                let name = name.to_lowercase().replace('.', "-");
                let page = name.split('-').next().unwrap_or_default();
                format!("https://docs.aws.amazon.com/securityhub/latest/userguide/{page}-controls.html#{name}")
            }
            Self::Config => format!("https://docs.aws.amazon.com/config/latest/developerguide/{name}.html"),
            Self::Prowler => format!("https://hub.prowler.com/check/{name}"),
        }
    }
}

/// Its title.
impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cis3 => "CIS AWS Foundations 3.0",
            Self::Cis5 => "CIS AWS Foundations 5.0",
            Self::Cis6 => "CIS AWS Foundations 6.0",
            Self::Cis7 => "CIS AWS Foundations 7.0",
            Self::SecurityHub => "Security Hub",
            Self::Config => "AWS Config",
            Self::Prowler => "Prowler",
        })
    }
}

/// A report in the order and by the numbers of a [`Framework`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct View {
    /// Which.
    pub framework: Framework,
    /// What it asks that a control covers, whole or in part; what else it asks is not judged.
    pub requirements: Vec<Requirement>,
}

/// What one requirement of a framework rests on; a control that covers several stands at each of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requirement {
    /// The framework's own number or name, as `1.4` or `IAM.4`.
    pub number: &'static str,
    /// [`crate::Control::id`]; its finding has the evidence.
    pub control: &'static str,
    /// [`crate::Control::title`].
    pub title: &'static str,
    /// [`crate::Control::severity`]; the framework may rank it otherwise.
    pub severity: Severity,
    /// The outcome; `null`: the control is left out.
    pub status: Option<Status>,
    /// Why, one sentence.
    pub reason: String,
    /// Somebody answers for the whole failure until a day.
    pub is_excepted: bool,
}

impl View {
    /// `findings` as `framework` counts.
    pub fn of(framework: Framework, findings: &[Finding]) -> Self {
        let mut requirements: Vec<Requirement> = CHECKLIST
            .iter()
            .flat_map(|control| control.mappings.iter().map(move |(of, number)| (control, *of, *number)))
            .filter(|(_, of, _)| *of == framework)
            .map(|(control, _, number)| {
                let finding = findings.iter().find(|finding| finding.control == control.id);
                Requirement {
                    number,
                    control: control.id,
                    title: control.title,
                    severity: control.severity,
                    status: finding.map(|finding| finding.status),
                    reason: finding.map_or_else(|| "The control is left out".into(), |finding| finding.reason.clone()),
                    is_excepted: finding.is_some_and(Finding::is_excepted),
                }
            })
            .collect();
        requirements.sort_by_cached_key(|requirement| natural(requirement.number));
        Self { framework, requirements }
    }
}

/// `2.10` after `2.9`, `IAM.10` after `IAM.9`.
fn natural(number: &str) -> Vec<(u32, String)> {
    number.split('.').map(|part| (part.parse().unwrap_or(0), part.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::settings::Settings;
    use crate::snapshot::Snapshot;

    fn view(framework: Framework, change: impl FnOnce(&mut Snapshot)) -> View {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        View::of(framework, &Report::generate(&snapshot, &Settings::default()).findings)
    }

    #[test]
    fn every_framework_has_a_name_that_is_read_again() {
        for framework in Framework::ALL {
            let id = serde_json::to_value(framework).unwrap();
            assert_eq!(id, framework.id());
            assert_eq!(serde_json::from_value::<Framework>(id).unwrap(), *framework);
            let of_it = CHECKLIST.iter().flat_map(|control| control.mappings).filter(|(of, _)| of == framework).count();
            assert!(of_it > 0 && view(*framework, |_| {}).requirements.len() == of_it, "{framework}");
        }
    }

    #[test]
    fn a_view_counts_as_its_framework_does() {
        let numbers = |framework| {
            let view = view(framework, |_| {});
            view.requirements.iter().map(|requirement| requirement.number).collect::<Vec<_>>()
        };
        let cis = numbers(Framework::Cis5);
        let at = |number: &str| cis.iter().position(|known| *known == number);
        assert!(at("1.3").is_some() && at("1.3") < at("1.4") && at("1.8") < at("1.14"), "{cis:?}");
        let hub = numbers(Framework::SecurityHub);
        let at = |number: &str| hub.iter().position(|known| *known == number);
        assert!(at("IAM.2").is_some() && at("IAM.2") < at("IAM.11"), "{hub:?}");
    }

    #[test]
    fn a_requirement_has_the_outcome_of_its_control_and_a_control_left_out_none() {
        let of = |view: View| view.requirements.into_iter().find(|requirement| requirement.number == "1.4").unwrap();
        let failed = of(view(Framework::Cis5, |snapshot| snapshot.summary_mut().root_mfa = Ok(0)));
        assert_eq!((failed.control, failed.status, failed.is_excepted), ("root-mfa", Some(Status::Failed), false));
        let exceptions = vec![crate::declarations::Exception {
            control: "root-mfa".into(),
            reason: "the key is in the post".into(),
            owner: "alice".into(),
            until: jiff::Timestamp::MAX,
            resource: None,
        }];
        let declarations = crate::declarations::Declarations { exceptions, ..Default::default() };
        let mut snapshot = Snapshot::compliant();
        snapshot.summary_mut().root_mfa = Ok(0);
        let settings = Settings { declarations, ..Settings::default() };
        assert!(of(View::of(Framework::Cis5, &Report::generate(&snapshot, &settings).findings)).is_excepted);
        let selection = crate::Selection::default().without(["root-mfa"]).unwrap();
        let settings = Settings { selection, ..Settings::default() };
        let left_out = of(View::of(Framework::Cis5, &Report::generate(&Snapshot::compliant(), &settings).findings));
        assert_eq!((left_out.status, left_out.reason.as_str()), (None, "The control is left out"));
    }

    #[test]
    fn every_name_leads_to_a_page() {
        assert_eq!(
            Framework::SecurityHub.url("CloudTrail.1"),
            "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1"
        );
        assert!(Framework::Config.url("root-account-mfa-enabled").ends_with("/root-account-mfa-enabled.html"));
    }
}
