//! The history and the chain in the bucket: read, rebuilt, and extended by one report at a time.

use std::time::Duration;

use aws::ReportBucket;
use aws::storage::report_bucket::{Condition, NewObject, Put, TOO_LARGE};
use facts::AccountId;
use facts::source::Cause;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use messages::answer::Previous;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use crate::chain::{self, Kept, sha256};
use crate::error::{ATTEMPTS, Error, Shown};
use crate::history::{History, Link};
use crate::rebuild::Rebuild;
use crate::stored::Stored;

/// Where the history lies.
pub(crate) const HISTORY: &str = "history.json";
pub(crate) const JSON: &str = "application/json";
/// How near to a report the one before and the one after it are looked for: runs end out of order, but not by much.
const NEIGHBOURS: usize = 10;
/// How many reports are read at once.
const AT_ONCE: usize = 16;
/// Kept for what comes after a history was rebuilt.
const RESERVE: Duration = Duration::from_secs(15);

/// The evidence of an account.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) bucket: ReportBucket,
    pub(crate) account: AccountId,
    pub(crate) now: Timestamp,
    /// How long the bucket keeps reports.
    pub(crate) retention: SignedDuration,
    /// Whether findings go to Security Hub.
    pub(crate) security_hub: bool,
    /// When Lambda ends the call.
    pub(crate) deadline: Instant,
}

/// The history as it is now.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) history: History,
    /// S3's mark of it; `None`: there is none in the bucket.
    pub(crate) etag: Option<String>,
    pub(crate) rebuilt: Option<Rebuilt>,
}

/// It was rebuilt, and is not written yet.
#[derive(Debug)]
pub(crate) struct Rebuilt {
    /// Reports that could not be read.
    pub(crate) unreadable: usize,
}

/// A report that has its place in the chain.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) link: Link,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stored: Stored,
    pub(crate) known: Known,
}

impl Keeper {
    /// The history; rebuilt from the reports if it is missing or cannot be used. The bucket keeps what is written over.
    pub(crate) async fn known(&self) -> Result<Known, Error> {
        let etag = match self.bucket.get(HISTORY).await {
            Ok(Some(object)) => match History::read(&object.bytes, &self.account) {
                Ok(history) => return Ok(Known { history, etag: Some(object.etag), rebuilt: None }),
                Err(error) => {
                    tracing::warn!(%error, "the history is rebuilt from the reports");
                    Some(object.etag)
                }
            },
            Ok(None) => {
                tracing::info!("there is no history: it is built from the reports, if there are any");
                None
            }
            Err(error) if is_too_large(&error.cause) => {
                tracing::warn!(%error, "the history is rebuilt from the reports");
                self.bucket.etag(HISTORY).await?
            }
            Err(error) => return Err(error.into()),
        };
        let (history, unreadable) =
            timeout_at(self.deadline.checked_sub(RESERVE).unwrap_or(self.deadline), self.rebuild())
                .await
                .map_err(|_| Error::OutOfTime)??;
        for key in &unreadable {
            tracing::warn!(key = facts::text::bounded(key), "a report cannot be read and is not in the history");
        }
        Ok(Known { history, etag, rebuilt: Some(Rebuilt { unreadable: unreadable.len() }) })
    }

