use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "organization",
    title: "The account is in an organization with all features",
    violation: "no organization with all features",
    step: None,
    severity: Severity::Low,
    rationale: "Nothing can limit root of a standalone account. An organization can: its policies bind root of member \
                accounts, and it can delete root's credentials.",
    semantics: "Fails when the account is not in an organization, or in one with consolidated billing only. The \
                organization's policies are not evaluated here, see root-guardrail.",
    remediation: Remediation {
        console: &[
            "No organization: AWS Organizations > Create an organization, in an account without workloads. Then \
             invite this account.",
            "Consolidated billing only: in the management account, AWS Organizations > Settings > Begin process to \
             enable all features. Invited accounts must agree.",
        ],
        cli: &[
            "aws organizations create-organization --feature-set ALL   # in the future management account",
            "aws organizations invite-account-to-organization --target Type=ACCOUNT,Id=<account>   # in the management account",
            "aws organizations enable-all-features   # in the management account",
        ],
    },
    sources: &[Source::Organization],
    user_of: no_user,
    mappings: &[
        (Framework::SecurityHub, "Account.2"),
        (Framework::Config, "account-part-of-organizations"),
        (Framework::Prowler, "organizations_account_part_of_organizations"),
    ],
    references: &[
        Reference {
            name: "AWS: What is AWS Organizations?",
            url: "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_introduction.html",
        },
        Reference {
            name: "AWS: Enabling all features for an organization",
            url: "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_org_support-all-features.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let Some(organization) = snapshot.organization.as_ref().map_err(Clone::clone)? else {
        let evidence = vec![snapshot.evidence(Source::Organization, "organization", "none")];
        return Ok(Verdict::new(Status::Failed, "The account is not in an organization", evidence));
    };
    let features = if organization.has_all_features { "all" } else { "consolidated billing ONLY" };
    let evidence = vec![
        snapshot.evidence(Source::Organization, "organization", &organization.id),
        snapshot.evidence(Source::Organization, "management account", &organization.management_account),
        snapshot.evidence(Source::Organization, "features", features),
    ];
    Ok(if organization.has_all_features {
        Verdict::new(Status::Passed, "The account is in an organization with all features", evidence)
    } else {
        Verdict::new(Status::Failed, "The account's organization has consolidated billing only", evidence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::account::AccountId;
    use facts::testing::unavailable;

    #[test]
    fn an_organization_with_all_features_passes_in_its_management_account_and_in_a_member() {
        for management in ["111122223333", "999988887777"] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                let organization = snapshot.organization.as_mut().unwrap().as_mut().unwrap();
                organization.management_account = AccountId::parse(management).unwrap();
            });
            assert_eq!(verdict.status, Status::Passed);
            let shown: Vec<&str> = verdict.evidence.iter().map(|evidence| evidence.value.as_str()).collect();
            assert_eq!(shown, ["o-exampleorgid", management, "all"]);
        }
    }

    #[test]
    fn no_organization_fails_and_so_does_one_for_billing_alone() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.organization = Ok(None));
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::Failed, "The account is not in an organization")
        );
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.organization.as_mut().unwrap().as_mut().unwrap().has_all_features = false;
        });
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(verdict.evidence[2].value, "consolidated billing ONLY");
    }

    #[test]
    fn an_organization_that_was_not_read_is_unknown() {
        let blind = verdict_of(&CONTROL, |snapshot| snapshot.organization = Err(unavailable(Source::Organization)));
        assert_eq!(blind.status, Status::Unknown);
    }
}
