//! Reports, history and chain: run after run, at once, and while S3 fails.

use function::Invocation;
use jiff::SignedDuration;
use lambda_runtime::Diagnostic;
use reporter::Reporter;
use reporter::chain::sha256;
use sandbox::{Fault, Trouble};
use serde_json::{Value, json};

use super::{HISTORY, PAGE, PUT, Reports};
use crate::account::{ALARM, QUIET};
use crate::stories::limits;

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
    assert_eq!(reports.history().rebuilt_at, None, "before the first check there was nothing to rebuild");
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
    assert_eq!(chain, [0, 2, 1].map(|number| reports.key(number)), "the second one reads again");
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
async fn a_history_that_is_gone_damaged_newer_or_anothers_is_rebuilt() {
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
    // Rebuilt in the call itself, from all that can be read: not from the newest, whose place has something else.
    let newest = reports.sandbox.object(&reports.key(3)).unwrap();
    reports.sandbox.place_object(&reports.key(3), "<html>");
    reports.sandbox.remove_object(HISTORY);
    assert_eq!(reports.keep(3).await.answer.unwrap_err()["errorType"], "ReportNotKept");
    reports.sandbox.place_object(&reports.key(3), newest);
    reports.kept(3).await;
    reports.assert_clean("rebuilt-in-the-call");
}

#[tokio::test]
async fn a_report_whose_place_is_forgotten_is_written_there_and_nothing_is_made_up() {
    let reports = Reports::of(QUIET).await;
    reports.kept(0).await;
    assert_eq!(reports.fails(1, Fault::on(PUT, Trouble::Crash).times(1)).await, "Sandbox.Killed");
    reports.kept(2).await;
    // The history begins with it, then after it; then it was rebuilt, which goes back to the gap.
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
async fn what_passes_while_the_history_is_rebuilt_leaves_no_report_out_of_it() {
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
async fn a_history_that_is_larger_than_any_is_rebuilt() {
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
