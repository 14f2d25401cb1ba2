use facts::contacts::PhoneVerification;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Evidence, Status, Verdict};

use crate::control::{Control, Reference, Remediation, no_user};
use crate::declarations::Statement;
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "contact-information",
    title: "AWS can reach the account owner by phone",
    violation: "AWS cannot reach the account owner",
    step: None,
    severity: Severity::Low,
    rationale: "When root is locked out or the account is abused, AWS calls the primary contact. If AWS cannot reach \
                you, you can lose the account.",
    semantics: "Fails when there is no primary contact, or when its phone number is not verified. A number in a \
                country where AWS does not verify numbers passes. Unknown when AWS does not show whether it is \
                verified. No API shows whether the contact is still right and whether anyone reads root's email: the \
                attestation contacts-reviewed says so and is shown, but does not change the result. rootwatch neither \
                stores nor reports who the contact is.",
    remediation: Remediation {
        console: &[
            "Account > Contact information > Edit: enter a postal address and a phone number of the company, not of \
             one person.",
            "Verify the phone number: AWS sends a code to it.",
            "When you have reviewed all contacts and root's email address, record it in the parameter Attestations \
             (contacts-reviewed).",
        ],
        cli: &[
            "aws account get-contact-information",
            "aws account put-contact-information --contact-information file://contact.json",
        ],
    },
    sources: &[Source::PrimaryContact, Source::Attestations],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.1"),
        (Framework::Cis5, "1.1"),
        (Framework::Cis6, "2.1"),
        (Framework::Cis7, "2.2"),
        (Framework::Prowler, "account_maintain_current_contact_details"),
    ],
    references: &[Reference {
        name: "AWS: Update the primary contact for your AWS account",
        url: "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-primary.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    let contact = snapshot.primary_contact.as_ref().map_err(Clone::clone)?;
    let (status, reason, fact, value) = match contact.as_ref().map(|contact| &contact.phone) {
        None => (Status::Failed, "The account has no primary contact", "primary contact", "none"),
        Some(phone) => {
            let (status, reason, value) = match phone {
                PhoneVerification::Verified => {
                    (Status::Passed, "The primary contact's phone number is verified", "verified")
                }
                PhoneVerification::NotSupported => (
                    Status::Passed,
                    "AWS does not verify phone numbers in the primary contact's country",
                    "cannot be verified",
                ),
                PhoneVerification::Pending => (
                    Status::Failed,
                    "Verification of the primary contact's phone number is pending",
                    "NOT yet verified",
                ),
                PhoneVerification::Unverified => {
                    (Status::Failed, "The primary contact's phone number is not verified", "NOT verified")
                }
                PhoneVerification::NotTold => {
                    let reason = "AWS does not show whether the primary contact's phone number is verified";
                    (Status::Unknown, reason, "not shown")
                }
            };
            (status, reason, "phone number of the primary contact", value)
        }
    };
    let mut evidence = vec![snapshot.evidence(Source::PrimaryContact, fact, value)];
    evidence.extend(reviewed(snapshot, settings));
    Ok(Verdict::new(status, reason, evidence))
}

fn reviewed(snapshot: &Snapshot, settings: &Settings) -> Option<Evidence> {
    let statement = Statement::ContactsReviewed;
    let stated = settings.declarations.attestation(statement)?;
    let (expires, until) =
        (if stated.is_lapsed(snapshot.taken_at) { "expired at" } else { "expires at" }, stated.lapses_at());
    let value = format!("attested by {}, {expires} {until}", stated.by);
    Some(snapshot.evidence(Source::Attestations, statement.id(), value))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use crate::declarations::{ATTESTATION_HOLDS, Attestation, Declarations};
    use facts::contacts::PrimaryContact;
    use facts::testing::unavailable;

    fn with_phone(phone: PhoneVerification) -> Verdict {
        verdict_of(&CONTROL, |snapshot| snapshot.primary_contact = Ok(Some(PrimaryContact { phone })))
    }

    #[test]
    fn a_phone_number_passes_when_it_is_verified_or_cannot_be_and_is_unknown_when_aws_does_not_show_it() {
        for (phone, status, shown) in [
            (PhoneVerification::Verified, Status::Passed, "verified"),
            (PhoneVerification::NotSupported, Status::Passed, "cannot be verified"),
            (PhoneVerification::Unverified, Status::Failed, "NOT verified"),
            (PhoneVerification::Pending, Status::Failed, "NOT yet verified"),
            (PhoneVerification::NotTold, Status::Unknown, "not shown"),
        ] {
            let verdict = with_phone(phone);
            assert_eq!((verdict.status, verdict.evidence[0].value.as_str()), (status, shown));
            assert_eq!(verdict.evidence.len(), 1);
        }
    }

    #[test]
    fn no_primary_contact_fails_and_an_unread_one_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.primary_contact = Ok(None));
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, "The account has no primary contact"));
        let blind =
            verdict_of(&CONTROL, |snapshot| snapshot.primary_contact = Err(unavailable(Source::PrimaryContact)));
        assert_eq!(blind.status, Status::Unknown);
    }

    #[test]
    fn an_attested_review_is_shown_with_its_end_and_decides_nothing() {
        let stated = |on: Timestamp, statement: Statement, contact: Option<PrimaryContact>| {
            let attestations = vec![Attestation { statement, by: "alice".into(), on }];
            let declarations = Declarations { attestations, ..Declarations::default() };
            let settings = Settings { declarations, ..Settings::default() };
            let verdict = verdict_with(&CONTROL, &settings, |snapshot| snapshot.primary_contact = Ok(contact));
            let shown = verdict.evidence.iter().find(|evidence| evidence.source == Source::Attestations);
            (verdict.status, shown.map(|evidence| format!("{} = {}", evidence.fact, evidence.value)))
        };
        let verified = || Some(PrimaryContact { phone: PhoneVerification::Verified });
        let now = Snapshot::compliant().taken_at();
        let lapsing = now - ATTESTATION_HOLDS;
        let second = SignedDuration::from_secs(1);
        let expected = |words: &str| Some(format!("contacts-reviewed = attested by alice, {words}"));
        assert_eq!(
            stated(lapsing + second, Statement::ContactsReviewed, verified()),
            (Status::Passed, expected("expires at 2026-11-20T10:00:01Z"))
        );
        assert_eq!(
            stated(lapsing, Statement::ContactsReviewed, verified()),
            (Status::Passed, expected("expired at 2026-11-20T10:00:00Z"))
        );
        assert_eq!(
            stated(lapsing + second, Statement::ContactsReviewed, None),
            (Status::Failed, expected("expires at 2026-11-20T10:00:01Z"))
        );
        assert_eq!(stated(now, Statement::RootPasswordStrong, verified()), (Status::Passed, None));
    }
}