    async fn rebuild(&self) -> Result<(History, Vec<String>), Error> {
        let (prefix, start_after) = Rebuild::span(&self.account, self.now);
        let keys = Rebuild::choose(self.bucket.list(&prefix, &start_after).await?);
        let read = async |key: String| {
            let found = self.bucket.get(&key).await;
            (key, found)
        };
        let mut reports = futures_util::stream::iter(keys).map(read).buffered(AT_ONCE);
        let mut rebuild = Rebuild::new(&self.account);
        while let Some((key, found)) = reports.next().await {
            match found {
                Ok(Some(object)) => rebuild.take(&key, &object.bytes),
                // It was there a moment ago.
                Ok(None) => {}
                // What will not be read the next time either must not keep the others from being kept.
                Err(error) if is_lasting(&error.cause) => {
                    tracing::warn!(%error, "a report of the past was not read");
                    rebuild.skip(&key);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let (mut history, unreadable) = rebuild.finish(self.now);
        history.expire(self.now, self.retention);
        Ok((history, unreadable))
    }

    /// Takes the next place in the chain for `answer`, and says so in the history, before the report itself is written: of two
    /// reporters at once one comes after the other, and one that dies leaves a gap that shows. A report that has its place keeps it.
    pub(crate) async fn claim(&self, answer: &Map<String, Value>, key: &str, run: &str) -> Result<Claimed, Error> {
        for _ in 0..ATTEMPTS {
            let mut known = self.known().await?;
            if let Some((link, bytes, stored)) = self.claimed(answer, key, &known).await? {
                let is_written = known.rebuilt.is_none() || self.write(&mut known).await?;
                if is_written {
                    return Ok(Claimed { link, bytes, stored, known });
                }
                continue;
            }
            let previous = known.history.chain.last().cloned();
            let (bytes, stored) = after(answer, previous.map(named))?;
            let link = Link { key: key.to_owned(), sha256: sha256(&bytes), run: run.to_owned() };
            let news = known.history.add(&stored);
            known.history.link(link.clone());
            known.history.expire(self.now, self.retention);
            if self.security_hub {
                known.history.leave_unsent(&stored, news);
            } else {
                known.history.unsent = None;
            }
            if self.write(&mut known).await? {
                return Ok(Claimed { link, bytes, stored, known });
            }
        }
        Err(Error::Contended { object: HISTORY })
    }

    /// The report of `answer`, if it has its place: by the history, or, where that does not know it any more, by the bucket.
    async fn claimed(
        &self,
        answer: &Map<String, Value>,
        key: &str,
        known: &Known,
    ) -> Result<Option<(Link, Vec<u8>, Stored)>, Error> {
        let chain = &known.history.chain;
        let place = chain.iter().position(|link| link.key == key);
        let claimed = place.and_then(|place| chain.get(place));
        if let Some(link) = claimed {
            let before = place.and_then(|place| place.checked_sub(1)).and_then(|place| chain.get(place));
            let (bytes, stored) = after(answer, before.cloned().map(named))?;
            if sha256(&bytes) == link.sha256 {
                return Ok(Some((link.clone(), bytes, stored)));
            }
        } else if known.rebuilt.is_none() && known.history.newest().is_none_or(|newest| key > newest.key.as_str()) {
            return Ok(None);
        }
        // Its place or the one before it may be forgotten, or the same run has answered otherwise in the same second: what lies there counts.
        let Some(object) = self.bucket.get(key).await? else {
            return match place {
                None | Some(0) => self.restored(answer, key, claimed).await,
                Some(_) => Err(Error::Twice { key: key.to_owned() }),
            };
        };
        let link = Link { key: key.to_owned(), sha256: sha256(&object.bytes), run: String::new() };
        let is_it = match claimed {
            Some(claimed) => claimed.sha256 == link.sha256,
            None => after(answer, Kept::of(key, &object.bytes).previous)?.0 == object.bytes,
        };
        if !is_it {
            return Err(Error::Twice { key: key.to_owned() });
        }
        let stored = Stored::read(&serde_json::from_slice(&object.bytes).unwrap_or_default());
        Ok(Some((claimed.cloned().unwrap_or(link), object.bytes, stored)))
    }

    /// The report of `answer`, which was never written, in the place that the history has forgotten: with the right report before it it
    /// has the hash that is known of it or that one after it names. Both are looked for near it. `None`: nothing shows such a place.
    async fn restored(
        &self,
        answer: &Map<String, Value>,
        key: &str,
        claimed: Option<&Link>,
    ) -> Result<Option<(Link, Vec<u8>, Stored)>, Error> {
        let Some(day) = chain::day(key).and_then(|day| day.yesterday().ok()) else { return Ok(None) };
        let prefix = format!("reports/{}/", self.account);
        let keys = self.bucket.list(&prefix, &format!("{prefix}{}", day.strftime("%Y/%m/%d"))).await?;
        let (before, later) = keys.split_at(keys.partition_point(|other| other.as_str() < key));
        let mut known = claimed.map(|claimed| claimed.sha256.clone());
        for other in later.iter().take(NEIGHBOURS) {
            if known.is_none() {
                let previous = self.neighbour(other).await?.and_then(|kept| kept.previous);
                known = previous.filter(|previous| previous.key == key).map(|previous| previous.sha256);
            }
        }
        let Some(known) = known else { return Ok(None) };
        let link = || Link { key: key.to_owned(), sha256: known.clone(), run: String::new() };
        let fits = |previous| {
            let (bytes, stored) = after(answer, previous)?;
            let is_it = sha256(&bytes) == known;
            Ok::<_, Error>(is_it.then(|| (claimed.cloned().unwrap_or_else(link), bytes, stored)))
        };
        if let Some(first) = fits(None)? {
            return Ok(Some(first));
        }
        for other in before.iter().rev().take(NEIGHBOURS) {
            let Some(kept) = self.neighbour(other).await? else { continue };
            if let Some(it) = fits(Some(Previous { key: kept.key, sha256: kept.sha256 }))? {
                return Ok(Some(it));
            }
        }
        Err(Error::Forgotten { key: key.to_owned() })
    }

    /// The report at `key`; `None`: it is not there, or cannot be read the next time either.
    async fn neighbour(&self, key: &str) -> Result<Option<Kept>, Error> {
        match self.bucket.get(key).await {
            Ok(found) => Ok(found.map(|object| Kept::of(key, &object.bytes))),
            Err(error) if is_lasting(&error.cause) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// `false`: another reporter wrote it meanwhile.
    pub(crate) async fn write(&self, known: &mut Known) -> Result<bool, Error> {
        let bytes = known.history.write().map_err(|_| Error::Unwritable)?;
        let object = NewObject { key: HISTORY, bytes, content_type: JSON, retain_until: None };
        match self.bucket.put(object, Condition::still(known.etag.as_deref())).await? {
            Put::Done { etag } => {
                known.etag = Some(etag);
                Ok(true)
            }
            Put::Conflict => Ok(false),
        }
    }

    /// The newest report that is there, with the history as it is written.
    pub(crate) async fn newest(&self) -> Result<(Link, Stored, Known), Error> {
        for _ in 0..ATTEMPTS {
            let mut known = self.known().await?;
            if known.rebuilt.is_some() && !known.history.chain.is_empty() && !self.write(&mut known).await? {
                continue;
            }
            let mut links = known.history.chain.clone();
            links.sort_by(|one, other| other.key.cmp(&one.key));
            for link in links {
                if let Some(object) = self.bucket.get(&link.key).await? {
                    let stored = Stored::read(&serde_json::from_slice(&object.bytes).unwrap_or_default());
                    return Ok((link, stored, known));
                }
                tracing::warn!(key = link.key, "a report of the chain is not there");
            }
            return Err(Error::NothingKept);
        }
        Err(Error::Contended { object: HISTORY })
    }

    /// Writes what shows the report at `key`, unless a newer one has come since the history was `known`, which is shown by who keeps
    /// it. What is to be replaced is looked at first: of two who write, the newer report's is the last.
    pub(crate) async fn show(&self, object: NewObject<'_>, key: &str, known: &Known) -> Result<bool, Shown> {
        let mut etag = known.etag.clone();
        for _ in 0..ATTEMPTS {
            let old = self.bucket.etag(object.key).await?;
            if self.bucket.etag(HISTORY).await? != etag {
                let Some(changed) = self.bucket.get(HISTORY).await? else { return Ok(false) };
                let history = History::read(&changed.bytes, &self.account).unwrap_or_default();
                if history.newest().is_none_or(|newest| newest.key != key) {
                    return Ok(false);
                }
                etag = Some(changed.etag);
            }
            if let Put::Done { .. } = self.bucket.put(object.clone(), Condition::still(old.as_deref())).await? {
                return Ok(true);
            }
        }
        Err(Shown::Contended)
    }
}

/// Whether an object will not be read the next time either. What is not known to last may pass.
fn is_lasting(cause: &Cause) -> bool {
    match cause {
        Cause::Denied { code } => code == "AccessDenied",
        // In an archive, or encrypted with a key that cannot be used.
        Cause::Refused { code } => code == "InvalidObjectState" || code.starts_with("KMS.") || is_too_large(cause),
        _ => false,
    }
}

fn is_too_large(cause: &Cause) -> bool {
    matches!(cause, Cause::Refused { code } if code == TOO_LARGE)
}

fn named(Link { key, sha256, .. }: Link) -> Previous {
    Previous { key, sha256 }
}

/// The bytes of `answer` after the report `previous`, and what they say. The same answer after the same report has the same bytes.
fn after(answer: &Map<String, Value>, previous: Option<Previous>) -> Result<(Vec<u8>, Stored), Error> {
    let mut report = answer.clone();
    report.insert("previous".into(), json!(previous));
    let report = Value::Object(report);
    let bytes = serde_json::to_vec(&report).map_err(|_| Error::Unwritable)?;
    Ok((bytes, Stored::read(&report)))
}
