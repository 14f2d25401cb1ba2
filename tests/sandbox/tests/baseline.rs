//! What lies beyond the five steps, as an SDK meets it: one call a service that is answered, and the errors that matter.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "every line here is a test")]

use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_account::types::AlternateContactType;
use aws_sdk_cloudwatch::types::{AlarmType, Dimension, StateValue};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_iam::types::EntityType;
use aws_sdk_organizations::types::PolicyType;
use jiff::SignedDuration;
use sandbox::{Fault, Sandbox, Story, Trouble};

const QUIET: &str = "quiet-compliant";
const MEMBER: &str = "medium-a-member-account-of-an-organization";
const BILL: &str = "medium-no-billing-alert-works";
const ALONE: &str = "medium-no-organization-and-a-region-that-is-not-allowed";
const OPEN: &str = "high-everything-is-allowed-to-everyone";

async fn config(sandbox: &Sandbox, region: &'static str) -> SdkConfig {
    let limits = aws::client::Limits { attempts: 1, first_pause: Duration::from_millis(1), ..Default::default() };
    sandbox.sdk_config(&limits).await.into_builder().region(Region::new(region)).build()
}

async fn of(name: &str, region: &'static str) -> (Sandbox, SdkConfig) {
    let sandbox = Sandbox::start(Story::load(name)).await;
    let config = config(&sandbox, region).await;
    (sandbox, config)
}

fn actions(sandbox: &Sandbox) -> Vec<String> {
    sandbox.calls().into_iter().map(|call| call.action).collect()
}

/// The code of the error that `$call` ends in.
macro_rules! code {
    ($call:expr) => {
        $call.send().await.unwrap_err().into_service_error().code().map(str::to_owned).unwrap_or_default()
    };
}

#[tokio::test]
async fn contacts_are_told_or_not_found_and_a_type_that_is_none_is_denied() {
    let (sandbox, config) = of(QUIET, "us-east-1").await;
    let account = aws_sdk_account::Client::new(&config);
    let answer = account.get_contact_information().send().await.unwrap();
    assert_eq!(answer.verification_status().unwrap().as_str(), "VERIFIED");
    for kind in AlternateContactType::values() {
        let answer = account.get_alternate_contact().alternate_contact_type((*kind).into()).send().await.unwrap();
        assert_eq!(answer.alternate_contact().unwrap().email_address(), Some("team@example.com"));
    }
    assert_eq!(code!(account.get_alternate_contact().alternate_contact_type("LEGAL".into())), "AccessDeniedException");
    assert_eq!(code!(account.get_contact_information().account_id("111122223333")), "AccessDeniedException");
    sandbox.turn_to(Story::load("low-contacts-and-attestations-are-missing"));
    assert_eq!(code!(account.get_contact_information()), "ResourceNotFoundException");
    let security = account.get_alternate_contact().alternate_contact_type(AlternateContactType::Security);
    assert_eq!(code!(security), "ResourceNotFoundException");
    assert!(actions(&sandbox).contains(&"account:GetAlternateContact".to_owned()));
}

#[tokio::test]
async fn a_region_that_somebody_enabled_says_so_and_answers() {
    let (_sandbox, config) = of(ALONE, "us-east-1").await;
    let account = aws_sdk_account::Client::new(&config);
    let regions = account.list_regions().into_paginator().page_size(2).items().send();
    let regions = regions.collect::<Result<Vec<_>, _>>().await.unwrap();
    let status = |name: &str| {
        let region = regions.iter().find(|region| region.region_name() == Some(name)).unwrap();
        region.region_opt_status().unwrap().as_str().to_owned()
    };
    assert_eq!((status("eu-west-1"), status("af-south-1")), ("ENABLED_BY_DEFAULT".into(), "ENABLED".into()));
    let there = config.to_builder().region(Region::new("af-south-1")).build();
    assert!(aws_sdk_accessanalyzer::Client::new(&there).list_analyzers().send().await.is_ok());
}

#[tokio::test]
async fn where_a_service_has_one_endpoint_a_signature_for_another_region_is_refused() {
    let (_sandbox, config) = of(QUIET, "eu-west-1").await;
    let refused = "InvalidSignatureException";
    assert_eq!(code!(aws_sdk_account::Client::new(&config).get_contact_information()), refused);
    assert_eq!(code!(aws_sdk_organizations::Client::new(&config).describe_organization()), refused);
    assert_eq!(code!(aws_sdk_costandusagereport::Client::new(&config).describe_report_definitions()), refused);
    assert_eq!(code!(aws_sdk_bcmdataexports::Client::new(&config).list_exports()), refused);
    let budgets = aws_sdk_budgets::Client::new(&config);
    assert_eq!(code!(budgets.describe_budget_notifications_for_account().account_id("111122223333")), refused);
}

