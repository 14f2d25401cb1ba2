//! The function's environment.

use aws::storage::report_link::KEY;
use checklist::Refused;
use facts::Partition;
use facts::relay::Own;
use function::{Environment, SettingsError};
use messages::Links;

/// What the owner of the account chose, from the parameters of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Partition of the Region that the function runs in.
    pub partition: Partition,
    /// Where alerts are sent.
    pub topic_arn: String,
    /// The ledger's table.
    pub table: String,
    /// The functions of this stack that pass messages on.
    pub relays: Own,
    /// What names of this stack's own resources begin with, first those of its rules.
    pub own: Vec<String>,
    /// The canaries of this stack; `None`: it has no name, and so none.
    pub canaries: Option<Canaries>,
    /// ARN of the queue that events of member accounts come by; `None`: there are none.
    pub members: Option<String>,
    /// Regions that are scanned beside those that record sign-ins; `None`: every enabled one.
    pub regions: Option<Vec<String>>,
    /// Where people find the runbook.
    pub runbook: String,
    /// Console addresses of report and dashboard.
    pub links: Links,
    /// What was set and cannot be read. The checker shares these settings, and reports it.
    pub refused: Vec<Refused>,
}

/// What is a canary of this stack: anybody may put an event of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canaries {
    /// For whom they are: this stack in its home Region.
    pub addressee: String,
    /// Where they are put.
    pub regions: Vec<String>,
}

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// Without a topic or a Region nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut environment = Environment::new(variables);
        let (own, report_bucket) = (environment.own(), environment.take("ROOTWATCH_REPORT_BUCKET"));
        let settings = Self {
            partition: environment.partition(),
            topic_arn: environment.topic_arn("ROOTWATCH_TOPIC_ARN"),
            table: environment.table("ROOTWATCH_TABLE"),
            relays: environment.relays("ROOTWATCH_NOTIFIERS", &own),
            canaries: None,
            links: environment.links(report_bucket.as_deref().map(|bucket| (bucket, KEY)), &own),
            own,
            members: environment.take("ROOTWATCH_ORGANIZATION_QUEUE_ARN"),
            regions: environment.regions("ROOTWATCH_REGIONS"),
            runbook: environment.runbook("ROOTWATCH_RUNBOOK_URL"),
            refused: Vec::new(),
        };
        let home = environment.region().to_owned();
        let mut regions = environment.regions_among("ROOTWATCH_FORWARD_REGIONS");
        regions.push(home.clone());
        let (settings, refused) = environment.finish(settings)?;
        let canaries = settings
            .own
            .first()
            .map(|name| Canaries { addressee: aws::sources::watch::addressee(&home, name), regions });
        Ok(Self { canaries, refused, ..settings })
    }

    /// Whether the checker scans `region`, so that what is not urgent there is sent by it.
    pub(crate) fn is_swept(&self, region: &str) -> bool {
        self.partition.sign_in_regions().contains(&region)
            || self.regions.as_ref().is_none_or(|regions| regions.iter().any(|scanned| scanned == region))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let valid = [
            ("AWS_REGION", "eu-west-1"),
            ("ROOTWATCH_TABLE", "rootwatch"),
            ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
        ];
        let variables = std::collections::BTreeMap::from_iter(valid.iter().chain(changes).copied());
        Settings::read(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn every_choice_is_read_and_what_cannot_be_read_stops_nothing_but_without_a_topic() {
        let settings = read(&[
            ("ROOTWATCH_STACK", "rootwatch"),
            ("ROOTWATCH_REGIONS", "eu-west-1"),
            ("ROOTWATCH_FORWARD_REGIONS", "us-east-1,nowhere"),
            ("ROOTWATCH_ORGANIZATION_QUEUE_ARN", "arn:aws:sqs:eu-west-1:111122223333:members"),
            ("ROOTWATCH_RUNBOOK_URL", "https://wiki.example/runbook"),
        ])
        .unwrap();
        assert_eq!(settings.own, ["rootwatch"]);
        assert_eq!(settings.members.as_deref(), Some("arn:aws:sqs:eu-west-1:111122223333:members"));
        let canaries = settings.canaries.unwrap();
        assert_eq!(canaries.addressee, "eu-west-1/rootwatch");
        assert_eq!(canaries.regions, ["us-east-1", "eu-west-1"], "those that are forwarded from, and home");
        assert_eq!(settings.regions.unwrap(), ["eu-west-1"]);
        assert_eq!(settings.runbook, "https://wiki.example/runbook");
        let faulty =
            [("ROOTWATCH_TABLE", ""), ("ROOTWATCH_DIGEST", "daily"), ("ROOTWATCH_REGIONS", "eu-west-1,nowhere")];
        let settings = read(&faulty).unwrap();
        let refused = [
            "ROOTWATCH_TABLE: is missing: nothing is remembered",
            "Regions: `nowhere` is not a Region code of partition aws; every Region counts",
            "ROOTWATCH_DIGEST: is not known, and does nothing",
        ];
        assert_eq!(settings.refused.iter().map(ToString::to_string).collect::<Vec<_>>(), refused);
        assert!(settings.is_swept("ap-south-1"), "as the checker has it");
        let topicless: Vec<_> = faulty.into_iter().chain([("ROOTWATCH_TOPIC_ARN", "")]).collect();
        let faults = read(&topicless).unwrap_err().faults;
        assert_eq!(
            (faults[0].as_str(), &faults[1..]),
            ("ROOTWATCH_TOPIC_ARN is missing", &refused.map(str::to_owned)[..])
        );
    }

    #[test]
    fn regions_that_record_sign_ins_are_always_swept_others_unless_the_list_leaves_them_out() {
        let all = read(&[]).unwrap();
        assert!(all.is_swept("ap-south-1"));
        let some = read(&[("ROOTWATCH_REGIONS", "eu-west-1")]).unwrap();
        assert!(some.is_swept("eu-west-1") && some.is_swept("us-west-2") && !some.is_swept("ap-south-1"));
    }
}
