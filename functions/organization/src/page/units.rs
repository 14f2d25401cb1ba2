//! Organizational units by the five steps: how many accounts fail of those that were evaluated, and what was not evaluated and why.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use checklist::control::Step;
use maud::{Markup, html};
use members::Row;
use pages::words::{counted, number, untrusted};

use super::looks::{self, Look};
use super::{Page, path};

/// Units that have a row of their own; the others are one row.
const MOST: usize = 200;

/// Rows on paper after that of all accounts, as the style has it.
const ON_PAPER: usize = 20;

/// How many accounts of a unit have each look.
#[derive(Debug, Clone, Default)]
struct Unit {
    accounts: usize,
    missed: usize,
    steps: [BTreeMap<Look, usize>; 5],
}

impl Unit {
    fn add(&mut self, row: &Row) {
        self.accounts += 1;
        self.missed += usize::from(looks::of_whole(row).is_some_and(Look::is_missed));
        for (step, look) in self.steps.iter_mut().zip(looks::of_steps(row)) {
            *step.entry(look).or_default() += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.accounts += other.accounts;
        self.missed += other.missed;
        for (step, others) in self.steps.iter_mut().zip(&other.steps) {
            for (look, count) in others {
                *step.entry(*look).or_default() += count;
            }
        }
    }

    fn failing(&self) -> usize {
        self.steps.iter().map(|step| count(step, Look::Failed)).sum()
    }
}

fn count(step: &BTreeMap<Look, usize>, look: Look) -> usize {
    step.get(&look).copied().unwrap_or_default()
}

pub(super) fn section(page: &Page<'_>) -> Markup {
    let (mut units, mut all): (BTreeMap<String, Unit>, Unit) = Default::default();
    for row in page.rows {
        units.entry(path(row)).or_default().add(row);
        all.add(row);
    }
    let mut units: Vec<(String, Unit)> = units.into_iter().collect();
    units.sort_by_key(|(_, unit)| (Reverse(unit.failing()), Reverse(unit.missed)));
    let mut rest = Unit::default();
    let more = units.split_off(units.len().min(MOST));
    more.iter().for_each(|(_, unit)| rest.merge(unit));
    html! {
        section #units aria-labelledby="units-title" {
            h2 #units-title { "Organizational units" }
            @if page.rows.is_empty() {
                p.lead { "The list of accounts is empty: nothing is known of any root user." }
            } @else {
                p.lead {
                    "Failing accounts of those that were evaluated, by the unit that an account is in, the worst first. "
                    "What was not evaluated is counted beside them, what was not audited beside the accounts; neither is a pass."
                }
                (legend())
                div.scroll tabindex="0" role="region" aria-label="Organizational units by the five steps" {
                    table.units {
                        caption.hidden { "Organizational units by the five steps" }
                        thead { tr {
                            th scope="col" { "Unit" } th scope="col" { "Accounts" }
                            @for step in Step::ALL { th scope="col" { "Step " (step.number()) } }
                        } }
                        tbody {
                            (line(html! { "All accounts" }, &all))
                            @for (path, unit) in &units { (line(name(path), unit)) }
                            @if !more.is_empty() { (line(html! { (counted(more.len(), "more unit", "more units")) }, &rest)) }
                        }
                    }
                }
                @if units.len() > ON_PAPER { p.note.on-paper { "Paper shows the first " (ON_PAPER) " of " (number(units.len() + more.len())) " units." } }
            }
        }
    }
}

fn name(path: &str) -> Markup {
    html! { @if path.is_empty() { "(unit not known)" } @else { @for part in path.split_inclusive('/') { (untrusted(part)) wbr; } } }
}

fn line(name: Markup, unit: &Unit) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            td { (number(unit.accounts)) " " @for (look, count) in of_whole(unit) { (counted_as(look, count)) } }
            @for step in &unit.steps { (cell(unit, step)) }
        }
    }
}

/// Accounts that were not audited: the same in all steps.
fn of_whole(unit: &Unit) -> impl Iterator<Item = (Look, usize)> {
    let of_one = unit.steps.first().into_iter().flatten();
    of_one.filter(|(look, _)| look.is_of_whole()).map(|(look, count)| (*look, *count))
}

/// `3/12 failing`, and what was not evaluated. The shade goes with the share that fails; none is of a pass where something is missing.
fn cell(unit: &Unit, step: &BTreeMap<Look, usize>) -> Markup {
    let (failed, passed) = (count(step, Look::Failed), count(step, Look::Passed));
    let evaluated = failed + passed + count(step, Look::Suppressed);
    let is_clean = step.keys().all(|look| matches!(look, Look::Passed | Look::NotApplicable | Look::Skipped));
    let shade = match (failed * 100).checked_div(evaluated) {
        Some(_) if is_clean => "shade-0",
        Some(_) | None if failed == 0 => "",
        Some(..10) => "shade-1",
        Some(10..50) => "shade-2",
        _ => "shade-3",
    };
    let look = if failed > 0 { Look::Failed } else { Look::Passed };
    let others = || step.iter().filter(|(look, _)| !matches!(look, Look::Failed | Look::Passed) && !look.is_of_whole());
    html! {
        td class=(shade) {
            @if evaluated > 0 { (look.with(&format!("{}/{} failing", number(failed), number(evaluated)))) }
            @for (look, count) in others() { (counted_as(*look, *count)) }
            @if evaluated == 0 && others().next().is_none() { @for (look, count) in of_whole(unit) { (counted_as(look, count)) } }
        }
    }
}

fn counted_as(look: Look, count: usize) -> Markup {
    look.with(&format!("{} {}", number(count), plural(look, count)))
}

fn plural(look: Look, count: usize) -> &'static str {
    if look == Look::NeedsRole && count != 1 { "need the member role" } else { look.words() }
}

/// The steps by name, and every look with its meaning.
fn legend() -> Markup {
    html! {
        ol.steps-by-name { @for step in Step::ALL { li { b { "Step " (step.number()) } " " (step.title()) } } }
        ul.looks { @for look in Look::ALL { li { (look.markup()) " " (look.meaning()) } } }
    }
}
