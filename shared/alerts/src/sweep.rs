//! What has been looked through of CloudTrail's event history, Region by Region.
//!
//! `LookupEvents` returns the newest events first, so a scan that runs out of time has covered only the newest part of its
//! span. One watermark cannot say that; hence intervals.

use facts::span::{LATENESS, Span};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How far back CloudTrail's event history goes: 90 days.
pub const HISTORY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Most settled spans that are kept, so that what is stored stays small.
pub const MAX_SPANS: usize = 64;

/// Under what the coverage of everybody's sign-ins in `region` is remembered, apart from that of root's own events.
pub fn sign_ins_of(region: &str) -> String {
    format!("{region}{SIGN_INS}")
}

/// Whether `name` is one that [`sign_ins_of`] gives.
pub fn is_of_sign_ins(name: &str) -> bool {
    name.ends_with(SIGN_INS)
}

const SIGN_INS: &str = "#sign-ins";

/// What is settled of one Region: looked through when no more events could turn up.
///
/// What was stored may hold any spans; every method takes them as the set of instants that they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Start of monitoring: what is before it is never missing. Only a look-back that was made longer reaches further.
    pub from: Timestamp,
    /// Settled spans: none empty, none touching another, oldest first, at most [`MAX_SPANS`].
    pub settled: Vec<Span>,
}

impl Coverage {
    /// Monitoring of a Region that was never scanned begins `lookback` before `now`; see [`Coverage::spans`] for its range.
    pub fn begin(now: Timestamp, lookback: SignedDuration) -> Self {
        Self { from: window(now, lookback).since, settled: Vec::new() }
    }

    /// Whether [`Self::settle`] may have left this behind by `latest`. A start after the first settled span would hide a gap.
    pub(crate) fn is_sound(&self, latest: Timestamp) -> bool {
        self.from <= self.settled.first().map_or(latest, |first| first.since)
            && self.settled.iter().all(|span| !is_empty(span) && span.until <= latest)
            && self.settled.windows(2).all(|pair| matches!(pair, [one, next] if one.until < next.since))
            && self.settled.len() <= MAX_SPANS
    }

    /// Spans to look through at `now`, newest first; never none, and the first one ends at `now`. `lookback` is 0 to
    /// [`HISTORY`], what is beyond is cut.
    ///
    /// The look-back is always read again, as evidence. With nothing older missing it is one span, so one sequence of requests;
    /// otherwise what was never seen comes first.
    pub fn spans(&self, now: Timestamp, lookback: SignedDuration) -> Vec<Span> {
        let window = window(now, lookback);
        let gaps = self.gaps(now);
        match gaps.as_slice() {
            // A watch that begins after `now`: the clock stepped back.
            [] => vec![window],
            [newest] => vec![Span { since: newest.since.min(window.since), until: now }],
            _ => {
                let seen = without(window, &gaps);
                gaps.into_iter().rev().chain(seen.into_iter().rev()).collect()
            }
        }
    }

    /// Spans to look through at `now` of what one look settles, newest first; never none, and the first one ends at `now`.
    ///
    /// It is what is missing. Of what is settled only that is read which has left the look-back since the last run: so all of a
    /// look-back is looked through a second time, whatever was remembered of it, and no run pays for more than its own share.
    pub fn spans_once(&self, now: Timestamp, lookback: SignedDuration) -> Vec<Span> {
        let (window, gaps) = (window(now, lookback), self.gaps(now));
        let (Some(oldest), Some(newest)) = (gaps.first(), gaps.last()) else { return vec![window] };
        if window.since < self.from {
            return self.spans(now, lookback);
        }
        let last_run = newest.since.checked_add(LATENESS).unwrap_or(now);
        let left = self::window(last_run, lookback).since;
        let left = Span { since: left.max(self.from).max(before(now, HISTORY)), until: window.since.min(oldest.since) };
        let missing = gaps.iter().rev().copied();
        missing.chain((!is_empty(&left)).then_some(left)).collect()
    }

