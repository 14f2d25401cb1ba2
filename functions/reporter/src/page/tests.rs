//! The page as a whole: what it says, what it never does, and what it bears.

use std::time::Instant;

use facts::{RootActivity, Status};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::exports::tests::settings;
use crate::history::{Link, Run};

/// Invented parts.
pub(super) mod sample {
    use checklist::Finding;
    use facts::Status;
    use serde_json::{Value, json};

    pub(in crate::page) const TAKEN_AT: &str = "2026-11-20T10:00:00Z";

    pub(in crate::page) fn finding(control: &str, status: Status) -> Finding {
        serde_json::from_value(finding_as_json(control, status)).unwrap()
    }

    pub(super) fn finding_as_json(control: &str, status: Status) -> Value {
        let control = checklist::controls::control(control).unwrap();
        json!({
            "control": control.id, "step": control.step, "severity": control.severity, "status": status,
            "reason": format!("The reason of {}", control.id), "resources": [], "judged_by": {}, "exceptions": [],
            "evidence": [{"source": "account_summary", "fact": "AccountMFAEnabled", "value": "0", "as_of": TAKEN_AT}],
        })
    }

    pub(super) fn act(number: i64, severity: &str, kind: &str) -> Value {
        let at = TAKEN_AT.parse::<jiff::Timestamp>().unwrap() - jiff::SignedDuration::from_mins(13 * number);
        json!({
            "event_id": format!("00000000-0000-4000-8000-{number:012}"), "kind": kind, "severity": severity, "time": at,
            "region": "us-east-1", "event_name": "CreateAccessKey", "event_source": "iam.amazonaws.com",
            "source_address": "198.51.100.24", "mfa": "not_used", "access_key_id": null, "target": null, "error": null,
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "invoked_by": null,
            "details_readable": true, "planned": null,
        })
    }

