//! Monitoring tampering: changes to CloudTrail's trails, which feed EventBridge, and to this stack itself, by any identity.
//!
//! The calls are those that would make rootwatch late or silent. Where an event names what was changed, only this stack's own
//! resources count; CloudFormation gives them names that begin with the stack's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::Account;
use crate::record::{Fields, TrailEvent, console_url};
use crate::severity::Severity;
use crate::text::bounded;

/// Who makes a stack's changes on behalf of another principal.
const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

/// One change to the monitoring. Texts are at most [`crate::text::MAX_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tampering {
    /// CloudTrail's id of the event, unique in the account; of a record that completes another one that one's.
    pub event_id: String,
    /// What was changed.
    pub target: Target,
    /// How bad it is.
    pub severity: Severity,
    /// When; `null` if the record does not say.
    pub time: Option<Timestamp>,
    /// Region that recorded it.
    pub region: String,
    /// Name of the call, as `StopLogging`.
    pub event_name: String,
    /// Service, as `cloudtrail.amazonaws.com`.
    pub event_source: String,
    /// Who: an ARN, or what else the record says.
    pub by: String,
    /// What it was done to, as far as the record names it.
    pub on: Option<String>,
    /// IP address or service name it came from.
    pub source_address: Option<String>,
    /// The program that made the call, by its own account.
    pub user_agent: Option<String>,
    /// Error code or message of a call that failed; `null` when it succeeded.
    pub error: Option<String>,
    /// Service that made the call on behalf of a principal.
    pub invoked_by: Option<String>,
    /// What CloudTrail added when it wrote the record a second time; `null`: it is the first one.
    pub completed: Option<String>,
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A CloudTrail trail: EventBridge hears of root only through one.
    Trail,
    /// A resource of this stack.
    Stack,
    /// An encryption key; a trail or a topic may need it.
    Key,
}

/// The calls that change the monitoring, by service: what they change, and how bad that is. Lambda appends a date to its names.
const CALLS: [(&str, Target, Severity, &[&str]); 24] = [
    ("cloudtrail.amazonaws.com", Target::Trail, Severity::Critical, &["DeleteTrail", "StopLogging"]),
    ("cloudtrail.amazonaws.com", Target::Trail, Severity::High, &["PutEventSelectors", "UpdateTrail"]),
    ("events.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteRule", "DisableRule", "RemoveTargets"]),
    ("events.amazonaws.com", Target::Stack, Severity::High, &["PutRule", "PutTargets"]),
    ("scheduler.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteSchedule"]),
    ("scheduler.amazonaws.com", Target::Stack, Severity::High, &["UpdateSchedule"]),
    ("lambda.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteEventSourceMapping", "DeleteFunction"]),
    (
        "lambda.amazonaws.com",
        Target::Stack,
        Severity::High,
        // By its EventInvokeConfig a function's answer is handed on.
        &[
            "DeleteFunctionEventInvokeConfig",
            "PutFunctionConcurrency",
            "PutFunctionEventInvokeConfig",
            "RemovePermission",
            "UpdateEventSourceMapping",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
            "UpdateFunctionEventInvokeConfig",
        ],
    ),
    ("sns.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteTopic", "Unsubscribe"]),
    (
        "sns.amazonaws.com",
        Target::Stack,
        Severity::High,
        &["RemovePermission", "SetSubscriptionAttributes", "SetTopicAttributes"],
    ),
    ("sqs.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteQueue", "PurgeQueue"]),
    ("sqs.amazonaws.com", Target::Stack, Severity::High, &["SetQueueAttributes"]),
    // The evidence. CloudTrail calls a new lifecycle so, whatever the API's version.
    ("s3.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteBucket"]),
    (
        "s3.amazonaws.com",
        Target::Stack,
        Severity::High,
        &[
            "DeleteBucketLifecycle",
            "DeleteBucketPolicy",
            "PutBucketLifecycle",
            "PutBucketPolicy",
            "PutBucketVersioning",
        ],
    ),
    ("dynamodb.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteTable"]),
    ("dynamodb.amazonaws.com", Target::Stack, Severity::High, &["UpdateTable", "UpdateTimeToLive"]),
    ("monitoring.amazonaws.com", Target::Stack, Severity::Critical, &["DeleteAlarms", "DisableAlarmActions"]),
    ("monitoring.amazonaws.com", Target::Stack, Severity::High, &["PutMetricAlarm"]),
    ("ssm.amazonaws.com", Target::Stack, Severity::High, &["DeleteParameter", "DeleteParameters", "PutParameter"]),
    (
        "iam.amazonaws.com",
        Target::Stack,
        Severity::High,
        &[
            "AttachRolePolicy",
            "DeleteRole",
            "DeleteRolePolicy",
            "DetachRolePolicy",
            "PutRolePermissionsBoundary",
            "PutRolePolicy",
            "UpdateAssumeRolePolicy",
        ],
    ),
    (
        "cloudformation.amazonaws.com",
        Target::Stack,
        Severity::Critical,
        &["DeleteStack", "DeleteStackInstances", "DeleteStackSet"],
    ),
    ("cloudformation.amazonaws.com", Target::Stack, Severity::High, &["UpdateStackInstances", "UpdateStackSet"]),
    ("cloudformation.amazonaws.com", Target::Stack, Severity::Medium, &["ExecuteChangeSet", "UpdateStack"]),
    ("kms.amazonaws.com", Target::Key, Severity::Medium, &["DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion"]),
];

