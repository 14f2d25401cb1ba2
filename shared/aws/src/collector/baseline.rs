//! What only the account baseline needs, beside what the five steps read.

use std::collections::BTreeSet;
use std::future::ready;

use facts::analyzers::RegionAnalyzers;
use facts::bucket::Bucket;
use facts::credential_report::{CredentialReport, RootRow};
use facts::trails::Trail;
use facts::{Account, Partition, Source, Unavailable};
use futures_util::future::{BoxFuture, FutureExt, join_all, try_join_all};
use jiff::Timestamp;

use super::{Collector, Fact, Field, Look, Read, Reading, fact, guarded};
use crate::sources::{
    analyzers, billing_alarms, buckets, budgets, contacts, cost_reports, data_exports, federation, iam,
    identity_center, organization, root_password,
};

impl Collector {
    /// Sources that wait for no other.
    pub(super) async fn baseline(&self, look: &Look) -> Vec<Fact> {
        let clients = &self.clients;
        let account = || clients.account(look.partition);
        join_all([
            look.fact(
                Reading::of(Source::RolesAndPolicies, "iam:GetAccountAuthorizationDetails"),
                iam::roles_and_policies(&clients.iam, &look.account),
                |snapshot| &mut snapshot.roles_and_policies,
            ),
            look.fact(
                Reading::of(Source::SupportAccess, "iam:ListEntitiesForPolicy"),
                iam::holders(&clients.iam, look.partition, iam::SUPPORT_ACCESS, Source::SupportAccess),
                |snapshot| &mut snapshot.support_access,
            ),
            look.fact(
                Reading::of(Source::IdentityProviders, "iam:ListSAMLProviders"),
                federation::identity_providers(&clients.iam),
                |snapshot| &mut snapshot.identity_providers,
            ),
            look.fact(
                Reading::of(Source::IdentityCenter, "sso:ListInstances"),
                async { identity_center::instances(&clients.identity_center()).await },
                |snapshot| &mut snapshot.identity_center,
            ),
            look.fact_of_billing(
                Reading::of(Source::CostReports, "cur:DescribeReportDefinitions"),
                async { cost_reports::read(&clients.cost_reports()).await },
                |snapshot| &mut snapshot.cost_reports,
            ),
            look.fact_of_billing(
                Reading::of(Source::DataExports, "bcm-data-exports:ListExports"),
                async { data_exports::read(&clients.data_exports()).await },
                |snapshot| &mut snapshot.data_exports,
            ),
            look.fact_of_billing(
                Reading::of(Source::Budgets, "budgets:ViewBudget"),
                async { budgets::read(&clients.budgets(), &look.account).await },
                |snapshot| &mut snapshot.budgets,
            ),
            look.fact_of_billing(
                Reading::of(Source::BillingAlarms, "cloudwatch:DescribeAlarms"),
                async { billing_alarms::read(&clients.billing_alarms()).await },
                |snapshot| &mut snapshot.billing_alarms,
            ),
            look.fact(
                Reading::of(Source::PrimaryContact, "account:GetContactInformation"),
                async { contacts::primary(&account()).await },
                |snapshot| &mut snapshot.primary_contact,
            ),
            look.fact(
                Reading::of(Source::AlternateContacts, "account:GetAlternateContact"),
                async { contacts::alternate(&account()).await },
                |snapshot| &mut snapshot.alternate_contacts,
            ),
        ])
        .await
    }

    /// Reads the organization, and what depends on whether the account manages it.
    ///
    /// AWS shows central root access to the account that manages the organization, which no policy of it binds. A member is asked for its
    /// policies: AWS shows them to a delegated administrator.
    pub(super) async fn membership(&self, look: &Look) -> [Fact; 3] {
        let client = || self.clients.organizations(look.partition);
        let organization = look.ask(Reading::of(Source::Organization, "organizations:DescribeOrganization"), async {
            organization::read(&client()).await
        });
        let organization = organization.await;
        let (central, policies) = (
            Reading::of(Source::CentralRootAccess, "iam:ListOrganizationsFeatures"),
            Reading::of(Source::ServiceControlPolicies, "organizations:ListPoliciesForTarget"),
        );
        let (central_root_access, service_control_policies) = match &organization {
            Err(error) => tokio::join!(look.ask(central, unread(error)), look.ask(policies, unread(error))),
            Ok(None) => tokio::join!(look.ask(central, ready(Ok(None))), look.ask(policies, ready(Ok(None)))),
            Ok(Some(organization)) if organization.management_account == look.account => tokio::join!(
                look.ask(central, organization::central_root_access(&self.clients.iam)),
                look.ask(policies, ready(Ok(None))),
            ),
            Ok(Some(_)) => tokio::join!(
                look.ask(central, ready(Ok(None))),
                look.ask(policies, async {
                    let root = look.account.root_arn(look.partition);
                    organization::service_control_policies(&client(), &look.account, &root).await
                }),
            ),
        };
        [
            fact(organization, |snapshot| &mut snapshot.organization),
            fact(central_root_access, |snapshot| &mut snapshot.central_root_access),
            fact(service_control_policies, |snapshot| &mut snapshot.service_control_policies),
        ]
    }

