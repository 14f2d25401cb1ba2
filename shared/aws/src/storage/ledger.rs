//! What was sent before, and what is still to be sent: one DynamoDB table.
//!
//! | `pk` | `sk` | item |
//! |---|---|---|
//! | `A#<account>` | `C#<condition>` | [`Condition`] |
//! | | `W#<Region>` | [`Coverage`] |
//! | | `K#<Region>` | [`Arrival`], the newest canary of the Region that arrived; `sent` is when it was sent |
//! | | `P#<start>` | [`Plan`], until 120 days after its end |
//! | | `W#<Region>#sign-ins` | [`Coverage`] of everybody's sign-ins there |
//! | | `H#heartbeat` | [`Journal`], with the schema of the version that wrote it |
//! | | `B#baseline` | [`Baseline`]: findings that are evaluated once an hour |
//! | `E#<account>` | event id, or a group's name | root activity, or monitoring tampering, that was sent, and how severe; kept 120 days, CloudTrail keeps 90. Of a group also `n`, how many it was when it was sent |
//! | `O#<account>` | `<ms>#<alert id>` | the outbox: an [`Alert`] with every fact that its words need |
//! | `L#<account>` | `publisher` | the lease of the run that sends |
//! | `Q#<account>` | key of an item, day | the body of an item that no check has written so, kept aside for 120 days |
//! | `N#<account>` | `<function>#<handed, passed or failed>` | a [`Note`] of the newest message that a function of ours passes on |
//! | `A#<organization>`, `O#<organization>`, `L#<organization>` | as above | what the audit of an organization remembers of itself, its outbox, and the lease of its sweep. What is remembered of its members, and what waits of them, is in partitions of their own, as above |
//!
//! Root activity has a partition of its own, so that one `Query` reads everything else that is remembered; and so have the notes, as
//! the functions that pass messages on may write nothing else. Items hold their value as
//! JSON in `body`. `v` counts the writes of an item that is written again: every such write names the count it has seen. Nothing
//! relies on the deletion of expired items: DynamoDB may take two days for it.
//!
//! Anyone who may write the table may write anything into it, and nothing in it may mute: a `v` that is no count is overwritten like
//! one, a lease or an event that lasts longer than any that is written counts for nothing, and so does a body that
//! [`Memory::take`] leaves out.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use alerts::Alert;
use alerts::sweep::Coverage;
use alerts::{Condition, Journal, Memory};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, ReturnValue, TransactWriteItem};
use checklist::Baseline;
use facts::relay::{Note, Relay};
use facts::root_activity::Plan;
use facts::source::Cause;
use facts::watch::Arrival;
use facts::{AccountId, text};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

mod items;

use items::{
    Item, Seen, aside, cut, is_seen, is_void, later, milliseconds, number_type, packed, pauses, seconds, text_of,
};

/// The IAM actions that are called here; a transaction needs those of its parts.
pub(crate) const ACTIONS: &[&str] =
    &["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query"];

/// The IAM actions of a function that passes messages on.
pub(crate) const NOTE_ACTIONS: &[&str] = &["dynamodb:PutItem"];

/// How long an event stays known, and a plan after its end.
const KEPT: SignedDuration = SignedDuration::from_hours(120 * 24);
/// What is kept longer was not written by a run; a clock may be set back by a day.
const KEPT_AT_MOST: SignedDuration = SignedDuration::from_hours(122 * 24);
/// A run lasts 15 minutes at most (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), its lease some
/// seconds more.
const LONGEST_LEASE: SignedDuration = SignedDuration::from_mins(16);
/// The sweep of an organization lasts an hour at most, its lease some seconds more.
const LONGEST_SWEEP: SignedDuration = SignedDuration::from_mins(61);
/// Most pages of 1 MB of what is remembered: tenfold of what hundreds of conditions need.
const MAX_PAGES: usize = 8;
/// Pages of what waits that are sent at once, and items after which no further page is read.
const MAX_WAITING_PAGES: usize = 8;
const MAX_WAITING: usize = 10_000;
/// Items of a page of what waits: small ones take more memory than they weigh.
const PAGE: i32 = 5_000;
/// Most writes of a transaction.
const MAX_WRITES: usize = 100;
/// Acts of a transaction: each is two writes.
const MAX_ACTS: usize = 50;
/// Most alerts of a message that are kept aside because they cannot be read.
const MAX_ASIDE: usize = 100;
/// Bytes of a key and of a body that are kept aside: an item takes 400 KB, its sort key 1,024 bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const MAX_KEY_ASIDE: usize = 900;
const MAX_BODY_ASIDE: usize = 380_000;
/// No group counts more acts: a check reads some ten thousands in a Region.
const MOST_COUNTED: i64 = 1_000_000;
/// Most keys of a `BatchGetItem`.
const MAX_KEYS: usize = 100;
/// What is noted as sent later than that after a canary that arrives was written by no check: the queue keeps none so long.
const LATEST_CANARY: SignedDuration = SignedDuration::from_hours(15 * 24);
/// Times that a transaction or a rest of a batch is tried.
const TRIES: u32 = 5;
/// Pause before the second try; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LEASE: &str = "publisher";
/// Condition of who changes its lease.
const IS_OWN: &str = "holder = :holder";

