//! An account as a folder of files. What a folder lacks comes from the folder that its `story.json` names as `from`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::baseline::{self, Baseline, Holders, InlinePolicy, Policy, Role};
use crate::dynamodb::TABLE;
use crate::fault::Fault;

/// The parameter that holds the URL of Slack's webhook.
pub const WEBHOOK_PARAMETER: &str = "/rootwatch/slack-webhook";
/// The variable in which the owner states what AWS does not tell.
const ATTESTATIONS: &str = "ROOTWATCH_ATTESTATIONS";
const WEBHOOK: &str = "/services/T0EXAMPLE/B0EXAMPLE/secret-of-the-webhook";

/// An account, and what happens to somebody who reads it.
#[derive(Debug, Clone)]
pub struct Story {
    /// Name of the folder: what comes out.
    pub name: String,
    /// One sentence on what is in it.
    pub about: String,
    /// The present, inside the story.
    pub now: Timestamp,
    /// Account id.
    pub account: String,
    /// Account alias.
    pub alias: Option<String>,
    /// The event that the function gets.
    pub event: Value,
    /// `ROOTWATCH_*` variables beside the topic and the table.
    pub environment: BTreeMap<String, String>,
    /// Enabled Regions.
    pub regions: Vec<String>,
    /// Entries of a page at most, below what the caller asks for: AWS gives short pages too.
    pub page_size: usize,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Parameters of the Parameter Store, all of them secret; `{sandbox}` in a value is the sandbox's own URL.
    pub parameters: BTreeMap<String, String>,
    /// The path that Slack knows as a webhook.
    pub webhook: String,
    /// Who gets what the function publishes.
    pub subscriptions: Vec<Subscription>,
    /// What `GenerateCredentialReport` answers, in turn; the last one again and again.
    pub(crate) report_states: Vec<String>,
    /// Errors that `GetCredentialReport` answers before the report.
    pub(crate) report_errors: Vec<String>,
    pub(crate) report_generated_at: Timestamp,
    pub(crate) credential_report: Vec<u8>,
    pub(crate) report_encoding: ReportEncoding,
    pub(crate) account_summary: BTreeMap<String, i32>,
    pub(crate) password_policy: Option<BTreeMap<String, Value>>,
    pub(crate) identities: Identities,
    pub(crate) administrators: Holders,
    pub(crate) virtual_mfa_devices: Vec<Device>,
    pub(crate) trails: Vec<Trail>,
    /// Rules and schedules that are not as they should be, as `rule NAME in REGION` and `schedule NAME`: their state, or `null`
    /// for what is not there.
    pub(crate) watch: BTreeMap<String, Option<String>>,
    /// Events as `LookupEvents` gives them, `awsRegion` beside them.
    pub(crate) events: Vec<Event>,
    /// Sign-ins of others beside them, made when they are looked up.
    pub crowd: Option<Crowd>,
    /// Very many events beside them, made when they are looked up.
    pub flood: Option<Flood>,
    /// What lies beyond the five steps.
    pub(crate) baseline: Baseline,
    /// The same as written, for the stories that are `from` this one.
    parts: Map<String, Value>,
    /// What the owner states unless a story says otherwise.
    statements: String,
}

/// A subscription to the function's topic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// As `email`.
    pub protocol: String,
    /// Whether its owner has agreed to it; before that nothing is sent.
    pub confirmed: bool,
}

/// How the credential report is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReportEncoding {
    /// UTF-8 in base64.
    #[default]
    Utf8,
    /// Another character set in base64.
    Latin1,
    /// Not in base64.
    None,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identities {
    pub(crate) users: Vec<User>,
    pub(crate) groups: Vec<Group>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) attached_policies: Vec<String>,
    #[serde(default)]
    pub(crate) inline_policies: Vec<InlinePolicy>,
}

/// A group; mostly its name alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenGroup")]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) inline_policies: Vec<InlinePolicy>,
    pub(crate) attached_policies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum WrittenGroup {
    Name(String),
    Whole {
        name: String,
        #[serde(default)]
        inline_policies: Vec<InlinePolicy>,
        #[serde(default)]
        attached_policies: Vec<String>,
    },
}

