//! Runs one after the other: what is swept, what the clock does, what comes back.

use facts::Status;
use function::Invocation;
use jiff::{SignedDuration, Timestamp};
use sandbox::{Crowd, Fault, Flood, Story, Trouble};
use serde_json::Value;

use crate::account::{
    ALARM, Account, FRESH, QUIET, Run, hours, minutes, notification, story, story_at, text, transitions, words,
};
use crate::difference::{assert_says, summary};
use crate::stories::{invocation, limits};

const FLOOD: &str = "critical-one-success-among-many-failed-sign-ins";

/// Root's acts alone, in an account that passes.
fn acts_alone() -> Story {
    story(ALARM).with_account_of(QUIET)
}

fn with_look_back(mut story: Story, hours: u16) -> Story {
    story.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    story.environment.insert("ROOTWATCH_LOOKBACK_HOURS".into(), hours.to_string());
    story
}

fn acts(run: &Run) -> Vec<String> {
    run.ids().into_iter().filter(|id| !id.contains('/')).collect()
}

#[tokio::test]
async fn ct_6_hundreds_of_events_are_one_message_and_the_older_ones_one_item_of_the_table() {
    let story = story(FLOOD).with_a_flood_of(260);
    let account = Account::of(&story).await;
    let run = account.run(&story).await;
    assert_eq!((run.mails.len(), account.items("E").await.len()), (1, 101), "a hundred and a group");
    assert_says(run.mail(), "260 root actions");
    assert!(run.is_complete());
    account.assert_settled("a flood").await;
    let run = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert!(run.mails.is_empty() && run.is_complete());
}

#[tokio::test]
async fn ct_6_a_flood_in_every_region_is_told_once_and_again_when_it_is_ten_times_as_many() {
    let mut story = acts_alone();
    let regions = story.regions.len();
    story.flood = Some(Flood::of(101, story.now - hours(3)));
    let account = Account::of(&story).await;
    let run = account.run(&story).await;
    assert_eq!(account.items("E").await.len(), 3 + regions, "root's three acts, and a group a Region");
    assert!(run.mails[0].subject.starts_with("[rootwatch] CRITICAL: new root access key"), "{}", run.mails[0].subject);
    // One of root's three acts only reads.
    assert_says(run.mail(), &format!("{} read-only root actions", 101 * regions + 1));
    let coverage = account.item("A", "W#eu-west-1").await;
    let settled: Value = serde_json::from_str(&text(&coverage, "body")).unwrap();
    assert_eq!(settled["settled"].as_array().unwrap().len(), 1, "{settled}");
    assert!(run.is_complete());

    let later = story.later_with_a_young_report(minutes(15));
    let run = account.run(&later).await;
    assert!(run.mails.is_empty() && run.is_complete(), "the same events are no news");

    let mut grown = story.later_with_a_young_report(minutes(30));
    grown.flood = Some(Flood::of(1_010, story.now - hours(3)));
    let run = account.run(&grown).await;
    assert_says(run.mail(), &format!("{} read-only root actions", 1_010 * regions));
    assert_eq!(account.items("E").await.len(), 3 + regions);
    account.assert_settled("a flood").await;
}

/// How often events were looked up in a Region, but for the two look-ups by root's names.
fn look_ups(account: &Account, region: &str) -> usize {
    let calls = account.sandbox.calls().into_iter();
    calls.filter(|call| call.action == "cloudtrail:LookupEvents" && call.region == region).count() - 2
}

