//! Model checks of pins: uses against the closing.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::Pins;
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;

struct Used {
    pins: Pins,
    data: UnsafeCell<u32>,
}

// SAFETY: that nobody races for the data is what the models are about.
unsafe impl Send for Used {}
// SAFETY: as above.
unsafe impl Sync for Used {}

fn used() -> Arc<Used> {
    Arc::new(Used {
        pins: Pins::new(),
        data: UnsafeCell::new(0),
    })
}

#[test]
fn whoever_sees_the_end_has_it_alone() {
    loom::model(|| {
        let used = used();
        let user = {
            let used = Arc::clone(&used);
            thread::spawn(move || {
                if !used.pins.pin() {
                    return false;
                }
                // SAFETY: there is a pin. Loom checks that.
                used.data.with(|data| unsafe { *data });
                let last = used.pins.unpin();
                if last {
                    // SAFETY: closed, and the last pin has gone.
                    used.data.with_mut(|data| unsafe { *data += 1 });
                }
                last
            })
        };
        let first = used.pins.close();
        if first {
            // SAFETY: closed without pins.
            used.data.with_mut(|data| unsafe { *data += 1 });
        }
        let last = user.join().unwrap();
        assert!(first != last, "exactly one of them sees the end");
    });
}

#[test]
fn what_is_idle_closes_and_opens_again() {
    loom::model(|| {
        let used = used();
        let user = {
            let used = Arc::clone(&used);
            thread::spawn(move || {
                if used.pins.pin() {
                    // SAFETY: there is a pin. Loom checks that.
                    used.data.with(|data| unsafe { *data });
                    assert!(!used.pins.unpin());
                }
            })
        };
        if used.pins.close_if_idle() {
            // SAFETY: closed without pins.
            used.data.with_mut(|data| unsafe { *data += 1 });
            used.pins.reopen();
        }
        user.join().unwrap();
        assert_eq!(used.pins.count(), 0);
    });
}
