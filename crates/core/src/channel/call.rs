//! A call that waits, in one channel or in several at once: how it is woken,
//! and what came of it.

use super::Refused;
use super::state::End;
use crate::primitive::{Arc, Ordering};
use crate::sync::futex::{Futex, Woke};
use crate::sync::wait::{Abandon, Sleeper};
use std::fmt;
use std::time::Instant;

/// States of a call's word.
///
/// | word | state | who gets it there |
/// |---|---|---|
/// | `WAITING` | not asleep (yet) | is born so, when a thread waits |
/// | `PARKED` | to be woken: asleep or about to be | the waiting thread, from `WAITING`; or is born so |
/// | `ABANDONED` | should get up and give up | anybody, from the two above |
/// | `DONE`, `CLOSED`, `GONE` and a place | completed, for good, by the waiter in that place | who holds the lock of that waiter's channel, from any above |
///
/// A completion overrides being abandoned, and only the first one counts: a
/// call that waits in several channels is completed in one. A call that gives
/// up leaves the word as it is.
const WAITING: u32 = 0;
const PARKED: u32 = 1;
const ABANDONED: u32 = 2;
const DONE: u32 = 3;
const CLOSED: u32 = 4;
const GONE: u32 = 5;
/// Above the state: the place of the waiter among those of the call.
const PLACE: u32 = 3;

/// Told about a call that no thread waits for: that it is completed, or, of a
/// lock, that it may have what it waits for if it looks now.
///
/// Called on whatever thread did that, with no lock of this crate held. Must
/// not block.
pub trait Notify: Send + Sync {
    /// The call is completed, or should look.
    fn notify(&self);
}

/// See the module's documentation.
pub(super) struct Call {
    state: Futex,
    /// Instead of a thread that sleeps.
    notify: Option<Arc<dyn Notify>>,
}

/// How a call was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The item has changed hands.
    Done,
    /// The handle was closed.
    Closed,
    /// All handles on the other side have closed.
    Gone,
}

impl Outcome {
    /// The outcome in the words of one end.
    pub(super) fn for_end(self, end: End) -> Result<(), Refused> {
        match (self, end) {
            (Self::Done, _) => Ok(()),
            (Self::Closed, _) => Err(Refused::Closed),
            (Self::Gone, End::Send) => Err(Refused::Broken),
            (Self::Gone, End::Recv) => Err(Refused::Ended),
        }
    }
}

/// What an attempt to complete a call found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completed {
    /// It was completed before, through another of its waiters.
    TooLate,
    /// Nobody has to be woken.
    Awake,
    /// [`Call::wake`] has to be called.
    Asleep,
}

impl Call {
    /// A call that a thread waits in.
    pub(super) fn new() -> Self {
        Self {
            state: Futex::new(WAITING),
            notify: None,
        }
    }

    /// A call that no thread waits in.
    pub(super) fn notifying(notify: Arc<dyn Notify>) -> Self {
        Self {
            state: Futex::new(PARKED),
            notify: Some(notify),
        }
    }

    /// Completes the call through the waiter in `place`, which its channel has
    /// taken off its list. Under that channel's lock.
    pub(super) fn complete(&self, place: u32, outcome: Outcome) -> Completed {
        let state = match outcome {
            Outcome::Done => DONE,
            Outcome::Closed => CLOSED,
            Outcome::Gone => GONE,
        };
        let mut word = self.state.word().load(Ordering::Relaxed);
        loop {
            if !matches!(word, WAITING | PARKED | ABANDONED) {
                return Completed::TooLate;
            }
            // Release: the slot before the outcome (Acquire in `outcome`).
            match self.state.word().compare_exchange_weak(
                word,
                state | place << PLACE,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(PARKED) => return Completed::Asleep,
                Ok(_) => return Completed::Awake,
                Err(now) => word = now,
            }
        }
    }

    /// The outcome, once there is one, and the place of the waiter.
    pub(super) fn outcome(&self) -> Option<(usize, Outcome)> {
        // Acquire: pairs with the Release in `complete`.
        let word = self.state.word().load(Ordering::Acquire);
        let outcome = match word & ((1 << PLACE) - 1) {
            DONE => Outcome::Done,
            CLOSED => Outcome::Closed,
            GONE => Outcome::Gone,
            _ => return None,
        };
        Some(((word >> PLACE) as usize, outcome))
    }

    /// Wakes who waits.
    pub(super) fn wake(&self) {
        match &self.notify {
            None => self.state.wake_one(),
            Some(notify) => notify.notify(),
        }
    }
}

impl Sleeper for Call {
    fn park(&self) -> bool {
        // Relaxed: `outcome` has the ordering, this moves no data.
        let parked = self.state.word().compare_exchange(
            WAITING,
            PARKED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        matches!(parked, Ok(_) | Err(PARKED))
    }

    fn sleep(&self, until: Option<Instant>) -> Woke {
        self.state.wait(PARKED, until)
    }
}

impl Abandon for Call {
    fn abandon(&self) {
        let word = self.state.word();
        for from in [WAITING, PARKED] {
            // Relaxed: moves no data. In this order, since the word only
            // ever goes from the first to the second.
            let was = word.compare_exchange(from, ABANDONED, Ordering::Relaxed, Ordering::Relaxed);
            if was.is_ok() {
                self.wake();
                return;
            }
        }
    }

    fn is_waiting(&self) -> bool {
        // Relaxed: moves no data.
        matches!(self.state.word().load(Ordering::Relaxed), WAITING | PARKED)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("outcome", &self.outcome())
            .finish_non_exhaustive()
    }
}