#[tokio::test]
async fn roles_and_policies_come_with_their_documents_encoded_and_a_marker_is_bound_to_its_filter() {
    let (sandbox, config) = of(QUIET, "eu-west-1").await;
    let iam = aws_sdk_iam::Client::new(&config);
    let details = |kinds: [EntityType; 2]| iam.get_account_authorization_details().set_filter(Some(kinds.into()));
    let roles = || details([EntityType::Role, EntityType::LocalManagedPolicy]);
    let answer = roles().send().await.unwrap();
    assert!(answer.user_detail_list().is_empty() && answer.group_detail_list().is_empty());
    let role = &answer.role_detail_list()[0];
    assert_eq!(role.role_name(), Some("deploy"));
    let trust = role.assume_role_policy_document().unwrap();
    assert!(trust.starts_with("%7B%22Version%22%3A%222012-10-17%22"), "{trust}");
    assert!(trust.contains("arn%3Aaws%3Aiam%3A%3A111122223333%3Aroot"), "{trust}");
    assert_eq!(role.role_policy_list()[0].policy_name(), Some("artifacts"));
    let policy = &answer.policies()[0];
    assert_eq!((policy.attachment_count(), policy.default_version_id()), (Some(1), Some("v2")));
    let versions: Vec<_> = policy.policy_version_list().iter().map(|version| version.is_default_version()).collect();
    assert_eq!(versions, [true, false]);

    let first = roles().max_items(1).send().await.unwrap();
    let marker = first.marker().unwrap();
    let second = roles().max_items(1).marker(marker).send().await.unwrap();
    assert_eq!(second.role_detail_list()[0].role_name(), Some("support"));
    let other = details([EntityType::User, EntityType::Group]).marker(marker);
    assert_eq!(code!(other), "ValidationError");
    assert_eq!(actions(&sandbox)[0], "iam:GetAccountAuthorizationDetails");
}

#[tokio::test]
async fn inline_policies_of_users_and_groups_have_documents() {
    let (_sandbox, config) = of(OPEN, "eu-west-1").await;
    let iam = aws_sdk_iam::Client::new(&config);
    let answer = iam.get_account_authorization_details().filter(EntityType::User).filter(EntityType::Group);
    let answer = answer.send().await.unwrap();
    let groups = answer.group_detail_list().iter().flat_map(|group| group.group_policy_list());
    let documents: Vec<_> = groups.filter_map(|policy| policy.policy_document()).collect();
    assert!(!documents.is_empty() && documents.iter().all(|document| document.starts_with("%7B")), "{documents:?}");
}

#[tokio::test]
async fn a_managed_policy_has_holders_and_an_unknown_one_is_not_there() {
    let (_sandbox, config) = of(QUIET, "eu-west-1").await;
    let iam = aws_sdk_iam::Client::new(&config);
    let holders = |name: &str| iam.list_entities_for_policy().policy_arn(format!("arn:aws:iam::aws:policy/{name}"));
    let support = holders("AWSSupportAccess").send().await.unwrap();
    assert_eq!(support.policy_roles()[0].role_name(), Some("support"));
    assert_eq!(code!(holders("PowerUserAccess")), "NoSuchEntity");
}

#[tokio::test]
async fn identity_providers_are_told() {
    let (_sandbox, config) = of(QUIET, "eu-west-1").await;
    let iam = aws_sdk_iam::Client::new(&config);
    let saml = iam.list_saml_providers().send().await.unwrap();
    let provider = &saml.saml_provider_list()[0];
    assert_eq!(provider.arn(), Some("arn:aws:iam::111122223333:saml-provider/acme"));
    assert!(provider.valid_until().unwrap().secs() > Story::load(QUIET).now.as_second());
    let hosts = iam.list_open_id_connect_providers().send().await.unwrap();
    assert!(hosts.open_id_connect_provider_list().is_empty());
}

