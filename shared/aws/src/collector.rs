//! Reads the account.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;

use alerts::sweep::{Coverage, sign_ins_of};
use aws_config::SdkConfig;
use facts::record::TrailEvent;
use facts::relay::Listeners;
use facts::root_activity::{self, Pile, RootActivity};
use facts::snapshot::{EnabledRegion, RegionSweep, RootEvents};
use facts::source::Cause;
use facts::{Account, AccountId, Partition, Snapshot, Source, Unavailable};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout_at};

use self::clients::Clients;
use crate::calls;
use crate::sources::root_events::Spans;
use crate::sources::root_sessions::Sessions;
use crate::sources::{iam, regions, root_events, watch};

mod baseline;
mod clients;
mod core_sources;
mod path;

/// Reads an account into a [`Snapshot`].
#[derive(Debug)]
pub struct Collector {
    clients: Clients,
}

/// What is to be read.
#[derive(Debug, Clone)]
pub struct Look {
    /// Whose account.
    pub account: AccountId,
    /// Its partition.
    pub partition: Partition,
    /// The present.
    pub taken_at: Timestamp,
    /// How far back root's events are looked up in any case, at most 90 days.
    pub lookback: SignedDuration,
    /// What names of this stack's own resources begin with, first those of its rules.
    pub own: Vec<String>,
    /// What earlier runs looked through, by Region; what is missing is caught up.
    pub coverage: BTreeMap<String, Coverage>,
    /// Who gets what is published; `None` where nothing is to be sent.
    pub listeners: Option<Result<Listeners, Unavailable>>,
    /// What wakes the function; `None`: the function does not know, and nothing is looked up.
    pub watch: Option<watch::Names>,
    /// What is done with it beside looking whether it is on.
    pub round: watch::Round,
    /// Regions to scan for root's events, beside those that record sign-ins; `None`: every enabled Region.
    pub regions: Option<Vec<String>>,
    /// The sources that a chosen control needs; another is not read, unless every run needs it.
    pub sources: BTreeSet<Source>,
    /// The event asks for less than is usual; see [`Snapshot::is_narrow`].
    pub is_narrow: bool,
    /// The event asks for this look-back: also everybody's sign-ins of it are read whole.
    pub is_thorough: bool,
    /// What the account was called when that was last read.
    pub alias: Option<String>,
    /// An event that was handed to the function; it is sent whatever the scan finds.
    pub delivered: Option<TrailEvent>,
    /// When reading ends, finished or not.
    pub deadline: Instant,
}

/// What a call is made for, and its name.
#[derive(Debug, Clone, Copy)]
struct Reading<'a> {
    source: Source,
    operation: &'a str,
}

/// What could be read, or why not.
type Read<T> = Result<T, Unavailable>;

/// Selects the field of a fact in the snapshot.
type Field<T> = fn(&mut Snapshot) -> &mut Read<T>;

/// Writes one result, read or not, into the snapshot.
type Fact = Box<dyn FnOnce(&mut Snapshot) + Send>;

/// Root's events, and the account's name, by which CloudTrail finds some of them.
struct Root {
    account: Account,
    /// Whether the alias in the account could be read.
    alias: Read<()>,
    events: RootEvents,
}

impl<'a> Reading<'a> {
    fn of(source: Source, operation: &'a str) -> Self {
        Self { source, operation }
    }
}

impl Collector {
    /// A collector over `config`, see [`crate::client::config`].
    pub fn new(config: &SdkConfig) -> Self {
        Self { clients: Clients::new(config) }
    }

    /// Reads every source at once that `look` wants; only what depends on another waits for it. Never fails: what could not be read
    /// is in the snapshot as [`Unavailable`], and one source's failure hides no other.
    pub async fn snapshot(&self, look: Look) -> Snapshot {
        let (snapshot, calls) = calls::noted(self.read(look)).await;
        Snapshot { calls, ..snapshot }
    }

    /// Reads the hourly sources that `look` asks for, and writes them into `snapshot`.
    pub async fn complete(&self, look: &Look, snapshot: &mut Snapshot) {
        let account = snapshot.account.clone();
        let regions = ready(look.to_sweep(&snapshot.regions));
        let read = async {
            tokio::join!(
                self.baseline(look).boxed(),
                self.membership(look).boxed(),
                self.analyzers(look, regions).boxed(),
                self.trail_buckets(look, &snapshot.trails).boxed(),
                self.root_password_change(look, &account, &snapshot.credential_report).boxed(),
            )
        };
        let ((baseline, membership, analyzers, buckets, change), calls) = calls::noted(read).await;
        let facts = baseline.into_iter().chain(membership).chain([analyzers, buckets, change]);
        facts.for_each(|fact| fact(snapshot));
        snapshot.calls.extend(calls);
    }

