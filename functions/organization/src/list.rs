//! The first task: which accounts there are, and which of them are audited.

use std::collections::HashMap;

use aws::Acquired;
use aws::organization::accounts;
use aws::organization::runs;
use facts::{AccountId, text};
use jiff::{SignedDuration, Timestamp};
use members::{Depth, MAX_DEEP_ITEMS, Member, Plan, Tag};

use crate::request::{Deep, Listed, Task};
use crate::{Error, Organization, Settings, declared};

/// How long a run may last: the machine's `TimeoutSeconds`, and some time for the last task.
pub const RUN: SignedDuration = SignedDuration::from_mins(58);
/// Batches of deep looks that one after the other fit into the 50 minutes of the machine, at a minute each.
const DEEP_BATCHES: usize = 40;

impl Organization {
    /// Lists the accounts. That the organization cannot be audited is no error: the last task sends it.
    pub(crate) async fn list(
        &self,
        settings: &Settings,
        own: &AccountId,
        task: &Task,
        now: Timestamp,
    ) -> Result<Listed, Error> {
        let ledger = self.ledger(settings, own);
        let acquired = ledger.acquire(&lease(task, now), now).await?;
        if acquired == Acquired::Held {
            tracing::warn!(run = task.run, "another run is under way: this one ends");
            return Ok(Listed { busy: true, ..Listed::default() });
        }
        let answer = Listed { bucket: settings.bucket.clone(), concurrency: settings.concurrency, ..Listed::default() };
        let preflight = match accounts::preflight(&self.config, &settings.organization).await {
            Ok(preflight) => preflight,
            Err(fault) => {
                tracing::error!(fault, "the organization cannot be audited");
                return Ok(Listed { fault: Some(fault), ..answer });
            }
        };
        let management = Some(preflight.management.clone());
        let mut members = match accounts::list(&self.config).await {
            Ok(members) => members,
            Err(fault) => {
                tracing::error!(fault, "the organization cannot be audited");
                return Ok(Listed { fault: Some(fault), management, ..answer });
            }
        };
        let objects = self.runs(settings, own);
        let Before { rows: mut before, unread: before_unread, .. } = before(&objects).await;
        let special = (&preflight.management, own);
        let mut in_force = declared::in_force(&objects, members.len(), now).await;
        known_tags(&mut members, &before);
        if in_force.declared.asks_for_tags() {
            in_force.faults.extend(accounts::read_tags(&self.config, &mut members, now).await.err());
            in_force.tags_unread = members.iter().filter(|member| member.tag.is_none()).count();
        }
        in_force.faults.extend(in_force.declared.unmatched(&members, special));
        for fault in &in_force.faults {
            tracing::warn!(fault, "{}", runs::DECLARATIONS);
        }
        let listed_first = members::listed_first(&before, &members, special);
        // Results that could not be read are said by the last task, and are not replaced before that.
        if !listed_first.is_empty() && before_unread.is_none() {
            let kept = objects.put_latest(&[before.as_slice(), &listed_first].concat()).await;
            kept.unwrap_or_else(|error| {
                tracing::error!(%error, "if this run dies, alerts of a new account that leaves before the next are not sent");
            });
        }
        if acquired == Acquired::NotReturned {
            // A run that died may have recorded alerts of any account, also of one that no longer has a finding.
            before.iter_mut().for_each(|row| row.waiting = row.waiting.max(1));
        }
        let plan = plan(settings, task);
        let mut batches =
            members::batches(&task.run, task.started, &members, before, special, plan, &in_force.declared);
        objects.put_accounts(&task.run, &members).await?;
        in_force.faults.extend(objects.put_batches(&task.run, &mut batches).await?);
        objects.put_in_force(&task.run, &in_force).await?;
        let depth = |depth| batches.iter().flat_map(|batch| &batch.items).filter(|item| item.depth == depth).count();
        let (deep, later) = (depth(Depth::Deep), depth(Depth::Later));
        tracing::info!(accounts = members.len(), batches = batches.len(), deep, later, "listed");
        let key = runs::batches_key(&task.run);
        Ok(Listed { key, accounts: members.len(), batches: batches.len(), management, ..answer })
    }
}

/// Each account has the tag that earlier runs have read.
fn known_tags(members: &mut [Member], before: &[members::Row]) {
    let known: HashMap<&AccountId, &Tag> =
        before.iter().filter_map(|row| Some((&row.member.account, row.member.tag.as_ref()?))).collect();
    for member in members {
        member.tag = known.get(&member.account).copied().cloned();
    }
}

/// Everything of the accounts that are due, as many as the run has time for.
fn plan(settings: &Settings, task: &Task) -> Plan {
    let all = task.input.as_ref().is_some_and(|input| input.deep == Some(Deep::All));
    Plan { access: settings.access, all, most: DEEP_BATCHES * MAX_DEEP_ITEMS * usize::from(settings.concurrency) }
}

/// The rows of the run before.
pub(crate) struct Before {
    /// Those that could be read. Without them each account is read whole, and what joined or left since is not known.
    pub(crate) rows: Vec<members::Row>,
    /// Why some, or all, could not be read.
    pub(crate) unread: Option<String>,
    /// Whether the object could be read at all. One that could not may be whole, and is not replaced.
    pub(crate) is_readable: bool,
}

/// Reads the results that the last run has kept.
pub(crate) async fn before(objects: &runs::Runs) -> Before {
    let (rows, unread, is_readable) = match objects.latest().await {
        Ok(Some(lines)) => {
            (lines.read, (!lines.unread.is_empty()).then(|| text::bounded(&lines.unread.join("; "))), true)
        }
        Ok(None) => (Vec::new(), None, true),
        Err(error) => (Vec::new(), Some(text::bounded(&error.to_string())), false),
    };
    if let Some(fault) = &unread {
        tracing::error!(fault, "results of the last run could not be read: their accounts count as new");
    }
    Before { rows, unread, is_readable }
}

/// The lease of a run; its holder is the execution, so that its last task holds it, too.
pub(crate) fn lease(task: &Task, now: Timestamp) -> aws::Lease {
    let until = task.started.checked_add(RUN).unwrap_or(Timestamp::MAX).max(now);
    aws::Lease { holder: task.run.clone(), until }
}