#[tokio::test]
async fn only_the_management_account_is_told_of_root_access_and_of_policies() {
    let (sandbox, config) = of(QUIET, "us-east-1").await;
    let (iam, organizations) = (aws_sdk_iam::Client::new(&config), aws_sdk_organizations::Client::new(&config));
    let features = iam.list_organizations_features().send().await.unwrap();
    assert_eq!((features.organization_id(), features.enabled_features().len()), (Some("o-exampleorgid"), 2));
    let organization = organizations.describe_organization().send().await.unwrap().organization.unwrap();
    assert_eq!(organization.master_account_id(), Some("111122223333"));
    assert_eq!(organization.feature_set().unwrap().as_str(), "ALL");

    sandbox.turn_to(Story::load(MEMBER));
    let refused = "AccountNotManagementOrDelegatedAdministratorException";
    assert_eq!(code!(iam.list_organizations_features()), refused);
    let organization = organizations.describe_organization().send().await.unwrap().organization.unwrap();
    assert_eq!(organization.master_account_id(), Some("999988887777"));
    let account = Story::load(MEMBER).account;
    assert_eq!(code!(organizations.list_parents().child_id(&account)), "AccessDeniedException");
    let policies = organizations.list_policies_for_target().target_id(&account);
    assert_eq!(code!(policies.filter(PolicyType::ServiceControlPolicy)), "AccessDeniedException");
    assert_eq!(code!(organizations.describe_policy().policy_id("p-FullAWSAccess")), "AccessDeniedException");

    sandbox.turn_to(Story::load(ALONE));
    assert_eq!(code!(organizations.describe_organization()), "AWSOrganizationsNotInUseException");
    assert_eq!(code!(iam.list_organizations_features()), "OrganizationNotFoundException");
}

#[tokio::test]
async fn a_guardrail_hangs_on_what_the_account_is_in_and_the_first_page_of_policies_is_empty() {
    let name = "medium-a-member-whose-guardrail-is-visible";
    let (_sandbox, config) = of(name, "us-east-1").await;
    let (organizations, account) = (aws_sdk_organizations::Client::new(&config), Story::load(name).account);
    let parent = async |child: &str| {
        let answer = organizations.list_parents().child_id(child).send().await.unwrap();
        answer.parents()[0].id().unwrap().to_owned()
    };
    let unit = parent(&account).await;
    let root = parent(&unit).await;
    assert!(unit.starts_with("ou-") && root.starts_with("r-"));
    assert_eq!(code!(organizations.list_parents().child_id(&root)), "ChildNotFoundException");
    let on = |target: &str| {
        let policies = organizations.list_policies_for_target().target_id(target);
        policies.filter(PolicyType::ServiceControlPolicy)
    };
    let first = on(&unit).send().await.unwrap();
    assert!(first.policies().is_empty() && first.next_token().is_some());
    let pages = on(&unit).into_paginator().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    let policies: Vec<_> = pages.iter().flat_map(|page| page.policies()).collect();
    let ids: Vec<_> = policies.iter().filter_map(|policy| policy.id()).collect();
    assert_eq!(ids, ["p-FullAWSAccess", "p-example1"]);
    let policy = organizations.describe_policy().policy_id("p-example1").send().await.unwrap().policy.unwrap();
    assert!(policy.content().unwrap().contains(":root") && policy.policy_summary().unwrap().name().is_some());
    assert_eq!(code!(on("ou-exam-elsewhere")), "TargetNotFoundException");
    assert_eq!(code!(on(&unit).next_token("x")), "InvalidInputException");
    assert_eq!(code!(organizations.describe_policy().policy_id("p-example9")), "PolicyNotFoundException");
}

