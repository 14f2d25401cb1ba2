//! rootwatch's own rules, their targets, its canary and its schedule: whether they are there and on.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::operation::list_targets_by_rule::ListTargetsByRuleError;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleError;
use facts::source::Cause;
use facts::watch::{Arrival, CANARY, Switch, Target};
use facts::{AccountId, Partition, Source, Unavailable, text};
use jiff::Timestamp;
use serde_json::json;

use crate::failure::{self, unavailable};

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] =
    &["events:ListRules", "events:ListTargetsByRule", "events:PutEvents", "scheduler:GetSchedule"];

/// The detail-type of a canary.
const DETAIL_TYPE: &str = "rootwatch canary";
/// Most pages of rules whose names begin like ours; a page has 100.
const MAX_PAGES: usize = 10;

/// Names of what wakes rootwatch, as the stack passes them to its function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The schedule, in the group `default` of the function's own Region.
    pub schedule: String,
    /// The rules on the default bus.
    pub rules: Vec<String>,
    /// Regions in which each of the rules stands, each once; the first is the function's own.
    pub regions: Vec<String>,
    /// The ARN of the queue to which the rules of the function's own Region lead.
    pub queue: Option<String>,
    /// The ARN of the role with which the rules of the other Regions lead there.
    pub forwarder: Option<String>,
}

/// What a check does on the path beside looking whether rules and schedule are on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// It sends a canary from each Region.
    pub sends_canary: bool,
    /// It reads the targets of the rules.
    pub reads_targets: bool,
    /// When the oldest canary was sent that no earlier check saw arrive, by Region.
    pub awaited: BTreeMap<String, Timestamp>,
    /// The newest canary that arrived, by Region.
    pub arrived: BTreeMap<String, Arrival>,
}

impl Names {
    /// The function's own Region.
    pub fn home(&self) -> &str {
        self.regions.first().map_or("", String::as_str)
    }

    /// Where the template leads a rule of `region`.
    pub(crate) fn target(&self, region: &str, account: &AccountId, partition: Partition) -> Option<Target> {
        let home = self.home();
        let (id, arn, role) = if region == home {
            ("queue", self.queue.clone()?, None)
        } else {
            let arn = format!("arn:{}:events:{home}:{account}:event-bus/default", partition.as_str());
            ("home", arn, Some(self.forwarder.clone()?))
        };
        Some(Target { id: id.into(), arn, role, keeps_input: true })
    }
}

/// For whom a canary is: the stack `stack` of the Region `home`. The rules of no other stack take it.
pub fn addressee(home: &str, stack: &str) -> String {
    format!("{home}/{stack}")
}

/// How reading the rules is called in `region`.
pub(crate) fn rules_operation(region: &str) -> String {
    format!("events:ListRules in {region}")
}

/// How reading the targets of a rule is called in `region`.
pub(crate) fn targets_operation(region: &str) -> String {
    format!("events:ListTargetsByRule in {region}")
}

/// How sending a canary is called in `region`.
pub(crate) fn canary_operation(region: &str) -> String {
    format!("events:PutEvents in {region}")
}

/// How reading the schedule is called.
pub(crate) const SCHEDULE_OPERATION: &str = "scheduler:GetSchedule";

/// Whether the rules `names` of the Region of `client`, which is `region`, are on, in the order of the names: one call for all that begin
/// alike.
pub(crate) async fn rules(
    client: &aws_sdk_eventbridge::Client,
    names: &[String],
    region: &str,
) -> Result<Vec<Result<Switch, Unavailable>>, Unavailable> {
    let operation = rules_operation(region);
    let prefix = common_prefix(names);
    let mut found: BTreeMap<String, Result<Switch, Unavailable>> = BTreeMap::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let request = client.list_rules().set_name_prefix((!prefix.is_empty()).then(|| prefix.clone()));
        let page = request.set_next_token(token).send().await;
        let page = page.map_err(|error| unavailable(Source::Watch, &operation, &error))?;
        for rule in page.rules() {
            let Some(name) = rule.name().filter(|name| names.iter().any(|ours| ours == name)) else { continue };
            let state = rule.state().map(aws_sdk_eventbridge::types::RuleState::as_str);
            found.insert(name.to_owned(), switch(&operation, state));
        }
        token = page.next_token().map(str::to_owned);
        // Where there is no rule, the list is empty. An answer without a list shows nothing, not that a rule was deleted.
        if token.is_none() && page.rules.is_none() {
            return Err(without_a_list(operation));
        }
        if token.is_none() {
            return Ok(names.iter().map(|name| found.remove(name).unwrap_or(Ok(Switch::Missing))).collect());
        }
    }
    let detail = format!("there are more than {} rules whose names begin with `{prefix}`", MAX_PAGES * 100);
    Err(Unavailable { source: Source::Watch, operation, cause: Cause::Malformed { detail } })
}

