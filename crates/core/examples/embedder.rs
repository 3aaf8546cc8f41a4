//! Two "interpreters", each a structure behind a mutex of its own. One shares
//! pictures, each of several areas of memory. The other reads them without a
//! copy, and the first is told when nobody uses one any more. Before it ends it
//! waits for the other, and when that takes too long, ends all the same.
//!
//! ```text
//! cargo run -p interlane-core --example embedder
//! ```
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{
    AnyShare, Fate, Held, Host, Owner, Receiver, Resource, Share, Wait, channel, shares,
};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Numbers of the interpreters, by which holders of shares are told apart.
const ALICE: u32 = 1;
const BOB: u32 = 2;

/// An interpreter: a lock, what may be touched only under it, and a record.
struct Interpreter {
    heap: Arc<Heap>,
    owner: Arc<Owner>,
}

#[derive(Default)]
struct Heap {
    lock: Mutex<()>,
    /// Pictures that are referred to. Atomic for the compiler's sake only, which
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
    fn new(id: u32) -> Self {
        let heap = Arc::<Heap>::default();
        let owner = Owner::new(Box::new(Door {
            id,
            heap: Arc::clone(&heap),
        }));
        Self { heap, owner }
    }

    /// Shares a picture, which takes one reference to it. `on_release` is
    /// called in this interpreter when all have gone.
    fn share(
        &self,
        name: &'static str,
        planes: [Vec<u8>; 3],
        on_release: impl FnOnce(&str) + Send + Sync + 'static,
    ) -> Share<Picture> {
        let _held = self.heap.hold();
        self.heap.count(1);
        let nbytes = planes.iter().map(Vec::len).sum();
        let picture = Picture {
            name,
            planes,
            heap: Arc::clone(&self.heap),
            on_release: Box::new(on_release),
        };
        match Share::new(&self.owner, picture, nbytes) {
            Ok(share) => share,
            Err(picture) => panic!("the owner of {} is closing", picture.name),
        }
    }
}

/// How the reaper gets into an interpreter.
struct Door {
    id: u32,
    heap: Arc<Heap>,
}

// SAFETY: an interpreter's lock is the mutex of its heap, which is held.
unsafe impl Host for Door {
    fn enter(&self, work: &mut dyn FnMut()) {
        let _held = self.heap.hold();
        work();
    }

    fn id(&self) -> u64 {
        self.id.into()
    }
}

/// A picture of an interpreter.
struct Picture {
    name: &'static str,
    /// Red, green and blue. Never written to, so that every thread may read.
    planes: [Vec<u8>; 3],
    heap: Arc<Heap>,
    on_release: Box<dyn FnOnce(&str) + Send + Sync>,
}

impl Picture {
    /// The memory that borrowers see.
    fn areas(&self) -> impl Iterator<Item = &[u8]> {
        self.planes.iter().map(Vec::as_slice)
    }
}

impl Resource for Picture {
    fn release(self) {
        self.heap.count(-1);
        (self.on_release)(self.name);
    }

    // The memory is the process's, so it needs nothing of its owner. What
    // does would have to be copied or given up here.
    fn orphan(&self) -> Fate {
        println!("alice: ends while {:?} is in use", self.name);
        self.heap.count(-1);
        Fate::Adopted
    }

    fn discard(self) {
        println!("       the last share of orphan {:?} has gone", self.name);
    }

    fn kind(&self) -> Cow<'static, str> {
        "picture".into()
    }
}

/// Reads what arrives. Keeps the last one, as an object of an interpreter
/// would: without its type, and counted for its holder.
fn bob(receiver: &Receiver<AnyShare>) -> Option<Held> {
    let mut kept = None;
    while let Ok(share) = receiver.recv(&Wait::forever()) {
        let held = share.hold(BOB);
        let Some(picture) = held.downcast_ref::<Picture>() else {
            continue;
        };
        let sums = picture
            .areas()
            .map(|area| area.iter().map(|&it| u64::from(it)).sum::<u64>());
        println!(
            "bob:   {:?} adds up to {:?}",
            picture.name,
            Vec::from_iter(sums)
        );
        kept = Some(held); // the one before is dropped
    }
    kept
}

fn main() {
    let alice = Interpreter::new(ALICE);
    let (sender, receiver) = channel(Some(4));
    let bob = thread::spawn(move || bob(&receiver));

    let (returned, returns) = std::sync::mpsc::channel();
    for (name, brightness) in [("dawn", 40), ("noon", 200)] {
        let returned = returned.clone();
        let planes = [1, 2, 3].map(|plane| vec![brightness / plane; 1 << 20]);
        let share = alice.share(name, planes, move |name| {
            println!("alice: {name:?} has come back");
            // Nobody may be listening any more.
            let _ = returned.send(());
        });
        sender
            .send(share.erase(), &Wait::forever())
            .unwrap_or_else(|error| panic!("{error}"));
    }
    drop(sender);
    let kept = bob.join().unwrap_or_else(|_| panic!("bob failed"));

    // Alice does nothing; the reaper enters her.
    let _ = returns.recv();
    for info in alice.owner.shares() {
        println!("alice: shares {info:?}");
    }

    // Alice ends: she gives Bob some time, closes, and leaves behind the rest.
    let wait = Wait::within(Duration::from_millis(10));
    if let Err(reason) = alice.owner.wait_released(ALICE, &wait) {
        println!("alice: something is still in use: {reason}");
    }
    alice.owner.close_gate();
    alice.owner.wait_until_empty();
    let held = alice.heap.hold();
    // SAFETY: the lock is held, the gate is closed and empty.
    let orphans = unsafe { alice.owner.abandon() };
    println!("alice: gone, {orphans:?}");
    drop(held);
    drop(alice);

    let orphans = shares();
    let orphan = &orphans[0];
    println!(
        "bob:   holds {} of {}",
        orphan.kind,
        orphan.owner.unwrap_or_default()
    );
    drop(kept);
    println!("all:   {:?}", interlane_core::totals());
}
