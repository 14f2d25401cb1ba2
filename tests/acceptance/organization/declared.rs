//! What the owner of the organization declares: exceptions and attestations of members, and routes.

use super::*;

const DECLARATIONS: &str = "organization/declarations.json";
const KEY: &str = "root: {password: true, password_used: 400, mfa: [virtual], keys: [{created: 10}]}";
/// Its root has a virtual MFA device: a finding that is not critical.
const VIRTUAL: &str = "root: {password: true, password_used: 400, mfa: [virtual]}";
const OURS: &str = "444455556666";
const PAYMENTS: &str = "444455556667";
const TAGGED: &str = "444455556668";

fn account(id: &str, unit: bool, root: &str) -> String {
    let unit = if unit { "unit: ou-ab12-prod, " } else { "" };
    format!(r#"{{id: "{id}", name: a, {unit}{root}}}"#)
}

/// One account in the root and one in the unit, both with a finding that is not critical.
fn two() -> Organization {
    described(&[&account(OURS, false, VIRTUAL), &account(PAYMENTS, true, VIRTUAL)], "").remove(0)
}

/// Of that control, or without one of the accounts, if it is empty.
fn exception(control: &str, scope: Value) -> Value {
    let until = (Timestamp::now() + SignedDuration::from_hours(48)).to_string();
    let mut entry = json!({"control": control, "reason": "r", "owner": "o", "until": until});
    entry.as_object_mut().expect("an object").extend(scope.as_object().expect("an object").clone());
    entry
}

impl Hub {
    fn declare(&self, declarations: &Value) {
        self.sandbox.place_object(DECLARATIONS, declarations.to_string());
    }

    /// What was sent since the first `before` messages, by route.
    fn by_route(&self, before: usize) -> BTreeMap<String, Vec<Sent>> {
        let mut routes: BTreeMap<String, Vec<Published>> = BTreeMap::new();
        for message in self.messages(before) {
            routes.entry(message.route.clone().unwrap_or_default()).or_default().push(message);
        }
        routes.into_iter().map(|(route, messages)| (route, sent(&messages))).collect()
    }

    fn step(&self, account: &str, step: usize) -> String {
        owned(&self.row(account)["steps"][step])
    }
}

fn about(sent: &[Sent], control: &str) -> Vec<(String, String)> {
    let found = sent.iter().filter(|(about, ..)| about == control);
    found.map(|(_, account, transition)| (account.clone(), transition.clone())).collect()
}

fn is(account: &str, transition: &str) -> (String, String) {
    (account.into(), transition.into())
}

#[tokio::test]
async fn an_exception_suppresses_its_control_in_its_accounts_alone_and_until_it_is_withdrawn() {
    let hub = Hub::of(&two()).await;
    hub.declare(&json!({"exceptions": [exception("root-hardware-mfa", json!({"ou": "ou-ab12-prod"}))]}));
    hub.run("first").await;
    assert_eq!(about(&sent(&hub.messages(0)), "root-hardware-mfa"), [is(OURS, "opened")]);
    assert_eq!(list(&hub.row(PAYMENTS)["open"]).len(), 0);
    assert!(hub.row(PAYMENTS)["declared"].is_string() && hub.row(OURS)["declared"].is_null());
    let before = hub.messages(0).len();
    hub.run("second").await;
    assert!(hub.messages(before).is_empty(), "nothing is new");

    hub.sandbox.remove_object(DECLARATIONS);
    hub.run("third").await;
    assert_eq!(about(&sent(&hub.messages(before)), "root-hardware-mfa"), [is(PAYMENTS, "opened")]);
    hub.declare(&json!({"exceptions": [exception("root-hardware-mfa", json!({}))]}));
    let before = hub.messages(0).len();
    hub.run("fourth").await;
    let sent = sent(&hub.messages(before));
    assert_eq!(about(&sent, "root-hardware-mfa"), [is(OURS, "suppressed"), is(PAYMENTS, "suppressed")]);
}

#[tokio::test]
async fn an_exception_of_roots_key_is_of_one_account_and_its_step_reads_as_suppressed() {
    let accounts = [account(OURS, false, KEY), account(PAYMENTS, true, KEY)];
    let hub = Hub::of(&described(&[&accounts[0], &accounts[1]], "").remove(0)).await;
    hub.declare(&json!({"exceptions": [exception("root-access-keys", json!({"account": PAYMENTS}))]}));
    hub.run("first").await;
    assert_eq!(about(&sent(&hub.messages(0)), "root-access-keys"), [is(OURS, "opened")]);
    assert_eq!([hub.step(OURS, 0), hub.step(PAYMENTS, 0)], ["failed", "suppressed"]);
}

#[tokio::test]
async fn a_version_with_a_fault_is_refused_and_sent_once_and_the_one_before_holds() {
    let hub = Hub::of(&two()).await;
    let everywhere = exception("root-hardware-mfa", json!({}));
    hub.declare(&json!({"exceptions": [everywhere]}));
    hub.run("first").await;
    let before = hub.messages(0).len();
    hub.declare(&json!({"exceptions": [everywhere, exception("root-access-keys", json!({}))]}));
    let answer = hub.run("second").await;
    assert_eq!(answer["complete"], true, "it stops nothing");
    let messages = hub.messages(before);
    assert_eq!((messages.len(), sent(&messages).len()), (1, 0), "the exception holds");
    let email = &messages[0].bodies["default"];
    assert!(messages[0].subject.contains("settings are refused"), "{}", messages[0].subject);
    for words in [
        "Found: the declarations of members are refused as a whole, and what was accepted before stays in force",
        "exceptions, entry 2: root-access-keys: `account` is needed",
        "make check-declarations",
    ] {
        assert!(email.contains(words), "{words}: {email}");
    }
    hub.run("third").await;
    assert!(hub.messages(before + 1).is_empty(), "it is sent once");
    hub.declare(&json!({"exceptions": [everywhere]}));
    hub.run("fourth").await;
    let messages = hub.messages(before + 1);
    assert!(messages.len() == 1 && messages[0].subject.contains("RESOLVED"), "{messages:?}");
}

#[tokio::test]
async fn what_was_deleted_is_not_brought_back_by_a_version_with_a_fault() {
    let hub = Hub::of(&two()).await;
    hub.declare(&json!({"exceptions": [exception("root-hardware-mfa", json!({}))]}));
    hub.run("first").await;
    hub.sandbox.remove_object(DECLARATIONS);
    let before = hub.messages(0).len();
    hub.run("second").await;
    assert_eq!(about(&sent(&hub.messages(before)), "root-hardware-mfa").len(), 2);
    hub.sandbox.place_object(DECLARATIONS, "{");
    let before = hub.messages(0).len();
    hub.run("third").await;
    assert_eq!(about(&sent(&hub.messages(before)), "root-hardware-mfa"), [], "they stay open");
}

#[tokio::test]
async fn declarations_that_cannot_be_read_are_said_and_stop_nothing() {
    let hub = Hub::of(&two()).await;
    hub.declare(&json!({"exceptions": [exception("root-hardware-mfa", json!({}))]}));
    // The rows of the run before come first, then the declarations and the version that was accepted.
    hub.sandbox.add_fault(Fault::on("s3:GetObject", Trouble::Deny).after(1).times(2));
    let answer = hub.run("first").await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([2, 2, 0, 0, 0], &json!(true)));
    let messages = hub.messages(0);
    assert_eq!(about(&sent(&messages), "root-hardware-mfa").len(), 2, "nothing is suppressed");
    let email = &messages[0].bodies["default"];
    assert!(email.contains("so nothing is declared: s3:GetObject of organization/declarations"), "{email}");
    hub.run("second").await;
    assert_eq!(
        about(&sent(&hub.messages(1)), "root-hardware-mfa"),
        [is(OURS, "suppressed"), is(PAYMENTS, "suppressed")]
    );
}

