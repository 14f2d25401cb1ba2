//! What was sent before, and what is still to be sent: one DynamoDB table.
//!
//! | `pk` | `sk` | item |
//! |---|---|---|
//! | `A#<account>` | `C#<condition>` | [`Condition`] |
//! | | `W#<Region>` | [`Coverage`] |
//! | | `K#<Region>` | [`Arrival`], the newest canary of the Region that arrived; `sent` is when it was sent |
//! | | `P#<start>` | [`Plan`], until 120 days after its end |
//! | | `W#<Region>#sign-ins` | [`Coverage`] of everybody's sign-ins there |
//! | | `H#heartbeat` | [`Journal`] |
//! | | `B#baseline` | [`Baseline`]: findings that are evaluated once an hour |
//! | `E#<account>` | event id, or a group's name | an act of root, or a change to what watches, that was sent, and how severe; kept 120 days, CloudTrail keeps 90. Of a group also `n`, how many it was when it was sent |
//! | `O#<account>` | `<ms>#<alert id>` | the outbox: an [`Alert`] with every fact that its words need |
//! | `L#<account>` | `publisher` | the lease of the run that sends |
//! | `Q#<account>` | key of an item, day | the body of an item that no check has written so, kept aside for 120 days |
//! | `N#<account>` | `<function>#<handed, passed or failed>` | a [`Note`] of the newest message that a function of ours passes on |
//!
//! Root's acts have a partition of their own, so that one `Query` reads everything else that is remembered; and so have the notes, as
//! the functions that pass messages on may write nothing else. Items hold their value as
//! JSON in `body`. `v` counts the writes of an item that is written again: every such write names the count it has seen. Nothing
//! relies on the deletion of expired items: DynamoDB may take two days for it.
//!
//! Whoever may write the table may write anything into it, and nothing in it may mute: a `v` that is no count is overwritten like
//! one, a lease or an event that lasts longer than any that is written counts for nothing, and so does a body that
//! [`Memory::take`] leaves out.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::time::Duration;

use alerts::Alert;
use alerts::sweep::Coverage;
use alerts::{BASELINE, Condition, JOURNAL, Journal, Memory};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use checklist::Baseline;
use facts::relay::{Note, Relay};
use facts::root_activity::Plan;
use facts::root_activity::RootActivity;
use facts::source::Cause;
use facts::watch::Arrival;
use facts::{AccountId, text};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::failure;

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
/// What is noted as sent later than that after a canary that arrives was written by nobody here: the queue keeps none so long.
const LATEST_CANARY: SignedDuration = SignedDuration::from_hours(15 * 24);
/// Times that a transaction or a rest of a batch is tried.
const TRIES: u32 = 5;
/// Pause before the second try; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LEASE: &str = "publisher";

/// The ledger of one account.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    account: AccountId,
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
    Condition(String, Condition),
    /// What was swept of a Region.
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

/// The outcome of writing root's acts down.
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

impl Ledger {
    /// The ledger of `account` in `table`.
    pub fn new(config: &SdkConfig, table: impl Into<String>, account: &AccountId) -> Self {
        Self { client: Client::new(config), table: table.into(), account: account.clone() }
    }

    #[cfg(test)]
    pub(crate) fn over(client: Client, table: &str, account: &AccountId) -> Self {
        Self { client, table: table.into(), account: account.clone() }
    }

