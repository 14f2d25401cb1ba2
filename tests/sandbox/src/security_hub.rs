//! Security Hub, as far as findings are imported. It refuses what the AWS Security Finding Format does not allow,
//! finding by finding (<https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>),
//! and keeps the others by their ids.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::fault::ServiceError;
use crate::server::State;

const MAX_FINDINGS: usize = 100;
const MAX_FINDING: usize = 240_000;
const MAX_BATCH: usize = 6_000_000;
/// What a provider cannot change once the finding is there.
const OF_THE_CUSTOMER: [&str; 4] = ["Note", "UserDefinedFields", "VerificationState", "Workflow"];
const NAMESPACES: [&str; 5] =
    ["Software and Configuration Checks", "TTPs", "Effects", "Unusual Behaviors", "Sensitive Data Identifications"];
const LABELS: &[&str] = &["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"];

/// Fields with the most characters of their texts; `0`: no text, and looked at for itself.
const FIELDS: &[(&str, usize)] = &[
    ("SchemaVersion", 10),
    ("Id", 512),
    ("ProductArn", 2_048),
    ("ProductName", 128),
    ("CompanyName", 128),
    ("GeneratorId", 512),
    ("AwsAccountId", 12),
    ("CreatedAt", 64),
    ("UpdatedAt", 64),
    ("Title", 256),
    ("Description", 1_024),
    ("FindingProviderFields", 0),
    ("Compliance", 0),
    ("RecordState", 8),
    ("Resources", 0),
    ("Remediation", 0),
    ("ProductFields", 0),
];
const NEEDED: &[&str] = &[
    "SchemaVersion",
    "Id",
    "ProductArn",
    "GeneratorId",
    "AwsAccountId",
    "CreatedAt",
    "UpdatedAt",
    "Title",
    "Description",
    "Resources",
    "FindingProviderFields",
];

/// `BatchImportFindings`.
pub(crate) fn import(state: &mut State, region: &str, body: &[u8]) -> Result<Value, ServiceError> {
    state.check_enabled(region)?;
    let invalid = |what: String| ServiceError::new(400, "InvalidInputException", what);
    let request: Value = serde_json::from_slice(body).map_err(|error| invalid(format!("no JSON: {error}")))?;
    let findings = request.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.get("Findings"));
    let findings = findings.and_then(Value::as_array).ok_or_else(|| invalid("Findings alone is expected".into()))?;
    if !(1..=MAX_FINDINGS).contains(&findings.len()) || body.len() > MAX_BATCH {
        return Err(invalid(format!("{} findings in {} bytes are too few or too many", findings.len(), body.len())));
    }
    let mut failed = Vec::new();
    for finding in findings {
        let id = finding["Id"].as_str().unwrap_or_default().to_owned();
        match check(finding, &state.story.account, region) {
            Ok(updated_at) => keep(state, id, updated_at, finding),
            Err(what) => {
                let message = format!("Finding does not adhere to Amazon Finding Format. data{what}.");
                failed.push(json!({"Id": id, "ErrorCode": "InvalidInput", "ErrorMessage": message}));
            }
        }
    }
    let (failures, taken) = (failed.len(), findings.len() - failed.len());
    state.imports.push(request);
    Ok(json!({"FailedCount": failures, "SuccessCount": taken, "FailedFindings": failed}))
}

/// What is not younger than what is there is ignored; what the customer did stays.
fn keep(state: &mut State, id: String, updated_at: Timestamp, finding: &Value) {
    let there = state.security_findings.get(&id);
    let known = there.and_then(|there| there["UpdatedAt"].as_str()?.parse().ok());
    if known.is_some_and(|known: Timestamp| updated_at <= known) {
        return;
    }
    let mut finding = finding.clone();
    finding["Workflow"] = json!({"Status": "NEW"});
    for field in OF_THE_CUSTOMER {
        if let Some(value) = there.and_then(|there| there.get(field)) {
            finding[field] = value.clone();
        }
    }
    state.security_findings.insert(id, finding);
}

