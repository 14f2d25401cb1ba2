//! The last task: every listed account is accounted for, what is new is sent as one message, and the rows are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alerts::{Alert, Journal};
use aws::organization::runs::{LATEST, Lines, Runs, TABLE, accounts_key};
use aws::storage::ledger::{Entry, Recalled, Recorded, Waiting};
use aws::{Acquired, Clock, Ledger, Notifier, PublishError, Relays};
use facts::{Account, AccountId, Severity};
use futures_util::StreamExt;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use members::{Coverage, Declared, HalfSent, InForce, Member, Moves, Row, Run};
use messages::{Links, Message, RunBulletin};
use serde::Serialize;

use crate::list::{Before, before, lease};
use crate::page::Page;
use crate::request::{Conclude, Listed, State};
use crate::{Error, Organization, Settings, declared};

mod routes;

/// Times that a decision is made again because another run wrote meanwhile.
const TRIES: usize = 5;
/// Accounts whose alerts are read, or forgotten, at once.
const AT_ONCE: usize = 16;
/// Accounts whose alerts one run sends, as many as are listed at most; the others wait for the next.
const MAX_ACCOUNTS: usize = 50_000;

/// What the last task answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Concluded {
    /// Every listed account is counted once.
    pub coverage: Coverage,
    /// Why the organization could not be audited.
    pub fault: Option<String>,
    /// SNS's ids of what was published.
    pub sent: Vec<String>,
    /// So many alerts wait to be sent.
    pub unsent: usize,
    /// What of the page could not be written, and why: it shows an earlier run.
    pub unshown: Vec<String>,
    /// Each account was looked at, and everything was sent and shown.
    pub complete: bool,
}

/// What one run sends.
struct Outgoing {
    organization: Vec<Waiting>,
    members: Vec<Due>,
    /// Alerts that could not be read: they wait.
    unread: usize,
    /// What waits of an account after the run.
    left: HashMap<AccountId, Left>,
}

/// What waits of one account after the run.
#[derive(Default)]
struct Left {
    /// How many alerts: what a topic did not take, what the function root-activity sends, and what could not be removed.
    waiting: usize,
    half_sent: Vec<HalfSent>,
}

/// What waits to be sent of one account.
struct Due {
    member: Member,
    waiting: Vec<Waiting>,
    /// Topics that have some of it, by the runs before.
    half_sent: Vec<HalfSent>,
    /// The route that is sent all of it; the main topic gets what is critical, too.
    route: Option<String>,
}

/// The account of the stack, and the run.
struct Of<'a> {
    settings: &'a Settings,
    own: &'a AccountId,
    conclude: &'a Conclude,
    clock: Clock,
    ends: Timestamp,
}

