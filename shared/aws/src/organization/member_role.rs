//! A member account by a role of its own: [`MemberRoles`] opens sessions, and a [`Collector`] with the session's credentials reads the
//! account as it reads any other.
//!
//! Two kinds of roles are assumed. The stack's own is made for reading, trusts the auditor's role alone, and wants an external id. The role
//! `OrganizationAccountAccessRole`, which AWS Organizations makes in accounts that it creates, is an administrator: it is assumed under AWS's
//! read-only policies as session policies, which limit the session to what both allow
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>).

use std::collections::BTreeSet;
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_sts::types::PolicyDescriptorType;
use facts::account_summary::AccountSummary;
use facts::{AccountId, Partition, Source};
use members::{Access, Asked};

use super::root_audit::{Refused, given, refused};
use crate::collector::Collector;
use crate::sources::{self, iam};

/// The IAM action that is called with the function's own role.
pub const ACTIONS: &[&str] = &["sts:AssumeRole"];

/// The role that AWS Organizations makes in the accounts that it creates
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html>).
pub const ORGANIZATION_ROLE: &str = "OrganizationAccountAccessRole";

/// What bounds a session of [`ORGANIZATION_ROLE`]: neither allows a write. The second has `account:ListRegions` and
/// `account:GetContactInformation`, which the first lacks
/// (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SecurityAudit.html>).
pub const SESSION_POLICIES: [&str; 2] = ["SecurityAudit", "AWSAccountManagementReadOnlyAccess"];

/// What CloudTrail of the member shows of a session.
pub const SESSION_NAME: &str = "rootwatch";

/// The shortest session that AWS gives, in seconds (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const SESSION: i32 = 900;

/// What is read for bills, which are of the payer.
const OF_BILLS: [Source; 4] = [Source::CostReports, Source::DataExports, Source::Budgets, Source::BillingAlarms];

/// Every IAM action that is called in a member by its role, each once, in the order of the alphabet.
pub fn in_member() -> Vec<&'static str> {
    let baseline = sources::baseline_actions().into_iter().filter(|(source, _)| !OF_BILLS.contains(source));
    let baseline = baseline.flat_map(|(_, actions)| actions).copied();
    let actions: BTreeSet<&str> = sources::core_actions().into_iter().chain(baseline).collect();
    actions.into_iter().collect()
}

/// Which role is assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRole {
    /// The stack's own.
    Own {
        /// Its name, the same in every account.
        name: String,
        /// What its trust policy asks for.
        external_id: String,
    },
    /// [`ORGANIZATION_ROLE`], under [`SESSION_POLICIES`].
    Organization,
}

/// Opens sessions in member accounts.
#[derive(Debug, Clone)]
pub struct MemberRoles {
    config: SdkConfig,
    sts: aws_sdk_sts::Client,
    role: MemberRole,
    partition: Partition,
}

/// A session in a member account.
#[derive(Clone)]
pub struct RoleSession {
    account: AccountId,
    config: SdkConfig,
}

/// The account alone.
impl fmt::Debug for RoleSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleSession").field("account", &self.account).finish_non_exhaustive()
    }
}

impl MemberRole {
    /// By the parameter `MemberAccess`; `None`: no role is assumed.
    pub fn of(access: Access, name: &str, organization: &str) -> Option<Self> {
        match access {
            Access::RootAudit => None,
            Access::Role => Some(Self::Own { name: name.to_owned(), external_id: organization.to_owned() }),
            Access::OrganizationRole => Some(Self::Organization),
        }
    }
}

impl MemberRoles {
    /// With the function's own `config`; the endpoint of STS is that of its Region.
    pub fn new(config: &SdkConfig, partition: Partition, role: MemberRole) -> Self {
        Self { config: config.clone(), sts: aws_sdk_sts::Client::new(config), role, partition }
    }

