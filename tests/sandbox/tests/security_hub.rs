//! Findings in Security Hub from one run to the next: the real exporter and adapter against the sandbox.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "every line here is a test")]
use std::time::Duration;

use aws::client::Limits;
use aws::delivery::security_hub::{Imported, SecurityFinding};
use aws::{SecurityHub, SecurityHubError};
use aws_sdk_securityhub::types::{AwsSecurityFinding, Resource};
use checklist::CHECKLIST;
use facts::source::Cause;
use facts::{AccountId, Partition};
use reporter::Stored;
use reporter::exports::asff;
use sandbox::{Fault, Sandbox, Story, Trouble};
use serde_json::{Value, json};

const MFA: &str = "rootwatch/111122223333/eu-west-1/root-mfa";
const IMPORT: &str = "securityhub:BatchImportFindings";

async fn start() -> (Sandbox, SecurityHub) {
    let sandbox = Sandbox::start(Story::load("quiet-compliant")).await;
    let limits = Limits { attempts: 2, first_pause: Duration::from_millis(1), ..Limits::default() };
    let account = AccountId::parse("111122223333").unwrap();
    let hub = SecurityHub::new(&sandbox.sdk_config(&limits).await, account, "eu-west-1", Partition::Aws);
    (sandbox, hub)
}

/// A report in which every control has `status`.
fn report(taken_at: &str, status: &str) -> Stored {
    let finding = |control: &&checklist::Control| {
        json!({
            "control": control.id, "step": control.step, "severity": control.severity, "status": status,
            "reason": format!("it {status}"), "evidence": [], "resources": ["alice"], "judged_by": {}, "exceptions": [],
        })
    };
    Stored::read(&json!({
        "account": {"id": "111122223333", "alias": null, "partition": "aws"}, "taken_at": taken_at, "version": "0.1.0",
        "findings": CHECKLIST.iter().map(finding).collect::<Vec<Value>>(),
    }))
}

fn findings(taken_at: &str, status: &str) -> Vec<SecurityFinding> {
    let report = report(taken_at, status);
    let findings = asff::findings(&report, &asff::everything(&report));
    assert_eq!(findings.len(), CHECKLIST.len());
    findings
}

fn stands(sandbox: &Sandbox) -> (String, String) {
    let there = sandbox.security_findings().remove(MFA).expect("it is there");
    let text = |pointer| there.pointer(pointer).and_then(Value::as_str).expect("a text").to_owned();
    (text("/Compliance/Status"), text("/RecordState"))
}

#[tokio::test]
async fn a_finding_is_made_once_updated_in_place_resolved_and_opened_again() {
    let (sandbox, hub) = start().await;
    let days = [
        ("2026-11-20T10:00:00Z", "failed", ("FAILED", "ACTIVE")),
        ("2026-11-20T11:00:00Z", "unknown", ("WARNING", "ACTIVE")),
        ("2026-11-20T12:00:00Z", "passed", ("PASSED", "ARCHIVED")),
        ("2026-11-20T13:00:00Z", "failed", ("FAILED", "ACTIVE")),
        ("2026-11-20T14:00:00Z", "not_applicable", ("NOT_AVAILABLE", "ARCHIVED")),
    ];
    for (at, status, (compliance, record)) in days {
        assert_eq!(hub.import(&findings(at, status)).await, Ok(Imported { findings: CHECKLIST.len() }));
        assert_eq!(stands(&sandbox), (compliance.to_owned(), record.to_owned()), "{at}");
        assert_eq!(sandbox.security_findings().len(), CHECKLIST.len(), "none is there twice");
    }
    assert_eq!(sandbox.imports().len(), days.len());
    assert!(sandbox.calls().iter().all(|call| aws::delivery::security_hub::ACTIONS.contains(&call.action.as_str())));
}

#[tokio::test]
async fn an_older_report_that_comes_late_changes_nothing() {
    let (sandbox, hub) = start().await;
    hub.import(&findings("2026-11-20T11:00:00Z", "passed")).await.unwrap();
    for late in ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"] {
        hub.import(&findings(late, "failed")).await.unwrap();
        assert_eq!(stands(&sandbox).0, "PASSED", "{late}");
    }
}

