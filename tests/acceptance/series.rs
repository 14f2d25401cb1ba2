//! Four runs over one account, and what people hear of each.

use std::fmt::Write;

use sandbox::{Sandbox, Story, scenarios};

use crate::difference::assert_accepted;
use crate::stories::run;

const ACTS: [&str; 4] = [
    "four-acts/1-a-fresh-account",
    "four-acts/2-root-signs-in-and-creates-a-key",
    "four-acts/3-nothing-new",
    "four-acts/4-key-deleted-and-mfa-on",
];

#[tokio::test]
async fn four_acts_are_told_as_they_come_and_what_was_mended_is_resolved() {
    let sandbox = Sandbox::start(Story::load(ACTS[0])).await;
    let mut sent = String::new();
    for act in ACTS {
        let story = Story::load(act);
        sandbox.turn_to(story.clone());
        let before = sandbox.published().len();
        run(&sandbox, &story).await.expect("an act ends with an answer");
        let _ = writeln!(sent, "== {act}, {}: {}\n", story.now, story.about);
        let mails = &sandbox.published()[before..];
        for mail in mails {
            let _ = writeln!(sent, "Subject: {}\n\n{}", mail.subject, mail.bodies["default"]);
        }
        if mails.is_empty() {
            sent.push_str("nothing\n\n");
        }
    }
    assert_accepted(&scenarios().join("four-acts"), "sent", &sent);
    insta::with_settings!({
        snapshot_path => scenarios().join("four-acts"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("sent", sent); });
}
