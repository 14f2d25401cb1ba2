//! The page: one self-contained file for people, from a phone to a printout.
//!
//! # Layout
//! - `head`: the account, the verdict with its figures, read errors; `use_of_root`: when root was last used; `steps`: the five steps;
//! - `timeline`: root activity, with its `chart`; `open`: open findings; `controls`: every control, and the filters;
//! - `strips`: each control by day; `days`: the days of both; `users`; `sources`; `declarations`.
//!
//! The look, the policy and small words are in `pages`, which other pages share.

use facts::Account;
use facts::text::bounded;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use pages::{Document, words};

use crate::history::History;
use crate::stored::Stored;

mod chart;
mod controls;
mod days;
mod declarations;
mod head;
mod open;
mod sources;
mod steps;
mod strips;
#[cfg(test)]
mod tests;
mod timeline;
mod use_of_root;
mod users;

/// An older report is not renewed any more: the longest schedule is an hour.
pub(crate) const OLD: SignedDuration = SignedDuration::from_hours(3);

const SCRIPT: &str = include_str!("page/script.js");

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The newest report.
    pub report: &'a Stored,
    /// The days before.
    pub history: &'a History,
    /// When it is made.
    pub made_at: Timestamp,
}

impl Page<'_> {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let name = self.report.account.as_ref().map_or_else(|| "an unknown account".into(), name);
        let title = format!("{} · rootwatch: {name}", head::headline(self));
        Document { title: &title, style: "", script: SCRIPT }.around(&self.body())
    }

    fn body(&self) -> Markup {
        html! {
            a.skip href="#main" { "Skip to the report" }
            (words::symbols(&[]))
            (head::header(self))
            (navigation())
            main #main tabindex="-1" {
                (head::read_errors(self))
                (head::missing(self))
                (steps::section(self))
                (timeline::section(self))
                (open::section(self))
                (controls::section(self))
                (strips::section(self))
                (users::section(self))
                (sources::section(self))
                (declarations::section(self))
            }
            (head::footer(self))
        }
    }

    /// Ages count from the report, so that the page says the same whenever it is made.
    fn now(&self) -> Timestamp {
        self.report.taken_at.unwrap_or(self.made_at)
    }
}

/// The account as people call it. The alias is untrusted.
fn name(account: &Account) -> String {
    account
        .alias
        .as_deref()
        .map_or_else(|| account.id.to_string(), |alias| format!("{} ({})", bounded(alias), account.id))
}

fn navigation() -> Markup {
    let sections = [
        ("steps", "Five steps"),
        ("timeline", "Root activity"),
        ("open", "Open findings"),
        ("controls", "All controls"),
        ("history", "History"),
        ("users", "Users"),
        ("sources", "Data sources"),
        ("declarations", "Settings"),
    ];
    html! {
        nav aria-label="Sections" { ul { @for (id, title) in sections { li { a href={"#" (id)} { (title) } } } } }
    }
}