#[tokio::test]
async fn an_accepted_version_that_cannot_be_kept_holds_and_is_said_until_it_is_kept() {
    let hub = Hub::of(&two()).await;
    hub.declare(&json!({"exceptions": [exception("root-hardware-mfa", json!({}))]}));
    // The first object that a run writes.
    hub.sandbox.add_fault(Fault::on("s3:PutObject", Trouble::Deny).times(1));
    let answer = hub.run("first").await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([2, 2, 0, 0, 0], &json!(true)));
    let messages = hub.messages(0);
    assert_eq!(about(&sent(&messages), "root-hardware-mfa"), [], "it is in force");
    let email = &messages[0].bodies["default"];
    let words = "if a later one is refused, an older one than this applies: s3:PutObject of organization/declarations";
    assert!(email.contains(words), "{email}");
    hub.run("second").await;
    assert!(hub.messages(1)[0].subject.contains("RESOLVED"), "{:?}", hub.messages(1));
    hub.sandbox.place_object(DECLARATIONS, "{");
    let before = hub.messages(0).len();
    hub.run("third").await;
    assert_eq!(about(&sent(&hub.messages(before)), "root-hardware-mfa"), [], "the second run kept it");
}

#[tokio::test]
async fn declarations_that_the_last_task_cannot_read_or_find_send_every_finding_to_the_main_topic_and_are_said() {
    const OF_RUN: &str = "organization/runs/first/declarations.jsonl";
    for (object, why) in
        [(Some("{\"declared\": 7}\n"), "line 1 of"), (None, "the declarations of the run first are not there")]
    {
        let hub = Hub::of(&routed(true)).await;
        hub.declare(&routes());
        let (machine, started) = (hub.machine(), Timestamp::now());
        let listed = machine.list("first", started).await.answer.expect("a list");
        let (_, lost) = machine.audit(&listed).await;
        match object {
            Some(text) => hub.sandbox.place_object(OF_RUN, text),
            None => hub.sandbox.remove_object(OF_RUN),
        }
        machine.conclude("first", started, &listed, &lost).await.answer.expect("it concludes");
        let first = hub.by_route(0);
        assert_eq!(first.keys().collect::<Vec<_>>(), [""]);
        for account in [OURS, PAYMENTS, TAGGED] {
            assert!(first[""].contains(&of("root-hardware-mfa", account, "opened")), "{account}: {first:?}");
        }
        let email = &hub.messages(0)[0].bodies["default"];
        let words = format!("routes are not known, so every finding is sent to the main topic: {why}");
        assert!(email.contains(&words), "{email}");
    }
}

