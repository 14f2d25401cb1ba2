//! Settings that cannot be read.

use checklist::settings::Refused;

use super::*;

fn refused(entry: usize, fault: &str) -> Refused {
    Refused { setting: "Exceptions".into(), entry: Some(entry), fault: fault.into() }
}

#[test]
fn cf_1_a_fault_in_the_settings_is_sent_once_and_again_when_there_is_another_and_resolved_when_all_are_gone() {
    let mut account = Account::new();
    account.run();
    let transitions = |alerts: Vec<Alert>| -> Vec<Transition> {
        let of_settings = |alert: &Alert| {
            let sent = alert.condition().filter(|sent| sent.condition == Fault::RefusedSettings)?;
            Some(sent.transition)
        };
        alerts.iter().filter_map(of_settings).collect()
    };
    account.settings.refused = vec![refused(2, "no control in this version has this id")];
    let opened = account.after(QUARTER, |_| {});
    let sent = opened.iter().find_map(|alert| alert.condition()).unwrap();
    assert_eq!(sent.failure.found, "Exceptions, entry 2: no control in this version has this id");
    assert_eq!(opened[0].severity, Severity::Medium);
    assert_eq!(transitions(opened), [Transition::Opened]);
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [], "sent once");
    account.settings.refused.push(refused(3, "not a date"));
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [Transition::Changed], "another fault");
    account.settings.refused.remove(0);
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [], "fewer are no news");
    assert_eq!(transitions(account.after(hours(24), |_| {})), [Transition::Reminder]);
    account.settings.refused.clear();
    assert_eq!(transitions(account.after(QUARTER, |_| {})), [Transition::Resolved]);
}

#[test]
fn a_fault_in_the_settings_stands_in_the_digest_and_leaves_the_report_whole() {
    let mut account = Account { policy: Policy::default(), ..Account::new() };
    account.settings.refused = (1..=200).map(|entry| refused(entry, &"x".repeat(1_000))).collect();
    let report = account.report();
    assert!(report.is_whole(), "root was watched");
    let alerts = account.decide(&report);
    let digest = alerts.iter().find_map(|alert| match &alert.what {
        What::Digest(digest) => Some(digest),
        _ => None,
    });
    assert!(digest.unwrap().open.iter().any(|open| open.condition == Fault::RefusedSettings));
    let sent = alerts.iter().find_map(|alert| alert.condition()).unwrap();
    assert!(sent.failure.found.ends_with(". And 195 more, see refused_settings in the report"));
    assert_eq!((sent.failure.count, sent.failure.resources.len()), (200, Failure::MAX_RESOURCES));
}
