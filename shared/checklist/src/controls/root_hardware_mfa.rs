//! The control `root-hardware-mfa`.

use facts::root_audit::MfaKind;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Evidence, Status, Verdict};

use super::root_credentials;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

/// The control.
pub const CONTROL: Control = Control {
    id: "root-hardware-mfa",
    title: "Root's MFA devices are security keys, passkeys or hardware tokens, not apps",
    violation: "root has no hardware MFA",
    step: None,
    severity: Severity::Medium,
    rationale: "An authenticator app can be copied through its backup, and a phishing page can collect its codes \
                along with the password. A security key works only on the real sign-in page and cannot be copied.",
    semantics: "Fails when root has credentials and no MFA device, or when a virtual MFA device belongs to root, even \
                if root also has a hardware device. A device belongs to root by the ARN of its owner, not by its name. \
                Passes otherwise: AWS lists virtual devices only, so a synced passkey cannot be distinguished from a \
                hardware key. In a member account without a credential report, `ListMFADevices` of an AssumeRoot \
                session lists the devices of root: a virtual device fails by its ARN. A passkey or security key \
                passes, and so does a hardware token. AWS does not say whether a passkey is synced. Not applicable when root has no credentials, in AWS GovCloud (US), where root does not \
                sign in to the console, and in China, where there is no root user.",
    remediation: Remediation {
        console: &[
            "Sign in as root and choose Security credentials in the account menu.",
            "Multi-factor authentication > Assign MFA device > Passkey or security key: register a security key.",
            "Register a second security key and keep it elsewhere. If you lose the only device, you are locked out.",
            "Sign in once with each key. Then remove the device of type Virtual.",
        ],
        cli: &[
            "aws iam list-virtual-mfa-devices --assignment-status Assigned \
             --query 'VirtualMFADevices[?ends_with(User.Arn, `:root`)].SerialNumber'",
            "aws iam deactivate-mfa-device --serial-number <serial number>   # signed with root's own credentials; prefer the \
             console",
        ],
    },
    sources: &[Source::CredentialReport, Source::AccountSummary, Source::VirtualMfaDevices, Source::RootAudit],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.6"),
        (Framework::Cis5, "1.5"),
        (Framework::Cis6, "2.5"),
        (Framework::Cis7, "2.6"),
        (Framework::SecurityHub, "IAM.6"),
        (Framework::Config, "root-account-hardware-mfa-enabled"),
        (Framework::Prowler, "iam_root_hardware_mfa_enabled"),
    ],
    references: &[Reference {
        name: "AWS: MFA for the root user",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/enable-mfa-for-root.html",
    }],
    evaluate,
};

const OF_ROOT: &str = "virtual MFA device of root";

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    if let Some(verdict) = root_credentials::does_not_sign_in(snapshot) {
        return Ok(verdict);
    }
    if !root_credentials::exist(snapshot)? {
        return Ok(root_credentials::none(snapshot));
    }
    let any = root_credentials::have_mfa(snapshot);
    let (list, second) = root_credentials::lists(
        (Source::VirtualMfaDevices, by_list(snapshot)),
        (Source::RootAudit, by_audit(snapshot)),
    );
    let of_kind = Verdict::worst_of(list, second);
    match of_kind.status {
        Status::Failed => {
            let mut verdict = of_kind;
            verdict.evidence.extend(any.evidence);
            Ok(verdict)
        }
        Status::Unknown if any.status == Status::Failed => Ok(any),
        Status::Unknown => Ok(Verdict { evidence: any.evidence, ..of_kind }),
        _ if any.status != Status::Passed => Ok(any),
        _ => {
            let mut evidence = any.evidence;
            evidence.extend(of_kind.evidence);
            let reason =
                "Root has MFA and no virtual device; a synced passkey cannot be distinguished from a hardware key";
            Ok(Verdict::new(Status::Passed, reason, evidence))
        }
    }
}

/// By the virtual devices of the account.
fn by_list(snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
    let devices = snapshot.virtual_mfa_devices.as_ref().map_err(Clone::clone)?;
    let root = snapshot.account.root_arn();
    let of_root = devices.iter().filter(|device| device.owner_arn.as_ref() == Some(&root));
    let serials: Vec<String> = of_root.map(|device| device.serial_number.clone()).collect();
    let none = || snapshot.evidence(Source::VirtualMfaDevices, OF_ROOT, "none");
    let evidence = serials.iter().map(|serial| snapshot.evidence(Source::VirtualMfaDevices, OF_ROOT, serial));
    let evidence: Vec<Evidence> = if serials.is_empty() { vec![none()] } else { evidence.collect() };
    Ok(are_virtual(serials, evidence))
}

/// By all devices of root, where the account is a member whose root user is audited.
fn by_audit(snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
    let devices = snapshot.audit()?.mfa_devices.as_ref().map_err(Clone::clone)?;
    let evidence = devices.iter().map(|device| {
        let value = format!("{} ({})", device.serial, device.kind.words());
        snapshot.evidence(Source::RootAudit, "MFA device of root", value)
    });
    let apps = devices.iter().filter(|device| device.kind == MfaKind::Virtual);
    Ok(are_virtual(apps.map(|device| device.serial.clone()).collect(), evidence.collect()))
}

