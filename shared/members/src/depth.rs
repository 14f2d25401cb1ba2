//! How deep a run looks into each account: root's credentials in each run, and everything once a day where a role of the member allows it.

use std::fmt;
use std::str::FromStr;

use checklist::declarations::Declarations;
use checklist::{Selection, Settings};
use facts::account::AccountId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How members are entered: the parameter `MemberAccess`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// By `sts:AssumeRoot`: root's credentials alone.
    #[default]
    RootAudit,
    /// By the role that the stack deploys into each member.
    Role,
    /// By the administrator role that AWS Organizations made, bounded by a session policy that reads.
    OrganizationRole,
}

/// How deep the next look is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// The account's counters, and more only where they changed.
    #[default]
    Flags,
    /// Everything.
    Deep,
    /// Everything is due for the first time, and this run has no room for it: root's credentials alone.
    Later,
}

/// What one run reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How members are entered.
    pub access: Access,
    /// Everything of every account, whatever is due.
    pub all: bool,
    /// Most accounts that are read whole by a role.
    pub most: usize,
}

/// Most members of a batch that are read whole, with some fifty calls each.
pub const MAX_DEEP_ITEMS: usize = 10;

/// How old a deep look may be: what only it shows is unknown after that.
pub const STALE: SignedDuration = SignedDuration::from_hours(48);

/// Controls that no look into a member evaluates: bills are of the payer, and the alert path is the organization's own. Attestations are
/// evaluated only where somebody has begun to attest: see [`settings_of`].
const NOT_OF_MEMBERS: [&str; 4] = [NEVER_OF_MEMBERS[0], NEVER_OF_MEMBERS[1], NEVER_OF_MEMBERS[2], ATTESTED];
pub(crate) const NEVER_OF_MEMBERS: [&str; 3] = ["alert-path", "billing-alerts", "billing-reports"];
const ATTESTED: &str = "root-credentials-attested";

const DAY: i64 = 24 * 60 * 60;

impl Access {
    /// As the parameter spells them.
    pub const ALL: [(&'static str, Self); 3] =
        [("root-audit", Self::RootAudit), ("role", Self::Role), ("organization-role", Self::OrganizationRole)];

    /// Whether a role of the member is assumed.
    pub fn is_by_role(self) -> bool {
        self != Self::RootAudit
    }
}

impl FromStr for Access {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        let accepted = || "accepted are root-audit, role and organization-role".to_owned();
        found.map(|(_, access)| *access).ok_or_else(accepted)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, access)| access == self).map_or("", |(name, _)| name))
    }
}

impl Depth {
    /// The usual one, which the list of batches does not spell out.
    pub(crate) fn is_flags(&self) -> bool {
        *self == Self::Flags
    }
}

/// What a deep look evaluates.
pub fn deep_selection() -> Selection {
    Selection::default().without(NOT_OF_MEMBERS).0
}

/// What a look at root's credentials evaluates in a member that has deep looks: it leaves alone what only those see.
pub fn root_selection() -> Selection {
    Selection::of_root_audit().without(NOT_OF_MEMBERS).0
}

/// `settings` with what is declared about one member. Attestations of root's credentials are evaluated where one is declared: in an organization
/// that attests nothing they would be missing in each account. Where all are withdrawn, a finding of them is no longer checked.
pub fn settings_of(settings: &Settings, declarations: Declarations) -> Settings {
    let is_attested =
        declarations.attestations.iter().any(|attestation| attestation.statement.control() == Some(ATTESTED));
    let mut settings = Settings { declarations, ..settings.clone() };
    if is_attested {
        settings.selection.left_out.retain(|id| *id != ATTESTED);
    }
    settings
}

/// Whether the account is read whole by a run that begins at `now`, after a deep look at `last`.
///
/// Each account has its moment of the day, and the first run after it reads the account. Thus the runs of a day share the accounts whatever
/// the schedule is, a run that did not take place is made up by the next, and a new account is read at once.
pub(crate) fn is_due(account: &AccountId, last: Option<Timestamp>, now: Timestamp) -> bool {
    // A look of the far future is one of a clock that has stepped back since.
    let Some(last) = last.filter(|last| last.duration_since(now) < SignedDuration::from_hours(24)) else { return true };
    let moment = moment_of_the_day(account);
    let due = (now.as_second() - moment).div_euclid(DAY) * DAY + moment;
    last.as_second() < due
}