#[tokio::test]
async fn what_tells_of_money_is_listed_in_pages() {
    let mut story = Story::load(BILL);
    story.page_size = 1;
    let sandbox = Sandbox::start(story).await;
    let config = config(&sandbox, "us-east-1").await;
    let reports = aws_sdk_costandusagereport::Client::new(&config);
    let pages = reports.describe_report_definitions().into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    let all: Vec<_> = pages.iter().flat_map(|page| page.report_definitions()).collect();
    let status = |index: usize| all[index].report_status().and_then(|status| status.last_status()).unwrap().as_str();
    assert_eq!((all.len(), status(0), status(1)), (2, "ERROR_NO_BUCKET", "ERROR_PERMISSIONS"));
    assert_eq!(code!(reports.describe_report_definitions().max_results(6)), "ValidationException");
    let exports = aws_sdk_bcmdataexports::Client::new(&config);
    let export = exports.list_exports().send().await.unwrap().exports.unwrap().remove(0);
    let status = export.export_status().unwrap();
    assert_eq!(status.status_code().unwrap().as_str(), "UNHEALTHY");
    assert_eq!(status.status_reason().unwrap().as_str(), "INSUFFICIENT_PERMISSION");
    let budgets = aws_sdk_budgets::Client::new(&config);
    let of = |account: &str| budgets.describe_budget_notifications_for_account().account_id(account);
    let budget = of("111122223333").send().await.unwrap().budget_notifications_for_account.unwrap().remove(0);
    assert_eq!((budget.budget_name(), budget.notifications().len()), (Some("monthly"), 0));
    assert_eq!(code!(of("444455556666")), "AccessDeniedException");
    assert_eq!(code!(of("111122223333").next_token("x")), "InvalidNextTokenException");
    let listed = budgets.describe_budgets().account_id("111122223333").send().await.unwrap();
    assert_eq!(listed.budgets()[0].budget_name(), "monthly");
    let actions = actions(&sandbox);
    assert_eq!(actions[0], "cur:DescribeReportDefinitions");
    for action in ["bcm-data-exports:ListExports", "budgets:ViewBudget"] {
        assert!(actions.iter().any(|called| called == action), "{actions:?}");
    }
}

#[tokio::test]
async fn alarms_are_told_in_cbor_and_an_expression_only_among_all_of_them() {
    let (sandbox, config) = of(BILL, "us-east-1").await;
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    let currency = Dimension::builder().name("Currency").value("USD").build();
    let of_metric = || cloudwatch.describe_alarms_for_metric().namespace("AWS/Billing").metric_name("EstimatedCharges");
    let found = of_metric().dimensions(currency).send().await.unwrap().metric_alarms.unwrap_or_default();
    let alarm = &found[0];
    assert_eq!((found.len(), alarm.alarm_name(), alarm.actions_enabled()), (2, Some("charges"), Some(false)));
    let states = [&found[0], &found[1]].map(|alarm| alarm.state_value().map(StateValue::as_str));
    assert_eq!(states, [Some("OK"), Some("INSUFFICIENT_DATA")]);
    assert_eq!((alarm.threshold(), alarm.period()), (Some(1000.1), Some(21_600)));
    assert!(of_metric().send().await.unwrap().metric_alarms().is_empty(), "other dimensions, other alarms");
    let all = cloudwatch.describe_alarms().send().await.unwrap();
    assert!(all.composite_alarms().is_empty());
    let expression = all.metric_alarms().iter().find(|alarm| alarm.metric_name().is_none()).unwrap();
    let metric = expression.metrics()[0].metric_stat().unwrap().metric().unwrap();
    assert_eq!(metric.metric_name(), Some("EstimatedCharges"));
    let composite = cloudwatch.describe_alarms().alarm_types(AlarmType::CompositeAlarm).send().await.unwrap();
    assert_eq!((composite.metric_alarms().len(), composite.composite_alarms().len()), (0, 1));
    let page = cloudwatch.describe_alarms().max_records(1).send().await.unwrap();
    let next = cloudwatch.describe_alarms().max_records(1).next_token(page.next_token().unwrap()).send().await.unwrap();
    assert_ne!(page.metric_alarms()[0].alarm_name(), next.metric_alarms()[0].alarm_name());
    assert_eq!(code!(cloudwatch.describe_alarms().next_token("x")), "InvalidNextToken");
    let elsewhere = aws_sdk_cloudwatch::Client::new(&config.to_builder().region(Region::new("eu-west-1")).build());
    assert!(elsewhere.describe_alarms().send().await.unwrap().metric_alarms().is_empty());
    let actions = actions(&sandbox);
    assert_eq!(
        (actions[0].as_str(), actions[2].as_str()),
        ("cloudwatch:DescribeAlarmsForMetric", "cloudwatch:DescribeAlarms")
    );
}

