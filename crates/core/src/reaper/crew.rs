//! The reaper's threads.
//!
//! They take turns: one listens to the bell, and when it has something to do
//! another one takes its place ("leader and followers").

use super::bell::BELL;
use crate::owner::Owner;
use crate::primitive::process::{AtomicBool, Condvar, Mutex, MutexGuard, lock, start};
use crate::primitive::{Arc, Ordering, whole};
use std::collections::VecDeque;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// Room for the embedder's code that a release may run. Address space: what
/// is not touched costs nothing.
const STACK: usize = 2 << 20;

/// Sound as a static: records of this crate, reached under the lock.
static CREW: Mutex<Crew> = Mutex::new(Crew::new());

/// Where the thread that neither listens nor visits sleeps. Sound as a static:
/// belongs to `CREW`.
static CALLED: Condvar = Condvar::new();

/// Whether somebody listens or will: spares `ensure` the lock. Sound as a
/// static: a hint, written under the lock of `CREW`.
static MANNED: AtomicBool = AtomicBool::new(false);

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Crew {
    /// Owners that have rung and wait for a thread.
    queue: VecDeque<Arc<Owner>>,
    /// Owners that a thread is in, or waits to get into, with a pass.
    visiting: Vec<Arc<Owner>>,
    /// A thread is at the bell.
    listening: bool,
    /// Threads that were started or called and have not come yet: at most
    /// one.
    coming: bool,
    /// A thread sleeps at `CALLED`: at most one.
    idle: bool,
    /// It has been called.
    called: bool,
}

/// Starts a thread unless there is one. Cheap when there is.
pub(crate) fn ensure() {
    if !MANNED.load(Ordering::Relaxed) {
        #[cfg(target_os = "linux")]
        super::fork::watch();
        lock_crew().call();
    }
}

/// Locks the crew.
pub(super) fn lock_crew() -> MutexGuard<'static, Crew> {
    lock(&CREW)
}

/// The life of a thread.
fn work() {
    let mut crew = lock_crew();
    crew.coming = false;
    loop {
        if let Some(owner) = crew.queue.pop_front() {
            owner.ring.answer();
            let admitted = crew.admit(&owner);
            drop(crew);
            if admitted {
                visit(&owner);
                lock_crew().dismiss(&owner);
            }
            // Outside the lock: it may be the last reference.
            drop(owner);
            crew = lock_crew();
        } else if !crew.listening {
            crew.listening = true;
            drop(crew);
            BELL.listen();
            crew = lock_crew();
            crew.listening = false;
            crew.queue.extend(BELL.collect());
        } else if !crew.idle {
            crew.idle = true;
            crew = whole(CALLED.wait_while(crew, |crew| !mem::take(&mut crew.called)));
            crew.coming = false;
        } else {
            return;
        }
    }
}

/// Enters an owner and drains it.
fn visit(owner: &Owner) {
    // Unwind safe: nothing of ours is behind it. `drain` keeps its own order.
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| owner.visit())) {
        // The hook has reported it. To drop what it carries could panic
        // again, and nothing may end this thread.
        mem::forget(panic::catch_unwind(AssertUnwindSafe(|| drop(payload))));
    }
}

impl Crew {
    const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            visiting: Vec::new(),
            listening: false,
            coming: false,
            idle: false,
            called: false,
        }
    }

    /// Gets a pass for a visit, if it is worth it. Then another thread is on
    /// its way to the bell.
    fn admit(&mut self, owner: &Arc<Owner>) -> bool {
        let admitted = owner.admit_reaper();
        if admitted {
            self.visiting.push(Arc::clone(owner));
            self.call();
        }
        admitted
    }

    /// Gives the pass of a visit back.
    fn dismiss(&mut self, owner: &Arc<Owner>) {
        let place = self.visiting.iter().position(|o| Arc::ptr_eq(o, owner));
        if let Some(place) = place {
            self.visiting.swap_remove(place);
            owner.dismiss_reaper();
        }
    }

    /// Sees to it that somebody listens, or is about to.
    fn call(&mut self) {
        if !self.listening && !self.coming {
            self.coming = if self.idle {
                self.idle = false;
                self.called = true;
                CALLED.notify_one();
                true
            } else {
                // Failing is no error: whoever visits now listens afterwards,
                // and `ensure` tries again.
                start("interlane-reaper", STACK, work)
            };
        }
        MANNED.store(self.listening || self.coming, Ordering::Relaxed);
    }

    /// Starts over in a child process, which has none of the threads. Owners
    /// that were about to be visited wait for the next thread, and passes of
    /// visits that were under way are given back.
    #[cfg(target_os = "linux")]
    pub(super) fn forked<'a>(&mut self, owners: impl Iterator<Item = &'a Arc<Owner>>) {
        for owner in &self.visiting {
            owner.dismiss_reaper();
        }
        self.queue.extend(BELL.collect());
        let old = mem::replace(self, Self::new());
        // A thread may have been anywhere between a push and its ring: what
        // counts is who has something in the inbox.
        for owner in owners {
            owner.ring.answer();
            if owner.has_pending() && owner.ring.set() {
                self.queue.push_back(Arc::clone(owner));
            }
        }
        drop(old);
        MANNED.store(false, Ordering::Relaxed);
    }
}
