//! The function's environment: where messages go.

use std::net::SocketAddr;

use checklist::Refused;
use facts::text::bounded;
use function::{Environment, SettingsError};

use crate::routes::Routes;

/// Where messages go, and where it is noted that they arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where messages go.
    pub target: Target,
    /// The ledger's table. Without it, or when its name is none, messages are passed on all the same.
    pub table: Option<String>,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To an incoming webhook of Slack.
    Webhook {
        /// Name of the parameter that holds its URL.
        parameter: String,
        /// A host with its port that may be reached over plain HTTP; a loopback address, for tests.
        test_host: Option<String>,
    },
    /// To one such webhook for each route of an organization.
    Routes {
        /// Which topic leads to which webhook.
        routes: Routes,
        /// As above.
        test_host: Option<String>,
    },
    /// To Amazon Q Developer in chat applications.
    Chat {
        /// The topic that it is subscribed to.
        topic_arn: String,
    },
}

const PARAMETER: &str = "ROOTWATCH_WEBHOOK_PARAMETER";
const ROUTES: &str = "ROOTWATCH_ROUTE_WEBHOOKS";
const TEST_HOST: &str = "ROOTWATCH_WEBHOOK_TEST_HOST";
const CHAT: &str = "ROOTWATCH_CHAT_TOPIC_ARN";
const TABLE: &str = "ROOTWATCH_TABLE";
/// Each leads elsewhere.
const TARGETS: [&str; 3] = [PARAMETER, ROUTES, CHAT];

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// Without anywhere to pass messages on to nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<(Self, Vec<Refused>), SettingsError> {
        let variables: Vec<(String, String)> = variables.into_iter().collect();
        let is_set = |wanted: &str| variables.iter().any(|(name, value)| name == wanted && !value.trim().is_empty());
        let set: Vec<&str> = TARGETS.into_iter().filter(|target| is_set(target)).collect();
        let mut environment = Environment::new(variables);
        if set.len() != 1 {
            environment.hinder(PARAMETER, format!("or {ROUTES} or {CHAT} is needed, and only one of them"));
        }
        let parameter = environment.take(PARAMETER).unwrap_or_default();
        if set.contains(&PARAMETER) && !is_parameter_name(&parameter) {
            environment.hinder(PARAMETER, format!("is not the name of an SSM parameter: `{}`", bounded(&parameter)));
        }
        let prefix = environment.take(ROUTES).unwrap_or_default();
        let routes = Routes::parse(&prefix);
        if set.contains(&ROUTES) && routes.is_none() {
            environment.hinder(ROUTES, format!("is not /<stack>/routes/: `{}`", bounded(&prefix)));
        }
        let is_loopback = |host: &String| host.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
        let test_host = match environment.take(TEST_HOST) {
            Some(host) if !is_loopback(&host) => {
                environment.refuse(TEST_HOST, "is not a loopback address with a port; it is left out");
                None
            }
            host => host,
        };
        let table = environment.take(TABLE);
        if set.contains(&CHAT) {
            let topic_arn = environment.topic_arn(CHAT);
            return environment.finish(Self { target: Target::Chat { topic_arn }, table });
        }
        // It may be set and empty.
        environment.take(CHAT);
        let target = match routes {
            Some(routes) => Target::Routes { routes, test_host },
            None => Target::Webhook { parameter, test_host },
        };
        environment.finish(Self { target, table })
    }
}

