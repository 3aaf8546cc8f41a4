//! From the last drop of a share to its release.

use super::Owner;
use super::stack::Place;
use crate::primitive::{Arc, Ordering};
use crate::reaper;
use crate::share::block::Header;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, NonNull};

impl Owner {
    /// Releases everything in the inbox, in the order in which it was
    /// dropped, and says how many that were.
    ///
    /// A release may drain again, and so may other threads meanwhile where the
    /// owner's lock lets several in: each block is released by whoever took it
    /// out of the inbox. If some panic, the others are made all the
    /// same, and the first panic goes on afterwards.
    ///
    /// # Safety
    ///
    /// The caller is in this owner and holds its lock.
    pub unsafe fn drain(&self) -> usize {
        // While the owner ends, its blocks must stay where they are.
        if self.ending.load(Ordering::Relaxed) || !self.has_pending() {
            return 0;
        }
        // After a fork, the child has no reaper until somebody starts it.
        reaper::ensure();
        let (mut count, mut panics) = (0, Panics::default());
        for block in self.inbox.detach().oldest_first() {
            // SAFETY: the block exists until it is released.
            let nbytes = unsafe { block.as_ref() }.nbytes;
            // SAFETY: the block came out of the inbox, so no count is left;
            // the lock is the caller's promise.
            panics.trap(|| unsafe { self.release(block) });
            self.inbox.settled(nbytes);
            count += 1;
        }
        panics.resume();
        count
    }

    /// Enters a new block into the list; `false` when the owner is closing.
    ///
    /// # Safety
    ///
    /// The block is new and has this owner.
    pub(crate) unsafe fn admit(&self, block: NonNull<Header>) -> bool {
        // SAFETY: new, so in no list, and taken out before it is freed: by
        // `release` or by `abandon`.
        self.with_live(|live| unsafe { live.add(block) })
    }

    /// Takes a block back after its last drop, on any thread. Allocates
    /// nothing, and waits for nobody.
    ///
    /// # Safety
    ///
    /// The caller has given up the last count and does not touch the block
    /// again.
    pub(crate) unsafe fn take_back(block: NonNull<Header>) {
        // SAFETY: this is the one time after the last drop.
        match unsafe { Header::take_owner(block) } {
            // SAFETY: no count is left, forwarded; there is no owner.
            None => unsafe { (block.as_ref().vtable.release)(block) },
            // SAFETY: forwarded to the caller.
            Some(owner) => unsafe { owner.receive(block) },
        }
    }

    /// As [`take_back`](Self::take_back), but releases at once if `current`
    /// is the owner.
    ///
    /// # Safety
    ///
    /// As there; and the caller is in `current` and holds its lock.
    pub(crate) unsafe fn take_back_in(current: &Self, block: NonNull<Header>) {
        // SAFETY: this is the one time after the last drop.
        match unsafe { Header::take_owner(block) } {
            // SAFETY: as in `take_back`.
            None => unsafe { (block.as_ref().vtable.release)(block) },
            Some(owner)
                if ptr::eq(&raw const *owner, current)
                    && !current.ending.load(Ordering::Relaxed) =>
            {
                // SAFETY: the lock is the caller's promise; not ending, so the
                // block is in the list and was not orphaned.
                unsafe { current.release(block) };
            }
            // SAFETY: forwarded to the caller.
            Some(owner) => unsafe { owner.receive(block) },
        }
    }

    /// Puts a block into the inbox, or discards it when there is none.
    ///
    /// The caller's reference is the one that the block had. It goes on to
    /// the reaper with the bell, so that the record exists until the block
    /// has been seen to; and because the block does not hold it any more, a
    /// release on another thread cannot free the record under our feet.
    ///
    /// # Safety
    ///
    /// As for [`take_back`](Self::take_back), and the block's owner is `self`.
    unsafe fn receive(self: Arc<Self>, block: NonNull<Header>) {
        // SAFETY: no count is left, forwarded; the lock is held.
        if self.host.is_held() && unsafe { self.release_beside(block) } {
            return;
        }
        // SAFETY: the block exists until it is in the inbox.
        let nbytes = unsafe { block.as_ref() }.nbytes;
        // SAFETY: forwarded to the caller.
        let pushed = unsafe { self.inbox.push(block, nbytes) };
        match pushed.place {
            Place::First => reaper::ring(self),
            Place::Behind => {}
            Place::Refused => {
                // SAFETY: the inbox is closed, so the block has been orphaned,
                // and it is ours alone.
                unsafe { self.bury(block) };
                return;
            }
        }
        if pushed.urgent {
            reaper::hurry();
        }
    }

    /// Takes a block out of the list and releases it.
    ///
    /// # Safety
    ///
    /// No count of the block is left, it is this owner's and in its list, and
    /// the caller is in the owner and holds its lock.
    unsafe fn release(&self, block: NonNull<Header>) {
        // SAFETY: in the list, forwarded.
        let watched = self.with_live(|live| unsafe { live.release(block) });
        // SAFETY: forwarded to the caller.
        unsafe { self.finish(block, watched) };
    }

    /// Releases a block from outside of the owner, if its resource is plain and
    /// nobody else is at the list: a last drop waits for nobody. Says whether.
    ///
    /// # Safety
    ///
    /// No count of the block is left, it is this owner's and the caller's, who
    /// holds the owner's lock.
    unsafe fn release_beside(&self, block: NonNull<Header>) -> bool {
        // Under the lock, as it is written. While the owner ends, its blocks
        // must stay where they are.
        if self.ending.load(Ordering::Relaxed) {
            return false;
        }
        // SAFETY: the block exists, the lock is held: forwarded to the caller.
        if !unsafe { (block.as_ref().vtable.is_plain)(block) } {
            return false;
        }
        // SAFETY: not ending, so it is in the list.
        let watched = self.try_with_live(|live| unsafe { live.release(block) });
        let Some(watched) = watched else {
            return false;
        };
        // SAFETY: forwarded to the caller; it is plain, so the lock is enough.
        unsafe { self.finish(block, watched) };
        true
    }

    /// Releases a block that was taken out of the list.
    ///
    /// # Safety
    ///
    /// As the block's table demands.
    unsafe fn finish(&self, block: NonNull<Header>, watched: bool) {
        if watched {
            self.tell_news();
        }
        // SAFETY: forwarded to the caller.
        unsafe { (block.as_ref().vtable.release)(block) };
    }
}

/// Keeps a panic in one resource's code from skipping the others.
#[derive(Debug, Default)]
pub(super) struct Panics(Option<Box<dyn Any + Send>>);

impl Panics {
    /// Runs `code`; a panic is kept for later, `None` returned.
    pub(super) fn trap<O>(&mut self, code: impl FnOnce() -> O) -> Option<O> {
        // Unwind safe: whatever `code` has broken, it has been consumed.
        match panic::catch_unwind(AssertUnwindSafe(code)) {
            Ok(result) => Some(result),
            Err(payload) => {
                self.0.get_or_insert(payload);
                None
            }
        }
    }

    /// Goes on with the first panic, if there was any.
    pub(super) fn resume(self) {
        if let Some(payload) = self.0 {
            panic::resume_unwind(payload);
        }
    }
}
