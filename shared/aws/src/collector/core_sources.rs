//! What every check reads of IAM and of the trails, whatever controls are chosen.

use std::collections::BTreeMap;

use facts::account_summary::AccountSummary;
use facts::bucket::Bucket;
use facts::credential_report::CredentialReport;
use facts::identities::VirtualMfaDevice;
use facts::identities::{Holders, Identities};
use facts::password_policy::PasswordPolicy;
use facts::trails::Trail;
use facts::{Account, Source, Unavailable};
use jiff::Timestamp;

use super::{Collector, Look, Read, Reading, guarded};
use crate::sources::{credential_report, iam, trails};

/// The credential report, and what depends on it.
pub(super) struct Credentials {
    pub(super) report: Read<CredentialReport>,
    pub(super) root_password_change: Read<Option<Timestamp>>,
}

/// What IAM answers beside that; none waits for another.
pub(super) struct Iam {
    pub(super) account_summary: Read<AccountSummary>,
    pub(super) password_policy: Read<Option<PasswordPolicy>>,
    pub(super) identities: Read<Identities>,
    pub(super) virtual_mfa_devices: Read<Vec<VirtualMfaDevice>>,
    pub(super) administrators: Read<Holders>,
}

/// The trails, and their buckets.
pub(super) struct Trails {
    pub(super) trails: Read<Vec<Trail>>,
    pub(super) unlisted: BTreeMap<String, Unavailable>,
    pub(super) buckets: Read<Vec<Bucket>>,
}

impl Collector {
    /// `account` has no alias yet.
    pub(super) async fn credentials(&self, look: &Look, account: &Account) -> Credentials {
        let report = credential_report::read(&self.clients.iam, account);
        let report = look.ask(Reading::of(Source::CredentialReport, "iam:GetCredentialReport"), report).await;
        let root_password_change = self.root_password_change(look, account, &report).await;
        Credentials { report, root_password_change }
    }

    pub(super) async fn iam(&self, look: &Look) -> Iam {
        let client = &self.clients.iam;
        let administrators = iam::holders(client, look.partition, iam::ADMINISTRATOR_ACCESS, Source::Administrators);
        let (account_summary, password_policy, identities, virtual_mfa_devices, administrators) = tokio::join!(
            guarded(
                Reading::of(Source::AccountSummary, "iam:GetAccountSummary"),
                look.deadline,
                iam::account_summary(client)
            ),
            look.ask(Reading::of(Source::PasswordPolicy, "iam:GetAccountPasswordPolicy"), iam::password_policy(client)),
            look.ask(
                Reading::of(Source::Identities, "iam:GetAccountAuthorizationDetails"),
                iam::identities(client, &look.account)
            ),
            look.ask(
                Reading::of(Source::VirtualMfaDevices, "iam:ListVirtualMFADevices"),
                iam::virtual_mfa_devices(client)
            ),
            look.ask(Reading::of(Source::Administrators, "iam:ListEntitiesForPolicy"), administrators),
        );
        Iam { account_summary, password_policy, identities, virtual_mfa_devices, administrators }
    }

    pub(super) async fn trails(&self, look: &Look) -> Trails {
        let client_in = |region: &str| self.clients.cloudtrail(region).client;
        let listed = trails::read(client_in, look.partition.sign_in_regions());
        let listed = look.ask(Reading::of(Source::Trails, "cloudtrail:DescribeTrails"), listed).await;
        let (trails, unlisted) = match listed {
            Ok((trails, unlisted)) => (Ok(trails), unlisted),
            Err(error) => (Err(error), BTreeMap::new()),
        };
        let buckets = self.trail_buckets(look, &trails).await;
        Trails { trails, unlisted, buckets }
    }
}