/// A plain name, or a path that begins with `/`
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>).
fn is_parameter_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let parts: Vec<&str> = name.strip_prefix('/').map_or_else(|| vec![name], |path| path.split('/').collect());
    name.len() <= 1_011 && parts.len() <= 15 && parts.into_iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<(Settings, Vec<Refused>), SettingsError> {
        let all = [("AWS_REGION", "eu-west-1")].iter().chain(variables);
        Settings::read(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:chat";
    const PREFIX: &str = "/rootwatch/routes/";

    #[test]
    fn a_webhook_or_routes_or_a_topic_is_read_and_an_empty_variable_is_an_unset_one() {
        for name in ["slack-webhook", "/rootwatch/slack-webhook"] {
            let settings = read(&[(PARAMETER, name), (ROUTES, ""), (CHAT, "")]).unwrap();
            let target = Target::Webhook { parameter: name.into(), test_host: None };
            assert_eq!(settings, (Settings { target, table: None }, Vec::new()));
        }
        let settings = read(&[(PARAMETER, " "), (ROUTES, PREFIX), (CHAT, ""), (TEST_HOST, "127.0.0.1:80")]).unwrap();
        let routes = Routes::parse(PREFIX).unwrap();
        let target = Target::Routes { routes, test_host: Some("127.0.0.1:80".into()) };
        assert_eq!(settings, (Settings { target, table: None }, Vec::new()));
        let settings = read(&[(PARAMETER, " "), (ROUTES, " "), (CHAT, TOPIC), (TABLE, "rootwatch")]).unwrap();
        let target = Target::Chat { topic_arn: TOPIC.into() };
        assert_eq!(settings, (Settings { target, table: Some("rootwatch".into()) }, Vec::new()));
    }

    #[test]
    fn cf_1_none_or_more_than_one_is_a_fault_and_every_fault_is_named() {
        let needed = "ROOTWATCH_WEBHOOK_PARAMETER or ROOTWATCH_ROUTE_WEBHOOKS or ROOTWATCH_CHAT_TOPIC_ARN is needed, and only one of them";
        let [webhook, routes, chat] = [(PARAMETER, "x"), (ROUTES, PREFIX), (CHAT, TOPIC)];
        for set in [&[][..], &[webhook, chat], &[webhook, routes], &[routes, chat], &[webhook, routes, chat]] {
            assert_eq!(read(set).unwrap_err().faults, [needed], "{set:?}");
        }
        assert_eq!(
            read(&[webhook, (ROUTES, "/routes/"), (CHAT, "arn")]).unwrap_err().faults,
            [
                needed,
                "ROOTWATCH_ROUTE_WEBHOOKS is not /<stack>/routes/: `/routes/`",
                "ROOTWATCH_CHAT_TOPIC_ARN is not the ARN of an SNS topic: `arn`",
            ]
        );
        let faults = read(&[(PARAMETER, "a b"), (TEST_HOST, "evil.example:80"), ("ROOTWATCH_TYPO", "1")]).unwrap_err();
        assert_eq!(
            faults.faults,
            [
                "ROOTWATCH_WEBHOOK_PARAMETER is not the name of an SSM parameter: `a b`",
                "ROOTWATCH_WEBHOOK_TEST_HOST: is not a loopback address with a port; it is left out",
                "ROOTWATCH_TYPO: is not known, and does nothing",
            ]
        );
        let (settings, refused) = read(&[(PARAMETER, "x"), ("ROOTWATCH_TYPO", "1")]).unwrap();
        assert_eq!(settings.target, Target::Webhook { parameter: "x".into(), test_host: None });
        assert_eq!(refused.len(), 1, "it stops nothing");
        assert_eq!(
            read(&[(CHAT, "arn")]).unwrap_err().faults,
            ["ROOTWATCH_CHAT_TOPIC_ARN is not the ARN of an SNS topic: `arn`"]
        );
    }

    #[test]
    fn sl_5_a_test_host_is_on_this_machine_and_nowhere_else() {
        for host in ["127.0.0.1:80", "[::1]:80"] {
            assert!(read(&[(PARAMETER, "x"), (TEST_HOST, host)]).unwrap().1.is_empty(), "{host}");
        }
        for host in
            ["127.0.0.1", "localhost:80", "169.254.169.254:80", "10.0.0.1:80", "0.0.0.0:80", "[::ffff:10.0.0.1]:80"]
        {
            let (settings, refused) = read(&[(PARAMETER, "x"), (TEST_HOST, host)]).unwrap();
            assert_eq!(settings.target, Target::Webhook { parameter: "x".into(), test_host: None }, "{host}");
            assert_eq!(refused.len(), 1, "{host}");
        }
    }

    #[test]
    fn a_parameter_has_a_plain_name_or_a_path_that_begins_with_a_slash() {
        for name in ["a/b", "/", "//a", "/a/", "/a//b", "a*", "arn:aws:ssm:eu-west-1:111122223333:parameter/x", "é"] {
            assert!(!is_parameter_name(name), "{name}");
        }
    }
}
