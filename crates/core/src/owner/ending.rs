//! How an owner ends while its resources are still in use.

use super::Owner;
use super::release::Panics;
use crate::primitive::Ordering;
use crate::share::Fate;
use crate::share::live::Live;

/// What an owner has left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// Freed with their last share.
    pub adopted: usize,
    /// Valid for their holders, but never freed.
    pub pinned: usize,
}

impl Owner {
    /// Ends the owner: releases what has come back, makes everything else
    /// independent of it, and closes the inbox.
    ///
    /// A resource whose [`orphan`](crate::Resource::orphan) panics counts as
    /// pinned; the panic goes on at the end.
    ///
    /// # Safety
    ///
    /// The caller is in this owner and holds its lock, which no other thread has
    /// at the same time. The gate is closed and everybody has left.
    pub unsafe fn abandon(&self) -> Orphans {
        debug_assert!(self.gate.is_shut(), "an owner ends with its gate open");
        let mut panics = Panics::default();
        // Releases may drop other shares, which are released in turn.
        // SAFETY: in the owner, under its lock: the caller's promise.
        while panics.trap(|| unsafe { self.drain() }) != Some(0) {}

        // From here to the closing of the inbox no block is freed: last drops
        // go to the inbox, which stays open, and neither `drain` nor
        // `drop_in`, called by a resource's code, takes anything out. So each
        // block can be orphaned without a thought for its holders: a last
        // drop that happens at the same time only pushes.
        self.ending.store(true, Ordering::Relaxed);
        // They stay in the list, where nobody changes a link any more: nothing
        // is added, and what leaves it comes from a closed inbox.
        let mut left = self.with_live(Live::abandon);
        self.tell_news();
        let mut orphans = Orphans::default();
        // SAFETY: no block is freed and no link changed, as said.
        while let Some(block) = unsafe { left.next() } {
            // SAFETY: the block exists, we are in its owner under its lock,
            // and each is in the list once.
            let fate = panics.trap(|| unsafe { (block.as_ref().vtable.orphan)(block) });
            match fate {
                Some(Fate::Adopted) => orphans.adopted += 1,
                Some(Fate::Pinned) | None => orphans.pinned += 1,
            }
        }

        // Later last drops find the inbox closed and discard for themselves.
        // What is in it was dropped in the meantime: orphaned, like all that
        // was still in the list.
        for block in self.inbox.close().oldest_first() {
            // SAFETY: the block exists until it is discarded.
            let nbytes = unsafe { block.as_ref() }.nbytes;
            // SAFETY: no count is left, nobody else has it, and it was
            // orphaned above.
            panics.trap(|| unsafe { self.bury(block) });
            self.inbox.settled(nbytes);
        }
        panics.resume();
        orphans
    }
}
