//! The word as the kernel knows it: `futex(2)`.

use super::Woke;
use crate::primitive::AtomicU32;
use std::io;
use std::ptr;
use std::time::Instant;

/// A word to sleep on.
#[derive(Debug)]
pub(crate) struct Futex {
    word: AtomicU32,
}

impl Futex {
    pub(crate) const fn new(value: u32) -> Self {
        Self {
            word: AtomicU32::new(value),
        }
    }

    /// The word itself. Who changes it in a way that sleepers wait for calls
    /// `wake_one` or `wake_all` afterwards.
    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.word
    }

    /// Sleeps while the word is `expected`, until woken or until `deadline`.
    pub(crate) fn wait(&self, expected: u32, deadline: Option<Instant>) -> Woke {
        let until = deadline.map(monotonic);
        let until_ptr = until.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the word and the time outlive the call, and with these
        // arguments the kernel only reads them.
        let result = unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.word.as_ptr(),
                // BITSET: the plain wait takes a relative time, which drifts
                // when a wait is resumed.
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                expected,
                until_ptr,
                ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
        if result == 0 {
            return Woke::Called;
        }
        match io::Error::last_os_error().raw_os_error() {
            Some(libc::ETIMEDOUT) => Woke::TimedOut,
            Some(libc::EINTR) => Woke::Interrupted,
            // EAGAIN: the word had already changed.
            _ => Woke::Called,
        }
    }

    /// Wakes one thread that sleeps on the word.
    pub(crate) fn wake_one(&self) {
        self.wake(1);
    }

    /// Wakes every thread that sleeps on the word.
    pub(crate) fn wake_all(&self) {
        self.wake(i32::MAX);
    }

    fn wake(&self, count: i32) {
        // SAFETY: the kernel uses the address as a key and reads nothing.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.word.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                count,
            );
        }
    }
}

/// `deadline` on the clock that the kernel waits by. The standard library
/// reads the same clock but keeps the number to itself, hence the detour by
/// what is left.
fn monotonic(deadline: Instant) -> libc::timespec {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable; this clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX);
    time.tv_sec = time.tv_sec.saturating_add(seconds);
    // Two numbers below 10^9 each: they fit, and carry one at the most.
    time.tv_nsec += left.subsec_nanos() as libc::c_long;
    if time.tv_nsec >= 1_000_000_000 {
        time.tv_nsec -= 1_000_000_000;
        time.tv_sec = time.tv_sec.saturating_add(1);
    }
    time
}
