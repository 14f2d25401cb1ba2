//! What holds of every message and of every playbook, whatever it is about: read as somebody would who was asleep a minute ago.

use std::sync::LazyLock;

use alerts::{Acknowledgement, Condition, Failure, Fault, announce, of_root, of_tampering};
use checklist::controls::CHECKLIST;
use facts::Severity;
use facts::root_activity::{COMPROMISED, Effect, Phase, Plan, Step, TAMPERED};
use facts::source::{Cause, Source, Unavailable};
use facts::tampering::{Tampering, Target};
use regex_lite::Regex;

use super::bulletins::{QUARTER, Story, hours, no_mfa};
use super::chats::strings;
use super::*;
use crate::message::words::notices;

/// The report that a check would send, and everything that it would send at first.
const LINKS: &str =
    "https://eu-west-1.console.aws.amazon.com/s3/object/rootwatch-reports?region=eu-west-1&prefix=latest.html";

fn links() -> Links {
    Links {
        report: Some(LINKS.into()),
        dashboard: Some("https://eu-west-1.console.aws.amazon.com/cloudwatch/home".into()),
        stack: Some(("rootwatch".into(), "eu-west-1".into())),
    }
}

fn send(alerts: &[Alert], report: Option<&Report>, at: Timestamp, runbook: &str) -> Message {
    let recipients = Some(Recipients { email: 2, slack: true, ..Recipients::default() });
    let links = &links();
    let bulletin = Bulletin { runbook, links: Some(links), recipients, ..bulletin(alerts, at, report) };
    Message::compose(&bulletin).unwrap()
}

fn now() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

/// One of each kind.
fn act(kind: Kind) -> RootActivity {
    let user = Some("AKIAEXAMPLE000000007 of user bob".to_owned());
    let device = Some("arn:aws:iam::111122223333:mfa/root-account-mfa-device".to_owned());
    let like = match kind {
        Kind::SignInSucceeded | Kind::CliSignIn => sign_in_without_mfa(),
        Kind::SignInFailed => failed_sign_in(),
        Kind::ReadOnlyCall => read_only(),
        Kind::UserAccessKeyCreated | Kind::UserAccessKeyChanged | Kind::UserAccessKeyDeleted => {
            RootActivity { target: user, ..new_root_key() }
        }
        Kind::MfaEnabled | Kind::MfaDeactivated => RootActivity { target: device, ..new_root_key() },
        Kind::WatchTampered => RootActivity {
            event_name: "StopLogging".into(),
            event_source: "cloudtrail.amazonaws.com".into(),
            target: Some("arn:aws:cloudtrail:us-east-1:111122223333:trail/management".into()),
            ..new_root_key()
        },
        _ => new_root_key(),
    };
    RootActivity { kind, ..like }
}

fn effect(effect: Effect) -> RootActivity {
    let target = match effect {
        Effect::AccessGranted => "arn:aws:iam::aws:policy/AdministratorAccess of user support2",
        Effect::SessionIssued => "ASIAEXAMPLE000000010 of federated user bob",
    };
    let event_name = if effect == Effect::AccessGranted { "AttachUserPolicy" } else { "GetFederationToken" };
    RootActivity {
        effect: Some(effect),
        event_name: event_name.into(),
        target: Some(target.into()),
        ..act(Kind::WriteCall)
    }
}

fn all_activity() -> Vec<RootActivity> {
    Kind::ALL.map(act).into_iter().chain(Effect::ALL.map(effect)).collect()
}

fn tampering(by: &str, event_name: &str, on: &str) -> Tampering {
    Tampering {
        event_id: "00000000-0000-4000-8000-000000000099".into(),
        target: Target::Trail,
        severity: Severity::Critical,
        time: Some(now() - SignedDuration::from_mins(9)),
        region: "eu-west-1".into(),
        event_name: event_name.into(),
        event_source: "cloudtrail.amazonaws.com".into(),
        by: by.into(),
        on: Some(on.into()),
        source_address: Some("203.0.113.7".into()),
        user_agent: Some("aws-cli/2.31.0".into()),
        error: None,
        invoked_by: None,
        completed: None,
    }
}

