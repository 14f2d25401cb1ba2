//! What was done in sessions that root issued by `GetFederationToken`.
//!
//! CloudTrail names the federated user there, so no look-up of root finds it; its access key does, which the call that issued the
//! session names. Such a session of root lasts an hour at most
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>). Without one, nothing is asked here.

use std::collections::BTreeMap;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::LookupAttributeKey;
use facts::record::TrailEvent;
use facts::root_activity::RootActivity;
use facts::snapshot::RegionSweep;
use facts::source::Cause;
use facts::span::Span;
use facts::{Account, Source, Unavailable};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout_at};

use crate::sources::root_events::{Pace, is_refused_token, look_up, trail_event};

/// How long such a session lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(1);
/// Most sessions that are followed; each is a look-up in every Region.
const MOST: usize = 4;
/// Most pages of 50 events of one session in one Region.
const MOST_PAGES: usize = 4;

/// Sessions to be followed, by access key, and how many are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    followed: BTreeMap<String, Span>,
    left_out: usize,
}

impl Sessions {
    /// The newest sessions that `acts` show.
    pub fn of<'a>(acts: impl IntoIterator<Item = &'a RootActivity>, now: Timestamp) -> Self {
        let mut spans: BTreeMap<String, Span> = BTreeMap::new();
        let mut lost = 0;
        for act in acts {
            lost += act.issued_keys_lost();
            let (Some(key), Some(at)) = (act.issued_key(), act.time) else { continue };
            // An act in the session may lie anywhere in it, the call that issued it at its begin.
            let since = if act.federated_user.is_some() { at.checked_sub(LASTS).unwrap_or(at) } else { at };
            let until = at.checked_add(LASTS).unwrap_or(at).min(now);
            let span = spans.entry(key.to_owned()).or_insert(Span { since, until });
            *span = Span { since: span.since.min(since), until: span.until.max(until) };
        }
        let mut newest: Vec<_> = spans.into_iter().filter(|(_, span)| span.since < span.until).collect();
        newest.sort_by_key(|(_, span)| std::cmp::Reverse(span.until));
        let left_out = newest.len().saturating_sub(MOST) + lost;
        Self { followed: newest.into_iter().take(MOST).collect(), left_out }
    }

    /// Whether there is nothing to follow, and nothing left out.
    pub fn is_empty(&self) -> bool {
        self.followed.is_empty() && self.left_out == 0
    }

    /// What was done in them in the Region of `sweep`, which notes what could not be seen.
    pub async fn follow(
        &self,
        (client, pace): (&Client, &Pace),
        account: &Account,
        own: &[String],
        sweep: &mut RegionSweep,
        deadline: Instant,
    ) -> Vec<RootActivity> {
        let classify = |event: &TrailEvent| RootActivity::classify(event, account, own.iter().map(String::as_str));
        let mut acts = Vec::new();
        let mut cause = (self.left_out > 0).then(|| Cause::Malformed {
            detail: format!("root issued {} more sessions than are followed", self.left_out),
        });
        for (key, span) in &self.followed {
            let events = events((client, pace), &sweep.region, (key.as_str(), span), deadline).await;
            acts.extend(events.0.iter().filter_map(classify));
            cause = events.1.or(cause);
        }
        if let Some(cause) = cause.filter(|_| sweep.incomplete.is_none()) {
            let operation = format!("cloudtrail:LookupEvents by access key in {}", sweep.region);
            sweep.incomplete = Some(Unavailable { source: Source::RootEvents, operation, cause });
        }
        acts
    }
}

