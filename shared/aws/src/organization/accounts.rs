//! Whether the organization can be audited from this account, and which accounts it has. A fault is a sentence of at most
//! [`facts::text::MAX_CHARS`] characters with what to do, as an alert shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_iam::operation::list_organizations_features::ListOrganizationsFeaturesError as FeaturesError;
use aws_sdk_iam::types::FeatureType;
use aws_sdk_organizations::error::SdkError;
use aws_sdk_organizations::operation::list_accounts::{ListAccountsError, ListAccountsOutput};
use aws_sdk_organizations::operation::list_tags_for_resource::ListTagsForResourceError as TagsError;
use aws_sdk_organizations::types::Account;
use facts::source::Cause;
use facts::text::bounded;
use facts::{AccountId, Partition};
use jiff::Timestamp;
use members::{Member, Route, Tag};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use crate::failure::cause;
use crate::sources::{organization, regions};

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &[
    "iam:ListOrganizationsFeatures",
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListTagsForResource",
];

/// Largest page that the service gives.
const PAGE: i32 = 20;
/// Time between two pages: AWS takes eight requests a second of an account
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>), and whatever else lists accounts shares them.
const PACE: Duration = Duration::from_millis(140);
/// Pause after the first refusal of a page for its pace, beyond the client's own retries; it doubles up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// For one page that AWS refuses for its pace.
const PATIENCE: Duration = Duration::from_secs(90);

/// Most accounts whose tags one run reads, in 70 seconds by [`PACE`].
const MAX_TAGS: usize = 500;
/// For all of them: a list that ends too late would leave no time for the audits.
const TIME_OF_TAGS: Duration = Duration::from_secs(120);
/// Most pages of the tags of one account, which has at most 50
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_tagging.html>).
const MAX_TAG_PAGES: usize = 5;

/// How far a list goes.
struct Bounds {
    accounts: usize,
    time: Duration,
}

/// As many accounts as AWS grants an organization
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>). Their 2,500 pages take eight minutes, and a
/// function ends after fifteen.
const BOUNDS: Bounds = Bounds { accounts: 50_000, time: Duration::from_secs(12 * 60) };

/// The organization can be audited from this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// The account that manages the organization: `sts:AssumeRoot` does not reach it.
    pub management: AccountId,
}

/// Whether the organization `expected`, as `o-exampleorgid`, can be audited with `config`.
///
/// # Errors
/// Why it cannot, and what to do.
pub async fn preflight(config: &SdkConfig, expected: &str) -> Result<Preflight, String> {
    let expected = bounded(expected);
    let management = is_expected(&organizations(config), &expected).await?;
    manages_root(&aws_sdk_iam::Client::new(config)).await?;
    Ok(Preflight { management })
}

/// All accounts of the organization, in the order of their ids.
///
/// # Errors
/// Why not all of them could be listed, and what to do: half of the accounts is no answer.
pub async fn list(config: &SdkConfig) -> Result<Vec<Member>, String> {
    listed(&organizations(config), &BOUNDS).await
}

/// Reads the tag [`Route::TAG`] of those of `members` that were never read, and of those that were read longest ago: in an organization of 10,000
/// accounts each is read every twenty runs. What is not read keeps its tag; what may pass is left to the next run.
///
/// # Errors
/// Why tags could not be read, and what to do; the others are as they were.
pub async fn read_tags(config: &SdkConfig, members: &mut [Member], now: Timestamp) -> Result<(), String> {
    tags_of(&organizations(config), members, now).await
}

async fn tags_of(client: &aws_sdk_organizations::Client, members: &mut [Member], now: Timestamp) -> Result<(), String> {
    let mut oldest: Vec<&mut Member> = members.iter_mut().collect();
    oldest.sort_by_key(|member| member.tag.as_ref().map(|tag| tag.read_at));
    let mut turns = interval(PACE);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ends = Instant::now() + TIME_OF_TAGS;
    for member in oldest.into_iter().take(MAX_TAGS) {
        turns.tick().await;
        let Ok(read) = timeout_at(ends, tag(client, &member.account)).await else {
            tracing::warn!("reading the tags of accounts takes too long: the next run goes on");
            break;
        };
        let error = match read {
            Ok(value) => {
                member.tag = Some(Tag { value, read_at: now });
                continue;
            }
            Err(error) => error,
        };
        // It left after it was listed.
        if error.as_service_error().is_some_and(TagsError::is_target_not_found_exception) {
            continue;
        }
        let cause = cause(&error);
        let fault = fault("organizations:ListTagsForResource", &cause);
        if matches!(cause, Cause::Throttled { .. } | Cause::TimedOut | Cause::Unreachable) {
            tracing::warn!(fault, "the next run goes on with the tags of accounts");
            break;
        }
        return Err(format!("the tags read last are used: {fault}"));
    }
    Ok(())
}

