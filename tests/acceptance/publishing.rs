//! What people hear while SNS fails, while nobody listens, and after it.

use aws_sdk_dynamodb::types::AttributeValue;
use function::Invocation;
use jiff::SignedDuration;
use sandbox::{Fault, Story, Subscription, Trouble};
use serde_json::Value;

use crate::account::{
    ALARM, Account, FRESH, Item, QUIET, hours, ids, minutes, notification, story, story_at, text, times, transitions,
    words,
};
use crate::difference::{assert_says, error_of};
use crate::stories::{invocation, limits};

fn with_publish(mut story: Story, trouble: Trouble) -> Story {
    story.faults.push(Fault::on("sns:Publish", trouble));
    story
}

fn heard_by(mut story: Story, confirmed: bool) -> Story {
    story.subscriptions = vec![Subscription { protocol: "email".into(), confirmed }];
    story
}

#[tokio::test]
async fn pb_1_pb_2_what_sns_refuses_is_an_error_and_kept_and_told_late_by_the_next_run() {
    let refusals = [
        (Trouble::Throttle, "PublishFailed"),
        (Trouble::Error("KMSThrottling".into()), "PublishFailed"),
        (Trouble::Broken, "PublishFailed"),
        (Trouble::Reset, "PublishFailed"),
        (Trouble::Error("KMSAccessDenied".into()), "PublishRefused"),
        (Trouble::Error("KMSDisabled".into()), "PublishRefused"),
        (Trouble::Deny, "PublishRefused"),
        (Trouble::Error("NotFound".into()), "PublishRefused"),
    ];
    for (trouble, expected) in refusals {
        let story = story(ALARM);
        let account = Account::of(&story).await;
        let run = account.run(&with_publish(story.clone(), trouble.clone())).await;
        assert_eq!((&run.figures["PublishFailed"], run.has_heartbeat()), (&Value::from(1), false), "{trouble:?}");
        let waiting = account.items("O").await.len();
        assert_eq!(run.figures["OutboxSize"], waiting, "{trouble:?}");
        let error = error_of(run.answer);
        assert!(
            error.to_string().contains(&format!("; {waiting} alerts are queued until they can be sent")),
            "{error}"
        );
        assert_eq!(lambda_runtime_type(error), expected, "{trouble:?}");

        let run = account.run(&story.later_with_a_young_report(minutes(16))).await;
        assert_eq!(run.ids().len(), waiting, "{trouble:?}");
        assert!(
            words(run.mail()).contains("SENT LATE: some of this was seen at 2026-11-20 10:00:00 UTC"),
            "{trouble:?}"
        );
        assert!(run.is_complete() && run.has_heartbeat());
        account.assert_settled("sent late").await;
    }
}

fn lambda_runtime_type(error: checker::Error) -> String {
    match error {
        checker::Error::Publish(error, _) if error.permanent => "PublishRefused".into(),
        checker::Error::Publish(..) => "PublishFailed".into(),
        error => format!("{error:?}"),
    }
}

#[tokio::test]
async fn pb_1_what_is_told_within_a_quarter_of_an_hour_is_not_called_late() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    account.run(&with_publish(story.clone(), Trouble::Deny)).await;
    let run = account.run(&story.later_with_a_young_report(minutes(14))).await;
    assert!(!run.mail().contains("SENT LATE"));
}

#[tokio::test]
async fn pb_1_an_outage_that_ends_within_a_run_is_no_error_of_it() {
    let story = story(FRESH);
    let account = Account::of(&story).await;
    account.run(&with_publish(story.clone(), Trouble::Deny)).await;
    // Telling what was left fails; by the time that there is news it works again.
    let mut next = story_at(ALARM, story.now + minutes(15));
    next.faults.push(Fault::on("sns:Publish", Trouble::Throttle).times(4));
    let run = account.run(&next).await;
    assert_eq!(run.mails.len(), 1);
    account.assert_settled("after the outage").await;
    let answer = run.answer.expect("everything was sent");
    assert!(answer.complete && answer.unsent == Some(0));
}

