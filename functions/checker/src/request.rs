//! What an event asks for.

use alerts::{Acknowledge, AcknowledgeError, Acknowledgement};
use checklist::Framework;
use facts::record::TrailEvent;
use facts::root_activity::Plan;
use facts::{AccountId, Partition, text};
use function::check_regions;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// CloudTrail keeps 90 days of event history.
pub(crate) const MAX_LOOKBACK_HOURS: u16 = 90 * 24;

/// A run that is asked for; every field unset is what the schedule does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The account, if the event names one.
    pub account: Option<AccountId>,
    /// How far back root's events are looked up, 1 to 2160 hours.
    pub lookback_hours: Option<u16>,
    /// Regions to scan beside those that record sign-ins.
    pub regions: Option<Vec<String>>,
    /// Everything but writing and publishing.
    pub dry_run: bool,
    /// Planned root use, announced before.
    pub plan: Option<Plan>,
    /// An open alert is acknowledged: no reminders of it until the acknowledgement ends.
    pub acknowledge: Option<Acknowledge>,
    /// A test alert is wanted, and no check.
    pub test_alert: bool,
    /// The findings are wanted by the numbers of this framework too.
    pub framework: Option<Framework>,
    /// The schedule asks for it, no person does.
    pub is_scheduled: bool,
    /// The CloudTrail event that an EventBridge envelope carried.
    pub delivered: Option<TrailEvent>,
}

