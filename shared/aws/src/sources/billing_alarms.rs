//! Alarms on estimated charges.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, Dimension, MetricAlarm, MetricDataQuery, StateValue};
use facts::billing::BillingAlarm;
use facts::text::bounded;
use facts::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmsForMetric"];

const NAMESPACE: &str = "AWS/Billing";
const METRIC: &str = "EstimatedCharges";
/// Largest page that the service gives.
const PAGE: i32 = 100;

/// The alarms on `EstimatedCharges` of `AWS/Billing`. `client` must be of us-east-1, where alone that metric is
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html>).
///
/// One call finds the usual alarm, on the account's total. Only where none of those would alert are all the Region's alarms looked through:
/// AWS does not find an alarm of another dimension, or one whose metric is part of an expression, by its metric
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html>).
pub async fn read(client: &Client) -> Result<Vec<BillingAlarm>, Unavailable> {
    let total = Dimension::builder().name("Currency").value("USD").build();
    let request = client.describe_alarms_for_metric().namespace(NAMESPACE).metric_name(METRIC).dimensions(total);
    let answer = request.send().await;
    let answer =
        answer.map_err(|error| unavailable(Source::BillingAlarms, "cloudwatch:DescribeAlarmsForMetric", &error))?;
    let of_total: Vec<BillingAlarm> = answer.metric_alarms().iter().map(alarm).collect();
    if of_total.iter().any(BillingAlarm::tells) { Ok(of_total) } else { of_any_kind(client).await }
}

async fn of_any_kind(client: &Client) -> Result<Vec<BillingAlarm>, Unavailable> {
    let request = client.describe_alarms().alarm_types(AlarmType::MetricAlarm).max_records(PAGE);
    let mut pages = request.into_paginator().send();
    let mut alarms = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::BillingAlarms, "cloudwatch:DescribeAlarms", &error))?;
        alarms.extend(page.metric_alarms().iter().filter(|alarm| is_on_charges(alarm)).map(alarm));
    }
    Ok(alarms)
}

fn is_on_charges(alarm: &MetricAlarm) -> bool {
    is_charges(alarm.namespace(), alarm.metric_name()) || alarm.metrics().iter().any(asks_for_charges)
}

/// By the metric it names, or by a query of Metrics Insights or a search, which name both in their text.
fn asks_for_charges(query: &MetricDataQuery) -> bool {
    let metric = query.metric_stat().and_then(|stat| stat.metric());
    metric.is_some_and(|metric| is_charges(metric.namespace(), metric.metric_name()))
        || query.expression().is_some_and(|text| text.contains(NAMESPACE) && text.contains(METRIC))
}

fn is_charges(namespace: Option<&str>, metric: Option<&str>) -> bool {
    (namespace, metric) == (Some(NAMESPACE), Some(METRIC))
}

