//! One account's line of a run.

use std::collections::BTreeMap;

use alerts::{Condition, Fault};
use checklist::control::Step;
use checklist::report::Report;
use facts::account_summary::AccountSummary;
use facts::severity::Severity;
use facts::verdict::Status;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::depth::{STALE, deep_selection};
use crate::half_sent::HalfSent;
use crate::member::{Member, Skip};
use crate::refusal::Refusal;

/// How old the last whole look may be before the counters alone are no look: each account is read whole once a day.
const WHOLE_EVERY: SignedDuration = SignedDuration::from_hours(23);

/// One account, and the result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// The account.
    #[serde(flatten)]
    pub member: Member,
    /// The result.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// So many alerts of it wait to be sent, also those of earlier runs.
    #[serde(default)]
    pub waiting: usize,
    /// Topics that have some of what waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub half_sent: Vec<HalfSent>,
    /// What was open when it was audited last, of an account that this run could not audit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_open: Vec<Found>,
    /// It is refused for what may pass by itself, and could not be audited, or only in part, before that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_missed: bool,
    /// The last run that ended did not list it: it left, or a run that has not ended was the first to list it. It is kept until its alerts are sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unlisted: bool,
    /// No message could be sent that it is listed, or that it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unsent: bool,
}

/// The result of one run for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was audited.
    Audited(Box<Audited>),
    /// It was looked at, and refused.
    Refused(Refusal),
    /// It is not audited.
    Skipped {
        /// Why.
        why: Skip,
    },
    /// The call that had to audit it gave no result.
    NotLookedAt {
        /// The error of that call.
        error: String,
        /// When the account was audited last; `None`: never.
        last_audited: Option<Timestamp>,
        /// When the member's role last showed everything; `None`: never, or no role is used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deep_at: Option<Timestamp>,
    },
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Audited {
    /// When its counters were read.
    pub at: Timestamp,
    /// When its credentials were listed one by one.
    pub whole_at: Timestamp,
    /// The five steps, in their order.
    pub steps: [Cell; 5],
    /// Root's credentials by the account's counters; `None`: one of them could not be read.
    pub root: Option<Flags>,
    /// Open findings, the worst first.
    pub open: Vec<Found>,
    /// Ids of the controls that could not be evaluated; the whole list: [`Audited::unknown_controls`].
    pub unknown: Vec<String>,
    /// The last deep look is older than [`STALE`], and this run has read the counters alone: every control is unknown. To list them in each row
    /// would take half of an object's room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_stale: bool,
    /// What a role of the member showed; `None`: no role is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_role: Option<Box<ByRole>>,
    /// [`mark`](crate::mark) of the declarations that it was evaluated by; `None`: there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
}

/// How far a role of the member was of use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ByRole {
    /// When it last showed everything; `None`: not yet.
    pub deep_at: Option<Timestamp>,
    /// Why it could not be used: root's credentials were audited without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Refusal>,
}

/// How one step looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// All its controls pass.
    Passed,
    /// One of them fails.
    Failed,
    /// None of them applies.
    NotApplicable,
    /// One of them could not be evaluated.
    Unknown,
    /// Root's credentials do not show it: the member role does.
    NeedsRole,
    /// What fails is suppressed by an exception.
    Suppressed,
}

/// Which credentials root has, by `iam:GetAccountSummary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flags {
    /// A password.
    pub password: bool,
    /// An access key.
    pub access_keys: bool,
    /// A signing certificate.
    pub certificates: bool,
    /// An MFA device.
    pub mfa: bool,
}

/// An open finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Found {
    /// Id of the control.
    pub control: String,
    /// How bad it is.
    pub severity: Severity,
    /// When it opened.
    pub since: Timestamp,
}

impl Flags {
    /// By the counters; `None` where one of them is missing.
    pub fn of(summary: &AccountSummary) -> Option<Self> {
        let is_set = |counter: &Result<u32, _>| counter.as_ref().ok().map(|count| *count > 0);
        Some(Self {
            password: is_set(&summary.root_password)?,
            access_keys: is_set(&summary.root_access_keys)?,
            certificates: is_set(&summary.root_signing_certificates)?,
            mfa: is_set(&summary.root_mfa)?,
        })
    }

    fn any(self) -> bool {
        self.password || self.access_keys || self.certificates || self.mfa
    }

    /// Whether they are a finding by themselves.
    fn are_a_finding(self) -> bool {
        self.access_keys || self.certificates || (self.password && !self.mfa)
    }
}

