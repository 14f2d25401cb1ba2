//! What a digest lists, and when it is sent.

use super::*;

#[test]
fn the_first_run_sends_a_digest_of_what_it_found_itself() {
    let mut account = Account::new();
    account.policy.digest = Rhythm::Weekly;
    account.snapshot.root().access_keys[0].active = Ok(true);
    account.memory.journal.last_complete = Some(noon() - hours(1));
    let alerts = account.run();
    let digests: Vec<_> = alerts.iter().filter(|alert| matches!(alert.what, What::Digest(_))).collect();
    let [digest] = digests.as_slice() else { panic!("{digests:?}") };
    let What::Digest(of) = &digest.what else { panic!("{digest:?}") };
    assert_eq!((of.open.len(), digest.severity), (1, Severity::Critical));
    assert_eq!((of.open[0].condition.key().as_str(), of.open[0].opened_at), ("root-access-keys", noon()));
    assert_eq!((of.all_is_well(), of.last_complete), (false, Some(noon() - hours(1))));
    assert_eq!(account.after(QUARTER, |_| {}), [], "and the next one not before Monday");
}

#[test]
fn a_digest_of_what_is_no_longer_open_is_all_well_and_lists_exceptions_in_force() {
    let mut account = Account::new();
    account.after(QUARTER, one_key);
    account.policy.digest = Rhythm::Daily;
    let (ended, holds) = (exception(Some("a"), noon() + hours(1)), exception(Some("b"), noon() + hours(99)));
    account.except(&[ended, holds.clone()]);
    let alerts = account.after(hours(1), |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    let digest = alerts.iter().find_map(|alert| match &alert.what {
        What::Digest(digest) => Some(digest),
        _ => None,
    });
    let digest = digest.unwrap();
    assert!(digest.all_is_well());
    assert_eq!(
        (digest.open.len(), digest.severity(), digest.exceptions.as_slice()),
        (0, Severity::Informational, [holds].as_slice())
    );
    let blind = Report::generate(&Snapshot::blind(), &Settings::default());
    let unknown = Digest::new(&blind, std::iter::empty(), &Journal::default());
    assert!(!unknown.all_is_well(), "unknown is not well");
}

#[test]
fn a_digest_lists_the_worst_first_and_then_the_oldest() {
    let condition = |control: &str, severity, opened_at: Timestamp| Condition {
        fault: Some(Fault::Control { control: control.into() }),
        open: true,
        failure: Some(failure(severity, &[])),
        opened_at: Some(opened_at),
        ..Condition::default()
    };
    let conditions = [
        condition("a", Severity::Medium, noon()),
        condition("b", Severity::High, noon()),
        condition("c", Severity::High, noon() - SECOND),
        Condition { open: false, ..condition("d", Severity::Critical, noon()) },
    ];
    let digest = Digest::new(&Account::new().report(), conditions.iter(), &Journal::default());
    let keys: Vec<String> = digest.open.iter().map(|open| open.condition.key()).collect();
    assert_eq!((keys.join(" ").as_str(), digest.severity()), ("c b a", Severity::High));
}
