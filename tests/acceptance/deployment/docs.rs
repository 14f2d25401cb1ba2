//! The documents, held against the template and the code.

use super::*;

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