#[tokio::test]
async fn pb_5_a_publish_whose_answer_is_lost_may_repeat_with_the_same_ids() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    let first = account.run(&with_publish(story.clone(), Trouble::LoseAnswer)).await;
    assert!(first.mails.len() == 1 && first.answer.is_err() && !first.has_heartbeat());
    let second = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert!(second.is_complete());
    assert_eq!(first.ids(), second.ids());
    account.assert_settled("an answer was lost").await;
    assert!(account.run(&story.later_with_a_young_report(minutes(30))).await.mails.is_empty());
}

#[tokio::test]
async fn pb_6_without_a_confirmed_subscriber_everything_is_kept_until_there_is_one() {
    let deaf = heard_by(story(ALARM), false);
    let account = Account::of(&deaf).await;
    for quarter in 0..2 {
        let run = account.run(&deaf.later_with_a_young_report(minutes(15 * quarter))).await;
        assert!(run.mails.is_empty() && !run.has_heartbeat());
        let answer = run.answer.unwrap();
        assert_eq!((answer.complete, answer.report.subscribed), (false, Some(false)));
        assert_eq!(answer.unsent, Some(account.items("O").await.len()));
    }
    assert!(!account.sandbox.calls().iter().any(|call| call.action == "sns:Publish"));
    let waiting = account.items("O").await.len();

    let run = account.run(&heard_by(deaf.later_with_a_young_report(minutes(30)), true)).await;
    let sent = run.ids();
    assert_eq!(sent.len(), waiting + 1, "what waited, and that somebody hears again: {sent:?}");
    assert_eq!(sent.iter().filter(|id| id.contains("no-subscriber")).count(), 2);
    assert!(run.mail().contains("SENT LATE") && run.is_complete() && run.has_heartbeat());
    account.assert_settled("somebody hears").await;
}

#[tokio::test]
async fn pb_6_nobody_knows_whether_anybody_hears_so_it_is_told_all_the_same() {
    let mut story = story(ALARM);
    story.faults.push(Fault::on("sns:ListSubscriptionsByTopic", Trouble::Deny));
    let account = Account::of(&story).await;
    let run = account.run(&story).await;
    assert_eq!(run.mails.len(), 1);
    assert!(!run.has_heartbeat() && !run.is_complete());
    assert_eq!(run.answer.unwrap().unsent, Some(0));
}

#[tokio::test]
async fn pb_7_the_last_subscriber_leaves_and_comes_back() {
    let quiet = story(QUIET);
    let account = Account::of(&quiet).await;
    assert!(account.run(&quiet).await.has_heartbeat());
    let left = heard_by(quiet.later_with_a_young_report(minutes(15)), false);
    let run = account.run(&left).await;
    assert!(run.mails.is_empty() && !run.has_heartbeat());
    let back = heard_by(quiet.later_with_a_young_report(minutes(30)), true);
    let run = account.run(&back).await;
    let expected = [("opened"), ("resolved")].map(|what| ("111122223333/no-subscriber/1".to_owned(), what.to_owned()));
    let mut sent = transitions(&run.mails);
    sent.sort();
    assert_eq!(sent, expected);
    assert!(run.has_heartbeat());
}

