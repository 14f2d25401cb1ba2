//! Pages of invented accounts, for the browser tests and for people to look at. Reports come from the real checker.
#![allow(clippy::expect_used, reason = "a broken sample must stop loudly")]
use std::path::Path;

use aws::organization::runs::PAGE;
use facts::root_activity::Plan;
use facts::{RootActivity, Status};
use jiff::{SignedDuration, Timestamp};
use reporter::Stored;
use reporter::history::History;
use reporter::page::Page;
use sandbox::runtime::{self, Invoke};
use sandbox::{Sandbox, Story};
use serde_json::{Value, json};

use crate::{QUIET, TIMEOUT, many, samples};

mod ninety_days;

use ninety_days::days;
pub(crate) use ninety_days::seeded;

type Failed = Box<dyn std::error::Error>;

const ALARM: &str = "critical-root-signs-in-without-mfa-and-creates-a-key";
const USERS: &str = "high-users-without-mfa-and-old-keys";
const BILL: &str = "medium-no-billing-alert-works";
const DENIED: &str = "unknown-the-baseline-is-denied";
/// As many users as the stories name in the large account.
const MANY: usize = 5_000;

/// What ends an element, is one, turns the line round, or is longer than any line.
const HOSTILE: [&str; 6] = [
    "<script>document.title='evil'</script>",
    "\"><img src=x onerror=\"document.title='evil'\">",
    "</script><b id=evil>bold</b>",
    "see https://evil.example/login?next=<a href=https://evil.example>AWS</a>",
    "\u{202e}nigol toor\u{2066} abc",
    "javascript:document.title='evil'",
];

/// Writes one page a sample into `folder`; returns their names.
///
/// # Errors
/// When the checker fails, or a file cannot be written.
pub(crate) async fn write(folder: &Path) -> Result<Vec<&'static str>, Failed> {
    std::fs::create_dir_all(folder)?;
    let well = answer(QUIET).await?;
    let bad = bad().await?;
    let newer = newer(bad.clone());
    let demo = answer(ALARM).await?;
    let seeded = seeded(&demo);
    let samples = [
        ("demo", demo, seeded),
        ("bad", bad.clone(), days(&bad, 90)),
        ("well", well.clone(), days(&well, 90)),
        ("empty", json!({}), History::default()),
        ("hostile", hostile(bad.clone()), hostile_days(&bad)),
        ("large", large(bad.clone()), large_days(&bad)),
        ("newer", newer.clone(), days(&newer, 12)),
        ("first", bad, History::default()),
    ];
    let mut names = Vec::new();
    for (name, report, history) in samples {
        let report = Stored::read(&report);
        let made_at = report.taken_at.unwrap_or_else(samples::now) + SignedDuration::from_secs(40);
        let page = Page { report: &report, history: &history, made_at }.render();
        std::fs::write(folder.join(name).with_extension("html"), page)?;
        names.push(name);
    }
    names.extend(organizations(folder).await?);
    Ok(names)
}

/// The page of forty accounts after two runs of the real functions, and that of ten thousand.
async fn organizations(folder: &Path) -> Result<[&'static str; 2], Failed> {
    let now = Timestamp::now();
    let story = Story::at(QUIET, now);
    let sandbox = Sandbox::start(story.clone()).await;
    for (number, organization) in (1..).zip(sandbox::Organization::runs("forty")) {
        sandbox.turn_to_organization(organization.clone());
        let machine = sandbox::machine::Machine::over(&sandbox, &story, &organization.id);
        let execution = machine.run(&format!("look-{number}"), Timestamp::now()).await;
        let answer = execution.conclude.map(|conclude| conclude.answer);
        answer.ok_or("the list failed")?.map_err(|error| format!("a run over forty accounts failed: {error}"))?;
    }
    let forty = sandbox.object(PAGE).ok_or("a run left no page")?;
    std::fs::write(folder.join("organization.html"), forty)?;
    let rows = many::rows(10_000, now);
    let (run, home) = (many::run(&rows), many::home());
    let page = organization::page::Page {
        run: &run,
        rows: &rows,
        home: &home,
        started: now,
        made_at: now + SignedDuration::from_mins(4),
    };
    std::fs::write(folder.join("organization-10000.html"), page.render())?;
    Ok(["organization", "organization-10000"])
}

/// What the checker answers to its schedule over a story that happens now.
async fn answer(story: &str) -> Result<Value, Failed> {
    let story = Story::at(story, Timestamp::now());
    let sandbox = Sandbox::start(story.clone()).await;
    let outcome = runtime::invoke(Invoke::over(&sandbox, &story, story.event.to_string(), TIMEOUT)).await;
    outcome.answer.map_err(|error| format!("the checker failed over {}: {error}", story.name).into())
}

