//! Two runs over an invented organization, as people see them.

use std::process::ExitCode;
use std::time::Instant;

use aws::organization::runs::{LATEST, PAGE, TABLE};
use facts::text::for_terminal;
use jiff::Timestamp;
use sandbox::machine::Machine;
use sandbox::{Organization, Sandbox, Story};

use crate::{bold, named, print_emails};

/// Where the demo writes, from where `make` runs.
const FOLDER: &str = "build/demo-organization";

/// A first run, and a second one that finds a few things changed: the emails of both, and where the files are.
pub(crate) async fn demo() -> ExitCode {
    let runs = Organization::runs("forty");
    let story = Story::at("quiet-compliant", Timestamp::now());
    let sandbox = Sandbox::start(story.clone()).await;
    for (number, organization) in (1..).zip(&runs) {
        println!("{}\n{}\n", bold(&format!("── Run {number} of {} ", runs.len())), organization.about);
        sandbox.turn_to_organization(organization.clone());
        let before = sandbox.published().len();
        let began = Instant::now();
        let machine = Machine::over(&sandbox, &story, &organization.id);
        let execution = machine.run(&format!("demo-{number}"), Timestamp::now()).await;
        let Some(conclude) = &execution.conclude else {
            println!(
                "{}",
                for_terminal(&format!("The list failed: {:?}\n{}", execution.list.answer, execution.list.log))
            );
            return ExitCode::FAILURE;
        };
        if !print_emails(conclude, &sandbox.published()[before..]) {
            return ExitCode::FAILURE;
        }
        let (audits, seconds) = (execution.audits.len(), began.elapsed().as_secs_f64());
        println!("{} accounts in {audits} batches, {seconds:.1} seconds.\n", organization.size());
    }
    write(&sandbox)
}

/// A copy of the bucket.
fn write(sandbox: &Sandbox) -> ExitCode {
    let folder = sandbox::root().join(FOLDER);
    let written = (|| {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        sandbox.copy_objects(&folder)
    })();
    match written {
        Ok(()) => {
            let page = folder.join(PAGE);
            println!("The organization's page: {} (the bucket: {})", named(&page), named(&folder));
            println!(
                "Every account, for a spreadsheet: {}; for programs: {}",
                named(&folder.join(TABLE)),
                named(&folder.join(LATEST))
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{FOLDER}: {error}");
            ExitCode::FAILURE
        }
    }
}
