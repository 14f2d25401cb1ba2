//! `make check-config`: the values of parameters, read by the code that will read them, before they are deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use facts::text::bounded;
use jiff::Timestamp;
use serde_yaml_ng::{Mapping, Value};

/// The functions that read parameters.
const FUNCTIONS: [&str; 4] = ["Checker", "RootActivity", "Reporter", "Organization"];

/// Lambda's limit for a function's variables, which it measures as JSON
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
const ENVIRONMENT_MAX: usize = 4_096;

/// By how much names that CloudFormation makes are longer than those that stand for them here, at most.
const MADE_NAMES: usize = 400;

/// Prints each fault of the parameters in `samconfig.toml` and `arguments`; the latter take precedence.
pub(crate) fn check(arguments: &[&str]) -> ExitCode {
    let root = sandbox::root();
    let template = match std::fs::read_to_string(root.join("template.yaml")) {
        Ok(template) => template,
        Err(error) => {
            eprintln!("template.yaml: {error}");
            return ExitCode::FAILURE;
        }
    };
    let configured = std::fs::read_to_string(root.join("samconfig.toml")).unwrap_or_default();
    let mut overrides = Overrides::default();
    for text in configured_overrides(&configured) {
        match text {
            Some(text) => overrides.add(&text),
            None => eprintln!("parameter_overrides of samconfig.toml cannot be read: its values are not checked"),
        }
    }
    arguments.iter().for_each(|argument| overrides.add(argument));
    let region = std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION")).ok();
    let faults = faults(&template, overrides, region, Timestamp::now());
    if faults.is_empty() {
        println!("All settings are valid.");
        return ExitCode::SUCCESS;
    }
    faults.iter().for_each(|fault| println!("{fault}"));
    println!("Nothing was deployed. In a deployed stack rootwatch ignores these settings and alerts on them.");
    ExitCode::FAILURE
}

/// Values of parameters, as the SAM CLI takes them.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    values: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Overrides {
    /// Takes `NAME=VALUE …`. Of a value in single or double quotes the SAM CLI takes all, of another one what stands before the first
    /// space or double quote
    /// (<https://github.com/aws/aws-sam-cli/blob/develop/samcli/cli/types.py>): what it leaves out is a fault here.
    pub(crate) fn add(&mut self, argument: &str) {
        let mut rest = argument.trim_start();
        while !rest.is_empty() {
            let Some((name, after)) = rest.split_once('=') else {
                return self.faults.push(format!(
                    "`{}` is left out by the SAM CLI: put a value with spaces or quotes into single quotes, \
                     NAME='VALUE', inside double quotes",
                    bounded(rest)
                ));
            };
            let (value, after) = taken(after);
            let name = name.trim_matches('"');
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let fault = "is not a parameter name: put a value with spaces or quotes into single quotes, \
                             NAME='VALUE', inside double quotes";
                return self.faults.push(format!("`{}` {fault}", bounded(name)));
            }
            self.values.insert(name.to_owned(), value);
            rest = after.trim_start();
        }
    }
}

/// The value at the start of `text`, and what comes after it.
fn taken(text: &str) -> (String, &str) {
    let quote = text.chars().next().filter(|first| ['"', '\''].contains(first));
    let mut is_escaped = false;
    let mut end = text.len();
    for (at, char) in text.char_indices().skip(usize::from(quote.is_some())) {
        let ends = match quote {
            Some(quote) => char == quote,
            None => [' ', '"'].contains(&char),
        };
        if ends && !is_escaped {
            end = at + quote.map_or(0, char::len_utf8);
            break;
        }
        is_escaped = char == '\\' && !is_escaped;
    }
    let (value, after) = text.split_at(end);
    let inner = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value);
    (inner.replace("\\ ", " ").replace("\\\"", "\"").replace("\\'", "'"), after)
}

