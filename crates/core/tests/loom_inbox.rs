//! Model checks of the inbox: pushes against drains and against the closing.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

#[path = "support/model.rs"]
mod model;

use loom::thread;
use model::{Log, Thing, owner};
use std::sync::Arc;

#[test]
fn pushes_and_drains_release_each_once() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let droppers: Vec<_> = (0..2)
            .map(|_| {
                let share = Thing::share(&owner, &log).unwrap();
                thread::spawn(move || drop(share))
            })
            .collect();
        // SAFETY: this thread is the owner.
        let early = unsafe { owner.drain() };
        for it in droppers {
            it.join().unwrap();
        }
        // SAFETY: as above.
        assert_eq!(early + unsafe { owner.drain() }, 2);
        assert_eq!(log.released(), 2);
        assert!(!owner.has_pending());
    });
}

#[test]
fn a_push_against_the_closing_is_released_or_discarded() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let dropper = thread::spawn(move || {
            share.read();
            drop(share);
        });
        owner.close_gate();
        // SAFETY: this thread is the owner; nobody has entered.
        let orphans = unsafe { owner.abandon() };
        dropper.join().unwrap();
        assert_eq!(orphans.adopted, log.orphaned());
        assert_eq!(log.orphaned(), log.discarded());
        assert_eq!(log.released() + log.discarded(), 1);
    });
}

#[test]
fn two_pushes_against_the_closing_lose_nothing() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let droppers: Vec<_> = (0..2)
            .map(|_| {
                let share = Thing::share(&owner, &log).unwrap();
                thread::spawn(move || drop(share))
            })
            .collect();
        owner.close_gate();
        // SAFETY: this thread is the owner; nobody has entered.
        unsafe { owner.abandon() };
        for it in droppers {
            it.join().unwrap();
        }
        assert_eq!(log.orphaned(), log.discarded());
        assert_eq!(log.released() + log.discarded(), 2);
    });
}

#[test]
fn a_push_does_not_touch_a_record_that_its_release_has_freed() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let dropper = thread::spawn(move || drop(share));
        // SAFETY: this thread is the owner.
        while unsafe { owner.drain() } == 0 {
            thread::yield_now();
        }
        drop(owner);
        dropper.join().unwrap();
        assert_eq!(log.released(), 1);
    });
}
