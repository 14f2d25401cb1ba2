//! What is kept of each run: the real reporter over the report bucket, run after run, at once, and while S3 fails.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use aws::delivery::security_hub;
use aws::storage::report_bucket;
use function::Invocation;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Diagnostic;
use reporter::chain::sha256;
use reporter::{History, Reporter};
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Fault, Sandbox, Story, Trouble};
use serde_json::{Value, json};

use crate::account::{ALARM, Account, QUIET, story_at, story_now};
use crate::stories::limits;

const HISTORY: &str = "history.json";
const PAGE: &str = "latest.html";
const PUT: &str = "s3:PutObject";

/// A report bucket, and what the checker answers over its account.
struct Reports {
    sandbox: Sandbox,
    story: Story,
    answer: Value,
    environment: Vec<(String, String)>,
}

impl Reports {
    /// An hour ago where the half hour from now is of two days: equal runs of one day are one line of the history.
    async fn of(name: &str) -> Self {
        let (now, half_an_hour) = (story_now(name).now, SignedDuration::from_mins(30));
        let day = |at: Timestamp| at.strftime("%F").to_string();
        let earlier = if day(now) == day(now + half_an_hour) { SignedDuration::ZERO } else { half_an_hour * 2 };
        Self::over(story_at(name, now - earlier)).await
    }

    async fn over(story: Story) -> Self {
        let run = Account::of(&story).await.run(&story).await;
        let answer = serde_json::to_value(run.answer.expect("an answer")).expect("JSON");
        Self { sandbox: Sandbox::start(story.clone()).await, story, answer, environment: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// So many minutes after the first.
    fn time(&self, number: usize) -> Timestamp {
        let minutes = i64::try_from(number).expect("few runs");
        (self.story.now + SignedDuration::from_mins(minutes)).round(jiff::Unit::Second).expect("a time")
    }

    fn key(&self, number: usize) -> String {
        format!("reports/111122223333/{}-{number:08}.json", self.time(number).strftime("%Y/%m/%d/T%H%M%SZ"))
    }

    /// The record of the run `number`.
    fn record(&self, number: usize) -> Value {
        let mut answer = self.answer.clone();
        answer["taken_at"] = json!(self.time(number));
        let id = format!("{number:08}-0000-4000-8000-000000000000");
        runtime::destination_record(&id, &self.story.event, &answer, self.time(number))
    }

    async fn keep(&self, number: usize) -> Outcome {
        self.handle(&self.record(number)).await
    }

    /// `event` into the real binary.
    async fn handle(&self, event: &Value) -> Outcome {
        let mut invoke = Invoke::reporter(&self.sandbox, &self.story, event.to_string(), Duration::from_secs(60));
        invoke.environment.extend(self.environment.clone());
        runtime::invoke(invoke).await
    }

    async fn kept(&self, number: usize) -> Value {
        let outcome = self.keep(number).await;
        outcome.answer.unwrap_or_else(|error| panic!("{error}\n{}", outcome.log))
    }

    /// Keeps it while `fault` is there, and answers with the type of the error.
    async fn fails(&self, number: usize, fault: Fault) -> String {
        self.sandbox.add_fault(fault);
        let outcome = self.keep(number).await;
        self.sandbox.clear_faults();
        let error = outcome.answer.expect_err("an error");
        error["errorType"].as_str().expect("a type").to_owned()
    }

    fn history(&self) -> History {
        let bytes = self.sandbox.object(HISTORY).expect("a history");
        serde_json::from_slice(&bytes).expect("a history can be read")
    }

    /// As if the history knew no more than the newest `links` of the chain.
    fn forget(&self, links: usize) {
        let mut history = self.history();
        history.chain.drain(..history.chain.len() - links);
        self.sandbox.place_object(HISTORY, history.write().expect("JSON"));
    }

    fn report(&self, number: usize) -> Value {
        serde_json::from_slice(&self.sandbox.object(&self.key(number)).expect("a report")).expect("JSON")
    }

    fn keys(&self) -> Vec<String> {
        self.sandbox.objects().into_keys().collect()
    }

    fn versions(&self, key: &str) -> usize {
        self.sandbox.objects()[key].versions
    }

    /// The code and the words of `make verify-evidence` over a copy of the bucket.
    fn verified(&self, name: &str) -> (i32, String) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("evidence-{name}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("an old copy goes");
        }
        self.sandbox.copy_objects(&folder).expect("a copy of the bucket");
        verify(&folder.to_string_lossy())
    }

    fn assert_clean(&self, name: &str) {
        let (code, words) = self.verified(name);
        assert!(code == 0 && words.contains("none was edited"), "{words}");
    }
}

fn verify(folder: &str) -> (i32, String) {
    let output =
        Command::new(runtime::binary("sandbox")).args(["verify-evidence", folder]).output().expect("a program");
    let words = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    assert!(!words.contains("  "), "no gap within a sentence: {words}");
    (output.status.code().expect("a code"), words)
}

#[tokio::test]
async fn the_first_run_makes_report_history_and_page() {
    let reports = Reports::of(ALARM).await;
    let answer = reports.kept(0).await;
    let key = reports.key(0);
    assert_eq!(reports.keys(), [HISTORY, PAGE, key.as_str()]);
    let bytes = reports.sandbox.object(&key).unwrap();
    let acts = reports.answer["root_activity"].as_array().unwrap().len();
    assert!(acts > 0, "the story has acts of root");
    assert_eq!(
        answer,
        json!({
            "report": key, "sha256": sha256(&bytes), "page": PAGE, "exports": [],
            "history": {"runs": 1, "acts": acts, "since": reports.time(0), "rebuilt": true, "unreadable_reports": 0},
            "missing": [],
        })
    );
    let mut expected = reports.record(0)["responsePayload"].clone();
    expected["previous"] = Value::Null;
    assert_eq!(reports.report(0), expected, "the answer as it was, and nothing before it");
    let objects = reports.sandbox.objects();
    let types = [HISTORY, PAGE, key.as_str()].map(|key| objects[key].content_type.as_str());
    assert_eq!(types, ["application/json", "text/html; charset=utf-8", "application/json"]);
    assert_eq!(reports.history().rebuilt_at, None, "before the first run there was nothing to make anew");
    reports.assert_clean("first");
}

#[tokio::test]
async fn each_report_names_the_one_before_and_a_retry_changes_nothing() {
    let reports = Reports::of(QUIET).await;
    for number in 0..3 {
        reports.kept(number).await;
    }
    for number in 1..3 {
        let before = reports.sandbox.object(&reports.key(number - 1)).unwrap();
        assert_eq!(
            reports.report(number)["previous"],
            json!({"key": reports.key(number - 1), "sha256": sha256(&before)})
        );
    }
    let (before, history) = (reports.sandbox.objects(), reports.history());
    assert_eq!((history.chain.len(), history.runs.iter().map(|run| run.runs).sum::<usize>()), (3, 3));
    for number in [2, 0, 1] {
        let answer = reports.kept(number).await;
        assert_eq!(answer["report"], json!(reports.key(number)));
        assert_eq!(answer["page"].is_string(), number == 2, "only the newest is shown");
    }
    let after = reports.sandbox.objects();
    for key in before.keys().filter(|key| *key != PAGE) {
        assert_eq!(before[key], after[key], "{key} was not even written again");
    }
    reports.assert_clean("retry");
}

#[tokio::test]
async fn two_at_once_make_one_chain() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    reports.sandbox.add_fault(Fault::on(PUT, Trouble::Hold).times(1));
    let (first, _) = tokio::join!(reports.keep(1), async {
        reports.sandbox.held().await;
        reports.kept(2).await;
        reports.sandbox.release().await;
    });
    first.answer.unwrap();
    let chain: Vec<String> = reports.history().chain.into_iter().map(|link| link.key).collect();
    assert_eq!(chain, [0, 2, 1].map(|number| reports.key(number)), "whoever comes second reads again");
    assert_eq!(reports.versions(PAGE), 2, "the older report is not shown after the newer one");
    reports.assert_clean("two-at-once");
}

