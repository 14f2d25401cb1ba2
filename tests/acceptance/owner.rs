//! What the owner of the account sets and sees: heartbeat, digest, exceptions, statements, announced uses of root.

use facts::verdict::Status;
use sandbox::{Fault, Story, Trouble};
use serde_json::json;

use crate::account::{
    ALARM, Account, FRESH, QUIET, Run, hours, minutes, notification, story, story_now, text, transitions, words,
};
use crate::difference::{assert_says, summary};
use crate::ledger::figures;

/// A watcher outside the account, at an address that is a secret.
fn watched(mut story: Story, account: &Account) -> Story {
    let url = format!("{}/watcher/secret-of-the-watcher", account.sandbox.url());
    story.environment.insert("ROOTWATCH_HEARTBEAT_URL".into(), url);
    story
}

#[tokio::test]
async fn a_complete_run_sends_one_heartbeat_and_counts_it() {
    let story = story_now(QUIET);
    let account = Account::of(&story).await;
    let outcome = account.invoke(&watched(story, &account)).await;
    assert_eq!(outcome.answer.unwrap()["complete"], true);
    assert_eq!(account.sandbox.heartbeats(), 1);
    let figures = figures(&outcome.log);
    assert_eq!((&figures["Heartbeat"], &figures["FunctionName"]), (&json!(1), &json!("rootwatch")));
    assert!(!outcome.log.contains("secret-of-the-watcher"));
}

#[tokio::test]
async fn a_run_that_could_not_read_everything_sends_no_heartbeat() {
    let mut story = story_now(QUIET);
    story.faults.push(Fault::on("iam:GetAccountSummary", Trouble::Deny));
    let account = Account::of(&story).await;
    let outcome = account.invoke(&watched(story, &account)).await;
    assert_eq!(outcome.answer.unwrap()["complete"], false);
    assert_eq!((account.sandbox.heartbeats(), figures(&outcome.log).get("Heartbeat")), (0, None));
}

#[tokio::test]
async fn a_watcher_that_fails_changes_nothing_else_and_stays_out_of_the_log() {
    for trouble in [Trouble::Broken, Trouble::Deny, Trouble::Reset] {
        let mut story = story_now(ALARM);
        story.faults.push(Fault::on("watcher:GET", trouble.clone()));
        let account = Account::of(&story).await;
        let outcome = account.invoke(&watched(story, &account)).await;
        assert_eq!(outcome.answer.unwrap()["complete"], true, "{trouble:?}");
        assert_eq!((account.sandbox.published().len(), account.sandbox.heartbeats()), (1, 0), "{trouble:?}");
        assert_eq!(figures(&outcome.log)["Heartbeat"], 1, "the alarm inside the account is another way");
        assert!(outcome.log.contains("the watcher outside the account was not reached"), "{trouble:?}");
        assert!(!outcome.log.contains("secret-of-the-watcher"), "{trouble:?}");
        account.assert_settled("no watcher").await;
    }
}

fn digests(run: &Run) -> usize {
    run.ids().iter().filter(|id| id.contains("/digest/")).count()
}

#[tokio::test]
async fn a_digest_comes_with_the_first_run_and_then_on_mondays_at_eight() {
    let mut story = Story::load(QUIET);
    story.environment.insert("ROOTWATCH_DIGEST".into(), "weekly".into());
    let account = Account::of(&story).await;
    let run = account.run(&story).await;
    assert_eq!(run.mails[0].subject, "[rootwatch] DIGEST: all is well in acme-prod (111122223333)");
    // The story plays on a Friday.
    let monday: jiff::Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
    for (at, expected) in [
        (story.now + hours(1), 0),
        (monday - minutes(1), 0),
        (monday, 1),
        (monday + minutes(15), 0),
        (monday + hours(7 * 24) - minutes(1), 0),
        (monday + hours(7 * 24), 1),
    ] {
        let run = account.run(&story.later_with_a_young_report(at.duration_since(story.now))).await;
        assert_eq!(digests(&run), expected, "{at}");
        assert!(run.is_complete());
    }
}

#[tokio::test]
async fn a_digest_links_the_report_and_the_link_is_in_neither_log_nor_ledger() {
    let mut story = story_now(QUIET);
    story.environment.insert("ROOTWATCH_DIGEST".into(), "weekly".into());
    story.environment.insert("ROOTWATCH_REPORT_BUCKET".into(), "rootwatch-reports".into());
    story.environment.insert("AWS_LAMBDA_LOG_LEVEL".into(), "TRACE".into());
    let account = Account::of(&story).await;
    // Written down, and not sent yet.
    account.sandbox.add_fault(Fault::on("sns:Publish", Trouble::Deny));
    let refused = account.invoke(&story).await;
    assert!(refused.answer.is_err(), "{}", summary(&refused.answer));
    let kept: String = account.items("O").await.iter().map(|item| format!("{item:?}")).collect();
    assert!(kept.contains("digest") && !kept.contains("latest.html"), "{kept}");
    account.sandbox.clear_faults();
    let outcome = account.invoke(&story).await;
    let mail = account.sandbox.published().pop().unwrap();
    let link = notification(&mail)["report_url"].as_str().unwrap().to_owned();
    assert!(link.starts_with("https://rootwatch-reports.s3.eu-west-1.amazonaws.com/latest.html?"), "{link}");
    assert!(link.contains("X-Amz-Signature=") && mail.bodies["default"].lines().any(|line| line == link));
    for log in [&refused.log, &outcome.log] {
        assert!(!log.contains("X-Amz-Signature") && !log.contains("latest.html"), "{log}");
    }
    assert!(!account.sandbox.calls().iter().any(|call| call.action.starts_with("s3:GetObject")), "nothing is fetched");
}