impl From<WrittenGroup> for Group {
    fn from(group: WrittenGroup) -> Self {
        match group {
            WrittenGroup::Name(name) => Self { name, inline_policies: Vec::new(), attached_policies: Vec::new() },
            WrittenGroup::Whole { name, inline_policies, attached_policies } => {
                Self { name, inline_policies, attached_policies }
            }
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    pub(crate) serial_number: String,
    pub(crate) owner_arn: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trail {
    pub(crate) name: String,
    #[serde(default = "home")]
    pub(crate) home_region: String,
    #[serde(default = "yes")]
    pub(crate) multi_region: bool,
    #[serde(default)]
    pub(crate) organization: bool,
    /// Where it delivers to.
    #[serde(default = "trail_bucket")]
    pub(crate) bucket: String,
    #[serde(default = "yes")]
    pub(crate) validates_log_files: bool,
    /// What `GetTrailStatus` answers.
    #[serde(default = "logging")]
    pub(crate) status: Value,
    /// What `GetEventSelectors` answers.
    #[serde(default = "all_management_events")]
    pub(crate) selectors: Value,
}

/// The Region of the function.
fn home() -> String {
    "eu-west-1".to_owned()
}

fn trail_bucket() -> String {
    "acme-prod-trail".to_owned()
}

fn yes() -> bool {
    true
}

fn logging() -> Value {
    json!({"IsLogging": true})
}

fn all_management_events() -> Value {
    json!({"EventSelectors": [{
        "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []
    }]})
}

impl Trail {
    fn sound() -> Self {
        serde_json::from_value(json!({"name": "management"})).expect("a trail")
    }

    /// That of an organization belongs to the management account.
    pub(crate) fn arn(&self, account: &str) -> String {
        let owner = if self.organization { "999988887777" } else { account };
        format!("arn:aws:cloudtrail:{}:{owner}:trail/{}", self.home_region, self.name)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) region: String,
    pub(crate) time: Timestamp,
    /// From when on `LookupEvents` shows it.
    pub(crate) visible_at: Timestamp,
    /// As it stands in `Events[]`.
    pub(crate) outer: Value,
}

/// What a root access key does very often, in every enabled Region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// How often in each Region.
    pub times: usize,
    /// When the newest of it happened; unset: five minutes before the story's present.
    pub until: Option<Timestamp>,
    /// How many in a second.
    #[serde(default = "ten")]
    pub a_second: usize,
    /// Bytes of the request, which the record repeats.
    #[serde(default)]
    pub request_bytes: usize,
}

fn ten() -> usize {
    10
}

impl Flood {
    /// So many in each Region, ten a second, the newest of them at `until`.
    pub fn of(times: usize, until: Timestamp) -> Self {
        Self { times, until: Some(until), a_second: ten(), request_bytes: 0 }
    }

    /// When the event `number` happened; the newest has the number 0.
    pub(crate) fn time(&self, number: usize) -> Timestamp {
        let before = i64::try_from(number / self.a_second.max(1)).expect("few events");
        self.until.expect("set when the story is read") - SignedDuration::from_secs(before)
    }

    /// The event `number` of `region`, as `LookupEvents` gives it.
    pub(crate) fn event(&self, number: usize, region: &str, account: &str) -> Value {
        let time = self.time(number);
        let place = region.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let id = format!("{place:08x}-0000-4000-9000-{number:012}");
        let key = "AKIAEXAMPLE000000009";
        let request = (self.request_bytes > 0).then(|| json!({"filter": "x".repeat(self.request_bytes)}));
        let record = json!({
            "eventVersion": "1.11", "eventID": id, "eventTime": time.to_string(), "eventName": "GetCallerIdentity",
            "eventSource": "sts.amazonaws.com", "eventType": "AwsApiCall", "awsRegion": region, "readOnly": true,
            "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2.31.0", "requestParameters": request,
            "responseElements": null, "recipientAccountId": account, "managementEvent": true,
            "eventCategory": "Management",
            "userIdentity": {"type": "Root", "principalId": account, "arn": format!("arn:aws:iam::{account}:root"),
                "accountId": account, "accessKeyId": key},
        });
        json!({
            "EventId": id, "EventName": "GetCallerIdentity", "EventSource": "sts.amazonaws.com", "ReadOnly": "true",
            "EventTime": time.as_second(), "Username": "root", "AccessKeyId": key, "Resources": [],
            "CloudTrailEvent": record.to_string(),
        })
    }
}

/// People who sign in to the console all day long, day and night; none of them is root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// How often a day.
    pub a_day: usize,
    /// The Region that records it.
    pub region: String,
}

impl Crowd {
    const DAY: i64 = 86_400;

