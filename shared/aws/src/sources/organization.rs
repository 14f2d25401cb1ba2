//! The AWS organization that the account is in, and what it does about root.
//!
//! AWS shows every account its organization, but its root access and its policies only to the account that manages it and to those
//! that it has named for that (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html>).

use std::collections::BTreeMap;

use aws_sdk_iam::operation::list_organizations_features::ListOrganizationsFeaturesError as FeaturesError;
use aws_sdk_iam::types::FeatureType;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::error::SdkError;
use aws_sdk_organizations::operation::describe_organization::DescribeOrganizationError;
use aws_sdk_organizations::operation::list_policies_for_target::ListPoliciesForTargetError;
use aws_sdk_organizations::types::{OrganizationFeatureSet, PolicySummary, PolicyType};
use facts::organization::{CentralRootAccess, Organization, ServiceControlPolicy};
use facts::policy_document::Denials;
use facts::source::Cause;
use facts::text::bounded;
use facts::{AccountId, Source, Unavailable};
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};

use crate::failure::unavailable;

/// The IAM actions that [`read`] calls.
pub const ACTIONS: &[&str] = &["organizations:DescribeOrganization"];

/// The IAM actions that [`central_root_access`] calls.
pub const CENTRAL_ROOT_ACCESS_ACTIONS: &[&str] = &["iam:ListOrganizationsFeatures"];

/// The IAM actions that [`service_control_policies`] calls.
pub const POLICIES_ACTIONS: &[&str] =
    &["organizations:DescribePolicy", "organizations:ListParents", "organizations:ListPoliciesForTarget"];

/// Largest page that the service gives.
const PAGE: i32 = 20;
/// Most that an account is in: AWS allows five organizational units in each other, and the root
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>); more would be a loop.
const MAX_LEVELS: usize = 12;
/// Policies that are read at the same time; the service allows few requests a second.
const AT_ONCE: usize = 4;
/// Allows everything, in every organization; AWS manages it, and no one else can change it.
const FULL_ACCESS: &str = "p-FullAWSAccess";

/// The account's organization; `None`: it is in none. `client` must be of [`crate::sources::regions::endpoint_region`], which Organizations
/// shares with Account Management
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html>).
pub async fn read(client: &Client) -> Result<Option<Organization>, Unavailable> {
    let operation = "organizations:DescribeOrganization";
    let answer = match client.describe_organization().send().await {
        Ok(answer) => answer,
        Err(error) => {
            return match error.as_service_error() {
                Some(DescribeOrganizationError::AwsOrganizationsNotInUseException(_)) => Ok(None),
                _ => Err(unavailable(Source::Organization, operation, &error)),
            };
        }
    };
    let malformed = |detail: &str| Unavailable {
        source: Source::Organization,
        operation: operation.into(),
        cause: Cause::Malformed { detail: detail.into() },
    };
    let organization = answer.organization().ok_or_else(|| malformed("Organization is missing"))?;
    let manager = organization.master_account_id().ok_or_else(|| malformed("MasterAccountId is missing"))?;
    Ok(Some(Organization {
        id: bounded(organization.id().unwrap_or_default()),
        management_account: AccountId::parse(manager).map_err(|error| malformed(&error.to_string()))?,
        has_all_features: organization.feature_set() == Some(&OrganizationFeatureSet::All),
    }))
}

/// What the organization manages of its members' root; to be asked in the management account. `None`: AWS does not show it to this account.
/// An organization that never switched it on has neither
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html>).
pub async fn central_root_access(client: &aws_sdk_iam::Client) -> Result<Option<CentralRootAccess>, Unavailable> {
    match client.list_organizations_features().send().await {
        Ok(answer) => {
            let has = |feature| answer.enabled_features().contains(&feature);
            Ok(Some(CentralRootAccess {
                manages_credentials: has(FeatureType::RootCredentialsManagement),
                opens_sessions: has(FeatureType::RootSessions),
            }))
        }
        Err(error) => match error.as_service_error() {
            Some(
                FeaturesError::ServiceAccessNotEnabledException(_)
                | FeaturesError::OrganizationNotInAllFeaturesModeException(_),
            ) => Ok(Some(CentralRootAccess { manages_credentials: false, opens_sessions: false })),
            Some(
                FeaturesError::AccountNotManagementOrDelegatedAdministratorException(_)
                | FeaturesError::OrganizationNotFoundException(_),
            ) => Ok(None),
            _ => Err(unavailable(Source::CentralRootAccess, "iam:ListOrganizationsFeatures", &error)),
        },
    }
}

