//! Model checks of orphans that leave the list: last drops against those who
//! look at it.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

#[path = "support/model.rs"]
mod model;

use interlane_core::{Owner, Share};
use loom::thread;
use model::{Log, Thing, owner};
use std::sync::Arc;

/// An owner that has ended, and as many orphans of it.
fn orphans<const COUNT: usize>() -> (Arc<Owner>, Arc<Log>, [Share<Thing>; COUNT]) {
    let (owner, log) = (owner(), Arc::new(Log::default()));
    let shares = [(); COUNT].map(|()| Thing::share(&owner, &log).unwrap());
    owner.close_gate();
    // SAFETY: this thread is the owner; nobody has entered.
    unsafe { owner.abandon() };
    assert_eq!(log.orphaned(), COUNT);
    (owner, log, shares)
}

#[test]
fn a_drop_while_another_looks_is_discarded_by_one_of_them() {
    loom::model(|| {
        let (owner, log, [share]) = orphans();
        let dropper = thread::spawn(move || drop(share));
        assert!(owner.shares().len() <= 1);
        dropper.join().unwrap();
        assert_eq!((log.discarded(), owner.shares().len()), (1, 0));
    });
}

#[test]
fn two_drops_while_a_third_looks_leave_nothing_behind() {
    loom::model(|| {
        let (owner, log, [first, second]) = orphans();
        let droppers = [first, second].map(|it| thread::spawn(move || drop(it)));
        assert_eq!(owner.counters().orphaned, 2);
        for it in droppers {
            it.join().unwrap();
        }
        assert_eq!(log.discarded(), 2);
    });
}

#[test]
fn the_record_goes_after_its_last_orphan() {
    loom::model(|| {
        let (owner, log, [first, second]) = orphans();
        drop(owner);
        let dropper = thread::spawn(move || drop(first));
        drop(second);
        dropper.join().unwrap();
        assert_eq!(log.discarded(), 2);
    });
}

#[test]
fn a_drop_during_the_end_is_discarded_while_another_looks() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let dropper = thread::spawn(move || drop(share));
        let looker = {
            let owner = Arc::clone(&owner);
            thread::spawn(move || assert!(owner.shares().len() <= 1))
        };
        owner.close_gate();
        // SAFETY: this thread is the owner; nobody has entered.
        unsafe { owner.abandon() };
        dropper.join().unwrap();
        looker.join().unwrap();
        assert_eq!(log.released() + log.discarded(), 1);
        assert_eq!(owner.shares().len(), 0);
    });
}
