//! How long to spin before sleeping, learned from the waits before.
//!
//! To park a thread and wake it on another core costs about fifty
//! microseconds, an answer that comes while the thread spins costs half of
//! one. So a wait spins for about as long as a wake-up would cost, but only
//! while waits are short: after a wait that took longer than that anyway, the
//! budget is halved, and after six of them in a row nothing is spent at all.
//! A thread that waits for seconds burns no processor time. A deadline may be
//! missed by the budget, a twentieth of the millisecond to which it counts.
//!
//! Where all processors have something to do, whoever would answer may wait
//! for the very one that the thread spins on. Then no spin ever succeeds, and
//! once the thread sleeps the answer is there at once, which looks as if a
//! little more spinning would do. So after a row of spins in vain there is
//! none for a while.

use crate::primitive::process::{AtomicBool, AtomicU8, AtomicU16};
#[cfg(not(loom))]
use crate::primitive::try_lock;
use crate::primitive::{Mutex, MutexGuard, Ordering, lock};
#[cfg(not(loom))]
use crate::sync::cpus::several as several_cpus;
use std::hint;
use std::time::{Duration, Instant};

/// The largest budget: what parking and waking costs.
const MAX: Duration = Duration::from_micros(50);
/// A budget below this is none.
const FLOOR: Duration = Duration::from_micros(1);
/// Looks at the condition between two looks at the clock, one to three
/// microseconds altogether.
const LOOKS: u32 = 64;

/// After fewer looks than this, something was on its way before the thread
/// looked for it. No answer to what the thread has just sent can be.
const AT_ONCE: u32 = 3;
/// Less than this is little, see [`Spin::meet`].
const MUCH: usize = 8;
/// So often in a row there is little before the thread falls behind.
const PATIENCE: u16 = 16;
/// Instead of how often there was little: it is to fall behind.
const BEHIND: u16 = u16::MAX;

/// So many spins in a row are in vain before there are none for a while...
const VAIN: u8 = 8;
/// ... which ends after so many short waits altogether.
const ROUND: u8 = 255;

/// The budget of one side of a channel, in eight bytes.
#[derive(Debug)]
pub(crate) struct Spin {
    /// Nanoseconds. A guess that several threads may improve at once: a lost
    /// update does no harm.
    budget: AtomicU16,
    /// Short waits since a spin succeeded, up to `ROUND`. A guess, too.
    vain: AtomicU8,
    /// Whether the first looks were enough the last time. A guess.
    quick: AtomicBool,
    /// How often in a row there was little, or `BEHIND`, and how often is too
    /// often: see `meet`. Guesses.
    met: AtomicU16,
    patience: AtomicU16,
}

impl Spin {
    pub(crate) fn new() -> Self {
        let budget = if several_cpus() { MAX } else { Duration::ZERO };
        Self {
            budget: AtomicU16::new(nanos(budget)),
            vain: AtomicU8::new(0),
            quick: AtomicBool::new(true),
            met: AtomicU16::new(0),
            patience: AtomicU16::new(PATIENCE),
        }
    }

    fn budget(&self) -> Duration {
        Duration::from_nanos(self.budget.load(Ordering::Relaxed).into())
    }

    /// Whether spinning may be worth it.
    pub(crate) fn hopes(&self) -> bool {
        // A model is to see both ways to wait, which spinning there is not.
        cfg!(loom) || self.budget.load(Ordering::Relaxed) > 0
    }

    /// Whether nothing is spent on spinning, and another long wait changes nothing.
    pub(crate) fn idles(&self) -> bool {
        !self.hopes() && self.vain.load(Ordering::Relaxed) == 0
    }

    /// Whether a sleep was so short that spinning might have been better.
    pub(crate) fn is_short(slept: Duration) -> bool {
        slept < 2 * MAX
    }

    /// Whether the first looks may be enough.
    pub(crate) fn is_quick(&self) -> bool {
        self.hopes() && self.quick.load(Ordering::Relaxed)
    }

    /// Looks whether `over` says true, for a microsecond or two.
    pub(crate) fn glance(&self, over: impl Fn() -> bool) -> bool {
        let most = if cfg!(loom) { 1 } else { LOOKS };
        let mut looks = 0;
        while !over() {
            looks += 1;
            if looks == most {
                self.quick.store(false, Ordering::Relaxed);
                return false;
            }
            hint::spin_loop();
        }
        if !self.quick.load(Ordering::Relaxed) {
            self.quick.store(true, Ordering::Relaxed);
        }
        self.meet(usize::from(looks < AT_ONCE));
        true
    }

