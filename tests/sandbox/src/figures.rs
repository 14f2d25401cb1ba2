//! Sizes, times and calls of the real binary, printed beside what they are held against.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Sandbox, Story};

const RUNS: usize = 11;
const MEGABYTE: f64 = 1_000_000.0;

/// Prints the figures; takes half a minute.
pub(crate) async fn print() {
    let binary = runtime::checker();
    let size = std::fs::metadata(&binary).map_or(0, |file| file.len());
    println!("release binary                {:>9.2} MB   (target: at most 9)", bytes(size));
    println!();
    println!(
        "A quiet run: the second over the same account.\nusers  regions   ready ms      run s   peak MB   AWS calls   of them DynamoDB"
    );
    for (users, regions) in [(10, 4), (10, 17), (5_000, 17)] {
        let story = story(users, regions);
        let mut outcomes = Vec::new();
        let (mut calls, mut to_the_ledger) = (0, 0);
        for _ in 0..RUNS {
            let sandbox = Sandbox::start(story.clone()).await;
            let invoke = Invoke::over(&sandbox, &story, "{}".into(), Duration::from_secs(120));
            let invoke = Invoke { binary: binary.clone(), ..invoke };
            runtime::invoke(invoke.clone()).await;
            // Another time: the look-ups of the first run no longer count for CloudTrail's pace.
            sandbox.turn_to(story.later(SignedDuration::from_secs(1)));
            sandbox.forget_calls();
            outcomes.push(runtime::invoke(invoke).await);
            calls = sandbox.calls().len();
            to_the_ledger = sandbox.calls().iter().filter(|call| call.action.starts_with("dynamodb:")).count();
        }
        let failed = outcomes.iter().filter(|outcome| outcome.answer.is_err()).count();
        assert!(failed == 0, "{failed} of {RUNS} runs failed");
        let ready = spread(&outcomes, |outcome| outcome.ready.as_secs_f64() * 1_000.0);
        let took = spread(&outcomes, |outcome| outcome.took.as_secs_f64());
        let peak = spread(&outcomes, |outcome| bytes(outcome.peak_memory));
        // Report 2, summary, policy, identities, devices, administrators, alias, Regions, subscribers; the ledger; a look-up a
        // Region and a second one in each of the three that record sign-ins; further pages of identities; trails in those
        // three Regions and 2 of the trail; two rules in four Regions, and the schedule.
        let most = 11 + 4 + regions + 3 + users / 1_000 + 5 + 9;
        println!(
            "{users:>5}  {regions:>7}   {ready:>8}   {took:>8}   {peak:>7}   {calls:>9}   {to_the_ledger}   (at most {most} and 4)"
        );
    }
    println!("\nmedian of {RUNS} runs, and the distance to the slowest or largest; over the loopback account");
}

/// A compliant account of that size.
fn story(users: usize, regions: usize) -> Story {
    let mut story = Story::at("nothing-to-tell-compliant", Timestamp::now());
    story.add_users(users.saturating_sub(1));
    story.regions.extend((4..regions).map(|number| format!("xx-test-{number}")));
    story
}

fn spread(outcomes: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> String {
    let mut figures: Vec<f64> = outcomes.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let median = figures.get(figures.len() / 2).copied().unwrap_or_default();
    let most = figures.last().copied().unwrap_or_default();
    format!("{median:.1}+{:.1}", most - median)
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn bytes(count: u64) -> f64 {
    count as f64 / MEGABYTE
}
