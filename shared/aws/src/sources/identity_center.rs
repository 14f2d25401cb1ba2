//! Instances of IAM Identity Center.

use aws_sdk_ssoadmin::Client;
use aws_sdk_ssoadmin::types::RegionScope;
use facts::federation::IdentityCenterInstance;
use facts::text::bounded;
use facts::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["sso:ListInstances"];

/// Largest page that the service gives.
const PAGE: i32 = 100;

/// Every instance that the account owns or is shared with, whatever its Region: the service asks the other Regions itself
/// (<https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html>).
pub async fn instances(client: &Client) -> Result<Vec<IdentityCenterInstance>, Unavailable> {
    let request = client.list_instances().region_scope(RegionScope::AllRegions).max_results(PAGE);
    let mut pages = request.into_paginator().send();
    let mut instances = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::IdentityCenter, "sso:ListInstances", &error))?;
        instances.extend(page.instances().iter().map(|instance| IdentityCenterInstance {
            arn: bounded(instance.instance_arn().unwrap_or_default()),
            owner: instance.owner_account_id().map(bounded),
        }));
    }
    Ok(instances)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssoadmin::error::ErrorMetadata;
    use aws_sdk_ssoadmin::operation::list_instances::{ListInstancesError, ListInstancesOutput};
    use aws_sdk_ssoadmin::types::InstanceMetadata;
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;

    #[tokio::test]
    async fn instances_of_every_region_come_from_all_pages() {
        let first = mock!(Client::list_instances)
            .match_requests(|request| {
                request.region_scope() == Some(&RegionScope::AllRegions) && request.next_token().is_none()
            })
            .then_output(|| {
                let instance = InstanceMetadata::builder().instance_arn("arn:aws:sso:::instance/ssoins-1");
                let instance = instance.owner_account_id("999900001111").build();
                ListInstancesOutput::builder().instances(instance).next_token("next").build()
            });
        let second = mock!(Client::list_instances)
            .match_requests(|request| {
                request.region_scope() == Some(&RegionScope::AllRegions) && request.next_token() == Some("next")
            })
            .then_output(|| {
                let instance = InstanceMetadata::builder().instance_arn("arn:aws:sso:::instance/ssoins-2").build();
                ListInstancesOutput::builder().instances(instance).build()
            });
        let read = instances(&mock_client!(aws_sdk_ssoadmin, [&first, &second])).await.unwrap();
        let instance = |arn: &str, owner: Option<&str>| IdentityCenterInstance {
            arn: arn.into(),
            owner: owner.map(str::to_owned),
        };
        assert_eq!(
            read,
            [
                instance("arn:aws:sso:::instance/ssoins-1", Some("999900001111")),
                instance("arn:aws:sso:::instance/ssoins-2", None),
            ]
        );
    }

    #[tokio::test]
    async fn none_is_an_answer_and_a_denial_is_not() {
        let none = mock!(Client::list_instances).then_output(|| ListInstancesOutput::builder().build());
        assert_eq!(instances(&mock_client!(aws_sdk_ssoadmin, [&none])).await, Ok(Vec::new()));
        let denied = mock!(Client::list_instances)
            .then_error(|| ListInstancesError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert_eq!(
            instances(&mock_client!(aws_sdk_ssoadmin, [&denied])).await.unwrap_err().to_string(),
            "IAM Identity Center: sso:ListInstances was denied (AccessDeniedException)"
        );
    }
}
