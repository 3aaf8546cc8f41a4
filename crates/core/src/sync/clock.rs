//! The time, in a number that fits an atomic.

use crate::primitive::process::OnceLock;
use std::time::Instant;

/// When the clock was first asked. Sound as a static: written once.
static START: OnceLock<Instant> = OnceLock::new();

/// Nanoseconds since the process first asked: enough for 584 years.
pub(crate) fn now() -> u64 {
    let passed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}
