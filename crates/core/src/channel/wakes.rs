//! Threads to wake once the lock is given back.

use super::waiter::{Outcome, Waiter};
use crate::primitive::Arc;

/// Waiters that were completed and sleep. Wakes them when dropped.
///
/// To be declared *before* the guard of the channel's lock: locals are dropped
/// in reverse order, so the threads are woken after the lock was given back,
/// on every way out, and do not run into it.
#[derive(Debug)]
pub(super) struct Wakes<T> {
    /// Nearly always the only one: no memory is needed for it.
    first: Option<Arc<Waiter<T>>>,
    others: Vec<Arc<Waiter<T>>>,
}

impl<T> Wakes<T> {
    pub(super) fn new() -> Self {
        Self {
            first: None,
            others: Vec::new(),
        }
    }

    /// Completes a waiter that was taken off its list.
    pub(super) fn complete(&mut self, waiter: Arc<Waiter<T>>, outcome: Outcome) {
        if !waiter.complete(outcome) {
            return;
        }
        if self.first.is_none() {
            self.first = Some(waiter);
        } else {
            self.others.push(waiter);
        }
    }
}

impl<T> Drop for Wakes<T> {
    fn drop(&mut self) {
        for waiter in self.first.iter().chain(&self.others) {
            waiter.wake();
        }
    }
}
