//! Channels: one queue, many senders, many receivers.
//!
//! ```text
//!  Sender ──┐   ┌────────────── Channel ──────────────┐   ┌──► Receiver
//!  Sender ──┼──►│ senders that wait │ queue │ receivers that wait │──┼──► Receiver
//!  Sender ──┘   └─────────────────────────────────────┘   └──► Receiver
//! ```
//!
//! Items leave in the order in which they came, each to one receiver. What a
//! channel may hold is its capacity: any number of items, a bounded number, or
//! none, in which case a send waits until a receiver takes the item out of its
//! hands. All three are the same short [critical sections](state):
//!
//! * A sender that finds a receiver waiting hands the item to it directly.
//! * A receiver that makes room moves the first waiting sender's item up.
//! * So receivers wait only while nothing is queued, and senders only while
//!   the queue is full.
//!
//! Whoever waits has a [waiter](waiter::Waiter) in one of the two lists. It is
//! completed and taken off under the lock, and woken after the lock was given
//! back. Giving up goes the other way: a wait that has timed out takes the
//! lock and either takes its waiter off, or finds it completed and has
//! succeeded after all. No item is ever lost between the two.
//!
//! # Handles
//!
//! A [`Sender`] or [`Receiver`] is one open end. When the last sender closes,
//! receivers get what is queued and then [`Refused::Ended`]. When the last
//! receiver closes, what is queued is dropped and senders get
//! [`Refused::Broken`] together with their item. A handle may be closed by one
//! thread while another waits through it; that wait, and no other, ends with
//! [`Refused::Closed`].

mod call;
mod error;
mod handle;
mod receiver;
mod seat;
mod select;
mod sender;
mod state;
mod wait;
mod waiter;
mod wakes;
mod whole;

pub use self::call::Notify;
pub use self::error::{Refused, SendError};
pub use self::receiver::Receiver;
pub use self::select::{Op, Select, SelectError, Selected};
pub use self::sender::Sender;

use self::handle::Handle;
use self::seat::Seat;
use self::state::{End, Locked, State};
use self::wakes::Wakes;
use self::whole::{Stash, Whole};
use crate::primitive::process::AtomicU64;
use crate::primitive::{Arc, Mutex, MutexGuard, Ordering};

use crate::sync::spin::{Spin, lock_soon};
use std::fmt;

/// Makes a channel. `capacity`: `None` for any number of items, `Some(0)` for
/// a rendezvous.
///
/// # Examples
///
/// ```
/// use interlane_core::{Refused, Wait, channel};
///
/// let (sender, receiver) = channel(Some(2));
/// sender.try_send("one").unwrap();
/// sender.try_send("two").unwrap();
/// assert_eq!(sender.try_send("three").unwrap_err().reason, Refused::Full);
///
/// drop(sender);
/// assert_eq!(receiver.recv(&Wait::forever()), Ok("one"));
/// assert_eq!(receiver.recv(&Wait::forever()), Ok("two"));
/// assert_eq!(receiver.recv(&Wait::forever()), Err(Refused::Ended));
/// ```
pub fn channel<T: Send + 'static>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    /// Sound as a static: only ever counted up.
    static IDS: AtomicU64 = AtomicU64::new(0);
    let channel = Arc::new(Channel {
        id: IDS.fetch_add(1, Ordering::Relaxed) + 1,
        capacity,
        senders: Senders {
            seat: Seat::new(),
            state: Mutex::new(State::new(capacity)),
        },
        stash: Mutex::new(Stash::new()),
        spin_send: Spin::new(),
        spin_recv: Spin::new(),
    });
    let (send, recv) = {
        let mut state = channel.lock();
        (state.open(End::Send), state.open(End::Recv))
    };
    (
        Sender::new(Arc::clone(&channel), Handle::new(send)),
        Receiver::new(channel, Handle::new(recv)),
    )
}

/// What the ends of a channel have in common.
pub struct Channel<T> {
    id: u64,
    capacity: Option<usize>,
    // No lock is ever held while an item is dropped, or anything of the
    // embedder runs.
    senders: Senders<T>,
    stash: Mutex<Stash<T>>,
    spin_send: Spin,
    spin_recv: Spin,
}

/// What a sender touches, on cache lines of its own.
#[repr(C, align(64))]
struct Senders<T> {
    seat: Seat<T>,
    state: Mutex<State<T>>,
}

/// A moment in the life of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Items that are queued.
    pub buffered: usize,
    /// Items that may be queued; `None` for any number.
    pub capacity: Option<usize>,
    /// Senders that have not closed.
    pub open_senders: usize,
    /// Receivers that have not closed.
    pub open_receivers: usize,
    /// Calls that wait for room.
    pub waiting_senders: usize,
    /// Calls that wait for an item.
    pub waiting_receivers: usize,
    /// Items that were sent: queued, or handed to a receiver.
    pub sent: u64,
    /// Items that were received.
    pub received: u64,
}

impl<T: Send + 'static> Channel<T> {
    /// The channel's number: counted from 1 in each process, never reused.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How many items may be queued; `None` for any number.
    pub fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// How many items are queued now.
    pub fn len(&self) -> usize {
        self.whole().queued()
    }

    /// Whether no item is queued now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The figures of one moment.
    pub fn statistics(&self) -> Statistics {
        self.whole().statistics()
    }

    /// A new sender; `None` once all senders or all receivers have closed.
    pub fn sender(self: &Arc<Self>) -> Option<Sender<T>> {
        let mut state = self.lock();
        if state.is_over(End::Send) || state.is_over(End::Recv) {
            return None;
        }
        let handle = Handle::new(state.open(End::Send));
        Some(Sender::new(Arc::clone(self), handle))
    }

    /// A new receiver; `None` once all receivers have closed. Without senders
    /// there may still be items.
    pub fn receiver(self: &Arc<Self>) -> Option<Receiver<T>> {
        let mut state = self.lock();
        if state.is_over(End::Recv) {
            return None;
        }
        let handle = Handle::new(state.open(End::Recv));
        Some(Receiver::new(Arc::clone(self), handle))
    }

    /// Looks through the queued items: `stays` may change one, and takes out
    /// those for which it says false. They count as received.
    ///
    /// `stays` runs under the channel's lock: it must be short, and must drop
    /// nothing. It moves what it takes out to where it is dropped afterwards.
    pub fn revise(&self, stays: impl FnMut(&mut T) -> bool) {
        let mut wakes = Wakes::new();
        self.whole().revise(stays, &mut wakes);
    }

    /// Reads what is next to the lock, for the processor to have it when the lock is taken. Of one channel after the
    /// other, it is fetched all at once; locks would wait for each other.
    #[cfg(not(loom))]
    fn fetch(&self) {
        let Senders { seat, state } = &self.senders;
        std::hint::black_box((seat.is_free(), state.is_poisoned()));
    }

    /// A model has no caches.
    #[cfg(loom)]
    fn fetch(&self) {}

    fn lock(&self) -> Locked<'_, T> {
        let Senders { seat, state } = &self.senders;
        Locked::new(lock_soon(state), seat)
    }

    fn stash(&self) -> MutexGuard<'_, Stash<T>> {
        lock_soon(&self.stash)
    }

    fn whole(&self) -> Whole<'_, T> {
        let stash = self.stash();
        Whole::new(stash, self.lock())
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("id", &self.id)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
