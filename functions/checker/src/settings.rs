//! The function's environment: read once, as strings. A fault in it never stops monitoring.

use alerts::Policy;
use aws::sources::watch::Names;
use aws::storage::report_link::KEY;
use facts::Partition;
use facts::relay::Own;
use function::{Environment, SettingsError, is_https};
use jiff::Timestamp;
use messages::Links;

use crate::request::MAX_LOOKBACK_HOURS;

/// What the owner of the account chose, from the parameters of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Partition of the Region that the function runs in.
    pub partition: Partition,
    /// Where alerts are sent.
    pub topic_arn: String,
    /// How far back root's events are looked up, 1 to 2160 hours.
    pub lookback_hours: u16,
    /// Regions to scan beside those that record sign-ins; `None`: every enabled one.
    pub regions: Option<Vec<String>>,
    /// What wakes the function; `None` where it does not know the names of both rules and schedule.
    pub watch: Option<Names>,
    /// The ledger's table.
    pub table: String,
    /// The functions of this stack that pass messages on.
    pub relays: Own,
    /// What names of this stack's own resources begin with, first those of its rules.
    pub own: Vec<String>,
    /// When reminders and the digest are sent.
    pub policy: Policy,
    /// Called after each complete run. A secret: anyone who knows it can fake a heartbeat.
    pub heartbeat_url: Option<HeartbeatUrl>,
    /// Where people find the runbook.
    pub runbook: String,
    /// Where the reporter keeps reports; `None`: reports are not kept, or messages have no link.
    pub report_bucket: Option<String>,
    /// Console addresses of report and dashboard.
    pub links: Links,
    /// What changes verdicts.
    pub checklist: checklist::Settings,
}

/// The address of a watcher outside the account; stays out of the log.
#[derive(Clone, PartialEq, Eq)]
pub struct HeartbeatUrl(pub String);

