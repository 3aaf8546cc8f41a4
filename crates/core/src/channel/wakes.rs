//! Threads to wake once the lock is given back.

use super::call::{Completed, Outcome};
use super::waiter::Waiter;

/// Waiters that were completed and sleep. Wakes them when dropped.
///
/// To be declared *before* the guard of the channel's lock: locals are dropped
/// in reverse order, so the threads are woken after the lock was given back,
/// on every way out, and do not run into it.
#[derive(Debug)]
pub(super) struct Wakes<T> {
    /// Nearly always the only one: no memory is needed for it.
    first: Option<Waiter<T>>,
    others: Vec<Waiter<T>>,
}

impl<T> Wakes<T> {
    pub(super) fn new() -> Self {
        Self {
            first: None,
            others: Vec::new(),
        }
    }

    /// Completes the call of a waiter that was taken off its list; gives the
    /// waiter back when the call was completed elsewhere before.
    #[inline(always)]
    pub(super) fn complete(
        &mut self,
        waiter: Waiter<T>,
        outcome: Outcome,
    ) -> Result<(), Waiter<T>> {
        match waiter.complete(outcome) {
            Completed::TooLate => return Err(waiter),
            Completed::Awake => {}
            Completed::Asleep if self.first.is_none() => self.first = Some(waiter),
            Completed::Asleep => self.others.push(waiter),
        }
        Ok(())
    }
}

impl<T> Wakes<T> {
    #[inline(never)]
    fn wake(&self) {
        for waiter in self.first.iter().chain(&self.others) {
            waiter.wake();
        }
    }
}

impl<T> Drop for Wakes<T> {
    #[inline]
    fn drop(&mut self) {
        // There are others only after the first.
        if self.first.is_some() {
            self.wake();
        }
    }
}
