//! A report in the order and by the numbers of a benchmark or tool.

use facts::severity::Severity;
use facts::source::Source;
use facts::verdict::Status;
use serde::Serialize;

use crate::control::Control;
use crate::controls::{self, CHECKLIST, access_key_rotation, control, unused_credentials};
use crate::finding::Finding;
use crate::framework::Framework;
use crate::settings::Settings;

mod password_policy;

use password_policy::of_number as of_password_policy;

/// A report in the order and by the numbers of a [`Framework`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct View {
    /// Which.
    pub framework: Framework,
    /// What it asks that a control covers, whole or in part; what else it requires is not evaluated.
    pub requirements: Vec<Requirement>,
}

/// What one requirement of a framework rests on; a control that covers several stands at each of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requirement {
    /// The framework's own number or name, as `1.4` or `IAM.4`.
    pub number: &'static str,
    /// [`crate::Control::id`]; its finding has the evidence.
    pub control: &'static str,
    /// [`crate::Control::title`].
    pub title: &'static str,
    /// [`crate::Control::severity`]; the framework may rank it otherwise.
    pub severity: Severity,
    /// The outcome; `null`: the control is disabled, or does not evaluate what the number requires.
    pub status: Option<Status>,
    /// Why, one sentence.
    pub reason: String,
    /// An exception suppresses the whole failure until a day.
    pub is_suppressed: bool,
}

impl View {
    /// `findings`, evaluated by `settings`, in the order of `framework`; `None`: the settings are unknown.
    pub fn of(framework: Framework, findings: &[Finding], settings: Option<&Settings>) -> Self {
        let of_control = |control: &&'static Control| {
            let control = *control;
            let finding = findings.iter().find(|finding| finding.control == control.id);
            let numbers = control.mappings.iter().filter(move |(of, _)| *of == framework);
            numbers.map(move |name| Requirement::of(control, *name, finding, settings))
        };
        let mut requirements: Vec<Requirement> = CHECKLIST.iter().flat_map(of_control).collect();
        requirements.sort_by_cached_key(|requirement| natural(requirement.number));
        Self { framework, requirements }
    }
}

