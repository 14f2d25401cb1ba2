//! Mails over more than one run: what waited, what ended, how it stands.

use alerts::{Condition, Failure, Fault, announce};
use checklist::declarations::{ATTESTATION_HOLDS, Attestation, Exception, Statement};
use checklist::settings::Selection;
use facts::root_activity::{Plan, annotate};
use facts::{Severity, Status};
use jiff::SignedDuration;

use super::*;

pub(super) const QUARTER: SignedDuration = SignedDuration::from_mins(15);

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An account over many runs, and what waits to be told.
pub(super) struct Story {
    memory: Memory,
    pub(super) snapshot: Snapshot,
    settings: Settings,
    pub(super) policy: Policy,
    pub(super) waiting: Vec<Alert>,
}

impl Story {
    pub(super) fn new() -> Self {
        let policy = Policy { digest: Rhythm::Never, ..Policy::default() };
        let mut snapshot = Snapshot::compliant();
        snapshot.credential_report.as_mut().unwrap().generated_at = snapshot.taken_at;
        // Nobody has stated anything.
        let selection = Selection::default().without(["root-credentials-attested"]).0;
        let settings = Settings { selection, ..Settings::default() };
        Self { memory: Memory::default(), snapshot, settings, policy, waiting: Vec::new() }
    }

    fn report(&self) -> Report {
        Report::generate(&self.snapshot, &self.settings)
    }

    /// A run after `wait`, in which `change` has come true.
    pub(super) fn run(&mut self, wait: SignedDuration, change: impl FnOnce(&mut Snapshot)) -> &mut Self {
        self.snapshot.taken_at += wait;
        if let Ok(report) = &mut self.snapshot.credential_report {
            report.generated_at = self.snapshot.taken_at;
        }
        change(&mut self.snapshot);
        let decision = decide(&self.memory, &self.report(), &self.policy);
        self.memory.conditions.extend(decision.conditions);
        self.memory.journal = decision.journal;
        self.waiting.extend(decision.activity.into_iter().chain(decision.alerts));
        self
    }

    fn told(&mut self) -> Option<Message> {
        self.told_with(None)
    }

    /// With a link to the report that may be told.
    pub(super) fn told_with(&mut self, link: Option<&ReportLink>) -> Option<Message> {
        let alerts = std::mem::take(&mut self.waiting);
        let report = self.report();
        let at = self.snapshot.taken_at;
        Message::compose(&Bulletin {
            alerts: &alerts,
            at,
            report: Some(&report),
            repeats_possible: false,
            runbook: RUNBOOK,
            report_link: link,
        })
    }

    pub(super) fn mail(&mut self) -> Message {
        self.told().expect("something to tell")
    }
}

pub(super) fn no_mfa(snapshot: &mut Snapshot) {
    snapshot.root().mfa_active = Ok(false);
    snapshot.summary_mut().root_mfa = Ok(0);
}

pub(super) fn mfa(snapshot: &mut Snapshot) {
    snapshot.root().mfa_active = Ok(true);
    snapshot.summary_mut().root_mfa = Ok(1);
}

fn shown(message: &Message) -> String {
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands under `title`.
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let heading = format!("\n{title}\n{}\n", "-".repeat(title.len()));
    let (_, rest) = text.split_once(&heading).unwrap_or_else(|| panic!("no {title} in {text}"));
    let ends = ["NEW", "STILL OPEN", "RESOLVED", "TO KNOW", "HOW IT STANDS", "CHECKLIST", "HOW OLD THIS IS"];
    let end = ends.iter().filter_map(|end| rest.find(&format!("\n{end}\n--"))).min();
    rest.split_at(end.unwrap_or(rest.len())).0
}

fn act(event_id: &str, key: &str, address: &str, time: &str) -> RootActivity {
    RootActivity {
        event_id: event_id.into(),
        access_key_id: Some(key.into()),
        source_address: Some(address.into()),
        time: Some(at(time)),
        ..sample(include_str!("../../../../facts/samples/records/17-root-long-term-key-api-call-eu-west-1.json"))
    }
}

fn sessions(activity: Vec<RootActivity>) -> (String, Vec<Vec<String>>) {
    let message = compose(|snapshot| snapshot.root_events.activity = gather(activity));
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let ids = |session: &serde_json::Value| {
        let acts = session["acts"].as_array().unwrap().iter();
        acts.map(|act| act["event_id"].as_str().unwrap().to_owned()).collect()
    };
    (message.text, json["root_sessions"].as_array().unwrap().iter().map(ids).collect())
}

