//! The program behind `make demo`, `make try` and `make invoke`, as a person at a terminal meets it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "every line here is a test")]

use std::process::Stdio;

use jiff::Timestamp;
use sandbox::runtime::binary;
use sandbox::{Fault, Sandbox, Story, Trouble};
use tokio::process::Command;

struct Printed {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Printed {
    let output = Command::new(binary("sandbox"))
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .expect("the program can be started");
    printed(output)
}

fn printed(output: std::process::Output) -> Printed {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Printed { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

async fn try_with(sandbox: &Sandbox) -> Printed {
    let environment = [
        ("AWS_ENDPOINT_URL", sandbox.url()),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-the-sandbox"),
        ("AWS_REGION", "eu-west-1"),
    ];
    run(&["try"], &environment).await
}

#[tokio::test]
async fn the_demo_shows_four_acts_on_one_account_then_the_other_stories() {
    let printed = run(&["demo"], &[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    let at = |text: &str| printed.out.find(text).unwrap_or_else(|| panic!("{text}: {}", printed.out));
    let order = [
        at("Act 1 of 4"),
        at("Subject: [rootwatch] CRITICAL: root has no MFA in acme-prod (111122223333)"),
        at("ACCOUNT STATUS"),
        at("Act 2 of 4"),
        at("Subject: [rootwatch] CRITICAL: new root access key in acme-prod (111122223333)"),
        at("NEXT STEPS, in this order"),
        at("Act 3 of 4"),
        at("No email: nothing changed."),
        at("Act 4 of 4"),
        at("Root has no access keys, active or inactive"),
        at("build/demo/latest.html (the bucket: "),
        at("make demo SCENARIO="),
        at("unknown-nothing-can-be-read"),
    ];
    assert!(order.is_sorted());
    // As a deployment has them: each email links the report, and the digest a signed address of it.
    let links = printed
        .out
        .lines()
        .filter(|line| line.trim().starts_with("Report: https://") && line.contains("rootwatch-reports-111122223333"));
    assert_eq!(links.count(), 3, "{}", printed.out);
    assert_eq!(printed.out.matches("/latest.html?").count(), 1, "{}", printed.out);
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../build/demo");
    let page = std::fs::read(format!("{demo}/latest.html")).unwrap();
    assert_eq!(page, std::fs::read(format!("{demo}/bucket/latest.html")).unwrap());
    let evidence = run(&["verify-evidence", &format!("{demo}/bucket")], &[]).await;
    assert_eq!(evidence.code, Some(0), "{}", evidence.out);
    assert!(
        evidence.out.starts_with("4 reports, from ") && evidence.out.contains("none was edited"),
        "{}",
        evidence.out
    );
    assert!(!printed.out.contains('\u{1b}'), "no colours where nobody sees them");
}

#[tokio::test]
async fn the_demo_of_an_organization_shows_two_runs_and_where_the_page_and_the_table_are() {
    let printed = run(&["demo-organization"], &[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    let at = |text: &str| printed.out.find(text).unwrap_or_else(|| panic!("{text}: {}", printed.out));
    let order = [
        at("Run 1 of 2"),
        at("Subject: [rootwatch] "),
        at("&prefix=organization/latest.html"),
        at("Run 2 of 2"),
        at("build/demo-organization/organization/latest.html (the bucket: "),
        at("build/demo-organization/organization/latest.csv"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../build/demo-organization/organization");
    let page = std::fs::read_to_string(format!("{demo}/latest.html")).unwrap();
    assert!(page.contains("new-venture") && page.contains("41 accounts"), "the page is that of the second run");
    let table = std::fs::read_to_string(format!("{demo}/latest.csv")).unwrap();
    assert_eq!(table.lines().count(), 42);
}

#[tokio::test]
async fn an_unknown_scenario_or_verb_is_an_error_that_lists_what_there_is() {
    let scenario = run(&["demo", "nonsense"], &[]).await;
    assert_eq!(scenario.code, Some(2));
    assert!(scenario.err.contains("There is no scenario `nonsense`") && scenario.err.contains("quiet-compliant"));
    let verb = run(&["nonsense"], &[]).await;
    assert!(verb.code == Some(2) && verb.err.starts_with("usage:"));
}

#[tokio::test]
async fn invoke_prints_the_answer_to_an_event_from_a_file() {
    let event = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/on-demand.json");
    let printed = run(&["invoke", event, "quiet-compliant"], &[]).await;
    let answer: serde_json::Value = serde_json::from_str(&printed.out).expect("the answer as JSON");
    assert_eq!((printed.code, answer["sent"] == serde_json::json!([])), (Some(0), true));
    assert_eq!(run(&["invoke", "no-such-file"], &[]).await.code, Some(2));
}

/// The program in a folder with these others and nothing else, without cargo on its path.
async fn run_beside(programs: &[&str], folder: &str, arguments: &[&str]) -> Printed {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    for program in programs {
        std::fs::hard_link(binary(program), folder.join(program)).unwrap();
    }
    let mut command = Command::new(folder.join("sandbox"));
    command.args(arguments).current_dir(&folder).env("PATH", "").env_remove("CARGO").stdin(Stdio::null());
    printed(command.output().await.expect("the program can be started"))
}

#[tokio::test]
async fn a_built_sandbox_needs_no_cargo() {
    let event = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/on-demand.json");
    let arguments = ["invoke", event, "quiet-compliant"];
    let ran = run_beside(&["sandbox", "checker"], "beside", &arguments).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

#[tokio::test]
async fn a_function_that_is_not_built_is_named_with_the_command_that_builds_it() {
    for (arguments, function) in [(&["demo"][..], "checker"), (&["try"], "checker"), (&["exports", "."], "checker")] {
        let ran = run_beside(&["sandbox"], &format!("alone-{}", arguments[0]), arguments).await;
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.starts_with(&format!("There is no program {function} in /")), "{}", ran.err);
        assert!(ran.err.ends_with(". Build it: cargo build --workspace --bins\n"), "{}", ran.err);
    }
    let ran = run_beside(&["sandbox", "checker"], "without-reporter", &["demo"]).await;
    assert!(ran.code == Some(1) && ran.err.starts_with("There is no program reporter in /"), "{}", ran.err);
}

#[tokio::test]
async fn exports_are_written_of_every_report_in_every_format() {
    let folder = std::env::temp_dir().join(format!("rootwatch-exports-{}", std::process::id()));
    let printed = run(&["exports", &folder.to_string_lossy()], &[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    for sample in ["bad", "users", "well", "member", "blind", "hostile"] {
        for file in ["report.json", "latest.csv", "latest.ocsf.json", "latest.junit.xml", "security-hub-1.json"] {
            let size = std::fs::metadata(folder.join(sample).join(file)).map_or(0, |file| file.len());
            assert!(size > 1_000, "{sample}/{file} has {size} bytes");
        }
    }
    assert!(folder.join("empty/latest.junit.xml").exists() && !folder.join("empty/security-hub-1.json").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_try_reads_and_publishes_nothing() {
    let sandbox = Sandbox::start(Story::at("critical-fresh-account-with-nothing-set-up", Timestamp::now())).await;
    let printed = try_with(&sandbox).await;
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(printed.out.starts_with("Reading account 111122223333 as arn:aws:iam::111122223333:user/alice."));
    assert!(printed.out.contains("FAILED          root-access-keys"), "{}", printed.out);
    assert!(printed.out.contains("\nSCORE five steps: 1 of 5 · baseline: 16 of 20 · unknown: 1\n"), "{}", printed.out);
    let written = printed.out.lines().find_map(|line| line.strip_prefix("The report: ")).expect("the page is named");
    let page = std::fs::read_to_string(written).expect("the page is where the last line says");
    assert!(page.contains("111122223333") && page.contains("root-access-keys"));
    let called: Vec<String> = sandbox.calls().into_iter().map(|call| call.action).collect();
    let allowed = aws::read_actions();
    for action in called.iter().filter(|action| *action != "sts:GetCallerIdentity") {
        assert!(allowed.contains(&action.as_str()), "{action} is not in the policy of docs/permissions.md");
    }
}

#[tokio::test]
async fn a_try_names_the_missing_action() {
    let mut story = Story::at("quiet-compliant", Timestamp::now());
    story.faults =
        ["iam:GetAccountPasswordPolicy", "account:ListRegions"].map(|action| Fault::on(action, Trouble::Deny)).into();
    let printed = try_with(&Sandbox::start(story).await).await;
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(printed.out.contains("UNKNOWN         password-policy"), "{}", printed.out);
    assert!(printed.out.contains("iam:GetAccountPasswordPolicy: denied AccessDenied"), "{}", printed.out);
    assert!(printed.out.contains("account:ListRegions: denied AccessDeniedException"), "{}", printed.out);
    let allow =
        "Allow account:ListRegions, iam:GetAccountPasswordPolicy, and try again: docs/permissions.md has the policy.\n";
    assert!(printed.out.contains(allow), "{}", printed.out);
    assert!(printed.out.contains("· unknown: 4, 2 calls not readable\n"), "{}", printed.out);
}

#[tokio::test]
async fn a_try_shows_times_to_the_second() {
    let mut story = Story::at("critical-root-signs-in-without-mfa-and-creates-a-key", Timestamp::now());
    story.faults.clear();
    let printed = try_with(&Sandbox::start(story).await).await;
    let times = printed.out.lines().skip_while(|line| !line.starts_with("Root activity since "));
    let times: Vec<&str> = times.take_while(|line| !line.is_empty()).collect();
    assert!(times.len() > 1, "{}", printed.out);
    for line in times {
        assert!(line.contains(":") && line.contains(" UTC") && !line.contains('.') && !line.contains('Z'), "{line}");
    }
}

#[tokio::test]
async fn an_unpacked_archive_has_its_own_stories_and_writes_into_its_own_folder() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("unpacked");
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    for part in ["tests/scenarios/quiet-compliant", "shared/facts/samples/records"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
        let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(part);
        for file in std::fs::read_dir(own).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), folder.join(part).join(file.file_name())).unwrap();
        }
    }
    for name in ["sandbox", "checker", "reporter"] {
        let to = folder.join("bin").join(name);
        std::fs::remove_file(&to).ok();
        std::fs::copy(binary(name), to).unwrap();
    }
    let mut command = Command::new(folder.join("bin/sandbox"));
    let listed = printed(command.arg("list").stdin(Stdio::null()).output().await.unwrap());
    assert_eq!(listed.out, "  quiet-compliant\n");
    let mut command = Command::new(folder.join("bin/sandbox"));
    let demo = printed(command.args(["demo", "quiet-compliant"]).stdin(Stdio::null()).output().await.unwrap());
    assert_eq!(demo.code, Some(0), "{}{}", demo.out, demo.err);
    assert!(folder.join("build/demo/latest.html").is_file());
}

#[cfg(unix)]
#[tokio::test]
async fn a_try_takes_the_credentials_of_the_aws_cli_where_the_sdk_has_none() {
    use std::os::unix::fs::PermissionsExt;

    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("aws-cli");
    std::fs::create_dir_all(&folder).unwrap();
    let script = "#!/bin/sh\n[ \"$*\" = 'configure export-credentials --format process' ] && echo \
                  '{\"Version\":1,\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\"}'\n";
    std::fs::write(folder.join("aws"), script).unwrap();
    std::fs::set_permissions(folder.join("aws"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());

    let sandbox = Sandbox::start(Story::at("quiet-compliant", Timestamp::now())).await;
    let environment = [
        ("AWS_ENDPOINT_URL", sandbox.url()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("PATH", path.as_str()),
    ];
    let printed = run(&["try"], &environment).await;
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(printed.out.contains("PASSED          root-mfa"), "{}", printed.out);
}

#[tokio::test]
async fn a_try_without_an_identity_says_so() {
    let mut story = Story::at("quiet-compliant", Timestamp::now());
    story.faults = vec![Fault::on("sts:GetCallerIdentity", Trouble::Deny)];
    let printed = try_with(&Sandbox::start(story).await).await;
    assert_eq!(printed.code, Some(1));
    assert!(printed.err.contains("AWS did not accept your credentials"), "{}", printed.err);
}
