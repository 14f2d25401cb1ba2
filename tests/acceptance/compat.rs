//! An upgrade from 0.1.0 loses nothing and repeats nothing, and 0.1.0 reads what today's functions store. `tests/compat/0.1.0` holds
//! what 0.1.0 stored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alerts::SCHEMA;
use aws_sdk_dynamodb::types::AttributeValue;
use function::Invocation;
use jiff::Timestamp;
use reporter::History;
use sandbox::runtime::{self, Invoke};
use sandbox::{Fault, Sandbox, Story, Trouble};
use serde_json::{Value, json};

use crate::account::{ALARM, Account, FRESH, Item, QUIET, Run, minutes, text, times, transitions};
use crate::deployment::template;
use crate::difference::end_of;
use crate::odd_items::item;
use crate::reporter::verify;
use crate::stories::invocation;

/// The account in which 0.1.0 ran last.
const NEW: &str = "critical-new-account-in-which-nothing-is-set-up";
/// Just after the lease of the run that died.
const UPGRADED: &str = "2026-11-20T10:05:00Z";
const DENIED: &str = "account:GetContactInformation";
const ODD: &str = "111122223333/odd-items/1";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat/0.1.0")
}

fn stored(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(file)).unwrap()).unwrap()
}

/// The items of the table.
fn items() -> Vec<Item> {
    let value = |value: &Value| match (&value["S"], &value["N"]) {
        (Value::String(text), _) => AttributeValue::S(text.clone()),
        (_, Value::String(number)) => AttributeValue::N(number.clone()),
        _ => panic!("{value}"),
    };
    let item = |item: &Value| item.as_object().unwrap().iter().map(|(name, of)| (name.clone(), value(of))).collect();
    stored("items.json").as_array().unwrap().iter().map(item).collect()
}

/// The variables of a function of 0.1.0.
fn variables(function: &str) -> BTreeMap<String, String> {
    serde_json::from_value(stored("environment.json")[function].clone()).unwrap()
}

/// The account called `name` at `now`, with the settings of 0.1.0 under the names of today.
fn story_at(name: &str, now: &str) -> Story {
    let story = Story::load(ALARM).with_account_of(name);
    let by = now.parse::<Timestamp>().unwrap().duration_since(story.now);
    let mut story = story.later_with_a_young_report(by);
    story.environment = variables("checker");
    let disabled = story.environment.remove("ROOTWATCH_LEAVE_OUT").unwrap();
    story.environment.insert("ROOTWATCH_DISABLED_CONTROLS".into(), disabled);
    story.environment.remove("ROOTWATCH_HEARTBEAT_URL");
    story.faults.push(Fault::on(DENIED, Trouble::Deny));
    story
}

async fn upgraded(story: &Story) -> Account {
    let account = Account::of(story).await;
    account.put_all(items()).await;
    account
}

fn body(item: &Item) -> Value {
    serde_json::from_str(&text(item, "body")).unwrap()
}

/// The alerts that waited, by id.
fn waited() -> BTreeSet<String> {
    let waiting = items().into_iter().filter(|item| text(item, "pk").starts_with("O#"));
    waiting
        .map(|item| body(&item)["id"].as_str().unwrap().replace("/root/", "").replace("111122223333000", "000"))
        .collect()
}

/// What was sent of open conditions in `run`, as id and transition.
fn sent(run: &Run) -> BTreeSet<(String, String)> {
    transitions(&run.mails).into_iter().collect()
}

