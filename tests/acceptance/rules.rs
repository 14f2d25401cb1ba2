//! The rules by which EventBridge delivers, held together with the classifier, with real events, and with each other.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::deployment::{file, strings, template};

/// A pattern, in which only texts with names to be filled in have a tag.
fn plain(value: &serde_yaml_ng::Value) -> Value {
    untagged(serde_json::to_value(value).expect("a pattern is JSON"))
}

fn untagged(value: Value) -> Value {
    match value {
        Value::Object(mut fields) => match fields.remove("!Sub") {
            // A text, or a text and what is filled in.
            Some(Value::Array(parts)) => parts.into_iter().next().unwrap_or_default(),
            Some(text) => text,
            None => fields.into_iter().map(|(name, value)| (name, untagged(value))).collect(),
        },
        Value::Array(values) => values.into_iter().map(untagged).collect(),
        plain => plain,
    }
}

fn resource(name: &str) -> serde_yaml_ng::Value {
    template()["Resources"][name].clone()
}

/// The template of a stack set, which is text in the stack's own.
fn body_of(stack_set: &str) -> serde_yaml_ng::Value {
    let body = resource(stack_set)["Properties"]["TemplateBody"].as_str().unwrap().to_owned();
    serde_yaml_ng::from_str(&body).unwrap()
}

fn forwarders() -> serde_yaml_ng::Value {
    body_of("Forwarders")
}

/// The pattern of a rule in member accounts, as it is there for a stack called rootwatch.
fn of_members(rule: &str) -> Value {
    let pattern = pattern(&body_of("MemberRules")["Resources"][rule]).to_string();
    serde_json::from_str(&pattern.replace("${Stack}-${HomeRegion}", "rootwatch-eu-west-1")).unwrap()
}

fn pattern(rule: &serde_yaml_ng::Value) -> Value {
    plain(&rule["Properties"]["EventPattern"])
}

/// EventBridge's matching, as far as these patterns use it
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>).
fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, pattern)| match (name.as_str(), pattern.as_array()) {
            ("$or", Some(patterns)) => patterns.iter().any(|pattern| matches(pattern, event)),
            _ => matches(pattern, &event[name]),
        }),
        Value::Array(values) => values.iter().any(|value| match value.as_object() {
            Some(operator) => {
                let text = event.as_str();
                let (name, value) = operator.iter().next().unwrap();
                match name.as_str() {
                    "anything-but" => !event.is_null() && event != value,
                    "prefix" => text.is_some_and(|text| text.starts_with(value.as_str().unwrap())),
                    // Of a leaf.
                    "exists" => event.is_null() != value.as_bool().unwrap(),
                    "wildcard" => {
                        let part = value.as_str().unwrap().trim_matches('*');
                        text.is_some_and(|text| text.contains(part))
                    }
                    _ => panic!("not an operator of ours: {operator:?}"),
                }
            }
            None => value == event,
        }),
        _ => panic!("not a pattern: {pattern}"),
    }
}

fn event(name: &str) -> Value {
    serde_json::from_str(&file(&format!("events/{name}.json"))).unwrap()
}