/// When it was updated, or what is wrong with it.
fn check(finding: &Value, account: &str, region: &str) -> Result<Timestamp, String> {
    let fields = finding.as_object().ok_or(" should be object")?;
    let size = finding.to_string().len();
    if size > MAX_FINDING {
        return Err(format!(" should NOT be larger than 240 KB, not {size} bytes"));
    }
    for needed in NEEDED {
        if !fields.contains_key(*needed) {
            return Err(format!(" should have required property '{needed}'"));
        }
    }
    for (name, value) in fields {
        let known = FIELDS.iter().find(|(field, _)| field == name);
        let (_, most) = known.ok_or_else(|| format!(" should NOT have additional property '{name}'"))?;
        if *most > 0 {
            text(value, *most).map_err(|what| format!(".{name} {what}"))?;
        }
    }
    let product = format!(":securityhub:{region}:{account}:product/{account}/default");
    let arn = finding["ProductArn"].as_str().unwrap_or_default();
    if !(arn.starts_with("arn:aws") && arn.ends_with(&product)) || finding["AwsAccountId"] != *account {
        return Err(".ProductArn should be that of the caller".into());
    }
    one_of(&finding["SchemaVersion"], &["2018-10-08"]).map_err(|what| format!(".SchemaVersion {what}"))?;
    if let Some(state) = fields.get("RecordState") {
        one_of(state, &["ACTIVE", "ARCHIVED"]).map_err(|what| format!(".RecordState {what}"))?;
    }
    provider_fields(&finding["FindingProviderFields"])?;
    resources(&finding["Resources"])?;
    compliance(fields.get("Compliance"))?;
    remediation(fields.get("Remediation"))?;
    product_fields(fields.get("ProductFields"))?;
    time(&finding["CreatedAt"]).ok_or(".CreatedAt should be a date-time")?;
    time(&finding["UpdatedAt"]).ok_or_else(|| ".UpdatedAt should be a date-time".to_owned())
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// Text that is not blank, of at most so many bytes: stricter than characters.
fn text(value: &Value, most: usize) -> Result<(), String> {
    let text = value.as_str().ok_or("should be string")?;
    if text.trim().is_empty() {
        return Err("should NOT be shorter than 1 characters".into());
    }
    if text.len() > most {
        return Err(format!("should NOT be longer than {most} characters"));
    }
    if text.contains(char::is_control) {
        return Err("should be printable here, although Security Hub does not say so".into());
    }
    Ok(())
}

fn one_of(value: &Value, allowed: &[&str]) -> Result<(), String> {
    let is_allowed = value.as_str().is_some_and(|value| allowed.contains(&value));
    if is_allowed { Ok(()) } else { Err("should be equal to one of the allowed values".into()) }
}

/// The fields of `value`, of which each is one of `allowed`.
fn object<'a>(at: &str, value: &'a Value, allowed: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let fields = value.as_object().ok_or_else(|| format!("{at} should be object"))?;
    match fields.keys().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => Err(format!("{at} should NOT have additional property '{name}'")),
        None => Ok(fields),
    }
}

fn list<'a>(at: &str, value: &'a Value, most: usize) -> Result<&'a [Value], String> {
    let entries = value.as_array().ok_or_else(|| format!("{at} should be array"))?;
    if entries.len() > most {
        return Err(format!("{at} should NOT have more than {most} items"));
    }
    Ok(entries)
}

fn provider_fields(value: &Value) -> Result<(), String> {
    let at = ".FindingProviderFields";
    object(at, value, &["Severity", "Types"])?;
    object(&format!("{at}.Severity"), &value["Severity"], &["Label"])?;
    one_of(&value["Severity"]["Label"], LABELS).map_err(|what| format!("{at}.Severity.Label {what}"))?;
    let types = list(&format!("{at}.Types"), &value["Types"], 50)?;
    let is_of_the_taxonomy = |kind: &Value| {
        let mut parts = kind.as_str().unwrap_or_default().split('/');
        parts.next().is_some_and(|namespace| NAMESPACES.contains(&namespace)) && parts.count() <= 2
    };
    if types.is_empty() || !types.iter().all(is_of_the_taxonomy) {
        return Err(format!("{at}.Types should match pattern of the taxonomy"));
    }
    Ok(())
}

fn resources(value: &Value) -> Result<(), String> {
    let entries = list(".Resources", value, 32)?;
    if entries.is_empty() {
        return Err(".Resources should NOT have fewer than 1 items".into());
    }
    for (number, entry) in entries.iter().enumerate() {
        let at = format!(".Resources[{number}]");
        object(&at, entry, &["Type", "Id", "Partition"])?;
        text(&entry["Type"], 256).map_err(|what| format!("{at}.Type {what}"))?;
        text(&entry["Id"], 512).map_err(|what| format!("{at}.Id {what}"))?;
        one_of(&entry["Partition"], &["aws", "aws-cn", "aws-us-gov"])
            .map_err(|what| format!("{at}.Partition {what}"))?;
    }
    Ok(())
}

fn compliance(value: Option<&Value>) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    let fields = object(".Compliance", value, &["Status", "RelatedRequirements"])?;
    one_of(&value["Status"], &["PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"])
        .map_err(|what| format!(".Compliance.Status {what}"))?;
    let at = ".Compliance.RelatedRequirements";
    let requirements = fields.get("RelatedRequirements").map(|value| list(at, value, 32)).transpose()?;
    for requirement in requirements.unwrap_or_default() {
        text(requirement, 64).map_err(|what| format!("{at} {what}"))?;
    }
    Ok(())
}

fn remediation(value: Option<&Value>) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    let at = ".Remediation.Recommendation";
    object(".Remediation", value, &["Recommendation"])?;
    let fields = object(at, &value["Recommendation"], &["Text", "Url"])?;
    text(&value["Recommendation"]["Text"], 512).map_err(|what| format!("{at}.Text {what}"))?;
    if fields.get("Url").is_some_and(|url| !url.as_str().unwrap_or_default().starts_with("https://")) {
        return Err(format!("{at}.Url should match format \"uri\""));
    }
    Ok(())
}

fn product_fields(value: Option<&Value>) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    let fields = value.as_object().ok_or(".ProductFields should be object")?;
    if fields.len() > 50 {
        return Err(".ProductFields should NOT have more than 50 properties".into());
    }
    for (name, value) in fields {
        if name.is_empty() || name.len() > 128 {
            return Err(".ProductFields should NOT have names longer than 128 characters".into());
        }
        text(value, 2_048).map_err(|what| format!(".ProductFields['{name}'] {what}"))?;
    }
    Ok(())
}
