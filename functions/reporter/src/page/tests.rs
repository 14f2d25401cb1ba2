//! The page as a whole: what it says, what it never does, and how large it gets.

use facts::Status;
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

    pub(in crate::page) fn action_at(kind: &str, at: &str) -> facts::RootActivity {
        let mut action = action(1, "high", kind);
        action["time"] = json!(at);
        serde_json::from_value(action).unwrap()
    }

    pub(super) fn action(number: i64, severity: &str, kind: &str) -> Value {
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

mod hostile;
mod large;
mod rules;
mod users;

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
        "findings": findings, "left_out": [], "root_activity": [sample::action(1, "critical", "root_access_key_created")],
        "users": [sample::user(1)], "users_in_account": 7, "declarations": {"exceptions": [], "attestations": []},
        "refused_settings": [],
        "plans": [], "calls": [], "cut": {}, "previous": null, "complete": true, "unsent": 0, "is_narrow": false, "subscribed": true,
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
        "Report of2026-11-20 10:00:00 UTC",
        "Five steps: 4 of 5 · baseline: 20 of 20 · unknown: 0.",
        "1 critical finding; root was used 13 minutes ago.",
        "Root has no MFA",
        "The reason of root-mfa.",
        "Open since 2026-11-18 06:00:00 UTC (2 days ago)",
        "Why it matters. Without MFA, a stolen password",
        "1 of 7 users named by findings.",
        "New root access key",
        "198.51.100.24",
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
    assert!(!page.contains("Missing from this page"), "nothing is missing");
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
fn an_empty_history_is_said_on_the_page() {
    let page = text(&render(&report(), &History::default()));
    assert!(page.contains("There is no history yet") && page.contains("since when is not known"));
    assert!(page.contains("89 days have no data"), "the report's own day has");
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
        "rebuilt from the reports at 2026-11-19 00:00:00 UTC (34 h 0 min ago)",
        "has schema `rootwatch.history/9`",
        "another account, 444455556666",
        "12 older root actions are counted",
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
        "has schema `rootwatch.report/2`",
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
        assert!(text.contains("Missing from this page"), "{report}");
        assert_eq!(page.matches("<li class=\"step unknown\">").count(), 5, "{report}");
        assert!(!text.contains("Passed") && text.contains("INCOMPLETE: no control was evaluated"), "{report}");
    }
}

#[test]
fn a_report_older_than_three_hours_says_so() {
    let made =
        |made_at: &str| Page { report: &Stored::read(&report()), history: &history(1), made_at: at(made_at) }.render();
    assert!(!made("2026-11-20T13:00:00Z").contains("Newer reports are missing"));
    assert!(made("2026-11-20T13:00:01Z").contains("The report was 3 h 0 min old"));
}

#[test]
fn what_was_cut_and_a_run_that_was_not_complete_are_said() {
    let mut report = with("cut", json!({"calls": 1_200}));
    report["complete"] = json!(false);
    let page = text(&render(&report, &history(1)));
    assert!(page.contains("1,200 entries of `calls` were left out") && page.contains("The check was not complete"));
    let page = text(&render(&with("cut", json!({"calls": 1})), &History { acts_left_out: 1, ..history(1) }));
    assert!(page.contains("1 entry of `calls` was left out") && page.contains("1 older root action is counted"));
}

#[test]
fn a_check_that_was_not_complete_says_where_to_look_and_read_errors_are_said_once() {
    let said = |unsent: Value, error: Value| {
        let mut report = with("complete", json!(false));
        report["unsent"] = unsent;
        report["sources"][0]["error"] = error;
        let page = text(&render(&report, &history(1)));
        page.split_once("The check was not complete: ").map(|(_, said)| said.split_once('.').unwrap().0.to_owned())
    };
    let denied = json!({"source": "credential_report", "operation": "iam:GetCredentialReport", "cause": "denied", "code": "AccessDenied"});
    let of = |words: &str| Some(words.to_owned());
    assert_eq!(said(json!(2), Value::Null), of("2 alerts are not sent yet, see the log of the checker"));
    assert_eq!(said(json!(1), denied.clone()), of("1 alert is not sent yet, see the log of the checker"));
    assert_eq!(said(json!(0), denied), None, "the read errors have a section of their own");
    assert_eq!(said(Value::Null, Value::Null), of("see the log of the checker"));
}

