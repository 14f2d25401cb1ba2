//! What the owner chose that every evaluation of an account shares: thresholds, selection, declarations; and when reminders are due.

use alerts::Policy;
use checklist::Selection;
use checklist::controls::ids;
use checklist::declarations::{Declarations, parse_attestations, parse_exceptions};
use facts::text;
use jiff::{SignedDuration, Timestamp};

use crate::Environment;

/// Ids that no control has, of those that are named.
const MAX_NAMED: usize = 5;

/// The variables of [`Environment::limits`].
pub const LIMITS: [&str; 5] = [
    "ROOTWATCH_PASSWORD_POLICY_PROFILE",
    "ROOTWATCH_ROOT_UNUSED_DAYS",
    "ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS",
    "ROOTWATCH_UNUSED_CREDENTIALS_DAYS",
    "ROOTWATCH_ALLOWED_REGIONS",
];

impl Environment {
    /// The limits by which the account of the stack and every member is evaluated, all else as by default.
    pub fn limits(&mut self) -> checklist::Settings {
        let defaults = checklist::Settings::default();
        let [profile, root_unused, access_key, unused, regions] = LIMITS;
        let password_policy_profile = self.parsed(profile, defaults.password_policy_profile);
        let mut days = |name, default| self.number(name, 1..=365, default);
        checklist::Settings {
            password_policy_profile,
            root_unused_days: days(root_unused, defaults.root_unused_days),
            access_key_max_age_days: days(access_key, defaults.access_key_max_age_days),
            unused_credentials_days: days(unused, defaults.unused_credentials_days),
            allowed_regions: self.regions_among(regions),
            ..defaults
        }
    }

    /// What changes verdicts; what was refused is added when the environment is finished. Exceptions are held against `now`.
    pub fn checklist(&mut self, now: Timestamp) -> checklist::Settings {
        let limits = self.limits();
        checklist::Settings {
            selection: selection(self),
            declarations: Declarations {
                exceptions: self.declared("ROOTWATCH_EXCEPTIONS", |text| parse_exceptions(text, &ids(), now)),
                attestations: self.declared("ROOTWATCH_ATTESTATIONS", |text| parse_attestations(text, now)),
            },
            ..limits
        }
    }

    /// When reminders and the digest are sent.
    pub fn policy(&mut self) -> Policy {
        let defaults = Policy::default();
        let mut hours = |name, most, default: SignedDuration| {
            let default = u16::try_from(default.as_hours()).unwrap_or(most);
            SignedDuration::from_hours(self.number(name, 1..=most, default).into())
        };
        Policy {
            remind_critical: hours("ROOTWATCH_REMINDER_HOURS_CRITICAL", 168, defaults.remind_critical),
            remind_others: hours("ROOTWATCH_REMINDER_HOURS", 720, defaults.remind_others),
            digest: self.parsed("ROOTWATCH_DIGEST", defaults.digest),
            outage: defaults.outage,
        }
    }
}

fn selection(environment: &mut Environment) -> Selection {
    let name = "ROOTWATCH_CONTROLS";
    let five_steps_only = match environment.take(name).as_deref() {
        None | Some("all") => false,
        Some("five-steps") => true,
        Some(other) => {
            environment.refuse(
                name,
                format!("all or five-steps is accepted, not `{}`; all is in force", text::bounded(other)),
            );
            false
        }
    };
    let name = "ROOTWATCH_DISABLED_CONTROLS";
    let left_out = environment.take(name).unwrap_or_default();
    let ids = left_out.split(',').map(str::trim).filter(|id| !id.is_empty());
    let (selection, unknown) = Selection { five_steps_only, ..Selection::default() }.without(ids);
    if !unknown.is_empty() {
        let shown = unknown.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join("`, `");
        environment.refuse(
            name,
            format!("no control of this version is called `{shown}`, see CONTROLS.md; it leaves out nothing"),
        );
    }
    selection
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in force by `changes`, and what was refused of them.
    fn read(changes: &[(&str, &str)]) -> (checklist::Settings, Policy, Vec<String>) {
        let variables = [("AWS_REGION", "eu-west-1")].iter().chain(changes);
        let mut environment = Environment::new(variables.map(|(name, value)| ((*name).into(), (*value).into())));
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let chosen = (environment.checklist(now), environment.policy());
        let ((checklist, policy), refused) = environment.finish(chosen).unwrap();
        (checklist, policy, refused.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_a_choice_the_defaults_are_in_force_and_nothing_is_refused() {
        assert_eq!(read(&[]), (checklist::Settings::default(), Policy::default(), Vec::new()));
        let (checklist, policy, refused) =
            read(&[("ROOTWATCH_CONTROLS", "five-steps"), ("ROOTWATCH_REMINDER_HOURS", "48"), ("ROOTWATCH_OTHER", "1")]);
        assert!(checklist.selection.five_steps_only);
        assert_eq!(policy.remind_others, SignedDuration::from_hours(48));
        assert_eq!(refused, ["ROOTWATCH_OTHER: is not known, and does nothing"], "every choice that is read is known");
    }

    #[test]
    fn cf_1_of_exceptions_and_attestations_each_entry_stands_by_itself() {
        let exception = |control: &str| {
            format!(r#"{{"control": "{control}", "reason": "r", "owner": "o", "until": "2026-12-01"}}"#)
        };
        let exceptions = format!("[{}, {}]", exception("root-mfs"), exception("root-unused"));
        let stated = r#"[{"statement": "contacts-reviewed", "by": "a", "on": "2026-11-01"}, 7]"#;
        let (checklist, _, refused) =
            read(&[("ROOTWATCH_EXCEPTIONS", &exceptions), ("ROOTWATCH_ATTESTATIONS", stated)]);
        let Declarations { exceptions, attestations } = checklist.declarations;
        assert_eq!((exceptions.len(), exceptions[0].control.as_str(), attestations.len()), (1, "root-unused", 1));
        assert_eq!(
            refused,
            [
                "Exceptions, entry 1: `control` is `root-mfs`: no control in this version has this id, see CONTROLS.md",
                "Attestations, entry 2: expected an object with statement, by, on, got a number",
            ]
        );
    }
}
