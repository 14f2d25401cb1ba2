//! Documents name files, headings, commands, parameters and crates that exist, in the words of the glossary; the README is short and has an
//! index of them all; and the workflow runs the Makefile's verbs and no foreign code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::deployment::{strings, template};

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

/// Inline code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Lines of the text, and whether they are in a code block.
fn lines(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut in_block = false;
    text.lines().filter_map(move |line| {
        let is_fence = line.trim().starts_with("```");
        in_block ^= is_fence;
        (!is_fence).then_some((in_block, line))
    })
}

/// Commands: inline code, and lines of code blocks.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    code(text).chain(lines(text).filter(|(in_block, _)| *in_block).map(|(_, line)| line.trim()))
}

/// A link without its target, as a reader sees it.
fn without_targets(text: &str) -> String {
    let mut pieces = text.split("](");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + piece.split_once(')').map_or(piece, |(_, rest)| rest)).replace('[', "")
}

/// Sentences of paragraphs and list items: code blocks, tables, headings and HTML left out.
fn sentences(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for (in_block, line) in lines(text) {
        let line = line.trim();
        if in_block || line.is_empty() || line.starts_with(['|', '#', '<']) {
            paragraphs.push(String::new());
            continue;
        }
        if line.starts_with("- ") || line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok()) {
            paragraphs.push(String::new());
        }
        if let Some(paragraph) = paragraphs.last_mut() {
            *paragraph += line;
            *paragraph += " ";
        }
    }
    let ends = |text: &str| text.replace("! ", ". ").replace("? ", ". ");
    let text = paragraphs.iter().map(|paragraph| ends(&without_targets(paragraph)));
    text.flat_map(|text| text.split(". ").map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn words(sentence: &str) -> impl Iterator<Item = &str> {
    sentence.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric))
}

#[test]
fn every_link_to_a_file_or_a_heading_leads_there() {
    let documents = documents();
    let mut seen = 0;
    for (name, text) in &documents {
        let links = between(text, "](", ')').chain(between(text, "src=\"", '"'));
        for link in links.filter(|link| !link.contains("://")) {
            // GitHub's own pages of the repository, whatever its address.
            if link.ends_with("../../releases") {
                continue;
            }
            let link = link.strip_prefix("../../actions/workflows/").map_or_else(
                || link.to_owned(),
                |page| format!(".github/workflows/{}", page.trim_end_matches("/badge.svg")),
            );
            let (file, anchor) = link.split_once('#').map_or((&*link, None), |(file, anchor)| (file, Some(anchor)));
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
        let verbs = commands(&text).filter_map(|command| command.strip_prefix("make "));
        for verb in verbs.filter_map(|rest| rest.split(' ').next()).filter(|verb| !verb.contains('=')) {
            assert!(makefile.contains(&format!("\n{verb}:")), "{name} names `make {verb}`");
        }
    }
}

#[test]
fn every_parameter_and_function_in_a_command_is_one_of_the_template() {
    let template = template();
    let mut seen = 0;
    for (name, text) in documents().iter().filter(|(name, _)| *name != "CHANGELOG.md") {
        for command in commands(text) {
            let parameters = command.split("PARAMETERS=\"").skip(1).filter_map(|rest| rest.split('"').next());
            for parameter in parameters.flat_map(str::split_whitespace).filter(|parameter| *parameter != "…") {
                let (parameter, _) = parameter.split_once('=').unwrap_or((parameter, ""));
                assert!(!template["Parameters"][parameter].is_null(), "{name}: there is no parameter {parameter}");
                seen += 1;
            }
            let invoked = command.strip_prefix("sam remote invoke ").and_then(|rest| rest.split(' ').next());
            if let Some(function) = invoked {
                assert!(!template["Resources"][function].is_null(), "{name}: there is no function {function}");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen} names");
}

#[test]
fn the_readme_has_at_most_150_lines_and_no_sentence_over_30_words() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 150, "{} lines", readme.lines().count());
    let sentences = sentences(&readme);
    let long: Vec<&String> = sentences.iter().filter(|sentence| words(sentence).count() > 30).collect();
    assert!(long.is_empty(), "too long: {long:#?}");
    assert!(sentences.iter().filter(|sentence| words(sentence).count() > 3).count() > 20, "{sentences:#?}");
}

#[test]
fn a_sentence_is_measured_across_lines_and_without_code_tables_and_targets() {
    let text = "# Not this\nOne [two](https://x.example/a b) three\nfour. Five 1.5!\n```sh\nnot this\n```\n| nor | this |\n- six\n- seven";
    let measured: Vec<usize> =
        sentences(text).iter().map(|sentence| words(sentence).count()).filter(|n| *n > 0).collect();
    assert_eq!(measured, [4, 2, 1, 1]);
}

#[test]
fn the_readme_lists_every_document_and_the_schemas() {
    let readme = read("README.md");
    for path in entries("docs") {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".md") || name.ends_with(".json") {
            assert!(readme.contains(&format!("](docs/{name})")), "the README's index does not list docs/{name}");
        }
    }
    assert!(readme.contains("](shared/checklist/CONTROLS.md)"));
}

