//! A function's environment: read once, as strings. A fault never stops monitoring: what cannot be read is ignored, the safe value holds,
//! and people hear of it. Only what makes work impossible is an error, which names every fault at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use checklist::Refused;
use checklist::declarations::Parsed;
use facts::relay::Own;
use facts::{Partition, text};
use messages::Links;

/// Every variable of ours begins so; one that is not known is refused, as a misspelt one would silently do nothing.
const PREFIX: &str = "ROOTWATCH_";

/// More Regions than AWS has in a partition.
const MAX_REGIONS: usize = 60;

/// Variables that no parameter of the template sets as it is.
const OURS: [&str; 14] = [
    "ROOTWATCH_CHAT_TOPIC_ARN",
    "ROOTWATCH_FORWARDER_ROLE_ARN",
    "ROOTWATCH_MEMBER_ROLE",
    "ROOTWATCH_NOTIFIERS",
    "ROOTWATCH_ORGANIZATION_QUEUE_ARN",
    "ROOTWATCH_QUEUE_ARN",
    "ROOTWATCH_REPORT_BUCKET",
    "ROOTWATCH_ROUTE_WEBHOOKS",
    "ROOTWATCH_RULES",
    "ROOTWATCH_SCHEDULE",
    "ROOTWATCH_STACK",
    "ROOTWATCH_TABLE",
    "ROOTWATCH_TOPIC_ARN",
    "ROOTWATCH_WEBHOOK_TEST_HOST",
];

/// What is left of the environment to be read, and what is wrong with what was.
#[derive(Debug, Clone)]
pub struct Environment {
    region: String,
    values: BTreeMap<String, String>,
    refused: Vec<Refused>,
    hindrances: Vec<String>,
}

/// What is wrong with the environment, so that no work is possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment is wrong, nothing was done: {}", faults.join("; "))]
pub struct SettingsError {
    /// Every fault, also those that alone would hinder nothing: one each, with the variable and what is accepted.
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
        let mut environment = Self { region: String::new(), values, refused: Vec::new(), hindrances: Vec::new() };
        environment.region = environment.take("AWS_REGION").unwrap_or_else(|| {
            environment.hinder("AWS_REGION", "is missing");
            String::new()
        });
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

    /// What names of this stack's resources begin with: first those that the template gives, which are `Name`'s where it is set; last the
    /// stack's own name, from which `CloudFormation` makes the others.
    pub fn own(&mut self) -> Vec<String> {
        let (name, stack) = (self.take("ROOTWATCH_NAME"), self.take("ROOTWATCH_STACK"));
        let name = name.filter(|name| Some(name) != stack.as_ref());
        name.into_iter().chain(stack).collect()
    }

    /// Console addresses of the page, which is this key in this bucket, and of the dashboard, which is named as the rules are; and the stack,
    /// for commands.
    pub fn links(&self, page: Option<(&str, &str)>, own: &[String]) -> Links {
        let names = own.first().zip(own.last()).map(|(name, stack)| (name.as_str(), stack.as_str()));
        Links::of(&self.region, page, names)
    }

    /// The partition of that Region.
    pub fn partition(&self) -> Partition {
        Partition::of_region(&self.region)
    }

    /// `settings`, with everything that was refused; what is left over is too.
    ///
    /// # Errors
    /// All faults at once, if one of them hinders all work.
    pub fn finish<T>(mut self, settings: T) -> Result<(T, Vec<Refused>), SettingsError> {
        for name in std::mem::take(&mut self.values).into_keys() {
            let setting = text::bounded(&name);
            self.refused.push(Refused { setting, entry: None, fault: "is not known, and does nothing".into() });
        }
        if self.hindrances.is_empty() {
            return Ok((settings, self.refused));
        }
        let refused = self.refused.iter().map(ToString::to_string);
        Err(SettingsError { faults: self.hindrances.into_iter().chain(refused).collect() })
    }

    /// Something is wrong with the variable `name`: it is ignored, and work goes on.
    pub fn refuse(&mut self, name: &str, fault: impl std::fmt::Display) {
        self.refused.push(Refused { setting: setting(name), entry: None, fault: fault.to_string() });
    }

    /// Something is wrong with the variable `name`, without which nothing can be done.
    pub fn hinder(&mut self, name: &str, fault: impl std::fmt::Display) {
        self.hindrances.push(format!("{name} {fault}"));
    }

