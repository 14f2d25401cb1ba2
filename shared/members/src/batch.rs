//! The members that one call audits.

use facts::account::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::declared::{Declared, mark};
use crate::depth::{Depth, MAX_DEEP_ITEMS, Plan, is_due};
use crate::member::Member;
use crate::row::{Outcome, Row};

/// Most members of a batch: so many are audited within the five minutes of an Express child
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html>), also where each takes nine calls.
pub const MAX_ITEMS: usize = 25;
/// Most exceptions and attestations about single accounts in a batch; each has at most 3 kB, and the event of an Express child 256 KiB.
const MAX_OF_ACCOUNTS: usize = 50;

/// What one call audits: one line of the list that the distributed map reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Name of the run, which is the execution's.
    pub run: String,
    /// When the run began.
    pub started: Timestamp,
    /// Its number in the run, from 0.
    pub batch: usize,
    /// At most [`MAX_ITEMS`]; of those that are read whole at most [`MAX_DEEP_ITEMS`], and no others beside them.
    pub items: Vec<Item>,
    /// What is declared about them; without routes.
    #[serde(default, skip_serializing_if = "Declared::is_empty")]
    pub declared: Declared,
}

/// One member to be audited, and the result of the run before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The account.
    pub member: Member,
    /// The result of the run before; `None`: it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Before>>,
    /// How deep it is looked at.
    #[serde(default, skip_serializing_if = "Depth::is_flags")]
    pub depth: Depth,
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

/// Those of `members` that are audited, in batches; each with its row in `before`, and with what is `declared` about it. What is read whole comes
/// first, as it takes longest.
pub fn batches(
    run: &str,
    started: Timestamp,
    members: &[Member],
    before: Vec<Row>,
    (management, own): (&AccountId, &AccountId),
    plan: Plan,
    declared: &Declared,
) -> Vec<Batch> {
    let mut known: std::collections::HashMap<AccountId, Before> = before
        .into_iter()
        .map(|row| (row.member.account, Before { outcome: row.outcome, waiting: row.waiting }))
        .collect();
    let items = members.iter().filter(|member| member.skipped(management, own).is_none()).map(|member| Item {
        // No audit depends on it.
        member: Member { tag: None, ..member.clone() },
        before: known.remove(&member.account).map(Box::new),
        depth: Depth::Flags,
    });
    let mut items: Vec<Item> = items.collect();
    let most = deepen(&mut items, started, plan, declared);
    let (deep, others): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|item| item.depth == Depth::Deep);
    let all = parts(deep, most, declared).into_iter().chain(parts(others, MAX_ITEMS, declared)).enumerate();
    all.map(|(batch, (items, declared))| Batch { run: run.to_owned(), started, batch, items, declared }).collect()
}

/// `items` in parts of at most `most`, each with what is declared about it.
fn parts(items: Vec<Item>, most: usize, declared: &Declared) -> Vec<(Vec<Item>, Declared)> {
    let mut parts: Vec<(Vec<Item>, usize)> = Vec::new();
    for item in items {
        let entries = declared.count_of(&item.member.account);
        match parts.last_mut() {
            Some((part, sum)) if part.len() < most && *sum + entries <= MAX_OF_ACCOUNTS => {
                part.push(item);
                *sum += entries;
            }
            _ => parts.push((vec![item], entries)),
        }
    }
    let with = |(items, _): (Vec<Item>, usize)| {
        let accounts: Vec<&AccountId> = items.iter().map(|item| &item.member.account).collect();
        let declared = declared.within(&accounts);
        (items, declared)
    };
    parts.into_iter().map(with).collect()
}