#[tokio::test]
async fn accounts_whose_tags_cannot_be_read_yet_are_counted() {
    let hub = Hub::of(&routed(true)).await;
    hub.declare(&routes());
    hub.sandbox.add_fault(Fault::on("organizations:ListTagsForResource", Trouble::Throttle));
    hub.run("first").await;
    let words = "The tags of 3 accounts were not read yet, so that routes by tag may lack accounts";
    let main = hub.messages(0).into_iter().find(|message| message.route.is_none()).expect("a message");
    assert!(main.bodies["default"].contains(words), "{}", main.bodies["default"]);
    assert_eq!(hub.by_route(0).keys().collect::<Vec<_>>(), ["", "payments"], "the account goes by its unit");
    hub.sandbox.clear_faults();
    let before = hub.messages(0).len();
    hub.run("second").await;
    assert!(hub.messages(before).iter().all(|message| !message.bodies["default"].contains("were not read yet")));
}

#[tokio::test]
async fn entries_about_nobody_are_said_and_the_others_hold() {
    let hub = Hub::of(&two()).await;
    let entries = [json!({}), json!({"ou": "ou-ab12-gone"})].map(|scope| exception("root-hardware-mfa", scope));
    hub.declare(&json!({"exceptions": entries}));
    hub.run("first").await;
    let messages = hub.messages(0);
    assert_eq!(about(&sent(&messages), "root-hardware-mfa"), []);
    assert!(
        messages[0].bodies["default"]
            .contains("the organization has no unit ou-ab12-gone that is audited: its entries do nothing")
    );
}

#[tokio::test]
async fn attestations_are_asked_for_where_someone_attests() {
    let hub = Hub::of(&two()).await;
    let attested =
        |statement: &str, on: &str| json!({"statement": statement, "by": "alice", "on": on, "account": PAYMENTS});
    let today = Timestamp::now().strftime("%F").to_string();
    hub.declare(&json!({"attestations": [attested("root-password-strong", &today)]}));
    hub.run("first").await;
    let missing = about(&sent(&hub.messages(0)), "root-credentials-attested");
    assert_eq!(missing, [is(PAYMENTS, "opened")], "two attestations are missing, and elsewhere no one attests");
    let all = ["root-password-strong", "root-credentials-stored-safely", "root-mfa-reachable-by-two"];
    hub.declare(&json!({"attestations": all.map(|statement| attested(statement, &today))}));
    let before = hub.messages(0).len();
    hub.run("second").await;
    assert_eq!(about(&sent(&hub.messages(before)), "root-credentials-attested"), [is(PAYMENTS, "resolved")]);
    let before = hub.messages(0).len();
    hub.sandbox.remove_object(DECLARATIONS);
    hub.run("third").await;
    assert!(hub.messages(before).is_empty(), "who withdraws all is asked for none");
}

