//! Compliance Findings of the Open Cybersecurity Schema Framework
//! (<https://schema.ocsf.io/1.8.0/classes/compliance_finding>).

use checklist::{Finding, Framework};
use facts::severity::Severity;
use facts::{Account, Evidence, Status};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Evaluated, ExportError, Format, evaluated};
use crate::stored::Stored;

/// The schema that is written.
pub const VERSION: &str = "1.8.0";

/// A JSON array with a finding a control. A report without findings is an empty one.
///
/// # Errors
/// When there are findings, and the report names no account or no time: a finding needs both.
pub fn write(report: &Stored) -> Result<String, ExportError> {
    let failed = |reason: &str| Format::Ocsf.failed(reason);
    if report.findings.is_empty() {
        return Ok("[]\n".into());
    }
    let account = report.account.as_ref().ok_or_else(|| failed("it names no account"))?;
    let taken_at = report.taken_at.ok_or_else(|| failed("it does not say when it was taken"))?;
    let findings: Vec<Value> =
        evaluated(report).map(|evaluated| compliance_finding(&evaluated, account, taken_at, &report.version)).collect();
    let text = serde_json::to_string_pretty(&findings).map_err(|error| Format::Ocsf.failed(error))?;
    Ok(text + "\n")
}

fn compliance_finding(evaluated: &Evaluated<'_>, account: &Account, taken_at: Timestamp, version: &str) -> Value {
    let (finding, control) = (evaluated.finding, evaluated.control);
    let (status_id, status) = status(evaluated);
    let time = taken_at.as_millisecond();
    json!({
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        // An export knows nothing of the one before it, so each run's finding is one that is made: what was there
        // before, and what is resolved, a receiver sees by `finding_info.uid`, which stays the same.
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": 200_301,
        "type_name": "Compliance Finding: Create",
        "time": time,
        "severity_id": severity_id(finding.severity),
        "severity": severity(finding.severity),
        "status_id": status_id,
        "status": status,
        "status_detail": evaluated.exceptions(),
        "message": evaluated.reason(),
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": "rootwatch", "vendor_name": "rootwatch", "version": version},
            "uid": format!("rootwatch/{}/{}/{taken_at}", account.id, control.id),
            "event_code": control.id,
            "tenant_uid": account.id,
        },
        // Without a Region: the whole account is evaluated.
        "cloud": {
            "provider": "AWS",
            "cloud_partition": account.partition,
            "account": account_object(account),
        },
        "finding_info": {
            "uid": format!("rootwatch/{}/{}", account.id, control.id),
            "title": control.title,
            "desc": control.rationale,
            "types": [evaluated.place()],
            // No `created_time`: an export does not know since when, and the uid stays from run to run.
            "last_seen_time": time,
            "data_sources": finding.judged_by.keys().map(ToString::to_string).collect::<Vec<_>>(),
            "src_url": control.references.first().map(|reference| reference.url),
            "analytic": {"type_id": 1, "type": "Rule", "uid": control.id, "name": control.title, "version": version},
        },
        "compliance": compliance(evaluated),
        "resources": resources(evaluated, account),
        "remediation": {
            "desc": format!("{}{}", evaluated.console_steps(), commands(evaluated)),
            "references": control.references.iter().map(|reference| reference.url).collect::<Vec<_>>(),
        },
        "evidences": evidences(finding),
        "unmapped": {
            "judged_by": finding.judged_by,
            "exceptions": finding.exceptions,
            "aws_config": evaluated.numbers(Framework::Config),
            "prowler": evaluated.numbers(Framework::Prowler),
        },
    })
}

fn evidences(finding: &Finding) -> Vec<Value> {
    let evidence = finding.evidence.iter();
    let data = |fact: &Evidence| json!({"source": fact.source, "value": fact.value, "as_of": fact.as_of});
    evidence.map(|fact| json!({"name": fact.fact, "data": data(fact)})).collect()
}

fn compliance(evaluated: &Evaluated<'_>) -> Value {
    let (status_id, status) = match evaluated.finding.status {
        Status::Passed => (1, "Pass"),
        Status::Failed => (3, "Fail"),
        // Neither a pass nor a failure: the owner has to make it readable.
        Status::Unknown => (2, "Warning"),
        Status::NotApplicable => (99, "Not applicable"),
    };
    let mut standards: Vec<String> = evaluated.requirements().map(|(standard, _)| standard.to_string()).collect();
    standards.dedup();
    json!({
        "control": evaluated.control.id,
        "category": evaluated.place(),
        "desc": evaluated.control.title,
        "standards": standards,
        "requirements": evaluated.requirements().map(|(of, number)| format!("{of}/{number}")).collect::<Vec<_>>(),
        "status_id": status_id,
        "status": status,
        "status_code": evaluated.finding.status,
        "status_details": [evaluated.reason()],
    })
}

/// What is to be done about the finding, by OCSF's numbers.
fn status(evaluated: &Evaluated<'_>) -> (u8, &'static str) {
    match evaluated.finding.status {
        Status::Failed | Status::Unknown if evaluated.finding.is_suppressed() => (3, "Suppressed"),
        Status::Failed | Status::Unknown => (1, "New"),
        // Not `Resolved`: it may never have been otherwise.
        Status::Passed | Status::NotApplicable => (99, "Nothing to do"),
    }
}

fn severity_id(severity: Severity) -> u8 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "Informational",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

