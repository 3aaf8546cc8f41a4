//! What several test files use.
#![allow(dead_code, reason = "each file uses a part of it")]

pub(crate) mod flavour;
pub(crate) mod runtime;

use std::thread;
use std::time::{Duration, Instant};

/// Long enough for anything on a busy machine: a test that waits this long has
/// failed.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LONG, "never happened: {what}");
        thread::sleep(Duration::from_micros(200));
    }
}
