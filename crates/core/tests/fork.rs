//! A child process has the records, but none of the reaper's threads.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Wait, channel};
use std::time::{Duration, Instant};
use support::eventually;
use support::runtime::Runtime;

#[test]
fn a_child_is_served_even_if_the_reaper_was_busy_at_the_fork() {
    let (idle, stuck) = (Runtime::new(), Runtime::new());
    drop(idle.share(1));
    eventually("the reaper is there", || idle.log.released() == 1);
    // The reaper waits for this lock, inside the gate.
    let held = stuck.hold_and_drop_a_share();
    eventually("the reaper waits", || stuck.owner.counters().entries == 1);

    // SAFETY: the child allocates and starts threads, which glibc and musl
    // allow, and leaves with `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(held);
            drop(idle.share(1));
            eventually("served in the child", || idle.log.released() == 2);
            eventually("the old one too", || stuck.log.released() == 1);
            stuck.end();
            let (sender, receiver) = channel(None);
            sender.try_send(1).unwrap();
            assert_eq!(receiver.recv(&Wait::forever()), Ok(1));
        }));
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(i32::from(code.is_err())) };
    }
    assert!(child > 0, "no child");
    assert_eq!(exit_code(child), Some(0));

    drop(held);
    eventually("served in the parent", || stuck.log.released() == 1);
    stuck.end();
}

impl Runtime {
    /// Has the owner's lock held while something waits in its inbox.
    fn hold_and_drop_a_share(&self) -> std::sync::MutexGuard<'_, ()> {
        let share = self.share(1);
        let held = self.hold();
        drop(share);
        held
    }
}

/// Waits for a child; `None` if it does not end by itself in time.
fn exit_code(child: libc::pid_t) -> Option<i32> {
    let began = Instant::now();
    while began.elapsed() < support::LONG {
        let mut status = 0;
        // SAFETY: the status is writable.
        if unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == child {
            return libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::kill(child, libc::SIGKILL) };
    None
}
