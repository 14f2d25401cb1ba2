//! Accounts for tests: a compliant one, and what a test breaks of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "for tests alone")]
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::account::{Account, AccountId, Partition};
use crate::account_summary::AccountSummary;
use crate::analyzers::RegionAnalyzers;
use crate::billing::{Budget, CostReport, Delivery};
use crate::bucket::{Bucket, Exposure};
use crate::contacts::{AlternateContacts, PhoneVerification, PrimaryContact};
use crate::credential_report::{CredentialReport, RootRow, UserRow};
use crate::federation::{IdentityProviders, SamlProvider};
use crate::identities::{
    AttachedPolicy, Group, Holders, IamUser, Identities, InlinePolicy, ManagedPolicy, Role, RolesAndPolicies,
};
use crate::organization::{CentralRootAccess, Organization};
use crate::password_policy::PasswordPolicy;
use crate::policy_document::{Grants, Trust};
use crate::root_activity::{Kind, Mfa, RootActivity};
use crate::root_audit::{AccessKey, RootAudit};
use crate::severity::Severity;
use crate::snapshot::{EnabledRegion, RegionSweep, RootEvents, Snapshot};
use crate::source::{Cause, Source, Unavailable};
use crate::trails::{ManagementEvents, Trail, TrailStatus};
use crate::watch::{Arrival, Canary, Rule, Schedule, Switch, Target, Watch};

mod mutations;

pub use mutations::{mutations, places};

impl Snapshot {
    /// An account in which everything is as it should be: alice administers through a group, root rests.
    pub fn compliant() -> Self {
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
            root_audit: Err(Unavailable::not_asked(Source::RootAudit)),
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

    /// The same account with every source denied that its own check reads.
    pub fn blind() -> Self {
        let mut snapshot = Self::compliant();
        for source in Source::ALL.iter().filter(|source| !source.is_of_member()) {
            snapshot.blind_to(*source);
        }
        snapshot
    }

    /// Denies one source more; statements are no reading, and stay.
    pub fn blind_to(&mut self, source: Source) {
        let why = unavailable(source);
        match source {
            Source::Subscribers => self.subscribed = Some(Err(why)),
            Source::Watch => {
                self.watch = Some(Watch {
                    home: "eu-west-1".into(),
                    rules: Vec::new(),
                    canaries: Vec::new(),
                    schedule: Schedule { name: "rootwatch-schedule".into(), state: Err(why) },
                });
            }
            Source::RootEvents => {
                self.root_events.regions = vec![RegionSweep {
                    region: "us-east-1".into(),
                    incomplete: Some(why),
                    covered: Vec::new(),
                    covered_sign_ins: Vec::new(),
                }];
            }
            _ => assert!(self.lose(why) || source == Source::Attestations, "{source} can be denied"),
        }
    }

    /// A member account by the audit of its root user alone, whose root has no credentials.
    pub fn audited() -> Self {
        let Self { account, taken_at, .. } = Self::compliant();
        let none = AccountSummary::from_counters(|_| Some(0));
        Self::of_root_audit(account, taken_at, Ok(none), RootAudit::without_credentials())
    }

    pub fn audit_mut(&mut self) -> &mut RootAudit {
        self.root_audit.as_mut().unwrap()
    }

    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    pub fn root(&mut self) -> &mut RootRow {
        self.credential_report.as_mut().unwrap().root.as_mut().unwrap()
    }

    pub fn report_users(&mut self) -> &mut Vec<UserRow> {
        &mut self.credential_report.as_mut().unwrap().users
    }

    pub fn summary_mut(&mut self) -> &mut AccountSummary {
        self.account_summary.as_mut().unwrap()
    }

    pub fn users_mut(&mut self) -> &mut Vec<IamUser> {
        &mut self.identities.as_mut().unwrap().users
    }

    pub fn trail(&mut self) -> &mut Trail {
        self.trails.as_mut().unwrap().first_mut().unwrap()
    }

    pub fn administrators_mut(&mut self) -> &mut Holders {
        self.administrators.as_mut().unwrap()
    }
}

/// A root action.
pub fn act(kind: Kind, time: Option<Timestamp>) -> RootActivity {
    RootActivity {
        event_id: "00000000-0000-4000-8000-000000000001".into(),
        kind,
        effect: None,
        severity: Severity::High,
        time,
        region: "us-east-2".into(),
        event_name: "ConsoleLogin".into(),
        event_source: "signin.amazonaws.com".into(),
        source_address: None,
        user_agent: None,
        mfa: Mfa::Used,
        access_key_id: None,
        target: None,
        error: None,
        invoked_by: None,
        federated_user: None,
        completed: None,
        details_readable: true,
        planned: None,
        folded: None,
    }
}

impl RootAudit {
    /// Root has no credentials, and IAM has no use of one on record.
    pub fn without_credentials() -> Self {
        Self {
            password: Ok(None),
            access_keys: Ok(Vec::new()),
            signing_certificates: Ok(Vec::new()),
            mfa_devices: Ok(Vec::new()),
            password_last_used: Ok(None),
            created: Ok("2020-01-01T00:00:00Z".parse().unwrap()),
        }
    }
}

impl AccessKey {
    /// A key made with the account.
    pub fn of_root(id: &str, active: bool, last_used: Result<Option<Timestamp>, Unavailable>) -> Self {
        Self { id: id.into(), active, created: Some("2020-01-01T00:00:00Z".parse().unwrap()), last_used }
    }
}

/// That the role may not read `source`.
pub fn unavailable(source: Source) -> Unavailable {
    Unavailable { source, operation: "iam:Some".into(), cause: Cause::Denied { code: "AccessDenied".into() } }
}

impl AttachedPolicy {
    /// One of AWS's.
    pub fn of_aws(name: &str) -> Self {
        Self { name: name.into(), is_of_aws: true }
    }

