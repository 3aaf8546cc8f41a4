//! Shares of resources of any type.

use super::block::{Block, Header};
use super::held::Held;
use super::resource::Resource;
use super::typed::Share;
use crate::owner::Owner;
use crate::primitive::Arc;
use std::any::TypeId;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// One count of a resource of any type.
///
/// What a [`Share`] is when nobody needs to know what it is a share of: in a
/// table of different ones, in the objects of a borrower, in a structure of
/// C. The resource's type is kept with it and can be asked for.
///
/// # Examples
///
/// ```
/// # use interlane_core::{AnyShare, Fate, Resource, Share};
/// # struct Text(&'static str);
/// # impl Resource for Text {
/// #     fn release(self) {}
/// #     fn orphan(&self) -> Fate { Fate::Adopted }
/// #     fn discard(self) {}
/// # }
/// let share: AnyShare = Share::unowned(Text("hello"), 5).erase();
/// assert_eq!(share.nbytes(), 5);
/// assert_eq!(share.downcast_ref::<Text>().unwrap().0, "hello");
/// let share: Share<Text> = share.downcast().unwrap();
/// assert_eq!(share.0, "hello");
/// ```
#[repr(transparent)]
pub struct AnyShare {
    /// This share holds one count of the block, so the block exists as long
    /// as the share does.
    block: NonNull<Header>,
}

// SAFETY: every resource is `Send`, and moves to the thread that releases or
// discards it; every resource is `Sync`, and shares on several threads give
// out references to it; shares are counted atomically.
unsafe impl Send for AnyShare {}
// SAFETY: as above.
unsafe impl Sync for AnyShare {}

impl AnyShare {
    /// The owner, unless the process owns the resource.
    pub fn owner(&self) -> Option<&Arc<Owner>> {
        self.header().owner.as_ref()
    }

    /// What the resource keeps in memory, as said at its creation.
    pub fn nbytes(&self) -> usize {
        self.header().nbytes
    }

    /// What the resource is, as [`Resource::kind`] said at its creation.
    pub fn kind(&self) -> &str {
        &self.header().kind
    }

    /// The number of what is shared, the same for all of its shares: counted
    /// from 1 in each process, never reused.
    pub fn id(&self) -> u64 {
        self.header().id
    }

    /// How many shares of the resource there are, this one included. Others
    /// may change the number at any time.
    pub fn count(&self) -> usize {
        self.header().count.get()
    }

    /// Counts this share for a holder: any number by which the embedder tells
    /// borrowers apart. May allocate.
    pub fn hold(self, holder: u32) -> Held {
        Held::new(self, holder)
    }

    /// Who holds shares of the resource, and how many; the rest of
    /// [`count`](Self::count) is in transit. Not a snapshot: what changes
    /// meanwhile may or may not be counted.
    pub fn holders(&self) -> Vec<(u32, u32)> {
        self.header().holders.snapshot()
    }

    /// Whether both are shares of the same resource.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.block == other.block
    }

    /// Whether the resource is an `R`.
    pub fn is<R: Resource>(&self) -> bool {
        (self.header().vtable.resource)() == TypeId::of::<R>()
    }

    /// The resource, if it is an `R`.
    pub fn downcast_ref<R: Resource>(&self) -> Option<&R> {
        // SAFETY: the type was asked for.
        self.is::<R>().then(|| unsafe { self.resource() })
    }

    /// The same share, with the type of its resource known.
    ///
    /// # Errors
    ///
    /// Gives the share back when the resource is no `R`.
    pub fn downcast<R: Resource>(self) -> Result<Share<R>, Self> {
        if self.is::<R>() {
            // SAFETY: the type was asked for.
            Ok(unsafe { Share::assume(self) })
        } else {
            Err(self)
        }
    }

    /// Drops the share; if it is the last one and `current` is its owner,
    /// releases the resource right here instead of through the inbox.
    ///
    /// # Safety
    ///
    /// The caller is in `current` and holds its lock.
    pub unsafe fn drop_in(self, current: &Owner) {
        let block = self.into_block();
        // SAFETY: this share's count is given up here, once.
        if unsafe { Header::uncount(block) } {
            // SAFETY: that was the last count; the rest is promised by the
            // caller.
            unsafe { Owner::take_back_in(current, block) };
        }
    }

    /// Turns the share into a pointer that still holds its count, for keeping
    /// it in a foreign structure.
    pub fn into_raw(self) -> NonNull<()> {
        self.into_block().cast()
    }

    /// The same pointer as [`into_raw`](Self::into_raw) gives, without a
    /// count: for [`upgrade`](Self::upgrade).
    pub fn as_raw(&self) -> NonNull<()> {
        self.block.cast()
    }

    /// One more share of the resource, unless the last one has gone.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`as_raw`](Self::as_raw), and the resource has not
    /// been released or discarded yet. That is so for whoever learns of it from
    /// the resource itself: of a release from [`Resource::retire`], which this
    /// call does not overlap with; of an end of the owner from
    /// [`Resource::orphan`].
    pub unsafe fn upgrade(raw: NonNull<()>) -> Option<Self> {
        let block: NonNull<Header> = raw.cast();
        // SAFETY: not released yet, so the block exists.
        let counted = unsafe { block.as_ref() }.count.add_if_any();
        // SAFETY: counted just now.
        counted.then(|| unsafe { Self::from_block(block) })
    }

    /// The share that [`into_raw`](Self::into_raw) was called on.
    ///
    /// # Safety
    ///
    /// `raw` comes from `into_raw` of a share, of this type or of a
    /// [`Share`], and is turned back at most once.
    pub unsafe fn from_raw(raw: NonNull<()>) -> Self {
        // SAFETY: forwarded to the caller.
        unsafe { Self::from_block(raw.cast()) }
    }

    /// A share with a count that the caller has.
    ///
    /// # Safety
    ///
    /// The block exists, and the count is counted for this share.
    pub(super) unsafe fn from_block(block: NonNull<Header>) -> Self {
        Self { block }
    }

    /// The block, with this share's count, which is the caller's now.
    fn into_block(self) -> NonNull<Header> {
        ManuallyDrop::new(self).block
    }

    /// The resource.
    ///
    /// # Safety
    ///
    /// It is an `R`.
    pub(super) unsafe fn resource<R: Resource>(&self) -> &R {
        // SAFETY: of that type, forwarded to the caller; the block exists, and
        // its resource is in it, as long as this share holds its count.
        unsafe { Block::resource(self.block) }
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: the block exists as long as this share holds its count.
        unsafe { self.block.as_ref() }
    }
}

impl Clone for AnyShare {
    fn clone(&self) -> Self {
        self.header().count.add();
        Self { block: self.block }
    }
}

impl Drop for AnyShare {
    fn drop(&mut self) {
        // SAFETY: this share's count is given up here, once.
        if unsafe { Header::uncount(self.block) } {
            // SAFETY: that was the last count.
            unsafe { Owner::take_back(self.block) };
        }
    }
}

impl fmt::Debug for AnyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("id", &self.id())
            .field("kind", &self.kind())
            .field("owner", &self.owner().map(|owner| owner.generation()))
            .field("count", &self.count())
            .field("nbytes", &self.nbytes())
            .finish_non_exhaustive()
    }
}
