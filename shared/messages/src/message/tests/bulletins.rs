//! Emails over more than one run: what waited, and what ended.

use alerts::{Acknowledgement, ConditionAlert, Fault, Transition, What};
use checklist::declarations::Exception;
use checklist::settings::Selection;
use facts::{Severity, Status};

use super::*;

pub(super) const QUARTER: SignedDuration = SignedDuration::from_mins(15);

pub(super) fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An account over many runs, and what waits to be sent.
pub(super) struct Story {
    pub(super) memory: Memory,
    pub(super) snapshot: Snapshot,
    pub(super) settings: Settings,
    pub(super) policy: Policy,
    pub(super) waiting: Vec<Alert>,
}

impl Story {
    pub(super) fn new() -> Self {
        let policy = Policy { digest: Rhythm::Never, ..Policy::default() };
        let mut snapshot = Snapshot::compliant();
        snapshot.credential_report.as_mut().unwrap().generated_at = snapshot.taken_at;
        // Nothing is attested.
        let selection = Selection::default().without(["root-credentials-attested"]).0;
        let settings = Settings { selection, ..Settings::default() };
        Self { memory: Memory::default(), snapshot, settings, policy, waiting: Vec::new() }
    }

    pub(super) fn report(&self) -> Report {
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

    pub(super) fn sent(&mut self) -> Option<Message> {
        self.told_with(None)
    }

    /// With a link to the report that may be in it.
    pub(super) fn told_with(&mut self, link: Option<&ReportLink>) -> Option<Message> {
        let alerts = std::mem::take(&mut self.waiting);
        let report = self.report();
        let at = self.snapshot.taken_at;
        Message::compose(&Bulletin { report_link: link, ..bulletin(&alerts, at, Some(&report)) })
    }

    pub(super) fn mail(&mut self) -> Message {
        self.sent().expect("something to send")
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

pub(super) fn shown(message: &Message) -> String {
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

/// What is under `title`, up to the next blank line.
pub(super) fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n{title}\n")).unwrap_or_else(|| panic!("no {title} in {text}"));
    rest.split_once("\n\n").map_or(rest, |(section, _)| section)
}

// The life of a condition in emails.

#[test]
fn a_condition_is_new_then_still_open_then_resolved() {
    let mut story = Story::new();
    let mail = story.run(QUARTER, no_mfa).mail();
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)");
    assert!(mail.text.starts_with("CRITICAL: root has no MFA\nAccount: acme-prod (111122223333)\n"), "{}", mail.text);
    assert!(mail.text.contains("\nControl: root-mfa (step 2)\n") && mail.text.contains("\nWhy: "), "{}", mail.text);
    assert!(mail.text.contains(" Five steps: 4 of 5 · baseline: "), "{}", mail.text);
    let mail = story.run(hours(4), |_| {}).mail();
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: still open: root has no MFA in acme-prod (111122223333)");
    assert!(mail.text.contains("\nWhen: open since 2026-11-20 10:15:00 UTC (4 h 0 min ago)\n"), "{}", mail.text);
    assert!(mail.text.contains("\nDo first: ") && !mail.text.contains("\nWhy:"), "it was explained when it opened");
    let mail = story.run(hours(2), mfa).mail();
    assert_eq!(mail.subject, "[rootwatch] RESOLVED: Root has MFA in acme-prod (111122223333)");
    insta::assert_snapshot!("the_mail_of_an_end", shown(&mail));
    assert_eq!(story.run(QUARTER, |_| {}).sent(), None);
}

/// `alert` with another transition and control.
fn altered(alert: &Alert, change: impl FnOnce(&mut ConditionAlert)) -> Alert {
    let mut alert = alert.clone();
    let What::Condition(update) = &mut alert.what else { panic!("{alert:?} is about no condition") };
    change(update);
    alert.id = format!("{}/{}/1", alert.account.id, update.condition.key());
    alert
}

#[test]
fn an_acknowledgement_is_not_the_last_word_over_what_was_not_sent_yet() {
    for transition in [Transition::Opened, Transition::Changed] {
        let mut story = Story::new();
        story.run(QUARTER, no_mfa);
        let waiting = altered(&story.waiting[0], |update| update.transition = transition);
        let given = altered(&waiting, |update| {
            let from = at("2026-11-20T10:30:00Z");
            update.transition = Transition::Acknowledged;
            update.acknowledged = Some(Acknowledgement::new("alice", None, 24, from).unwrap());
        });
        let given = Alert { severity: Severity::Low, at: waiting.at + QUARTER, ..given };
        story.waiting = vec![waiting, given];
        // It is sent an hour later: by time alone the acknowledgement would come last.
        story.snapshot.taken_at += hours(1);
        let mail = story.mail();
        assert!(mail.subject.starts_with("[rootwatch] CRITICAL: "), "{}", mail.subject);
        assert!(mail.text.contains("\nDo first: ") && mail.text.contains("acknowledged at "), "{}", mail.text);
    }
}

#[test]
fn every_new_finding_is_in_an_email_also_where_it_is_no_open_finding_of_the_report() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa);
    let others = ["user-mfa", "federation", "organization", "support-role", "billing-alerts", "least-privilege"];
    let others = others.map(|control| Fault::Control { control: control.into() });
    let all: Vec<Alert> = others
        .into_iter()
        .chain([Fault::OddItems, Fault::RefusedSettings])
        .map(|fault| altered(&story.waiting[0], |update| update.condition = fault))
        .collect();
    for report in [Some(story.report()), None] {
        let bulletin = bulletin(&all, story.snapshot.taken_at, report.as_ref());
        let text = Message::compose(&bulletin).unwrap().text;
        for alert in &all {
            let headline = alert.condition().unwrap().condition.headline();
            assert!(text.contains(&headline), "{headline} is missing with a report: {}: {text}", report.is_some());
        }
    }
}

