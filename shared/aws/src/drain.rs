//! Tells what waits, in the order of [`checklist::outbox`].

use checklist::outbox::{Came, Drain, End, Step};
use checklist::{Alert, Message};

use crate::ledger::{Lease, Ledger, LedgerError, Waiting};
use crate::notifier::{Notifier, PublishError};

/// What came of telling.
#[derive(Debug, Default)]
pub struct Drained {
    /// SNS's ids of what was published.
    pub told: Vec<String>,
    /// So many alerts were told.
    pub alerts: usize,
    /// So many wait, as far as is known.
    pub left: Option<usize>,
    /// SNS did not take a message.
    pub refused: Option<PublishError>,
    /// The state store failed.
    pub failed: Option<LedgerError>,
}

/// Publishes everything that waits as one message at a time, until nothing waits, another run tells, or something fails.
pub async fn drain<W: Future<Output = Option<Message>>>(
    ledger: &Ledger,
    notifier: &Notifier,
    lease: &Lease,
    now: impl Fn() -> jiff::Timestamp,
    words: impl Fn(Vec<Alert>) -> W,
) -> Drained {
    let mut drained = Drained::default();
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut drain = Drain::default();
    loop {
        let came = match drain.step() {
            Step::Look | Step::LookAlone => match ledger.waiting_alerts().await {
                Ok(alerts) => {
                    waiting = alerts;
                    drained.left = Some(waiting.len());
                    if waiting.is_empty() { Came::No } else { Came::Yes }
                }
                Err(error) => drained.fail(error),
            },
            Step::Acquire => match ledger.acquire(lease, now()).await {
                Ok(true) => Came::Yes,
                Ok(false) => Came::No,
                Err(error) => drained.fail(error),
            },
            // The lease may have run out while this run was held up.
            Step::Publish if now() >= lease.until => Came::No,
            Step::Publish => {
                let alerts = waiting.iter().map(|waiting| waiting.alert.clone()).collect();
                match words(alerts).await {
                    Some(message) => match notifier.publish(&message).await {
                        Ok(id) => {
                            drained.told.push(id);
                            drained.alerts += waiting.len();
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
            Step::Delete => match ledger.forget(&waiting).await {
                Ok(()) => Came::Yes,
                Err(error) => drained.fail(error),
            },
            Step::Release => match ledger.release(lease).await {
                Ok(()) => Came::Yes,
                Err(error) => drained.fail(error),
            },
            Step::Done(end) => {
                if end == End::Failed && drained.told.is_empty() && drained.left == Some(0) {
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
