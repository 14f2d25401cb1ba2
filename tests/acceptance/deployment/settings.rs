//! Parameters, the environment that they become, and what the functions read of it.

use super::*;

/// The variables of a function as the template sets them when every parameter has its default.
fn variables_of(function: &str) -> BTreeMap<String, String> {
    let template = template();
    let environment = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
    let parameters = template["Parameters"].as_mapping().unwrap();
    let mut variables = BTreeMap::from([("AWS_REGION".to_owned(), "eu-west-1".to_owned())]);
    for (name, reference) in environment.as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let references = strings(reference);
        if references.last().is_some_and(|last| last == "AWS::NoValue") {
            continue;
        }
        let references = match references.as_slice() {
            [_condition, chosen, otherwise] if otherwise.is_empty() => std::slice::from_ref(chosen),
            all => all,
        };
        let value = match (references, name) {
            ([resource], "ROOTWATCH_TOPIC_ARN") if resource == "Topic" => minimal()[name].clone(),
            ([resource], "ROOTWATCH_TABLE") if resource == "Ledger" => minimal()[name].clone(),
            ([bucket], "ROOTWATCH_REPORT_BUCKET") if bucket == "ReportBucket" => "rootwatch-reports".into(),
            ([arn], "ROOTWATCH_QUEUE_ARN" | "ROOTWATCH_FORWARDER_ROLE_ARN") if arn.ends_with(".Arn") => arn.clone(),
            ([stack], "ROOTWATCH_STACK") if stack == "AWS::StackName" => "rootwatch".into(),
            // Without one there is no such function.
            ([parameter], "ROOTWATCH_ORGANIZATION_ID") if parameter == "OrganizationId" => "o-exampleorgid".into(),
            // Without Regions in member accounts there is no such variable.
            (_, "ROOTWATCH_ORGANIZATION_QUEUE_ARN") => continue,
            // Without a chat there is no function that passes on.
            (_, "ROOTWATCH_NOTIFIERS") => String::new(),
            ([text], _) if text.contains(OWN) => text.replace(OWN, "rootwatch").replace(REGION, "eu-west-1"),
            // A list is joined by a comma.
            ([parameter], _) | ([_, parameter], _) => match &parameters[parameter.as_str()]["Default"] {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => panic!("{parameter} has no default"),
            },
            _ => panic!("{name} is neither a parameter nor of the stack"),
        };
        variables.insert(name.to_owned(), value);
    }
    variables
}

#[test]
fn the_environment_of_the_template_is_what_each_function_reads() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let stack = [("ROOTWATCH_STACK".to_owned(), "rootwatch".to_owned())];
    let variables = variables_of("Checker");
    let settings = checker::Settings::read(variables.clone(), now).unwrap();
    let least = minimal().into_iter().chain(stack.clone());
    assert_eq!(settings.report_bucket.as_deref(), Some("rootwatch-reports"));
    let mut settings = checker::Settings { watch: None, report_bucket: None, ..settings };
    assert!(settings.links.report.take().is_some_and(|page| page.contains("/rootwatch-reports?")));
    assert_eq!(settings, checker::Settings::read(least, now).unwrap(), "the same defaults in template and code");
    let watch = checker::Settings::read(variables.clone(), now).unwrap().watch.unwrap();
    let rules: BTreeSet<String> = ["RootRule", "TamperingRule"]
        .iter()
        .flat_map(|rule| strings(&template()["Resources"][*rule]["Properties"]["Name"]))
        .map(|name| name.replace(OWN, "rootwatch").replace(REGION, "eu-west-1"))
        .collect();
    assert_eq!(watch.rules.iter().cloned().collect::<BTreeSet<_>>(), rules, "the function looks after its own rules");
    assert_eq!(
        (watch.queue.as_deref(), watch.forwarder.as_deref()),
        (Some("EventsQueue.Arn"), Some("ForwarderRole.Arn"))
    );
    assert_eq!(variables.len(), 28, "every setting of the function is a parameter or of the stack");

    let variables = variables_of("RootActivity");
    let settings = root_activity::Settings::read(variables.clone()).unwrap();
    let named = |name: &str| ["ROOTWATCH_FORWARD_REGIONS", "ROOTWATCH_REPORT_BUCKET"].contains(&name);
    let others = variables.clone().into_iter().filter(|(name, _)| named(name));
    let least = minimal().into_iter().chain(stack).chain(others);
    assert_eq!(settings, root_activity::Settings::read(least).unwrap());
    assert_eq!(settings.canaries.unwrap().regions, ["us-east-1", "us-east-2", "us-west-2", "eu-west-1"]);
    assert!(settings.links.report.is_some_and(|page| page.contains("/rootwatch-reports?")));
    assert_eq!(variables.len(), 10);

    let variables = variables_of("Reporter");
    let settings = reporter::Settings::read(variables.clone()).unwrap();
    let least = [("AWS_REGION", "eu-west-1"), ("ROOTWATCH_REPORT_BUCKET", "rootwatch-reports")];
    let least = least.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(settings, reporter::Settings::read(least.clone()).unwrap());
    assert_eq!(variables.len(), 6);

    let variables = variables_of("Organization");
    let settings = organization::Settings::read(variables.clone()).unwrap();
    let stack = ["ROOTWATCH_ORGANIZATION_ID", "ROOTWATCH_REPORT_BUCKET", "ROOTWATCH_STACK"];
    let stack = stack.map(|name| (name.to_owned(), variables[name].clone()));
    assert_eq!(settings, organization::Settings::read(minimal().into_iter().chain(stack)).unwrap());
    assert_eq!(variables.len(), 13);

    let variables = variables_of("MemberAuditor");
    let settings = member_auditor::Settings::read(variables.clone()).unwrap();
    let table = minimal().remove_entry("ROOTWATCH_TABLE");
    assert_eq!(settings, member_auditor::Settings::read(least.into_iter().chain(table)).unwrap());
    assert_eq!(variables.len(), 6);
}

