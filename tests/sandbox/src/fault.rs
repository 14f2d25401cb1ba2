//! What goes wrong on command.

use serde::Deserialize;

const EVERY_READ: &str = "every read";
const THE_BASELINE: &str = "the baseline";

/// A fault of one call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The IAM action, as `iam:GetAccountSummary`; `watcher:GET` or `watcher:POST` for the watcher, `slack:POST`
    /// for Slack. `every read` means each action that reads the account, `the baseline` those that root monitoring does not need; actions on
    /// rootwatch's own rules and schedule are in neither.
    pub on: String,
    /// Only in this Region.
    pub region: Option<String>,
    /// What happens.
    #[serde(rename = "do")]
    pub trouble: Trouble,
    /// So many times, then no more; unset: always.
    pub times: Option<usize>,
    /// So many matching calls pass first. What another fault strikes does not count.
    #[serde(default)]
    pub after: usize,
}

impl Fault {
    /// `trouble` at every call of `action`.
    pub fn on(action: &str, trouble: Trouble) -> Self {
        Self { on: action.to_owned(), region: None, trouble, times: None, after: 0 }
    }

    /// So many times, then no more.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    /// So many matching calls pass first.
    #[must_use]
    pub fn after(self, after: usize) -> Self {
        Self { after, ..self }
    }

    /// Only in `region`.
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    fn names(&self, action: &str) -> bool {
        match self.on.as_str() {
            EVERY_READ => aws::read_actions().contains(&action),
            THE_BASELINE => aws::read_actions().contains(&action) && !aws::core_actions().contains(&action),
            on => on == action,
        }
    }

    fn concerns(&self, action: &str, region: &str) -> bool {
        self.names(action) && self.region.as_deref().is_none_or(|only| only == region) && self.times != Some(0)
    }
}

/// What happens in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// `AccessDenied`, in the service's spelling.
    Deny,
    /// `Throttling`, in the service's spelling.
    Throttle,
    /// No answer, ever.
    Hang,
    /// The connection is cut.
    Reset,
    /// 200 with HTML.
    Garbage,
    /// An empty 200.
    Empty,
    /// HTTP 500.
    Broken,
    /// The right answer, so many milliseconds late.
    Slow(u64),
    /// The call takes effect at once; its right answer comes so many milliseconds late.
    AnswerLate(u64),
    /// This error code; of Slack a status and a word, as `404 no_service`, `429 3600` or `302 https://elsewhere.example/`.
    Error(String),
    /// The call takes effect; then the connection is cut without an answer.
    LoseAnswer,
    /// The call takes effect, and the function is killed before it has the answer: every process that runs over the account.
    Crash,
    /// The function is killed, and the call takes no effect.
    CrashBefore,
    /// The call takes effect when [`crate::Sandbox::release`] is called, even if its caller is gone by then.
    Hold,
}

/// The trouble of this call, if there is any: of the first fault that is not used up and has let enough calls pass.
pub(crate) fn strike(faults: &mut [Fault], action: &str, region: &str) -> Option<Trouble> {
    let concerned = |fault: &&mut Fault| fault.concerns(action, region);
    if let Some(fault) = faults.iter_mut().filter(concerned).find(|fault| fault.after == 0) {
        fault.times = fault.times.map(|times| times - 1);
        return Some(fault.trouble.clone());
    }
    faults.iter_mut().filter(concerned).for_each(|fault| fault.after -= 1);
    None
}

/// An error as a service words it.
pub(crate) struct ServiceError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// One that tells more than the body, with its name.
    pub(crate) header: Option<(&'static str, String)>,
}

