//! The function's environment.

use alerts::Policy;
use checklist::Refused;
use facts::Partition;
use facts::relay::Own;
use function::{Environment, SettingsError};
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
    /// The functions of this stack that pass messages on.
    pub relays: Own,
    /// When reminders and the digest are sent.
    pub policy: Policy,
    /// Where people find the runbook.
    pub runbook: String,
    /// Console addresses of report and dashboard.
    pub links: Links,
    /// What was set and cannot be read.
    pub refused: Vec<Refused>,
}

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// Without an organization, a bucket, a topic or a Region nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut environment = Environment::new(variables);
        let stack = environment.take("ROOTWATCH_STACK");
        let settings = Self {
            partition: environment.partition(),
            organization: environment.organization("ROOTWATCH_ORGANIZATION_ID"),
            topic_arn: environment.topic_arn("ROOTWATCH_TOPIC_ARN"),
            table: environment.table("ROOTWATCH_TABLE"),
            bucket: environment.needed("ROOTWATCH_REPORT_BUCKET"),
            concurrency: environment.number("ROOTWATCH_AUDIT_CONCURRENCY", 1..=MOST_CONCURRENT, CONCURRENT),
            relays: environment.own("ROOTWATCH_NOTIFIERS", stack.as_deref()),
            policy: environment.policy(),
            runbook: environment.runbook("ROOTWATCH_RUNBOOK_URL"),
            links: environment.links(None, stack.as_deref()),
            refused: Vec::new(),
        };
        let (settings, refused) = environment.finish(settings)?;
        Ok(Self { refused, ..settings })
    }
}
