//! Where facts come from, and why one is missing.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How AWS refuses credentials in a Region that the account has not enabled.
const FOREIGN_REGION: [&str; 3] = ["InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"];

/// How AWS says that the fault is its own.
const SERVICE_FAULTS: [&str; 6] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];

/// How much of the watch rests on a source, and so how often it is read.
#[derive(PartialEq, Eq)]
enum Reading {
    /// Steps, the alert path or root's events need it: each check reads it.
    Core,
    /// Only controls need it, mostly of the account baseline: each check reads it.
    EachCheck,
    /// The same of facts that change rarely, and on which neither a step nor the alert path rests.
    Hourly,
    /// Only the audit of a member account reads it: a check of its own account never does.
    Member,
}

/// Everything that is said of a source stands in its line; those of the account baseline are last.
macro_rules! sources {
    ($($(#[$doc:meta])* $name:ident: $reading:ident, $id:literal, $words:literal;)+) => {
        /// Where a fact comes from.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum Source {
            $($(#[$doc])* #[serde(rename = $id)] $name,)+
        }

        impl Source {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            fn reading(self) -> Reading {
                match self { $(Self::$name => Reading::$reading,)+ }
            }

            /// Its name in JSON.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }
        }

        impl fmt::Display for Source {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $words,)+ })
            }
        }
    };
}

sources! {
    /// `iam:GetCredentialReport`.
    CredentialReport: Core, "credential_report", "credential report";
    /// `iam:GetAccountSummary`.
    AccountSummary: Core, "account_summary", "account summary";
    /// `iam:GetAccountPasswordPolicy`.
    PasswordPolicy: Core, "password_policy", "password policy";
    /// `iam:GetAccountAuthorizationDetails`.
    Identities: Core, "identities", "users and groups";
    /// `iam:ListVirtualMFADevices`.
    VirtualMfaDevices: Core, "virtual_mfa_devices", "virtual MFA devices";
    /// `iam:ListEntitiesForPolicy` of `AdministratorAccess`.
    Administrators: Core, "administrators", "administrators";
    /// `iam:ListAccountAliases`.
    AccountAlias: Core, "account_alias", "account alias";
    /// `account:ListRegions`.
    Regions: Core, "regions", "list of Regions";
    /// `sns:ListSubscriptionsByTopic`.
    Subscribers: Core, "subscribers", "subscribers";
    /// `cloudtrail:DescribeTrails`, with the state and the selectors of each trail.
    Trails: Core, "trails", "trails";
    /// Rules, their targets, the canary and the schedule, of rootwatch's own.
    Watch: Core, "watch", "rules and schedule";
    /// `cloudtrail:LookupEvents`.
    RootEvents: Core, "root_events", "root events";
    /// `iam:GetAccountAuthorizationDetails` of roles and customer-managed policies.
    RolesAndPolicies: EachCheck, "roles_and_policies", "roles and policies";
    /// `iam:ListEntitiesForPolicy` of `AWSSupportAccess`.
    SupportAccess: Hourly, "support_access", "support access";
    /// `iam:ListSAMLProviders` and `iam:ListOpenIDConnectProviders`.
    IdentityProviders: EachCheck, "identity_providers", "identity providers";
    /// `sso:ListInstances`.
    IdentityCenter: Hourly, "identity_center", "IAM Identity Center";
    /// `cloudtrail:LookupEvents` of changes to a password.
    RootPasswordChange: Hourly, "root_password_change", "history of root's password";
    /// `s3:GetBucketPublicAccessBlock` and `s3:GetBucketPolicyStatus` of the buckets that trails deliver to.
    TrailBuckets: Hourly, "trail_buckets", "buckets of the trails";
    /// `cur:DescribeReportDefinitions`.
    CostReports: Hourly, "cost_reports", "cost and usage reports";
    /// `bcm-data-exports:ListExports`.
    DataExports: Hourly, "data_exports", "data exports";
    /// `budgets:ViewBudget`.
    Budgets: Hourly, "budgets", "budgets";
    /// `cloudwatch:DescribeAlarms`.
    BillingAlarms: Hourly, "billing_alarms", "billing alarms";
    /// `account:GetContactInformation`.
    PrimaryContact: Hourly, "primary_contact", "primary contact";
    /// `account:GetAlternateContact`.
    AlternateContacts: Hourly, "alternate_contacts", "alternate contacts";
    /// `organizations:DescribeOrganization`.
    Organization: Hourly, "organization", "organization";
    /// `iam:ListOrganizationsFeatures`.
    CentralRootAccess: Hourly, "central_root_access", "centralized root access";
    /// `organizations:ListPoliciesForTarget`, with the policies themselves.
    ServiceControlPolicies: Hourly, "service_control_policies", "service control policies";
    /// `access-analyzer:ListAnalyzers`.
    Analyzers: Hourly, "analyzers", "access analyzers";
    /// What the owner states: the parameter `Attestations`.
    Attestations: EachCheck, "attestations", "attestations";
    /// Lists of root's credentials in a session of `sts:AssumeRoot`.
    RootAudit: Member, "root_audit", "audit of root's credentials";
}

