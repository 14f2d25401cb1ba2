//! The members that one call audits.

use facts::account::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::member::Member;
use crate::row::{Outcome, Row};

/// Most members of a batch: so many are audited within the five minutes of an Express child
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html>), also where each takes nine calls.
pub const MAX_ITEMS: usize = 25;

/// What one call audits: one line of the list that the distributed map reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Name of the run, which is the execution's.
    pub run: String,
    /// When the run began.
    pub started: Timestamp,
    /// Its number in the run, from 0.
    pub batch: usize,
    /// At most [`MAX_ITEMS`].
    pub items: Vec<Item>,
}

/// One member to be audited, and the result of the run before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The account.
    pub member: Member,
    /// The result of the run before; `None`: it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Before>>,
}

/// A row without the account, which would be in the list twice: 50,000 accounts fit into one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The result.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// So many alerts waited to be sent.
    pub waiting: usize,
}

/// Whether `name` is one that Step Functions gives an execution, so that it cannot leave the folder of its run
/// (<https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>).
pub fn is_run(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=80).contains(&name.len()) && name.bytes().all(fits)
}

/// Those of `members` that are audited, in batches; each with its row in `before`.
pub fn batches(
    run: &str,
    started: Timestamp,
    members: &[Member],
    before: Vec<Row>,
    management: &AccountId,
    own: &AccountId,
) -> Vec<Batch> {
    let mut known: std::collections::HashMap<AccountId, Before> = before
        .into_iter()
        .map(|row| (row.member.account, Before { outcome: row.outcome, waiting: row.waiting }))
        .collect();
    let mut items = members
        .iter()
        .filter(|member| member.skipped(management, own).is_none())
        .map(|member| Item { member: member.clone(), before: known.remove(&member.account).map(Box::new) });
    let mut all = Vec::new();
    loop {
        let items: Vec<Item> = items.by_ref().take(MAX_ITEMS).collect();
        if items.is_empty() {
            return all;
        }
        all.push(Batch { run: run.to_owned(), started, batch: all.len(), items });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::Skip;

    fn member(number: u64, state: &str) -> Member {
        Member::new(AccountId::parse(&format!("{number:012}")).unwrap(), "a", None, state)
    }

    #[test]
    fn each_member_that_is_audited_is_in_one_batch_with_its_last_row() {
        let mut members: Vec<Member> = (1..=53).map(|number| member(number, "ACTIVE")).collect();
        members.push(member(54, "SUSPENDED"));
        let before =
            vec![Row { member: members[1].clone(), outcome: Outcome::Skipped { why: Skip::Closed }, waiting: 0 }];
        let (management, own) = (&members[0].account, &members[52].account);
        let batches = batches("run", Timestamp::UNIX_EPOCH, &members, before, management, own);
        assert_eq!(batches.iter().map(|batch| batch.items.len()).collect::<Vec<_>>(), [25, 25, 1]);
        let mut all: Vec<&str> =
            batches.iter().flat_map(|batch| &batch.items).map(|item| item.member.account.as_str()).collect();
        all.dedup();
        assert_eq!((all.len(), all[0], all[50]), (51, "000000000002", "000000000052"));
        assert!(batches[0].items[0].before.is_some() && batches[0].items[1].before.is_none());
        assert_eq!(batches.iter().map(|batch| batch.batch).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
