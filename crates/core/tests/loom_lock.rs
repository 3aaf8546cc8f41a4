//! Model checks of locks: acquire against release, giving up, and the end of the holder.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Lock, Outcome, ReentrantLock, Refused, ReleaseError, Wait, Who};
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A lock and what it protects, which loom watches.
struct Guarded {
    lock: Lock,
    value: UnsafeCell<u32>,
}

// SAFETY: the cell is touched by who has the lock. Loom checks that.
unsafe impl Sync for Guarded {}

impl Guarded {
    fn new(patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            lock: Lock::with_patience(patience),
            value: UnsafeCell::new(0),
        })
    }

    /// By who has the lock.
    fn change(&self) {
        // SAFETY: as said. Loom checks that.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }

    fn acquire(&self, thread: u64, wait: &Wait<'_>) -> Result<Outcome, Refused> {
        if self.lock.try_acquire(who(thread)) {
            return Ok(Outcome::Served);
        }
        self.lock.acquire(who(thread)).settle(wait)
    }

    fn once(&self, thread: u64) {
        assert_eq!(self.acquire(thread, &Wait::forever()), Ok(Outcome::Served));
        assert_eq!(self.lock.holder(), Some(who(thread)));
        self.change();
        self.lock.release().unwrap();
    }

    /// Nobody has it, and everybody could.
    fn is_whole(&self) {
        assert!(!self.lock.is_held());
        assert_eq!((self.lock.holder(), self.lock.waiting()), (None, 0));
        assert!(self.lock.try_acquire(who(9)));
        self.lock.release().unwrap();
        assert_eq!(self.lock.release(), Err(ReleaseError::NotHeld));
    }
}

fn who(thread: u64) -> Who {
    Who {
        runtime: thread,
        thread,
    }
}

/// A deadline that has passed: a model has no clock, so every one has.
fn soon() -> Wait<'static> {
    Wait::until(Instant::now() + Duration::from_secs(60))
}

/// Three threads: two preemptions take seconds, three take a minute.
fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

fn exclude(patience: Duration) {
    loom::model(move || {
        let guarded = Guarded::new(patience);
        let others: Vec<_> = (1..=2)
            .map(|thread| {
                let guarded = Arc::clone(&guarded);
                thread::spawn(move || guarded.once(thread))
            })
            .collect();
        for other in others {
            other.join().unwrap();
        }
        guarded.change();
        guarded.is_whole();
    });
}

#[test]
fn two_holders_exclude_each_other_overtaking() {
    exclude(Duration::MAX);
}

#[test]
fn two_holders_exclude_each_other_handing_over() {
    exclude(Duration::ZERO);
}

fn give_up(patience: Duration) {
    bounded(move || {
        let guarded = Guarded::new(patience);
        assert!(guarded.lock.try_acquire(who(9)));
        let patient = Arc::clone(&guarded);
        let patient = thread::spawn(move || patient.once(1));
        let hasty = Arc::clone(&guarded);
        let hasty = thread::spawn(move || match hasty.acquire(2, &soon()) {
            Ok(Outcome::Served) => {
                hasty.change();
                hasty.lock.release().unwrap();
            }
            other => assert_eq!(other, Err(Refused::TimedOut)),
        });
        guarded.change();
        guarded.lock.release().unwrap();
        hasty.join().unwrap();
        patient.join().unwrap();
        guarded.is_whole();
    });
}

#[test]
fn who_gives_up_passes_on_what_it_was_called_for_overtaking() {
    give_up(Duration::MAX);
}

#[test]
fn who_gives_up_passes_on_what_it_was_called_for_handing_over() {
    give_up(Duration::ZERO);
}

#[test]
fn the_end_of_the_holder_reaches_who_waits() {
    loom::model(|| {
        let guarded = Guarded::new(Duration::MAX);
        assert!(guarded.lock.try_acquire(who(9)));
        let other = Arc::clone(&guarded);
        let other = thread::spawn(move || {
            assert_eq!(other.acquire(1, &Wait::forever()), Ok(Outcome::Gone));
        });
        assert!(!guarded.lock.lose(8));
        assert!(guarded.lock.lose(9));
        other.join().unwrap();
        assert_eq!(guarded.lock.release(), Err(ReleaseError::Gone));
        assert!(guarded.lock.recover() && !guarded.lock.recover());
        guarded.is_whole();
    });
}

#[test]
fn the_end_of_a_runtime_against_its_release_loses_or_frees_the_lock() {
    bounded(|| {
        let guarded = Guarded::new(Duration::ZERO);
        assert!(guarded.lock.try_acquire(who(9)));
        let other = Arc::clone(&guarded);
        let other = thread::spawn(move || match other.acquire(1, &Wait::forever()) {
            Ok(Outcome::Served) => other.lock.release().unwrap(),
            outcome => assert_eq!(outcome, Ok(Outcome::Gone)),
        });
        let ending = Arc::clone(&guarded);
        let ending = thread::spawn(move || ending.lock.lose(9));
        let released = guarded.lock.release();
        let lost = ending.join().unwrap();
        other.join().unwrap();
        assert_eq!(released.is_err(), lost);
        assert_eq!(guarded.lock.recover(), lost);
        guarded.is_whole();
    });
}

#[test]
fn a_reentrant_lock_is_given_back_as_often_as_it_was_taken() {
    loom::model(|| {
        let lock = Arc::new(ReentrantLock::with_patience(Duration::ZERO));
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            if !other.try_acquire(who(1)) {
                let outcome = other.acquire(who(1)).settle(&Wait::forever());
                assert_eq!(outcome, Ok(Outcome::Served));
                other.restore(1);
            }
            assert!(other.is_held_by(who(1)) && other.try_acquire(who(1)));
            assert_eq!(other.release_all(who(1)), Ok(2));
        });
        if lock.try_acquire(who(9)) {
            assert!(lock.try_acquire(who(9)));
            lock.release(who(9)).unwrap();
            assert!(lock.is_held_by(who(9)));
            lock.release(who(9)).unwrap();
        }
        assert!(!lock.is_held_by(who(9)));
        assert_eq!(lock.release(who(9)), Err(ReleaseError::NotHeld));
        other.join().unwrap();
        assert!(!lock.is_held());
    });
}