// The life of a condition in mails.

#[test]
fn a_condition_is_new_then_still_open_then_resolved() {
    let mut story = Story::new();
    let mail = story.run(QUARTER, no_mfa).mail();
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)");
    assert!(section(&mail.text, "NEW").contains("CRITICAL  Root has no MFA (step 2, root-mfa)"));
    assert!(mail.text.contains("\n1 new problem.\nFive steps: 4 of 5 · baseline: "), "{}", mail.text);
    let mail = story.run(hours(4), |_| {}).mail();
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: still open: root has no MFA in acme-prod (111122223333)");
    let still = section(&mail.text, "STILL OPEN");
    assert!(still.contains("since: open since 2026-11-20 10:15:00 UTC") && still.contains("mend:"), "{still}");
    assert!(!still.contains("why:"), "it was explained when it opened");
    let mail = story.run(hours(2), mfa).mail();
    assert_eq!(mail.subject, "[rootwatch] RESOLVED: Root has MFA in acme-prod (111122223333)");
    insta::assert_snapshot!("the_mail_of_an_end", shown(&mail));
    assert_eq!(story.run(QUARTER, |_| {}).told(), None);
}

#[test]
fn st_18_what_opened_resolved_and_opened_again_in_silence_is_one_block_with_its_history() {
    let mut story = Story::new();
    let mail = story.run(QUARTER, no_mfa).run(QUARTER, mfa).run(QUARTER, no_mfa).mail();
    assert_eq!(mail.text.matches("(step 2, root-mfa)").count(), 1);
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)");
    assert!(
        unwrapped(&mail.text)
            .contains("before: opened at 2026-11-20 10:15:00 UTC, resolved at 2026-11-20 10:30:00 UTC"),
        "{}",
        mail.text
    );
    insta::assert_snapshot!("the_mail_after_an_outage_of_sns", shown(&mail));
}

#[test]
fn what_opened_in_silence_and_is_reminded_of_is_new_to_whoever_hears_it_first() {
    let mut story = Story::new();
    let mail = story.run(QUARTER, no_mfa).run(hours(4), |_| {}).run(hours(4), |_| {}).mail();
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)");
    let new = section(&mail.text, "NEW");
    assert!(new.contains("why:") && new.contains("open since 2026-11-20 10:15:00 UTC"), "{new}");
    assert!(!mail.text.contains("STILL OPEN\n"));
    assert!(mail.text.contains("\n1 new problem, 2 to know.\n"), "{}", mail.text);

    story.run(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(true)).mail();
    let second = |snapshot: &mut Snapshot| snapshot.root().access_keys[1].active = Ok(true);
    let mail = story.run(QUARTER, second).run(hours(4), |_| {}).mail();
    assert!(
        unwrapped(section(&mail.text, "NEW, OR WORSE THAN BEFORE")).contains("and worse than was told then"),
        "a change that waited stays one"
    );
}

#[test]
fn a_blip_that_nobody_heard_of_is_told_with_its_history() {
    let mail = Story::new().run(QUARTER, no_mfa).run(QUARTER, mfa).mail();
    let ended = section(&mail.text, "RESOLVED");
    assert!(
        unwrapped(ended).contains("was open from 2026-11-20 10:15:00 UTC to 2026-11-20 10:30:00 UTC (15 min)"),
        "{ended}"
    );
    assert!(ended.contains("before: opened at 2026-11-20 10:15:00 UTC"), "{ended}");
}

#[test]
fn a_suppressed_and_a_dropped_condition_are_not_called_resolved() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa).mail();
    story.settings.declarations.exceptions.push(Exception {
        control: "root-mfa".into(),
        reason: "hardware on its way".into(),
        owner: "alice".into(),
        until: at("2026-12-01T00:00:00Z"),
        resource: None,
    });
    let mail = story.run(QUARTER, |_| {}).mail();
    assert_eq!(mail.subject, "[rootwatch] SUPPRESSED: root has no MFA in acme-prod (111122223333)");
    assert!(
        section(&mail.text, "RESOLVED, SUPPRESSED, NO LONGER CHECKED")
            .contains("SUPPRESSED, not mended: root has no MFA."),
        "{}",
        mail.text
    );
    assert!(mail.text.contains("\n1 suppressed.\nFive steps: 4 of 5 · "), "{}", mail.text);
    let checklist = section(&mail.text, "CHECKLIST");
    assert!(checklist.contains("SUPPRESSED root-mfa") && !checklist.contains("root has no MFA"), "{checklist}");

    let mut story = Story::new();
    let sweep = RegionSweep {
        region: "eu-west-1".into(),
        incomplete: Snapshot::blind().root_events.regions[0].incomplete.clone(),
        covered: Vec::new(),
        covered_sign_ins: Vec::new(),
    };
    story.run(QUARTER, |snapshot| snapshot.root_events.regions.push(sweep)).mail();
    let mail = story.run(QUARTER, |snapshot| drop(snapshot.root_events.regions.pop())).mail();
    assert!(mail.subject.starts_with("[rootwatch] NO LONGER CHECKED: root events of eu-west-1"), "{}", mail.subject);
    assert!(mail.text.contains("\n1 no longer checked.\nFive steps: 5 of 5 · "), "{}", mail.text);
}

