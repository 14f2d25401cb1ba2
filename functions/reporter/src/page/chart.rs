//! The chart of root activity: a row a kind, a column a day, drawn by plotters as SVG.
//!
//! Every part has a colour of its own, by which `style.css` repaints it in the dark and hides what was not chosen.

use std::collections::BTreeMap;

use facts::Severity;
use facts::root_activity::Kind;
use facts::root_activity::Plan;
use plotters::prelude::*;
use plotters::style::RGBColor;

use super::days::Days;

/// Of the drawing, in its own units; the page scales it.
pub(super) const WIDTH: u32 = 1_040;
const DATES: u32 = 34;
/// The name above, the marks below.
const ROW: u32 = 42;
const MARGIN: u32 = 12;

const INK: RGBColor = RGBColor(0x1c, 0x21, 0x28);
const LINE: RGBColor = RGBColor(0xd9, 0xde, 0xe5);
const UNSEEN: RGBColor = RGBColor(0xe9, 0xec, 0xf0);
const PLANNED: RGBColor = RGBColor(0xb9, 0xd3, 0xf7);

/// A chart that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the chart of root activity cannot be drawn: {0}")]
pub(super) struct Undrawn(String);

/// Root actions of one kind on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    /// [`Days::index`].
    pub(super) day: usize,
    /// What.
    pub(super) kind: Kind,
    /// Of the worst.
    pub(super) severity: Severity,
    /// Whether there are several.
    pub(super) several: bool,
}

/// What is drawn.
#[derive(Debug)]
pub(super) struct Chart {
    /// An `<svg>` of [`WIDTH`] and `height`.
    pub(super) svg: String,
    /// Its height.
    pub(super) height: u32,
    /// Where each point lies in it.
    pub(super) places: Vec<(i32, i32)>,
    /// The rows from the top. Their names are not drawn: a narrow screen scrolls the drawing, and they must stay.
    pub(super) rows: Vec<Row>,
}

/// A row of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Whose root actions.
    pub(super) kind: Kind,
    /// Where the middle of its name lies.
    pub(super) y: i32,
    /// Whether one of its marks is shown at once; else the row is hidden with them.
    pub(super) is_shown: bool,
}

/// The corners of a severity's mark around its middle: a shape for each, so that they differ without colour.
pub(super) fn corners(severity: Severity) -> &'static [(i32, i32)] {
    match severity {
        Severity::Critical => &[(0, -9), (9, 0), (0, 9), (-9, 0)],
        Severity::High => &[(0, -8), (8, 7), (-8, 7)],
        Severity::Medium => &[(-6, -6), (6, -6), (6, 6), (-6, 6)],
        Severity::Low => &[(-2, -6), (2, -6), (6, -2), (6, 2), (2, 6), (-2, 6), (-6, 2), (-6, -2)],
        Severity::Informational => &[
            (-1, -4),
            (1, -4),
            (1, -1),
            (4, -1),
            (4, 1),
            (1, 1),
            (1, 4),
            (-1, 4),
            (-1, 1),
            (-4, 1),
            (-4, -1),
            (-1, -1),
        ],
    }
}

/// The colour of a severity's marks in the light.
fn colour(severity: Severity) -> RGBColor {
    match severity {
        Severity::Critical => RGBColor(0xa4, 0x0e, 0x26),
        Severity::High => RGBColor(0xc2, 0x41, 0x0c),
        Severity::Medium => RGBColor(0x9a, 0x67, 0x00),
        Severity::Low => RGBColor(0x1d, 0x5f, 0xa8),
        Severity::Informational => RGBColor(0x6b, 0x74, 0x80),
    }
}

/// Draws `points`. Of the days `unseen` there is no data, or not of every Region.
///
/// # Errors
/// See [`Undrawn`].
pub(super) fn draw(days: Days, points: &[Point], plans: &[Plan], unseen: &[usize]) -> Result<Chart, Undrawn> {
    let rows: BTreeMap<usize, Kind> =
        Kind::ALL.into_iter().filter(|kind| points.iter().any(|point| point.kind == *kind)).rev().enumerate().collect();
    let count = u32::try_from(rows.len().max(1)).unwrap_or(1);
    let height = ROW * count + DATES + MARGIN;
    let mut chart = Chart { svg: String::new(), height, places: Vec::new(), rows: Vec::new() };
    fill(&mut chart, days, &rows, points, plans, unseen).map_err(|error| Undrawn(error.to_string()))?;
    Ok(chart)
}

