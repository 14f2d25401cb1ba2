//! Every order in which two runs can meet, with crashes, an outage of SNS, leases that run out and replies that get lost.
//!
//! A search through all states of a small model: a store, two runs that overlap, then clean runs one after the other. The runs
//! that send by [`Drain`] are driven by the real one; the other protocols are here to show that the search finds what is wrong.

use std::collections::HashMap;

use super::*;

/// A set of two alerts: one bit each. Two, because a run may write down another one while this one tells.
type Alerts = u8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Protocol {
    /// Seen and waiting in one write, then [`Drain`].
    Outbox,
    /// The same without looking again after the lease was given back.
    OutboxWithoutLastLook,
    /// The same without looking again once the lease is held.
    OutboxWithoutLookAlone,
    /// The same without a lease.
    OutboxWithoutLease,
    /// Seen first; sent when that is written.
    MarkThenPublish,
    /// Sent first; seen when that is done.
    PublishThenMark,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    /// Sends what others left behind.
    DrainFirst(Drain),
    /// Writes down what it saw.
    Commit,
    /// Sends what it saw.
    DrainThen(Drain),
    /// Without an outbox: the second half.
    Second,
    Ended,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Run {
    at: At,
    /// What the source shows it.
    sees: Alerts,
    /// What its last look found; without an outbox, what is news to it.
    found: Alerts,
}

/// How often what can go wrong may do so yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Faults {
    crashes: u8,
    /// Of SNS, on or off.
    switches: u8,
    /// Of a lease, whether its holder lives or not.
    expiries: u8,
    /// A step that fails, or is done and looks as if it failed.
    errors: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    protocol: Protocol,
    seen: Alerts,
    waits: Alerts,
    holder: Option<usize>,
    sns: bool,
    delivered: [u8; 2],
    runs: [Run; 2],
    left: Faults,
    /// Crashes, leases lost by the living, and errors so far: each may cost a repeat.
    excuses: u8,
}

/// What was seen in all end states together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    states: usize,
    lost: bool,
    too_often: bool,
    endless: bool,
    /// Something still waits when both runs are through, before any clean run.
    left_waiting: bool,
    /// Something still waits after the clean runs.
    stuck: bool,
}

impl Verdict {
    fn is_good(&self) -> bool {
        !(self.lost || self.too_often || self.endless || self.stuck)
    }
}

impl Run {
    fn new(protocol: Protocol, sees: Alerts) -> Self {
        let has_outbox = !matches!(protocol, Protocol::MarkThenPublish | Protocol::PublishThenMark);
        let at = if has_outbox { At::DrainFirst(Drain::default()) } else { At::Commit };
        Self { at, sees, found: 0 }
    }
}

impl World {
    fn new(protocol: Protocol, sees: [Alerts; 2], left: Faults) -> Self {
        Self {
            protocol,
            seen: 0,
            waits: 0,
            holder: None,
            sns: true,
            delivered: [0; 2],
            runs: sees.map(|sees| Run::new(protocol, sees)),
            left,
            excuses: 0,
        }
    }

    fn is_over(&self) -> bool {
        self.runs.iter().all(|run| matches!(run.at, At::Ended | At::Dead))
    }

    /// Sends what `run` found, in one message.
    fn publish(&mut self, run: usize) -> Came {
        if !self.sns {
            return Came::No;
        }
        for (number, delivered) in (0..).zip(&mut self.delivered) {
            *delivered += self.runs[run].found >> number & 1;
        }
        Came::Yes
    }

    /// What was delivered at least once.
    fn sent(&self) -> Alerts {
        (0..).zip(self.delivered).filter(|(_, delivered)| *delivered > 0).map(|(number, _)| 1 << number).sum()
    }

