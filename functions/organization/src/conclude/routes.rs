//! Findings of some accounts are sent to a topic of their own: one message for each route and run.

use std::collections::{BTreeMap, BTreeSet};

use aws::{Notifier, PublishError};
use facts::source::Cause;
use futures_util::{StreamExt, stream};
use members::{Declared, Moves, Routed, Row, Run};

use super::{Due, Of, Outgoing};
use crate::Organization;

/// Routes that are sent at once.
const AT_ONCE: usize = 8;

/// What came of all routes.
#[derive(Default)]
pub(super) struct ByRoute {
    /// SNS's ids of what was published.
    pub(super) sent: Vec<String>,
    /// Routes whose message was sent, by the route's topic or the main one.
    pub(super) delivered: BTreeSet<String>,
    /// Why a message waits for the next run: neither the route's topic nor the main one took it.
    pub(super) refused: Option<PublishError>,
}

/// How much each route is sent.
pub(super) fn routed(dues: &[Due]) -> Vec<Routed> {
    let mut routes: BTreeMap<&str, usize> = BTreeMap::new();
    for (due, route) in dues.iter().filter_map(|due| Some((due, due.route.as_deref()?))) {
        let alerts = due.alerts(Some(route)).count();
        if alerts > 0 {
            *routes.entry(route).or_default() += alerts;
        }
    }
    routes.into_iter().map(|(route, alerts)| Routed { route: route.to_owned(), alerts }).collect()
}

impl Organization {
    /// Sends what has a route, after the main topic was sent its message `whole`. Where a route's topic does not take its message, the main topic gets
    /// it: a route may silence nothing.
    pub(super) async fn send_routes(
        &self,
        of: &Of<'_>,
        main: &Notifier,
        whole: &Run,
        (before, rows): (&[Row], &[Row]),
        declared: &Declared,
        outgoing: &Outgoing,
    ) -> ByRoute {
        let mut of_routes: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
        if of.conclude.state.list.fault.is_none() {
            for row in rows {
                if let Some(route) = declared.route(&row.member) {
                    of_routes.entry(route).or_default().push(row.clone());
                }
            }
        }
        // An account that left may have alerts, too.
        for due in &outgoing.members {
            if let Some(route) = due.route.as_deref() {
                of_routes.entry(route).or_default();
            }
        }
        let members = &outgoing.members;
        let runs = of_routes.into_iter().map(|(route, of_route)| Run {
            is_first: whole.is_first,
            is_digest: whole.is_digest,
            groups: members::group(members.iter().flat_map(|due| due.alerts(Some(route)))),
            moves: if whole.moves == Moves::default() {
                Moves::default()
            } else {
                members::moves(before, rows, |member| declared.route(member) == Some(route))
            },
            route: Some(route.to_owned()),
            tags_unread: whole.tags_unread,
            ..Run::of(&whole.organization, &whole.run, &of_route)
        });
        let sent = stream::iter(runs).map(async |run| (self.send_route(of, main, &run).await, run.route));
        let sent: Vec<_> = sent.buffer_unordered(AT_ONCE).collect().await;
        let mut by_route = ByRoute::default();
        for (sent, route) in sent {
            match sent {
                Ok(id) => {
                    by_route.sent.extend(id);
                    by_route.delivered.extend(route);
                }
                Err(error) => by_route.refused = Some(error),
            }
        }
        by_route
    }

    /// To the route's topic, else to the main one.
    async fn send_route(&self, of: &Of<'_>, main: &Notifier, run: &Run) -> Result<Option<String>, PublishError> {
        let route = run.route.as_deref().unwrap_or_default();
        let error = match of.settings.route_topic(route) {
            Some(topic_arn) => match self.send(of, &Notifier::new(&self.config, topic_arn), run).await {
                Ok(id) => return Ok(id),
                Err(error) => error,
            },
            None => {
                let cause = Cause::Refused { code: "the name of the stack is not set".into() };
                PublishError { topic_arn: route.to_owned(), cause, permanent: true }
            }
        };
        tracing::error!(%error, route, "the main topic gets the message of the route");
        self.send(of, main, &Run { unreached: Some(error.to_string()), ..run.clone() }).await
    }
}
