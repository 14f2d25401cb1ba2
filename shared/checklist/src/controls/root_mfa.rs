use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::Verdict;

use super::root_credentials;
use crate::control::{Control, Reference, Remediation, Step, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "root-mfa",
    title: "Root has MFA",
    violation: "root has no MFA",
    step: Some(Step::RootMfa),
    severity: Severity::Critical,
    rationale: "Without MFA, a stolen password is enough to take over the whole account. So is access to root's \
                mailbox.",
    semantics: "Fails when root has a credential (password, access key or signing certificate) and no MFA device of \
                any kind. Each source is evaluated by itself, and the worse result counts. Not applicable when root \
                has no credentials, as in member accounts under centralized root access, in AWS GovCloud (US), where \
                root does not sign in to the console and cannot have an MFA device, and in China, where there is no \
                root user. A password that the report lists as `not_supported` counts as present. In a member account \
                without a credential report, the lists of an AssumeRoot session take the report's place.",
    remediation: Remediation {
        console: &[
            "Sign in as root, open Security credentials in the account menu, and under Multi-factor authentication \
             choose Assign MFA device: a passkey or security key.",
            "Register a second device and keep it elsewhere. If you lose the only device, you are locked out.",
        ],
        cli: &[
            "aws iam enable-mfa-device …   # virtual devices only, signed with root's own credentials; prefer the console",
        ],
    },
    sources: &[Source::CredentialReport, Source::AccountSummary, Source::VirtualMfaDevices, Source::RootAudit],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.5"),
        (Framework::Cis5, "1.4"),
        (Framework::Cis6, "2.4"),
        (Framework::Cis7, "2.5"),
        (Framework::SecurityHub, "IAM.9"),
        (Framework::Config, "root-account-mfa-enabled"),
        (Framework::Prowler, "iam_root_mfa_enabled"),
    ],
    references: &[Reference {
        name: "AWS: MFA for the root user",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/enable-mfa-for-root.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    if let Some(verdict) = root_credentials::does_not_sign_in(snapshot) {
        return Ok(verdict);
    }
    let mut verdict = root_credentials::have_mfa(snapshot);
    // Virtual devices of root are named where they can be; passkeys and hardware tokens are in no list that a role can read.
    let root = snapshot.account.root_arn();
    for device in snapshot.virtual_mfa_devices.iter().flatten() {
        if device.owner_arn.as_ref() == Some(&root) {
            let serial = &device.serial_number;
            verdict.evidence.push(snapshot.evidence(Source::VirtualMfaDevices, "virtual MFA device of root", serial));
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::root_credentials::remove as without_credentials;
    use crate::controls::tests::verdict_of;
    use facts::account::Partition;
    use facts::credential_report::UnreadableCell;
    use facts::identities::VirtualMfaDevice;
    use facts::testing::unavailable;
    use facts::verdict::Status;

    #[test]
    fn mfa_in_both_sources_passes() {
        assert_eq!(verdict_of(&CONTROL, |_| {}).status, Status::Passed);
    }

    #[test]
    fn cr_18_the_worse_source_wins_and_the_disagreement_is_shown() {
        let live_off = verdict_of(&CONTROL, |snapshot| snapshot.summary_mut().root_mfa = Ok(0));
        assert_eq!(live_off.status, Status::Failed);
        assert!(live_off.reason.contains("credential report passed, account summary failed"));
        let report_off = verdict_of(&CONTROL, |snapshot| snapshot.root().mfa_active = Ok(false));
        assert_eq!(report_off.status, Status::Failed);
        assert!(report_off.reason.contains("credential report failed, account summary passed"));
    }

    #[test]
    fn root_of_govcloud_takes_no_mfa_device_with_a_key_or_without_one() {
        for key in [Ok(false), Ok(true)] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.account.partition = Partition::GovCloud;
                let root = snapshot.root();
                root.password_enabled =
                    Err(UnreadableCell { column: "password_enabled", found: Some("not_supported".into()) });
                root.mfa_active = Ok(false);
                root.access_keys[0].active = key.clone();
                let summary = snapshot.summary_mut();
                (summary.root_mfa, summary.root_password) = (Ok(0), Ok(0));
            });
            assert_eq!(verdict.status, Status::NotApplicable);
            assert!(verdict.reason.contains("GovCloud"), "{}", verdict.reason);
        }
    }

    #[test]
    fn there_is_no_root_user_in_china_unless_a_source_shows_its_credentials() {
        let absent = |snapshot: &mut Snapshot| {
            snapshot.account.partition = Partition::China;
            without_credentials(snapshot);
            snapshot.summary_mut().root_password = Err(unavailable(Source::AccountSummary));
        };
        let verdict = verdict_of(&CONTROL, absent);
        assert_eq!(verdict.status, Status::NotApplicable);
        assert!(verdict.reason.contains("no root user"), "{}", verdict.reason);
        let with_key = verdict_of(&CONTROL, |snapshot| {
            absent(snapshot);
            snapshot.summary_mut().root_access_keys = Ok(1);
        });
        assert_eq!(with_key.status, Status::Failed);
    }

    #[test]
    fn cr_21_root_without_any_credential_is_not_applicable() {
        let verdict = verdict_of(&CONTROL, without_credentials);
        assert_eq!(verdict.status, Status::NotApplicable);
        assert!(!verdict.reason.contains("disagree"));
    }

    #[test]
    fn a_single_key_or_certificate_makes_mfa_necessary() {
        for slot in 0..4 {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                without_credentials(snapshot);
                let root = snapshot.root();
                let slots = root.access_keys.iter_mut().chain(&mut root.signing_certificates);
                slots.skip(slot).take(1).for_each(|slot| slot.active = Ok(true));
            });
            assert_eq!(verdict.status, Status::Failed, "slot {slot}");
        }
        let breaks: [fn(&mut facts::account_summary::AccountSummary); 3] = [
            |summary| summary.root_password = Ok(1),
            |summary| summary.root_access_keys = Ok(1),
            |summary| summary.root_signing_certificates = Ok(1),
        ];
        for break_it in breaks {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                without_credentials(snapshot);
                break_it(snapshot.summary_mut());
            });
            assert_eq!(verdict.status, Status::Failed);
        }
    }

    #[test]
    fn credentials_that_came_with_mfa_since_the_report_pass() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_credentials(snapshot);
            let summary = snapshot.summary_mut();
            summary.root_password = Ok(1);
            summary.root_mfa = Ok(1);
        });
        assert_eq!(verdict.status, Status::Passed);
    }

    #[test]
    fn a_password_that_is_not_supported_counts_as_present() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_credentials(snapshot);
            snapshot.root().password_enabled =
                Err(UnreadableCell { column: "password_enabled", found: Some("not_supported".into()) });
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn cr_8_an_mfa_cell_that_cannot_be_read_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().mfa_active = Err(UnreadableCell { column: "mfa_active", found: Some("N/A".into()) });
        });
        assert_eq!(verdict.status, Status::Unknown);
    }

    #[test]
    fn a_missing_counter_or_source_is_unknown_unless_the_other_source_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_credentials(snapshot);
            snapshot.summary_mut().root_password = Err(unavailable(Source::AccountSummary));
        });
        assert_eq!(verdict.status, Status::Unknown);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(verdict.status, Status::Unknown);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
            snapshot.summary_mut().root_mfa = Ok(0);
        });
        assert_eq!(verdict.status, Status::Failed);
    }

    #[test]
    fn cr_20_a_device_is_roots_by_its_owner_and_not_by_its_name() {
        let device = |serial: &str, owner: &str| VirtualMfaDevice {
            serial_number: serial.into(),
            owner_arn: Some(owner.into()),
        };
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.virtual_mfa_devices = Ok(vec![
                device("arn:aws:iam::111122223333:mfa/root-account-mfa-device", "arn:aws:iam::111122223333:user/groot"),
                device("arn:aws:iam::111122223333:mfa/phone", "arn:aws:iam::111122223333:root"),
            ]);
        });
        let named: Vec<&str> = verdict
            .evidence
            .iter()
            .filter(|evidence| evidence.source == Source::VirtualMfaDevices)
            .map(|evidence| evidence.value.as_str())
            .collect();
        assert_eq!(named, ["arn:aws:iam::111122223333:mfa/phone"]);
    }
}
