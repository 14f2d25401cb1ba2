//! The affected users: those that findings name. The first rows are in the page; the others are data, of which the script makes rows.

use std::collections::BTreeMap;

use checklist::users::{AccessKey, User};
use facts::text::bounded;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::Page;
use super::words::{age, counted, date, number, untrusted};

/// Rows of a page.
const ROWS: usize = 50;
/// Names of groups, and of controls, in one row.
const NAMES: usize = 10;
/// Values of the filter, in the order of its bits.
const TAGS: [&str; 4] = ["nomfa", "old", "unused", "nogroup"];
const COLUMNS: [&str; 6] = ["Name", "MFA", "Password last used", "Access keys", "Groups", "Findings"];

pub(super) fn section(page: &Page<'_>) -> Markup {
    let users = &page.report.users;
    let of = page.report.users_in_account.map_or_else(
        || counted(users.len(), "user", "users"),
        |all| format!("{} of {}", number(users.len()), counted(all, "user", "users")),
    );
    html! {
        section #users aria-labelledby="users-title" {
            h2 #users-title { "Affected users" }
            p.lead {
                @if page.report.has("users") { (of) " named by findings." } @else { "The report does not list them." }
                @if page.report.users_in_account.is_none() { " The number of users in the account is unknown." }
            }
            @if !users.is_empty() { (table(page, users)) }
        }
    }
}

fn table(page: &Page<'_>, users: &[User]) -> Markup {
    let limits = Limits::of(page);
    html! {
        div.table data-table="users" data-size=(ROWS) data-paper="5" {
            div.tools hidden {
                label { "Find " input.find type="search" autocomplete="off" spellcheck="false"; }
                label { "Show "
                    select.tag {
                        option value="" { "all affected users" }
                        option value=(TAGS[0]) { "password without MFA" }
                        option value=(TAGS[1]) { "active key older than " (limits.key_days) " days" }
                        option value=(TAGS[2]) { "unused for " (limits.unused_days) " days" }
                        option value=(TAGS[3]) { "in no group" }
                    }
                }
                p.shown role="status" {}
            }
            div.scroll tabindex="0" role="region" aria-label="Table of users" {
                table.users {
                    caption.hidden { "Affected users, by name" }
                    thead { tr { @for column in COLUMNS { th scope="col" { (column) } } } }
                    tbody { @for user in users.iter().take(ROWS) { (row(user, limits.now)) } }
                }
            }
            div.pages hidden {
                button.back type="button" { "Back" } span.page {} button.forth type="button" { "Next" }
            }
            @if users.len() > ROWS {
                p.note.still { "These are the first " (ROWS) " users. The others need JavaScript, or the report itself." }
            }
            script #users-data type="application/json" { (data(users, &limits)) }
        }
    }
}

/// What counts as old, by the evaluation settings.
struct Limits {
    now: Timestamp,
    key_days: i64,
    unused_days: i64,
}

impl Limits {
    fn of(page: &Page<'_>) -> Self {
        let setting = |name, usual| page.report.settings.get(name).and_then(Value::as_i64).unwrap_or(usual);
        Self {
            now: page.now(),
            key_days: setting("access_key_max_age_days", 90),
            unused_days: setting("unused_credentials_days", 45),
        }
    }

    fn is_older(&self, at: Timestamp, days: i64) -> bool {
        self.now.duration_since(at) > SignedDuration::from_hours(days.saturating_mul(24).clamp(0, 1_000_000))
    }

    /// Which of [`TAGS`], a bit each.
    fn tags(&self, user: &User) -> u8 {
        let active = || user.access_keys.iter().flatten().filter(|key| key.active == Some(true));
        // As the control does: what was never used counts from its creation.
        let rests = |used: Option<Timestamp>, made: Option<Timestamp>| {
            used.or(made).is_none_or(|at| self.is_older(at, self.unused_days))
        };
        let no_mfa = user.has_mfa == Some(false) && user.has_password != Some(false);
        let old = active().any(|key| key.created.is_some_and(|at| self.is_older(at, self.key_days)));
        let unused = (user.has_password == Some(true) && rests(user.password_last_used, user.password_last_changed))
            || active().any(|key| rests(key.last_used, key.created));
        let no_group = user.groups.as_ref().is_some_and(Vec::is_empty);
        [no_mfa, old, unused, no_group].into_iter().rev().fold(0, |bits, is_so| bits << 1 | u8::from(is_so))
    }
}

