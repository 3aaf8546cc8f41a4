//! Model checks of the gate: entries against the closing.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

#[path = "support/model.rs"]
mod model;

use loom::cell::UnsafeCell;
use loom::thread;
use model::{Log, Thing, owner};
use std::sync::Arc;

/// What only those inside, and the closer afterwards, may touch.
struct Inside(UnsafeCell<usize>);

// SAFETY: that nobody races for it is what the model is about.
unsafe impl Send for Inside {}
// SAFETY: as above.
unsafe impl Sync for Inside {}

#[test]
fn nobody_is_inside_once_the_closer_goes_on() {
    loom::model(|| {
        let owner = owner();
        let inside = Arc::new(Inside(UnsafeCell::new(0)));
        let visitor = {
            let (owner, inside) = (Arc::clone(&owner), Arc::clone(&inside));
            thread::spawn(move || {
                let Some(pass) = owner.enter() else {
                    return false;
                };
                // SAFETY: the closer waits for the pass. Loom checks that.
                inside.0.with_mut(|count| unsafe { *count += 1 });
                drop(pass);
                true
            })
        };
        owner.close_gate();
        owner.wait_until_empty();
        // SAFETY: nobody is inside.
        let count = inside.0.with(|count| unsafe { *count });
        assert!(owner.enter().is_none());
        assert_eq!(visitor.join().unwrap(), count == 1);
    });
}

#[test]
fn the_last_of_two_to_leave_wakes_the_closer() {
    loom::model(|| {
        let owner = owner();
        let visitors: Vec<_> = (0..2)
            .map(|_| {
                let owner = Arc::clone(&owner);
                thread::spawn(move || drop(owner.enter()))
            })
            .collect();
        owner.close_gate();
        owner.wait_until_empty();
        for it in visitors {
            it.join().unwrap();
        }
    });
}

#[test]
fn a_share_made_against_the_closing_is_refused_or_orphaned() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let sharing = {
            let (owner, log) = (Arc::clone(&owner), Arc::clone(&log));
            thread::spawn(move || Thing::share(&owner, &log))
        };
        owner.close_gate();
        // SAFETY: this thread is the owner; nobody has entered.
        let orphans = unsafe { owner.abandon() };
        let share = sharing.join().unwrap();
        assert_eq!(share.is_some(), orphans.adopted == 1);
        drop(share);
        assert_eq!(log.released(), 0);
        assert_eq!(log.discarded(), orphans.adopted);
    });
}