#[tokio::test]
async fn a_page_that_comes_late_does_not_replace_that_of_a_newer_report() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    // The history, the report, the page.
    reports.sandbox.add_fault(Fault::on(PUT, Trouble::Hold).after(2).times(1));
    let (first, _) = tokio::join!(reports.keep(1), async {
        reports.sandbox.held().await;
        assert_eq!(reports.kept(2).await["page"], PAGE);
        reports.sandbox.place_object(PAGE, "of the newer report");
        reports.sandbox.release().await;
    });
    assert_eq!(first.answer.unwrap()["page"], Value::Null);
    assert_eq!(reports.sandbox.object(PAGE).unwrap(), b"of the newer report");
}

#[tokio::test]
async fn an_older_report_that_comes_meanwhile_keeps_no_page_from_being_written() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    // The history, the page's mark, the history's mark.
    reports.sandbox.add_fault(Fault::on("s3:GetObject", Trouble::Hold).after(2).times(1));
    let (newer, _) = tokio::join!(reports.keep(2), async {
        reports.sandbox.held().await;
        assert_eq!(reports.kept(1).await["page"], Value::Null);
        reports.sandbox.release().await;
    });
    assert_eq!(newer.answer.unwrap()["page"], PAGE);
    assert_eq!(reports.versions(PAGE), 2);
    reports.assert_clean("meanwhile");
}

#[tokio::test]
async fn many_at_once_make_one_chain() {
    let reports = Reports::of(QUIET).await;
    let (one, two, three, four) = tokio::join!(reports.keep(0), reports.keep(1), reports.keep(2), reports.keep(3));
    for outcome in [one, two, three, four] {
        outcome.answer.unwrap();
    }
    assert_eq!(reports.history().chain.len(), 4);
    reports.assert_clean("many-at-once");
}

#[tokio::test]
async fn a_history_that_is_gone_damaged_newer_or_anothers_is_made_anew() {
    let reports = Reports::of(ALARM).await;
    for number in 0..3 {
        reports.kept(number).await;
    }
    let whole = reports.sandbox.object(HISTORY).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let before = reports.history();
    let spoiled = [
        None,
        Some(whole[..whole.len() / 2].to_vec()),
        Some(text.replace("rootwatch.history/1", "rootwatch.history/2").into_bytes()),
        Some(text.replace("\"account\":\"111122223333\"", "\"account\":\"999900001111\"").into_bytes()),
        Some(b"\xff\xfe".to_vec()),
    ];
    for (number, spoiled) in (3..).zip(spoiled) {
        reports.sandbox.remove_object(HISTORY);
        if let Some(bytes) = spoiled {
            assert_ne!(bytes, whole);
            reports.sandbox.place_object(HISTORY, bytes);
        }
        let answer = reports.kept(number).await;
        assert_eq!(answer["history"]["rebuilt"], true, "{answer}");
        let history = reports.history();
        assert_eq!((history.chain.len(), history.rebuilt_at.is_some()), (number + 1, true));
        assert_eq!((&history.acts, history.runs.len()), (&before.acts, before.runs.len()));
        assert_eq!(history.runs[0].runs, number + 1);
    }
    reports.assert_clean("rebuilt");
}

#[tokio::test]
async fn a_report_of_the_past_that_cannot_be_read_is_counted_and_keeps_no_run_from_being_kept() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    reports.sandbox.place_object(&reports.key(1), "<html>");
    reports.sandbox.remove_object(HISTORY);
    let answer = reports.kept(2).await;
    assert_eq!(answer["history"]["unreadable_reports"], 1);
    let (code, words) = reports.verified("unreadable");
    assert!(code == 1 && words.contains(&format!("{} is no report that can be read", reports.key(1))), "{words}");
}

