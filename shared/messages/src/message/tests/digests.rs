//! Emails with notices and digests: the state of the account.

use alerts::announce;
use checklist::declarations::{ATTESTATION_HOLDS, Attestation, Exception, Statement};
use facts::root_activity::{Plan, annotate};

use super::bulletins::{QUARTER, Story, at, hours, mfa, no_mfa, section, shown};
use super::*;

#[test]
fn everything_there_is_to_know_is_told_in_its_words() {
    let mut story = Story::new();
    story.run(QUARTER, |snapshot| snapshot.summary_mut().root_password = Ok(0)).sent();
    let end = at("2026-11-20T16:00:00Z");
    let exception = Exception {
        control: "individual-iam-users".into(),
        reason: "migration".into(),
        owner: "alice".into(),
        until: end,
        resource: Some("bob".into()),
    };
    story.settings.declarations.exceptions.push(exception);
    let attestation =
        Attestation { statement: Statement::ContactsReviewed, by: "carol".into(), on: end - ATTESTATION_HOLDS };
    story.settings.declarations.attestations.push(attestation);
    story.run(hours(6), |snapshot| snapshot.summary_mut().root_password = Ok(1));
    let now = story.snapshot.taken_at;
    let plan = Plan::new(now, now + hours(1), "CHG-1", "dave", now).unwrap();
    story.waiting.push(announce(&plan, &story.snapshot.account, now));
    let mail = story.mail();
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: root has credentials again in acme-prod (111122223333)");
    insta::assert_snapshot!("the_mail_of_all_there_is_to_know", shown(&mail));
}

#[test]
fn a_digest_when_all_is_well_and_when_it_is_not() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    let declarations = &mut story.settings.declarations;
    declarations.attestations.push(Attestation {
        statement: Statement::ContactsReviewed,
        by: "carol".into(),
        on: at("2026-11-01T00:00:00Z"),
    });
    let mail = story.run(SignedDuration::ZERO, |_| {}).mail();
    assert_eq!(mail.subject, "[rootwatch] DIGEST: all is well in acme-prod (111122223333)");
    insta::assert_snapshot!("the_digest_of_a_good_week", shown(&mail));

    story.memory.journal.last_complete = Some(story.snapshot.taken_at);
    story.settings.declarations.exceptions.push(Exception {
        control: "password-policy".into(),
        reason: "users come by federation".into(),
        owner: "alice".into(),
        until: at("2027-03-01T00:00:00Z"),
        resource: None,
    });
    story.run(QUARTER, no_mfa).run(QUARTER, |snapshot| snapshot.password_policy = Ok(None)).sent();
    let mail = story.run(hours(2), |snapshot| snapshot.account_summary = Snapshot::blind().account_summary);
    mail.snapshot.taken_at += hours(19);
    mail.waiting.clear();
    let mail = mail.run(hours(2), |_| {});
    mail.waiting.retain(|alert| matches!(alert.what, What::Digest(_)));
    let mail = mail.mail();
    assert_eq!(mail.subject, "[rootwatch] DIGEST: CRITICAL: root has no MFA; INCOMPLETE in acme-prod (111122223333)");
    insta::assert_snapshot!("the_digest_of_a_bad_week", shown(&mail));
}

/// As long as one that Lambda's credentials sign.
pub(super) fn link() -> ReportLink {
    let token = "IQoJb3JpZ2luX2VjE%2F%2B".repeat(60);
    let address = "https://rootwatch-reports.s3.eu-west-1.amazonaws.com/latest.html";
    ReportLink(format!(
        "{address}?x-id=GetObject&X-Amz-Expires=43200&X-Amz-Security-Token={token}&X-Amz-Signature=5ea1"
    ))
}

#[test]
fn a_digest_carries_the_link_to_the_report_in_one_piece_and_nothing_else_does() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    let link = link();
    let mail = story.run(QUARTER, no_mfa).told_with(Some(&link)).unwrap();
    assert!(mail.text.lines().any(|line| line == link.0), "{}", mail.text);
    let said = "The whole report, until 2026-11-20 22:15:00 UTC at most (keep the link secret: anyone who has it can read the report):\nhttps://";
    assert!(mail.text.contains(said), "{}", mail.text);
    assert!(mail.text.contains("`./rootwatch report`"));
    assert_eq!(mail.text.matches("https://rootwatch-reports").count(), 1);
    let json: serde_json::Value = serde_json::from_str(&mail.json).unwrap();
    assert_eq!(json["report_url"], link.0);
    assert!(
        !format!("{:?}", Bulletin { report_link: Some(&link), ..bulletin(&[], at("2026-11-20T10:00:00Z"), None) })
            .contains("https://")
    );

    let mail = story.run(hours(4), |_| {}).told_with(Some(&link)).unwrap();
    assert!(!mail.text.contains("rootwatch-reports") && !mail.text.contains("rootwatch report"), "{}", mail.text);
    assert!(mail.json.contains("\"report_url\":null"));
    let mail = story.run(hours(24), |_| {}).told_with(None).unwrap();
    assert!(mail.text.contains("ACCOUNT STATUS") && !mail.text.contains("rootwatch report"), "{}", mail.text);
}

#[test]
fn of_digests_that_waited_only_the_last_is_told() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    story.run(QUARTER, no_mfa).sent();
    story.run(hours(24), |_| {}).run(hours(24), mfa);
    let digests: Vec<Alert> =
        story.waiting.iter().filter(|alert| matches!(alert.what, What::Digest(_))).cloned().collect();
    assert_eq!(digests.len(), 2);
    story.waiting = digests;
    let mail = story.mail();
    assert_eq!(mail.subject, "[rootwatch] DIGEST: all is well in acme-prod (111122223333)");
    assert!(section(&mail.text, "ACCOUNT STATUS").contains("No open findings."), "{}", mail.text);
}