/// An account in which root has a key and no MFA, users are careless, and the bill is not watched. No story is as bad as that:
/// it has the findings of several, each the worst.
async fn bad() -> Result<Value, Failed> {
    let mut report = answer(ALARM).await?;
    for story in [USERS, BILL] {
        let other = answer(story).await?;
        take_over(&mut report, &other, "failed");
    }
    let denied = answer(DENIED).await?;
    take_over(&mut report, &denied, "unknown");
    let sources = denied["sources"].as_array().into_iter().flatten().filter(|state| !state["error"].is_null());
    for state in sources.take(3) {
        let own = list(&mut report["sources"]);
        own.retain(|other| other["source"] != state["source"]);
        own.push(state.clone());
    }
    let rank = |finding: &Value| match finding["status"].as_str() {
        Some("failed") => 0,
        Some("unknown") => 1,
        _ => 2,
    };
    list(&mut report["findings"]).sort_by_key(rank);
    score(&mut report);
    let now = time(&report["taken_at"]);
    let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
    let except = json!({
        "control": "unused-credentials", "reason": "dave is on parental leave until spring", "owner": "alice",
        "until": now + SignedDuration::from_hours(24 * 60), "resource": null,
    });
    let lapsed = json!({
        "control": "root-hardware-mfa", "reason": "the security key was ordered", "owner": "bob",
        "until": ago(9), "resource": null,
    });
    for finding in list(&mut report["findings"]) {
        if finding["control"] == "unused-credentials" {
            finding["exceptions"] = json!([except]);
        }
    }
    list(&mut report["declarations"]["exceptions"]).extend([except, lapsed]);
    if let Some(statement) = list(&mut report["declarations"]["attestations"]).first_mut() {
        statement["on"] = json!(ago(120));
    }
    report["users"] = users(now);
    report["users_in_account"] = json!(7);
    report["plans"] = json!(plans(now));
    report["calls"] = calls(now);
    report["complete"] = json!(false);
    report["previous"] = json!({
        "key": format!("reports/111122223333/{}-0c5a1e2b.json", ago(0).strftime("%Y/%m/%d/T%H0000Z")), "sha256": "3f9a".repeat(16),
    });
    Ok(report)
}

/// The findings of `other` that have `status` in place of `report`'s own.
fn take_over(report: &mut Value, other: &Value, status: &str) {
    for finding in other["findings"].as_array().into_iter().flatten().filter(|finding| finding["status"] == status) {
        let own = list(&mut report["findings"]);
        for place in own.iter_mut().filter(|own| own["control"] == finding["control"] && own["status"] != "failed") {
            *place = finding.clone();
        }
    }
}

/// As the checker reckons it.
fn score(report: &mut Value) {
    let findings = Stored::read(report).findings;
    let passes = |step: &&checklist::Step| {
        matches!(checklist::report::status_of(&findings, Some(**step)), Status::Passed | Status::NotApplicable)
    };
    let baseline = || findings.iter().filter(|finding| finding.step.is_none());
    report["score"] = json!({
        "five_steps": {"passed": checklist::Step::ALL.iter().filter(passes).count(), "of": 5},
        "baseline": {
            "passed": baseline().filter(|finding| finding.status == Status::Passed).count(),
            "of": baseline().filter(|finding| finding.status != Status::NotApplicable).count(),
        },
        "unknown": findings.iter().filter(|finding| finding.status == Status::Unknown).count(),
    });
}

/// Those of the story about users.
fn users(now: Timestamp) -> Value {
    let ago = |days: i64| json!(now - SignedDuration::from_hours(24 * days));
    let user = |name: &str, mfa: bool, used: Value, keys: Value, controls: Value| {
        json!({"name": name, "has_password": !used.is_null(), "has_mfa": mfa, "password_last_used": used, "access_keys": keys,
            "groups": ["Developers"], "controls": controls})
    };
    let mut never = user(
        "frank",
        false,
        Value::Null,
        json!([{"active": true, "created": ago(264), "last_used": null}]),
        json!(["access-key-rotation", "unused-credentials"]),
    );
    never["groups"] = json!([]);
    let mut new = user("grace", false, Value::Null, json!([]), json!(["user-mfa"]));
    new["has_password"] = json!(true);
    new["password_last_changed"] = ago(3);
    json!([
        user("bob", false, ago(1), json!([]), json!(["user-mfa"])),
        user(
            "carol",
            true,
            ago(1),
            json!([{"active": true, "created": ago(200), "last_used": ago(1)}]),
            json!(["access-key-rotation"])
        ),
        user("dave", true, ago(100), json!([]), json!(["unused-credentials"])),
        user(
            "erin",
            false,
            Value::Null,
            json!([
                {"active": true, "created": ago(50), "last_used": ago(1)}, {"active": true, "created": ago(36), "last_used": ago(1)},
            ]),
            json!(["access-key-rotation"])
        ),
        never,
        new,
    ])
}