    /// When root's password was last changed, where `report` leaves that open.
    pub(super) async fn root_password_change(
        &self,
        look: &Look,
        account: &Account,
        report: &Read<CredentialReport>,
    ) -> Fact {
        let field: Field<Option<Timestamp>> = |snapshot| &mut snapshot.root_password_change;
        let row = report.as_ref().ok().and_then(|report| report.root.as_ref().ok());
        if !row.is_some_and(leaves_password_change_open) {
            return fact(Err(Unavailable::not_asked(Source::RootPasswordChange)), field);
        }
        let changes = look.partition.sign_in_regions().iter().map(|region| async move {
            let cloudtrail = self.clients.cloudtrail(region);
            root_password::last_change((&cloudtrail.client, &cloudtrail.pace), account, region, look.taken_at).await
        });
        let newest = async { Ok(try_join_all(changes).await?.into_iter().flatten().max()) };
        look.fact(Reading::of(Source::RootPasswordChange, "cloudtrail:LookupEvents"), newest, field).await
    }

    pub(super) async fn trail_buckets(&self, look: &Look, trails: &Read<Vec<Trail>>) -> Fact {
        let field: Field<Vec<Bucket>> = |snapshot| &mut snapshot.trail_buckets;
        let what = Reading::of(Source::TrailBuckets, "s3:GetBucketPublicAccessBlock");
        match trails {
            Ok(trails) => {
                let read = async { Ok(buckets::read(|region| self.clients.s3(region), &look.account, trails).await) };
                look.fact(what, read, field).await
            }
            Err(error) => look.fact(what, unread(error), field).await,
        }
    }

    /// Each of `regions` for itself: one that does not answer hides no other.
    pub(super) async fn analyzers(&self, look: &Look, regions: impl Future<Output = BTreeSet<String>>) -> Fact {
        let field: Field<Vec<RegionAnalyzers>> = |snapshot| &mut snapshot.analyzers;
        if !look.sources.contains(&Source::Analyzers) {
            return fact(Err(Unavailable::not_asked(Source::Analyzers)), field);
        }
        let regions = regions.await.into_iter().map(|region| async move {
            let operation = analyzers::operation(&region);
            let client = self.clients.analyzers(&region);
            let active = analyzers::active(&client, &region);
            let active = guarded(Reading::of(Source::Analyzers, &operation), look.deadline, active).await;
            RegionAnalyzers { region, active }
        });
        fact(Ok(join_all(regions).await), field)
    }
}

impl Look {
    /// As [`Look::fact`], of what AWS has in its commercial Regions alone.
    fn fact_of_billing<'a, T: Send + 'static>(
        &self,
        what: Reading<'a>,
        read: impl Future<Output = Read<T>> + Send + 'a,
        field: Field<T>,
    ) -> BoxFuture<'a, Fact> {
        if self.partition == Partition::Aws {
            self.fact(what, read, field)
        } else {
            ready(fact(Err(Unavailable::not_asked(what.source)), field)).boxed()
        }
    }
}

/// What could not be read because that which it depends on could not.
fn unread<T>(error: &Unavailable) -> impl Future<Output = Read<T>> {
    ready(Err(error.clone()))
}

/// Root may have a password, and `row` does not say when it was last changed: a report of the old kind says neither.
fn leaves_password_change_open(row: &RootRow) -> bool {
    !matches!(row.password_last_changed, Ok(Some(_))) && row.password_enabled != Ok(false)
}
