//! What a child process finds: a lock that another thread held at the fork would be held for good.
//!
//! That can only happen to one that is taken without a GIL, since the thread that forks has that. The core takes
//! care of its own.

use std::cell::UnsafeCell;
use std::sync::Once;

use super::blocked::{self, Table};

/// The lock that is held around a fork.
struct Held(UnsafeCell<Option<Table>>);

// SAFETY: the cell is touched by the thread that forks, between taking the lock and giving it back.
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

static WATCHED: Once = Once::new();

/// Has forks watched from now on.
pub(super) fn watch() {
    WATCHED.call_once(|| {
        // SAFETY: the functions match the signature and stay loaded as long as this code does. Failing (no memory)
        // leaves the child to its luck.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
}

extern "C" fn before() {
    let held = blocked::table();
    // SAFETY: this thread holds the lock.
    unsafe { *HELD.0.get() = Some(held) };
}

extern "C" fn in_parent() {
    // SAFETY: this thread holds the lock.
    drop(unsafe { (*HELD.0.get()).take() });
}

extern "C" fn in_child() {
    // SAFETY: the only thread of the child is the one that took the lock.
    if let Some(mut table) = unsafe { (*HELD.0.get()).take() } {
        // None of the threads is here. Forgotten, since nothing may be dropped before Python has seen to its locks.
        std::mem::forget(std::mem::take(&mut *table));
    }
}