/// The ledger of one account, or of an organization.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    /// Whose alerts wait here.
    account: AccountId,
    /// The account, or the organization: the end of each `pk`.
    owner: String,
    /// A lease that lasts longer was written by no run.
    longest_lease: SignedDuration,
}

/// The state store did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("dynamodb:{operation} on table {table} {cause}")]
pub struct LedgerError {
    /// Name of the call.
    pub operation: &'static str,
    /// The table.
    pub table: String,
    /// What happened.
    pub cause: Cause,
}

/// Everything that is remembered, and which writing of it was seen.
#[derive(Debug, Clone, Default)]
pub struct Recalled {
    /// What earlier runs left behind.
    pub memory: Memory,
    /// When it was read.
    at: Timestamp,
    /// `v` as it was seen, whatever it is.
    versions: HashMap<String, AttributeValue>,
    /// Bodies of [`Memory::odd`], to be kept aside before they are overwritten.
    odd: HashMap<String, AttributeValue>,
}

/// Something to be written down.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A condition by its key.
    Condition(String, Box<Condition>),
    /// What was scanned of a Region.
    Coverage(String, Coverage),
    /// What is remembered once an account.
    Journal(Journal),
    /// Findings for the checks of this hour.
    Baseline(Baseline),
    /// An announced use of root.
    Plan(Plan),
    /// Something to be sent.
    Send(Alert),
}

/// The outcome of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// All of it stands.
    Written,
    /// Another run wrote one of the items meanwhile: recall, and decide again.
    Conflict,
}

/// The outcome of recording root activity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acts {
    /// So many are new and wait to be sent.
    pub new: usize,
    /// So many were not written down in time.
    pub left: usize,
}

/// An alert that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The alert.
    pub alert: Alert,
    key: String,
    /// What no check has written so, to be kept aside before it is removed.
    odd: Option<AttributeValue>,
}

impl Waiting {
    /// Its name among the alerts of the account that wait.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// What became of a message that was published to a function of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// SNS has it for the function.
    Handed,
    /// The other end took it.
    Passed,
    /// The other end did not take it.
    Failed,
}

/// The right to send, for one run at a time.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Names the run; no two runs share it.
    pub holder: String,
    /// The end of the lease, after which another run may take it.
    pub until: Timestamp,
}

/// What came of taking a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// Another run holds it.
    Held,
    /// It is taken; nobody had it.
    Free,
    /// It is taken, and its last holder did not give it back: a run that died, or the same run.
    NotReturned,
}

impl Ledger {
    /// The ledger of `account` in `table`.
    pub fn new(config: &SdkConfig, table: impl Into<String>, account: &AccountId) -> Self {
        Self::over(Client::new(config), table, account)
    }

    /// The ledger in `table` of the organization `id`, as `o-exampleorgid`, which `account` audits: its alerts are those of that account.
    /// A lease lasts an hour at most here.
    pub fn of_organization(config: &SdkConfig, table: impl Into<String>, id: &str, account: &AccountId) -> Self {
        Self::new(config, table, account).audits(id)
    }

    pub(crate) fn over(client: Client, table: impl Into<String>, account: &AccountId) -> Self {
        let owner = account.to_string();
        Self { client, table: table.into(), account: account.clone(), owner, longest_lease: LONGEST_LEASE }
    }

    fn audits(self, organization: &str) -> Self {
        Self { owner: organization.to_owned(), longest_lease: LONGEST_SWEEP, ..self }
    }

