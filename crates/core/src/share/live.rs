//! The list of an owner's blocks: shares that have not been released yet, and
//! after the owner's end the orphans that have not been discarded yet.
//!
//! Doubly linked through the blocks themselves, under one lock: it is changed
//! when a resource is shared and when it is released, both times in the
//! owner. Borrowers do not come here, but for orphans, and then they do not
//! wait.

use super::block::Header;
use std::ptr::{self, NonNull};

/// The links of one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    prev: *mut Header,
    next: *mut Header,
}

impl Links {
    pub(crate) const fn new() -> Self {
        Self {
            prev: ptr::null_mut(),
            next: ptr::null_mut(),
        }
    }
}

/// The list, with what is counted along with it.
///
/// Every block in it exists, and its links are touched only through the one
/// `Live` that holds it, which stands behind a lock.
#[derive(Debug)]
pub(crate) struct Live {
    head: *mut Header,
    /// Nothing is added any more.
    pub(crate) closed: bool,
    /// What is in it are orphans, and not counted below any more.
    pub(crate) abandoned: bool,
    /// Blocks in the list that are no orphans, and their bytes.
    pub(crate) len: u64,
    pub(crate) nbytes: u64,
    /// How many were ever added, and how many of them have been released or
    /// left behind by the owner: `created == len + released + orphaned`.
    pub(crate) created: u64,
    pub(crate) released: u64,
    pub(crate) orphaned: u64,
}

// SAFETY: the blocks in the list may be linked and unlinked by any thread that
// has the list to itself.
unsafe impl Send for Live {}

impl Live {
    pub(crate) const fn new() -> Self {
        Self {
            head: ptr::null_mut(),
            closed: false,
            abandoned: false,
            len: 0,
            nbytes: 0,
            created: 0,
            released: 0,
            orphaned: 0,
        }
    }

    /// Adds a block; `false` once the list is closed.
    ///
    /// # Safety
    ///
    /// The block is in no list. It exists until it is unlinked.
    pub(crate) unsafe fn add(&mut self, block: NonNull<Header>) -> bool {
        if self.closed {
            return false;
        }
        let links = Links {
            prev: ptr::null_mut(),
            next: self.head,
        };
        // SAFETY: the block exists, and so does the head, which is in the
        // list; nobody else touches their links.
        unsafe {
            set(block, links);
            if let Some(head) = NonNull::new(self.head) {
                let next = get(head).next;
                set(
                    head,
                    Links {
                        prev: block.as_ptr(),
                        next,
                    },
                );
            }
            self.nbytes += block.as_ref().nbytes as u64;
        }
        self.head = block.as_ptr();
        self.len += 1;
        self.created += 1;
        true
    }

    /// Takes a block out, because it is released; says whether somebody waits
    /// for that.
    ///
    /// # Safety
    ///
    /// The block is in this list, which was not abandoned.
    pub(crate) unsafe fn release(&mut self, block: NonNull<Header>) -> bool {
        // SAFETY: forwarded to the caller.
        unsafe { self.unlink(block) };
        // SAFETY: it was in the list, so it exists.
        let header = unsafe { block.as_ref() };
        self.nbytes -= header.nbytes as u64;
        self.len -= 1;
        self.released += 1;
        header.count.was_watched()
    }

    /// Takes a block out. Orphans leave the list so, without being counted
    /// once more.
    ///
    /// # Safety
    ///
    /// The block is in this list.
    pub(crate) unsafe fn unlink(&mut self, block: NonNull<Header>) {
        // SAFETY: the block and its neighbours are in the list, so they
        // exist, and nobody else touches their links.
        unsafe {
            let Links { prev, next } = get(block);
            match NonNull::new(prev) {
                None => self.head = next,
                Some(before) => {
                    let prev = get(before).prev;
                    set(before, Links { prev, next });
                }
            }
            if let Some(after) = NonNull::new(next) {
                let next = get(after).next;
                set(after, Links { prev, next });
            }
        }
    }

    /// Counts all blocks as orphans, because the owner leaves them behind.
    /// They stay in the list, and are returned.
    pub(crate) fn abandon(&mut self) -> Blocks {
        self.abandoned = true;
        self.orphaned += self.len;
        self.len = 0;
        self.nbytes = 0;
        self.blocks()
    }

    /// The blocks, the newest first.
    pub(crate) fn blocks(&self) -> Blocks {
        Blocks(self.head)
    }
}

/// A walk through the list.
#[derive(Debug)]
pub(crate) struct Blocks(*mut Header);

impl Blocks {
    /// The next block.
    ///
    /// # Safety
    ///
    /// The blocks that have not been asked for yet exist, and nobody changes
    /// their links.
    pub(crate) unsafe fn next(&mut self) -> Option<NonNull<Header>> {
        let block = NonNull::new(self.0)?;
        // SAFETY: forwarded to the caller.
        self.0 = unsafe { get(block) }.next;
        Some(block)
    }
}

/// # Safety
///
/// The block exists and nobody is writing to its links.
unsafe fn get(block: NonNull<Header>) -> Links {
    // SAFETY: forwarded to the caller.
    unsafe { block.as_ref() }
        .links
        .with(|links| unsafe { *links })
}

/// # Safety
///
/// The block exists and nobody else is using its links.
unsafe fn set(block: NonNull<Header>, new: Links) {
    // SAFETY: forwarded to the caller.
    unsafe { block.as_ref() }
        .links
        .with_mut(|links| unsafe { *links = new });
}
