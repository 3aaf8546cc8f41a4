//! One open end: what a sender and a receiver have in common.

use super::Channel;
use super::state::{End, Locked};
use super::wakes::Wakes;
use crate::primitive::{AtomicBool, Ordering};

/// A handle's number in its channel, and whether it is closed.
#[derive(Debug)]
pub(super) struct Handle {
    /// Tells this handle's waits from those of others.
    pub(super) number: u64,
    /// Written under both of the channel's locks. What decides anything reads
    /// it under one of them, hence Relaxed throughout.
    closed: AtomicBool,
}

impl Handle {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Closes the handle; `true` the first time.
    pub(super) fn close<T: Send + 'static>(&self, channel: &Channel<T>, end: End) -> bool {
        let mut wakes = Wakes::new();
        let mut whole = channel.whole();
        if self.is_closed() {
            return false;
        }
        self.closed.store(true, Ordering::Relaxed);
        let left = whole.close_handle(end, self.number, &mut wakes);
        drop(whole);
        // First those who wait, then the items, which run foreign code.
        drop(wakes);
        drop(left);
        true
    }

    /// Another handle on the same end; `None` when this one is closed.
    pub(super) fn try_clone<T>(&self, state: &mut Locked<'_, T>, end: End) -> Option<Self> {
        (!self.is_closed()).then(|| Self::new(state.open(end)))
    }
}