#[test]
fn several_changes_by_one_identity_are_undone_one_by_one_after_it_is_stopped_and_the_rest_is_counted() {
    let account = Snapshot::compliant().account;
    let by = "arn:aws:iam::111122223333:user/mallory";
    let rule = |event_name: &str, on: &str, severity| Tampering {
        event_id: format!("00000000-0000-4000-8000-{event_name:0>12}"),
        event_source: "events.amazonaws.com".into(),
        region: "us-east-1".into(),
        severity,
        ..tampering(by, event_name, on)
    };
    let mut changes = vec![
        tampering(by, "StopLogging", "management"),
        rule("DisableRule", "rootwatch-root", Severity::High),
        rule("RemoveTargets", "rootwatch-tampering", Severity::High),
        Tampering { error: Some("AccessDenied".into()), ..rule("DeleteRule", "rootwatch-other", Severity::Medium) },
    ];
    let text = |changes: &[Tampering]| {
        let alerts: Vec<Alert> = changes.iter().map(|change| of_tampering(change.clone(), &account, now())).collect();
        send(&alerts, None, now(), RUNBOOK).text
    };
    let shown = text(&changes);
    let at = |words: &str| shown.find(words).unwrap_or_else(|| panic!("{words}: {shown}"));
    let order = [
        at("Do first: Start the trail's logging again"),
        at("\n2. Contain: Unless user mallory is yours"),
        at("\n3. Contain: Enable the rule again: `aws events enable-rule --name rootwatch-root --region us-east-1`."),
        at("\n4. Contain: Restore rootwatch-tampering, unless you made this change yourself"),
        at("\n5. Preserve evidence: "),
    ];
    assert!(order.is_sorted(), "{shown}");
    assert!(!shown.contains("Restore rootwatch-other"), "what AWS refused is not undone: {shown}");
    for number in 1..=5 {
        changes.push(rule(&format!("DisableRule{number}"), &format!("rootwatch-{number}"), Severity::High));
    }
    let shown = text(&changes);
    assert_eq!(
        shown.matches("aws events enable-rule").count() + shown.matches("Contain: Restore rootwatch").count(),
        4
    );
    assert!(shown.contains("Contain: Undo 3 more changes of this identity that no step above names."), "{shown}");
}

/// Every kind of alert, alone and under a name.
fn samples() -> Vec<(String, Message)> {
    let account = Snapshot::compliant().account;
    let of_acts = all_activity().into_iter().map(|act| {
        let name = format!("{:?} {:?}", act.kind, act.effect);
        (name, send(&[of_root(&act, &account, now())], None, now(), "https://wiki.example/runbook"))
    });
    let mut samples: Vec<(String, Message)> = of_acts.collect();
    let changes = [
        tampering("arn:aws:iam::111122223333:user/mallory", "StopLogging", "management"),
        tampering("arn:aws:sts::111122223333:assumed-role/Ops/mallory", "DeleteTrail", "management"),
    ];
    for change in changes {
        let alerts = [of_tampering(change.clone(), &account, now())];
        samples.push((change.by, send(&alerts, None, now(), RUNBOOK)));
    }
    let report = report(|snapshot| {
        snapshot.summary_mut().root_access_keys = Ok(1);
        snapshot.root_events.activity =
            gather(vec![sign_in_without_mfa(), new_root_key(), read_only(), failed_sign_in()]);
    });
    samples.push(("a new key".into(), send(&first(&report), Some(&report), report.taken_at, RUNBOOK)));
    for (name, report) in [("fresh", fresh()), ("blind", Report::generate(&Snapshot::blind(), &Settings::default()))] {
        samples.push((name.into(), send(&first(&report), Some(&report), report.taken_at, RUNBOOK)));
    }
    samples.extend(every_condition());
    samples
}

