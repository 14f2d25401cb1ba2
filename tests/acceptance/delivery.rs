//! What SNS may answer: nothing that was seen is lost in silence.

use std::time::Duration;

use sandbox::{Fault, Sandbox, Story, Trouble};

use crate::stories::run;

const ALARM: &str = "critical-root-signs-in-without-mfa-and-creates-a-key";

async fn publish_with(trouble: Trouble, times: Option<usize>) -> (Result<Vec<String>, checker::Error>, usize, usize) {
    let mut story = Story::load(ALARM);
    story.faults.push(Fault { times, ..Fault::on("sns:Publish", trouble) });
    let sandbox = Sandbox::start(story.clone()).await;
    let sent = run(&sandbox, &story).await.map(|answer| answer.sent);
    let attempts = sandbox.calls().iter().filter(|call| call.action == "sns:Publish").count();
    (sent, attempts, sandbox.published().len())
}

#[tokio::test]
async fn pb_1_what_passes_is_tried_again_and_told_once() {
    for trouble in [Trouble::Throttle, Trouble::Error("KMSThrottling".into()), Trouble::Broken] {
        let (sent, attempts, published) = publish_with(trouble.clone(), Some(1)).await;
        assert_eq!(sent.unwrap().len(), 1, "{trouble:?}");
        assert_eq!((attempts, published), (2, 1), "{trouble:?}");
    }
}

#[tokio::test]
async fn pb_1_sns_that_answers_late_is_waited_for_and_has_the_message_once() {
    // Longer than an attempt of any other call.
    assert!(crate::stories::limits().attempt < Duration::from_secs(3));
    let (sent, attempts, published) = publish_with(Trouble::AnswerLate(3_000), None).await;
    assert_eq!((sent.unwrap().len(), attempts, published), (1, 1, 1));
}

#[tokio::test]
async fn pb_5_what_sns_may_have_taken_is_not_sent_again_by_the_same_run() {
    for (trouble, taken) in [
        (Trouble::LoseAnswer, 1),
        (Trouble::AnswerLate(60_000), 1),
        (Trouble::Hang, 0),
        (Trouble::Reset, 0),
        (Trouble::Garbage, 0),
    ] {
        let (sent, attempts, published) = publish_with(trouble.clone(), None).await;
        assert!(sent.is_err(), "{trouble:?}: nobody knows, so it is kept");
        assert_eq!((attempts, published), (1, taken), "{trouble:?}");
    }
}

#[tokio::test]
async fn pb_2_a_permanent_refusal_is_an_error_at_once_and_says_what_to_fix() {
    for code in ["KMSAccessDenied", "KMSDisabled", "AuthorizationError", "NotFound", "InvalidParameter"] {
        let (sent, attempts, published) = publish_with(Trouble::Error(code.into()), None).await;
        let error = sent.unwrap_err().to_string();
        assert_eq!((attempts, published), (1, 0), "{code}: no hot retry");
        assert!(error.contains(code) && error.contains("(trying again will not help: fix"), "{error}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_an_error_after_all_attempts() {
    let (sent, attempts, published) = publish_with(Trouble::Throttle, None).await;
    assert!(sent.unwrap_err().to_string().contains("Throttling"));
    assert_eq!((attempts, published), (4, 0));
}

#[tokio::test]
async fn an_answer_that_cannot_be_understood_is_no_success() {
    for trouble in [Trouble::Garbage, Trouble::Empty] {
        let (sent, _, published) = publish_with(trouble.clone(), None).await;
        assert!(sent.is_err(), "{trouble:?}");
        assert_eq!(published, 0);
    }
}

#[tokio::test]
async fn a_dry_run_does_everything_but_publish() {
    let mut story = Story::load(ALARM);
    story.event = serde_json::json!({"dry_run": true});
    let sandbox = Sandbox::start(story.clone()).await;
    let answer = run(&sandbox, &story).await.unwrap();
    assert_eq!((answer.sent.len(), answer.report.root_activity.len()), (0, 3));
    assert!(answer.alerts.len() > 3, "what would be sent is in the answer");
    assert!(!sandbox.calls().iter().any(|call| call.action == "sns:Publish"));
}

#[tokio::test]
async fn a_program_that_subscribes_gets_the_same_facts_as_json() {
    let mut story = Story::load(ALARM);
    story.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    let sandbox = Sandbox::start(story.clone()).await;
    run(&sandbox, &story).await.unwrap();
    let message = &sandbox.published()[0];
    let json: serde_json::Value = serde_json::from_str(&message.bodies["sqs"]).unwrap();
    assert_eq!(json["schema"], "rootwatch.notification/1");
    assert_eq!(json["subject"], message.subject.as_str());
    let session = &json["root_sessions"][0];
    assert_eq!(session["acts"][0]["kind"], "root_access_key_created");
    assert_eq!(json["id"], "111122223333/root/00000000-0000-4000-8000-000000000006");
    assert_eq!(json["alerts"][0]["id"], "111122223333/root-access-keys/1");
    assert_eq!(json["alerts"][0]["facts"]["transition"], "opened");
}
