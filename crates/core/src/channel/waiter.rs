//! One place in a channel's list: which call waits there, with which item.

use super::call::{Call, Completed, Outcome};
use crate::primitive::{Arc, UnsafeCell};
use crate::sync::futex::Woke;
use crate::sync::wait::{Abandon, Sleeper};
use std::time::Instant;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Waiter<T> {
    call: Whose,
    /// A sender's item on its way out, or a receiver's on its way in. While
    /// the waiter is in its list: touched under the channel's lock. Then: by
    /// whoever's call it is.
    slot: UnsafeCell<Option<T>>,
    /// The handle that the call was made through.
    pub(super) handle: u64,
    /// When the call began.
    pub(super) since: Instant,
}

/// A call of its own needs no memory of its own.
#[derive(Debug)]
enum Whose {
    Own(Call),
    /// And the waiter's place among those of the call.
    Shared(Arc<Call>, u32),
}

// SAFETY: the slot has one user at a time, as said there, and moves items
// between threads, which `T: Send` allows; nobody gets a `&T`.
unsafe impl<T: Send> Send for Waiter<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Waiter<T> {}

impl<T> Waiter<T> {
    /// A waiter with something to send, or with room for something, for a call
    /// that waits nowhere else.
    pub(super) fn new(handle: u64, since: Instant, item: Option<T>) -> Arc<Self> {
        Self::with(Whose::Own(Call::new()), handle, since, item)
    }

    /// One of several waiters of a call.
    pub(super) fn shared(
        call: &Arc<Call>,
        place: u32,
        handle: u64,
        since: Instant,
        item: Option<T>,
    ) -> Arc<Self> {
        Self::with(Whose::Shared(Arc::clone(call), place), handle, since, item)
    }

    fn with(call: Whose, handle: u64, since: Instant, item: Option<T>) -> Arc<Self> {
        Arc::new(Self {
            call,
            slot: UnsafeCell::new(item),
            handle,
            since,
        })
    }

    fn call(&self) -> &Call {
        match &self.call {
            Whose::Own(call) => call,
            Whose::Shared(call, _) => call,
        }
    }

    /// Puts an item into the slot.
    ///
    /// # Safety
    ///
    /// The caller holds the channel's lock, and the waiter was in its list
    /// when it took that.
    pub(super) unsafe fn put(&self, item: T) {
        // SAFETY: the slot is the caller's, see there.
        self.slot.with_mut(|slot| unsafe { *slot = Some(item) });
    }

    /// Takes the item out of the slot.
    ///
    /// # Safety
    ///
    /// Either as for [`put`](Self::put), or it is the caller's call, and the
    /// caller has seen its outcome in this place, or has held the channel's
    /// lock and seen that the waiter is not in the list.
    pub(super) unsafe fn take(&self) -> Option<T> {
        // SAFETY: the slot is the caller's, see there.
        self.slot.with_mut(|slot| unsafe { (*slot).take() })
    }

    /// Completes the call through this waiter. Under the channel's lock, with
    /// the waiter taken off its list.
    pub(super) fn complete(&self, outcome: Outcome) -> Completed {
        match &self.call {
            Whose::Own(call) => call.complete(0, outcome),
            Whose::Shared(call, place) => call.complete(*place, outcome),
        }
    }

    /// The outcome of the call, once there is one.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.call().outcome().map(|(_, outcome)| outcome)
    }

    /// Wakes who waits.
    pub(super) fn wake(&self) {
        self.call().wake();
    }
}

impl<T: Send + 'static> Sleeper for Waiter<T> {
    fn park(&self) -> bool {
        self.call().park()
    }

    fn sleep(&self, until: Option<Instant>) -> Woke {
        self.call().sleep(until)
    }
}

impl<T: Send> Abandon for Waiter<T> {
    fn abandon(&self) {
        self.call().abandon();
    }

    fn is_waiting(&self) -> bool {
        self.call().is_waiting()
    }
}
