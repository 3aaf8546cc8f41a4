//! What a last drop touches to have its owner visited.

use crate::owner::Owner;
use crate::primitive::{Arc, AtomicBool, AtomicPtr, Ordering, UnsafeCell};
use crate::sync::futex::Futex;
use std::ptr;
use std::time::{Duration, Instant};

/// How long a busy owner gets to drain itself.
const GRACE: Duration = Duration::from_millis(1);

/// The one bell of the process. Sound as a static: two words, changed
/// atomically, and a list of records that it holds references to.
pub(super) static BELL: Bell = Bell {
    word: Futex::new(SILENT),
    rung: AtomicPtr::new(ptr::null_mut()),
};

/// States of the bell's word.
///
/// | word | state | next |
/// |---|---|---|
/// | `SILENT` | the list is empty, or about to be rung for | `ring` → `RUNG`, `hurry` → `URGENT`; either wakes the listener |
/// | `RUNG` | the listener waits out the grace | `hurry` → `URGENT`, wakes it; after the grace → `SILENT` |
/// | `URGENT` | the listener collects at once | → `SILENT` |
const SILENT: u32 = 0;
const RUNG: u32 = 1;
const URGENT: u32 = 2;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Bell {
    word: Futex,
    /// Owners to visit: a stack linked through their records, of which each
    /// holds one reference. Taken off all at once.
    rung: AtomicPtr<Owner>,
}

/// An owner's place in the list.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Whether the owner is in the list or in the queue behind it.
    rung: AtomicBool,
    /// The next owner in the list. Belongs to whoever set `rung`, then to
    /// whoever collects.
    next: UnsafeCell<*const Owner>,
}

// SAFETY: `next` is touched by one thread at a time, as said there.
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Ring {}

impl Ring {
    pub(crate) fn new() -> Self {
        Self {
            rung: AtomicBool::new(false),
            next: UnsafeCell::new(ptr::null()),
        }
    }

    /// Says that the owner is about to be looked at: what is pushed from now
    /// on rings again.
    pub(super) fn answer(&self) {
        // AcqRel, and an exchange: either the ring that found `true` comes
        // before this, and its push is seen by the look at the inbox that
        // follows, or it comes after and finds `false`.
        self.rung.swap(false, Ordering::AcqRel);
    }

    /// Says that the owner will be looked at; whether that is news.
    pub(super) fn set(&self) -> bool {
        // AcqRel: the other half of `answer`.
        !self.rung.swap(true, Ordering::AcqRel)
    }
}

impl Bell {
    /// Puts `owner` into the list and wakes the listener.
    pub(super) fn ring(&self, owner: Arc<Owner>) {
        if !owner.ring.set() {
            return;
        }
        let owner = Arc::into_raw(owner);
        // Relaxed: the head is only stored into the link.
        let mut head = self.rung.load(Ordering::Relaxed);
        loop {
            // SAFETY: the reference that was turned into the pointer keeps
            // the record, and the link is ours: we have set `rung`.
            unsafe { &*owner }
                .ring
                .next
                .with_mut(|next| unsafe { *next = head });
            // Release: the link happens before `collect` follows it.
            match self.rung.compare_exchange_weak(
                head,
                owner.cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // AcqRel, and an exchange: if the bell was rung already, this comes
        // before the listener's exchange, and it will see the list as it is.
        let before = self.word.word().fetch_max(RUNG, Ordering::AcqRel);
        if before == SILENT {
            self.word.wake_one();
        }
    }

    /// Ends the grace.
    pub(super) fn hurry(&self) {
        // AcqRel as in `ring`.
        if self.word.word().swap(URGENT, Ordering::AcqRel) != URGENT {
            self.word.wake_one();
        }
    }

    /// Sleeps until the bell rings and the grace is over.
    pub(super) fn listen(&self) {
        // Relaxed, all of them: the exchange at the end orders what matters.
        while self.word.word().load(Ordering::Relaxed) == SILENT {
            self.word.wait(SILENT, None);
        }
        let until = Instant::now() + GRACE;
        while self.word.word().load(Ordering::Relaxed) == RUNG && Instant::now() < until {
            self.word.wait(RUNG, Some(until));
        }
        // AcqRel: pairs with the exchanges of `ring` and `hurry`. Silent
        // before the list is taken: what comes later rings again.
        self.word.word().swap(SILENT, Ordering::AcqRel);
    }

    /// Takes the owners in the list.
    pub(super) fn collect(&self) -> Rung {
        // Acquire: pairs with the Release of each push.
        Rung(self.rung.swap(ptr::null_mut(), Ordering::Acquire))
    }
}

/// Owners taken from the list.
pub(super) struct Rung(*const Owner);

impl Iterator for Rung {
    type Item = Arc<Owner>;

    fn next(&mut self) -> Option<Arc<Owner>> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the pointer was made from a reference in `ring`, and leaves
        // the list once.
        let owner = unsafe { Arc::from_raw(self.0) };
        // SAFETY: the link belongs to whoever collects, and nobody rings
        // while `rung` is set.
        self.0 = owner.ring.next.with(|next| unsafe { *next });
        Some(owner)
    }
}
