//! Root's events of a span, by CloudTrail's event history: free, without a trail, Region by Region.
//!
//! The service allows two requests a second in each Region
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>); the pace is kept here, not left to
//! retries. Regions do not share it, so they are read side by side.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;
use facts::record::TrailEvent;
use facts::root_activity::{Pile, RootActivity, other_account};
use facts::snapshot::RegionSweep;
use facts::source::Cause;
use facts::span::Span;
use facts::{Account, Source, Unavailable};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::failure;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["cloudtrail:LookupEvents"];

/// Time between two requests in a Region: two a second, and a little for the clocks.
const PACE: Duration = Duration::from_millis(550);
/// Largest page that CloudTrail gives.
const PAGE: i32 = 50;

/// The pace of one Region: every caller that looks up events there waits for a turn first. Clones share it.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Mutex<Instant>>);

impl Default for Pace {
    /// The first turn comes at once.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Pace {
    /// Waits until the next request may be made. Turns come in the order in which they were asked for, so that two sequences of
    /// requests alternate; who gives up waiting uses up no turn.
    pub(crate) async fn turn(&self) {
        let mut next = self.0.lock().await;
        sleep_until(*next).await;
        // By the clock, not by the plan: a turn that came late does not bring the next one closer.
        *next = Instant::now() + PACE;
    }

    /// Counts from now on. The first request of a Region connects before it arrives, and the next ones do not: without this, three of them
    /// may arrive within a second, and AWS takes two.
    async fn first_is_answered(&self) {
        let mut next = self.0.lock().await;
        *next = (*next).max(Instant::now() + PACE);
    }
}

/// What was read of one Region.
#[derive(Debug)]
pub struct Swept {
    /// How far it was read.
    pub sweep: RegionSweep,
    /// Root's activity, unordered; very many acts are folded.
    pub activity: Vec<RootActivity>,
}

/// What is looked through of a Region.
#[derive(Debug, Clone)]
pub struct Spans {
    /// For root's own events: all of the look-back, as what is remembered is no evidence.
    pub root: Vec<Span>,
    /// For everybody's sign-ins, where they are recorded: others make as many as they like.
    pub sign_ins: Vec<Span>,
}

/// Looks through `spans` of `region` for root's events, newest first. What was read before a failure is kept, and so is how far it
/// reached. `aliases` are what the account is called and was called. For `own` see [`RootActivity::classify`].
pub async fn sweep(
    (client, pace): (&Client, &Pace),
    (account, aliases): (&Account, &BTreeSet<String>),
    own: &[String],
    region: &str,
    spans: &Spans,
    deadline: Instant,
) -> Swept {
    let (mut pile, mut others) = (Pile::default(), 0);
    let mut searches =
        [Search::new(by_name(aliases), &spans.root), Search::at_once(by_service(account, region), &spans.sign_ins)];
    let mut failure = None;
    let (mut goes_on, mut is_first) = (true, true);
    while goes_on && failure.is_none() {
        goes_on = false;
        // By turns, so that very many of one hold up the other by no more than that.
        for search in &mut searches {
            let Some(cursor) = search.next() else { continue };
            goes_on = true;
            let page = if Instant::now() >= deadline {
                Err(Cause::OutOfTime)
            } else {
                let page = async {
                    pace.turn().await;
                    let attribute = (cursor.key.clone(), cursor.value.as_str());
                    look_up(client, attribute, &cursor.rest, cursor.token.clone()).await
                };
                timeout_at(deadline, page).await.unwrap_or(Err(Cause::OutOfTime))
            };
            if std::mem::take(&mut is_first) {
                pace.first_is_answered().await;
            }
            match page {
                Ok(page) => {
                    cursor.pass(&page);
                    let events = page.events().iter().map(|event| trail_event(event, region));
                    pile.extend(events.filter_map(|event| {
                        let act = RootActivity::classify(&event, account, own.iter().map(String::as_str));
                        others += usize::from(act.is_none() && other_account(&event, account).is_some());
                        act
                    }));
                }
                Err(cause) if cursor.begins_again(&cause) => {}
                Err(cause) => {
                    failure = Some(cause);
                    break;
                }
            }
        }
    }
    note_others(region, others);
    let incomplete = failure.map(|cause| {
        let operation = format!("cloudtrail:LookupEvents in {region}");
        Unavailable { source: Source::RootEvents, operation, cause }
    });
    let [covered, covered_sign_ins] = searches.map(Search::into_covered);
    let sweep = RegionSweep { region: region.into(), incomplete, covered, covered_sign_ins };
    Swept { sweep, activity: pile.into_acts() }
}

