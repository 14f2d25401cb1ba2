//! With a role in each member: everything once a day, the counters in each run, and nothing resolved by what was not read.

use jiff::SignedDuration;
use sandbox::MEMBER_ROLE;

use super::*;

const ACCOUNT: &str = "444455556666";
const OTHER: &str = "444455556667";

impl Hub {
    fn by(&self, access: &str) -> Machine<'_> {
        let mut machine = self.machine();
        for (name, value) in [("MEMBER_ACCESS", access), ("MEMBER_ROLE", MEMBER_ROLE)] {
            machine.environment.insert(format!("ROOTWATCH_{name}"), value.to_owned());
        }
        machine
    }

    /// A run that enters members by the stack's role; what it answers.
    async fn run_by_role(&self, name: &str, started: Timestamp) -> Value {
        concluded(&self.by("role").run(name, started).await)
    }

    /// What was called in the members: by their roles, and by their root users.
    fn called(&self) -> [Vec<String>; 2] {
        let calls = self.sandbox.calls();
        let of = |is_of: fn(&sandbox::Call) -> bool| {
            calls.iter().filter(|call| is_of(call)).map(|call| call.action.clone()).collect()
        };
        [of(|call| call.by_role.is_some()), of(|call| call.member.is_some())]
    }

    /// Makes the last deep look of every account so much older.
    fn age(&self, by: SignedDuration) {
        let rows = self.rows().into_iter().map(|mut row| {
            if let Some(deep_at) = row["by_role"]["deep_at"].as_str() {
                let deep_at: Timestamp = deep_at.parse().expect("a time");
                row["by_role"]["deep_at"] = json!(deep_at - by);
            }
            format!("{row}\n")
        });
        self.sandbox.place_object("organization/latest.jsonl", rows.collect::<String>());
    }
}

fn with_role(account: &str, scenario: &str) -> String {
    format!(r#"{{id: "{account}", name: a, role: {scenario}}}"#)
}

fn one(scenario: &str) -> Organization {
    described(&[&with_role(ACCOUNT, scenario)], "").remove(0)
}

fn open(row: &Value) -> Vec<String> {
    list(&row["open"]).iter().map(|found| owned(&found["control"])).collect()
}

const WELL: &str = "quiet-compliant";
/// Its users have no MFA and old keys, and no group.
const USERS: &str = "high-users-without-mfa-and-old-keys";

#[tokio::test]
async fn a_role_shows_all_five_steps_and_no_session_of_root_is_opened() {
    let accounts = [with_role(ACCOUNT, WELL), with_role(OTHER, USERS)];
    let hub = Hub::of(&described(&[&accounts[0], &accounts[1]], "").remove(0)).await;
    let answer = hub.run_by_role("first", Timestamp::now()).await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([2, 2, 0, 0, 0], &json!(true)));
    let rows = [hub.row(ACCOUNT), hub.row(OTHER)];
    for row in &rows {
        let steps = list(&row["steps"]);
        assert!(
            steps.iter().all(|step| ["passed", "failed", "not_applicable"].contains(&step.as_str().unwrap())),
            "{row}"
        );
        assert_eq!(row["by_role"]["deep_at"], row["at"]);
    }
    assert_eq!(rows[0]["steps"], json!(["passed", "passed", "passed", "passed", "passed"]), "{:?}", rows[0]);
    assert!(open(&rows[1]).contains(&"user-mfa".to_owned()), "{:?}", rows[1]);
    let first = sent(&hub.messages(0));
    assert!(first.contains(&of("user-mfa", OTHER, "opened")), "{first:?}");
    assert!(!first.iter().any(|(control, ..)| control.starts_with("billing-") || control == "alert-path"), "{first:?}");
    let [by_role, by_root] = hub.called();
    assert!(by_root.is_empty() && by_role.iter().any(|action| action == "cloudtrail:LookupEvents"));
    assert!(!hub.sandbox.calls().iter().any(|call| call.action == "sts:AssumeRoot"));
}

