//! Events of member accounts, which come by the organization's bus and a queue of their own: sent in the member's name, each account apart.

use aws_sdk_dynamodb::types::AttributeValue;

use super::*;

const MEMBERS: &str = "arn:aws:sqs:eu-west-1:111122223333:rootwatch-OrganizationQueue-1ABC";
const EVENTS: &str = "arn:aws:sqs:eu-west-1:111122223333:rootwatch-EventsQueue-1ABC";
const MEMBER: &str = "222233334444";
const OTHER: &str = "333344445555";

/// `record` as CloudTrail writes it in `account`, in its envelope.
fn of(account: &str, record: &Value) -> Value {
    let record = record.to_string().replace("111122223333", account);
    let mut envelope = envelope(&serde_json::from_str(&record).unwrap());
    envelope["account"] = json!(account);
    envelope
}

/// A batch of the queue `arn`.
fn by(arn: &str, envelopes: &[Value]) -> Value {
    let mut batch = batch_of(envelopes);
    for record in batch["Records"].as_array_mut().unwrap() {
        record["eventSourceARN"] = json!(arn);
    }
    batch
}

fn change(id: &str, name: &str) -> Value {
    record(name, id, json!({}))
}

impl Account {
    async fn of_the_organization(&self, story: &Story) -> Process<'_> {
        self.listener_with(story, &limits(), &[("ROOTWATCH_ORGANIZATION_QUEUE_ARN", MEMBERS)]).await
    }

    /// How many items of `kind` there are of `account`.
    async fn number(&self, kind: &str, account: &str) -> usize {
        self.items_of(AttributeValue::S(format!("{kind}#{account}"))).await.len()
    }
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_members_sign_in_is_sent_in_its_name_with_what_to_do_there_and_once() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.of_the_organization(&story).await;
    let event = by(MEMBERS, &[of(MEMBER, &sign_in("one", "Success"))]);
    let heard = process.hear(&story, &event).await;
    assert!(heard.again().is_empty());
    assert_eq!(heard.mails[0].subject, "[rootwatch] HIGH: root sign-in in 222233334444");
    let mail = heard.mail();
    let top: Vec<&str> = mail.lines().take(12).collect();
    assert!(top.contains(&"Account: 222233334444"), "{mail}");
    let where_to =
        "Sign in to: 222233334444, a member account: steps and links are for it. Sent by rootwatch in 111122223333";
    assert!(top.contains(&where_to), "{mail}");
    assert!(top.iter().any(|line| line.starts_with("Do first: ")), "{mail}");
    assert!(mail.contains("attach an SCP that denies everything to arn:aws:iam::222233334444:root"), "{mail}");
    assert!(!mail.contains("rootwatch-reports"), "the stack's own page is not about the member: {mail}");
    assert_eq!(mail.matches("111122223333").count(), 1, "{mail}");
    assert_eq!(notification(&heard.mails[0])["account"]["id"], MEMBER);
    assert_eq!((account.number("E", MEMBER).await, account.number("O", MEMBER).await), (1, 0));
    assert_eq!(account.items("E").await.len(), 0, "nothing of it is the stack's own");
    // EventBridge and SQS may deliver twice, also much later and to another process.
    for (again, process) in [(&process, 1), (&account.of_the_organization(&story).await, 90)].map(|(p, at)| (at, p)) {
        let heard = process.hear(&story.later(minutes(again)), &event).await;
        assert!(heard.mails.is_empty() && heard.again().is_empty());
    }
    let twice = by(MEMBERS, &[of(MEMBER, &sign_in("two", "Success")), of(MEMBER, &sign_in("two", "Success"))]);
    assert_eq!(ids(&process.hear(&story.later(minutes(2)), &twice).await.mails), ["two"]);
}

#[tokio::test]
async fn what_may_be_forged_is_left_to_the_dead_letter_queue_and_what_came_with_it_is_sent() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.of_the_organization(&story).await;
    let good = of(MEMBER, &sign_in("good", "Success"));
    let changed = |id: &str, pointer: &str, value: Value| {
        let mut envelope = of(MEMBER, &sign_in(id, "Success"));
        *envelope.pointer_mut(pointer).unwrap() = value;
        envelope
    };
    let forged = [
        changed("account", "/account", json!(OTHER)),
        changed("recipient", "/detail/recipientAccountId", json!(OTHER)),
        changed("source", "/source", json!("my.signin")),
        changed("partner", "/source", json!("aws.partner/example.com/signin")),
        of("111122223333", &sign_in("own", "Success")),
    ];
    let heard = process.hear(&story, &by(MEMBERS, &[std::slice::from_ref(&good), &forged[..]].concat())).await;
    assert_eq!(heard.again(), ["m1", "m2", "m3", "m4", "m5"]);
    assert_eq!(ids(&heard.mails), ["good"]);
    // By the queue of the stack's own rules nothing comes of a member.
    let late = story.later(minutes(2));
    let heard = process.hear(&late, &by(EVENTS, &[of(MEMBER, &sign_in("by own queue", "Success"))])).await;
    assert!(heard.again() == ["m0"] && heard.mails.is_empty());
    let heard = process.hear(&late, &by(EVENTS, &[of("111122223333", &sign_in("own", "Success"))])).await;
    assert_eq!((heard.again().len(), ids(&heard.mails)), (0, vec!["own".to_owned()]));
    // Without the parameter there are no members.
    let heard = account.listener(&story).await.hear(&late, &by(MEMBERS, &[good])).await;
    assert!(heard.again() == ["m0"] && heard.mails.is_empty());
}

