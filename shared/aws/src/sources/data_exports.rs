//! Data exports of billing, which take the place of cost and usage reports.

use aws_sdk_bcmdataexports::Client;
use aws_sdk_bcmdataexports::types::{ExportStatus, ExportStatusCode};
use facts::billing::{CostReport, Delivery};
use facts::text::bounded;
use facts::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["bcm-data-exports:ListExports"];

/// Largest page that is asked for; the service allows some more.
const PAGE: i32 = 100;

/// Every export of the account, with whether it is healthy. `client` must be of us-east-1
/// (<https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AWSBillingAndCostManagementDataExports_ListExports.html>).
pub async fn read(client: &Client) -> Result<Vec<CostReport>, Unavailable> {
    let mut pages = client.list_exports().max_results(PAGE).into_paginator().send();
    let mut exports = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::DataExports, "bcm-data-exports:ListExports", &error))?;
        exports.extend(page.exports().iter().map(|export| CostReport {
            name: bounded(export.export_name()),
            delivery: export.export_status().map_or(Delivery::Untold, delivery),
        }));
    }
    Ok(exports)
}

/// The reason says more than `UNHEALTHY`, where there is one.
fn delivery(status: &ExportStatus) -> Delivery {
    match status.status_code() {
        None => Delivery::Untold,
        Some(ExportStatusCode::Healthy) => Delivery::Works,
        Some(code) => {
            let reason = status.status_reason().map_or(code.as_str(), |reason| reason.as_str());
            Delivery::Fails(bounded(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_bcmdataexports::error::ErrorMetadata;
    use aws_sdk_bcmdataexports::operation::list_exports::{ListExportsError, ListExportsOutput};
    use aws_sdk_bcmdataexports::types::builders::ExportStatusBuilder;
    use aws_sdk_bcmdataexports::types::{ExecutionStatusReason, ExportReference};
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;

    fn export(name: &str, status: Option<ExportStatusBuilder>) -> ExportReference {
        ExportReference::builder()
            .export_arn(format!("arn:aws:bcm-data-exports:us-east-1:111122223333:export/{name}"))
            .export_name(name)
            .set_export_status(status.map(ExportStatusBuilder::build))
            .build()
            .expect("an export")
    }

    #[tokio::test]
    async fn exports_come_from_all_pages_with_whether_they_are_healthy() {
        let first =
            mock!(Client::list_exports).match_requests(|request| request.next_token().is_none()).then_output(|| {
                let healthy = ExportStatus::builder().status_code(ExportStatusCode::Healthy);
                ListExportsOutput::builder()
                    .exports(export("daily", Some(healthy)))
                    .exports(export("new", None))
                    .next_token("next")
                    .build()
            });
        let second = mock!(Client::list_exports)
            .match_requests(|request| request.next_token() == Some("next"))
            .then_output(|| {
                let unhealthy = ExportStatus::builder().status_code(ExportStatusCode::Unhealthy);
                let denied = unhealthy.clone().status_reason(ExecutionStatusReason::InsufficientPermission);
                ListExportsOutput::builder()
                    .exports(export("denied", Some(denied)))
                    .exports(export("odd", Some(unhealthy)))
                    .build()
            });
        let exports = read(&mock_client!(aws_sdk_bcmdataexports, [&first, &second])).await.unwrap();
        let expected = [
            ("daily", Delivery::Works),
            ("new", Delivery::Untold),
            ("denied", Delivery::Fails("INSUFFICIENT_PERMISSION".into())),
            ("odd", Delivery::Fails("UNHEALTHY".into())),
        ];
        assert_eq!(exports, expected.map(|(name, delivery)| CostReport { name: name.into(), delivery }));
    }

    #[tokio::test]
    async fn none_is_an_answer_and_a_denial_is_not() {
        let none = mock!(Client::list_exports).then_output(|| ListExportsOutput::builder().build());
        assert_eq!(read(&mock_client!(aws_sdk_bcmdataexports, [&none])).await, Ok(Vec::new()));
        let denied = mock!(Client::list_exports)
            .then_error(|| ListExportsError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert_eq!(
            read(&mock_client!(aws_sdk_bcmdataexports, [&denied])).await.unwrap_err().to_string(),
            "data exports: bcm-data-exports:ListExports was denied (AccessDeniedException)"
        );
    }
}
