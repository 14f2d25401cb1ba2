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
    /// Events that were not root's.
    pub not_root: u64,
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
    let mut swept =
        Swept { sweep: RegionSweep { region: region.into(), incomplete: None }, activity: Vec::new(), not_root: 0 };
    let mut next_request = Instant::now();
    for (key, value) in attributes {
        let mut token = None;
        loop {
            sleep_until(next_request.min(deadline)).await;
            next_request = Instant::now() + PACE;
            let page = match timeout_at(deadline, page(client, &key, value, (since, until), token)).await {
                Ok(Ok(page)) => page,
                Ok(Err(cause)) => return incomplete(swept, cause),
                Err(_) => return incomplete(swept, Cause::OutOfTime),
            };
            for event in page.events() {
                match RootActivity::classify(&trail_event(event, region), account) {
                    Some(activity) => swept.activity.push(activity),
                    None => swept.not_root += 1,
                }
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
