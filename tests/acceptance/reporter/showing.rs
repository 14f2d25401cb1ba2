//! The page, the exports and the lock; what the reporter calls, and what it must not show.

use std::collections::BTreeSet;

use aws::delivery::security_hub;
use aws::storage::report_bucket;
use jiff::{SignedDuration, Timestamp};
use sandbox::{Fault, Trouble};
use serde_json::json;

use super::{HISTORY, PAGE, Reports};
use crate::account::{ALARM, QUIET, story_now};

#[tokio::test]
async fn page_and_exports_are_made_again_on_demand() {
    let reports = Reports::of(ALARM).await.with("ROOTWATCH_EXPORTS", "csv");
    let nothing = reports.handle(&json!({})).await.answer.unwrap_err();
    assert_eq!(nothing["errorType"], "NothingKept");
    assert!(reports.keys().is_empty(), "nothing is made of nothing");
    reports.kept(0).await;
    reports.kept(1).await;
    for key in [PAGE, "latest.csv"] {
        reports.sandbox.remove_object(key);
    }
    let answer = reports.handle(&json!({})).await.answer.unwrap();
    assert_eq!(
        (&answer["report"], &answer["page"], &answer["exports"]),
        (&json!(reports.key(1)), &json!(PAGE), &json!(["latest.csv"]))
    );
    assert!(reports.sandbox.object(PAGE).is_some() && reports.sandbox.object("latest.csv").is_some());
    for format in ["csv", "ocsf", "junit"] {
        let answer = reports.handle(&json!({"export": format})).await.answer.unwrap();
        assert_eq!((&answer["format"], &answer["taken_at"]), (&json!(format), &json!(reports.time(1))));
        assert!(answer["body"].as_str().is_some_and(|body| !body.is_empty()), "{answer}");
    }
    assert_eq!(reports.keys().len(), 5, "an export on demand is not kept");
}

#[tokio::test]
async fn an_export_is_of_the_newest_report_that_is_there() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    reports.kept(1).await;
    reports.sandbox.remove_object(&reports.key(1));
    reports.sandbox.remove_object(HISTORY);
    let answer = reports.handle(&json!({"export": "csv"})).await.answer.unwrap();
    assert_eq!(answer["taken_at"], json!(reports.time(0)));
    for number in 2..9 {
        reports.kept(number).await;
    }
    (2..9).for_each(|number| reports.sandbox.remove_object(&reports.key(number)));
    let answer = reports.handle(&json!({"export": "csv"})).await.answer.unwrap();
    assert_eq!(answer["taken_at"], json!(reports.time(0)), "however many are missing");
    reports.sandbox.remove_object(&reports.key(0));
    let error = reports.handle(&json!({})).await.answer.unwrap_err();
    assert_eq!(error["errorMessage"], "no report is there that history.json names: run the checker first");
}

#[tokio::test]
async fn a_run_that_failed_or_of_another_account_is_an_error_and_nothing_is_kept() {
    let reports = Reports::of(QUIET).await;
    let mut failed = reports.record(0);
    failed["responsePayload"] = json!({"errorType": "x", "errorMessage": "y"});
    let mut stranger = reports.record(0);
    stranger["responsePayload"]["account"]["id"] = json!("999900001111");
    for (record, error_type) in [
        (failed, "InvalidEvent"),
        (stranger, "UnknownAccount"),
        (json!([]), "InvalidEvent"),
        (json!({"dry_run": true}), "InvalidEvent"),
    ] {
        let error = reports.handle(&record).await.answer.unwrap_err();
        assert_eq!(error["errorType"], error_type, "{error}");
    }
    assert!(reports.sandbox.calls().is_empty(), "nothing was called");
}

#[tokio::test]
async fn a_report_of_a_newer_version_is_kept_as_it_is_and_shown_as_far_as_it_can_be_read() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    let mut newer = reports.record(1);
    let answer = &mut newer["responsePayload"];
    answer["schema"] = json!("rootwatch.report/2");
    answer["findings"] = json!({"of another shape": true});
    answer["more"] = json!([1, 2, 3]);
    let answer = reports.handle(&newer).await.answer.unwrap();
    assert_eq!(answer["missing"].as_array().map(Vec::len), Some(2), "{answer}");
    assert_eq!(reports.report(1)["more"], json!([1, 2, 3]));
    let mut empty = reports.record(2);
    empty["responsePayload"] = json!({});
    let answer = reports.handle(&empty).await.answer.unwrap();
    let missing = answer["missing"][1].as_str().unwrap();
    assert!(missing.contains("lacks") && missing.contains("`findings`") && missing.contains("`account`"), "{answer}");
    reports.kept(3).await;
    assert_eq!(reports.history().chain.len(), 4);
    reports.assert_clean("newer");
}