fn first(report: &Report) -> Vec<Alert> {
    let decision = decide(&Memory::default(), report, &Policy::default());
    decision.activity.into_iter().chain(decision.alerts).collect()
}

/// A new account: nothing is set up, root has keys and is used.
fn fresh() -> Report {
    report(|snapshot| {
        no_mfa(snapshot);
        snapshot.summary_mut().root_access_keys = Ok(1);
        snapshot.root().access_keys[0].active = Ok(true);
        snapshot.password_policy = Ok(None);
        snapshot.trails = Ok(Vec::new());
        snapshot.budgets = Ok(Vec::new());
        snapshot.identities = Snapshot::blind().identities;
        snapshot.root_events.activity = gather(vec![read_only()]);
    })
}

/// Every control, fault and notice, opened, reminded of, ended, acknowledged.
fn every_condition() -> Vec<(String, Message)> {
    let account = Snapshot::compliant().account;
    let unavailable = Unavailable {
        source: Source::RootEvents,
        operation: "cloudtrail:LookupEvents in eu-west-1".into(),
        cause: Cause::Denied { code: "AccessDenied".into() },
    };
    let unread = Fault::Unread { source: Source::RootEvents, region: Some("eu-west-1".into()) };
    let faults = CHECKLIST.iter().map(|control| Fault::Control { control: control.id.into() });
    let unjudged = Fault::Unjudged { control: "root-unused".into() };
    let faults = faults.chain([unread, unjudged, Fault::NoSubscriber, Fault::OddItems, Fault::RefusedSettings]);
    let mut samples = Vec::new();
    for fault in faults {
        for transition in [
            Transition::Opened,
            Transition::Changed,
            Transition::Reminder,
            Transition::Resolved,
            Transition::Suppressed,
            Transition::Acknowledged,
            Transition::Dropped,
        ] {
            let failure = Failure {
                severity: Severity::High,
                found: "2 of them, at 2026-11-20T09:15:31Z".into(),
                evidence: Vec::new(),
                resources: vec!["bob".into()],
                count: 1,
                unavailable: matches!(fault, Fault::Unread { .. }).then(|| unavailable.clone()),
            };
            let acknowledged = (transition == Transition::Acknowledged).then(alice);
            let sent = ConditionAlert {
                transition,
                condition: fault.clone(),
                failure,
                opened_at: now() - hours(2),
                unverified_since: None,
                flapping: true,
                exception: None,
                acknowledged,
            };
            let id = format!("111122223333/{}/1", fault.key().replace('#', "/"));
            let alert = Alert {
                id,
                at: now(),
                severity: Severity::High,
                account: account.clone(),
                what: What::Condition(Box::new(sent)),
            };
            samples.push((format!("{fault:?} {transition:?}"), send(&[alert], None, now(), RUNBOOK)));
        }
    }
    let plan = Plan::new(now(), now() + hours(1), "CHG-1", "alice", now()).unwrap();
    let mut notices = vec![announce(&plan, &account, now())];
    let back = What::RootCredentialsBack { credentials: vec!["password".into()] };
    notices.push(Alert { id: "111122223333/back".into(), what: back, ..notices[0].clone() });
    let caught_up = What::CaughtUp { since: now() - hours(9), until: now() };
    notices.push(Alert { id: "111122223333/caught-up".into(), what: caught_up, ..notices[0].clone() });
    notices.push(Alert::unreadable(&account.id, "1#x", now(), "?"));
    samples
        .extend(notices.into_iter().map(|alert| (format!("{:?}", alert.what), send(&[alert], None, now(), RUNBOOK))));
    samples
}

fn alice() -> Acknowledgement {
    Acknowledgement { by: "alice".into(), note: Some("CHG-9".into()), from: now(), until: now() + hours(24) }
}