impl Audited {
    /// By `report`, the evaluation of what was read, and the `conditions` that are remembered after it.
    pub fn new(report: &Report, conditions: &BTreeMap<String, Condition>, root: Option<Flags>) -> Self {
        let mut open: Vec<Found> = conditions.values().filter_map(found).collect();
        open.sort_by(|a, b| (b.severity, &a.control).cmp(&(a.severity, &b.control)));
        let unknown = report.findings_with(Status::Unknown);
        Self {
            at: report.taken_at,
            whole_at: report.taken_at,
            steps: Step::ALL.map(|step| cell(report, step)),
            root,
            open,
            unknown: unknown.into_iter().map(|finding| finding.control.to_owned()).collect(),
            is_stale: false,
            by_role: None,
            declared: None,
        }
    }

    /// Whether a control could not be evaluated.
    pub fn has_unknown(&self) -> bool {
        self.is_stale || !self.unknown.is_empty()
    }

    /// Ids of the controls that could not be evaluated.
    pub fn unknown_controls(&self) -> Vec<&str> {
        if self.is_stale {
            return deep_selection().controls().map(|control| control.id).collect();
        }
        self.unknown.iter().map(String::as_str).collect()
    }

    /// The same, where the counters that the member's role read at `at` show that nothing has changed; `None`: the account is to be read
    /// whole. Nothing is resolved by it, and what only the deep look shows is unknown once that is older than [`STALE`].
    pub fn with_flags(&self, now: Option<Flags>, at: Timestamp) -> Option<Self> {
        let by_role = self.by_role.as_deref().filter(|by_role| by_role.missing.is_none())?;
        let (deep_at, flags) = (by_role.deep_at?, now?);
        if self.root != now || flags.are_a_finding() {
            return None;
        }
        let mut same = Self { at, ..self.clone() };
        if at.duration_since(deep_at) > STALE {
            for step in &mut same.steps {
                *step = if *step == Cell::Failed { Cell::Failed } else { Cell::Unknown };
            }
            same.is_stale = true;
            same.unknown.clear();
        }
        Some(same)
    }

    /// The same, where the counters read at `now` show that nothing has changed; `None`: the account is to be read whole.
    ///
    /// Only root without any credential is taken over, and only from a look that left nothing open or unknown.
    pub fn repeated(&self, now: Option<Flags>, at: Timestamp) -> Option<Self> {
        let was_clean = self.root.is_some_and(|root| !root.any()) && self.open.is_empty() && !self.has_unknown();
        let is_clean = now.is_some_and(|now| !now.any());
        let age = at.duration_since(self.whole_at);
        let is_young = SignedDuration::ZERO <= age && age < WHOLE_EVERY;
        // What only the member's role has shown is not shown again by root's credentials.
        let was_by_root = self.by_role.is_none() || self.steps.contains(&Cell::NeedsRole);
        (was_clean && is_clean && is_young && was_by_root).then(|| Self { at, ..self.clone() })
    }
}

#[cfg(test)]
impl Audited {
    /// Of an account without a finding, whose root has no credential.
    pub(crate) fn clean(at: Timestamp) -> Self {
        let root = Flags { password: false, access_keys: false, certificates: false, mfa: false };
        let steps = [Cell::Passed; 5];
        Self {
            at,
            whole_at: at,
            steps,
            root: Some(root),
            open: Vec::new(),
            unknown: Vec::new(),
            is_stale: false,
            by_role: None,
            declared: None,
        }
    }
}

impl Outcome {
    /// When the account was audited last, by this run or one before.
    pub fn last_audited(&self) -> Option<Timestamp> {
        match self {
            Self::Audited(audited) => Some(audited.at),
            Self::Refused(refusal) => refusal.last_audited,
            Self::NotLookedAt { last_audited, .. } => *last_audited,
            Self::Skipped { .. } => None,
        }
    }

    /// The refusal of this run, to be continued by the next; also that only the member's role could not be used.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Audited(audited) => audited.by_role.as_ref()?.missing.as_ref(),
            Self::Skipped { .. } | Self::NotLookedAt { .. } => None,
        }
    }

    /// When the member's role last showed everything, by this run or one before.
    pub fn last_deep(&self) -> Option<Timestamp> {
        match self {
            Self::Audited(_) => self.deep_at(),
            Self::Refused(refusal) => refusal.deep_at,
            Self::NotLookedAt { deep_at, .. } => *deep_at,
            Self::Skipped { .. } => None,
        }
    }

    /// When the member's role last showed everything, of an account that this run audited.
    pub fn deep_at(&self) -> Option<Timestamp> {
        self.audited()?.by_role.as_ref()?.deep_at
    }

    /// The result of the audit.
    pub fn audited(&self) -> Option<&Audited> {
        match self {
            Self::Audited(audited) => Some(audited),
            _ => None,
        }
    }
}

impl Row {
    /// Nothing of it waits.
    pub fn new(member: Member, outcome: Outcome) -> Self {
        Self {
            member,
            outcome,
            waiting: 0,
            half_sent: Vec::new(),
            last_open: Vec::new(),
            was_missed: false,
            is_unlisted: false,
            is_unsent: false,
        }
    }

