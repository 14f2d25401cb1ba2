//! What the checklist's sources recommend, and the controls that cover it, or why nothing in the account shows it.

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
    /// What they do not cover, and why; or what covers it beside controls.
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
                "No API shows where the password is stored: you attest to it.",
            ),
            partly(
                "Use a strong root user password",
                &["root-credentials-attested", "root-password-age"],
                "AWS shows only its age: you attest to its strength.",
            ),
            covered("Secure root's sign-in with MFA, preferably several devices", &["root-mfa", "root-hardware-mfa"]),
            covered("Don't create access keys for the root user", &["root-access-keys"]),
            partly(
                "Use multi-person approval for root sign-in",
                &["root-credentials-attested"],
                "No API shows who has which credential. Each sign-in sends an alert at once, and can be announced with a ticket.",
            ),
            unseen(
                "Use a group email address for root",
                "Only an organization's management account can read the address, and no API shows who reads the mailbox: attest contacts-reviewed.",
            ),
            partly(
                "Restrict access to account recovery",
                &["contact-information"],
                "No API shows who has access to mailbox and phone. Each password recovery of root sends an alert at once.",
            ),
            covered(
                "Secure root in an organization: centralized root access, service control policies",
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
                "No API shows what a key is used for; old and unused keys are reported.",
            ),
            partly(
                "Require MFA",
                &["root-mfa", "user-mfa"],
                "MFA of people in IAM Identity Center or another identity provider is not visible to the account.",
            ),
            covered("Update access keys when needed", &["access-key-rotation"]),
            covered("Protect your root user credentials", &["root-access-keys", "root-mfa", "root-unused"]),
            covered("Apply least-privilege permissions", &["least-privilege"]),
            unseen("Get started with AWS managed policies", "A practice, not a state of the account."),
            unseen("Generate policies with IAM Access Analyzer", "A practice, not a state of the account."),
            partly(
                "Remove unused users, roles, permissions, policies and credentials",
                &["unused-credentials"],
                "Passwords and keys only: the last use of roles and permissions takes one call each.",
            ),
            partly(
                "Use conditions in policies",
                &["role-trust"],
                "Only where a role trusts all principals without a condition.",
            ),
            covered(
                "Verify public and cross-account access with IAM Access Analyzer",
                &["access-analyzer", "role-trust"],
            ),
            unseen("Validate policies with IAM Access Analyzer", "A practice, not a state of the account."),
            covered("Establish permissions guardrails across accounts", &["root-guardrail", "organization"]),
            unseen("Use permissions boundaries to delegate", "No API shows whether permissions are delegated."),
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
                "The credential report does not show which key was created with the user.",
            ),
            covered("1.11 Unused credentials", &["unused-credentials"]),
            unseen(
                "1.12 One active key a user",
                "Not evaluated: rotating a key without an outage takes two keys. Old and unused keys are reported.",
            ),
            covered("1.13 Rotation of access keys", &["access-key-rotation"]),
            covered("1.14 Permissions through groups", &["groups-assign-permissions"]),
            covered("1.15 No full administrative privileges", &["least-privilege"]),
            covered("1.16 A support role", &["support-role"]),
            partly(
                "1.17 Roles for instances",
                &["access-key-rotation", "unused-credentials"],
                "Instances are not read; old and unused keys are reported.",
            ),
            unseen(
                "1.18 No expired server certificate in IAM",
                "Not evaluated: an expired certificate gives no access.",
            ),
            covered("1.19 External access analyzer in every Region", &["access-analyzer"]),
            covered("1.20 Users managed centrally", &["federation"]),
            unseen(
                "1.21 AWSCloudShellFullAccess is restricted",
                "Not evaluated: a person who can sign in and call AWS can exfiltrate data in other ways, too.",
            ),
            covered(
                "3.1, 3.2 CloudTrail in every Region, validated",
                &["cloudtrail-trail", "cloudtrail-validation", "cloudtrail-bucket"],
            ),
            unseen(
                "3.3 AWS Config records in every Region",
                "Not evaluated: AWS Config records resources of services; CloudTrail records who did what.",
            ),
            unseen(
                "3.4, 3.5 Access to the trail's bucket is logged, and its files are encrypted with a KMS key",
                "Not evaluated: cloudtrail-bucket requires that the bucket cannot be public, cloudtrail-validation that changed files are detected.",
            ),
            partly(
                "4.2 Sign-ins without MFA are monitored",
                &["root-mfa", "user-mfa"],
                "Each root sign-in is reported with whether MFA was used. For users, rootwatch evaluates whether they have MFA, not how they sign in.",
            ),
            covered("4.3 Use of root is monitored", &["alert-path"]),
            partly(
                "4.5, 4.7 Changes to CloudTrail and to keys are monitored",
                &["alert-path"],
                "Stopping, changing or deleting a trail, and disabling or deleting a key, is reported in the Regions that a trail records and the stack covers. Creating or starting a trail is not.",
            ),
            unseen(
                "4.1, 4.4, 4.6, 4.8 to 4.15 Refused calls and other changes are monitored, as those to IAM policies",
                "Reported when root does it; other principals are not monitored.",
            ),
            unseen(
                "4.16 Security Hub is enabled",
                "Not evaluated: rootwatch can send findings to it (parameter SecurityHub).",
            ),
            unseen("Sections 2, 3.6 and following, and 5", "About services and networks, not about the account."),
        ],
    },
    Recommender {
        name: "AWS: Monitoring costs of an account",
        url: "https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/monitoring-costs.html",
        recommendations: &[
            covered("Have billing reports delivered", &["billing-reports"]),
            covered("Get alerts when charges rise: budgets, billing alarms", &["billing-alerts"]),
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
