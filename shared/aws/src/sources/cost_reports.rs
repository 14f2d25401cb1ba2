//! Cost and usage reports.

use aws_sdk_costandusagereport::Client;
use aws_sdk_costandusagereport::types::LastStatus;
use facts::billing::{CostReport, Delivery};
use facts::text::bounded;
use facts::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["cur:DescribeReportDefinitions"];

/// Every report that the account has defined, with how its last delivery went. `client` must be of us-east-1, where alone the service
/// is (<https://docs.aws.amazon.com/general/latest/gr/billing.html>).
pub async fn read(client: &Client) -> Result<Vec<CostReport>, Unavailable> {
    // The service gives five a page and takes no other number.
    let mut pages = client.describe_report_definitions().into_paginator().send();
    let mut reports = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::CostReports, "cur:DescribeReportDefinitions", &error))?;
        reports.extend(page.report_definitions().iter().map(|report| CostReport {
            name: bounded(report.report_name()),
            delivery: match report.report_status().and_then(|status| status.last_status()) {
                None => Delivery::Untold,
                Some(LastStatus::Success) => Delivery::Works,
                Some(status) => Delivery::Fails(bounded(status.as_str())),
            },
        }));
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use aws_sdk_costandusagereport::error::ErrorMetadata;
    use aws_sdk_costandusagereport::operation::describe_report_definitions::{
        DescribeReportDefinitionsError, DescribeReportDefinitionsOutput,
    };
    use aws_sdk_costandusagereport::types::{
        AwsRegion, CompressionFormat, ReportDefinition, ReportFormat, ReportStatus, SchemaElement, TimeUnit,
    };
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;

    fn report(name: &str, status: Option<ReportStatus>) -> ReportDefinition {
        ReportDefinition::builder()
            .report_name(name)
            .time_unit(TimeUnit::Daily)
            .format(ReportFormat::Parquet)
            .compression(CompressionFormat::Parquet)
            .additional_schema_elements(SchemaElement::Resources)
            .s3_bucket("acme-costs")
            .s3_prefix("reports")
            .s3_region(AwsRegion::from("us-east-1"))
            .set_report_status(status)
            .build()
            .expect("a report")
    }

    fn status(last: LastStatus) -> Option<ReportStatus> {
        Some(ReportStatus::builder().last_status(last).build())
    }

    #[tokio::test]
    async fn reports_come_from_all_pages_with_how_their_delivery_goes() {
        let first = mock!(Client::describe_report_definitions)
            .match_requests(|request| request.next_token().is_none())
            .then_output(|| {
                DescribeReportDefinitionsOutput::builder()
                    .report_definitions(report("daily", status(LastStatus::Success)))
                    .report_definitions(report("new", None))
                    .report_definitions(report("empty", Some(ReportStatus::builder().build())))
                    .next_token("next")
                    .build()
            });
        let second = mock!(Client::describe_report_definitions)
            .match_requests(|request| request.next_token() == Some("next"))
            .then_output(|| {
                DescribeReportDefinitionsOutput::builder()
                    .report_definitions(report("denied", status(LastStatus::ErrorPermissions)))
                    .report_definitions(report("gone", status(LastStatus::ErrorNoBucket)))
                    .build()
            });
        let reports = read(&mock_client!(aws_sdk_costandusagereport, [&first, &second])).await.unwrap();
        let expected = [
            ("daily", Delivery::Works),
            ("new", Delivery::Untold),
            ("empty", Delivery::Untold),
            ("denied", Delivery::Fails("ERROR_PERMISSIONS".into())),
            ("gone", Delivery::Fails("ERROR_NO_BUCKET".into())),
        ];
        assert_eq!(reports, expected.map(|(name, delivery)| CostReport { name: name.into(), delivery }));
    }

    #[tokio::test]
    async fn none_is_an_answer_and_a_denial_is_not() {
        let none = mock!(Client::describe_report_definitions)
            .then_output(|| DescribeReportDefinitionsOutput::builder().build());
        assert_eq!(read(&mock_client!(aws_sdk_costandusagereport, [&none])).await, Ok(Vec::new()));
        let denied = mock!(Client::describe_report_definitions).then_error(|| {
            DescribeReportDefinitionsError::generic(ErrorMetadata::builder().code("AccessDeniedException").build())
        });
        assert_eq!(
            read(&mock_client!(aws_sdk_costandusagereport, [&denied])).await.unwrap_err().to_string(),
            "cost and usage reports: cur:DescribeReportDefinitions was denied (AccessDeniedException)"
        );
    }
}