#[tokio::test]
async fn what_is_not_written_is_an_error_and_the_others_are_done() {
    let reports = Reports::of(QUIET).await.with("ROOTWATCH_EXPORTS", "csv,junit");
    // The history, the report, the page, two exports.
    let denied = |after| Fault::on(PUT, Trouble::Deny).after(after).times(1);
    assert_eq!(reports.fails(0, denied(0)).await, "ReportNotKept");
    assert!(reports.keys().is_empty(), "without its place in the chain nothing is written");
    let (csv, junit) = ("latest.csv", "latest.junit.xml");
    for (number, error_type, missing) in
        [(1, "ReportNotKept", reports.key(1)), (2, "PageNotRenewed", PAGE.into()), (3, "ExportNotMade", csv.into())]
    {
        [PAGE, csv, junit].iter().for_each(|key| reports.sandbox.remove_object(key));
        assert_eq!(reports.fails(number, denied(number)).await, error_type);
        let expected = [HISTORY.to_owned(), PAGE.to_owned(), csv.to_owned(), junit.to_owned(), reports.key(number)];
        for key in expected {
            assert_eq!(reports.sandbox.object(&key).is_some(), key != missing, "{error_type}: {key}");
        }
        let answer = reports.kept(number).await;
        assert_eq!((&answer["page"], &answer["exports"]), (&json!(PAGE), &json!([csv, junit])), "Lambda tries again");
    }
    reports.assert_clean("denied");
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for trouble in [Trouble::Throttle, Trouble::Broken, Trouble::Reset] {
        let reports = Reports::of(QUIET).await;
        for action in ["s3:GetObject", "s3:ListBucket", PUT] {
            reports.sandbox.add_fault(Fault::on(action, trouble.clone()).times(1));
        }
        reports.kept(0).await;
        assert_eq!(reports.keys().len(), 3, "{trouble:?}");
        reports.assert_clean("passes");
    }
}

#[tokio::test]
async fn an_answer_of_s3_that_is_lost_takes_no_second_place() {
    let reports = Reports::of(QUIET).await;
    for after in 0..3 {
        reports.sandbox.add_fault(Fault::on(PUT, Trouble::LoseAnswer).after(after).times(1));
        reports.kept(after).await;
        assert_eq!(reports.history().chain.len(), after + 1, "the put number {after} came twice");
        reports.sandbox.clear_faults();
    }
    reports.assert_clean("lost-answer");
}

#[tokio::test]
async fn a_reporter_that_dies_after_it_took_its_place_leaves_a_gap_that_the_retry_fills() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    assert_eq!(reports.fails(1, Fault::on(PUT, Trouble::Crash).times(1)).await, "Sandbox.Killed");
    assert!(reports.sandbox.object(&reports.key(1)).is_none());
    let (code, words) = reports.verified("newest-missing");
    assert!(code == 1 && words.contains("the newest report, is missing"), "{words}");
    reports.kept(2).await;
    let (code, words) = reports.verified("gap");
    assert!(
        code == 1 && words.contains(&format!("FAULT: {} is missing; history.json names it", reports.key(1))),
        "{words}"
    );
    reports.kept(1).await;
    assert_eq!(reports.history().chain.len(), 3);
    reports.assert_clean("filled");
}

#[tokio::test]
async fn a_report_that_is_kept_is_not_claimed_again_though_the_history_has_forgotten_it() {
    let reports = Reports::of(QUIET).await;
    // A late one, then one that is newer than the oldest that the history still knows.
    for number in [0, 2, 1, 3] {
        reports.kept(number).await;
    }
    reports.forget(2);
    let history = reports.history();
    assert_eq!(history.chain[0].key, reports.key(1));
    assert_eq!(reports.kept(2).await["report"], json!(reports.key(2)));
    assert_eq!(reports.history().chain, history.chain);
    reports.assert_clean("forgotten");
    // Made anew in the call itself, from all that can be read: not from the newest, whose place has something else.
    let newest = reports.sandbox.object(&reports.key(3)).unwrap();
    reports.sandbox.place_object(&reports.key(3), "<html>");
    reports.sandbox.remove_object(HISTORY);
    assert_eq!(reports.keep(3).await.answer.unwrap_err()["errorType"], "ReportNotKept");
    reports.sandbox.place_object(&reports.key(3), newest);
    reports.kept(3).await;
    reports.assert_clean("anew");
}

#[tokio::test]
async fn a_report_whose_place_is_forgotten_is_written_there_and_nothing_is_made_up() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    assert_eq!(reports.fails(1, Fault::on(PUT, Trouble::Crash).times(1)).await, "Sandbox.Killed");
    reports.kept(2).await;
    // The history begins with it, then after it; then it was made anew, which goes back to the gap.
    for links in [2, 1, 0] {
        reports.sandbox.remove_object(&reports.key(1));
        match links {
            0 => reports.sandbox.remove_object(HISTORY),
            links => reports.forget(links),
        }
        assert_eq!(reports.kept(1).await["report"], json!(reports.key(1)));
        assert_eq!(reports.history().chain.len(), links.max(1), "it takes no second place");
        reports.assert_clean(&format!("restored-{links}"));
    }
    reports.sandbox.remove_object(&reports.key(0));
    reports.sandbox.remove_object(&reports.key(1));
    let error = reports.keep(1).await.answer.unwrap_err();
    assert_eq!(error["errorType"], "ReportNotKept");
    assert_eq!(reports.history().chain.len(), 1);
    assert!(error["errorMessage"].as_str().unwrap().contains("the report before it is not known any more"), "{error}");
    let reports = Reports::of(QUIET).await;
    assert_eq!(reports.fails(0, Fault::on(PUT, Trouble::Crash).times(1)).await, "Sandbox.Killed");
    reports.kept(1).await;
    reports.sandbox.remove_object(HISTORY);
    reports.kept(0).await;
    reports.assert_clean("restored-first");
}

#[tokio::test]
async fn what_passes_while_the_history_is_made_anew_leaves_no_report_out_of_it() {
    for code in ["InternalError", "ServiceUnavailable", "ExpiredToken"] {
        let reports = Reports::of(QUIET).await;
        for number in 0..2 {
            reports.kept(number).await;
        }
        reports.sandbox.remove_object(HISTORY);
        // The history itself is not there; then the first report.
        let fault = Fault::on("s3:GetObject", Trouble::Error(code.into())).after(1);
        assert_eq!(reports.fails(2, fault).await, "ReportNotKept", "{code}");
        assert!(reports.sandbox.object(HISTORY).is_none(), "{code}: nothing is made of a part of the reports");
        assert_eq!(reports.kept(2).await["history"]["unreadable_reports"], 0);
        assert_eq!(reports.history().chain.len(), 3);
    }
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    reports.sandbox.remove_object(HISTORY);
    reports.sandbox.add_fault(Fault::on("s3:GetObject", Trouble::Error("InvalidObjectState".into())).after(1).times(1));
    assert_eq!(reports.kept(1).await["history"]["unreadable_reports"], 1, "what lies in an archive stays there");
}

