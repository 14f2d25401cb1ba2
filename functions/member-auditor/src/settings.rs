//! The function's environment.

use alerts::{Policy, Rhythm};
use checklist::Refused;
use facts::Partition;
use function::{Environment, SettingsError};
use jiff::SignedDuration;

/// What the owner of the organization chose, from the parameters of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Partition of the Region that the function runs in.
    pub partition: Partition,
    /// The ledger's table.
    pub table: String,
    /// Where rows are kept.
    pub bucket: String,
    /// When reminders are sent. An account has no digest and no outage of its own: those are the organization's.
    pub policy: Policy,
    /// What changes verdicts.
    pub checklist: checklist::Settings,
    /// What was set and cannot be read; the function organization reports it.
    pub refused: Vec<Refused>,
}

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// Without a bucket or a Region nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut environment = Environment::new(variables);
        let defaults = checklist::Settings::default();
        let settings = Self {
            partition: environment.partition(),
            table: environment.table("ROOTWATCH_TABLE"),
            bucket: environment.needed("ROOTWATCH_REPORT_BUCKET"),
            policy: Policy {
                digest: Rhythm::Never,
                outage: SignedDuration::MAX,
                ..environment.policy()
            },
            checklist: checklist::Settings {
                root_unused_days: environment.number("ROOTWATCH_ROOT_UNUSED_DAYS", 1..=365, defaults.root_unused_days),
                selection: checklist::Selection::of_root_audit(),
                ..defaults
            },
            refused: Vec::new(),
        };
        let (settings, refused) = environment.finish(settings)?;
        Ok(Self { refused, ..settings })
    }
}
