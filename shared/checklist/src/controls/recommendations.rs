//! What the checklist's sources recommend, and which control covers it; or why nothing in the account shows it.

/// Where recommendations come from.
pub(super) struct Recommender {
    pub(super) name: &'static str,
    pub(super) url: &'static str,
    pub(super) recommendations: &'static [Recommendation],
}

/// One recommendation.
pub(super) struct Recommendation {
    /// In few words.
    pub(super) text: &'static str,
    /// Ids of the controls that cover it.
    pub(super) controls: &'static [&'static str],
    /// What of it they do not see, and why; or what covers it beside controls.
    pub(super) note: &'static str,
}

const fn covered(text: &'static str, controls: &'static [&'static str]) -> Recommendation {
    Recommendation { text, controls, note: "" }
}

const fn partly(text: &'static str, controls: &'static [&'static str], note: &'static str) -> Recommendation {
    Recommendation { text, controls, note }
}

const fn unseen(text: &'static str, note: &'static str) -> Recommendation {
    Recommendation { text, controls: &[], note }
}

pub(super) const RECOMMENDERS: &[Recommender] = &[
    Recommender {
        name: "The five steps (security status of the IAM console)",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        recommendations: &[
            covered("Delete your root access keys", &["root-access-keys", "root-signing-certificates"]),
            covered("Activate MFA on your root account", &["root-mfa", "root-hardware-mfa"]),
            covered("Create individual IAM users", &["individual-iam-users", "root-unused", "administrator-access"]),
            covered("Use groups to assign permissions", &["groups-assign-permissions"]),
            covered("Apply an IAM password policy", &["password-policy"]),
        ],
    },
    Recommender {
        name: "AWS: Root user best practices for your AWS account",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
        recommendations: &[
            partly(
                "Secure your root user credentials, and use them only for tasks that need them",
                &["root-unused", "root-credentials-attested"],
                "Where the password is kept is in no API: the owner states it.",
            ),
            partly(
                "Use a strong root user password",
                &["root-credentials-attested", "root-password-age"],
                "AWS shows its age at most; its strength is stated by the owner.",
            ),
            covered("Secure root's sign-in with MFA, preferably several devices", &["root-mfa", "root-hardware-mfa"]),
            covered("Don't create access keys for the root user", &["root-access-keys"]),
            partly(
                "Use multi-person approval for root sign-in",
                &["root-credentials-attested"],
                "Who holds which credential is in no API. Each sign-in is told at once, and may be announced with a ticket.",
            ),
            unseen(
                "Use a group e-mail address for root",
                "Only an organization's management account may read the address, and nothing tells who reads the mailbox; state contacts-reviewed.",
            ),
            partly(
                "Restrict access to account recovery",
                &["contact-information"],
                "Who reaches mailbox and phone is in no API. Each password recovery of root is told at once.",
            ),
            covered(
                "Secure root in an organization: central root access, service control policies",
                &["root-guardrail", "organization"],
            ),
            covered(
                "Monitor access and usage",
                &["alert-path", "root-use-recorded", "cloudtrail-trail", "root-unused"],
            ),
        ],
    },
    Recommender {
        name: "AWS: Security best practices in IAM",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        recommendations: &[
            covered("Require human users to use federation", &["federation", "individual-iam-users"]),
            partly(
                "Require workloads to use temporary credentials",
                &["access-key-rotation", "unused-credentials"],
                "What a key is used for is in no API; old and unused ones are named.",
            ),
            partly(
                "Require MFA",
                &["root-mfa", "user-mfa"],
                "MFA of people in IAM Identity Center or another identity provider is not shown to the account.",
            ),
            covered("Update access keys when needed", &["access-key-rotation"]),
            covered("Protect your root user credentials", &["root-access-keys", "root-mfa", "root-unused"]),
            covered("Apply least-privilege permissions", &["least-privilege"]),
            unseen("Get started with AWS managed policies", "A way to work, not a state."),
            unseen("Generate policies with IAM Access Analyzer", "A way to work, not a state."),
            partly(
                "Remove unused users, roles, permissions, policies and credentials",
                &["unused-credentials"],
                "Passwords and keys only: last use of roles and permissions takes a call each.",
            ),
            partly("Use conditions in policies", &["role-trust"], "Only where everybody is trusted without one."),
            covered(
                "Verify public and cross-account access with IAM Access Analyzer",
                &["access-analyzer", "role-trust"],
            ),
            unseen("Validate policies with IAM Access Analyzer", "A way to work, not a state."),
            covered("Establish permissions guardrails across accounts", &["root-guardrail", "organization"]),
            unseen("Use permissions boundaries to delegate", "Whether permissions are delegated is in no API."),
        ],
    },
    Recommender {
        name: "AWS Well-Architected: SEC01-BP02, the AWS account and its root user",
        url: "https://docs.aws.amazon.com/wellarchitected/latest/framework/sec_securely_operate_aws_account.html",
        recommendations: &[
            covered("Use AWS Organizations", &["organization"]),
            covered("Limit use of the root user", &["root-unused", "root-guardrail"]),
            covered("Enable MFA for the root user", &["root-mfa"]),
            covered("Periodically change the root password", &["root-password-age"]),
            covered("Be notified when root is used", &["alert-path", "root-use-recorded"]),
            covered("Restrict access to newly added Regions", &["unneeded-regions"]),
            covered("Keep contact information current", &["contact-information", "security-contact"]),
        ],
    },
    Recommender {
        name: "CIS AWS Foundations Benchmark 5.0: identity, logging, monitoring of root",
        url: "https://www.cisecurity.org/benchmark/amazon_web_services",
        recommendations: &[
            covered("1.1, 1.2 Contacts", &["contact-information", "security-contact"]),
            covered("1.3 to 1.6 Root user", &["root-access-keys", "root-mfa", "root-hardware-mfa", "root-unused"]),
            covered("1.7, 1.8 Password policy", &["password-policy"]),
            covered("1.9 MFA of users with a password", &["user-mfa"]),
            unseen(
                "1.10 No access key at the initial set-up of a user",
                "The report does not tell which key came with the user.",
            ),
            covered("1.11 Unused credentials", &["unused-credentials"]),
            unseen(
                "1.12 One active key a user",
                "Not judged: two keys are how a key is rotated without an outage; old and unused ones are.",
            ),
            covered("1.13 Rotation of access keys", &["access-key-rotation"]),
            covered("1.14 Permissions through groups", &["groups-assign-permissions"]),
            covered("1.15 No full administrative privileges", &["least-privilege"]),
            covered("1.16 A support role", &["support-role"]),
            partly(
                "1.17 Roles for instances",
                &["access-key-rotation", "unused-credentials"],
                "What runs on an instance is not read; old and unused keys are named.",
            ),
            unseen("1.18 No expired server certificate in IAM", "Not judged: an expired certificate lets nobody in."),
            covered("1.19 External access analyzer in every Region", &["access-analyzer"]),
            covered("1.20 Users managed centrally", &["federation"]),
            unseen(
                "1.21 AWSCloudShellFullAccess is restricted",
                "Not judged: whoever may sign in and call AWS can carry data out by other ways too.",
            ),
            covered(
                "3.1, 3.2 CloudTrail in every Region, validated",
                &["cloudtrail-trail", "cloudtrail-validation", "cloudtrail-bucket"],
            ),
            unseen(
                "3.3 AWS Config records in every Region",
                "Not judged: it records resources of services; who did what is in CloudTrail.",
            ),
            unseen(
                "3.4, 3.5 Access to the trail's bucket is logged, and its files are encrypted by a key of KMS",
                "Not judged: cloudtrail-bucket asks that the bucket cannot be public, cloudtrail-validation that a change of the files is seen.",
            ),
            partly(
                "4.2 Sign-ins without MFA are monitored",
                &["root-mfa", "user-mfa"],
                "Each sign-in of root is told with whether MFA was used; of users it is judged whether they have MFA, not how they sign in.",
            ),
            covered("4.3 Use of root is monitored", &["alert-path"]),
            partly(
                "4.5, 4.7 Changes to CloudTrail and to keys are monitored",
                &["alert-path"],
                "Whoever stops, changes or deletes a trail, or disables or deletes a key, is told of in the Regions that a trail records and the stack hears; who makes or starts a trail is not.",
            ),
            unseen(
                "4.1, 4.4, 4.6, 4.8 to 4.15 Refused calls and other changes are monitored, as those to IAM policies",
                "Told where root makes them; what others do is not watched.",
            ),
            unseen("4.16 Security Hub is enabled", "Not judged: findings can be sent to it (SecurityHub)."),
            unseen("Sections 2, 3.6 and following, and 5", "Of services and networks, not of the account."),
        ],
    },
    Recommender {
        name: "AWS: Monitoring costs of an account",
        url: "https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/monitoring-costs.html",
        recommendations: &[
            covered("Have billing reports delivered", &["billing-reports"]),
            covered("Be told when charges grow: budgets, billing alarms", &["billing-alerts"]),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::control;

    #[test]
    fn every_recommendation_has_a_control_or_says_why_not() {
        for recommender in RECOMMENDERS {
            for recommendation in recommender.recommendations {
                let text = recommendation.text;
                assert!(!recommendation.controls.is_empty() || !recommendation.note.is_empty(), "{text}");
                assert!(recommendation.controls.iter().all(|id| control(id).is_some()), "{text}");
                assert!(recommendation.note.is_empty() || recommendation.note.ends_with('.'), "{text}");
            }
        }
    }
}
