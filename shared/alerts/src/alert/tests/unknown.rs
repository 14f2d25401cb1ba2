//! What could not be read, and controls that could not be evaluated for it.

use super::*;

#[test]
fn a_source_that_is_denied_is_sent_at_once_and_one_that_is_slow_in_the_third_run() {
    let causes = [
        (denied(), 1),
        (Cause::Refused { code: "Some".into() }, 1),
        (Cause::Malformed { detail: "why".into() }, 1),
        (Cause::Stale { generated_at: noon() }, 1),
        (Cause::Internal, 1),
        (Cause::Throttled { code: "Throttling".into() }, 3),
        (Cause::Refused { code: "ServiceFailure".into() }, 3),
        (Cause::TimedOut, 3),
        (Cause::Unreachable, 3),
        (Cause::NotReady, 3),
        (Cause::OutOfTime, 3),
    ];
    for (cause, run) in causes {
        let mut account = Account::new();
        account.snapshot.virtual_mfa_devices = Err(unavailable(Source::VirtualMfaDevices, cause.clone()));
        let sent: Vec<usize> = (1..=4).filter(|_| !account.after(QUARTER, |_| {}).is_empty()).collect();
        assert_eq!(sent, [run], "{cause:?}");
        assert_eq!(account.open(), ["unread#virtual_mfa_devices"], "{cause:?}");
    }
}

#[test]
fn a_source_that_cannot_be_read_is_medium_and_the_alias_is_low() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.account_alias = Err(unavailable(Source::AccountAlias, denied()));
        snapshot.regions = Err(unavailable(Source::Regions, denied()));
    });
    let sent: Vec<_> = alerts.iter().map(|alert| (alert.id.as_str(), alert.severity)).collect();
    assert_eq!(
        sent,
        [("111122223333/unread/account_alias/1", Severity::Low), ("111122223333/unread/regions/1", Severity::Medium),]
    );
    assert_eq!(alerts[1].condition().unwrap().failure.unavailable, account.snapshot.regions.clone().err());
}

/// A cell that cannot be read makes its control unknown although the source itself is there.
fn unreadable_cell(snapshot: &mut Snapshot) {
    let found = Some("maybe".into());
    let column = "access_key_1_active";
    snapshot.root().access_keys[0].active = Err(facts::credential_report::UnreadableCell { column, found });
}

#[test]
fn an_unjudged_control_is_sent_only_when_every_source_that_it_is_evaluated_by_could_be_read() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, unreadable_cell);
    assert_eq!(words(&alerts), word(Transition::Opened, "root-access-keys#unjudged"));
    assert_eq!(
        (alerts[0].id.as_str(), alerts[0].severity),
        ("111122223333/root-access-keys/unjudged/1", Severity::Medium)
    );
    let alerts = account.after(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(false));
    assert_eq!(words(&alerts), word(Transition::Resolved, "root-access-keys#unjudged"));

    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        unreadable_cell(snapshot);
        snapshot.account_summary = Err(unavailable(Source::AccountSummary, denied()));
    });
    assert!(!words(&alerts).contains(&(Transition::Opened, "root-access-keys#unjudged".to_owned())));
    assert!(words(&alerts).contains(&(Transition::Opened, "unread#account_summary".to_owned())));
    let alerts = account.after(QUARTER, |snapshot| snapshot.account_summary = Snapshot::compliant().account_summary);
    assert!(words(&alerts).contains(&(Transition::Opened, "root-access-keys#unjudged".to_owned())));

    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        unreadable_cell(snapshot);
        snapshot.account_alias = Err(unavailable(Source::AccountAlias, denied()));
        snapshot.subscribed = Some(Err(unavailable(Source::Subscribers, denied())));
    });
    assert!(
        words(&alerts).contains(&(Transition::Opened, "root-access-keys#unjudged".to_owned())),
        "neither the alias nor the subscribers judge"
    );
}

#[test]
fn a_control_is_evaluated_again_as_soon_as_it_is_however_old_its_evidence() {
    let mut account = Account::new();
    let mut report = account.report();
    report.findings[0].status = facts::Status::Unknown;
    report.findings[0].judged_by.clear();
    assert_eq!(words(&account.decide(&report)), word(Transition::Opened, "root-access-keys#unjudged"));
    account.snapshot.taken_at += QUARTER;
    assert_eq!(words(&account.run()), word(Transition::Resolved, "root-access-keys#unjudged"));
}

#[test]
fn an_unknown_control_resolves_neither_its_failure_nor_what_kept_it_from_being_evaluated() {
    let mut account = Account::new();
    account.after(QUARTER, one_key);
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.credential_report = Err(unavailable(Source::CredentialReport, denied()));
    });
    assert_eq!(words(&alerts), word(Transition::Opened, "unread#credential_report"));
    assert_eq!(account.open(), ["root-access-keys", "unread#credential_report"]);
    assert_eq!(account.memory.conditions["root-access-keys"].unverified_since, Some(noon() + QUARTER * 2));
}

