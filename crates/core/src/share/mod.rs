//! Shares: counted links to a resource that belongs to an [`Owner`].
//!
//! ```text
//!   Share<R> ──┐      ┌─ header ───────────┬─ resource ─┐
//!   Share<R> ──┼────► │ count, owner, link │     R      │   one allocation
//!   Share<R> ──┘      └────────┬───────────┴────────────┘
//!                              └────► inbox of the owner, at the last drop
//! ```
//!
//! A share may be cloned and dropped on any thread. Neither takes a lock, a
//! system call or memory, and none of the resource's own code runs; the last
//! drop leaves the block in the owner's inbox, and the owner releases the
//! resource under its own lock.

pub(crate) mod block;
pub(crate) mod live;
mod resource;

pub use self::resource::{Fate, Resource};

use self::block::{Block, Header};
use crate::owner::Owner;
use crate::primitive::{Arc, Ordering, fence};
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ops::Deref;
use std::process;
use std::ptr::NonNull;

/// One count of a resource that is shared.
///
/// Dereferences to the resource. What may be done with it on a thread that is
/// not in the owner is the resource's to say.
pub struct Share<R: Resource> {
    /// Points to the header of a `Block<R>`. This share holds one count of
    /// it, so the block exists as long as the share does.
    block: NonNull<Header>,
    resource: PhantomData<R>,
}

// SAFETY: a share gives out `&R` only (R: Sync), moves the `R` to the thread
// that releases or discards it (R: Send), and counts atomically.
unsafe impl<R: Resource> Send for Share<R> {}
// SAFETY: as above.
unsafe impl<R: Resource> Sync for Share<R> {}

impl<R: Resource> Share<R> {
    /// Shares `resource`, which belongs to `owner`. To be called in the
    /// owner, under its lock. `nbytes` is what the resource keeps in memory,
    /// for the counters.
    ///
    /// The first call in a process starts the reaper's threads.
    ///
    /// # Errors
    ///
    /// Gives the resource back when the owner is closing or gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use interlane_core::{Fate, Host, Owner, Resource, Share};
    /// # struct Alone;
    /// # // SAFETY: no other thread is in this owner.
    /// # unsafe impl Host for Alone {
    /// #     fn enter(&self, work: &mut dyn FnMut()) { work() }
    /// # }
    /// struct Text(&'static str);
    /// impl Resource for Text {
    ///     fn release(self) { println!("{} has come back", self.0) }
    ///     fn orphan(&self) -> Fate { Fate::Adopted }
    ///     fn discard(self) {}
    /// }
    ///
    /// let owner = Owner::new(Box::new(Alone));
    /// let share = Share::new(&owner, Text("hello"), 5).ok().unwrap();
    /// let other = share.clone();
    /// assert_eq!(other.0, "hello");
    /// assert_eq!(share.count(), 2);
    /// ```
    pub fn new(owner: &Arc<Owner>, resource: R, nbytes: usize) -> Result<Self, R> {
        crate::reaper::ensure();
        let block = Block::allocate(Some(Arc::clone(owner)), resource, nbytes);
        // SAFETY: the block is new and has this owner.
        if unsafe { owner.admit(block) } {
            return Ok(Self::from_block(block));
        }
        // SAFETY: nobody else has seen the block.
        let (owner, resource) = unsafe { (Header::take_owner(block), Block::dissolve(block)) };
        drop(owner);
        Err(resource)
    }

    /// Shares a resource that belongs to the process: the last drop calls
    /// [`Resource::release`] at once, on its own thread. No owner counts it.
    pub fn unowned(resource: R, nbytes: usize) -> Self {
        Self::from_block(Block::allocate(None, resource, nbytes))
    }

    /// The owner, unless the process owns the resource.
    pub fn owner(&self) -> Option<&Arc<Owner>> {
        self.header().owner.as_ref()
    }

    /// What the resource keeps in memory, as said at its creation.
    pub fn nbytes(&self) -> usize {
        self.header().nbytes
    }

    /// How many shares of the resource there are, this one included. Others
    /// may change the number at any time.
    pub fn count(&self) -> usize {
        self.header().count.load(Ordering::Relaxed)
    }

    /// Whether both are shares of the same resource.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.block == other.block
    }

    /// Drops the share; if it is the last one and `current` is its owner,
    /// releases the resource right here instead of through the inbox.
    ///
    /// # Safety
    ///
    /// The caller is in `current` and holds its lock.
    pub unsafe fn drop_in(self, current: &Owner) {
        let block = mem::ManuallyDrop::new(self).block;
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
        mem::ManuallyDrop::new(self).block.cast()
    }

    /// The share that [`into_raw`](Self::into_raw) was called on.
    ///
    /// # Safety
    ///
    /// `raw` comes from `into_raw` of a share of the same type, and is turned
    /// back at most once.
    pub unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self::from_block(raw.cast())
    }

    fn from_block(block: NonNull<Header>) -> Self {
        Self {
            block,
            resource: PhantomData,
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: the block exists as long as this share holds its count.
        unsafe { self.block.as_ref() }
    }
}

impl<R: Resource> Clone for Share<R> {
    fn clone(&self) -> Self {
        // Relaxed, as for std's Arc: a new count is made out of one that the
        // caller has, and handing it to another thread orders the rest.
        let before = self.header().count.fetch_add(1, Ordering::Relaxed);
        // Forgotten shares could wrap the count around; nothing less than
        // an end of the process is safe then.
        if before > isize::MAX as usize {
            process::abort();
        }
        Self::from_block(self.block)
    }
}

impl<R: Resource> Drop for Share<R> {
    fn drop(&mut self) {
        // SAFETY: this share's count is given up here, once.
        if unsafe { Header::uncount(self.block) } {
            // SAFETY: that was the last count.
            unsafe { Owner::take_back(self.block) };
        }
    }
}

impl<R: Resource> Deref for Share<R> {
    type Target = R;

    fn deref(&self) -> &R {
        // SAFETY: the block is a `Block<R>` and exists as long as this share
        // holds its count; its resource is moved out after the last count.
        unsafe { Block::resource(self.block) }
    }
}

impl<R: Resource> fmt::Debug for Share<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("owner", &self.owner().map(|owner| owner.generation()))
            .field("count", &self.count())
            .field("nbytes", &self.nbytes())
            .finish_non_exhaustive()
    }
}

impl Header {
    /// Gives up one count; says whether it was the last.
    ///
    /// # Safety
    ///
    /// The caller holds that count and does not use it again. Unless the
    /// answer is `true`, it touches the block no more.
    unsafe fn uncount(block: NonNull<Self>) -> bool {
        // SAFETY: the caller's count keeps the block in existence so far.
        let header = unsafe { block.as_ref() };
        // Release: what this holder did with the resource happens before the
        // last one hands it on (Acquire below).
        if header.count.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // Acquire: pairs with the Release of every other holder. A fence, so
        // that only the last one pays for it.
        fence(Ordering::Acquire);
        true
    }
}
