//! The template, the documents and the code, held together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_yaml_ng::Value;

pub(crate) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// How the template names its stack, and the Region of it.
const STACK: &str = "${AWS::StackName}";
const REGION: &str = "${AWS::Region}";

pub(crate) fn template() -> Value {
    let mut template: Value = serde_yaml_ng::from_str(&file("template.yaml")).unwrap();
    template.apply_merge().unwrap();
    template
}

/// A property of a function: its own, or else the one of all functions.
fn property<'a>(template: &'a Value, function: &str, name: &str) -> &'a Value {
    match &template["Resources"][function]["Properties"][name] {
        Value::Null => &template["Globals"]["Function"][name],
        own => own,
    }
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Sequence(values) => values.iter().flat_map(strings).collect(),
        Value::Tagged(tagged) => strings(&tagged.value),
        _ => Vec::new(),
    }
}

pub(crate) fn statements(policy: &Value) -> Vec<Value> {
    policy["PolicyDocument"]["Statement"].as_sequence().unwrap().clone()
}

/// Both functions that tell, by their roles.
const ROLES: [&str; 2] = ["CheckerRole", "RootActivityRole"];

/// The policies of a role, each with the condition under which it is there.
pub(crate) fn policies_of(role: &str) -> Vec<(Option<String>, Value)> {
    let template = template();
    let policies = template["Resources"][role]["Properties"]["Policies"].as_sequence().unwrap();
    let policy = |policy: &Value| match policy {
        Value::Tagged(choice) => (choice.value[0].as_str().map(str::to_owned), choice.value[1].clone()),
        policy => (None, policy.clone()),
    };
    policies.iter().map(policy).collect()
}

/// The statements of a policy of a role.
fn policy_of(role: &str, name: &str) -> Vec<Value> {
    let policies = policies_of(role);
    statements(&policies.iter().find(|(_, policy)| policy["PolicyName"].as_str() == Some(name)).unwrap().1)
}

/// The least that the function needs.
fn minimal() -> BTreeMap<String, String> {
    let variables = [
        ("AWS_REGION", "eu-west-1"),
        ("ROOTWATCH_TABLE", "rootwatch"),
        ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Whether the function accepts `value` on the day on which the examples were written.
fn accepts(name: &str, value: impl Into<String>) -> bool {
    let variables = minimal().into_iter().chain([(name.to_owned(), value.into())]);
    let settings = checker::Settings::read(variables, "2026-11-20T10:00:00Z".parse().unwrap());
    settings.unwrap().checklist.refused.is_empty()
}

fn set(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(|action| (*action).to_owned()).collect()
}

#[test]
fn se_2_each_role_may_do_exactly_what_its_function_calls() {
    for (role, calls) in ROLES.into_iter().zip([aws::actions(), aws::sending_actions()]) {
        let mut granted = BTreeSet::new();
        for (_, policy) in policies_of(role) {
            if policy["PolicyName"].as_str() == Some("run") {
                continue;
            }
            for statement in statements(&policy) {
                assert_eq!(statement["Effect"].as_str(), Some("Allow"));
                granted.extend(strings(&statement["Action"]));
            }
        }
        assert_eq!(granted, set(&calls), "{role}");
        assert!(granted.iter().all(|action| !action.contains('*')));
    }
}

#[test]
fn se_2_beside_that_a_role_only_logs_handles_its_own_queue_and_hands_over_the_report() {
    let template = template();
    let queue: [&[&str]; 2] =
        [&["sqs:SendMessage"], &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]];
    let hand_over: [&[&str]; 2] = [&["lambda:InvokeFunction"], &[]];
    for ((role, queue), hand_over) in ROLES.into_iter().zip(queue).zip(hand_over) {
        assert!(template["Resources"][role]["Properties"]["ManagedPolicyArns"].is_null());
        let run = policy_of(role, "run");
        let granted: BTreeSet<String> = run.iter().flat_map(|statement| strings(&statement["Action"])).collect();
        let expected = [&["logs:CreateLogStream", "logs:PutLogEvents"], queue, hand_over].concat();
        assert_eq!(granted, set(&expected), "{role}");
        assert!(run.iter().all(|statement| statement["Resource"].as_str() != Some("*")));
    }
}

#[test]
fn se_2_the_function_looks_after_its_own_rules_and_schedule_and_no_others() {
    let statements = policy_of("CheckerRole", "look-after-itself");
    let granted =
        |statement: &Value| (strings(&statement["Action"]).concat(), strings(&statement["Resource"]).concat());
    let arn = |rest: &str| format!("arn:${{AWS::Partition}}:{rest}");
    assert_eq!(
        statements.iter().map(granted).collect::<Vec<_>>(),
        [
            (
                "scheduler:GetSchedule".to_owned(),
                arn("scheduler:${AWS::Region}:${AWS::AccountId}:schedule/default/${AWS::StackName}-schedule")
            ),
            ("events:ListRules".to_owned(), "*".to_owned()),
            ("events:ListTargetsByRule".to_owned(), arn("events:*:${AWS::AccountId}:rule/${AWS::StackName}-*")),
            ("events:PutEvents".to_owned(), arn("events:*:${AWS::AccountId}:event-bus/default")),
        ]
    );
}

#[test]
fn se_2_the_function_puts_its_canary_on_the_bus_and_no_event_of_another_source() {
    let statements = policy_of("CheckerRole", "look-after-itself");
    let put = statements.iter().find(|statement| strings(&statement["Action"]) == ["events:PutEvents"]).unwrap();
    let sources = &put["Condition"]["ForAllValues:StringEquals"]["events:source"];
    assert_eq!(strings(sources), [facts::watch::CANARY]);
    assert!(!facts::watch::CANARY.starts_with("aws."), "EventBridge would refuse it");
}

#[test]
fn se_2_the_checker_links_the_page_and_reads_no_other_report() {
    let link = policy_of("CheckerRole", "link-the-page");
    assert_eq!(granted("CheckerRole", "link-the-page"), set(aws::storage::report_link::ACTIONS));
    assert_eq!(strings(&link[0]["Resource"]), ["${ReportBucket.Arn}/latest.html"]);
    let hand_over = policy_of("CheckerRole", "run").pop().unwrap();
    assert_eq!(strings(&hand_over["Resource"]), ["Reporter.Arn"]);
}

#[test]
fn se_2_the_reporter_writes_its_bucket_and_reads_nothing_of_the_account() {
    let of = |condition: Option<&str>| -> BTreeSet<String> {
        let policies = policies_of("ReporterRole").into_iter();
        let policies = policies.filter(|(of, policy)| of.as_deref() == condition && policy["PolicyName"] != "run");
        let statements = policies.flat_map(|(_, policy)| statements(&policy));
        statements.flat_map(|statement| strings(&statement["Action"])).collect()
    };
    assert_eq!(of(None), set(aws::storage::report_bucket::ACTIONS));
    assert_eq!(of(Some("HasReportLock")), set(aws::storage::report_bucket::OBJECT_LOCK_ACTIONS));
    assert_eq!(of(Some("HasSecurityHub")), set(aws::delivery::security_hub::ACTIONS));
    let run = set(&["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"]);
    assert_eq!(granted("ReporterRole", "run"), run);
    assert_eq!(strings(&policy_of("ReporterRole", "run")[1]["Resource"]), ["ReportDeadLetterQueue.Arn"]);
    for policy in ["keep", "lock", "tell-security-hub"] {
        for statement in policy_of("ReporterRole", policy) {
            let resource = strings(&statement["Resource"]).concat();
            assert!(resource.contains("ReportBucket.Arn") || resource.contains(":product/"), "{resource}");
        }
    }
}

#[test]
fn reports_outlive_the_stack_private_encrypted_versioned_and_over_tls_alone() {
    let template = template();
    let bucket = &template["Resources"]["ReportBucket"];
    for (policy, kept) in [("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain")] {
        assert_eq!(bucket[policy].as_str(), Some(kept), "{policy}");
    }
    let properties = &bucket["Properties"];
    assert!(properties["BucketName"].is_null(), "a second stack would collide, and so would one after this one");
    let block = properties["PublicAccessBlockConfiguration"].as_mapping().unwrap();
    assert!(block.len() == 4 && block.values().all(|on| on.as_bool() == Some(true)));
    let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"].as_str(), Some("AES256"));
    assert_eq!(properties["VersioningConfiguration"]["Status"].as_str(), Some("Enabled"));
    assert_eq!(properties["OwnershipControls"]["Rules"][0]["ObjectOwnership"].as_str(), Some("BucketOwnerEnforced"));
    assert_eq!(properties["ObjectLockEnabled"].as_bool(), Some(true));
    assert!(properties["ObjectLockConfiguration"].is_null(), "history and page are replaced by each check");
    let rules = properties["LifecycleConfiguration"]["Rules"].as_sequence().unwrap();
    let of = |rule: &Value| (rule["Prefix"].as_str().unwrap().to_owned(), strings(&rule["ExpirationInDays"]).concat());
    assert_eq!(
        rules.iter().map(of).collect::<Vec<_>>(),
        [("reports/", "ReportRetentionDays"), ("latest.", ""), ("history.json", "")]
            .map(|(prefix, days)| (prefix.to_owned(), days.to_owned()))
    );
    let replaced = reporter::exports::Format::ALL
        .map(|format| format.file_name())
        .into_iter()
        .chain([aws::storage::report_link::KEY]);
    assert!(replaced.clone().count() == 4 && replaced.into_iter().all(|name| name.starts_with("latest.")));
    assert!(rules.iter().all(|rule| rule["NoncurrentVersionExpiration"]["NoncurrentDays"].as_i64().unwrap() > 0));
    let policy = &template["Resources"]["ReportBucketPolicy"];
    for kept in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(policy[kept], bucket[kept], "{kept}: the bucket stays, and so must what protects it");
    }
    let denial = &statements(&policy["Properties"])[0];
    let said = ["Effect", "Principal", "Action"].map(|name| denial[name].as_str().unwrap());
    assert_eq!(said, ["Deny", "*", "s3:*"]);
    assert_eq!(strings(&denial["Resource"]), ["ReportBucket.Arn", "${ReportBucket.Arn}/*"]);
    assert_eq!(denial["Condition"]["Bool"]["aws:SecureTransport"].as_str(), Some("false"));
    assert_eq!(strings(&template["Outputs"]["ReportBucketName"]["Value"]), ["ReportBucket"]);
}