    /// The numbers of the sign-ins from `since` to `until`.
    pub(crate) fn between(&self, since: Timestamp, until: Timestamp) -> std::ops::Range<i64> {
        let a_day = i64::try_from(self.a_day).expect("few sign-ins");
        let before = |at: Timestamp| (at.as_second() * a_day).div_euclid(Self::DAY);
        before(since)..before(until)
    }

    /// When the sign-in `number` happened.
    pub(crate) fn time(&self, number: i64) -> Timestamp {
        let a_day = i64::try_from(self.a_day).expect("few sign-ins");
        Timestamp::from_second((number * Self::DAY).div_euclid(a_day) + 1).expect("a time")
    }

    /// The sign-in `number`, as `LookupEvents` gives it.
    pub(crate) fn event(&self, number: i64, account: &str) -> Value {
        let (time, id) = (self.time(number), format!("00000000-0000-4000-8001-{number:012}"));
        let name = format!("user-{}", number % 1_000);
        let record = json!({
            "eventVersion": "1.11", "eventID": id, "eventTime": time.to_string(), "eventName": "ConsoleLogin",
            "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "awsRegion": self.region,
            "readOnly": false, "sourceIPAddress": "198.51.100.9", "userAgent": "Mozilla/5.0",
            "requestParameters": null, "responseElements": {"ConsoleLogin": "Success"},
            "additionalEventData": {"MFAUsed": "Yes"}, "recipientAccountId": account, "managementEvent": true,
            "eventCategory": "Management",
            "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE000000001", "accountId": account,
                "arn": format!("arn:aws:iam::{account}:user/{name}"), "userName": name},
        });
        json!({
            "EventId": id, "EventName": "ConsoleLogin", "EventSource": "signin.amazonaws.com", "ReadOnly": "false",
            "EventTime": time.as_second(), "Username": name, "Resources": [], "CloudTrailEvent": record.to_string(),
        })
    }
}

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
        let folder = Folder { path: scenarios().join(name), by };
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
            webhook: base.webhook,
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

    /// The same account at a later present. Events stay where they are, and the credential report gets older.
    #[must_use]
    pub fn later(&self, by: SignedDuration) -> Self {
        Self { now: self.now + by, ..self.clone() }
    }

    /// The same account at a later present, with a credential report that is as young as before.
    #[must_use]
    pub fn later_with_a_young_report(&self, by: SignedDuration) -> Self {
        Self { report_generated_at: self.report_generated_at + by, ..self.later(by) }
    }

    /// The same account, in which root did nothing.
    #[must_use]
    pub fn without_events(self) -> Self {
        Self { events: Vec::new(), flood: None, crowd: None, ..self }
    }

    /// The same account, in which the first of root's events came so many times, a second apart, and no other one.
    #[must_use]
    pub fn with_a_flood_of(mut self, times: usize) -> Self {
        self.events.truncate(1);
        self.multiply_events(times);
        self
    }

    /// The same account, in which CloudTrail shows each event only so long after it happened.
    #[must_use]
    pub fn shown_late(mut self, by: SignedDuration) -> Self {
        self.events.iter_mut().for_each(|event| event.visible_at = event.time + by);
        self
    }

    /// The present and the events of this story, all else from the story called `name`.
    #[must_use]
    pub fn with_account_of(self, name: &str) -> Self {
        let Self { now, events, flood, .. } = self;
        Self { now, events, flood, ..Self::at(name, now) }
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
            webhook: WEBHOOK.to_owned(),
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

    /// Adds `count` users to report and identities: with a password, MFA and a group, a young key, and all in use. They stay so
    /// for a month.
    pub fn add_users(&mut self, count: usize) {
        self.add_report_rows(count);
        let user = |number| User { name: user_name(number), groups: vec!["Administrators".into()], ..User::default() };
        self.identities.users.extend((0..count).map(user));
    }

    /// Adds `count` such users to the report alone.
    pub fn add_report_rows(&mut self, count: usize) {
        use std::fmt::Write;

        let ago =
            |days: i64| (self.now - SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (made, changed, used) = (ago(730), ago(30), ago(1));
        let mut rows = String::new();
        for number in 0..count {
            let (name, account) = (user_name(number), &self.account);
            let _ = write!(
                rows,
                "\n{name},arn:aws:iam::{account}:user/{name},{made},true,{used},{changed},N/A,true,true,{changed},{used},\
                 eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
            );
        }
        self.credential_report.extend(rows.bytes());
    }

    /// Adds `roles` with an inline policy of nearly 10 kB each, and `policies` of their own, all different.
    pub fn add_roles_and_policies(&mut self, roles: usize, policies: usize) {
        const STATEMENTS: usize = 40;
        let document = |number: usize, statements: usize| {
            let statement = |at| {
                json!({
                    "Sid": format!("S{number}x{at}"), "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject", "ec2:Describe*", "logs:CreateLogGroup"],
                    "Resource": format!("arn:aws:s3:::bucket-{number}-{at}/*"),
                    "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
                })
            };
            json!({"Version": "2012-10-17", "Statement": (0..statements).map(statement).collect::<Vec<_>>()})
        };
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ]});
        self.baseline.roles.extend((0..roles).map(|number| Role {
            name: format!("role-{number:05}"),
            path: "/".into(),
            trust: trust.clone(),
            inline_policies: vec![InlinePolicy { name: "own".into(), document: document(number, STATEMENTS) }],
            attached_policies: Vec::new(),
        }));
        self.baseline.policies.extend((0..policies).map(|number| Policy {
            name: format!("policy-{number:05}"),
            document: document(number, STATEMENTS / 2),
            former: Vec::new(),
            attachments: 1,
        }));
    }

    fn multiply_events(&mut self, times: usize) {
        let original = self.events.remove(0);
        for copy in 0..times {
            let mut event = original.clone();
            let id = format!("00000000-0000-4000-9000-{copy:012}");
            event.time -= SignedDuration::from_secs(i64::try_from(copy).expect("few copies"));
            let record = event.outer["CloudTrailEvent"].as_str().expect("a record").to_owned();
            let mut record: Value = serde_json::from_str(&record).expect("a JSON record");
            record["eventID"] = json!(id);
            record["eventTime"] = json!(event.time.to_string());
            event.outer["EventId"] = json!(id);
            event.outer["EventTime"] = json!(event.time.as_second());
            event.outer["CloudTrailEvent"] = json!(record.to_string());
            self.events.push(event);
        }
    }

    /// Where the function publishes.
    pub fn topic_arn(&self) -> String {
        format!("arn:aws:sns:eu-west-1:{}:rootwatch", self.account)
    }

    /// Where what is meant for Amazon Q is published.
    pub fn chat_topic_arn(&self) -> String {
        format!("{}-chat", self.topic_arn())
    }

    /// Where reports are kept.
    pub fn report_bucket(&self) -> String {
        format!("rootwatch-reports-{}", self.account)
    }

    /// The same where what wakes the function is in another state; see the folder's `watch.json`.
    #[must_use]
    pub fn with_watch(mut self, name: &str, state: Option<&str>) -> Self {
        self.watch.insert(name.to_owned(), state.map(str::to_owned));
        self
    }

    /// The queue to which the rules at home lead.
    pub fn queue_arn(&self) -> String {
        format!("arn:aws:sqs:eu-west-1:{}:rootwatch-EventsQueue", self.account)
    }

    /// The role with which the rules of other Regions lead there.
    pub fn forwarder_arn(&self) -> String {
        format!("arn:aws:iam::{}:role/rootwatch-ForwarderRole", self.account)
    }

    /// The function's own ARN.
    pub fn function_arn(&self) -> String {
        format!("arn:aws:lambda:eu-west-1:{}:function:rootwatch", self.account)
    }

    /// The function's environment.
    pub fn variables(&self) -> Vec<(String, String)> {
        let fixed = [
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("ROOTWATCH_TOPIC_ARN", self.topic_arn()),
            ("ROOTWATCH_TABLE", TABLE.to_owned()),
            ("ROOTWATCH_SCHEDULE", "rootwatch-schedule".to_owned()),
            ("ROOTWATCH_RULES", "rootwatch-root,rootwatch-tampering".to_owned()),
            ("ROOTWATCH_FORWARD_REGIONS", "us-east-1,us-east-2,us-west-2".to_owned()),
            ("ROOTWATCH_STACK", "rootwatch".to_owned()),
            ("ROOTWATCH_QUEUE_ARN", self.queue_arn()),
            ("ROOTWATCH_FORWARDER_ROLE_ARN", self.forwarder_arn()),
        ];
        fixed.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(self.environment.clone()).collect()
    }
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

