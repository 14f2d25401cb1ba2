//! Slack and Amazon Q: what they are given, and that it stays within what they take.

use alerts::{announce, of_tampering};
use facts::Severity;
use facts::identities::InlinePolicy;
use facts::root_activity::Plan;
use facts::tampering::{Tampering, Target};
use facts::text::bounded;
use serde_json::{Value, json};

use super::bulletins::{QUARTER, Story, no_mfa};
use super::*;
use crate::message::slack::limits;

/// What Slack refuses; the rules of <https://docs.slack.dev/reference/block-kit/blocks>.
pub(super) fn faults(message: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |what: &str, text: &Value, max: usize| match text.as_str() {
        Some(text) if !text.is_empty() && text.encode_utf16().count() <= max => {}
        Some(text) => faults.push(format!("{what} has {} characters", text.encode_utf16().count())),
        None => faults.push(format!("{what} is no text")),
    };
    check("text", &message["text"], limits::FALLBACK);
    let blocks = message["blocks"].as_array().unwrap();
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => {
                assert_eq!(block["text"]["type"], "plain_text");
                check("header", &block["text"]["text"], limits::HEADER);
            }
            "section" => {
                check("section", &block["text"]["text"], limits::SECTION);
                assert!((&block["text"]["type"], &block["text"]["verbatim"]) == (&json!("mrkdwn"), &json!(true)));
                for field in block["fields"].as_array().into_iter().flatten() {
                    check("field", &field["text"], limits::FIELD);
                }
                let fields = block["fields"].as_array().map_or(1, Vec::len);
                assert!((1..=limits::FIELDS).contains(&fields));
            }
            "actions" => {
                let buttons = block["elements"].as_array().unwrap();
                assert!((1..=limits::BUTTONS).contains(&buttons.len()));
                for button in buttons {
                    check("button", &button["text"]["text"], limits::BUTTON);
                    check("url", &button["url"], limits::URL);
                }
            }
            "context" => {
                let elements = block["elements"].as_array().unwrap();
                assert!((1..=limits::CONTEXT).contains(&elements.len()));
                elements.iter().for_each(|element| check("context", &element["text"], limits::FIELD));
            }
            other => panic!("no block of type {other} is expected"),
        }
    }
    if blocks.len() > limits::BLOCKS {
        faults.push(format!("{} blocks", blocks.len()));
    }
    let all: usize = strings(&message["blocks"]).map(|text| text.encode_utf16().count()).sum();
    if all > limits::ALL {
        faults.push(format!("{all} characters in all"));
    }
    faults
}

/// What Amazon Q refuses.
pub(super) fn chat_faults(notification: &Value) -> Vec<String> {
    let content = &notification["content"];
    let length = |text: &Value| text.as_str().map_or(usize::MAX, |text| text.encode_utf16().count());
    let mut faults = Vec::new();
    let all = |name: &str| content[name].as_array().cloned().unwrap_or_default();
    let limited =
        [("title", vec![content["title"].clone()], 250), ("description", vec![content["description"].clone()], 8_000)];
    let lists = [("nextSteps", all("nextSteps"), 350), ("keywords", all("keywords"), 75)];
    for (name, texts, max) in limited.into_iter().chain(lists) {
        faults.extend(
            texts.iter().filter(|text| !(1..=max).contains(&length(text))).map(|text| format!("{name}: {text}")),
        );
    }
    let fixed = [("/version", "1.0"), ("/source", "custom"), ("/content/textType", "client-markdown")];
    faults.extend(
        fixed
            .iter()
            .filter(|(at, value)| notification.pointer(at) != Some(&json!(value)))
            .map(|(at, _)| (*at).to_owned()),
    );
    faults
}