/// What `parameter_overrides` of a `samconfig.toml` holds; `None`: it is written in a way that is not understood here.
fn configured_overrides(text: &str) -> Vec<Option<String>> {
    let values = text.lines().filter_map(|line| line.trim_start().strip_prefix("parameter_overrides"));
    let values = values.filter_map(|line| Some(line.trim_start().strip_prefix('=')?.trim()));
    // A basic string of TOML on one line is one of JSON too.
    let read = |value: &str| match value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        Some(literal) => vec![Some(literal.to_owned())],
        None => match serde_json::from_str::<serde_json::Value>(value) {
            Ok(serde_json::Value::String(text)) => vec![Some(text)],
            Ok(serde_json::Value::Array(values)) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            _ => vec![None],
        },
    };
    values.flat_map(read).collect()
}

/// Each fault in one line.
pub(crate) fn faults(template: &str, overrides: Overrides, region: Option<String>, now: Timestamp) -> Vec<String> {
    let template: Value = match serde_yaml_ng::from_str(template) {
        Ok(template) => template,
        Err(error) => return vec![format!("template.yaml: {error}")],
    };
    let Overrides { values, mut faults } = overrides;
    let Some(parameters) = template["Parameters"].as_mapping() else {
        return vec!["template.yaml has no parameters".into()];
    };
    let mut refused = Vec::new();
    for (name, value) in &values {
        let Some(parameter) = parameters.get(name.as_str()) else {
            faults.push(format!("{name}: the template has no such parameter"));
            continue;
        };
        let allowed: Vec<String> = parameter["AllowedValues"].as_sequence().into_iter().flatten().map(text).collect();
        if !allowed.is_empty() && !allowed.contains(value) {
            refused.push((name, format!("{name}: {} is accepted, not `{}`", allowed.join(", "), bounded(value))));
        }
        let most = parameter["MaxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
        if let Some(most) = most.filter(|most| value.chars().count() > *most) {
            refused.push((name, format!("{name}: at most {most} characters are accepted")));
        }
    }
    faults.extend(faults_of_members(&values));
    let region = region.or_else(|| region_of(&values)).unwrap_or_else(|| "us-east-1".into());
    let has_organization = values.get("OrganizationId").is_some_and(|id| !id.is_empty());
    for function in FUNCTIONS.into_iter().filter(|function| *function != "Organization" || has_organization) {
        let environment = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let Some(environment) = environment.as_mapping() else {
            faults.push(format!("template.yaml: {function} has no variables"));
            continue;
        };
        let variables = variables(environment, parameters, &values, &region);
        let measured: BTreeMap<_, _> = variables.iter().cloned().collect();
        let bytes = serde_json::json!(measured).to_string().len().saturating_add(MADE_NAMES);
        if bytes > ENVIRONMENT_MAX {
            faults.push(format!(
                "the settings of {function} take {bytes} bytes, more than Lambda's limit of {ENVIRONMENT_MAX}: write fewer or shorter \
                 Exceptions and Attestations"
            ));
        }
        let read = match function {
            "Checker" => checker::Settings::read(variables, now).map(|settings| settings.checklist.refused),
            "RootActivity" => root_activity::Settings::read(variables).map(|settings| settings.refused),
            "Organization" => organization::Settings::read(variables).map(|settings| settings.refused),
            _ => reporter::Settings::read(variables).map(|settings| settings.refused),
        };
        match read {
            Ok(refused) => faults.extend(refused.iter().map(ToString::to_string)),
            Err(error) => faults.extend(error.faults),
        }
    }
    // CloudFormation refuses it by itself; the function's own words say more.
    for (name, fault) in refused {
        if !faults.iter().any(|other| other.starts_with(&format!("{name}:"))) {
            faults.push(fault);
        }
    }
    let mut seen = BTreeSet::new();
    faults.retain(|fault| seen.insert(fault.clone()));
    faults
}

/// What of the choices for member accounts CloudFormation refuses only while it deploys. What is not given keeps its value.
fn faults_of_members(values: &BTreeMap<String, String>) -> Vec<String> {
    let items = |name: &str| values.get(name).map(|list| list.split(',').filter(|item| !item.is_empty()).collect());
    let targets: Option<Vec<&str>> = items("OrganizationTargets");
    let is_target = |target: &&str| ["r-", "ou-"].iter().any(|kind| target.starts_with(kind));
    let others = targets.iter().flatten().filter(|target| !is_target(target));
    let mut faults: Vec<String> = others
        .map(|it| format!("OrganizationTargets: `{}` is no ID of a root (r-) or a unit (ou-)", bounded(it)))
        .collect();
    let regions: Option<Vec<&str>> = items("MemberForwardRegions");
    if regions.is_some_and(|regions| !regions.is_empty()) {
        let empty = |name: &&str| values.get(*name).is_some_and(String::is_empty);
        let lacks = ["OrganizationId", "OrganizationTargets"].into_iter().filter(empty);
        faults.extend(lacks.map(|name| format!("{name}: MemberForwardRegions needs it")));
    }
    faults
}

/// The partition of the stack, by the Regions in its parameters.
fn region_of(values: &BTreeMap<String, String>) -> Option<String> {
    let lists = ["Regions", "ForwardRegions", "AllowedRegions"].iter().filter_map(|name| values.get(*name));
    let first = lists.filter_map(|list| list.split(',').map(str::trim).find(|region| !region.is_empty()));
    first.map(str::to_owned).next()
}

/// The variables of a function: parameters as they are set, else by default, and what the stack itself gives.
fn variables(
    environment: &Mapping,
    parameters: &Mapping,
    values: &BTreeMap<String, String>,
    region: &str,
) -> Vec<(String, String)> {
    let partition = facts::Partition::of_region(region).as_str();
    let named = |reference: &str| match (values.get(reference), parameters.get(reference)) {
        // As the template has it: `none` is a URL that is not there.
        (Some(value), _) if value == "none" => String::new(),
        (Some(value), _) => value.clone(),
        (None, Some(parameter)) => text(&parameter["Default"]),
        (None, None) if reference == "Topic" => format!("arn:{partition}:sns:{region}:111122223333:rootwatch"),
        (None, None) => {
            let own = values.get("Name").filter(|name| !name.is_empty()).map_or("rootwatch", String::as_str);
            let reference = reference.replace("${Own}", own).replace("${AWS::Region}", region);
            reference.replace("::", "-").to_lowercase()
        }
    };
    let variable = |(name, value): (&Value, &Value)| {
        // Of `!If` and `!Join` the first text that names something.
        let references = texts(value);
        let known = |reference: &&String| parameters.contains_key(reference.as_str());
        let reference = references.iter().find(known).or_else(|| references.first());
        (text(name), reference.map(|reference| named(reference)).unwrap_or_default())
    };
    let region = ("AWS_REGION".to_owned(), region.to_owned());
    environment.iter().map(variable).chain([region]).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Sequence(values) => values.iter().flat_map(texts).collect(),
        Value::Tagged(tagged) => texts(&tagged.value),
        // The long form of a function, as packaging writes it: `Ref: Name` for `!Ref Name`.
        Value::Mapping(long) if long.len() == 1 && long.keys().all(is_function) => {
            long.values().flat_map(texts).collect()
        }
        _ => Vec::new(),
    }
}

