//! A function's environment: read once, as strings; judged as a whole, so that every fault is named at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use checklist::{Partition, text};

/// Every variable of ours begins so; one that is not known is a fault, as a misspelt one would silently do nothing.
const PREFIX: &str = "ROOTWATCH_";

/// More Regions than AWS has in a partition.
const MAX_REGIONS: usize = 60;

/// What is left of the environment to be read, and what is wrong with what was.
#[derive(Debug, Clone)]
pub struct Environment {
    region: String,
    values: BTreeMap<String, String>,
    faults: Vec<String>,
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment is wrong, nothing was done: {}", faults.join("; "))]
pub struct SettingsError {
    /// One a fault, with the variable and what is accepted.
    pub faults: Vec<String>,
}

impl Environment {
    /// Those of `variables` that begin with `ROOTWATCH_`, and `AWS_REGION`.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = variables
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX) || name == "AWS_REGION")
            .map(|(name, value)| (name, value.trim().to_owned()))
            .collect();
        let mut environment = Self { region: String::new(), values, faults: Vec::new() };
        environment.region = environment.needed("AWS_REGION");
        environment
    }

    /// The process's variables; lossy, so that one that is not Unicode becomes a fault with its name, not a panic.
    pub fn of_the_process() -> impl Iterator<Item = (String, String)> {
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
    }

    /// The function's own Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The partition of that Region.
    pub fn partition(&self) -> Partition {
        Partition::of_region(&self.region)
    }

    /// `settings`, if nothing was wrong and nothing is left over.
    ///
    /// # Errors
    /// All faults at once.
    pub fn finish<T>(mut self, settings: T) -> Result<T, SettingsError> {
        let unknown = self.values.keys().map(|name| format!("{} is not known", text::bounded(name)));
        self.faults.extend(unknown);
        if self.faults.is_empty() { Ok(settings) } else { Err(SettingsError { faults: self.faults }) }
    }

    /// Something is wrong with the variable `name`.
    pub fn fault(&mut self, name: &str, what: impl std::fmt::Display) {
        self.faults.push(format!("{name} {what}"));
    }

    /// The value, if it is set and not empty; CloudFormation cannot leave a variable out, only empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).filter(|value| !value.is_empty())
    }

    /// The value, which must be there.
    pub fn needed(&mut self, name: &str) -> String {
        self.take(name).unwrap_or_else(|| {
            self.fault(name, "is missing");
            String::new()
        })
    }

    /// The value as what it stands for.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        match self.take(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.faults.push(format!("{name}: {error}"));
                None
            }
        }
    }

    /// The value as a number out of `accepted`, else `default`.
    pub fn number(&mut self, name: &str, accepted: RangeInclusive<u16>, default: u16) -> u16 {
        let Some(text) = self.take(name) else { return default };
        match text.parse() {
            Ok(number) if accepted.contains(&number) => number,
            _ => {
                let (least, most) = (accepted.start(), accepted.end());
                self.fault(name, format!("is a number from {least} to {most}, not `{}`", text::bounded(&text)));
                default
            }
        }
    }

    /// The ARN of an SNS topic in the function's own Region.
    pub fn topic_arn(&mut self, name: &str) -> String {
        let arn = self.take(name).unwrap_or_default();
        let parts: Vec<&str> = arn.split(':').collect();
        match parts.as_slice() {
            [] | [""] => self.fault(name, "is missing"),
            ["arn", _, "sns", of, account, topic]
                if checklist::AccountId::parse(account).is_ok() && !topic.is_empty() =>
            {
                if *of != self.region {
                    let function = self.region.clone();
                    self.fault(name, format!("is in Region {}, the function in {function}", text::bounded(of)));
                }
            }
            _ => self.fault(name, format!("is not the ARN of an SNS topic: `{}`", text::bounded(&arn))),
        }
        arn
    }

    /// The name of a DynamoDB table.
    pub fn table(&mut self, name: &str) -> String {
        let table = self.take(name).unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if table.is_empty() {
            self.fault(name, "is missing");
        } else if !(3..=255).contains(&table.len()) || !table.bytes().all(is_name) {
            self.fault(name, format!("is not the name of a DynamoDB table: `{}`", text::bounded(&table)));
        }
        table
    }

    /// Region codes of the function's partition, separated by commas.
    pub fn regions(&mut self, name: &str) -> Option<Vec<String>> {
        let regions: Vec<String> = self.take(name)?.split(',').map(|region| region.trim().to_owned()).collect();
        if let Err(fault) = check_regions(&regions, self.partition()) {
            self.faults.push(format!("{name}: {fault}"));
        }
        Some(regions)
    }

    /// Names as EventBridge and its Scheduler take them, separated by commas; none when it is not set.
    pub fn names(&mut self, name: &str) -> Vec<String> {
        let Some(text) = self.take(name) else { return Vec::new() };
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if let Some(wrong) = names.iter().find(|name| !(1..=64).contains(&name.len()) || !name.bytes().all(fits)) {
            self.fault(name, format!("holds what is no name of a rule or schedule: `{}`", text::bounded(wrong)));
        }
        names
    }

    /// A declaration in a language of its own, with all its faults.
    pub fn declared<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<Vec<T>, Vec<String>>) -> Vec<T> {
        match parse(&self.take(name).unwrap_or_default()) {
            Ok(declared) => declared,
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
                Vec::new()
            }
        }
    }

    /// Where people find the runbook; it ends up in links.
    pub fn runbook(&mut self, name: &str) -> String {
        let Some(url) = self.take(name) else { return checklist::message::RUNBOOK.to_owned() };
        if !(is_https(&url) && url.len() <= 500 && !url.contains('#')) {
            self.fault(name, format!("is not an https:// URL without a fragment: `{}`", text::bounded(&url)));
        }
        url
    }
}

