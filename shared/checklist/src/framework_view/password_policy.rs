//! Numbers of frameworks that ask for some of the settings of a password policy.

use facts::verdict::Status;

use crate::finding::Finding;
use crate::framework::Framework;
use crate::password_profile::PasswordPolicyProfile;

/// What a framework's number asks of a setting: its name, and what a profile may ask of it so that the number is met. The first is
/// just what the number asks, the others are more.
type Need = (&'static str, &'static [&'static str]);

const LENGTH: Need = ("MinimumPasswordLength", &["at least 14", "at least 15"]);
const ANY_LENGTH: Need = ("MinimumPasswordLength", &["at least 8", "at least 14", "at least 15"]);
const UPPERCASE: Need = ("RequireUppercaseCharacters", &["true"]);
const LOWERCASE: Need = ("RequireLowercaseCharacters", &["true"]);
const NUMBERS: Need = ("RequireNumbers", &["true"]);
const SYMBOLS: Need = ("RequireSymbols", &["true"]);
const AGE: Need = ("MaxPasswordAge", &["at most 90 days"]);
const REUSE: Need = ("PasswordReusePrevention", &["24 passwords"]);

/// What a number asks of the settings.
fn needs(framework: Framework, number: &str) -> &'static [Need] {
    match (framework, number) {
        (Framework::Cis3, "1.8")
        | (Framework::Cis5, "1.7")
        | (Framework::Cis6, "2.7")
        | (Framework::Cis7, "2.8")
        | (Framework::SecurityHub, "IAM.15")
        | (Framework::Prowler, "iam_password_policy_minimum_length_14") => &[LENGTH],
        (Framework::Cis3, "1.9")
        | (Framework::Cis5, "1.8")
        | (Framework::Cis6, "2.8")
        | (Framework::Cis7, "2.9")
        | (Framework::SecurityHub, "IAM.16")
        | (Framework::Prowler, "iam_password_policy_reuse_24") => &[REUSE],
        (Framework::SecurityHub, "IAM.11") | (Framework::Prowler, "iam_password_policy_uppercase") => &[UPPERCASE],
        (Framework::SecurityHub, "IAM.12") | (Framework::Prowler, "iam_password_policy_lowercase") => &[LOWERCASE],
        (Framework::SecurityHub, "IAM.13") | (Framework::Prowler, "iam_password_policy_symbol") => &[SYMBOLS],
        (Framework::SecurityHub, "IAM.14") | (Framework::Prowler, "iam_password_policy_number") => &[NUMBERS],
        (Framework::SecurityHub, "IAM.17")
        | (Framework::Prowler, "iam_password_policy_expires_passwords_within_90_days_or_less") => &[AGE],
        (Framework::SecurityHub, "IAM.7") => &[ANY_LENGTH, UPPERCASE, LOWERCASE, NUMBERS, SYMBOLS],
        _ => &[LENGTH, UPPERCASE, LOWERCASE, NUMBERS, SYMBOLS, AGE, REUSE],
    }
}

/// What `finding` says of one of the numbers, if it was evaluated by `profile`; `None`: the profile is unknown.
///
/// # Errors
/// Why it says nothing of it.
pub(super) fn of_number(
    finding: &Finding,
    (framework, number): (Framework, &str),
    profile: Option<PasswordPolicyProfile>,
) -> Result<Finding, String> {
    // Without a policy, or without a look at it, it is the same with every setting.
    if finding.status != Status::Passed && finding.resources.is_empty() {
        return Ok(finding.clone());
    }
    let profile = profile.ok_or("Not evaluated: the report does not contain the profile of the password policy")?;
    let needs = needs(framework, number);
    let is_short = |name: &str| finding.resources.iter().any(|resource| resource == name);
    let is_just_asked = |(name, enough): &&Need| enough.first().copied() == profile.asks(name);
    let named = |names: Vec<&str>| names.join(", ");
    let short: Vec<&str> =
        needs.iter().filter(is_just_asked).map(|(name, _)| *name).filter(|name| is_short(name)).collect();
    if !short.is_empty() {
        let resources = short.iter().map(|name| (*name).to_owned()).collect();
        let reason = format!("The password policy does not meet profile {profile}: {}", named(short));
        return Ok(Finding { status: Status::Failed, reason, resources, ..finding.clone() });
    }
    let is_met = |(name, enough): &Need| profile.asks(name).is_some_and(|it| enough.contains(&it)) && !is_short(name);
    if !needs.iter().all(is_met) {
        return Err(format!("Not evaluated: profile {profile} does not require the same"));
    }
    let reason = format!("Meets profile {profile}: {}", named(needs.iter().map(|(name, _)| *name).collect()));
    Ok(Finding { status: Status::Passed, reason, resources: Vec::new(), ..finding.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::password_policy::CONTROL;
    use crate::settings::Settings;
    use facts::password_policy::PasswordPolicy;
    use facts::snapshot::Snapshot;
    use facts::source::Source;
    use facts::testing::unavailable;

    /// The numbers of Security Hub and CIS 5.0 that stand so for a policy of `profile`, changed.
    fn numbers(profile: PasswordPolicyProfile, change: impl FnOnce(&mut PasswordPolicy)) -> [String; 3] {
        let settings = Settings { password_policy_profile: profile, ..Settings::default() };
        let mut snapshot = Snapshot::compliant();
        change(snapshot.password_policy.as_mut().unwrap().as_mut().unwrap());
        let finding = Finding::of(&CONTROL, &snapshot, &settings);
        let with = |status: Option<Status>| {
            let of_it = CONTROL.mappings.iter().copied().filter(|name| {
                matches!(name.0, Framework::SecurityHub | Framework::Cis5)
                    && of_number(&finding, *name, Some(profile)).ok().map(|finding| finding.status) == status
            });
            of_it.map(|(_, number)| number.trim_start_matches("IAM.")).collect::<Vec<_>>().join(" ")
        };
        [with(Some(Status::Passed)), with(Some(Status::Failed)), with(None)]
    }

    #[test]
    fn a_number_passes_or_fails_by_the_settings_that_it_requires_and_no_others() {
        use PasswordPolicyProfile::{Cis, Nist, Strict};
        let bare = |policy: &mut PasswordPolicy| {
            policy.require_uppercase = false;
            policy.require_symbols = false;
            policy.max_age_days = None;
        };
        assert_eq!(numbers(Cis, bare), ["1.7 1.8 15 16", "", "7 11 12 13 14 17"]);
        assert_eq!(numbers(Cis, |policy| policy.minimum_length = 8), ["1.8 16", "1.7 15", "7 11 12 13 14 17"]);
        assert_eq!(numbers(Cis, |policy| policy.reuse_prevention = None), ["1.7 15", "1.8 16", "7 11 12 13 14 17"]);
        assert_eq!(numbers(Strict, |_| {}), ["1.7 1.8 7 11 12 13 14 15 16 17", "", ""]);
        assert_eq!(numbers(Strict, bare), ["1.7 1.8 12 14 15 16", "7 11 13 17", ""]);
        // Eight characters would do for IAM.7, and 14 for the others: `nist` does not show whether a shorter one has them.
        assert_eq!(numbers(Strict, |policy| policy.minimum_length = 13), ["1.8 11 12 13 14 16 17", "1.7 15", "7"]);
        let of_15 = |policy: &mut PasswordPolicy| policy.minimum_length = 15;
        assert_eq!(numbers(Nist, of_15), ["1.7 15", "", "1.8 7 11 12 13 14 16 17"]);
        assert_eq!(numbers(Nist, |_| {}), ["", "", "1.7 1.8 7 11 12 13 14 15 16 17"]);
    }

    #[test]
    fn without_a_policy_every_number_fails_and_without_a_look_none_is_known() {
        let settings = Settings::default();
        let status = |policy, profile| {
            let snapshot = Snapshot { password_policy: policy, ..Snapshot::compliant() };
            let finding = Finding::of(&CONTROL, &snapshot, &settings);
            of_number(&finding, (Framework::SecurityHub, "IAM.11"), profile).map(|finding| finding.status)
        };
        let profile = Some(settings.password_policy_profile);
        assert_eq!(status(Ok(None), profile), Ok(Status::Failed));
        assert_eq!(status(Err(unavailable(Source::PasswordPolicy)), profile), Ok(Status::Unknown));
        let why = status(Snapshot::compliant().password_policy, None).unwrap_err();
        assert_eq!(why, "Not evaluated: the report does not contain the profile of the password policy");
    }

    #[test]
    fn every_number_asks_for_settings_that_there_are_and_strict_asks_for_all_of_them() {
        let policy = Snapshot::compliant().password_policy.unwrap().unwrap();
        let settings = PasswordPolicyProfile::Strict.compare(&policy);
        for (framework, number) in CONTROL.mappings {
            let needs = needs(*framework, number);
            assert!(needs.len() == 1 || ["IAM.7", "iam-password-policy"].contains(number), "{framework} {number}");
            for (name, enough) in needs {
                let asked = settings.iter().find(|setting| setting.name == *name).unwrap().asked.unwrap();
                assert!(enough.contains(&asked), "{framework} {number}: {name}");
            }
        }
    }
}