/// What another account did is none of this one's: one line a Region.
fn note_others(region: &str, others: usize) {
    if others > 0 {
        tracing::warn!(region, others, "left out: events whose records name another account");
    }
}

/// What an event is looked up by: a request takes one attribute
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>), so that none asks for sign-ins of root alone.
type Attribute = (LookupAttributeKey, String);

/// Root of an account with an alias has the alias for `userName`
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>); whether it is looked up
/// by that too, no source shows it.
fn by_name(aliases: &BTreeSet<String>) -> Vec<Attribute> {
    let aliases = aliases.iter().map(String::as_str).filter(|alias| *alias != "root");
    ["root"].into_iter().chain(aliases).map(|name| (LookupAttributeKey::Username, name.to_owned())).collect()
}

/// Sign-ins are found by their service whatever the name.
fn by_service(account: &Account, region: &str) -> Vec<Attribute> {
    let is_recorded = account.partition.sign_in_regions().contains(&region);
    is_recorded.then(|| (LookupAttributeKey::EventSource, "signin.amazonaws.com".to_owned())).into_iter().collect()
}

/// Sequences of requests by several attributes through the same spans, one span after the other.
struct Search<'a> {
    attributes: Vec<Attribute>,
    left: std::slice::Iter<'a, Span>,
    /// From when on the first sequence asks, beyond its span: while there are few events, one page holds all spans.
    asks_from: Option<Timestamp>,
    /// The end of the span that is read.
    until: Option<Timestamp>,
    cursors: Vec<Cursor>,
    covered: Vec<Span>,
}

impl<'a> Search<'a> {
    fn new(attributes: Vec<Attribute>, spans: &'a [Span]) -> Self {
        let left = spans.iter();
        Self { attributes, left, asks_from: None, until: None, cursors: Vec::new(), covered: Vec::new() }
    }

    /// The same, where all spans are asked for at once until the first one is read.
    fn at_once(attributes: Vec<Attribute>, spans: &'a [Span]) -> Self {
        Self { asks_from: spans.iter().map(|span| span.since).min(), ..Self::new(attributes, spans) }
    }

    /// The sequence that goes on; `None`: everything was read. Whichever has come less far goes on, so that what all
    /// have passed grows also when time runs out.
    fn next(&mut self) -> Option<&mut Cursor> {
        while self.cursors.iter().all(|cursor| cursor.is_done) {
            self.cover();
            let covered = &self.covered;
            let is_new =
                |span: &&Span| !covered.iter().any(|read| read.since <= span.since && span.until <= read.until);
            let span = *self.left.find(is_new).filter(|_| !self.attributes.is_empty())?;
            let since = self.asks_from.take().unwrap_or(span.since);
            self.until = Some(span.until);
            self.cursors = self.attributes.iter().map(|attribute| Cursor::new(attribute, span, since)).collect();
        }
        self.cursors.iter_mut().filter(|cursor| !cursor.is_done).max_by_key(|cursor| cursor.reached)
    }

    /// Notes how far all have come.
    fn cover(&mut self) {
        let Some(until) = self.until.take() else { return };
        let since = self.cursors.iter().map(|cursor| cursor.reached).max().unwrap_or(until);
        if since < until {
            self.covered.push(Span { since, until });
        }
    }

    fn into_covered(mut self) -> Vec<Span> {
        self.cover();
        self.covered
    }
}

