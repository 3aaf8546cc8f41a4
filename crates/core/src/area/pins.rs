//! How many use something, until it is closed.

use crate::primitive::{AtomicUsize, Ordering};

/// Counts those who use something that may be closed: whoever has a pin may go
/// on, and once it is closed nobody gets one any more.
///
/// Both in one word:
///
/// | high bit: closed | other bits: pins | next |
/// |---|---|---|
/// | 0 | 0 | `pin` +1, `close` and `close_if_idle` → closed |
/// | 0 | n ≥ 1 | `pin` +1, `unpin` -1, `close` → closed; `close_if_idle` refused |
/// | 1 | n ≥ 1 | `unpin` -1, and says so when it was the last |
/// | 1 | 0 | over; `reopen` → open |
///
/// # Examples
///
/// ```
/// use interlane_core::Pins;
///
/// let pins = Pins::new();
/// assert!(pins.pin() && !pins.close_if_idle());
/// assert!(!pins.close(), "one is still there");
/// assert!(!pins.pin(), "closed");
/// assert!(pins.unpin(), "that was the last");
/// ```
#[derive(Debug)]
pub struct Pins(AtomicUsize);

const CLOSED: usize = 1 << (usize::BITS - 1);
/// Far from the closed bit: every thread may be about to find out.
const MOST: usize = CLOSED / 2;

impl Pins {
    /// Open, without pins.
    pub fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// One more pin, unless it is closed.
    ///
    /// # Panics
    ///
    /// When there are more than memory has room for: pins were forgotten.
    pub fn pin(&self) -> bool {
        // Acquire: what was written before `reopen` is seen, and nothing that
        // is done with the pin moves before it.
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return false;
            }
            assert!(word < MOST, "pins were forgotten");
            match self
                .0
                .compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// Gives a pin back. `true`: it is closed and that was the last one.
    pub fn unpin(&self) -> bool {
        // Release: what was done with the pin is before the close that finds
        // none. Acquire: it is before what the last one does.
        self.0.fetch_sub(1, Ordering::AcqRel) == CLOSED + 1
    }

    /// Closes it. `true`: this was the first call, and there are no pins.
    pub fn close(&self) -> bool {
        // Acquire: pairs with the Release in `unpin`.
        self.0.fetch_or(CLOSED, Ordering::AcqRel) == 0
    }

    /// Closes it if there are no pins, and says whether it did.
    pub fn close_if_idle(&self) -> bool {
        let closed = self
            .0
            .compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Relaxed);
        closed.is_ok()
    }

    /// Opens again what was closed and has no pins.
    pub fn reopen(&self) {
        // Release: pairs with the Acquire in `pin`.
        let opened = self
            .0
            .compare_exchange(CLOSED, 0, Ordering::Release, Ordering::Relaxed);
        debug_assert!(opened.is_ok(), "open, or with pins");
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        // Acquire: what was written before the close is seen.
        self.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many pins there are.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed) & !CLOSED
    }
}

impl Default for Pins {
    fn default() -> Self {
        Self::new()
    }
}
