//! Rows that one run keeps for the next: it was kept from looking, an account joined or left, or nobody was sent who did.

use std::collections::HashSet;

use facts::account::AccountId;
use facts::text;

use crate::member::Member;
use crate::row::{Outcome, Row};

/// The accounts of the run before, where `fault` kept this one from looking at any.
pub fn not_looked_at(before: &[Row], fault: &str) -> Vec<Row> {
    let row = |row: &Row| {
        let outcome = Outcome::NotLookedAt {
            error: text::bounded(fault),
            last_audited: row.last_audited(),
            deep_at: row.outcome.last_deep(),
        };
        Row { outcome, last_open: row.open().to_vec(), is_unsent: false, ..row.clone() }
    };
    before.iter().filter(|row| !row.is_unlisted).map(row).collect()
}

/// Those of `members` that are audited and have no row `before`. They are kept before they are audited: the run may die, and whoever has left by the
/// next one may have alerts.
pub fn listed_first(before: &[Row], members: &[Member], (management, own): (&AccountId, &AccountId)) -> Vec<Row> {
    let known: HashSet<&AccountId> = before.iter().map(|row| &row.member.account).collect();
    let is_first = |member: &&Member| !known.contains(&member.account) && member.skipped(management, own).is_none();
    let row = |member: &Member| {
        let error = "the first run that listed it has not ended".to_owned();
        let outcome = Outcome::NotLookedAt { error, last_audited: None, deep_at: None };
        Row { is_unlisted: true, waiting: 1, ..Row::new(member.clone(), outcome) }
    };
    members.iter().filter(is_first).map(row).collect()
}

/// Accounts that are not listed any more, and may have alerts that were not sent.
pub fn left(before: &[Row], rows: &[Row]) -> Vec<Row> {
    let listed: HashSet<&AccountId> = rows.iter().map(|row| &row.member.account).collect();
    let left = before.iter().filter(|row| !listed.contains(&row.member.account));
    let row = |row: &Row| Row {
        is_unlisted: true,
        is_unsent: false,
        was_missed: false,
        waiting: row.waiting.max(1),
        ..row.clone()
    };
    left.map(row).collect()
}

/// Marks in what a run keeps, the accounts that are listed and those that `left`, each that joined, left or came back: that was not sent, and is seen
/// again by the next run.
pub fn note_unsent(before: &[Row], rows: &mut [Row], left: &mut [Row]) {
    let known: HashSet<&AccountId> =
        before.iter().filter(|row| row.is_known()).map(|row| &row.member.account).collect();
    for row in rows.iter_mut().chain(left) {
        row.is_unsent = row.is_unlisted == known.contains(&row.member.account);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::row::Audited;
    use crate::{Moves, moves};

    fn row(number: usize) -> Row {
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let account = AccountId::parse(&format!("{number:012}")).unwrap();
        Row::new(Member::new(account, "a", None, "ACTIVE"), Outcome::Audited(Box::new(Audited::clean(at))))
    }

    #[test]
    fn who_joined_left_or_came_back_while_nothing_was_sent_does_so_again_in_the_next_run() {
        let gone = Row { is_unlisted: true, waiting: 1, ..row(4) };
        let before = vec![row(3), gone, row(5)];
        // 4 is back, 5 leaves and 6 joins.
        let listed = [row(3), row(4), row(6)];
        let first = moves(&before, &listed, |_| true);
        assert_eq!((first.joined_count, first.left_count), (2, 1));
        let mut kept = before;
        for run in 0..3 {
            let (mut rows, mut left) = (listed.to_vec(), left(&kept, &listed));
            note_unsent(&kept, &mut rows, &mut left);
            rows.extend(left);
            assert_eq!(moves(&rows, &listed, |_| true), first, "run {run}: nothing of it is lost");
            assert_eq!(serde_json::from_str::<Vec<Row>>(&serde_json::to_string(&rows).unwrap()).unwrap(), rows);
            kept = rows;
        }
        let left = left(&kept, &listed);
        let rows: Vec<Row> = listed.iter().cloned().chain(left).collect();
        assert_eq!(moves(&rows, &listed, |_| true), Moves::default(), "once it was sent, it is over");
        let (mut first_run, mut none) = (listed.to_vec(), Vec::new());
        note_unsent(&[], &mut first_run, &mut none);
        assert!(!first_run.iter().any(Row::is_known), "the first run was not sent");
        assert_eq!(moves(&first_run, &listed[..2], |_| true), Moves::default());
    }

    #[test]
    fn who_joins_is_kept_before_it_is_audited_and_is_new_to_the_run_that_ends() {
        let members: Vec<Member> = [3, 4, 5, 6].map(|number| row(number).member).to_vec();
        let (management, own) = (&members[1].account, &members[2].account);
        let first = listed_first(&[row(3)], &members, (management, own));
        let [kept] = first.as_slice() else { panic!("{first:?}: who is not audited has no alerts of ours") };
        assert_eq!((&kept.member, kept.waiting, kept.is_known()), (&members[3], 1, false));
        assert_eq!(
            listed_first(&[row(3), kept.clone()], &members, (management, own)),
            [],
            "once, however many runs die"
        );
        let before = [row(3), kept.clone()];
        assert_eq!(moves(&before, &[row(3), row(6)], |_| true).joined_count, 1);
        let gone = left(&before, &[row(3)]);
        assert_eq!(gone, std::slice::from_ref(kept), "it is asked for its alerts");
        assert_eq!(moves(&before, &[row(3)], |_| true), Moves::default());
        // Of the first run each account is one of these.
        assert_eq!(moves(&first, &[row(6)], |_| true), Moves::default());
    }

    #[test]
    fn an_account_that_left_is_asked_for_its_alerts_and_leaves_once() {
        let left = left(&[row(3), Row { was_missed: true, ..row(4) }], &[row(3)]);
        assert!(!left[0].was_missed, "when it is back, it is new");
        let account = &left[0].member.account;
        assert_eq!((left.len(), account, left[0].is_unlisted, left[0].waiting), (1, &row(4).member.account, true, 1));
        assert_eq!(moves(&left, &[row(3)], |_| true).left_count, 0);
        assert!(not_looked_at(&left, "central root access is off").is_empty());
    }
}
