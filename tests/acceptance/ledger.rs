//! What is remembered, while runs die, meet, and lose the table.

use std::time::Duration;

use aws::client::Limits;
use aws_sdk_dynamodb::types::AttributeValue;
use sandbox::{Fault, Story, Trouble};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::account::{ALARM, Account, Item, QUIET, ids, minutes, story, story_now, text, times};
use crate::difference::{end_of, error_of};
use crate::stories::limits;

/// Every call that changes something, the watcher's included.
const WRITES: [&str; 5] =
    ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:TransactWriteItems", "sns:Publish", "watcher:GET"];
/// Accounts side by side, of all tests together: they wait for the pace of CloudTrail more than they compute, but with many more
/// of them a busy machine takes longer for a call than it may.
static FREE: Semaphore = Semaphore::const_new(12);

/// An account with a watcher, and its story for the real binary.
async fn watched() -> (Account, Story) {
    let mut story = story_now(ALARM);
    let account = Account::of(&story).await;
    story.environment.insert("ROOTWATCH_HEARTBEAT_URL".into(), format!("{}/watcher/x", account.sandbox.url()));
    (account, story)
}

/// Runs all of `tests`, some of them at once.
pub(crate) async fn all<T: Future<Output = ()> + Send + 'static>(tests: impl Iterator<Item = T>) {
    let mut set = JoinSet::new();
    for test in tests {
        set.spawn(async move {
            let _turn = FREE.acquire().await.unwrap();
            test.await;
        });
    }
    while let Some(ended) = set.join_next().await {
        ended.unwrap();
    }
}

