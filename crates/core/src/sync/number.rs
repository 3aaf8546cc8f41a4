//! A number that several runtimes share.

use super::line::{Calls, Line, Outcome, Waiters, Waiting, Who};
use super::place::Place;
use crate::channel::Notify;
use crate::primitive::{Arc, AtomicU64, Ordering, fence};

/// A number, changed atomically, whose changes threads can wait for.
///
/// Operations are sequentially consistent with each other.
#[derive(Debug)]
pub struct Number {
    /// The bits of an `i64`.
    value: AtomicU64,
    /// How many are in line: spares everybody who changes the number the lock.
    /// Written under the line's lock.
    waiting: AtomicU64,
    line: Line,
}

impl Number {
    /// A number.
    pub fn new(value: i64) -> Self {
        Self {
            value: AtomicU64::new(value as u64),
            waiting: AtomicU64::new(0),
            line: Line::new(),
        }
    }

    /// The number now.
    pub fn load(&self) -> i64 {
        self.value.load(Ordering::SeqCst) as i64
    }

    /// Puts another number there, and tells the one before.
    pub fn swap(&self, value: i64) -> i64 {
        let before = self.value.swap(value as u64, Ordering::SeqCst);
        self.call();
        before as i64
    }

    /// Adds, and tells the sum; `None`, and nothing is changed, when it would
    /// not fit.
    pub fn add(&self, count: i64) -> Option<i64> {
        let mut before = self.load();
        loop {
            let sum = before.checked_add(count)?;
            match self.exchange(before, sum) {
                Ok(()) => return Some(sum),
                Err(now) => before = now,
            }
        }
    }

    /// Puts another number there if it is `expected`.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn exchange(&self, expected: i64, value: i64) -> Result<(), i64> {
        let changed = self.value.compare_exchange(
            expected as u64,
            value as u64,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        changed.map_err(|now| now as i64)?;
        self.call();
        Ok(())
    }

    /// A call that waits until the number is anything but `expected`; `None`
    /// when it is. A change that was taken back by the time somebody looks may
    /// go unnoticed.
    pub fn wait(&self, who: Who, expected: i64) -> Option<Waiting<'_>> {
        if self.load() != expected {
            return None;
        }
        let mut waiters = self.line.lock();
        let waits = self.announce(&waiters, expected);
        waits.then(|| Waiting::enlist(&self.line, &mut waiters, who, expected as u64))
    }

    /// As [`wait`](Self::wait), for a call that no thread waits in. `notify` is
    /// told once it is over, or never, if it is given up.
    pub fn begin(&self, who: Who, expected: i64, notify: Arc<dyn Notify>) -> Option<Place> {
        let mut waiters = self.line.lock();
        let waits = self.announce(&waiters, expected);
        waits.then(|| Place::enlist(&mut waiters, who, expected as u64, notify))
    }

    /// Gives a place up; tells how the wait was completed, if it was.
    pub fn leave(&self, place: &Place) -> Option<Outcome> {
        self.line.give_up(&place.0)
    }

    /// Says that one more will be in line; takes it back, and says `false`,
    /// when the number is another one.
    fn announce(&self, waiters: &Waiters, expected: i64) -> bool {
        let before = waiters.len() as u64;
        self.waiting.store(before + 1, Ordering::Relaxed);
        // Pairs with the fence in `call`: either this sees the change, or
        // whoever changes it sees that somebody waits.
        fence(Ordering::SeqCst);
        let waits = self.load() == expected;
        if !waits {
            self.waiting.store(before, Ordering::Relaxed);
        }
        waits
    }

    /// How many calls wait for it.
    pub fn waiting(&self) -> usize {
        self.line.lock().len()
    }

    /// Serves those in line who expect another number.
    fn call(&self) {
        // Pairs with the fence in `wait`.
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        let now = self.load() as u64;
        waiters.retain(|waiter| {
            let stays = waiter.tag == now;
            if !stays {
                calls.complete(waiter.clone(), Outcome::Served);
            }
            stays
        });
        // Those who gave up are still counted: they are few, and it only costs a look.
        self.waiting.store(waiters.len() as u64, Ordering::Relaxed);
    }
}
