//! Reads a copy of the report bucket and holds its reports against each other.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use facts::AccountId;
use facts::text::{bounded, for_terminal};
use jiff::{SignedDuration, Timestamp};
use reporter::History;
use reporter::chain::{self, Beginning, Kept, Verified};

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
        let more = format!("{}: reports of more than one account: {}", folder.display(), accounts.join(", "));
        eprintln!("{}", for_terminal(&more));
        return ExitCode::from(2);
    }
    let account = accounts.first().map(|account| AccountId::parse(account));
    let history = match (history, account) {
        (None, _) => Err(None),
        (Some(bytes), Some(Ok(account))) => History::read(&bytes, &account).map_err(|error| Some(error.to_string())),
        (Some(bytes), _) => serde_json::from_slice(&bytes).map_err(|error| Some(bounded(&error.to_string()))),
    };
    let verified = chain::verify(kept, history.as_ref().map_err(Clone::clone));
    let rebuilt_at = history.as_ref().ok().and_then(|history| history.rebuilt_at);
    println!("{}", for_terminal(&said(&verified, rebuilt_at, Timestamp::now())));
    if verified.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was found out, a line each; keys and causes are as somebody wrote them.
fn said(verified: &Verified, rebuilt_at: Option<Timestamp>, now: Timestamp) -> String {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let mut lines =
        vec![format!("{} reports, from {} to {}.", verified.reports, time(verified.from), time(verified.until))];
    match &verified.beginning {
        Beginning::Nowhere => {}
        Beginning::First { key } => {
            lines.push(format!("The chain begins with the first report of all: {}.", bounded(key)));
        }
        Beginning::After { key, removed } => lines.push(format!(
            "The chain begins with {}. The report before it, {}, is not there.",
            bounded(key),
            bounded(removed)
        )),
        Beginning::Gap { key } => {
            lines.push(format!("The chain goes back to {}, and there are older reports.", bounded(key)));
        }
    }
    match verified.expired_until {
        Some(day) if verified.expired > 0 => lines.push(format!(
            "Gaps among the reports of {day} and before: {}; the bucket's lifecycle removes what is so old, a part at a time, and \
             whether somebody else did cannot be seen from here.",
            verified.expired
        )),
        None if matches!(verified.beginning, Beginning::After { .. }) => lines.push(
            "history.json does not say how long reports are kept: whether the bucket's lifecycle removed it, or somebody else, cannot be \
             seen from here."
                .to_owned(),
        ),
        _ => {}
    }
    if let Some(at) = rebuilt_at {
        lines.push(format!(
            "history.json was made anew at {at}: whether the newest report before that was removed or edited cannot be seen. Look at the \
             versions of history.json."
        ));
    }
    lines.extend(verified.until.map(|until| newest(until, verified.pace, now)));
    lines.extend(verified.faults.iter().map(|fault| format!("FAULT: {}", fault.to_string().replace('\n', " "))));
    if verified.faults.is_empty() {
        let no = if verified.expired > 0 { "No other" } else { "No" };
        lines.push(format!(
            "{no} report is missing up to the newest one that is here, and none was edited: each has the hash that the next one, or \
             history.json, names."
        ));
    }
    lines.join("\n")
}

/// Nothing names a report that was removed at the new end together with its line in the history: only what stands elsewhere shows it.
fn newest(until: Timestamp, pace: Option<SignedDuration>, now: Timestamp) -> String {
    let minutes = |duration: SignedDuration| format!("{:#}", SignedDuration::from_mins(duration.as_mins()));
    let age = now.duration_since(until);
    let mut line = format!("The newest report is {} old", minutes(age.max(SignedDuration::ZERO)));
    if let Some(pace) = pace {
        let _ = write!(line, "; they came every {}", minutes(pace));
        // One check may be on its way.
        if age > pace * 2 {
            line.push_str(", so newer ones are missing: this copy is old, no check ran, or somebody removed them");
        }
    }
    line.push_str(
        ". Whether newer ones were removed together with their lines in history.json cannot be seen from here: hold the newest against \
         the last heartbeat (the metric Heartbeat, or the watcher behind HeartbeatUrl), and look for delete markers among the bucket's \
         versions.",
    );
    line
}

fn unusable(folder: &Path, error: &io::Error) -> ExitCode {
    let unusable = format!("{} is no copy of a report bucket that can be read: {error}", folder.display());
    eprintln!("{}", for_terminal(&unusable));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newest_report_that_is_older_than_two_of_the_usual_pauses_says_what_that_may_mean() {
        let until: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let after =
            |minutes| newest(until, Some(SignedDuration::from_mins(15)), until + SignedDuration::from_mins(minutes));
        assert!(after(30).starts_with("The newest report is 30m old; they came every 15m. Whether newer ones"));
        let gap = "The newest report is 3h 20m old; they came every 15m, so newer ones are missing: this copy is old, no check ran, or \
                   somebody removed them. Whether";
        assert!(after(200).starts_with(gap), "{}", after(200));
        assert!(newest(until, None, until).contains("cannot be seen from here"));
    }
}