fn user_name(number: usize) -> String {
    format!("user-{number:05}")
}

struct Folder {
    path: PathBuf,
    by: SignedDuration,
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
    fn events(&self) -> Option<Vec<Event>> {
        let mut files: Vec<_> = std::fs::read_dir(self.path.join("root-events")).ok()?.flatten().collect();
        files.sort_by_key(std::fs::DirEntry::file_name);
        let events = files.iter().map(|file| {
            let name = format!("root-events/{}", file.file_name().to_string_lossy());
            event(self.parse(&name).expect("an event"))
        });
        Some(events.collect())
    }
}

fn event(mut value: Value) -> Event {
    let late = value.as_object_mut().and_then(|fields| fields.shift_remove("visibleAt"));
    let late = late.map(|at| serde_json::from_value(at).expect("visibleAt is a time"));
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    if value.get("EventId").is_some() {
        let time: Timestamp = text("/EventTime").parse().expect("EventTime is a time");
        let region = text("/awsRegion");
        value["EventTime"] = json!(time.as_second());
        if let Some(fields) = value.as_object_mut() {
            fields.remove("awsRegion");
        }
        return Event { region, time, visible_at: late.unwrap_or(time), outer: value };
    }
    let time: Timestamp = text("/eventTime").parse().expect("eventTime is a time");
    let outer = json!({
        "EventId": text("/eventID"),
        "EventName": text("/eventName"),
        "ReadOnly": value["readOnly"].to_string(),
        "EventTime": time.as_second(),
        "EventSource": text("/eventSource"),
        "Username": username(&text),
        "AccessKeyId": text("/userIdentity/accessKeyId"),
        "Resources": [],
        "CloudTrailEvent": value.to_string(),
    });
    Event { region: text("/awsRegion"), time, visible_at: late.unwrap_or(time), outer }
}

