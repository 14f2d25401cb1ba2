//! An organization behind the account: the lists of its members, sessions of their root users, and what IAM answers in these sessions. In a
//! session of a member's role the whole of another story answers.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::iam::{self, Form, escape};
use crate::page::{FIELDS, Pages};
use crate::server::State;
use crate::story::Story;

pub use self::described::Organization;
use self::described::{Account, Refusal};

mod described;
mod root;

/// At most twenty accounts a page (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>).
const ACCOUNTS: Pages = Pages {
    list: "Accounts",
    fields: FIELDS,
    sizes: 1..=20,
    usual: 20,
    errors: ("InvalidInputException", "InvalidInputException"),
};
/// Policies that bound a session of root all have this path.
const ROOT_TASKS: &str = "arn:aws:iam::aws:policy/root-task/";
const AUDIT: &str = "IAMAuditRootUserCredentials";
const OTHER_TASKS: [&str; 4] =
    ["IAMCreateRootUserPassword", "IAMDeleteRootUserCredentials", "S3UnlockBucketPolicy", "SQSUnlockQueuePolicy"];
/// What the task policy for audits leaves of root's rights.
pub const AUDIT_ACTIONS: [&str; 7] = [
    "iam:GetAccessKeyLastUsed",
    "iam:GetAccountSummary",
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "iam:ListMFADevices",
    "iam:ListSigningCertificates",
];
/// Longest session of root, in seconds.
const LONGEST: i64 = 900;

/// What a session of an administrator's role is bounded by.
const READ_ONLY: [&str; 2] = ["SecurityAudit", "AWSAccountManagementReadOnlyAccess"];
const ADMINISTRATOR: &str = "OrganizationAccountAccessRole";
/// The name that the template gives the stack's own role, in the sandbox.
pub const MEMBER_ROLE: &str = "rootwatch-eu-west-1-member";

/// The sessions in members, by access key.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_key: BTreeMap<String, Session>,
    /// Of the roles, by account and scenario, and how many minutes late CloudTrail shows its events.
    behind: BTreeMap<(String, String, i64), Behind>,
}

#[derive(Debug)]
struct Session {
    account: String,
    calls: usize,
    /// The scenario that the role shows; `None`: it is of root.
    scenario: Option<String>,
}

/// A member as its role shows it.
#[derive(Debug)]
struct Behind {
    story: Story,
    lookups: HashMap<String, Vec<Instant>>,
}

impl Sessions {
    /// The member in whose session `key` signs.
    pub(crate) fn account(&self, key: &str) -> Option<&str> {
        self.by_key.get(key).map(|session| session.account.as_str())
    }

    /// Whether `key` is of a role, and not of root.
    pub(crate) fn is_of_role(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|session| session.scenario.is_some())
    }

    /// A new session; its key names the account, as keys of AWS do in a way of their own.
    fn issue(&mut self, account: &str, scenario: Option<String>) -> String {
        let key = format!("ASIA{account}{:04}", self.by_key.len() % 10_000);
        self.by_key.insert(key.clone(), Session { account: account.to_owned(), calls: 0, scenario });
        key
    }
}

/// The access key that signed a request.
pub(crate) fn signed_by(headers: &HeaderMap) -> &str {
    let header = headers.get("authorization").and_then(|header| header.to_str().ok()).unwrap_or_default();
    header.split("Credential=").nth(1).and_then(|scope| scope.split('/').next()).unwrap_or_default()
}

/// How long the member in whose session `key` signs takes for an answer.
pub(crate) fn delay(state: &State, key: &str) -> Duration {
    Duration::from_millis(find(state, state.sessions.account(key).unwrap_or_default()).map_or(0, |member| member.slow))
}

fn find<'a>(state: &'a State, account: &str) -> Option<&'a Account> {
    state.organization.as_ref()?.accounts.iter().find(|member| member.id == account)
}

