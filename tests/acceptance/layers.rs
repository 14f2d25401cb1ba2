//! No circle: of the files of a crate none import each other, but a module and its own children. Between crates Cargo sees to that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module by its names below the crate's root: `["alert", "digest"]`.
type Module = Vec<String>;

/// The code of every module of `crate_folder` but its tests.
fn modules(crate_folder: &Path) -> BTreeMap<Module, String> {
    let (root, mut found, mut folders) = (crate_folder.join("src"), BTreeMap::new(), vec![crate_folder.join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if path.is_dir() && !["tests", "snapshots"].contains(&name) {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !["tests", "testing"].contains(&name) {
                let below = path.strip_prefix(&root).unwrap().with_extension("");
                let module = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                let code = std::fs::read_to_string(&path).unwrap();
                let code =
                    code.split("\nmod tests {").next().unwrap().split("\npub(crate) mod tests {").next().unwrap();
                let is_code = |line: &&str| !line.trim_start().starts_with("//");
                found.insert(module, code.lines().filter(is_code).collect::<Vec<_>>().join("\n"));
            }
        }
    }
    found
}

/// Every path that begins with `crate::` or `super::` in `code`; of a group in braces each member.
fn paths(code: &str) -> Vec<Vec<String>> {
    fn tree(text: &mut &str, before: &[String], found: &mut Vec<Vec<String>>) {
        let mut path = before.to_vec();
        loop {
            *text = text.trim_start();
            if let Some(rest) = text.strip_prefix('{') {
                *text = rest;
                loop {
                    *text = text.trim_start_matches([' ', '\n', ',']);
                    if let Some(rest) = text.strip_prefix('}') {
                        *text = rest;
                        return;
                    }
                    tree(text, &path, found);
                }
            }
            let end =
                text.find(|char: char| !char.is_alphanumeric() && char != '_' && char != '*').unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            path.push(name.to_owned());
            *text = rest;
            match text.strip_prefix("::").filter(|rest| !rest.starts_with('<')) {
                Some(rest) if !name.is_empty() => *text = rest,
                _ => break,
            }
        }
        if let Some(rest) = text.strip_prefix(" as ") {
            *text = rest.trim_start_matches(|char: char| char.is_alphanumeric() || char == '_');
        }
        // What is no path ends the group, too.
        if path.last().is_some_and(String::is_empty) {
            *text = text.get(1..).unwrap_or_default();
        }
        found.push(path);
    }
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let (before, mut rest) = code.split_at(at);
            let before = before.chars().next_back();
            if before.is_none_or(|char| !char.is_alphanumeric() && !"_:$".contains(char)) {
                tree(&mut rest, &[], &mut found);
            }
        }
    }
    found
}

/// Names that each module has by `use`, each with its path from the root; the root is the empty module.
type Imports = BTreeMap<Module, BTreeMap<String, Module>>;

fn imports(all: &BTreeMap<Module, String>) -> Imports {
    let mut imports = Imports::new();
    for (module, code) in all {
        let module = if *module == ["lib"] { Module::new() } else { module.clone() };
        let starts = ["\nuse ", "\npub use ", "\npub(crate) use ", "\npub(super) use "];
        let code = format!("\n{code}");
        let starts = starts.iter().flat_map(|start| code.match_indices(start).map(|(at, start)| at + start.len()));
        for start in starts {
            let written = code.get(start..).unwrap().split(';').next().unwrap();
            let is_absolute = written.starts_with("crate::") || written.starts_with("super::");
            for path in paths(&if is_absolute { written.to_owned() } else { format!("self::{written}") }) {
                let mut full = absolute(&path, &module);
                if full.last().is_some_and(|name| name == "self") {
                    full.pop();
                }
                // Another crate's begins with no module of this one.
                let first = if is_absolute { 1 } else { module.len() + 1 };
                if full.get(..first).is_some_and(|first| all.contains_key(first))
                    && let Some(name) = full.last().cloned()
                {
                    imports.entry(module.clone()).or_default().insert(name, full);
                }
            }
        }
    }
    imports
}

/// The path from the root that `path`, written in `from`, says.
fn absolute(path: &[String], from: &Module) -> Module {
    let supers = path.iter().take_while(|name| *name == "super").count();
    match path[0].as_str() {
        "crate" => path[1..].to_vec(),
        "self" => [from, &path[1..]].concat(),
        _ => [&from[..from.len().saturating_sub(supers)], &path[supers..]].concat(),
    }
}

