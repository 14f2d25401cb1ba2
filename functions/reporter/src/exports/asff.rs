//! Findings in the AWS Security Finding Format
//! (<https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>).

use std::collections::{BTreeMap, BTreeSet};

use aws::delivery::security_hub::{Compliance, RecordState, Resource, SecurityFinding};
use checklist::control::Control;
use checklist::finding::ControlId;
use checklist::{Framework, controls};
use facts::Status;
use jiff::Timestamp;
use pages::sheet::plain;

use super::{Evaluated, cut, evaluated};
use crate::stored::Stored;

/// The findings of the controls that `send` names, each with the instant since when it stands as it does, as far as
/// that is known; [`everything`] for all of them. Security Hub costs by the finding, so send what has changed, and
/// everything once a day: it forgets what is not updated for weeks.
///
/// What passes, does not apply or is left out is archived, which resolves it. An exception stays an active failure with fields that
/// say who answers for it until when: a workflow is set once and then the customer's, who may suppress by these fields
/// with an automation rule. Nothing without the time of the report.
pub fn findings(report: &Stored, send: &BTreeMap<ControlId, Timestamp>) -> Vec<SecurityFinding> {
    let Some(taken_at) = report.taken_at else { return Vec::new() };
    let sent = evaluated(report).filter_map(|evaluated| Some((send.get(evaluated.control.id)?, evaluated)));
    let left_out = report.left_out.iter().filter_map(|id| controls::control(id));
    let is_evaluated = |control: &Control| report.findings.iter().any(|finding| finding.control == control.id);
    let left_out = left_out.filter(|control| send.contains_key(control.id) && !is_evaluated(control));
    sent.map(|(since, evaluated)| finding(report, &evaluated, *since.min(&taken_at), taken_at))
        .chain(left_out.map(|control| disabled(report, control, taken_at)))
        .collect()
}

/// Every control of `report`, as if each stood as it does since now.
pub fn everything(report: &Stored) -> BTreeMap<ControlId, Timestamp> {
    let at = report.taken_at.into_iter();
    at.flat_map(|at| report.findings.iter().map(move |finding| (finding.control, at))).collect()
}

fn finding(report: &Stored, evaluated: &Evaluated<'_>, since: Timestamp, taken_at: Timestamp) -> SecurityFinding {
    let (finding, control) = (evaluated.finding, evaluated.control);
    let (compliance, record) = match finding.status {
        Status::Passed => (Compliance::Passed, RecordState::Archived),
        Status::NotApplicable => (Compliance::NotAvailable, RecordState::Archived),
        Status::Failed => (Compliance::Failed, RecordState::Active),
        Status::Unknown => (Compliance::Warning, RecordState::Active),
    };
    let named = evaluated.finding.resources.iter().map(|name| plain(name)).filter(|name| !name.is_empty());
    let names: BTreeSet<String> = named.collect();
    let requirements = evaluated.requirements().map(|(standard, number)| format!("{standard}/{number}"));
    let requirements = requirements.map(|name| cut(&name, SecurityFinding::MAX_REQUIREMENT));
    SecurityFinding {
        control: control.id,
        title: cut(control.title, SecurityFinding::MAX_TITLE),
        description: cut(&format!("{} {}", evaluated.reason(), control.rationale), SecurityFinding::MAX_DESCRIPTION),
        severity: finding.severity,
        compliance,
        record,
        resources: names
            .iter()
            .take(SecurityFinding::MAX_RESOURCES)
            .map(|name| resource(report, evaluated, name))
            .collect(),
        remediation: cut(&evaluated.console_steps(), SecurityFinding::MAX_REMEDIATION),
        url: control.references.first().map(|reference| reference.url.to_owned()),
        requirements: requirements.take(SecurityFinding::MAX_REQUIREMENTS).collect(),
        fields: fields(report, evaluated, names.len()),
        created_at: since,
        updated_at: taken_at,
    }
}

/// Of a disabled control: whether it would fail is not known any more.
fn disabled(report: &Stored, control: &Control, taken_at: Timestamp) -> SecurityFinding {
    let fields = [("version", plain(&report.version)), ("status", "disabled".to_owned())];
    let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
    SecurityFinding {
        control: control.id,
        title: cut(control.title, SecurityFinding::MAX_TITLE),
        description: "rootwatch does not evaluate this control any more: it is disabled (parameter DisabledControls)."
            .into(),
        severity: control.severity,
        compliance: Compliance::NotAvailable,
        record: RecordState::Archived,
        resources: Vec::new(),
        remediation: "None while the control is disabled.".into(),
        url: control.references.first().map(|reference| reference.url.to_owned()),
        requirements: Vec::new(),
        fields: filled
            .map(|(name, value)| (format!("rootwatch/{name}"), cut(&value, SecurityFinding::MAX_FIELD)))
            .collect(),
        created_at: taken_at,
        updated_at: taken_at,
    }
}

