//! The organization's page, and its table for spreadsheets: what the newest run found of every account.
//!
//! # Layout
//! - the verdict in the words of the run's message, the sum of all accounts, and why some were not audited;
//! - `units`: organizational units by the five steps; `open`: open findings by control; `accounts`: every account, the worst first;
//! - `looks`: how a step looks, in words first; `table`: the same rows for a spreadsheet.
//!
//! A page holds what fits into [`MAX_BYTES`], says what it leaves out, and the table has all.

use std::collections::BTreeMap;

use facts::text::is_unprintable;
use facts::{Account, Severity};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use members::{Coverage, Outcome, Row, Run};
use messages::run_status;
use pages::words::{badge, capitalised, counted, icon, moment, number, sentence, untrusted};
use pages::{Document, words};

use self::looks::Look;

mod accounts;
mod looks;
mod open;
mod table;
#[cfg(test)]
mod tests;
mod units;

/// A page is never larger, however many accounts there are and whatever they are called.
pub const MAX_BYTES: usize = 5_000_000;
/// A page that is older is not renewed any more: the longest schedule is a day.
const OLD: SignedDuration = SignedDuration::from_hours(26);

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The run, as its message is made of it.
    pub run: &'a Run,
    /// Every listed account.
    pub rows: &'a [Row],
    /// The account of the stack.
    pub home: &'a Account,
    /// When the run began: no fact is older than that, unless its row says so.
    pub started: Timestamp,
    /// When it is made.
    pub made_at: Timestamp,
}

