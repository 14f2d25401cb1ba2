//! What the stack makes: functions, report bucket, state table, queues.

use super::*;

#[test]
fn reports_outlive_the_stack_private_encrypted_versioned_and_over_tls_alone() {
    let template = template();
    let bucket = &template["Resources"]["ReportBucket"];
    for (policy, kept) in [("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain")] {
        assert_eq!(bucket[policy].as_str(), Some(kept), "{policy}");
    }
    let properties = &bucket["Properties"];
    assert!(properties["BucketName"].is_null(), "a second stack would collide, and so would one after this one");
    let block = properties["PublicAccessBlockConfiguration"].as_mapping().unwrap();
    assert!(block.len() == 4 && block.values().all(|on| on.as_bool() == Some(true)));
    let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"].as_str(), Some("AES256"));
    assert_eq!(properties["VersioningConfiguration"]["Status"].as_str(), Some("Enabled"));
    assert_eq!(properties["OwnershipControls"]["Rules"][0]["ObjectOwnership"].as_str(), Some("BucketOwnerEnforced"));
    assert_eq!(properties["ObjectLockEnabled"].as_bool(), Some(true));
    assert!(properties["ObjectLockConfiguration"].is_null(), "history and page are replaced by each check");
    let rules = properties["LifecycleConfiguration"]["Rules"].as_sequence().unwrap().iter().cloned();
    let (of_organization, rules): (Vec<_>, Vec<_>) = rules.partition(|rule| matches!(rule, Value::Tagged(_)));
    let of = |rule: &Value| (rule["Prefix"].as_str().unwrap().to_owned(), strings(&rule["ExpirationInDays"]).concat());
    assert_eq!(
        rules.iter().map(of).collect::<Vec<_>>(),
        [("reports/", "ReportRetentionDays"), ("latest.", ""), ("history.json", "")]
            .map(|(prefix, days)| (prefix.to_owned(), days.to_owned()))
    );
    let of_organization = of_organization.iter().map(|rule| match rule {
        Value::Tagged(choice) if choice.value[0].as_str() == Some("HasOrganization") => choice.value[1].clone(),
        other => panic!("{other:?}"),
    });
    let of_organization: Vec<Value> = of_organization.collect();
    let days = |rule: &Value| match &rule["ExpirationInDays"] {
        Value::Number(days) => days.to_string(),
        days => strings(days).concat(),
    };
    assert_eq!(
        of_organization.iter().map(|rule| (rule["Prefix"].as_str().unwrap(), days(rule))).collect::<Vec<_>>(),
        [("organization/runs/", "30"), ("organization/rows/", "ReportRetentionDays"), ("organization/latest.", "")]
            .map(|(prefix, days)| (prefix, days.to_owned()))
    );
    for newest in [aws::organization::runs::LATEST, aws::organization::runs::PAGE, aws::organization::runs::TABLE] {
        assert!(newest.starts_with("organization/latest."), "only earlier versions expire");
    }
    let rules: Vec<Value> = rules.into_iter().chain(of_organization).collect();
    let replaced = reporter::exports::Format::ALL
        .map(|format| format.file_name())
        .into_iter()
        .chain([aws::storage::report_link::KEY]);
    assert!(replaced.clone().count() == 4 && replaced.into_iter().all(|name| name.starts_with("latest.")));
    assert!(rules.iter().all(|rule| rule["NoncurrentVersionExpiration"]["NoncurrentDays"].as_i64().unwrap() > 0));
    let policy = &template["Resources"]["ReportBucketPolicy"];
    for kept in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(policy[kept], bucket[kept], "{kept}: the bucket stays, and so must what protects it");
    }
    let denial = &statements(&policy["Properties"])[0];
    let said = ["Effect", "Principal", "Action"].map(|name| denial[name].as_str().unwrap());
    assert_eq!(said, ["Deny", "*", "s3:*"]);
    assert_eq!(strings(&denial["Resource"]), ["ReportBucket.Arn", "${ReportBucket.Arn}/*"]);
    assert_eq!(denial["Condition"]["Bool"]["aws:SecureTransport"].as_str(), Some("false"));
    assert_eq!(strings(&template["Outputs"]["ReportBucketName"]["Value"]), ["ReportBucket"]);
}