/// Every text in `value`, at any depth.
pub(super) fn strings(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(values) => Box::new(values.iter().flat_map(strings)),
        Value::Object(fields) => Box::new(fields.values().flat_map(strings)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The message as people read it: markup and buttons in lines.
pub(super) fn drawn(message: &Value) -> String {
    let mut lines = vec![format!("[{}]", message["text"].as_str().unwrap())];
    for block in message["blocks"].as_array().unwrap() {
        let buttons = block["elements"].as_array().into_iter().flatten().filter(|one| one["type"] == "button");
        lines.push(format!("--- {}", block["type"].as_str().unwrap()));
        let texts = [&block["text"]].into_iter().chain(block["fields"].as_array().into_iter().flatten());
        let texts = texts.chain(block["elements"].as_array().into_iter().flatten());
        lines.extend(texts.filter_map(|text| text["text"].as_str()).map(str::to_owned));
        lines.extend(buttons.map(|button| format!("[ {} ] {}", button["text"]["text"], button["url"])));
    }
    lines.join("\n")
}

pub(super) fn read(message: &Message) -> Notification<'static> {
    let notification: Notification = serde_json::from_str(&message.json).unwrap();
    assert_eq!(serde_json::to_string(&notification).unwrap(), message.json, "it is written as it was read");
    notification
}

fn slack(message: &Message) -> Value {
    let notification = read(message);
    let composed = slack::compose(&notification);
    assert_eq!(faults(&composed), [""; 0], "{composed:#}");
    assert_eq!(chat_faults(&chat::compose(&notification)), [""; 0]);
    composed
}

fn with_runbook(message: &Message) -> Notification<'static> {
    Notification { runbook: "https://wiki.example/runbook".into(), ..read(message) }
}

fn sign_in_and_key() -> Message {
    compose(|snapshot| {
        snapshot.summary_mut().root_access_keys = Ok(1);
        snapshot.root_events.activity =
            gather(vec![sign_in_without_mfa(), new_root_key(), read_only(), failed_sign_in()]);
    })
}

#[test]
fn the_slack_message_of_a_sign_in_without_mfa_and_a_new_key() {
    let message = sign_in_and_key();
    insta::assert_snapshot!(drawn(&slack(&message)));
    insta::assert_snapshot!("with_a_runbook", drawn(&slack::compose(&with_runbook(&message))));
}

#[test]
fn the_chat_notification_of_a_sign_in_without_mfa_and_a_new_key() {
    let notification = chat::compose(&with_runbook(&sign_in_and_key()));
    assert_eq!(chat_faults(&notification), [""; 0]);
    assert_eq!(notification["metadata"]["threadId"], "111122223333/root/00000000-0000-4000-8000-000000000006");
    insta::assert_snapshot!(serde_json::to_string_pretty(&notification).unwrap());
}

#[test]
fn the_slack_message_when_nothing_could_be_read() {
    let message = compose_new(&Report::generate(&Snapshot::blind(), &Settings::default())).unwrap();
    insta::assert_snapshot!(drawn(&slack(&message)));
}

#[test]
fn a_condition_in_slack_is_new_then_still_open_then_resolved_and_one_thread_in_amazon_q() {
    let mut story = Story::new();
    let mails = [
        story.run(QUARTER, no_mfa).mail(),
        story.run(SignedDuration::from_hours(4), |_| {}).mail(),
        story.run(QUARTER, super::bulletins::mfa).mail(),
    ];
    let drawings: Vec<String> = mails.iter().map(|mail| drawn(&slack(mail))).collect();
    insta::assert_snapshot!(drawings.join("\n\n=====\n\n"));
    let threads = mails.iter().map(|mail| chat::compose(&read(mail))["metadata"]["threadId"].clone());
    assert_eq!(threads.collect::<Vec<_>>(), ["111122223333/root-mfa/1"; 3]);
}

#[test]
fn notices_and_a_digest_in_slack() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    story.run(QUARTER, no_mfa);
    let now = story.snapshot.taken_at;
    let plan = Plan::new(now, now + SignedDuration::from_hours(1), "CHG-1", "dave", now).unwrap();
    story.waiting.push(announce(&plan, &story.snapshot.account, now));
    story.run(SignedDuration::from_hours(5), |snapshot| snapshot.password_policy = Ok(None));
    insta::assert_snapshot!(drawn(&slack(&story.mail())));
}