/// The module that `path`, written in `from`, leads to, also by way of what another one imports.
fn target(path: &[String], from: &Module, all: &BTreeMap<Module, String>, imports: &Imports) -> Option<Module> {
    let mut full = absolute(path, from);
    let mut seen = BTreeSet::new();
    loop {
        let length = (1..=full.len()).rev().find(|length| all.contains_key(&full[..*length])).unwrap_or(0);
        let (module, rest) = (full[..length].to_vec(), full[length..].to_vec());
        let import = rest.first().and_then(|name| imports.get(&module)?.get(name));
        match import.filter(|import| seen.insert((*import).clone())) {
            Some(import) => full = [import, &rest[1..]].concat(),
            None => return (length > 0).then_some(module),
        }
    }
}

/// A way from `start` along `edges` back to it.
fn circle<'a>(start: &'a String, edges: &'a BTreeMap<String, BTreeSet<String>>) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![start.as_str()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in edges.get(*way.last().unwrap()).into_iter().flatten() {
            if next == start {
                return Some([way.as_slice(), &[next.as_str()]].concat());
            }
            if seen.insert(next) {
                ways.push([way.as_slice(), &[next.as_str()]].concat());
            }
        }
    }
    None
}

/// Circles among the children of any one module.
fn circles(crate_folder: &Path) -> Vec<String> {
    let all = modules(crate_folder);
    let imports = imports(&all);
    let mut edges: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, code) in all.iter().filter(|(module, _)| *module != &["lib"]) {
        for to in paths(code).iter().filter_map(|path| target(path, from, &all, &imports)) {
            let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
            // A module and its own children may know each other.
            if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
                let of_parent = edges.entry(from[..common].to_vec()).or_default();
                of_parent.entry(one.clone()).or_default().insert(other.clone());
            }
        }
    }
    let found = edges.values().flat_map(|edges| edges.keys().find_map(|start| circle(start, edges)));
    found.map(|way| format!("{}: {}", crate_folder.display(), way.join(" -> "))).collect()
}

#[test]
fn no_two_files_of_a_crate_import_each_other_but_a_module_and_its_children() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut crates: Vec<_> = ["shared", "functions"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(project.join(folder)).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    crates.sort();
    assert!(crates.len() >= 10, "{crates:?}");
    assert_eq!(crates.iter().flat_map(|path| circles(path)).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn an_import_is_found_in_a_group_by_a_name_of_the_root_and_by_way_of_the_parent() {
    let code = "use crate::{a::{self, X}, b};\nuse super::c::Y as Z;\nfn f() { crate::d::g(); }\nuse crate::Name;";
    let found: Vec<String> = paths(code).iter().map(|path| path.join("::")).collect();
    for path in ["crate::a::self", "crate::a::X", "crate::b", "super::c::Y", "crate::d::g", "crate::Name"] {
        assert!(found.iter().any(|found| found == path), "{path}: {found:?}");
    }
    let module = |names: &str| names.split("::").map(str::to_owned).collect::<Module>();
    let code = [
        ("lib", "pub use a::{Name, Other};\npub use e::Thing;"),
        ("a", "mod c;\npub use c::Y;\nuse crate::e::{self, Thing as Other};"),
        ("a::c", ""),
        ("a::d", ""),
        ("e", ""),
    ];
    let all = code.map(|(name, code)| (module(name), code.to_owned())).into();
    let imports = imports(&all);
    let to = |path: &str| target(&module(path), &module("a::d"), &all, &imports).map(|module| module.join("::"));
    assert_eq!(to("super::c::Y").as_deref(), Some("a::c"));
    assert_eq!(
        (to("super::Y").as_deref(), to("crate::a::Y::new").as_deref()),
        (Some("a::c"), Some("a::c")),
        "by the parent"
    );
    assert_eq!((to("super::e").as_deref(), to("super::X").as_deref()), (Some("e"), Some("a")));
    assert_eq!((to("crate::Name").as_deref(), to("crate::Thing::new").as_deref()), (Some("a"), Some("e")));
    assert_eq!(to("crate::other"), None);
}

#[test]
fn each_part_of_the_adapters_knows_the_crates_that_it_needs_and_no_other() {
    let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("shared/aws");
    for (module, code) in modules(&adapters) {
        let unneeded: &[&str] = match module[0].as_str() {
            "sources" => &["checklist", "alerts", "messages"],
            "delivery" => &["alerts"],
            _ => &[],
        };
        for other in unneeded {
            assert!(!code.contains(&format!("{other}::")), "{} uses {other}", module.join("::"));
        }
    }
}
