//! Alarms and dashboard read metrics that are there.

use super::*;

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
                    || (metric, of.as_str()) == (organization::HEARTBEAT, "Organization")
            }
            // https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
            ("AWS/States", "StateMachineArn") => {
                ["ExecutionsAborted", "ExecutionsFailed", "ExecutionsTimedOut"].contains(&metric)
                    && is_a(&of, "AWS::Serverless::StateMachine")
            }
            _ => false,
        };
        assert!(is_there, "{name}: {namespace} {metric} by {by} of {of}");
        assert!(seen.insert((metric.to_owned(), of.clone())), "{name}: {metric} of {of} has two alarms");
        let is_low = [checker::metrics::HEARTBEAT, "ReportsKept", organization::HEARTBEAT].contains(&metric);
        let [comparison, missing] = match is_low {
            true => ["LessThanThreshold", "breaching"],
            false => ["GreaterThanThreshold", "notBreaching"],
        };
        assert_eq!(alarm["ComparisonOperator"].as_str(), Some(comparison), "{name}");
        assert_eq!(alarm["TreatMissingData"].as_str(), Some(missing), "{name}");
        assert_eq!(alarm["EvaluationPeriods"].as_i64(), Some(if is_low { 3 } else { 1 }), "{name}");
        let threshold = match (metric, of.as_str()) {
            // Failed sign-ins of a member wait for a quarter of an hour, and are delivered again.
            ("ApproximateAgeOfOldestMessage", "OrganizationQueue.QueueName") => 1_800,
            ("ApproximateAgeOfOldestMessage", _) => 600,
            _ => i64::from(is_low),
        };
        assert_eq!(alarm["Threshold"].as_i64(), Some(threshold), "{name}");
    }
    assert!(seen.len() >= 15, "{seen:?}");
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
    // With an organization its own are added.
    let of_organization = organization::METRICS.iter().map(|name| format!("Organization {name}"));
    let sent: Vec<String> = sent.into_iter().chain(of_organization).collect();
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
        // Those of the organization are apart: most stacks have none.
        let of_organization = [Some("HasOrganization"), Some("HasMemberRules")];
        let there = alarms(&template).filter(|(_, condition)| !of_organization.contains(condition));
        let there = there.filter(|(_, condition)| with_options || condition.is_none());
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
    // What names begin with is in every dashboard.
    for (name, choice) in body.value[1].as_mapping().unwrap().iter().filter(|(name, _)| name.as_str() != Some("Own")) {
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
    let of_organization = &template["Resources"]["NoOrganizationRunAlarm"]["Properties"];
    for (name, value) in alarm.as_mapping().unwrap() {
        let differs = ["AlarmDescription", "MetricName", "Dimensions", "Period"].contains(&name.as_str().unwrap());
        assert_eq!(&of_organization[name] == value, !differs, "{name:?}");
    }
    let text = serde_yaml_ng::to_string(&of_organization["Period"]).unwrap();
    // Three periods are at most seven days (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html).
    let periods = [
        ("EveryOrganization15Minutes", "900"),
        ("EveryOrganizationHour", "3600"),
        ("EveryOrganization6Hours", "21600"),
        ("", "86400"),
    ];
    for (condition, seconds) in periods {
        assert!(text.contains(condition) && text.contains(seconds), "{text}");
    }
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