impl Requirement {
    fn of(
        control: &Control,
        name: (Framework, &'static str),
        finding: Option<&Finding>,
        settings: Option<&Settings>,
    ) -> Self {
        let left_out = || Err("The control is disabled".into());
        let (status, reason, is_suppressed) = match finding.map_or_else(left_out, |one| of_number(one, name, settings))
        {
            Ok(finding) => (Some(finding.status), finding.reason.clone(), finding.is_suppressed()),
            Err(why) => (None, why, false),
        };
        let (number, title, severity) = (name.1, control.title, control.severity);
        Self { number, control: control.id, title, severity, status, reason, is_suppressed }
    }
}

/// The names that frameworks have for what `finding` evaluates, as far as they have its status too.
pub fn names(finding: &Finding, settings: Option<&Settings>) -> Vec<(Framework, &'static str)> {
    let names = control(finding.control).into_iter().flat_map(|control| control.mappings).copied();
    names.filter(|name| of_number(finding, *name, settings).is_ok_and(|of_it| of_it.status == finding.status)).collect()
}

/// What `finding` says of a number that may require less than its control evaluates, or for something else than each pass of it shows.
///
/// # Errors
/// Why it says nothing of it.
fn of_number(finding: &Finding, name: (Framework, &str), settings: Option<&Settings>) -> Result<Finding, String> {
    let is_judged = matches!(finding.status, Status::Passed | Status::Failed);
    match name {
        _ if finding.control == controls::password_policy::CONTROL.id => {
            of_password_policy(finding, name, settings.map(|settings| settings.password_policy_profile))
        }
        _ if is_judged && let Some((parameter, chosen, asked)) = days(finding.control, name, settings) => {
            // What passes by a shorter limit passes by a longer one, and what fails by a longer one fails by a shorter one.
            let says_too = match finding.status {
                Status::Passed => chosen.is_some_and(|chosen| chosen <= asked),
                _ => chosen.is_some_and(|chosen| chosen >= asked),
            };
            let chosen = chosen.map_or_else(|| "unknown".to_owned(), |chosen| chosen.to_string());
            let why = || format!("Not evaluated: it requires {asked} days, and `{parameter}` is {chosen}");
            if says_too { Ok(finding.clone()) } else { Err(why()) }
        }
        // A member's root may be held back by other means.
        (Framework::Cis7, "2.1.1") | (Framework::Prowler, "iam_root_credentials_management_enabled")
            if is_judged && !finding.judged_by.contains_key(&Source::CentralRootAccess) =>
        {
            Err("Not evaluated: AWS shows only the management account whether root is managed centrally".into())
        }
        _ => Ok(finding.clone()),
    }
}

/// Where `control` goes by a number of days that is chosen: the parameter, what was chosen, and for what the number `name` asks.
fn days(
    control: &str,
    name: (Framework, &str),
    settings: Option<&Settings>,
) -> Option<(&'static str, Option<u16>, u16)> {
    if control == access_key_rotation::CONTROL.id {
        return Some(("AccessKeyMaxAgeDays", settings.map(|settings| settings.access_key_max_age_days), 90));
    }
    let asked = match name {
        (Framework::SecurityHub, "IAM.8") | (Framework::Config, _) => 90,
        _ => 45,
    };
    let chosen = settings.map(|settings| settings.unused_credentials_days);
    (control == unused_credentials::CONTROL.id).then_some(("UnusedCredentialsDays", chosen, asked))
}

/// `2.10` after `2.9`, `IAM.10` after `IAM.9`.
fn natural(number: &str) -> Vec<(u32, String)> {
    number.split('.').map(|part| (part.parse().unwrap_or(0), part.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::settings::Settings;
    use facts::snapshot::Snapshot;

    fn of(framework: Framework, snapshot: &Snapshot, settings: &Settings) -> View {
        View::of(framework, &Report::generate(snapshot, settings).findings, Some(settings))
    }

    fn view(framework: Framework, change: impl FnOnce(&mut Snapshot)) -> View {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        of(framework, &snapshot, &Settings::default())
    }

    #[test]
    fn every_framework_has_a_name_that_is_read_again() {
        for framework in Framework::ALL {
            let id = serde_json::to_value(framework).unwrap();
            assert_eq!(id, framework.id());
            assert_eq!(serde_json::from_value::<Framework>(id).unwrap(), *framework);
            let of_it = CHECKLIST.iter().flat_map(|control| control.mappings).filter(|(of, _)| of == framework).count();
            assert!(of_it > 0 && view(*framework, |_| {}).requirements.len() == of_it, "{framework}");
        }
    }

    #[test]
    fn a_view_counts_as_its_framework_does() {
        let numbers = |framework| {
            let view = view(framework, |_| {});
            view.requirements.iter().map(|requirement| requirement.number).collect::<Vec<_>>()
        };
        let cis = numbers(Framework::Cis5);
        let at = |number: &str| cis.iter().position(|known| *known == number);
        assert!(at("1.3").is_some() && at("1.3") < at("1.4") && at("1.8") < at("1.14"), "{cis:?}");
        let hub = numbers(Framework::SecurityHub);
        let at = |number: &str| hub.iter().position(|known| *known == number);
        assert!(at("IAM.2").is_some() && at("IAM.2") < at("IAM.11"), "{hub:?}");
    }

    #[test]
    fn a_requirement_has_the_outcome_of_its_control_and_a_control_left_out_none() {
        let numbered =
            |view: View| view.requirements.into_iter().find(|requirement| requirement.number == "1.4").unwrap();
        let failed = numbered(view(Framework::Cis5, |snapshot| snapshot.summary_mut().root_mfa = Ok(0)));
        assert_eq!((failed.control, failed.status, failed.is_suppressed), ("root-mfa", Some(Status::Failed), false));
        let exceptions = vec![crate::declarations::Exception {
            control: "root-mfa".into(),
            reason: "the key is in the post".into(),
            owner: "alice".into(),
            until: jiff::Timestamp::MAX,
            resource: None,
        }];
        let declarations = crate::declarations::Declarations { exceptions, ..Default::default() };
        let mut snapshot = Snapshot::compliant();
        snapshot.summary_mut().root_mfa = Ok(0);
        let settings = Settings { declarations, ..Settings::default() };
        assert!(numbered(of(Framework::Cis5, &snapshot, &settings)).is_suppressed);
        let selection = crate::Selection::default().without(["root-mfa"]).0;
        let settings = Settings { selection, ..Settings::default() };
        let left_out = numbered(of(Framework::Cis5, &Snapshot::compliant(), &settings));
        assert_eq!((left_out.status, left_out.reason.as_str()), (None, "The control is disabled"));
    }

    #[test]
    fn a_number_that_asks_for_a_part_of_its_control_has_the_outcome_of_that_part() {
        let policy = |change: fn(&mut facts::password_policy::PasswordPolicy)| {
            let mut snapshot = Snapshot::compliant();
            change(snapshot.password_policy.as_mut().unwrap().as_mut().unwrap());
            snapshot
        };
        let snapshot = policy(|policy| policy.minimum_length = 8);
        let exceptions = vec![crate::declarations::Exception {
            control: "password-policy".into(),
            reason: "an old phone".into(),
            owner: "alice".into(),
            until: jiff::Timestamp::MAX,
            resource: Some("MinimumPasswordLength".into()),
        }];
        let declarations = crate::declarations::Declarations { exceptions, ..Default::default() };
        let settings = Settings { declarations, ..Settings::default() };
        let view = of(Framework::Cis5, &snapshot, &settings);
        let number = |number: &str| view.requirements.iter().find(|requirement| requirement.number == number).unwrap();
        let length = number("1.7");
        assert_eq!((length.status, length.is_suppressed), (Some(Status::Failed), true));
        assert_eq!(length.reason, "The password policy does not meet profile cis: MinimumPasswordLength");
        let reuse = number("1.8");
        assert_eq!((reuse.status, reuse.is_suppressed), (Some(Status::Passed), false));
        assert_eq!(reuse.reason, "Meets profile cis: PasswordReusePrevention");
        let view = of(Framework::SecurityHub, &policy(|policy| policy.require_symbols = false), &Settings::default());
        let symbols = view.requirements.iter().find(|requirement| requirement.number == "IAM.13").unwrap();
        assert_eq!((symbols.control, symbols.status), ("password-policy", None));
        assert_eq!(symbols.reason, "Not evaluated: profile cis does not require the same");
    }

    #[test]
    fn a_number_of_days_is_evaluated_by_a_limit_that_covers_it() {
        let outcome = |control: &str, number: &str, chosen: u16, age: i64| {
            let settings =
                Settings { access_key_max_age_days: chosen, unused_credentials_days: chosen, ..Settings::default() };
            let mut snapshot = Snapshot::compliant();
            let made = snapshot.taken_at - jiff::SignedDuration::from_hours(24 * age);
            let key = &mut snapshot.report_users()[0].access_keys[0];
            (key.active, key.last_rotated, key.last_used) = (Ok(true), Ok(Some(made)), Ok(Some(made)));
            let view = of(Framework::SecurityHub, &snapshot, &settings).requirements.into_iter();
            let requirement = view.into_iter().find(|requirement| requirement.number == number).unwrap();
            assert_eq!(requirement.control, control);
            (requirement.status, requirement.reason)
        };
        let (passed, failed) = (Some(Status::Passed), Some(Status::Failed));
        for (control, number, chosen, age, expected) in [
            ("access-key-rotation", "IAM.3", 90, 60, passed),
            ("access-key-rotation", "IAM.3", 90, 91, failed),
            ("access-key-rotation", "IAM.3", 30, 10, passed),
            ("access-key-rotation", "IAM.3", 30, 60, None),
            ("access-key-rotation", "IAM.3", 365, 100, None),
            ("access-key-rotation", "IAM.3", 365, 366, failed),
            ("unused-credentials", "IAM.22", 45, 46, failed),
            ("unused-credentials", "IAM.22", 90, 46, None),
            ("unused-credentials", "IAM.8", 45, 46, None),
            ("unused-credentials", "IAM.8", 45, 10, passed),
        ] {
            let (status, reason) = outcome(control, number, chosen, age);
            assert_eq!(status, expected, "{number} with {chosen} at {age}: {reason}");
        }
        let (_, why) = outcome("access-key-rotation", "IAM.3", 365, 100);
        assert_eq!(why, "Not evaluated: it requires 90 days, and `AccessKeyMaxAgeDays` is 365");
        let findings = Report::generate(&Snapshot::compliant(), &Settings::default()).findings;
        let untold = View::of(Framework::SecurityHub, &findings, None).requirements;
        let of_keys = untold.iter().find(|requirement| requirement.number == "IAM.3").unwrap();
        assert_eq!(of_keys.reason, "Not evaluated: it requires 90 days, and `AccessKeyMaxAgeDays` is unknown");
    }

    #[test]
    fn centralized_root_access_is_evaluated_in_the_management_account_only() {
        let number = |change: fn(&mut Snapshot)| {
            let view = view(Framework::Cis7, change);
            view.requirements.into_iter().find(|requirement| requirement.number == "2.1.1").unwrap()
        };
        assert_eq!(number(|_| {}).status, Some(Status::Passed));
        let off = number(|snapshot| {
            let central = snapshot.central_root_access.as_mut().unwrap().as_mut().unwrap();
            central.manages_credentials = false;
        });
        assert_eq!(off.status, Some(Status::Failed));
        let unread = number(|snapshot| snapshot.blind_to(Source::CentralRootAccess));
        assert_eq!(unread.status, Some(Status::Unknown));
        assert_eq!(number(|snapshot| snapshot.organization = Ok(None)).status, Some(Status::NotApplicable));
        let member = number(|snapshot| {
            let organization = snapshot.organization.as_mut().unwrap().as_mut().unwrap();
            organization.management_account = facts::account::AccountId::parse("999988887777").unwrap();
            snapshot.central_root_access = Ok(None);
            snapshot.summary_mut().root_password = Ok(0);
        });
        assert_eq!(member.status, None);
        assert!(member.reason.contains("management account"), "{}", member.reason);
    }

    #[test]
    fn the_names_of_a_finding_are_those_that_have_its_status() {
        let names = |change: fn(&mut Snapshot), control: &str| {
            let mut snapshot = Snapshot::compliant();
            change(&mut snapshot);
            let settings = Settings::default();
            let findings = Report::generate(&snapshot, &settings).findings;
            let finding = findings.iter().find(|finding| finding.control == control).unwrap();
            let names = super::names(finding, Some(&settings)).into_iter();
            names.filter(|(of, _)| *of == Framework::SecurityHub).map(|(_, name)| name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(|_| {}, "password-policy"), "IAM.15 IAM.16");
        let short = |snapshot: &mut Snapshot| {
            snapshot.password_policy.as_mut().unwrap().as_mut().unwrap().minimum_length = 8;
        };
        assert_eq!(names(short, "password-policy"), "IAM.15");
        assert_eq!(names(|snapshot| snapshot.summary_mut().root_mfa = Ok(0), "root-mfa"), "IAM.9");
    }

    #[test]
    fn every_name_leads_to_a_page() {
        assert_eq!(
            Framework::SecurityHub.url("CloudTrail.1"),
            "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1"
        );
        assert!(Framework::Config.url("root-account-mfa-enabled").ends_with("/root-account-mfa-enabled.html"));
    }
}