    /// Settles what a run that began at `now` looked through, as far as it is older than [`LATENESS`]. Forgets spans that lie
    /// wholly before [`HISTORY`].
    ///
    /// A run that stopped at an event has covered what is after that event's second. What a clock that was ahead has settled
    /// of the future is forgotten.
    pub fn settle(&mut self, covered: &[Span], now: Timestamp) {
        let (history, settles) = (before(now, HISTORY), before(now, LATENESS));
        self.from = covered.iter().map(|span| span.since).fold(self.from, Timestamp::min);
        let settled = joined(self.settled.iter().chain(covered).map(|span| ended(*span, settles)));
        self.settled = settled.into_iter().filter(|span| span.until > history).collect();
        // The oldest are forgotten: they leave the history first, and to look through them again is harmless.
        self.settled.drain(..self.settled.len().saturating_sub(MAX_SPANS));
    }

    /// The oldest instant that is missing, of monitoring and of the history; `now` if none is. The scan's lag is `now` less
    /// that: at best [`LATENESS`].
    pub fn unsettled_since(&self, now: Timestamp) -> Timestamp {
        self.gaps(now).first().map_or(now, |gap| gap.since)
    }

    /// What is missing at `now`, oldest first. The newest one ends at `now`: the last [`LATENESS`] counts as missing, whatever
    /// a clock that was ahead has settled of it.
    fn gaps(&self, now: Timestamp) -> Vec<Span> {
        let wanted = Span { since: self.from.max(before(now, HISTORY)), until: now };
        let settles = before(now, LATENESS);
        without(wanted, &joined(self.settled.iter().map(|span| ended(*span, settles))))
    }
}

/// The look-back at `now`.
fn window(now: Timestamp, lookback: SignedDuration) -> Span {
    Span { since: before(now, lookback.clamp(SignedDuration::ZERO, HISTORY)), until: now }
}

