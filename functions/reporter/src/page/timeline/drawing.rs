//! The chart of root activity: what plotters draws, with marks that a mouse, a keyboard and a screen reader reach.

use std::collections::BTreeMap;

use facts::root_activity::{Kind, Mfa, Plan};
use facts::text::bounded;
use facts::{RootActivity, Severity};
use maud::{Markup, PreEscaped, html};

use super::{LISTED, sum};
use crate::page::Page;
use crate::page::chart::{self, Chart, Point};
use crate::page::days::Days;
use crate::page::words::{capitalised, distance, moment, number, rank};

/// Most marks of the chart that have a tip; the others are drawn.
const TIPS: usize = 400;
/// Most root actions that one tip lists.
const LINES: usize = 3;
/// Half the width of what is pointed at: less than a day, so that no mark covers its neighbour's middle; and half its height.
const REACH: (i32, i32) = (8, 12);

pub(super) fn section(page: &Page<'_>, actions: &[&RootActivity], plans: &[&Plan], unseen: &[usize]) -> Markup {
    let days = Days::until(page.made_at);
    let mut cells: BTreeMap<(usize, Kind), Vec<usize>> = BTreeMap::new();
    for (place, action) in actions.iter().enumerate() {
        if let Some(day) = action.time.and_then(|at| days.index(at)) {
            cells.entry((day, action.kind)).or_default().push(place);
        }
    }
    let worst =
        |places: &[usize]| places.iter().filter_map(|place| actions.get(*place)).map(|action| action.severity).max();
    let points: Vec<Point> = cells
        .iter()
        .map(|((day, kind), places)| Point {
            day: *day,
            kind: *kind,
            severity: worst(places).unwrap_or(Severity::Informational),
            several: sum(places.iter().filter_map(|place| actions.get(*place).copied())) > 1,
        })
        .collect();
    let windows: Vec<Plan> = plans.iter().map(|plan| (*plan).clone()).collect();
    match chart::draw(days, &points, &windows, unseen) {
        Ok(chart) if !points.is_empty() => {
            let marks = marks(page, actions, &points, &cells, &chart);
            html! {
                (legend(!plans.is_empty(), !unseen.is_empty()))
                div.scroll.drawing tabindex="0" role="region" aria-label="Chart of root activity by day and kind; the table below lists the same" {
                    div.plane {
                        svg.chart viewBox={"0 0 " (chart::WIDTH) " " (chart.height)} xmlns="http://www.w3.org/2000/svg" {
                            g aria-hidden="true" { (PreEscaped(chart.svg)) }
                            g #marks { (marks) }
                        }
                        // Of a third of the chart's width, so that it can stay where it is while the chart is scrolled.
                        svg.names viewBox={"0 0 " (chart::WIDTH / 3) " " (chart.height)} aria-hidden="true" focusable="false" {
                            @for row in &chart.rows {
                                text class=[(!row.is_shown).then_some("informational")] x="28" y=(row.y) { (capitalised(row.kind.words().headline)) }
                            }
                        }
                    }
                }
            }
        }
        Ok(_) => Markup::default(),
        Err(undrawn) => html! { p.note { (capitalised(&undrawn.to_string())) ". The table lists all of it." } },
    }
}

/// What is pointed at and tabbed to, over the drawn marks, newest first.
fn marks(
    page: &Page<'_>,
    actions: &[&RootActivity],
    points: &[Point],
    cells: &BTreeMap<(usize, Kind), Vec<usize>>,
    chart: &Chart,
) -> Markup {
    let all: Vec<_> = points.iter().zip(&chart.places).zip(cells.values()).rev().collect();
    html! {
        @for ((point, (x, y)), places) in all.into_iter().take(TIPS) {
            a class={"mark " (rank(point.severity))} href={"#" (anchor(places))} {
                title { (tip(page, actions, point, places)) }
                rect x=(x - REACH.0) y=(y - REACH.1) width=(2 * REACH.0) height=(2 * REACH.1) rx="4" {}
            }
        }
    }
}

fn anchor(places: &[usize]) -> String {
    places.first().filter(|place| **place < LISTED).map_or_else(|| "activity".into(), |place| format!("action-{place}"))
}

/// What a mark stands for, and each of its root actions on a line.
fn tip(page: &Page<'_>, actions: &[&RootActivity], point: &Point, places: &[usize]) -> String {
    let mut lines = vec![format!("{} · {}", capitalised(point.kind.words().headline), rank(point.severity))];
    let of_it = places.iter().filter_map(|place| actions.get(*place));
    lines.extend(of_it.take(LINES).map(|action| line(page, action)));
    if places.len() > LINES {
        lines.push(format!("and {} more that day", number(places.len() - LINES)));
    }
    lines.join("\n")
}

/// `2026-11-20 09:18:00 UTC (9 min ago) from 198.51.100.24, MFA NOT used, planned: CHG-7`
fn line(page: &Page<'_>, action: &RootActivity) -> String {
    let mut line = action
        .time
        .map_or_else(|| "at an unknown time".into(), |at| format!("{} ({})", moment(at), distance(at, page.now())));
    if matches!(action.kind, Kind::WriteCall | Kind::ReadOnlyCall | Kind::WatchTampered) {
        line.push_str(&format!(" {}", bounded(&action.event_name)));
    }
    if action.count() > 1 {
        line.push_str(&format!(" {} times", number(action.count())));
    }
    if let Some(address) = &action.source_address {
        line.push_str(&format!(" from {}", bounded(address)));
    }
    if action.mfa != Mfa::NotRecorded {
        line.push_str(&format!(", MFA {}", action.mfa.words()));
    }
    if action.error.is_some() {
        line.push_str(", refused");
    }
    if let Some(plan) = &action.planned {
        line.push_str(&format!(", planned: {}", bounded(&plan.ticket)));
    }
    line
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
            @if planned { li.planned { span {} "Planned window" } }
            @if unseen { li.unseen { span {} "No data" } }
        }
    }
}

fn points(severity: Severity) -> String {
    let corners = chart::corners(severity).iter().map(|(x, y)| format!("{x},{y}"));
    corners.collect::<Vec<_>>().join(" ")
}