#[tokio::test]
async fn what_waited_is_sent_once_and_nothing_that_was_sent_again() {
    let story = story_at(NEW, UPGRADED);
    let account = upgraded(&story).await;
    let open: BTreeSet<String> =
        items().iter().filter(|item| text(item, "sk").starts_with("C#")).map(|item| text(item, "sk")).collect();
    let run = account.run(&story).await;
    let answer = run.answer.as_ref().unwrap();
    assert_eq!((answer.odd_items, run.is_complete(), answer.unsent), (0, true, Some(0)), "every item is read");
    let ids = run.ids();
    assert!(times(&ids).values().all(|times| *times == 1), "{ids:?}");
    let waited = waited();
    assert_eq!(waited.len(), 12);
    assert!(waited.iter().all(|id| ids.contains(id)), "{waited:?} {ids:?}");
    assert!(
        sent(&run).contains(&("111122223333/individual-iam-users/2".into(), "suppressed".into())),
        "silenced by 0.1.0"
    );
    assert!(!run.mails.iter().any(|mail| mail.bodies["default"].contains("cannot read")), "each with its own words");
    // What 0.1.0 knew opens no second time; what is new today may.
    let reopened: Vec<_> = sent(&run)
        .into_iter()
        .filter(|(id, transition)| {
            let key =
                id.trim_start_matches("111122223333/").rsplit_once('/').map_or("", |(key, _)| key).replace('/', "#");
            transition == "opened"
                && !waited.contains(id)
                && (open.contains(&format!("C#{key}")) || key == "root-credentials-attested")
        })
        .collect();
    assert_eq!(reopened, []);
    let expected = ["digest", "exception-ended", "caught-up", "attestation-lapsed", "root-credentials-back"];
    assert!(!ids.iter().any(|id| expected.iter().any(|kind| id.contains(kind))), "{ids:?}");
    account.assert_settled("all is sent").await;

    let again = account.run(&story_at(NEW, "2026-11-20T10:20:00Z")).await;
    assert_eq!(again.ids(), [""; 0], "nothing is news");
}

#[tokio::test]
async fn open_conditions_go_on_as_if_one_version_had_run_throughout() {
    let story = story_at(NEW, UPGRADED);
    let account = upgraded(&story).await;
    account.run(&story).await;
    let of = |run: &Run, control: &str| {
        let found = transitions(&run.mails).into_iter().filter(|(id, _)| id.contains(&format!("/{control}/")));
        found.collect::<Vec<_>>()
    };
    let one = |id: &str, transition: &str| vec![(format!("111122223333/{id}"), transition.to_owned())];
    // Reminders six hours after 08:30, when 0.1.0 reminded last.
    for (now, reminded) in [("2026-11-20T14:20:00Z", false), ("2026-11-20T14:31:00Z", true)] {
        let run = account.run(&story_at(NEW, now)).await;
        let expected = if reminded { one("root-access-keys/2", "reminder") } else { Vec::new() };
        assert_eq!(of(&run, "root-access-keys"), expected, "{now}");
    }
    // A low one after seven times 48 hours: it opened on 18 November, under its former id.
    let mut last = Vec::new();
    for (now, reminded) in [("2026-12-02T08:25:00Z", false), ("2026-12-02T08:35:00Z", true)] {
        let run = account.run(&story_at(NEW, now)).await;
        let expected = if reminded { one("root-credentials-attested/1", "reminder") } else { Vec::new() };
        assert_eq!(of(&run, "root-credentials-attested"), expected, "{now}");
        last = run.ids();
    }
    assert!(!last.iter().any(|id| id.contains("root-credentials-statements")), "{last:?}");

    let mut well = story_at(QUIET, "2026-12-02T09:10:00Z");
    well.faults.clear();
    let run = account.run(&well).await;
    for id in ["root-access-keys/2", "root-mfa/2", "cloudtrail-trail/1", "alert-path/1", "unread/primary_contact/2"] {
        assert!(sent(&run).contains(&(format!("111122223333/{id}"), "resolved".into())), "{id}: {:?}", sent(&run));
    }
}

#[tokio::test]
async fn a_plan_of_0_1_0_still_explains_what_root_does() {
    let story = story_at(NEW, UPGRADED);
    let account = upgraded(&story).await;
    let run = account.run(&story).await;
    let plans: Vec<String> = run.answer.unwrap().plans.into_iter().map(|plan| plan.ticket).collect();
    assert_eq!(plans, ["CHG-1", "CHG-2"]);
}

