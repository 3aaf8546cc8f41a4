//! A place in a line that no thread waits in.

use super::line::{Outcome, Waiter, Waiters, Who};
use crate::channel::Notify;
use crate::primitive::Arc;

/// A call that waits for a lock or one of its kin without a thread: whoever
/// comes to it tells its [`Notify`], and then the embedder looks.
///
/// What the call waits for has the methods to begin it, to look and to
/// [give it up](crate::Event::leave). Dropped without that, it stays in line,
/// and what it is given is lost.
#[derive(Debug)]
#[must_use = "it has to be given up"]
pub struct Place(pub(super) Arc<Waiter>);

impl Place {
    /// At the end of the line, which is locked.
    pub(super) fn enlist(
        waiters: &mut Waiters,
        who: Who,
        tag: u64,
        notify: Arc<dyn Notify>,
    ) -> Self {
        let waiter = Waiter::notifying(who, tag, notify);
        waiters.push_back(Arc::clone(&waiter));
        Self(waiter)
    }

    /// How the wait was completed, once it was.
    pub fn outcome(&self) -> Option<Outcome> {
        self.0.outcome()
    }
}
