//! Runs over an organization, by the real binaries: every account is accounted for, nothing is lost, and nothing is sent twice but by a
//! crash.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sandbox::machine::{Execution, Machine};
use sandbox::{AUDIT_ACTIONS, Fault, Organization, Published, Sandbox, Story, Trouble};
use serde_json::{Value, json};

use crate::account::notification;
use crate::difference::end_of;

mod declared;
mod roles;

const HEAD: &str =
    "about: x\nid: o-exampleorg1\nroot: r-ab12\nmanagement: \"999988887777\"\nunits: [{id: ou-ab12-prod}]\n";
/// Root has a password, and no MFA.
const WITHOUT_MFA: &str = "root: {password: true, password_used: 400}";

/// The account that has the stack, with an organization behind it.
struct Hub {
    sandbox: Sandbox,
    story: Story,
    organization: String,
}

/// What was sent of one finding in one account: control, account, transition.
type Sent = (String, String, String);

impl Hub {
    async fn of(organization: &Organization) -> Self {
        let story = Story::at("quiet-compliant", Timestamp::now());
        let sandbox = Sandbox::start(story.clone()).await;
        sandbox.turn_to_organization(organization.clone());
        Self { sandbox, story, organization: organization.id.clone() }
    }

    fn machine(&self) -> Machine<'_> {
        Machine::over(&self.sandbox, &self.story, &self.organization)
    }

    /// A run that comes to its end; what it answers.
    async fn run(&self, name: &str) -> Value {
        concluded(&self.machine().run(name, Timestamp::now()).await)
    }

    /// The messages since the first `before`.
    fn messages(&self, before: usize) -> Vec<Published> {
        self.sandbox.published().split_off(before)
    }

    fn rows(&self) -> Vec<Value> {
        let rows = self.sandbox.object("organization/latest.jsonl").expect("the rows of the newest run");
        let rows = String::from_utf8(rows).expect("a text");
        rows.lines().map(|row| serde_json::from_str(row).expect("a row")).collect()
    }

    fn row(&self, account: &str) -> Value {
        self.rows().into_iter().find(|row| row["account"] == account).unwrap_or_else(|| panic!("no row of {account}"))
    }
}

impl Drop for Hub {
    /// Whatever a test does: no session calls what its policy does not allow.
    fn drop(&mut self) {
        let calls = self.sandbox.calls();
        let others = calls.iter().filter(|call| call.member.is_some() && !AUDIT_ACTIONS.contains(&&*call.action));
        let others: Vec<_> = others.collect();
        assert!(others.is_empty() || std::thread::panicking(), "{others:?}");
        let allowed = aws::organization::member_role::in_member();
        let others = calls.iter().filter(|call| call.by_role.is_some() && !allowed.contains(&&*call.action));
        let others: Vec<_> = others.collect();
        assert!(others.is_empty() || std::thread::panicking(), "{others:?}");
    }
}

fn concluded(execution: &Execution) -> Value {
    let Some(conclude) = &execution.conclude else { panic!("{:?}: {}", execution.list.answer, execution.list.log) };
    conclude.answer.clone().unwrap_or_else(|error| panic!("{error}: {}", end_of(&conclude.log)))
}

/// The organization whose accounts are these lines of YAML, as each of these runs finds it.
fn described(accounts: &[&str], rest: &str) -> Vec<Organization> {
    let accounts: String = accounts.iter().map(|account| format!("  - {account}\n")).collect();
    Organization::parse(&format!("{HEAD}accounts:\n{accounts}{rest}"))
}

/// So many accounts; every so-many-th has these fields.
fn generated(count: usize, nth: usize, fields: &str) -> Organization {
    let generated = format!(
        "generated:\n  - {{accounts: {count}, from: 200000000001, name: \"team {{number}}\", every: {{{nth}: {{{fields}}}}}}}\n"
    );
    Organization::parse(&format!("{HEAD}{generated}")).remove(0)
}