    /// The value, if it is set and not empty; CloudFormation cannot leave a variable out, only empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).filter(|value| !value.is_empty())
    }

    /// The value as what it stands for, else `default`.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str, default: T) -> T {
        let Some(text) = self.take(name) else { return default };
        text.parse().unwrap_or_else(|error| {
            self.refuse(name, format!("{error}; the default is in force"));
            default
        })
    }

    /// The value as a number out of `accepted`, else `default`.
    pub fn number(&mut self, name: &str, accepted: RangeInclusive<u16>, default: u16) -> u16 {
        let Some(text) = self.take(name) else { return default };
        match text.parse() {
            Ok(number) if accepted.contains(&number) => number,
            _ => {
                let (least, most, text) = (accepted.start(), accepted.end(), text::bounded(&text));
                self.refuse(
                    name,
                    format!("a number from {least} to {most} is accepted, not `{text}`; {default} is in force"),
                );
                default
            }
        }
    }

    /// A value without which nothing can be done.
    pub fn needed(&mut self, name: &str) -> String {
        let value = self.take(name);
        if value.is_none() {
            self.hinder(name, "is missing");
        }
        value.unwrap_or_default()
    }

    /// The id of an organization, without which nothing can be done
    /// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html>).
    pub fn organization(&mut self, name: &str) -> String {
        let id = self.needed(name);
        let is_id = id.strip_prefix("o-").is_some_and(|rest| {
            (10..=32).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if !is_id && !id.is_empty() {
            self.hinder(name, format!("is not the id of an organization: `{}`", text::bounded(&id)));
        }
        id
    }

    /// The ARN of an SNS topic in the function's own Region; without one nothing can be sent.
    pub fn topic_arn(&mut self, name: &str) -> String {
        let arn = self.take(name).unwrap_or_default();
        let parts: Vec<&str> = arn.split(':').collect();
        match parts.as_slice() {
            [] | [""] => self.hinder(name, "is missing"),
            ["arn", _, "sns", of, account, topic] if facts::AccountId::parse(account).is_ok() && !topic.is_empty() => {
                if *of != self.region {
                    let function = self.region.clone();
                    self.hinder(name, format!("is in Region {}, the function in {function}", text::bounded(of)));
                }
            }
            _ => self.hinder(name, format!("is not the ARN of an SNS topic: `{}`", text::bounded(&arn))),
        }
        arn
    }

    /// The name of a DynamoDB table. Without one every call to it fails, and what is seen is sent without memory.
    pub fn table(&mut self, name: &str) -> String {
        let table = self.take(name).unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if table.is_empty() {
            self.refuse(name, "is missing: nothing is remembered");
        } else if !(3..=255).contains(&table.len()) || !table.bytes().all(is_name) {
            let table = text::bounded(&table);
            self.refuse(name, format!("is not the name of a DynamoDB table: `{table}`; nothing is remembered"));
        }
        table
    }

    /// Region codes of the function's partition, separated by commas. `None`: every Region, also where one of them is wrong, as no one
    /// knows which was meant.
    pub fn regions(&mut self, name: &str) -> Option<Vec<String>> {
        let regions = list(&self.take(name)?);
        match check_regions(&regions, self.partition()) {
            Ok(()) => Some(regions),
            Err(fault) => {
                self.refuse(name, format!("{fault}; every Region counts"));
                None
            }
        }
    }

    /// Those of the Region codes that are such of the function's partition.
    pub fn regions_among(&mut self, name: &str) -> Vec<String> {
        let partition = self.partition();
        let Some(text) = self.take(name) else { return Vec::new() };
        let (mut right, wrong): (Vec<String>, Vec<String>) =
            list(&text).into_iter().partition(|region| check_regions(std::slice::from_ref(region), partition).is_ok());
        if let Err(fault) = check_regions(&wrong, partition)
            && !wrong.is_empty()
        {
            self.refuse(name, format!("{fault}; it is left out"));
        }
        if right.len() > MAX_REGIONS {
            self.refuse(name, format!("at most {MAX_REGIONS} Regions are accepted; the rest is left out"));
            right.truncate(MAX_REGIONS);
        }
        right
    }

    /// Names as EventBridge and its Scheduler take them, separated by commas; none when it is not set. What is no name is left out.
    pub fn names(&mut self, name: &str) -> Vec<String> {
        let Some(text) = self.take(name) else { return Vec::new() };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let is_name = |name: &String| (1..=64).contains(&name.len()) && name.bytes().all(fits);
        let (names, wrong): (Vec<String>, Vec<String>) = list(&text).into_iter().partition(is_name);
        if let Some(wrong) = wrong.first() {
            let wrong = text::bounded(wrong);
            self.refuse(name, format!("`{wrong}` is no name of a rule or schedule; it is left out"));
        }
        names
    }

    /// rootwatch's own functions that pass messages on, of the stack whose names are `own`.
    pub fn relays(&mut self, name: &str, own: &[String]) -> Own {
        let refused = self.refused.len();
        let names = self.names(name);
        Own { names, is_refused: self.refused.len() > refused, stack: own.last().cloned() }
    }

    /// A declaration in a language of its own: each entry by itself.
    pub fn declared<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Vec<T> {
        let Parsed { taken, refused } = parse(&self.take(name).unwrap_or_default());
        let setting = setting(name);
        let refused = refused.into_iter().map(|(entry, fault)| Refused { setting: setting.clone(), entry, fault });
        self.refused.extend(refused);
        taken
    }

    /// Where people find the runbook; it ends up in links.
    pub fn runbook(&mut self, name: &str) -> String {
        let ours = || messages::RUNBOOK.to_owned();
        let Some(url) = self.take(name) else { return ours() };
        if is_https(&url) && url.len() <= 500 && !url.contains('#') {
            return url;
        }
        self.refuse(
            name,
            format!("is not an https:// URL without a fragment: `{}`; it is left out", text::bounded(&url)),
        );
        ours()
    }
}

/// How people call the setting that `variable` holds: by the template's parameter, where one sets it.
pub fn setting(variable: &str) -> String {
    let Some(words) = variable.strip_prefix(PREFIX).filter(|_| !OURS.contains(&variable)) else {
        return variable.to_owned();
    };
    match words {
        "OBJECT_LOCK_DAYS" => return "ReportLockDays".into(),
        "WEBHOOK_PARAMETER" => return "SlackWebhookParameter".into(),
        _ => {}
    }
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect::<String>()
    };
    words.split('_').map(capital).collect()
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|entry| entry.trim().to_owned()).collect()
}

