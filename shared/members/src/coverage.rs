//! Every listed account is accounted for: audited, refused, skipped, or not looked at. Accounts that could not be audited are one condition
//! of the organization, however many they are.

use std::collections::{BTreeMap, HashMap};

use alerts::{Condition, Failure, Fault, Observation, STREAK, Seen};
use facts::account::AccountId;
use facts::severity::Severity;
use facts::text::{bounded, counted};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::declared::InForce;
use crate::member::{Member, Skip};
use crate::refusal::{Cause, Refusal};
use crate::row::{Audited, ByRole, Outcome, Row};

/// How many of the listed accounts were audited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coverage {
    /// In the organization's list.
    pub listed: usize,
    /// Audited by this run.
    pub audited: usize,
    /// How many of these have a control that could not be evaluated, lack the role that shows more than root's credentials, or wait for
    /// their first look by it.
    #[serde(default)]
    pub in_part: usize,
    /// Looked at, and refused.
    pub refused: usize,
    /// Suspended, closed, not active yet, or with checks of their own.
    pub skipped: usize,
    /// Their call gave no result.
    pub not_looked_at: usize,
}

impl Coverage {
    /// Of the accounts in `rows`, which are all that are listed.
    pub fn of(rows: &[Row]) -> Self {
        let mut coverage = Self { listed: rows.len(), ..Self::default() };
        for row in rows {
            let waits = |by_role: &ByRole| by_role.missing.is_some() || by_role.deep_at.is_none();
            let is_in_part = |audited: &Audited| {
                audited.has_unknown() || counts(&row.outcome) || audited.by_role.as_deref().is_some_and(waits)
            };
            coverage.in_part += usize::from(row.audited().is_some_and(is_in_part));
            *match row.outcome {
                Outcome::Audited(_) => &mut coverage.audited,
                Outcome::Refused(_) => &mut coverage.refused,
                Outcome::Skipped { .. } => &mut coverage.skipped,
                Outcome::NotLookedAt { .. } => &mut coverage.not_looked_at,
            } += 1;
        }
        coverage
    }

    /// Whether each account was at least looked at: only then a heartbeat is sent.
    pub fn is_complete(&self) -> bool {
        self.listed > 0 && self.not_looked_at == 0
    }
}

/// One row a listed account, in the order of the list: its result; that it is skipped; or that it was not looked at, with the error of its batch
/// in `lost`. Rows of accounts that are not listed are left out, and of two of one account the one counts that is no audit. What of `before` waits
/// to be sent waits still, unless an audit has counted it again.
pub fn accounted(
    members: &[Member],
    results: Vec<Row>,
    before: &[Row],
    lost: &HashMap<AccountId, String>,
    management: &AccountId,
    own: &AccountId,
) -> Vec<Row> {
    let mut found: HashMap<AccountId, Row> = HashMap::new();
    for row in results {
        match found.get(&row.member.account) {
            Some(other) if other.audited().is_none() => {}
            _ => drop(found.insert(row.member.account.clone(), row)),
        }
    }
    let before: HashMap<&AccountId, &Row> = before.iter().map(|row| (&row.member.account, row)).collect();
    let row = |member: &Member| {
        let before = before.get(&member.account);
        let waited = before.map(|row| row.waiting).unwrap_or_default();
        let (outcome, waiting) = match (member.skipped(management, own), found.remove(&member.account)) {
            // Its own checker sends its alerts.
            (Some(why @ (Skip::Management | Skip::Own)), _) => (Outcome::Skipped { why }, waited),
            // An earlier run may have audited it and recorded alerts, and ended before it kept its rows.
            (Some(why), _) => (Outcome::Skipped { why }, waited.max(1)),
            (None, Some(row)) if row.audited().is_some() => (row.outcome, row.waiting),
            (None, Some(row)) => (row.outcome, row.waiting.max(waited).max(1)),
            (None, None) => {
                let error = lost.get(&member.account);
                let error = error.map_or_else(|| "its batch has no result".into(), |error| bounded(error));
                // It may have recorded alerts before it died.
                let last_audited = before.and_then(|row| row.last_audited());
                let deep_at = before.and_then(|row| row.outcome.last_deep());
                (Outcome::NotLookedAt { error, last_audited, deep_at }, waited.max(1))
            }
        };
        let is_seen = matches!(outcome, Outcome::Audited(_) | Outcome::Skipped { .. });
        let last_open = before.filter(|_| !is_seen).map(|row| row.open().to_vec()).unwrap_or_default();
        let half_sent = before.map(|row| row.half_sent.clone()).unwrap_or_default();
        // What may pass by itself is no news, and no end of what was.
        let may_pass = matches!(outcome, Outcome::Refused(_)) && !counts(&outcome);
        let was_listed = before.filter(|row| !row.is_unlisted);
        let was_missed = may_pass && was_listed.is_some_and(|row| row.was_missed || counts(&row.outcome));
        Row { waiting, half_sent, last_open, was_missed, ..Row::new(member.clone(), outcome) }
    };
    members.iter().map(row).collect()
}