    /// Everything but root's acts and the outbox; one call as long as it is less than 1 MB.
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
        let detail =
            format!("partition A#{} has more than {MAX_PAGES} MB: delete what is not rootwatch's", self.account);
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
            let told = self.get("E", ids).await?.into_iter().filter(|item| is_seen(item, now));
            seen.extend(told.filter_map(|item| Some((text_of(&item, "sk")?, Seen::of(&item)))));
        }
        let is_seen = |alert: &Alert, group: Option<&String>| match alert.event_id().and_then(|id| seen.get(id)) {
            Some(told) => told.covers(alert),
            None => group.and_then(|group| seen.get(group)).is_some_and(Seen::is_of_group),
        };
        let unseen = acts.iter().zip(&groups).filter(|(alert, group)| !is_seen(alert, group.as_ref()));
        Ok(unseen.map(|(alert, _)| alert).filter(|alert| alert.event_id().is_some()).collect())
    }

    /// Writes events (root's acts, and changes to the monitoring) as seen and waiting, in the order in which they come. An event that another
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
    pub async fn forget(&self, told: &[Waiting], now: Timestamp) -> Result<(), LedgerError> {
        let odd = told.iter().filter_map(|waiting| Some((&waiting.key, waiting.odd.clone()?)));
        for (key, body) in odd.take(MAX_ASIDE) {
            self.keep_aside(key, body, now).await;
        }
        for chunk in told.chunks(MAX_WRITES) {
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

    /// Takes the lease; `false` while another run holds it. A request that is repeated, because its answer was lost, meets its own.
    ///
    /// # Errors
    /// When the table could not be written.
    pub async fn acquire(&self, lease: &Lease, now: Timestamp) -> Result<bool, LedgerError> {
        let taken = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(self.key("L", LEASE)))
            .item("holder", AttributeValue::S(lease.holder.clone()))
            .item("until", milliseconds(lease.until))
            .condition_expression(format!("holder = :holder OR {}", is_void("#until")))
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":holder", AttributeValue::S(lease.holder.clone()))
            .expression_attribute_values(":number", number_type())
            .expression_attribute_values(":now", milliseconds(now))
            .expression_attribute_values(":latest", milliseconds(later(now, LONGEST_LEASE)))
            .send()
            .await;
        match taken {
            Ok(_) => Ok(true),
            Err(error) if is_conditional(&error) => Ok(false),
            Err(error) => Err(self.failed("PutItem", &error)),
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
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", AttributeValue::S(lease.holder.clone()))
            .send()
            .await;
        match released {
            Ok(_) => Ok(()),
            Err(error) if is_conditional(&error) => Ok(()),
            Err(error) => Err(self.failed("DeleteItem", &error)),
        }
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
        match noted {
            Ok(_) => Ok(()),
            Err(error) if is_conditional(&error) => Ok(()),
            Err(error) => Err(self.failed("PutItem", &error)),
        }
    }

    /// What is noted of the functions called `names`, which pass messages on. A note that cannot be read is none.
    ///
    /// # Errors
    /// When the table could not be read.
    pub async fn relays(&self, names: &[String]) -> Result<HashMap<String, Relay>, LedgerError> {
        // By key: whatever else stands in the partition is in nobody's way.
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

    fn write(&self, recalled: &Recalled, entry: &Entry) -> Result<TransactWriteItem, LedgerError> {
        match entry {
            Entry::Condition(key, condition) => self.versioned(recalled, format!("C#{key}"), condition),
            Entry::Coverage(region, coverage) => self.versioned(recalled, format!("W#{region}"), coverage),
            Entry::Journal(journal) => self.versioned(recalled, JOURNAL.into(), journal),
            Entry::Baseline(baseline) => self.versioned(recalled, BASELINE.into(), baseline),
            Entry::Plan(plan) => {
                let put = self.item("A", &format!("P#{}", plan.from), plan)?;
                let put = put.item("at", milliseconds(recalled.at));
                self.put(put.item("ttl", seconds(later(plan.to, KEPT))))
            }
            Entry::Send(alert) => self.waiting(alert),
        }
    }

    /// A write of something that is written again and again: only over the writing that was seen.
    fn versioned(
        &self,
        recalled: &Recalled,
        sort_key: String,
        value: &impl Serialize,
    ) -> Result<TransactWriteItem, LedgerError> {
        let seen = recalled.versions.get(&sort_key);
        let put = self.item("A", &sort_key, value)?.item("v", next_version(seen));
        self.put(match seen {
            // Values of any type can be compared
            // (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>).
            Some(seen) => put.condition_expression("v = :seen").expression_attribute_values(":seen", seen.clone()),
            None => put.condition_expression("attribute_not_exists(v)"),
        })
    }

    fn event(&self, alert: &Alert, now: Timestamp) -> Result<TransactWriteItem, LedgerError> {
        let id = alert.event_id().unwrap_or_default();
        let mut put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(self.key("E", id)))
            .item("ttl", seconds(later(now, KEPT)))
            .item("severity", AttributeValue::N(weight(alert).to_string()))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":number", number_type())
            .expression_attribute_values(":now", seconds(now))
            .expression_attribute_values(":latest", seconds(later(now, KEPT_AT_MOST)));
        let mut condition = is_void("#ttl");
        if alert.is_completed() {
            condition.push_str(" OR NOT attribute_type(#severity, :number) OR #severity < :severity");
            put = put
                .expression_attribute_names("#severity", "severity")
                .expression_attribute_values(":severity", AttributeValue::N(weight(alert).to_string()));
        }
        if let Some(count) = alert.count() {
            let told = told_as(alert, count);
            condition.push_str(" OR NOT attribute_type(n, :number) OR n < :least OR n > :most");
            put = put
                .item("n", number(count))
                .expression_attribute_values(":least", AttributeValue::N(told.start().to_string()))
                .expression_attribute_values(":most", AttributeValue::N(told.end().to_string()));
        }
        self.put(put.condition_expression(condition))
    }

    fn waiting(&self, alert: &Alert) -> Result<TransactWriteItem, LedgerError> {
        self.put(self.item("O", &format!("{:015}#{}", alert.at.as_millisecond(), alert.id), alert)?)
    }

    fn item(
        &self,
        partition: &str,
        sort_key: &str,
        value: &impl Serialize,
    ) -> Result<aws_sdk_dynamodb::types::builders::PutBuilder, LedgerError> {
        let body = serde_json::to_string(value)
            .map_err(|error| self.error("TransactWriteItems", Cause::Malformed { detail: error.to_string() }))?;
        let put = Put::builder().table_name(&self.table).set_item(Some(self.key(partition, sort_key)));
        Ok(put.item("body", AttributeValue::S(body)))
    }

    fn put(&self, put: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<TransactWriteItem, LedgerError> {
        let put = put.build().map_err(|error| self.unbuilt(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// An alert of another version of rootwatch may not be readable: it is sent all the same.
    fn read(&self, mut item: Item, now: Timestamp) -> Option<Waiting> {
        let key = text_of(&item, "sk")?;
        let body = text_of(&item, "body").unwrap_or_default();
        Some(match Alert::stored(&self.account, &body, now) {
            Some(alert) => Waiting { alert, key, odd: None },
            None => {
                let at = key.split('#').next().and_then(|at| at.parse().ok()).unwrap_or_default();
                let at = Timestamp::from_millisecond(at).unwrap_or_default().min(now);
                let alert = Alert::unreadable(&self.account, &key, at, &body);
                Waiting { alert, key, odd: item.remove("body") }
            }
        })
    }

    fn partition(&self, kind: &str) -> AttributeValue {
        AttributeValue::S(format!("{kind}#{}", self.account))
    }

    fn key(&self, kind: &str, sort_key: &str) -> Item {
        HashMap::from([("pk".into(), self.partition(kind)), ("sk".into(), AttributeValue::S(sort_key.into()))])
    }

    fn failed<E: ProvideErrorMetadata, R>(&self, operation: &'static str, error: &SdkError<E, R>) -> LedgerError {
        self.error(operation, failure::cause(error))
    }

    fn unbuilt(&self, error: &aws_smithy_types::error::operation::BuildError) -> LedgerError {
        self.error("TransactWriteItems", Cause::Malformed { detail: error.to_string() })
    }

    fn error(&self, operation: &'static str, cause: Cause) -> LedgerError {
        LedgerError { operation, table: self.table.clone(), cause }
    }
}

impl Entry {
    /// Where it is kept, if something may stand there already.
    fn sort_key(&self) -> Option<String> {
        match self {
            Self::Condition(key, _) => Some(format!("C#{key}")),
            Self::Coverage(region, _) => Some(format!("W#{region}")),
            Self::Journal(_) => Some(JOURNAL.to_owned()),
            Self::Baseline(_) => Some(BASELINE.to_owned()),
            Self::Plan(plan) => Some(format!("P#{}", plan.from)),
            Self::Send(_) => None,
        }
    }
}

impl Fate {
    const ALL: [Self; 3] = [Self::Handed, Self::Passed, Self::Failed];

    /// Where it is noted of the function `relay`.
    fn key(self, relay: &str) -> String {
        format!("{relay}#{}", self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Handed => "handed",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

impl Recalled {
    fn take(&mut self, mut item: Item, now: Timestamp) {
        let Some(sort_key) = text_of(&item, "sk") else { return };
        if sort_key.starts_with("P#") && is_expired(&item, now) {
            return;
        }
        let body = text_of(&item, "body").unwrap_or_default();
        let announced = number_of(&item, "at").and_then(|at| Timestamp::from_millisecond(at).ok());
        if let (false, Some(body)) = (self.memory.take(&sort_key, &body, announced, now), item.remove("body")) {
            self.odd.insert(sort_key.clone(), body);
        }
        if let Some(version) = item.remove("v") {
            self.versions.insert(sort_key, version);
        }
    }

    fn remember(&mut self, entry: Entry) {
        if let Some(sort_key) = entry.sort_key() {
            let version = next_version(self.versions.get(&sort_key));
            self.versions.insert(sort_key, version);
        }
        let memory = &mut self.memory;
        match entry {
            Entry::Condition(key, condition) => drop(memory.conditions.insert(key, condition)),
            Entry::Coverage(region, coverage) => drop(memory.coverage.insert(region, coverage)),
            Entry::Journal(journal) => memory.journal = journal,
            Entry::Baseline(baseline) => memory.baseline = Some(baseline),
            Entry::Plan(plan) => memory.plans.push(plan),
            Entry::Send(_) => {}
        }
    }
}

/// One more than what was seen; what is no count begins anew.
fn next_version(seen: Option<&AttributeValue>) -> AttributeValue {
    let seen = seen.and_then(|seen| seen.as_n().ok()?.parse::<u64>().ok());
    AttributeValue::N(seen.and_then(|seen| seen.checked_add(1)).unwrap_or(1).to_string())
}

/// Holds where `name` is no time from `:now` to `:latest`, or is not there at all. A comparison of other types would never hold.
fn is_void(name: &str) -> String {
    format!("attribute_not_exists(pk) OR NOT attribute_type({name}, :number) OR {name} < :now OR {name} > :latest")
}

fn number_type() -> AttributeValue {
    AttributeValue::S("N".into())
}

fn aside(sort_key: &str, now: Timestamp) -> String {
    let day = now.strftime("%Y-%m-%d");
    if sort_key.len() <= MAX_KEY_ASIDE {
        return format!("{sort_key}#{day}");
    }
    // Two that begin alike stay two.
    let mut hash = DefaultHasher::new();
    sort_key.hash(&mut hash);
    let mut kept = sort_key.to_owned();
    kept.truncate(kept.floor_char_boundary(MAX_KEY_ASIDE));
    format!("{kept}#{:016x}#{day}", hash.finish())
}

fn cut(body: AttributeValue) -> AttributeValue {
    match body {
        AttributeValue::S(mut text) => {
            text.truncate(text.floor_char_boundary(MAX_BODY_ASIDE));
            AttributeValue::S(text)
        }
        AttributeValue::B(bytes) => {
            let mut bytes = bytes.into_inner();
            bytes.truncate(MAX_BODY_ASIDE);
            AttributeValue::B(Blob::new(bytes))
        }
        other => other,
    }
}

type Item = HashMap<String, AttributeValue>;

/// Groups side by side, as many as fit into a transaction; a group that is larger goes alone, and is refused.
fn packed(groups: Vec<Vec<Entry>>) -> Vec<Vec<Entry>> {
    let mut packed: Vec<Vec<Entry>> = Vec::new();
    for group in groups.into_iter().filter(|group| !group.is_empty()) {
        match packed.last_mut() {
            Some(last) if last.len() + group.len() <= MAX_WRITES => last.extend(group),
            _ => packed.push(group),
        }
    }
    packed
}

fn pauses() -> impl Iterator<Item = Duration> {
    (0..TRIES).map(|number| FIRST_PAUSE * 2u32.pow(number))
}

fn is_conditional<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().and_then(|error| error.meta().code()) == Some("ConditionalCheckFailedException")
}

/// As a number that can be compared.
/// An event that was sent: how severe it was, and of a group how many it counted.
struct Seen {
    severity: Option<i64>,
    count: Option<i64>,
}

impl Seen {
    fn of(item: &Item) -> Self {
        Self { severity: number_of(item, "severity"), count: number_of(item, "n") }
    }

    /// Whether `alert` is no news. What is no number was not written by a check, and covers nothing.
    fn covers(&self, alert: &Alert) -> bool {
        let is_worse = alert.is_completed() && self.severity.is_none_or(|told| told < weight(alert));
        let is_known = |count| self.count.is_some_and(|told| told_as(alert, count).contains(&told));
        !is_worse && alert.count().is_none_or(is_known)
    }

    /// Whether it is a group as a check writes it down.
    fn is_of_group(&self) -> bool {
        self.count.is_some_and(|count| (1..=MOST_COUNTED).contains(&count))
    }
}

fn weight(alert: &Alert) -> i64 {
    alert.severity as i64
}

fn text_of(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn number_of(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn is_expired(item: &Item, now: Timestamp) -> bool {
    number_of(item, "ttl").is_some_and(|ttl| ttl < now.as_second())
}

/// The opposite of [`is_void`].
fn is_seen(item: &Item, now: Timestamp) -> bool {
    let whole = |number: &String| number.split('.').next()?.parse::<i64>().ok();
    let ends = item.get("ttl").and_then(|ttl| whole(ttl.as_n().ok()?));
    ends.is_some_and(|ends| (now.as_second()..=later(now, KEPT_AT_MOST).as_second()).contains(&ends))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The counts with which a group of `count` may have been sent so that it is no news: a calm one with more than a tenth, any other with all of
/// them. No run writes ten times as many as there are: such a count would mute further acts.
fn told_as(alert: &Alert, count: usize) -> RangeInclusive<i64> {
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let is_calm = alert.act().is_some_and(RootActivity::is_calm);
    let least = if is_calm { (count / 10).saturating_add(1) } else { count };
    whole(least)..=whole(count.saturating_mul(10))
}

fn number(count: usize) -> AttributeValue {
    AttributeValue::N(count.to_string())
}

fn seconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}

fn milliseconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use alerts::What;
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
    use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
    use aws_sdk_dynamodb::operation::query::QueryOutput;
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use facts::record::TrailEvent;
    use facts::{Account, Partition, Severity};

    use super::*;

    const NOW: &str = "2026-11-20T10:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn account() -> AccountId {
        AccountId::parse("111122223333").unwrap()
    }

    fn ledger(rules: &[&Rule]) -> Ledger {
        Ledger {
            client: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules),
            table: "t".into(),
            account: account(),
        }
    }

    fn act(id: &str) -> Alert {
        let record = include_str!("../../../facts/samples/records/18-root-readonly-list-buckets.json");
        let account = Account { id: account(), alias: None, partition: Partition::Aws };
        let event = TrailEvent { record: Some(record.into()), ..TrailEvent::default() };
        let act = RootActivity { event_id: id.into(), ..RootActivity::classify(&event, &account, None).unwrap() };
        let what = What::RootActivity(Box::new(act));
        Alert { id: format!("111122223333/root/{id}"), at: now(), severity: facts::Severity::Low, account, what }
    }

    fn cancelled(codes: &[&str]) -> TransactWriteItemsError {
        let reason = |code: &&str| CancellationReason::builder().code(*code).build();
        let reasons = codes.iter().map(reason).collect();
        TransactWriteItemsError::TransactionCanceledException(
            TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).build(),
        )
    }

    fn journal() -> Vec<Vec<Entry>> {
        vec![vec![Entry::Journal(Journal::default())]]
    }

    #[tokio::test]
    async fn st_11_a_write_over_another_runs_is_a_conflict_and_not_tried_again() {
        let rule = mock!(Client::transact_write_items).then_error(|| cancelled(&["ConditionalCheckFailed", "None"]));
        let mut recalled = Recalled::default();
        let recorded = ledger(&[&rule]).record(&mut recalled, journal()).await;
        assert_eq!((recorded, rule.num_calls()), (Ok(Recorded::Conflict), 1));
        assert!(recalled.versions.is_empty(), "nothing is remembered of it");
    }

    #[tokio::test(start_paused = true)]
    async fn st_11_what_passes_is_tried_five_times_and_then_an_error() {
        for code in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
            let rule = mock!(Client::transact_write_items).then_error(|| cancelled(&["None", code]));
            let error = ledger(&[&rule]).record(&mut Recalled::default(), journal()).await.unwrap_err();
            assert_eq!((error.cause, rule.num_calls()), (Cause::Throttled { code: code.into() }, 5));
        }
    }

    #[tokio::test]
    async fn a_transaction_that_can_never_be_written_is_not_tried_again() {
        let rule = mock!(Client::transact_write_items).then_error(|| cancelled(&["ValidationError"]));
        let error = ledger(&[&rule]).record(&mut Recalled::default(), journal()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "dynamodb:TransactWriteItems on table t failed (ValidationError)",
            "operation, object and cause"
        );
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_second_write_names_the_first_ones_version() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let conditions = Arc::clone(&seen);
        let rule = mock!(Client::transact_write_items).then_compute_output(move |request| {
            let put = request.transact_items()[0].put().unwrap();
            let version = put.expression_attribute_values().and_then(|values| values.get(":seen")).cloned();
            conditions.lock().unwrap().push((
                put.condition_expression().unwrap().to_owned(),
                version,
                put.item()["v"].clone(),
            ));
            TransactWriteItemsOutput::builder().build()
        });
        let (ledger, mut recalled) = (ledger(&[&rule]), Recalled::default());
        for _ in 0..2 {
            assert_eq!(ledger.record(&mut recalled, journal()).await, Ok(Recorded::Written));
        }
        let number = |number: &str| AttributeValue::N(number.into());
        assert_eq!(
            *seen.lock().unwrap(),
            [
                ("attribute_not_exists(v)".to_owned(), None, number("1")),
                ("v = :seen".to_owned(), Some(number("1")), number("2"))
            ]
        );
    }

    #[test]
    fn a_version_that_is_no_count_is_overwritten_on_condition_of_itself_and_counting_begins_anew() {
        let ledger = ledger(&[]);
        let number = |number: &str| AttributeValue::N(number.into());
        for (odd, next) in [
            (number("-1"), "1"),
            (number("1.5"), "1"),
            (number("18446744073709551615"), "1"),
            (number("7"), "8"),
            (AttributeValue::S("7".into()), "1"),
            (AttributeValue::Null(true), "1"),
            (AttributeValue::M(HashMap::new()), "1"),
        ] {
            let mut recalled = Recalled::default();
            recalled.versions.insert(JOURNAL.into(), odd.clone());
            let write = ledger.write(&recalled, &Entry::Journal(Journal::default())).unwrap();
            let put = write.put.unwrap();
            assert_eq!(put.condition_expression(), Some("v = :seen"));
            assert_eq!(put.expression_attribute_values().unwrap()[":seen"], odd);
            assert_eq!(put.item()["v"], number(next));
            recalled.remember(Entry::Journal(Journal::default()));
            assert_eq!(recalled.versions[JOURNAL], number(next));
        }
    }

    #[tokio::test]
    async fn an_event_that_is_kept_longer_than_any_or_by_no_time_counts_as_unseen() {
        let ends = |days: i64| (now() + SignedDuration::from_hours(24 * days)).as_second().to_string();
        let number = AttributeValue::N;
        for (ttl, is_seen) in [
            (Some(number(ends(120))), true),
            (Some(number(ends(121))), true),
            (Some(number(ends(123))), false),
            (Some(number(format!("{}.5", ends(1)))), true),
            (Some(number("9.9E+100".into())), false),
            (Some(number("-1".into())), false),
            (Some(AttributeValue::S(ends(1))), false),
            (None, false),
        ] {
            let mut item = event("1", 0);
            item.remove("ttl");
            item.extend(ttl.clone().map(|ttl| ("ttl".to_owned(), ttl)));
            let rule = mock!(Client::batch_get_item)
                .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build());
            let unseen = ledger(&[&rule]).unseen(&[act("1")], now()).await.map(|unseen| unseen.len());
            assert_eq!(unseen, Ok(usize::from(!is_seen)), "{ttl:?}");
        }
    }

    #[test]
    fn a_group_is_never_torn_apart_and_a_transaction_has_at_most_100_writes() {
        let group = |size| (0..size).map(|_| Entry::Journal(Journal::default())).collect::<Vec<_>>();
        let sizes = |groups: &[usize]| {
            packed(groups.iter().map(|size| group(*size)).collect()).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[50, 50]), [100]);
        assert_eq!(sizes(&[50, 51]), [50, 51]);
        assert_eq!(sizes(&[0, 1, 0]), [1]);
        assert_eq!(sizes(&[99, 1, 1, 2]), [100, 3]);
    }

    #[tokio::test]
    async fn an_act_that_cloudtrail_completed_is_told_again_only_if_that_makes_it_worse() {
        let told = |severity: Option<AttributeValue>| {
            let severity = severity.map(|severity| ("severity".to_owned(), severity));
            let item = HashMap::from([
                ("sk".to_owned(), AttributeValue::S("1".into())),
                ("ttl".to_owned(), seconds(later(now(), KEPT))),
            ]);
            let item = item.into_iter().chain(severity);
            let item: Item = item.collect();
            mock!(Client::batch_get_item)
                .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build())
        };
        let number = |severity: Severity| AttributeValue::N((severity as u8).to_string());
        let alert = |severity, completed: bool| {
            let mut alert = Alert { severity, ..act("1") };
            if let What::RootActivity(act) = &mut alert.what {
                act.completed = completed.then(|| "responseElements".into());
            }
            alert
        };
        for (before, now_it_is, completed, is_told) in [
            (Some(number(Severity::Medium)), Severity::Critical, true, true),
            (Some(number(Severity::Critical)), Severity::Critical, true, false),
            (Some(number(Severity::Critical)), Severity::Medium, true, false),
            (Some(number(Severity::Low)), Severity::Critical, false, false),
            (Some(AttributeValue::S("99".into())), Severity::Low, true, true),
            (None, Severity::Low, true, true),
        ] {
            let rule = told(before.clone());
            let alerts = [alert(now_it_is, completed)];
            let unseen = ledger(&[&rule]).unseen(&alerts, now()).await.unwrap();
            assert_eq!(unseen.len() == 1, is_told, "{before:?} {now_it_is:?} {completed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn acts_that_another_run_wrote_first_are_its_and_the_others_are_written() {
        let calls = AtomicUsize::new(0);
        let rule = mock!(Client::transact_write_items)
            .sequence()
            .error(|| cancelled(&["None", "None", "ConditionalCheckFailed", "None"]))
            .output(move || {
                calls.fetch_add(1, Ordering::Relaxed);
                TransactWriteItemsOutput::builder().build()
            })
            .build();
        let acts = [act("1"), act("2")];
        let later = Instant::now() + Duration::from_secs(60);
        let recorded = ledger(&[&rule]).record_acts(&acts.iter().collect::<Vec<_>>(), now(), later).await;
        assert_eq!((recorded, rule.num_calls()), (Ok(Acts { new: 1, left: 0 }), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn ct_6_ten_thousand_acts_are_two_hundred_transactions_and_the_deadline_leaves_the_rest() {
        let rule = mock!(Client::transact_write_items).then_compute_output(|request| {
            assert!(request.transact_items().len() <= MAX_WRITES);
            TransactWriteItemsOutput::builder().build()
        });
        let acts: Vec<Alert> = (0..10_000).map(|number| act(&number.to_string())).collect();
        let acts: Vec<&Alert> = acts.iter().collect();
        let ledger = ledger(&[&rule]);
        let recorded = ledger.record_acts(&acts, now(), Instant::now() + Duration::from_secs(60)).await;
        assert_eq!((recorded, rule.num_calls()), (Ok(Acts { new: 10_000, left: 0 }), 200));
        let late = ledger.record_acts(&acts, now(), Instant::now()).await;
        assert_eq!(late, Ok(Acts { new: 0, left: 10_000 }));
    }

    fn event(id: &str, ttl: i64) -> Item {
        HashMap::from([("sk".into(), AttributeValue::S(id.into())), ("ttl".into(), AttributeValue::N(ttl.to_string()))])
    }

    #[tokio::test]
    async fn st_15_an_act_whose_time_to_live_is_over_counts_as_unseen_also_while_it_is_there() {
        let rule = mock!(Client::batch_get_item).then_output(|| {
            let ends = now().as_second();
            let items = vec![event("lives", ends), event("expired", ends - 1)];
            BatchGetItemOutput::builder().responses("t", items).build()
        });
        let acts = [act("lives"), act("expired"), act("new")];
        let unseen = ledger(&[&rule]).unseen(&acts, now()).await.unwrap();
        assert_eq!(unseen, [&acts[1], &acts[2]]);
    }

    /// A group of so many acts.
    fn group(count: usize) -> Alert {
        let Alert { what: What::RootActivity(one), .. } = act("1") else { panic!("an act") };
        let acts = (0..count).map(|number| RootActivity { event_id: number.to_string(), ..*one.clone() });
        let acts = facts::root_activity::gather(acts.collect());
        alerts::of_root(&acts[0], &Account { id: account(), alias: None, partition: Partition::Aws }, now())
    }

    #[tokio::test]
    async fn a_group_is_told_again_when_it_has_grown_tenfold_and_what_is_of_it_with_it() {
        let name = group(101).event_id().map(str::to_owned).unwrap();
        let rule = mock!(Client::batch_get_item).then_compute_output(move |_| {
            let mut told = event(&name, now().as_second());
            told.insert("n".into(), AttributeValue::N("500".into()));
            BatchGetItemOutput::builder().responses("t", vec![told]).build()
        });
        let unseen = async |alert: Alert| ledger(&[&rule]).unseen(&[alert], now()).await.unwrap().len();
        assert_eq!([unseen(group(499)).await, unseen(group(4_999)).await, unseen(group(5_000)).await], [0, 0, 1]);
        assert_eq!(unseen(act("one of them")).await, 0, "one that only reads");
        let mut worse = act("worse");
        if let What::RootActivity(act) = &mut worse.what {
            act.kind = facts::root_activity::Kind::WriteCall;
        }
        assert_eq!(unseen(worse).await, 1, "what changes something is never told with others alone");
    }

    #[tokio::test]
    async fn a_key_is_asked_for_once_also_of_acts_that_share_a_group() {
        let rule = mock!(Client::batch_get_item).then_compute_output(|request| {
            assert_eq!(request.request_items().unwrap()["t"].keys().len(), 3);
            BatchGetItemOutput::builder().build()
        });
        assert_eq!(ledger(&[&rule]).unseen(&[act("1"), act("2")], now()).await.unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_of_a_batch_is_asked_for_again_and_what_never_comes_is_an_error() {
        let keys = || KeysAndAttributes::builder().keys(HashMap::new()).build().unwrap();
        let short = move || BatchGetItemOutput::builder().unprocessed_keys("t", keys()).build();
        let comes = mock!(Client::batch_get_item)
            .sequence()
            .output(short)
            .output(|| BatchGetItemOutput::builder().responses("t", vec![event("1", now().as_second())]).build())
            .build();
        assert_eq!(ledger(&[&comes]).unseen(&[act("1")], now()).await, Ok(Vec::new()));
        let never = mock!(Client::batch_get_item).then_output(short);
        assert!(ledger(&[&never]).unseen(&[act("1")], now()).await.is_err());
        assert_eq!(never.num_calls(), 5);
    }

    #[tokio::test]
    async fn more_than_100_acts_are_looked_up_in_parts() {
        let rule = mock!(Client::batch_get_item).then_compute_output(|request| {
            let keys = request.request_items().unwrap()["t"].keys().len();
            // 101 acts, and the name of their group.
            assert!(keys == 100 || keys == 2, "{keys}");
            BatchGetItemOutput::builder().build()
        });
        let acts: Vec<Alert> = (0..101).map(|number| act(&number.to_string())).collect();
        assert_eq!(ledger(&[&rule]).unseen(&acts, now()).await.unwrap().len(), 101);
        assert_eq!(rule.num_calls(), 2);
    }

    /// A group that counts `count`, of acts that changed nothing or of new keys.
    fn counted(count: usize, is_calm: bool) -> Alert {
        let mut alert = act("fold/x");
        let What::RootActivity(act) = &mut alert.what else { panic!("an act") };
        if !is_calm {
            act.kind = facts::root_activity::Kind::RootAccessKeyCreated;
        }
        let alike = facts::root_activity::Alike::Source;
        act.folded = Some(facts::root_activity::Folded { count, since: None, example: "1".into(), alike, sessions: 0 });
        alert
    }

    #[tokio::test]
    async fn a_group_is_news_when_it_grew_one_that_is_calm_tenfold_and_a_count_that_nobody_wrote_mutes_nothing() {
        let number = |number: i64| AttributeValue::N(number.to_string());
        for (told, count, is_calm, is_news) in [
            (number(2), 3, false, true),
            (number(19), 20, false, true),
            (number(20), 20, false, false),
            (number(30), 20, false, false),
            (number(200), 20, false, false),
            (number(201), 20, false, true),
            (number(1_000_000_000), 20, false, true),
            (number(150), 1_499, true, false),
            (number(150), 1_500, true, true),
            (number(1_500), 150, true, false),
            (number(1_501), 150, true, true),
            (number(1_000_000_000), 150, true, true),
            (number(-1), 150, true, true),
            (AttributeValue::S("150".into()), 150, true, true),
        ] {
            let mut item = event("fold/x", (now() + SignedDuration::from_hours(1)).as_second());
            item.insert("n".into(), told.clone());
            let rule = mock!(Client::batch_get_item)
                .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build());
            let alert = counted(count, is_calm);
            let ledger = ledger(&[&rule]);
            let unseen = ledger.unseen(std::slice::from_ref(&alert), now()).await.unwrap();
            assert_eq!(unseen.len() == 1, is_news, "{told:?} {count} {is_calm}");
            // The write agrees.
            let put = ledger.event(&alert, now()).unwrap().put.unwrap();
            assert!(put.condition_expression().unwrap().contains("n < :least OR n > :most"));
            let bound = |name: &str| put.expression_attribute_values().unwrap()[name].as_n().unwrap().parse::<i64>();
            let told = told.as_n().ok().and_then(|told| told.parse::<i64>().ok());
            let is_written = told.is_none_or(|told| told < bound(":least").unwrap() || told > bound(":most").unwrap());
            assert_eq!(is_written, is_news, "{told:?} {count} {is_calm}");
        }
    }

    #[tokio::test]
    async fn an_act_is_told_with_its_group_only_where_the_group_is_one_that_a_check_wrote_down() {
        let number = |number: &str| Some(AttributeValue::N(number.into()));
        for (count, is_told) in [
            (number("150"), false),
            (number("1000000000"), true),
            (number("0"), true),
            (number("1.5"), true),
            (Some(AttributeValue::S("150".into())), true),
            (None, true),
        ] {
            let alert = act("1");
            let name = alert.act().unwrap().calm_group().unwrap();
            let mut item = event(&name, (now() + SignedDuration::from_hours(1)).as_second());
            item.extend(count.clone().map(|count| ("n".to_owned(), count)));
            let rule = mock!(Client::batch_get_item)
                .then_output(move || BatchGetItemOutput::builder().responses("t", vec![item.clone()]).build());
            let unseen = ledger(&[&rule]).unseen(&[alert], now()).await.unwrap().len();
            assert_eq!(unseen == 1, is_told, "{count:?}");
        }
    }

    #[tokio::test]
    async fn a_copy_that_cannot_be_made_holds_up_neither_forgetting_nor_recording() {
        let denied = mock!(Client::put_item)
            .then_error(|| PutItemError::generic(ErrorMetadata::builder().code("ValidationException").build()));
        let written = mock!(Client::transact_write_items).then_output(|| TransactWriteItemsOutput::builder().build());
        let ledger = ledger(&[&denied, &written]);
        let odd = AttributeValue::S("?".into());
        let alert = Alert::unreadable(&account(), "1#x", now(), "?");
        let waiting = Waiting { alert, key: "1#x".into(), odd: Some(odd.clone()) };
        assert_eq!(ledger.forget(&[waiting], now()).await, Ok(()));
        let mut recalled = Recalled::default();
        recalled.odd.insert(JOURNAL.into(), odd);
        assert_eq!(ledger.record(&mut recalled, journal()).await, Ok(Recorded::Written));
        assert_eq!((denied.num_calls(), written.num_calls()), (2, 2));
    }

    #[tokio::test]
    async fn notes_are_read_by_their_keys_each_once() {
        let rule = mock!(Client::batch_get_item).then_compute_output(|request| {
            let keys = request.request_items().unwrap()["t"].keys();
            assert_eq!(keys.len(), 6);
            assert!(keys.iter().all(|key| key["pk"] == AttributeValue::S("N#111122223333".into())));
            let body = AttributeValue::S(r#"{"message_id":"1","sent_at":"2026-11-20T09:00:00Z"}"#.into());
            let item =
                HashMap::from([("sk".to_owned(), AttributeValue::S("a#passed".into())), ("body".to_owned(), body)]);
            BatchGetItemOutput::builder().responses("t", vec![item]).build()
        });
        let ledger = ledger(&[&rule]);
        let relays = ledger.relays(&["a".into(), "b".into(), "a".into()]).await.unwrap();
        assert!(relays["a"].passed.is_some() && relays["a"].handed.is_none());
        assert_eq!(ledger.relays(&[]).await, Ok(HashMap::new()));
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_lease_that_another_run_holds_is_no_error_and_a_denial_is() {
        let lease = Lease { holder: "run".into(), until: now() };
        let held = mock!(Client::put_item).then_error(|| {
            let metadata = ErrorMetadata::builder().code("ConditionalCheckFailedException").build();
            PutItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder().meta(metadata).build(),
            )
        });
        assert_eq!(ledger(&[&held]).acquire(&lease, now()).await, Ok(false));
        let free = mock!(Client::put_item).then_output(|| PutItemOutput::builder().build());
        assert_eq!(ledger(&[&free]).acquire(&lease, now()).await, Ok(true));
        let denied = mock!(Client::put_item)
            .then_error(|| PutItemError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert!(ledger(&[&denied]).acquire(&lease, now()).await.is_err());
    }

    #[tokio::test]
    async fn items_that_cannot_be_read_are_named_and_expired_plans_are_forgotten() {
        let item = |key: &str, body: &str, ttl: i64| {
            HashMap::from([
                ("sk".into(), AttributeValue::S(key.into())),
                ("body".into(), AttributeValue::S(body.into())),
                ("ttl".into(), AttributeValue::N(ttl.to_string())),
                ("v".into(), AttributeValue::N("7".into())),
            ])
        };
        let plan = r#"{"from":"2026-11-20T10:00:00Z","to":"2026-11-20T11:00:00Z","ticket":"CHG-1","by":"alice"}"#;
        let ends = now().as_second();
        let items = vec![
            item("C#root-mfa", "{}", 0),
            item("W#eu-west-1", "?", 0),
            item("P#2026-11-20T10:00:00Z", plan, ends),
            item("P#2026-11-20T10:00:01Z", plan, ends - 1),
            item("X#1", "{}", 0),
        ];
        let rule =
            mock!(Client::query).then_output(move || QueryOutput::builder().set_items(Some(items.clone())).build());
        let recalled = ledger(&[&rule]).recall(now()).await.unwrap();
        let odd: Vec<&str> = recalled.memory.odd.iter().map(String::as_str).collect();
        assert_eq!(odd, ["C#root-mfa", "W#eu-west-1", "X#1"]);
        assert_eq!(recalled.memory.plans.len(), 1);
        assert_eq!(recalled.versions["W#eu-west-1"], AttributeValue::N("7".into()), "it can be written anew");
    }

    #[tokio::test]
    async fn an_alert_of_another_version_is_told_as_what_it_is() {
        let rule = mock!(Client::query).then_output(|| {
            let item = HashMap::from([
                ("sk".into(), AttributeValue::S(format!("{:015}#an-id", now().as_millisecond()))),
                ("body".into(), AttributeValue::S("{\"new\": true}".into())),
            ]);
            QueryOutput::builder().items(item).build()
        });
        let waiting = ledger(&[&rule]).waiting_alerts(now()).await.unwrap();
        let alert = &waiting[0].alert;
        assert_eq!((alert.id.as_str(), alert.at), ("an-id", now()));
        assert_eq!(alert.what, What::Unreadable { text: "{\"new\": true}".into() });
    }
}
