//! EventBridge's rules with their targets, the way of a canary through them, and EventBridge Scheduler's schedules: those of the
//! function's stack.

use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::server::State;

/// The function's own Region.
const HOME: &str = "eu-west-1";
const RULES: [(&str, &str); 2] =
    [("rootwatch-root", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), ("rootwatch-tampering", "ENABLED")];

/// `ListRules` of the default bus in `region`.
pub(crate) fn list_rules(state: &State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    let prefix = request["NamePrefix"].as_str().unwrap_or_default();
    if request.get("EventBusName").is_some() {
        return Err(ServiceError::new(400, "ResourceNotFoundException", "Event bus does not exist."));
    }
    let rules = RULES.iter().filter(|(name, _)| name.starts_with(prefix)).filter_map(|(name, usual)| {
        let state_of_it = state_of(state, name, usual, region)?;
        let arn = format!("arn:aws:events:{region}:{}:rule/{name}", state.story.account);
        Some(json!({"Name": name, "Arn": arn, "EventBusName": "default", "State": state_of_it}))
    });
    Ok(json!({"Rules": rules.collect::<Vec<_>>()}))
}

/// `ListTargetsByRule` of the default bus in `region`.
pub(crate) fn list_targets(state: &State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    let name = request["Rule"].as_str().unwrap_or_default();
    let is_there = RULES.iter().any(|(rule, usual)| *rule == name && state_of(state, name, usual, region).is_some());
    if !is_there {
        let what = format!("Rule {name} does not exist on EventBus default.");
        return Err(ServiceError::new(400, "ResourceNotFoundException", what));
    }
    let made = if region == HOME {
        json!({"Id": "queue", "Arn": state.story.queue_arn()})
    } else {
        let bus = format!("arn:aws:events:{HOME}:{}:event-bus/default", state.story.account);
        json!({"Id": "home", "Arn": bus, "RoleArn": state.story.forwarder_arn()})
    };
    let targets = match target_of(state, name, region) {
        None => Vec::new(),
        Some(arn) if arn.is_empty() => vec![made],
        Some(arn) => vec![json!({"Id": made["Id"], "Arn": arn})],
    };
    Ok(json!({"Targets": targets}))
}

/// `PutEvents` on the default bus in `region`: what of it arrives in the queue at home is the key and the body of an item.
pub(crate) fn put_events(
    state: &mut State,
    region: &str,
    request: &Value,
) -> Result<(Value, Option<Value>), ServiceError> {
    let entries = request["Entries"].as_array().cloned().unwrap_or_default();
    let [entry] = entries.as_slice() else {
        return Err(ServiceError::new(400, "ValidationException", "the tests expect one entry"));
    };
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    if text("Source").starts_with("aws.") {
        let refused =
            json!({"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."});
        return Ok((json!({"FailedEntryCount": 1, "Entries": [refused]}), None));
    }
    let detail: Value = serde_json::from_str(text("Detail"))
        .map_err(|_| ServiceError::new(400, "ValidationException", "Detail is no JSON"))?;
    let event = json!({"version": "0", "id": "00000000-0000-4000-8000-0000000000ca", "detail-type": text("DetailType"),
        "source": text("Source"), "account": state.story.account, "region": region, "detail": detail});
    let passes = |region: &str| {
        let (rule, usual) = RULES[0];
        state_of(state, rule, usual, region).is_some_and(|it| it != "DISABLED")
            && target_of(state, rule, region).as_deref() == Some("")
    };
    let is_lost = state.story.watch.get(&format!("canary in {region}")) == Some(&None);
    let arrives = passes(region) && passes(HOME) && !is_lost;
    let sent_at: Option<jiff::Timestamp> = detail["sent_at"].as_str().and_then(|at| at.parse().ok());
    let item = sent_at.filter(|_| arrives).map(|sent_at| {
        let body = json!({"sent_at": sent_at, "seconds": 2}).to_string();
        json!({"pk": {"S": format!("A#{}", state.story.account)}, "sk": {"S": format!("K#{region}")},
            "body": {"S": body}, "sent": {"N": sent_at.as_millisecond().to_string()}})
    });
    state.events.push(event);
    Ok((json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}), item))
}

fn state_of(state: &State, name: &str, usual: &str, region: &str) -> Option<String> {
    find(state, &format!("rule {name} in {region}"), Some(usual))
}

/// `None`: it was removed; empty: as the template makes it; else where it leads now.
fn target_of(state: &State, name: &str, region: &str) -> Option<String> {
    find(state, &format!("target of rule {name} in {region}"), Some(""))
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
