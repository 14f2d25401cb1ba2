//! The facts of one account at one instant, and what could not be read.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::account_summary::AccountSummary;
use crate::analyzers::RegionAnalyzers;
use crate::billing::{BillingAlarm, Budget, CostReport};
use crate::bucket::Bucket;
use crate::contacts::{AlternateContacts, PrimaryContact};
use crate::credential_report::{CredentialReport, RootRow};
use crate::federation::{IdentityCenterInstance, IdentityProviders};
use crate::finding::{Status, Verdict};
use crate::identities::{Holders, Identities, RolesAndPolicies, VirtualMfaDevice};
use crate::organization::{CentralRootAccess, Organization, ServiceControlPolicy};
use crate::password_policy::PasswordPolicy;
use crate::relay::Relay;
use crate::report::Call;
use crate::root_activity::RootActivity;
use crate::sweep::Span;
use crate::trails::Trail;
use crate::watch::Watch;

/// How AWS refuses credentials in a Region that the account has not enabled.
const FOREIGN_REGION: [&str; 3] = ["InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"];

/// Oldest credential report that still judges. IAM renews a report after 4 hours, so one this old was not renewable.
pub const MAX_REPORT_AGE: SignedDuration = SignedDuration::from_hours(24);

/// How far ahead of a run's clock a time of the past may lie; beyond that a clock is wrong, or somebody forges.
pub const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// Typed facts of one account at one instant. A source that could not be read is data, never an absence.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The account.
    pub account: Account,
    /// When the reading began. Everything but the credential report and root events is live at this instant.
    pub taken_at: Timestamp,
    /// Every user's credentials, as IAM last wrote them down; up to 4 hours old.
    pub credential_report: Result<CredentialReport, Unavailable>,
    /// Live counters of the account.
    pub account_summary: Result<AccountSummary, Unavailable>,
    /// `None`: the account has no password policy of its own.
    pub password_policy: Result<Option<PasswordPolicy>, Unavailable>,
    /// IAM users with their groups and policies, and the groups.
    pub identities: Result<Identities, Unavailable>,
    /// Virtual MFA devices of the whole account.
    pub virtual_mfa_devices: Result<Vec<VirtualMfaDevice>, Unavailable>,
    /// Who holds the policy `AdministratorAccess`.
    pub administrators: Result<Holders, Unavailable>,
    /// Whether the alias in [`Account`] could be read.
    pub account_alias: Result<(), Unavailable>,
    /// The enabled Regions; without them only those that record sign-ins are swept.
    pub regions: Result<Vec<EnabledRegion>, Unavailable>,
    /// Whether somebody has confirmed a subscription to the topic; `None` where nobody is to be told.
    pub subscribed: Option<Result<bool, Unavailable>>,
    /// rootwatch's own functions that pass messages on.
    pub relays: Vec<Relay>,
    /// Every trail that records a Region in which root may sign in, each once; those of at least one such Region.
    pub trails: Result<Vec<Trail>, Unavailable>,
    /// The other such Regions that did not list their trails, by code, with why.
    pub trails_unlisted: BTreeMap<String, Unavailable>,
    /// What wakes rootwatch; `None` where the function is not told its names.
    pub watch: Option<Watch>,
    /// What root did.
    pub root_events: RootEvents,
    /// Roles and customer-managed policies.
    pub roles_and_policies: Result<RolesAndPolicies, Unavailable>,
    /// Who holds the policy `AWSSupportAccess`.
    pub support_access: Result<Holders, Unavailable>,
    /// Identity providers of IAM.
    pub identity_providers: Result<IdentityProviders, Unavailable>,
    /// Instances of IAM Identity Center, of any Region.
    pub identity_center: Result<Vec<IdentityCenterInstance>, Unavailable>,
    /// When root's password was last changed by CloudTrail's 90 days; `None`: not in that time, as far as the trail tells.
    pub root_password_change: Result<Option<Timestamp>, Unavailable>,
    /// The buckets of [`Self::trails`], each once.
    pub trail_buckets: Result<Vec<Bucket>, Unavailable>,
    /// Cost and usage reports.
    pub cost_reports: Result<Vec<CostReport>, Unavailable>,
    /// Data exports of billing.
    pub data_exports: Result<Vec<CostReport>, Unavailable>,
    /// Budgets.
    pub budgets: Result<Vec<Budget>, Unavailable>,
    /// Alarms on estimated charges.
    pub billing_alarms: Result<Vec<BillingAlarm>, Unavailable>,
    /// `None`: the account has no primary contact.
    pub primary_contact: Result<Option<PrimaryContact>, Unavailable>,
    /// Alternate contacts.
    pub alternate_contacts: Result<AlternateContacts, Unavailable>,
    /// `None`: the account is in no organization.
    pub organization: Result<Option<Organization>, Unavailable>,
    /// `None`: AWS tells only the management account and a delegated administrator.
    pub central_root_access: Result<Option<CentralRootAccess>, Unavailable>,
    /// `None`: AWS tells only the management account and a delegated administrator.
    pub service_control_policies: Result<Option<Vec<ServiceControlPolicy>>, Unavailable>,
    /// Each Region that is swept.
    pub analyzers: Result<Vec<RegionAnalyzers>, Unavailable>,
    /// Somebody asked for fewer Regions or a shorter look-back than is usual: such a run can find, but not clear.
    pub is_narrow: bool,
    /// Every call that was made for it, in the order of their ends.
    pub calls: Vec<Call>,
}

