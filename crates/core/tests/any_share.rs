//! Shares that have forgotten of what.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{AnyShare, Fate, Host, Owner, Resource, Share};
use std::borrow::Cow;
use std::sync::Arc;
use std::thread;
use support::runtime::{Log, Runtime, Thing};

/// Of the same size and behaviour as [`Second`]: only its type is another.
struct First(u32);
struct Second(u32);

impl Resource for First {
    fn release(self) {}
    fn orphan(&self) -> Fate {
        Fate::Adopted
    }
    fn discard(self) {}
    fn kind(&self) -> Cow<'static, str> {
        format!("first {}", self.0).into()
    }
}

impl Resource for Second {
    fn release(self) {}
    fn orphan(&self) -> Fate {
        Fate::Adopted
    }
    fn discard(self) {}
}

#[test]
fn the_type_is_forgotten_and_known_again() {
    let first = Share::unowned(First(1), 10).erase();
    let second = Share::unowned(Second(2), 20).erase();
    assert!(first.is::<First>() && !first.is::<Second>());
    assert_eq!(second.downcast_ref::<Second>().map(|it| it.0), Some(2));
    assert!(second.downcast_ref::<First>().is_none());
    let first = first.downcast::<Second>().unwrap_err();
    assert_eq!(first.count(), 1, "a failed downcast gives the share back");
    assert_eq!(first.downcast::<First>().unwrap().0, 1);
}

#[test]
fn what_is_known_without_the_type() {
    let runtime = Runtime::new();
    let share = runtime.share(10);
    let any: &AnyShare = share.as_any();
    assert_eq!((any.nbytes(), any.count(), any.kind()), (10, 1, "thing"));
    assert!(Arc::ptr_eq(any.owner().unwrap(), &runtime.owner));
    let other = share.clone().erase();
    assert!(any.ptr_eq(&other) && !any.ptr_eq(runtime.share(1).as_any()));
    assert_eq!(any.count(), 2);
    assert_eq!(Share::unowned(First(7), 0).as_any().kind(), "first 7");
    assert_eq!(Share::unowned(Second(7), 0).as_any().kind(), "", "unsaid");
}

#[test]
fn ids_are_of_the_resource_and_never_used_again() {
    let (first, second) = (
        Share::unowned(First(1), 0).erase(),
        Share::unowned(First(1), 0),
    );
    assert!(first.id() >= 1);
    assert_eq!(first.id(), first.clone().id());
    assert!(second.id() > first.id());
    let last = second.id();
    drop((first, second));
    assert!(Share::unowned(Second(1), 0).id() > last);
}

#[test]
fn the_last_drop_releases_whichever_type_it_has() {
    let runtime = Runtime::new();
    let typed = runtime.share(1);
    let any = typed.clone().erase();
    let held = runtime.hold();
    drop(typed);
    assert!(!runtime.owner.has_pending());
    thread::spawn(move || drop(any)).join().unwrap();
    assert!(runtime.owner.has_pending());
    drop(held);
    support::eventually("released", || runtime.log.released() == 1);

    let any = runtime.share(1).erase();
    let held = runtime.hold();
    // SAFETY: the lock is held.
    unsafe { any.drop_in(&runtime.owner) };
    assert_eq!(runtime.log.released(), 2);
    drop(held);
}

#[test]
fn a_raw_pointer_may_forget_the_type_too() {
    let log = Arc::new(Log::default());
    let raw = Share::unowned(Thing::free(&log), 3).into_raw();
    // SAFETY: from `into_raw`, once.
    let any = unsafe { AnyShare::from_raw(raw) };
    assert_eq!((any.count(), any.nbytes()), (1, 3));
    let raw = any.into_raw();
    // SAFETY: from `into_raw`, once, of a share of this type.
    drop(unsafe { Share::<Thing>::from_raw(raw) });
    assert_eq!(log.released(), 1);
}

#[test]
fn a_host_may_number_its_owner() {
    struct Numbered;
    // SAFETY: no other thread is in this owner.
    unsafe impl Host for Numbered {
        fn enter(&self, work: &mut dyn FnMut()) {
            work();
        }
        fn id(&self) -> u64 {
            42
        }
    }
    assert_eq!(Owner::new(Box::new(Numbered)).id(), 42);
    assert_eq!(Runtime::new().owner.id(), 0);
}
