//! Each library in one form, whichever command builds it; and nothing of the tests in what is deployed. Cargo says what it would build.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::deployment::dry_make;

/// Packages, each with every set of features that it is built with.
type Forms = BTreeMap<String, BTreeSet<BTreeSet<String>>>;

/// Libraries of which `aws-config` itself wants `test-util`.
const OF_AWS_CONFIG: [&str; 3] = ["aws-credential-types ", "aws-smithy-runtime-api ", "aws-smithy-types "];

const WITHOUT_TESTS: &str = "normal,build";
const WITH_TESTS: &str = "normal,build,dev";

/// What cargo builds of `selected`.
fn forms(selected: &[&str], edges: &str) -> Forms {
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tree.args(["tree", "--quiet", "--locked", "--prefix", "none", "--format", "{p}|{f}", "--edges", edges])
        .args(selected);
    let output = tree.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).output().unwrap();
    assert!(output.status.success(), "{tree:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut forms = Forms::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()) {
        let (package, features) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        // Name and version; a folder or a macro's mark may follow.
        let name = package.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let features = features.split(',').filter(|feature| !feature.is_empty()).map(str::to_owned).collect();
        forms.entry(name).or_default().insert(features);
    }
    assert!(!forms.is_empty(), "{tree:?}");
    forms
}

/// What both build and `all` does not share: the package, and the features in which it differs.
fn twice(some: &Forms, all: &Forms) -> Vec<String> {
    let differences = |(name, forms): (&String, &BTreeSet<BTreeSet<String>>)| {
        let others = all.get(name)?;
        let form = forms.iter().find(|form| !others.contains(*form))?;
        let nearest = others.iter().min_by_key(|other| form.symmetric_difference(other).count())?;
        let features: Vec<_> = form.symmetric_difference(nearest).cloned().collect();
        Some(format!("{name}: {}", features.join(", ")))
    };
    some.iter().filter_map(differences).collect()
}

/// What `make TARGET` has cargo build first.
fn built_by(target: &str) -> Forms {
    let (_, run) = dry_make(&[target]);
    let build = run.lines().find_map(|line| line.split_once("cargo build ")).unwrap_or_else(|| panic!("{run}")).1;
    let edges = if build.contains("--tests") { WITH_TESTS } else { WITHOUT_TESTS };
    let selected = |word: &&str| !["--bins", "--tests", "--locked", "--quiet"].contains(word);
    forms(&build.split_whitespace().filter(selected).collect::<Vec<_>>(), edges)
}

#[test]
fn make_demo_and_make_test_build_each_library_in_one_form() {
    let (demo, test) = (built_by("demo"), built_by("test"));
    assert!(demo.len() > 200 && test.len() > demo.len(), "{} and {}", demo.len(), test.len());
    let twice = twice(&demo, &test);
    assert!(twice.is_empty(), "built a second time, with other features; see tests/libraries:\n{}", twice.join("\n"));
}

#[test]
fn the_tests_of_one_package_alone_use_the_libraries_of_make_test() {
    let test = built_by("test");
    let packages = forms(&["--workspace", "--depth", "0"], WITH_TESTS);
    let names: Vec<_> = packages.keys().filter_map(|package| package.split(' ').next()).collect();
    let mut of_aws = 0;
    for name in names {
        let alone = forms(&["--package", name], WITH_TESTS);
        // What uses no SDK is built in seconds, and without any feature of theirs.
        if alone.keys().any(|library| library.starts_with("aws-sdk-")) {
            let twice = twice(&alone, &test);
            assert!(twice.is_empty(), "cargo test --package {name}, see tests/libraries:\n{}", twice.join("\n"));
            of_aws += 1;
        }
    }
    assert!(of_aws >= 8, "{of_aws}");
}

#[test]
fn nothing_of_the_tests_is_in_a_function_that_is_deployed() {
    let functions = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions")).unwrap();
    for function in functions {
        let name = function.unwrap().file_name().into_string().unwrap();
        let shipped = forms(&["--package", &name], WITHOUT_TESTS);
        assert!(shipped.keys().any(|package| package.starts_with(&name)));
        for (package, forms) in shipped {
            let features: BTreeSet<_> = forms.into_iter().flatten().collect();
            let asked_for_by_aws_config = OF_AWS_CONFIG.iter().any(|library| package.starts_with(library));
            let of_tests = features.contains("schema")
                || features.contains("testing")
                || features.contains("test-util") && !asked_for_by_aws_config;
            assert!(!of_tests && !package.starts_with("libraries "), "{name}: {package} {features:?}");
        }
    }
}

#[test]
fn a_pure_crate_rests_on_no_client_of_aws_and_no_runtime() {
    for name in ["facts", "checklist", "alerts", "members", "messages"] {
        let used = forms(&["--package", name], WITHOUT_TESTS);
        let impure = |library: &&String| {
            ["aws", "tokio ", "hyper ", "lambda_runtime "].iter().any(|start| library.starts_with(start))
        };
        assert_eq!(used.keys().filter(impure).collect::<Vec<_>>(), [""; 0], "{name}");
    }
}

#[test]
fn a_library_that_differs_is_named_with_its_features() {
    let form = |features: &[&str]| BTreeSet::from([features.iter().map(|&feature| feature.to_owned()).collect()]);
    let of = |features| Forms::from([("tokio v1".to_owned(), form(features)), ("http v1".to_owned(), form(&["std"]))]);
    assert_eq!(twice(&of(&["net"]), &of(&["net", "test-util"])), ["tokio v1: test-util"]);
    assert_eq!(twice(&of(&["net"]), &of(&["net"])), Vec::<String>::new());
}
