//! Shares: counted links to a resource that belongs to an [`Owner`].
//!
//! ```text
//!   Share<R> ──┐      ┌─ header ───────────┬─ resource ─┐
//!   Share<R> ──┼────► │ count, owner, link │     R      │   one allocation
//!   Share<R> ──┘      └────────┬───────────┴────────────┘
//!                              └────► inbox of the owner, at the last drop
//! ```
//!
//! A [`Share`] knows the type of its resource, an [`AnyShare`] does not; either
//! is the same one word, and turns into the other.
//!
//! A share may be cloned and dropped on any thread. Neither takes a lock, a
//! system call or memory, and none of the resource's own code runs; the last
//! drop leaves the block in the owner's inbox, and the owner releases the
//! resource under its own lock.

pub(crate) mod block;
mod erased;
mod held;
mod holders;
pub(crate) mod live;
mod resource;
mod typed;

pub use self::erased::AnyShare;
pub use self::held::Held;
pub use self::resource::{Fate, Resource};
pub use self::typed::Share;
