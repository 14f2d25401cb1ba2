//! Sizes, times and calls of the real binary, printed beside what they are held against.
#![allow(clippy::panic, reason = "a figure that cannot be taken must stop loudly")]
use std::collections::BTreeMap;
use std::time::Duration;

use facts::{AccountId, Status};
use jiff::{SignedDuration, Timestamp};
use reporter::chain::sha256;
use reporter::history::{LINKS, Link};
use reporter::{History, Stored};
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Flood, Sandbox, Story};
use serde_json::{Value, json};

mod cost;
mod growth;
mod members;

const RUNS: usize = 11;
const STARTS: usize = 51;
const MEGABYTE: f64 = 1_000_000.0;

/// What can be printed alone.
pub(crate) const NAMES: [&str; 8] =
    ["starts", "checks", "limits", "sign-ins", "floods", "reports", "organization", "cost"];

/// Prints the figures called so, or all of them; that takes some minutes.
pub(crate) async fn print(chosen: &[&str]) {
    for name in NAMES.into_iter().filter(|name| chosen.is_empty() || chosen.contains(name)) {
        match name {
            "starts" => starts().await,
            "checks" => checks().await,
            "limits" => growth::limits().await,
            "sign-ins" => growth::sign_ins().await,
            "floods" => floods().await,
            "reports" => reports().await,
            "organization" => members::print().await,
            _ => cost::print().await,
        }
        println!();
    }
    println!(
        "median of {RUNS} runs or {STARTS} starts, and the distance to the slowest or largest; over the loopback account"
    );
}

/// Each binary from its start to its first request for an event, beside one that does nothing; and root-activity from its start to
/// the message of a sign-in.
async fn starts() {
    let mut story = Story::at("quiet-compliant", Timestamp::now());
    story.environment.clear();
    let sandbox = Sandbox::start(story.clone()).await;
    let limit = Duration::from_secs(60);
    let nothing = || "[]".to_owned();
    println!("binary               MB   ready ms   peak MB   CPU ms");
    for name in ["bare", "bare-clients", "root-activity", "slack-notifier", "checker", "reporter"] {
        let invoke = match name {
            "root-activity" => Invoke::root_activity(&sandbox, &story, nothing(), limit),
            "slack-notifier" => Invoke::slack(&sandbox, &story, nothing(), limit),
            "reporter" => Invoke::reporter(&sandbox, &story, nothing(), limit),
            _ => Invoke { binary: runtime::binary(name), ..Invoke::over(&sandbox, &story, nothing(), limit) },
        };
        let size = std::fs::metadata(&invoke.binary).map_or(0, |file| file.len());
        let mut outcomes = Vec::new();
        for _ in 0..STARTS {
            outcomes.push(runtime::invoke(invoke.clone()).await);
        }
        let ready = spread(&outcomes, |outcome| outcome.ready.as_secs_f64() * 1_000.0);
        let peak = spread(&outcomes, |outcome| bytes(outcome.peak_memory));
        let cpu = spread(&outcomes, |outcome| outcome.cpu.as_secs_f64() * 1_000.0);
        println!("{name:<16} {:>6.2}   {ready:>8}   {peak:>7}   {cpu:>6}", bytes(size));
    }
    let mut outcomes = Vec::new();
    for number in 0..STARTS {
        let event = sign_in(number);
        outcomes.push(runtime::invoke(Invoke::root_activity(&sandbox, &story, event, limit)).await);
    }
    assert!(outcomes.iter().all(|outcome| outcome.answer.is_ok()), "every sign-in is answered");
    assert!(sandbox.published().len() == STARTS, "every sign-in is sent");
    let took = spread(&outcomes, |outcome| (outcome.ready + outcome.took).as_secs_f64() * 1_000.0);
    println!("a sign-in of root, from the start of root-activity to the answer: {took} ms   (target: at most 150)");
}