/// What `!Sub` puts in is none.
fn is_function(name: &Value) -> bool {
    name.as_str().is_some_and(|name| name == "Ref" || name.starts_with("Fn::"))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(is) => is.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(arguments: &[&str]) -> Vec<String> {
        let mut overrides = Overrides::default();
        arguments.iter().for_each(|argument| overrides.add(argument));
        let template = include_str!("../../../template.yaml");
        faults(template, overrides, None, "2026-11-20T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn the_defaults_of_the_template_and_every_good_value_pass() {
        assert_eq!(checked(&[]), Vec::<String>::new());
        let exceptions =
            r#"Exceptions='[{"control":"root-unused","reason":"set up by bob","owner":"alice","until":"2026-12-01"}]'"#;
        let good = ["AlertEmail=you@example.com LookbackHours=48", "Digest=daily", "HeartbeatUrl=none", exceptions];
        assert_eq!(checked(&good), Vec::<String>::new());
        assert_eq!(checked(&["ForwardRegions=us-gov-west-1", "Regions=us-gov-east-1"]), Vec::<String>::new());
        assert_eq!(checked(&["OrganizationId=o-exampleorgid", "AuditConcurrency=1000"]), Vec::<String>::new());
        let role = ["OrganizationId=o-exampleorgid", "MemberAccess=role", "OrganizationTargets=r-ab12"];
        assert_eq!(checked(&role), Vec::<String>::new());
        assert_eq!(checked(&["MemberAccess=admin"]).len(), 1);
    }

    #[test]
    fn an_organization_that_is_none_and_too_many_batches_are_faults() {
        let faults = checked(&["OrganizationId=r-exampleorgid", "AuditConcurrency=1001"]);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("is not the id of an organization")), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("AuditConcurrency")), "{faults:?}");
    }

    #[test]
    fn rules_in_member_accounts_need_an_organization_and_accounts_to_be_in() {
        let regions = "MemberForwardRegions=us-east-1,us-west-2";
        let good = ["OrganizationId=o-exampleorgid", "OrganizationTargets=r-exam,ou-exam-00000000", regions];
        assert_eq!(checked(&good), Vec::<String>::new());
        assert_eq!(checked(&[regions]), Vec::<String>::new(), "what is not given keeps its value");
        let faults = checked(&["OrganizationId=", "OrganizationTargets=", regions]);
        let lacks =
            ["OrganizationId: MemberForwardRegions needs it", "OrganizationTargets: MemberForwardRegions needs it"];
        assert_eq!(faults, lacks);
        let faults = checked(&["OrganizationTargets=r-exam,111122223333"]);
        assert_eq!(faults, ["OrganizationTargets: `111122223333` is no ID of a root (r-) or a unit (ou-)"]);
    }

    #[test]
    fn the_template_of_an_archive_with_its_functions_in_the_long_form_is_read_alike() {
        let template = include_str!("../../../template.yaml");
        let long = |value: &Value| match value {
            Value::Tagged(tagged) => {
                let name = tagged.tag.to_string().replace('!', "");
                let name = if name == "Ref" { name } else { format!("Fn::{name}") };
                Some(Value::Mapping([(Value::from(name), tagged.value.clone())].into_iter().collect()))
            }
            _ => None,
        };
        fn rewritten(value: &Value, long: &impl Fn(&Value) -> Option<Value>) -> Value {
            match long(value).as_ref().unwrap_or(value) {
                Value::Mapping(fields) => {
                    Value::Mapping(fields.iter().map(|(name, value)| (name.clone(), rewritten(value, long))).collect())
                }
                Value::Sequence(values) => Value::Sequence(values.iter().map(|value| rewritten(value, long)).collect()),
                other => other.clone(),
            }
        }
        let mut template: Value = serde_yaml_ng::from_str(template).unwrap();
        template.apply_merge().unwrap();
        let packaged = serde_yaml_ng::to_string(&rewritten(&template, &long)).unwrap();
        assert!(packaged.contains("ROOTWATCH_TOPIC_ARN:\n            Ref: Topic\n"));
        let checked = |argument: &str| {
            let mut overrides = Overrides::default();
            overrides.add(argument);
            faults(&packaged, overrides, None, "2026-11-20T10:00:00Z".parse().unwrap())
        };
        assert_eq!(checked("LookbackHours=48"), Vec::<String>::new());
        assert_eq!(checked("Name=guard"), Vec::<String>::new());
        assert_eq!(checked("LookbackHours=abc").len(), 1);
    }

    #[test]
    fn each_fault_is_named_once_with_its_parameter_and_the_number_of_its_entry() {
        let exceptions = r#"Exceptions='[{"control":"root-mfs","reason":"r","owner":"o","until":"2026-12-01"}, 7]'"#;
        let faulty = [
            exceptions,
            "Regions=nowhere",
            "LookbackHours=abc",
            "Digest=hourly",
            "Lookback=1",
            "DisabledControls=x",
            "Architecture=sparc",
        ];
        assert_eq!(
            checked(&faulty),
            [
                "Lookback: the template has no such parameter",
                "LookbackHours: a number from 1 to 2160 is accepted, not `abc`; 24 is in force",
                "Regions: `nowhere` is not a Region code of partition aws; every Region counts",
                "Digest: `daily`, `weekly` or `never` is accepted, not `hourly`; the default is in force",
                "DisabledControls: no control of this version is called `x`, see CONTROLS.md; it leaves out nothing",
                "Exceptions, entry 1: `control` is `root-mfs`: no control in this version has this id, see CONTROLS.md",
                "Exceptions, entry 2: expected an object with control, reason, owner, until, resource, got a number",
                "Architecture: x86_64, arm64 is accepted, not `sparc`",
            ]
        );
    }

    #[test]
    fn settings_that_are_too_long_for_the_template_or_together_for_lambda_are_faults() {
        let exception = |number| {
            format!(
                r#"{{"control":"groups-assign-permissions","resource":"user-{number}","reason":"moves","owner":"bob","until":"2027-03-01"}}"#
            )
        };
        let exceptions = |count| format!("Exceptions='[{}]'", (0..count).map(exception).collect::<Vec<_>>().join(","));
        assert_eq!(checked(&[&exceptions(17)]), Vec::<String>::new());
        assert!(checked(&[&exceptions(30)]).contains(&"Exceptions: at most 2000 characters are accepted".to_owned()));
        let url = format!("https://watcher.example/{}", "x".repeat(220));
        let others =
            format!("HeartbeatUrl={url} RunbookUrl={url} DisabledControls={}", ["billing-alerts"; 12].join(","));
        let faults = checked(&[&exceptions(17), &others]);
        let is_named = faults.iter().any(|fault| fault.starts_with("the settings of Checker take "));
        assert!(is_named, "{faults:?}");
    }

    #[test]
    fn what_the_sam_cli_would_cut_off_is_a_fault_and_what_it_takes_is_taken() {
        let list = r#"[{"control":"root-unused","reason":"set up","owner":"o","until":"2026-12-01"}]"#;
        assert_eq!(checked(&[&format!("Exceptions='{list}'")]), Vec::<String>::new());
        assert_eq!(
            checked(&[&format!("Exceptions=\"{}\"", list.replace('"', "\\\""))]),
            Vec::<String>::new(),
            "in double quotes, with those inside escaped"
        );
        assert!(!checked(&[&format!("Exceptions={list}")]).is_empty(), "the shell took the quotes");
        assert!(checked(&["Schedule=rate(5 minutes)"]).iter().any(|fault| fault.contains("left out by the SAM CLI")));
        assert_eq!(checked(&["Schedule='rate(5 minutes)' Digest=never"]), Vec::<String>::new());
    }

    #[test]
    fn the_overrides_of_samconfig_toml_are_read() {
        let text = "[default.deploy.parameters]\nparameter_overrides = \"Digest=\\\"daily\\\" LookbackHours=48\"\n";
        let read = configured_overrides(text);
        assert_eq!(read, [Some("Digest=\"daily\" LookbackHours=48".to_owned())]);
        let mut overrides = Overrides::default();
        overrides.add(read[0].as_ref().unwrap());
        assert_eq!((overrides.values["Digest"].as_str(), overrides.values["LookbackHours"].as_str()), ("daily", "48"));
        assert_eq!(configured_overrides("parameter_overrides = [\"A=1\", 'B=2']"), [None]);
        assert_eq!(configured_overrides("parameter_overrides = 'A=1'"), [Some("A=1".to_owned())]);
        assert_eq!(configured_overrides(include_str!("../../../samconfig.toml")), []);
    }

    #[test]
    fn the_address_of_the_watcher_is_not_printed() {
        let faults = checked(&["HeartbeatUrl=http://watcher.example/secret"]);
        assert_eq!(faults, ["HeartbeatUrl: is not an https:// URL; no heartbeat is sent"]);
    }
}
