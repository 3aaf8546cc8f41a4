//! Owners and the reaper, with a mutex for an interpreter.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{
    AnyShare, Fate, Host, Orphans, Owner, OwnerState, Resource, Share, Wait, channel, owners,
    totals,
};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;
use support::eventually;
use support::runtime::Runtime;

#[test]
fn an_idle_owner_is_entered_for_its_releases() {
    let runtime = Runtime::new();
    drop(runtime.share(1));
    eventually("released", || runtime.log.released() == 1);
    eventually("counted", || runtime.owner.counters().pending == 0);
    assert!(runtime.owner.counters().entries >= 1);
    assert_eq!(runtime.log.unlocked.load(Ordering::SeqCst), 0);
}

#[test]
fn a_stuck_owner_loses_nothing_and_another_is_still_served() {
    let (stuck, other) = (Runtime::new(), Runtime::new());
    let shares: Vec<_> = (0..5000).map(|_| stuck.share(1000)).collect();
    let held = stuck.hold();
    thread::spawn(move || drop(shares)).join().unwrap();
    for round in 1..=50 {
        drop(other.share(1));
        eventually("the other is served", || other.log.released() == round);
    }
    assert_eq!(stuck.log.released(), 0);
    assert_eq!(stuck.owner.counters().pending, 5000);
    assert_eq!(stuck.owner.counters().nbytes, 5_000_000);

    drop(held);
    eventually("all released", || stuck.log.released() == 5000);
    eventually("counted", || stuck.owner.counters().pending == 0);
    assert_eq!(stuck.log.unlocked.load(Ordering::SeqCst), 0);
}

#[test]
fn many_stuck_owners_keep_nobody_from_being_served() {
    let stuck: Vec<_> = (0..6).map(|_| Runtime::new()).collect();
    let shares: Vec<_> = stuck.iter().map(|it| it.share(1)).collect();
    let held: Vec<_> = stuck.iter().map(Runtime::hold).collect();
    drop(shares);
    let other = Runtime::new();
    for round in 1..=20 {
        drop(other.share(1));
        eventually("served", || other.log.released() == round);
    }
    drop(held);
    for it in &stuck {
        eventually("released", || it.log.released() == 1);
    }
}

#[test]
fn a_large_backlog_is_released_too() {
    let runtime = Runtime::new();
    let shares: Vec<_> = (0..100).map(|_| runtime.share(1 << 20)).collect();
    drop(shares);
    eventually("released", || runtime.log.released() == 100);
}

#[test]
fn a_panic_in_a_release_does_not_end_the_reaper() {
    let runtime = Runtime::new();
    for _ in 0..4 {
        drop(runtime.share_with(1, || panic!("on purpose")));
    }
    eventually("dealt with", || runtime.owner.counters().released == 4);
    drop(runtime.share(1));
    eventually("released", || runtime.log.released() == 1);
}

#[test]
fn nobody_enters_a_closing_owner_and_those_inside_are_waited_for() {
    let runtime = Runtime::new();
    assert_eq!(runtime.owner.state(), OwnerState::Open);
    let pass = runtime.owner.enter().unwrap();
    let left = AtomicBool::new(false);
    thread::scope(|scope| {
        let owner = &runtime.owner;
        owner.close_gate();
        owner.close_gate();
        assert_eq!(owner.state(), OwnerState::Closing);
        assert!(owner.enter().is_none());
        let closer = scope.spawn(|| {
            owner.wait_until_empty();
            assert!(left.load(Ordering::SeqCst));
        });
        thread::sleep(Duration::from_millis(2));
        left.store(true, Ordering::SeqCst);
        drop(pass);
        closer.join().unwrap();
    });
    runtime.end();
    assert_eq!(runtime.owner.state(), OwnerState::Gone);
}

