//! Rows of the run before that this one goes on with: it was kept from looking, an account left, or nobody was sent who joined.

use std::collections::HashSet;

use facts::account::AccountId;
use facts::text;

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
    before.iter().filter(|row| !row.has_left).map(row).collect()
}

/// Accounts that are not listed any more, and may have alerts that were not sent.
pub fn left(before: &[Row], rows: &[Row]) -> Vec<Row> {
    let listed: HashSet<&AccountId> = rows.iter().map(|row| &row.member.account).collect();
    let left = before.iter().filter(|row| !listed.contains(&row.member.account));
    left.map(|row| Row { has_left: true, is_unsent: false, waiting: row.waiting.max(1), ..row.clone() }).collect()
}

/// Marks in what a run keeps, the accounts that are listed and those that `left`, each that joined, left or came back: that was not sent, and is seen
/// again by the next run.
pub fn note_unsent(before: &[Row], rows: &mut [Row], left: &mut [Row]) {
    if before.is_empty() {
        return;
    }
    let known: HashSet<&AccountId> =
        before.iter().filter(|row| row.is_known()).map(|row| &row.member.account).collect();
    for row in rows.iter_mut().chain(left) {
        row.is_unsent = row.has_left == known.contains(&row.member.account);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::member::Member;
    use crate::row::Audited;
    use crate::{Moves, moves};

    fn row(number: usize) -> Row {
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let account = AccountId::parse(&format!("{number:012}")).unwrap();
        Row::new(Member::new(account, "a", None, "ACTIVE"), Outcome::Audited(Box::new(Audited::clean(at))))
    }

    #[test]
    fn who_joined_left_or_came_back_while_nothing_was_sent_does_so_again_in_the_next_run() {
        let gone = Row { has_left: true, waiting: 1, ..row(4) };
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
        assert_eq!(first_run, listed, "there was no run before");
    }

    #[test]
    fn an_account_that_left_is_asked_for_its_alerts_and_leaves_once() {
        let left = left(&[row(3), row(4)], &[row(3)]);
        let account = &left[0].member.account;
        assert_eq!((left.len(), account, left[0].has_left, left[0].waiting), (1, &row(4).member.account, true, 1));
        assert_eq!(moves(&left, &[row(3)], |_| true).left_count, 0);
        assert!(not_looked_at(&left, "central root access is off").is_empty());
    }
}
