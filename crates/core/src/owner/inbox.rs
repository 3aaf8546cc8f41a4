//! Where the last drop of a share leaves the block for its owner.
//!
//! A stack of blocks linked by a word inside each of them (Treiber 1986), so
//! that to leave a block takes no memory and cannot fail:
//!
//! ```text
//! head ──► block ──► block ──► null        open
//! head ──► CLOSED                          for good
//! ```
//!
//! A block is linked before it becomes visible, by compare-and-exchange. With
//! one unconditional exchange the chain would have a gap until the pusher had
//! stored its link, and whoever drains, holding its owner's lock, would have
//! to wait for a thread that may have been preempted just there. Nobody takes
//! single blocks off, so the stack's ABA problem does not arise.

use crate::primitive::process::{AtomicU64, AtomicUsize};
use crate::primitive::{AtomicPtr, Ordering};
use crate::share::block::Header;
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

/// Bytes that may wait for their release before the owner is entered without
/// the usual grace.
const URGENT: usize = 64 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Inbox {
    head: AtomicPtr<Header>,
    /// Blocks and bytes on their way to be released. Statistics: each is
    /// counted before it is pushed and until it has been released.
    pending: AtomicUsize,
    pending_bytes: AtomicUsize,
    /// When the inbox last stopped being empty, in nanoseconds since `born`.
    since: AtomicU64,
    born: Instant,
}

/// What became of a block that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) place: Place,
    /// With this block, a limit was passed: no grace.
    pub(super) urgent: bool,
}

/// Where a pushed block has ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In an inbox that was empty: somebody has to tell the owner.
    First,
    /// Behind others: whoever pushed the first of them has told it.
    Behind,
    /// Nowhere: the inbox is closed and the block is still the caller's.
    Refused,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            head: AtomicPtr::new(ptr::null_mut()),
            pending: AtomicUsize::new(0),
            pending_bytes: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            born: Instant::now(),
        }
    }

    /// Leaves `block`, of `nbytes`. Allocates nothing and waits for nobody.
    ///
    /// # Safety
    ///
    /// The caller has made the last drop of the block. Unless the answer is
    /// [`Place::Refused`], it touches the block no more.
    pub(super) unsafe fn push(&self, block: NonNull<Header>, nbytes: usize) -> Pushed {
        self.pending.fetch_add(1, Ordering::Relaxed);
        let before = self.pending_bytes.fetch_add(nbytes, Ordering::Relaxed);
        let urgent = before < URGENT && before.saturating_add(nbytes) >= URGENT;

        // Acquire, here and of a failed exchange, for whoever finds CLOSED:
        // `orphan` of this block happened before the Release with which
        // `close` put it there.
        let mut head = self.head.load(Ordering::Acquire);
        let place = loop {
            if head == closed() {
                self.settled(nbytes);
                break Place::Refused;
            }
            if head.is_null() {
                self.since.store(self.now(), Ordering::Relaxed);
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
                Ok(_) if head.is_null() => break Place::First,
                Ok(_) => break Place::Behind,
                Err(now) => head = now,
            }
        };
        Pushed { place, urgent }
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

    /// Counts a block that was pushed as dealt with.
    pub(super) fn settled(&self, nbytes: usize) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
        self.pending_bytes.fetch_sub(nbytes, Ordering::Relaxed);
    }

    /// How many blocks are on their way to be released.
    pub(super) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// For how long the oldest of them has waited.
    pub(super) fn oldest(&self) -> Option<Duration> {
        let since = self.since.load(Ordering::Relaxed);
        (self.pending() > 0).then(|| Duration::from_nanos(self.now().saturating_sub(since)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What `head` is when the inbox is closed: no block has this address.
fn closed() -> *mut Header {
    ptr::without_provenance_mut(1)
}

/// Blocks that were taken out of an inbox, the newest first. To drop a chain
/// leaks what is left of it.
#[derive(Debug)]
#[must_use = "what is in a chain is in no inbox any more"]
pub(super) struct Chain(*mut Header);

impl Chain {
    /// The same blocks, the oldest first: they are released in the order in
    /// which they were dropped.
    pub(super) fn oldest_first(self) -> Self {
        let (mut rest, mut turned) = (self.0, ptr::null_mut());
        while let Some(block) = NonNull::new(rest) {
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
