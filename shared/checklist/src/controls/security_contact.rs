use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "security-contact",
    title: "AWS has a security contact for the account",
    violation: "no security contact",
    step: None,
    severity: Severity::Medium,
    rationale: "AWS writes to you when it finds an access key of the account in public, or when your resources are \
                abused. Without a security contact, that email goes to root's mailbox only, which is often not read.",
    semantics: "Fails when the alternate contact for security is not set. The contacts for operations and billing are \
                shown, but do not count. A member account does not inherit the contact of its organization. Whether \
                anyone reads the email is not evaluated.",
    remediation: Remediation {
        console: &[
            "Account > Alternate contacts > Edit > Security: enter a mailing list that the on-call engineers read, \
             and their phone number.",
            "In an organization, from the management account: AWS Organizations > AWS accounts > [account] > Contact \
             info.",
        ],
        cli: &[
            "aws account put-alternate-contact --alternate-contact-type SECURITY --name 'Security team' --title Security \
             --email-address <address> --phone-number <number>",
            "aws account get-alternate-contact --alternate-contact-type SECURITY",
        ],
    },
    sources: &[Source::AlternateContacts],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.2"),
        (Framework::Cis5, "1.2"),
        (Framework::Cis6, "2.2"),
        (Framework::Cis7, "2.3"),
        (Framework::SecurityHub, "Account.1"),
        (Framework::Config, "security-account-information-provided"),
        (Framework::Prowler, "account_security_contact_information_is_registered"),
    ],
    references: &[Reference {
        name: "AWS: Update the alternate contacts for your AWS account",
        url: "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let contacts = snapshot.alternate_contacts.as_ref().map_err(Clone::clone)?;
    let evidence =
        [("security", contacts.security), ("operations", contacts.operations), ("billing", contacts.billing)]
            .map(|(kind, is_set)| {
                let value = if is_set { "set" } else { "none" };
                snapshot.evidence(Source::AlternateContacts, format!("contact for {kind}"), value)
            })
            .to_vec();
    Ok(if contacts.security {
        Verdict::new(Status::Passed, "A security contact is set", evidence)
    } else {
        Verdict::new(Status::Failed, "No security contact is set", evidence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::contacts::AlternateContacts;
    use facts::testing::unavailable;

    fn with(security: bool, operations: bool, billing: bool) -> (Status, Vec<String>) {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.alternate_contacts = Ok(AlternateContacts { security, operations, billing });
        });
        let facts = verdict.evidence.iter().map(|evidence| format!("{} = {}", evidence.fact, evidence.value));
        (verdict.status, facts.collect())
    }

    #[test]
    fn the_contact_for_security_alone_decides_and_each_contact_is_shown() {
        let (status, facts) = with(true, false, false);
        assert_eq!(status, Status::Passed);
        assert_eq!(
            facts,
            ["contact for security = set", "contact for operations = none", "contact for billing = none"]
        );
        let (status, facts) = with(false, true, true);
        assert_eq!(status, Status::Failed);
        assert_eq!(facts, ["contact for security = none", "contact for operations = set", "contact for billing = set"]);
        assert_eq!(with(true, true, false).1[1..], ["contact for operations = set", "contact for billing = none"]);
    }

    #[test]
    fn contacts_that_were_not_read_are_unknown() {
        let blind = verdict_of(&CONTROL, |snapshot| {
            snapshot.alternate_contacts = Err(unavailable(Source::AlternateContacts));
        });
        assert_eq!(blind.status, Status::Unknown);
    }
}