    /// A session of 15 minutes in `account`, which can read it.
    ///
    /// # Errors
    /// When AWS gave none.
    pub async fn assume(&self, account: &AccountId) -> Result<RoleSession, Refused> {
        const OPERATION: &str = "sts:AssumeRole";
        let partition = self.partition.as_str();
        let arn = |name: &str| format!("arn:{partition}:iam::{account}:role/{name}");
        let request = self.sts.assume_role().role_session_name(SESSION_NAME).duration_seconds(SESSION);
        let request = match &self.role {
            MemberRole::Own { name, external_id } => request.role_arn(arn(name)).external_id(external_id),
            MemberRole::Organization => {
                let policy = |name| format!("arn:{partition}:iam::aws:policy/{name}");
                let policies = SESSION_POLICIES.map(|name| PolicyDescriptorType::builder().arn(policy(name)).build());
                request.role_arn(arn(ORGANIZATION_ROLE)).set_policy_arns(Some(policies.to_vec()))
            }
        };
        let answer = request.send().await.map_err(|error| refused(Asked::ByTheRole, OPERATION, &error))?;
        let config = given(&self.config, answer.credentials(), OPERATION)?;
        Ok(RoleSession { account: account.clone(), config })
    }
}

impl RoleSession {
    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The live counters, which say whether root has credentials and make no event of root.
    ///
    /// # Errors
    /// When AWS did not show them.
    pub async fn summary(&self) -> Result<AccountSummary, Refused> {
        let summary = iam::summary(&aws_sdk_iam::Client::new(&self.config)).await;
        summary.map_err(|error| refused(Asked::ByTheRole, "iam:GetAccountSummary", &error))
    }

