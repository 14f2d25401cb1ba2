//! What root did in 90 days: the chart, the table of acts, the announced uses.

use std::collections::{BTreeMap, HashMap};

use facts::root_activity::Plan;
use facts::root_activity::{Kind, Mfa};
use facts::text::bounded;
use facts::{RootActivity, Severity};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, PreEscaped, html};

use super::Page;
use super::chart::{self, Chart, Point};
use super::days::Days;
use super::words::{badge, capitalised, counted, date, heads, moment, number, rank, time, told};
use crate::looked::Looked;

/// Most acts in the table.
const LISTED: usize = 500;
/// Regions without data that are named.
const REGIONS: usize = 5;
/// Most marks of the chart that tell of themselves; the others are drawn.
const TOLD: usize = 400;
/// Most acts that one mark tells of.
const TOLD_OF_A_DAY: usize = 3;
/// Half the width of what is pointed at: less than a day, so that no mark covers its neighbour's middle; and half its height.
const REACH: (i32, i32) = (8, 12);

pub(super) fn section(page: &Page<'_>) -> Markup {
    let acts = acts(page);
    let plans = plans(page);
    let services = sum(acts.iter().copied().filter(|act| !act.is_told()));
    html! {
        section #timeline aria-labelledby="timeline-title" {
            h2 #timeline-title { "What root did in 90 days" }
            p.lead { (summary(page, &acts)) }
            @if services > 0 {
                p.choice {
                    label {
                        input #services type="checkbox";
                        " Show also what AWS services did in root's name (" (number(services)) "): nobody was signed in"
                    }
                }
            }
            (drawing(page, &acts, &plans))
            (table(page, &acts))
            (announced(&plans))
        }
    }
}

/// All acts that history and report know, each once, a group as it was when it counted most, newest first; those without a time last.
fn acts<'a>(page: &Page<'a>) -> Vec<&'a RootActivity> {
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

fn summary(page: &Page<'_>, acts: &[&RootActivity]) -> String {
    let told: Vec<&RootActivity> = acts.iter().copied().filter(|act| act.is_told()).collect();
    let severe = sum(told.iter().copied().filter(|act| act.severity >= Severity::High));
    let planned = sum(told.iter().copied().filter(|act| act.planned.is_some()));
    let looked = looked(page);
    let mut text = match sum(told.iter().copied()) {
        0 if looked.since().is_none() => return no_data(),
        0 => "No root activity was found where it was looked for.".to_owned(),
        count => format!(
            "{}: {} of high or critical severity, {} in an announced window.",
            counted(count, "act of root", "acts of root"),
            number(severe),
            number(planned)
        ),
    };
    text.push(' ');
    text.push_str(&coverage(page, &looked));
    text
}

/// How many acts `acts` stand for.
fn sum<'a>(acts: impl Iterator<Item = &'a RootActivity>) -> usize {
    acts.map(RootActivity::count).fold(0, usize::saturating_add)
}

fn no_data() -> String {
    "NO DATA: root's events were not read to the end in any Region, so nobody knows what root did.".into()
}

/// Where and when root's events were looked up, as far as history and report tell.
fn looked(page: &Page<'_>) -> Looked {
    let mut looked = page.history.looked.clone();
    looked.add(page.report);
    looked
}