/// The service control policies that are in force for `account`, which must be a member and has the root user `root` (its ARN): those
/// attached to it and to everything it is in, each once. Left out is AWS's own that allows everything. `None`: AWS does not show it to this
/// account (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html>).
///
/// # Errors
/// When one of the policies could not be read, after AWS has listed the first ones.
pub async fn service_control_policies(
    client: &Client,
    account: &AccountId,
    root: &str,
) -> Result<Option<Vec<ServiceControlPolicy>>, Unavailable> {
    let own = match attached(client, account.as_str()).await {
        Ok(own) => own,
        // The answer to a member that was not named for it, as to a role that may not ask: AWS answers both alike.
        Err(error) => {
            return match error.as_service_error() {
                Some(ListPoliciesForTargetError::AccessDeniedException(_)) => Ok(None),
                _ => Err(failed("ListPoliciesForTarget", account.as_str(), &error)),
            };
        }
    };
    let parents = parents(client, account).await?;
    let inherited = try_join_all(parents.iter().map(async |parent| {
        let attached = attached(client, parent).await;
        attached.map_err(|error| failed("ListPoliciesForTarget", parent, &error))
    }));
    let attached = own.into_iter().chain(inherited.await?.into_iter().flatten());
    let policies: BTreeMap<String, String> = attached.filter(|(id, _)| id != FULL_ACCESS).collect();
    let policies = stream::iter(policies).map(|(id, name)| policy(client, id, name, root));
    policies.buffered(AT_ONCE).try_collect().await.map(Some)
}

/// Ids and names of the policies that are attached to `target` itself.
async fn attached(
    client: &Client,
    target: &str,
) -> Result<Vec<(String, String)>, SdkError<ListPoliciesForTargetError>> {
    let request = client.list_policies_for_target().target_id(target).filter(PolicyType::ServiceControlPolicy);
    let mut pages = request.max_results(PAGE).into_paginator().send();
    let mut policies = Vec::new();
    while let Some(page) = pages.next().await {
        policies.extend(page?.policies().iter().filter_map(id_and_name));
    }
    Ok(policies)
}

fn id_and_name(policy: &PolicySummary) -> Option<(String, String)> {
    let id = policy.id()?;
    Some((id.to_owned(), bounded(policy.name().unwrap_or(id))))
}

/// Ids of the organizational units that the account is in, and of the root, nearest first.
async fn parents(client: &Client, account: &AccountId) -> Result<Vec<String>, Unavailable> {
    let mut parents: Vec<String> = Vec::new();
    loop {
        let child = parents.last().map_or(account.as_str(), String::as_str).to_owned();
        match parent(client, &child).await? {
            None => return Ok(parents),
            Some(_) if parents.len() == MAX_LEVELS => {
                return Err(Unavailable {
                    source: Source::ServiceControlPolicies,
                    operation: "organizations:ListParents".into(),
                    cause: Cause::Malformed { detail: format!("more than {MAX_LEVELS} parents") },
                });
            }
            Some(parent) => parents.push(parent),
        }
    }
}

/// What `child` is directly in; `None`: it is a root, which is in nothing and may not be asked for.
async fn parent(client: &Client, child: &str) -> Result<Option<String>, Unavailable> {
    if child.starts_with("r-") {
        return Ok(None);
    }
    // A child has one parent, but a page may be empty before the last.
    let mut pages = client.list_parents().child_id(child).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failed("ListParents", child, &error))?;
        if let Some(id) = page.parents().iter().find_map(|parent| parent.id()) {
            return Ok(Some(id.to_owned()));
        }
    }
    Err(Unavailable {
        source: Source::ServiceControlPolicies,
        operation: format!("organizations:ListParents of {}", bounded(child)),
        cause: Cause::Malformed { detail: "no parent".into() },
    })
}

