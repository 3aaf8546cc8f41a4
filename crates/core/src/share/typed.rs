//! Shares of resources of one type.

use super::block::{Block, Header};
use super::erased::AnyShare;
use super::resource::Resource;
use crate::owner::Owner;
use crate::primitive::Arc;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// One count of a resource that is shared.
///
/// Dereferences to the resource. What may be done with it on a thread that is
/// not in the owner is the resource's to say.
#[repr(transparent)]
pub struct Share<R: Resource> {
    /// A share of an `R`.
    share: AnyShare,
    resource: PhantomData<R>,
}

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
            // SAFETY: a `Block<R>` with one count, which is ours.
            return Ok(unsafe { Self::from_block(block) });
        }
        // SAFETY: nobody else has seen the block.
        let (owner, resource) = unsafe { (Header::take_owner(block), Block::dissolve(block)) };
        drop(owner);
        Err(resource)
    }

    /// Shares a resource that belongs to the process: the last drop calls
    /// [`Resource::release`] at once, on its own thread. No owner counts it.
    pub fn unowned(resource: R, nbytes: usize) -> Self {
        // SAFETY: a `Block<R>` with one count, which is ours.
        unsafe { Self::from_block(Block::allocate(None, resource, nbytes)) }
    }

    /// As [`unowned`](Self::unowned), and counted in [`totals`](crate::totals)
    /// and listed in [`shares`](crate::shares), as what nobody owns.
    pub fn process(resource: R, nbytes: usize) -> Self {
        #[cfg(all(target_os = "linux", not(loom)))]
        crate::reaper::watch_forks();
        let block = Block::allocate_listed(resource, nbytes);
        // SAFETY: a new block, whose table takes it out of the list again.
        unsafe { super::process::list(block) };
        // SAFETY: a `Block<R>` with one count, which is ours.
        unsafe { Self::from_block(block) }
    }

    /// The owner, unless the process owns the resource.
    pub fn owner(&self) -> Option<&Arc<Owner>> {
        self.share.owner()
    }

    /// What the resource keeps in memory, as said at its creation.
    pub fn nbytes(&self) -> usize {
        self.share.nbytes()
    }

    /// See [`AnyShare::id`].
    pub fn id(&self) -> u64 {
        self.share.id()
    }

    /// See [`AnyShare::count`].
    pub fn count(&self) -> usize {
        self.share.count()
    }

    /// Whether both are shares of the same resource.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.share.ptr_eq(&other.share)
    }

    /// The same share, without saying of what.
    pub fn as_any(&self) -> &AnyShare {
        &self.share
    }

    /// As [`as_any`](Self::as_any), by value: forgets the type until
    /// [`AnyShare::downcast`].
    pub fn erase(self) -> AnyShare {
        self.share
    }

    /// See [`AnyShare::drop_in`].
    ///
    /// # Safety
    ///
    /// The caller is in `current` and holds its lock.
    pub unsafe fn drop_in(self, current: &Owner) {
        // SAFETY: forwarded to the caller.
        unsafe { self.share.drop_in(current) };
    }

    /// See [`AnyShare::into_raw`].
    pub fn into_raw(self) -> NonNull<()> {
        self.share.into_raw()
    }

    /// The share that [`into_raw`](Self::into_raw) was called on.
    ///
    /// # Safety
    ///
    /// `raw` comes from `into_raw` of a share of an `R`, and is turned back at
    /// most once.
    pub unsafe fn from_raw(raw: NonNull<()>) -> Self {
        // SAFETY: forwarded to the caller.
        unsafe { Self::assume(AnyShare::from_raw(raw)) }
    }

    /// A share whose type the caller knows.
    ///
    /// # Safety
    ///
    /// It is a share of an `R`.
    pub(super) unsafe fn assume(share: AnyShare) -> Self {
        Self {
            share,
            resource: PhantomData,
        }
    }

    /// # Safety
    ///
    /// The block is a `Block<R>` and has a count for this share.
    unsafe fn from_block(block: NonNull<Header>) -> Self {
        // SAFETY: forwarded to the caller.
        unsafe { Self::assume(AnyShare::from_block(block)) }
    }
}

impl<R: Resource> Clone for Share<R> {
    fn clone(&self) -> Self {
        // SAFETY: of the same resource.
        unsafe { Self::assume(self.share.clone()) }
    }
}

impl<R: Resource> Deref for Share<R> {
    type Target = R;

    fn deref(&self) -> &R {
        // SAFETY: a share of an `R`, as said there.
        unsafe { self.share.resource() }
    }
}

impl<R: Resource> fmt::Debug for Share<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.share.fmt(f)
    }
}
