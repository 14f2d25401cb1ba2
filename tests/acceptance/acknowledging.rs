//! A person acknowledges an open alert: no reminders until the acknowledgement ends, and everything else as before.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use aws_sdk_dynamodb::types::AttributeValue;
use checker::Error;
use sandbox::{Fault, Story, Trouble};
use serde_json::{Value, json};

use crate::account::{ALARM, Account, QUIET, Run, hours, ids, minutes, story, text, transitions};
use crate::ledger::patient;
use crate::odd_items::item;

const KEY: &str = "111122223333/root-access-keys/1";
const ODD: &str = "111122223333/odd-items/1";

/// Root has an access key and no MFA.
fn violated() -> Story {
    story(ALARM).without_events()
}

fn acknowledging(mut story: Story, alert: &str, hours: u16) -> Story {
    story.event = json!({"acknowledge": {"alert": alert, "by": "alice", "hours": hours, "note": "CHG-7"}});
    story
}

/// What was sent of one alert.
fn of(run: &Run, alert: &str) -> Vec<String> {
    transitions(&run.mails).into_iter().filter(|(id, _)| id == alert).map(|(_, transition)| transition).collect()
}

fn in_force(run: &Run) -> Vec<(String, String, String)> {
    let answer = run.answer.as_ref().expect("an answer");
    assert!(answer.acknowledged.is_some(), "the table was read");
    let all = answer.acknowledged.iter().flatten();
    let all = all.map(|given| (given.alert.clone(), &given.acknowledgement));
    all.map(|(alert, given)| (alert, given.by.clone(), given.until.to_string())).collect()
}

#[tokio::test]
async fn an_acknowledged_alert_has_no_reminder_until_the_end_and_then_one_at_once() {
    let story = violated();
    let account = Account::of(&story).await;
    let at = |by| story.later_with_a_young_report(by);
    assert_eq!(of(&account.run(&story).await, KEY), ["opened"]);

    let given = at(minutes(15));
    let run = account.run(&acknowledging(given.clone(), KEY, 24)).await;
    assert_eq!(transitions(&run.mails), [(KEY.to_owned(), "acknowledged".to_owned())], "one alert, with the same id");
    let until = (given.now + hours(24)).to_string();
    let expected = vec![(KEY.to_owned(), "alice".to_owned(), until)];
    assert_eq!(in_force(&run), expected);
    assert!(run.is_complete());

    let run = account.run(&at(hours(24))).await;
    assert_eq!(of(&run, KEY), [""; 0], "no reminder");
    assert!(transitions(&run.mails).contains(&("111122223333/root-mfa/1".into(), "reminder".into())), "of others");
    assert_eq!(in_force(&run), expected);
    let run = account.run(&at(hours(24) + minutes(15))).await;
    assert_eq!(of(&run, KEY), ["reminder"]);
    assert_eq!(in_force(&run), []);
    account.assert_settled("acknowledged").await;
}

#[tokio::test]
async fn what_ends_in_the_meantime_is_sent_and_a_new_episode_is_not_acknowledged() {
    let story = violated();
    let account = Account::of(&story).await;
    let at = |by| story.later_with_a_young_report(by);
    account.run(&story).await;
    account.run(&acknowledging(at(minutes(15)), KEY, 168)).await;
    let run = account.run(&at(minutes(30)).with_account_of(QUIET)).await;
    assert_eq!((of(&run, KEY), in_force(&run)), (vec!["resolved".to_owned()], vec![]));
    let again = "111122223333/root-access-keys/2";
    assert_eq!(of(&account.run(&at(minutes(45))).await, again), ["opened"]);
    assert_eq!(of(&account.run(&at(minutes(45) + hours(4))).await, again), ["reminder"]);
}

#[tokio::test]
async fn what_gets_worse_alerts_all_the_same_and_ends_the_acknowledgement() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let at = |by| story.later_with_a_young_report(by);
    account.put(item("A", "X#1", &[])).await;
    assert_eq!(of(&account.run(&story).await, ODD), ["opened"]);
    assert_eq!(of(&account.run(&acknowledging(at(minutes(15)), ODD, 168)).await, ODD), ["acknowledged"]);
    assert_eq!(of(&account.run(&at(hours(30))).await, ODD), [""; 0]);
    account.put(item("A", "X#2", &[])).await;
    let run = account.run(&at(hours(31))).await;
    assert_eq!((of(&run, ODD), in_force(&run)), (vec!["changed".to_owned()], vec![]));
    assert_eq!(of(&account.run(&at(hours(31 + 24))).await, ODD), ["reminder"]);

    // Worse in the very check that was to acknowledge it: the person has not read that yet.
    account.put(item("A", "X#3", &[])).await;
    let run = account.run(&acknowledging(at(hours(56)), ODD, 168)).await;
    assert_eq!(of(&run, ODD), ["changed"]);
    let error = run.answer.unwrap_err().to_string();
    assert!(error.contains("read the new alert first"), "{error}");
}

