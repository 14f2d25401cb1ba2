//! What people see of every kind of alert: the email as text, the Slack message as a picture.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use members::Run;
use messages::{Bulletin, Links, Message, Notification, Recipients, RunBulletin, TestAlert};
use serde_json::Value;

use crate::many;
use crate::samples::{self, Sample};

mod mrkdwn;
mod page;

type Failed = Box<dyn std::error::Error>;

/// Pixels: what Slack gives a message on a laptop.
const WIDTH: u32 = 760;

/// Writes `<name>.txt` and `<name>.png` of every sample into `folder`, and `index.html` with all of them; returns how many.
///
/// # Errors
/// When a file cannot be written, or the browser takes no picture.
pub(crate) fn write(folder: &Path, browser: &str) -> Result<usize, Failed> {
    std::fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let mut posts = Vec::new();
    for sample in samples::all() {
        let message = compose(&sample)?;
        std::fs::write(folder.join(&sample.name).with_extension("txt"), mail(&message))?;
        posts.push((sample.name, slack(&message)?));
    }
    for (name, message) in [("test-alert", test_alert()), ("organization", organization()?)] {
        std::fs::write(folder.join(name).with_extension("txt"), mail(&message))?;
        posts.push((name.into(), slack(&message)?));
    }
    let browser = Browser { program: browser, profile: folder.join(".browser") };
    let index = folder.join("index.html");
    std::fs::write(&index, page::draw(&posts, samples::now()).into_string())?;
    let heights = browser.heights(&index)?;
    if heights.len() != posts.len() {
        return Err("the browser did not run the page's script".into());
    }
    for (post, height) in posts.iter().zip(heights) {
        let page = folder.join(&post.0).with_extension("html");
        std::fs::write(&page, page::draw(std::slice::from_ref(post), samples::now()).into_string())?;
        browser.picture(&page, height)?;
        std::fs::remove_file(page)?;
    }
    std::fs::remove_dir_all(browser.profile)?;
    Ok(posts.len())
}

fn links() -> Links {
    Links::of("eu-west-1", Some(("rootwatch-reports", "latest.html")), Some(("rootwatch", "rootwatch")))
}

const RUNBOOK: &str = "https://wiki.example/rootwatch/runbook";
const RECIPIENTS: Recipients = Recipients { email: 2, others: 0, slack: true, chat: false, pending: 0 };

/// What a person asks for to see that alerts arrive.
fn test_alert() -> Message {
    let test = TestAlert::new(&links(), Some(RECIPIENTS));
    Message::test_alert(&samples::account(), samples::now(), &test, RUNBOOK, &links())
}

/// The first run over an organization of forty accounts.
fn organization() -> Result<Message, Failed> {
    let run = Run { is_first: true, ..many::run(&many::rows(40, samples::now())) };
    let bulletin = RunBulletin {
        run: &run,
        home: &many::home(),
        at: samples::now(),
        runbook: RUNBOOK,
        links: Some(&links()),
        recipients: Some(RECIPIENTS),
        repeats_possible: false,
    };
    Message::of_run(&bulletin).ok_or_else(|| "a first run sends nothing".into())
}

pub(crate) fn compose(sample: &Sample) -> Result<Message, Failed> {
    let links = links();
    let bulletin = Bulletin {
        alerts: &sample.alerts,
        at: samples::now(),
        report: None,
        repeats_possible: false,
        runbook: RUNBOOK,
        report_link: None,
        links: Some(&links),
        recipients: Some(RECIPIENTS),
        member_of: None,
    };
    Message::compose(&bulletin).ok_or_else(|| format!("{} sends nothing", sample.name).into())
}

fn mail(message: &Message) -> String {
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

/// What the Slack function makes of what the topic hands it.
fn slack(message: &Message) -> Result<Value, serde_json::Error> {
    let notification: Notification = serde_json::from_str(&message.json)?;
    Ok(messages::slack::compose(&notification))
}

/// A browser without a window.
struct Browser<'a> {
    program: &'a str,
    profile: PathBuf,
}

impl Browser<'_> {
    /// Of each message of the page, which has them itself: see [`page::draw`].
    fn heights(&self, page: &Path) -> Result<Vec<u32>, Failed> {
        let dom = self.run(page, 100, "--dump-dom")?;
        let heights = dom.split("data-height=\"").skip(1).filter_map(|rest| rest.split('"').next());
        Ok(heights.map(str::parse).collect::<Result<_, _>>()?)
    }

    fn picture(&self, page: &Path, height: u32) -> Result<(), Failed> {
        let picture = page.with_extension("png");
        self.run(page, height, &format!("--screenshot={}", picture.display()))?;
        if picture.exists() { Ok(()) } else { Err(format!("no picture of {}", page.display()).into()) }
    }

    fn run(&self, page: &Path, height: u32, what: &str) -> Result<String, Failed> {
        let output = Command::new(self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={}", self.profile.display()))
            .arg(format!("--window-size={WIDTH},{height}"))
            .arg(what)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| {
                format!(
                    "{}: {error}. Install Chromium, or name a browser: make preview CHROMIUM=google-chrome",
                    self.program
                )
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{} failed: {}", self.program, String::from_utf8_lossy(&output.stderr)).into())
    }
}