/// Words that nobody says in the field; the names of fields of the JSON are no words.
/// The word of `tests/words.txt` that `text` has, which `make words` finds in documents and code.
pub(super) fn forbidden(text: &str) -> Option<String> {
    static WORDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let lines = include_str!("../../../../../tests/words.txt").lines();
        let words = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split('\t').next());
        words.map(|word| Regex::new(&format!("(?i){word}")).unwrap()).collect()
    });
    WORDS.iter().find_map(|word| word.find(text)).map(|found| found.as_str().to_owned())
}

/// Every text that a person reads of `message`, but for the words of the controls: those are held by the tests of the checklist.
pub(super) fn texts(message: &Message) -> Vec<String> {
    let notification: Notification = serde_json::from_str(&message.json).unwrap();
    let (slack, chat) = (slack::compose(&notification), chat::compose(&notification));
    let mut texts = vec![message.subject.clone(), message.text.clone()];
    texts.extend(strings(&slack).chain(strings(&chat)).map(str::to_owned));
    texts.push(notification.headline.unwrap_or_default().into());
    let of_control = |control: &&checklist::Control| {
        let steps = control.remediation.console.iter().chain(control.remediation.cli).copied();
        steps.chain([control.rationale, control.title, control.violation]).collect::<Vec<_>>()
    };
    let controls: Vec<&str> = CHECKLIST.iter().flat_map(of_control).collect();
    let without = |text: String| {
        controls.iter().fold(text, |text, words| {
            let shown = words.replace("as root with MFA", "as root");
            let escaped = facts::text::escaped_for_slack(&shown);
            let headline = words::capital(words);
            text.replace(*words, "")
                .replace(&headline, "")
                .replace(&shown, "")
                .replace(&escaped, "")
                .replace(&slack::cut(&escaped, 350), "")
        })
    };
    // Few texts have such a word at all.
    texts.into_iter().map(|text| if forbidden(&text).is_some() { without(text) } else { text }).collect()
}

#[test]
fn no_message_no_runbook_and_no_playbook_says_what_the_field_does_not() {
    assert_eq!(forbidden("Thresholds, a mendacious email"), None);
    assert_eq!(forbidden("It was Told.").as_deref(), Some("Told"));
    for (name, message) in samples() {
        for text in texts(&message) {
            assert_eq!(forbidden(&text), None, "{name}: {text}");
        }
    }
    assert_eq!(forbidden(&crate::runbook()), None);
    assert_eq!(forbidden(&knock().text), None);
}

#[test]
fn an_email_of_one_incident_has_at_most_60_lines_and_no_line_is_wrapped() {
    for (name, message) in samples() {
        let lines = message.text.lines().count();
        assert!(lines <= 60, "{name}: {lines}\n{}", message.text);
        assert!(!message.text.lines().any(|line| line.starts_with(' ')), "{name}: {}", message.text);
    }
}

#[test]
fn the_first_twelve_lines_of_an_incident_suffice() {
    for act in all_activity().into_iter().filter(RootActivity::is_told) {
        let (kind, severity) = (act.kind, act.severity);
        let message =
            send(&[of_root(&act, &Snapshot::compliant().account, now())], None, now(), "https://wiki.example/runbook");
        let top: Vec<&str> = message.text.lines().take(12).collect();
        assert!(top[0].starts_with(&format!("{severity}: ")), "{kind:?}: {top:#?}");
        for name in [
            "Account: acme-prod (111122223333)",
            "Who: ",
            "When: ",
            "From: ",
            "Do first: ",
            "Event: https://",
            "Report: https://",
        ] {
            assert!(top.iter().any(|line| line.starts_with(name)), "{kind:?}: {name}: {top:#?}");
        }
        assert!(top.iter().any(|line| line.starts_with("Runbook: https://wiki.example/runbook#")), "{kind:?}");
        assert!(
            kind == Kind::SignInFailed || kind == Kind::ReadOnlyCall || top.iter().any(|line| line.contains("MFA"))
        );
        assert!(top.iter().any(|line| line.starts_with("When: ") && line.ends_with(" ago)")), "{top:#?}");
    }
    for (name, message) in every_condition() {
        let top: Vec<&str> = message.text.lines().take(12).collect();
        assert!(top.iter().any(|line| line.starts_with("Account: ")), "{name}");
        assert!(top.contains(&"Sent to: 2 confirmed email subscribers, Slack"), "{name}: {top:#?}");
        let is_open = [" Opened", " Changed", " Reminder"].iter().any(|end| name.ends_with(end));
        assert!(!is_open || top.iter().any(|line| line.starts_with("Do first: ")), "{name}: {top:#?}");
    }
}