#[tokio::test]
async fn a_table_of_a_newer_version_is_reported_once_and_the_watch_goes_on() {
    let newer = "rootwatch.state/2";
    let story = story_at(NEW, UPGRADED);
    let account = upgraded(&story).await;
    account.run(&story).await;
    let mut journal = account.item("A", "H#heartbeat").await;
    let mut body = body(&journal);
    assert_eq!(body["schema"], SCHEMA, "the table says of which schema it is");
    body["schema"] = json!(newer);
    body["of_that_version"] = json!(1);
    journal.insert("body".into(), AttributeValue::S(body.to_string()));
    account.put(journal).await;

    let run = account.run(&story_at(NEW, "2026-11-20T10:20:00Z")).await;
    assert_eq!(sent(&run), BTreeSet::from([(ODD.to_owned(), "opened".to_owned())]), "and nothing twice");
    let mail = crate::account::words(run.mail());
    assert!(mail.contains("Another version of rootwatch wrote the state table last"), "{mail}");
    assert!(!mail.contains("cannot be read, or holds"), "what is read counts: {mail}");
    assert_eq!((run.is_complete(), run.answer.unwrap().odd_items), (true, 1));
    assert!(account.items("Q").await.iter().any(|aside| text(aside, "body").contains("of_that_version")), "kept aside");
    let run = account.run(&story_at(NEW, "2026-11-20T10:35:00Z")).await;
    assert_eq!(sent(&run), BTreeSet::from([(ODD.to_owned(), "resolved".to_owned())]));
}

/// Every object of the bucket.
fn objects() -> BTreeMap<String, Vec<u8>> {
    let root = folder().join("bucket");
    let (mut folders, mut objects) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                objects.insert(key, std::fs::read(path).unwrap());
            }
        }
    }
    objects
}

/// The real reporter keeps the answer of a check after those of 0.1.0; the bucket, and the reporter's answer.
async fn continued(objects: BTreeMap<String, Vec<u8>>) -> (Sandbox, Value) {
    let story = story_at(NEW, UPGRADED);
    let answer = serde_json::to_value(upgraded(&story).await.run(&story).await.answer.unwrap()).unwrap();
    let sandbox = Sandbox::start(story.clone()).await;
    for (key, bytes) in objects {
        sandbox.place_object(&key, bytes);
    }
    let id = "00000006-0000-4000-8000-000000000000";
    let record = runtime::destination_record(id, &story.event, &answer, story.now);
    let mut invoke = Invoke::reporter(&sandbox, &story, record.to_string(), Duration::from_secs(60));
    invoke.environment.extend(variables("reporter"));
    let outcome = runtime::invoke(invoke).await;
    let kept = outcome.answer.unwrap_or_else(|error| panic!("{error}\n{}", end_of(&outcome.log)));
    (sandbox, kept)
}

fn history(sandbox: &Sandbox) -> History {
    serde_json::from_slice(&sandbox.object("history.json").unwrap()).unwrap()
}

