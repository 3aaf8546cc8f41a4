//! What can be shared.

use std::borrow::Cow;

/// Something that belongs to an [`Owner`](crate::Owner) and is used elsewhere.
///
/// ```text
///                    last share dropped
///    shared ───────────────────────────────► retire and release, in the owner
///      │                                     (plain: where its lock is held)
///      │
///      │ the owner ends first
///      ▼                last share dropped
///    orphan, in the owner ─────────────────► discard, anywhere
/// ```
pub trait Resource: Send + Sync + 'static {
    /// The last share has gone; the resource still is where it was shared.
    /// Called once before [`release`](Self::release), on the same terms: the
    /// moment to take it out of tables from which others get at it by
    /// [`AnyShare::upgrade`](crate::AnyShare::upgrade). Must not panic.
    fn retire(&self) {}

    /// The last share has gone: lets go of the resource. Called exactly once,
    /// in the owner, under its lock; for unowned shares on whichever thread
    /// dropped the last one.
    ///
    /// May run the embedder's code, share and drop other resources, and drain
    /// the owner again. A panic is carried to the end of the drain.
    fn release(self);

    /// Whether [`retire`](Self::retire) and [`release`](Self::release) run
    /// nobody else's code, wait for nobody, and ask for no more than the owner's
    /// lock. Then a last drop elsewhere makes them on the spot, if
    /// [`Host::is_held`](crate::Host::is_held) says that its thread has that
    /// lock. Asked there, under it, when no share is left.
    fn is_plain(&self) -> bool {
        false
    }

    /// The owner ends while shares are out: makes the resource independent of
    /// it, and says how far that went. Called at most once, in the owner,
    /// under its lock, while other threads use the shares. From then on
    /// [`discard`](Self::discard) takes the place of `release`.
    fn orphan(&self) -> Fate;

    /// The last share of an orphaned resource has gone. Called on any thread
    /// with no lock held: must not touch the owner, block, or panic.
    fn discard(self);

    /// What the resource is, for tables: the name of its type, say. Asked for
    /// once, when it is shared.
    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("")
    }
}

/// What becomes of a resource whose owner has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Its memory is freed with the last share.
    Adopted,
    /// Its memory stays valid, but cannot be freed any more.
    Pinned,
}