/// `root`, a user's name, or that of a federated user, which stands in its ARN alone. No source tells the last one.
fn username(text: &impl Fn(&str) -> String) -> String {
    match text("/userIdentity/type").as_str() {
        "Root" => "root".to_owned(),
        "FederatedUser" => text("/userIdentity/arn").rsplit('/').next().unwrap_or_default().to_owned(),
        _ => text("/userIdentity/userName"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_comes_late_moves_with_the_other_times_and_does_not_say_so() {
        let path = std::env::temp_dir().join(format!("rootwatch-story-{}", std::process::id()));
        std::fs::create_dir_all(path.join("root-events")).unwrap();
        let record =
            r#"{"eventTime": "2026-11-20T09:00:00Z", "visibleAt": "2026-11-20T11:00:00Z", "awsRegion": "us-east-1"}"#;
        std::fs::write(path.join("root-events/1.json"), record).unwrap();
        let events = Folder { path: path.clone(), by: SignedDuration::from_hours(24) }.events().unwrap();
        std::fs::remove_dir_all(path).unwrap();
        assert_eq!(events[0].time.to_string(), "2026-11-21T09:00:00Z");
        assert_eq!(events[0].visible_at.to_string(), "2026-11-21T11:00:00Z");
        assert_eq!(
            events[0].outer["CloudTrailEvent"],
            r#"{"eventTime":"2026-11-21T09:00:00Z","awsRegion":"us-east-1"}"#
        );
    }

    #[test]
    fn an_entry_of_the_event_history_may_come_late_too() {
        let entry = json!({"EventId": "1", "EventTime": "2026-11-20T09:00:00Z", "visibleAt": "2026-11-20T11:00:00Z"});
        let event = event(entry);
        assert_eq!(event.visible_at.to_string(), "2026-11-20T11:00:00Z");
        assert!(event.outer.get("visibleAt").is_none());
    }

    #[test]
    fn a_later_story_has_an_older_report_unless_it_is_to_be_young() {
        let story = Story::load("nothing-to-tell-compliant");
        let hour = SignedDuration::from_hours(1);
        let age = |story: &Story| story.now.duration_since(story.report_generated_at);
        assert_eq!(age(&story.later(hour)), age(&story) + hour);
        assert_eq!(age(&story.later_with_a_young_report(hour)), age(&story));
        assert_eq!(story.later_with_a_young_report(hour).now, story.now + hour);
    }

    #[test]
    fn a_user_who_is_added_uses_young_credentials_wherever_the_present_is() {
        let now: Timestamp = "2027-08-01T12:00:00Z".parse().unwrap();
        let mut story = Story::at("nothing-to-tell-compliant", now);
        story.add_users(1);
        let report = String::from_utf8(story.credential_report.clone()).unwrap();
        let row: Vec<&str> = report.lines().last().unwrap().split(',').collect();
        let (changed, used) = ("2027-07-02T12:00:00Z", "2027-07-31T12:00:00Z");
        assert_eq!(
            row[..5],
            ["user-00000", "arn:aws:iam::111122223333:user/user-00000", "2025-08-01T12:00:00Z", "true", used]
        );
        assert_eq!(row[5..11], [changed, "N/A", "true", "true", changed, used]);
        assert_eq!(row.len(), report.lines().next().unwrap().split(',').count());
        assert_eq!(story.later(SignedDuration::from_hours(72)).credential_report, story.credential_report);
    }

    #[test]
    fn a_part_that_a_story_does_not_tell_is_that_of_its_base() {
        let story = Story::load("medium-a-member-whose-guardrail-is-visible");
        let organization = story.baseline.organization.as_ref().unwrap();
        assert!(organization.tells_policies && organization.feature_set == "ALL");
        assert_eq!(story.baseline.identity_center.len(), 1, "of the base");
        assert_eq!(story.baseline.budgets.len(), 1, "of every account");
    }

    #[test]
    fn a_story_takes_its_account_from_another_and_keeps_its_present_and_its_events() {
        let quiet = "nothing-to-tell-compliant";
        let story =
            Story::load("critical-root-signs-in-without-mfa-and-creates-a-key").later(SignedDuration::from_hours(1));
        let (now, events) = (story.now, story.events.len());
        let story = story.with_account_of(quiet);
        assert_eq!((story.now, story.events.len(), story.name.as_str()), (now, events, quiet));
        assert_eq!(story.credential_report, Story::at(quiet, now).credential_report);
        assert!(story.without_events().events.is_empty());
    }
}
