use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use crate::control::{Control, Reference, Remediation, Step, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(crate) const CONTROL: Control = Control {
    id: "password-policy",
    title: "The IAM password policy meets the chosen profile",
    violation: "the password policy is too weak",
    step: Some(Step::PasswordPolicy),
    severity: Severity::Medium,
    rationale: "Without its own policy, an account accepts eight-character passwords that never expire and can be \
                reused.",
    semantics: "Fails when one of the nine settings does not meet the profile (`PasswordPolicyProfile`), or when the \
                account has no policy of its own. `strict`: at least 14 characters, upper and lower case, number, \
                symbol, at most 90 days, users may change their own, 24 passwords remembered, administrator reset \
                either way. `cis` (default): at least 14 characters, 24 remembered. `nist`: at least 15 characters and \
                no expiry. The policy does not apply to root's own password. By a framework's numbers, each is \
                evaluated by the settings that it requires; a setting that the profile does not require is not \
                evaluated there.",
    remediation: Remediation {
        console: &[
            "IAM > Account settings > Password policy > Edit > Custom.",
            "Set what the evidence requires. Other settings are up to you. Save.",
        ],
        cli: &[
            "aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24 \
             --allow-users-to-change-password   # cis; settings that you omit are reset",
            "aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24 \
             --allow-users-to-change-password --require-uppercase-characters --require-lowercase-characters \
             --require-numbers --require-symbols --max-password-age 90   # strict",
            "aws iam update-account-password-policy --minimum-password-length 15 --allow-users-to-change-password   # nist",
        ],
    },
    sources: &[Source::PasswordPolicy],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.8"),
        (Framework::Cis3, "1.9"),
        (Framework::Cis5, "1.7"),
        (Framework::Cis5, "1.8"),
        (Framework::Cis6, "2.7"),
        (Framework::Cis6, "2.8"),
        (Framework::Cis7, "2.8"),
        (Framework::Cis7, "2.9"),
        (Framework::SecurityHub, "IAM.7"),
        (Framework::SecurityHub, "IAM.11"),
        (Framework::SecurityHub, "IAM.12"),
        (Framework::SecurityHub, "IAM.13"),
        (Framework::SecurityHub, "IAM.14"),
        (Framework::SecurityHub, "IAM.15"),
        (Framework::SecurityHub, "IAM.16"),
        (Framework::SecurityHub, "IAM.17"),
        (Framework::Config, "iam-password-policy"),
        (Framework::Prowler, "iam_password_policy_minimum_length_14"),
        (Framework::Prowler, "iam_password_policy_reuse_24"),
        (Framework::Prowler, "iam_password_policy_uppercase"),
        (Framework::Prowler, "iam_password_policy_lowercase"),
        (Framework::Prowler, "iam_password_policy_number"),
        (Framework::Prowler, "iam_password_policy_symbol"),
        (Framework::Prowler, "iam_password_policy_expires_passwords_within_90_days_or_less"),
    ],
    references: &[
        Reference {
            name: "AWS: Set an account password policy for IAM users",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html",
        },
        Reference { name: "NIST SP 800-63B: passwords", url: "https://pages.nist.gov/800-63-4/sp800-63b.html" },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    let profile = settings.password_policy_profile;
    let Some(policy) = snapshot.password_policy.as_ref().map_err(Clone::clone)? else {
        return Ok(Verdict::new(
            Status::Failed,
            format!("The account has no password policy of its own; AWS's default is weaker than profile {profile}"),
            vec![snapshot.evidence(Source::PasswordPolicy, "policy", "none")],
        ));
    };
    let all = profile.compare(policy);
    let evidence = all
        .iter()
        .map(|setting| {
            let value = match (setting.asked, setting.met) {
                (Some(asked), false) => format!("{}, but {profile} requires {asked}", setting.value),
                (Some(asked), true) => format!("{} (required: {asked})", setting.value),
                (None, _) => format!("{} (not required)", setting.value),
            };
            snapshot.evidence(Source::PasswordPolicy, setting.name, value)
        })
        .collect();
    let short: Vec<&str> = all.iter().filter(|setting| !setting.met).map(|setting| setting.name).collect();
    Ok(if short.is_empty() {
        Verdict::new(Status::Passed, format!("All nine settings meet profile {profile}"), evidence)
    } else {
        let reason = format!("The password policy does not meet profile {profile}: {}", short.join(", "));
        let settings = short.into_iter().map(str::to_owned).collect();
        Verdict::new(Status::Failed, reason, evidence).naming(settings)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use crate::password_profile::PasswordPolicyProfile;
    use facts::password_policy::PasswordPolicy;
    use facts::testing::unavailable;

    fn short_of(profile: PasswordPolicyProfile, change: impl FnOnce(&mut PasswordPolicy)) -> (Status, String) {
        let settings = Settings { password_policy_profile: profile, ..Settings::default() };
        let verdict = verdict_with(&CONTROL, &settings, |snapshot| {
            let mut policy = PasswordPolicy {
                minimum_length: 15,
                require_uppercase: true,
                require_lowercase: true,
                require_numbers: true,
                require_symbols: true,
                max_age_days: (profile != PasswordPolicyProfile::Nist).then_some(90),
                hard_expiry: false,
                users_may_change: true,
                reuse_prevention: Some(24),
            };
            change(&mut policy);
            snapshot.password_policy = Ok(Some(policy));
        });
        assert_eq!(verdict.evidence.len(), 9, "each of the nine settings is evidence");
        (verdict.status, verdict.reason)
    }

    #[test]
    fn each_profile_asks_for_its_settings_and_for_no_others() {
        use PasswordPolicyProfile::{Cis, Nist, Strict};
        type Change = fn(&mut PasswordPolicy);
        let changes: [(&str, Change, &[PasswordPolicyProfile]); 11] = [
            ("MinimumPasswordLength", |policy| policy.minimum_length = 13, &[Strict, Cis, Nist]),
            ("MinimumPasswordLength", |policy| policy.minimum_length = 14, &[Nist]),
            ("RequireUppercaseCharacters", |policy| policy.require_uppercase = false, &[Strict]),
            ("RequireLowercaseCharacters", |policy| policy.require_lowercase = false, &[Strict]),
            ("RequireNumbers", |policy| policy.require_numbers = false, &[Strict]),
            ("RequireSymbols", |policy| policy.require_symbols = false, &[Strict]),
            ("MaxPasswordAge", |policy| policy.max_age_days = Some(91), &[Strict, Nist]),
            ("MaxPasswordAge", |policy| policy.max_age_days = None, &[Strict]),
            ("HardExpiry", |policy| policy.hard_expiry = true, &[]),
            ("AllowUsersToChangePassword", |policy| policy.users_may_change = false, &[Strict]),
            ("PasswordReusePrevention", |policy| policy.reuse_prevention = Some(23), &[Strict, Cis]),
        ];
        for profile in [Strict, Cis, Nist] {
            assert_eq!(short_of(profile, |_| {}).0, Status::Passed, "{profile}");
            for (name, change, asked_by) in changes {
                let (status, reason) = short_of(profile, change);
                let fails = asked_by.contains(&profile);
                assert_eq!(status == Status::Failed, fails, "{profile} {name}");
                assert_eq!(reason.contains(name), fails, "{profile} {name}: {reason}");
            }
        }
        assert_eq!(short_of(Cis, |policy| policy.reuse_prevention = None).0, Status::Failed);
    }

    #[test]
    fn cr_19_no_policy_at_all_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.password_policy = Ok(None));
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.reason.contains("no password policy of its own"));
    }

    #[test]
    fn a_policy_that_could_not_be_read_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.password_policy = Err(unavailable(Source::PasswordPolicy));
        });
        assert_eq!(verdict.status, Status::Unknown);
    }
}