#[test]
fn each_check_hands_its_answer_to_the_reporter_whose_failures_have_a_queue_of_their_own() {
    let template = template();
    let destinations = |function: &str| {
        let of = &template["Resources"][function]["Properties"]["EventInvokeConfig"]["DestinationConfig"];
        ["OnSuccess", "OnFailure"].map(|name| strings(&of[name]["Destination"]).concat())
    };
    assert_eq!(destinations("Checker"), ["Reporter.Arn", "DeadLetterQueue.Arn"]);
    assert_eq!(destinations("Reporter"), ["", "ReportDeadLetterQueue.Arn"]);
    for name in ["RootActivity", "SlackNotifier", "ChatNotifier", "RouteNotifier"] {
        assert_eq!(destinations(name)[0], "", "{name}");
    }
    let lost = &template["Resources"]["ReportLostAlarm"]["Properties"]["Dimensions"][0]["Value"];
    assert_eq!(strings(lost), ["ReportDeadLetterQueue.QueueName"]);
    let retries = &template["Resources"]["Reporter"]["Properties"]["EventInvokeConfig"];
    assert_eq!(
        (retries["MaximumRetryAttempts"].as_i64(), retries["MaximumEventAgeInSeconds"].as_i64()),
        (Some(2), Some(21_600))
    );
    let queue = &template["Resources"]["ReportDeadLetterQueue"]["Properties"];
    let bytes = queue["MaximumMessageSize"].as_u64().unwrap();
    assert!(bytes == 1_048_576, "what Lambda hands on has up to 1 MB, and SQS takes no more");
    assert_eq!(queue["MessageRetentionPeriod"].as_i64(), Some(14 * 24 * 3_600));
    let runs = u64::try_from(reporter::history::LINKS).unwrap();
    assert!(runs > 14 * 24 * 4, "what is handed over again after 14 days still has its place");
}

#[test]
fn the_ledger_outlives_the_stack_and_is_protected_backed_up_and_swept() {
    let template = template();
    let ledger = &template["Resources"]["Ledger"];
    assert_eq!(ledger["Type"].as_str(), Some("AWS::DynamoDB::Table"));
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(ledger[policy].as_str(), Some("Retain"), "{policy}");
    }
    let properties = &ledger["Properties"];
    assert!(properties["TableName"].is_null(), "a second stack would collide, and so would one after this one");
    assert_eq!(properties["DeletionProtectionEnabled"].as_bool(), Some(true));
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"].as_bool(), Some(true));
    assert_eq!(properties["TimeToLiveSpecification"]["AttributeName"].as_str(), Some("ttl"));
    assert_eq!(properties["TimeToLiveSpecification"]["Enabled"].as_bool(), Some(true));
    let keys = properties["KeySchema"].as_sequence().unwrap();
    let keys = keys.iter().map(|key| (key["AttributeName"].as_str().unwrap(), key["KeyType"].as_str().unwrap()));
    assert_eq!(keys.collect::<Vec<_>>(), [("pk", "HASH"), ("sk", "RANGE")]);
    assert_eq!(
        strings(&template["Outputs"]["Version"]["Value"]),
        [env!("CARGO_PKG_VERSION")],
        "the template's version is the code's"
    );
    assert_eq!(strings(&template["Outputs"]["StateTableName"]["Value"]), ["Ledger"]);
}

#[test]
fn each_function_is_what_was_tested() {
    let template = template();
    for (function, binary, memory, timeout) in [
        ("Checker", "checker", 256, 300),
        ("RootActivity", "root-activity", 256, 60),
        ("SlackNotifier", "slack-notifier", 128, 60),
        ("ChatNotifier", "slack-notifier", 128, 60),
        ("RouteNotifier", "slack-notifier", 128, 60),
        ("Reporter", "reporter", 256, 120),
        ("Organization", "organization", 512, 900),
        ("MemberAuditor", "member-auditor", 256, 240),
    ] {
        let metadata = &template["Resources"][function]["Metadata"];
        assert_eq!(metadata["BuildMethod"].as_str(), Some("rust-cargolambda"));
        assert_eq!(metadata["BuildProperties"]["Binary"].as_str(), Some(binary));
        let of = |name: &str| property(&template, function, name);
        assert_eq!(of("CodeUri").as_str().unwrap(), format!("functions/{binary}"));
        assert_eq!([of("Runtime"), of("Handler")].map(Value::as_str), [Some("provided.al2023"), Some("bootstrap")]);
        assert_eq!(strings(of("Architectures")), ["Architecture"]);
        assert_eq!(strings(&of("LoggingConfig")["LogGroup"]), ["LogGroup"]);
        let size = match of("MemorySize") {
            // More for members that are read whole.
            Value::Tagged(choice) if choice.value[0] == "UsesMemberRole" => choice.value[2].as_i64(),
            size => size.as_i64(),
        };
        let limits = (size, of("Timeout").as_i64());
        assert_eq!(limits, (Some(memory), Some(timeout)));
        assert!(of("ReservedConcurrentExecutions").is_null());
    }
    let checker = &template["Resources"]["Checker"]["Properties"];
    let schedule = &checker["Events"]["Schedule"];
    assert_eq!(schedule["Type"].as_str(), Some("ScheduleV2"));
    assert!(schedule["Properties"]["OmitName"].is_null());
    let names = [&schedule["Properties"]["Name"], &checker["Environment"]["Variables"]["ROOTWATCH_SCHEDULE"]];
    assert_eq!(names.map(strings), [["${Own}-schedule"]; 2], "the function looks after its own schedule");
}

#[test]
fn rt_4_a_panic_is_caught_and_reported_in_what_is_deployed_too() {
    let (_, profile) =
        file("Cargo.toml").split_once("[profile.release]").map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    let said: Vec<&str> = profile.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name)).collect();
    for name in ["codegen-units", "lto", "panic", "strip"] {
        assert!(said.contains(&name), "cargo-lambda would set {name}");
    }
    assert!(profile.contains("panic = \"unwind\""));
}
