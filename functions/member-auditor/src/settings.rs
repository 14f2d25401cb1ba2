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
    /// What was set and cannot be read: it is logged. The checker has the settings that are not of the organization alone, and reports those.
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
            policy: Policy { digest: Rhythm::Never, outage: SignedDuration::MAX, ..environment.policy() },
            checklist: checklist::Settings {
                root_unused_days: environment.number("ROOTWATCH_ROOT_UNUSED_DAYS", 1..=365, defaults.root_unused_days),
                selection: selection(),
                ..defaults
            },
            refused: Vec::new(),
        };
        let (settings, refused) = environment.finish(settings)?;
        Ok(Self { refused, ..settings })
    }
}

/// No parameter states something about a single member yet, so that its attestations would be missing for ever.
fn selection() -> checklist::Selection {
    let audit = checklist::Selection::of_root_audit();
    let left_out: Vec<&str> = audit.not_chosen().chain(["root-credentials-attested"]).collect();
    checklist::Selection::default().without(left_out).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let valid =
            [("AWS_REGION", "eu-west-1"), ("ROOTWATCH_TABLE", "rootwatch"), ("ROOTWATCH_REPORT_BUCKET", "reports")];
        let variables = std::collections::BTreeMap::from_iter(valid.iter().chain(changes).copied());
        Settings::read(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn a_member_is_evaluated_by_roots_credentials_alone_and_has_no_digest_and_no_outage() {
        let settings = read(&[("ROOTWATCH_ROOT_UNUSED_DAYS", "7"), ("ROOTWATCH_REMINDER_HOURS", "48")]).unwrap();
        let controls: Vec<&str> = settings.checklist.selection.controls().map(|control| control.id).collect();
        let expected =
            ["root-access-keys", "root-signing-certificates", "root-mfa", "root-hardware-mfa", "root-unused"];
        let mut sorted = (controls, expected.to_vec());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1);
        assert_eq!(
            (settings.checklist.root_unused_days, settings.policy.remind_others),
            (7, SignedDuration::from_hours(48))
        );
        assert_eq!((settings.policy.digest, settings.policy.outage), (Rhythm::Never, SignedDuration::MAX));
    }

    #[test]
    fn only_without_a_bucket_or_a_region_is_nothing_done() {
        assert_eq!(
            read(&[("ROOTWATCH_REPORT_BUCKET", "")]).unwrap_err().faults,
            ["ROOTWATCH_REPORT_BUCKET is missing"]
        );
        assert_eq!(read(&[("ROOTWATCH_DIGETS", "x")]).unwrap().refused.len(), 1);
    }
}
