//! A run over an organization: what one look at an account takes, and its last task with the page and table that it writes.

use std::time::{Duration, Instant};

use aws::organization::runs::{PAGE, TABLE, accounts_key, rows_key};
use jiff::{SignedDuration, Timestamp};
use members::{MAX_DEEP_ITEMS, MAX_ITEMS, Row};
use organization::page::{MAX_BYTES, Page};
use sandbox::machine::Machine;
use sandbox::runtime::Outcome;
use sandbox::{MEMBER_ROLE, Organization, Sandbox, Story};
use serde::Serialize;
use serde_json::json;

use super::{bytes, spread};
use crate::many;

const RUNS: usize = 5;

pub(super) async fn print() {
    looks().await;
    println!();
    conclusions().await;
}

/// A full batch, by root's session and by the member's role: everything in the first run, the counters in the second. The floor is what the
/// calls alone take where each is answered at once.
async fn looks() {
    println!(
        "One batch of the function member-auditor, four accounts at once\nlook                         accounts   calls each   ms each   peak MB (of 512)"
    );
    let key = "root: {password: true, password_used: 400, mfa: [virtual], keys: [{created: 10}]}";
    for (what, access, fields, count, run) in [
        ("root: counters", "root-audit", "", MAX_ITEMS, 1),
        ("root: everything", "root-audit", key, MAX_ITEMS, 0),
        ("role: counters", "role", "role: quiet-compliant", MAX_DEEP_ITEMS, 1),
        ("role: everything", "role", "role: quiet-compliant", MAX_DEEP_ITEMS, 0),
    ] {
        let (mut outcomes, mut calls) = (Vec::new(), 0);
        for _ in 0..RUNS {
            let story = Story::at("quiet-compliant", Timestamp::now());
            let sandbox = Sandbox::start(story.clone()).await;
            sandbox.turn_to_organization(of(count, fields));
            let mut machine = Machine::over(&sandbox, &story, "o-exampleorg1");
            for (name, value) in [("MEMBER_ACCESS", access), ("MEMBER_ROLE", MEMBER_ROLE)] {
                machine.environment.insert(format!("ROOTWATCH_{name}"), value.to_owned());
            }
            for number in 0..=run {
                sandbox.forget_calls();
                let mut execution = machine.run(&format!("run-{number}"), Timestamp::now()).await;
                let audit = execution.audits.remove(&0).filter(|audit| audit.answer.is_ok());
                let audit = audit.unwrap_or_else(|| panic!("the batch has a result: {:?}", execution.lost));
                if number == run {
                    outcomes.push(audit);
                }
            }
            let is_of_a_look = |call: &&sandbox::Call| {
                call.member.is_some() || call.by_role.is_some() || call.action.starts_with("sts:Assume")
            };
            calls = sandbox.calls().iter().filter(is_of_a_look).count();
        }
        let each = |figure: f64| figure / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let took = spread(&outcomes, |outcome| each(outcome.took.as_secs_f64() * 1_000.0));
        let peak = spread(&outcomes, |outcome| bytes(outcome.peak_memory));
        println!("{what:<27}   {count:>8}   {:>10}   {took:>9}   {peak:>16}", calls / count);
    }
}

fn of(count: usize, fields: &str) -> Organization {
    let every = if fields.is_empty() { String::new() } else { format!(", every: {{1: {{{fields}}}}}") };
    let text = format!(
        "about: x\nid: o-exampleorg1\nroot: r-ab12\nmanagement: \"999988887777\"\ngenerated:\n  - {{accounts: {count}, from: 200000000001, \
         name: \"team {{number}}\"{every}}}\n"
    );
    Organization::parse(&text).remove(0)
}

/// Ten thousand accounts, and one as the floor.
async fn conclusions() {
    println!(
        "The last task of a run over an organization, and what it writes\naccounts   page KB (target {})   table KB   page and table ms (target 2,000)   the task s   peak MB (of 512)   S3 calls",
        MAX_BYTES / 1_000
    );
    for count in [1, 10_000] {
        let now = Timestamp::now();
        let rows = many::rows(count, now);
        let (run, home) = (many::run(&rows), many::home());
        let mut renders = Vec::new();
        for _ in 0..RUNS {
            let began = Instant::now();
            let page = Page { run: &run, rows: &rows, home: &home, started: now, made_at: now };
            let made = (page.render().len(), page.table().map_or(0, |table| table.len()));
            assert!(made.0 > 0 && made.1 > 0, "{count} accounts have a page and a table");
            renders.push(began.elapsed());
        }
        renders.sort();
        let render = renders.get(RUNS / 2).map_or(Duration::ZERO, |render| *render).as_secs_f64() * 1_000.0;
        let (mut outcomes, mut calls, mut sizes) = (Vec::new(), 0, (0, 0));
        for _ in 0..RUNS {
            let (outcome, sandbox) = concluded(&rows).await;
            outcomes.push(outcome);
            calls = sandbox.calls().iter().filter(|call| call.action.starts_with("s3:")).count();
            let size = |key| sandbox.object(key).map_or(0, |object| object.len() / 1_000);
            sizes = (size(PAGE), size(TABLE));
        }
        let took = spread(&outcomes, |outcome| outcome.took.as_secs_f64());
        let peak = spread(&outcomes, |outcome| bytes(outcome.peak_memory));
        let (page, table) = sizes;
        println!("{count:>8}   {page:>22}   {table:>8}   {render:>32.1}   {took:>10}   {peak:>16}   {calls:>8}");
    }
}

/// The last task after these results of all batches, by the real binary.
async fn concluded(rows: &[Row]) -> (Outcome, Sandbox) {
    let story = Story::at("quiet-compliant", Timestamp::now());
    let sandbox = Sandbox::start(story.clone()).await;
    let run = "figures";
    let members: Vec<_> = rows.iter().map(|row| &row.member).collect();
    sandbox.place_object(&accounts_key(run), lines(&members));
    let batches = rows.chunks(MAX_ITEMS);
    let count = batches.len();
    for (number, batch) in batches.enumerate() {
        sandbox.place_object(&rows_key(run, number), lines(batch));
    }
    let listed = json!({"accounts": rows.len(), "batches": count, "management": "999988887777"});
    let machine = Machine::over(&sandbox, &story, many::ID);
    let started = Timestamp::now() - SignedDuration::from_mins(5);
    let outcome = machine.conclude(run, started, &listed, &Default::default()).await;
    let answer = outcome.answer.as_ref().unwrap_or_else(|error| panic!("{error}\n{}", outcome.log));
    assert!(answer["coverage"]["listed"] == rows.len() && answer["unshown"] == json!([]), "{answer}");
    (outcome, sandbox)
}

fn lines<T: Serialize>(values: &[T]) -> Vec<u8> {
    let line = |value| serde_json::to_string(value).unwrap_or_else(|error| panic!("{error}"));
    values.iter().map(|value| line(value) + "\n").collect::<String>().into_bytes()
}