#[test]
fn what_is_absent_is_not_shown_as_a_fact() {
    let mut damaged = report();
    for field in ["declarations", "previous", "left_out", "users"] {
        damaged.as_object_mut().unwrap().shift_remove(field);
    }
    let facts = ["ExceptionsNone.", "not attested", "disabled controlsnone", "first of its chain", "named by findings"];
    let (whole, damaged) = (text(&render(&report(), &history(1))), text(&render(&damaged, &history(1))));
    for fact in facts {
        assert!(whole.contains(fact) && !damaged.contains(fact), "{fact}");
    }
    assert_eq!(damaged.matches("The report does not say.").count(), 2);
    assert!(damaged.contains("The report does not list them.") && damaged.contains("disabled controlsunknown"));
}

#[test]
fn a_disabled_control_differs_from_one_that_could_not_be_read() {
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
    let before = |page: &str| {
        let row = page.split_once(">IAM.9</a>").unwrap().0.rsplit_once("<tr").unwrap().1;
        text(&format!("<body><tr{row}"))
    };
    let (chosen, unread) = (without(json!(["root-mfa"])), without(json!([])));
    assert!(step(&chosen).ends_with("Not evaluated.Disabled: root-mfa."), "{}", step(&chosen));
    assert!(requirement(&chosen).ends_with(".") && !requirement(&chosen).contains("Unknown"));
    assert!(step(&unread).ends_with("The report has no finding for this step."));
    assert!(before(&unread).contains("Unknown"), "{}", before(&unread));
    assert!(requirement(&unread).ends_with("The report has no finding of it that can be read."));
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
fn an_account_without_users_and_root_activity_has_neither_table_nor_chart() {
    let mut report = with("users", json!([]));
    report["root_activity"] = json!([]);
    let page = render(&report, &history(90));
    assert!(!page.contains("data-table=") && !page.contains("class=\"chart\""));
    assert!(text(&page).contains("No root activity.") && text(&page).contains("0 of 7 users"));
}

#[test]
fn what_could_not_be_read_stands_with_what_to_do() {
    let error = json!({"source": "root_events", "operation": "cloudtrail:LookupEvents in us-west-2", "cause": "denied", "code": "AccessDenied"});
    let state =
        json!({"source": "root_events", "region": "us-west-2", "as_of": null, "age_seconds": null, "error": error});
    let page = text(&render(&with("sources", json!([report()["sources"][0], state])), &history(1)));
    for words in [
        "1 of 2 sources could not be read completely",
        "Root events: cloudtrail:LookupEvents in us-west-2 was denied (AccessDenied).",
        "Access denied: in CloudTrail, find who took the permission away",
        "2 h 0 min",
        &"5f".repeat(32),
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
}

#[test]
fn what_expired_or_was_never_attested_differs_from_what_is_in_force() {
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
    assert_eq!(states, ["expired", "in force", "expired", "valid"]);
    assert_eq!(page.matches("not attested").count(), 3);
}

#[test]
fn a_step_shows_its_facts_or_its_worst_finding_and_says_that_it_is_suppressed() {
    let mut report = report();
    let step = |report: &Value, number: usize| {
        let page = render(report, &history(1));
        text(&format!("<body>{}", page.split("<li class=\"step ").nth(number).unwrap().split("</li>").next().unwrap()))
    };
    assert!(
        step(&report, 1).contains("Passed")
            && step(&report, 1).contains("The reason of root-access-keys.The reason of root-signing-certificates.")
    );
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
            && page.contains("Suppressed until 2027-01-01 00:00:00 UTC (in 41 days) by alice: in the post")
    );
}

#[test]
fn one_selector_shows_every_framework_by_its_own_numbers() {
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
fn a_number_that_is_not_evaluated_is_said_to_be_so_with_the_reason() {
    let page = |profile: &str| text(&render(&with("settings", settings(profile)), &history(1)));
    let why = "profile cis does not require the same";
    assert!(page("cis").contains(why) && page("cis").contains("not evaluated"));
    assert!(!page("strict").contains(why));
}