#[test]
fn the_link_to_the_report_is_a_button_in_slack_and_a_link_in_amazon_q() {
    let mut story = Story::new();
    story.policy.digest = Rhythm::Daily;
    let link = super::digests::link();
    let mail = story.run(QUARTER, |_| {}).told_with(Some(&link)).unwrap();
    let drawing = drawn(&slack(&mail));
    let until = "UTC> at most (keep the link secret: anyone who has it can read the report).";
    assert!(drawing.contains(until) && drawing.contains("`./rootwatch report`"), "{drawing}");
    assert!(drawing.contains(&format!("[ \"Open the report\" ] \"{}\"", link.0)), "{drawing}");
    assert!(chat::compose(&read(&mail)).to_string().contains(&format!("<{}|Open the report>", link.0)));

    let drawn_with =
        |url: String| drawn(&slack::compose(&Notification { report_url: Some(url.into()), ..read(&mail) }));
    let too_long = format!("{}{}", link.0, "x".repeat(slack::limits::URL));
    let drawing = drawn_with(too_long);
    assert!(!drawing.contains("Open the report") && drawing.contains("`./rootwatch report`"), "{drawing}");
    for hostile in
        ["javascript:alert(1)", "http://evil.example/", "https://evil.example/|x>", "https://evil.example/ x"]
    {
        assert!(!drawn_with(hostile.into()).contains("Open the report"), "{hostile}");
    }
}

#[test]
fn monitoring_tampering_is_in_slack_with_what_to_do() {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let tampering = |number: usize| Tampering {
        event_id: format!("00000000-0000-4000-8000-00000000000{number}"),
        target: Target::Trail,
        severity: Severity::Critical,
        time: Some(now),
        region: "eu-west-1".into(),
        event_name: "StopLogging".into(),
        event_source: "cloudtrail.amazonaws.com".into(),
        by: "arn:aws:iam::111122223333:user/<!here>".into(),
        on: Some("management-events".into()),
        source_address: Some("198.51.100.24".into()),
        user_agent: None,
        error: None,
        invoked_by: None,
        completed: None,
    };
    let account = Snapshot::compliant().account;
    let alerts: Vec<Alert> = (1..8).map(|number| of_tampering(tampering(number), &account, now)).collect();
    let bulletin = Bulletin { repeats_possible: true, ..bulletin(&alerts, now, None) };
    let drawn = drawn(&slack(&Message::compose(&bulletin).unwrap()));
    assert_eq!(drawn.matches("[ \"Open the event\" ]").count(), 1, "one incident, one event first");
    for words in [
        "🔴 CRITICAL: CloudTrail trail changed: StopLogging in acme-prod (111122223333)",
        "*Who*\n`arn:aws:iam::111122223333:user/&lt;!here&gt;`",
        "*Resource*\n`management-events`",
        "*Do first:* Start the trail's logging again: `aws cloudtrail start-logging --name management-events --region eu-west-1`.",
        "*Same identity:*",
        "⚠️ STATE STORE UNAVAILABLE, REPEATS POSSIBLE",
    ] {
        assert!(drawn.contains(words), "{words}: {drawn}");
    }
    assert_eq!(drawn.matches("*Why:*").count(), 1);
}

#[test]
fn the_worst_comes_first_whatever_it_is() {
    let message = compose(|snapshot| {
        snapshot.summary_mut().root_mfa = Ok(0);
        snapshot.root_events.activity = vec![read_only()];
    });
    let drawn = drawn(&slack(&message));
    let place = |words: &str| drawn.find(words).unwrap_or_else(|| panic!("no {words} in {drawn}"));
    assert!(place("root has no MFA") < place("1 read-only root action"), "{drawn}");
}

#[test]
fn actions_in_slack_are_one_with_its_details_then_listed_then_counted() {
    let message = compose(|snapshot| {
        let write =
            sample(include_str!("../../../../facts/samples/records/17-root-long-term-key-api-call-eu-west-1.json"));
        snapshot.root_events.activity = gather(numbered(&write, 40).chain(numbered(&failed_sign_in(), 30)).collect());
    });
    let drawn = drawn(&slack(&message));
    assert_eq!(drawn.matches("[ \"Open the event\" ]").count(), 1, "{drawn}");
    assert_eq!(drawn.matches("*Why:*").count(), 1, "each kind is explained once: {drawn}");
    assert!(drawn.contains("• and 33 more") && drawn.contains("30 failed root sign-ins"), "{drawn}");
}

#[test]
fn what_is_left_out_is_said_in_both() {
    let long = RootActivity { user_agent: Some("&".repeat(200)), target: Some("<".repeat(200)), ..new_root_key() };
    let message = compose(|snapshot| {
        snapshot.root_events.activity =
            gather(numbered(&long, 3_000).chain(numbered(&failed_sign_in(), 200)).collect());
    });
    let drawn = drawn(&slack(&message));
    assert!(drawn.contains(", 200 of them failed sign-ins: the email counts them"), "{drawn}");
    assert!(drawn.contains("root actions or alerts were left out for lack of room"), "{drawn}");
    assert!(drawn.contains("… _cut here") || drawn.contains('…'), "{drawn}");
}

