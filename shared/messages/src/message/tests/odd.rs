//! Whatever waits beside it, what is new is sent.

use std::collections::BTreeSet;

use alerts::{announce, of_root};
use facts::Severity;
use facts::root_activity::Plan;
use facts::testing::mutations;

use super::bulletins::{Story, no_mfa};
use super::*;

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// What is sent of these without a check.
fn sent_later(alerts: &[Alert], at: Timestamp) -> Message {
    let bulletin = bulletin(alerts, at, None);
    Message::compose(&bulletin).unwrap()
}

/// One of every kind that a run may have left waiting.
fn waiting() -> Vec<Alert> {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    let quarter = SignedDuration::from_mins(15);
    let mut waiting = std::mem::take(&mut story.run(quarter, no_mfa).run(quarter * 120, |_| {}).waiting);
    let (of, now) = (story.snapshot.account.clone(), story.snapshot.taken_at);
    let plan = Plan::new(now, now + SignedDuration::from_hours(1), "CHG-1", "alice", now).unwrap();
    waiting.push(announce(&plan, &of, now));
    let act = RootActivity { planned: Some(plan), time: Some(now), ..new_root_key() };
    waiting.push(of_root(&act, &of, now));
    let back = What::RootCredentialsBack { credentials: vec!["password".into()] };
    waiting.push(Alert { id: "back".into(), what: back, ..waiting[0].clone() });
    waiting.push(Alert::unreadable(&of.id, "1#x", now, "?"));
    waiting
}

#[test]
fn whatever_waits_beside_it_a_new_act_of_root_is_in_the_words() {
    let waiting = waiting();
    let now = waiting[0].at + SignedDuration::from_hours(48);
    let of = Snapshot::compliant().account;
    let act = RootActivity {
        source_address: Some("198.51.100.99".into()),
        event_id: "news".into(),
        time: Some(now),
        ..new_root_key()
    };
    let news = of_root(&act, &of, now);
    let kinds: BTreeSet<String> = waiting.iter().map(|alert| json(&alert.what).chars().take(16).collect()).collect();
    assert!(kinds.len() >= 6, "{kinds:?}");
    for alert in &waiting {
        for body in mutations(&json(alert)) {
            let other =
                Alert::stored(&of.id, &body, now).unwrap_or_else(|| Alert::unreadable(&of.id, "1#x", now, &body));
            let alerts = [other, news.clone()];
            let message = sent_later(&alerts, now);
            let what = || format!("{body:.300}");
            assert!(message.text.contains("198.51.100.99"), "{}", what());
            assert!(message.json.contains("198.51.100.99"), "{}", what());
            assert!(message.subject.len() < 100 && message.subject.is_ascii(), "{}", what());
            assert!(message.by_protocol().len() <= MAX_BYTES, "{}", what());
        }
    }
}

#[test]
fn an_end_that_is_dated_like_an_opening_or_a_little_ahead_does_not_hide_it() {
    let mut story = Story::new();
    let opened = std::mem::take(&mut story.run(SignedDuration::from_mins(15), no_mfa).waiting);
    let (of, now) = (story.snapshot.account.id.clone(), story.snapshot.taken_at);
    let opened = opened.iter().find(|alert| alert.id.contains("root-mfa")).unwrap();
    for ahead in [0, 4] {
        let mut forged = opened.clone();
        forged.at = now + SignedDuration::from_mins(ahead);
        forged.severity = Severity::Informational;
        let What::Condition(sent) = &mut forged.what else { panic!("a condition") };
        sent.transition = Transition::Resolved;
        let forged = Alert::stored(&of, &json(&forged), now).unwrap();
        for alerts in [[opened.clone(), forged.clone()], [forged.clone(), opened.clone()]] {
            let subject = sent_later(&alerts, now).subject;
            assert!(subject.contains("CRITICAL"), "{subject}");
        }
    }
}