/// One sequence of requests through a span.
struct Cursor {
    key: LookupAttributeKey,
    value: String,
    /// What is asked for; a token is good for no other span.
    rest: Span,
    token: Option<String>,
    /// Its token was refused once, and it went on without.
    began_again: bool,
    /// Everything from here to the end of the span was read.
    reached: Timestamp,
    /// So far is enough.
    enough: Timestamp,
    is_done: bool,
}

impl Cursor {
    /// Asks for what is between `since` and the end of `span`, and ends with the start of `span`, or where nothing more is.
    fn new((key, value): &Attribute, span: Span, since: Timestamp) -> Self {
        let (key, value, rest) = (key.clone(), value.clone(), Span { since, ..span });
        let (reached, enough) = (span.until, span.since);
        Self { key, value, rest, token: None, began_again: false, reached, enough, is_done: false }
    }

    /// Whether it goes on although AWS refused its token, as it does with one that is too old
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>): once, from where it has come. What it
    /// reads again of that second counts once, by its id.
    fn begins_again(&mut self, cause: &Cause) -> bool {
        if !is_refused_token(cause) || self.began_again || self.token.is_none() {
            return false;
        }
        (self.began_again, self.token, self.rest.until) = (true, None, self.reached);
        true
    }

    /// Events come newest first; of the oldest one's second there may be more.
    fn pass(&mut self, page: &LookupEventsOutput) {
        let since = self.rest.since;
        self.token = page.next_token().map(str::to_owned);
        let oldest = page.events().iter().filter_map(|event| event.event_time().and_then(crate::timestamp)).min();
        let after = oldest.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok());
        self.reached = match self.token {
            None => since,
            Some(_) => after.unwrap_or(self.reached).clamp(since, self.reached),
        };
        self.is_done = self.token.is_none() || self.reached <= self.enough;
    }
}

/// Whether AWS refused the token of the page before.
pub(crate) fn is_refused_token(cause: &Cause) -> bool {
    matches!(cause, Cause::Refused { code } if code.starts_with("InvalidNextToken"))
}

/// The page of `span` that `token` names, newest first; the caller waits for its turn.
pub(crate) async fn look_up(
    client: &Client,
    (key, value): (LookupAttributeKey, &str),
    span: &Span,
    token: Option<String>,
) -> Result<LookupEventsOutput, Cause> {
    let attribute = LookupAttribute::builder()
        .attribute_key(key)
        .attribute_value(value)
        .build()
        .map_err(|error| Cause::Malformed { detail: error.to_string() })?;
    client
        .lookup_events()
        .lookup_attributes(attribute)
        .start_time(DateTime::from_secs(span.since.as_second()))
        .end_time(DateTime::from_secs(span.until.as_second()))
        .max_results(PAGE)
        .set_next_token(token)
        .send()
        .await
        .map_err(|error| failure::cause(&error))
}

