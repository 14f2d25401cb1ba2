//! In which order waiting alerts are sent, so that none is lost and next to none is sent twice.
//!
//! Each alert is recorded together with the fact that it was seen, in one transaction, before it is sent. [`Drain`] is what
//! follows: look, take the lease, look again, publish, delete, release, look again. A run that dies anywhere in it leaves the alerts
//! to the next one; only between publishing and deleting does that send them twice. The last look is for what another run wrote
//! down while this one held the lease.
//!
//! [`Drain`] decides and does nothing: its caller carries each [`Step`] out and says what came of it.

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// See what waits.
    Look,
    /// Take the lease, if no other run holds it.
    Acquire,
    /// See what waits, as the only run that sends.
    LookAlone,
    /// Send what was seen last.
    Publish,
    /// Remove what was sent.
    Delete,
    /// Give the lease back.
    Release,
    /// Nothing more.
    Done(End),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Nothing waits.
    Empty,
    /// Another run sends; it looks again when it is through.
    Left,
    /// What waits stays: it could not be sent, or the store failed.
    Failed,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Came {
    /// Done; of a look: something waits.
    Yes,
    /// A look found nothing; the lease is another's; nothing could be sent.
    No,
    /// The store failed.
    Error,
}

/// The order of one run's sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Drain {
    next: Step,
    failed: bool,
}

impl Default for Drain {
    fn default() -> Self {
        Self { next: Step::Look, failed: false }
    }
}

impl Drain {
    /// What is to be done now.
    pub fn step(&self) -> Step {
        self.next
    }

    /// Takes what came of [`Self::step`].
    pub fn came(&mut self, came: Came) {
        self.next = match (self.next, came) {
            (Step::Look, Came::Yes) => Step::Acquire,
            (Step::Look, Came::No) => Step::Done(End::Empty),
            (Step::Acquire, Came::Yes) => Step::LookAlone,
            (Step::Acquire, Came::No) => Step::Done(End::Left),
            (Step::Look | Step::Acquire, Came::Error) => Step::Done(End::Failed),
            (Step::LookAlone, Came::Yes) => Step::Publish,
            (Step::LookAlone, Came::No) => Step::Release,
            (Step::Publish, Came::Yes) => Step::Delete,
            (Step::Delete, Came::Yes) => Step::Release,
            (Step::LookAlone | Step::Publish | Step::Delete, _) => {
                self.failed = true;
                Step::Release
            }
            // Once it failed, looking again would only fail again; and it must not go round for ever.
            (Step::Release, _) if self.failed => Step::Done(End::Failed),
            (Step::Release, Came::Yes | Came::No) => Step::Look,
            (Step::Release, Came::Error) => Step::Done(End::Failed),
            (Step::Done(end), _) => Step::Done(end),
        };
    }
}

#[cfg(test)]
mod tests;
