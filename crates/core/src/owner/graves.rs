//! How orphans leave the owner's list.
//!
//! An orphan stays in the list of its owner, which has ended, until its last
//! share has gone. That last drop may be anywhere and must not wait for the
//! list's lock. So it leaves the block on a stack, and then:
//!
//! ```text
//!   last drop                          whoever holds the lock (to list shares, to count)
//!   1. push the block                  a. give the lock back
//!   2. fence                           b. fence
//!   3. try the lock                    c. look at the stack
//! ```
//!
//! Of two fences one comes first. If the left one does, then c sees the block
//! of 1. If the right one does, then 3 sees the lock as it was left in a, or
//! taken by somebody else after that, to whom the same applies. So somebody
//! sweeps: takes the stack under the lock, takes its blocks out of the list,
//! gives the lock back, and discards them.

use super::Owner;
use super::release::Panics;
use crate::primitive::{MutexGuard, Ordering, fence, lock, try_lock};
use crate::share::block::Header;
use crate::share::live::Live;
use std::ptr::NonNull;

impl Owner {
    /// Works with the list, then sees to the orphans that came back meanwhile.
    /// Whoever needs the list's lock takes it here.
    pub(crate) fn with_live<O>(&self, work: impl FnOnce(&mut Live) -> O) -> O {
        self.with_locked(lock(&self.live), work)
    }

    /// As [`with_live`](Self::with_live), unless somebody else has the lock.
    pub(crate) fn try_with_live<O>(&self, work: impl FnOnce(&mut Live) -> O) -> Option<O> {
        try_lock(&self.live).map(|live| self.with_locked(live, work))
    }

    fn with_locked<O>(
        &self,
        mut live: MutexGuard<'_, Live>,
        work: impl FnOnce(&mut Live) -> O,
    ) -> O {
        let result = work(&mut live);
        // While there are no orphans, nobody pushes any: the owner's end has
        // not had the lock yet, so it comes after us, and those who drop an
        // orphan after that cannot have found the lock in our hands.
        let sweeps = live.abandoned;
        self.tally.note(&live);
        drop(live);
        if sweeps {
            self.sweep();
        }
        result
    }

    /// Takes an orphan whose last share has gone out of the list and discards
    /// it, or leaves that to the thread that holds the list's lock. Allocates
    /// nothing and waits for nobody.
    ///
    /// # Safety
    ///
    /// No count of the block is left and it is the caller's, who does not
    /// touch it again; it is in this owner's list, and `orphan` was called.
    pub(super) unsafe fn bury(&self, block: NonNull<Header>) {
        // SAFETY: forwarded to the caller. This stack is never closed.
        unsafe { self.graves.push(block, || {}) };
        self.sweep();
    }

    /// Discards what is on the stack, unless somebody else has the lock, who
    /// will.
    pub(super) fn sweep(&self) {
        let mut panics = Panics::default();
        loop {
            // Both fences of the module's documentation: after a push, and
            // after the lock was given back.
            fence(Ordering::SeqCst);
            if !self.graves.has_any() {
                break;
            }
            let Some(mut live) = try_lock(&self.live) else {
                break;
            };
            // SAFETY: in this list since they were shared, and on the stack
            // once.
            let dead = self
                .graves
                .detach()
                .turned(|block| unsafe { live.unlink(block) });
            drop(live);
            for block in dead {
                // SAFETY: the block exists until it is discarded; no count is
                // left, it was orphaned, and nobody else knows it any more.
                panics.trap(|| unsafe { (block.as_ref().vtable.discard)(block) });
            }
        }
        panics.resume();
    }
}
