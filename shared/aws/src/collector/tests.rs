use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;

use super::*;

const WHAT: Reading<'_> = Reading { source: Source::AccountSummary, operation: "iam:GetAccountSummary" };

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_ends_at_the_deadline() {
    let deadline = Instant::now() + Duration::from_secs(30);
    let result = guarded::<()>(WHAT, deadline, std::future::pending()).await;
    assert_eq!(result.unwrap_err().cause, Cause::OutOfTime);
    assert_eq!(Instant::now(), deadline);
}

#[tokio::test]
async fn rt_4_a_panic_in_one_source_is_data() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = guarded::<()>(WHAT, Instant::now() + Duration::from_secs(1), async { panic!("broken") }).await;
    std::panic::set_hook(hook);
    assert_eq!(result.unwrap_err().cause, Cause::Internal);
}

/// Bodies by the name of the operation; everything else is denied.
type Answers = Vec<(&'static str, String)>;

fn look(partition: Partition, sources: &[Source]) -> Look {
    Look {
        account: AccountId::parse("111122223333").expect("an id"),
        partition,
        taken_at: "2026-11-20T10:00:00Z".parse().expect("a time"),
        lookback: SignedDuration::from_hours(1),
        own: Vec::new(),
        coverage: BTreeMap::new(),
        listeners: None,
        watch: None,
        round: watch::Round::default(),
        regions: None,
        sources: sources.iter().copied().collect(),
        is_narrow: false,
        is_thorough: false,
        alias: None,
        delivered: None,
        deadline: Instant::now() + Duration::from_secs(280),
    }
}

/// What a look sees of an account that gives `answers`, and what it called: host and operation, each once and in order. The same is
/// the id of the request.
async fn taken(look: Look, answers: Answers) -> (Snapshot, Vec<String>) {
    let called = Arc::new(Mutex::new(BTreeSet::new()));
    let snapshot = collector(look.partition, answers, Arc::clone(&called)).snapshot(look).await;
    let called = called.lock().expect("one thread").iter().cloned().collect();
    (snapshot, called)
}

/// A collector in an account that gives `answers`; what it calls goes to `seen`.
fn collector(partition: Partition, answers: Answers, seen: Arc<Mutex<BTreeSet<String>>>) -> Collector {
    let http = infallible_client_fn(move |request| {
        let (host, operation) = (request.uri().host().expect("a host").to_owned(), operation(&request));
        let id = format!("{host} {operation}");
        seen.lock().expect("one thread").insert(id.clone());
        let answer = answers.iter().find(|(name, _)| *name == operation);
        let is_query =
            request.headers().get("content-type").is_some_and(|kind| kind == "application/x-www-form-urlencoded");
        let denied = if is_query {
            "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
        } else if host.contains(".s3.") {
            "<Error><Code>AccessDenied</Code></Error>"
        } else {
            r#"{"__type":"AccessDeniedException"}"#
        };
        let (status, body) = answer.map_or((403, denied), |(_, body)| (200, body));
        let name = if host.contains(".s3.") { "x-amz-request-id" } else { "x-amzn-requestid" };
        http::Response::builder().status(status).header(name, id).body(SdkBody::from(body)).expect("an answer")
    });
    let region = if partition == Partition::China { "cn-north-1" } else { "eu-west-1" };
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static(region))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKIAEXAMPLE", "s", None, None, "test")))
        .retry_config(RetryConfig::disabled())
        .http_client(http)
        .build();
    Collector::new(&config)
}

/// By header, by form, or by path, as the service's protocol has it; a look-up of events with what it looks up.
fn operation(request: &http::Request<SdkBody>) -> String {
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    if let Some(target) = request.headers().get("x-amz-target") {
        let operation = target.to_str().expect("text").rsplit('.').next().expect("a name").to_owned();
        let value = body.split("\"AttributeValue\":\"").nth(1).and_then(|rest| rest.split('"').next());
        return value.map_or(operation.clone(), |value| format!("{operation} {value}"));
    }
    let form = body.strip_prefix("Action=").and_then(|rest| rest.split('&').next());
    let path = request.uri().path_and_query().map(|path| path.as_str()).unwrap_or_default();
    form.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path)).to_owned()
}

