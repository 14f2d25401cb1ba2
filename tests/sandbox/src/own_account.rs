//! `make try`: the checker once over the account of the caller's credentials. It reads, and sends nothing.
#![allow(clippy::indexing_slicing, reason = "serde_json gives null for what is not there")]
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use facts::source::Cause;
use facts::text::{bounded, counted, for_terminal};
use jiff::Timestamp;
use reporter::Stored;
use reporter::history::History;
use reporter::page::Page;
use sandbox::runtime::{self, Invoke};
use sandbox::{Sandbox, Story};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{QUIET, TIMEOUT, named, painted_all};

/// Where the page is written, from where `make` runs.
const PAGE: &str = "build/try/latest.html";

/// The same binary once against the caller's own account: read-only, publishes nothing.
pub(crate) async fn check() -> ExitCode {
    let config = aws::client::config(&aws::client::Limits::default()).load().await;
    let region = config.region().map_or("us-east-1", |region| region.as_ref()).to_owned();
    let config = config.into_builder().region(aws_config::Region::new(region.clone())).build();
    let (mut identity, mut exported) = (who_am_i(&config).await, Vec::new());
    if identity.is_err()
        && let Some(credentials) = exported_by_the_cli().await
    {
        let config = config.into_builder().credentials_provider(credentials.provider()).build();
        identity = who_am_i(&config).await;
        exported = credentials.variables();
    }
    let identity = match identity {
        Ok(identity) => identity,
        Err(cause) => {
            eprintln!("AWS did not accept your credentials: sts:GetCallerIdentity {cause}.");
            eprintln!("Sign in as you do for the AWS CLI (environment, profile, SSO or `aws login`) and try again.");
            return ExitCode::FAILURE;
        }
    };
    let (account, arn) = (identity.account().unwrap_or_default(), identity.arn().unwrap_or_default());
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    println!("Reading account {} as {}. This is read-only and sends no alerts.\n", bounded(account), bounded(arn));
    // A dry run reads the sent alerts: none, in a table of its own.
    let ledger = Sandbox::start(Story::load(QUIET)).await;
    let outcome = runtime::invoke(Invoke {
        binary: runtime::binary("checker"),
        environment: exported
            .into_iter()
            .chain([
                ("AWS_REGION".into(), region.clone()),
                ("ROOTWATCH_TOPIC_ARN".into(), format!("arn:{partition}:sns:{region}:{account}:dry-run")),
                ("ROOTWATCH_TABLE".into(), sandbox::TABLE.into()),
                ("AWS_ENDPOINT_URL_DYNAMODB".into(), ledger.url().into()),
            ])
            .collect(),
        inherit: true,
        function_arn: format!("arn:{partition}:lambda:{region}:{account}:function:dry-run"),
        event: json!({"dry_run": true}).to_string(),
        timeout: TIMEOUT,
        crash: None,
        most_memory: None,
    })
    .await;
    match &outcome.answer {
        Ok(answer) => {
            println!("{}", painted_all(&for_terminal(&in_words(answer))));
            write_page(answer)
        }
        Err(error) => {
            eprintln!("{}", for_terminal(&format!("The function failed: {error}\n{}", outcome.log)));
            ExitCode::FAILURE
        }
    }
}

async fn who_am_i(config: &aws_config::SdkConfig) -> Result<GetCallerIdentityOutput, Cause> {
    let answer = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    answer.map_err(|error| aws::failure::cause(&error))
}

/// Credentials of a profile that the function's SDK cannot read (SSO, `aws login`, a process), from the AWS CLI.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exported {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

