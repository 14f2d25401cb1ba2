use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::survey::Survey;
use crate::control::{Control, Reference, Remediation, whole_name};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "user-mfa",
    title: "Every IAM user with a password has MFA",
    violation: "users sign in without MFA",
    step: None,
    severity: Severity::High,
    rationale: "Passwords are guessed, reused and phished. With MFA, a password alone opens nothing.",
    semantics: "Fails when an IAM user has a password and no MFA device of any kind, according to the credential \
                report (up to 4 hours old). Not applicable when no user has a password. Users of IAM Identity Center \
                and of other identity providers are not visible.",
    remediation: Remediation {
        console: &[
            "IAM > Users > [user] > Security credentials > Assign MFA device: each person registers their own device.",
            "If the person no longer signs in: Manage console access > Disable.",
        ],
        cli: &[
            "aws iam create-virtual-mfa-device --virtual-mfa-device-name <user> --outfile qr.png --bootstrap-method QRCodePNG",
            "aws iam enable-mfa-device --user-name <user> --serial-number <arn of the device> \
             --authentication-code1 <code> --authentication-code2 <next code>",
            "aws iam delete-login-profile --user-name <user>   # deletes the password",
        ],
    },
    sources: &[Source::CredentialReport],
    user_of: whole_name,
    mappings: &[
        (Framework::Cis3, "1.10"),
        (Framework::Cis5, "1.9"),
        (Framework::Cis6, "2.9"),
        (Framework::Cis7, "2.10"),
        (Framework::SecurityHub, "IAM.5"),
        (Framework::Config, "mfa-enabled-for-iam-console-access"),
        (Framework::Prowler, "iam_user_mfa_enabled_console_access"),
    ],
    references: &[Reference {
        name: "AWS: Multi-factor authentication in IAM",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let mut survey = Survey::default();
    let mut passwords = 0;
    for user in &snapshot.fresh_credential_report()?.users {
        let evidence = |value: String| snapshot.report_evidence(user.name.as_str(), value);
        // What cannot be read is a password until something says otherwise.
        passwords += usize::from(user.password_enabled != Ok(false));
        match (&user.password_enabled, &user.mfa_active) {
            // Without a password, or with MFA, the other cell does not matter.
            (Ok(false), _) | (_, Ok(true)) => {}
            (Ok(true), Ok(false)) => survey.wrong.push(evidence("has a password and no MFA".into())),
            (Err(cell), _) | (_, Err(cell)) => survey.unclear.push(evidence(cell.to_string())),
        }
    }
    let evidence = vec![snapshot.report_evidence("users with a password", passwords)];
    let fine = if passwords == 0 {
        Verdict::new(Status::NotApplicable, "No user has a password", evidence)
    } else {
        Verdict::new(Status::Passed, "Every user with a password has MFA", evidence)
    };
    Ok(survey.verdict(
        fine,
        ["user has a password and no MFA", "users have a password and no MFA"],
        ["user cannot be evaluated from the credential report", "users cannot be evaluated from the credential report"],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::credential_report::{UnreadableCell, UserRow};
    use facts::snapshot::MAX_REPORT_AGE;
    use facts::testing::unavailable;

    fn cell<T>(column: &'static str) -> Result<T, UnreadableCell> {
        Err(UnreadableCell { column, found: Some("?".into()) })
    }

    fn add(snapshot: &mut Snapshot, name: &str, change: impl FnOnce(&mut UserRow)) {
        let mut user = UserRow { name: name.into(), ..snapshot.report_users()[0].clone() };
        change(&mut user);
        snapshot.report_users().push(user);
    }

    #[test]
    fn users_with_mfa_pass() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!((verdict.status, verdict.evidence[0].value.as_str()), (Status::Passed, "1"));
    }

    #[test]
    fn a_password_without_mfa_fails_by_name() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            add(snapshot, "bob", |user| user.mfa_active = Ok(false));
            add(snapshot, "carol", |user| user.mfa_active = Ok(false));
        });
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, "2 users have a password and no MFA"));
        assert_eq!(verdict.resources, ["bob", "carol"]);
        assert_eq!(verdict.evidence[1].fact, "bob");
    }

    #[test]
    fn a_user_without_a_password_needs_no_mfa() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            add(snapshot, "ci", |user| {
                user.password_enabled = Ok(false);
                user.mfa_active = Ok(false);
            });
        });
        assert_eq!(verdict.status, Status::Passed);
    }

    #[test]
    fn without_a_password_it_is_not_applicable() {
        let changes: [fn(&mut Snapshot); 2] = [
            |snapshot| snapshot.report_users().clear(),
            |snapshot| snapshot.report_users()[0].password_enabled = Ok(false),
        ];
        for change in changes {
            assert_eq!(verdict_of(&CONTROL, change).status, Status::NotApplicable);
        }
    }

    #[test]
    fn a_cell_that_matters_and_cannot_be_read_is_unknown_unless_another_user_fails() {
        let changes: [fn(&mut UserRow); 2] = [
            |user| user.mfa_active = cell("mfa_active"),
            |user| {
                user.password_enabled = cell("password_enabled");
                user.mfa_active = Ok(false);
            },
        ];
        for change in changes {
            let verdict = verdict_of(&CONTROL, |snapshot| add(snapshot, "bob", change));
            assert_eq!(verdict.status, Status::Unknown);
            assert_eq!(verdict.evidence[1].fact, "bob");
            let verdict = verdict_of(&CONTROL, |snapshot| {
                add(snapshot, "bob", change);
                add(snapshot, "carol", |user| user.mfa_active = Ok(false));
            });
            assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec!["carol".to_owned()]));
        }
        let verdict =
            verdict_of(&CONTROL, |snapshot| snapshot.report_users()[0].password_enabled = cell("password_enabled"));
        assert_eq!(verdict.status, Status::Passed, "with MFA the password does not matter");
    }

    #[test]
    fn a_report_that_is_missing_or_too_old_is_unknown() {
        let missing = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        let stale = verdict_of(&CONTROL, |snapshot| {
            snapshot.taken_at += MAX_REPORT_AGE;
            snapshot.report_users()[0].mfa_active = Ok(false);
        });
        assert_eq!([missing.status, stale.status], [Status::Unknown; 2]);
    }
}