/// What no choice of controls changes: it is always read, given by the caller, or attested.
const NOT_CHOSEN: [Source; 7] = [
    Source::AccountSummary,
    Source::AccountAlias,
    Source::Regions,
    Source::RootEvents,
    Source::Subscribers,
    Source::Watch,
    Source::Attestations,
];

fn not_asked(snapshot: &Snapshot) -> Vec<&'static str> {
    let is_not_asked =
        |source: &&Source| snapshot.unread(**source).is_some_and(|unread| unread.cause == Cause::NotAsked);
    let mut ids: Vec<&str> = Source::ALL.iter().filter(is_not_asked).map(|source| source.id()).collect();
    ids.sort_unstable();
    ids
}

fn sweep(regions: &[&str], domain: &str) -> BTreeSet<String> {
    let calls = |region: &&str| {
        ["root", "signin.amazonaws.com"].map(|value| format!("cloudtrail.{region}.{domain} LookupEvents {value}"))
    };
    regions.iter().flat_map(calls).collect()
}

#[tokio::test(start_paused = true)]
async fn what_no_chosen_control_needs_is_not_asked_for() {
    let (snapshot, called) = taken(Look { regions: Some(Vec::new()), ..look(Partition::Aws, &[]) }, Vec::new()).await;
    let chosen = Source::ALL.iter().filter(|source| !NOT_CHOSEN.contains(source)).map(|source| source.id());
    assert_eq!(not_asked(&snapshot), chosen.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
    let iam = ["GetAccountSummary", "ListAccountAliases"].map(|call| format!("iam.amazonaws.com {call}"));
    // The sweep stops at the first denial.
    let swept = ["us-east-1", "us-east-2", "us-west-2"]
        .map(|region| format!("cloudtrail.{region}.amazonaws.com LookupEvents root"));
    let called: BTreeSet<String> = called.into_iter().collect();
    let regions = "account.us-east-1.amazonaws.com listRegions".to_owned();
    assert_eq!(called, iam.into_iter().chain(swept).chain([regions]).collect());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_left_out_the_hourly_sources_reads_each_of_them_on_demand() {
    let (hourly, others): (Vec<Source>, Vec<Source>) = Source::ALL.iter().partition(|source| source.is_hourly());
    let collector = collector(Partition::Aws, Vec::new(), Arc::default());
    let mut snapshot = collector.snapshot(look(Partition::Aws, &others)).await;
    let left_out = |snapshot: &Snapshot| -> Vec<&str> {
        let ids = not_asked(snapshot).into_iter();
        ids.filter(|id| hourly.iter().any(|source| source.id() == *id)).collect()
    };
    assert_eq!(left_out(&snapshot).len(), hourly.len());
    collector.complete(&look(Partition::Aws, &hourly), &mut snapshot).await;
    assert_eq!(left_out(&snapshot), ["root_password_change"], "the report would say whether it is needed");
}

#[tokio::test(start_paused = true)]
async fn each_source_is_asked_where_its_service_is() {
    let (snapshot, called) = taken(look(Partition::Aws, Source::ALL), Vec::new()).await;
    // Without a report nobody knows whether the history of the password is open; a root audit is of member accounts.
    assert_eq!(not_asked(&snapshot), ["root_audit", "root_password_change"]);
    let baseline: BTreeSet<&str> = [
        "access-analyzer.us-east-1.amazonaws.com analyzer",
        "access-analyzer.us-east-2.amazonaws.com analyzer",
        "access-analyzer.us-west-2.amazonaws.com analyzer",
        "account.us-east-1.amazonaws.com getAlternateContact",
        "account.us-east-1.amazonaws.com getContactInformation",
        "account.us-east-1.amazonaws.com listRegions",
        "bcm-data-exports.us-east-1.api.aws ListExports",
        "budgets.amazonaws.com DescribeBudgetNotificationsForAccount",
        "cur.us-east-1.amazonaws.com DescribeReportDefinitions",
        "iam.amazonaws.com ListOpenIDConnectProviders",
        "iam.amazonaws.com ListSAMLProviders",
        "monitoring.us-east-1.amazonaws.com DescribeAlarmsForMetric",
        "organizations.us-east-1.amazonaws.com DescribeOrganization",
        "sso.eu-west-1.amazonaws.com ListInstances",
    ]
    .into();
    let core = |call: &&str| {
        let is_own = ["ListOpenIDConnectProviders", "ListSAMLProviders"].iter().any(|own| call.ends_with(own));
        (call.starts_with("iam.") && !is_own) || call.starts_with("cloudtrail.")
    };
    let called: BTreeSet<&str> = called.iter().map(String::as_str).filter(|call| !core(call)).collect();
    assert_eq!(called, baseline);
    let depends = [Source::TrailBuckets, Source::CentralRootAccess, Source::ServiceControlPolicies];
    for source in Source::ALL.iter().filter(|source| !depends.contains(source)) {
        assert!(snapshot.unread(*source).is_none_or(|why| why.source == *source), "{source} is in its own field");
    }
    let analyzers = snapshot.analyzers.unwrap();
    assert!(analyzers.len() == 3 && analyzers.iter().all(|region| region.active.is_err()), "each for itself");
    let why = snapshot.trail_buckets.unwrap_err();
    assert_eq!(why.source, Source::Trails, "the buckets are unknown because the trails are");
    assert_eq!(snapshot.central_root_access.unwrap_err().source, Source::Organization);
    assert_eq!(snapshot.service_control_policies.unwrap_err().source, Source::Organization);
}

#[tokio::test(start_paused = true)]
async fn billing_is_asked_in_the_commercial_regions_alone() {
    let (snapshot, called) = taken(look(Partition::China, Source::ALL), Vec::new()).await;
    let unasked = ["billing_alarms", "budgets", "cost_reports", "data_exports", "root_audit", "root_password_change"];
    assert_eq!(not_asked(&snapshot), unasked);
    assert!(called.iter().all(|call| call.contains(".amazonaws.com.cn ")), "{called:?}");
    assert!(called.contains(&"organizations.cn-northwest-1.amazonaws.com.cn DescribeOrganization".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn every_region_that_is_swept_is_asked_for_its_analyzers() {
    let regions = r#"{"Regions":[{"RegionName":"ap-south-2","RegionOptStatus":"ENABLED"}]}"#;
    let analyzer = r#"{"analyzers":[{"arn":"a","name":"mine","type":"ACCOUNT","createdAt":"2026-01-01T00:00:00Z","status":"ACTIVE"}]}"#;
    let answers = vec![
        ("listRegions", regions.to_owned()),
        ("analyzer", analyzer.to_owned()),
        ("LookupEvents root", "{}".to_owned()),
        ("LookupEvents signin.amazonaws.com", "{}".to_owned()),
    ];
    let (snapshot, called) = taken(look(Partition::Aws, Source::ALL), answers).await;
    let analyzers = snapshot.analyzers.unwrap();
    let regions: Vec<&str> = analyzers.iter().map(|of| of.region.as_str()).collect();
    assert_eq!(regions, ["ap-south-2", "us-east-1", "us-east-2", "us-west-2"]);
    assert!(analyzers.iter().all(|of| of.active == Ok(vec!["mine".to_owned()])));
    let called: BTreeSet<String> = called.into_iter().filter(|call| call.contains("LookupEvents")).collect();
    let mut expected = sweep(&["us-east-1", "us-east-2", "us-west-2"], "amazonaws.com");
    expected.insert("cloudtrail.ap-south-2.amazonaws.com LookupEvents root".to_owned());
    assert_eq!(called, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_an_organization_depends_on_whether_the_account_manages_it() {
    let organization = |manager: &str| {
        format!(r#"{{"Organization":{{"Id":"o-example","FeatureSet":"ALL","MasterAccountId":"{manager}"}}}}"#)
    };
    let asked = |called: &[String], name: &str| called.iter().any(|call| call.ends_with(name));

    let answers = vec![("DescribeOrganization", organization("111122223333"))];
    let (snapshot, called) = taken(look(Partition::Aws, Source::ALL), answers).await;
    assert!(asked(&called, "ListOrganizationsFeatures") && !asked(&called, "ListPoliciesForTarget"));
    assert_eq!(snapshot.central_root_access.unwrap_err().source, Source::CentralRootAccess);
    assert_eq!(snapshot.service_control_policies, Ok(None), "they do not bind the account that manages them");

    let answers = vec![("DescribeOrganization", organization("999900001111"))];
    let (snapshot, called) = taken(look(Partition::Aws, Source::ALL), answers).await;
    assert!(!asked(&called, "ListOrganizationsFeatures") && asked(&called, "ListPoliciesForTarget"));
    assert_eq!((snapshot.central_root_access, snapshot.service_control_policies), (Ok(None), Ok(None)));

    let answers = vec![("DescribeOrganization", organization("999900001111"))];
    let (snapshot, called) = taken(look(Partition::Aws, &[Source::Organization]), answers).await;
    assert!(snapshot.organization.is_ok() && !asked(&called, "ListPoliciesForTarget"));
    assert_eq!(snapshot.central_root_access.unwrap_err().cause, Cause::NotAsked);
}

#[tokio::test(start_paused = true)]
async fn the_buckets_of_the_trails_are_asked_in_their_regions() {
    let trails = r#"{"trailList":[{"Name":"audit","S3BucketName":"acme-audit","HomeRegion":"eu-north-1",
        "TrailARN":"arn:aws:cloudtrail:eu-north-1:111122223333:trail/audit"}]}"#;
    let answers = vec![("DescribeTrails", trails.to_owned())];
    let (snapshot, called) = taken(look(Partition::Aws, Source::ALL), answers.clone()).await;
    let buckets = snapshot.trail_buckets.unwrap();
    assert_eq!(
        buckets[0].exposure.as_ref().unwrap_err().to_string(),
        "buckets of the trails: s3:GetBucketPublicAccessBlock of acme-audit was denied (AccessDenied)"
    );
    assert!(called.contains(&"acme-audit.s3.eu-north-1.amazonaws.com ?publicAccessBlock".to_owned()), "{called:?}");
    let (snapshot, called) = taken(look(Partition::Aws, &[Source::Trails]), answers).await;
    assert!(snapshot.trails.is_ok() && !called.iter().any(|call| call.contains(".s3.")));
}

fn report(csv: &str) -> Answers {
    let content = aws_smithy_types::base64::encode(csv.replace("444455556666", "111122223333"));
    let generate = "<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>COMPLETE</State>\
                    </GenerateCredentialReportResult></GenerateCredentialReportResponse>";
    let get = format!(
        "<GetCredentialReportResponse><GetCredentialReportResult><Content>{content}</Content>\
         <ReportFormat>text/csv</ReportFormat><GeneratedTime>2026-11-20T09:00:00Z</GeneratedTime>\
         </GetCredentialReportResult></GetCredentialReportResponse>"
    );
    vec![("GenerateCredentialReport", generate.to_owned()), ("GetCredentialReport", get)]
}

#[tokio::test(start_paused = true)]
async fn the_history_of_roots_password_is_asked_for_only_where_the_report_leaves_it_open() {
    let is_asked = async |csv: &str, sources: &[Source]| {
        let (snapshot, called) = taken(look(Partition::Aws, sources), report(csv)).await;
        assert!(
            snapshot.credential_report.as_ref().is_ok_and(|report| report.root.is_ok()),
            "{:?}",
            snapshot.credential_report
        );
        let asked = called.iter().filter(|call| call.ends_with("LookupEvents PasswordUpdated")).count();
        let is_asked = snapshot.root_password_change.unwrap_err().cause != Cause::NotAsked;
        assert_eq!(asked > 0, is_asked);
        is_asked
    };
    let old = include_str!("../../../facts/samples/credential-report-2021.csv");
    assert!(is_asked(old, Source::ALL).await);
    assert!(!is_asked(old, &[Source::CredentialReport]).await);
    assert!(!is_asked(include_str!("../../../facts/samples/credential-report-good.csv"), Source::ALL).await);
    let without = include_str!("../../../facts/samples/credential-report-no-root-credentials.csv");
    assert!(!is_asked(without, Source::ALL).await, "no password, nothing to ask");
}

#[tokio::test(start_paused = true)]
async fn the_sweep_and_the_history_of_roots_password_share_one_pace() {
    let mut answers = report(include_str!("../../../facts/samples/credential-report-2021.csv"));
    let look_ups = [
        "LookupEvents root",
        "LookupEvents signin.amazonaws.com",
        "LookupEvents PasswordUpdated",
        "LookupEvents PasswordRecoveryCompleted",
        "LookupEvents ChangePassword",
    ];
    answers.extend(look_ups.map(|name| (name, "{}".to_owned())));
    let started = Instant::now();
    let (snapshot, _) = taken(look(Partition::Aws, Source::ALL), answers).await;
    assert_eq!(snapshot.root_password_change, Ok(None));
    // Two look-ups of the sweep and three of the password in each Region: four pauses.
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(4 * 550) && took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn every_call_of_every_client_is_noted_with_its_id_its_region_and_what_came_of_it() {
    let trails = r#"{"trailList":[{"Name":"audit","S3BucketName":"acme-audit","HomeRegion":"eu-north-1",
        "TrailARN":"arn:aws:cloudtrail:eu-north-1:111122223333:trail/audit"}]}"#;
    let organization = r#"{"Organization":{"Id":"o-example","FeatureSet":"ALL","MasterAccountId":"111122223333"}}"#;
    let mut answers = report(include_str!("../../../facts/samples/credential-report-2021.csv"));
    answers.extend([("DescribeTrails", trails.to_owned()), ("DescribeOrganization", organization.to_owned())]);
    let watch = watch::Names {
        schedule: "rootwatch-schedule".into(),
        rules: vec!["rootwatch-root".into()],
        regions: vec!["eu-west-1".into()],
        ..watch::Names::default()
    };
    let (snapshot, called) = taken(Look { watch: Some(watch), ..look(Partition::Aws, Source::ALL) }, answers).await;
    let ids: BTreeSet<&str> = snapshot.calls.iter().filter_map(|call| call.request_id.as_deref()).collect();
    assert_eq!(ids, called.iter().map(String::as_str).collect());
    let service = |call: &facts::call::Call| call.operation.split('.').next().expect("one").to_owned();
    let services: BTreeSet<String> = snapshot.calls.iter().map(service).collect();
    assert_eq!(services.len(), 13, "one of each kind of client: {services:?}");
    assert!(snapshot.calls.is_sorted_by_key(|call| call.at));
    let of = |operation: &str| {
        let call = snapshot.calls.iter().find(|call| call.operation == operation);
        call.map(|call| (call.region.as_str(), call.status))
    };
    assert_eq!(of("IAM.GetCredentialReport"), Some(("us-east-1", Some(200))), "IAM has one Region for all");
    assert_eq!(of("IAM.GetAccountSummary"), Some(("us-east-1", Some(403))));
    assert_eq!(of("S3.GetPublicAccessBlock"), Some(("eu-north-1", Some(403))));
    assert_eq!(of("Scheduler.GetSchedule"), Some(("eu-west-1", Some(403))));
}
