//! Whether a report is missing or was edited: each names the one before by its key and the hash of its bytes, and the history names
//! the newest. Anyone who may rewrite everything can make another chain: the
//! bucket's versions and Object Lock protect against that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::Date;
use messages::answer::Previous;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::history::Link;

mod verify;

pub use verify::{Beginning, Fault, Verified, verify};

/// SHA-256 of `bytes`, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Into a string nothing fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Of a report that is kept, what the chain is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it lies.
    pub key: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The report before it, by what it says.
    pub previous: Option<Previous>,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// It is a JSON object, and what it says of the one before can be read.
    pub is_readable: bool,
}

#[derive(Default, Deserialize)]
struct Ends {
    #[serde(default)]
    previous: Option<Previous>,
    #[serde(default)]
    taken_at: Option<Timestamp>,
}

impl Kept {
    /// Of the report `bytes` at `key`.
    pub fn of(key: impl Into<String>, bytes: &[u8]) -> Self {
        let ends: Result<Ends, _> = serde_json::from_slice(bytes);
        let is_readable = ends.is_ok();
        let Ends { previous, taken_at } = ends.unwrap_or_default();
        Self { key: key.into(), sha256: sha256(bytes), previous, taken_at, is_readable }
    }

    /// The run's id, as much of it as the key has.
    fn run(&self) -> &str {
        self.key.rsplit(['-', '/']).next().unwrap_or_default().trim_end_matches(".json")
    }
}

/// The chain that ends in the newest of `kept` that no other names, oldest first, as far back as `kept` goes without a gap or an
/// edit.
pub fn links(kept: &[Kept]) -> Vec<Link> {
    let by_key: BTreeMap<&str, &Kept> = kept.iter().map(|kept| (kept.key.as_str(), kept)).collect();
    let mut at = last_unnamed(kept);
    let mut links = Vec::new();
    while let Some(kept) = at.filter(|_| links.len() < by_key.len()) {
        links.push(Link { key: kept.key.clone(), sha256: kept.sha256.clone(), run: kept.run().to_owned() });
        let previous = kept.previous.as_ref();
        at = previous
            .and_then(|named| by_key.get(named.key.as_str()).filter(|kept| kept.sha256 == named.sha256))
            .copied();
    }
    links.reverse();
    links
}

/// The day of a report, by its key.
pub(crate) fn day(key: &str) -> Option<Date> {
    let (folder, _) = key.rsplit_once('/')?;
    let day = folder.get(folder.len().checked_sub("2026/11/20".len())?..)?;
    Date::strptime("%Y/%m/%d", day).ok()
}

/// The newest of `kept` that no other names.
fn last_unnamed(kept: &[Kept]) -> Option<&Kept> {
    let named: BTreeSet<&str> = kept.iter().filter_map(|kept| Some(kept.previous.as_ref()?.key.as_str())).collect();
    kept.iter().filter(|kept| !named.contains(kept.key.as_str())).max_by(|one, other| one.key.cmp(&other.key))
}

#[cfg(test)]
mod tests;
