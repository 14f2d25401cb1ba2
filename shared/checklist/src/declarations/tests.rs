use proptest::prelude::*;
use serde_json::{Value, json};

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
            "not valid JSON: EOF while parsing an object at line 1 column 1; expected an array of objects with statement, by, on",
        ),
        (
            "[] []",
            "not valid JSON: trailing characters at line 1 column 4; expected an array of objects with statement, by, on",
        ),
        ("{}", "expected an array of objects with statement, by, on, got an object"),
        ("1", "expected an array of objects with statement, by, on, got a number"),
        ("true", "expected an array of objects with statement, by, on, got a boolean"),
        ("null", "expected an array of objects with statement, by, on, got null"),
        ("\"x\"", "expected an array of objects with statement, by, on, got a string"),
    ] {
        let Parsed { taken, refused } = parse_attestations(text, now());
        assert_eq!((taken, refused), (Vec::new(), vec![(None, fault.to_owned())]));
    }
    assert!(parse_attestations(&"[".repeat(4096), now()).refused[0].1.contains("recursion limit"));
    let long = json!([{"control": "root-mfa", "reason": "r".repeat(5_000), "owner": "o", "until": "2027-01-01"}]);
    let cut: String = long.to_string().chars().take(4_096).collect();
    assert!(
        lines(&parse_exceptions(&cut, &ids(), now()))[0].starts_with("not valid JSON: EOF while parsing"),
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
    assert_eq!(lines(&more), ["at most 100 entries are allowed, got 101: the rest is ignored"]);
    assert_eq!(exceptions(json!(vec![1; 5000])).refused.len(), 1 + MAX_ENTRIES);
}

#[test]
fn a_control_that_is_not_known_is_one_fault_an_entry() {
    let entry = json!({"control": "nothing", "reason": "r", "owner": "o", "until": "2027-01-01"});
    let faults = lines(&exceptions(json!([entry, entry])));
    assert_eq!(faults.len(), 2);
    assert!(faults.iter().all(|fault| fault.contains("no control in this version has this id")));
}

#[test]
fn an_exception_ends_at_most_366_days_ahead_to_the_second() {
    let latest = now() + MAX_EXCEPTION;
    assert_eq!(latest, instant("2027-11-21T10:00:00Z"));
    assert_eq!(exception_until("2027-11-21T10:00:00Z").unwrap().until, latest);
    assert_eq!(
        exception_until("2027-11-21T10:00:01Z").unwrap_err(),
        "root-mfa: `until` must be at most 366 days ahead, not 2027-11-21T10:00:01Z"
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
    let all = Declarations { exceptions: vec![exception.clone(), other, of_bob.clone()], ..Declarations::default() };
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
        "contacts-reviewed: `on` must be today or earlier, not 2026-11-21T10:00:01Z"
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
                "root-mfa: `until` must be a date such as 2027-03-01 or a timestamp such as 2027-03-01T12:00:00Z, not `{text}`"
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
    let evaluated = Statement::ALL.iter().filter_map(|statement| statement.control());
    assert!(evaluated.clone().all(|id| control(id).is_some()) && evaluated.count() == 4);
    for statement in Statement::ALL {
        assert_eq!(serde_json::to_value(statement).unwrap(), statement.id());
        assert!(!statement.words().ends_with('.') && statement.words().len() < 100);
    }
}

/// Values that come close to entries.
fn any_value() -> impl Strategy<Value = Value> {
    let texts = CHECKLIST.iter().map(|control| control.id).chain(Statement::ALL.iter().map(|statement| statement.id()));
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
            prop::collection::vec((name, inner), 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect())),
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
