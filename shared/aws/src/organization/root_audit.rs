//! Root's credentials of a member account, by a session of `sts:AssumeRoot` that can read them and nothing else
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>).
//!
//! The session belongs to the member's root user, so no call names a user. Its credentials are in the clients of [`Session`] alone, which
//! shows neither them nor their key's id.

use std::fmt;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::{Credentials, IdentityCache, SharedCredentialsProvider};
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::get_login_profile::GetLoginProfileError;
use aws_sdk_iam::operation::get_user::GetUserOutput;
use aws_sdk_iam::types::StatusType;
use aws_sdk_sts::types::PolicyDescriptorType;
use facts::account_summary::AccountSummary;
use facts::root_audit::{AccessKey, MfaDevice, Password, RootAudit, SigningCertificate};
use facts::source::Cause as Failed;
use facts::text::bounded;
use facts::{AccountId, Partition, Source, Unavailable};
use futures_util::future::join_all;
use jiff::Timestamp;
use members::{Asked, Cause};

use crate::failure::{cause, unavailable};
use crate::sources::iam;
use crate::timestamp;

/// The IAM action that is called with the function's own role; the task policy limits the session.
pub const ACTIONS: &[&str] = &["sts:AssumeRoot"];

/// The IAM actions that are called in a member's session: they need no statement of ours, as the task policy allows them
/// (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMAuditRootUserCredentials.html>).
pub const IN_SESSION: &[&str] = &[
    "iam:GetAccessKeyLastUsed",
    "iam:GetAccountSummary",
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "iam:ListMFADevices",
    "iam:ListSigningCertificates",
];

/// The AWS managed policy that limits the session to reading.
pub const TASK_POLICY: &str = "root-task/IAMAuditRootUserCredentials";

/// The longest session that AWS gives, in seconds
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>).
const SESSION: i32 = 900;
/// Most access keys that root has (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const MAX_KEYS: usize = 2;
/// Pages of a list: root has at most eight MFA devices, two keys and two certificates.
const MAX_PAGES: usize = 4;

/// Opens sessions in member accounts.
#[derive(Debug, Clone)]
pub struct RootAuditor {
    config: SdkConfig,
    sts: aws_sdk_sts::Client,
    task_policy: String,
}

/// A session in a member account.
#[derive(Clone)]
pub struct Session {
    account: AccountId,
    iam: Client,
}

/// A member that could not be audited: the parts of a [`members::Refusal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What kind of refusal it is.
    pub cause: Cause,
    /// The operation, and what AWS said.
    pub said: String,
}

/// The account alone.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("account", &self.account).finish_non_exhaustive()
    }
}

impl RootAuditor {
    /// With the function's own `config`. The endpoint of STS is that of its Region: the global one takes no `sts:AssumeRoot`
    /// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>).
    pub fn new(config: &SdkConfig, partition: Partition) -> Self {
        let task_policy = format!("arn:{}:iam::aws:policy/{TASK_POLICY}", partition.as_str());
        Self { config: config.clone(), sts: aws_sdk_sts::Client::new(config), task_policy }
    }

    /// A session of 15 minutes as root of `account`, which can read root's credentials.
    ///
    /// # Errors
    /// When AWS gave none.
    pub async fn assume(&self, account: &AccountId) -> Result<Session, Refused> {
        const OPERATION: &str = "sts:AssumeRoot";
        let policy = PolicyDescriptorType::builder().arn(&self.task_policy).build();
        let request = self.sts.assume_root().target_principal(account.as_str()).task_policy_arn(policy);
        let answer = request.duration_seconds(SESSION).send().await;
        let answer = answer.map_err(|error| refused(Asked::ForASession, OPERATION, &error))?;
        let given = answer.credentials().ok_or_else(|| {
            let detail = "Credentials is missing".to_owned();
            Refused { cause: Cause::Unreachable, said: format!("{OPERATION} {}", Failed::Malformed { detail }) }
        })?;
        let ends = SystemTime::try_from(*given.expiration()).ok();
        let token = Some(given.session_token().to_owned());
        let credentials = Credentials::new(given.access_key_id(), given.secret_access_key(), token, ends, "AssumeRoot");
        let config = self.config.clone().into_builder();
        // A cache would keep the credentials of every member as long as the process lives.
        let config = config.identity_cache(IdentityCache::no_cache());
        let config = config.credentials_provider(SharedCredentialsProvider::new(credentials)).build();
        Ok(Session { account: account.clone(), iam: Client::new(&config) })
    }
}

impl Session {
    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The live counters.
    ///
    /// # Errors
    /// When AWS did not show them: the first call of a session shows whether a service control policy denies the audit.
    pub async fn summary(&self) -> Result<AccountSummary, Refused> {
        let summary = iam::summary(&self.iam).await;
        summary.map_err(|error| refused(Asked::InTheSession, "iam:GetAccountSummary", &error))
    }

    /// Root's credentials one by one. The failure of one call hides no other.
    pub async fn whole(&self) -> RootAudit {
        let (password, access_keys, signing_certificates, mfa_devices, user) = tokio::join!(
            password(&self.iam),
            access_keys(&self.iam),
            signing_certificates(&self.iam),
            mfa_devices(&self.iam),
            user(&self.iam),
        );
        let (password_last_used, created) = match user {
            Ok((used, created)) => (Ok(used), created),
            Err(unread) => (Err(unread.clone()), Err(unread)),
        };
        RootAudit { password, access_keys, signing_certificates, mfa_devices, password_last_used, created }
    }
}

