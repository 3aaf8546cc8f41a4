//! How many shares of a block there are, and whether a thread of the owner
//! waits for one of them.

use crate::primitive::{AtomicUsize, Ordering, fence};
use std::process;

/// Both in one word, so that a drop cannot miss a thread that begins to wait:
///
/// | high bit: watched | other bits: shares | state | next |
/// |---|---|---|---|
/// | 0 | n ≥ 1 | in use | `add` +1, `add_if_any` +1, `give_up` -1, `watch` → watched |
/// | 1 | n ≥ 1 | in use, its owner waits for a change | `add` +1; `add_if_any` +1; `give_up` -1, and not watched any more unless that was the last; `watch` |
/// | 0 | 0 | in the inbox, or about to be | `watch` → watched, until the owner's list lets go of it |
/// | 1 | 0 | the same, and its owner waits for the release | none |
#[derive(Debug)]
pub(crate) struct Count(AtomicUsize);

const WATCHED: usize = 1 << (usize::BITS - 1);
const SHARES: usize = !WATCHED;
/// Far from the watched bit: every thread may be about to find out that there
/// are too many.
const MOST: usize = SHARES / 2;

/// What became of a share that was given up.
#[derive(Debug)]
pub(super) enum GivenUp<N> {
    /// It was the last one: the block is the caller's.
    Last,
    /// There are others, and the block may be gone by now.
    Others,
    /// The same; the owner waits for this and is to be notified.
    Watched(N),
}

impl Count {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(1))
    }

    /// How many there are now. Acquire: what is read afterwards is not older.
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Acquire) & SHARES
    }

    /// One more, made out of one that the caller has.
    pub(super) fn add(&self) {
        // Relaxed, as for std's Arc: handing the share to another thread
        // orders the rest.
        let before = self.0.fetch_add(1, Ordering::Relaxed) & SHARES;
        // Forgotten shares could carry the count into the watched bit;
        // nothing less than an end of the process is safe then.
        if before > MOST {
            process::abort();
        }
    }

    /// One more, unless none is left.
    pub(super) fn add_if_any(&self) -> bool {
        // Relaxed: what the caller reads through it was written in the owner,
        // where it is, or is ordered by what hands the other shares on.
        let mut seen = self.0.load(Ordering::Relaxed);
        while seen & SHARES != 0 {
            match self
                .0
                .compare_exchange_weak(seen, seen + 1, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// One less, which is the caller's. The block may be gone afterwards, so
    /// whoever is to be notified is got hold of before, by `reach`.
    ///
    /// An exchange and not a subtraction, which would tell only afterwards
    /// that the count is watched: either this comes before `watch`, and then
    /// the waiting thread sees that the share has gone, or it sees the bit
    /// while the block is sure to exist.
    pub(super) fn give_up<N>(&self, reach: impl Fn() -> N) -> GivenUp<N> {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let left = (seen & SHARES) - 1;
            let (new, given_up) = if left == 0 {
                (seen - 1, GivenUp::Last)
            } else if seen & WATCHED == 0 {
                (left, GivenUp::Others)
            } else {
                (left, GivenUp::Watched(reach()))
            };
            // Release: what this holder did with the resource happens before
            // the last one hands it on (Acquire below), and before a waiting
            // thread finds the share gone (Acquire in `watch`).
            match self
                .0
                .compare_exchange_weak(seen, new, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => {
                    if left == 0 {
                        // Acquire: pairs with the Release of every other
                        // holder. A fence, so that only the last pays for it.
                        fence(Ordering::Acquire);
                    }
                    return given_up;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Has the next change tell the owner. To be followed by another look.
    pub(crate) fn watch(&self) {
        // AcqRel, with `give_up` and `is_watched` on the other side: all are
        // read-modify-writes of one word, so what comes before this is seen
        // by the look that follows, and what comes after it sees the bit.
        self.0.fetch_or(WATCHED, Ordering::AcqRel);
    }

    /// Whether the owner is to be told of a change that was made elsewhere, in
    /// the holders' counts.
    pub(super) fn is_watched(&self) -> bool {
        // A read-modify-write though nothing changes: see `watch`.
        self.0.fetch_or(0, Ordering::AcqRel) & WATCHED != 0
    }

    /// Whether the owner waits for the release. Under the lock of its list, as
    /// `watch` is called; no share is left.
    pub(super) fn was_watched(&self) -> bool {
        self.0.load(Ordering::Relaxed) & WATCHED != 0
    }
}
