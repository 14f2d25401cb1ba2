//! Root's events of a span, by CloudTrail's event history: free, without a trail, Region by Region.
//!
//! The service allows two requests a second in each Region
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>); the pace is kept here, not left to
//! retries. Regions do not share it, so they are read side by side.

use std::time::Duration;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;
use checklist::root_activity::{RootActivity, TrailEvent};
use checklist::snapshot::{Cause, RegionSweep};
use checklist::{Account, Source, Unavailable};
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::failure;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["cloudtrail:LookupEvents"];

/// Time between two requests in a Region: two a second, and a little for the clocks.
const PACE: Duration = Duration::from_millis(550);
/// Largest page that CloudTrail gives.
const PAGE: i32 = 50;

/// What one Region told.
#[derive(Debug)]
pub struct Swept {
    /// How far it was read.
    pub sweep: RegionSweep,
    /// Root's activity, unordered and with repeats.
    pub activity: Vec<RootActivity>,
}

/// Looks up root's events of `region` from `since` to `until`, both inclusive. What was read before a failure is kept.
pub async fn sweep(
    client: &Client,
    account: &Account,
    region: &str,
    (since, until): (Timestamp, Timestamp),
    deadline: Instant,
) -> Swept {
    let mut attributes = vec![(LookupAttributeKey::Username, "root")];
    // Root of an account with an alias may be looked up by the alias; sign-ins are found by their service all the same.
    if account.partition.sign_in_regions().contains(&region) {
        attributes.push((LookupAttributeKey::EventSource, "signin.amazonaws.com"));
    }
    let mut swept = Swept { sweep: RegionSweep { region: region.into(), incomplete: None }, activity: Vec::new() };
    let mut next_request = Instant::now();
    for (key, value) in attributes {
        let mut token = None;
        loop {
            sleep_until(next_request.min(deadline)).await;
            if Instant::now() >= deadline {
                return incomplete(swept, Cause::OutOfTime);
            }
            next_request = Instant::now() + PACE;
            let page = match timeout_at(deadline, page(client, &key, value, (since, until), token)).await {
                Ok(Ok(page)) => page,
                Ok(Err(cause)) => return incomplete(swept, cause),
                Err(_) => return incomplete(swept, Cause::OutOfTime),
            };
            for event in page.events() {
                swept.activity.extend(RootActivity::classify(&trail_event(event, region), account));
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
    }
    swept
}

fn incomplete(mut swept: Swept, cause: Cause) -> Swept {
    let operation = format!("cloudtrail:LookupEvents in {}", swept.sweep.region);
    swept.sweep.incomplete = Some(Unavailable { source: Source::RootEvents, operation, cause });
    swept
}

async fn page(
    client: &Client,
    key: &LookupAttributeKey,
    value: &str,
    (since, until): (Timestamp, Timestamp),
    token: Option<String>,
) -> Result<aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput, Cause> {
    let attribute = LookupAttribute::builder()
        .attribute_key(key.clone())
        .attribute_value(value)
        .build()
        .map_err(|error| Cause::Malformed { detail: error.to_string() })?;
    client
        .lookup_events()
        .lookup_attributes(attribute)
        .start_time(DateTime::from_secs(since.as_second()))
        .end_time(DateTime::from_secs(until.as_second()))
        .max_results(PAGE)
        .set_next_token(token)
        .send()
        .await
        .map_err(|error| failure::cause(&error))
}

fn trail_event(event: &Event, region: &str) -> TrailEvent {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    TrailEvent {
        event_id: owned(event.event_id()),
        event_name: owned(event.event_name()),
        event_source: owned(event.event_source()),
        time: event.event_time().and_then(crate::timestamp),
        username: owned(event.username()),
        read_only: event.read_only().and_then(|text| text.parse().ok()),
        access_key_id: owned(event.access_key_id()),
        region: region.to_owned(),
        record: owned(event.cloud_trail_event()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_sdk_cloudtrail::error::ErrorMetadata;
    use aws_sdk_cloudtrail::operation::lookup_events::{LookupEventsError, LookupEventsOutput};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use checklist::{AccountId, Partition};

    use super::*;

    fn account() -> Account {
        let id = AccountId::parse("111122223333").expect("an id");
        Account { id, alias: None, partition: Partition::Aws }
    }

    fn root_event(id: usize) -> Event {
        let record = include_str!("../../checklist/samples/records/18-root-readonly-list-buckets.json");
        let record = record.replace("00000000-0000-4000-8000-000000000028", &format!("event-{id}"));
        Event::builder().event_id(format!("event-{id}")).username("root").cloud_trail_event(record).build()
    }

    async fn sweep_with(rule: &Rule, region: &str, time_limit: Duration) -> Swept {
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [rule]);
        let span = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24));
        sweep(&client, &account(), region, span, Instant::now() + time_limit).await
    }

    /// `pages` full pages; the next token is the number of the page.
    fn pages(pages: usize) -> Rule {
        mock!(Client::lookup_events).then_compute_output(move |request| {
            let page = request.next_token().map_or(0, |token| token.parse::<usize>().unwrap_or(0));
            let next = (page + 1 < pages).then(|| (page + 1).to_string());
            let events = (page * 50..(page + 1) * 50).map(root_event).collect();
            LookupEventsOutput::builder().set_events(Some(events)).set_next_token(next).build()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn ct_6_ten_thousand_events_are_all_read_and_the_pace_is_kept() {
        let (rule, started) = (pages(200), Instant::now());
        let swept = sweep_with(&rule, "eu-west-1", Duration::from_secs(280)).await;
        assert_eq!((swept.activity.len(), rule.num_calls()), (10_000, 200));
        assert_eq!(swept.sweep.incomplete, None);
        let took = started.elapsed();
        assert!(took >= PACE * 199 && took < Duration::from_secs(200), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn ct_8_more_pages_than_time_are_kept_as_far_as_read_and_said() {
        let swept = sweep_with(&pages(200), "eu-west-1", Duration::from_secs(10)).await;
        assert!(!swept.activity.is_empty() && swept.activity.len() < 1_500, "{}", swept.activity.len());
        let incomplete = swept.sweep.incomplete.unwrap();
        assert_eq!(
            incomplete.to_string(),
            "root events: cloudtrail:LookupEvents in eu-west-1 was cut short by the end of this run"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_has_one_attribute_and_the_largest_page() {
        let attributes = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&attributes);
        let rule = mock!(Client::lookup_events).then_compute_output(move |request| {
            assert_eq!((request.max_results(), request.lookup_attributes().len()), (Some(50), 1));
            assert_eq!(request.start_time().map(DateTime::secs), Some(0));
            assert_eq!(request.end_time().map(DateTime::secs), Some(86_400));
            let attribute = &request.lookup_attributes()[0];
            seen.lock().expect("one thread").push(format!(
                "{}={}",
                attribute.attribute_key(),
                attribute.attribute_value()
            ));
            LookupEventsOutput::builder().build()
        });
        sweep_with(&rule, "eu-west-1", Duration::from_secs(10)).await;
        sweep_with(&rule, "us-west-2", Duration::from_secs(10)).await;
        let attributes = attributes.lock().expect("one thread").clone();
        assert_eq!(attributes, ["Username=root", "Username=root", "EventSource=signin.amazonaws.com"]);
    }

    #[tokio::test(start_paused = true)]
    async fn ct_8_events_before_a_failure_are_kept() {
        let calls = AtomicUsize::new(0);
        let rule = mock!(Client::lookup_events)
            .sequence()
            .output(move || {
                let event = root_event(calls.fetch_add(1, Ordering::Relaxed));
                LookupEventsOutput::builder().events(event).next_token("next").build()
            })
            .error(|| LookupEventsError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()))
            .build();
        let swept = sweep_with(&rule, "eu-west-1", Duration::from_secs(10)).await;
        assert_eq!(swept.activity.len(), 1);
        assert_eq!(swept.sweep.incomplete.unwrap().cause, Cause::Denied { code: "AccessDeniedException".into() });
    }
}