#[test]
fn each_check_hands_its_answer_to_the_reporter_whose_failures_have_a_queue_of_their_own() {
    let template = template();
    let destinations = |function: &str| {
        let of = &template["Resources"][function]["Properties"]["EventInvokeConfig"]["DestinationConfig"];
        ["OnSuccess", "OnFailure"].map(|name| strings(&of[name]["Destination"]).concat())
    };
    assert_eq!(destinations("Checker"), ["Reporter.Arn", "DeadLetterQueue.Arn"]);
    assert_eq!(destinations("Reporter"), ["", "ReportDeadLetterQueue.Arn"]);
    for name in ["RootActivity", "SlackNotifier", "ChatNotifier"] {
        assert_eq!(destinations(name)[0], "", "{name}");
    }
    let lost = &template["Resources"]["ReportLostAlarm"]["Properties"]["Dimensions"][0]["Value"];
    assert_eq!(strings(lost), ["ReportDeadLetterQueue.QueueName"]);
    let retries = &template["Resources"]["Reporter"]["Properties"]["EventInvokeConfig"];
    assert_eq!(
        (retries["MaximumRetryAttempts"].as_i64(), retries["MaximumEventAgeInSeconds"].as_i64()),
        (Some(2), Some(21_600))
    );
    let queue = &template["Resources"]["ReportDeadLetterQueue"]["Properties"];
    let bytes = queue["MaximumMessageSize"].as_u64().unwrap();
    assert!(bytes == 1_048_576, "what Lambda hands on has up to 1 MB, and SQS takes no more");
    assert_eq!(queue["MessageRetentionPeriod"].as_i64(), Some(14 * 24 * 3_600));
    let runs = u64::try_from(reporter::history::LINKS).unwrap();
    assert!(runs > 14 * 24 * 4, "what is handed over again after 14 days still has its place");
}

/// An alarm on a metric that nobody sends, or by other dimensions, would be silent for ever.
#[test]
fn each_alarm_reads_a_metric_that_is_there() {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    let is_a = |name: &str, kind: &str| resources[name]["Type"].as_str() == Some(kind);
    let mut seen = BTreeSet::new();
    for (name, _) in alarms(&template) {
        let alarm = &template["Resources"][name]["Properties"];
        let dimensions = alarm["Dimensions"].as_sequence().unwrap();
        assert_eq!(dimensions.len(), 1, "{name}: an alarm reads only a metric with the same dimensions");
        let [namespace, metric, by] =
            [&alarm["Namespace"], &alarm["MetricName"], &dimensions[0]["Name"]].map(|of| of.as_str().unwrap());
        let of = strings(&dimensions[0]["Value"]).concat();
        // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        let is_there = match (namespace, by) {
            ("AWS/Lambda", "FunctionName") => {
                ["DestinationDeliveryFailures", "Errors"].contains(&metric) && is_a(&of, "AWS::Serverless::Function")
            }
            ("AWS/SQS", "QueueName") => {
                ["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"].contains(&metric)
                    && of.strip_suffix(".QueueName").is_some_and(|queue| is_a(queue, "AWS::SQS::Queue"))
            }
            (function::figures::NAMESPACE, function::figures::DIMENSION) => {
                (metric, of.as_str()) == (checker::metrics::HEARTBEAT, "Checker")
                    || (metric, of.as_str()) == ("ReportsKept", "Reporter")
            }
            _ => false,
        };
        assert!(is_there, "{name}: {namespace} {metric} by {by} of {of}");
        assert!(seen.insert((metric.to_owned(), of.clone())), "{name}: {metric} of {of} has two alarms");
        let is_low = metric == checker::metrics::HEARTBEAT || metric == "ReportsKept";
        let [comparison, missing] = match is_low {
            true => ["LessThanThreshold", "breaching"],
            false => ["GreaterThanThreshold", "notBreaching"],
        };
        assert_eq!(alarm["ComparisonOperator"].as_str(), Some(comparison), "{name}");
        assert_eq!(alarm["TreatMissingData"].as_str(), Some(missing), "{name}");
        assert_eq!(alarm["EvaluationPeriods"].as_i64(), Some(if is_low { 3 } else { 1 }), "{name}");
        let threshold = if metric == "ApproximateAgeOfOldestMessage" { 600 } else { i64::from(is_low) };
        assert_eq!(alarm["Threshold"].as_i64(), Some(threshold), "{name}");
    }
    assert!(seen.len() >= 11, "{seen:?}");
}