    async fn read(&self, look: Look) -> Snapshot {
        let asked = &look;
        let nameless = &Account { id: look.account.clone(), alias: None, partition: look.partition };
        let regions = self.regions(asked).boxed().shared();
        let to_sweep = || regions.clone().map(|regions| asked.to_sweep(&regions));
        // Boxed: the compiler would otherwise lay out every future in this one.
        let (credentials, iam, trails, watch, regions, root, baseline, membership, analyzers) = tokio::join!(
            self.credentials(asked, nameless).boxed(),
            self.iam(asked).boxed(),
            self.trails(asked).boxed(),
            self.watch(asked).boxed(),
            regions.clone(),
            self.root(asked, to_sweep()).boxed(),
            self.baseline(asked).boxed(),
            self.membership(asked).boxed(),
            self.analyzers(asked, to_sweep()).boxed(),
        );
        let mut snapshot = Snapshot {
            account_alias: root.alias,
            regions,
            subscribed: look.listeners.clone().map(|known| known.map(|listeners| listeners.hear(look.taken_at))),
            relays: look.listeners.iter().flatten().flat_map(|listeners| listeners.relays.clone()).collect(),
            watch,
            root_events: root.events,
            is_narrow: look.is_narrow,
            ..Snapshot::unasked(root.account, look.taken_at)
        };
        let facts =
            credentials.into_iter().chain(iam).chain(trails).chain(baseline).chain(membership).chain([analyzers]);
        facts.for_each(|fact| fact(&mut snapshot));
        snapshot
    }

    /// The alias and the Regions first, because the scan needs both.
    async fn root(&self, look: &Look, to_sweep: impl Future<Output = BTreeSet<String>>) -> Root {
        let alias = iam::account_alias(&self.clients.iam);
        let (alias, to_sweep) = tokio::join!(
            guarded(Reading::of(Source::AccountAlias, "iam:ListAccountAliases"), look.deadline, alias),
            to_sweep
        );
        let account = Account {
            id: look.account.clone(),
            alias: alias.as_ref().ok().cloned().flatten(),
            partition: look.partition,
        };
        // A name that was changed or cannot be read may be the one that CloudTrail wrote down.
        let aliases: BTreeSet<String> = account.alias.iter().chain(&look.alias).cloned().collect();
        let swept = join_all(to_sweep.iter().map(|region| self.sweep(look, (&account, &aliases), region))).await;

        if let Some(other) = look.delivered.as_ref().and_then(|event| root_activity::other_account(event, &account)) {
            tracing::warn!(%other, "left out: the event that was handed over names another account");
        }
        let own = || look.own.iter().map(String::as_str);
        let delivered = look.delivered.as_ref().and_then(|event| RootActivity::classify(event, &account, own()));
        let mut activity = Pile::default();
        let since = look.taken_at.checked_sub(look.lookback).unwrap_or(Timestamp::MIN);
        let mut events = RootEvents { since, regions: Vec::new(), activity: Vec::new() };
        for swept in swept {
            events.regions.push(swept.sweep);
            activity.extend(swept.activity);
        }
        let mut activity = activity.into_acts();
        let sessions = Sessions::of(activity.iter().chain(&delivered), look.taken_at);
        if !sessions.is_empty() {
            let regions = events.regions.iter_mut();
            let followed = join_all(regions.map(|sweep| self.follow(look, &account, &sessions, sweep))).await;
            activity.extend(followed.into_iter().flatten());
        }
        events.activity = root_activity::gather_with(activity, delivered);
        Root { account, alias: alias.map(drop), events }
    }

    async fn regions(&self, look: &Look) -> Read<Vec<EnabledRegion>> {
        let client = self.clients.account(look.partition);
        guarded(Reading::of(Source::Regions, "account:ListRegions"), look.deadline, regions::enabled(&client)).await
    }

