//! CloudWatch's alarms on estimated charges: CloudWatch has that metric in us-east-1 only. It speaks CBOR
//! (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>).

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::baseline::{Alarm, AlarmKind};
use crate::fault::ServiceError;
use crate::page::Pages;
use crate::server::{State, response};

const ALARMS: Pages = Pages {
    list: "Alarms",
    fields: ("MaxRecords", "NextToken"),
    sizes: 1..=100,
    usual: 50,
    errors: ("ValidationError", "InvalidNextToken"),
};

/// The operation by the path of the request.
pub(crate) fn operation(path: &str) -> &str {
    path.strip_prefix("/service/GraniteServiceVersion20100801/operation/").unwrap_or_default()
}

pub(crate) fn answer(state: &State, operation: &str, region: &str, body: &[u8]) -> Result<Value, ServiceError> {
    state.check_enabled(region)?;
    let request: Value = ciborium::from_reader(body)
        .map_err(|error| ServiceError::new(400, "SerializationException", format!("no CBOR: {error}")))?;
    let alarms = if region == "us-east-1" { state.story.baseline.alarms.as_slice() } else { &[] };
    let described = |alarm: &Alarm| describe(alarm, &state.story.account);
    match operation {
        "DescribeAlarmsForMetric" => {
            // Neither expressions nor composite alarms, and only the very same dimensions.
            let metrics = alarms.iter().filter(|alarm| alarm.kind == AlarmKind::Metric).map(described);
            let is_same = |alarm: &Value| {
                let dimensions = request.get("Dimensions").cloned().unwrap_or_else(|| json!([]));
                ["MetricName", "Namespace"].iter().all(|field| alarm[*field] == request[*field])
                    && alarm["Dimensions"] == dimensions
            };
            Ok(json!({"MetricAlarms": metrics.filter(is_same).collect::<Vec<_>>()}))
        }
        "DescribeAlarms" => {
            const KNOWN: [&str; 3] = ["AlarmTypes", "MaxRecords", "NextToken"];
            if request.as_object().into_iter().flatten().any(|(field, _)| !KNOWN.contains(&field.as_str())) {
                return Err(ServiceError::new(400, "ValidationError", "the tests expect every alarm to be asked for"));
            }
            // Without a type there are metric alarms alone.
            let types = request.get("AlarmTypes").cloned().unwrap_or_else(|| json!(["MetricAlarm"]));
            let is_asked = |alarm: &&Alarm| {
                let kind = if alarm.kind == AlarmKind::Composite { "CompositeAlarm" } else { "MetricAlarm" };
                types.as_array().is_some_and(|types| types.iter().any(|asked| asked == kind))
            };
            let page = ALARMS.of(state, &request, alarms.iter().filter(is_asked).map(described).collect())?;
            let alarms = page["Alarms"].as_array().cloned().unwrap_or_default();
            let (composite, metric): (Vec<_>, Vec<_>) =
                alarms.into_iter().partition(|alarm| alarm.get("AlarmRule").is_some());
            let mut answer = json!({"MetricAlarms": metric, "CompositeAlarms": composite});
            if let Some(token) = page.get("NextToken") {
                answer["NextToken"] = token.clone();
            }
            Ok(answer)
        }
        _ => Err(ServiceError::unknown_operation("cloudwatch", operation)),
    }
}

fn describe(alarm: &Alarm, account: &str) -> Value {
    let described = json!({
        "AlarmName": alarm.name,
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:{account}:alarm:{}", alarm.name),
        "ActionsEnabled": alarm.actions_enabled,
        "AlarmActions": alarm.actions,
        "OKActions": [],
        "InsufficientDataActions": [],
        "StateValue": alarm.state
    });
    let dimensions = json!([{"Name": "Currency", "Value": "USD"}]);
    let metric = json!({"Namespace": "AWS/Billing", "MetricName": alarm.metric, "Dimensions": dimensions});
    let fields = match alarm.kind {
        AlarmKind::Metric => {
            let rest = json!({"Statistic": "Maximum", "Period": 21_600, "EvaluationPeriods": 1, "Threshold": 1000.1});
            merged(metric, rest)
        }
        AlarmKind::Expression => {
            let stat = json!({"Metric": metric, "Period": 21_600, "Stat": "Maximum"});
            json!({"EvaluationPeriods": 1, "Threshold": 1000.1, "Metrics": [
                {"Id": "charges", "MetricStat": stat, "ReturnData": false},
                {"Id": "rate", "Expression": "RATE(charges)", "ReturnData": true}
            ]})
        }
        AlarmKind::Composite => json!({"AlarmRule": "ALARM(charges)"}),
    };
    merged(described, fields)
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

/// An answer, which is here in JSON, or an error in CBOR; the error's code also as the protocol before this one had it.
pub(crate) fn word(result: Result<String, ServiceError>) -> Response<Full<Bytes>> {
    let (status, body, code) = match result {
        Ok(body) => (200, serde_json::from_str(&body).expect("an answer is JSON"), None),
        Err(error) => {
            let kind = format!("com.amazonaws.cloudwatch#{}", error.code);
            let sender = if error.status < 500 { "Sender" } else { "Receiver" };
            let body = json!({"__type": kind, "message": error.message});
            (error.status, body, format!("{};{sender}", error.code).parse().ok())
        }
    };
    let mut bytes = Vec::new();
    ciborium::into_writer(&body, &mut bytes).expect("JSON in CBOR");
    let mut response = response(status, "application/cbor", bytes);
    response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor".parse().expect("a header"));
    if let Some(code) = code {
        response.headers_mut().insert("x-amzn-query-error", code);
    }
    response
}