impl Organization {
    /// Concludes a run. Whatever failed before, every listed account is accounted for.
    pub(crate) async fn conclude(
        &self,
        settings: &Settings,
        own: &AccountId,
        conclude: &Conclude,
        clock: Clock,
        ends: Timestamp,
    ) -> Result<Concluded, Error> {
        let of = Of { settings, own, conclude, clock, ends };
        let now = clock.started_at;
        let ledger = self.ledger(settings, own);
        let lease = lease(&conclude.task, now);
        if ledger.acquire(&lease, now).await? == Acquired::Held {
            return Err(Error::Overtaken);
        }
        let runs = self.runs(settings, own);
        let Before { rows: before, unread: before_unread, is_readable } = before(&runs).await;
        let fault = conclude.state.list.fault.clone();
        let mut rows = match &fault {
            Some(fault) => members::not_looked_at(&before, fault),
            None => self.rows(&of, &runs, &before).await?,
        };
        let (in_force, is_routed) = match &fault {
            Some(_) => (None, false),
            None => {
                let (in_force, is_known) = declared::of_run(&runs, &conclude.task.run).await;
                (Some(in_force), is_known)
            }
        };
        let coverage = Coverage::of(&rows);
        let mut recalled = self.record(&of, &ledger, fault.as_deref(), (&before, &rows), in_force.as_ref()).await?;
        let mut left = members::left(&before, &rows);
        let InForce { declared, tags_unread, .. } = in_force.unwrap_or_default();
        let mut outgoing = self.outgoing(&of, &ledger, &declared, rows.iter().chain(&left)).await?;
        let mut journal = recalled.memory.journal.clone();
        let is_digest = fault.is_none() && settings.policy.digest.is_due(journal.last_digest, now);
        let is_first = fault.is_none() && journal.last_complete.is_none();
        let is_lost =
            !before.iter().any(Row::is_known) && journal.last_complete.is_some_and(|at| at < conclude.task.started);
        let before_unread = before_unread
            .or_else(|| is_lost.then(|| format!("{LATEST} has no account of a run whose message was sent")));
        let run = run(&of, &rows, &before, &outgoing);
        let mut run = Run { is_first, is_digest, tags_unread, before_unread, ..run };
        // This run was concluded before, and its rows were not kept: who joined or left was sent.
        if journal.last_complete.is_some_and(|at| at >= conclude.task.started) {
            run.moves = Moves::default();
        }
        let mut concluded = Concluded { coverage, fault, unsent: outgoing.unread, ..Concluded::default() };
        let main = self.topic(&of);
        let sent = self.send(&of, &main, &run).await;
        let is_refused = sent.is_err();
        // A main topic that refuses keeps back no route's findings. Digests, and who joined or left, are sent with its own.
        let whole = match is_refused {
            true => Run { is_first: false, is_digest: false, moves: Moves::default(), ..run.clone() },
            false => run.clone(),
        };
        let by_route = self.send_routes(&of, &main, &whole, (&before, &rows), &declared, &outgoing).await;
        concluded.sent.extend(by_route.sent);
        concluded.unsent += outgoing.settle(!is_refused, &by_route.delivered, is_routed);
        let refused = match sent {
            Ok(sent) => {
                concluded.sent.extend(sent);
                if concluded.fault.is_none() {
                    journal.last_complete = Some(now);
                    journal.last_digest = if is_digest || is_first { Some(now) } else { journal.last_digest };
                    // Another run that notes the same at the same time is as good.
                    let noted = ledger.record(&mut recalled, vec![vec![Entry::Journal(journal)]]).await;
                    noted
                        .map(drop)
                        .unwrap_or_else(|error| tracing::error!(%error, "the next run sends a digest again"));
                }
                by_route.refused
            }
            Err(error) => Some(error),
        };
        concluded.unsent += self.forget(&of, &ledger, &mut outgoing).await;
        for row in rows.iter_mut().chain(&mut left) {
            if let Some(left) = outgoing.left.remove(&row.member.account) {
                (row.waiting, row.half_sent) = (left.waiting, left.half_sent);
            }
        }
        // After a fault of the organization the page stays: it names its own time, and the message names the fault.
        if concluded.fault.is_none() {
            let (home, started) = (of.account(), conclude.task.started);
            let page = Page { run: &run, rows: &rows, home: &home, started, made_at: now };
            let (page, table) = (page.render(), page.table());
            if is_refused {
                members::note_unsent(&before, &mut rows, &mut left);
            }
            rows.extend(left.into_iter().filter(|row| is_refused || row.waiting > 0));
            runs.put_concluded(&conclude.task.run, &rows).await?;
            if is_readable {
                runs.put_latest(&rows).await?;
            }
            concluded.unshown = show(&runs, page, table).await;
        }
        // Without its rows the next run asks every account.
        let ended = match concluded.fault.is_none() && is_readable {
            true => ledger.release(&lease).await,
            false => ledger.abandon(&lease, now).await,
        };
        ended.unwrap_or_else(|error| tracing::warn!(%error, "the lease ends by itself"));
        let is_done = concluded.unsent == 0 && concluded.unshown.is_empty() && run.before_unread.is_none();
        concluded.complete = concluded.fault.is_none() && coverage.is_complete() && is_done;
        match refused {
            Some(error) => Err(Error::Publish(error, concluded.unsent)),
            None => Ok(concluded),
        }
    }

