//! rootwatch's own functions that pass on what is published: they are listeners only when something arrives by them.

use std::time::Duration;

use facts::Status;
use function::Invocation;
use jiff::SignedDuration;
use messages::KNOCK;
use sandbox::{Fault, Published, Story, Subscription, Trouble, WEBHOOK_PARAMETER};
use serde_json::{Value, json};
use slack_notifier::{Settings, SlackNotifier};

use crate::account::{ALARM, Account, Item, QUIET, Run, minutes, partition, story, text, transitions};
use crate::difference::{assert_same, error_of};
use crate::stories::{invocation, limits};

/// How the sandbox calls the function that has the first subscription.
const RELAY: &str = "receiver-0";
const REFUSED: &str = "function receiver-0 does not forward messages (WebhookRefused: Slack's webhook refused the message: 404 (no_service))";

/// `name` with Slack's function subscribed, and a mail that somebody has confirmed or not.
pub(crate) fn with_slack(name: &str, mail: bool) -> Story {
    let mut story = story(name);
    story.subscriptions = [("lambda", true), ("email", mail)]
        .map(|(protocol, confirmed)| Subscription { protocol: protocol.into(), confirmed })
        .into();
    story.environment.insert("ROOTWATCH_NOTIFIERS".into(), RELAY.into());
    story
}

/// The same with a webhook that Slack does not know.
pub(crate) fn with_a_wrong_webhook(mut story: Story) -> Story {
    story.faults.push(Fault::on("slack:POST", Trouble::Error("404 no_service".into())));
    story
}

/// SNS and the function behind it: hands over what is published, from the message `next` on.
pub(crate) struct Topic<'a> {
    account: &'a Account,
    notifier: SlackNotifier,
    next: usize,
}

impl<'a> Topic<'a> {
    pub(crate) async fn of(account: &'a Account) -> Self {
        let host = account.sandbox.url().trim_start_matches("http://").to_owned();
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("ROOTWATCH_WEBHOOK_PARAMETER", WEBHOOK_PARAMETER),
            ("ROOTWATCH_WEBHOOK_TEST_HOST", &host),
            ("ROOTWATCH_TABLE", sandbox::TABLE),
        ];
        let settings = Settings::read(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let notifier = SlackNotifier::new(&account.sandbox.sdk_config(&limits()).await, settings);
        Self { account, notifier, next: 0 }
    }

    /// Hands over what waits; how many the function did not pass on and would be handed again.
    async fn deliver(&mut self, story: &Story) -> usize {
        let mut failed = 0;
        for Published { subject, bodies, .. } in self.account.sandbox.published().into_iter().skip(self.next) {
            self.next += 1;
            let event = json!({"Records": [{"EventSource": "aws:sns", "Sns": {
                "MessageId": format!("00000000-0000-4000-8000-{:012}", self.next), "Subject": subject,
                "Message": bodies["lambda"], "Timestamp": story.now.to_string()}}]});
            let invocation = Invocation {
                function_arn: format!("arn:aws:lambda:eu-west-1:111122223333:function:{RELAY}"),
                ends: story.now + SignedDuration::from_secs(60),
                ..invocation(story)
            };
            failed += usize::from(self.notifier.handle(&event, &invocation).await.is_err());
        }
        failed
    }

    /// A run of the checker while SNS hands over what it publishes.
    async fn run(&mut self, story: &Story) -> (Run, usize) {
        let account = self.account;
        self.during(story, account.run(story)).await
    }

    /// The outcome of `run`, while SNS hands over what it publishes; and how many messages the function did not pass on.
    pub(crate) async fn during<T>(&mut self, story: &Story, run: impl Future<Output = T>) -> (T, usize) {
        let mut failed = 0;
        tokio::pin!(run);
        let run = loop {
            tokio::select! {
                run = &mut run => break run,
                () = tokio::time::sleep(Duration::from_millis(20)) => failed += self.deliver(story).await,
            }
        };
        failed += self.deliver(story).await;
        (run, failed)
    }

    fn knocks(&self) -> usize {
        self.account.sandbox.published().iter().filter(|message| message.subject == KNOCK).count()
    }
}

