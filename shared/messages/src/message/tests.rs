use alerts::{Acknowledge, Acknowledgement, Memory, Policy, Rhythm, decide};
use checklist::settings::Settings;
use facts::account::AccountId;
use facts::identities::{AttachedPolicy, InlinePolicy};
use facts::record::TrailEvent;
use facts::root_activity::{Kind, Mfa, gather};
use facts::snapshot::{RegionSweep, Snapshot};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

mod blind;
mod bulletins;
mod chats;
mod digests;
mod odd;
mod organizations;
mod rules;
mod sessions;
mod test_alerts;

fn report(change: impl FnOnce(&mut Snapshot)) -> Report {
    let mut snapshot = Snapshot::compliant();
    change(&mut snapshot);
    Report::generate(&snapshot, &Settings::compliant())
}

fn compose(change: impl FnOnce(&mut Snapshot)) -> Message {
    compose_new(&report(change)).expect("something to send")
}

/// `alerts` as they are sent at `at`, and nothing else that a sender may know.
fn bulletin<'a>(alerts: &'a [Alert], at: Timestamp, report: Option<&'a Report>) -> Bulletin<'a> {
    Bulletin {
        alerts,
        at,
        report,
        repeats_possible: false,
        runbook: RUNBOOK,
        report_link: None,
        links: None,
        recipients: None,
        member_of: None,
    }
}

/// What the first run of all sends, without its digest.
fn compose_new(report: &Report) -> Option<Message> {
    let policy = Policy { digest: Rhythm::Never, ..Policy::default() };
    let decision = decide(&Memory::default(), report, &policy);
    let alerts: Vec<Alert> = decision.activity.into_iter().chain(decision.alerts).collect();
    Message::compose(&bulletin(&alerts, report.taken_at, Some(report)))
}

fn sample(record: &str) -> RootActivity {
    let event = TrailEvent { record: Some(record.into()), ..TrailEvent::default() };
    RootActivity::classify(&event, &Snapshot::compliant().account, None).unwrap()
}

fn sign_in_without_mfa() -> RootActivity {
    sample(include_str!("../../../facts/samples/records/03-root-console-login-success-no-mfa-us-west-2.json"))
}

fn failed_sign_in() -> RootActivity {
    sample(include_str!("../../../facts/samples/records/04-root-console-login-failure.json"))
}

fn new_root_key() -> RootActivity {
    sample(include_str!("../../../facts/samples/records/05-root-create-access-key-for-root.json"))
}

fn read_only() -> RootActivity {
    sample(include_str!("../../../facts/samples/records/18-root-readonly-list-buckets.json"))
}

fn numbered(act: &RootActivity, count: usize) -> impl Iterator<Item = RootActivity> {
    (0..count).map(move |number| RootActivity { event_id: format!("{:?}-{number}", act.kind), ..act.clone() })
}

#[test]
fn nothing_to_send_is_no_message() {
    assert_eq!(compose_new(&report(|_| {})), None);
}

#[test]
fn ct_5_a_service_on_behalf_of_root_is_no_message() {
    let service =
        sample(include_str!("../../../facts/samples/records/23-not-human-root-invokedby-service-apicall.json"));
    assert_eq!(compose_new(&report(|snapshot| snapshot.root_events.activity = vec![service])), None);
}

#[test]
fn a_central_session_that_only_reads_is_no_message() {
    let visit = sample(include_str!("../../../facts/samples/records/29-member-root-session-get-account-summary.json"));
    let seen = report(|snapshot| snapshot.root_events.activity = vec![visit.clone()]);
    assert_eq!((compose_new(&seen), &seen.root_activity), (None, &vec![visit]), "in the report all the same");
}

