//! rootwatch's own rules and schedule: whether they are there and on.

use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleError;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleError;
use checklist::snapshot::Cause;
use checklist::watch::Switch;
use checklist::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["events:DescribeRule", "scheduler:GetSchedule"];

/// Names of what wakes rootwatch, as the stack tells its function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The schedule, in the group `default` of the function's own Region.
    pub schedule: String,
    /// The rules on the default bus.
    pub rules: Vec<String>,
    /// Regions in which each of the rules stands, the function's own among them; each once.
    pub regions: Vec<String>,
}

/// How reading one rule is called in `region`.
pub(crate) fn rule_operation(region: &str) -> String {
    format!("events:DescribeRule in {region}")
}

/// How reading the schedule is called.
pub(crate) const SCHEDULE_OPERATION: &str = "scheduler:GetSchedule";

/// The rule `name` of the Region of `client`, which is `region`.
pub(crate) async fn rule(
    client: &aws_sdk_eventbridge::Client,
    name: &str,
    region: &str,
) -> Result<Switch, Unavailable> {
    let operation = rule_operation(region);
    match client.describe_rule().name(name).send().await {
        Ok(rule) => switch(&operation, rule.state().map(aws_sdk_eventbridge::types::RuleState::as_str)),
        Err(error) => match error.as_service_error() {
            Some(DescribeRuleError::ResourceNotFoundException(_)) => Ok(Switch::Missing),
            _ => Err(unavailable(Source::Watch, &operation, &error)),
        },
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

fn switch(operation: &str, state: Option<&str>) -> Result<Switch, Unavailable> {
    state.and_then(Switch::parse).ok_or_else(|| Unavailable {
        source: Source::Watch,
        operation: operation.into(),
        cause: Cause::Malformed {
            detail: format!("the state is `{}`", checklist::text::bounded(state.unwrap_or("missing"))),
        },
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
    use aws_sdk_eventbridge::types::RuleState;
    use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
    use aws_sdk_scheduler::types::ScheduleState;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    async fn rule_by(answer: Rule) -> Result<Switch, Unavailable> {
        let client = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, [&answer]);
        rule(&client, "rootwatch-root", "us-east-1").await
    }

    async fn schedule_by(answer: Rule) -> Result<Switch, Unavailable> {
        let client = mock_client!(aws_sdk_scheduler, RuleMode::MatchAny, [&answer]);
        schedule(&client, "rootwatch-schedule").await
    }

    #[tokio::test]
    async fn a_rule_is_on_in_both_states_that_match_and_off_when_disabled() {
        for (state, expected) in [
            (RuleState::Enabled, Switch::Enabled),
            (RuleState::EnabledWithAllCloudtrailManagementEvents, Switch::Enabled),
            (RuleState::Disabled, Switch::Disabled),
        ] {
            let answer = mock!(aws_sdk_eventbridge::Client::describe_rule)
                .match_requests(|request| {
                    request.name() == Some("rootwatch-root") && request.event_bus_name().is_none()
                })
                .then_output(move || DescribeRuleOutput::builder().state(state.clone()).build());
            assert_eq!(rule_by(answer).await, Ok(expected));
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
        let answer = mock!(aws_sdk_eventbridge::Client::describe_rule)
            .then_error(move || DescribeRuleError::ResourceNotFoundException(gone.clone()));
        assert_eq!(rule_by(answer).await, Ok(Switch::Missing));
        let answer = mock!(aws_sdk_scheduler::Client::get_schedule).then_error(|| {
            let gone = aws_sdk_scheduler::types::error::ResourceNotFoundException::builder().message("gone").build();
            GetScheduleError::ResourceNotFoundException(gone.expect("a message"))
        });
        assert_eq!(schedule_by(answer).await, Ok(Switch::Missing));
    }

    #[tokio::test]
    async fn a_denial_names_the_operation_and_the_region() {
        let denied = || ErrorMetadata::builder().code("AccessDeniedException").build();
        let answer =
            mock!(aws_sdk_eventbridge::Client::describe_rule).then_error(move || DescribeRuleError::generic(denied()));
        assert_eq!(
            rule_by(answer).await.unwrap_err().to_string(),
            "rules and schedule: events:DescribeRule in us-east-1 was denied (AccessDeniedException)"
        );
        let answer =
            mock!(aws_sdk_scheduler::Client::get_schedule).then_error(move || GetScheduleError::generic(denied()));
        assert_eq!(
            schedule_by(answer).await.unwrap_err().to_string(),
            "rules and schedule: scheduler:GetSchedule was denied (AccessDeniedException)"
        );
    }

    #[tokio::test]
    async fn a_state_that_is_not_known_or_not_there_is_unknown_and_not_on() {
        let answer = mock!(aws_sdk_eventbridge::Client::describe_rule)
            .then_output(|| DescribeRuleOutput::builder().state(RuleState::from("PAUSED")).build());
        assert_eq!(
            rule_by(answer).await.unwrap_err().cause,
            Cause::Malformed { detail: "the state is `PAUSED`".into() }
        );
        let answer =
            mock!(aws_sdk_scheduler::Client::get_schedule).then_output(|| GetScheduleOutput::builder().build());
        assert!(matches!(schedule_by(answer).await.unwrap_err().cause, Cause::Malformed { .. }));
    }
}
