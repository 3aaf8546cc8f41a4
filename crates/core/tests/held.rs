//! Shares counted by who holds them.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{AnyShare, Held, Share};
use std::sync::{Arc, Barrier};
use std::thread;
use support::runtime::{Log, Runtime, Thing};

fn share(log: &Arc<Log>) -> AnyShare {
    Share::unowned(Thing::free(log), 1).erase()
}

fn holders(share: &AnyShare) -> Vec<(u32, u32)> {
    let mut holders = share.holders();
    holders.sort_unstable();
    holders
}

#[test]
fn each_holder_has_a_count_of_its_own() {
    let log = Arc::default();
    let share = share(&log);
    assert_eq!(holders(&share), []);
    let zero = share.clone().hold(0);
    let (one, more) = (share.clone().hold(u32::MAX), share.clone().hold(u32::MAX));
    assert_eq!(holders(&share), [(0, 1), (u32::MAX, 2)]);
    assert_eq!((zero.holder(), one.count()), (0, 4));
    drop(zero);
    assert_eq!(holders(&share), [(u32::MAX, 2)]);
    drop(one);
    let third = share.clone().hold(3);
    assert_eq!(holders(&share), [(3, 1), (u32::MAX, 1)]);
    drop((third, more));
    assert_eq!((holders(&share), share.count()), (vec![], 1));
    drop(share);
    assert_eq!(log.released(), 1);
}

#[test]
fn what_nobody_holds_is_in_transit() {
    let log = Arc::default();
    let held = share(&log).hold(5);
    let sent = held.clone();
    assert_eq!((holders(&sent), sent.count()), (vec![(5, 1)], 2));
    let again = held.into_share();
    assert_eq!((holders(&sent), sent.count()), (vec![], 2));
    drop((sent, again));
    assert_eq!(log.released(), 1);
}

#[test]
fn a_held_share_lives_in_a_foreign_structure() {
    let log = Arc::default();
    let (raw, holder) = share(&log).hold(9).into_raw();
    // SAFETY: from one `into_raw`, once.
    let held = unsafe { Held::from_raw(raw, holder) };
    assert_eq!(holders(&held), [(9, 1)]);
    assert_eq!(size_of::<Held>(), 2 * size_of::<usize>());
    drop(held);
    assert_eq!(log.released(), 1);
}

#[test]
fn drop_in_lets_go_too() {
    let runtime = Runtime::new();
    let share = runtime.share(1).erase();
    let held = share.clone().hold(1);
    let last = share.hold(1);
    let _locked = runtime.hold();
    // SAFETY: the lock is held.
    unsafe { held.drop_in(&runtime.owner) };
    assert_eq!(holders(&last), [(1, 1)]);
    // SAFETY: as above.
    unsafe { last.drop_in(&runtime.owner) };
    assert_eq!(runtime.log.released(), 1);
}

#[test]
fn holding_and_letting_go_on_many_threads_balances() {
    const THREADS: u32 = 6;
    let log = Arc::default();
    let share = share(&log);
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (share, start) = (&share, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..20_000 {
                    // Two threads for each holder, more holders than slots.
                    let held = share.clone().hold(number / 2);
                    let more = (round % 3 == 0).then(|| held.clone().hold(number / 2 + 10));
                    // No snapshot, so all that is sure are the names.
                    let known = |holder| matches!(holder, 0..3 | 10..13);
                    assert!(share.holders().iter().all(|it| known(it.0)));
                    drop(held);
                    drop(more);
                }
            });
        }
    });
    assert_eq!((holders(&share), share.count()), (vec![], 1));
}
