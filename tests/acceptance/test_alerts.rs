//! A test alert on demand: it arrives as a test by every way, and leaves everything else as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use checker::{Checker, Error, Settings};
use lambda_runtime::Diagnostic;
use messages::answer::{Answered, TEST_ALERT, TestAlertAnswer};
use sandbox::runtime::{self, Invoke};
use sandbox::{Fault, Sandbox, Story, Subscription, Trouble};
use serde_json::{Value, json};

use crate::account::{ALARM, Account, QUIET, minutes, story, story_now, text};
use crate::relays::{Topic, with_a_wrong_webhook, with_slack};
use crate::stories::{invocation, limits};

/// What the function answers to the request for a test alert; it gives no figures, as it is no check.
async fn ask(account: &Account, story: &Story, dry_run: bool) -> Result<TestAlertAnswer, Error> {
    account.sandbox.turn_to(story.clone());
    let settings = Settings::read(story.variables(), story.now);
    let checker = Checker::new(&account.sandbox.sdk_config(&limits()).await, settings, |figures| panic!("{figures}"));
    let event = json!({"test_alert": true, "dry_run": dry_run});
    match checker.handle(&event, &invocation(story)).await? {
        Answered::TestAlert(answer) => Ok(*answer),
        Answered::Check(answer) => panic!("a check: {}", answer.headline),
    }
}

fn with_subscriptions(subscriptions: &[(&str, bool)]) -> Story {
    let mut story = story(ALARM);
    let of =
        |(protocol, confirmed): &(&str, bool)| Subscription { protocol: (*protocol).into(), confirmed: *confirmed };
    story.subscriptions = subscriptions.iter().map(of).collect();
    story
}

/// Conditions, events, outbox and lease.
async fn kept(account: &Account) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    for kind in ["A", "E", "O", "L"] {
        let items = account.items(kind).await;
        kept.extend(items.into_iter().map(|item| {
            let fields: BTreeMap<_, _> = item.iter().collect();
            format!("{kind} {} {fields:?}", text(&item, "sk"))
        }));
    }
    kept
}

fn actions(account: &Account) -> BTreeSet<String> {
    account.sandbox.calls().into_iter().map(|call| call.action).collect()
}

#[tokio::test]
async fn a_test_alert_arrives_by_email_and_in_slack_and_nothing_else_is_read_sent_or_recorded() {
    let story = with_slack(ALARM, true);
    let account = Account::of(&story).await;
    let mut topic = Topic::of(&account).await;
    let (answer, failed) = topic.during(&story, ask(&account, &story, false)).await;
    let answer = answer.unwrap();
    assert_eq!((failed, &answer.problems), (0, &Vec::new()));
    assert_eq!(answer.message_id.as_deref(), Some("00000000-0000-4000-8000-000000000001"));
    let whom = "1 confirmed email subscriber, Slack. Slack accepted it.";
    assert!(answer.summary.contains(whom), "{}", answer.summary);
    let published = account.sandbox.published();
    assert_eq!(published.len(), 1);
    let (subject, email) = (&published[0].subject, &published[0].bodies["default"]);
    assert_eq!(subject, "[rootwatch] TEST ALERT from 111122223333");
    assert!(email.starts_with("TEST ALERT, sent on demand.") && *email == answer.text, "{email}");
    let json: Value = serde_json::from_str(&published[0].bodies["sqs"]).unwrap();
    assert_eq!(json["schema"], "rootwatch.notification/1");
    assert_eq!(json["test_alert"]["recipients"]["email"], 1);
    assert_eq!((&json["alerts"], &json["root_sessions"]), (&json!([]), &json!([])));
    let posts = account.sandbox.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0]["blocks"][0]["text"]["text"], "🧪 TEST ALERT from 111122223333");
    assert_eq!(kept(&account).await, BTreeSet::new(), "no condition, no event, no outbox, no lease");
    let expected = [
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "slack:POST",
        "sns:ListSubscriptionsByTopic",
        "sns:Publish",
        "ssm:GetParameter",
    ];
    assert_eq!(
        actions(&account),
        expected.map(str::to_owned).into(),
        "the notes of what arrives are all that is written"
    );
}

