//! Items of the table, as they are written and read.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::time::Duration;

use alerts::{Alert, BASELINE, JOURNAL};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use facts::root_activity::RootActivity;
use facts::source::Cause;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    Entry, FIRST_PAUSE, Fate, KEPT, KEPT_AT_MOST, Ledger, LedgerError, MAX_BODY_ASIDE, MAX_KEY_ASIDE, MAX_WRITES,
    MOST_COUNTED, Recalled, TRIES, Waiting,
};
use crate::failure;

impl Ledger {
    pub(super) fn write(&self, recalled: &Recalled, entry: &Entry) -> Result<TransactWriteItem, LedgerError> {
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
    pub(super) fn versioned(
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

    pub(super) fn event(&self, alert: &Alert, now: Timestamp) -> Result<TransactWriteItem, LedgerError> {
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
            let sent = sent_as(alert, count);
            condition.push_str(" OR NOT attribute_type(n, :number) OR n < :least OR n > :most");
            put = put
                .item("n", number(count))
                .expression_attribute_values(":least", AttributeValue::N(sent.start().to_string()))
                .expression_attribute_values(":most", AttributeValue::N(sent.end().to_string()));
        }
        self.put(put.condition_expression(condition))
    }

    pub(super) fn waiting(&self, alert: &Alert) -> Result<TransactWriteItem, LedgerError> {
        self.put(self.item("O", &format!("{:015}#{}", alert.at.as_millisecond(), alert.id), alert)?)
    }

    pub(super) fn item(
        &self,
        partition: &str,
        sort_key: &str,
        value: &impl Serialize,
    ) -> Result<PutBuilder, LedgerError> {
        let body = serde_json::to_string(value)
            .map_err(|error| self.error("TransactWriteItems", Cause::Malformed { detail: error.to_string() }))?;
        let put = Put::builder().table_name(&self.table).set_item(Some(self.key(partition, sort_key)));
        Ok(put.item("body", AttributeValue::S(body)))
    }

    pub(super) fn put(&self, put: PutBuilder) -> Result<TransactWriteItem, LedgerError> {
        let put = put.build().map_err(|error| self.unbuilt(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// An alert of another version of rootwatch may not be readable: it is sent all the same.
    pub(super) fn read(&self, mut item: Item, now: Timestamp) -> Option<Waiting> {
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

    pub(super) fn partition(&self, kind: &str) -> AttributeValue {
        AttributeValue::S(format!("{kind}#{}", self.owner))
    }

    pub(super) fn key(&self, kind: &str, sort_key: &str) -> Item {
        HashMap::from([("pk".into(), self.partition(kind)), ("sk".into(), AttributeValue::S(sort_key.into()))])
    }

    pub(super) fn failed<E: ProvideErrorMetadata, R>(
        &self,
        operation: &'static str,
        error: &SdkError<E, R>,
    ) -> LedgerError {
        self.error(operation, failure::cause(error))
    }

    /// The answer of a conditional write; `None`: its condition did not hold.
    pub(super) fn conditional<T, E: ProvideErrorMetadata, R>(
        &self,
        operation: &'static str,
        answer: Result<T, SdkError<E, R>>,
    ) -> Result<Option<T>, LedgerError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_conditional(&error) => Ok(None),
            Err(error) => Err(self.failed(operation, &error)),
        }
    }

    pub(super) fn unbuilt(&self, error: &BuildError) -> LedgerError {
        self.error("TransactWriteItems", Cause::Malformed { detail: error.to_string() })
    }

    pub(super) fn error(&self, operation: &'static str, cause: Cause) -> LedgerError {
        LedgerError { operation, table: self.table.clone(), cause }
    }
}

impl Entry {
    /// Where it is kept, if something may stand there already.
    pub(super) fn sort_key(&self) -> Option<String> {
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
    pub(super) const ALL: [Self; 3] = [Self::Handed, Self::Passed, Self::Failed];

    /// Where it is noted of the function `relay`.
    pub(super) fn key(self, relay: &str) -> String {
        format!("{relay}#{}", self.name())
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Handed => "handed",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

impl Recalled {
    pub(super) fn take(&mut self, mut item: Item, now: Timestamp) {
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

    pub(super) fn remember(&mut self, entry: Entry) {
        if let Some(sort_key) = entry.sort_key() {
            let version = next_version(self.versions.get(&sort_key));
            self.versions.insert(sort_key, version);
        }
        let memory = &mut self.memory;
        match entry {
            Entry::Condition(key, condition) => drop(memory.conditions.insert(key, *condition)),
            Entry::Coverage(region, coverage) => drop(memory.coverage.insert(region, coverage)),
            Entry::Journal(journal) => memory.journal = journal,
            Entry::Baseline(baseline) => memory.baseline = Some(baseline),
            Entry::Plan(plan) => memory.plans.push(plan),
            Entry::Send(_) => {}
        }
    }
}

/// One more than what was seen; what is no count begins again.
pub(super) fn next_version(seen: Option<&AttributeValue>) -> AttributeValue {
    let seen = seen.and_then(|seen| seen.as_n().ok()?.parse::<u64>().ok());
    AttributeValue::N(seen.and_then(|seen| seen.checked_add(1)).unwrap_or(1).to_string())
}

/// Holds where `name` is no time from `:now` to `:latest`, or is not there at all. A comparison of other types would never hold.
pub(super) fn is_void(name: &str) -> String {
    format!("attribute_not_exists(pk) OR NOT attribute_type({name}, :number) OR {name} < :now OR {name} > :latest")
}

pub(super) fn number_type() -> AttributeValue {
    AttributeValue::S("N".into())
}

pub(super) fn aside(sort_key: &str, now: Timestamp) -> String {
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

pub(super) fn cut(body: AttributeValue) -> AttributeValue {
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

pub(super) type Item = HashMap<String, AttributeValue>;

/// Groups side by side, as many as fit into a transaction; a group that is larger goes alone, and is refused.
pub(super) fn packed(groups: Vec<Vec<Entry>>) -> Vec<Vec<Entry>> {
    let mut packed: Vec<Vec<Entry>> = Vec::new();
    for group in groups.into_iter().filter(|group| !group.is_empty()) {
        match packed.last_mut() {
            Some(last) if last.len() + group.len() <= MAX_WRITES => last.extend(group),
            _ => packed.push(group),
        }
    }
    packed
}

pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    (0..TRIES).map(|number| FIRST_PAUSE * 2u32.pow(number))
}

fn is_conditional<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().and_then(|error| error.meta().code()) == Some("ConditionalCheckFailedException")
}

/// An event that was sent: how severe it was, and of a group how many it counted.
pub(super) struct Seen {
    severity: Option<i64>,
    count: Option<i64>,
}

impl Seen {
    pub(super) fn of(item: &Item) -> Self {
        Self { severity: number_of(item, "severity"), count: number_of(item, "n") }
    }

    /// Whether `alert` is no news. What is no number was not written by a check, and covers nothing.
    pub(super) fn covers(&self, alert: &Alert) -> bool {
        let is_worse = alert.is_completed() && self.severity.is_none_or(|sent| sent < weight(alert));
        let is_known = |count| self.count.is_some_and(|sent| sent_as(alert, count).contains(&sent));
        !is_worse && alert.count().is_none_or(is_known)
    }

    /// Whether it is a group as a check writes it down.
    pub(super) fn is_of_group(&self) -> bool {
        self.count.is_some_and(|count| (1..=MOST_COUNTED).contains(&count))
    }
}

/// As a number that can be compared.
pub(super) fn weight(alert: &Alert) -> i64 {
    alert.severity as i64
}

pub(super) fn text_of(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

pub(super) fn number_of(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn is_expired(item: &Item, now: Timestamp) -> bool {
    number_of(item, "ttl").is_some_and(|ttl| ttl < now.as_second())
}

/// The opposite of [`is_void`].
pub(super) fn is_seen(item: &Item, now: Timestamp) -> bool {
    let whole = |number: &String| number.split('.').next()?.parse::<i64>().ok();
    let ends = item.get("ttl").and_then(|ttl| whole(ttl.as_n().ok()?));
    ends.is_some_and(|ends| (now.as_second()..=later(now, KEPT_AT_MOST).as_second()).contains(&ends))
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The counts with which a group of `count` may have been sent so that it is no news: a calm one with more than a tenth, any other with all of
/// them. No run writes ten times as many as there are: such a count would mute further acts.
pub(super) fn sent_as(alert: &Alert, count: usize) -> RangeInclusive<i64> {
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let is_calm = alert.act().is_some_and(RootActivity::is_calm);
    let least = if is_calm { (count / 10).saturating_add(1) } else { count };
    whole(least)..=whole(count.saturating_mul(10))
}

pub(super) fn number(count: usize) -> AttributeValue {
    AttributeValue::N(count.to_string())
}

pub(super) fn seconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}

pub(super) fn milliseconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}
