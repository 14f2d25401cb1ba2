//! The organization's part of the stack: who may enter a member account and how, and what the state machine and its functions say to each
//! other.

use super::*;

type Json = serde_json::Value;

/// The definition of the state machine, with what it names in the place of what CloudFormation makes of it.
fn definition() -> Json {
    fn plain(value: &Value) -> Json {
        match value {
            Value::Tagged(tagged) => Json::String(strings(&tagged.value).concat()),
            Value::Sequence(values) => values.iter().map(plain).collect(),
            Value::Mapping(values) => {
                values.iter().map(|(name, value)| (name.as_str().unwrap().to_owned(), plain(value))).collect()
            }
            other => serde_json::to_value(other).unwrap(),
        }
    }
    plain(&template()["Resources"]["OrganizationMachine"]["Properties"]["Definition"])
}

fn keys(value: &Json) -> BTreeSet<String> {
    value.as_object().unwrap().keys().map(|name| name.trim_end_matches(".$").to_owned()).collect()
}

#[test]
fn se_2_members_are_entered_by_the_task_policy_that_only_reads_and_by_nothing_else() {
    let task = format!("arn:${{AWS::Partition}}:iam::aws:policy/{}", aws::organization::root_audit::TASK_POLICY);
    let expected = format!(
        "{{Sid: AuditRootCredentials, Effect: Allow, Action: sts:AssumeRoot, Resource: !Sub \"arn:${{AWS::Partition}}:iam::*:root\",
          Condition: {{StringEquals: {{sts:TaskPolicyArn: !Sub \"{task}\"}}}}}}"
    );
    let expected: Value = serde_yaml_ng::from_str(&expected).unwrap();
    assert_eq!(policy_of("MemberAuditorRole", "audit-members"), [expected]);
    assert!(task.ends_with(":iam::aws:policy/root-task/IAMAuditRootUserCredentials"), "{task}");
    let template = template();
    let roles = template["Resources"].as_mapping().unwrap().iter();
    for (role, _) in roles.filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::IAM::Role")) {
        let role = role.as_str().unwrap();
        assert!(template["Resources"][role]["Properties"]["ManagedPolicyArns"].is_null(), "{role}");
        if template["Resources"][role]["Properties"]["Policies"].is_null() {
            continue;
        }
        for statement in policies_of(role).iter().flat_map(|(_, policy)| statements(policy)) {
            let actions = strings(&statement["Action"]);
            let enters = actions.iter().any(|action| action.starts_with("sts:") || action == "*");
            let may_enter = ["AuditRootCredentials", "AssumeTheMemberRole"]
                .contains(&statement["Sid"].as_str().unwrap_or_default());
            assert_eq!(enters, may_enter && role == "MemberAuditorRole", "{role}: {actions:?}");
            assert!(statement["NotAction"].is_null(), "{role} may do whatever is not named");
        }
    }
}

/// The resources of the stack that the stack set makes in each member.
fn member_role() -> Value {
    let template = template();
    let body = template["Resources"]["MemberRoles"]["Properties"]["TemplateBody"].as_str().unwrap();
    let body: Value = serde_yaml_ng::from_str(body).unwrap();
    let resources = body["Resources"].as_mapping().unwrap();
    assert_eq!(resources.len(), 1, "a role, and nothing else");
    resources["MemberRole"]["Properties"].clone()
}

#[test]
fn se_2_the_member_role_has_the_checkers_own_statements_but_for_bills() {
    let in_member = set(&aws::organization::member_role::in_member());
    let checked = ["read-the-account", "read-the-baseline"].map(|policy| policy_of("CheckerRole", policy)).concat();
    let of_members = checked.into_iter().map(|mut statement| {
        if let Some(actions) = statement["Action"].as_sequence_mut() {
            actions.retain(|action| in_member.contains(action.as_str().unwrap()));
        }
        statement
    });
    let role = member_role();
    let policies = role["Policies"].as_sequence().unwrap();
    let statements: Vec<Value> = policies.iter().flat_map(statements).collect();
    assert_eq!(statements, of_members.collect::<Vec<_>>());
    let granted: BTreeSet<String> = statements.iter().flat_map(|statement| strings(&statement["Action"])).collect();
    assert_eq!(granted, in_member, "what is called in a member is what its role allows");
    let reads = |action: &String| {
        let verb = action.split(':').nth(1).unwrap();
        ["Get", "List", "Describe", "Lookup"].iter().any(|read| verb.starts_with(read))
    };
    let others: Vec<&String> = granted.iter().filter(|action| !reads(action)).collect();
    assert_eq!(others, ["iam:GenerateCredentialReport"]);
    assert!(role["ManagedPolicyArns"].is_null());
}

#[test]
fn se_2_the_member_role_trusts_the_auditor_alone_and_the_auditor_assumes_no_other() {
    let role = member_role();
    let trust: Value = serde_yaml_ng::from_str(
        "[{Effect: Allow, Principal: {AWS: !Ref AuditorRoleArn}, Action: sts:AssumeRole,
           Condition: {StringEquals: {sts:ExternalId: !Ref ExternalId}}}]",
    )
    .unwrap();
    assert_eq!(role["AssumeRolePolicyDocument"]["Statement"], trust);
    let template = template();
    let set = &template["Resources"]["MemberRoles"]["Properties"];
    let given: BTreeMap<&str, String> = set["Parameters"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|given| (given["ParameterKey"].as_str().unwrap(), strings(&given["ParameterValue"]).concat()))
        .collect();
    let name = "${Own}-${AWS::Region}-member";
    let expected = [("AuditorRoleArn", "MemberAuditorRole.Arn"), ("ExternalId", "OrganizationId"), ("RoleName", name)];
    assert_eq!(given, expected.map(|(key, value)| (key, value.to_owned())).into());
    assert_eq!(strings(&role["RoleName"]), ["RoleName"]);
    let policies = policies_of("MemberAuditorRole");
    let [assume] = policies
        .iter()
        .filter(|(condition, _)| condition.as_deref() == Some("UsesMemberRole"))
        .map(|(_, policy)| policy)
        .collect::<Vec<_>>()[..]
    else {
        panic!("one policy for the member role")
    };
    let [statement] = &statements(assume)[..] else { panic!("one statement") };
    assert_eq!(strings(&statement["Action"]), aws::organization::member_role::ACTIONS);
    assert_eq!(strings(&statement["Resource"]), ["arn:${AWS::Partition}:iam::*:role/${Role}"]);
    assert_eq!(strings(&statement["Condition"]["StringEquals"]["aws:ResourceOrgID"]), ["OrganizationId"]);
    let resource = match &statement["Resource"] {
        Value::Tagged(sub) => strings(&sub.value[1]["Role"]),
        other => panic!("{other:?}"),
    };
    assert_eq!(resource, ["HasOwnMemberRole", name, aws::organization::member_role::ORGANIZATION_ROLE]);
}

#[test]
fn the_stack_set_of_the_member_role_reaches_new_accounts_and_one_that_refuses_stops_no_other() {
    let template = template();
    let set = &template["Resources"]["MemberRoles"]["Properties"];
    assert_eq!(set["PermissionModel"].as_str(), Some("SERVICE_MANAGED"));
    assert_eq!(set["AutoDeployment"]["Enabled"].as_bool(), Some(true));
    assert_eq!(set["AutoDeployment"]["RetainStacksOnAccountRemoval"].as_bool(), Some(false), "no role stays behind");
    assert_eq!(set["ManagedExecution"]["Active"].as_bool(), Some(true));
    let preferences = &set["OperationPreferences"];
    assert_eq!(preferences["ConcurrencyMode"].as_str(), Some("SOFT_FAILURE_TOLERANCE"));
    assert_eq!(preferences["FailureTolerancePercentage"].as_i64(), Some(100));
    let group = &set["StackInstancesGroup"][0];
    assert_eq!(strings(&group["DeploymentTargets"]["OrganizationalUnitIds"]), ["OrganizationTargets"]);
    assert_eq!(strings(&group["Regions"]), ["AWS::Region"], "a role is of the whole account");
}

/// The task policy's text is AWS's, version 1 of November 2024.
#[test]
fn se_2_what_is_called_inside_a_member_is_what_the_task_policy_leaves() {
    let policy: Json = serde_json::from_str(&file("tests/template/IAMAuditRootUserCredentials.json")).unwrap();
    let left = policy["Statement"][0]["NotAction"].as_array().unwrap();
    let left: BTreeSet<String> = left.iter().map(|action| action.as_str().unwrap().to_owned()).collect();
    assert_eq!(set(aws::organization::root_audit::IN_SESSION), left);
    assert!(left.iter().all(|action| action.starts_with("iam:Get") || action.starts_with("iam:List")), "{left:?}");
    // Of root itself, except for the summary, which has no resource.
    let of_root = policy["Statement"][1]["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap());
    let beyond: Vec<&str> =
        left.iter().map(String::as_str).filter(|action| !of_root.clone().any(|it| it == *action)).collect();
    assert_eq!(beyond, ["iam:GetAccountSummary"]);
}

#[test]
fn se_2_the_auditor_publishes_reads_and_deletes_nothing_of_the_stack_and_writes_rows_alone() {
    let policies = policies_of("MemberAuditorRole");
    let granted: BTreeSet<String> = policies
        .iter()
        .filter(|(_, policy)| policy["PolicyName"].as_str() != Some("run"))
        .flat_map(|(_, policy)| statements(policy))
        .flat_map(|statement| strings(&statement["Action"]))
        .collect();
    let table: Vec<&str> = aws::sending_actions()
        .into_iter()
        .filter(|action| action.starts_with("dynamodb:") && *action != "dynamodb:DeleteItem")
        .collect();
    let enters = [aws::organization::root_audit::ACTIONS, aws::organization::member_role::ACTIONS].concat();
    let calls = [enters.as_slice(), aws::organization::runs::ROWS_ACTIONS, &table].concat();
    assert_eq!(granted, set(&calls));
    let rows = &policy_of("MemberAuditorRole", "keep-rows")[0];
    assert_eq!(strings(&rows["Resource"]), [format!("${{ReportBucket.Arn}}/{}", aws::organization::runs::ROWS)]);
    assert_eq!(strings(&policy_of("MemberAuditorRole", "remember")[0]["Resource"]), ["Ledger.Arn"]);
    let run = policy_of("MemberAuditorRole", "run");
    assert_eq!((run.len(), strings(&run[0]["Resource"])), (1, vec!["LogGroup.Arn".to_owned()]));
}

#[test]
fn se_2_the_organizations_function_keeps_runs_in_its_own_folder_of_the_bucket() {
    let [keep, find] = policy_of("OrganizationRole", "keep-runs").try_into().expect("two statements");
    assert_eq!(strings(&keep["Resource"]), ["${ReportBucket.Arn}/organization/*"]);
    assert_eq!(strings(&find["Resource"]), ["ReportBucket.Arn"]);
    let run = "r-1";
    for key in [
        aws::organization::runs::accounts_key(run),
        aws::organization::runs::batches_key(run),
        aws::organization::runs::rows_key(run, 7),
        aws::organization::runs::concluded_key(run),
        aws::organization::runs::LATEST.to_owned(),
        aws::organization::runs::PAGE.to_owned(),
        aws::organization::runs::TABLE.to_owned(),
    ] {
        assert!(key.starts_with("organization/"), "{key}");
    }
    let batches = policy_of("OrganizationMachineRole", "run-the-organization");
    let batches = batches.iter().find(|statement| strings(&statement["Action"]) == ["s3:GetObject"]).unwrap();
    assert_eq!(strings(&batches["Resource"]), ["${ReportBucket.Arn}/organization/runs/*"]);
    assert!(aws::organization::runs::batches_key(run).starts_with("organization/runs/"));
}

#[test]
fn the_machine_passes_on_what_the_functions_say_and_read() {
    let definition = definition();
    let states = &definition["States"];
    let list = &states["ListAccounts"];
    assert_eq!(list["Parameters"]["FunctionName"], "Organization.Arn");
    // Every field of the answer goes on, and what is not in the answer would end the run.
    let answer = serde_json::to_value(organization::Listed::default()).unwrap();
    assert_eq!(keys(&list["ResultSelector"]), keys(&answer));
    for (name, path) in list["ResultSelector"].as_object().unwrap() {
        assert_eq!(path.as_str(), Some(format!("$.Payload.{}", name.trim_end_matches(".$")).as_str()));
    }
    assert_eq!(list["ResultPath"], "$.list");
    let filled = |payload: &Json, state: &Json| {
        let value = |name: &String, path: &Json| match path.as_str().unwrap() {
            _ if !name.ends_with(".$") => path.clone(),
            "$$.Execution.Name" => "0e8d7f1c-2b0a-4c53-9a53-6d6d1f1f8f57".into(),
            "$$.Execution.StartTime" => "2026-11-20T10:00:00.123Z".into(),
            "$" => state.clone(),
            other => panic!("{other} is not known here"),
        };
        let fields = payload.as_object().unwrap().iter();
        fields.map(|(name, path)| (name.trim_end_matches(".$").to_owned(), value(name, path))).collect::<Json>()
    };
    for (input, all) in [(serde_json::json!({}), false), (serde_json::json!({"deep": "all"}), true)] {
        let task = organization::Request::parse(filled(&list["Parameters"]["Payload"], &input)).unwrap();
        let organization::Request::List(task) = task else { panic!("{task:?}") };
        assert_eq!(task.input.is_some_and(|input| input.deep.is_some()), all, "what the execution is started with");
    }
    // What the last task gets: after a fault of the organization, after a failed map, and after a map with a lost batch.
    let conclude = &states["Conclude"]["Parameters"];
    assert_eq!(conclude["FunctionName"], "Organization.Arn");
    let lost = &states["Members"]["ItemProcessor"]["States"]["Lost"]["Parameters"];
    assert_eq!(keys(lost), set(&["batch", "error"]));
    for (added, value) in [
        ("none", Json::Null),
        ("members", serde_json::json!([{"batch": 0}, {"batch": 1, "error": "States.Timeout"}])),
        ("failure", serde_json::json!({"Error": "States.ItemReaderFailed", "Cause": "no such key"})),
    ] {
        let mut state = serde_json::json!({"list": answer});
        state[added] = value;
        let task = organization::Request::parse(filled(&conclude["Payload"], &state)).unwrap();
        let organization::Request::Conclude(conclude) = task else { panic!("{task:?}") };
        assert_eq!(conclude.state.members.len(), if added == "members" { 2 } else { 0 });
        assert_eq!(conclude.state.failure.is_some(), added == "failure");
    }
    assert_eq!(
        [&states["Members"]["ResultPath"], &states["Members"]["Catch"][0]["ResultPath"]],
        ["$.members", "$.failure"]
    );
    let audit = &states["Members"]["ItemProcessor"]["States"]["Audit"];
    assert_eq!(audit["Parameters"], serde_json::json!({"FunctionName": "MemberAuditor.Arn", "Payload.$": "$"}));
    let answer = serde_json::to_value(member_auditor::Answer { batch: 7 }).unwrap();
    assert_eq!((audit["OutputPath"].as_str(), answer), (Some("$.Payload"), serde_json::json!({"batch": 7})));
}

#[test]
fn a_run_that_meets_another_ends_and_one_without_accounts_or_with_a_fault_is_concluded_at_once() {
    let definition = definition();
    let listed = &definition["States"]["Listed"];
    assert_eq!(definition["States"]["ListAccounts"]["Next"], "Listed");
    let choices = serde_json::json!([
        {"Variable": "$.list.busy", "BooleanEquals": true, "Next": "Skipped"},
        {"Variable": "$.list.fault", "IsString": true, "Next": "Conclude"},
        {"Variable": "$.list.batches", "NumericEquals": 0, "Next": "Conclude"},
    ]);
    assert_eq!((&listed["Choices"], listed["Default"].as_str()), (&choices, Some("Members")));
    assert_eq!(definition["States"]["Skipped"]["Type"], "Succeed");
}

#[test]
fn no_lost_batch_ends_a_run_and_no_time_limit_is_longer_than_that_of_what_holds_it() {
    let (template, definition) = (template(), definition());
    let members = &definition["States"]["Members"];
    assert_eq!(members["ToleratedFailurePercentage"], 100);
    assert!(members["Retry"].is_null(), "it would begin every batch again");
    assert_eq!(members["MaxConcurrencyPath"], "$.list.concurrency");
    assert_eq!(members["ItemReader"]["ReaderConfig"]["InputType"], "JSONL", "as the batches are written");
    let audit = &members["ItemProcessor"]["States"]["Audit"];
    assert_eq!(audit["Catch"][0]["ErrorEquals"], serde_json::json!(["States.ALL"]));
    for (state, function) in [
        (&definition["States"]["ListAccounts"], "Organization"),
        (&definition["States"]["Conclude"], "Organization"),
        (audit, "MemberAuditor"),
    ] {
        let limit = property(&template, function, "Timeout").as_u64();
        assert_eq!(state["TimeoutSeconds"].as_u64(), limit, "{function}");
    }
    let of_lambda =
        |errors: &Json| errors.as_array().unwrap().iter().all(|it| it.as_str().unwrap().starts_with("Lambda."));
    for state in [&definition["States"]["ListAccounts"], audit] {
        let retries = state["Retry"].as_array().unwrap();
        assert!(retries.iter().all(|retry| of_lambda(&retry["ErrorEquals"])), "the functions retry by themselves");
    }
    let whole = jiff::SignedDuration::from_secs(definition["TimeoutSeconds"].as_i64().unwrap());
    assert!(whole < organization::RUN, "the lease of a run outlasts it");
    let every = strings(&template["Parameters"]["OrganizationSchedule"]["AllowedValues"]);
    assert_eq!(every, ["rate(15 minutes)", "rate(1 hour)", "rate(6 hours)", "rate(1 day)"]);
    let schedule = &template["Resources"]["OrganizationMachine"]["Properties"]["Events"]["Schedule"]["Properties"];
    assert_eq!(strings(&schedule["DeadLetterConfig"]["Arn"]), ["DeadLetterQueue.Arn"]);
}

#[test]
fn every_parameter_of_the_organization_is_read_and_limited_by_its_functions() {
    let template = template();
    let pattern = template["Parameters"]["OrganizationId"]["AllowedPattern"].as_str();
    assert_eq!(pattern, Some("^$|^o-[a-z0-9]{10,32}$"));
    let read = |id: &str, concurrency: &str| {
        let own = [
            ("ROOTWATCH_ORGANIZATION_ID", id),
            ("ROOTWATCH_AUDIT_CONCURRENCY", concurrency),
            ("ROOTWATCH_REPORT_BUCKET", "reports"),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        organization::Settings::read(minimal().into_iter().chain(own))
    };
    let longest = format!("o-{}", "a1".repeat(16));
    assert_eq!(template["Parameters"]["OrganizationId"]["MaxLength"].as_u64(), u64::try_from(longest.len()).ok());
    for id in ["o-exampleorgid", "o-a1b2c3d4e5", &longest] {
        assert_eq!(read(id, "8").unwrap().organization, id);
    }
    for id in ["", "o-short", "O-EXAMPLEORGID", "r-exampleorgid", &format!("{longest}a")] {
        assert!(read(id, "8").is_err(), "{id}");
    }
    let concurrency = &template["Parameters"]["AuditConcurrency"];
    let [least, most, default] = ["MinValue", "MaxValue", "Default"].map(|name| concurrency[name].as_u64().unwrap());
    for number in [least, most] {
        assert!(read("o-exampleorgid", &number.to_string()).unwrap().refused.is_empty(), "{number}");
    }
    for number in [least - 1, most + 1] {
        assert!(!read("o-exampleorgid", &number.to_string()).unwrap().refused.is_empty(), "{number}");
    }
    assert_eq!(read("o-exampleorgid", "").unwrap().concurrency, u16::try_from(default).unwrap());
}
