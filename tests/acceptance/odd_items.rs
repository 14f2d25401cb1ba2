//! Whatever somebody writes into the table: what is new is sent by the run that sees it, and the next one is not held up.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use sandbox::{Fault, Story, Trouble};
use serde_json::{Value, json};

use crate::account::{ALARM, Account, Item, QUIET, Run, hours, ids, minutes, partition, story, text, times, words};
use crate::difference::summary;
use crate::ledger::{all, patient};
use crate::stories::limits;

/// What the run that sees it must tell: root's key, the missing MFA, and root's acts.
const NEWS: [&str; 2] = ["/root-access-keys/", "/root-mfa/"];

fn number(number: &str) -> AttributeValue {
    AttributeValue::N(number.into())
}

/// Every type that DynamoDB has, and numbers that no run writes.
pub(crate) fn odd_values() -> Vec<Option<AttributeValue>> {
    let text = |text: &str| AttributeValue::S(text.into());
    let numbers =
        ["-1", "0", "1.5", "7", "99999999999999", "18446744073709551615", "9.9E+100", "-9.9E+100"].map(number);
    let others = [
        text(""),
        text("x"),
        text("9999-12-31T23:59:59Z"),
        text("{\"open\":false}"),
        AttributeValue::Bool(true),
        AttributeValue::Null(true),
        AttributeValue::B(Blob::new(b"x")),
        AttributeValue::L(vec![number("1"), text("x")]),
        AttributeValue::M(HashMap::from([("x".into(), number("1"))])),
        AttributeValue::Ss(vec!["x".into(), "y".into()]),
        AttributeValue::Ns(vec!["1".into(), "2".into()]),
    ];
    numbers.into_iter().chain(others).map(Some).chain([None]).collect()
}

pub(crate) fn set(item: &mut Item, name: &str, value: Option<AttributeValue>) {
    match value {
        Some(value) => drop(item.insert(name.into(), value)),
        None => drop(item.remove(name)),
    }
}

pub(crate) fn item(kind: &str, key: &str, attributes: &[(&str, AttributeValue)]) -> Item {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let key = [("pk".to_owned(), partition(kind)), ("sk".to_owned(), AttributeValue::S(key.into()))];
    key.into_iter().chain(attributes).collect()
}

/// Everything of the table after root's violations were found and mended, with an announced use of root.
async fn lived() -> Vec<Item> {
    let first = story(ALARM).without_events();
    let account = Account::of(&first).await;
    assert!(account.run(&first.later_with_a_young_report(-hours(2))).await.is_complete());
    let mut mended = story(QUIET).later_with_a_young_report(-hours(1));
    let plan = json!({"from": "2026-11-21T22:00:00Z", "to": "2026-11-21T23:00:00Z", "ticket": "CHG-7", "by": "alice"});
    mended.event = json!({"planned_root_use": plan});
    assert!(account.run(&mended).await.answer.is_ok());
    let mut items = account.items("A").await;
    let keys: Vec<String> = items.iter().map(|item| text(item, "sk")).collect();
    for prefix in ["C#root-mfa", "C#root-access-keys", "H#", "P#", "W#"] {
        assert!(keys.iter().any(|key| key.starts_with(prefix)), "{keys:?}");
    }
    items.extend(account.items("E").await);
    items
}

/// The acts that the next run finds, as if they had been sent.
fn seen_before(story_of: &str) -> Vec<Item> {
    let folder = sandbox::scenarios().join(story_of).join("root-events");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let id = |event: String| serde_json::from_str::<Value>(&event).unwrap()["eventID"].as_str().unwrap().to_owned();
    files.map(|event| item("E", &id(event), &[])).collect()
}

/// However busy the machine is.
async fn run(account: &Account, story: &Story) -> Run {
    account.process(story, &patient()).await.run(story).await
}