/// Texts tell apart what codes do not, and may be long: the cause is known by the whole text.
fn refused<E: ProvideErrorMetadata, R>(asked: Asked, operation: &str, error: &SdkError<E, R>) -> Refused {
    let text = error.as_service_error().and_then(|error| error.message()).unwrap_or_default();
    let failed = cause(error);
    let separator = if text.is_empty() { "" } else { ": " };
    let said = bounded(&format!("{operation} {failed}{separator}{text}"));
    Refused { cause: Cause::of(asked, &failed, text), said }
}

fn unread<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> Unavailable {
    unavailable(Source::RootAudit, operation, error)
}

fn malformed(operation: &str, detail: &str) -> Unavailable {
    let cause = Failed::Malformed { detail: detail.into() };
    Unavailable { source: Source::RootAudit, operation: operation.into(), cause }
}

/// All that `page` gives: it takes the marker of a page, and answers with the page and the marker of the next.
async fn pages<T>(
    operation: &str,
    page: impl AsyncFn(Option<String>) -> Result<(Vec<T>, Option<String>), Unavailable>,
) -> Result<Vec<T>, Unavailable> {
    let (mut all, mut marker) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let (items, next) = page(marker).await?;
        all.extend(items);
        marker = next;
        if marker.is_none() {
            return Ok(all);
        }
    }
    Err(malformed(operation, &format!("more than {MAX_PAGES} pages")))
}

async fn password(client: &Client) -> Result<Option<Password>, Unavailable> {
    const OPERATION: &str = "iam:GetLoginProfile";
    match client.get_login_profile().send().await {
        Ok(answer) => {
            let profile = answer.login_profile().ok_or_else(|| malformed(OPERATION, "LoginProfile is missing"))?;
            Ok(Some(Password { created: timestamp(profile.create_date()) }))
        }
        Err(error) => match error.as_service_error() {
            Some(GetLoginProfileError::NoSuchEntityException(_)) => Ok(None),
            _ => Err(unread(OPERATION, &error)),
        },
    }
}

async fn access_keys(client: &Client) -> Result<Vec<AccessKey>, Unavailable> {
    const OPERATION: &str = "iam:ListAccessKeys";
    let keys = pages(OPERATION, async |marker| {
        let page = client.list_access_keys().set_marker(marker).send().await;
        let page = page.map_err(|error| unread(OPERATION, &error))?;
        Ok((page.access_key_metadata, page.marker))
    });
    let keys = keys.await?;
    let keys = keys.iter().enumerate().map(async |(number, key)| {
        let id = key.access_key_id().unwrap_or_default();
        let last_used = match number {
            ..MAX_KEYS => last_used(client, id).await,
            _ => Err(malformed(LAST_USED, "root has more than two access keys")),
        };
        AccessKey {
            id: bounded(id),
            active: key.status() != Some(&StatusType::Inactive),
            created: key.create_date().and_then(timestamp),
            last_used,
        }
    });
    Ok(join_all(keys).await)
}

const LAST_USED: &str = "iam:GetAccessKeyLastUsed";

async fn last_used(client: &Client, id: &str) -> Result<Option<Timestamp>, Unavailable> {
    let answer = client.get_access_key_last_used().access_key_id(id).send().await;
    let answer = answer.map_err(|error| unread(LAST_USED, &error))?;
    let used = answer.access_key_last_used().ok_or_else(|| malformed(LAST_USED, "AccessKeyLastUsed is missing"))?;
    Ok(used.last_used_date().and_then(timestamp))
}

async fn signing_certificates(client: &Client) -> Result<Vec<SigningCertificate>, Unavailable> {
    const OPERATION: &str = "iam:ListSigningCertificates";
    pages(OPERATION, async |marker| {
        let page = client.list_signing_certificates().set_marker(marker).send().await;
        let page = page.map_err(|error| unread(OPERATION, &error))?;
        let certificates = page.certificates.iter().map(|certificate| SigningCertificate {
            id: bounded(certificate.certificate_id()),
            active: certificate.status() != &StatusType::Inactive,
        });
        Ok((certificates.collect(), page.marker))
    })
    .await
}

async fn mfa_devices(client: &Client) -> Result<Vec<MfaDevice>, Unavailable> {
    const OPERATION: &str = "iam:ListMFADevices";
    pages(OPERATION, async |marker| {
        let page = client.list_mfa_devices().set_marker(marker).send().await;
        let page = page.map_err(|error| unread(OPERATION, &error))?;
        let devices = page.mfa_devices.iter().map(|device| MfaDevice::of_serial(device.serial_number()));
        Ok((devices.collect(), page.marker))
    })
    .await
}

/// When root's password was last used, and when the account was created.
async fn user(client: &Client) -> Result<(Option<Timestamp>, Result<Timestamp, Unavailable>), Unavailable> {
    const OPERATION: &str = "iam:GetUser";
    let answer: GetUserOutput = client.get_user().send().await.map_err(|error| unread(OPERATION, &error))?;
    let user = answer.user().ok_or_else(|| malformed(OPERATION, "User is missing"))?;
    let created = timestamp(user.create_date()).ok_or_else(|| malformed(OPERATION, "CreateDate is no time"));
    Ok((user.password_last_used().and_then(timestamp), created))
}