/// Lets `key` make one more call: in the member that it is of.
fn enter<'a>(state: &'a mut State, key: &str, headers: &HeaderMap) -> Result<&'a Session, ServiceError> {
    let refused = |code: &str, what: &str| ServiceError::new(403, code, what);
    let invalid = || refused("InvalidClientTokenId", "The security token included in the request is invalid.");
    let session = state.sessions.by_key.get_mut(key).ok_or_else(invalid)?;
    if headers.get("x-amz-security-token").and_then(|token| token.to_str().ok()) != Some(&token(key)) {
        return Err(invalid());
    }
    session.calls += 1;
    let (account, calls) = (session.account.clone(), session.calls);
    let member = find(state, &account).ok_or_else(invalid)?;
    if member.expires_after.is_some_and(|most| calls > most) {
        return Err(refused("ExpiredToken", "The security token included in the request is expired"));
    }
    state.sessions.by_key.get(key).ok_or_else(invalid)
}

/// What a session of a member's role gets: `answer` of the story that it shows, in place of the account's own.
pub(crate) fn by_role<T>(
    state: &mut State,
    key: &str,
    headers: &HeaderMap,
    answer: impl FnOnce(&mut State) -> Result<T, ServiceError>,
) -> Result<T, ServiceError> {
    let session = enter(state, key, headers)?;
    let (account, scenario) = (session.account.clone(), session.scenario.clone().unwrap_or_default());
    let late = find(state, &account).and_then(|member| member.late);
    let of = (account, scenario, late.unwrap_or_default());
    let mut behind = state.sessions.behind.remove(&of).unwrap_or_else(|| {
        let mut story = Story::at(&of.1, state.story.now).in_account(&of.0);
        if let Some(late) = late {
            story = story.shown_late(SignedDuration::from_mins(late));
        }
        Behind { story, lookups: HashMap::new() }
    });
    let organization = state.organization.take();
    let completeness = (state.report_asked, state.report_complete);
    std::mem::swap(&mut state.story, &mut behind.story);
    std::mem::swap(&mut state.lookups, &mut behind.lookups);
    (state.report_asked, state.report_complete) = (true, true);
    let answer = answer(state);
    (state.report_asked, state.report_complete) = completeness;
    std::mem::swap(&mut state.lookups, &mut behind.lookups);
    std::mem::swap(&mut state.story, &mut behind.story);
    state.organization = organization;
    state.sessions.behind.insert(of, behind);
    answer
}

/// What a session of a member's root user gets, whatever it calls.
pub(crate) fn in_session(
    state: &mut State,
    action: &str,
    key: &str,
    headers: &HeaderMap,
    form: &Form,
) -> Result<String, ServiceError> {
    let account = enter(state, key, headers)?.account.clone();
    let refused = |code: &str, what: String| ServiceError::new(403, code, what);
    let gone = || refused("InvalidClientTokenId", "The security token included in the request is invalid.".into());
    let member = find(state, &account).ok_or_else(gone)?;
    let denied = |why: &str| {
        let root = format!("arn:aws:iam::{account}:root");
        let resource = if action == "iam:GetAccountSummary" { "*" } else { &root };
        let what = format!("User: {root} is not authorized to perform: {action} on resource: {resource} {why}");
        refused("AccessDenied", what)
    };
    if member.refuses == Some(Refusal::ServiceControlPolicy) {
        return Err(denied("with an explicit deny in a service control policy"));
    }
    // The policy of the session allows its six other actions on root alone, and only requests without a name are on root.
    if !AUDIT_ACTIONS.contains(&action) || form.contains_key("UserName") {
        return Err(denied("with an explicit deny in a session policy"));
    }
    let operation = action.trim_start_matches("iam:");
    root::answer(member, operation, form, state.story.now).map(|result| iam::word(operation, &result))
}

fn token(key: &str) -> String {
    format!("token-of-{key}")
}

