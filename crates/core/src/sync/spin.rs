//! How long to spin before sleeping, learned from the waits before.
//!
//! To park a thread and wake it on another core costs about fifty
//! microseconds, an answer that comes while the thread spins costs half of
//! one. So a wait spins for about as long as a wake-up would cost, but only
//! while waits are short: after a wait that took longer than that anyway, the
//! budget is halved, and after six of them in a row nothing is spent at all.
//! A thread that waits for seconds burns no processor time. A deadline may be
//! missed by the budget, a twentieth of the millisecond to which it counts.

use crate::primitive::Ordering;
use crate::primitive::process::AtomicU64;
#[cfg(not(loom))]
use crate::sync::cpus::several as several_cpus;
use std::hint;
use std::time::{Duration, Instant};

/// The largest budget: what parking and waking costs.
const MAX: Duration = Duration::from_micros(50);
/// A budget below this is none.
const FLOOR: Duration = Duration::from_micros(1);
/// Looks at the condition between two looks at the clock, a microsecond or
/// two altogether.
const LOOKS: u32 = 64;

/// The budget of one side of a channel.
#[derive(Debug)]
pub(crate) struct Spin {
    /// Nanoseconds. A guess that several threads may improve at once: a lost
    /// update does no harm.
    budget: AtomicU64,
}

impl Spin {
    pub(crate) fn new() -> Self {
        let budget = if several_cpus() { MAX } else { Duration::ZERO };
        Self {
            budget: AtomicU64::new(nanos(budget)),
        }
    }

    /// Spins until `over` says true or the budget is spent; says which.
    pub(crate) fn until(&self, over: impl Fn() -> bool) -> bool {
        let budget = Duration::from_nanos(self.budget.load(Ordering::Relaxed));
        if budget.is_zero() {
            return over();
        }
        // The clock is not read before the first looks have been in vain:
        // reading it costs as much as a short wait.
        let mut began = None;
        loop {
            for _ in 0..LOOKS {
                if over() {
                    return true;
                }
                hint::spin_loop();
            }
            let began = *began.get_or_insert_with(Instant::now);
            if began.elapsed() >= budget {
                return over();
            }
        }
    }

    /// Learns from a wait in which the thread slept for `slept`.
    pub(crate) fn learn(&self, slept: Duration) {
        if !several_cpus() {
            return;
        }
        let budget = if slept < 2 * MAX {
            MAX
        } else {
            let halved = Duration::from_nanos(self.budget.load(Ordering::Relaxed)) / 2;
            if halved < FLOOR {
                Duration::ZERO
            } else {
                halved
            }
        };
        // Written only when it changes: the line is read by both sides.
        if self.budget.load(Ordering::Relaxed) != nanos(budget) {
            self.budget.store(nanos(budget), Ordering::Relaxed);
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Spinning shows a model nothing but the same state again.
#[cfg(loom)]
fn several_cpus() -> bool {
    false
}