fn before(instant: Timestamp, duration: SignedDuration) -> Timestamp {
    instant.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

/// `span` up to `end`.
fn ended(span: Span, end: Timestamp) -> Span {
    Span { until: span.until.min(end), ..span }
}

fn is_empty(span: &Span) -> bool {
    span.since >= span.until
}

/// The same instants in the fewest spans, oldest first.
fn joined(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.filter(|span| !is_empty(span)).collect();
    spans.sort_unstable_by_key(|span| span.since);
    spans.dedup_by(|next, last| {
        let touches = next.since <= last.until;
        if touches {
            last.until = last.until.max(next.until);
        }
        touches
    });
    spans
}

/// What `span` holds beside `others`, oldest first. `others` are as [`joined`] makes them, and none ends after `span`.
fn without(span: Span, others: &[Span]) -> Vec<Span> {
    let mut since = span.since;
    let mut rest = Vec::new();
    for other in others {
        rest.push(Span { since, until: other.since });
        since = since.max(other.until);
    }
    rest.push(Span { since, until: span.until });
    rest.retain(|span| !is_empty(span));
    rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);
    const SECOND: SignedDuration = SignedDuration::from_secs(1);
    const DAY: SignedDuration = SignedDuration::from_hours(24);

    /// Hours after some midnight.
    fn at(hours: i64) -> Timestamp {
        "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    fn span(since: i64, until: i64) -> Span {
        Span { since: at(since), until: at(until) }
    }

    fn coverage(from: i64, settled: &[(i64, i64)]) -> Coverage {
        Coverage { from: at(from), settled: settled.iter().map(|&(since, until)| span(since, until)).collect() }
    }

    fn holds(spans: &[Span], instant: Timestamp) -> bool {
        spans.iter().any(|span| span.since <= instant && instant < span.until)
    }

    /// The newest `budget` of the spans, as a run reads them that is stopped.
    fn newest(spans: &[Span], mut budget: SignedDuration) -> Vec<Span> {
        let mut read = Vec::new();
        for span in spans {
            let length = span.until.duration_since(span.since).min(budget);
            budget -= length;
            read.push(Span { since: span.until - length, until: span.until });
        }
        read
    }

    fn assert_canonical(settled: &[Span]) {
        assert!(settled.len() <= MAX_SPANS);
        assert!(settled.iter().all(|span| span.since < span.until), "{settled:?}");
        assert!(settled.windows(2).all(|pair| pair[0].until < pair[1].since), "{settled:?}");
    }

    #[test]
    fn the_first_sweep_reads_the_look_back_and_settles_what_cannot_change() {
        let mut region = Coverage::begin(at(100), DAY);
        assert_eq!(region, coverage(76, &[]));
        assert_eq!(region.unsettled_since(at(100)), at(76));
        let spans = region.spans(at(100), DAY);
        assert_eq!(spans, [span(76, 100)]);
        region.settle(&spans, at(100));
        assert_eq!(region, coverage(76, &[(76, 98)]));
        assert_eq!(region.unsettled_since(at(100)), at(98));
    }

    #[test]
    fn an_hourly_sweep_is_one_span_and_keeps_one_span() {
        let mut region = coverage(0, &[(0, 98)]);
        assert_eq!(region.spans(at(101), DAY), [span(77, 101)]);
        assert_eq!(region.spans(at(101), HOUR), [span(98, 101)]);
        assert_eq!(region.spans(at(101), SignedDuration::ZERO), [span(98, 101)]);
        region.settle(&[span(98, 101)], at(101));
        assert_eq!(region, coverage(0, &[(0, 99)]));
    }

    #[test]
    fn a_run_that_read_less_than_the_lateness_settles_nothing() {
        let mut region = coverage(0, &[(0, 90)]);
        region.settle(&[span(98, 100)], at(100));
        assert_eq!(region, coverage(0, &[(0, 90)]));
        region.settle(&[Span { since: at(98) - SECOND, until: at(100) }], at(100));
        assert_eq!(region.settled[1], Span { since: at(98) - SECOND, until: at(98) });
    }

    #[test]
    fn an_interrupted_gap_of_3_days_is_continued_and_not_restarted() {
        let mut region = coverage(0, &[(0, 100)]);
        let spans = region.spans(at(172), DAY);
        assert_eq!(spans, [span(100, 172)]);
        region.settle(&newest(&spans, DAY), at(172));
        assert_eq!(region, coverage(0, &[(0, 100), (148, 170)]));
        assert_eq!(region.unsettled_since(at(173)), at(100));

        let spans = region.spans(at(173), DAY);
        assert_eq!(spans, [span(170, 173), span(100, 148), span(149, 170)]);
        region.settle(&newest(&spans, DAY), at(173));
        assert_eq!(region, coverage(0, &[(0, 100), (127, 171)]));

        let spans = region.spans(at(174), DAY);
        assert_eq!(spans, [span(171, 174), span(100, 127), span(150, 171)]);
        region.settle(&newest(&spans, SignedDuration::from_hours(30)), at(174));
        assert_eq!(region, coverage(0, &[(0, 172)]));
    }

    #[test]
    fn what_was_never_seen_is_read_before_what_was() {
        let region = coverage(0, &[(0, 10), (20, 80), (90, 95)]);
        assert_eq!(region.spans(at(100), DAY), [span(95, 100), span(80, 90), span(10, 20), span(90, 95), span(76, 80)],);
        assert_eq!(region.spans(at(100), -HOUR), [span(95, 100), span(80, 90), span(10, 20)]);
    }

    #[test]
    fn what_one_look_settles_is_read_again_only_when_it_leaves_the_look_back() {
        let quarter = SignedDuration::from_mins(15);
        let mut region = Coverage::begin(at(100), DAY);
        assert_eq!(region.spans_once(at(100), DAY), [span(76, 100)], "nothing is remembered");
        region.settle(&[span(76, 100)], at(100));
        let next = region.spans_once(at(100) + quarter, DAY);
        let newest = Span { since: at(98), until: at(100) + quarter };
        assert_eq!(next, [newest, Span { since: at(76), until: at(76) + quarter }]);
        region.settle(&next, at(100) + quarter);
        let last = region.spans_once(at(101), DAY)[1];
        assert_eq!(last, Span { since: at(76) + quarter, until: at(77) }, "it goes on where it was");
    }

    #[test]
    fn after_an_outage_what_is_missing_is_read_and_what_leaves_the_look_back_before_it() {
        let region = coverage(0, &[(0, 98)]);
        assert_eq!(region.spans_once(at(110), DAY), [span(98, 110), span(76, 86)]);
        assert_eq!(region.spans_once(at(200), DAY), [span(98, 200), span(76, 98)]);
        let cut = coverage(0, &[(0, 60), (70, 98)]);
        assert_eq!(cut.spans_once(at(101), DAY), [span(98, 101), span(60, 70)]);
        assert_eq!(region.spans_once(at(101), HOUR), [span(98, 101)], "a look-back shorter than what is read anyway");
    }

    #[test]
    fn a_longer_look_back_and_a_clock_that_stepped_back_are_read_whole() {
        let region = coverage(80, &[(80, 98)]);
        assert_eq!(region.spans_once(at(101), DAY), [span(77, 101)]);
        assert_eq!(coverage(90, &[(90, 98)]).spans_once(at(80), DAY), [span(56, 80)]);
    }

    #[test]
    fn nothing_is_wanted_before_the_history_and_the_watch() {
        let region = coverage(0, &[(10, 20)]);
        assert_eq!(region.unsettled_since(at(90 * 24)), at(0));
        assert_eq!(region.unsettled_since(at(90 * 24 + 3)), at(3));
        assert_eq!(region.unsettled_since(at(90 * 24 + 12)), at(20));
        assert_eq!(coverage(98, &[]).spans(at(100), SignedDuration::MAX), [span(100 - 90 * 24, 100)]);
        assert_eq!(Coverage::begin(at(100), SignedDuration::MAX).from, at(100 - 90 * 24));
        assert_eq!(Coverage::begin(at(100), -HOUR).from, at(100));
    }

    #[test]
    fn what_lies_wholly_before_the_history_is_forgotten() {
        let now = at(90 * 24 + 10);
        let mut region = coverage(0, &[(0, 10), (12, 14)]);
        region.settle(&[], now - SECOND);
        assert_eq!(region.settled.len(), 2);
        region.settle(&[], now);
        assert_eq!(region, coverage(0, &[(12, 14)]));
        region.settle(&[], now + HOUR * 3);
        assert_eq!(region, coverage(0, &[(12, 14)]));
    }

    #[test]
    fn spans_that_touch_become_one_and_those_a_second_apart_do_not() {
        let mut region = coverage(0, &[(0, 10)]);
        region.settle(&[span(10, 20)], at(100));
        assert_eq!(region, coverage(0, &[(0, 20)]));
        region.settle(&[Span { since: at(20) + SECOND, until: at(30) }], at(100));
        assert_eq!(region.settled.len(), 2);
        region.settle(&[span(50, 40), span(50, 50)], at(100));
        assert_eq!(region.settled.len(), 2);
    }

    #[test]
    fn past_64_spans_the_oldest_are_forgotten() {
        let mut region = coverage(0, &[]);
        let covered: Vec<Span> = (0..65).map(|n| span(n * 2, n * 2 + 1)).collect();
        region.settle(&covered[1..], at(200));
        assert_eq!(region.settled, covered[1..]);
        region.settle(&covered, at(200));
        assert_eq!(region.settled, covered[1..]);
    }

    #[test]
    fn a_clock_that_stepped_back_reads_its_look_back_and_forgets_what_it_settled_of_the_future() {
        let mut region = coverage(90, &[(90, 98), (110, 120)]);
        assert_eq!(region.spans(at(80), DAY), [span(56, 80)]);
        assert_eq!(region.unsettled_since(at(80)), at(80));
        assert_eq!(region.spans(at(80), SignedDuration::ZERO), [span(80, 80)]);
        assert_eq!(region.spans(at(90), HOUR), [span(89, 90)]);
        region.settle(&[span(56, 80)], at(80));
        assert_eq!(region, coverage(56, &[(56, 78)]));
        assert_eq!(region.unsettled_since(at(97)), at(78), "an outage later is seen");
    }

    #[test]
    fn the_ends_of_time_are_no_fault() {
        assert_eq!(Coverage::begin(Timestamp::MIN, HISTORY).from, Timestamp::MIN);
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let mut region = Coverage::begin(now, HISTORY);
            region.settle(&[Span { since: Timestamp::MIN, until: Timestamp::MAX }], now);
            for other in [Timestamp::MIN, Timestamp::MAX] {
                assert_eq!(region.spans(other, HISTORY)[0].until, other);
                assert!(region.unsettled_since(other) <= other);
            }
        }
    }

    #[test]
    fn coverage_is_kept_as_json() {
        let region = coverage(0, &[(0, 10)]);
        let json = serde_json::to_string(&region).unwrap();
        assert_eq!(
            json,
            r#"{"from":"2026-03-01T00:00:00Z","settled":[{"since":"2026-03-01T00:00:00Z","until":"2026-03-01T10:00:00Z"}]}"#
        );
        assert_eq!(serde_json::from_str::<Coverage>(&json).unwrap(), region);
    }

    fn hours() -> std::ops::Range<i64> {
        0..2400
    }

    /// Membership changes only at ends: each of them, and the seconds beside it.
    fn instants(spans: &[&[Span]], ends: &[Timestamp]) -> Vec<Timestamp> {
        let of_spans = spans.iter().copied().flatten().flat_map(|span| [span.since, span.until]);
        of_spans.chain(ends.iter().copied()).flat_map(|end| [end - SECOND, end, end + SECOND]).collect()
    }

    fn any_spans() -> impl Strategy<Value = Vec<Span>> {
        let near = (2000..2400_i64, 0..40_i64).prop_map(|(since, length)| span(since, since + length));
        let anywhere = (hours(), hours()).prop_map(|(since, until)| span(since, until));
        prop::collection::vec(prop_oneof![near, anywhere], 0..10)
    }

    fn any_coverage() -> impl Strategy<Value = Coverage> {
        (hours(), any_spans()).prop_map(|(from, settled)| Coverage { from: at(from), settled })
    }

    proptest! {
        #[test]
        fn settled_is_what_was_and_what_is_covered_and_late_enough(
            region in any_coverage(), covered in any_spans(), now in hours()
        ) {
            let (before, mut after) = (region.clone(), region);
            after.settle(&covered, at(now));
            assert_canonical(&after.settled);
            let (history, settles) = (at(now) - HISTORY, at(now) - LATENESS);
            for instant in instants(&[&before.settled, &covered], &[history, settles]) {
                let looked_at = holds(&before.settled, instant) || holds(&covered, instant);
                let expected = looked_at && instant < settles;
                let is = holds(&after.settled, instant);
                prop_assert!(!is || expected, "{instant} was not covered");
                prop_assert!(is || !expected || instant < history, "{instant} is lost");
            }
        }

        #[test]
        fn spans_are_in_order_and_leave_nothing_out(region in any_coverage(), now in hours(), lookback in -10..2400_i64) {
            let now = at(now);
            let lookback = SignedDuration::from_hours(lookback);
            let spans = region.spans(now, lookback);
            prop_assert_eq!(spans[0].until, now);
            prop_assert!(spans.iter().all(|span| now - HISTORY <= span.since && span.since <= span.until));
            prop_assert!(spans.len() == 1 || spans.iter().all(|span| span.since < span.until));
            let gaps = region.gaps(now);
            prop_assert_eq!(region.unsettled_since(now), gaps.first().map_or(now, |gap| gap.since));
            if spans.len() > 1 {
                let reversed: Vec<Span> = gaps.iter().rev().copied().collect();
                prop_assert_eq!(&spans[..gaps.len()], reversed);
                prop_assert!(spans[gaps.len()..].windows(2).all(|pair| pair[0].since >= pair[1].until));
            }
            let ends = [region.from, now - HISTORY, now - LATENESS, now - lookback.min(HISTORY), now];
            for instant in instants(&[&region.settled], &ends) {
                let looked_back = now - lookback.min(HISTORY) <= instant && instant < now;
                let wanted = region.from.max(now - HISTORY) <= instant && instant < now;
                let missing = wanted && (!holds(&region.settled, instant) || instant >= now - LATENESS);
                prop_assert_eq!(holds(&gaps, instant), missing);
                prop_assert!(holds(&spans, instant) || !(looked_back || missing), "{instant} is left out");
                let twice = spans.iter().filter(|span| holds(&[**span], instant)).count() > 1;
                prop_assert!(!twice, "{instant} is read twice");
            }
        }

        #[test]
        fn whatever_leaves_the_look_back_was_looked_at_when_it_had_settled_and_once_more_when_it_left(
            steps in prop::collection::vec(1..400_i64, 1..40), lookback in 3..60_i64
        ) {
            let lookback = SignedDuration::from_hours(lookback);
            let mut now = at(1000);
            let mut region = Coverage::begin(now, lookback);
            let mut looked = Vec::new();
            for minutes in steps {
                let spans = region.spans_once(now, lookback);
                region.settle(&spans, now);
                looked.push((now, spans));
                let ends = [region.from, now - lookback, now - LATENESS, now];
                for instant in instants(&[&region.settled], &ends) {
                    let looked_after = |age: SignedDuration| {
                        looked.iter().any(|(at, spans)| *at >= instant + age && holds(spans, instant))
                    };
                    let settled = region.from <= instant && instant < now - LATENESS;
                    prop_assert!(!settled || looked_after(LATENESS), "{instant} was looked at too early");
                    let left = region.from <= instant && instant < now - lookback;
                    prop_assert!(!left || looked_after(lookback), "{instant} has left and was not looked at again");
                }
                now += SignedDuration::from_mins(minutes);
            }
        }

        #[test]
        fn what_one_look_settles_leaves_out_nothing_that_is_missing_whatever_is_remembered(
            region in any_coverage(), now in hours(), lookback in -10..2400_i64
        ) {
            let (now, lookback) = (at(now), SignedDuration::from_hours(lookback));
            let spans = region.spans_once(now, lookback);
            prop_assert_eq!(spans[0].until, now);
            prop_assert!(spans.iter().all(|span| now - HISTORY <= span.since), "older than CloudTrail keeps");
            for instant in instants(&[&region.settled], &[region.from, now - HISTORY, now - LATENESS, now]) {
                prop_assert!(!holds(&region.gaps(now), instant) || holds(&spans, instant), "{instant} is left out");
                let twice = spans.iter().filter(|span| holds(&[**span], instant)).count() > 1;
                prop_assert!(!twice, "{instant} is read twice");
            }
        }

        #[test]
        fn runs_that_are_cut_short_still_catch_up(
            settled in any_spans(), step in 1..5_i64, more in 1..20_i64, lookback in 0..48_i64
        ) {
            let lookback = SignedDuration::from_hours(lookback);
            let budget = SignedDuration::from_hours(step + more) + LATENESS;
            let mut region = Coverage { from: at(2000), settled };
            let mut now = at(2400);
            let mut missing = SignedDuration::MAX;
            for _ in 0..=400 / more {
                let spans = region.spans(now, lookback);
                region.settle(&newest(&spans, budget), now);
                let still: SignedDuration =
                    region.gaps(now).iter().map(|gap| gap.until.duration_since(gap.since)).sum();
                prop_assert!(still < missing || still == LATENESS, "a run made no way");
                missing = still;
                now += SignedDuration::from_hours(step);
            }
            prop_assert_eq!(missing, LATENESS);
        }
    }
}
