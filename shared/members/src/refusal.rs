//! Why an account could not be audited, by its cause: each has a remedy of its own.

use facts::source::Cause as Failed;
use facts::text::bounded;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why an account could not be audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refusal {
    /// What kind of refusal it is.
    pub cause: Cause,
    /// What AWS said: operation, code and text, bounded.
    pub said: String,
    /// The first run of those in a row that were refused.
    pub since: Timestamp,
    /// How many runs in a row were refused.
    pub runs: u32,
    /// When the account was audited last; `None`: never.
    pub last_audited: Option<Timestamp>,
    /// When the member's role last showed everything; `None`: never, or no role is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep_at: Option<Timestamp>,
}

/// What kind of refusal it is. Worst first, as people read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Central root access is off, or this account is no delegated administrator any more: for every account the same.
    FeatureOff,
    /// The session was given, and a service control policy of the member denies what it reads.
    ServiceControlPolicy,
    /// `sts:AssumeRoot` was denied, for a reason that the text does not name.
    Denied,
    /// The member's role is not there, does not trust this stack, or may not read what it is made for.
    RoleMissing,
    /// AWS refused the pace, also after retries.
    Throttled,
    /// No answer, or none that could be understood.
    Unreachable,
    /// What was read could not be recorded in the state table.
    NotRecorded,
}

/// Codes that say that credentials cannot be used, and nothing of what they may do
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>).
const UNUSABLE: [&str; 4] =
    ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"];

/// Which call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `sts:AssumeRoot`, in the account of this stack.
    ForASession,
    /// A call of IAM, in the member's session.
    InTheSession,
    /// `sts:AssumeRole`, in the account of this stack, or a call with the role's credentials in the member.
    ByTheRole,
}

impl Cause {
    /// By the call that failed, why, and AWS's text. All denials have one code: only the text tells them apart.
    ///
    /// The texts are those that AWS answered in September 2026: "Root credentials management feature is not enabled for your AWS
    /// Organization.", and of a service control policy "… with an explicit deny in a service control policy". What is not known stays
    /// [`Cause::Denied`].
    pub fn of(asked: Asked, failed: &Failed, text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        match failed {
            // No policy denied anything: the credentials are over, or not known everywhere yet.
            Failed::Denied { code } if UNUSABLE.contains(&code.as_str()) => Self::Unreachable,
            Failed::Denied { .. } | Failed::Refused { .. } if asked == Asked::ByTheRole => Self::RoleMissing,
            Failed::Denied { .. } if text.contains("feature is not enabled") => Self::FeatureOff,
            Failed::Denied { .. } if text.contains("service control policy") => Self::ServiceControlPolicy,
            Failed::Denied { .. } if asked == Asked::InTheSession => Self::ServiceControlPolicy,
            Failed::Denied { .. } | Failed::Refused { .. } => Self::Denied,
            Failed::Throttled { .. } => Self::Throttled,
            _ => Self::Unreachable,
        }
    }

    /// Whether it may pass by itself: an alert waits until it lasts.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::NotRecorded)
    }

    /// Goes on after `30 accounts: `.
    pub fn words(self) -> &'static str {
        match self {
            Self::FeatureOff => "central root access is not available to this account",
            Self::ServiceControlPolicy => "a service control policy denies the audit",
            Self::Denied => "`sts:AssumeRoot` was denied",
            Self::RoleMissing => "the member role cannot be used: only root's credentials are audited",
            Self::Throttled => "AWS throttled the audit",
            Self::Unreachable => "AWS gave no usable answer",
            Self::NotRecorded => "the result could not be recorded",
        }
    }

    /// How to fix it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::FeatureOff => {
                "In the management account: `aws iam enable-organizations-root-credentials-management`, and register this account again: \
                 `aws organizations register-delegated-administrator --service-principal iam.amazonaws.com --account-id <this account>`."
            }
            Self::ServiceControlPolicy => {
                "Exempt centrally managed sessions in the policy that denies root: add the condition `\"Null\": {\"aws:AssumedRoot\": \
                 \"true\"}` to its statement. With AWS Control Tower, set the parameter ExemptAssumeRoot of the control \
                 AWS-GR_RESTRICT_ROOT_USER."
            }
            Self::Denied => {
                "Check that the function's role may call `sts:AssumeRoot` and that no service control policy or permissions boundary of \
                 this account denies it. AWS also refuses accounts that are suspended or not yet active."
            }
            Self::RoleMissing => {
                "Look for instances of the stack set that failed: `aws cloudformation list-stack-instances --stack-set-name \
                 <Name of the stack>-members --filters Name=DETAILED_STATUS,Values=FAILED`, with `--call-as DELEGATED_ADMIN` where this is \
                 no management account. Check that OrganizationTargets covers the accounts, and that no service control policy denies the \
                 role. With MemberAccess=organization-role, accounts that were invited have no OrganizationAccountAccessRole."
            }
            Self::Throttled => {
                "Wait for the next run. If it lasts, lower AuditConcurrency, or find the other tool that uses up the request rate of AWS STS."
            }
            Self::Unreachable => {
                "Wait for the next run. If it lasts, see the AWS Health Dashboard and the log of the function member-auditor."
            }
            Self::NotRecorded => {
                "See the table's throttled requests and the log of the function member-auditor; the next run reads again."
            }
        }
    }
}

