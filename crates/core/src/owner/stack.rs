//! A stack of blocks linked by a word inside each of them (Treiber 1986), so
//! that to push a block takes no memory and cannot fail:
//!
//! ```text
//! head ──► block ──► block ──► null        open
//! head ──► CLOSED                          for good
//! ```
//!
//! A block is linked before it becomes visible, by compare-and-exchange. With
//! one unconditional exchange the chain would have a gap until the pusher had
//! stored its link, and whoever takes the chain would have to wait for a
//! thread that may have been preempted just there. Nobody takes single blocks
//! off, so the stack's ABA problem does not arise.

use crate::primitive::{AtomicPtr, Ordering};
use crate::share::block::Header;
use std::ptr::{self, NonNull};

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Stack {
    head: AtomicPtr<Header>,
}

/// Where a pushed block has ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On a stack that was empty.
    First,
    /// On top of others.
    Behind,
    /// Nowhere: the stack is closed and the block is still the caller's.
    Refused,
}

impl Stack {
    pub(super) fn new() -> Self {
        Self {
            head: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Pushes `block`. Allocates nothing and waits for nobody. Calls
    /// `on_empty` before each try to push it onto an empty stack.
    ///
    /// # Safety
    ///
    /// No count of the block is left, and it is the caller's. Unless the
    /// answer is [`Place::Refused`], the caller touches it no more.
    pub(super) unsafe fn push(&self, block: NonNull<Header>, on_empty: impl Fn()) -> Place {
        // Acquire, here and of a failed exchange, for whoever finds CLOSED:
        // `orphan` of this block happened before the Release with which
        // `close` put it there.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            if head == closed() {
                return Place::Refused;
            }
            if head.is_null() {
                on_empty();
            }
            // SAFETY: the block is the caller's until the exchange succeeds.
            unsafe { block.as_ref() }
                .link
                .with_mut(|link| unsafe { *link = head });
            // Release: the link, and all that the holders did with the
            // share, happen before the release (Acquire in `detach`).
            match self.head.compare_exchange_weak(
                head,
                block.as_ptr(),
                Ordering::Release,
                Ordering::Acquire,
            ) {
                Ok(_) if head.is_null() => return Place::First,
                Ok(_) => return Place::Behind,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all that is there.
    pub(super) fn detach(&self) -> Chain {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head.is_null() || head == closed() {
                return Chain(ptr::null_mut());
            }
            // Acquire: pairs with the Release of each push. A push is a
            // read-modify-write, so one load of the newest covers them all.
            match self.head.compare_exchange_weak(
                head,
                ptr::null_mut(),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Chain(head),
                Err(now) => head = now,
            }
        }
    }

    /// Refuses blocks from now on, and takes all that is there.
    pub(super) fn close(&self) -> Chain {
        // AcqRel: Acquire as in `detach`; Release for those who find CLOSED.
        let head = self.head.swap(closed(), Ordering::AcqRel);
        if head == closed() {
            return Chain(ptr::null_mut());
        }
        Chain(head)
    }

    /// Whether anything is there now. Relaxed: whoever needs to see what was
    /// pushed detaches it.
    pub(super) fn has_any(&self) -> bool {
        let head = self.head.load(Ordering::Relaxed);
        !head.is_null() && head != closed()
    }

    /// Whether `close` was called.
    pub(super) fn is_closed(&self) -> bool {
        self.head.load(Ordering::Acquire) == closed()
    }
}

/// What `head` is when the stack is closed: no block has this address.
fn closed() -> *mut Header {
    ptr::without_provenance_mut(1)
}

/// Blocks that were taken off a stack, the newest first. To drop a chain leaks
/// what is left of it.
#[derive(Debug)]
#[must_use = "what is in a chain is on no stack any more"]
pub(super) struct Chain(*mut Header);

impl Chain {
    /// The same blocks, the oldest first: they are released in the order in
    /// which they were dropped.
    pub(super) fn oldest_first(self) -> Self {
        self.turned(|_| {})
    }

    /// The same blocks in the opposite order, each shown to `look` first.
    pub(super) fn turned(self, mut look: impl FnMut(NonNull<Header>)) -> Self {
        let (mut rest, mut turned) = (self.0, ptr::null_mut());
        while let Some(block) = NonNull::new(rest) {
            look(block);
            // SAFETY: a block in a chain is its holder's alone, and linked to
            // the next one.
            rest = unsafe { block.as_ref() }
                .link
                .with_mut(|link| unsafe { ptr::replace(link, turned) });
            turned = block.as_ptr();
        }
        Self(turned)
    }
}

impl Iterator for Chain {
    type Item = NonNull<Header>;

    fn next(&mut self) -> Option<NonNull<Header>> {
        let block = NonNull::new(self.0)?;
        // SAFETY: as above. The link is read before the caller can free it.
        self.0 = unsafe { block.as_ref() }.link.with(|link| unsafe { *link });
        Some(block)
    }
}