#[tokio::test]
async fn the_chain_of_0_1_0_goes_on_and_its_days_are_on_the_page() {
    let (sandbox, kept) = continued(objects()).await;
    let report: Value = serde_json::from_slice(&sandbox.object(kept["report"].as_str().unwrap()).unwrap()).unwrap();
    let previous = report["previous"]["key"].as_str().unwrap();
    assert_eq!(previous, "reports/111122223333/2026/11/20/T093000Z-00000005.json");
    let after = history(&sandbox);
    assert_eq!((after.chain.len(), after.rebuilt_at), (6, None));
    let statuses = |run: &reporter::history::Run| run.statuses.contains_key("root-credentials-attested");
    assert!(after.runs.iter().all(statuses), "under one id");
    let days: BTreeSet<String> = after.runs.iter().map(|run| run.from.strftime("%F").to_string()).collect();
    assert_eq!(days.len(), 3);
    let page = String::from_utf8(sandbox.object("latest.html").unwrap()).unwrap();
    assert!(page.contains("2026-11-18") && page.contains("2026-11-19"), "the days of 0.1.0");

    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("evidence-of-0.1.0");
    let _ = std::fs::remove_dir_all(&copy);
    sandbox.copy_objects(&copy).unwrap();
    let (code, said) = verify(&copy.to_string_lossy());
    assert!(code == 0 && said.contains("6 reports") && said.contains("none was edited"), "{said}");

    // A rebuild from the same reports comes to the same.
    let without = objects().into_iter().filter(|(key, _)| key != "history.json").collect();
    let (sandbox, _) = continued(without).await;
    let rebuilt = history(&sandbox);
    assert!(rebuilt.rebuilt_at.is_some());
    assert_eq!((&rebuilt.acts, &rebuilt.plans), (&after.acts, &after.plans));
    let links = |history: &History| -> Vec<(String, String)> {
        history.chain.iter().map(|link| (link.key.clone(), link.sha256.clone())).collect()
    };
    // Of a day before the newest two it reads the last report only.
    assert_eq!(links(&rebuilt)[..4], links(&after)[1..5]);
    let newest = |history: &History| -> Vec<_> {
        history
            .runs
            .iter()
            .filter(|run| run.from.strftime("%F").to_string().as_str() >= "2026-11-19")
            .cloned()
            .collect()
    };
    assert_eq!(newest(&rebuilt), newest(&after));
    assert_eq!(
        rebuilt.runs[0].statuses,
        after.runs.iter().rfind(|run| run.from < newest(&after)[0].from).unwrap().statuses
    );
}

#[tokio::test]
async fn a_notification_of_0_1_0_that_is_in_flight_is_posted() {
    let story = story_at(NEW, UPGRADED);
    let sandbox = Sandbox::start(story.clone()).await;
    let host = sandbox.url().trim_start_matches("http://").to_owned();
    let webhook = variables("slack-notifier").into_iter().chain([("ROOTWATCH_WEBHOOK_TEST_HOST".to_owned(), host)]);
    let notifiers: [BTreeMap<String, String>; 2] = [webhook.collect(), variables("chat-notifier")];
    let sent = stored("notifications.json");
    let sent = sent.as_array().unwrap();
    for variables in notifiers {
        let region = [("AWS_REGION".to_owned(), "eu-west-1".to_owned())];
        let settings = slack_notifier::Settings::read(variables.into_iter().chain(region));
        let config = sandbox.sdk_config(&crate::stories::limits()).await;
        let notifier = slack_notifier::SlackNotifier::new(&config, settings);
        for (number, message) in sent.iter().enumerate() {
            let event = json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {"Type": "Notification",
                "MessageId": format!("00000000-0000-4000-8000-{number:012}"), "TopicArn": story.topic_arn(),
                "Subject": message["subject"], "Message": message["bodies"]["lambda"], "Timestamp": story.now}}]});
            let invocation = Invocation { ends: story.now + minutes(1), ..invocation(&story) };
            notifier.handle(&event, &invocation).await.unwrap();
        }
    }
    let (posts, chats) = (sandbox.posts(), sandbox.chats());
    assert_eq!((posts.len(), chats.len()), (sent.len(), sent.len()));
    for posted in [&posts, &chats] {
        let posted = serde_json::to_string(posted).unwrap();
        assert!(posted.contains("root access key") && posted.contains("CHG-2"), "with its words: {posted:.2000}");
    }
}