#[tokio::test]
async fn a_call_that_is_throttled_or_whose_answer_is_lost_is_made_again() {
    for trouble in [Trouble::Throttle, Trouble::Broken, Trouble::LoseAnswer] {
        let (sandbox, hub) = start().await;
        sandbox.add_fault(Fault::on(IMPORT, trouble.clone()).times(1));
        assert!(hub.import(&findings("2026-11-20T10:00:00Z", "failed")).await.is_ok(), "{trouble:?}");
        assert_eq!((sandbox.calls().len(), sandbox.security_findings().len()), (2, CHECKLIST.len()), "{trouble:?}");
    }
}

#[tokio::test]
async fn errors_say_what_they_are() {
    let (sandbox, hub) = start().await;
    let one = findings("2026-11-20T10:00:00Z", "failed");
    sandbox.add_fault(Fault::on(IMPORT, Trouble::Error("InvalidAccessException".into())));
    assert_eq!(hub.import(&one).await, Err(SecurityHubError::NotEnabled { region: "eu-west-1".into() }));
    sandbox.clear_faults();
    sandbox.add_fault(Fault::on(IMPORT, Trouble::Deny));
    let cause = Cause::Denied { code: "AccessDeniedException".into() };
    assert_eq!(hub.import(&one).await, Err(SecurityHubError::Failed { region: "eu-west-1".into(), cause }));
    assert_eq!(sandbox.security_findings().len(), 0);
}

#[tokio::test]
async fn one_finding_that_is_refused_is_named_and_the_others_are_taken() {
    let (sandbox, hub) = start().await;
    let mut all = findings("2026-11-20T10:00:00Z", "failed");
    let mfa = all.iter_mut().find(|finding| finding.control == "root-mfa").unwrap();
    mfa.title = "x".repeat(SecurityFinding::MAX_TITLE + 1);
    let error = hub.import(&all).await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "securityhub:BatchImportFindings in eu-west-1 refused 1 of {} findings: {MFA} (InvalidInput: Finding does not \
             adhere to Amazon Finding Format. data.Title should NOT be longer than 256 characters.)",
            CHECKLIST.len()
        )
    );
    assert_eq!(sandbox.security_findings().len(), CHECKLIST.len() - 1);
}

#[tokio::test]
async fn security_hub_of_another_account_or_region_refuses() {
    let (sandbox, _) = start().await;
    let config = sandbox.sdk_config(&Limits { attempts: 1, ..Limits::default() }).await;
    for (account, region) in [("444455556666", "eu-west-1"), ("111122223333", "us-east-1")] {
        let hub = SecurityHub::new(&config, AccountId::parse(account).unwrap(), region, Partition::Aws);
        let error = hub.import(&findings("2026-11-20T10:00:00Z", "failed")).await.unwrap_err();
        assert!(error.to_string().contains("data.ProductArn should be that of the caller"), "{error}");
    }
}

/// Every limit that the adapter's own type keeps us from meeting, by the SDK itself.
#[tokio::test]
async fn what_the_format_does_not_allow_is_refused() {
    let (sandbox, hub) = start().await;
    hub.import(&findings("2026-11-20T10:00:00Z", "failed")).await.unwrap();
    let config = sandbox.sdk_config(&Limits { attempts: 1, ..Limits::default() }).await;
    let client = aws_sdk_securityhub::Client::new(&config);
    let empty = client.batch_import_findings().set_findings(Some(Vec::new())).send().await.unwrap_err();
    assert!(empty.as_service_error().unwrap().is_invalid_input_exception());
    let bare = AwsSecurityFinding::builder().id("1").resources(Resource::builder().r#type("Other").id("a").build());
    let many = client.batch_import_findings().set_findings(Some(vec![bare.clone().build(); 101]));
    assert!(many.send().await.unwrap_err().as_service_error().unwrap().is_invalid_input_exception());
    let answer = client.batch_import_findings().findings(bare.build()).send().await.unwrap();
    assert_eq!((answer.failed_count(), answer.success_count()), (Some(1), Some(0)));
    let message = answer.failed_findings()[0].error_message().unwrap();
    assert!(message.contains("should have required property 'SchemaVersion'"), "{message}");
}
