//! One open end: what a sender and a receiver have in common, on their reference to the channel.

use super::Channel;
use super::state::End;
use super::wakes::Wakes;
use std::num::NonZeroUsize;
use std::ptr;

/// Tells a handle's waits from those of others: the address of its reference,
/// which does not move as long as somebody waits through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HandleId(NonZeroUsize);

pub(super) fn id<T: Send + 'static, C>(own: &Channel<T, C>) -> HandleId {
    match NonZeroUsize::new(ptr::from_ref(own).addr()) {
        Some(address) => HandleId(address),
        None => unreachable!("a reference is no null pointer"),
    }
}

/// Whether the handle is closed. That is written under both of the channel's
/// locks, and what decides anything reads it under one of them.
pub(super) fn is_closed<T: Send + 'static, C>(own: &Channel<T, C>) -> bool {
    own.0.is_marked()
}

/// Closes the handle; `true` the first time.
pub(super) fn close<T: Send + 'static, C>(own: &Channel<T, C>, end: End) -> bool {
    let mut wakes = Wakes::new();
    let mut whole = own.whole();
    if is_closed(own) {
        return false;
    }
    own.0.mark();
    let left = whole.close_handle(end, id(own), &mut wakes);
    drop(whole);
    // First those who wait, then the items, which run foreign code.
    drop(wakes);
    drop(left);
    true
}