#[test]
fn everything_that_a_person_does_as_root_is_delivered_and_nothing_that_others_do() {
    let root = pattern(&resource("RootRule"));
    for name in ["root-console-login", "root-access-key-created"] {
        assert!(matches(&root, &event(name)), "{name}");
    }
    let mut sign_in = event("root-console-login");
    for spelling in ["AWS Console Sign In via CloudTrail", "AWS Console Signin via CloudTrail"] {
        sign_in["detail-type"] = json!(spelling);
        assert!(matches(&root, &sign_in), "{spelling}");
    }
    let mut by_a_user = event("root-access-key-created");
    by_a_user["detail"]["userIdentity"]["type"] = json!("IAMUser");
    assert!(!matches(&root, &by_a_user));
    for (issuer, is_root) in [("Root", true), ("IAMUser", false), ("Role", false)] {
        let mut in_a_session = event("root-console-login");
        in_a_session["detail"]["userIdentity"]["type"] = json!("FederatedUser");
        in_a_session["detail"]["userIdentity"]["sessionContext"] = json!({"sessionIssuer": {"type": issuer}});
        assert_eq!(matches(&root, &in_a_session), is_root, "a session of {issuer}");
    }
    let mut by_a_service = event("root-access-key-created");
    by_a_service["detail"]["eventType"] = json!("AwsServiceEvent");
    assert!(!matches(&root, &by_a_service));
    assert!(!matches(&root, &event("scheduled")));
    for rule in ["RootRule", "TamperingRule", "DirectRule"] {
        let pattern = pattern(&resource(rule));
        for name in ["root-console-login", "root-access-key-created"] {
            for source in ["rootwatch.canary", "my.iam", "awsiam", ""] {
                let mut forged = event(name);
                forged["source"] = json!(source);
                forged["detail"]["for"] = json!("elsewhere");
                assert!(!matches(&pattern, &forged), "{rule}: anybody may put an event of source {source:?}");
            }
        }
    }
    let state = resource("RootRule")["Properties"]["State"].as_str().unwrap().to_owned();
    assert_eq!(state, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "read-only calls come only so");
}

/// Every record that the classifier takes for root's is delivered, whoever signed it; what a service only did in its name need not be.
#[test]
fn whatever_the_classifier_takes_for_an_act_of_root_is_delivered() {
    let account = facts::Account {
        id: facts::AccountId::parse("111122223333").unwrap(),
        alias: None,
        partition: facts::Partition::Aws,
    };
    let root = pattern(&resource("RootRule"));
    let identity = |kind: &str, issuer: &str| json!({"type": kind, "accountId": "111122223333", "sessionContext": {"sessionIssuer": {"type": issuer}}});
    for kind in ["Root", "IAMUser", "FederatedUser", "AssumedRole"] {
        for issuer in ["Root", "IAMUser", "Role", ""] {
            let detail = json!({"eventID": "1", "eventName": "DeleteBucket", "eventSource": "s3.amazonaws.com",
                "eventType": "AwsApiCall", "awsRegion": "us-east-1", "userIdentity": identity(kind, issuer)});
            let record = facts::record::TrailEvent::from_record(&detail).unwrap();
            let is_root = facts::RootActivity::classify(&record, &account, None).is_some();
            let event = json!({"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": detail});
            assert_eq!(matches(&root, &event), is_root, "{kind} in a session of {issuer:?}");
        }
    }
    for rule in ["RootRule", "TamperingRule", "DirectRule"] {
        // <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
        assert!(pattern(&resource(rule)).to_string().len() <= 2_048, "{rule}: EventBridge takes no longer pattern");
    }
}

#[test]
fn ct_18_the_rule_for_tampering_delivers_exactly_the_calls_that_the_classifier_knows() {
    let tampering = pattern(&resource("TamperingRule"));
    for (source, name) in facts::tampering::calls() {
        for name in [name.to_owned(), format!("{name}20150331v2")] {
            let is_delivered = matches(
                &tampering,
                &json!({"source": format!("aws.{}", source.split('.').next().unwrap()), "detail-type": "AWS API Call via CloudTrail",
                    "detail": {"eventSource": source, "eventName": name}}),
            );
            let is_dated = name.ends_with("v2");
            assert!(is_delivered || (is_dated && source != "lambda.amazonaws.com"), "{source} {name}");
        }
    }
    let known: BTreeSet<&str> = facts::tampering::calls().flat_map(|(source, name)| [source, name]).collect();
    let listed = |field: &str| tampering["detail"][field].as_array().unwrap().clone();
    for listed in listed("eventSource").into_iter().chain(listed("eventName")) {
        let text = listed.as_str().or_else(|| listed["prefix"].as_str()).unwrap().to_owned();
        assert!(known.contains(text.as_str()), "nobody knows {text}");
    }
    // <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>: more only where somebody has asked AWS for it.
    assert!(tampering.to_string().len() <= 2_048, "EventBridge takes no longer pattern");
}