#[tokio::test]
async fn what_waits_keeps_waiting_and_the_account_is_named_as_the_checks_know_it() {
    let mut blocked = story(ALARM);
    blocked.faults.push(Fault::on("sns:Publish", Trouble::Throttle));
    let account = Account::of(&blocked).await;
    assert!(account.run(&blocked).await.answer.is_err());
    let before = kept(&account).await;
    assert!(before.iter().any(|item| item.starts_with("O ")));
    let later = story(ALARM).later_with_a_young_report(minutes(15));
    let answer = ask(&account, &later, false).await.unwrap();
    assert!(answer.subject.ends_with("TEST ALERT from acme-prod (111122223333)"), "{}", answer.subject);
    assert_eq!(account.sandbox.published().len(), 1, "the test, and nothing else");
    assert!(kept(&account).await == before, "an item of the table was written");
    let run = account.run(&later).await;
    assert!(run.mails.len() == 1 && run.mails[0].subject.contains("CRITICAL"));
}

#[tokio::test]
async fn without_a_confirmed_subscriber_nothing_is_sent_and_the_answer_says_how_to_get_one() {
    for (subscriptions, pending) in [(&[][..], 0), (&[("email", false), ("email", false)][..], 2)] {
        let story = with_subscriptions(subscriptions);
        let account = Account::of(&story).await;
        let answer = ask(&account, &story, false).await.unwrap();
        assert_eq!((answer.message_id, account.sandbox.published().len()), (None, 0));
        assert_eq!(answer.test.recipients.unwrap().pending, pending);
        let problem = answer.problems.join("\n");
        for words in ["no one receives alerts", "valid for two days", "aws sns subscribe --topic-arn arn:aws:sns:"] {
            assert!(problem.contains(words), "{words}: {problem}");
        }
        assert!(!actions(&account).contains("sns:Publish"));
    }
}

#[tokio::test]
async fn one_that_is_not_confirmed_beside_one_that_is_gets_nothing_and_is_named_in_email_and_answer() {
    let story = with_subscriptions(&[("email", true), ("email", false)]);
    let account = Account::of(&story).await;
    let answer = ask(&account, &story, false).await.unwrap();
    assert!(answer.text.contains("\nNot confirmed: 1 subscription, which gets no alerts."), "{}", answer.text);
    assert!(answer.message_id.is_some() && answer.problems[0].starts_with("Not confirmed yet: 1 subscription"));
}

#[tokio::test]
async fn slack_that_refuses_is_named_with_its_reason_and_the_test_is_not_sent_again() {
    for has_email in [true, false] {
        let story = with_a_wrong_webhook(with_slack(ALARM, has_email));
        let account = Account::of(&story).await;
        let mut topic = Topic::of(&account).await;
        let (answer, failed) = topic.during(&story, ask(&account, &story, false)).await;
        let answer = answer.unwrap();
        assert_eq!((failed, account.sandbox.published().len()), (0, 1), "Lambda keeps nothing to try again");
        let why = "Slack did not accept it: receiver-0: WebhookRefused: Slack's webhook refused the message: 404 (no_service).";
        assert!(answer.problems.iter().any(|problem| problem.starts_with(why)), "{:?}", answer.problems);
    }
}

#[tokio::test]
async fn a_refusal_of_sns_is_an_error_that_says_what_to_fix() {
    for (trouble, expected) in
        [(Trouble::Error("KMSDisabled".into()), "PublishRefused"), (Trouble::Throttle, "PublishFailed")]
    {
        let mut story = story(ALARM);
        story.faults.push(Fault::on("sns:Publish", trouble));
        let account = Account::of(&story).await;
        let Diagnostic { error_type, error_message } = ask(&account, &story, false).await.unwrap_err().into();
        assert_eq!(error_type, expected);
        assert!(error_message.starts_with("the test alert was not sent: sns:Publish to arn:"), "{error_message}");
        assert_eq!(kept(&account).await, BTreeSet::new(), "no test waits in the outbox");
    }
}

#[tokio::test]
async fn what_cannot_be_read_keeps_no_test_alert_back() {
    for action in ["sns:ListSubscriptionsByTopic", "dynamodb:Query"] {
        let mut story = story(ALARM);
        story.faults.push(Fault::on(action, Trouble::Deny));
        let account = Account::of(&story).await;
        let answer = ask(&account, &story, false).await.unwrap();
        assert!(answer.message_id.is_some() && account.sandbox.published().len() == 1, "{action}");
        let is_unknown = answer.problems.iter().any(|problem| problem.starts_with("It is unknown who receives alerts"));
        assert_eq!(
            (is_unknown, answer.test.recipients.is_none()),
            (action.starts_with("sns"), action.starts_with("sns"))
        );
    }
}

#[tokio::test]
async fn a_dry_run_answers_with_the_email_and_sends_none() {
    let story = with_slack(ALARM, true);
    let account = Account::of(&story).await;
    let answer = ask(&account, &story, true).await.unwrap();
    assert!(answer.summary.starts_with("Dry run: nothing was sent.") && answer.text.starts_with("TEST ALERT"));
    assert_eq!((answer.message_id, account.sandbox.published().len()), (None, 0));
    assert!(!actions(&account).contains("dynamodb:PutItem"));
}

