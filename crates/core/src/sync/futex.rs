//! A 32-bit word that threads can sleep on until it changes.
//!
//! Linux has this as a system call. Elsewhere, and under loom, a mutex and a
//! condition variable beside the word play the same part.

#[cfg(all(target_os = "linux", not(loom)))]
#[path = "futex/linux.rs"]
mod imp;
#[cfg(any(loom, not(target_os = "linux")))]
#[path = "futex/portable.rs"]
mod imp;

pub(crate) use self::imp::Futex;

/// Why [`Futex::wait`] returned. The caller looks at the word again whatever
/// the answer is: a wake-up may be meant for somebody before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woke {
    /// The word had another value, somebody called `wake`, or for no reason.
    Called,
    /// The deadline has passed.
    TimedOut,
    /// A signal handler ran on this thread.
    #[cfg_attr(
        any(loom, not(target_os = "linux")),
        expect(dead_code, reason = "only a system call reports signals")
    )]
    Interrupted,
}
