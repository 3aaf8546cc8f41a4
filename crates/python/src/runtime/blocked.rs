//! Threads that sleep in a call of ours without a timeout, and what becomes of them when nobody is left who could
//! wake them.
//!
//! When an interpreter ends, Python joins its threads. If all of them sleep in our calls, that takes for ever: a
//! watcher, started before the join, sees that and ends their waits. Until then, threads that work keep the
//! interpreter alive, as always in Python.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use interlane_core::{Abandon, Parked};

use super::Interpreter;
use crate::py::interp::Handle;
use crate::py::{Attached, PyResult};

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
pub(crate) fn watch(interpreter: &Arc<Interpreter>, handle: Handle) {
    let interpreter = Arc::clone(interpreter);
    let started = std::thread::Builder::new()
        .name("interlane-exit".to_owned())
        .spawn(move || {
            let mut before = Vec::new();
            loop {
                std::thread::sleep(LOOK);
                let Some(pass) = interpreter.owner.enter() else {
                    return;
                };
                let mut threads = Ok(Vec::new());
                // SAFETY: the pass keeps the interpreter from ending; this thread is attached nowhere.
                unsafe { handle.enter(|py| threads = others(py)) };
                drop(pass);
                let Ok(threads) = threads else { return };
                if threads.is_empty() {
                    return;
                }
                let asleep = asleep(&threads);
                // Asleep in the same waits twice in a row: none of them got anything in between.
                if asleep.len() == threads.len() && same(&asleep, &before) {
                    for waker in &asleep {
                        waker.abandon();
                    }
                }
                before = asleep;
            }
        });
    // Without the watcher the join may wait for ever, as it does without interlane.
    drop(started);
}

fn others(py: Attached<'_>) -> Result<Vec<u64>, ()> {
    let list = || -> PyResult<Vec<u64>> {
        let module = py.import(c"interlane._threads")?;
        let threads = module
            .get()
            .attribute(py, c"others")?
            .get()
            .call(py, [])?
            .get()
            .iterate(py)?;
        let mut idents = Vec::new();
        while let Some(ident) = threads.get().next(py)? {
            idents.extend(ident.get().small_int(py)?.map(|ident| ident as u64));
        }
        Ok(idents)
    };
    list().map_err(|raised| raised.ignore(py))
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