/// Seconds after midnight, spread evenly: the finalizer of SplitMix64, so that accounts whose ids follow each other have nothing in common
/// (<https://doi.org/10.1145/2714064.2660195>).
fn moment_of_the_day(account: &AccountId) -> i64 {
    let mut hash: u64 = account.as_str().parse().unwrap_or_default();
    hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    i64::try_from(hash % 86_400).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use checklist::declarations::Statement;
    use proptest::prelude::*;

    use super::*;

    fn id(number: u64) -> AccountId {
        AccountId::parse(&format!("{number:012}")).unwrap()
    }

    fn midnight() -> Timestamp {
        "2026-11-20T00:00:00Z".parse().unwrap()
    }

    proptest! {
        #[test]
        fn each_run_of_a_day_reads_its_share_of_the_accounts_and_each_account_once(
            first in 0..999_999_990_000_u64,
            step in 1..4_u64,
            runs in prop_oneof![Just(1_i64), Just(4), Just(24)],
            minutes in 0..60_i64,
        ) {
            let count = 2_000;
            let accounts: Vec<AccountId> = (0..count).map(|number| id(first + number * step)).collect();
            let every = SignedDuration::from_hours(24 / runs);
            let begin = midnight() + SignedDuration::from_mins(minutes);
            let mut last: Vec<Timestamp> = vec![begin; accounts.len()];
            let mut reads = vec![0; accounts.len()];
            for run in 1..=runs {
                let now = begin + every * i32::try_from(run).unwrap();
                let due: Vec<usize> =
                    (0..accounts.len()).filter(|at| is_due(&accounts[*at], Some(last[*at]), now)).collect();
                let share = f64::from(u32::try_from(due.len()).unwrap()) * f64::from(i32::try_from(runs).unwrap());
                let off = (share / 2_000.0 - 1.0).abs();
                prop_assert!(off < 0.6, "{} of {count} in one of {runs} runs", due.len());
                for at in due {
                    last[at] = now;
                    reads[at] += 1;
                }
            }
            prop_assert!(reads.iter().all(|reads| *reads == 1), "each once in the 24 hours");
        }
    }

    #[test]
    fn an_account_is_read_in_the_first_run_after_its_moment_and_then_not_before_the_next_day() {
        let account = id(444_455_556_666);
        let moment = midnight() + SignedDuration::from_secs(moment_of_the_day(&account));
        let (before, after) = (moment - SignedDuration::from_secs(1), moment + SignedDuration::from_secs(1));
        let yesterday = moment - SignedDuration::from_hours(20);
        assert!(!is_due(&account, Some(yesterday), before) && is_due(&account, Some(yesterday), moment));
        assert!(!is_due(&account, Some(after), after + SignedDuration::from_hours(23)));
        assert!(is_due(&account, Some(after), after + SignedDuration::from_hours(24)));
        assert!(is_due(&account, None, before), "a new account");
        assert!(is_due(&account, Some(after + SignedDuration::from_hours(24)), before), "a clock that stepped back");
        assert!(!is_due(&account, Some(after), before), "a run lists before it looks");
    }

    #[test]
    fn a_deep_look_evaluates_all_but_what_is_not_of_members_and_a_look_at_root_leaves_that_alone() {
        let deep: Vec<&str> = deep_selection().controls().map(|control| control.id).collect();
        assert_eq!(deep.len() + NOT_OF_MEMBERS.len(), checklist::controls::CHECKLIST.len());
        assert!(!deep.contains(&"billing-alerts") && deep.contains(&"password-policy"));
        let root = root_selection();
        assert!(root.controls().all(|control| deep.contains(&control.id)));
        assert!(root.leaves_alone("password-policy") && !root.leaves_alone("root-mfa"));
    }

    #[test]
    fn attestations_are_evaluated_where_someone_attests() {
        let settings = Settings { selection: deep_selection(), ..Settings::default() };
        let is_evaluated = |declarations: Declarations| {
            settings_of(&settings, declarations).selection.controls().any(|control| control.id == ATTESTED)
        };
        let stated = |statement| Settings::stating(&[statement], midnight()).declarations;
        assert!(is_evaluated(stated(Statement::RootPasswordStrong)));
        assert!(!is_evaluated(stated(Statement::RootPasswordChanged)), "another control evaluates it");
        assert!(!is_evaluated(Declarations::default()));
    }

    #[test]
    fn access_reads_back_as_the_parameter_spells_it_and_nothing_else_is_accepted() {
        for (name, access) in Access::ALL {
            assert_eq!((name.parse(), access.to_string().as_str()), (Ok(access), name));
        }
        assert!("admin".parse::<Access>().unwrap_err().contains("organization-role"));
    }
}