    /// Reads the account with the session's credentials.
    pub fn collector(&self) -> Collector {
        Collector::new(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;
    use members::Cause;

    use super::*;

    /// The requests that were made: address, who signed, and the form.
    type Requests = Arc<Mutex<Vec<(String, String, Vec<(String, String)>)>>>;

    fn member() -> AccountId {
        AccountId::parse("444455556666").expect("an id")
    }

    fn own() -> MemberRole {
        MemberRole::of(Access::Role, "guard-member", "o-exampleorg1").expect("a role")
    }

    /// An AWS that issues a session and denies `denied` in it.
    fn roles(role: MemberRole, denied: &'static str, text: &'static str) -> (MemberRoles, Requests) {
        let requests = Requests::default();
        let noted = Arc::clone(&requests);
        let http = infallible_client_fn(move |request: http::Request<SdkBody>| {
            let form = request.body().bytes().expect("a form").to_vec();
            let form = String::from_utf8(form).expect("text").replace("%3A", ":").replace("%2F", "/");
            let form = form.split('&').filter_map(|pair| pair.split_once('='));
            let form: Vec<(String, String)> = form.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let signed = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            let action = form.iter().find(|(name, _)| name == "Action").map(|(_, value)| value.clone());
            let action = action.expect("an action");
            let entry = (request.uri().to_string(), signed.unwrap_or_default().to_owned(), form);
            noted.lock().expect("one thread").push(entry);
            if action == denied {
                let error = format!("<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>");
                let body = format!("<ErrorResponse>{error}</ErrorResponse>");
                return http::Response::builder().status(403).body(body).expect("an answer");
            }
            let result = match action.as_str() {
                "AssumeRole" => {
                    "<Credentials><AccessKeyId>ASIAMEMBEREXAMPLE</AccessKeyId><SecretAccessKey>a-secret</SecretAccessKey>\
                     <SessionToken>a-token</SessionToken><Expiration>2126-11-20T10:15:00Z</Expiration></Credentials>"
                }
                _ => "<SummaryMap><entry><key>AccountMFAEnabled</key><value>1</value></entry></SummaryMap>",
            };
            let body = format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>");
            http::Response::builder().status(200).body(body).expect("an answer")
        });
        let credentials = Credentials::new("AKIAOWNEXAMPLE", "s", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .build();
        (MemberRoles::new(&config, Partition::Aws, role), requests)
    }

    async fn assumed(role: MemberRole) -> Vec<(String, String)> {
        let (roles, requests) = roles(role, "", "");
        roles.assume(&member()).await.expect("a session");
        let requests = requests.lock().expect("one thread");
        let [(address, _, form)] = requests.as_slice() else { panic!("{requests:?}") };
        assert_eq!(address, "https://sts.eu-west-1.amazonaws.com/");
        form.clone()
    }

    fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
        form.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    #[tokio::test]
    async fn the_stacks_role_is_assumed_at_the_regions_endpoint_with_the_external_id() {
        let form = assumed(own()).await;
        for (name, value) in [
            ("RoleArn", "arn:aws:iam::444455556666:role/guard-member"),
            ("ExternalId", "o-exampleorg1"),
            ("RoleSessionName", SESSION_NAME),
            ("DurationSeconds", "900"),
        ] {
            assert_eq!(field(&form, name), Some(value), "{form:?}");
        }
        assert!(!form.iter().any(|(name, _)| name.starts_with("PolicyArns")), "{form:?}");
    }

    #[tokio::test]
    async fn an_administrators_role_is_never_assumed_without_the_session_policies_that_read() {
        let role = MemberRole::of(Access::OrganizationRole, "ignored", "o-exampleorg1").unwrap();
        let form = assumed(role).await;
        assert_eq!(field(&form, "RoleArn"), Some("arn:aws:iam::444455556666:role/OrganizationAccountAccessRole"));
        let policies: Vec<&str> = form
            .iter()
            .filter(|(name, _)| name.starts_with("PolicyArns.member."))
            .map(|(_, value)| value.as_str())
            .collect();
        let expected =
            ["arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/AWSAccountManagementReadOnlyAccess"];
        assert_eq!(policies, expected);
        assert_eq!(field(&form, "ExternalId"), None, "its trust policy asks for none");
        assert_eq!(MemberRole::of(Access::RootAudit, "x", "o-exampleorg1"), None);
    }

    #[tokio::test]
    async fn a_session_calls_with_its_own_credentials_and_shows_none() {
        let (roles, requests) = roles(own(), "", "");
        let session = roles.assume(&member()).await.unwrap();
        assert_eq!(session.summary().await.unwrap().root_mfa, Ok(1));
        let requests = requests.lock().unwrap();
        assert!(requests[0].1.contains("Credential=AKIAOWNEXAMPLE/"));
        assert!(requests[1].1.contains("Credential=ASIAMEMBEREXAMPLE/"));
        let shown = format!("{session:?} {roles:?}");
        assert!(shown.contains(session.account().as_str()), "{shown}");
        assert!(!["a-secret", "a-token", "ASIAMEMBER"].iter().any(|secret| shown.contains(secret)), "{shown}");
    }

    #[tokio::test]
    async fn a_role_that_is_not_there_or_may_not_read_is_missing_with_what_aws_said() {
        let text =
            "User: arn:aws:sts::111122223333:assumed-role/auditor/x is not authorized to perform: sts:AssumeRole";
        let refused = roles(own(), "AssumeRole", text).0.assume(&member()).await.unwrap_err();
        assert_eq!(refused.cause, Cause::RoleMissing);
        assert_eq!(refused.said, format!("sts:AssumeRole (AccessDenied): {text}"));
        let session = roles(own(), "GetAccountSummary", "no").0.assume(&member()).await.unwrap();
        let refused = session.summary().await.unwrap_err();
        assert_eq!(
            (refused.cause, refused.said.as_str()),
            (Cause::RoleMissing, "iam:GetAccountSummary (AccessDenied): no")
        );
    }

    #[test]
    fn what_is_called_in_a_member_is_all_that_a_check_reads_but_bills() {
        let (all, in_member) = (sources::read_actions(), in_member());
        let left_out: Vec<&str> = all.into_iter().filter(|action| !in_member.contains(action)).collect();
        assert_eq!(
            left_out,
            [
                "bcm-data-exports:ListExports",
                "billing:GetBillingViewData",
                "budgets:ViewBudget",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:DescribeAlarmsForMetric",
                "cur:DescribeReportDefinitions",
            ]
        );
        let needed = members::deep_selection().sources();
        assert!(OF_BILLS.iter().all(|source| !needed.contains(source)));
    }
}
