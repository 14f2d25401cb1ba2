//! The message of one run over an organization: the first lines suffice, nothing is hidden, and it fits.

use std::collections::BTreeMap;

use alerts::{Condition, ConditionAlert, Failure, Fault, Transition, What, follow};
use facts::Severity;
use facts::account::Partition;
use members::{Audited, ByRole, Cause, Cell, Found, Member, Outcome, Refusal, Row, Run, Skip, group, moves, observe};
use serde_json::Value;

use super::bulletins::{at, hours, section, shown};
use super::chats::{chat_faults, drawn, faults, read, strings};
use super::rules::{forbidden, texts};
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
        is_stale: false,
        by_role: None,
        declared: None,
    };
    Row::new(member(number, name), Outcome::Audited(Box::new(audited)))
}

fn refused(number: usize, name: &str, cause: Cause, last_audited: Option<Timestamp>) -> Row {
    let said = match cause {
        Cause::ServiceControlPolicy => "iam:GetAccountSummary: AccessDenied: explicit deny in a service control policy",
        _ => "sts:AssumeRoot: AccessDenied: https://evil.example",
    };
    let refusal = Refusal { cause, said: said.into(), since: now(), runs: 1, last_audited, deep_at: None };
    Row::new(member(number, name), Outcome::Refused(refusal))
}

fn skipped(number: usize, name: &str, why: Skip) -> Row {
    Row::new(member(number, name), Outcome::Skipped { why })
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
    let seen = observe(fault, rows, None);
    let (organization_alerts, _) = follow(known, &seen, &home(), now(), &Policy::default());
    Run {
        is_first: before.is_empty(),
        organization_alerts,
        groups: group(alerts.iter().map(|(member, alert)| (member, alert))),
        moves: moves(before, rows, |_| true),
        ..Run::of("o-exampleorg", "2026-11-20T10-00-00Z-5f1c", rows)
    }
}

fn of_run(run: &Run) -> Option<Message> {
    let links = Links::of("eu-west-1", None, Some(("rootwatch", "rootwatch")));
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
        let outcome = Outcome::NotLookedAt {
            error: "the run was skipped".into(),
            last_audited: row.last_audited(),
            deep_at: None,
        };
        Row { outcome, ..row.clone() }
    };
    let rows: Vec<Row> = before.iter().map(lost).collect();
    let fault =
        "central root access is not enabled: iam:ListOrganizationsFeatures answered no RootCredentialsManagement";
    run(&before, &rows, &[], Some(fault), &BTreeMap::new())
}

/// What of an account could not be read is no all-clear.
#[test]
fn accounts_that_were_audited_in_part_leave_the_run_incomplete() {
    let mut rows: Vec<Row> = (1..=3).map(|number| audited(number, &format!("acme-team-{number}"), &[])).collect();
    if let Outcome::Audited(audited) = &mut rows[1].outcome {
        audited.unknown.push("root-mfa".into());
    }
    let run = Run { is_digest: true, ..run(&rows, &rows, &[], None, &BTreeMap::new()) };
    let message = message(&run);
    assert!(message.subject.contains("INCOMPLETE: 1 account audited in part"), "{}", message.subject);
    assert!(message.text.contains("INCOMPLETE: 3 accounts: 3 audited (1 in part), 0 refused"), "{}", message.text);
    let (slack, _) = delivered(&message);
    assert!(slack.to_string().contains('\u{2753}'), "{slack}");
}

