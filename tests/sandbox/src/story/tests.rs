use serde_json::json;

use super::events::event;
use super::folder::Folder;
use super::*;

#[test]
fn an_event_that_comes_late_moves_with_the_other_times_and_does_not_say_so() {
    let path = std::env::temp_dir().join(format!("rootwatch-story-{}", std::process::id()));
    std::fs::create_dir_all(path.join("root-events")).unwrap();
    let record =
        r#"{"eventTime": "2026-11-20T09:00:00Z", "visibleAt": "2026-11-20T11:00:00Z", "awsRegion": "us-east-1"}"#;
    std::fs::write(path.join("root-events/1.json"), record).unwrap();
    let events = Folder { path: path.clone(), by: SignedDuration::from_hours(24) }.events().unwrap();
    std::fs::remove_dir_all(path).unwrap();
    assert_eq!(events[0].time.to_string(), "2026-11-21T09:00:00Z");
    assert_eq!(events[0].visible_at.to_string(), "2026-11-21T11:00:00Z");
    assert_eq!(events[0].outer["CloudTrailEvent"], r#"{"eventTime":"2026-11-21T09:00:00Z","awsRegion":"us-east-1"}"#);
}

#[test]
fn an_entry_of_the_event_history_may_come_late_too() {
    let entry = json!({"EventId": "1", "EventTime": "2026-11-20T09:00:00Z", "visibleAt": "2026-11-20T11:00:00Z"});
    let event = event(entry);
    assert_eq!(event.visible_at.to_string(), "2026-11-20T11:00:00Z");
    assert!(event.outer.get("visibleAt").is_none());
}

#[test]
fn a_quiet_story_is_found_under_its_former_name() {
    let [now, former] = ["quiet-compliant", "nothing-to-tell-compliant"].map(|name| Story::load(name).about);
    assert_eq!(former, now);
}

#[test]
fn a_later_story_has_an_older_report_unless_it_is_to_be_young() {
    let story = Story::load("quiet-compliant");
    let hour = SignedDuration::from_hours(1);
    let age = |story: &Story| story.now.duration_since(story.report_generated_at);
    assert_eq!(age(&story.later(hour)), age(&story) + hour);
    assert_eq!(age(&story.later_with_a_young_report(hour)), age(&story));
    assert_eq!(story.later_with_a_young_report(hour).now, story.now + hour);
}

#[test]
fn a_user_who_is_added_uses_young_credentials_wherever_the_present_is() {
    let now: Timestamp = "2027-08-01T12:00:00Z".parse().unwrap();
    let mut story = Story::at("quiet-compliant", now);
    story.add_users(1);
    let report = String::from_utf8(story.credential_report.clone()).unwrap();
    let row: Vec<&str> = report.lines().last().unwrap().split(',').collect();
    let (changed, used) = ("2027-07-02T12:00:00Z", "2027-07-31T12:00:00Z");
    assert_eq!(
        row[..5],
        ["user-00000", "arn:aws:iam::111122223333:user/user-00000", "2025-08-01T12:00:00Z", "true", used]
    );
    assert_eq!(row[5..11], [changed, "N/A", "true", "true", changed, used]);
    assert_eq!(row.len(), report.lines().next().unwrap().split(',').count());
    assert_eq!(story.later(SignedDuration::from_hours(72)).credential_report, story.credential_report);
}

#[test]
fn a_part_that_a_story_does_not_tell_is_that_of_its_base() {
    let story = Story::load("medium-a-member-whose-guardrail-is-visible");
    let organization = story.baseline.organization.as_ref().unwrap();
    assert!(organization.tells_policies && organization.feature_set == "ALL");
    assert_eq!(story.baseline.identity_center.len(), 1, "of the base");
    assert_eq!(story.baseline.budgets.len(), 1, "of every account");
}

#[test]
fn a_story_takes_its_account_from_another_and_keeps_its_present_and_its_events() {
    let quiet = "quiet-compliant";
    let story =
        Story::load("critical-root-signs-in-without-mfa-and-creates-a-key").later(SignedDuration::from_hours(1));
    let (now, events) = (story.now, story.events.len());
    let story = story.with_account_of(quiet);
    assert_eq!((story.now, story.events.len(), story.name.as_str()), (now, events, quiet));
    assert_eq!(story.credential_report, Story::at(quiet, now).credential_report);
    assert!(story.without_events().events.is_empty());
}
