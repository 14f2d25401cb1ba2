//! What grows with the account: everybody and everything that IAM allows, and sign-ins of others.

use std::time::Duration;

use jiff::SignedDuration;
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Crowd, Flood, Sandbox, Story};
use serde_json::json;

use super::{bytes, scheduled, spread, story};

/// Fewer than elsewhere: one takes seconds.
const RUNS: usize = 5;
const LIMIT: Duration = Duration::from_secs(300);

/// A second check over `story`, so much later.
async fn second(story: &Story, by: SignedDuration) -> (Outcome, usize) {
    let sandbox = Sandbox::start(story.clone()).await;
    let invoke = Invoke::over(&sandbox, story, "{}".into(), LIMIT);
    let invoke = Invoke { binary: runtime::binary("checker"), ..invoke };
    runtime::invoke(invoke.clone()).await;
    sandbox.turn_to(story.later(by));
    sandbox.forget_calls();
    let outcome = runtime::invoke(invoke).await;
    assert!(outcome.answer.is_ok(), "{:?}\n{}", outcome.answer, outcome.log);
    (outcome, sandbox.calls().len())
}

/// At the limits of AWS: users, roles with the most of inline policies, and policies
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub(super) async fn limits() {
    println!(
        "A check at the limits of AWS\nusers   roles   policies      run s        CPU s (target)   peak MB (target 256)   calls"
    );
    for (users, roles, policies, target) in [(10, 0, 0, 0.02), (5_000, 0, 0, 0.07), (5_000, 5_000, 1_500, 1.2)] {
        let mut story = story(users, 17);
        story.add_roles_and_policies(roles, policies);
        let mut outcomes = Vec::new();
        let mut calls = 0;
        for _ in 0..RUNS {
            let (outcome, made) = second(&story, SignedDuration::from_secs(1)).await;
            outcomes.push(outcome);
            calls = made;
        }
        let took = spread(&outcomes, |outcome| outcome.took.as_secs_f64());
        let peak = spread(&outcomes, |outcome| bytes(outcome.peak_memory));
        let mut cpu: Vec<f64> = outcomes.iter().map(|outcome| outcome.cpu.as_secs_f64()).collect();
        cpu.sort_by(f64::total_cmp);
        let (median, most) = (cpu.get(RUNS / 2).copied().unwrap_or_default(), cpu.last().copied().unwrap_or_default());
        println!(
            "{users:>5}   {roles:>5}   {policies:>8}   {took:>8}   {median:.3} to {most:.3} ({target})   {peak:>20}   {calls:>5}"
        );
    }
}

/// A check of an account in which others sign in all day long, or in which root has acted very often three hours ago; each has been
/// checked before.
pub(super) async fn sign_ins() {
    let check = async |sandbox: &Sandbox, story: &Story| {
        sandbox.turn_to(story.clone());
        sandbox.forget_calls();
        let invoke = Invoke::over(sandbox, story, scheduled(), Duration::from_secs(300));
        let invoke = Invoke { binary: runtime::binary("checker"), ..invoke };
        let outcome = runtime::invoke(invoke).await;
        let answer = outcome.answer.unwrap_or_else(|error| panic!("the checker answers: {error}"));
        assert!(answer["partial"] == json!(false), "a check reads all that it must");
        let look_ups = sandbox.calls().iter().filter(|call| call.action == "cloudtrail:LookupEvents").count();
        (outcome.took.as_secs_f64(), sandbox.calls().len(), look_ups)
    };
    println!("A later check, in 17 Regions             run s   AWS calls   of them look-ups");
    for a_day in [1_000, 5_000, 30_000] {
        let mut story = story(10, 17);
        let sandbox = Sandbox::start(story.clone()).await;
        check(&sandbox, &story).await;
        story.crowd = Some(Crowd { a_day, region: "us-east-1".into() });
        let (took, calls, look_ups) = check(&sandbox, &story.later(SignedDuration::from_secs(2))).await;
        println!("{a_day:>6} sign-ins of others a day (target 40) {took:>6.1}   {calls:>9}   {look_ups:>16}");
    }
    let mut story = story(10, 17);
    story.flood = Some(Flood::of(10_000 / 17, story.now - SignedDuration::from_hours(3)));
    let sandbox = Sandbox::start(story.clone()).await;
    check(&sandbox, &story).await;
    let (took, calls, look_ups) = check(&sandbox, &story.later(SignedDuration::from_secs(60))).await;
    println!("10,000 root events, sent before             {took:>6.1}   {calls:>9}   {look_ups:>16}");
}