#[test]
fn each_setting_of_0_1_0_is_accepted_and_the_one_that_was_renamed_is_refused_aloud() {
    let region = [("AWS_REGION".to_owned(), "eu-west-1".to_owned())];
    let now: Timestamp = UPGRADED.parse().unwrap();
    let settings = checker::Settings::read(variables("checker").into_iter().chain(region.clone()), now).unwrap();
    let refused: Vec<String> = settings.checklist.refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused, ["ROOTWATCH_LEAVE_OUT: is not known, and does nothing"]);
    let declarations = &settings.checklist.declarations;
    let controls: Vec<&str> = declarations.exceptions.iter().map(|exception| exception.control.as_str()).collect();
    assert_eq!(controls, ["root-hardware-mfa", "root-credentials-attested", "individual-iam-users"]);
    assert_eq!((declarations.attestations.len(), settings.lookback_hours), (2, 48));

    let activity = variables("root-activity").into_iter().chain(region.clone());
    assert!(root_activity::Settings::read(activity).is_ok());
    assert!(reporter::Settings::read(variables("reporter").into_iter().chain(region)).is_ok());
}

fn template_of_0_1_0() -> serde_yaml_ng::Value {
    let mut template: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&std::fs::read_to_string(folder().join("template.yaml")).unwrap()).unwrap();
    template.apply_merge().unwrap();
    template
}

fn names(template: &serde_yaml_ng::Value, section: &str) -> BTreeSet<String> {
    template[section].as_mapping().unwrap().keys().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Parameters and outputs of 0.1.0 that have another name today.
const RENAMED: [(&str, &str, &str); 6] = [
    ("Parameters", "LeaveOut", "DisabledControls"),
    ("Outputs", "Topic", "AlertTopicArn"),
    ("Outputs", "Ledger", "StateTableName"),
    ("Outputs", "Reports", "ReportBucketName"),
    ("Outputs", "Dashboard", "DashboardUrl"),
    ("Outputs", "Function", "CheckerFunctionName"),
];

#[test]
fn every_parameter_and_output_of_0_1_0_is_there_or_its_new_name_is_documented() {
    let (before, now) = (template_of_0_1_0(), template());
    let install = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/install.md")).unwrap();
    for section in ["Parameters", "Outputs"] {
        let today = names(&now, section);
        for name in names(&before, section) {
            let renamed = RENAMED.iter().find(|(of, was, _)| *of == section && *was == name);
            let is = renamed.map_or(name.as_str(), |(_, _, is)| is);
            assert!(today.contains(is), "{section}: {name}");
            if renamed.is_some() {
                let row = |line: &&str| line.contains(&format!("`{name}`")) && line.contains(&format!("`{is}`"));
                assert!(install.lines().find(row).is_some(), "docs/install.md has the new name of {name}");
            }
        }
    }
    let (was, is) = (&before["Parameters"], &now["Parameters"]);
    for name in names(&before, "Parameters").iter().filter(|name| *name != "LeaveOut") {
        for field in ["Type", "Default"] {
            assert_eq!(
                was[name.as_str()][field],
                is[name.as_str()][field],
                "{name}: the value that a stack has stays right"
            );
        }
        let values =
            |of: &serde_yaml_ng::Value| of[name.as_str()]["AllowedValues"].as_sequence().cloned().unwrap_or_default();
        let (was, is) = (values(was), values(is));
        assert!(was.iter().all(|value| is.contains(value)), "{name}: a value that 0.1.0 allowed is refused");
    }
}

#[test]
fn what_holds_the_memory_of_a_stack_is_the_same_resource_so_that_an_update_keeps_it() {
    let (before, now) = (template_of_0_1_0(), template());
    let mut kept = 0;
    for name in names(&before, "Resources") {
        let (was, is) = (&before["Resources"][name.as_str()], &now["Resources"][name.as_str()]);
        let holds =
            ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Logs::LogGroup"];
        if !holds.contains(&was["Type"].as_str().unwrap()) {
            continue;
        }
        kept += 1;
        assert_eq!(was["Type"], is["Type"], "{name}");
        assert_eq!(was["Properties"]["KeySchema"], is["Properties"]["KeySchema"], "{name}");
        for named in ["TableName", "BucketName", "TopicName", "QueueName", "LogGroupName"] {
            assert_eq!(was["Properties"][named], is["Properties"][named], "{name}: another name is another resource");
        }
    }
    assert!(kept >= 6, "{kept}");
}

/// Whether 0.1.0 reads `value` as `shape`: a name of `reads.json`, or a shape itself.
fn reads(shapes: &Value, shape: &Value, value: &Value) -> Result<(), String> {
    let no = |what: &str| Err(format!("{what} wanted, {value:.80} found"));
    match shape {
        Value::String(name) => {
            if let Some(list) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
                let Some(values) = value.as_array() else { return no("a list") };
                return values.iter().try_for_each(|value| reads(shapes, &json!(list), value));
            }
            if let Some((key, of)) = name.strip_prefix('{').and_then(|name| name.split_once('}')) {
                let Some(values) = value.as_object() else { return no("a map") };
                return values.iter().try_for_each(|(name, value)| {
                    reads(shapes, &json!(key), &json!(name))?;
                    reads(shapes, &json!(of), value).map_err(|fault| format!("{name}: {fault}"))
                });
            }
            let is_right = match name.as_str() {
                "text" => value.is_string(),
                "bool" => value.is_boolean(),
                "count" => value.as_u64().is_some(),
                "time" => value.as_str().is_some_and(|time| time.parse::<Timestamp>().is_ok()),
                name => return reads(shapes, &shapes[name], value).map_err(|fault| format!("{name}: {fault}")),
            };
            if is_right { Ok(()) } else { no(name) }
        }
        Value::Array(values) => {
            if values.contains(value) {
                Ok(())
            } else {
                no("one of the values of 0.1.0")
            }
        }
        Value::Object(fields) if fields.contains_key("tag") => {
            let tag = value[fields["tag"].as_str().unwrap()].as_str().unwrap_or_default();
            let Some(variant) = fields["variants"].get(tag) else { return no("a variant of 0.1.0") };
            let content = fields.get("content").map_or(value, |content| &value[content.as_str().unwrap()]);
            reads(shapes, variant, content).map_err(|fault| format!("{tag}: {fault}"))
        }
        Value::Object(fields) => {
            fields.iter().try_for_each(|(name, shape)| match (name.as_str(), name.strip_suffix('?')) {
                ("", _) => reads(shapes, shape, value),
                (_, Some(name)) if value[name].is_null() => Ok(()),
                (name, optional) => {
                    reads(shapes, shape, &value[optional.unwrap_or(name)]).map_err(|fault| format!("{name}: {fault}"))
                }
            })
        }
        other => panic!("no shape: {other}"),
    }
}