fn alert_path(run: &Run) -> (Status, String) {
    let findings = &run.answer.as_ref().unwrap().report.findings;
    let finding = findings.iter().find(|finding| finding.control == "alert-path").unwrap();
    (finding.status, finding.reason.clone())
}

fn sent(run: &Run) -> Vec<Published> {
    run.mails.iter().filter(|mail| mail.subject != KNOCK).cloned().collect()
}

#[tokio::test]
async fn a_wrong_webhook_and_a_mail_that_nobody_confirmed_are_no_listener_until_the_webhook_is_mended() {
    let deaf = with_a_wrong_webhook(with_slack(ALARM, false));
    let account = Account::of(&deaf).await;
    let mut topic = Topic::of(&account).await;
    for quarter in 0..2 {
        let (run, failed) = topic.run(&deaf.later_with_a_young_report(minutes(15 * quarter))).await;
        let (status, reason) = alert_path(&run);
        assert_eq!(status, Status::Failed);
        assert!(reason.to_lowercase().contains(&REFUSED.to_lowercase()), "{reason}");
        assert!(reason.contains("no other subscription is confirmed"), "{reason}");
        assert!(!run.is_complete() && !run.has_heartbeat());
        let answer = run.answer.as_ref().unwrap();
        assert_eq!((answer.report.subscribed, sent(&run).len()), (Some(false), 0), "nothing but a test message");
        let waiting = account.items("O").await;
        assert_eq!(answer.unsent, Some(waiting.len()));
        let is_kept = |what: &str| waiting.iter().any(|item| text(item, "sk").contains(what));
        assert!(is_kept("/alert-path/") && is_kept("/no-subscriber/") && is_kept("/root-access-keys/"));
        assert_eq!(
            (failed, topic.knocks()),
            (0, usize::try_from(quarter).unwrap() + 1),
            "no test message waits in a queue"
        );
    }
    let waiting = account.items("O").await.len();
    let mended = with_slack(ALARM, false).later_with_a_young_report(minutes(30));
    let (run, _) = topic.run(&mended).await;
    assert!(run.is_complete() && run.has_heartbeat());
    assert_eq!(alert_path(&run).0, Status::Passed);
    let sent = sent(&run);
    assert!(sent.len() == 1 && crate::account::ids(&sent).len() >= waiting, "all that waited");
    assert_eq!(account.sandbox.posts().len(), 2, "the test message, and what waited");
    account.assert_settled("mended").await;
}

#[tokio::test]
async fn a_webhook_that_works_is_proven_by_the_first_check_before_it_tells_and_asked_no_more() {
    let first = with_slack(ALARM, false);
    let account = Account::of(&first).await;
    // Whatever stands in the table proves nothing and mutes nothing.
    for (fate, body) in [("passed", "nonsense"), ("failed", "{}"), ("handed", "[]"), ("odd", "1")] {
        let sort_key = format!("{RELAY}#{fate}");
        account
            .put(Item::from([
                ("pk".into(), partition("N")),
                ("sk".into(), aws_sdk_dynamodb::types::AttributeValue::S(sort_key)),
                ("body".into(), aws_sdk_dynamodb::types::AttributeValue::S(body.into())),
            ]))
            .await;
    }
    let mut topic = Topic::of(&account).await;
    let (run, _) = topic.run(&first).await;
    assert!(run.is_complete() && run.has_heartbeat());
    assert_eq!((alert_path(&run).0, topic.knocks(), account.sandbox.posts().len()), (Status::Passed, 1, 2));
    assert!(!transitions(&sent(&run)).iter().any(|(id, _)| id.contains("no-subscriber") || id.contains("alert-path")));
    let (run, _) = topic.run(&first.later_with_a_young_report(minutes(15))).await;
    assert!(run.is_complete() && run.mails.is_empty());
    assert_eq!(topic.knocks(), 1);
}

