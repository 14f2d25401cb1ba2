//! What every check reads of IAM and of the trails, whatever controls are chosen.

use std::collections::BTreeMap;

use facts::{Account, Source};
use futures_util::future::{FutureExt, join_all};

use super::{Collector, Fact, Look, Reading, fact, guarded};
use crate::sources::{credential_report, iam, trails};

impl Collector {
    /// The credential report, and what depends on it; `account` has no alias yet.
    pub(super) async fn credentials(&self, look: &Look, account: &Account) -> [Fact; 2] {
        let report = credential_report::read(&self.clients.iam, account);
        let report = look.ask(Reading::of(Source::CredentialReport, "iam:GetCredentialReport"), report).await;
        let root_password_change = self.root_password_change(look, account, &report).await;
        [fact(report, |snapshot| &mut snapshot.credential_report), root_password_change]
    }

    /// What IAM answers beside that; none waits for another.
    pub(super) async fn iam(&self, look: &Look) -> Vec<Fact> {
        let client = &self.clients.iam;
        let summary = Reading::of(Source::AccountSummary, "iam:GetAccountSummary");
        join_all([
            guarded(summary, look.deadline, iam::account_summary(client))
                .map(|read| fact(read, |snapshot| &mut snapshot.account_summary))
                .boxed(),
            look.fact(
                Reading::of(Source::PasswordPolicy, "iam:GetAccountPasswordPolicy"),
                iam::password_policy(client),
                |snapshot| &mut snapshot.password_policy,
            ),
            look.fact(
                Reading::of(Source::Identities, "iam:GetAccountAuthorizationDetails"),
                iam::identities(client, &look.account),
                |snapshot| &mut snapshot.identities,
            ),
            look.fact(
                Reading::of(Source::VirtualMfaDevices, "iam:ListVirtualMFADevices"),
                iam::virtual_mfa_devices(client),
                |snapshot| &mut snapshot.virtual_mfa_devices,
            ),
            look.fact(
                Reading::of(Source::Administrators, "iam:ListEntitiesForPolicy"),
                iam::holders(client, look.partition, iam::ADMINISTRATOR_ACCESS, Source::Administrators),
                |snapshot| &mut snapshot.administrators,
            ),
        ])
        .await
    }

    /// The trails, and their buckets.
    pub(super) async fn trails(&self, look: &Look) -> [Fact; 3] {
        let client_in = |region: &str| self.clients.cloudtrail(region).client;
        let listed = trails::read(client_in, look.partition.sign_in_regions());
        let listed = look.ask(Reading::of(Source::Trails, "cloudtrail:DescribeTrails"), listed).await;
        let (trails, unlisted) = match listed {
            Ok((trails, unlisted)) => (Ok(trails), unlisted),
            Err(error) => (Err(error), BTreeMap::new()),
        };
        let buckets = self.trail_buckets(look, &trails).await;
        [
            fact(trails, |snapshot| &mut snapshot.trails),
            Box::new(|snapshot| snapshot.trails_unlisted = unlisted),
            buckets,
        ]
    }
}