/// The calls that change the monitoring: `eventSource` and `eventName`, the latter without the date that Lambda appends.
pub fn calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    CALLS.iter().flat_map(|(source, _, _, names)| names.iter().map(|name| (*source, *name)))
}

impl Tampering {
    /// Classifies `event`; `None` when it changed nothing of the monitoring in `account`. `own` is what names of this stack's
    /// resources begin with. The caller may be of another account.
    pub fn classify<'a>(event: &TrailEvent, account: &Account, own: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let record: Value = serde_json::from_str(event.record.as_deref()?).ok()?;
        let fields = Fields(&record);
        if fields.recipient().is_some_and(|recipient| recipient != account.id) {
            return None;
        }
        let touched = Touched::by(fields, own)?;
        let who = ["/userIdentity/arn", "/userIdentity/invokedBy", "/userIdentity/principalId", "/userIdentity/type"];
        Some(Self {
            event_id: fields.event_id()?,
            target: touched.target,
            severity: touched.severity,
            time: fields.text("/eventTime").and_then(|time| time.parse().ok()),
            region: fields.text("/awsRegion").unwrap_or_else(|| bounded(&event.region)),
            event_name: fields.text("/eventName").unwrap_or_default(),
            event_source: fields.text("/eventSource").unwrap_or_default(),
            by: who.iter().find_map(|pointer| fields.text(pointer)).unwrap_or_else(|| "not recorded".into()),
            on: touched.on,
            source_address: fields.text("/sourceIPAddress"),
            user_agent: fields.text("/userAgent"),
            error: fields.refusal(&fields.text("/eventName").unwrap_or_default()),
            invoked_by: fields.text("/userIdentity/invokedBy"),
            completed: fields.completed(),
        })
    }

    /// The event in the console.
    pub fn console_url(&self, account: &Account) -> Option<String> {
        console_url(&self.event_id, &self.region, account)
    }
}

/// What a record's call changed of the monitoring.
pub(crate) struct Touched {
    pub(crate) target: Target,
    pub(crate) severity: Severity,
    pub(crate) on: Option<String>,
}

