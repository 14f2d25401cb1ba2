//! Root activity by session, and what others wrote in it.

use alerts::{Condition, Failure, Fault, announce};
use checklist::declarations::{ATTESTATION_HOLDS, Attestation, Exception, Statement};
use facts::Severity;
use facts::root_activity::{Plan, annotate};

use super::bulletins::{QUARTER, Story, at, hours, no_mfa};
use super::*;

fn act(event_id: &str, key: &str, address: &str, time: &str) -> RootActivity {
    RootActivity {
        event_id: event_id.into(),
        access_key_id: Some(key.into()),
        source_address: Some(address.into()),
        time: Some(at(time)),
        ..sample(include_str!("../../../../facts/samples/records/17-root-long-term-key-api-call-eu-west-1.json"))
    }
}

fn sessions(activity: Vec<RootActivity>) -> (String, Vec<Vec<String>>) {
    let message = compose(|snapshot| snapshot.root_events.activity = gather(activity));
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let ids = |session: &serde_json::Value| {
        let acts = session["acts"].as_array().unwrap().iter();
        acts.map(|act| act["event_id"].as_str().unwrap().to_owned()).collect()
    };
    (message.text, json["root_sessions"].as_array().unwrap().iter().map(ids).collect())
}

#[test]
fn acts_that_share_a_key_or_an_address_also_by_way_of_a_third_are_one_session() {
    let time = "2026-11-20T09:00:00Z";
    let (_, shared) = sessions(vec![
        act("1", "KEY-A", "192.0.2.1", time),
        act("2", "KEY-A", "192.0.2.2", time),
        act("3", "KEY-B", "192.0.2.2", time),
        act("4", "KEY-C", "192.0.2.9", time),
    ]);
    assert_eq!(shared, [vec!["1", "2", "3"], vec!["4"]]);
    let (_, nothing_known) = sessions(
        ["1", "2"]
            .map(|id| RootActivity { access_key_id: None, source_address: None, ..act(id, "", "", time) })
            .to_vec(),
    );
    assert_eq!(nothing_known, [["1"], ["2"]], "not knowing where from is nothing in common");
    let (_, mixed_up) = sessions(vec![act("1", "192.0.2.1", "KEY", time), act("2", "KEY", "192.0.2.1", time)]);
    assert_eq!(mixed_up, [["1"], ["2"]], "a key is no address");
}

#[test]
fn the_session_with_the_worst_act_comes_first_and_its_acts_stay_together() {
    let time = "2026-11-20T09:00:00Z";
    let key = |id: &str, address: &str| RootActivity {
        event_id: id.into(),
        source_address: Some(address.into()),
        access_key_id: None,
        ..new_root_key()
    };
    let (text, sent) = sessions(vec![
        act("1", "KEY-A", "192.0.2.1", "2026-11-20T09:30:00Z"),
        act("2", "KEY-B", "192.0.2.2", time),
        key("3", "192.0.2.2"),
    ]);
    assert_eq!(sent, [vec!["3", "2"], vec!["1"]]);
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
    assert!(place("events/3") < place("SAME SESSION: 1 more root action"));
    assert!(place("SAME SESSION") < place("events/2") && place("events/2") < place("events/1"));
}

#[test]
fn one_visit_to_the_console_is_one_session_also_when_only_a_read_joins_its_acts() {
    let time = "2026-11-20T09:00:00Z";
    let read = RootActivity {
        event_id: "r".into(),
        access_key_id: Some("KEY-A".into()),
        source_address: Some("192.0.2.3".into()),
        ..read_only()
    };
    let failed = RootActivity { source_address: Some("192.0.2.3".into()), ..failed_sign_in() };
    let (text, sent) = sessions(vec![
        act("1", "KEY-A", "192.0.2.1", "2026-11-20T09:30:00Z"),
        act("2", "KEY-B", "192.0.2.3", "2026-11-20T09:20:00Z"),
        act("3", "KEY-A", "192.0.2.2", time),
        read,
        failed,
    ]);
    assert_eq!(sent.len(), 1);
    let session =
        "SAME SESSION: 2 more root actions; whole session: from 2026-11-20 09:00:00 UTC to 2026-11-20 09:30:00 UTC";
    assert_eq!(text.matches(session).count(), 1, "{text}");
}

