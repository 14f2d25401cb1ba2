//! Very many accounts as one run finds them: every kind of result, in a hundred units.
#![allow(clippy::expect_used, reason = "a broken sample must stop loudly")]
use facts::{Account, AccountId, Partition, Severity};
use jiff::{SignedDuration, Timestamp};
use members::{Audited, Cause, Cell, Flags, Found, Member, Outcome, Refusal, Row, Run, Skip};

const HOSTILE: [&str; 4] = [
    "<script>document.title='evil'</script>",
    "\"><img src=x onerror=\"document.title='evil'\">",
    "\u{202e}nigol toor\u{2066} abc",
    "=cmd|' /C calc'!A0",
];

/// The organization of these accounts.
pub(crate) const ID: &str = "o-exampleorg1";

/// The account of the stack.
pub(crate) fn home() -> Account {
    let id = AccountId::parse("111122223333").expect("an account");
    Account { id, alias: Some("security".into()), partition: Partition::Aws }
}

/// So many, by a run that began at `at`.
pub(crate) fn rows(count: usize, at: Timestamp) -> Vec<Row> {
    (1..=count).map(|number| Row::new(member(number), outcome(number, at))).collect()
}

fn member(number: usize) -> Member {
    let (id, unit) = (format!("{:012}", 200_000_000_000 + number), number % 97);
    let name = match number {
        0..40 if number.is_multiple_of(9) => HOSTILE[number / 9 % HOSTILE.len()].to_owned(),
        _ => format!("payments-team-{number}-production"),
    };
    let path = format!("{ID}/r-ab12/ou-ab12-{:08}/ou-ab12-{unit:08}/{id}/", unit % 7);
    let state = if number.is_multiple_of(401) { "SUSPENDED" } else { "ACTIVE" };
    Member::new(AccountId::parse(&id).expect("an account"), &name, Some(&path), state)
}

fn outcome(number: usize, at: Timestamp) -> Outcome {
    use Cell::{Failed, NeedsRole, NotApplicable, Passed, Suppressed, Unknown};
    let ago = |hours: usize| at - SignedDuration::from_hours(i64::try_from(hours).unwrap_or_default());
    let audited = |steps, open: &[(&str, Severity)], unknown: &[&str]| {
        let found = |(control, severity): &(&str, Severity)| Found {
            control: (*control).into(),
            severity: *severity,
            since: ago(number % 900),
        };
        Outcome::Audited(Box::new(Audited {
            at: at + SignedDuration::from_secs(i64::try_from(number % 600).unwrap_or_default()),
            whole_at: at,
            steps,
            root: Some(Flags {
                password: !open.is_empty(),
                access_keys: false,
                certificates: false,
                mfa: open.is_empty(),
            }),
            open: open.iter().map(found).collect(),
            unknown: unknown.iter().map(|control| (*control).to_owned()).collect(),
            is_stale: false,
            by_role: None,
            declared: None,
        }))
    };
    let (mfa, key) = (("root-mfa", Severity::Critical), ("root-access-keys", Severity::Critical));
    let (used, hardware) = (("root-unused", Severity::High), ("root-hardware-mfa", Severity::Medium));
    let before = number.is_multiple_of(2).then(|| ago(6));
    match number {
        _ if number.is_multiple_of(401) => Outcome::Skipped { why: Skip::Suspended },
        _ if number.is_multiple_of(33) => {
            let cause = if number.is_multiple_of(2) { Cause::ServiceControlPolicy } else { Cause::Denied };
            let said = "iam:GetAccountSummary: AccessDenied: with an explicit deny in a service control policy";
            Outcome::Refused(Refusal::new(cause, said, None, before, at))
        }
        _ if number.is_multiple_of(389) => {
            Outcome::NotLookedAt { error: "States.Timeout".into(), last_audited: before, deep_at: None }
        }
        _ if number.is_multiple_of(31) => {
            audited([Failed, Failed, NeedsRole, NeedsRole, NeedsRole], &[key, mfa, used], &[])
        }
        _ if number.is_multiple_of(29) => audited([Passed, Failed, Failed, NeedsRole, NeedsRole], &[mfa, used], &[]),
        _ if number.is_multiple_of(23) => audited([Passed, Failed, Passed, Failed, Passed], &[hardware], &[]),
        _ if number.is_multiple_of(53) => {
            audited([Passed, Unknown, NeedsRole, NeedsRole, NeedsRole], &[], &["root-hardware-mfa"])
        }
        _ if number.is_multiple_of(47) => audited([Passed, Suppressed, Passed, NotApplicable, Passed], &[], &[]),
        _ if number.is_multiple_of(5) => audited([Passed; 5], &[], &[]),
        _ => audited([Passed, Passed, NeedsRole, NeedsRole, NeedsRole], &[], &[]),
    }
}

/// The run that found them, without anything new.
pub(crate) fn run(rows: &[Row]) -> Run {
    Run::of(ID, "0e8d7f1c-2b0a-4c53-9a53-6d6d1f1f8f57", rows)
}
