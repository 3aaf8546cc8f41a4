//! How a thread waits: a word to sleep on, and spinning before sleeping. And
//! the time.

pub(crate) mod clock;
#[cfg(not(loom))]
mod cpus;
pub(crate) mod futex;
pub(crate) mod spin;
pub(crate) mod wait;
