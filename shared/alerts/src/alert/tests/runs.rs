//! Whole runs over an account: from its facts to the alerts and the memory.

use facts::account_summary::AccountSummary;
use facts::verdict::Evidence;

use super::*;

#[test]
fn a_compliant_account_sends_nothing_and_remembers_no_condition() {
    let mut account = Account::new();
    assert_eq!(account.run(), []);
    assert_eq!(account.memory.conditions, BTreeMap::new());
    assert_eq!(account.memory.journal.last_run, Some(noon()));
    assert_eq!(account.memory.journal.root_credentials, Some(true));
}

#[test]
fn a_control_that_fails_opens_and_resolves_with_its_weight() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, one_key);
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys"));
    assert_eq!((alerts[0].severity, alerts[0].at), (Severity::Critical, noon() + QUARTER));
    assert_eq!(alerts[0].account, account.snapshot.account);
    let alerts = account.after(hours(4), |_| {});
    assert_eq!(words(&alerts), word(Transition::Reminder, "root-access-keys"));
    assert_eq!(alerts[0].severity, Severity::Critical);
    let alerts = account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    assert_eq!(words(&alerts), word(Transition::Resolved, "root-access-keys"));
    assert_eq!(alerts[0].severity, Severity::Informational);
}

#[test]
fn a_root_key_that_is_switched_on_again_is_a_change_and_switched_off_is_none() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].last_rotated = Ok(Some(noon())));
    assert_eq!(account.open(), ["root-access-keys"]);
    let alerts = account.after(QUARTER, one_key);
    assert_eq!(words(&alerts), word(Transition::Changed, "root-access-keys"));
    assert_eq!(account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false)), []);
    let alerts = account.after(QUARTER, |snapshot| snapshot.root().access_keys[1].last_rotated = Ok(Some(noon())));
    assert_eq!(words(&alerts), word(Transition::Changed, "root-access-keys"), "a second key");
}

#[test]
fn what_was_found_is_kept_within_bounds() {
    let mut finding = Account::new().report().findings.remove(0);
    let evidence =
        || Evidence { source: Source::CredentialReport, fact: "fact".into(), value: "value".into(), as_of: noon() };
    finding.status = facts::Status::Failed;
    finding.evidence = (0..25).map(|_| evidence()).collect();
    finding.resources = (0..101).map(|number| number.to_string()).collect();
    let mut account = Account::new();
    let mut report = account.report();
    report.findings = vec![finding];
    let alerts = account.decide(&report);
    let failure = &alerts[0].condition().unwrap().failure;
    assert_eq!((failure.evidence.len(), failure.resources.len(), failure.count), (24, 100, 101));
}

#[test]
fn what_a_newer_version_does_not_know_is_dropped_also_while_the_list_of_regions_is_unread() {
    let mut account = Account::new();
    let report = account.report();
    let gone = Condition {
        fault: Some(Fault::Control { control: "gone".into() }),
        open: true,
        failure: Some(failure(Severity::High, &[])),
        ..Condition::default()
    };
    account.memory.conditions.insert("gone".into(), gone);
    account.memory.conditions.insert("closed".into(), Condition { streak: 1, ..Condition::default() });
    account.snapshot.regions = Err(unavailable(Source::Regions, Cause::TimedOut));
    assert_ne!(report, account.report());
    assert_eq!(words(&account.run()), word(Transition::Dropped, "gone"));
}

