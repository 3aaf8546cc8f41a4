//! Semaphores that several runtimes share.

use super::line::Who;
use super::permits::{MOST, PATIENCE, Permits, ReleaseError, Taking};
use std::time::Duration;

/// A number that threads of any runtime take one from and add to, and that
/// never falls below zero. Nobody holds what was taken: it is lost when the
/// runtime that took it ends.
#[derive(Debug)]
pub struct Semaphore {
    permits: Permits,
    bound: Option<u64>,
}

impl Semaphore {
    /// The most that a semaphore can count to.
    pub const MOST: u64 = MOST;

    /// A semaphore that stands at `value`, at most [`MOST`](Self::MOST), and
    /// with `bounded` never gets beyond it.
    pub fn new(value: u64, bounded: bool) -> Self {
        Self::with_patience(value, bounded, PATIENCE)
    }

    /// As [`Lock::with_patience`](super::lock::Lock::with_patience).
    pub fn with_patience(value: u64, bounded: bool, patience: Duration) -> Self {
        let value = value.min(MOST);
        Self {
            permits: Permits::new(value, None, patience),
            bound: bounded.then_some(value),
        }
    }

    /// Takes one if it is not at zero.
    pub fn try_acquire(&self) -> bool {
        self.permits.try_take(Who::default())
    }

    /// A call that waits for one.
    pub fn acquire(&self, who: Who) -> Taking<'_> {
        self.permits.taking(who)
    }

    /// Adds `count`.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::NotHeld`]: it would get beyond its bound. Nothing was
    /// added.
    pub fn release(&self, count: u64) -> Result<(), ReleaseError> {
        let most = self.bound.unwrap_or(MOST);
        if count > most {
            return Err(ReleaseError::NotHeld);
        }
        self.permits.give_back(count, most)
    }

    /// What it stands at.
    pub fn value(&self) -> u64 {
        self.permits.free()
    }

    /// What it may not get beyond.
    pub fn bound(&self) -> Option<u64> {
        self.bound
    }

    /// How many calls wait for it.
    pub fn waiting(&self) -> usize {
        self.permits.waiting()
    }
}