#[tokio::test]
async fn the_answer_of_a_test_alert_is_no_evidence_and_the_reporter_says_so() {
    let story = story_now(QUIET);
    let sandbox = Sandbox::start(story.clone()).await;
    let event = json!({"test_alert": true});
    let timeout = Duration::from_secs(60);
    let answer = runtime::invoke(Invoke::over(&sandbox, &story, event.to_string(), timeout)).await.answer.unwrap();
    assert_eq!((&answer["schema"], &answer["problems"]), (&json!(TEST_ALERT), &json!([])));
    sandbox.forget_calls();
    let id = "00000001-0000-4000-8000-000000000000";
    let record = runtime::destination_record(id, &event, &answer, story.now).to_string();
    let outcome = runtime::invoke(Invoke::reporter(&sandbox, &story, record, timeout)).await;
    assert_eq!(outcome.answer.unwrap()["report"], json!(null));
    assert_eq!(sandbox.calls(), [], "nothing is read, written or sent to Security Hub");
}

/// What `make test-alert` prints, and whether it succeeded, where only the command line `tool` is there and the function answers `answer`.
fn make_test_alert(tool: &str, answer: &str) -> (bool, String) {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    static CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let bin = std::env::temp_dir().join(format!("rootwatch-test-alert-{}-{call}", std::process::id()));
    std::fs::create_dir_all(&bin).unwrap();
    for name in ["awk", "cat", "dirname", "grep", "make", "mktemp", "rm", "sed"] {
        let path = std::env::var("PATH").unwrap();
        let found = path.split(':').map(|folder| Path::new(folder).join(name)).find(|file| file.exists()).unwrap();
        symlink(found, bin.join(name)).unwrap();
    }
    std::fs::write(bin.join("answer"), answer).unwrap();
    let script = match tool {
        "sam" => {
            "test \"$*\" = 'remote invoke Checker --stack-name mine --event {\"test_alert\": true}' || exit 9\ncat $here/answer\n"
        }
        _ => {
            "case \"$1 $2\" in\n'cloudformation describe-stack-resource') echo mine-Checker-1;;\n'lambda invoke') \
             test \"$4 $(cat \"${6#fileb://}\")\" = 'mine-Checker-1 {\"test_alert\": true}' || exit 9\nfor last; do :; done\ncat $here/answer > \"$last\";;\nesac\n"
        }
    };
    std::fs::write(bin.join(tool), format!("#!/bin/sh\nhere=$(dirname \"$0\")\n{script}")).unwrap();
    std::fs::set_permissions(bin.join(tool), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut make = Command::new(bin.join("make"));
    make.env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env_remove("MAKEOVERRIDES")
        .env("PATH", &bin)
        .env("AWS_REGION", "eu-west-1");
    make.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).args(["test-alert", "STACK=mine"]);
    let done = make.output().unwrap();
    std::fs::remove_dir_all(bin).unwrap();
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

#[tokio::test]
async fn make_test_alert_prints_who_got_it_and_fails_where_someone_gets_no_alerts() {
    let answer = async |subscriptions: &[(&str, bool)]| {
        let story = with_subscriptions(subscriptions);
        let account = Account::of(&story).await;
        serde_json::to_string(&ask(&account, &story, false).await.unwrap()).unwrap()
    };
    let (well, pending) = (answer(&[("email", true)]).await, answer(&[("email", true), ("email", false)]).await);
    let none = answer(&[]).await;
    for tool in ["sam", "aws"] {
        let (succeeded, said) = make_test_alert(tool, &well);
        let expected = "A test alert of account 111122223333 was sent to: 1 confirmed email subscriber. Look for the email, in the spam folder too.\n";
        assert_eq!((succeeded, said.as_str()), (true, expected), "{tool}");
        for (answer, problem) in [(&pending, "Not confirmed yet: 1 subscription"), (&none, "No confirmed subscriber:")]
        {
            let (succeeded, said) = make_test_alert(tool, answer);
            assert!(!succeeded && said.lines().any(|line| line.starts_with(problem)), "{tool}: {said}");
            assert!(said.contains("aws sns subscribe --topic-arn arn:aws:sns:eu-west-1:111122223333:"), "{said}");
        }
        let refused = r#"{"errorType":"PublishRefused","errorMessage":"the test alert was not sent"}"#;
        for answer in [refused, "", r#"{"headline":"a check"}"#] {
            let (succeeded, said) = make_test_alert(tool, answer);
            assert!(!succeeded && said.contains(answer), "{tool}: {said}");
        }
    }
}
