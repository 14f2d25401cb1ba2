//! Every account, the worst first. Those that want attention are in the page; all are data, in which the script searches.

use std::collections::BTreeMap;

use checklist::control::Step;
use facts::Severity;
use facts::text::bounded;
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
use members::{Audited, Row, State};
use pages::words::{badge, capitalised, counted, date, moment, number, rank, untrusted};
use serde_json::{Value, json};

use super::looks::{self, Look, Rank};
use super::{Page, coded, path, why};

/// Rows that are in the page.
const MOST: usize = 2_000;
/// Room for these rows, and for the data of all accounts; names may be long, and every character of them an escape.
const ROOM: usize = 1_700_000;
const ROOM_OF_DATA: usize = 2_600_000;
/// Rows of a page with the script, and on paper.
const SHOWN: usize = 50;
const ON_PAPER: usize = 20;
/// Open findings of one account that are named.
const FINDINGS: usize = 12;
/// In the order of the places that the data names.
const SEVERITIES: [Severity; 5] =
    [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
/// What the filter chooses, and what the script calls it.
const FILTERS: [(&str, &str); 7] = [
    ("", "all accounts"),
    ("failing", "failing"),
    ("missed", "not audited"),
    ("unknown", "with an unknown control"),
    ("suppressed", "with a suppressed step"),
    ("role", "needs the member role"),
    ("skipped", "skipped"),
];

pub(super) fn section(page: &Page<'_>) -> Markup {
    let sorted = looks::sorted(page.rows);
    let wanting = sorted.iter().take_while(|(rank, _)| rank.wants_attention()).count();
    let rows = rows(&sorted);
    let (data, left_out) = data(page, &sorted);
    html! {
        section #accounts aria-labelledby="accounts-title" {
            h2 #accounts-title { "Accounts" }
            p.lead {
                (counted(wanting, "account", "accounts")) @if wanting == 1 { " fails, was not audited" } @else { " fail, were not audited" }
                " or cannot be evaluated whole; the worst come first. Search for an ID, a name, a unit, a control or a cause."
            }
            @if !sorted.is_empty() { (table(&rows)) }
            @if sorted.len() > rows.len() {
                p.note.still {
                    "These are the first " (number(rows.len())) " of " (counted(wanting, "account", "accounts")) " that want attention, of "
                    (number(sorted.len())) " in total. The others are found by the search, which needs JavaScript, or in "
                    code { (aws::organization::runs::TABLE) } "."
                }
            }
            @if left_out > 0 {
                p.note {
                    (counted(left_out, "account", "accounts")) " in better order are not in the search, because the page would be too large. "
                    "They are in " code { (aws::organization::runs::TABLE) } "."
                }
            }
            script #accounts-data type="application/json" { (PreEscaped(data)) }
        }
    }
}

/// The first that want attention, as far as there is room.
fn rows(sorted: &[(Rank, &Row)]) -> Vec<Markup> {
    let mut room = ROOM;
    let wanting = sorted.iter().take(MOST).take_while(|(rank, _)| rank.wants_attention());
    let fits = |row: &Markup| {
        let left = room.checked_sub(row.0.len());
        room = left.unwrap_or_default();
        left.is_some()
    };
    wanting.map(|(_, of)| row(of)).take_while(fits).collect()
}

fn table(rows: &[Markup]) -> Markup {
    html! {
        div.table data-table="accounts" data-size=(SHOWN) data-paper=(ON_PAPER) {
            div.tools hidden {
                label { "Search " input.find type="search" autocomplete="off" spellcheck="false"; }
                label { "Show " select.tag { @for (value, words) in FILTERS { option value=(value) { (words) } } } }
                p.shown role="status" {}
            }
            div.scroll tabindex="0" role="region" aria-label="Table of accounts" {
                table.accounts {
                    caption.hidden { "Accounts, the worst first" }
                    thead { tr {
                        th scope="col" { "Account" } th scope="col" { "State" }
                        @for step in Step::ALL { th scope="col" { "Step " (step.number()) } }
                        th scope="col" { "Open findings" } th scope="col" { "Last audited" }
                    } }
                    tbody { @for row in rows { (row) } }
                }
            }
            div.pages hidden {
                button.back type="button" { "Back" } span.page {} button.forth type="button" { "Next" }
            }
        }
    }
}

/// The same words as `row` in the script.
fn row(row: &Row) -> Markup {
    let whole = looks::of_whole(row);
    html! {
        tr.whole[whole.is_some()] {
            th scope="row" {
                (untrusted(&row.member.name)) span.more { (row.member.account) } span.more { bdi { (unit(&path(row))) } }
            }
            td { (bounded(state(&row.member.state))) }
            @match whole {
                Some(look) => td colspan="5" {
                    (look.markup())
                    @if let Some((said, fix)) = why(&row.outcome) {
                        span.more { (coded(&capitalised(said))) "." } @if let Some(fix) = fix { span.more { "Fix: " (coded(fix)) } }
                    }
                },
                None => { @for look in looks::of_steps(row) { td { (look.markup()) } } }
            }
            td { (open(row.audited(), whole)) }
            td {
                @match row.last_audited() {
                    Some(at) => time datetime=(at) { (moment(at)) },
                    None => (never(whole)),
                }
            }
        }
    }
}

