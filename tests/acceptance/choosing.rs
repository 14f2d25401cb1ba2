//! Which controls are chosen; that what they do not need is not read; and that the role may read what the choice needs.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::Story;
use serde_json::json;
use serde_yaml_ng::Value;

use crate::account::{Account, QUIET, story, story_now};
use crate::deployment::{policies_of, statements, strings, template};

/// The policies of the checker's role that are not for reading the account.
const OWN: [&str; 5] = ["look-after-itself", "publish", "remember", "link-the-page", "run"];

/// What the checker's role may read of the account.
fn permitted(controls: &str) -> BTreeSet<String> {
    let mut permitted = BTreeSet::new();
    for (condition, policy) in policies_of("CheckerRole") {
        let is_there = match condition.as_deref() {
            None => true,
            Some("JudgesBaseline") => controls == "all",
            Some(other) => panic!("{other} is not known here"),
        };
        if is_there && !OWN.contains(&policy["PolicyName"].as_str().unwrap()) {
            permitted.extend(statements(&policy).iter().flat_map(|statement| strings(&statement["Action"])));
        }
    }
    permitted
}

/// Actions of the baseline that the code needs for the chosen controls.
fn needed(controls: &str, disabled_controls: &str) -> BTreeSet<String> {
    let variables = BTreeMap::from([
        ("AWS_REGION", "eu-west-1"),
        ("ROOTWATCH_TABLE", "rootwatch"),
        ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
        ("ROOTWATCH_CONTROLS", controls),
        ("ROOTWATCH_DISABLED_CONTROLS", disabled_controls),
    ]);
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = checker::Settings::read(variables, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let sources = settings.checklist.selection.sources();
    let chosen = aws::baseline_actions().into_iter().filter(|(source, _)| sources.contains(source));
    chosen.flat_map(|(_, actions)| actions).map(|action| (*action).to_owned()).collect()
}

fn of_baseline() -> BTreeSet<String> {
    aws::baseline_actions().into_iter().flat_map(|(_, actions)| actions).map(|action| (*action).to_owned()).collect()
}

#[test]
fn se_2_with_all_controls_and_with_the_five_steps_the_role_may_read_exactly_what_they_need() {
    let condition = &template()["Conditions"]["JudgesBaseline"];
    assert!(matches!(condition, Value::Tagged(function) if function.tag == "!Equals"), "{condition:?}");
    assert_eq!(strings(condition), ["Controls", "all"]);
    for controls in ["all", "five-steps"] {
        let mut expected = needed(controls, "");
        expected.extend(aws::core_actions().into_iter().map(str::to_owned));
        assert_eq!(permitted(controls), expected, "{controls}");
    }
    let of_baseline_alone = permitted("all").len() - permitted("five-steps").len();
    assert!(of_baseline_alone > 15, "most of the baseline is not of the core: {of_baseline_alone}");
}

#[test]
fn a_control_that_is_left_out_changes_no_permission() {
    let template = template();
    let variables = &template["Resources"]["Checker"]["Properties"]["Environment"]["Variables"];
    assert_eq!(strings(&variables["ROOTWATCH_DISABLED_CONTROLS"]), ["DisabledControls"]);
    let uses = |part: &str| serde_yaml_ng::to_string(&template[part]).unwrap().matches("DisabledControls").count();
    assert_eq!((uses("Conditions"), uses("Resources")), (0, 1), "it is a setting of the function and nothing else");
}

#[test]
fn what_can_be_narrowed_is_narrowed() {
    let statements: Vec<Value> =
        policies_of("CheckerRole").into_iter().flat_map(|(_, policy)| statements(&policy)).collect();
    let resources = |action: &str| {
        let of_action =
            statements.iter().filter(|statement| strings(&statement["Action"]).iter().any(|one| one == action));
        of_action.flat_map(|statement| strings(&statement["Resource"])).collect::<Vec<_>>()
    };
    let policy = |name: &str| format!("arn:${{AWS::Partition}}:iam::aws:policy/{name}");
    let held = ["AdministratorAccess", "AWSSupportAccess"].map(policy);
    assert_eq!(resources("iam:ListEntitiesForPolicy"), held);
    assert_eq!(
        resources("s3:GetBucketPublicAccessBlock"),
        ["arn:${AWS::Partition}:s3:::*"],
        "a bucket, not what is in it"
    );
}

fn choosing(controls: &str, disabled_controls: &str) -> Story {
    let mut story = story(QUIET);
    story.environment.insert("ROOTWATCH_CONTROLS".into(), controls.into());
    story.environment.insert("ROOTWATCH_DISABLED_CONTROLS".into(), disabled_controls.into());
    story
}

#[tokio::test]
async fn what_no_chosen_control_needs_is_not_read_and_what_is_read_is_permitted() {
    let core = permitted("five-steps");
    for (controls, disabled_controls) in [
        ("all", ""),
        ("five-steps", ""),
        ("all", "billing-alerts,access-analyzer"),
        ("all", "password-policy,root-mfa"),
    ] {
        let story = choosing(controls, disabled_controls);
        let account = Account::of(&story).await;
        assert!(account.run(&story).await.is_complete());
        let called: BTreeSet<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
        assert!(called.intersection(&of_baseline()).all(|action| permitted(controls).contains(action)));
        let (baseline, needed) = (of_baseline(), needed(controls, disabled_controls));
        let called: BTreeSet<String> =
            called.intersection(&baseline).filter(|action| !core.contains(*action)).cloned().collect();
        assert!(called.is_subset(&needed), "{controls} without {disabled_controls} calls {called:?}");
        assert_eq!(called.is_empty(), controls == "five-steps");
    }
    let called = async |disabled_controls: &str| {
        let story = choosing("all", disabled_controls);
        let account = Account::of(&story).await;
        account.run(&story).await;
        account.sandbox.calls().iter().any(|call| call.action == "iam:GetAccountPasswordPolicy")
    };
    assert!(called("").await && !called("password-policy").await);
}

#[tokio::test]
async fn a_control_that_is_left_out_is_named_and_told_as_no_longer_checked() {
    let story = story("medium-no-billing-alert-works");
    let account = Account::of(&story).await;
    let first = account.run(&story).await;
    assert!(first.ids().iter().any(|id| id.contains("billing-alerts")), "{:?}", first.ids());
    let mut later = story.later_with_a_young_report(crate::account::hours(1));
    later.environment.insert("ROOTWATCH_DISABLED_CONTROLS".into(), "billing-alerts".into());
    let run = account.run(&later).await;
    assert!(run.mails[0].subject.contains("NO LONGER CHECKED"), "{}", run.mails[0].subject);
    let answer = serde_json::to_value(run.answer.unwrap()).unwrap();
    assert_eq!(answer["left_out"], json!(["billing-alerts"]));
    assert!(!answer["findings"].to_string().contains("billing-alerts"));
}

#[tokio::test]
async fn findings_come_by_the_numbers_of_a_framework_when_asked_and_failed_ones_stand_first() {
    let mut story = story_now("high-users-without-mfa-and-old-keys");
    story.event = json!({"framework": "cis-5.0", "dry_run": true});
    let answer = Account::of(&story).await.invoke(&story).await.answer.unwrap();
    let requirements = answer["framework"]["requirements"].as_array().unwrap();
    let numbers: Vec<&str> = requirements.iter().map(|one| one["number"].as_str().unwrap()).collect();
    assert!(numbers.starts_with(&["1.1", "1.2", "1.3", "1.4"]), "{numbers:?}");
    let user_mfa = requirements.iter().find(|one| one["control"] == "user-mfa").unwrap();
    assert_eq!((&user_mfa["number"], &user_mfa["status"]), (&json!("1.9"), &json!("failed")));
    let statuses: Vec<&str> =
        answer["findings"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    let rank = |status: &&str| ["failed", "unknown", "passed", "not_applicable"].iter().position(|one| one == status);
    assert!(statuses.is_sorted_by_key(rank) && statuses[0] == "failed", "{statuses:?}");
    assert_eq!(answer["score"]["five_steps"], json!({"passed": 5, "of": 5}));
}
