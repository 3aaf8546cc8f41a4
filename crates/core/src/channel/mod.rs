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
mod capacity;
mod counted;
mod error;
mod handle;
mod line;
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
pub use self::select::{Handle, Op, Select, SelectError, Selected};
pub use self::sender::Sender;

use self::capacity::Capacity;
use self::counted::{Counted, Feeble};
use self::seat::Seat;
use self::state::{End, Locked, State};
use self::wakes::Wakes;
use self::whole::{Stash, Whole};
use crate::primitive::process::AtomicU64;
use crate::primitive::{Mutex, MutexGuard, Ordering, prefetch};
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
    channel_with(capacity, |_| ())
}

/// As [`channel`], with something of the embedder's in it. `context` is given the channel's id. What it returns is
/// dropped with the channel, which lives as long as any [`Sender`], [`Receiver`] or [`Channel`] of it, closed or not.
pub fn channel_with<T: Send + 'static, C>(
    capacity: Option<usize>,
    context: impl FnOnce(u64) -> C,
) -> (Sender<T, C>, Receiver<T, C>) {
    /// Sound as a static: only ever counted up.
    static IDS: AtomicU64 = AtomicU64::new(0);
    let id = IDS.fetch_add(1, Ordering::Relaxed) + 1;
    let channel = Channel(Counted::new(Body {
        senders: Senders {
            seat: Seat::new(),
            state: Mutex::new(State::new()),
        },
        receivers: Receivers {
            stash: Mutex::new(Stash::new()),
            spin_recv: Spin::new(),
            spin_send: Spin::new(),
        },
        id,
        capacity: Capacity::new(capacity),
        context: context(id),
    }));
    {
        let mut state = channel.lock();
        state.open(End::Send);
        state.open(End::Recv);
    }
    (Sender::new(channel.clone()), Receiver::new(channel))
}

/// What the ends of a channel have in common; a clone is the same channel. It
/// keeps none of them open.
pub struct Channel<T, C = ()>(Counted<Body<T, C>>);

/// A channel, as long as it exists.
pub struct WeakChannel<T, C = ()>(Feeble<Body<T, C>>);

/// Laid out by cache lines, see the [test](tests) of that: it begins at one.
#[repr(C)]
struct Body<T, C> {
    // No lock is ever held while an item is dropped, or anything of the
    // embedder runs.
    senders: Senders<T>,
    receivers: Receivers<T>,
    id: u64,
    capacity: Capacity,
    context: C,
}

/// What a sender touches: two lines.
#[repr(C)]
struct Senders<T> {
    seat: Seat<T>,
    state: Mutex<State<T>>,
}

/// What receivers keep from senders, and what is learned by waiting: one line.
#[repr(C)]
struct Receivers<T> {
    stash: Mutex<Stash<T>>,
    spin_recv: Spin,
    spin_send: Spin,
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

impl<T: Send + 'static, C> Channel<T, C> {
    /// The channel's number: counted from 1 in each process, never reused.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// How many items may be queued; `None` for any number.
    pub fn capacity(&self) -> Option<usize> {
        self.0.capacity.get()
    }

    /// What it was [made with](channel_with).
    pub fn context(&self) -> &C {
        &self.0.context
    }

    /// A reference that does not keep it.
    pub fn downgrade(&self) -> WeakChannel<T, C> {
        WeakChannel(self.0.feeble())
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
    pub fn sender(&self) -> Option<Sender<T, C>> {
        let mut state = self.lock();
        if state.is_over(End::Send) || state.is_over(End::Recv) {
            return None;
        }
        state.open(End::Send);
        Some(Sender::new(self.clone()))
    }

    /// A new receiver; `None` once all receivers have closed. Without senders
    /// there may still be items.
    pub fn receiver(&self) -> Option<Receiver<T, C>> {
        let mut state = self.lock();
        if state.is_over(End::Recv) {
            return None;
        }
        state.open(End::Recv);
        Some(Receiver::new(self.clone()))
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

    /// Asks for what a waiter is taken off under.
    fn prefetch(&self) {
        prefetch(&self.0.senders);
    }

    fn lock(&self) -> Locked<'_, T> {
        let Senders { seat, state } = &self.0.senders;
        Locked::new(lock_soon(state), seat, &self.0.capacity)
    }

    fn stash(&self) -> MutexGuard<'_, Stash<T>> {
        lock_soon(&self.0.receivers.stash)
    }

    fn whole(&self) -> Whole<'_, T> {
        let stash = self.stash();
        Whole::new(stash, self.lock())
    }
}

impl<T, C> WeakChannel<T, C> {
    /// The channel, if it still exists.
    pub fn upgrade(&self) -> Option<Channel<T, C>> {
        self.0.upgrade().map(Channel)
    }
}

impl<T, C> Clone for Channel<T, C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, C> PartialEq for Channel<T, C> {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }
}

impl<T, C> Eq for Channel<T, C> {}

impl<T, C> fmt::Debug for Channel<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("id", &self.0.id)
            .field("capacity", &self.0.capacity.get())
            .finish_non_exhaustive()
    }
}

impl<T, C> fmt::Debug for WeakChannel<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakChannel").finish_non_exhaustive()
    }
}

#[cfg(all(test, target_pointer_width = "64", target_os = "linux", not(loom)))]
mod tests {
    use super::{Body, Senders, State};
    use std::mem::offset_of;

    /// Of the size of what Python sends.
    enum Item {
        _Some(std::num::NonZeroU64, u64),
    }

    #[test]
    fn what_changes_hands_is_on_one_line_and_a_channel_takes_four() {
        const LINE: usize = 64;
        assert_eq!(offset_of!(Body<Item, ()>, senders), 0);
        let state = size_of::<Senders<Item>>() - size_of::<State<Item>>();
        assert_eq!(state + offset_of!(State<Item>, receivers), LINE);
        assert_eq!(offset_of!(Body<Item, ()>, receivers), 2 * LINE);
        assert_eq!(offset_of!(Body<Item, ()>, id), 3 * LINE);
        // With a context of three words, and two counts.
        assert!(size_of::<Body<Item, [usize; 3]>>() + 2 * size_of::<usize>() <= 4 * LINE);
    }
}
