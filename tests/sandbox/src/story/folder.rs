//! From a folder of `tests/scenarios` to its story.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::events::{Event, Flood, event};
use super::{ATTESTATIONS, Identities, ReportEncoding, Story, Subscription, Trail, WEBHOOK, WEBHOOK_PARAMETER};
use crate::baseline::{self, Baseline, Holders};
use crate::fault::Fault;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    about: String,
    from: Option<String>,
    now: Option<Timestamp>,
    account: Option<String>,
    alias: Option<String>,
    event: Option<Value>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    regions: Option<Vec<String>>,
    page_size: Option<usize>,
    #[serde(default)]
    faults: Vec<Fault>,
    subscriptions: Option<Vec<Subscription>>,
    #[serde(default)]
    report_states: Vec<String>,
    #[serde(default)]
    report_errors: Vec<String>,
    report_generated_at: Option<Timestamp>,
    /// Copies of the first root event, with ids of their own, a second apart.
    events_times: Option<usize>,
    flood: Option<Flood>,
    /// Users to be added to report and identities.
    more_users: Option<usize>,
    /// Credential report in bytes that no text file holds.
    #[serde(default)]
    report_encoding: ReportEncoding,
}

/// The folder of all stories.
pub fn scenarios() -> PathBuf {
    crate::root().join("tests/scenarios")
}

impl Story {
    /// Names of all stories, sorted.
    pub fn names() -> Vec<String> {
        let entries = std::fs::read_dir(scenarios())
            .expect("tests/scenarios can be read: run this from the source tree of rootwatch");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.path().join("story.json").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The story called `name`, at its own time.
    pub fn load(name: &str) -> Self {
        Self::shifted(name, SignedDuration::ZERO)
    }

    /// The story called `name`, every time in it moved so that its present is `now`.
    pub fn at(name: &str, now: Timestamp) -> Self {
        Self::shifted(name, now.duration_since(Self::load(name).now))
    }

    fn shifted(name: &str, by: SignedDuration) -> Self {
        let folder = Folder { path: scenarios().join(&*current_name(name)), by };
        let head: Head = folder.parse("story.json").unwrap_or_else(|| panic!("there is no story called {name}"));
        let base = head.from.as_ref().map(|base| Self::shifted(base, by));
        let base = base.unwrap_or_else(|| Self::empty(head.now.expect("a story without `from` has a `now`")));
        let mut parts = base.parts;
        parts.extend(folder.parse::<Map<String, Value>>("baseline.json").unwrap_or_default());
        let mut environment = head.environment;
        environment.entry(ATTESTATIONS.to_owned()).or_insert_with(|| base.statements.clone());
        let generated_at = head.report_generated_at.unwrap_or(base.report_generated_at);
        let mut story = Self {
            name: name.to_owned(),
            about: head.about,
            now: head.now.unwrap_or(base.now),
            account: head.account.unwrap_or(base.account),
            alias: head.alias.or(base.alias),
            event: head.event.unwrap_or(base.event),
            environment,
            regions: head.regions.unwrap_or(base.regions),
            page_size: head.page_size.unwrap_or(base.page_size),
            faults: head.faults,
            parameters: base.parameters,
            webhooks: base.webhooks,
            subscriptions: head.subscriptions.unwrap_or(base.subscriptions),
            report_states: if head.report_states.is_empty() { base.report_states } else { head.report_states },
            report_errors: head.report_errors,
            report_generated_at: generated_at,
            credential_report: folder.text("credential-report.csv").map_or(base.credential_report, String::into_bytes),
            report_encoding: ReportEncoding::Utf8,
            account_summary: folder.parse("account-summary.json").unwrap_or(base.account_summary),
            password_policy: match folder.parse::<Value>("password-policy.json") {
                Some(Value::Null) => None,
                Some(policy) => Some(serde_json::from_value(policy).expect("a password policy is an object")),
                None => base.password_policy,
            },
            identities: folder.parse("identities.json").unwrap_or(base.identities),
            administrators: folder.parse("administrators.json").unwrap_or(base.administrators),
            virtual_mfa_devices: folder.parse("virtual-mfa-devices.json").unwrap_or(base.virtual_mfa_devices),
            trails: folder.parse("trails.json").unwrap_or(base.trails),
            watch: folder.parse("watch.json").unwrap_or(base.watch),
            events: folder.events().unwrap_or(base.events),
            flood: head.flood.or(base.flood),
            crowd: base.crowd,
            baseline: parse_parts(&parts, name),
            parts,
            statements: base.statements,
        };
        story.report_encoding = head.report_encoding;
        if story.report_encoding == ReportEncoding::Latin1 {
            let text = String::from_utf8(story.credential_report).expect("a text file");
            story.credential_report = text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect();
        }
        let ago = story.now - SignedDuration::from_mins(5);
        story.flood.iter_mut().for_each(|flood| flood.until = flood.until.or(Some(ago)));
        if let Some(times) = head.events_times {
            story.multiply_events(times);
        }
        story.add_users(head.more_users.unwrap_or(0));
        story
    }

    fn empty(now: Timestamp) -> Self {
        let parts = baseline::usual(now);
        Self {
            name: String::new(),
            about: String::new(),
            now,
            account: "111122223333".into(),
            alias: None,
            event: json!({}),
            environment: BTreeMap::new(),
            regions: Vec::new(),
            page_size: usize::MAX,
            faults: Vec::new(),
            parameters: BTreeMap::from([(WEBHOOK_PARAMETER.to_owned(), format!("{{sandbox}}{WEBHOOK}"))]),
            webhooks: vec![WEBHOOK.to_owned()],
            subscriptions: vec![Subscription { protocol: "email".into(), confirmed: true }],
            report_states: vec!["COMPLETE".into()],
            report_errors: Vec::new(),
            report_generated_at: now - SignedDuration::from_hours(2),
            credential_report: Vec::new(),
            report_encoding: ReportEncoding::Utf8,
            account_summary: BTreeMap::new(),
            password_policy: None,
            identities: Identities::default(),
            administrators: Holders::default(),
            virtual_mfa_devices: Vec::new(),
            trails: vec![Trail::sound()],
            watch: BTreeMap::new(),
            events: Vec::new(),
            flood: None,
            crowd: None,
            baseline: parse_parts(&parts, "usual"),
            parts,
            statements: statements(now - SignedDuration::from_hours(10 * 24)),
        }
    }
}

/// What quiet stories were called before.
const FORMER: &str = "nothing-to-tell-";

/// A story of your own may be `from` a quiet one under its former name.
fn current_name(name: &str) -> Cow<'_, str> {
    name.strip_prefix(FORMER).map_or(Cow::Borrowed(name), |rest| Cow::Owned(format!("quiet-{rest}")))
}