#[test]
fn a_digest_names_every_control_that_does_not_pass_once() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    let blind = Snapshot::blind();
    let mail = story.run(QUARTER, no_mfa).run(QUARTER, |snapshot| snapshot.budgets = blind.budgets).mail();
    let checklist = section(&mail.text, "CHECKLIST");
    assert!(
        unwrapped(checklist).contains("FAILED MEDIUM root has no hardware MFA (root-hardware-mfa)"),
        "it is told by that of root-mfa, and fails all the same: {checklist}"
    );
    assert!(unwrapped(checklist).contains("UNKNOWN") && checklist.contains("(billing-alerts)"), "{checklist}");
    assert!(!checklist.contains("(root-mfa)"), "it is listed as open: {checklist}");
    for finding in story.report().findings.iter().filter(|finding| finding.status >= Status::Unknown) {
        assert!(mail.text.contains(finding.control), "{}: {}", finding.control, mail.text);
    }
}

#[test]
fn a_condition_that_nobody_can_see_or_that_flaps_says_so() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa).mail();
    let blind = Snapshot::blind();
    let mail = story
        .run(QUARTER, |snapshot| snapshot.account_summary = blind.account_summary)
        .run(QUARTER, |snapshot| snapshot.credential_report = Err(snapshot.account_summary.clone().unwrap_err()))
        .run(hours(4), |_| {})
        .mail();
    assert!(unwrapped(&mail.text).contains("could not be checked since 2026-11-20 10:45:00 UTC"), "{}", mail.text);

    let mut story = Story::new();
    for _ in 0..2 {
        story.run(QUARTER, no_mfa).run(QUARTER, mfa).mail();
    }
    let mail = story.run(QUARTER, no_mfa).mail();
    assert!(unwrapped(&mail.text).contains("it came and went at least three times within 24 hours"), "{}", mail.text);
}

#[test]
fn what_could_not_be_told_for_more_than_a_quarter_of_an_hour_is_told_late() {
    let late = |wait: SignedDuration| Story::new().run(QUARTER, no_mfa).run(wait, |_| {}).mail().text;
    assert!(!late(QUARTER).contains("TOLD LATE"));
    let text = late(QUARTER + SignedDuration::from_secs(1));
    assert!(text.contains("TOLD LATE: some of this was seen at 2026-11-20 10:15:00 UTC, 15 min ago"), "{text}");
}

#[test]
fn st_12_without_a_state_store_the_mail_is_headed_so() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa);
    let report = story.report();
    let bulletin = |repeats_possible| Bulletin {
        alerts: &story.waiting,
        at: report.taken_at,
        report: Some(&report),
        repeats_possible,
        runbook: RUNBOOK,
        report_link: None,
    };
    let heading = "\nSTATE STORE UNAVAILABLE, REPEATS POSSIBLE: ";
    let (good, bad) = (Message::compose(&bulletin(false)).unwrap(), Message::compose(&bulletin(true)).unwrap());
    assert!(!good.text.contains(heading) && bad.text.contains(heading));
    assert!(good.json.contains("\"repeats_possible\":false") && bad.json.contains("\"repeats_possible\":true"));
}

#[test]
fn what_an_earlier_run_left_is_told_before_anything_is_read() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa);
    let bulletin = Bulletin {
        alerts: &story.waiting,
        at: at("2026-11-20T10:30:00Z"),
        report: None,
        repeats_possible: false,
        runbook: RUNBOOK,
        report_link: None,
    };
    let text = Message::compose(&bulletin).unwrap().text;
    assert!(text.contains("\n1 new problem.\n") && text.contains("Root has no MFA (step 2, root-mfa)"), "{text}");
    assert!(!text.contains("CHECKLIST\n") && !text.contains("HOW OLD THIS IS\n"));
}

