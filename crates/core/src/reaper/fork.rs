//! What a child process inherits: all of the memory, none of the threads.
//!
//! The locks of the tables and of the crew are taken around a fork, so that the
//! child finds all of them whole. It starts threads of its own the next time that
//! something is shared or drained.

use super::crew::{Crew, lock_crew};
use crate::owner::{Owner, Table, lock_table};
use crate::primitive::process::{MutexGuard, Once};
use crate::primitive::{Arc, UnsafeCell};
use crate::share::live::Live;
use crate::share::process::lock_listed;

/// The locks held around a fork.
struct Held(UnsafeCell<Option<Guards>>);

type Guards = (
    MutexGuard<'static, Table>,
    MutexGuard<'static, Crew>,
    MutexGuard<'static, Live>,
);

// SAFETY: the cell is touched by the thread that forks, between taking the
// locks and giving them back.
unsafe impl Sync for Held {}

/// Sound as a static: see above.
static HELD: Held = Held(UnsafeCell::new(None));

/// Has forks watched from now on.
pub(super) fn watch() {
    /// Sound as a static: says no more than that it was done.
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        // SAFETY: the three functions match the signature and stay loaded as
        // long as this code does. Failing (no memory) leaves a child without
        // a reaper, whose owners drain themselves.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
}

extern "C" fn before() {
    // In this order everywhere that several are taken.
    let held = (lock_table(), lock_crew(), lock_listed());
    // SAFETY: this thread holds the locks.
    HELD.0.with_mut(|cell| unsafe { *cell = Some(held) });
}

extern "C" fn in_parent() {
    // SAFETY: this thread holds the locks.
    drop(HELD.0.with_mut(|cell| unsafe { (*cell).take() }));
}

extern "C" fn in_child() {
    // SAFETY: the only thread of the child is the one that took the locks.
    let held = HELD.0.with_mut(|cell| unsafe { (*cell).take() });
    if let Some((table, mut crew, _listed)) = held {
        let owners: Vec<Arc<Owner>> = table.owners().collect();
        crew.forked(owners.iter());
    }
}
