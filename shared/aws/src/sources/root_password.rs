//! When root's password was last changed, by CloudTrail's event history: asked where the credential report does not say.
//!
//! The pace is the scan's, see [`root_events`](super::root_events): both draw on the same two requests a second of a Region.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::LookupAttributeKey;
use facts::root_activity::{Kind, RootActivity};
use facts::span::Span;
use facts::{Account, Source, Unavailable};
use jiff::{SignedDuration, Timestamp};

use crate::sources::root_events::{Pace, look_up, trail_event};

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["cloudtrail:LookupEvents"];

/// How far back CloudTrail's event history reaches
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html>).
const HISTORY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Events by which a password changes: at the console, through IAM, and by "forgot password".
const CHANGES: [&str; 3] = ["PasswordUpdated", "PasswordRecoveryCompleted", "ChangePassword"];

/// How reading it is called in `region`.
pub(crate) fn operation(region: &str) -> String {
    format!("cloudtrail:LookupEvents in {region}")
}

/// The newest change of root's own password that succeeded, of the 90 days before `now`, as `region` recorded it; `None`: none.
/// One look-up an event name at least; each stops at the first page that holds a change, and the next ones look only at what is newer.
///
/// # Errors
/// When any look-up failed: the newest change may be among what it did not show.
pub async fn last_change(
    (client, pace): (&Client, &Pace),
    account: &Account,
    region: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Unavailable> {
    let failed = |cause| Unavailable { source: Source::RootPasswordChange, operation: operation(region), cause };
    let mut newest = None;
    for name in CHANGES {
        let oldest = now.checked_sub(HISTORY).unwrap_or(Timestamp::MIN);
        let span = Span { since: newest.unwrap_or(oldest), until: now };
        let mut token = None;
        loop {
            pace.turn().await;
            let page = look_up(client, (LookupAttributeKey::EventName, name), &span, token).await.map_err(failed)?;
            let events = page.events().iter().map(|event| trail_event(event, region));
            let changed = events.filter_map(|event| change(RootActivity::classify(&event, account, None)?)).max();
            newest = newest.max(changed);
            token = page.next_token().map(str::to_owned);
            if changed.is_some() || token.is_none() {
                break;
            }
        }
    }
    Ok(newest)
}

/// When `act` gave root a new password; `None` where it did not, or where it is unknown: a record that cannot be read may be of an
/// attempt that failed.
fn change(act: RootActivity) -> Option<Timestamp> {
    let is_change = matches!(act.kind, Kind::PasswordChanged | Kind::PasswordRecoveryCompleted);
    act.time.filter(|_| is_change && act.error.is_none() && act.details_readable)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use aws_sdk_cloudtrail::error::ErrorMetadata;
    use aws_sdk_cloudtrail::operation::lookup_events::{LookupEventsError, LookupEventsOutput};
    use aws_sdk_cloudtrail::types::Event;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use facts::{AccountId, Partition};
    use tokio::time::Instant;

    use super::*;

    const UPDATED: &str = include_str!("../../../facts/samples/records/12-root-password-updated-signin.json");
    const CHANGED: &str = include_str!("../../../facts/samples/records/13-root-change-password-iam.json");
    const RECOVERED: &str = include_str!("../../../facts/samples/records/15-root-password-recovery-completed.json");

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// `record` as if it had happened at `at`.
    fn event(record: &str, at: &str) -> Event {
        let record = record.replace("2026-11-20T09:15:31Z", at);
        assert!(record.contains(at));
        Event::builder().username("root").cloud_trail_event(record).build()
    }

    fn page(events: Vec<Event>, next: Option<&str>) -> LookupEventsOutput {
        LookupEventsOutput::builder().set_events(Some(events)).set_next_token(next.map(str::to_owned)).build()
    }

    async fn read(rules: &[&Rule]) -> Result<Option<Timestamp>, Unavailable> {
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, rules);
        let id = AccountId::parse("111122223333").expect("an id");
        let account = Account { id, alias: None, partition: Partition::Aws };
        last_change((&client, &Pace::default()), &account, "us-east-1", time("2026-11-21T00:00:00Z")).await
    }

    /// Answers by the name of the event that is looked up.
    async fn read_of(answer: impl Fn(&str) -> Vec<Event> + Send + Sync + 'static) -> Option<Timestamp> {
        let rule = mock!(Client::lookup_events)
            .then_compute_output(move |request| page(answer(request.lookup_attributes()[0].attribute_value()), None));
        read(&[&rule]).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_of_all_changes_counts_and_later_look_ups_ask_only_for_newer_ones() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let rule = mock!(Client::lookup_events).then_compute_output(move |request| {
            let attribute = &request.lookup_attributes()[0];
            assert_eq!(attribute.attribute_key(), &LookupAttributeKey::EventName);
            let days = (request.end_time().unwrap().secs() - request.start_time().unwrap().secs()) / 86_400;
            seen.lock().expect("one thread").push((attribute.attribute_value().to_owned(), days));
            match attribute.attribute_value() {
                "PasswordUpdated" => page(vec![event(UPDATED, "2026-11-11T00:00:00Z")], Some("older")),
                "PasswordRecoveryCompleted" => page(vec![event(RECOVERED, "2026-11-16T00:00:00Z")], None),
                _ => page(vec![event(CHANGED, "2026-11-12T00:00:00Z")], None),
            }
        });
        assert_eq!(read(&[&rule]).await.unwrap(), Some(time("2026-11-16T00:00:00Z")));
        let expected = [("PasswordUpdated", 90), ("PasswordRecoveryCompleted", 10), ("ChangePassword", 5)];
        let asked = asked.lock().expect("one thread").clone();
        assert_eq!(asked, expected.map(|(name, days)| (name.to_owned(), days)));
    }

    #[tokio::test(start_paused = true)]
    async fn each_kind_of_change_counts_alone() {
        for (record, name) in
            [(UPDATED, "PasswordUpdated"), (RECOVERED, "PasswordRecoveryCompleted"), (CHANGED, "ChangePassword")]
        {
            let found = read_of(
                move |asked| {
                    if asked == name { vec![event(record, "2026-11-16T00:00:00Z")] } else { Vec::new() }
                },
            );
            assert_eq!(found.await, Some(time("2026-11-16T00:00:00Z")), "{name}");
        }
        assert_eq!(read_of(|_| Vec::new()).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_what_a_user_did_and_what_cannot_be_read_is_no_change() {
        let failed =
            CHANGED.replacen("\"eventVersion\"", "\"errorCode\": \"PasswordPolicyViolation\", \"eventVersion\"", 1);
        let by_user = CHANGED.replace("\"Root\"", "\"IAMUser\"");
        for record in [failed, by_user] {
            assert_ne!(record, CHANGED);
            assert_eq!(read_of(move |_| vec![event(&record, "2026-11-16T00:00:00Z")]).await, None);
        }
        let bare = || {
            let time = aws_smithy_types::DateTime::from_secs(1_763_000_000);
            Event::builder().event_name("ChangePassword").username("root").event_time(time).build()
        };
        assert_eq!(read_of(move |_| vec![bare()]).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_read_until_one_holds_a_change_and_the_pace_is_kept() {
        let rule = mock!(Client::lookup_events).then_compute_output(|request| {
            let is_asked = request.lookup_attributes()[0].attribute_value() == "ChangePassword";
            match request.next_token() {
                None if is_asked => {
                    page(vec![event(&CHANGED.replace("\"Root\"", "\"IAMUser\""), "2026-11-16T00:00:00Z")], Some("1"))
                }
                Some("1") => page(vec![event(CHANGED, "2026-11-15T00:00:00Z")], Some("2")),
                _ => page(Vec::new(), None),
            }
        });
        let started = Instant::now();
        assert_eq!(read(&[&rule]).await.unwrap(), Some(time("2026-11-15T00:00:00Z")));
        assert_eq!(rule.num_calls(), 4, "the page after the change is not asked for");
        assert!(started.elapsed() >= Duration::from_millis(3 * 550), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_reported_even_if_a_change_was_found_before() {
        let first = mock!(Client::lookup_events)
            .match_requests(|request| request.lookup_attributes()[0].attribute_value() == "PasswordUpdated")
            .then_output(|| page(vec![event(UPDATED, "2026-11-16T00:00:00Z")], None));
        let then = mock!(Client::lookup_events)
            .then_error(|| LookupEventsError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert_eq!(
            read(&[&first, &then]).await.unwrap_err().to_string(),
            "history of root's password: cloudtrail:LookupEvents in us-east-1 was denied (AccessDeniedException)"
        );
    }
}
