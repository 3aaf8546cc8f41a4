//! Signals and waits.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Refused, Wait, channel};
use std::os::unix::thread::JoinHandleExt;
use std::thread;
use std::time::{Duration, Instant};

extern "C" fn handler(_: libc::c_int) {}

/// Sends signals to a thread that waits, until the wait ends.
fn wait_under_fire(interruptible: bool, deadline: Duration) -> Refused {
    // SAFETY: a handler that does nothing; the structure is valid when zero.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()),
            0
        );
    }
    let (_sender, receiver) = channel::<()>(None);
    let waiting = thread::spawn(move || {
        let wait = Wait {
            interruptible,
            ..Wait::until(Instant::now() + deadline)
        };
        receiver.recv(&wait).unwrap_err()
    });
    while !waiting.is_finished() {
        // SAFETY: the thread has not been joined.
        unsafe { libc::pthread_kill(waiting.as_pthread_t(), libc::SIGUSR1) };
        thread::sleep(Duration::from_millis(1));
    }
    waiting.join().unwrap()
}

#[test]
fn a_signal_ends_an_interruptible_wait() {
    assert_eq!(wait_under_fire(true, support::LONG), Refused::Interrupted);
}

#[test]
fn a_signal_does_not_end_another_wait() {
    let deadline = Duration::from_millis(50);
    assert_eq!(wait_under_fire(false, deadline), Refused::TimedOut);
}
