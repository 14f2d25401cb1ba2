//! The template, the README and the code, held together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_yaml_ng::Value;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn template() -> Value {
    serde_yaml_ng::from_str(&file("template.yaml")).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Sequence(values) => values.iter().flat_map(strings).collect(),
        Value::Tagged(tagged) => strings(&tagged.value),
        _ => Vec::new(),
    }
}

fn statements(policy: &Value) -> Vec<Value> {
    policy["PolicyDocument"]["Statement"].as_sequence().unwrap().clone()
}

fn set(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(|action| (*action).to_owned()).collect()
}

#[test]
fn se_2_the_role_may_do_exactly_what_the_code_calls() {
    let template = template();
    let mut granted = BTreeSet::new();
    for policy in template["Resources"]["CheckerRole"]["Properties"]["Policies"].as_sequence().unwrap() {
        if policy["PolicyName"].as_str() == Some("run") {
            continue;
        }
        for statement in statements(policy) {
            assert_eq!(statement["Effect"].as_str(), Some("Allow"));
            granted.extend(strings(&statement["Action"]));
        }
    }
    assert_eq!(granted, set(&aws::actions()));
    assert!(granted.iter().all(|action| !action.contains('*')));
}

#[test]
fn se_2_beside_the_account_the_role_only_logs_and_keeps_failed_events() {
    let template = template();
    let properties = &template["Resources"]["CheckerRole"]["Properties"];
    assert!(properties["ManagedPolicyArns"].is_null());
    let policies = properties["Policies"].as_sequence().unwrap();
    let run = policies.iter().find(|policy| policy["PolicyName"].as_str() == Some("run")).unwrap();
    let granted: BTreeSet<String> =
        statements(run).iter().flat_map(|statement| strings(&statement["Action"])).collect();
    assert_eq!(granted, set(&["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"]));
    assert!(statements(run).iter().all(|statement| statement["Resource"].as_str() != Some("*")));
}

#[test]
fn publishing_is_limited_to_the_stacks_own_topic() {
    let template = template();
    let policies = template["Resources"]["CheckerRole"]["Properties"]["Policies"].as_sequence().unwrap();
    let tell = policies.iter().find(|policy| policy["PolicyName"].as_str() == Some("tell")).unwrap();
    assert_eq!(strings(&statements(tell)[0]["Resource"]), ["Topic"]);
}

#[test]
fn nobody_outside_the_account_may_publish_and_nobody_without_tls() {
    let template = template();
    let policy = &template["Resources"]["TopicPolicy"]["Properties"];
    for statement in statements(policy) {
        let everybody = statement["Principal"].as_str() == Some("*");
        assert_eq!(everybody, statement["Effect"].as_str() == Some("Deny"), "only a denial is for everybody");
    }
    assert!(
        statements(policy).iter().any(|statement| !statement["Condition"]["Bool"]["aws:SecureTransport"].is_null())
    );
}

#[test]
fn the_environment_of_the_template_is_what_the_function_reads() {
    let template = template();
    let environment = &template["Resources"]["Checker"]["Properties"]["Environment"]["Variables"];
    let parameters = &template["Parameters"];
    let mut variables: BTreeMap<String, String> = BTreeMap::from([("AWS_REGION".into(), "eu-west-1".into())]);
    for (name, reference) in environment.as_mapping().unwrap() {
        let parameter = strings(reference)[0].clone();
        let default = match &parameters[parameter.as_str()]["Default"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => "arn:aws:sns:eu-west-1:111122223333:rootwatch".into(),
        };
        variables.insert(name.as_str().unwrap().to_owned(), default);
    }
    let settings = checker::Settings::read(variables.clone()).unwrap();
    let minimal = ["AWS_REGION", "ROOTWATCH_TOPIC_ARN"].map(|name| (name.to_owned(), variables[name].clone()));
    assert_eq!(settings, checker::Settings::read(minimal).unwrap(), "the same defaults in template and code");
    assert_eq!(variables.len(), 6, "every setting of the function is a parameter");
}

#[test]
fn every_limit_of_a_parameter_is_the_functions_own() {
    let template = template();
    let read = |name: &str, value: String| {
        let topic = "arn:aws:sns:eu-west-1:111122223333:rootwatch".to_owned();
        let base = [("AWS_REGION".to_owned(), "eu-west-1".to_owned()), ("ROOTWATCH_TOPIC_ARN".to_owned(), topic)];
        checker::Settings::read(base.into_iter().chain([(name.to_owned(), value)])).is_ok()
    };
    for (parameter, variable) in
        [("LookbackHours", "ROOTWATCH_LOOKBACK_HOURS"), ("RootUnusedDays", "ROOTWATCH_ROOT_UNUSED_DAYS")]
    {
        let limit = |name: &str| template["Parameters"][parameter][name].as_i64().unwrap();
        let (least, most) = (limit("MinValue"), limit("MaxValue"));
        assert!(read(variable, least.to_string()) && read(variable, most.to_string()), "{parameter}");
        assert!(!read(variable, (least - 1).to_string()) && !read(variable, (most + 1).to_string()), "{parameter}");
    }
    for profile in strings(&template["Parameters"]["PasswordPolicyProfile"]["AllowedValues"]) {
        assert!(read("ROOTWATCH_PASSWORD_POLICY_PROFILE", profile));
    }
}

