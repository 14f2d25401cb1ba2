//! `cases.md` names for every case that must hold the tests that hold it, and they exist.

use std::collections::BTreeSet;
use std::path::Path;

/// Every case that must hold.
const CASES: &[(&str, &[u32])] = &[
    ("CR", &[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21]),
    ("CT", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25]),
    ("ST", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18]),
    ("PB", &[1, 2, 3, 5, 6, 7, 8, 9]),
    ("SL", &[1, 2, 3, 5, 6]),
    ("IN", &[1, 2, 4, 5, 6, 7]),
    ("RT", &[1, 2, 3, 4]),
    ("CF", &[1, 2, 3]),
    ("SE", &[1, 2, 3, 4, 5]),
];
/// What stands in place of tests begins so; a reason follows.
const NOT_YET: &str = "Not yet: ";
const ELSEWHERE: &str = "Elsewhere: ";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What is tested: functions by name, and stories that a macro makes functions of.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            found.extend(source.lines().filter_map(name).map(str::to_owned));
        }
    }
}

/// The function that begins in this line, or the one that is made of it: `name = …;`.
fn name(line: &str) -> Option<&str> {
    let line = line.trim();
    let of_function = line.split_once("fn ").filter(|(before, _)| ["", "async "].contains(before));
    let of_macro =
        line.split_once(" = ").filter(|_| line.ends_with(';') && !line.contains("let ")).map(|(name, _)| name);
    let name = of_function.and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name).or(of_macro)?;
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_').then_some(name)
}

#[test]
fn every_case_of_the_table_names_tests_that_exist() {
    let mut found = BTreeSet::new();
    ["functions", "shared", "tests"].iter().for_each(|folder| tests(&root().join(folder), &mut found));
    let table = std::fs::read_to_string(root().join("tests/cases.md")).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> =
        rows.map(|row| row.split(" | ").collect()).filter(|row: &Vec<_>| row.len() == 3).collect();
    let rows = rows.iter().filter(|row| !["id", "---"].contains(&row[0])).map(|row| (row[0], row[2]));
    let (ids, covered): (Vec<&str>, Vec<&str>) = rows.unzip();

    let expected =
        CASES.iter().flat_map(|(kind, numbers)| numbers.iter().map(move |number| format!("{kind}-{number}")));
    assert_eq!(ids, expected.collect::<Vec<_>>());
    for (id, covered) in ids.iter().zip(covered) {
        let named: Vec<&str> = covered.split('`').skip(1).step_by(2).collect();
        let reason = [NOT_YET, ELSEWHERE].iter().find_map(|begin| covered.strip_prefix(begin));
        assert_eq!(named.is_empty(), reason.is_some_and(|reason| !reason.is_empty()), "{id}: tests, or a reason");
        for name in named {
            assert!(found.contains(name), "{id} names {name}, which is no test");
        }
    }
}