#[test]
fn abandon_releases_what_came_back_and_orphans_the_rest() {
    let runtime = Runtime::new();
    let mut pinned = runtime.thing(|| {});
    pinned.fate = Fate::Pinned;
    let pinned = Share::new(&runtime.owner, pinned, 2).ok().unwrap();
    let adopted = runtime.share(3);
    let back = runtime.share(4);

    runtime.owner.close_gate();
    runtime.owner.wait_until_empty();
    let held = runtime.hold();
    drop(back);
    // SAFETY: the lock is held, the gate closed and empty.
    let orphans = unsafe { runtime.owner.abandon() };
    let expected = Orphans {
        adopted: 1,
        pinned: 1,
    };
    assert_eq!(orphans, expected);
    drop(held);
    let log = &runtime.log;
    assert_eq!((log.released(), log.orphaned(), log.discarded()), (1, 2, 0));
    let counters = runtime.owner.counters();
    assert_eq!((counters.live, counters.nbytes), (0, 0));
    assert_eq!((counters.released, counters.orphaned), (1, 2));

    // What is left is still good, and freed where it is dropped.
    assert_eq!(adopted.clone().fate, Fate::Adopted);
    thread::spawn(move || drop(adopted)).join().unwrap();
    eventually("discarded", || log.discarded() == 1);
    let held = runtime.hold();
    // SAFETY: the lock is held.
    unsafe { pinned.drop_in(&runtime.owner) };
    eventually("discarded", || log.discarded() == 2);
    assert_eq!(log.released(), 1);
    drop(held);
    assert_eq!(runtime.drain(), 0);
    assert_eq!(log.unlocked.load(Ordering::SeqCst), 0);
}

#[test]
fn an_owner_that_ends_while_its_shares_are_dropped_accounts_for_each() {
    const SHARES: usize = 200;
    for _ in 0..30 {
        let runtime = Runtime::new();
        let (sender, receiver) = channel(None);
        for _ in 0..SHARES {
            sender.try_send(runtime.share(1)).unwrap();
        }
        drop(sender);
        let start = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..2 {
                let (receiver, start) = (receiver.try_clone().unwrap(), &start);
                scope.spawn(move || {
                    start.wait();
                    while receiver.recv(&Wait::forever()).is_ok() {}
                });
            }
            start.wait();
            runtime.end();
        });
        let log = &runtime.log;
        // Whoever looks at the list, such as another test, discards what is dropped meanwhile.
        eventually("accounted for", || {
            log.released() + log.discarded() == SHARES
        });
        assert_eq!(log.orphaned(), log.discarded());
        let counters = runtime.owner.counters();
        assert_eq!(counters.released + counters.orphaned, SHARES as u64);
        assert_eq!((counters.live, counters.pending), (0, 0));
        assert_eq!(log.unlocked.load(Ordering::SeqCst), 0);
        // The reaper may be about to look at a record that has rung.
        eventually("forgotten", || Arc::strong_count(&runtime.owner) == 1);
    }
}

#[test]
fn a_storm_of_shares_between_owners_balances() {
    const ROUNDS: usize = 2_000;
    let runtimes: Arc<Vec<_>> = Arc::new((0..3).map(|_| Runtime::new()).collect());
    let (sender, receiver) = channel(Some(16));
    let drained = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..3 {
            let (sender, runtimes) = (sender.try_clone().unwrap(), Arc::clone(&runtimes));
            let drained = &drained;
            scope.spawn(move || {
                let runtime = &runtimes[number];
                for round in 0..ROUNDS {
                    let share = runtime.share(8);
                    for _ in 0..round % 3 {
                        sender.send(share.clone(), &Wait::forever()).unwrap();
                    }
                    drop(share);
                    if round % 7 == 0 {
                        drained.fetch_add(runtime.drain(), Ordering::SeqCst);
                    }
                }
            });
            let receiver = receiver.try_clone().unwrap();
            scope.spawn(move || {
                while let Ok(share) = receiver.recv(&Wait::forever()) {
                    drop((share.clone(), share));
                }
            });
        }
        sender.close();
    });
    for runtime in runtimes.iter() {
        eventually("all released", || runtime.log.released() == ROUNDS);
        eventually("counted", || runtime.owner.counters().pending == 0);
        let counters = runtime.owner.counters();
        assert_eq!((counters.created, counters.live), (ROUNDS as u64, 0));
        assert_eq!(runtime.log.unlocked.load(Ordering::SeqCst), 0);
    }
    assert!(drained.into_inner() <= 3 * ROUNDS);
}

/// An owner whose lock lets everybody in, and a table of what it shares.
struct Crowd;

// SAFETY: what it releases, `Listed`, needs no lock.
unsafe impl Host for Crowd {
    fn enter(&self, work: &mut dyn FnMut()) {
        work();
    }
}

type Listing = Mutex<Option<usize>>;