    /// One row a listed account.
    async fn rows(&self, of: &Of<'_>, runs: &Runs, before: &[Row]) -> Result<Vec<Row>, Error> {
        let State { list: Listed { batches, management, .. }, members: answers, failure } = &of.conclude.state;
        let run = &of.conclude.task.run;
        let members = all(runs.accounts(run).await?, accounts_key(run))?;
        let (mut results, mut lost) = (Vec::new(), HashMap::new());
        for (batch, rows) in runs.rows(run, *batches).await.into_iter().enumerate() {
            match rows {
                Ok(Some(lines)) => {
                    lost.extend(lines.unread.into_iter().next().map(|unread| (batch, unread)));
                    results.extend(lines.read);
                }
                Ok(None) => {}
                Err(error) => drop(lost.insert(batch, error.to_string())),
            }
        }
        lost.extend(answers.iter().filter_map(|answer| Some((answer.batch, answer.error.clone()?))));
        let whole = failure.as_ref().map(|failure| {
            format!("{}: {}", failure.error, failure.cause.as_deref().unwrap_or("the map of the state machine failed"))
        });
        let lost = if lost.is_empty() && whole.is_none() {
            HashMap::new()
        } else {
            // Which accounts a batch had is worth a read only where one is lost.
            let batches = runs.batches(run).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the accounts of the lost batches have no error of their own");
                None
            });
            let batches = batches.map(|lines| lines.read).unwrap_or_default();
            let error = |batch: usize| lost.get(&batch).or(whole.as_ref()).cloned();
            let of_batch = |batch: members::Batch| {
                let error = error(batch.batch);
                batch.items.into_iter().filter_map(move |item| Some((item.member.account, error.clone()?)))
            };
            batches.into_iter().flat_map(of_batch).collect()
        };
        let management = management.as_ref().unwrap_or(of.own);
        Ok(members::accounted(&members, results, before, &lost, management, of.own))
    }

    /// Records the organization's own conditions, with their alerts.
    async fn record(
        &self,
        of: &Of<'_>,
        ledger: &Ledger,
        fault: Option<&str>,
        (before, rows): (&[Row], &[Row]),
        in_force: Option<&InForce>,
    ) -> Result<Recalled, Error> {
        let now = of.clock.started_at;
        let seen = members::observe(fault, rows, in_force);
        for _ in 0..TRIES {
            let mut recalled = ledger.recall(now).await?;
            let memory = &mut recalled.memory;
            if fault.is_none() {
                members::without_seen_again(&mut memory.conditions, before, rows);
            }
            let (alerts, conditions) =
                alerts::follow(&memory.conditions, &seen, &of.account(), now, &of.settings.policy);
            let journal = Journal { last_run: Some(now), ..memory.journal.clone() };
            let conditions = conditions.into_iter().map(|(key, condition)| Entry::Condition(key, Box::new(condition)));
            let group = [Entry::Journal(journal)].into_iter().chain(conditions);
            let group = group.chain(alerts.into_iter().map(Entry::Send)).collect();
            if ledger.record(&mut recalled, vec![group]).await? == Recorded::Written {
                return Ok(recalled);
            }
        }
        Err(ledger.contested().into())
    }

    /// What waits to be sent: of the organization, and of each account in `rows` that has something, with its route.
    async fn outgoing<'a>(
        &self,
        of: &Of<'_>,
        ledger: &Ledger,
        declared: &Declared,
        rows: impl Iterator<Item = &'a Row>,
    ) -> Result<Outgoing, Error> {
        let now = of.clock.started_at;
        let organization = ledger.waiting_alerts(now).await?;
        let mut outgoing = Outgoing { organization, members: Vec::new(), unread: 0, left: HashMap::new() };
        let mut waiting: Vec<&Row> = rows.filter(|row| row.waiting > 0).collect();
        for row in waiting.split_off(waiting.len().min(MAX_ACCOUNTS)) {
            outgoing.unread += row.waiting;
        }
        let read = stream::iter(waiting).map(async |row| {
            let ledger = Ledger::new(&self.config, &of.settings.table, &row.member.account);
            (row, ledger.waiting_alerts(now).await)
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).collect().await;
        for (row, waiting) in read {
            match waiting {
                Ok(waiting) => {
                    let is_other = |waiting: &Waiting| of.settings.forwards && is_young(&waiting.alert, now);
                    let (others, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_other);
                    outgoing.left.insert(row.member.account.clone(), Left { waiting: others.len(), ..Left::default() });
                    let route = declared.route(&row.member).map(str::to_owned);
                    let half_sent = row.half_sent.clone();
                    outgoing.members.push(Due { member: row.member.clone(), waiting, half_sent, route });
                }
                Err(error) => {
                    tracing::error!(%error, account = %row.member.account, "the account's alerts wait for the next run");
                    outgoing.unread += row.waiting;
                }
            }
        }
        Ok(outgoing)
    }

    /// The topic that everything is sent to that has no other.
    fn topic(&self, of: &Of<'_>) -> Notifier {
        let Of { settings, own, clock, ends, .. } = of;
        let relays = Relays::new(&Ledger::new(&self.config, &settings.table, own), &settings.relays, *clock, *ends);
        Notifier::new(&self.config, &settings.topic_arn).with(relays)
    }

    /// Publishes the message of `run`, unless it has nothing to say.
    async fn send(&self, of: &Of<'_>, notifier: &Notifier, run: &Run) -> Result<Option<String>, PublishError> {
        let Of { settings, clock, .. } = of;
        if run.is_silent() {
            return Ok(None);
        }
        match notifier.listeners().await {
            Ok(listeners) if !listeners.hear(clock.now()) => return Err(notifier.nobody_hears()),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "who gets the message is not known"),
        }
        // The page of an earlier run is no answer to a fault of this one, and that of the organization none to who has some accounts.
        let has_page = of.conclude.state.list.fault.is_none() && run.route.is_none();
        let report = settings.links.report.clone().filter(|_| has_page);
        let links = Links { report, ..settings.links.clone() };
        let message = Message::of_run(&RunBulletin {
            run,
            home: &of.account(),
            at: clock.started_at,
            runbook: &settings.runbook,
            links: Some(&links),
            recipients: notifier.recipients(),
            repeats_possible: false,
        });
        match message {
            Some(message) => notifier.publish(&message).await.map(Some),
            None => Ok(None),
        }
    }

    /// Removes what was sent; what could not be removed, and so is sent again, is counted.
    async fn forget(&self, of: &Of<'_>, ledger: &Ledger, outgoing: &mut Outgoing) -> usize {
        let now = of.clock.started_at;
        let mut again = 0;
        if let Err(error) = ledger.forget(&outgoing.organization, now).await {
            tracing::error!(%error, "the organization's alerts are sent again");
            again += outgoing.organization.len();
        }
        let forgotten = stream::iter(&outgoing.members).map(async |due| {
            let ledger = Ledger::new(&self.config, &of.settings.table, &due.member.account);
            (&due.member.account, due.waiting.len(), ledger.forget(&due.waiting, now).await)
        });
        let forgotten: Vec<_> = forgotten.buffer_unordered(AT_ONCE).collect().await;
        for (account, count, forgotten) in forgotten {
            if let Err(error) = forgotten {
                tracing::error!(%error, %account, "the account's alerts are sent again");
                again += count;
                outgoing.left.entry(account.clone()).or_default().waiting += count;
            }
        }
        again
    }
}