#[tokio::test]
async fn one_request_acknowledges_every_read_error_of_an_account_in_which_nothing_can_be_read() {
    let story = story("unknown-nothing-can-be-read");
    let account = Account::of(&story).await;
    let opened = transitions(&account.run(&story).await.mails).len();
    assert!(opened > 20, "{opened}");
    let id = "111122223333/unread";
    let run = account.run(&acknowledging(story.later_with_a_young_report(minutes(15)), id, 48)).await;
    let sent = transitions(&run.mails);
    assert_eq!(
        (sent.len(), sent.iter().all(|(_, transition)| transition == "acknowledged")),
        (opened, true),
        "{sent:?}"
    );
    assert_eq!(in_force(&run).len(), opened);
    let email = &run.mails[0].bodies["default"];
    assert_eq!(email.matches("ACKNOWLEDGED by alice").count(), 1, "{email}");
    let run = account.run(&story.later_with_a_young_report(hours(48))).await;
    assert_eq!(transitions(&run.mails), [], "no reminder");
    let run = account.run(&story.later_with_a_young_report(hours(49))).await;
    assert!(transitions(&run.mails).iter().all(|(_, transition)| transition == "reminder"));
    assert_eq!(transitions(&run.mails).len(), opened);
}

#[tokio::test]
async fn what_cannot_be_acknowledged_is_an_error_that_lists_open_alerts_and_the_check_is_sent() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    let run = account.run(&acknowledging(story.clone(), "111122223333/root-mfa/7", 24)).await;
    assert!(run.ids().contains(&KEY.to_owned()), "{:?}", run.ids());
    let error = run.answer.unwrap_err();
    assert!(matches!(error, Error::NotAcknowledged(_)), "{error}");
    let error = error.to_string();
    assert!(error.contains("no alert has this id. Open alerts: ") && error.contains(KEY), "{error}");

    let act = account
        .sandbox
        .published()
        .iter()
        .flat_map(|mail| ids(std::slice::from_ref(mail)))
        .find(|id| !id.contains('/'));
    let act = format!("111122223333/root/{}", act.expect("an act of root was sent"));
    for (alert, reason) in
        [(act.as_str(), "it is about an event"), ("999900001111/root-mfa/1", "it belongs to another account")]
    {
        let run = account.run(&acknowledging(story.later_with_a_young_report(minutes(15)), alert, 24)).await;
        let error = run.answer.unwrap_err().to_string();
        assert!(error.contains(reason) && run.mails.is_empty(), "{error}");
    }
}

#[tokio::test]
async fn an_acknowledgement_that_cannot_be_recorded_is_an_error_and_no_message_says_that_it_was_given() {
    for operation in ["dynamodb:Query", "dynamodb:TransactWriteItems"] {
        let story = violated();
        let account = Account::of(&story).await;
        account.run(&story).await;
        let mut broken = acknowledging(story.later_with_a_young_report(hours(5)), KEY, 24);
        broken.faults.push(Fault::on(operation, Trouble::Deny));
        let run = account.run(&broken).await;
        assert!(matches!(run.answer, Err(Error::Acknowledgement { store: Some(_) })), "{operation}: {:?}", run.answer);
        assert!(!run.mails.is_empty(), "{operation}: the check is sent");
        assert!(transitions(&run.mails).iter().all(|(_, transition)| transition != "acknowledged"), "{operation}");
        account.sandbox.clear_faults();
        let run = account.run(&story.later_with_a_young_report(hours(5) + minutes(15))).await;
        assert_eq!(of(&run, KEY), ["reminder"], "{operation}: reminders go on");
    }
}

#[tokio::test]
async fn a_dry_run_shows_what_acknowledging_would_send_and_records_nothing() {
    let story = violated();
    let account = Account::of(&story).await;
    account.run(&story).await;
    let before = account.items("A").await.len();
    let mut dry = acknowledging(story.later_with_a_young_report(minutes(15)), KEY, 24);
    dry.event["dry_run"] = json!(true);
    let run = account.run(&dry).await;
    let alerts = serde_json::to_value(&run.answer.as_ref().unwrap().alerts).unwrap();
    assert_eq!((&alerts[0]["id"], &alerts[0]["facts"]["transition"]), (&json!(KEY), &json!("acknowledged")));
    assert_eq!((in_force(&run).len(), run.mails.len(), account.items("A").await.len()), (1, 0, before));
    let body: Value = serde_json::from_str(&text(&account.item("A", "C#root-access-keys").await, "body")).unwrap();
    assert_eq!(body.get("acknowledged"), None);
    dry.event["acknowledge"]["alert"] = json!("111122223333/root-mfa/9");
    assert!(matches!(account.run(&dry).await.answer, Err(Error::NotAcknowledged(_))));
}

