//! The loopback organization by plain SDK clients: it refuses what AWS refuses.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "every line here is a test")]

use aws::client::Limits;
use aws_config::{Region, SdkConfig};
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::types::PolicyDescriptorType;
use sandbox::{Fault, Organization, Sandbox, Story, Trouble};

const AUDIT: &str = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials";
const HEAD: &str = "about: x\nid: o-example\nroot: r-ab12\nmanagement: \"999988887777\"\nunits: [{id: ou-ab12-prod}]\n";

/// The organization of `accounts`, each a line of YAML, behind the usual account.
async fn of(accounts: &[&str]) -> (Sandbox, SdkConfig) {
    let accounts: String = accounts.iter().map(|account| format!("  - {account}\n")).collect();
    behind(&format!("{HEAD}accounts:\n{accounts}")).await
}

async fn behind(text: &str) -> (Sandbox, SdkConfig) {
    let sandbox = Sandbox::start(Story::load("quiet-compliant")).await;
    sandbox.turn_to_organization(Organization::parse(text).remove(0));
    let limits = Limits { attempts: 1, ..Limits::default() };
    let config = sandbox.sdk_config(&limits).await;
    (sandbox, config)
}

fn said<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (String, String) {
    let error = result.unwrap_err();
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

async fn assume(
    config: &SdkConfig,
    target: &str,
    policy: &str,
    seconds: Option<i32>,
) -> Result<Credentials, (String, String)> {
    let policy = PolicyDescriptorType::builder().arn(policy).build();
    let request = aws_sdk_sts::Client::new(config).assume_root().target_principal(target).task_policy_arn(policy);
    match request.set_duration_seconds(seconds).send().await {
        Ok(answer) => {
            let session = answer.credentials.unwrap();
            let (key, secret) = (session.access_key_id, session.secret_access_key);
            Ok(Credentials::new(key, secret, Some(session.session_token), None, "session"))
        }
        error => Err(said(error)),
    }
}

async fn session(config: &SdkConfig, account: &str) -> aws_sdk_iam::Client {
    let credentials = assume(config, account, AUDIT, None).await.unwrap();
    let builder = aws_sdk_iam::config::Builder::from(config).credentials_provider(credentials);
    aws_sdk_iam::Client::from_conf(builder.build())
}

#[tokio::test]
async fn accounts_come_twenty_a_page_after_an_empty_one_with_state_and_path() {
    let text =
        format!("{HEAD}generated:\n  - {{accounts: 41, from: 200000000001, name: team, units: [ou-ab12-prod]}}\n");
    let (sandbox, config) = behind(&text).await;
    let global = aws_sdk_organizations::config::Builder::from(&config).region(Region::new("us-east-1"));
    let client = aws_sdk_organizations::Client::from_conf(global.build());
    let (mut sizes, mut token, mut last) = (Vec::new(), None, None);
    loop {
        let page = client.list_accounts().set_next_token(token).send().await.unwrap();
        sizes.push(page.accounts().len());
        last = page.accounts().last().cloned().or(last);
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [0, 20, 20, 1]);
    let last = last.unwrap();
    assert_eq!((last.id(), last.state().unwrap().as_str()), (Some("200000000041"), "ACTIVE"));
    assert_eq!(last.paths(), ["o-example/r-ab12/ou-ab12-prod/200000000041/"]);

    sandbox.add_fault(Fault::on("organizations:ListAccounts", Trouble::Throttle));
    assert_eq!(said(client.list_accounts().send().await).0, "TooManyRequestsException");
    sandbox.clear_faults();
    let more = client.list_accounts().max_results(21).send().await;
    assert_eq!(said(more).0, "InvalidInputException");
    let organization = client.describe_organization().send().await.unwrap().organization.unwrap();
    assert_eq!((organization.id(), organization.master_account_id()), (Some("o-example"), Some("999988887777")));
}

#[tokio::test]
async fn a_session_of_root_is_refused_as_aws_refuses_it() {
    let accounts = [
        r#"{id: "999988887777", name: management}"#,
        r#"{id: "444455556666", name: good}"#,
        r#"{id: "444455556667", name: gone, state: SUSPENDED}"#,
        r#"{id: "444455556668", name: closed, state: CLOSED}"#,
        r#"{id: "444455556669", name: leaving, state: PENDING_CLOSURE}"#,
        r#"{id: "444455556670", name: busy, refuses: throttling}"#,
        r#"{id: "444455556671", name: no, refuses: session}"#,
    ];
    let (_sandbox, config) = of(&accounts).await;
    for good in ["444455556666", "arn:aws:iam::444455556666:root", "444455556669"] {
        assert!(assume(&config, good, AUDIT, Some(900)).await.is_ok(), "{good}");
    }
    for target in ["999988887777", "444455556667", "444455556668", "444455556671", "123412341234"] {
        let (code, text) = assume(&config, target, AUDIT, None).await.unwrap_err();
        assert_eq!(code, "AccessDenied", "{target}");
        let end = format!("is not authorized to perform: sts:AssumeRoot on resource: arn:aws:iam::{target}:root");
        assert!(text.starts_with("User: arn:aws:sts::111122223333:") && text.ends_with(&end), "{text}");
    }
    assert_eq!(assume(&config, "444455556670", AUDIT, None).await.unwrap_err().0, "Throttling");
    let other = "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials";
    assert_eq!(assume(&config, "444455556666", other, None).await.unwrap_err().0, "AccessDenied");
    let invalid = [
        ("444455556666", "arn:aws:iam::aws:policy/SecurityAudit", None),
        ("444455556666", AUDIT, Some(901)),
        ("arn:aws:iam::444455556666:user/alice", AUDIT, None),
    ];
    for (target, policy, seconds) in invalid {
        assert_eq!(assume(&config, target, policy, seconds).await.unwrap_err().0, "ValidationError", "{policy}");
    }
}

#[tokio::test]
async fn the_global_endpoint_knows_no_session_of_root() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (sandbox, _) = of(&[r#"{id: "444455556666", name: good}"#]).await;
    let body = format!("Action=AssumeRoot&Version=2011-06-15&TargetPrincipal=444455556666&TaskPolicyArn.arn={AUDIT}");
    for (host, status) in [("sts.amazonaws.com", "400"), ("sts.eu-west-1.amazonaws.com", "200")] {
        let signed = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261120/eu-west-1/sts/aws4_request, Signature=0";
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\nauthorization: {signed}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let address = sandbox.url().trim_start_matches("http://");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
}

#[tokio::test]
async fn a_session_answers_of_its_member() {
    let accounts = [
        r#"{id: "444455556666", name: clean}"#,
        r#"{id: "444455556667", name: full, root: {password: true, password_used: 5, mfa: [passkey, virtual, hardware], certificates: 1, keys: [{created: 9, used: 3}, {created: 8, inactive: true}]}}"#,
    ];
    let (sandbox, config) = of(&accounts).await;
    let clean = session(&config, "444455556666").await;
    let summary = clean.get_account_summary().send().await.unwrap().summary_map.unwrap();
    let flag = |name: &str| summary.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| *value);
    assert_eq!((flag("AccountPasswordPresent"), flag("AccountAccessKeysPresent")), (Some(0), Some(0)));
    let nothing = ("NoSuchEntity".to_owned(), "Login Profile for User null cannot be found.".to_owned());
    assert_eq!(said(clean.get_login_profile().send().await), nothing);
    assert!(clean.list_access_keys().send().await.unwrap().access_key_metadata().is_empty());

    let full = session(&config, "444455556667").await;
    assert!(full.get_login_profile().send().await.is_ok());
    let user = full.get_user().send().await.unwrap().user.unwrap();
    assert_eq!((user.arn(), user.password_last_used().is_some()), ("arn:aws:iam::444455556667:root", true));
    let keys = full.list_access_keys().send().await.unwrap().access_key_metadata;
    let statuses: Vec<_> = keys.iter().map(|key| key.status().unwrap().as_str()).collect();
    assert_eq!(statuses, ["Active", "Inactive"]);
    let mut used = Vec::new();
    for key in &keys {
        let id = key.access_key_id().unwrap();
        let last = full.get_access_key_last_used().access_key_id(id).send().await.unwrap().access_key_last_used;
        used.push(last.unwrap().last_used_date().is_some());
    }
    assert_eq!(used, [true, false]);
    let devices = full.list_mfa_devices().send().await.unwrap().mfa_devices;
    assert_eq!(devices.len(), 3);
    assert!(devices[0].serial_number().contains(":u2f/root/") && devices[1].serial_number().contains(":mfa/"));
    assert_eq!(full.list_signing_certificates().send().await.unwrap().certificates().len(), 1);
    let members: Vec<_> = sandbox.calls().iter().filter_map(|call| call.member.clone()).collect();
    let of_the_full = members.iter().filter(|member| *member == "444455556667").count();
    assert_eq!((members.len(), of_the_full), (10, 7));
}

#[tokio::test]
async fn a_session_is_denied_all_else_and_expires() {
    let accounts = [
        r#"{id: "444455556666", name: good}"#,
        r#"{id: "444455556667", name: short, expires_after: 1}"#,
        r#"{id: "444455556668", name: scp, refuses: service_control_policy}"#,
    ];
    let (sandbox, config) = of(&accounts).await;
    let good = session(&config, "444455556666").await;
    assert_eq!(said(good.generate_credential_report().send().await).0, "AccessDenied");
    assert_eq!(said(good.list_access_keys().user_name("alice").send().await).0, "AccessDenied");
    let calls = sandbox.calls();
    let denied = calls.iter().find(|call| call.action == "iam:GenerateCredentialReport").unwrap();
    assert_eq!(denied.member.as_deref(), Some("444455556666"));

    let short = session(&config, "444455556667").await;
    assert!(short.get_account_summary().send().await.is_ok());
    assert_eq!(said(short.get_user().send().await).0, "ExpiredToken");

    let (code, text) = said(session(&config, "444455556668").await.get_account_summary().send().await);
    assert_eq!(code, "AccessDenied");
    assert!(text.ends_with("with an explicit deny in a service control policy"), "{text}");

    let foreign = Credentials::new("ASIAEXAMPLE000000001", "secret", Some("token".into()), None, "x");
    let builder = aws_sdk_iam::config::Builder::from(&config).credentials_provider(foreign);
    let client = aws_sdk_iam::Client::from_conf(builder.build());
    assert_eq!(said(client.get_account_summary().send().await).0, "InvalidClientTokenId");
}

#[tokio::test]
async fn central_root_access_that_is_off_is_one_fault_of_the_organization() {
    let accounts = "accounts: [{id: \"444455556666\", name: good}]\n";
    let cases = [
        ("{features: []}", None, "Root credentials management feature is not enabled for your AWS Organization."),
        ("{feature_set: CONSOLIDATED_BILLING}", Some("OrganizationNotInAllFeaturesModeException"), ""),
        (
            "{delegated: false}",
            Some("AccountNotManagementOrDelegatedAdministratorException"),
            "not authorized to perform",
        ),
    ];
    for (run, of_features, of_session) in cases {
        let (_sandbox, config) = behind(&format!("{HEAD}{accounts}runs: [{run}]\n")).await;
        let features = aws_sdk_iam::Client::new(&config).list_organizations_features().send().await;
        match of_features {
            Some(code) => assert_eq!(said(features).0, code, "{run}"),
            None => assert!(features.unwrap().enabled_features().is_empty(), "{run}"),
        }
        if !of_session.is_empty() {
            let (code, text) = assume(&config, "444455556666", AUDIT, None).await.unwrap_err();
            assert!(code == "AccessDenied" && text.contains(of_session), "{run}: {text}");
        }
    }
}