impl Touched {
    pub(crate) fn by<'a>(fields: Fields, own: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let (source, name) = (fields.text("/eventSource")?, fields.text("/eventName")?);
        let (_, target, severity, _) =
            CALLS.iter().find(|(of, _, _, names)| *of == source && names.iter().any(|known| is_named(&name, known)))?;
        // A policy of another bucket or role may name a role or topic of this stack.
        let parts: &[&str] = match source.as_str() {
            "iam.amazonaws.com" => &["/requestParameters/roleName"],
            "s3.amazonaws.com" => &["/requestParameters/bucketName"],
            _ => &["/requestParameters", "/responseElements"],
        };
        let own = own.into_iter().find_map(|stack| {
            parts.iter().find_map(|part| fields.0.pointer(part).and_then(|part| resource_of(part, stack)))
        });
        let by_cloudformation = fields.text("/userIdentity/invokedBy").as_deref() == Some(CLOUDFORMATION);
        let on = match target {
            Target::Stack => Some(own?),
            Target::Trail => {
                fields.text("/requestParameters/name").or_else(|| fields.text("/requestParameters/trailName"))
            }
            // Other stacks' keys are changed by their deployments every day.
            Target::Key if by_cloudformation && own.is_none() => return None,
            Target::Key => own.or_else(|| fields.text("/requestParameters/keyId")),
        };
        // A deployment that changes this stack is reported by its own call; its parts weigh less.
        let severity = if by_cloudformation { severity.lowered() } else { *severity };
        // An attempt that AWS refused changed nothing, but it was attempted.
        let severity = if fields.refusal(&name).is_some() { severity.min(Severity::Medium) } else { severity };
        Some(Self { target: *target, severity, on })
    }
}

/// How much of a stack's name CloudFormation keeps at least where a name would become too long: 25 characters in names of up to 64,
/// by names that people have published (`nfe-frontend-serverless-d-CustomS3AutoDeleteObject-…`); AWS states no rule.
const KEPT: usize = 24;

/// The first text in `value` that names a resource of the stack: of a name, a path, an ARN or a URL one part is the stack's.
fn resource_of(value: &Value, stack: &str) -> Option<String> {
    match value {
        Value::String(text) => text.split([':', '/']).any(|part| is_own(part, stack)).then(|| bounded(text)),
        Value::Array(values) => values.iter().find_map(|value| resource_of(value, stack)),
        Value::Object(fields) => fields.values().find_map(|value| resource_of(value, stack)),
        _ => None,
    }
}

/// Whether `name` is the stack's, or begins with it, or with as much of it as CloudFormation keeps, and a hyphen. A bucket's name has no
/// capitals; the stacks of a stack set in other Regions have a name in front of its.
fn is_own(name: &str, stack: &str) -> bool {
    let begins = |name: &[u8]| {
        let pairs = name.iter().zip(stack.as_bytes());
        let shared = pairs.take_while(|(name, stack)| name.eq_ignore_ascii_case(stack)).count();
        let is_whole = shared == stack.len() && matches!(name.get(shared), None | Some(b'-'));
        is_whole || name.get(KEPT..=shared).is_some_and(|kept| kept.contains(&b'-'))
    };
    begins(name.as_bytes()) || name.strip_prefix("StackSet-").is_some_and(|name| begins(name.as_bytes()))
}

/// Whether `event_name` is `name`, or `name` with a date and a version, as Lambda has them (`DeleteFunction20150331`).
fn is_named(event_name: &str, name: &str) -> bool {
    event_name.strip_prefix(name).is_some_and(|rest| {
        let date: String = rest.chars().take_while(char::is_ascii_digit).collect();
        rest.is_empty() || (date.len() == 8 && rest.strip_prefix(&date).is_some_and(is_version))
    })
}