#[tokio::test]
async fn every_enabled_region_has_its_own_analyzers_and_instances() {
    let (sandbox, config) = of(QUIET, "us-west-2").await;
    let analyzers = aws_sdk_accessanalyzer::Client::new(&config);
    let listed = analyzers.list_analyzers().r#type("ACCOUNT".into()).send().await.unwrap();
    let analyzer = &listed.analyzers()[0];
    assert_eq!(analyzer.arn(), "arn:aws:access-analyzer:us-west-2:111122223333:analyzer/external-access");
    assert_eq!(analyzer.status().as_str(), "ACTIVE");
    let others = analyzers.list_analyzers().r#type("ORGANIZATION".into()).send().await.unwrap();
    assert!(others.analyzers().is_empty());
    assert_eq!(code!(analyzers.list_analyzers().r#type("ALL".into())), "ValidationException");
    let foreign = config.to_builder().region(Region::new("ap-south-2")).build();
    let refused = "UnrecognizedClientException";
    assert_eq!(code!(aws_sdk_accessanalyzer::Client::new(&foreign).list_analyzers()), refused);

    let centre = aws_sdk_ssoadmin::Client::new(&config);
    assert!(centre.list_instances().send().await.unwrap().instances().is_empty());
    sandbox.turn_to(Story::load(MEMBER));
    let all = centre.list_instances().region_scope("ALL_REGIONS".into()).send().await.unwrap();
    assert_eq!(all.instances()[0].owner_account_id(), Some("999988887777"));
    assert!(centre.list_instances().send().await.unwrap().instances().is_empty(), "it is in another Region");
    assert!(analyzers.list_analyzers().send().await.unwrap().analyzers().is_empty());
    let actions = actions(&sandbox);
    assert!(actions.contains(&"access-analyzer:ListAnalyzers".into()) && actions.contains(&"sso:ListInstances".into()));
}

#[tokio::test]
async fn a_bucket_answers_in_its_region_and_to_its_owner() {
    let (sandbox, config) = of(QUIET, "eu-west-1").await;
    let s3 = aws_sdk_s3::Client::new(&config);
    let bucket = "acme-prod-trail";
    let block = s3.get_public_access_block().bucket(bucket).expected_bucket_owner("111122223333").send().await.unwrap();
    let block = block.public_access_block_configuration().unwrap();
    assert!(block.block_public_acls() == Some(true) && block.restrict_public_buckets() == Some(true));
    let status = s3.get_bucket_policy_status().bucket(bucket).send().await.unwrap();
    assert_eq!(status.policy_status().unwrap().is_public(), Some(false));
    let stranger = s3.get_public_access_block().bucket(bucket).expected_bucket_owner("444455556666");
    assert_eq!(code!(stranger), "AccessDenied");
    assert_eq!(code!(s3.get_public_access_block().bucket("acme-other")), "NoSuchBucket");

    sandbox.turn_to(Story::load("high-the-trails-bucket-is-public"));
    let moved = s3.get_public_access_block().bucket(bucket).send().await.unwrap_err();
    let response = moved.raw_response().unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("x-amz-bucket-region")), (301, Some("us-west-2")));
    assert_eq!(moved.into_service_error().code(), Some("PermanentRedirect"));
    let there = aws_sdk_s3::Client::new(&config.to_builder().region(Region::new("us-west-2")).build());
    let none = there.get_public_access_block().bucket(bucket);
    assert_eq!(code!(none), "NoSuchPublicAccessBlockConfiguration");
    let status = there.get_bucket_policy_status().bucket(bucket).send().await.unwrap();
    assert_eq!(status.policy_status().unwrap().is_public(), Some(true));
    assert_eq!(code!(there.get_bucket_policy_status().bucket("acme-old-trail")), "NoSuchBucketPolicy");
    let actions = actions(&sandbox);
    assert_eq!(
        (actions[0].as_str(), actions[1].as_str()),
        ("s3:GetBucketPublicAccessBlock", "s3:GetBucketPolicyStatus")
    );
}