#[test]
fn the_readme_has_the_five_parameters_that_the_console_shows_first() {
    let first = strings(&template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"][0]["Parameters"]);
    let readme = read("README.md");
    let rows = readme.lines().skip_while(|line| !line.starts_with("| parameter |")).skip(2);
    let named = rows.map_while(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(named.collect::<Vec<_>>(), first);
}

#[test]
fn the_readme_counts_the_controls_as_the_checklist_does() {
    let of_steps = checklist::CHECKLIST.iter().filter(|control| control.step.is_some()).count();
    let baseline = checklist::CHECKLIST.len() - of_steps;
    let readme = read("README.md").replace('\n', " ").replace("  ", " ");
    assert!(readme.contains(&format!("{of_steps} controls for the five steps")), "README counts the five steps wrong");
    assert!(readme.contains(&format!("a baseline of {baseline} more controls")), "README counts the baseline wrong");
    assert!(read("docs/configuration.md").contains(&format!("{of_steps} controls for the five steps")));
}

#[test]
fn documents_and_doctor_ask_for_the_versions_that_the_workspace_asks_for() {
    let manifest = read("Cargo.toml");
    let rust = manifest.split("rust-version = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    for name in ["README.md", "docs/install.md", "CONTRIBUTING.md"] {
        assert!(read(name).contains(rust), "{name} does not name Rust {rust}");
    }
    let install = read("docs/install.md");
    let sam = install.split("[SAM CLI](").nth(1).and_then(|rest| rest.split(" | ").nth(1)).unwrap();
    let oldest = sam.split(' ').next().unwrap();
    let doctor = read("tests/package/doctor");
    assert!(doctor.contains(&format!("'sam --version' {oldest} ")), "the doctor asks for another SAM CLI than {sam}");
    assert!(doctor.contains(&format!("'cargo --version' {rust} ")), "the doctor asks for another Rust than {rust}");
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

/// A workflow's lines, and the values of a key in it.
fn workflow(name: &str) -> String {
    read(format!(".github/workflows/{name}"))
}

fn values<'a>(workflow: &'a str, key: &str) -> Vec<&'a str> {
    let lines = workflow.lines().map(|line| line.trim().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)).map(str::trim).collect()
}

#[test]
fn every_workflow_has_pinned_actions_a_time_limit_and_no_secret() {
    let workflows = entries(".github/workflows");
    assert_eq!(workflows.len(), 2, "{workflows:?}");
    for path in workflows {
        let workflow = std::fs::read_to_string(path).unwrap();
        assert!(!workflow.contains("pull_request_target") && !workflow.contains("secrets."));
        assert!(!values(&workflow, "uses:").is_empty());
        for action in values(&workflow, "uses:") {
            let (pin, version) = action.split_once(" # v").unwrap_or((action, ""));
            let commit = pin.split_once('@').map_or("", |(_, commit)| commit);
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit && !version.is_empty(), "{action} is not pinned to a commit, with its version behind it");
        }
        assert_eq!(values(&workflow, "persist-credentials:"), ["false"]);
        assert_eq!(values(&workflow, "timeout-minutes:").len(), 1);
    }
}

#[test]
fn ci_runs_the_verbs_of_the_makefile_and_reads_only() {
    let workflow = workflow("ci.yml");
    assert_eq!(values(&workflow, "verb:"), ["[check, test, e2e]"]);
    assert_eq!(values(&workflow, "run:").last(), Some(&"make \"$VERB\""));
    assert!(values(&workflow, "run:").iter().filter(|run| run.starts_with("make")).count() == 1);
    assert_eq!(values(&workflow, "permissions:").len(), 1, "for all jobs, and for none another");
    assert!(workflow.contains("\npermissions:\n  contents: read\n\n") && !workflow.contains(": write"));
}

#[test]
fn a_release_is_what_release_check_builds_of_a_tag_that_is_the_version() {
    let workflow = workflow("release.yml");
    assert!(workflow.contains("\n  push:\n    tags: [\"v*\"]\n\n") && workflow.contains("\npermissions: {}\n"));
    let runs = values(&workflow, "run:");
    let at = |start: &str| runs.iter().position(|run| run.starts_with(start)).unwrap_or_else(|| panic!("no {start}"));
    assert!(
        at("test \"$TAG\" = \"v$(") < at("make release-check") && at("make release-check") < at("gh release create")
    );
    let writes: Vec<&str> = workflow.lines().map(str::trim).filter(|line| line.ends_with(": write")).collect();
    assert_eq!(writes, ["contents: write", "id-token: write", "attestations: write"]);
}
