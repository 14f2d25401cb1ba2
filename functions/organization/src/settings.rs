//! The function's environment.

use alerts::Policy;
use aws::organization::runs::PAGE;
use checklist::Refused;
use facts::Partition;
use facts::relay::Own;
use function::{Environment, SettingsError};
use members::Access;
use messages::Links;

/// Most batches that are audited at once; a new account's quota of concurrent executions is 10
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MOST_CONCURRENT: u16 = 1_000;
const CONCURRENT: u16 = 8;

/// What the owner of the organization chose, from the parameters of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Partition of the Region that the function runs in.
    pub partition: Partition,
    /// The organization, `o-…`.
    pub organization: String,
    /// Where messages are sent.
    pub topic_arn: String,
    /// The ledger's table.
    pub table: String,
    /// Where rows are kept.
    pub bucket: String,
    /// How many batches are audited at once.
    pub concurrency: u16,
    /// How members are entered.
    pub access: Access,
    /// Whether members forward events, which the function root-activity sends.
    pub forwards: bool,
    /// The functions of this stack that pass messages on.
    pub relays: Own,
    /// When reminders and the digest are sent.
    pub policy: Policy,
    /// Where people find the runbook.
    pub runbook: String,
    /// Console addresses of the organization's page and of the dashboard.
    pub links: Links,
    /// What was set and cannot be read: it is logged. The checker has the settings that are not of the organization alone, and reports those.
    pub refused: Vec<Refused>,
}

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// Without an organization, a bucket, a topic or a Region nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut environment = Environment::new(variables);
        let own = environment.own();
        let bucket = environment.needed("ROOTWATCH_REPORT_BUCKET");
        let settings = Self {
            partition: environment.partition(),
            organization: environment.organization("ROOTWATCH_ORGANIZATION_ID"),
            topic_arn: environment.topic_arn("ROOTWATCH_TOPIC_ARN"),
            table: environment.table("ROOTWATCH_TABLE"),
            concurrency: environment.number("ROOTWATCH_AUDIT_CONCURRENCY", 1..=MOST_CONCURRENT, CONCURRENT),
            access: environment.parsed("ROOTWATCH_MEMBER_ACCESS", Access::default()),
            forwards: environment.take("ROOTWATCH_MEMBER_FORWARD_REGIONS").is_some(),
            relays: environment.relays("ROOTWATCH_NOTIFIERS", &own),
            policy: environment.policy(),
            runbook: environment.runbook("ROOTWATCH_RUNBOOK_URL"),
            links: environment.links(Some((&bucket, PAGE)), &own),
            bucket,
            refused: Vec::new(),
        };
        let (settings, refused) = environment.finish(settings)?;
        Ok(Self { refused, ..settings })
    }

    /// The topic of a route, which its owner makes beside the main one: `<stack>-route-<name>`. `None`: the stack's name is not set.
    pub(crate) fn route_topic(&self, route: &str) -> Option<String> {
        let (beside, _) = self.topic_arn.rsplit_once(':')?;
        Some(format!("{beside}:{}-route-{route}", self.relays.stack.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let valid = [
            ("AWS_REGION", "eu-west-1"),
            ("ROOTWATCH_ORGANIZATION_ID", "o-exampleorg1"),
            ("ROOTWATCH_TABLE", "rootwatch"),
            ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
            ("ROOTWATCH_REPORT_BUCKET", "reports"),
        ];
        let variables = std::collections::BTreeMap::from_iter(valid.iter().chain(changes).copied());
        Settings::read(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn every_choice_is_read_and_what_cannot_be_read_stops_nothing() {
        let settings = read(&[("ROOTWATCH_AUDIT_CONCURRENCY", "40"), ("ROOTWATCH_DIGEST", "daily")]).unwrap();
        assert_eq!((settings.concurrency, settings.organization.as_str()), (40, "o-exampleorg1"));
        assert!(settings.refused.is_empty());
        assert!(
            settings
                .links
                .report
                .unwrap()
                .ends_with("/s3/object/reports?region=eu-west-1&prefix=organization/latest.html")
        );
        let settings = read(&[("ROOTWATCH_AUDIT_CONCURRENCY", "0"), ("ROOTWATCH_DIGETS", "x")]).unwrap();
        assert_eq!((settings.concurrency, settings.refused.len()), (CONCURRENT, 2));
        let access = |text| read(&[("ROOTWATCH_MEMBER_ACCESS", text)]).unwrap();
        assert_eq!([access("").access, access("role").access], [Access::RootAudit, Access::Role]);
        let forwards = |text| read(&[("ROOTWATCH_MEMBER_FORWARD_REGIONS", text)]).unwrap().forwards;
        assert_eq!([forwards(""), forwards("us-east-1,us-west-2")], [false, true]);
        assert_eq!((access("admin").access, access("admin").refused.len()), (Access::RootAudit, 1));
    }

    #[test]
    fn without_an_organization_a_bucket_or_a_topic_is_nothing_done() {
        for (name, value) in [
            ("ROOTWATCH_ORGANIZATION_ID", ""),
            ("ROOTWATCH_ORGANIZATION_ID", "exampleorg1"),
            ("ROOTWATCH_ORGANIZATION_ID", "o-SHORT"),
            ("ROOTWATCH_REPORT_BUCKET", ""),
            ("ROOTWATCH_TOPIC_ARN", ""),
        ] {
            let faults = read(&[(name, value)]).unwrap_err().faults;
            assert!(faults.len() == 1 && faults[0].starts_with(name), "{name}={value}: {faults:?}");
        }
    }
}