/// Writes the page and the table; what could not be written. The run's message is sent already.
async fn show(runs: &Runs, page: String, table: Result<String, String>) -> Vec<String> {
    let table = async {
        match table {
            Ok(table) => runs.put_table(table).await.map_err(|error| error.to_string()),
            Err(error) => Err(format!("{TABLE}: {error}")),
        }
    };
    let page = async { runs.put_page(page).await.map_err(|error| error.to_string()) };
    let (page, table) = tokio::join!(page, table);
    let unshown: Vec<String> = [page, table].into_iter().filter_map(Result::err).collect();
    for error in &unshown {
        tracing::error!(
            error,
            "the object shows an earlier run: restore the role of the function Organization by a change set that reverts drift, or find \
             what denies it in CloudTrail; the next run writes it again"
        );
    }
    unshown
}

/// Where members forward events, the function root-activity sends what happened lately, or SQS delivers it again: CloudTrail takes up to a
/// quarter of an hour, and five deliveries half an hour.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

fn is_young(alert: &Alert, now: Timestamp) -> bool {
    alert.happened_at().is_some_and(|at| now.duration_since(at) < LATELY)
}

/// Every line of an object of this run: an account that is missing in the list would be missing everywhere.
fn all<T>(lines: Option<Lines<T>>, object: String) -> Result<Vec<T>, Error> {
    let lines = lines.ok_or_else(|| Error::Unreadable(format!("{object} is not there")))?;
    match lines.unread.first() {
        Some(unread) => Err(Error::Unreadable(format!("{object}: {unread}"))),
        None => Ok(lines.read),
    }
}

impl Of<'_> {
    fn account(&self) -> Account {
        Account { id: self.own.clone(), alias: None, partition: self.settings.partition }
    }
}