impl ServiceError {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), header: None }
    }

    /// Where a service has one endpoint, a signature for another Region is none.
    pub(crate) fn unless_in_us_east_1(region: &str) -> Result<(), Self> {
        let what = "Credential should be scoped to a valid region.";
        if region == "us-east-1" { Ok(()) } else { Err(Self::new(403, "InvalidSignatureException", what)) }
    }

    pub(crate) fn unknown_operation(service: &str, operation: &str) -> Self {
        Self::new(400, "UnknownOperationException", format!("{service} has no `{operation}` here"))
    }

    pub(crate) fn denied(service: &str, action: &str) -> Self {
        let (status, code) = match service {
            "iam" | "monitoring" | "s3" | "sts" => (403, "AccessDenied"),
            "sns" => (403, "AuthorizationError"),
            "dynamodb" => (400, "AccessDeniedException"),
            _ => (403, "AccessDeniedException"),
        };
        let role = "arn:aws:sts::111122223333:assumed-role/rootwatch";
        Self::new(status, code, format!("User: {role} is not authorized to perform: {action}"))
    }

    pub(crate) fn throttled(service: &str) -> Self {
        let (status, code) = match service {
            "iam" | "monitoring" | "sns" | "sts" => (400, "Throttling"),
            "access-analyzer" => (429, "ThrottlingException"),
            "account" => (429, "TooManyRequestsException"),
            "organizations" => (400, "TooManyRequestsException"),
            "s3" => (503, "SlowDown"),
            "securityhub" => (429, "LimitExceededException"),
            "watcher" => (429, "Too Many Requests"),
            "slack" => (429, "1"),
            _ => (400, "ThrottlingException"),
        };
        Self::new(status, code, "Rate exceeded")
    }

    pub(crate) fn broken(service: &str) -> Self {
        let code = match service {
            "dynamodb" => "InternalServerError",
            "s3" => "InternalError",
            _ => "InternalFailure",
        };
        Self::new(500, code, "")
    }

    pub(crate) fn with_code(service: &str, code: &str) -> Self {
        if service == "slack" {
            let (status, word) = code.split_once(' ').expect("a status and a word");
            return Self::new(status.parse().expect("a status is a number"), word, "");
        }
        let status = match code {
            "ConditionalRequestConflict" => 409,
            "PreconditionFailed" => 412,
            "LimitExceeded" if service != "dynamodb" => 409,
            "ServiceFailure" if service != "dynamodb" => 500,
            _ => 400,
        };
        Self::new(status, code, "Unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(faults: &mut [Fault], calls: usize) -> Vec<Option<Trouble>> {
        (0..calls).map(|_| strike(faults, "sns:Publish", "eu-west-1")).collect()
    }

    #[test]
    fn a_fault_strikes_after_so_many_calls_and_so_many_times() {
        let mut faults = [Fault::on("sns:Publish", Trouble::Deny).after(2).times(1)];
        assert_eq!(struck(&mut faults, 4), [None, None, Some(Trouble::Deny), None]);
    }

    #[test]
    fn what_one_fault_strikes_does_not_pass_for_another() {
        let fault = |trouble| Fault::on("sns:Publish", trouble).times(1);
        let mut faults = [fault(Trouble::Deny), fault(Trouble::Reset), fault(Trouble::Empty).after(1)];
        let expected = [Some(Trouble::Deny), Some(Trouble::Reset), None, Some(Trouble::Empty), None];
        assert_eq!(struck(&mut faults, 5), expected);
    }

    #[test]
    fn a_fault_of_another_action_or_region_neither_strikes_nor_counts() {
        let mut faults = [
            Fault::on("sns:Publish", Trouble::Deny).in_region("us-east-1").after(1),
            Fault::on("sns:Subscribe", Trouble::Deny),
        ];
        assert_eq!(struck(&mut faults, 3), [None, None, None]);
        assert_eq!(faults[0].after, 1);
    }

    #[test]
    fn a_story_names_faults_in_snake_case() {
        let fault: Fault =
            serde_json::from_str(r#"{"on": "dynamodb:PutItem", "do": "lose_answer", "after": 2}"#).unwrap();
        assert_eq!((fault.trouble, fault.after, fault.times), (Trouble::LoseAnswer, 2, None));
    }
}
