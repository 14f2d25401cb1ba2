//! Open findings by control: what is wrong in most accounts, and since when.

use facts::{Severity, text};
use maud::{Markup, html};
use members::Group;
use pages::words::{badge, capitalised, heads, moment, number};

use super::Page;

/// Controls that have a row; there are fewer.
const MOST: usize = 100;
/// Accounts that are named beside a control.
const MOST_NAMES: usize = 3;

/// How many, and those in which it is open for the longest time.
fn accounts(group: &Group) -> String {
    let names = group.accounts.iter().take(MOST_NAMES).map(|affected| match affected.name.as_str() {
        "" => affected.account.to_string(),
        name => text::bounded(name),
    });
    let names: Vec<String> = names.collect();
    let more = group.count.saturating_sub(names.len());
    let more = if more > 0 { format!(" and {} more", number(more)) } else { String::new() };
    format!("{}: {}{more}", number(group.count), names.join(", "))
}

pub(super) fn section(page: &Page<'_>) -> Markup {
    let open = &page.run.open;
    html! {
        section #open aria-labelledby="open-title" {
            h2 #open-title { "Open findings" }
            @if open.is_empty() {
                p.lead {
                    @if page.is_whole() { "No open findings in the accounts that were audited." }
                    @else { "None seen. What was not audited, or not whole, may hide some." }
                }
            } @else {
                p.lead { "By control, the worst first. To list all accounts of a finding, enter its ID in the search." }
                div.scroll tabindex="0" role="region" aria-label="Open findings by control" {
                    table.findings {
                        caption.hidden { "Open findings by control, the worst first" }
                        (heads(&["Severity", "Finding", "Accounts", "Oldest since"]))
                        tbody {
                            @for group in open.iter().take(MOST) {
                                tr {
                                    td { (badge(group.severity)) }
                                    th scope="row" { (capitalised(&text::bounded(&group.headline))) " " code.id { (text::bounded(&group.about)) } }
                                    td { (accounts(group)) }
                                    td { @if let Some(oldest) = group.accounts.first() { time datetime=(oldest.since) { (moment(oldest.since)) } } }
                                }
                            }
                        }
                    }
                }
                @if open.len() > MOST { p.note { (number(open.len() - MOST)) " more controls: see the table for spreadsheets." } }
                @if open.iter().any(|group| group.severity >= Severity::High) {
                    p.note { "How to fix each: the last message that names it, and the runbook." }
                }
            }
        }
    }
}