fn coverage(answer: &Value) -> [u64; 5] {
    let count = |name: &str| answer["coverage"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {answer}"));
    ["listed", "audited", "refused", "skipped", "not_looked_at"].map(count)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn owned(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What `messages` say of findings, sorted.
fn sent(messages: &[Published]) -> Vec<Sent> {
    let mut sent = Vec::new();
    for run in messages.iter().map(|message| notification(message)["organization"].clone()) {
        for group in list(&run["groups"]) {
            assert_eq!(group["count"], list(&group["accounts"]).len(), "the tests expect every account by name");
            let of =
                |account: &Value| (owned(&group["about"]), owned(&account["account"]), owned(&group["transition"]));
            sent.extend(list(&group["accounts"]).iter().map(of));
        }
    }
    sent.sort();
    sent
}

/// How often each was sent.
fn times(sent: Vec<Sent>) -> BTreeMap<Sent, usize> {
    sent.into_iter().fold(BTreeMap::new(), |mut times, sent| {
        *times.entry(sent).or_default() += 1;
        times
    })
}

fn of(control: &str, account: &str, transition: &str) -> Sent {
    (control.into(), account.into(), transition.into())
}

/// How many accounts joined, by each message.
fn joined(messages: &[Published]) -> Vec<Value> {
    messages.iter().map(|message| notification(message)["organization"]["moves"]["joined_count"].clone()).collect()
}

#[tokio::test]
async fn the_first_run_is_one_message_and_the_next_sends_what_changed() {
    let runs = Organization::runs("forty");
    let hub = Hub::of(&runs[0]).await;
    let answer = hub.run("first").await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([40, 36, 1, 3, 0], &json!(true)));
    let messages = hub.messages(0);
    assert_eq!(messages.len(), 1);
    let first = sent(&messages);
    for expected in [
        of("root-access-keys", "444455556666", "opened"),
        of("root-mfa", "444455556667", "opened"),
        of("root-mfa", "555566667771", "opened"),
        of("root-mfa", "555566667773", "opened"),
    ] {
        assert!(first.contains(&expected), "{expected:?}: {first:?}");
    }
    let run = &notification(&messages[0])["organization"];
    assert_eq!((&run["is_first"], &run["unaudited"][0]["count"]), (&json!(true), &json!(1)));
    assert_eq!(run["skipped"], json!({"management": 1, "own": 1, "suspended": 1}));
    assert_eq!(hub.row("444455556669")["outcome"], "refused");

    hub.sandbox.turn_to_organization(runs[1].clone());
    let answer = hub.run("second").await;
    assert_eq!(coverage(&answer), [41, 37, 1, 3, 0]);
    let messages = hub.messages(1);
    assert_eq!(messages.len(), 1);
    let second = sent(&messages);
    for expected in
        [of("root-access-keys", "777700000007", "opened"), of("root-access-keys", "444455556666", "resolved")]
    {
        assert!(second.contains(&expected), "{expected:?}: {second:?}");
    }
    assert!(second.iter().all(|(_, account, _)| ["777700000007", "444455556666"].contains(&account.as_str())));
    let moves = &notification(&messages[0])["organization"]["moves"];
    assert_eq!((&moves["joined"][0]["account"], &moves["joined_count"]), (&json!("777700000099"), &json!(1)));
}

#[tokio::test]
async fn a_name_that_is_a_script_is_a_name() {
    let hub = Hub::of(&Organization::runs("forty")[0]).await;
    hub.run("first").await;
    let messages = hub.messages(0);
    let named = "<script>alert(1)</script>";
    assert_eq!(hub.row("555566667771")["name"], named);
    let accounts = notification(&messages[0])["organization"]["groups"].clone();
    let accounts = list(&accounts).iter().flat_map(|group| list(&group["accounts"])).filter(|it| it["name"] == named);
    assert!(accounts.count() > 0);
    assert!(!messages[0].subject.contains('<'), "{}", messages[0].subject);
    let text = &messages[0].bodies["default"];
    assert!(text.contains("555566667771") && text.len() < 20_000, "{text}");
}

#[tokio::test]
async fn a_run_without_a_change_sends_nothing_and_makes_two_calls_an_account_without_root_credentials() {
    let hub = Hub::of(&generated(27, 100, "")).await;
    hub.run("first").await;
    assert_eq!(hub.messages(0).len(), 1, "the digest of a first run");
    hub.sandbox.forget_calls();
    let answer = hub.run("second").await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([27, 27, 0, 0, 0], &json!(true)));
    assert!(hub.messages(1).is_empty());
    let calls = hub.sandbox.calls();
    let sessions = calls.iter().filter(|call| call.action == "sts:AssumeRoot").count();
    let in_sessions: Vec<_> = calls.iter().filter(|call| call.member.is_some()).map(|call| &*call.action).collect();
    assert_eq!((sessions, in_sessions), (27, vec!["iam:GetAccountSummary"; 27]));
}

#[tokio::test]
async fn of_two_hundred_accounts_six_refuse_and_each_is_accounted_for() {
    let hub = Hub::of(&generated(200, 33, "refuses: service_control_policy")).await;
    let answer = hub.run("first").await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([200, 194, 6, 0, 0], &json!(true)));
    let messages = hub.messages(0);
    assert_eq!(messages.len(), 1);
    let run = &notification(&messages[0])["organization"];
    let unaudited = list(&run["unaudited"]);
    assert_eq!((unaudited.len(), &unaudited[0]["count"]), (1, &json!(6)));
    assert_eq!(unaudited[0]["cause"], "service_control_policy");
    assert_eq!(hub.rows().len(), 200);
    let answer = hub.run("second").await;
    assert_eq!(coverage(&answer), [200, 194, 6, 0, 0]);
    assert!(hub.messages(1).is_empty(), "the same accounts refuse: nothing is new");
}

