//! Exceptions and attestations: what they suppress, and their end.

use checklist::declarations::Statement;

use super::*;

#[test]
fn an_exception_for_the_whole_control_keeps_it_quiet_until_it_ends_and_not_a_second_longer() {
    let mut account = Account::new();
    account.except(&[exception(None, noon() + hours(2))]);
    assert_eq!(account.after(QUARTER, one_key), []);
    assert_eq!(account.after(hours(2) - QUARTER - SECOND, |_| {}), []);
    let alerts = account.after(SECOND, |_| {});
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys"));
}

#[test]
fn an_exception_that_begins_while_it_is_open_suppresses_it_once() {
    let mut account = Account::new();
    account.after(QUARTER, one_key);
    let whole = exception(None, noon() + hours(9));
    account.except(std::slice::from_ref(&whole));
    let alerts = account.after(QUARTER, |_| {});
    assert_eq!(words(&alerts), word(Transition::Suppressed, "root-access-keys"));
    let sent = alerts[0].condition().unwrap();
    assert_eq!((sent.exception.as_ref(), alerts[0].severity), (Some(&whole), Severity::Low));
    assert!(sent.failure.found.starts_with("Root has 1 access key"), "{}", sent.failure.found);
    assert_eq!(account.after(QUARTER, |_| {}), []);
    assert_eq!(account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false)), []);
}

#[test]
fn exceptions_by_resource_silence_what_they_name_and_nothing_else() {
    let mut account = Account::new();
    let until = noon() + hours(9);
    let names = ["access key 1", "active access key 1"];
    let by_name = names.map(|name| exception(Some(name), until));
    account.except(&by_name);
    assert_eq!(account.after(QUARTER, one_key), [], "all of it is suppressed, by name");
    account.except(&by_name[..1]);
    let alerts = account.after(QUARTER, |_| {});
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys"));
    let failure = &alerts[0].condition().unwrap().failure;
    assert_eq!((failure.resources.as_slice(), failure.count), ([names[1].to_owned()].as_slice(), 1));
    account.except(&by_name);
    let suppressed = word(Transition::Suppressed, "root-access-keys");
    assert_eq!(words(&account.after(QUARTER, |_| {})), suppressed);
    account.except(&[exception(Some("access key 2"), until)]);
    assert_eq!(words(&account.after(QUARTER, |_| {})), word(Transition::Opened, "root-access-keys"), "names another");
}

#[test]
fn the_end_of_a_partial_exception_is_a_change() {
    let mut account = Account::new();
    account.except(&[exception(Some("active access key 1"), noon() + hours(1))]);
    assert_eq!(words(&account.after(QUARTER, one_key)), word(Transition::Opened, "root-access-keys"));
    let alerts = account.after(hours(1), |_| {});
    assert_eq!(words(&alerts), word(Transition::Changed, "root-access-keys"));
}

#[test]
fn a_declaration_that_ended_is_sent_once_and_again_when_a_new_one_ends() {
    let mut account = Account::new();
    let end = noon() + hours(1);
    account.except(&[exception(Some("bob"), end)]);
    let attestation = Attestation {
        statement: Statement::ContactsReviewed,
        by: "alice".into(),
        on: end - checklist::declarations::ATTESTATION_HOLDS,
    };
    let attestations = &mut account.settings.declarations.attestations;
    attestations.retain(|other| other.statement != attestation.statement);
    attestations.push(attestation.clone());
    assert_eq!(account.after(hours(1) - SECOND, |_| {}), []);
    let alerts = account.after(SECOND, |_| {});
    let sent: Vec<_> = alerts.iter().map(|alert| (&alert.what, alert.severity)).collect();
    assert_eq!(
        sent,
        [
            (&What::ExceptionEnded(exception(Some("bob"), end)), Severity::Medium),
            (&What::AttestationLapsed(attestation), Severity::Low),
        ]
    );
    assert_eq!(account.after(QUARTER, |_| {}), []);
    account.except(&[exception(Some("bob"), end + hours(2))]);
    assert_eq!(account.after(QUARTER, |_| {}), []);
    assert_eq!(account.after(hours(2), |_| {}).len(), 1, "the renewed one");
    account.except(&[]);
    account.after(QUARTER, |_| {});
    assert_eq!(account.memory.journal.ended.len(), 1, "what is declared no more is forgotten");
}
