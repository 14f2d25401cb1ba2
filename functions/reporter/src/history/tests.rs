//! A history grows, is stored and is read again.

use facts::verdict::Verdict;
use serde_json::{Value, json};

use super::*;
use crate::chain::sha256;

pub(crate) fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

pub(crate) fn act(id: &str, time: &str) -> RootActivity {
    serde_json::from_value(json!({
        "event_id": id, "kind": "sign_in_succeeded", "severity": "high", "time": time, "region": "us-east-1",
        "event_name": "ConsoleLogin", "event_source": "signin.amazonaws.com", "source_address": null,
        "user_agent": null, "mfa": "used", "access_key_id": null, "target": null, "error": null, "invoked_by": null,
        "details_readable": true, "planned": null,
    }))
    .unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn report(taken_at: &str, statuses: &[(&str, Status)], acts: &[RootActivity]) -> Stored {
    let snapshot = json!({"taken_at": taken_at, "complete": true});
    let findings = statuses.iter().map(|(control, status)| {
        let control = checklist::controls::control(control).unwrap();
        let Verdict { status, reason, .. } = Verdict::new(*status, "why", Vec::new());
        Finding {
            control: control.id,
            step: control.step,
            severity: control.severity,
            status,
            reason,
            evidence: Vec::new(),
            resources: Vec::new(),
            judged_by: BTreeMap::new(),
            exceptions: Vec::new(),
            remedy: Vec::new(),
        }
    });
    Stored { findings: findings.collect(), root_activity: acts.to_vec(), ..Stored::read(&snapshot) }
}

const GOOD: (&str, Status) = ("root-mfa", Status::Passed);
const BAD: (&str, Status) = ("root-mfa", Status::Failed);
const OTHER: (&str, Status) = ("root-access-keys", Status::Passed);

fn ids(news: BTreeSet<String>) -> Vec<String> {
    news.into_iter().collect()
}

#[test]
fn what_is_written_is_read_again_a_line_a_run_and_an_act() {
    let mut history = History::new(&account());
    history.add(&report("2026-11-19T10:00:00Z", &[GOOD, OTHER], &[act("a", "2026-11-19T09:00:00Z")]));
    history.add(&report("2026-11-20T10:00:00Z", &[BAD, OTHER], &[act("b", "2026-11-20T09:00:00Z")]));
    history.link(Link { key: "reports/1".into(), sha256: sha256(b"1"), run: "1".into() });
    let text = String::from_utf8(history.write().unwrap()).unwrap();
    assert_eq!(History::read(text.as_bytes(), &account()), Ok(history));
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_damaged_or_of_another_schema_or_account_is_refused() {
    let read = |text: &str| History::read(text.as_bytes(), &account()).unwrap_err().to_string();
    let whole = String::from_utf8(History::new(&account()).write().unwrap()).unwrap();
    for damaged in [
        "",
        "null",
        "[]",
        "{",
        "<html>",
        whole.split_at(whole.len() / 2).0,
        &whole.replace("\"runs\":[]", "\"runs\":7"),
    ] {
        let error = read(damaged);
        assert!(error.starts_with("the history "), "{damaged}: {error}");
    }
    assert_eq!(
        read(&whole.replace("history/1", "history/2")),
        "the history is of schema `rootwatch.history/2`, not of `rootwatch.history/1`"
    );
    assert_eq!(read(&whole.replace("111122223333", "999900001111")), "the history is of account `999900001111`");
    assert_eq!(read("{}"), "the history is of schema ``, not of `rootwatch.history/1`");
}

#[test]
fn equal_neighbours_of_one_day_are_one_line_that_counts_them() {
    let mut history = History::new(&account());
    for (time, finding) in [
        ("2026-11-19T23:00:00Z", GOOD),
        ("2026-11-20T00:00:00Z", GOOD),
        ("2026-11-20T01:00:00Z", GOOD),
        ("2026-11-20T02:00:00Z", BAD),
        ("2026-11-20T03:00:00Z", GOOD),
    ] {
        history.add(&report(time, &[finding], &[]));
    }
    let lines: Vec<_> = history
        .runs
        .iter()
        .map(|run| (run.from.to_string(), run.runs, run.complete, run.statuses["root-mfa"]))
        .collect();
    let line = |time: &str, runs, status| (time.to_owned(), runs, runs, status);
    assert_eq!(
        lines,
        [
            line("2026-11-19T23:00:00Z", 1, Status::Passed),
            line("2026-11-20T00:00:00Z", 2, Status::Passed),
            line("2026-11-20T02:00:00Z", 1, Status::Failed),
            line("2026-11-20T03:00:00Z", 1, Status::Passed),
        ]
    );
    assert_eq!(history.runs[1].until, at("2026-11-20T01:00:00Z"));
}

#[test]
fn an_act_is_kept_once_and_counted_in_the_run_that_saw_it_first() {
    let mut history = History::new(&account());
    let (first, second) = (act("a", "2026-11-20T09:00:00Z"), act("b", "2026-11-20T08:00:00Z"));
    history.add(&report("2026-11-20T09:30:00Z", &[BAD], std::slice::from_ref(&first)));
    let plan = Plan {
        from: at("2026-11-20T09:00:00Z"),
        to: at("2026-11-20T10:00:00Z"),
        ticket: "CHG-1".into(),
        by: "alice".into(),
    };
    let announced = RootActivity { planned: Some(plan.clone()), ..first.clone() };
    let plans = vec![plan.clone()];
    history.add(&Stored { plans, ..report("2026-11-20T10:30:00Z", &[GOOD], &[announced.clone(), second.clone()]) });
    history.add(&report("2026-11-20T11:30:00Z", &[BAD], &[first, second.clone()]));
    assert_eq!(history.acts, [second, announced], "by time, with what was announced of them");
    assert_eq!(history.plans, [plan]);
    let seen: Vec<usize> = history.runs.iter().map(|run| run.root_activity.values().sum()).collect();
    assert_eq!(seen, [1, 1, 0]);
}

#[test]
fn a_group_is_kept_as_it_was_when_it_counted_most_and_its_single_acts_are_counted_in_it() {
    let read = |number: usize| RootActivity {
        kind: Kind::ReadOnlyCall,
        ..act(&number.to_string(), &format!("2026-11-20T09:{:02}:{:02}Z", number / 60, number % 60))
    };
    let seen = |numbers: std::ops::Range<usize>| facts::root_activity::gather(numbers.map(read).collect());
    let mut history = History::new(&account());
    for (time, acts) in [("10", seen(0..50)), ("11", seen(0..150)), ("12", seen(0..400)), ("13", seen(350..400))] {
        history.add(&report(&format!("2026-11-20T{time}:00:00Z"), &[if time == "11" { BAD } else { GOOD }], &acts));
    }
    let counts: Vec<usize> = history.acts.iter().map(RootActivity::count).collect();
    assert_eq!(counts, [400]);
    let seen: Vec<usize> = history.runs.iter().map(|run| run.root_activity.values().sum()).collect();
    assert_eq!(seen, [50, 100, 250]);
}

#[test]
fn a_narrow_run_adds_no_outcome_and_one_without_a_time_nothing() {
    let mut history = History::new(&account());
    let narrow =
        Stored { is_narrow: true, ..report("2026-11-20T10:00:00Z", &[BAD], &[act("a", "2026-11-20T09:00:00Z")]) };
    assert!(history.add(&narrow).is_empty());
    let timeless =
        Stored { taken_at: None, ..report("2026-11-20T10:00:00Z", &[BAD], &[act("b", "2026-11-20T09:00:00Z")]) };
    assert!(history.add(&timeless).is_empty());
    assert_eq!((history.runs.len(), history.acts.len()), (0, 1));
}

#[test]
fn an_act_that_cloudtrail_completed_takes_the_place_of_the_first_record_and_keeps_it() {
    let (mut history, now) = (History::new(&account()), "2026-11-20T10:00:00Z");
    let first = act("a", "2026-11-20T09:00:00Z");
    let completed =
        RootActivity { completed: Some("errorCode".into()), error: Some("Failure".into()), ..first.clone() };
    let plan = Plan { from: at(now), to: at(now), ticket: "CHG-1".into(), by: "alice".into() };
    let announced = RootActivity { planned: Some(plan), ..first.clone() };
    for seen in [&first, &completed, &announced, &first] {
        history.add(&report(now, &[GOOD], std::slice::from_ref(seen)));
    }
    assert_eq!(history.acts, [completed]);
}

#[test]
fn what_is_older_than_90_days_goes() {
    let mut history = History::new(&account());
    let old = "2026-08-22T09:59:59Z";
    let plan = Plan {
        from: at("2026-08-22T08:00:00Z"),
        to: at("2026-08-22T09:00:00Z"),
        ticket: "CHG-1".into(),
        by: "alice".into(),
    };
    history.add(&Stored {
        plans: vec![plan],
        ..report(old, &[GOOD], &[act("old", old), act("kept", "2026-08-22T10:00:00Z")])
    });
    history.acts_left_out = 7;
    history.add(&report("2026-11-20T10:00:00Z", &[GOOD], &[act("new", "2026-11-20T09:00:00Z")]));
    let acts: Vec<&str> = history.acts.iter().map(|act| act.event_id.as_str()).collect();
    assert_eq!((history.runs.len(), acts, history.plans.len()), (1, vec!["kept", "new"], 0));
    assert_eq!(history.acts_left_out, 0, "what was left out was older than the oldest that was kept");
}

#[test]
fn of_very_many_acts_the_newest_are_kept_and_the_others_counted_once() {
    let mut history = History::new(&account());
    let flood = |from: usize, count: usize| -> Vec<RootActivity> {
        let time = |number: usize| {
            (at("2026-11-20T00:00:00Z") + SignedDuration::from_secs(i64::try_from(number).unwrap())).to_string()
        };
        (from..from + count).map(|number| act(&format!("{number:05}"), &time(number))).collect()
    };
    history.add(&report("2026-11-20T10:00:00Z", &[GOOD], &flood(0, ACTS + 10)));
    assert_eq!((history.acts.len(), history.acts_left_out, history.acts[0].event_id.as_str()), (ACTS, 10, "00010"));
    history.add(&report("2026-11-20T11:00:00Z", &[GOOD], &flood(0, ACTS + 11)));
    assert_eq!(
        (history.acts.len(), history.acts_left_out),
        (ACTS, 11),
        "what was left out before is not counted again"
    );
}

#[test]
fn news_is_what_is_not_as_in_the_run_before_and_all_of_it_once_a_day() {
    let mut history = History::new(&account());
    let mut news = |time: &str, findings: &[(&str, Status)]| ids(history.add(&report(time, findings, &[])));
    assert_eq!(news("2026-11-20T10:00:00Z", &[GOOD, OTHER]), ["root-access-keys", "root-mfa"], "the first run");
    assert!(news("2026-11-20T11:00:00Z", &[GOOD, OTHER]).is_empty());
    assert_eq!(news("2026-11-20T12:00:00Z", &[BAD, OTHER]), ["root-mfa"]);
    assert_eq!(news("2026-11-20T13:00:00Z", &[GOOD, OTHER]), ["root-mfa"]);
    assert!(news("2026-11-20T12:30:00Z", &[BAD, OTHER]).is_empty(), "it is older than the last news");
    assert_eq!(news("2026-11-21T00:00:00Z", &[GOOD, OTHER]).len(), 2, "the first run of a day");
    assert_eq!(news("2026-11-21T01:00:00Z", &[GOOD]), [""; 0], "what is not there for another reason is no news");
}

#[test]
fn a_control_that_is_left_out_is_told_of_once() {
    let mut history = History::new(&account());
    let mut news = |time: &str, findings: &[(&str, Status)], left_out: &[&str]| {
        let left_out = left_out.iter().map(|id| (*id).to_owned()).collect();
        ids(history.add(&Stored { left_out, ..report(time, findings, &[]) }))
    };
    news("2026-11-20T10:00:00Z", &[BAD, OTHER], &["user-mfa"]);
    assert_eq!(news("2026-11-20T11:00:00Z", &[OTHER], &["user-mfa", "root-mfa"]), ["root-mfa"]);
    assert_eq!(news("2026-11-20T12:00:00Z", &[OTHER], &["user-mfa", "root-mfa"]), [""; 0]);
}

#[test]
fn how_far_back_root_was_looked_up_is_kept_and_a_narrow_run_says_nothing_of_it() {
    let mut history = History::new(&account());
    let region =
        json!({"source": "root_events", "region": "us-east-1", "as_of": null, "age_seconds": null, "error": null});
    let looked = |since: &str, is_narrow| Stored {
        root_events_since: Some(at(since)),
        sources: vec![serde_json::from_value(region.clone()).unwrap()],
        is_narrow,
        ..report("2026-11-20T10:00:00Z", &[GOOD], &[])
    };
    history.add(&looked("2026-11-18T10:00:00Z", false));
    history.add(&looked("2026-11-19T10:00:00Z", false));
    history.add(&looked("2026-11-01T10:00:00Z", true));
    assert_eq!(history.looked.since(), Some(at("2026-11-18T10:00:00Z")));
}

#[test]
fn a_history_of_an_earlier_version_is_read_under_the_names_of_today() {
    let mut history = History::new(&account());
    history.add(&report("2026-11-20T10:00:00Z", &[("root-credentials-attested", Status::Failed)], &[]));
    history.unsent = Some(["root-credentials-attested".to_owned()].into());
    let today = String::from_utf8(history.write().unwrap()).unwrap();
    for name in ["excepted", "untold"] {
        assert!(today.contains(&format!("\"{name}\"")), "the version before reads {name}");
    }
    let before = today.replace("root-credentials-attested", "root-credentials-statements");
    assert_ne!(before, today);
    assert_eq!(History::read(before.as_bytes(), &account()).unwrap(), history);
}

#[test]
fn what_the_lifecycle_removed_stays_so_when_reports_are_kept_for_longer() {
    let mut history = History::new(&account());
    let mut until = |now: &str, days: i64| {
        history.expire(at(now), SignedDuration::from_hours(24 * days));
        history.expired_until.unwrap().to_string()
    };
    assert_eq!(until("2026-11-20T23:59:59Z", 400), "2025-10-16");
    assert_eq!(until("2026-11-21T00:00:00Z", 400), "2025-10-17");
    assert_eq!(until("2026-11-21T00:00:00Z", 30), "2026-10-22");
    assert_eq!(until("2026-11-22T00:00:00Z", 400), "2026-10-22");
}

#[test]
fn what_security_hub_did_not_hear_of_waits_and_at_first_that_is_everything() {
    let mut history = History::new(&account());
    let narrow = Stored { is_narrow: true, ..report("2026-11-20T10:00:00Z", &[BAD], &[]) };
    history.leave_unsent(&narrow, BTreeSet::new());
    assert_eq!(history.unsent, None, "a narrow run resolves nothing");
    history.leave_unsent(&report("2026-11-20T10:00:00Z", &[BAD, OTHER], &[]), BTreeSet::new());
    assert_eq!(history.unsent.clone().map(ids), Some(vec!["root-access-keys".into(), "root-mfa".into()]));
    history.unsent = Some(["root-mfa".to_owned()].into());
    history.leave_unsent(&report("2026-11-20T11:00:00Z", &[BAD, OTHER], &[]), ["user-mfa".to_owned()].into());
    assert_eq!(history.unsent.map(ids), Some(vec!["root-mfa".into(), "user-mfa".into()]));
}

#[test]
fn a_history_of_an_older_version_is_read() {
    let mut older: Value = serde_json::from_slice(&History::new(&account()).write().unwrap()).unwrap();
    for field in ["looked", "expired_until", "untold"] {
        assert!(older.as_object_mut().unwrap().shift_remove(field).is_some(), "{field}");
    }
    assert_eq!(History::read(older.to_string().as_bytes(), &account()), Ok(History::new(&account())));
}

#[test]
fn the_links_of_the_chain_weigh_300_kb() {
    let link = |number: usize| Link {
        key: format!("reports/111122223333/2026/08/02/T010000Z-0000000a.json{number:04}"),
        sha256: sha256(b""),
        run: "0f9e8d7c-0000-4000-8000-000000000001".into(),
    };
    let history = History { chain: (0..LINKS).map(link).collect(), ..History::new(&account()) };
    assert!(history.write().unwrap().len() < 330_000, "{}", history.write().unwrap().len());
}

#[test]
fn the_chain_keeps_its_newest_links() {
    let mut history = History::new(&account());
    for number in 0..=LINKS {
        history.link(Link { key: number.to_string(), sha256: String::new(), run: String::new() });
    }
    assert_eq!((history.chain.len(), history.chain[0].key.as_str()), (LINKS, "1"));
}

fn standing(statuses: &[Option<Status>]) -> History {
    let at = |number: usize| Timestamp::from_second(1_000 * i64::try_from(number).unwrap()).unwrap();
    let run = |(number, status): (usize, &Option<Status>)| Run {
        from: at(number),
        until: at(number),
        runs: 1,
        complete: 1,
        statuses: status.iter().map(|status| ("root-mfa".to_owned(), *status)).collect(),
        suppressed: BTreeSet::new(),
        root_activity: BTreeMap::new(),
    };
    History { runs: statuses.iter().enumerate().map(run).collect(), ..History::default() }
}

#[test]
fn since_when_is_told_as_far_back_as_the_history_goes_and_no_further() {
    let finding = report("2026-11-20T10:00:00Z", &[("root-mfa", Status::Failed)], &[]).findings.remove(0);
    let (failed, passed) = (Some(Status::Failed), Some(Status::Passed));
    let since = |statuses: &[_]| standing(statuses).since(&finding);
    let at = |second| Timestamp::from_second(second).unwrap();
    assert_eq!(since(&[]), Since::Unknown);
    assert_eq!(since(&[failed, failed]), Since::AtLeast(at(0)));
    assert_eq!(since(&[failed, passed, failed, failed]), Since::Seen(at(2_000)));
    assert_eq!(since(&[passed]), Since::New);
    assert_eq!(since(&[passed, None, failed]), Since::AtLeast(at(2_000)), "nobody judged it in between");
    let unknown = Some(Status::Unknown);
    assert_eq!(since(&[failed, unknown, failed]), Since::AtLeast(at(0)), "nobody could see it in between");
    assert_eq!(since(&[passed, failed, unknown, failed]), Since::Seen(at(1_000)));
    assert_eq!(since(&[passed, unknown, failed]), Since::Seen(at(2_000)), "not before anybody saw it fail");
    assert_eq!(since(&[None]), Since::New);
}
