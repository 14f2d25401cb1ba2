//! Reads the account.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use checklist::root_activity::{self, RootActivity, TrailEvent};
use checklist::snapshot::{Cause, RegionSweep, RootEvents};
use checklist::sweep::Coverage;
use checklist::trails::Trail;
use checklist::watch::{Rule, Schedule, Watch};
use checklist::{Account, AccountId, Partition, Snapshot, Source, Unavailable};
use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout_at};

use crate::{credential_report, iam, regions, root_events, trails, watch};

/// Reads an account into a [`Snapshot`].
#[derive(Debug)]
pub struct Collector {
    config: SdkConfig,
    iam: aws_sdk_iam::Client,
    /// By Region, as they were needed: sweep and trails share them, and making one costs more than a call.
    cloudtrail: Mutex<BTreeMap<String, aws_sdk_cloudtrail::Client>>,
}

/// What is to be read.
#[derive(Debug, Clone)]
pub struct Look {
    /// Whose account.
    pub account: AccountId,
    /// Its partition.
    pub partition: Partition,
    /// The present.
    pub taken_at: Timestamp,
    /// How far back root's events are looked up in any case, at most 90 days.
    pub lookback: SignedDuration,
    /// The name of this stack, by which its own resources are known.
    pub stack: Option<String>,
    /// What earlier runs looked through, by Region; what is missing is caught up.
    pub coverage: BTreeMap<String, Coverage>,
    /// Whether somebody has confirmed a subscription; `None` where nobody is to be told.
    pub subscribed: Option<Result<bool, Unavailable>>,
    /// What wakes the function; `None`: it is not told, and nothing is looked up.
    pub watch: Option<watch::Names>,
    /// Regions to sweep for root's events, beside those that record sign-ins; `None`: every enabled Region.
    pub regions: Option<Vec<String>>,
    /// Somebody asked for less than is usual; see [`Snapshot::is_narrow`].
    pub is_narrow: bool,
    /// An event that was handed to the function; it is told whatever the sweep finds.
    pub delivered: Option<TrailEvent>,
    /// When reading ends, finished or not.
    pub deadline: Instant,
}

impl Collector {
    /// A collector over `config`, see [`crate::client::config`].
    pub fn new(config: &SdkConfig) -> Self {
        Self { iam: aws_sdk_iam::Client::new(config), config: config.clone(), cloudtrail: Mutex::default() }
    }

    /// Reads every source at once. Never fails: what could not be read is in the snapshot as [`Unavailable`], and one source's
    /// failure hides no other.
    pub async fn snapshot(&self, look: Look) -> Snapshot {
        let (iam, deadline) = (&self.iam, look.deadline);
        let nameless = Account { id: look.account.clone(), alias: None, partition: look.partition };
        let (
            credential_report,
            account_summary,
            password_policy,
            identities,
            virtual_mfa_devices,
            administrators,
            trails,
            watch,
            (account, account_alias, regions, root_events),
        ) = tokio::join!(
            guarded(
                (Source::CredentialReport, "iam:GetCredentialReport"),
                deadline,
                credential_report::read(iam, &nameless)
            ),
            guarded((Source::AccountSummary, "iam:GetAccountSummary"), deadline, iam::account_summary(iam)),
            guarded((Source::PasswordPolicy, "iam:GetAccountPasswordPolicy"), deadline, iam::password_policy(iam)),
            guarded((Source::Identities, "iam:GetAccountAuthorizationDetails"), deadline, iam::identities(iam)),
            guarded((Source::VirtualMfaDevices, "iam:ListVirtualMFADevices"), deadline, iam::virtual_mfa_devices(iam)),
            guarded(
                (Source::Administrators, "iam:ListEntitiesForPolicy"),
                deadline,
                iam::administrators(iam, look.partition)
            ),
            guarded((Source::Trails, "cloudtrail:DescribeTrails"), deadline, self.trails(&look)),
            self.watch(&look),
            self.root_events(&look),
        );
        Snapshot {
            account,
            taken_at: look.taken_at,
            credential_report,
            account_summary,
            password_policy,
            identities,
            virtual_mfa_devices,
            administrators,
            account_alias,
            regions,
            subscribed: look.subscribed,
            trails,
            watch,
            root_events,
            is_narrow: look.is_narrow,
        }
    }

    async fn trails(&self, look: &Look) -> Result<Vec<Trail>, Unavailable> {
        trails::read(|region| self.cloudtrail(region), look.partition.sign_in_regions()).await
    }

