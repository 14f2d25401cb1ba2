//! IAM Access Analyzer, Region by Region.

use aws_sdk_accessanalyzer::Client;
use aws_sdk_accessanalyzer::types::{AnalyzerStatus, Type};
use facts::text::bounded;
use facts::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["access-analyzer:ListAnalyzers"];

/// How reading them is called in `region`.
pub(crate) fn operation(region: &str) -> String {
    format!("access-analyzer:ListAnalyzers in {region}")
}

/// Names of the analyzers for external access that are active in the Region of `client`, which is `region`. Those for unused and for
/// internal access do not show what is open to others
/// (<https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_AnalyzerSummary.html>).
pub async fn active(client: &Client, region: &str) -> Result<Vec<String>, Unavailable> {
    // All types in one list: a request takes one type at most.
    let mut pages = client.list_analyzers().into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::Analyzers, &operation(region), &error))?;
        let active = page.analyzers().iter().filter(|analyzer| {
            matches!(analyzer.r#type(), Type::Account | Type::Organization)
                && analyzer.status() == &AnalyzerStatus::Active
        });
        names.extend(active.map(|analyzer| bounded(analyzer.name())));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use aws_sdk_accessanalyzer::error::ErrorMetadata;
    use aws_sdk_accessanalyzer::operation::list_analyzers::{ListAnalyzersError, ListAnalyzersOutput};
    use aws_sdk_accessanalyzer::primitives::DateTime;
    use aws_sdk_accessanalyzer::types::AnalyzerSummary;
    use aws_smithy_mocks::{Rule, mock, mock_client};

    use super::*;

    fn analyzer(name: &str, kind: Type, status: AnalyzerStatus) -> AnalyzerSummary {
        AnalyzerSummary::builder()
            .arn(format!("arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/{name}"))
            .name(name)
            .r#type(kind)
            .created_at(DateTime::from_secs(0))
            .status(status)
            .build()
            .expect("an analyzer")
    }

    fn page(token: Option<&'static str>, analyzers: Vec<AnalyzerSummary>, next: Option<&'static str>) -> Rule {
        mock!(Client::list_analyzers)
            .match_requests(move |request| request.next_token() == token && request.r#type().is_none())
            .then_output(move || {
                ListAnalyzersOutput::builder()
                    .set_analyzers(Some(analyzers.clone()))
                    .set_next_token(next.map(str::to_owned))
                    .build()
                    .expect("an answer")
            })
    }

    async fn read_by(rules: &[&Rule]) -> Result<Vec<String>, Unavailable> {
        active(&mock_client!(aws_sdk_accessanalyzer, rules), "eu-west-1").await
    }

    #[tokio::test]
    async fn active_analyzers_of_external_access_come_from_all_pages() {
        let active = |name, kind| analyzer(name, kind, AnalyzerStatus::Active);
        let first = [
            active("account", Type::Account),
            active("unused", Type::AccountUnusedAccess),
            active("internal", Type::AccountInternalAccess),
            analyzer("creating", Type::Account, AnalyzerStatus::Creating),
        ];
        let second = [
            active("organization", Type::Organization),
            active("organization unused", Type::OrganizationUnusedAccess),
            active("organization internal", Type::OrganizationInternalAccess),
            analyzer("disabled", Type::Organization, AnalyzerStatus::Disabled),
            analyzer("failed", Type::Account, AnalyzerStatus::Failed),
        ];
        let rules = [page(None, first.to_vec(), Some("next")), page(Some("next"), second.to_vec(), None)];
        assert_eq!(read_by(&[&rules[0], &rules[1]]).await.unwrap(), ["account", "organization"]);
    }

    #[tokio::test]
    async fn none_is_an_answer_and_a_denial_names_the_region() {
        assert_eq!(read_by(&[&page(None, Vec::new(), None)]).await, Ok(Vec::new()));
        let denied = mock!(Client::list_analyzers)
            .then_error(|| ListAnalyzersError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert_eq!(
            read_by(&[&denied]).await.unwrap_err().to_string(),
            "access analyzers: access-analyzer:ListAnalyzers in eu-west-1 was denied (AccessDeniedException)"
        );
    }
}
