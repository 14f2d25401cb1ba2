//! No channel reads as well while something could not be seen.

use alerts::Decision;
use checklist::controls::CHECKLIST;
use facts::source::{Cause, Source, Unavailable};
use facts::verdict::Status;
use serde_json::Value;

use super::*;
use crate::answer::Answer;

const SEVERITIES: [&str; 4] = ["LOW", "MEDIUM", "HIGH", "CRITICAL"];

/// Whether somebody who reads `lines` alone could take the account for well: they name no failure by its severity and say of nothing that
/// it is unknown, or a control of root is unknown and none is named.
fn reads_as_well(lines: &str, report: &Report) -> bool {
    let flat = lines.split_whitespace().collect::<Vec<_>>().join(" ");
    let warns = ["INCOMPLETE", "UNKNOWN"].iter().chain(&SEVERITIES).any(|word| flat.contains(word));
    let unknown = || report.findings.iter().filter(|finding| finding.status == Status::Unknown);
    let of_root = || unknown().map(|finding| finding.control).filter(|control| control.starts_with("root-"));
    let name = |control: &str| control.replace('-', " ").replace("mfa", "MFA");
    let names_root = of_root().next().is_none() || of_root().any(|control| flat.contains(&name(control)));
    flat.contains("all is well") || flat.contains("monitoring is active") || !warns || !names_root
}

/// Whether something of `report` was not seen, or is seen by nobody.
fn is_blind(report: &Report) -> bool {
    report.findings.iter().any(|finding| finding.status == Status::Unknown)
        || report.errors().next().is_some()
        || report.subscribed == Some(false)
}

/// The first lines of each channel.
fn first_lines(report: &Report, alerts: &[Alert]) -> Vec<(&'static str, String)> {
    let message = compose_all(report, alerts);
    let notification: Notification = serde_json::from_str(&message.json).unwrap();
    let email: Vec<&str> = message.text.lines().take(3).collect();
    let slack = slack::compose(&notification);
    let blocks = slack["blocks"].as_array().unwrap().iter().take(2).map(Value::to_string);
    vec![
        ("email", format!("{} {}", message.subject, email.join(" "))),
        ("slack", blocks.collect::<Vec<_>>().join(" ")),
        ("json", format!("{} {}", notification.subject, notification.headline.as_deref().unwrap_or_default())),
        ("answer", Answer::new(report.clone(), Vec::new()).headline),
    ]
}

fn assert_no_channel_reads_as_well(report: &Report, what: &str) {
    let decision = decide(&Memory::default(), report, &Policy::default());
    let all: Vec<Alert> = decision.activity.into_iter().chain(decision.alerts).collect();
    let digest: Vec<Alert> = all.iter().filter(|alert| alert.digest().is_some()).cloned().collect();
    for alerts in [all, digest] {
        for (channel, lines) in first_lines(report, &alerts) {
            assert!(!is_blind(report) || !reads_as_well(&lines, report), "{what}, {channel}: {lines}");
        }
    }
}

#[test]
fn no_channel_reads_as_well_while_one_source_is_unread_or_stale_or_nobody_is_subscribed() {
    for source in Source::ALL {
        let blind = report(|snapshot| snapshot.blind_to(*source));
        assert!(*source == Source::Attestations || is_blind(&blind), "{source}");
        assert_no_channel_reads_as_well(&blind, &source.to_string());
    }
    let stale = report(|snapshot| {
        let old = snapshot.taken_at - SignedDuration::from_hours(25);
        snapshot.credential_report.as_mut().unwrap().generated_at = old;
    });
    assert_no_channel_reads_as_well(&stale, "stale");
    assert_no_channel_reads_as_well(&report(|snapshot| snapshot.subscribed = Some(Ok(false))), "unsubscribed");
    assert_no_channel_reads_as_well(&Report::generate(&Snapshot::blind(), &Settings::default()), "everything");
}

