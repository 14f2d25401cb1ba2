use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::account::{AccountId, Partition};
use crate::record::TrailEvent;

pub(super) fn account() -> Account {
    Account {
        id: AccountId::parse("111122223333").unwrap(),
        alias: Some("acme-prod".into()),
        partition: Partition::Aws,
    }
}

pub(super) fn classify(record: &Value) -> Option<RootActivity> {
    RootActivity::classify(
        &TrailEvent { record: Some(record.to_string()), ..TrailEvent::default() },
        &account(),
        Some("rootwatch"),
    )
}

/// The sample `number` with the changes of `patch` merged in.
pub(super) fn sample(number: u8, patch: Value) -> Value {
    let mut record = serde_json::from_str(SAMPLES[usize::from(number) - 1]).unwrap();
    merge(&mut record, patch);
    record
}

fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

fn severity_and_headline(record: &Value) -> (Severity, String) {
    let act = classify(record).unwrap();
    (act.severity, act.headline())
}

macro_rules! samples {
    ($($name:literal)*) => { [$(include_str!(concat!("../../samples/records/", $name, ".json"))),*] };
}

const SAMPLES: [&str; 29] = samples![
    "01-root-console-login-success-virtual-mfa"
    "02-root-console-login-success-passkey-us-east-2"
    "03-root-console-login-success-no-mfa-us-west-2"
    "04-root-console-login-failure"
    "05-root-create-access-key-for-root"
    "06-root-create-access-key-for-iam-user"
    "07-root-create-access-key-legacy-invokedby-signin"
    "08-root-delete-access-key"
    "09-root-update-access-key-inactive"
    "10-root-enable-mfa-device"
    "11-root-deactivate-mfa-device"
    "12-root-password-updated-signin"
    "13-root-change-password-iam"
    "14-root-password-recovery-requested"
    "15-root-password-recovery-completed"
    "16-root-email-updated"
    "17-root-long-term-key-api-call-eu-west-1"
    "18-root-readonly-list-buckets"
    "19-sts-assume-root-in-management-account"
    "20-member-root-session-delete-login-profile"
    "21-member-root-session-delete-bucket-policy-no-assumedroot-flag"
    "22-not-human-root-awsserviceevent"
    "23-not-human-root-invokedby-service-apicall"
    "24-not-root-identity-center-directory-login-failure"
    "25-kms-rotate-key-service-event-no-type"
    "26-root-aws-login-create-oauth2-token"
    "27-root-put-alternate-contact"
    "28-root-account-alias-set-username"
    "29-member-root-session-get-account-summary"
];

