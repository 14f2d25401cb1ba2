//! The path of alerts over several checks: the canary, the targets of rules, and Regions that deny.

use checklist::Report;
use checklist::finding::Finding;
use facts::verdict::Status;
use sandbox::{Fault, Story, Trouble};
use serde_json::json;

use crate::account::{Account, QUIET, Run, hours, minutes, story, transitions};
use crate::deployment::file;

const LOST: &str = "canary in us-east-1";

fn scheduled() -> Story {
    let mut story = story(QUIET);
    story.event = serde_json::from_str(&file("events/scheduled.json")).unwrap();
    story
}

fn report(run: &Run) -> &Report {
    &run.answer.as_ref().unwrap().report
}

fn path(run: &Run) -> &Finding {
    report(run).findings.iter().find(|finding| finding.control == "alert-path").unwrap()
}

fn is_of_the_path(run: &Run) -> Vec<String> {
    let sent = transitions(&run.mails).into_iter();
    sent.filter(|(id, _)| id.contains("alert-path")).map(|(_, transition)| transition).collect()
}

#[tokio::test]
async fn the_first_check_sends_a_canary_and_waits_and_the_next_one_sees_whether_it_arrived() {
    let story = scheduled();
    let account = Account::of(&story).await;
    let first = account.run(&story).await;
    assert_eq!(path(&first).status, Status::Passed);
    assert!(path(&first).reason.ends_with("the canary is on its way, and the next check evaluates it"));
    let regions: Vec<String> = account.sandbox.events().iter().map(|event| event["region"].to_string()).collect();
    assert_eq!(regions.len(), 4, "one of home and of each Region that forwards: {regions:?}");
    let second = account.run(&story.later(minutes(15))).await;
    assert!(path(&second).reason.ends_with("and the canary arrived"), "{}", path(&second).reason);
    assert_eq!(report(&second).canaries["us-east-1"].seconds, 2);
    assert!(second.is_complete() && second.mails.is_empty());
}

#[tokio::test]
async fn a_canary_that_did_not_arrive_is_told_with_its_region_while_checks_stay_complete_and_ends_when_one_arrives() {
    let story = scheduled();
    let account = Account::of(&story).await;
    account.run(&story).await;
    let broken = story.clone().with_watch(LOST, None);
    let before = account.run(&broken.later(minutes(15))).await;
    assert_eq!(path(&before).status, Status::Passed, "that of the check before arrived");
    let missed = account.run(&broken.later(minutes(30))).await;
    assert!(path(&missed).reason.starts_with("Canary of us-east-1: sent at 2026-11-20T10:15:00Z, did not arrive."));
    assert_eq!((is_of_the_path(&missed), missed.is_complete()), (vec!["opened".to_owned()], true));
    let still = account.run(&broken.later(minutes(45))).await;
    assert!(path(&still).reason.starts_with("Canary of us-east-1: sent at 2026-11-20T10:15:00Z"), "the oldest");
    assert!(still.mails.is_empty(), "nothing new");
    account.run(&story.later(minutes(60))).await;
    let mended = account.run(&story.later(minutes(75))).await;
    assert_eq!((path(&mended).status, is_of_the_path(&mended)), (Status::Passed, vec!["resolved".to_owned()]));
}

#[tokio::test]
async fn a_forwarder_whose_role_lost_its_right_is_missed_as_a_canary() {
    let story = scheduled();
    let account = Account::of(&story).await;
    account.run(&story).await;
    let broken = story.with_watch("canary in us-west-2", None);
    account.run(&broken.later(minutes(15))).await;
    let missed = account.run(&broken.later(minutes(30))).await;
    assert_eq!(path(&missed).resources, ["canary of us-west-2"], "rules and targets are as they were");
}

#[tokio::test]
async fn a_dry_run_and_a_narrow_one_put_nothing_on_a_bus() {
    for event in [json!({"dry_run": true}), json!({"regions": ["eu-west-1"]}), json!({"lookback_hours": 1})] {
        let mut story = story(QUIET);
        story.event = event;
        let account = Account::of(&story).await;
        account.run(&story).await;
        assert_eq!(account.sandbox.events().len(), 0, "{}", story.event);
        assert!(account.sandbox.calls().iter().all(|call| call.action != "events:PutEvents"));
    }
}