/// What cannot be read from AWS, stated on `on` by somebody in charge.
fn statements(on: Timestamp) -> String {
    let on = on.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let stated = ["root-password-strong", "root-credentials-stored-safely", "root-mfa-reachable-by-two"];
    json!(stated.map(|statement| json!({"statement": statement, "by": "alice", "on": on}))).to_string()
}

fn parse_parts(parts: &Map<String, Value>, name: &str) -> Baseline {
    let parts = Value::Object(parts.clone());
    serde_json::from_value(parts).unwrap_or_else(|error| panic!("{name}/baseline.json: {error}"))
}

pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) by: SignedDuration,
}

impl Folder {
    fn text(&self, file: &str) -> Option<String> {
        let bytes = std::fs::read(self.path.join(file)).ok()?;
        Some(shift(&String::from_utf8(bytes).expect("story files are UTF-8"), self.by))
    }

    fn parse<T: DeserializeOwned>(&self, file: &str) -> Option<T> {
        let text = self.text(file)?;
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}/{file}: {error}", self.path.display())))
    }

    /// CloudTrail records, or entries as `LookupEvents` gives them (with an `EventId` and the `awsRegion`); `visibleAt` beside
    /// the rest for one that comes late.
    pub(super) fn events(&self) -> Option<Vec<Event>> {
        let mut files: Vec<_> = std::fs::read_dir(self.path.join("root-events")).ok()?.flatten().collect();
        files.sort_by_key(std::fs::DirEntry::file_name);
        let events = files.iter().map(|file| {
            let name = format!("root-events/{}", file.file_name().to_string_lossy());
            event(self.parse(&name).expect("an event"))
        });
        Some(events.collect())
    }
}

/// Moves every time of the form `2026-11-20T10:00:00Z` in `text`.
fn shift(text: &str, by: SignedDuration) -> String {
    const LENGTH: usize = "2026-11-20T10:00:00Z".len();
    let mut shifted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let time = rest.get(..LENGTH).filter(|time| time.ends_with('Z') && time.contains('T'));
        if let Some(time) = time.and_then(|time| time.parse::<Timestamp>().ok()) {
            shifted.push_str(&(time + by).strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            rest = &rest[LENGTH..];
        } else {
            shifted.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    shifted
}