#[test]
fn every_sample_record_has_its_kind_severity_and_words() {
    let table: Vec<String> = SAMPLES
        .iter()
        .enumerate()
        .map(|(index, record)| match classify(&serde_json::from_str(record).unwrap()) {
            Some(act) => format!(
                "{:02} {:?} · {:?} · {} · mfa {} · {}",
                index + 1,
                act.severity,
                act.kind,
                act.headline(),
                act.mfa.words(),
                act.target.unwrap_or_default()
            ),
            None => format!("{:02} not root", index + 1),
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn mfa_used_is_read_in_any_case() {
    let record = sample(1, json!({"additionalEventData": {"MFAUsed": "YES"}}));
    assert_eq!(severity_and_headline(&record), (Severity::High, "root sign-in".into()));
}

#[test]
fn a_sign_in_that_does_not_tell_of_mfa_is_taken_for_the_worse() {
    let record = sample(1, json!({"additionalEventData": null}));
    assert_eq!(severity_and_headline(&record), (Severity::Critical, "root sign-in, MFA not recorded".into()));
}

#[test]
fn a_refused_attempt_is_medium_and_says_failed() {
    let record = sample(5, json!({"errorCode": "LimitExceededException", "responseElements": null}));
    assert_eq!(severity_and_headline(&record), (Severity::Medium, "failed attempt: new root access key".into()));
}

#[test]
fn a_root_key_that_is_switched_on_again_is_critical() {
    let on = sample(9, json!({"requestParameters": {"status": "Active"}}));
    let off = sample(9, json!({}));
    assert_eq!(classify(&on).unwrap().severity, Severity::Critical);
    assert_eq!(classify(&off).unwrap().severity, Severity::Medium);
}

#[test]
fn a_new_root_key_is_told_whoever_passed_the_call_on() {
    let record = sample(5, json!({"userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}));
    assert_eq!(classify(&record).unwrap().kind, Kind::RootAccessKeyCreated);
}

#[test]
fn a_change_to_what_watches_is_told_whoever_passed_the_call_on() {
    let call = |number, source: &str, name: &str, request: Value, by: Value| {
        let mut record = sample(number, json!({"eventSource": source, "eventName": name, "userIdentity": by}));
        record["requestParameters"] = request;
        classify(&record).unwrap()
    };
    for by in ["cloudformation.amazonaws.com", "AWS Internal"] {
        let stop = ("cloudtrail.amazonaws.com", "StopLogging", json!({"name": "org"}));
        let rule = ("events.amazonaws.com", "DeleteRule", json!({"name": "rootwatch-root"}));
        for (source, name, request) in [stop, rule] {
            let act = call(17, source, name, request, json!({"invokedBy": by}));
            assert_eq!((act.kind, act.is_told(), act.is_urgent()), (Kind::WatchTampered, true, true), "{name} by {by}");
            assert!(act.severity >= Severity::Medium, "{name} by {by}");
        }
    }
    let service = sample(22, json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"}));
    assert_eq!(classify(&service).unwrap().kind, Kind::Service, "a service for itself");
    let policy = || json!({"bucketName": "rootwatch-reportbucket-1abc"});
    let central = call(20, "s3.amazonaws.com", "DeleteBucketPolicy", policy(), json!({}));
    assert_eq!((central.kind, central.severity), (Kind::CentralizedRootTask, Severity::High));
    let unmarked = call(21, "s3.amazonaws.com", "DeleteBucketPolicy", policy(), json!({}));
    let key = unmarked.access_key_id.clone();
    let gathered = gather(vec![unmarked, RootActivity { access_key_id: key, event_id: "2".into(), ..central }]);
    assert!(gathered.iter().all(|act| act.severity == Severity::High), "{gathered:?}");
    let refused = sample(21, json!({"eventName": "CreateLoginProfile", "errorCode": "AccessDenied"}));
    let refused = classify(&refused).unwrap();
    let flagged =
        RootActivity { access_key_id: refused.access_key_id.clone(), ..classify(&sample(20, json!({}))).unwrap() };
    let gathered = gather(vec![refused, flagged]);
    assert!(gathered.iter().all(|act| act.severity <= Severity::Medium), "an attempt: {gathered:?}");
}

#[test]
fn mfa_of_a_user_is_not_mfa_of_root() {
    for (number, kind) in [(10, Kind::MfaEnabled), (11, Kind::MfaDeactivated)] {
        assert_eq!(classify(&sample(number, json!({}))).unwrap().kind, kind);
        let of_user = sample(number, json!({"requestParameters": {"userName": "alice"}}));
        assert_eq!(classify(&of_user).unwrap().kind, Kind::WriteCall);
    }
}

#[test]
fn ct_4_a_user_or_role_session_called_root_is_not_root() {
    for kind in ["IAMUser", "AssumedRole"] {
        let record = sample(18, json!({"userIdentity": {"type": kind, "userName": "root"}}));
        assert_eq!(classify(&record), None, "{kind}");
    }
}

#[test]
fn ct_5_services_on_behalf_of_root_are_reported_and_not_told() {
    for number in [22, 23] {
        let act = classify(&sample(number, json!({}))).unwrap();
        assert_eq!((act.kind, act.is_told(), act.is_root_use()), (Kind::Service, false, false));
    }
}

#[test]
fn ct_1_an_event_without_a_readable_record_is_told_from_its_outer_fields() {
    for record in [None, Some("{broken"), Some("[]"), Some("")] {
        let event = TrailEvent {
            event_id: Some("00000000-0000-4000-8000-000000000099".into()),
            event_name: Some("CreateAccessKey".into()),
            event_source: Some("iam.amazonaws.com".into()),
            time: Some("2026-11-20T09:15:31Z".parse().unwrap()),
            username: Some("root".into()),
            read_only: Some(false),
            access_key_id: Some(String::new()),
            region: "us-east-1".into(),
            record: record.map(str::to_owned),
        };
        let act = RootActivity::classify(&event, &account(), None).unwrap();
        assert_eq!((act.kind, act.severity), (Kind::RootAccessKeyCreated, Severity::Critical), "{record:?}");
        assert_eq!((act.details_readable, act.time, act.access_key_id), (false, event.time, None));
        let by = |name: &str| TrailEvent { username: Some(name.into()), ..event.clone() };
        assert_eq!(RootActivity::classify(&by("alice"), &account(), None), None);
        assert!(RootActivity::classify(&by("acme-prod"), &account(), None).is_some(), "the alias stands for root");
    }
}

#[test]
fn ct_2_unknown_fields_nulls_and_numbers_for_strings_hide_nothing() {
    let record = sample(
        3,
        json!({"eventVersion": 2.0, "new": {"field": []}, "sourceIPAddress": 12, "userAgent": null, "tlsDetails": "x"}),
    );
    let act = classify(&record).unwrap();
    assert_eq!((act.severity, act.source_address.as_deref(), act.user_agent), (Severity::Critical, Some("12"), None));
}

#[test]
fn an_event_of_root_without_an_arn_is_still_root() {
    let mut record = sample(1, json!({}));
    record["userIdentity"].as_object_mut().unwrap().remove("arn");
    assert!(classify(&record).is_some());
}

#[test]
fn ct_3_an_event_id_is_told_once() {
    let act = classify(&sample(1, json!({}))).unwrap();
    assert_eq!(gather(vec![act.clone(), act.clone()]), [act]);
}

#[test]
fn a_record_that_cloudtrail_completes_later_is_the_same_act_and_what_was_completed_counts() {
    let first = sample(17, json!({"errorCode": "InternalError"}));
    let addendum = |updated: &str, original: &str| {
        json!({"eventID": "00000000-0000-4000-8000-000000000999", "addendum": {
            "reason": "UPDATED_DATA", "updatedFields": updated, "originalRequestID": "", "originalEventID": original}})
    };
    let original = first["eventID"].as_str().unwrap().to_owned();
    let mut second = sample(17, addendum("responseElements,errorCode", &original));
    second["eventName"] = json!("CreateUser");
    second["eventSource"] = json!("iam.amazonaws.com");
    for order in [[&first, &second], [&second, &first]] {
        let acts = gather(order.into_iter().map(|record| classify(record).unwrap()).collect());
        let [act] = acts.as_slice() else { panic!("{acts:?}") };
        assert_eq!(
            (act.event_id.as_str(), act.severity, act.error.as_deref()),
            (original.as_str(), Severity::High, None)
        );
        assert_eq!(act.completed.as_deref(), Some("responseElements,errorCode"));
    }
    let late = classify(&sample(1, addendum("", ""))).unwrap();
    assert_eq!(
        (late.event_id.as_str(), late.completed),
        ("00000000-0000-4000-8000-000000000999", None),
        "an event that was only late completes no other"
    );
}

#[test]
fn a_session_of_central_root_access_is_recognised_by_its_key() {
    let activity: Vec<RootActivity> = [20, 21, 18].map(|number| classify(&sample(number, json!({}))).unwrap()).into();
    assert_eq!(activity[1].kind, Kind::WriteCall, "alone it looks like root itself");
    let kinds: Vec<Kind> = gather(activity).iter().map(|act| act.kind).collect();
    assert_eq!(kinds, [Kind::CentralizedRootTask, Kind::CentralizedRootTask, Kind::ReadOnlyCall]);
}

#[test]
fn a_central_task_that_brings_the_root_password_back_is_high_and_one_that_changes_something_medium() {
    let severity = |patch| classify(&sample(20, patch)).unwrap().severity;
    assert_eq!(severity(json!({"eventName": "CreateLoginProfile"})), Severity::High);
    assert_eq!(severity(json!({"eventName": "CreateLoginProfile", "readOnly": true})), Severity::High);
    assert_eq!(severity(json!({})), Severity::Medium);
}

#[test]
fn a_central_task_that_only_reads_is_in_the_report_and_sends_no_alert() {
    let judged = |source: &str, name: &str, read_only: Value| {
        let with = |error: Value| {
            let call = json!({"eventSource": source, "eventName": name, "readOnly": read_only, "errorCode": error});
            classify(&sample(29, call)).unwrap()
        };
        let (act, refused) = (with(json!(null)), with(json!("AccessDenied")));
        assert_eq!((act.kind, act.severity), (refused.kind, refused.severity), "an SCP may refuse it");
        assert_eq!((act.kind, act.is_urgent(), act.is_root_use()), (Kind::CentralizedRootTask, false, false));
        (act.is_told(), act.is_calm())
    };
    let (quiet, told) = ((false, true), (true, false));
    let iam = "iam.amazonaws.com";
    for read_only in [json!(true), json!("true")] {
        for (source, name) in [
            (iam, "GetAccountSummary"),
            ("s3.amazonaws.com", "GetBucketPolicy"),
            ("sts.amazonaws.com", "GetCallerIdentity"),
        ] {
            assert_eq!(judged(source, name, read_only.clone()), quiet, "{source} {name}");
        }
    }
    // What the audit's task policy allows reads, also where the record does not say so.
    for name in kind::AUDIT {
        assert_eq!(judged(iam, name, json!(null)), quiet, "{name}");
        assert_eq!(judged("cognito-idp.amazonaws.com", name, json!(null)), told, "{name} of another service");
    }
    for read_only in [json!(null), json!(false), json!("?")] {
        assert_eq!(judged("s3.amazonaws.com", "GetBucketPolicy", read_only), told);
    }
    // CloudTrail calls these read-only, and they issue credentials.
    for name in ["AssumeRole", "GetFederationToken", "GetSessionToken"] {
        assert_eq!(judged("sts.amazonaws.com", name, json!(true)), told, "{name}");
    }
}

#[test]
fn reads_of_a_session_that_the_run_knows_by_its_key_send_no_alert_and_those_of_any_other_key_do() {
    let flagged = || classify(&sample(29, json!({}))).unwrap();
    let read = |key: &str, name: &str, read_only: Value| {
        let identity = json!({"accessKeyId": key, "sessionContext": {"assumedRoot": null}});
        let record = json!({"eventID": format!("{key}-{name}"), "eventName": name, "readOnly": read_only, "userIdentity": identity});
        classify(&sample(29, record)).unwrap()
    };
    let told = |activity: Vec<RootActivity>| -> Vec<(Severity, String)> {
        let told = gather(activity).into_iter().filter(RootActivity::is_told);
        told.map(|act| (act.severity, act.event_id)).collect()
    };
    let central = flagged().access_key_id.unwrap();
    let reads = |key: &str| {
        vec![
            read(key, "ListAccessKeys", json!(null)),
            read(key, "GetBucketPolicy", json!(true)),
            read(key, "ListUsers", json!(null)),
        ]
    };
    let unknown = (Severity::Medium, format!("{central}-ListUsers"));
    assert_eq!(told([reads(&central), vec![flagged()]].concat()), [unknown], "what is not known to read");
    assert_eq!(told(reads(&central)).len(), 3, "without a flagged record it looks like root itself");
    for key in ["ASIAEXAMPLE000000099", "AKIAEXAMPLE000000099"] {
        assert_eq!(told([reads(key), vec![flagged()]].concat()).len(), 3, "{key}");
    }
    // A root access key is no session, whatever a record says.
    let mut odd = flagged();
    odd.access_key_id = Some("AKIAEXAMPLE000000099".into());
    assert_eq!(told([reads("AKIAEXAMPLE000000099"), vec![odd]].concat()).len(), 3);
}

#[test]
fn who_opens_a_session_of_central_root_access_is_not_taken_for_it() {
    let caller = sample(19, json!({}));
    assert_eq!(classify(&caller), None, "a role of the management account");
    // AWS's sample has the flag in the caller's own session too.
    let by_root = json!({"type": "Root", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:root"});
    let opened = sample(19, json!({"userIdentity": by_root, "recipientAccountId": "111122223333", "readOnly": true}));
    let opened = classify(&opened).unwrap();
    assert_eq!((opened.kind, opened.severity, opened.is_root_use()), (Kind::WriteCall, Severity::Medium, true));
    let key = opened.access_key_id.clone();
    let read = RootActivity { access_key_id: key, ..classify(&sample(18, json!({}))).unwrap() };
    let kinds: Vec<Kind> = gather(vec![opened, read]).iter().map(|act| act.kind).collect();
    assert_eq!(kinds, [Kind::WriteCall, Kind::ReadOnlyCall], "its key makes nothing that root did a central task");
}

#[test]
fn an_event_that_was_handed_over_proves_no_session_and_replaces_nothing_that_cloudtrail_shows() {
    let read = classify(&sample(18, json!({}))).unwrap();
    let forged = |id: &str| {
        let record = json!({"eventID": id, "userIdentity": {"accessKeyId": read.access_key_id},
            "addendum": {"originalEventID": id, "updatedFields": "?"}});
        classify(&sample(29, record)).unwrap()
    };
    for id in ["forged", read.event_id.as_str()] {
        let acts = gather_with(vec![read.clone()], Some(forged(id)));
        let told: Vec<&str> = acts.iter().filter(|act| act.is_told()).map(|act| act.event_id.as_str()).collect();
        assert_eq!(told, [read.event_id.as_str()], "{id}");
    }
    let new = classify(&sample(5, json!({}))).unwrap();
    let another = RootActivity { event_id: new.event_id.clone(), ..classify(&sample(20, json!({}))).unwrap() };
    assert_eq!(gather_with(vec![new.clone()], Some(another)), vec![new.clone()], "CloudTrail's own record counts");
    assert_eq!(gather_with(vec![read.clone()], Some(new.clone())), [new, read.clone()], "what is new is added");
}

#[test]
fn many_reads_of_central_sessions_crowd_nothing_out() {
    let visits = many(&classify(&sample(29, json!({}))).unwrap(), 3_000);
    let acts = gather(visits.into_iter().chain([read_only()]).collect());
    assert_eq!(acts.len(), 2);
    assert_eq!((acts[0].kind, acts[1].count()), (Kind::ReadOnlyCall, 3_000));
}

#[test]
fn ct_7_the_most_severe_comes_first_then_what_succeeded_then_the_newest() {
    let refused =
        sample(5, json!({"errorCode": "AccessDenied", "eventTime": "2026-11-20T23:00:00Z", "eventID": "refused"}));
    let activity = [sample(18, json!({})), refused, sample(17, json!({})), sample(4, json!({})), sample(3, json!({}))];
    let order: Vec<String> =
        gather(activity.iter().filter_map(classify).collect()).iter().map(|a| a.headline()).collect();
    assert_eq!(
        order,
        [
            "root sign-in without MFA",
            "change made by root: RunInstances",
            "failed attempt: new root access key",
            "failed root sign-in",
            "read-only root activity"
        ]
    );
}

#[test]
fn only_acts_that_need_the_credentials_count_as_use_of_root() {
    let is_use = |number| classify(&sample(number, json!({}))).unwrap().is_root_use();
    assert!([1, 5, 13, 15, 17, 18, 26].into_iter().all(is_use));
    assert!(![4, 14, 20, 22, 23].into_iter().any(is_use));
}

#[test]
fn a_console_link_is_made_of_known_characters_only() {
    let mut act = classify(&sample(2, json!({}))).unwrap();
    assert_eq!(
        act.console_url(&account()).as_deref(),
        Some(
            "https://us-east-2.console.aws.amazon.com/cloudtrailv2/home?region=us-east-2#/events/00000000-0000-4000-8000-000000000002"
        )
    );
    act.region = "evil.example/".into();
    assert_eq!(act.console_url(&account()), None);
}

#[test]
fn a_bare_record_becomes_an_event_and_other_json_does_not() {
    let record = sample(2, json!({}));
    let act = RootActivity::classify(&TrailEvent::from_record(&record).unwrap(), &account(), None).unwrap();
    assert_eq!((act.event_id.as_str(), act.region.as_str()), ("00000000-0000-4000-8000-000000000002", "us-east-2"));
    for other in [json!({}), json!([]), json!("x"), json!({"eventName": "x"})] {
        assert_eq!(TrailEvent::from_record(&other), None);
    }
}

/// So many acts like `act`, with ids of their own, a second apart, the newest first.
fn many(act: &RootActivity, count: usize) -> Vec<RootActivity> {
    let time = |number| act.time.map(|at| at - jiff::SignedDuration::from_secs(i64::try_from(number).unwrap()));
    let copy =
        |number| RootActivity { event_id: format!("{}-{number}", act.event_id), time: time(number), ..act.clone() };
    (0..count).map(copy).collect()
}

fn counts(acts: &[RootActivity]) -> (usize, usize, usize) {
    let single = acts.iter().filter(|act| act.folded.is_none()).count();
    (single, acts.len() - single, acts.iter().map(RootActivity::count).sum())
}

fn read_only() -> RootActivity {
    classify(&sample(18, json!({"eventTime": "2026-11-20T23:00:00Z"}))).unwrap()
}

fn new_key() -> RootActivity {
    classify(&sample(5, json!({"eventTime": "2026-11-20T23:00:00Z"}))).unwrap()
}

#[test]
fn an_ordinary_session_is_told_act_by_act() {
    let mut acts = many(&read_only(), 100);
    acts.extend(many(&new_key(), 100));
    assert_eq!(counts(&gather(acts)), (200, 0, 200));
}

#[test]
fn very_many_calls_that_only_read_are_one_act_that_counts_and_the_worst_stays_before_it() {
    let mut flood = many(&read_only(), 3_000);
    flood.push(new_key());
    let acts = gather(flood);
    assert_eq!(acts[0], new_key());
    let [_, folded] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!(
        (folded.event_id.as_str(), folded.headline()),
        (
            "fold/ReadOnlyCall//done/us-east-1/2026-11-20/ListBuckets/198.51.100.24/ASIAEXAMPLE000000001",
            "read-only root activity, 3000 times".to_owned()
        )
    );
    let newest = read_only();
    let since = newest.time.map(|at| at - jiff::SignedDuration::from_secs(2_999));
    let example = format!("{}-0", newest.event_id);
    assert_eq!(
        folded.folded,
        Some(Folded { count: 3_000, since, example: example.clone(), alike: Alike::Source, sessions: 0 })
    );
    assert!(folded.console_url(&account()).unwrap().ends_with(&example), "the newest can be opened");
}

#[test]
fn of_very_many_acts_that_change_something_the_newest_stay_single() {
    let flood = many(&new_key(), 3_000);
    let acts = gather(flood.clone());
    assert_eq!(counts(&acts), (100, 1, 3_000));
    assert!(flood.iter().take(100).all(|act| acts.contains(act)));
    assert_eq!(acts.iter().find(|act| act.folded.is_some()).unwrap().severity, Severity::Critical);
}

#[test]
fn who_varies_addresses_keys_names_and_days_is_counted_by_what_is_left() {
    let acts = |change: fn(usize, &mut RootActivity)| {
        let mut acts = many(&read_only(), 1_500);
        acts.extend(many(&new_key(), 1_500));
        acts.iter_mut().enumerate().for_each(|(number, act)| change(number, act));
        let acts = gather(acts);
        let (single, groups, all) = counts(&acts);
        assert!(single <= 200 + 100 && groups <= 100 && all == 3_000, "{single} {groups} {all}");
        let worst = acts.iter().filter(|act| act.severity == Severity::Critical && act.folded.is_none()).count();
        assert!(worst >= 200, "{worst}");
        acts.iter().filter_map(|act| act.folded.as_ref()).map(|folded| folded.alike).max().unwrap()
    };
    assert_eq!(acts(|number, act| act.source_address = Some(number.to_string())), Alike::Call);
    assert_eq!(acts(|number, act| act.access_key_id = Some(number.to_string())), Alike::Call);
    assert_eq!(acts(|number, act| act.event_name = number.to_string()), Alike::Day);
    let days = |number: usize, act: &mut RootActivity| {
        act.event_name = number.to_string();
        act.time = Some(
            "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap()
                + jiff::SignedDuration::from_hours(24 * i64::try_from(number % 300).unwrap()),
        );
    };
    assert_eq!(acts(days), Alike::Region);
    let regions = |number: usize, act: &mut RootActivity| act.region = number.to_string();
    assert_eq!(acts(regions), Alike::Kind);
}

#[test]
fn an_event_that_comes_again_is_counted_once_however_the_pile_is_filled() {
    for flood in [many(&read_only(), 3_000), many(&new_key(), 3_000)] {
        let mut pile = Pile::default();
        for page in flood.chunks(50).chain(flood.chunks(70)) {
            pile.extend(page.iter().cloned());
        }
        let acts = gather(pile.into_acts());
        assert_eq!(counts(&acts).2, 3_000);
        assert!(acts == gather(flood), "as if all had come at once");
    }
}

#[test]
fn the_groups_of_several_regions_are_added_up_where_they_are_the_same() {
    let pile = |region: &str| {
        let mut pile = Pile::default();
        pile.extend(many(&RootActivity { region: region.into(), event_id: region.into(), ..read_only() }, 500));
        pile.into_acts()
    };
    let acts = gather([pile("us-east-1"), pile("eu-west-1")].concat());
    assert_eq!(counts(&acts), (0, 2, 1_000));
    assert_eq!(counts(&gather([acts.clone(), pile("us-east-1")].concat())), (0, 2, 1_500), "by name");
}

/// 200 critical acts in two sessions, newer than anything of `new_key`.
fn flood_of_critical_acts() -> Vec<RootActivity> {
    let on =
        classify(&sample(9, json!({"requestParameters": {"status": "Active"}, "eventTime": "2026-11-20T23:30:00Z"})));
    let mut flood = many(&on.unwrap(), 200);
    flood.iter_mut().enumerate().for_each(|(n, act)| act.access_key_id = Some(format!("ASIA{}", n % 2)));
    assert!(flood.iter().all(|act| act.severity == Severity::Critical));
    flood
}

#[test]
fn under_a_flood_of_newer_acts_that_are_as_bad_every_group_keeps_its_newest_single() {
    for count in [1, 2, 5, 50] {
        let keys = many(&new_key(), count);
        let acts = gather([keys.clone(), flood_of_critical_acts()].concat());
        assert!(keys.iter().all(|key| acts.contains(key)), "{count} keys");
        let (single, groups, all) = counts(&acts);
        assert!(single <= 200 + 100 && groups <= 100 && all == count + 200, "{single} {groups} {all}");
    }
}

#[test]
fn sessions_that_root_issued_are_known_by_key_and_counted_where_a_flood_leaves_no_room_for_it() {
    let issued = |name: &str| {
        let key = json!({"credentials": {"accessKeyId": name}, "accessKey": null});
        classify(&sample(5, json!({"eventSource": "sts.amazonaws.com", "eventName": "GetFederationToken", "eventID": name,
            "eventTime": "2026-11-20T22:00:00Z", "requestParameters": {"name": "x", "userName": null}, "responseElements": key})))
        .unwrap()
    };
    let tokens = |count| (0..count).map(|n| issued(&format!("ASIAEXAMPLE{n:09}"))).collect::<Vec<_>>();
    let keys = |acts: &[RootActivity]| acts.iter().filter(|act| act.issued_key().is_some()).count();
    let lost = |acts: &[RootActivity]| acts.iter().map(RootActivity::issued_keys_lost).sum::<usize>();
    let few = gather([tokens(2), flood_of_critical_acts()].concat());
    assert_eq!(keys(&few) + lost(&few), 2);
    assert_eq!((keys(&gather(tokens(2))), lost(&gather(tokens(2)))), (2, 0));
    let many = gather([tokens(300), flood_of_critical_acts()].concat());
    assert_eq!(keys(&many) + lost(&many), 300);
    assert!(lost(&many) > 0);
    assert_eq!(lost(&gather(super::tests::many(&read_only(), 3_000))), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_comes_nothing_is_lost_and_little_is_held(
        acts in proptest::collection::vec((0..3usize, 0..8u8, 0..40u8, 0..2u8), 0..2_500), page in 1..200usize
    ) {
        let kinds = [read_only(), new_key(), classify(&sample(4, json!({}))).unwrap()];
        let act = |(number, (kind, name, address, region)): (usize, &(usize, u8, u8, u8))| RootActivity {
            event_id: number.to_string(), event_name: name.to_string(), source_address: Some(address.to_string()),
            region: region.to_string(), ..kinds[*kind].clone()
        };
        let all: Vec<RootActivity> = acts.iter().enumerate().map(act).collect();
        let mut pile = Pile::default();
        all.chunks(page).for_each(|page| pile.extend(page.iter().cloned()));
        let folded = gather(pile.into_acts());
        prop_assert!(folded.len() <= 300, "{}", folded.len());
        prop_assert_eq!(counts(&folded).2, all.len());
        for kind in &kinds {
            let sum = |acts: &[RootActivity]| acts.iter().filter(|act| act.kind == kind.kind).map(RootActivity::count).sum::<usize>();
            prop_assert_eq!(sum(&folded), sum(&all));
        }
    }

}

proptest! {
    #[test]
    fn no_record_makes_the_classifier_panic(text in ".*", username in proptest::option::of(".*")) {
        let event = TrailEvent { record: Some(text), username, ..TrailEvent::default() };
        let _ = RootActivity::classify(&event, &account(), None);
    }
}