#[test]
fn no_channel_reads_as_well_while_one_control_is_unknown_whatever_the_reason() {
    for control in CHECKLIST {
        let mut report = report(|_| {});
        for finding in report.findings.iter_mut().filter(|finding| finding.control == control.id) {
            finding.status = Status::Unknown;
        }
        assert_no_channel_reads_as_well(&report, control.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_channel_reads_as_well_whatever_could_not_be_read_throttled_or_not(
        unread in prop::collection::vec(0..Source::ALL.len(), 0..12), unsubscribed in any::<bool>(), no_mfa in any::<bool>(),
        alias in "[a-z]{0,63}",
    ) {
        let report = report(|snapshot| {
            unread.iter().filter_map(|number| Source::ALL.get(*number)).for_each(|source| snapshot.blind_to(*source));
            snapshot.account.alias = (!alias.is_empty()).then_some(alias);
            if unsubscribed {
                snapshot.subscribed = Some(Ok(false));
            }
            if let (Ok(summary), true) = (&mut snapshot.account_summary, no_mfa) {
                summary.root_mfa = Ok(0);
            }
        });
        assert_no_channel_reads_as_well(&report, "some");
    }
}

#[test]
fn a_throttled_source_that_is_no_condition_yet_and_a_suppressed_failure_are_no_all_is_well() {
    let throttled = |source| Unavailable {
        source,
        operation: "cloudtrail:DescribeTrails".into(),
        cause: Cause::Throttled { code: "ThrottlingException".into() },
    };
    let report = report(|snapshot| snapshot.trails = Err(throttled(Source::Trails)));
    let digest: Vec<Alert> = decide(&Memory::default(), &report, &Policy::default()).alerts;
    assert_eq!(digest.len(), 1, "the digest alone: throttling may pass");
    let lines = first_lines(&report, &digest);
    assert!(lines.iter().all(|(_, text)| text.contains("INCOMPLETE") && !text.contains("all is well")), "{lines:?}");
    let text = compose_all(&report, &digest).text;
    assert!(text.contains("monitoring is NOT fully active") && !text.contains("monitoring is active"), "{text}");
}

#[test]
fn thirty_denials_are_one_line_above_the_findings_and_no_remedy_of_a_failure_is_given() {
    let report = Report::generate(&Snapshot::blind(), &Settings::default());
    let alerts = decide(&Memory::default(), &report, &Policy::default()).alerts;
    let text = compose_all(&report, &alerts).text;
    assert_eq!(text.matches("(AccessDenied)").count(), 1, "{text}");
    assert!(text.find("\nREAD ERRORS\n").unwrap() < text.find("\nOPEN FINDINGS\n").unwrap(), "{text}");
    assert!(!text.contains("Fix:") && !text.contains("delete-access-key"), "{text}");
    for finding in report.findings.iter().filter(|finding| finding.status == Status::Unknown) {
        assert!(!finding.remedy.is_empty(), "{}", finding.control);
    }
}

#[test]
fn where_nothing_can_be_read_the_first_line_says_how_bad_that_is_and_one_id_acknowledges_all_of_it() {
    let report = Report::generate(&Snapshot::blind(), &Settings::default());
    let alerts = decide(&Memory::default(), &report, &Policy::default()).alerts;
    let message = compose_all(&report, &alerts);
    let verdict = "CRITICAL: the root user is not monitored";
    assert!(message.subject.contains(verdict), "{}", message.subject);
    let first = message.text.lines().next().unwrap();
    assert_eq!(
        first,
        format!("{verdict}: root events could not be read in any Region, and real-time alerts are not known to work")
    );
    let id = Acknowledge::all_read_errors(&report.account.id);
    assert!(message.text.contains(&format!("./rootwatch ack {id} YOUR_NAME 24\n")), "{}", message.text);
    let slack = slack::compose(&serde_json::from_str(&message.json).unwrap()).to_string();
    assert!(slack.contains(&format!("./rootwatch ack {id} YOUR_NAME 24")) && slack.contains(verdict), "{slack}");

    let first = |transition| -> String {
        let changed = alerts.iter().filter(|alert| alert.condition().is_some()).cloned().map(|mut alert| {
            if let What::Condition(update) = &mut alert.what {
                update.transition = transition;
                update.acknowledged = Acknowledgement::new("alice", None, 24, alert.at).ok();
            }
            alert
        });
        compose_all(&report, &changed.collect::<Vec<_>>()).text
    };
    assert!(first(Transition::Reminder).starts_with("CRITICAL: still open: the root user is not monitored"));
    let acknowledged = first(Transition::Acknowledged);
    assert!(acknowledged.starts_with("ACKNOWLEDGED: "), "{acknowledged}");
    assert_eq!(acknowledged.matches("\n- ACKNOWLEDGED by alice").count(), 1, "{acknowledged}");
    assert!(acknowledged.contains(&format!("Alert ID {id}\n")), "{acknowledged}");
}

fn memory(decision: &Decision) -> Memory {
    Memory { conditions: decision.conditions.clone(), journal: decision.journal.clone(), ..Memory::default() }
}

#[test]
fn a_digest_that_waited_while_something_became_unreadable_does_not_read_as_well() {
    let well = decide(&Memory::default(), &report(|_| {}), &Policy::default());
    let blind = report(|snapshot| {
        snapshot.taken_at += SignedDuration::from_mins(10);
        snapshot.blind_to(Source::CredentialReport);
        snapshot.blind_to(Source::AccountSummary);
    });
    let later = decide(&memory(&well), &blind, &Policy::default());
    assert!(well.alerts.iter().any(|alert| alert.digest().is_some()) && !later.alerts.is_empty());
    let alerts: Vec<Alert> = well.alerts.into_iter().chain(later.alerts).collect();
    let message = compose(None, &alerts, blind.taken_at);
    let notification: Notification = serde_json::from_str(&message.json).unwrap();
    let headline = notification.headline.unwrap();
    assert!(headline.starts_with("INCOMPLETE: ") && !message.text.contains("onitoring is active"), "{}", message.text);
}

#[test]
fn a_resolution_that_is_sent_without_a_check_says_so() {
    let blind = |no_policy: bool| {
        report(|snapshot| {
            snapshot.blind_to(Source::CredentialReport);
            if no_policy {
                snapshot.password_policy = Ok(None);
            } else {
                snapshot.taken_at += SignedDuration::from_mins(10);
            }
        })
    };
    let opened = decide(&Memory::default(), &blind(true), &Policy::default());
    let resolved = decide(&memory(&opened), &blind(false), &Policy::default()).alerts;
    assert!(!resolved.is_empty());
    let message = compose(None, &resolved, blind(false).taken_at);
    let notification: Notification = serde_json::from_str(&message.json).unwrap();
    assert_eq!(notification.headline.as_deref(), Some(NOT_CHECKED));
    assert!(message.text.contains("No check was made for this message"), "{}", message.text);
    assert!(slack::compose(&notification)["blocks"].to_string().contains("check was made for this message"));
}

#[test]
fn a_check_that_could_not_read_the_baseline_is_no_first_complete_one() {
    let report = report(|snapshot| {
        let cause = Cause::Denied { code: "AccessDenied".into() };
        let unlisted = Unavailable { source: Source::Trails, operation: "cloudtrail:DescribeTrails".into(), cause };
        snapshot.trails_unlisted.insert("eu-west-1".into(), unlisted);
    });
    let alerts = decide(&Memory::default(), &report, &Policy::default()).alerts;
    let text = compose_all(&report, &alerts).text;
    assert!(text.contains("INCOMPLETE") && !text.contains("onitoring is active"), "{text}");
}

pub(super) fn compose_all(report: &Report, alerts: &[Alert]) -> Message {
    compose(Some(report), alerts, report.taken_at)
}

fn compose(report: Option<&Report>, alerts: &[Alert], at: Timestamp) -> Message {
    let bulletin = bulletin(alerts, at, report);
    Message::compose(&bulletin).unwrap()
}
