//! Each role may do what its function calls, and nothing else.

use super::*;

#[test]
fn se_2_each_role_may_do_exactly_what_its_function_calls() {
    let organization =
        [aws::organization::accounts::ACTIONS, aws::organization::runs::ACTIONS, &aws::sending_actions()].concat();
    for (role, calls) in ROLES.into_iter().zip([aws::actions(), aws::sending_actions(), organization]) {
        let mut granted = BTreeSet::new();
        for (_, policy) in policies_of(role) {
            if policy["PolicyName"].as_str() == Some("run") {
                continue;
            }
            for statement in statements(&policy) {
                assert_eq!(statement["Effect"].as_str(), Some("Allow"));
                granted.extend(strings(&statement["Action"]));
            }
        }
        assert_eq!(granted, set(&calls), "{role}");
        assert!(granted.iter().all(|action| !action.contains('*')));
    }
}

#[test]
fn se_2_beside_that_a_role_only_logs_handles_its_own_queue_and_hands_over_the_report() {
    let template = template();
    let queue: [&[&str]; 3] =
        [&["sqs:SendMessage"], &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], &[]];
    let hand_over: [&[&str]; 3] = [&["lambda:InvokeFunction"], &[], &[]];
    for ((role, queue), hand_over) in ROLES.into_iter().zip(queue).zip(hand_over) {
        assert!(template["Resources"][role]["Properties"]["ManagedPolicyArns"].is_null());
        let run = policy_of(role, "run");
        let granted: BTreeSet<String> = run.iter().flat_map(|statement| strings(&statement["Action"])).collect();
        let expected = [&["logs:CreateLogStream", "logs:PutLogEvents"], queue, hand_over].concat();
        assert_eq!(granted, set(&expected), "{role}");
        assert!(run.iter().all(|statement| statement["Resource"].as_str() != Some("*")));
    }
}

#[test]
fn se_2_the_function_looks_after_its_own_rules_and_schedule_and_no_others() {
    let statements = policy_of("CheckerRole", "look-after-itself");
    let granted =
        |statement: &Value| (strings(&statement["Action"]).concat(), strings(&statement["Resource"]).concat());
    let arn = |rest: &str| format!("arn:${{AWS::Partition}}:{rest}");
    assert_eq!(
        statements.iter().map(granted).collect::<Vec<_>>(),
        [
            (
                "scheduler:GetSchedule".to_owned(),
                arn("scheduler:${AWS::Region}:${AWS::AccountId}:schedule/default/${Own}-schedule")
            ),
            ("events:ListRules".to_owned(), "*".to_owned()),
            ("events:ListTargetsByRule".to_owned(), arn("events:*:${AWS::AccountId}:rule/${Own}-*")),
            ("events:PutEvents".to_owned(), arn("events:*:${AWS::AccountId}:event-bus/default")),
        ]
    );
}

#[test]
fn se_2_the_function_puts_its_canary_on_the_bus_and_no_event_of_another_source() {
    let statements = policy_of("CheckerRole", "look-after-itself");
    let put = statements.iter().find(|statement| strings(&statement["Action"]) == ["events:PutEvents"]).unwrap();
    let sources = &put["Condition"]["ForAllValues:StringEquals"]["events:source"];
    assert_eq!(strings(sources), [facts::watch::CANARY]);
    assert!(!facts::watch::CANARY.starts_with("aws."), "EventBridge would refuse it");
}

#[test]
fn se_2_the_checker_links_the_page_and_reads_no_other_report() {
    let link = policy_of("CheckerRole", "link-the-page");
    assert_eq!(granted("CheckerRole", "link-the-page"), set(aws::storage::report_link::ACTIONS));
    assert_eq!(strings(&link[0]["Resource"]), ["${ReportBucket.Arn}/latest.html"]);
    let hand_over = policy_of("CheckerRole", "run").pop().unwrap();
    assert_eq!(strings(&hand_over["Resource"]), ["Reporter.Arn"]);
}

#[test]
fn se_2_the_reporter_writes_its_bucket_and_reads_nothing_of_the_account() {
    let of = |condition: Option<&str>| -> BTreeSet<String> {
        let policies = policies_of("ReporterRole").into_iter();
        let policies = policies.filter(|(of, policy)| of.as_deref() == condition && policy["PolicyName"] != "run");
        let statements = policies.flat_map(|(_, policy)| statements(&policy));
        statements.flat_map(|statement| strings(&statement["Action"])).collect()
    };
    assert_eq!(of(None), set(aws::storage::report_bucket::ACTIONS));
    assert_eq!(of(Some("HasReportLock")), set(aws::storage::report_bucket::OBJECT_LOCK_ACTIONS));
    assert_eq!(of(Some("HasSecurityHub")), set(aws::delivery::security_hub::ACTIONS));
    let run = set(&["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"]);
    assert_eq!(granted("ReporterRole", "run"), run);
    assert_eq!(strings(&policy_of("ReporterRole", "run")[1]["Resource"]), ["ReportDeadLetterQueue.Arn"]);
    for policy in ["keep", "lock", "send-to-security-hub"] {
        for statement in policy_of("ReporterRole", policy) {
            let resource = strings(&statement["Resource"]).concat();
            assert!(resource.contains("ReportBucket.Arn") || resource.contains(":product/"), "{resource}");
        }
    }
}

#[test]
fn publishing_is_limited_to_the_stacks_own_topic() {
    for role in ROLES {
        let publish = policy_of(role, "publish");
        assert_eq!(publish.len(), 1);
        assert_eq!(strings(&publish[0]["Resource"]), ["Topic"], "{role}");
    }
}