#[test]
fn a_digest_that_waited_for_a_subscriber_says_what_is_true_when_it_is_sent() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Weekly;
    story.run(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(false)));
    let mail = story.run(QUARTER, |snapshot| snapshot.subscribed = Some(Ok(true))).mail();
    let json: serde_json::Value = serde_json::from_str(&mail.json).unwrap();
    let digest = json["alerts"].as_array().unwrap().iter().find(|alert| alert["kind"] == "digest").unwrap();
    assert_eq!((digest["facts"]["open"].as_array().unwrap().len(), &digest["severity"]), (0, &"informational".into()));
    assert_eq!(json["headline"], "30 controls evaluated: none failed, none unknown");
    assert!(mail.subject.contains("RESOLVED: A subscription is confirmed"), "{}", mail.subject);
    let stands = section(&mail.text, "ACCOUNT STATUS");
    assert!(stands.contains("No open findings.") && stands.contains("monitoring is active from now on"), "{stands}");
}

#[test]
fn an_old_digest_that_is_sent_without_a_check_says_that_it_is_old_and_lists_nothing_that_was_resolved_since() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Weekly;
    story.run(QUARTER, no_mfa).run(hours(1), mfa);
    let bulletin = Bulletin {
        alerts: &story.waiting,
        at: at("2026-11-20T12:00:00Z"),
        ..bulletin(&[], at("2026-11-20T10:00:00Z"), None)
    };
    let mail = Message::compose(&bulletin).unwrap();
    let json: serde_json::Value = serde_json::from_str(&mail.json).unwrap();
    assert_eq!(json["headline"], "INCOMPLETE: status of 2026-11-20 10:15 UTC, not of now; 1 open finding, CRITICAL");
    let stands = section(&mail.text, "ACCOUNT STATUS");
    assert!(!stands.contains("root has no MFA") && stands.contains("NOT fully active"), "{stands}");
    let digest: Vec<Alert> = story.waiting.iter().filter(|alert| alert.digest().is_some()).cloned().collect();
    let alone = Message::compose(&Bulletin { alerts: &digest, ..bulletin }).unwrap();
    let first = alone.text.lines().next().unwrap();
    assert_eq!(first, "DIGEST: CRITICAL: root has no MFA; INCOMPLETE: status of 2026-11-20 10:15 UTC, not of now");
}

#[test]
fn the_subject_of_a_digest_says_that_it_is_one_and_names_the_worst_finding_and_what_is_unknown() {
    let subject = |changes: &[fn(&mut Snapshot)]| {
        let report = report(|snapshot| {
            changes.iter().for_each(|change| change(snapshot));
            snapshot.account.alias = None;
        });
        let mut alerts = decide(&Memory::default(), &report, &Policy::default()).alerts;
        alerts.retain(|alert| alert.digest().is_some());
        super::blind::compose_all(&report, &alerts).subject
    };
    let no_budget: fn(&mut Snapshot) = |snapshot| snapshot.budgets = Ok(Vec::new());
    let unread: fn(&mut Snapshot) = |snapshot| snapshot.blind_to(Source::PasswordPolicy);
    let place = "in 111122223333";
    for (changes, what) in [
        (&[][..], "all is well"),
        (&[no_mfa as fn(&mut Snapshot)][..], "CRITICAL: root has no MFA; 1 more open finding"),
        (&[no_budget], "MEDIUM: no alert is sent when charges rise"),
        (&[no_mfa, unread], "CRITICAL: root has no MFA; INCOMPLETE: password policy unknown"),
        (&[unread], "INCOMPLETE: 1 control unknown: password policy"),
        (
            &[|snapshot: &mut Snapshot| *snapshot = Snapshot::blind()],
            "CRITICAL: the root user is not monitored; INCOMPLETE",
        ),
    ] {
        assert_eq!(subject(changes), format!("[rootwatch] DIGEST: {what} {place}"));
    }
}

#[test]
fn failures_that_are_suppressed_are_counted_and_no_all_is_well() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Weekly;
    story.settings.declarations.exceptions.push(Exception {
        control: "billing-alerts".into(),
        reason: "charges are watched elsewhere".into(),
        owner: "alice".into(),
        until: at("2027-03-01T00:00:00Z"),
        resource: None,
    });
    let mail = story.run(QUARTER, |snapshot| snapshot.budgets = Ok(Vec::new())).mail();
    assert_eq!(mail.subject, "[rootwatch] DIGEST: no open findings; 1 suppressed in acme-prod (111122223333)");
}

#[test]
fn a_planned_act_says_who_announced_it_and_is_one_less_severe() {
    let mut story = Story::new();
    let plan =
        Plan::new(at("2026-11-20T09:00:00Z"), at("2026-11-20T10:00:00Z"), "CHG-1", "dave", at("2026-11-20T08:00:00Z"));
    let mut acts = [new_root_key()];
    annotate(&mut acts, &[plan.unwrap()]);
    let mail = story.run(QUARTER, |snapshot| snapshot.root_events.activity = acts.to_vec()).mail();
    assert_eq!(mail.subject, "[rootwatch] HIGH: planned new root access key in acme-prod (111122223333)");
    assert!(mail.text.contains("\nPlanned: CHG-1, announced by dave; one severity lower for that\n"), "{}", mail.text);
}