/// The events signed by `key`, newest first, and why there may be more.
async fn events(
    (client, pace): (&Client, &Pace),
    region: &str,
    (key, span): (&str, &Span),
    deadline: Instant,
) -> (Vec<TrailEvent>, Option<Cause>) {
    let (mut events, mut token): (Vec<TrailEvent>, Option<String>) = (Vec::new(), None);
    let (mut pages, mut began_again) = (0, false);
    while pages < MOST_PAGES {
        let page = async {
            pace.turn().await;
            look_up(client, (LookupAttributeKey::AccessKeyId, key), span, token.clone()).await
        };
        match timeout_at(deadline, page).await.unwrap_or(Err(Cause::OutOfTime)) {
            Ok(page) => {
                events.extend(page.events().iter().map(|event| trail_event(event, region)));
                token = page.next_token().map(str::to_owned);
                pages += 1;
            }
            // Once, from the beginning, as a look-up of root begins again.
            Err(cause) if token.is_some() && !began_again && is_refused_token(&cause) => {
                (token, pages, began_again) = (None, 0, true);
                events.clear();
                continue;
            }
            Err(cause) => return (events, Some(cause)),
        }
        if token.is_none() {
            return (events, None);
        }
    }
    let detail = format!("a session that root issued has more than {} events", events.len());
    (events, Some(Cause::Malformed { detail }))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput;
    use aws_sdk_cloudtrail::types::Event;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use facts::root_activity::{Effect, Kind};
    use facts::{AccountId, Partition};

    use super::*;

    fn account() -> Account {
        let id = AccountId::parse("111122223333").expect("an id");
        Account { id, alias: None, partition: Partition::Aws }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// The call that issues the session of `key` at `at`.
    fn issued(key: &str, at: &str) -> RootActivity {
        let record = serde_json::json!({
            "eventID": format!("issued-{key}"), "eventName": "GetFederationToken", "eventSource": "sts.amazonaws.com",
            "eventTime": at, "awsRegion": "us-east-1", "userIdentity": {"type": "Root"}, "requestParameters": {"name": "bob"},
            "responseElements": {"credentials": {"accessKeyId": key}, "federatedUser": {"arn": "arn"}},
        });
        let event = TrailEvent { record: Some(record.to_string()), ..TrailEvent::default() };
        RootActivity::classify(&event, &account(), None).expect("root's")
    }

    fn used(id: usize) -> Event {
        let record = serde_json::json!({
            "eventID": format!("used-{id}"), "eventName": "DeleteBucket", "eventSource": "s3.amazonaws.com", "awsRegion": "eu-west-1",
            "eventTime": "2026-11-20T09:30:00Z",
            "userIdentity": {
                "type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/bob", "accessKeyId": "ASIAEXAMPLE000000001",
                "sessionContext": {"sessionIssuer": {"type": "Root"}},
            },
        });
        Event::builder().username("bob").cloud_trail_event(record.to_string()).build()
    }

    async fn follow(sessions: &Sessions, rule: &Rule) -> (Vec<RootActivity>, RegionSweep) {
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [rule]);
        let mut sweep = RegionSweep {
            region: "eu-west-1".into(),
            incomplete: None,
            covered: Vec::new(),
            covered_sign_ins: Vec::new(),
        };
        let deadline = Instant::now() + std::time::Duration::from_secs(60);
        let acts = sessions.follow((&client, &Pace::default()), &account(), &[], &mut sweep, deadline).await;
        (acts, sweep)
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_root_issued_is_followed_by_its_key_for_the_hour_that_it_lasts() {
        let act = issued("ASIAEXAMPLE000000001", "2026-11-20T09:00:00Z");
        assert_eq!((act.kind, act.effect), (Kind::WriteCall, Some(Effect::SessionIssued)));
        let sessions = Sessions::of([&act], time("2026-11-20T12:00:00Z"));
        let rule = mock!(Client::lookup_events).then_compute_output(|request| {
            let attribute = &request.lookup_attributes()[0];
            assert_eq!(attribute.attribute_key(), &LookupAttributeKey::AccessKeyId);
            assert_eq!(attribute.attribute_value(), "ASIAEXAMPLE000000001");
            let (from, to) = (request.start_time().unwrap().secs(), request.end_time().unwrap().secs());
            assert_eq!((from, to - from), (time("2026-11-20T09:00:00Z").as_second(), 3_600));
            LookupEventsOutput::builder().events(used(1)).build()
        });
        let (acts, sweep) = follow(&sessions, &rule).await;
        assert_eq!((acts.len(), acts[0].federated_user.as_deref(), sweep.incomplete), (1, Some("bob"), None));
        // Of an act in a session the key is known too: of one that came by another way.
        let known = Sessions::of(&acts, time("2026-11-20T12:00:00Z"));
        assert_eq!(known.followed.keys().collect::<Vec<_>>(), ["ASIAEXAMPLE000000001"]);
    }

    #[test]
    fn where_root_issued_no_session_nothing_is_asked() {
        let mut refused = issued("ASIAEXAMPLE000000001", "2026-11-20T09:00:00Z");
        refused.effect = None;
        let root = RootActivity {
            event_name: "GetSessionToken".into(),
            ..issued("ASIAEXAMPLE000000001", "2026-11-20T09:00:00Z")
        };
        let odd = issued("*", "2026-11-20T09:00:00Z");
        let sessions = Sessions::of([&refused, &root, &odd], time("2026-11-20T12:00:00Z"));
        assert!(sessions.is_empty() && sessions.left_out == 0, "{sessions:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_refused_begins_the_look_up_of_a_session_again_once() {
        let page = |number, next: Option<&str>| {
            LookupEventsOutput::builder().events(used(number)).set_next_token(next.map(str::to_owned)).build()
        };
        let refused = || {
            let code = aws_sdk_cloudtrail::error::ErrorMetadata::builder().code("InvalidNextTokenException").build();
            aws_sdk_cloudtrail::operation::lookup_events::LookupEventsError::generic(code)
        };
        let act = issued("ASIAEXAMPLE000000001", "2026-11-20T09:00:00Z");
        let sessions = Sessions::of([&act], time("2026-11-20T12:00:00Z"));
        let once = mock!(Client::lookup_events)
            .sequence()
            .output(move || page(1, Some("2")))
            .error(refused)
            .output(move || page(1, Some("2")))
            .output(move || page(2, None))
            .build();
        let (acts, sweep) = follow(&sessions, &once).await;
        assert_eq!((acts.len(), sweep.incomplete), (2, None));
        let twice = mock!(Client::lookup_events)
            .sequence()
            .output(move || page(1, Some("2")))
            .error(refused)
            .output(move || page(1, Some("2")))
            .error(refused)
            .build();
        let (acts, sweep) = follow(&sessions, &twice).await;
        assert!(acts.len() == 1 && sweep.incomplete.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_whose_keys_a_flood_left_no_room_for_are_counted_as_left_out() {
        let flood = (0..1_000).map(|number| {
            let (minute, second) = (number / 60, number % 60);
            issued(&format!("ASIAEXAMPLE{number:09}"), &format!("2026-11-20T09:{minute:02}:{second:02}Z"))
        });
        let acts = facts::root_activity::gather(flood.collect());
        let sessions = Sessions::of(&acts, time("2026-11-20T12:00:00Z"));
        assert_eq!(sessions.followed.len() + sessions.left_out, 1_000);
        let lost: Vec<_> = acts.into_iter().filter(|act| act.folded.is_some()).collect();
        let sessions = Sessions::of(&lost, time("2026-11-20T12:00:00Z"));
        assert!(!sessions.is_empty(), "what is left out is said");
        let none = mock!(Client::lookup_events).then_output(|| LookupEventsOutput::builder().build());
        let (_, sweep) = follow(&sessions, &none).await;
        assert!(sweep.incomplete.unwrap().to_string().contains("more sessions than are followed"));
    }

    #[tokio::test(start_paused = true)]
    async fn many_sessions_and_many_events_are_bounded_and_what_is_left_out_is_said() {
        let acts = (1..=MOST + 3)
            .map(|number| issued(&format!("ASIAEXAMPLE00000000{number}"), &format!("2026-11-20T0{number}:00:00Z")));
        let acts: Vec<_> = acts.collect();
        let sessions = Sessions::of(&acts, time("2026-11-20T12:00:00Z"));
        let newest: Vec<_> = sessions.followed.keys().map(String::as_str).collect();
        assert_eq!(
            newest,
            ["ASIAEXAMPLE000000004", "ASIAEXAMPLE000000005", "ASIAEXAMPLE000000006", "ASIAEXAMPLE000000007"]
        );
        let none = mock!(Client::lookup_events).then_output(|| LookupEventsOutput::builder().build());
        let (_, sweep) = follow(&sessions, &none).await;
        assert_eq!(
            sweep.incomplete.unwrap().to_string(),
            "root events: cloudtrail:LookupEvents by access key in eu-west-1 gave an answer that cannot be used: root issued 3 more sessions than are followed"
        );
        let endless = mock!(Client::lookup_events).then_compute_output(|_| {
            LookupEventsOutput::builder().set_events(Some((0..50).map(used).collect())).next_token("next").build()
        });
        let (acts, sweep) = follow(&Sessions::of(&acts[..1], time("2026-11-20T12:00:00Z")), &endless).await;
        assert_eq!((acts.len(), endless.num_calls()), (50 * MOST_PAGES, MOST_PAGES));
        assert!(sweep.incomplete.unwrap().to_string().ends_with("has more than 200 events"));
    }
}
