//! Model checks of a semaphore.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Outcome, Refused, ReleaseError, Semaphore, Wait, Who};
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn who(thread: u64) -> Who {
    Who {
        runtime: thread,
        thread,
    }
}

fn acquire(semaphore: &Semaphore, thread: u64, wait: &Wait<'_>) -> Result<Outcome, Refused> {
    if semaphore.try_acquire() {
        return Ok(Outcome::Served);
    }
    semaphore.acquire(who(thread)).settle(wait)
}

fn serve_two(patience: Duration) {
    loom::model(move || {
        let semaphore = Arc::new(Semaphore::with_patience(0, false, patience));
        let others: Vec<_> = (1..=2)
            .map(|thread| {
                let semaphore = Arc::clone(&semaphore);
                thread::spawn(move || {
                    let outcome = acquire(&semaphore, thread, &Wait::forever());
                    assert_eq!(outcome, Ok(Outcome::Served));
                })
            })
            .collect();
        semaphore.release(2).unwrap();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!((semaphore.value(), semaphore.waiting()), (0, 0));
    });
}

#[test]
fn two_added_at_once_serve_two_overtaking() {
    serve_two(Duration::MAX);
}

#[test]
fn two_added_at_once_serve_two_handing_over() {
    serve_two(Duration::ZERO);
}

#[test]
fn who_gives_up_leaves_what_was_added_to_others() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::with_patience(0, true, Duration::MAX));
        assert_eq!(semaphore.release(1), Err(ReleaseError::NotHeld));
        let semaphore = Arc::new(Semaphore::with_patience(1, true, Duration::ZERO));
        assert!(semaphore.try_acquire());
        let hasty = Arc::clone(&semaphore);
        let hasty = thread::spawn(move || {
            let soon = Wait::until(Instant::now() + Duration::from_secs(60));
            acquire(&hasty, 1, &soon).is_ok()
        });
        semaphore.release(1).unwrap();
        let took = hasty.join().unwrap();
        assert_eq!(semaphore.value(), u64::from(!took));
        assert_eq!(semaphore.waiting(), 0);
    });
}
