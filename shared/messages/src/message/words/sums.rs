//! Root activity in sum: many of one kind in a few words, so that they crowd nothing out.

use facts::root_activity::{Alike, Kind, RootActivity};
use facts::text::counted;
use jiff::Timestamp;

use crate::message::Sorted;
use crate::message::times::{span, stamp_of};

/// Root's activity that is shown in sum.
pub(in crate::message) struct Acts<'a> {
    /// What only read.
    pub(in crate::message) reads: Vec<&'a RootActivity>,
    /// Anyone can cause them.
    pub(in crate::message) failed_sign_ins: Vec<&'a RootActivity>,
}

/// Activity of one kind in a few words.
pub(in crate::message) struct Sum<'a> {
    /// That of the worst.
    pub(in crate::message) severity: facts::Severity,
    /// `3 failed sign-ins`.
    pub(in crate::message) what: String,
    pub(in crate::message) when: String,
    pub(in crate::message) calls: Vec<&'a str>,
    pub(in crate::message) addresses: Vec<&'a str>,
}

impl<'a> Acts<'a> {
    pub(in crate::message) fn of(sorted: &Sorted<'a>) -> Self {
        let all = sorted.acts.iter().map(|(_, act)| *act);
        let (failed_sign_ins, acts): (Vec<_>, Vec<_>) = all.partition(|act| act.kind == Kind::SignInFailed);
        Self { reads: acts.into_iter().filter(|act| is_in_sum(act)).collect(), failed_sign_ins }
    }

    /// What is shown in sum, with its kind.
    pub(in crate::message) fn sums(&self, now: Timestamp) -> Vec<(Sum<'a>, Kind)> {
        let reads = Sum::of(&self.reads, "read-only root action", "read-only root actions", now);
        let failed = Sum::of(&self.failed_sign_ins, "failed root sign-in", "failed root sign-ins", now);
        [reads.map(|sum| (sum, Kind::ReadOnlyCall)), failed.map(|sum| (sum, Kind::SignInFailed))]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// A call that only read is counted, unless its record could not be read.
pub(in crate::message) fn is_in_sum(act: &RootActivity) -> bool {
    act.kind == Kind::ReadOnlyCall && act.details_readable
}

impl<'a> Sum<'a> {
    fn of(acts: &[&'a RootActivity], one: &str, many: &str, now: Timestamp) -> Option<Self> {
        let newest = acts.iter().max_by_key(|act| act.time)?;
        let oldest = acts.iter().map(|act| act.since()).min()?;
        let count = count(acts.iter().copied());
        let when = if count == 1 { stamp_of(newest.time, now) } else { span(oldest, newest.time, now) };
        Some(Self {
            severity: acts.iter().map(|act| act.severity).max().unwrap_or(newest.severity),
            what: counted(count, one, many),
            when,
            calls: different(acts.iter().map(|act| act.event_name.as_str())),
            addresses: different(
                acts.iter().filter_map(|act| act.source_address.as_deref().or(several_addresses(act))),
            ),
        })
    }
}

/// How many actions `acts` stand for.
pub(in crate::message) fn count<'a>(acts: impl Iterator<Item = &'a RootActivity>) -> usize {
    acts.map(RootActivity::count).fold(0, usize::saturating_add)
}

/// Where `act` came from, cleaned by `safe`; `unknown` where its record does not say.
pub(in crate::message) fn address(act: &RootActivity, safe: impl Fn(&str) -> String, unknown: &str) -> String {
    let several = || several_addresses(act).unwrap_or(unknown).to_owned();
    act.source_address.as_deref().map_or_else(several, safe)
}

/// Those of activity that is alike in other things.
fn several_addresses(act: &RootActivity) -> Option<&'static str> {
    act.folded.as_ref().filter(|folded| folded.alike > Alike::Source).map(|_| "several addresses")
}

fn different<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut values: Vec<&str> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Up to five of `values`, and how many more.
pub(in crate::message) fn some_of(values: &[&str], safe: impl Fn(&str) -> String) -> String {
    let shown = values.iter().take(5).map(|value| safe(value)).collect::<Vec<_>>().join(", ");
    match values.len().checked_sub(5) {
        _ if values.is_empty() => "not recorded".into(),
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}
