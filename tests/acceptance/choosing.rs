//! Which controls are chosen; and that what they do not need is neither read nor permitted.

use std::collections::{BTreeMap, BTreeSet};

use checklist::{CHECKLIST, Source};
use sandbox::Story;
use serde_json::json;
use serde_yaml_ng::Value;

use crate::account::{Account, QUIET, story, story_now};
use crate::deployment::{policies_of, strings, template};

/// The parameters that choose.
struct Choice<'a> {
    controls: &'a str,
    leave_out: &'a str,
}

impl Choice<'_> {
    fn of(&self, parameter: &str) -> String {
        match parameter {
            "Controls" => self.controls.to_owned(),
            "LeaveOut" => self.leave_out.to_owned(),
            _ => panic!("{parameter} chooses nothing"),
        }
    }

    /// Whether a condition of the template holds.
    fn holds(&self, template: &Value, condition: &Value) -> bool {
        let Value::Tagged(function) = condition else { panic!("{condition:?} is no condition") };
        let all = || function.value.as_sequence().unwrap();
        match function.tag.to_string().as_str() {
            "!And" => all().iter().all(|one| self.holds(template, one)),
            "!Or" => all().iter().any(|one| self.holds(template, one)),
            "!Condition" => self.holds(template, &template["Conditions"][function.value.as_str().unwrap()]),
            "!Equals" => self.text(&all()[0]) == self.text(&all()[1]),
            other => panic!("{other} is not known here"),
        }
    }

    fn text(&self, value: &Value) -> String {
        let Value::Tagged(function) = value else { return value.as_str().unwrap().to_owned() };
        match function.tag.to_string().as_str() {
            "!Ref" => self.of(function.value.as_str().unwrap()),
            "!Sub" => function.value.as_str().unwrap().replace("${LeaveOut}", self.leave_out),
            "!Join" => {
                let Value::Tagged(split) = &function.value[1] else { panic!("only what was split is joined") };
                let by = self.text(&split.value[0]);
                self.text(&split.value[1]).split(&by).collect::<Vec<_>>().join(self.text(&function.value[0]).as_str())
            }
            other => panic!("{other} is not known here"),
        }
    }

    /// What the function's role may do.
    fn granted(&self) -> BTreeSet<String> {
        let template = template();
        let mut granted = BTreeSet::new();
        for (condition, statements) in policies_of("CheckerRole") {
            let is_there = condition.is_none_or(|name| self.holds(&template, &template["Conditions"][name.as_str()]));
            granted.extend(statements.iter().filter(|_| is_there).flat_map(|statement| strings(&statement["Action"])));
        }
        granted
    }

    /// What the code needs.
    fn sources(&self) -> BTreeSet<Source> {
        let variables = BTreeMap::from([
            ("AWS_REGION", "eu-west-1"),
            ("ROOTWATCH_TABLE", "rootwatch"),
            ("ROOTWATCH_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:rootwatch"),
            ("ROOTWATCH_CONTROLS", self.controls),
            ("ROOTWATCH_LEAVE_OUT", self.leave_out),
        ]);
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = checker::Settings::read(variables, jiff::Timestamp::UNIX_EPOCH).unwrap();
        settings.checklist.selection.sources()
    }

    /// Actions that only the sources in `of` need.
    fn needed(&self) -> BTreeSet<String> {
        let chosen = self.sources();
        let needed = aws::baseline_actions().into_iter().filter(|(source, _)| chosen.contains(source));
        needed.flat_map(|(_, actions)| actions).map(|action| (*action).to_owned()).collect()
    }
}

fn of_baseline() -> BTreeSet<String> {
    aws::baseline_actions().into_iter().flat_map(|(_, actions)| actions).map(|action| (*action).to_owned()).collect()
}

#[test]
fn whichever_controls_are_left_out_the_role_may_do_what_the_others_need_and_nothing_else() {
    let every: Vec<&str> = CHECKLIST.iter().map(|control| control.id).collect();
    let all = every.join(",");
    let mut choices =
        vec![Choice { controls: "five-steps", leave_out: "" }, Choice { controls: "all", leave_out: &all }];
    choices.push(Choice { controls: "all", leave_out: "" });
    choices.push(Choice { controls: "all", leave_out: "access-analyzer,federation,billing-reports,root-guardrail" });
    choices.extend(every.iter().map(|id| Choice { controls: "all", leave_out: id }));
    // Each alone, so that no other control brings what it needs.
    let others = |id: &&str| every.iter().filter(|other| *other != id).copied().collect::<Vec<_>>().join(",");
    let others: Vec<String> = every.iter().map(others).collect();
    choices.extend(others.iter().map(|others| Choice { controls: "all", leave_out: others }));
    let core = Choice { controls: "five-steps", leave_out: "" }.granted();
    for choice in choices {
        let granted: BTreeSet<String> = choice.granted().difference(&core).cloned().collect();
        let needed: BTreeSet<String> = choice.needed().difference(&core).cloned().collect();
        assert_eq!(granted, needed, "{} without {}", choice.controls, choice.leave_out);
    }
    assert!(of_baseline().difference(&core).count() > 15, "most of the baseline is not of the core");
}

#[test]
fn what_can_be_narrowed_is_narrowed() {
    let statements: Vec<Value> =
        policies_of("CheckerRole").into_iter().flat_map(|(_, statements)| statements).collect();
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

fn choosing(controls: &str, leave_out: &str) -> Story {
    let mut story = story(QUIET);
    story.environment.insert("ROOTWATCH_CONTROLS".into(), controls.into());
    story.environment.insert("ROOTWATCH_LEAVE_OUT".into(), leave_out.into());
    story
}

#[tokio::test]
async fn what_no_chosen_control_needs_is_not_read_and_what_is_read_is_permitted() {
    let core = Choice { controls: "five-steps", leave_out: "" }.granted();
    for (controls, leave_out) in [
        ("all", ""),
        ("five-steps", ""),
        ("all", "billing-alerts,access-analyzer"),
        ("all", "password-policy,root-mfa"),
    ] {
        let story = choosing(controls, leave_out);
        let account = Account::of(&story).await;
        assert!(account.run(&story).await.is_complete());
        let called: BTreeSet<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
        let choice = Choice { controls, leave_out };
        let (baseline, needed) = (of_baseline(), choice.needed());
        let called: BTreeSet<String> =
            called.intersection(&baseline).filter(|action| !core.contains(*action)).cloned().collect();
        assert!(called.is_subset(&needed), "{controls} without {leave_out} calls {called:?}");
        assert_eq!(called.is_empty(), controls == "five-steps");
    }
    let called = async |leave_out: &str| {
        let story = choosing("all", leave_out);
        let account = Account::of(&story).await;
        account.run(&story).await;
        account.sandbox.calls().iter().any(|call| call.action == "iam:GetAccountPasswordPolicy")
    };
    assert!(called("").await && !called("password-policy").await);
}

#[tokio::test]
async fn a_control_that_is_left_out_is_named_and_told_as_no_longer_checked() {
    let story = story("medium-nobody-would-notice-the-bill");
    let account = Account::of(&story).await;
    let first = account.run(&story).await;
    assert!(first.ids().iter().any(|id| id.contains("billing-alerts")), "{:?}", first.ids());
    let mut later = story.later_with_a_young_report(crate::account::hours(1));
    later.environment.insert("ROOTWATCH_LEAVE_OUT".into(), "billing-alerts".into());
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