/// A Region in which the account can make things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnabledRegion {
    /// Its code, as `eu-west-1`.
    pub name: String,
    /// Somebody enabled it (`ENABLED`); the others cannot be disabled (`ENABLED_BY_DEFAULT`).
    pub is_opt_in: bool,
}

/// Root's CloudTrail events of a span, from every Region.
#[derive(Debug, Clone)]
pub struct RootEvents {
    /// Start of the span, inclusive.
    pub since: Timestamp,
    /// One entry a Region that was to be swept.
    pub regions: Vec<RegionSweep>,
    /// Most severe first, then newest first; each `eventID` once.
    pub activity: Vec<RootActivity>,
}

/// How far one Region was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSweep {
    /// Region code, as `eu-west-1`.
    pub region: String,
    /// Why the Region's events of the span are not all there. Events read before the failure are kept.
    pub incomplete: Option<Unavailable>,
    /// What was looked through, newest first.
    pub covered: Vec<Span>,
    /// The same of everybody's sign-ins, where they are recorded.
    pub covered_sign_ins: Vec<Span>,
}

impl Snapshot {
    /// The credential report, if it is young enough to judge by.
    ///
    /// # Errors
    /// [`Cause::Stale`] past [`MAX_REPORT_AGE`], [`Cause::Malformed`] if it is of the future, or why there is none.
    pub fn fresh_credential_report(&self) -> Result<&CredentialReport, Unavailable> {
        let report = self.credential_report.as_ref().map_err(Clone::clone)?;
        let generated_at = report.generated_at;
        let unusable = |operation: &str, cause| Unavailable {
            source: Source::CredentialReport,
            operation: operation.into(),
            cause,
        };
        if self.is_ahead(generated_at) {
            let detail = format!("its GeneratedTime, {generated_at}, lies ahead: a clock is wrong, or it is forged");
            return Err(unusable("iam:GetCredentialReport", Cause::Malformed { detail }));
        }
        if self.taken_at.duration_since(generated_at) > MAX_REPORT_AGE {
            return Err(unusable("iam:GenerateCredentialReport", Cause::Stale { generated_at }));
        }
        Ok(report)
    }

    /// Whether something that has happened claims a time that has not come.
    pub fn is_ahead(&self, at: Timestamp) -> bool {
        at.duration_since(self.taken_at) > CLOCKS_DIFFER
    }

    /// Root's row of the credential report, if report and row can be judged by.
    pub fn root_row(&self) -> Result<&RootRow, Unavailable> {
        self.fresh_credential_report()?.root.as_ref().map_err(|fault| Unavailable {
            source: Source::CredentialReport,
            operation: "iam:GetCredentialReport".into(),
            cause: Cause::Malformed { detail: fault.to_string() },
        })
    }

