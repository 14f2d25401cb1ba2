//! What wakes rootwatch, each part for itself: the rules of each Region, their targets, the canary, and the schedule.

use aws_sdk_eventbridge::Client;
use facts::watch::{Canary, Rule, Schedule, Watch};
use facts::{Source, Unavailable};
use futures_util::future::join_all;

use super::{Collector, Look, Reading, guarded};
use crate::sources::watch::{self, Names};

impl Collector {
    pub(super) async fn watch(&self, look: &Look) -> Option<Watch> {
        let names = look.watch.as_ref()?;
        let regions = join_all(names.regions.iter().map(async |region| {
            let client = self.clients.event_bridge(region);
            tokio::join!(rules(&client, look, names, region), canary(&client, look, names, region))
        }));
        let scheduler = self.clients.scheduler();
        let schedule = guarded(
            Reading::of(Source::Watch, watch::SCHEDULE_OPERATION),
            look.deadline,
            watch::schedule(&scheduler, &names.schedule),
        );
        let (regions, state) = tokio::join!(regions, schedule);
        let (rules, canaries): (Vec<Vec<Rule>>, Vec<Canary>) = regions.into_iter().unzip();
        let schedule = Schedule { name: names.schedule.clone(), state };
        let rules = rules.into_iter().flatten().collect();
        Some(Watch { home: names.home().to_owned(), rules, schedule, canaries })
    }
}

async fn rules(client: &Client, look: &Look, names: &Names, region: &str) -> Vec<Rule> {
    let operation = watch::rules_operation(region);
    let read = watch::rules(client, &names.rules, region);
    let read = guarded(Reading::of(Source::Watch, &operation), look.deadline, read).await;
    let states: Vec<Result<_, Unavailable>> =
        read.unwrap_or_else(|why| names.rules.iter().map(|_| Err(why.clone())).collect());
    let operation = watch::targets_operation(region);
    let rules = names.rules.iter().zip(states).map(async |(name, state)| {
        let mut rule = Rule {
            name: name.clone(),
            region: region.to_owned(),
            state,
            made: names.target(region, &look.account, look.partition),
            targets: None,
        };
        if look.round.reads_targets && rule.is_on() && rule.made.is_some() {
            let read = watch::targets(client, name, region);
            rule.targets = Some(guarded(Reading::of(Source::Watch, &operation), look.deadline, read).await);
        }
        rule
    });
    join_all(rules).await
}

async fn canary(client: &Client, look: &Look, names: &Names, region: &str) -> Canary {
    let sent = match look.own.first().filter(|_| look.round.sends_canary) {
        None => None,
        Some(stack) => {
            let (operation, addressee) = (watch::canary_operation(region), watch::addressee(names.home(), stack));
            let send = watch::send_canary(client, &addressee, region, look.taken_at);
            Some(guarded(Reading::of(Source::Watch, &operation), look.deadline, send).await)
        }
    };
    Canary {
        region: region.to_owned(),
        sent,
        awaited: look.round.awaited.get(region).copied(),
        arrived: look.round.arrived.get(region).copied(),
    }
}