/// An event that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is not accepted: {fault}. Accepted are `{{}}`, an object with any of `lookback_hours` (1 to 2160), `regions` (a \
     list of Region codes), `dry_run` (true or false), `framework` (cis-3.0, cis-5.0, cis-6.0, cis-7.0, security-hub, aws-config or \
     prowler), `planned_root_use` (`from`, `to`, `ticket`, `by`) and `acknowledge` (`alert`, `by`, and optionally `hours`, 1 to 168, and \
     `note`), `{{\"test_alert\": true}}`, and the envelopes of EventBridge Scheduler and EventBridge"
)]
pub struct RequestError {
    fault: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDemand {
    lookback_hours: Option<u16>,
    regions: Option<Vec<String>>,
    #[serde(default)]
    dry_run: bool,
    framework: Option<Framework>,
    planned_root_use: Option<PlannedRootUse>,
    acknowledge: Option<Acknowledging>,
    #[serde(default)]
    test_alert: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlannedRootUse {
    from: Timestamp,
    to: Timestamp,
    ticket: String,
    by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledging {
    alert: String,
    by: String,
    hours: Option<u16>,
    note: Option<String>,
}

impl Acknowledging {
    fn check(self, now: Timestamp) -> Result<Acknowledge, AcknowledgeError> {
        let hours = self.hours.unwrap_or(Acknowledgement::DEFAULT_HOURS);
        Acknowledge::new(&self.alert, Acknowledgement::new(&self.by, self.note.as_deref(), hours, now)?)
    }
}

impl Request {
    /// Reads an event: on demand, or an envelope of EventBridge or EventBridge Scheduler, whatever its `detail`.
    ///
    /// # Errors
    /// Anything else, with what is accepted.
    pub fn parse(event: &Value, partition: Partition, now: Timestamp) -> Result<Self, RequestError> {
        let kind = match event {
            Value::Object(fields) if fields.contains_key("detail-type") && fields.contains_key("source") => {
                return Self::envelope(event);
            }
            Value::Object(_) => return Self::on_demand(event, partition, now),
            Value::Array(_) => "it is an array",
            Value::Null => "it is null",
            Value::String(_) => "it is a string",
            Value::Number(_) => "it is a number",
            Value::Bool(_) => "it is true or false",
        };
        Err(fault(kind))
    }

    fn envelope(event: &Value) -> Result<Self, RequestError> {
        let account = match event.get("account").and_then(Value::as_str) {
            Some(account) => Some(AccountId::parse(account).map_err(|error| fault(error.to_string()))?),
            None => None,
        };
        let delivered = event.get("detail").and_then(TrailEvent::from_record);
        let is_scheduled = event.get("detail-type").and_then(Value::as_str) == Some("Scheduled Event");
        Ok(Self { account, is_scheduled, delivered, ..Self::default() })
    }

    fn on_demand(event: &Value, partition: Partition, now: Timestamp) -> Result<Self, RequestError> {
        let OnDemand { lookback_hours, regions, dry_run, framework, planned_root_use, acknowledge, test_alert } =
            OnDemand::deserialize(event).map_err(|error| fault(text::bounded(&error.to_string())))?;
        let of_a_check = lookback_hours.is_some() || regions.is_some() || framework.is_some();
        if test_alert && (of_a_check || planned_root_use.is_some() || acknowledge.is_some()) {
            return Err(fault("`test_alert` checks and records nothing: no field but `dry_run` goes with it"));
        }
        if let Some(hours) = lookback_hours
            && !(1..=MAX_LOOKBACK_HOURS).contains(&hours)
        {
            return Err(fault(format!("lookback_hours is {hours}")));
        }
        if let Some(regions) = &regions {
            check_regions(regions, partition).map_err(fault)?;
        }
        let plan = planned_root_use
            .map(|PlannedRootUse { from, to, ticket, by }| Plan::new(from, to, &ticket, &by, now))
            .transpose()
            .map_err(|error| fault(error.to_string()))?;
        let acknowledge = acknowledge.map(|asked| asked.check(now)).transpose();
        let acknowledge = acknowledge.map_err(|error| fault(error.to_string()))?;
        Ok(Self { lookback_hours, regions, dry_run, plan, acknowledge, test_alert, framework, ..Self::default() })
    }
}

fn fault(fault: impl Into<String>) -> RequestError {
    RequestError { fault: fault.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(event: Value) -> Result<Request, RequestError> {
        Request::parse(&event, Partition::Aws, "2026-11-20T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_empty_object_asks_for_what_the_schedule_does() {
        assert_eq!(parse(json!({})), Ok(Request::default()));
    }

    #[test]
    fn an_on_demand_event_sets_what_it_names() {
        assert_eq!(
            parse(json!({"lookback_hours": 2160, "regions": ["eu-west-1"], "dry_run": true})),
            Ok(Request {
                lookback_hours: Some(2160),
                regions: Some(vec!["eu-west-1".into()]),
                dry_run: true,
                ..Request::default()
            })
        );
    }

    #[test]
    fn findings_are_wanted_by_the_numbers_of_a_framework_that_is_known() {
        let asked = parse(json!({"framework": "cis-5.0"})).unwrap();
        assert_eq!(asked, Request { framework: Some(Framework::Cis5), ..Request::default() });
        for framework in Framework::ALL {
            let error = parse(json!({"framework": "cis-9.0"})).unwrap_err().to_string();
            assert!(
                error.matches(framework.id()).count() == 2,
                "the fault and what is accepted name {framework}: {error}"
            );
        }
    }

    #[test]
    fn a_test_alert_is_asked_for_alone_or_as_a_dry_run() {
        let asked = Request { test_alert: true, ..Request::default() };
        assert_eq!(parse(json!({"test_alert": true})), Ok(asked.clone()));
        assert_eq!(parse(json!({"test_alert": true, "dry_run": true})), Ok(Request { dry_run: true, ..asked }));
        assert_eq!(
            parse(json!({"test_alert": false, "framework": "cis-5.0"})).unwrap().framework,
            Some(Framework::Cis5)
        );
    }

    fn planned(from: &str, to: &str) -> Value {
        json!({"planned_root_use": {"from": from, "to": to, "ticket": "CHG-7", "by": "alice"}})
    }

    #[test]
    fn a_planned_use_of_root_is_kept_with_who_answers_for_it() {
        let plan = parse(planned("2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z")).unwrap().plan.unwrap();
        assert_eq!((plan.ticket.as_str(), plan.by.as_str()), ("CHG-7", "alice"));
    }

    const OPEN: &str = "111122223333/root-access-keys/1";

    #[test]
    fn an_alert_is_acknowledged_by_a_person_for_a_day_or_as_long_as_they_say() {
        let given = |event: Value| parse(json!({"acknowledge": event})).unwrap().acknowledge.unwrap();
        let asked = given(json!({"alert": OPEN, "by": "alice"}));
        assert_eq!((asked.alert.as_str(), asked.acknowledgement.by.as_str()), (OPEN, "alice"));
        assert_eq!(asked.acknowledgement.note, None);
        assert_eq!(asked.acknowledgement.until.to_string(), "2026-11-21T10:00:00Z");
        let asked = given(json!({"alert": OPEN, "by": "alice\n", "hours": 168, "note": "n".repeat(10_000)}));
        assert_eq!(asked.acknowledgement.until.to_string(), "2026-11-27T10:00:00Z");
        assert_eq!(asked.acknowledgement.by, "alice");
        assert_eq!(asked.acknowledgement.note.unwrap().chars().count(), text::MAX_CHARS);
    }

    #[test]
    fn envelopes_of_scheduler_and_eventbridge_are_accepted_with_their_account() {
        let scheduler = json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler",
            "account": "111122223333", "detail": "{}"});
        let rule =
            json!({"detail-type": "Scheduled Event", "source": "aws.events", "account": "111122223333", "detail": {}});
        for envelope in [scheduler, rule] {
            let request = parse(envelope).unwrap();
            assert_eq!((request.account.unwrap().as_str(), request.delivered), ("111122223333", None));
        }
    }

    #[test]
    fn a_delivered_cloudtrail_event_is_kept() {
        let envelope = json!({"detail-type": "AWS Console Sign In via CloudTrail", "source": "aws.signin",
            "account": "111122223333", "detail": {"eventName": "ConsoleLogin", "eventID": "00000000-0000-4000-8000-000000000002"}});
        assert!(parse(envelope).unwrap().delivered.is_some());
    }

    #[test]
    fn ct_15_anything_else_is_an_error_that_names_what_is_accepted() {
        let faults = [
            (json!(null), "it is null"),
            (json!([]), "it is an array"),
            (json!("x"), "it is a string"),
            (json!(7), "it is a number"),
            (json!(true), "it is true or false"),
            (json!({"dryrun": true}), "unknown field `dryrun`"),
            (json!({"lookback_hours": 0}), "lookback_hours is 0"),
            (json!({"lookback_hours": 2161}), "lookback_hours is 2161"),
            (json!({"lookback_hours": -1}), "invalid value"),
            (json!({"lookback_hours": "24"}), "invalid type"),
            (json!({"dry_run": "yes"}), "invalid type"),
            (json!({"planned_root_use": {}}), "missing field `from`"),
            (planned("2026-11-20T11:00:00Z", "2026-11-20T19:00:01Z"), "at most 8 hours"),
            (planned("2026-11-20T09:00:00Z", "2026-11-20T11:00:00Z"), "announced before it begins"),
            (json!({"acknowledge": {"alert": OPEN}}), "missing field `by`"),
            (json!({"acknowledge": {"by": "alice"}}), "missing field `alert`"),
            (json!({"acknowledge": {"alert": OPEN, "by": "alice", "until": "x"}}), "unknown field `until`"),
            (json!({"acknowledge": {"alert": OPEN, "by": " \n"}}), "`by` is empty"),
            (json!({"acknowledge": {"alert": "", "by": "alice"}}), "`alert` is empty"),
            (json!({"acknowledge": {"alert": "x".repeat(256), "by": "alice"}}), "longer than 255 characters"),
            (json!({"acknowledge": {"alert": OPEN, "by": "alice", "hours": 0}}), "`hours` is 0"),
            (json!({"acknowledge": {"alert": OPEN, "by": "alice", "hours": 169}}), "`hours` is 169"),
            (json!({"test_alert": "yes"}), "invalid type"),
            (json!({"test_alert": true, "lookback_hours": 24}), "no field but `dry_run`"),
            (json!({"test_alert": true, "regions": ["eu-west-1"]}), "no field but `dry_run`"),
            (json!({"test_alert": true, "framework": "cis-5.0"}), "no field but `dry_run`"),
            (json!({"test_alert": true, "acknowledge": {"alert": OPEN, "by": "alice"}}), "no field but `dry_run`"),
            (json!({"regions": []}), "1 to 60"),
            (json!({"regions": ["evil.example/"]}), "`evil.example/` is not a Region code"),
            (json!({"regions": ["cn-north-1"]}), "of partition aws"),
            (json!({"detail-type": "x", "source": "y", "account": "12"}), "twelve digits"),
        ];
        for (event, expected) in faults {
            let error = parse(event.clone()).unwrap_err().to_string();
            assert!(error.contains(expected), "{event}: {error}");
            assert!(error.contains("Accepted are `{}`") && error.contains("dry_run"), "{error}");
        }
    }

    #[test]
    fn ct_15_a_large_event_makes_no_large_error() {
        let event = json!({"x".repeat(256 * 1024): 1});
        assert!(parse(event).unwrap_err().to_string().len() < 1_000);
    }
}
