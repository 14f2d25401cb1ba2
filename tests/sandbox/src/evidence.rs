//! Reads a copy of the report bucket and holds its reports against each other.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use checklist::AccountId;
use checklist::text::bounded;
use reporter::History;
use reporter::chain::{self, Beginning, Kept};

/// Prints what was checked and each fault with what it means; the code is 1 on a fault, and 2 if `folder` is no copy of a bucket.
pub(crate) fn verify(folder: &Path) -> ExitCode {
    let mut kept = Vec::new();
    let read = read(&folder.join("reports"), "reports", &mut kept);
    let history = match std::fs::read(folder.join("history.json")) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return unusable(folder, &error),
    };
    match read {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && history.is_some() => {}
        Err(error) => return unusable(folder, &error),
    }
    let mut accounts: Vec<&str> = kept.iter().filter_map(|kept| kept.key.split('/').nth(1)).collect();
    accounts.dedup();
    if accounts.len() > 1 {
        eprintln!("{}: reports of more than one account: {}", folder.display(), accounts.join(", "));
        return ExitCode::from(2);
    }
    let account = accounts.first().map(|account| AccountId::parse(account));
    let history = match (history, account) {
        (None, _) => Err(None),
        (Some(bytes), Some(Ok(account))) => History::read(&bytes, &account).map_err(|error| Some(error.to_string())),
        (Some(bytes), _) => serde_json::from_slice(&bytes).map_err(|error| Some(bounded(&error.to_string()))),
    };
    let verified = chain::verify(kept, history.as_ref().map_err(Clone::clone));

    let time = |time: Option<jiff::Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    println!("{} reports, from {} to {}.", verified.reports, time(verified.from), time(verified.until));
    match &verified.beginning {
        Beginning::Nowhere => {}
        Beginning::First { key } => println!("The chain begins with the first report of all: {}.", bounded(key)),
        Beginning::After { key, removed } => {
            println!(
                "The chain begins with {}. The report before it, {}, is not there.",
                bounded(key),
                bounded(removed)
            );
        }
        Beginning::Gap { key } => println!("The chain goes back to {}, and there are older reports.", bounded(key)),
    }
    match verified.expired_until {
        Some(day) if verified.expired > 0 => println!(
            "Gaps among the reports of {day} and before: {}; the bucket's lifecycle removes what is so old, a part at a time, and \
             whether somebody else did cannot be seen from here.",
            verified.expired
        ),
        None if matches!(verified.beginning, Beginning::After { .. }) => println!(
            "history.json does not say how long reports are kept: whether the bucket's lifecycle removed it, or somebody else, cannot be \
             seen from here."
        ),
        _ => {}
    }
    if let Some(at) = history.as_ref().ok().and_then(|history| history.rebuilt_at) {
        println!(
            "history.json was made anew at {at}: whether the newest report before that was removed or edited cannot be seen. Look at the \
             versions of history.json."
        );
    }
    for fault in &verified.faults {
        println!("FAULT: {}", fault.to_string().replace(|char: char| char.is_control(), " "));
    }
    if verified.faults.is_empty() {
        let no = if verified.expired > 0 { "No other" } else { "No" };
        println!(
            "{no} report is missing, and none was edited: each has the hash that the next one, or history.json, names."
        );
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn unusable(folder: &Path, error: &io::Error) -> ExitCode {
    eprintln!("{} is no copy of a report bucket that can be read: {error}", folder.display());
    ExitCode::from(2)
}

/// Every file below `folder`, one at a time: a year of reports does not fit into memory.
fn read(folder: &Path, key: &str, kept: &mut Vec<Kept>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let key = format!("{key}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &key, kept)?;
        } else {
            kept.push(Kept::of(key, &std::fs::read(entry.path())?));
        }
    }
    Ok(())
}
