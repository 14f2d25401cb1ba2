//! How a step of an account looks: each in words of its own and in a form of its own, colour comes last.

use std::cmp::Reverse;

use facts::Severity;
use maud::{Markup, html};
use members::{Cell, Outcome, Row};
use pages::words::capitalised;

/// What is said of one step, or of an account as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    Failed,
    Unknown,
    Refused,
    NotLookedAt,
    NeedsRole,
    Suppressed,
    Passed,
    NotApplicable,
    Skipped,
}

impl Look {
    /// All of them; the script knows each by its place.
    pub(super) const ALL: [Self; 9] = [
        Self::Failed,
        Self::Unknown,
        Self::Refused,
        Self::NotLookedAt,
        Self::NeedsRole,
        Self::Suppressed,
        Self::Passed,
        Self::NotApplicable,
        Self::Skipped,
    ];

    pub(super) fn of(cell: Cell) -> Self {
        match cell {
            Cell::Passed => Self::Passed,
            Cell::Failed => Self::Failed,
            Cell::NotApplicable => Self::NotApplicable,
            Cell::Unknown => Self::Unknown,
            Cell::NeedsRole => Self::NeedsRole,
            Cell::Suppressed => Self::Suppressed,
        }
    }

    /// What it is called in class names.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::NotLookedAt => "not-looked-at",
            Self::NeedsRole => "needs-role",
            Self::Suppressed => "suppressed",
            Self::Passed => "passed",
            Self::NotApplicable => "not-applicable",
            Self::Skipped => "skipped",
        }
    }

    /// In the cell of one account, where there is little room.
    pub(super) fn in_short(self) -> String {
        capitalised(if self == Self::NeedsRole { "needs role" } else { self.words() })
    }

    /// Goes on after `3 `.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::NotLookedAt => "not looked at",
            Self::NeedsRole => "needs the member role",
            Self::Suppressed => "suppressed",
            Self::Passed => "passed",
            Self::NotApplicable => "not applicable",
            Self::Skipped => "skipped",
        }
    }

    /// What it means, for the legend.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "a control of the step fails",
            Self::Unknown => "a control could not be evaluated: it may hide a finding",
            Self::Refused => "the account refused the audit",
            Self::NotLookedAt => "its part of the run failed",
            Self::NeedsRole => "needs the member role: root's credentials do not show the step",
            Self::Suppressed => "what fails is suppressed by an exception",
            Self::Passed => "every control of the step passes; findings of the baseline are under Open findings",
            Self::NotApplicable => "nothing to check, such as MFA where root has no credentials",
            Self::Skipped => "listed, and not to be audited from here",
        }
    }

    /// An account of this look should have been audited, and was not.
    pub(super) fn is_missed(self) -> bool {
        matches!(self, Self::Refused | Self::NotLookedAt)
    }

    /// It is of an account that was not audited, in all steps.
    pub(super) fn is_of_whole(self) -> bool {
        self.is_missed() || self == Self::Skipped
    }

    /// With `text` in place of its own words.
    pub(super) fn with(self, text: &str) -> Markup {
        html! { span class={"look " (self.class())} { (text) } }
    }

    pub(super) fn markup(self) -> Markup {
        self.with(&self.in_short())
    }
}

/// Of an account that was not audited: one look for all steps.
pub(super) fn of_whole(row: &Row) -> Option<Look> {
    match row.outcome {
        Outcome::Audited(_) => None,
        Outcome::Refused(_) => Some(Look::Refused),
        Outcome::Skipped { .. } => Some(Look::Skipped),
        Outcome::NotLookedAt { .. } => Some(Look::NotLookedAt),
    }
}

/// The five steps; of an account that was not audited five times why.
pub(super) fn of_steps(row: &Row) -> [Look; 5] {
    match row.audited() {
        Some(audited) => audited.steps.map(Look::of),
        None => [of_whole(row).unwrap_or(Look::NotLookedAt); 5],
    }
}

/// How much an account wants attention. Worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// An open finding of this severity, CRITICAL or HIGH.
    Severe(Reverse<Severity>),
    /// It was audited before, and is not now.
    LostSight,
    /// It was never audited.
    NeverSeen,
    /// An open finding of this severity, or a step that fails.
    Failing(Reverse<Severity>),
    /// A control could not be evaluated.
    Unknown,
    /// What was seen of it is in order.
    Quiet,
    /// It is not audited from here.
    Skipped,
}

impl Rank {
    pub(super) fn of(row: &Row) -> Self {
        let Some(audited) = row.audited() else {
            return match (of_whole(row), row.last_audited()) {
                (Some(Look::Skipped), _) => Self::Skipped,
                (_, Some(_)) => Self::LostSight,
                (_, None) => Self::NeverSeen,
            };
        };
        let fails = audited.steps.contains(&Cell::Failed).then_some(Severity::Informational);
        let worst = audited.open.iter().map(|found| found.severity).max().or(fails);
        match worst {
            Some(severe @ (Severity::Critical | Severity::High)) => Self::Severe(Reverse(severe)),
            Some(other) => Self::Failing(Reverse(other)),
            None if audited.has_unknown() || audited.steps.contains(&Cell::Unknown) => Self::Unknown,
            None => Self::Quiet,
        }
    }

    /// Whether the page shows the account without a search.
    pub(super) fn wants_attention(self) -> bool {
        self < Self::Quiet
    }
}

/// `rows`, the worst first.
pub(super) fn sorted(rows: &[Row]) -> Vec<(Rank, &Row)> {
    let mut sorted: Vec<(Rank, &Row)> = rows.iter().map(|row| (Rank::of(row), row)).collect();
    let open = |row: &Row| row.audited().map_or(0, |audited| audited.open.len());
    sorted.sort_by(|(a, one), (b, other)| {
        (a, Reverse(open(one)), one.member.account.as_str()).cmp(&(
            b,
            Reverse(open(other)),
            other.member.account.as_str(),
        ))
    });
    sorted
}