fn suppressed(mut story: Story) -> Story {
    let exceptions = json!([{"control": "root-mfa", "reason": "The key is in the post", "owner": "alice",
        "until": "2026-11-20T12:00:00Z"}]);
    story.environment.insert("ROOTWATCH_EXCEPTIONS".into(), exceptions.to_string());
    story
}

#[tokio::test]
async fn an_exception_silences_until_it_ends_and_its_end_is_told_once() {
    let story = suppressed(story(FRESH));
    let account = Account::of(&story).await;
    let later = |by| story.later_with_a_young_report(by);
    let ids = account.run(&story).await.ids();
    assert!(!ids.is_empty() && !ids.iter().any(|id| id.contains("root-mfa")), "{ids:?}");

    let run = account.run(&later(hours(2))).await;
    let mut ids = run.ids();
    ids.retain(|id| id.contains("root-mfa"));
    assert_eq!(
        ids,
        ["111122223333/exception-ended/root-mfa/all/2026-11-20T12:00:00Z", "111122223333/root-mfa/1"],
        "it opens, and its exception is over"
    );
    assert!(words(run.mail()).contains("The exception for root-mfa has ended."));
    assert!(account.run(&later(hours(2) + minutes(15))).await.mails.is_empty());
}

#[tokio::test]
async fn an_exception_that_comes_while_a_condition_is_open_says_that_it_is_suppressed_and_not_mended() {
    let story = story(FRESH);
    let account = Account::of(&story).await;
    account.run(&story).await;
    let run = account.run(&suppressed(story.later_with_a_young_report(minutes(15)))).await;
    assert_eq!(transitions(&run.mails), [("111122223333/root-mfa/1".to_owned(), "suppressed".to_owned())]);
    assert_says(run.mail(), "SUPPRESSED, not fixed");
    assert_says(run.mail(), "The key is in the post");
}

#[tokio::test]
async fn a_statement_that_lapsed_is_told_once() {
    let mut story = story(QUIET);
    let statements = json!([
        {"statement": "contacts-reviewed", "by": "alice", "on": "2026-08-01"},
        {"statement": "root-password-strong", "by": "alice", "on": "2026-11-01"},
        {"statement": "root-credentials-stored-safely", "by": "alice", "on": "2026-11-01"},
        {"statement": "root-mfa-reachable-by-two", "by": "alice", "on": "2026-11-01"},
    ]);
    story.environment.insert("ROOTWATCH_ATTESTATIONS".into(), statements.to_string());
    let account = Account::of(&story).await;
    let run = account.run(&story).await;
    let ids = run.ids();
    assert!(ids.len() == 1 && ids[0].contains("/attestation-lapsed/contacts-reviewed/"), "{ids:?}");
    assert!(account.run(&story.later_with_a_young_report(minutes(15))).await.mails.is_empty());
    // The control reports those that it asks for.
    let lapsed = story.later_with_a_young_report(hours(72 * 24));
    let ids: Vec<String> = account.run(&lapsed).await.ids();
    assert!(ids.iter().any(|id| id.contains("/root-credentials-attested/")), "{ids:?}");
    assert!(!ids.iter().any(|id| id.contains("/attestation-lapsed/")), "{ids:?}");
}

#[tokio::test]
async fn an_announced_use_of_root_is_told_and_what_root_then_does_is_one_less_severe() {
    let after = story(ALARM).with_account_of(QUIET);
    let mut announcing = after.later_with_a_young_report(-minutes(50));
    let window =
        json!({"from": "2026-11-20T09:14:00Z", "to": "2026-11-20T09:17:00Z", "ticket": "CHG-7", "by": "alice"});
    announcing.event = json!({"planned_root_use": window});
    let account = Account::of(&announcing).await;
    let run = account.run(&quiet(announcing.clone())).await;
    assert_eq!(run.ids(), ["111122223333/planned-root-use/2026-11-20T09:14:00Z"]);
    assert!(words(run.mail()).contains("alice announced that root will be used"));
    let announced = |run: &Run| run.answer.as_ref().unwrap().plans.iter().map(|plan| plan.ticket.clone()).collect();
    let plans: Vec<String> = announced(&run);
    assert_eq!(plans, ["CHG-7"]);
    let again = account.run(&quiet(announcing)).await;
    assert!(again.mails.is_empty(), "the same announcement is no news");
    let plans: Vec<String> = announced(&again);
    assert_eq!(plans, ["CHG-7"], "once");

    // A run of the schedule, which has it from the table.
    let run = account.run(&quiet(after)).await;
    let plans: Vec<String> = announced(&run);
    assert_eq!(plans, ["CHG-7"], "remembered");
    let sent = notification(&run.mails[0]);
    let acts = sent["root_sessions"].as_array().unwrap().iter().flat_map(|session| session["acts"].as_array().unwrap());
    let mut acts: Vec<String> =
        acts.map(|act| format!("{} {} {}", act["kind"], act["severity"], act["planned"]["ticket"])).collect();
    acts.sort();
    assert_eq!(
        acts,
        [
            r#""read_only_call" "low" "CHG-7""#,
            r#""root_access_key_created" "critical" null"#,
            r#""sign_in_succeeded" "high" "CHG-7""#,
        ]
    );
    assert!(words(run.mail()).contains("CHG-7, announced by alice; one severity lower for that"));
}

