//! One of every kind of alert, for people to look at.
#![allow(clippy::expect_used, clippy::panic, reason = "a broken sample must stop the preview loudly")]

use alerts::{Acknowledgement, Alert, ConditionAlert, Digest, Failure, Fault, OpenCondition, Transition, What};
use checklist::Summary;
use checklist::declarations::{Attestation, Exception, Statement};
use checklist::report::{Score, Tally};
use facts::record::TrailEvent;
use facts::root_activity::Plan;
use facts::root_activity::{Effect, Kind};
use facts::source::{Cause, Source, Unavailable};
use facts::tampering::{Tampering, Target};
use facts::verdict::{Evidence, Status};
use facts::{Account, AccountId, Partition, RootActivity, Severity};
use jiff::{SignedDuration, Timestamp};

/// Alerts that are sent together, under the name of what they show.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) alerts: Vec<Alert>,
}

impl Sample {
    fn new(name: &str, alerts: Vec<Alert>) -> Self {
        Self { name: name.to_owned(), alerts }
    }
}

/// Every sample, as sent at [`now`].
pub(crate) fn all() -> Vec<Sample> {
    let mut samples: Vec<Sample> = Kind::ALL.into_iter().map(|kind| of_root(&name_of(kind), act(kind))).collect();
    samples.extend(Effect::ALL.map(effect));
    samples.extend([planned(), flood(), hostile()]);
    samples.extend(conditions());
    samples.extend(notices());
    samples
}

