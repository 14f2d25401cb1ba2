//! SDK clients, each made when it is first needed: making one costs more than a call.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use facts::Partition;

use crate::calls::NoteCalls;
use crate::room::Roomy;
use crate::sources::regions;
use crate::sources::root_events::Pace;

/// Where billing has its endpoints, and its metric
/// (<https://docs.aws.amazon.com/general/latest/gr/billing.html>).
const BILLING: &str = "us-east-1";

/// A client whose calls are noted; the SDKs have no type in common.
macro_rules! client {
    ($sdk:ident, $config:expr) => {
        $sdk::Client::from_conf($sdk::config::Builder::from($config).interceptor(NoteCalls).build())
    };
}

#[derive(Debug)]
pub(super) struct Clients {
    config: SdkConfig,
    pub(super) iam: aws_sdk_iam::Client,
    account: ByRegion<aws_sdk_account::Client>,
    cloudtrail: ByRegion<CloudTrail>,
    /// One for the CloudTrail of every Region.
    roomy: Option<Roomy>,
    organizations: ByRegion<aws_sdk_organizations::Client>,
    s3: ByRegion<aws_sdk_s3::Client>,
}

/// A Region's CloudTrail; all who look up events there keep its pace together.
#[derive(Debug, Clone)]
pub(super) struct CloudTrail {
    pub(super) client: aws_sdk_cloudtrail::Client,
    pub(super) pace: Pace,
}

impl Clients {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self {
            config: config.clone(),
            iam: client!(aws_sdk_iam, config),
            account: ByRegion::default(),
            cloudtrail: ByRegion::default(),
            roomy: config.http_client().map(Roomy::new),
            organizations: ByRegion::default(),
            s3: ByRegion::default(),
        }
    }

    pub(super) fn account(&self, partition: Partition) -> aws_sdk_account::Client {
        let region = regions::endpoint_region(partition);
        self.account.get(region, || client!(aws_sdk_account, &self.config_in(region)))
    }

    pub(super) fn organizations(&self, partition: Partition) -> aws_sdk_organizations::Client {
        let region = regions::endpoint_region(partition);
        self.organizations.get(region, || client!(aws_sdk_organizations, &self.config_in(region)))
    }

    pub(super) fn cloudtrail(&self, region: &str) -> CloudTrail {
        self.cloudtrail.get(region, || {
            let mut config = self.config_in(region).into_builder();
            config.set_http_client(self.roomy.clone().map(SharedHttpClient::new));
            CloudTrail { client: client!(aws_sdk_cloudtrail, &config.build()), pace: Pace::default() }
        })
    }

    pub(super) fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        self.s3.get(region, || client!(aws_sdk_s3, &self.config_in(region)))
    }

    // What follows is needed once a run.

    pub(super) fn analyzers(&self, region: &str) -> aws_sdk_accessanalyzer::Client {
        client!(aws_sdk_accessanalyzer, &self.config_in(region))
    }

    pub(super) fn event_bridge(&self, region: &str) -> aws_sdk_eventbridge::Client {
        client!(aws_sdk_eventbridge, &self.config_in(region))
    }

    pub(super) fn scheduler(&self) -> aws_sdk_scheduler::Client {
        client!(aws_sdk_scheduler, &self.config)
    }

    pub(super) fn identity_center(&self) -> aws_sdk_ssoadmin::Client {
        client!(aws_sdk_ssoadmin, &self.config)
    }

    pub(super) fn cost_reports(&self) -> aws_sdk_costandusagereport::Client {
        client!(aws_sdk_costandusagereport, &self.config_in(BILLING))
    }

    pub(super) fn data_exports(&self) -> aws_sdk_bcmdataexports::Client {
        client!(aws_sdk_bcmdataexports, &self.config_in(BILLING))
    }

    pub(super) fn budgets(&self) -> aws_sdk_budgets::Client {
        client!(aws_sdk_budgets, &self.config_in(BILLING))
    }

    pub(super) fn billing_alarms(&self) -> aws_sdk_cloudwatch::Client {
        client!(aws_sdk_cloudwatch, &self.config_in(BILLING))
    }

    fn config_in(&self, region: &str) -> SdkConfig {
        self.config.clone().into_builder().region(Region::new(region.to_owned())).build()
    }
}

/// Clients of one service, by Region.
#[derive(Debug)]
struct ByRegion<C>(Mutex<BTreeMap<String, C>>);

impl<C> Default for ByRegion<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C: Clone> ByRegion<C> {
    fn get(&self, region: &str, make: impl FnOnce() -> C) -> C {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.to_owned()).or_insert_with(make).clone()
    }
}
