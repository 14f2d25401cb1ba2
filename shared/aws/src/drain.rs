//! Sends the alerts that wait, in the order of [`alerts::outbox`].

use alerts::Alert;
use alerts::outbox::{Came, Drain, End, Step};
use messages::Message;

use crate::delivery::notifier::{Notifier, PublishError};
use crate::storage::ledger::{Acquired, Lease, Ledger, LedgerError, Waiting};

/// Messages of one run. Others make at most a few while this one sends: more than that is a flood, and left to the next run.
const MAX_MESSAGES: usize = 3;

/// The outcome of sending.
#[derive(Debug, Default)]
pub struct Drained {
    /// SNS's ids of what was published.
    pub messages: Vec<String>,
    /// Ids of the alerts that were sent.
    pub alerts: Vec<String>,
    /// So many wait at least, as far as is known.
    pub left: Option<usize>,
    /// SNS did not take a message.
    pub refused: Option<PublishError>,
    /// The state store failed.
    pub failed: Option<LedgerError>,
    /// Another run has the right to send.
    pub is_left: bool,
    /// More waits than one run sends.
    pub is_cut: bool,
}

/// Publishes everything that waits and is `own` as one message at a time, until nothing waits, another run sends, something fails, or it is too
/// much for one run.
pub async fn drain<W: Future<Output = Option<Message>>>(
    ledger: &Ledger,
    notifier: &Notifier,
    lease: &Lease,
    now: impl Fn() -> jiff::Timestamp,
    own: impl Fn(&Alert) -> bool,
    words: impl Fn(Vec<Alert>) -> W,
) -> Drained {
    let mut drained = Drained::default();
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut drain = Drain::default();
    loop {
        let came = match drain.step() {
            Step::Look | Step::LookAlone => match ledger.waiting_alerts(now()).await {
                Ok(alerts) => {
                    waiting = alerts.into_iter().filter(|waiting| own(&waiting.alert)).collect();
                    drained.left = Some(waiting.len());
                    drained.is_cut = !waiting.is_empty() && drained.messages.len() >= MAX_MESSAGES;
                    if waiting.is_empty() || drained.is_cut { Came::No } else { Came::Yes }
                }
                Err(error) => drained.fail(error),
            },
            Step::Acquire => match ledger.acquire(lease, now()).await {
                Ok(Acquired::Held) => Came::No,
                Ok(Acquired::Free | Acquired::NotReturned) => Came::Yes,
                Err(error) => drained.fail(error),
            },
            // The lease may have run out while this run was held up.
            Step::Publish if now() >= lease.until => Came::No,
            Step::Publish => {
                let alerts = waiting.iter().map(|waiting| waiting.alert.clone()).collect();
                match words(alerts).await {
                    Some(message) => match notifier.publish(&message).await {
                        Ok(id) => {
                            drained.messages.push(id);
                            drained.alerts.extend(waiting.iter().map(|waiting| waiting.alert.id.clone()));
                            Came::Yes
                        }
                        Err(error) => {
                            drained.refused = Some(error);
                            Came::No
                        }
                    },
                    None => Came::Yes,
                }
            }
            Step::Delete => match ledger.forget(&waiting, now()).await {
                Ok(()) => Came::Yes,
                Err(error) => drained.fail(error),
            },
            Step::Release => match ledger.release(lease).await {
                Ok(()) => Came::Yes,
                Err(error) => drained.fail(error),
            },
            Step::Done(end) => {
                drained.is_left = end == End::Left;
                if end == End::Failed && drained.messages.is_empty() && drained.left == Some(0) {
                    drained.left = None;
                }
                return drained;
            }
        };
        drain.came(came);
    }
}

impl Drained {
    fn fail(&mut self, error: LedgerError) -> Came {
        self.failed.get_or_insert(error);
        Came::Error
    }
}