    pub(super) fn user(number: usize) -> Value {
        json!({
            "name": format!("service-account-{number:04}"), "has_password": true, "has_mfa": number.is_multiple_of(3),
            "password_last_used": TAKEN_AT, "groups": ["Developers", format!("team-{}", number % 40)],
            "access_keys": [
                {"active": true, "created": "2026-02-01T00:00:00Z", "last_used": "2026-11-01T00:00:00Z"},
                {"active": false, "created": "2025-02-01T00:00:00Z", "last_used": null},
            ],
            "controls": ["user-mfa", "access-key-rotation"],
        })
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A report in which root has no MFA and all else passes.
fn report() -> Value {
    let findings: Vec<Value> = checklist::CHECKLIST
        .iter()
        .map(|control| if control.id == "root-mfa" { Status::Failed } else { Status::Passed })
        .zip(checklist::CHECKLIST)
        .map(|(status, control)| sample::finding_as_json(control.id, status))
        .collect();
    json!({
        "schema": "rootwatch.report/1", "version": "0.1.0", "settings": settings("cis"),
        "account": {"id": "111122223333", "alias": "acme-prod", "partition": "aws"}, "taken_at": sample::TAKEN_AT,
        "sources": [{"source": "credential_report", "as_of": "2026-11-20T08:00:00Z", "age_seconds": 7200, "error": null,
            "sha256": "5f".repeat(32)},
            {"source": "root_events", "region": "us-east-1", "as_of": sample::TAKEN_AT, "age_seconds": 0, "error": null}],
        "root_events_since": "2026-11-19T10:00:00Z",
        "score": {"five_steps": {"passed": 4, "of": 5}, "baseline": {"passed": 20, "of": 20}, "unknown": 0},
        "findings": findings, "left_out": [], "root_activity": [sample::act(1, "critical", "root_access_key_created")],
        "users": [sample::user(1)], "users_in_account": 7, "declarations": {"exceptions": [], "attestations": []},
        "refused_settings": [],
        "plans": [], "calls": [], "cut": {}, "previous": null, "complete": true, "untold": 0, "is_narrow": false, "subscribed": true,
    })
}

fn history(days: i64) -> History {
    let run = |day: i64| Run {
        from: at(sample::TAKEN_AT) - SignedDuration::from_hours(24 * day + 4),
        until: at(sample::TAKEN_AT) - SignedDuration::from_hours(24 * day),
        runs: 5,
        complete: 5,
        statuses: checklist::CHECKLIST
            .iter()
            .map(|control| {
                (
                    control.id.to_owned(),
                    if control.id == "root-mfa" && day < 3 { Status::Failed } else { Status::Passed },
                )
            })
            .collect(),
        suppressed: Default::default(),
        root_activity: Default::default(),
    };
    History {
        schema: crate::history::SCHEMA.into(),
        chain: vec![Link { key: "reports/x.json".into(), sha256: "ab".repeat(32), run: "run".into() }],
        runs: (0..days).rev().map(run).collect(),
        ..History::default()
    }
}

fn render(report: &Value, history: &History) -> String {
    Page { report: &Stored::read(report), history, made_at: at("2026-11-20T10:01:00Z") }.render()
}

fn with(field: &str, value: Value) -> Value {
    let mut report = report();
    report[field] = value;
    report
}

/// The texts that stand between tags, without the style, the script and the data.
fn text(page: &str) -> String {
    let mut text = String::new();
    let body = page.split_once("<body>").unwrap().1;
    for part in body.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        if !tag.starts_with("script") {
            text.push_str(rest);
        }
    }
    text
}

#[test]
fn an_ordinary_page_says_who_when_what_and_since_when() {
    let page = text(&render(&report(), &history(90)));
    for words in [
        "acme-prod 111122223333",
        "Report of 2026-11-20 10:00 UTC",
        "Five steps: 4 of 5 · baseline: 20 of 20 · unknown: 0",
        "1 control fails, 0 could not be judged",
        "Root has no MFA",
        "The reason of root-mfa.",
        "Open since 2026-11-18 06:00 UTC",
        "Why it matters. Without MFA a stolen password",
        "1 of 7 users; findings name no other.",
        "New root access key",
        "198.51.100.24",
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
    assert!(!page.contains("cannot show"), "nothing is missing");
}

#[test]
fn a_setting_that_is_refused_is_shown_and_its_words_stay_text() {
    let mut report = report();
    let fault = "`control` is `<b>root-mfs</b>`: no control in this version has this id";
    report["refused_settings"] = json!([{"setting": "Exceptions", "entry": 2, "fault": fault}]);
    let page = render(&report, &history(1));
    assert!(page.contains("Exceptions, entry 2: `control` is `&lt;b&gt;root-mfs&lt;/b&gt;`"), "{page}");
}

#[test]
fn the_page_asks_nothing_of_anybody() {
    let page = render(&report(), &history(90));
    for loading in
        [" src=", "@import", "url(", "<iframe", "<object", "<form", " style=", " onclick=", "fetch(", "XMLHttpRequest"]
    {
        assert!(!page.contains(loading), "{loading}");
    }
    let link = "<link rel=\"icon\" href=\"data:,\">";
    assert_eq!((page.matches("<link").count(), page.contains(link)), (1, true));
}

#[test]
fn the_policy_names_the_style_and_the_script_by_their_hashes_and_nothing_else() {
    let page = render(&report(), &history(1));
    for (tag, content) in [("style", STYLE), ("script", SCRIPT)] {
        assert!(page.contains(&format!("<{tag}>{content}</{tag}>")), "{tag}");
        let hash = STANDARD.encode(Sha256::digest(content.as_bytes()));
        assert!(page.contains(&format!("{tag}-src 'sha256-{hash}'")), "{tag}");
    }
    assert!(page.contains("content=\"default-src 'none'; ") && !page.contains("unsafe"));
    assert_eq!(page.matches("<style").count() + page.matches("<script>").count(), 2);
}

#[test]
fn an_empty_history_is_said_on_the_page() {
    let page = text(&render(&report(), &History::default()));
    assert!(page.contains("There is no history yet") && page.contains("since when is not known"));
    assert!(page.contains("On 89 days there was no run"), "the report's own day was judged");
}

#[test]
fn a_history_that_was_rebuilt_or_is_newer_or_of_another_account_is_said() {
    let mut history = history(2);
    history.rebuilt_at = Some(at("2026-11-19T00:00:00Z"));
    history.schema = "rootwatch.history/9".into();
    history.account = Some(facts::AccountId::parse("444455556666").unwrap());
    history.acts_left_out = 12;
    let page = text(&render(&report(), &history));
    for words in [
        "made anew from the reports at 2026-11-19 00:00 UTC",
        "of schema `rootwatch.history/9`",
        "another account, 444455556666",
        "12 acts of root beyond",
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
}

#[test]
fn a_report_of_a_newer_schema_is_shown_as_far_as_it_is_understood() {
    let mut report = with("schema", json!("rootwatch.report/2"));
    report["score"] = json!("good");
    report["findings"].as_array_mut().unwrap().push(json!({"control": "of-tomorrow"}));
    let page = text(&render(&report, &history(2)));
    for words in [
        "of schema `rootwatch.report/2`",
        "`score` of the report cannot be read",
        "1 entry of `findings`",
        "Root has no MFA",
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
}

#[test]
fn a_report_that_is_empty_or_no_object_passes_nothing() {
    for report in [json!({}), json!([]), Value::Null, json!("report")] {
        let page = render(&report, &History::default());
        let text = text(&page);
        assert!(text.contains("An account that the report does not name"), "{report}");
        assert!(text.contains("What this page cannot show"), "{report}");
        assert_eq!(page.matches("<li class=\"step unknown\">").count(), 5, "{report}");
        assert!(!text.contains("Passed") && !text.contains("As it should be"), "{report}");
    }
}

#[test]
fn a_report_older_than_three_hours_says_so() {
    let made =
        |made_at: &str| Page { report: &Stored::read(&report()), history: &history(1), made_at: at(made_at) }.render();
    assert!(!made("2026-11-20T13:00:00Z").contains("newer ones are missing"));
    assert!(made("2026-11-20T13:00:01Z").contains("The report was 3 h 0 min old"));
}

#[test]
fn what_was_cut_and_a_run_that_was_not_complete_are_said() {
    let mut report = with("cut", json!({"calls": 1_200}));
    report["complete"] = json!(false);
    let page = text(&render(&report, &history(1)));
    assert!(page.contains("1,200 entries of `calls` were left out") && page.contains("The run was not complete"));
    let page = text(&render(&with("cut", json!({"calls": 1})), &History { acts_left_out: 1, ..history(1) }));
    assert!(
        page.contains("1 entry of `calls` was left out")
            && page.contains("1 act of root beyond those that the history keeps is only")
    );
}

#[test]
fn a_run_that_was_not_complete_says_where_to_look() {
    let said = |untold: Value, error: Value| {
        let mut report = with("complete", json!(false));
        report["untold"] = untold;
        report["sources"][0]["error"] = error;
        let page = text(&render(&report, &history(1)));
        let said = page.split_once("The run was not complete: ").unwrap().1;
        said.split_once('.').unwrap().0.to_owned()
    };
    let denied = json!({"source": "credential_report", "operation": "iam:GetCredentialReport", "cause": "denied", "code": "AccessDenied"});
    assert_eq!(said(json!(2), Value::Null), "2 alerts wait to be told (see the function's log)");
    assert_eq!(said(json!(0), denied.clone()), "not all could be read (see Sources)");
    assert_eq!(
        said(json!(1), denied),
        "not all could be read (see Sources), and 1 alert waits to be told (see the function's log)"
    );
    assert_eq!(said(Value::Null, Value::Null), "see the function's log");
}

#[test]
fn what_is_absent_is_not_told_as_a_fact() {
    let mut damaged = report();
    for field in ["declarations", "previous", "left_out", "users"] {
        damaged.as_object_mut().unwrap().shift_remove(field);
    }
    let facts = [
        "None: every control counts",
        "not stated",
        "controls left outnone",
        "first of its chain",
        "findings name no other",
    ];
    let (whole, damaged) = (text(&render(&report(), &history(1))), text(&render(&damaged, &history(1))));
    for fact in facts {
        assert!(whole.contains(fact) && !damaged.contains(fact), "{fact}");
    }
    assert_eq!(damaged.matches("The report does not tell.").count(), 2);
    assert!(damaged.contains("The report does not tell whom.") && damaged.contains("controls left outunknown"));
}

#[test]
fn what_was_left_out_by_choice_is_told_from_what_could_not_be_read() {
    let without = |left_out: Value| {
        let mut report = with("left_out", left_out);
        report["findings"].as_array_mut().unwrap().retain(|finding| finding["control"] != "root-mfa");
        render(&report, &history(1))
    };
    let step = |page: &str| {
        let card = page.split("<li class=\"step ").nth(2).unwrap();
        text(&format!("<body>{}", card.split("</li>").next().unwrap()))
    };
    let requirement = |page: &str| {
        let row = page.split_once(">IAM.9</a>").unwrap().1;
        text(&format!("<body>{}", row.split("</tr>").next().unwrap()))
    };
    let (chosen, unread) = (without(json!(["root-mfa"])), without(json!([])));
    assert!(step(&chosen).ends_with("Nobody judges it. Left out by choice: root-mfa."), "{}", step(&chosen));
    assert!(requirement(&chosen).contains("left out") && requirement(&chosen).ends_with("The control is disabled"));
    assert!(step(&unread).ends_with("The report has no finding of this step."));
    assert!(requirement(&unread).starts_with("Unknown"), "{}", requirement(&unread));
    assert!(requirement(&unread).ends_with("The report has no finding of it that can be read"));
}

#[test]
fn a_reason_has_one_full_stop_however_long_it_is() {
    for (reason, end) in
        [("It is so".to_owned(), "It is so."), ("It is so.".into(), "It is so."), ("x".repeat(2_000), "xx…")]
    {
        let mut report = report();
        let finding = report["findings"].as_array_mut().unwrap().iter_mut();
        finding
            .filter(|finding| finding["control"] == "root-mfa")
            .for_each(|finding| finding["reason"] = json!(reason));
        let page = text(&render(&report, &history(1)));
        assert!(page.matches(end).count() >= 2 && !page.contains("….") && !page.contains("so.."), "{reason:.20}");
    }
}

#[test]
fn an_account_without_users_and_acts_has_neither_table_nor_chart() {
    let mut report = with("users", json!([]));
    report["root_activity"] = json!([]);
    let page = render(&report, &history(90));
    assert!(!page.contains("data-table=") && !page.contains("class=\"chart\""));
    assert!(
        text(&page).contains("No root activity was found where it was looked for.")
            && text(&page).contains("0 of 7 users")
    );
}

#[test]
fn what_could_not_be_read_stands_with_what_to_do() {
    let error = json!({"source": "root_events", "operation": "cloudtrail:LookupEvents in us-west-2", "cause": "denied", "code": "AccessDenied"});
    let state =
        json!({"source": "root_events", "region": "us-west-2", "as_of": null, "age_seconds": null, "error": error});
    let page = text(&render(&with("sources", json!([report()["sources"][0], state])), &history(1)));
    for words in [
        "1 of 2 sources could not be read",
        "Root events: cloudtrail:LookupEvents in us-west-2 was denied (AccessDenied).",
        "Denied: allow each named action to rootwatch's role",
        "2 h 0 min",
        &"5f".repeat(32),
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
}

#[test]
fn what_expired_or_lapsed_or_was_never_stated_is_told_from_what_is_in_force() {
    let exception = |until: &str| json!({"control": "root-mfa", "reason": "in the post", "owner": "alice", "until": until, "resource": null});
    let stated = |statement: &str, on: &str| json!({"statement": statement, "by": "alice", "on": on});
    let page = render(
        &with(
            "declarations",
            json!({
                "exceptions": [exception("2026-11-20T10:00:00Z"), exception("2026-11-20T10:00:01Z")],
                "attestations": [stated("root-password-strong", "2026-08-22T10:00:00Z"), stated("contacts-reviewed", "2026-08-22T10:00:01Z")],
            }),
        ),
        &history(1),
    );
    let states: Vec<&str> =
        page.split("<span class=\"force ").skip(1).filter_map(|part| part.split(['>', '<']).nth(1)).collect();
    assert_eq!(states, ["expired", "in force", "lapsed", "in force"]);
    assert_eq!(page.matches("not stated").count(), 3);
}

#[test]
fn a_step_shows_its_worst_finding_and_says_that_somebody_answers_for_it() {
    let mut report = report();
    let step = |report: &Value, number: usize| {
        let page = render(report, &history(1));
        text(&format!("<body>{}", page.split("<li class=\"step ").nth(number).unwrap().split("</li>").next().unwrap()))
    };
    assert!(step(&report, 1).contains("Passed") && step(&report, 1).contains("As it should be."));
    assert!(
        step(&report, 2).contains("Failed")
            && step(&report, 2).contains("The reason of root-mfa.")
            && !step(&report, 2).contains("Suppressed")
    );
    let finding =
        report["findings"].as_array_mut().unwrap().iter_mut().find(|finding| finding["control"] == "root-mfa").unwrap();
    finding["exceptions"] = json!([{"control": "root-mfa", "reason": "in the post", "owner": "alice", "until": "2027-01-01T00:00:00Z", "resource": null}]);
    assert!(step(&report, 2).contains("Failed") && step(&report, 2).contains("Suppressed."));
    let page = text(&render(&report, &history(1)));
    assert!(
        page.contains("No open findings; 1 suppressed.")
            && page.contains("Suppressed until 2027-01-01 00:00 UTC by alice: in the post")
    );
}

#[test]
fn every_framework_is_listed_with_its_own_numbers() {
    let page = text(&render(&report(), &history(1)));
    for words in [
        "CIS AWS Foundations 3.0",
        "CIS AWS Foundations 5.0",
        "CIS AWS Foundations 7.0",
        "Security Hub",
        "IAM.9",
        "iam_root_mfa_enabled",
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
}

#[test]
fn a_number_that_nobody_judged_is_said_to_be_so_with_the_reason() {
    let page = |profile: &str| text(&render(&with("settings", settings(profile)), &history(1)));
    let why = "Not evaluated: profile cis does not require the same";
    assert!(page("cis").contains(why) && page("cis").contains("not judged"));
    assert!(!page("strict").contains(why));
}

/// Texts that would be markup, end an element, turn the line round, or never end.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script><b id=evil>",
    "'-alert(1)-' <!-- ",
    "\u{202e}drowssap\u{2066}",
    "javascript:alert(1)",
];

#[test]
fn hostile_text_stays_text_wherever_it_stands() {
    for hostile in HOSTILE.into_iter().map(str::to_owned).chain(["x".repeat(100_000)]) {
        let mut report = report();
        let exception = json!({"control": hostile, "reason": hostile, "owner": hostile, "until": sample::TAKEN_AT, "resource": hostile});
        let mut act = sample::act(2, "high", "write_call");
        for field in ["event_id", "region", "event_name", "source_address", "user_agent", "target", "error"] {
            act[field] = json!(hostile);
        }
        act["planned"] = json!({"from": sample::TAKEN_AT, "to": sample::TAKEN_AT, "ticket": hostile, "by": hostile});
        let mut user = sample::user(2);
        user["name"] = json!(hostile);
        user["groups"] = json!([hostile]);
        user["controls"] = json!([hostile]);
        report["findings"][0]["reason"] = json!(hostile);
        report["findings"][0]["status"] = json!("failed");
        report["findings"][0]["resources"] = json!([hostile]);
        report["findings"][0]["exceptions"] = json!([exception]);
        report["findings"][0]["evidence"][0]["fact"] = json!(hostile);
        report["findings"][0]["evidence"][0]["value"] = json!(hostile);
        report["account"]["alias"] = json!(hostile);
        report["version"] = json!(hostile);
        report["schema"] = json!(hostile);
        report["settings"] = json!({(hostile.clone()): hostile});
        report["left_out"] = json!([hostile]);
        report["root_activity"] = json!([act]);
        report["users"] = json!([user]);
        report["declarations"] = json!({"exceptions": [exception], "attestations": [{"statement": "root-password-strong", "by": hostile, "on": sample::TAKEN_AT}]});
        report["plans"] = json!([act["planned"]]);
        report["calls"] = json!([{"operation": hostile, "region": hostile, "request_id": hostile, "at": sample::TAKEN_AT, "status": 200}]);
        report["sources"][0]["error"] =
            json!({"source": "credential_report", "operation": hostile, "cause": "malformed", "detail": hostile});
        report["sources"][0]["sha256"] = json!(hostile);
        report["cut"] = json!({(hostile.clone()): 1});
        report["previous"] = json!({"key": hostile, "sha256": hostile});
        let stored = Stored::read(&report);
        assert_eq!(
            (stored.users.len(), stored.root_activity.len(), stored.calls.len()),
            (1, 1, 1),
            "all of it is read"
        );
        let mut history = history(2);
        history.runs[0].statuses.insert(hostile.clone(), Status::Failed);
        history.schema = hostile.clone();
        let page = render(&report, &history);
        let body = page.split_once("<body>").unwrap().1;
        for dead in ["<script>alert", "<img", "<b id", "<!--", "\u{202e}drowssap\u{2066} (1111", "href=\"javascript"] {
            assert!(!body.contains(dead), "{dead} of {hostile:.40}");
        }
        assert_eq!(page.matches("<script").count(), 2, "data and script alone");
        assert_eq!(page.matches("</script").count(), 2, "data and script alone");
        assert!(page.len() < 1_000_000, "{} bytes", page.len());
        assert!(body.contains("Suppressed"));
    }
}

#[test]
fn the_data_of_the_users_reads_back_as_what_the_rows_say() {
    let users: Vec<_> = (0..3)
        .map(sample::user)
        .chain([{
            let mut user = sample::user(3);
            user["name"] = json!("</script>");
            user
        }])
        .collect();
    let page = render(&with("users", json!(users)), &history(1));
    let data = page
        .split_once("<script id=\"users-data\" type=\"application/json\">")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["users"][3][0], "</script>");
    assert_eq!(data["users"][0][4].as_array().unwrap().len(), 2);
    assert_eq!((&data["users"][1][7], &data["tags"]), (&json!(3), &json!(["nomfa", "old", "unused", "nogroup"])));
    assert_eq!(data["users"][0][4][0], json!([1, 421_080, 20_758]), "active, its age in minutes, its last day");
    assert_eq!(data["groups"][data["users"][1][5][1][1].as_u64().unwrap() as usize], "team-1");
}

/// What the page says of one user, and the filters that find them.
fn user(change: Value) -> (String, Vec<&'static str>) {
    let mut user = sample::user(3);
    user.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    let page = render(&with("users", json!([user])), &history(1));
    let row = page.split_once("<table class=\"users\">").unwrap().1.split_once("<tbody>").unwrap().1;
    let data = page.split_once("type=\"application/json\">").unwrap().1.split_once("</script>").unwrap().0;
    let tags = serde_json::from_str::<Value>(data).unwrap()["users"][0][7].as_u64().unwrap();
    let names = ["nomfa", "old", "unused", "nogroup"];
    let found = names.into_iter().enumerate().filter(|(bit, _)| tags & (1 << bit) != 0).map(|(_, name)| name);
    (text(&format!("<body>{}", row.split("</tr>").next().unwrap())), found.collect())
}

#[test]
fn keys_that_nobody_could_read_are_unknown_and_not_none() {
    assert!(user(json!({"access_keys": null})).0.contains("2026-11-20unknownDevelopers"));
    assert!(user(json!({"access_keys": []})).0.contains("2026-11-20noneDevelopers"));
    assert_eq!(user(json!({"access_keys": null})).1, [""; 0]);
}

#[test]
fn a_credential_that_was_never_used_counts_as_unused_from_the_day_it_was_made() {
    let key = |created: &str, used: Option<&str>| json!({"access_keys": [{"active": true, "created": created, "last_used": used}]});
    let password = |changed: Option<&str>| json!({"access_keys": [], "password_last_used": null, "password_last_changed": changed});
    let (young, old) = ("2026-10-20T00:00:00Z", "2026-10-01T00:00:00Z");
    let is_unused = |change: Value| user(change).1.contains(&"unused");
    assert!(!is_unused(key(young, None)) && is_unused(key(old, None)));
    assert!(!is_unused(key(old, Some(young))) && is_unused(key("2026-01-01T00:00:00Z", Some(old))));
    assert!(!is_unused(password(Some(young))) && is_unused(password(Some(old))));
    assert!(is_unused(password(None)), "as far as is known");
}

#[test]
fn acts_stand_once_newest_first_and_beyond_five_hundred_are_counted() {
    let acts: Vec<RootActivity> =
        (0..1_100).map(|number| serde_json::from_value(sample::act(number, "low", "write_call")).unwrap()).collect();
    let mut history = history(90);
    history.acts = acts.into_iter().rev().collect();
    let page = render(&with("root_activity", json!([sample::act(0, "low", "write_call")])), &history);
    assert_eq!(page.matches("<tr id=\"act-").count(), 500);
    assert!(text(&page).contains("1,100 acts of root") && text(&page).contains("600 older acts are not listed"));
    let first = page.split_once("<tr id=\"act-0\"").unwrap().1;
    assert!(first.find("2026-11-20 10:00 UTC") < first.find("<tr id=\"act-1\""));
    assert!(
        page.contains("https://us-east-1.console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events/00000000-")
    );
}

#[test]
fn services_in_roots_name_are_hidden_until_somebody_asks() {
    let acts = json!([sample::act(1, "informational", "service"), sample::act(2, "high", "write_call")]);
    let page = render(&with("root_activity", acts), &history(1));
    assert_eq!(page.matches("class=\"service\"").count(), 1);
    assert!(page.contains("id=\"services\" type=\"checkbox\"") && text(&page).contains("1 act of root: 1 of high"));
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
        serde_json::from_value(sample::act(number, severities[place], kinds[place])).unwrap()
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
