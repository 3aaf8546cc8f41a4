//! How a thread waits: a word to sleep on, and spinning before sleeping.

pub(crate) mod futex;
pub(crate) mod spin;
