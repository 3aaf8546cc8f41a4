//! Two "interpreters", each a structure behind a mutex of its own. One shares
//! a large string, the other reads it without a copy, and the first is told
//! when nobody uses it any more.
//!
//! ```text
//! cargo run -p interlane-core --example embedder
//! ```
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Fate, Host, Owner, Resource, Share, Wait, channel};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// An interpreter: a lock, what may be touched only under it, and a record.
struct Interpreter {
    heap: Arc<Heap>,
    owner: Arc<Owner>,
}

#[derive(Default)]
struct Heap {
    lock: Mutex<()>,
    /// References to the string. Atomic for the compiler's sake only, which
    /// does not know that the lock is held.
    references: AtomicUsize,
}

impl Heap {
    fn hold(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the number of references, as only those may who hold the lock.
    fn count(&self, difference: isize) -> usize {
        assert!(self.lock.try_lock().is_err(), "outside of the owner");
        let references = self.references.load(Ordering::Relaxed);
        let references = references.wrapping_add_signed(difference);
        self.references.store(references, Ordering::Relaxed);
        references
    }
}

impl Interpreter {
    fn new() -> Self {
        let heap = Arc::<Heap>::default();
        let owner = Owner::new(Box::new(Door(Arc::clone(&heap))));
        Self { heap, owner }
    }

    /// Shares a string, which takes one reference to it.
    fn share(&self, name: &'static str, text: &Arc<str>) -> Share<Text> {
        let _held = self.heap.hold();
        self.heap.count(1);
        let text = Text {
            name,
            text: Arc::clone(text),
            heap: Arc::clone(&self.heap),
        };
        let nbytes = text.text.len();
        match Share::new(&self.owner, text, nbytes) {
            Ok(share) => share,
            Err(text) => panic!("the owner of {} is closing", text.name),
        }
    }
}

/// How the reaper gets into an interpreter.
struct Door(Arc<Heap>);

// SAFETY: an interpreter's lock is the mutex of its heap, which is held.
unsafe impl Host for Door {
    fn enter(&self, work: &mut dyn FnMut()) {
        let _held = self.0.hold();
        work();
    }
}

/// A string of an interpreter.
struct Text {
    name: &'static str,
    text: Arc<str>,
    heap: Arc<Heap>,
}

impl Resource for Text {
    fn release(self) {
        let left = self.heap.count(-1);
        println!(
            "owner:    the last share of {:?} has gone, {left} reference(s) left",
            self.name
        );
    }

    fn orphan(&self) -> Fate {
        println!(
            "owner:    ends while {:?} is in use, leaves it behind",
            self.name
        );
        Fate::Adopted
    }

    fn discard(self) {
        println!(
            "anywhere: the last share of orphan {:?} has gone",
            self.name
        );
    }
}

fn main() {
    let alice = Interpreter::new();
    let (sender, receiver) = channel::<Share<Text>>(Some(4));

    let bob = thread::spawn(move || {
        let mut kept = None;
        while let Ok(share) = receiver.recv(&Wait::forever()) {
            let words = share.text.split_whitespace().count();
            println!(
                "borrower: {:?} has {words} words, {} bytes at {:p}",
                share.name,
                share.nbytes(),
                share.text.as_ptr(),
            );
            kept = Some(share); // the one before is dropped
        }
        kept
    });

    let text: Arc<str> = "all work and no play ".repeat(1_000_000).into();
    println!("owner:    {} bytes at {:p}", text.len(), text.as_ptr());
    for name in ["first", "second"] {
        sender
            .send(alice.share(name, &text), &Wait::forever())
            .unwrap_or_else(|error| panic!("{error}"));
    }
    drop(sender);
    let kept = bob.join().unwrap_or_else(|_| panic!("the borrower failed"));

    // Alice does nothing; the reaper enters her.
    while alice.owner.counters().released < 1 {
        thread::sleep(Duration::from_millis(1));
    }
    println!("owner:    {:?}", alice.owner.counters());

    // Alice ends, while one string is still in use.
    alice.owner.close_gate();
    alice.owner.wait_until_empty();
    let held = alice.heap.hold();
    // SAFETY: the lock is held, the gate is closed and empty.
    let orphans = unsafe { alice.owner.abandon() };
    println!("owner:    gone, {orphans:?}");
    drop(held);
    drop(kept);
    println!("process:  {:?}", interlane_core::totals());
}