#[test]
fn st_18_what_opened_resolved_and_opened_again_in_silence_is_one_block_with_its_history() {
    let mut story = Story::new();
    let mail = story.run(QUARTER, no_mfa).run(QUARTER, mfa).run(QUARTER, no_mfa).mail();
    assert_eq!(mail.text.matches("root-mfa (step 2)").count(), 1);
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)");
    assert!(
        mail.text.contains("\nBefore: opened at 2026-11-20 10:15:00 UTC, resolved at 2026-11-20 10:30:00 UTC"),
        "{}",
        mail.text
    );
    insta::assert_snapshot!("the_mail_after_an_outage_of_sns", shown(&mail));
}

#[test]
fn what_opened_in_silence_and_is_reminded_of_is_new_to_who_hears_it_first() {
    let mut story = Story::new();
    let mail = story.run(QUARTER, no_mfa).run(hours(4), |_| {}).run(hours(4), |_| {}).mail();
    assert_eq!(mail.subject, "[rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)");
    assert!(mail.text.contains("\nWhy: ") && mail.text.contains("open since 2026-11-20 10:15:00 UTC"), "{}", mail.text);
    assert!(!mail.text.contains(": still open"));
    assert!(mail.text.contains("\nIn this message: 1 new finding, 2 notices.\n"), "{}", mail.text);

    story.run(QUARTER, |snapshot| snapshot.root().access_keys[0].active = Ok(true)).mail();
    let second = |snapshot: &mut Snapshot| snapshot.root().access_keys[1].active = Ok(true);
    let mail = story.run(QUARTER, second).run(hours(4), |_| {}).mail();
    assert!(mail.text.contains(", and worse than reported then"), "a change that waited stays one: {}", mail.text);
}

#[test]
fn a_blip_that_was_never_sent_is_sent_with_its_history() {
    let mail = Story::new().run(QUARTER, no_mfa).run(QUARTER, mfa).mail();
    let ended = section(&mail.text, "ENDED OR ACKNOWLEDGED");
    let span = "It was open for 15 min, from 2026-11-20 10:15:00 UTC to 2026-11-20 10:30:00 UTC";
    assert!(ended.contains(span) && ended.contains("Alert ID 111122223333/root-mfa/1"), "{ended}");
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
    let ended = section(&mail.text, "ENDED OR ACKNOWLEDGED");
    assert!(ended.contains("SUPPRESSED, not fixed: root has no MFA."), "{ended}");
    let open = section(&mail.text, "OPEN FINDINGS");
    assert!(open.contains("SUPPRESSED: root-mfa") && !open.contains("root has no MFA"), "{open}");

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
    assert!(section(&mail.text, "ENDED OR ACKNOWLEDGED").contains("NO LONGER CHECKED, so its state"), "{}", mail.text);
}