    /// One of the account's own.
    pub fn own(name: &str) -> Self {
        Self { name: name.into(), is_of_aws: false }
    }
}

impl InlinePolicy {
    /// One that grants little.
    pub fn limited(name: &str) -> Self {
        Self { name: name.into(), grants: Grants::LIMITED }
    }
}

impl Trail {
    /// A trail as it should be, of every Region.
    pub fn sound(name: &str) -> Self {
        Self {
            arn: format!("arn:aws:cloudtrail:eu-west-1:111122223333:trail/{name}"),
            name: name.into(),
            home_region: "eu-west-1".into(),
            is_multi_region: true,
            is_organization: false,
            has_global_services: true,
            validates_log_files: true,
            bucket: Some("acme-prod-trail".into()),
            status: Ok(TrailStatus { is_logging: true, delivery_error: None }),
            management_events: Ok(ManagementEvents { reads: true, writes: true, excluded_sources: Vec::new() }),
        }
    }
}

impl Watch {
    /// Two rules in two Regions with their targets, the schedule, all on, and canaries that arrived.
    pub fn whole() -> Self {
        let sent_at = "2026-11-20T09:45:00Z".parse().unwrap();
        let rule = |name: &str, region: &str| {
            let made = Target {
                id: "queue".into(),
                arn: "arn:aws:sqs:eu-west-1:111122223333:rootwatch-EventsQueue".into(),
                role: None,
                keeps_input: true,
            };
            let targets = Some(Ok(vec![made.clone()]));
            Rule { name: name.into(), region: region.into(), state: Ok(Switch::Enabled), made: Some(made), targets }
        };
        let canary = |region: &str| Canary {
            region: region.into(),
            sent: Some(Ok(())),
            awaited: Some(sent_at),
            arrived: Some(Arrival { sent_at, seconds: 12 }),
        };
        let regions = ["eu-west-1", "us-east-1"];
        let rules =
            regions.iter().flat_map(|region| [rule("rootwatch-root", region), rule("rootwatch-tampering", region)]);
        Self {
            home: "eu-west-1".into(),
            rules: rules.collect(),
            schedule: Schedule { name: "rootwatch-schedule".into(), state: Ok(Switch::Enabled) },
            canaries: regions.map(canary).into(),
        }
    }
}
