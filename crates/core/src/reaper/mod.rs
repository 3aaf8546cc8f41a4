//! The reaper: visits owners that have something to release and do not come
//! for it themselves.
//!
//! ```text
//!  last drop ──► inbox was empty ──► ring: owner onto the bell's list, wake
//!                                            │
//!             ┌── one thread listens ◄───────┘
//!             │   grace: a busy owner drains itself
//!             ▼
//!           queue ──► a thread takes one owner, calls another thread to
//!                     listen, enters the owner, drains
//! ```
//!
//! To enter an owner may take minutes, while it sits in one call with its lock
//! held. So a thread never enters without another one on its way to take its
//! place: whatever one owner does, the next one is served in a millisecond or
//! two. Threads beyond two that have nothing to do end.
//!
//! Dropping a share must not fail, so it starts no thread. They are started
//! when something is shared, and failing to is no error: the next time is as
//! good, and until then the owners drain themselves.

#[cfg(not(loom))]
mod bell;
#[cfg(not(loom))]
mod crew;
#[cfg(all(target_os = "linux", not(loom)))]
mod fork;

#[cfg(not(loom))]
pub(crate) use self::bell::Ring;
#[cfg(not(loom))]
pub(crate) use self::crew::ensure;

#[cfg(not(loom))]
use crate::{owner::Owner, primitive::Arc};

/// Has `owner` visited soon, unless it drains itself before. Allocates nothing,
/// takes no lock, and waits for nobody.
#[cfg(not(loom))]
pub(crate) fn ring(owner: Arc<Owner>) {
    bell::BELL.ring(owner);
}

/// Has those who rang visited without the grace. On the same terms as `ring`.
#[cfg(not(loom))]
pub(crate) fn hurry() {
    bell::BELL.hurry();
}

/// Has forks watched, for what nobody owns.
#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) fn watch_forks() {
    fork::watch();
}

/// A model has no reaper: its owners drain themselves.
#[cfg(loom)]
mod none {
    use crate::owner::Owner;
    use crate::primitive::Arc;

    #[derive(Debug)]
    pub(crate) struct Ring;

    impl Ring {
        pub(crate) fn new() -> Self {
            Self
        }
    }

    pub(crate) fn ring(owner: Arc<Owner>) {
        drop(owner);
    }

    pub(crate) fn hurry() {}

    pub(crate) fn ensure() {}
}
#[cfg(loom)]
pub(crate) use self::none::{Ring, ensure, hurry, ring};