#[test]
fn se_2_a_function_writes_the_stacks_own_table_and_deletes_only_outbox_and_lease() {
    for role in ROLES {
        let remember = policy_of(role, "remember");
        for statement in &remember {
            assert_eq!(strings(&statement["Resource"]), ["Ledger.Arn"]);
        }
        let (deleting, others): (Vec<_>, Vec<_>) = remember
            .iter()
            .partition(|statement| strings(&statement["Action"]).contains(&"dynamodb:DeleteItem".into()));
        assert_eq!((deleting.len(), others.len()), (1, 1));
        assert_eq!(strings(&deleting[0]["Action"]), ["dynamodb:DeleteItem"], "nothing else is limited with it");
        assert!(others[0]["Condition"].is_null(), "everything is remembered");
        let condition = deleting[0]["Condition"].as_mapping().unwrap();
        assert_eq!(condition.len(), 1);
        let keys = strings(&deleting[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
        assert_eq!(keys, ["O#*", "L#*"], "{role}");
    }
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
fn se_2_the_role_for_slack_reads_one_parameter_and_decrypts_nothing_else() {
    let policies = policy_of("SlackRole", "read-the-webhook");
    let [read, decrypt] = policies.as_slice() else { panic!("two statements") };
    assert_eq!(set(parameter::ACTIONS), strings(&read["Action"]).into_iter().collect());
    let arns = ["parameter${SlackWebhookParameter}", "parameter/${SlackWebhookParameter}"]
        .map(|end| format!("arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:{end}"));
    assert_eq!(strings(&read["Resource"]), arns);
    assert_eq!(strings(&decrypt["Action"]), ["kms:Decrypt"]);
    let condition = &decrypt["Condition"]["StringEquals"];
    assert_eq!(strings(&condition["kms:ViaService"]), ["ssm.${AWS::Region}.${AWS::URLSuffix}"]);
    assert_eq!(strings(&condition["kms:EncryptionContext:PARAMETER_ARN"]), arns);
    let queue = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"];
    let run = [&["logs:CreateLogStream", "logs:PutLogEvents"][..], &queue].concat();
    assert_eq!(granted("SlackRole", "run"), set(&run));
    assert_eq!(strings(&policy_of("SlackRole", "run")[1]["Resource"]), ["SlackRetryQueue.Arn"]);
}

#[test]
fn se_2_the_role_for_routes_reads_the_parameters_of_the_stacks_routes_and_decrypts_nothing_else() {
    let policies = policy_of("RouteRole", "read-the-webhooks");
    let [read, decrypt] = policies.as_slice() else { panic!("two statements") };
    assert_eq!(set(parameter::ACTIONS), strings(&read["Action"]).into_iter().collect());
    let arn = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/routes/*";
    assert_eq!(strings(&read["Resource"]), [arn]);
    assert_eq!(strings(&decrypt["Action"]), ["kms:Decrypt"]);
    let condition = &decrypt["Condition"];
    assert_eq!(condition.as_mapping().unwrap().len(), 2);
    let by = &condition["StringEquals"]["kms:ViaService"];
    assert_eq!(strings(by), ["ssm.${AWS::Region}.${AWS::URLSuffix}"]);
    assert_eq!(strings(&condition["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"]), [arn]);
    let template = template();
    let role = &template["Resources"]["RouteRole"]["Properties"];
    assert!(role["ManagedPolicyArns"].is_null() && policies_of("RouteRole").len() == 2, "nothing else, and no table");
    assert_eq!(granted("RouteRole", "run"), granted("SlackRole", "run"));
    assert_eq!(strings(&policy_of("RouteRole", "run")[1]["Resource"]), ["RouteRetryQueue.Arn"]);
}

#[test]
fn se_2_the_roles_for_amazon_q_publish_to_its_topic_and_the_channel_may_do_nothing() {
    assert_eq!(granted("ChatNotifierRole", "publish"), set(&["sns:Publish"]));
    assert_eq!(strings(&policy_of("ChatNotifierRole", "publish")[0]["Resource"]), ["ChatTopic"]);
    let run = set(&["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"]);
    assert_eq!(granted("ChatNotifierRole", "run"), run);
    let template = template();
    let channel = &template["Resources"]["ChatChannelRole"]["Properties"];
    assert!(channel["Policies"].is_null() && channel["ManagedPolicyArns"].is_null());
    let channel = &template["Resources"]["ChatChannel"]["Properties"];
    let guardrails = strings(&channel["GuardrailPolicies"]);
    assert_eq!(guardrails, ["arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess"], "unset is AdministratorAccess");
    assert_eq!(channel["LoggingLevel"].as_str(), Some("ERROR"));
    assert_eq!(
        (strings(&channel["SnsTopicArns"]), strings(&channel["IamRoleArn"])),
        (vec!["ChatTopic".into()], vec!["ChatChannelRole.Arn".into()])
    );
}

#[test]
fn se_2_who_passes_on_notes_what_arrives_and_writes_nothing_else_of_the_table() {
    for role in ["SlackRole", "ChatNotifierRole"] {
        assert_eq!(granted(role, "note"), set(&aws::passing_actions()), "{role}");
        let note = policy_of(role, "note");
        assert_eq!((note.len(), strings(&note[0]["Resource"])), (1, vec!["Ledger.Arn".to_owned()]));
        let keys = &note[0]["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"];
        assert_eq!(strings(keys), ["N#${AWS::AccountId}"]);
    }
}