fn is_told(run: &Run, acts: &[Item], what: &str) {
    let sent = run.ids();
    for news in NEWS {
        assert!(sent.iter().any(|id| id.contains(news)), "{what}: {news} is mute: {sent:?}");
    }
    for act in acts {
        assert!(sent.contains(&text(act, "sk")), "{what}: {act:?} is mute: {sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_attribute_of_any_item_mutes_or_holds_up_what_is_new() {
    let (items, acts) = (lived().await, seen_before(ALARM));
    assert!(acts.len() >= 2);
    all(odd_values().into_iter().map(|odd| {
        let (items, acts) = (items.clone(), acts.clone());
        async move {
            let what = format!("{odd:?}");
            let story = story(ALARM).later_with_a_young_report(minutes(0));
            let account = Account::of(&story).await;
            // All at once: each by itself mutes only itself.
            let mut mutated = items;
            mutated.iter_mut().for_each(|item| set(item, "v", odd.clone()));
            mutated.extend(acts.iter().cloned().map(|mut act| {
                // Seconds that a run may have written would be a lie of which nobody can tell.
                set(&mut act, "ttl", odd.clone());
                act
            }));
            let mut lease = item("L", "publisher", &[("holder", AttributeValue::S("nobody".into()))]);
            set(&mut lease, "until", odd.clone());
            mutated.push(lease);
            account.put_all(mutated).await;
            let first = run(&account, &story).await;
            is_told(&first, &acts, &what);
            assert_eq!(first.figures.get("StateStoreDown"), None, "{what}");
            account.assert_settled(&what).await;
            let next = run(&account, &story.later_with_a_young_report(minutes(15))).await;
            assert!(next.answer.is_ok() && next.mails.is_empty(), "{what}: {:?}", next.ids());
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_of_any_item_mutes_or_holds_up_what_is_new() {
    let (items, acts) = (lived().await, seen_before(ALARM));
    let texts = ["", "x", "{\"open\":false}", &"x".repeat(300_000)].map(|text| AttributeValue::S(text.into()));
    let odd = texts.into_iter().chain([number("1"), AttributeValue::M(HashMap::new())]).map(Some).chain([None]);
    all(odd.map(|odd| {
        let (items, acts) = (items.clone(), acts.clone());
        async move {
            let what = format!("{:.100}", format!("{odd:?}"));
            let story = story(ALARM).later_with_a_young_report(minutes(0));
            let account = Account::of(&story).await;
            let is_large = odd.as_ref().and_then(|odd| odd.as_s().ok()).is_some_and(|body| body.len() > 1_000);
            for mut mutated in items.into_iter().take(if is_large { 10 } else { usize::MAX }) {
                if mutated.contains_key("body") {
                    set(&mut mutated, "body", odd.clone());
                }
                account.put(mutated).await;
            }
            let first = run(&account, &story).await;
            is_told(&first, &acts, &what);
            assert!(first.ids().contains(&"111122223333/odd-items/1".to_owned()), "{what}");
            assert!(first.answer.as_ref().unwrap().odd_items > 5, "{what}");
            let next = run(&account, &story.later_with_a_young_report(minutes(15))).await;
            assert!(next.answer.is_ok(), "{what}");
            assert!(!next.ids().iter().any(|id| NEWS.iter().any(|news| id.contains(news))), "{what}: {:?}", next.ids());
        }
    }))
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_aside_before_it_is_overwritten_or_told_and_shown_once() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let mut condition = account.item("A", "C#root-mfa").await;
    condition.insert("body".into(), AttributeValue::S("{\"theirs\":1".into()));
    account.put(condition).await;
    let forged =
        item("O", "000000000000001#x", &[("body", AttributeValue::M(HashMap::from([("x".into(), number("1"))])))]);
    account.put(forged.clone()).await;

    let run = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert_eq!(run.answer.as_ref().unwrap().odd_items, 1);
    let kept = account.items("Q").await;
    assert_eq!(
        kept.iter().map(|item| text(item, "sk")).collect::<Vec<_>>(),
        ["000000000000001#x#2026-11-20", "C#root-mfa#2026-11-20"]
    );
    assert_eq!((&kept[0]["body"], text(&kept[1], "body").as_str()), (&forged["body"], "{\"theirs\":1"));
    let ends = (story.now + minutes(15) + hours(24 * 120)).as_second().to_string();
    assert!(kept.iter().all(|item| item["ttl"] == number(&ends)), "{kept:?}");
    let sent = ids(&run.mails);
    let expected = ["111122223333/odd-items/1", "111122223333/root-mfa/1", "x"];
    assert_eq!(sent, expected);

    let run = account.run(&story.later_with_a_young_report(minutes(30))).await;
    assert_eq!(run.ids(), ["111122223333/odd-items/1"], "resolved");
    assert_eq!(run.answer.unwrap().odd_items, 0);
    assert!(account.run(&story.later_with_a_young_report(minutes(45))).await.mails.is_empty());
}

#[tokio::test]
async fn a_thousand_strange_items_are_counted_told_once_and_in_nobodys_way() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    let body = ("body", AttributeValue::S("{}".into()));
    account
        .put_all((0..1_000).map(|number| item("A", &format!("X#{number:04}"), std::slice::from_ref(&body))).collect())
        .await;
    let run = account.run(&story).await;
    is_told(&run, &seen_before(ALARM), "a thousand");
    assert!(run.is_complete() && run.ids().contains(&"111122223333/odd-items/1".to_owned()));
    assert_eq!(run.answer.unwrap().odd_items, 1_000);
    assert!(account.run(&story.later_with_a_young_report(minutes(15))).await.mails.is_empty());
    assert!(account.items("Q").await.is_empty(), "nobody overwrites them");
}

#[tokio::test]
async fn a_table_that_is_too_full_to_be_read_is_one_that_failed() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    let body = ("body", AttributeValue::S("x".repeat(390_000)));
    for number in 0..25 {
        account.put(item("A", &format!("B#{number:04}"), std::slice::from_ref(&body))).await;
    }
    let run = account.run(&story).await;
    is_told(&run, &seen_before(ALARM), "too full");
    assert!(!run.is_complete() && run.mail().contains("STATE STORE UNAVAILABLE"));
    assert_eq!(run.figures["StateStoreDown"], 1);
}

#[tokio::test]
async fn a_planned_use_of_four_years_lowers_nothing_and_is_told() {
    let story = story(ALARM);
    let sent = |run: &Run| words(run.mail());
    let of = |from: &str, to: &str| {
        let body = json!({"from": from, "to": to, "ticket": "CHG-1", "by": "mallory"}).to_string();
        item("A", &format!("P#{from}"), &[("body", AttributeValue::S(body))])
    };
    let account = Account::of(&story).await;
    account.put(of("2024-11-20T00:00:00Z", "2028-11-20T00:00:00Z")).await;
    let run = account.run(&story).await;
    assert!(run.mails[0].subject.contains("CRITICAL: new root access key"), "{}", run.mails[0].subject);
    assert!(!sent(&run).contains("mallory") && run.ids().contains(&"111122223333/odd-items/1".to_owned()));
    assert_eq!(run.answer.unwrap().plans, []);

    let account = Account::of(&story).await;
    account.put(of("2026-11-20T04:00:00Z", "2026-11-20T12:00:00Z")).await;
    assert!(sent(&account.run(&story).await).contains("announced by mallory"), "one within the limits explains");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_known_again_and_everything_is_told_once() {
    let expected = {
        let story = story(ALARM);
        Account::of(&story).await.run(&story).await.ids()
    };
    let lost = ["dynamodb:PutItem", "dynamodb:TransactWriteItems", "dynamodb:DeleteItem"];
    let lost = lost.into_iter().flat_map(|action| (0..3).map(move |after| (action, after)));
    all(lost.map(|(action, after)| {
        let expected = expected.clone();
        async move {
            let mut story = story(ALARM);
            story.faults.push(Fault::on(action, Trouble::LoseAnswer).times(1).after(after));
            let account = Account::of(&story).await;
            let run = account.run(&story).await;
            assert_eq!(run.ids(), expected, "{action} {after}");
            assert_eq!(run.answer.unwrap().unsent, Some(0), "{action} {after}");
            assert_eq!(run.figures.get("StateStoreDown"), None, "{action} {after}");
            account.assert_settled(action).await;
        }
    }))
    .await;
}

/// Somebody overwrites the journal before each of the first writes.
async fn contested(story: &Story, times: usize) -> (Account, Run) {
    let account = Account::of(story).await;
    account.run(&super::account::story(QUIET).later_with_a_young_report(-hours(1))).await;
    let mut held = story.clone();
    held.faults.push(Fault::on("dynamodb:TransactWriteItems", Trouble::Hold).times(times));
    let process = account.process(&held, &patient()).await;
    let (run, ()) = tokio::join!(process.run(&held), async {
        for number in 0..times {
            account.sandbox.held().await;
            let mut journal = account.item("A", "H#heartbeat").await;
            journal.insert("v".into(), AttributeValue::N((100 + number).to_string()));
            account.put(journal).await;
            account.sandbox.release().await;
        }
    });
    drop(process);
    (account, run)
}

#[tokio::test]
async fn after_the_last_conflict_what_was_decided_is_told_without_being_written_down() {
    let story = story(ALARM);
    let (account, run) = contested(&story, 5).await;
    is_told(&run, &seen_before(ALARM), "contested");
    assert!(times(&run.ids()).values().all(|times| *times == 1), "{:?}", run.ids());
    assert!(run.mails.iter().any(|mail| mail.bodies["default"].contains("STATE STORE UNAVAILABLE")));
    assert_eq!((run.is_complete(), &run.figures["StateStoreDown"]), (false, &json!(1)));
    account.assert_settled("the acts were written down").await;

    let mut deaf = story.clone();
    deaf.faults.push(Fault::on("sns:Publish", Trouble::Deny));
    let (_, run) = contested(&deaf, 5).await;
    assert!(matches!(run.answer, Err(checker::Error::Unsent { .. })), "{}", summary(&run.answer));
}

#[tokio::test]
async fn a_lease_of_nobody_is_left_alone_no_longer_than_a_run_lasts() {
    let story = story(ALARM);
    for (until, is_taken) in [(minutes(5), false), (minutes(15), false), (minutes(17), true), (hours(9_000), true)] {
        let account = Account::of(&story).await;
        let until = number(&(story.now + until).as_millisecond().to_string());
        let nobody = AttributeValue::S("nobody".into());
        account.put(item("L", "publisher", &[("holder", nobody), ("until", until)])).await;
        let run = account.process(&story, &limits()).await.run(&story).await;
        assert_eq!((run.mails.len(), run.is_complete()), (usize::from(is_taken), is_taken));
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_to_be_kept_aside_or_has_too_long_a_key_is_told_once() {
    let story = story(ALARM);
    let text = |length: usize| AttributeValue::S("?".repeat(length));
    let long = format!("000000000000001#{}", "x".repeat(1_000));
    for (odd, kept) in [
        (item("O", &long, &[("body", text(1))]), 1),
        (item("O", "000000000000001#x", &[("body", text(409_555))]), 380_000),
        (item("A", "C#root-mfa", &[("body", text(409_555))]), 380_000),
    ] {
        let what = format!("{:.60}", crate::account::text(&odd, "sk"));
        let account = Account::of(&story).await;
        account.put(odd).await;
        for quarter in 0..3 {
            let run = account.run(&story.later_with_a_young_report(minutes(15 * quarter))).await;
            assert_eq!(run.figures.get("StateStoreDown"), None, "{what}");
            assert!(run.is_complete(), "{what}");
            match quarter {
                0 => is_told(&run, &seen_before(ALARM), &what),
                // That the odd item is gone.
                1 => assert!(run.ids().iter().all(|id| id == "111122223333/odd-items/1"), "{what}: {:?}", run.ids()),
                _ => assert!(run.mails.is_empty(), "{what}: {:?}", run.ids()),
            }
        }
        let aside = account.items("Q").await;
        let [aside] = aside.as_slice() else { panic!("{what}: {}", aside.len()) };
        assert_eq!(crate::account::text(aside, "body").len(), kept, "{what}");
        assert!(crate::account::text(aside, "sk").ends_with("#2026-11-20"), "{what}");
    }
}

#[tokio::test]
async fn a_group_that_was_never_told_mutes_no_failed_sign_in() {
    let story = story("critical-one-success-among-many-failed-sign-ins");
    let name = "fold/SignInFailed//refused/us-east-1/2026-11-20/ConsoleLogin/198.51.100.24/";
    let sent = |run: Run| run.ids().into_iter().filter(|id| id.contains("/root/")).collect::<Vec<_>>();
    let expected = sent(Account::of(&story).await.run(&story).await);
    let account = Account::of(&story).await;
    let ends = number(&(story.now + hours(24)).as_second().to_string());
    account.put(item("E", name, &[("ttl", ends), ("n", number("1000000000"))])).await;
    assert_eq!(sent(account.run(&story).await), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_time_of_a_waiting_alert_mutes_or_holds_up_what_is_new() {
    let (story, acts) = (story(ALARM), seen_before(ALARM));
    let deaf = {
        let mut story = story.clone();
        story.faults.push(Fault::on("sns:Publish", Trouble::Deny));
        story
    };
    let account = Account::of(&deaf).await;
    let _ = account.run(&deaf.later_with_a_young_report(-hours(1))).await;
    let waiting: Vec<Item> = account.items("O").await;
    assert!(waiting.len() >= NEWS.len(), "{}", waiting.len());
    let times = ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z", "2027-11-20T10:00:00Z"];
    all(times.into_iter().map(|time| {
        let (story, acts, waiting) = (story.clone(), acts.clone(), waiting.clone());
        async move {
            let account = Account::of(&story).await;
            for mut item in waiting {
                let mut body: Value = serde_json::from_str(&text(&item, "body")).unwrap();
                body["at"] = json!(time);
                body["facts"]["opened_at"] = json!(time);
                body["facts"]["transition"] = json!("resolved");
                body["severity"] = json!("informational");
                set(&mut item, "body", Some(AttributeValue::S(body.to_string())));
                account.put(item).await;
            }
            let first = run(&account, &story).await;
            is_told(&first, &acts, time);
            let subjects: Vec<&str> = first.mails.iter().map(|mail| mail.subject.as_str()).collect();
            assert!(subjects.iter().any(|subject| subject.contains("CRITICAL")), "{time}: {subjects:?}");
            assert_eq!(first.figures.get("StateStoreDown"), None, "{time}");
            account.assert_settled(time).await;
        }
    }))
    .await;
}
