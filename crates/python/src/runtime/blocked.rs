//! Threads that sleep in a call of ours, and what becomes of them when an interpreter ends.
//!
//! When an interpreter ends, Python joins its threads. If all of them sleep in our calls, that takes for ever: a
//! watcher, started before the join, sees that and ends their waits. Until then, threads that work keep the
//! interpreter alive, as always in Python; for the main interpreter, whose end is the end of the process, that
//! goes for the threads of all interpreters.
//!
//! Daemon threads are not joined. Of those that sleep at the end of the process, none returns to Python: in a
//! sub-interpreter it would run while CPython takes that apart.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use interlane_core::{Abandon, Parked};

use super::Interpreter;

/// Sleeping threads by their identifier (`threading.get_ident()`). A lock of its own, held for single operations
/// only, never together with another one.
static BLOCKED: Mutex<BTreeMap<u64, Row>> = Mutex::new(BTreeMap::new());

/// The threads that must not return to Python; empty until the process ends. As above.
static HALTED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Spares the look at `HALTED` as long as that is empty.
static ENDING: AtomicBool = AtomicBool::new(false);

pub(super) type Table = MutexGuard<'static, BTreeMap<u64, Row>>;

/// One sleeping thread.
pub(super) struct Row {
    waker: Arc<dyn Abandon>,
    /// Does the sleep have no deadline?
    unlimited: bool,
    in_main: bool,
}

/// How often the watcher looks. It runs only while an interpreter ends and still has threads.
const LOOK: Duration = Duration::from_millis(10);

/// The calling thread, as core's waits see it.
#[derive(Debug)]
pub(crate) struct ThisThread {
    /// Is it attached to the main interpreter?
    pub(crate) in_main: bool,
}

impl Parked for ThisThread {
    fn parked(&self, waker: Arc<dyn Abandon>, deadline: Option<Instant>) {
        let row = Row {
            waker,
            unlimited: deadline.is_none(),
            in_main: self.in_main,
        };
        table().insert(ident(), row);
    }

    fn unparked(&self) {
        // Outside the lock: the waker may be the last to know an item.
        let row = table().remove(&ident());
        drop(row);
    }
}

/// Ends the waits of these threads in sub-interpreters, so that those can be closed.
pub(crate) fn expel(threads: &[u64]) {
    let rows = table();
    let wakers: Vec<_> = threads
        .iter()
        .filter_map(|ident| rows.get(ident))
        .filter(|row| !row.in_main)
        .map(|row| Arc::clone(&row.waker))
        .collect();
    drop(rows);
    for waker in wakers {
        waker.abandon();
    }
}

/// Keeps these threads, daemons, in the calls in which they are, because the process ends.
pub(crate) fn halt(threads: Vec<u64>) {
    *lock(&HALTED) = threads;
    // Release: pairs with the Acquire in `is_halted`.
    ENDING.store(true, Ordering::Release);
}

/// Must the calling thread stay where it is?
pub(crate) fn is_halted() -> bool {
    ENDING.load(Ordering::Acquire) && lock(&HALTED).contains(&ident())
}

/// Starts the watcher for an interpreter whose threads are about to be joined.
pub(crate) fn watch(interpreter: &Arc<Interpreter>) {
    let interpreter = Arc::clone(interpreter);
    let started = std::thread::Builder::new()
        .name("interlane-exit".to_owned())
        .spawn(move || {
            let mut before = Vec::new();
            loop {
                std::thread::sleep(LOOK);
                // SAFETY: the watcher's thread is attached nowhere.
                let own = unsafe { interpreter.threads() };
                if own.is_empty() {
                    return;
                }
                let mut threads = own.clone();
                threads.extend(elsewhere(&interpreter));
                let all = asleep(&threads);
                // All asleep in the same waits as the last time: between the two looks there was a moment at
                // which all of them slept, so none of them will ever be woken.
                if all.len() == threads.len() && same(&all, &before) {
                    for waker in asleep(&own) {
                        waker.abandon();
                    }
                }
                before = all;
            }
        });
    // Without the watcher the join may wait for ever, as it does without interlane.
    drop(started);
}

/// Threads of other interpreters that could wake those of this one. When the main interpreter ends, the process
/// does, and it waits for them; whoever closes another interpreter does not want to.
fn elsewhere(interpreter: &Arc<Interpreter>) -> Vec<u64> {
    if !interpreter.is_main() {
        return Vec::new();
    }
    Interpreter::all()
        .iter()
        .filter(|other| !Arc::ptr_eq(other, interpreter))
        // SAFETY: the watcher's thread, which calls this, is attached nowhere.
        .flat_map(|other| unsafe { other.threads() })
        .collect()
}

fn asleep(threads: &[u64]) -> Vec<Arc<dyn Abandon>> {
    let rows = table();
    threads
        .iter()
        .filter_map(|ident| rows.get(ident))
        .filter(|row| row.unlimited)
        .map(|row| Arc::clone(&row.waker))
        .collect()
}

fn same(now: &[Arc<dyn Abandon>], before: &[Arc<dyn Abandon>]) -> bool {
    now.len() == before.len() && now.iter().zip(before).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Locks the table of sleeping threads.
pub(super) fn table() -> Table {
    lock(&BLOCKED)
}

/// The calling thread's identifier.
pub(super) fn ident() -> u64 {
    // SAFETY: no arguments, can't fail.
    unsafe { libc::pthread_self() as u64 }
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
