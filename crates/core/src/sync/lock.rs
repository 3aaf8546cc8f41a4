//! Locks that several runtimes share.

use super::line::Who;
use super::permits::{Holder, PATIENCE, Permits, ReleaseError, Taking};
use crate::primitive::{AtomicU64, Ordering};
use std::time::Duration;

/// A lock that one thread of one runtime has at a time.
///
/// Whoever has the lock may hand it on: any thread may give it back. It knows
/// its holder, so that it can be told when that one's runtime ends: then the
/// lock is [gone](Self::is_gone), nobody waits for it any more, and nobody
/// gets it, until somebody who knows what it protects calls
/// [`recover`](Self::recover).
///
/// A lock that is given back goes to whoever comes first, which is not always
/// who has waited longest: see [`with_patience`](Self::with_patience).
#[derive(Debug)]
pub struct Lock {
    permits: Permits,
}

impl Lock {
    /// A lock that is free. The first in line gets it at the latest when it is
    /// given back for the first time after a millisecond.
    pub fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    /// A lock that is handed to the first in line once that one has waited for
    /// so long: with zero always, which is fair and slow, since each time a
    /// thread has to be woken.
    pub fn with_patience(patience: Duration) -> Self {
        Self {
            permits: Permits::new(1, Some(Holder::new()), patience),
        }
    }

    /// Takes the lock if it is free.
    pub fn try_acquire(&self, who: Who) -> bool {
        self.permits.try_take(who)
    }

    /// A call that waits for the lock.
    pub fn acquire(&self, who: Who) -> Taking<'_> {
        self.permits.taking(who)
    }

    /// Gives the lock back, whoever has it.
    ///
    /// # Errors
    ///
    /// [`ReleaseError`]: nobody has it, or the holder's runtime has ended.
    pub fn release(&self) -> Result<(), ReleaseError> {
        self.permits.give_back(1, 1)
    }

    /// Whether somebody has it, or had it when its runtime ended.
    pub fn is_held(&self) -> bool {
        self.permits.free() == 0
    }

    /// Who has it.
    pub fn holder(&self) -> Option<Who> {
        self.permits.holder()
    }

    /// How many calls wait for it.
    pub fn waiting(&self) -> usize {
        self.permits.waiting()
    }

    /// Whether its holder's runtime has ended.
    pub fn is_gone(&self) -> bool {
        self.permits.is_gone()
    }

    /// Tells the lock that a runtime has ended; says whether that one had it.
    pub fn lose(&self, runtime: u64) -> bool {
        self.permits.lose(runtime)
    }

    /// Makes a lock whose holder has gone free again; `false` when it has not
    /// gone.
    pub fn recover(&self) -> bool {
        self.permits.recover()
    }
}

impl Default for Lock {
    fn default() -> Self {
        Self::new()
    }
}

/// A lock that its holder, one thread in one runtime, may take several times.
#[derive(Debug)]
pub struct ReentrantLock {
    permits: Permits,
    /// How often the holder has taken it. Written by the holder only, hence
    /// Relaxed: for everybody else a hint.
    depth: AtomicU64,
}

impl ReentrantLock {
    /// A lock that is free; as [`Lock::new`].
    pub fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    /// As [`Lock::with_patience`].
    pub fn with_patience(patience: Duration) -> Self {
        Self {
            permits: Permits::new(1, Some(Holder::new()), patience),
            depth: AtomicU64::new(0),
        }
    }

    /// Takes the lock if it is free, or once more if `who` has it.
    pub fn try_acquire(&self, who: Who) -> bool {
        if self.is_held_by(who) {
            self.depth.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let taken = self.permits.try_take(who);
        if taken {
            self.restore(1);
        }
        taken
    }

    /// A call that waits for the lock, which `who` does not have. Once it is
    /// served, [`restore`](Self::restore) says how often.
    pub fn acquire(&self, who: Who) -> Taking<'_> {
        self.permits.taking(who)
    }

    /// How often the caller, which has just got the lock, has it now.
    pub fn restore(&self, depth: u64) {
        self.depth.store(depth, Ordering::Relaxed);
    }

    /// Gives the lock back once.
    ///
    /// # Errors
    ///
    /// [`ReleaseError`]: `who` does not have it, or its holder's runtime has
    /// ended.
    pub fn release(&self, who: Who) -> Result<(), ReleaseError> {
        self.check(who)?;
        if self.depth.fetch_sub(1, Ordering::Relaxed) > 1 {
            return Ok(());
        }
        self.permits.give_back(1, 1)
    }

    /// Gives the lock back altogether, and tells how often it was held.
    ///
    /// # Errors
    ///
    /// As for [`release`](Self::release).
    pub fn release_all(&self, who: Who) -> Result<u64, ReleaseError> {
        self.check(who)?;
        let depth = self.depth.swap(0, Ordering::Relaxed);
        self.permits.give_back(1, 1)?;
        Ok(depth)
    }

    fn check(&self, who: Who) -> Result<(), ReleaseError> {
        if self.is_gone() {
            Err(ReleaseError::Gone)
        } else if self.is_held_by(who) {
            Ok(())
        } else {
            Err(ReleaseError::NotHeld)
        }
    }

    /// Whether `who`, which asks, has it.
    pub fn is_held_by(&self, who: Who) -> bool {
        self.permits.is_held_by(who)
    }

    /// How often its holder has taken it. Exact for the holder.
    pub fn depth(&self) -> u64 {
        self.depth.load(Ordering::Relaxed)
    }

    /// Whether somebody has it, or had it when its runtime ended.
    pub fn is_held(&self) -> bool {
        self.permits.free() == 0
    }

    /// Who has it.
    pub fn holder(&self) -> Option<Who> {
        self.permits.holder()
    }

    /// How many calls wait for it.
    pub fn waiting(&self) -> usize {
        self.permits.waiting()
    }

    /// Whether its holder has ended.
    pub fn is_gone(&self) -> bool {
        self.permits.is_gone()
    }

    /// Tells the lock that a runtime has ended; says whether that one had it.
    pub fn lose(&self, runtime: u64) -> bool {
        self.permits.lose(runtime)
    }

    /// Tells the lock that a thread has ended, in whatever runtime it had the
    /// lock: nobody else may give it back.
    pub fn lose_thread(&self, thread: u64) -> bool {
        self.permits.lose_if(|holder| holder.thread == thread)
    }

    /// Tells the lock that a holder has ended which is neither: one of the
    /// embedder's making.
    pub fn lose_holder(&self, who: Who) -> bool {
        self.permits.lose_if(|holder| holder == who)
    }

    /// Makes a lock whose holder has gone free again; `false` when it has not
    /// gone.
    pub fn recover(&self) -> bool {
        self.restore(0);
        self.permits.recover()
    }
}

impl Default for ReentrantLock {
    fn default() -> Self {
        Self::new()
    }
}
