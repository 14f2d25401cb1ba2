//! The function's environment: read once, as strings; validated as a whole, so that every fault is named at once.

use std::collections::BTreeMap;
use std::str::FromStr;

use checklist::password_policy::PasswordPolicyProfile;
use checklist::{Partition, text};

use crate::request::{MAX_LOOKBACK_HOURS, check_regions};

/// Every variable of ours begins so; one that is not known is a fault, as a misspelt one would silently do nothing.
const PREFIX: &str = "ROOTWATCH_";

/// What the owner of the account chose, from the parameters of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Partition of the Region that the function runs in.
    pub partition: Partition,
    /// Where people are told.
    pub topic_arn: String,
    /// How far back root's events are looked up, 1 to 2160 hours.
    pub lookback_hours: u16,
    /// Regions to sweep beside those that record sign-ins; `None`: every enabled one.
    pub regions: Option<Vec<String>>,
    /// What changes verdicts.
    pub checklist: checklist::Settings,
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment is wrong, nothing was checked: {}", faults.join("; "))]
pub struct SettingsError {
    /// One a fault, with the variable and what is accepted.
    pub faults: Vec<String>,
}

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// All faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut variables = Variables {
            values: variables
                .into_iter()
                .filter(|(name, _)| name.starts_with(PREFIX) || name == "AWS_REGION")
                .map(|(name, value)| (name, value.trim().to_owned()))
                .collect(),
            faults: Vec::new(),
        };
        let region = variables.take("AWS_REGION").unwrap_or_default();
        if region.is_empty() {
            variables.faults.push("AWS_REGION is missing".into());
        }
        let partition = Partition::of_region(&region);
        let defaults = checklist::Settings::default();
        let settings = Self {
            partition,
            topic_arn: variables.topic_arn(&region),
            lookback_hours: variables.number("ROOTWATCH_LOOKBACK_HOURS", 1..=MAX_LOOKBACK_HOURS, 24),
            regions: variables.regions(partition),
            checklist: checklist::Settings {
                password_policy_profile: variables
                    .parsed::<PasswordPolicyProfile>("ROOTWATCH_PASSWORD_POLICY_PROFILE")
                    .unwrap_or(defaults.password_policy_profile),
                root_unused_days: variables.number("ROOTWATCH_ROOT_UNUSED_DAYS", 1..=365, defaults.root_unused_days),
            },
        };
        let unknown = variables.values.keys().map(|name| format!("{} is not known", text::bounded(name)));
        variables.faults.extend(unknown);
        if variables.faults.is_empty() { Ok(settings) } else { Err(SettingsError { faults: variables.faults }) }
    }
}

