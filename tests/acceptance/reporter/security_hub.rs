//! What Security Hub gets, and when.

use std::collections::BTreeSet;

use sandbox::{Fault, Sandbox, Trouble};
use serde_json::{Value, json};

use super::{HISTORY, PAGE, Reports};
use crate::account::{ALARM, QUIET};

/// The controls whose findings the calls after the first `calls` brought to Security Hub.
fn sent_to_security_hub(sandbox: &Sandbox, calls: usize) -> BTreeSet<String> {
    let imports = sandbox.imports();
    let findings = imports[calls..].iter().flat_map(|body| body["Findings"].as_array().unwrap().clone());
    findings.map(|finding| finding["Id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn security_hub_gets_all_findings_once_a_day_and_else_those_that_changed() {
    let mut reports = Reports::of(ALARM).await.with("ROOTWATCH_SECURITY_HUB", "yes");
    reports.kept(0).await;
    let all: BTreeSet<String> = checklist::CHECKLIST.iter().map(|control| control.id.to_owned()).collect();
    assert_eq!(sent_to_security_hub(&reports.sandbox, 0), all);
    let of = |sandbox: &Sandbox| {
        let findings = sandbox.security_findings();
        let (_, found) = findings.iter().find(|(id, _)| id.ends_with("/root-access-keys")).expect("a finding");
        [&found["Compliance"]["Status"], &found["RecordState"]].map(|field| field.as_str().unwrap().to_owned())
    };
    assert_eq!(of(&reports.sandbox), ["FAILED", "ACTIVE"]);

    let finding = reports.answer["findings"].as_array_mut().unwrap().iter_mut();
    for finding in finding.filter(|finding| finding["control"] == "root-access-keys") {
        finding["status"] = json!("passed");
    }
    let calls = reports.sandbox.imports().len();
    reports.kept(1).await;
    let day = |number| reports.time(number).strftime("%F").to_string();
    let expected = if day(0) == day(1) { BTreeSet::from(["root-access-keys".to_owned()]) } else { all };
    assert_eq!(sent_to_security_hub(&reports.sandbox, calls), expected);
    assert_eq!(of(&reports.sandbox), ["PASSED", "ARCHIVED"], "the same finding, resolved");
    assert_eq!(reports.sandbox.security_findings().len(), checklist::CHECKLIST.len());

    let calls = reports.sandbox.imports().len();
    reports.kept(2).await;
    assert!(day(1) != day(2) || reports.sandbox.imports().len() == calls, "nothing changed");
}

#[tokio::test]
async fn a_security_hub_that_refuses_is_an_error_of_its_own_and_gets_the_findings_from_the_retry() {
    let reports = Reports::of(QUIET).await.with("ROOTWATCH_SECURITY_HUB", "yes");
    let denied = Fault::on("securityhub:BatchImportFindings", Trouble::Deny);
    assert_eq!(reports.fails(0, denied).await, "SecurityHubNotTold");
    assert_eq!(reports.keys(), [HISTORY, PAGE, reports.key(0).as_str()], "all else is done");
    reports.kept(0).await;
    assert_eq!(sent_to_security_hub(&reports.sandbox, 0).len(), checklist::CHECKLIST.len());
}

/// Runs 0 and 1 of one day, whenever the tests run.
async fn with_security_hub() -> Reports {
    let mut reports = Reports::of(QUIET).await.with("ROOTWATCH_SECURITY_HUB", "yes");
    let noon = reports.story.now.strftime("%Y-%m-%dT12:00:00Z").to_string();
    reports.story.now = noon.parse().expect("a time");
    reports
}

fn of_one_control(reports: &mut Reports, change: impl Fn(&mut Value)) {
    let findings = reports.answer["findings"].as_array_mut().unwrap().iter_mut();
    findings.filter(|finding| finding["control"] == "root-access-keys").for_each(change);
}

#[tokio::test]
async fn what_security_hub_missed_is_sent_with_the_next_run() {
    let mut reports = with_security_hub().await;
    reports.kept(0).await;
    of_one_control(&mut reports, |finding| finding["status"] = json!("failed"));
    let throttled = Fault::on("securityhub:BatchImportFindings", Trouble::Throttle);
    assert_eq!(reports.fails(1, throttled).await, "SecurityHubNotTold");
    let calls = reports.sandbox.imports().len();
    reports.kept(2).await;
    assert_eq!(sent_to_security_hub(&reports.sandbox, calls), BTreeSet::from(["root-access-keys".to_owned()]));
    let calls = reports.sandbox.imports().len();
    reports.kept(3).await;
    assert_eq!(reports.sandbox.imports().len(), calls, "once");
    assert_eq!(reports.history().unsent, Some(BTreeSet::new()));
    reports.handle(&json!({})).await.answer.unwrap();
    assert_eq!(sent_to_security_hub(&reports.sandbox, calls).len(), checklist::CHECKLIST.len(), "on demand everything");
}

#[tokio::test]
async fn security_hub_that_is_enabled_at_noon_gets_all_findings_with_the_next_run() {
    let mut reports = with_security_hub().await;
    let on = std::mem::take(&mut reports.environment);
    reports.kept(0).await;
    reports.environment = on;
    reports.kept(1).await;
    assert_eq!(sent_to_security_hub(&reports.sandbox, 0).len(), checklist::CHECKLIST.len());
}

#[tokio::test]
async fn a_narrow_run_sends_nothing_to_security_hub_also_when_it_is_retried() {
    let reports = with_security_hub().await;
    reports.kept(0).await;
    let calls = reports.sandbox.imports().len();
    let mut narrow = reports.record(1);
    narrow["responsePayload"]["is_narrow"] = json!(true);
    for _ in 0..2 {
        reports.handle(&narrow).await.answer.unwrap();
    }
    assert_eq!(reports.sandbox.imports().len(), calls);
}

#[tokio::test]
async fn a_disabled_control_is_archived_in_security_hub() {
    let mut reports = with_security_hub().await;
    of_one_control(&mut reports, |finding| finding["status"] = json!("failed"));
    reports.kept(0).await;
    let left_out = "root-access-keys";
    reports.answer["findings"].as_array_mut().unwrap().retain(|finding| finding["control"] != left_out);
    reports.answer["left_out"] = json!([left_out]);
    let calls = reports.sandbox.imports().len();
    reports.kept(1).await;
    assert_eq!(sent_to_security_hub(&reports.sandbox, calls), BTreeSet::from([left_out.to_owned()]));
    let findings = reports.sandbox.security_findings();
    let (_, found) = findings.iter().find(|(id, _)| id.ends_with("/root-access-keys")).expect("a finding");
    assert_eq!((&found["RecordState"], &found["Compliance"]["Status"]), (&json!("ARCHIVED"), &json!("NOT_AVAILABLE")));
    reports.kept(2).await;
    assert_eq!(reports.sandbox.imports().len(), calls + 1, "once");
}

#[tokio::test]
async fn security_hub_gets_only_the_findings_that_it_does_not_have() {
    let reports = with_security_hub().await;
    reports.kept(0).await;
    let mut history = reports.history();
    history.unsent = Some(["root-mfa".to_owned(), "user-mfa".to_owned()].into());
    reports.sandbox.place_object(HISTORY, history.write().unwrap());
    let calls = reports.sandbox.imports().len();
    reports.kept(1).await;
    let expected = ["root-mfa", "user-mfa"].map(str::to_owned);
    assert_eq!(sent_to_security_hub(&reports.sandbox, calls), BTreeSet::from(expected));
}
