//! How a thread waits: a word to sleep on, and spinning before sleeping.

#[cfg(not(loom))]
mod cpus;
pub(crate) mod futex;
pub(crate) mod spin;