#[tokio::test]
async fn targets_are_read_once_an_hour_and_in_each_check_while_the_path_is_broken() {
    let story = scheduled();
    let account = Account::of(&story).await;
    let reads = async |story: &Story| {
        account.sandbox.forget_calls();
        let run = account.run(story).await;
        let calls = account.sandbox.calls();
        (calls.iter().filter(|call| call.action == "events:ListTargetsByRule").count(), run)
    };
    assert_eq!(reads(&story).await.0, 8);
    assert_eq!(reads(&story.later(minutes(15))).await.0, 0);
    let removed = story.clone().with_watch("target of rule rootwatch-tampering in us-east-2", None);
    let (count, unseen) = reads(&removed.later(minutes(45))).await;
    assert_eq!((count, path(&unseen).status), (0, Status::Passed), "until the next hour");
    for later in [60, 75] {
        let (count, seen) = reads(&removed.later(minutes(later))).await;
        assert_eq!((count, path(&seen).status), (8, Status::Failed), "after {later} minutes");
        assert!(path(&seen).reason.starts_with("Rule rootwatch-tampering in us-east-2 has lost its target `home`"));
    }
    let (count, mended) = reads(&story.later(minutes(90))).await;
    assert_eq!((count, path(&mended).status), (8, Status::Passed));
    assert_eq!(is_of_the_path(&mended), ["resolved"]);
    assert_eq!(reads(&story.later(minutes(105))).await.0, 0);
}

#[tokio::test]
async fn a_region_that_nobody_can_forward_from_is_a_finding_and_checks_stay_complete() {
    let mut story = scheduled();
    for action in ["events:ListRules", "events:PutEvents"] {
        story.faults.push(Fault::on(action, Trouble::Deny).in_region("us-west-2"));
    }
    let account = Account::of(&story).await;
    let run = account.run(&story).await;
    let denied = "rules and schedule: events:ListRules in us-west-2 was denied (AccessDeniedException)";
    assert_eq!((path(&run).status, path(&run).reason.as_str()), (Status::Unknown, denied));
    assert!(run.is_complete() && run.has_heartbeat());
    let headline = &run.answer.as_ref().unwrap().headline;
    assert!(headline.starts_with("INCOMPLETE: ") && headline.contains("us-west-2"), "{headline}");
    assert!(transitions(&run.mails).iter().any(|(id, _)| id.contains("unread/watch/us-west-2")), "{:?}", run.ids());
}

#[tokio::test]
async fn a_sign_in_region_that_is_denied_for_a_day_stops_no_heartbeat_and_stays_told() {
    let mut story = scheduled();
    story.faults.push(Fault::on("cloudtrail:LookupEvents", Trouble::Deny).in_region("us-east-2"));
    let account = Account::of(&story).await;
    let first = account.run(&story).await;
    assert!(!first.is_complete() && !first.has_heartbeat());
    assert!(!account.run(&story.later_with_a_young_report(hours(23))).await.is_complete());
    let settled = account.run(&story.later_with_a_young_report(hours(25))).await;
    assert!(settled.is_complete() && settled.has_heartbeat(), "the others are watched");
    let headline = &settled.answer.as_ref().unwrap().headline;
    assert!(headline.starts_with("INCOMPLETE: ") && headline.contains("us-east-2"), "{headline}");
    let reminded = transitions(&settled.mails);
    let of_the_region = reminded.iter().find(|(id, _)| id.contains("unread/root_events/us-east-2"));
    assert_eq!(of_the_region.map(|(_, transition)| transition.as_str()), Some("reminder"), "{reminded:?}");
    story.faults.clear();
    let read = account.run(&story.later_with_a_young_report(hours(26))).await;
    assert!(read.is_complete() && transitions(&read.mails).iter().any(|(_, transition)| transition == "resolved"));
}