#[tokio::test]
async fn a_narrow_run_is_kept_and_is_no_day_of_the_history() {
    let reports = Reports::of(ALARM).await;
    let mut narrow = reports.record(0);
    narrow["responsePayload"]["is_narrow"] = json!(true);
    let answer = reports.handle(&narrow).await.answer.unwrap();
    assert!(answer["missing"].to_string().contains("fewer Regions"), "{answer}");
    let history = reports.history();
    assert_eq!((history.chain.len(), history.runs.len(), history.acts.is_empty()), (1, 0, false));
}

#[tokio::test]
async fn only_reports_are_locked_and_only_where_the_owner_enables_it() {
    let reports = Reports::of(QUIET).await.with("ROOTWATCH_OBJECT_LOCK_DAYS", "30");
    let error = reports.keep(0).await.answer.unwrap_err();
    assert_eq!(error["errorType"], "ReportNotKept", "a bucket without Object Lock takes no lock");
    reports.sandbox.allow_object_lock();
    reports.kept(0).await;
    let days = |count: i64| SignedDuration::from_hours(24 * count);
    for (key, object) in reports.sandbox.objects() {
        let from = object.retain_until.map(|until| until - days(30));
        assert_eq!(from.is_some(), key == reports.key(0), "{key}");
        assert!(from.is_none_or(|from| from >= reports.story.now && from <= Timestamp::now()), "{key}: {from:?}");
    }
    let mut late = reports.record(1);
    let taken_at = (reports.time(1) - days(31)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    late["responsePayload"]["taken_at"] = json!(taken_at);
    let answer = reports.handle(&late).await.answer.unwrap();
    let late = &reports.sandbox.objects()[answer["report"].as_str().unwrap()];
    assert!(late.retain_until.is_some_and(|until| until > Timestamp::now()), "locked from when it came");
    let denied = Fault::on("s3:PutObjectRetention", Trouble::Deny);
    assert_eq!(reports.fails(1, denied).await, "ReportNotKept");
}

#[tokio::test]
async fn the_reporter_calls_what_its_role_may_and_nothing_of_the_account() {
    let reports = Reports::of(QUIET).await;
    let reports = reports.with("ROOTWATCH_OBJECT_LOCK_DAYS", "30").with("ROOTWATCH_EXPORTS", "csv,ocsf,junit");
    let reports = reports.with("ROOTWATCH_SECURITY_HUB", "yes");
    reports.sandbox.allow_object_lock();
    reports.kept(0).await;
    reports.kept(1).await;
    let calls = reports.sandbox.calls();
    let actions: BTreeSet<&str> = calls.iter().map(|call| call.action.as_str()).collect();
    let allowed = report_bucket::ACTIONS.iter().chain(report_bucket::OBJECT_LOCK_ACTIONS).chain(security_hub::ACTIONS);
    assert_eq!(actions, allowed.copied().collect::<BTreeSet<_>>());
    assert!(calls.iter().all(|call| call.region == "eu-west-1"));
}

#[tokio::test]
async fn nothing_secret_and_no_user_whom_no_finding_names_is_kept_or_logged() {
    let mut story = story_now(QUIET);
    story.add_users(7);
    let reports = Reports::over(story).await.with("ROOTWATCH_EXPORTS", "csv,ocsf,junit");
    let outcome = reports.keep(0).await;
    assert!(outcome.answer.is_ok(), "{}", outcome.log);
    let objects = reports.sandbox.objects().into_iter().map(|(key, object)| (key, object.bytes));
    let log = ("the log".to_owned(), outcome.log.clone().into_bytes());
    let answer = ("the answer".to_owned(), format!("{:?}", outcome.answer).into_bytes());
    for (place, bytes) in objects.chain([log, answer]) {
        let text = String::from_utf8(bytes).expect("text");
        for secret in ["user-0000", "AKIAEXAMPLE", "secret-of-the-sandbox", "X-Amz-", "<root_account>,"] {
            assert!(!text.contains(secret), "{place} has {secret}");
        }
    }
    assert!(outcome.log.contains("\"report\"") && outcome.log.contains(&reports.key(0)), "{}", outcome.log);
    assert!(outcome.log.contains("ReportsKept"), "{}", outcome.log);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let reports = Reports::of("critical-hostile-text").await;
    let mut record = reports.record(0);
    let hostile = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>";
    for finding in record["responsePayload"]["findings"].as_array_mut().unwrap() {
        finding["resources"] = json!([hostile]);
    }
    record["responsePayload"]["users"] = json!([{
        "name": hostile, "has_password": true, "has_mfa": false, "password_last_used": null, "access_keys": [],
        "groups": [hostile], "controls": ["user-mfa"],
    }]);
    reports.handle(&record).await.answer.unwrap();
    let page = String::from_utf8(reports.sandbox.object(PAGE).unwrap()).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "an element was made of a name");
    assert!(page.contains("&lt;script&gt;alert(1)"), "the name itself stands there, as text");
    assert_eq!(reports.report(0)["users"][0]["name"], json!(hostile), "the evidence is as it was");
}
