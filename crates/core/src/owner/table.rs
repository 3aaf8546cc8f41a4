//! The owners of this process, and what those already freed had counted.

use super::tally::Tally;
use super::{Counters, Owner};
use crate::primitive::process::{AtomicU64, Mutex, MutexGuard, lock};
use crate::primitive::{Arc, Ordering, Weak};
use crate::share::process;

/// Records that may still exist, and what is left of others.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// What the owners had counted that are in it no more. Nothing of them is
    /// live or pending.
    past: Counters,
}

/// A record, and what it has counted until it was freed.
#[derive(Debug)]
struct Entry {
    owner: Weak<Owner>,
    tally: Arc<Tally>,
}

/// Sound as a static: plain records of this crate, reached under the lock. A
/// record is not taken off when it is freed, which may happen in a last drop
/// that must not wait for a lock, but when the table would have to grow.
static TABLE: Mutex<Table> = Mutex::new(Table {
    entries: Vec::new(),
    past: Counters::NONE,
});

/// Sound as a static: only ever counted up.
static GENERATIONS: AtomicU64 = AtomicU64::new(0);

impl Table {
    /// Takes off the records that are freed.
    fn tidy(&mut self) {
        let Self { entries, past } = self;
        entries.retain_mut(|entry| {
            // A record gives its tally up last: if nobody else has it, it
            // does not change any more.
            let freed = Arc::get_mut(&mut entry.tally);
            if let Some(tally) = &freed {
                past.add(&tally.counters());
            }
            freed.is_none()
        });
    }

    /// The owners that exist now.
    pub(crate) fn owners(&self) -> impl Iterator<Item = Arc<Owner>> {
        self.entries.iter().filter_map(|it| it.owner.upgrade())
    }
}

/// A number that no owner has had.
pub(super) fn next_generation() -> u64 {
    GENERATIONS.fetch_add(1, Ordering::Relaxed) + 1
}

/// Puts a new record into the table.
pub(super) fn register(owner: &Arc<Owner>) {
    let mut table = lock_table();
    if table.entries.len() == table.entries.capacity() {
        table.tidy();
        // Room for as many again, or the next one would look through all of
        // them once more.
        let more = table.entries.len() + 1;
        table.entries.reserve(more);
    }
    table.entries.push(Entry {
        owner: Arc::downgrade(owner),
        tally: Arc::clone(&owner.tally),
    });
}

/// The owners that exist now, in the order of their generations.
pub fn owners() -> Vec<Arc<Owner>> {
    let mut owners: Vec<_> = lock_table().owners().collect();
    owners.sort_by_key(|owner| owner.generation());
    owners
}

/// The figures of all owners of this process, past and present, and of what
/// the process itself owns. Not a
/// snapshot: what happens meanwhile may or may not be counted.
pub fn totals() -> Counters {
    let (mut totals, mut owners) = (process::counters(), Vec::new());
    {
        let table = lock_table();
        totals.add(&table.past);
        for entry in &table.entries {
            match entry.owner.upgrade() {
                // Its list has a lock of its own.
                Some(owner) => owners.push(owner),
                None => totals.add(&entry.tally.counters()),
            }
        }
    }
    for owner in owners {
        totals.add(&owner.counters());
    }
    totals
}

/// Locks the table.
pub(crate) fn lock_table() -> MutexGuard<'static, Table> {
    lock(&TABLE)
}