#[tokio::test]
async fn of_everybodys_sign_ins_a_check_reads_what_is_not_settled_and_what_leaves_the_look_back() {
    let quiet = story(QUIET).without_events();
    let account = Account::of(&quiet).await;
    assert!(account.run(&quiet).await.is_complete());
    let mut busy = quiet.later_with_a_young_report(minutes(15));
    busy.crowd = Some(Crowd { a_day: 2_400, region: "us-east-1".into() });
    account.sandbox.forget_calls();
    let run = account.run(&busy).await;
    assert!(run.is_complete() && run.mails.is_empty());
    // 225 of two hours and a quarter, and 25 of the quarter that left the look-back; all of a day are 48 pages.
    assert_eq!(look_ups(&account, "us-east-1"), 5 + 1);
    assert_eq!(look_ups(&account, "us-east-2"), 1, "few are read whole by one");

    // Who asks for a look-back gets it.
    let mut asked = busy.later_with_a_young_report(minutes(1));
    asked.event = serde_json::json!({"lookback_hours": 5, "dry_run": true});
    account.sandbox.forget_calls();
    assert!(account.run(&asked).await.answer.is_ok());
    assert_eq!(look_ups(&account, "us-east-1"), 10, "500 of five hours");

    // Whatever somebody wrote down as read: what no check writes counts for nothing, and all of the look-back is read.
    let mut odd = account.item("A", "W#us-east-1#sign-ins").await;
    let ahead = r#"{"from":"2026-11-19T00:00:00Z","settled":[{"since":"2026-11-19T00:00:00Z","until":"2099-01-01T00:00:00Z"}]}"#;
    odd.insert("body".into(), aws_sdk_dynamodb::types::AttributeValue::S(ahead.into()));
    account.put(odd).await;
    account.sandbox.forget_calls();
    account.run(&busy.later_with_a_young_report(minutes(2))).await;
    assert_eq!(look_ups(&account, "us-east-1"), 48);
}

#[tokio::test]
async fn facts_that_change_rarely_are_read_once_an_hour_and_the_other_checks_make_at_most_fifty_calls() {
    let mut story = story(QUIET).without_events();
    story.event = serde_json::from_str(include_str!("../../events/scheduled.json")).unwrap();
    story.regions.extend((4..17).map(|number| format!("xx-test-{number}")));
    let account = Account::of(&story).await;
    let rarely =
        ["access-analyzer:ListAnalyzers", "account:GetContactInformation", "organizations:DescribeOrganization"];
    let check = async |story: &Story| {
        account.sandbox.forget_calls();
        let run = account.run(story).await;
        assert!(run.is_complete(), "{:?}", run.answer.as_ref().map(|answer| &answer.headline));
        let calls: Vec<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
        let reads = rarely.map(|rare| calls.iter().any(|call| call == rare));
        assert!(reads == [true; 3] || reads == [false; 3], "{reads:?}");
        let answer = run.answer.unwrap();
        // What a busy machine tries again counts once.
        let others = calls.iter().filter(|call| call.starts_with("dynamodb:") || call.starts_with("sns:")).count();
        (reads[0], answer.report.calls.len() + others, answer)
    };
    let at = |by| story.later_with_a_young_report(minutes(by));
    let (reads, all, _) = check(&at(0)).await;
    assert!(reads);
    let (reads, calls, answer) = check(&at(15)).await;
    // One more a Region, as this account has an alias.
    assert!(!reads && calls <= 50 + story.regions.len() && calls + 30 < all, "{calls} of {all}");
    let contacts = answer.report.sources.iter().find(|state| state.source == facts::Source::PrimaryContact).unwrap();
    assert_eq!((contacts.age_seconds, answer.report.baseline_as_of), (Some(900), story.now));
    assert!(answer.report.findings.iter().all(|finding| finding.status != facts::Status::Unknown));

    let mut asked = at(30);
    asked.event = serde_json::json!({});
    assert!(check(&asked).await.0, "at once on demand");
    let (reads, _, answer) = check(&at(45)).await;
    assert!(!reads && answer.report.baseline_as_of == asked.now);
    assert!(check(&at(60)).await.0, "an hour is over");
}