/// Copies of one left-over with ids of their own.
fn left_overs(item: &Item, count: usize) -> Vec<Item> {
    let copy = |number: usize| {
        let id = format!("111122223333/root/00000000-0000-4000-b000-{number:012}");
        let mut body: Value = serde_json::from_str(&text(item, "body")).unwrap();
        body["id"] = id.clone().into();
        body["facts"]["event_id"] = id.rsplit('/').next().unwrap().into();
        let at = text(item, "sk").split('#').next().unwrap().to_owned();
        let mut item = item.clone();
        item.insert("sk".into(), AttributeValue::S(format!("{at}#{id}")));
        item.insert("body".into(), AttributeValue::S(body.to_string()));
        item
    };
    (0..count).map(copy).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pb_8_five_thousand_left_overs_are_one_message() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    account.run(&with_publish(story.clone(), Trouble::Deny)).await;
    let waiting = account.items("O").await;
    let act = waiting.iter().find(|item| text(item, "sk").contains("/root/")).unwrap();
    account.put_all(left_overs(act, 5_000 - waiting.len())).await;

    let run = account.run(&story.later_with_a_young_report(hours(2))).await;
    assert_eq!(run.figures["AlertsTold"], 5_000);
    let left_out = notification(&run.mails[0])["left_out"].as_u64().unwrap();
    assert!(left_out > 0 && left_out < 5_000, "the notification keeps SNS's limit of size and says so");
    assert!(run.mail().contains("SENT LATE"));
    assert!(run.is_complete());
    account.assert_settled("five thousand").await;
}

#[tokio::test]
async fn st_18_what_failed_passed_and_failed_again_while_sns_was_out_is_one_message_with_its_history() {
    let start = story(FRESH).now;
    let account = Account::of(&story(FRESH)).await;
    for (number, name) in [FRESH, QUIET, FRESH].into_iter().enumerate() {
        let at = start + minutes(15 * i64::try_from(number).unwrap());
        let run = account.run(&with_publish(story_at(name, at), Trouble::Deny)).await;
        assert!(run.answer.is_err() && run.mails.is_empty());
    }
    let run = account.run(&story_at(FRESH, start + minutes(45))).await;
    let sent = transitions(&run.mails);
    let of_mfa: Vec<&str> =
        sent.iter().filter(|(id, _)| id.contains("/root-mfa/")).map(|(_, transition)| transition.as_str()).collect();
    assert_eq!(of_mfa.len(), 3, "{sent:?}");
    assert_says(run.mail(), "Before: opened at 2026-11-20 10:00:00 UTC, resolved at 2026-11-20 10:15:00 UTC");
    account.assert_settled("after the outage").await;
    assert!(times(&ids(&account.run(&story_at(FRESH, start + minutes(60))).await.mails)).is_empty());
}

#[tokio::test]
async fn st_10_a_run_whose_lease_is_over_before_it_tells_leaves_it_to_the_next_one() {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    account.run(&with_publish(story.clone(), Trouble::Deny)).await;
    let waiting = account.items("O").await.len();

    let later = story.later_with_a_young_report(minutes(15));
    let over = Invocation { ends: later.now - SignedDuration::from_secs(6), ..invocation(&later) };
    let run = account.process(&later, &limits()).await.run_as(&later, &over).await;
    assert_eq!((run.mails.len(), run.is_complete()), (0, false));
    assert!(account.items("O").await.len() >= waiting);

    let run = account.run(&story.later_with_a_young_report(minutes(30))).await;
    assert!(run.ids().len() >= waiting);
    account.assert_settled("after a lease that was over").await;
}

#[tokio::test]
async fn pb_2_a_permanent_refusal_is_met_once_a_run_and_not_tried_again_at_its_end() {
    let story = with_publish(story(ALARM), Trouble::Error("KMSDisabled".into()));
    let account = Account::of(&story).await;
    account.run(&story).await;
    for quarter in 1..3 {
        account.sandbox.forget_calls();
        let later = story.later_with_a_young_report(minutes(15 * quarter));
        assert!(account.run(&later).await.answer.is_err());
        let calls = account.sandbox.calls();
        assert_eq!(calls.iter().filter(|call| call.action == "sns:Publish").count(), 1);
    }
}

#[tokio::test]
async fn pb_9_what_is_written_down_and_cannot_be_told_is_called_kept_also_when_the_lease_fails() {
    let mut story = with_publish(story(ALARM), Trouble::Deny);
    story.faults.push(Fault::on("dynamodb:PutItem", Trouble::Deny));
    let account = Account::of(&story).await;
    let error = error_of(account.run(&story).await.answer);
    assert_eq!(lambda_runtime_type(error), "PublishRefused");
    assert!(!account.items("O").await.is_empty());
}
