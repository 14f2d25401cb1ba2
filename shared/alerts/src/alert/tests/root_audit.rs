//! A member account is looked into by the audit of its root user often, and as a whole rarely: the audit clears what it sees, and nothing else.

use checklist::settings::Selection;
use facts::root_activity::Kind;
use facts::root_audit::{AccessKey, MfaDevice, RootAudit};
use facts::testing::act;

use super::*;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

impl Account {
    /// A check of this member by the audit of its root user.
    fn audited(&mut self, change: impl FnOnce(&mut Snapshot)) -> Vec<Alert> {
        self.snapshot.taken_at += QUARTER;
        let mut snapshot = Snapshot::audited();
        snapshot.taken_at = self.snapshot.taken_at;
        change(&mut snapshot);
        let selection = Selection { root_audit_only: true, ..self.settings.selection.clone() };
        let report = Report::generate(&snapshot, &Settings { selection, ..self.settings.clone() });
        self.decide(&report)
    }
}

fn audited_key(snapshot: &mut Snapshot) {
    snapshot.audit_mut().access_keys = Ok(vec![AccessKey::of_root(KEY, true, Ok(None))]);
    snapshot.audit_mut().mfa_devices = Ok(vec![MfaDevice::of_serial("arn:aws:iam::111122223333:u2f/root/desk")]);
    snapshot.summary_mut().root_access_keys = Ok(1);
    snapshot.summary_mut().root_mfa = Ok(1);
}

#[test]
fn what_a_full_look_opened_stays_open_and_unchanged_after_a_root_audit() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| {
        *snapshot.administrators_mut() = Default::default();
        snapshot.password_policy = Ok(None);
        snapshot.trails = Err(unavailable(Source::Trails, denied()));
        snapshot.credential_report = Err(unavailable(Source::CredentialReport, denied()));
        snapshot.root_events.regions = vec![sweep("eu-west-1", Some(denied()))];
        snapshot.subscribed = Some(Ok(false));
    });
    let before = account.memory.conditions.clone();
    let open = account.open().len();
    assert!(open >= 6 && account.open().contains(&"no-subscriber"), "{:?}", account.open());
    assert_eq!(account.audited(|_| {}), []);
    let after = &account.memory.conditions;
    let is_kept = |key: &&String| !key.starts_with("root-");
    for key in before.keys().filter(is_kept) {
        assert_eq!(before.get(key), after.get(key), "{key}");
    }
    assert_eq!(account.open().len(), open);
}

#[test]
fn a_root_audit_opens_and_resolves_what_it_sees() {
    let mut account = Account::new();
    let alerts = account.audited(audited_key);
    assert!(words(&alerts).contains(&(Transition::Opened, "root-access-keys".into())));
    assert_eq!(words(&account.audited(|_| {})), word(Transition::Resolved, "root-access-keys"));
    account.after(QUARTER, one_key);
    assert!(account.open().contains(&"root-access-keys"));
    let alerts = account.audited(|_| {});
    assert!(
        words(&alerts).contains(&(Transition::Resolved, "root-access-keys".into())),
        "the lists show the same keys"
    );
}

#[test]
fn a_use_of_root_that_only_cloudtrail_shows_is_not_resolved_by_the_last_uses() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| {
        snapshot.root_events.activity = vec![act(Kind::WriteCall, Some(snapshot.taken_at))];
    });
    assert!(account.open().contains(&"root-unused"));
    assert_eq!(account.audited(|_| {}), []);
    assert!(account.open().contains(&"root-unused"));
    let alerts = account.after(hours(30), |snapshot| snapshot.root_events.activity.clear());
    assert!(
        words(&alerts).contains(&(Transition::Resolved, "root-unused".into())),
        "the full look sees that it is over"
    );
    // The report shows the same dates as the audit.
    account.after(QUARTER, |snapshot| snapshot.root().password_last_used = Ok(Some(snapshot.taken_at)));
    assert_eq!(words(&account.audited(|_| {})), word(Transition::Resolved, "root-unused"));
}