#[tokio::test]
async fn between_two_deep_looks_a_run_makes_two_calls_an_account_and_resolves_nothing() {
    let generated = format!(
        "generated:\n  - {{accounts: 27, from: 200000000001, name: a, every: {{1: {{role: {WELL}}}, 9: {{role: {USERS}}}}}}}\n"
    );
    let hub = Hub::of(&Organization::parse(&format!("{HEAD}{generated}")).remove(0)).await;
    let started = Timestamp::now();
    assert_eq!(coverage(&hub.run_by_role("first", started).await), [27, 27, 0, 0, 0]);
    let sizes = (0..3).map(|batch| hub.sandbox.object(&format!("organization/runs/first/rows/{batch:04}.jsonl")));
    let sizes: Vec<usize> = sizes.map(|rows| rows.unwrap().split(|byte| *byte == b'\n').count() - 1).collect();
    assert_eq!(sizes, [10, 10, 7], "deep looks are batched by ten");
    let before = hub.rows();
    hub.sandbox.forget_calls();
    assert_eq!(coverage(&hub.run_by_role("second", started).await), [27, 27, 0, 0, 0]);
    assert_eq!(hub.called(), [vec!["iam:GetAccountSummary".to_owned(); 27], Vec::new()]);
    let assumed = hub.sandbox.calls().iter().filter(|call| call.action == "sts:AssumeRole").count();
    assert_eq!(assumed, 27);
    assert!(hub.messages(1).is_empty());
    for (row, before) in hub.rows().into_iter().zip(before) {
        assert!(row["at"].as_str() > before["at"].as_str());
        for field in ["steps", "open", "unknown", "by_role", "root"] {
            assert_eq!(row[field], before[field], "{field}");
        }
    }
}

#[tokio::test]
async fn an_account_is_read_whole_when_its_day_is_over_and_when_all_are_asked_for() {
    let hub = Hub::of(&one(WELL)).await;
    let started = Timestamp::now();
    hub.run_by_role("first", started).await;
    hub.sandbox.turn_to_organization(one(USERS));
    hub.run_by_role("second", started).await;
    assert!(open(&hub.row(ACCOUNT)).is_empty(), "its counters are the same, and its day is not over");
    hub.age(SignedDuration::from_hours(25));
    hub.run_by_role("third", started).await;
    assert!(sent(&hub.messages(1)).contains(&of("user-mfa", ACCOUNT, "opened")));

    hub.sandbox.turn_to_organization(one(WELL));
    hub.run_by_role("fourth", started).await;
    assert!(open(&hub.row(ACCOUNT)).contains(&"user-mfa".to_owned()), "counters resolve nothing");
    let sent_before = hub.messages(0).len();
    let machine = Machine { input: json!({"deep": "all"}), ..hub.by("role") };
    concluded(&machine.run("fifth", started).await);
    assert!(sent(&hub.messages(sent_before)).contains(&of("user-mfa", ACCOUNT, "resolved")));
    assert!(open(&hub.row(ACCOUNT)).is_empty());
}

#[tokio::test]
async fn a_counter_that_changed_is_followed_at_once_and_a_root_key_in_each_run() {
    const KEY: &str = "critical-root-key-used-today-password-long-ago";
    let hub = Hub::of(&one(WELL)).await;
    let started = Timestamp::now();
    hub.run_by_role("first", started).await;
    hub.sandbox.turn_to_organization(one(KEY));
    hub.run_by_role("second", started).await;
    assert!(sent(&hub.messages(1)).contains(&of("root-access-keys", ACCOUNT, "opened")));
    hub.sandbox.forget_calls();
    hub.run_by_role("third", started).await;
    let [by_role, _] = hub.called();
    assert!(by_role.iter().any(|action| action == "iam:GetCredentialReport"), "{by_role:?}");
    hub.sandbox.turn_to_organization(one(WELL));
    hub.run_by_role("fourth", started).await;
    let times = times(sent(&hub.messages(1)));
    assert_eq!(times.get(&of("root-access-keys", ACCOUNT, "opened")), Some(&1), "{times:?}");
    assert_eq!(times.get(&of("root-access-keys", ACCOUNT, "resolved")), Some(&1), "{times:?}");
}

#[tokio::test]
async fn a_deep_look_finds_what_root_did_since_the_last() {
    let hub = Hub::of(&one("high-one-sign-in-is-sent-once")).await;
    hub.run_by_role("first", Timestamp::now()).await;
    let groups = notification(&hub.messages(0)[0])["organization"]["groups"].clone();
    assert!(list(&groups).iter().any(is_sign_in), "{groups}");
}

