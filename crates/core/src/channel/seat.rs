//! Where a receiver waits while it spins: beside the channel's lock.
//!
//! A sender that has taken the lock has the seat in its processor's cache with
//! it, so an item changes hands with two transfers between processors: the
//! lock's on its way to the sender, the seat's on its way back. A receiver
//! that goes to sleep leaves the seat for a [waiter](super::waiter), which
//! may stay for any time. There is one seat. Who finds it taken stands in line,
//! and whoever is in line does not spin.

use super::call::Outcome;
use crate::primitive::{AtomicU32, Ordering, UnsafeCell};

/// States of a seat's word.
///
/// | word | state | who gets it there |
/// |---|---|---|
/// | `FREE` | nobody is there | is born so; the receiver, from any but `WAITING`; and from that under the lock |
/// | `WAITING` | a receiver spins | the receiver, under the lock, from `FREE` |
/// | `DONE`, `CLOSED`, `GONE` | how that was completed | who holds the lock, from `WAITING` |
///
/// While `WAITING`, the slot belongs to who holds the lock; when completed, to
/// the receiver.
const FREE: u32 = 0;
const WAITING: u32 = 1;
const DONE: u32 = 2;
const CLOSED: u32 = 3;
const GONE: u32 = 4;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Seat<T> {
    word: AtomicU32,
    slot: UnsafeCell<Option<T>>,
}

// SAFETY: the slot has one user at a time, as said above, and moves items
// between threads, which `T: Send` allows; nobody gets a `&T`.
unsafe impl<T: Send> Send for Seat<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Seat<T> {}

impl<T> Seat<T> {
    pub(super) fn new() -> Self {
        Self {
            word: AtomicU32::new(FREE),
            slot: UnsafeCell::new(None),
        }
    }

    /// Takes the seat if it is free. Under the channel's lock.
    pub(super) fn sit(&self) -> bool {
        // Acquire: pairs with `leave`, which is not under the lock.
        let free = self.word.load(Ordering::Acquire) == FREE;
        if free {
            // Relaxed: whoever completes it holds the lock.
            self.word.store(WAITING, Ordering::Relaxed);
        }
        free
    }

    /// Completes the wait of the receiver that sits there, with the item if it
    /// gets one.
    ///
    /// # Safety
    ///
    /// The caller holds the channel's lock, and the word is `WAITING`.
    pub(super) unsafe fn complete(&self, outcome: Outcome, item: Option<T>) {
        // SAFETY: the slot is the caller's, see the table.
        self.slot.with_mut(|slot| unsafe { *slot = item });
        let word = match outcome {
            Outcome::Done => DONE,
            Outcome::Closed => CLOSED,
            Outcome::Gone => GONE,
        };
        // Release: the slot before the outcome (Acquire in `outcome`).
        self.word.store(word, Ordering::Release);
    }

    /// The outcome, once there is one.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        // Acquire: pairs with the Release in `complete`.
        match self.word.load(Ordering::Acquire) {
            DONE => Some(Outcome::Done),
            CLOSED => Some(Outcome::Closed),
            GONE => Some(Outcome::Gone),
            _ => None,
        }
    }

    /// Leaves the seat with what is in the slot.
    ///
    /// # Safety
    ///
    /// The caller has taken the seat, and either seen the outcome, or holds
    /// the channel's lock.
    pub(super) unsafe fn leave(&self) -> Option<T> {
        // SAFETY: the slot is the caller's, see the table.
        let item = self.slot.with_mut(|slot| unsafe { (*slot).take() });
        // Release: the slot before the next one who sits there.
        self.word.store(FREE, Ordering::Release);
        item
    }
}