#[test]
fn a_digest_names_every_control_that_does_not_pass_once() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    let blind = Snapshot::blind();
    let mail = story.run(QUARTER, no_mfa).run(QUARTER, |snapshot| snapshot.budgets = blind.budgets).mail();
    let open = section(&mail.text, "OPEN FINDINGS");
    assert!(
        open.contains("- MEDIUM: root has no hardware MFA (root-hardware-mfa)"),
        "root-mfa alerts for it, and it fails all the same: {open}"
    );
    assert!(open.contains("UNKNOWN") && open.contains("(billing-alerts)"), "{open}");
    assert!(!open.contains("(root-mfa)"), "it leads the message: {open}");
    for finding in story.report().findings.iter().filter(|finding| finding.status >= Status::Unknown) {
        assert!(mail.text.contains(finding.control), "{}: {}", finding.control, mail.text);
    }
}

#[test]
fn a_condition_that_cannot_be_verified_or_that_flaps_says_so() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa).mail();
    let blind = Snapshot::blind();
    let mail = story
        .run(QUARTER, |snapshot| snapshot.account_summary = blind.account_summary)
        .run(QUARTER, |snapshot| snapshot.credential_report = Err(snapshot.account_summary.clone().unwrap_err()))
        .run(hours(4), |_| {})
        .mail();
    assert!(mail.text.contains("could not be verified since 2026-11-20 10:45:00 UTC"), "{}", mail.text);

    let mut story = Story::new();
    for _ in 0..2 {
        story.run(QUARTER, no_mfa).run(QUARTER, mfa).mail();
    }
    let mail = story.run(QUARTER, no_mfa).mail();
    assert!(mail.text.contains("it came and went at least three times within 24 hours"), "{}", mail.text);
}

#[test]
fn what_could_not_be_sent_for_more_than_a_quarter_of_an_hour_is_sent_late() {
    let late = |wait: SignedDuration| Story::new().run(QUARTER, no_mfa).run(wait, |_| {}).mail().text;
    assert!(!late(QUARTER).contains("SENT LATE"));
    let text = late(QUARTER + SignedDuration::from_secs(1));
    assert!(text.contains("SENT LATE: some of this was seen at 2026-11-20 10:15:00 UTC (15 min ago)"), "{text}");
}

#[test]
fn st_12_without_a_state_store_the_mail_is_headed_so() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa);
    let report = story.report();
    let bulletin =
        |repeats_possible| Bulletin { repeats_possible, ..bulletin(&story.waiting, report.taken_at, Some(&report)) };
    let heading = "\nSTATE STORE UNAVAILABLE, REPEATS POSSIBLE: ";
    let (good, bad) = (Message::compose(&bulletin(false)).unwrap(), Message::compose(&bulletin(true)).unwrap());
    assert!(!good.text.contains(heading) && bad.text.contains(heading));
    assert!(good.json.contains("\"repeats_possible\":false") && bad.json.contains("\"repeats_possible\":true"));
}

#[test]
fn what_an_earlier_run_left_is_sent_before_anything_is_read() {
    let mut story = Story::new();
    story.run(QUARTER, no_mfa);
    let bulletin = bulletin(&story.waiting, at("2026-11-20T10:30:00Z"), None);
    let text = Message::compose(&bulletin).unwrap().text;
    assert!(text.contains("CRITICAL: root has no MFA\n") && text.contains("root-mfa (step 2)"), "{text}");
    assert!(!text.contains("OPEN FINDINGS\n") && !text.contains("Data freshness"));
}

#[test]
fn pb_8_five_thousand_alerts_left_over_are_one_message_that_fits() {
    let mut story = Story::new();
    for _ in 0..100 {
        story.run(QUARTER, no_mfa).run(QUARTER, mfa);
    }
    let sample = story.waiting[0].clone();
    let What::Condition(sent) = &sample.what else { panic!("{sample:?}") };
    // Of a few conditions many times, and of many conditions a few times.
    for number in 0..4_800_u32 {
        let region = Some(format!("region-{}", number % 1_600));
        let condition = Fault::Unread { source: facts::Source::RootEvents, region };
        let what = What::Condition(Box::new(alerts::ConditionAlert { condition, ..(**sent).clone() }));
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
