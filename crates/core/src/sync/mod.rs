//! How a thread waits: a word to sleep on, and spinning before sleeping. What
//! it waits with: locks and their kin. And the time.

pub(crate) mod barrier;
pub(crate) mod clock;
#[cfg(not(loom))]
mod cpus;
pub(crate) mod event;
pub(crate) mod futex;
pub(crate) mod line;
pub(crate) mod lock;
pub(crate) mod number;
pub(crate) mod permits;
pub(crate) mod place;
pub(crate) mod rwlock;
pub(crate) mod semaphore;
pub(crate) mod spin;
pub(crate) mod wait;
