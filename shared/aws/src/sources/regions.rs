//! The Regions that are enabled in the account.

use aws_sdk_account::Client;
use aws_sdk_account::types::RegionOptStatus;
use facts::snapshot::EnabledRegion;
use facts::{Partition, Source, Unavailable};

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

/// The enabled Regions, in the service's order. The account's own id is left out of the request, as the service wants.
pub async fn enabled(client: &Client) -> Result<Vec<EnabledRegion>, Unavailable> {
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
        regions.extend(page.regions().iter().filter_map(|region| {
            let is_opt_in = region.region_opt_status() == Some(&RegionOptStatus::Enabled);
            Some(EnabledRegion { name: region.region_name()?.to_owned(), is_opt_in })
        }));
    }
    Ok(regions)
}

#[cfg(test)]
mod tests {
    use aws_sdk_account::error::ErrorMetadata;
    use aws_sdk_account::operation::list_regions::{ListRegionsError, ListRegionsOutput};
    use aws_sdk_account::types::Region;
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;

    #[tokio::test]
    async fn enabled_regions_come_from_all_pages_without_an_account_id() {
        let region = |name: &str, status| Region::builder().region_name(name).region_opt_status(status).build();
        let first = mock!(Client::list_regions)
            .match_requests(|request| {
                request.account_id().is_none()
                    && request.region_opt_status_contains()
                        == [RegionOptStatus::Enabled, RegionOptStatus::EnabledByDefault]
            })
            .then_output(move || {
                ListRegionsOutput::builder()
                    .regions(region("us-east-1", RegionOptStatus::EnabledByDefault))
                    .next_token("next")
                    .build()
            });
        let second =
            mock!(Client::list_regions).match_requests(|request| request.next_token() == Some("next")).then_output(
                move || ListRegionsOutput::builder().regions(region("ap-south-2", RegionOptStatus::Enabled)).build(),
            );
        let regions = enabled(&mock_client!(aws_sdk_account, [&first, &second])).await.unwrap();
        let expected = [("us-east-1", false), ("ap-south-2", true)];
        assert_eq!(regions.iter().map(|region| (region.name.as_str(), region.is_opt_in)).collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn a_denial_names_the_operation() {
        let rule = mock!(Client::list_regions)
            .then_error(|| ListRegionsError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        let unavailable = enabled(&mock_client!(aws_sdk_account, [&rule])).await.unwrap_err();
        assert_eq!(unavailable.to_string(), "list of Regions: account:ListRegions was denied (AccessDeniedException)");
    }
}