#[test]
fn ct_9_a_region_that_is_swept_no_more_is_dropped_but_not_while_the_list_of_regions_is_unread() {
    let mut account = Account::new();
    account.after(QUARTER, |snapshot| {
        snapshot.root_events.regions.push(sweep("ap-south-1", Some(denied())));
    });
    assert_eq!(account.open(), ["unread#root_events#ap-south-1"]);
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.root_events.regions.pop();
        snapshot.regions = Err(unavailable(Source::Regions, denied()));
    });
    assert_eq!(words(&alerts), word(Transition::Opened, "unread#regions"));
    let alerts = account.after(QUARTER, |snapshot| snapshot.regions = Snapshot::compliant().regions);
    assert_eq!(
        words(&alerts),
        [
            (Transition::Resolved, "unread#regions".to_owned()),
            (Transition::Dropped, "unread#root_events#ap-south-1".to_owned()),
        ]
    );
    assert_eq!(alerts[1].severity, Severity::Informational);
}

#[test]
fn that_no_region_can_be_read_is_critical_also_after_one_was_and_a_narrow_check_lowers_nothing() {
    let mut account = Account::new();
    let unread = || vec![sweep("us-east-1", Some(denied())), sweep("eu-west-1", Some(denied()))];
    account.after(QUARTER, |snapshot| {
        snapshot.root_events.regions = vec![sweep("us-east-1", Some(denied())), sweep("eu-west-1", None)];
    });
    let severities = |account: &Account| -> Vec<Severity> {
        let failures = account.memory.conditions.values().filter_map(|condition| condition.failure.as_ref());
        failures.filter(|failure| failure.unavailable.is_some()).map(|failure| failure.severity).collect()
    };
    assert_eq!(severities(&account), [Severity::Medium]);
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.root_events.regions = unread();
        snapshot.watch = None;
        snapshot.trails = Err(unavailable(Source::Trails, denied()));
    });
    let sent = words(&alerts);
    assert!(sent.contains(&(Transition::Changed, "unread#root_events#us-east-1".to_owned())), "worse: {sent:?}");
    let of_root = |alert: &&Alert| alert.condition().is_some_and(|update| update.blindness_to_root().is_some());
    assert_eq!(alerts.iter().filter(of_root).map(|alert| alert.severity).collect::<Vec<_>>(), [Severity::Critical; 2]);
    let mut narrow = account.report();
    narrow.is_narrow = true;
    account.decide(&narrow);
    let critical = severities(&account).into_iter().filter(|severity| *severity == Severity::Critical).count();
    assert_eq!(critical, 2, "a narrow check");
    account.after(QUARTER, |snapshot| snapshot.root_events.regions[0].incomplete = None);
    assert!(!severities(&account).contains(&Severity::Critical));

    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| snapshot.root_events.regions = unread());
    let works = account
        .report()
        .findings
        .iter()
        .any(|finding| finding.control == "alert-path" && finding.status == facts::Status::Passed);
    assert!(works);
    assert_eq!(alerts.iter().filter(of_root).map(|alert| alert.severity).collect::<Vec<_>>(), [Severity::High; 2]);
}

#[test]
fn pb_6_pb_7_a_topic_without_subscriber_opens_and_stays_while_nobody_can_see() {
    let mut account = Account::new();
    assert_eq!(account.run(), []);
    let alerts = account.after(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(false)));
    assert_eq!(words(&alerts), word(Transition::Opened, "no-subscriber"));
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(account.after(QUARTER, |snapshot| snapshot.subscribed = None), []);
    assert_eq!(account.open(), ["no-subscriber"]);
    let unread = Err(unavailable(Source::Subscribers, Cause::TimedOut));
    let alerts = account.after(hours(4), |snapshot| snapshot.subscribed = Some(unread));
    assert_eq!(words(&alerts), word(Transition::Reminder, "no-subscriber"));
    assert!(alerts[0].condition().unwrap().unverified_since.is_some());
    let alerts = account.after(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(true)));
    assert_eq!(words(&alerts), word(Transition::Resolved, "no-subscriber"));
}

#[test]
fn a_control_that_nobody_can_judge_is_at_most_as_bad_as_its_failure_and_an_exception_answers_for_it() {
    let not_sent = |snapshot: &mut Snapshot| {
        let phone = facts::contacts::PhoneVerification::NotTold;
        snapshot.primary_contact = Ok(Some(facts::contacts::PrimaryContact { phone }));
    };
    let mut account = Account::new();
    let alerts = account.after(QUARTER, not_sent);
    assert_eq!(words(&alerts), word(Transition::Opened, "contact-information#unjudged"));
    assert_eq!(alerts[0].severity, Severity::Low);
    let answered = Exception { control: "contact-information".into(), ..exception(None, noon() + hours(24 * 30)) };
    account.except(std::slice::from_ref(&answered));
    assert_eq!(words(&account.after(QUARTER, |_| {})), word(Transition::Suppressed, "contact-information#unjudged"));
    let by_name = Exception { resource: Some("phone".into()), ..answered };
    account.except(&[by_name]);
    assert_eq!(words(&account.after(QUARTER, |_| {})), word(Transition::Opened, "contact-information#unjudged"));
}

#[test]
fn what_could_not_be_evaluated_is_sent_with_what_was_seen_of_it() {
    let mut account = Account::new();
    let alerts = account.after(QUARTER, |snapshot| {
        snapshot.credential_report.as_mut().unwrap().generated_at = snapshot.taken_at - hours(2);
        snapshot.root_events.since = snapshot.taken_at - hours(1);
    });
    let sent = alerts.iter().find_map(Alert::condition).unwrap();
    assert_eq!(sent.condition, Fault::Unjudged { control: "root-unused".into() });
    assert!(sent.failure.evidence.iter().any(|evidence| evidence.fact == "gap"), "{:?}", sent.failure);
}
