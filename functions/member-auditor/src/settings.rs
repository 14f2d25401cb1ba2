//! The function's environment.

use alerts::{Policy, Rhythm};
use aws::organization::MemberRole;
use checklist::Refused;
use facts::Partition;
use function::{Environment, SettingsError};
use jiff::SignedDuration;
use members::Access;

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
    /// What changes verdicts on root's credentials.
    pub checklist: checklist::Settings,
    /// How members are read whole; `None`: root's credentials alone are read.
    pub whole: Option<Whole>,
    /// What was set and cannot be read: it is logged. The checker has the settings that are not of the organization alone, and reports those.
    pub refused: Vec<Refused>,
}

/// How a member is read whole, by a role of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The role.
    pub role: MemberRole,
    /// What changes verdicts.
    pub checklist: checklist::Settings,
    /// Regions to scan for root's events, beside those that record sign-ins; `None`: every enabled Region.
    pub regions: Option<Vec<String>>,
}

impl Settings {
    /// Reads the variables that begin with `ROOTWATCH_`, and `AWS_REGION`.
    ///
    /// # Errors
    /// Without a bucket or a Region nothing can be done: all faults at once.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut environment = Environment::new(variables);
        let limits = environment.limits();
        let whole = whole(&mut environment, &limits);
        let settings = Self {
            partition: environment.partition(),
            table: environment.table("ROOTWATCH_TABLE"),
            bucket: environment.needed("ROOTWATCH_REPORT_BUCKET"),
            policy: Policy { digest: Rhythm::Never, outage: SignedDuration::MAX, ..environment.policy() },
            checklist: checklist::Settings {
                selection: if whole.is_some() { members::root_selection() } else { selection() },
                ..limits
            },
            whole,
            refused: Vec::new(),
        };
        let (settings, refused) = environment.finish(settings)?;
        Ok(Self { refused, ..settings })
    }
}

fn whole(environment: &mut Environment, limits: &checklist::Settings) -> Option<Whole> {
    let access = environment.parsed("ROOTWATCH_MEMBER_ACCESS", Access::default());
    let (name, organization) = match access {
        Access::RootAudit => return None,
        Access::Role => {
            (environment.needed("ROOTWATCH_MEMBER_ROLE"), environment.organization("ROOTWATCH_ORGANIZATION_ID"))
        }
        // The template gives both with either role.
        Access::OrganizationRole => {
            let taken = ["ROOTWATCH_MEMBER_ROLE", "ROOTWATCH_ORGANIZATION_ID"].map(|name| environment.take(name));
            let [name, organization] = taken.map(Option::unwrap_or_default);
            (name, organization)
        }
    };
    let checklist = checklist::Settings { selection: members::deep_selection(), ..limits.clone() };
    let regions = environment.regions("ROOTWATCH_REGIONS");
    MemberRole::of(access, &name, &organization).map(|role| Whole { role, checklist, regions })
}

/// Without a role no other look sees what root's credentials do not show.
fn selection() -> checklist::Selection {
    let audit = members::root_selection();
    checklist::Selection::default().without(audit.not_chosen()).0
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
    fn with_a_role_a_member_is_evaluated_by_all_controls_and_root_alone_leaves_those_alone() {
        let role = [("ROOTWATCH_MEMBER_ROLE", "guard-member"), ("ROOTWATCH_ORGANIZATION_ID", "o-exampleorg1")];
        let chosen = [
            ("ROOTWATCH_MEMBER_ACCESS", "role"),
            ("ROOTWATCH_ROOT_UNUSED_DAYS", "7"),
            ("ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS", "30"),
            ("ROOTWATCH_REGIONS", "eu-west-1"),
        ];
        let settings = read(&[&role[..], &chosen].concat()).unwrap();
        let whole = settings.whole.unwrap();
        assert_eq!(whole.role, MemberRole::Own { name: "guard-member".into(), external_id: "o-exampleorg1".into() });
        assert_eq!((whole.checklist.root_unused_days, whole.checklist.access_key_max_age_days), (7, 30));
        assert_eq!(whole.regions, Some(vec!["eu-west-1".into()]));
        assert!(whole.checklist.selection.controls().any(|control| control.id == "password-policy"));
        assert!(settings.checklist.selection.leaves_alone("password-policy"), "a look at root resolves none of it");
        let settings = read(&[&role[..], &[("ROOTWATCH_MEMBER_ACCESS", "organization-role")]].concat()).unwrap();
        assert_eq!(settings.whole.unwrap().role, MemberRole::Organization);
        assert!(settings.refused.is_empty(), "{:?}", settings.refused);
    }

    #[test]
    fn a_role_needs_its_name_and_what_is_no_access_is_root_audit() {
        assert_eq!(read(&[("ROOTWATCH_MEMBER_ACCESS", "role")]).unwrap_err().faults.len(), 2);
        let settings = read(&[("ROOTWATCH_MEMBER_ACCESS", "admin")]).unwrap();
        assert!(settings.whole.is_none() && settings.refused[0].to_string().starts_with("MemberAccess: "));
        assert!(!settings.checklist.selection.leaves_alone("password-policy"));
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