#[tokio::test]
async fn what_root_did_since_makes_a_check_read_the_facts_that_change_rarely_at_once() {
    let mut acted = story_at(ALARM, story(ALARM).now + minutes(50)).with_account_of(QUIET);
    acted.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    acted.event = serde_json::from_str(include_str!("../../events/scheduled.json")).unwrap();
    let before = acted.clone().without_events().later(-minutes(50));
    let account = Account::of(&before).await;
    account.run(&before).await;
    let quiet = acted.clone().without_events().later(-minutes(30));
    account.sandbox.forget_calls();
    account.run(&quiet).await;
    let reads = || account.sandbox.calls().iter().filter(|call| call.action == "account:GetContactInformation").count();
    assert_eq!(reads(), 0);
    let run = account.run(&acted).await;
    assert_eq!(reads(), 1);
    let report = run.answer.unwrap().report;
    assert_eq!(report.baseline_as_of, report.taken_at);
    let unknown = report.findings.iter().filter(|finding| finding.status == Status::Unknown);
    assert_eq!(unknown.map(|finding| finding.control).collect::<Vec<_>>(), Vec::<&str>::new(), "all of them are read");
    account.run(&acted.later(minutes(7))).await;
    assert_eq!(reads(), 1, "once for what it did");
}

#[tokio::test]
async fn ct_6_a_later_check_of_very_many_acts_costs_their_pages_and_nothing_more() {
    let mut story = acts_alone();
    story.event = serde_json::from_str(include_str!("../../events/scheduled.json")).unwrap();
    story.flood = Some(Flood::of(300, story.now - hours(3)));
    let account = Account::of(&story).await;
    assert!(account.run(&story).await.is_complete());
    account.sandbox.forget_calls();
    let run = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert!(run.is_complete() && run.mails.is_empty());
    let calls: Vec<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
    let times = |action: &str| calls.iter().filter(|call| *call == action).count();
    let to_the_ledger = calls.iter().filter(|call| call.starts_with("dynamodb:")).count();
    assert!((times("dynamodb:BatchGetItem"), times("dynamodb:TransactWriteItems")) == (1, 1), "{calls:?}");
    // The base is the same as in a quiet check.
    let pages = times("cloudtrail:LookupEvents");
    assert!(to_the_ledger <= 5 && calls.len() - pages <= 40, "{} beside {pages} pages", calls.len() - pages);
}

#[tokio::test]
async fn a_page_token_that_cloudtrail_refuses_in_between_loses_nothing_and_no_act_counts_twice() {
    for (flood, entries) in [(40, 40), (150, 101)] {
        let mut story = story(FLOOD).with_a_flood_of(flood);
        story.page_size = 20;
        let refused = Trouble::Error("InvalidNextTokenException".into());
        story.faults = vec![Fault::on("cloudtrail:LookupEvents", refused).in_region("us-east-1").after(3).times(1)];
        let account = Account::of(&story).await;
        let run = account.run(&story).await;
        assert_says(run.mail(), &format!("{flood} root actions"));
        assert_eq!(account.items("E").await.len(), entries);
        assert!(run.is_complete());
    }
}

#[tokio::test]
async fn ct_8_a_run_that_is_cut_short_is_continued_and_nothing_is_told_twice() {
    let mut story = story(FLOOD).with_a_flood_of(96).later_with_a_young_report(hours(4));
    story.page_size = 8;
    let account = Account::of(&story).await;
    let process = account.process(&story, &limits()).await;
    // Reading ends at half time: about seven of twelve pages, fewer on a busy machine.
    let short = Invocation { ends: story.now + SignedDuration::from_secs(8), ..invocation(&story) };
    let run = process.run_as(&story, &short).await;
    let recorded = account.items("E").await.len();
    assert!((1..96).contains(&recorded), "{recorded}");
    assert!(run.mails.len() == 1 && !run.is_complete() && !run.has_heartbeat());
    assert!(run.answer.as_ref().is_ok_and(|answer| answer.partial));
    assert_says(run.mail(), "PARTIAL: time ran out");
    assert_says(run.mail(), "cut short by the end of this run");
    let settled: Value = serde_json::from_str(&text(&account.item("A", "W#us-east-1").await, "body")).unwrap();
    assert_eq!(settled["settled"].as_array().unwrap().len(), 1, "the newest part alone: {settled}");

    let run = account.run(&story.later_with_a_young_report(minutes(15))).await;
    assert_eq!(account.items("E").await.len(), 96);
    assert!(run.is_complete());
    let news = run.answer.unwrap().alerts;
    let acts = news.iter().filter(|alert| alert.act().is_some()).count();
    assert_eq!(acts, 96 - recorded, "what the first run sent is not sent again");
}