    /// That not every Region in which root signs in has listed its trails, so that there may be others; `None`: all have.
    pub(crate) fn other_trails(&self) -> Option<Verdict> {
        let why: Vec<String> = self.trails_unlisted.values().map(Unavailable::to_string).collect();
        (!why.is_empty()).then(|| Verdict::new(Status::Unknown, why.join("; "), Vec::new()))
    }

    /// The live counters.
    pub fn summary(&self) -> Result<&AccountSummary, Unavailable> {
        self.account_summary.as_ref().map_err(Clone::clone)
    }
}

impl RootEvents {
    /// Why the span is not covered, one entry a Region; empty when it is.
    pub fn unavailable(&self) -> impl Iterator<Item = &Unavailable> {
        self.regions.iter().filter_map(|sweep| sweep.incomplete.as_ref())
    }
}

/// Where a fact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `iam:GetCredentialReport`.
    CredentialReport,
    /// `iam:GetAccountSummary`.
    AccountSummary,
    /// `iam:GetAccountPasswordPolicy`.
    PasswordPolicy,
    /// `iam:GetAccountAuthorizationDetails`.
    Identities,
    /// `iam:ListVirtualMFADevices`.
    VirtualMfaDevices,
    /// `iam:ListEntitiesForPolicy` of `AdministratorAccess`.
    Administrators,
    /// `iam:ListAccountAliases`.
    AccountAlias,
    /// `account:ListRegions`.
    Regions,
    /// `sns:ListSubscriptionsByTopic`.
    Subscribers,
    /// `cloudtrail:DescribeTrails`, with the state and the selectors of each trail.
    Trails,
    /// Rules, their targets, the canary and the schedule, of rootwatch's own.
    Watch,
    /// `cloudtrail:LookupEvents`.
    RootEvents,
    /// `iam:GetAccountAuthorizationDetails` of roles and customer-managed policies.
    RolesAndPolicies,
    /// `iam:ListEntitiesForPolicy` of `AWSSupportAccess`.
    SupportAccess,
    /// `iam:ListSAMLProviders` and `iam:ListOpenIDConnectProviders`.
    IdentityProviders,
    /// `sso:ListInstances`.
    IdentityCenter,
    /// `cloudtrail:LookupEvents` of changes to a password.
    RootPasswordChange,
    /// `s3:GetBucketPublicAccessBlock` and `s3:GetBucketPolicyStatus` of the buckets that trails deliver to.
    TrailBuckets,
    /// `cur:DescribeReportDefinitions`.
    CostReports,
    /// `bcm-data-exports:ListExports`.
    DataExports,
    /// `budgets:ViewBudget`.
    Budgets,
    /// `cloudwatch:DescribeAlarms`.
    BillingAlarms,
    /// `account:GetContactInformation`.
    PrimaryContact,
    /// `account:GetAlternateContact`.
    AlternateContacts,
    /// `organizations:DescribeOrganization`.
    Organization,
    /// `iam:ListOrganizationsFeatures`.
    CentralRootAccess,
    /// `organizations:ListPoliciesForTarget`, with the policies themselves.
    ServiceControlPolicies,
    /// `access-analyzer:ListAnalyzers`.
    Analyzers,
    /// What the owner states: the parameter `Attestations`.
    Attestations,
}

#[cfg(test)]
impl Source {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::CredentialReport,
        Self::AccountSummary,
        Self::PasswordPolicy,
        Self::Identities,
        Self::VirtualMfaDevices,
        Self::Administrators,
        Self::AccountAlias,
        Self::Regions,
        Self::Subscribers,
        Self::Trails,
        Self::Watch,
        Self::RootEvents,
        Self::RolesAndPolicies,
        Self::SupportAccess,
        Self::IdentityProviders,
        Self::IdentityCenter,
        Self::RootPasswordChange,
        Self::TrailBuckets,
        Self::CostReports,
        Self::DataExports,
        Self::Budgets,
        Self::BillingAlarms,
        Self::PrimaryContact,
        Self::AlternateContacts,
        Self::Organization,
        Self::CentralRootAccess,
        Self::ServiceControlPolicies,
        Self::Analyzers,
        Self::Attestations,
    ];
}

