//! Which memory of others the extensions' objects of an interpreter use: so that such an object goes on to a third
//! interpreter as what it is, a view of the owner's memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use interlane_core::AnyShare;

/// By where the memory starts, and a number. Holds no counts: a keeper takes its rows out before it lets go of its
/// share.
#[derive(Debug, Default)]
pub(crate) struct Keepers(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    next: u64,
    rows: BTreeMap<(usize, u64), Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    end: usize,
    share: NonNull<()>,
}

// SAFETY: only an address, followed under the lock that guards the row: see `Keepers::find`.
unsafe impl Send for Row {}

/// How many rows that start before some memory are looked at, to find one that has all of it.
const NEAREST: usize = 16;

impl Keepers {
    /// Remembers memory that `share` keeps, until `remove` is called with the keys.
    pub(crate) fn insert(
        &self,
        memory: impl Iterator<Item = Range<usize>>,
        share: &AnyShare,
    ) -> Box<[(usize, u64)]> {
        let mut rows = self.lock();
        let mut insert = |memory: Range<usize>| {
            rows.next += 1;
            let key = (memory.start, rows.next);
            let row = Row {
                end: memory.end,
                share: share.as_raw(),
            };
            rows.rows.insert(key, row);
            key
        };
        memory.map(&mut insert).collect()
    }

    pub(crate) fn remove(&self, keys: &[(usize, u64)]) {
        let mut rows = self.lock();
        for key in keys {
            rows.rows.remove(key);
        }
    }

    /// The share that keeps all of this memory, if there is one.
    pub(crate) fn find(&self, memory: &[Range<usize>]) -> Option<AnyShare> {
        let rows = self.lock();
        if rows.rows.is_empty() {
            return None;
        }
        let (first, others) = memory.split_first()?;
        let share = rows.over(first).find(|&share| {
            let has = |memory| rows.over(memory).any(|other| other == share);
            others.iter().all(has)
        })?;
        // SAFETY: its row is there, and would be taken out, under this lock, before its keeper gave up its count.
        unsafe { AnyShare::upgrade(share) }
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Shares that keep all of this memory.
    fn over(&self, memory: &Range<usize>) -> impl Iterator<Item = NonNull<()>> {
        let end = memory.end;
        let before = self.rows.range(..=(memory.start, u64::MAX)).rev();
        let near = before.take(NEAREST).map(|(_, row)| row);
        near.filter(move |row| row.end >= end).map(|row| row.share)
    }
}
