//! How a thread waits: a word to sleep on, and spinning before sleeping. And
//! the time.

pub(crate) mod clock;
pub(crate) mod futex;
pub(crate) mod spin;
pub(crate) mod wait;
