//! Shares in the hands of a borrower.

use super::erased::AnyShare;
use crate::owner::Owner;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};

/// A share that is counted for a holder: what an object of a borrower keeps.
///
/// A share that nobody holds is in transit: in a queue, say. Dropping it takes
/// it off its holder's count and then drops the share, on the same terms.
///
/// Dereferences to the share. A clone of that is in transit.
///
/// # Examples
///
/// ```
/// # use interlane_core::{Fate, Resource, Share};
/// # struct Text(&'static str);
/// # impl Resource for Text {
/// #     fn release(self) {}
/// #     fn orphan(&self) -> Fate { Fate::Adopted }
/// #     fn discard(self) {}
/// # }
/// let share = Share::unowned(Text("hello"), 5).erase();
/// let held = share.clone().hold(3);
/// let more = held.clone().hold(3);
/// assert_eq!((share.count(), share.holders()), (3, vec![(3, 2)]));
/// drop((held, more));
/// assert_eq!((share.count(), share.holders()), (1, vec![]));
/// ```
#[derive(Debug)]
pub struct Held {
    share: AnyShare,
    /// Has a count for this in the block.
    holder: u32,
}

impl Held {
    /// Counts `share` for `holder`.
    pub(super) fn new(share: AnyShare, holder: u32) -> Self {
        let header = share.header();
        header.holders.hold(holder);
        // If it has come back to the owner, that is news.
        if header.count.is_watched() {
            if let Some(owner) = share.owner() {
                owner.tell_news();
            }
        }
        Self { share, holder }
    }

    /// Who holds it.
    pub fn holder(&self) -> u32 {
        self.holder
    }

    /// The share, held by nobody any more.
    pub fn into_share(self) -> AnyShare {
        self.share.header().holders.let_go(self.holder);
        self.take()
    }

    /// Drops it as [`AnyShare::drop_in`] does.
    ///
    /// # Safety
    ///
    /// The caller is in `current` and holds its lock.
    pub unsafe fn drop_in(self, current: &Owner) {
        // SAFETY: forwarded to the caller.
        unsafe { self.into_share().drop_in(current) };
    }

    /// A pointer that still holds the share's count, and the holder, for
    /// keeping both in a foreign structure.
    pub fn into_raw(self) -> (NonNull<()>, u32) {
        let holder = self.holder;
        (self.take().into_raw(), holder)
    }

    /// What [`into_raw`](Self::into_raw) was called on.
    ///
    /// # Safety
    ///
    /// Both come from one `into_raw`, and are turned back at most once.
    pub unsafe fn from_raw(raw: NonNull<()>, holder: u32) -> Self {
        Self {
            // SAFETY: forwarded to the caller.
            share: unsafe { AnyShare::from_raw(raw) },
            holder,
        }
    }

    /// The share. Its holder's count is left to the caller.
    fn take(self) -> AnyShare {
        let held = ManuallyDrop::new(self);
        // SAFETY: read once, and never dropped in its old place.
        unsafe { ptr::read(&raw const held.share) }
    }
}

impl Deref for Held {
    type Target = AnyShare;

    fn deref(&self) -> &AnyShare {
        &self.share
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Before the share's own count, which keeps the block.
        self.share.header().holders.let_go(self.holder);
    }
}
