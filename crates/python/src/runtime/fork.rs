//! What a child process finds: a lock that another thread held at the fork would be held for good.
//!
//! That can only happen to one that is taken without a GIL, since the thread that forks has that. The core takes
//! care of its own.

use std::cell::UnsafeCell;
use std::sync::{MutexGuard, Once};

use super::blocked::{self, Places};
use super::interrupt::{self, Abroad};

/// The locks that are held around a fork.
struct Held(UnsafeCell<Option<Guards>>);

type Guards = (MutexGuard<'static, Places>, MutexGuard<'static, Abroad>);

// SAFETY: the cell is touched by the thread that forks, between taking the locks and giving them back.
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
    let held = (blocked::places(), interrupt::abroad());
    // SAFETY: this thread holds the locks.
    unsafe { *HELD.0.get() = Some(held) };
}

extern "C" fn in_parent() {
    // SAFETY: this thread holds the locks.
    drop(unsafe { (*HELD.0.get()).take() });
}

extern "C" fn in_child() {
    // SAFETY: the only thread of the child is the one that took the locks.
    if let Some((mut places, mut abroad)) = unsafe { (*HELD.0.get()).take() } {
        blocked::keep_own(&mut places);
        interrupt::begin_anew(&mut abroad);
    }
}
