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

/// Prints the checked period and each fault with its meaning; the code is 1 on a fault, and 2 if `folder` is no copy of a bucket.
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

/// The result, a line each; keys and causes are untrusted text.
fn said(verified: &Verified, rebuilt_at: Option<Timestamp>, now: Timestamp) -> String {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let mut lines =
        vec![format!("{} reports, from {} to {}.", verified.reports, time(verified.from), time(verified.until))];
    match &verified.beginning {
        Beginning::Nowhere => {}
        Beginning::First { key } => {
            lines.push(format!("The chain starts at the first report: {}.", bounded(key)));
        }
        Beginning::After { key, removed } => lines.push(format!(
            "The chain starts at {}. The report before it, {}, is missing.",
            bounded(key),
            bounded(removed)
        )),
        Beginning::Gap { key } => {
            lines.push(format!("The chain goes back to {}. Older reports exist outside it.", bounded(key)));
        }
    }
    match verified.expired_until {
        Some(day) if verified.expired > 0 => lines.push(format!(
            "Gaps among the reports of {day} and before: {}. The bucket's lifecycle removes reports of that age in parts; a \
             deletion by a person cannot be distinguished from it.",
            verified.expired
        )),
        None if matches!(verified.beginning, Beginning::After { .. }) => lines.push(
            "history.json does not say how long reports are kept. A removal by the bucket's lifecycle cannot be distinguished from a \
             deletion by a person."
                .to_owned(),
        ),
        _ => {}
    }
    if let Some(at) = rebuilt_at {
        lines.push(format!(
            "history.json was rebuilt at {at}. It cannot show whether the newest report before that was removed or edited. Check the \
             versions of history.json."
        ));
    }
    lines.extend(verified.until.map(|until| newest(until, verified.pace, now)));
    lines.extend(verified.faults.iter().map(|fault| format!("FAULT: {}", fault.to_string().replace('\n', " "))));
    if verified.faults.is_empty() {
        let no = if verified.expired > 0 { "No other" } else { "No" };
        lines.push(format!(
            "{no} report is missing up to the newest one in this copy, and none was edited: each has the hash that the next one, \
             or history.json, records."
        ));
    }
    lines.join("\n")
}

/// A report that was removed at the new end together with its line in the history leaves no trace here.
fn newest(until: Timestamp, pace: Option<SignedDuration>, now: Timestamp) -> String {
    let minutes = |duration: SignedDuration| format!("{:#}", SignedDuration::from_mins(duration.as_mins()));
    let age = now.duration_since(until);
    let mut line = format!("The newest report is {} old", minutes(age.max(SignedDuration::ZERO)));
    if let Some(pace) = pace {
        let _ = write!(line, "; one arrived every {}", minutes(pace));
        // One check may be on its way.
        if age > pace * 2 {
            line.push_str(", so newer ones are missing: this copy is old, no check ran, or they were deleted");
        }
    }
    line.push_str(
        ". This copy cannot show whether newer ones were removed together with their lines in history.json. Compare the newest with \
         the last heartbeat (the metric Heartbeat, or the service behind HeartbeatUrl), and check the bucket's versions for delete \
         markers.",
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
        assert!(after(30).starts_with("The newest report is 30m old; one arrived every 15m. This copy cannot show"));
        let gap = "The newest report is 3h 20m old; one arrived every 15m, so newer ones are missing: this copy is old, no check ran, or \
                   they were deleted. This copy";
        assert!(after(200).starts_with(gap), "{}", after(200));
        assert!(newest(until, None, until).contains("cannot show whether newer ones"));
    }
}
