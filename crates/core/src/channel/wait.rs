//! How a call waits in a channel.

use super::state::End;
use super::waiter::Alone;
use super::{Channel, Refused};
use crate::primitive::Arc;
use crate::sync::spin::Spin;
use crate::sync::wait::{Sleeper, Wait, sleep};
use std::time::{Duration, Instant};

/// Whether a call with a place in line spins before it sleeps. Only the first
/// in line does: the others have to wait for it anyway, and there are only so
/// many processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spins {
    Yes,
    /// It has, elsewhere.
    Has,
    No,
}

impl<T: Send + 'static, C> Channel<T, C> {
    /// Waits until `waiter`, whose place is in the list of `end`, is completed,
    /// and says how: in the words of that end. On giving up, takes it off.
    pub(super) fn settle(
        &self,
        end: End,
        waiter: &Arc<Alone<T>>,
        spins: Spins,
        wait: &Wait<'_>,
    ) -> Result<(), Refused> {
        let spin = self.spin(end);
        // Why it would have been given up, should it have no outcome below.
        let mut reason = Refused::Abandoned;
        if spins == Spins::Yes && spin.until(|| waiter.outcome().is_some()) {
            spin.learn(Duration::ZERO);
        } else if spins == Spins::No {
            reason = sleep(waiter, wait);
        } else {
            reason = sleep_and_learn(waiter, wait, spin);
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
        state.withdraw(end, waiter.place());
        Err(reason)
    }

    pub(super) fn spin(&self, end: End) -> &Spin {
        match end {
            End::Send => &self.0.receivers.spin_send,
            End::Recv => &self.0.receivers.spin_recv,
        }
    }
}

/// Sleeps as [`sleep`] does, and lets `spin` know for how long.
pub(super) fn sleep_and_learn<S: Sleeper>(
    waiter: &Arc<S>,
    wait: &Wait<'_>,
    spin: &Spin,
) -> Refused {
    let began = Instant::now();
    let idles = spin.idles();
    let reason = sleep(waiter, wait);
    let slept = began.elapsed();
    // Else there is nothing new, and nothing to be fetched for it while somebody waits for this thread.
    if !idles || Spin::is_short(slept) {
        spin.learn(slept);
    }
    reason
}
