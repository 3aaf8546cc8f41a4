//! What an event loop waits for, for people who want to know.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::blocked;
use super::waiting::Subject;

/// A wait of one of an event loop's tasks.
#[derive(Clone, Debug)]
pub(crate) struct Await {
    /// The thread that runs the loop.
    pub(crate) thread: u64,
    /// The task's name; empty when nobody knew it.
    pub(crate) task: String,
    /// As whom it waits for a lock, if as itself and not as its thread.
    pub(crate) who: Option<u64>,
    pub(crate) subject: Subject,
    pub(crate) since: Instant,
}

/// Where a call says that it is awaited. Its lock is held for single operations.
#[derive(Debug, Default)]
pub(crate) struct Awaited(Mutex<Option<Await>>);

impl Awaited {
    /// From now on, on this thread.
    pub(crate) fn begin(&self, task: String, who: Option<u64>, subject: Subject) {
        *self.lock() = Some(Await {
            thread: blocked::ident(),
            task,
            who,
            subject,
            since: Instant::now(),
        });
    }

    /// No longer.
    pub(crate) fn end(&self) {
        *self.lock() = None;
    }

    pub(crate) fn get(&self) -> Option<Await> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Await>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