/// The same words as `usersOf` in the script.
fn row(user: &User, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" { (untrusted(&user.name)) }
            td { (mfa(user)) }
            td { (password(user)) }
            td {
                @match user.access_keys.as_deref() {
                    Some([]) => div { "none" },
                    Some(keys) => { @for key in keys.iter().take(2) { div { (access_key(key, now)) } } }
                    None => div { "unknown" },
                }
            }
            td { @match &user.groups { Some(groups) => { (names(groups)) } None => "unknown" } }
            td { (names(&user.controls)) }
        }
    }
}

fn mfa(user: &User) -> &'static str {
    match user.has_mfa {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

fn password(user: &User) -> String {
    match (user.has_password, user.password_last_used) {
        (Some(false), _) => "no password".into(),
        (_, Some(at)) => date(at).to_string(),
        (Some(true), None) => "never".into(),
        (None, None) => "unknown".into(),
    }
}

fn access_key(key: &AccessKey, now: Timestamp) -> String {
    let state = match key.active {
        Some(true) => "active",
        Some(false) => "inactive",
        None => "unknown",
    };
    let made = key.created.map(|at| format!(", {} old", age(now.duration_since(at).as_secs()))).unwrap_or_default();
    let used = key.last_used.map_or_else(|| "never used".into(), |at| format!("used {}", date(at)));
    format!("{state}{made}, {used}")
}

fn names(names: &[String]) -> Markup {
    html! {
        @if names.is_empty() { "none" }
        @for (place, name) in names.iter().take(NAMES).enumerate() { @if place > 0 { ", " } (untrusted(name)) }
        @if names.len() > NAMES { ", and " (names.len() - NAMES) " more" }
    }
}

/// Every user in short, and nothing that ends the script element: `[name, MFA, password, day of its last use, keys, groups,
/// controls, tags]`. Yes and no are 1 and 0, days are counted from 1970, a key is `[active, its age in minutes, day of its last
/// use]`; groups and controls are how many, and the places of the first ones in the lists beside. Unknown keys or groups are `null`.
fn data(users: &[User], limits: &Limits) -> PreEscaped<String> {
    let (mut groups, mut controls) = (Places::default(), Places::default());
    let bit = |fact: Option<bool>| fact.map(u8::from);
    let day = |at: Option<Timestamp>| at.map(|at| at.as_second().div_euclid(86_400));
    let minutes = |at: Option<Timestamp>| at.map(|at| limits.now.duration_since(at).as_mins());
    let key = |key: &AccessKey| json!([bit(key.active), minutes(key.created), day(key.last_used)]);
    let rows: Vec<Value> = users
        .iter()
        .map(|user| {
            let name = bounded(&user.name);
            let (password, mfa, used) = (bit(user.has_password), bit(user.has_mfa), day(user.password_last_used));
            let keys = user.access_keys.as_ref().map(|keys| keys.iter().take(2).map(key).collect::<Vec<_>>());
            let of_it = user.groups.as_ref().map(|names| groups.of(names));
            json!([name, mfa, password, used, keys, of_it, controls.of(&user.controls), limits.tags(user)])
        })
        .collect();
    let data = json!({"tags": TAGS, "groups": groups.names, "controls": controls.names, "users": rows});
    pages::data(&data.to_string())
}

/// Names, each once.
#[derive(Default)]
struct Places {
    names: Vec<String>,
    known: BTreeMap<String, usize>,
}

impl Places {
    /// The places of the first [`NAMES`] of `names`, and how many there are.
    fn of(&mut self, names: &[String]) -> Value {
        let mut places = Vec::new();
        for name in names.iter().take(NAMES) {
            let name = bounded(name);
            let next = self.names.len();
            let place = *self.known.entry(name.clone()).or_insert(next);
            if place == next {
                self.names.push(name);
            }
            places.push(place);
        }
        json!([names.len(), places])
    }
}