    /// Carries out one step of the drain of `run`.
    fn carry_out(&mut self, run: usize, step: Step) -> Came {
        let yes = |is: bool| if is { Came::Yes } else { Came::No };
        match step {
            Step::Look => {
                self.runs[run].found = self.waits;
                yes(self.waits != 0)
            }
            Step::LookAlone if self.protocol == Protocol::OutboxWithoutLookAlone => Came::Yes,
            Step::LookAlone => {
                self.runs[run].found = self.waits;
                yes(self.waits != 0)
            }
            Step::Acquire if self.protocol == Protocol::OutboxWithoutLease => Came::Yes,
            Step::Acquire if self.holder.is_none() => {
                self.holder = Some(run);
                Came::Yes
            }
            Step::Acquire => Came::No,
            Step::Publish => self.publish(run),
            Step::Delete => {
                self.waits &= !self.runs[run].found;
                Came::Yes
            }
            Step::Release => {
                let is_mine = self.holder == Some(run);
                self.holder = self.holder.filter(|_| !is_mine);
                yes(is_mine)
            }
            Step::Done(_) => panic!("nothing to carry out"),
        }
    }

    fn drained(&self, step: Step, mut drain: Drain, came: Came) -> Option<Drain> {
        drain.came(came);
        let is_last = self.protocol == Protocol::OutboxWithoutLastLook && step == Step::Release;
        (!is_last && !matches!(drain.step(), Step::Done(_))).then_some(drain)
    }

    /// The world after the next step of `run`. `heard`: what the run hears of it, when that is not what came of it.
    fn step(mut self, run: usize, heard: Option<Came>) -> Self {
        let at = self.runs[run].at;
        self.runs[run].at = match at {
            At::DrainFirst(drain) | At::DrainThen(drain) => {
                let step = drain.step();
                let came = self.carry_out(run, step);
                let next = self.drained(step, drain, heard.unwrap_or(came));
                match (at, next) {
                    (At::DrainFirst(_), Some(drain)) => At::DrainFirst(drain),
                    (At::DrainFirst(_), None) => At::Commit,
                    (_, Some(drain)) => At::DrainThen(drain),
                    (_, None) => At::Ended,
                }
            }
            At::Commit => self.commit(run),
            At::Second => {
                match self.protocol {
                    Protocol::MarkThenPublish => drop(self.publish(run)),
                    _ => self.seen |= self.runs[run].found,
                }
                At::Ended
            }
            At::Ended | At::Dead => at,
        };
        self
    }

    fn commit(&mut self, run: usize) -> At {
        let news = self.runs[run].sees & !self.seen;
        match self.protocol {
            Protocol::MarkThenPublish | Protocol::PublishThenMark if news == 0 => At::Ended,
            Protocol::MarkThenPublish => {
                self.runs[run].found = news;
                self.seen |= news;
                At::Second
            }
            Protocol::PublishThenMark => {
                self.runs[run].found = news;
                if self.publish(run) == Came::Yes { At::Second } else { At::Ended }
            }
            _ => {
                self.seen |= news;
                self.waits |= news;
                At::DrainThen(Drain::default())
            }
        }
    }

    /// The next step fails: nothing comes of it.
    fn fail(mut self, run: usize) -> Self {
        let came = |drain: Drain| if drain.step() == Step::Publish { Came::No } else { Came::Error };
        self.runs[run].at = match self.runs[run].at {
            At::DrainFirst(drain) => self.drained(drain.step(), drain, came(drain)).map_or(At::Commit, At::DrainFirst),
            At::DrainThen(drain) => self.drained(drain.step(), drain, came(drain)).map_or(At::Ended, At::DrainThen),
            // What could not be written down is tried again by Lambda.
            at => at,
        };
        self
    }