fn account_object(account: &Account) -> Value {
    let mut object = json!({"uid": account.id, "type_id": 10, "type": "AWS Account"});
    if let (Some(alias), Some(object)) = (&account.alias, object.as_object_mut()) {
        object.insert("name".into(), json!(alias));
    }
    object
}

/// The account, then what is wrong in it by name.
fn resources(evaluated: &Evaluated<'_>, account: &Account) -> Vec<Value> {
    let partition = account.partition.as_str();
    let whole = json!({
        "uid": format!("AWS::::Account:{}", account.id), "name": account.to_string(), "type": "AwsAccount",
        "cloud_partition": partition, "role_id": 3, "role": "Affected",
    });
    let named = evaluated
        .finding
        .resources
        .iter()
        .map(|name| json!({"name": name, "cloud_partition": partition, "role_id": 3, "role": "Affected"}));
    [whole].into_iter().chain(named).collect()
}

fn commands(evaluated: &Evaluated<'_>) -> String {
    evaluated.commands().iter().map(|command| format!("\n{command}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{HOSTILE, finding, one_of_each, report, with};
    use super::*;

    fn read(report: &Stored) -> Vec<Value> {
        serde_json::from_str(&write(report).unwrap()).unwrap()
    }

    #[test]
    fn a_finding_a_control_with_the_status_that_ocsf_has_for_it() {
        let findings = read(&one_of_each());
        let of = |finding: &Value| {
            let compliance = &finding["compliance"];
            (compliance["control"].clone(), compliance["status_id"].clone(), finding["status_id"].clone())
        };
        let expected = [
            (json!("access-key-rotation"), json!(3), json!(1)),
            (json!("root-mfa"), json!(2), json!(1)),
            (json!("root-unused"), json!(3), json!(3)),
            (json!("root-access-keys"), json!(1), json!(99)),
            (json!("alert-path"), json!(99), json!(99)),
        ];
        assert_eq!(findings.iter().map(of).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_time_is_in_milliseconds_and_the_finding_keeps_its_id_from_run_to_run() {
        let first = read(&one_of_each()).remove(0);
        assert_eq!(first["time"], 1_795_169_100_250_i64);
        assert_eq!(first["finding_info"]["uid"], "rootwatch/111122223333/access-key-rotation");
        let later = Stored { taken_at: "2026-11-20T11:05:00Z".parse().ok(), ..one_of_each() };
        let later = read(&later).remove(0);
        assert_eq!(later["finding_info"]["uid"], first["finding_info"]["uid"]);
        assert!(first["finding_info"]["created_time"].is_null(), "it would move while the uid stays");
        assert_ne!(later["metadata"]["uid"], first["metadata"]["uid"]);
    }

    #[test]
    fn the_account_is_the_first_affected_resource_then_what_the_finding_names() {
        let first = read(&one_of_each()).remove(0);
        let names: Vec<&Value> = first["resources"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(names, ["acme-prod (111122223333)", "alice", "bob"]);
        assert_eq!(first["cloud"]["account"]["name"], "acme-prod");
    }

    #[test]
    fn a_severity_is_said_by_number_and_word() {
        let of = |severity: &str| {
            let finding = &read(&report(&[with(finding("root-mfa", "failed"), "severity", json!(severity))]))[0];
            (finding["severity_id"].as_u64().unwrap(), finding["severity"].as_str().unwrap().to_owned())
        };
        let said = ["informational", "low", "medium", "high", "critical"].map(of);
        let words = ["Informational", "Low", "Medium", "High", "Critical"].map(str::to_owned);
        assert_eq!(said.to_vec(), (1..).zip(words).collect::<Vec<_>>());
    }

    #[test]
    fn an_account_without_an_alias_has_no_name() {
        let mut report = one_of_each();
        report.account.as_mut().unwrap().alias = None;
        assert_eq!(
            read(&report)[0]["cloud"]["account"],
            json!({"uid": "111122223333", "type_id": 10, "type": "AWS Account"})
        );
    }

    #[test]
    fn requirements_and_standards_are_those_of_the_control() {
        let mfa = &read(&report(&[finding("root-mfa", "failed")]))[0]["compliance"];
        assert!(mfa["requirements"].as_array().unwrap().contains(&json!("CIS AWS Foundations 5.0/1.4")));
        let cis = ["3.0", "5.0", "6.0", "7.0"].map(|version| format!("CIS AWS Foundations {version}"));
        assert_eq!(mfa["standards"], json!([cis.as_slice(), &["Security Hub".to_owned()]].concat()));
    }

    #[test]
    fn hostile_text_comes_back_as_it_was_where_it_is_data() {
        for text in HOSTILE {
            let finding = with(finding("root-mfa", "failed"), "resources", json!([text]));
            assert_eq!(read(&report(&[finding]))[0]["resources"][1]["name"], *text);
        }
    }

    #[test]
    fn no_findings_are_an_empty_list_and_findings_of_no_account_or_no_time_an_error() {
        assert_eq!(write(&Stored::default()).unwrap(), "[]\n");
        let error = |report: &Stored| write(report).unwrap_err().to_string();
        let of_no_account = Stored { account: None, ..one_of_each() };
        assert_eq!(error(&of_no_account), "the report cannot be written as ocsf: it names no account");
        let of_no_time = Stored { taken_at: None, ..one_of_each() };
        assert_eq!(error(&of_no_time), "the report cannot be written as ocsf: it does not say when it was taken");
    }
}