impl std::fmt::Debug for HeartbeatUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeartbeatUrl(..)")
    }
}

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`. Exceptions are held against `now`.
    ///
    /// # Errors
    /// Without a topic or a Region nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>, now: Timestamp) -> Result<Self, SettingsError> {
        let mut environment = Environment::new(variables);
        let (own, report_bucket) = (environment.own(), environment.take("ROOTWATCH_REPORT_BUCKET"));
        let settings = Self {
            partition: environment.partition(),
            topic_arn: environment.topic_arn("ROOTWATCH_TOPIC_ARN"),
            lookback_hours: environment.number("ROOTWATCH_LOOKBACK_HOURS", 1..=MAX_LOOKBACK_HOURS, 24),
            regions: environment.regions("ROOTWATCH_REGIONS"),
            watch: watch(&mut environment),
            table: environment.table("ROOTWATCH_TABLE"),
            relays: environment.relays("ROOTWATCH_NOTIFIERS", &own),
            links: environment.links(report_bucket.as_deref().map(|bucket| (bucket, KEY)), &own),
            own,
            policy: environment.policy(),
            heartbeat_url: heartbeat_url(&mut environment),
            runbook: environment.runbook("ROOTWATCH_RUNBOOK_URL"),
            report_bucket,
            checklist: environment.checklist(now),
        };
        let (mut settings, refused) = environment.finish(settings)?;
        settings.checklist.refused = refused;
        Ok(settings)
    }
}

/// The rules stand in the function's own Region, and in those that forward to it.
fn watch(environment: &mut Environment) -> Option<Names> {
    let name = "ROOTWATCH_SCHEDULE";
    let mut schedules = environment.names(name);
    if schedules.len() > 1 {
        environment.refuse(name, "one name is accepted; the first is taken");
        schedules.truncate(1);
    }
    let rules = environment.names("ROOTWATCH_RULES");
    let mut regions = vec![environment.region().to_owned()];
    for region in environment.regions_among("ROOTWATCH_FORWARD_REGIONS") {
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    let (queue, forwarder) =
        (environment.take("ROOTWATCH_QUEUE_ARN"), environment.take("ROOTWATCH_FORWARDER_ROLE_ARN"));
    let schedule = schedules.pop()?;
    (!rules.is_empty()).then_some(Names { schedule, rules, regions, queue, forwarder })
}

/// The value stays out of the fault.
fn heartbeat_url(environment: &mut Environment) -> Option<HeartbeatUrl> {
    let name = "ROOTWATCH_HEARTBEAT_URL";
    let url = environment.take(name)?;
    if is_https(&url) || url.starts_with("http://127.0.0.1:") {
        return Some(HeartbeatUrl(url));
    }
    environment.refuse(name, "is not an https:// URL; no heartbeat is sent");
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use alerts::Rhythm;
    use checklist::Selection;
    use checklist::password_profile::PasswordPolicyProfile;
    use jiff::SignedDuration;

    use super::*;

    pub(crate) fn valid() -> Vec<(String, String)> {
        with(&[])
    }

    fn with(changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut variables = BTreeMap::from([
            ("AWS_REGION", "eu-west-1"),
            ("PATH", "/bin"),
            ("ROOTWATCH_TABLE", "rootwatch"),
            ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
        ]);
        variables.extend(changes.iter().copied());
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn faults(changes: &[(&str, &str)]) -> Vec<String> {
        read(changes).unwrap_err().faults
    }

    /// What is refused, with the settings that are in force all the same.
    fn refused(changes: &[(&str, &str)]) -> (Settings, Vec<String>) {
        let settings = read(changes).unwrap();
        let refused = settings.checklist.refused.iter().map(ToString::to_string).collect();
        (settings, refused)
    }

    fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(with(changes), "2026-11-20T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn only_topic_and_table_are_needed_and_an_empty_variable_is_an_unset_one() {
        let expected = Settings {
            partition: Partition::Aws,
            topic_arn: "arn:aws:sns:eu-west-1:111122223333:rootwatch".into(),
            lookback_hours: 24,
            regions: None,
            watch: None,
            table: "rootwatch".into(),
            relays: Own::default(),
            own: Vec::new(),
            policy: Policy::default(),
            heartbeat_url: None,
            runbook: messages::RUNBOOK.into(),
            report_bucket: None,
            links: Links::default(),
            checklist: checklist::Settings::default(),
        };
        assert_eq!(read(&[]), Ok(expected.clone()));
        assert_eq!(read(&[("ROOTWATCH_REGIONS", ""), ("ROOTWATCH_LOOKBACK_HOURS", " ")]), Ok(expected));
    }

    #[test]
    fn every_choice_is_read() {
        let settings = read(&[
            ("ROOTWATCH_LOOKBACK_HOURS", "2160"),
            ("ROOTWATCH_REGIONS", "eu-west-1, ap-south-2"),
            ("ROOTWATCH_PASSWORD_POLICY_PROFILE", "nist"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "365"),
            ("ROOTWATCH_CONTROLS", "five-steps"),
            ("ROOTWATCH_DISABLED_CONTROLS", "root-mfa, alert-path"),
            ("ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS", "30"),
            ("ROOTWATCH_UNUSED_CREDENTIALS_DAYS", "60"),
            ("ROOTWATCH_ALLOWED_REGIONS", "ap-east-1,eu-south-2"),
            ("ROOTWATCH_REMINDER_HOURS_CRITICAL", "1"),
            ("ROOTWATCH_REMINDER_HOURS", "720"),
            ("ROOTWATCH_DIGEST", "never"),
            ("ROOTWATCH_RUNBOOK_URL", "https://wiki.example/runbook"),
            ("ROOTWATCH_NOTIFIERS", "rootwatch-SlackNotifier-1,rootwatch-ChatNotifier-2"),
            ("ROOTWATCH_REPORT_BUCKET", "rootwatch-reports"),
            ("ROOTWATCH_HEARTBEAT_URL", "https://watcher.example/ping/secret"),
            (
                "ROOTWATCH_EXCEPTIONS",
                r#"[{"control": "root-unused", "reason": "set-up", "owner": "alice", "until": "2026-12-01"}]"#,
            ),
            ("ROOTWATCH_ATTESTATIONS", r#"[{"statement": "contacts-reviewed", "by": "alice", "on": "2026-11-01"}]"#),
        ])
        .unwrap();
        assert_eq!(settings.policy.remind_critical, SignedDuration::from_hours(1));
        assert_eq!(settings.policy.remind_others, SignedDuration::from_hours(720));
        assert_eq!(settings.policy.digest, Rhythm::Never);
        assert!(!format!("{settings:?}").contains("secret"), "a secret stays out of the log");
        assert_eq!(settings.heartbeat_url.unwrap().0, "https://watcher.example/ping/secret");
        assert_eq!(settings.runbook, "https://wiki.example/runbook");
        assert_eq!(settings.report_bucket.as_deref(), Some("rootwatch-reports"));
        let declarations = settings.checklist.declarations;
        assert_eq!((declarations.exceptions.len(), declarations.attestations.len()), (1, 1));
        assert_eq!(settings.relays.names, ["rootwatch-SlackNotifier-1", "rootwatch-ChatNotifier-2"]);
        assert_eq!(settings.lookback_hours, 2160);
        assert_eq!(settings.regions.unwrap(), ["eu-west-1", "ap-south-2"]);
        assert_eq!(settings.checklist.password_policy_profile, PasswordPolicyProfile::Nist);
        assert_eq!(settings.checklist.root_unused_days, 365);
        assert_eq!((settings.checklist.access_key_max_age_days, settings.checklist.unused_credentials_days), (30, 60));
        assert_eq!(settings.checklist.allowed_regions, ["ap-east-1", "eu-south-2"]);
        let selection = settings.checklist.selection;
        assert!(selection.five_steps_only && selection.left_out == ["root-mfa", "alert-path"]);
    }

    #[test]
    fn the_schedule_and_the_rules_are_checked_when_the_function_knows_their_names() {
        let (schedule, rules) = (("ROOTWATCH_SCHEDULE", "rw-schedule"), ("ROOTWATCH_RULES", "rw-root, rw-tampering"));
        let names = |regions: &[&str]| Names {
            schedule: "rw-schedule".into(),
            rules: vec!["rw-root".into(), "rw-tampering".into()],
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            ..Names::default()
        };
        assert_eq!(read(&[schedule, rules]).unwrap().watch, Some(names(&["eu-west-1"])));
        let forwarding = ("ROOTWATCH_FORWARD_REGIONS", "us-east-1,eu-west-1, us-west-2,us-east-1");
        let expected = names(&["eu-west-1", "us-east-1", "us-west-2"]);
        assert_eq!(read(&[schedule, rules, forwarding]).unwrap().watch, Some(expected), "each Region once");
        let (queue, role) = (("ROOTWATCH_QUEUE_ARN", "arn:queue"), ("ROOTWATCH_FORWARDER_ROLE_ARN", "arn:role"));
        let watch = read(&[schedule, rules, queue, role]).unwrap().watch.unwrap();
        assert_eq!((watch.home(), watch.queue.as_deref()), ("eu-west-1", Some("arn:queue")));
        assert_eq!(watch.forwarder.as_deref(), Some("arn:role"));
        for alone in [&[schedule][..], &[rules], &[forwarding]] {
            assert_eq!(read(alone).unwrap().watch, None, "{alone:?}");
        }
    }

    #[test]
    fn cf_1_every_fault_is_named_and_the_watch_goes_on_with_what_is_safe() {
        let faulty = [
            ("ROOTWATCH_LOOKBACK_HOURS", "-1"),
            ("ROOTWATCH_REGIONS", "eu-west-1,evil.example"),
            ("ROOTWATCH_PASSWORD_POLICY_PROFILE", "weak"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "0"),
            ("ROOTWATCH_CONTROLS", "six-steps"),
            ("ROOTWATCH_DISABLED_CONTROLS", "root-mfa,root-mfs"),
            ("ROOTWATCH_ALLOWED_REGIONS", "everywhere"),
            ("ROOTWATCH_LOOKBACK", "1"),
            ("ROOTWATCH_SCHEDULE", "one,two"),
            ("ROOTWATCH_RULES", "rootwatch-root,a rule"),
            ("ROOTWATCH_FORWARD_REGIONS", "us-east-1.evil.example"),
            ("ROOTWATCH_TABLE", "a table"),
            ("ROOTWATCH_REMINDER_HOURS", "0"),
            ("ROOTWATCH_DIGEST", "hourly"),
            ("ROOTWATCH_HEARTBEAT_URL", "http://watcher.example/secret"),
            ("ROOTWATCH_RUNBOOK_URL", "javascript:alert(1)"),
            ("ROOTWATCH_EXCEPTIONS", r#"[{"control": "all", "until": "2036-01-01"}]"#),
            ("ROOTWATCH_ATTESTATIONS", "yes"),
        ];
        let (settings, refused) = refused(&faulty);
        insta::assert_snapshot!(refused.join("\n"));
        let safe = read(&[]).unwrap();
        let selection = Selection::default().without(["root-mfa"]).0;
        let rules = Names {
            schedule: "one".into(),
            rules: vec!["rootwatch-root".into()],
            regions: vec!["eu-west-1".into()],
            ..Names::default()
        };
        let checklist =
            checklist::Settings { selection, refused: settings.checklist.refused.clone(), ..safe.checklist };
        assert_eq!(settings, Settings { table: "a table".into(), watch: Some(rules), checklist, ..safe });

        let topicless = ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:rootwatch");
        let error = read(&faulty.into_iter().chain([topicless]).collect::<Vec<_>>()).unwrap_err();
        assert!(error.to_string().contains("nothing was done"));
        let topic = "ROOTWATCH_TOPIC_ARN is in Region us-east-1, the function in eu-west-1";
        assert_eq!((error.faults[0].as_str(), &error.faults[1..]), (topic, &refused[..]), "with all that is wrong");
    }

    #[test]
    fn cf_1_only_without_a_topic_or_a_region_is_nothing_done() {
        assert_eq!(faults(&[("ROOTWATCH_TOPIC_ARN", "")]), ["ROOTWATCH_TOPIC_ARN is missing"]);
        for arn in [
            "rootwatch",
            "arn:aws:sqs:eu-west-1:111122223333:x",
            "arn:aws:sns:eu-west-1:1:x",
            "arn:aws:sns:eu-west-1:111122223333:",
        ] {
            assert!(faults(&[("ROOTWATCH_TOPIC_ARN", arn)])[0].contains("is not the ARN of an SNS topic"), "{arn}");
        }
        let (settings, refused) = refused(&[("ROOTWATCH_TABLE", "")]);
        assert_eq!((settings.table.as_str(), refused.len()), ("", 1), "what is seen is sent without memory");
        assert!(faults(&[("AWS_REGION", "")]).contains(&"AWS_REGION is missing".to_owned()));
    }

    #[test]
    fn a_heartbeat_goes_over_https_and_its_address_stays_out_of_errors() {
        for url in [
            "http://watcher.example/secret",
            "https://",
            "https:///secret",
            "ftp://secret",
            "https://a b/secret",
            "secret",
        ] {
            let (settings, refused) = refused(&[("ROOTWATCH_HEARTBEAT_URL", url)]);
            assert_eq!(refused, ["HeartbeatUrl: is not an https:// URL; no heartbeat is sent"], "{url}");
            assert_eq!(settings.heartbeat_url, None);
        }
    }

    #[test]
    fn cf_2_numbers_are_bounded() {
        for (name, value) in [
            ("ROOTWATCH_LOOKBACK_HOURS", "0"),
            ("ROOTWATCH_LOOKBACK_HOURS", "2161"),
            ("ROOTWATCH_LOOKBACK_HOURS", "99999999"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "366"),
            ("ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS", "0"),
            ("ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS", "366"),
            ("ROOTWATCH_UNUSED_CREDENTIALS_DAYS", "0"),
            ("ROOTWATCH_UNUSED_CREDENTIALS_DAYS", "366"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "1.5"),
            ("ROOTWATCH_REMINDER_HOURS_CRITICAL", "0"),
            ("ROOTWATCH_REMINDER_HOURS_CRITICAL", "169"),
            ("ROOTWATCH_REMINDER_HOURS", "721"),
            ("ROOTWATCH_REMINDER_HOURS", "87600"),
        ] {
            let (settings, refused) = refused(&[(name, value)]);
            assert_eq!(refused.len(), 1, "{name}={value}");
            let checklist = checklist::Settings { refused: Vec::new(), ..settings.checklist };
            assert_eq!(
                Settings { checklist, ..settings },
                read(&[]).unwrap(),
                "{name}={value}: the default is in force"
            );
        }
    }
}