#[test]
fn what_opens_or_is_reminded_of_says_how_to_acknowledge_it_in_email_and_slack() {
    for (name, message) in every_condition() {
        let is_open = [" Opened", " Changed", " Reminder"].iter().any(|end| name.ends_with(end));
        let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
        let id = json["alerts"][0]["id"].as_str().unwrap();
        let command = format!("./rootwatch ack {id} YOUR_NAME 24");
        let event = format!(r#"{{"acknowledge": {{"alert": "{id}", "by": "you", "hours": 24, "note": "ticket"}}}}"#);
        assert_eq!(message.text.contains(&format!("{command}\n")), is_open, "{name}: {}", message.text);
        assert_eq!(message.text.contains(&event), is_open, "{name}");
        assert!(serde_json::from_str::<serde_json::Value>(&event).is_ok());
        let notification: Notification = serde_json::from_str(&message.json).unwrap();
        assert_eq!(slack::compose(&notification).to_string().contains(&command), is_open, "{name}");
    }
}

#[test]
fn an_acknowledgement_is_named_with_its_end_and_in_the_digest_too() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    story.run(QUARTER, no_mfa).mail();
    let condition: &mut Condition = story.memory.conditions.get_mut("root-mfa").unwrap();
    let until = story.snapshot.taken_at + hours(48);
    condition.acknowledged = Some(Acknowledgement { until, ..alice() });
    story.run(hours(24), |_| {});
    story.waiting.retain(|alert| alert.digest().is_some());
    let text = story.mail().text;
    assert!(text.contains(", acknowledged by alice until 2026-11-22 10:15:00 UTC"), "{text}");
    let sent = every_condition().into_iter().find(|(name, _)| name.contains("root-mfa\" } Acknowledged")).unwrap().1;
    let said = "ACKNOWLEDGED by alice until 2026-11-21 09:30:00 UTC: root has no MFA. Reminders stop; it alerts again if it gets worse.";
    assert!(sent.text.contains(said), "{}", sent.text);
}

#[test]
fn no_message_prints_a_path_that_leads_nowhere() {
    for (name, message) in samples() {
        for text in texts(&message) {
            for path in ["docs/", "CONTROLS.md", "github.com/", ".rs"] {
                assert!(!text.contains(path), "{name}: {path} in {text}");
            }
        }
    }
}

// Playbooks.

fn assert_ordered(steps: &[Step], what: &str) {
    assert!(steps.is_sorted_by_key(|step| step.phase), "{what}");
    for (number, step) in steps.iter().enumerate() {
        let text = step.text;
        assert!(text.ends_with(['.', '}']), "{what}: {text}");
        assert!(!steps[..number].contains(step), "{what}: twice: {text}");
        // Nothing is deleted before it is exported, and nothing before it was stopped.
        let is_deleting = ["Delete ", "delete every", "Remove "].iter().any(|word| text.starts_with(word));
        assert!(!is_deleting || step.phase >= Phase::Eradicate, "{what}: {text}");
        assert!(step.phase != Phase::Contain || !text.to_lowercase().contains("find out who uses"), "{what}: {text}");
        // Root may have no MFA; a device is registered, not taken for granted.
        assert!(!text.contains("with MFA, open") && !text.contains("Sign in as root with MFA"), "{what}: {text}");
        for vague in ["take the next steps", "do whatever", "as needed"] {
            assert!(!text.to_lowercase().contains(vague), "{what}: {text}");
        }
    }
    let place = |words: &str| steps.iter().position(|step| step.text.contains(words));
    if let Some(reset) = place("Reset the root password") {
        assert!(place("Secure root's mailbox").is_some_and(|mailbox| mailbox < reset), "{what}: the mailbox first");
    }
    let deletes = steps.iter().position(|step| step.phase == Phase::Eradicate);
    let exports = steps.iter().position(|step| step.phase == Phase::Preserve);
    assert!(deletes.is_none() || exports.is_some_and(|exports| Some(exports) < deletes), "{what}: export first");
}

