//! Who holds the shares of a block: a count for each borrower.
//!
//! ```text
//!  header ─ first: │ holder 1, 3 │ ──► │ holder 7, 1 │ ──► │ free │ ──► null
//! ```
//!
//! One slot is in the block, enough for the usual single borrower. Others are
//! appended when several borrowers hold shares at once; they are used again,
//! and freed with the block. So only to hold may take memory; to let go
//! changes one word.
//!
//! # Why letting go always finds its count
//!
//! A holder may have counts in two slots: two of its threads may take one
//! each at the same time. Nobody knows afterwards which count is whose, and
//! need not: whoever lets go takes the first count of its holder that it
//! finds, walking from the front. All operations on words are `SeqCst`, so
//! they have one order, and in this order it holds for each slot that *the
//! threads of a holder that let go and have walked past the slot are no more
//! than its counts behind it*:
//!
//! * Counts are never fewer than the threads that are letting go, each of
//!   which owns one. (Past no slot, behind which all of them are.)
//! * A thread walks past a slot that has no count of its holder. So all counts
//!   behind the slot before are behind this one too, and they were enough for
//!   everybody who has come this far.
//! * Counts behind a slot are taken by threads that have walked past it. Each
//!   has arrived then, and needs no other.
//! * New counts, in free slots or in appended ones, only add to it.

use crate::primitive::{AtomicPtr, AtomicU64, Ordering};
use std::process;
use std::ptr;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Holders {
    first: Slot,
}

/// One holder's count, in one word so that both change at once:
///
/// | upper half: holder | lower half: count | state | next |
/// |---|---|---|---|
/// | any | 0 | free | `claim` → any holder, 1 |
/// | h | n | h holds n shares | `add` +1 by h, `take` -1 by h |
#[derive(Debug)]
struct Slot {
    word: AtomicU64,
    /// The slot behind this one: null, then another for good.
    next: AtomicPtr<Slot>,
}

impl Holders {
    pub(crate) fn new() -> Self {
        Self {
            first: Slot::new(0),
        }
    }

    /// Counts one share for `holder`. May allocate.
    pub(crate) fn hold(&self, holder: u32) {
        if !self.slots().any(|slot| slot.add(holder))
            && !self.slots().any(|slot| slot.claim(holder))
        {
            self.append(holder);
        }
    }

    /// Takes one share of `holder` off, which was counted before. Allocates
    /// nothing and waits for nobody.
    pub(crate) fn let_go(&self, holder: u32) {
        let found = self.slots().any(|slot| slot.take(holder));
        debug_assert!(found, "holder {holder} has let go of what it did not hold");
    }

    /// The holders and how many shares each has, in no order. What changes
    /// meanwhile may or may not be counted.
    pub(crate) fn snapshot(&self) -> Vec<(u32, u32)> {
        let mut holders: Vec<(u32, u32)> = Vec::new();
        for (holder, count) in self.slots().map(Slot::read) {
            if count == 0 {
                continue;
            }
            match holders.iter_mut().find(|(other, _)| *other == holder) {
                Some((_, sum)) => *sum = sum.saturating_add(count),
                None => holders.push((holder, count)),
            }
        }
        holders
    }

    /// How many shares `holder` has; `None` if any other holder has some.
    pub(crate) fn only(&self, holder: u32) -> Option<usize> {
        let mut sum = 0;
        for (other, count) in self.slots().map(Slot::read) {
            if count > 0 {
                if other != holder {
                    return None;
                }
                sum += count as usize;
            }
        }
        Some(sum)
    }

    /// Puts a slot behind all others.
    fn append(&self, holder: u32) {
        let slot = Box::into_raw(Box::new(Slot::new(join(holder, 1))));
        let mut last = &self.first;
        // Release: the slot before the pointer to it; Acquire: the slots of
        // others, likewise (both pair with each other and with `slots`).
        while let Err(next) =
            last.next
                .compare_exchange(ptr::null_mut(), slot, Ordering::Release, Ordering::Acquire)
        {
            // SAFETY: not null, so a slot, which is freed with `self`.
            last = unsafe { &*next };
        }
    }

    /// From the first to the last. Goes on to the next slot when it is asked
    /// for, not earlier: who walks past a slot may have been beaten to a count
    /// in it by one whose own is in a slot that was appended just before.
    fn slots(&self) -> impl Iterator<Item = &Slot> {
        let mut before: Option<&Slot> = None;
        std::iter::from_fn(move || {
            let slot = match before {
                None => &self.first,
                // SAFETY: null or a slot, which is freed with `self`. Acquire:
                // pairs with the Release in `append`.
                Some(slot) => unsafe { slot.next.load(Ordering::Acquire).as_ref() }?,
            };
            before = Some(slot);
            before
        })
    }
}

impl Drop for Holders {
    fn drop(&mut self) {
        // Relaxed: nobody else has the block any more.
        let mut next = self.first.next.load(Ordering::Relaxed);
        while !next.is_null() {
            // SAFETY: from a box in `append`, and in the list once.
            let slot = unsafe { Box::from_raw(next) };
            next = slot.next.load(Ordering::Relaxed);
        }
    }
}

impl Slot {
    fn new(word: u64) -> Self {
        Self {
            word: AtomicU64::new(word),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn read(&self) -> (u32, u32) {
        split(self.word.load(Ordering::SeqCst))
    }

    /// One more for a holder that has some here; whether it has.
    fn add(&self, holder: u32) -> bool {
        self.change(|(whose, count)| {
            (whose == holder && count > 0).then(|| match count.checked_add(1) {
                Some(more) => (holder, more),
                // Held by forgetting to let go, four thousand million times.
                None => process::abort(),
            })
        })
    }

    /// One less for a holder that has some here; whether it had.
    fn take(&self, holder: u32) -> bool {
        self.change(|(whose, count)| (whose == holder && count > 0).then(|| (holder, count - 1)))
    }

    /// The first one for a holder, if the slot is free; whether it was.
    fn claim(&self, holder: u32) -> bool {
        self.change(|(_, count)| (count == 0).then_some((holder, 1)))
    }

    fn change(&self, change: impl Fn((u32, u32)) -> Option<(u32, u32)>) -> bool {
        let new = |word| change(split(word)).map(|(holder, count)| join(holder, count));
        // SeqCst: see the module's documentation.
        let changed = self
            .word
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, new);
        changed.is_ok()
    }
}

fn join(holder: u32, count: u32) -> u64 {
    u64::from(holder) << 32 | u64::from(count)
}

fn split(word: u64) -> (u32, u32) {
    // The two halves, each of which fits.
    ((word >> 32) as u32, word as u32)
}