#[tokio::test]
async fn what_a_member_shows_hours_late_is_found_once_by_the_look_after() {
    let shown = |minutes: i64| {
        let account = format!(r#"{{id: "{ACCOUNT}", name: a, role: high-one-sign-in-is-sent-once, late: {minutes}}}"#);
        described(&[&account], "").remove(0)
    };
    let hub = Hub::of(&shown(120)).await;
    let mut everything = hub.by("role");
    everything.input = json!({"deep": "all"});
    let sign_ins = |before: usize| {
        let groups = |message: &Published| notification(message)["organization"]["groups"].clone();
        hub.messages(before)
            .iter()
            .map(|message| list(&groups(message)).iter().filter(|group| is_sign_in(group)).count())
            .sum::<usize>()
    };
    concluded(&everything.run("first", Timestamp::now()).await);
    assert_eq!(sign_ins(0), 0, "it happened before this look, and is not shown yet");
    hub.sandbox.turn_to_organization(shown(30));
    let before = hub.messages(0).len();
    concluded(&everything.run("second", Timestamp::now()).await);
    assert_eq!(sign_ins(before), 1);
    concluded(&everything.run("third", Timestamp::now()).await);
    assert_eq!(sign_ins(before), 1, "once");
}

fn is_sign_in(group: &Value) -> bool {
    owned(&group["about"]).starts_with("root/SignIn")
}

/// The function root-activity has a message of its own for it, with who, when and from where.
#[tokio::test]
async fn what_happened_lately_is_left_to_the_rules_of_the_member_and_sent_by_a_later_run_without_them() {
    let hub = Hub::of(&one("high-one-sign-in-is-sent-once")).await;
    let mut machine = hub.by("role");
    machine.environment.insert("ROOTWATCH_MEMBER_FORWARD_REGIONS".into(), "us-east-1".into());
    let answer = concluded(&machine.run("first", Timestamp::now()).await);
    assert_eq!((&answer["complete"], &answer["unsent"]), (&json!(true), &json!(0)), "{answer}");
    let groups = |message: &Published| notification(message)["organization"]["groups"].clone();
    assert!(hub.messages(0).iter().all(|message| !list(&groups(message)).iter().any(is_sign_in)));
    assert!(hub.row(ACCOUNT)["waiting"].as_u64() > Some(0), "{}", hub.row(ACCOUNT));
    let before = hub.messages(0).len();
    hub.run_by_role("second", Timestamp::now()).await;
    assert!(list(&groups(&hub.messages(before)[0])).iter().any(is_sign_in));
}

#[tokio::test]
async fn a_member_without_the_role_is_audited_by_root_and_its_row_says_what_is_missing() {
    let account = r#"{id: "444455556666", name: a, root: {password: true}}"#;
    let hub = Hub::of(&described(&[account], "").remove(0)).await;
    let answer = hub.run_by_role("first", Timestamp::now()).await;
    assert_eq!((coverage(&answer), &answer["complete"]), ([1, 1, 0, 0, 0], &json!(true)));
    assert!(sent(&hub.messages(0)).contains(&of("root-mfa", ACCOUNT, "opened")), "root's credentials are audited");
    let row = hub.row(ACCOUNT);
    assert_eq!(row["steps"].as_array().unwrap()[2..], [json!("needs_role"), json!("needs_role"), json!("needs_role")]);
    let missing = &row["by_role"]["missing"];
    assert_eq!((&missing["cause"], &row["by_role"]["deep_at"]), (&json!("role_missing"), &json!(null)));
    assert!(owned(&missing["said"]).contains("is not authorized to perform: sts:AssumeRole"), "{missing}");
    let run = |message: &Published| notification(message)["organization"].clone();
    assert_eq!(run(&hub.messages(0)[0])["unaudited"], json!([]), "a new account has a day");

    let rows: String = hub
        .rows()
        .into_iter()
        .map(|mut row| {
            let since: Timestamp = owned(&row["by_role"]["missing"]["since"]).parse().unwrap();
            row["by_role"]["missing"]["since"] = json!(since - SignedDuration::from_hours(24));
            format!("{row}\n")
        })
        .collect();
    hub.sandbox.place_object("organization/latest.jsonl", rows);
    let answer = hub.run_by_role("second", Timestamp::now()).await;
    assert_eq!(answer["coverage"]["in_part"], 1);
    let unaudited = run(&hub.messages(1)[0])["unaudited"].clone();
    assert_eq!((&unaudited[0]["cause"], &unaudited[0]["count"]), (&json!("role_missing"), &json!(1)));
    assert!(owned(&unaudited[0]["remedy"]).contains("list-stack-instances"), "{unaudited}");
    assert!(hub.messages(1)[0].bodies["default"].contains("only root's credentials are audited"));
}

#[tokio::test]
async fn a_role_that_was_lost_is_sent_at_once_and_what_it_had_found_stays_open() {
    let hub = Hub::of(&one(USERS)).await;
    let started = Timestamp::now();
    hub.run_by_role("first", started).await;
    let found = open(&hub.row(ACCOUNT));
    hub.sandbox.turn_to_organization(described(&[r#"{id: "444455556666", name: a}"#], "").remove(0));
    let answer = hub.run_by_role("second", started).await;
    assert_eq!((&answer["coverage"]["audited"], &answer["coverage"]["in_part"]), (&json!(1), &json!(1)));
    let second = hub.messages(1);
    let unaudited = notification(&second[0])["organization"]["unaudited"].clone();
    assert_eq!((&unaudited[0]["cause"], &unaudited[0]["audited_before"]), (&json!("role_missing"), &json!(1)));
    let row = hub.row(ACCOUNT);
    assert_eq!((open(&row).contains(&"user-mfa".to_owned()), &row["steps"][4]), (true, &json!("needs_role")));
    assert!(row["by_role"]["deep_at"].is_string(), "{row}");
    hub.sandbox.turn_to_organization(one(USERS));
    hub.run_by_role("third", started).await;
    let row = hub.row(ACCOUNT);
    assert_eq!(
        (open(&row), &row["by_role"]["missing"]),
        (found, &json!(null)),
        "it is read as soon as the role is back"
    );
    let later = sent(&hub.messages(1));
    let of_users = later.iter().filter(|(control, ..)| control == "user-mfa");
    assert_eq!(of_users.count(), 0, "neither resolved nor opened again: {later:?}");
}

#[tokio::test]
async fn an_account_that_refuses_both_ways_is_refused_and_both_are_said() {
    let hub = Hub::of(&described(&[r#"{id: "444455556666", name: a, refuses: session}"#], "").remove(0)).await;
    assert_eq!(coverage(&hub.run_by_role("first", Timestamp::now()).await), [1, 0, 1, 0, 0]);
    let row = hub.row(ACCOUNT);
    assert_eq!((&row["outcome"], &row["cause"]), (&json!("refused"), &json!("denied")));
    assert_eq!(coverage(&hub.run("second").await), [1, 0, 1, 0, 0]);
    assert_eq!(hub.row(ACCOUNT)["runs"], 2);
}

#[tokio::test]
async fn a_role_session_that_expires_in_the_middle_resolves_nothing_and_is_repeated_by_the_next_run() {
    let expiring = |calls: usize| {
        let account = format!(r#"{{id: "444455556666", name: a, role: {WELL}, expires_after: {calls}}}"#);
        described(&[&account], "").remove(0)
    };
    for calls in [0, 1, 6, 20] {
        let hub = Hub::of(&one(USERS)).await;
        let started = Timestamp::now();
        hub.run_by_role("first", started).await;
        let (found, deep_at) = (open(&hub.row(ACCOUNT)), hub.row(ACCOUNT)["by_role"]["deep_at"].clone());
        hub.sandbox.turn_to_organization(expiring(calls));
        let machine = Machine { input: json!({"deep": "all"}), ..hub.by("role") };
        concluded(&machine.run("second", started).await);
        let row = hub.row(ACCOUNT);
        if calls == 0 {
            assert_eq!((&row["outcome"], &row["cause"]), (&json!("refused"), &json!("unreachable")));
        } else {
            assert_eq!(row["by_role"]["deep_at"], deep_at, "{calls} calls: no deep look");
            assert!(!list(&row["unknown"]).is_empty(), "{calls} calls: {row}");
            assert!(!list(&row["steps"]).iter().all(|step| step == "passed"), "{calls} calls: {row}");
            assert!(found.iter().all(|control| open(&row).contains(control) || calls > 6), "{calls} calls: {row}");
        }
        let resolved =
            |from: usize| sent(&hub.messages(from)).into_iter().filter(|(.., how)| how == "resolved").count();
        assert!(resolved(1) == 0 || calls > 6, "{calls} calls");
        hub.age(SignedDuration::from_hours(25));
        hub.sandbox.turn_to_organization(one(WELL));
        hub.run_by_role("third", started).await;
        assert_eq!((open(&hub.row(ACCOUNT)), list(&hub.row(ACCOUNT)["unknown"]).len()), (Vec::new(), 0));
    }
}

#[tokio::test]
async fn the_organizations_own_role_is_assumed_under_policies_that_read_and_shows_the_same() {
    let hub = Hub::of(&one(USERS)).await;
    // The sandbox fails where the policies are missing.
    let answer = concluded(&hub.by("organization-role").run("first", Timestamp::now()).await);
    assert_eq!((coverage(&answer), &answer["complete"]), ([1, 1, 0, 0, 0], &json!(true)));
    let row = hub.row(ACCOUNT);
    assert!(open(&row).contains(&"user-mfa".to_owned()) && row["by_role"]["deep_at"].is_string(), "{row}");
    assert_eq!(hub.called()[1], Vec::<String>::new());
}

#[tokio::test]
async fn without_the_role_again_a_member_is_audited_as_before_and_nothing_it_showed_reads_as_passed() {
    let hub = Hub::of(&one(WELL)).await;
    hub.run_by_role("first", Timestamp::now()).await;
    hub.run("second").await;
    let row = hub.row(ACCOUNT);
    assert!(row["by_role"].is_null() && row["steps"][4] == "needs_role", "{row}");
}