#[test]
fn what_a_newer_version_says_hides_nothing_of_the_rest() {
    let message = sign_in_and_key();
    let mut json: Value = serde_json::from_str(&message.json).unwrap();
    json["new_field"] = json!({"a": 1});
    json["alerts"][0]["new_field"] = json!(1);
    json["root_sessions"][0]["acts"][0]["kind"] = json!("root_did_something_new");
    let mut new = json["alerts"][0].clone();
    new["kind"] = json!("something_new");
    let known = json["alerts"].as_array().unwrap().len();
    json["alerts"].as_array_mut().unwrap().insert(0, new);
    let notification: Notification = serde_json::from_value(json).unwrap();
    assert_eq!(notification.alerts.len(), known + 1);
    assert!(matches!(&notification.alerts[0].what, What::Unreadable { text } if text.contains("something_new")));
    let drawn = drawn(&slack::compose(&notification));
    for words in ["Root has an access key", "It begins: `\"something_new\"`", "details unreadable", "ConsoleLogin ("] {
        assert!(drawn.contains(words), "{words}: {drawn}");
    }
}

fn delivered<'a>(subject: &'a str, body: &'a str) -> Delivery<'a> {
    let now = "2026-11-20T10:00:00Z".parse().unwrap();
    Delivery { subject: Some(subject), body, sent_at: Some(now), now }
}

const ALARM: &str = r#"{"AlarmName":"rootwatch-ErrorAlarm-ABC","AlarmDescription":"rootwatch failed <!channel>. See the function's log.",
"AWSAccountId":"111122223333","NewStateValue":"ALARM","NewStateReason":"Threshold Crossed: 1 datapoint [1.0 (20/11/26 09:55:00)] was greater than the threshold (0.0).",
"StateChangeTime":"2026-11-20T10:00:00.000+0000","Region":"EU (Ireland)","AlarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:rootwatch-ErrorAlarm-ABC","OldStateValue":"OK"}"#;