#[tokio::test]
async fn a_history_that_is_larger_than_any_is_made_anew() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    reports.sandbox.place_object(HISTORY, vec![b' '; 33 * 1024 * 1024]);
    assert_eq!(reports.kept(1).await["history"]["rebuilt"], true);
    assert_eq!(reports.history().chain.len(), 2);
}

#[tokio::test]
async fn a_write_at_the_same_time_that_comes_to_nothing_is_no_other_report() {
    let reports = Reports::of(QUIET).await;
    // The history, the report.
    let conflict = || Fault::on(PUT, Trouble::Error("ConditionalRequestConflict".into())).after(1);
    reports.sandbox.add_fault(conflict().times(2));
    reports.kept(0).await;
    reports.sandbox.clear_faults();
    reports.sandbox.add_fault(conflict().times(5));
    let error = reports.keep(1).await.answer.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("at the same time, 5 times"), "{error}");
    reports.sandbox.clear_faults();
    reports.kept(1).await;
    reports.assert_clean("conflict");
}

#[tokio::test]
async fn a_denial_of_what_is_not_there_is_an_error_and_no_first_run() {
    let reports = Reports::of(QUIET).await;
    assert_eq!(reports.fails(0, Fault::on("s3:ListBucket", Trouble::Deny)).await, "ReportNotKept");
    assert_eq!(reports.fails(0, Fault::on("s3:GetObject", Trouble::Deny)).await, "ReportNotKept");
    assert!(reports.keys().is_empty());
}

#[tokio::test]
async fn a_bucket_that_hangs_is_an_error_in_time() {
    let reports = Reports::of(QUIET).await;
    reports.sandbox.add_fault(Fault::on("s3:GetObject", Trouble::Hang));
    let settings = [("AWS_REGION", "eu-west-1".to_owned()), ("ROOTWATCH_REPORT_BUCKET", reports.story.report_bucket())];
    let settings = reporter::Settings::read(settings.map(|(name, value)| (name.to_owned(), value)));
    let reporter = Reporter::new(&reports.sandbox.sdk_config(&limits()).await, settings, |_| {});
    let now = reports.story.now;
    let invocation = Invocation {
        function_arn: reports.story.function_arn(),
        request_id: "00000000-0000-4000-8000-00000000000a".into(),
        now,
        ends: now + SignedDuration::from_secs(60),
    };
    let error = Diagnostic::from(reporter.handle(reports.record(0), &invocation).await.unwrap_err());
    assert_eq!(error.error_type, "ReportNotKept");
    assert!(error.error_message.ends_with("did not answer in time"), "{}", error.error_message);
}

#[tokio::test]
async fn page_and_exports_are_made_anew_on_demand() {
    let reports = Reports::of(ALARM).await.with("ROOTWATCH_EXPORTS", "csv");
    let nothing = reports.handle(&json!({})).await.answer.unwrap_err();
    assert_eq!(nothing["errorType"], "NothingKept");
    assert!(reports.keys().is_empty(), "nothing is made of nothing");
    reports.kept(0).await;
    reports.kept(1).await;
    for key in [PAGE, "latest.csv"] {
        reports.sandbox.remove_object(key);
    }
    let answer = reports.handle(&json!({})).await.answer.unwrap();
    assert_eq!(
        (&answer["report"], &answer["page"], &answer["exports"]),
        (&json!(reports.key(1)), &json!(PAGE), &json!(["latest.csv"]))
    );
    assert!(reports.sandbox.object(PAGE).is_some() && reports.sandbox.object("latest.csv").is_some());
    for format in ["csv", "ocsf", "junit"] {
        let answer = reports.handle(&json!({"export": format})).await.answer.unwrap();
        assert_eq!((&answer["format"], &answer["taken_at"]), (&json!(format), &json!(reports.time(1))));
        assert!(answer["body"].as_str().is_some_and(|body| !body.is_empty()), "{answer}");
    }
    assert_eq!(reports.keys().len(), 5, "an export on demand is not kept");
}

#[tokio::test]
async fn an_export_is_of_the_newest_report_that_is_there() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    reports.kept(1).await;
    reports.sandbox.remove_object(&reports.key(1));
    reports.sandbox.remove_object(HISTORY);
    let answer = reports.handle(&json!({"export": "csv"})).await.answer.unwrap();
    assert_eq!(answer["taken_at"], json!(reports.time(0)));
    for number in 2..9 {
        reports.kept(number).await;
    }
    (2..9).for_each(|number| reports.sandbox.remove_object(&reports.key(number)));
    let answer = reports.handle(&json!({"export": "csv"})).await.answer.unwrap();
    assert_eq!(answer["taken_at"], json!(reports.time(0)), "however many are missing");
    reports.sandbox.remove_object(&reports.key(0));
    let error = reports.handle(&json!({})).await.answer.unwrap_err();
    assert_eq!(error["errorMessage"], "no report is there that history.json names: run the checker first");
}

#[tokio::test]
async fn a_run_that_failed_or_of_another_account_is_an_error_and_nothing_is_kept() {
    let reports = Reports::of(QUIET).await;
    let mut failed = reports.record(0);
    failed["responsePayload"] = json!({"errorType": "x", "errorMessage": "y"});
    let mut stranger = reports.record(0);
    stranger["responsePayload"]["account"]["id"] = json!("999900001111");
    for (record, error_type) in [
        (failed, "InvalidEvent"),
        (stranger, "UnknownAccount"),
        (json!([]), "InvalidEvent"),
        (json!({"dry_run": true}), "InvalidEvent"),
    ] {
        let error = reports.handle(&record).await.answer.unwrap_err();
        assert_eq!(error["errorType"], error_type, "{error}");
    }
    assert!(reports.sandbox.calls().is_empty(), "nothing was called");
}