/// A canary takes the way of root's events: the same rule, role and queue.
#[test]
fn the_rule_for_root_takes_the_canary_of_this_stack_and_of_no_other_one() {
    let addressee = |text: &str| text.replace("${AWS::Region}", "eu-west-1").replace("${Own}", "rootwatch");
    let mut root = pattern(&resource("RootRule"));
    let taken = addressee(root["$or"][0]["detail"]["for"][0].as_str().unwrap());
    root["$or"][0]["detail"]["for"][0] = json!(taken);
    assert_eq!(taken, aws::sources::watch::addressee("eu-west-1", "rootwatch"));
    let canary =
        |to: &str| json!({"source": "rootwatch.canary", "detail-type": "rootwatch canary", "detail": {"for": to}});
    assert!(matches(&root, &canary("eu-west-1/rootwatch")));
    for other in ["us-east-1/rootwatch", "eu-west-1/other"] {
        assert!(!matches(&root, &canary(other)), "{other}");
    }
    for rule in ["TamperingRule", "DirectRule"] {
        assert!(!matches(&pattern(&resource(rule)), &canary("eu-west-1/rootwatch")), "{rule}");
    }
}

#[test]
fn the_function_knows_the_targets_of_the_rules_as_the_template_makes_them() {
    let forwarders = forwarders();
    for name in ["RootRule", "TamperingRule"] {
        let (home, elsewhere) = (resource(name), &forwarders["Resources"][name]);
        let target = |rule: &serde_yaml_ng::Value| rule["Properties"]["Targets"][0].clone();
        let (queue, bus) = (target(&home), target(elsewhere));
        assert_eq!((queue["Id"].as_str(), strings(&queue["Arn"]).concat()), (Some("queue"), "EventsQueue.Arn".into()));
        assert!(queue["RoleArn"].is_null());
        assert_eq!((bus["Id"].as_str(), strings(&bus["RoleArn"]).concat()), (Some("home"), "RoleArn".into()));
        for target in [queue, bus] {
            for input in ["Input", "InputPath", "InputTransformer"] {
                assert!(target[input].is_null(), "{name}: an event arrives as it is");
            }
        }
    }
    let parameters = resource("Forwarders")["Properties"]["Parameters"].clone();
    let role = parameters.as_sequence().unwrap().iter().find(|parameter| parameter["ParameterKey"] == "RoleArn");
    assert_eq!(strings(&role.unwrap()["ParameterValue"]), ["ForwarderRole.Arn"]);
}

#[test]
fn the_forwarders_of_other_regions_are_the_rules_of_this_one() {
    let forwarders = forwarders();
    for name in ["RootRule", "TamperingRule"] {
        let (home, elsewhere) = (resource(name), &forwarders["Resources"][name]);
        let ours = pattern(elsewhere).to_string().replace("${HomeRegion}/${Stack}", "${AWS::Region}/${Own}");
        assert_eq!(pattern(&home).to_string(), ours, "{name}");
        assert_eq!(home["Properties"]["State"], elsewhere["Properties"]["State"], "{name}");
        let of = |rule: &serde_yaml_ng::Value| strings(&rule["Properties"]["Name"]).concat();
        let elsewhere_named = of(elsewhere).replace("${Stack}", "${Own}").replace("${HomeRegion}", "${AWS::Region}");
        assert_eq!(of(&home), elsewhere_named, "{name}");
        assert_eq!(elsewhere["Condition"].as_str(), Some("IsElsewhere"), "at home it would tell itself for ever");
        let targets = elsewhere["Properties"]["Targets"].as_sequence().unwrap();
        assert_eq!(targets.len(), 1);
        assert!(strings(&targets[0]["Arn"]).concat().contains("${HomeRegion}:${AWS::AccountId}:event-bus/default"));
    }
    assert!(forwarders["Resources"]["Nothing"]["Condition"].is_null(), "a stack without resources cannot be made");
}

