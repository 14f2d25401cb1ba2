//! What is there for Slack and for Amazon Q.

use super::*;

#[test]
fn whose_messages_are_passed_on_is_known_to_those_who_tell() {
    let template = template();
    for function in ["Checker", "RootActivity"] {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let [slack, both, chat] =
            ["HasSlackWebhook", "HasChat ${SlackNotifier},${ChatNotifier} SlackNotifier", "HasChat ChatNotifier "];
        let choices = strings(&variables["ROOTWATCH_NOTIFIERS"]).join(" ");
        assert_eq!(choices, [slack, both, chat].join(" "), "{function}");
    }
}

#[test]
fn nothing_for_a_chat_is_there_without_its_parameter_and_the_mail_does_not_depend_on_it() {
    let template = template();
    let mut found = BTreeMap::from([("HasSlackWebhook", 0), ("HasChat", 0), ("HasOrganization", 0)]);
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let condition = if name.starts_with("Slack") {
            "HasSlackWebhook"
        } else if name.starts_with("Chat") {
            "HasChat"
        } else if name.starts_with("Route") {
            // Routes reach Slack without the main webhook: they only say its name to people.
            let mut properties = resource["Properties"].clone();
            let mapping = properties.as_mapping_mut().unwrap();
            let said = ["Description", "AlarmDescription"].map(|said| mapping.remove(said));
            let text = serde_yaml_ng::to_string(&properties).unwrap();
            assert!(!text.contains("Slack") && !text.contains("Chat"), "{name} hangs on a chat: {text}");
            assert!(said.iter().flatten().count() <= 1);
            "HasOrganization"
        } else {
            // The dashboard lists their alarms, and those that send know the functions, each by its condition.
            let mut resource = resource.clone();
            if let Some(variables) = resource["Properties"]["Environment"]["Variables"].as_mapping_mut() {
                variables.remove("ROOTWATCH_NOTIFIERS");
            }
            let text = if name == "Dashboard" { "".into() } else { serde_yaml_ng::to_string(&resource).unwrap() };
            assert!(!text.contains("Slack") && !text.contains("Chat"), "{name} hangs on a chat");
            continue;
        };
        assert_eq!(resource["Condition"].as_str(), Some(condition), "{name}");
        *found.get_mut(condition).unwrap() += 1;
    }
    assert_eq!(found, BTreeMap::from([("HasSlackWebhook", 6), ("HasChat", 9), ("HasOrganization", 5)]));
    let condition = |name: &str| serde_yaml_ng::to_string(&template["Conditions"][name]).unwrap();
    assert!(condition("HasSlackWebhook").contains("SlackWebhookParameter"));
    assert!(condition("HasChat").contains("ChatWorkspaceId") && condition("HasChat").contains("ChatChannelId"));
}

#[test]
fn a_message_that_slack_does_not_take_is_tried_again_for_six_hours_and_then_a_dead_letter() {
    let template = template();
    for (function, queue) in [("SlackNotifier", "SlackRetryQueue"), ("RouteNotifier", "RouteRetryQueue")] {
        let function = &template["Resources"][function]["Properties"];
        let retries = &function["EventInvokeConfig"];
        assert_eq!(
            (retries["MaximumRetryAttempts"].as_i64(), retries["MaximumEventAgeInSeconds"].as_i64()),
            (Some(2), Some(21_600))
        );
        let arn = format!("{queue}.Arn");
        assert_eq!(strings(&retries["DestinationConfig"]["OnFailure"]["Destination"]), [arn.as_str()]);
        let late = &function["Events"]["Late"]["Properties"];
        assert_eq!((strings(&late["Queue"]), late["BatchSize"].as_i64()), (vec![arn], Some(1)));
        let queue = &template["Resources"][queue]["Properties"];
        let visibility = queue["VisibilityTimeout"].as_i64().unwrap();
        assert!(visibility >= 6 * function["Timeout"].as_i64().unwrap());
        assert_eq!(visibility * queue["RedrivePolicy"]["maxReceiveCount"].as_i64().unwrap(), 21_600);
        assert_eq!(strings(&queue["RedrivePolicy"]["deadLetterTargetArn"]), ["DeadLetterQueue.Arn"]);
    }
    for (subscription, permission, function) in [
        ("SlackSubscription", "SlackPermission", "SlackNotifier"),
        ("ChatSubscription", "ChatPermission", "ChatNotifier"),
    ] {
        let subscription = &template["Resources"][subscription]["Properties"];
        assert_eq!(subscription["Protocol"].as_str(), Some("lambda"));
        assert_eq!(
            (strings(&subscription["TopicArn"]), strings(&subscription["Endpoint"])),
            (vec!["Topic".into()], vec![format!("{function}.Arn")])
        );
        let permission = &template["Resources"][permission]["Properties"];
        assert_eq!(
            (permission["Principal"].as_str(), strings(&permission["SourceArn"])),
            (Some("sns.amazonaws.com"), vec!["Topic".into()])
        );
    }
}