/// The metrics of each function that sends any.
const METRICS: [(&str, &[&str]); 3] =
    [("Checker", checker::metrics::METRICS), ("RootActivity", root_activity::METRICS), ("Reporter", reporter::METRICS)];

#[test]
fn all_metrics_together_are_no_more_than_an_account_has_free_and_the_alarms_have_theirs() {
    let sent: Vec<String> =
        METRICS.iter().flat_map(|(of, names)| names.iter().map(move |name| format!("{of} {name}"))).collect();
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len(), "each once");
    assert!(sent.len() <= 10, "{sent:?}");
    assert_eq!((sent.len(), sandbox::cost::RARE_METRICS), (sandbox::cost::METRICS, 3), "what docs/cost.md counts");
    let template = template();
    let always = alarms(&template).filter(|(_, condition)| condition.is_none()).count();
    assert_eq!(always, sandbox::cost::ALARMS, "what docs/cost.md counts");
    for (name, _) in alarms(&template) {
        let alarm = &template["Resources"][name]["Properties"];
        if alarm["Namespace"].as_str() == Some(function::figures::NAMESPACE) {
            let of = strings(&alarm["Dimensions"][0]["Value"]).concat();
            let metric = format!("{of} {}", alarm["MetricName"].as_str().unwrap());
            assert!(sent.contains(&metric), "{name} waits for {metric}, which nobody sends");
        }
    }
}

#[test]
fn the_dashboard_shows_the_metrics_of_the_functions_and_every_alarm_of_theirs() {
    let template = template();
    let body = dashboard(&template, true);
    let widgets = body["widgets"].as_array().unwrap();
    let metrics: Vec<_> =
        widgets.iter().filter_map(|widget| widget["properties"]["metrics"].as_array()).flatten().collect();
    // A larger dashboard is not among the free ones (<https://aws.amazon.com/cloudwatch/pricing/>).
    assert!(metrics.len() <= 50, "{}", metrics.len());
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for metric in metrics {
        let [namespace, name, dimension, of] = [0, 1, 2, 3].map(|at| metric[at].as_str().unwrap());
        match namespace {
            function::figures::NAMESPACE => {
                assert_eq!(dimension, function::figures::DIMENSION);
                shown.entry(of.to_owned()).or_default().insert(name.to_owned());
            }
            // What AWS counts by itself costs nothing.
            "AWS/SNS" => assert_eq!((dimension, of), ("TopicName", "${Topic.TopicName}"), "{name}"),
            _ => assert!(namespace == "AWS/Lambda" && ["Errors", "Duration"].contains(&name), "{namespace} {name}"),
        }
    }
    for (function, metrics) in METRICS {
        assert_eq!(shown.remove(&format!("${{{function}}}")), Some(set(metrics)), "{function}");
    }
    assert_eq!(shown, BTreeMap::new(), "nobody sends these");
    for with_options in [true, false] {
        let body = dashboard(&template, with_options);
        let list = body["widgets"].as_array().unwrap().iter().find(|widget| widget["type"] == "alarm").unwrap();
        let listed = list["properties"]["alarms"].as_array().unwrap().iter().map(|arn| arn.as_str().unwrap());
        let there = alarms(&template).filter(|(_, condition)| with_options || condition.is_none());
        let there: BTreeSet<String> = there.map(|(name, _)| format!("${{{name}.Arn}}")).collect();
        assert_eq!(listed.map(str::to_owned).collect::<BTreeSet<_>>(), there, "with options: {with_options}");
    }
}

#[test]
fn the_dashboard_draws_metrics_or_one_alarm_in_a_widget_and_keeps_the_periods_it_names() {
    let body = dashboard(&template(), true);
    assert_eq!(body["periodOverride"], "inherit");
    let widgets = body["widgets"].as_array().unwrap().iter();
    let mut drawn = Vec::new();
    for properties in widgets.filter(|widget| widget["type"] == "metric").map(|widget| &widget["properties"]) {
        // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
        let alarms = properties["annotations"]["alarms"].as_array();
        assert!(alarms.is_some() != properties["metrics"].is_array(), "{properties}");
        assert!(alarms.is_none_or(|alarms| alarms.len() == 1), "{properties}");
        assert!(properties["region"].is_string() && properties["view"] == "timeSeries", "{properties}");
        drawn.extend(alarms.into_iter().flatten().filter_map(|arn| arn.as_str()));
        let of_metric = |metric: &serde_json::Value| {
            let own = metric[4]["stat"].as_str();
            (metric[1].as_str().unwrap().to_owned(), own.or(properties["stat"].as_str()).unwrap().to_owned())
        };
        for (name, stat) in properties["metrics"].as_array().into_iter().flatten().map(of_metric) {
            let expected = match name.as_str() {
                // A level or a time, of which more is worse.
                "FindingsFailed" | "FindingsUnknown" | "StepsFailed" | "OutboxSize" | "SweepLag" | "Duration" => {
                    "Maximum"
                }
                _ => "Sum",
            };
            assert_eq!(stat, expected, "{name}");
        }
    }
    assert_eq!(drawn, ["${NoHeartbeatAlarm.Arn}", "${ErrorAlarm.Arn}"]);
}

/// Each alarm with the condition under which it is there.
fn alarms(template: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    let resources = template["Resources"].as_mapping().unwrap().iter();
    let alarms = resources.filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
    alarms.map(|(name, resource)| (name.as_str().unwrap(), resource["Condition"].as_str()))
}

/// The dashboard's body with all that depends on a condition, or with none of it.
fn dashboard(template: &Value, with_options: bool) -> serde_json::Value {
    let Value::Tagged(body) = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"] else {
        panic!("!Sub")
    };
    let mut text = body.value[0].as_str().unwrap().to_owned();
    for (name, choice) in body.value[1].as_mapping().unwrap() {
        let Value::Tagged(choice) = choice else { panic!("{name:?} is no !If") };
        let is_of_condition = |(alarm, condition): (&str, Option<&str>)| {
            condition == choice.value[0].as_str() && strings(&choice.value[1]).concat().contains(alarm)
        };
        assert!(alarms(template).any(is_of_condition), "{name:?} has the condition of its alarm");
        let chosen = strings(&choice.value[if with_options { 1 } else { 2 }]).concat();
        text = text.replace(&format!("${{{}}}", name.as_str().unwrap()), &chosen);
    }
    serde_json::from_str(&text).unwrap()
}

