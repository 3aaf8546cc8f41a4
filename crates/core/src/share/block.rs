//! The control block: one allocation for the counts and the resource.
//!
//! Owners and inboxes know blocks by their header alone. What depends on the
//! type of the resource is reached through a table of functions, made once
//! for each type: a table and not `dyn`, because a pointer to a header is one
//! word, which an atomic can hold and a C structure can keep.

use super::live::Links;
use super::resource::{Fate, Resource};
use crate::owner::Owner;
use crate::primitive::{Arc, AtomicUsize, UnsafeCell};
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

/// The part of a block that is the same for every resource.
#[derive(Debug)]
pub(crate) struct Header {
    /// Shares that exist. Whoever takes it to 0 owns the block.
    pub(crate) count: AtomicUsize,
    /// The next block in the inbox. Belongs to the pusher until the push,
    /// then to whoever has detached the chain.
    pub(crate) link: UnsafeCell<*mut Header>,
    /// Neighbours in the owner's list; guarded by that list's lock.
    pub(crate) links: UnsafeCell<Links>,
    /// What to do with a block of this type.
    pub(crate) vtable: &'static Vtable,
    /// The owner's record, which the block keeps in existence. Taken out once
    /// by the last drop; never dropped in place.
    pub(crate) owner: ManuallyDrop<Option<Arc<Owner>>>,
    /// What the resource keeps in memory.
    pub(crate) nbytes: usize,
}

/// What can be done with a block without knowing its type. Each takes a
/// pointer to a block of the type that the table was made for.
#[derive(Debug)]
pub(crate) struct Vtable {
    /// Frees the block and releases the resource.
    ///
    /// Safety: no count is left and nobody else will touch the block. The
    /// caller is in the owner and holds its lock, if there is an owner.
    pub(crate) release: unsafe fn(NonNull<Header>),
    /// Makes the resource independent of its owner.
    ///
    /// Safety: the block exists throughout. The caller is in the owner and
    /// holds its lock; called at most once.
    pub(crate) orphan: unsafe fn(NonNull<Header>) -> Fate,
    /// Frees the block and discards the resource.
    ///
    /// Safety: no count is left and nobody else will touch the block; `orphan`
    /// was called before.
    pub(crate) discard: unsafe fn(NonNull<Header>),
}

/// A header and its resource.
#[repr(C)] // a pointer to the block is a pointer to its header
#[derive(Debug)]
pub(crate) struct Block<R> {
    header: Header,
    resource: ManuallyDrop<R>,
}

impl<R: Resource> Block<R> {
    const VTABLE: &'static Vtable = &Vtable {
        // SAFETY: a `Block<R>`, for this table is in no other; the rest is what
        // the table demands.
        release: |block| unsafe { Self::dissolve(block) }.release(),
        // SAFETY: as above.
        orphan: |block| unsafe { Self::resource(block) }.orphan(),
        // SAFETY: as above.
        discard: |block| unsafe { Self::dissolve(block) }.discard(),
    };

    /// A block with one count, which is the caller's.
    pub(crate) fn allocate(
        owner: Option<Arc<Owner>>,
        resource: R,
        nbytes: usize,
    ) -> NonNull<Header> {
        let block = Box::new(Self {
            header: Header {
                count: AtomicUsize::new(1),
                link: UnsafeCell::new(ptr::null_mut()),
                links: UnsafeCell::new(Links::new()),
                vtable: Self::VTABLE,
                owner: ManuallyDrop::new(owner),
                nbytes,
            },
            resource: ManuallyDrop::new(resource),
        });
        NonNull::from(Box::leak(block)).cast()
    }

    /// The resource of a block.
    ///
    /// # Safety
    ///
    /// `block` is a `Block<R>` and exists for as long as `'a`.
    pub(crate) unsafe fn resource<'a>(block: NonNull<Header>) -> &'a R {
        // SAFETY: forwarded to the caller.
        unsafe { &block.cast::<Self>().as_ref().resource }
    }

    /// Frees a block, giving its resource. Its owner must have been taken.
    ///
    /// # Safety
    ///
    /// `block` is a `Block<R>`, no count of it is left, and nobody uses it
    /// again.
    pub(crate) unsafe fn dissolve(block: NonNull<Header>) -> R {
        // SAFETY: the block came from a box and has become the caller's
        // alone.
        let block = unsafe { Box::from_raw(block.cast::<Self>().as_ptr()) };
        ManuallyDrop::into_inner(block.resource)
    }
}

impl Header {
    /// Takes the block's reference to its owner.
    ///
    /// # Safety
    ///
    /// No count of the block is left, and this is called once.
    pub(crate) unsafe fn take_owner(block: NonNull<Self>) -> Option<Arc<Owner>> {
        // SAFETY: the block exists; nobody reads the field again, and it is
        // not dropped in place.
        ManuallyDrop::into_inner(unsafe { ptr::read(&raw const (*block.as_ptr()).owner) })
    }
}