/// Of an account without its role root's credentials are known, and of a refused one nothing is.
#[test]
fn accounts_without_the_member_role_are_listed_as_audited_in_part() {
    let mut rows: Vec<Row> = (1..=3).map(|number| audited(number, &format!("acme-team-{number}"), &[])).collect();
    if let Outcome::Audited(audited) = &mut rows[1].outcome {
        let missing = Refusal {
            cause: Cause::RoleMissing,
            said: "sts:AssumeRole (AccessDenied): no".into(),
            since: now(),
            runs: 1,
            last_audited: None,
            deep_at: None,
        };
        audited.by_role = Some(Box::new(ByRole { deep_at: Some(now()), missing: Some(missing) }));
    }
    let in_part = "Of these accounts, root's credentials alone are known: this is no all-clear.";
    let text = message(&run(&rows, &rows, &[], None, &BTreeMap::new())).text;
    assert!(text.contains(in_part) && text.contains("3 audited (1 in part), 0 refused"), "{text}");
    assert!(text.contains("- 1 account, audited before: the member role cannot be used"), "{text}");
    rows[2] = refused(3, "acme-team-3", Cause::Throttled, None);
    let text = message(&run(&rows, &rows, &[], None, &BTreeMap::new())).text;
    assert!(text.contains("Nothing is known of the root users of these accounts, or only their credentials"), "{text}");
    assert!(text.contains("- 1 account: throttled"), "one that may pass is counted beside it: {text}");
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
    for (number, row) in rows.iter_mut().enumerate().take(1_060).skip(1_000) {
        *row = audited(number + 1, &format!("acme-workload-{number}"), &[("root-mfa", CRITICAL)]);
        let opened = now() - SignedDuration::from_mins(i64::try_from(number).unwrap());
        alerts.push(alert(row, "root-mfa", Transition::Reminder, CRITICAL, opened));
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
        "[rootwatch] DIGEST: CRITICAL: root has an access key in 1 account of o-exampleorg (1 not audited)"
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
        "[rootwatch] CRITICAL: the organization cannot be audited: o-exampleorg (9 not audited)"
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
    assert_eq!(message(&run).subject, "[rootwatch] DIGEST: no open findings in o-exampleorg (3 audited)");
}

/// As an older version reads it: without the field.
#[test]
fn a_reader_that_does_not_know_the_field_still_shows_subject_and_status_and_says_that_it_lacks_the_rest() {
    for run in [first(), second(), faulty(), large()] {
        let message = message(&run);
        let mut json: Value = serde_json::from_str(&message.json).unwrap();
        for organization in [None, Some(Value::Null), Some(serde_json::json!({"organization": 7, "news": []}))] {
            let fields = json.as_object_mut().unwrap();
            fields.shift_remove("organization");
            fields.extend(organization.map(|organization| ("organization".to_owned(), organization)));
            let other = Message { json: json.to_string(), ..message.clone() };
            let (slack, chat) = delivered(&other);
            assert_eq!((faults(&slack), chat_faults(&chat)), (Vec::new(), Vec::new()));
            let all = drawn(&slack);
            let subject = message.subject.strip_prefix("[rootwatch] ").unwrap();
            assert!(all.contains(subject) && all.contains("INCOMPLETE: "), "{all}");
            assert!(all.contains("the email has them") && !all.contains("Not from rootwatch"), "{all}");
        }
    }
}

#[test]
fn no_message_of_an_organization_has_a_word_that_the_field_does_not_say_or_a_wrapped_line() {
    for run in [first(), second(), faulty(), large()] {
        let message = message(&run);
        for text in texts(&message) {
            assert_eq!(forbidden(&text), None, "{text}");
        }
        assert!(!message.text.lines().any(|line| line.starts_with(' ')), "{}", message.text);
    }
}

#[test]
fn messages_of_one_account_have_no_organization() {
    let message = compose(|snapshot| snapshot.summary_mut().root_mfa = Ok(0));
    assert!(message.json.contains("\"organization\":null") && read(&message).organization.is_none());
}

#[test]
fn the_first_twelve_lines_say_what_is_wrong_where_since_when_and_what_to_do() {
    for run in [first(), second(), faulty(), large()] {
        let text = message(&run).text;
        let top: Vec<&str> = text.lines().take(12).collect();
        let has = |begin: &str| assert!(top.iter().any(|line| line.starts_with(begin)), "{begin}: {text}");
        for field in [
            "Organization: o-exampleorg, audited from account acme-security (111122223333)",
            "Status: INCOMPLETE: ",
            "Do first: ",
            "Runbook: ",
            "Sent to: ",
        ] {
            has(field);
        }
        assert!(top[0].contains("CRITICAL: "), "{text}");
    }
    // A second critical finding is not hidden by the first.
    assert!(
        message(&first())
            .text
            .lines()
            .take(12)
            .any(|line| line.contains("root has an access key in acme-prod (000000000008)"))
    );
}

#[test]
fn what_was_not_seen_never_reads_as_well() {
    let rows = |last: Row| vec![audited(1, "a", &[]), audited(2, "b", &[]), last];
    let before = rows(audited(3, "c", &[]));
    let not_seen = [
        refused(3, "c", Cause::Denied, Some(now())),
        refused(3, "c", Cause::Throttled, Some(now())),
        Row {
            outcome: Outcome::NotLookedAt { error: "States.Timeout".into(), last_audited: None, deep_at: None },
            ..before[2].clone()
        },
    ];
    for row in not_seen {
        let mut run = run(&before, &rows(row), &[], None, &BTreeMap::new());
        run.organization_alerts.clear();
        run.is_digest = true;
        let message = message(&run);
        assert_eq!(message.subject, "[rootwatch] DIGEST: INCOMPLETE: 1 of 3 accounts not audited in o-exampleorg");
        assert!(
            message.text.contains("Status: INCOMPLETE: ") && message.text.contains("\nNOT AUDITED\n"),
            "{}",
            message.text
        );
        let slack = drawn(&delivered(&message).0);
        assert!(slack.contains("[❓ DIGEST") && slack.contains("NOT AUDITED") && !slack.contains('✅'), "{slack}");
    }
}

#[test]
fn a_digest_leads_with_the_worst_that_is_open_and_names_it() {
    let rows = [
        audited(1, "a", &[("root-mfa", CRITICAL)]),
        audited(2, "b", &[]),
        audited(3, "c", &[("root-unused", Severity::High)]),
    ];
    let resolved = [alert(&rows[1], "root-mfa", Transition::Resolved, CRITICAL, now() - hours(2))];
    let mut run = run(&rows, &rows, &resolved, None, &BTreeMap::new());
    let later = message(&run);
    assert_eq!(later.subject, "[rootwatch] RESOLVED: Root has MFA in b (000000000002) of o-exampleorg (3 audited)");
    assert!(later.text.contains("; 2 open findings, the worst CRITICAL."), "{}", later.text);
    assert!(section(&later.text, "ALL OPEN FINDINGS").contains("- CRITICAL: root has no MFA in 1 account (root-mfa)"));
    run.is_digest = true;
    let digest = message(&run);
    assert_eq!(
        digest.subject,
        "[rootwatch] DIGEST: CRITICAL: root has no MFA in a (000000000001) of o-exampleorg (3 audited)"
    );
    let open = section(&digest.text, "ALL OPEN FINDINGS");
    assert!(open.contains("root has no MFA in 1 account (root-mfa): a (000000000001)"), "{open}");
    assert!(open.contains("HIGH: root was used recently in 1 account (root-unused): c (000000000003)"), "{open}");
    assert!(drawn(&delivered(&digest).0).contains("• `a` (000000000001)"));
}

#[test]
fn an_account_that_left_is_not_called_resolved() {
    let before = [audited(1, "a", &[("root-mfa", CRITICAL)]), audited(2, "b", &[])];
    let message = message(&run(&before, &before[1..], &[], None, &BTreeMap::new()));
    assert_eq!(message.subject, "[rootwatch] 1 account left: o-exampleorg (1 audited)");
    let left = section(&message.text, "JOINED OR LEFT");
    assert!(
        left.contains("a (000000000001)") && left.contains("\"left the organization\": they are not resolved"),
        "{left}"
    );
    assert!(!message.text.contains("RESOLVED"), "{}", message.text);
}

#[test]
fn numbers_have_commas() {
    let shown = [0, 7, 999, 1_000, 9_812, 1_234_567].map(super::super::organization::number);
    assert_eq!(shown, ["0", "7", "999", "1,000", "9,812", "1,234,567"]);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,220}", "[\"\\\\<>&`*]{0,200}", Just(HOSTILE.to_owned()), "[a-z]{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_finding_of_a_run_is_in_the_email_by_headline_and_count_or_the_cut_is_said(
        findings in prop::collection::vec((0..31_usize, 0..7_usize, 0..5_usize, 1..60_usize), 0..90),
        names in prop::collection::vec(text(), 1..4),
        organization in "o-[a-z0-9]{10,32}",
        is_first in any::<bool>(),
    ) {
        const TRANSITIONS: [Transition; 7] = [
            Transition::Opened, Transition::Changed, Transition::Reminder, Transition::Resolved, Transition::Suppressed,
            Transition::Acknowledged, Transition::Dropped,
        ];
        const SEVERITIES: [Severity; 5] =
            [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Informational];
        let ids = checklist::controls::ids();
        let rows: Vec<Row> = (0..60).map(|number| audited(number, &names[number % names.len()], &[])).collect();
        let mut alerts: Vec<(Member, Alert)> = Vec::new();
        for (at, (control, transition, severity, count)) in findings.iter().enumerate() {
            // Each in accounts of its own, so that the counts are those given.
            for number in 0..*count {
                let row = audited(100 * at + number, &names[number % names.len()], &[]);
                let opened = now() - SignedDuration::from_mins(i64::try_from(number).unwrap());
                alerts.push(alert(&row, ids[control % ids.len()], TRANSITIONS[*transition], SEVERITIES[*severity], opened));
            }
        }
        let mut run = run(&rows, &rows, &alerts, None, &BTreeMap::new());
        (run.organization, run.is_first, run.is_digest) = (organization, is_first, true);
        let message = message(&run);
        let cut = message.text.contains("LEFT OUT for lack of room: ");
        prop_assert!(!message.text.contains("bytes were left out here"), "it is cut by findings, not by bytes");
        let mut missing = 0;
        for group in &run.groups {
            let place = format!("{} in {} account", group.headline, group.count);
            missing += usize::from(!message.text.contains(&place));
        }
        prop_assert!(missing == 0 || cut, "{missing} of {}: {}", run.groups.len(), message.text);
        let notification = read(&message);
        let sent = notification.organization.unwrap();
        prop_assert_eq!(sent.groups.len() + notification.left_out, run.groups.len());
        for (sent, group) in sent.groups.iter().zip(&run.groups) {
            prop_assert_eq!((&sent.headline, sent.count), (&group.headline, group.count));
        }
    }
}
