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
    let mut found = BTreeMap::from([("HasSlackWebhook", 0), ("HasChat", 0)]);
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let condition = if name.starts_with("Slack") {
            "HasSlackWebhook"
        } else if name.starts_with("Chat") {
            "HasChat"
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
    assert_eq!(found, BTreeMap::from([("HasSlackWebhook", 6), ("HasChat", 9)]));
    let condition = |name: &str| serde_yaml_ng::to_string(&template["Conditions"][name]).unwrap();
    assert!(condition("HasSlackWebhook").contains("SlackWebhookParameter"));
    assert!(condition("HasChat").contains("ChatWorkspaceId") && condition("HasChat").contains("ChatChannelId"));
}

#[test]
fn a_message_that_slack_does_not_take_is_tried_again_for_six_hours_and_then_a_dead_letter() {
    let template = template();
    let function = &template["Resources"]["SlackNotifier"]["Properties"];
    let retries = &function["EventInvokeConfig"];
    assert_eq!(
        (retries["MaximumRetryAttempts"].as_i64(), retries["MaximumEventAgeInSeconds"].as_i64()),
        (Some(2), Some(21_600))
    );
    assert_eq!(strings(&retries["DestinationConfig"]["OnFailure"]["Destination"]), ["SlackRetryQueue.Arn"]);
    let late = &function["Events"]["Late"]["Properties"];
    assert_eq!((strings(&late["Queue"]), late["BatchSize"].as_i64()), (vec!["SlackRetryQueue.Arn".into()], Some(1)));
    let queue = &template["Resources"]["SlackRetryQueue"]["Properties"];
    let visibility = queue["VisibilityTimeout"].as_i64().unwrap();
    assert!(visibility >= 6 * function["Timeout"].as_i64().unwrap());
    assert_eq!(visibility * queue["RedrivePolicy"]["maxReceiveCount"].as_i64().unwrap(), 21_600);
    assert_eq!(strings(&queue["RedrivePolicy"]["deadLetterTargetArn"]), ["DeadLetterQueue.Arn"]);
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
fn the_environment_of_a_function_for_chats_is_what_it_reads() {
    let template = template();
    let value = [
        ("ROOTWATCH_WEBHOOK_PARAMETER", "/rootwatch/slack-webhook"),
        ("ROOTWATCH_CHAT_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:chat"),
    ];
    for (function, (variable, value)) in ["SlackNotifier", "ChatNotifier"].into_iter().zip(value) {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let names: Vec<&str> = variables.as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
        assert_eq!(names, [variable, "ROOTWATCH_TABLE"], "no test host, and nothing else");
        let variables = [("AWS_REGION", "eu-west-1"), (variable, value)];
        let settings =
            slack_notifier::Settings::read(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(settings.unwrap().1, []);
    }
    assert!(file("docs/integrations.md").contains("--name /rootwatch/slack-webhook"));
}
