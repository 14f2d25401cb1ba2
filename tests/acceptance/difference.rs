//! What differs, and where: a failing test prints no whole email and no whole answer.

use std::fmt::{Debug, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Lines that a failing test prints at most.
const MOST: usize = 30;
/// Characters of one value or line.
const WIDEST: usize = 160;

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `text` in one line of limited length.
fn brief(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}… ({} bytes)", line.get(..end).unwrap_or(&line), text.len()),
        None => line,
    }
}

/// The lines in which the texts differ, each with its number and the line before it.
fn lines(expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    let mut shown = Vec::new();
    for group in diff.grouped_ops(1) {
        if !shown.is_empty() {
            shown.push("  …".to_owned());
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, index) = match change.tag() {
                ChangeTag::Delete => ('-', change.old_index()),
                ChangeTag::Insert => ('+', change.new_index()),
                ChangeTag::Equal => (' ', change.new_index()),
            };
            let line = change.value().trim_end_matches('\n');
            let line: String = line.chars().take(WIDEST).collect();
            shown.push(format!("{sign} {:>4}  {line}", index.map_or(0, |index| index + 1)));
        }
    }
    limited(&shown)
}

fn limited(shown: &[String]) -> String {
    let mut text = shown.iter().take(MOST).fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    });
    if shown.len() > MOST {
        let _ = writeln!(text, "  … and {} more lines", shown.len() - MOST);
    }
    text
}

/// The paths at which the values differ, each with both values.
fn paths(expected: &Value, found: &Value) -> String {
    fn walk(path: &str, expected: Option<&Value>, found: Option<&Value>, shown: &mut Vec<String>) {
        match (expected, found) {
            (Some(Value::Object(expected)), Some(Value::Object(found))) => {
                let added = found.keys().filter(|name| !expected.contains_key(*name));
                for name in expected.keys().chain(added) {
                    walk(&format!("{path}/{name}"), expected.get(name), found.get(name), shown);
                }
            }
            (Some(Value::Array(expected)), Some(Value::Array(found))) => {
                for at in 0..expected.len().max(found.len()) {
                    walk(&format!("{path}/{at}"), expected.get(at), found.get(at), shown);
                }
            }
            (expected, found) if expected == found => {}
            (expected, found) => {
                let said = |value: Option<&Value>| value.map_or("nothing".into(), |value| brief(&value.to_string()));
                shown.push(format!("{path}: expected {}, found {}", said(expected), said(found)));
            }
        }
    }
    let mut shown = Vec::new();
    walk("", Some(expected), Some(found), &mut shown);
    limited(&shown)
}

/// That both say the same as JSON; if not, where they differ.
#[track_caller]
pub(crate) fn assert_same<T: Serialize>(found: &T, expected: &T, what: &str) {
    let [expected, found] = [expected, found].map(|value| serde_json::to_value(value).unwrap());
    let difference = paths(&expected, &found);
    assert!(difference.is_empty(), "{what}: differs from what is expected\n{difference}");
}

/// That `words` are in `text`, wherever its lines break; if not, the lines that come closest to them.
#[track_caller]
pub(crate) fn assert_says(text: &str, words: &str) {
    let likeness = |line: &str| TextDiff::from_words(words, line.trim()).ratio();
    if !one_line(text).contains(&one_line(words)) {
        let mut closest: Vec<(usize, &str, f32)> =
            text.lines().enumerate().map(|(at, line)| (at + 1, line, likeness(line))).collect();
        closest.sort_by(|(_, _, one), (_, _, other)| other.total_cmp(one));
        let closest = closest.iter().take(5).map(|(at, line, _)| format!("  {at:>4}  {}", brief(line)));
        let closest = closest.collect::<Vec<_>>().join("\n");
        panic!("{words:?} is not in the {} lines; the closest are\n{closest}", text.lines().count());
    }
}

/// An answer or an error, in one line of limited length.
pub(crate) fn summary<T: Serialize, E: Debug>(answer: &Result<T, E>) -> String {
    match answer {
        Ok(answer) => format!("answer {}", brief(&serde_json::to_string(answer).unwrap())),
        Err(error) => format!("error {}", brief(&format!("{error:?}"))),
    }
}