/// What the auditor reads only where members have a role.
#[test]
fn the_auditor_reads_each_variable_that_a_member_role_brings() {
    let template = template();
    let variables = &template["Resources"]["MemberAuditor"]["Properties"]["Environment"]["Variables"];
    let values = [
        ("ROOTWATCH_MEMBER_ACCESS", "role"),
        ("ROOTWATCH_MEMBER_ROLE", "rootwatch-eu-west-1-member"),
        ("ROOTWATCH_ORGANIZATION_ID", "o-exampleorgid"),
        ("ROOTWATCH_REGIONS", "eu-west-1"),
        ("ROOTWATCH_PASSWORD_POLICY_PROFILE", "strict"),
        ("ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS", "30"),
        ("ROOTWATCH_UNUSED_CREDENTIALS_DAYS", "31"),
        ("ROOTWATCH_ALLOWED_REGIONS", "ap-east-1"),
    ];
    let chosen = |value: &Value| strings(value).last().is_some_and(|last| last == "AWS::NoValue");
    let brought = variables.as_mapping().unwrap().iter().filter(|(_, value)| chosen(value));
    let brought: BTreeSet<&str> = brought.map(|(name, _)| name.as_str().unwrap()).collect();
    assert_eq!(brought, values.iter().map(|(name, _)| *name).collect());
    for limit in function::LIMITS {
        assert!(!variables[limit].is_null(), "{limit}: members are evaluated by the limits of the stack's account");
    }
    let all = variables_of("MemberAuditor").into_iter().chain(values.map(|(name, value)| (name.into(), value.into())));
    let settings = member_auditor::Settings::read(all.collect::<BTreeMap<_, _>>()).unwrap();
    assert!(settings.refused.is_empty(), "{:?}", settings.refused);
    let whole = settings.whole.unwrap();
    assert_eq!((whole.checklist.access_key_max_age_days, whole.checklist.unused_credentials_days), (30, 31));
    assert_eq!(
        (whole.checklist.allowed_regions, whole.regions),
        (vec!["ap-east-1".to_owned()], Some(vec!["eu-west-1".into()]))
    );
    let accepted = strings(&template["Parameters"]["MemberAccess"]["AllowedValues"]);
    assert_eq!(accepted.len(), 3);
    for access in accepted {
        let chosen =
            variables_of("MemberAuditor").into_iter().chain([("ROOTWATCH_MEMBER_ACCESS".to_owned(), access.clone())]);
        let own = values[1..3].iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = member_auditor::Settings::read(chosen.chain(own).collect::<BTreeMap<_, _>>()).unwrap();
        assert_eq!(settings.whole.is_none(), access == "root-audit", "{access}");
        assert!(settings.refused.iter().all(|refused| refused.setting != "MemberAccess"), "{access}");
    }
    assert_eq!(template["Parameters"]["MemberAccess"]["Default"].as_str(), Some("root-audit"));
}

