//! How a call waits.

use super::futex::Woke;
use crate::channel::Refused;
use crate::primitive::Arc;
use std::fmt;
use std::time::{Duration, Instant};

/// After how long an interruptible wait returns in any case. A signal that
/// arrives after the caller has last looked for one and before the thread
/// sleeps interrupts nothing; this bounds how long it goes unnoticed. People
/// take a tenth of a second for at once.
const SLICE: Duration = Duration::from_millis(80);

/// How long and how a call may wait.
#[derive(Clone, Copy, Default)]
pub struct Wait<'a> {
    /// Until when; `None` for as long as it takes. When it has passed already,
    /// the call makes one try.
    pub deadline: Option<Instant>,
    /// Whether a signal handler that runs on this thread ends the wait with
    /// [`Refused::Interrupted`]. The same happens now and then without a
    /// signal, some ten times a second.
    pub interruptible: bool,
    /// When the call began, if this goes on with one that was interrupted: it
    /// gets its place in line back. `None`: now.
    pub since: Option<Instant>,
    /// Told about a sleep.
    pub parked: Option<&'a dyn Parked>,
}

/// Told when a thread goes to sleep and when it got up again; not while it
/// spins. Lets an embedder see who is blocked, and end that.
///
/// Called on the waiting thread, with no lock held.
pub trait Parked: Sync {
    /// The thread is about to sleep. `waker` ends the wait from outside; with
    /// `deadline`, the wait ends by itself.
    fn parked(&self, waker: Arc<dyn Abandon>, deadline: Option<Instant>);

    /// The thread has got up. Called once after each `parked`.
    fn unparked(&self);
}

/// A wait that can be ended from outside.
pub trait Abandon: Send + Sync {
    /// Ends the wait with [`Refused::Abandoned`], unless it was already over.
    fn abandon(&self);

    /// Whether nothing has ended the wait yet. One that has ended may be of a
    /// thread that still has to get up.
    fn is_waiting(&self) -> bool {
        true
    }
}

impl Wait<'_> {
    /// For as long as it takes, uninterruptible, nobody told.
    pub fn forever() -> Self {
        Self::default()
    }

    /// Until `deadline`, uninterruptible.
    pub fn until(deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..Self::default()
        }
    }

    /// For `timeout` from now, uninterruptible. A time too large for the clock
    /// is for ever.
    pub fn within(timeout: Duration) -> Self {
        Self {
            deadline: Instant::now().checked_add(timeout),
            ..Self::default()
        }
    }

    /// When the call began.
    pub(crate) fn since(&self) -> Instant {
        self.since.unwrap_or_else(Instant::now)
    }

    /// Whether there is no time to wait at all.
    pub(crate) fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }
}

/// What a call waits with.
pub(crate) trait Sleeper: Abandon + 'static {
    /// Announces that the thread will sleep; `false` when there is no reason
    /// to any more.
    fn park(&self) -> bool;

    /// Sleeps after [`park`](Self::park), which is asked again afterwards.
    fn sleep(&self, until: Option<Instant>) -> Woke;
}

/// Sleeps until there is no reason to any more, or one to give up, which is
/// the result.
pub(crate) fn sleep<S: Sleeper>(waiter: &Arc<S>, wait: &Wait<'_>) -> Refused {
    if let Some(parked) = wait.parked {
        parked.parked(Arc::clone(waiter) as Arc<dyn Abandon>, wait.deadline);
    }
    let slice = if wait.interruptible {
        Instant::now().checked_add(SLICE)
    } else {
        None
    };
    let sliced = slice.is_some_and(|slice| wait.deadline.is_none_or(|end| slice < end));
    let until = if sliced { slice } else { wait.deadline };

    let mut reason = Refused::Abandoned;
    while waiter.park() {
        match waiter.sleep(until) {
            Woke::TimedOut if sliced => reason = Refused::Interrupted,
            Woke::TimedOut => reason = Refused::TimedOut,
            Woke::Interrupted if wait.interruptible => reason = Refused::Interrupted,
            Woke::Called | Woke::Interrupted => continue,
        }
        break;
    }
    if let Some(parked) = wait.parked {
        parked.unparked();
    }
    reason
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("deadline", &self.deadline)
            .field("interruptible", &self.interruptible)
            .field("since", &self.since)
            .field("parked", &self.parked.is_some())
            .finish()
    }
}
