//! The control block: one allocation for the counts and the resource.
//!
//! Owners and inboxes know blocks by their header alone. What depends on the
//! type of the resource is reached through a table of functions, made once
//! for each type: a table and not `dyn`, because a pointer to a header is one
//! word, which an atomic can hold and a C structure can keep.

use super::count::{Count, GivenUp};
use super::holders::Holders;
use super::live::Links;
use super::process;
use super::resource::{Fate, Resource};
use crate::owner::Owner;
use crate::primitive::process::AtomicU64;
use crate::primitive::{Arc, Ordering, UnsafeCell};
use crate::sync::clock;
use std::any::TypeId;
use std::borrow::Cow;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

/// The part of a block that is the same for every resource.
#[derive(Debug)]
pub(crate) struct Header {
    /// Shares that exist. Whoever takes it to 0 owns the block.
    pub(crate) count: Count,
    /// Those of them that somebody holds.
    pub(crate) holders: Holders,
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
    /// The block's number: counted from 1 in each process, never reused.
    pub(crate) id: u64,
    /// When it was shared, see `clock`.
    pub(crate) born: u64,
    /// What the resource is. Asked for once: whoever lists blocks does it
    /// under a lock, where no code of the embedder may run.
    pub(crate) kind: Cow<'static, str>,
}

/// The number of the newest block. Sound as a static: only ever counted up.
static BLOCKS: AtomicU64 = AtomicU64::new(0);

/// What can be done with a block without knowing its type. Each takes a
/// pointer to a block of the type that the table was made for.
#[derive(Debug)]
pub(crate) struct Vtable {
    /// The type of the resource. Tables cannot tell types apart by their
    /// addresses: one type may have several, and two types one.
    pub(crate) resource: fn() -> TypeId,
    /// Frees the block and releases the resource.
    ///
    /// Safety: no count is left and nobody else will touch the block. The
    /// caller is in the owner and holds its lock, if there is an owner; for a
    /// plain resource, holding the lock is enough.
    pub(crate) release: unsafe fn(NonNull<Header>),
    /// Asks [`Resource::is_plain`].
    ///
    /// Safety: the block exists; the caller holds its owner's lock.
    pub(crate) is_plain: unsafe fn(NonNull<Header>) -> bool,
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
        resource: TypeId::of::<R>,
        // SAFETY: a `Block<R>`, for this table is in no other; the rest is what
        // the table demands.
        release: |block| unsafe {
            Self::resource(block).retire();
            Self::dissolve(block).release();
        },
        // SAFETY: as above.
        is_plain: |block| unsafe { Self::resource(block) }.is_plain(),
        // SAFETY: as above.
        orphan: |block| unsafe { Self::resource(block) }.orphan(),
        // SAFETY: as above.
        discard: |block| unsafe { Self::dissolve(block) }.discard(),
    };

    /// The same for blocks without owner that are in the process's list.
    const LISTED: &'static Vtable = &Vtable {
        // SAFETY: in the list since it was made; the rest as above.
        release: |block| unsafe {
            process::forget(block);
            Self::resource(block).retire();
            Self::dissolve(block).release();
        },
        ..*Self::VTABLE
    };

    /// A block with one count, which is the caller's.
    pub(crate) fn allocate(
        owner: Option<Arc<Owner>>,
        resource: R,
        nbytes: usize,
    ) -> NonNull<Header> {
        Self::allocate_with(Self::VTABLE, owner, resource, nbytes)
    }

    /// A block without owner, which the caller puts into the process's list.
    pub(crate) fn allocate_listed(resource: R, nbytes: usize) -> NonNull<Header> {
        Self::allocate_with(Self::LISTED, None, resource, nbytes)
    }

    fn allocate_with(
        vtable: &'static Vtable,
        owner: Option<Arc<Owner>>,
        resource: R,
        nbytes: usize,
    ) -> NonNull<Header> {
        let block = Box::new(Self {
            header: Header {
                count: Count::new(),
                holders: Holders::new(),
                link: UnsafeCell::new(ptr::null_mut()),
                links: UnsafeCell::new(Links::new()),
                vtable,
                owner: ManuallyDrop::new(owner),
                nbytes,
                id: BLOCKS.fetch_add(1, Ordering::Relaxed) + 1,
                born: clock::now(),
                kind: resource.kind(),
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

    /// Gives up one count; says whether it was the last.
    ///
    /// # Safety
    ///
    /// The caller holds that count and does not use it again. Unless the
    /// answer is `true`, it touches the block no more.
    pub(super) unsafe fn uncount(block: NonNull<Self>) -> bool {
        // SAFETY: the caller's count keeps the block in existence so far.
        let header = unsafe { block.as_ref() };
        match header
            .count
            .give_up(|| header.owner.as_ref().map(Arc::clone))
        {
            GivenUp::Last => true,
            GivenUp::Others | GivenUp::Watched(None) => false,
            GivenUp::Watched(Some(owner)) => {
                owner.tell_news();
                false
            }
        }
    }
}

#[cfg(all(test, not(loom), target_pointer_width = "64"))]
mod tests {
    /// Stated in the documentation of `share`: not to grow unnoticed.
    #[test]
    fn a_resource_costs_112_bytes_more_when_it_is_shared() {
        assert_eq!(size_of::<super::Header>(), 112);
    }
}