/// What 0.1.0 reads of the item: the name of a shape, or `None` where it does not look.
fn shape_of(item: &Item) -> Option<&'static str> {
    match (text(item, "pk").split('#').next().unwrap(), text(item, "sk").split('#').next().unwrap()) {
        ("A", "C") => Some("Condition"),
        ("A", "W") => Some("Coverage"),
        ("A", "P") => Some("Plan"),
        ("A", "H") => Some("Journal"),
        ("O", _) => Some("Alert"),
        _ => None,
    }
}

/// Why 0.1.0 cannot read `item`.
fn fault_of(shapes: &Value, item: &Item) -> Option<String> {
    let shape = shape_of(item)?;
    reads(shapes, &json!(shape), &body(item)).err().map(|fault| format!("{}: {fault}", text(item, "sk")))
}

#[test]
fn the_shapes_of_0_1_0_fit_what_it_stored_and_nothing_else() {
    let shapes = stored("reads.json");
    let items = items();
    assert_eq!(items.iter().filter_map(|item| fault_of(&shapes, item)).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(reads(&shapes, &json!("History"), &stored("bucket/history.json")), Ok(()));
    let kinds: BTreeSet<&str> = items.iter().filter_map(shape_of).collect();
    assert_eq!(kinds, BTreeSet::from(["Alert", "Condition", "Coverage", "Journal", "Plan"]));
    for (change, to) in [
        ("/open", json!("yes")),
        ("/failure/severity", json!("urgent")),
        ("/openings", json!(null)),
        ("/fault/fault", json!("new")),
    ] {
        let mut condition = body(items.iter().find(|item| text(item, "sk") == "C#root-mfa").unwrap());
        *condition.pointer_mut(change).unwrap() = to;
        assert!(reads(&shapes, &json!("Condition"), &condition).is_err(), "{change}");
    }
}

/// Conditions that 0.1.0 does not have: it logs that it cannot read them, and sends their waiting alerts, and a digest that lists them, with
/// their text as it is.
const UNREAD_BY_0_1_0: [&str; 2] = ["C#odd-items", "C#refused-settings"];

#[tokio::test]
async fn what_is_stored_today_0_1_0_reads() {
    let shapes = stored("reads.json");
    let mut story = story_at(NEW, "2026-11-20T10:05:00Z");
    story.environment.insert("ROOTWATCH_LOOKBACK".into(), "1".into());
    let account = Account::of(&story).await;
    account.put(item("A", "C#odd", &[("body", AttributeValue::S("?".into()))])).await;
    account.run(&story).await;
    let later = |minutes: i64| story.later_with_a_young_report(jiff::SignedDuration::from_mins(minutes));
    let asked = |minutes: i64, event: Value| {
        let mut story = later(minutes);
        story.event = event;
        story
    };
    let alert = "111122223333/root-access-keys/1";
    account.run(&asked(15, json!({"acknowledge": {"alert": alert, "by": "alice", "hours": 24}}))).await.answer.unwrap();
    let plan = json!({"from": "2026-11-20T11:00:00Z", "to": "2026-11-20T12:00:00Z", "ticket": "CHG-7", "by": "alice"});
    account.run(&asked(30, json!({"planned_root_use": plan}))).await.answer.unwrap();
    // Then the topic refuses, and everything waits: a digest and root activity too.
    let mut deaf = story_at(FRESH, "2026-11-21T08:30:00Z");
    deaf.faults.push(Fault::on("sns:Publish", Trouble::Deny));
    let _ = account.run(&deaf).await;

    let mut items = account.items("A").await;
    items.extend(account.items("O").await);
    items.retain(|item| text(item, "sk") != "C#odd");
    let kinds: BTreeSet<&str> = items.iter().filter_map(shape_of).collect();
    assert_eq!(kinds, BTreeSet::from(["Alert", "Condition", "Coverage", "Journal", "Plan"]));
    assert!(items.iter().any(|item| text(item, "body").contains("\"acknowledged\":{")), "one is acknowledged");
    let faults: Vec<String> = items.iter().filter_map(|item| fault_of(&shapes, item)).collect();
    let unread = |fault: &&String| {
        UNREAD_BY_0_1_0.iter().any(|key| fault.starts_with(key))
            || fault.contains("#111122223333/odd-items/")
            || fault.contains("#111122223333/refused-settings/")
            || (fault.contains("#111122223333/digest/") && fault.contains("OpenCondition: condition: Fault"))
    };
    let (said, harmed): (Vec<_>, Vec<_>) = faults.iter().partition(unread);
    assert_eq!(harmed, Vec::<&String>::new());
    assert!(!said.is_empty());
    // Its other parts: an event is known by its key and its end, the lease by holder and end.
    let events = account.items("E").await;
    assert!(!events.is_empty() && events.iter().all(|event| event["ttl"].as_n().is_ok()));
}

#[tokio::test]
async fn the_history_of_today_0_1_0_reads() {
    let (sandbox, _) = continued(objects()).await;
    let history: Value = serde_json::from_slice(&sandbox.object("history.json").unwrap()).unwrap();
    assert_eq!(reads(&stored("reads.json"), &json!("History"), &history), Ok(()));
}