#[test]
fn pb_8_five_thousand_alerts_left_over_are_one_message_that_fits() {
    let mut story = Story::new();
    for _ in 0..100 {
        story.run(QUARTER, no_mfa).run(QUARTER, mfa);
    }
    let sample = story.waiting[0].clone();
    let What::Condition(told) = &sample.what else { panic!("{sample:?}") };
    // Of a few conditions many times, and of many conditions a few times.
    for number in 0..4_800_u32 {
        let region = Some(format!("region-{}", number % 1_600));
        let condition = Fault::Unread { source: facts::Source::RootEvents, region };
        let what = What::Condition(Box::new(alerts::ConditionAlert { condition, ..(**told).clone() }));
        let after = SignedDuration::from_secs(number.into());
        story.waiting.push(Alert { id: format!("{number}"), at: sample.at + after, what, ..sample.clone() });
    }
    assert_eq!(story.waiting.len(), 5_000);
    let message = story.run(QUARTER, no_mfa).mail();
    assert!(message.by_protocol().len() <= MAX_BYTES);
    assert!(message.text.len() <= 48 * 1024);
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let listed = json["alerts"].as_array().unwrap().len();
    assert!(listed >= 20, "{listed}");
    assert_eq!(json["left_out"], 5_001 - listed);
}

#[test]
fn many_alerts_and_many_acts_leave_room_for_each_other_in_the_json() {
    let mut story = Story::new();
    let acts: Vec<RootActivity> = numbered(&new_root_key(), 2_000).collect();
    story.run(QUARTER, |snapshot| snapshot.root_events.activity = acts);
    let unused = story.waiting.pop().unwrap();
    for number in 0..2_000 {
        story.waiting.push(Alert { id: number.to_string(), ..unused.clone() });
    }
    let message = story.mail();
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let sessions = json["root_sessions"].as_array().unwrap().iter();
    let acts: usize = sessions.map(|session| session["acts"].as_array().unwrap().len()).sum();
    let alerts = json["alerts"].as_array().unwrap().len();
    assert!(acts > 10 && alerts > 10 && acts.abs_diff(alerts) <= 1, "{acts} {alerts}");
    assert_eq!(json["left_out"], 4_000 - acts - alerts);
}

// Notices and the digest.

#[test]
fn everything_there_is_to_know_is_told_in_its_words() {
    let mut story = Story::new();
    story.run(QUARTER, |snapshot| snapshot.summary_mut().root_password = Ok(0)).told();
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
    story.run(QUARTER, no_mfa).run(QUARTER, |snapshot| snapshot.password_policy = Ok(None)).told();
    let mail = story.run(hours(2), |snapshot| snapshot.account_summary = Snapshot::blind().account_summary);
    mail.snapshot.taken_at += hours(19);
    mail.waiting.clear();
    let mail = mail.run(hours(2), |_| {});
    mail.waiting.retain(|alert| matches!(alert.what, What::Digest(_)));
    let mail = mail.mail();
    assert_eq!(
        mail.subject,
        "[rootwatch] INCOMPLETE: 2 controls unknown, including root access keys in acme-prod (111122223333)"
    );
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
    let said = "The whole report, until 2026-11-20 22:15:00 UTC at most (a link; whoever has it can read the report): https://";
    assert!(unwrapped(&mail.text).contains(said), "{}", mail.text);
    assert!(mail.text.contains("`make report`"));
    assert_eq!(mail.text.matches("https://rootwatch-reports").count(), 1);
    let json: serde_json::Value = serde_json::from_str(&mail.json).unwrap();
    assert_eq!(json["report_url"], link.0);
    assert!(!format!("{:?}", Bulletin { report_link: Some(&link), ..bulletin_of_nothing() }).contains("https://"));

    let mail = story.run(hours(4), |_| {}).told_with(Some(&link)).unwrap();
    assert!(!mail.text.contains("rootwatch-reports") && !mail.text.contains("make report"), "{}", mail.text);
    assert!(mail.json.contains("\"report_url\":null"));
    let mail = story.run(hours(24), |_| {}).told_with(None).unwrap();
    assert!(mail.text.contains("HOW IT STANDS") && !mail.text.contains("make report"), "{}", mail.text);
}

fn bulletin_of_nothing() -> Bulletin<'static> {
    let at = at("2026-11-20T10:00:00Z");
    Bulletin { alerts: &[], at, report: None, repeats_possible: false, runbook: RUNBOOK, report_link: None }
}

