//! Model checks of a condition with its lock.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Condition, Lock, Outcome, Refused, Wait, Who};
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Shared {
    lock: Lock,
    condition: Condition,
    items: UnsafeCell<u32>,
}

// SAFETY: the cell is touched by who has the lock. Loom checks that.
unsafe impl Sync for Shared {}

fn who(thread: u64) -> Who {
    Who {
        runtime: thread,
        thread,
    }
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: Lock::with_patience(Duration::MAX),
            condition: Condition::new(),
            items: UnsafeCell::new(0),
        })
    }

    fn acquire(&self, thread: u64) {
        if !self.lock.try_acquire(who(thread)) {
            let outcome = self.lock.acquire(who(thread)).settle(&Wait::forever());
            assert_eq!(outcome, Ok(Outcome::Served));
        }
    }

    /// By who has the lock.
    fn items(&self, change: impl FnOnce(&mut u32)) -> u32 {
        // SAFETY: as said. Loom checks that.
        self.items.with_mut(|items| unsafe {
            change(&mut *items);
            *items
        })
    }

    fn take(&self, thread: u64) {
        self.acquire(thread);
        while self.items(|_| ()) == 0 {
            let waiting = self.condition.enlist(who(thread));
            self.lock.release().unwrap();
            assert_eq!(waiting.settle(&Wait::forever()), Ok(Outcome::Served));
            self.acquire(thread);
        }
        self.items(|items| *items -= 1);
        self.lock.release().unwrap();
    }

    fn put(&self, thread: u64, count: u32) {
        self.acquire(thread);
        self.items(|items| *items += count);
        self.condition.notify(count as usize);
        self.lock.release().unwrap();
    }
}

#[test]
fn a_notification_is_never_missed() {
    loom::model(|| {
        let shared = Shared::new();
        let other = Arc::clone(&shared);
        let other = thread::spawn(move || other.take(1));
        shared.put(9, 1);
        other.join().unwrap();
        assert_eq!(shared.condition.waiting(), 0);
    });
}

#[test]
fn notifying_two_serves_two() {
    // Three threads that take a lock twice each: one preemption takes seconds, two take minutes.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(1);
    model.check(|| {
        let shared = Shared::new();
        let others: Vec<_> = (1..=2)
            .map(|thread| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.take(thread))
            })
            .collect();
        shared.put(9, 2);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.items(|_| ()), 0);
    });
}

#[test]
fn giving_up_against_a_notification_loses_none() {
    loom::model(|| {
        let shared = Shared::new();
        let hasty = shared.condition.enlist(who(9));
        let other = Arc::clone(&shared);
        let other = thread::spawn(move || other.condition.notify(1));
        let soon = Wait::until(Instant::now() + Duration::from_secs(60));
        let settled = hasty.settle(&soon);
        assert!(matches!(
            settled,
            Ok(Outcome::Served) | Err(Refused::TimedOut)
        ));
        other.join().unwrap();
        assert_eq!(shared.condition.waiting(), 0);
    });
}
