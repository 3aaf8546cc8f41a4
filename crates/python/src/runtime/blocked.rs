//! Threads that sleep in a call of ours without a timeout, and what becomes of them when nobody is left who could
//! wake them.
//!
//! When an interpreter ends, Python joins its threads. If all of them sleep in our calls, that takes for ever: a
//! watcher, started before the join, sees that and ends their waits. Until then, threads that work keep the
//! interpreter alive, as always in Python; for the main interpreter, whose end is the end of the process, that
//! goes for the threads of all interpreters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use interlane_core::{Abandon, Parked};

use super::Interpreter;

/// Sleeping threads by their identifier (`threading.get_ident()`). A lock of its own, held for single operations
/// only, never together with another one.
static BLOCKED: Mutex<BTreeMap<u64, Arc<dyn Abandon>>> = Mutex::new(BTreeMap::new());

/// How often the watcher looks. It runs only while an interpreter ends and still has threads.
const LOOK: Duration = Duration::from_millis(10);

/// The calling thread, as core's waits see it.
#[derive(Debug)]
pub(crate) struct ThisThread;

impl Parked for ThisThread {
    fn parked(&self, waker: Arc<dyn Abandon>) {
        blocked().insert(ident(), waker);
    }

    fn unparked(&self) {
        blocked().remove(&ident());
    }
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
    let blocked = blocked();
    threads
        .iter()
        .filter_map(|ident| blocked.get(ident).cloned())
        .collect()
}

fn same(now: &[Arc<dyn Abandon>], before: &[Arc<dyn Abandon>]) -> bool {
    now.len() == before.len() && now.iter().zip(before).all(|(a, b)| Arc::ptr_eq(a, b))
}

fn ident() -> u64 {
    // SAFETY: no arguments, can't fail.
    unsafe { libc::pthread_self() as u64 }
}

fn blocked() -> std::sync::MutexGuard<'static, BTreeMap<u64, Arc<dyn Abandon>>> {
    BLOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}