impl Refusal {
    /// At `now`, after `before`, the account's refusal in the run before, and when it was audited last.
    pub fn new(
        cause: Cause,
        said: &str,
        before: Option<&Self>,
        last_audited: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let since = before.map_or(now, |before| before.since.min(now));
        let runs = before.map_or(1, |before| before.runs.saturating_add(1));
        Self { cause, said: bounded(said), since, runs, last_audited, deep_at: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(asked: Asked, text: &str) -> Cause {
        Cause::of(asked, &Failed::Denied { code: "AccessDenied".into() }, text)
    }

    #[test]
    fn a_denial_is_distinguished_by_its_text_and_by_where_it_came_from() {
        let feature = "Root credentials management feature is not enabled for your AWS Organization.";
        assert_eq!(denied(Asked::ForASession, feature), Cause::FeatureOff);
        let root = "User: arn:aws:iam::444455556666:root is not authorized to perform: iam:GetAccountSummary on resource: * with an \
                    explicit deny in a service control policy";
        assert_eq!(denied(Asked::InTheSession, root), Cause::ServiceControlPolicy);
        let own = "User: arn:aws:sts::111122223333:assumed-role/auditor/x is not authorized to perform: sts:AssumeRoot on resource: \
                   arn:aws:iam::444455556666:root";
        assert_eq!(denied(Asked::ForASession, own), Cause::Denied);
        assert_eq!(denied(Asked::ForASession, ""), Cause::Denied);
        assert_eq!(
            denied(Asked::InTheSession, ""),
            Cause::ServiceControlPolicy,
            "nothing else limits the session but the task policy"
        );
        let by_role = |text| denied(Asked::ByTheRole, text);
        assert_eq!([by_role(own), by_role(root), by_role("")], [Cause::RoleMissing; 3]);
        let expired = Failed::Denied { code: "ExpiredToken".into() };
        assert_eq!(Cause::of(Asked::ByTheRole, &expired, ""), Cause::Unreachable);
        assert_eq!(Cause::of(Asked::InTheSession, &expired, "The security token is expired"), Cause::Unreachable);
        assert_eq!(
            Cause::of(Asked::ForASession, &Failed::Throttled { code: "Throttling".into() }, ""),
            Cause::Throttled
        );
        assert_eq!(Cause::of(Asked::ForASession, &Failed::TimedOut, feature), Cause::Unreachable);
    }

    #[test]
    fn runs_in_a_row_are_counted_from_the_first() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let first = Refusal::new(Cause::Denied, "no", None, None, now);
        let later = now + jiff::SignedDuration::from_hours(6);
        let second = Refusal::new(Cause::Throttled, "slow", Some(&first), None, later);
        assert_eq!((second.since, second.runs), (now, 2));
        let stepped_back =
            Refusal::new(Cause::Denied, "no", Some(&second), None, now - jiff::SignedDuration::from_hours(1));
        assert!(stepped_back.since < now, "a clock that stepped back");
    }
}