#[tokio::test]
async fn a_list_that_is_throttled_for_a_while_is_complete_in_the_end() {
    let hub = Hub::of(&generated(45, 9, WITHOUT_MFA)).await;
    hub.sandbox.add_fault(Fault::on("organizations:ListAccounts", Trouble::Throttle).after(1).times(5));
    assert_eq!(coverage(&hub.run("first").await), [45, 45, 0, 0, 0]);
    let opened = sent(&hub.messages(0)).iter().filter(|(control, ..)| control == "root-mfa").count();
    assert_eq!(opened, 5);
}

#[tokio::test]
async fn a_batch_that_lambda_does_not_start_is_not_looked_at_and_the_next_run_looks() {
    let hub = Hub::of(&generated(30, 10, WITHOUT_MFA)).await;
    let refused = BTreeMap::from([(1, "Lambda.TooManyRequestsException".to_owned())]);
    let machine = Machine { refused, ..hub.machine() };
    let answer = concluded(&machine.run("first", Timestamp::now()).await);
    assert_eq!((coverage(&answer), &answer["complete"]), ([30, 25, 0, 0, 5], &json!(false)));
    let run = notification(&hub.messages(0)[0])["organization"].clone();
    assert_eq!(run["unaudited"][0]["count"], 5);
    assert!(owned(&run["unaudited"][0]["said"]).contains("Lambda.TooManyRequestsException"), "{run}");
    let row = hub.row("200000000030");
    assert_eq!(row["outcome"], "not_looked_at");

    let answer = hub.run("second").await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([30, 30, 0, 0, 0], &json!(true)));
    let times = times(sent(&hub.messages(0)));
    for account in ["200000000010", "200000000020", "200000000030"] {
        assert_eq!(times.get(&of("root-mfa", account, "opened")), Some(&1), "{account}: {times:?}");
    }
}

/// The writes of a batch whose audit finds something, by action.
async fn writes_of_a_batch() -> Vec<String> {
    let hub = Hub::of(&generated(3, 1, WITHOUT_MFA)).await;
    let machine = hub.machine();
    let listed = machine.list("first", Timestamp::now()).await.answer.expect("a list");
    hub.sandbox.forget_calls();
    let (_, lost) = machine.audit(&listed).await;
    assert!(lost.is_empty(), "{lost:?}");
    hub.sandbox.calls().into_iter().map(|call| call.action).filter(|action| is_write(action)).collect()
}

fn is_write(action: &str) -> bool {
    const WRITES: [&str; 6] = [
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:TransactWriteItems",
        "dynamodb:UpdateItem",
        "s3:PutObject",
        "sns:Publish",
    ];
    WRITES.contains(&action)
}

/// One batch at a time, so that a crash ends this one alone.
fn one_by_one<'a>(hub: &'a Hub) -> Machine<'a> {
    let mut machine = hub.machine();
    machine.environment.insert("ROOTWATCH_AUDIT_CONCURRENCY".into(), "1".into());
    machine
}

/// The `number`-th write crashes before or after its effect: the faults that do it.
fn crash_at(writes: &[String], number: usize, trouble: Trouble) -> Fault {
    let after = writes[..number].iter().filter(|earlier| **earlier == writes[number]).count();
    Fault::on(&writes[number], trouble).times(1).after(after)
}

#[tokio::test]
async fn a_batch_whose_process_dies_at_any_write_loses_nothing_and_sends_nothing_twice() {
    let writes = writes_of_a_batch().await;
    assert!(writes.len() >= 4 && writes.last().is_some_and(|last| last == "s3:PutObject"), "{writes:?}");
    for (number, trouble) in
        (0..writes.len()).flat_map(|number| [(number, Trouble::CrashBefore), (number, Trouble::Crash)])
    {
        let what = format!("{trouble:?} at write {number}, {}", writes[number]);
        let hub = Hub::of(&generated(3, 1, WITHOUT_MFA)).await;
        let machine = one_by_one(&hub);
        let started = Timestamp::now();
        let listed = machine.list("first", started).await.answer.expect("a list");
        hub.sandbox.add_fault(crash_at(&writes, number, trouble));
        let (audits, lost) = machine.audit(&listed).await;
        assert!(audits[&0].answer.is_err() && lost.len() == 1, "{what}");
        hub.sandbox.clear_faults();
        let answer = machine.conclude("first", started, &listed, &lost).await.answer.expect("the run concludes");
        assert_eq!(coverage(&answer).iter().skip(1).sum::<u64>(), 3, "{what}: {answer}");
        assert_eq!(hub.run("second").await["coverage"]["audited"], 3, "{what}");
        hub.run("third").await;
        let times = times(sent(&hub.messages(0)));
        for account in ["200000000001", "200000000002", "200000000003"] {
            assert_eq!(times.get(&of("root-mfa", account, "opened")), Some(&1), "{what}, {account}: {times:?}");
        }
        assert!(times.values().all(|times| *times == 1), "{what}: {times:?}");
    }
}