/// A user where the report knows one of that name that this finding names. By name: a user's ARN has a path that is not
/// known here.
fn resource(report: &Stored, evaluated: &Evaluated<'_>, name: &str) -> Resource {
    let is_named = |controls: &[String]| controls.iter().any(|id| id == evaluated.control.id);
    let is_user = report.users.iter().any(|user| plain(&user.name) == name && is_named(&user.controls));
    Resource { kind: if is_user { "AwsIamUser" } else { "Other" }, name: cut(name, SecurityFinding::MAX_RESOURCE) }
}

/// What only we have. Without what is empty.
fn fields(report: &Stored, evaluated: &Evaluated<'_>, resources: usize) -> BTreeMap<String, String> {
    let finding = evaluated.finding;
    let left_out = resources.saturating_sub(SecurityFinding::MAX_RESOURCES);
    let evidence =
        finding.evidence.iter().map(|fact| plain(&format!("{}: {} = {}", fact.source, fact.fact, fact.value)));
    let fields = [
        ("place", evaluated.place()),
        ("AWS Config", evaluated.numbers(Framework::Config).join(", ")),
        ("Prowler", evaluated.numbers(Framework::Prowler).join(", ")),
        ("version", plain(&report.version)),
        ("status", finding.status.words().to_owned()),
        ("evidence", evidence.collect::<Vec<_>>().join("; ")),
        ("suppressed", if finding.is_suppressed() { "yes" } else { "no" }.to_owned()),
        ("exceptions", evaluated.exceptions()),
        ("resources left out", if left_out == 0 { String::new() } else { left_out.to_string() }),
    ];
    let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| (format!("rootwatch/{name}"), cut(&value, SecurityFinding::MAX_FIELD))).collect()
}

#[cfg(test)]
mod tests {
    use checklist::CHECKLIST;
    use serde_json::{Value, json};

    use super::super::tests::{HOSTILE, finding, one_of_each, report, with};
    use super::*;

    fn all(report: &Stored) -> Vec<SecurityFinding> {
        findings(report, &everything(report))
    }

    #[test]
    fn what_passes_or_does_not_apply_is_archived_and_what_fails_or_is_unknown_is_active() {
        let stands =
            all(&one_of_each()).iter().map(|one| (one.control, one.compliance, one.record)).collect::<Vec<_>>();
        let expected = [
            ("access-key-rotation", Compliance::Failed, RecordState::Active),
            ("root-mfa", Compliance::Warning, RecordState::Active),
            ("root-unused", Compliance::Failed, RecordState::Active),
            ("root-access-keys", Compliance::Passed, RecordState::Archived),
            ("alert-path", Compliance::NotAvailable, RecordState::Archived),
        ];
        assert_eq!(stands, expected);
    }

    #[test]
    fn only_what_is_asked_for_is_sent_and_since_when_is_never_later_than_the_report() {
        let report = one_of_each();
        let since: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        let sent = findings(&report, &BTreeMap::from([("root-mfa", since), ("root-unused", Timestamp::MAX)]));
        let times: Vec<_> = sent.iter().map(|one| (one.control, one.created_at)).collect();
        assert_eq!(times, [("root-mfa", since), ("root-unused", report.taken_at.unwrap())]);
        assert!(sent.iter().all(|one| Some(one.updated_at) == report.taken_at));
        assert_eq!(findings(&report, &BTreeMap::new()), []);
    }

    #[test]
    fn an_exception_has_fields_of_its_own_and_stays_a_failure() {
        let sent = all(&one_of_each());
        let field = |at: usize, name: &str| sent[at].fields.get(name).map(String::as_str);
        assert_eq!(field(2, "rootwatch/suppressed"), Some("yes"));
        let exceptions = "alice until 2027-03-01 00:00:00 UTC: the key is in the post";
        assert_eq!(field(2, "rootwatch/exceptions"), Some(exceptions));
        assert_eq!((field(0, "rootwatch/suppressed"), field(0, "rootwatch/exceptions")), (Some("no"), None));
    }