#[test]
fn the_subject_names_the_worst_first_and_the_account() {
    let subject = |change: fn(&mut Snapshot)| compose(change).subject;
    assert_eq!(
        subject(|snapshot| {
            snapshot.summary_mut().root_mfa = Ok(0);
            snapshot.root_events.activity = gather(vec![read_only(), new_root_key()]);
        }),
        "[rootwatch] CRITICAL: new root access key in acme-prod (111122223333)"
    );
    assert_eq!(
        subject(|snapshot| {
            snapshot.summary_mut().root_mfa = Ok(0);
            snapshot.root_events.activity = vec![read_only()];
        }),
        "[rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)",
        "a worse failure comes before a lesser act"
    );
    assert_eq!(
        subject(|snapshot| snapshot.password_policy = Snapshot::blind().password_policy),
        "[rootwatch] UNKNOWN: password policy could not be read in acme-prod (111122223333)"
    );
    assert_eq!(
        subject(|snapshot| snapshot.account_alias = Snapshot::blind().account_alias),
        "[rootwatch] UNKNOWN: account alias could not be read in acme-prod (111122223333)"
    );
}

#[test]
fn a_long_alias_or_headline_leaves_the_account_in_the_subject() {
    let subject = compose(|snapshot| {
        snapshot.account.alias = Some("a".repeat(63));
        snapshot.root_events.activity = vec![RootActivity { event_name: "x".repeat(99), ..sign_in_without_mfa() }];
    })
    .subject;
    assert!(subject.len() < 100 && subject.ends_with("(111122223333)"), "{subject}");
    assert!(subject.starts_with("[rootwatch] CRITICAL: root sign-in without MFA in aaa"), "{subject}");
}

#[test]
fn ct_7_a_success_comes_before_ten_thousand_failed_sign_ins() {
    let message = compose(|snapshot| {
        let failed = failed_sign_in();
        let flood = numbered(&failed, 10_000);
        snapshot.root_events.activity = gather(flood.chain([sign_in_without_mfa()]).collect());
    });
    assert_eq!(message.subject, "[rootwatch] CRITICAL: root sign-in without MFA in acme-prod (111122223333)");
    let (first, flood) = (
        message.text.find("root sign-in without MFA").unwrap(),
        message.text.find("MEDIUM: 10000 failed root sign-ins").unwrap(),
    );
    assert!(first < flood);
    assert!(message.by_protocol().len() <= MAX_BYTES);
}

#[test]
fn many_actions_are_one_with_its_details_then_listed_then_counted() {
    let message = compose(|snapshot| {
        let write =
            sample(include_str!("../../../facts/samples/records/17-root-long-term-key-api-call-eu-west-1.json"));
        snapshot.root_events.activity = gather(numbered(&write, 40).chain(numbered(&read_only(), 30)).collect());
    });
    assert_eq!(message.text.matches("\nEvent: https://").count(), 1);
    assert_eq!(message.text.matches("\n- MEDIUM: change made by root:").count(), 10);
    assert!(message.text.contains("and 29 more") && message.text.contains("30 read-only root actions"));
    assert_eq!(message.text.matches("\nWhy: ").count(), 1, "each kind is explained once");
    assert!(message.text.lines().count() <= 60, "{}", message.text);
}

#[test]
fn more_than_fits_into_sns_is_left_out_and_counted() {
    let message = compose(|snapshot| {
        snapshot.root_events.activity =
            gather(numbered(&RootActivity { user_agent: Some("\"".repeat(200)), ..new_root_key() }, 3_000).collect());
    });
    let bytes = message.by_protocol().len();
    assert!(bytes <= MAX_BYTES, "{bytes}");
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let sessions = json["root_sessions"].as_array().unwrap();
    let listed: usize = sessions.iter().map(|session| session["acts"].as_array().unwrap().len()).sum();
    let conditions = json["alerts"].as_array().unwrap().len();
    assert!(listed > 10);
    assert_eq!((conditions, &json["left_out"]), (1, &(3_000 - listed).into()), "root-unused alone is open");
}

#[test]
fn a_long_email_is_cut_on_a_character_border_and_says_so() {
    let text = "ä".repeat(40_000);
    let short = cut(text, 1_001);
    assert!(short.len() <= 1_001);
    assert!(short.contains("bytes were left out here"));
    assert_eq!(cut("short".into(), 100), "short");
    let with_link = format!("First\nhttps://example.com/{}", "a".repeat(2_000));
    assert!(cut(with_link, 1_000).starts_with("First\n\n["), "half an address leads nowhere");
}