fn unit(path: &str) -> &str {
    if path.is_empty() { "(unit not known)" } else { path }
}

fn open(audited: Option<&Audited>, whole: Option<Look>) -> Markup {
    let Some(audited) = audited else {
        return html! { (if whole == Some(Look::Skipped) { "not audited" } else { "unknown" }) };
    };
    let more = audited.open.len().saturating_sub(FINDINGS);
    html! {
        @for found in audited.open.iter().take(FINDINGS) {
            div { (badge(found.severity)) " " (untrusted(&found.control)) " " span.nowrap { "since " (date(found.since)) } }
        }
        @if more > 0 { div { "and " (number(more)) " more" } }
        @if audited.open.is_empty() { div { "none" } }
        @let unknown = audited.unknown_controls().len();
        @if unknown > 0 { div { (counted(unknown, "control unknown", "controls unknown")) } }
    }
}

fn never(whole: Option<Look>) -> &'static str {
    if whole == Some(Look::Skipped) { "not audited" } else { "never" }
}

/// An account's state in words, as its organization has it. An unknown one is AWS's word.
pub(super) fn state(state: &State) -> &str {
    match state {
        State::Active => "active",
        State::PendingClosure => "pending closure",
        State::Suspended => "suspended",
        State::Closed => "closed",
        State::PendingActivation => "pending activation",
        State::Other(other) => other,
    }
}

/// Texts, each once.
#[derive(Default)]
struct Places {
    texts: Vec<String>,
    known: BTreeMap<String, usize>,
    /// So much room the texts take.
    size: usize,
}

impl Places {
    fn of(&mut self, text: &str) -> usize {
        if let Some(place) = self.known.get(text) {
            return *place;
        }
        let place = self.texts.len();
        self.size += pages::data(&json!(text).to_string()).0.len() + 1;
        self.known.insert(text.to_owned(), place);
        self.texts.push(text.to_owned());
        place
    }
}

/// All accounts in short for the script, as far as there is room, and how many are left out: the best.
fn data(page: &Page<'_>, sorted: &[(Rank, &Row)]) -> (String, usize) {
    let (mut paths, mut states, mut controls, mut whys) =
        (Places::default(), Places::default(), Places::default(), Places::default());
    let (mut accounts, mut kept) = (String::new(), 0);
    let ago = |at: Timestamp| page.started.as_second() - at.as_second();
    for (_, row) in sorted {
        let result = match why(&row.outcome) {
            None => json!(looks::of_steps(row).map(|look| place(look).to_string()).concat()),
            Some((said, fix)) => {
                let look = looks::of_whole(row).unwrap_or(Look::NotLookedAt);
                json!(whys.of(&json!([place(look), capitalised(said) + ".", fix]).to_string()))
            }
        };
        let audited = row.audited();
        let open: Vec<i64> = audited
            .into_iter()
            .flat_map(|audited| audited.open.iter().take(FINDINGS))
            .flat_map(|found| {
                let severity = SEVERITIES.iter().position(|severity| *severity == found.severity).unwrap_or_default();
                [
                    signed(controls.of(&bounded(&found.control))),
                    signed(severity),
                    found.since.as_second().div_euclid(86_400),
                ]
            })
            .collect();
        let account = json!([
            row.member.account,
            bounded(&row.member.name),
            paths.of(&path(row)),
            states.of(&bounded(state(&row.member.state))),
            result,
            row.last_audited().map(ago),
            open,
            audited.map_or(0, |audited| audited.unknown_controls().len()),
            audited.map_or(0, |audited| audited.open.len()),
        ]);
        let account = pages::data(&account.to_string()).0;
        let texts: usize = [&paths, &states, &controls, &whys].iter().map(|places| places.size).sum();
        if accounts.len() + account.len() + texts > ROOM_OF_DATA {
            break;
        }
        if kept > 0 {
            accounts.push(',');
        }
        accounts.push_str(&account);
        kept += 1;
    }
    let whys: Vec<Value> = whys.texts.iter().filter_map(|why| serde_json::from_str(why).ok()).collect();
    let looks = Look::ALL.map(|look| json!([look.class(), look.in_short()]));
    let severities = SEVERITIES.map(|severity| json!([rank(severity), capitalised(rank(severity))]));
    let head = json!({
        "started": page.started.as_second(), "looks": looks, "severities": severities, "paths": paths.texts,
        "states": states.texts, "controls": controls.texts, "whys": whys,
    });
    let head = pages::data(&head.to_string()).0;
    let head = head.strip_suffix('}').unwrap_or_default();
    (format!("{head},\"accounts\":[{accounts}]}}"), sorted.len() - kept)
}

/// Where the script finds it.
fn place(look: Look) -> usize {
    Look::ALL.iter().position(|other| *other == look).unwrap_or_default()
}

fn signed(place: usize) -> i64 {
    i64::try_from(place).unwrap_or_default()
}
