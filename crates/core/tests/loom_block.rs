//! Model checks of the control block: the last drop against clones.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

#[path = "support/model.rs"]
mod model;

use interlane_core::AnyShare;
use loom::thread;
use model::{Log, Thing, owner};
use std::sync::Arc;

#[test]
fn every_use_happens_before_the_release() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let other = share.clone();
        let user = thread::spawn(move || {
            other.read();
            drop(other);
        });
        share.read();
        drop(share);
        // SAFETY: this thread is the owner.
        let early = unsafe { owner.drain() };
        assert_eq!(early, log.released());
        user.join().unwrap();
        // SAFETY: as above.
        assert_eq!(early + unsafe { owner.drain() }, 1);
        assert_eq!(log.released(), 1);
    });
}

#[test]
fn a_clone_that_races_with_a_drop_keeps_the_resource() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let other = share.clone();
        let cloning = thread::spawn(move || {
            let third = other.clone();
            drop(other);
            third.read();
            third
        });
        drop(share);
        // SAFETY: this thread is the owner.
        assert_eq!(unsafe { owner.drain() }, 0);
        let third = cloning.join().unwrap();
        assert_eq!((third.count(), log.released()), (1, 0));
        // SAFETY: as above.
        unsafe { third.drop_in(&owner) };
        assert_eq!(log.released(), 1);
    });
}

#[test]
fn an_upgrade_that_races_with_the_last_drop_gets_a_share_or_none() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let raw = share.as_any().as_raw();
        let dropping = thread::spawn(move || {
            share.read();
            drop(share);
        });
        // SAFETY: this thread is the owner, and has not released it.
        let upgraded = unsafe { AnyShare::upgrade(raw) };
        dropping.join().unwrap();
        let kept = upgraded.is_some();
        if let Some(thing) = upgraded.as_ref().and_then(AnyShare::downcast_ref::<Thing>) {
            thing.read();
        }
        // SAFETY: this thread is the owner.
        assert_eq!(unsafe { owner.drain() }, usize::from(!kept));
        drop(upgraded);
        // SAFETY: as above.
        assert_eq!(unsafe { owner.drain() }, usize::from(kept));
        assert_eq!(log.released(), 1);
    });
}

#[test]
fn two_last_drops_leave_one_release() {
    loom::model(|| {
        let (owner, log) = (owner(), Arc::new(Log::default()));
        let share = Thing::share(&owner, &log).unwrap();
        let droppers: Vec<_> = (0..2)
            .map(|_| {
                let share = share.clone();
                thread::spawn(move || drop(share))
            })
            .collect();
        // SAFETY: this thread is the owner.
        unsafe { share.drop_in(&owner) };
        for it in droppers {
            it.join().unwrap();
        }
        // SAFETY: as above.
        unsafe { owner.drain() };
        assert_eq!(log.released(), 1);
    });
}
