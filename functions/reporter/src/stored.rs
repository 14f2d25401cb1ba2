//! A stored report, whatever version of rootwatch wrote it: what can be read is shown, what cannot be read is said.

use std::collections::{BTreeMap, BTreeSet};

use alerts::{Acknowledged, Acknowledgement};
use checklist::declarations::Declarations;
use checklist::report::Score;
use checklist::source_state::SourceState;
use checklist::users::User;
use checklist::{Finding, Refused, Settings, Summary};
use facts::call::Call;
use facts::root_activity::Plan;
use facts::{Account, RootActivity};
use jiff::Timestamp;
use messages::answer::Previous;
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The schema of the reports that this version writes.
pub const SCHEMA: &str = "rootwatch.report/1";

/// A report, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    /// The schema that it names; empty where it names none.
    pub schema: String,
    /// The version that evaluated the account.
    pub version: String,
    /// The account; `None`: the report does not name it.
    pub account: Option<Account>,
    /// When the reading began; `None`: the report does not say.
    pub taken_at: Option<Timestamp>,
    /// What was chosen that changes verdicts, by name.
    pub settings: Map<String, Value>,
    /// Each source with its age, or why it could not be read.
    pub sources: Vec<SourceState>,
    /// Start of the span of which root events were read.
    pub root_events_since: Option<Timestamp>,
    /// How many controls pass.
    pub score: Option<Score>,
    /// What fails first, the worst at the top.
    pub findings: Vec<Finding>,
    /// Ids of the controls that were not chosen.
    pub left_out: Vec<String>,
    /// Root activity: most severe first, then newest.
    pub root_activity: Vec<RootActivity>,
    /// IAM users that a finding names.
    pub users: Vec<User>,
    /// How many IAM users the account has.
    pub users_in_account: Option<usize>,
    /// Whether a subscription is confirmed; `None`: there is no topic, or it could not be read.
    pub subscribed: Option<bool>,
    /// Exceptions and attestations.
    pub declarations: Declarations,
    /// Settings that could not be read.
    pub refused_settings: Vec<Refused>,
    /// Planned uses of root.
    pub plans: Vec<Plan>,
    /// The calls that it rests on.
    pub calls: Vec<Call>,
    /// How many of a field's entries were left out, by the field's name.
    pub cut: BTreeMap<String, usize>,
    /// The report before it.
    pub previous: Option<Previous>,
    /// The check read everything that it must, and sent every alert.
    pub complete: bool,
    /// The check was asked for fewer Regions or a shorter look-back than is configured.
    pub is_narrow: bool,
    /// How many alerts are not sent yet; `None`: the report does not say.
    pub unsent: Option<usize>,
    /// Open alerts that a person acknowledged; empty also where the report has no such field, as those of earlier versions.
    pub acknowledged: Vec<Acknowledged>,
    /// What could not be read of it, one sentence each.
    pub missing: Vec<String>,
    /// The fields that are there and could be read.
    pub fields: BTreeSet<&'static str>,
}

impl Stored {
    /// What can be read of `report`.
    pub fn read(report: &Value) -> Self {
        let mut missing = Vec::new();
        let Some(fields) = report.as_object() else {
            return Self {
                missing: vec!["The report is not a JSON object: nothing in it can be shown.".into()],
                ..Self::default()
            };
        };
        let schema = fields.get("schema").and_then(Value::as_str).unwrap_or_default().to_owned();
        if schema.is_empty() {
            missing.push(format!("The report names no schema. It is read as one of `{SCHEMA}`."));
        } else if schema != SCHEMA {
            missing.push(format!(
                "The report has schema `{}`, this page reads `{SCHEMA}`: newer fields are not shown.",
                facts::text::bounded(&schema)
            ));
        }
        let mut reader = Reader { fields, missing, absent: Vec::new(), read: BTreeSet::new() };
        let is_narrow = reader.field("is_narrow");
        if is_narrow {
            let what = "This check read fewer Regions or a shorter time than configured: root activity beyond that is not shown.";
            reader.missing.push(what.into());
        }
        let stored = Self {
            schema,
            version: reader.field("version"),
            account: reader.field("account"),
            taken_at: reader.field("taken_at"),
            settings: reader.field("settings"),
            sources: reader.list("sources"),
            root_events_since: reader.field("root_events_since"),
            score: reader.field("score"),
            findings: reader.list("findings"),
            left_out: reader.list("left_out"),
            root_activity: reader.list("root_activity"),
            users: reader.list("users"),
            users_in_account: reader.field("users_in_account"),
            subscribed: reader.field("subscribed"),
            declarations: reader.field("declarations"),
            refused_settings: reader.list("refused_settings"),
            plans: reader.list("plans"),
            calls: reader.list("calls"),
            cut: reader.field("cut"),
            previous: reader.field("previous"),
            complete: reader.field("complete"),
            // Earlier versions used another name.
            unsent: reader.renamed(&["unsent", "untold"]),
            // `null` where the state table could not be read.
            acknowledged: if fields.get("acknowledged").is_some_and(Value::is_array) {
                reader.list("acknowledged")
            } else {
                Vec::new()
            },
            is_narrow,
            missing: Vec::new(),
            fields: std::mem::take(&mut reader.read),
        };
        Self { missing: reader.missing(), ..stored }
    }