struct Variables {
    values: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Variables {
    /// The value, if it is set and not empty; CloudFormation cannot leave a variable out, only empty.
    fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).filter(|value| !value.is_empty())
    }

    fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        match self.take(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.faults.push(format!("{name}: {error}"));
                None
            }
        }
    }

    fn number(&mut self, name: &str, accepted: std::ops::RangeInclusive<u16>, default: u16) -> u16 {
        let Some(text) = self.take(name) else { return default };
        match text.parse() {
            Ok(number) if accepted.contains(&number) => number,
            _ => {
                let (least, most) = (accepted.start(), accepted.end());
                self.faults.push(format!("{name} is a number from {least} to {most}, not `{}`", text::bounded(&text)));
                default
            }
        }
    }

    fn topic_arn(&mut self, region: &str) -> String {
        let name = "ROOTWATCH_TOPIC_ARN";
        let arn = self.take(name).unwrap_or_default();
        let parts: Vec<&str> = arn.split(':').collect();
        match parts.as_slice() {
            [] | [""] => self.faults.push(format!("{name} is missing")),
            ["arn", _, "sns", of, account, topic]
                if checklist::AccountId::parse(account).is_ok() && !topic.is_empty() =>
            {
                if *of != region {
                    self.faults.push(format!("{name} is in Region {}, the function in {region}", text::bounded(of)));
                }
            }
            _ => self.faults.push(format!("{name} is not the ARN of an SNS topic: `{}`", text::bounded(&arn))),
        }
        arn
    }

    fn regions(&mut self, partition: Partition) -> Option<Vec<String>> {
        let name = "ROOTWATCH_REGIONS";
        let regions: Vec<String> = self.take(name)?.split(',').map(|region| region.trim().to_owned()).collect();
        if let Err(fault) = check_regions(&regions, partition) {
            self.faults.push(format!("{name}: {fault}"));
        }
        Some(regions)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn valid() -> Vec<(String, String)> {
        with(&[])
    }

    fn with(changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut variables = BTreeMap::from([
            ("AWS_REGION", "eu-west-1"),
            ("PATH", "/bin"),
            ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
        ]);
        variables.extend(changes.iter().copied());
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn faults(changes: &[(&str, &str)]) -> Vec<String> {
        Settings::read(with(changes)).unwrap_err().faults
    }

    #[test]
    fn only_the_topic_is_needed_and_an_empty_variable_is_an_unset_one() {
        let expected = Settings {
            partition: Partition::Aws,
            topic_arn: "arn:aws:sns:eu-west-1:111122223333:rootwatch".into(),
            lookback_hours: 24,
            regions: None,
            checklist: checklist::Settings::default(),
        };
        assert_eq!(Settings::read(valid()), Ok(expected.clone()));
        assert_eq!(Settings::read(with(&[("ROOTWATCH_REGIONS", ""), ("ROOTWATCH_LOOKBACK_HOURS", " ")])), Ok(expected));
    }

    #[test]
    fn every_choice_is_read() {
        let settings = Settings::read(with(&[
            ("ROOTWATCH_LOOKBACK_HOURS", "2160"),
            ("ROOTWATCH_REGIONS", "eu-west-1, ap-south-2"),
            ("ROOTWATCH_PASSWORD_POLICY_PROFILE", "nist"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "365"),
        ]))
        .unwrap();
        assert_eq!(settings.lookback_hours, 2160);
        assert_eq!(settings.regions.unwrap(), ["eu-west-1", "ap-south-2"]);
        assert_eq!(settings.checklist.password_policy_profile, PasswordPolicyProfile::Nist);
        assert_eq!(settings.checklist.root_unused_days, 365);
    }

    #[test]
    fn cf_1_every_fault_is_named_at_once() {
        let error = Settings::read(with(&[
            ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:rootwatch"),
            ("ROOTWATCH_LOOKBACK_HOURS", "-1"),
            ("ROOTWATCH_REGIONS", "eu-west-1,evil.example"),
            ("ROOTWATCH_PASSWORD_POLICY_PROFILE", "weak"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "0"),
            ("ROOTWATCH_LOOKBACK", "1"),
        ]))
        .unwrap_err();
        insta::assert_snapshot!(error.faults.join("\n"));
        assert!(error.to_string().contains("nothing was checked"));
    }

    #[test]
    fn cf_1_a_missing_or_foreign_topic_and_a_missing_region_are_faults() {
        assert_eq!(faults(&[("ROOTWATCH_TOPIC_ARN", "")]), ["ROOTWATCH_TOPIC_ARN is missing"]);
        for arn in [
            "rootwatch",
            "arn:aws:sqs:eu-west-1:111122223333:x",
            "arn:aws:sns:eu-west-1:1:x",
            "arn:aws:sns:eu-west-1:111122223333:",
        ] {
            assert!(faults(&[("ROOTWATCH_TOPIC_ARN", arn)])[0].contains("is not the ARN of an SNS topic"), "{arn}");
        }
        assert!(faults(&[("AWS_REGION", "")]).contains(&"AWS_REGION is missing".to_owned()));
    }

    #[test]
    fn cf_2_numbers_are_bounded() {
        for (name, value) in [
            ("ROOTWATCH_LOOKBACK_HOURS", "0"),
            ("ROOTWATCH_LOOKBACK_HOURS", "2161"),
            ("ROOTWATCH_LOOKBACK_HOURS", "99999999"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "366"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "1.5"),
        ] {
            assert_eq!(faults(&[(name, value)]).len(), 1, "{name}={value}");
        }
    }
}
