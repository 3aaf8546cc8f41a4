//! An owner that waits for its borrowers.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Abandon, Parked, Refused, Wait};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use support::runtime::Runtime;

/// The owner's own number among the holders.
const OWN: u32 = 7;

/// A wait that fails the test rather than hang it.
fn long() -> Wait<'static> {
    Wait::within(support::LONG)
}

fn one_try() -> Wait<'static> {
    Wait::until(Instant::now())
}

#[test]
fn nothing_is_waited_for_when_nothing_is_out() {
    let runtime = Runtime::new();
    assert_eq!(runtime.owner.wait_released(OWN, &one_try()), Ok(()));
    let own = runtime.share(1).erase().hold(OWN);
    let more = own.clone().hold(OWN);
    assert_eq!(runtime.owner.wait_released(OWN, &one_try()), Ok(()));
    assert_eq!(
        runtime.owner.wait_released(OWN + 1, &one_try()),
        Err(Refused::TimedOut),
        "somebody else's"
    );
    drop((own, more));
}

#[test]
fn a_share_in_transit_is_out() {
    let runtime = Runtime::new();
    let sent = runtime.share(1).erase();
    let began = Instant::now();
    let within = Wait::within(Duration::from_millis(5));
    assert_eq!(
        runtime.owner.wait_released(OWN, &within),
        Err(Refused::TimedOut)
    );
    assert!(began.elapsed() >= Duration::from_millis(5));
    // It comes back while the owner waits.
    thread::scope(|scope| {
        let waiter = scope.spawn(|| runtime.owner.wait_released(OWN, &long()));
        thread::sleep(Duration::from_millis(2));
        let held = sent.hold(OWN);
        assert_eq!(waiter.join().unwrap(), Ok(()));
        drop(held);
    });
}

#[test]
fn a_wait_ends_with_the_last_borrower_and_the_release() {
    for _ in 0..100 {
        let runtime = Runtime::new();
        let share = runtime.share(1).erase();
        let borrowers: Vec<_> = (0..3).map(|it| share.clone().hold(it)).collect();
        let own = share.hold(OWN);
        let alone = runtime.share(1).erase().hold(1);
        let dropped = AtomicUsize::new(0);
        thread::scope(|scope| {
            let dropped = &dropped;
            scope.spawn(move || {
                for it in borrowers {
                    dropped.fetch_add(1, Ordering::SeqCst);
                    drop(it);
                }
                dropped.fetch_add(1, Ordering::SeqCst);
                drop(alone);
            });
            let waited = runtime.owner.wait_released(OWN, &long());
            assert_eq!(waited, Ok(()));
            assert_eq!(dropped.load(Ordering::SeqCst), 4);
            assert_eq!(runtime.owner.counters().live, 1);
        });
        assert_eq!(own.count(), 1);
    }
}

#[test]
fn all_who_wait_are_woken() {
    let runtime = Runtime::new();
    let held: Vec<_> = (0..50)
        .map(|it| runtime.share(1).erase().hold(it % 3))
        .collect();
    let start = Barrier::new(4);
    thread::scope(|scope| {
        let waiters = [(); 3].map(|()| {
            scope.spawn(|| {
                start.wait();
                runtime.owner.wait_released(OWN, &long())
            })
        });
        start.wait();
        for it in held {
            thread::yield_now();
            drop(it);
        }
        for it in waiters {
            assert_eq!(it.join().unwrap(), Ok(()));
        }
    });
    assert_eq!(runtime.owner.shares(), []);
}

#[test]
fn a_storm_of_clones_and_drops_ends_the_wait_when_it_is_over() {
    for _ in 0..20 {
        let runtime = Runtime::new();
        let share = runtime.share(1).erase();
        let over = AtomicUsize::new(0);
        thread::scope(|scope| {
            for holder in 0..3 {
                let (share, over) = (share.clone(), &over);
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        drop(share.clone().hold(holder).clone());
                    }
                    over.fetch_add(1, Ordering::SeqCst);
                });
            }
            let own = share.hold(OWN);
            assert_eq!(runtime.owner.wait_released(OWN, &long()), Ok(()));
            assert_eq!(over.load(Ordering::SeqCst), 3);
            assert_eq!(own.count(), 1);
        });
    }
}

#[test]
fn the_owners_end_ends_the_wait() {
    let runtime = Runtime::new();
    let share = runtime.share(1);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| runtime.owner.wait_released(OWN, &long()));
        thread::sleep(Duration::from_millis(2));
        runtime.end();
        assert_eq!(waiter.join().unwrap(), Err(Refused::Closed));
    });
    let again = runtime.owner.wait_released(OWN, &long());
    assert_eq!(again, Err(Refused::Closed));
    drop(share);
}

#[test]
fn a_wait_without_end_is_told_of_and_can_be_abandoned() {
    #[derive(Default)]
    struct Told {
        waker: Mutex<Option<Arc<dyn Abandon>>>,
        up: AtomicUsize,
    }
    impl Parked for Told {
        fn parked(&self, waker: Arc<dyn Abandon>, _: Option<Instant>) {
            *self.waker.lock().unwrap() = Some(waker);
        }
        fn unparked(&self) {
            self.up.fetch_add(1, Ordering::SeqCst);
        }
    }

    let (runtime, told) = (Runtime::new(), Told::default());
    let share = runtime.share(1);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let wait = Wait {
                parked: Some(&told),
                ..Wait::forever()
            };
            runtime.owner.wait_released(OWN, &wait)
        });
        support::eventually("parked", || told.waker.lock().unwrap().is_some());
        told.waker.lock().unwrap().take().unwrap().abandon();
        assert_eq!(waiter.join().unwrap(), Err(Refused::Abandoned));
    });
    assert_eq!(told.up.load(Ordering::SeqCst), 1);
    // The block is still marked; nobody waits.
    drop((share.clone(), share));
    assert_eq!(runtime.owner.wait_released(OWN, &long()), Ok(()));
}

#[test]
fn an_interruptible_wait_returns_for_a_look_at_signals() {
    let runtime = Runtime::new();
    let share = runtime.share(1);
    let wait = Wait {
        interruptible: true,
        ..Wait::forever()
    };
    let result = runtime.owner.wait_released(OWN, &wait);
    assert_eq!(result, Err(Refused::Interrupted));
    drop(share);
}