impl Source {
    /// Whether the watch over root does without it: controls alone need it, mostly of the account baseline. Those are listed last.
    pub fn is_of_baseline(self) -> bool {
        self >= Self::RolesAndPolicies
    }

    /// Whether it is read once an hour: it changes rarely, and neither a step nor the alert path rests on it.
    pub fn is_hourly(self) -> bool {
        self.is_of_baseline() && !matches!(self, Self::RolesAndPolicies | Self::IdentityProviders | Self::Attestations)
    }

    /// Its name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::CredentialReport => "credential_report",
            Self::AccountSummary => "account_summary",
            Self::PasswordPolicy => "password_policy",
            Self::Identities => "identities",
            Self::VirtualMfaDevices => "virtual_mfa_devices",
            Self::Administrators => "administrators",
            Self::AccountAlias => "account_alias",
            Self::Regions => "regions",
            Self::Subscribers => "subscribers",
            Self::Trails => "trails",
            Self::Watch => "watch",
            Self::RootEvents => "root_events",
            Self::RolesAndPolicies => "roles_and_policies",
            Self::SupportAccess => "support_access",
            Self::IdentityProviders => "identity_providers",
            Self::IdentityCenter => "identity_center",
            Self::RootPasswordChange => "root_password_change",
            Self::TrailBuckets => "trail_buckets",
            Self::CostReports => "cost_reports",
            Self::DataExports => "data_exports",
            Self::Budgets => "budgets",
            Self::BillingAlarms => "billing_alarms",
            Self::PrimaryContact => "primary_contact",
            Self::AlternateContacts => "alternate_contacts",
            Self::Organization => "organization",
            Self::CentralRootAccess => "central_root_access",
            Self::ServiceControlPolicies => "service_control_policies",
            Self::Analyzers => "analyzers",
            Self::Attestations => "attestations",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CredentialReport => "credential report",
            Self::AccountSummary => "account summary",
            Self::PasswordPolicy => "password policy",
            Self::Identities => "users and groups",
            Self::VirtualMfaDevices => "virtual MFA devices",
            Self::Administrators => "administrators",
            Self::AccountAlias => "account alias",
            Self::Regions => "list of Regions",
            Self::Subscribers => "subscribers",
            Self::Trails => "trails",
            Self::Watch => "rules and schedule",
            Self::RootEvents => "root events",
            Self::RolesAndPolicies => "roles and policies",
            Self::SupportAccess => "support access",
            Self::IdentityProviders => "identity providers",
            Self::IdentityCenter => "IAM Identity Center",
            Self::RootPasswordChange => "history of root's password",
            Self::TrailBuckets => "buckets of the trails",
            Self::CostReports => "cost and usage reports",
            Self::DataExports => "data exports",
            Self::Budgets => "budgets",
            Self::BillingAlarms => "billing alarms",
            Self::PrimaryContact => "primary contact",
            Self::AlternateContacts => "alternate contacts",
            Self::Organization => "organization",
            Self::CentralRootAccess => "centralized root access",
            Self::ServiceControlPolicies => "service control policies",
            Self::Analyzers => "access analyzers",
            Self::Attestations => "attestations",
        })
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
    /// Too old to judge by.
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
                write!(f, "did not renew the report, the last one is of {generated_at} and too old to judge by")
            }
            Self::OutOfTime => f.write_str("was cut short by the end of this run"),
            Self::Internal => f.write_str("met a defect of rootwatch"),
            Self::NotAsked => f.write_str("was not asked for"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Unavailable {
    /// `source` was not read, because no chosen control needs it.
    pub fn not_asked(source: Source) -> Self {
        Self { source, operation: source.id().into(), cause: Cause::NotAsked }
    }

    /// How to make it readable; the same words for the same cause.
    pub fn remedy(&self) -> &'static str {
        match &self.cause {
            Cause::Denied { code } if FOREIGN_REGION.contains(&code.as_str()) => {
                "Credentials not accepted: the Region is not enabled in this account; enable it, or take it out of the parameter \
                 Regions. If it is enabled, the credentials have expired."
            }
            Cause::Denied { .. } => {
                "Denied: allow each named action to rootwatch's role; deploying the stack again restores its policies. If the role has \
                 the action, a service control policy, a resource policy or a permissions boundary denies it: exempt the role there."
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
impl Snapshot {
    /// An account in which everything is as it should be: alice administers through a group, root rests.
    pub(crate) fn compliant() -> Self {
        use crate::account::{AccountId, Partition};
        use crate::billing::Delivery;
        use crate::bucket::Exposure;
        use crate::contacts::PhoneVerification;
        use crate::federation::SamlProvider;
        use crate::identities::{Group, IamUser, ManagedPolicy, Role};
        use crate::policy_document::{Grants, Trust};

        let account = Account {
            id: AccountId::parse("111122223333").unwrap(),
            alias: Some("acme-prod".into()),
            partition: Partition::Aws,
        };
        let taken_at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let report = include_bytes!("../samples/credential-report-good.csv");
        let generated_at = taken_at - SignedDuration::from_hours(2);
        let role = |name: &str| Role {
            name: name.into(),
            trust: Trust::own_account(),
            attached_policies: Vec::new(),
            inline_policies: Vec::new(),
        };
        let alice = IamUser { name: "alice".into(), groups: vec!["Administrators".into()], ..IamUser::default() };
        Self {
            credential_report: Ok(CredentialReport::parse(report, generated_at, &account).unwrap()),
            account_summary: Ok(AccountSummary::from_counters(|key| {
                Some(i32::from(["AccountMFAEnabled", "AccountPasswordPresent", "Users"].contains(&key)))
            })),
            password_policy: Ok(Some(PasswordPolicy {
                minimum_length: 14,
                require_uppercase: true,
                require_lowercase: true,
                require_numbers: true,
                require_symbols: true,
                max_age_days: Some(90),
                hard_expiry: false,
                users_may_change: true,
                reuse_prevention: Some(24),
            })),
            identities: Ok(Identities {
                users: vec![alice],
                groups: vec![Group { name: "Administrators".into(), ..Group::default() }],
            }),
            virtual_mfa_devices: Ok(Vec::new()),
            administrators: Ok(Holders { groups: vec!["Administrators".into()], ..Holders::default() }),
            account_alias: Ok(()),
            regions: Ok(vec![EnabledRegion { name: "us-east-1".into(), is_opt_in: false }]),
            subscribed: Some(Ok(true)),
            relays: Vec::new(),
            trails: Ok(vec![Trail::sound("management")]),
            trails_unlisted: BTreeMap::new(),
            watch: Some(Watch::whole()),
            root_events: RootEvents {
                since: taken_at - SignedDuration::from_hours(24),
                regions: vec![RegionSweep {
                    region: "us-east-1".into(),
                    incomplete: None,
                    covered: Vec::new(),
                    covered_sign_ins: Vec::new(),
                }],
                activity: Vec::new(),
            },
            roles_and_policies: Ok(RolesAndPolicies {
                roles: ["deploy", "support"].map(role).into(),
                policies: vec![ManagedPolicy { name: "deploy".into(), attachments: 1, grants: Grants::LIMITED }],
            }),
            support_access: Ok(Holders { roles: vec!["support".into()], ..Holders::default() }),
            identity_providers: Ok(IdentityProviders {
                saml: vec![SamlProvider {
                    name: "acme".into(),
                    valid_until: Some(taken_at + SignedDuration::from_hours(10 * 365 * 24)),
                }],
                open_id_connect: Vec::new(),
            }),
            identity_center: Ok(Vec::new()),
            root_password_change: Ok(None),
            trail_buckets: Ok(vec![Bucket {
                name: "acme-prod-trail".into(),
                exposure: Ok(Some(Exposure { is_blocked: true, has_public_policy: None })),
            }]),
            cost_reports: Ok(vec![CostReport { name: "monthly".into(), delivery: Delivery::Works }]),
            data_exports: Ok(Vec::new()),
            budgets: Ok(vec![Budget { name: "monthly".into(), notifications: 1 }]),
            billing_alarms: Ok(Vec::new()),
            primary_contact: Ok(Some(PrimaryContact { phone: PhoneVerification::Verified })),
            alternate_contacts: Ok(AlternateContacts { security: true, operations: true, billing: true }),
            organization: Ok(Some(Organization {
                id: "o-exampleorgid".into(),
                management_account: account.id.clone(),
                has_all_features: true,
            })),
            central_root_access: Ok(Some(CentralRootAccess { manages_credentials: true, opens_sessions: true })),
            service_control_policies: Ok(None),
            analyzers: Ok(vec![RegionAnalyzers {
                region: "us-east-1".into(),
                active: Ok(vec!["external-access".into()]),
            }]),
            is_narrow: false,
            calls: Vec::new(),
            account,
            taken_at,
        }
    }

    /// The same account with every source denied.
    pub(crate) fn blind() -> Self {
        use crate::watch::Schedule;

        let denied = |source: Source| Unavailable {
            source,
            operation: "iam:Some".into(),
            cause: Cause::Denied { code: "AccessDenied".into() },
        };
        let compliant = Self::compliant();
        Self {
            credential_report: Err(denied(Source::CredentialReport)),
            account_summary: Err(denied(Source::AccountSummary)),
            password_policy: Err(denied(Source::PasswordPolicy)),
            identities: Err(denied(Source::Identities)),
            virtual_mfa_devices: Err(denied(Source::VirtualMfaDevices)),
            administrators: Err(denied(Source::Administrators)),
            account_alias: Err(denied(Source::AccountAlias)),
            regions: Err(denied(Source::Regions)),
            subscribed: Some(Err(denied(Source::Subscribers))),
            trails: Err(denied(Source::Trails)),
            watch: Some(Watch {
                home: "eu-west-1".into(),
                rules: Vec::new(),
                canaries: Vec::new(),
                schedule: Schedule { name: "rootwatch-schedule".into(), state: Err(denied(Source::Watch)) },
            }),
            root_events: RootEvents {
                regions: vec![RegionSweep {
                    region: "us-east-1".into(),
                    incomplete: Some(denied(Source::RootEvents)),
                    covered: Vec::new(),
                    covered_sign_ins: Vec::new(),
                }],
                ..compliant.root_events
            },
            roles_and_policies: Err(denied(Source::RolesAndPolicies)),
            support_access: Err(denied(Source::SupportAccess)),
            identity_providers: Err(denied(Source::IdentityProviders)),
            identity_center: Err(denied(Source::IdentityCenter)),
            root_password_change: Err(denied(Source::RootPasswordChange)),
            trail_buckets: Err(denied(Source::TrailBuckets)),
            cost_reports: Err(denied(Source::CostReports)),
            data_exports: Err(denied(Source::DataExports)),
            budgets: Err(denied(Source::Budgets)),
            billing_alarms: Err(denied(Source::BillingAlarms)),
            primary_contact: Err(denied(Source::PrimaryContact)),
            alternate_contacts: Err(denied(Source::AlternateContacts)),
            organization: Err(denied(Source::Organization)),
            central_root_access: Err(denied(Source::CentralRootAccess)),
            service_control_policies: Err(denied(Source::ServiceControlPolicies)),
            analyzers: Err(denied(Source::Analyzers)),
            ..compliant
        }
    }

    /// Denies one source more; statements are no reading, and stay.
    pub(crate) fn blind_to(&mut self, source: Source) {
        let blind = Self::blind();
        match source {
            Source::CredentialReport => self.credential_report = blind.credential_report,
            Source::AccountSummary => self.account_summary = blind.account_summary,
            Source::PasswordPolicy => self.password_policy = blind.password_policy,
            Source::Identities => self.identities = blind.identities,
            Source::VirtualMfaDevices => self.virtual_mfa_devices = blind.virtual_mfa_devices,
            Source::Administrators => self.administrators = blind.administrators,
            Source::AccountAlias => self.account_alias = blind.account_alias,
            Source::Regions => self.regions = blind.regions,
            Source::Subscribers => self.subscribed = blind.subscribed,
            Source::Trails => self.trails = blind.trails,
            Source::Watch => self.watch = blind.watch,
            Source::RootEvents => self.root_events = blind.root_events,
            Source::RolesAndPolicies => self.roles_and_policies = blind.roles_and_policies,
            Source::SupportAccess => self.support_access = blind.support_access,
            Source::IdentityProviders => self.identity_providers = blind.identity_providers,
            Source::IdentityCenter => self.identity_center = blind.identity_center,
            Source::RootPasswordChange => self.root_password_change = blind.root_password_change,
            Source::TrailBuckets => self.trail_buckets = blind.trail_buckets,
            Source::CostReports => self.cost_reports = blind.cost_reports,
            Source::DataExports => self.data_exports = blind.data_exports,
            Source::Budgets => self.budgets = blind.budgets,
            Source::BillingAlarms => self.billing_alarms = blind.billing_alarms,
            Source::PrimaryContact => self.primary_contact = blind.primary_contact,
            Source::AlternateContacts => self.alternate_contacts = blind.alternate_contacts,
            Source::Organization => self.organization = blind.organization,
            Source::CentralRootAccess => self.central_root_access = blind.central_root_access,
            Source::ServiceControlPolicies => self.service_control_policies = blind.service_control_policies,
            Source::Analyzers => self.analyzers = blind.analyzers,
            Source::Attestations => {}
        }
    }

    pub(crate) fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    pub(crate) fn root(&mut self) -> &mut RootRow {
        self.credential_report.as_mut().unwrap().root.as_mut().unwrap()
    }

    pub(crate) fn report_users(&mut self) -> &mut Vec<crate::credential_report::UserRow> {
        &mut self.credential_report.as_mut().unwrap().users
    }

    pub(crate) fn summary_mut(&mut self) -> &mut AccountSummary {
        self.account_summary.as_mut().unwrap()
    }

    pub(crate) fn users_mut(&mut self) -> &mut Vec<crate::identities::IamUser> {
        &mut self.identities.as_mut().unwrap().users
    }

    pub(crate) fn trail(&mut self) -> &mut Trail {
        self.trails.as_mut().unwrap().first_mut().unwrap()
    }

    pub(crate) fn administrators_mut(&mut self) -> &mut Holders {
        self.administrators.as_mut().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cr_13_a_report_judges_for_24_hours_and_not_a_second_longer() {
        let mut snapshot = Snapshot::compliant();
        let at = |age: SignedDuration| snapshot.taken_at - age;
        let (old, too_old) = (at(MAX_REPORT_AGE), at(MAX_REPORT_AGE + SignedDuration::from_secs(1)));
        snapshot.credential_report.as_mut().unwrap().generated_at = old;
        assert!(snapshot.fresh_credential_report().is_ok());
        snapshot.credential_report.as_mut().unwrap().generated_at = too_old;
        assert_eq!(snapshot.fresh_credential_report().unwrap_err().cause, Cause::Stale { generated_at: too_old });
    }

    #[test]
    fn a_report_of_the_future_is_unknown_and_not_young() {
        let mut snapshot = Snapshot::compliant();
        let at = |ahead: SignedDuration| snapshot.taken_at + ahead;
        let (near, ahead) = (at(CLOCKS_DIFFER), at(CLOCKS_DIFFER + SignedDuration::from_secs(1)));
        let forged = at(SignedDuration::from_hours(400 * 24));
        snapshot.credential_report.as_mut().unwrap().generated_at = near;
        assert!(snapshot.fresh_credential_report().is_ok(), "clocks differ");
        for generated_at in [ahead, forged] {
            snapshot.credential_report.as_mut().unwrap().generated_at = generated_at;
            let why = snapshot.fresh_credential_report().unwrap_err().to_string();
            assert!(why.contains("lies ahead: a clock is wrong, or it is forged"), "{why}");
            assert!(snapshot.root_row().is_err());
        }
    }

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