/// `AssumeRoot` (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>).
pub(crate) fn assume_root(state: &mut State, headers: &HeaderMap, form: &Form) -> Result<String, ServiceError> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let invalid = |what: &str| ServiceError::new(400, "ValidationError", what);
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    if host == "sts.amazonaws.com" || field("Version") != "2011-06-15" {
        return Err(ServiceError::new(400, "InvalidAction", "Unknown Operation"));
    }
    let target = field("TargetPrincipal");
    let account = target.strip_prefix("arn:aws:iam::").and_then(|arn| arn.strip_suffix(":root")).unwrap_or(target);
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("TargetPrincipal is an account's id or the ARN of its root user"));
    }
    let policy = field("TaskPolicyArn.arn").strip_prefix(ROOT_TASKS).unwrap_or_default();
    if policy != AUDIT && !OTHER_TASKS.contains(&policy) {
        return Err(invalid("Request must contain valid AWS managed task policy ARN"));
    }
    let seconds = form.get("DurationSeconds").map_or(Some(LONGEST), |seconds| seconds.parse().ok());
    let seconds = seconds.filter(|seconds| (0..=LONGEST).contains(seconds));
    let seconds = seconds.ok_or_else(|| invalid("DurationSeconds is at most 900"))?;

    let refused = |what: String| ServiceError::new(403, "AccessDenied", what);
    let organization = state.organization.as_ref();
    if !organization.is_some_and(Organization::manages_root_credentials) {
        return Err(refused("Root credentials management feature is not enabled for your AWS Organization.".into()));
    }
    let caller = &state.story.account;
    let member = find(state, account).filter(|member| {
        let is_delegated = organization.is_some_and(|organization| organization.is_delegated);
        let is_reached = organization.is_some_and(|organization| organization.management != account);
        // The function's role may ask for this policy alone.
        is_delegated && is_reached && member.is_usable() && policy == AUDIT
    });
    match member.filter(|member| member.refuses != Some(Refusal::Session)) {
        None => {
            let user = format!("arn:aws:sts::{caller}:assumed-role/rootwatch/rootwatch");
            let root = format!("arn:aws:iam::{account}:root");
            Err(refused(format!("User: {user} is not authorized to perform: sts:AssumeRoot on resource: {root}")))
        }
        Some(member) if member.refuses == Some(Refusal::Throttling) => Err(ServiceError::throttled("sts")),
        Some(_) => {
            let key = state.sessions.issue(account, None);
            Ok(credentials("AssumeRoot", &key, seconds))
        }
    }
}

fn credentials(operation: &str, key: &str, seconds: i64) -> String {
    // Of the present outside: the SDK compares it with its own clock.
    let until = Timestamp::now() + SignedDuration::from_secs(seconds);
    format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-of-{key}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>{until}</Expiration></Credentials></{operation}Result>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{operation}Response>",
        token(key)
    )
}

/// `AssumeRole` (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>): of the two roles that a member may have.
pub(crate) fn assume_role(state: &mut State, headers: &HeaderMap, form: &Form) -> Result<String, ServiceError> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    if host == "sts.amazonaws.com" || field("Version") != "2011-06-15" {
        return Err(ServiceError::new(400, "InvalidAction", "only Regional endpoints are asked here"));
    }
    let seconds: i64 = field("DurationSeconds").parse().unwrap_or(3_600);
    if !(900..=43_200).contains(&seconds) || !(2..=64).contains(&field("RoleSessionName").len()) {
        return Err(ServiceError::new(400, "ValidationError", "DurationSeconds is at least 900; a session has a name"));
    }
    let arn = field("RoleArn");
    let parts = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/"));
    let (account, name) = parts.ok_or_else(|| ServiceError::new(400, "ValidationError", "RoleArn is no role"))?;
    let policies: Vec<&str> = (1..=10)
        .map(|number| field(&format!("PolicyArns.member.{number}.arn")))
        .filter(|arn| !arn.is_empty())
        .collect();
    let expected = READ_ONLY.map(|policy| format!("arn:aws:iam::aws:policy/{policy}"));
    let organization = state.organization.as_ref();
    let trusts = match name {
        ADMINISTRATOR => {
            assert_eq!(policies, expected, "an administrator's role is assumed without a bound");
            true
        }
        MEMBER_ROLE => organization.is_some_and(|organization| field("ExternalId") == organization.id),
        _ => false,
    };
    let is_reached = organization.is_some_and(|organization| organization.management != account);
    let member = find(state, account).filter(|member| trusts && is_reached && member.is_usable());
    let caller = &state.story.account;
    match member.map(|member| (member.refuses, member.role.clone())) {
        Some((Some(Refusal::Throttling), _)) => Err(ServiceError::throttled("sts")),
        Some((_, Some(scenario))) => {
            let key = state.sessions.issue(account, Some(scenario));
            Ok(credentials("AssumeRole", &key, seconds))
        }
        _ => {
            let user = format!("arn:aws:sts::{caller}:assumed-role/rootwatch/rootwatch");
            let what = format!("User: {user} is not authorized to perform: sts:AssumeRole on resource: {arn}");
            Err(ServiceError::new(403, "AccessDenied", what))
        }
    }
}

