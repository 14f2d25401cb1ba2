//! The real binary, in a local Lambda Runtime API, at the present time.

use std::time::Duration;

use checklist::CHECKLIST;
use jiff::Timestamp;
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Sandbox, Story};
use serde_json::json;

use crate::difference::{assert_says, end_of, error_of};

const ALARM: &str = "critical-root-signs-in-without-mfa-and-creates-a-key";

async fn invoke(story: &Story, event: &str, change: impl FnOnce(&mut Invoke)) -> (Outcome, Sandbox) {
    let sandbox = Sandbox::start(story.clone()).await;
    let mut invoke = Invoke::over(&sandbox, story, event.to_owned(), Duration::from_secs(300));
    change(&mut invoke);
    (runtime::invoke(invoke).await, sandbox)
}

fn now(name: &str) -> Story {
    Story::at(name, Timestamp::now())
}

#[tokio::test]
async fn a_scheduled_run_answers_with_the_report_and_tells() {
    let story = now(ALARM);
    let (outcome, sandbox) = invoke(&story, &story.event.to_string(), |_| {}).await;
    let answer = outcome.answer.unwrap();
    assert_eq!(answer["schema"], "rootwatch.report/1");
    assert_eq!(answer["account"]["id"], "111122223333");
    assert_eq!(answer["sent"], json!(["00000000-0000-4000-8000-000000000001"]));
    assert_eq!(answer["findings"][0]["control"], "root-access-keys");
    assert_eq!(answer["findings"][0]["status"], "failed");
    assert_eq!(answer["root_activity"][0]["kind"], "root_access_key_created");
    let hash = answer["sources"][0]["sha256"].as_str().unwrap();
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    assert_eq!((&answer["plans"], &answer["cut"], &answer["previous"]), (&json!([]), &json!({}), &json!(null)));
    let subject = &sandbox.published()[0].subject;
    assert_eq!(subject, "[rootwatch] CRITICAL: new root access key in acme-prod (111122223333)");
}

#[tokio::test]
async fn a_compliant_account_is_silence_and_a_full_answer() {
    let mut story = now("quiet-compliant");
    story.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    let (outcome, sandbox) = invoke(&story, "{}", |_| {}).await;
    let answer = outcome.answer.unwrap();
    assert!(answer["sent"] == json!([]) && sandbox.published().is_empty());
    assert_eq!((&answer["complete"], &answer["unsent"]), (&json!(true), &json!(0)));
    let findings = answer["findings"].as_array().unwrap();
    // Root's last use is too long ago to be compared with its trail.
    let (last, others) = findings.split_last().unwrap();
    assert_eq!((&last["control"], &last["status"]), (&json!("root-use-recorded"), &json!("not_applicable")));
    let baseline = CHECKLIST.iter().filter(|control| control.step.is_none()).count();
    assert!(
        others.len() == CHECKLIST.len() - 1 && others.iter().all(|finding| finding["status"] == "passed"),
        "{others:?}"
    );
    assert_eq!(answer["score"]["baseline"], json!({"passed": baseline - 1, "of": baseline - 1}));
}

