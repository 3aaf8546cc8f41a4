//! Model checks of the wait for borrowers: no wake-up is lost. A lost one is a
//! deadlock, which loom reports.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

#[path = "support/model.rs"]
mod model;

use interlane_core::{Refused, Wait};
use loom::thread;
use model::{Log, Thing, owner};
use std::sync::Arc;
use std::time::Duration;

/// The owner's own number among the holders.
const OWN: u32 = 0;

#[test]
fn a_drop_that_is_not_the_last_wakes_the_owner() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let own = Thing::share(&owner, &log).unwrap().erase().hold(OWN);
        let lent = own.clone().hold(1);
        let borrower = thread::spawn(move || drop(lent));
        assert_eq!(owner.wait_released(OWN, &Wait::forever()), Ok(()));
        assert_eq!((own.count(), own.holders()), (1, vec![(OWN, 1)]));
        borrower.join().unwrap();
        // SAFETY: this thread is the owner.
        unsafe { own.drop_in(&owner) };
        assert_eq!(log.released(), 1);
    });
}

#[test]
fn two_borrowers_wake_the_owner_when_both_are_through() {
    let mut model = loom::model::Builder::new();
    // Three would take a minute, and show no more than one borrower does.
    model.preemption_bound = Some(2);
    model.check(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let own = Thing::share(&owner, &log).unwrap().erase().hold(OWN);
        let borrowers = [1, 2].map(|holder| {
            let lent = own.clone().hold(holder);
            thread::spawn(move || drop(lent))
        });
        assert_eq!(owner.wait_released(OWN, &Wait::forever()), Ok(()));
        assert_eq!((own.count(), own.holders()), (1, vec![(OWN, 1)]));
        for it in borrowers {
            it.join().unwrap();
        }
        // SAFETY: this thread is the owner.
        unsafe { own.drop_in(&owner) };
    });
}

#[test]
fn a_release_wakes_the_owner() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let lent = Thing::share(&owner, &log).unwrap().erase().hold(1);
        let waiter = {
            let owner = Arc::clone(&owner);
            thread::spawn(move || owner.wait_released(OWN, &Wait::forever()))
        };
        drop(lent);
        // SAFETY: this thread is the owner.
        assert_eq!(unsafe { owner.drain() }, 1);
        assert_eq!(waiter.join().unwrap(), Ok(()));
        assert_eq!(log.released(), 1);
    });
}

#[test]
fn a_share_that_comes_back_to_its_owner_wakes_it() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let sent = Thing::share(&owner, &log).unwrap().erase();
        let receiver = thread::spawn(move || sent.hold(OWN));
        assert_eq!(owner.wait_released(OWN, &Wait::forever()), Ok(()));
        let held = receiver.join().unwrap();
        // SAFETY: this thread is the owner.
        unsafe { held.drop_in(&owner) };
        assert_eq!(log.released(), 1);
    });
}

#[test]
fn the_owners_end_wakes_who_waits() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let waiter = {
            let owner = Arc::clone(&owner);
            thread::spawn(move || owner.wait_released(OWN, &Wait::forever()))
        };
        owner.close_gate();
        // SAFETY: this thread is the owner; nobody has entered.
        unsafe { owner.abandon() };
        assert_eq!(waiter.join().unwrap(), Err(Refused::Closed));
        drop(share);
        assert_eq!(log.discarded(), 1);
    });
}

#[test]
fn a_drop_after_the_owner_has_given_up_tells_nobody() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let own = Thing::share(&owner, &log).unwrap().erase().hold(OWN);
        let lent = own.clone().hold(1);
        let borrower = thread::spawn(move || drop(lent));
        // In the future, and over at once: a model has no clock.
        let wait = Wait::within(Duration::from_secs(3600));
        let result = owner.wait_released(OWN, &wait);
        assert!(matches!(result, Ok(()) | Err(Refused::TimedOut)));
        // SAFETY: this thread is the owner.
        unsafe { own.drop_in(&owner) };
        borrower.join().unwrap();
        // SAFETY: as above.
        unsafe { owner.drain() };
        assert_eq!(log.released(), 1);
    });
}