/// The organization's conditions: that it cannot be audited at all, for `fault`; that some of its accounts could not be; that the
/// declarations have faults, which is not known where `in_force` is `None`.
pub fn observe(fault: Option<&str>, rows: &[Row], in_force: Option<&InForce>) -> [Observation; 3] {
    let organization = match fault {
        Some(fault) => Seen::Failing { failure: Failure::new(Severity::Critical, &bounded(fault)), passing: false },
        None => Seen::Passing,
    };
    let accounts = match fault {
        // One fault of the organization is one alert, not one an account.
        Some(_) => Seen::Unknown,
        None => of_accounts(rows),
    };
    let look = |condition, seen| Observation { condition, seen, judged_by: BTreeMap::new() };
    [
        look(Fault::OrganizationNotAudited, organization),
        look(Fault::AccountsNotAudited, accounts),
        look(Fault::RefusedSettings, in_force.map_or(Seen::Unknown, of_declarations)),
    ]
}

/// Of the accounts in a remembered [`Fault::AccountsNotAudited`], leaves those out that are seen again, or less than by the run `before`, where `rows`
/// still lack some. Thus an account that is fixed hides none that is lost, however many there are, and to be refused is news of an account that was
/// audited in part.
pub fn without_seen_again(conditions: &mut BTreeMap<String, Condition>, before: &[Row], rows: &[Row]) {
    let condition = conditions.get_mut(&Fault::AccountsNotAudited.key());
    let Some(sent) = condition.and_then(|condition| condition.failure.as_mut()) else { return };
    let all = named(missed(rows));
    // What resolves it is sent with all that is remembered.
    if all.is_empty() {
        return;
    }
    // Where rows could not be kept, or a run is concluded again, `before` is of an earlier run than the condition.
    if named(missed(before)) != sent.resources {
        // As many as were sent, and not the same: one of them is news.
        if missed(rows).count() == sent.count && all != sent.resources {
            sent.count = sent.count.saturating_sub(1).max(1);
        }
        return;
    }
    // Each with whether it was seen in part.
    let was = before.iter().filter(|row| row.was_missed).chain(missed(before));
    let was: HashMap<&AccountId, bool> =
        was.map(|row| (&row.member.account, row.was_missed || row.audited().is_some())).collect();
    let is_still = |row: &&Row| was.get(&row.member.account).is_some_and(|in_part| !in_part || row.audited().is_some());
    sent.resources = named(missed(rows).filter(is_still));
    // No count would say that nobody knows how many they are.
    sent.count = missed(rows).filter(is_still).count().max(1);
}

/// Accounts that were not audited, or only in part, for a cause that counts.
pub(crate) fn missed(rows: &[Row]) -> impl Iterator<Item = &Row> {
    rows.iter().filter(|row| !row.is_unlisted && counts(&row.outcome))
}