#[tokio::test]
async fn a_report_of_a_newer_version_is_kept_as_it_is_and_shown_as_far_as_it_can_be_read() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    let mut newer = reports.record(1);
    let answer = &mut newer["responsePayload"];
    answer["schema"] = json!("rootwatch.report/2");
    answer["findings"] = json!({"of another shape": true});
    answer["more"] = json!([1, 2, 3]);
    let answer = reports.handle(&newer).await.answer.unwrap();
    assert_eq!(answer["missing"].as_array().map(Vec::len), Some(2), "{answer}");
    assert_eq!(reports.report(1)["more"], json!([1, 2, 3]));
    let mut empty = reports.record(2);
    empty["responsePayload"] = json!({});
    let answer = reports.handle(&empty).await.answer.unwrap();
    let missing = answer["missing"][1].as_str().unwrap();
    assert!(missing.contains("lacks") && missing.contains("`findings`") && missing.contains("`account`"), "{answer}");
    reports.kept(3).await;
    assert_eq!(reports.history().chain.len(), 4);
    reports.assert_clean("newer");
}

#[tokio::test]
async fn a_narrow_run_is_kept_and_is_no_day_of_the_history() {
    let reports = Reports::of(ALARM).await;
    let mut narrow = reports.record(0);
    narrow["responsePayload"]["is_narrow"] = json!(true);
    let answer = reports.handle(&narrow).await.answer.unwrap();
    assert!(answer["missing"].to_string().contains("fewer Regions"), "{answer}");
    let history = reports.history();
    assert_eq!((history.chain.len(), history.runs.len(), history.acts.is_empty()), (1, 0, false));
}

