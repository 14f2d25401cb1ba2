//! What the owner of an account states: exceptions, which silence a control for a while, and attestations of what no API
//! shows.
//!
//! Both are JSON texts. Each entry is taken or refused by itself: a fault in one silences nothing and stops nothing. What is valid
//! today stays so: an exception that has expired and an attestation that has lapsed are no faults.

use facts::text::bounded;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How long an attestation holds: 90 days.
pub const ATTESTATION_HOLDS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How far ahead an exception may end: 366 days.
pub const MAX_EXCEPTION: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Most entries of one text.
pub const MAX_ENTRIES: usize = 100;

/// Most faults of one entry that are named.
const MAX_FAULTS: usize = 6;

/// How far ahead of UTC's today an attestation may be dated: it is already tomorrow elsewhere.
const TIME_ZONES: SignedDuration = SignedDuration::from_hours(24);

const EXCEPTION_FIELDS: &[&str] = &["control", "reason", "owner", "until", "resource"];
const ATTESTATION_FIELDS: &[&str] = &["statement", "by", "on"];

/// Of a text, what is taken and what is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<T> {
    /// Entries without a fault, in their order.
    pub taken: Vec<T>,
    /// Entries with a fault, by their number from 1, or the whole text; each with all of its faults.
    pub refused: Vec<(Option<usize>, String)>,
}

/// A control that is silenced for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exception {
    /// Id of a control of the [`crate::CHECKLIST`].
    pub control: String,
    /// Why; [`bounded`].
    pub reason: String,
    /// Who answers for it; [`bounded`].
    pub owner: String,
    /// End, exclusive.
    pub until: Timestamp,
    /// What alone is excepted; [`bounded`]. `None`: everything that the control judges.
    pub resource: Option<String>,
}

/// A statement about what no API shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attestation {
    /// What is stated.
    pub statement: Statement,
    /// Who states it; [`bounded`].
    pub by: String,
    /// Since when it is so.
    pub on: Timestamp,
}

/// What can be stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// Of root's password.
    RootPasswordStrong,
    /// Of root's password and MFA devices.
    RootCredentialsStoredSafely,
    /// Of whom AWS writes to.
    ContactsReviewed,
    /// Of root's MFA devices.
    RootMfaReachableByTwo,
    /// Of root's password, where AWS does not tell its age.
    RootPasswordChanged,
}

/// All that is stated of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Declarations {
    /// As written, also those that have expired.
    pub exceptions: Vec<Exception>,
    /// As written, also those that have lapsed; each statement at most once.
    pub attestations: Vec<Attestation>,
}

impl Exception {
    /// Whether it no longer silences: from `until` on.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.until
    }
}

impl Attestation {
    /// When it no longer holds: [`ATTESTATION_HOLDS`] after `on`.
    pub fn lapses_at(&self) -> Timestamp {
        self.on.checked_add(ATTESTATION_HOLDS).unwrap_or(Timestamp::MAX)
    }

    /// Whether it no longer holds: from [`Attestation::lapses_at`] on.
    pub fn is_lapsed(&self, now: Timestamp) -> bool {
        now >= self.lapses_at()
    }
}

impl Statement {
    /// Every statement.
    pub const ALL: &[Self] = &[
        Self::RootPasswordStrong,
        Self::RootCredentialsStoredSafely,
        Self::ContactsReviewed,
        Self::RootMfaReachableByTwo,
        Self::RootPasswordChanged,
    ];

    /// Its name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::RootPasswordStrong => "root-password-strong",
            Self::RootCredentialsStoredSafely => "root-credentials-stored-safely",
            Self::ContactsReviewed => "contacts-reviewed",
            Self::RootMfaReachableByTwo => "root-mfa-reachable-by-two",
            Self::RootPasswordChanged => "root-password-changed",
        }
    }

    /// The control that judges it; that tells when it lapses.
    pub fn control(self) -> Option<&'static str> {
        match self {
            Self::ContactsReviewed => None,
            Self::RootPasswordChanged => Some("root-password-age"),
            Self::RootPasswordStrong | Self::RootCredentialsStoredSafely | Self::RootMfaReachableByTwo => {
                Some("root-credentials-statements")
            }
        }
    }

    /// What it says, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::RootPasswordStrong => "root's password is long, unique and random",
            Self::RootCredentialsStoredSafely => {
                "root's password and MFA devices are stored safely, where only those in charge reach them"
            }
            Self::ContactsReviewed => {
                "the account's contacts and root's e-mail address are right and read by those in charge"
            }
            Self::RootMfaReachableByTwo => "two people can reach an MFA device of root, so that nobody is locked out",
            Self::RootPasswordChanged => "root's password was changed on that day",
        }
    }
}

