//! Where the last drop of a share leaves the block for its owner: a stack, and
//! what is told about it.

use super::stack::{Chain, Place, Stack};
use crate::primitive::Ordering;
use crate::primitive::process::{AtomicU64, AtomicUsize};
use crate::share::block::Header;
use crate::sync::clock;
use std::ptr::NonNull;
use std::time::Duration;

/// Bytes that may wait for their release before the owner is entered without
/// the usual grace. That is for what piles up: a single block waits, whatever
/// its size, since an owner that works with it is about to look by itself.
const URGENT: usize = 64 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Inbox {
    blocks: Stack,
    /// Blocks and bytes on their way to be released. Statistics: each is
    /// counted before it is pushed and until it has been released.
    pending: AtomicUsize,
    pending_bytes: AtomicUsize,
    /// When the inbox last stopped being empty.
    since: AtomicU64,
}

/// What became of a block that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    /// When first, somebody has to tell the owner; whoever pushed the first
    /// of them has told it. Refused when the inbox is closed.
    pub(super) place: Place,
    /// With this block, a limit was passed: no grace.
    pub(super) urgent: bool,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            blocks: Stack::new(),
            pending: AtomicUsize::new(0),
            pending_bytes: AtomicUsize::new(0),
            since: AtomicU64::new(0),
        }
    }

    /// Leaves `block`, of `nbytes`. Allocates nothing and waits for nobody.
    ///
    /// # Safety
    ///
    /// The caller has made the last drop of the block. Unless the answer is
    /// [`Place::Refused`], it touches the block no more.
    pub(super) unsafe fn push(&self, block: NonNull<Header>, nbytes: usize) -> Pushed {
        let others = self.pending.fetch_add(1, Ordering::Relaxed);
        let before = self.pending_bytes.fetch_add(nbytes, Ordering::Relaxed);
        let passed = before.saturating_add(nbytes) >= URGENT;
        // Once: with the second block, or the one that passes the limit.
        let urgent = passed && others > 0 && (others == 1 || before < URGENT);
        let on_empty = || self.since.store(clock::now(), Ordering::Relaxed);
        // SAFETY: forwarded to the caller.
        let place = unsafe { self.blocks.push(block, on_empty) };
        if place == Place::Refused {
            self.settled(nbytes);
        }
        Pushed { place, urgent }
    }

    /// Takes all that is there.
    pub(super) fn detach(&self) -> Chain {
        self.blocks.detach()
    }

    /// Refuses blocks from now on, and takes all that is there.
    pub(super) fn close(&self) -> Chain {
        self.blocks.close()
    }

    /// Whether anything is there now, in one relaxed load.
    pub(super) fn has_any(&self) -> bool {
        self.blocks.has_any()
    }

    /// Whether `close` was called.
    pub(super) fn is_closed(&self) -> bool {
        self.blocks.is_closed()
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
        (self.pending() > 0).then(|| Duration::from_nanos(clock::now().saturating_sub(since)))
    }
}
