//! Entries of a JSON array, each read by itself.

use facts::AccountId;
use facts::text::bounded;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use serde_json::{Map, Value};

use super::{Parsed, Statement};
use crate::renamed::current_id;

/// Most faults of one entry that are named.
const MAX_FAULTS: usize = 6;

/// Reads every entry of the JSON in `text` by itself, at most `most`. A blank text is none. `read` returns `None` only when it has noted a fault.
pub fn parse<T>(text: &str, fields: &[&str], most: usize, read: impl FnMut(&mut Entry) -> Option<T>) -> Parsed<T> {
    if text.trim().is_empty() {
        return Parsed { taken: Vec::new(), refused: Vec::new() };
    }
    match serde_json::from_str(text) {
        Ok(entries) => parse_value(&entries, fields, most, read),
        Err(error) => {
            let fault = format!("not valid JSON: {}; {}", bounded(&error.to_string()), expected(fields));
            Parsed { taken: Vec::new(), refused: vec![(None, fault)] }
        }
    }
}

/// The same of JSON that is read already.
pub fn parse_value<T>(
    entries: &Value,
    fields: &[&str],
    most: usize,
    mut read: impl FnMut(&mut Entry) -> Option<T>,
) -> Parsed<T> {
    let mut parsed = Parsed { taken: Vec::new(), refused: Vec::new() };
    let Value::Array(entries) = entries else {
        parsed.refused.push((None, format!("{}, got {}", expected(fields), kind(entries))));
        return parsed;
    };
    for (number, entry) in (1..).zip(entries.iter().take(most)) {
        let Value::Object(values) = entry else {
            let fault = format!("expected an object with {}, got {}", fields.join(", "), kind(entry));
            parsed.refused.push((Some(number), fault));
            continue;
        };
        let mut entry = Entry { number, name: None, values, faults: Vec::new() };
        entry.know(fields);
        let read = read(&mut entry);
        if let Some(fault) = entry.faults() {
            parsed.refused.push((Some(number), fault));
        } else {
            parsed.taken.extend(read);
        }
    }
    if entries.len() > most {
        let fault = format!("at most {most} entries are allowed, got {}: the rest is ignored", entries.len());
        parsed.refused.push((None, fault));
    }
    parsed
}

fn expected(fields: &[&str]) -> String {
    format!("expected an array of objects with {}", fields.join(", "))
}

/// One entry that is being read.
#[derive(Debug)]
pub struct Entry<'a> {
    /// From 1.
    number: usize,
    /// What it is about, once that is known.
    name: Option<&'static str>,
    values: &'a Map<String, Value>,
    faults: Vec<String>,
}

impl<'a> Entry<'a> {
    /// What it is about, once that is known: a control or a statement.
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Notes a fault.
    pub fn fault(&mut self, fault: &str) {
        self.faults.push(fault.to_owned());
    }

    /// All that is wrong with it; the rest of what is wrong with a long one is counted.
    pub(super) fn faults(&self) -> Option<String> {
        let name = self.name.map(|name| format!("{name}: ")).unwrap_or_default();
        let shown = self.faults.iter().take(MAX_FAULTS).cloned().collect::<Vec<_>>().join("; ");
        let more = self.faults.len().saturating_sub(MAX_FAULTS);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        (!self.faults.is_empty()).then(|| format!("{name}{shown}{more}"))
    }

    /// Whether it has the field.
    pub fn has(&self, field: &str) -> bool {
        self.values.contains_key(field)
    }

    /// A misspelt field would silently do nothing.
    pub(super) fn know(&mut self, fields: &[&str]) {
        let unknown: Vec<String> =
            self.values.keys().filter(|field| !fields.contains(&field.as_str())).map(|field| bounded(field)).collect();
        if let Some(field) = unknown.first() {
            let more = unknown.len() - 1;
            let more = if more > 0 { format!(", and {more} more are not, either") } else { String::new() };
            self.fault(&format!("`{field}` is not a field{more}; the fields are {}", fields.join(", ")));
        }
    }

    pub(super) fn control(&mut self, controls: &[&'static str]) -> Option<String> {
        let id = self.text("control")?;
        let known = controls.iter().copied().find(|control| *control == current_id(&id));
        self.name = known;
        if known.is_none() {
            let fault = if id == "*" || id.eq_ignore_ascii_case("all") {
                "an exception covers one control, never all"
            } else {
                "no control in this version has this id, see CONTROLS.md"
            };
            self.fault(&format!("`control` is `{id}`: {fault}"));
        }
        known.map(str::to_owned)
    }

    pub(super) fn statement(&mut self) -> Option<Statement> {
        let id = self.text("statement")?;
        let known = Statement::ALL.iter().copied().find(|statement| statement.id() == id);
        self.name = known.map(Statement::id);
        if known.is_none() {
            let ids: Vec<&str> = Statement::ALL.iter().map(|statement| statement.id()).collect();
            self.fault(&format!("`statement` is `{id}`: no attestation has this id; the ids are {}", ids.join(", ")));
        }
        known
    }

    /// A text that says something, [`bounded`].
    pub fn text(&mut self, field: &str) -> Option<String> {
        let text = bounded(self.string(field)?);
        // What is cut of invisible characters is `…`, which says no more than a blank.
        if text.trim_end_matches('…').is_empty() {
            self.fault(&format!("`{field}` must not be blank"));
            return None;
        }
        Some(text)
    }

    /// An RFC 3339 timestamp, or a date, which means the start of the day that `day` makes of it.
    pub(super) fn instant(&mut self, field: &str, day: fn(Date) -> Result<Date, jiff::Error>) -> Option<Timestamp> {
        let text = self.string(field)?.trim();
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
        let instant = match date {
            Some(date) => day(date).and_then(|date| Offset::UTC.to_timestamp(date.to_datetime(Time::midnight()))).ok(),
            None => text.parse().ok(),
        };
        if instant.is_none() {
            self.fault(&format!(
                "`{field}` must be a date such as 2027-03-01 or a timestamp such as 2027-03-01T12:00:00Z, not `{}`",
                bounded(text)
            ));
        }
        instant
    }

    /// A twelve-digit account id.
    pub fn account(&mut self, field: &str) -> Option<AccountId> {
        let text = self.string(field)?;
        let account = AccountId::parse(text);
        account.map_err(|_| self.fault(&format!("`{field}` must have twelve digits, not `{}`", bounded(text)))).ok()
    }

    pub(super) fn string(&mut self, field: &str) -> Option<&'a str> {
        let values = self.values;
        match values.get(field) {
            Some(Value::String(text)) => return Some(text),
            Some(other) => self.fault(&format!("`{field}` must be a string, not {}", kind(other))),
            None => self.fault(&format!("`{field}` is missing")),
        }
        None
    }

    /// Of entries without a fault the first with `key` has none; each other has the fault that `words` makes of the first one's number.
    pub fn once<K: PartialEq>(&mut self, seen: &mut Vec<(usize, K)>, key: K, words: impl FnOnce(usize) -> String) {
        if !self.faults.is_empty() {
            return;
        }
        match seen.iter().find(|(_, earlier)| *earlier == key) {
            Some((number, _)) => {
                let number = *number;
                self.fault(&words(number));
            }
            None => seen.push((self.number, key)),
        }
    }
}

/// What `value` is, for people.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