#[test]
fn every_parameter_has_a_default_and_a_description() {
    let template = template();
    let parameters = template["Parameters"].as_mapping().unwrap();
    let names: Vec<&str> = parameters.keys().filter_map(Value::as_str).collect();
    let expected = [
        "AlertEmail",
        "Schedule",
        "LookbackHours",
        "Regions",
        "PasswordPolicyProfile",
        "RootUnusedDays",
        "LogRetentionDays",
        "Architecture",
    ];
    assert_eq!(names, expected);
    for (name, parameter) in parameters {
        assert!(!parameter["Default"].is_null() && parameter["Description"].as_str().unwrap().len() > 20, "{name:?}");
    }
}

#[test]
fn se_3_the_alarm_for_silence_follows_every_schedule_and_takes_missing_data_for_the_worse() {
    let template = template();
    let schedules = strings(&template["Parameters"]["Schedule"]["AllowedValues"]);
    assert_eq!(schedules, ["rate(5 minutes)", "rate(15 minutes)", "rate(30 minutes)", "rate(1 hour)"]);
    let alarm = &template["Resources"]["SilenceAlarm"]["Properties"];
    assert_eq!(alarm["TreatMissingData"].as_str(), Some("breaching"));
    assert_eq!(alarm["EvaluationPeriods"].as_i64(), Some(3));
    let text = serde_yaml_ng::to_string(&alarm["Period"]).unwrap();
    for (condition, seconds) in
        [("Every5Minutes", "300"), ("Every15Minutes", "900"), ("Every30Minutes", "1800"), ("", "3600")]
    {
        assert!(text.contains(condition) && text.contains(seconds), "{text}");
    }
    for alarm in ["SilenceAlarm", "ErrorAlarm", "DeadLetterAlarm"] {
        let actions = strings(&template["Resources"][alarm]["Properties"]["AlarmActions"]);
        assert_eq!(actions, ["Topic"], "{alarm}");
    }
}

#[test]
fn the_function_is_what_was_tested() {
    let template = template();
    let function = &template["Resources"]["Checker"];
    assert_eq!(function["Metadata"]["BuildMethod"].as_str(), Some("rust-cargolambda"));
    assert_eq!(function["Metadata"]["BuildProperties"]["Binary"].as_str(), Some("checker"));
    let properties = &function["Properties"];
    assert_eq!(properties["Runtime"].as_str(), Some("provided.al2023"));
    assert_eq!((properties["MemorySize"].as_i64(), properties["Timeout"].as_i64()), (Some(256), Some(300)));
    assert!(properties["ReservedConcurrentExecutions"].is_null());
    let schedule = &properties["Events"]["Schedule"];
    assert_eq!(schedule["Type"].as_str(), Some("ScheduleV2"));
    assert_eq!(schedule["Properties"]["OmitName"].as_bool(), Some(true));
}

#[test]
fn the_policy_in_the_readme_is_what_a_dry_run_calls() {
    let readme = file("README.md");
    let policy = readme.split("```json").find(|block| block.contains("\"Statement\"")).expect("a policy in the README");
    let policy: serde_json::Value = serde_json::from_str(policy.split("```").next().unwrap()).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    let actions: BTreeSet<String> = actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, set(&aws::read_actions()));
}

#[test]
fn the_alert_in_the_readme_is_a_real_one() {
    let (readme, alert) =
        (file("README.md"), file("tests/scenarios/critical-root-signs-in-without-mfa-and-creates-a-key/told.snap"));
    let shown =
        readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an alert in the README");
    for line in shown.lines().filter(|line| line.trim() != "…") {
        assert!(alert.lines().any(|told| told == line), "no mail says {line:?}");
    }
}

#[test]
fn every_parameter_and_every_verb_of_the_readme_exists() {
    let (readme, makefile) = (file("README.md"), file("Makefile"));
    for parameter in template()["Parameters"].as_mapping().unwrap().keys().filter_map(Value::as_str) {
        assert!(readme.contains(&format!("`{parameter}`")), "README does not tell of {parameter}");
    }
    for verb in
        readme.split("make ").skip(1).filter_map(|rest| rest.split(|char: char| !char.is_ascii_lowercase()).next())
    {
        assert!(verb.is_empty() || makefile.contains(&format!("\n{verb}:")), "there is no `make {verb}`");
    }
}