/// The writes of a run in which nothing goes wrong, and the ids that it tells.
async fn undisturbed() -> (Vec<String>, Vec<String>) {
    let (account, story) = watched().await;
    let outcome = account.invoke(&story).await;
    assert_eq!(outcome.answer.unwrap()["complete"], true);
    assert_eq!((account.sandbox.published().len(), account.sandbox.heartbeats()), (1, 1));
    let calls = account.sandbox.calls().into_iter().map(|call| call.action);
    let writes: Vec<String> = calls.filter(|action| WRITES.contains(&action.as_str())).collect();
    account.assert_settled("undisturbed").await;
    (writes, ids(&account.sandbox.published()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn st_2_to_st_9_a_run_that_dies_at_any_write_is_finished_by_the_next_one() {
    let (writes, expected) = undisturbed().await;
    assert!(WRITES.iter().all(|write| writes.iter().any(|made| made == write)), "{writes:?}");
    let publish = writes.iter().position(|write| write == "sns:Publish").unwrap();
    let deaths = (0..writes.len()).flat_map(|number| [(number, Trouble::CrashBefore), (number, Trouble::Crash)]);
    all(deaths.map(|(number, trouble)| {
        let after = writes[..number].iter().filter(|earlier| **earlier == writes[number]).count();
        let what = format!("{trouble:?} at write {number}, {} {after}", writes[number]);
        let fault = Fault::on(&writes[number], trouble.clone()).times(1).after(after);
        // From the publishing that took effect to the deleting that did not.
        let may_repeat = [(publish, Trouble::Crash), (publish + 1, Trouble::CrashBefore)].contains(&(number, trouble));
        let expected = expected.clone();
        async move {
            let (account, story) = watched().await;
            account.sandbox.add_fault(fault);
            let killed = error_of(account.invoke(&story).await.answer);
            assert_eq!(killed["errorType"], "Sandbox.Killed", "{what}");
            account.sandbox.clear_faults();
            account.end_lease().await;

            let outcome = account.invoke(&story).await;
            assert_eq!(outcome.answer.unwrap()["complete"], true, "{what}: {}", end_of(&outcome.log));
            account.assert_settled(&what).await;
            let mails = account.sandbox.published();
            let sent = ids(&mails);
            let times = times(&sent);
            assert!(times.keys().eq(expected.iter()), "{what}: {times:?}");
            let most = if may_repeat { 2 } else { 1 };
            assert!(times.values().all(|times| *times <= most), "{what}: {times:?}");
            assert!(mails.len() <= 2, "{what}: {} messages", mails.len());
            assert!(account.sandbox.heartbeats() >= 1, "{what}");
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn st_1_two_runs_at_once_tell_each_thing_once() {
    let (_, expected) = undisturbed().await;
    let (account, story) = watched().await;
    let (one, other) = tokio::join!(account.invoke(&story), account.invoke(&story));
    assert!(one.answer.is_ok() && other.answer.is_ok(), "{}\n{}", end_of(&one.log), end_of(&other.log));
    assert_eq!(ids(&account.sandbox.published()), expected);
    account.assert_settled("two at once").await;
}

/// Nothing ends by itself while a call is held.
pub(crate) fn patient() -> Limits {
    Limits { attempt: Duration::from_secs(100), operation: Duration::from_secs(200), ..limits() }
}

#[tokio::test]
async fn st_10_a_run_that_wakes_after_its_lease_ran_out_repeats_one_message_and_breaks_nothing() {
    let first = story(ALARM);
    let account = Account::of(&first).await;
    let mut held = first.clone();
    held.faults.push(Fault::on("sns:Publish", Trouble::Hold).times(1));
    let frozen = account.process(&held, &patient()).await;
    let (one, other) = tokio::join!(frozen.run(&held), async {
        account.sandbox.held().await;
        account.end_lease().await;
        let other = account.run(&first.later(minutes(1))).await;
        account.sandbox.release().await;
        other
    });
    assert!(one.answer.is_ok() && other.is_complete());
    let published = account.sandbox.published();
    assert_eq!(published.len(), 2);
    assert_eq!(ids(&published[..1]), ids(&published[1..]), "the same ids, so that people see that it is a repeat");
    account.assert_settled("woken").await;
}

#[tokio::test]
async fn st_10_a_run_whose_lease_another_one_holds_leaves_it_the_telling() {
    let first = story(ALARM);
    let account = Account::of(&first).await;
    let mut held = first.clone();
    held.faults.push(Fault::on("sns:Publish", Trouble::Hold).times(1));
    let teller = account.process(&held, &patient()).await;
    let (one, other) = tokio::join!(teller.run(&held), async {
        account.sandbox.held().await;
        let other = account.run(&first.later(minutes(1))).await;
        account.sandbox.release().await;
        other
    });
    assert_eq!(one.mails.len(), 1);
    assert!(one.is_complete() && other.mails.is_empty() && !other.has_heartbeat());
    assert!(other.answer.unwrap().unsent.is_some_and(|waiting| waiting > 0), "it says that something waits");
    account.assert_settled("sent").await;
}

#[tokio::test]
async fn st_11_a_run_that_was_overtaken_decides_again_and_tells_nothing_twice() {
    let first = story(ALARM);
    let account = Account::of(&first).await;
    let mut held = first.clone();
    held.faults.push(Fault::on("dynamodb:TransactWriteItems", Trouble::Hold).times(1));
    let overtaken = account.process(&held, &patient()).await;
    let (one, other) = tokio::join!(overtaken.run(&held), async {
        account.sandbox.held().await;
        let other = account.run(&first.later(minutes(1))).await;
        account.sandbox.release().await;
        other
    });
    assert!(one.answer.is_ok() && other.is_complete());
    assert_eq!(account.sandbox.published().len(), 1);
    assert!(times(&ids(&account.sandbox.published())).values().all(|times| *times == 1));
    account.assert_settled("overtaken").await;
}

#[tokio::test]
async fn st_11_a_run_that_was_overtaken_in_one_item_tells_its_own_news_in_the_same_run() {
    let quiet = story(QUIET);
    let account = Account::of(&quiet).await;
    account.run(&quiet).await;
    let mut held = story(ALARM).later(minutes(15));
    held.faults.push(Fault::on("dynamodb:TransactWriteItems", Trouble::Hold).times(1));
    let overtaken = account.process(&held, &patient()).await;
    let (run, ()) = tokio::join!(overtaken.run(&held), async {
        account.sandbox.held().await;
        let mut journal = account.item("A", "H#heartbeat").await;
        journal.insert("v".into(), AttributeValue::N("99".into()));
        account.put(journal).await;
        account.sandbox.release().await;
    });
    assert_eq!((run.mails.len(), run.is_complete()), (1, true));
    assert!(run.ids().contains(&"111122223333/root-access-keys/1".to_owned()), "{:?}", run.ids());
    account.assert_settled("overtaken in one item").await;
}

/// A run of which one call to the table fails, the next one of the same process, and one when the table is well again.
async fn without_the_table(operation: &'static str, trouble: Trouble, expected: Vec<String>) {
    let what = format!("{operation}: {trouble:?}");
    let mut broken = story(ALARM);
    broken.faults.push(Fault::on(&format!("dynamodb:{operation}"), trouble));
    let account = Account::of(&broken).await;
    let process = account.process(&broken, &limits()).await;

    let run = process.run(&broken).await;
    let answer = run.answer.as_ref().unwrap();
    assert_eq!(run.ids(), expected, "{what}");
    assert!(!answer.complete, "{what}");
    assert_eq!(run.figures["StateStoreDown"], 1, "{what}");
    assert!(!run.has_heartbeat(), "{what}");
    // Giving the lease back is the last thing: all was written down and sent by then.
    let is_blind = operation != "DeleteItem";
    assert_eq!(run.mail().contains("STATE STORE UNAVAILABLE"), is_blind, "{what}");
    let again = process.run(&broken.later_with_a_young_report(minutes(15))).await;
    assert_eq!(again.ids(), [""; 0], "{what}: a warm process does not repeat itself at once");

    let mut well = story(ALARM).later_with_a_young_report(minutes(30));
    well.faults.clear();
    let run = account.run(&well).await;
    assert!(run.is_complete(), "{what}: {:?}", run.answer.map(|answer| answer.unsent));
    assert!(times(&run.ids()).values().all(|times| *times == 1), "{what}");
    // A lease that could not be given back ends by itself.
    assert!(account.items("O").await.is_empty(), "{what}");
}

async fn table_troubles(operation: &'static str) {
    let expected = {
        let story = story(ALARM);
        Account::of(&story).await.run(&story).await.ids()
    };
    let missing = Trouble::Error("ResourceNotFoundException".into());
    let troubles = [missing, Trouble::Deny, Trouble::Throttle, Trouble::Hang];
    all(troubles.into_iter().map(|trouble| without_the_table(operation, trouble, expected.clone()))).await;
}

macro_rules! without_the_table {
    ($($test:ident = $operation:literal;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                table_troubles($operation).await;
            }
        )*
    };
}

without_the_table! {
    st_12_without_query_everything_is_told_once_and_said_to_be_untracked = "Query";
    st_12_without_batch_get_item_everything_is_told_once_and_said_to_be_untracked = "BatchGetItem";
    st_12_without_transact_write_items_everything_is_told_once_and_said_to_be_untracked = "TransactWriteItems";
    st_12_without_put_item_everything_is_told_once_and_said_to_be_untracked = "PutItem";
    st_12_without_delete_item_everything_is_told_once_and_no_heartbeat_is_sent = "DeleteItem";
}

#[tokio::test]
async fn pb_9_what_is_neither_told_nor_kept_is_an_error_so_that_lambda_tries_again() {
    for operation in ["Query", "BatchGetItem", "TransactWriteItems"] {
        let mut story = story_now(ALARM);
        story.faults.push(Fault::on(&format!("dynamodb:{operation}"), Trouble::Deny));
        story.faults.push(Fault::on("sns:Publish", Trouble::Deny));
        let account = Account::of(&story).await;
        let outcome = account.invoke(&story).await;
        assert_eq!(error_of(outcome.answer)["errorType"], "NeitherToldNorKept", "{operation}");
        let figures = figures(&outcome.log);
        assert_eq!((&figures["StateStoreDown"], &figures["PublishFailed"]), (&json!(1), &json!(1)), "{operation}");
        assert_eq!(figures.get("Heartbeat"), None);
    }
}

/// The line that CloudWatch makes metrics of.
pub(crate) fn figures(log: &str) -> Value {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let figures: Vec<Value> = lines.filter(|line| line.get("_aws").is_some()).collect();
    assert_eq!(figures.len(), 1, "one line of figures a run: {log}");
    figures[0].clone()
}

#[tokio::test]
async fn st_14_a_table_that_was_wiped_means_that_everything_is_told_once_more() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    let first = account.run(&story).await.ids();
    account.wipe().await;
    let second = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert_eq!(second.ids(), first);
    assert!(second.is_complete());
    let third = account.run(&story.later_with_a_young_report(minutes(30))).await;
    assert!(third.mails.is_empty() && third.is_complete());
}

#[tokio::test]
async fn st_15_an_item_that_expired_and_is_still_readable_counts_for_nothing() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let mut event = account.items("E").await.remove(0);
    event.insert("ttl".into(), AttributeValue::N("1".into()));
    account.put(event.clone()).await;
    let run = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert_eq!(run.ids(), [text(&event, "sk")], "its act is sent once more, and nothing else");
    let renewed = account.item("E", &text(&event, "sk")).await;
    assert_ne!(renewed["ttl"], event["ttl"]);
    assert!(account.run(&story.later_with_a_young_report(minutes(30))).await.mails.is_empty());
}

fn with_body(mut item: Item, change: impl FnOnce(&mut Value)) -> Item {
    let mut body = serde_json::from_str(&text(&item, "body")).unwrap();
    change(&mut body);
    item.insert("body".into(), AttributeValue::S(body.to_string()));
    item
}

#[tokio::test]
async fn se_5_a_condition_that_somebody_closed_by_hand_opens_again() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let item = account.item("A", "C#root-mfa").await;
    account.put(with_body(item, |body| body["open"] = json!(false))).await;
    let run = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert_eq!(run.ids(), ["111122223333/root-mfa/2"]);
}

#[tokio::test]
async fn se_5_an_item_that_cannot_be_read_is_forgotten_and_logged() {
    let story = story_now(ALARM);
    let account = Account::of(&story).await;
    account.invoke(&story).await.answer.unwrap();
    let before = account.sandbox.published().len();
    let mut item = account.item("A", "C#root-mfa").await;
    item.insert("body".into(), AttributeValue::S("{".into()));
    account.put(item).await;
    let outcome = account.invoke(&story).await;
    assert_eq!(outcome.answer.unwrap()["complete"], true);
    assert!(outcome.log.contains("C#root-mfa") && outcome.log.contains("cannot be read and count for nothing"));
    let sent = ids(&account.sandbox.published()[before..]);
    assert_eq!(sent, ["111122223333/odd-items/1", "111122223333/root-mfa/1"]);
    let outcome = account.invoke(&story).await;
    assert!(!outcome.log.contains("count for nothing"), "it was written again: {}", end_of(&outcome.log));
}