/// What the look-up says of one event.
pub(crate) fn trail_event(event: &Event, region: &str) -> TrailEvent {
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
    use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsError;
    use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
    use facts::{AccountId, Partition};

    use super::*;

    fn account() -> Account {
        let id = AccountId::parse("111122223333").expect("an id");
        Account { id, alias: None, partition: Partition::Aws }
    }

    fn second(number: usize) -> Timestamp {
        Timestamp::from_second(i64::try_from(number).expect("a small number")).expect("a time")
    }

    fn day() -> Span {
        Span { since: second(0), until: second(86_400) }
    }

    /// Events come newest first: the one with the greatest number is the oldest.
    fn root_event(id: usize) -> Event {
        let record = include_str!("../../../facts/samples/records/18-root-readonly-list-buckets.json");
        let record = record.replace("00000000-0000-4000-8000-000000000028", &format!("event-{id}"));
        let time = DateTime::from_secs(86_000 - i64::try_from(id).expect("a small number"));
        Event::builder()
            .event_id(format!("event-{id}"))
            .event_time(time)
            .username("root")
            .cloud_trail_event(record)
            .build()
    }

    async fn sweep_with(rule: &Rule, region: &str, time_limit: Duration) -> Swept {
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [rule]);
        sweep_named(&client, &BTreeSet::new(), region, time_limit).await
    }

    async fn sweep_named(client: &Client, aliases: &BTreeSet<String>, region: &str, time_limit: Duration) -> Swept {
        let (pace, deadline) = (Pace::default(), Instant::now() + time_limit);
        let spans = Spans { root: vec![day()], sign_ins: vec![day()] };
        sweep((client, &pace), (&account(), aliases), &[], region, &spans, deadline).await
    }

    /// How many acts were seen.
    fn seen(swept: &Swept) -> usize {
        swept.activity.iter().map(RootActivity::count).sum()
    }

    /// The end of each request in seconds, and whether it had a token.
    type Asked = Arc<std::sync::Mutex<Vec<(i64, bool)>>>;

    /// Ten pages of `day`, of which each end of a second is answered; tokens are refused after `pages` pages, so often.
    fn forgetful(pages: usize, refusals: usize) -> (Rule, Asked) {
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (noted, refused) = (Arc::clone(&asked), AtomicUsize::new(0));
        let rule = mock!(Client::lookup_events).then_compute_response(move |request| {
            let end = request.end_time().expect("an end").secs();
            let token = request.next_token().map(|token| token.parse::<usize>().expect("a number"));
            noted.lock().expect("one thread").push((end, token.is_some()));
            if token == Some(pages) && refused.fetch_add(1, Ordering::Relaxed) < refusals {
                let code = ErrorMetadata::builder().code("InvalidNextTokenException").build();
                return MockResponse::Error(LookupEventsError::generic(code));
            }
            let page = token.unwrap_or(0);
            let first = usize::try_from((86_000 - end).max(0)).expect("a small number");
            let events = (first + page * 50..(first + (page + 1) * 50).min(500)).map(root_event).collect();
            let next = (first + (page + 1) * 50 < 500).then(|| (page + 1).to_string());
            MockResponse::Output(LookupEventsOutput::builder().set_events(Some(events)).set_next_token(next).build())
        });
        (rule, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_aws_forgets_costs_nothing_but_a_request_and_no_act_counts_twice() {
        let (rule, asked) = forgetful(4, 1);
        let swept = sweep_with(&rule, "eu-west-1", Duration::from_secs(280)).await;
        assert_eq!(
            (seen(&swept), swept.sweep.incomplete.clone()),
            (500, None),
            "{:?}",
            asked.lock().expect("one thread")
        );
        assert_eq!(swept.sweep.covered, [day()]);
        let asked = asked.lock().expect("one thread");
        assert_eq!(asked[4..6], [(86_400, true), (85_802, false)], "it goes on where it was");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_refused_again_ends_the_reading_and_keeps_what_was_read() {
        let (rule, _) = forgetful(3, 2);
        let swept = sweep_with(&rule, "eu-west-1", Duration::from_secs(280)).await;
        assert_eq!(seen(&swept), 298, "150, and 150 from where it was, two of them once more");
        let incomplete = swept.sweep.incomplete.expect("a reason").to_string();
        assert!(incomplete.ends_with("(InvalidNextTokenException)"), "{incomplete}");
        assert_eq!(swept.sweep.covered.len(), 1);
    }

    /// The spans that were asked for, in seconds.
    type AskedSpans = Arc<std::sync::Mutex<Vec<(i64, i64)>>>;

    /// An event a second, all day long, by whatever it is looked up; the start and the end of each request.
    fn busy() -> (Rule, AskedSpans) {
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let rule = mock!(Client::lookup_events)
            .match_requests(|request| {
                request.lookup_attributes()[0].attribute_key() == &LookupAttributeKey::EventSource
            })
            .then_compute_output(move |request| {
                let (start, end) = (request.start_time().expect("a start").secs(), request.end_time().expect("an end"));
                noted.lock().expect("one thread").push((start, end.secs()));
                let first = request.next_token().map_or(end.secs(), |token| token.parse().expect("a time"));
                let times = (start..=first).rev().take(50);
                let events = times.clone().map(|at| Event::builder().event_time(DateTime::from_secs(at)).build());
                let next = times.last().filter(|last| *last > start).map(|last| (last - 1).to_string());
                let output = LookupEventsOutput::builder().set_events(Some(events.collect()));
                output.set_next_token(next).build()
            });
        (rule, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn sign_ins_are_asked_for_at_once_and_read_span_by_span_where_they_are_many() {
        let span = |since, until| Span { since: second(since), until: second(until) };
        let swept = async |sign_ins: Vec<Span>| {
            let (rule, asked) = busy();
            let none = mock!(Client::lookup_events)
                .match_requests(|request| {
                    request.lookup_attributes()[0].attribute_key() == &LookupAttributeKey::Username
                })
                .then_output(|| LookupEventsOutput::builder().build());
            let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [&rule, &none]);
            let (pace, deadline) = (Pace::default(), Instant::now() + Duration::from_secs(280));
            let spans = Spans { root: vec![day()], sign_ins };
            let names = BTreeSet::new();
            let swept = sweep((&client, &pace), (&account(), &names), &[], "us-east-1", &spans, deadline).await.sweep;
            assert_eq!((swept.incomplete, swept.covered), (None, vec![day()]));
            let asked = asked.lock().expect("one thread").clone();
            (asked, swept.covered_sign_ins)
        };
        let few = swept(vec![span(990, 1_000), span(960, 970)]).await;
        assert_eq!(few, (vec![(960, 1_000)], vec![span(960, 1_000)]), "a page has both spans");
        let (asked, covered) = swept(vec![span(900, 1_000), span(100, 120)]).await;
        assert_eq!(asked, [(100, 1_000), (100, 1_000), (100, 1_000), (100, 120)], "and not what is between them");
        assert_eq!(covered, [span(852, 1_000), span(100, 120)]);
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
        assert_eq!((seen(&swept), rule.num_calls()), (10_000, 200));
        assert_eq!(swept.activity.len(), 1, "and held as one that counts");
        assert_eq!((swept.sweep.incomplete, swept.sweep.covered), (None, vec![day()]));
        let took = started.elapsed();
        assert!(took >= PACE * 199 && took < Duration::from_secs(200), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn ct_6_two_sequences_of_requests_share_the_pace_of_their_region_and_alternate() {
        let (pace, started) = (Pace::default(), Instant::now());
        let turns = async |name: &'static str| {
            let mut turns = Vec::new();
            for _ in 0..3 {
                pace.turn().await;
                turns.push((started.elapsed(), name));
                // The request itself.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            turns
        };
        let (first, second) = tokio::join!(turns("first"), turns("second"));
        let mut turns = [first, second].concat();
        turns.sort();
        let expected = [0, 1, 2, 3, 4, 5].map(|turn| (PACE * turn, if turn % 2 == 0 { "first" } else { "second" }));
        let near = |at: Duration, expected: Duration| at >= expected && at < expected + Duration::from_millis(20);
        assert!(turns.iter().zip(expected).all(|(turn, expected)| near(turn.0, expected.0)), "{turns:?}");
        let names = |turns: &[(Duration, &'static str)]| turns.iter().map(|turn| turn.1).collect::<Vec<_>>();
        assert_eq!(names(&turns), names(&expected));
    }

    #[tokio::test(start_paused = true)]
    async fn ct_8_more_pages_than_time_are_kept_as_far_as_read_and_said() {
        let swept = sweep_with(&pages(200), "eu-west-1", Duration::from_secs(10)).await;
        let seen = seen(&swept);
        assert!((1..1_500).contains(&seen), "{seen}");
        let covered = swept.sweep.covered[0];
        let newest = second(86_000 - seen + 2);
        assert_eq!((covered.since, covered.until), (newest, day().until), "the next run goes on there");
        let incomplete = swept.sweep.incomplete.unwrap();
        assert_eq!(
            incomplete.to_string(),
            "root events: cloudtrail:LookupEvents in eu-west-1 was cut short by the end of this run"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn ct_8_where_two_sequences_are_read_what_both_have_passed_is_covered_when_time_runs_out() {
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let rule = mock!(Client::lookup_events).then_compute_output(move |request| {
            let name = request.lookup_attributes()[0].attribute_value().to_owned();
            seen.lock().expect("one thread").push(name.clone());
            let page = request.next_token().map_or(0, |token| token.parse::<usize>().unwrap_or(0));
            // Those by the alias lie ten times as dense: each of their pages reaches less far back.
            let dense = if name == "acme" { 1 } else { 10 };
            let events = (page * 50..(page + 1) * 50).map(|number| root_event(number * dense)).collect();
            LookupEventsOutput::builder().set_events(Some(events)).next_token((page + 1).to_string()).build()
        });
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [&rule]);
        let aliases = BTreeSet::from(["acme".to_owned()]);
        let swept = sweep_named(&client, &aliases, "eu-west-1", Duration::from_secs(10)).await;
        let asked = asked.lock().expect("one thread");
        let dense = asked.iter().filter(|name| *name == "acme").count();
        assert!(dense > asked.len() / 2 && dense < asked.len(), "{asked:?}: the one that is behind goes on");
        let covered = swept.sweep.covered[0];
        assert_eq!(covered.since, second(86_000 - (dense * 50 - 1) + 1), "no further than the one that came less far");
    }

    #[tokio::test(start_paused = true)]
    async fn spans_are_read_one_after_the_other_and_a_failure_keeps_the_first() {
        let root =
            vec![Span { since: second(80_000), until: second(86_400) }, Span { since: second(0), until: second(10) }];
        let spans = Spans { root, sign_ins: Vec::new() };
        let rule = mock!(Client::lookup_events)
            .sequence()
            .output(|| LookupEventsOutput::builder().build())
            .error(|| LookupEventsError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()))
            .build();
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [&rule]);
        let later = Instant::now() + Duration::from_secs(60);
        let swept =
            sweep((&client, &Pace::default()), (&account(), &BTreeSet::new()), &[], "eu-west-1", &spans, later).await;
        assert_eq!(swept.sweep.covered, spans.root[..1]);
        assert!(swept.sweep.incomplete.is_some());
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
    async fn root_of_an_account_with_an_alias_is_looked_up_by_both_names_in_every_region() {
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let rule = mock!(Client::lookup_events).then_compute_output(move |request| {
            let value = request.lookup_attributes()[0].attribute_value().to_owned();
            seen.lock().expect("one thread").push(value.clone());
            let events = (value == "acme-prod").then(|| root_event(1));
            LookupEventsOutput::builder().set_events(events.map(|event| vec![event])).build()
        });
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [&rule]);
        let aliases = BTreeSet::from(["acme-prod".to_owned(), "root".to_owned()]);
        for (region, calls) in [("eu-west-1", 2), ("us-west-2", 3)] {
            let swept = sweep_named(&client, &aliases, region, Duration::from_secs(10)).await;
            assert_eq!((swept.activity.len(), swept.sweep.covered), (1, vec![day()]), "{region}");
            let mut asked = std::mem::take(&mut *asked.lock().expect("one thread"));
            asked.sort();
            assert_eq!(asked, ["acme-prod", "root", "signin.amazonaws.com"][..calls], "{region}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_root_of_another_account_did_is_left_out() {
        let rule = mock!(Client::lookup_events).then_output(|| {
            let record = include_str!("../../../facts/samples/records/18-root-readonly-list-buckets.json");
            let record = record.replace("111122223333", "999900001111");
            LookupEventsOutput::builder()
                .events(Event::builder().username("root").cloud_trail_event(record).build())
                .build()
        });
        assert_eq!(sweep_with(&rule, "eu-west-1", Duration::from_secs(10)).await.activity, []);
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
