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
fn every_link_of_a_mail_leads_to_a_section_of_the_runbook() {
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
    let anchor = |heading: &str| {
        let letters = heading.to_lowercase().replace(' ', "-");
        letters.chars().filter(|char| char.is_alphanumeric() || *char == '-').collect::<String>()
    };
    let anchors: BTreeSet<String> =
        file("docs/runbook.md").lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut mails = Vec::new();
    snapshots(&root.join("tests/scenarios"), &mut mails);
    snapshots(&root.join("shared/messages/src/message"), &mut mails);
    let links = mails.iter().flat_map(|mail| mail.lines());
    let links: BTreeSet<&str> =
        links.filter_map(|line| line.trim().strip_prefix("Runbook: docs/runbook.md#")).collect();
    assert!(links.len() > 10, "{links:?}");
    assert!(links.iter().all(|link| anchors.contains(*link)), "{links:?} {anchors:?}");
}
