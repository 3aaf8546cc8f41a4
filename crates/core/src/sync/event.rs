//! Events and conditions that several runtimes share.

use super::line::{Calls, Line, Outcome, Waiting, Who};
use super::place::Place;
use crate::channel::Notify;
use crate::primitive::{Arc, AtomicBool, Ordering};

/// A flag that threads wait for.
#[derive(Debug)]
pub struct Event {
    /// Written under the line's lock.
    is_set: AtomicBool,
    line: Line,
}

impl Event {
    /// An event that is not set.
    pub fn new() -> Self {
        Self {
            is_set: AtomicBool::new(false),
            line: Line::new(),
        }
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the Release in `set`.
        self.is_set.load(Ordering::Acquire)
    }

    /// Sets it. Everybody who waits is served, also if it is cleared at once.
    pub fn set(&self) {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        // Release: pairs with the Acquire in `is_set`.
        self.is_set.store(true, Ordering::Release);
        for waiter in waiters.drain(..) {
            calls.complete(waiter, Outcome::Served);
        }
    }

    /// Clears it.
    pub fn clear(&self) {
        let _waiters = self.line.lock();
        self.is_set.store(false, Ordering::Relaxed);
    }

    /// A call that waits for it; `None` when it is set.
    pub fn wait(&self, who: Who) -> Option<Waiting<'_>> {
        if self.is_set() {
            return None;
        }
        let mut waiters = self.line.lock();
        let is_set = self.is_set.load(Ordering::Relaxed);
        (!is_set).then(|| Waiting::enlist(&self.line, &mut waiters, who, 0))
    }

    /// As [`wait`](Self::wait), for a call that no thread waits in. `notify` is
    /// told once it is over, or never, if it is given up.
    pub fn begin(&self, who: Who, notify: Arc<dyn Notify>) -> Option<Place> {
        let mut waiters = self.line.lock();
        let is_set = self.is_set.load(Ordering::Relaxed);
        (!is_set).then(|| Place::enlist(&mut waiters, who, 0, notify))
    }

    /// Gives a place up; tells how the wait was completed, if it was.
    pub fn leave(&self, place: &Place) -> Option<Outcome> {
        self.line.give_up(&place.0)
    }

    /// How many calls wait for it.
    pub fn waiting(&self) -> usize {
        self.line.lock().len()
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

/// Where threads that have a lock wait, without it, for what others do under
/// that lock. Which lock that is, is up to the embedder: it is given back
/// after [`enlist`](Self::enlist), and taken again after the wait.
#[derive(Debug)]
pub struct Condition {
    line: Line,
}

impl Condition {
    /// A condition that nobody waits for.
    pub fn new() -> Self {
        Self { line: Line::new() }
    }

    /// Gets in line, so that no later notification is missed.
    pub fn enlist(&self, who: Who) -> Waiting<'_> {
        Waiting::enlist(&self.line, &mut self.line.lock(), who, 0)
    }

    /// As [`enlist`](Self::enlist), for a call that no thread waits in.
    pub fn begin(&self, who: Who, notify: Arc<dyn Notify>) -> Place {
        Place::enlist(&mut self.line.lock(), who, 0, notify)
    }

    /// Gives a place up; tells how the wait was completed, if it was.
    pub fn leave(&self, place: &Place) -> Option<Outcome> {
        self.line.give_up(&place.0)
    }

    /// Serves the first `count` in line.
    pub fn notify(&self, count: usize) {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        let count = count.min(waiters.len());
        for waiter in waiters.drain(..count) {
            calls.complete(waiter, Outcome::Served);
        }
    }

    /// How many calls wait for it.
    pub fn waiting(&self) -> usize {
        self.line.lock().len()
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}
