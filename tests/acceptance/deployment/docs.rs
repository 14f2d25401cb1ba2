//! The documents, held against the template and the code.

use super::*;

#[test]
fn the_documented_policy_is_what_a_dry_run_calls() {
    let document = file("docs/permissions.md");
    let policy = document.split("```json").find(|block| block.contains("\"Statement\"")).expect("a policy");
    let policy: serde_json::Value = serde_json::from_str(policy.split("```").next().unwrap()).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    let actions: BTreeSet<String> = actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, set(&aws::read_actions()));
}

#[test]
fn every_section_that_an_email_names_is_in_the_runbook() {
    fn snapshots(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => snapshots(&entry, found),
                false if entry.extension().is_some_and(|end| end == "snap") => {
                    found.push(std::fs::read_to_string(entry).unwrap());
                }
                false => {}
            }
        }
    }
    let runbook = file("docs/runbook.md");
    let headings: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut mails = Vec::new();
    snapshots(&root.join("tests/scenarios"), &mut mails);
    snapshots(&root.join("shared/messages/src/message"), &mut mails);
    let lines = mails.iter().flat_map(|mail| mail.lines());
    let named = lines.filter_map(|line| line.strip_prefix("Runbook: section \"")?.split('"').next());
    let named: BTreeSet<&str> = named.collect();
    assert!(named.len() > 10, "{named:?}");
    assert!(named.is_subset(&headings), "{named:?} {headings:?}");
}