#[test]
fn root_credentials_that_come_back_are_sent_whichever_they_are() {
    for (name, give) in [
        ("password", (|summary| summary.root_password = Ok(1)) as fn(&mut AccountSummary)),
        ("access key", |summary| summary.root_access_keys = Ok(1)),
        ("signing certificate", |summary| summary.root_signing_certificates = Ok(1)),
    ] {
        let mut account = Account::new();
        account.snapshot.summary_mut().root_password = Ok(0);
        assert_eq!(account.run(), [], "the first run says nothing");
        let unread = Err(unavailable(Source::AccountSummary, Cause::TimedOut));
        let summary = std::mem::replace(&mut account.snapshot.account_summary, unread);
        account.after(QUARTER, |_| {});
        assert_eq!(account.memory.journal.root_credentials, Some(false), "unknown in between keeps the memory");
        let alerts = account.after(QUARTER, |snapshot| {
            snapshot.account_summary = summary;
            give(snapshot.summary_mut());
        });
        let back = alerts.iter().find(|alert| matches!(alert.what, What::RootCredentialsBack { .. })).unwrap();
        assert_eq!(back.what, What::RootCredentialsBack { credentials: vec![name.into()] });
        assert_eq!(back.severity, Severity::Critical);
        let again = account.after(QUARTER, |_| {});
        assert!(!again.iter().any(|alert| matches!(alert.what, What::RootCredentialsBack { .. })));
    }
    let mut account = Account::new();
    assert_eq!(account.run(), [], "there from the first run on");
}

#[test]
fn ct_13_more_than_three_hours_without_a_check_are_sent_and_three_are_not() {
    let mut account = Account::new();
    assert_eq!(account.run(), [], "nothing before the first run was missed");
    assert_eq!(account.after(OUTAGE, |_| {}), []);
    let since = account.snapshot.taken_at;
    let alerts = account.after(OUTAGE + SECOND, |_| {});
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].what, What::CaughtUp { since, until: since + OUTAGE + SECOND });
    assert_eq!((alerts[0].severity, OUTAGE), (Severity::High, hours(3)));
    assert_eq!(account.after(-hours(9), |_| {}), [], "a clock that steps back was no outage");
}

#[test]
fn an_announced_use_of_root_is_sent_by_its_beginning() {
    let plan = Plan::new(noon(), noon() + hours(1), "CHG-1", "alice", noon()).unwrap();
    let alert = announce(&plan, &Snapshot::compliant().account, noon());
    assert_eq!(alert.id, "111122223333/planned-root-use/2026-11-20T12:00:00Z");
    assert_eq!((alert.what, alert.severity, alert.at), (What::PlannedRootUse(plan), Severity::Medium, noon()));
}

#[test]
fn ids_are_stable_have_no_spaces_and_at_most_255_characters() {
    let account = Snapshot::compliant().account;
    let id = |id: &str| {
        Maker { account: &account, now: noon() }.alert(
            id.into(),
            Severity::Low,
            What::CaughtUp { since: noon(), until: noon() },
        )
    };
    assert_eq!(id("a b\u{a0}c\n").id, "111122223333/a_b_c_");
    assert_eq!(id(&"x".repeat(242)).id.len(), 255);
    assert_eq!(id(&"ä".repeat(300)).id.chars().count(), 255);
}

#[test]
fn root_activity_is_sent_by_the_id_of_its_event_unless_a_service_did_it() {
    let act = |record: &str| {
        let event = facts::record::TrailEvent { record: Some(record.into()), ..Default::default() };
        RootActivity::classify(&event, &Snapshot::compliant().account, None).unwrap()
    };
    let key = act(include_str!("../../../../facts/samples/records/05-root-create-access-key-for-root.json"));
    let service =
        act(include_str!("../../../../facts/samples/records/23-not-human-root-invokedby-service-apicall.json"));
    let mut account = Account::new();
    account.snapshot.root_events.activity = vec![key.clone(), service];
    let decision = decide(&account.memory, &account.report(), &account.policy);
    let [sent] = decision.activity.as_slice() else { panic!("{:?}", decision.activity) };
    assert_eq!(sent.id, format!("111122223333/root/{}", key.event_id));
    assert_eq!((sent.act(), sent.severity, sent.condition()), (Some(&key), Severity::Critical, None));
}

