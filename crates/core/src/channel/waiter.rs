//! Places in channels' lists: which call waits there, with which item.
//!
//! A call that [selects](super::select) has several, in one piece of memory: after a sleep, none of it is in the caches
//! any more.

use super::call::{Call, Completed, Outcome};
use super::handle::HandleId;
use crate::primitive::{Arc, UnsafeCell};
use crate::sync::futex::Woke;
use crate::sync::wait::{Abandon, Sleeper};
use std::mem;
use std::ops::Deref;
use std::ptr;
use std::time::Instant;

/// A place in a channel's list.
#[derive(Debug)]
pub(super) struct Place<T> {
    /// A sender's item on its way out, or a receiver's on its way in. While
    /// the place is in its list: touched under the channel's lock. Then: by
    /// whoever's call it is.
    slot: UnsafeCell<Option<T>>,
    /// The one behind it in its [line](super::line).
    next: UnsafeCell<Option<Waiter<T>>>,
    /// The handle that the call was made through.
    pub(super) handle: HandleId,
}

// SAFETY: the slot has one user at a time, as said there, and moves items
// between threads, which `T: Send` allows; nobody gets a `&T`. What is next
// is touched under the channel's lock only.
unsafe impl<T: Send> Send for Place<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Place<T> {}

/// A call that waits in one place.
#[derive(Debug)]
pub(super) struct Alone<T> {
    call: Call,
    place: Place<T>,
    since: Instant,
}

/// A call that waits in several places.
#[derive(Debug)]
pub(super) struct Group<T> {
    call: Call,
    places: Box<[Place<T>]>,
    since: Instant,
}

/// A place, kept by its list.
#[derive(Debug)]
pub(super) enum Waiter<T> {
    Alone(Arc<Alone<T>>),
    /// And which of its places.
    Among(Arc<Group<T>>, u32),
}

impl<T> Place<T> {
    /// A place with something to send, or with room for something.
    pub(super) fn new(handle: HandleId, item: Option<T>) -> Self {
        Self {
            slot: UnsafeCell::new(item),
            next: UnsafeCell::new(None),
            handle,
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }

    /// Puts an item into the slot.
    ///
    /// # Safety
    ///
    /// The caller holds the channel's lock, and the place was in its list
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
    /// lock and seen that the place is not in the list.
    pub(super) unsafe fn take(&self) -> Option<T> {
        // SAFETY: the slot is the caller's, see there.
        self.slot.with_mut(|slot| unsafe { (*slot).take() })
    }

    /// The one behind it.
    ///
    /// # Safety
    ///
    /// The caller has borrowed the line that the place is in.
    pub(super) unsafe fn next(&self) -> Option<&Waiter<T>> {
        // SAFETY: whoever changes it has borrowed the line, and mutably.
        self.next.with(|next| unsafe { (*next).as_ref() })
    }

    /// Changes that.
    ///
    /// # Safety
    ///
    /// The caller has mutably borrowed the line that the place is in, or has
    /// just taken it out of, or is about to put it into.
    pub(super) unsafe fn set_next(&self, next: Option<Waiter<T>>) -> Option<Waiter<T>> {
        // SAFETY: nobody else has borrowed that line.
        self.next
            .with_mut(|place| unsafe { mem::replace(&mut *place, next) })
    }
}

impl<T> Alone<T> {
    pub(super) fn new(handle: HandleId, since: Instant, item: Option<T>) -> Arc<Self> {
        Arc::new(Self {
            call: Call::new(),
            place: Place::new(handle, item),
            since,
        })
    }

    pub(super) fn place(&self) -> &Place<T> {
        &self.place
    }

    /// The outcome of the call, once there is one.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.call.outcome().map(|(_, outcome)| outcome)
    }
}

impl<T> Group<T> {
    pub(super) fn new(
        call: Call,
        since: Instant,
        places: impl Iterator<Item = Place<T>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            call,
            places: places.collect(),
            since,
        })
    }

    pub(super) fn places(&self) -> &[Place<T>] {
        &self.places
    }

    /// The outcome of the call, once there is one, and in which place.
    pub(super) fn outcome(&self) -> Option<(usize, Outcome)> {
        self.call.outcome()
    }
}

impl<T> Waiter<T> {
    /// When the call began.
    pub(super) fn since(&self) -> Instant {
        match self {
            Self::Alone(alone) => alone.since,
            Self::Among(group, _) => group.since,
        }
    }

    /// Completes the call in this place. Under the channel's lock, with the
    /// place taken off its list.
    pub(super) fn complete(&self, outcome: Outcome) -> Completed {
        match self {
            Self::Alone(alone) => alone.call.complete(0, outcome),
            Self::Among(group, place) => group.call.complete(*place, outcome),
        }
    }

    /// Wakes who waits.
    pub(super) fn wake(&self) {
        match self {
            Self::Alone(alone) => alone.call.wake(),
            Self::Among(group, _) => group.call.wake(),
        }
    }
}

impl<T> Deref for Waiter<T> {
    type Target = Place<T>;

    fn deref(&self) -> &Place<T> {
        match self {
            Self::Alone(alone) => &alone.place,
            Self::Among(group, place) => &group.places[*place as usize],
        }
    }
}

impl<T> Clone for Waiter<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Alone(alone) => Self::Alone(Arc::clone(alone)),
            Self::Among(group, place) => Self::Among(Arc::clone(group), *place),
        }
    }
}

impl<T: Send + 'static> Sleeper for Alone<T> {
    fn park(&self) -> bool {
        self.call.park()
    }

    fn sleep(&self, until: Option<Instant>) -> Woke {
        self.call.sleep(until)
    }
}

impl<T: Send> Abandon for Alone<T> {
    fn abandon(&self) {
        self.call.abandon();
    }

    fn is_waiting(&self) -> bool {
        self.call.is_waiting()
    }
}

impl<T: Send + 'static> Sleeper for Group<T> {
    fn park(&self) -> bool {
        self.call.park()
    }

    fn sleep(&self, until: Option<Instant>) -> Woke {
        self.call.sleep(until)
    }
}

impl<T: Send> Abandon for Group<T> {
    fn abandon(&self) {
        self.call.abandon();
    }

    fn is_waiting(&self) -> bool {
        self.call.is_waiting()
    }
}