    /// Everything that can happen next.
    fn next(&self) -> Vec<Self> {
        let mut worlds = Vec::new();
        let lives = |run: usize| !matches!(self.runs[run].at, At::Ended | At::Dead);
        for run in (0..2).filter(|run| lives(*run)) {
            worlds.push(self.step(run, None));
            if self.left.crashes > 0 {
                // Before the step's effect, or between that and its acknowledgement.
                for mut world in [*self, self.step(run, None)] {
                    world.runs[run].at = At::Dead;
                    world.left.crashes -= 1;
                    world.excuses += 1;
                    worlds.push(world);
                }
            }
            if let (1.., At::DrainFirst(drain) | At::DrainThen(drain)) = (self.left.errors, self.runs[run].at) {
                let lost = if drain.step() == Step::Publish { Came::No } else { Came::Error };
                for mut world in [self.fail(run), self.step(run, Some(lost))] {
                    world.left.errors -= 1;
                    world.excuses += 1;
                    worlds.push(world);
                }
            }
        }
        if self.left.switches > 0 && !self.is_over() {
            let mut world = *self;
            world.sns = !world.sns;
            world.left.switches -= 1;
            worlds.push(world);
        }
        if let (1.., Some(holder)) = (self.left.expiries, self.holder) {
            let mut world = *self;
            world.holder = None;
            world.left.expiries -= 1;
            world.excuses += u8::from(lives(holder));
            worlds.push(world);
        }
        worlds
    }

    /// Runs one after the other, when SNS works and old leases have run out.
    fn clean_up(mut self, sees: Alerts) -> Self {
        self.sns = true;
        for _ in 0..2 {
            self.holder = None;
            self.runs[0] = Run::new(self.protocol, sees);
            while !matches!(self.runs[0].at, At::Ended) {
                self = self.step(0, None);
            }
        }
        self
    }

    /// Goes through every world that can come of this one.
    fn explore(self, sees_later: Alerts, met: &mut HashMap<Self, bool>, verdict: &mut Verdict) {
        match met.get(&self) {
            Some(true) => return,
            // It came back to where it was.
            Some(false) => {
                verdict.endless = true;
                return;
            }
            None => {}
        }
        met.insert(self, false);
        verdict.states += 1;
        for world in self.next() {
            world.explore(sees_later, met, verdict);
        }
        met.insert(self, true);
        if self.is_over() {
            verdict.left_waiting |= self.waits != 0;
            let end = self.clean_up(sees_later);
            let went_well = self.runs.iter().filter(|run| run.at == At::Ended).map(|run| run.sees);
            let must_be_sent = went_well.fold(self.seen | sees_later, |alerts, sees| alerts | sees);
            verdict.lost |= must_be_sent & !end.sent() != 0;
            verdict.too_often |= end.delivered.iter().any(|delivered| *delivered > 1 + self.excuses);
            verdict.stuck |= end.waits != 0;
        }
    }
}

/// All that can come of two runs: of a source that lasts, of one that only either sees, of one that shows each something else.
fn search(protocol: Protocol, left: Faults) -> Verdict {
    let mut verdict = Verdict::default();
    for (sees, sees_later) in [([0b11, 0b11], 0b11), ([0b01, 0], 0), ([0b01, 0b10], 0)] {
        World::new(protocol, sees, left).explore(sees_later, &mut HashMap::new(), &mut verdict);
    }
    verdict
}

const NONE: Faults = Faults { crashes: 0, switches: 0, expiries: 0, errors: 0 };
const SOME: Faults = Faults { crashes: 1, switches: 2, expiries: 1, errors: 0 };

#[test]
fn st_1_two_runs_at_once_without_a_fault_send_once_and_leave_nothing_waiting() {
    let verdict = search(Protocol::Outbox, NONE);
    assert!(verdict.is_good() && !verdict.left_waiting, "{verdict:?}");
    assert!(verdict.states > 300, "{verdict:?}");
}

