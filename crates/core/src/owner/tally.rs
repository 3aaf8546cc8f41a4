//! What an owner has counted, readable when the owner's record is freed.

use super::Counters;
use crate::primitive::Ordering;
use crate::primitive::process::AtomicU64;
use crate::share::live::Live;

/// The owner has one, and the table has it too: a record may be freed by a
/// last drop, which cannot wait for the table's lock to leave its figures.
#[derive(Debug)]
pub(super) struct Tally {
    created: AtomicU64,
    released: AtomicU64,
    orphaned: AtomicU64,
    /// Visits of the reaper.
    entries: AtomicU64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            created: AtomicU64::new(0),
            released: AtomicU64::new(0),
            orphaned: AtomicU64::new(0),
            entries: AtomicU64::new(0),
        }
    }

    /// Notes what the list has counted. Under the list's lock.
    pub(super) fn note(&self, live: &Live) {
        // Release: what is seen to be released or orphaned is seen to be
        // created (Acquire in `counters`).
        self.created.store(live.created, Ordering::Relaxed);
        self.released.store(live.released, Ordering::Release);
        self.orphaned.store(live.orphaned, Ordering::Release);
    }

    /// Counts a visit.
    #[cfg(not(loom))]
    pub(super) fn enter(&self) {
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    /// How many visits there were.
    pub(super) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// The figures. While a record is being freed, what it had not released
    /// may still be live.
    pub(super) fn counters(&self) -> Counters {
        // In this order, and Acquire: pairs with the Release in `note`.
        let orphaned = self.orphaned.load(Ordering::Acquire);
        let released = self.released.load(Ordering::Acquire);
        let created = self.created.load(Ordering::Relaxed);
        Counters {
            live: created - released - orphaned,
            created,
            released,
            orphaned,
            entries: self.entries(),
            ..Counters::NONE
        }
    }
}