    async fn follow(
        &self,
        look: &Look,
        account: &Account,
        sessions: &Sessions,
        sweep: &mut RegionSweep,
    ) -> Vec<RootActivity> {
        let cloudtrail = self.clients.cloudtrail(&sweep.region);
        let cloudtrail = (&cloudtrail.client, &cloudtrail.pace);
        sessions.follow(cloudtrail, account, &look.own, sweep, look.deadline).await
    }

    async fn sweep(&self, look: &Look, account: (&Account, &BTreeSet<String>), region: &str) -> root_events::Swept {
        let cloudtrail = self.clients.cloudtrail(region);
        let cloudtrail = (&cloudtrail.client, &cloudtrail.pace);
        let spans = look.spans(region);
        let sweep = root_events::sweep(cloudtrail, account, &look.own, region, &spans, look.deadline);
        AssertUnwindSafe(sweep).catch_unwind().await.unwrap_or_else(|_| root_events::Swept {
            sweep: RegionSweep {
                region: region.to_owned(),
                incomplete: Some(Unavailable {
                    source: Source::RootEvents,
                    operation: format!("cloudtrail:LookupEvents in {region}"),
                    cause: Cause::Internal,
                }),
                covered: Vec::new(),
                covered_sign_ins: Vec::new(),
            },
            activity: Vec::new(),
        })
    }
}

impl Look {
    /// Reads a source if a chosen control needs it; see [`guarded`].
    fn ask<'a, T: Send + 'a>(
        &self,
        what: Reading<'a>,
        read: impl Future<Output = Read<T>> + Send + 'a,
    ) -> BoxFuture<'a, Read<T>> {
        if self.sources.contains(&what.source) {
            guarded(what, self.deadline, read)
        } else {
            ready(Err(Unavailable::not_asked(what.source))).boxed()
        }
    }

    /// Like [`Self::ask`], and puts the result into `field`.
    fn fact<'a, T: Send + 'static>(
        &self,
        what: Reading<'a>,
        read: impl Future<Output = Read<T>> + Send + 'a,
        field: Field<T>,
    ) -> BoxFuture<'a, Fact> {
        self.ask(what, read).map(move |read| fact(read, field)).boxed()
    }

    /// What is looked through of `region`: who asks for a look-back of his own gets all of it.
    fn spans(&self, region: &str) -> Spans {
        let coverage = |name: &str| {
            let begun = || Coverage::begin(self.taken_at, self.lookback);
            self.coverage.get(name).cloned().unwrap_or_else(begun)
        };
        let sign_ins = coverage(&sign_ins_of(region));
        Spans {
            root: coverage(region).spans(self.taken_at, self.lookback),
            sign_ins: if self.is_thorough {
                sign_ins.spans(self.taken_at, self.lookback)
            } else {
                sign_ins.spans_once(self.taken_at, self.lookback)
            },
        }
    }

    /// The Regions to look through, given those that are enabled: those that record sign-ins in any case.
    fn to_sweep(&self, enabled: &Result<Vec<EnabledRegion>, Unavailable>) -> BTreeSet<String> {
        let sign_in = self.partition.sign_in_regions().iter().map(|region| (*region).to_owned());
        let enabled = enabled.iter().flatten().map(|region| region.name.clone());
        match &self.regions {
            Some(regions) => sign_in.chain(regions.iter().cloned()).collect(),
            None => sign_in.chain(enabled).collect(),
        }
    }
}

/// Puts `read` into `field`. A source that was not asked for changes nothing: an earlier reading stays.
fn fact<T: Send + 'static>(read: Read<T>, field: Field<T>) -> Fact {
    Box::new(move |snapshot| {
        if !read.as_ref().is_err_and(Unavailable::is_not_asked) {
            *field(snapshot) = read;
        }
    })
}

/// Ends a source at the deadline, and turns a panic in it into data. Boxed, so that it takes little room in what waits for it.
fn guarded<'a, T: Send + 'a>(
    what: Reading<'a>,
    deadline: Instant,
    read: impl Future<Output = Read<T>> + Send + 'a,
) -> BoxFuture<'a, Read<T>> {
    let failed = move |cause| Err(Unavailable { source: what.source, operation: what.operation.into(), cause });
    async move {
        match timeout_at(deadline, AssertUnwindSafe(read).catch_unwind()).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => failed(Cause::Internal),
            Err(_) => failed(Cause::OutOfTime),
        }
    }
    .boxed()
}

#[cfg(test)]
mod tests;