#[tokio::test]
async fn only_reports_are_locked_and_only_where_the_owner_wishes_it() {
    let reports = Reports::of(QUIET).await.with("ROOTWATCH_OBJECT_LOCK_DAYS", "30");
    let error = reports.keep(0).await.answer.unwrap_err();
    assert_eq!(error["errorType"], "ReportNotKept", "a bucket without Object Lock takes no lock");
    reports.sandbox.allow_object_lock();
    reports.kept(0).await;
    let days = |count: i64| SignedDuration::from_hours(24 * count);
    for (key, object) in reports.sandbox.objects() {
        let from = object.retain_until.map(|until| until - days(30));
        assert_eq!(from.is_some(), key == reports.key(0), "{key}");
        assert!(from.is_none_or(|from| from >= reports.story.now && from <= Timestamp::now()), "{key}: {from:?}");
    }
    let mut late = reports.record(1);
    let taken_at = (reports.time(1) - days(31)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    late["responsePayload"]["taken_at"] = json!(taken_at);
    let answer = reports.handle(&late).await.answer.unwrap();
    let late = &reports.sandbox.objects()[answer["report"].as_str().unwrap()];
    assert!(late.retain_until.is_some_and(|until| until > Timestamp::now()), "locked from when it came");
    let denied = Fault::on("s3:PutObjectRetention", Trouble::Deny);
    assert_eq!(reports.fails(1, denied).await, "ReportNotKept");
}

/// The controls whose findings the calls after the first `calls` brought to Security Hub.
fn told_to_security_hub(sandbox: &Sandbox, calls: usize) -> BTreeSet<String> {
    let imports = sandbox.imports();
    let findings = imports[calls..].iter().flat_map(|body| body["Findings"].as_array().unwrap().clone());
    findings.map(|finding| finding["Id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn security_hub_is_told_of_all_once_a_day_and_else_of_what_changed() {
    let mut reports = Reports::of(ALARM).await.with("ROOTWATCH_SECURITY_HUB", "yes");
    reports.kept(0).await;
    let all: BTreeSet<String> = checklist::CHECKLIST.iter().map(|control| control.id.to_owned()).collect();
    assert_eq!(told_to_security_hub(&reports.sandbox, 0), all);
    let of = |sandbox: &Sandbox| {
        let findings = sandbox.security_findings();
        let (_, found) = findings.iter().find(|(id, _)| id.ends_with("/root-access-keys")).expect("a finding");
        [&found["Compliance"]["Status"], &found["RecordState"]].map(|field| field.as_str().unwrap().to_owned())
    };
    assert_eq!(of(&reports.sandbox), ["FAILED", "ACTIVE"]);

    let finding = reports.answer["findings"].as_array_mut().unwrap().iter_mut();
    for finding in finding.filter(|finding| finding["control"] == "root-access-keys") {
        finding["status"] = json!("passed");
    }
    let calls = reports.sandbox.imports().len();
    reports.kept(1).await;
    let day = |number| reports.time(number).strftime("%F").to_string();
    let expected = if day(0) == day(1) { BTreeSet::from(["root-access-keys".to_owned()]) } else { all };
    assert_eq!(told_to_security_hub(&reports.sandbox, calls), expected);
    assert_eq!(of(&reports.sandbox), ["PASSED", "ARCHIVED"], "the same finding, resolved");
    assert_eq!(reports.sandbox.security_findings().len(), checklist::CHECKLIST.len());

    let calls = reports.sandbox.imports().len();
    reports.kept(2).await;
    assert!(day(1) != day(2) || reports.sandbox.imports().len() == calls, "nothing changed");
}

#[tokio::test]
async fn a_security_hub_that_refuses_is_an_error_of_its_own_and_told_by_the_retry() {
    let reports = Reports::of(QUIET).await.with("ROOTWATCH_SECURITY_HUB", "yes");
    let denied = Fault::on("securityhub:BatchImportFindings", Trouble::Deny);
    assert_eq!(reports.fails(0, denied).await, "SecurityHubNotTold");
    assert_eq!(reports.keys(), [HISTORY, PAGE, reports.key(0).as_str()], "all else is done");
    reports.kept(0).await;
    assert_eq!(told_to_security_hub(&reports.sandbox, 0).len(), checklist::CHECKLIST.len());
}

/// Runs 0 and 1 of one day, whenever the tests run.
async fn with_security_hub() -> Reports {
    let mut reports = Reports::of(QUIET).await.with("ROOTWATCH_SECURITY_HUB", "yes");
    let noon = reports.story.now.strftime("%Y-%m-%dT12:00:00Z").to_string();
    reports.story.now = noon.parse().expect("a time");
    reports
}

fn of_one_control(reports: &mut Reports, change: impl Fn(&mut Value)) {
    let findings = reports.answer["findings"].as_array_mut().unwrap().iter_mut();
    findings.filter(|finding| finding["control"] == "root-access-keys").for_each(change);
}

#[tokio::test]
async fn what_security_hub_missed_is_told_with_the_next_run() {
    let mut reports = with_security_hub().await;
    reports.kept(0).await;
    of_one_control(&mut reports, |finding| finding["status"] = json!("failed"));
    let throttled = Fault::on("securityhub:BatchImportFindings", Trouble::Throttle);
    assert_eq!(reports.fails(1, throttled).await, "SecurityHubNotTold");
    let calls = reports.sandbox.imports().len();
    reports.kept(2).await;
    assert_eq!(told_to_security_hub(&reports.sandbox, calls), BTreeSet::from(["root-access-keys".to_owned()]));
    let calls = reports.sandbox.imports().len();
    reports.kept(3).await;
    assert_eq!(reports.sandbox.imports().len(), calls, "once");
    assert_eq!(reports.history().untold, Some(BTreeSet::new()));
    reports.handle(&json!({})).await.answer.unwrap();
    assert_eq!(told_to_security_hub(&reports.sandbox, calls).len(), checklist::CHECKLIST.len(), "on demand everything");
}

#[tokio::test]
async fn security_hub_that_is_switched_on_at_noon_is_told_of_all_with_the_next_run() {
    let mut reports = with_security_hub().await;
    let on = std::mem::take(&mut reports.environment);
    reports.kept(0).await;
    reports.environment = on;
    reports.kept(1).await;
    assert_eq!(told_to_security_hub(&reports.sandbox, 0).len(), checklist::CHECKLIST.len());
}

#[tokio::test]
async fn a_narrow_run_tells_security_hub_nothing_also_when_it_is_tried_again() {
    let reports = with_security_hub().await;
    reports.kept(0).await;
    let calls = reports.sandbox.imports().len();
    let mut narrow = reports.record(1);
    narrow["responsePayload"]["is_narrow"] = json!(true);
    for _ in 0..2 {
        reports.handle(&narrow).await.answer.unwrap();
    }
    assert_eq!(reports.sandbox.imports().len(), calls);
}

#[tokio::test]
async fn what_is_left_out_is_archived_in_security_hub() {
    let mut reports = with_security_hub().await;
    of_one_control(&mut reports, |finding| finding["status"] = json!("failed"));
    reports.kept(0).await;
    let left_out = "root-access-keys";
    reports.answer["findings"].as_array_mut().unwrap().retain(|finding| finding["control"] != left_out);
    reports.answer["left_out"] = json!([left_out]);
    let calls = reports.sandbox.imports().len();
    reports.kept(1).await;
    assert_eq!(told_to_security_hub(&reports.sandbox, calls), BTreeSet::from([left_out.to_owned()]));
    let findings = reports.sandbox.security_findings();
    let (_, found) = findings.iter().find(|(id, _)| id.ends_with("/root-access-keys")).expect("a finding");
    assert_eq!((&found["RecordState"], &found["Compliance"]["Status"]), (&json!("ARCHIVED"), &json!("NOT_AVAILABLE")));
    reports.kept(2).await;
    assert_eq!(reports.sandbox.imports().len(), calls + 1, "once");
}

#[tokio::test]
async fn security_hub_is_told_only_of_what_it_has_not_heard_of() {
    let reports = with_security_hub().await;
    reports.kept(0).await;
    let mut history = reports.history();
    history.untold = Some(["root-mfa".to_owned(), "user-mfa".to_owned()].into());
    reports.sandbox.place_object(HISTORY, history.write().unwrap());
    let calls = reports.sandbox.imports().len();
    reports.kept(1).await;
    let expected = ["root-mfa", "user-mfa"].map(str::to_owned);
    assert_eq!(told_to_security_hub(&reports.sandbox, calls), BTreeSet::from(expected));
}

#[tokio::test]
async fn the_reporter_calls_what_its_role_may_and_nothing_of_the_account() {
    let reports = Reports::of(QUIET).await;
    let reports = reports.with("ROOTWATCH_OBJECT_LOCK_DAYS", "30").with("ROOTWATCH_EXPORTS", "csv,ocsf,junit");
    let reports = reports.with("ROOTWATCH_SECURITY_HUB", "yes");
    reports.sandbox.allow_object_lock();
    reports.kept(0).await;
    reports.kept(1).await;
    let calls = reports.sandbox.calls();
    let actions: BTreeSet<&str> = calls.iter().map(|call| call.action.as_str()).collect();
    let allowed = report_bucket::ACTIONS.iter().chain(report_bucket::OBJECT_LOCK_ACTIONS).chain(security_hub::ACTIONS);
    assert_eq!(actions, allowed.copied().collect::<BTreeSet<_>>());
    assert!(calls.iter().all(|call| call.region == "eu-west-1"));
}

#[tokio::test]
async fn nothing_secret_and_no_user_whom_no_finding_names_is_kept_or_logged() {
    let mut story = story_now(QUIET);
    story.add_users(7);
    let reports = Reports::over(story).await.with("ROOTWATCH_EXPORTS", "csv,ocsf,junit");
    let outcome = reports.keep(0).await;
    assert!(outcome.answer.is_ok(), "{}", outcome.log);
    let objects = reports.sandbox.objects().into_iter().map(|(key, object)| (key, object.bytes));
    let log = ("the log".to_owned(), outcome.log.clone().into_bytes());
    let answer = ("the answer".to_owned(), format!("{:?}", outcome.answer).into_bytes());
    for (place, bytes) in objects.chain([log, answer]) {
        let text = String::from_utf8(bytes).expect("text");
        for secret in ["user-0000", "AKIAEXAMPLE", "secret-of-the-sandbox", "X-Amz-", "<root_account>,"] {
            assert!(!text.contains(secret), "{place} has {secret}");
        }
    }
    assert!(outcome.log.contains("\"report\"") && outcome.log.contains(&reports.key(0)), "{}", outcome.log);
    assert!(outcome.log.contains("ReportsKept"), "{}", outcome.log);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let reports = Reports::of("critical-hostile-text").await;
    let mut record = reports.record(0);
    let hostile = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>";
    for finding in record["responsePayload"]["findings"].as_array_mut().unwrap() {
        finding["resources"] = json!([hostile]);
    }
    record["responsePayload"]["users"] = json!([{
        "name": hostile, "has_password": true, "has_mfa": false, "password_last_used": null, "access_keys": [],
        "groups": [hostile], "controls": ["user-mfa"],
    }]);
    reports.handle(&record).await.answer.unwrap();
    let page = String::from_utf8(reports.sandbox.object(PAGE).unwrap()).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "an element was made of a name");
    assert!(page.contains("&lt;script&gt;alert(1)"), "the name itself stands there, as text");
    assert_eq!(reports.report(0)["users"][0]["name"], json!(hostile), "the evidence is as it was");
}

#[tokio::test]
async fn that_the_newest_reports_went_together_with_the_history_leaves_a_note() {
    let reports = Reports::of(QUIET).await;
    for number in 0..3 {
        reports.kept(number).await;
    }
    for key in [HISTORY.to_owned(), reports.key(1), reports.key(2)] {
        reports.sandbox.remove_object(&key);
    }
    reports.kept(3).await;
    let (code, words) = reports.verified("made-anew");
    let at = reports.history().rebuilt_at.unwrap();
    let note = format!(
        "history.json was made anew at {at}: whether the newest report before that was removed or edited cannot be seen."
    );
    assert!(code == 0 && words.contains(&note) && words.contains("versions of history.json"), "{words}");
}

#[tokio::test]
async fn what_the_lifecycle_may_have_removed_is_no_fault_and_what_is_younger_is() {
    let reports = Reports::of(QUIET).await;
    let aged = |days: usize, number: usize| {
        let mut record = reports.record(number);
        let taken_at = reports.time(number) - SignedDuration::from_hours(24 * i64::try_from(days).unwrap());
        record["responsePayload"]["taken_at"] = json!(taken_at);
        record
    };
    let mut keys = Vec::new();
    for (number, days) in [403, 402, 401, 398, 1].into_iter().enumerate() {
        let answer = reports.handle(&aged(days, number)).await.answer.unwrap();
        keys.push(answer["report"].as_str().unwrap().to_owned());
    }
    reports.assert_clean("all-there");
    reports.sandbox.remove_object(&keys[1]);
    let (code, words) = reports.verified("expired");
    assert!(code == 0 && words.contains("the bucket's lifecycle removes what is so old, a part at a time"), "{words}");
    reports.sandbox.remove_object(&keys[0]);
    reports.sandbox.remove_object(&keys[2]);
    let (code, words) = reports.verified("all-expired");
    assert!(code == 0 && words.contains(&format!("The chain begins with {}", keys[3])), "{words}");
    reports.sandbox.remove_object(&keys[3]);
    let (code, words) = reports.verified("too-young");
    assert!(code == 1 && words.contains(&format!("FAULT: {} is missing", keys[3])), "{words}");
    assert!(!words.contains(&format!("FAULT: {}", keys[2])), "{words}");
    // Of an older version.
    reports.forget(1);
    let mut history = reports.history();
    history.expired_until = None;
    reports.sandbox.place_object(HISTORY, history.write().unwrap());
    let (code, words) = reports.verified("older-version");
    assert!(code == 0 && words.contains("history.json does not say how long reports are kept"), "{words}");
}

#[tokio::test]
async fn an_edit_and_a_removal_show() {
    let reports = Reports::of(QUIET).await;
    for number in 0..3 {
        reports.kept(number).await;
    }
    reports.assert_clean("whole");
    for number in 0..3 {
        let (key, bytes) = (reports.key(number), reports.sandbox.object(&reports.key(number)).unwrap());
        let edited = String::from_utf8(bytes.clone()).unwrap().replacen("\"complete\":", "\"complete\": ", 1);
        reports.sandbox.place_object(&key, edited);
        let (code, words) = reports.verified("edited");
        assert!(code == 1 && words.contains(&format!("FAULT: {key} was edited")), "{words}");
        reports.sandbox.remove_object(&key);
        let (code, words) = reports.verified("removed");
        assert!(code == 1 && words.contains(&key) && words.contains("missing"), "{words}");
        reports.sandbox.place_object(&key, bytes);
    }
    reports.sandbox.remove_object(HISTORY);
    let (code, words) = reports.verified("no-history");
    assert!(code == 1 && words.contains("FAULT: history.json is missing"), "{words}");
}

/// A stand-in for the AWS CLI beside a `bucket` folder: copies what differs in size, or with `--exact-timestamps` in time, as
/// `aws s3 sync` does. While it copies reports `bucket.next` takes the bucket's place, or the history changes for ever.
const AWS: &str = r#"#!/bin/sh
set -e
here=$(dirname "$0")/..
echo "$@" >> "$here/calls"
exact=; include=
while [ $# -gt 2 ]; do
    case $1 in
        --exact-timestamps) exact=yes ;;
        --include) include=$2; shift ;;
    esac
    shift
done
from=$here/bucket to=$2
(cd "$to" && find . -type f -path "./$include") | while read -r file; do
    [ -e "$from/$file" ] || rm "$to/$file"
done
(cd "$from" && find . -type f -path "./$include") | while read -r file; do
    if [ -e "$to/$file" ] && [ "$(wc -c < "$from/$file")" = "$(wc -c < "$to/$file")" ]; then
        [ -n "$exact" ] && { [ "$from/$file" -nt "$to/$file" ] || [ "$from/$file" -ot "$to/$file" ]; } || continue
    fi
    mkdir -p "$(dirname "$to/$file")"
    cp -p "$from/$file" "$to/$file"
done
if [ "$include" = 'reports/*' ] && [ -e "$here/bucket.next" ]; then
    rm -r "$from" && mv "$here/bucket.next" "$from"
fi
if [ "$include" = 'reports/*' ] && [ -e "$here/restless" ]; then echo >> "$from/history.json"; fi
"#;

#[tokio::test]
async fn that_the_newest_report_was_removed_with_its_link_shows_by_its_run_or_is_not_denied() {
    let reports = Reports::of(QUIET).await;
    for number in 0..4 {
        reports.kept(number).await;
    }
    reports.sandbox.remove_object(&reports.key(3));
    let mut history = reports.history();
    history.chain.pop();
    reports.sandbox.place_object(HISTORY, history.write().unwrap());
    let (code, words) = reports.verified("newest-link");
    let fault = format!("FAULT: history.json counts a run of {}, and no report is so new", reports.time(3));
    assert!(code == 1 && words.contains(&fault), "{words}");

    history.runs.last_mut().unwrap().until = reports.time(2);
    reports.sandbox.place_object(HISTORY, history.write().unwrap());
    let (code, words) = reports.verified("newest-run");
    assert_eq!(code, 0, "{words}");
    assert!(!words.contains("No report is missing, "), "{words}");
    for said in [
        "; they came every 1m",
        "removed together with their lines in history.json cannot be seen from here",
        "the last heartbeat (the metric Heartbeat, or the watcher behind HeartbeatUrl)",
        "No report is missing up to the newest one that is here, and none was edited",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
}

#[tokio::test]
async fn in_6_what_somebody_named_in_the_bucket_turns_no_line_of_a_terminal_around() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    let key = reports.key(0).replace("00000000.json", "\u{202e}nosj\u{1b}[2J\u{9b}31m.\u{200f}json");
    reports.sandbox.place_object(&key, "{}");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("evidence-hostile");
    let _ = std::fs::remove_dir_all(&folder);
    reports.sandbox.copy_objects(&folder).unwrap();
    std::fs::create_dir_all(folder.join("reports/\u{202e}other/2026/11/20")).unwrap();
    let hostile = |words: &str| words.chars().any(|char| char != '\n' && facts::text::is_unprintable(char));
    let output = |folder: &std::path::Path| {
        let folder = folder.to_string_lossy().into_owned();
        let output = Command::new(runtime::binary("sandbox")).args(["verify-evidence", &folder]).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let words = output(&folder);
    assert!(words.contains("FAULT: ") && words.contains("nosj") && !hostile(&words), "{words:?}");
    std::fs::write(folder.join("reports/\u{202e}other/2026/11/20/x.json"), "{}").unwrap();
    let words = output(&folder);
    assert!(words.contains("more than one account") && !hostile(&words), "{words:?}");
    let words = output(&folder.join("\u{202e}nowhere"));
    assert!(words.contains("is no copy") && !hostile(&words), "{words:?}");
}

/// A folder in which `make verify-evidence` works, over a copy of a bucket, with a stand-in for the AWS CLI.
struct Copies {
    folder: PathBuf,
}

impl Copies {
    fn of(reports: &Reports, name: &str) -> Self {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("copies-{name}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("an old folder goes");
        }
        for part in ["bin", "target/debug"] {
            std::fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        let aws = folder.join("bin/aws");
        std::fs::write(&aws, AWS).expect("a program");
        std::fs::set_permissions(&aws, std::fs::Permissions::from_mode(0o755)).expect("a program");
        symlink(runtime::binary("sandbox"), folder.join("target/debug/sandbox")).expect("a link");
        reports.sandbox.copy_objects(&folder.join("bucket")).expect("a copy of the bucket");
        Self { folder }
    }

    /// The code and the words of the target over the bucket.
    fn verified(&self) -> (i32, String) {
        let makefile = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../Makefile");
        let path = format!("{}:{}", self.folder.join("bin").display(), std::env::var("PATH").expect("a path"));
        let output = Command::new("make")
            .arg("-f")
            .arg(makefile)
            .args(["verify-evidence", "BUCKET=reports-of-ours", "CARGO=true"])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env_remove("MAKEFLAGS")
            .output()
            .expect("make");
        let words = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        (output.status.code().expect("a code"), words)
    }

    fn calls(&self) -> usize {
        std::fs::read_to_string(self.folder.join("calls")).expect("calls").lines().count()
    }
}

#[tokio::test]
async fn make_verify_evidence_sees_an_edit_of_equal_length_in_a_report_that_it_has_copied_before() {
    let reports = Reports::of(QUIET).await;
    for number in 0..3 {
        reports.kept(number).await;
    }
    let copies = Copies::of(&reports, "edited");
    let (code, words) = copies.verified();
    assert!(code == 0 && words.contains("none was edited"), "{words}");
    let edited = copies.folder.join("bucket").join(reports.key(1));
    let text = std::fs::read_to_string(&edited).unwrap();
    let forged = text.replacen("\"complete\":true", "\"complete\": 1e1", 1);
    assert!(forged != text && forged.len() == text.len());
    std::fs::write(&edited, forged).unwrap();
    let (code, words) = copies.verified();
    assert!(code != 0 && words.contains(&format!("FAULT: {} was edited", reports.key(1))), "{words}");
    std::fs::remove_file(&edited).unwrap();
    let (code, words) = copies.verified();
    assert!(code != 0 && words.contains(&format!("FAULT: {} is missing", reports.key(1))), "{words}");
    let calls = std::fs::read_to_string(copies.folder.join("calls")).unwrap();
    assert!(calls.lines().all(|call| call.contains(" s3://reports-of-ours build/evidence")), "{calls}");
}

#[tokio::test]
async fn make_verify_evidence_copies_again_when_a_check_ends_meanwhile() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    let copies = Copies::of(&reports, "meanwhile");
    for number in 1..3 {
        reports.kept(number).await;
    }
    reports.sandbox.copy_objects(&copies.folder.join("bucket.next")).unwrap();
    let (code, words) = copies.verified();
    assert!(code == 0 && words.contains("3 reports"), "{words}");
    assert_eq!(copies.calls(), 5, "the history, and twice reports and history");
}

#[tokio::test]
async fn make_verify_evidence_says_when_the_history_is_never_the_same_and_when_there_is_none() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    let copies = Copies::of(&reports, "restless");
    std::fs::write(copies.folder.join("restless"), "").unwrap();
    let (code, words) = copies.verified();
    assert!(code != 0 && words.contains("history.json has changed during each of 5 copies"), "{words}");
    assert!(!words.contains("FAULT"), "{words}");
    std::fs::remove_file(copies.folder.join("restless")).unwrap();
    std::fs::remove_file(copies.folder.join("bucket/history.json")).unwrap();
    let (code, words) = copies.verified();
    assert!(code != 0 && words.contains("FAULT: history.json is missing"), "{words}");
}

#[test]
fn what_is_no_copy_of_a_bucket_is_bad_usage() {
    let (code, words) = verify("no-such-folder");
    assert!(code == 2 && words.contains("no copy of a report bucket"), "{words}");
}