impl Declarations {
    /// What is stated by `statement`, in force or lapsed.
    pub fn attestation(&self, statement: Statement) -> Option<&Attestation> {
        self.attestations.iter().find(|attestation| attestation.statement == statement)
    }

    /// The exceptions of `control` that are in force at `now`.
    pub fn exceptions_for(&self, control: &str, now: Timestamp) -> impl Iterator<Item = &Exception> {
        self.exceptions.iter().filter(move |exception| exception.control == control && !exception.is_expired(now))
    }
}

/// Exceptions from JSON: an array of objects with `control`, `reason`, `owner`, `until` and, for one resource only, `resource`.
/// `controls` are the ids that there are. A blank text is none. A date as `until` means the end of that day, UTC.
pub fn parse_exceptions(text: &str, controls: &[&'static str], now: Timestamp) -> Parsed<Exception> {
    let latest = now.checked_add(MAX_EXCEPTION).unwrap_or(Timestamp::MAX);
    let mut seen = Vec::new();
    parse(text, EXCEPTION_FIELDS, |entry| {
        let control = entry.control(controls);
        let reason = entry.text("reason");
        let owner = entry.text("owner");
        let until = entry.instant("until", Date::tomorrow);
        if let Some(until) = until.filter(|until| *until > latest) {
            // The same words at every check: a fault is told once.
            entry.fault(&format!("`until` is at most 366 days ahead, not {until}"));
        }
        let resource = if entry.has("resource") { Some(entry.text("resource")?) } else { None };
        let exception = Exception { control: control?, reason: reason?, owner: owner?, until: until?, resource };
        let key = (exception.control.clone(), exception.resource.clone());
        entry.once(&mut seen, key, |(control, resource)| match resource {
            Some(resource) => format!("`{control}` with the resource `{resource}`"),
            None => format!("`{control}` without a resource"),
        });
        Some(exception)
    })
}

/// Attestations from JSON: an array of objects with `statement`, `by` and `on`. A blank text is none. A date as `on` means the
/// start of that day, UTC.
pub fn parse_attestations(text: &str, now: Timestamp) -> Parsed<Attestation> {
    let mut seen = Vec::new();
    parse(text, ATTESTATION_FIELDS, |entry| {
        let statement = entry.statement();
        let by = entry.text("by");
        let on = entry.instant("on", Ok);
        if let Some(on) = on.filter(|on| on.duration_since(now) > TIME_ZONES) {
            entry.fault(&format!("`on` is a day that has come, so today or before, not {on}"));
        }
        let attestation = Attestation { statement: statement?, by: by?, on: on? };
        entry.once(&mut seen, attestation.statement, |statement| format!("`{}`", statement.id()));
        Some(attestation)
    })
}

/// Reads every entry by itself. `read` returns `None` only when it has told a fault.
fn parse<T>(text: &str, fields: &'static [&'static str], mut read: impl FnMut(&mut Entry) -> Option<T>) -> Parsed<T> {
    let mut parsed = Parsed { taken: Vec::new(), refused: Vec::new() };
    if text.trim().is_empty() {
        return parsed;
    }
    let accepted = format!("an array of objects with {} is accepted", fields.join(", "));
    let entries = match serde_json::from_str(text) {
        Ok(Value::Array(entries)) => entries,
        other => {
            let fault = match other {
                Ok(other) => format!("{accepted}, not {}", kind(&other)),
                Err(error) => format!("not JSON: {}; {accepted}", bounded(&error.to_string())),
            };
            parsed.refused.push((None, fault));
            return parsed;
        }
    };
    for (number, entry) in (1..).zip(entries.iter().take(MAX_ENTRIES)) {
        let Value::Object(values) = entry else {
            let fault = format!("an object with {} is accepted, not {}", fields.join(", "), kind(entry));
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
    if entries.len() > MAX_ENTRIES {
        let fault = format!("at most {MAX_ENTRIES} entries are accepted, not {}: the rest is left out", entries.len());
        parsed.refused.push((None, fault));
    }
    parsed
}

/// One entry that is being read.
struct Entry<'a> {
    /// From 1.
    number: usize,
    /// What it is about, once that is known.
    name: Option<&'static str>,
    values: &'a Map<String, Value>,
    faults: Vec<String>,
}

impl<'a> Entry<'a> {
    fn fault(&mut self, fault: &str) {
        self.faults.push(fault.to_owned());
    }

    /// All that is wrong with it; the rest of what is wrong with a long one is counted.
    fn faults(&self) -> Option<String> {
        let name = self.name.map(|name| format!("{name}: ")).unwrap_or_default();
        let shown = self.faults.iter().take(MAX_FAULTS).cloned().collect::<Vec<_>>().join("; ");
        let more = self.faults.len().saturating_sub(MAX_FAULTS);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        (!self.faults.is_empty()).then(|| format!("{name}{shown}{more}"))
    }

    fn has(&self, field: &str) -> bool {
        self.values.contains_key(field)
    }

    /// A misspelt field would silently do nothing.
    fn know(&mut self, fields: &[&str]) {
        let unknown: Vec<String> =
            self.values.keys().filter(|field| !fields.contains(&field.as_str())).map(|field| bounded(field)).collect();
        if let Some(field) = unknown.first() {
            let more = unknown.len() - 1;
            let more = if more > 0 { format!(", nor are {more} more") } else { String::new() };
            self.fault(&format!("`{field}` is no field{more}; the fields are {}", fields.join(", ")));
        }
    }

    fn control(&mut self, controls: &[&'static str]) -> Option<String> {
        let id = self.text("control")?;
        let known = controls.iter().copied().find(|control| *control == id);
        self.name = known;
        if known.is_none() {
            let fault = if id == "*" || id.eq_ignore_ascii_case("all") {
                "an exception is for one control, never for all"
            } else {
                "no control of this version has this id, see CONTROLS.md"
            };
            self.fault(&format!("`control` is `{id}`: {fault}"));
        }
        known.map(|_| id)
    }

    fn statement(&mut self) -> Option<Statement> {
        let id = self.text("statement")?;
        let known = Statement::ALL.iter().copied().find(|statement| statement.id() == id);
        self.name = known.map(Statement::id);
        if known.is_none() {
            let ids: Vec<&str> = Statement::ALL.iter().map(|statement| statement.id()).collect();
            self.fault(&format!("`statement` is `{id}`: no statement has this id; the ids are {}", ids.join(", ")));
        }
        known
    }

    /// A text that says something, [`bounded`].
    fn text(&mut self, field: &str) -> Option<String> {
        let text = bounded(self.string(field)?);
        // What is cut of invisible characters is `…`, which says no more than a blank.
        if text.trim_end_matches('…').is_empty() {
            self.fault(&format!("`{field}` is blank; a text is accepted"));
            return None;
        }
        Some(text)
    }

    /// An RFC 3339 timestamp, or a date, which means the start of the day that `day` makes of it.
    fn instant(&mut self, field: &str, day: fn(Date) -> Result<Date, jiff::Error>) -> Option<Timestamp> {
        let text = self.string(field)?.trim();
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
        let instant = match date {
            Some(date) => day(date).and_then(|date| Offset::UTC.to_timestamp(date.to_datetime(Time::midnight()))).ok(),
            None => text.parse().ok(),
        };
        if instant.is_none() {
            self.fault(&format!(
                "`{field}` is a date as 2027-03-01 or a timestamp as 2027-03-01T12:00:00Z, not `{}`",
                bounded(text)
            ));
        }
        instant
    }

    fn string(&mut self, field: &str) -> Option<&'a str> {
        let values = self.values;
        match values.get(field) {
            Some(Value::String(text)) => return Some(text),
            Some(other) => self.fault(&format!("`{field}` is a text, not {}", kind(other))),
            None => self.fault(&format!("`{field}` is missing; a text is accepted")),
        }
        None
    }

    /// Of entries without a fault the first with `key` is taken, and no other.
    fn once<K: PartialEq>(&mut self, seen: &mut Vec<(usize, K)>, key: K, words: impl FnOnce(&K) -> String) {
        if !self.faults.is_empty() {
            return;
        }
        match seen.iter().find(|(_, earlier)| *earlier == key) {
            Some((number, _)) => {
                let number = *number;
                self.fault(&format!("{} is also in entry {number}, which is the one that is taken", words(&key)));
            }
            None => seen.push((self.number, key)),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::controls::{CHECKLIST, control, ids};
    use facts::text::MAX_CHARS;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn exceptions(value: Value) -> Parsed<Exception> {
        parse_exceptions(&value.to_string(), &ids(), now())
    }

    fn attestations(value: Value) -> Parsed<Attestation> {
        parse_attestations(&value.to_string(), now())
    }

    fn exception_until(until: &str) -> Result<Exception, String> {
        one(exceptions(json!([{"control": "root-mfa", "reason": "r", "owner": "o", "until": until}])))
    }

    fn attestation_on(on: &str) -> Result<Attestation, String> {
        one(attestations(json!([{"statement": "contacts-reviewed", "by": "b", "on": on}])))
    }

    /// What came of the only entry.
    fn one<T>(parsed: Parsed<T>) -> Result<T, String> {
        let Parsed { mut taken, mut refused } = parsed;
        assert_eq!(taken.len() + refused.len(), 1, "taken or refused");
        match refused.pop() {
            Some((entry, fault)) => {
                assert_eq!(entry, Some(1));
                Err(fault)
            }
            None => Ok(taken.remove(0)),
        }
    }

    fn lines<T>(parsed: &Parsed<T>) -> Vec<String> {
        let line = |(entry, fault): &(Option<usize>, String)| match entry {
            Some(number) => format!("entry {number}: {fault}"),
            None => fault.clone(),
        };
        parsed.refused.iter().map(line).collect()
    }

    fn all<T>(taken: Vec<T>) -> Parsed<T> {
        Parsed { taken, refused: Vec::new() }
    }

    #[test]
    fn a_blank_text_and_an_empty_array_state_nothing() {
        for text in ["", " \n\t", "[]"] {
            assert_eq!(parse_exceptions(text, &ids(), now()), all(Vec::new()));
            assert_eq!(parse_attestations(text, now()), all(Vec::new()));
        }
    }

    #[test]
    fn what_is_written_well_is_taken_in_its_order() {
        let exception = |control: &str, resource: Option<&str>| Exception {
            control: control.into(),
            reason: "migration  to groups".into(),
            owner: "alice".into(),
            until: instant("2027-03-02T00:00:00Z"),
            resource: resource.map(Into::into),
        };
        assert_eq!(
            exceptions(json!([
                {"control": "root-mfa", "reason": " migration\r\nto groups", "owner": "alice", "until": "2027-03-01"},
                {"control": "individual-iam-users", "resource": "bob", "until": "2027-03-02T01:00:00+01:00",
                 "reason": "migration  to groups", "owner": "alice"},
                {"control": "individual-iam-users", "resource": "carol", "until": "2027-03-01",
                 "reason": "migration  to groups", "owner": "alice"},
                {"control": "individual-iam-users", "until": "2027-03-01",
                 "reason": "migration  to groups", "owner": "alice"},
            ])),
            all(vec![
                exception("root-mfa", None),
                exception("individual-iam-users", Some("bob")),
                exception("individual-iam-users", Some("carol")),
                exception("individual-iam-users", None),
            ])
        );
        assert_eq!(
            attestations(json!([
                {"statement": "contacts-reviewed", "by": "bob", "on": "2026-11-01"},
                {"statement": "root-password-strong", "by": "bob", "on": "2026-11-01T08:00:00Z"},
            ])),
            all(vec![
                Attestation {
                    statement: Statement::ContactsReviewed,
                    by: "bob".into(),
                    on: instant("2026-11-01T00:00:00Z")
                },
                Attestation {
                    statement: Statement::RootPasswordStrong,
                    by: "bob".into(),
                    on: instant("2026-11-01T08:00:00Z")
                },
            ])
        );
    }

    #[test]
    fn cf_1_every_faulty_entry_is_refused_with_all_its_faults_and_the_others_are_taken() {
        let exceptions = exceptions(json!([
            {"control": "root-mfa", "reason": "r", "owner": "o", "until": "2027-03-01"},
            {"control": "root-mfa", "reason": " ", "owner": "", "until": "2027-11-21T10:00:01Z", "untill": 1},
            {"control": "root-unused", "reason": 1, "owner": null, "until": true, "resource": []},
            {"control": "root-unused", "resource": "", "reason": {}, "owner": "\u{200b}", "until": "tomorrow"},
            {"control": "root-slots", "reason": "\u{200b}".repeat(300), "owner": "o", "until": "2027-02-29"},
            {"control": "*", "reason": "r", "owner": "o", "until": "2027-03-01"},
            {"control": "ALL", "reason": "r", "owner": "o", "until": "2027-03-01"},
            {"control": 7},
            {"a\nb": "c".repeat(300), "control": "c".repeat(300), "until": "c".repeat(300)},
            "root-mfa",
            ["root-mfa"],
            {"control": "password-policy", "resource": "x", "reason": "r", "owner": "o", "until": "2020-01-01"},
            {"control": "password-policy", "resource": "x", "reason": "r", "owner": "o", "until": "2027-01-01"},
        ]));
        let taken: Vec<&str> = exceptions.taken.iter().map(|exception| exception.control.as_str()).collect();
        assert_eq!(taken, ["root-mfa", "password-policy"]);
        let attestations = attestations(json!([
            {"statement": "contacts-reviewed", "by": "b", "on": "2026-11-21T10:00:01Z"},
            {"statement": "contacts-reviewed", "by": " ", "on": "20261101", "until": "2027-01-01"},
            {"statement": "all-is-well", "by": "b", "on": "2026-11-01"},
            {},
            {"statement": [], "by": {}, "on": 20261101},
            null,
        ]));
        assert_eq!(attestations.taken, []);
        let faults =
            [vec!["EXCEPTIONS".into()], lines(&exceptions), vec!["ATTESTATIONS".into()], lines(&attestations)].concat();
        insta::assert_snapshot!(faults.join("\n"));
    }

    #[test]
    fn an_entry_that_is_refused_does_not_take_the_place_of_one_without_a_fault() {
        let entry = |until: &str| json!({"control": "root-mfa", "reason": "r", "owner": "o", "until": until});
        let parsed = exceptions(json!([entry("2099-01-01"), entry("2027-01-01"), entry("2027-02-01")]));
        assert_eq!(parsed.taken.len(), 1);
        assert_eq!(parsed.taken[0].until, instant("2027-01-02T00:00:00Z"), "of two that could be taken the first");
        assert_eq!(parsed.refused.iter().map(|(entry, _)| *entry).collect::<Vec<_>>(), [Some(1), Some(3)]);
    }

    #[test]
    fn the_same_fault_has_the_same_words_at_every_check() {
        let text = json!([{"control": "root-mfa", "reason": "r", "owner": "o", "until": "2099-01-01"}]).to_string();
        let later = now() + SignedDuration::from_mins(15);
        assert_eq!(parse_exceptions(&text, &ids(), now()), parse_exceptions(&text, &ids(), later));
    }

    #[test]
    fn what_is_no_array_of_entries_is_one_fault() {
        for (text, fault) in [
            (
                "{",
                "not JSON: EOF while parsing an object at line 1 column 1; an array of objects with statement, by, on is accepted",
            ),
            (
                "[] []",
                "not JSON: trailing characters at line 1 column 4; an array of objects with statement, by, on is accepted",
            ),
            ("{}", "an array of objects with statement, by, on is accepted, not an object"),
            ("1", "an array of objects with statement, by, on is accepted, not a number"),
            ("true", "an array of objects with statement, by, on is accepted, not a boolean"),
            ("null", "an array of objects with statement, by, on is accepted, not null"),
            ("\"x\"", "an array of objects with statement, by, on is accepted, not a text"),
        ] {
            let Parsed { taken, refused } = parse_attestations(text, now());
            assert_eq!((taken, refused), (Vec::new(), vec![(None, fault.to_owned())]));
        }
        assert!(parse_attestations(&"[".repeat(4096), now()).refused[0].1.contains("recursion limit"));
        let long = json!([{"control": "root-mfa", "reason": "r".repeat(5_000), "owner": "o", "until": "2027-01-01"}]);
        let cut: String = long.to_string().chars().take(4_096).collect();
        assert!(
            lines(&parse_exceptions(&cut, &ids(), now()))[0].starts_with("not JSON: EOF while parsing"),
            "cut off at 4 kB"
        );
    }

    #[test]
    fn a_hundred_entries_are_accepted_and_one_more_is_not() {
        let entries = |count: usize| -> Vec<Value> {
            let entry =
                |n| json!({"control": "root-mfa", "resource": n, "reason": "r", "owner": "o", "until": "2027-01-01"});
            (0..count).map(|n| entry(n.to_string())).collect()
        };
        assert_eq!(exceptions(entries(100).into()).taken.len(), 100);
        let more = exceptions(entries(101).into());
        assert_eq!(more.taken.len(), 100, "the others are taken");
        assert_eq!(lines(&more), ["at most 100 entries are accepted, not 101: the rest is left out"]);
        assert_eq!(exceptions(json!(vec![1; 5000])).refused.len(), 1 + MAX_ENTRIES);
    }

    #[test]
    fn a_control_that_is_not_known_is_one_fault_an_entry() {
        let entry = json!({"control": "nothing", "reason": "r", "owner": "o", "until": "2027-01-01"});
        let faults = lines(&exceptions(json!([entry, entry])));
        assert_eq!(faults.len(), 2);
        assert!(faults.iter().all(|fault| fault.contains("no control of this version has this id")));
    }

    #[test]
    fn an_exception_ends_at_most_366_days_ahead_to_the_second() {
        let latest = now() + MAX_EXCEPTION;
        assert_eq!(latest, instant("2027-11-21T10:00:00Z"));
        assert_eq!(exception_until("2027-11-21T10:00:00Z").unwrap().until, latest);
        assert_eq!(
            exception_until("2027-11-21T10:00:01Z").unwrap_err(),
            "root-mfa: `until` is at most 366 days ahead, not 2027-11-21T10:00:01Z"
        );
        let text = r#"[{"control": "root-mfa", "reason": "r", "owner": "o", "until": "9999-12-30T00:00:00Z"}]"#;
        assert_eq!(parse_exceptions(text, &ids(), Timestamp::MAX).refused, []);
        assert_eq!(exception_until("2027-11-20").unwrap().until, instant("2027-11-21T00:00:00Z"));
        assert!(exception_until("2027-11-21").is_err());
    }

    #[test]
    fn an_exception_is_in_force_until_its_end_and_not_at_it() {
        let exception = exception_until("2026-11-20").unwrap();
        let end = instant("2026-11-21T00:00:00Z");
        assert!(!exception.is_expired(end - SECOND));
        assert!(exception.is_expired(end));

        let other = Exception { control: "root-unused".into(), ..exception.clone() };
        let of_bob = Exception { resource: Some("bob".into()), ..exception.clone() };
        let all =
            Declarations { exceptions: vec![exception.clone(), other, of_bob.clone()], ..Declarations::default() };
        assert_eq!(all.exceptions_for("root-mfa", end - SECOND).collect::<Vec<_>>(), [&exception, &of_bob]);
        assert_eq!(all.exceptions_for("root-mfa", end).count(), 0);
        assert_eq!(all.exceptions_for("password-policy", now()).count(), 0);
    }

    #[test]
    fn an_attestation_holds_for_90_days_to_the_second() {
        let attestation = attestation_on("2026-11-01").unwrap();
        let lapse = instant("2027-01-30T00:00:00Z");
        assert_eq!(attestation.lapses_at(), lapse);
        assert!(!attestation.is_lapsed(lapse - SECOND));
        assert!(attestation.is_lapsed(lapse));
        assert_eq!(Attestation { on: Timestamp::MAX, ..attestation }.lapses_at(), Timestamp::MAX);
    }

    #[test]
    fn an_attestation_is_dated_at_most_a_day_ahead() {
        assert!(attestation_on("2026-11-21").is_ok());
        assert!(attestation_on("2026-11-21T10:00:00Z").is_ok());
        assert_eq!(
            attestation_on("2026-11-21T10:00:01Z").unwrap_err(),
            "contacts-reviewed: `on` is a day that has come, so today or before, not 2026-11-21T10:00:01Z"
        );
    }

    #[test]
    fn time_that_passes_makes_no_faults() {
        assert!(exception_until("1970-01-01").unwrap().is_expired(now()));
        assert!(attestation_on("1970-01-01").unwrap().is_lapsed(now()));
        assert!(attestation_on("-009999-01-01").is_err());
    }

    #[test]
    fn what_is_nearly_a_date_is_none() {
        for text in [
            "20270301",
            "2027-3-1",
            "2027-03-01T10:00:00",
            "2027-03-01T10:00",
            "2027-02-29",
            "2027-13-01",
            "9999-12-31",
            "",
            "now",
            "1772323200",
        ] {
            let fault = exception_until(text).unwrap_err();
            assert_eq!(
                fault,
                format!(
                    "root-mfa: `until` is a date as 2027-03-01 or a timestamp as 2027-03-01T12:00:00Z, not `{text}`"
                )
            );
        }
        assert!(exception_until(" 2027-03-01 ").is_ok());
    }

    #[test]
    fn statements_have_public_names_and_words() {
        let ids: Vec<&str> = Statement::ALL.iter().map(|statement| statement.id()).collect();
        assert_eq!(
            ids,
            [
                "root-password-strong",
                "root-credentials-stored-safely",
                "contacts-reviewed",
                "root-mfa-reachable-by-two",
                "root-password-changed"
            ]
        );
        let judged = Statement::ALL.iter().filter_map(|statement| statement.control());
        assert!(judged.clone().all(|id| control(id).is_some()) && judged.count() == 4);
        for statement in Statement::ALL {
            assert_eq!(serde_json::to_value(statement).unwrap(), statement.id());
            assert!(!statement.words().ends_with('.') && statement.words().len() < 100);
        }
    }

    /// Values that come close to entries.
    fn any_value() -> impl Strategy<Value = Value> {
        let texts =
            CHECKLIST.iter().map(|control| control.id).chain(Statement::ALL.iter().map(|statement| statement.id()));
        let texts: Vec<&str> =
            texts.chain(["*", "2027-03-01", "2026-11-01T00:00:00Z", "9999-12-31", "-009999-01-01"]).collect();
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,300}".prop_map(Value::from),
            prop::sample::select(texts).prop_map(Value::from),
        ];
        let fields = prop::sample::select([EXCEPTION_FIELDS, ATTESTATION_FIELDS].concat()).prop_map(str::to_owned);
        leaf.prop_recursive(3, 64, 8, move |inner| {
            let name = prop_oneof![9 => fields.clone(), 1 => ".{0,300}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn check(text: &str, now: Timestamp) {
        let Parsed { taken: exceptions, refused } = parse_exceptions(text, &ids(), now);
        let Parsed { taken: attestations, refused: more } = parse_attestations(text, now);
        let entries = serde_json::from_str::<Value>(text).ok();
        let entries = entries.as_ref().and_then(Value::as_array).map(|entries| entries.len().min(MAX_ENTRIES));
        for (taken, refused) in [(exceptions.len(), &refused), (attestations.len(), &more)] {
            let by_number = refused.iter().filter(|(entry, _)| entry.is_some()).count();
            assert_eq!(taken + by_number, entries.unwrap_or(0), "each entry is taken or refused");
        }
        let texts = exceptions.into_iter().flat_map(|exception| {
            assert!(control(&exception.control).is_some());
            [Some(exception.reason), Some(exception.owner), exception.resource]
        });
        let texts: Vec<String> = texts.flatten().chain(attestations.into_iter().map(|stated| stated.by)).collect();
        assert!(texts.iter().all(|text| !text.trim().is_empty() && text.chars().count() <= MAX_CHARS));
        for (_, fault) in refused.iter().chain(&more) {
            assert!(!fault.is_empty() && fault.chars().count() < 2_500, "{fault}");
            assert!(!fault.contains(char::is_control), "{fault:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|.*") {
            check(&text, now());
        }

        #[test]
        fn no_json_makes_it_panic_and_every_fault_is_one_bounded_line(values in prop::collection::vec(any_value(), 0..5)) {
            let text = Value::from(values).to_string();
            for now in [Timestamp::MIN, now(), Timestamp::MAX] {
                check(&text, now);
            }
        }
    }
}