/// As in a stack of a stack set: what the template names begins with `Name`, and commands need the stack's own name.
#[test]
fn with_a_name_of_their_own_rules_and_canaries_have_it_and_commands_name_the_stack() {
    let named = |function: &str| {
        let given = [("ROOTWATCH_NAME", "guard"), ("ROOTWATCH_STACK", "StackSet-a-5f0c")];
        variables_of(function).into_iter().chain(given.map(|(name, value)| (name.to_owned(), value.to_owned())))
    };
    let own = ["guard", "StackSet-a-5f0c"];
    let settings = checker::Settings::read(named("Checker"), jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(settings.own, own);
    assert!(settings.links.dashboard.is_some_and(|board| board.ends_with("/guard-eu-west-1")));
    assert_eq!(settings.links.stack, Some((own[1].to_owned(), "eu-west-1".to_owned())));
    assert_eq!(settings.relays.stack.as_deref(), Some(own[1]), "CloudFormation names functions after the stack");
    let settings = root_activity::Settings::read(named("RootActivity")).unwrap();
    assert_eq!(settings.own, own);
    assert_eq!(settings.canaries.unwrap().addressee, "eu-west-1/guard");
}

/// Faults name the parameter that people know.
#[test]
fn a_refused_setting_is_called_as_the_parameter_that_sets_it() {
    let template = template();
    let parameters = template["Parameters"].as_mapping().unwrap();
    for function in
        ["Checker", "RootActivity", "Reporter", "SlackNotifier", "RouteNotifier", "Organization", "MemberAuditor"]
    {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        for (variable, reference) in variables.as_mapping().unwrap() {
            let variable = variable.as_str().unwrap();
            let by = strings(reference).into_iter().find(|name| parameters.contains_key(name.as_str()));
            assert_eq!(function::setting(variable), by.unwrap_or_else(|| variable.to_owned()));
        }
    }
}

#[test]
fn every_limit_of_a_parameter_is_the_functions_own() {
    let template = template();
    for (parameter, variable) in [
        ("LookbackHours", "ROOTWATCH_LOOKBACK_HOURS"),
        ("RootUnusedDays", "ROOTWATCH_ROOT_UNUSED_DAYS"),
        ("AccessKeyMaxAgeDays", "ROOTWATCH_ACCESS_KEY_MAX_AGE_DAYS"),
        ("UnusedCredentialsDays", "ROOTWATCH_UNUSED_CREDENTIALS_DAYS"),
        ("ReminderHoursCritical", "ROOTWATCH_REMINDER_HOURS_CRITICAL"),
        ("ReminderHours", "ROOTWATCH_REMINDER_HOURS"),
    ] {
        let limit = |name: &str| template["Parameters"][parameter][name].as_i64().unwrap();
        let (least, most) = (limit("MinValue"), limit("MaxValue"));
        assert!(accepts(variable, least.to_string()) && accepts(variable, most.to_string()), "{parameter}");
        assert!(!accepts(variable, (least - 1).to_string()), "{parameter}");
        assert!(!accepts(variable, (most + 1).to_string()), "{parameter}");
    }
    for (parameter, variable) in
        [("ReportRetentionDays", "ROOTWATCH_REPORT_RETENTION_DAYS"), ("ReportLockDays", "ROOTWATCH_OBJECT_LOCK_DAYS")]
    {
        let limit = |name: &str| template["Parameters"][parameter][name].as_i64().unwrap();
        let accepts = |value: i64| {
            let variables = variables_of("Reporter").into_iter().chain([(variable.to_owned(), value.to_string())]);
            reporter::Settings::read(variables).unwrap().refused.is_empty()
        };
        let (least, most) = (limit("MinValue"), limit("MaxValue"));
        assert!(accepts(least) && accepts(most), "{parameter}");
        assert!(!accepts(least - 1) && !accepts(most + 1), "{parameter}");
    }
    for (parameter, variable, count) in [
        ("PasswordPolicyProfile", "ROOTWATCH_PASSWORD_POLICY_PROFILE", 3),
        ("Digest", "ROOTWATCH_DIGEST", 3),
        ("Controls", "ROOTWATCH_CONTROLS", 2),
    ] {
        let values = strings(&template["Parameters"][parameter]["AllowedValues"]);
        assert!(values.len() == count && values.iter().all(|value| accepts(variable, value)), "{parameter}");
    }
}

#[test]
fn every_example_of_a_declaration_is_accepted() {
    let (template, document) = (template(), file("docs/configuration.md"));
    for (parameter, variable, field) in [
        ("Exceptions", "ROOTWATCH_EXCEPTIONS", "\"control\""),
        ("Attestations", "ROOTWATCH_ATTESTATIONS", "\"statement\""),
    ] {
        let pattern = template["Parameters"][parameter]["AllowedPattern"].as_str();
        assert_eq!(pattern, Some(r"^\s*$|^\s*\[[\s\S]*\]\s*$"), "what a shell or the SAM CLI cut off is refused");
        let description = template["Parameters"][parameter]["Description"].as_str().unwrap();
        let (_, example) = description.split_once("Example: ").unwrap();
        let blocks = document.split("```json\n").skip(1).filter_map(|block| block.split("```").next());
        let examples: Vec<&str> = blocks.filter(|block| block.contains(field)).chain([example]).collect();
        assert!(examples.len() > 1, "docs/configuration.md has no example of {parameter}");
        for example in examples {
            assert!(accepts(variable, example), "{parameter}: {example}");
        }
    }
}

#[test]
fn the_planned_root_use_in_the_documents_is_accepted() {
    let document = file("docs/configuration.md");
    let event = document.split("```json\n").find(|block| block.contains("\"planned_root_use\"")).expect("an example");
    let event: serde_json::Value = serde_json::from_str(event.split("```").next().unwrap()).unwrap();
    let from: jiff::Timestamp = event["planned_root_use"]["from"].as_str().unwrap().parse().unwrap();
    let request = checker::Request::parse(&event, facts::Partition::Aws, from).unwrap();
    assert!(request.plan.is_some());
}

#[test]
fn se_1_the_address_of_the_watcher_is_not_shown() {
    let parameter = &template()["Parameters"]["HeartbeatUrl"];
    assert_eq!(parameter["NoEcho"].as_bool(), Some(true));
    // `sam deploy --guided` takes no empty answer for a parameter that is not echoed: `none` means the same.
    assert_eq!(parameter["AllowedPattern"].as_str(), Some(r"^$|^none$|^https://[^/:?#\s]\S*$"));
    let condition = serde_yaml_ng::to_string(&template()["Conditions"]["HasHeartbeatUrl"]).unwrap();
    assert!(condition.contains("''") && condition.contains("none"), "{condition}");
    let outputs = serde_yaml_ng::to_string(&template()["Outputs"]).unwrap();
    assert!(!outputs.contains("HeartbeatUrl"));
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
        "ForwardRegions",
        "DirectAlerts",
        "PasswordPolicyProfile",
        "RootUnusedDays",
        "Controls",
        "DisabledControls",
        "AccessKeyMaxAgeDays",
        "UnusedCredentialsDays",
        "AllowedRegions",
        "ReminderHoursCritical",
        "ReminderHours",
        "Digest",
        "ReportRetentionDays",
        "ReportLockDays",
        "Exports",
        "SecurityHub",
        "Exceptions",
        "Attestations",
        "HeartbeatUrl",
        "RunbookUrl",
        "SlackWebhookParameter",
        "ChatWorkspaceId",
        "ChatChannelId",
        "OrganizationId",
        "OrganizationSchedule",
        "AuditConcurrency",
        "OrganizationTargets",
        "OrganizationHome",
        "MemberAccess",
        "MemberForwardRegions",
        "LogRetentionDays",
        "Architecture",
        "Name",
    ];
    assert_eq!(names, expected);
    for (name, parameter) in parameters {
        assert!(!parameter["Default"].is_null() && parameter["Description"].as_str().unwrap().len() > 20, "{name:?}");
    }
}

#[test]
fn the_console_shows_each_parameter_in_one_group_with_a_label_and_first_the_five_that_matter() {
    let template = template();
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_sequence().unwrap();
    let mut shown: Vec<String> = groups.iter().flat_map(|group| strings(&group["Parameters"])).collect();
    let first = ["AlertEmail", "SlackWebhookParameter", "ForwardRegions", "HeartbeatUrl", "RunbookUrl"];
    assert_eq!(strings(&groups[0]["Parameters"]), first);
    let mut parameters: Vec<&str> =
        template["Parameters"].as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
    shown.sort_unstable();
    parameters.sort_unstable();
    assert_eq!(shown, parameters, "each once");
    let labels: BTreeSet<&str> = groups.iter().map(|group| group["Label"]["default"].as_str().unwrap()).collect();
    assert!(labels.len() == groups.len() && !labels.contains(""), "{labels:?}");
    assert!(
        interface["ParameterLabels"].is_null(),
        "a label of its own would hide the name that documents and faults use"
    );
}
