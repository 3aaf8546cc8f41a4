//! Shares, without a reaper's help: who releases what, where, and when.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Counters, Fate, Resource, Share};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use support::runtime::{Log, Runtime, Thing};

#[test]
fn the_last_drop_leaves_the_release_to_the_owner() {
    let runtime = Runtime::new();
    let share = runtime.share(10);
    // Held: the reaper cannot do it for us.
    let held = runtime.hold();
    let other = share.clone();
    assert_eq!((share.count(), share.nbytes()), (2, 10));
    assert!(share.ptr_eq(&other));
    assert!(Arc::ptr_eq(share.owner().unwrap(), &runtime.owner));

    drop(share);
    assert!(!runtime.owner.has_pending());
    thread::spawn(move || drop(other)).join().unwrap();
    assert!(runtime.owner.has_pending());
    assert_eq!(runtime.log.released(), 0);
    let pending = runtime.owner.counters();
    assert_eq!((pending.live, pending.pending, pending.nbytes), (1, 1, 10));
    assert!(pending.oldest_pending.is_some());

    // SAFETY: the lock is held.
    assert_eq!(unsafe { runtime.owner.drain() }, 1);
    assert_eq!(runtime.log.released(), 1);
    // The reaper may come or not, and count that at any time.
    let now = runtime.owner.counters();
    let expected = Counters {
        created: 1,
        released: 1,
        entries: now.entries,
        ..Counters::default()
    };
    assert_eq!(now, expected);
    drop(held);
}

#[test]
fn drop_in_releases_at_once_in_the_owner_only() {
    let (runtime, foreign) = (Runtime::new(), Runtime::new());
    let (first, second) = (runtime.share(1), runtime.share(1));
    let _held = (runtime.hold(), foreign.hold());
    let clone = first.clone();
    // SAFETY: the lock is held.
    unsafe { clone.drop_in(&runtime.owner) };
    assert_eq!(runtime.log.released(), 0, "not the last");
    // SAFETY: as above.
    unsafe { first.drop_in(&runtime.owner) };
    assert_eq!(runtime.log.released(), 1);
    // SAFETY: as above.
    unsafe { second.drop_in(&foreign.owner) };
    assert_eq!(runtime.log.released(), 1, "elsewhere");
    assert!(runtime.owner.has_pending());
}

#[test]
fn an_unowned_share_is_released_where_it_is_dropped() {
    let log = Arc::new(Log::default());
    let share = Share::unowned(Thing::free(&log), 5);
    assert!(share.owner().is_none());
    let other = share.clone();
    drop(share);
    assert_eq!(log.released(), 0);
    thread::spawn(move || drop(other)).join().unwrap();
    assert_eq!(log.released(), 1);

    let runtime = Runtime::new();
    let share = Share::unowned(Thing::free(&log), 5);
    let _held = runtime.hold();
    // SAFETY: the lock is held.
    unsafe { share.drop_in(&runtime.owner) };
    assert_eq!(log.released(), 2);
}

#[test]
fn a_raw_pointer_keeps_one_count() {
    let log = Arc::new(Log::default());
    let share = Share::unowned(Thing::free(&log), 0);
    let raw = share.clone().into_raw();
    assert_eq!(share.count(), 2);
    drop(share);
    assert_eq!(log.released(), 0);
    // SAFETY: from `into_raw`, once.
    let back = unsafe { Share::<Thing>::from_raw(raw) };
    assert_eq!((back.count(), back.fate), (1, Fate::Adopted));
    drop(back);
    assert_eq!(log.released(), 1);
}

#[test]
fn a_closing_owner_gives_the_resource_back() {
    let runtime = Runtime::new();
    runtime.owner.close_gate();
    let _held = runtime.hold();
    let refused = Share::new(&runtime.owner, runtime.thing(|| {}), 1);
    assert!(refused.is_err());
    assert_eq!(runtime.owner.counters(), Counters::default());
    assert_eq!(Arc::strong_count(&runtime.owner), 1);
}

#[test]
fn releases_happen_in_the_order_of_the_drops() {
    let runtime = Runtime::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let shares: Vec<_> = (0..100)
        .map(|number| {
            let sender = sender.clone();
            runtime.share_with(1, move || sender.send(number).unwrap())
        })
        .collect();
    let held = runtime.hold();
    drop(shares);
    // SAFETY: the lock is held.
    assert_eq!(unsafe { runtime.owner.drain() }, 100);
    drop(held);
    assert!(receiver.try_iter().eq(0..100));
}

#[test]
fn a_release_may_drop_other_shares_and_drain() {
    let runtime = Runtime::new();
    let inner = runtime.share(1);
    let owner = Arc::clone(&runtime.owner);
    let outer = runtime.share_with(1, move || {
        drop(inner);
        // SAFETY: releases run under the lock.
        assert_eq!(unsafe { owner.drain() }, 1);
    });
    let _held = runtime.hold();
    drop(outer);
    // SAFETY: the lock is held.
    assert_eq!(unsafe { runtime.owner.drain() }, 1);
    assert_eq!(runtime.log.released(), 2);
}

#[test]
fn a_release_that_panics_does_not_keep_the_others_from_theirs() {
    let runtime = Runtime::new();
    let shares: Vec<_> = (0..5)
        .map(|n| runtime.share_with(1, move || assert!(n % 2 == 0, "on purpose")))
        .collect();
    let held = runtime.hold();
    drop(shares);
    // SAFETY: the lock is held.
    let drained = panic::catch_unwind(AssertUnwindSafe(|| unsafe { runtime.owner.drain() }));
    assert!(drained.is_err());
    drop(held);
    assert_eq!(runtime.log.released(), 3);
    let counters = runtime.owner.counters();
    assert_eq!((counters.live, counters.pending), (0, 0));
    assert_eq!(counters.released, 5);
}

#[test]
fn shares_keep_the_record_but_not_the_other_way_round() {
    let runtime = Runtime::new();
    let share = runtime.share(1);
    let owner = Arc::downgrade(&runtime.owner);
    runtime.end();
    drop(runtime);
    assert!(owner.upgrade().is_some());
    drop(share);
    assert!(owner.upgrade().is_none());
}

#[test]
fn a_share_is_one_word() {
    struct Big([u64; 100]);
    impl Resource for Big {
        fn release(self) {
            assert_eq!(self.0[99], 7);
        }
        fn orphan(&self) -> Fate {
            Fate::Adopted
        }
        fn discard(self) {}
    }
    assert_eq!(size_of::<Option<Share<Big>>>(), size_of::<usize>());
    drop(Share::unowned(Big([7; 100]), 800));
}
