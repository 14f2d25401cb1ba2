//! `make verify-evidence`: what is missing or was edited shows.

use std::path::PathBuf;
use std::process::Command;

use jiff::SignedDuration;
use sandbox::runtime;
use serde_json::json;

use super::{HISTORY, Reports, verify};
use crate::account::QUIET;

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
    let (code, words) = reports.verified("rebuilt-note");
    let at = reports.history().rebuilt_at.unwrap();
    let note = format!(
        "history.json was rebuilt at {at}. It cannot show whether the newest report before that was removed or edited."
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
    assert!(code == 0 && words.contains("The bucket's lifecycle removes reports of that age in parts"), "{words}");
    reports.sandbox.remove_object(&keys[0]);
    reports.sandbox.remove_object(&keys[2]);
    let (code, words) = reports.verified("all-expired");
    assert!(code == 0 && words.contains(&format!("The chain starts at {}", keys[3])), "{words}");
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
        "; one arrived every 1m",
        "cannot show whether newer ones were removed together with their lines in history.json",
        "the last heartbeat (the metric Heartbeat, or the service behind HeartbeatUrl)",
        "No report is missing up to the newest one in this copy, and none was edited",
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
    assert!(code != 0 && words.contains("history.json changed during each of 5 copies"), "{words}");
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
