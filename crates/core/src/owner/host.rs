//! What an embedder provides for each owner.

/// Something with a lock that can be entered to run releases: an interpreter,
/// a Lua state, a structure behind a mutex.
///
/// A host is dropped with its owner's record, on whichever thread lets go of
/// that last. It may be one that drops a share: to drop the host must not
/// block.
///
/// # A lock that lets several threads in
///
/// What an embedder calls its lock may let several threads in at once, as
/// being attached to an interpreter without a GIL does. Then resources are
/// shared and released by several threads at once, each resource by one of
/// them, and [`Resource`](crate::Resource)'s own code has to bear that. Only
/// [`Owner::abandon`](crate::Owner::abandon) is alone in the owner.
///
/// # Safety
///
/// [`enter`](Self::enter) calls `work` while it holds the owner's lock, the
/// one that [`Resource::release`](crate::Resource::release) relies on, and
/// [`is_held`](Self::is_held) says yes only if that lock is the caller's.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// struct Locked(Arc<Mutex<()>>);
///
/// // SAFETY: this owner's lock is the mutex, and it is held around `work`.
/// unsafe impl interlane_core::Host for Locked {
///     fn enter(&self, work: &mut dyn FnMut()) {
///         let _held = self.0.lock();
///         work();
///     }
/// }
/// ```
pub unsafe trait Host: Send + Sync + 'static {
    /// Takes the owner's lock, calls `work` once, and gives the lock back; or,
    /// when it can no longer be taken, does nothing: the owner's end sees to
    /// what is left. Called on one of the reaper's threads, inside the owner's gate.
    ///
    /// May block for as long as the owner keeps its lock: other owners are
    /// served by other threads meanwhile. A panic is swallowed.
    fn enter(&self, work: &mut dyn FnMut());

    /// Whether the calling thread has the owner's lock although it is not in the
    /// owner: several may have one lock in common. Called by last drops, so it
    /// must not block; no is always right.
    fn is_held(&self) -> bool {
        false
    }

    /// The embedder's own number for the owner, for tables. Unlike
    /// [`Owner::generation`](crate::Owner::generation) it need not be unique.
    fn id(&self) -> u64 {
        0
    }
}