impl Outgoing {
    /// Leaves what each of its topics has, to be forgotten: the main one, if it took its message, and the routes in `delivered`. The rest waits for
    /// the next run; how much it is. Where routes are not `known`, what waits for one goes on waiting.
    fn settle(&mut self, main: bool, delivered: &BTreeSet<String>, known: bool) -> usize {
        let mut kept = if main { 0 } else { std::mem::take(&mut self.organization).len() };
        for due in &mut self.members {
            let route = due.route.as_ref().is_some_and(|route| delivered.contains(route));
            // Each with whether it waits for the main topic, and for the route.
            let mut waits: Vec<(Waiting, bool, bool)> = Vec::new();
            for waiting in std::mem::take(&mut due.waiting) {
                let for_main = !main && due.is_for_main(&waiting);
                let for_route = !route && due.is_for_route(&waiting);
                let is_held = !known && due.main_may_have(&waiting);
                if for_main || for_route || is_held {
                    waits.push((waiting, for_main, for_route));
                } else {
                    due.waiting.push(waiting);
                }
            }
            kept += waits.len();
            let half_sent = if known { half_of(due.route.as_deref(), &waits) } else { due.half_sent.clone() };
            let left = self.left.entry(due.member.account.clone()).or_default();
            left.waiting += waits.len();
            left.half_sent = half_sent;
        }
        kept
    }
}

/// Which of the two topics of what is critical has some of what waits.
fn half_of(route: Option<&str>, waits: &[(Waiting, bool, bool)]) -> Vec<HalfSent> {
    if route.is_none() {
        return Vec::new();
    }
    let critical = waits.iter().filter(|(waiting, ..)| is_critical(&waiting.alert));
    let by_main = critical.clone().filter(|(_, for_main, _)| !for_main).map(|(waiting, ..)| waiting.key());
    let by_route = critical.filter(|(.., for_route)| !for_route).map(|(waiting, ..)| waiting.key());
    [HalfSent::new(None, by_main), HalfSent::new(route, by_route)].into_iter().flatten().collect()
}

impl Due {
    /// Whether the main topic has it from an earlier run: of what had a route, what is critical alone.
    fn main_has(&self, waiting: &Waiting) -> bool {
        is_critical(&waiting.alert) && self.has(None, waiting)
    }

    /// Also where it has more than is remembered.
    fn main_may_have(&self, waiting: &Waiting) -> bool {
        let is_of_many = |half: &HalfSent| half.route.is_none() && half.is_full();
        self.main_has(waiting) || is_critical(&waiting.alert) && self.half_sent.iter().any(is_of_many)
    }

    fn has(&self, route: Option<&str>, waiting: &Waiting) -> bool {
        self.half_sent.iter().any(|half| half.has(route, waiting.key()))
    }

    /// Whether the main topic is still to be sent it: without a route everything, else what is critical.
    fn is_for_main(&self, waiting: &Waiting) -> bool {
        (self.route.is_none() || is_critical(&waiting.alert)) && !self.main_has(waiting)
    }

    /// Whether its route is still to be sent it.
    fn is_for_route(&self, waiting: &Waiting) -> bool {
        self.route.is_some() && !self.has(self.route.as_deref(), waiting)
    }

    /// Those of its alerts that are sent by `route`, or with `None` to the main topic.
    fn alerts<'a>(&'a self, route: Option<&'a str>) -> impl Iterator<Item = (&'a Member, &'a Alert)> {
        let is_sent = move |waiting: &&Waiting| match route {
            None => self.is_for_main(waiting),
            Some(route) => self.route.as_deref() == Some(route) && self.is_for_route(waiting),
        };
        self.waiting.iter().filter(is_sent).map(|waiting| (&self.member, &waiting.alert))
    }
}

/// Also that something critical is over.
fn is_critical(alert: &Alert) -> bool {
    let of_condition = alert.condition().map(|update| update.failure.severity);
    of_condition.into_iter().chain([alert.severity]).max() == Some(Severity::Critical)
}

/// What the main topic is sent.
fn run(of: &Of<'_>, rows: &[Row], before: &[Row], outgoing: &Outgoing) -> Run {
    let is_audited = of.conclude.state.list.fault.is_none();
    let run = Run {
        organization_alerts: members::of_organization(outgoing.organization.iter().map(|waiting| &waiting.alert)),
        groups: members::group(outgoing.members.iter().flat_map(|due| due.alerts(None))),
        routed: routes::routed(&outgoing.members),
        moves: if is_audited { members::moves(before, rows, |_| true) } else { Moves::default() },
        ..Run::of(&of.settings.organization, &of.conclude.task.run, rows)
    };
    // After a fault of the organization no account was looked at, and each is as it was.
    if is_audited { run } else { Run { unaudited: Vec::new(), skipped: BTreeMap::new(), ..run } }
}