/// Whether `url` is plain ASCII, begins with `https://`, and has a host.
pub fn is_https(url: &str) -> bool {
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    let host = url.strip_prefix("https://").unwrap_or_default();
    plain && !host.is_empty() && !host.starts_with(['/', ':', '?', '#'])
}

/// Region codes become part of host names: only what looks like one of this partition passes.
///
/// # Errors
/// What is wrong, in words.
pub fn check_regions(regions: &[String], partition: Partition) -> Result<(), String> {
    let is_code = |region: &str| {
        let mut parts = region.split('-');
        region.len() <= 25
            && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && parts.clone().count() >= 3
            && parts.all(|part| !part.is_empty())
            && region.ends_with(|last: char| last.is_ascii_digit())
    };
    if regions.is_empty() || regions.len() > MAX_REGIONS {
        return Err(format!("a list of Regions has 1 to {MAX_REGIONS} of them, not {}", regions.len()));
    }
    match regions.iter().find(|region| !is_code(region) || Partition::of_region(region) != partition) {
        Some(region) => {
            Err(format!("`{}` is not a Region code of partition {}", text::bounded(region), partition.as_str()))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_64_plain_characters_at_most() {
        let names = |text: &str| {
            let variables = [("AWS_REGION", "eu-west-1"), ("ROOTWATCH_X", text)];
            let mut environment = Environment::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let names = environment.names("ROOTWATCH_X");
            environment.finish(names)
        };
        assert_eq!(names(""), Ok(Vec::new()));
        assert_eq!(names("a.b_c-1, d"), Ok(vec!["a.b_c-1".to_owned(), "d".to_owned()]));
        assert!(names(&"a".repeat(64)).is_ok());
        for wrong in [&"a".repeat(65), "a,,b", "a b", "a/b", "ä", ","] {
            assert!(names(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn region_codes_of_every_shape_that_exists_are_accepted() {
        for region in ["us-east-1", "ap-southeast-7", "me-central-1", "mx-central-1", "il-central-1"] {
            assert_eq!(check_regions(&[region.into()], Partition::Aws), Ok(()));
        }
        assert_eq!(check_regions(&["us-gov-west-1".into()], Partition::GovCloud), Ok(()));
        for wrong in ["", "us-east", "US-EAST-1", "us--1", "us-east-1.evil.example", "us-east-x", "us-gov-west-1"] {
            assert!(check_regions(&[wrong.into()], Partition::Aws).is_err(), "{wrong}");
        }
    }
}