/// By id; of too many the last name stands for all others.
fn named<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<String> {
    let name = |row: &Row| {
        let in_part = if row.audited().is_some() { " (in part)" } else { "" };
        format!("{}{in_part}", row.member.account)
    };
    let mut names: Vec<String> = rows.map(name).collect();
    if names.len() > Failure::MAX_RESOURCES {
        let others = names.split_off(Failure::MAX_RESOURCES - 1);
        names.push(format!("{} more ({})", others.len(), crate::fingerprint(others.join(" ").as_bytes())));
    }
    names
}

fn of_declarations(in_force: &InForce) -> Seen {
    let InForce { is_earlier, faults, .. } = in_force;
    if faults.is_empty() {
        return Seen::Passing;
    }
    let (severity, begin) = if *is_earlier {
        (Severity::Medium, "are refused as a whole, and what was accepted before stays in force")
    } else {
        (Severity::Low, "are in force, except for this")
    };
    let more = faults.len().saturating_sub(MAX_FAULTS);
    let more = if more > 0 { format!(". And {more} more") } else { String::new() };
    // An alert that is too long for SNS would keep all others back.
    let bounded: Vec<String> = faults.iter().take(Failure::MAX_RESOURCES).map(|fault| bounded(fault)).collect();
    let shown = bounded.iter().take(MAX_FAULTS).cloned().collect::<Vec<_>>().join(". ");
    let failure = Failure {
        count: faults.len(),
        resources: bounded,
        ..Failure::new(severity, &format!("the declarations of members {begin}: {shown}{more}"))
    };
    Seen::Failing { failure, passing: false }
}

fn of_accounts(rows: &[Row]) -> Seen {
    let missed: Vec<&Row> = missed(rows).collect();
    if missed.is_empty() {
        return Seen::Passing;
    }
    let mut causes: BTreeMap<(bool, Option<Cause>), usize> = BTreeMap::new();
    for row in &missed {
        let cause = row.refusal().map(|refusal| refusal.cause);
        *causes.entry((cause.is_some(), cause)).or_default() += 1;
    }
    let causes =
        causes.iter().map(|((_, cause), count)| format!("{count}: {}", cause.map_or(NOT_LOOKED_AT, Cause::words)));
    let in_part = if missed.iter().any(|row| row.audited().is_some()) { ", or only in part" } else { "" };
    let found = format!(
        "{} of {} could not be audited{in_part} ({})",
        missed.len(),
        counted(rows.len(), "account", "accounts"),
        causes.collect::<Vec<_>>().join("; ")
    );
    // Without its role an account is seen less than before only where the role has shown it.
    let was_audited = |row: &&&Row| match row.audited() {
        Some(_) => row.outcome.deep_at().is_some(),
        None => row.last_audited().is_some() || row.refusal().is_none(),
    };
    let severity = if !rows.iter().any(|row| row.audited().is_some()) {
        Severity::High
    } else if missed.iter().any(|row| was_audited(&row)) {
        Severity::Medium
    } else {
        Severity::Low
    };
    // What was open is neither fixed nor seen: it stays as urgent as it was.
    let worst = missed.iter().flat_map(|row| &row.last_open).map(|found| found.severity).max();
    let (found, severity) = match worst {
        None => (found, severity),
        Some(worst) => {
            let count = missed.iter().filter(|row| !row.last_open.is_empty()).count();
            let open = counted(count, "account has open findings", "accounts have open findings");
            (format!("{found}; as last audited, {open}, the worst {worst}"), severity.max(worst))
        }
    };
    let failure =
        Failure { count: missed.len(), resources: named(missed.iter().copied()), ..Failure::new(severity, &found) };
    Seen::Failing { failure, passing: false }
}

/// Faults of the declarations that an alert names.
const MAX_FAULTS: usize = 5;

/// Goes on after `3 accounts: `.
pub(crate) const NOT_LOOKED_AT: &str = "not looked at, because their part of the run failed";

