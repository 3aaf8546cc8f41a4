//! A host that is no interpreter: a mutex. And a resource that tells what was
//! done with it.

use interlane_core::{Fate, Host, Owner, Resource, Share};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An owner with its lock.
pub(crate) struct Runtime {
    pub(crate) owner: Arc<Owner>,
    lock: Arc<Mutex<()>>,
    pub(crate) log: Arc<Log>,
}

/// How many resources of a runtime went which way.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) released: AtomicUsize,
    pub(crate) orphaned: AtomicUsize,
    pub(crate) discarded: AtomicUsize,
    /// Calls that should have been under the owner's lock and were not.
    pub(crate) unlocked: AtomicUsize,
}

impl Log {
    pub(crate) fn released(&self) -> usize {
        self.released.load(Ordering::SeqCst)
    }

    pub(crate) fn orphaned(&self) -> usize {
        self.orphaned.load(Ordering::SeqCst)
    }

    pub(crate) fn discarded(&self) -> usize {
        self.discarded.load(Ordering::SeqCst)
    }
}

struct Entrance(Arc<Mutex<()>>);

// SAFETY: the lock of this owner is the mutex.
unsafe impl Host for Entrance {
    fn enter(&self, work: &mut dyn FnMut()) {
        let _held = locked(&self.0);
        work();
    }
}

impl Runtime {
    pub(crate) fn new() -> Self {
        let lock = Arc::new(Mutex::new(()));
        Self {
            owner: Owner::new(Box::new(Entrance(Arc::clone(&lock)))),
            lock,
            log: Arc::default(),
        }
    }

    /// Holds the owner's lock.
    pub(crate) fn hold(&self) -> MutexGuard<'_, ()> {
        locked(&self.lock)
    }

    /// Shares something under the lock.
    pub(crate) fn share(&self, nbytes: usize) -> Share<Thing> {
        self.share_with(nbytes, || {})
    }

    /// Shares something that runs `last` as part of its release.
    pub(crate) fn share_with(
        &self,
        nbytes: usize,
        last: impl FnOnce() + Send + Sync + 'static,
    ) -> Share<Thing> {
        let _held = self.hold();
        match Share::new(&self.owner, self.thing(last), nbytes) {
            Ok(share) => share,
            Err(_) => panic!("the owner is not open"),
        }
    }

    pub(crate) fn thing(&self, last: impl FnOnce() + Send + Sync + 'static) -> Thing {
        Thing {
            fate: Fate::Adopted,
            log: Arc::clone(&self.log),
            lock: Some(Arc::clone(&self.lock)),
            last: Box::new(last),
        }
    }

    /// Drains under the lock.
    pub(crate) fn drain(&self) -> usize {
        let _held = self.hold();
        // SAFETY: the lock is held.
        unsafe { self.owner.drain() }
    }

    /// Ends the owner as an embedder would.
    pub(crate) fn end(&self) -> interlane_core::Orphans {
        self.owner.close_gate();
        self.owner.wait_until_empty();
        let _held = self.hold();
        // SAFETY: the lock is held, the gate is closed and empty.
        unsafe { self.owner.abandon() }
    }
}

/// A resource.
pub(crate) struct Thing {
    pub(crate) fate: Fate,
    log: Arc<Log>,
    lock: Option<Arc<Mutex<()>>>,
    last: Box<dyn FnOnce() + Send + Sync>,
}

impl Thing {
    /// A resource that no owner has.
    pub(crate) fn free(log: &Arc<Log>) -> Self {
        Self {
            fate: Fate::Adopted,
            log: Arc::clone(log),
            lock: None,
            last: Box::new(|| {}),
        }
    }

    fn check_lock(&self) {
        if let Some(lock) = &self.lock {
            // Not by whom, but that it is held at all.
            if lock.try_lock().is_ok() {
                self.log.unlocked.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

impl Resource for Thing {
    fn release(self) {
        self.check_lock();
        (self.last)();
        self.log.released.fetch_add(1, Ordering::SeqCst);
    }

    fn orphan(&self) -> Fate {
        self.check_lock();
        self.log.orphaned.fetch_add(1, Ordering::SeqCst);
        self.fate
    }

    fn discard(self) {
        self.log.discarded.fetch_add(1, Ordering::SeqCst);
    }

    fn kind(&self) -> Cow<'static, str> {
        "thing".into()
    }
}

fn locked(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