#[test]
fn an_alert_survives_the_store() {
    let mut account = Account::new();
    account.policy.digest = Rhythm::Daily;
    for alert in account.after(QUARTER, one_key) {
        let text = serde_json::to_string(&alert).unwrap();
        assert_eq!(serde_json::from_str::<Alert>(&text).unwrap(), alert, "{text}");
    }
    let condition = &account.memory.conditions["root-access-keys"];
    let text = serde_json::to_string(condition).unwrap();
    assert_eq!(&serde_json::from_str::<Condition>(&text).unwrap(), condition);
}

#[test]
fn that_root_has_no_mfa_at_all_is_sent_once_and_ends_nothing_of_its_virtual_device() {
    let device = |snapshot: &mut Snapshot| {
        let (serial, owner) = ("arn:aws:iam::111122223333:mfa/phone", "arn:aws:iam::111122223333:root");
        let device =
            facts::identities::VirtualMfaDevice { serial_number: serial.into(), owner_arn: Some(owner.into()) };
        snapshot.virtual_mfa_devices = Ok(vec![device]);
    };
    let none = |snapshot: &mut Snapshot| {
        snapshot.virtual_mfa_devices = Ok(Vec::new());
        snapshot.root().mfa_active = Ok(false);
        snapshot.summary_mut().root_mfa = Ok(0);
    };
    let mut account = Account::new();
    assert_eq!(words(&account.after(QUARTER, none)), word(Transition::Opened, "root-mfa"));
    let mut account = Account::new();
    assert_eq!(words(&account.after(QUARTER, device)), word(Transition::Opened, "root-hardware-mfa"));
    assert_eq!(words(&account.after(QUARTER, none)), word(Transition::Opened, "root-mfa"));
}

#[test]
fn a_narrow_run_finds_but_clears_nothing() {
    let mut memory = Memory::default();
    let mut decide_with = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        let report = Report::generate(&snapshot, &Settings::compliant());
        let decision = decide(&memory, &report, &Policy { digest: Rhythm::Never, ..policy() });
        memory.conditions.extend(decision.conditions);
        let transitions = decision.alerts.iter().filter_map(|alert| alert.condition().map(|sent| sent.transition));
        transitions.collect::<Vec<_>>()
    };
    let region = |incomplete: bool| {
        let unread = Snapshot::blind().root_events.regions[0].incomplete.clone().filter(|_| incomplete);
        facts::snapshot::RegionSweep {
            region: "eu-west-1".into(),
            incomplete: unread,
            covered: Vec::new(),
            covered_sign_ins: Vec::new(),
        }
    };
    let opened = decide_with(&|snapshot| {
        snapshot.summary_mut().root_mfa = Ok(0);
        snapshot.root_events.regions.push(region(true));
    });
    assert_eq!(opened, [Transition::Opened; 2], "root's MFA and the Region");
    assert_eq!(decide_with(&|snapshot| snapshot.is_narrow = true), []);
    let found = decide_with(&|snapshot| {
        snapshot.is_narrow = true;
        snapshot.password_policy = Ok(None);
    });
    assert_eq!(found, [Transition::Opened]);
    let cleared = decide_with(&|snapshot| snapshot.root_events.regions.push(region(false)));
    assert_eq!(cleared, [Transition::Resolved; 3]);
}

#[test]
fn a_narrow_run_neither_catches_up_nor_sends_a_digest_nor_counts_as_a_check() {
    let mut snapshot = Snapshot::compliant();
    snapshot.is_narrow = true;
    let journal = Journal { last_run: Some(snapshot.taken_at - OUTAGE - SECOND), ..Journal::default() };
    let memory = Memory { journal: journal.clone(), ..Memory::default() };
    let report = Report::generate(&snapshot, &Settings::compliant());
    let decision = decide(&memory, &report, &Policy::default());
    assert_eq!((decision.alerts, decision.journal.last_run), (Vec::new(), journal.last_run));
}