impl Source {
    /// Whether the watch over root does without it: controls alone need it, mostly of the account baseline.
    pub fn is_of_baseline(self) -> bool {
        matches!(self.reading(), Reading::EachCheck | Reading::Hourly)
    }

    /// Whether it is read once an hour: it changes rarely, and neither a step nor the alert path rests on it.
    pub fn is_hourly(self) -> bool {
        self.reading() == Reading::Hourly
    }

    /// Whether only the audit of a member account reads it. A check without such an audit says nothing of it.
    pub fn is_of_member(self) -> bool {
        self.reading() == Reading::Member
    }
}

/// Why a fact is missing: which source, which operation, what happened. Becomes [`crate::Status::Unknown`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unavailable {
    /// What could not be read.
    pub source: Source,
    /// The IAM action that was needed, as `iam:GetAccountSummary`, with the Region where it matters.
    pub operation: String,
    /// What happened.
    #[serde(flatten)]
    pub cause: Cause,
}

/// What kept a source from being read. Carries error codes, never request ids: equal failures are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// The role may not call the operation.
    Denied {
        /// AWS error code.
        code: String,
    },
    /// AWS refused the pace, also after retries.
    Throttled {
        /// AWS error code.
        code: String,
    },
    /// AWS refused for another reason.
    Refused {
        /// AWS error code, or `unknown`.
        code: String,
    },
    /// No answer in time, also after retries.
    TimedOut,
    /// No connection.
    Unreachable,
    /// An answer that cannot be understood.
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// IAM was still writing the credential report when its budget ended.
    NotReady,
    /// Too old to evaluate.
    Stale {
        /// When it was written.
        generated_at: Timestamp,
    },
    /// The run's own time ended first.
    OutOfTime,
    /// rootwatch itself failed here.
    Internal,
    /// No chosen control needs it.
    NotAsked,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.source, self.operation, self.cause)
    }
}

/// Goes on after the name of the operation.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { code } => write!(f, "was denied ({code})"),
            Self::Throttled { code } => write!(f, "was throttled ({code})"),
            Self::Refused { code } => write!(f, "failed ({code})"),
            Self::TimedOut => f.write_str("did not answer in time"),
            Self::Unreachable => f.write_str("could not be reached"),
            Self::Malformed { detail } => write!(f, "gave an answer that cannot be used: {detail}"),
            Self::NotReady => f.write_str("did not finish the report in time"),
            Self::Stale { generated_at } => {
                write!(f, "did not renew the report; the last one is from {generated_at}, too old to evaluate")
            }
            Self::OutOfTime => f.write_str("was cut short by the end of this run"),
            Self::Internal => f.write_str("met a defect of rootwatch"),
            Self::NotAsked => f.write_str("was not asked for"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Cause {
    /// Whether people know `other` as the same cause: services name a denial in several ways.
    pub fn is_like(&self, other: &Self) -> bool {
        let is_foreign = |code: &String| FOREIGN_REGION.contains(&code.as_str());
        match (self, other) {
            (Self::Denied { code }, Self::Denied { code: other }) => is_foreign(code) == is_foreign(other),
            _ => self == other,
        }
    }

    /// What may be gone in a later run without any change.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::TimedOut | Self::Unreachable | Self::NotReady | Self::OutOfTime => true,
            Self::Refused { code } => SERVICE_FAULTS.contains(&code.as_str()),
            _ => false,
        }
    }
}

