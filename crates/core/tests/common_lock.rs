//! Owners that have one lock in common: plain resources are released by the
//! last drop, wherever that lock is held.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Fate, Host, Owner, Resource, Share};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use support::eventually;

static LOCK: Mutex<()> = Mutex::new(());

thread_local! {
    static HAS_LOCK: Cell<bool> = const { Cell::new(false) };
}

struct Held(#[expect(dead_code, reason = "held, not used")] MutexGuard<'static, ()>);

fn hold() -> Held {
    let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    HAS_LOCK.set(true);
    Held(guard)
}

impl Drop for Held {
    fn drop(&mut self) {
        HAS_LOCK.set(false);
    }
}

struct Common;

// SAFETY: the lock of all of these owners is the one mutex.
unsafe impl Host for Common {
    fn enter(&self, work: &mut dyn FnMut()) {
        let _held = hold();
        work();
    }

    fn is_held(&self) -> bool {
        HAS_LOCK.get()
    }
}

struct Thing {
    plain: bool,
    released: Arc<AtomicUsize>,
    part: Option<Share<Thing>>,
}

impl Resource for Thing {
    fn release(self) {
        assert!(HAS_LOCK.get(), "released without the lock");
        drop(self.part);
        self.released.fetch_add(1, Ordering::SeqCst);
    }

    fn is_plain(&self) -> bool {
        assert!(HAS_LOCK.get(), "asked without the lock");
        self.plain
    }

    fn orphan(&self) -> Fate {
        Fate::Adopted
    }

    fn discard(self) {}
}

fn share(
    owner: &Arc<Owner>,
    plain: bool,
    part: Option<Share<Thing>>,
) -> (Share<Thing>, Arc<AtomicUsize>) {
    let released = Arc::new(AtomicUsize::new(0));
    let thing = Thing {
        plain,
        released: Arc::clone(&released),
        part,
    };
    let share = Share::new(owner, thing, 10)
        .ok()
        .expect("the owner is open");
    (share, released)
}

fn end(owner: &Owner) {
    owner.close_gate();
    owner.wait_until_empty();
    let _held = hold();
    // SAFETY: the lock is held, the gate is closed and empty.
    unsafe { owner.abandon() };
}

#[test]
fn a_last_drop_under_the_lock_releases_what_is_plain_with_its_parts() {
    let owner = Owner::new(Box::new(Common));
    let held = hold();
    let (part, part_released) = share(&owner, true, None);
    let (whole, whole_released) = share(&owner, true, Some(part));
    let other = whole.clone();
    drop(whole);
    assert_eq!(whole_released.load(Ordering::SeqCst), 0);
    drop(other);
    assert_eq!(whole_released.load(Ordering::SeqCst), 1);
    assert_eq!(part_released.load(Ordering::SeqCst), 1);
    let counters = owner.counters();
    assert_eq!(
        (
            counters.live,
            counters.released,
            counters.pending,
            counters.nbytes
        ),
        (0, 2, 0, 0)
    );
    drop(held);
    end(&owner);
}

#[test]
fn what_is_not_plain_waits_for_its_owner_and_so_does_a_drop_without_the_lock() {
    let owner = Owner::new(Box::new(Common));
    let (plain, other) = {
        let _held = hold();
        (share(&owner, true, None), share(&owner, false, None))
    };
    let held = hold();
    drop(other.0);
    assert_eq!(other.1.load(Ordering::SeqCst), 0);
    let elsewhere = thread::spawn(move || drop(plain.0));
    elsewhere.join().unwrap();
    assert_eq!(plain.1.load(Ordering::SeqCst), 0);
    drop(held);
    eventually("both", || {
        plain.1.load(Ordering::SeqCst) + other.1.load(Ordering::SeqCst) == 2
    });
    end(&owner);
}

#[test]
fn after_the_owners_end_a_last_drop_under_the_lock_discards() {
    let owner = Owner::new(Box::new(Common));
    let (share, released) = {
        let _held = hold();
        share(&owner, true, None)
    };
    end(&owner);
    let _held = hold();
    drop(share);
    assert_eq!(released.load(Ordering::SeqCst), 0);
    assert_eq!(owner.counters().orphaned, 1);
}

#[test]
fn drops_under_the_lock_and_elsewhere_while_others_look_lose_nothing() {
    const EACH: usize = 2000;
    let owner = Owner::new(Box::new(Common));
    let threads: Vec<_> = (0..3)
        .map(|index| {
            let owner = Arc::clone(&owner);
            thread::spawn(move || {
                let mut counts = Vec::new();
                for number in 0..EACH {
                    let held = hold();
                    let (share, released) = share(&owner, number % 3 > 0, None);
                    counts.push(released);
                    if (number + index) % 2 == 0 {
                        drop(share);
                        drop(held);
                    } else {
                        drop(held);
                        drop(share);
                    }
                    let _ = interlane_core::shares().len() + owner.counters().live as usize;
                }
                counts
            })
        })
        .collect();
    let released: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    eventually("all", || {
        released.iter().all(|it| it.load(Ordering::SeqCst) == 1)
    });
    eventually("counted", || owner.counters().released as usize == 3 * EACH);
    end(&owner);
}