#[test]
fn publishing_is_limited_to_the_stacks_own_topic() {
    for role in ROLES {
        let tell = policy_of(role, "tell");
        assert_eq!(tell.len(), 1);
        assert_eq!(strings(&tell[0]["Resource"]), ["Topic"], "{role}");
    }
}

#[test]
fn se_2_a_function_writes_the_stacks_own_table_and_deletes_only_outbox_and_lease() {
    for role in ROLES {
        let remember = policy_of(role, "remember");
        for statement in &remember {
            assert_eq!(strings(&statement["Resource"]), ["Ledger.Arn"]);
        }
        let (deleting, others): (Vec<_>, Vec<_>) = remember
            .iter()
            .partition(|statement| strings(&statement["Action"]).contains(&"dynamodb:DeleteItem".into()));
        assert_eq!((deleting.len(), others.len()), (1, 1));
        assert_eq!(strings(&deleting[0]["Action"]), ["dynamodb:DeleteItem"], "nothing else is limited with it");
        assert!(others[0]["Condition"].is_null(), "everything is remembered");
        let condition = deleting[0]["Condition"].as_mapping().unwrap();
        assert_eq!(condition.len(), 1);
        let keys = strings(&deleting[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
        assert_eq!(keys, ["O#*", "L#*"], "{role}");
    }
}

#[test]
fn the_ledger_outlives_the_stack_and_is_protected_backed_up_and_swept() {
    let template = template();
    let ledger = &template["Resources"]["Ledger"];
    assert_eq!(ledger["Type"].as_str(), Some("AWS::DynamoDB::Table"));
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(ledger[policy].as_str(), Some("Retain"), "{policy}");
    }
    let properties = &ledger["Properties"];
    assert!(properties["TableName"].is_null(), "a second stack would collide, and so would one after this one");
    assert_eq!(properties["DeletionProtectionEnabled"].as_bool(), Some(true));
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"].as_bool(), Some(true));
    assert_eq!(properties["TimeToLiveSpecification"]["AttributeName"].as_str(), Some("ttl"));
    assert_eq!(properties["TimeToLiveSpecification"]["Enabled"].as_bool(), Some(true));
    let keys = properties["KeySchema"].as_sequence().unwrap();
    let keys = keys.iter().map(|key| (key["AttributeName"].as_str().unwrap(), key["KeyType"].as_str().unwrap()));
    assert_eq!(keys.collect::<Vec<_>>(), [("pk", "HASH"), ("sk", "RANGE")]);
    assert_eq!(strings(&template["Outputs"]["StateTableName"]["Value"]), ["Ledger"]);
}

#[test]
fn nobody_outside_the_account_may_publish_and_nobody_without_tls() {
    let template = template();
    let policy = &template["Resources"]["TopicPolicy"]["Properties"];
    for statement in statements(policy) {
        let everybody = statement["Principal"].as_str() == Some("*");
        assert_eq!(everybody, statement["Effect"].as_str() == Some("Deny"), "only a denial is for everybody");
    }
    assert!(
        statements(policy).iter().any(|statement| !statement["Condition"]["Bool"]["aws:SecureTransport"].is_null())
    );
}

/// The variables of a function as the template sets them when every parameter has its default.
fn variables_of(function: &str) -> BTreeMap<String, String> {
    let template = template();
    let environment = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
    let parameters = template["Parameters"].as_mapping().unwrap();
    let mut variables = BTreeMap::from([("AWS_REGION".to_owned(), "eu-west-1".to_owned())]);
    for (name, reference) in environment.as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let references = strings(reference);
        let references = match references.as_slice() {
            [_condition, chosen, otherwise] if otherwise.is_empty() => std::slice::from_ref(chosen),
            all => all,
        };
        let value = match (references, name) {
            ([resource], "ROOTWATCH_TOPIC_ARN") if resource == "Topic" => minimal()[name].clone(),
            ([resource], "ROOTWATCH_TABLE") if resource == "Ledger" => minimal()[name].clone(),
            ([bucket], "ROOTWATCH_REPORT_BUCKET") if bucket == "ReportBucket" => "rootwatch-reports".into(),
            ([arn], "ROOTWATCH_QUEUE_ARN" | "ROOTWATCH_FORWARDER_ROLE_ARN") if arn.ends_with(".Arn") => arn.clone(),
            ([stack], "ROOTWATCH_STACK") if stack == "AWS::StackName" => "rootwatch".into(),
            // Without a chat there is no function that passes on.
            (_, "ROOTWATCH_NOTIFIERS") => String::new(),
            ([text], _) if text.contains(STACK) => text.replace(STACK, "rootwatch").replace(REGION, "eu-west-1"),
            // A list is joined by a comma.
            ([parameter], _) | ([_, parameter], _) => match &parameters[parameter.as_str()]["Default"] {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => panic!("{parameter} has no default"),
            },
            _ => panic!("{name} is neither a parameter nor of the stack"),
        };
        variables.insert(name.to_owned(), value);
    }
    variables
}

#[test]
fn the_environment_of_the_template_is_what_each_function_reads() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let stack = [("ROOTWATCH_STACK".to_owned(), "rootwatch".to_owned())];
    let variables = variables_of("Checker");
    let settings = checker::Settings::read(variables.clone(), now).unwrap();
    let least = minimal().into_iter().chain(stack.clone());
    assert_eq!(settings.report_bucket.as_deref(), Some("rootwatch-reports"));
    let settings = checker::Settings { watch: None, report_bucket: None, ..settings };
    assert_eq!(settings, checker::Settings::read(least, now).unwrap(), "the same defaults in template and code");
    let watch = checker::Settings::read(variables.clone(), now).unwrap().watch.unwrap();
    let rules: BTreeSet<String> = ["RootRule", "TamperingRule"]
        .iter()
        .flat_map(|rule| strings(&template()["Resources"][*rule]["Properties"]["Name"]))
        .map(|name| name.replace(STACK, "rootwatch").replace(REGION, "eu-west-1"))
        .collect();
    assert_eq!(watch.rules.iter().cloned().collect::<BTreeSet<_>>(), rules, "the function looks after its own rules");
    assert_eq!(
        (watch.queue.as_deref(), watch.forwarder.as_deref()),
        (Some("EventsQueue.Arn"), Some("ForwarderRole.Arn"))
    );
    assert_eq!(variables.len(), 27, "every setting of the function is a parameter or of the stack");

    let variables = variables_of("RootActivity");
    let settings = root_activity::Settings::read(variables.clone()).unwrap();
    let forwarding = variables.clone().into_iter().filter(|(name, _)| name == "ROOTWATCH_FORWARD_REGIONS");
    let least = minimal().into_iter().chain(stack).chain(forwarding);
    assert_eq!(settings, root_activity::Settings::read(least).unwrap());
    assert_eq!(settings.canaries.unwrap().regions, ["us-east-1", "us-east-2", "us-west-2", "eu-west-1"]);
    assert_eq!(variables.len(), 8);

    let variables = variables_of("Reporter");
    let settings = reporter::Settings::read(variables.clone()).unwrap();
    let least = [("AWS_REGION", "eu-west-1"), ("ROOTWATCH_REPORT_BUCKET", "rootwatch-reports")];
    let least = least.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(settings, reporter::Settings::read(least).unwrap());
    assert_eq!(variables.len(), 6);
}

