//! The history of each control: a cell a day for 90 days.

use std::collections::BTreeMap;

use checklist::report::status_of;
use checklist::{CHECKLIST, Control, Step};
use facts::Status;
use maud::{Markup, html};

use super::Page;
use super::days::Days;
use super::words::{capitalised, counted, number, state};

/// Units of the drawing a day.
const CELL: usize = 10;
const HEIGHT: usize = 20;
/// Most stretches of trouble that a summary dates.
const DATED: usize = 6;

/// What a day was like, the worse the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    /// It was not evaluated.
    Gap,
    NotApplicable,
    Passed,
    Suppressed,
    Unknown,
    Failed,
}

impl Cell {
    const ALL: [Self; 6] =
        [Self::Failed, Self::Unknown, Self::Suppressed, Self::Passed, Self::NotApplicable, Self::Gap];

    fn of(status: Status, is_suppressed: bool) -> Self {
        match status {
            Status::Failed | Status::Unknown if is_suppressed => Self::Suppressed,
            Status::Failed => Self::Failed,
            Status::Unknown => Self::Unknown,
            Status::Passed => Self::Passed,
            Status::NotApplicable => Self::NotApplicable,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Gap => "no data",
            Self::NotApplicable => "not applicable",
            Self::Passed => "passed",
            Self::Suppressed => "suppressed",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::NotApplicable => "not-applicable",
            Self::Passed => "passed",
            Self::Suppressed => "suppressed",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    /// The worse the higher: readable without colour.
    fn height(self) -> usize {
        match self {
            Self::Gap => 0,
            Self::NotApplicable => 3,
            Self::Passed => 6,
            Self::Suppressed => 11,
            Self::Unknown => 15,
            Self::Failed => HEIGHT,
        }
    }
}

type Strip = [Cell; Days::COUNT];

pub(super) fn section(page: &Page<'_>) -> Markup {
    let days = Days::until(page.made_at);
    let strips = strips(page, days);
    let silent =
        (0..Days::COUNT).filter(|day| strips.values().all(|strip| strip.get(*day) == Some(&Cell::Gap))).count();
    let unknown = page
        .history
        .runs
        .last()
        .map_or(0, |run| run.statuses.keys().filter(|id| checklist::controls::control(id).is_none()).count());
    html! {
        section #history aria-labelledby="history-title" {
            h2 #history-title { "Control history" }
            p.lead {
                "Last 90 days, the worst status of each day. "
                @if silent == Days::COUNT { "No day has data." }
                @else if silent > 0 { (counted(silent, "day has", "days have")) " no data: no check of that day is stored." }
            }
            @if unknown > 0 {
                p.note { (counted(unknown, "control", "controls")) " of the history unknown to this version, not shown." }
            }
            @if silent < Days::COUNT {
                ul.legend aria-label="Legend" {
                    @for cell in Cell::ALL { li { svg.strip viewBox={"0 0 10 " (HEIGHT)} aria-hidden="true" focusable="false" { (bar(cell, 0, 1)) } (cell.words()) } }
                }
                @for step in Step::ALL { (group(page, days, &strips, Some(step), &format!("{}. {}", step.number(), step.title()))) }
                (group(page, days, &strips, None, "Account baseline"))
            }
        }
    }
}

/// The worst of each day, by control.
fn strips(page: &Page<'_>, days: Days) -> BTreeMap<&'static str, Strip> {
    let mut strips: BTreeMap<&str, Strip> =
        CHECKLIST.iter().map(|control| (control.id, [Cell::Gap; Days::COUNT])).collect();
    let mut note = |id: &str, from: Option<usize>, until: Option<usize>, cell: Cell| {
        let (Some(strip), Some(until)) = (strips.get_mut(id), until) else { return };
        for day in strip.get_mut(from.unwrap_or(0)..=until).into_iter().flatten() {
            *day = cell.max(*day);
        }
    };
    for run in &page.history.runs {
        for (id, status) in &run.statuses {
            note(id, days.index(run.from), days.index(run.until), Cell::of(*status, run.suppressed.contains(id)));
        }
    }
    let today = page.report.taken_at.and_then(|at| days.index(at));
    for finding in page.report.findings.iter().filter(|_| today.is_some()) {
        note(finding.control, today, today, Cell::of(finding.status, finding.is_suppressed()));
    }
    strips
}

fn group(
    page: &Page<'_>,
    days: Days,
    strips: &BTreeMap<&'static str, Strip>,
    step: Option<Step>,
    title: &str,
) -> Markup {
    let was_evaluated =
        |control: &&&Control| strips.get(control.id).is_some_and(|strip| strip.iter().any(|day| *day != Cell::Gap));
    let controls: Vec<_> = CHECKLIST.iter().filter(|control| control.step == step).filter(was_evaluated).collect();
    html! {
        @if !controls.is_empty() {
            div.strips {
                div.head {
                    h3 { (title) }
                    p.ends aria-hidden="true" { span { (days.date(0).strftime("%-d %b")) } span { (days.date(Days::COUNT - 1).strftime("%-d %b")) } }
                    @if page.report.findings.iter().any(|finding| finding.step == step) { p.now { (state(status_of(&page.report.findings, step))) } }
                }
                @for control in controls { @if let Some(strip) = strips.get(control.id) { (line(page, days, control, strip)) } }
            }
        }
    }
}

fn line(page: &Page<'_>, days: Days, control: &Control, strip: &Strip) -> Markup {
    let finding = page.report.findings.iter().find(|finding| finding.control == control.id);
    let is_open = finding.is_some_and(|finding| matches!(finding.status, Status::Failed | Status::Unknown));
    html! {
        div.line.open[is_open] {
            p.name { (control.title) }
            svg.strip viewBox={"0 0 " (CELL * Days::COUNT) " " (HEIGHT)} preserveAspectRatio="none" role="img" aria-label=(summary(days, control, strip)) {
                @for (from, count, cell) in stretches(strip) {
                    g { title { (words_of(days, from, count, cell)) } (bar(cell, from, count)) }
                }
            }
            p.now { @if let Some(finding) = finding { (state(finding.status)) } @else { "no data" } }
        }
    }
}

/// A bar that stands on the ground, and what is pointed at: the whole height.
fn bar(cell: Cell, from: usize, count: usize) -> Markup {
    html! {
        rect.ground x=(from * CELL) y="0" width=(count * CELL) height=(HEIGHT) {}
        @if cell != Cell::Gap {
            rect class=(cell.class()) x=(from * CELL) y=(HEIGHT - cell.height()) width=(count * CELL) height=(cell.height()) {}
        }
    }
}

fn words_of(days: Days, from: usize, count: usize, cell: Cell) -> String {
    let (first, last) = (days.date(from), days.date(from + count - 1));
    if count == 1 {
        format!("{first}: {}", cell.words())
    } else {
        format!("{first} to {last}, {} days: {}", number(count), cell.words())
    }
}

/// `root-mfa in 90 days: failed on 3 days, passed on 60 days, no data on 27 days`, and the days of trouble.
fn summary(days: Days, control: &Control, strip: &Strip) -> String {
    let counts = Cell::ALL.iter().map(|cell| (cell, strip.iter().filter(|day| *day == cell).count()));
    let parts = counts.filter(|(_, count)| *count > 0);
    let parts: Vec<String> =
        parts.map(|(cell, count)| format!("{} on {}", cell.words(), counted(count, "day", "days"))).collect();
    format!("{} in {} days: {}{}", control.id, Days::COUNT, parts.join(", "), trouble(days, strip))
}

/// `. Failed 2026-11-18 to 2026-11-20; unknown 2026-10-04; and 2 times before`: the newest stretches.
fn trouble(days: Days, strip: &Strip) -> String {
    let mut dated: Vec<String> = stretches(strip)
        .filter(|(_, _, cell)| matches!(cell, Cell::Failed | Cell::Unknown))
        .map(|(from, count, cell)| {
            let (first, last) = (days.date(from), days.date(from + count - 1));
            if count == 1 { format!("{} {first}", cell.words()) } else { format!("{} {first} to {last}", cell.words()) }
        })
        .collect();
    dated.reverse();
    let before = dated.len().saturating_sub(DATED);
    dated.truncate(DATED);
    if before > 0 {
        dated.push(format!("and {} before", counted(before, "time", "times")));
    }
    if dated.is_empty() { String::new() } else { format!(". {}", capitalised(&dated.join("; "))) }
}

/// Neighbouring days that are alike: the first one, how many, and what they are.
fn stretches(strip: &Strip) -> impl Iterator<Item = (usize, usize, Cell)> {
    let mut start = 0;
    strip.chunk_by(|day, next| day == next).map(move |days| {
        let stretch = (start, days.len(), days.first().copied().unwrap_or(Cell::Gap));
        start += days.len();
        stretch
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::history::{History, Run};
    use crate::stored::Stored;

    fn run(from: &str, until: &str, status: Status, suppressed: bool) -> Run {
        Run {
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
            runs: 1,
            complete: 1,
            statuses: [("root-mfa".to_owned(), status), ("of-tomorrow".to_owned(), status)].into(),
            suppressed: if suppressed { ["root-mfa".to_owned()].into() } else { [].into() },
            root_activity: BTreeMap::new(),
        }
    }

    #[test]
    fn a_day_is_as_bad_as_its_worst_run_and_a_day_without_a_run_is_a_gap() {
        let made_at: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let history = History {
            runs: vec![
                run("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", Status::Failed, false),
                run("2026-11-16T01:00:00Z", "2026-11-17T01:00:00Z", Status::Failed, true),
                run("2026-11-18T01:00:00Z", "2026-11-18T03:00:00Z", Status::Unknown, false),
                run("2026-11-18T04:00:00Z", "2026-11-18T05:00:00Z", Status::Passed, false),
                run("2026-11-20T04:00:00Z", "2026-11-20T05:00:00Z", Status::Passed, false),
            ],
            ..History::default()
        };
        let page = Page { report: &Stored::default(), history: &history, made_at };
        let strips = strips(&page, Days::until(made_at));
        let strip = strips["root-mfa"];
        assert_eq!(strip[85..], [Cell::Suppressed, Cell::Suppressed, Cell::Unknown, Cell::Gap, Cell::Passed]);
        assert!(strip[..85].iter().all(|day| *day == Cell::Gap), "what lies before is not shown");
        let control = checklist::controls::control("root-mfa").unwrap();
        assert_eq!(
            summary(Days::until(made_at), control, &strip),
            "root-mfa in 90 days: unknown on 1 day, suppressed on 2 days, passed on 1 day, no data on 86 days. \
             Unknown 2026-11-18"
        );
        assert!(section(&page).into_string().contains("1 control of the history unknown"));
    }

    #[test]
    fn a_summary_dates_the_newest_stretches_of_trouble_and_counts_the_others() {
        let days = Days::until("2026-11-20T12:00:00Z".parse().unwrap());
        let mut strip = [Cell::Passed; Days::COUNT];
        strip[86..].fill(Cell::Failed);
        strip[85] = Cell::Unknown;
        for day in (0..14).step_by(2) {
            strip[day] = Cell::Failed;
        }
        assert_eq!(
            trouble(days, &strip),
            ". Failed 2026-11-17 to 2026-11-20; unknown 2026-11-16; failed 2026-09-04; failed 2026-09-02; \
             failed 2026-08-31; failed 2026-08-29; and 3 times before"
        );
        assert_eq!(trouble(days, &[Cell::Passed; Days::COUNT]), "");
    }
}
