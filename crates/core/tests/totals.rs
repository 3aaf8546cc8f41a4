//! What all owners have counted, while records are made and freed. The one test
//! of this file: nobody else in its process shares anything.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Counters, totals};
use std::thread;
use support::runtime::Runtime;

/// An owner that releases one resource and leaves one behind, whose last drop
/// frees the record.
fn an_owner_comes_and_goes() {
    let runtime = Runtime::new();
    let (released, orphaned) = (runtime.share(1), runtime.share(2));
    {
        let _held = runtime.hold();
        // SAFETY: the lock is held.
        unsafe { released.drop_in(&runtime.owner) };
    }
    runtime.end();
    drop(runtime);
    drop(orphaned);
}

fn parts(totals: &Counters) -> [u64; 4] {
    [
        totals.created,
        totals.released,
        totals.orphaned,
        totals.entries,
    ]
}

#[test]
fn totals_never_shrink_while_records_are_freed() {
    const THREADS: u64 = 2;
    const ROUNDS: u64 = 20_000;
    thread::scope(|scope| {
        let owners = [(); THREADS as usize]
            .map(|()| scope.spawn(|| (0..ROUNDS).for_each(|_| an_owner_comes_and_goes())));
        let mut before = totals();
        while !owners.iter().all(thread::ScopedJoinHandle::is_finished) {
            let now = totals();
            assert!(
                parts(&before)
                    .iter()
                    .zip(parts(&now))
                    .all(|(&old, new)| old <= new),
                "{before:?}, then {now:?}"
            );
            assert_eq!(now.created, now.live + now.released + now.orphaned);
            before = now;
        }
    });
    let counted = totals();
    let all = THREADS * ROUNDS;
    assert_eq!(parts(&counted)[..3], [2 * all, all, all]);
    assert_eq!((counted.live, counted.nbytes), (0, 0));
}