/// The end of a log, its lines cut.
pub(crate) fn end_of(log: &str) -> String {
    let lines: Vec<String> = log.lines().map(brief).collect();
    let left_out = lines.len().saturating_sub(15);
    let before = if left_out > 0 { format!("… {left_out} lines before\n") } else { String::new() };
    before + &lines[left_out..].join("\n")
}

/// The error of what must have failed; if it did not, the beginning of the answer.
#[track_caller]
pub(crate) fn error_of<T: Serialize, E>(answer: Result<T, E>) -> E {
    match answer {
        Err(error) => error,
        Ok(answer) => panic!("an answer instead of an error: {}", brief(&serde_json::to_string(&answer).unwrap())),
    }
}

/// That `found` is the accepted snapshot called `name` in `folder`; if not, the lines that differ. `make bless` accepts it.
///
/// To be called before insta, which would print all of it and writes the snapshot.
#[track_caller]
pub(crate) fn assert_accepted(folder: &Path, name: &str, found: &str) {
    let path = folder.join(format!("{name}.snap"));
    let snapshot = std::fs::read_to_string(&path).unwrap_or_default();
    // A snapshot's head ends with a line of dashes, as it begins.
    let accepted = snapshot.split_once("\n---\n").map(|(_, accepted)| accepted.trim_end());
    let found = found.trim_end();
    if let Some(accepted) = accepted.filter(|accepted| *accepted != found && !writes()) {
        panic!("{} differs; `make bless` accepts it\n{}", path.display(), lines(accepted, found));
    }
}

/// Whether insta writes what it finds.
fn writes() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|update| update != "no")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What `test` says when it fails.
    fn said(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let failure = std::panic::catch_unwind(test).expect_err("it fails");
        failure.downcast_ref::<String>().expect("a panic with words").clone()
    }

    #[test]
    fn a_difference_in_json_is_a_path_and_both_values() {
        let answer = |status: &str, more: Value| json!({"findings": [{"control": "root-mfa", "status": status}], "filler": ["x".repeat(20_000)], "more": more});
        let difference = paths(&answer("passed", json!([1])), &answer("failed", json!([1, 2])));
        assert_eq!(
            difference,
            "/findings/0/status: expected \"passed\", found \"failed\"\n/more/1: expected nothing, found 2\n"
        );
        let whole = paths(&json!(null), &answer("failed", json!(null)));
        assert!(whole.len() < 400, "{whole}");
        let numbers = |from: usize| json!((from..from + 1_000).collect::<Vec<_>>());
        assert_eq!(paths(&numbers(0), &numbers(1)).lines().count(), MOST + 1);
    }

    #[test]
    fn a_difference_in_a_text_is_its_lines_with_their_numbers() {
        let text = |line: &str| format!("{}{line}\n{}", "before\n".repeat(200), "after\n".repeat(200));
        let difference = lines(&text("one"), &text("other"));
        assert_eq!(difference.lines().count(), 4, "{difference}");
        assert!(difference.contains("-  201  one\n+  201  other\n"), "{difference}");
        assert_eq!(lines(&"a\n".repeat(400), &"b\n".repeat(400)).lines().count(), MOST + 1);
    }

    #[test]
    fn missing_words_show_the_lines_that_come_closest() {
        let mail = format!("{}Root has an access key.\n", "Something else entirely.\n".repeat(500));
        let said = said(move || assert_says(&mail, "Root has no access key."));
        assert!(said.contains("   501  Root has an access key."), "{said}");
        assert!(said.lines().count() < 10, "{said}");
    }

    #[test]
    fn an_answer_where_an_error_is_expected_is_cut() {
        let said = said(|| error_of(Ok(json!({"findings": "x".repeat(20_000)}))));
        assert!(said.starts_with("an answer instead of an error: {\"findings\":") && said.len() < 300, "{said}");
    }

    #[test]
    fn a_broken_story_prints_the_lines_that_differ() {
        let folder = sandbox::scenarios().join(crate::stories::COMPLIANT);
        let accepted = std::fs::read_to_string(folder.join("sent.snap")).unwrap();
        let broken = accepted.split_once("\n---\n").unwrap().1.replace("root-mfa ", "root-mfb ");
        if !writes() {
            let said = said(move || assert_accepted(&folder, "sent", &broken));
            assert!(said.contains("root-mfb") && said.lines().count() < 8, "{said}");
        }
    }
}
