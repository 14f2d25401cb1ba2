//! How to acknowledge what a message says is open.

use alerts::Fault;

use super::Sorted;
use super::incident::{Incident, Incidents, Subject};
use super::words::is_open;

/// How to acknowledge what is open, the worst first.
pub(super) struct Acknowledge {
    pub(super) command: String,
    pub(super) event: String,
    /// Other ids.
    pub(super) others: Vec<String>,
    /// How many more, if there are any.
    pub(super) more: String,
    /// Which of the ids stands for several alerts.
    pub(super) all: Option<String>,
}

/// What acknowledging does.
pub(super) const SHORT: &str =
    "Acknowledging stops the reminders for a limited time (here 24 hours). You are alerted again if it gets worse.";

/// Ids that are shown beside the first one.
const MAX_OTHER_IDS: usize = 5;

impl Acknowledge {
    /// `None` where nothing of it reminds. Read errors are acknowledged at once where there are several.
    pub(super) fn of(sorted: &Sorted, incidents: &Incidents) -> Option<Self> {
        let found: Vec<&str> = incidents.all.iter().flat_map(Incident::open).collect();
        let open = sorted.conditions_that(is_open);
        let open = open.iter().filter(|(alert, _)| !found.contains(&alert.id.as_str()));
        let (unread, more): (Vec<_>, Vec<_>) =
            open.partition(|(_, update)| matches!(update.condition, Fault::Unread { .. }));
        let all_unread = match unread.as_slice() {
            [(first, _), _, ..] => Some(alerts::Acknowledge::all_read_errors(&first.account.id)),
            _ => None,
        };
        let unread: Vec<&str> = match &all_unread {
            Some(id) => vec![id],
            None => unread.iter().map(|(alert, _)| alert.id.as_str()).collect(),
        };
        let is_led = incidents.all.first().is_some_and(|lead| matches!(lead.what, Subject::Unread));
        let found: Vec<&str> = found.into_iter().chain(more.iter().map(|(alert, _)| alert.id.as_str())).collect();
        let (first, second) = if is_led { (unread, found) } else { (found, unread) };
        Self::with([first, second].concat(), all_unread.as_deref())
    }

    /// Of these ids.
    pub(super) fn with(ids: Vec<&str>, all_unread: Option<&str>) -> Option<Self> {
        // Only what can be pasted into a shell as it is.
        let is_plain = |id: &&&str| {
            id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.:-".contains(&byte))
                && facts::text::for_email(id) == **id
        };
        let ids: Vec<&str> = ids.iter().filter(is_plain).copied().collect();
        let all = all_unread.filter(|id| ids.contains(id));
        let all = all.map(|id| format!("{id} stands for all open read errors at once. A new read error still alerts."));
        let (first, others) = ids.split_first()?;
        let more = match others.len().saturating_sub(MAX_OTHER_IDS) {
            0 => String::new(),
            more => format!(" and {more} more; with a wrong ID the function lists open ones"),
        };
        Some(Self {
            command: format!("./rootwatch ack {first} YOUR_NAME 24"),
            event: format!(r#"{{"acknowledge": {{"alert": "{first}", "by": "you", "hours": 24, "note": "ticket"}}}}"#),
            others: others.iter().take(MAX_OTHER_IDS).map(|id| (*id).to_owned()).collect(),
            more,
            all,
        })
    }
}