#[tokio::test]
async fn ct_12_an_event_that_cloudtrail_shows_two_hours_late_is_told_once() {
    let story = with_look_back(acts_alone().shown_late(hours(2)), 1);
    let account = Account::of(&story).await;
    let mut sent = Vec::new();
    for half_hour in 0..5 {
        let run = account.run(&story.later_with_a_young_report(minutes(30 * half_hour))).await;
        assert!(run.is_complete());
        sent.extend(acts(&run));
    }
    sent.sort();
    assert_eq!(sent.len(), 3, "{sent:?}");
    sent.dedup();
    assert_eq!(sent.len(), 3);
}

#[tokio::test]
async fn ct_13_after_three_days_without_a_run_the_gap_is_caught_up_and_said() {
    let story = with_look_back(acts_alone(), 1);
    let account = Account::of(&story).await;
    let before = story.later_with_a_young_report(-hours(24));
    assert!(account.run(&before).await.is_complete());
    let run = account.run(&story.later_with_a_young_report(hours(48))).await;
    assert_eq!(acts(&run).len(), 3);
    assert!(run.is_complete());
    assert_says(run.mail(), "No check ran from 2026-11-19 10:00:00 UTC to 2026-11-22 10:00:00 UTC");
    // Each act says how late.
    assert_says(run.mail(), "found 2 d 0 h after it happened");
    assert!(account.run(&story.later_with_a_young_report(hours(49))).await.mails.is_empty());
}

#[tokio::test]
async fn ct_13_a_gap_counts_as_swept_only_when_what_was_found_in_it_is_written_down() {
    let story = with_look_back(acts_alone(), 1);
    let account = Account::of(&story).await;
    account.run(&story.later_with_a_young_report(-hours(24))).await;
    let mut cut_off = story.later_with_a_young_report(hours(48));
    // What was decided is written; root's acts no more.
    cut_off.faults.push(Fault::on("dynamodb:TransactWriteItems", Trouble::Deny).after(1));
    account.run(&cut_off).await;
    assert_eq!(account.items("E").await.len(), 0);
    let run = account.run(&story.later_with_a_young_report(hours(48) + minutes(15))).await;
    assert_eq!((acts(&run).len(), account.items("E").await.len()), (3, 3), "found again, beyond the look-back");
}

#[tokio::test]
async fn rt_1_with_little_time_left_what_was_read_is_recorded_and_told_as_partial() {
    let mut story = story(ALARM);
    story.faults.push(Fault::on("iam:GetAccountAuthorizationDetails", Trouble::Hang));
    story.faults.push(Fault::on("cloudtrail:LookupEvents", Trouble::Hang).in_region("us-west-2"));
    let account = Account::of(&story).await;
    let process = account.process(&story, &limits()).await;
    let short = Invocation { ends: story.now + SignedDuration::from_secs(8), ..invocation(&story) };
    let run = process.run_as(&story, &short).await;
    assert!(!run.is_complete() && !run.has_heartbeat());
    assert_says(run.mail(), "cut short by the end of this run");
    assert_eq!(acts(&run).len(), account.items("E").await.len());
    assert!(!acts(&run).is_empty());
    account.assert_settled("partial").await;
}

#[tokio::test]
async fn rt_2_a_run_in_which_every_call_takes_two_seconds_longer_is_complete() {
    let mut story = story(QUIET);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let mut actions: Vec<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
    actions.sort();
    actions.dedup();
    story.faults.extend(actions.iter().map(|action| Fault::on(action, Trouble::Slow(2_000))));
    let story = story.later_with_a_young_report(minutes(15));
    let run = account.process(&story, &aws::client::Limits::default()).await.run(&story).await;
    assert!(run.is_complete() && run.has_heartbeat(), "{}", summary(&run.answer));
}