#[tokio::test]
async fn with_a_role_a_change_of_what_is_declared_is_followed_by_the_next_run() {
    let users = format!(r#"{{id: "{OURS}", name: a, role: high-users-without-mfa-and-old-keys}}"#);
    let hub = Hub::of(&described(&[&users], "").remove(0)).await;
    let role = |name: &'static str| async {
        let mut machine = hub.machine();
        for (name, value) in [("MEMBER_ACCESS", "role"), ("MEMBER_ROLE", sandbox::MEMBER_ROLE)] {
            machine.environment.insert(format!("ROOTWATCH_{name}"), value.to_owned());
        }
        concluded(&machine.run(name, Timestamp::now()).await)
    };
    role("first").await;
    assert_eq!(about(&sent(&hub.messages(0)), "user-mfa"), [is(OURS, "opened")]);
    hub.declare(&json!({"exceptions": [exception("user-mfa", json!({"ou": "r-ab12"}))]}));
    let before = hub.messages(0).len();
    role("second").await;
    assert_eq!(about(&sent(&hub.messages(before)), "user-mfa"), [is(OURS, "suppressed")]);
    let before = hub.messages(0).len();
    hub.sandbox.forget_calls();
    role("third").await;
    assert!(hub.messages(before).is_empty());
    let calls = hub.sandbox.calls().into_iter().filter(|call| call.by_role.is_some()).count();
    assert_eq!(calls, 1, "the counters alone are read again");
}

/// Routes of payments by unit and of platform by tag; the topic of the first may not be heard.
fn routed(is_heard: bool) -> Organization {
    let tagged = format!("{VIRTUAL}, tags: {{rootwatch:route: plat}}");
    let accounts = [account(OURS, false, VIRTUAL), account(PAYMENTS, true, KEY), account(TAGGED, true, &tagged)];
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    described(&accounts, &format!("routes: {{payments: {is_heard}, platform: true}}\n")).remove(0)
}

fn routes() -> Value {
    json!({"routes": [{"route": "payments", "ou": "ou-ab12-prod"}, {"route": "platform", "tag": "plat"}]})
}

#[tokio::test]
async fn each_route_has_one_message_about_its_accounts_and_what_is_critical_goes_to_the_main_topic_too() {
    let hub = Hub::of(&routed(true)).await;
    hub.declare(&routes());
    let answer = hub.run("first").await;
    assert_eq!((&answer["complete"], list(&answer["sent"]).len(), &answer["unsent"]), (&json!(true), 3, &json!(0)));
    let first = hub.by_route(0);
    assert_eq!(first.keys().collect::<Vec<_>>(), ["", "payments", "platform"]);
    assert_eq!(about(&first[""], "root-access-keys"), [is(PAYMENTS, "opened")]);
    assert_eq!(about(&first[""], "root-hardware-mfa"), [is(OURS, "opened")]);
    assert_eq!(about(&first["payments"], "root-access-keys"), [is(PAYMENTS, "opened")]);
    assert_eq!(about(&first["payments"], "root-hardware-mfa"), [is(PAYMENTS, "opened")]);
    assert_eq!(first["platform"], [of("root-hardware-mfa", TAGGED, "opened")]);
    let messages = hub.messages(0);
    let payments = messages.iter().find(|message| message.route.as_deref() == Some("payments")).expect("a message");
    assert_eq!(notification(payments)["organization"]["coverage"]["listed"], 1, "of its accounts alone");
    assert!(payments.subject.contains("route payments, o-exampleorg1"), "{}", payments.subject);
    assert!(payments.bodies["default"].contains("about the accounts of the route payments alone"));
    let main = messages.iter().find(|message| message.route.is_none()).expect("a message");
    assert_eq!(notification(main)["organization"]["coverage"]["listed"], 3);
    let note = "Only CRITICAL alerts of these are repeated here: payments 2 alerts, platform 1 alert.";
    assert!(main.bodies["default"].contains(note), "{}", main.bodies["default"]);
    let ids: std::collections::BTreeSet<String> =
        messages.iter().map(|message| owned(&notification(message)["id"])).collect();
    assert_eq!(ids.len(), 3, "a repeat is known by its id");

    hub.run("second").await;
    assert!(hub.messages(3).is_empty(), "nothing is new");
}