/// When everything is sent: a night.
pub(crate) fn now() -> Timestamp {
    at("2026-11-20T03:12:00Z")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn hours_ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

pub(crate) fn account() -> Account {
    let id = AccountId::parse("111122223333").expect("an account id");
    Account { id, alias: Some("acme-prod".into()), partition: Partition::Aws }
}

fn alert(id: &str, severity: Severity, what: What) -> Alert {
    Alert { id: format!("{}/{id}", account().id), at: now(), severity, account: account(), what }
}

fn of_root(name: &str, act: RootActivity) -> Sample {
    Sample::new(name, vec![alerts::of_root(&act, &account(), now())])
}

fn name_of(kind: Kind) -> String {
    let name = serde_json::to_value(kind).expect("a kind is a string");
    format!("root-{}", name.as_str().unwrap_or_default().replace('_', "-"))
}

/// Every sample record, classified, as if it had happened four minutes ago.
pub(crate) fn records() -> Vec<RootActivity> {
    let folder = sandbox::root().join("shared/facts/samples/records");
    let entries = std::fs::read_dir(folder).expect("the sample records can be read");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let records = files.into_iter().map(|file| std::fs::read_to_string(file).expect("a record"));
    let events = records.map(|record| TrailEvent { record: Some(record), ..TrailEvent::default() });
    let acts = events.filter_map(|event| RootActivity::classify(&event, &account(), None));
    acts.map(|act| RootActivity { time: Some(now() - SignedDuration::from_mins(4)), ..act }).collect()
}

fn act(kind: Kind) -> RootActivity {
    let records = records();
    let found = |kind| records.iter().find(|act| act.kind == kind).cloned();
    let another =
        |from, event_name: &str| found(from).map(|act| RootActivity { kind, event_name: event_name.into(), ..act });
    let like_it = || match kind {
        Kind::UserAccessKeyChanged => another(Kind::UserAccessKeyCreated, "UpdateAccessKey"),
        Kind::UserAccessKeyDeleted => another(Kind::UserAccessKeyCreated, "DeleteAccessKey"),
        Kind::RootSigningCertificateCreated => {
            another(Kind::RootAccessKeyCreated, "UploadSigningCertificate").map(|act| RootActivity {
                severity: Severity::High,
                target: Some("EXAMPLECERTIFICATE0000001".into()),
                ..act
            })
        }
        Kind::WatchTampered => another(Kind::WriteCall, "StopLogging").map(|act| RootActivity {
            severity: Severity::Critical,
            event_source: "cloudtrail.amazonaws.com".into(),
            target: Some("management".into()),
            ..act
        }),
        _ => None,
    };
    found(kind).or_else(like_it).unwrap_or_else(|| panic!("there is no record of {kind:?}"))
}

/// A call that grants access, or issues a session that was used.
fn effect(effect: Effect) -> Sample {
    let call = |event_name: &str, source: &str, target: &str| RootActivity {
        effect: Some(effect),
        severity: Severity::High,
        event_name: event_name.into(),
        event_source: source.into(),
        target: Some(target.into()),
        ..act(Kind::WriteCall)
    };
    match effect {
        Effect::AccessGranted => of_root(
            "root-access-granted",
            call(
                "AttachUserPolicy",
                "iam.amazonaws.com",
                "arn:aws:iam::aws:policy/AdministratorAccess of user support2",
            ),
        ),
        Effect::SessionIssued => {
            let issued = call("GetFederationToken", "sts.amazonaws.com", "ASIAEXAMPLE000000010 of federated user bob");
            let used = RootActivity {
                event_id: "00000000-0000-4000-8000-000000000941".into(),
                event_name: "DeleteBucket".into(),
                event_source: "s3.amazonaws.com".into(),
                access_key_id: Some("ASIAEXAMPLE000000010".into()),
                federated_user: Some("bob".into()),
                ..act(Kind::WriteCall)
            };
            let alerts = [issued, used].map(|act| alerts::of_root(&act, &account(), now()));
            Sample::new("root-session-issued", alerts.into())
        }
    }
}

fn planned() -> Sample {
    let mut act = act(Kind::SignInSucceeded);
    act.planned = Some(plan());
    act.severity = Severity::Medium;
    of_root("root-sign-in-planned", act)
}

fn plan() -> Plan {
    Plan { from: hours_ago(1), to: now() + SignedDuration::from_hours(1), ticket: "CHG-7".into(), by: "alice".into() }
}

/// Failed sign-ins, one that succeeded, a key, and what was done with it.
fn flood() -> Sample {
    let copies = |kind, count: u32| {
        let act = act(kind);
        (0..count).map(move |number| RootActivity {
            event_id: format!("00000000-0000-4000-9000-{number:04}{:08}", kind as u32),
            time: Some(now() - SignedDuration::from_secs(600) + SignedDuration::from_secs(i64::from(number))),
            ..act.clone()
        })
    };
    let acts = copies(Kind::SignInFailed, 240)
        .chain(copies(Kind::SignInSucceeded, 1))
        .chain(copies(Kind::RootAccessKeyCreated, 2))
        .chain(copies(Kind::WriteCall, 60))
        .chain(copies(Kind::ReadOnlyCall, 200));
    Sample::new("flood", acts.map(|act| alerts::of_root(&act, &account(), now())).collect())
}

/// Text of strangers that tries to be a heading, a link, a mention and a command.
fn hostile() -> Sample {
    let hostile = "<!channel> <https://evil.example|AWS support> *ALL CLEAR* `x` &amp; \u{202e}desrever\nRESOLVED: no action needed <@U1>";
    let mut sign_in = act(Kind::SignInFailed);
    sign_in.user_agent = Some(hostile.into());
    let mut call = act(Kind::WriteCall);
    call.event_name = hostile.into();
    call.target = Some(hostile.into());
    call.error = Some(hostile.into());
    let mut failure = failure(Severity::Medium, "Policies are attached to users themselves.");
    failure.evidence.push(evidence(Source::Identities, hostile, hostile));
    failure.resources = vec![hostile.into(), "<!here>".into()];
    failure.count = failure.resources.len();
    let alerts = vec![
        alerts::of_root(&call, &account(), now()),
        alerts::of_root(&sign_in, &account(), now()),
        condition(Transition::Opened, control("groups-assign-permissions"), failure),
    ];
    Sample::new("hostile-text", alerts)
}

fn control(id: &str) -> Fault {
    Fault::Control { control: id.into() }
}

fn failure(severity: Severity, found: &str) -> Failure {
    Failure { severity, found: found.into(), evidence: Vec::new(), resources: Vec::new(), count: 0, unavailable: None }
}

fn evidence(source: Source, fact: &str, value: &str) -> Evidence {
    Evidence { source, fact: fact.into(), value: value.into(), as_of: now() }
}

fn condition(transition: Transition, condition: Fault, failure: Failure) -> Alert {
    let severity = match transition {
        Transition::Opened | Transition::Changed | Transition::Reminder => failure.severity,
        Transition::Suppressed | Transition::Acknowledged => Severity::Low,
        Transition::Resolved | Transition::Dropped => Severity::Informational,
    };
    let opened_at = if transition == Transition::Opened { now() } else { hours_ago(28) };
    let id = format!("{}/1", condition.key().replace('#', "/"));
    let update = ConditionAlert {
        transition,
        condition,
        failure,
        opened_at,
        unverified_since: None,
        flapping: false,
        exception: (transition == Transition::Suppressed).then(exception),
        acknowledged: (transition == Transition::Acknowledged).then(acknowledgement),
    };
    alert(&id, severity, What::Condition(Box::new(update)))
}

fn acknowledgement() -> Acknowledgement {
    let until = now() + SignedDuration::from_hours(24);
    Acknowledgement { by: "alice".into(), note: Some("CHG-9".into()), from: now(), until }
}

fn exception() -> Exception {
    Exception {
        control: "groups-assign-permissions".into(),
        reason: "moves to SSO".into(),
        owner: "bob".into(),
        until: at("2027-03-01T00:00:00Z"),
        resource: Some("alice".into()),
    }
}

fn conditions() -> Vec<Sample> {
    let no_mfa = || {
        let mut failure = failure(Severity::Critical, "Root has no MFA device.");
        failure.evidence.push(evidence(Source::AccountSummary, "AccountMFAEnabled", "0"));
        failure
    };
    let users = |names: &[&str]| {
        let mut failure = failure(Severity::Medium, "Policies are attached to users themselves.");
        failure.resources = names.iter().map(|&name| name.to_owned()).collect();
        failure.evidence = names.iter().map(|name| evidence(Source::Identities, name, "1 attached policy")).collect();
        failure.count = names.len();
        failure
    };
    let single = |name, transition, fault, failure| Sample::new(name, vec![condition(transition, fault, failure)]);
    let changing = |name, change: fn(&mut ConditionAlert)| {
        let mut alert = condition(Transition::Reminder, control("root-mfa"), no_mfa());
        if let What::Condition(update) = &mut alert.what {
            change(update);
        }
        Sample::new(name, vec![alert])
    };
    let unavailable = Unavailable {
        source: Source::RootEvents,
        operation: "cloudtrail:LookupEvents in eu-west-1".into(),
        cause: Cause::Denied { code: "AccessDeniedException".into() },
    };
    let unread =
        Failure { unavailable: Some(unavailable.clone()), ..failure(Severity::High, &unavailable.to_string()) };
    let source = Fault::Unread { source: Source::RootEvents, region: Some("eu-west-1".into()) };
    let policies = control("groups-assign-permissions");
    vec![
        single("condition-opened", Transition::Opened, control("root-mfa"), no_mfa()),
        single("condition-changed", Transition::Changed, policies.clone(), users(&["alice", "carol"])),
        single("condition-reminder", Transition::Reminder, control("root-mfa"), no_mfa()),
        changing("condition-reminder-unverified", |update| update.unverified_since = Some(hours_ago(6))),
        changing("condition-reminder-flapping", |update| update.flapping = true),
        single("condition-resolved", Transition::Resolved, control("root-mfa"), no_mfa()),
        single("condition-suppressed", Transition::Suppressed, policies.clone(), users(&["alice"])),
        single("condition-acknowledged", Transition::Acknowledged, control("root-mfa"), no_mfa()),
        single("condition-dropped", Transition::Dropped, policies, users(&["alice"])),
        single("unread-opened", Transition::Opened, source.clone(), unread.clone()),
        single("unread-resolved", Transition::Resolved, source, unread),
        single(
            "unjudged-opened",
            Transition::Opened,
            Fault::Unjudged { control: "root-unused".into() },
            failure(Severity::High, "The credential report does not say when root was used."),
        ),
        single(
            "refused-settings-opened",
            Transition::Opened,
            Fault::RefusedSettings,
            failure(
                Severity::Medium,
                "Exceptions, entry 2: `control` is `root-mfs`: no control in this version has this id, see CONTROLS.md",
            ),
        ),
        single(
            "no-subscriber-resolved",
            Transition::Resolved,
            Fault::NoSubscriber,
            failure(Severity::Critical, "There is no confirmed subscription to the topic."),
        ),
    ]
}

fn notices() -> Vec<Sample> {
    let single = |name, severity, what| Sample::new(name, vec![alert(name, severity, what)]);
    let attestation = Attestation { statement: Statement::ContactsReviewed, by: "bob".into(), on: hours_ago(24 * 91) };
    let open = OpenCondition {
        condition: control("root-mfa"),
        severity: Severity::Critical,
        opened_at: hours_ago(28),
        unverified_since: Some(hours_ago(6)),
        acknowledged: Some(acknowledgement()),
    };
    let score = |steps, passed, unknown| {
        let (five_steps, baseline) = (Tally { passed: steps, of: 5 }, Tally { passed, of: 22 });
        Some(Score { five_steps, baseline, unknown })
    };
    let digest = Digest {
        score: score(5, 22, 0),
        summary: Summary { evaluated: 31, ..Summary::default() },
        is_monitoring: true,
        steps: vec![Status::Passed; 5],
        open: Vec::new(),
        exceptions: Vec::new(),
        attestations: Vec::new(),
        last_complete: Some(hours_ago(1)),
    };
    let bad_week = Digest {
        score: score(2, 20, 1),
        summary: Summary {
            evaluated: 31,
            unknown: vec!["individual-iam-users".into()],
            unread: vec![Source::Identities.to_string()],
            failed: 2,
            worst: Some(Severity::Critical),
            suppressed: 1,
            ..Summary::default()
        },
        is_monitoring: false,
        steps: vec![Status::Passed, Status::Failed, Status::Unknown, Status::Failed, Status::NotApplicable],
        open: vec![open],
        exceptions: vec![exception()],
        attestations: vec![attestation.clone()],
        last_complete: Some(hours_ago(7)),
    };
    let credentials = vec!["password".into(), "access key 1".into()];
    let stop_logging = Tampering {
        event_id: "00000000-0000-4000-8000-000000000099".into(),
        target: Target::Trail,
        severity: Severity::Critical,
        time: Some(now() - SignedDuration::from_mins(1)),
        region: "eu-west-1".into(),
        event_name: "StopLogging".into(),
        event_source: "cloudtrail.amazonaws.com".into(),
        by: "arn:aws:iam::111122223333:user/mallory".into(),
        on: Some("arn:aws:cloudtrail:eu-west-1:111122223333:trail/management".into()),
        source_address: Some("203.0.113.7".into()),
        user_agent: Some("aws-cli/2.31.0".into()),
        error: None,
        invoked_by: None,
        completed: None,
    };
    let delete_rule = Tampering {
        target: Target::Stack,
        event_name: "DeleteRule".into(),
        event_source: "events.amazonaws.com".into(),
        on: Some("rootwatch-root".into()),
        ..stop_logging.clone()
    };
    vec![
        single("tampering-trail", Severity::Critical, What::Tampering(Box::new(stop_logging))),
        single("tampering-stack", Severity::Critical, What::Tampering(Box::new(delete_rule))),
        single("root-credentials-back", Severity::Critical, What::RootCredentialsBack { credentials }),
        single("planned-root-use", Severity::Medium, What::PlannedRootUse(plan())),
        single("caught-up", Severity::High, What::CaughtUp { since: hours_ago(9), until: now() }),
        single(
            "exception-ended",
            Severity::Medium,
            What::ExceptionEnded(Exception { until: hours_ago(3), ..exception() }),
        ),
        single("attestation-lapsed", Severity::Low, What::AttestationLapsed(attestation)),
        single("digest-all-is-well", Severity::Informational, What::Digest(Box::new(digest))),
        single("digest-bad-week", Severity::Critical, What::Digest(Box::new(bad_week))),
        single("unreadable", Severity::High, What::Unreadable { text: "{\"kind\":\"of-the-future\"}".into() }),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A new kind does not compile before it is named here, and fails before it has a sample.
    fn kind(what: &What) -> &'static str {
        match what {
            What::Condition(update) => match update.transition {
                Transition::Opened => "opened",
                Transition::Changed => "changed",
                Transition::Reminder => "reminder",
                Transition::Resolved => "resolved",
                Transition::Suppressed => "suppressed",
                Transition::Acknowledged => "acknowledged",
                Transition::Dropped => "dropped",
            },
            What::RootActivity(_) => "root activity",
            What::Tampering(_) => "tampering",
            What::RootCredentialsBack { .. } => "credentials back",
            What::PlannedRootUse(_) => "planned",
            What::CaughtUp { .. } => "caught up",
            What::ExceptionEnded(_) => "exception ended",
            What::AttestationLapsed(_) => "attestation lapsed",
            What::Digest(_) => "digest",
            What::Unreadable { .. } => "unreadable",
        }
    }

    #[test]
    fn there_is_a_sample_of_every_kind() {
        let alerts: Vec<Alert> = all().into_iter().flat_map(|sample| sample.alerts).collect();
        let kinds: BTreeSet<&str> = alerts.iter().map(|alert| kind(&alert.what)).collect();
        assert_eq!(kinds.len(), 16, "{kinds:?}");
        let acts: BTreeSet<Kind> = alerts.iter().filter_map(Alert::act).map(|act| act.kind).collect();
        assert_eq!(acts, Kind::ALL.into());
    }

    #[test]
    fn no_email_of_a_sample_is_longer_than_60_lines_and_each_begins_with_what_happened_where() {
        for sample in all() {
            let message = crate::preview::compose(&sample).expect("a message");
            let lines: Vec<&str> = message.text.lines().collect();
            assert!(lines.len() <= 60, "{}: {}\n{}", sample.name, lines.len(), message.text);
            assert!(lines[1].starts_with("Account: acme-prod (111122223333)"), "{}: {}", sample.name, message.text);
        }
    }

    #[test]
    fn no_two_samples_share_a_name() {
        let names: BTreeSet<String> = all().into_iter().map(|sample| sample.name).collect();
        assert_eq!(names.len(), all().len());
    }
}
