//! The message of one run over an organization: the first lines suffice, nothing is hidden, and it fits.

use std::collections::BTreeMap;

use alerts::{Condition, ConditionAlert, Failure, Fault, Transition, What, follow};
use facts::Severity;
use facts::account::Partition;
use members::{
    Audited, Cause, Cell, Coverage, Found, Group, Member, Outcome, Refusal, Row, Run, Skip, group, moves, observe,
    open, unaudited,
};
use serde_json::Value;

use super::bulletins::{at, hours, section, shown};
use super::chats::{chat_faults, drawn, faults, read, strings};
use super::*;

const HOSTILE: &str = "<script>alert(1)</script> <!channel> https://evil.example \u{202e}gro";

fn now() -> Timestamp {
    at("2026-11-20T10:00:00Z")
}

fn home() -> Account {
    let id = AccountId::parse("111122223333").unwrap();
    Account { id, alias: Some("acme-security".into()), partition: Partition::Aws }
}

fn member(number: usize, name: &str) -> Member {
    Member::new(AccountId::parse(&format!("{number:012}")).unwrap(), name, None, "ACTIVE")
}

fn audited(number: usize, name: &str, open: &[(&str, Severity)]) -> Row {
    let open =
        open.iter().map(|(control, severity)| Found { control: (*control).into(), severity: *severity, since: now() });
    let audited = Audited {
        at: now(),
        whole_at: now(),
        steps: [Cell::Passed; 5],
        root: None,
        open: open.collect(),
        unknown: Vec::new(),
    };
    Row { member: member(number, name), outcome: Outcome::Audited(Box::new(audited)), waiting: 0 }
}

fn refused(number: usize, name: &str, cause: Cause, last_audited: Option<Timestamp>) -> Row {
    let said = match cause {
        Cause::ServiceControlPolicy => "iam:GetAccountSummary: AccessDenied: explicit deny in a service control policy",
        _ => "sts:AssumeRoot: AccessDenied: https://evil.example",
    };
    let refusal = Refusal { cause, said: said.into(), since: now(), runs: 1, last_audited };
    Row { member: member(number, name), outcome: Outcome::Refused(refusal), waiting: 0 }
}

fn skipped(number: usize, name: &str, why: Skip) -> Row {
    Row { member: member(number, name), outcome: Outcome::Skipped { why }, waiting: 0 }
}

fn alert(
    row: &Row,
    control: &str,
    transition: Transition,
    severity: Severity,
    opened_at: Timestamp,
) -> (Member, Alert) {
    let update = ConditionAlert {
        transition,
        condition: Fault::Control { control: control.into() },
        failure: Failure::new(severity, "found"),
        opened_at,
        unverified_since: None,
        flapping: false,
        exception: None,
        acknowledged: None,
    };
    let severity = if transition == Transition::Resolved { Severity::Informational } else { severity };
    let account = Account { id: row.member.account.clone(), alias: None, partition: Partition::Aws };
    let id = format!("{}/{control}/1", row.member.account);
    (row.member.clone(), Alert { id, at: now(), severity, account, what: What::Condition(Box::new(update)) })
}

/// What `conclude` makes of `rows` after `before`.
fn run(
    before: &[Row],
    rows: &[Row],
    alerts: &[(Member, Alert)],
    fault: Option<&str>,
    known: &BTreeMap<String, Condition>,
) -> Run {
    let seen = observe(fault, rows);
    let (organization_alerts, _) = follow(known, &seen, &home(), now(), &Policy::default());
    let mut skipped = BTreeMap::new();
    for row in rows {
        if let Outcome::Skipped { why } = row.outcome {
            *skipped.entry(why).or_default() += 1;
        }
    }
    Run {
        organization: "o-exampleorg".into(),
        run: "2026-11-20T10-00-00Z-5f1c".into(),
        is_first: before.is_empty(),
        is_digest: false,
        coverage: Coverage::of(rows),
        organization_alerts,
        groups: group(alerts.iter().map(|(member, alert)| (member, alert))),
        open: open(rows),
        unaudited: unaudited(rows),
        skipped,
        moves: moves(before, rows),
    }
}

fn of_run(run: &Run) -> Option<Message> {
    let links = Links::of("eu-west-1", None, Some("rootwatch"));
    Message::of_run(&RunBulletin {
        run,
        home: &home(),
        at: now(),
        runbook: RUNBOOK,
        links: Some(&links),
        recipients: Some(Recipients { email: 2, slack: true, ..Recipients::default() }),
        repeats_possible: false,
    })
}