#[tokio::test]
async fn a_fault_is_worded_as_each_service_words_it() {
    let (sandbox, config) = of(QUIET, "us-east-1").await;
    let (s3, cloudwatch) = (aws_sdk_s3::Client::new(&config), aws_sdk_cloudwatch::Client::new(&config));
    let (account, organizations) = (aws_sdk_account::Client::new(&config), aws_sdk_organizations::Client::new(&config));
    let analyzers = aws_sdk_accessanalyzer::Client::new(&config);
    for (trouble, codes) in [
        (
            Trouble::Deny,
            ["AccessDenied", "AccessDenied", "AccessDeniedException", "AccessDeniedException", "AccessDeniedException"],
        ),
        (
            Trouble::Throttle,
            ["SlowDown", "Throttling", "TooManyRequestsException", "TooManyRequestsException", "ThrottlingException"],
        ),
        (
            Trouble::Broken,
            ["InternalError", "InternalFailure", "InternalFailure", "InternalFailure", "InternalFailure"],
        ),
    ] {
        let mut story = Story::load(QUIET);
        story.faults = [
            "s3:GetBucketPolicyStatus",
            "cloudwatch:DescribeAlarms",
            "account:GetContactInformation",
            "organizations:DescribeOrganization",
            "access-analyzer:ListAnalyzers",
        ]
        .map(|action| Fault::on(action, trouble.clone()))
        .into();
        sandbox.turn_to(story);
        let met = [
            code!(s3.get_bucket_policy_status().bucket("acme-prod-trail")),
            code!(cloudwatch.describe_alarms()),
            code!(account.get_contact_information()),
            code!(organizations.describe_organization()),
            code!(analyzers.list_analyzers()),
        ];
        assert_eq!(met, codes, "{trouble:?}");
    }
    sandbox.turn_to(Story::load(QUIET));
    for trouble in [Trouble::Garbage, Trouble::Reset] {
        sandbox.add_fault(Fault::on("cloudwatch:DescribeAlarms", trouble).times(1));
        assert!(cloudwatch.describe_alarms().send().await.is_err());
    }
    assert!(cloudwatch.describe_alarms().send().await.is_ok());
}

#[tokio::test]
async fn events_of_90_days_are_found_by_their_name_at_two_requests_a_second() {
    let (_sandbox, config) = of("critical-root-signs-in-without-mfa-and-creates-a-key", "us-east-1").await;
    let trail = aws_sdk_cloudtrail::Client::new(&config);
    let by = |key: &str, value: &str| {
        let attribute = aws_sdk_cloudtrail::types::LookupAttribute::builder();
        let attribute = attribute.attribute_key(key.into()).attribute_value(value).build().unwrap();
        trail.lookup_events().lookup_attributes(attribute)
    };
    let found = by("EventName", "CreateAccessKey").send().await.unwrap();
    assert!(found.events().iter().all(|event| event.event_name() == Some("CreateAccessKey")));
    assert_eq!(found.events().len(), 1);
    assert_eq!(by("EventName", "PasswordUpdated").send().await.unwrap().events().len(), 0);
    assert_eq!(code!(by("EventName", "PasswordUpdated")), "ThrottlingException");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(code!(by("Colour", "red")), "InvalidLookupAttributesException");
}

#[tokio::test]
async fn a_trail_tells_its_bucket_and_whether_it_validates() {
    let (_sandbox, config) = of(QUIET, "eu-west-1").await;
    let answer = aws_sdk_cloudtrail::Client::new(&config).describe_trails().send().await.unwrap();
    let trail = &answer.trail_list()[0];
    assert_eq!((trail.s3_bucket_name(), trail.log_file_validation_enabled()), (Some("acme-prod-trail"), Some(true)));
}

#[test]
fn a_story_is_stated_for_ten_days_before_its_present_wherever_that_is() {
    let stated = |story: &Story| {
        let statements = story.environment["ROOTWATCH_ATTESTATIONS"].clone();
        let statements: Vec<serde_json::Value> = serde_json::from_str(&statements).unwrap();
        let on =
            |statement: &serde_json::Value| -> jiff::Timestamp { statement["on"].as_str().unwrap().parse().unwrap() };
        let days: Vec<_> =
            statements.iter().map(|statement| story.now.duration_since(on(statement)).as_hours() / 24).collect();
        (days.len(), days[0])
    };
    let day = SignedDuration::from_hours(24);
    let story = Story::load(QUIET);
    assert_eq!(stated(&story), (3, 10));
    assert_eq!(stated(&Story::at(QUIET, story.now + day * 300)), (3, 10));
    assert_eq!(stated(&Story::load("high-a-rule-is-disabled")), (3, 10), "a story has them from its base");
    assert_eq!(stated(&story.later(day)), (3, 11));
    let acts = ["four-acts/1-a-fresh-account", "four-acts/4-key-deleted-and-mfa-on"].map(Story::load);
    let [first, last] = acts.map(|story| story.environment["ROOTWATCH_ATTESTATIONS"].clone());
    assert_eq!(first, last, "time passes, the statement stays");
    let silent = Story::load("low-contacts-and-attestations-are-missing");
    assert_eq!(silent.environment["ROOTWATCH_ATTESTATIONS"], "");
}

#[test]
fn every_story_can_be_told() {
    let sent = Story::names().iter().filter(|name| !Story::load(name).about.is_empty()).count();
    assert_eq!(sent, Story::names().len());
}