#[tokio::test]
async fn what_a_central_session_only_reads_in_a_member_sends_nothing_and_what_it_writes_does() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.of_the_organization(&story).await;
    let central = |name: &str, read_only: bool| {
        let identity = json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE000000012", "sessionContext": {"assumedRoot": "true"}});
        of(MEMBER, &record(name, name, json!({"readOnly": read_only, "userIdentity": identity})))
    };
    let visit =
        aws::organization::root_audit::IN_SESSION.iter().map(|action| central(action.trim_start_matches("iam:"), true));
    let visit: Vec<Value> = visit.collect();
    account.sandbox.forget_calls();
    let heard = process.hear(&story, &by(MEMBERS, &visit)).await;
    assert!(heard.mails.is_empty() && heard.again().is_empty());
    let calls: Vec<String> = account.sandbox.calls().into_iter().map(|call| call.action).collect();
    assert_eq!(calls, ["sns:ListSubscriptionsByTopic"], "an audit of all members costs no more");
    let heard = process.hear(&story, &by(MEMBERS, &[central("CreateLoginProfile", false)])).await;
    assert_eq!(ids(&heard.mails), ["CreateLoginProfile"]);
    // A stolen root key reads first, and no check scans a member.
    let read = record("ListBuckets", "thief", json!({"readOnly": true, "eventSource": "s3.amazonaws.com"}));
    assert_eq!(ids(&process.hear(&story, &by(MEMBERS, &[of(OTHER, &read)])).await.mails), ["thief"]);
}

#[tokio::test]
async fn a_flood_of_one_member_is_one_message_and_mutes_no_other_account() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.of_the_organization(&story).await;
    let flood = |from: usize| (from..from + 300).map(|n| of(MEMBER, &change(&format!("flood-{n}"), "RunInstances")));
    let mut events: Vec<Value> = flood(0).collect();
    events.push(of(OTHER, &sign_in("other", "Success")));
    let heard = process.hear(&story, &by(MEMBERS, &events)).await;
    assert!(heard.again().is_empty());
    let mut subjects: Vec<&str> = heard.mails.iter().map(|mail| mail.subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert_eq!(subjects[0], "[rootwatch] HIGH: root sign-in in 333344445555");
    assert!(subjects[1].ends_with("in 222233334444"), "{subjects:?}");

    // The next ones wait for a minute, and are sent as one message; another account's are not held up.
    let more = process.hear(&story.later(seconds(20)), &by(MEMBERS, &flood(300).collect::<Vec<_>>())).await;
    assert!(more.mails.is_empty());
    let waiting = account.number("O", MEMBER).await;
    assert!(waiting > 0);
    assert_eq!(more.again().len(), 300, "SQS delivers it again: no check of this stack sends it");
    let others =
        process.hear(&story.later(seconds(30)), &by(MEMBERS, &[of(OTHER, &change("worse", "CreateAccessKey"))])).await;
    assert_eq!(ids(&others.mails), ["worse"], "what is worse than what was sent does not wait");
    let again = process.hear(&story.later(seconds(400)), &by(MEMBERS, &flood(300).collect::<Vec<_>>())).await;
    assert_eq!((again.mails.len(), again.again().len(), account.number("O", MEMBER).await), (1, 0, 0));
    let third = process.hear(&story.later(seconds(420)), &by(MEMBERS, &flood(300).collect::<Vec<_>>())).await;
    assert!(third.mails.is_empty() && third.again().is_empty(), "what was sent is not delivered for ever");
}

#[tokio::test]
async fn failed_sign_ins_of_a_member_are_sent_once_in_a_quarter_of_an_hour_and_never_forgotten() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.of_the_organization(&story).await;
    let failures = |from: usize, of_account: &str| {
        let failures = (from..from + 50).map(|n| of(of_account, &sign_in(&format!("failure-{n}"), "Failure")));
        by(MEMBERS, &failures.collect::<Vec<_>>())
    };
    assert_eq!(process.hear(&story, &failures(0, MEMBER)).await.mails.len(), 1);
    assert_eq!(process.hear(&story, &failures(0, OTHER)).await.mails.len(), 1, "each account for itself");
    // As SQS delivers them: at once, and after each time that it hid them.
    for at in [20, 400, 780] {
        let heard = process.hear(&story.later(seconds(at)), &failures(50, MEMBER)).await;
        assert_eq!((heard.mails.len(), heard.again().len()), (0, 50), "after {at} seconds");
    }
    let heard = process.hear(&story.later(seconds(1_160)), &failures(50, MEMBER)).await;
    assert_eq!((heard.mails.len(), heard.again().len(), account.number("O", MEMBER).await), (1, 0, 0));
}

