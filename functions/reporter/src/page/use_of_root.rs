//! When root was last used, as far as root activity and the credential report show.

use facts::Status;
use jiff::Timestamp;

use super::Page;
use super::timeline::activity;
use super::words::age;

const CONTROL: &str = "root-unused";
/// Facts of the control that are times of a use.
const USES: [&str; 3] = ["password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date"];

/// When root was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastUse {
    /// Then.
    At(Timestamp),
    /// Then, and a later use would not show: not everything could be read.
    AtLeast(Timestamp),
    /// Never since the account exists.
    Never,
    /// Nothing shows it.
    Unknown,
}

impl LastUse {
    /// The newest use that the page knows of.
    pub(super) fn of(page: &Page<'_>) -> Self {
        let control = page.report.findings.iter().find(|finding| finding.control == CONTROL);
        let of_activity =
            activity(page).into_iter().filter(|action| action.is_root_use()).filter_map(|action| action.time);
        let facts = control.into_iter().flat_map(|finding| &finding.evidence);
        let facts = facts.filter(|fact| USES.contains(&fact.fact.as_str()));
        let newest = of_activity.chain(facts.filter_map(|fact| fact.value.parse().ok())).max();
        match (newest, control.map(|finding| finding.status)) {
            (Some(at), Some(Status::Passed | Status::Failed)) => Self::At(at),
            (Some(at), _) => Self::AtLeast(at),
            (None, Some(Status::Passed)) => Self::Never,
            (None, _) => Self::Unknown,
        }
    }

    /// `root was used 9 minutes ago`, for the verdict.
    pub(super) fn sentence(self, now: Timestamp) -> String {
        match self {
            Self::At(at) => {
                let seconds = now.duration_since(at).as_secs().max(0);
                let last = if seconds < 86_400 { "" } else { "last " };
                format!("root was {last}used {} ago", spoken(seconds))
            }
            Self::AtLeast(at) => {
                let seconds = now.duration_since(at).as_secs().max(0);
                format!("root was used {} ago, and a later use cannot be ruled out", spoken(seconds))
            }
            Self::Never => "root has never been used".into(),
            Self::Unknown => "when root was last used is unknown".into(),
        }
    }

    /// `9 min`, `271 days`, for the tile.
    pub(super) fn figure(self, now: Timestamp) -> String {
        match self {
            Self::At(at) => age(now.duration_since(at).as_secs()),
            Self::AtLeast(at) => format!("{} or less", age(now.duration_since(at).as_secs())),
            Self::Never => "Never used".into(),
            Self::Unknown => "Unknown".into(),
        }
    }

    /// The time that is known.
    pub(super) fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) | Self::AtLeast(at) => Some(at),
            Self::Never | Self::Unknown => None,
        }
    }
}

/// `9 minutes`, `5 hours`, `271 days`.
fn spoken(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let (count, one) = match (minutes, hours, days) {
        (_, _, 2..) => (days, "day"),
        (_, 2.., _) => (hours, "hour"),
        (1.., _, _) => (minutes, "minute"),
        _ => return "less than a minute".into(),
    };
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history::History;
    use crate::page::tests::sample;
    use crate::stored::Stored;

    fn last_use(status: Status, facts: &[(&str, &str)], action: Option<(&str, &str)>) -> (LastUse, String, String) {
        let mut finding = sample::finding(CONTROL, status);
        finding.evidence = facts
            .iter()
            .map(|(fact, value)| {
                let at = sample::TAKEN_AT;
                serde_json::from_value(
                    json!({"source": "credential_report", "fact": fact, "value": value, "as_of": at}),
                )
                .unwrap()
            })
            .collect();
        let now: Timestamp = sample::TAKEN_AT.parse().unwrap();
        let mut report = Stored { findings: vec![finding], taken_at: Some(now), ..Stored::default() };
        report.root_activity = action.map(|(kind, at)| sample::action_at(kind, at)).into_iter().collect();
        let found = LastUse::of(&Page { report: &report, history: &History::default(), made_at: now });
        (found, found.sentence(now), found.figure(now))
    }

    #[test]
    fn the_newest_of_report_and_activity_counts_and_a_failed_sign_in_is_no_use() {
        let facts = [("password_last_used", "2026-02-22T10:00:00Z"), ("access_key_1_last_used_date", "never")];
        let (_, said, figure) = last_use(Status::Passed, &facts, Some(("sign_in_failed", "2026-11-20T09:51:00Z")));
        assert_eq!((said.as_str(), figure.as_str()), ("root was last used 271 days ago", "271 days"));
        let (_, said, figure) = last_use(Status::Failed, &facts, Some(("sign_in_succeeded", "2026-11-20T09:51:00Z")));
        assert_eq!((said.as_str(), figure.as_str()), ("root was used 9 minutes ago", "9 min"));
    }

    #[test]
    fn what_could_not_be_read_is_never_called_unused() {
        assert_eq!(last_use(Status::Passed, &[], None).0, LastUse::Never);
        assert_eq!(last_use(Status::Unknown, &[("password_last_used", "never")], None).0, LastUse::Unknown);
        let facts = [("password_last_used", "2026-11-18T09:00:00Z")];
        let (_, said, figure) = last_use(Status::Unknown, &facts, None);
        assert_eq!(said, "root was used 2 days ago, and a later use cannot be ruled out");
        assert_eq!(figure, "2 days or less");
    }
}
