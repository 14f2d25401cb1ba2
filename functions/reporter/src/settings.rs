//! The function's environment: where it keeps things, and what it makes.

use checklist::Refused;
use checklist::declarations::Parsed;
use facts::text::bounded;
use function::{Environment, SettingsError};
use jiff::SignedDuration;

use crate::exports::Format;

/// What the owner of the account chose, from the parameters of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The report bucket.
    pub bucket: String,
    /// What is made of each report beside the page.
    pub exports: Vec<Format>,
    /// Whether findings go to Security Hub.
    pub security_hub: bool,
    /// After how long the bucket's lifecycle removes a report.
    pub retention: SignedDuration,
    /// How long a report can be neither deleted nor replaced; `None`: it can; only where the bucket was made with Object Lock.
    pub object_lock: Option<SignedDuration>,
    /// What was set and cannot be read.
    pub refused: Vec<Refused>,
}

const BUCKET: &str = "ROOTWATCH_REPORT_BUCKET";
const EXPORTS: &str = "ROOTWATCH_EXPORTS";
const SECURITY_HUB: &str = "ROOTWATCH_SECURITY_HUB";
const RETENTION_DAYS: &str = "ROOTWATCH_REPORT_RETENTION_DAYS";
const OBJECT_LOCK_DAYS: &str = "ROOTWATCH_OBJECT_LOCK_DAYS";

/// What a bucket's name does not begin or end with
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
const RESERVED_STARTS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// Without a bucket or a Region nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut environment = Environment::new(variables);
        let bucket = environment.take(BUCKET).unwrap_or_default();
        if bucket.is_empty() {
            environment.hinder(BUCKET, "is missing");
        } else if !is_bucket_name(&bucket) {
            environment.hinder(BUCKET, format!("is not the name of a bucket: `{}`", bounded(&bucket)));
        }
        let exports = environment.declared(EXPORTS, formats);
        let security_hub = match environment.take(SECURITY_HUB).as_deref() {
            Some("yes") => true,
            None | Some("no") => false,
            Some(other) => {
                environment
                    .refuse(SECURITY_HUB, format!("yes or no is accepted, not `{}`; no is in force", bounded(other)));
                false
            }
        };
        let retention = days(environment.number(RETENTION_DAYS, 30..=3_650, 400));
        let locked = environment.number(OBJECT_LOCK_DAYS, 0..=3_650, 0);
        let object_lock = (locked > 0).then(|| days(locked));
        let settings = Self { bucket, exports, security_hub, retention, object_lock, refused: Vec::new() };
        let (settings, refused) = environment.finish(settings)?;
        Ok(Self { refused, ..settings })
    }
}

fn days(count: u16) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(count))
}

/// Separated by commas, each once.
fn formats(text: &str) -> Parsed<Format> {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for (number, name) in (1..).zip(text.split(',').map(str::trim)).filter(|(_, name)| !name.is_empty()) {
        match name.parse::<Format>() {
            Ok(format) => taken.push(format),
            Err(error) => refused.push((Some(number), error.to_string())),
        }
    }
    taken.sort();
    taken.dedup();
    Parsed { taken, refused }
}

fn is_bucket_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends_well = [name.bytes().next(), name.bytes().last()].into_iter().all(|byte| byte.is_some_and(is_plain));
    (3..=63).contains(&name.len())
        && ends_well
        && name.bytes().all(|byte| is_plain(byte) || b".-".contains(&byte))
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !RESERVED_STARTS.iter().any(|start| name.starts_with(start))
        && !RESERVED_ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let least = [("AWS_REGION", "eu-west-1"), (BUCKET, "rootwatch-reports-111122223333")];
        let least = least.into_iter().filter(|(name, _)| !variables.iter().any(|(other, _)| name == other));
        let all = least.chain(variables.iter().copied());
        Settings::read(all.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn a_bucket_is_all_that_is_needed() {
        let expected = Settings {
            bucket: "rootwatch-reports-111122223333".into(),
            exports: Vec::new(),
            security_hub: false,
            retention: SignedDuration::from_hours(24 * 400),
            object_lock: None,
            refused: Vec::new(),
        };
        assert_eq!(read(&[]), Ok(expected.clone()));
        let empty = [(EXPORTS, ""), (SECURITY_HUB, ""), (RETENTION_DAYS, ""), (OBJECT_LOCK_DAYS, "")];
        assert_eq!(read(&empty), Ok(expected.clone()), "CloudFormation cannot leave a variable out");
        assert_eq!(read(&[(SECURITY_HUB, "no"), (OBJECT_LOCK_DAYS, "0")]), Ok(expected), "as in the template");
    }

    #[test]
    fn what_else_is_made_is_chosen() {
        let settings = read(&[(EXPORTS, "junit, csv,csv"), (SECURITY_HUB, "yes"), (OBJECT_LOCK_DAYS, "3650")]).unwrap();
        assert_eq!(settings.exports, [Format::Csv, Format::Junit], "each once");
        assert!(settings.security_hub);
        assert_eq!(settings.object_lock, Some(SignedDuration::from_hours(24 * 3_650)));
        assert_eq!(read(&[(RETENTION_DAYS, "30")]).unwrap().retention, SignedDuration::from_hours(24 * 30));
    }

    #[test]
    fn every_fault_is_named_and_stops_nothing_but_without_a_bucket() {
        let faulty = [
            (EXPORTS, "csv,pdf,xls"),
            (SECURITY_HUB, "maybe"),
            (RETENTION_DAYS, "29"),
            (OBJECT_LOCK_DAYS, "3651"),
            ("ROOTWATCH_TABLE", "rootwatch"),
        ];
        let refused = [
            "Exports, entry 2: an export is csv, ocsf or junit, not `pdf`",
            "Exports, entry 3: an export is csv, ocsf or junit, not `xls`",
            "SecurityHub: yes or no is accepted, not `maybe`; no is in force",
            "ReportRetentionDays: a number from 30 to 3650 is accepted, not `29`; 400 is in force",
            "ReportLockDays: a number from 0 to 3650 is accepted, not `3651`; 0 is in force",
            "ROOTWATCH_TABLE: is not known, and does nothing",
        ];
        let settings = read(&faulty).unwrap();
        assert_eq!(settings.refused.iter().map(ToString::to_string).collect::<Vec<_>>(), refused);
        assert_eq!(settings.exports, [Format::Csv], "what can be read is made");
        let bucketless: Vec<_> = faulty.into_iter().chain([(BUCKET, "Reports")]).collect();
        let faults = read(&bucketless).unwrap_err().faults;
        let bucket = "ROOTWATCH_REPORT_BUCKET is not the name of a bucket: `Reports`";
        assert_eq!((faults[0].as_str(), &faults[1..]), (bucket, &refused.map(str::to_owned)[..]));
        assert_eq!(read(&[(BUCKET, "")]).unwrap_err().faults, ["ROOTWATCH_REPORT_BUCKET is missing"]);
    }

    #[test]
    fn a_buckets_name_keeps_the_rules_of_s3() {
        for name in ["abc", "a.b-c", "1-2", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in [
            "ab",
            &"a".repeat(64),
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "a_b",
            "Abc",
            "a/b",
            "äbc",
            "192.168.5.4",
            "xn--abc",
            "sthree-abc",
            "abc-s3alias",
            "abc--x-s3",
        ] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }
}