/// Whether `url` is plain ASCII, begins with `https://`, and has a host that is one: Slack refuses a message with a link that is none.
pub fn is_https(url: &str) -> bool {
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    let authority = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
    plain && host.is_some_and(is_host)
}

/// A name or an address, with a port or without one.
fn is_host(host: &str) -> bool {
    let is_port =
        |port: &str| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    if let Some(host) = host.strip_prefix('[') {
        let address = host.split_once(']');
        return address.is_some_and(|(host, port)| host.parse::<std::net::Ipv6Addr>().is_ok() && is_port(port));
    }
    let (name, port) = host.find(':').map_or((host, ""), |at| host.split_at(at));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !name.is_empty() && name.bytes().all(fits) && is_port(port)
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
            environment.finish(names).unwrap()
        };
        assert_eq!(names(""), (Vec::new(), Vec::new()));
        assert_eq!(names("a.b_c-1, d"), (vec!["a.b_c-1".to_owned(), "d".to_owned()], Vec::new()));
        assert!(names(&"a".repeat(64)).1.is_empty());
        for (wrong, taken) in [(&*"a".repeat(65), 0), ("a,,b", 2), ("a b", 0), ("a/b", 0), ("ä", 0), (",", 0)] {
            let (names, refused) = names(wrong);
            assert_eq!((names.len(), refused.len()), (taken, 1), "{wrong}");
        }
    }

    #[test]
    fn a_url_has_a_host_that_is_one() {
        for url in [
            "https://a.example",
            "https://a_b.example:8443/x?y#z",
            "https://u:p@a.example/",
            "https://[2001:db8::1]:80/x",
        ] {
            assert!(is_https(url), "{url}");
        }
        for url in [
            "https://[",
            "https://[x]",
            "https://[::1",
            "https://:80",
            "https://",
            "https://a b",
            "https://a:x",
            "https://a\\b",
            "https://a.example:99999/",
            "https://?x",
            "http://a.example",
            "https://<a>",
            "https://u@",
            "https://a|b",
        ] {
            assert!(!is_https(url), "{url}");
        }
    }

    #[test]
    fn names_of_our_functions_that_cannot_be_read_are_noted() {
        let own = |text: &str| {
            let variables = [("AWS_REGION", "eu-west-1"), ("ROOTWATCH_X", text)];
            let mut environment = Environment::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
            environment.relays("ROOTWATCH_X", &["rootwatch".to_owned()])
        };
        assert!(!own("").is_refused && !own("a,b").is_refused && own("a,b c").is_refused);
        assert_eq!(own("a,b c").names, ["a"]);
        assert!(own("a,b c").has("x") && !own("a,b").has("x") && own("").has("rootwatch-ChatNotifier-1"));
    }

    #[test]
    fn a_setting_is_called_as_its_parameter_where_one_sets_it() {
        for (variable, name) in [
            ("ROOTWATCH_EXCEPTIONS", "Exceptions"),
            ("ROOTWATCH_REMINDER_HOURS_CRITICAL", "ReminderHoursCritical"),
            ("ROOTWATCH_OBJECT_LOCK_DAYS", "ReportLockDays"),
            ("ROOTWATCH_TABLE", "ROOTWATCH_TABLE"),
            ("AWS_REGION", "AWS_REGION"),
        ] {
            assert_eq!(setting(variable), name);
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