#[test]
fn an_alarm_of_cloudwatch_and_any_other_text_are_shown_too() {
    let alarm = delivered("ALARM: \"rootwatch-ErrorAlarm-ABC\" in EU (Ireland)", ALARM).for_slack();
    let text = delivered("Hello <!here>", "One line <@U1>\nand another https://evil.example `x`").for_slack();
    let newer =
        delivered("[rootwatch] CRITICAL: x", r#"{"schema":"rootwatch.notification/2","what":"*_"}"#).for_slack();
    let broken = delivered("", r#"{"schema":"rootwatch.notification/1"}"#).for_slack();
    for message in [&alarm, &text, &newer, &broken] {
        assert_eq!(faults(message), [""; 0], "{message:#}");
    }
    insta::assert_snapshot!([alarm, text, newer, broken].map(|message| drawn(&message)).join("\n\n=====\n\n"));
    assert_eq!(chat_faults(&delivered("x", ALARM).for_chat()), [""; 0]);
    assert_eq!(chat_faults(&delivered("x", "y").for_chat()), [""; 0]);
}

#[test]
fn what_sns_had_more_than_15_minutes_ago_says_so_first() {
    let body = sign_in_and_key().json;
    let sent = |minutes| {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let sent_at = Some(now - SignedDuration::from_mins(minutes));
        drawn(&Delivery { sent_at, ..delivered("x", &body) }.for_slack())
    };
    assert!(!sent(15).contains("SENT LATE"));
    let text = sent(16);
    assert!(text.contains("--- section\n⚠️ *SENT LATE:* SNS had it at <!date^"), "{text}");
    assert!(text.contains("|2026-11-20 09:44:00 UTC>, 16 min ago."), "{text}");
}

#[test]
fn in_1_in_2_what_others_wrote_is_dead_in_slack() {
    let hostile =
        bounded("<!channel> <@U1> <https://evil.example|AWS> *bold* `code` _it_ ~no~ @here www.evil.example :skull:");
    let message = compose(|snapshot| {
        snapshot.root_events.activity = vec![RootActivity {
            user_agent: Some(hostile.clone()),
            error: Some(hostile.clone()),
            target: Some(hostile.clone()),
            source_address: Some(hostile.clone()),
            event_name: hostile.clone(),
            region: hostile.clone(),
            ..sign_in_without_mfa()
        }];
        snapshot.users_mut()[0].name = hostile.clone();
        snapshot.users_mut()[0].inline_policies.push(InlinePolicy::limited(&hostile));
        snapshot.account.alias = Some(hostile.clone());
    });
    let composed = slack(&message);
    assert!(composed.get("link_names").is_none() && composed.get("parse").is_none());
    let chat = chat::compose(&read(&message));
    for text in strings(&composed).chain(strings(&chat)) {
        // Times are ours.
        let text = &text.replace("<!date^", "");
        for dead in ["<!", "<@", "<#", "://evil", "www.evil"] {
            assert!(!text.contains(dead), "{dead} in {text}");
        }
        let outside_of_code = text.split('`').step_by(2).collect::<String>();
        for marked_up in ["*bold*", "_it_", "~no~", ":skull:"] {
            // Nothing is marked up in a header, a title or a keyword.
            assert!(!outside_of_code.contains(marked_up) || text.contains('‹'), "{marked_up} in {text}");
        }
    }
}

#[test]
fn a_cut_leaves_neither_half_an_entity_nor_an_open_code_span() {
    for (text, expected) in [("`ab&amp;cdefgh`", "`ab`…"), ("a&lt;bcdefgh", "a&lt;bc…"), ("äöü😀😀😀😀", "äöü😀😀…")]
    {
        assert_eq!(slack::cut(text, 9), expected);
    }
    assert_eq!(slack::cut("short", 5), "short");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_notification_makes_a_message_that_slack_or_amazon_q_refuses(
        texts in prop::collection::vec("([&<>`*_\"😀]{0,300}|.{0,300})", 8),
        acts in 0usize..60,
        failed in 0usize..60,
        reasons in 0usize..30,
        left_out in 0usize..3,
    ) {
        let mut snapshot = Snapshot::compliant();
        snapshot.account.alias = Some(texts[0].clone());
        for (number, user) in (0..reasons).zip(std::iter::repeat(&texts[1])) {
            snapshot.users_mut()[0].inline_policies.push(InlinePolicy::limited(&format!("{user}{number}")));
        }
        let act = RootActivity {
            user_agent: Some(texts[2].clone()),
            event_name: texts[3].clone(),
            source_address: Some(texts[4].clone()),
            error: (acts % 2 == 0).then(|| texts[5].clone()),
            target: Some(texts[6].clone()),
            region: texts[7].clone(),
            invoked_by: Some(texts[2].clone()),
            mfa: Mfa::NotRecorded,
            ..new_root_key()
        };
        snapshot.root_events.activity = numbered(&act, acts).chain(numbered(&failed_sign_in(), failed)).collect();
        snapshot.summary_mut().root_mfa = Ok(0);
        let message = compose_new(&Report::generate(&snapshot, &Settings::compliant())).unwrap();
        let mut notification = read(&message);
        notification.left_out = left_out;
        notification.runbook = format!("https://wiki.example/{}", texts[5]).into();
        notification.subject = texts[6].clone().into();
        notification.id = texts[7].clone().into();
        prop_assert_eq!(faults(&slack::compose(&notification)), [""; 0]);
        prop_assert_eq!(chat_faults(&chat::compose(&notification)), [""; 0]);
        let other = Delivery { subject: Some(&texts[0]), body: &texts[1], sent_at: None, now: notification.sent_at };
        prop_assert_eq!(faults(&other.for_slack()), [""; 0]);
        let alarm = json!({"AlarmName": texts[0], "NewStateValue": texts[1], "AlarmDescription": texts[2], "NewStateReason": texts[3],
            "StateChangeTime": texts[4], "Region": texts[5], "AWSAccountId": texts[6], "AlarmArn": texts[7]}).to_string();
        prop_assert_eq!(faults(&Delivery { body: &alarm, ..other }.for_slack()), [""; 0]);
        prop_assert_eq!(chat_faults(&Delivery { body: &alarm, ..other }.for_chat()), [""; 0]);
    }
}
