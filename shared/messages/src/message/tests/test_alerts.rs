//! The test alert: marked as a test wherever it arrives.

use facts::account::{AccountId, Partition};
use serde_json::Value;

use super::chats::{chat_faults, drawn, faults, read, strings};
use super::*;

fn test_alert(alias: Option<&str>, recipients: Option<Recipients>) -> Message {
    let id = AccountId::parse("111122223333").unwrap();
    let account = Account { id, alias: alias.map(str::to_owned), partition: Partition::Aws };
    let links = Links::of("eu-west-1", Some(("rootwatch-reports", "latest.html")), Some(("rootwatch", "rootwatch")));
    let at = "2026-11-20T10:00:00Z".parse().unwrap();
    let runbook = "https://wiki.example/rootwatch/runbook";
    Message::test_alert(&account, at, &TestAlert::new(&links, recipients), runbook, &links)
}

/// By way of the topic, as our functions get it.
fn delivered(message: &Message) -> (Value, Value) {
    let now = "2026-11-20T10:00:02Z".parse().unwrap();
    let delivery = Delivery { subject: Some(&message.subject), body: &message.json, sent_at: None, now };
    (delivery.for_slack(), delivery.for_chat())
}

#[test]
fn the_test_alert_as_email_slack_message_and_json() {
    let recipients = Recipients { email: 2, slack: true, pending: 1, ..Recipients::default() };
    let message = test_alert(Some("acme-prod"), Some(recipients));
    let json = serde_json::to_string_pretty(&read(&message)).unwrap();
    let slack = drawn(&delivered(&message).0);
    insta::assert_snapshot!(format!("{}\n\n{}\n{slack}\n\n{json}", message.subject, message.text));
}

#[test]
fn a_test_alert_is_marked_as_a_test_everywhere_and_has_no_word_of_a_real_one() {
    for alias in
        [None, Some("acme-prod"), Some("<!channel> *x* https://evil.example/ `y`"), Some("a".repeat(300).as_str())]
    {
        for recipients in [None, Some(Recipients::default()), Some(Recipients { pending: 3, ..Recipients::default() })]
        {
            let message = test_alert(alias, recipients);
            let (slack, chat) = delivered(&message);
            let header = slack["blocks"][0]["text"]["text"].as_str().unwrap();
            let title = chat["content"]["title"].as_str().unwrap();
            let first = message.text.lines().next().unwrap();
            for marked in [&message.subject, first, header, title, slack["text"].as_str().unwrap()] {
                assert!(marked.contains("TEST ALERT"), "{marked}");
            }
            assert!(
                is_test_alert(&message.subject)
                    && message.subject.len() < 100
                    && message.subject.contains("111122223333")
            );
            assert_eq!((faults(&slack), chat_faults(&chat)), (Vec::new(), Vec::new()));
            let all: String = strings(&slack).chain(strings(&chat)).collect::<Vec<_>>().join("\n");
            assert!(!all.contains("<!channel>"), "{all}");
            for real in ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "Do first", "NEXT STEPS", "Alert ID"] {
                for text in [&message.text, &message.subject, &all] {
                    assert!(!text.contains(real), "{real}: {text}");
                }
            }
            let notification = read(&message);
            assert!(
                notification.test_alert.is_some()
                    && notification.alerts.is_empty()
                    && notification.root_sessions.is_empty()
            );
        }
    }
}

#[test]
fn no_real_alert_has_the_subject_or_the_mark_of_a_test() {
    let real = compose(|snapshot| snapshot.root_events.activity = vec![new_root_key()]);
    assert!(!is_test_alert(&real.subject) && !is_test_alert(KNOCK) && !is_test_alert("TEST ALERT"));
    assert_eq!(read(&real).test_alert, None);
    // As an earlier version writes it.
    let mut json: Value = serde_json::from_str(&real.json).unwrap();
    json.as_object_mut().unwrap().shift_remove("test_alert");
    assert_eq!(serde_json::from_value::<Notification>(json).unwrap().test_alert, None);
}
