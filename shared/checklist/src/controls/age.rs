use facts::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};

/// Whether `at` lies more than `days` days back; exactly so many days do not.
pub(super) fn is_older(snapshot: &Snapshot, at: Timestamp, days: u16) -> bool {
    snapshot.taken_at.duration_since(at) > SignedDuration::from_hours(24 * i64::from(days))
}
