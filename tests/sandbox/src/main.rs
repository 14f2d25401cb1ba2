//! The verbs of the Makefile that run the function on this machine.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
#![allow(clippy::indexing_slicing, reason = "serde_json gives null for what is not there")]
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use facts::text::{for_terminal, is_unprintable};
use jiff::Timestamp;
use sandbox::runtime::{self, Invoke, Outcome};
use sandbox::{Published, Sandbox, Story};

mod declarations;
mod evidence;
mod exports;
mod figures;
mod many;
mod organization;
mod own_account;
mod pages;
mod preview;
mod samples;
mod settings;

const USAGE: &str =
    "usage: sandbox demo [SCENARIO] | demo-organization | list | invoke EVENT-FILE [SCENARIO] | try | preview FOLDER BROWSER
       sandbox figures [starts | checks | limits | sign-ins | floods | reports | organization | cost …]
       sandbox pages FOLDER | exports FOLDER | verify-evidence FOLDER | check-config [PARAMETER=VALUE …]
       sandbox check-declarations FILE";
const ALARM: &str = "critical-root-signs-in-without-mfa-and-creates-a-key";
const ACTS: [&str; 4] = [
    "four-acts/1-a-fresh-account",
    "four-acts/2-root-signs-in-and-creates-a-key",
    "four-acts/3-nothing-new",
    "four-acts/4-key-deleted-and-mfa-on",
];
const QUIET: &str = "quiet-compliant";
/// As in template.yaml.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Where the demo writes, from where `make` runs.
const DEMO: &str = "build/demo";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.is_empty()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Some(missing) = missing(&arguments) {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    match arguments.as_slice() {
        ["demo"] => four_acts().await,
        ["demo", scenario] => demo(scenario).await,
        ["demo-organization"] => organization::demo().await,
        ["list"] => {
            list();
            ExitCode::SUCCESS
        }
        ["invoke", event] => invoke(event, ALARM).await,
        ["invoke", event, scenario] => invoke(event, scenario).await,
        ["try"] => own_account::check().await,
        ["figures", chosen @ ..] if chosen.iter().all(|name| figures::NAMES.contains(name)) => {
            figures::print(chosen).await;
            ExitCode::SUCCESS
        }
        ["preview", folder, browser] => preview(folder, browser),
        ["exports", folder] => exports(folder).await,
        ["check-config", arguments @ ..] => settings::check(arguments),
        ["check-declarations", file] => declarations::check(file),
        ["verify-evidence", folder] => evidence::verify(Path::new(folder)),
        ["pages", folder] => match pages::write(Path::new(folder)).await {
            Ok(names) => {
                names.iter().for_each(|name| println!("{folder}/{name}.html"));
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// How to build a function that the chosen verb runs.
fn missing(arguments: &[&str]) -> Option<String> {
    let functions: &[&str] = match arguments.first() {
        Some(&"demo") => &["checker", "reporter"],
        Some(&"demo-organization") => &["member-auditor", "organization"],
        Some(&"pages") => &["checker", "member-auditor", "organization"],
        Some(&("invoke" | "try" | "exports" | "figures")) => &["checker"],
        _ => &[],
    };
    functions.iter().find_map(|function| runtime::beside(function).err())
}

/// Four runs of the real binary over one account: findings, root activity, a quiet check, resolved.
async fn four_acts() -> ExitCode {
    // All acts are moved by the same time, so that an event has one time in every email and in the report.
    let (now, last) = (Timestamp::now(), Story::load(ACTS[ACTS.len() - 1]).now);
    let at = |act: &str| Story::at(act, now - last.duration_since(Story::load(act).now)).with_report_bucket();
    let sandbox = Sandbox::start(at(ACTS[0])).await;
    for (number, act) in (1..).zip(ACTS) {
        let story = at(act);
        println!("{}\n{}\n", bold(&format!("── Act {number} of {} ", ACTS.len())), story.about);
        sandbox.turn_to(story.clone());
        let event = story.event.to_string();
        let before = sandbox.published().len();
        let outcome = runtime::invoke(Invoke::over(&sandbox, &story, event, TIMEOUT)).await;
        if !print_emails(&outcome, &sandbox.published()[before..]) || !report(&sandbox, &story, number, &outcome).await
        {
            return ExitCode::FAILURE;
        }
    }
    if !write_page(&sandbox) {
        return ExitCode::FAILURE;
    }
    println!("Other stories: make demo SCENARIO=<one of these>\n");
    list();
    ExitCode::SUCCESS
}

/// Every kind of alert as email and as Slack message.
fn preview(folder: &str, browser: &str) -> ExitCode {
    match preview::write(Path::new(folder), browser) {
        Ok(count) => {
            println!("{count} alerts, each as email and as Slack message, in {folder}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Some reports, each in every format.
async fn exports(folder: &str) -> ExitCode {
    match exports::write(Path::new(folder)).await {
        Ok(count) => {
            println!("{count} reports, each in every format, in {folder}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for name in Story::names() {
        println!("  {name}");
    }
}

/// Runs the real binary over a story, at the present time, and prints the email that would arrive.
async fn demo(scenario: &str) -> ExitCode {
    let Some(story) = story(scenario).map(Story::with_report_bucket) else { return ExitCode::from(2) };
    let event = story.event.to_string();
    println!("{}\n{}\n", bold(&format!("── {scenario} ")), story.about);
    let (outcome, sandbox) = run(story.clone(), event).await;
    let is_done = print_emails(&outcome, &sandbox.published())
        && report(&sandbox, &story, 1, &outcome).await
        && write_page(&sandbox);
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Sends the answer of the run `number` to the reporter, as Lambda does; `false` if the reporter failed.
async fn report(sandbox: &Sandbox, story: &Story, number: usize, outcome: &Outcome) -> bool {
    let Ok(answer) = &outcome.answer else { return false };
    if number == 1
        && let Ok(history) = pages::seeded(answer).write()
    {
        // The report of an account that is ninety days old.
        sandbox.place_object("history.json", history);
    }
    let id = format!("{number:08}-0000-4000-8000-000000000000");
    let record = runtime::destination_record(&id, &story.event, answer, Timestamp::now());
    let outcome = runtime::invoke(Invoke::reporter(sandbox, story, record.to_string(), TIMEOUT)).await;
    if let Err(error) = &outcome.answer {
        println!("{}", for_terminal(&format!("The reporter failed: {error}\n{}", outcome.log)));
    }
    outcome.answer.is_ok()
}

/// The page, with a copy of the report bucket beside it.
fn write_page(sandbox: &Sandbox) -> bool {
    let folder = sandbox::root().join(DEMO);
    let (bucket, page) = (folder.join("bucket"), folder.join("latest.html"));
    let written = (|| {
        if bucket.exists() {
            std::fs::remove_dir_all(&bucket)?;
        }
        sandbox.copy_objects(&bucket)?;
        std::fs::copy(bucket.join("latest.html"), &page)
    })();
    match &written {
        Ok(_) => println!("The report of this account: {} (the bucket: {})\n", named(&page), named(&bucket)),
        Err(error) => eprintln!("{DEMO}: {error}"),
    }
    written.is_ok()
}

/// A file as a person finds it from the current folder.
fn named(file: &Path) -> String {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let absolute = absolute.canonicalize().unwrap_or(absolute);
    let here = std::env::current_dir().unwrap_or_default();
    absolute.strip_prefix(here).unwrap_or(&absolute).display().to_string()
}

/// `false` if the function failed.
fn print_emails(outcome: &Outcome, emails: &[Published]) -> bool {
    if let Err(error) = &outcome.answer {
        println!("{}", for_terminal(&format!("The function failed: {error}\n{}", outcome.log)));
        return false;
    }
    for email in emails {
        println!("This email would arrive:\n");
        println!("{} {}", bold("Subject:"), painted(&for_terminal(&email.subject)));
        for_terminal(&email.bodies["default"]).lines().for_each(|line| println!("  {}", painted(line)));
        println!();
    }
    if emails.is_empty() {
        println!("No email: nothing changed.\n");
    }
    true
}

/// The same with an event from a file; prints the function's answer.
async fn invoke(event: &str, scenario: &str) -> ExitCode {
    let Some(story) = story(scenario) else { return ExitCode::from(2) };
    let event = match std::fs::read_to_string(event) {
        Ok(event) => event,
        Err(error) => {
            eprintln!("{event}: {error}");
            return ExitCode::from(2);
        }
    };
    let (outcome, _) = run(story, event).await;
    println!("{}", escaped(&format!("{:#}", outcome.answer.as_ref().unwrap_or_else(|error| error))));
    if outcome.answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// JSON of the same meaning for a terminal: what would move its cursor or turn the text around is escaped.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for char in json.chars() {
        if char != '\n' && is_unprintable(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(char);
        }
    }
    escaped
}

fn story(scenario: &str) -> Option<Story> {
    if Story::names().iter().any(|name| name == scenario) {
        return Some(Story::at(scenario, Timestamp::now()));
    }
    eprintln!("There is no scenario `{scenario}`. Choose one of these:");
    Story::names().iter().for_each(|name| eprintln!("  {name}"));
    None
}

async fn run(story: Story, event: String) -> (Outcome, Sandbox) {
    let sandbox = Sandbox::start(story.clone()).await;
    let outcome = runtime::invoke(Invoke::over(&sandbox, &story, event, TIMEOUT)).await;
    (outcome, sandbox)
}

fn painted_all(text: &str) -> String {
    text.lines().map(painted).collect::<Vec<_>>().join("\n")
}

/// Colours by the words that matter, on a terminal only.
fn painted(line: &str) -> String {
    const COLOURS: [(&str, &str); 7] = [
        ("CRITICAL", "1;31"),
        ("HIGH", "31"),
        ("MEDIUM", "33"),
        ("UNKNOWN", "35"),
        ("FAILED", "1;31"),
        ("passed", "32"),
        ("PASSED", "32"),
    ];
    let heading = !line.is_empty() && line.chars().all(|char| char.is_ascii_uppercase() || char == ' ');
    let mut line = if heading { bold(line) } else { line.to_owned() };
    if std::io::stdout().is_terminal() && !heading {
        for (word, colour) in COLOURS {
            line = line.replacen(word, &format!("\u{1b}[{colour}m{word}\u{1b}[0m"), 1);
        }
    }
    line
}

fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_answer_that_is_printed_moves_no_cursor_and_means_the_same() {
        let answer = json!({"name": "\u{9b}2J \u{202e}gpj.exe \u{1b}[31m \u{e0041} ä"});
        let printed = escaped(&format!("{answer:#}"));
        assert!(!printed.chars().any(|char| char != '\n' && is_unprintable(char)), "{printed}");
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), answer);
    }
}
