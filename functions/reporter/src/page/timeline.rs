//! Root activity of 90 days: the chart, the table, the planned uses.

use std::collections::HashMap;

use facts::root_activity::Plan;
use facts::span::Span;
use facts::{RootActivity, Severity};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::Page;
use super::days::Days;
use super::words::{counted, date, dated, heads, moment, number, time, untrusted};
use crate::looked::Looked;

mod drawing;
mod table;

/// Regions without data that are named.
const REGIONS: usize = 5;
/// Most root actions in the table.
const LISTED: usize = 500;

pub(super) fn section(page: &Page<'_>) -> Markup {
    let actions = activity(page);
    let plans = plans(page);
    let services = sum(actions.iter().copied().filter(|action| !action.is_told()));
    html! {
        section #timeline aria-labelledby="timeline-title" {
            h2 #timeline-title { "Root activity, last 90 days" }
            p.lead { (dated(&summary(page, &actions))) }
            @if services > 0 {
                p.choice {
                    label {
                        input #services type="checkbox" autocomplete="off";
                        " Also show calls that AWS services made on behalf of root, and read-only central root access (" (number(services)) "): no sign-in as root"
                    }
                }
            }
            (drawing::section(page, &actions, &plans, &unseen(page, Days::until(page.made_at))))
            (table::section(page, &actions))
            (planned(page, &plans))
        }
    }
}

/// All root actions that history and report hold, each once, a group as it was when it counted most, newest first; those without a time
/// last.
pub(super) fn activity<'a>(page: &Page<'a>) -> Vec<&'a RootActivity> {
    let mut acts: HashMap<&str, &RootActivity> = HashMap::new();
    for act in page.report.root_activity.iter().chain(&page.history.acts) {
        let known = acts.entry(&act.event_id).or_insert(act);
        if act.count() > known.count() {
            *known = act;
        }
    }
    let is_counted = |act: &&RootActivity| act.calm_group().is_some_and(|group| acts.contains_key(group.as_str()));
    let mut acts: Vec<&RootActivity> = acts.values().copied().filter(|act| !is_counted(act)).collect();
    acts.sort_by(|one, other| {
        (other.time, other.severity, &one.event_id).cmp(&(one.time, one.severity, &other.event_id))
    });
    acts
}

fn plans<'a>(page: &Page<'a>) -> Vec<&'a Plan> {
    let mut plans: Vec<&Plan> = page.history.plans.iter().collect();
    plans.extend(page.report.plans.iter().filter(|plan| !page.history.plans.contains(plan)));
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.from));
    plans
}

fn summary(page: &Page<'_>, actions: &[&RootActivity]) -> String {
    let shown: Vec<&RootActivity> = actions.iter().copied().filter(|act| act.is_told()).collect();
    let severe = sum(shown.iter().copied().filter(|act| act.severity >= Severity::High));
    let planned = sum(shown.iter().copied().filter(|act| act.planned.is_some()));
    let looked = looked(page);
    let mut text = match sum(shown.iter().copied()) {
        0 if looked.since().is_none() => return no_data(),
        0 => "No root activity.".to_owned(),
        count => format!(
            "{}: {} of high or critical severity, {} in a planned window.",
            counted(count, "root action", "root actions"),
            number(severe),
            number(planned)
        ),
    };
    text.push(' ');
    text.push_str(&coverage(page, &looked));
    text
}

/// How many root actions `actions` stand for.
fn sum<'a>(actions: impl Iterator<Item = &'a RootActivity>) -> usize {
    actions.map(RootActivity::count).fold(0, usize::saturating_add)
}

fn no_data() -> String {
    "NO DATA: root events could not be read in any Region, so root activity is unknown.".into()
}

/// Where and when root events were read, as far as history and report show.
fn looked(page: &Page<'_>) -> Looked {
    let mut looked = page.history.looked.clone();
    looked.add(page.report);
    looked
}