async fn tag(
    client: &aws_sdk_organizations::Client,
    account: &AccountId,
) -> Result<Option<String>, SdkError<TagsError>> {
    let request = client.list_tags_for_resource().resource_id(account.as_str());
    let mut pages = request.into_paginator().send();
    for _ in 0..MAX_TAG_PAGES {
        let Some(page) = pages.next().await else { break };
        let page = page?;
        if let Some(tag) = page.tags().iter().find(|tag| tag.key() == Route::TAG) {
            return Ok(Some(bounded(tag.value())));
        }
    }
    Ok(None)
}

fn organizations(config: &SdkConfig) -> aws_sdk_organizations::Client {
    let region = config.region().map_or("", Region::as_ref);
    let region = Region::from_static(regions::endpoint_region(Partition::of_region(region)));
    aws_sdk_organizations::Client::new(&config.clone().into_builder().region(region).build())
}

/// The account that manages `expected`, if that is this account's organization.
async fn is_expected(client: &aws_sdk_organizations::Client, expected: &str) -> Result<AccountId, String> {
    match organization::read(client).await {
        Ok(Some(found)) if found.id == expected => Ok(found.management_account),
        Ok(Some(found)) => Err(format!(
            "OrganizationId is {expected}, and organizations:DescribeOrganization says that this account is in {}: correct OrganizationId",
            found.id
        )),
        Ok(None) => Err(format!(
            "OrganizationId is {expected}, and this account is in no organization: deploy into an account of it, or leave OrganizationId \
             empty"
        )),
        Err(unavailable) => Err(fault(&unavailable.operation, &unavailable.cause)),
    }
}

async fn manages_root(client: &aws_sdk_iam::Client) -> Result<(), String> {
    const OPERATION: &str = "iam:ListOrganizationsFeatures";
    let error = match client.list_organizations_features().send().await {
        Ok(answer) if answer.enabled_features().contains(&FeatureType::RootCredentialsManagement) => return Ok(()),
        Ok(_) => {
            return Err("central management of root credentials is off: run `aws iam \
                        enable-organizations-root-credentials-management` in the management account"
                .into());
        }
        Err(error) => error,
    };
    Err(match error.as_service_error() {
        Some(FeaturesError::ServiceAccessNotEnabledException(_)) => {
            "IAM has no trusted access to the organization: run `aws organizations enable-aws-service-access --service-principal \
             iam.amazonaws.com` in the management account"
                .into()
        }
        Some(FeaturesError::AccountNotManagementOrDelegatedAdministratorException(_)) => {
            "this account is no delegated administrator: `aws organizations register-delegated-administrator --service-principal \
             iam.amazonaws.com --account-id <this>` in the management account"
                .into()
        }
        Some(FeaturesError::OrganizationNotFoundException(_)) => {
            format!("{OPERATION} finds no organization of this account: deploy into an account of it")
        }
        Some(FeaturesError::OrganizationNotInAllFeaturesModeException(_)) => {
            "the organization has billing features only: run `aws organizations enable-all-features` in the management account".into()
        }
        _ => fault(OPERATION, &cause(&error)),
    })
}

/// What to do about a call that failed, whichever it is.
fn fault(operation: &str, cause: &Cause) -> String {
    let remedy = match cause {
        Cause::Denied { .. } => {
            "find in CloudTrail who took it from the function's role, or which service control policy denies it"
        }
        Cause::Throttled { .. } => {
            "find the other tool that uses up the rate of AWS Organizations; the next run tries again"
        }
        Cause::TimedOut | Cause::Unreachable => "see the AWS Health Dashboard; the next run tries again",
        _ => "look up the error in the reference of the action; the next run tries again",
    };
    bounded(&format!("{operation} {cause}: {remedy}"))
}

