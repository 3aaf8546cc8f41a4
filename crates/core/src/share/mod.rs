//! Shares: counted links to a resource that belongs to an [`Owner`].
//!
//! ```text
//!   Share<R> ──┐      ┌─ header ───────────┬─ resource ─┐
//!   AnyShare ──┼────► │ count, owner, link │     R      │   one allocation
//!   Held ──────┘      └────────┬───────────┴────────────┘
//!                              └────► inbox of the owner, at the last drop
//! ```
//!
//! A [`Share`] knows the type of its resource, an [`AnyShare`] does not; either
//! is the same one word, and turns into the other. A [`Held`] is counted for a
//! borrower too.
//!
//! A resource costs 112 bytes more shared than not, on 64-bit machines, and 16
//! for each borrower that holds it together with others.
//!
//! A share may be cloned and dropped on any thread. Neither takes a lock, a
//! system call or memory, and none of the resource's own code runs; the last
//! drop leaves the block in the owner's inbox, and the owner releases the
//! resource under its own lock. Where that lock is one that several owners have
//! in common, and the thread has it, a plain resource is released on the spot.

pub(crate) mod block;
pub(crate) mod count;
mod erased;
mod held;
mod holders;
pub(crate) mod live;
pub(crate) mod process;
mod resource;
mod typed;

pub use self::erased::AnyShare;
pub use self::held::Held;
pub use self::resource::{Fate, Resource};
pub use self::typed::Share;
