//! CloudTrail's event history and trails.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::server::State;
use crate::story::{Crowd, Flood, Trail};

/// What events can be looked up by, as far as the events of a story tell it.
const ATTRIBUTES: [&str; 6] = ["AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "Username"];

/// An event that is found: one of the story, or one of a flood or a crowd, which is made when it is shown.
enum Found<'a> {
    Told(&'a Value),
    Made(&'a Flood, usize),
    SignedIn(&'a Crowd, i64),
}

/// `LookupEvents` in `region`: two requests a second, one attribute, 50 a page, newest first, the last 90 days. An event
/// that comes late is not there yet.
pub(crate) fn lookup_events(state: &mut State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    let invalid = |code: &str, what: &str| ServiceError::new(400, code, what);
    state.check_enabled(region)?;
    let recent = state.lookups.entry(region.to_owned()).or_default();
    recent.retain(|at| at.elapsed() < Duration::from_secs(1));
    if recent.len() >= 2 {
        return Err(invalid("ThrottlingException", "Rate exceeded"));
    }
    recent.push(Instant::now());

    let time = |field: &str| {
        let seconds = request.get(field).and_then(Value::as_f64)?;
        Timestamp::from_second(seconds as i64).ok()
    };
    let oldest = state.story.now - SignedDuration::from_hours(90 * 24);
    let since = time("StartTime").unwrap_or(oldest).max(oldest);
    let until = time("EndTime").unwrap_or(state.story.now);
    if since > until {
        return Err(invalid("InvalidTimeRangeException", "StartTime is after EndTime"));
    }
    let size = request.get("MaxResults").map_or(Some(50), Value::as_u64).unwrap_or(0);
    if !(1..=50).contains(&size) {
        return Err(invalid("InvalidMaxResultsException", "MaxResults is 1 to 50"));
    }
    let attributes = request.get("LookupAttributes").and_then(Value::as_array).cloned().unwrap_or_default();
    if attributes.len() > 1 {
        return Err(invalid("InvalidLookupAttributesException", "at most one lookup attribute"));
    }
    let keys = attributes.iter().map(|attribute| attribute["AttributeKey"].as_str().unwrap_or_default());
    if let Some(key) = keys.into_iter().find(|key| !ATTRIBUTES.contains(key)) {
        return Err(invalid("InvalidLookupAttributesException", &format!("no attribute is called `{key}`")));
    }
    let matches = |event: &Value| {
        attributes.iter().all(|attribute| {
            let key = attribute["AttributeKey"].as_str().unwrap_or_default();
            event.get(key) == Some(&attribute["AttributeValue"])
        })
    };
    let story = &state.story;
    let seen = story.events.iter().filter(|event| event.region == region && event.visible_at <= story.now);
    let seen = seen.filter(|event| matches(&event.outer)).map(|event| (event.time, Found::Told(&event.outer)));
    let flood = story.flood.as_ref().filter(|flood| flood.times > 0 && story.regions.iter().any(|name| name == region));
    let flood = flood.filter(|flood| matches(&flood.event(0, region, &story.account)));
    let flooded = flood
        .into_iter()
        .flat_map(|flood| (0..flood.times).map(move |number| (flood.time(number), Found::Made(flood, number))));
    let crowd = story.crowd.as_ref().filter(|crowd| crowd.region == region && matches(&crowd.event(0, &story.account)));
    let signed_in = crowd.into_iter().flat_map(|crowd| {
        let numbers = crowd.between(since, until.min(story.now));
        numbers.map(move |number| (crowd.time(number), Found::SignedIn(crowd, number)))
    });
    let mut events: Vec<_> =
        seen.chain(flooded).chain(signed_in).filter(|(time, _)| (since..=until).contains(time)).collect();
    events.sort_by_key(|(time, _)| std::cmp::Reverse(*time));

    let mut bound = request.clone();
    if let Some(fields) = bound.as_object_mut() {
        fields.remove("NextToken");
    }
    let bound = bound.to_string();
    let start = match request.get("NextToken").and_then(Value::as_str) {
        Some(token) => match token.split_once('|') {
            Some((start, of)) if of == bound => start.parse().unwrap_or(usize::MAX),
            _ => return Err(invalid("InvalidNextTokenException", "the token is of another request")),
        },
        None => 0,
    };
    let size = usize::try_from(size).unwrap_or(50).min(state.story.page_size);
    let page: Vec<Value> = events
        .iter()
        .skip(start)
        .take(size)
        .map(|(_, event)| match event {
            Found::Told(outer) => (*outer).clone(),
            Found::Made(flood, number) => flood.event(*number, region, &story.account),
            Found::SignedIn(crowd, number) => crowd.event(*number, &story.account),
        })
        .collect();
    let mut answer = json!({"Events": page});
    if start + size < events.len() {
        answer["NextToken"] = json!(format!("{}|{bound}", start + size));
    }
    Ok(answer)
}

/// `DescribeTrails` in `region`: its own trails, and copies of those of every Region unless they are not wanted.
pub(crate) fn describe_trails(state: &State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    state.check_enabled(region)?;
    let copies = request.get("includeShadowTrails").and_then(Value::as_bool).unwrap_or(true);
    let account = &state.story.account;
    let is_listed =
        |trail: &&Trail| (trail.home_region == region && !trail.organization) || (trail.multi_region && copies);
    let trails = state.story.trails.iter().filter(is_listed).map(|trail| {
        json!({
            "Name": trail.name,
            "TrailARN": trail.arn(account),
            "HomeRegion": trail.home_region,
            "IsMultiRegionTrail": trail.multi_region,
            "IsOrganizationTrail": trail.organization,
            "IncludeGlobalServiceEvents": true,
            "LogFileValidationEnabled": trail.validates_log_files,
            "S3BucketName": trail.bucket,
            "HasCustomEventSelectors": true,
            "HasInsightSelectors": false,
        })
    });
    Ok(json!({"trailList": trails.collect::<Vec<_>>()}))
}

/// `GetTrailStatus`: in the trail's home Region and by its ARN, which is right for every trail.
pub(crate) fn trail_status(state: &State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    Ok(find_trail(state, region, &request["Name"])?.status.clone())
}

/// `GetEventSelectors`, by the same rule.
pub(crate) fn event_selectors(state: &State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    Ok(find_trail(state, region, &request["TrailName"])?.selectors.clone())
}

fn find_trail<'a>(state: &'a State, region: &str, arn: &Value) -> Result<&'a Trail, ServiceError> {
    state.check_enabled(region)?;
    let is_it = |trail: &&Trail| trail.home_region == region && *arn == trail.arn(&state.story.account);
    let trail = state.story.trails.iter().find(is_it);
    trail.ok_or_else(|| ServiceError::new(400, "TrailNotFoundException", format!("Unknown trail: {arn}")))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use crate::{Sandbox, Story};

    #[tokio::test]
    async fn an_event_that_comes_late_is_not_seen_and_then_seen_by_the_same_look_up() {
        let mut story = Story::load("critical-root-signs-in-without-mfa-and-creates-a-key");
        let hour = SignedDuration::from_hours(1);
        story.events[0].visible_at = story.now + hour;
        let sandbox = Sandbox::start(story.clone()).await;
        let config = sandbox.sdk_config(&aws::client::Limits::default()).await;
        let region = aws_config::Region::new(story.events[0].region.clone());
        let trail = aws_sdk_cloudtrail::Client::new(&config.into_builder().region(region).build());
        let seen = async || trail.lookup_events().send().await.unwrap().events().len();
        assert_eq!(seen().await, 0);
        sandbox.turn_to(story.later(hour));
        assert_eq!(seen().await, 1);
    }
}