/// How long a new account may be without its role.
const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// What may pass by itself counts once it has lasted.
pub(crate) fn counts(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Refused(Refusal { cause, runs, .. }) => !cause.may_pass() || *runs >= STREAK,
        Outcome::NotLookedAt { .. } => true,
        // A stack set needs some time to reach a new account; a role that was of use is not new.
        Outcome::Audited(audited) => audited.by_role.as_deref().is_some_and(|by_role| {
            let is_due =
                |missing: &Refusal| by_role.deep_at.is_some() || audited.at.duration_since(missing.since) >= GRACE;
            by_role.missing.as_ref().is_some_and(is_due)
        }),
        Outcome::Skipped { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use alerts::{Policy, Transition};
    use facts::account::{Account, Partition};
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::row::Found;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn id(number: usize) -> AccountId {
        AccountId::parse(&format!("{number:012}")).unwrap()
    }

    fn member(number: usize, state: &str) -> Member {
        Member::new(id(number), "a", None, state)
    }

    fn audited() -> Outcome {
        Outcome::Audited(Box::new(Audited { by_role: None, ..Audited::clean(now()) }))
    }

    fn refused(cause: Cause, runs: u32, last_audited: Option<Timestamp>) -> Outcome {
        Outcome::Refused(Refusal { cause, said: "no".into(), since: now(), runs, last_audited, deep_at: None })
    }

    fn row(number: usize, outcome: Outcome) -> Row {
        Row::new(member(number, "ACTIVE"), outcome)
    }

    proptest! {
        #[test]
        fn every_listed_account_has_one_row_whatever_the_batches_gave(
            states in proptest::collection::vec(0..6_usize, 1..40),
            results in proptest::collection::vec((0..60_usize, any::<bool>()), 0..80),
        ) {
            const STATES: [&str; 6] = ["ACTIVE", "PENDING_CLOSURE", "SUSPENDED", "CLOSED", "PENDING_ACTIVATION", "NEW"];
            let members: Vec<Member> = states.iter().enumerate().map(|(n, state)| member(n, STATES[*state])).collect();
            let results: Vec<Row> = results
                .into_iter()
                .map(|(n, is_audited)| row(n, if is_audited { audited() } else { refused(Cause::Denied, 1, None) }))
                .collect();
            let rows = accounted(&members, results.clone(), &[], &HashMap::new(), &id(0), &id(1));
            let coverage = Coverage::of(&rows);
            let Coverage { listed, audited, in_part, refused, skipped, not_looked_at } = coverage;
            prop_assert_eq!(in_part, 0);
            prop_assert_eq!(listed, members.len());
            prop_assert_eq!(listed, audited + refused + skipped + not_looked_at);
            let ids: Vec<&AccountId> = rows.iter().map(|row| &row.member.account).collect();
            prop_assert_eq!(ids, members.iter().map(|member| &member.account).collect::<Vec<_>>());
            for row in &rows {
                let of_it = || results.iter().filter(|result| result.member.account == row.member.account);
                let is_refused = of_it().any(|result| result.audited().is_none());
                prop_assert!(!(is_refused && row.audited().is_some()), "the worse of two results counts");
                prop_assert!(row.audited().is_none() || of_it().next().is_some(), "no audit without a result");
            }
            prop_assert_eq!(coverage.is_complete(), not_looked_at == 0);
        }
    }

    #[test]
    fn an_account_without_a_result_says_the_error_of_its_batch_and_when_it_was_audited_last() {
        let lost = HashMap::from([(id(3), "States.Timeout".to_owned())]);
        let before = [row(3, audited())];
        let rows = accounted(&[member(3, "ACTIVE"), member(4, "ACTIVE")], Vec::new(), &before, &lost, &id(1), &id(2));
        let expected =
            Outcome::NotLookedAt { error: "States.Timeout".into(), last_audited: Some(now()), deep_at: None };
        assert_eq!(rows[0].outcome, expected);
        let expected =
            Outcome::NotLookedAt { error: "its batch has no result".into(), last_audited: None, deep_at: None };
        assert_eq!(rows[1].outcome, expected);
    }

    #[test]
    fn what_waits_to_be_sent_waits_until_an_audit_has_counted_it_again() {
        let waits = |number, outcome, waiting| Row { waiting, ..row(number, outcome) };
        let before = [waits(3, audited(), 2), waits(4, audited(), 2), waits(5, audited(), 2), waits(6, audited(), 2)];
        let results = vec![waits(3, audited(), 0), waits(4, refused(Cause::Denied, 1, None), 0)];
        let mut members: Vec<Member> = (3..6).map(|number| member(number, "ACTIVE")).collect();
        members.push(member(6, "SUSPENDED"));
        let rows = accounted(&members, results, &before, &HashMap::new(), &id(1), &id(2));
        assert_eq!(rows.iter().map(|row| row.waiting).collect::<Vec<_>>(), [0, 2, 2, 2]);
        let nothing: Vec<Row> = before.iter().map(|row| Row { waiting: 0, ..row.clone() }).collect();
        let results = vec![row(3, audited()), row(4, refused(Cause::Denied, 1, None))];
        let rows = accounted(&members, results, &nothing, &HashMap::new(), &id(1), &id(2));
        let waiting: Vec<usize> = rows.iter().map(|row| row.waiting).collect();
        assert_eq!(waiting, [0, 1, 1, 1], "a run that ended before it kept its rows may have recorded alerts");
        let again = accounted(&members[3..], Vec::new(), &rows, &HashMap::new(), &id(1), &id(2));
        assert_eq!(again[0].waiting, 1);
        let sent = Row { waiting: 0, ..again[0].clone() };
        for before in [vec![sent], Vec::new()] {
            let later = accounted(&members[3..], Vec::new(), &before, &HashMap::new(), &id(1), &id(2));
            assert_eq!(later[0].waiting, 1, "a run in between may have audited it and died");
        }
        let own = accounted(&members, Vec::new(), &[], &HashMap::new(), &id(3), &id(4));
        assert_eq!((own[0].waiting, own[1].waiting), (0, 0), "their own checkers send their alerts");
        let died = accounted(&members[..1], Vec::new(), &[], &HashMap::new(), &id(1), &id(2));
        assert_eq!(died[0].waiting, 1, "a batch that died may have recorded alerts");
    }

    #[test]
    fn what_was_open_in_an_account_that_is_refused_stays_open_and_as_urgent() {
        let found = Found { control: "root-access-keys".into(), severity: Severity::Critical, since: now() };
        let open = Audited { open: vec![found.clone()], ..Audited::clean(now()) };
        let before = [row(3, Outcome::Audited(Box::new(open))), row(4, audited())];
        let members = [member(3, "ACTIVE"), member(4, "ACTIVE")];
        let results = vec![row(3, refused(Cause::Denied, 1, Some(now()))), row(4, audited())];
        let first = accounted(&members, results.clone(), &before, &HashMap::new(), &id(1), &id(2));
        let second = accounted(&members, results, &first, &HashMap::new(), &id(1), &id(2));
        for rows in [first, second] {
            assert_eq!((rows[0].open(), rows[1].open().len()), (std::slice::from_ref(&found), 0));
            let (severity, count, said) = seen(&rows).unwrap();
            assert_eq!((severity, count), (Severity::Critical, 1));
            assert!(said.ends_with("; as last audited, 1 account has open findings, the worst CRITICAL"), "{said}");
            let lost = accounted(&members[..1], Vec::new(), &rows, &HashMap::new(), &id(1), &id(2));
            assert_eq!(lost[0].open().len(), 1, "also where its batch is lost");
            let audited = accounted(&members[..1], vec![row(3, audited())], &rows, &HashMap::new(), &id(1), &id(2));
            assert_eq!((audited[0].open().len(), audited[0].last_open.len()), (0, 0), "an audit counts again");
        }
    }

    fn seen(rows: &[Row]) -> Option<(Severity, usize, String)> {
        match observe(None, rows, None) {
            [_, Observation { seen: Seen::Failing { failure, .. }, .. }, _] => {
                Some((failure.severity, failure.count, failure.found))
            }
            _ => None,
        }
    }

    #[test]
    fn accounts_that_could_not_be_audited_are_one_condition_with_a_count_for_each_cause() {
        let rows = [
            row(3, audited()),
            row(4, refused(Cause::ServiceControlPolicy, 1, None)),
            row(5, refused(Cause::ServiceControlPolicy, 1, None)),
            row(6, refused(Cause::Denied, 1, None)),
        ];
        let (severity, count, found) = seen(&rows).unwrap();
        assert_eq!((severity, count), (Severity::Low, 3), "none of them was ever audited");
        assert_eq!(
            found,
            "3 of 4 accounts could not be audited (2: a service control policy denies the audit; 1: `sts:AssumeRoot` was denied)"
        );
        assert_eq!(seen(&[row(3, audited())]), None);
    }

    #[test]
    fn an_account_that_was_audited_before_is_worse_and_none_at_all_is_worst() {
        let was = [row(3, audited()), row(4, refused(Cause::Denied, 1, Some(now())))];
        assert_eq!(seen(&was).unwrap().0, Severity::Medium);
        let lost =
            [row(3, audited()), row(4, Outcome::NotLookedAt { error: "x".into(), last_audited: None, deep_at: None })];
        assert_eq!(seen(&lost).unwrap().0, Severity::Medium);
        let none = [row(4, refused(Cause::Denied, 1, None))];
        assert_eq!(seen(&none).unwrap().0, Severity::High);
    }

    #[test]
    fn a_missing_role_counts_after_a_day_and_at_once_where_it_was_of_use() {
        let without = |hours: i64, deep_at: Option<Timestamp>| {
            let since = now() - SignedDuration::from_hours(hours);
            let missing = Refusal {
                cause: Cause::RoleMissing,
                said: "no".into(),
                since,
                runs: 1,
                last_audited: None,
                deep_at: None,
            };
            let Outcome::Audited(mut audited) = audited() else { panic!("it is audited") };
            audited.by_role = Some(Box::new(ByRole { deep_at, missing: Some(missing) }));
            [row(3, super::tests::audited()), row(4, Outcome::Audited(audited))]
        };
        assert_eq!((seen(&without(23, None)), Coverage::of(&without(23, None)).in_part), (None, 1));
        let mut waits = without(0, None);
        if let Outcome::Audited(audited) = &mut waits[1].outcome {
            audited.by_role = Some(Box::default());
        }
        assert_eq!((seen(&waits), Coverage::of(&waits).in_part), (None, 1), "it was not read whole yet");
        for (rows, severity) in [(without(24, None), Severity::Low), (without(0, Some(now())), Severity::Medium)] {
            let found = "1 of 2 accounts could not be audited, or only in part (1: the member role cannot be used: only root's \
                         credentials are audited)";
            assert_eq!(seen(&rows), Some((severity, 1, found.into())));
            let coverage = Coverage::of(&rows);
            assert_eq!((coverage.audited, coverage.in_part, coverage.is_complete()), (2, 1, true));
        }
    }

    #[test]
    fn an_account_that_is_lost_is_news_however_many_are_fixed_and_so_is_one_that_was_audited_in_part() {
        let without_role = || {
            let missing = Refusal::new(Cause::RoleMissing, "no", None, None, now());
            let by_role = Some(Box::new(ByRole { deep_at: Some(now()), missing: Some(missing) }));
            Outcome::Audited(Box::new(Audited { by_role, ..Audited::clean(now()) }))
        };
        let denied = || refused(Cause::Denied, 1, Some(now()));
        let account = Account { id: id(1), alias: None, partition: Partition::Aws };
        let run = |conditions: &BTreeMap<String, Condition>, before: &[Row], rows: &[Row]| {
            let mut conditions = conditions.clone();
            without_seen_again(&mut conditions, before, rows);
            let (alerts, changed) =
                alerts::follow(&conditions, &observe(None, rows, None), &account, now(), &Policy::default());
            let stored = alerts.iter().filter_map(|alert| Some(&alert.condition()?.failure));
            for Failure { count, resources, .. } in stored.chain(changed.values().filter_map(|it| it.failure.as_ref()))
            {
                assert_eq!(
                    resources.len(),
                    (*count).min(Failure::MAX_RESOURCES),
                    "a stored failure that is not sound is no more read"
                );
            }
            conditions.extend(changed);
            let news: Vec<Transition> = alerts.iter().filter_map(|alert| Some(alert.condition()?.transition)).collect();
            (conditions, news)
        };
        // The first `missed` accounts from `first` on are refused, or audited in part; 1,000 others are audited.
        let rows = |first: usize, missed: usize, outcome: &dyn Fn() -> Outcome| -> Vec<Row> {
            let is_missed = |number: usize| (first..first + missed).contains(&number);
            (0..1_000).map(|number| row(number, if is_missed(number) { outcome() } else { audited() })).collect()
        };
        for missed in [1, 2, 100, 101, 300] {
            let (first, in_part) = (rows(3, missed, &denied), rows(3, missed, &without_role));
            let (opened, news) = run(&BTreeMap::new(), &[], &first);
            assert_eq!(news, [Transition::Opened]);
            assert_eq!(run(&opened, &first, &first).1, [], "{missed}: the same again");
            assert_eq!(
                run(&opened, &first, &rows(4, missed, &denied)).1,
                [Transition::Changed],
                "{missed}: one for one"
            );
            assert_eq!(run(&opened, &first, &rows(500, missed, &denied)).1, [Transition::Changed], "{missed}: all");
            assert_eq!(
                run(&opened, &first, &rows(500, 1, &denied)).1,
                [Transition::Changed],
                "{missed}: another one alone"
            );
            assert_eq!(run(&opened, &first, &in_part).1, [], "{missed}: they are seen in part now");
            let fewer = run(&opened, &first, &rows(4, missed - 1, &denied)).1;
            assert_eq!(
                fewer,
                if missed == 1 { vec![Transition::Resolved] } else { Vec::new() },
                "{missed}: one is fixed"
            );
            let (opened, _) = run(&BTreeMap::new(), &[], &in_part);
            let (after, news) = run(&opened, &in_part, &first);
            assert_eq!(news, [Transition::Changed], "{missed}: they were audited in part");
            assert_eq!(run(&after, &in_part, &first).1, [], "{missed}: nothing is repeated while rows cannot be kept");
        }
        let (first, mut second) = (rows(3, 150, &denied), rows(3, 150, &denied));
        second.swap(140, 160);
        (second[140].member, second[160].member) = (first[140].member.clone(), first[160].member.clone());
        let (opened, _) = run(&BTreeMap::new(), &[], &first);
        let (after, news) = run(&opened, &first, &second);
        assert_eq!(news, [Transition::Changed], "beyond the names that are kept");
        assert_eq!(run(&after, &first, &second).1, [], "nor beyond the names that are kept");
        assert_eq!(run(&opened, &[], &second).1, [Transition::Changed], "the rows before could not be read");
        assert_eq!(run(&opened, &[], &first).1, []);
        // One account after the other is throttled once, and seen in part again.
        let members: Vec<Member> = (0..1_000).map(|number| member(number, "ACTIVE")).collect();
        for missed in [3, 300] {
            let in_part = rows(3, missed, &without_role);
            let (mut conditions, _) = run(&BTreeMap::new(), &[], &in_part);
            let mut before = in_part.clone();
            for throttled in [3, 4, 4, 5, 3] {
                let mut results = in_part.clone();
                results[throttled].outcome = refused(Cause::Throttled, 1, Some(now()));
                let rows = accounted(&members, results, &before, &HashMap::new(), &id(5_000), &id(5_001));
                let news;
                (conditions, news) = run(&conditions, &before, &rows);
                assert_eq!(
                    (news, rows[throttled].was_missed),
                    (Vec::new(), true),
                    "{missed}: {throttled} is throttled"
                );
                before = rows;
            }
            let mut results = in_part.clone();
            results[3].outcome = denied();
            let rows = accounted(&members, results, &before, &HashMap::new(), &id(5_000), &id(5_001));
            assert_eq!(run(&conditions, &before, &rows).1, [Transition::Changed], "{missed}: it is refused for good");
        }
        let left = Row { is_unlisted: true, ..row(2_000, denied()) };
        let before: Vec<Row> = first.iter().cloned().chain([left]).collect();
        assert_eq!(run(&opened, &before, &second).1, [Transition::Changed], "one that left counts in none");
    }

    #[test]
    fn an_account_that_is_throttled_in_the_first_run_that_lists_it_was_not_missed_before() {
        let members = [member(3, "ACTIVE")];
        let throttled = || vec![row(3, refused(Cause::Throttled, 1, None))];
        let first = crate::listed_first(&[], &members, (&id(1), &id(2)));
        let rows = |before: &[Row]| accounted(&members, throttled(), before, &HashMap::new(), &id(1), &id(2));
        assert!(!rows(&first)[0].was_missed);
        let listed = Row { is_unlisted: false, ..first[0].clone() };
        assert!(rows(&[listed])[0].was_missed, "a run that ended did not look at it");
    }

    #[test]
    fn what_may_pass_counts_after_three_runs() {
        for cause in [Cause::Throttled, Cause::Unreachable, Cause::NotRecorded] {
            let of = |runs| seen(&[row(3, audited()), row(4, refused(cause, runs, None))]).is_some();
            assert_eq!([of(1), of(2), of(3)], [false, false, true], "{cause:?}");
        }
    }

    #[test]
    fn a_fault_of_the_whole_organization_is_one_condition_and_says_nothing_of_its_accounts() {
        let rows = [row(4, refused(Cause::FeatureOff, 1, None))];
        let [organization, accounts, declarations] = observe(Some("central root access is off"), &rows, None);
        let Seen::Failing { failure, .. } = organization.seen else { panic!("it fails") };
        assert_eq!((failure.severity, failure.found.as_str()), (Severity::Critical, "central root access is off"));
        assert_eq!((accounts.seen, declarations.seen), (Seen::Unknown, Seen::Unknown));
    }

    #[test]
    fn when_the_role_last_showed_everything_is_remembered_through_a_run_without_an_audit() {
        let by_role = ByRole { deep_at: Some(now()), missing: None };
        let deep = Audited { by_role: Some(Box::new(by_role)), ..Audited::clean(now()) };
        let before = [row(3, Outcome::Audited(Box::new(deep)))];
        let rows = accounted(&[member(3, "ACTIVE")], Vec::new(), &before, &HashMap::new(), &id(1), &id(2));
        assert_eq!(rows[0].outcome.last_deep(), Some(now()));
        let again = accounted(&[member(3, "ACTIVE")], Vec::new(), &rows, &HashMap::new(), &id(1), &id(2));
        assert_eq!(again[0].outcome.last_deep(), Some(now()));
    }

    #[test]
    fn faults_of_the_declarations_are_one_condition_and_a_version_that_is_refused_is_worse() {
        let seen = |is_earlier, faults: &[&str]| {
            let faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
            let in_force = InForce { is_earlier, faults, ..InForce::default() };
            let [_, _, declarations] = observe(None, &[row(3, audited())], Some(&in_force));
            assert_eq!(declarations.condition, Fault::RefusedSettings);
            match declarations.seen {
                Seen::Failing { failure, .. } => Some((failure.severity, failure.count, failure.found)),
                _ => None,
            }
        };
        assert_eq!(seen(false, &[]), None);
        let (severity, count, found) = seen(true, &["a", "b", "c", "d", "e", "f", "g"]).unwrap();
        assert_eq!((severity, count), (Severity::Medium, 7));
        assert_eq!(
            found,
            "the declarations of members are refused as a whole, and what was accepted before stays in force: a. b. c. d. e. And 2 more"
        );
        assert_eq!(seen(false, &["a"]).unwrap().0, Severity::Low);
        let long = "x".repeat(10_000);
        assert!(seen(true, &[long.as_str(); 30]).unwrap().2.len() < 1_500, "it is part of each message");
    }
}
