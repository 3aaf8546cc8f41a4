//! What the model checks use: an owner that one thread is in throughout, and a
//! resource whose accesses loom watches.

use interlane_core::{Fate, Host, Owner, Resource, Share};
use loom::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Never;

// SAFETY: it enters nothing; models have no reaper.
unsafe impl Host for Never {
    fn enter(&self, _work: &mut dyn FnMut()) {}
}

/// An owner whose lock the calling thread holds.
pub(crate) fn owner() -> Arc<Owner> {
    Owner::new(Box::new(Never))
}

/// How many resources went which way. Not modelled: these only count.
#[derive(Debug, Default)]
pub(crate) struct Log {
    released: AtomicUsize,
    orphaned: AtomicUsize,
    discarded: AtomicUsize,
}

impl Log {
    #[allow(dead_code, reason = "not every file asks")]
    pub(crate) fn released(&self) -> usize {
        self.released.load(Ordering::SeqCst)
    }

    #[allow(dead_code, reason = "not every file has orphans")]
    pub(crate) fn orphaned(&self) -> usize {
        self.orphaned.load(Ordering::SeqCst)
    }

    #[allow(dead_code, reason = "not every file has orphans")]
    pub(crate) fn discarded(&self) -> usize {
        self.discarded.load(Ordering::SeqCst)
    }
}

/// A resource. Loom fails the model if a use of it races with its release.
pub(crate) struct Thing {
    value: UnsafeCell<u32>,
    /// Whether it was orphaned: written there, read when it is discarded.
    orphan: UnsafeCell<bool>,
    /// Loom fails the model if a resource is never let go of.
    _track: loom::alloc::Track<()>,
    log: Arc<Log>,
}

// SAFETY: the cells are what the model is about.
unsafe impl Sync for Thing {}

impl Thing {
    pub(crate) fn share(owner: &Arc<Owner>, log: &Arc<Log>) -> Option<Share<Self>> {
        let thing = Self {
            value: UnsafeCell::new(7),
            orphan: UnsafeCell::new(false),
            _track: loom::alloc::Track::new(()),
            log: Arc::clone(log),
        };
        Share::new(owner, thing, 1).ok()
    }

    /// Reads, as a holder may.
    #[allow(dead_code, reason = "not every file reads")]
    pub(crate) fn read(&self) {
        // SAFETY: shares read, the release writes.
        let value = self.value.with(|value| unsafe { *value });
        assert_eq!(value, 7);
    }

    fn end(&self) {
        // SAFETY: no share is left. Loom checks that.
        self.value.with_mut(|value| unsafe { *value = 0 });
    }
}

impl Resource for Thing {
    fn release(self) {
        self.end();
        self.log.released.fetch_add(1, Ordering::SeqCst);
    }

    fn orphan(&self) -> Fate {
        // SAFETY: nobody reads it before `discard`. Loom checks that.
        self.orphan.with_mut(|orphan| unsafe { *orphan = true });
        self.log.orphaned.fetch_add(1, Ordering::SeqCst);
        Fate::Adopted
    }

    fn discard(self) {
        self.end();
        // SAFETY: written by `orphan`, which happened before.
        assert!(self.orphan.with(|orphan| unsafe { *orphan }));
        self.log.discarded.fetch_add(1, Ordering::SeqCst);
    }
}
