use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::Verdict;

use super::root_slots::{Listed, Slots};
use crate::control::{Control, Reference, Remediation, Step, no_user};
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "root-signing-certificates",
    title: "Root has no X.509 signing certificates",
    violation: "root has a signing certificate",
    step: Some(Step::RootAccessKeys),
    severity: Severity::High,
    rationale: "A signing certificate is the oldest kind of root credential. Its private key signs requests to some \
                services as root, without a password or MFA. No current workload needs one.",
    semantics: "Fails when the credential report shows a certificate in either slot, active or not, or when \
                `AccountSigningCertificatesPresent` is above 0. Passes when both sources show none. In a member \
                account without a credential report, `ListSigningCertificates` of an AssumeRoot session takes the \
                report's place.",
    remediation: Remediation {
        console: &[
            "Sign in as root and choose Security credentials in the account menu.",
            "X.509 signing certificates > Actions > Deactivate. When nothing has failed for a few days, X.509 signing \
             certificates > Actions > Delete.",
        ],
        cli: &["aws iam delete-signing-certificate --certificate-id <id>   # signed with root's own credentials"],
    },
    sources: &[Source::CredentialReport, Source::AccountSummary, Source::RootAudit],
    user_of: no_user,
    mappings: &[],
    references: &[Reference {
        name: "AWS: Security best practices for the root user",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    }],
    evaluate,
};

const SLOTS: Slots = Slots {
    noun: "signing certificate",
    of_report: |root| &root.signing_certificates,
    of_audit: |audit| {
        let certificates = audit.signing_certificates.as_ref().map_err(Clone::clone)?.iter();
        Ok(certificates.map(|of| Listed { id: of.id.clone(), active: of.active, used: None }).collect())
    },
    of_summary: ("AccountSigningCertificatesPresent", |summary| &summary.root_signing_certificates),
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    Ok(SLOTS.are_empty(snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::credential_report::UnreadableCell;
    use facts::source::Source;
    use facts::testing::unavailable;
    use facts::verdict::Status;

    #[test]
    fn none_in_both_sources_passes() {
        assert_eq!(verdict_of(&CONTROL, |_| {}).status, Status::Passed);
    }

    #[test]
    fn an_active_or_inactive_certificate_fails_in_either_slot() {
        for slot in [0, 1] {
            let active = verdict_of(&CONTROL, |snapshot| snapshot.root().signing_certificates[slot].active = Ok(true));
            let inactive = verdict_of(&CONTROL, |snapshot| {
                snapshot.root().signing_certificates[slot].last_rotated = Ok(Some(snapshot.taken_at()));
            });
            assert_eq!([active.status, inactive.status], [Status::Failed; 2]);
        }
    }

    #[test]
    fn a_certificate_in_the_live_summary_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.summary_mut().root_signing_certificates = Ok(1));
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.reason.contains("the sources disagree"));
    }

    #[test]
    fn a_slot_or_a_source_that_cannot_be_read_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.root().signing_certificates[1].active =
                Err(UnreadableCell { column: "cert_2_active", found: None });
        });
        assert_eq!(verdict.status, Status::Unknown);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(verdict.status, Status::Unknown);
    }
}
