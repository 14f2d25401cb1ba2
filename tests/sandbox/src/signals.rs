//! Moments between the account and a test: a crash that has to be carried out, a call that waits for its release.

use tokio::sync::watch;

/// The next crash, for whoever runs the function.
#[derive(Debug, Clone)]
pub struct Crash(watch::Receiver<usize>);

impl Crash {
    /// Without what has struck already.
    pub(crate) fn continued(&self) -> Self {
        let mut crashes = self.0.clone();
        crashes.mark_unchanged();
        Self(crashes)
    }

    /// Returns when a fault says that the function ends now; never, where the account ends first.
    pub async fn struck(mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

#[derive(Default)]
pub(crate) struct Signals {
    crashes: watch::Sender<usize>,
    hold: watch::Sender<Hold>,
}

#[derive(Default)]
struct Hold {
    /// Calls that wait for their release.
    waiting: usize,
    /// Calls that were released and have not taken effect yet.
    released: usize,
    releases: usize,
    ended: bool,
}

impl Signals {
    pub(crate) fn crash(&self) {
        self.crashes.send_modify(|crashes| *crashes += 1);
    }

    /// Crashes from now on.
    pub(crate) fn crashed(&self) -> Crash {
        Crash(self.crashes.subscribe())
    }

    /// Holds a call. `false`: the account ended before its release.
    pub(crate) async fn hold(&self) -> bool {
        let mut changes = self.hold.subscribe();
        let mut releases = 0;
        self.hold.send_modify(|hold| {
            hold.waiting += 1;
            releases = hold.releases;
        });
        changes.wait_for(|hold| hold.ended || hold.releases > releases).await.is_ok_and(|hold| !hold.ended)
    }

    /// A released call has taken effect.
    pub(crate) fn arrived(&self) {
        self.hold.send_modify(|hold| hold.released -= 1);
    }

    pub(crate) async fn held(&self) {
        let _ = self.hold.subscribe().wait_for(|hold| hold.waiting > 0).await;
    }

    pub(crate) async fn release(&self) {
        self.hold.send_modify(|hold| {
            hold.released += std::mem::take(&mut hold.waiting);
            hold.releases += 1;
        });
        let _ = self.hold.subscribe().wait_for(|hold| hold.released == 0).await;
    }

    /// Lets go of what is held, without effect.
    pub(crate) fn end(&self) {
        self.hold.send_modify(|hold| hold.ended = true);
    }
}