fn alarm(alarm: &MetricAlarm) -> BillingAlarm {
    BillingAlarm {
        name: bounded(alarm.alarm_name().unwrap_or_default()),
        acts: alarm.actions_enabled().unwrap_or(false) && !alarm.alarm_actions().is_empty(),
        has_data: matches!(alarm.state_value(), Some(StateValue::Ok | StateValue::Alarm)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::error::ErrorMetadata;
    use aws_sdk_cloudwatch::operation::describe_alarms::{DescribeAlarmsError, DescribeAlarmsOutput};
    use aws_sdk_cloudwatch::operation::describe_alarms_for_metric::{
        DescribeAlarmsForMetricError, DescribeAlarmsForMetricOutput,
    };
    use aws_sdk_cloudwatch::types::builders::MetricAlarmBuilder;
    use aws_sdk_cloudwatch::types::{Metric, MetricStat};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:money";

    fn named(name: &str) -> MetricAlarmBuilder {
        let alarm = MetricAlarm::builder().alarm_name(name).state_value(StateValue::Ok);
        alarm.actions_enabled(true).alarm_actions(TOPIC)
    }

    fn on_charges(name: &str) -> MetricAlarmBuilder {
        named(name).namespace(NAMESPACE).metric_name(METRIC)
    }

    fn silent(name: &str) -> MetricAlarm {
        on_charges(name).set_alarm_actions(None).build()
    }

    fn of_total(alarms: Vec<MetricAlarm>) -> Rule {
        mock!(Client::describe_alarms_for_metric)
            .match_requests(|request| {
                let dimension =
                    |dimension: &Dimension| (dimension.name() == Some("Currency")) && dimension.value() == Some("USD");
                is_charges(request.namespace(), request.metric_name())
                    && matches!(request.dimensions(), [one] if dimension(one))
            })
            .then_output(move || {
                DescribeAlarmsForMetricOutput::builder().set_metric_alarms(Some(alarms.clone())).build()
            })
    }

    fn all(alarms: Vec<MetricAlarm>, token: Option<&'static str>, next: Option<&'static str>) -> Rule {
        mock!(Client::describe_alarms)
            .match_requests(move |request| {
                request.next_token() == token
                    && request.max_records() == Some(100)
                    && request.alarm_types() == [AlarmType::MetricAlarm]
            })
            .then_output(move || {
                let alarms = Some(alarms.clone());
                DescribeAlarmsOutput::builder()
                    .set_metric_alarms(alarms)
                    .set_next_token(next.map(str::to_owned))
                    .build()
            })
    }

    async fn read_by(rules: &[&Rule]) -> Result<Vec<BillingAlarm>, Unavailable> {
        read(&mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, rules)).await
    }

    fn billing(name: &str, acts: bool) -> BillingAlarm {
        BillingAlarm { name: name.into(), acts, has_data: true }
    }

    #[tokio::test]
    async fn an_alarm_on_the_total_that_acts_is_enough() {
        let all = all(Vec::new(), None, None);
        let alarms = read_by(&[&of_total(vec![silent("mute"), on_charges("total").build()]), &all]).await.unwrap();
        assert_eq!(alarms, [billing("mute", false), billing("total", true)]);
        assert_eq!(all.num_calls(), 0);
    }

    #[tokio::test]
    async fn where_none_acts_all_pages_are_looked_through_for_any_alarm_on_charges() {
        let metric = Metric::builder().namespace(NAMESPACE).metric_name(METRIC).build();
        let part =
            MetricDataQuery::builder().id("m1").metric_stat(MetricStat::builder().metric(metric).build()).build();
        let sum = MetricDataQuery::builder().id("e1").expression("SUM(METRICS())").build();
        let math = named("math").metrics(sum.clone()).metrics(part).build();
        let query = "SELECT MAX(EstimatedCharges) FROM SCHEMA(\"AWS/Billing\", Currency)";
        let query = named("query").metrics(MetricDataQuery::builder().id("q1").expression(query).build()).build();
        let others = [
            named("cpu").namespace("AWS/EC2").metric_name("CPUUtilization").build(),
            named("own").namespace("Acme").metric_name(METRIC).build(),
            named("usage").namespace(NAMESPACE).metric_name("Usage").build(),
            named("other math").metrics(sum).build(),
        ];
        let first = all([vec![silent("mute"), math], others.to_vec()].concat(), None, Some("next"));
        let by_service = on_charges("by service").actions_enabled(false).build();
        let second = all(vec![query, by_service], Some("next"), None);
        let alarms = read_by(&[&of_total(vec![silent("mute")]), &first, &second]).await.unwrap();
        let expected = [("mute", false), ("math", true), ("query", true), ("by service", false)];
        assert_eq!(alarms, expected.map(|(name, acts)| billing(name, acts)));
    }

    #[tokio::test]
    async fn an_alarm_on_the_total_without_data_is_not_enough_and_the_others_are_looked_through() {
        let no_data = on_charges("total").state_value(StateValue::InsufficientData).build();
        let by_service = on_charges("by service").state_value(StateValue::Alarm).build();
        let all = all(vec![no_data.clone(), by_service], None, None);
        let alarms = read_by(&[&of_total(vec![no_data]), &all]).await.unwrap();
        assert_eq!(alarms, [BillingAlarm { has_data: false, ..billing("total", true) }, billing("by service", true)]);
        assert!(!super::alarm(&MetricAlarm::builder().build()).has_data, "taken for the worse");
    }

    #[tokio::test]
    async fn an_alarm_acts_when_it_rings_and_not_when_it_calms_down() {
        let alarm = MetricAlarm::builder().actions_enabled(true).ok_actions(TOPIC).build();
        assert!(!super::alarm(&alarm).acts);
        assert!(!super::alarm(&MetricAlarm::builder().alarm_actions(TOPIC).build()).acts, "taken for the worse");
    }

    #[tokio::test]
    async fn no_alarms_are_an_answer_and_a_denial_is_not() {
        assert_eq!(read_by(&[&of_total(Vec::new()), &all(Vec::new(), None, None)]).await, Ok(Vec::new()));
        let code = || ErrorMetadata::builder().code("AccessDenied").build();
        let denied =
            mock!(Client::describe_alarms_for_metric).then_error(move || DescribeAlarmsForMetricError::generic(code()));
        assert_eq!(
            read_by(&[&denied]).await.unwrap_err().to_string(),
            "billing alarms: cloudwatch:DescribeAlarmsForMetric was denied (AccessDenied)"
        );
        let denied = mock!(Client::describe_alarms).then_error(move || DescribeAlarmsError::generic(code()));
        assert_eq!(
            read_by(&[&of_total(Vec::new()), &denied]).await.unwrap_err().to_string(),
            "billing alarms: cloudwatch:DescribeAlarms was denied (AccessDenied)"
        );
    }
}
