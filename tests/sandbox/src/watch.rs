//! EventBridge's rules and EventBridge Scheduler's schedules: those of the function's stack.

use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::server::State;

/// `DescribeRule` of the default bus in `region`.
pub(crate) fn describe_rule(state: &State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    let name = request["Name"].as_str().unwrap_or_default();
    if request.get("EventBusName").is_some() {
        return Err(ServiceError::new(400, "ResourceNotFoundException", "Event bus does not exist."));
    }
    let usual = match name {
        "rootwatch-root" => Some("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
        "rootwatch-tampering" => Some("ENABLED"),
        _ => None,
    };
    let rule = format!("rule {name} in {region}");
    let what = format!("Rule {name} does not exist on EventBus default.");
    let state_of_it =
        find(state, &rule, usual).ok_or_else(|| ServiceError::new(400, "ResourceNotFoundException", what))?;
    let arn = format!("arn:aws:events:{region}:{}:rule/{name}", state.story.account);
    Ok(json!({"Name": name, "Arn": arn, "EventBusName": "default", "State": state_of_it}))
}

/// `GetSchedule` by the path and query of the request; the stack's schedule is in the function's Region.
pub(crate) fn get_schedule(state: &State, region: &str, path: &str) -> Result<Value, ServiceError> {
    let name = path.strip_prefix("/schedules/").and_then(|rest| rest.strip_suffix("?groupName=default"));
    let name =
        name.ok_or_else(|| ServiceError::new(400, "ValidationException", "the tests expect the group `default`"))?;
    let usual = (name == "rootwatch-schedule" && region == "eu-west-1").then_some("ENABLED");
    let what = format!("Schedule {name} does not exist.");
    let state_of_it = find(state, &format!("schedule {name}"), usual)
        .ok_or_else(|| ServiceError::new(404, "ResourceNotFoundException", what))?;
    Ok(json!({"Name": name, "GroupName": "default", "State": state_of_it, "ScheduleExpression": "rate(15 minutes)"}))
}

fn find(state: &State, name: &str, usual: Option<&str>) -> Option<String> {
    let usual = usual.map(str::to_owned);
    state.story.watch.get(name).cloned().unwrap_or(usual)
}