#[test]
fn every_playbook_is_in_order_and_contradicts_itself_nowhere() {
    let mut playbooks: Vec<(String, Vec<Step>)> = all_activity()
        .into_iter()
        .map(|act| (format!("{:?} {:?}", act.kind, act.effect), act.words().playbook()))
        .collect();
    playbooks.extend(all_activity().into_iter().map(|act| {
        let refused = RootActivity { error: Some("AccessDenied".into()), ..act };
        (format!("refused {:?}", refused.kind), refused.words().playbook())
    }));
    playbooks.push(("tampering".into(), TAMPERED.to_vec()));
    for (words, _) in notices::ALL {
        let common = if words.is_compromise { COMPROMISED } else { &[] };
        let mut steps: Vec<Step> = words.steps.iter().chain(common).copied().collect();
        steps.sort_by_key(|step| step.phase);
        playbooks.push((words.heading.into(), steps));
    }
    assert!(playbooks.len() > 50);
    for (what, steps) in &playbooks {
        // What needs no deletion needs no export either.
        assert_ordered(steps, what);
    }
    for what in ["Contain", "Regain access", "Preserve evidence", "Eradicate", "Recover", "Learn"] {
        assert!(COMPROMISED.iter().any(|step| step.phase.words() == what), "{what}");
    }
    let all: String = COMPROMISED.iter().map(|step| step.text).collect();
    for thing in [
        "access key",
        "certificate",
        "MFA device",
        "IAM users",
        "roles",
        "trust policies",
        "GetFederationToken",
        "support cases",
        "billing contacts",
        "mailbox",
        "AWS Support",
    ] {
        assert!(all.contains(thing), "{thing}");
    }
}

#[test]
fn a_playbook_has_the_values_of_its_event_and_nothing_hostile_in_its_commands() {
    let account = Snapshot::compliant().account;
    let text = |act: RootActivity| send(&[of_root(&act, &account, now())], None, now(), RUNBOOK).text;
    let key = text(act(Kind::RootAccessKeyCreated));
    assert!(
        key.contains("\nDo first: Deactivate root access key AKIAEXAMPLE000000001, and do not delete it yet"),
        "{key}"
    );
    assert!(key.contains("`aws iam delete-access-key --access-key-id AKIAEXAMPLE000000001`"), "{key}");
    assert!(key.contains("--start-time 2026-11-19T09:15:31Z --region us-east-1 > root-us-east-1.json`"), "{key}");
    let user = text(act(Kind::UserAccessKeyCreated));
    let command = "`aws iam update-access-key --user-name bob --access-key-id AKIAEXAMPLE000000007 --status Inactive`";
    assert!(user.contains(command), "{user}");
    let trail = text(act(Kind::WatchTampered));
    let command = "`aws cloudtrail start-logging --name arn:aws:cloudtrail:us-east-1:111122223333:trail/management --region us-east-1`";
    assert!(trail.contains(&format!("\nDo first: Start the trail's logging again: {command}")), "{trail}");
    for hostile in [
        "AKIA; rm -rf ~ of user bob`id`",
        "-x of user --help",
        "$(id) of user a&b",
        "evil.example of user www.evil.example",
    ] {
        let act =
            RootActivity { target: Some(hostile.into()), region: "x y".into(), ..act(Kind::UserAccessKeyCreated) };
        let text = text(act);
        let commands: Vec<&str> =
            text.split('`').skip(1).step_by(2).filter(|command| command.starts_with("aws ")).collect();
        assert!(!commands.is_empty());
        for command in commands {
            assert!(!command.contains(['$', ';', '&', '|', '\n']), "{command}");
            assert!(!command.contains("rm") && !command.contains("--help") && !command.contains("evil"), "{command}");
        }
    }
    let member = text(act(Kind::SignInSucceeded));
    assert!(member.contains("In a member account, attach an SCP"), "nothing is known of the organization: {member}");
}