async fn policy(client: &Client, id: String, name: String, root: &str) -> Result<ServiceControlPolicy, Unavailable> {
    let answer = client.describe_policy().policy_id(&id).send().await;
    let answer = answer.map_err(|error| failed("DescribePolicy", &id, &error))?;
    // A policy without a document is one that cannot be evaluated.
    let document = answer.policy().and_then(|policy| policy.content()).unwrap_or_default();
    Ok(ServiceControlPolicy { name, denials: Denials::of(document, root) })
}

fn failed<E: aws_sdk_organizations::error::ProvideErrorMetadata>(
    action: &str,
    of: &str,
    error: &SdkError<E>,
) -> Unavailable {
    unavailable(Source::ServiceControlPolicies, &format!("organizations:{action} of {}", bounded(of)), error)
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::operation::list_organizations_features::ListOrganizationsFeaturesOutput;
    use aws_sdk_iam::types::error as iam_error;
    use aws_sdk_organizations::error::ErrorMetadata;
    use aws_sdk_organizations::operation::describe_organization::DescribeOrganizationOutput;
    use aws_sdk_organizations::operation::describe_policy::{DescribePolicyError, DescribePolicyOutput};
    use aws_sdk_organizations::operation::list_parents::ListParentsOutput;
    use aws_sdk_organizations::operation::list_policies_for_target::ListPoliciesForTargetOutput;
    use aws_sdk_organizations::types::error as organizations_error;
    use aws_sdk_organizations::types::{self, Parent, Policy};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use facts::Partition;
    use facts::policy_document::Denial;

    use super::*;

    fn account() -> AccountId {
        AccountId::parse("111122223333").expect("an id")
    }

    fn code(code: &str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).build()
    }

    async fn organization_by(rule: &Rule) -> Result<Option<Organization>, Unavailable> {
        read(&mock_client!(aws_sdk_organizations, [rule])).await
    }

    fn organization(manager: Option<&'static str>, features: OrganizationFeatureSet) -> Rule {
        mock!(Client::describe_organization).then_output(move || {
            let organization = types::Organization::builder()
                .id("o-exampleorgid")
                .master_account_email("owner@example.com")
                .set_master_account_id(manager.map(str::to_owned))
                .feature_set(features.clone());
            DescribeOrganizationOutput::builder().organization(organization.build()).build()
        })
    }

    #[tokio::test]
    async fn an_organization_is_known_by_its_manager_and_its_features() {
        for (features, has_all_features) in
            [(OrganizationFeatureSet::All, true), (OrganizationFeatureSet::ConsolidatedBilling, false)]
        {
            let read = organization_by(&organization(Some("111122223333"), features)).await.unwrap();
            let expected =
                Organization { id: "o-exampleorgid".into(), management_account: account(), has_all_features };
            assert_eq!(read, Some(expected));
        }
    }

    #[tokio::test]
    async fn a_standalone_account_is_an_answer_and_a_denial_or_half_an_answer_is_not() {
        let none = mock!(Client::describe_organization).then_error(|| {
            let error = organizations_error::AwsOrganizationsNotInUseException::builder().build();
            DescribeOrganizationError::AwsOrganizationsNotInUseException(error)
        });
        assert_eq!(organization_by(&none).await, Ok(None));
        let denied = mock!(Client::describe_organization)
            .then_error(|| DescribeOrganizationError::generic(code("AccessDeniedException")));
        assert_eq!(
            organization_by(&denied).await.unwrap_err().to_string(),
            "organization: organizations:DescribeOrganization was denied (AccessDeniedException)"
        );
        for manager in [None, Some("nobody")] {
            let half = organization_by(&organization(manager, OrganizationFeatureSet::All)).await;
            assert!(matches!(half.unwrap_err().cause, Cause::Malformed { .. }));
        }
        let empty = mock!(Client::describe_organization).then_output(|| DescribeOrganizationOutput::builder().build());
        assert!(matches!(organization_by(&empty).await.unwrap_err().cause, Cause::Malformed { .. }));
    }

    async fn central_by(rule: &Rule) -> Result<Option<CentralRootAccess>, Unavailable> {
        central_root_access(&mock_client!(aws_sdk_iam, [rule])).await
    }

    fn central_refused(error: fn() -> FeaturesError) -> Rule {
        mock!(aws_sdk_iam::Client::list_organizations_features).then_error(error)
    }

    #[tokio::test]
    async fn each_feature_of_central_root_access_is_read_alone() {
        let access = |manages_credentials, opens_sessions| CentralRootAccess { manages_credentials, opens_sessions };
        for (features, expected) in [
            (vec![], access(false, false)),
            (vec![FeatureType::RootCredentialsManagement], access(true, false)),
            (vec![FeatureType::RootSessions], access(false, true)),
            (vec![FeatureType::RootSessions, FeatureType::RootCredentialsManagement], access(true, true)),
        ] {
            let rule = mock!(aws_sdk_iam::Client::list_organizations_features).then_output(move || {
                ListOrganizationsFeaturesOutput::builder().set_enabled_features(Some(features.clone())).build()
            });
            assert_eq!(central_by(&rule).await, Ok(Some(expected)));
        }
    }

    #[tokio::test]
    async fn an_organization_that_never_switched_it_on_has_neither() {
        let off = Some(CentralRootAccess { manages_credentials: false, opens_sessions: false });
        let access = central_refused(|| {
            let error = iam_error::ServiceAccessNotEnabledException::builder().build();
            FeaturesError::ServiceAccessNotEnabledException(error)
        });
        assert_eq!(central_by(&access).await, Ok(off));
        let features = central_refused(|| {
            let error = iam_error::OrganizationNotInAllFeaturesModeException::builder().build();
            FeaturesError::OrganizationNotInAllFeaturesModeException(error)
        });
        assert_eq!(central_by(&features).await, Ok(off));
    }

    #[tokio::test]
    async fn what_aws_does_not_show_this_account_is_an_answer_and_a_denial_is_not() {
        let member = central_refused(|| {
            let error = iam_error::AccountNotManagementOrDelegatedAdministratorException::builder().build();
            FeaturesError::AccountNotManagementOrDelegatedAdministratorException(error)
        });
        assert_eq!(central_by(&member).await, Ok(None));
        let standalone = central_refused(|| {
            FeaturesError::OrganizationNotFoundException(iam_error::OrganizationNotFoundException::builder().build())
        });
        assert_eq!(central_by(&standalone).await, Ok(None));
        let denied = central_refused(|| FeaturesError::generic(code("AccessDenied")));
        assert_eq!(
            central_by(&denied).await.unwrap_err().to_string(),
            "centralized root access: iam:ListOrganizationsFeatures was denied (AccessDenied)"
        );
    }

    const ROOT: &str = "r-abcd";
    const UNIT: &str = "ou-abcd-11111111";
    const DENY_ALL: &str = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:root"}}}}"#;
    const DENY_SOME: &str = r#"{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;

    fn summary(id: &str) -> PolicySummary {
        PolicySummary::builder().id(id).name(format!("name of {id}")).build()
    }

    /// A page of the policies of `target`.
    fn attached_to(
        target: &'static str,
        token: Option<&'static str>,
        ids: &'static [&str],
        next: Option<&str>,
    ) -> Rule {
        let next = next.map(str::to_owned);
        mock!(Client::list_policies_for_target)
            .match_requests(move |request| {
                request.target_id() == Some(target)
                    && request.next_token() == token
                    && request.filter() == Some(&PolicyType::ServiceControlPolicy)
                    && request.max_results() == Some(20)
            })
            .then_output(move || {
                let policies = ids.iter().map(|id| summary(id)).collect();
                ListPoliciesForTargetOutput::builder().set_policies(Some(policies)).set_next_token(next.clone()).build()
            })
    }

    fn parent_of(child: &'static str, parent: &'static str) -> Rule {
        mock!(Client::list_parents)
            .match_requests(move |request| request.child_id() == Some(child))
            .then_output(move || ListParentsOutput::builder().parents(Parent::builder().id(parent).build()).build())
    }

    fn document(id: &'static str, content: Option<&'static str>) -> Rule {
        mock!(Client::describe_policy).match_requests(move |request| request.policy_id() == Some(id)).then_output(
            move || {
                let policy = Policy::builder().set_content(content.map(str::to_owned)).build();
                DescribePolicyOutput::builder().policy(policy).build()
            },
        )
    }

    async fn policies_by(rules: &[&Rule]) -> Result<Option<Vec<ServiceControlPolicy>>, Unavailable> {
        let client = mock_client!(aws_sdk_organizations, RuleMode::MatchAny, rules);
        service_control_policies(&client, &account(), &account().root_arn(Partition::Aws)).await
    }

    #[tokio::test]
    async fn policies_of_the_account_and_of_all_that_it_is_in_are_read_once_each() {
        let rules = [
            attached_to("111122223333", None, &["p-FullAWSAccess"], Some("next")),
            attached_to("111122223333", Some("next"), &["p-some"], None),
            attached_to(UNIT, None, &["p-FullAWSAccess", "p-some", "p-root"], None),
            attached_to(ROOT, None, &["p-FullAWSAccess", "p-empty"], None),
            parent_of("111122223333", UNIT),
            parent_of(UNIT, ROOT),
            document("p-some", Some(DENY_SOME)),
            document("p-root", Some(DENY_ALL)),
            document("p-empty", None),
        ];
        let policies = policies_by(&rules.each_ref()).await.unwrap().unwrap();
        let expected = [
            ("name of p-empty", Denial::Unreadable),
            ("name of p-root", Denial::Everything),
            ("name of p-some", Denial::Nothing),
        ];
        let denied = policies.iter().map(|policy| (policy.name.as_str(), Denials::together([&policy.denials])));
        assert_eq!(denied.collect::<Vec<_>>(), expected);
        assert!(rules.iter().all(|rule| rule.num_calls() == 1), "{:?}", rules.each_ref().map(Rule::num_calls));
    }

    #[tokio::test]
    async fn a_member_that_is_shown_nothing_is_an_answer() {
        let denied = mock!(Client::list_policies_for_target).then_error(|| {
            let error = organizations_error::AccessDeniedException::builder().meta(code("AccessDeniedException"));
            ListPoliciesForTargetError::AccessDeniedException(error.build())
        });
        assert_eq!(policies_by(&[&denied]).await, Ok(None));
        let throttled = mock!(Client::list_policies_for_target)
            .then_error(|| ListPoliciesForTargetError::generic(code("TooManyRequestsException")));
        assert_eq!(
            policies_by(&[&throttled]).await.unwrap_err().to_string(),
            "service control policies: organizations:ListPoliciesForTarget of 111122223333 was throttled \
             (TooManyRequestsException)"
        );
    }

    #[tokio::test]
    async fn half_of_the_policies_is_no_answer() {
        let own = attached_to("111122223333", None, &["p-some"], None);
        let (parent, of_root) = (parent_of("111122223333", ROOT), attached_to(ROOT, None, &[], None));
        let denied =
            mock!(Client::describe_policy).then_error(|| DescribePolicyError::generic(code("AccessDeniedException")));
        assert_eq!(
            policies_by(&[&own, &parent, &of_root, &denied]).await.unwrap_err().to_string(),
            "service control policies: organizations:DescribePolicy of p-some was denied (AccessDeniedException)"
        );
        let denied = mock!(Client::list_policies_for_target).then_error(|| {
            let error = organizations_error::AccessDeniedException::builder().meta(code("AccessDeniedException"));
            ListPoliciesForTargetError::AccessDeniedException(error.build())
        });
        assert_eq!(
            policies_by(&[&own, &parent, &denied]).await.unwrap_err().to_string(),
            "service control policies: organizations:ListPoliciesForTarget of r-abcd was denied (AccessDeniedException)"
        );
    }

    #[tokio::test]
    async fn a_chain_of_parents_without_an_end_or_without_a_link_is_no_answer() {
        let own = attached_to("111122223333", None, &[], None);
        let (first, loops) = (parent_of("111122223333", UNIT), parent_of(UNIT, UNIT));
        let cause = policies_by(&[&own, &first, &loops]).await.unwrap_err().cause;
        assert_eq!(cause, Cause::Malformed { detail: "more than 12 parents".into() });
        let none = mock!(Client::list_parents).then_output(|| ListParentsOutput::builder().build());
        assert_eq!(
            policies_by(&[&own, &none]).await.unwrap_err().to_string(),
            "service control policies: organizations:ListParents of 111122223333 gave an answer that cannot be used: no \
             parent"
        );
    }
}