impl Page<'_> {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let title =
            format!("{} · rootwatch: organization {}", capitalised(&run_status(self.run)), self.run.organization);
        Document { title: &title, style: STYLE, script: SCRIPT }.around(&self.body())
    }

    /// All accounts as in RFC 4180, the worst first.
    ///
    /// # Errors
    /// When the writer refuses a row: why.
    pub fn table(&self) -> Result<String, String> {
        table::write(self)
    }

    fn body(&self) -> Markup {
        let sections = [("units", "Organizational units"), ("open", "Open findings"), ("accounts", "Accounts")];
        html! {
            a.skip href="#main" { "Skip to the audit" }
            (words::symbols(&[]))
            (self.header())
            nav aria-label="Sections" { ul { @for (id, title) in sections { li { a href={"#" (id)} { (title) } } } } }
            main #main tabindex="-1" data-old=(OLD.as_mins()) {
                (self.not_audited())
                (units::section(self))
                (open::section(self))
                (accounts::section(self))
            }
            (self.footer())
        }
    }

    fn header(&self) -> Markup {
        html! {
            header.top {
                p.product { "rootwatch" }
                h1 { "Organization " span.id { (untrusted(&self.run.organization)) } }
                (self.verdict())
                ul.tiles { (self.listed()) (self.open()) (self.missed()) (self.time()) }
            }
        }
    }

    /// In the words of the message. Its sign is none of a pass while anything is open, unseen or unknown.
    fn verdict(&self) -> Markup {
        let status = capitalised(&run_status(self.run));
        let worst = self.run.open.iter().map(|group| group.severity).max();
        let class = match worst {
            Some(Severity::High | Severity::Critical) => "failed",
            _ if !self.is_whole() => "unknown",
            Some(_) => "failed",
            None => "passed",
        };
        html! { p class={"verdict " (class)} { (icon(class)) strong { (sentence(&status, self.made_at)) } } }
    }

    fn is_whole(&self) -> bool {
        !run_status(self.run).starts_with("INCOMPLETE")
    }

    /// The sum, which holds whatever failed.
    fn listed(&self) -> Markup {
        let Coverage { listed, audited, in_part, refused, skipped, not_looked_at } = self.run.coverage;
        let part = if in_part > 0 { format!(" ({} in part)", number(in_part)) } else { String::new() };
        let below = format!(
            "= {} audited{part} + {} refused + {} skipped + {} not looked at",
            number(audited),
            number(refused),
            number(skipped),
            number(not_looked_at)
        );
        tile("", "Accounts listed", html! { (number(listed)) }, html! { (below) })
    }

    fn open(&self) -> Markup {
        let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
        for found in self.rows.iter().filter_map(Row::audited).flat_map(|audited| &audited.open) {
            *counts.entry(found.severity).or_default() += 1;
        }
        let (all, is_whole) = (counts.values().sum::<usize>(), self.is_whole());
        let class = match all {
            1.. => "failed",
            0 if is_whole => "passed",
            0 => "unknown",
        };
        let figure = html! {
            @if all > 0 { a href="#open" { (number(all)) } } @else if is_whole { "None" } @else { "None seen" }
        };
        let below = html! {
            @for (severity, count) in counts.iter().rev() { span.count { (badge(*severity)) " " (number(*count)) } " " }
            @if all == 0 {
                @if is_whole { "in every account that was audited" } @else { "what was not seen may hide some" }
            }
        };
        tile(class, "Open findings", figure, below)
    }

    fn missed(&self) -> Markup {
        let Coverage { refused, not_looked_at, in_part, .. } = self.run.coverage;
        let missed = refused + not_looked_at;
        let figure = html! { @if missed > 0 { a href="#not-audited" { (number(missed)) } } @else { "0" } };
        let below = match (missed, in_part) {
            (0, 0) => "each account was audited or is skipped".into(),
            (0, some) => format!("{} in part", counted(some, "account", "accounts")),
            _ => "nothing is known of their root users".to_owned(),
        };
        let class = if missed + in_part > 0 { "unknown" } else { "" };
        tile(class, "Not audited", figure, html! { (below) })
    }

    /// The script adds the age when the page is opened.
    fn time(&self) -> Markup {
        let figure = html! { time #taken datetime=(self.started) { (moment(self.started)) } };
        let below = html! { span #age {} "finished " time datetime=(self.made_at) { (moment(self.made_at)) } };
        tile("date", "Audit started", figure, below)
    }

    /// Why, and how to fix it, before anything that reads as well without these accounts.
    fn not_audited(&self) -> Markup {
        let mut causes: BTreeMap<Option<members::Cause>, usize> = BTreeMap::new();
        let mut before = 0;
        for row in self.rows.iter().filter(|row| looks::of_whole(row).is_some_and(Look::is_missed)) {
            *causes.entry(row.refusal().map(|refusal| refusal.cause)).or_default() += 1;
            before += usize::from(row.last_audited().is_some());
        }
        let missed: usize = causes.values().sum();
        let mut causes: Vec<_> = causes.into_iter().collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        html! {
            @if missed > 0 {
                section #not-audited .notice aria-labelledby="not-audited-title" {
                    h2 #not-audited-title { (icon("unknown")) "Not audited: " (counted(missed, "account", "accounts")) }
                    p {
                        "Nothing is known of the root users of these accounts: this is no all-clear."
                        @if before > 0 { " " (number(before)) " of them " @if before == 1 { "was" } @else { "were" } " audited before." }
                    }
                    @for (cause, count) in &causes {
                        @let (said, fix) = members::advice(*cause);
                        div.fault {
                            p { b { (counted(*count, "account", "accounts")) ": " (coded(said)) } "." }
                            p.soft { "Fix: " (coded(fix)) }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        let Run { run, skipped, .. } = self.run;
        html! {
            footer {
                @for (why, count) in skipped { p { "Skipped: " (counted(*count, "account", "accounts")) ", " (coded(why.words())) "." } }
                p {
                    "Run " (untrusted(run)) ", audited from account " (self.home.id) ", by rootwatch " (env!("CARGO_PKG_VERSION")) ". "
                    "This file loads nothing: no picture, script or font from elsewhere."
                }
                p {
                    "The same accounts for a spreadsheet: " code { (aws::organization::runs::TABLE) } " in the report bucket; for programs: "
                    code { (aws::organization::runs::LATEST) } ". A run that a fault of the whole organization stops leaves this page as it "
                    "is, and its message says so."
                }
            }
        }
    }
}

/// A figure with what it is of, and a line below it.
fn tile(class: &str, of: &str, figure: Markup, below: Markup) -> Markup {
    html! { li class={"tile " (class)} { p.of { (of) } p.figure { (figure) } p.below { (below) } } }
}

/// What is between backticks as code.
fn coded(text: &str) -> Markup {
    html! { @for (place, part) in text.split('`').enumerate() { @if place % 2 == 1 { code { (part) } } @else { (part) } } }
}

/// The root and the organizational units above an account, as a path.
fn path(row: &Row) -> String {
    /// More than five nested units and their root have.
    const LONGEST: usize = 400;
    let path = row.member.ous.join("/");
    path.chars().take(LONGEST).map(|char| if is_unprintable(char) { ' ' } else { char }).collect()
}

/// Why an account that was not audited was not, and how to fix it, where there is something to fix.
fn why(outcome: &Outcome) -> Option<(&'static str, Option<&'static str>)> {
    match outcome {
        Outcome::Audited(_) => None,
        Outcome::Skipped { why } => Some((why.words(), None)),
        Outcome::Refused(refusal) => Some(members::advice(Some(refusal.cause))).map(|(said, fix)| (said, Some(fix))),
        Outcome::NotLookedAt { .. } => Some(members::advice(None)).map(|(said, fix)| (said, Some(fix))),
    }
}