/// The targets of the rule `name` of the Region of `client`, which is `region`; a rule has at most five.
pub(crate) async fn targets(
    client: &aws_sdk_eventbridge::Client,
    name: &str,
    region: &str,
) -> Result<Vec<Target>, Unavailable> {
    let operation = targets_operation(region);
    match client.list_targets_by_rule().rule(name).send().await {
        Ok(page) if page.targets.is_none() => Err(without_a_list(operation)),
        Ok(page) => Ok(page.targets().iter().map(target).collect()),
        Err(error) => match error.as_service_error() {
            // It was there a moment ago.
            Some(ListTargetsByRuleError::ResourceNotFoundException(_)) => Ok(Vec::new()),
            _ => Err(unavailable(Source::Watch, &operation, &error)),
        },
    }
}

fn without_a_list(operation: String) -> Unavailable {
    Unavailable {
        source: Source::Watch,
        operation,
        cause: Cause::Malformed { detail: "there is no list in it".into() },
    }
}

fn target(target: &aws_sdk_eventbridge::types::Target) -> Target {
    let is_changed = target.input().is_some() || target.input_path().is_some() || target.input_transformer().is_some();
    Target {
        id: text::bounded(target.id()),
        arn: text::bounded(target.arn()),
        role: target.role_arn().map(text::bounded),
        keeps_input: !is_changed,
    }
}

/// Puts a canary for `addressee` on the default bus of the Region of `client`, which is `region`.
pub(crate) async fn send_canary(
    client: &aws_sdk_eventbridge::Client,
    addressee: &str,
    region: &str,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let operation = canary_operation(region);
    let detail = json!({"for": addressee, "region": region, "sent_at": now}).to_string();
    let canary = PutEventsRequestEntry::builder().source(CANARY).detail_type(DETAIL_TYPE).detail(detail).build();
    let put = client.put_events().entries(canary).send().await;
    let put = put.map_err(|error| unavailable(Source::Watch, &operation, &error))?;
    match put.entries().iter().find_map(|entry| entry.error_code()) {
        None if put.failed_entry_count() == 0 => Ok(()),
        code => {
            let cause = failure::by_code(code.unwrap_or("FailedEntryCount"));
            Err(Unavailable { source: Source::Watch, operation, cause })
        }
    }
}

/// The schedule `name` of the group `default`.
pub(crate) async fn schedule(client: &aws_sdk_scheduler::Client, name: &str) -> Result<Switch, Unavailable> {
    match client.get_schedule().name(name).group_name("default").send().await {
        Ok(schedule) => {
            switch(SCHEDULE_OPERATION, schedule.state().map(aws_sdk_scheduler::types::ScheduleState::as_str))
        }
        Err(error) => match error.as_service_error() {
            Some(GetScheduleError::ResourceNotFoundException(_)) => Ok(Switch::Missing),
            _ => Err(unavailable(Source::Watch, SCHEDULE_OPERATION, &error)),
        },
    }
}

/// With what all of `names` begin.
fn common_prefix(names: &[String]) -> String {
    let Some((first, others)) = names.split_first() else { return String::new() };
    let is_common = |number: usize, char: char| others.iter().all(|name| name.chars().nth(number) == Some(char));
    first.chars().enumerate().take_while(|(number, char)| is_common(*number, *char)).map(|(_, char)| char).collect()
}