#[tokio::test]
async fn a_quiet_run_of_an_account_with_an_alias_costs_fifty_five_calls_three_a_region_and_one_more_a_sign_in_region() {
    let mut story = now("quiet-compliant");
    story.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    let (outcome, sandbox) = invoke(&story, "{}", |_| {}).await;
    let calls = sandbox.calls();
    let to_the_ledger = calls.iter().filter(|call| call.action.starts_with("dynamodb:")).count();
    // What the report rests on: everything but the ledger and the topic.
    let noted = outcome.answer.unwrap()["calls"].as_array().unwrap().clone();
    let to_the_topic = calls.iter().filter(|call| call.action.starts_with("sns:")).count();
    assert_eq!(noted.len(), calls.len() - to_the_ledger - to_the_topic);
    let ids: std::collections::BTreeSet<&str> = noted.iter().map(|call| call["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), noted.len(), "each with an id of its own");
    assert!(to_the_ledger <= 4, "{calls:?}");
    // Of them 3 list trails, 2 are of the one trail, 4 of the rules, 8 of their targets and 4 of the canary in four Regions, 1 of the
    // schedule, 18 of the baseline.
    assert!(calls.len() <= 55 + 3 * story.regions.len() + 3, "{} calls", calls.len());
    let times = |action: &str| calls.iter().filter(|call| call.action == action).count();
    let of_the_path =
        ["DescribeTrails", "GetTrailStatus", "GetEventSelectors"].map(|name| times(&format!("cloudtrail:{name}")));
    let of_the_rules = ["ListRules", "ListTargetsByRule", "PutEvents"].map(|name| times(&format!("events:{name}")));
    assert_eq!((of_the_path, of_the_rules, times("scheduler:GetSchedule")), ([3, 1, 1], [4, 8, 4], 1));
}

#[tokio::test]
async fn ct_15_an_event_that_no_parser_reads_or_that_is_very_large_is_an_error_of_few_words_in_every_function() {
    let story = now("quiet-compliant");
    let deep = format!("{}1{}", r#"{"a-name-that-somebody-chose":"#.repeat(10_000), "}".repeat(10_000));
    let large = json!({"Records": [{"body": "y".repeat(6 << 20)}], "x": "y".repeat(1 << 20)}).to_string();
    for function in [Invoke::over, Invoke::root_activity, Invoke::reporter, Invoke::slack] {
        for event in [deep.as_str(), "", "{", r#"{"a": 1e999}"#, large.as_str()] {
            let sandbox = Sandbox::start(story.clone()).await;
            let invoke = function(&sandbox, &story, event.to_owned(), Duration::from_secs(60));
            let binary = invoke.binary.clone();
            let outcome = runtime::invoke(invoke).await;
            let error = error_of(outcome.answer);
            assert_eq!(error["errorType"], "InvalidEvent", "{binary:?} {error}");
            let message = error["errorMessage"].as_str().unwrap();
            assert!(message.len() < 700 && !message.contains("somebody-chose"), "{binary:?} {message}");
            assert!(outcome.log.len() < 2_000, "{binary:?} {} bytes of log", outcome.log.len());
            assert_eq!(sandbox.calls(), []);
        }
    }
}

#[tokio::test]
async fn ct_15_a_wrong_event_is_an_error_with_a_stable_type_and_calls_nothing() {
    for event in ["null", "[]", r#"{"lookback_hours": 0}"#, r#"{"what": 1}"#] {
        let (outcome, sandbox) = invoke(&now(ALARM), event, |_| {}).await;
        let error = error_of(outcome.answer);
        assert_eq!(error["errorType"], "InvalidEvent", "{event}");
        assert!(error["errorMessage"].as_str().unwrap().contains("Accepted are `{}`"), "{event}");
        assert_eq!(sandbox.calls(), [], "{event}");
    }
}

#[tokio::test]
async fn cf_1_without_a_topic_wrong_settings_are_one_error_with_every_fault_and_call_nothing() {
    let (outcome, sandbox) = invoke(&now(ALARM), "{}", |invoke| {
        invoke.environment.push(("ROOTWATCH_TOPIC_ARN".into(), String::new()));
        invoke.environment.push(("ROOTWATCH_ROOT_UNUSED_DAYS".into(), "-3".into()));
        invoke.environment.push(("ROOTWATCH_TYPO".into(), "1".into()));
    })
    .await;
    let error = error_of(outcome.answer);
    assert_eq!(error["errorType"], "InvalidSettings");
    let message = error["errorMessage"].as_str().unwrap();
    for fault in
        ["ROOTWATCH_TOPIC_ARN is missing", "RootUnusedDays: a number from 1 to 365", "ROOTWATCH_TYPO: is not known"]
    {
        assert!(message.contains(fault), "{message}");
    }
    assert_eq!(sandbox.calls(), []);
}

#[tokio::test]
async fn cf_1_a_fault_in_the_settings_stops_no_check_and_is_told_once() {
    let faulty = |invoke: &mut Invoke| {
        let settings = [
            (
                "ROOTWATCH_EXCEPTIONS",
                r#"[{"control": "root-mfs", "reason": "r", "owner": "o", "until": "2026-12-01"}]"#,
            ),
            ("ROOTWATCH_LOOKBACK_HOURS", "abc"),
            ("ROOTWATCH_HEARTBEAT_URL", "http://watcher.example/secret"),
            ("ROOTWATCH_TYPO", "1"),
        ];
        invoke.environment.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    };
    let (outcome, sandbox) = invoke(&now("quiet-compliant"), "{}", faulty).await;
    let answer = outcome.answer.unwrap();
    assert_eq!(answer["complete"], true, "a fault in a setting is no blindness");
    let refused = answer["refused_settings"].as_array().unwrap();
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert_eq!((&refused[0]["setting"], &refused[0]["entry"]), (&json!("LookbackHours"), &json!(null)));
    let mails: Vec<String> = sandbox.published().iter().map(|mail| mail.bodies["default"].to_string()).collect();
    let mail = mails.join("\n");
    for sent in ["settings are refused and ignored", "Exceptions, entry 1", "LookbackHours", "make check-config"] {
        assert!(mail.contains(sent), "{sent} is not in {mail}");
    }
    assert!(!mail.contains("secret") && !outcome.log.contains("watcher.example"));
}

#[tokio::test]
async fn cf_1_without_a_table_what_is_seen_is_told_all_the_same() {
    for table in ["", "a table"] {
        let (outcome, sandbox) = invoke(&now(ALARM), "{}", |invoke| {
            invoke.environment.push(("ROOTWATCH_TABLE".into(), table.into()));
        })
        .await;
        let answer = outcome.answer.unwrap();
        assert_eq!((&answer["complete"], &answer["unsent"]), (&json!(false), &json!(null)));
        let mail = sandbox.published()[0].bodies["default"].to_string();
        assert_says(&mail, "STATE STORE UNAVAILABLE");
        assert_says(&mail, "ROOTWATCH_TABLE");
    }
}

#[tokio::test]
async fn an_event_of_another_account_is_refused() {
    let event = json!({"detail-type": "Scheduled Event", "source": "aws.scheduler", "account": "999900001111"});
    let (outcome, sandbox) = invoke(&now(ALARM), &event.to_string(), |_| {}).await;
    assert_eq!(error_of(outcome.answer)["errorType"], "UnknownAccount");
    assert_eq!(sandbox.calls(), []);
}

#[tokio::test]
async fn se_1_in_4_secrets_rows_and_forged_metrics_stay_out_of_the_log() {
    let (outcome, _) = invoke(&now("critical-hostile-text"), "{}", |invoke| {
        invoke.environment.push(("AWS_LAMBDA_LOG_LEVEL".into(), "TRACE".into()));
        invoke.environment.push(("RUST_LOG".into(), "trace".into()));
    })
    .await;
    assert!(outcome.answer.is_ok(), "{}", end_of(&outcome.log));
    let act = outcome.log.lines().find(|line| line.contains("SignInSucceeded")).expect("an act is in the log");
    assert!(act.contains("00000000-0000-4000-8000-00000000000a"), "with the id of its request: {act}");
    let mut metrics = 0;
    for line in outcome.log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("every line of the log is JSON");
        // Ours is the only metric: what hostile text says of heartbeats stays text.
        metrics += usize::from(line.get("_aws").is_some());
    }
    assert_eq!(metrics, 1);
    for hidden in ["secret-of-the-sandbox", "password_enabled", "user/alice", "HYPERLINK"] {
        assert!(!outcome.log.contains(hidden), "{hidden} is in the log: {}", end_of(&outcome.log));
    }
}

#[tokio::test]
async fn cr_9_a_report_of_a_hundred_thousand_users_is_refused_and_fits_into_memory() {
    let mut story = now("quiet-compliant");
    story.add_report_rows(100_000);
    let (outcome, _) = invoke(&story, r#"{"dry_run": true}"#, |_| {}).await;
    let answer = outcome.answer.unwrap();
    let error = &answer["sources"][0]["error"];
    assert_eq!(error["detail"], "it is larger than 25165824 bytes");
    assert_eq!(answer["findings"][0]["status"], "unknown", "{}", answer["findings"][0]);
    assert!(outcome.peak_memory < 256 * 1024 * 1024, "{} bytes", outcome.peak_memory);
}

#[tokio::test]
async fn every_event_of_the_events_folder_is_answered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let event = std::fs::read_to_string(&path).unwrap();
        let (outcome, sandbox) = invoke(&now("quiet-compliant"), &event, |_| {}).await;
        let answer = outcome.answer.unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sent = sandbox.published().first().map(|message| message.subject.clone());
        // A test alert has an answer of its own.
        let is_silent =
            if event.contains("test_alert") { answer["message_id"].is_null() } else { answer["sent"] == json!([]) };
        assert_eq!(is_silent, sent.is_none());
        names.push(format!("{name}: {}", sent.unwrap_or_else(|| "nothing sent".into())));
    }
    names.sort();
    insta::assert_snapshot!(names.join("\n"));
}
