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
fn a_program_for_another_architecture_than_the_one_to_deploy_ends_the_build() {
    let folder = std::env::temp_dir().join(format!("rootwatch-built-{}", std::process::id()));
    let program = folder.join("Checker/bootstrap");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    // e_machine, in two bytes behind e_ident and e_type.
    for (machine, architecture) in [(62_u8, "x86_64"), (183, "arm64"), (40, "")] {
        let header = [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"[..], &[machine, 0]].concat();
        std::fs::write(&program, header).unwrap();
        for target in ["x86_64", "arm64"] {
            let mut make = std::process::Command::new("make");
            make.env_remove("MAKEFLAGS")
                .env_remove("MAKELEVEL")
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
            make.args(["built-for", &format!("ARCH={target}"), &format!("BUILT={}", folder.display())]);
            assert_eq!(make.output().unwrap().status.success(), target == architecture, "{machine} for {target}");
        }
    }
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
