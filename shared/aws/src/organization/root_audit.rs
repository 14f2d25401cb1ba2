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
        let config = given(&self.config, answer.credentials(), OPERATION)?;
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

/// `config` with the credentials that `operation` gave.
pub(super) fn given(
    config: &SdkConfig,
    credentials: Option<&aws_sdk_sts::types::Credentials>,
    operation: &str,
) -> Result<SdkConfig, Refused> {
    let given = credentials.ok_or_else(|| {
        let detail = "Credentials is missing".to_owned();
        Refused { cause: Cause::Unreachable, said: format!("{operation} {}", Failed::Malformed { detail }) }
    })?;
    let ends = SystemTime::try_from(*given.expiration()).ok();
    let token = Some(given.session_token().to_owned());
    let credentials = Credentials::new(given.access_key_id(), given.secret_access_key(), token, ends, "member");
    // A cache would keep the credentials of every member as long as the process lives.
    let config = config.clone().into_builder().identity_cache(IdentityCache::no_cache());
    Ok(config.credentials_provider(SharedCredentialsProvider::new(credentials)).build())
}

/// The cause is known by the whole text; what is kept of it names operation and code in few characters, as it is cut at its end.
pub(super) fn refused<E: ProvideErrorMetadata, R>(asked: Asked, operation: &str, error: &SdkError<E, R>) -> Refused {
    let failed = cause(error);
    let service = error.as_service_error().and_then(|error| Some((error.code()?, error.message()?)));
    let said = match service {
        Some((code, text)) => format!("{operation} ({code}): {text}"),
        None => format!("{operation} {failed}"),
    };
    let text = service.map(|(_, text)| text).unwrap_or_default();
    Refused { cause: Cause::of(asked, &failed, text), said: bounded(&said) }
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;
    use facts::root_audit::MfaKind;

    use super::*;

    const MEMBER: &str = "444455556666";
    const SECRET: &str = "a-secret-of-the-member";
    const KEY: &str = "ASIAMEMBEREXAMPLE";

    /// The requests that were made: address, who signed, and the form.
    type Asked = Arc<Mutex<Vec<(String, String, String)>>>;

    fn member() -> AccountId {
        AccountId::parse(MEMBER).expect("an id")
    }

    fn credentials() -> String {
        format!(
            "<Credentials><AccessKeyId>{KEY}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
             <SessionToken>a-token</SessionToken><Expiration>2126-11-20T10:15:00Z</Expiration></Credentials>"
        )
    }

    /// What a member without any credential of root answers.
    fn clean(action: &str) -> Result<String, (&'static str, &'static str)> {
        Ok(match action {
            "AssumeRoot" => credentials(),
            "GetLoginProfile" => return Err(("NoSuchEntity", "Login Profile for User cannot be found.")),
            "GetUser" => "<User><Arn>arn:aws:iam::444455556666:root</Arn><UserId>444455556666</UserId>\
                          <CreateDate>2024-02-03T04:05:06Z</CreateDate></User>"
                .into(),
            "ListAccessKeys" => "<AccessKeyMetadata/><IsTruncated>false</IsTruncated>".into(),
            "ListSigningCertificates" => "<Certificates/><IsTruncated>false</IsTruncated>".into(),
            "ListMFADevices" => "<MFADevices/><IsTruncated>false</IsTruncated>".into(),
            "GetAccountSummary" => {
                "<SummaryMap><entry><key>AccountMFAEnabled</key><value>1</value></entry></SummaryMap>".into()
            }
            _ => return Err(("AccessDenied", "not allowed by the task policy")),
        })
    }

    /// An AWS of which each action is answered by `answer`, with the Region and the endpoint of this function.
    fn auditor(
        (region, endpoint): (&'static str, Option<&str>),
        answer: impl Fn(&str) -> Result<String, (&'static str, &'static str)> + Send + Sync + 'static,
    ) -> (RootAuditor, Asked) {
        let asked = Asked::default();
        let noted = Arc::clone(&asked);
        let http = infallible_client_fn(move |request: http::Request<SdkBody>| {
            let form = String::from_utf8(request.body().bytes().expect("a form").to_vec()).expect("text");
            let action = form.split('&').find_map(|pair| pair.strip_prefix("Action=")).expect("an action").to_owned();
            let header =
                |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            noted.lock().expect("one thread").push((
                request.uri().to_string(),
                header("authorization").to_owned(),
                form,
            ));
            match answer(&action) {
                Ok(result) => {
                    let xml = format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>");
                    http::Response::builder().status(200).body(xml).expect("an answer")
                }
                Err((code, text)) => {
                    let error =
                        format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>");
                    let xml = format!("<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>");
                    http::Response::builder().status(403).body(xml).expect("an answer")
                }
            }
        });
        let own = Credentials::new("AKIAOWNEXAMPLE", "s", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static(region))
            .credentials_provider(SharedCredentialsProvider::new(own))
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::ZERO))
            .http_client(http);
        let config = match endpoint {
            Some(endpoint) => config.endpoint_url(endpoint).build(),
            None => config.build(),
        };
        (RootAuditor::new(&config, Partition::Aws), asked)
    }

    async fn audited(
        answer: impl Fn(&str) -> Result<String, (&'static str, &'static str)> + Send + Sync + 'static,
    ) -> RootAudit {
        let (auditor, _) = auditor(("eu-west-1", None), answer);
        auditor.assume(&member()).await.expect("a session").whole().await
    }

    #[tokio::test]
    async fn a_session_is_asked_for_at_the_regions_endpoint_with_the_task_policy_that_reads() {
        for (region, endpoint, uri) in [
            ("eu-west-1", None, "https://sts.eu-west-1.amazonaws.com/"),
            ("us-east-1", None, "https://sts.us-east-1.amazonaws.com/"),
            ("eu-west-1", Some("http://127.0.0.1:4566"), "http://127.0.0.1:4566/"),
        ] {
            let (auditor, asked) = auditor((region, endpoint), clean);
            auditor.assume(&member()).await.unwrap();
            let asked = asked.lock().unwrap();
            let [(address, signed, form)] = asked.as_slice() else { panic!("{asked:?}") };
            assert_eq!(address, uri);
            assert!(signed.contains("AKIAOWNEXAMPLE") && signed.contains(&format!("/{region}/sts/")), "{signed}");
            let policy = "arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2Froot-task%2FIAMAuditRootUserCredentials";
            for pair in [
                format!("TargetPrincipal={MEMBER}"),
                format!("TaskPolicyArn.arn={policy}"),
                "DurationSeconds=900".into(),
            ] {
                assert!(form.split('&').any(|part| part == pair), "{pair} in {form}");
            }
        }
    }

    #[tokio::test]
    async fn a_session_calls_iam_in_the_member_without_naming_a_user_and_shows_no_credentials() {
        let (auditor, asked) = auditor(("eu-west-1", None), |action| match action {
            "ListAccessKeys" => Ok("<AccessKeyMetadata><member><AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>\
                                    <Status>Active</Status></member></AccessKeyMetadata>"
                .into()),
            "GetAccessKeyLastUsed" => Ok("<AccessKeyLastUsed/>".into()),
            _ => clean(action),
        });
        let session = auditor.assume(&member()).await.unwrap();
        session.summary().await.unwrap();
        session.whole().await;
        let asked = asked.lock().unwrap();
        let mut called = Vec::new();
        for (address, signed, form) in &asked[1..] {
            assert_eq!(address, "https://iam.amazonaws.com/");
            assert!(signed.contains(&format!("Credential={KEY}/")), "{signed}");
            assert!(!form.contains("UserName"), "{form}");
            called.extend(
                form.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(|action| format!("iam:{action}")),
            );
        }
        called.sort();
        assert_eq!(called, IN_SESSION, "each once, and what the task policy allows");
        let shown = format!("{session:?} {auditor:?}");
        assert!(shown.contains(MEMBER), "{shown}");
        assert!(![SECRET, KEY, "a-token"].iter().any(|secret| shown.contains(secret)), "{shown}");
    }

    #[tokio::test]
    async fn root_without_credentials_is_read_as_such() {
        let audit = audited(clean).await;
        assert_eq!(audit.unread(), None);
        assert_eq!((audit.password, audit.access_keys, audit.mfa_devices), (Ok(None), Ok(vec![]), Ok(vec![])));
        assert_eq!((audit.signing_certificates, audit.password_last_used), (Ok(vec![]), Ok(None)));
        assert_eq!(audit.created, Ok("2024-02-03T04:05:06Z".parse().unwrap()));
    }

    #[tokio::test]
    async fn each_credential_of_root_is_read_with_its_state() {
        let key = |id: &str, status: &str| {
            let created = "<CreateDate>2025-01-01T00:00:00Z</CreateDate>";
            format!("<member><AccessKeyId>{id}</AccessKeyId><Status>{status}</Status>{created}</member>")
        };
        let audit = audited(move |action| {
            Ok(match action {
                "GetLoginProfile" => {
                    "<LoginProfile><CreateDate>2025-06-01T00:00:00Z</CreateDate></LoginProfile>".into()
                }
                "GetUser" => "<User><CreateDate>2024-01-01T00:00:00Z</CreateDate>\
                              <PasswordLastUsed>2026-01-02T03:04:05Z</PasswordLastUsed></User>"
                    .into(),
                "ListAccessKeys" => {
                    let keys = [key("AKIA1", "Active"), key("AKIA2", "Inactive"), key("AKIA3", "Active")].concat();
                    format!("<AccessKeyMetadata>{keys}</AccessKeyMetadata>")
                }
                "GetAccessKeyLastUsed" => {
                    "<AccessKeyLastUsed><LastUsedDate>2026-02-03T04:05:06Z</LastUsedDate></AccessKeyLastUsed>".into()
                }
                "ListSigningCertificates" => {
                    "<Certificates><member><CertificateId>C1</CertificateId><Status>Inactive</Status>\
                                              <CertificateBody/></member></Certificates>"
                        .into()
                }
                "ListMFADevices" => {
                    "<MFADevices><member><SerialNumber>arn:aws:iam::444455556666:mfa/phone</SerialNumber>\
                                     <EnableDate>2025-01-01T00:00:00Z</EnableDate></member></MFADevices>"
                        .into()
                }
                _ => return clean(action),
            })
        })
        .await;
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(audit.password, Ok(Some(Password { created: Some(time("2025-06-01T00:00:00Z")) })));
        assert_eq!(audit.password_last_used, Ok(Some(time("2026-01-02T03:04:05Z"))));
        let keys = audit.access_keys.unwrap();
        assert_eq!(keys.iter().map(|key| key.active).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(keys[1].last_used, Ok(Some(time("2026-02-03T04:05:06Z"))));
        assert_eq!(keys[0].created, Some(time("2025-01-01T00:00:00Z")));
        assert!(keys[2].last_used.is_err(), "root has two keys at most: a third is named, and not asked about");
        assert_eq!(audit.signing_certificates, Ok(vec![SigningCertificate { id: "C1".into(), active: false }]));
        assert_eq!(audit.mfa_devices.unwrap()[0].kind, MfaKind::Virtual);
    }

    #[tokio::test]
    async fn one_call_that_fails_hides_no_other_also_where_credentials_expire_in_between() {
        for (code, words) in
            [("AccessDenied", "was denied (AccessDenied)"), ("ExpiredToken", "was denied (ExpiredToken)")]
        {
            let audit =
                audited(move |action| if action == "GetUser" { Err((code, "no")) } else { clean(action) }).await;
            let unread = audit.unread().unwrap().to_string();
            assert_eq!(unread, format!("audit of root's credentials: iam:GetUser {words}"));
            assert!(audit.created.is_err() && audit.password_last_used.is_err());
            assert_eq!((audit.password, audit.access_keys), (Ok(None), Ok(vec![])));
        }
    }

    #[tokio::test]
    async fn a_list_comes_from_all_pages_and_one_without_an_end_is_no_answer() {
        let page = |next: &str| {
            let device = "<member><SerialNumber>GAHT12345678</SerialNumber></member>";
            format!("<MFADevices>{device}</MFADevices><IsTruncated>true</IsTruncated>{next}")
        };
        let pages = Mutex::new(0);
        let audit = audited(move |action| {
            if action != "ListMFADevices" {
                return clean(action);
            }
            let mut pages = pages.lock().unwrap();
            *pages += 1;
            Ok(page(if *pages == 1 { "<Marker>next</Marker>" } else { "" }))
        })
        .await;
        assert_eq!(audit.mfa_devices.map(|devices| devices.len()), Ok(2));
        let endless = audited(move |action| match action {
            "ListMFADevices" => Ok(page("<Marker>next</Marker>")),
            _ => clean(action),
        });
        let error = endless.await.mfa_devices.unwrap_err().to_string();
        assert!(error.ends_with("gave an answer that cannot be used: more than 4 pages"), "{error}");
    }

    #[tokio::test]
    async fn a_refusal_has_its_cause_by_what_aws_said_and_keeps_it() {
        let session = |code: &'static str, text: &'static str| async move {
            auditor(("eu-west-1", None), move |_| Err((code, text))).0.assume(&member()).await.unwrap_err()
        };
        let off = "Root credentials management feature is not enabled for your AWS Organization.";
        let refused = session("AccessDenied", off).await;
        assert_eq!(refused.cause, Cause::FeatureOff);
        assert_eq!(refused.said, format!("sts:AssumeRoot (AccessDenied): {off}"));
        assert_eq!(session("AccessDenied", "no").await.cause, Cause::Denied);
        assert_eq!(session("Throttling", "Rate exceeded").await.cause, Cause::Throttled);
        assert_eq!(session("ExpiredToken", "expired").await.cause, Cause::Unreachable, "of the function itself");
        let long = session("AccessDenied", include_str!("root_audit.rs")).await;
        assert!(long.said.chars().count() <= facts::text::MAX_CHARS);
        let nothing = auditor(("eu-west-1", None), |_| Ok(String::new())).0.assume(&member()).await.unwrap_err();
        assert_eq!(nothing.cause, Cause::Unreachable);
        assert!(nothing.said.contains("Credentials is missing"), "{nothing:?}");
    }

    #[tokio::test]
    async fn a_denied_summary_is_a_service_control_policy_and_an_expired_session_is_not() {
        let summary = async |code: &'static str, text: &'static str| {
            let (auditor, _) = auditor(("eu-west-1", None), move |action| match action {
                "GetAccountSummary" => Err((code, text)),
                _ => clean(action),
            });
            auditor.assume(&member()).await.unwrap().summary().await.unwrap_err()
        };
        let text = "User: arn:aws:iam::444455556666:root is not authorized to perform: iam:GetAccountSummary on resource: * with an \
                    explicit deny in a service control policy";
        let refused = summary("AccessDenied", text).await;
        assert_eq!(refused.cause, Cause::ServiceControlPolicy);
        assert_eq!(refused.said, format!("iam:GetAccountSummary (AccessDenied): {text}"));
        for code in ["ExpiredToken", "InvalidClientTokenId"] {
            assert_eq!(summary(code, "the session is over").await.cause, Cause::Unreachable, "{code}");
        }
        assert_eq!(summary("Throttling", "Rate exceeded").await.cause, Cause::Throttled);
    }
}