#[tokio::test]
async fn st_16_a_clock_that_jumps_a_day_back_and_forth_neither_mutes_nor_floods() {
    let story = story(FRESH);
    let account = Account::of(&story).await;
    let opened = account.run(&story).await.ids();
    let mut messages = Vec::new();
    // A day back, a day ahead, right again; at each twice.
    for jump in [-hours(24), hours(24), hours(1)] {
        let mut mails = Vec::new();
        for quarter in 0..2 {
            let run = account.run(&story.later_with_a_young_report(jump + minutes(15 * quarter))).await;
            assert!(run.answer.is_ok());
            mails.extend(run.mails);
        }
        // Root's last use is more than a day ago once the clock is ahead.
        let mut sent = transitions(&mails);
        sent.retain(|(id, _)| !id.contains("/root-unused/"));
        // Facts that lie ahead of a clock that is behind are unknown, and no control passes by them, until it is right again.
        let is_of_the_clock = |id: &str, what: &str| {
            id.contains("/unjudged/") || (id.contains("/root-access-keys/") && what == "changed")
        };
        assert!(sent.iter().all(|(id, what)| what == "reminder" || is_of_the_clock(id, what)), "{jump}: {sent:?}");
        messages.push(mails.len());
    }
    assert!(messages.iter().all(|count| *count <= 1), "at most one message a jump: {messages:?}");
    // No later than a period after the clock is right.
    let mut reminded = Vec::new();
    for hour in (2..=26).step_by(6) {
        let run = account.run(&story.later_with_a_young_report(hours(hour))).await;
        reminded.extend(transitions(&run.mails).into_iter().map(|(id, _)| id));
    }
    // An act of root is sent once; its id is CloudTrail's. What is of low severity is sent again after a week.
    let is_reminded = |id: &&String| {
        id.contains('/') && !["/root-unused/", "/federation/", "/support-role/"].iter().any(|part| id.contains(part))
    };
    for id in opened.iter().filter(is_reminded) {
        assert!(reminded.contains(id), "{id} is mute: {reminded:?}");
    }
}

#[tokio::test]
async fn st_17_what_comes_and_goes_is_told_each_time_and_called_flapping_from_the_third_on() {
    let start: Timestamp = story(FRESH).now;
    let account = Account::of(&story(FRESH)).await;
    let mut sent = Vec::new();
    for number in 0..6 {
        let name = if number % 2 == 0 { FRESH } else { QUIET };
        let run = account.run(&story_at(name, start + minutes(30 * number))).await;
        let alerts = notification(&run.mails[0])["alerts"].as_array().unwrap().clone();
        let mfa = alerts.iter().find(|alert| alert["id"].as_str().unwrap().contains("/root-mfa/")).unwrap();
        assert_eq!(
            words(run.mail()).contains("came and went at least three times"),
            number >= 4 && number % 2 == 0,
            "run {number}: {}",
            run.mail()
        );
        sent.push(format!("{} {} {}", mfa["id"], mfa["facts"]["transition"], mfa["facts"]["flapping"]));
    }
    let expected = [
        r#""111122223333/root-mfa/1" "opened" false"#,
        r#""111122223333/root-mfa/1" "resolved" false"#,
        r#""111122223333/root-mfa/2" "opened" false"#,
        r#""111122223333/root-mfa/2" "resolved" false"#,
        r#""111122223333/root-mfa/3" "opened" true"#,
        r#""111122223333/root-mfa/3" "resolved" true"#,
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn rt_3_a_warm_process_takes_the_time_of_each_call() {
    let story = story(FRESH);
    let account = Account::of(&story).await;
    let process = account.process(&story, &limits()).await;
    process.run(&story).await;
    let run = process.run(&story.later_with_a_young_report(hours(4))).await;
    assert!(transitions(&run.mails).contains(&("111122223333/root-mfa/1".into(), "reminder".into())));
    assert_eq!(run.answer.unwrap().report.taken_at, story.now + hours(4));
}
