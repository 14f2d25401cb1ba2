//! The template, the documents and the code, held together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_yaml_ng::Value;

mod alarms;
mod chats;
mod commands;
mod deployer;
mod docs;
mod resources;
mod roles;
mod settings;
mod state_machine;

pub(crate) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the names begin with that the template gives, by default the stack's name; and the Region of it.
const OWN: &str = "${Own}";
const REGION: &str = "${AWS::Region}";

pub(crate) fn template() -> Value {
    let mut template: Value = serde_yaml_ng::from_str(&file("template.yaml")).unwrap();
    template.apply_merge().unwrap();
    template
}

/// A property of a function: its own, or else the one of all functions.
fn property<'a>(template: &'a Value, function: &str, name: &str) -> &'a Value {
    match &template["Resources"][function]["Properties"][name] {
        Value::Null => &template["Globals"]["Function"][name],
        own => own,
    }
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Sequence(values) => values.iter().flat_map(strings).collect(),
        Value::Tagged(tagged) => strings(&tagged.value),
        _ => Vec::new(),
    }
}

pub(crate) fn statements(policy: &Value) -> Vec<Value> {
    policy["PolicyDocument"]["Statement"].as_sequence().unwrap().clone()
}

/// The functions that send, by their roles.
const ROLES: [&str; 3] = ["CheckerRole", "RootActivityRole", "OrganizationRole"];

/// The policies of a role, each with the condition under which it is there.
pub(crate) fn policies_of(role: &str) -> Vec<(Option<String>, Value)> {
    let template = template();
    let policies = template["Resources"][role]["Properties"]["Policies"].as_sequence().unwrap();
    let policy = |policy: &Value| match policy {
        Value::Tagged(choice) => (choice.value[0].as_str().map(str::to_owned), choice.value[1].clone()),
        policy => (None, policy.clone()),
    };
    policies.iter().map(policy).collect()
}

/// The statements of a policy of a role.
fn policy_of(role: &str, name: &str) -> Vec<Value> {
    let policies = policies_of(role);
    statements(&policies.iter().find(|(_, policy)| policy["PolicyName"].as_str() == Some(name)).unwrap().1)
}

/// The least that the function needs.
fn minimal() -> BTreeMap<String, String> {
    let variables = [
        ("AWS_REGION", "eu-west-1"),
        ("ROOTWATCH_TABLE", "rootwatch"),
        ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Whether the function accepts `value` on the day on which the examples were written.
fn accepts(name: &str, value: impl Into<String>) -> bool {
    let variables = minimal().into_iter().chain([(name.to_owned(), value.into())]);
    let settings = checker::Settings::read(variables, "2026-11-20T10:00:00Z".parse().unwrap());
    settings.unwrap().checklist.refused.is_empty()
}

fn set(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(|action| (*action).to_owned()).collect()
}

/// What `make -n` would run, with an AWS CLI that says that the stack is arm64.
pub(crate) fn dry_make(arguments: &[&str]) -> (bool, String) {
    use std::os::unix::fs::PermissionsExt as _;
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let bin = std::env::temp_dir().join(format!("rootwatch-make-{}-{call}", std::process::id()));
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("aws"), "#!/bin/sh\necho arm64\n").unwrap();
    std::fs::set_permissions(bin.join("aws"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut make = std::process::Command::new("make");
    // Nothing of a make that runs this test.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MAKEOVERRIDES");
    let done = make.env("PATH", path).current_dir(root).arg("-n").args(arguments).output().unwrap();
    std::fs::remove_dir_all(bin).unwrap();
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).replace("\\\n\t", ""))
}

/// What is granted in a policy of a role.
fn granted(role: &str, policy: &str) -> BTreeSet<String> {
    policy_of(role, policy).iter().flat_map(|statement| strings(&statement["Action"])).collect()
}