#[tokio::test]
async fn what_of_a_member_cannot_be_sent_is_delivered_again_and_what_of_others_was_sent_is_not() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let process = account.of_the_organization(&story).await;
    let until = AttributeValue::N((story.now + minutes(5)).as_millisecond().to_string());
    let mut lease = odd_items::item("L", "publisher", &[("holder", AttributeValue::S("a run that was killed".into()))]);
    odd_items::set(&mut lease, "until", Some(until));
    odd_items::set(&mut lease, "pk", Some(AttributeValue::S(format!("L#{MEMBER}"))));
    account.put(lease).await;
    let event = by(MEMBERS, &[of(MEMBER, &sign_in("one", "Success")), of(OTHER, &sign_in("two", "Success"))]);
    let heard = process.hear(&story, &event).await;
    assert_eq!((heard.again(), ids(&heard.mails)), (vec!["m0"], vec!["two".to_owned()]));
    let heard = process.hear(&story.later(minutes(7)), &by(MEMBERS, &[of(MEMBER, &sign_in("one", "Success"))])).await;
    assert_eq!((heard.again().len(), ids(&heard.mails)), (0, vec!["one".to_owned()]));
}

#[tokio::test]
async fn what_of_a_member_no_one_gets_is_delivered_again_because_no_check_sends_it() {
    let event = by(MEMBERS, &[of(MEMBER, &sign_in("one", "Success"))]);
    let mut deaf = story(QUIET);
    deaf.subscriptions = vec![Subscription { protocol: "email".into(), confirmed: false }];
    let refused = with(story(QUIET), Fault::on("sns:Publish", Trouble::Deny));
    for story_of_fault in [deaf, refused] {
        let account = Account::of(&story_of_fault).await;
        let process = account.of_the_organization(&story_of_fault).await;
        let heard = process.hear(&story_of_fault, &event).await;
        assert_eq!((heard.again(), heard.mails.len()), (vec!["m0"], 0));
        let late = Invocation { ends: story(QUIET).now, ..invocation(&story(QUIET)) };
        account.sandbox.turn_to(story(QUIET));
        let answer = process.listener.handle(&event, &late).await.unwrap();
        assert_eq!(answer.batch_item_failures.len(), 1, "time does not suffice");
        let heard = process.hear(&story(QUIET).later(minutes(7)), &event).await;
        assert_eq!((heard.again().len(), ids(&heard.mails)), (0, vec!["one".to_owned()]));
    }
}

#[tokio::test]
async fn without_the_table_a_members_sign_in_is_sent_at_once() {
    let broken = with(story(QUIET), Fault::on("dynamodb:BatchGetItem", Trouble::Deny));
    let account = Account::of(&broken).await;
    let process = account.of_the_organization(&broken).await;
    let heard = process.hear(&broken, &by(MEMBERS, &[of(MEMBER, &sign_in("one", "Success"))])).await;
    assert_eq!(heard.mails[0].subject, "[rootwatch] HIGH: root sign-in in 222233334444");
    assert_eq!((heard.again().len(), &heard.figures["StateStoreDown"]), (0, &json!(1)));
}

#[tokio::test]
async fn the_binary_sends_a_members_sign_in_and_logs_what_it_refuses() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let mut forged = of(MEMBER, &sign_in("forged", "Success"));
    forged["account"] = json!(OTHER);
    let event = by(MEMBERS, &[of(MEMBER, &sign_in("one", "Success")), forged]).to_string();
    let timeout = std::time::Duration::from_secs(60);
    let mut invoke = Invoke::root_activity(&account.sandbox, &story, event, timeout);
    invoke.environment.push(("ROOTWATCH_ORGANIZATION_QUEUE_ARN".into(), MEMBERS.into()));
    let outcome = runtime::invoke(invoke).await;
    let answer = outcome.answer.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{"itemIdentifier": "m1"}]));
    assert_eq!((answer["sent"].as_array().unwrap().len(), &answer["unsent"]), (1, &json!(0)));
    let published = account.sandbox.published();
    assert_eq!(published[0].subject, "[rootwatch] HIGH: root sign-in in 222233334444");
    let why = "account 333344445555 sent a record of account 222233334444: it may be forged";
    assert!(outcome.log.contains(why) && outcome.log.contains("ERROR"), "{}", end_of(&outcome.log));
}
