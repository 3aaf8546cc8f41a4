//! Owners: something with a lock, whose resources are used elsewhere.
//!
//! One record for each owner. The owner's program holds it, and so does every
//! share, so it outlives both. Its life:
//!
//! | state | gate | new shares | inbox | last drop of a share |
//! |---|---|---|---|---|
//! | [`Open`](OwnerState::Open) | open | yes | open | pushed, released in the owner |
//! | [`Closing`](OwnerState::Closing) | closed | refused | open | pushed, released or discarded by `abandon` |
//! | [`Gone`](OwnerState::Gone) | closed | refused | closed | discarded where it happens, or by who is looking at the list |
//!
//! An owner ends in three steps, so that it can wait without its lock and
//! clean up with it:
//!
//! ```text
//! close_gate()            nobody gets in any more
//! wait_until_empty()      without the lock: who is inside needs it to get out
//! abandon()               with the lock: release what came back, orphan the rest
//! ```

mod counters;
mod ending;
mod gate;
mod graves;
mod host;
mod inbox;
mod release;
mod returns;
mod shares;
mod stack;
mod table;
mod tally;

pub use self::counters::Counters;
pub use self::ending::Orphans;
pub use self::host::Host;
pub use self::shares::{ShareInfo, ShareState, shares};
pub use self::table::{owners, totals};

#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) use self::table::{Table, lock_table};

use self::gate::Gate;
use self::inbox::Inbox;
use self::stack::Stack;
use self::tally::Tally;
use crate::primitive::{Arc, AtomicBool, Mutex};
use crate::reaper::Ring;
use crate::share::live::Live;
use crate::sync::futex::Futex;
use std::fmt;

/// The record of an owner. Always handled as `Arc<Owner>`.
pub struct Owner {
    generation: u64,
    host: Box<dyn Host>,
    gate: Gate,
    inbox: Inbox,
    /// Never held while a resource's own code runs. Taken through `with_live`
    /// and `sweep` only.
    live: Mutex<Live>,
    /// Changes whenever something has happened that a thread in
    /// `wait_released` waits for.
    news: Futex,
    /// Orphans that are to be taken out of `live` and discarded.
    graves: Stack,
    /// Set by `abandon` before it looks at what is left. Read and written
    /// under the owner's lock only, written by one who is alone in the owner.
    ending: AtomicBool,
    /// This owner's link in the reaper's list.
    #[cfg_attr(loom, expect(dead_code, reason = "models have no reaper"))]
    pub(crate) ring: Ring,
    /// What the table knows when the record is freed, kept up by `with_live`.
    /// The last field: once it is given up, nothing is counted any more.
    tally: Arc<Tally>,
}

/// What an owner still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OwnerState {
    /// Everything.
    Open,
    /// Nobody gets in, nothing new is shared.
    Closing,
    /// It has ended; its record is kept by those who still hold shares.
    Gone,
}

/// Leave to be in an owner. As long as it exists, the owner does not end.
#[derive(Debug)]
#[must_use = "a pass that is dropped at once keeps nothing open"]
pub struct Pass<'a> {
    owner: &'a Owner,
}

impl Owner {
    /// Makes the record of an owner that is entered through `host`.
    pub fn new(host: Box<dyn Host>) -> Arc<Self> {
        let owner = Arc::new(Self {
            generation: table::next_generation(),
            host,
            gate: Gate::new(),
            inbox: Inbox::new(),
            live: Mutex::new(Live::new()),
            news: Futex::new(0),
            graves: Stack::new(),
            ending: AtomicBool::new(false),
            ring: Ring::new(),
            tally: Arc::new(Tally::new()),
        });
        table::register(&owner);
        owner
    }

    /// The owner's number: counted from 1 in each process, never reused.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The embedder's own number for it, see [`Host::id`].
    pub fn id(&self) -> u64 {
        self.host.id()
    }

    /// What the owner still does.
    pub fn state(&self) -> OwnerState {
        if self.inbox.is_closed() {
            OwnerState::Gone
        } else if self.gate.is_closing() {
            OwnerState::Closing
        } else {
            OwnerState::Open
        }
    }

    /// Enters through the gate, or says that it is closed. Takes no lock: the
    /// owner's own lock is for the caller to take afterwards.
    pub fn enter(&self) -> Option<Pass<'_>> {
        // Lazily: a pass that is made is given back.
        self.gate.enter().then(|| Pass { owner: self })
    }

    /// Gives back the pass of a thread that never will: one that its runtime
    /// has stopped for good on its way to the owner's lock, outside of the
    /// owner. To be called once for each such thread.
    pub fn forfeit(&self) {
        self.gate.leave();
    }

    /// Closes the gate: nobody enters and nothing is shared any more. May be
    /// called again, to no effect.
    pub fn close_gate(&self) {
        // The list first: a share is either in it by now or will be refused.
        self.with_live(|live| live.closed = true);
        self.gate.close();
    }

    /// Blocks until everybody who was inside has left. To be called after
    /// [`close_gate`](Self::close_gate) and without the owner's lock, which
    /// those inside may be waiting for.
    pub fn wait_until_empty(&self) {
        self.gate.wait_until_empty();
    }

    /// Whether anything waits to be released, in one relaxed load: cheap
    /// enough to ask at every call into the owner.
    pub fn has_pending(&self) -> bool {
        self.inbox.has_any()
    }
}

/// What the reaper does with an owner.
#[cfg(not(loom))]
impl Owner {
    /// Takes a pass for a visit and counts it, if there is anything to do.
    pub(crate) fn admit_reaper(&self) -> bool {
        let admitted = self.has_pending() && self.gate.enter();
        if admitted {
            self.tally.enter();
        }
        admitted
    }

    /// Makes the visit; everything in the inbox is released.
    pub(crate) fn visit(&self) {
        self.host.enter(&mut || {
            // SAFETY: `Host` promises that the owner's lock is held here.
            unsafe { self.drain() };
        });
    }

    /// Gives the pass of a visit back.
    pub(crate) fn dismiss_reaper(&self) {
        self.gate.leave();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.owner.gate.leave();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // An owner that was never abandoned, with blocks in its inbox: nobody
        // is in it who could release them, nobody told them to do without
        // it. All that is safe is to leave them where they are.
        drop(self.inbox.close());
        // Orphans are all discarded by now, or there would be a sweeper with a
        // reference to us.
        self.with_live(Live::abandon);
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner")
            .field("generation", &self.generation)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