/// What was looked at, and what was not.
fn coverage(page: &Page<'_>, looked: &Looked) -> String {
    let Some(from) = looked.since() else { return no_data() };
    let gaps = looked.gaps(from, page.now());
    let regions = counted(looked.regions(), "Region", "Regions");
    if gaps.is_empty() {
        return format!("Looked at since {} in {regions}.", moment(from));
    }
    let shown = gaps.iter().take(REGIONS).map(|(region, gaps)| match gaps.as_slice() {
        _ if looked.is_blank(region) => format!("{region} (never read)"),
        [gap] => format!("{region} ({} to {})", moment(gap.since), moment(gap.until)),
        gaps => format!("{region} ({} gaps)", number(gaps.len())),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = gaps.len().saturating_sub(REGIONS);
    let more = if more > 0 { format!(" and {} more", number(more)) } else { String::new() };
    format!(
        "Looked at since {}. NO DATA for a part of that time in {} of {regions}: {shown}{more}.",
        moment(from),
        number(gaps.len())
    )
}

/// The days of which not every Region was looked at; the day on which the looking began is not one of them.
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

fn drawing(page: &Page<'_>, acts: &[&RootActivity], plans: &[&Plan]) -> Markup {
    let days = Days::until(page.made_at);
    let mut cells: BTreeMap<(usize, Kind), Vec<usize>> = BTreeMap::new();
    for (place, act) in acts.iter().enumerate() {
        if let Some(day) = act.time.and_then(|at| days.index(at)) {
            cells.entry((day, act.kind)).or_default().push(place);
        }
    }
    let worst = |places: &[usize]| places.iter().filter_map(|place| acts.get(*place)).map(|act| act.severity).max();
    let points: Vec<Point> = cells
        .iter()
        .map(|((day, kind), places)| Point {
            day: *day,
            kind: *kind,
            severity: worst(places).unwrap_or(Severity::Informational),
            several: sum(places.iter().filter_map(|place| acts.get(*place).copied())) > 1,
        })
        .collect();
    let windows: Vec<Plan> = plans.iter().map(|plan| (*plan).clone()).collect();
    let unseen = unseen(page, days);
    match chart::draw(days, &points, &windows, &unseen) {
        Ok(chart) if !points.is_empty() => {
            let marks = marks(acts, &points, &cells, &chart);
            html! {
                (legend(!plans.is_empty(), !unseen.is_empty()))
                div.scroll.drawing tabindex="0" role="region" aria-label="Chart of root's acts by day and kind; the table below has the same" {
                    div.plane {
                        svg.chart viewBox={"0 0 " (chart::WIDTH) " " (chart.height)} xmlns="http://www.w3.org/2000/svg" {
                            g aria-hidden="true" { (PreEscaped(chart.svg)) }
                            g #marks { (marks) }
                        }
                        // Of a third of the chart's width, so that it can stay where it is while the chart is scrolled.
                        svg.names viewBox={"0 0 " (chart::WIDTH / 3) " " (chart.height)} aria-hidden="true" focusable="false" {
                            @for row in &chart.rows {
                                text class=[(!row.is_told).then_some("informational")] x="28" y=(row.y) { (capitalised(row.kind.words().headline)) }
                            }
                        }
                    }
                }
            }
        }
        Ok(_) => Markup::default(),
        Err(undrawn) => html! { p.note { (capitalised(&undrawn.to_string())) ". The table has all of it." } },
    }
}

/// What is pointed at and tabbed to, over the drawn marks, newest first.
fn marks(
    acts: &[&RootActivity],
    points: &[Point],
    cells: &BTreeMap<(usize, Kind), Vec<usize>>,
    chart: &Chart,
) -> Markup {
    let all: Vec<_> = points.iter().zip(&chart.places).zip(cells.values()).rev().collect();
    html! {
        @for ((point, (x, y)), places) in all.into_iter().take(TOLD) {
            a class={"mark " (rank(point.severity))} href={"#" (anchor(places))} {
                title { (tip(acts, point, places)) }
                rect x=(x - REACH.0) y=(y - REACH.1) width=(2 * REACH.0) height=(2 * REACH.1) rx="4" {}
            }
        }
    }
}

fn anchor(places: &[usize]) -> String {
    places.first().filter(|place| **place < LISTED).map_or_else(|| "acts".into(), |place| format!("act-{place}"))
}

/// What a mark stands for, and each of its acts on a line.
fn tip(acts: &[&RootActivity], point: &Point, places: &[usize]) -> String {
    let mut lines = vec![format!("{} · {}", capitalised(point.kind.words().headline), rank(point.severity))];
    let of_it = places.iter().filter_map(|place| acts.get(*place));
    lines.extend(of_it.take(TOLD_OF_A_DAY).map(|act| line(act)));
    if places.len() > TOLD_OF_A_DAY {
        lines.push(format!("and {} more that day", number(places.len() - TOLD_OF_A_DAY)));
    }
    lines.join("\n")
}

/// `2026-11-20 09:18 UTC from 198.51.100.24, MFA NOT used, CHG-7`
fn line(act: &RootActivity) -> String {
    let mut line = act.time.map_or_else(|| "at an unknown time".into(), moment);
    if matches!(act.kind, Kind::WriteCall | Kind::ReadOnlyCall | Kind::WatchTampered) {
        line.push_str(&format!(" {}", bounded(&act.event_name)));
    }
    if act.count() > 1 {
        line.push_str(&format!(" {} times", number(act.count())));
    }
    if let Some(address) = &act.source_address {
        line.push_str(&format!(" from {}", bounded(address)));
    }
    if act.mfa != Mfa::NotRecorded {
        line.push_str(&format!(", MFA {}", act.mfa.words()));
    }
    if act.error.is_some() {
        line.push_str(", refused");
    }
    if let Some(plan) = &act.planned {
        line.push_str(&format!(", announced: {}", bounded(&plan.ticket)));
    }
    line
}

fn headline(act: &RootActivity) -> String {
    bounded(&act.headline())
}

fn legend(planned: bool, unseen: bool) -> Markup {
    use Severity::{Critical, High, Informational, Low, Medium};
    html! {
        ul.legend aria-label="Legend" {
            @for severity in [Critical, High, Medium, Low, Informational] {
                li class=(rank(severity)) {
                    svg viewBox="-10 -10 20 20" aria-hidden="true" focusable="false" {
                        polygon points=(points(severity)) {}
                    }
                    (capitalised(rank(severity)))
                }
            }
            @if planned { li.planned { span {} "Announced window" } }
            @if unseen { li.unseen { span {} "No data" } }
        }
    }
}

fn points(severity: Severity) -> String {
    let corners = chart::corners(severity).iter().map(|(x, y)| format!("{x},{y}"));
    corners.collect::<Vec<_>>().join(" ")
}

fn table(page: &Page<'_>, acts: &[&RootActivity]) -> Markup {
    let columns = ["Time", "Severity", "What", "From", "User agent", "MFA", "Announced", "Region", "Event"];
    html! {
        @if !acts.is_empty() {
            div.table #acts data-table="acts" data-size="25" {
                div.tools hidden {
                    label { "Find " input.find type="search" autocomplete="off" spellcheck="false"; }
                    label { "Show "
                        select.tag {
                            option value="" { "all acts" }
                            option value="severe" { "high and critical" }
                            option value="nomfa" { "without MFA" }
                            option value="unplanned" { "not announced" }
                        }
                    }
                    p.shown role="status" {}
                }
                div.scroll tabindex="0" role="region" aria-label="Table of acts" {
                    table.acts {
                        caption { "Acts of root, the newest first" }
                        thead { tr { @for column in columns { th scope="col" { (column) } } } }
                        tbody { @for (place, act) in acts.iter().take(LISTED).enumerate() { (row(page, place, act)) } }
                    }
                }
                div.pages hidden {
                    button.back type="button" { "Back" } span.page {} button.forth type="button" { "Next" }
                }
            }
            @if acts.len() > LISTED { p.note { (counted(acts.len() - LISTED, "older act is", "older acts are")) " not listed here; the reports have them." } }
        }
    }
}

fn row(page: &Page<'_>, place: usize, act: &RootActivity) -> Markup {
    let link = page.report.account.as_ref().and_then(|account| act.console_url(account));
    html! {
        tr id={"act-" (place)} class=[(!act.is_told()).then_some("service")] data-tags=(tags(act)) {
            td { (act.time.map_or_else(|| "not told".into(), moment)) }
            td data-key=(act.severity as u8) { (badge(act.severity)) }
            td {
                (told(&headline(act)))
                @if let Some(target) = &act.target { span.more { (told(target)) } }
                @if let Some(name) = &act.federated_user { span.more { "in a session issued by root, for federated user " (told(name)) } }
                @if let Some(error) = &act.error { span.more { "refused: " (told(error)) } }
                @if let Some(added) = &act.completed { span.more { "CloudTrail wrote this record again: " (told(added)) } }
                @if let Some(folded) = &act.folded { span.more { (number(folded.count)) " acts as one" @if let Some(since) = folded.since { ", since " (moment(since)) } } }
                @if !act.details_readable { span.more { "its record could not be read" } }
            }
            td { @if let Some(address) = &act.source_address { (told(address)) } @else { "–" } }
            td { @if let Some(agent) = &act.user_agent { (told(agent)) } @else { "–" } }
            td { (act.mfa.words()) }
            td { @if let Some(plan) = &act.planned { (told(&plan.ticket)) span.more { (told(&plan.by)) } } @else { "no" } }
            td { (told(&act.region)) }
            td { @if let Some(url) = &link { a href=(url) { "CloudTrail" } } @else { "–" } }
        }
    }
}

fn tags(act: &RootActivity) -> String {
    let tags = [
        ("severe", act.severity >= Severity::High),
        ("nomfa", act.mfa == Mfa::NotUsed),
        ("unplanned", act.planned.is_none()),
    ];
    tags.iter().filter(|(_, is_so)| *is_so).map(|(tag, _)| *tag).collect::<Vec<_>>().join(" ")
}

fn announced(plans: &[&Plan]) -> Markup {
    html! {
        @if !plans.is_empty() {
            details {
                summary { "Announced uses of root (" (number(plans.len())) ")" }
                div.scroll tabindex="0" role="region" aria-label="Announced uses of root" {
                    table {
                        (heads(&["From", "To", "Ticket", "By"]))
                        tbody {
                            @for plan in plans {
                                tr {
                                    td.nowrap { (time(plan.from)) } td.nowrap { (time(plan.to)) }
                                    td { (told(&plan.ticket)) } td { (told(&plan.by)) }
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

    fn told(report: &Stored, history: &History) -> (String, usize) {
        let page = Page { report, history, made_at: at("2026-11-20T10:01:00Z") };
        (summary(&page, &[]), unseen(&page, Days::until(page.made_at)).len())
    }

    #[test]
    fn where_no_region_could_be_read_the_page_says_no_data_and_not_that_root_did_nothing() {
        let (text, unseen) = told(&report(&[("us-east-1", false), ("us-west-2", false)]), &History::default());
        assert!(
            text.starts_with("NO DATA: ") && !text.contains("No root activity") && !text.contains("Looked at"),
            "{text}"
        );
        assert_eq!(unseen, Days::COUNT);
    }

    #[test]
    fn a_region_and_a_day_without_data_are_named_and_shaded() {
        let (text, unseen) = told(&report(&[("us-east-1", true)]), &History::default());
        assert_eq!(
            text,
            "No root activity was found where it was looked for. Looked at since 2026-11-19 10:00 UTC in 1 Region."
        );
        assert_eq!(unseen, Days::COUNT - 2);
        let (text, unseen) = told(&report(&[("us-east-1", true), ("us-west-2", false)]), &History::default());
        assert!(text.ends_with("NO DATA for a part of that time in 1 of 2 Regions: us-west-2 (never read)."), "{text}");
        assert_eq!(unseen, Days::COUNT);
        let mut history = History::default();
        history.add(&Stored {
            taken_at: Some(at("2026-11-17T00:00:00Z")),
            root_events_since: Some(at("2026-11-16T00:00:00Z")),
            ..report(&[("us-east-1", true)])
        });
        let (text, unseen) = told(&report(&[("us-east-1", true)]), &history);
        assert!(text.contains("us-east-1 (2026-11-17 00:00 UTC to 2026-11-19 10:00 UTC)"), "{text}");
        assert_eq!(unseen, Days::COUNT - 2, "16 and 20 November were looked at");
    }
}
