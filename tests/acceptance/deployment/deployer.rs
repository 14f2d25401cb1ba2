//! The policies that docs/permissions.md gives to a deployer: what the resource types of the template and the tools need, and no more.

use super::*;

type Json = serde_json::Value;

/// What CloudFormation and the tools call; tests/template/deployer.py compares it with CloudFormation's registry.
fn table() -> Json {
    serde_json::from_str(&file("tests/template/deployer.json")).unwrap()
}

/// Each policy of the section.
fn policies() -> Vec<Json> {
    let document = file("docs/permissions.md");
    let section = document.split("\n## Policy for deploying\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```json").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.map(|policy| serde_json::from_str(policy).expect("a policy is JSON")).collect()
}

fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) => vec![text.clone()],
        Json::Array(values) => values.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Every statement of every policy.
fn granted() -> Vec<Json> {
    policies().iter().flat_map(|policy| policy["Statement"].as_array().unwrap().clone()).collect()
}

/// The resource types that CloudFormation gets, by what SAM makes of the template.
fn types() -> BTreeSet<String> {
    let template = template();
    let mut types = BTreeSet::new();
    for resource in template["Resources"].as_mapping().unwrap().values() {
        let of_type = resource["Type"].as_str().unwrap();
        match of_type {
            "AWS::Serverless::Function" => types.insert("AWS::Lambda::Function".to_owned()),
            "AWS::Serverless::StateMachine" => types.insert("AWS::StepFunctions::StateMachine".to_owned()),
            other => {
                types.insert(other.to_owned());
                continue;
            }
        };
        if !resource["Properties"]["EventInvokeConfig"].is_null() {
            types.insert("AWS::Lambda::EventInvokeConfig".to_owned());
        }
        for event in resource["Properties"]["Events"].as_mapping().into_iter().flat_map(|events| events.values()) {
            types.insert(match event["Type"].as_str().unwrap() {
                "ScheduleV2" => "AWS::Scheduler::Schedule".to_owned(),
                "SQS" => "AWS::Lambda::EventSourceMapping".to_owned(),
                other => panic!("what SAM makes of an event of type {other} is not known here"),
            });
        }
    }
    types
}

#[test]
fn the_policies_for_deploying_grant_what_each_resource_type_and_tool_needs_and_nothing_else() {
    let table = table();
    let rows = table["types"].as_object().unwrap();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), types(), "a row for each resource type");
    let of_types = rows.values().flat_map(|row| texts(&row["needs"]));
    let of_tools = table["tools"].as_object().unwrap().values().flat_map(texts);
    let needed: BTreeSet<String> = of_types.chain(of_tools).collect();
    let granted: BTreeSet<String> = granted().iter().flat_map(|statement| texts(&statement["Action"])).collect();
    let lacks: Vec<_> = needed.difference(&granted).collect();
    let beyond: Vec<_> = granted.difference(&needed).collect();
    assert!(lacks.is_empty() && beyond.is_empty(), "the policies lack {lacks:?}, and nothing needs {beyond:?}");
}

#[test]
fn the_policies_for_deploying_reach_no_other_stack_and_no_other_role() {
    // By AWS's service authorization reference; these alone have no resources of their own.
    let anywhere = set(&[
        "chatbot:CreateSlackChannelConfiguration",
        "chatbot:DescribeSlackChannelConfigurations",
        "chatbot:ListTagsForResource",
        "chatbot:TagResource",
        "chatbot:UntagResource",
        "cloudformation:CreateStackSet",
        "cloudformation:GetTemplateSummary",
        "lambda:CreateEventSourceMapping",
        "logs:DescribeIndexPolicies",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "sns:GetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
        "sts:GetCallerIdentity",
    ]);
    // The artifacts of the SAM CLI, what no name narrows, and the linked role of the chat.
    let unnamed = [
        "aws-sam-cli-managed-default",
        ":transform/Serverless-2016-10-31",
        ":type/resource/*",
        ":event-source-mapping:*",
        ":role/aws-service-role/management.chatbot.amazonaws.com/*",
    ];
    for statement in granted() {
        assert_eq!(statement["Effect"], "Allow");
        let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
        for action in &actions {
            assert!(!action.contains('*'), "{action}");
            let is_anywhere = resources == ["*"];
            assert_eq!(is_anywhere, anywhere.contains(action), "{action} on {resources:?}");
            let service = action.split(':').next().unwrap();
            let is_of_it = |arn: &String| arn.starts_with(&format!("arn:aws:{service}:"));
            assert!(is_anywhere || resources.iter().all(is_of_it), "{action} on {resources:?}");
        }
        for arn in resources.iter().filter(|arn| *arn != "*") {
            assert!(arn.contains("rootwatch") || unnamed.iter().any(|part| arn.contains(part)), "{arn}");
        }
        let condition = statement["Condition"].to_string();
        for (action, key) in [
            ("iam:PassRole", "iam:PassedToService"),
            ("iam:CreateServiceLinkedRole", "iam:AWSServiceName"),
            ("lambda:CreateEventSourceMapping", "function:rootwatch-*"),
        ] {
            assert!(!actions.iter().any(|one| one == action) || condition.contains(key), "{action}: {condition}");
        }
    }
}

#[test]
fn each_policy_for_deploying_is_one_that_iam_takes() {
    let policies = policies();
    assert_eq!(policies.len(), 2);
    for policy in policies {
        // IAM counts no white space (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
        let length = policy.to_string().chars().filter(|char| !char.is_whitespace()).count();
        assert!(length <= 6_144, "{length} characters");
        assert_eq!(policy["Version"], "2012-10-17");
    }
}