#[test]
fn that_a_full_look_cannot_verify_root_activity_is_not_answered_by_an_audit() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| {
        snapshot.credential_report.as_mut().unwrap().generated_at -= hours(2);
        snapshot.root_events.since = snapshot.taken_at - hours(1);
    });
    assert_eq!(account.open(), ["root-unused#unjudged"]);
    assert_eq!(account.audited(|_| {}), []);
    assert_eq!(account.open(), ["root-unused#unjudged"]);
}

#[test]
fn that_an_exception_ended_is_sent_once_by_audits_alone() {
    let mut account = Account::new();
    let until = account.snapshot.taken_at + hours(1);
    let exception = checklist::declarations::Exception {
        control: "root-mfa".into(),
        reason: "r".into(),
        owner: "o".into(),
        until,
        resource: None,
    };
    account.except(&[exception]);
    let ended =
        |alerts: Vec<Alert>| alerts.iter().filter(|alert| matches!(alert.what, What::ExceptionEnded(_))).count();
    let times: Vec<usize> = (0..8).map(|_| ended(account.audited(audited_key))).collect();
    assert_eq!(times.iter().sum::<usize>(), 1, "{times:?}");
}

#[test]
fn counters_alone_find_and_resolve_nothing_and_open_no_doubt() {
    let flags = |snapshot: &mut Snapshot| {
        snapshot.root_audit = Ok(RootAudit::not_asked());
        snapshot.is_narrow = true;
    };
    let mut account = Account::new();
    assert_eq!(account.audited(flags), []);
    let alerts = account.audited(|snapshot| {
        audited_key(snapshot);
        flags(snapshot);
    });
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys"));
    assert_eq!(account.audited(flags), []);
    assert_eq!(account.open(), ["root-access-keys"]);
    assert_eq!(words(&account.audited(|_| {})), word(Transition::Resolved, "root-access-keys"));
}

#[test]
fn an_audit_that_was_denied_stays_a_condition_until_an_audit_is_read() {
    let mut account = Account::new();
    let alerts = account.audited(|snapshot| snapshot.root_audit = Err(unavailable(Source::RootAudit, denied())));
    assert_eq!(words(&alerts), word(Transition::Opened, "unread#root_audit"));
    assert_eq!(words(&account.after(QUARTER, |_| {})), [], "a check without an audit says nothing of it");
    assert_eq!(words(&account.audited(|_| {})), word(Transition::Resolved, "unread#root_audit"));
}

#[test]
fn a_control_that_the_owner_disables_is_dropped_by_an_audit_too() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| snapshot.password_policy = Ok(None));
    (account.settings.selection, _) = Selection::default().without(["password-policy"]);
    assert_eq!(words(&account.audited(|_| {})), word(Transition::Dropped, "password-policy"));
}

#[test]
fn an_audit_is_no_check_of_the_whole_account() {
    let mut account = Account::new();
    account.policy.digest = Rhythm::Daily;
    account.after(QUARTER, |_| {});
    let before = account.memory.journal.clone();
    account.snapshot.taken_at += hours(48);
    assert_eq!(account.audited(|_| {}), [], "no digest, and nothing is caught up");
    let journal = &account.memory.journal;
    assert_eq!((journal.last_digest, &journal.alias), (before.last_digest, &before.alias));
    assert_eq!(journal.last_run, Some(account.snapshot.taken_at), "ends of exceptions are remembered by it");
    assert_eq!(journal.root_credentials, Some(false));
}

#[test]
fn root_credentials_that_are_back_are_sent_by_an_audit() {
    let mut account = Account::new();
    account.audited(|_| {});
    let alerts = account.audited(audited_key);
    assert!(alerts.iter().any(|alert| matches!(alert.what, What::RootCredentialsBack { .. })));
}