/// Can be found by an address without a count, until it retires.
struct Listed(Arc<Listing>, Arc<AtomicUsize>);

impl Resource for Listed {
    fn retire(&self) {
        *self.0.lock().unwrap() = None;
    }

    fn release(self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }

    fn orphan(&self) -> Fate {
        Fate::Adopted
    }

    fn discard(self) {}
}

#[test]
fn several_threads_may_be_in_one_owner_at_once() {
    const ROUNDS: usize = 3_000;
    let owner = Owner::new(Box::new(Crowd));
    let released = Arc::new(AtomicUsize::new(0));
    let listings: Vec<Arc<Listing>> = (0..4).map(|_| Arc::default()).collect();
    thread::scope(|scope| {
        for mine in &listings {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let listed = Listed(Arc::clone(mine), Arc::clone(&released));
                    let share = Share::new(&owner, listed, 8).ok().unwrap();
                    let raw = share.as_any().as_raw().as_ptr().expose_provenance();
                    *mine.lock().unwrap() = Some(raw);
                    drop(share);
                    // Most often the last share has gone, and somebody is about to release it.
                    while mine.lock().unwrap().is_some() {
                        for listing in &listings {
                            let seen = listing.lock().unwrap();
                            let raw = seen.and_then(|raw| {
                                NonNull::new(ptr::with_exposed_provenance_mut::<()>(raw))
                            });
                            // SAFETY: it takes itself off the locked listing before it is released.
                            let share = raw.and_then(|raw| unsafe { AnyShare::upgrade(raw) });
                            drop(seen);
                            drop(share);
                        }
                        if round % 4 > 0 {
                            // SAFETY: this owner's lock lets everybody in.
                            unsafe { owner.drain() };
                        }
                    }
                }
            });
        }
    });
    eventually("all released", || {
        released.load(Ordering::SeqCst) == 4 * ROUNDS
    });
    eventually("counted", || owner.counters().pending == 0);
    assert_eq!(owner.counters().live, 0);
}

#[test]
fn what_a_freed_record_had_counted_stays_in_the_totals() {
    let before = totals();
    let runtime = Runtime::new();
    let number = runtime.owner.generation();
    let find = || owners().into_iter().any(|it| it.generation() == number);
    assert!(find());
    drop((runtime.share(1), runtime.share(2)));
    eventually("released", || runtime.owner.counters().released == 2);
    runtime.end();
    drop(runtime);
    eventually("freed", || !find());
    let after = totals();
    assert!(after.created >= before.created + 2);
    assert!(after.released >= before.released + 2);
    assert!(after.entries >= before.entries);
}

#[test]
fn generations_count_up() {
    let (first, second) = (Runtime::new(), Runtime::new());
    assert!(first.owner.generation() >= 1);
    assert!(second.owner.generation() > first.owner.generation());
}

#[test]
fn an_orphan_that_drops_other_shares_of_its_owner_does_no_harm() {
    use interlane_core::Resource;
    use std::sync::Mutex;

    /// Lets go of its neighbour when it is orphaned.
    struct Chained {
        next: Mutex<Option<Share<Chained>>>,
        gone: Arc<AtomicUsize>,
    }
    impl Resource for Chained {
        fn release(self) {
            self.gone.fetch_add(1, Ordering::SeqCst);
        }
        fn orphan(&self) -> Fate {
            let next = self.next.lock().unwrap().take();
            if let Some(next) = next {
                let owner = Arc::clone(next.owner().unwrap());
                // SAFETY: `orphan` is called in the owner under its lock.
                unsafe {
                    next.drop_in(&owner);
                    owner.drain();
                }
            }
            Fate::Adopted
        }
        fn discard(self) {
            self.gone.fetch_add(1, Ordering::SeqCst);
        }
    }

    let runtime = Runtime::new();
    let gone = Arc::new(AtomicUsize::new(0));
    let held = runtime.hold();
    let mut chain = None;
    for _ in 0..4 {
        let thing = Chained {
            next: Mutex::new(chain.take()),
            gone: Arc::clone(&gone),
        };
        chain = Share::new(&runtime.owner, thing, 1).ok();
    }
    drop(held);
    assert_eq!(runtime.end().adopted, 4);
    assert_eq!(gone.load(Ordering::SeqCst), 3);
    drop(chain);
    assert_eq!(gone.load(Ordering::SeqCst), 4);
}
