//! Much root activity, and an account as large as they get.

use std::time::Instant;

use facts::RootActivity;
use serde_json::{Value, json};

use super::{at, history, render, sample, text, with};
use crate::history::History;
use crate::page::Page;
use crate::stored::Stored;

#[test]
fn root_actions_are_listed_once_newest_first_and_beyond_five_hundred_are_counted() {
    let acts: Vec<RootActivity> =
        (0..1_100).map(|number| serde_json::from_value(sample::action(number, "low", "write_call")).unwrap()).collect();
    let mut history = history(90);
    history.acts = acts.into_iter().rev().collect();
    let page = render(&with("root_activity", json!([sample::action(0, "low", "write_call")])), &history);
    assert_eq!(page.matches("<tr id=\"action-").count(), 500);
    assert!(
        text(&page).contains("1,100 root actions") && text(&page).contains("600 older root actions are not listed")
    );
    let first = page.split_once("<tr id=\"action-0\"").unwrap().1;
    assert!(first.find("2026-11-20 10:00:00 UTC") < first.find("<tr id=\"action-1\""));
    assert!(
        page.contains("https://us-east-1.console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events/00000000-")
    );
}

#[test]
fn calls_of_services_and_central_sessions_that_only_read_are_hidden_until_they_are_chosen() {
    let acts = json!([
        sample::action(1, "informational", "service"),
        sample::action(2, "high", "write_call"),
        sample::action(3, "informational", "centralized_root_task"),
    ]);
    let page = render(&with("root_activity", acts), &history(1));
    assert_eq!(page.matches("class=\"service\"").count(), 2);
    assert!(text(&page).contains("read-only central root access (2): no sign-in as root"));
    assert!(page.contains("id=\"services\" type=\"checkbox\"") && text(&page).contains("1 root action: 1 of high"));
    let none = render(&with("root_activity", json!([])), &history(1));
    assert!(!none.contains("id=\"services\""));
}

/// An account as large as they get.
fn large() -> (Value, History) {
    let mut report = with("users", (0..5_000).map(sample::user).collect());
    report["users_in_account"] = json!(5_000);
    let names: Vec<String> = (0..5_000).map(|number| format!("service-account-{number:04}")).collect();
    for finding in report["findings"].as_array_mut().unwrap() {
        finding["status"] = json!("failed");
        finding["resources"] = json!(names);
        finding["evidence"] = json!(vec![finding["evidence"][0].clone(); 1_000]);
    }
    let kinds = ["sign_in_succeeded", "sign_in_failed", "write_call", "read_only_call", "service"];
    let severities = ["critical", "high", "medium", "low", "informational"];
    let act = |number: i64| {
        let place = usize::try_from(number).unwrap() % 5;
        serde_json::from_value(sample::action(number, severities[place], kinds[place])).unwrap()
    };
    let history = History { acts: (0..10_000).map(act).collect(), ..history(90) };
    (report, history)
}

#[test]
fn the_largest_account_fits_into_a_page_of_one_and_a_half_megabytes() {
    let (report, history) = large();
    let report = Stored::read(&report);
    let start = Instant::now();
    let page = Page { report: &report, history: &history, made_at: at("2026-11-20T10:01:00Z") }.render();
    println!("{} bytes in {:?}", page.len(), start.elapsed());
    assert!(page.len() <= 1_500_000, "{} bytes", page.len());
    assert!(text(&page).contains("5,000 of 5,000 users") && text(&page).contains("and 4,980 more"));
}