#[tokio::test]
async fn a_batch_that_is_tried_again_after_its_process_died_is_as_if_it_had_not() {
    let writes = writes_of_a_batch().await;
    for number in 0..writes.len() {
        let hub = Hub::of(&generated(3, 1, WITHOUT_MFA)).await;
        let machine = Machine { attempts: 2, ..one_by_one(&hub) };
        let listed = machine.list("first", Timestamp::now()).await.answer.expect("a list");
        hub.sandbox.add_fault(crash_at(&writes, number, Trouble::Crash));
        let (_, lost) = machine.audit(&listed).await;
        assert!(lost.is_empty(), "{lost:?}");
        let answer = machine.conclude("first", Timestamp::now(), &listed, &lost).await.answer.expect("a conclusion");
        assert_eq!(coverage(&answer), [3, 3, 0, 0, 0], "write {number}");
        let times = times(sent(&hub.messages(0)));
        for account in ["200000000001", "200000000002", "200000000003"] {
            let opened = times.get(&of("root-mfa", account, "opened"));
            assert_eq!(opened, Some(&1), "write {number}, {}, {account}: {times:?}", writes[number]);
        }
    }
}

#[tokio::test]
async fn a_conclusion_that_dies_at_any_write_loses_nothing_and_repeats_at_most_what_it_published() {
    let organization = generated(3, 1, WITHOUT_MFA);
    let undisturbed = Hub::of(&organization).await;
    let started = Timestamp::now();
    let machine = undisturbed.machine();
    let listed = machine.list("first", started).await.answer.expect("a list");
    machine.audit(&listed).await;
    undisturbed.sandbox.forget_calls();
    machine.conclude("first", started, &listed, &BTreeMap::new()).await.answer.expect("a conclusion");
    let expected = times(sent(&undisturbed.messages(0)));
    let calls = undisturbed.sandbox.calls().into_iter().map(|call| call.action);
    let writes: Vec<String> = calls.filter(|action| is_write(action)).collect();
    let publish = writes.iter().position(|write| write == "sns:Publish").expect("it publishes");
    for (number, trouble) in
        (0..writes.len()).flat_map(|number| [(number, Trouble::CrashBefore), (number, Trouble::Crash)])
    {
        let what = format!("{trouble:?} at write {number}, {}", writes[number]);
        let may_repeat = number > publish || (number == publish && trouble == Trouble::Crash);
        let hub = Hub::of(&organization).await;
        let machine = hub.machine();
        let started = Timestamp::now();
        let listed = machine.list("first", started).await.answer.expect("a list");
        machine.audit(&listed).await;
        hub.sandbox.add_fault(crash_at(&writes, number, trouble));
        let killed = machine.conclude("first", started, &listed, &BTreeMap::new()).await;
        assert!(killed.answer.is_err(), "{what}");
        hub.sandbox.clear_faults();
        // As the machine tries it again.
        let again = machine.conclude("first", started, &listed, &BTreeMap::new()).await;
        assert_eq!(again.answer.expect("a conclusion")["complete"], true, "{what}: {}", end_of(&again.log));
        hub.run("second").await;
        let times = times(sent(&hub.messages(0)));
        assert!(times.keys().eq(expected.keys()), "{what}: {times:?}");
        let most = if may_repeat { 2 } else { 1 };
        assert!(times.values().all(|times| *times <= most), "{what}: {times:?}");
    }
}

#[tokio::test]
async fn of_two_runs_that_meet_the_second_ends_at_the_lease() {
    let hub = Hub::of(&generated(3, 1, WITHOUT_MFA)).await;
    let (machine, started) = (hub.machine(), Timestamp::now());
    let listed = machine.list("first", started).await.answer.expect("a list");
    let second = machine.run("second", started).await;
    assert_eq!(second.list.answer.as_ref().expect("an answer")["busy"], true);
    assert!(second.conclude.is_none() && second.audits.is_empty());
    assert!(hub.messages(0).is_empty());
    let (_, lost) = machine.audit(&listed).await;
    let answer = machine.conclude("first", started, &listed, &lost).await.answer.expect("a conclusion");
    assert_eq!(coverage(&answer), [3, 3, 0, 0, 0]);
    assert_eq!(hub.messages(0).len(), 1);
    assert_eq!(hub.run("third").await["complete"], true, "the lease was given back");
    assert_eq!(hub.messages(0).len(), 1);
}

#[tokio::test]
async fn a_run_that_failed_does_not_hold_up_the_next() {
    let hub = Hub::of(&generated(3, 1, WITHOUT_MFA)).await;
    hub.sandbox.add_fault(Fault::on("s3:PutObject", Trouble::Deny));
    assert!(hub.machine().list("first", Timestamp::now()).await.answer.is_err());
    hub.sandbox.clear_faults();
    let started = Timestamp::now();
    let listed = hub.machine().list("second", started).await.answer.expect("a list");
    assert_eq!((&listed["busy"], &listed["accounts"]), (&Value::Bool(false), &Value::from(3)), "{listed}");
    hub.sandbox.add_fault(Fault::on("s3:GetObject", Trouble::Deny));
    let concluded = hub.machine().conclude("second", started, &listed, &Default::default()).await;
    assert!(concluded.answer.is_err(), "{:?}", concluded.answer);
    hub.sandbox.clear_faults();
    assert_eq!(hub.run("third").await["complete"], true);
}

