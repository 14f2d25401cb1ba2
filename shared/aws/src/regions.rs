//! The Regions that are enabled in the account.

use aws_sdk_account::Client;
use aws_sdk_account::types::RegionOptStatus;
use checklist::{Partition, Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["account:ListRegions"];

/// Largest page that the service gives.
const PAGE: i32 = 50;

/// Where the partition's Account Management endpoint is
/// (<https://docs.aws.amazon.com/general/latest/gr/accounts.html>).
pub fn endpoint_region(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws => "us-east-1",
        Partition::China => "cn-northwest-1",
        Partition::GovCloud => "us-gov-west-1",
    }
}

/// Codes of the enabled Regions, in the service's order. The account's own id is left out of the request, as the service wants.
pub async fn enabled(client: &Client) -> Result<Vec<String>, Unavailable> {
    let mut pages = client
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
        .max_results(PAGE)
        .into_paginator()
        .send();
    let mut regions = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::Regions, "account:ListRegions", &error))?;
        regions.extend(page.regions().iter().filter_map(|region| region.region_name()).map(str::to_owned));
    }
    Ok(regions)
}
