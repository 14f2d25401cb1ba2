//! No channel reads as well while something could not be seen: the first lines of each, over every story.

use facts::Status;
use messages::answer::Answer;
use messages::{Delivery, Notification};
use reporter::history::History;
use reporter::page::Page;
use reporter::stored::Stored;
use sandbox::{Sandbox, Story};
use serde_json::Value;

use crate::stories::run;

/// Whether somebody who reads `lines` alone could take the account for well: neither a severity nor a word says otherwise, or a control of
/// root is unknown and none is named.
fn reads_as_well(lines: &str, answer: &Answer) -> bool {
    let flat = lines.split_whitespace().collect::<Vec<_>>().join(" ");
    let warns = ["INCOMPLETE", "UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"].iter().any(|word| flat.contains(word));
    let unknown = answer.report.findings.iter().filter(|finding| finding.status == Status::Unknown);
    let of_root: Vec<String> = unknown
        .map(|finding| finding.control)
        .filter(|control| control.starts_with("root-"))
        .map(|control| control.replace('-', " ").replace("mfa", "MFA"))
        .collect();
    let names_root = of_root.is_empty() || of_root.iter().any(|name| flat.contains(name));
    flat.contains("all is well") || flat.contains("monitoring is active") || !warns || !names_root
}

fn is_blind(answer: &Answer) -> bool {
    let report = &answer.report;
    report.findings.iter().any(|finding| finding.status == Status::Unknown)
        || report.errors().next().is_some()
        || report.subscribed == Some(false)
}

/// The texts of `html` without its tags.
fn text(html: &str) -> String {
    html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect::<Vec<_>>().join(" ")
}

/// The first lines of each channel: of the mail and of Slack if there is a message, of the answer and of the page.
async fn first_lines(name: &str) -> (Answer, Vec<(&'static str, String)>) {
    let mut story = Story::load(name);
    story.environment.insert("ROOTWATCH_DIGEST".into(), "weekly".into());
    let sandbox = Sandbox::start(story.clone()).await;
    let answer = run(&sandbox, &story).await.expect("an answer");
    let mut lines = vec![("answer", answer.headline.clone())];
    for message in sandbox.published() {
        let mail: Vec<&str> = message.bodies["default"].lines().take(3).collect();
        lines.push(("mail", format!("{}\n{}", message.subject, mail.join("\n"))));
        let json = &message.bodies["lambda"];
        let notification: Notification = serde_json::from_str(json).unwrap();
        lines.push((
            "json",
            format!("{}\n{}", notification.subject, notification.headline.as_deref().unwrap_or_default()),
        ));
        let delivery = Delivery { subject: Some(&message.subject), body: json, sent_at: None, now: story.now };
        let slack = delivery.for_slack();
        lines.push((
            "slack",
            slack["blocks"].as_array().unwrap().iter().take(2).map(Value::to_string).collect::<Vec<_>>().join("\n"),
        ));
    }
    let report = Stored::read(&serde_json::to_value(&answer).unwrap());
    let page = Page { report: &report, history: &History::default(), made_at: story.now }.render();
    let title = page.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
    lines.push(("title", title.to_owned()));
    lines.push(("page", text(page.split_once("<header").unwrap().1.split_once("</header>").unwrap().0)));
    (answer, lines)
}

#[tokio::test]
async fn no_channel_of_any_story_reads_as_well_while_something_was_not_seen() {
    let names = Story::names();
    let (mut blind, mut mails) = (0, 0);
    for chunk in names.chunks(8) {
        let runs = async {
            let runs = chunk.iter().cloned().map(|name| {
                tokio::task::spawn_local(async move {
                    let (answer, lines) = first_lines(&name).await;
                    (name, answer, lines)
                })
            });
            let mut ended = Vec::new();
            for run in runs.collect::<Vec<_>>() {
                ended.push(run.await.unwrap());
            }
            ended
        };
        for (name, answer, lines) in tokio::task::LocalSet::new().run_until(runs).await {
            if !is_blind(&answer) {
                continue;
            }
            blind += 1;
            mails += lines.iter().filter(|(channel, _)| *channel == "mail").count();
            for (channel, text) in &lines {
                assert!(!reads_as_well(text, &answer), "{name}, {channel}: {text}");
            }
        }
    }
    assert!(blind > 10 && mails > 10, "the stories hold many such accounts: {blind}, {mails}");
}

#[tokio::test]
async fn services_that_hang_are_incomplete_and_name_roots_keys_and_mfa_and_nothing_is_called_watched() {
    let mut story = Story::load("unknown-services-hang");
    story.environment.insert("ROOTWATCH_DIGEST".into(), "weekly".into());
    let sandbox = Sandbox::start(story.clone()).await;
    let answer = run(&sandbox, &story).await.expect("an answer");
    let published = sandbox.published();
    let message = &published[0];
    let subject = &message.subject;
    assert!(subject.contains("DIGEST: INCOMPLETE: ") && subject.contains("root access keys"), "{subject}");
    let mail = &message.bodies["default"];
    assert!(mail.contains("monitoring is NOT fully active") && !mail.contains("monitoring is active"), "{mail}");
    assert!(mail.find("\nREAD ERRORS\n").unwrap() < mail.find("\nOPEN FINDINGS\n").unwrap(), "{mail}");
    assert!(!answer.complete && answer.headline.starts_with("INCOMPLETE: 5 controls unknown"), "{}", answer.headline);
}

#[tokio::test]
async fn the_page_of_an_account_in_which_nothing_can_be_read_has_one_card_a_cause_and_no_remedy_of_a_failure() {
    let story = Story::load("unknown-nothing-can-be-read");
    let sandbox = Sandbox::start(story.clone()).await;
    let answer = run(&sandbox, &story).await.expect("an answer");
    let report = Stored::read(&serde_json::to_value(&answer).unwrap());
    let page = Page { report: &report, history: &History::default(), made_at: story.now }.render();
    let cards = page.matches("<article").count();
    assert!((1..=6).contains(&cards), "{cards}");
    assert!(
        page.contains("How to make it readable") && !page.contains("How to mend it"),
        "of the cause, not of the failure"
    );
    assert!(page.contains("NO DATA: root"), "what root did is not known");
    assert!(page.find("id=\"read-errors\"").unwrap() < page.find("id=\"steps\"").unwrap());
}