#[tokio::test]
async fn alerts_of_a_run_that_died_are_sent_also_of_accounts_that_refuse_are_suspended_clean_or_gone_now() {
    let account = |number, fields: &str| format!(r#"{{id: "44445555666{number}", name: a, {fields}}}"#);
    let all = |fields: &[&str]| {
        let accounts: Vec<String> = fields.iter().enumerate().map(|(number, fields)| account(number, fields)).collect();
        described(&accounts.iter().map(String::as_str).collect::<Vec<_>>(), "").remove(0)
    };
    // Nothing concludes it, and its lease ends now; or its last task fails; or the organization cannot be audited by a run after that.
    for (minutes, fails, then_fault) in [(59, false, false), (0, true, false), (0, true, true)] {
        let hub = Hub::of(&all(&["", "", ""])).await;
        hub.run("first").await;
        // The fourth joins, and has left by the third run.
        hub.sandbox.turn_to_organization(all(&[WITHOUT_MFA; 4]));
        let (machine, started) = (hub.machine(), Timestamp::now() - SignedDuration::from_mins(minutes));
        let listed = machine.list("second", started).await.answer.expect("a list");
        machine.audit(&listed).await;
        if fails {
            hub.sandbox.add_fault(Fault::on("s3:GetObject", Trouble::Deny));
            assert!(machine.conclude("second", started, &listed, &BTreeMap::new()).await.answer.is_err());
            hub.sandbox.clear_faults();
        }
        hub.sandbox.turn_to_organization(all(&["refuses: service_control_policy", "state: SUSPENDED", ""]));
        if then_fault {
            hub.sandbox.add_fault(Fault::on("organizations:ListAccounts", Trouble::Deny));
            assert!(hub.run("between").await["fault"].is_string());
            hub.sandbox.clear_faults();
        }
        let answer = hub.run("third").await;
        assert_eq!((coverage(&answer), &answer["complete"]), ([3, 1, 1, 1, 0], &json!(true)));
        let messages = hub.messages(0);
        let last = &notification(messages.last().expect("a message"))["organization"];
        let moves = [&last["moves"]["joined_count"], &last["moves"]["left_count"]];
        assert_eq!(moves, [&json!(0), &json!(0)], "the fourth is of no run that ended");
        let sent = sent(&messages);
        for number in 0..4 {
            let account = format!("44445555666{number}");
            let times = sent.iter().filter(|sent| **sent == of("root-mfa", &account, "opened")).count();
            assert_eq!(times, 1, "{account}, {fails}, {then_fault}: {sent:?}");
        }
    }
}

#[tokio::test]
async fn a_critical_finding_of_an_account_that_refuses_now_stays_open_and_as_urgent_as_it_was() {
    let accounts = |fields: &str| {
        let first = format!(r#"{{id: "444455556666", name: a, {fields}}}"#);
        described(&[&first, r#"{id: "444455556667", name: b}"#], "").remove(0)
    };
    let hub = Hub::of(&accounts(WITHOUT_MFA)).await;
    hub.run("first").await;
    hub.sandbox.turn_to_organization(accounts("refuses: service_control_policy"));
    hub.run("second").await;
    let message = hub.messages(1).remove(0);
    assert!(
        message.subject.contains("CRITICAL: accounts of the organization could not be audited"),
        "{}",
        message.subject
    );
    let email = &message.bodies["default"];
    for words in [
        "as last audited, 1 account has open findings, the worst CRITICAL",
        "1 open finding is counted as last audited: this run could not see whether that changed.",
        "1 open finding, the worst CRITICAL",
    ] {
        assert!(email.contains(words), "{words}: {email}");
    }
    hub.sandbox.turn_to_organization(accounts(""));
    hub.run("third").await;
    let email = &hub.messages(2)[0].bodies["default"];
    assert!(
        email.contains("no open findings in the accounts audited") && !email.contains("counted as last audited"),
        "{email}"
    );
}

#[tokio::test]
async fn results_of_the_run_before_that_cannot_be_read_are_said_and_are_no_complete_run() {
    const LATEST: &str = "organization/latest.jsonl";
    const WORDS: &str =
        "The results of the last run could not be read, so it is not known which accounts joined or left";
    let account = |root: &str| format!(r#"{{id: "444455556666", name: a, {root}}}"#);
    for is_denied in [true, false] {
        let hub = Hub::of(&described(&[&account("")], "").remove(0)).await;
        hub.run("first").await;
        let two = [account(WITHOUT_MFA), r#"{id: "444455556667", name: joins}"#.to_owned()];
        hub.sandbox.turn_to_organization(described(&two.each_ref().map(String::as_str), "").remove(0));
        let (machine, started) = (hub.machine(), Timestamp::now());
        let listed = machine.list("second", started).await.answer.expect("a list");
        let (_, lost) = machine.audit(&listed).await;
        match is_denied {
            true => hub.sandbox.add_fault(Fault::on("s3:GetObject", Trouble::Deny).times(1)),
            false => {
                hub.sandbox.remove_object(LATEST);
                // Said also where the message is refused, and the last task is tried again.
                hub.sandbox.add_fault(Fault::on("sns:Publish", Trouble::Deny));
                assert!(machine.conclude("second", started, &listed, &lost).await.answer.is_err());
                hub.sandbox.clear_faults();
            }
        }
        let answer = machine.conclude("second", started, &listed, &lost).await.answer.expect("it concludes");
        assert_eq!((coverage(&answer), &answer["complete"]), ([2, 2, 0, 0, 0], &json!(false)));
        let email = hub.messages(1).remove(0).bodies["default"].clone();
        assert!(email.contains(WORDS), "{email}");
        assert_eq!(hub.run("third").await["complete"], true, "there are rows to compare with");
        let then: &[Value] = if is_denied { &[json!(1)] } else { &[] };
        assert_eq!(joined(&hub.messages(2)), then, "what could not be read may be whole, and is not replaced");
    }
}

#[tokio::test]
async fn who_joined_is_sent_once_when_a_conclusion_is_repeated_because_its_rows_were_not_kept() {
    let ours = format!(r#"{{id: "444455556666", name: ours, {WITHOUT_MFA}}}"#);
    let runs = described(&[&ours], "runs:\n  - {}\n  - {accounts: [{id: \"444455556667\", name: joins}]}\n");
    let hub = Hub::of(&runs[0]).await;
    hub.run("first").await;
    hub.sandbox.turn_to_organization(runs[1].clone());
    let (machine, started) = (hub.machine(), Timestamp::now());
    let listed = machine.list("second", started).await.answer.expect("a list");
    let (_, lost) = machine.audit(&listed).await;
    hub.sandbox.add_fault(Fault::on("s3:PutObject", Trouble::Deny));
    assert!(machine.conclude("second", started, &listed, &lost).await.answer.is_err());
    hub.sandbox.clear_faults();
    machine.conclude("second", started, &listed, &lost).await.answer.expect("it concludes");
    hub.run("third").await;
    assert_eq!(joined(&hub.messages(1)), [json!(1)]);
}

#[tokio::test]
async fn alerts_of_an_audit_whose_end_was_not_recorded_are_sent_by_the_same_run() {
    let ours = format!(r#"{{id: "444455556666", name: ours, {WITHOUT_MFA}}}"#);
    let hub = Hub::of(&described(&[&ours], "").remove(0)).await;
    let (machine, started) = (hub.machine(), Timestamp::now());
    let listed = machine.list("first", started).await.answer.expect("a list");
    // The table has what was written, and the function never learns it.
    hub.sandbox.add_fault(Fault::on("dynamodb:TransactWriteItems", Trouble::LoseAnswer));
    let (_, lost) = machine.audit(&listed).await;
    hub.sandbox.clear_faults();
    let answer = machine.conclude("first", started, &listed, &lost).await.answer.expect("it concludes");
    assert_eq!(coverage(&answer), [1, 0, 1, 0, 0]);
    let opened = of("root-mfa", "444455556666", "opened");
    assert!(sent(&hub.messages(0)).contains(&opened), "{:?}", sent(&hub.messages(0)));
}

#[tokio::test]
async fn an_account_that_leaves_between_list_and_audit_is_refused_and_then_gone() {
    let accounts =
        [r#"{id: "444455556666", name: stays}"#, &format!(r#"{{id: "444455556667", name: leaves, {WITHOUT_MFA}}}"#)];
    let runs = described(&accounts, "runs:\n  - {}\n  - {left: [\"444455556667\"]}\n");
    let hub = Hub::of(&runs[0]).await;
    hub.run("first").await;
    let opened = of("root-mfa", "444455556667", "opened");
    assert!(sent(&hub.messages(0)).contains(&opened));

    let (machine, started) = (hub.machine(), Timestamp::now());
    let listed = machine.list("second", started).await.answer.expect("a list");
    hub.sandbox.turn_to_organization(runs[1].clone());
    let (_, lost) = machine.audit(&listed).await;
    let answer = machine.conclude("second", started, &listed, &lost).await.answer.expect("a conclusion");
    assert_eq!(coverage(&answer), [2, 1, 1, 0, 0]);

    let answer = hub.run("third").await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([1, 1, 0, 0, 0], &json!(true)));
    let last = hub.messages(0).pop().expect("a message");
    let moves = &notification(&last)["organization"]["moves"];
    assert_eq!((&moves["left"][0]["account"], &moves["left_count"]), (&json!("444455556667"), &json!(1)));
    let resolved = of("root-mfa", "444455556667", "resolved");
    assert!(!sent(&hub.messages(0)).contains(&resolved), "it left, and nothing of it is resolved");
    assert_eq!(hub.rows().len(), 1);
}

#[tokio::test]
async fn a_session_that_expires_in_the_middle_resolves_nothing_and_passes_nothing() {
    let account = |more: &str| {
        format!(r#"{{id: "444455556666", name: a, root: {{password: true, keys: [{{created: 9}}]}}{more}}}"#)
    };
    let well = described(&[&account("")], "").remove(0);
    for calls in 0..5 {
        let hub = Hub::of(&well).await;
        hub.run("first").await;
        let before = sent(&hub.messages(0));
        assert!(before.contains(&of("root-access-keys", "444455556666", "opened")), "{before:?}");
        let short = described(&[&account(&format!(", expires_after: {calls}"))], "").remove(0);
        hub.sandbox.turn_to_organization(short);
        let answer = hub.run("second").await;
        assert_eq!(coverage(&answer)[0], 1);
        let row = hub.row("444455556666");
        if row["outcome"] == "audited" {
            assert!(!list(&row["unknown"]).is_empty(), "after {calls} calls: {row}");
            assert!(list(&row["open"]).iter().any(|found| found["control"] == "root-access-keys"), "{row}");
        } else {
            assert_eq!(row["outcome"], "refused", "after {calls} calls: {row}");
        }
        hub.sandbox.turn_to_organization(well.clone());
        hub.run("third").await;
        let all = sent(&hub.messages(0));
        let is_finding = |(control, ..): &&Sent| control == "root-access-keys" || control == "root-mfa";
        let findings = times(all.iter().filter(is_finding).cloned().collect());
        assert!(findings.keys().all(|(_, _, transition)| transition == "opened"), "after {calls} calls: {findings:?}");
        assert!(findings.values().all(|times| *times == 1), "after {calls} calls: {findings:?}");
    }
}

#[tokio::test]
async fn who_left_is_named_by_the_next_run_where_sns_refused_the_message() {
    let accounts =
        [r#"{id: "444455556666", name: stays}"#, &format!(r#"{{id: "444455556667", name: leaves, {WITHOUT_MFA}}}"#)];
    let runs = described(&accounts, "runs:\n  - {}\n  - {left: [\"444455556667\"]}\n");
    let hub = Hub::of(&runs[0]).await;
    hub.run("first").await;
    hub.sandbox.turn_to_organization(runs[1].clone());
    hub.sandbox.add_fault(Fault::on("sns:Publish", Trouble::Deny));
    let second = hub.machine().run("second", Timestamp::now()).await;
    assert!(second.conclude.expect("it ran").answer.is_err());
    hub.sandbox.clear_faults();
    let before = hub.messages(0).len();
    hub.run("third").await;
    let messages = hub.messages(before);
    assert_eq!(messages.len(), 1);
    let moves = notification(&messages[0])["organization"]["moves"].clone();
    assert_eq!((&moves["left_count"], &moves["left"][0]["account"]), (&json!(1), &json!("444455556667")), "{moves}");
    hub.run("fourth").await;
    assert_eq!(hub.messages(before).len(), 1, "once");
}

#[tokio::test]
async fn a_fault_of_the_whole_organization_is_one_alert_and_enters_no_account() {
    for fault in ["features: []", "delegated: false", "feature_set: CONSOLIDATED_BILLING"] {
        let accounts = [format!(r#"{{id: "444455556666", name: a, {WITHOUT_MFA}}}"#)];
        let accounts = accounts.each_ref().map(String::as_str);
        let runs = described(&accounts, &format!("runs:\n  - {{}}\n  - {{{fault}}}\n"));
        let hub = Hub::of(&runs[0]).await;
        hub.run("first").await;
        hub.sandbox.forget_calls();
        hub.sandbox.turn_to_organization(runs[1].clone());
        let answer = hub.run("second").await;
        assert_eq!(answer["complete"], false, "{fault}");
        assert!(answer["fault"].is_string(), "{fault}: {answer}");
        assert!(!hub.sandbox.calls().iter().any(|call| call.action == "sts:AssumeRoot"), "{fault}");
        let messages = hub.messages(1);
        assert_eq!(messages.len(), 1, "{fault}");
        let run = &notification(&messages[0])["organization"];
        assert_eq!(list(&run["organization_alerts"]).len(), 1, "{fault}: {run}");
        assert!(messages[0].subject.contains("CRITICAL"), "{fault}: {}", messages[0].subject);

        hub.run("third").await;
        assert_eq!(hub.messages(2).len(), 0, "{fault}: it is open, and sent already");
        hub.sandbox.turn_to_organization(runs[0].clone());
        assert_eq!(hub.run("fourth").await["complete"], true);
        let messages = hub.messages(2);
        assert_eq!(messages.len(), 1, "{fault}: it is resolved");
        assert!(sent(&messages).is_empty(), "{fault}: of the account nothing is new");
    }
}

#[tokio::test]
async fn what_sns_refuses_is_sent_by_the_next_run() {
    let hub = Hub::of(&generated(3, 1, WITHOUT_MFA)).await;
    hub.sandbox.add_fault(Fault::on("sns:Publish", Trouble::Deny));
    let first = hub.machine().run("first", Timestamp::now()).await;
    assert!(first.conclude.expect("it ran").answer.is_err());
    assert!(hub.messages(0).is_empty());
    hub.sandbox.clear_faults();
    let answer = hub.run("second").await;
    assert_eq!(answer["complete"], true, "{answer}");
    let opened = sent(&hub.messages(0)).into_iter().filter(|(control, ..)| control == "root-mfa").count();
    assert_eq!((hub.messages(0).len(), opened), (1, 3));
    hub.run("third").await;
    assert_eq!(hub.messages(0).len(), 1);
}

#[tokio::test]
async fn a_member_that_answers_slowly_holds_up_no_other() {
    let accounts = [r#"{id: "444455556666", name: slow, slow: 400}"#, r#"{id: "444455556667", name: quick}"#];
    let hub = Hub::of(&described(&accounts, "").remove(0)).await;
    assert_eq!(coverage(&hub.run("first").await), [2, 2, 0, 0, 0]);
}

/// What the page and the table of the newest run are made of.
const SHOWN: [&str; 2] = ["organization/latest.html", "organization/latest.csv"];

fn shown(hub: &Hub) -> [String; 2] {
    SHOWN.map(|key| {
        hub.sandbox.object(key).map_or_else(String::new, |object| String::from_utf8(object).expect("a text"))
    })
}

#[tokio::test]
async fn each_run_leaves_a_page_that_its_message_links_and_a_table_of_all_accounts() {
    let runs = Organization::runs("forty");
    let hub = Hub::of(&runs[0]).await;
    let answer = hub.run("first").await;
    assert_eq!((&answer["unshown"], &answer["complete"]), (&json!([]), &json!(true)));
    let message = notification(&hub.messages(0)[0]);
    let link = message["report_page"].as_str().expect("a link to the page");
    assert!(link.ends_with("prefix=organization/latest.html"), "{link}");
    let [page, table] = shown(&hub);
    let headline = message["headline"].as_str().expect("a verdict");
    assert!(page.contains(&format!("<title>{headline} · rootwatch: organization o-exampleorg1")), "{headline}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>alert"));
    assert_eq!(table.lines().count(), 41, "a head, and a row an account");

    hub.sandbox.turn_to_organization(runs[1].clone());
    hub.run("second").await;
    let [newer, table] = shown(&hub);
    assert!(newer.contains("new-venture") && !page.contains("new-venture"));
    assert_eq!(table.lines().count(), 42);
}

#[tokio::test]
async fn a_page_that_cannot_be_written_keeps_no_message_back_and_the_run_does_not_read_as_well() {
    let hub = Hub::of(&generated(3, 1, WITHOUT_MFA)).await;
    let machine = hub.machine();
    let started = Timestamp::now();
    let listed = machine.list("first", started).await.answer.expect("a list");
    let (_, lost) = machine.audit(&listed).await;
    // The rows first, twice: these are written.
    hub.sandbox.add_fault(Fault::on("s3:PutObject", Trouble::Deny).after(2));
    let conclude = machine.conclude("first", started, &listed, &lost).await;
    let answer = conclude.answer.expect("the run concludes");
    assert_eq!((hub.messages(0).len(), hub.rows().len(), shown(&hub)), (1, 3, Default::default()));
    assert_eq!(
        (coverage(&answer), &answer["complete"], &answer["unsent"]),
        ([3, 3, 0, 0, 0], &json!(false), &json!(0))
    );
    let said = list(&answer["unshown"]).iter().map(owned).collect::<Vec<_>>();
    assert_eq!(said.len(), 2, "{said:?}");
    for (said, key) in said.iter().zip(SHOWN) {
        assert!(said.contains(key) && said.contains("denied"), "{said}");
        assert!(
            conclude.log.contains(key) && conclude.log.contains("the object shows an earlier run"),
            "{}",
            conclude.log
        );
    }
    assert!(!conclude.log.contains("\"OrganizationHeartbeat\":1"), "{}", conclude.log);
    hub.sandbox.clear_faults();
    let answer = hub.run("second").await;
    assert_eq!((&answer["unshown"], &answer["complete"]), (&json!([]), &json!(true)));
    assert!(shown(&hub).iter().all(|object| !object.is_empty()));
}

#[tokio::test]
async fn after_a_fault_of_the_organization_the_page_stays_and_the_message_links_none() {
    let accounts = [format!(r#"{{id: "444455556666", name: a, {WITHOUT_MFA}}}"#)];
    let accounts = accounts.each_ref().map(String::as_str);
    let runs = described(&accounts, "runs:\n  - {}\n  - {delegated: false}\n");
    let hub = Hub::of(&runs[0]).await;
    hub.run("first").await;
    let before = shown(&hub);
    hub.sandbox.turn_to_organization(runs[1].clone());
    let answer = hub.run("second").await;
    assert!(answer["fault"].is_string() && answer["complete"] == json!(false), "{answer}");
    assert_eq!(shown(&hub), before);
    let message = notification(&hub.messages(1)[0]);
    assert!(message["headline"].as_str().is_some_and(|said| said.starts_with("INCOMPLETE: ")), "{message}");
    assert!(message["report_page"].is_null(), "{message}");
}