    /// The settings by which the findings were evaluated; `None`: the report does not say, or this version has more settings.
    pub fn evaluated_by(&self) -> Option<Settings> {
        Settings::deserialize(&self.settings).ok()
    }

    /// The check in one sentence.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::of(&self.findings, &self.sources, self.subscribed, self.is_narrow);
        if summary.is_complete() && !self.complete {
            summary.others.push("the check was not complete".to_owned());
        }
        if !self.missing.is_empty() && !self.is_narrow {
            summary.others.push("a part of the report cannot be read".to_owned());
        }
        summary
    }

    /// The acknowledgement of an open finding of `control`.
    pub fn acknowledgement(&self, control: &str) -> Option<&Acknowledgement> {
        let of_it = self.acknowledged.iter().filter(|given| given.condition.control() == Some(control));
        of_it.map(|given| &given.acknowledgement).max_by_key(|given| given.until)
    }

    /// Whether the report has `field`, be it that there is nothing.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains(field)
    }
}

struct Reader<'a> {
    fields: &'a Map<String, Value>,
    missing: Vec<String>,
    absent: Vec<String>,
    read: BTreeSet<&'static str>,
}

impl Reader<'_> {
    /// What is not there in one sentence, after what cannot be read.
    fn missing(mut self) -> Vec<String> {
        if !self.absent.is_empty() {
            self.missing.push(format!("The report lacks {}.", self.absent.join(", ")));
        }
        self.missing
    }

    /// The field that has one of `names`, the newest of them first.
    fn renamed<T: DeserializeOwned + Default>(&mut self, names: &[&'static str]) -> T {
        let present = names.iter().find(|name| self.fields.contains_key(**name));
        present.or(names.first()).map(|name| self.field(name)).unwrap_or_default()
    }

    /// `null` is an absence, and no fault.
    fn field<T: DeserializeOwned + Default>(&mut self, name: &'static str) -> T {
        let read = match self.fields.get(name) {
            None => {
                self.absent.push(format!("`{name}`"));
                return T::default();
            }
            Some(Value::Null) => Ok(T::default()),
            Some(value) => T::deserialize(value),
        };
        if read.is_ok() {
            self.read.insert(name);
        } else {
            self.missing.push(format!("`{name}` of the report cannot be read."));
        }
        read.unwrap_or_default()
    }

    /// Entry by entry: one that cannot be read hides no other.
    fn list<T: DeserializeOwned>(&mut self, name: &'static str) -> Vec<T> {
        let entries: Vec<Value> = self.field(name);
        let read: Vec<T> = entries.iter().filter_map(|entry| T::deserialize(entry).ok()).collect();
        let unread = entries.len() - read.len();
        if unread > 0 {
            let (of, are) = if unread == 1 { ("entry", "is") } else { ("entries", "are") };
            self.missing.push(format!("{unread} {of} of `{name}` cannot be read by this version and {are} not shown."));
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every field of the answer that is read, empty.
    fn empty() -> Value {
        json!({
            "schema": SCHEMA, "version": "0.1.0", "settings": {}, "account": {"id": "111122223333", "alias": null, "partition": "aws"},
            "taken_at": "2026-11-20T10:00:00Z", "sources": [], "root_events_since": "2026-11-19T10:00:00Z", "score": null, "findings": [],
            "left_out": [], "root_activity": [], "users": [], "users_in_account": null, "subscribed": true, "is_narrow": false, "declarations": {"exceptions": [], "attestations": []},
            "refused_settings": [], "calls": [], "plans": [], "cut": {}, "previous": null, "complete": true, "unsent": 0,
        })
    }

    fn missing(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut report = empty();
        change(&mut report);
        Stored::read(&report).missing
    }

    #[test]
    fn nothing_is_missing_of_a_report_that_has_every_field_and_null_is_an_absence() {
        let report = Stored::read(&empty());
        assert_eq!(report.missing, [""; 0]);
        assert!(report.complete && report.account.is_some() && report.score.is_none());
        assert!(report.has("previous") && report.previous.is_none(), "that there is none is a fact");
    }

    #[test]
    fn each_field_that_is_not_there_or_of_another_type_is_said_and_hides_no_other() {
        let Value::Object(fields) = empty() else { panic!("an object") };
        for name in fields.keys().filter(|name| *name != "schema") {
            let without = missing(|report| drop(report.as_object_mut().unwrap().shift_remove(name)));
            assert_eq!(without, [format!("The report lacks `{name}`.")]);
            let spoiled = missing(|report| report[name.as_str()] = json!(17.5));
            assert_eq!(spoiled, [format!("`{name}` of the report cannot be read.")]);
            let mut report = empty();
            report[name.as_str()] = json!(17.5);
            assert!(!Stored::read(&report).has(name) && Stored::read(&empty()).has(name), "{name}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_hides_no_other() {
        let call = json!({"operation": "IAM.GetUser", "region": "us-east-1", "request_id": null, "at": "2026-11-20T10:00:00Z", "status": 200});
        let mut report = empty();
        report["calls"] = json!([{"newer": true}, call, 7]);
        let report = Stored::read(&report);
        assert_eq!(report.calls.len(), 1);
        assert_eq!(report.missing, ["2 entries of `calls` cannot be read by this version and are not shown."]);
    }

    #[test]
    fn a_report_of_an_earlier_version_has_other_names_for_what_is_not_sent_and_no_acknowledgements() {
        let mut earlier = empty();
        earlier.as_object_mut().unwrap().shift_remove("unsent");
        earlier["untold"] = json!(3);
        let report = Stored::read(&earlier);
        assert_eq!((report.unsent, report.missing.len(), report.acknowledged.len()), (Some(3), 0, 0));
    }

    #[test]
    fn an_acknowledgement_is_that_of_its_control() {
        let mut report = empty();
        let given = |fault: &str, control: &str, until: &str| {
            json!({"alert": format!("111122223333/{control}/1"), "condition": {"fault": fault, "control": control},
                "acknowledgement": {"by": "alice", "note": null, "from": "2026-11-20T09:00:00Z", "until": until}})
        };
        report["acknowledged"] = json!([
            given("control", "root-mfa", "2026-11-21T09:00:00Z"),
            given("unjudged", "user-mfa", "2026-11-22T09:00:00Z"),
            {"of": "tomorrow"},
        ]);
        let report = Stored::read(&report);
        let until = |control: &str| report.acknowledgement(control).map(|given| given.until.to_string());
        assert_eq!(until("root-mfa").as_deref(), Some("2026-11-21T09:00:00Z"));
        assert_eq!(until("user-mfa").as_deref(), Some("2026-11-22T09:00:00Z"));
        assert_eq!((until("federation"), until("root-access-keys")), (None, None));
        assert_eq!(report.missing, ["1 entry of `acknowledged` cannot be read by this version and is not shown."]);
    }

    #[test]
    fn a_newer_schema_and_a_narrow_run_are_said() {
        let newer = missing(|report| report["schema"] = json!("rootwatch.report/2"));
        assert_eq!(
            newer,
            [
                "The report has schema `rootwatch.report/2`, this page reads `rootwatch.report/1`: newer fields are not shown."
            ]
        );
        let narrow = missing(|report| report["is_narrow"] = json!(true));
        assert!(narrow.len() == 1 && narrow[0].starts_with("This check read fewer Regions"), "{narrow:?}");
    }

    #[test]
    fn what_is_no_object_is_said_and_nothing_of_it_is_shown() {
        for report in [json!(null), json!([1]), json!("x"), json!(7)] {
            let report = Stored::read(&report);
            assert_eq!(report.missing, ["The report is not a JSON object: nothing in it can be shown."]);
            assert!(!report.complete && report.findings.is_empty());
        }
    }
}