fn is_version(text: &str) -> bool {
    text.is_empty() || text.strip_prefix('v').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::account::{AccountId, Partition};

    fn account() -> Account {
        Account { id: AccountId::parse("111122223333").unwrap(), alias: None, partition: Partition::Aws }
    }

    fn event(record: &Value) -> TrailEvent {
        TrailEvent { record: Some(record.to_string()), ..TrailEvent::default() }
    }

    fn classify(source: &str, name: &str, parameters: Value) -> Option<Tampering> {
        classify_with(source, name, parameters, json!({}))
    }

    fn classify_with(source: &str, name: &str, parameters: Value, more: Value) -> Option<Tampering> {
        let mut record = json!({
            "eventID": "00000000-0000-4000-8000-000000000001",
            "eventTime": "2026-11-20T10:00:00Z",
            "eventSource": format!("{source}.amazonaws.com"),
            "eventName": name,
            "awsRegion": "eu-west-1",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Ops/mallory"},
            "requestParameters": parameters,
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Tampering::classify(&event(&record), &account(), Some("rootwatch"))
    }

    #[test]
    fn ct_18_whoever_stops_a_trail_is_told_of_whatever_its_name() {
        let seen = classify("cloudtrail", "StopLogging", json!({"name": "audit"})).unwrap();
        assert_eq!((seen.target, seen.severity), (Target::Trail, Severity::Critical));
        assert_eq!(
            (seen.by.as_str(), seen.on.as_deref()),
            ("arn:aws:sts::111122223333:assumed-role/Ops/mallory", Some("audit"))
        );
    }

    #[test]
    fn ct_18_every_call_of_the_list_on_a_resource_of_the_stack_is_told_of() {
        for (source, name) in calls() {
            let source = source.trim_end_matches(".amazonaws.com");
            let part = "rootwatch-Part-1ABC";
            let parameters = json!({"bucketName": part, "roleName": part, "it": ["x", {"name": part}]});
            let seen = classify(source, name, parameters);
            assert!(seen.is_some_and(|seen| seen.severity >= Severity::Medium), "{source} {name}");
        }
    }

    #[test]
    fn a_resource_of_the_stack_is_known_by_name_path_arn_or_url() {
        for own in [
            "rootwatch",
            "rootwatch-Topic-1ABC",
            "arn:aws:sns:eu-west-1:111122223333:rootwatch-Topic-1ABC:00000000-0000-4000-8000-000000000001",
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/rootwatch/00000000",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/rootwatch-EventsQueue-1ABC",
            "/rootwatch/slack-webhook",
        ] {
            assert!(classify("sns", "DeleteTopic", json!({"name": own})).is_some(), "{own}");
        }
        for foreign in ["rootwatcher", "my-rootwatch-Topic", "arn:aws:sns:eu-west-1:111122223333:orders", ""] {
            assert!(classify("sns", "DeleteTopic", json!({"name": foreign})).is_none(), "{foreign}");
        }
        let bucket =
            classify("s3", "PutBucketLifecycle", json!({"bucketName": "rootwatch-reportbucket-1abc"})).unwrap();
        assert_eq!((bucket.severity, bucket.on.as_deref()), (Severity::High, Some("rootwatch-reportbucket-1abc")));
        assert!(
            classify(
                "s3",
                "PutBucketPolicy",
                json!({"bucketName": "my-logs", "bucketPolicy": {"Principal": "rootwatch-CheckerRole-1"}})
            )
            .is_none(),
            "of another bucket"
        );
        let record = json!({"eventID": "1", "eventSource": "s3.amazonaws.com", "eventName": "DeleteBucket",
            "requestParameters": {"bucketName": "rootwatch-reportbucket-1abc"}});
        assert!(
            Tampering::classify(&event(&record), &account(), Some("RootWatch")).is_some(),
            "CloudFormation writes its name small"
        );
        let mapping = json!({"responseElements": {"functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:rootwatch-R-1"}});
        assert!(classify_with("lambda", "DeleteEventSourceMapping20150331", json!({"uUID": "0"}), mapping).is_some());
    }

    /// `Name` of the template is what rules and forwarders are named by; the rest has the name that the stack set gave to the stack.
    #[test]
    fn ct_18_what_a_stack_set_deployed_is_known_by_both_of_its_names() {
        let stack = "StackSet-guard-5f0c1d2e-1111-4222-8333-444455556666";
        let tampering = |own: &[&str], on: &str| {
            let record = json!({"eventID": "1", "eventSource": "lambda.amazonaws.com",
                "eventName": "DeleteFunction20150331", "requestParameters": {"functionName": on}});
            Tampering::classify(&event(&record), &account(), own.iter().copied()).is_some()
        };
        for own in [
            "rootwatch-eu-west-1-root",
            "StackSet-rootwatch-forwarders-0000",
            "StackSet-guard-5f0c1d2e-1111-4222-8333-444455556666-Topic-1ABC",
            // Shortened, and of a bucket.
            "StackSet-guard-5f0c1d2e-1-Checker-1ABC",
            "stackset-guard-5f0c1d2e-1111-42-reportbucket-1abc",
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/StackSet-guard-5f0c1d2e-1111-4222-8333-444455556666/1",
        ] {
            assert!(tampering(&["rootwatch", stack], own), "{own}");
            assert!(!(tampering(&["rootwatch"], own) && tampering(&[stack], own)), "one name alone knows both: {own}");
        }
        for foreign in
            ["StackSet-guard-6a6a6a6a-1-Checker-1ABC", "StackSet-guard", "guard-5f0c1d2e-1111", "StackSet-orders"]
        {
            assert!(!tampering(&["rootwatch", stack], foreign), "{foreign}");
        }
    }

    #[test]
    fn ct_18_the_forwarders_in_other_regions_are_the_stacks_own() {
        let stack_set =
            |name: &str| classify("cloudformation", name, json!({"stackSetName": "rootwatch-forwarders:0000"}));
        for (name, severity) in [
            ("DeleteStackInstances", Severity::Critical),
            ("DeleteStackSet", Severity::Critical),
            ("UpdateStackInstances", Severity::High),
            ("UpdateStackSet", Severity::High),
        ] {
            assert_eq!(stack_set(name).map(|seen| seen.severity), Some(severity), "{name}");
        }
        let elsewhere = "arn:aws:cloudformation:us-east-1:111122223333:stack/StackSet-rootwatch-forwarders-0000/1";
        assert!(classify("cloudformation", "DeleteStack", json!({"stackName": elsewhere})).is_some());
        assert!(classify("cloudformation", "DeleteStack", json!({"stackName": "StackSet-orders-0000"})).is_none());
        let queue = "https://sqs.us-east-1.amazonaws.com/111122223333/rootwatch-eu-west-1-undelivered";
        assert!(classify("sqs", "PurgeQueue", json!({"queueUrl": queue})).is_some());
        for name in ["PutRolePolicy", "DeleteRolePolicy"] {
            assert!(classify("iam", name, json!({"roleName": "rootwatch-ForwarderRole-1ABC"})).is_some(), "{name}");
            let foreign =
                json!({"roleName": "orders", "policyDocument": "arn:aws:sns:eu-west-1:111122223333:rootwatch-Topic-1"});
            assert!(classify("iam", name, foreign).is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_that_cloudformation_cuts_is_known() {
        let stack = "company-security-root-guard-production";
        for own in [
            "company-security-root-guard-production",
            "company-security-root-guard-production-Ledger-1ABC",
            "company-security-root-gua-ForwardersAdministrationR-1ABC",
            "company-security-root-guard-prod-reportbucket-1abc",
            "company-security-root-gu-Checker-1ABC",
            "StackSet-company-security-root-guard-production-forwarders-0000",
        ] {
            assert!(is_own(own, stack), "{own}");
        }
        for foreign in
            ["company-security-Role-1ABC", "company-security-root-g-Role-1ABC", "company-security-root-guardian", ""]
        {
            assert!(!is_own(foreign, stack), "{foreign}");
        }
        assert!(!is_own("root-Role", "rootwatch") && !is_own("rootwatc-Role", "rootwatch"));
    }

    #[test]
    fn without_the_name_of_the_stack_only_trails_and_keys_are_known() {
        let record = |source: &str, name: &str| {
            event(
                &json!({"eventID": "1", "eventSource": source, "eventName": name, "requestParameters": {"name": "rootwatch"}}),
            )
        };
        assert!(Tampering::classify(&record("sns.amazonaws.com", "DeleteTopic"), &account(), None).is_none());
        assert!(Tampering::classify(&record("cloudtrail.amazonaws.com", "DeleteTrail"), &account(), None).is_some());
        assert!(Tampering::classify(&record("kms.amazonaws.com", "DisableKey"), &account(), None).is_some());
    }

    #[test]
    fn the_date_and_version_in_a_name_of_lambda_are_no_part_of_it() {
        let part = || json!({"functionName": "rootwatch-Checker-1ABC"});
        for name in [
            "UpdateFunctionCode20150331v2",
            "DeleteFunction20150331",
            "DeleteFunction",
            "PutFunctionEventInvokeConfig20190925",
        ] {
            assert!(classify("lambda", name, part()).is_some(), "{name}");
        }
        for name in [
            "DeleteFunctionConcurrency20171031",
            "DeleteFunction2015",
            "DeleteFunction20150331x",
            "GetFunction20150331",
        ] {
            assert!(classify("lambda", name, part()).is_none(), "{name}");
        }
        assert!(classify("cloudfront", "DeleteFunction", part()).is_none(), "of another service");
    }

    #[test]
    fn what_cloudformation_does_in_a_deployment_weighs_less_and_other_stacks_keys_are_not_told_of() {
        let by = || json!({"userIdentity": {"type": "AssumedRole", "arn": "arn:x", "invokedBy": "cloudformation.amazonaws.com"}});
        let part = || json!({"functionName": "rootwatch-Checker-1ABC"});
        let seen = classify_with("lambda", "UpdateFunctionCode20150331v2", part(), by()).unwrap();
        assert_eq!(
            (seen.severity, seen.invoked_by.as_deref()),
            (Severity::Medium, Some("cloudformation.amazonaws.com"))
        );
        assert!(classify_with("kms", "PutKeyPolicy", json!({"keyId": "1"}), by()).is_none());
        assert!(classify("kms", "PutKeyPolicy", json!({"keyId": "1"})).is_some());
    }

    #[test]
    fn an_attempt_that_was_refused_is_told_of_and_weighs_medium() {
        let refused = json!({"errorCode": "AccessDenied"});
        let seen = classify_with("cloudtrail", "DeleteTrail", json!({"name": "audit"}), refused).unwrap();
        assert_eq!((seen.severity, seen.error.as_deref()), (Severity::Medium, Some("AccessDenied")));
    }

    #[test]
    fn what_happened_in_another_account_is_not_this_ones_and_who_did_it_here_may_be_of_another() {
        let name = json!({"name": "audit"});
        let elsewhere = json!({"recipientAccountId": "999900001111"});
        assert_eq!(classify_with("cloudtrail", "DeleteTrail", name.clone(), elsewhere), None);
        let by_another = json!({"recipientAccountId": "111122223333",
            "userIdentity": {"type": "Root", "accountId": "999900001111", "arn": "arn:aws:iam::999900001111:root"}});
        let seen = classify_with("cloudtrail", "DeleteTrail", name, by_another).unwrap();
        assert_eq!(seen.by, "arn:aws:iam::999900001111:root");
    }

    #[test]
    fn a_record_that_cloudtrail_completes_later_is_the_same_change() {
        let addendum = json!({"addendum": {"reason": "UPDATED_DATA", "updatedFields": "responseElements",
            "originalEventID": "00000000-0000-4000-8000-000000000099"}});
        let seen = classify_with("cloudtrail", "DeleteTrail", json!({"name": "audit"}), addendum).unwrap();
        assert_eq!(seen.event_id, "00000000-0000-4000-8000-000000000099");
        assert_eq!(seen.completed.as_deref(), Some("responseElements"));
    }

    #[test]
    fn a_record_without_an_id_or_that_cannot_be_read_is_nobodys() {
        assert_eq!(Tampering::classify(&TrailEvent::default(), &account(), None), None);
        let broken = TrailEvent { record: Some("{".into()), ..TrailEvent::default() };
        assert_eq!(Tampering::classify(&broken, &account(), None), None);
    }
}