    /// The thread looked and got `count` things that were there already; 0, if
    /// it had to wait.
    ///
    /// Where that is little time and again, both sides fight for the same few
    /// words each time, and each waits for the other. Then this one is to
    /// [fall behind](Self::fall_behind) before it looks, for as long as there
    /// is much when it does.
    pub(crate) fn meet(&self, count: usize) {
        let patience = self.patience.load(Ordering::Relaxed);
        if self.falls_behind() {
            if count >= MUCH {
                set(&self.patience, PATIENCE);
            } else {
                // It is no use, or no longer.
                set(&self.patience, (2 * patience).min(PATIENCE << 8));
                self.met.store(0, Ordering::Relaxed);
            }
        } else if count == 0 || count >= MUCH {
            set(&self.met, 0);
        } else {
            let met = self.met.load(Ordering::Relaxed).saturating_add(1);
            let met = if met < patience { met } else { BEHIND };
            self.met.store(met, Ordering::Relaxed);
        }
    }

    /// Whether the thread is to fall behind before it looks.
    pub(crate) fn falls_behind(&self) -> bool {
        self.met.load(Ordering::Relaxed) == BEHIND
    }

    /// Lets the other side get ahead, for two to six microseconds.
    pub(crate) fn fall_behind(&self) {
        if self.hopes() && !cfg!(loom) {
            (0..2 * LOOKS).for_each(|_| hint::spin_loop());
        }
    }

    /// Spins until `over` says true or the budget is spent; says which.
    pub(crate) fn until(&self, over: impl Fn() -> bool) -> bool {
        let budget = self.budget();
        if budget.is_zero() {
            return over();
        }
        // The clock is not read before the first looks have been in vain:
        // reading it costs as much as a short wait.
        if self.glance(&over) {
            return true;
        }
        let began = Instant::now();
        while began.elapsed() < budget {
            for _ in 0..LOOKS {
                if over() {
                    return true;
                }
                hint::spin_loop();
            }
        }
        over()
    }

    /// Learns from a wait in which the thread slept for `slept`: zero, where
    /// spinning was enough.
    pub(crate) fn learn(&self, slept: Duration) {
        if !several_cpus() {
            return;
        }
        let short = Self::is_short(slept);
        let known = self.vain.load(Ordering::Relaxed);
        let vain = if slept.is_zero() || !short {
            0
        } else {
            (known + 1) % ROUND
        };
        let budget = if short && vain < VAIN {
            MAX
        } else if short {
            Duration::ZERO
        } else {
            let halved = self.budget() / 2;
            if halved < FLOOR {
                Duration::ZERO
            } else {
                halved
            }
        };
        // Only values that are new: both sides read the line.
        if vain != known {
            self.vain.store(vain, Ordering::Relaxed);
        }
        set(&self.budget, nanos(budget));
    }
}

/// Takes a lock that is only ever held for a few instructions: whoever sleeps
/// for it, and has to be woken, loses more time than anybody holds it.
#[inline]
pub(crate) fn lock_soon<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    #[cfg(not(loom))]
    if let Some(guard) = try_lock(mutex) {
        return guard;
    }
    lock_contended(mutex)
}

#[cold]
fn lock_contended<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    /// Looks before the sleep, at ever longer intervals: some microseconds.
    #[cfg(not(loom))]
    const TRIES: u32 = 10;
    #[cfg(not(loom))]
    for tries in 0..TRIES {
        if !several_cpus() {
            break;
        }
        for _ in 0..1 << tries.min(6) {
            hint::spin_loop();
        }
        if let Some(guard) = try_lock(mutex) {
            return guard;
        }
    }
    lock(mutex)
}

/// Lets others run, before the thread waits behind those who wait already.
///
/// Where more threads are in a hurry than there are processors, each would
/// otherwise sleep as soon as there is nothing, and be woken for every single
/// item, at twenty microseconds a time. So whoever has processor time next
/// finds many. With processors to spare, this returns at once.
pub(crate) fn make_way() {
    #[cfg(not(loom))]
    std::thread::yield_now();
}

/// Writes only a value that is new: both sides read the line.
fn set(word: &AtomicU16, value: u16) {
    if word.load(Ordering::Relaxed) != value {
        word.store(value, Ordering::Relaxed);
    }
}

fn nanos(time: Duration) -> u16 {
    u16::try_from(time.as_nanos()).unwrap_or(u16::MAX)
}

/// Spinning shows a model nothing but the same state again.
#[cfg(loom)]
fn several_cpus() -> bool {
    false
}
