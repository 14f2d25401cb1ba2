//! The page: one self-contained file for people, from a phone to a printout.
//!
//! # Layout
//! - `head`: the account, the verdict with its figures, read errors; `use_of_root`: when root was last used; `steps`: the five steps;
//! - `timeline`: root activity, with its `chart`; `open`: open findings; `controls`: every control, and the filters;
//! - `strips`: each control by day; `days`: the days of both; `users`; `sources`; `declarations`; `words`: small words for all.
//!
//! All text passes through maud, which escapes it; untrusted text is in `<bdi>`, so that it cannot turn its neighbours around.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use facts::Account;
use facts::text::bounded;
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

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
mod words;

/// An older report is not renewed any more: the longest schedule is an hour.
pub(crate) const OLD: SignedDuration = SignedDuration::from_hours(3);

pub(crate) use words::moment;

const STYLE: &str = include_str!("page/style.css");
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
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // The page's own address may be a presigned one, which is a key to it.
                    meta name="referrer" content="no-referrer";
                    meta name="color-scheme" content="light dark";
                    // Without it a browser would request one.
                    link rel="icon" href="data:,";
                    title { (head::headline(self)) " · rootwatch: " (name) }
                    style { (PreEscaped(STYLE)) }
                }
                body { (self.body()) script { (PreEscaped(SCRIPT)) } }
            }
        };
        page.into_string()
    }

    fn body(&self) -> Markup {
        html! {
            a.skip href="#main" { "Skip to the report" }
            (words::symbols())
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

/// Nothing is loaded from anywhere, and no style or script runs but ours.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
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