/// Chooses which accounts are read whole; so many of them make a batch. The longest not read come first, and new ones before them.
fn deepen(items: &mut [Item], started: Timestamp, plan: Plan, declared: &Declared) -> usize {
    if !plan.access.is_by_role() {
        // Root's credentials are listed one by one: nine calls.
        items.iter_mut().filter(|_| plan.all).for_each(|item| item.depth = Depth::Deep);
        return MAX_ITEMS;
    }
    let mut due: Vec<(Option<Timestamp>, &mut Item)> = items
        .iter_mut()
        .filter_map(|item| {
            let Item { member, before, .. } = &*item;
            let audited = before.as_ref().and_then(|before| before.outcome.audited());
            let by_role = audited.and_then(|audited| audited.by_role.as_deref());
            let last = by_role.and_then(|by_role| by_role.deep_at);
            // A role that is missing is tried in each run, and read as soon as it is there.
            let is_missing = by_role.is_some_and(|by_role| by_role.missing.is_some());
            let is_changed = || {
                let now = mark(&declared.of(member, started), started);
                audited.is_some_and(|audited| audited.declared != now)
            };
            let is_due = plan.all || !is_missing && (is_due(&member.account, last, started) || is_changed());
            is_due.then_some((last, item))
        })
        .collect();
    due.sort_by_key(|(last, _)| *last);
    for (number, (last, item)) in due.into_iter().enumerate() {
        item.depth = match last {
            _ if number < plan.most => Depth::Deep,
            None => Depth::Later,
            Some(_) => Depth::Flags,
        };
    }
    MAX_DEEP_ITEMS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::depth::Access;
    use crate::member::Skip;
    use crate::refusal::{Cause, Refusal};
    use crate::row::{Audited, ByRole};

    const ROOT: Plan = Plan { access: Access::RootAudit, all: false, most: 100 };
    const ROLE: Plan = Plan { access: Access::Role, ..ROOT };

    fn member(number: u64, state: &str) -> Member {
        Member::new(AccountId::parse(&format!("{number:012}")).unwrap(), "a", None, state)
    }

    #[test]
    fn each_member_that_is_audited_is_in_one_batch_with_its_last_row() {
        let mut members: Vec<Member> = (1..=53).map(|number| member(number, "ACTIVE")).collect();
        members.push(member(54, "SUSPENDED"));
        let before = vec![Row::new(members[1].clone(), Outcome::Skipped { why: Skip::Closed })];
        let (management, own) = (&members[0].account, &members[52].account);
        let batches =
            batches("run", Timestamp::UNIX_EPOCH, &members, before, (management, own), ROOT, &Declared::default());
        assert_eq!(batches.iter().map(|batch| batch.items.len()).collect::<Vec<_>>(), [25, 25, 1]);
        let mut all: Vec<&str> =
            batches.iter().flat_map(|batch| &batch.items).map(|item| item.member.account.as_str()).collect();
        all.dedup();
        assert_eq!((all.len(), all[0], all[50]), (51, "000000000002", "000000000052"));
        assert!(batches[0].items[0].before.is_some() && batches[0].items[1].before.is_none());
        assert_eq!(batches.iter().map(|batch| batch.batch).collect::<Vec<_>>(), [0, 1, 2]);
    }
    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    /// With a role that was last used for a deep look so many hours ago.
    fn looked_at(number: u64, hours: i64, missing: bool) -> Row {
        let refusal = Refusal::new(Cause::RoleMissing, "no", None, None, now());
        let by_role = ByRole {
            deep_at: Some(now() - jiff::SignedDuration::from_hours(hours)),
            missing: missing.then_some(refusal),
        };
        let audited = Audited { by_role: Some(Box::new(by_role)), ..Audited::clean(now()) };
        Row::new(member(number, "ACTIVE"), Outcome::Audited(Box::new(audited)))
    }

    type Depths = std::collections::BTreeMap<u64, Depth>;

    /// How deep each account is looked at, and the sizes of the batches.
    fn planned(before: Vec<Row>, count: u64, plan: Plan) -> (Depths, Vec<usize>) {
        declared(before, count, plan, &Declared::default())
    }

    fn declared(before: Vec<Row>, count: u64, plan: Plan, declared: &Declared) -> (Depths, Vec<usize>) {
        let members: Vec<Member> = (1..=count).map(|number| member(number, "ACTIVE")).collect();
        let (management, own) = (member(998, "ACTIVE").account, member(999, "ACTIVE").account);
        let batches = batches("run", now(), &members, before, (&management, &own), plan, declared);
        for batch in &batches {
            let deep = batch.items.iter().filter(|item| item.depth == Depth::Deep).count();
            assert!(deep == 0 || deep == batch.items.len(), "they are not mixed");
        }
        let sizes = batches.iter().map(|batch| batch.items.len()).collect();
        let depths = batches.iter().flat_map(|batch| &batch.items);
        (depths.map(|item| (item.member.account.as_str().parse().unwrap(), item.depth)).collect(), sizes)
    }

    #[test]
    fn new_accounts_are_read_whole_in_batches_of_ten_and_others_when_their_day_is_over() {
        let before: Vec<Row> =
            (1..=30).map(|number| looked_at(number, if number <= 2 { 25 } else { 0 }, false)).collect();
        let (depths, sizes) = planned(before, 43, ROLE);
        assert_eq!(sizes, [10, 5, 25, 3]);
        for (number, depth) in depths {
            let expected = if number <= 2 || number > 30 { Depth::Deep } else { Depth::Flags };
            assert_eq!(depth, expected, "{number}");
        }
    }

    #[test]
    fn a_run_without_room_for_all_puts_off_the_youngest_and_says_which_were_never_read() {
        use Depth::{Deep, Flags, Later};
        let before = vec![looked_at(1, 25, false), looked_at(2, 60, false), looked_at(3, 0, false)];
        let depths = |most| planned(before.clone(), 5, Plan { most, ..ROLE }).0.into_values().collect::<Vec<_>>();
        assert_eq!(depths(3), [Flags, Deep, Flags, Deep, Deep]);
        assert_eq!(depths(1), [Flags, Flags, Flags, Deep, Later]);
    }

    #[test]
    fn a_missing_role_is_tried_with_the_others_and_all_means_all() {
        let before = vec![looked_at(1, 60, true), looked_at(2, 0, false)];
        assert_eq!(planned(before.clone(), 2, ROLE).0.into_values().collect::<Vec<_>>(), [Depth::Flags; 2]);
        let all = Plan { all: true, ..ROLE };
        assert_eq!(planned(before.clone(), 2, all).0.into_values().collect::<Vec<_>>(), [Depth::Deep; 2]);
        let all = Plan { all: true, ..ROOT };
        assert_eq!(planned(before, 2, all), ([(1, Depth::Deep), (2, Depth::Deep)].into(), vec![2]));
    }

    #[test]
    fn by_root_alone_a_list_of_batches_is_as_it_was_before_there_was_a_role() {
        let item = Item { member: member(1, "ACTIVE"), before: None, depth: Depth::Flags };
        let fields: Vec<String> = serde_json::to_value(&item).unwrap().as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["member"]);
        assert_eq!(planned(Vec::new(), 2, ROOT), ([(1, Depth::Flags), (2, Depth::Flags)].into(), vec![2]));
    }

    fn parse(exceptions: &[(&str, &str, &str)]) -> Declared {
        let entries: Vec<serde_json::Value> = exceptions
            .iter()
            .map(|(field, of, resource)| {
                serde_json::json!({"control": "user-mfa", "reason": "r", "owner": "o", "until": "2026-11-30", *field: of, "resource": resource})
            })
            .collect();
        Declared::parse(serde_json::json!({"exceptions": entries}).to_string().as_bytes(), now()).unwrap()
    }

    #[test]
    fn an_account_is_read_whole_once_what_is_declared_about_it_has_changed() {
        let about_two = parse(&[("account", "000000000002", "bob")]);
        let before = vec![looked_at(1, 0, false), looked_at(2, 0, false), looked_at(3, 0, true)];
        let depths =
            |before: &[Row], entries| declared(before.to_vec(), 3, ROLE, entries).0.into_values().collect::<Vec<_>>();
        assert_eq!(depths(&before, &about_two), [Depth::Flags, Depth::Deep, Depth::Flags]);
        let mut known = before.clone();
        let mark = mark(&about_two.of(&known[1].member, now()), now());
        let Outcome::Audited(audited) = &mut known[1].outcome else { panic!("it was audited") };
        audited.declared = mark;
        assert_eq!(depths(&known, &about_two), [Depth::Flags; 3]);
        assert_eq!(depths(&known, &Declared::default()), [Depth::Flags, Depth::Deep, Depth::Flags], "it was withdrawn");
    }

    #[test]
    fn a_batch_carries_what_is_about_its_accounts_and_no_more_than_an_event_holds() {
        let names: Vec<String> = (0..25).map(|number| number.to_string()).collect();
        let accounts = ["000000000002", "000000000003", "000000000004"];
        let mut entries: Vec<(&str, &str, &str)> = accounts
            .iter()
            .flat_map(|account| names.iter().map(move |name| ("account", *account, name.as_str())))
            .collect();
        entries.push(("ou", "ou-ab12-11111111", "all"));
        let declared = parse(&entries);
        let members: Vec<Member> = (1..=30).map(|number| member(number, "ACTIVE")).collect();
        let (management, own) = (member(998, "ACTIVE").account, member(999, "ACTIVE").account);
        let batches = batches("run", now(), &members, Vec::new(), (&management, &own), ROOT, &declared);
        assert_eq!(
            batches.iter().map(|batch| batch.items.len()).collect::<Vec<_>>(),
            [3, 25, 2],
            "the fourth account begins the next"
        );
        assert_eq!(batches.iter().map(|batch| batch.declared.exceptions.len()).collect::<Vec<_>>(), [51, 26, 1]);
    }
}
