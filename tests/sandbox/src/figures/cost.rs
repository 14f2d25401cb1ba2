//! What a month costs, measured.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sandbox::Sandbox;
use sandbox::cost::Measured;
use sandbox::runtime::{self, Invoke};
use serde_json::json;

use super::{scheduled, story};

const REGIONS: usize = 17;
/// An hour of later checks, of which the first reads the baseline.
const CHECKS: u32 = 4;
const HOUR: i64 = 3_600;
const FIRST_QUARTER: i64 = 900;
const LIMIT: Duration = Duration::from_secs(120);

/// Prints the tables, and writes the figures that README.md and docs/cost.md are made of.
pub(super) async fn print() {
    if Timestamp::now().as_second().rem_euclid(HOUR) < FIRST_QUARTER {
        println!("A month, in dollars: not measured, as each check in the first quarter of an hour reads the baseline");
        return;
    }
    let measured = measure().await;
    println!("A month, in dollars\n{}\n{}", measured.table(), measured.table_of_events());
    println!("{:.0} events a month", measured.events_a_month());
    for (action, calls) in &measured.calls_an_hour {
        println!("  {calls:>4} an hour   {action}");
    }
    let file = Measured::file();
    let text = serde_json::to_string_pretty(&measured).unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(&file, text + "\n").unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    println!("written to tests/sandbox/figures.json: `make bless` takes them to README.md and docs/cost.md");
}

/// Checks a quarter of an hour apart with their reports, after a first one, over an account in which nothing happens.
async fn measure() -> Measured {
    let mut story = story(10, REGIONS);
    let day = story.now.strftime("%Y-%m-%d").to_string();
    let sandbox = Sandbox::start(story.clone()).await;
    let (mut check, mut report, mut log_bytes) = (Duration::ZERO, Duration::ZERO, 0);
    let mut kept = 0;
    for number in 0..=CHECKS {
        // The processes live in the same quarter of an hour: as the first of an hour, one that is invoked reads everything.
        let event = if number < 2 { "{}".to_owned() } else { scheduled() };
        let invoke = Invoke::over(&sandbox, &story, event, LIMIT);
        let checked = runtime::invoke(Invoke { binary: runtime::binary("checker"), ..invoke }).await;
        let answer = checked.answer.unwrap_or_else(|error| panic!("the check: {error}\n{}", checked.log));
        let record = runtime::destination_record(
            &format!("{number:08}-0000-4000-8000-000000000000"),
            &json!({}),
            &answer,
            story.now,
        );
        let reported = runtime::invoke(Invoke::reporter(&sandbox, &story, record.to_string(), LIMIT)).await;
        assert!(reported.answer.is_ok(), "the report: {:?}\n{}", reported.answer, reported.log);
        if number == 0 {
            sandbox.forget_calls();
            kept = kept_bytes(&sandbox);
        } else {
            check += checked.ready + checked.took;
            report += reported.ready + reported.took;
            log_bytes += checked.log.len() + reported.log.len();
        }
        story = story.later_with_a_young_report(SignedDuration::from_mins(15));
        sandbox.turn_to(story.clone());
    }
    let mut calls_an_hour: BTreeMap<String, usize> = BTreeMap::new();
    for call in sandbox.calls() {
        *calls_an_hour.entry(call.action).or_default() += 1;
    }
    let mean = |all: Duration| (all.as_secs_f64() / f64::from(CHECKS) * 100.0).round() / 100.0;
    Measured {
        at: day,
        build: if cfg!(debug_assertions) { "debug" } else { "release" }.into(),
        regions: REGIONS,
        calls_an_hour,
        check_seconds: mean(check),
        report_seconds: mean(report),
        write_units_an_hour: sandbox.write_units(),
        report_bytes_an_hour: kept_bytes(&sandbox) - kept,
        log_bytes_an_hour: log_bytes,
    }
}

fn kept_bytes(sandbox: &Sandbox) -> usize {
    let objects = sandbox.objects();
    objects.iter().filter(|(key, _)| key.starts_with("reports/")).map(|(_, object)| object.bytes.len()).sum()
}