type Failed = DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>;

fn fill(
    Chart { svg, height, places, rows: named }: &mut Chart,
    days: Days,
    rows: &BTreeMap<usize, Kind>,
    points: &[Point],
    plans: &[Plan],
    unseen: &[usize],
) -> Result<(), Failed> {
    let root = SVGBackend::with_string(svg, (WIDTH, *height)).into_drawing_area();
    #[expect(clippy::cast_precision_loss, reason = "90 days, and 21 kinds at most")]
    let (end, top) = (Days::COUNT as f64, rows.len().max(1) as f64);
    let mut chart = ChartBuilder::on(&root)
        .margin_top(MARGIN)
        .margin_left(2 * MARGIN)
        .margin_right(2 * MARGIN)
        .set_label_area_size(LabelAreaPosition::Bottom, DATES)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    // Marks stand in the middle of their days, so shades cover whole days.
    let unseen = runs(unseen).into_iter().map(|(from, to)| {
        #[expect(clippy::cast_precision_loss, reason = "90 days")]
        let (from, to) = (from as f64, to as f64);
        Rectangle::new([(from, 0.0), (to, top)], UNSEEN.filled())
    });
    chart.draw_series(unseen)?;
    let windows = plans.iter().map(|plan| (days.offset(plan.from).floor(), days.offset(plan.to).ceil()));
    let windows = windows.filter(|(from, to)| from < to);
    chart.draw_series(windows.map(|(from, to)| Rectangle::new([(from, 0.0), (to, top)], PLANNED.filled())))?;
    let text = TextStyle::from(("sans-serif", 13).into_font()).color(&INK);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days are few and not negative")]
    let whole = |value: f64| value.max(0.0) as usize;
    chart
        .configure_mesh()
        .bold_line_style(LINE)
        .light_line_style(TRANSPARENT)
        .axis_style(LINE)
        .label_style(text)
        .y_labels(0)
        .x_labels(10)
        .x_label_formatter(&|day| short(days, whole(*day)))
        .draw()?;
    let mut middles = BTreeMap::new();
    for (row, kind) in rows {
        #[expect(clippy::cast_precision_loss, reason = "21 kinds at most")]
        let below = *row as f64;
        chart.draw_series([PathElement::new([(0.0, below), (end, below)], LINE)])?;
        let is_shown = points.iter().any(|point| point.kind == *kind && point.severity > Severity::Informational);
        let (_, y) = chart.backend_coord(&(0.0, below + 0.8));
        named.push(Row { kind: *kind, y, is_shown });
        middles.insert(*kind, below + 0.32);
    }
    named.reverse();
    for point in points {
        #[expect(clippy::cast_precision_loss, reason = "90 days")]
        let at = (point.day as f64 + 0.5, middles.get(&point.kind).copied().unwrap_or_default());
        let larger = i32::from(point.several);
        let corners = corners(point.severity).iter().map(|(x, y)| (x + x.signum() * larger, y + y.signum() * larger));
        let mark = EmptyElement::at(at) + Polygon::new(corners.collect::<Vec<_>>(), colour(point.severity).filled());
        chart.draw_series([mark])?;
        places.push(chart.backend_coord(&at));
    }
    root.present()?;
    Ok(())
}

/// Days in a row, from the first one to behind the last one; `days` in order.
fn runs(days: &[usize]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for day in days {
        match runs.last_mut() {
            Some((_, end)) if *end == *day => *end += 1,
            _ => runs.push((*day, day + 1)),
        }
    }
    runs
}

