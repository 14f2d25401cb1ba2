//! The time of one run.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The time of one run: the clock is read once, at its start, and time passes by the runtime from there.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// What the clock said at the start.
    pub started_at: Timestamp,
    /// The instant of the start.
    pub started: Instant,
}

impl Clock {
    /// Of a run that starts at this instant, which the clock calls `started_at`.
    pub fn start(started_at: Timestamp) -> Self {
        Self { started_at, started: Instant::now() }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        self.started_at.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}