#[test]
fn a_body_for_every_protocol_and_the_email_as_default() {
    let message = compose(|snapshot| snapshot.summary_mut().root_mfa = Ok(0));
    let bodies: serde_json::Value = serde_json::from_str(&message.by_protocol()).unwrap();
    assert_eq!(bodies["default"], message.text.as_str());
    for protocol in ["sqs", "lambda", "http", "https"] {
        assert_eq!(bodies[protocol], message.json.as_str(), "{protocol}");
    }
}

#[test]
fn the_email_of_a_sign_in_without_mfa_and_a_new_key() {
    let message = compose(|snapshot| {
        snapshot.summary_mut().root_access_keys = Ok(1);
        snapshot.root_events.activity =
            gather(vec![sign_in_without_mfa(), new_root_key(), read_only(), failed_sign_in()]);
    });
    insta::assert_snapshot!(format!("Subject: {}\n\n{}", message.subject, message.text));
}

#[test]
fn the_email_when_nothing_could_be_read() {
    let message = compose_new(&Report::generate(&Snapshot::blind(), &Settings::default())).unwrap();
    insta::assert_snapshot!(format!("Subject: {}\n\n{}", message.subject, message.text));
}

#[test]
fn the_notification_for_programs() {
    let message = compose(|snapshot| {
        snapshot.root_events.activity = vec![new_root_key()];
        snapshot.regions = Snapshot::blind().regions;
    });
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn every_kind_of_activity_has_words() {
    let mut headlines = std::collections::HashSet::new();
    for kind in Kind::ALL {
        let words = kind.words();
        assert!(headlines.insert(words.headline), "{kind:?}");
        assert!(words.headline.len() <= 55, "{kind:?} does not fit a subject");
        assert!(words.why.ends_with('.') && words.steps.iter().all(|step| step.text.ends_with(['.', '}'])), "{kind:?}");
    }
}

#[test]
fn in_1_in_4_hostile_text_breaks_neither_the_email_nor_the_json() {
    let hostile = "x\r\n\r\nSubject: forged\n{\"_aws\":{}} <!channel> https://evil.example \u{202e}www.evil.example";
    let message = compose(|snapshot| {
        snapshot.root_events.activity = vec![RootActivity {
            user_agent: Some(facts::text::bounded(hostile)),
            error: Some(hostile.into()),
            target: Some(hostile.into()),
            ..sign_in_without_mfa()
        }];
        snapshot.users_mut()[0].name = hostile.into();
        snapshot.users_mut()[0].inline_policies.push(InlinePolicy::limited(hostile));
        snapshot.account.alias = Some(hostile.into());
    });
    assert!(!message.text.contains("https://evil") && !message.text.contains("www.evil"), "{}", message.text);
    assert!(
        !message.text.lines().any(|line| line.starts_with("Subject:") || line.starts_with('{')),
        "{}",
        message.text
    );
    assert!(!message.text.contains('\u{202e}') && !message.subject.contains('\n'));
    assert!(serde_json::from_str::<serde_json::Value>(&message.json).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_names_make_a_message_that_sns_refuses(texts in prop::collection::vec(".{0,300}", 6), count in 0usize..40) {
        let mut snapshot = Snapshot::compliant();
        snapshot.account.id = AccountId::parse("111122223333").unwrap();
        snapshot.account.alias = Some(texts[0].clone());
        snapshot.users_mut()[0].name = texts[1].clone();
        snapshot.users_mut()[0].attached_policies.push(AttachedPolicy::of_aws(&texts[2]));
        let act = RootActivity {
            user_agent: Some(texts[3].clone()),
            event_name: texts[4].clone(),
            source_address: Some(texts[5].clone()),
            mfa: Mfa::NotRecorded,
            ..new_root_key()
        };
        snapshot.root_events.activity = numbered(&act, count).collect();
        let message = compose_new(&Report::generate(&snapshot, &Settings::compliant())).unwrap();
        prop_assert!((1..100).contains(&message.subject.len()));
        prop_assert!(message.subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        prop_assert!(message.by_protocol().len() <= MAX_BYTES);
        prop_assert!(!message.text.chars().any(|char| char.is_control() && char != '\n'));
    }
}
