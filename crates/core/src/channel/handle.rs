//! One open end: what a sender and a receiver have in common.

use super::Channel;
use super::state::End;
use super::wakes::Wakes;
use crate::primitive::{AtomicBool, Ordering};
use std::num::NonZeroUsize;
use std::ptr;

/// Whether a handle is closed.
#[derive(Debug)]
pub(super) struct Handle {
    /// Written under both of the channel's locks. What decides anything reads
    /// it under one of them, hence Relaxed throughout.
    closed: AtomicBool,
}

/// Tells a handle's waits from those of others: its address, from which a
/// handle does not move as long as somebody waits through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HandleId(NonZeroUsize);

impl Handle {
    pub(super) fn new() -> Self {
        Self {
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn id(&self) -> HandleId {
        match NonZeroUsize::new(ptr::from_ref(self).addr()) {
            Some(address) => HandleId(address),
            None => unreachable!("a reference is no null pointer"),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Closes the handle; `true` the first time.
    pub(super) fn close<T: Send + 'static, C>(&self, channel: &Channel<T, C>, end: End) -> bool {
        let mut wakes = Wakes::new();
        let mut whole = channel.whole();
        if self.is_closed() {
            return false;
        }
        self.closed.store(true, Ordering::Relaxed);
        let left = whole.close_handle(end, self.id(), &mut wakes);
        drop(whole);
        // First those who wait, then the items, which run foreign code.
        drop(wakes);
        drop(left);
        true
    }
}
