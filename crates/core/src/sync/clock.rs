//! The time, in a number that fits an atomic.

/// Nanoseconds since some moment in the past, to a few milliseconds: what the
/// kernel wrote down last, which takes a fifth of the time of asking it.
#[cfg(target_os = "linux")]
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes to `time`; every Linux has this clock, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds since the process first asked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn now() -> u64 {
    use crate::primitive::process::OnceLock;
    use std::time::Instant;

    /// When the clock was first asked. Sound as a static: written once.
    static START: OnceLock<Instant> = OnceLock::new();

    let passed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}