#[test]
fn everything_of_the_forwarders_is_left_out_with_their_regions() {
    let template = template();
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let expected = name.starts_with("Forward").then_some("HasForwardRegions");
        assert!(expected.is_none() || resource["Condition"].as_str() == expected, "{name}");
    }
    let regions = template["Parameters"]["ForwardRegions"]["Default"].as_str().unwrap().to_owned();
    let sign_in = facts::Partition::Aws.sign_in_regions();
    assert_eq!(regions.split(',').collect::<BTreeSet<_>>(), sign_in.iter().copied().collect());
}

#[test]
fn se_2_cloudformation_may_make_nothing_but_the_forwarders() {
    let policy = &resource("ForwardersExecutionRole")["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
    for statement in policy.as_sequence().unwrap() {
        let resource = strings(&statement["Resource"]).concat();
        match strings(&statement["Action"]).as_slice() {
            [read] if read == "s3:GetObject" => {
                let condition = &statement["Condition"]["StringNotEquals"]["aws:ResourceAccount"];
                assert_eq!(strings(condition), ["AWS::AccountId"], "nothing of this account can be read");
            }
            [pass] if pass == "iam:PassRole" => assert_eq!(resource, "ForwarderRole.Arn"),
            [stacks] if stacks == "cloudformation:*" => {
                assert!(resource.ends_with("stack/StackSet-${Own}-forwarders-*"), "{resource}");
            }
            read if statement["Sid"].as_str() == Some("FindStacks") => {
                assert_eq!(read.len(), 3);
                let is_read = |action: &String| {
                    ["Describe", "List"].iter().any(|verb| action.starts_with(&format!("cloudformation:{verb}")))
                };
                assert!(read.iter().all(is_read), "{read:?}");
            }
            queue if queue.iter().all(|action| action.starts_with("sqs:") && !action.contains('*')) => {
                assert!(resource.ends_with(":${Own}-${AWS::Region}-undelivered"), "{resource}");
            }
            rules => {
                assert!(rules.iter().all(|action| action.starts_with("events:") && !action.contains('*')));
                assert!(resource.ends_with("rule/${Own}-*"), "{resource}");
            }
        }
    }
    let assumes = strings(
        &resource("ForwardersAdministrationPolicy")["Properties"]["PolicyDocument"]["Statement"][0]["Resource"],
    );
    assert_eq!(assumes, ["ForwardersExecutionRole.Arn"]);
}

#[test]
fn the_path_without_our_code_tells_sign_ins_and_changes_and_only_when_asked() {
    let direct = resource("DirectRule");
    let mut expected = pattern(&resource("RootRule"));
    let branches = expected["$or"].as_array_mut().unwrap();
    branches.retain(|branch| branch["source"] != json!(["rootwatch.canary"]));
    branches.iter_mut().for_each(|branch| branch["detail"]["readOnly"] = json!([false]));
    assert_eq!(pattern(&direct), expected, "a look at the console is hundreds of read-only calls");
    for name in ["DirectRule", "DirectRole"] {
        assert_eq!(resource(name)["Condition"].as_str(), Some("HasDirectAlerts"));
    }
    let transformer = &direct["Properties"]["Targets"][0]["InputTransformer"];
    let text = strings(&transformer["InputTemplate"]).remove(0);
    for line in text.lines() {
        assert!(line.starts_with('"') && line.ends_with('"'), "EventBridge wants each line quoted: {line}");
    }
    let sign_in = event("root-console-login");
    for (name, path) in transformer["InputPathsMap"].as_mapping().unwrap() {
        let pointer = path.as_str().unwrap().trim_start_matches('$').replace('.', "/");
        assert!(sign_in.pointer(&pointer).is_some_and(Value::is_string), "{path:?} is not in the event");
        assert!(text.contains(&format!("<{}>", name.as_str().unwrap())), "{name:?} is not used");
    }
}

#[test]
fn the_queue_waits_longer_than_a_run_and_gives_up_into_the_dead_letter_queue() {
    let (queue, function) = (resource("EventsQueue"), resource("RootActivity"));
    let mapping = &function["Properties"]["Events"]["Queue"]["Properties"];
    let number = |value: &serde_yaml_ng::Value| value.as_i64().unwrap();
    let window = number(&mapping["MaximumBatchingWindowInSeconds"]);
    assert_eq!(window, 20);
    let timeout = number(&function["Properties"]["Timeout"]);
    assert!(number(&queue["Properties"]["VisibilityTimeout"]) >= 6 * timeout + window, "as Lambda asks");
    assert_eq!(strings(&mapping["FunctionResponseTypes"]), ["ReportBatchItemFailures"]);
    assert_eq!(strings(&queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]), ["DeadLetterQueue.Arn"]);
    for rule in ["RootRule", "TamperingRule", "DirectRule"] {
        let target = &resource(rule)["Properties"]["Targets"][0];
        assert_eq!(strings(&target["DeadLetterConfig"]["Arn"]), ["DeadLetterQueue.Arn"], "{rule}");
    }
}

