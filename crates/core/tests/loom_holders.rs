//! Model checks of the holders' counts: borrowers that hold and let go at the
//! same time.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

#[path = "support/model.rs"]
mod model;

use interlane_core::{AnyShare, Owner};
use loom::thread;
use model::{Log, Thing, owner};
use std::sync::Arc;

fn share() -> (Arc<Owner>, AnyShare) {
    let owner = owner();
    let share = Thing::share(&owner, &Arc::new(Log::default())).unwrap();
    (owner, share.erase())
}

fn end(owner: &Owner, share: AnyShare) {
    assert_eq!((share.count(), share.holders()), (1, vec![]));
    // SAFETY: this thread is the owner.
    unsafe { share.drop_in(owner) };
    assert_eq!(owner.counters().released, 1);
}

#[test]
fn two_borrowers_hold_while_a_third_lets_go() {
    loom::model(|| {
        let (owner, share) = share();
        let held = share.clone().hold(1);
        let borrowers = [2, 3].map(|holder| {
            let share = share.clone();
            thread::spawn(move || {
                let held = share.hold(holder);
                assert!(held.holders().contains(&(holder, 1)));
            })
        });
        drop(held);
        for it in borrowers {
            it.join().unwrap();
        }
        end(&owner, share);
    });
}

#[test]
fn a_freed_slot_is_claimed_by_one_while_its_former_holder_holds_again() {
    loom::model(|| {
        let (owner, share) = share();
        let held = share.clone().hold(1);
        let other = share.clone();
        let borrower = thread::spawn(move || drop(other.hold(2)));
        drop(held);
        let held = share.clone().hold(1);
        assert!(share.holders().contains(&(1, 1)));
        drop(held);
        borrower.join().unwrap();
        end(&owner, share);
    });
}

#[test]
fn threads_of_one_borrower_take_each_others_counts_and_find_their_own() {
    loom::model(|| {
        let (owner, share) = share();
        // So that the first slot becomes free meanwhile.
        let held = share.clone().hold(1);
        let borrowers = [(); 2].map(|()| {
            let share = share.clone();
            thread::spawn(move || drop(share.hold(2)))
        });
        drop(held);
        for it in borrowers {
            it.join().unwrap();
        }
        end(&owner, share);
    });
}