#[tokio::test]
async fn beside_a_mail_that_is_read_a_broken_slack_is_named_and_the_heartbeat_goes_on() {
    let start = with_a_wrong_webhook(with_slack(ALARM, true));
    let account = Account::of(&start).await;
    let mut topic = Topic::of(&account).await;
    let (run, failed) = topic.run(&start).await;
    assert!(run.is_complete() && alert_path(&run).0 == Status::Passed, "nothing was handed to it before");
    assert_eq!((failed, topic.knocks()), (1, 0), "Lambda keeps the event and tries again");
    let (run, _) = topic.run(&start.later_with_a_young_report(minutes(15))).await;
    let (status, reason) = alert_path(&run);
    assert!(status == Status::Failed && reason.to_lowercase().starts_with(&REFUSED.to_lowercase()), "{reason}");
    assert!(run.is_complete() && run.has_heartbeat(), "somebody hears");
    let opened = transitions(&sent(&run));
    assert_eq!(opened, [("111122223333/alert-path/1".to_owned(), "opened".to_owned())]);
    // A function that is not even called notes nothing.
    let well = with_slack(ALARM, true);
    let later = well.later_with_a_young_report(minutes(30));
    let (run, _) = topic.run(&later).await;
    assert_eq!(alert_path(&run).0, Status::Failed);
}

#[tokio::test]
async fn a_function_that_is_not_called_any_more_is_missed_when_a_message_does_not_arrive() {
    let start = with_slack(QUIET, true);
    let account = Account::of(&start).await;
    let mut topic = Topic::of(&account).await;
    topic.run(&with_slack(ALARM, true)).await;
    let quarter = |number: i64| minutes(15 * number);
    assert_eq!(alert_path(&topic.run(&start.later_with_a_young_report(quarter(1))).await.0).0, Status::Passed);
    // Nobody hands over what this one tells.
    account.run(&with_slack(ALARM, true).later_with_a_young_report(quarter(2))).await;
    let run = account.run(&with_slack(ALARM, true).later_with_a_young_report(quarter(3))).await;
    let (status, reason) = alert_path(&run);
    assert!(status == Status::Failed && reason.contains("has not arrived"), "{reason}");
    let mut gone = with_slack(ALARM, true).later_with_a_young_report(quarter(4));
    gone.subscriptions.remove(0);
    assert!(alert_path(&account.run(&gone).await).1.contains("it is not subscribed to the topic"));
}

#[tokio::test]
async fn where_slack_alone_is_told_what_it_does_not_take_is_kept_and_published_once_a_run() {
    let quiet = with_slack(QUIET, false);
    let account = Account::of(&quiet).await;
    let mut topic = Topic::of(&account).await;
    assert!(topic.run(&quiet).await.0.is_complete());
    let broken = with_a_wrong_webhook(with_slack(ALARM, false)).later_with_a_young_report(minutes(15));
    let (run, failed) = topic.run(&broken).await;
    assert!(!run.has_heartbeat());
    assert_eq!((sent(&run).len(), failed), (1, 1), "SNS had it, and Lambda tries again for its part");
    let error = error_of(run.answer).to_string();
    assert!(error.contains("SNS took it, and no subscriber received it: receiver-0: WebhookRefused"), "{error}");
    let waiting = account.items("O").await.len();
    assert!(waiting > 0 && error.contains(&format!("{waiting} alerts are queued")), "{error}");
    let (run, _) = topic.run(&with_slack(ALARM, false).later_with_a_young_report(minutes(30))).await;
    assert!(run.is_complete());
    assert!(crate::account::ids(&sent(&run)).len() >= waiting);
    account.assert_settled("mended").await;
}

#[tokio::test]
async fn notes_that_cannot_be_read_leave_it_unknown_and_everything_is_published_all_the_same() {
    let mut blind = with_slack(ALARM, false);
    blind.faults.push(Fault::on("dynamodb:BatchGetItem", Trouble::Deny));
    let account = Account::of(&blind).await;
    let run = account.run(&blind).await;
    assert_eq!(sent(&run).len(), 1);
    assert!(!run.has_heartbeat());
    let report = run.answer.unwrap().report;
    assert_eq!(report.subscribed, None);
    let finding = report.findings.iter().find(|finding| finding.control == "alert-path").unwrap();
    assert_eq!((finding.status, finding.reason.contains("dynamodb:BatchGetItem")), (Status::Unknown, true));
}