#[test]
fn the_topics_of_the_stacks_routes_alone_may_invoke_the_function_for_routes_and_its_owner_subscribes_it() {
    let template = template();
    let permission = &template["Resources"]["RoutePermission"]["Properties"];
    let text = |name: &str| strings(&permission[name]).concat();
    assert_eq!([text("Principal"), text("FunctionName")], ["sns.amazonaws.com", "RouteNotifier"]);
    assert_eq!(
        text("SourceArn"),
        "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-route-*"
    );
    assert_eq!(text("SourceAccount"), "AWS::AccountId");
    let output = &template["Outputs"]["RouteNotifierArn"];
    assert_eq!(
        (output["Condition"].as_str(), strings(&output["Value"])),
        (Some("HasOrganization"), vec!["RouteNotifier.Arn".into()])
    );
    // What the template gives and what the code accepts are the same names.
    let prefix =
        &template["Resources"]["RouteNotifier"]["Properties"]["Environment"]["Variables"]["ROOTWATCH_ROUTE_WEBHOOKS"];
    let filled = |text: &str| text.replace("${AWS::StackName}", "rootwatch").replace("${AWS::", "").replace('}', "");
    let routes = slack_notifier::Routes::parse(&filled(&strings(prefix).concat())).unwrap();
    let route = routes.of(Some(&filled(&text("SourceArn").replace('*', "payments")))).unwrap();
    let read = strings(&policies_of("RouteRole")[0].1["PolicyDocument"]["Statement"][0]["Resource"]).concat();
    assert!(
        filled(&read.replace('*', "payments")).ends_with(&format!(":parameter{}", route.parameter)),
        "{read} {route:?}"
    );
}

#[test]
fn the_environment_of_a_function_for_chats_is_what_it_reads() {
    let template = template();
    let value = [
        ("ROOTWATCH_WEBHOOK_PARAMETER", "/rootwatch/slack-webhook"),
        ("ROOTWATCH_CHAT_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:chat"),
        ("ROOTWATCH_ROUTE_WEBHOOKS", "/rootwatch/routes/"),
    ];
    for (function, (variable, value)) in ["SlackNotifier", "ChatNotifier", "RouteNotifier"].into_iter().zip(value) {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let names: Vec<&str> = variables.as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
        // Nothing asks whether messages of routes arrive.
        let table = (function != "RouteNotifier").then_some("ROOTWATCH_TABLE");
        assert_eq!(names, [variable].into_iter().chain(table).collect::<Vec<_>>(), "no test host, and nothing else");
        let variables = [("AWS_REGION", "eu-west-1"), (variable, value)];
        let settings =
            slack_notifier::Settings::read(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(settings.unwrap().1, []);
    }
    assert!(file("docs/integrations.md").contains("--name /rootwatch/slack-webhook"));
}
