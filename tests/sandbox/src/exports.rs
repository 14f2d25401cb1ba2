//! Every export of some reports, for validators that others wrote: `tests/report/exports.py` holds them to it.

use std::path::Path;

use aws::SecurityHub;
use aws::client::Limits;
use facts::{AccountId, Partition};
use jiff::Timestamp;
use reporter::Stored;
use reporter::exports::{Format, asff};
use sandbox::runtime::{self, Invoke};
use sandbox::{Sandbox, Story};
use serde_json::{Value, json};

use crate::TIMEOUT;

type Failed = Box<dyn std::error::Error>;

/// Where the findings go; [`Sandbox::sdk_config`] leads there.
const REGION: &str = "eu-west-1";
/// Sample and story.
const STORIES: [(&str, &str); 5] = [
    ("bad", "critical-new-account-in-which-nothing-is-set-up"),
    ("users", "high-users-without-mfa-and-old-keys"),
    ("well", "quiet-compliant"),
    ("member", "medium-a-member-account-of-an-organization"),
    ("blind", "unknown-nothing-can-be-read"),
];
/// What IAM, CloudTrail and people could put into a text to break a format.
const HOSTILE: &[&str] = &[
    "=HYPERLINK(\"https://evil.example\",\"click\")",
    "  +1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1",
    "\r\n=1",
    "\u{ff1d}1+1",
    "alice; =1+1",
    "\"=1\",\"b\"\r\n\"c\"",
    "</failure><script>alert(1)</script>",
    "]]>",
    "&amp;&#0;",
    "\u{0}\u{8}\u{1b}]0;title\u{7}\u{1b}[31mred",
    "\u{202e}gnp.exe\u{2066}",
    "\u{fffe}\u{ffff}\u{fdd0}",
    "{\"a\": [1]}",
];

/// Writes `<folder>/<sample>/` with the report, each of its exports, and what is sent to Security Hub; returns how many
/// samples.
///
/// # Errors
/// When the checker gives no report, an export fails, Security Hub of the sandbox refuses something, or a file cannot
/// be written.
pub(crate) async fn write(folder: &Path) -> Result<usize, Failed> {
    let mut samples = Vec::new();
    for (name, story) in STORIES {
        samples.push((name, judge(name, story).await?));
    }
    let hostile = samples.first().map(|(_, report)| hostile(report.clone())).unwrap_or_default();
    let newer = json!({"schema": "rootwatch.report/2", "findings": [{"control": "of-another-day"}]});
    samples.extend([("hostile", hostile), ("newer", newer), ("empty", json!({}))]);
    for (name, report) in &samples {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        export(&folder, report).await.map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(samples.len())
}

/// The report of the real checker.
async fn judge(name: &str, story: &str) -> Result<Value, Failed> {
    let mut story = Story::at(story, Timestamp::now());
    if name == "bad" {
        story.environment.insert("ROOTWATCH_EXCEPTIONS".into(), exceptions(story.now).to_string());
    }
    let sandbox = Sandbox::start(story.clone()).await;
    let outcome = runtime::invoke(Invoke::over(&sandbox, &story, "{}".into(), TIMEOUT)).await;
    outcome.answer.map_err(|error| format!("{name}: {error}\n{}", outcome.log).into())
}

/// Of what fails in a new account.
fn exceptions(now: Timestamp) -> Value {
    let until = now + jiff::SignedDuration::from_hours(24 * 30);
    let entry = |control: &str| json!({"control": control, "reason": "=1+1 ordered", "owner": "alice", "until": until});
    json!([entry("root-hardware-mfa"), entry("password-policy")])
}

async fn export(folder: &Path, report: &Value) -> Result<(), Failed> {
    std::fs::write(folder.join("report.json"), format!("{report:#}"))?;
    let stored = Stored::read(report);
    for format in Format::ALL {
        std::fs::write(
            folder.join(format.file_name()),
            format.write(&stored, stored.taken_at.unwrap_or_else(Timestamp::now))?,
        )?;
    }
    let mut usual = Story::load("quiet-compliant");
    if let Some(account) = &stored.account {
        usual.account = account.id.to_string();
    }
    let account = AccountId::parse(&usual.account)?;
    let sandbox = Sandbox::start(usual).await;
    let config = sandbox.sdk_config(&Limits { attempts: 1, ..Limits::default() }).await;
    let hub = SecurityHub::new(&config, account, REGION, Partition::of_region(REGION));
    hub.import(&asff::findings(&stored, &asff::everything(&stored))).await?;
    for (number, body) in (1..).zip(sandbox.imports()) {
        std::fs::write(folder.join(format!("security-hub-{number}.json")), body.to_string())?;
    }
    Ok(())
}

/// The same report, in which all that anybody in the account can choose is chosen to do harm.
fn hostile(mut report: Value) -> Value {
    let mut texts = HOSTILE.iter().cycle();
    let mut next = || texts.next().copied().unwrap_or_default();
    report["account"]["alias"] = json!(next());
    for finding in report["findings"].as_array_mut().into_iter().flatten() {
        finding["reason"] = json!(format!("{}THE END", next()));
        finding["resources"] = HOSTILE.iter().map(|text| json!(text)).collect();
        for evidence in finding["evidence"].as_array_mut().into_iter().flatten() {
            evidence["fact"] = json!(next());
            evidence["value"] = json!(next());
        }
    }
    report
}
