//! What tables of shares say.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{AnyShare, ShareInfo, ShareState, shares};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use support::runtime::Runtime;

fn ids(infos: &[ShareInfo]) -> Vec<u64> {
    infos.iter().map(|info| info.id).collect()
}

#[test]
fn a_share_is_listed_with_all_that_is_known_of_it() {
    let runtime = Runtime::new();
    let share = runtime.share(10).erase();
    let held = share.clone().hold(3);
    let sent = share.clone();
    thread::sleep(Duration::from_millis(30));
    let listed = runtime.owner.shares();
    let [info] = listed.as_slice() else {
        panic!("{listed:?}");
    };
    assert_eq!((info.id, info.nbytes), (share.id(), 10));
    assert_eq!((info.owner, &*info.kind), (Some(0), "thing"));
    assert_eq!(info.generation, runtime.owner.generation());
    assert_eq!((&*info.holders, info.in_transit), (&[(3, 1)][..], 2));
    assert_eq!(info.state, ShareState::Live);
    // The clock is exact to a few milliseconds.
    assert!(info.age >= Duration::from_millis(15), "{:?}", info.age);
    assert!(info.age < support::LONG);
    drop((held, sent));
}

#[test]
fn shares_are_listed_by_age_until_they_are_released() {
    let runtime = Runtime::new();
    let [first, second, third] = [1, 2, 3].map(|nbytes| runtime.share(nbytes).erase());
    let all = [first.id(), second.id(), third.id()];
    assert_eq!(ids(&runtime.owner.shares()), all);

    let held = runtime.hold();
    drop(second);
    let listed = runtime.owner.shares();
    assert_eq!(ids(&listed), all);
    let states: Vec<_> = listed.iter().map(|info| info.state).collect();
    use ShareState::{Live, Pending};
    assert_eq!(states, [Live, Pending, Live]);
    // SAFETY: the lock is held.
    unsafe { runtime.owner.drain() };
    assert_eq!(ids(&runtime.owner.shares()), [first.id(), third.id()]);
    drop(held);
}

#[test]
fn orphans_are_listed_until_they_are_discarded() {
    let runtime = Runtime::new();
    let [first, second] = [1, 2].map(|nbytes| runtime.share(nbytes).erase());
    let held = second.clone().hold(8);
    runtime.end();
    let listed = runtime.owner.shares();
    assert_eq!(ids(&listed), [first.id(), second.id()]);
    assert!(listed.iter().all(|info| info.state == ShareState::Orphaned));
    assert_eq!(
        (&*listed[1].holders, listed[1].in_transit),
        (&[(8, 1)][..], 1)
    );

    let (generation, log) = (runtime.owner.generation(), &runtime.log);
    let of_all = || {
        let all = shares().into_iter();
        all.filter(|info| info.generation == generation).count()
    };
    // Another test that looks at all lists may be the one that discards.
    let discarded = |count| support::eventually("discarded", || log.discarded() == count);
    assert_eq!(of_all(), 2);
    drop(first);
    assert_eq!(of_all(), 1);
    discarded(1);
    drop((second, held));
    assert_eq!(of_all(), 0);
    discarded(2);
    let counters = runtime.owner.counters();
    assert_eq!((counters.live, counters.orphaned), (0, 2), "ever");
}

#[test]
fn orphans_are_listed_when_nothing_but_them_keeps_the_owner() {
    let runtime = Runtime::new();
    let (generation, log) = (runtime.owner.generation(), runtime.log.clone());
    let share = runtime.share(7);
    runtime.end();
    drop(runtime);
    let find = || shares().into_iter().find(|it| it.generation == generation);
    let info = find().unwrap();
    assert_eq!((info.id, info.nbytes, info.in_transit), (share.id(), 7, 1));
    drop(share);
    assert!(find().is_none());
    support::eventually("discarded", || log.discarded() == 1);
}

#[test]
fn orphans_that_are_dropped_while_others_look_are_all_discarded() {
    const SHARES: usize = 3_000;
    for _ in 0..5 {
        let runtime = Runtime::new();
        let mut parts: [Vec<AnyShare>; 2] = Default::default();
        for number in 0..SHARES {
            parts[number % 2].push(runtime.share(1).erase());
        }
        runtime.end();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let droppers = parts.map(|part| scope.spawn(move || drop(part)));
            let (owner, over) = (&runtime.owner, &over);
            for _ in 0..2 {
                scope.spawn(move || {
                    while !over.load(Ordering::SeqCst) {
                        assert!(owner.shares().len() <= SHARES);
                        assert_eq!(owner.counters().orphaned, SHARES as u64);
                    }
                });
            }
            for it in droppers {
                it.join().unwrap();
            }
            over.store(true, Ordering::SeqCst);
        });
        support::eventually("discarded", || runtime.log.discarded() == SHARES);
        assert_eq!(runtime.owner.shares(), []);
    }
}

#[test]
fn listing_against_shares_and_releases_in_full_swing_does_no_harm() {
    let runtime = Runtime::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (runtime, over) = (&runtime, &over);
        scope.spawn(move || {
            while !over.load(Ordering::SeqCst) {
                for info in runtime.owner.shares() {
                    assert_eq!((info.nbytes, &*info.kind), (4, "thing"));
                }
            }
        });
        for _ in 0..5_000 {
            let share = runtime.share(4).erase();
            let held = share.clone().hold(1);
            drop(share);
            scope.spawn(move || drop(held)).join().unwrap();
        }
        over.store(true, Ordering::SeqCst);
    });
    support::eventually("released", || runtime.log.released() == 5_000);
    support::eventually("forgotten", || runtime.owner.shares().is_empty());
}