fn quiet(mut story: Story) -> Story {
    story.environment.insert("ROOTWATCH_DIGEST".into(), "never".into());
    story
}

#[tokio::test]
async fn a_reminder_comes_after_its_period_and_not_before() {
    let mut story = story(FRESH);
    story.environment.insert("ROOTWATCH_REMINDER_HOURS_CRITICAL".into(), "2".into());
    let account = Account::of(&story).await;
    account.run(&story).await;
    for (after, expected) in [(minutes(119), 0), (minutes(120), 1), (minutes(135), 0)] {
        let run = account.run(&story.later_with_a_young_report(after)).await;
        assert_eq!(run.mails.len(), expected, "{after}");
        assert!(transitions(&run.mails).iter().all(|(_, what)| what == "reminder"));
    }
}

#[tokio::test]
async fn a_quiet_run_that_could_not_read_everything_is_not_remembered_as_complete() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let last_complete = async || {
        let journal: serde_json::Value =
            serde_json::from_str(&text(&account.item("A", "H#heartbeat").await, "body")).expect("a journal");
        (journal["last_run"].clone(), journal["last_complete"].clone())
    };
    account.run(&story).await;
    let first = json!(story.now);
    assert_eq!(last_complete().await, (first.clone(), first.clone()));
    let mut later = story.later_with_a_young_report(minutes(15));
    later.faults.push(Fault::on("iam:GetAccountSummary", Trouble::Broken));
    let run = account.run(&later).await;
    assert_eq!((run.mails.len(), run.is_complete()), (0, false));
    assert_eq!(last_complete().await, (json!(later.now), first));
    let well = story.later_with_a_young_report(minutes(30));
    account.run(&well).await;
    assert_eq!(last_complete().await, (json!(well.now), json!(well.now)));
}

#[tokio::test]
async fn the_figures_of_a_run_are_those_of_its_report() {
    let story = story(ALARM);
    let run = Account::of(&story).await.run(&story).await;
    let answer = run.answer.as_ref().unwrap();
    for (figure, status) in [
        ("FindingsPassed", Status::Passed),
        ("FindingsFailed", Status::Failed),
        ("FindingsUnknown", Status::Unknown),
        ("FindingsNotApplicable", Status::NotApplicable),
    ] {
        assert_eq!(run.figures[figure], answer.report.findings_with(status).len(), "{figure}");
    }
    for (figure, value) in [
        ("RootActivityRootAccessKeyCreated", 1),
        ("RootActivitySignInSucceeded", 1),
        ("CredentialReportAge", 7_200),
        ("SweepLag", 0),
        ("OutboxSize", 0),
    ] {
        assert_eq!(run.figures[figure], value, "{figure}");
    }
    assert_eq!(run.figures["RootActivity"], 3, "of any kind");
    assert_eq!(run.figures["AlertsTold"], answer.alerts.len());
    let metrics = run.figures["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().iter();
    let metrics: Vec<&str> = metrics.map(|metric| metric["Name"].as_str().unwrap()).collect();
    let (expected, is_complete) = (checker::metrics::METRICS, run.has_heartbeat());
    let expected = expected.iter().copied().filter(|name| is_complete || *name != checker::metrics::HEARTBEAT);
    assert_eq!(metrics, expected.collect::<Vec<_>>(), "the others are fields alone");
}

#[tokio::test]
async fn an_announced_use_that_cannot_be_written_down_is_an_error_and_what_root_did_is_told() {
    for operation in ["dynamodb:Query", "dynamodb:TransactWriteItems"] {
        let mut story = story(ALARM);
        let window = json!({"from": story.now, "to": story.now + minutes(30), "ticket": "CHG-7", "by": "alice"});
        story.event = json!({"planned_root_use": window});
        story.faults.push(Fault::on(operation, Trouble::Deny));
        let run = Account::of(&story).await.run(&story).await;
        assert!(matches!(run.answer, Err(checker::Error::Plan { store: Some(_) })), "{operation}");
        assert!(words(run.mail()).contains("CRITICAL: new root access key"), "{operation}");
    }
}