#[tokio::test]
async fn that_something_critical_is_over_is_sent_to_both_as_its_beginning_was() {
    let hub = Hub::of(&routed(true)).await;
    hub.declare(&routes());
    hub.run("first").await;
    let fixed = [account(OURS, false, VIRTUAL), account(PAYMENTS, true, VIRTUAL), account(TAGGED, true, VIRTUAL)];
    let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
    hub.sandbox.turn_to_organization(described(&fixed, "routes: {payments: true, platform: true}\n").remove(0));
    hub.run("second").await;
    let second = hub.by_route(3);
    assert_eq!(about(&second[""], "root-access-keys"), [is(PAYMENTS, "resolved")]);
    assert_eq!(about(&second["payments"], "root-access-keys"), [is(PAYMENTS, "resolved")]);
    assert!(!second.contains_key("platform"));
}

#[tokio::test]
async fn what_a_routes_topic_does_not_take_goes_to_the_main_topic_with_the_reason() {
    let declared =
        json!({"routes": [{"route": "payments", "ou": "ou-ab12-prod"}, {"route": "gone", "account": TAGGED}]});
    let hub = Hub::of(&routed(false)).await;
    hub.declare(&declared);
    let answer = hub.run("first").await;
    assert_eq!((&answer["complete"], &answer["unsent"]), (&json!(true), &json!(0)));
    let messages = hub.messages(0);
    assert!(messages.iter().all(|message| message.route.is_none()) && messages.len() == 3);
    for (route, reason) in [("payments", "the topic has no confirmed subscription"), ("gone", "NotFound")] {
        let message = messages.iter().find(|message| message.subject.contains(&format!("route {route}")));
        let email = &message.expect("its message").bodies["default"];
        let words = format!("-route-{route} failed ({reason})");
        assert!(email.contains(&words), "{words}: {email}");
    }
    let all = sent(&messages);
    for expected in [of("root-hardware-mfa", PAYMENTS, "opened"), of("root-hardware-mfa", TAGGED, "opened")] {
        assert_eq!(all.iter().filter(|sent| **sent == expected).count(), 1, "{expected:?}");
    }
    hub.run("second").await;
    assert!(hub.messages(3).is_empty());
}

#[tokio::test]
async fn a_main_topic_that_refuses_keeps_back_no_route() {
    let hub = Hub::of(&routed(true)).await;
    hub.declare(&routes());
    let (machine, started) = (hub.machine(), Timestamp::now());
    let listed = machine.list("first", started).await.answer.expect("a list");
    let (_, lost) = machine.audit(&listed).await;
    hub.sandbox.add_fault(Fault::on("sns:Publish", Trouble::Deny).times(1));
    assert!(machine.conclude("first", started, &listed, &lost).await.answer.is_err());
    let first = hub.by_route(0);
    assert_eq!(first.keys().collect::<Vec<_>>(), ["payments", "platform"]);
    machine.conclude("first", started, &listed, &lost).await.answer.expect("it concludes");
    let all = hub.by_route(0);
    for (route, control, account) in [
        ("", "root-hardware-mfa", OURS),
        ("", "root-access-keys", PAYMENTS),
        ("payments", "root-hardware-mfa", PAYMENTS),
        ("platform", "root-hardware-mfa", TAGGED),
    ] {
        let times = all[route].iter().filter(|sent| **sent == of(control, account, "opened")).count();
        assert_eq!(times, 1, "{route}: {control} in {account}");
    }
    hub.sandbox.clear_faults();
    let before = hub.messages(0).len();
    hub.run("second").await;
    assert!(hub.messages(before).is_empty());
}