/// A batch of one sign-in.
fn sign_in(number: usize) -> String {
    let detail = json!({
        "eventID": format!("sign-in-{number}"), "eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com",
        "eventType": "AwsConsoleSignIn", "eventTime": Timestamp::now(), "awsRegion": "us-east-2",
        "userIdentity": {"type": "Root", "arn": "arn:aws:iam::111122223333:root"},
        "responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "Yes"},
    });
    let envelope = json!({"detail-type": "AWS Console Sign In via CloudTrail", "source": "aws.signin",
        "account": "111122223333", "detail": detail});
    json!({"Records": [{"messageId": "1", "body": envelope.to_string()}]}).to_string()
}

async fn checks() {
    let binary = runtime::binary("checker");
    println!(
        "A quiet run: the second over the same account, by the schedule. In the first quarter of an hour it reads the baseline, too.\nusers  regions   ready ms      run s    CPU ms   peak MB (target 30)   AWS calls   of them DynamoDB"
    );
    for (users, regions) in [(10, 4), (10, 17), (5_000, 17), (5_000, 40)] {
        let story = story(users, regions);
        let mut outcomes = Vec::new();
        let (mut calls, mut to_the_ledger, mut services) = (0, 0, BTreeMap::new());
        for _ in 0..RUNS {
            let sandbox = Sandbox::start(story.clone()).await;
            let invoke = Invoke::over(&sandbox, &story, "{}".into(), Duration::from_secs(120));
            let invoke = Invoke { binary: binary.clone(), ..invoke };
            runtime::invoke(invoke.clone()).await;
            let invoke = Invoke { event: scheduled(), ..invoke };
            // Another time: the look-ups of the first run no longer count for CloudTrail's pace.
            sandbox.turn_to(story.later(SignedDuration::from_secs(1)));
            sandbox.forget_calls();
            outcomes.push(runtime::invoke(invoke).await);
            calls = sandbox.calls().len();
            services = by_service(&sandbox);
            to_the_ledger = services.get("dynamodb").copied().unwrap_or_default();
        }
        let failed = outcomes.iter().filter(|outcome| outcome.answer.is_err()).count();
        assert!(failed == 0, "{failed} of {RUNS} runs failed");
        let ready = spread(&outcomes, |outcome| outcome.ready.as_secs_f64() * 1_000.0);
        let took = spread(&outcomes, |outcome| outcome.took.as_secs_f64());
        let cpu = spread(&outcomes, |outcome| outcome.cpu.as_secs_f64() * 1_000.0);
        let peak = spread(&outcomes, |outcome| bytes(outcome.peak_memory));
        // The five steps: report 2, summary, policy, identities and their pages, devices, administrators, alias, Regions, subscribers;
        // trails in the three Regions that record sign-ins and 2 of the trail; two rules in four Regions, and the schedule. The
        // baseline: 3 each time, and once an hour 15 and an analyzer a Region. A look-up a Region by each of root's two names, and one
        // more in those three. The ledger.
        let hourly = if Timestamp::now().as_second() % 3_600 < 900 { 15 + regions } else { 0 };
        let most = 11 + users / 1_000 + 5 + 9 + 3 + hourly + 2 * regions + 3 + 4;
        println!(
            "{users:>5}  {regions:>7}   {ready:>8}   {took:>8}   {cpu:>8}   {peak:>7}   {calls:>9}   {to_the_ledger}   (at most {most} and 4)"
        );
        let services: Vec<String> = services.iter().map(|(service, calls)| format!("{service} {calls}")).collect();
        println!("                 calls by service: {}", services.join(", "));
    }
}

fn scheduled() -> String {
    include_str!("../../../events/scheduled.json").to_owned()
}

/// How many calls each service got.
fn by_service(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let mut services = BTreeMap::new();
    for call in sandbox.calls() {
        let service = call.action.split(':').next().unwrap_or_default().to_owned();
        *services.entry(service).or_default() += 1;
    }
    services
}