fn are_virtual(serials: Vec<String>, evidence: Vec<Evidence>) -> Verdict {
    if serials.is_empty() {
        return Verdict::new(Status::Passed, "No virtual MFA device belongs to root", evidence);
    }
    Verdict::new(Status::Failed, "A virtual MFA device belongs to root", evidence).naming(serials)
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

    const PHONE: &str = "arn:aws:iam::111122223333:mfa/phone";

    fn device(serial: &str, owner: Option<&str>) -> VirtualMfaDevice {
        VirtualMfaDevice { serial_number: serial.into(), owner_arn: owner.map(str::to_owned) }
    }

    fn app(snapshot: &mut Snapshot) {
        snapshot.virtual_mfa_devices = Ok(vec![device(PHONE, Some("arn:aws:iam::111122223333:root"))]);
    }

    fn report(snapshot: &mut Snapshot) {
        snapshot.credential_report = Err(unavailable(Source::CredentialReport));
    }

    fn summary(snapshot: &mut Snapshot) {
        snapshot.account_summary = Err(unavailable(Source::AccountSummary));
    }

    fn devices(snapshot: &mut Snapshot) {
        snapshot.virtual_mfa_devices = Err(unavailable(Source::VirtualMfaDevices));
    }

    #[test]
    fn mfa_without_a_virtual_device_passes_and_says_what_it_cannot_distinguish() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!(verdict.status, Status::Passed);
        assert!(
            verdict.reason.contains("a synced passkey cannot be distinguished from a hardware key"),
            "{}",
            verdict.reason
        );
        assert_eq!(verdict.judged_by.len(), 3);
    }

    #[test]
    fn a_virtual_device_of_root_fails_and_is_named() {
        let verdict = verdict_of(&CONTROL, app);
        assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec![PHONE.to_owned()]));
        assert_eq!((verdict.evidence[0].fact.as_str(), verdict.evidence[0].value.as_str()), (OF_ROOT, PHONE));
        assert_eq!(verdict.judged_by.keys().copied().collect::<Vec<_>>(), [Source::VirtualMfaDevices]);
    }

    #[test]
    fn cr_20_a_device_is_roots_by_its_owner_and_not_by_its_name() {
        let serial = "arn:aws:iam::111122223333:mfa/root-account-mfa-device";
        for owner in [Some("arn:aws:iam::111122223333:user/root"), Some("arn:aws:iam::999988887777:root"), None] {
            let verdict =
                verdict_of(&CONTROL, |snapshot| snapshot.virtual_mfa_devices = Ok(vec![device(serial, owner)]));
            assert_eq!(verdict.status, Status::Passed, "{owner:?}");
        }
    }

    #[test]
    fn no_device_at_all_fails_also_while_the_list_is_unread() {
        let no_mfa = |snapshot: &mut Snapshot| snapshot.summary_mut().root_mfa = Ok(0);
        for unread in [|_: &mut Snapshot| {}, devices] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                no_mfa(snapshot);
                unread(snapshot);
            });
            assert_eq!(verdict.status, Status::Failed);
            assert!(verdict.reason.starts_with("Root has credentials and no MFA device"), "{}", verdict.reason);
        }
    }

    #[test]
    fn root_without_credentials_is_not_applicable_also_with_a_device() {
        for change in [|_: &mut Snapshot| {}, app, devices] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                without_credentials(snapshot);
                change(snapshot);
            });
            assert_eq!(verdict.status, Status::NotApplicable);
            assert!(!verdict.evidence.is_empty());
        }
    }

    #[test]
    fn root_of_govcloud_is_not_applicable() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.account.partition = Partition::GovCloud;
            snapshot.summary_mut().root_mfa = Ok(0);
        });
        assert_eq!(verdict.status, Status::NotApplicable);
        assert!(verdict.reason.contains("GovCloud"));
    }

    #[test]
    fn what_could_not_be_read_is_unknown_unless_a_virtual_device_was_seen() {
        let cell = |snapshot: &mut Snapshot| {
            snapshot.root().mfa_active = Err(UnreadableCell { column: "mfa_active", found: Some("N/A".into()) });
        };
        for unread in [report, summary, cell] {
            assert_eq!(verdict_of(&CONTROL, unread).status, Status::Unknown);
            let verdict = verdict_of(&CONTROL, |snapshot| {
                unread(snapshot);
                app(snapshot);
            });
            assert_eq!(verdict.status, Status::Failed);
        }
        let verdict = verdict_of(&CONTROL, devices);
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.starts_with("virtual MFA devices"), "{}", verdict.reason);
        assert!(!verdict.evidence.is_empty());
    }

    #[test]
    fn whether_there_are_credentials_at_all_must_be_known() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_credentials(snapshot);
            report(snapshot);
            app(snapshot);
        });
        assert_eq!(verdict.status, Status::Unknown);
    }
}