    /// What is open, as far as the last audit has shown.
    pub fn open(&self) -> &[Found] {
        self.audited().map_or(&self.last_open, |audited| &audited.open)
    }

    /// Whether it was an account of the organization by what was sent of the run.
    pub fn is_known(&self) -> bool {
        self.is_unlisted == self.is_unsent
    }

    /// See [`Outcome::last_audited`].
    pub fn last_audited(&self) -> Option<Timestamp> {
        self.outcome.last_audited()
    }

    /// See [`Outcome::refusal`].
    pub fn refusal(&self) -> Option<&Refusal> {
        self.outcome.refusal()
    }

    /// See [`Outcome::audited`].
    pub fn audited(&self) -> Option<&Audited> {
        self.outcome.audited()
    }
}

fn found(condition: &Condition) -> Option<Found> {
    // A control that could not be evaluated is a condition, too, and no finding.
    let Some(Fault::Control { control }) = condition.fault.as_ref().filter(|_| condition.open) else { return None };
    let severity = condition.failure.as_ref()?.severity;
    Some(Found { control: control.to_owned(), severity, since: condition.opened_at.unwrap_or_default() })
}

/// A step that is seen in part never reads as passed.
fn cell(report: &Report, step: Step) -> Cell {
    let of_step = || report.findings.iter().filter(|finding| finding.step == Some(step));
    let is_whole =
        checklist::controls::CHECKLIST.iter().filter(|control| control.step == Some(step)).count() == of_step().count();
    let open = of_step().filter(|finding| !finding.is_suppressed()).map(|finding| finding.status).max();
    match open {
        Some(Status::Failed) => Cell::Failed,
        Some(Status::Unknown) => Cell::Unknown,
        _ if !is_whole => Cell::NeedsRole,
        _ if of_step().any(|finding| finding.is_suppressed()) => Cell::Suppressed,
        Some(Status::Passed) => Cell::Passed,
        Some(Status::NotApplicable) => Cell::NotApplicable,
        None => Cell::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use checklist::settings::Settings;
    use facts::snapshot::Snapshot;

    use super::*;

    fn now() -> Timestamp {
        Snapshot::compliant().taken_at
    }

    const NONE: Flags = Flags { password: false, access_keys: false, certificates: false, mfa: false };

    fn clean() -> Audited {
        Audited::clean(now())
    }

    #[test]
    fn a_clean_root_is_taken_over_for_a_day_and_nothing_else_is() {
        let later = now() + SignedDuration::from_hours(6);
        let repeated = clean().repeated(Some(NONE), later).unwrap();
        assert_eq!((repeated.at, repeated.whole_at), (later, now()));
        assert_eq!(clean().repeated(Some(NONE), now() + WHOLE_EVERY), None);
        assert_eq!(
            clean().repeated(Some(NONE), now() - SignedDuration::from_secs(1)),
            None,
            "a clock that stepped back"
        );
        assert_eq!(clean().repeated(None, later), None, "a counter that could not be read");
        for flags in [
            Flags { password: true, ..NONE },
            Flags { access_keys: true, ..NONE },
            Flags { certificates: true, ..NONE },
            Flags { mfa: true, ..NONE },
        ] {
            assert_eq!(clean().repeated(Some(flags), later), None, "{flags:?} now");
            assert_eq!(Audited { root: Some(flags), ..clean() }.repeated(Some(NONE), later), None, "{flags:?} before");
        }
        let found = Found { control: "root-mfa".into(), severity: Severity::Critical, since: now() };
        assert_eq!(Audited { open: vec![found], ..clean() }.repeated(Some(NONE), later), None);
        assert_eq!(Audited { unknown: vec!["root-mfa".into()], ..clean() }.repeated(Some(NONE), later), None);
        assert_eq!(Audited { root: None, ..clean() }.repeated(Some(NONE), later), None);
        let by_role = |steps| Audited { steps, by_role: Some(Box::default()), ..clean() }.repeated(Some(NONE), later);
        assert_eq!(by_role([Cell::Passed; 5]), None, "root's credentials do not show what the role has shown");
        let [seen, not] = [Cell::Passed, Cell::NeedsRole];
        assert!(by_role([seen, seen, not, not, not]).is_some());
    }

    fn deep(root: Flags) -> Audited {
        let found = Found { control: "password-policy".into(), severity: Severity::Medium, since: now() };
        let by_role = ByRole { deep_at: Some(now()), missing: None };
        let steps = [Cell::Passed, Cell::NotApplicable, Cell::Passed, Cell::Suppressed, Cell::Failed];
        Audited { root: Some(root), steps, open: vec![found], by_role: Some(Box::new(by_role)), ..clean() }
    }

    #[test]
    fn counters_alone_resolve_nothing_and_what_they_do_not_show_is_stale_after_two_days() {
        let protected = Flags { password: true, mfa: true, ..NONE };
        for flags in [NONE, protected] {
            let later = now() + STALE;
            let same = deep(flags).with_flags(Some(flags), later).unwrap();
            assert_eq!(same, Audited { at: later, ..deep(flags) }, "all findings stay, and the time of the deep look");
        }
        let stale = deep(NONE).with_flags(Some(NONE), now() + STALE + SignedDuration::from_secs(1)).unwrap();
        let unknown = Cell::Unknown;
        assert_eq!(stale.steps, [unknown, unknown, unknown, unknown, Cell::Failed]);
        assert!(
            stale.unknown_controls().contains(&"password-policy")
                && stale.unknown.is_empty()
                && stale.open == deep(NONE).open
        );
        assert_eq!(stale.by_role.unwrap().deep_at, Some(now()));
    }

    #[test]
    fn counters_that_changed_or_are_a_finding_or_could_not_be_read_ask_for_a_deep_look() {
        let later = now() + SignedDuration::from_hours(6);
        let protected = Flags { password: true, mfa: true, ..NONE };
        assert_eq!(deep(NONE).with_flags(None, later), None);
        for flags in [Flags { mfa: true, ..NONE }, protected] {
            assert_eq!(deep(NONE).with_flags(Some(flags), later), None, "{flags:?} is a change");
            assert_eq!(deep(flags).with_flags(Some(NONE), later), None, "the end of {flags:?} is a change");
        }
        for flags in [
            Flags { password: true, ..NONE },
            Flags { access_keys: true, ..protected },
            Flags { certificates: true, ..protected },
        ] {
            assert_eq!(deep(flags).with_flags(Some(flags), later), None, "{flags:?} is a finding");
        }
        let missing = Refusal::new(crate::Cause::RoleMissing, "no", None, None, now());
        let by_role = |deep_at, missing| Audited { by_role: Some(Box::new(ByRole { deep_at, missing })), ..deep(NONE) };
        assert_eq!(by_role(Some(now()), Some(missing)).with_flags(Some(NONE), later), None, "the role is back");
        assert_eq!(by_role(None, None).with_flags(Some(NONE), later), None, "it was never read whole");
        assert_eq!(clean().with_flags(Some(NONE), later), None, "it was looked at without a role");
    }

    #[test]
    fn a_step_that_is_seen_in_part_is_not_passed() {
        let mut settings = Settings::default();
        settings.selection =
            settings.selection.without(["individual-iam-users", "groups-assign-permissions", "administrator-access"]).0;
        let report = Report::generate(&Snapshot::compliant(), &settings);
        let audited = Audited::new(&report, &BTreeMap::new(), Some(NONE));
        assert_eq!(audited.steps[0], Cell::Passed);
        assert_eq!(audited.steps[2], Cell::NeedsRole);
        let mut failing = Snapshot::compliant();
        failing.root().password_last_used = Ok(Some(failing.taken_at));
        let report = Report::generate(&failing, &settings);
        assert_eq!(Audited::new(&report, &BTreeMap::new(), Some(NONE)).steps[2], Cell::Failed);
    }

    #[test]
    fn an_unknown_control_is_no_open_finding() {
        let failure = alerts::Failure::new(Severity::Critical, "found");
        let open = |fault: Fault| {
            let condition = Condition {
                fault: Some(fault.clone()),
                open: true,
                failure: Some(failure.clone()),
                ..Condition::default()
            };
            (fault.key(), condition)
        };
        let control = || "root-mfa".to_owned();
        let conditions =
            BTreeMap::from([open(Fault::Control { control: control() }), open(Fault::Unjudged { control: control() })]);
        let report = Report::generate(&Snapshot::compliant(), &Settings::default());
        let audited = Audited::new(&report, &conditions, Some(NONE));
        assert_eq!(audited.open.iter().map(|found| found.control.as_str()).collect::<Vec<_>>(), ["root-mfa"]);
    }

    #[test]
    fn a_row_reads_back_as_it_was_written() {
        let account = facts::AccountId::parse("444455556666").unwrap();
        let member = Member::new(account, "<script>alert(1)</script>", Some("o-a/r-b/444455556666/"), "ACTIVE");
        let refusal = Refusal::new(crate::Cause::Denied, "no", None, None, now());
        for outcome in [
            Outcome::Audited(Box::new(clean())),
            Outcome::Refused(refusal),
            Outcome::Skipped { why: Skip::Closed },
            Outcome::NotLookedAt { error: "Lambda.Unknown".into(), last_audited: Some(now()), deep_at: Some(now()) },
        ] {
            let row = Row { waiting: 3, ..Row::new(member.clone(), outcome) };
            assert_eq!(serde_json::from_str::<Row>(&serde_json::to_string(&row).unwrap()).unwrap(), row);
        }
    }
}