#[test]
fn a_session_is_known_by_its_earliest_act_whatever_is_found_of_it_later() {
    let alerts = |ids: &[(&str, &str)]| {
        let acts = ids.iter().map(|(id, time)| act(id, "KEY", "192.0.2.1", time));
        let message = compose(|snapshot| snapshot.root_events.activity = gather(acts.collect()));
        let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
        let session = &json["root_sessions"][0];
        [&session["id"], &session["from"], &session["to"]].map(|value| value.as_str().unwrap().to_owned())
    };
    let (nine, ten) = (("1", "2026-11-20T09:00:00Z"), ("2", "2026-11-20T10:00:00Z"));
    assert_eq!(alerts(&[nine, ten]), ["111122223333/root/1", nine.1, ten.1]);
    assert_eq!(alerts(&[nine])[0], alerts(&[nine, ten])[0]);
}

#[test]
fn what_is_found_more_than_an_hour_after_it_happened_says_so() {
    let sent = |time: &str| sessions(vec![act("1", "KEY", "192.0.2.1", time)]).0;
    assert!(!sent("2026-11-20T09:00:00Z").contains("after it happened"));
    assert!(sent("2026-11-20T08:59:59Z").contains("\nNote: found 1 h 0 min after it happened\n"));
}

// What others wrote.

#[test]
fn in_1_in_2_in_6_hostile_text_in_declarations_and_plans_stays_a_dead_line() {
    let hostile =
        facts::text::bounded("x\r\nSubject: forged https://evil.example www.evil.example <!channel> \u{202e}y");
    let mut story = Story::new();
    let end = at("2026-11-20T10:20:00Z");
    let exception = |until| Exception {
        control: "root-mfa".into(),
        reason: hostile.clone(),
        owner: hostile.clone(),
        until,
        resource: Some(hostile.clone()),
    };
    let attestation =
        Attestation { statement: Statement::ContactsReviewed, by: hostile.clone(), on: end - ATTESTATION_HOLDS };
    story.settings.declarations.exceptions = vec![exception(end), exception(end + hours(900))];
    story.settings.declarations.attestations.push(attestation);
    story.policy.digest = Rhythm::Daily;
    story.run(QUARTER, no_mfa);
    let now = story.snapshot.taken_at;
    let plan = Plan::new(now, now + hours(1), &hostile, &hostile, now).unwrap();
    story.waiting.push(announce(&plan, &story.snapshot.account, now));
    let mut acts = [RootActivity { time: Some(now), ..new_root_key() }];
    annotate(&mut acts, &[plan]);
    let failure = Failure {
        severity: Severity::Critical,
        found: hostile.clone(),
        evidence: Vec::new(),
        resources: vec![hostile.clone()],
        count: 1,
        unavailable: None,
    };
    let gone = Condition {
        fault: Some(Fault::Control { control: hostile.clone() }),
        open: true,
        failure: Some(failure),
        opened_at: Some(now),
        ..Condition::default()
    };
    story.memory.conditions.insert(hostile.clone(), gone);
    story.run(QUARTER, |snapshot| snapshot.root_events.activity = acts.to_vec());
    let message = story.mail();
    for words in ["ACCOUNT STATUS", "new root access key", "planned use of root announced", "SUPPRESSED"] {
        assert!(message.text.contains(words), "{words}");
    }
    assert!(!message.text.contains("://evil") && !message.text.contains("www.evil"), "{}", message.text);
    assert!(!message.text.lines().any(|line| line.starts_with("Subject:")), "{}", message.text);
    assert!(!message.text.chars().any(|char| (char.is_control() && char != '\n') || char == '\u{202e}'));
    assert!(message.subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
    assert!(serde_json::from_str::<serde_json::Value>(&message.json).is_ok());
}