#[tokio::test]
async fn what_the_function_notes_is_all_that_it_writes_and_a_table_that_fails_keeps_nothing_from_slack() {
    let mut story = with_slack(ALARM, true);
    let account = Account::of(&story).await;
    let mut topic = Topic::of(&account).await;
    account.run(&story).await;
    account.sandbox.forget_calls();
    assert_eq!(topic.deliver(&story).await, 0);
    let calls: Vec<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
    assert_eq!(calls, ["ssm:GetParameter", "slack:POST", "dynamodb:PutItem"]);
    let notes = account.items("N").await;
    assert_eq!(
        notes.iter().map(|note| text(note, "sk")).collect::<Vec<_>>(),
        ["receiver-0#handed", "receiver-0#passed"]
    );
    let body: Value = serde_json::from_str(&text(&notes[1], "body")).unwrap();
    let expected = json!({"message_id": "00000000-0000-4000-8000-000000000001", "sent_at": story.now.to_string()});
    assert_same(&body, &expected, "the note");
    for trouble in [Trouble::Deny, Trouble::Hang] {
        story.faults = vec![Fault::on("dynamodb:PutItem", trouble)];
        account.sandbox.turn_to(story.clone());
        topic.next = 0;
        assert_eq!(topic.deliver(&story).await, 0);
    }
    assert_eq!(account.sandbox.posts().len(), 3);
}

fn note(key: &str, body: &str) -> Item {
    let body = aws_sdk_dynamodb::types::AttributeValue::S(body.into());
    crate::odd_items::item("N", key, &[("body", body)])
}

#[tokio::test]
async fn no_note_of_any_time_mutes_or_holds_up_what_is_new() {
    let story = with_slack(ALARM, true);
    for sent_at in ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z", "1970-01-01T00:00:00Z", "x", ""] {
        let account = Account::of(&story).await;
        for fate in ["handed", "passed", "failed"] {
            let body = json!({"message_id": "x", "sent_at": sent_at}).to_string();
            account.put(note(&format!("{RELAY}#{fate}"), &body)).await;
            let run = account.run(&story).await;
            assert!(run.answer.is_ok(), "{fate} {sent_at}");
            if fate == "handed" {
                assert!(!run.mails.is_empty() && run.is_complete(), "{sent_at}");
            }
        }
    }
}

#[tokio::test]
async fn a_hundred_notes_of_nobody_hide_none_of_ours() {
    let story = with_slack(ALARM, false);
    let account = Account::of(&story).await;
    let mut topic = Topic::of(&account).await;
    account.put_all((0..100).map(|number| note(&format!("!{number:03}#passed"), "{}")).collect()).await;
    let (run, failed) = topic.run(&story).await;
    assert!(run.is_complete() && failed == 0 && !sent(&run).is_empty());
}

#[tokio::test]
async fn where_the_names_of_our_functions_cannot_be_read_a_deaf_one_is_no_listener_and_one_that_works_is() {
    for (is_deaf, names) in [(true, "receiver 0"), (false, "receiver 0")] {
        let mut story = with_slack(ALARM, false);
        story.environment.insert("ROOTWATCH_NOTIFIERS".into(), names.into());
        let story = if is_deaf { with_a_wrong_webhook(story) } else { story };
        let account = Account::of(&story).await;
        let mut topic = Topic::of(&account).await;
        let (run, _) = topic.run(&story).await;
        assert_eq!((run.is_complete(), run.has_heartbeat()), (!is_deaf, !is_deaf));
        assert_eq!((sent(&run).is_empty(), alert_path(&run).0 == Status::Passed), (is_deaf, !is_deaf));
    }
    // Somebody's own function, which nobody took for ours, is somebody.
    let mut story = with_slack(ALARM, false);
    story.environment.insert("ROOTWATCH_NOTIFIERS".into(), String::new());
    let account = Account::of(&story).await;
    let run = account.run(&story).await;
    assert!(run.is_complete() && !run.mails.is_empty());
}