async fn listed(client: &aws_sdk_organizations::Client, bounds: &Bounds) -> Result<Vec<Member>, String> {
    let ends = Instant::now() + bounds.time;
    let mut turns = interval(PACE);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut members, mut token) = (BTreeMap::new(), None);
    while Instant::now() < ends {
        turns.tick().await;
        let page = page(client, token).await.map_err(|error| fault(OPERATION, &cause(&error)))?;
        for account in page.accounts() {
            let member = member(account)?;
            members.insert(member.account.as_str().to_owned(), member);
        }
        if members.len() > bounds.accounts {
            return Err(format!(
                "{OPERATION} lists more than {} accounts, which is more than rootwatch audits: open an issue",
                bounds.accounts
            ));
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(members.into_values().collect());
        }
    }
    Err(format!(
        "{OPERATION} listed {} accounts within {} minutes, and not all: the next run tries again; find the other tool that uses up its rate",
        members.len(),
        bounds.time.as_secs() / 60
    ))
}

const OPERATION: &str = "organizations:ListAccounts";

/// One page, once AWS takes the pace.
async fn page(
    client: &aws_sdk_organizations::Client,
    token: Option<String>,
) -> Result<ListAccountsOutput, SdkError<ListAccountsError>> {
    let ends = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        match client.list_accounts().max_results(PAGE).set_next_token(token.clone()).send().await {
            Err(error) if matches!(cause(&error), Cause::Throttled { .. }) && Instant::now() + pause < ends => {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            answer => return answer,
        }
    }
}

