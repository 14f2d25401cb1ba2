//! From the topic to Slack, or to Amazon Q: what arrives, and what happens when Slack does not take it.

use std::time::{Duration, Instant};

use function::Invocation;
use jiff::SignedDuration;
use lambda_runtime::Diagnostic;
use messages::{Links, Message, TestAlert};
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Fault, Published, Sandbox, Story, Trouble, WEBHOOK_PARAMETER};
use serde_json::{Value, json};
use slack_notifier::{Settings, SlackNotifier};

use crate::account::{ALARM, Account, FRESH, QUIET, story, story_now};
use crate::difference::{end_of, error_of};
use crate::stories::{invocation, limits};

/// What stands in the webhook's URL and nowhere else.
const SECRETS: [&str; 3] = ["secret-of-the-webhook", "/services/", "T0EXAMPLE"];

/// `mail` as SNS hands it to a function at the present of `story`.
fn event(mail: &Published, story: &Story) -> Value {
    event_of(&mail.subject, &mail.bodies["lambda"], story)
}

fn event_of(subject: &str, body: &str, story: &Story) -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn", "Sns": {
        "Type": "Notification", "MessageId": "00000000-0000-4000-8000-000000000001", "TopicArn": story.topic_arn(),
        "Subject": subject, "Message": body, "Timestamp": story.now.to_string(), "MessageAttributes": {}}}]})
}