#[tokio::test]
async fn what_is_critical_waits_for_the_topic_that_refuses_and_is_not_repeated_on_the_other() {
    let critical = of("root-access-keys", PAYMENTS, "opened");
    // Of the messages of the first run and of the second, so many after the first so many are refused.
    // With a fault, the organization cannot be audited by the run after these, and routes are not known.
    let cases = [([(0, 1), (0, 1)], "payments", ""), ([(1, 2), (0, 2)], "", "payments")];
    for ((refused, has_it, waits), fault) in cases.into_iter().flat_map(|case| [(case, false), (case, true)]) {
        let hub = Hub::of(&routed(true)).await;
        hub.declare(&json!({"routes": [{"route": "payments", "ou": "ou-ab12-prod"}]}));
        let times = |routes: &BTreeMap<String, Vec<Sent>>, route: &str| {
            routes.get(route).map_or(0, |sent| sent.iter().filter(|sent| **sent == critical).count())
        };
        for (run, (after, count)) in ["first", "second"].into_iter().zip(refused) {
            hub.sandbox.clear_faults();
            hub.sandbox.add_fault(Fault::on("sns:Publish", Trouble::Deny).after(after).times(count));
            let ran = hub.machine().run(run, Timestamp::now()).await;
            assert!(ran.conclude.expect("it ran").answer.is_err(), "{run}: a topic has refused");
            let sent = hub.by_route(0);
            assert_eq!((times(&sent, has_it), times(&sent, waits)), (1, 0), "{run}: {sent:?}");
        }
        hub.sandbox.clear_faults();
        if fault {
            hub.sandbox.add_fault(Fault::on("organizations:ListAccounts", Trouble::Deny));
            assert!(hub.run("between").await["fault"].is_string());
            hub.sandbox.clear_faults();
        }
        hub.run("third").await;
        let sent = hub.by_route(0);
        assert_eq!((times(&sent, has_it), times(&sent, waits)), (1, 1), "{fault}: {sent:?}");
        let before = hub.messages(0).len();
        hub.run("fourth").await;
        assert!(hub.messages(before).is_empty());
    }
}

#[tokio::test]
async fn what_waits_for_a_route_that_is_withdrawn_goes_to_the_main_topic() {
    let with = |root: &str| {
        let accounts = [account(OURS, false, VIRTUAL), account(PAYMENTS, true, root)];
        described(&accounts.each_ref().map(String::as_str), "routes: {payments: true}\n").remove(0)
    };
    let hub = Hub::of(&with(VIRTUAL)).await;
    hub.declare(&json!({"routes": [{"route": "payments", "ou": "ou-ab12-prod"}]}));
    // First what is not critical waits, and then both; the main topic takes its own message, and not that of the route, whose topic refuses.
    for (run, root) in [("first", VIRTUAL), ("second", KEY)] {
        hub.sandbox.turn_to_organization(with(root));
        hub.sandbox.add_fault(Fault::on("sns:Publish", Trouble::Deny).after(1).times(2));
        let ran = hub.machine().run(run, Timestamp::now()).await;
        assert!(ran.conclude.expect("it ran").answer.is_err(), "{run}");
        hub.sandbox.clear_faults();
    }
    hub.declare(&json!({"routes": []}));
    hub.run("third").await;
    let sent = hub.by_route(0);
    assert_eq!(sent.keys().collect::<Vec<_>>(), [""]);
    for control in ["root-access-keys", "root-hardware-mfa"] {
        let times = sent[""].iter().filter(|sent| **sent == of(control, PAYMENTS, "opened")).count();
        assert_eq!(times, 1, "{control}: {sent:?}");
    }
}

#[tokio::test]
async fn a_conclusion_that_dies_at_any_message_loses_nothing_by_any_route() {
    let all: [(&str, &str, &str); 3] = [
        ("", "root-hardware-mfa", OURS),
        ("payments", "root-hardware-mfa", PAYMENTS),
        ("platform", "root-hardware-mfa", TAGGED),
    ];
    for (number, trouble) in (0..3).flat_map(|number| [(number, Trouble::CrashBefore), (number, Trouble::Crash)]) {
        let what = format!("{trouble:?} at message {number}");
        let hub = Hub::of(&routed(true)).await;
        hub.declare(&routes());
        let (machine, started) = (hub.machine(), Timestamp::now());
        let listed = machine.list("first", started).await.answer.expect("a list");
        let (_, lost) = machine.audit(&listed).await;
        hub.sandbox.add_fault(Fault::on("sns:Publish", trouble).times(1).after(number));
        assert!(machine.conclude("first", started, &listed, &lost).await.answer.is_err());
        hub.sandbox.clear_faults();
        machine.conclude("first", started, &listed, &lost).await.answer.expect("it concludes");
        let routes = hub.by_route(0);
        for (route, control, account) in all {
            let times = routes[route].iter().filter(|sent| **sent == of(control, account, "opened")).count();
            assert!((1..=2).contains(&times), "{what}, {route}: {times}");
        }
    }
}