#[test]
fn of_several_alternatives_only_the_one_that_applies_is_shown() {
    let sent = |change: fn(&mut Snapshot)| {
        let report = report(|snapshot| {
            change(snapshot);
            snapshot.root_events.activity = vec![sign_in_without_mfa()];
        });
        send(&first(&report), Some(&report), report.taken_at, RUNBOOK).text
    };
    let alone = sent(|_| {});
    assert!(!alone.contains("SCP that denies everything"), "no service control policy binds this root: {alone}");
    let member = sent(|snapshot| {
        let organization = snapshot.organization.as_mut().unwrap().as_mut().unwrap();
        organization.management_account = AccountId::parse("999988887777").unwrap();
    });
    let step = "End root's sessions: from the management account, attach an SCP that denies everything to arn:aws:iam::111122223333:root.";
    assert!(member.contains(step) && !member.contains("In a member account"), "{member}");
    let policy = compose(|snapshot| snapshot.password_policy = Ok(None)).text;
    assert_eq!(policy.matches("$ aws iam update-account-password-policy").count(), 1, "the profile in force: {policy}");
}

#[test]
fn what_an_incident_caused_is_folded_under_it_and_not_explained_again() {
    let message = compose(|snapshot| {
        no_mfa(snapshot);
        snapshot.summary_mut().root_access_keys = Ok(1);
        snapshot.root_events.activity = gather(vec![sign_in_without_mfa(), new_root_key()]);
    });
    let text = &message.text;
    let opened = "Opened: root-access-keys (CRITICAL), root-mfa (CRITICAL), root-unused (HIGH)";
    assert!(text.lines().take(12).any(|line| line == opened), "{text}");
    assert_eq!(text.matches("\nWhy: ").count(), 1, "{text}");
    assert!(!text.contains("Found: ") && !text.contains("Assign MFA device and pick"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    assert_eq!(json["alerts"].as_array().unwrap().len(), 3, "programs get each");
}

#[test]
fn the_first_email_of_a_fresh_account_has_five_steps_three_findings_and_a_link() {
    let report = fresh();
    let message = send(&first(&report), Some(&report), report.taken_at, RUNBOOK);
    let text = &message.text;
    insta::assert_snapshot!("the_email_of_a_fresh_account", format!("Subject: {}\n\n{text}", message.subject));
    assert!(text.contains("\nFIVE STEPS\n1. Root access keys are deleted: FAILED\n"), "{text}");
    assert_eq!(text.matches("\nFound: ").count(), 3, "the three worst: {text}");
    assert!(text.contains("\n- 3 MEDIUM: "), "the rest is counted: {text}");
    assert!(text.contains(&format!("\nReport: {LINKS}\n")), "{text}");
    for finding in report.findings.iter().filter(|finding| finding.status == facts::Status::Failed) {
        assert!(text.contains(finding.control), "{}: {text}", finding.control);
    }
}

#[test]
fn each_severity_of_the_runbook_is_that_of_its_event() {
    for act in [sign_in_without_mfa(), failed_sign_in(), new_root_key(), read_only()] {
        let severity = crate::message::runbook::severity(act.kind);
        assert!(severity.contains(&act.severity.to_string()), "{:?}: {severity}", act.kind);
    }
}

#[test]
fn in_a_session_of_many_actions_everything_is_contained_before_anything_is_deleted() {
    let account = Snapshot::compliant().account;
    let all = [Kind::RootAccessKeyCreated, Kind::UserAccessKeyCreated, Kind::RootSigningCertificateCreated];
    let granted = effect(Effect::AccessGranted);
    let acts = all.into_iter().map(act).chain([granted]).zip(1..);
    let acts = acts.map(|(act, number)| RootActivity { event_id: format!("0000-{number}"), ..act });
    let alerts: Vec<Alert> = acts.map(|act| of_root(&act, &account, now())).collect();
    let text = send(&alerts, None, now(), RUNBOOK).text;
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
    let delete = place("Eradicate: Delete");
    for stop in [
        "Deactivate root access key",
        "Deactivate access key",
        "Deactivate signing certificate",
        "Take the access back",
    ] {
        assert!(place(stop) < delete, "{stop}: {text}");
    }
    assert!(
        place("Export root's events") < delete && text.contains(" more steps)"),
        "what is left out is counted: {text}"
    );
    assert_eq!(text.matches("Secure root's mailbox").count(), 1);
    assert!(text.lines().count() <= 60, "{text}");
}

#[test]
fn of_several_alternatives_only_those_of_the_finding_are_shown() {
    let control = checklist::controls::control("alert-path").unwrap();
    let steps = |found: &str, resources: &[&str]| {
        let mut story = super::bulletins::Story::new();
        story.run(super::bulletins::QUARTER, super::bulletins::no_mfa);
        let What::Condition(update) = &story.waiting[0].what else { panic!("a condition") };
        let failure = alerts::Failure {
            found: found.into(),
            resources: resources.iter().map(|name| (*name).to_owned()).collect(),
            ..update.failure.clone()
        };
        let update = alerts::ConditionAlert { failure, ..(**update).clone() };
        let (steps, commands) = super::super::playbook::of_control(control, &update);
        let steps: Vec<String> = steps
            .into_iter()
            .map(|step| step.text)
            .filter(|text| text.starts_with("If a") || text.starts_with("If no") || text.starts_with("If there"))
            .collect();
        (steps, commands.join("\n"))
    };
    let begins = |steps: &[String], expected: &[&str]| {
        assert_eq!(steps.len(), expected.len(), "{steps:?}");
        assert!(steps.iter().zip(expected).all(|(step, begin)| step.starts_with(begin)), "{steps:?}");
    };
    let trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/management";
    let (shown, commands) = steps("No working trail records write management events in us-east-1", &[trail]);
    begins(&shown, &["If a trail does not qualify"]);
    let start = format!("aws cloudtrail start-logging --name {trail} --region eu-west-1");
    assert!(commands.contains(&start) && !commands.contains("<rule>"), "{commands}");
    let (shown, _) = steps("No working trail records write management events in us-east-1", &["no trail of us-east-1"]);
    begins(&shown, &["If there is no trail"]);
    let (shown, commands) = steps("Rule rootwatch-root in us-east-1 is disabled; no subscription is confirmed", &[]);
    begins(&shown, &["If a rule", "If no subscription"]);
    assert!(commands.contains("<rule>"), "{commands}");
    let (shown, _) = steps("Something that no step names", &[]);
    assert_eq!(shown.len(), 7, "where none fits, all are shown");
}

#[test]
fn an_alert_id_that_an_email_client_would_make_a_link_of_is_in_no_command() {
    let shown = |ids: &[&str]| {
        crate::message::acknowledging::Acknowledge::with(ids.to_vec(), None).map(|acknowledge| acknowledge.command)
    };
    let forged = ["https://evil.example/login", "www.evil.example/1", "x y", "`id`"];
    assert_eq!(shown(&forged), None);
    let plain = shown(&[forged[0], "111122223333/root-mfa/1"]);
    assert_eq!(plain.as_deref(), Some("./rootwatch ack 111122223333/root-mfa/1 YOUR_NAME 24"));
}