/// The same as Lambda's failure destination puts it into the queue, and the queue hands it to the function.
fn queued(event: &Value) -> Value {
    let envelope = json!({"version": "1.0", "timestamp": "2026-11-20T10:00:00.000Z",
        "requestContext": {"requestId": "r", "functionArn": "arn", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": event, "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorType": "WebhookUnreachable"}});
    json!({"Records": [{"messageId": "q", "eventSource": "aws:sqs", "eventSourceARN": "arn", "body": envelope.to_string()}]})
}

/// What the checker tells of `story`.
async fn sent(story: &Story) -> Value {
    let run = Account::of(story).await.run(story).await;
    event(&run.mails[0], story)
}

/// A process of the function that stays warm.
struct Process {
    sandbox: Sandbox,
    notifier: SlackNotifier,
    invocation: Invocation,
}

impl Process {
    async fn over(story: &Story) -> Self {
        Self::with(story, |sandbox| {
            let host = sandbox.url().trim_start_matches("http://").to_owned();
            vec![("ROOTWATCH_WEBHOOK_PARAMETER", WEBHOOK_PARAMETER.to_owned()), ("ROOTWATCH_WEBHOOK_TEST_HOST", host)]
        })
        .await
    }

    async fn with(story: &Story, variables: impl FnOnce(&Sandbox) -> Vec<(&'static str, String)>) -> Self {
        let sandbox = Sandbox::start(story.clone()).await;
        let region = [("AWS_REGION", "eu-west-1".to_owned())];
        let variables = variables(&sandbox).into_iter().chain(region);
        let settings = Settings::read(variables.map(|(name, value)| (name.to_owned(), value)));
        let notifier = SlackNotifier::new(&sandbox.sdk_config(&limits()).await, settings);
        // As in template.yaml.
        let invocation = Invocation { ends: story.now + SignedDuration::from_secs(60), ..invocation(story) };
        Self { sandbox, notifier, invocation }
    }

    /// The one for the routes of the stack `rootwatch`.
    async fn of_routes(story: &Story) -> Self {
        Self::with(story, |sandbox| {
            let host = sandbox.url().trim_start_matches("http://").to_owned();
            vec![("ROOTWATCH_ROUTE_WEBHOOKS", "/rootwatch/routes/".to_owned()), ("ROOTWATCH_WEBHOOK_TEST_HOST", host)]
        })
        .await
    }

    /// `Err`: type and message, as Lambda shows them; never the webhook's URL.
    async fn hear(&self, event: &Value) -> Result<Value, (String, String)> {
        self.notifier.handle(event, &self.invocation).await.map_err(|error| {
            let debug = format!("{error:?}");
            let Diagnostic { error_type, error_message } = error.into();
            for secret in SECRETS {
                assert!(!error_message.contains(secret) && !debug.contains(secret), "{error_message} {debug}");
            }
            (error_type, error_message)
        })
    }

    fn posted(&self) -> usize {
        self.calls("slack:POST")
    }

    fn calls(&self, action: &str) -> usize {
        self.sandbox.calls().iter().filter(|call| call.action == action).count()
    }
}

async fn with_fault(trouble: Trouble, times: Option<usize>) -> (Process, Value) {
    let mut story = story(ALARM);
    let event = sent(&story).await;
    story.faults.push(Fault { times, ..Fault::on("slack:POST", trouble) });
    (Process::over(&story).await, event)
}

fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(values) => values.iter().map(texts).collect(),
        Value::Object(fields) => fields.values().map(texts).collect(),
        _ => String::new(),
    }
}

/// The real binary at the present time.
async fn binary(story: &Story, event: &Value, timeout: u64, change: impl FnOnce(&mut Invoke)) -> (Outcome, Sandbox) {
    let sandbox = Sandbox::start(story.clone()).await;
    let mut invoke = Invoke::slack(&sandbox, story, event.to_string(), Duration::from_secs(timeout));
    change(&mut invoke);
    (runtime::invoke(invoke).await, sandbox)
}

#[tokio::test]
async fn what_a_check_tells_arrives_in_slack() {
    let story = story_now(ALARM);
    let event = sent(&story).await;
    let (outcome, sandbox) = binary(&story, &event, 60, |_| {}).await;
    assert_eq!(outcome.answer.unwrap(), json!({"sent": ["00000000-0000-4000-8000-000000000001"]}));
    let posts = sandbox.posts();
    assert_eq!(posts.len(), 1);
    let header = &posts[0]["blocks"][0]["text"]["text"];
    assert_eq!(header, "🔴 CRITICAL: new root access key in acme-prod (111122223333)");
    let text = texts(&posts[0]);
    for words in
        ["MFA\n", "198.51.100.24", "Deactivate root access key AKIAEXAMPLE000000001", "Open the event", "Alert IDs:"]
    {
        assert!(text.contains(words.trim_end()), "{words}: {text}");
    }
    assert!(!text.contains("SENT LATE"));
}

#[tokio::test]
async fn every_kind_of_story_is_taken_by_slack_and_by_amazon_q() {
    for name in [
        FRESH,
        QUIET,
        "critical-hostile-text",
        "critical-one-success-among-many-failed-sign-ins",
        "medium-users-hold-policies-of-their-own",
        "unknown-a-region-is-not-enabled",
    ] {
        // With its digest, so that each has something to tell.
        let story = Story::load(name);
        let event = sent(&story).await;
        let process = Process::over(&story).await;
        assert!(process.hear(&event).await.is_ok(), "{name}");
        assert_eq!(process.sandbox.posts().len(), 1, "{name}");
        let chat = Process::with(&story, |_| vec![("ROOTWATCH_CHAT_TOPIC_ARN", story.chat_topic_arn())]).await;
        assert!(chat.hear(&event).await.is_ok(), "{name}");
        assert_eq!(chat.sandbox.chats().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn amazon_q_gets_a_custom_notification_and_nothing_is_read_for_it() {
    let story = story(ALARM);
    let process = Process::with(&story, |_| vec![("ROOTWATCH_CHAT_TOPIC_ARN", story.chat_topic_arn())]).await;
    process.hear(&sent(&story).await).await.unwrap();
    let chats = process.sandbox.chats();
    assert_eq!(chats[0]["content"]["title"], "🔴 CRITICAL: new root access key in acme-prod (111122223333)");
    assert_eq!(chats[0]["metadata"]["threadId"], "111122223333/root/00000000-0000-4000-8000-000000000006");
    assert_eq!(process.sandbox.calls().len(), 1, "sns:Publish alone");
}

#[tokio::test]
async fn amazon_q_draws_a_test_alert_as_a_test() {
    let story = story(QUIET);
    let id = facts::AccountId::parse("111122223333").unwrap();
    let account = facts::Account { id, alias: None, partition: facts::Partition::Aws };
    let (test, links) = (TestAlert::default(), Links::default());
    let message = Message::test_alert(&account, story.now, &test, messages::RUNBOOK, &links);
    let process = Process::with(&story, |_| vec![("ROOTWATCH_CHAT_TOPIC_ARN", story.chat_topic_arn())]).await;
    process.hear(&event_of(&message.subject, &message.json, &story)).await.unwrap();
    let content = &process.sandbox.chats()[0]["content"];
    assert_eq!(content["title"], "🧪 TEST ALERT from 111122223333");
    assert_eq!(content["keywords"], json!(["TEST ALERT", "111122223333"]));
    assert_eq!(content["nextSteps"], json!([]));
}

#[tokio::test]
async fn a_topic_that_does_not_take_it_is_an_error() {
    let mut story = story(ALARM);
    let event = sent(&story).await;
    for (trouble, error_type) in [(Trouble::Deny, "PublishRefused"), (Trouble::Broken, "PublishFailed")] {
        story.faults = vec![Fault::on("sns:Publish", trouble)];
        let process = Process::with(&story, |_| vec![("ROOTWATCH_CHAT_TOPIC_ARN", story.chat_topic_arn())]).await;
        assert_eq!(process.hear(&event).await.unwrap_err().0, error_type);
    }
}

#[tokio::test]
async fn sl_1_too_many_messages_are_waited_out_when_the_time_allows() {
    let (process, event) = with_fault(Trouble::Error("429 1".into()), Some(2)).await;
    let started = Instant::now();
    process.hear(&event).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(2), "Retry-After is kept");
    assert_eq!((process.posted(), process.sandbox.posts().len()), (3, 1));
}

#[tokio::test]
async fn sl_1_too_many_messages_for_longer_than_the_call_lasts_are_left_to_the_queue() {
    for wait in ["3600", "59", "18446744073709551615"] {
        let (process, event) = with_fault(Trouble::Error(format!("429 {wait}")), None).await;
        let started = Instant::now();
        let (error_type, message) = process.hear(&event).await.unwrap_err();
        assert_eq!(error_type, "WebhookThrottled", "{message}");
        assert!(started.elapsed() < Duration::from_secs(20) && process.posted() == 1, "nothing is gained by waiting");
    }
}

#[tokio::test]
async fn sl_2_what_passes_is_tried_again_and_told_once() {
    for trouble in [Trouble::Broken, Trouble::Error("503 unavailable".into())] {
        let (process, event) = with_fault(trouble.clone(), Some(2)).await;
        process.hear(&event).await.unwrap();
        assert_eq!((process.posted(), process.sandbox.posts().len()), (3, 1), "{trouble:?}");
        assert_eq!(process.calls("ssm:GetParameter"), 1);
    }
}

#[tokio::test]
async fn sl_2_what_does_not_pass_is_an_error_after_three_tries_so_that_lambda_keeps_the_event() {
    let (process, event) = with_fault(Trouble::Error("502 bad_gateway".into()), None).await;
    let error = process.hear(&event).await.unwrap_err();
    assert_eq!(error, ("WebhookUnreachable".to_owned(), "Slack's webhook failed: 502 (bad_gateway)".to_owned()));
    assert_eq!((process.posted(), process.sandbox.posts().len()), (3, 0));
}

#[tokio::test]
async fn sl_2_what_slack_may_have_taken_is_left_to_lambdas_next_try() {
    for (trouble, taken) in [(Trouble::Reset, 0), (Trouble::LoseAnswer, 1)] {
        let (process, event) = with_fault(trouble.clone(), None).await;
        let (error_type, message) = process.hear(&event).await.unwrap_err();
        let words = "Slack's webhook could not be reached; it may have taken the message all the same";
        assert_eq!((error_type.as_str(), message.as_str()), ("WebhookUnreachable", words));
        assert_eq!((process.posted(), process.sandbox.posts().len()), (1, taken), "{trouble:?}");
    }
}

#[tokio::test]
async fn sl_2_slack_that_answers_late_is_waited_for_and_has_the_message_once() {
    let (process, event) = with_fault(Trouble::AnswerLate(6_000), None).await;
    process.hear(&event).await.unwrap();
    assert_eq!((process.posted(), process.sandbox.posts().len()), (1, 1));
}

#[tokio::test]
async fn sl_2_a_webhook_that_hangs_is_an_error_before_lambda_ends_the_call() {
    let mut story = story_now(ALARM);
    let event = sent(&story).await;
    story.faults.push(Fault::on("slack:POST", Trouble::Hang));
    let (outcome, _) = binary(&story, &event, 8, |_| {}).await;
    let error = error_of(outcome.answer);
    assert_eq!(error["errorType"], "WebhookUnreachable", "{error}");
    assert!(outcome.took < Duration::from_secs(7), "{:?}", outcome.took);
}

#[tokio::test]
async fn sl_3_what_slack_refuses_for_good_is_an_error_at_once_that_names_the_code() {
    for (answer, reads) in [
        ("400 invalid_payload", 1),
        ("400 invalid_blocks", 1),
        ("403 action_prohibited", 2),
        ("404 no_service", 2),
        ("410 channel_is_archived", 2),
    ] {
        let (process, event) = with_fault(Trouble::Error(answer.into()), None).await;
        let (error_type, message) = process.hear(&event).await.unwrap_err();
        let (status, word) = answer.split_once(' ').unwrap();
        assert_eq!(error_type, "WebhookRefused");
        assert_eq!(message, format!("Slack's webhook refused the message: {status} ({word})"));
        assert_eq!((process.posted(), process.calls("ssm:GetParameter")), (1, reads), "{answer}");
    }
}

#[tokio::test]
async fn sl_3_a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        let (process, event) = with_fault(Trouble::Error(format!("{status} /services/elsewhere")), None).await;
        let (error_type, message) = process.hear(&event).await.unwrap_err();
        assert_eq!((error_type.as_str(), process.posted()), ("WebhookRefused", 1), "{message}");
    }
}

#[tokio::test]
async fn sl_5_an_address_that_is_not_slacks_is_refused_before_anything_is_sent() {
    for url in [
        "http://hooks.slack.com/secret",
        "https://169.254.169.254/secret",
        "http://127.0.0.1:9001/secret",
        "secret",
        "",
    ] {
        let mut story = story(ALARM);
        let event = sent(&story).await;
        story.parameters.insert(WEBHOOK_PARAMETER.into(), url.into());
        let process = Process::over(&story).await;
        let (error_type, message) = process.hear(&event).await.unwrap_err();
        assert_eq!(error_type, "WebhookUnknown", "{url}");
        assert!(!message.contains("secret") && process.posted() == 0, "{message}");
    }
}

#[tokio::test]
async fn sl_6_a_webhook_that_was_replaced_is_read_anew_by_a_warm_process() {
    let story = story(ALARM);
    let event = sent(&story).await;
    let process = Process::over(&story).await;
    process.hear(&event).await.unwrap();
    process.hear(&event).await.unwrap();
    assert_eq!(process.calls("ssm:GetParameter"), 1, "it is kept while the process is warm");
    let mut rotated = story.clone();
    let another = "/services/T0EXAMPLE/B0EXAMPLE/another-secret-of-the-webhook";
    rotated.webhooks = vec![another.into()];
    rotated.parameters.insert(WEBHOOK_PARAMETER.into(), format!("{{sandbox}}{another}"));
    process.sandbox.turn_to(rotated);
    process.hear(&event).await.unwrap();
    process.hear(&event).await.unwrap();
    assert_eq!((process.sandbox.posts().len(), process.posted(), process.calls("ssm:GetParameter")), (4, 5, 2));
}

#[tokio::test]
async fn sl_6_a_webhook_that_is_missing_or_denied_is_an_error_and_told_when_it_is_there() {
    let mut story = story(ALARM);
    let event = sent(&story).await;
    let there = std::mem::take(&mut story.parameters);
    let process = Process::over(&story).await;
    let (error_type, message) = process.hear(&event).await.unwrap_err();
    assert_eq!(error_type, "WebhookUnknown");
    assert_eq!(message, "ssm:GetParameter of /rootwatch/slack-webhook failed (ParameterNotFound)");
    story.parameters = there;
    process.sandbox.turn_to(story.clone());
    process.sandbox.add_fault(Fault::on("ssm:GetParameter", Trouble::Deny));
    let (error_type, message) = process.hear(&event).await.unwrap_err();
    assert_eq!(error_type, "WebhookUnknown");
    assert!(message.ends_with("was denied (AccessDeniedException)"), "{message}");
    process.sandbox.clear_faults();
    process.hear(&queued(&event)).await.unwrap();
    assert_eq!((process.posted(), process.sandbox.posts().len()), (1, 1));
}

#[tokio::test]
async fn what_waited_in_the_queue_is_told_late_and_says_so() {
    let story = story(ALARM);
    let event = queued(&sent(&story).await);
    for (minutes, late) in [(15, false), (16, true)] {
        let mut process = Process::over(&story).await;
        process.invocation.now += SignedDuration::from_mins(minutes);
        process.invocation.ends += SignedDuration::from_mins(minutes);
        process.hear(&event).await.unwrap();
        let text = texts(&process.sandbox.posts()[0]);
        assert_eq!(text.contains("SENT LATE:* SNS had it at <!date^"), late, "{text}");
    }
}

#[tokio::test]
async fn an_alarm_of_the_stack_arrives_too_and_so_does_any_text() {
    let story = story(QUIET);
    let process = Process::over(&story).await;
    let alarm = json!({"AlarmName": "rootwatch-NoHeartbeatAlarm", "NewStateValue": "ALARM", "AWSAccountId": "111122223333",
        "AlarmDescription": "no complete check", "NewStateReason": "no datapoints", "StateChangeTime": "2026-11-20T10:00:00Z"});
    process.hear(&event_of("ALARM", &alarm.to_string(), &story)).await.unwrap();
    process.hear(&event_of("A test", "hello", &story)).await.unwrap();
    let headers =
        process.sandbox.posts().iter().map(|post| post["blocks"][0]["text"]["text"].clone()).collect::<Vec<_>>();
    assert_eq!(headers, ["🔴 ALARM: rootwatch-NoHeartbeatAlarm in 111122223333", "A test"]);
}

#[tokio::test]
async fn pb_8_whatever_fits_into_sns_fits_into_slack() {
    let story = story("critical-one-success-among-many-failed-sign-ins").with_a_flood_of(2_000);
    let event = sent(&story).await;
    assert!(event.to_string().len() < messages::MAX_BYTES);
    let process = Process::over(&story).await;
    process.hear(&event).await.unwrap();
    assert_eq!(process.sandbox.posts().len(), 1);
}

#[tokio::test]
async fn ct_15_garbage_is_an_error_with_a_stable_type_and_calls_nothing() {
    let story = story_now(QUIET);
    for event in [json!(null), json!({}), json!({"Records": []}), queued(&json!({"a": 1}))] {
        let (outcome, sandbox) = binary(&story, &event, 60, |_| {}).await;
        assert_eq!(error_of(outcome.answer)["errorType"], "InvalidEvent", "{event}");
        assert_eq!(sandbox.calls(), []);
    }
}

#[tokio::test]
async fn cf_1_without_a_way_wrong_settings_of_the_slack_function_are_one_error_with_every_fault_and_call_nothing() {
    let story = story_now(QUIET);
    let (outcome, sandbox) = binary(&story, &event_of("a", "b", &story), 60, |invoke| {
        invoke.environment.push(("ROOTWATCH_CHAT_TOPIC_ARN".into(), "arn".into()));
        invoke.environment.push(("ROOTWATCH_WEBHOOK_TEST_HOST".into(), "evil.example:80".into()));
        invoke.environment.push(("ROOTWATCH_TYPO".into(), "1".into()));
    })
    .await;
    let error = error_of(outcome.answer);
    assert_eq!(error["errorType"], "InvalidSettings");
    for fault in ["and only one of them", "is not a loopback address", "is not the ARN", "ROOTWATCH_TYPO: is not known"]
    {
        assert!(error["errorMessage"].as_str().unwrap().contains(fault), "{error}");
    }
    assert_eq!(sandbox.calls(), []);
}

#[tokio::test]
async fn se_1_in_1_in_2_neither_the_webhook_nor_a_mention_gets_out() {
    let mut story = story_now("critical-hostile-text");
    let event = sent(&story).await;
    let traced = |invoke: &mut Invoke| {
        invoke.environment.push(("AWS_LAMBDA_LOG_LEVEL".into(), "TRACE".into()));
        invoke.environment.push(("RUST_LOG".into(), "trace".into()));
    };
    let (outcome, sandbox) = binary(&story, &event, 60, traced).await;
    assert!(outcome.answer.is_ok(), "{}", end_of(&outcome.log));
    let post = &sandbox.posts()[0];
    // Times in the reader's zone are ours: of a number, and of words without brackets.
    for text in texts(post).replace("<!date^", "").lines() {
        for dead in ["<!", "<@", "<#", "://evil", "www.evil"] {
            assert!(!text.contains(dead), "{dead} in {text}");
        }
    }
    assert!(post.get("link_names").is_none() && post.get("parse").is_none());
    let mut logs = vec![outcome.log];
    for trouble in
        [Trouble::Error("404 no_service /services/T0EXAMPLE/B0EXAMPLE/secret-of-the-webhook".into()), Trouble::Reset]
    {
        story.faults = vec![Fault::on("slack:POST", trouble)];
        let (outcome, _) = binary(&story, &event, 60, traced).await;
        logs.push(format!("{}\n{}", outcome.log, error_of(outcome.answer)));
    }
    for log in logs {
        assert!(!log.is_empty());
        for secret in SECRETS {
            assert!(!log.contains(secret), "{secret} is in the log: {log}");
        }
    }
}

/// `event`, published to another topic of the stack.
fn of_topic(mut event: Value, topic: &str) -> Value {
    event["Records"][0]["Sns"]["TopicArn"] = json!(format!("arn:aws:sns:eu-west-1:111122223333:{topic}"));
    event
}

fn webhook_of(route: &str) -> String {
    format!("/services/T0EXAMPLE/B0EXAMPLE/secret-of-the-webhook-{route}")
}

/// An alert, in an account whose owner stored the webhook of each of `routes` beside the main one.
async fn with_routes(routes: &[&str]) -> (Story, Value) {
    let mut story = story(ALARM);
    let event = sent(&story).await;
    for route in routes {
        story.parameters.insert(format!("/rootwatch/routes/{route}"), format!("{{sandbox}}{}", webhook_of(route)));
        story.webhooks.push(webhook_of(route));
    }
    (story, event)
}

#[tokio::test]
async fn each_route_reaches_the_webhook_of_its_own_and_the_main_one_gets_nothing_of_it() {
    let (story, event) = with_routes(&["payments", "data_2"]).await;
    let process = Process::of_routes(&story).await;
    let mut expected = Vec::new();
    for route in ["payments", "data_2", "payments", "data_2"] {
        process.hear(&of_topic(event.clone(), &format!("rootwatch-route-{route}"))).await.unwrap();
        expected.push(webhook_of(route));
    }
    assert_eq!(process.sandbox.posted_to(), expected);
    let posts = process.sandbox.posts();
    let header = &posts[0]["blocks"][0]["text"]["text"];
    assert_eq!(header, "🔴 CRITICAL: new root access key in acme-prod (111122223333)");
    assert_eq!(posts[0], posts[1], "the message is the same in each");
    assert_eq!(process.calls("ssm:GetParameter"), 2, "each is kept while the process is warm");
    assert_eq!(process.sandbox.calls().len(), 6, "nothing notes what came of them");
}

#[tokio::test]
async fn sl_6_a_webhook_of_a_route_that_was_replaced_is_read_again_and_no_other_one() {
    let (story, event) = with_routes(&["payments", "data"]).await;
    let [payments, data] =
        ["payments", "data"].map(|route| of_topic(event.clone(), &format!("rootwatch-route-{route}")));
    let process = Process::of_routes(&story).await;
    process.hear(&payments).await.unwrap();
    process.hear(&data).await.unwrap();
    let mut rotated = story.clone();
    rotated.webhooks = vec![webhook_of("new"), webhook_of("data")];
    rotated.parameters.insert("/rootwatch/routes/payments".into(), format!("{{sandbox}}{}", webhook_of("new")));
    process.sandbox.turn_to(rotated);
    process.hear(&payments).await.unwrap();
    process.hear(&data).await.unwrap();
    process.hear(&payments).await.unwrap();
    assert_eq!(process.sandbox.posted_to(), ["payments", "data", "new", "data", "new"].map(webhook_of));
    assert_eq!(process.calls("ssm:GetParameter"), 3);
}

#[tokio::test]
async fn a_topic_that_is_no_routes_is_an_error_that_names_it_and_nothing_is_called() {
    let (story, event) = with_routes(&["payments"]).await;
    let process = Process::of_routes(&story).await;
    for topic in ["rootwatch", "rootwatch-chat", "rootwatch-route-", "other-route-payments", "rootwatch-route-a.b"] {
        let (error_type, message) = process.hear(&of_topic(event.clone(), topic)).await.unwrap_err();
        assert_eq!(error_type, "InvalidTopic", "{message}");
        assert!(message.contains(&format!(":{topic}`")) && message.contains("rootwatch-route-<name>"), "{message}");
    }
    let (error_type, message) = process.hear(&queued(&event)).await.unwrap_err();
    assert_eq!(error_type, "InvalidTopic", "the same out of the queue: {message}");
    assert_eq!(process.sandbox.calls(), []);
}

#[tokio::test]
async fn sl_6_a_route_without_its_parameter_is_an_error_that_says_what_to_store_and_is_sent_late_when_it_is_there() {
    let (story, event) = with_routes(&[]).await;
    let event = of_topic(event, "rootwatch-route-payments");
    let mut process = Process::of_routes(&story).await;
    let (error_type, message) = process.hear(&event).await.unwrap_err();
    assert_eq!(error_type, "WebhookUnknown");
    assert_eq!(
        message,
        "topic rootwatch-route-payments: ssm:GetParameter of /rootwatch/routes/payments failed (ParameterNotFound); store the URL \
         of its webhook as the SecureString /rootwatch/routes/payments"
    );
    assert_eq!(process.posted(), 0, "and not to the main webhook");
    let mut wrong = story.clone();
    wrong.parameters.insert("/rootwatch/routes/payments".into(), "https://evil.example/secret-of-the-webhook".into());
    process.sandbox.turn_to(wrong);
    let (error_type, message) = process.hear(&event).await.unwrap_err();
    assert_eq!((error_type.as_str(), process.posted()), ("WebhookUnknown", 0));
    assert!(
        message.starts_with("topic rootwatch-route-payments: ") && message.contains("; store the URL"),
        "{message}"
    );
    process.sandbox.turn_to(with_routes(&["payments"]).await.0);
    process.invocation.now += SignedDuration::from_mins(16);
    process.invocation.ends += SignedDuration::from_mins(16);
    process.hear(&queued(&event)).await.unwrap();
    assert_eq!(process.sandbox.posted_to(), [webhook_of("payments")]);
    assert!(texts(&process.sandbox.posts()[0]).contains("SENT LATE"));
}

/// The main topic's test messages have a note that says what came of them. Those of routes have none.
#[tokio::test]
async fn a_test_message_that_does_not_arrive_is_an_error_for_a_route_and_none_for_the_main_webhook() {
    let (mut story, _) = with_routes(&["payments"]).await;
    story.faults.push(Fault::on("slack:POST", Trouble::Error("404 no_service".into())));
    for subject in [messages::KNOCK, "[rootwatch] TEST ALERT from 111122223333"] {
        let event = of_topic(event_of(subject, "hello", &story), "rootwatch-route-payments");
        let (error_type, message) = Process::of_routes(&story).await.hear(&event).await.unwrap_err();
        assert_eq!(error_type, "WebhookRefused");
        assert!(
            message.starts_with("topic rootwatch-route-payments: Slack's webhook refused the message: 404"),
            "{message}"
        );
        assert_eq!(Process::over(&story).await.hear(&event).await, Ok(json!({"sent": []})));
    }
}

#[tokio::test]
async fn the_main_webhook_gets_each_message_whatever_its_topic() {
    let (story, event) = with_routes(&["payments"]).await;
    let process = Process::over(&story).await;
    let mut without = event.clone();
    without["Records"][0]["Sns"].as_object_mut().unwrap().remove("TopicArn");
    for event in [of_topic(event.clone(), "rootwatch-route-payments"), without, event] {
        process.hear(&event).await.unwrap();
    }
    let main = "/services/T0EXAMPLE/B0EXAMPLE/secret-of-the-webhook";
    assert_eq!((process.sandbox.posted_to(), process.calls("ssm:GetParameter")), (vec![main.to_owned(); 3], 1));
}

#[test]
fn the_bodies_for_programs_are_what_the_function_is_subscribed_to() {
    let message = Message { subject: "s".into(), text: "for people".into(), json: "for programs".into() };
    let bodies: Value = serde_json::from_str(&message.by_protocol()).unwrap();
    assert_eq!(bodies["lambda"], "for programs");
}
