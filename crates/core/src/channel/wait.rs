//! How a call waits.

use super::state::End;
use super::waiter::Waiter;
use super::{Channel, Refused};
use crate::primitive::Arc;
use crate::sync::futex::Woke;
use std::fmt;
use std::time::{Duration, Instant};

/// After how long an interruptible wait returns in any case. A signal that
/// arrives after the caller has last looked for one and before the thread
/// sleeps interrupts nothing; this bounds how long it goes unnoticed.
const SLICE: Duration = Duration::from_millis(500);

/// How long and how a call may wait.
#[derive(Clone, Copy, Default)]
pub struct Wait<'a> {
    /// Until when; `None` for as long as it takes. When it has passed already,
    /// the call makes one try.
    pub deadline: Option<Instant>,
    /// Whether a signal handler that runs on this thread ends the wait with
    /// [`Refused::Interrupted`]. The same happens every half a second without
    /// a signal.
    pub interruptible: bool,
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

    /// Whether there is no time to wait at all.
    pub(super) fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }
}

impl<T: Send + 'static> Channel<T> {
    /// Waits until `waiter`, which is in the list of `end`, is completed, and
    /// says how: in the words of that end. On giving up, takes it off.
    ///
    /// `first`: nobody was in the list before it. Only the first in line
    /// spins. The others have to wait for it anyway, and there are only so
    /// many processors.
    pub(super) fn settle(
        &self,
        end: End,
        waiter: &Arc<Waiter<T>>,
        first: bool,
        wait: &Wait<'_>,
    ) -> Result<(), Refused> {
        let spin = match end {
            End::Send => &self.spin_send,
            End::Recv => &self.spin_recv,
        };
        // Why it would have been given up, should it have no outcome below.
        let mut reason = Refused::Abandoned;
        if first && spin.until(|| waiter.outcome().is_some()) {
            spin.learn(Duration::ZERO);
        } else {
            let began = Instant::now();
            reason = sleep(waiter, wait);
            if first {
                spin.learn(began.elapsed());
            }
        }
        if let Some(outcome) = waiter.outcome() {
            return outcome.for_end(end);
        }
        let mut state = self.lock();
        // Once more, under the lock: it may have been completed at the last
        // moment, and then it counts.
        if let Some(outcome) = waiter.outcome() {
            return outcome.for_end(end);
        }
        state.withdraw(end, waiter);
        Err(reason)
    }
}

/// Sleeps until `waiter` has an outcome or there is a reason to give up, which
/// is the result.
fn sleep<T: Send + 'static>(waiter: &Arc<Waiter<T>>, wait: &Wait<'_>) -> Refused {
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
            .field("parked", &self.parked.is_some())
            .finish()
    }
}
