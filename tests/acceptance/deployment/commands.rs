//! The commands of the Makefile that build and deploy.

use super::*;

#[test]
fn make_deploy_first_refuses_parameters_that_cannot_be_read() {
    let makefile = file("Makefile");
    assert!(makefile.contains("\ndeploy: check-config build\n"));
    assert!(makefile.contains("target/debug/sandbox check-config $(PARAMETERS)\n"));
}

#[test]
fn what_is_built_is_what_is_deployed_whoever_names_the_architecture() {
    let x86 = [
        "CARGO_BUILD_TARGET=x86_64-unknown-linux-gnu RUSTFLAGS=",
        "sam build --parameter-overrides Architecture=x86_64\n",
    ];
    let arm = ["env -u CARGO_BUILD_TARGET  RUSTFLAGS=", "sam build --parameter-overrides Architecture=arm64\n"];
    for (arguments, build, architecture) in [
        (["ARCH=x86_64", "EMAIL="], x86, "x86_64"),
        (["ARCH=arm64", "EMAIL="], arm, "arm64"),
        (["PARAMETERS=Digest=daily Architecture=x86_64", "EMAIL="], x86, "x86_64"),
        (["PARAMETERS=Architecture='arm64'", "EMAIL=you@example.com"], arm, "arm64"),
        (["PARAMETERS=Digest=daily", "EMAIL="], arm, "arm64"),
    ] {
        let (succeeded, run) = dry_make(&[&["deploy"], &arguments[..]].concat());
        assert!(succeeded && build.iter().all(|part| run.contains(part)), "{arguments:?}: {run}");
        assert!(run.contains(&format!("built-for ARCH={architecture}\n")), "{arguments:?}: {run}");
        assert!(run.contains(&format!(" Architecture={architecture}\n")), "deployed as it is built: {run}");
    }
    for arguments in [["ARCH=arm64", "PARAMETERS=Architecture=x86_64"], ["ARCH=mips", "PARAMETERS="]] {
        let (succeeded, run) = dry_make(&[&["build"], &arguments[..]].concat());
        assert!(!succeeded && run.contains("ARCH is "), "{run}");
    }
}

#[test]
fn a_program_for_another_architecture_and_one_that_was_copied_in_part_end_the_build() {
    let folder = std::env::temp_dir().join(format!("rootwatch-built-{}", std::process::id()));
    let write = |function: &str, program: &[u8]| {
        std::fs::create_dir_all(folder.join(function)).unwrap();
        std::fs::write(folder.join(function).join("bootstrap"), program).unwrap();
    };
    let is_built = |architecture: &str| {
        let mut make = std::process::Command::new("make");
        make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
        make.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        make.args(["built-for", &format!("ARCH={architecture}"), &format!("BUILT={}", folder.display())]);
        make.output().unwrap().status.success()
    };
    // e_machine, in two bytes behind e_ident and e_type.
    let header = |machine| [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"[..], &[machine, 0]].concat();
    for (machine, architecture) in [(62_u8, "x86_64"), (183, "arm64"), (40, "")] {
        for function in ["Checker", "ChatNotifier", "RouteNotifier", "SlackNotifier"] {
            write(function, &header(machine));
        }
        for target in ["x86_64", "arm64"] {
            assert_eq!(is_built(target), target == architecture, "{machine} for {target}");
        }
    }
    for function in ["Checker", "ChatNotifier", "RouteNotifier", "SlackNotifier"] {
        write(function, &header(62));
    }
    assert!(is_built("x86_64"));
    for copied in ["ChatNotifier", "RouteNotifier"] {
        write(copied, &header(62)[..19]);
        assert!(!is_built("x86_64"), "{copied}");
        write(copied, &header(62));
    }
    assert!(is_built("x86_64"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_longest_name_of_a_stack_is_refused_before_it_is_deployed_and_is_documented() {
    let makefile = file("Makefile");
    let most: usize = makefile.split("STACK_MAX := ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!(file("docs/install.md").contains(&format!("at most {most} characters")));
    assert!(file("tests/template/as_deployed.py").contains(&format!(", STACK_MAX = \"ap-southeast-1\", {most}\n")));
    let (_, run) = dry_make(&["check-config", "STACK=of-a-name"]);
    assert!(run.contains("printf %s 'of-a-name' | wc -c) -le 39"), "{run}");
}

/// The script quotes each setting for the program that checks it, which reads what the SAM CLI would.
#[test]
fn settings_with_quotes_and_spaces_are_checked_by_the_archives_script_and_deployed_as_they_are() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = std::env::temp_dir().join(format!("rootwatch-quotes-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    let program = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).unwrap();
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("rootwatch", &file("tests/package/rootwatch"));
    program("doctor", "#!/bin/sh\n");
    // Writes down what CloudFormation is given, one argument a line.
    program(
        "aws",
        "#!/bin/sh\ntest \"$2\" != deploy || printf '%s\\n' \"$@\" >\"${0%/*}/deployed\"\necho 111122223333\n",
    );
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    std::fs::write(folder.join("VERSION"), format!("version 0.0.0\narchitecture {architecture}\n")).unwrap();
    symlink(sandbox::runtime::binary("sandbox"), folder.join("bin/sandbox")).expect("a link");
    let until = jiff::Zoned::now().date().saturating_add(jiff::Span::new().days(90));
    let deploy = |control: &str| {
        let setting = format!(
            r#"Exceptions=[{{"control":"{control}","reason":"alice's \"plan B\" \\ $(id) `id` *","owner":"bob","until":"{until}"}}]"#
        );
        let mut script = std::process::Command::new(folder.join("rootwatch"));
        script.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
        let done = script.args(["deploy", &setting, "Digest=daily"]).env("AWS_REGION", "eu-west-1").output().unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        let deployed = std::fs::read_to_string(folder.join("deployed")).unwrap_or_default();
        (said, deployed.lines().any(|line| line == setting))
    };
    let (said, deployed) = deploy("root-mfs");
    assert!(!deployed && said.contains("Exceptions, entry 1"), "read, and refused: {said}");
    let (said, deployed) = deploy("root-mfa");
    assert!(deployed && said.contains("All settings are valid."), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}