#[test]
fn st_2_to_9_st_10_pb_5_whatever_fails_nothing_is_lost_and_each_fault_costs_one_repeat_at_most() {
    for left in [
        SOME,
        Faults { crashes: 2, ..SOME },
        Faults { crashes: 0, expiries: 2, ..SOME },
        Faults { expiries: 1, errors: 1, ..SOME },
        Faults { errors: 2, ..NONE },
    ] {
        let verdict = search(Protocol::Outbox, left);
        assert!(verdict.is_good(), "{left:?}: {verdict:?}");
        assert!(verdict.states > 1_000, "{left:?}: {verdict:?}");
    }
}

#[test]
fn st_2_to_9_a_crash_without_an_outage_needs_the_next_run_at_most() {
    let verdict = search(Protocol::Outbox, Faults { crashes: 1, ..NONE });
    assert!(verdict.is_good() && verdict.left_waiting, "a dead run may leave it to the next: {verdict:?}");
}

#[test]
fn the_search_finds_that_marking_first_loses_alerts() {
    assert!(search(Protocol::MarkThenPublish, NONE).is_good());
    assert!(search(Protocol::MarkThenPublish, Faults { crashes: 1, ..NONE }).lost);
    assert!(search(Protocol::MarkThenPublish, Faults { switches: 1, ..NONE }).lost);
}

#[test]
fn the_search_finds_that_publishing_first_repeats_and_loses_alerts() {
    assert!(search(Protocol::PublishThenMark, NONE).too_often);
    let verdict = search(Protocol::PublishThenMark, Faults { switches: 1, ..NONE });
    assert!(verdict.too_often && verdict.lost, "{verdict:?}");
}

#[test]
fn the_search_finds_that_without_a_last_look_an_alert_waits_for_the_next_run() {
    let verdict = search(Protocol::OutboxWithoutLastLook, NONE);
    assert!(verdict.is_good() && verdict.left_waiting, "{verdict:?}");
}

#[test]
fn the_search_finds_that_without_a_look_under_the_lease_or_without_the_lease_alerts_are_repeated() {
    assert!(search(Protocol::OutboxWithoutLookAlone, NONE).too_often);
    assert!(search(Protocol::OutboxWithoutLease, NONE).too_often);
}

/// Every answer that the store can give, at every step.
#[test]
fn pb_1_a_drain_whose_store_or_topic_fails_ends_and_gives_the_lease_back() {
    for failing in [Step::LookAlone, Step::Publish, Step::Delete] {
        for bad in [Came::No, Came::Error] {
            if (failing, bad) == (Step::LookAlone, Came::No) {
                continue;
            }
            let mut drain = Drain::default();
            let mut steps = Vec::new();
            while !matches!(drain.step(), Step::Done(_)) {
                steps.push(drain.step());
                drain.came(if drain.step() == failing { bad } else { Came::Yes });
                assert!(steps.len() < 10, "{steps:?}");
            }
            assert_eq!(drain.step(), Step::Done(End::Failed), "{failing:?} {bad:?}");
            assert_eq!(steps.last(), Some(&Step::Release), "{failing:?} {bad:?}");
        }
    }
    let first = |came: Came| {
        let mut drain = Drain::default();
        drain.came(came);
        drain.step()
    };
    assert_eq!([first(Came::No), first(Came::Error)], [Step::Done(End::Empty), Step::Done(End::Failed)]);
    let second = |came: Came| {
        let mut drain = Drain::default();
        drain.came(Came::Yes);
        drain.came(came);
        drain.step()
    };
    assert_eq!([second(Came::No), second(Came::Error)], [Step::Done(End::Left), Step::Done(End::Failed)]);
}

#[test]
fn a_drain_whose_lease_could_not_be_given_back_does_not_go_round() {
    let mut drain = Drain::default();
    for came in [Came::Yes, Came::Yes, Came::Yes, Came::Yes, Came::Yes, Came::Error] {
        drain.came(came);
    }
    assert_eq!(drain.step(), Step::Done(End::Failed));
    drain.came(Came::Yes);
    assert_eq!(drain.step(), Step::Done(End::Failed), "the end is the end");
}
