//! Which objects of an interpreter are shared with `interlane.share`: sending such an object sends its share.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use interlane_core::{AnyShare, Share};

use crate::convert::object::Object;
use crate::py::Attached;

/// The shares by the address of their object, which they keep alive, and their own number. Holds no counts: a share
/// takes itself out before its block goes (`Resource::retire`), so while this is locked, all blocks in it exist.
/// Used in its own interpreter only, but for what a plain release does under its GIL elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    shares: Mutex<BTreeMap<(usize, u64), Entry>>,
    /// How many are published: spares everybody who has none the lock and the look-up.
    published: AtomicUsize,
}

/// A share without a count.
#[derive(Clone, Copy, Debug)]
struct Entry {
    share: NonNull<()>,
    /// Does it stand for the object wherever that is sent?
    published: bool,
}

// SAFETY: only an address; see `Objects` for who follows it.
unsafe impl Send for Entry {}

impl Objects {
    /// Is there an object that goes as its share wherever it is sent?
    pub(crate) fn has_published(&self) -> bool {
        self.published.load(Ordering::Relaxed) > 0
    }

    /// Remembers a share of the object at `address`.
    pub(crate) fn insert(&self, _py: Attached<'_>, address: usize, share: &Share<Object>) {
        let any = share.as_any();
        let mut shares = self.lock();
        let entry = Entry {
            share: any.as_raw(),
            published: false,
        };
        shares.insert((address, any.id()), entry);
    }

    /// From now on, whoever sends the object sends this share.
    pub(crate) fn publish(&self, _py: Attached<'_>, address: usize, id: u64) {
        if let Some(entry) = self.lock().get_mut(&(address, id)) {
            entry.published = true;
            self.published.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn remove(&self, address: usize, id: u64) {
        let mut shares = self.lock();
        if shares
            .remove(&(address, id))
            .is_some_and(|entry| entry.published)
        {
            self.published.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The newest share of the object at `address`, if there is one that somebody holds.
    pub(crate) fn find(&self, _py: Attached<'_>, address: usize) -> Option<AnyShare> {
        // Relaxed: whoever has been told of a share by another thread of the interpreter sees that it is published.
        if self.published.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let shares = self.lock();
        let mut those = shares.range((address, 0)..=(address, u64::MAX)).rev();
        let (_, entry) = those.find(|(_, entry)| entry.published)?;
        // SAFETY: in the table, which is locked, so its block exists.
        unsafe { AnyShare::upgrade(entry.share) }
    }

    /// Lets go of all objects: their interpreter ends.
    pub(crate) fn strip(&self, _py: Attached<'_>) {
        let mut shares = self.lock();
        self.published.store(0, Ordering::Relaxed);
        // SAFETY: as in `find`. One that nobody holds is in the inbox, and does this when it is released.
        let upgrade = |entry: Entry| unsafe { AnyShare::upgrade(entry.share) };
        let held: Vec<_> = std::mem::take(&mut *shares)
            .into_values()
            .filter_map(upgrade)
            .collect();
        drop(shares);
        for share in held {
            if let Some(object) = share.downcast_ref::<Object>() {
                // SAFETY: attached to the owner.
                unsafe { object.strip() };
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(usize, u64), Entry>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
