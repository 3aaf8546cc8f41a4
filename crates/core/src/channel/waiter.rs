//! One place in a channel's list: which call waits there, with which item.

use super::call::{Call, Completed, Outcome};
use super::handle::HandleId;
use crate::primitive::{Arc, UnsafeCell};
use crate::sync::futex::Woke;
use crate::sync::wait::{Abandon, Sleeper};
use std::mem;
use std::time::Instant;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Waiter<T> {
    call: Whose,
    /// A sender's item on its way out, or a receiver's on its way in. While
    /// the waiter is in its list: touched under the channel's lock. Then: by
    /// whoever's call it is.
    slot: UnsafeCell<Option<T>>,
    /// The one behind it in its [line](super::line).
    next: UnsafeCell<Option<Arc<Self>>>,
    /// The handle that the call was made through.
    pub(super) handle: HandleId,
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
// between threads, which `T: Send` allows; nobody gets a `&T`. What is next
// is touched under the channel's lock only.
unsafe impl<T: Send> Send for Waiter<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Waiter<T> {}

impl<T> Waiter<T> {
    /// A waiter with something to send, or with room for something, for a call
    /// that waits nowhere else.
    pub(super) fn new(handle: HandleId, since: Instant, item: Option<T>) -> Arc<Self> {
        Self::with(Whose::Own(Call::new()), handle, since, item)
    }

    /// One of several waiters of a call.
    pub(super) fn shared(
        call: &Arc<Call>,
        place: u32,
        handle: HandleId,
        since: Instant,
        item: Option<T>,
    ) -> Arc<Self> {
        Self::with(Whose::Shared(Arc::clone(call), place), handle, since, item)
    }

    fn with(call: Whose, handle: HandleId, since: Instant, item: Option<T>) -> Arc<Self> {
        Arc::new(Self {
            call,
            slot: UnsafeCell::new(item),
            next: UnsafeCell::new(None),
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

    /// The one behind it.
    ///
    /// # Safety
    ///
    /// The caller has borrowed the line that the waiter is in.
    pub(super) unsafe fn next(&self) -> Option<&Arc<Self>> {
        // SAFETY: whoever changes it has borrowed the line, and mutably.
        self.next.with(|next| unsafe { (*next).as_ref() })
    }

    /// Changes that.
    ///
    /// # Safety
    ///
    /// The caller has mutably borrowed the line that the waiter is in, or has
    /// just taken it out of, or is about to put it into.
    pub(super) unsafe fn set_next(&self, next: Option<Arc<Self>>) -> Option<Arc<Self>> {
        // SAFETY: nobody else has borrowed that line.
        self.next
            .with_mut(|place| unsafe { mem::replace(&mut *place, next) })
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