/// What AWS Organizations answers of the organization; `None`: another operation.
pub(crate) fn answer(
    state: &State,
    operation: &str,
    region: &str,
    request: &Value,
) -> Option<Result<Value, ServiceError>> {
    let organization = state.organization.as_ref()?;
    let answer = match operation {
        "DescribeOrganization" => Ok(json!({"Organization": describe(organization)})),
        "ListAccounts" if !organization.is_delegated => {
            let what = "You don't have permissions to access this resource.";
            Err(ServiceError::new(400, "AccessDeniedException", what))
        }
        // The first page may be empty: only the token says whether there is another.
        "ListAccounts" if request.get("NextToken").is_none() => {
            ACCOUNTS.of(state, request, Vec::new()).map(|_| ACCOUNTS.empty(request))
        }
        "ListAccounts" => {
            let accounts = organization.accounts.iter().map(|account| account.listed(organization));
            ACCOUNTS.of(state, request, accounts.collect())
        }
        "ListTagsForResource" => {
            let id = request["ResourceId"].as_str().unwrap_or_default();
            let account = organization.accounts.iter().find(|account| account.id == id);
            let what = "We can't find a resource with the TargetId that you specified.";
            account.ok_or_else(|| ServiceError::new(400, "TargetNotFoundException", what)).map(|account| {
                let tags = account.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
                json!({"Tags": tags.collect::<Vec<_>>()})
            })
        }
        _ => return None,
    };
    Some(ServiceError::unless_in_us_east_1(region).and(answer))
}

fn describe(organization: &Organization) -> Value {
    let Organization { id, management, feature_set, .. } = organization;
    json!({
        "Id": id,
        "Arn": format!("arn:aws:organizations::{management}:organization/{id}"),
        "FeatureSet": feature_set,
        "MasterAccountArn": format!("arn:aws:organizations::{management}:account/{id}/{management}"),
        "MasterAccountId": management,
        "MasterAccountEmail": "root@example.com",
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
    })
}

/// `ListOrganizationsFeatures`.
pub(crate) fn features(state: &State, organization: &Organization) -> Result<String, ServiceError> {
    let (account, id) = (&state.story.account, &organization.id);
    let refused = |code: &str, what: String| Err(ServiceError::new(400, code, what));
    if !organization.is_delegated {
        let what = format!("Input account {account} is neither management account nor delegated admin.");
        return refused("AccountNotManagementOrDelegatedAdministratorException", what);
    }
    if organization.feature_set != "ALL" {
        let what = format!("Organization {id} is not in all features mode.");
        return refused("OrganizationNotInAllFeaturesModeException", what);
    }
    let Some(features) = &organization.features else {
        let what = format!("Trusted Access for IAM not enabled by organization of input account {account}");
        return refused("ServiceAccessNotEnabledException", what);
    };
    let features = features.iter().fold(String::new(), |mut xml, feature| {
        let _ = write!(xml, "<member>{}</member>", escape(feature));
        xml
    });
    Ok(format!("<OrganizationId>{id}</OrganizationId><EnabledFeatures>{features}</EnabledFeatures>"))
}
