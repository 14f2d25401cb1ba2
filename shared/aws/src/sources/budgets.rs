//! Budgets, with how many notifications each has.

use aws_sdk_budgets::Client;
use aws_sdk_budgets::operation::describe_budget_notifications_for_account::DescribeBudgetNotificationsForAccountError;
use facts::billing::Budget;
use facts::text::bounded;
use facts::{AccountId, Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are needed here: one for all that reads budgets, and the one that it depends on
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html>).
pub const ACTIONS: &[&str] = &["billing:GetBillingViewData", "budgets:ViewBudget"];

/// Largest page that the service gives.
const PAGE: i32 = 50;

/// The budgets of `account`. `client` must be of us-east-1, in whose name requests to the one endpoint are signed.
///
/// AWS documents "the budget names and notifications that are associated with an account"; should it leave out budgets without a
/// notification, those alert no one anyway
/// (<https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeBudgetNotificationsForAccount.html>).
pub async fn read(client: &Client, account: &AccountId) -> Result<Vec<Budget>, Unavailable> {
    let request = client.describe_budget_notifications_for_account().account_id(account.as_str()).max_results(PAGE);
    let mut pages = request.into_paginator().send();
    let mut budgets = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                return match error.as_service_error() {
                    // An account that never had a budget.
                    Some(DescribeBudgetNotificationsForAccountError::NotFoundException(_)) => Ok(budgets),
                    _ => Err(unavailable(Source::Budgets, "budgets:ViewBudget", &error)),
                };
            }
        };
        budgets.extend(page.budget_notifications_for_account().iter().map(|budget| Budget {
            name: bounded(budget.budget_name().unwrap_or_default()),
            notifications: budget.notifications().len(),
        }));
    }
    Ok(budgets)
}

#[cfg(test)]
mod tests {
    use aws_sdk_budgets::error::ErrorMetadata;
    use aws_sdk_budgets::operation::describe_budget_notifications_for_account::DescribeBudgetNotificationsForAccountOutput as Output;
    use aws_sdk_budgets::types::error::{AccessDeniedException, NotFoundException};
    use aws_sdk_budgets::types::{BudgetNotificationsForAccount, ComparisonOperator, Notification, NotificationType};
    use aws_smithy_mocks::{Rule, mock, mock_client};

    use super::*;

    async fn read_by(rules: &[&Rule]) -> Result<Vec<Budget>, Unavailable> {
        let account = AccountId::parse("111122223333").expect("an id");
        read(&mock_client!(aws_sdk_budgets, rules), &account).await
    }

    fn notification() -> Notification {
        Notification::builder()
            .notification_type(NotificationType::Actual)
            .comparison_operator(ComparisonOperator::GreaterThan)
            .threshold(80.0)
            .build()
            .expect("a notification")
    }

    #[tokio::test]
    async fn budgets_of_the_account_come_from_all_pages_with_their_notifications() {
        let first = mock!(Client::describe_budget_notifications_for_account)
            .match_requests(|request| request.account_id() == Some("111122223333") && request.next_token().is_none())
            .then_output(|| {
                let budget = BudgetNotificationsForAccount::builder().budget_name("monthly");
                let budget = budget.notifications(notification()).notifications(notification()).build();
                Output::builder().budget_notifications_for_account(budget).next_token("next").build()
            });
        let second = mock!(Client::describe_budget_notifications_for_account)
            .match_requests(|request| request.next_token() == Some("next"))
            .then_output(|| {
                let budget = BudgetNotificationsForAccount::builder().budget_name("silent").build();
                Output::builder().budget_notifications_for_account(budget).build()
            });
        let expected =
            [("monthly", 2), ("silent", 0)].map(|(name, notifications)| Budget { name: name.into(), notifications });
        assert_eq!(read_by(&[&first, &second]).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn no_budgets_are_an_answer_in_either_form() {
        let empty = mock!(Client::describe_budget_notifications_for_account).then_output(|| Output::builder().build());
        assert_eq!(read_by(&[&empty]).await, Ok(Vec::new()));
        let none = mock!(Client::describe_budget_notifications_for_account).then_error(|| {
            DescribeBudgetNotificationsForAccountError::NotFoundException(NotFoundException::builder().build())
        });
        assert_eq!(read_by(&[&none]).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_denial_names_the_action_that_is_missing() {
        let denied = mock!(Client::describe_budget_notifications_for_account).then_error(|| {
            let meta = ErrorMetadata::builder().code("AccessDeniedException").build();
            DescribeBudgetNotificationsForAccountError::AccessDeniedException(
                AccessDeniedException::builder().meta(meta).build(),
            )
        });
        assert_eq!(
            read_by(&[&denied]).await.unwrap_err().to_string(),
            "budgets: budgets:ViewBudget was denied (AccessDeniedException)"
        );
    }
}
