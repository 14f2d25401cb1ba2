//! What people read names files, headings, commands and crates that exist; and the workflow runs the Makefile's verbs and no foreign code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders and files at the top: a path in a text begins with one of them.
const FOLDERS: [&str; 6] = [".github/", "docs/", "events/", "functions/", "shared/", "tests/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: impl AsRef<Path>) -> String {
    let path = root().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries(folder: &str) -> Vec<PathBuf> {
    std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Every document, by its path from the top.
fn documents() -> BTreeMap<String, String> {
    let folders = ["", "docs", ".github", ".github/ISSUE_TEMPLATE", "shared/checklist", "tests"];
    let files = folders
        .iter()
        .flat_map(|folder| entries(folder))
        .filter(|path| path.extension().is_some_and(|end| end == "md"));
    let found: BTreeMap<String, String> = files
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let text = read(&name);
            (name, text)
        })
        .collect();
    assert!(
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"]
            .iter()
            .all(|name| found.contains_key(*name))
    );
    found
}

/// As GitHub makes them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let kept = |letter: &char| letter.is_alphanumeric() || ['-', '_', ' '].contains(letter);
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        words.chars().filter(kept).collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// Pieces of `text` behind `open`, up to `close`, each within one line.
fn between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    text.lines()
        .flat_map(move |line| line.split(open).skip(1))
        .filter_map(move |rest| rest.split_once(close))
        .map(|(inside, _)| inside)
}

/// Inline code, in turn with what is none.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_link_to_a_file_or_a_heading_leads_there() {
    let documents = documents();
    let mut seen = 0;
    for (name, text) in &documents {
        for link in between(text, "](", ')').filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let path = if file.is_empty() { root().join(name) } else { root().join(name).parent().unwrap().join(file) };
            assert!(path.exists(), "{name} links to {link}, which does not exist");
            if let Some(anchor) = anchor {
                let target = std::fs::read_to_string(&path).unwrap();
                assert!(anchors(&target).contains(anchor), "{name} links to {link}: there is no such heading");
            }
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen} links");
}

#[test]
fn every_path_in_a_document_exists() {
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    // The changelog names what was.
    for (name, text) in documents().iter().filter(|(name, _)| *name != "CHANGELOG.md") {
        let paths = code(text).filter(|code| FOLDERS.iter().any(|folder| code.starts_with(folder)));
        for path in paths.filter(|path| !path.contains(['<', '*', ' ', '…'])) {
            seen += 1;
            if !root().join(path).exists() {
                missing.insert(format!("{name} names {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "what does not exist: {missing:#?}");
    assert!(seen > 40, "{seen} paths");
}

#[test]
fn every_verb_in_a_document_is_one_of_the_makefile() {
    let makefile = read("Makefile");
    for (name, text) in documents() {
        let verbs = code(&text).filter_map(|code| code.strip_prefix("make "));
        for verb in verbs.filter_map(|rest| rest.split(' ').next()).filter(|verb| !verb.contains('=')) {
            assert!(makefile.contains(&format!("\n{verb}:")), "{name} names `make {verb}`");
        }
    }
}

#[test]
fn the_map_has_every_folder_of_functions_shared_and_tests() {
    let map = read("docs/architecture.md");
    for folder in ["functions", "shared", "tests"] {
        for path in entries(folder).into_iter().filter(|path| path.is_dir()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(
                map.contains(&format!("| `{folder}/{name}` |")),
                "docs/architecture.md does not map {folder}/{name}"
            );
        }
    }
}

/// Arrows of the picture, by the crate that they start from.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let text = read("docs/architecture.md");
    let picture = text.split("```mermaid\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a picture");
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in picture.lines().filter_map(|line| line.split_once(" --> ")) {
        let from = from.trim().split('[').next().unwrap();
        arrows.entry(from.to_owned()).or_default().insert(to.trim().to_owned());
    }
    arrows
}

#[test]
fn the_picture_shows_every_way_from_one_crate_to_another_and_no_circle() {
    let arrows = arrows();
    let reached = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(name) = next.pop() {
            let further = arrows.get(name).into_iter().flatten().filter(|name| reached.insert((*name).clone()));
            next.extend(further.map(String::as_str));
        }
        reached
    };
    let names = |folder: &str| {
        let folders = entries(folder).into_iter().filter(|path| path.join("Cargo.toml").exists());
        folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let libraries = names("shared");
    assert!(libraries.len() >= 3, "{libraries:?}");
    let functions = names("functions");
    let all = libraries.iter().map(|name| ("shared", name)).chain(functions.iter().map(|name| ("functions", name)));
    for (folder, name) in all {
        let node = arrows.keys().find(|node| node == &name || folder == "functions" && name.contains(node.as_str()));
        let below = node.map(|node| reached(node)).unwrap_or_default();
        assert!(!below.contains(name), "{name} is in a circle");
        let manifest = read(format!("{folder}/{name}/Cargo.toml"));
        let used = manifest.split("[dependencies]").nth(1).unwrap_or_default().split("\n[").next().unwrap();
        let used = used.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        for other in used.filter(|other| libraries.iter().any(|library| library == other)) {
            assert!(below.contains(other), "{name} uses {other}, which the picture does not show");
        }
    }
}

#[test]
fn the_workflow_runs_the_verbs_of_the_makefile_with_pinned_actions_and_reads_only() {
    let workflows = entries(".github/workflows");
    assert_eq!(workflows.len(), 1, "{workflows:?}");
    let workflow = std::fs::read_to_string(&workflows[0]).unwrap();
    let lines: Vec<&str> = workflow.lines().map(str::trim).collect();
    let values = |key: &str| {
        let of_key = lines.iter().map(|line| line.trim_start_matches("- ")).filter_map(|line| line.strip_prefix(key));
        of_key.map(str::trim).collect::<Vec<_>>()
    };
    assert_eq!(values("verb:"), ["[check, test, e2e]"]);
    assert_eq!(values("run:").last(), Some(&"make \"$VERB\""));
    assert!(values("run:").iter().filter(|run| run.starts_with("make")).count() == 1);
    assert_eq!(values("permissions:").len(), 1, "for all jobs, and for none another");
    assert!(workflow.contains("\npermissions:\n  contents: read\n\n") && !workflow.contains(": write"));
    assert!(!values("uses:").is_empty() && !workflow.contains("pull_request_target") && !workflow.contains("secrets."));
    for action in values("uses:") {
        let (pin, version) = action.split_once(" # v").unwrap_or((action, ""));
        let commit = pin.split_once('@').map_or("", |(_, commit)| commit);
        let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_commit && !version.is_empty(), "{action} is not pinned to a commit, with its version behind it");
    }
    assert_eq!(values("persist-credentials:"), ["false"]);
    assert_eq!(values("timeout-minutes:").len(), 1);
}