/// Faults are told by the name that people know.
#[test]
fn a_refused_setting_is_called_as_the_parameter_that_sets_it() {
    let template = template();
    let parameters = template["Parameters"].as_mapping().unwrap();
    for function in ["Checker", "RootActivity", "Reporter", "SlackNotifier"] {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        for (variable, reference) in variables.as_mapping().unwrap() {
            let variable = variable.as_str().unwrap();
            let by = strings(reference).into_iter().find(|name| parameters.contains_key(name.as_str()));
            assert_eq!(function::setting(variable), by.unwrap_or_else(|| variable.to_owned()));
        }
    }
}

#[test]
fn make_deploy_first_refuses_parameters_that_cannot_be_read() {
    let makefile = file("Makefile");
    assert!(makefile.contains("\ndeploy: check-config build\n"));
    assert!(makefile.contains("target/debug/sandbox check-config $(PARAMETERS)\n"));
}

/// What `make -n` would run, with an AWS CLI that says that the stack is arm64.
pub(crate) fn dry_make(arguments: &[&str]) -> (bool, String) {
    use std::os::unix::fs::PermissionsExt as _;
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let bin = std::env::temp_dir().join(format!("rootwatch-make-{}-{call}", std::process::id()));
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("aws"), "#!/bin/sh\necho arm64\n").unwrap();
    std::fs::set_permissions(bin.join("aws"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut make = std::process::Command::new("make");
    // Nothing of a make that runs this test.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MAKEOVERRIDES");
    let done = make.env("PATH", path).current_dir(root).arg("-n").args(arguments).output().unwrap();
    std::fs::remove_dir_all(bin).unwrap();
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).replace("\\\n\t", ""))
}

#[test]
fn what_is_built_is_what_is_deployed_whoever_names_the_architecture() {
    let x86 = "env -u CARGO_BUILD_TARGET CARGO_BUILD_TARGET=x86_64-unknown-linux-gnu sam build --parameter-overrides Architecture=x86_64\n";
    let arm = "env -u CARGO_BUILD_TARGET  sam build --parameter-overrides Architecture=arm64\n";
    for (arguments, build, architecture) in [
        (["ARCH=x86_64", "EMAIL="], x86, "x86_64"),
        (["ARCH=arm64", "EMAIL="], arm, "arm64"),
        (["PARAMETERS=Digest=daily Architecture=x86_64", "EMAIL="], x86, "x86_64"),
        (["PARAMETERS=Architecture='arm64'", "EMAIL=you@example.com"], arm, "arm64"),
        (["PARAMETERS=Digest=daily", "EMAIL="], arm, "arm64"),
    ] {
        let (succeeded, run) = dry_make(&[&["deploy"], &arguments[..]].concat());
        assert!(succeeded && run.contains(build), "{arguments:?}: {run}");
        assert!(run.contains(&format!("built-for ARCH={architecture}\n")), "{arguments:?}: {run}");
        assert!(run.contains(&format!(" Architecture={architecture}\n")), "deployed as it is built: {run}");
    }
    for arguments in [["ARCH=arm64", "PARAMETERS=Architecture=x86_64"], ["ARCH=mips", "PARAMETERS="]] {
        let (succeeded, run) = dry_make(&[&["build"], &arguments[..]].concat());
        assert!(!succeeded && run.contains("ARCH is "), "{run}");
    }
}

