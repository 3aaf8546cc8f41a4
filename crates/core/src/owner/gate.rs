//! The way into an owner for threads that do not belong to it.

use crate::primitive::Ordering;
use crate::sync::futex::Futex;

/// A count of the threads inside, and whether anybody else may come.
///
/// One word, so that entering and closing cannot miss each other:
///
/// | bit 0: closing | bits 1 to 31: passes | state | next |
/// |---|---|---|---|
/// | 0 | 0 | open, nobody inside | `enter` +2, `close` +1 |
/// | 0 | n | open, n inside | `enter` +2, `leave` -2, `close` +1 |
/// | 1 | n | closing, n still inside | `leave` -2; the one that gets to 0 wakes the closer |
/// | 1 | 0 | closed and empty, for good | none |
#[derive(Debug)]
pub(super) struct Gate {
    state: Futex,
}

const CLOSING: u32 = 1;
const PASS: u32 = 2;

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            state: Futex::new(0),
        }
    }

    /// Takes a pass; `false` once the gate is closing. Each pass taken is
    /// given back with [`leave`](Self::leave).
    pub(super) fn enter(&self) -> bool {
        let word = self.state.word();
        let mut seen = word.load(Ordering::Relaxed);
        loop {
            if seen & CLOSING != 0 {
                return false;
            }
            // Acquire is for the reader's peace: what an entrant may rely on
            // it gets from the owner's own lock, later.
            match word.compare_exchange_weak(
                seen,
                seen + PASS,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// Gives a pass back.
    pub(super) fn leave(&self) {
        // Release: what was done inside happens before the closer goes on
        // (Acquire in `wait_until_empty`).
        let before = self.state.word().fetch_sub(PASS, Ordering::Release);
        debug_assert!(before >= PASS, "a pass was given back twice");
        if before == CLOSING + PASS {
            self.state.wake_all();
        }
    }

    /// Lets nobody in from now on.
    pub(super) fn close(&self) {
        // AcqRel: one place in the order of all entries, before it or after.
        self.state.word().fetch_or(CLOSING, Ordering::AcqRel);
    }

    /// Whether `close` was called.
    pub(super) fn is_closing(&self) -> bool {
        self.state.word().load(Ordering::Acquire) & CLOSING != 0
    }

    /// Whether the gate is closed and everybody has left.
    pub(super) fn is_shut(&self) -> bool {
        self.state.word().load(Ordering::Acquire) == CLOSING
    }

    /// Blocks until every pass is back.
    pub(super) fn wait_until_empty(&self) {
        loop {
            // Acquire: pairs with the Release of the last `leave`.
            let seen = self.state.word().load(Ordering::Acquire);
            if seen & !CLOSING == 0 {
                return;
            }
            // An open gate has nobody who would wake us at zero.
            debug_assert!(seen & CLOSING != 0, "waiting at an open gate");
            self.state.wait(seen, None);
        }
    }
}
