//! The facts of one account at one instant, and what could not be read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::account::Account;
use crate::account_summary::AccountSummary;
use crate::analyzers::RegionAnalyzers;
use crate::billing::{BillingAlarm, Budget, CostReport};
use crate::bucket::Bucket;
use crate::call::Call;
use crate::contacts::{AlternateContacts, PrimaryContact};
use crate::credential_report::{CredentialReport, RootRow};
use crate::federation::{IdentityCenterInstance, IdentityProviders};
use crate::identities::{Holders, Identities, RolesAndPolicies, VirtualMfaDevice};
use crate::organization::{CentralRootAccess, Organization, ServiceControlPolicy};
use crate::password_policy::PasswordPolicy;
use crate::relay::Relay;
use crate::root_activity::RootActivity;
use crate::root_audit::RootAudit;
use crate::source::{Cause, Source, Unavailable};
use crate::span::{CLOCKS_DIFFER, Span};
use crate::trails::Trail;
use crate::verdict::{Evidence, Status, Verdict};
use crate::watch::Watch;

/// Oldest credential report that is still evaluated. IAM renews a report after 4 hours, so one this old was not renewable.
pub const MAX_REPORT_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Every fact that is read as a whole has its line: source, field, type. [`Source`] says the rest.
macro_rules! snapshot {
    ($($(#[$doc:meta])* $source:ident => $field:ident: $fact:ty;)+) => {
        /// Typed facts of one account at one instant. A source that could not be read is data, never an absence.
        #[derive(Debug, Clone)]
        pub struct Snapshot {
            /// The account.
            pub account: Account,
            /// When the reading began. Everything but the credential report and root events is live at this instant.
            pub taken_at: Timestamp,
            $($(#[$doc])* pub $field: Result<$fact, Unavailable>,)+
            /// Whether a subscription to the topic is confirmed; `None` where no alert is to be sent.
            pub subscribed: Option<Result<bool, Unavailable>>,
            /// rootwatch's own functions that pass messages on.
            pub relays: Vec<Relay>,
            /// The other Regions of [`Self::trails`] that did not list their trails, by code, with why.
            pub trails_unlisted: BTreeMap<String, Unavailable>,
            /// What wakes rootwatch; `None` where the function does not have its names.
            pub watch: Option<Watch>,
            /// What root did.
            pub root_events: RootEvents,
            /// Somebody asked for fewer Regions or a shorter look-back than is usual: such a run can find, but not clear.
            pub is_narrow: bool,
            /// Every call that was made for it, in the order of their ends.
            pub calls: Vec<Call>,
        }

        impl Snapshot {
            /// Nothing was asked for yet.
            pub fn unasked(account: Account, taken_at: Timestamp) -> Self {
                Self {
                    account,
                    taken_at,
                    $($field: Err(Unavailable::not_asked(Source::$source)),)+
                    subscribed: None,
                    relays: Vec::new(),
                    trails_unlisted: BTreeMap::new(),
                    watch: None,
                    root_events: RootEvents { since: taken_at, regions: Vec::new(), activity: Vec::new() },
                    is_narrow: false,
                    calls: Vec::new(),
                }
            }

            /// Why `source` as a whole could not be read; a source that is missing here does not compile.
            pub fn unread(&self, source: Source) -> Option<&Unavailable> {
                match source {
                    $(Source::$source => self.$field.as_ref().err(),)+
                    Source::Subscribers => self.subscribed.as_ref().and_then(|subscribed| subscribed.as_ref().err()),
                    Source::Watch => self.watch.as_ref().and_then(Watch::unread),
                    Source::RootEvents => self.root_events.unavailable().next(),
                    // The owner attests; nothing is read.
                    Source::Attestations => None,
                }
            }

            /// Replaces what was read by `why`; `false`: the source has no line in the table.
            #[cfg(any(test, feature = "testing"))]
            pub(crate) fn lose(&mut self, why: Unavailable) -> bool {
                match why.source {
                    $(Source::$source => self.$field = Err(why),)+
                    Source::Subscribers | Source::Watch | Source::RootEvents | Source::Attestations => return false,
                }
                true
            }
        }
    };
}

snapshot! {
    /// Every user's credentials, as IAM last wrote them down; up to 4 hours old.
    CredentialReport => credential_report: CredentialReport;
    /// Live lists of root's credentials, where the account is looked into by `sts:AssumeRoot`; not asked for in an account's own check.
    RootAudit => root_audit: RootAudit;
    /// Live counters of the account.
    AccountSummary => account_summary: AccountSummary;
    /// `None`: the account has no password policy of its own.
    PasswordPolicy => password_policy: Option<PasswordPolicy>;
    /// IAM users with their groups and policies, and the groups.
    Identities => identities: Identities;
    /// Virtual MFA devices of the whole account.
    VirtualMfaDevices => virtual_mfa_devices: Vec<VirtualMfaDevice>;
    /// Who holds the policy `AdministratorAccess`.
    Administrators => administrators: Holders;
    /// Whether the alias in [`Account`] could be read.
    AccountAlias => account_alias: ();
    /// The enabled Regions; without them only those that record sign-ins are swept.
    Regions => regions: Vec<EnabledRegion>;
    /// Every trail that records a Region in which root may sign in, each once; those of at least one such Region.
    Trails => trails: Vec<Trail>;
    /// Roles and customer-managed policies.
    RolesAndPolicies => roles_and_policies: RolesAndPolicies;
    /// Who holds the policy `AWSSupportAccess`.
    SupportAccess => support_access: Holders;
    /// Identity providers of IAM.
    IdentityProviders => identity_providers: IdentityProviders;
    /// Instances of IAM Identity Center, of any Region.
    IdentityCenter => identity_center: Vec<IdentityCenterInstance>;
    /// When root's password was last changed by CloudTrail's 90 days; `None`: not in that time, as far as the trail shows.
    RootPasswordChange => root_password_change: Option<Timestamp>;
    /// The buckets of [`Self::trails`], each once.
    TrailBuckets => trail_buckets: Vec<Bucket>;
    /// Cost and usage reports.
    CostReports => cost_reports: Vec<CostReport>;
    /// Data exports of billing.
    DataExports => data_exports: Vec<CostReport>;
    /// Budgets.
    Budgets => budgets: Vec<Budget>;
    /// Alarms on estimated charges.
    BillingAlarms => billing_alarms: Vec<BillingAlarm>;
    /// `None`: the account has no primary contact.
    PrimaryContact => primary_contact: Option<PrimaryContact>;
    /// Alternate contacts.
    AlternateContacts => alternate_contacts: AlternateContacts;
    /// `None`: the account is in no organization.
    Organization => organization: Option<Organization>;
    /// `None`: AWS shows it only to the management account and a delegated administrator.
    CentralRootAccess => central_root_access: Option<CentralRootAccess>;
    /// `None`: AWS shows it only to the management account and a delegated administrator.
    ServiceControlPolicies => service_control_policies: Option<Vec<ServiceControlPolicy>>;
    /// Each Region that is swept.
    Analyzers => analyzers: Vec<RegionAnalyzers>;
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
    /// What a session of `sts:AssumeRoot` in a member account shows: root's credentials and the counters, and nothing else. Where only the
    /// counters were asked for ([`RootAudit::not_asked`]), make it narrow: such a look can find, but not clear.
    pub fn of_root_audit(
        account: Account,
        taken_at: Timestamp,
        summary: Result<AccountSummary, Unavailable>,
        audit: RootAudit,
    ) -> Self {
        Self { account_summary: summary, root_audit: Ok(audit), ..Self::unasked(account, taken_at) }
    }

    /// The credential report, if it is young enough to evaluate.
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

    /// Root's row of the credential report, if report and row can be evaluated.
    pub fn root_row(&self) -> Result<&RootRow, Unavailable> {
        self.fresh_credential_report()?.root.as_ref().map_err(|fault| Unavailable {
            source: Source::CredentialReport,
            operation: "iam:GetCredentialReport".into(),
            cause: Cause::Malformed { detail: fault.to_string() },
        })
    }

    /// That not every Region in which root signs in has listed its trails, so that there may be others; `None`: all have.
    pub fn other_trails(&self) -> Option<Verdict> {
        let why: Vec<String> = self.trails_unlisted.values().map(Unavailable::to_string).collect();
        (!why.is_empty()).then(|| Verdict::new(Status::Unknown, why.join("; "), Vec::new()))
    }

    /// The lists of root's credentials.
    pub fn audit(&self) -> Result<&RootAudit, Unavailable> {
        self.root_audit.as_ref().map_err(Clone::clone)
    }

    /// Whether neither root's events nor the Regions that have them were asked for.
    pub fn is_without_events(&self) -> bool {
        self.root_events.regions.is_empty() && self.regions.as_ref().is_err_and(Unavailable::is_not_asked)
    }

    /// The live counters.
    pub fn summary(&self) -> Result<&AccountSummary, Unavailable> {
        self.account_summary.as_ref().map_err(Clone::clone)
    }

    /// Evidence from a source that is live.
    pub fn evidence(&self, source: Source, fact: impl Into<String>, value: impl ToString) -> Evidence {
        Evidence { source, fact: fact.into(), value: value.to_string(), as_of: self.taken_at }
    }

    /// Evidence from the credential report, as old as that is.
    pub fn report_evidence(&self, fact: impl Into<String>, value: impl ToString) -> Evidence {
        let as_of = self.credential_report.as_ref().map_or(self.taken_at, |report| report.generated_at);
        Evidence { as_of, ..self.evidence(Source::CredentialReport, fact, value) }
    }
}

impl RootEvents {
    /// Why the span is not covered, one entry a Region; empty when it is.
    pub fn unavailable(&self) -> impl Iterator<Item = &Unavailable> {
        self.regions.iter().filter_map(|sweep| sweep.incomplete.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root_audit::RootAudit;

    #[test]
    fn a_root_audit_asks_for_no_other_source() {
        let compliant = Snapshot::compliant();
        let audit = RootAudit::without_credentials();
        let snapshot = Snapshot::of_root_audit(compliant.account, compliant.taken_at, compliant.account_summary, audit);
        let read = [Source::AccountSummary, Source::RootAudit];
        // These have no state without a Region, a subscription or a rule to look at; attestations are read nowhere.
        let no_state = [Source::Subscribers, Source::Watch, Source::RootEvents, Source::Attestations];
        for source in Source::ALL.iter().filter(|source| !no_state.contains(source)) {
            let is_asked = !snapshot.unread(*source).is_some_and(Unavailable::is_not_asked);
            assert_eq!(is_asked, read.contains(source), "{source}");
        }
        assert!(snapshot.subscribed.is_none() && snapshot.watch.is_none() && !snapshot.is_narrow);
        assert!(snapshot.is_without_events() && !Snapshot::compliant().is_without_events());
        assert!(Snapshot::compliant().unread(Source::RootAudit).is_some_and(Unavailable::is_not_asked));
    }

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
}