fn plans(now: Timestamp) -> Vec<Plan> {
    let plan = |days: i64, hours: i64, ticket: &str| Plan {
        from: now - SignedDuration::from_hours(24 * days),
        to: now - SignedDuration::from_hours(24 * days - hours),
        ticket: ticket.into(),
        by: "alice".into(),
    };
    vec![plan(61, 2, "CHG-1042"), plan(24, 4, "CHG-1077")]
}

fn calls(now: Timestamp) -> Value {
    let calls =
        ["IAM.GenerateCredentialReport", "IAM.GetCredentialReport", "IAM.GetAccountSummary", "CloudTrail.LookupEvents"];
    let call = |(number, operation): (usize, &&str)| {
        json!({"operation": operation, "region": "us-east-1", "status": 200, "at": now,
            "request_id": format!("00000000-0000-4000-8000-{number:012}")})
    };
    calls.iter().cycle().take(64).enumerate().map(|(number, operation)| call((number, operation))).collect()
}

fn newer(mut report: Value) -> Value {
    report["schema"] = json!("rootwatch.report/2");
    report["score"] = json!({"grade": "B"});
    // Whose rows of the credential report nobody could read.
    for user in list(&mut report["users"]) {
        user["access_keys"] = Value::Null;
    }
    list(&mut report["findings"]).push(json!({"control": "of-tomorrow", "status": "failed"}));
    report
}

fn hostile(mut report: Value) -> Value {
    let long = format!("long-{}", "verylongname".repeat(40));
    let names: Vec<Value> = HOSTILE.iter().map(|text| json!(text)).chain([json!(long)]).collect();
    let first = names.first().cloned().unwrap_or_default();
    report["account"]["alias"] = first.clone();
    let user = |name: &Value| {
        json!({"name": name, "has_password": true, "has_mfa": false, "password_last_used": null, "access_keys": [],
            "groups": names, "controls": ["user-mfa", name]})
    };
    report["users"] = names.iter().map(user).collect();
    for finding in list(&mut report["findings"]).iter_mut().take(6) {
        finding["reason"] =
            names.iter().map(|name| name.as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ").into();
        finding["resources"] = json!(names);
        for fact in list(&mut finding["evidence"]) {
            fact["value"] = first.clone();
        }
    }
    for (act, name) in list(&mut report["root_activity"]).iter_mut().zip(names.iter().skip(1).cycle()) {
        for field in ["user_agent", "source_address", "target", "error", "region"] {
            act[field] = name.clone();
        }
    }
    list(&mut report["declarations"]["exceptions"])
        .iter_mut()
        .for_each(|exception| exception["reason"] = first.clone());
    report["settings"] = json!({(HOSTILE[0]): HOSTILE[1]});
    report["previous"]["key"] = first;
    report
}

fn hostile_days(report: &Value) -> History {
    let mut history = days(report, 90);
    history.schema = HOSTILE[0].into();
    for (act, hostile) in history.acts.iter_mut().zip(HOSTILE.iter().cycle()) {
        act.user_agent = Some((*hostile).into());
        act.source_address = Some((*hostile).into());
    }
    history
}

fn large(mut report: Value) -> Value {
    let now = time(&report["taken_at"]);
    let ago = |days: usize| json!(now - SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or_default()));
    let name = |number: usize| format!("service-account-of-team-{:02}-{number:04}", number % 40);
    let user = |number: usize| {
        json!({
            "name": name(number), "has_password": number.is_multiple_of(2), "has_mfa": number.is_multiple_of(3),
            "password_last_used": if number.is_multiple_of(2) { ago(number % 200) } else { Value::Null },
            "groups": ["Developers", format!("team-{}", number % 40)],
            "access_keys": [
                {"active": true, "created": ago(number % 700), "last_used": ago(number % 90)},
                {"active": false, "created": ago(number % 900), "last_used": null},
            ],
            "controls": ["user-mfa", "access-key-rotation"],
        })
    };
    report["users"] = (0..MANY).map(user).collect();
    report["users_in_account"] = json!(MANY);
    for finding in list(&mut report["findings"]).iter_mut().filter(|finding| finding["control"] == "user-mfa") {
        finding["resources"] = (0..MANY).map(name).collect();
    }
    report
}

fn large_days(report: &Value) -> History {
    let mut history = days(report, 90);
    let now = time(&report["taken_at"]);
    let acts = history.acts.clone();
    let copies = (0..10_000_i64).zip(acts.iter().cycle()).map(|(number, act)| RootActivity {
        event_id: format!("00000000-0000-4000-8003-{number:012}"),
        time: Some(now - SignedDuration::from_mins(12 * number)),
        ..act.clone()
    });
    history.acts = copies.collect();
    history.acts.reverse();
    history.acts_left_out = 1_234;
    history.rebuilt_at = Some(now - SignedDuration::from_hours(50));
    history
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().expect("a list of the report")
}

fn time(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).expect("a time of the report")
}