#[test]
fn of_digests_that_waited_only_the_last_is_told() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    story.run(QUARTER, no_mfa).told();
    story.run(hours(24), |_| {}).run(hours(24), mfa);
    let digests: Vec<Alert> =
        story.waiting.iter().filter(|alert| matches!(alert.what, What::Digest(_))).cloned().collect();
    assert_eq!(digests.len(), 2);
    story.waiting = digests;
    let mail = story.mail();
    assert_eq!(mail.subject, "[rootwatch] DIGEST: all is well in acme-prod (111122223333)");
    assert!(section(&mail.text, "HOW IT STANDS").contains("No open findings."), "{}", mail.text);
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
    let stands = section(&mail.text, "HOW IT STANDS");
    assert!(stands.contains("No open findings.") && stands.contains("monitoring is active from now on"), "{stands}");
}

#[test]
fn an_old_digest_that_is_sent_without_a_check_says_that_it_is_old_and_lists_nothing_that_was_resolved_since() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Weekly;
    story.run(QUARTER, no_mfa).run(hours(1), mfa);
    let bulletin = Bulletin { alerts: &story.waiting, at: at("2026-11-20T12:00:00Z"), ..bulletin_of_nothing() };
    let mail = Message::compose(&bulletin).unwrap();
    let json: serde_json::Value = serde_json::from_str(&mail.json).unwrap();
    assert_eq!(json["headline"], "INCOMPLETE: status of 2026-11-20 10:15 UTC, not of now; 1 open finding, CRITICAL");
    let stands = section(&mail.text, "HOW IT STANDS");
    assert!(!stands.contains("root has no MFA") && stands.contains("NOT fully active"), "{stands}");
    let digest: Vec<Alert> = story.waiting.iter().filter(|alert| alert.digest().is_some()).cloned().collect();
    let alone = Message::compose(&Bulletin { alerts: &digest, ..bulletin }).unwrap();
    assert!(alone.subject.starts_with("[rootwatch] INCOMPLETE: status of 2026-11-20 10:15 UTC"), "{}", alone.subject);
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
    assert!(mail.text.contains("    planned     CHG-1, announced by dave; one less severe for that"), "{}", mail.text);
}

// Sessions.

#[test]
fn acts_that_share_a_key_or_an_address_also_by_way_of_a_third_are_one_session() {
    let time = "2026-11-20T09:00:00Z";
    let (_, shared) = sessions(vec![
        act("1", "KEY-A", "192.0.2.1", time),
        act("2", "KEY-A", "192.0.2.2", time),
        act("3", "KEY-B", "192.0.2.2", time),
        act("4", "KEY-C", "192.0.2.9", time),
    ]);
    assert_eq!(shared, [vec!["1", "2", "3"], vec!["4"]]);
    let (_, nothing_known) = sessions(
        ["1", "2"]
            .map(|id| RootActivity { access_key_id: None, source_address: None, ..act(id, "", "", time) })
            .to_vec(),
    );
    assert_eq!(nothing_known, [["1"], ["2"]], "not knowing where from is nothing in common");
    let (_, mixed_up) = sessions(vec![act("1", "192.0.2.1", "KEY", time), act("2", "KEY", "192.0.2.1", time)]);
    assert_eq!(mixed_up, [["1"], ["2"]], "a key is no address");
}

#[test]
fn the_session_with_the_worst_act_comes_first_and_its_acts_stay_together() {
    let time = "2026-11-20T09:00:00Z";
    let key = |id: &str, address: &str| RootActivity {
        event_id: id.into(),
        source_address: Some(address.into()),
        access_key_id: None,
        ..new_root_key()
    };
    let (text, told) = sessions(vec![
        act("1", "KEY-A", "192.0.2.1", "2026-11-20T09:30:00Z"),
        act("2", "KEY-B", "192.0.2.2", time),
        key("3", "192.0.2.2"),
    ]);
    assert_eq!(told, [vec!["3", "2"], vec!["1"]]);
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
    assert!(place("One session from 192.0.2.2: 2 acts") < place("events/3"));
    assert!(place("events/2") < place("One session from 192.0.2.1: 1 act,"));
}