#[tokio::test]
async fn a_run_that_was_overtaken_acknowledges_once() {
    let story = violated();
    let account = Account::of(&story).await;
    account.run(&story).await;
    let mut held = acknowledging(story.later_with_a_young_report(minutes(15)), KEY, 24);
    held.faults.push(Fault::on("dynamodb:TransactWriteItems", Trouble::Hold).times(1));
    let overtaken = account.process(&held, &patient()).await;
    let (run, ()) = tokio::join!(overtaken.run(&held), async {
        account.sandbox.held().await;
        for key in ["H#heartbeat", "C#root-access-keys"] {
            let mut item = account.item("A", key).await;
            item.insert("v".into(), AttributeValue::N("99".into()));
            account.put(item).await;
        }
        account.sandbox.release().await;
    });
    assert_eq!(transitions(&run.mails), [(KEY.to_owned(), "acknowledged".to_owned())]);
    assert_eq!(in_force(&run).len(), 1);
    account.assert_settled("overtaken").await;
}

/// What `make ack` prints, whether it succeeded, and the event that it sends, with a SAM CLI that answers so.
fn make_ack(arguments: &[&str], answer: &str) -> (bool, String, Option<Value>) {
    static CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let bin = std::env::temp_dir().join(format!("rootwatch-ack-{}-{call}", std::process::id()));
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("answer"), answer).unwrap();
    let sam = "#!/bin/sh\nfolder=$(dirname \"$0\")\nfor last; do :; done\nprintf %s \"$last\" > \"$folder/event\"\n\
        printf '%s\\n' \"$*\" > \"$folder/arguments\"\ncat \"$folder/answer\"\n";
    std::fs::write(bin.join("sam"), sam).unwrap();
    std::fs::set_permissions(bin.join("sam"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut make = Command::new("make");
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MAKEOVERRIDES");
    make.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    make.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).arg("ack").args(arguments);
    let done = make.output().unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    let event = std::fs::read_to_string(bin.join("event")).ok();
    if let Ok(arguments) = std::fs::read_to_string(bin.join("arguments")) {
        assert!(arguments.starts_with("remote invoke Checker --stack-name rootwatch --event {"), "{arguments}");
    }
    std::fs::remove_dir_all(bin).unwrap();
    (done.status.success(), said, event.map(|event| serde_json::from_str(&event).expect("the event is JSON")))
}

#[test]
fn make_ack_sends_an_event_that_the_function_accepts_whatever_its_texts_hold() {
    let given = r#"{"headline":"x","acknowledged":[]}"#;
    let hostile = r#"it's "mine" \ $(shell exit 1) $HOME `id` ${NOTE} # é"#;
    let now: jiff::Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    for (id, note, hours) in [(KEY, Some(hostile), Some("168")), ("111122223333/unread", None, None)] {
        let alert = format!("ALERT={id}");
        let mut arguments = vec![alert, format!("BY={hostile}")];
        arguments.extend(note.map(|note| format!("NOTE={note}")));
        arguments.extend(hours.map(|hours| format!("HOURS={hours}")));
        let (succeeded, said, event) = make_ack(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), given);
        assert!(succeeded && said.contains(id), "{said}");
        let request = checker::Request::parse(&event.unwrap(), facts::Partition::Aws, now).unwrap();
        let asked = request.acknowledge.unwrap();
        assert_eq!((asked.alert.as_str(), asked.acknowledgement.by.as_str()), (id, hostile));
        assert_eq!(asked.acknowledgement.note.as_deref(), note);
        let length = if hours.is_some() { 168 } else { 24 };
        assert_eq!(asked.acknowledgement.until, now + super::account::hours(length));
    }
}

#[test]
fn make_ack_without_an_alert_or_a_name_sends_nothing_and_a_refusal_is_a_failure() {
    let (alert, by) = (format!("ALERT={KEY}"), "BY=alice");
    for arguments in [&[][..], &[alert.as_str()], &[by], &[&alert, by, "HOURS=a day"], &[&alert, by, "HOURS=024"]] {
        let (succeeded, said, event) = make_ack(arguments, r#"{"headline":"x","acknowledged":[]}"#);
        assert!(!succeeded && event.is_none(), "{arguments:?}: {said}");
    }
    for answer in [
        r#"{"errorType":"NotAcknowledged","errorMessage":"x was not acknowledged","acknowledged":[]}"#,
        r#"{"headline":"x","acknowledged":null}"#,
        "",
    ] {
        let (succeeded, said, _) = make_ack(&[&alert, by], answer);
        assert!(!succeeded && !said.contains("Acknowledged for"), "{answer}: {said}");
    }
}
