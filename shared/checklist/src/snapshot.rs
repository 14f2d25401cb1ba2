//! The facts of one account at one instant, and what could not be read.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::account_summary::AccountSummary;
use crate::credential_report::{CredentialReport, RootRow};
use crate::identities::{Administrators, Identities, VirtualMfaDevice};
use crate::password_policy::PasswordPolicy;
use crate::root_activity::RootActivity;
use crate::sweep::Span;
use crate::trails::Trail;
use crate::watch::Watch;

/// How AWS refuses credentials in a Region that the account has not enabled.
const FOREIGN_REGION: [&str; 3] = ["InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"];

/// Oldest credential report that still judges. IAM renews a report after 4 hours, so one this old was not renewable.
pub const MAX_REPORT_AGE: SignedDuration = SignedDuration::from_hours(24);

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
    pub administrators: Result<Administrators, Unavailable>,
    /// Whether the alias in [`Account`] could be read.
    pub account_alias: Result<(), Unavailable>,
    /// Whether the list of enabled Regions could be read; without it only the sign-in Regions are swept.
    pub regions: Result<(), Unavailable>,
    /// Whether somebody has confirmed a subscription to the topic; `None` where nobody is to be told.
    pub subscribed: Option<Result<bool, Unavailable>>,
    /// Every trail that records a Region in which root may sign in, each once.
    pub trails: Result<Vec<Trail>, Unavailable>,
    /// What wakes rootwatch; `None` where the function is not told its names.
    pub watch: Option<Watch>,
    /// What root did.
    pub root_events: RootEvents,
    /// Somebody asked for fewer Regions or a shorter look-back than is usual: such a run can find, but not clear.
    pub is_narrow: bool,
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
}

impl Snapshot {
    /// The credential report, if it is young enough to judge by.
    ///
    /// # Errors
    /// [`Cause::Stale`] past [`MAX_REPORT_AGE`], or why there is none.
    pub fn fresh_credential_report(&self) -> Result<&CredentialReport, Unavailable> {
        let report = self.credential_report.as_ref().map_err(Clone::clone)?;
        if self.taken_at.duration_since(report.generated_at) > MAX_REPORT_AGE {
            return Err(Unavailable {
                source: Source::CredentialReport,
                operation: "iam:GenerateCredentialReport".into(),
                cause: Cause::Stale { generated_at: report.generated_at },
            });
        }
        Ok(report)
    }

    /// Root's row of the credential report, if report and row can be judged by.
    pub fn root_row(&self) -> Result<&RootRow, Unavailable> {
        self.fresh_credential_report()?.root.as_ref().map_err(|fault| Unavailable {
            source: Source::CredentialReport,
            operation: "iam:GetCredentialReport".into(),
            cause: Cause::Malformed { detail: fault.to_string() },
        })
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
    /// `events:DescribeRule` and `scheduler:GetSchedule` of rootwatch's own.
    Watch,
    /// `cloudtrail:LookupEvents`.
    RootEvents,
}

impl Source {
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
        }
    }
}

impl std::error::Error for Unavailable {}

impl Unavailable {
    /// What to do about it; the same words for the same cause.
    pub fn remedy(&self) -> &'static str {
        match &self.cause {
            Cause::Denied { code } if FOREIGN_REGION.contains(&code.as_str()) => {
                "Credentials not accepted: the Region is not enabled in this account; enable it, or take it out of the parameter \
                 Regions. If it is enabled, the credentials have expired."
            }
            Cause::Denied { .. } => {
                "Denied: allow the named action to rootwatch's role (deploy the stack again). If the role has it, a service \
                 control policy or a permissions boundary denies it."
            }
            Cause::Throttled { .. } => {
                "Throttled: nothing, unless it lasts; then another tool uses up the account's request rate for this call."
            }
            Cause::Refused { .. } => {
                "Failed: look up the error code in the reference of the named action, and run the check again."
            }
            Cause::TimedOut | Cause::Unreachable => {
                "No answer: nothing, unless it lasts; then see the AWS Health Dashboard and, in a VPC, the route to the endpoint."
            }
            Cause::Malformed { .. } => {
                "Unusable answer: run the check again; if it lasts, compare with what the AWS CLI prints for the named action."
            }
            Cause::NotReady | Cause::Stale { .. } => {
                "Old or unfinished report: run `aws iam generate-credential-report` until it says COMPLETE; the next check reads it."
            }
            Cause::OutOfTime => "Cut short: shorten the look-back or raise the function's timeout.",
            Cause::Internal => "Defect: report it together with the function's log of this run.",
        }
    }
}

#[cfg(test)]
impl Snapshot {
    /// An account in which everything is as it should be: alice administers through a group, root rests.
    pub(crate) fn compliant() -> Self {
        use crate::account::{AccountId, Partition};
        use crate::identities::IamUser;

        let account = Account {
            id: AccountId::parse("111122223333").unwrap(),
            alias: Some("acme-prod".into()),
            partition: Partition::Aws,
        };
        let taken_at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let report = include_bytes!("../samples/credential-report-good.csv");
        let generated_at = taken_at - SignedDuration::from_hours(2);
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
            identities: Ok(Identities { users: vec![alice], groups: vec!["Administrators".into()] }),
            virtual_mfa_devices: Ok(Vec::new()),
            administrators: Ok(Administrators { groups: vec!["Administrators".into()], ..Administrators::default() }),
            account_alias: Ok(()),
            regions: Ok(()),
            subscribed: Some(Ok(true)),
            trails: Ok(vec![Trail::sound("management")]),
            watch: Some(Watch::whole()),
            root_events: RootEvents {
                since: taken_at - SignedDuration::from_hours(24),
                regions: vec![RegionSweep { region: "us-east-1".into(), incomplete: None, covered: Vec::new() }],
                activity: Vec::new(),
            },
            is_narrow: false,
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
                rules: Vec::new(),
                schedule: Schedule { name: "rootwatch-schedule".into(), state: Err(denied(Source::Watch)) },
            }),
            root_events: RootEvents {
                regions: vec![RegionSweep {
                    region: "us-east-1".into(),
                    incomplete: Some(denied(Source::RootEvents)),
                    covered: Vec::new(),
                }],
                ..compliant.root_events
            },
            ..compliant
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

    pub(crate) fn administrators_mut(&mut self) -> &mut Administrators {
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