#[test]
fn only_the_rules_of_this_stack_may_fill_its_queues() {
    let statements = resource("QueuePolicy")["Properties"]["PolicyDocument"]["Statement"].clone();
    for statement in statements.as_sequence().unwrap() {
        assert_eq!(strings(&statement["Action"]), ["sqs:SendMessage"]);
        let rules: Vec<String> = strings(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]);
        let rules: Vec<&String> = rules.iter().filter(|rule| rule.ends_with(".Arn")).collect();
        assert_eq!(rules, ["RootRule.Arn", "TamperingRule.Arn", "DirectRule.Arn", "OrganizationRule.Arn"]);
    }
    let statements = resource("OrganizationQueuePolicy")["Properties"]["PolicyDocument"]["Statement"].clone();
    let [statement] = statements.as_sequence().unwrap().as_slice() else { panic!("one statement") };
    assert_eq!(strings(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]), ["OrganizationRule.Arn"]);
    let queue = resource("OrganizationQueue");
    for name in ["VisibilityTimeout", "RedrivePolicy", "MessageRetentionPeriod"] {
        assert_eq!(queue["Properties"][name], resource("EventsQueue")["Properties"][name], "{name}");
    }
}

/// What a member forwards of root: all that the classifier takes for root's, but for what a session of central root access only reads.
#[test]
fn a_member_forwards_all_that_root_does_but_for_what_the_audit_reads() {
    let root = of_members("RootRule");
    let account = facts::Account {
        id: facts::AccountId::parse("222233334444").unwrap(),
        alias: None,
        partition: facts::Partition::Aws,
    };
    let sessions =
        [json!({}), json!({"sessionContext": {"attributes": {}}}), json!({"sessionContext": {"assumedRoot": "true"}})];
    let mut left_out = Vec::new();
    for kind in ["Root", "IAMUser", "AssumedRole"] {
        for (number, session) in sessions.iter().enumerate() {
            for read_only in [json!(true), json!(false), json!(null)] {
                let mut identity = json!({"type": kind, "accountId": "222233334444"});
                identity.as_object_mut().unwrap().extend(session.as_object().unwrap().clone());
                let detail = json!({"eventID": "1", "eventName": "GetAccountSummary", "eventSource": "iam.amazonaws.com",
                    "eventType": "AwsApiCall", "awsRegion": "us-east-1", "userIdentity": identity, "readOnly": read_only});
                let record = facts::record::TrailEvent::from_record(&detail).unwrap();
                let act = facts::RootActivity::classify(&record, &account, None);
                let event =
                    json!({"source": "aws.iam", "detail-type": "AWS API Call via CloudTrail", "detail": detail});
                if matches(&root, &event) != act.is_some() {
                    assert!(!act.is_some_and(|act| act.is_told()), "{event}");
                    left_out.push((kind, number, read_only));
                }
            }
        }
    }
    assert_eq!(left_out, [("Root", 2, json!(true))]);
    let rule = &body_of("MemberRules")["Resources"]["RootRule"]["Properties"];
    assert_eq!(rule["State"], resource("RootRule")["Properties"]["State"], "a stolen root key reads first");
    for name in ["root-console-login", "root-access-key-created"] {
        assert!(matches(&root, &event(name)), "{name}");
        let mut forged = event(name);
        forged["source"] = json!("my.iam");
        assert!(!matches(&root, &forged), "{name}: anybody may put it");
    }
    assert!(root.to_string().len() <= 2_048, "EventBridge takes no longer pattern");
}

