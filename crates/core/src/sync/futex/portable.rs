//! The word with a mutex and a condition variable beside it.
//!
//! No wake-up is lost: a sleeper compares the word and falls asleep under the
//! mutex, and a waker passes through the mutex after it has changed the word.

use super::Woke;
use crate::primitive::{AtomicU32, Condvar, Mutex, Ordering, lock, whole};
use std::time::Instant;

/// A word to sleep on.
#[derive(Debug)]
pub(crate) struct Futex {
    word: AtomicU32,
    mutex: Mutex<()>,
    called: Condvar,
}

impl Futex {
    #[cfg(not(loom))]
    pub(crate) const fn new(value: u32) -> Self {
        Self {
            word: AtomicU32::new(value),
            mutex: Mutex::new(()),
            called: Condvar::new(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new(value: u32) -> Self {
        Self {
            word: AtomicU32::new(value),
            mutex: Mutex::new(()),
            called: Condvar::new(),
        }
    }

    /// The word itself. Who changes it in a way that sleepers wait for calls
    /// `wake_one` or `wake_all` afterwards.
    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.word
    }

    /// Sleeps while the word is `expected`, until woken or until `deadline`.
    pub(crate) fn wait(&self, expected: u32, deadline: Option<Instant>) -> Woke {
        let guard = lock(&self.mutex);
        // Relaxed: the mutex orders this with the waker, and the caller looks
        // again with the ordering that it needs.
        if self.word.load(Ordering::Relaxed) != expected {
            return Woke::Called;
        }
        match deadline {
            None => drop(whole(self.called.wait(guard))),
            // A model has no clock: every deadline has passed, which lets it
            // try a time-out against everything else.
            #[cfg(loom)]
            Some(_) => return Woke::TimedOut,
            #[cfg(not(loom))]
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let (guard, result) = whole(self.called.wait_timeout(guard, left));
                drop(guard);
                if result.timed_out() {
                    return Woke::TimedOut;
                }
            }
        }
        Woke::Called
    }

    /// Wakes one thread that sleeps on the word.
    pub(crate) fn wake_one(&self) {
        drop(lock(&self.mutex));
        self.called.notify_one();
    }

    /// Wakes every thread that sleeps on the word.
    pub(crate) fn wake_all(&self) {
        drop(lock(&self.mutex));
        self.called.notify_all();
    }
}