#[test]
fn one_visit_to_the_console_is_one_session_also_when_only_a_read_joins_its_acts() {
    let time = "2026-11-20T09:00:00Z";
    let read = RootActivity {
        event_id: "r".into(),
        access_key_id: Some("KEY-A".into()),
        source_address: Some("192.0.2.3".into()),
        ..read_only()
    };
    let failed = RootActivity { source_address: Some("192.0.2.3".into()), ..failed_sign_in() };
    let (text, told) = sessions(vec![
        act("1", "KEY-A", "192.0.2.1", "2026-11-20T09:30:00Z"),
        act("2", "KEY-B", "192.0.2.3", "2026-11-20T09:20:00Z"),
        act("3", "KEY-A", "192.0.2.2", time),
        read,
        failed,
    ]);
    assert_eq!(told.len(), 1);
    assert_eq!(text.matches("One session from").count(), 1, "{text}");
    assert!(
        unwrapped(&text).contains("192.0.2.3: 4 acts, from 2026-11-20 09:00:00 UTC to 2026-11-20 09:30:00 UTC"),
        "{text}"
    );
}

#[test]
fn a_session_is_known_by_its_earliest_act_whatever_is_found_of_it_later() {
    let alerts = |ids: &[(&str, &str)]| {
        let acts = ids.iter().map(|(id, time)| act(id, "KEY", "192.0.2.1", time));
        let message = compose(|snapshot| snapshot.root_events.activity = gather(acts.collect()));
        let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
        let session = &json["root_sessions"][0];
        [&session["id"], &session["from"], &session["to"]].map(|value| value.as_str().unwrap().to_owned())
    };
    let (nine, ten) = (("1", "2026-11-20T09:00:00Z"), ("2", "2026-11-20T10:00:00Z"));
    assert_eq!(alerts(&[nine, ten]), ["111122223333/root/1", nine.1, ten.1]);
    assert_eq!(alerts(&[nine])[0], alerts(&[nine, ten])[0]);
}

#[test]
fn an_act_that_is_told_more_than_an_hour_after_it_happened_says_so() {
    let told = |time: &str| sessions(vec![act("1", "KEY", "192.0.2.1", time)]).0;
    assert!(!told("2026-11-20T09:00:00Z").contains("after it happened"));
    assert!(told("2026-11-20T08:59:59Z").contains("    note        told 1 h 0 min after it happened"));
}

// What others wrote.

#[test]
fn in_1_in_2_in_6_hostile_text_in_declarations_and_plans_stays_a_dead_line() {
    let hostile =
        facts::text::bounded("x\r\nSubject: forged https://evil.example www.evil.example <!channel> \u{202e}y");
    let mut story = Story::new();
    let end = at("2026-11-20T10:20:00Z");
    let exception = |until| Exception {
        control: "root-mfa".into(),
        reason: hostile.clone(),
        owner: hostile.clone(),
        until,
        resource: Some(hostile.clone()),
    };
    let attestation =
        Attestation { statement: Statement::ContactsReviewed, by: hostile.clone(), on: end - ATTESTATION_HOLDS };
    story.settings.declarations.exceptions = vec![exception(end), exception(end + hours(900))];
    story.settings.declarations.attestations.push(attestation);
    story.policy.digest = Rhythm::Daily;
    story.run(QUARTER, no_mfa);
    let now = story.snapshot.taken_at;
    let plan = Plan::new(now, now + hours(1), &hostile, &hostile, now).unwrap();
    story.waiting.push(announce(&plan, &story.snapshot.account, now));
    let mut acts = [RootActivity { time: Some(now), ..new_root_key() }];
    annotate(&mut acts, &[plan]);
    let failure = Failure {
        severity: Severity::Critical,
        found: hostile.clone(),
        evidence: Vec::new(),
        resources: vec![hostile.clone()],
        count: 1,
        unavailable: None,
    };
    let gone = Condition {
        fault: Some(Fault::Control { control: hostile.clone() }),
        open: true,
        failure: Some(failure),
        opened_at: Some(now),
        ..Condition::default()
    };
    story.memory.conditions.insert(hostile.clone(), gone);
    story.run(QUARTER, |snapshot| snapshot.root_events.activity = acts.to_vec());
    let message = story.mail();
    for section in ["TO KNOW", "HOW IT STANDS", "WHAT ROOT DID"] {
        assert!(message.text.contains(&format!("\n{section}\n")), "{section}");
    }
    assert!(!message.text.contains("://evil") && !message.text.contains("www.evil"), "{}", message.text);
    assert!(!message.text.lines().any(|line| line.starts_with("Subject:")), "{}", message.text);
    assert!(!message.text.chars().any(|char| (char.is_control() && char != '\n') || char == '\u{202e}'));
    assert!(message.subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
    assert!(serde_json::from_str::<serde_json::Value>(&message.json).is_ok());
}
