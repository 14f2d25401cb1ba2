//! Spans of time, and how far AWS and clocks may be off.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How far ahead of a run's clock a time of the past may lie; beyond that a clock is wrong, or the time is forged.
pub const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// How late CloudTrail may show an event: 2 hours. What is younger is looked through again.
pub const LATENESS: SignedDuration = SignedDuration::from_hours(2);

/// A span of time, `since` inclusive, `until` exclusive; empty unless `since` is before `until`.
///
/// `LookupEvents` takes whole seconds, both inclusive: round `since` down and `until` up. To read an event twice is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Start, inclusive.
    pub since: Timestamp,
    /// End, exclusive.
    pub until: Timestamp,
}