/// `24 Aug`.
fn short(days: Days, index: usize) -> String {
    days.date(index).strftime("%-d %b").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days() -> Days {
        Days::until("2026-11-20T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn each_point_lies_in_the_row_of_its_kind_and_the_column_of_its_day() {
        let point = |day, kind| Point { day, kind, severity: Severity::High, several: false };
        let points = [point(0, Kind::SignInSucceeded), point(89, Kind::SignInSucceeded), point(89, Kind::WriteCall)];
        let chart = draw(days(), &points, &[], &[]).unwrap();
        let [first, last, below] = chart.places[..] else { panic!("three places") };
        assert!(first.0 > 0 && first.0 < last.0 && last.0 < WIDTH.cast_signed());
        assert!(first.1 == last.1 && last.1 < below.1 && below.1 < chart.height.cast_signed());
        assert_eq!(last.0, below.0);
        assert!(chart.svg.contains("23 Aug"));
        let [upper, lower] = chart.rows[..] else { panic!("a kind without an act has no row: {:?}", chart.rows) };
        assert_eq!((upper.kind, lower.kind), (Kind::SignInSucceeded, Kind::WriteCall));
        assert!(upper.y < first.1 && first.1 < lower.y && lower.y < below.1, "each name stands above its marks");
    }

    /// From where to where `colour` shades, from left to right.
    fn shades(svg: &str, colour: &str) -> Vec<(f64, f64)> {
        let number = |rect: &str, name: &str| -> f64 {
            rect.split_once(&format!(" {name}=\"")).unwrap().1.split('"').next().unwrap().parse().unwrap()
        };
        let rects = svg.split("<rect").skip(1).map(|rest| rest.split("/>").next().unwrap());
        let shades = rects.filter(|rect| rect.contains(&format!("fill=\"{colour}\"")));
        shades.map(|rect| (number(rect, "x"), number(rect, "x") + number(rect, "width"))).collect()
    }

    #[test]
    fn a_window_shades_the_whole_days_of_its_acts_and_no_other() {
        let plan = |from: &str, to: &str| Plan {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            ticket: "CHG-7".into(),
            by: "alice".into(),
        };
        let points =
            [79, 80, 81].map(|day| Point { day, kind: Kind::WriteCall, severity: Severity::Medium, several: false });
        for (from, to, shaded) in [
            ("2026-11-11T21:00:00Z", "2026-11-11T23:00:00Z", [false, true, false]),
            ("2026-11-11T14:00:00Z", "2026-11-11T15:00:00Z", [false, true, false]),
            ("2026-11-11T23:30:00Z", "2026-11-12T00:30:00Z", [false, true, true]),
            ("2026-11-10T20:00:00Z", "2026-11-11T00:00:00Z", [true, false, false]),
        ] {
            let chart = draw(days(), &points, &[plan(from, to)], &[]).unwrap();
            let [(start, end)] = shades(&chart.svg, "#B9D3F7")[..] else { panic!("one window") };
            let is_shaded = |(x, _): &(i32, i32)| start <= f64::from(*x) && f64::from(*x) <= end;
            assert_eq!(chart.places.iter().map(is_shaded).collect::<Vec<_>>(), shaded, "{from}");
        }
        let before = plan("2026-06-01T10:00:00Z", "2026-06-01T12:00:00Z");
        let after = plan("2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
        assert_eq!(shades(&draw(days(), &points, &[before, after], &[]).unwrap().svg, "#B9D3F7"), []);
    }

    #[test]
    fn days_without_data_are_shaded_and_no_other() {
        let points = [79, 80].map(|day| Point { day, kind: Kind::WriteCall, severity: Severity::Low, several: false });
        let unseen: Vec<usize> = (0..80).chain([85]).collect();
        let chart = draw(days(), &points, &[], &unseen).unwrap();
        let [(_, end), _] = shades(&chart.svg, "#E9ECF0")[..] else { panic!("two shades") };
        let [(before, _), (after, _)] = chart.places[..] else { panic!("two places") };
        assert!(f64::from(before) < end && end < f64::from(after));
    }

    #[test]
    fn a_chart_without_a_point_is_drawn_too() {
        assert!(draw(days(), &[], &[], &(0..Days::COUNT).collect::<Vec<_>>()).unwrap().svg.ends_with("</svg>\n"));
    }

    #[test]
    fn severities_differ_in_shape_and_in_colour() {
        use Severity::{Critical, High, Informational, Low, Medium};
        let all = [Critical, High, Medium, Low, Informational];
        for (place, severity) in all.iter().enumerate() {
            for other in &all[place + 1..] {
                assert!(corners(*severity) != corners(*other) && colour(*severity) != colour(*other));
            }
        }
    }
}
