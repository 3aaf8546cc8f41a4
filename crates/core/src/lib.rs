//! Counted shares, inboxes and channels between isolated runtimes.
//!
//! Some programs run several isolated runtimes in one process: interpreters,
//! Lua states, anything whose objects may be touched only under that
//! runtime's own lock. This crate lets them share what they own, and talk. It
//! knows nothing of any one of them: an embedder says how a runtime is entered
//! ([`Host`]) and how a thing is let go of ([`Resource`]).
//!
//! ```text
//!    runtime A (owner)                no runtime                runtime B (borrower)
//!
//!    resource ◄──────────── control block ◄──── count ──────────────── Share
//!                               │  ▲ link                                │
//!          send ──► queue ──────┼──┼──────────────────────────► recv     │
//!                               ▼  │                                     │
//!                       inbox of A: ○─►○─►○  ◄─────── last drop ─────────┘
//!                               ▲
//!                    A itself, or the reaper inside A's gate: release
//! ```
//!
//! * **Shares.** A [`Share`] is a counted link to a resource of an [`Owner`].
//!   An [`AnyShare`] is one of a type unknown, a [`Held`] is counted for a
//!   borrower. Dropping the last one, anywhere, leaves the resource in the owner's
//!   inbox: without a lock, memory, or a system call that could wait. The
//!   owner releases it under its own lock, the next time that it
//!   [drains](Owner::drain) its inbox. If it does not come by soon, because it
//!   is idle or busy with other things, a reaper thread enters it through its
//!   gate. Each resource is released exactly once.
//! * **Ends.** An owner may end while its resources are in use. It closes its
//!   gate, waits for visitors to leave, and [abandons](Owner::abandon) what is
//!   left, which then stands on its own.
//! * **Channels.** A [`channel()`] moves items between threads, whatever runtime
//!   they are in: any number of senders and receivers, bounded or not, with
//!   deadlines, interruption by signals, and ends that can be closed while
//!   others wait.
//! * **Pages.** [`Pages`] are read-only bytes that belong to no runtime; each
//!   may map them for itself, right behind the header of an object.
//! * **Notes.** A [`Note`] is a small text on its way from one thread to
//!   another, torn off the writer's [`Pad`].
//! * **Frozen values.** Plain data in one block of memory, which any thread reads
//!   and looks things up in as it is: see [`frozen`].
//! * **Locks.** A [`Lock`], a [`ReentrantLock`], a [`Semaphore`], an [`Event`],
//!   a [`Condition`], a [`Barrier`] and a [`Number`], with the same ways to
//!   wait. A lock whose holder's runtime ends is known to be lost.
//!
//! # Examples
//!
//! A string that belongs to one thread's locked state, read by another:
//!
//! ```
//! use interlane_core::{Fate, Host, Owner, Resource, Share, Wait, channel};
//! use std::sync::{Arc, Mutex};
//! use std::thread;
//!
//! struct Runtime(Arc<Mutex<Vec<&'static str>>>);
//!
//! // SAFETY: the lock of this owner is the mutex.
//! unsafe impl Host for Runtime {
//!     fn enter(&self, work: &mut dyn FnMut()) {
//!         let _held = self.0.lock();
//!         work();
//!     }
//! }
//!
//! struct Text(String);
//!
//! impl Resource for Text {
//!     fn release(self) { /* in the owner, under its lock */ }
//!     fn orphan(&self) -> Fate { Fate::Adopted }
//!     fn discard(self) {}
//! }
//!
//! let owner = Owner::new(Box::new(Runtime(Arc::default())));
//! let (sender, receiver) = channel::<Share<Text>>(None);
//! let reader = thread::spawn(move || receiver.recv(&Wait::forever()).unwrap().0.len());
//!
//! let share = Share::new(&owner, Text("x".repeat(1000)), 1000).ok().unwrap();
//! sender.try_send(share).unwrap();
//! assert_eq!(reader.join().unwrap(), 1000);
//! ```
//!
//! # Embedding
//!
//! What another runtime has to provide, and where:
//!
//! 1. For each of its instances an [`Owner`], made with a [`Host`] that takes
//!    the instance's lock. It is kept as long as the instance lives.
//! 2. For each kind of thing that it shares a [`Resource`]: what borrowers
//!    read, and one reference that `release` gives back. Memory is what is
//!    easiest to share, in as many areas as it takes; it must stay where it is
//!    until then. A resource that wants its owner told does that in `release`.
//! 3. An object of its own around a [`Held`] (or its two raw words), with the
//!    instance's number as holder. Its destructor drops it, and
//!    [`drop_in`](Held::drop_in) spares the reaper a visit where the instance
//!    may be the owner.
//! 4. On some of the instance's own ways into the embedder's code:
//!    [`drain`](Owner::drain) when [`has_pending`](Owner::has_pending).
//! 5. At the instance's end: [`wait_released`](Owner::wait_released) if it can
//!    afford that, [`close_gate`](Owner::close_gate),
//!    [`wait_until_empty`](Owner::wait_until_empty) without its lock,
//!    [`abandon`](Owner::abandon) with it.
//!
//! `examples/embedder.rs` does all of this with a mutex for a runtime. What is
//! shared at any time is in [`shares()`] and [`totals()`].
//!
//! # Rules of this crate
//!
//! 1. To drop a share never allocates, never waits, never fails, and runs none
//!    of the embedder's code but `discard` (for unowned shares, `release`).
//! 2. No lock of the crate is held while code of the embedder runs, or while a
//!    lock of the embedder is taken.
//! 3. Nobody is in an owner without a pass through its gate, except the owner.
//! 4. An operation on a channel that need not wait makes no system call,
//!    unless it has a sleeping thread to wake.
//!
//! The model checks in `tests/loom_*.rs` hold the parts to that; a channel is
//! one critical section so that they can.

mod area;
mod channel;
pub mod frozen;
mod notes;
mod owner;
mod pages;
mod primitive;
mod reaper;
mod share;
mod sync;

pub use self::area::{Memory, Pins};
pub use self::channel::{
    Channel, Handle, Notify, Op, Receiver, Refused, Select, SelectError, Selected, SendError,
    Sender, Statistics, WeakChannel, channel, channel_with,
};
pub use self::notes::{Note, Pad, Slip};
pub use self::owner::{
    Counters, Host, Orphans, Owner, OwnerState, Pass, ShareInfo, ShareState, owners, shares, totals,
};
pub use self::pages::{Alias, Filling, LEAST_ALIAS, Pages};
pub use self::share::{AnyShare, Fate, Held, Resource, Share};
pub use self::sync::barrier::{Arrival, Barrier, Party, Passage, Trip};
pub use self::sync::event::{Condition, Event};
pub use self::sync::line::{Outcome, Waiting, Who};
pub use self::sync::lock::{Lock, ReentrantLock};
pub use self::sync::number::Number;
pub use self::sync::permits::{ReleaseError, Taking};
pub use self::sync::place::Place;
pub use self::sync::rwlock::{Busy, Joining, Mode, ReadWriteLock};
pub use self::sync::semaphore::Semaphore;
pub use self::sync::wait::{Abandon, Parked, Wait};
