//! What tells people about money: cost and usage reports, data exports, budgets. Each has one endpoint.

use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::page::{FIELDS, Pages};
use crate::server::State;

const REPORTS: Pages = Pages {
    list: "ReportDefinitions",
    fields: FIELDS,
    sizes: 5..=5,
    usual: 5,
    errors: ("ValidationException", "ValidationException"),
};
const EXPORTS: Pages = Pages { list: "Exports", sizes: 1..=300, usual: 100, ..REPORTS };
const NOTIFICATIONS: Pages = Pages {
    list: "BudgetNotificationsForAccount",
    fields: FIELDS,
    sizes: 1..=1000,
    usual: 50,
    errors: ("InvalidParameterException", "InvalidNextTokenException"),
};
const BUDGETS: Pages = Pages { list: "Budgets", usual: 100, ..NOTIFICATIONS };

pub(crate) fn answer(state: &State, operation: &str, region: &str, request: &Value) -> Result<Value, ServiceError> {
    ServiceError::unless_in_us_east_1(region)?;
    let (baseline, account) = (&state.story.baseline, &state.story.account);
    match operation {
        "DescribeReportDefinitions" => {
            let reports = baseline.cost_reports.iter().map(|report| {
                json!({
                    "ReportName": report.name, "TimeUnit": "DAILY", "Format": "Parquet", "Compression": "Parquet",
                    "AdditionalSchemaElements": [], "S3Bucket": "acme-prod-costs", "S3Prefix": "reports",
                    "S3Region": "us-east-1", "ReportStatus": {"lastStatus": report.status}
                })
            });
            REPORTS.of(state, request, reports.collect())
        }
        "ListExports" => {
            let exports = (1..).zip(&baseline.exports).map(|(number, export)| {
                let arn = format!("arn:aws:bcm-data-exports:us-east-1:{account}:export/{}-{number}", export.name);
                let status = json!({"StatusCode": export.status, "StatusReason": export.reason});
                json!({"ExportArn": arn, "ExportName": export.name, "ExportStatus": status})
            });
            EXPORTS.of(state, request, exports.collect())
        }
        "DescribeBudgetNotificationsForAccount" | "DescribeBudgets" if request["AccountId"] != *account => {
            Err(ServiceError::new(400, "AccessDeniedException", "the account is not the caller's"))
        }
        "DescribeBudgetNotificationsForAccount" => {
            let budgets = baseline.budgets.iter().map(|budget| {
                let notification = |number: usize| {
                    json!({
                        "NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 50 + number,
                        "ThresholdType": "PERCENTAGE", "NotificationState": "OK"
                    })
                };
                let notifications: Vec<Value> = (0..budget.notifications).map(notification).collect();
                json!({"BudgetName": budget.name, "Notifications": notifications})
            });
            NOTIFICATIONS.of(state, request, budgets.collect())
        }
        "DescribeBudgets" => {
            let limit = json!({"Amount": "1000.0", "Unit": "USD"});
            let budgets = baseline.budgets.iter().map(|budget| {
                json!({"BudgetName": budget.name, "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"})
            });
            BUDGETS.of(state, request, budgets.collect())
        }
        _ => Err(ServiceError::unknown_operation("billing", operation)),
    }
}