fn message(run: &Run) -> Message {
    let message = of_run(run).expect("something to send");
    assert!((1..100).contains(&message.subject.len()), "{}", message.subject);
    assert!(message.subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{}", message.subject);
    assert!(message.text.len() <= MAX_EMAIL_BYTES, "{}", message.text.len());
    assert!(message.by_protocol().len() <= MAX_BYTES, "{}", message.by_protocol().len());
    assert!(!message.text.chars().any(|char| facts::text::is_unprintable(char) && char != '\n'));
    assert!(!message.text.contains("://evil") && !message.text.contains("evil.example"), "{}", message.text);
    assert!(read(&message).organization.is_some());
    let (slack, chat) = delivered(&message);
    assert_eq!((faults(&slack), chat_faults(&chat)), (Vec::new(), Vec::new()));
    let all: String = strings(&slack).chain(strings(&chat)).collect::<Vec<_>>().join("\n");
    assert!(!all.contains("<!channel>") && !all.contains("<script>") && !all.contains("://evil"), "{all}");
    message
}

fn delivered(message: &Message) -> (Value, Value) {
    let delivery = Delivery { subject: Some(&message.subject), body: &message.json, sent_at: None, now: now() };
    (delivery.for_slack(), delivery.for_chat())
}

const CRITICAL: Severity = Severity::Critical;

/// Twelve accounts: a key, two without MFA, one that an SCP keeps closed, one suspended, and the own one.
fn first() -> Run {
    let mut rows: Vec<Row> = (1..=7).map(|number| audited(number, &format!("acme-team-{number}"), &[])).collect();
    rows.push(audited(8, "acme-prod", &[("root-access-keys", CRITICAL)]));
    rows.push(audited(9, HOSTILE, &[("root-mfa", CRITICAL)]));
    rows.push(audited(10, "", &[("root-mfa", CRITICAL)]));
    rows.push(refused(11, "acme-vault", Cause::ServiceControlPolicy, None));
    rows.push(skipped(12, "acme-old", Skip::Suspended));
    let found = [(7, "root-access-keys"), (8, "root-mfa"), (9, "root-mfa")];
    let alerts = found.map(|(at, control)| alert(&rows[at], control, Transition::Opened, CRITICAL, now()));
    run(&[], &rows, &alerts, None, &BTreeMap::new())
}

/// A new key, one resolved, one that joined, one that left, and one that was audited and is refused now.
fn second() -> Run {
    let before: Vec<Row> = (1..=7).map(|number| audited(number, &format!("acme-team-{number}"), &[])).collect();
    let mut rows = before[1..].to_vec();
    rows[0] = audited(2, "acme-team-2", &[("root-access-keys", CRITICAL)]);
    rows[1] = audited(3, "acme-team-3", &[("root-mfa", CRITICAL)]);
    rows[2] = refused(4, "acme-team-4", Cause::Denied, Some(now() - hours(6)));
    rows.push(audited(8, "acme-new", &[]));
    let alerts = [
        alert(&rows[0], "root-access-keys", Transition::Opened, CRITICAL, now()),
        alert(&rows[3], "root-mfa", Transition::Resolved, CRITICAL, now() - hours(30)),
    ];
    run(&before, &rows, &alerts, None, &BTreeMap::new())
}

fn faulty() -> Run {
    let before: Vec<Row> = (1..=9).map(|number| audited(number, &format!("acme-team-{number}"), &[])).collect();
    let lost = |row: &Row| {
        let outcome = Outcome::NotLookedAt { error: "the run was skipped".into(), last_audited: row.last_audited() };
        Row { outcome, ..row.clone() }
    };
    let rows: Vec<Row> = before.iter().map(lost).collect();
    let fault =
        "central root access is not enabled: iam:ListOrganizationsFeatures answered no RootCredentialsManagement";
    run(&before, &rows, &[], Some(fault), &BTreeMap::new())
}

/// 10,000 accounts, 300 refused, 60 with the same finding since different times.
fn large() -> Run {
    let before: Vec<Row> =
        (1..=10_000).map(|number| audited(number, &format!("acme-workload-{number}"), &[])).collect();
    let mut rows = before.clone();
    for row in &mut rows[..300] {
        row.outcome = refused(1, "", Cause::ServiceControlPolicy, None).outcome;
    }
    let mut alerts = Vec::new();
    for number in 1_000..1_060 {
        rows[number] = audited(number + 1, &format!("acme-workload-{number}"), &[("root-mfa", CRITICAL)]);
        let opened = now() - SignedDuration::from_mins(i64::try_from(number).unwrap());
        alerts.push(alert(&rows[number], "root-mfa", Transition::Reminder, CRITICAL, opened));
    }
    run(&before, &rows, &alerts, None, &BTreeMap::new())
}

fn all_of(message: &Message) -> String {
    format!("{}\n\n{}", shown(message), drawn(&delivered(message).0))
}

#[test]
fn the_first_run_over_an_organization_is_one_digest() {
    let message = message(&first());
    assert_eq!(
        message.subject,
        "[rootwatch] DIGEST: CRITICAL: root has no MFA in 2 accounts of o-exampleorg (1 not audited)"
    );
    insta::assert_snapshot!("the_first_run_over_an_organization", all_of(&message));
}

#[test]
fn a_later_run_has_only_what_changed() {
    let message = message(&second());
    insta::assert_snapshot!("a_later_run_over_an_organization", all_of(&message));
}

#[test]
fn a_fault_of_the_organization_is_one_alert() {
    let message = message(&faulty());
    assert_eq!(
        message.subject,
        "[rootwatch] CRITICAL: the organization cannot be audited of o-exampleorg (9 not audited)"
    );
    insta::assert_snapshot!("an_organization_that_cannot_be_audited", all_of(&message));
}

#[test]
fn ten_thousand_accounts_of_which_300_refuse_are_one_bounded_message() {
    let message = message(&large());
    assert!(message.text.len() < 16 * 1024, "{} bytes", message.text.len());
    assert!(message.json.len() < 32 * 1024, "{} bytes", message.json.len());
    assert_eq!(message.text.matches("acme-workload-").count(), 5 + 40 + 40, "{}", message.text);
    assert!(message.text.contains("- and 20 more\n") && message.text.contains(", and 260 more\n"), "{}", message.text);
    insta::assert_snapshot!("ten_thousand_accounts", all_of(&message));
}

#[test]
fn a_run_without_news_is_no_message_and_a_digest_without_findings_says_so() {
    let rows: Vec<Row> = (1..=3).map(|number| audited(number, "a", &[])).collect();
    let mut run = run(&rows, &rows, &[], None, &BTreeMap::new());
    assert_eq!(of_run(&run), None);
    run.is_digest = true;
    assert_eq!(message(&run).subject, "[rootwatch] DIGEST: no open findings of o-exampleorg (3 audited)");
}