/// What was read, and what was not.
fn coverage(page: &Page<'_>, looked: &Looked) -> String {
    let Some(from) = looked.since() else { return no_data() };
    let gaps = looked.gaps(from, page.now());
    let regions = counted(looked.regions(), "Region", "Regions");
    if gaps.is_empty() {
        return format!("Read since {} in {regions}.", moment(from));
    }
    let words = |gaps: &[Span]| match gaps {
        [gap] => format!("{} to {}", moment(gap.since), moment(gap.until)),
        gaps => format!("{} gaps", number(gaps.len())),
    };
    let same = gaps.first().map(|(_, gaps)| gaps);
    if gaps.len() > 1 && gaps.len() == looked.regions() && gaps.iter().all(|(_, gaps)| Some(gaps) == same) {
        let gaps = same.map(|gaps| words(gaps)).unwrap_or_default();
        return format!("Read since {} in {regions}. NO DATA in all of them: {gaps}.", moment(from));
    }
    let shown = gaps.iter().take(REGIONS).map(|(region, gaps)| match gaps.as_slice() {
        _ if looked.is_blank(region) => format!("{region} (never read)"),
        gaps => format!("{region} ({})", words(gaps)),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = gaps.len().saturating_sub(REGIONS);
    let more = if more > 0 { format!(" and {} more", number(more)) } else { String::new() };
    format!(
        "Read since {}. NO DATA for a part of that time in {} of {regions}: {shown}{more}.",
        moment(from),
        number(gaps.len())
    )
}

/// The days of which not every Region was read; the day on which the reading began is not one of them.
fn unseen(page: &Page<'_>, days: Days) -> Vec<usize> {
    let looked = looked(page);
    let Some(from) = looked.since() else { return (0..Days::COUNT).collect() };
    let first = days.index(from).unwrap_or_else(|| if days.offset(from) > 0.0 { Days::COUNT } else { 0 });
    let gaps: Vec<_> = looked.gaps(from, page.now()).into_iter().flat_map(|(_, gaps)| gaps).collect();
    let is_unseen = |day: usize| {
        // A second before its end: a gap that ends at midnight is none of the next day.
        let is_of = |since: Timestamp, until: Timestamp| {
            let last = until.checked_sub(SignedDuration::from_secs(1)).unwrap_or(until);
            days.date(day) >= date(since) && days.date(day) <= date(last)
        };
        day < first || gaps.iter().any(|gap| is_of(gap.since, gap.until))
    };
    (0..Days::COUNT).filter(|day| is_unseen(*day)).collect()
}

fn planned(page: &Page<'_>, plans: &[&Plan]) -> Markup {
    html! {
        @if !plans.is_empty() {
            details {
                summary { "Planned uses of root (" (number(plans.len())) ")" }
                div.scroll tabindex="0" role="region" aria-label="Planned uses of root" {
                    table.plans {
                        (heads(&["From", "To", "Ticket", "By"]))
                        tbody {
                            @for plan in plans {
                                tr {
                                    td { (time(plan.from, page.now())) } td { (time(plan.to, page.now())) }
                                    td { (untrusted(&plan.ticket)) } td { (untrusted(&plan.by)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history::History;
    use crate::stored::Stored;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A report of the day before in which each of `regions` was read, or not.
    fn report(regions: &[(&str, bool)]) -> Stored {
        let states = regions.iter().map(|(region, is_read)| {
            let error = json!({"source": "root_events", "operation": "cloudtrail:LookupEvents", "cause": "timed_out"});
            json!({"source": "root_events", "region": region, "as_of": null, "age_seconds": null, "error": (!is_read).then_some(error)})
        });
        Stored::read(&json!({
            "taken_at": "2026-11-20T10:00:00Z", "root_events_since": "2026-11-19T10:00:00Z", "sources": states.collect::<Vec<_>>(),
        }))
    }

    fn said(report: &Stored, history: &History) -> (String, usize) {
        let page = Page { report, history, made_at: at("2026-11-20T10:01:00Z") };
        (summary(&page, &[]), unseen(&page, Days::until(page.made_at)).len())
    }

    #[test]
    fn where_no_region_could_be_read_the_page_says_no_data_and_not_that_root_was_unused() {
        let (text, unseen) = said(&report(&[("us-east-1", false), ("us-west-2", false)]), &History::default());
        assert!(
            text.starts_with("NO DATA: ") && !text.contains("No root activity") && !text.contains("Read since"),
            "{text}"
        );
        assert_eq!(unseen, Days::COUNT);
    }

    #[test]
    fn a_region_and_a_day_without_data_are_named_and_shaded() {
        let (text, unseen) = said(&report(&[("us-east-1", true)]), &History::default());
        assert_eq!(text, "No root activity. Read since 2026-11-19 10:00:00 UTC in 1 Region.");
        assert_eq!(unseen, Days::COUNT - 2);
        let (text, unseen) = said(&report(&[("us-east-1", true), ("us-west-2", false)]), &History::default());
        assert!(text.ends_with("NO DATA for a part of that time in 1 of 2 Regions: us-west-2 (never read)."), "{text}");
        assert_eq!(unseen, Days::COUNT);
        let mut history = History::default();
        history.add(&Stored {
            taken_at: Some(at("2026-11-17T00:00:00Z")),
            root_events_since: Some(at("2026-11-16T00:00:00Z")),
            ..report(&[("us-east-1", true)])
        });
        let (text, unseen) = said(&report(&[("us-east-1", true)]), &history);
        assert!(text.contains("us-east-1 (2026-11-17 00:00:00 UTC to 2026-11-19 10:00:00 UTC)"), "{text}");
        assert_eq!(unseen, Days::COUNT - 2, "16 and 20 November were read");
    }

    #[test]
    fn a_gap_of_every_region_is_said_once() {
        let mut history = History::default();
        let both = [("us-east-1", true), ("us-west-2", true)];
        let (taken_at, root_events_since) = (Some(at("2026-11-17T00:00:00Z")), Some(at("2026-11-16T00:00:00Z")));
        history.add(&Stored { taken_at, root_events_since, ..report(&both) });
        assert_eq!(
            said(&report(&both), &history).0,
            "No root activity. Read since 2026-11-16 00:00:00 UTC in 2 Regions. NO DATA in all of them: 2026-11-17 00:00:00 UTC \
             to 2026-11-19 10:00:00 UTC."
        );
    }
}