/// AWS retires `Status` for `State` in September 2026. An account without either is audited.
fn member(account: &Account) -> Result<Member, String> {
    let id = AccountId::parse(account.id().unwrap_or_default()).map_err(|error| {
        bounded(&format!(
            "{OPERATION} gave an account without a usable id ({error}): compare with `aws organizations list-accounts`"
        ))
    })?;
    let state = account.state().map(|state| state.as_str());
    let state = state.or_else(|| account.status().map(|status| status.as_str())).unwrap_or_default();
    let path = account.paths().first().map(String::as_str);
    Ok(Member::new(id, account.name().unwrap_or_default(), path, state))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::retry::RetryConfig;
    use aws_sdk_iam::operation::list_organizations_features::ListOrganizationsFeaturesOutput;
    use aws_sdk_iam::types::error as iam_error;
    use aws_sdk_organizations::Client;
    use aws_sdk_organizations::error::ErrorMetadata;
    use aws_sdk_organizations::operation::describe_organization::{
        DescribeOrganizationError, DescribeOrganizationOutput,
    };
    use aws_sdk_organizations::operation::list_tags_for_resource::ListTagsForResourceOutput;
    use aws_sdk_organizations::types::Tag as OfAws;
    use aws_sdk_organizations::types::error as organizations_error;
    use aws_sdk_organizations::types::{AccountState, AccountStatus, Organization};
    use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
    use facts::text::MAX_CHARS;
    use members::State;

    use super::*;

    const EXPECTED: &str = "o-exampleorgid";

    fn coded(code: &str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).build()
    }

    async fn expected_by(rule: &Rule) -> Result<AccountId, String> {
        is_expected(&mock_client!(aws_sdk_organizations, [rule]), EXPECTED).await
    }

    fn described(id: &'static str) -> Rule {
        mock!(Client::describe_organization).then_output(move || {
            let organization = Organization::builder().id(id).master_account_id("999900001111").build();
            DescribeOrganizationOutput::builder().organization(organization).build()
        })
    }

    #[tokio::test]
    async fn the_organization_is_the_expected_one_or_the_fault_names_both() {
        assert_eq!(expected_by(&described(EXPECTED)).await, Ok(AccountId::parse("999900001111").unwrap()));
        let fault = expected_by(&described("o-anotherorgid")).await.unwrap_err();
        assert!(fault.contains(EXPECTED) && fault.contains("o-anotherorgid"), "{fault}");
        let none = mock!(Client::describe_organization).then_error(|| {
            let error = organizations_error::AwsOrganizationsNotInUseException::builder().build();
            DescribeOrganizationError::AwsOrganizationsNotInUseException(error)
        });
        let fault = expected_by(&none).await.unwrap_err();
        assert!(fault.contains(EXPECTED) && fault.contains("in no organization"), "{fault}");
        for (code, words) in [("AccessDeniedException", "was denied"), ("TooManyRequestsException", "was throttled")] {
            let refused = mock!(Client::describe_organization)
                .then_error(move || DescribeOrganizationError::generic(coded(code)));
            let fault = expected_by(&refused).await.unwrap_err();
            assert!(fault.starts_with(&format!("organizations:DescribeOrganization {words} ({code}): ")), "{fault}");
            assert!(fault.chars().count() <= MAX_CHARS && !fault.ends_with('…'), "{fault}");
        }
    }

    fn tagged(key: &'static str, value: &'static str) -> Rule {
        mock!(Client::list_tags_for_resource).then_output(move || {
            let tag = |key: &str, value: &str| OfAws::builder().key(key).value(value).build().expect("a tag");
            ListTagsForResourceOutput::builder().tags(tag("team", "a")).tags(tag(key, value)).build()
        })
    }

    async fn tags_by(rule: &Rule, members: &mut [Member]) -> Result<(), String> {
        tags_of(&mock_client!(aws_sdk_organizations, RuleMode::MatchAny, [rule]), members, now()).await
    }

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().expect("a time")
    }

    /// Accounts whose tags were read so many hours ago; `None`: never.
    fn members(hours: &[Option<i64>]) -> Vec<Member> {
        let member = |(number, hours): (usize, &Option<i64>)| {
            let id = AccountId::parse(&format!("{number:012}")).expect("an id");
            let tag = |hours| Tag { value: None, read_at: now() - jiff::SignedDuration::from_hours(hours) };
            Member { tag: hours.map(tag), ..Member::new(id, "a", None, "ACTIVE") }
        };
        (0..).zip(hours).map(member).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_tag_of_a_route_is_read_of_new_accounts_and_of_those_read_longest_ago() {
        let mut members = members(&[&[Some(1); MAX_TAGS][..], &[None, Some(2), None]].concat());
        let rule = tagged("rootwatch:route", "payments");
        tags_by(&rule, &mut members).await.unwrap();
        assert_eq!(rule.num_calls(), MAX_TAGS);
        let read: Vec<usize> = (0..members.len()).filter(|at| members[*at].route_tag() == Some("payments")).collect();
        assert_eq!((&read[..3], &read[497..]), (&[0, 1, 2][..], &[500, 501, 502][..]));
        assert_eq!(members[499].tag, Some(Tag { value: None, read_at: now() - jiff::SignedDuration::from_hours(1) }));
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_without_the_tag_or_that_left_has_none_and_a_denial_keeps_what_is_known() {
        let mut some = members(&[None]);
        tags_by(&tagged("other", "payments"), &mut some).await.unwrap();
        assert_eq!(some[0].tag, Some(Tag { value: None, read_at: now() }));
        let left = mock!(Client::list_tags_for_resource).then_error(|| {
            TagsError::TargetNotFoundException(organizations_error::TargetNotFoundException::builder().build())
        });
        let mut some = members(&[None, Some(3)]);
        tags_by(&left, &mut some).await.unwrap();
        assert_eq!((left.num_calls(), &some[0].tag), (2, &None));
        let denied =
            mock!(Client::list_tags_for_resource).then_error(|| TagsError::generic(coded("AccessDeniedException")));
        let fault = tags_by(&denied, &mut some).await.unwrap_err();
        assert!(
            fault.starts_with("the tags read last are used: organizations:ListTagsForResource was denied"),
            "{fault}"
        );
        assert!(fault.chars().count() <= MAX_CHARS, "an alert would cut it: {fault}");
        assert_eq!((denied.num_calls(), some[1].tag.is_some()), (1, true));
        let throttled =
            mock!(Client::list_tags_for_resource).then_error(|| TagsError::generic(coded("TooManyRequestsException")));
        assert_eq!(tags_by(&throttled, &mut some).await, Ok(()), "that may pass");
        assert_eq!(throttled.num_calls(), 3, "the attempts of the client for one account");
    }

    async fn fault_of(rule: Rule) -> String {
        let fault = manages_root(&mock_client!(aws_sdk_iam, [&rule])).await.unwrap_err();
        assert!(fault.chars().count() <= MAX_CHARS && !fault.ends_with('…'), "an alert would cut it: {fault}");
        fault
    }

    /// What AWS says, and what the fault must say of it.
    type Obstacle = (fn() -> FeaturesError, &'static str);

    fn features(features: &'static [FeatureType]) -> Rule {
        mock!(aws_sdk_iam::Client::list_organizations_features).then_output(move || {
            ListOrganizationsFeaturesOutput::builder().set_enabled_features(Some(features.to_vec())).build()
        })
    }

    #[tokio::test]
    async fn root_credentials_must_be_managed_centrally_and_each_obstacle_has_its_fix() {
        let managed = features(&[FeatureType::RootSessions, FeatureType::RootCredentialsManagement]);
        assert_eq!(manages_root(&mock_client!(aws_sdk_iam, [&managed])).await, Ok(()));
        for off in [features(&[]), features(&[FeatureType::RootSessions])] {
            assert!(fault_of(off).await.contains("enable-organizations-root-credentials-management"));
        }
        let refused: [Obstacle; 6] = [
            (
                || {
                    let error = iam_error::ServiceAccessNotEnabledException::builder().build();
                    FeaturesError::ServiceAccessNotEnabledException(error)
                },
                "enable-aws-service-access",
            ),
            (
                || {
                    let error = iam_error::AccountNotManagementOrDelegatedAdministratorException::builder().build();
                    FeaturesError::AccountNotManagementOrDelegatedAdministratorException(error)
                },
                "register-delegated-administrator",
            ),
            (
                || {
                    let error = iam_error::OrganizationNotFoundException::builder().build();
                    FeaturesError::OrganizationNotFoundException(error)
                },
                "deploy into an account of it",
            ),
            (
                || {
                    let error = iam_error::OrganizationNotInAllFeaturesModeException::builder().build();
                    FeaturesError::OrganizationNotInAllFeaturesModeException(error)
                },
                "enable-all-features",
            ),
            (
                || FeaturesError::generic(coded("AccessDenied")),
                "iam:ListOrganizationsFeatures was denied (AccessDenied): ",
            ),
            (
                || FeaturesError::generic(coded("Throttling")),
                "iam:ListOrganizationsFeatures was throttled (Throttling): ",
            ),
        ];
        for (error, words) in refused {
            let fault = fault_of(mock!(aws_sdk_iam::Client::list_organizations_features).then_error(error)).await;
            assert!(fault.contains(words), "{fault}");
        }
    }

    fn account(number: usize) -> Account {
        let id = format!("{number:012}");
        let path = format!("{EXPECTED}/r-ab12/ou-ab12-one/{id}/");
        Account::builder().id(id).name("<script>").state(AccountState::Active).paths(path).build()
    }

    /// The last of `all` first, 20 a page; the requests of the numbers in `throttled` are refused.
    fn organization_of(all: usize, throttled: std::ops::Range<usize>) -> Rule {
        let requests = AtomicUsize::new(0);
        mock!(Client::list_accounts).then_compute_response(move |request| {
            assert_eq!(request.max_results(), Some(20));
            if throttled.contains(&requests.fetch_add(1, Ordering::Relaxed)) {
                return MockResponse::Error(ListAccountsError::generic(coded("TooManyRequestsException")));
            }
            let first = request.next_token().map_or(0, |token| token.parse().expect("a number"));
            let accounts = (first..(first + 20).min(all)).map(|number| account(all - number)).collect();
            let next = (first + 20 < all).then(|| (first + 20).to_string());
            MockResponse::Output(
                ListAccountsOutput::builder().set_accounts(Some(accounts)).set_next_token(next).build(),
            )
        })
    }

    /// Without the client's own retries, so that each request is counted.
    fn client(rule: &Rule) -> Client {
        mock_client!(aws_sdk_organizations, RuleMode::MatchAny, [rule], |config| {
            config.retry_config(RetryConfig::disabled())
        })
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_accounts_are_listed_below_the_rate_that_aws_takes() {
        let (rule, started) = (organization_of(10_000, 0..0), Instant::now());
        let members = listed(&client(&rule), &BOUNDS).await.unwrap();
        let took = started.elapsed();
        assert_eq!((members.len(), rule.num_calls()), (10_000, 500));
        assert_eq!(members[0].account.as_str(), "000000000001", "in the order of their ids");
        assert_eq!((members[9].name.as_str(), members[9].ous.join(" ")), ("<script>", "r-ab12 ou-ab12-one".into()));
        // A burst of twelve, and eight a second.
        assert!(took >= Duration::from_millis((500 - 12) * 1_000 / 8) && took < Duration::from_secs(80), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_of_throttling_loses_no_account_and_more_of_it_is_a_fault() {
        let started = Instant::now();
        // 1 + 2 + 4 + 8 + 16 + 16 + 16 seconds.
        let members = listed(&client(&organization_of(60, 1..8)), &BOUNDS).await.unwrap();
        assert_eq!(members.len(), 60);
        assert!(started.elapsed() > Duration::from_secs(60), "{:?}", started.elapsed());
        let fault = listed(&client(&organization_of(60, 1..usize::MAX)), &BOUNDS).await.unwrap_err();
        assert!(fault.starts_with("organizations:ListAccounts was throttled (TooManyRequestsException): "), "{fault}");
        assert!(started.elapsed() < Duration::from_secs(70 + 90), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_does_not_end_is_a_fault() {
        let again = mock!(Client::list_accounts)
            .then_output(|| ListAccountsOutput::builder().accounts(account(1)).next_token("again").build());
        let fault = listed(&client(&again), &Bounds { time: Duration::from_secs(60), ..BOUNDS }).await.unwrap_err();
        assert!(fault.contains("listed 1 accounts within 1 minutes"), "{fault}");
        assert!(fault.chars().count() <= MAX_CHARS, "{fault}");
    }

    #[tokio::test(start_paused = true)]
    async fn more_accounts_than_aws_grants_are_a_fault_and_as_many_are_none() {
        assert_eq!(BOUNDS.accounts, 50_000);
        let few = Bounds { accounts: 50, ..BOUNDS };
        let listed = async |all| listed(&client(&organization_of(all, 0..0)), &few).await.map(|members| members.len());
        assert_eq!(listed(50).await, Ok(50));
        let fault = listed(51).await.unwrap_err();
        assert!(fault.contains("more than 50 accounts"), "{fault}");
    }

    async fn one(account: Account) -> Result<Vec<Member>, String> {
        let rule = mock!(Client::list_accounts)
            .then_output(move || ListAccountsOutput::builder().accounts(account.clone()).build());
        listed(&client(&rule), &BOUNDS).await
    }

    #[tokio::test]
    async fn the_state_counts_and_the_status_where_there_is_none() {
        let bare = || Account::builder().id("444455556666");
        for (account, state) in [
            (bare().state(AccountState::Closed).status(AccountStatus::Active).build(), State::Closed),
            (bare().state(AccountState::PendingActivation).build(), State::PendingActivation),
            (bare().status(AccountStatus::Suspended).build(), State::Suspended),
            (bare().state(AccountState::from("OF_NEXT_YEAR")).build(), State::Other("OF_NEXT_YEAR".into())),
            (bare().build(), State::Other(String::new())),
        ] {
            assert_eq!(one(account).await.unwrap()[0].state, state);
        }
    }

    #[tokio::test]
    async fn an_account_without_a_usable_id_and_a_denial_are_faults() {
        for account in [Account::builder().build(), Account::builder().id("<script>").build()] {
            let fault = one(account).await.unwrap_err();
            assert!(fault.starts_with("organizations:ListAccounts gave an account without a usable id"), "{fault}");
        }
        let denied =
            mock!(Client::list_accounts).then_error(|| ListAccountsError::generic(coded("AccessDeniedException")));
        let fault = listed(&client(&denied), &BOUNDS).await.unwrap_err();
        assert!(fault.starts_with("organizations:ListAccounts was denied (AccessDeniedException): "), "{fault}");
    }
}
