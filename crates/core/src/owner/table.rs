//! The owners of this process, and what those already freed had counted.

use super::{Counters, Owner};
use crate::primitive::process::{AtomicU64, Mutex, MutexGuard, lock};
use crate::primitive::{Arc, Ordering, Weak};
use crate::share::process;

/// Records that may still exist.
pub(crate) type Table = Vec<Weak<Owner>>;

/// Sound as a static: plain records of this crate, reached under the lock. A
/// record is not taken off when it is freed, which may happen in a last drop
/// that must not wait for a lock, but when the table would have to grow.
static TABLE: Mutex<Table> = Mutex::new(Vec::new());

/// Sound as a static: only ever counted up.
static GENERATIONS: AtomicU64 = AtomicU64::new(0);

/// What freed records had counted. Sound as statics: only ever added to.
/// Nothing is live or pending in a record that is freed.
static CREATED: AtomicU64 = AtomicU64::new(0);
static RELEASED: AtomicU64 = AtomicU64::new(0);
static ORPHANED: AtomicU64 = AtomicU64::new(0);
static ENTRIES: AtomicU64 = AtomicU64::new(0);

/// A number that no owner has had.
pub(super) fn next_generation() -> u64 {
    GENERATIONS.fetch_add(1, Ordering::Relaxed) + 1
}

/// Puts a new record into the table.
pub(super) fn register(owner: &Arc<Owner>) {
    let mut table = lock_table();
    if table.len() == table.capacity() {
        table.retain(|owner| owner.strong_count() > 0);
        // Room for as many again, or the next one would look through all of
        // them once more.
        let more = table.len() + 1;
        table.reserve(more);
    }
    table.push(Arc::downgrade(owner));
}

/// Keeps the figures of a record that is being freed.
pub(super) fn fold(counters: &Counters) {
    for (sum, value) in [
        (&CREATED, counters.created),
        (&RELEASED, counters.released),
        (&ORPHANED, counters.orphaned),
        (&ENTRIES, counters.entries),
    ] {
        sum.fetch_add(value, Ordering::Relaxed);
    }
}

/// The owners that exist now, in the order of their generations.
pub fn owners() -> Vec<Arc<Owner>> {
    let mut owners: Vec<_> = lock_table().iter().filter_map(Weak::upgrade).collect();
    owners.sort_by_key(|owner| owner.generation());
    owners
}

/// The figures of all owners of this process, past and present, and of what
/// the process itself owns. Not a
/// snapshot: what happens meanwhile may or may not be counted.
pub fn totals() -> Counters {
    let mut totals = Counters {
        created: CREATED.load(Ordering::Relaxed),
        released: RELEASED.load(Ordering::Relaxed),
        orphaned: ORPHANED.load(Ordering::Relaxed),
        entries: ENTRIES.load(Ordering::Relaxed),
        ..Counters::default()
    };
    totals.add(&process::counters());
    for owner in owners() {
        totals.add(&owner.counters());
    }
    totals
}

/// Locks the table.
pub(crate) fn lock_table() -> MutexGuard<'static, Table> {
    lock(&TABLE)
}