/// The checker under a hard limit of memory while root's key calls for nothing all the time: first all of it is read, then as much as
/// time allows; then the records are as large as CloudTrail keeps them. Each twice over the same events.
async fn floods() {
    const REGIONS: usize = 24;
    println!(
        "A flood in each of {REGIONS} Regions, under a limit of 128 MB\n a Region   KB a record   seconds of   run s   peak MB (target 128)   read   acts   messages   log KB   DynamoDB calls"
    );
    for (times, request_bytes, seconds) in [(3_000, 0, 120), (30_000, 0, 60), (1_000, 95_000, 60)] {
        let mut story = story(10, REGIONS);
        let until = story.now - SignedDuration::from_hours(3);
        story.flood = Some(Flood { a_second: 50, request_bytes, ..Flood::of(times, until) });
        let sandbox = Sandbox::start(story.clone()).await;
        for (run, story) in [story.clone(), story.later(SignedDuration::from_secs(90))].into_iter().enumerate() {
            sandbox.turn_to(story.clone());
            sandbox.forget_calls();
            let before = sandbox.published().len();
            let invoke = Invoke::over(&sandbox, &story, "{}".into(), Duration::from_secs(seconds));
            let invoke = Invoke { binary: runtime::binary("checker"), most_memory: Some(128 * 1024), ..invoke };
            let outcome = runtime::invoke(invoke).await;
            let answer = outcome.answer.unwrap_or_else(|error| panic!("{times} a Region: {error}\n{}", outcome.log));
            let acts = answer["root_activity"].as_array().map(Vec::as_slice).unwrap_or_default();
            let read: u64 = acts.iter().map(|act| act["folded"]["count"].as_u64().unwrap_or(1)).sum();
            let messages = sandbox.published().len() - before;
            assert!(run > 0 || (read > 0 && messages > 0), "the first run sends it");
            let to_the_ledger = sandbox.calls().iter().filter(|call| call.action.starts_with("dynamodb:")).count();
            let (took, peak) = (outcome.took.as_secs_f64(), bytes(outcome.peak_memory));
            println!(
                "{times:>9}   {:>11}   {seconds:>10}   {took:>5.1}   {peak:>20.1}   {read:>4}   {:>4}   {messages:>8}   {:>6}   {to_the_ledger}",
                request_bytes / 1_000,
                acts.len(),
                outcome.log.len() / 1_000
            );
        }
    }
}

/// What the reporter makes of a run: of an ordinary one, of one that names very many users, and of one after very many acts of root.
async fn reports() {
    let limit = Duration::from_secs(120);
    println!(
        "A report with 90 days of history\n                      KB   page KB (target 1,500)     ready ms   run s (target 2)   peak MB (target 128)   S3 calls"
    );
    let story = story(10, 4);
    let sandbox = Sandbox::start(story.clone()).await;
    let invoke = Invoke::over(&sandbox, &story, "{}".into(), limit);
    let answer = runtime::invoke(invoke).await.answer.unwrap_or_else(|error| panic!("the checker answers: {error}"));
    for (name, users, acts) in [("ordinary", 10, 10), ("5,000 users", 5_000, 10), ("10,000 root events", 10, 10_000)] {
        let (record, history) = past(&answer, users, acts, story.now);
        let (mut outcomes, mut calls, mut kept, mut page) = (Vec::new(), 0, 0, 0);
        for _ in 0..RUNS {
            let sandbox = Sandbox::start(story.clone()).await;
            sandbox.place_object("history.json", history.clone());
            let outcome = runtime::invoke(Invoke::reporter(&sandbox, &story, record.to_string(), limit)).await;
            assert!(outcome.answer.is_ok(), "{name}: {:?}\n{}", outcome.answer, outcome.log);
            outcomes.push(outcome);
            calls = sandbox.calls().len();
            let objects = sandbox.objects();
            page = objects["latest.html"].bytes.len();
            kept = objects
                .iter()
                .filter(|(key, _)| key.starts_with("reports/"))
                .map(|(_, object)| object.bytes.len())
                .sum();
        }
        let ready = spread(&outcomes, |outcome| outcome.ready.as_secs_f64() * 1_000.0);
        let took = spread(&outcomes, |outcome| outcome.took.as_secs_f64());
        let peak = spread(&outcomes, |outcome| bytes(outcome.peak_memory));
        let (kept, page) = (kept / 1_000, page / 1_000);
        println!("{name:<18} {kept:>5}   {page:>24}   {ready:>8}   {took:>16}   {peak:>20}   {calls:>8}");
    }
}