impl Unavailable {
    /// `source` was not read, because no chosen control needs it.
    pub fn not_asked(source: Source) -> Self {
        Self { source, operation: source.id().into(), cause: Cause::NotAsked }
    }

    /// Whether it is missing only because this check did not ask for it.
    pub fn is_not_asked(&self) -> bool {
        self.cause == Cause::NotAsked
    }

    /// How to make it readable; the same words for the same cause.
    pub fn remedy(&self) -> &'static str {
        match &self.cause {
            Cause::Denied { code } if FOREIGN_REGION.contains(&code.as_str()) => {
                "Credentials not accepted: the Region is not enabled in this account; enable it, or take it out of the parameter \
                 Regions. If it is enabled, the credentials have expired."
            }
            Cause::Denied { .. } => {
                "Access denied: in CloudTrail, find who took the permission away (PutRolePolicy, DeleteRolePolicy, \
                 PutRolePermissionsBoundary). Restore the role: CloudFormation > Stacks > rootwatch > Create change set, with the \
                 deployment mode that reverts drift. If the role already allows the listed actions, a service control policy, a \
                 resource policy or a permissions boundary denies them: exempt the role there."
            }
            Cause::Throttled { .. } => {
                "Throttled: wait for the next check. If it lasts, another tool uses up the account's request rate for this call: slow \
                 it down, or ask AWS for a higher quota."
            }
            Cause::Refused { .. } => {
                "Failed: look up the error code in the reference of the named action, and run the check again."
            }
            Cause::TimedOut | Cause::Unreachable => {
                "No answer: wait for the next check. If it lasts, see the AWS Health Dashboard and, in a VPC, the route to the endpoint."
            }
            Cause::Malformed { .. } => {
                "Unusable answer: run the check again; if it lasts, compare with what the AWS CLI prints for the named action."
            }
            Cause::NotReady | Cause::Stale { .. } => {
                "Old or unfinished report: run `aws iam generate-credential-report` until it says COMPLETE; the next check reads it."
            }
            Cause::OutOfTime => {
                "Cut short: wait for the next check. If it lasts, shorten the look-back or raise the function's timeout."
            }
            Cause::NotAsked => "Not read: no chosen control needs it.",
            Cause::Internal => "Defect: report it together with the function's log of this run.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_words_and_a_remedy() {
        let code = || "Code".to_owned();
        let causes = [
            Cause::Denied { code: code() },
            Cause::Denied { code: "UnrecognizedClientException".into() },
            Cause::Throttled { code: code() },
            Cause::Refused { code: code() },
            Cause::TimedOut,
            Cause::Unreachable,
            Cause::Malformed { detail: "why".into() },
            Cause::NotReady,
            Cause::Stale { generated_at: Timestamp::UNIX_EPOCH },
            Cause::OutOfTime,
            Cause::Internal,
            Cause::NotAsked,
        ];
        let words: Vec<String> = causes
            .into_iter()
            .map(|cause| {
                let operation = "iam:GetCredentialReport".to_owned();
                let unavailable = Unavailable { source: Source::CredentialReport, operation, cause };
                format!("{unavailable}\n  -> {}", unavailable.remedy())
            })
            .collect();
        insta::assert_snapshot!(words.join("\n"));
    }
}