    /// Everything but root activity and the outbox; one call as long as it is less than 1 MB.
    ///
    /// # Errors
    /// When the table could not be read to its end.
    pub async fn recall(&self, now: Timestamp) -> Result<Recalled, LedgerError> {
        let mut recalled = Recalled { at: now, ..Recalled::default() };
        let mut pages = self.query("A").into_paginator().send();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else { return Ok(recalled) };
            for item in page.map_err(|error| self.failed("Query", &error))?.items.unwrap_or_default() {
                recalled.take(item, now);
            }
        }
        let detail = format!("partition A#{} has more than {MAX_PAGES} MB: delete what is not rootwatch's", self.owner);
        if pages.next().await.is_none() { Ok(recalled) } else { Err(self.error("Query", Cause::Malformed { detail })) }
    }

    /// Writes `groups` down, each whole or not at all, and remembers them in `recalled`. All of them are one transaction as long
    /// as they are at most 100 entries.
    ///
    /// # Errors
    /// When the table could not be written, also after several tries.
    pub async fn record(&self, recalled: &mut Recalled, groups: Vec<Vec<Entry>>) -> Result<Recorded, LedgerError> {
        for entries in packed(groups) {
            for key in entries.iter().filter_map(Entry::sort_key) {
                // Only a copy: what was odd is overwritten anyway, also by a run after a crash.
                if let Some(body) = recalled.odd.remove(&key) {
                    self.keep_aside(&key, body, recalled.at).await;
                }
            }
            let writes = entries.iter().map(|entry| self.write(recalled, entry)).collect::<Result<_, _>>()?;
            if !self.transact(writes).await?.is_empty() {
                return Ok(Recorded::Conflict);
            }
            for entry in entries {
                recalled.remember(entry);
            }
        }
        Ok(Recorded::Written)
    }

    /// Of `acts` those that were not sent before, and those that are worse by what CloudTrail completed since. A group is sent again
    /// when it has grown, a calm one when it has grown tenfold. A calm act of a group that was sent counts as sent with it.
    ///
    /// # Errors
    /// When the table could not be read.
    pub async fn unseen<'a>(&self, acts: &'a [Alert], now: Timestamp) -> Result<Vec<&'a Alert>, LedgerError> {
        let groups: Vec<Option<String>> = acts.iter().map(|alert| alert.act()?.calm_group()).collect();
        let ids = acts.iter().filter_map(Alert::event_id).chain(groups.iter().flatten().map(String::as_str));
        // DynamoDB refuses a request that names a key twice.
        let ids: Vec<&str> = ids.collect::<BTreeSet<_>>().into_iter().collect();
        let mut seen = HashMap::new();
        for ids in ids.chunks(MAX_KEYS) {
            let sent = self.get("E", ids).await?.into_iter().filter(|item| is_seen(item, now));
            seen.extend(sent.filter_map(|item| Some((text_of(&item, "sk")?, Seen::of(&item)))));
        }
        let is_seen = |alert: &Alert, group: Option<&String>| match alert.event_id().and_then(|id| seen.get(id)) {
            Some(sent) => sent.covers(alert),
            None => group.and_then(|group| seen.get(group)).is_some_and(Seen::is_of_group),
        };
        let unseen = acts.iter().zip(&groups).filter(|(alert, group)| !is_seen(alert, group.as_ref()));
        Ok(unseen.map(|(alert, _)| alert).filter(|alert| alert.event_id().is_some()).collect())
    }

    /// Records events (root activity, and monitoring tampering) as seen and waiting, in the order in which they come. An event that another
    /// run wrote first is left to that run.
    ///
    /// # Errors
    /// When the table could not be written; what was written until then stands.
    pub async fn record_acts(&self, acts: &[&Alert], now: Timestamp, deadline: Instant) -> Result<Acts, LedgerError> {
        let mut recorded = Acts { new: 0, left: acts.len() };
        for chunk in acts.chunks(MAX_ACTS) {
            let mut chunk = chunk.to_vec();
            let all = chunk.len();
            while !chunk.is_empty() {
                if Instant::now() >= deadline {
                    return Ok(recorded);
                }
                let mut writes = Vec::new();
                for alert in &chunk {
                    writes.push(self.event(alert, now)?);
                    writes.push(self.waiting(alert)?);
                }
                let refused = self.transact(writes).await?;
                if refused.is_empty() {
                    recorded.new += chunk.len();
                    break;
                }
                let is_refused = |number: usize| refused.contains(&(2 * number));
                chunk =
                    chunk.into_iter().enumerate().filter(|(n, _)| !is_refused(*n)).map(|(_, alert)| alert).collect();
            }
            recorded.left -= all;
        }
        Ok(recorded)
    }

    /// What waits, oldest first: some thousands at most, or 8 MB.
    ///
    /// # Errors
    /// When the table could not be read to its end.
    pub async fn waiting_alerts(&self, now: Timestamp) -> Result<Vec<Waiting>, LedgerError> {
        let mut waiting = Vec::new();
        let mut pages = self.query("O").limit(PAGE).into_paginator().send();
        for _ in 0..MAX_WAITING_PAGES {
            let Some(page) = pages.next().await else { break };
            let items = page.map_err(|error| self.failed("Query", &error))?.items.unwrap_or_default();
            waiting.extend(items.into_iter().filter_map(|item| self.read(item, now)));
            if waiting.len() >= MAX_WAITING {
                break;
            }
        }
        Ok(waiting)
    }

    /// Removes what was sent.
    ///
    /// # Errors
    /// When the table could not be written; what is left is sent again.
    pub async fn forget(&self, sent: &[Waiting], now: Timestamp) -> Result<(), LedgerError> {
        let odd = sent.iter().filter_map(|waiting| Some((&waiting.key, waiting.odd.clone()?)));
        for (key, body) in odd.take(MAX_ASIDE) {
            self.keep_aside(key, body, now).await;
        }
        for chunk in sent.chunks(MAX_WRITES) {
            let delete = |waiting: &Waiting| {
                let delete =
                    Delete::builder().table_name(&self.table).set_key(Some(self.key("O", &waiting.key))).build();
                delete.map(|delete| TransactWriteItem::builder().delete(delete).build())
            };
            let deletes = chunk.iter().map(delete).collect::<Result<_, _>>().map_err(|error| self.unbuilt(&error))?;
            self.transact(deletes).await?;
        }
        Ok(())
    }

    /// Takes the lease, unless another run holds it. A request that is repeated, because its answer was lost, meets its own.
    ///
    /// # Errors
    /// When the table could not be written.
    pub async fn acquire(&self, lease: &Lease, now: Timestamp) -> Result<Acquired, LedgerError> {
        let taken = self
            .put_lease(lease, lease.until)
            .condition_expression(format!("{IS_OWN} OR {}", is_void("#until")))
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":number", number_type())
            .expression_attribute_values(":now", milliseconds(now))
            .expression_attribute_values(":latest", milliseconds(later(now, self.longest_lease)))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match self.conditional("PutItem", taken)? {
            Some(taken) if taken.attributes().is_some_and(|old| !old.is_empty()) => Ok(Acquired::NotReturned),
            Some(_) => Ok(Acquired::Free),
            None => Ok(Acquired::Held),
        }
    }

    /// Gives the lease back, unless it ran out and another run holds it.
    ///
    /// # Errors
    /// When the table could not be written; then the lease ends by itself.
    pub async fn release(&self, lease: &Lease) -> Result<(), LedgerError> {
        let released = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(self.key("L", LEASE)))
            .condition_expression(IS_OWN)
            .expression_attribute_values(":holder", AttributeValue::S(lease.holder.clone()))
            .send()
            .await;
        self.conditional("DeleteItem", released).map(drop)
    }

    /// Ends the lease, unless it ran out and another run holds it. Who takes it next learns that it was not returned.
    ///
    /// # Errors
    /// When the table could not be written; then the lease ends by itself.
    pub async fn abandon(&self, lease: &Lease, now: Timestamp) -> Result<(), LedgerError> {
        let ended = self.put_lease(lease, now).condition_expression(IS_OWN).send().await;
        self.conditional("PutItem", ended).map(drop)
    }

    fn put_lease(&self, lease: &Lease, until: Timestamp) -> PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(self.key("L", LEASE)))
            .item("holder", AttributeValue::S(lease.holder.clone()))
            .item("until", milliseconds(until))
            .expression_attribute_values(":holder", AttributeValue::S(lease.holder.clone()))
    }

    /// What is to be written was decided, and other runs kept overwriting what it rests on.
    pub fn contested(&self) -> LedgerError {
        self.error("TransactWriteItems", Cause::Refused { code: "ConditionalCheckFailed".into() })
    }

    /// Notes what became of the newest message of the function `relay`. Whatever stood there is replaced.
    ///
    /// # Errors
    /// When the table could not be written.
    pub async fn note(&self, relay: &str, fate: Fate, note: &Note) -> Result<(), LedgerError> {
        let body = serde_json::to_string(note)
            .map_err(|error| self.error("PutItem", Cause::Malformed { detail: error.to_string() }))?;
        let item = self.key("N", &fate.key(relay));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.item("body", AttributeValue::S(body)).send().await.map(drop).map_err(|error| self.failed("PutItem", &error))
    }

    /// Notes that the canary of `region` arrived; one that was sent earlier replaces none that was sent later.
    ///
    /// # Errors
    /// When the table could not be written.
    pub async fn note_canary(&self, region: &str, arrival: &Arrival) -> Result<(), LedgerError> {
        let body = serde_json::to_string(arrival)
            .map_err(|error| self.error("PutItem", Cause::Malformed { detail: error.to_string() }))?;
        let put = self.client.put_item().table_name(&self.table);
        let noted = put
            .set_item(Some(self.key("A", &format!("K#{region}"))))
            .item("body", AttributeValue::S(body))
            .item("sent", milliseconds(arrival.sent_at))
            .condition_expression(is_void("sent"))
            .expression_attribute_values(":number", number_type())
            .expression_attribute_values(":now", milliseconds(arrival.sent_at))
            .expression_attribute_values(":latest", milliseconds(later(arrival.sent_at, LATEST_CANARY)))
            .send()
            .await;
        self.conditional("PutItem", noted).map(drop)
    }

    /// What is noted of the functions called `names`, which pass messages on. A note that cannot be read is none.
    ///
    /// # Errors
    /// When the table could not be read.
    pub async fn relays(&self, names: &[String]) -> Result<HashMap<String, Relay>, LedgerError> {
        // By key: whatever else is in the partition does no harm.
        let keys: BTreeSet<String> = names.iter().flat_map(|name| Fate::ALL.map(|fate| fate.key(name))).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut relays: HashMap<String, Relay> = HashMap::new();
        for keys in keys.chunks(MAX_KEYS) {
            for item in self.get("N", keys).await? {
                let Some(sort_key) = text_of(&item, "sk") else { continue };
                let Some((name, fate)) = sort_key.split_once('#') else { continue };
                let relay = relays.entry(name.to_owned()).or_default();
                let place = match fate {
                    "handed" => &mut relay.handed,
                    "passed" => &mut relay.passed,
                    "failed" => &mut relay.failed,
                    _ => continue,
                };
                let note = text_of(&item, "body").and_then(|body| serde_json::from_str::<Note>(&body).ok());
                *place = note.map(|note| Note { error: note.error.map(|error| text::bounded(&error)), ..note });
            }
        }
        Ok(relays)
    }

    fn query(&self, partition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", self.partition(partition))
    }

    /// Copies a body that no check has written so; the last one of a day and a key. Whatever it is, it holds up nothing.
    async fn keep_aside(&self, sort_key: &str, body: AttributeValue, now: Timestamp) {
        let key = aside(sort_key, now);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.key("Q", &key)));
        let put = put.item("body", cut(body)).item("ttl", seconds(later(now, KEPT)));
        if let Err(error) = put.send().await {
            let (error, key) = (self.failed("PutItem", &error), text::bounded(&key));
            tracing::warn!(%error, key, "a body that no check has written is not kept aside, and is lost");
        }
    }

    /// Those of the items `keys` that are there; at most [`MAX_KEYS`].
    async fn get(&self, partition: &str, keys: &[&str]) -> Result<Vec<Item>, LedgerError> {
        let keys = keys.iter().map(|key| self.key(partition, key)).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        let mut left = Some(HashMap::from([(self.table.clone(), keys.build().map_err(|error| self.unbuilt(&error))?)]));
        let mut items = Vec::new();
        for pause in pauses() {
            let answer = self.client.batch_get_item().set_request_items(left.take()).send().await;
            let answer = answer.map_err(|error| self.failed("BatchGetItem", &error))?;
            items.extend(answer.responses.unwrap_or_default().into_values().flatten());
            left = answer.unprocessed_keys.filter(|keys| !keys.is_empty());
            if left.is_none() {
                return Ok(items);
            }
            sleep(pause).await;
        }
        Err(self.error("BatchGetItem", Cause::Throttled { code: "UnprocessedKeys".into() }))
    }

    /// Writes all or nothing; the numbers of the writes whose condition did not hold, if nothing was written for that.
    async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Vec<usize>, LedgerError> {
        let mut cause = Cause::Internal;
        for pause in pauses() {
            let request = self.client.transact_write_items().set_transact_items(Some(writes.clone()));
            let Err(error) = request.send().await else { return Ok(Vec::new()) };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
            else {
                return Err(self.failed("TransactWriteItems", &error));
            };
            let codes: Vec<&str> =
                cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default()).collect();
            let refused = codes.iter().enumerate().filter(|(_, code)| **code == "ConditionalCheckFailed");
            let refused: Vec<usize> = refused.map(|(number, _)| number).collect();
            if !refused.is_empty() {
                return Ok(refused);
            }
            let code =
                codes.iter().find(|code| !["", "None"].contains(code)).unwrap_or(&"TransactionCanceledException");
            cause = Cause::Throttled { code: text::bounded(code) };
            if !["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"].contains(code) {
                cause = Cause::Refused { code: text::bounded(code) };
                break;
            }
            sleep(pause).await;
        }
        Err(self.error("TransactWriteItems", cause))
    }
}

#[cfg(test)]
mod tests;