    #[test]
    fn a_user_is_one_where_the_report_names_one_for_this_control() {
        let user = |name: &str, control: &str| {
            json!({"name": name, "has_password": null, "has_mfa": null, "password_last_used": null, "access_keys": [],
                "groups": null, "controls": [control]})
        };
        let mut report = one_of_each();
        let users = json!([user("alice", "access-key-rotation"), user("bob", "user-mfa")]);
        report.users = serde_json::from_value(users).unwrap();
        let resources = all(&report).remove(0).resources;
        let kinds: Vec<_> = resources.iter().map(|one| (one.name.as_str(), one.kind)).collect();
        assert_eq!(kinds, [("alice", "AwsIamUser"), ("bob", "Other")]);
    }

    /// Everything as long as it comes, in characters of four bytes.
    fn overlong(control: &str) -> Value {
        let long = "\u{1f600}".repeat(2_000);
        let names: Vec<String> = (0..40).map(|number| format!("{number:02}{long}")).collect();
        let finding = with(finding(control, "failed"), "reason", json!(long));
        let evidence =
            json!([{"source": "account_summary", "fact": long, "value": long, "as_of": "2026-11-20T10:00:00Z"}]);
        with(with(finding, "resources", json!(names)), "evidence", evidence)
    }

    #[test]
    fn no_control_exceeds_a_limit_of_the_format_however_long_its_finding_is() {
        let findings: Vec<Value> = CHECKLIST.iter().map(|control| overlong(control.id)).collect();
        let sent = all(&report(&findings));
        assert_eq!(sent.len(), CHECKLIST.len());
        for one in &sent {
            assert!((1..=SecurityFinding::MAX_TITLE).contains(&one.title.len()));
            assert!((1..=SecurityFinding::MAX_DESCRIPTION).contains(&one.description.len()));
            assert!((1..=SecurityFinding::MAX_REMEDIATION).contains(&one.remediation.len()), "{}", one.control);
            assert_eq!(one.resources.len(), SecurityFinding::MAX_RESOURCES);
            assert!(one.resources.iter().all(|named| named.name.len() <= SecurityFinding::MAX_RESOURCE));
            assert!(one.requirements.len() <= SecurityFinding::MAX_REQUIREMENTS);
            let of_it = one.requirements.iter();
            assert!(of_it.clone().all(|name| name.len() <= SecurityFinding::MAX_REQUIREMENT && !name.ends_with('…')));
            assert!(
                one.fields.len() <= 50 && one.fields.values().all(|value| value.len() <= SecurityFinding::MAX_FIELD)
            );
            assert_eq!(one.fields["rootwatch/resources left out"], "9");
        }
    }

    #[test]
    fn hostile_names_are_plain_lines_and_one_of_nothing_is_left_out() {
        let finding = with(finding("root-mfa", "failed"), "resources", json!(HOSTILE));
        let sent = all(&report(&[finding])).remove(0);
        assert!(sent.resources.iter().all(|named| !named.name.is_empty() && named.name == plain(&named.name)));
        // Two are empty or the same once nothing hidden is in them.
        assert!((HOSTILE.len() - 3..HOSTILE.len()).contains(&sent.resources.len()), "{:?}", sent.resources);
    }

    #[test]
    fn a_disabled_control_is_archived_once_it_is_asked_for() {
        let report = Stored {
            left_out: vec!["user-mfa".into(), "federation".into(), "of-another-version".into()],
            ..one_of_each()
        };
        assert_eq!(all(&report).len(), 5, "not by itself");
        let at = report.taken_at.unwrap();
        let sent = findings(&report, &BTreeMap::from([("user-mfa", at), ("root-mfa", at)]));
        let stands: Vec<_> = sent.iter().map(|one| (one.control, one.compliance, one.record)).collect();
        let expected = [
            ("root-mfa", Compliance::Warning, RecordState::Active),
            ("user-mfa", Compliance::NotAvailable, RecordState::Archived),
        ];
        assert_eq!(stands, expected);
        assert_eq!(sent[1].fields["rootwatch/status"], "disabled");
    }

    #[test]
    fn a_report_without_a_time_sends_nothing() {
        let report = Stored { taken_at: None, ..one_of_each() };
        let send = everything(&one_of_each());
        assert_eq!((findings(&report, &send), everything(&report).len()), (Vec::new(), 0));
    }
}