#[test]
fn a_member_forwards_changes_to_its_trails_and_to_its_forwarding_and_no_deployment_of_others() {
    let tampering = of_members("TamperingRule");
    let account = facts::Account {
        id: facts::AccountId::parse("222233334444").unwrap(),
        alias: None,
        partition: facts::Partition::Aws,
    };
    let call = |source: &str, name: &str, parameters: &Value, by: Value| {
        let detail = json!({"eventID": "1", "eventName": name, "eventSource": format!("{source}.amazonaws.com"), "awsRegion": "us-east-1",
            "requestParameters": parameters, "userIdentity": by, "recipientAccountId": "222233334444"});
        let event =
            json!({"source": format!("aws.{source}"), "detail-type": "AWS API Call via CloudTrail", "detail": detail});
        let record = facts::record::TrailEvent::from_record(&detail).unwrap();
        let is_told = facts::Tampering::classify(&record, &account, Some("rootwatch")).is_some();
        (matches(&tampering, &event), is_told)
    };
    let mallory = || json!({"type": "AssumedRole", "arn": "arn:aws:sts::222233334444:assumed-role/Ops/mallory"});
    let by_cloudformation = || json!({"type": "AssumedRole", "invokedBy": "cloudformation.amazonaws.com"});
    let stack = "arn:aws:cloudformation:us-east-1:222233334444:stack/StackSet-rootwatch-member-rules-0000/1";
    let own = [
        ("events", "DisableRule", json!({"name": "rootwatch-eu-west-1-org-root"})),
        ("events", "PutRule", json!({"name": "rootwatch-eu-west-1-org-trail"})),
        ("events", "RemoveTargets", json!({"rule": "rootwatch-eu-west-1-org-root", "ids": ["organization"]})),
        ("iam", "DeleteRolePolicy", json!({"roleName": "StackSet-rootwatch-member-rules-0000-ForwarderRole-1ABC"})),
        ("cloudformation", "DeleteStack", json!({"stackName": stack})),
        ("cloudformation", "DeleteStack", json!({"stackName": "StackSet-rootwatch-member-rules-0000"})),
    ];
    for (source, name, parameters) in &own {
        assert_eq!(call(source, name, parameters, mallory()), (true, true), "{source} {name}");
        assert!(
            !call(source, name, parameters, by_cloudformation()).0,
            "{source} {name}: each account has a deployment"
        );
    }
    let trail = json!({"name": "audit"});
    for (source, name) in facts::tampering::calls().filter(|(source, _)| *source == "cloudtrail.amazonaws.com") {
        let source = source.trim_end_matches(".amazonaws.com");
        assert_eq!(call(source, name, &trail, mallory()), (true, true), "{name}");
        assert_eq!(call(source, name, &trail, by_cloudformation()), (true, true), "{name}");
    }
    for (source, name, parameters) in [
        ("events", "DisableRule", json!({"name": "billing-hourly"})),
        ("iam", "DeleteRolePolicy", json!({"roleName": "orders"})),
        ("cloudformation", "DeleteStack", json!({"stackName": "orders"})),
        ("kms", "PutKeyPolicy", json!({"keyId": "1"})),
    ] {
        assert!(!call(source, name, &parameters, mallory()).0, "{source} {name}");
    }
    assert!(tampering.to_string().len() <= 2_048, "EventBridge takes no longer pattern");
}
