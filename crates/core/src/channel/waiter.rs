//! One call that waits: what it waits with, and what came of it.

use super::Refused;
use super::state::End;
use crate::primitive::{Arc, Ordering, UnsafeCell};
use crate::sync::futex::{Futex, Woke};
use crate::sync::wait::{Abandon, Sleeper};
use std::time::Instant;

/// States of a waiter's word.
///
/// | word | state | in the list | who gets it there |
/// |---|---|---|---|
/// | `WAITING` | not asleep (yet) | yes | is born so |
/// | `PARKED` | asleep or about to be | yes | the waiting thread, from `WAITING` |
/// | `ABANDONED` | should get up and give up | yes | anybody, from the two above |
/// | `DONE`, `CLOSED`, `GONE` | completed, for good | no | who holds the channel's lock, from any above |
///
/// A completion overrides being abandoned. A waiter that gives up, under the
/// lock, leaves the word as it is.
const WAITING: u32 = 0;
const PARKED: u32 = 1;
const ABANDONED: u32 = 2;
const DONE: u32 = 3;
const CLOSED: u32 = 4;
const GONE: u32 = 5;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Waiter<T> {
    state: Futex,
    /// A sender's item on its way out, or a receiver's on its way in. While
    /// the waiter is in its list: touched under the channel's lock. Then: by
    /// the thread that waited.
    slot: UnsafeCell<Option<T>>,
    /// The handle that the call was made through.
    pub(super) handle: u64,
}

// SAFETY: the slot has one user at a time, as said there, and moves items
// between threads, which `T: Send` allows; nobody gets a `&T`.
unsafe impl<T: Send> Send for Waiter<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Waiter<T> {}

/// How a wait was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The item has changed hands.
    Done,
    /// The waiter's own handle was closed.
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

impl<T> Waiter<T> {
    /// A waiter with something to send, or with room for something.
    pub(super) fn new(handle: u64, item: Option<T>) -> Arc<Self> {
        Arc::new(Self {
            state: Futex::new(WAITING),
            slot: UnsafeCell::new(item),
            handle,
        })
    }

    /// Puts an item into the slot.
    ///
    /// # Safety
    ///
    /// The caller holds the channel's lock and the waiter is not completed
    /// yet.
    pub(super) unsafe fn put(&self, item: T) {
        // SAFETY: the slot is the caller's, see there.
        self.slot.with_mut(|slot| unsafe { *slot = Some(item) });
    }

    /// Takes the item out of the slot.
    ///
    /// # Safety
    ///
    /// Either as for [`put`](Self::put), or the caller is the thread that
    /// waited, after it has seen the outcome or withdrawn.
    pub(super) unsafe fn take(&self) -> Option<T> {
        // SAFETY: the slot is the caller's, see there.
        self.slot.with_mut(|slot| unsafe { (*slot).take() })
    }

    /// Completes the wait. Under the channel's lock, with the waiter taken off
    /// its list. Says whether the thread has to be woken.
    pub(super) fn complete(&self, outcome: Outcome) -> bool {
        let word = match outcome {
            Outcome::Done => DONE,
            Outcome::Closed => CLOSED,
            Outcome::Gone => GONE,
        };
        // Release: the slot before the outcome (Acquire in `outcome`).
        self.state.word().swap(word, Ordering::Release) == PARKED
    }

    /// The outcome, once there is one.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        // Acquire: pairs with the Release in `complete`.
        match self.state.word().load(Ordering::Acquire) {
            DONE => Some(Outcome::Done),
            CLOSED => Some(Outcome::Closed),
            GONE => Some(Outcome::Gone),
            _ => None,
        }
    }

    /// Wakes the thread.
    pub(super) fn wake(&self) {
        self.state.wake_one();
    }
}

impl<T: Send + 'static> Sleeper for Waiter<T> {
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

impl<T: Send> Abandon for Waiter<T> {
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
}