fn switch(operation: &str, state: Option<&str>) -> Result<Switch, Unavailable> {
    state.and_then(Switch::parse).ok_or_else(|| Unavailable {
        source: Source::Watch,
        operation: operation.into(),
        cause: Cause::Malformed { detail: format!("the state is `{}`", text::bounded(state.unwrap_or("missing"))) },
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_eventbridge::Client;
    use aws_sdk_eventbridge::operation::list_rules::{ListRulesError, ListRulesOutput};
    use aws_sdk_eventbridge::operation::list_targets_by_rule::ListTargetsByRuleOutput;
    use aws_sdk_eventbridge::operation::put_events::{PutEventsError, PutEventsOutput};
    use aws_sdk_eventbridge::types::{InputTransformer, PutEventsResultEntry, RuleState};
    use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
    use aws_sdk_scheduler::types::ScheduleState;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    fn ours() -> [String; 2] {
        ["rootwatch-root".to_owned(), "rootwatch-tampering".to_owned()]
    }

    fn listed(name: &str, state: RuleState) -> aws_sdk_eventbridge::types::Rule {
        aws_sdk_eventbridge::types::Rule::builder().name(name).state(state).build()
    }

    async fn rules_by(answer: Rule) -> Result<Vec<Result<Switch, Unavailable>>, Unavailable> {
        let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
        rules(&client, &ours(), "us-east-1").await
    }

    async fn schedule_by(answer: Rule) -> Result<Switch, Unavailable> {
        let client = mock_client!(aws_sdk_scheduler, RuleMode::MatchAny, [&answer]);
        schedule(&client, "rootwatch-schedule").await
    }

    fn denied() -> ErrorMetadata {
        ErrorMetadata::builder().code("AccessDeniedException").build()
    }

    #[tokio::test]
    async fn one_call_reads_every_rule_of_a_region_by_the_beginning_of_their_names_and_what_is_not_listed_is_missing() {
        for (state, expected) in [
            (RuleState::Enabled, Switch::Enabled),
            (RuleState::EnabledWithAllCloudtrailManagementEvents, Switch::Enabled),
            (RuleState::Disabled, Switch::Disabled),
        ] {
            let answer = mock!(Client::list_rules)
                .match_requests(|request| {
                    request.name_prefix() == Some("rootwatch-") && request.event_bus_name().is_none()
                })
                .then_output(move || {
                    let rules =
                        [listed("rootwatch-root", state.clone()), listed("rootwatch-2-tampering", RuleState::Enabled)];
                    ListRulesOutput::builder().set_rules(Some(rules.into())).build()
                });
            assert_eq!(
                rules_by(answer).await,
                Ok(vec![Ok(expected), Ok(Switch::Missing)]),
                "another stack's is not ours"
            );
        }
    }

    #[tokio::test]
    async fn rules_come_from_all_pages_but_not_from_pages_without_end() {
        let answer = mock!(Client::list_rules)
            .sequence()
            .output(|| ListRulesOutput::builder().next_token("next").build())
            .output(|| ListRulesOutput::builder().rules(listed("rootwatch-tampering", RuleState::Enabled)).build())
            .build();
        assert_eq!(rules_by(answer).await, Ok(vec![Ok(Switch::Missing), Ok(Switch::Enabled)]));
        let none =
            mock!(Client::list_rules).then_output(|| ListRulesOutput::builder().set_rules(Some(Vec::new())).build());
        assert_eq!(rules_by(none).await, Ok(vec![Ok(Switch::Missing), Ok(Switch::Missing)]));
        let empty = mock!(Client::list_rules).then_output(|| ListRulesOutput::builder().build());
        assert!(matches!(rules_by(empty).await.unwrap_err().cause, Cause::Malformed { .. }), "it shows nothing");
        let endless = mock!(Client::list_rules).then_output(|| ListRulesOutput::builder().next_token("next").build());
        assert!(matches!(rules_by(endless).await.unwrap_err().cause, Cause::Malformed { .. }));
    }

    #[tokio::test]
    async fn a_target_is_read_with_its_role_and_whether_it_leaves_events_as_they_are() {
        let made = || aws_sdk_eventbridge::types::Target::builder().id("home").arn("arn:bus").role_arn("arn:role");
        let transformer = InputTransformer::builder().input_template("x").build().expect("a transformer");
        let all = [
            (made(), true),
            (made().input("{}"), false),
            (made().input_path("$.detail"), false),
            (made().input_transformer(transformer), false),
        ];
        for (made, keeps_input) in all {
            let made = made.build().expect("a target");
            let answer = mock!(Client::list_targets_by_rule)
                .match_requests(|request| request.rule() == Some("rootwatch-root"))
                .then_output(move || ListTargetsByRuleOutput::builder().targets(made.clone()).build());
            let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
            let expected =
                Target { id: "home".into(), arn: "arn:bus".into(), role: Some("arn:role".into()), keeps_input };
            assert_eq!(targets(&client, "rootwatch-root", "us-east-1").await, Ok(vec![expected]));
        }
    }

    #[test]
    fn at_home_the_template_leads_to_the_queue_and_elsewhere_to_the_bus_at_home_by_the_role() {
        let account = AccountId::parse("111122223333").expect("an id");
        let names = Names {
            regions: vec!["eu-west-1".into(), "us-east-1".into()],
            queue: Some("arn:queue".into()),
            forwarder: Some("arn:role".into()),
            ..Names::default()
        };
        let target = |region| names.target(region, &account, Partition::Aws).expect("a target");
        let home = target("eu-west-1");
        assert_eq!((home.id.as_str(), home.arn.as_str(), home.role), ("queue", "arn:queue", None));
        let elsewhere = target("us-east-1");
        assert_eq!((elsewhere.id.as_str(), elsewhere.role.as_deref()), ("home", Some("arn:role")));
        assert_eq!(elsewhere.arn, "arn:aws:events:eu-west-1:111122223333:event-bus/default");
        assert_eq!(Names { queue: None, ..names.clone() }.target("eu-west-1", &account, Partition::Aws), None);
    }

    #[tokio::test]
    async fn a_canary_has_a_source_of_its_own_and_says_for_whom_it_is() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().expect("a time");
        let answer = mock!(Client::put_events)
            .match_requests(|request| {
                let [entry] = request.entries() else { return false };
                let detail = r#"{"for":"eu-west-1/rootwatch","region":"us-east-1","sent_at":"2026-11-20T10:00:00Z"}"#;
                (entry.source(), entry.detail(), entry.event_bus_name())
                    == (Some("rootwatch.canary"), Some(detail), None)
            })
            .then_output(|| PutEventsOutput::builder().build());
        let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
        let addressee = addressee("eu-west-1", "rootwatch");
        assert_eq!(send_canary(&client, &addressee, "us-east-1", now).await, Ok(()));
    }

    #[tokio::test]
    async fn an_entry_that_eventbridge_did_not_take_was_not_sent_although_the_call_succeeded() {
        let codes =
            [(Some("NotAuthorizedForSourceException"), true), (Some("ThrottlingException"), false), (None, true)];
        for (code, is_refused) in codes {
            let answer = mock!(Client::put_events).then_output(move || {
                let entry = PutEventsResultEntry::builder().set_error_code(code.map(str::to_owned)).build();
                PutEventsOutput::builder().failed_entry_count(1).entries(entry).build()
            });
            let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
            let error =
                send_canary(&client, "eu-west-1/rootwatch", "us-east-1", Timestamp::UNIX_EPOCH).await.unwrap_err();
            assert_eq!(matches!(error.cause, Cause::Refused { .. }), is_refused, "{error}");
        }
    }

    #[tokio::test]
    async fn a_schedule_is_read_in_the_default_group_and_is_on_or_off() {
        for (state, expected) in
            [(ScheduleState::Enabled, Switch::Enabled), (ScheduleState::Disabled, Switch::Disabled)]
        {
            let answer = mock!(aws_sdk_scheduler::Client::get_schedule)
                .match_requests(|request| {
                    (request.name(), request.group_name()) == (Some("rootwatch-schedule"), Some("default"))
                })
                .then_output(move || GetScheduleOutput::builder().state(state.clone()).build());
            assert_eq!(schedule_by(answer).await, Ok(expected));
        }
    }

    #[tokio::test]
    async fn what_is_not_found_is_missing() {
        let gone = aws_sdk_eventbridge::types::error::ResourceNotFoundException::builder().build();
        let answer = mock!(Client::list_targets_by_rule)
            .then_error(move || ListTargetsByRuleError::ResourceNotFoundException(gone.clone()));
        let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
        assert_eq!(targets(&client, "rootwatch-root", "us-east-1").await, Ok(Vec::new()));
        let answer = mock!(aws_sdk_scheduler::Client::get_schedule).then_error(|| {
            let gone = aws_sdk_scheduler::types::error::ResourceNotFoundException::builder().message("gone").build();
            GetScheduleError::ResourceNotFoundException(gone.expect("a message"))
        });
        assert_eq!(schedule_by(answer).await, Ok(Switch::Missing));
    }

    #[tokio::test]
    async fn a_denial_names_the_operation_and_the_region() {
        let words = |operation: &str| format!("rules and schedule: {operation} was denied (AccessDeniedException)");
        let answer = mock!(Client::list_rules).then_error(|| ListRulesError::generic(denied()));
        assert_eq!(rules_by(answer).await.unwrap_err().to_string(), words("events:ListRules in us-east-1"));
        let answer = mock!(Client::list_targets_by_rule).then_error(|| ListTargetsByRuleError::generic(denied()));
        let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
        let error = targets(&client, "rootwatch-root", "us-east-1").await.unwrap_err();
        assert_eq!(error.to_string(), words("events:ListTargetsByRule in us-east-1"));
        let answer = mock!(Client::put_events).then_error(|| PutEventsError::generic(denied()));
        let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
        let error = send_canary(&client, "x", "us-east-1", Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error.to_string(), words("events:PutEvents in us-east-1"));
        let answer = mock!(aws_sdk_scheduler::Client::get_schedule).then_error(|| GetScheduleError::generic(denied()));
        assert_eq!(schedule_by(answer).await.unwrap_err().to_string(), words("scheduler:GetSchedule"));
    }

    #[tokio::test]
    async fn a_state_that_is_not_known_or_not_there_is_unknown_and_not_on() {
        let answer = mock!(Client::list_rules).then_output(|| {
            ListRulesOutput::builder().rules(listed("rootwatch-root", RuleState::from("PAUSED"))).build()
        });
        let paused = Cause::Malformed { detail: "the state is `PAUSED`".into() };
        assert_eq!(rules_by(answer).await.unwrap()[0].as_ref().unwrap_err().cause, paused);
        let answer =
            mock!(aws_sdk_scheduler::Client::get_schedule).then_output(|| GetScheduleOutput::builder().build());
        assert!(matches!(schedule_by(answer).await.unwrap_err().cause, Cause::Malformed { .. }));
    }
}
