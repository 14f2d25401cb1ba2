//! What root did in 90 days: the chart, the table of acts, the announced uses.

use std::collections::{BTreeMap, HashSet};

use checklist::alert::Plan;
use checklist::root_activity::{Kind, Mfa};
use checklist::text::bounded;
use checklist::{RootActivity, Severity};
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};

use super::Page;
use super::chart::{self, Chart, Point};
use super::days::Days;
use super::words::{badge, capitalised, counted, heads, moment, number, rank, time, told};

/// Most acts in the table.
const LISTED: usize = 500;
/// Most marks of the chart that tell of themselves; the others are drawn.
const TOLD: usize = 400;
/// Most acts that one mark tells of.
const TOLD_OF_A_DAY: usize = 3;
/// Half the width of what is pointed at: less than a day, so that no mark covers its neighbour's middle; and half its height.
const REACH: (i32, i32) = (8, 12);

pub(super) fn section(page: &Page<'_>) -> Markup {
    let acts = acts(page);
    let plans = plans(page);
    let services = acts.iter().filter(|act| !act.is_told()).count();
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

/// All acts that history and report know, each once, newest first; those without a time last.
fn acts<'a>(page: &Page<'a>) -> Vec<&'a RootActivity> {
    let mut seen = HashSet::new();
    let known = page.report.root_activity.iter().chain(&page.history.acts);
    let mut acts: Vec<&RootActivity> = known.filter(|act| seen.insert(act.event_id.as_str())).collect();
    acts.sort_by_key(|act| std::cmp::Reverse((act.time, act.severity)));
    acts
}

fn plans<'a>(page: &Page<'a>) -> Vec<&'a Plan> {
    let mut plans: Vec<&Plan> = page.history.plans.iter().collect();
    plans.extend(page.report.plans.iter().filter(|plan| !page.history.plans.contains(plan)));
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.from));
    plans
}

fn summary(page: &Page<'_>, acts: &[&RootActivity]) -> String {
    let told: Vec<_> = acts.iter().filter(|act| act.is_told()).collect();
    let severe = told.iter().filter(|act| act.severity >= Severity::High).count();
    let planned = told.iter().filter(|act| act.planned.is_some()).count();
    let mut text = match told.len() {
        0 => "No act of root is known.".to_owned(),
        count => format!(
            "{}: {} of high or critical severity, {} in an announced window.",
            counted(count, "act of root", "acts of root"),
            number(severe),
            number(planned)
        ),
    };
    if let Some(from) = seen_from(page) {
        text.push_str(&format!(" Looked at since {}.", moment(from)));
    }
    text
}

/// From when on root's events were looked up.
fn seen_from(page: &Page<'_>) -> Option<Timestamp> {
    let first = page.history.runs.first().map(|run| run.from);
    [page.report.root_events_since, page.history.root_events_since, first].into_iter().flatten().min()
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
            several: places.len() > 1,
        })
        .collect();
    let windows: Vec<Plan> = plans.iter().map(|plan| (*plan).clone()).collect();
    let seen_from = seen_from(page).unwrap_or(page.made_at);
    match chart::draw(days, &points, &windows, seen_from) {
        Ok(chart) if !points.is_empty() => {
            let marks = marks(acts, &points, &cells, &chart);
            html! {
                (legend(!plans.is_empty(), days.offset(seen_from) >= 1.0))
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
            @if unseen { li.unseen { span {} "Not looked at" } }
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
                @if let Some(error) = &act.error { span.more { "refused: " (told(error)) } }
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
    use super::*;
    use crate::history::History;
    use crate::stored::Stored;

    #[test]
    fn what_was_looked_through_begins_before_the_first_run() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let report = Stored { root_events_since: Some(at("2026-11-19T10:00:00Z")), ..Stored::default() };
        let mut history = History { root_events_since: Some(at("2026-08-22T10:00:00Z")), ..History::default() };
        let since =
            |history: &History| seen_from(&Page { report: &report, history, made_at: at("2026-11-20T10:00:00Z") });
        assert_eq!(since(&history), history.root_events_since);
        history.root_events_since = None;
        assert_eq!(since(&history), report.root_events_since, "of an older version");
    }
}