#[test]
fn a_program_for_another_architecture_than_the_one_to_deploy_ends_the_build() {
    let folder = std::env::temp_dir().join(format!("rootwatch-built-{}", std::process::id()));
    let program = folder.join("Checker/bootstrap");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    // e_machine, in two bytes behind e_ident and e_type.
    for (machine, architecture) in [(62_u8, "x86_64"), (183, "arm64"), (40, "")] {
        let header = [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"[..], &[machine, 0]].concat();
        std::fs::write(&program, header).unwrap();
        for target in ["x86_64", "arm64"] {
            let mut make = std::process::Command::new("make");
            make.env_remove("MAKEFLAGS")
                .env_remove("MAKELEVEL")
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
            make.args(["built-for", &format!("ARCH={target}"), &format!("BUILT={}", folder.display())]);
            assert_eq!(make.output().unwrap().status.success(), target == architecture, "{machine} for {target}");
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_longest_name_of_a_stack_is_refused_before_it_is_deployed_and_is_documented() {
    let makefile = file("Makefile");
    let most: usize = makefile.split("STACK_MAX := ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!(file("docs/install.md").contains(&format!("at most {most} characters")));
    assert!(file("tests/template/as_deployed.py").contains(&format!(", STACK_MAX = \"ap-southeast-1\", {most}\n")));
    let (_, run) = dry_make(&["check-config", "STACK=of-a-name"]);
    assert!(run.contains("printf %s 'of-a-name' | wc -c) -le 39"), "{run}");
}

#[test]
fn every_limit_of_a_parameter_is_the_functions_own() {
    let template = template();
    for (parameter, variable) in [
        ("LookbackHours", "ROOTWATCH_LOOKBACK_HOURS"),
        ("RootUnusedDays", "ROOTWATCH_ROOT_UNUSED_DAYS"),
        ("AccessKeyMaxAgeDays", "ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS"),
        ("UnusedCredentialsDays", "ROOTWATCH_UNUSED_CREDENTIALS_DAYS"),
        ("ReminderHoursCritical", "ROOTWATCH_REMINDER_HOURS_CRITICAL"),
        ("ReminderHours", "ROOTWATCH_REMINDER_HOURS"),
    ] {
        let limit = |name: &str| template["Parameters"][parameter][name].as_i64().unwrap();
        let (least, most) = (limit("MinValue"), limit("MaxValue"));
        assert!(accepts(variable, least.to_string()) && accepts(variable, most.to_string()), "{parameter}");
        assert!(!accepts(variable, (least - 1).to_string()), "{parameter}");
        assert!(!accepts(variable, (most + 1).to_string()), "{parameter}");
    }
    for (parameter, variable) in
        [("ReportRetentionDays", "ROOTWATCH_REPORT_RETENTION_DAYS"), ("ReportLockDays", "ROOTWATCH_OBJECT_LOCK_DAYS")]
    {
        let limit = |name: &str| template["Parameters"][parameter][name].as_i64().unwrap();
        let accepts = |value: i64| {
            let variables = variables_of("Reporter").into_iter().chain([(variable.to_owned(), value.to_string())]);
            reporter::Settings::read(variables).unwrap().refused.is_empty()
        };
        let (least, most) = (limit("MinValue"), limit("MaxValue"));
        assert!(accepts(least) && accepts(most), "{parameter}");
        assert!(!accepts(least - 1) && !accepts(most + 1), "{parameter}");
    }
    for (parameter, variable, count) in [
        ("PasswordPolicyProfile", "ROOTWATCH_PASSWORD_POLICY_PROFILE", 3),
        ("Digest", "ROOTWATCH_DIGEST", 3),
        ("Controls", "ROOTWATCH_CONTROLS", 2),
    ] {
        let values = strings(&template["Parameters"][parameter]["AllowedValues"]);
        assert!(values.len() == count && values.iter().all(|value| accepts(variable, value)), "{parameter}");
    }
}

#[test]
fn every_example_of_a_declaration_is_accepted() {
    let (template, document) = (template(), file("docs/configuration.md"));
    for (parameter, variable, field) in [
        ("Exceptions", "ROOTWATCH_EXCEPTIONS", "\"control\""),
        ("Attestations", "ROOTWATCH_ATTESTATIONS", "\"statement\""),
    ] {
        let pattern = template["Parameters"][parameter]["AllowedPattern"].as_str();
        assert_eq!(pattern, Some(r"^\s*$|^\s*\[[\s\S]*\]\s*$"), "what a shell or the SAM CLI cut off is refused");
        let description = template["Parameters"][parameter]["Description"].as_str().unwrap();
        let (_, example) = description.split_once("Example: ").unwrap();
        let blocks = document.split("```json\n").skip(1).filter_map(|block| block.split("```").next());
        let examples: Vec<&str> = blocks.filter(|block| block.contains(field)).chain([example]).collect();
        assert!(examples.len() > 1, "docs/configuration.md has no example of {parameter}");
        for example in examples {
            assert!(accepts(variable, example), "{parameter}: {example}");
        }
    }
}

#[test]
fn the_planned_root_use_in_the_documents_is_accepted() {
    let document = file("docs/configuration.md");
    let event = document.split("```json\n").find(|block| block.contains("\"planned_root_use\"")).expect("an example");
    let event: serde_json::Value = serde_json::from_str(event.split("```").next().unwrap()).unwrap();
    let from: jiff::Timestamp = event["planned_root_use"]["from"].as_str().unwrap().parse().unwrap();
    let request = checker::Request::parse(&event, facts::Partition::Aws, from).unwrap();
    assert!(request.plan.is_some());
}

#[test]
fn se_1_the_address_of_the_watcher_is_not_shown() {
    let parameter = &template()["Parameters"]["HeartbeatUrl"];
    assert_eq!(parameter["NoEcho"].as_bool(), Some(true));
    // `sam deploy --guided` takes no empty answer for a parameter that is not echoed: `none` means the same.
    assert_eq!(parameter["AllowedPattern"].as_str(), Some(r"^$|^none$|^https://[^/:?#\s]\S*$"));
    let condition = serde_yaml_ng::to_string(&template()["Conditions"]["HasHeartbeatUrl"]).unwrap();
    assert!(condition.contains("''") && condition.contains("none"), "{condition}");
    let outputs = serde_yaml_ng::to_string(&template()["Outputs"]).unwrap();
    assert!(!outputs.contains("HeartbeatUrl"));
}

#[test]
fn every_parameter_has_a_default_and_a_description() {
    let template = template();
    let parameters = template["Parameters"].as_mapping().unwrap();
    let names: Vec<&str> = parameters.keys().filter_map(Value::as_str).collect();
    let expected = [
        "AlertEmail",
        "Schedule",
        "LookbackHours",
        "Regions",
        "ForwardRegions",
        "DirectAlerts",
        "PasswordPolicyProfile",
        "RootUnusedDays",
        "Controls",
        "DisabledControls",
        "AccessKeyMaxAgeDays",
        "UnusedCredentialsDays",
        "AllowedRegions",
        "ReminderHoursCritical",
        "ReminderHours",
        "Digest",
        "ReportRetentionDays",
        "ReportLockDays",
        "Exports",
        "SecurityHub",
        "Exceptions",
        "Attestations",
        "HeartbeatUrl",
        "RunbookUrl",
        "SlackWebhookParameter",
        "ChatWorkspaceId",
        "ChatChannelId",
        "LogRetentionDays",
        "Architecture",
    ];
    assert_eq!(names, expected);
    for (name, parameter) in parameters {
        assert!(!parameter["Default"].is_null() && parameter["Description"].as_str().unwrap().len() > 20, "{name:?}");
    }
}

#[test]
fn the_console_shows_each_parameter_in_one_group_with_a_label_and_first_the_five_that_matter() {
    let template = template();
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_sequence().unwrap();
    let mut shown: Vec<String> = groups.iter().flat_map(|group| strings(&group["Parameters"])).collect();
    let first = ["AlertEmail", "SlackWebhookParameter", "ForwardRegions", "HeartbeatUrl", "RunbookUrl"];
    assert_eq!(strings(&groups[0]["Parameters"]), first);
    let mut parameters: Vec<&str> =
        template["Parameters"].as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
    shown.sort_unstable();
    parameters.sort_unstable();
    assert_eq!(shown, parameters, "each once");
    let labels: BTreeSet<&str> = groups.iter().map(|group| group["Label"]["default"].as_str().unwrap()).collect();
    assert!(labels.len() == groups.len() && !labels.contains(""), "{labels:?}");
    assert!(
        interface["ParameterLabels"].is_null(),
        "a label of its own would hide the name that documents and faults use"
    );
}

/// What is granted in a policy of a role.
fn granted(role: &str, policy: &str) -> BTreeSet<String> {
    policy_of(role, policy).iter().flat_map(|statement| strings(&statement["Action"])).collect()
}

#[test]
fn se_2_the_role_for_slack_reads_one_parameter_and_decrypts_nothing_else() {
    let policies = policy_of("SlackRole", "read-the-webhook");
    let [read, decrypt] = policies.as_slice() else { panic!("two statements") };
    assert_eq!(set(parameter::ACTIONS), strings(&read["Action"]).into_iter().collect());
    let arns = ["parameter${SlackWebhookParameter}", "parameter/${SlackWebhookParameter}"]
        .map(|end| format!("arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:{end}"));
    assert_eq!(strings(&read["Resource"]), arns);
    assert_eq!(strings(&decrypt["Action"]), ["kms:Decrypt"]);
    let condition = &decrypt["Condition"]["StringEquals"];
    assert_eq!(strings(&condition["kms:ViaService"]), ["ssm.${AWS::Region}.${AWS::URLSuffix}"]);
    assert_eq!(strings(&condition["kms:EncryptionContext:PARAMETER_ARN"]), arns);
    let queue = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"];
    let run = [&["logs:CreateLogStream", "logs:PutLogEvents"][..], &queue].concat();
    assert_eq!(granted("SlackRole", "run"), set(&run));
    assert_eq!(strings(&policy_of("SlackRole", "run")[1]["Resource"]), ["SlackRetryQueue.Arn"]);
}

#[test]
fn se_2_the_roles_for_amazon_q_publish_to_its_topic_and_the_channel_may_do_nothing() {
    assert_eq!(granted("ChatNotifierRole", "tell"), set(&["sns:Publish"]));
    assert_eq!(strings(&policy_of("ChatNotifierRole", "tell")[0]["Resource"]), ["ChatTopic"]);
    let run = set(&["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"]);
    assert_eq!(granted("ChatNotifierRole", "run"), run);
    let template = template();
    let channel = &template["Resources"]["ChatChannelRole"]["Properties"];
    assert!(channel["Policies"].is_null() && channel["ManagedPolicyArns"].is_null());
    let channel = &template["Resources"]["ChatChannel"]["Properties"];
    let guardrails = strings(&channel["GuardrailPolicies"]);
    assert_eq!(guardrails, ["arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess"], "unset is AdministratorAccess");
    assert_eq!(channel["LoggingLevel"].as_str(), Some("ERROR"));
    assert_eq!(
        (strings(&channel["SnsTopicArns"]), strings(&channel["IamRoleArn"])),
        (vec!["ChatTopic".into()], vec!["ChatChannelRole.Arn".into()])
    );
}

#[test]
fn se_2_who_passes_on_notes_what_arrives_and_writes_nothing_else_of_the_table() {
    for role in ["SlackRole", "ChatNotifierRole"] {
        assert_eq!(granted(role, "note"), set(&aws::passing_actions()), "{role}");
        let note = policy_of(role, "note");
        assert_eq!((note.len(), strings(&note[0]["Resource"])), (1, vec!["Ledger.Arn".to_owned()]));
        let keys = &note[0]["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"];
        assert_eq!(strings(keys), ["N#${AWS::AccountId}"]);
    }
}

#[test]
fn whose_messages_are_passed_on_is_known_to_those_who_tell() {
    let template = template();
    for function in ["Checker", "RootActivity"] {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let [slack, both, chat] =
            ["HasSlackWebhook", "HasChat ${SlackNotifier},${ChatNotifier} SlackNotifier", "HasChat ChatNotifier "];
        let choices = strings(&variables["ROOTWATCH_NOTIFIERS"]).join(" ");
        assert_eq!(choices, [slack, both, chat].join(" "), "{function}");
    }
}

#[test]
fn nothing_for_a_chat_is_there_without_its_parameter_and_the_mail_does_not_depend_on_it() {
    let template = template();
    let mut found = BTreeMap::from([("HasSlackWebhook", 0), ("HasChat", 0)]);
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let condition = if name.starts_with("Slack") {
            "HasSlackWebhook"
        } else if name.starts_with("Chat") {
            "HasChat"
        } else {
            // The dashboard lists their alarms, and those who tell know the functions, each by its condition.
            let mut resource = resource.clone();
            if let Some(variables) = resource["Properties"]["Environment"]["Variables"].as_mapping_mut() {
                variables.remove("ROOTWATCH_NOTIFIERS");
            }
            let text = if name == "Dashboard" { "".into() } else { serde_yaml_ng::to_string(&resource).unwrap() };
            assert!(!text.contains("Slack") && !text.contains("Chat"), "{name} hangs on a chat");
            continue;
        };
        assert_eq!(resource["Condition"].as_str(), Some(condition), "{name}");
        *found.get_mut(condition).unwrap() += 1;
    }
    assert_eq!(found, BTreeMap::from([("HasSlackWebhook", 6), ("HasChat", 9)]));
    let condition = |name: &str| serde_yaml_ng::to_string(&template["Conditions"][name]).unwrap();
    assert!(condition("HasSlackWebhook").contains("SlackWebhookParameter"));
    assert!(condition("HasChat").contains("ChatWorkspaceId") && condition("HasChat").contains("ChatChannelId"));
}

#[test]
fn a_message_that_slack_does_not_take_is_tried_again_for_six_hours_and_then_a_dead_letter() {
    let template = template();
    let function = &template["Resources"]["SlackNotifier"]["Properties"];
    let retries = &function["EventInvokeConfig"];
    assert_eq!(
        (retries["MaximumRetryAttempts"].as_i64(), retries["MaximumEventAgeInSeconds"].as_i64()),
        (Some(2), Some(21_600))
    );
    assert_eq!(strings(&retries["DestinationConfig"]["OnFailure"]["Destination"]), ["SlackRetryQueue.Arn"]);
    let late = &function["Events"]["Late"]["Properties"];
    assert_eq!((strings(&late["Queue"]), late["BatchSize"].as_i64()), (vec!["SlackRetryQueue.Arn".into()], Some(1)));
    let queue = &template["Resources"]["SlackRetryQueue"]["Properties"];
    let visibility = queue["VisibilityTimeout"].as_i64().unwrap();
    assert!(visibility >= 6 * function["Timeout"].as_i64().unwrap());
    assert_eq!(visibility * queue["RedrivePolicy"]["maxReceiveCount"].as_i64().unwrap(), 21_600);
    assert_eq!(strings(&queue["RedrivePolicy"]["deadLetterTargetArn"]), ["DeadLetterQueue.Arn"]);
    for (subscription, permission, function) in [
        ("SlackSubscription", "SlackPermission", "SlackNotifier"),
        ("ChatSubscription", "ChatPermission", "ChatNotifier"),
    ] {
        let subscription = &template["Resources"][subscription]["Properties"];
        assert_eq!(subscription["Protocol"].as_str(), Some("lambda"));
        assert_eq!(
            (strings(&subscription["TopicArn"]), strings(&subscription["Endpoint"])),
            (vec!["Topic".into()], vec![format!("{function}.Arn")])
        );
        let permission = &template["Resources"][permission]["Properties"];
        assert_eq!(
            (permission["Principal"].as_str(), strings(&permission["SourceArn"])),
            (Some("sns.amazonaws.com"), vec!["Topic".into()])
        );
    }
}

#[test]
fn the_environment_of_a_function_for_chats_is_what_it_reads() {
    let template = template();
    let value = [
        ("ROOTWATCH_WEBHOOK_PARAMETER", "/rootwatch/slack-webhook"),
        ("ROOTWATCH_CHAT_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:chat"),
    ];
    for (function, (variable, value)) in ["SlackNotifier", "ChatNotifier"].into_iter().zip(value) {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let names: Vec<&str> = variables.as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
        assert_eq!(names, [variable, "ROOTWATCH_TABLE"], "no test host, and nothing else");
        let variables = [("AWS_REGION", "eu-west-1"), (variable, value)];
        let settings =
            slack_notifier::Settings::read(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(settings.unwrap().1, []);
    }
    assert!(file("docs/integrations.md").contains("--name /rootwatch/slack-webhook"));
}

#[test]
fn se_3_the_alarms_for_silence_follow_every_schedule_and_take_missing_data_for_the_worse() {
    let template = template();
    let schedules = strings(&template["Parameters"]["Schedule"]["AllowedValues"]);
    assert_eq!(
        schedules,
        ["rate(1 minute)", "rate(5 minutes)", "rate(15 minutes)", "rate(30 minutes)", "rate(1 hour)"]
    );
    let alarm = &template["Resources"]["NoHeartbeatAlarm"]["Properties"];
    let of_reports = &template["Resources"]["NoReportAlarm"]["Properties"];
    for (name, value) in alarm.as_mapping().unwrap() {
        let differs = ["AlarmDescription", "MetricName", "Dimensions"].contains(&name.as_str().unwrap());
        assert_eq!(&of_reports[name] == value, !differs, "{name:?}");
    }
    assert_eq!(alarm["TreatMissingData"].as_str(), Some("breaching"));
    assert_eq!(alarm["EvaluationPeriods"].as_i64(), Some(3));
    let text = serde_yaml_ng::to_string(&alarm["Period"]).unwrap();
    let periods = [
        ("EveryMinute", "60"),
        ("Every5Minutes", "300"),
        ("Every15Minutes", "900"),
        ("Every30Minutes", "1800"),
        ("", "3600"),
    ];
    for (condition, seconds) in periods {
        assert!(text.contains(condition) && text.contains(seconds), "{text}");
    }
    let figure =
        ["Namespace", "MetricName", "Statistic", "ComparisonOperator"].map(|name| alarm[name].as_str().unwrap());
    assert_eq!(figure, [function::figures::NAMESPACE, checker::metrics::HEARTBEAT, "Sum", "LessThanThreshold"]);
    assert_eq!(alarm["Threshold"].as_i64(), Some(1));
    let dimensions = alarm["Dimensions"].as_sequence().unwrap();
    assert_eq!(dimensions.len(), 1, "an alarm reads only a metric with the same dimensions");
    assert_eq!(dimensions[0]["Name"].as_str(), Some(function::figures::DIMENSION));
    assert_eq!(strings(&dimensions[0]["Value"]), ["Checker"]);
    for actions in ["AlarmActions", "OKActions", "InsufficientDataActions"] {
        assert_eq!(strings(&alarm[actions]), ["Topic"], "{actions}");
    }
    let alarms = template["Resources"].as_mapping().unwrap().iter();
    let alarms: Vec<_> = alarms.filter(|(_, alarm)| alarm["Type"].as_str() == Some("AWS::CloudWatch::Alarm")).collect();
    assert!(alarms.len() >= 5);
    for (name, alarm) in alarms {
        assert_eq!(strings(&alarm["Properties"]["AlarmActions"]), ["Topic"], "{name:?}");
    }
}

#[test]
fn each_function_is_what_was_tested() {
    let template = template();
    for (function, binary, memory, timeout) in [
        ("Checker", "checker", 256, 300),
        ("RootActivity", "root-activity", 256, 60),
        ("SlackNotifier", "slack-notifier", 128, 60),
        ("ChatNotifier", "slack-notifier", 128, 60),
        ("Reporter", "reporter", 256, 120),
    ] {
        let metadata = &template["Resources"][function]["Metadata"];
        assert_eq!(metadata["BuildMethod"].as_str(), Some("rust-cargolambda"));
        assert_eq!(metadata["BuildProperties"]["Binary"].as_str(), Some(binary));
        let of = |name: &str| property(&template, function, name);
        assert_eq!(of("CodeUri").as_str().unwrap(), format!("functions/{binary}"));
        assert_eq!([of("Runtime"), of("Handler")].map(Value::as_str), [Some("provided.al2023"), Some("bootstrap")]);
        assert_eq!(strings(of("Architectures")), ["Architecture"]);
        assert_eq!(strings(&of("LoggingConfig")["LogGroup"]), ["LogGroup"]);
        let limits = (of("MemorySize").as_i64(), of("Timeout").as_i64());
        assert_eq!(limits, (Some(memory), Some(timeout)));
        assert!(of("ReservedConcurrentExecutions").is_null());
    }
    let checker = &template["Resources"]["Checker"]["Properties"];
    let schedule = &checker["Events"]["Schedule"];
    assert_eq!(schedule["Type"].as_str(), Some("ScheduleV2"));
    assert!(schedule["Properties"]["OmitName"].is_null());
    let names = [&schedule["Properties"]["Name"], &checker["Environment"]["Variables"]["ROOTWATCH_SCHEDULE"]];
    assert_eq!(names.map(strings), [["${AWS::StackName}-schedule"]; 2], "the function looks after its own schedule");
}

#[test]
fn rt_4_a_panic_is_caught_and_reported_in_what_is_deployed_too() {
    let (_, profile) =
        file("Cargo.toml").split_once("[profile.release]").map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    let said: Vec<&str> = profile.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name)).collect();
    for name in ["codegen-units", "lto", "panic", "strip"] {
        assert!(said.contains(&name), "cargo-lambda would set {name}");
    }
    assert!(profile.contains("panic = \"unwind\""));
}

#[test]
fn the_documented_policy_is_what_a_dry_run_calls() {
    let document = file("docs/permissions.md");
    let policy = document.split("```json").find(|block| block.contains("\"Statement\"")).expect("a policy");
    let policy: serde_json::Value = serde_json::from_str(policy.split("```").next().unwrap()).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    let actions: BTreeSet<String> = actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, set(&aws::read_actions()));
}

#[test]
fn every_link_of_a_mail_leads_to_a_section_of_the_runbook() {
    fn snapshots(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => snapshots(&entry, found),
                false if entry.extension().is_some_and(|end| end == "snap") => {
                    found.push(std::fs::read_to_string(entry).unwrap());
                }
                false => {}
            }
        }
    }
    let anchor = |heading: &str| {
        let letters = heading.to_lowercase().replace(' ', "-");
        letters.chars().filter(|char| char.is_alphanumeric() || *char == '-').collect::<String>()
    };
    let anchors: BTreeSet<String> =
        file("docs/runbook.md").lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut mails = Vec::new();
    snapshots(&root.join("tests/scenarios"), &mut mails);
    snapshots(&root.join("shared/messages/src/message"), &mut mails);
    let links = mails.iter().flat_map(|mail| mail.lines());
    let links: BTreeSet<&str> =
        links.filter_map(|line| line.trim().strip_prefix("Runbook: docs/runbook.md#")).collect();
    assert!(links.len() > 10, "{links:?}");
    assert!(links.iter().all(|link| anchors.contains(*link)), "{links:?} {anchors:?}");
}