/// The record of a run whose findings name so many `users`, and a history of 90 days with so many `acts` of root, as far as both hold
/// them.
fn past(answer: &Value, users: usize, acts: usize, now: Timestamp) -> (Value, Vec<u8>) {
    let ago = |seconds: usize| now - SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let act = |number: usize| {
        json!({
            "event_id": format!("00000000-0000-4000-8000-{number:012}"), "kind": (if number.is_multiple_of(3) { "sign_in_failed" } else { "write_call" }),
            "severity": (if number.is_multiple_of(3) { "low" } else { "high" }), "time": ago(1 + number * 700), "region": "us-east-1",
            "event_name": "ConsoleLogin", "event_source": "signin.amazonaws.com", "source_address": "198.51.100.24",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            "mfa": "not_used", "access_key_id": null, "target": null, "error": null, "invoked_by": null,
            "details_readable": true, "planned": null,
        })
    };
    let acts: Vec<Value> = (0..acts).map(act).collect();
    let name = |number: usize| format!("user-{number:05}");
    let mut answer = answer.clone();
    let shown = acts.len().min(1_000);
    answer["root_activity"] = json!(acts.get(..shown));
    answer["cut"] = json!({"root_activity": acts.len() - shown});
    answer["users_in_account"] = json!(users);
    answer["users"] = (0..users)
        .map(|number| {
            json!({
                "name": name(number), "has_password": true, "has_mfa": false, "password_last_used": ago(number * 60),
                "access_keys": [{"active": true, "created": ago(number * 3_600), "last_used": null}],
                "groups": ["Developers", "Readers"], "controls": ["user-mfa"],
            })
        })
        .collect();
    for finding in
        answer["findings"].as_array_mut().into_iter().flatten().filter(|finding| finding["control"] == "user-mfa")
    {
        finding["status"] = json!("failed");
        finding["resources"] = (0..users).map(name).map(Value::from).collect();
    }

    let account = AccountId::parse("111122223333").unwrap_or_else(|error| panic!("{error}"));
    let mut history = History::new(&account);
    let mut run = Stored::read(&answer);
    run.users = Vec::new();
    // Every outcome lasts for six hours.
    for number in (1..90 * 4).rev() {
        run.taken_at = Some(ago(number * 6 * 3_600));
        run.root_activity = Vec::new();
        for finding in &mut run.findings {
            finding.status = if number.is_multiple_of(2) { Status::Passed } else { Status::Failed };
        }
        history.add(&run);
    }
    run.root_activity = acts.into_iter().filter_map(|act| serde_json::from_value(act).ok()).collect();
    run.taken_at = Some(ago(60));
    history.add(&run);
    for number in (1..=LINKS).rev() {
        let time = ago(number * 15 * 60).strftime("%Y/%m/%d/T%H%M%SZ");
        let (key, sha256) = (format!("reports/111122223333/{time}-0f9e8d7c.json"), sha256(&number.to_le_bytes()));
        history.link(Link { key, sha256, run: format!("00000000-0000-4000-8000-{number:012}") });
    }
    let history = history.write().unwrap_or_else(|error| panic!("{error}"));
    let id = "0f9e8d7c-0000-4000-8000-000000000001";
    (runtime::destination_record(id, &json!({}), &answer, now), history)
}

/// A compliant account of that size.
fn story(users: usize, regions: usize) -> Story {
    let mut story = Story::at("quiet-compliant", Timestamp::now());
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