    fn cloudtrail(&self, region: &str) -> aws_sdk_cloudtrail::Client {
        let mut clients = self.cloudtrail.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let config = aws_sdk_cloudtrail::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
            aws_sdk_cloudtrail::Client::from_conf(config.build())
        });
        client.clone()
    }

    /// Each rule in each of its Regions, and the schedule; each for itself.
    async fn watch(&self, look: &Look) -> Option<Watch> {
        let names = look.watch.as_ref()?;
        let rules = join_all(names.regions.iter().map(|region| self.rules(look, region, &names.rules)));
        let scheduler = aws_sdk_scheduler::Client::new(&self.config);
        let schedule = guarded(
            (Source::Watch, watch::SCHEDULE_OPERATION),
            look.deadline,
            watch::schedule(&scheduler, &names.schedule),
        );
        let (rules, state) = tokio::join!(rules, schedule);
        let rules = rules.into_iter().flatten().collect();
        Some(Watch { rules, schedule: Schedule { name: names.schedule.clone(), state } })
    }

    async fn rules(&self, look: &Look, region: &str, names: &[String]) -> Vec<Rule> {
        let config = aws_sdk_eventbridge::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        let client = aws_sdk_eventbridge::Client::from_conf(config.build());
        let operation = watch::rule_operation(region);
        let rules = names.iter().map(async |name| {
            let read = watch::rule(&client, name, region);
            let state = guarded((Source::Watch, &operation), look.deadline, read).await;
            Rule { name: name.clone(), region: region.to_owned(), state }
        });
        join_all(rules).await
    }

    /// The alias and the Regions first, because the sweep needs both.
    async fn root_events(
        &self,
        look: &Look,
    ) -> (Account, Result<(), Unavailable>, Result<(), Unavailable>, RootEvents) {
        let (alias, regions) = tokio::join!(
            guarded((Source::AccountAlias, "iam:ListAccountAliases"), look.deadline, iam::account_alias(&self.iam)),
            self.regions(look),
        );
        let account = Account {
            id: look.account.clone(),
            alias: alias.as_ref().ok().cloned().flatten(),
            partition: look.partition,
        };
        let sign_in = look.partition.sign_in_regions().iter().map(|region| (*region).to_owned());
        let to_sweep: BTreeSet<String> = sign_in.chain(regions.iter().flatten().cloned()).collect();
        let swept = join_all(to_sweep.iter().map(|region| self.sweep(look, &account, region))).await;

        let delivered =
            look.delivered.iter().filter_map(|event| RootActivity::classify(event, &account, look.stack.as_deref()));
        let mut activity: Vec<RootActivity> = delivered.collect();
        let since = look.taken_at.checked_sub(look.lookback).unwrap_or(Timestamp::MIN);
        let mut events = RootEvents { since, regions: Vec::new(), activity: Vec::new() };
        for swept in swept {
            events.regions.push(swept.sweep);
            activity.extend(swept.activity);
        }
        events.activity = root_activity::gather(activity);
        (account, alias.map(drop), regions.map(drop), events)
    }

    async fn regions(&self, look: &Look) -> Result<Vec<String>, Unavailable> {
        if let Some(regions) = &look.regions {
            return Ok(regions.clone());
        }
        let config = aws_sdk_account::config::Builder::from(&self.config)
            .region(Region::new(regions::endpoint_region(look.partition)))
            .build();
        let client = aws_sdk_account::Client::from_conf(config);
        guarded((Source::Regions, "account:ListRegions"), look.deadline, regions::enabled(&client)).await
    }

    async fn sweep(&self, look: &Look, account: &Account, region: &str) -> root_events::Swept {
        let client = self.cloudtrail(region);
        let begun = || Coverage::begin(look.taken_at, look.lookback);
        let coverage = look.coverage.get(region).cloned().unwrap_or_else(begun);
        let spans = coverage.spans(look.taken_at, look.lookback);
        let sweep = root_events::sweep(&client, account, look.stack.as_deref(), region, &spans, look.deadline);
        AssertUnwindSafe(sweep).catch_unwind().await.unwrap_or_else(|_| root_events::Swept {
            sweep: RegionSweep {
                region: region.to_owned(),
                incomplete: Some(Unavailable {
                    source: Source::RootEvents,
                    operation: format!("cloudtrail:LookupEvents in {region}"),
                    cause: Cause::Internal,
                }),
                covered: Vec::new(),
            },
            activity: Vec::new(),
        })
    }
}

/// Ends a source at the deadline, and turns a panic in it into data.
async fn guarded<T>(
    (source, operation): (Source, &str),
    deadline: Instant,
    read: impl Future<Output = Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    let failed = |cause| Err(Unavailable { source, operation: operation.into(), cause });
    match timeout_at(deadline, AssertUnwindSafe(read).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => failed(Cause::Internal),
        Err(_) => failed(Cause::OutOfTime),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WHAT: (Source, &str) = (Source::AccountSummary, "iam:GetAccountSummary");

    #[tokio::test(start_paused = true)]
    async fn a_source_that_never_answers_ends_at_the_deadline() {
        let deadline = Instant::now() + Duration::from_secs(30);
        let result = guarded::<()>(WHAT, deadline, std::future::pending()).await;
        assert_eq!(result.unwrap_err().cause, Cause::OutOfTime);
        assert_eq!(Instant::now(), deadline);
    }

    #[tokio::test]
    async fn rt_4_a_panic_in_one_source_is_data() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let result = guarded::<()>(WHAT, Instant::now() + Duration::from_secs(1), async { panic!("broken") }).await;
        std::panic::set_hook(hook);
        assert_eq!(result.unwrap_err().cause, Cause::Internal);
    }
}