impl Exported {
    fn provider(&self) -> SharedCredentialsProvider {
        let Self { access_key_id, secret_access_key, session_token } = self;
        let credentials = Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "aws-cli");
        SharedCredentialsProvider::new(credentials)
    }

    fn variables(self) -> Vec<(String, String)> {
        let key = [("AWS_ACCESS_KEY_ID", self.access_key_id), ("AWS_SECRET_ACCESS_KEY", self.secret_access_key)];
        let token = self.session_token.map(|token| ("AWS_SESSION_TOKEN", token));
        key.into_iter().chain(token).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// `None` without the AWS CLI, or when it has none either.
async fn exported_by_the_cli() -> Option<Exported> {
    let mut command = tokio::process::Command::new("aws");
    command.args(["configure", "export-credentials", "--format", "process"]);
    let output = command.stdin(std::process::Stdio::null()).output().await.ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// The page of this check: without a history, as the first report of a deployment is.
fn write_page(answer: &Value) -> ExitCode {
    let (file, report) = (sandbox::root().join(PAGE), Stored::read(answer));
    let page = Page { report: &report, history: &History::default(), made_at: Timestamp::now() }.render();
    let written = file.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&file, page));
    match written {
        Ok(()) => {
            println!("The report: {}", named(&file));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", named(&file));
            ExitCode::FAILURE
        }
    }
}

/// The answer for a person at a terminal: findings, root activity, unreadable sources with the permission that each needs, the score.
fn in_words(answer: &Value) -> String {
    let list = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let mut words = format!("{}\n\n", text(&answer["headline"]));
    for finding in list("findings") {
        let status = text(&finding["status"]).to_uppercase().replace('_', " ");
        let _ = writeln!(words, "{status:<15} {:<26} {}", text(&finding["control"]), text(&finding["reason"]));
        if status == "FAILED" {
            for evidence in finding["evidence"].as_array().into_iter().flatten() {
                let _ = writeln!(words, "{:<15}   {} = {}", "", text(&evidence["fact"]), text(&evidence["value"]));
            }
        }
    }
    let _ = writeln!(words, "\nRoot activity since {}:", seconds(&answer["root_events_since"]));
    let activity = list("root_activity");
    for act in &activity {
        let (severity, time) = (text(&act["severity"]).to_uppercase(), seconds(&act["time"]));
        let _ = writeln!(words, "  {severity} {time} {} in {}", text(&act["event_name"]), text(&act["region"]));
    }
    if activity.is_empty() {
        words.push_str("  none in the data that could be read\n");
    }
    let unreadable = unreadable(&list("sources"));
    if !unreadable.is_empty() {
        words.push_str("\nUNKNOWN: these read errors may hide findings:\n");
    }
    for ((operation, cause), regions) in &unreadable {
        let regions = if regions.is_empty() { String::new() } else { format!(" ({})", regions.join(", ")) };
        let _ = writeln!(words, "  {operation}{regions}: {cause}");
    }
    let missing: Vec<&str> = unreadable
        .keys()
        .filter(|(_, cause)| cause.starts_with("denied"))
        .map(|(operation, _)| operation.as_str())
        .collect();
    if !missing.is_empty() {
        let _ = writeln!(words, "Allow {}, and try again: docs/permissions.md has the policy.", missing.join(", "));
    }
    let _ = write!(words, "\nSCORE {}", score(&answer["score"]));
    if !unreadable.is_empty() {
        let _ = write!(words, ", {} not readable", counted(unreadable.len(), "call", "calls"));
    }
    words.push('\n');
    words
}

/// Calls that failed, each with its cause, and the Regions in which it did.
fn unreadable(sources: &[Value]) -> BTreeMap<(String, String), Vec<String>> {
    let mut unreadable: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for source in sources {
        let error = &source["error"];
        if error.is_null() {
            continue;
        }
        let code = error["code"].as_str().or(error["detail"].as_str()).unwrap_or_default();
        let cause = format!("{} {code}", text(&error["cause"]).replace('_', " "));
        let regions = unreadable.entry((text(&error["operation"]), cause.trim().to_owned())).or_default();
        regions.extend(source["region"].as_str().map(str::to_owned));
    }
    unreadable
}

fn score(score: &Value) -> String {
    let tally = |name: &str| format!("{} of {}", score[name]["passed"], score[name]["of"]);
    format!("five steps: {} · baseline: {} · unknown: {}", tally("five_steps"), tally("baseline"), score["unknown"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// A time to the second: nanoseconds are noise here.
fn seconds(value: &Value) -> String {
    let time = text(value).parse::<Timestamp>();
    time.map_or_else(|_| text(value), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
